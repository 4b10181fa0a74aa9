/** What a server's handlers see: the client at the other end of a connection, and the frames it sends. */
import type { DecodeError, Reader, Writer } from "@wirewright/codec"
import type { ConnectionError } from "./Errors.ts"
import type { OperationDurations } from "./Metrics.ts"

/** What one connection's requests are given to, in the callbacks of its socket. */
export interface PacketHandler<Request> {
  /** Answers now or later through `ServerClient.reply`. The request's frame is `reader.bytes[at, end)`. */
  readonly onRequest: (request: Request, reader: Reader, at: number, end: number) => void
  /** One frame, `reader.bytes[at, end)`, is no packet. The next frame follows unless this closes the connection. */
  readonly onMalformed: (error: DecodeError, frame: Frame) => void
  /** All that waited for the client has been handed to the kernel. */
  readonly onDrain?: () => void
  /** The connection is gone; called once. */
  readonly onClose: (error: ConnectionError) => void
}

/** A frame as it lies in a buffer. */
export interface Frame {
  readonly reader: Reader
  readonly at: number
  readonly end: number
}

/** How long requests take. */
export interface ServerCalls {
  readonly durations: OperationDurations
  /** Milliseconds since no certain time. */
  readonly now: () => number
}

/** The client at the other end of a connection. */
export interface ServerClient {
  /** Its number among the connections of this server, from 1. */
  readonly id: number
  /** `host:port` of the client, or `unix:path` of the socket on which it came. */
  readonly address: string
  /** Names of the certificate that the client has shown, where an authority of the server's vouches for it: its subject's CN. */
  readonly certificateName: string | undefined
  /** Why the connection is gone, once it is. */
  readonly closed: ConnectionError | undefined
  /** Bytes that wait for the client. */
  readonly waiting: number
  /** How long its requests take, where that is told. */
  readonly calls?: ServerCalls | undefined
  /** Appends packets to what is sent at the end of the microtask; does nothing once the connection is gone. Throws `EncodeError`. */
  reply(write: (writer: Writer) => void): void
  /** Handles and reads nothing more until `resume`. Frames that have arrived are kept. */
  pause(): void
  /** Goes on with what arrived. */
  resume(): void
  /** Goes on with `run` in a later turn of the event loop, unless the connection is gone by then. What `run` throws closes the connection. */
  putOff(run: () => void): void
  /** The client is authenticated, or needs not be: the limits of unauthenticated clients are not its limits. */
  admit(): void
  /** Sends what was appended, then closes. */
  end(by: string): void
  /** Closes at once; what was appended is lost. */
  close(by: string): void
  /** Closes at once, because of what the client did. */
  misbehaved(message: string, error?: DecodeError): void
}
