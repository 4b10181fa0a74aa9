/**
 * Prints Decode.ts: one scanner per packet, and per kind a switch over the leading literals.
 *
 * A scanner searches separators with `indexOf` and slices only what it returns; packets that share a head are told apart by tests that
 * allocate nothing.
 */
import { textOfHex } from "@wirewright/codec/Hex"
import { tokenOf } from "@wirewright/codec/Lines"
import type { TypeModel } from "@wirewright/codec/Model"
import { Module } from "../Module.ts"
import { dispatch } from "./PrintDispatch.ts"
import { type Known, type Printing, quote, separatorLiteral } from "./Print.ts"

const fields = "@wirewright/codec/TextFields"

/** Decode.ts. */
export const printDecode = (printing: Printing): Module => {
  const { context, model, own, separator, terminator } = printing
  const { frame } = model
  const module = new Module(
    "Decode.ts",
    `Decoders of the ${model.name} protocol: \`text[start, end)\` is one packet without its terminator.`
  )
  module.add({
    kind: "const",
    name: "delimiting",
    doc: "How packets are delimited.",
    type: module.useType("@wirewright/codec/Delimited", "Delimiting"),
    value: `{ separator: ${separatorLiteral(terminator)}, maxMessage: ${frame.maxFrame - 1}, minMessage: ${frame.minFrame ?? 1} }`
  })
  for (const one of own) {
    module.add({
      kind: "function",
      name: `read${one.name}`,
      internal: true,
      parameters: ["text", "start", "at", "end"].map((name) => ({ name, type: name === "text" ? "string" : "number" })),
      returns: module.useType(context.local("Messages"), one.name),
      body: scanner(module, one, separatorLiteral(separator))
    })
  }
  for (const kind of frame.kinds) dispatch(module, printing, kind)
  return module
}

/** Body of a scanner; `at` is after the head. */
const scanner = (module: Module, one: Known, separator: string): ReadonlyArray<string> => {
  const name = quote(one.name)
  const content = one.fields.slice(one.head.length)
  const lines: Array<string> = []
  const values: Array<string> = []
  const result = () => `return { ${[`_tag: ${name}`, ...values].join(", ")} }`
  const missing = (path: string) => `${module.use(fields, "missingField")}(${name}, ${quote(path)}, start, end)`
  let at = "at"
  let previousEnd: string | undefined
  for (const [index, field] of content.entries()) {
    const { type } = field
    const place = `${name}, ${quote(field.name)}, start`
    if (type.kind === "array") {
      values.push(`${field.name}: ${rest(module, type.of, separator, at, place)}`)
      return [...lines, result()]
    }
    if (type.kind === "optional") {
      lines.push(`if (${previousEnd === undefined ? "at > end" : `${previousEnd} === end`}) ${result()}`)
    } else if (index === 0) lines.push(`if (at > end) ${missing(field.name)}`)
    const next = content[index + 1]
    let end = `end${index}`
    if (next === undefined) {
      end = "end"
      lines.push(`const extra = text.indexOf(${separator}, ${at})`)
      lines.push(`if (extra >= 0 && extra < end) ${module.use(fields, "trailingField")}(text, ${name}, start, extra, end)`)
    } else if (next.type.kind === "optional" || next.type.kind === "array") {
      lines.push(`const ${end} = ${module.use(fields, "fieldEnd")}(text, ${separator}, ${at}, end)`)
    } else {
      lines.push(`const ${end} = text.indexOf(${separator}, ${at})`)
      lines.push(`if (${end} < 0 || ${end} >= end) ${missing(next.name)}`)
    }
    const token = tokenOf(type)
    if (token.kind === "literal") {
      lines.push(`${module.use(fields, "readLiteral")}(text, ${at}, ${end}, ${quote(textOfHex(token.hex))}, ${place})`)
    } else values.push(`${field.name}: ${read(module, token, at, end, place)}`)
    at = `${end} + 1`
    previousEnd = end
  }
  if (content.length === 0) lines.push(`if (at <= end) ${module.use(fields, "trailingField")}(text, ${name}, start, at, end)`)
  return [...lines, result()]
}

const rest = (module: Module, of: TypeModel, separator: string, at: string, place: string): string =>
  "max" in of && of.max !== undefined
    ? `${module.use(fields, "readRest")}(text, ${separator}, ${at}, end, ${of.max}, ${place})`
    : `${module.use(fields, "restFields")}(text, ${separator}, ${at}, end)`

const read = (module: Module, type: TypeModel, at: string, end: string, place: string): string => {
  switch (type.kind) {
    case "decimal":
      return type.bits === 53 && type.signed
        ? `${module.use(fields, "readInteger")}(text, ${at}, ${end}, ${place})`
        : `${module.use(fields, "readRange")}(text, ${at}, ${end}, ${place}, ${rangeText(type)})`
    case "bool":
      return `${module.use(fields, "readTruth")}(text, ${at}, ${end}, ${place}, ${quote(textOfHex(type.true))}, ${
        quote(textOfHex(type.false))
      })`
    case "custom":
      return `${module.use(type.module, `read${type.name}`)}(text, ${at}, ${end}, ${place})`
    case "utf8":
    case "json":
      return type.max === undefined
        ? `text.slice(${at}, ${end})`
        : `${module.use(fields, "readBounded")}(text, ${at}, ${end}, ${type.max}, ${place})`
    default:
      throw new TypeError(`${type.kind} is no token of a protocol over text`)
  }
}

/** Bounds of a decimal as arguments. */
export const rangeText = (type: TypeModel & { readonly kind: "decimal" }): string => {
  const most = type.bits === 53 ? 2 ** 53 - 1 : type.signed ? 2 ** 31 - 1 : 2 ** 32 - 1
  return `${type.signed ? (type.bits === 53 ? -most : -(2 ** 31)) : 0}, ${most}`
}
