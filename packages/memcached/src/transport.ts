/** One connection that packets of any dialect of memcached go over: pipelined, with deadlines and taps. */
export * from "./PacketConnection.ts"
