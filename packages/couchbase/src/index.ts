/** Codecs of the couchbase protocol. */
export * from "./gen/index.ts"
export * from "./ServerDuration.ts"
