/** Effect's `BackingPersistence` over a `CasStore`: what its `Persistence`, and so `PersistedCache`, keep their results in. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Persistence from "effect/persistence/Persistence"
import { type CasStore, decodeState, digest, encodeState } from "./CasStore.ts"
import { entriesOf, type Entry } from "./Entries.ts"

/** Longest id of a store, with what it takes to be printable, that stands in keys as it is. */
const longestId = 60

/** A store's id as a part of keys, none of which is the beginning of another. */
const partOf = (storeId: string): string => {
  // JSON, as there is no URI of half a surrogate pair
  const id = encodeURIComponent(JSON.stringify(storeId).slice(1, -1))
  return `${id.length > longestId ? `#${digest(storeId)}` : id}:`
}

const millisOf = (ttl: Duration.Duration | undefined): number => ttl === undefined ? Infinity : Duration.toMillis(ttl)

/** Backing stores, each under the prefix and its id. */
export const makeBackingPersistence = (store: CasStore, prefix: string): Persistence.BackingPersistence["Service"] => ({
  make: (storeId) =>
    Effect.sync(() => {
      const entries = entriesOf(store, `${prefix}${partOf(storeId)}`)
      const told = <A>(what: string, effect: Effect.Effect<A, Error>): Effect.Effect<A, Persistence.PersistenceError> =>
        Effect.mapError(effect, (cause) => new Persistence.PersistenceError({ message: `${what}: ${cause.message}`, cause }))
      const read = (entry: Entry | undefined): object | undefined => entry === undefined ? undefined : decodeState<object>(entry.value)
      const written = (value: object): Entry => ({ value: encodeState(value) })
      const backing: Persistence.BackingPersistenceStore = {
        get: (key) => Effect.map(told(`get ${key}`, entries.get(key)), read),
        getMany: (keys) => Effect.map(told("getMany", entries.getMany(keys)), (found) => found.map(read)) as never,
        set: (key, value, ttl) => told(`set ${key}`, entries.setMany([[key, written(value), millisOf(ttl)]])),
        setMany: (given) =>
          told("setMany", entries.setMany(given.map(([key, value, ttl]) => [key, written(value), millisOf(ttl)] as const))),
        remove: (key) => told(`remove ${key}`, entries.remove(key)),
        clear: told("clear", entries.clear)
      }
      return backing
    })
})
