/** The layers of a `CasStore`: Effect's own interfaces, for whatever client the store is made of. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { KeyValueStore } from "effect/persistence/KeyValueStore"
import { PersistedQueueStore } from "effect/persistence/PersistedQueue"
import * as Persistence from "effect/persistence/Persistence"
import { RateLimiterStore } from "effect/persistence/RateLimiter"
import { makeBackingPersistence } from "./BackingStores.ts"
import type { CasStore } from "./CasStore.ts"
import { makeKeyValueStore } from "./KeyValueStores.ts"
import { makeQueueStore, type QueueStoreOptions } from "./QueueStores.ts"
import { makeRateLimiterStore } from "./RateLimiterStores.ts"

/** Where the keys of a layer are. */
export interface PrefixOptions {
  /** In front of all keys: up to 100 printable ASCII characters without spaces. */
  readonly prefix?: string
}

/** Layers over a store that needs `R`. */
export interface StoreLayers<R, E = never> {
  /** Values that are text or bytes. Default prefix: `kv:` */
  readonly layerKeyValueStore: (options?: PrefixOptions) => Layer.Layer<KeyValueStore, E, R>
  /** Where `Persistence` keeps its results. Default prefix: `persistence:` */
  readonly layerBackingPersistence: (options?: PrefixOptions) => Layer.Layer<Persistence.BackingPersistence, E, R>
  /** Results of requests, for `PersistedCache` and `RequestResolver.persisted`. Default prefix: `persistence:` */
  readonly layerPersistence: (options?: PrefixOptions) => Layer.Layer<Persistence.Persistence, E, R>
  /** Rate limits that processes share. Default prefix: `ratelimiter:` */
  readonly layerRateLimiterStore: (options?: PrefixOptions) => Layer.Layer<RateLimiterStore, E, R>
  /** Queues that processes share. */
  readonly layerPersistedQueueStore: (options?: QueueStoreOptions) => Layer.Layer<PersistedQueueStore, E, R>
}

/** The layers of a store. */
export const layersOf = <R, E = never>(store: Effect.Effect<CasStore, E, R>): StoreLayers<R, E> => {
  const layerBackingPersistence: StoreLayers<R, E>["layerBackingPersistence"] = ({ prefix = "persistence:" } = {}) =>
    Layer.effect(Persistence.BackingPersistence, Effect.map(store, (store) => makeBackingPersistence(store, prefix)))
  return {
    layerKeyValueStore: ({ prefix = "kv:" } = {}) =>
      Layer.effect(KeyValueStore, Effect.map(store, (store) => makeKeyValueStore(store, prefix))),
    layerBackingPersistence,
    layerPersistence: (options) => Layer.provide(Persistence.layer, layerBackingPersistence(options)),
    layerRateLimiterStore: ({ prefix = "ratelimiter:" } = {}) =>
      Layer.effect(RateLimiterStore, Effect.map(store, (store) => makeRateLimiterStore(store, prefix))),
    layerPersistedQueueStore: (options = {}) =>
      Layer.effect(PersistedQueueStore, Effect.flatMap(store, (store) => makeQueueStore(store, options)))
  }
}
