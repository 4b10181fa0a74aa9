/**
 * Sockets of Node: TCP, TLS and Unix sockets, read into slabs (`Slabs`). Node's modules are looked up when the first connection is made, so that
 * what browsers are sent has no import of them.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as NodeBuffer from "node:buffer"
import type * as NodeNet from "node:net"
import type * as NodeTls from "node:tls"
import { Slabs } from "./Slabs.ts"
import type { Timers } from "./Timers.ts"
import { Transport, type TransportOptions, type TransportSink } from "./Transport.ts"

/** Told once what became of an attempt. */
interface Told {
  readonly opened: (transport: Transport) => void
  readonly refused: (cause: unknown) => void
}

interface Host {
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown }
}

/** A module of Node; nothing where this is not Node. */
const builtIn = <M>(name: string): M | undefined => (globalThis as unknown as Host).process?.getBuiltinModule?.(name) as M | undefined

/** Connects a socket; returns what gives the attempt up. */
export const openSocket = (
  options: TransportOptions,
  address: string,
  sink: TransportSink,
  timers: Timers,
  told: Told
): Effect.Effect<void> | undefined => {
  const Net = builtIn<typeof NodeNet>("node:net")
  const Tls = builtIn<typeof NodeTls>("node:tls")
  const Memory = builtIn<typeof NodeBuffer>("node:buffer")
  if (Net === undefined || Tls === undefined || Memory === undefined) {
    return void told.refused(new Error("there are no sockets here, only what is dialled (`dial`)"))
  }
  const { Buffer: memory } = Memory
  const slabs = new Slabs(memory.allocUnsafeSlow, sink.unfinished)
  let transport: Transport | undefined
  const base = {
    ...(options.path === undefined ? { host: options.host, port: options.port } : { path: options.path }),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: Duration.toMillis(options.keepAlive ?? "10 seconds"),
    onread: {
      buffer: slabs.room,
      callback: (length: number): boolean => {
        const bytes = slabs.taken(length)
        transport?.receive(bytes)
        return true
      }
    }
  }
  const socket = options.tls === undefined
    ? Net.connect(base)
    : Tls.connect({ servername: Net.isIP(options.host) === 0 ? options.host : "", ...options.tls, ...base } as NodeTls.ConnectionOptions)
  // an error that comes when no caller waits any more has nobody to tell
  socket.on("error", () => {})
  const refused = (cause: unknown): void => told.refused(cause)
  const closed = (): void => refused("closed before the connection was made")
  socket.once("error", refused)
  socket.once("close", closed)
  socket.once(options.tls === undefined ? "connect" : "secureConnect", () => {
    socket.off("error", refused)
    socket.off("close", closed)
    transport = new Transport(socket, address, sink, timers)
    told.opened(transport)
  })
  return Effect.sync(() => socket.destroy())
}
