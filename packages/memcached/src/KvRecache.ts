/**
 * Stale while one makes it anew: memcached tells one of all who ask that he is to make the value, and the others what there is meanwhile.
 *
 * Source: memcached `doc/protocol.txt`, "Meta Commands", flags N, R, I of `mg`, `md`, `ms`, and W, X, Z of answers; 1.6.18.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Recached } from "./KvCalls.ts"
import type { KvCommands } from "./KvCommands.ts"
import { type MemcachedError, reasonError, StillMade } from "./KvError.ts"
import { documentOf } from "./KvMeta.ts"
import type * as Options from "./KvOptions.ts"
import { base64 } from "./Base64Key.ts"
import { isPlain } from "./KvWords.ts"
import type { MetaGetFlag, MetaSetFlag, MetaValue } from "./text/index.ts"

const keyed = (key: string) => isPlain(key) ? { key, flags: [] } : { key: base64(key), flags: [{ _tag: "KeyIsBase64" } as const] }

const seconds = (given: Duration.Input): number => Math.max(1, Math.ceil(Duration.toSeconds(Duration.fromInputUnsafe(given))))

/** What an answer says of who is to make the value. */
const standing = ({ flags }: MetaValue) => {
  const has = (tag: string): boolean => flags.some(({ _tag }) => _tag === tag)
  return { won: has("Won"), stale: has("Stale"), alreadyWon: has("AlreadyWon") }
}

/** Reads a document, or makes it. */
export const getOrRecache = <E, R>(
  { meta }: Pick<KvCommands, "meta">,
  address: string,
  key: string,
  options: Options.KvRecacheOptions,
  expiration: () => number,
  make: Effect.Effect<Uint8Array, E, R>
): Effect.Effect<Recached, MemcachedError | E, R> =>
  Effect.gen(function*() {
    const { flags = 0, patience = "5 seconds", placeholder = "30 seconds", poll = "50 millis", recacheBelow, timeout } = options
    const given = timeout === undefined ? {} : { timeout }
    const target = keyed(key)
    const reading: Array<MetaGetFlag> = [
      ...target.flags,
      { _tag: "ReturnCas" },
      { _tag: "ReturnFlags" },
      { _tag: "ReturnValue" },
      { _tag: "Vivify", seconds: seconds(placeholder) }
    ]
    if (recacheBelow !== undefined) reading.push({ _tag: "Recache", seconds: seconds(recacheBelow) })
    const { address: _, ...facts } = { operation: "getOrRecache", opcode: undefined, key, address }
    const wait = Duration.toMillis(patience)
    const pause = Math.max(1, Duration.toMillis(poll))
    // sleeping is all that it waits for; the rest is bounded by the time-out of requests
    for (let waited = 0;; waited += pause) {
      const answer = yield* meta.get(target.key, reading, given)
      if (answer._tag === "MetaValue") {
        const document = documentOf(answer)
        const { alreadyWon, stale, won } = standing(answer)
        if (won) {
          const value = yield* make
          const ends = expiration()
          const storing: Array<MetaSetFlag> = [...target.flags, { _tag: "ReturnCas" }, { _tag: "CompareCas", cas: document.cas }]
          if (ends !== 0) storing.push({ _tag: "TimeToLive", seconds: ends })
          if (flags !== 0) storing.push({ _tag: "ClientFlags", flags })
          const written = yield* meta.set(target.key, value, storing, given)
          if (written._tag !== "MetaDone") return { value, flags, cas: 0n, state: "unstored" }
          const cas = written.flags.find((flag) => flag._tag === "Cas")?.cas ?? 0n
          return { value, flags, cas, state: "stored" }
        }
        if (!alreadyWon) return { ...document, state: "fresh" }
        // an empty document that somebody is making and that is not stale stands for one that was missing
        if (stale || document.value.length > 0) return { ...document, state: "stale" }
      }
      if (waited >= wait) return yield* Effect.fail(reasonError({ ...facts, address }, new StillMade({ milliseconds: wait })))
      yield* Effect.sleep(Math.min(pause, Math.max(1, wait - waited)))
    }
  })

/** Marks a document as stale. */
export const invalidate = (
  { meta }: Pick<KvCommands, "meta">,
  key: string,
  expiration: number,
  options: Options.KvChangeOptions
): Effect.Effect<"stale" | "missing" | "changed", MemcachedError> => {
  const target = keyed(key)
  const { cas = 0n, timeout } = options
  return Effect.map(
    meta.delete(target.key, [
      ...target.flags,
      { _tag: "Invalidate" },
      ...(expiration === 0 ? [] : [{ _tag: "TimeToLive", seconds: expiration } as const]),
      ...(cas === 0n ? [] : [{ _tag: "CompareCas", cas } as const])
    ], timeout === undefined ? {} : { timeout }),
    ({ _tag }) => _tag === "MetaDone" ? "stale" : _tag === "MetaExists" ? "changed" : "missing"
  )
}
