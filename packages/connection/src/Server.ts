/**
 * A server of any protocol whose spec says by which field answers are told: a handler for each command in, packets out.
 *
 * Answers leave in the order of the requests; quiet commands tell only what they must; what is no packet, what no handler knows and what a
 * handler died of is answered with the statuses that the spec names for it, or ends the connection where it names none.
 */
import type { DecodeError, OrderedServerProtocol, ServerProtocol, Writer } from "@wirewright/codec"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ConnectionError } from "./Errors.ts"
import { Last, outcomeOf, silence, unanswered } from "./Handled.ts"
import * as Ordered from "./OrderedServer.ts"
import type { PacketServer } from "./PacketServer.ts"
import { type Outcome, type RequestHandler, type RequestServerLimits, type RequestServerOptions, serveRequests } from "./RequestServer.ts"
import type { Frame, ServerClient } from "./ServerClient.ts"
import { isSilent } from "./ServerSession.ts"

export { Last, last, silence } from "./Handled.ts"
export type { AnswerOf, OrderedHandlers, OrderedModule } from "./OrderedServer.ts"

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
    const error = statuses[status]?.name ?? String(status)
    if (silent === true || isSilent(protocol, opcode, status)) {
      return last === true ? { answer: undefined, last, error } : { answer: undefined, error }
    }
    const content = words === undefined ? text(status) : encoder.encode(words)
    const answer = (writer: Writer): void => protocol.encodeStatus(writer, opcode, number, status, content)
    return last === true ? { answer, last, error } : { answer, error }
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
    return outcomeOf(handler(request, client), {
      done: (answer) => done(packet, answer),
      refused: (why) => refuse(request, why as Refusal),
      part: (writer, answer) => write(writer, packet, answer)
    })
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

/** Where to serve, and limits, where no header field says what packets answer. */
export interface OrderedServerOptions<S> extends RequestServerLimits {
  /** What was negotiated, of protocols whose packets depend on that. Default: nothing */
  readonly states?: S
}

// oxlint-disable-next-line typescript/no-explicit-any -- packets and states of any protocol
type Any = any

/** What generated code exports for servers, of either kind. */
type AnyModule = { readonly server: ServerProtocol<Any, Any, Any, Any> | OrderedServerProtocol<Any, Any, Any, Any, Any> }

/** Handlers for the commands of a protocol. */
export type HandlersOf<M> = M extends
  { readonly server: OrderedServerProtocol<infer Request, infer Commands, infer Outcomes, infer C, Any> }
  ? Ordered.OrderedHandlers<Request, Commands, Outcomes, C, unknown>
  : M extends { readonly server: ServerProtocol<infer Request, Any, infer Outcomes, infer C> } ? Handlers<Request, Outcomes, C, unknown>
  : never

/** Options of a server of a protocol. `R`: what its handlers need. */
export type OptionsOf<M, R> = M extends { readonly server: OrderedServerProtocol<Any, Any, Any, Any, infer S> } ? OrderedServerOptions<S>
  : M extends { readonly server: ServerProtocol<infer Request, Any, Any, Any> } ? ServerOptions<Request, R>
  : never

/** What the editor shows for a handler of a command that there is not. */
export interface NoSuchCommand<Known> {
  readonly error: "no such command of clients"
  readonly known: Known
}

/** Handlers of commands that there are not. */
export type NoOthers<H, Known> = { readonly [N in Exclude<keyof H, keyof Known>]: NoSuchCommand<keyof Known> }

/** Serves; the server, its connections and their fibres end with the scope. */
export const make = <const M extends AnyModule, H extends HandlersOf<M>>(
  module: M,
  handlers: H & NoOthers<H, HandlersOf<M>>,
  options?: OptionsOf<M, ServicesOf<H>>
): Effect.Effect<PacketServer, ConnectionError, Scope.Scope | ServicesOf<H>> => serve(module, handlers, options)

const serve = (module: { readonly server: Any }, handlers: Any, options: Any = {}): Effect.Effect<PacketServer, ConnectionError, Any> => {
  if ("phases" in module.server) {
    const { states = module.server.states, ...limits } = options
    const { handler, ...protocol } = Ordered.requestsOf(module.server, handlers, states, limits.maxFrame)
    return serveRequests<Any, Any>({ system: module.server.name, ...limits, ...protocol }, handler)
  }
  const { decodeRequest, header: { frameShape } } = module.server
  const { text: _, unknown: __, ...limits } = options
  return serveRequests<Any, Any>(
    { system: module.server.name, ...limits, frameShape, decode: (reader, at) => decodeRequest(reader, at) },
    requestsOf(module as ServerModule<Any, Any, Any, Any>, handlers, options)
  )
}

/** The server that a layer runs. */
export class Server extends Context.Service<Server, PacketServer>()("@wirewright/connection/Server") {}

/** Serves as long as the layer is in use. */
export const layer = <const M extends AnyModule, H extends HandlersOf<M>>(
  module: M,
  handlers: H & NoOthers<H, HandlersOf<M>>,
  options?: OptionsOf<M, ServicesOf<H>>
): Layer.Layer<Server, ConnectionError, ServicesOf<H>> => Layer.effect(Server, make<M, H>(module, handlers, options))
