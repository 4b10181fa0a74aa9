/** The Couchbase dialect, and what specs that extend it share. */
export * from "./couchbase/Dialect.ts"
export * from "./couchbase/index.ts"
