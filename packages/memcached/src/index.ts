/** Codecs of the memcached protocol. */
export * from "./gen/index.ts"
