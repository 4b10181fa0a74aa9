/** What the other packages of this repository need of this one. It changes without notice. */
export { type Call, Exchange, type Resume, type Sendable } from "./Exchange.ts"
export { expirySeconds } from "./Expiry.ts"
export { isSchema, type SchemaMismatch, runCodec } from "./KvJson.ts"
export { PacketCall } from "./Relay.ts"
export * from "./SaslPlain.ts"
export * from "./StatusText.ts"
