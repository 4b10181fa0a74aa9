/** Codecs of the deepstream protocol, as servers speak it today; `gen7` has the older text protocol. */
export * from "./gen/index.ts"
