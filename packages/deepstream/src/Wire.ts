/** What the topics of a session share: sending, waiting, reporting. The session implements it. */
import { stringify } from "@wirewright/codec/JsonPrint"
import type { EncodeError } from "@wirewright/codec"
import { Typed, type TypedValue } from "./Typed.ts"
import type { Expected } from "./Answers.ts"
import type { Deadline } from "./Deadlines.ts"
import type { DeepstreamReason, MessageDenied, Problem, Topic } from "./DeepstreamError.ts"
import { InvalidMessage } from "./DeepstreamError.ts"
import { isWellFormed, jsonOf } from "./Json.ts"
import type { Letter } from "./Outbox.ts"
import type { SessionOptions } from "./SessionOptions.ts"

/** Receives the outcome of a call, once. */
export interface Settle<A> {
  readonly succeed: (value: A) => void
  readonly fail: (reason: DeepstreamReason) => void
}

/** All of them succeeded. */
export const succeedAll = (settles: ReadonlyArray<Settle<void>>): void => {
  for (const { succeed } of settles) succeed()
}

/** All of them failed. */
export const failAll = (settles: ReadonlyArray<{ readonly fail: (reason: DeepstreamReason) => void }>, reason: DeepstreamReason): void => {
  for (const { fail } of settles) fail(reason)
}

/** What speaks at the other end, as far as it showed. */
export type Dialect = "unknown" | "classic" | "text"

/** The session, as its topics see it. */
export interface Wire {
  readonly options: SessionOptions
  readonly dialect: Dialect
  /** Logged in. */
  readonly open: boolean
  /** Closed for good, and why. */
  readonly closed: DeepstreamReason | undefined
  readonly now: () => number
  /** A number below 1. */
  readonly random: () => number
  /**
   * Sends what a call asks for. While there is no connection it waits, if that is wanted and there is room; otherwise the reason says why it
   * was not taken.
   */
  readonly post: (topic: Topic, subject: string, text: string) => Letter | DeepstreamReason
  /** Why nothing of this size would be taken now; undefined when it would. */
  readonly refused: (topic: Topic, subject: string, size: number) => DeepstreamReason | undefined
  /** Sends what only this connection is for; nothing is sent, and undefined returned, while it is not open. */
  readonly tell: (text: string) => Letter | undefined
  /** Says that something waits for the end of the tick. */
  readonly wake: () => void
  /** Takes back what was posted, when it still waits. */
  readonly takeBack: (letter: Letter) => void
  readonly after: (millis: number, run: () => void) => Deadline
  readonly cancel: (deadline: Deadline | undefined) => void
  /** Waits for the server's answer to a message, from when the server can give it. */
  readonly expect: (millis: number, letter: Letter | undefined, late: () => void) => Expected
  /** The answer came. */
  readonly answered: (expected: Expected | undefined) => void
  /** Nobody waits for the answer any more. */
  readonly giveUp: (expected: Expected | undefined) => void
  readonly report: (reason: DeepstreamReason, severity?: Problem["severity"]) => void
  /** What the server denied before, when that is remembered. */
  readonly denied: (topic: Topic, action: string, subject: string) => MessageDenied | undefined
}

/** Whether `post` took the message. */
export const isLetter = (posted: Letter | DeepstreamReason): posted is Letter => !("_tag" in posted)

/** The value as the protocol spells it. Throws a `TypeError` for what would be lost or changed on the way. */
export const typedOf = (value: TypedValue): Typed => {
  if (value === undefined) return new Typed("U")
  const json = jsonOf(value)
  return typeof value === "object" && value !== null ? new Typed(`O${stringify(json)}`) : Typed.of(json)
}

/** The message about a name, or why it cannot be written: servers end, or say nothing, when a name is empty. */
export const encoded = (name: string, encode: () => string, limit: number): string | InvalidMessage => {
  if (name === "") return new InvalidMessage({ message: "a name must not be empty" })
  try {
    const text = encode()
    if (!isWellFormed(text)) return new InvalidMessage({ message: "a text has half of a surrogate pair, which UTF-8 does not have" })
    return text.length > limit ? new InvalidMessage({ message: `a message of ${text.length} characters; the limit is ${limit}` }) : text
  } catch (thrown) {
    const error = thrown as Error
    return new InvalidMessage({ message: error.message, error: "reason" in error ? error as EncodeError : undefined })
  }
}
