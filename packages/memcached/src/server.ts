/** What servers of packets are made of: sockets and their limits, the session of a client, and handlers by command. */
export { memcachedRequests } from "./MemcachedServer.ts"
export * from "./PacketServer.ts"
export * from "./RequestServer.ts"
export * from "./ServerSession.ts"
