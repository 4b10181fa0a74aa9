/** What the other packages of this repository need of this one. It changes without notice. */
export { type Call, Exchange, type Resume, type Sendable } from "./Exchange.ts"
export { expirySeconds } from "./Expiry.ts"
export { isSchema, type Misfit, walked } from "./KvJson.ts"
export { Errand } from "./Relay.ts"
export * from "./SaslPlain.ts"
export * from "./StatusText.ts"
