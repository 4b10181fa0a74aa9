/**
 * Entries of a namespace: values with a moment at which they end, and the generation they belong to.
 *
 * Servers count seconds, so the moment stands with the value, in milliseconds of the Clock of whoever wrote it, and the server's own expiry
 * only takes the rest away afterwards. A namespace is cleared by giving it a new generation (memcached's own idiom): entries of former ones
 * are not seen any more, wherever they are. When a server forgets the generation, its entries are gone with it; old ones never come back.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { type CasStore, CasStoreError, decodeState, encodeState, keysUnder, type Versioned } from "./CasStore.ts"

/** What stands in front of a value, as one line of JSON. */
interface Head {
  /** The prefix: one that is longer may begin with this one. */
  readonly space: string
  /** The key as the caller gave it. */
  readonly key: string
  readonly generation: string
  /** Milliseconds of Unix time; absent: never. */
  readonly until?: number
  /** Of no meaning here. */
  readonly kind?: string
}

/** A value as it is stored and read. */
export interface Entry {
  readonly value: Uint8Array
  /** Of no meaning here. */
  readonly kind?: string | undefined
}

const newline = 10
/** How much longer than an entry lives its server is to keep it, in milliseconds: memcached's clock ticks in seconds. */
const spare = 2_000

const encoded = (head: Head, value: Uint8Array): Uint8Array => {
  const line = encodeState(head)
  const bytes = new Uint8Array(line.length + 1 + value.length)
  bytes.set(line)
  bytes[line.length] = newline
  bytes.set(value, line.length + 1)
  return bytes
}

const decoded = (bytes: Uint8Array): readonly [Head, Uint8Array] | undefined => {
  const end = bytes.indexOf(newline)
  if (end < 0) return undefined
  try {
    return [decodeState<Head>(bytes.subarray(0, end)), bytes.slice(end + 1)]
  } catch {
    // somebody else's
    return undefined
  }
}

/** The entries of a name. */
export interface Entries {
  readonly get: (key: string) => Effect.Effect<Entry | undefined, Error>
  readonly getMany: (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Entry | undefined>, Error>
  /** Stores entries; `ttl` in milliseconds. */
  readonly setMany: (entries: ReadonlyArray<readonly [key: string, entry: Entry, ttl: number]>) => Effect.Effect<void, Error>
  /** Changes an entry that is there, at once or not at all. It keeps its end. */
  readonly modify: (key: string, change: (entry: Entry) => Entry) => Effect.Effect<Entry | undefined, Error>
  readonly remove: (key: string) => Effect.Effect<void, Error>
  readonly clear: Effect.Effect<void, Error>
  /** Those that there are, where the server can tell. */
  readonly keys: Effect.Effect<ReadonlyArray<string>, Error>
}

/** Keys whose values are read at a time, when all of them are. */
const batch = 500
/** Writes in flight. */
const together = 256

/** The entries under a prefix. */
export const entriesOf = (store: CasStore, prefix: string): Entries => {
  const keyOf = keysUnder(prefix)
  // no caller's key becomes this one: theirs that start with # are hashed
  const generationKey = `${prefix}#generation`

  const unique = Effect.zipWith(
    Clock.currentTimeMillis,
    Random.nextIntBetween(0, 2 ** 40),
    (now, chance) => `${now.toString(36)}-${chance.toString(36)}`
  )

  const generationOf = (found: Versioned | undefined): string | undefined =>
    found === undefined ? undefined : decodeState<{ readonly generation: string }>(found.value).generation

  /** The present generation, which is made when there is none. */
  const generation: Effect.Effect<string, Error> = Effect.flatMap(store.get(generationKey), (found) => {
    const there = generationOf(found)
    if (there !== undefined) return Effect.succeed(there)
    return Effect.flatMap(unique, (made) =>
      Effect.flatMap(
        store.add(generationKey, encodeState({ generation: made }), Infinity),
        (added) => added ? Effect.succeed(made) : generation
      ))
  })

  /** The entry of a key that was read, when it belongs to the generation and has not ended. */
  const living = (key: string | undefined, found: Versioned | undefined, generation: string | undefined, now: number) => {
    const parts = found === undefined ? undefined : decoded(found.value)
    if (parts === undefined) return undefined
    const [head, value] = parts
    const fits = head.space === prefix && head.generation === generation && (key === undefined || head.key === key)
    return fits && (head.until === undefined || head.until > now) ? { head, entry: { value, kind: head.kind } } : undefined
  }

  const getMany: Entries["getMany"] = (keys) =>
    Effect.flatMap(store.getMany([generationKey, ...new Set(keys.map(keyOf))]), (found) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const present = generationOf(found.get(generationKey))
        return keys.map((key) => living(key, found.get(keyOf(key)), present, now)?.entry)
      }))

  const written = (key: string, { kind, value }: Entry, generation: string, until: number): Uint8Array =>
    encoded({ space: prefix, key, generation, ...until === Infinity ? {} : { until }, ...kind === undefined ? {} : { kind } }, value)

  const modify: Entries["modify"] = (key, change) =>
    Effect.gen(function*() {
      for (;;) {
        const name = keyOf(key)
        const found = yield* store.getMany([generationKey, name])
        const present = generationOf(found.get(generationKey))
        const now = yield* Clock.currentTimeMillis
        const old = living(key, found.get(name), present, now)
        if (old === undefined) return undefined
        const { cas } = found.get(name)!
        if (cas === 0n) {
          return yield* new CasStoreError({ reason: "NoVersions", message: "the server keeps no versions of its items" })
        }
        const entry = change(old.entry)
        const until = old.head.until ?? Infinity
        if (yield* store.replace(name, written(key, entry, present!, until), cas, until - now + spare)) return entry
      }
    })

  /** Keys as the server has them, without that of the generation. */
  const listed = store.keys === undefined
    ? Effect.fail(new CasStoreError({ reason: "NoKeys", message: "memcached cannot list its keys" }))
    : Effect.map(store.keys(prefix), (keys) => keys.filter((key) => key !== generationKey))

  /** Looks at all entries, some at a time. */
  const each = <A>(look: (found: ReadonlyMap<string, Versioned>, generation: string | undefined, now: number) => Effect.Effect<A, Error>) =>
    Effect.flatMap(listed, (keys) =>
      Effect.forEach(
        Array.from({ length: Math.ceil(keys.length / batch) }, (_, i) => keys.slice(i * batch, (i + 1) * batch)),
        (some) =>
          Effect.flatMap(
            store.getMany([generationKey, ...some]),
            (found) => Effect.flatMap(Clock.currentTimeMillis, (now) => look(found, generationOf(found.get(generationKey)), now))
          )
      ))

  const keys = Effect.map(
    each((found, generation, now) =>
      Effect.succeed([...found].flatMap(([, one]) => {
        const there = living(undefined, one, generation, now)
        return there === undefined ? [] : [there.head.key]
      }))
    ),
    (parts) => parts.flat()
  )

  /** Takes away what belongs to former generations, and only that. */
  const sweep = each((found, generation) =>
    Effect.forEach([...found], ([key, one]) => {
      const parts = key === generationKey ? undefined : decoded(one.value)
      return parts === undefined || parts[0].space !== prefix || parts[0].generation === generation
        ? Effect.void
        : store.remove(key, one.cas)
    }, { concurrency: together, discard: true })
  )

  const clear = Effect.andThen(
    Effect.flatMap(unique, (generation) => store.set(generationKey, encodeState({ generation }), Infinity)),
    store.keys === undefined ? Effect.void : sweep
  )

  return {
    get: (key) => Effect.map(getMany([key]), ([entry]) => entry),
    getMany,
    setMany: (entries) =>
      Effect.flatMap(
        generation,
        (generation) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) =>
            Effect.forEach(entries, ([key, entry, ttl]) =>
              store.set(keyOf(key), written(key, entry, generation, now + ttl), ttl + spare), {
              // of a key that is given twice the last one stays
              concurrency: new Set(entries.map(([key]) => key)).size === entries.length
                ? together
                : 1,
              discard: true
            }))
      ),
    modify,
    remove: (key) => store.remove(keyOf(key)),
    clear: Effect.asVoid(clear),
    keys
  }
}
