/** Prints Encode.ts: a function per packet, and one for any packet. */
import { textOfHex } from "@wirewright/codec/Hex"
import { tokenOf } from "@wirewright/codec/Lines"
import type { TypeModel } from "@wirewright/codec/Model"
import { Module } from "../Module.ts"
import { type Known, type Printing, quote, separatorEscape } from "./Print.ts"
import { rangeText } from "./PrintDecode.ts"

const codec = "@wirewright/codec/TextFields"

/** Encode.ts. */
export const printEncode = (printing: Printing): Module => {
  const { bases: [base], context, model, own, separator, terminator } = printing
  const module = new Module("Encode.ts", `Encoders of the ${model.name} protocol: text of one packet with its terminator.`)
  const [field, end] = [separatorEscape(separator), separatorEscape(terminator)]
  const separators = `"${field}${end}"`
  module.add({
    kind: "statement",
    text: `/** Largest packet in characters, its terminator not counted. */\nconst maxMessage = ${model.frame.maxFrame - 1}`
  })
  for (const one of own) {
    module.add({
      kind: "function",
      name: `encode${one.name}`,
      doc: `Encodes ${one.name}. Throws \`EncodeError\`.`,
      parameters: [{
        name: "fields",
        type: `Omit<${module.useType(context.local("Messages"), one.name)}, "_tag">`,
        ...(needsFields(one) ? {} : { default: "{}" })
      }],
      returns: "string",
      body: encoder(module, one, field, end, separators)
    })
  }
  module.add({
    kind: "function",
    name: "encode",
    doc: "Encodes any packet. Throws `EncodeError`.",
    parameters: [{ name: "packet", type: module.useType(context.local("Messages"), "Packet") }],
    returns: "string",
    body: [
      "switch (packet._tag) {",
      ...own.flatMap(({ name }) => [`  case "${name}":`, `    return encode${name}(packet)`]),
      "  default:",
      base === undefined
        ? `    return ${
          module.use("@wirewright/codec/Errors", "unencodable")
        }("UnknownPacket", String((packet as { _tag?: unknown })?._tag), "", "a packet of ${model.name}", "something else")`
        : `    return ${module.useAll(`${base.module}/Encode`, "base")}.encode(packet)`,
      "}"
    ]
  })
  return module
}

const needsFields = ({ fields }: Known): boolean => fields.some(({ type }) => type.kind !== "literal" && type.kind !== "optional")

const encoder = (module: Module, one: Known, field: string, end: string, separators: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let template = ""
  const name = quote(one.name)
  const optional = one.fields.filter(({ type }) => type.kind === "optional")
  for (const [index, { name: path }] of optional.entries()) {
    const next = optional[index + 1]
    if (next !== undefined) {
      lines.push(
        `if (fields.${path} === undefined && fields.${next.name} !== undefined) ${module.use(codec, "missingOptional")}(${name}, ${
          quote(path)
        })`
      )
    }
  }
  for (const [index, { name: path, type }] of one.fields.entries()) {
    const leading = index === 0 ? "" : field
    const value = `fields.${path}`
    if (type.kind === "literal") template += leading + escaped(textOfHex(type.hex))
    else if (type.kind === "array") template += `\${${put(module, type, name, path, value, separators)}}`
    else if (type.kind === "optional") {
      lines.push(
        `const ${path}Field = ${value} === undefined ? "" : "${leading}" + ${put(module, tokenOf(type), name, path, value, separators)}`
      )
      template += `\${${path}Field}`
    } else template += `${leading}\${${put(module, type, name, path, value, separators)}}`
  }
  const bounded = one.fields.some(({ type }) => type.kind !== "literal")
  if (!bounded) lines.push("void fields")
  return [
    ...lines,
    `return ${bounded ? `${module.use(codec, "putMessage")}(${name}, \`${template}${end}\`, maxMessage)` : `"${template}${end}"`}`
  ]
}

/** A literal of the spec within a template literal or a string literal. */
const escaped = (text: string): string => quote(text).slice(1, -1).replace(/`|\$\{/g, "\\$&")

const put = (module: Module, type: TypeModel, name: string, path: string, value: string, separators: string): string => {
  const place = `${name}, ${quote(path)}`
  const max = (of: TypeModel): string => "max" in of && of.max !== undefined ? `, ${of.max}` : ""
  switch (type.kind) {
    case "decimal":
      return type.bits === 53 && type.signed
        ? `${module.use(codec, "putInteger")}(${place}, ${value})`
        : `${module.use(codec, "putRange")}(${place}, ${value}, ${rangeText(type)})`
    case "bool":
      return `${module.use(codec, "putTruth")}(${place}, ${value}, ${quote(textOfHex(type.true))}, ${quote(textOfHex(type.false))})`
    case "array":
      return `${module.use(codec, "putRest")}(${place}, ${value}, ${separators}${max(type.of)})`
    case "custom":
      return `${module.use(codec, "putText")}(${place}, ${module.use(type.module, `spell${type.name}`)}(${value}, ${place}), ${separators})`
    default:
      return `${module.use(codec, "putText")}(${place}, ${value}, ${separators}${max(type)})`
  }
}
