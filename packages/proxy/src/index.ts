/** A proxy for clients of the memcached binary protocol. */
export * from "./Commands.ts"
export * from "./Counters.ts"
export * as Proxy from "./Proxy.ts"
export * from "./ProxySession.ts"
export * from "./Upstream.ts"
