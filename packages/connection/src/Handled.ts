/** What handlers of requests come to, however a server's protocol tells answers: packets, the last of a connection, or silence. */
import type { Writer } from "@wirewright/codec"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { Outcome } from "./RequestServer.ts"

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

/** Nothing is said. */
export const unanswered: Outcome = { answer: undefined }

/** What a handler returns. */
export type Handled = Effect.Effect<unknown, unknown> | Stream.Stream<unknown, unknown>

/** What answers and failures of handlers are in a protocol. */
export interface Meaning {
  readonly done: (answer: unknown) => Outcome
  readonly refused: (why: unknown) => Outcome
  /** Appends one of the answers of a Stream. */
  readonly part: (writer: Writer, answer: unknown) => void
}

/** The outcome of a request, or the Effect that comes to it. An Effect that is an Exit needs no fibre. */
export const outcomeOf = <R>(handled: Handled, { done, part, refused }: Meaning): Outcome | Effect.Effect<Outcome, never, R> => {
  if (Stream.isStream(handled)) {
    const answers = Stream.map(handled, (one) => (writer: Writer) => part(writer, one))
    return {
      answer: undefined,
      answers: Stream.catch(answers, (why) => {
        const { answer } = refused(why)
        return answer === undefined ? Stream.empty : Stream.succeed(answer)
      })
    }
  }
  if (!Exit.isExit(handled)) return Effect.match(handled, { onSuccess: done, onFailure: refused }) as Effect.Effect<Outcome, never, R>
  const exit = handled as Exit.Exit<unknown, unknown>
  if (Exit.isSuccess(exit)) return done(exit.value)
  const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")
  return failure === undefined ? exit as Exit.Exit<never> : refused(failure.error)
}
