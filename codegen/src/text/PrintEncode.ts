/** Prints Encode.ts: a function per message, and one for any message. */
import type { MessageModel, PartModel } from "@wirewright/codec/TextModel"
import { Module } from "../Module.ts"
import { type Printing, quote, separatorEscape } from "./Print.ts"
import { inner } from "./Shape.ts"

const codec = "@wirewright/codec/TextFields"

/** Encode.ts. */
export const printEncode = (printing: Printing): Module => {
  const { model, bases } = printing
  const module = new Module("Encode.ts", `Encoders of the ${model.name} protocol: text of one message with its separator.`)
  const [field, end] = [separatorEscape(model.fieldSeparator), separatorEscape(model.messageSeparator)]
  const separators = `"${field}${end}"`
  module.add({
    kind: "statement",
    text: `/** Largest message in characters, its separator not counted. */\nconst maxMessage = ${model.maxMessage}`
  })
  for (const message of model.messages) {
    module.add({
      kind: "function",
      name: `encode${message.name}`,
      doc: `Encodes ${message.name}. Throws \`EncodeError\`.`,
      parameters: [{
        name: "fields",
        type: `Omit<${module.useType("./Messages.ts", message.name)}, "_tag">`,
        ...(needsFields(message) ? {} : { default: "{}" })
      }],
      returns: "string",
      body: encoder(module, message, field, end, separators)
    })
  }
  const [base] = bases
  if (base === undefined) {
    module.add({
      kind: "function",
      name: "encodeUnknownMessage",
      doc: "Encodes a message that the spec does not have. Throws `EncodeError`.",
      parameters: [{ name: "fields", type: `Omit<${module.useType("./Messages.ts", "UnknownMessage")}, "_tag">` }],
      returns: "string",
      body: [
        `const head = ${
          model.head.map((name) => `${module.use(codec, "putText")}("UnknownMessage", ${quote(name)}, fields.${name}, ${separators})`).join(
            ` + "${field}" + `
          )
        }`,
        `const rest = ${module.use(codec, "putRest")}("UnknownMessage", "fields", fields.fields, ${separators})`,
        `return ${module.use(codec, "putMessage")}("UnknownMessage", head + rest + "${end}", maxMessage)`
      ]
    })
  }
  module.add({
    kind: "function",
    name: "encode",
    doc: "Encodes any message. Throws `EncodeError`.",
    parameters: [{
      name: "message",
      type: `${module.useType("./Messages.ts", "Message")} | ${module.useType("./Messages.ts", "UnknownMessage")}`
    }],
    returns: "string",
    body: [
      "switch (message._tag) {",
      ...model.messages.flatMap(({ name }) => [`  case "${name}":`, `    return encode${name}(message)`]),
      ...(base === undefined ? [`  case "UnknownMessage":`, "    return encodeUnknownMessage(message)"] : []),
      "  default:",
      base === undefined
        ? `    return ${
          module.use("@wirewright/codec/Errors", "unencodable")
        }("UnknownPacket", String((message as { _tag?: unknown })?._tag), "", "a message", "something else")`
        : `    return ${module.useAll(`${base.module}/Encode`, "base")}.encode(message)`,
      "}"
    ]
  })
  return module
}

const needsFields = (message: MessageModel) => message.fields.some(({ type }) => type.kind !== "literal" && type.kind !== "optionalPart")

const encoder = (
  module: Module,
  message: MessageModel,
  field: string,
  end: string,
  separators: string
): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let template = message.head.map(escaped).join(field)
  const name = quote(message.name)
  const optional = message.fields.filter(({ type }) => type.kind === "optionalPart")
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
  for (const { name: path, type } of message.fields) {
    const part = inner(type)
    const value = `fields.${path}`
    if (part.kind === "literal") template += field + escaped(part.value)
    else if (part.kind === "restParts") template += `\${${put(module, part, name, path, value, separators)}}`
    else if (type.kind === "optionalPart") {
      lines.push(`const ${path}Field = ${value} === undefined ? "" : "${field}" + ${put(module, part, name, path, value, separators)}`)
      template += `\${${path}Field}`
    } else template += `${field}\${${put(module, part, name, path, value, separators)}}`
  }
  const bounded = message.fields.some(({ type }) => type.kind !== "literal")
  if (!bounded) lines.push("void fields")
  return [
    ...lines,
    `return ${bounded ? `${module.use(codec, "putMessage")}(${name}, \`${template}${end}\`, maxMessage)` : `"${template}${end}"`}`
  ]
}

/** A literal of the spec within a template literal or a string literal. */
const escaped = (text: string): string => quote(text).slice(1, -1).replace(/`|\$\{/g, "\\$&")

const put = (module: Module, part: PartModel, name: string, path: string, value: string, separators: string): string => {
  const place = `(${name}, ${quote(path)}, ${value}`
  switch (part.kind) {
    case "integer":
      return `${module.use(codec, "putInteger")}${place})`
    case "truth":
      return `${module.use(codec, "putTruth")}${place})`
    default: {
      const max = "max" in part && part.max !== undefined ? `, ${part.max}` : ""
      return `${
        module.use(codec, part.kind === "typed" ? "putTyped" : part.kind === "restParts" ? "putRest" : "putText")
      }${place}, ${separators}${max})`
    }
  }
}
