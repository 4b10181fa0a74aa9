/** The Effect shell that protocols share: transport, requests in flight, errors. */
export * from "./Errors.ts"
export * from "./Ledger.ts"
export * from "./Transport.ts"
