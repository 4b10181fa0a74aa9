/**
 * Effect's own interfaces over memcached: a key-value store, persisted caches and queues, rate limits, and reads that are gathered.
 *
 * memcached is a cache: what it evicts is missing, and what it holds ends with its process. For caches and rate limits that is right; a queue
 * needs a server that evicts nothing (`-M`). The same layers over any other store are made by `layersOf`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Request from "effect/Request"
import type * as RequestResolver from "effect/RequestResolver"
import type { Document } from "../KvCalls.ts"
import { KvClient } from "../KvClient.ts"
import type { KvCommands } from "../KvCommands.ts"
import type { MemcachedError } from "../KvError.ts"
import type { CasStore } from "./CasStore.ts"
import { gathered } from "./Gathered.ts"
import { layersOf } from "./Layers.ts"

export { type CasStore, CasStoreError, type Versioned } from "./CasStore.ts"
export { gathered, type Read } from "./Gathered.ts"
export { layersOf, type PrefixOptions, type StoreLayers } from "./Layers.ts"
export type { QueueStoreOptions } from "./QueueStores.ts"

const expiryOf = (ttl: number) => ttl === Infinity ? {} : { expiry: Duration.millis(ttl) }

/** What was not done because another version, or none, is there. */
const lost = ({ reason }: MemcachedError): boolean => /^(Exists|CasMismatch|NotFound|NotStored)$/.test(reason._tag)

const unlessLost = (write: Effect.Effect<unknown, MemcachedError>): Effect.Effect<boolean, MemcachedError> =>
  Effect.catchIf(Effect.as(write, true), lost, () => Effect.succeed(false))

/** memcached as a store of versions. */
export const casStoreOf = (kv: KvCommands): CasStore => ({
  get: (key) => Effect.map(kv.get(key), Option.getOrUndefined),
  getMany: (keys) =>
    Effect.flatMap(kv.getMany(keys), (found) => {
      const [failed] = found.failed.values()
      return failed === undefined ? Effect.succeed(found) : Effect.fail(failed)
    }),
  set: (key, value, ttl) => Effect.asVoid(kv.set(key, value, expiryOf(ttl))),
  add: (key, value, ttl) => unlessLost(kv.add(key, value, expiryOf(ttl))),
  replace: (key, value, cas, ttl) => unlessLost(kv.set(key, value, { cas, ...expiryOf(ttl) })),
  remove: (key, cas) => Effect.asVoid(unlessLost(kv.remove(key, cas === undefined ? {} : { cas }))),
  keys: undefined
})

/** The layers over the client in place. */
export const {
  layerBackingPersistence,
  layerKeyValueStore,
  layerPersistedQueueStore,
  layerPersistence,
  layerRateLimiterStore
} = layersOf(Effect.map(KvClient, casStoreOf))

/** Reads a document. Made by a program as `Effect.request(new GetDocument({ key }), resolver)`. */
export class GetDocument extends Request.Class<{ readonly key: string }, Option.Option<Document>, MemcachedError> {}

/** Makes what reads the documents of all requests that wait at the same time by one `getMany`. To be made once: each gathers its own. */
export const documentResolver: Effect.Effect<RequestResolver.RequestResolver<GetDocument>, never, KvClient> = Effect.map(
  KvClient,
  (kv) => gathered<Document, MemcachedError, GetDocument>((keys) => kv.getMany(keys))
)
