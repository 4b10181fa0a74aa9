/**
 * Text protocols: messages of separated fields, such as deepstream's `R|P|name|version|path|value+`.
 *
 * A message is known by the literals it starts with and, where those agree, by further literals, by its number of fields and by what its
 * integers, truth values, JSON and typed values may look like. Messages with more literals are tried first, those with a rest last.
 */
import { mark } from "./CallSite.ts"

/** Free text. */
export interface TextPart {
  readonly kind: "text"
  readonly max?: number
}

/** A decimal integer. */
export interface IntegerPart {
  readonly kind: "integer"
}

/** `T` or `F`. */
export interface TruthPart {
  readonly kind: "truth"
}

/** JSON text; it stays text until somebody parses it. */
export interface JsonPart {
  readonly kind: "jsonText"
  readonly max?: number
}

/** A value with a leading type letter: S string, N number, T true, F false, L null, U undefined, O JSON. */
export interface TypedPart {
  readonly kind: "typed"
  readonly max?: number
}

/** Exactly this text. */
export interface LiteralPart<V extends string = string> {
  readonly kind: "literal"
  readonly value: V
}

/** A field that may be missing at the end of a message. */
export interface OptionalPart {
  readonly kind: "optionalPart"
  readonly of: Part
}

/** All remaining fields, zero or more. */
export interface RestPart {
  readonly kind: "restParts"
  readonly of: TextPart
}

/** What stands between two separators. */
export type Part = TextPart | IntegerPart | TruthPart | JsonPart | TypedPart | LiteralPart | OptionalPart | RestPart

/** A golden message. The text comes from a document or a peer, never from our encoder. */
export interface MessageExample {
  /** Where the text comes from. */
  readonly origin: string
  /** The message with `|` between its fields and `+` at its end. */
  readonly text: string
  /** Some or all decoded fields as JSON; typed values are their text, such as `N5`. */
  readonly fields?: { readonly [name: string]: unknown }
}

/** A message as the author describes it. */
export interface MessageOptions {
  /** The literals it starts with, such as topic and action. */
  readonly head: ReadonlyArray<string>
  /** Who sends it: `both` unless said otherwise. The same head may mean different messages in each direction. */
  readonly sender?: "client" | "server" | "both"
  readonly fields: { readonly [name: string]: Part }
  readonly examples?: ReadonlyArray<MessageExample>
}

/** A message of a text protocol. */
export interface Message extends MessageOptions {
  readonly kind: "message"
  readonly name: string
}

/** A text protocol. */
export interface TextProtocol {
  readonly kind: "textProtocol"
  readonly name: string
  readonly module: string
  readonly fieldSeparator: number
  readonly messageSeparator: number
  /** Names of the leading literals of every message, such as topic and action. */
  readonly head: ReadonlyArray<string>
  /** Shorter pieces between message separators are ignored. */
  readonly minMessage: number
  /** Largest message in characters, its separator not counted. */
  readonly maxMessage: number
  readonly messages: ReadonlyArray<Message>
  /** The protocol this one extends. A message with the name of a base's message replaces it. */
  readonly base?: TextProtocol
  /** Names of the base's messages that this protocol does not have. */
  readonly removes?: ReadonlyArray<string>
}

/** Kinds of field of a text message. */
export const part = {
  /** Free text; it must not contain a separator. */
  text: { kind: "text" } as TextPart,
  /** A decimal integer. */
  integer: { kind: "integer" } as IntegerPart,
  /** `T` or `F`. */
  truth: { kind: "truth" } as TruthPart,
  /** JSON text. */
  json: { kind: "jsonText" } as JsonPart,
  /** A value with a type letter. */
  typed: { kind: "typed" } as TypedPart,
  /** Exactly `value`. */
  literal: <const V extends string>(value: V): LiteralPart<V> => ({ kind: "literal", value }),
  /** The same with at most `max` characters. */
  bounded: <P extends TextPart | JsonPart | TypedPart>(of: P, max: number): P => ({ ...of, max }),
  /** May be missing at the end. */
  optional: (of: Part): OptionalPart => ({ kind: "optionalPart", of }),
  /** All remaining fields. */
  rest: (of: TextPart = { kind: "text" }): RestPart => ({ kind: "restParts", of })
} as const

/** One message. */
export const message = <const N extends string>(name: N, options: MessageOptions): Message & { readonly name: N } =>
  mark({ ...options, kind: "message" as const, name }, message)

/** What an author says about a text protocol. */
export type TextProtocolOptions =
  & Omit<TextProtocol, "kind" | "minMessage" | "maxMessage">
  & Partial<Pick<TextProtocol, "minMessage" | "maxMessage">>

/** A text protocol of its own. Messages have at most 16 Mi characters unless said otherwise. */
export const textProtocol = (options: TextProtocolOptions): TextProtocol =>
  mark({ minMessage: 1, maxMessage: 16 * 1024 * 1024, ...options, kind: "textProtocol" as const }, textProtocol)

/** A text protocol that speaks all of `base` except what it `removes`; messages with the name of a base's message replace it. */
export const extendText = (
  base: TextProtocol,
  options: Pick<TextProtocol, "name" | "module" | "messages" | "removes"> & Partial<Pick<TextProtocol, "minMessage" | "maxMessage">>
): TextProtocol => {
  const { fieldSeparator, messageSeparator, head, minMessage, maxMessage } = base
  return mark(
    { fieldSeparator, messageSeparator, head, minMessage, maxMessage, ...options, kind: "textProtocol" as const, base },
    extendText
  )
}
