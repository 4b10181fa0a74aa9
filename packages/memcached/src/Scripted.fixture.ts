/** A server whose every answer a test decides: it cuts requests out of what arrives and hands them to the test, socket by socket. */
import { encodeWith, Framer, type Writer } from "@wirewright/codec"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import { decodeRequest, frameShape, type Request } from "./gen/index.ts"

/** One connection as the server sees it. */
export interface Peer {
  readonly socket: Net.Socket
  readonly requests: Array<Request>
  /** Sends packets. */
  readonly send: (...packets: ReadonlyArray<(writer: Writer) => void>) => void
}

/** The bytes of some packets. */
export const bytesOf = (...packets: ReadonlyArray<(writer: Writer) => void>): Uint8Array =>
  encodeWith((writer) => {
    for (const packet of packets) packet(writer)
  })

/** Listens on a port, a free one unless it is given, until the scope closes. */
export const scripted = (
  onRequest: (request: Request, peer: Peer) => void,
  onConnect: (peer: Peer) => void = () => {},
  port = 0
): Effect.Effect<
  { readonly protocol: "binary"; readonly host: string; readonly port: number; readonly peers: Array<Peer> },
  never,
  Scope.Scope
> => {
  const peers: Array<Peer> = []
  const accept = (socket: Net.Socket): void => {
    const framer = new Framer(frameShape)
    const peer: Peer = { socket, requests: [], send: (...packets) => void socket.write(bytesOf(...packets)) }
    peers.push(peer)
    socket.on("error", () => {})
    socket.on("data", (chunk) =>
      framer.push(chunk, (reader, at) => {
        const request = decodeRequest(reader, at)
        peer.requests.push(request)
        onRequest(request, peer)
      }))
    onConnect(peer)
  }
  const open = Effect.callback<Net.Server>((resume) => {
    const server = Net.createServer(accept)
    server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
  })
  const close = (server: Net.Server): Effect.Effect<void> =>
    Effect.callback((resume) => {
      for (const { socket } of peers) socket.destroy()
      server.close(() => resume(Effect.void))
    })
  return Effect.map(Effect.acquireRelease(open, close), (server) => ({
    protocol: "binary" as const,
    host: "127.0.0.1",
    port: (server.address() as Net.AddressInfo).port,
    peers
  }))
}

/** Waits until the condition holds; fails after 5 seconds. */
export const until = (holds: () => boolean): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let i = 0; i < 1000 && !holds(); i++) yield* Effect.sleep(5)
    if (!holds()) yield* Effect.die(new Error(`not within 5 seconds: ${holds}`))
  })
