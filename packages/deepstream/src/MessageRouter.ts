/**
 * Takes frames apart and hands each message to the handler its name has. What is of no use is reported with its text, once.
 *
 * Until the server shows what it is, the classic protocol is assumed: it has every message that a server sends first.
 */
import { DecodeError } from "@wirewright/codec/Errors"
import { forEachMessage, type OnMessage } from "@wirewright/codec/Delimited"
import type { Connection } from "./Connection.ts"
import { MessageParseError } from "./DeepstreamError.ts"
import * as Classic from "./gen/Decode.ts"
import * as Text from "./gen7/Decode.ts"
import { handlersOf, type Message, type RouterHost, type Topics } from "./Handlers.ts"
import type { Wire } from "./Wire.ts"

/** Hands messages to the topics of a session. */
export class MessageRouter {
  private readonly connection: Connection
  private readonly wire: Wire
  private readonly host: RouterHost
  /** By name: with so many, an object of them is slower. */
  private readonly handlers: ReadonlyMap<string, (message: Message) => void>
  private readonly onMessage: OnMessage
  private readonly onTooLong: OnMessage
  private readonly delimiting: typeof Classic.delimiting

  constructor(topics: Topics, connection: Connection, wire: Wire, host: RouterHost) {
    this.connection = connection
    this.wire = wire
    this.host = host
    const handlers = Object.entries(handlersOf(topics, connection, wire, host))
    this.handlers = new Map(handlers as ReadonlyArray<[string, (message: Message) => void]>)
    const { maxReceived } = wire.options
    this.delimiting = { ...Classic.delimiting, maxMessage: maxReceived }
    this.onMessage = (frame, start, end) => this.message(frame, start, end)
    this.onTooLong = (frame, start, end) => {
      host.begin(frame, start, end)
      wire.report(new MessageParseError({ message: `a message of ${end - start} characters; the limit is ${maxReceived}` }))
    }
  }

  received(frame: string): void {
    forEachMessage(frame, this.delimiting, this.onMessage, this.onTooLong)
  }

  /** A frame that is no text. */
  binary(size: number): void {
    this.wire.report(new MessageParseError({ message: `a binary frame of ${size} bytes` }))
  }

  private message(frame: string, start: number, end: number): void {
    this.host.begin(frame, start, end)
    try {
      const message = this.connection.dialect === "text"
        ? Text.decodeServerMessage(frame, start, end)
        : Classic.decodeServerMessage(frame, start, end)
      this.handlers.get(message._tag)!(message)
    } catch (error) {
      // JSON in typed values is read by whoever wants it, before anything is done
      if (!(error instanceof DecodeError)) throw error
      const separator = frame.indexOf("\x1f", start)
      const parts = separator >= 0 && separator < end
      this.wire.report(new MessageParseError({ message: parts ? error.message : "Insufficiant message parts" }))
    }
  }
}
