/** A proxy for clients of the memcached binary protocol. */
export * from "./Commands.ts"
export type { OpcodeCounts } from "./Counters.ts"
export * from "./Proxy.ts"
export type { CloseReason, SessionLimits } from "./ProxySession.ts"
export { InvalidTarget, type Target } from "./Upstream.ts"
