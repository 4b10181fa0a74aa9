/**
 * Runs the examples of a text protocol's spec against the code generated from it: each must decode, for every side that sends it, to the
 * fields the author wrote down, and encode back to its text. Throws an `Error` that says what differs; needs no test framework.
 */
import type { MessageModel, TextExampleModel } from "./TextModel.ts"

/** The functions of a generated text protocol that examples go through. */
export interface GeneratedTextProtocol {
  readonly decodeClientMessage: (text: string, start: number, end: number) => { readonly _tag: string }
  readonly decodeServerMessage: (text: string, start: number, end: number) => { readonly _tag: string }
  readonly encode: (message: never) => string
}

/** Whether `actual` has everything that `expected` has; arrays have no more either. */
const matches = (actual: unknown, expected: unknown): boolean => {
  if (typeof expected !== "object" || expected === null) return Object.is(actual, expected)
  if (typeof actual !== "object" || actual === null || Array.isArray(actual) !== Array.isArray(expected)) return false
  if (Array.isArray(expected) && (actual as ReadonlyArray<unknown>).length !== expected.length) return false
  return Object.entries(expected).every(([name, value]) => matches((actual as { readonly [name: string]: unknown })[name], value))
}

/** Decodes, compares and encodes one example, once for each side that sends the message; returns how many that are. */
export const runTextExample = (protocol: GeneratedTextProtocol, message: MessageModel, example: TextExampleModel): number => {
  const decoders = [
    ...(message.sender === "server" ? [] : [protocol.decodeClientMessage]),
    ...(message.sender === "client" ? [] : [protocol.decodeServerMessage])
  ]
  for (const decode of decoders) {
    const decoded = decode(example.text, 0, example.text.length - 1)
    if (decoded._tag !== message.name) throw new Error(`decoded as ${decoded._tag}, not ${message.name}`)
    const fields = JSON.parse(JSON.stringify(decoded)) as unknown
    if (!matches(fields, example.fields ?? {})) {
      throw new Error(`expected the fields ${JSON.stringify(example.fields)}, got ${JSON.stringify(fields)}`)
    }
    const encoded = protocol.encode(decoded as never)
    if (encoded !== example.text) throw new Error(`expected ${JSON.stringify(example.text)}, got ${JSON.stringify(encoded)}`)
  }
  return decoders.length
}
