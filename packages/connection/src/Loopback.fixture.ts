/** Servers on loopback for tests of connections: each test says what its server does with a socket. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"
import * as Net from "node:net"
import * as Tls from "node:tls"

const pem = (name: string): string => readFileSync(new URL(`../../../test/fixtures/tls/${name}`, import.meta.url), "utf8")

/** A certificate that signs itself, and its key. */
export const certificate = { cert: pem("localhost.crt"), key: pem("localhost.key") }

/** Listens on a free port until the scope closes, which also destroys all its sockets. */
export const listening = (
  onSocket: (socket: Net.Socket) => void,
  tls?: Tls.TlsOptions
): Effect.Effect<{ readonly host: string; readonly port: number; readonly sockets: Set<Net.Socket> }, never, Scope.Scope> => {
  const sockets = new Set<Net.Socket>()
  const accept = (socket: Net.Socket): void => {
    sockets.add(socket)
    socket.on("error", () => {})
    socket.once("close", () => sockets.delete(socket))
    onSocket(socket)
  }
  const open = Effect.callback<Net.Server>((resume) => {
    const server = tls === undefined ? Net.createServer(accept) : Tls.createServer(tls, accept)
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  })
  const close = (server: Net.Server): Effect.Effect<void> =>
    Effect.callback((resume) => {
      for (const socket of sockets) socket.destroy()
      server.close(() => resume(Effect.void))
    })
  return Effect.map(Effect.acquireRelease(open, close), (server) => ({
    host: "127.0.0.1",
    port: (server.address() as Net.AddressInfo).port,
    sockets
  }))
}

/** Waits until the condition holds; fails after 5 seconds. */
export const until = (holds: () => boolean): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let i = 0; i < 1000 && !holds(); i++) yield* Effect.sleep(5)
    if (!holds()) yield* Effect.die(new Error(`not within 5 seconds: ${holds}`))
  })

/** What keeps the process alive: sockets and timers. */
export const resources = (): number =>
  process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|Timeout|Connect|Shutdown|Write/.test(kind)).length
