/** The memcached binary protocol: codecs, and a pipelined connection. */
export * from "./gen/index.ts"
export * from "./PacketConnection.ts"
