/**
 * The operations on the documents of one collection.
 *
 * It encodes values and results; where an operation goes and whether it is repeated is `KvDispatch`'s. A missing document is
 * `Option.none` for reads and `NotFound` for everything that needs one.
 */
import type { Expiry } from "@wirewright/memcached"
import { expirySeconds, isSchema } from "@wirewright/memcached/internal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { encodeValue, isPlain, kept, received } from "./Documents.ts"
import type { KvDispatch } from "./KvDispatch.ts"
import { InvalidRequest, InvalidValue, type KvError } from "./KvError.ts"
import { getMany } from "./KvMany.ts"
import * as Operations from "./KvOperations.ts"
import type { Counter, Document, Metadata, Mutation, Observed, ObservedSeqno, RawDocument } from "./KvOperations.ts"
import type * as Options from "./KvOptions.ts"
import { type CopyOfDocument, readAllCopies, readAnyCopy, type ReadOfCopies } from "./KvReplicas.ts"
import { fieldsOf, type KvDefaults, timeoutOf, unsent } from "./KvRequest.ts"
import { type KvScanOptions, scanDocuments, scanKeys, type ScannedDocument } from "./KvScan.ts"
import { decodeWith, encodeWith } from "./KvSchema.ts"
import { type LookupInCopy, type LookupResult, lookupIn, mutateIn, type MutateResult } from "./KvSubDocument.ts"
import type { ScanSelection } from "./ScanSelection.ts"
import type { LookupSpec, MutateSpec } from "./SubDocument.ts"

/** Stores a document. Values are JSON, bytes are bytes; with a schema, JSON of that schema. */
export interface StoreDocument {
  <A>(key: string, value: A, options: Options.KvStoreSchemaOptions<A>): Effect.Effect<Mutation, KvError>
  (key: string, value: unknown, options?: Options.KvStoreOptions): Effect.Effect<Mutation, KvError>
}

/** The documents of one collection. */
export interface KvCollection {
  /** The collection, as `scope.collection`. */
  readonly path: string
  /** Reads a document: its bytes, or with a schema its JSON. */
  readonly get: {
    (key: string, options?: Options.KvRequestOptions): Effect.Effect<Option.Option<Document>, KvError>
    <A>(
      key: string,
      schema: Schema.Codec<A, unknown>,
      options?: Options.KvRequestOptions
    ): Effect.Effect<Option.Option<Document<A>>, KvError>
  }
  /** Reads a document from whichever of its copies has it first, be it the active one or a replica, which may have an older version. */
  readonly getAnyReplica: (key: string, options?: Options.KvReplicaOptions) => Effect.Effect<Option.Option<CopyOfDocument>, KvError>
  /** Reads a document from the active copy and from all replicas; copies that have none, or cannot be read, are left out. */
  readonly getAllReplicas: (key: string, options?: Options.KvReplicaOptions) => Effect.Effect<ReadonlyArray<CopyOfDocument>, KvError>
  /** Reads many documents in few round trips; those that are missing are not in the result. */
  readonly getMany: (
    keys: Iterable<string>,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<ReadonlyMap<string, Document>, KvError>
  /**
   * The documents of a range of keys, of a prefix or by chance: of each vbucket in the order of its keys, of several vbuckets mixed. Each
   * vbucket is as it was when the scan came to it.
   */
  readonly scan: (selection?: ScanSelection, options?: KvScanOptions) => Stream.Stream<ScannedDocument, KvError>
  /** The same, without the documents. */
  readonly scanKeys: (selection?: ScanSelection, options?: KvScanOptions) => Stream.Stream<string, KvError>
  /** Stores a document whether there is one or not; with a CAS, only over that version, else `CasMismatch`. */
  readonly upsert: StoreDocument
  /** Stores a document that must not exist, else `Exists`. A CAS is an `InvalidRequest`. */
  readonly insert: StoreDocument
  /** Stores a document that must exist, else `NotFound`. */
  readonly replace: StoreDocument
  /** Removes a document, which must exist, else `NotFound`. */
  readonly remove: (key: string, options?: Options.KvChangeOptions) => Effect.Effect<Mutation, KvError>
  /** Adds bytes at the end of a document, which must exist, else `NotStored`. */
  readonly append: (key: string, value: string | Uint8Array, options?: Options.KvChangeOptions) => Effect.Effect<Mutation, KvError>
  /** Adds bytes at the beginning of a document, which must exist, else `NotStored`. */
  readonly prepend: (key: string, value: string | Uint8Array, options?: Options.KvChangeOptions) => Effect.Effect<Mutation, KvError>
  /** Adds to a counter; wraps at 2⁶⁴. */
  readonly increment: (key: string, options?: Options.KvCountOptions) => Effect.Effect<Counter, KvError>
  /** Subtracts from a counter; stops at 0. */
  readonly decrement: (key: string, options?: Options.KvCountOptions) => Effect.Effect<Counter, KvError>
  /** Sets when a document expires, which must exist, else `NotFound`. */
  readonly touch: (key: string, expiry: Expiry, options?: Options.KvRequestOptions) => Effect.Effect<Mutation, KvError>
  /** Reads a document and sets when it expires. */
  readonly getAndTouch: (
    key: string,
    expiry: Expiry,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<Option.Option<Document>, KvError>
  /** Reads a document and locks it for a time; the CAS unlocks it. Default: 15 seconds. */
  readonly getAndLock: (
    key: string,
    options?: Options.KvRequestOptions & { readonly lock?: Duration.Input }
  ) => Effect.Effect<Option.Option<Document>, KvError>
  /** Unlocks a document, at once or not at all: `CasMismatch` when the CAS is not the one the lock gave, `NotLocked` when there is no lock. */
  readonly unlock: (key: string, cas: bigint, options?: Options.KvRequestOptions) => Effect.Effect<void, KvError>
  /** Whether there is a document. */
  readonly exists: (key: string, options?: Options.KvRequestOptions) => Effect.Effect<boolean, KvError>
  /** What is known of a document, or of its tombstone, without its value. */
  readonly metadata: (key: string, options?: Options.KvRequestOptions) => Effect.Effect<Option.Option<Metadata>, KvError>
  /** Where a document is on its active node: in memory, on disk. */
  readonly observe: (key: string, options?: Options.KvRequestOptions) => Effect.Effect<Observed, KvError>
  /** How far the vbucket of a key has come on its active node, in the branch of history a mutation token names. */
  readonly observeSeqno: (key: string, vbucketUuid: bigint, options?: Options.KvRequestOptions) => Effect.Effect<ObservedSeqno, KvError>
  /** Reads parts of a document. */
  readonly lookupIn: (
    key: string,
    specs: ReadonlyArray<LookupSpec>,
    options?: Options.KvLookupOptions
  ) => Effect.Effect<Option.Option<LookupResult>, KvError>
  /** The same of whichever copy has the document first, be it the active one or a replica, which may have an older version. */
  readonly lookupInAnyReplica: (
    key: string,
    specs: ReadonlyArray<LookupSpec>,
    options?: Options.KvLookupReplicaOptions
  ) => Effect.Effect<Option.Option<LookupInCopy>, KvError>
  /** The same of the active copy and of all replicas; copies that have no such document, or cannot be read, are left out. */
  readonly lookupInAllReplicas: (
    key: string,
    specs: ReadonlyArray<LookupSpec>,
    options?: Options.KvLookupReplicaOptions
  ) => Effect.Effect<ReadonlyArray<LookupInCopy>, KvError>
  /** Writes parts of a document: all or none, else `PathFailed`. */
  readonly mutateIn: (
    key: string,
    specs: ReadonlyArray<MutateSpec>,
    options?: Options.KvMutateOptions
  ) => Effect.Effect<MutateResult, KvError>
}

const utf8 = new TextEncoder()
const bytesOf = (value: string | Uint8Array): Uint8Array => typeof value === "string" ? utf8.encode(value) : value

/** The operations on one collection. */
export const collectionOf = (dispatch: KvDispatch, path: string, defaults: KvDefaults): KvCollection => {
  const { unixTime } = dispatch.timers
  const { snappy } = defaults
  const run = <A>(operation: Operations.Operation<A>, options: Options.KvRequestOptions = {}): Effect.Effect<A, KvError> =>
    dispatch.run(operation, path, timeoutOf(options, defaults))

  const document = (operation: string, key: string, raw: RawDocument): Effect.Effect<Document, KvError> => {
    const bytes = received(raw.value, raw.datatype, snappy)
    return Result.isFailure(bytes)
      ? unsent(operation, key, new InvalidValue({ message: bytes.failure }))
      : Effect.succeed({ value: kept(bytes.success), flags: raw.flags, cas: raw.cas })
  }

  const read = (operation: Operations.Operation<Option.Option<RawDocument>>, options?: Options.KvRequestOptions) =>
    Effect.flatMap(
      run(operation, options),
      (found): Effect.Effect<Option.Option<Document>, KvError> =>
        Option.isNone(found) || isPlain(found.value.datatype)
          ? Effect.succeed(found)
          : Effect.map(document(operation.name, operation.key, found.value), Option.some)
    )

  const get = (
    key: string,
    second?: Schema.Codec<unknown, unknown> | Options.KvRequestOptions,
    third?: Options.KvRequestOptions
  ): Effect.Effect<Option.Option<Document<never>>, KvError> => {
    const schema = isSchema(second) ? second : undefined
    const options = schema === undefined ? second as Options.KvRequestOptions | undefined : third
    const found = read(Operations.get(key), options)
    const typed = schema === undefined
      ? found
      : Effect.flatMap(
        found,
        (one) => Option.isNone(one) ? Effect.succeedNone : Effect.map(decodeWith(schema, key, one.value), Option.some)
      )
    return typed as Effect.Effect<Option.Option<Document<never>>, KvError>
  }

  const store =
    (name: Operations.Store): StoreDocument =>
    (key: string, value: unknown, options: Options.KvStoreOptions | Options.KvStoreSchemaOptions<unknown> = {}) =>
      Effect.suspend(() => {
        const written = "schema" in options ? encodeWith(options.schema, value, options.flags) : encodeValue(value, options, true)
        if (Result.isFailure(written)) return unsent(name, key, new InvalidValue({ message: written.failure }))
        if (name === "Add" && options.cas !== undefined && options.cas !== 0n) {
          return unsent(name, key, new InvalidRequest({ message: "a document that must not exist has no CAS" }))
        }
        const timeout = timeoutOf(options, defaults)
        return dispatch.run(Operations.store(name, key, written.success, fieldsOf(options, timeout, unixTime()), snappy), path, timeout)
      })

  const extend = (name: "Append" | "Prepend") => (key: string, value: string | Uint8Array, options: Options.KvChangeOptions = {}) =>
    Effect.suspend(() => {
      const timeout = timeoutOf(options, defaults)
      return dispatch.run(Operations.extend(name, key, bytesOf(value), fieldsOf(options, timeout, unixTime())), path, timeout)
    })

  const count = (name: "Increment" | "Decrement") => (key: string, options: Options.KvCountOptions = {}) =>
    Effect.suspend(() => {
      const timeout = timeoutOf(options, defaults)
      const { delta = 1n, initial } = options
      return dispatch.run(Operations.count(name, key, delta, initial, fieldsOf(options, timeout, unixTime())), path, timeout)
    })

  const documentsOf = (key: string, options: Options.KvReplicaOptions | undefined): ReadOfCopies<Document> => ({
    name: "GetReplica",
    key,
    read: (replica) => read(replica === undefined ? Operations.get(key) : Operations.getReplica(key, replica), options),
    preference: options?.readPreference
  })

  const partsOf = (
    key: string,
    specs: ReadonlyArray<LookupSpec>,
    options: Options.KvLookupReplicaOptions = {}
  ): ReadOfCopies<LookupResult> => ({
    name: "SubdocMultiLookup",
    key,
    read: (replica) => lookupIn(dispatch, path, key, specs, { ...options, replicaRead: replica !== undefined }, defaults, replica),
    preference: options.readPreference
  })

  return {
    path,
    get: get as KvCollection["get"],
    getMany: (keys, options = {}) =>
      getMany(dispatch, path, keys, timeoutOf(options, defaults), document, (key) => read(Operations.get(key), options)),
    getAnyReplica: (key, options) => readAnyCopy(dispatch, documentsOf(key, options)),
    getAllReplicas: (key, options) => readAllCopies(dispatch, documentsOf(key, options)),
    scan: (selection = {}, options = {}) => scanDocuments(dispatch, path, selection, options, snappy),
    scanKeys: (selection = {}, options = {}) => scanKeys(dispatch, path, selection, options),
    upsert: store("Set"),
    insert: store("Add"),
    replace: store("Replace"),
    remove: (key, options = {}) =>
      Effect.suspend(() => {
        const timeout = timeoutOf(options, defaults)
        return dispatch.run(Operations.remove(key, fieldsOf(options, timeout, unixTime())), path, timeout)
      }),
    append: extend("Append"),
    prepend: extend("Prepend"),
    increment: count("Increment"),
    decrement: count("Decrement"),
    touch: (key, expiry, options) => Effect.suspend(() => run(Operations.touch(key, expirySeconds(expiry, unixTime())), options)),
    getAndTouch: (key, expiry, options) =>
      Effect.suspend(() => read(Operations.getAndTouch(key, expirySeconds(expiry, unixTime())), options)),
    getAndLock: (key, options) => {
      const seconds = options?.lock === undefined ? undefined : Math.ceil(Duration.toSeconds(options.lock))
      return read(Operations.getAndLock(key, seconds), options)
    },
    unlock: (key, cas, options) =>
      cas === 0n
        ? unsent("UnlockKey", key, new InvalidRequest({ message: "an unlock takes the CAS that the lock gave" }))
        : run(Operations.unlock(key, cas), options),
    exists: (key, options) => Effect.map(run(Operations.metadata(key), options), (found) => Option.isSome(found) && !found.value.deleted),
    metadata: (key, options) => run(Operations.metadata(key), options),
    observe: (key, options) => run(Operations.observe(key), options),
    observeSeqno: (key, vbucketUuid, options) => run(Operations.observeSeqno(key, vbucketUuid), options),
    lookupIn: (key, specs, options = {}) => lookupIn(dispatch, path, key, specs, options, defaults),
    lookupInAnyReplica: (key, specs, options) => readAnyCopy(dispatch, partsOf(key, specs, options)),
    lookupInAllReplicas: (key, specs, options) => readAllCopies(dispatch, partsOf(key, specs, options)),
    mutateIn: (key, specs, options = {}) => mutateIn(dispatch, path, key, specs, options, defaults)
  }
}
