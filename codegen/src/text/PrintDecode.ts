/**
 * Prints Decode.ts: one scanner per message, and per side a switch over the leading literals.
 *
 * A scanner searches separators with `indexOf` and slices only what it returns; messages that share a head are told apart by tests that
 * allocate nothing.
 */
import type { MessageModel, PartModel } from "@wirewright/codec/TextModel"
import { Module } from "../Module.ts"
import { dispatch } from "./PrintDispatch.ts"
import { type Printing, quote, separatorLiteral } from "./Print.ts"
import { inner } from "./Shape.ts"

const fields = "@wirewright/codec/TextFields"

/** Decode.ts. */
export const printDecode = (printing: Printing): Module => {
  const { model, bases } = printing
  const module = new Module(
    "Decode.ts",
    `Decoders of the ${model.name} protocol: \`text[start, end)\` is one message without its separator.`
  )
  const separator = separatorLiteral(model.fieldSeparator)
  module.add({
    kind: "const",
    name: "delimiting",
    doc: "How messages are delimited.",
    type: module.useType("@wirewright/codec/Delimited", "Delimiting"),
    value: `{ separator: ${separatorLiteral(model.messageSeparator)}, maxMessage: ${model.maxMessage}, minMessage: ${model.minMessage} }`
  })
  const [base] = bases
  if (base === undefined) addUnknown(module, printing, separator)
  for (const message of model.messages) {
    module.add({
      kind: "function",
      name: `read${message.name}`,
      internal: true,
      parameters: ["text", "start", "at", "end"].map((name) => ({ name, type: name === "text" ? "string" : "number" })),
      returns: module.useType("./Messages.ts", message.name),
      body: scanner(module, message, separator)
    })
  }
  dispatch(module, printing, "client")
  dispatch(module, printing, "server")
  return module
}

const addUnknown = (module: Module, { model }: Printing, separator: string) => {
  module.add({
    kind: "function",
    name: "unknownMessage",
    internal: true,
    parameters: [{ name: "text", type: "string" }, { name: "start", type: "number" }, { name: "end", type: "number" }],
    returns: module.useType("./Messages.ts", "UnknownMessage"),
    body: [
      `const fields = ${module.use(fields, "restFields")}(text, ${separator}, start, end)`,
      ...model.head.map((name, index) =>
        `if (fields.length < ${index + 1}) ${module.use(fields, "missingField")}("Message", ${quote(name)}, start, end)`
      ),
      `return { _tag: "UnknownMessage", ${
        model.head.map((name, index) => `${name}: fields[${index}]!`).join(", ")
      }, fields: fields.slice(${model.head.length}) }`
    ]
  })
}

/** Body of a scanner. */
const scanner = (module: Module, message: MessageModel, separator: string): ReadonlyArray<string> => {
  const name = quote(message.name)
  const lines: Array<string> = []
  const values: Array<string> = []
  const result = () => `return { ${[`_tag: ${name}`, ...values].join(", ")} }`
  const missing = (path: string) => `${module.use(fields, "missingField")}(${name}, ${quote(path)}, start, end)`
  let at = "at"
  let previousEnd: string | undefined
  for (const [index, field] of message.fields.entries()) {
    const part = inner(field.type)
    if (field.type.kind === "restParts") {
      values.push(`${field.name}: ${rest(module, field.type, separator, at, `${name}, ${quote(field.name)}, start`)}`)
      return [...lines, result()]
    }
    if (field.type.kind === "optionalPart") {
      lines.push(`if (${previousEnd === undefined ? "at > end" : `${previousEnd} === end`}) ${result()}`)
    } else if (index === 0) lines.push(`if (at > end) ${missing(field.name)}`)
    const next = message.fields[index + 1]
    let end = `end${index}`
    if (next === undefined) {
      end = "end"
      lines.push(`const extra = text.indexOf(${separator}, ${at})`)
      lines.push(`if (extra >= 0 && extra < end) ${module.use(fields, "trailingField")}(text, ${name}, start, extra, end)`)
    } else if (next.type.kind === "optionalPart" || next.type.kind === "restParts") {
      lines.push(`const ${end} = ${module.use(fields, "fieldEnd")}(text, ${separator}, ${at}, end)`)
    } else {
      lines.push(`const ${end} = text.indexOf(${separator}, ${at})`)
      lines.push(`if (${end} < 0 || ${end} >= end) ${missing(next.name)}`)
    }
    const place = `${name}, ${quote(field.name)}, start`
    if (part.kind === "literal") lines.push(`${module.use(fields, "readLiteral")}(text, ${at}, ${end}, ${quote(part.value)}, ${place})`)
    else values.push(`${field.name}: ${read(module, part, at, end, place)}`)
    at = `${end} + 1`
    previousEnd = end
  }
  if (message.fields.length === 0) lines.push(`if (at <= end) ${module.use(fields, "trailingField")}(text, ${name}, start, at, end)`)
  return [...lines, result()]
}

const rest = (module: Module, part: PartModel & { readonly kind: "restParts" }, separator: string, at: string, place: string): string =>
  part.max === undefined
    ? `${module.use(fields, "restFields")}(text, ${separator}, ${at}, end)`
    : `${module.use(fields, "readRest")}(text, ${separator}, ${at}, end, ${part.max}, ${place})`

const read = (module: Module, part: PartModel, at: string, end: string, place: string): string => {
  switch (part.kind) {
    case "integer":
      return `${module.use(fields, "readInteger")}(text, ${at}, ${end}, ${place})`
    case "truth":
      return `${module.use(fields, "readTruth")}(text, ${at}, ${end}, ${place})`
    case "typed":
      return `${module.use("@wirewright/codec/Typed", "readTyped")}(text, ${at}, ${end}, ${place}${
        part.max === undefined ? "" : `, ${part.max}`
      })`
    case "text":
    case "jsonText":
      return part.max === undefined
        ? `text.slice(${at}, ${end})`
        : `${module.use(fields, "readBounded")}(text, ${at}, ${end}, ${part.max}, ${place})`
    default:
      throw new TypeError(`${part.kind} is not read by itself`)
  }
}
