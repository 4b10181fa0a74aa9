/** What the commands of memcached's text protocol have in common: tokens of lines, data blocks, and which answers a request has. */
import { ascii, bytes, decimal, type Fields, frame, literal, optional, packetsOf, tokens, utf8 } from "@wirewright/dsl"
import { array, struct, tagged } from "@wirewright/dsl"

/** Lines, some with a data block after them. */
export const textFrame = frame("memcached text", {
  sections: ["content"],
  kinds: { request: { headers: [], sender: "client" }, response: { headers: [], sender: "server" } }
})

export const [request, response] = [packetsOf(textFrame, "request"), packetsOf(textFrame, "response")]

const hexOf = (text: string): string => [...text].map((one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("")

/** A packet as memcached 1.6.18 was seen to read or send it; `vector` names the conversation in test/fixtures/memcached-text.json. */
export const seen = (kind: "request" | "response", vector: string, text: string, fields: { readonly [name: string]: unknown }) => [
  { kind, origin: `memcached 1.6.18, vector ${vector}`, hex: hexOf(text), fields }
]

/** Values that are letters. */
export const letters = (values: { readonly [name: string]: string }) =>
  Object.fromEntries(Object.entries(values).map(([name, letter]) => [name, letter.charCodeAt(0)]))

/** Flags without an argument, by their letters. */
export const bare = (flags: { readonly [name: string]: string }) =>
  Object.fromEntries(Object.entries(flags).map(([name, letter]) => [name, tagged(letter, {})]))

/** Tokens of one line. */
export const line = <const F extends Fields>(fields: F, options: { readonly rest?: boolean } = {}) =>
  tokens(" ", fields, { until: "\r\n", ...options })

export const key = utf8({ min: 1, max: 250 })
export const word = ascii({ min: 1 })
export const number = decimal()
export const big = decimal({ bits: 64 })
/** 0 never, up to 30 days: seconds from now, above: Unix time, negative: at once. */
export const time = decimal({ signed: true })
/** The answer is left out; an error may still come. */
export const noreply = optional(literal("noreply"))
export const block = { value: bytes(), valueEnd: literal("\r\n") }

/** What a server answers to a line that it does not take, whichever it was: answers come in order, so it is the oldest in flight. */
export const refusals = ["ClientError", "ServerError", "CommandError"]

/** What a request is answered by beside errors. */
export interface Answers {
  readonly answeredBy?: ReadonlyArray<string>
  /** Of many answers, the last. */
  readonly last?: ReadonlyArray<string>
  readonly reply?: "optional"
}

/** One answer of these. */
export const by = (...answers: ReadonlyArray<string>): Answers => ({ answeredBy: [...answers, ...refusals] })

/** One answer of these, unless the line says `noreply`. Lines that say so must be valid: some errors are sent all the same. */
export const unlessNoreply = (...answers: ReadonlyArray<string>): Answers => ({ ...by(...answers), reply: "optional" })

/** Any number of one kind, until one of the others. */
export const many = (answer: string, ...last: ReadonlyArray<string>): Answers => ({
  answeredBy: [answer, ...last, ...refusals],
  last: [...last, ...refusals]
})

/** A command of one line. */
export const command = <const N extends string>(name: N, verb: string, answers: Answers, fields: Fields = {}) =>
  request(name, { ...answers, fields: { line: line({ verb: literal(verb), ...fields }) } })

export const answer = <const N extends string>(name: N, code: string, fields: Fields = {}) =>
  response(name, { fields: { line: line({ code: literal(code), ...fields }) } })

/** A code with text for people. */
export const explained = <const N extends string>(name: N, code: string) =>
  response(name, { fields: { line: line({ code: literal(code), message: utf8() }, { rest: true }) } })

/** Several of them, by name. */
export const each = <A>(codes: { readonly [name: string]: string }, make: (name: string, code: string) => A): ReadonlyArray<A> =>
  Object.entries(codes).map(([name, code]) => make(name, code))

/** A name and a value. */
export const TextFact = struct("TextFact", { name: utf8({ min: 1, until: "=" }), value: utf8() })
export const facts = array(TextFact)
