/** What the other packages of this repository need of this one. It changes without notice. */
export { expirySeconds } from "./Expiry.ts"
export { isSchema, jsonCodec, jsonOf, jsonText, textOf } from "./JsonDocuments.ts"
export * from "./SaslPlain.ts"
export * from "./StatusText.ts"
export { doNotCreate } from "./MemcachedHandlers.ts"
export { unsigned32, unsigned64, signed32 } from "./TextNumbers.ts"
