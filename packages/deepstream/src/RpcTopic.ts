/**
 * Remote procedures, both sides of them.
 *
 * A request ends with the provider's answer, its error, the server's, or a deadline. When the connection is lost it ends too: whether the
 * provider was called cannot be known, so it is not called again.
 */
import type { Typed, TypedValue } from "./Typed.ts"
import type { Expected } from "./Answers.ts"
import type { Deadline } from "./Deadlines.ts"
import {
  AckTimeout,
  OutcomeUnknown,
  type DeepstreamReason,
  type MessageDenied,
  MessageParseError,
  NoRpcProvider,
  ResponseTimeout,
  RpcFailed,
  ServerFailed,
  type Topic,
  UnsolicitedMessage
} from "./DeepstreamError.ts"
import {
  encodeRpcFailure,
  encodeRpcProvide,
  encodeRpcReject,
  encodeRpcRequest,
  encodeRpcRequestAccepted,
  encodeRpcResponse,
  encodeRpcUnprovide
} from "./gen/Encode.ts"
import type { Letter } from "./Outbox.ts"
import { Recent } from "./Recent.ts"
import { type Owner, Owners } from "./Owners.ts"
import type { Subscriptions } from "./Subscriptions.ts"
import { encoded, isLetter, type Settle, typedOf, type Wire } from "./Wire.ts"

/** A request that came to a provider. Each answer is sent at most once; later ones are ignored. */
export interface RpcCall {
  readonly name: string
  readonly value: TypedValue
  /** Tells the server that this client takes the request. */
  readonly accept: () => void
  /** Accepts after so many milliseconds, unless it is answered or rejected before: a server takes no rejection after an acceptance. */
  readonly acceptAfter: (millis: number) => void
  /** Undefined when it was sent, or when there is no connection to send it on any more; otherwise why it cannot be written. */
  readonly respond: (value: TypedValue) => DeepstreamReason | undefined
  readonly fail: (message: string) => DeepstreamReason | undefined
  /** Lets the server ask another provider. */
  readonly reject: () => void
}

/** Provides one procedure. */
export interface RpcProvider extends Owner {
  readonly called: (call: RpcCall) => void
}

interface Pending {
  readonly name: string
  readonly letter: Letter
  readonly settle: Settle<TypedValue>
  ack: Expected | undefined
  readonly response: Expected
}

/** Deadlines of one request in milliseconds, when they are not those of the client. */
export interface RpcDeadlines {
  readonly ack?: number | undefined
  readonly response?: number | undefined
}

const topic: Topic = "P"

/** What servers of one kind or the other call running out of time. */
const timeouts = new Set(["ACK_TIMEOUT", "ACCEPT_TIMEOUT"])
/** What they say to a provider whose message they did not need. */
const toProviders = new Set(["MULTIPLE_ACK", "MULTIPLE_ACCEPT", "MULTIPLE_RESPONSE", "INVALID_RPC_CORRELATION_ID"])

/** The procedures of a session. */
export class RpcTopic {
  private readonly wire: Wire
  private readonly providers: Owners<RpcProvider>
  /** Calls that were not answered, by their names on the wire. */
  readonly pending = new Map<string, Pending>()
  private readonly finished = new Recent()
  private count = 0
  /** Counts connections, so that an answer to a request of an earlier one is not sent. */
  private connection = 0

  constructor(wire: Wire) {
    this.wire = wire
    this.providers = new Owners(wire, {
      topic,
      action: "S",
      endAction: "US",
      subscribe: (name) => encodeRpcProvide({ name }),
      unsubscribe: (name) => encodeRpcUnprovide({ name })
    })
  }

  get subscriptions(): Subscriptions {
    return this.providers.subscriptions
  }

  /** Provides; `ready` hears of the acknowledgement. A procedure has one provider in a client. Returns what ends it. */
  provide(name: string, provider: RpcProvider, ready: Settle<void>): () => void {
    return this.providers.take(name, provider, ready)
  }

  /** Asks for an answer. Returns what gives up waiting for it. */
  request(name: string, value: TypedValue, settle: Settle<TypedValue>, deadlines: RpcDeadlines = {}): () => void {
    const { wire } = this
    const { options } = wire
    const refused = wire.closed ?? wire.denied(topic, "REQ", name)
    if (refused !== undefined) {
      settle.fail(refused)
      return () => {}
    }
    const id = `${Math.floor(wire.now()).toString(36)}-${(++this.count).toString(36)}-${
      Math.floor(wire.random() * 0x1_0000_0000).toString(36)
    }`
    const text = encoded(name, () => encodeRpcRequest({ name, id, value: typedOf(value) }), options.maxMessage)
    const letter = typeof text === "string" ? wire.post(topic, name, text) : text
    if (!isLetter(letter)) {
      settle.fail(letter)
      return () => {}
    }
    this.pending.set(id, {
      name,
      letter,
      settle,
      ack: wire.expect(
        deadlines.ack ?? options.rpcAckTimeout,
        letter,
        () => this.end(id)?.settle.fail(new AckTimeout({ topic, subject: name }))
      ),
      response: wire.expect(
        deadlines.response ?? options.rpcResponseTimeout,
        letter,
        () => this.end(id)?.settle.fail(new ResponseTimeout({ topic, subject: name }))
      )
    })
    return () => void this.end(id)
  }

  accepted(name: string, id: string): void {
    const found = this.pending.get(id)
    if (found === undefined) return this.unknown(name, id)
    this.wire.answered(found.ack)
    found.ack = undefined
  }

  /** The provider's answer. Throws `DecodeError`, and fails the request, when its JSON is none. */
  responded(name: string, id: string, value: Typed): void {
    const found = this.end(id)
    if (found === undefined) return this.unknown(name, id)
    let answer: TypedValue
    try {
      answer = value.value
    } catch (error) {
      found.settle.fail(new MessageParseError({ message: `the answer of ${name} cannot be read` }))
      throw error
    }
    found.settle.succeed(answer)
  }

  /** The provider's error, or the server's: both have this form. */
  failed(code: string, name: string, id: string): void {
    // what is said to a provider is not the end of a request, though it may have the id of one of this client's own
    if (toProviders.has(code)) return this.wire.report(new ServerFailed({ topic, subject: name, code, data: [name, id] }), "notice")
    const found = this.end(id)
    if (found === undefined) return this.unknown(name, id)
    const about = { topic, subject: found.name }
    found.settle.fail(
      code === "NO_RPC_PROVIDER"
        ? new NoRpcProvider(about)
        : code === "RESPONSE_TIMEOUT"
        ? new ResponseTimeout(about)
        : timeouts.has(code)
        ? new AckTimeout(about)
        : new RpcFailed({ ...about, message: code })
    )
  }

  /** A request for a procedure of this client. Throws `DecodeError`, and answers with an error, when its JSON is none. */
  called(name: string, id: string, value: Typed): void {
    const { connection, providers, wire } = this
    const provider = providers.get(name)
    if (provider === undefined) return void wire.tell(encodeRpcReject({ name, id }))
    let asked: TypedValue
    try {
      asked = value.value
    } catch (error) {
      wire.tell(encodeRpcFailure({ text: "the request cannot be read", name, id }))
      throw error
    }
    let answered = false
    let accepted = false
    let acceptance: Deadline | undefined
    const accept = (): void => {
      wire.cancel(acceptance)
      if (accepted || answered || connection !== this.connection) return
      accepted = true
      wire.tell(encodeRpcRequestAccepted({ name, id }))
    }
    const answer = (encode: () => string): DeepstreamReason | undefined => {
      if (answered) return undefined
      const text = encoded(name, encode, wire.options.maxMessage)
      if (typeof text !== "string") return text
      accept()
      answered = true
      if (connection === this.connection) wire.tell(text)
      return undefined
    }
    provider.called({
      name,
      value: asked,
      accept,
      acceptAfter: (millis) => {
        if (!accepted && !answered) acceptance ??= wire.after(millis, accept)
      },
      respond: (given) => answer(() => encodeRpcResponse({ name, id, value: typedOf(given) })),
      fail: (message) => answer(() => encodeRpcFailure({ text: message, name, id })),
      reject: () => {
        if (answered || connection !== this.connection) return
        answered = true
        wire.cancel(acceptance)
        wire.tell(encodeRpcReject({ name, id }))
      }
    })
  }

  /** The server denied something about procedures. Returns whether a call hears of it. */
  refused(denied: MessageDenied): boolean {
    if (denied.action === "S") return this.subscriptions.refuse(denied.subject, denied)
    const found = denied.action === "REQ" ? this.end(denied.rest[0] ?? "") : undefined
    found?.settle.fail(denied)
    return found !== undefined
  }

  lost(): void {
    this.connection++
    this.subscriptions.lost()
    for (const [id, { letter, name, settle }] of this.pending) {
      if (letter.text !== "") continue
      this.end(id)
      settle.fail(new OutcomeUnknown({ topic, subject: name }))
    }
  }

  close(reason: DeepstreamReason): void {
    this.connection++
    this.subscriptions.close(reason)
    for (const id of Array.from(this.pending.keys())) this.end(id)?.settle.fail(reason)
  }

  private end(id: string): Pending | undefined {
    const found = this.pending.get(id)
    if (found === undefined) return undefined
    this.pending.delete(id)
    this.finished.add(id)
    this.wire.giveUp(found.ack)
    this.wire.giveUp(found.response)
    this.wire.takeBack(found.letter)
    return found
  }

  private unknown(name: string, id: string): void {
    // an answer to a request that is no longer awaited is late, not wrong
    this.wire.report(new UnsolicitedMessage({ topic, subject: name }), this.finished.has(id) ? "notice" : "error")
  }
}
