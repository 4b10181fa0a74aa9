/** The Effect shell that protocols share: transport, requests in flight, reconnecting, errors. */
export * from "./Address.ts"
export * from "./Errors.ts"
export * from "./Ledger.ts"
export * from "./Reconnect.ts"
export * from "./Transport.ts"
