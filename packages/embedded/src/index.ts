/** Servers in memory: document semantics and the personalities that serve them. */
export { Bucket, type BucketOptions, type VbucketInfo } from "./Bucket.ts"
export { type Collection, defaultManifest, type Manifest, type Scope, withCollection, withScope } from "./Collections.ts"
export * from "./CouchbaseNode.ts"
export * from "./Document.ts"
export * from "./HashTable.ts"
export * from "./MemcachedNode.ts"
export * from "./Store.ts"
export type { SaslRandom, User } from "./Users.ts"
