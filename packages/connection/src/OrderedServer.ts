/**
 * Servers of protocols in which no header field says what packets answer: a handler for each command of clients, answers in the order of the
 * requests, with the number of their requests where packets have one. What packets there are depends on the phase of each connection.
 */
import type { Command, FrameShape, OrderedServerProtocol, Reader, Writer } from "@wirewright/codec"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Handled, Last, outcomeOf, silence, unanswered } from "./Handled.ts"
import { PhasedReader } from "./PhasedReader.ts"
import type { Outcome, RequestHandler } from "./RequestServer.ts"
import type { ServerClient } from "./ServerClient.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- packets and states of any protocol
type Any = any

interface Packet {
  readonly _tag: string
}

/** What generated code exports for servers. */
export interface OrderedModule<Request extends Packet, Commands, Outcomes, C extends string, S> {
  readonly server: OrderedServerProtocol<Request, Commands, Outcomes, C, S>
}

type Several<T, U = T> = T extends unknown ? [U] extends [T] ? false : true : never

type Fields<F, C extends string> = Omit<F, C> & Partial<Pick<F, Extract<keyof F, C>>>

/** Packets by their tags; the number of the request is theirs unless they say another. Of one that may be the only answer, the tag may be left out. */
export type AnswerOf<A, Outcomes, C extends string> =
  | (A extends { readonly _tag: infer T extends keyof Outcomes } ? { readonly _tag: T } & Fields<Outcomes[T], C> : never)
  | (true extends Several<A> ? never
    : A extends { readonly _tag: infer T extends keyof Outcomes } ? Fields<Outcomes[T], C> & { readonly _tag?: never }
    : never)

type Ends<O> = O | Last<O | typeof silence>

/** What a handler returns. It may fail with what it could have answered. */
type Result<O, R extends string, Services> = "many" extends R ?
    | Effect.Effect<Ends<O> | ReadonlyArray<O> | (("none" extends R ? void : never)), O, Services>
    | Stream.Stream<O, O, Services>
  : [R] extends ["none"] ? Effect.Effect<void | Last<typeof silence>, never, Services>
  : Effect.Effect<Ends<O> | ("none" extends R ? void | typeof silence : never), O, Services>

/** A handler for every command of clients. */
export type OrderedHandlers<Request, Commands, Outcomes, C extends string, R> = {
  readonly [N in keyof Commands]: Commands[N] extends Command<Any, infer A, infer Reply, Any, infer Tag>
    ? (request: Extract<Request, { readonly _tag: Tag }>, client: ServerClient) => Result<AnswerOf<A, Outcomes, C>, Reply, R>
    : never
}

type AnyCommand = Command<Any, Any, Any, Any>

/** What a server does with requests, and how it reads them. */
export const requestsOf = <Request extends Packet, S>(
  protocol: OrderedServerProtocol<Request, unknown, unknown, string, S>,
  handlers: { readonly [name: string]: ((request: Request, client: ServerClient) => Handled) | undefined },
  states: S,
  maxFrame: number | undefined
) => {
  const commands = protocol.commands as { readonly [name: string]: AnyCommand }
  const { correlation } = protocol
  const readers = new WeakMap<ServerClient, PhasedReader<Request, S>>()
  const frameShape = (client: ServerClient): FrameShape => {
    const reading = new PhasedReader(protocol, states, maxFrame)
    readers.set(client, reading)
    return reading.shape
  }
  const decode = (reader: Reader, at: number, client: ServerClient): Request => readers.get(client)!.decode(reader, at)

  const handle = <R>(request: Request, client: ServerClient): Outcome | Effect.Effect<Outcome, never, R> => {
    const command = commands[request._tag]
    const handler = handlers[request._tag]
    if (command === undefined || handler === undefined) {
      client.misbehaved(`${request._tag}, which no client sends now`)
      return unanswered
    }
    const number = correlation === undefined ? undefined : (request as unknown as { readonly [field: string]: unknown })[correlation]
    const numbered = number === undefined ? {} : { [correlation!]: number }
    let ended = command.last === undefined
    const write = (writer: Writer, answer: unknown): void => {
      const packet = { _tag: command.answers?.[0] ?? "", ...numbered, ...answer as object }
      protocol.encode(writer, packet as never, states)
      readers.get(client)!.passed(packet._tag)
      ended ||= command.last?.(packet) !== undefined
    }
    /** The client would wait for ever. */
    const unended = Effect.suspend(() =>
      ended ? Effect.void : Effect.die(new Error(`the answers to ${request._tag} did not end with one that is the last of them`))
    )
    const done = (answer: unknown): Outcome => {
      if (answer === silence || answer === undefined) return unanswered
      if (answer instanceof Last) return { ...done(answer.answer), last: true }
      const all: ReadonlyArray<unknown> = Array.isArray(answer) ? answer : [answer]
      return { answer: (writer) => all.forEach((one) => write(writer, one)) }
    }
    const handled = handler(request, client)
    return outcomeOf<R>(Stream.isStream(handled) ? Stream.onEnd(handled, unended) : handled, { done, refused: done, part: write })
  }

  const handler: RequestHandler<Request, unknown> = {
    handle,
    malformed: (error, _, client) => {
      client.misbehaved(error.message, error)
      return unanswered
    },
    // nothing that could be said of it is in the spec
    died: () => ({ answer: undefined, last: true })
  }
  return { frameShape, decode, handler }
}
