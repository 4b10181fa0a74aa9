/** For tests of clients and servers: connections without sockets, which fail as you say. */
export * from "./MemoryLink.ts"
