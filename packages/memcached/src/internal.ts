/** What the other packages of this repository need of this one. It changes without notice. */
export { expirySeconds } from "./Expiry.ts"
export { isSchema, jsonCodec, jsonOf, jsonText, textOf } from "./JsonDocuments.ts"
export * from "./SaslPlain.ts"
export * from "./StatusText.ts"
