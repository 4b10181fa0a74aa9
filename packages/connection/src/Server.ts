/**
 * A server of any protocol whose spec says by which field answers are told: a handler for each command in, packets out.
 *
 * Answers leave in the order of the requests; quiet commands tell only what they must; what is no packet, what no handler knows and what a
 * handler died of is answered with the statuses that the spec names for it, or ends the connection where it names none.
 */
import type { DecodeError, ServerProtocol, Writer } from "@wirewright/codec"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ConnectionError } from "./Errors.ts"
import type { PacketServer } from "./PacketServer.ts"
import { type Outcome, type RequestHandler, type RequestServerOptions, serveRequests } from "./RequestServer.ts"
import type { Frame, ServerClient } from "./ServerClient.ts"
import { isSilent } from "./ServerSession.ts"

/** Why a request was not done. A plain value, not an Error: misses are everyday outcomes and must be cheap. */
export interface Refusal {
  readonly _tag: "Refusal"
  readonly status: number
  /** What the client is told in words, as far as the protocol has room for it. */
  readonly text?: string | undefined
  /** The connection ends after the answer. */
  readonly last?: boolean
  /** Nothing is answered: whatever would be said might be untrue. */
  readonly unanswered?: boolean
}

/** Why a request was not done. */
export const refusal = (status: number, text?: string): Refusal => ({ _tag: "Refusal", status, text })

interface Packet {
  readonly _tag: string
}

/** An answer after which the connection ends. */
export class Last<A> {
  readonly answer: A

  constructor(answer: A) {
    this.answer = answer
  }
}

/** Ends the connection after this answer. */
export const last = <A>(answer: A): Last<A> => new Last(answer)

/** A request is passed over in silence. */
export const silence: unique symbol = Symbol("silence")

type TagOf<Request> = Request extends Packet ? Request["_tag"] : never

/** Commands that a server of a protocol handles: those whose requests have an answer. */
export type CommandName<Request, Outcomes> = TagOf<Request> extends infer N
  ? N extends string ? `${N}Response` extends keyof Outcomes ? N : never : never
  : never

type Fields<A, C extends string> = Omit<A, C>

/** What a handler answers when there is nothing to say. */
type Nothing<F> = {} extends F ? void : never

type AnswerTo<N extends string, Outcomes, C extends string> = Fields<Outcomes[`${N}Response` & keyof Outcomes], C>

/** Another outcome of a command than its first, by its tag. */
type Tagged<N extends string, Outcomes, C extends string> = {
  readonly [T in keyof Outcomes & `${N}${string}`]: { readonly _tag: T } & Fields<Outcomes[T], C>
}[keyof Outcomes & `${N}${string}`]

type One<N extends string, Outcomes, C extends string> =
  | AnswerTo<N, Outcomes, C>
  | Tagged<N, Outcomes, C>
  | Nothing<AnswerTo<N, Outcomes, C>>

/** What a handler succeeds with: the fields of the answer, of several answers, of another outcome (with its `_tag`), or silence. */
export type Answered<N extends string, Outcomes, C extends string> =
  | One<N, Outcomes, C>
  | ReadonlyArray<One<N, Outcomes, C>>
  | Last<One<N, Outcomes, C> | typeof silence>
  | typeof silence

/** Handles a request. An Effect that is already an Exit (`Effect.succeed`, `Effect.fail`) needs no fibre. */
export type Handler<Request, A, R> = (request: Request, client: ServerClient) => Effect.Effect<A, Refusal, R>

/** Handles a request with many answers, the mark of their end included where the protocol has one; they are pulled as the client takes them. */
export type StreamHandler<Request, A, R> = (request: Request, client: ServerClient) => Stream.Stream<A, Refusal, R>

/** A handler for every command. */
export type Handlers<Request, Outcomes, C extends string, R> = {
  readonly [N in CommandName<Request, Outcomes>]:
    | Handler<Extract<Request, { readonly _tag: N }>, Answered<N, Outcomes, C>, R>
    | StreamHandler<Extract<Request, { readonly _tag: N }>, One<N, Outcomes, C>, R>
}

/** What the handlers need. */
export type ServicesOf<H> = {
  readonly [N in keyof H]: H[N] extends (...args: never) => infer O ? ServicesOfOutcome<O> : never
}[keyof H]

type ServicesOfOutcome<O> = O extends Effect.Effect<unknown, unknown, infer R> ? R
  : O extends Stream.Stream<unknown, unknown, infer R> ? R
  : never

/** What generated code exports for servers. */
export interface ServerModule<Request, Answer, Outcomes, C extends string> {
  readonly server: ServerProtocol<Request, Answer, Outcomes, C>
}

/** Where to serve, and limits. */
export interface ServerOptions<Request, R> extends Omit<RequestServerOptions<Request>, "frameShape" | "decode"> {
  /** Handles requests of commands that the spec does not have. Default: refused */
  readonly unknown?: Handler<Request, unknown, R>
  /** What clients are told in words of a status. Default: nothing */
  readonly text?: (status: number) => Uint8Array
}

type AnyHandler = (request: unknown, client: ServerClient) => Effect.Effect<unknown, Refusal> | Stream.Stream<unknown, Refusal>
type AnyProtocol = ServerProtocol<unknown, unknown, unknown, string>

const encoder = new TextEncoder()
const nothing = new Uint8Array(0)
const unanswered: Outcome = { answer: undefined }

/** What a server does with requests, for `serveRequests`. */
export const requestsOf = <Request, Answer, Outcomes, C extends string, R = never>(
  { server }: ServerModule<Request, Answer, Outcomes, C>,
  handlers: Handlers<Request, Outcomes, C, R>,
  { text = () => nothing, unknown }: Pick<ServerOptions<Request, R>, "text" | "unknown"> = {}
): RequestHandler<Request, R> => {
  const protocol = server as unknown as AnyProtocol
  const { header, refusals, statuses } = protocol
  const { correlation } = header
  const success = Number(Object.keys(statuses).find((code) => statuses[Number(code)]!.retry === "success") ?? 0)
  // tags are compared faster than they are put together
  const tags: Record<string, string> = Object.fromEntries(Object.keys(handlers).map((name) => [name, `${name}Response`]))

  const refuseWith = (opcode: number, number: number, { last, status, text: words, unanswered: silent }: Refusal): Outcome => {
    if (silent === true || isSilent(protocol, opcode, status)) return last === true ? { answer: undefined, last } : unanswered
    const content = words === undefined ? text(status) : encoder.encode(words)
    const answer = (writer: Writer): void => protocol.encodeStatus(writer, opcode, number, status, content)
    return last === true ? { answer, last } : { answer }
  }

  const refuse = (request: unknown, refusal: Refusal): Outcome => {
    const { [header.opcode]: opcode, [correlation]: number } = request as { readonly [field: string]: number }
    return refuseWith(opcode!, number!, refusal)
  }

  const write = (writer: Writer, request: Packet, answer: unknown): void => {
    const number = (request as unknown as { readonly [field: string]: unknown })[correlation]
    const packet = answer as Packet | undefined
    protocol.encode(writer, { _tag: tags[request._tag]!, ...packet, [correlation]: number })
  }

  const done = (request: Packet, answer: unknown): Outcome => {
    if (answer === silence) return unanswered
    if (answer instanceof Last) return { ...done(request, answer.answer), last: true }
    if (Array.isArray(answer)) {
      return {
        answer: (writer) => {
          for (const one of answer) write(writer, request, one)
        }
      }
    }
    const opcode = (request as unknown as { readonly [field: string]: number })[header.opcode]!
    // a packet of another outcome says so with its tag, and is no silent success
    if ((answer as Packet | undefined)?._tag === undefined && isSilent(protocol, opcode, success)) return unanswered
    return { answer: (writer) => write(writer, request, answer) }
  }

  const run = (request: unknown, client: ServerClient): Outcome | Effect.Effect<Outcome, never, R> => {
    const packet = request as Packet
    const handler = ((handlers as unknown as { readonly [name: string]: AnyHandler | undefined })[packet._tag] ?? unknown) as
      | AnyHandler
      | undefined
    if (handler === undefined) {
      if (refusals.unknown !== undefined) return refuse(request, refusal(refusals.unknown))
      client.misbehaved(`a request that this server does not know: ${packet._tag}`)
      return unanswered
    }
    const effect = handler(request, client)
    if (Stream.isStream(effect)) {
      const answers = Stream.map(effect, (one) => (writer: Writer) => write(writer, packet, one))
      return {
        answer: undefined,
        answers: Stream.catch(answers, (why) => {
          const { answer } = refuse(request, why)
          return answer === undefined ? Stream.empty : Stream.succeed(answer)
        })
      }
    }
    if (!Exit.isExit(effect)) {
      return Effect.match(effect, {
        onSuccess: (answer) => done(packet, answer),
        onFailure: (why) => refuse(request, why)
      }) as Effect.Effect<Outcome, never, R>
    }
    const exit = effect as Exit.Exit<unknown, Refusal>
    if (Exit.isSuccess(exit)) return done(packet, exit.value)
    const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")
    return failure === undefined ? exit as Exit.Exit<never> : refuse(request, failure.error)
  }

  return {
    handle: run,
    malformed: (error: DecodeError, { at, reader }: Frame, client: ServerClient): Outcome => {
      if (header.kindAt(reader, at) !== header.kinds.request || refusals.malformed === undefined) {
        client.misbehaved(error.message, error)
        return unanswered
      }
      const why = { ...refusal(refusals.malformed), last: true }
      return refuseWith(header.opcodeAt(reader, at), header.correlationAt(reader, at), why)
    },
    died: (request) => refusals.died === undefined ? { answer: undefined, last: true } : refuse(request, refusal(refusals.died))
  }
}

/** Serves; the server, its connections and their fibres end with the scope. */
export const make = <Request, Answer, Outcomes, C extends string, H extends Handlers<Request, Outcomes, C, unknown>>(
  module: ServerModule<Request, Answer, Outcomes, C>,
  handlers: H,
  options: ServerOptions<Request, ServicesOf<H>> = {}
): Effect.Effect<PacketServer, ConnectionError, Scope.Scope | ServicesOf<H>> => {
  const { decodeRequest, header: { frameShape } } = module.server
  const { text: _, unknown: __, ...rest } = options
  return serveRequests<Request, ServicesOf<H>>(
    { ...rest, frameShape, decode: (reader, at) => decodeRequest(reader, at) },
    requestsOf<Request, Answer, Outcomes, C, ServicesOf<H>>(module, handlers as never, options)
  )
}

/** The server that a layer runs. */
export class Server extends Context.Service<Server, PacketServer>()("@wirewright/connection/Server") {}

/** Serves as long as the layer is in use. */
export const layer = <Request, Answer, Outcomes, C extends string, H extends Handlers<Request, Outcomes, C, unknown>>(
  module: ServerModule<Request, Answer, Outcomes, C>,
  handlers: H,
  options: ServerOptions<Request, ServicesOf<H>> = {}
): Layer.Layer<Server, ConnectionError, ServicesOf<H>> => Layer.effect(Server, make(module, handlers, options))
