/** What the other packages of this repository need of this one. It changes without notice. */
export { decodeBase64 } from "./Base64.ts"
export { formatOf } from "./Documents.ts"
export { runnersPrefix } from "./OwnKeys.ts"
export * from "./Scram.ts"
export { nodeCrypto, randomNonce, saltedPassword } from "./ScramCrypto.ts"
export { encodeDuration } from "./ServerDuration.ts"
