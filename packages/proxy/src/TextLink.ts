/**
 * One way to a memcached that speaks text: commands out, answers in, and in place of errors refusals.
 *
 * A client of the proxy keeps to one link, so that its requests stay in order. Nothing is ever asked quietly: the link is shared, and what is
 * not answered cannot be told from what another client asked.
 */
import type { Command, EncodeError } from "@wirewright/codec"
import type { Client, ConnectionError } from "@wirewright/connection"
import type { Refusal } from "@wirewright/memcached"
import type * as Text from "@wirewright/memcached/text"
import type { OpenError } from "@wirewright/couchbase/node"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { failedBy, refusedBy, type TextError } from "./Refused.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- whether it may go unanswered is nothing to a link
type Any = any

/** What a client of the text protocol can do that a link needs. */
export type TextConversation = Pick<
  Client.Conversation<Text.Response, { readonly derived: never; readonly numbered: never }, OpenError>,
  "call" | "stream"
>

type Answer = { readonly _tag: string }

/** A link. */
export interface TextLink {
  /** Asks for one answer; errors of the protocol fail. */
  readonly ask: <P, A extends { readonly _tag: string }>(
    command: Command<P, A, Any>,
    fields: P,
    writes: boolean
  ) => Effect.Effect<Exclude<A, TextError>, Refusal>
  /** Asks for one answer, whatever it is. */
  readonly hear: <P, A extends { readonly _tag: string }>(
    command: Command<P, A, Any>,
    fields: P,
    writes: boolean
  ) => Effect.Effect<A, Refusal>
  /** Asks for many answers, the mark of their end included; errors of the protocol fail. */
  readonly collect: <P, A extends { readonly _tag: string }>(
    command: Command<P, A, "many">,
    fields: P
  ) => Effect.Effect<ReadonlyArray<Exclude<A, TextError>>, Refusal>
  /** Asks for many answers, whatever they are. */
  readonly hearAll: <P, A extends { readonly _tag: string }>(
    command: Command<P, A, "many">,
    fields: P
  ) => Effect.Effect<ReadonlyArray<A>, Refusal>
}

const isError = (answer: { readonly _tag: string }): answer is TextError =>
  answer._tag === "ClientError" || answer._tag === "ServerError" || answer._tag === "CommandError"

const lost = (error: Client.CallError | OpenError, writes: boolean): Refusal => failedBy(error as ConnectionError | EncodeError, writes)

/** Makes a link of a client that has one connection. */
export const textLink = (client: TextConversation): TextLink => {
  const hear: TextLink["hear"] = (command, fields, writes) =>
    Effect.mapBoth(client.call(command as unknown as Command<object, Answer, "one">, fields as object), {
      onFailure: (error) => lost(error, writes),
      onSuccess: (answer) => answer as never
    })
  const hearAll: TextLink["hearAll"] = (command, fields) =>
    Effect.mapBoth(Stream.runCollect(client.stream(command as unknown as Command<object, Answer, "many">, fields as object)), {
      onFailure: (error) => lost(error, false),
      onSuccess: (answers) => answers as never
    })
  const unlessError = <A extends Answer>(answer: A | undefined, all: unknown): Effect.Effect<never, Refusal> =>
    answer !== undefined && isError(answer) ? Effect.fail(refusedBy(answer)) : Effect.succeed(all as never)
  return {
    hear,
    hearAll,
    ask: (command, fields, writes) => Effect.flatMap(hear(command, fields, writes), (answer) => unlessError(answer, answer)),
    collect: (command, fields) => Effect.flatMap(hearAll(command, fields), (answers) => unlessError(answers[answers.length - 1], answers))
  }
}
