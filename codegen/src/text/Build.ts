/** Text protocol spec → canonical model. It trusts the spec: `Check.ts` says what is wrong with it. */
import type { MessageModel, PartModel, TextExampleModel, TextFieldModel, TextModel } from "@wirewright/codec/TextModel"
import type { Message, MessageExample, Part, TextProtocol } from "@wirewright/dsl"
import { compare } from "../Module.ts"

/** The comment of what a builder call made, or of the property at `path` below it. */
export type DocOf = (value: object, path: ReadonlyArray<string>) => string | undefined

/** The model of a text protocol; for an extension, of what it adds, replaces and removes. */
export const buildText = (protocol: TextProtocol, docOf: DocOf): TextModel => ({
  format: 1,
  kind: "text",
  name: protocol.name,
  module: protocol.module,
  ...(protocol.base === undefined ? {} : { base: { name: protocol.base.name, module: protocol.base.module } }),
  fieldSeparator: protocol.fieldSeparator,
  messageSeparator: protocol.messageSeparator,
  head: protocol.head,
  minMessage: protocol.minMessage,
  maxMessage: protocol.maxMessage,
  removes: [...protocol.removes ?? []].sort(compare),
  messages: protocol.messages.map((message) => messageModel(message, protocol, docOf))
    .sort((a, b) => compare(a.head.join("\0"), b.head.join("\0")) || compare(a.name, b.name))
})

const messageModel = (message: Message, protocol: TextProtocol, docOf: DocOf): MessageModel => ({
  name: message.name,
  ...doc(docOf(message, [])),
  head: message.head,
  sender: message.sender ?? "both",
  fields: Object.entries(message.fields).map(([name, part]): TextFieldModel => ({
    name,
    ...doc(docOf(message, ["fields", name])),
    type: partModel(part)
  })),
  examples: (message.examples ?? []).map((example) => exampleModel(example, protocol))
})

const doc = (text: string | undefined) => text === undefined ? {} : { doc: text }

/** A part of the spec as the model has it. */
export const partModel = (part: Part): PartModel => {
  switch (part.kind) {
    case "optionalPart":
      return { kind: "optionalPart", of: partModel(part.of) }
    case "restParts":
      return { kind: "restParts", ...(part.of.max === undefined ? {} : { max: part.of.max }) }
    case "text":
    case "jsonText":
    case "typed":
      return { kind: part.kind, ...(part.max === undefined ? {} : { max: part.max }) }
    case "literal":
      return { kind: "literal", value: part.value }
    default:
      return { kind: part.kind }
  }
}

/** The example with the protocol's separators instead of `|` and `+`. */
export const exampleModel = (example: MessageExample, protocol: TextProtocol): TextExampleModel => ({
  origin: example.origin,
  text: exampleText(example, protocol),
  ...(example.fields === undefined ? {} : { fields: example.fields })
})

const exampleText = (example: MessageExample, protocol: TextProtocol): string =>
  example.text.replaceAll("|", String.fromCharCode(protocol.fieldSeparator)).replaceAll("+", String.fromCharCode(protocol.messageSeparator))
