/** Plain memcached. */
export * from "./memcached/index.ts"
