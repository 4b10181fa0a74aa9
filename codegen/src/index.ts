/** Loads specs, checks them, and prints typed codecs. */
export type { Finding } from "./Finding.ts"
export type { Formatting } from "./Format.ts"
export { check, generate, type GenerateOptions, type Language, type Report, type Target } from "./Generate.ts"
export { LoadError } from "./Load.ts"
export { OutputError } from "./Output.ts"
export { docs, type DocsOptions, type DocsReport } from "./docs/Docs.ts"
