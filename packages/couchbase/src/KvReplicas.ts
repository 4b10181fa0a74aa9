/**
 * Reads of all copies of a document: of the active one and of its replicas, at the same time.
 *
 * A replica may have an older version than the active copy, or none yet. A copy that cannot be read is passed over as long as another one can.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { KvDispatch } from "./KvDispatch.ts"
import { InvalidRequest, type KvError, NoCopyInServerGroup } from "./KvError.ts"
import type { Document } from "./KvOperations.ts"
import type { ReadPreference } from "./KvOptions.ts"
import { unsent } from "./KvRequest.ts"

/** A document as one of its copies has it. */
export interface CopyOfDocument<A = Uint8Array> extends Document<A> {
  /** Whether it is a replica's. */
  readonly replica: boolean
}

/** What is read of one copy: whatever `read` reads, and whose it is. */
type Copy<A> = A & { readonly replica: boolean }

/** Reads a replica by its number, or the active copy. */
type Read<A> = (replica: number | undefined) => Effect.Effect<Option.Option<A>, KvError>

/** What is read of the copies of a document. */
export interface ReadOfCopies<A> {
  /** The operation's name. */
  readonly name: string
  readonly key: string
  readonly read: Read<A>
  readonly preference: ReadPreference | undefined
}

/** The copies that a preference means; at least one. */
const numbersOf = (
  { cluster }: KvDispatch,
  { key, name, preference = "all" }: Pick<ReadOfCopies<never>, "key" | "name" | "preference">
): Effect.Effect<ReadonlyArray<number | undefined>, KvError> => {
  const vbucket = cluster.vbucketOf(key)
  const all = cluster.copiesOf(vbucket)
  if (preference === "all") return Effect.succeed(all)
  const { preferredServerGroup: serverGroup } = cluster
  if (serverGroup === undefined) return unsent(name, key, new InvalidRequest({ message: "the client has no preferredServerGroup" }))
  const near = cluster.copiesOf(vbucket, serverGroup)
  if (near.length > 0) return Effect.succeed(near)
  return preference === "preferredServerGroup"
    ? unsent(name, key, new NoCopyInServerGroup({ vbucket, serverGroup }))
    : Effect.succeed(all)
}

const copies = <A extends object>(
  dispatch: KvDispatch,
  what: ReadOfCopies<A>
): Effect.Effect<ReadonlyArray<Effect.Effect<Option.Option<Copy<A>>, KvError>>, KvError> =>
  Effect.map(
    Effect.suspend(() => numbersOf(dispatch, what)),
    (numbers) => numbers.map((replica) => Effect.map(what.read(replica), Option.map((one) => ({ ...one, replica: replica !== undefined }))))
  )

/** What the copies have; those that have nothing, or cannot be read, are left out. Fails when none can be read. */
export const readAllCopies = <A extends object>(
  dispatch: KvDispatch,
  what: ReadOfCopies<A>
): Effect.Effect<ReadonlyArray<Copy<A>>, KvError> =>
  Effect.flatMap(
    copies(dispatch, what),
    (all) =>
      Effect.flatMap(Effect.forEach(all, Effect.exit, { concurrency: "unbounded" }), (exits) => {
        const answers = exits.filter(Exit.isSuccess)
        if (answers.length === 0) return exits[0] as Exit.Failure<never, KvError>
        return Effect.succeed(answers.flatMap(({ value }) => Option.isSome(value) ? [value.value] : []))
      })
  )

const missing: unique symbol = Symbol("missing")

/** The first copy that is found; nothing when those that can be read have none. Fails when none can be read. */
export const readAnyCopy = <A extends object>(
  dispatch: KvDispatch,
  what: ReadOfCopies<A>
): Effect.Effect<Option.Option<Copy<A>>, KvError> =>
  Effect.flatMap(copies(dispatch, what), (all) => {
    let known = false
    const found = all.map((copy) =>
      Effect.flatMap(copy, (one) => {
        if (Option.isSome(one)) return Effect.succeed(one)
        known = true
        return Effect.fail(missing)
      })
    )
    return Effect.catch(Effect.raceAll(found), (error) => known || error === missing ? Effect.succeedNone : Effect.fail(error))
  })
