/** Transports of servers: over sockets that were accepted, or over other streams. */
import * as Net from "node:net"
import type { Duplex } from "node:stream"
import { unixAddress } from "./Address.ts"
import type { Timers } from "./Timers.ts"
import { over, type Transport, type TransportSink } from "./Transport.ts"

/** Makes a transport of a socket that was accepted, on a Unix socket where there is a `path`, or of another stream. */
export const accepted = (socket: Duplex, sink: TransportSink, timers: Timers, path?: string): Transport => {
  if (!(socket instanceof Net.Socket)) return over(socket, "in memory", sink, timers)
  if (path !== undefined) return over(socket, unixAddress(path), sink, timers)
  socket.setNoDelay(true)
  return over(socket, `${socket.remoteAddress}:${socket.remotePort}`, sink, timers)
}
