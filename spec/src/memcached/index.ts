/** Plain memcached: the classic commands with plain keys. Source: memcached 1.6.18 observed live. */
import { protocol } from "@wirewright/dsl"
import { connectionCommands } from "./Connection.ts"
import { mcbp } from "./Frame.ts"
import { gatK, gatKQ, memcachedClassic } from "./Memcached.ts"

export * from "./Classic.ts"
export * from "./Connection.ts"
export * from "./Datagram.ts"
export * from "./Frame.ts"
export * from "./Memcached.ts"
export * from "./Text.ts"

/** All commands of plain memcached. */
export const memcachedCommands = [...Object.values(memcachedClassic), ...connectionCommands, gatK, gatKQ]

/** The memcached binary protocol. */
export const memcached = protocol(mcbp, { name: "memcached", module: "@wirewright/memcached/gen", commands: memcachedCommands })
