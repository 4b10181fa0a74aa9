/**
 * Takes frames apart and hands each message to whom it concerns. What is of no use is reported with its text, once.
 *
 * Until the server shows what it is, the classic protocol is assumed: it has every message that a server sends first.
 */
import { DecodeError } from "@wirewright/codec/Errors"
import { forEachMessage, type OnMessage } from "@wirewright/codec/Delimited"
import type { Typed } from "./Typed.ts"
import type { Connection } from "./Connection.ts"
import { type DeepstreamReason, MessageDenied, MessageParseError, ServerFailed, type Topic, UnsolicitedMessage } from "./DeepstreamError.ts"
import type { EventTopic } from "./EventTopic.ts"
import * as Classic from "./gen/Decode.ts"
import type { ServerMessage as ClassicMessage, UnknownMessage } from "./gen/Messages.ts"
import * as Text from "./gen7/Decode.ts"
import type { ServerMessage as TextMessage } from "./gen7/Messages.ts"
import type { PatternTopic } from "./PatternTopic.ts"
import type { PresenceTopic } from "./PresenceTopic.ts"
import type { RecordTopic } from "./RecordTopic.ts"
import type { RpcTopic } from "./RpcTopic.ts"
import type { Subscriptions } from "./Subscriptions.ts"
import type { Wire } from "./Wire.ts"

/** Where messages go. */
export interface Topics {
  readonly events: EventTopic
  readonly eventPatterns: PatternTopic
  readonly records: RecordTopic
  readonly recordPatterns: PatternTopic
  readonly rpc: RpcTopic
  readonly presence: PresenceTopic
}

/** What a router tells the session. */
export interface RouterHost {
  /** The message that is being handled, for reports about it. */
  readonly begin: (frame: string, start: number, end: number) => void
  readonly denied: (denied: MessageDenied) => void
}

type Message = ClassicMessage | TextMessage

const topicNames = new Set(["C", "A", "E", "R", "P", "U", "X"])
const actionNames = new Set(
  "PI PO A RED CH CHR R C U P D S US H HD SN I SP SR SH L UL LA LR PU Q CR CU EVT E REQ RES REJ PNJ PNL WA".split(" ")
)

/** Errors that only name what they are about. */
export const codes: { readonly [tag: string]: string } = {
  RecordCacheRetrievalTimeout: "CACHE_RETRIEVAL_TIMEOUT",
  RecordStorageRetrievalTimeout: "STORAGE_RETRIEVAL_TIMEOUT",
  RecordCreateError: "RECORD_CREATE_ERROR",
  RecordDeleteError: "RECORD_DELETE_ERROR",
  RecordLoadError: "RECORD_LOAD_ERROR",
  RpcNoProvider: "NO_RPC_PROVIDER",
  RpcAckTimeout: "ACK_TIMEOUT",
  RpcAcceptTimeout: "ACCEPT_TIMEOUT",
  RpcResponseTimeout: "RESPONSE_TIMEOUT",
  RpcMultipleAck: "MULTIPLE_ACK",
  RpcMultipleAccept: "MULTIPLE_ACCEPT",
  RpcMultipleResponse: "MULTIPLE_RESPONSE"
}

/** The text of a typed value that should be one. */
const said = (value: Typed | undefined, otherwise: string): string => {
  const text = value?.value
  return typeof text === "string" && text !== "" ? text : otherwise
}

/** Hands messages to the topics of a session. */
export class MessageRouter {
  private readonly topics: Topics
  private readonly connection: Connection
  private readonly wire: Wire
  private readonly host: RouterHost
  private readonly onMessage: OnMessage
  private readonly onTooLong: OnMessage
  private readonly delimiting: typeof Classic.delimiting

  constructor(topics: Topics, connection: Connection, wire: Wire, host: RouterHost) {
    this.topics = topics
    this.connection = connection
    this.wire = wire
    this.host = host
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
      this.route(
        this.connection.dialect === "text" ? Text.decodeServerMessage(frame, start, end) : Classic.decodeServerMessage(frame, start, end)
      )
    } catch (error) {
      // JSON in typed values is read by whoever wants it, before anything is done
      if (!(error instanceof DecodeError)) throw error
      const separator = frame.indexOf("\x1f", start)
      const parts = separator >= 0 && separator < end
      this.wire.report(new MessageParseError({ message: parts ? error.message : "Insufficiant message parts" }))
    }
  }

  private route(message: Message): void {
    const { connection, topics: { eventPatterns, events, presence, recordPatterns, records, rpc } } = this
    switch (message._tag) {
      case "EventEmit":
        return events.received(message.name, message.value)
      case "RecordPatch":
        return records.patched(message.name, message.version, message.path, message.value)
      case "RecordUpdate":
        return records.updated(message.name, message.version, message.data)
      case "RecordData":
        return records.received(message.name, message.version, message.data)
      case "RecordWriteAck":
        return records.writeAcknowledged(message.name, message.versions, message.result)
      case "RecordVersionExists":
        return records.versionExists(message.name, message.version, message.data)
      case "RpcRequest":
        return rpc.called(message.name, message.id, message.value)
      case "RpcResponse":
        return rpc.responded(message.name, message.id, message.value)
      case "RpcRequestAccepted":
        return rpc.accepted(message.name, message.id)
      case "EventAck":
        return this.acknowledged("E", events.subscriptions, eventPatterns.subscriptions, message.action, message.subject)
      case "RecordAck":
        if (message.action !== "L" && message.action !== "UL") return records.acknowledged(message.action, message.subject)
        return recordPatterns.subscriptions.acknowledge(message.action, message.subject)
      case "RpcAck":
        return this.acknowledged("P", rpc.subscriptions, undefined, message.action, message.name)
      case "PresenceAck":
        return presence.acknowledged(message.action, message.subject)
      case "PresenceJoin":
        return presence.changed(message.user, true)
      case "PresenceLeave":
        return presence.changed(message.user, false)
      case "PresenceQueryAllAnswer":
        return presence.answeredAll(message.users)
      case "PresenceQueryAnswer":
        return presence.answered(message.id, message.online)
      case "EventPatternFound":
        return eventPatterns.found(message.pattern, message.name)
      case "EventPatternRemoved":
        return eventPatterns.removed(message.pattern, message.name)
      case "RecordPatternFound":
        return recordPatterns.found(message.pattern, message.name)
      case "RecordPatternRemoved":
        return recordPatterns.removed(message.pattern, message.name)
      case "RecordHasProvider":
        return records.provided(message.name, message.has)
      case "RecordHasAnswer":
        return records.hasAnswered(message.name, message.exists)
      case "RecordHeadAnswer":
        return records.headAnswered(message.name, message.version)
      case "ConnectionPing":
        return connection.ping()
      case "ConnectionAck":
        return connection.accepted()
      case "ConnectionChallenge":
        return connection.challenged()
      case "ConnectionRedirect":
        return connection.redirected(message.url)
      case "ConnectionReject":
        return connection.rejected()
      case "ConnectionAuthenticationTimeout":
        return connection.authenticationTimeout(
          said("text" in message ? message.text : undefined, "the server waited too long for the login")
        )
      case "AuthenticationAck":
        return connection.loggedIn(message.clientData?.value)
      case "AuthenticationInvalidData":
        return connection.loginRefused(message.clientData.value)
      case "AuthenticationInvalidMessage":
        return connection.loginMalformed(message.text)
      case "AuthenticationTooManyAttempts":
        return connection.tooManyLogins(said("text" in message ? message.text : undefined, "too many authentication attempts"))
      default:
        return this.failure(message)
    }
  }

  private failure(message: Exclude<Message, { readonly _tag: "EventEmit" }>): void {
    const { topics: { events, presence, records, rpc } } = this
    switch (message._tag) {
      case "EventMessageDenied":
      case "EventPermissionError":
        return this.denied("E", message, (denied) => events.refused(denied) || this.topics.eventPatterns.refused(denied))
      case "RecordMessageDenied":
      case "RecordPermissionError":
        return this.denied("R", message, (denied) => records.refused(denied) || this.topics.recordPatterns.refused(denied))
      case "RpcMessageDenied":
      case "RpcPermissionError":
        return this.denied("P", message, (denied) => rpc.refused(denied))
      case "PresenceMessageDenied":
      case "PresencePermissionError":
        return this.denied("U", message, (denied) => presence.refused(denied))
      case "RpcFailure":
        return rpc.failed(message.text, message.name, message.id)
      case "RpcFailureRelay":
        return rpc.failed(String(message.error.value), message.name, message.id)
      case "RpcNoProvider":
      case "RpcAckTimeout":
      case "RpcAcceptTimeout":
      case "RpcResponseTimeout":
      case "RpcMultipleAck":
      case "RpcMultipleAccept":
      case "RpcMultipleResponse":
        return rpc.failed(codes[message._tag]!, message.name, message.id)
      case "RpcInvalidCorrelationId":
        return "id" in message
          ? rpc.failed("INVALID_RPC_CORRELATION_ID", message.name, message.id)
          : this.report("P", "INVALID_RPC_CORRELATION_ID", message.text, [])
      case "RpcError":
        return message.data.length === 2
          ? rpc.failed(message.code, message.data[0]!, message.data[1]!)
          : this.report("P", message.code, message.data[0] ?? "", message.data)
      case "RecordSnapshotError":
        return records.questionFailed("SN", message.name, message.reason)
      case "RecordHasError":
        return records.questionFailed("H", message.name, message.reason)
      case "RecordHeadError":
        return records.questionFailed("HD", message.name, message.reason)
      case "RecordNotFound":
        return records.questionFailed("", message.name, "RECORD_NOT_FOUND")
      case "RecordCacheRetrievalTimeout":
      case "RecordStorageRetrievalTimeout":
      case "RecordCreateError":
        return this.recordFailed(codes[message._tag]!, message.name)
      case "RecordDeleteError":
      case "RecordLoadError":
        return this.recordFailed(codes[message._tag]!, message.text)
      case "RecordUpdateError":
        return this.report("R", "RECORD_UPDATE_ERROR", "", [`${message.version}`])
      case "RecordInvalidVersion":
        return this.report("R", "INVALID_VERSION", message.name, [message.version])
      case "RecordError":
        return message.code === "RECORD_NOT_FOUND"
          ? records.questionFailed("", message.data[0] ?? "", message.code)
          : this.recordFailed(message.code, message.data[0] ?? "")
      default:
        return this.remainder(message)
    }
  }

  /** What only has to be told, and acknowledgements in the guise of errors. */
  private remainder(message: { readonly _tag: string }): void {
    const { topics: { eventPatterns, events, presence, recordPatterns, rpc } } = this
    const found = message as Message
    switch (found._tag) {
      case "EventMultipleSubscriptions":
        return this.repeated("E", found.name, [events.subscriptions, eventPatterns.subscriptions], ["S", "L"])
      case "RecordMultipleSubscriptions":
        return this.repeated("R", found.name, [recordPatterns.subscriptions], ["L"])
      case "RpcMultipleSubscriptions":
        return this.repeated("P", found.name, [rpc.subscriptions], ["S"])
      case "PresenceMultipleSubscriptions":
        presence.acknowledged("S", found.name, false)
        return this.report("U", "MULTIPLE_SUBSCRIPTIONS", found.name, [])
      case "EventNotSubscribed":
        return this.left("E", found.name, [events.subscriptions, eventPatterns.subscriptions], ["US", "UL"])
      case "RecordNotSubscribed":
        if (this.topics.records.isLeaving(found.name)) this.topics.records.acknowledged("US", found.name)
        return this.left("R", found.name, [recordPatterns.subscriptions], ["UL"])
      case "RpcNotSubscribed":
        return this.left("P", found.name, [rpc.subscriptions], ["US"])
      case "PresenceNotSubscribed":
        return this.report("U", "NOT_SUBSCRIBED", found.name, [])
      case "EventInvalidMessageData":
        return this.invalid("E", found.original, eventPatterns.subscriptions)
      case "RecordInvalidMessageData":
        return this.invalid("R", found.original, recordPatterns.subscriptions)
      case "RpcInvalidMessageData":
        return this.invalid("P", found.original, rpc.subscriptions)
      case "PresenceInvalidUsers":
        return this.report("U", "INVALID_PRESENCE_USERS", found.text, [])
      case "EventUnknownAction":
        return this.report("E", "UNKNOWN_ACTION", found.text, [])
      case "RecordUnknownAction":
        return this.report("R", "UNKNOWN_ACTION", found.text, [])
      case "RpcUnknownAction":
        return this.report("P", "UNKNOWN_ACTION", found.text, [])
      case "ConnectionUnknownAction":
        return this.report("C", "UNKNOWN_ACTION", found.text, [])
      case "ConnectionInvalidMessage":
        return this.report("C", "INVALID_MESSAGE", found.text, [])
      case "ConnectionMessageParseError":
        return this.report("C", "MESSAGE_PARSE_ERROR", "", found.original)
      case "GlobalUnknownTopic":
        return this.report("X", "UNKNOWN_TOPIC", found.topic, [])
      case "GlobalMessageParseError":
        return this.report("X", "MESSAGE_PARSE_ERROR", "", [])
      case "EventError":
        return this.report("E", found.code, found.data[0] ?? "", found.data)
      case "PresenceError":
        return this.report("U", found.code, found.data[0] ?? "", found.data)
      case "AuthenticationError":
        return this.report("A", found.code, found.data[0] ?? "", found.data)
      case "ConnectionError":
        return this.report("C", found.code, found.data[0] ?? "", found.data)
      case "GlobalError":
        return this.report("X", found.code, found.data[0] ?? "", found.data)
      case "UnknownMessage":
        return this.unknown(found)
    }
  }

  private unknown({ action, fields, topic }: UnknownMessage): void {
    const reason = !topicNames.has(topic)
      ? new MessageParseError({ message: `Received message for unknown topic ${topic}` })
      : !actionNames.has(action)
      ? new MessageParseError({ message: `Unknown action ${action}` })
      : new UnsolicitedMessage({ topic: topic as Topic, subject: fields[0] ?? action })
    this.wire.report(reason)
  }

  private acknowledged(topic: Topic, names: Subscriptions, patterns: Subscriptions | undefined, action: string, subject: string): void {
    if (action === "S" || action === "US") names.acknowledge(action, subject)
    else if (patterns !== undefined && (action === "L" || action === "UL")) patterns.acknowledge(action, subject)
    else this.wire.report(new UnsolicitedMessage({ topic, subject }))
  }

  /** The server has this subscription already: as good as acknowledged. */
  private repeated(topic: Topic, name: string, books: ReadonlyArray<Subscriptions>, actions: ReadonlyArray<string>): void {
    this.report(topic, "MULTIPLE_SUBSCRIPTIONS", name, [])
    const at = books.findIndex((book) => book.isAwaited(name))
    if (at >= 0) books[at]!.acknowledge(actions[at]!, name)
  }

  /** The server does not have this subscription: as good as ended. */
  private left(topic: Topic, name: string, books: ReadonlyArray<Subscriptions>, actions: ReadonlyArray<string>): void {
    this.report(topic, "NOT_SUBSCRIBED", name, [])
    const at = books.findIndex((book) => book.isLeaving(name))
    if (at >= 0) books[at]!.acknowledge(actions[at]!, name)
  }

  /** The server could not use a message of ours, which it repeats: perhaps a pattern that is no regular expression. */
  private invalid(topic: Topic, original: ReadonlyArray<string>, book: Subscriptions): void {
    const reason = new ServerFailed({ topic, subject: original.join("|"), code: "INVALID_MESSAGE_DATA", data: original })
    if (topic === "R") this.topics.records.invalid(original)
    // classic servers repeat the message, or only say what is wrong with /the expression/
    const name = original.find((field) => book.has(field)) ??
      book.findWaiting((pattern) => original.some((field) => field.includes(`/${pattern}/`)))
    if (name === undefined || !book.refuse(name, reason)) this.wire.report(reason)
  }

  private denied(
    topic: Topic,
    message: { readonly _tag: string; readonly subject: string; readonly action: string; readonly rest: ReadonlyArray<string> },
    refuse: (denied: MessageDenied) => boolean
  ): void {
    const { _tag, action, rest, subject } = message
    const code = _tag.endsWith("PermissionError") ? "MESSAGE_PERMISSION_ERROR" : "MESSAGE_DENIED"
    const denied = new MessageDenied({ topic, subject, action, rest, code })
    this.host.denied(denied)
    if (!refuse(denied)) this.wire.report(denied)
  }

  private recordFailed(code: string, name: string): void {
    const reason: DeepstreamReason = new ServerFailed({ topic: "R", subject: name, code, data: [name] })
    if (!this.topics.records.failed(code, name, reason)) this.wire.report(reason)
  }

  private report(topic: Topic, code: string, subject: string, data: ReadonlyArray<string>): void {
    this.wire.report(new ServerFailed({ topic, subject, code, data }))
  }
}
