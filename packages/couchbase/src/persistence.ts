/**
 * Effect's own interfaces over Couchbase: a key-value store, persisted caches and queues, rate limits, and reads that are gathered.
 *
 * Without more they are in the default collection; `layersIn` has them in another one, and durable. What lists keys (`keys`, `size`, and the
 * sweep after `clear`) takes range scans, which servers have from 7.6 on.
 */
import { type CasStore, gathered, layersOf, type StoreLayers } from "@wirewright/memcached/persistence"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Request from "effect/Request"
import type * as RequestResolver from "effect/RequestResolver"
import * as Stream from "effect/Stream"
import type { Durability } from "./Durability.ts"
import { KvClient } from "./KvClient.ts"
import type { KvCollection } from "./KvCollection.ts"
import type { KvError } from "./KvError.ts"
import type { Document } from "./KvOperations.ts"

export { type CasStore, CasStoreError, type QueueStoreOptions, type Versioned } from "@wirewright/memcached/persistence"

/** Where the layers keep what is theirs. */
export interface CollectionOptions {
  /** How durable each write must be before it is done. Default: in the memory of the active node */
  readonly durability?: Durability
}

/** What was not done because another version, or none, is there. */
const lost = ({ reason }: KvError): boolean => /^(Exists|CasMismatch|NotFound)$/.test(reason._tag)

const unlessLost = (write: Effect.Effect<unknown, KvError>): Effect.Effect<boolean, KvError> =>
  Effect.catchIf(Effect.as(write, true), lost, () => Effect.succeed(false))

/** A collection as a store of versions. */
export const casStoreOf = (documents: KvCollection, options: CollectionOptions = {}): CasStore => {
  const written = (ttl: number) => ({ ...options, ...ttl === Infinity ? {} : { expiry: Duration.millis(ttl) } })
  return {
    get: (key) => Effect.map(documents.get(key), Option.getOrUndefined),
    getMany: (keys) => documents.getMany(keys),
    set: (key, value, ttl) => Effect.asVoid(documents.upsert(key, value, written(ttl))),
    add: (key, value, ttl) => unlessLost(documents.insert(key, value, written(ttl))),
    replace: (key, value, cas, ttl) => unlessLost(documents.replace(key, value, { cas, ...written(ttl) })),
    remove: (key, cas) => Effect.asVoid(unlessLost(documents.remove(key, { ...options, ...cas === undefined ? {} : { cas } }))),
    keys: (prefix) => Stream.runCollect(documents.scanKeys({ prefix }))
  }
}

/** The layers in the default collection of the client in place. */
export const {
  layerBackingPersistence,
  layerKeyValueStore,
  layerPersistedQueueStore,
  layerPersistence,
  layerRateLimiterStore
} = layersOf(Effect.map(KvClient, (kv) => casStoreOf(kv)))

/** The layers in a collection, by `scope.collection` or by name in the default scope. */
export const layersIn = (collection: string, options?: CollectionOptions): StoreLayers<KvClient, KvError> =>
  layersOf(Effect.flatMap(KvClient, (kv) => Effect.map(kv.collection(collection), (documents) => casStoreOf(documents, options))))

/** Reads a document. Made by a program as `Effect.request(new GetDocument({ key }), resolver)`. */
export class GetDocument extends Request.Class<{ readonly key: string }, Option.Option<Document>, KvError> {}

/** Makes what reads the documents of all requests that wait at the same time by one `getMany`. To be made once: each gathers its own. */
export const documentResolver: Effect.Effect<RequestResolver.RequestResolver<GetDocument>, never, KvClient> = Effect.map(
  KvClient,
  (kv) => gathered<Document, KvError, GetDocument>((keys) => kv.getMany(keys))
)
