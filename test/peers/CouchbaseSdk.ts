/**
 * The official Couchbase SDK for Node, as far as the tests use it.
 *
 * It is installed on demand into test/peers and has types of its own there; these few are so that the tests can be checked without it.
 */
import { createRequire } from "node:module"

/** A version of a document. Opaque to users. */
export interface Cas {
  readonly toString: () => string
}

/** What reads return. */
export interface Found {
  readonly content: unknown
  readonly cas: Cas
  readonly expiryTime?: number
}

/** What writes return. */
export interface Written {
  readonly cas: Cas
  readonly token?: unknown
}

/** Options that the tests give. */
export interface Options {
  readonly cas?: Cas | string
  readonly expiry?: number
  readonly timeout?: number
  readonly withExpiry?: boolean
  readonly preserveExpiry?: boolean
  readonly durabilityLevel?: number
  readonly storeSemantics?: number
  readonly initial?: number
  /** Which copies are read. */
  readonly readPreference?: string
}

/** What lookupIn and mutateIn return. */
export interface Parts {
  readonly cas: Cas
  readonly content: ReadonlyArray<{ readonly error?: Error | null; readonly value?: unknown }>
}

/** What a scan finds; `content`, `cas` and `expiryTime` are those of a document, unless only ids were asked for. */
export interface Scanned {
  readonly id: string
  readonly content?: unknown
  readonly cas?: Cas
}

/** How to scan. */
export interface ScanOptions {
  readonly idsOnly?: boolean
  readonly concurrency?: number
  readonly batchByteLimit?: number
  readonly consistentWith?: unknown
  readonly timeout?: number
}

/** What is read from one of the copies of a document. */
export interface FoundInCopy extends Found {
  readonly isReplica: boolean
}

/** Documents of a collection. */
export interface Collection {
  scan(what: unknown, options?: ScanOptions): Promise<ReadonlyArray<Scanned>>
  get(key: string, options?: Options): Promise<Found>
  exists(key: string): Promise<{ readonly exists: boolean; readonly cas: Cas }>
  upsert(key: string, value: unknown, options?: Options): Promise<Written>
  insert(key: string, value: unknown, options?: Options): Promise<Written>
  replace(key: string, value: unknown, options?: Options): Promise<Written>
  remove(key: string, options?: Options): Promise<Written>
  touch(key: string, expiry: number, options?: Options): Promise<Written>
  getAndTouch(key: string, expiry: number, options?: Options): Promise<Found>
  getAndLock(key: string, seconds: number, options?: Options): Promise<Found>
  unlock(key: string, cas: Cas | string): Promise<void>
  getAnyReplica(key: string, options?: Options): Promise<FoundInCopy>
  getAllReplicas(key: string, options?: Options): Promise<ReadonlyArray<FoundInCopy>>
  lookupInAnyReplica(key: string, specs: ReadonlyArray<unknown>, options?: Options): Promise<Parts & { readonly isReplica: boolean }>
  lookupInAllReplicas(
    key: string,
    specs: ReadonlyArray<unknown>,
    options?: Options
  ): Promise<ReadonlyArray<Parts & { readonly isReplica: boolean }>>
  lookupIn(key: string, specs: ReadonlyArray<unknown>): Promise<Parts>
  mutateIn(key: string, specs: ReadonlyArray<unknown>, options?: Options): Promise<Parts>
  binary(): {
    increment(key: string, delta: number, options?: Options): Promise<{ readonly value: number }>
    decrement(key: string, delta: number, options?: Options): Promise<{ readonly value: number }>
    append(key: string, value: Buffer): Promise<Written>
    prepend(key: string, value: Buffer): Promise<Written>
  }
}

/** A collection as the collection manager has it. */
export interface CollectionSpec {
  readonly name: string
  readonly maxExpiry?: number
  readonly history?: boolean
}

/** Manages the scopes and collections of a bucket. */
export interface CollectionManager {
  getAllScopes(): Promise<ReadonlyArray<{ readonly name: string; readonly collections: ReadonlyArray<CollectionSpec> }>>
  createScope(name: string): Promise<void>
  dropScope(name: string): Promise<void>
  createCollection(name: string, scope: string, settings?: object): Promise<void>
  updateCollection(name: string, scope: string, settings: object): Promise<void>
  dropCollection(name: string, scope: string): Promise<void>
}

/** Manages buckets. */
export interface BucketManager {
  createBucket(settings: object): Promise<void>
  updateBucket(settings: object): Promise<void>
  getBucket(name: string): Promise<{ readonly [setting: string]: unknown }>
  getAllBuckets(): Promise<ReadonlyArray<{ readonly name: string }>>
  flushBucket(name: string): Promise<void>
  dropBucket(name: string): Promise<void>
}

/** Manages users. */
export interface UserManager {
  upsertUser(user: object): Promise<void>
  getUser(name: string): Promise<{ readonly [field: string]: unknown }>
  dropUser(name: string): Promise<void>
  upsertGroup(group: object): Promise<void>
  getGroup(name: string): Promise<{ readonly [field: string]: unknown }>
  dropGroup(name: string): Promise<void>
  getRoles(): Promise<ReadonlyArray<object>>
  changePassword(password: string): Promise<void>
}

/** What ping and diagnostics say of a connection. */
export interface ReportedEndpoint {
  readonly id: string
  readonly state: number
  readonly remote: string
  readonly local: string
  readonly bucket?: string
  /** Milliseconds. */
  readonly latency?: number
  readonly lastActivity?: number
}

/** What ping and diagnostics say of services. */
export interface Services {
  readonly services: { readonly [name: string]: ReadonlyArray<ReportedEndpoint> }
  /** The report in the JSON that all SDKs share. */
  toJSON(): {
    readonly version: number
    readonly id: string
    readonly sdk: string
    readonly services: { readonly [name: string]: ReadonlyArray<{ readonly [field: string]: unknown }> }
  }
}

/** Transactions over the key-value service. */
export interface Transactions {
  run(attempt: (context: TransactionAttempt) => Promise<void>, options?: { readonly timeout?: number }): Promise<object>
}

export interface TransactionAttempt {
  get(collection: Collection, id: string): Promise<TransactionDocument>
  insert(collection: Collection, id: string, content: unknown): Promise<TransactionDocument>
  replace(document: TransactionDocument, content: unknown): Promise<TransactionDocument>
  remove(document: TransactionDocument): Promise<void>
}

export interface TransactionDocument {
  readonly content: unknown
}

/** A connection. */
export interface Cluster {
  bucket(name: string): {
    defaultCollection(): Collection
    scope(name: string): { collection(name: string): Collection }
    collections(): CollectionManager
    ping(options?: object): Promise<Services>
  }
  buckets(): BucketManager
  users(): UserManager
  transactions(): Transactions
  ping(options?: object): Promise<Services>
  diagnostics(options?: object): Promise<Services>
  waitUntilReady(milliseconds: number): Promise<void>
  close(): Promise<void>
}

type Spec = (path: string, ...more: ReadonlyArray<unknown>) => unknown
type ErrorClass = new(...args: ReadonlyArray<never>) => Error

/** The library. */
export interface Sdk {
  connect(connectionString: string, options: object): Promise<Cluster>
  readonly LookupInSpec: { readonly [name in "get" | "exists" | "count"]: Spec }
  readonly MutateInSpec: {
    readonly [
      name in
        | "insert"
        | "upsert"
        | "replace"
        | "remove"
        | "increment"
        | "decrement"
        | "arrayAppend"
        | "arrayPrepend"
        | "arrayInsert"
        | "arrayAddUnique"
    ]: Spec
  }
  readonly RangeScan: new(start?: unknown, end?: unknown) => unknown
  readonly PrefixScan: new(prefix: string) => unknown
  readonly SamplingScan: new(limit: number, seed?: number) => unknown
  readonly ScanTerm: new(term: string, exclusive?: boolean) => unknown
  readonly MutationState: new(...tokens: ReadonlyArray<unknown>) => unknown
  readonly MutateInMacro: { readonly Cas: unknown; readonly SeqNo: unknown; readonly ValueCrc32c: unknown }
  readonly LookupInMacro: { readonly Expiry: unknown; readonly Cas: unknown }
  readonly ReadPreference: { readonly NoPreference: string; readonly SelectedServerGroup: string }
  readonly CertificateAuthenticator: new(certificate: string, key: string) => object
  readonly StoreSemantics: { readonly Replace: number; readonly Upsert: number; readonly Insert: number }
  readonly DurabilityLevel: {
    readonly Majority: number
    readonly MajorityAndPersistOnMaster: number
    readonly PersistToMajority: number
  }
  readonly AuthenticationFailureError: ErrorClass
  readonly BucketExistsError: ErrorClass
  readonly BucketNotFlushableError: ErrorClass
  readonly BucketNotFoundError: ErrorClass
  readonly CollectionExistsError: ErrorClass
  readonly CollectionNotFoundError: ErrorClass
  readonly FeatureNotAvailableError: ErrorClass
  readonly InvalidArgumentError: ErrorClass
  readonly ScopeExistsError: ErrorClass
  readonly ScopeNotFoundError: ErrorClass
  readonly UserNotFoundError: ErrorClass
  readonly GroupNotFoundError: ErrorClass
  readonly CasMismatchError: ErrorClass
  readonly DocumentExistsError: ErrorClass
  readonly DocumentNotFoundError: ErrorClass
  readonly DocumentNotLockedError: ErrorClass
  readonly PathExistsError: ErrorClass
  readonly PathMismatchError: ErrorClass
  readonly PathNotFoundError: ErrorClass
  readonly DeltaInvalidError: ErrorClass
  readonly DocumentUnretrievableError: ErrorClass
  readonly DurabilityAmbiguousError: ErrorClass
  readonly DurabilityImpossibleError: ErrorClass
  readonly RequestCanceledError: ErrorClass
  readonly TimeoutError: ErrorClass
  readonly TransactionFailedError: ErrorClass
}

/** Loads the SDK. */
export const loadSdk = (): Sdk => createRequire(import.meta.url)("couchbase") as Sdk

/** What a promise is rejected with. */
export const failure = async (attempt: Promise<unknown>): Promise<Error> => {
  try {
    await attempt
  } catch (error) {
    return error as Error
  }
  throw new Error("it did not fail")
}
