/**
 * What a status means for the operation that got it: its name as a reason, and what may be done about it.
 *
 * Pure. Most statuses mean the same everywhere; the few that do not stand here. Sources: kv_engine docs/ErrorMap.md, `remapErrorCode` in
 * daemon/connection.cc for what servers make of newer statuses when XERROR was not negotiated, and what a 6.0 node answers to UNLOCK.
 */
import type { RetryClass } from "@wirewright/codec"
import { type ErrorMap, retryClassOf } from "./ErrorMap.ts"
import { Status, statusTable } from "./gen/Types.ts"

/** What KeyEexists means: there is such a document, it has another CAS, or nothing that this operation can meet. */
export type WhenExists = "Exists" | "CasMismatch" | "Never"

/** What of an operation and its connection the meaning depends on. */
export interface Context {
  /** Name of the command. */
  readonly operation: string
  readonly whenExists: WhenExists
  /** The connection has XERROR. */
  readonly xerror: boolean
}

/** A status, understood. */
export interface Meaning {
  /** Name of the reason. */
  readonly name: string
  readonly retry: RetryClass
}

const miss = (name: string): Meaning => ({ name, retry: "miss" })

const mismatch = miss("CasMismatch")
const exists = miss("Exists")
const notLocked = miss("NotLocked")
const locked: Meaning = { name: "Locked", retry: "retry" }

const unlocking = (status: number, map: ErrorMap, xerror: boolean): Meaning | undefined => {
  if (status === Status.Locked || status === Status.KeyEexists) return mismatch
  // servers before NotLocked, and all without XERROR, call it a temporary failure, which no repetition ends
  const tells = xerror && map.entries.has(Status.NotLocked)
  return status === Status.Etmpfail && !tells ? notLocked : undefined
}

/** Understands a status; without a context, as any operation would. */
export const meaningOf = (status: number, map: ErrorMap, context?: Context): Meaning => {
  if (context?.operation === "UnlockKey") {
    const meaning = unlocking(status, map, context.xerror)
    if (meaning !== undefined) return meaning
  }
  if (status === Status.KeyEnoent) return miss("NotFound")
  if (status === Status.KeyEexists) {
    if (context?.whenExists === "CasMismatch") return mismatch
    // without XERROR a lock is told this way
    return context?.whenExists === "Never" && !context.xerror ? locked : exists
  }
  return { name: statusTable[status]?.name ?? "UnknownStatus", retry: retryClassOf(status, map) }
}
