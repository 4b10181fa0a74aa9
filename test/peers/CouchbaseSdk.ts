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
}

/** What lookupIn and mutateIn return. */
export interface Parts {
  readonly cas: Cas
  readonly content: ReadonlyArray<{ readonly error?: Error | null; readonly value?: unknown }>
}

/** What is read from one of the copies of a document. */
export interface FoundInCopy extends Found {
  readonly isReplica: boolean
}

/** Documents of a collection. */
export interface Collection {
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
  lookupInAnyReplica(key: string, specs: ReadonlyArray<unknown>): Promise<Parts & { readonly isReplica: boolean }>
  lookupInAllReplicas(key: string, specs: ReadonlyArray<unknown>): Promise<ReadonlyArray<Parts & { readonly isReplica: boolean }>>
  lookupIn(key: string, specs: ReadonlyArray<unknown>): Promise<Parts>
  mutateIn(key: string, specs: ReadonlyArray<unknown>, options?: Options): Promise<Parts>
  binary(): {
    increment(key: string, delta: number, options?: Options): Promise<{ readonly value: number }>
    decrement(key: string, delta: number, options?: Options): Promise<{ readonly value: number }>
    append(key: string, value: Buffer): Promise<Written>
    prepend(key: string, value: Buffer): Promise<Written>
  }
}

/** A connection. */
export interface Cluster {
  bucket(name: string): {
    defaultCollection(): Collection
    scope(name: string): { collection(name: string): Collection }
    ping(options: object): Promise<{ readonly services: { readonly [name: string]: ReadonlyArray<{ readonly state: number }> } }>
  }
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
  readonly MutateInMacro: { readonly Cas: unknown; readonly SeqNo: unknown; readonly ValueCrc32c: unknown }
  readonly LookupInMacro: { readonly Expiry: unknown; readonly Cas: unknown }
  readonly StoreSemantics: { readonly Replace: number; readonly Upsert: number; readonly Insert: number }
  readonly DurabilityLevel: {
    readonly Majority: number
    readonly MajorityAndPersistOnMaster: number
    readonly PersistToMajority: number
  }
  readonly AuthenticationFailureError: ErrorClass
  readonly BucketNotFoundError: ErrorClass
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
}

/** Loads the SDK. */
export const loadSdk = (): Sdk => createRequire(import.meta.url)("couchbase") as Sdk
