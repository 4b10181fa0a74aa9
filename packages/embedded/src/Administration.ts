/**
 * What an administrator does to the buckets of a cluster while it runs: makes, changes, empties and drops them, their scopes and collections.
 *
 * The one implementation: the management endpoint, the control socket of `wirewright serve` and programs call it. A change is in force when a
 * call returns, and clients have been sent the new map; a refusal changes nothing. Pure.
 */
import { Status } from "@wirewright/couchbase/gen"
import * as Result from "effect/Result"
import { AdministrationError } from "./AdministrationError.ts"
import type { Bucket } from "./Bucket.ts"
import { type BucketSettings, bucketSettings, clusterQuota, isBucketName } from "./BucketSettings.ts"
import type { ClusterState } from "./ClusterState.ts"
import {
  addScope,
  changeCollections,
  type Collection,
  collectionOf,
  isCollectionName,
  type Manifest,
  manifestText,
  removeScope,
  type Scope,
  scopeOf
} from "./Collections.ts"

/** What came of an attempt. */
export type Attempt<A> = Result.Result<A, AdministrationError>

/** Settings of a bucket that is to be made or changed. */
export type GivenSettings = Partial<BucketSettings>

/** Settings of a collection. */
export interface CollectionSettings {
  /** Longest life of a document in seconds; 0: that of the bucket; −1: no limit. */
  readonly maxTtl?: number | undefined
  /** Whether it keeps the history of its documents; only in buckets with magma. */
  readonly history?: boolean | undefined
}

/** Most buckets of a cluster, as Couchbase has it. */
const maxBuckets = 30
/** Most scopes, and most collections, of a bucket. Source: Couchbase's "Scopes and Collections", limits. */
const maxCollections = 1_200
const largestTtl = 2 ** 31 - 1

const refused = (...args: Parameters<typeof AdministrationError.of>) => Result.fail(AdministrationError.of(...args))
const done: Attempt<void> = Result.succeed(undefined)

/** What is wrong with the name of something new. */
const nameComplaint = (name: string): string | undefined => {
  if (name === "") return "The name must be given"
  if (/^[_%]/.test(name)) return "First character must not be _ or %"
  if (name.length > 251) return "The name must not be longer than 251 characters"
  return isCollectionName(name) ? undefined : "The name can only contain the characters A-Z, a-z, 0-9 and _ - %"
}

const noBucket = refused("BucketNotFound", "Requested resource not found.")
const noScope = (scope: string) => refused("ScopeNotFound", `Scope with name "${scope}" is not found`)
const noCollection = (scope: string, name: string) =>
  refused("CollectionNotFound", `Collection with name "${name}" in scope "${scope}" is not found`)

/** Settings of a collection as its manifest has them. */
const inManifest = ({ history, maxTtl }: CollectionSettings): Partial<Collection> => ({
  ...maxTtl === undefined ? {} : { maxTtl: maxTtl === 0 ? undefined : Math.max(maxTtl, 0) },
  ...history === undefined ? {} : { history }
})

/** The longest life of a document as administrators say it; see `CollectionSettings`. */
export const givenTtl = ({ maxTtl }: Collection): number => maxTtl === undefined ? 0 : maxTtl === 0 ? -1 : maxTtl

/** What may be done to a cluster. Uids are those of the manifest that the change made. */
export class Administration {
  private readonly state: ClusterState

  constructor(state: ClusterState) {
    this.state = state
  }

  /** Makes a bucket, ready at once. Without settings it is like one of a Couchbase 7.6 server: 1024 vbuckets, 1 replica, 100 MiB. */
  createBucket(name: string, given: GivenSettings = {}): Attempt<Bucket> {
    if (!isBucketName(name)) {
      return refused("InvalidArgument", "The name has 1 to 100 of the characters A-Z, a-z, 0-9, _ . - % and does not begin with .", "name")
    }
    if (this.state.buckets.has(name)) return refused("BucketExists", "Bucket with given name already exists", "name")
    if (this.state.buckets.size >= maxBuckets) return refused("LimitReached", `Cannot create more than ${maxBuckets} buckets`)
    return Result.flatMap(this.settings(given), (settings) => {
      const { ramQuota, replicas, vbuckets } = settings
      const made = { name, vbuckets, replicas, maxMemory: ramQuota * 2 ** 20, settings }
      return Result.succeed(this.state.createBucket(made)!)
    })
  }

  /** Changes settings of a bucket; those that are not given stay. */
  updateBucket(name: string, given: GivenSettings): Attempt<void> {
    return Result.flatMap(this.bucket(name), (bucket) =>
      Result.map(this.settings(given, bucket.settings), (settings) => {
        bucket.settings = settings
        bucket.store.limitMemory(settings.ramQuota * 2 ** 20)
      }))
  }

  /** Drops a bucket; connections that use it are closed. */
  dropBucket(name: string): Attempt<void> {
    return this.state.dropBucket(name) ? done : noBucket
  }

  /** Empties a bucket, if its settings allow it; its collections stay. */
  flushBucket(name: string): Attempt<void> {
    return Result.flatMap(this.bucket(name), (bucket) => {
      if (!bucket.settings.flushEnabled) return refused("FlushDisabled", "Flush is disabled for the bucket")
      bucket.flush()
      return done
    })
  }

  /** Makes an empty scope. */
  createScope(bucketName: string, name: string): Attempt<bigint> {
    return Result.flatMap(this.bucket(bucketName), (bucket) => {
      const { manifest } = bucket
      if (scopeOf(manifest, name) !== undefined) return refused("ScopeExists", `Scope with name "${name}" already exists`)
      const wrong = nameComplaint(name)
      if (wrong !== undefined) return refused("InvalidArgument", wrong, "name")
      if (manifest.scopes.length >= maxCollections) return refused("LimitReached", "Maximum number of scopes has been reached")
      return this.apply(bucket, addScope(manifest, name, bucket.highestId + 1))
    })
  }

  /** Drops a scope with its collections and their documents. */
  dropScope(bucketName: string, name: string): Attempt<bigint> {
    return this.withScope(bucketName, name, (bucket, scope) =>
      name.startsWith("_")
        ? refused("NotAllowed", `Deleting ${name} scope is not allowed`)
        : this.apply(bucket, removeScope(bucket.manifest, scope)))
  }

  /** Makes an empty collection in a scope that exists. */
  createCollection(bucketName: string, scopeName: string, name: string, given: CollectionSettings = {}): Attempt<bigint> {
    return this.withScope(bucketName, scopeName, (bucket, scope) => {
      if (collectionOf(scope, name) !== undefined) {
        return refused("CollectionExists", `Collection with name "${name}" in scope "${scopeName}" already exists`)
      }
      const wrong = nameComplaint(name)
      if (wrong !== undefined) return refused("InvalidArgument", wrong, "name")
      const unfit = collectionComplaint(bucket, given)
      if (unfit !== undefined) return Result.fail(unfit)
      const { manifest, settings } = bucket
      if (manifest.scopes.reduce((sum, { collections }) => sum + collections.length, 0) >= maxCollections) {
        return refused("LimitReached", `Maximum number of collections has been reached for scope "${scopeName}"`)
      }
      const { history = settings.historyRetentionCollectionDefault, maxTtl } = given
      const added = { id: bucket.highestId + 1, name, ...inManifest({ history, maxTtl }) }
      return this.apply(bucket, changeCollections(manifest, scope, (all) => [...all, added]))
    })
  }

  /** Changes settings of a collection; those that are not given stay. */
  updateCollection(bucketName: string, scopeName: string, name: string, given: CollectionSettings): Attempt<bigint> {
    return this.withCollection(bucketName, scopeName, name, (bucket, scope, collection) => {
      const unfit = collectionComplaint(bucket, given)
      if (unfit !== undefined) return Result.fail(unfit)
      const changed = { ...collection, ...inManifest(given) }
      return this.apply(bucket, changeCollections(bucket.manifest, scope, (all) => all.map((one) => one === collection ? changed : one)))
    })
  }

  /** Drops a collection with its documents. */
  dropCollection(bucketName: string, scopeName: string, name: string): Attempt<bigint> {
    return this.withCollection(bucketName, scopeName, name, (bucket, scope, collection) =>
      name.startsWith("_")
        ? refused("NotAllowed", `Deleting ${name} collection is not allowed`)
        : this.apply(bucket, changeCollections(bucket.manifest, scope, (all) => all.filter((one) => one !== collection))))
  }

  /** The bucket of a name. */
  bucket(name: string): Attempt<Bucket> {
    const bucket = this.state.buckets.get(name)
    return bucket === undefined ? noBucket : Result.succeed(bucket)
  }

  private withScope(bucketName: string, name: string, act: (bucket: Bucket, scope: Scope) => Attempt<bigint>): Attempt<bigint> {
    return Result.flatMap(this.bucket(bucketName), (bucket) => {
      const scope = scopeOf(bucket.manifest, name)
      return scope === undefined ? noScope(name) : act(bucket, scope)
    })
  }

  private withCollection(
    bucketName: string,
    scopeName: string,
    name: string,
    act: (bucket: Bucket, scope: Scope, collection: Collection) => Attempt<bigint>
  ): Attempt<bigint> {
    return this.withScope(bucketName, scopeName, (bucket, scope) => {
      const collection = collectionOf(scope, name)
      return collection === undefined ? noCollection(scopeName, name) : act(bucket, scope, collection)
    })
  }

  private settings(given: GivenSettings, current?: BucketSettings): Attempt<BucketSettings> {
    return Result.flatMap(bucketSettings(given, current), (settings) => {
      let others = current === undefined ? 0 : -current.ramQuota
      for (const bucket of this.state.buckets.values()) others += bucket.settings.ramQuota
      const fits = settings.ramQuota <= (current?.ramQuota ?? 0) || others + settings.ramQuota <= clusterQuota
      return fits
        ? Result.succeed(settings)
        : refused("InvalidArgument", "RAM quota specified is too large to be provisioned into this cluster.", "ramQuota")
    })
  }

  private apply(bucket: Bucket, manifest: Manifest): Attempt<bigint> {
    const status = this.state.setManifest(bucket, manifestText(manifest))
    // ids and uids have 32 and 64 bits, and a client may have set the last ones
    if (status !== Status.Success) return refused("LimitReached", "There are no more numbers for scopes and collections")
    return Result.succeed(bucket.manifest.uid)
  }
}

/** What is wrong with the settings of a collection. */
const collectionComplaint = (bucket: Bucket, { history, maxTtl }: CollectionSettings): AdministrationError | undefined => {
  if (maxTtl !== undefined && (!Number.isInteger(maxTtl) || maxTtl < -1 || maxTtl > largestTtl)) {
    return AdministrationError.invalid({ maxTTL: `The value must be in range from -1 to ${largestTtl}` })
  }
  return history === true && bucket.settings.storageBackend !== "magma"
    ? AdministrationError.invalid({ history: "Not allowed on a bucket without magma" })
    : undefined
}
