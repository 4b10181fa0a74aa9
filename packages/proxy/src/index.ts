/** A proxy for memcached's clients, whichever of its protocols they speak. */
export * from "./Commands.ts"
export type { CommandCounts } from "./Counters.ts"
export * from "./Proxy.ts"
export type { CloseReason, SessionLimits } from "./ProxySession.ts"
export { InvalidTarget, type Target } from "./Upstream.ts"
