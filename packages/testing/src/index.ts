/** Tools for tests of protocols: both ends in one process, links that fail, virtual time, seeds that shrink. */
export * from "@wirewright/connection/testing"
export * from "./NodeLayers.ts"
export * from "./Pair.ts"
export * from "./PassTime.ts"
export * from "./Replay.ts"
export * from "./Seeds.ts"
export * from "./VirtualTime.ts"
export * from "./WebSockets.ts"
