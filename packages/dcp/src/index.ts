/** Codecs of the dcp protocol. */
export * from "./gen/index.ts"
