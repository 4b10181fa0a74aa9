/** The Database Change Protocol. */
export * from "./dcp/index.ts"
