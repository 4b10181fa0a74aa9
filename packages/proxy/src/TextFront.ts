/**
 * The text protocol in front of the proxy, classic and meta: what `textRequests` makes of a client's lines and an upstream's handlers, within the
 * limits of one client, counted by command, and drained when the proxy goes down.
 *
 * Answers leave in the order of the requests (`ServerSession`). A request whose outcome is unknown ends the connection without an answer.
 */
import type { DecodeError, Reader } from "@wirewright/codec"
import {
  type Answer,
  type ConnectionError,
  type Frame,
  type Outcome,
  Pending,
  type PacketHandler,
  type PacketProtocol,
  type RequestHandler,
  requestProtocol
} from "@wirewright/connection"
import { type Handle, type MemcachedHandlers, type Refusal } from "@wirewright/memcached"
import { Status } from "@wirewright/memcached/gen"
import { TextLines, type TextRequest, textRequests } from "@wirewright/memcached/internal"
import * as Text from "@wirewright/memcached/text"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { CommandCounters } from "./Counters.ts"
import type { GatedClient } from "./GatedClient.ts"
import { type CloseReason, firstGuess, type SessionLimits } from "./ProxySession.ts"
import { isRelayable, type Relayable, type RelayTold, TextCall, type TextRelay } from "./TextRelay.ts"
import type { Upstream } from "./Upstream.ts"

/** What a front needs. */
export interface TextFrontOptions {
  readonly upstream: Pick<Upstream, "handlers" | "isTooLarge" | "relay">
  readonly counters: CommandCounters
  readonly limits: SessionLimits
  readonly maxFrame: number
  /** Whether a user may sign in, which all must. Default: nobody needs to. */
  readonly authenticate?: ((user: string, password: string) => boolean) | undefined
  /** Told why the proxy closes the connection. */
  readonly closing: (reason: CloseReason) => void
  readonly closed: () => void
  readonly context: Context.Context<never>
}

/** Names of commands whose requests have none: by their verb or kind. */
const kinds: { readonly [tag: string]: string } = {
  MetaGet: "mg",
  MetaSet: "ms",
  MetaRemove: "md",
  MetaCount: "ma",
  MetaDebug: "me",
  TooLarge: "too large",
  Said: "refused"
}

const verbs: { readonly [verb: string]: string } = {
  remove: "delete",
  increment: "incr",
  decrement: "decr",
  noop: "mn",
  flush: "flush_all"
}

/** What a request is counted as. */
const labelOf = (request: TextRequest): string => {
  const kind = kinds[request._tag]
  if (kind !== undefined) return kind
  switch (request._tag) {
    case "Retrieve":
      return `${request.expiration === undefined ? "get" : "gat"}${request.withCas ? "s" : ""}`
    case "Manage":
      return request.verb === "administer" ? request.words[0] ?? "administer" : verbs[request.verb] ?? request.verb
    default: {
      const { verb } = request as { readonly verb: string }
      return verbs[verb] ?? verb
    }
  }
}

/** Errors, by the words that they begin with. */
const errors: { readonly [tag: string]: string | undefined } = {
  ClientError: "CLIENT_ERROR",
  ServerError: "SERVER_ERROR",
  CommandError: "ERROR"
}

/** Answers that are neither an error nor what was asked for. */
const unmet = new Set(["MetaMiss", "MetaNotFound", "MetaNotStored", "MetaExists", "NotFound", "NotStored", "Exists"])

/** Handlers that all refuse. */
const refused = (why: Refusal): RequestHandler<TextRequest, never> => {
  const refuse = () => Effect.fail(why)
  return textRequests({
    get: refuse,
    getAndTouch: refuse,
    set: refuse,
    add: refuse,
    replace: refuse,
    append: refuse,
    prepend: refuse,
    remove: refuse,
    touch: refuse,
    increment: refuse,
    decrement: refuse
  })
}

/** One client of the text protocol. */
export class TextFront {
  /** What is spoken on its connection. */
  readonly protocol: PacketProtocol<TextRequest>
  private readonly options: TextFrontOptions
  private readonly client: GatedClient
  /** What cuts what the client sends. */
  readonly lines: TextLines
  private readonly requests: RequestHandler<TextRequest, never>
  private readonly relay: TextRelay | undefined
  private under = 0
  private requestBytes = 0
  /** Size of answers to come: the largest of late. */
  private expected = firstGuess
  private label = ""
  private draining = false
  private ended = false

  constructor(client: GatedClient, options: TextFrontOptions) {
    const { authenticate, context, limits, maxFrame, upstream: { handlers, isTooLarge, relay } } = options
    this.client = client
    this.options = options
    this.relay = relay
    this.lines = new TextLines({ maxFrame, authenticate, isTooLarge })
    this.requests = textRequests(this.counting(handlers))
    const spoken = requestProtocol<TextRequest, never>(
      { frameShape: this.lines, decode: this.lines.decode, maxInFlight: limits.maxInFlight },
      { ...this.requests, handle: (request, asking) => this.handle(request, asking as GatedClient) },
      context
    )
    const inner = spoken.handler(client)
    this.protocol = { ...spoken, handler: () => this.around(inner) }
  }

  /** Accepts nothing more, and closes once what is under way is answered. */
  drain(): void {
    if (this.draining || this.ended) return
    this.draining = true
    this.client.holdBack(true)
    this.drainedIfDone()
  }

  private around(inner: PacketHandler<TextRequest>): PacketHandler<TextRequest> {
    const { closed } = this.options
    return {
      onRequest: (request: TextRequest, reader: Reader, at: number, end: number) => {
        if (this.draining || this.ended) return
        this.requestBytes += end - at
        this.size = end - at
        inner.onRequest(request, reader, at, end)
      },
      onMalformed: (error: DecodeError, frame: Frame) => inner.onMalformed(error, frame),
      onDrain: () => {
        inner.onDrain?.()
        this.throttle()
      },
      onClose: (error: ConnectionError) => {
        this.ended = true
        inner.onClose(error)
        closed()
      }
    }
  }

  /** Bytes of the request that is being handled. */
  private size = 0

  private handle(request: TextRequest, client: GatedClient): Outcome | Effect.Effect<Outcome> | Pending {
    const { relay, size } = this
    const label = labelOf(request)
    this.label = label
    this.options.counters.requested(label)
    this.under++
    if (relay !== undefined && isRelayable(request, relay)) {
      this.throttle()
      return new Pending((tell) => relay.send(new TextCall(request, this.relayed(request, label, size, tell))))
    }
    const result = this.requests.handle(request, client)
    if (!Effect.isEffect(result)) return this.done(request, label, size, result)
    this.throttle()
    return Effect.onExit(Effect.map(result, (outcome) => this.counted(request, label, outcome)), () => Effect.sync(() => this.over(size)))
  }

  private done(request: TextRequest, label: string, size: number, outcome: Outcome): Outcome {
    this.over(size)
    return this.counted(request, label, outcome)
  }

  /** Who hears what became of a request that is relayed. */
  private relayed(request: Relayable, label: string, size: number, tell: (outcome: Outcome) => void): RelayTold {
    return {
      answered: (answers) => {
        const error = this.countedAnswers(request, label, answers)
        const answer: Answer = (writer) => {
          for (const one of answers) Text.encode(writer, one)
        }
        tell(this.done(request, label, size, error === undefined ? { answer } : { answer, error }))
      },
      failed: (why) => {
        this.options.counters.failed(label)
        // what the same refusal comes to where a handler says it, which is at once
        tell(this.done(request, label, size, refused(why).handle(request, this.client) as Outcome))
      }
    }
  }

  /** Counts what answers say; returns the word that refuses, for metrics. */
  private countedAnswers(request: Relayable, label: string, answers: ReadonlyArray<Text.Response>): string | undefined {
    const { counters } = this.options
    const last = answers[answers.length - 1]!
    const error = errors[last._tag]
    if (error !== undefined || unmet.has(last._tag)) counters.failed(label)
    if (request._tag === "Retrieve") {
      const found = answers.length - 1
      counters.looked(found, error === undefined ? request.keys.length - found : 0)
    } else if (request._tag === "MetaGet" && error === undefined) {
      const missed = Number(last._tag === "MetaMiss")
      counters.looked(1 - missed, missed)
    }
    return error
  }

  private over(size: number): void {
    this.under--
    this.requestBytes -= size
    // its answer is appended after this
    this.client.putOff(() => {
      this.throttle()
      this.drainedIfDone()
    })
  }

  private counted(request: TextRequest, label: string, outcome: Outcome): Outcome {
    const { counters } = this.options
    const { answer, answers, last } = outcome
    if (answer === undefined && answers === undefined) {
      if (last === true) this.close(request._tag === "Said" ? { _tag: "Quit" } : { _tag: "OutcomeUnknown", command: label })
      else counters.silenced(label)
      return outcome
    }
    counters.answered(label)
    if (request._tag === "Said") counters.failed(label)
    if (answer === undefined) return outcome
    return {
      ...outcome,
      answer: (writer) => {
        const before = writer.length
        answer(writer)
        this.learn(writer.length - before)
      }
    }
  }

  private learn(size: number): void {
    this.expected = size > this.expected ? size : this.expected - (this.expected - size) / 64
    if (this.client.waiting <= this.options.limits.maxWaiting) return
    const bytes = this.options.limits.maxWaiting
    this.close({ _tag: "OutputLimit", bytes })
    this.client.close(`the proxy: more than ${bytes} bytes of answers wait`)
  }

  private close(reason: CloseReason): void {
    if (this.ended) return
    this.ended = true
    this.options.closing(reason)
  }

  private drainedIfDone(): void {
    if (!this.draining || this.ended || this.under > 0) return
    this.close({ _tag: "Drained" })
    this.client.end("the proxy: Drained")
  }

  /** Reads on, or not. One request is always let through, whatever it may cost. */
  private throttle(): void {
    if (this.draining || this.ended) return
    const { limits } = this.options
    const expected = this.requestBytes + this.client.waiting + this.under * this.expected
    this.client.holdBack(this.under > 0 && (this.under >= limits.maxInFlight || expected > limits.budget))
  }

  /** Handlers whose refusals are counted, misses of reads of many keys left out. */
  private counting(handlers: MemcachedHandlers): MemcachedHandlers {
    const { counters } = this.options
    const counted = (handle: Handle<object, unknown, never>, reads: boolean): Handle<object, unknown, never> => (request, client) => {
      const { label } = this
      const many = label === "get" || label === "gets" || label === "gat" || label === "gats"
      return Effect.matchEffect(handle(request, client), {
        onSuccess: (found) => {
          if (reads) counters.looked(1, 0)
          return Effect.succeed(found)
        },
        onFailure: (why: Refusal) => {
          if (!many || why.status !== Status.KeyEnoent) counters.failed(label)
          if (reads && why.status === Status.KeyEnoent) counters.looked(0, 1)
          return Effect.fail(why)
        }
      })
    }
    return Object.fromEntries(
      Object.entries(handlers).map(([name, handle]) => [
        name,
        counted(handle as Handle<object, unknown, never>, name === "get" || name === "getAndTouch")
      ])
    ) as MemcachedHandlers
  }
}
