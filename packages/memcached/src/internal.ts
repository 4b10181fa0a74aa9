/** What the other packages of this repository need of this one. It changes without notice. */
export { expirySeconds } from "./Expiry.ts"
export { isSchema, type SchemaMismatch, runCodec } from "./KvJson.ts"
export * from "./SaslPlain.ts"
export * from "./StatusText.ts"
