/** What stands behind the proxy in tests: a memcached in memory, and one that does as it is told. */
import { serveMemcachedNode } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import { type Proxy, type ProxyError, type ProxyOptions, serveProxy } from "./Proxy.ts"

/** A proxy in front of a memcached in memory. */
export const beforeMemcached = (options: Partial<ProxyOptions> = {}): Effect.Effect<Proxy, ProxyError, Scope.Scope> =>
  Effect.flatMap(serveMemcachedNode(), ({ server }) => serveProxy({ upstream: `memcached://127.0.0.1:${server.port}`, ...options }))

/** The port of a server that does as it is told with what each connection sends. */
export const scripted = (onData: (socket: Net.Socket, data: Buffer) => void): Effect.Effect<number, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ server: Net.Server; sockets: Set<Net.Socket> }>((resume) => {
        const sockets = new Set<Net.Socket>()
        const server = Net.createServer((socket) => {
          sockets.add(socket)
          socket.on("error", () => {})
          socket.on("close", () => sockets.delete(socket))
          socket.on("data", (data) => onData(socket, data))
        }).listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, sockets })))
      }),
      ({ server, sockets }) =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        })
    ),
    ({ server }) => (server.address() as Net.AddressInfo).port
  )

/** The name of a memcached of meta commands that does as it is told with those for keys, which come line by line. */
export const scriptedMeta = (onKey: (line: string, socket: Net.Socket) => void): Effect.Effect<string, never, Scope.Scope> => {
  const texts = new Map<Net.Socket, string>()
  const answered = (line: string, socket: Net.Socket): void => {
    if (line === "version") socket.write("VERSION 1.6.18\r\n")
    else if (line === "mn") socket.write("MN\r\n")
    else if (line.startsWith("stats")) socket.write("END\r\n")
    else onKey(line, socket)
  }
  const upstream = scripted((socket, data) => {
    const lines = `${texts.get(socket) ?? ""}${data.toString("latin1")}`.split("\r\n")
    texts.set(socket, lines.pop()!)
    for (const line of lines) answered(line, socket)
  })
  return Effect.map(upstream, (port) => `memcached://127.0.0.1:${port}?protocol=meta`)
}
