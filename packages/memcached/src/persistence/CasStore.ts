/**
 * What a key-value server gives to the layers of this door: values with versions, written only over the version that was read.
 *
 * Everything that changes state (a rate limit, a queue) is a pure decision over what was read, written by compare-and-swap and decided anew when
 * somebody was faster. Of those who try at once one always succeeds.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"

/** A value, and which one it is: the next write changes `cas`. */
export interface Versioned {
  readonly value: Uint8Array
  readonly cas: bigint
}

/** Values by key. Time to live is in milliseconds, `Infinity` for ever; a server may keep a value somewhat longer, and must not drop it earlier. */
export interface CasStore {
  readonly get: (key: string) => Effect.Effect<Versioned | undefined, Error>
  /** The values of those keys that have one; fails when one of them could not be read. */
  readonly getMany: (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Versioned>, Error>
  readonly set: (key: string, value: Uint8Array, ttl: number) => Effect.Effect<void, Error>
  /** Stores what must not be there; false when it is. */
  readonly add: (key: string, value: Uint8Array, ttl: number) => Effect.Effect<boolean, Error>
  /** Stores over one version; false when that is gone. */
  readonly replace: (key: string, value: Uint8Array, cas: bigint, ttl: number) => Effect.Effect<boolean, Error>
  /** Removes a value, or one version of it; without effect when it is gone. */
  readonly remove: (key: string, cas?: bigint) => Effect.Effect<void, Error>
  /** The keys that start with a text, where the server can tell. */
  readonly keys: ((prefix: string) => Effect.Effect<ReadonlyArray<string>, Error>) | undefined
}

/** Why a store cannot do what it is asked for. */
export class CasStoreError extends Data.TaggedError("CasStoreError")<{
  /** `NoVersions`: the server keeps none (memcached's `-C`). `NoKeys`: it cannot list its keys. `TooLong`: a prefix is longer than keys may be. */
  readonly reason: "NoVersions" | "NoKeys" | "TooLong"
  readonly message: string
}> {}

/** What becomes of a value, and the answer to whoever asked. */
export interface Decision<A> {
  readonly answer: A
  /** Written, with its time to live in milliseconds. Default: nothing changes */
  readonly write?: { readonly value: Uint8Array; readonly ttl: number } | undefined
}

/** Changes a value by a decision, which is made again when somebody else changed the value meanwhile. */
export const update = <A>(
  store: CasStore,
  key: string,
  decide: (found: Uint8Array | undefined) => Decision<A>
): Effect.Effect<A, Error> => {
  const attempt: Effect.Effect<A, Error> = Effect.flatMap(store.get(key), (found) => {
    if (found?.cas === 0n) {
      return Effect.fail(new CasStoreError({ reason: "NoVersions", message: "the server keeps no versions of its items" }))
    }
    const { answer, write } = decide(found?.value)
    if (write === undefined) return Effect.succeed(answer)
    const written = found === undefined
      ? store.add(key, write.value, write.ttl)
      : store.replace(key, write.value, found.cas, write.ttl)
    return Effect.flatMap(written, (done) => done ? Effect.succeed(answer) : attempt)
  })
  return attempt
}

/** Longest key that all servers take, in bytes: those with collections put up to five in front of it. */
const longest = 240
const longestPrefix = 170

const plain = /^[!-~]*$/

/** A text of any length in 43 characters: its SHA-256 in base64url, of UTF-16, so that no two texts are one. */
export const digest = (text: string): string => createHash("sha256").update(text, "utf16le").digest("base64url")

/**
 * How the keys of callers, which are any strings, become keys that every server and protocol takes: as they are when they are short and
 * printable ASCII, else `#` and their digest. Throws `CasStoreError` when the prefix itself is no such key.
 */
export const keysUnder = (prefix: string): (key: string) => string => {
  if (!plain.test(prefix) || prefix.length > longestPrefix) {
    throw new CasStoreError({ reason: "TooLong", message: `a prefix is up to ${longestPrefix} printable ASCII characters, without spaces` })
  }
  return (key) =>
    plain.test(key) && !key.startsWith("#") && prefix.length + key.length <= longest
      ? `${prefix}${key}`
      : `${prefix}#${digest(key)}`
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** State as it is stored: JSON, which operators can read. */
export const encodeState = (state: unknown): Uint8Array => encoder.encode(JSON.stringify(state))

/** State as it was stored. */
export const decodeState = <A>(value: Uint8Array): A => JSON.parse(decoder.decode(value)) as A
