/** Where and how a server of packets serves, and its limits. */
import type { FrameShape, Reader } from "@wirewright/codec"
import type * as Duration from "effect/Duration"
import type * as Tls from "node:tls"
import type { PacketHandler, ServerClient } from "./ServerClient.ts"
import type { Tap } from "./Tap.ts"

/** What is spoken on a connection: where its frames end, what they are, and who is given them. */
export interface PacketProtocol<Request> {
  /** Where frames end; of protocols with phases one for each connection. */
  readonly frameShape: FrameShape | ((client: ServerClient) => FrameShape)
  /** Decodes the client's request, or its response to a request of the server, at `at`. Throws `DecodeError`. */
  readonly decode: (reader: Reader, at: number, client: ServerClient) => Request
  /** Made for every connection. */
  readonly handler: (client: ServerClient) => PacketHandler<Request>
}

/** Where to serve, and limits. */
export interface ServerLimits {
  /** Default: 127.0.0.1. */
  readonly host?: string
  /** Default: a free port (0). */
  readonly port?: number
  /**
   * A Unix socket to listen on instead of host and port, for its owner alone. One that is left over from a server that died is replaced; it is
   * refused while somebody listens there, and removed at the end.
   */
  readonly path?: string
  /** Whether it listens. Default: true. Without that its clients are those it is given (`accept`), and its port is only a name. */
  readonly listen?: boolean
  /** TLS when given; asking for client certificates is part of these options. */
  readonly tls?: Tls.TlsOptions
  /**
   * Most connections at a time; more are closed at once. So are those for which nearly no file is left that the process may open (`ulimit -n`).
   * Default: 10 000.
   */
  readonly maxConnections?: number
  /** What a client is told before it is closed for that; over TLS nothing, which would take a handshake. Default: nothing. */
  readonly refusal?: Uint8Array
  /** Largest frame accepted in bytes. Default: the protocol's own limit. */
  readonly maxFrame?: number
  /** Bytes waiting for a client above which it is no longer read. Default: 4 MiB. */
  readonly maxOutput?: number
  /** Time without a byte in either direction after which a connection is closed. Default: 5 minutes. */
  readonly idleTimeout?: Duration.Input
  /** Time a client has for a header it has begun, and for its part of the TLS handshake. Default: 10 seconds. */
  readonly headerTimeout?: Duration.Input
  /** Time a client has for a frame it has begun, while this side reads. Default: 1 minute. */
  readonly frameTimeout?: Duration.Input
  /**
   * Most bytes held for all clients together: unfinished frames, frames that wait to be handled, answers that wait to be read. Above it, whoever
   * has the most of them is closed. Default: 256 MiB.
   */
  readonly maxHeld?: number
  /** Limits of clients that the handler has not admitted (`ServerClient.admit`). Default: all are admitted from the beginning. */
  readonly unauthenticated?: UnauthenticatedLimits
  /** Publishes the metrics of servers. Default: yes */
  readonly metrics?: boolean
  /** What is spoken, for the metrics of requests. Default: the name of the protocol, where requests are handled by their names */
  readonly system?: string
  /** Sees what goes over the connections. */
  readonly tap?: ServerTap
  /** Told of what a handler threw, which closes its connection. Default: written to the log. */
  readonly onDefect?: (defect: unknown, client: ServerClient) => void
}

/** Sees what goes over the connections of a server. */
export interface ServerTap extends Tap<ServerClient> {
  readonly opened?: (client: ServerClient) => void
  readonly closed?: (client: ServerClient) => void
}

/** Where and how to serve one protocol. */
export interface PacketServerOptions<Request> extends ServerLimits, PacketProtocol<Request> {}

/** Where and how to serve several protocols on one port. */
export interface ChoosingServerOptions<Request> extends ServerLimits {
  /**
   * Chooses what is spoken on a connection by all that has come on it, at least a byte; nothing: more is needed. A protocol may be made for
   * this connection alone. Throws `DecodeError` for bytes that begin none.
   */
  readonly choose: (first: Uint8Array, client: ServerClient) => PacketProtocol<Request> | undefined
}

/** What clients may whom a server does not know yet. */
export interface UnauthenticatedLimits {
  /** Most of them at a time; when there is one more, the oldest is closed. Default: 1 000. */
  readonly maxConnections?: number
  /** Largest frame in bytes. Default: 64 KiB. */
  readonly maxFrame?: number
  /** Like `maxHeld`, for unauthenticated clients only. Default: 16 MiB. */
  readonly maxHeld?: number
  /** Time until they are admitted, or closed. Default: 30 seconds. */
  readonly timeout?: Duration.Input
}
