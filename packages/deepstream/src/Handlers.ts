/**
 * What is done with each message of a server, by topic.
 *
 * Which messages there are, of which topic each is and which code an error has is what the specs say, in both dialects: a message without
 * a handler, one too many, and one below another topic than its own are errors of types.
 */
import type { Connection } from "./Connection.ts"
import { type DeepstreamReason, MessageDenied, MessageParseError, ServerFailed, type Topic, UnsolicitedMessage } from "./DeepstreamError.ts"
import type { EventTopic } from "./EventTopic.ts"
import { heads as classicHeads } from "./gen/Heads.ts"
import type { ServerMessage as ClassicMessage, UnknownMessage } from "./gen/Messages.ts"
import { heads as textHeads } from "./gen7/Heads.ts"
import type { ServerMessage as TextMessage } from "./gen7/Messages.ts"
import type { PatternTopic } from "./PatternTopic.ts"
import type { PresenceTopic } from "./PresenceTopic.ts"
import type { RecordTopic } from "./RecordTopic.ts"
import type { RpcTopic } from "./RpcTopic.ts"
import type { Subscriptions } from "./Subscriptions.ts"
import type { Typed } from "./Typed.ts"
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

/** Topic, action, and the code of an error that has only one, by message. */
const heads = { ...classicHeads, ...textHeads }

type Heads = typeof heads
/** Any message of a server, in either dialect. */
export type Message = ClassicMessage | TextMessage
type Tag = Exclude<Message, UnknownMessage>["_tag"]

/** Messages whose head is `H`. */
type Beginning<H extends ReadonlyArray<string>> = {
  [N in Tag]: Heads[N] extends readonly [...H, ...ReadonlyArray<string>] ? N : never
}[Tag]

type HandlersFor<N extends Message["_tag"]> = { readonly [One in N]: (message: Extract<Message, { readonly _tag: One }>) => void }

/** A handler for each message of a topic. */
export type HandlersOf<T extends Topic> = HandlersFor<Beginning<readonly [T]>>

/** A handler for each message. */
export type Handlers = HandlersFor<Message["_tag"]>

/** An error that has one code. */
interface Coded<C extends string = string> {
  readonly _tag: Beginning<readonly [Topic, "E", C]>
}

/** An error whose code is a field of it. */
interface Told {
  readonly _tag: Beginning<readonly [Topic, "E"]>
  readonly code: string
  readonly data: ReadonlyArray<string>
}

const topicOf = ({ _tag }: { readonly _tag: Tag }): Topic => heads[_tag][0]

const codeOf = <C extends string>({ _tag }: Coded<C>): C => heads[_tag][2] as C

const known = (at: 0 | 1): ReadonlySet<string> => new Set(Object.values(heads).flatMap((head: ReadonlyArray<string>) => head[at] ?? []))

const topicNames = known(0)
const actionNames = known(1)

/** The text of a typed value that should be one. */
const said = (value: Typed | undefined, otherwise: string): string => {
  const text = value?.value
  return typeof text === "string" && text !== "" ? text : otherwise
}

/** The handlers of a session, by the name of the message. */
export const handlersOf = (
  { eventPatterns, events, presence, recordPatterns, records, rpc }: Topics,
  connection: Connection,
  wire: Wire,
  host: RouterHost
): Handlers => {
  const report = (topic: Topic, code: string, subject: string, data: ReadonlyArray<string> = []): void =>
    wire.report(new ServerFailed({ topic, subject, code, data }))

  /** An error that only has to be told. */
  const coded = (message: Coded, subject: string, data?: ReadonlyArray<string>): void =>
    report(topicOf(message), codeOf(message), subject, data)

  const told = (message: Told): void => report(topicOf(message), message.code, message.data[0] ?? "", message.data)

  const texted = (message: Coded & { readonly text: string }): void => coded(message, message.text)

  /** `books` are by the action that is acknowledged. */
  const acknowledged = (topic: Topic, books: { readonly [action: string]: Subscriptions }, action: string, subject: string): void => {
    const book = Object.hasOwn(books, action) ? books[action] : undefined
    if (book === undefined) wire.report(new UnsolicitedMessage({ topic, subject }))
    else book.acknowledge(action, subject)
  }

  /** The server has this subscription already: as good as acknowledged. `books` are by the action that subscribes. */
  const repeated = (message: Coded & { readonly name: string }, books: { readonly [action: string]: Subscriptions }): void => {
    coded(message, message.name)
    const found = Object.entries(books).find(([, book]) => book.isAwaited(message.name))
    if (found !== undefined) found[1].acknowledge(found[0], message.name)
  }

  /** The server does not have this subscription: as good as ended. `books` are by the action that ends one. */
  const left = (message: Coded & { readonly name: string }, books: { readonly [action: string]: Subscriptions }): void => {
    coded(message, message.name)
    const found = Object.entries(books).find(([, book]) => book.isLeaving(message.name))
    if (found !== undefined) found[1].acknowledge(found[0], message.name)
  }

  /** The server could not use a message of ours, which it repeats: perhaps a pattern that is no regular expression. */
  const invalid = (message: Coded & { readonly original: ReadonlyArray<string> }, book: Subscriptions): void => {
    const { original } = message
    const reason = new ServerFailed({ topic: topicOf(message), subject: original.join("|"), code: codeOf(message), data: original })
    // classic servers repeat the message, or only say what is wrong with /the expression/
    const name = original.find((field) => book.has(field)) ??
      book.findWaiting((pattern) => original.some((field) => field.includes(`/${pattern}/`)))
    if (name === undefined || !book.refuse(name, reason)) wire.report(reason)
  }

  /** The permission handler refused, or failed; `refused` says whether that was of use to a topic. */
  const denied = (...topics: ReadonlyArray<{ readonly refused: (denied: MessageDenied) => boolean }>) =>
  (
    message: Coded<MessageDenied["code"]> & { readonly subject: string; readonly action: string; readonly rest: ReadonlyArray<string> }
  ): void => {
    const { action, rest, subject } = message
    const reason = new MessageDenied({ topic: topicOf(message), subject, action, rest, code: codeOf(message) })
    host.denied(reason)
    if (!topics.some((topic) => topic.refused(reason))) wire.report(reason)
  }

  const rpcFailed = (message: Coded & { readonly name: string; readonly id: string }): void =>
    rpc.failed(codeOf(message), message.name, message.id)

  const recordFailed = (code: string, name: string): void => {
    const reason: DeepstreamReason = new ServerFailed({ topic: "R", subject: name, code, data: [name] })
    if (!records.failed(code, name, reason)) wire.report(reason)
  }

  const eventBooks = {
    S: events.subscriptions,
    US: events.subscriptions,
    L: eventPatterns.subscriptions,
    UL: eventPatterns.subscriptions
  }
  const rpcBooks = { S: rpc.subscriptions, US: rpc.subscriptions }

  const connections: HandlersOf<"C"> = {
    ConnectionPing: () => connection.ping(),
    ConnectionAck: () => connection.accepted(),
    ConnectionChallenge: () => connection.challenged(),
    ConnectionRedirect: ({ url }) => connection.redirected(url),
    ConnectionReject: () => connection.rejected(),
    ConnectionAuthenticationTimeout: (message) =>
      connection.authenticationTimeout(
        said("text" in message ? message.text : undefined, "the server waited too long for the login")
      ),
    ConnectionUnknownAction: texted,
    ConnectionInvalidMessage: texted,
    ConnectionMessageParseError: (message) => coded(message, "", message.original),
    ConnectionError: told
  }

  const authentication: HandlersOf<"A"> = {
    AuthenticationAck: ({ clientData }) => connection.loggedIn(clientData?.value),
    AuthenticationInvalidData: ({ clientData }) => connection.loginRefused(clientData.value),
    AuthenticationInvalidMessage: ({ text }) => connection.loginMalformed(text),
    AuthenticationTooManyAttempts: (message) =>
      connection.tooManyLogins(said("text" in message ? message.text : undefined, "too many authentication attempts")),
    AuthenticationError: told
  }

  const ofEvents: HandlersOf<"E"> = {
    EventEmit: ({ name, value }) => events.received(name, value),
    EventAck: ({ action, subject }) => acknowledged("E", eventBooks, action, subject),
    EventPatternFound: ({ name, pattern }) => eventPatterns.found(pattern, name),
    EventPatternRemoved: ({ name, pattern }) => eventPatterns.removed(pattern, name),
    EventMessageDenied: denied(events, eventPatterns),
    EventPermissionError: denied(events, eventPatterns),
    EventMultipleSubscriptions: (message) => repeated(message, { S: events.subscriptions, L: eventPatterns.subscriptions }),
    EventNotSubscribed: (message) => left(message, { US: events.subscriptions, UL: eventPatterns.subscriptions }),
    EventInvalidMessageData: (message) => invalid(message, eventPatterns.subscriptions),
    EventUnknownAction: texted,
    EventError: told
  }

  const ofRecords: HandlersOf<"R"> = {
    RecordPatch: ({ name, path, value, version }) => records.patched(name, version, path, value),
    RecordUpdate: ({ data, name, version }) => records.updated(name, version, data),
    RecordData: ({ data, name, version }) => records.received(name, version, data),
    RecordWriteAck: ({ name, result, versions }) => records.writeAcknowledged(name, versions, result),
    RecordVersionExists: ({ data, name, version }) => records.versionExists(name, version, data),
    RecordAck: ({ action, subject }) => {
      if (action !== "L" && action !== "UL") records.acknowledged(action, subject)
      else recordPatterns.subscriptions.acknowledge(action, subject)
    },
    RecordPatternFound: ({ name, pattern }) => recordPatterns.found(pattern, name),
    RecordPatternRemoved: ({ name, pattern }) => recordPatterns.removed(pattern, name),
    RecordHasProvider: ({ has, name }) => records.provided(name, has),
    RecordHasAnswer: ({ exists, name }) => records.hasAnswered(name, exists),
    RecordHeadAnswer: ({ name, version }) => records.headAnswered(name, version),
    RecordMessageDenied: denied(records, recordPatterns),
    RecordPermissionError: denied(records, recordPatterns),
    RecordSnapshotError: ({ name, reason }) => records.questionFailed("SN", name, reason),
    RecordHasError: ({ name, reason }) => records.questionFailed("H", name, reason),
    RecordHeadError: ({ name, reason }) => records.questionFailed("HD", name, reason),
    RecordNotFound: (message) => records.questionFailed("", message.name, codeOf(message)),
    RecordCacheRetrievalTimeout: (message) => recordFailed(codeOf(message), message.name),
    RecordStorageRetrievalTimeout: (message) => recordFailed(codeOf(message), message.name),
    RecordCreateError: (message) => recordFailed(codeOf(message), message.name),
    RecordDeleteError: (message) => recordFailed(codeOf(message), message.text),
    RecordLoadError: (message) => recordFailed(codeOf(message), message.text),
    RecordUpdateError: (message) => coded(message, "", [`${message.version}`]),
    RecordInvalidVersion: (message) => coded(message, message.name, [message.version]),
    RecordMultipleSubscriptions: (message) => repeated(message, { L: recordPatterns.subscriptions }),
    RecordNotSubscribed: (message) => {
      if (records.isLeaving(message.name)) records.acknowledged("US", message.name)
      left(message, { UL: recordPatterns.subscriptions })
    },
    RecordInvalidMessageData: (message) => {
      records.invalid(message.original)
      invalid(message, recordPatterns.subscriptions)
    },
    RecordUnknownAction: texted,
    RecordError: ({ code, data }) => {
      if (code === heads.RecordNotFound[2]) records.questionFailed("", data[0] ?? "", code)
      else recordFailed(code, data[0] ?? "")
    }
  }

  const ofRpc: HandlersOf<"P"> = {
    RpcRequest: ({ id, name, value }) => rpc.called(name, id, value),
    RpcResponse: ({ id, name, value }) => rpc.responded(name, id, value),
    RpcRequestAccepted: ({ id, name }) => rpc.accepted(name, id),
    RpcAck: ({ action, name }) => acknowledged("P", rpcBooks, action, name),
    RpcFailure: ({ id, name, text }) => rpc.failed(text, name, id),
    RpcFailureRelay: ({ error, id, name }) => rpc.failed(String(error.value), name, id),
    RpcNoProvider: rpcFailed,
    RpcAckTimeout: rpcFailed,
    RpcAcceptTimeout: rpcFailed,
    RpcResponseTimeout: rpcFailed,
    RpcMultipleAck: rpcFailed,
    RpcMultipleAccept: rpcFailed,
    RpcMultipleResponse: rpcFailed,
    RpcInvalidCorrelationId: (message) => {
      if ("id" in message) rpcFailed(message)
      else texted(message)
    },
    RpcMessageDenied: denied(rpc),
    RpcPermissionError: denied(rpc),
    RpcMultipleSubscriptions: (message) => repeated(message, { S: rpc.subscriptions }),
    RpcNotSubscribed: (message) => left(message, { US: rpc.subscriptions }),
    RpcInvalidMessageData: (message) => invalid(message, rpc.subscriptions),
    RpcUnknownAction: texted,
    RpcError: (message) => {
      const [text, name, ...more] = message.data
      if (text !== undefined && name !== undefined && more.length === 0) rpc.failed(message.code, text, name)
      else told(message)
    }
  }

  const ofPresence: HandlersOf<"U"> = {
    PresenceAck: ({ action, subject }) => presence.acknowledged(action, subject),
    PresenceJoin: ({ user }) => presence.changed(user, true),
    PresenceLeave: ({ user }) => presence.changed(user, false),
    PresenceQueryAllAnswer: ({ users }) => presence.answeredAll(users),
    PresenceQueryAnswer: ({ id, online }) => presence.answered(id, online),
    PresenceMessageDenied: denied(presence),
    PresencePermissionError: denied(presence),
    PresenceMultipleSubscriptions: (message) => {
      presence.acknowledged("S", message.name, false)
      coded(message, message.name)
    },
    PresenceNotSubscribed: (message) => coded(message, message.name),
    PresenceInvalidUsers: texted,
    PresenceError: told
  }

  const everywhere: HandlersOf<"X"> = {
    GlobalUnknownTopic: (message) => coded(message, message.topic),
    GlobalMessageParseError: (message) => coded(message, ""),
    GlobalError: told
  }

  const unknown = ({ action, fields, topic }: UnknownMessage): void => {
    const reason = !topicNames.has(topic)
      ? new MessageParseError({ message: `Received message for unknown topic ${topic}` })
      : !actionNames.has(action)
      ? new MessageParseError({ message: `Unknown action ${action}` })
      : new UnsolicitedMessage({ topic: topic as Topic, subject: fields[0] ?? action })
    wire.report(reason)
  }

  return {
    ...connections,
    ...authentication,
    ...ofEvents,
    ...ofRecords,
    ...ofRpc,
    ...ofPresence,
    ...everywhere,
    UnknownMessage: unknown
  }
}
