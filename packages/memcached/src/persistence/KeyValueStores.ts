/** Effect's `KeyValueStore` over a `CasStore`. */
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import type { CasStore } from "./CasStore.ts"
import { type Entry, entriesOf } from "./Entries.ts"

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What tells values that were text from those that were bytes. */
const text = "text"

const entryOf = (value: string | Uint8Array): Entry => typeof value === "string" ? { value: encoder.encode(value), kind: text } : { value }

const base64 = (bytes: Uint8Array): string => {
  let binary = ""
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** As Effect's own layers have it: bytes that are read as text are base64. */
const textOf = ({ kind, value }: Entry): string => kind === text ? decoder.decode(value) : base64(value)

/**
 * A key-value store under a prefix. `modify` is atomic, `clear` takes one write; on servers that cannot list their keys `keys`, `size`,
 * `isEmpty` and `clearPrefix` of a prefix fail.
 */
export const makeKeyValueStore = (store: CasStore, prefix: string): KeyValueStore.KeyValueStore => {
  const entries = entriesOf(store, prefix)
  const told = <A>(method: string, effect: Effect.Effect<A, Error>, key?: string): Effect.Effect<A, KeyValueStore.KeyValueStoreError> =>
    Effect.mapError(
      effect,
      (cause) => new KeyValueStore.KeyValueStoreError({ method, message: cause.message, cause, ...key === undefined ? {} : { key } })
    )
  const changed = (method: string, key: string, change: (entry: Entry) => Entry) => told(method, entries.modify(key, change), key)
  const get = (method: string, key: string) => told(method, entries.get(key), key)
  return KeyValueStore.make({
    get: (key) => Effect.map(get("get", key), (entry) => entry === undefined ? undefined : textOf(entry)),
    getUint8Array: (key) => Effect.map(get("getUint8Array", key), (entry) => entry?.value),
    set: (key, value) => told("set", entries.setMany([[key, entryOf(value), Infinity]]), key),
    remove: (key) => told("remove", entries.remove(key), key),
    clear: told("clear", entries.clear),
    keys: told("keys", entries.keys),
    size: Effect.map(told("size", entries.keys), (keys) => keys.length),
    modify: (key, f) =>
      Effect.map(
        changed("modify", key, (entry) => entryOf(f(textOf(entry)))),
        (entry) => entry === undefined ? undefined : textOf(entry)
      ),
    modifyUint8Array: (key, f) => Effect.map(changed("modifyUint8Array", key, (entry) => entryOf(f(entry.value))), (entry) => entry?.value)
  })
}
