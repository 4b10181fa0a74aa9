/** Prints records, tagged records and framing extras: types, readers, writers, and the room they need. */
import type { CaseModel, ChoiceModel, FieldModel, NibbleFramesModel, StructModel, TypeModel } from "@wirewright/codec/Model"
import type { Module } from "../Module.ts"
import { integerLiteral, intSize } from "../Names.ts"
import { codec, type Context } from "./Context.ts"
import { getInt, readFields } from "./Decode.ts"
import { boundTerms, boundText, FieldWriter } from "./Encode.ts"
import { literal, properties, readerLocals, returned, writerLocals } from "./Objects.ts"

const orderOf = (type: StructModel): string | undefined =>
  type.byteOrder === "given" ? "littleEndian" : type.byteOrder === "little" ? "true" : undefined

/** Reads fields into an object literal: statements that end with `return`. */
const readRecord = (
  context: Context,
  module: Module,
  packet: string,
  fields: ReadonlyArray<FieldModel>,
  begin: string,
  tag: string | undefined,
  order?: string
): ReadonlyArray<string> => {
  const read = readFields(fields, {
    module,
    context,
    packet,
    begin,
    end: "end",
    path: "",
    origin: "start",
    exact: false,
    ...(order === undefined ? {} : { order }),
    lengths: new Map(),
    counts: new Map()
  })
  const entries: Array<[string, string]> = tag === undefined ? [] : [["_tag", JSON.stringify(tag)]]
  for (const field of fields) {
    const value = read.values.get(field.name)
    if (value !== undefined) entries.push([field.name, value])
  }
  return [...read.lines, `reader.next = ${read.next}`, ...returned(literal(entries))]
}

const readParameters = (
  module: Module,
  context: Context,
  type: TypeModel,
  order: string | undefined
): Array<{ name: string; type: string }> => [
  { name: "reader", type: module.useType(codec, "Reader") },
  { name: "at", type: "number" },
  { name: "end", type: "number" },
  { name: "start", type: "number" },
  ...(context.needsStates(type)
    ? [{ name: "states", type: module.useType(context.local("States"), "States") }]
    : order === "littleEndian"
    ? [{ name: "littleEndian", type: "boolean" }]
    : [])
]

const letOrConst = (lines: ReadonlyArray<string>): string => lines.some((line) => /^\s*position = /.test(line)) ? "let" : "const"

const writeRecord = (
  context: Context,
  module: Module,
  packet: string,
  fields: ReadonlyArray<FieldModel>,
  begin: string,
  order?: string
): ReadonlyArray<string> => {
  const writer = new FieldWriter({
    module,
    context,
    packet,
    from: "value",
    ...(order === undefined ? {} : { order }),
    all: new Map(fields.map((field) => [field.name, field.type])),
    slots: new Map()
  })
  writer.fields(fields)
  return [`${letOrConst(writer.lines)} position = ${begin}`, ...writer.lines, `return ${writer.end}`]
}

/** Prints a record: interface, reader, writer, bound, and the functions for one that stands alone. */
export const printStruct = (context: Context, module: Module, type: StructModel): void => {
  const order = orderOf(type)
  const model: TypeModel = { kind: "struct", ref: type.name }
  module.add({ kind: "interface", name: type.name, doc: type.doc, properties: properties(module, context, type.fields) })
  const body = readRecord(context, module, type.name, type.fields, "at", undefined, order)
  module.add({
    kind: "function",
    name: `read${type.name}`,
    doc:
      `Reads a \`${type.name}\` at \`at\`, not beyond \`end\`; leaves the offset behind it in \`reader.next\`. Offsets in errors count from \`start\`.`,
    parameters: readParameters(module, context, model, order),
    returns: type.name,
    body: [...readerLocals(body), ...body]
  })
  const written = writeRecord(context, module, type.name, type.fields, "at", order)
  const orderParameter = order === "littleEndian" ? [{ name: "littleEndian", type: "boolean" }] : []
  module.add({
    kind: "function",
    name: `write${type.name}`,
    doc: `Writes a \`${type.name}\` at \`at\`, where there is room for \`bound${type.name}\` bytes; returns the offset behind it.`,
    parameters: [{ name: "writer", type: module.useType(codec, "Writer") }, { name: "at", type: "number" }, {
      name: "value",
      type: type.name
    }, ...orderParameter],
    returns: "number",
    body: [...writerLocals(written), ...written]
  })
  printBound(context, module, type.name, type.fields)
  printWhole(context, module, type.name, model, order)
}

const printBound = (context: Context, module: Module, name: string, fields: ReadonlyArray<FieldModel>): void => {
  const bound = boundTerms(module, context, "value", fields)
  module.add({
    kind: "function",
    name: `bound${name}`,
    doc: `Room a \`${name}\` needs at most, in bytes.`,
    parameters: [{ name: bound.terms.length === 0 ? "_value" : "value", type: name }],
    returns: "number",
    body: [`return ${boundText(bound)}`]
  })
}

/** `decodeX` and `encodeX` of a record that stands alone. */
const printWhole = (context: Context, module: Module, name: string, type: TypeModel, order: string | undefined): void => {
  const states = context.needsStates(type)
  const extra = states
    ? [{
      name: "states",
      type: module.useType(context.local("States"), "States"),
      default: module.use(context.local("States"), "noStates")
    }]
    : order === "littleEndian"
    ? [{ name: "littleEndian", type: "boolean" }]
    : []
  const argument = extra.length === 0 ? "" : `, ${extra[0]!.name}`
  module.add({
    kind: "function",
    name: `decode${name}`,
    doc: `Decodes bytes that are one \`${name}\`. Throws \`DecodeError\`.`,
    parameters: [{ name: "bytes", type: "Uint8Array" }, ...extra],
    returns: name,
    body: [
      `const reader = new ${module.use(codec, "Reader")}(bytes)`,
      `const value = read${name}(reader, 0, bytes.length, 0${argument})`,
      `${module.use(codec, "expectEnd")}(reader.next, bytes.length, "${name}", "", 0)`,
      "return value"
    ]
  })
  const order2 = order === "littleEndian"
  module.add({
    kind: "function",
    name: `encode${name}`,
    doc: `Appends a \`${name}\` to a writer. Throws \`EncodeError\` and then leaves the writer as it was.`,
    parameters: [
      { name: "writer", type: module.useType(codec, "Writer") },
      { name: "value", type: name },
      ...(order2 ? [{ name: "littleEndian", type: "boolean" }] : [])
    ],
    returns: "void",
    body: [`writer.position = write${name}(writer, writer.need(bound${name}(value)), value${order2 ? ", littleEndian" : ""})`]
  })
}

const caseInterface = (owner: string, one: { readonly name: string }): string => `${owner}${one.name}`

const printCases = (context: Context, module: Module, owner: string, cases: ReadonlyArray<CaseModel>): void => {
  for (const one of cases) {
    module.add({
      kind: "interface",
      name: caseInterface(owner, one),
      doc: one.doc,
      properties: [{ name: "_tag", type: JSON.stringify(one.name) }, ...properties(module, context, one.fields)]
    })
  }
}

/** Prints a tagged record: a union, its reader and its writer. */
export const printChoice = (context: Context, module: Module, type: ChoiceModel): void => {
  const model: TypeModel = { kind: "choice", ref: type.name }
  printCases(context, module, type.name, type.cases)
  const unknown = type.unknown === "keep"
  if (unknown) {
    module.add({
      kind: "interface",
      name: `${type.name}Unknown`,
      doc: `A \`${type.name}\` with a tag nobody described.`,
      properties: [{ name: "_tag", type: "\"Unknown\"" }, { name: "tag", type: intSize(type.tag) === 8 ? "bigint" : "number" }, {
        name: "bytes",
        type: "Uint8Array"
      }]
    })
  }
  module.add({
    kind: "alias",
    name: type.name,
    doc: type.doc,
    type: [...type.cases.map((one) => caseInterface(type.name, one)), ...(unknown ? [`${type.name}Unknown`] : [])].join(" | ")
  })
  const size = intSize(type.tag)
  const body = [
    `${module.use(codec, "expectAtLeast")}(end - at, ${size}, "${type.name}", "_tag", at - start)`,
    `switch (${getInt(module, type.tag, "at", undefined)}) {`,
    ...type.cases.flatMap((one) => [
      `  case ${integerLiteral(type.tag, one.tag, String)}: {`,
      ...readRecord(context, module, type.name, one.fields, `at + ${size}`, one.name).map((line) => `    ${line}`),
      "  }"
    ]),
    "  default:",
    ...(unknown
      ? [
        "    reader.next = end",
        `    return { _tag: "Unknown", tag: ${getInt(module, type.tag, "at", undefined)}, bytes: reader.slice(at + ${size}, end) }`
      ]
      : [
        `    return ${module.use(codec, "malformed")}("UnknownValue", "${type.name}", "_tag", at - start, ${
          JSON.stringify(`one of ${type.cases.map((one) => one.tag).join(", ")}`)
        }, String(${getInt(module, type.tag, "at", undefined)}))`
      ]),
    "}"
  ]
  module.add({
    kind: "function",
    name: `read${type.name}`,
    doc: `Reads a \`${type.name}\` at \`at\`, not beyond \`end\`; leaves the offset behind it in \`reader.next\`.`,
    parameters: readParameters(module, context, model, undefined),
    returns: type.name,
    body: [...readerLocals(body), ...body]
  })
  const written = [
    "switch (value._tag) {",
    ...type.cases.flatMap((one) => [
      `  case "${one.name}": {`,
      `    ${module.use(codec, `put${type.tag.toUpperCase()}`)}(view, at, ${
        integerLiteral(type.tag, one.tag, String)
      }, "${type.name}", "_tag")`,
      ...writeRecord(context, module, type.name, one.fields, `at + ${size}`).map((line) => `    ${line}`),
      "  }"
    ]),
    ...(unknown
      ? [
        `  case "Unknown":`,
        `    ${module.use(codec, `put${type.tag.toUpperCase()}`)}(view, at, value.tag, "${type.name}", "tag")`,
        `    return ${module.use(codec, "putBytes")}(bytes, at + ${size}, value.bytes)`
      ]
      : []),
    "}"
  ]
  module.add({
    kind: "function",
    name: `write${type.name}`,
    doc: `Writes a \`${type.name}\` at \`at\`, where there is room for \`bound${type.name}\` bytes; returns the offset behind it.`,
    parameters: [{ name: "writer", type: module.useType(codec, "Writer") }, { name: "at", type: "number" }, {
      name: "value",
      type: type.name
    }],
    returns: "number",
    body: [...writerLocals(written), ...written]
  })
  printCaseBounds(context, module, type.name, type.cases, size, unknown)
  printWhole(context, module, type.name, model, undefined)
}

const printCaseBounds = (
  context: Context,
  module: Module,
  name: string,
  cases: ReadonlyArray<CaseModel>,
  head: number,
  unknown: boolean
): void => {
  module.add({
    kind: "function",
    name: `bound${name}`,
    doc: `Room a \`${name}\` needs at most, in bytes.`,
    parameters: [{ name: "value", type: name }],
    returns: "number",
    body: [
      "switch (value._tag) {",
      ...cases.map((one) => {
        const bound = boundTerms(module, context, "value", one.fields)
        return `  case "${one.name}":\n    return ${boundText({ fixed: bound.fixed + head, terms: bound.terms })}`
      }),
      ...(unknown ? [`  case "Unknown":\n    return ${head} + value.bytes.length`] : []),
      "}"
    ]
  })
}

/** Prints framing extras: a union, and what reads and writes one of them. */
export const printNibbleFrames = (context: Context, module: Module, type: NibbleFramesModel): void => {
  printCases(context, module, type.name, type.cases)
  module.add({
    kind: "alias",
    name: type.name,
    doc: type.doc,
    type: [...type.cases.map((one) => caseInterface(type.name, one)), module.useType(codec, "UnknownNibbleFrame")].join(" | ")
  })
  const region = (one: CaseModel) =>
    readFields(one.fields, {
      module,
      context,
      packet: "§",
      begin: "at",
      end: "end",
      path: "",
      origin: "start",
      exact: true,
      lengths: new Map(),
      counts: new Map()
    })
  const body = [
    "switch (tag) {",
    ...type.cases.flatMap((one) => {
      const read = region(one)
      // errors name the frame's own path within the packet
      const lines = read.lines.map((line) =>
        line.replaceAll(/"§", "([^"]*)"/g, (_, path: string) => `"${type.name}", ${path === "" ? "path" : `\`\${path}.${path}\``}`)
      )
      const entries: Array<[string, string]> = [
        ["_tag", JSON.stringify(one.name)],
        ...one.fields.flatMap((field): Array<[string, string]> => {
          const value = read.values.get(field.name)
          return value === undefined ? [] : [[field.name, value]]
        })
      ]
      return [`  case ${one.tag}: {`, ...[...lines, ...returned(literal(entries))].map((line) => `    ${line}`), "  }"]
    }),
    "  default:",
    "    return { _tag: \"Unknown\", tag, bytes: reader.slice(at, end) }",
    "}"
  ]
  module.add({
    kind: "function",
    name: `read${type.name}`,
    doc: `Reads the content of a \`${type.name}\` with id \`tag\`.`,
    parameters: [
      { name: "reader", type: module.useType(codec, "Reader") },
      { name: "tag", type: "number" },
      { name: "at", type: "number" },
      { name: "end", type: "number" },
      { name: "start", type: "number" },
      { name: "path", type: "string" }
    ],
    returns: type.name,
    body: [...readerLocals(body), ...body]
  })
  const written = [
    "switch (value._tag) {",
    ...type.cases.flatMap((one) => {
      const fixed = one.fields.every((field) => context.fixedSize(field.type) !== undefined)
      const size = one.fields.reduce((sum, field) => sum + (context.fixedSize(field.type) ?? 0), 0)
      if (fixed) {
        return [
          `  case "${one.name}": {`,
          ...[
            ...writeRecord(
              context,
              module,
              type.name,
              one.fields,
              `${module.use(codec, "writeNibbleHeader")}(bytes, at, ${one.tag}, ${size}, "${type.name}", "${one.name}")`
            )
          ].map((line) => `    ${line}`),
          "  }"
        ]
      }
      // the length comes first and its own size depends on it: write behind the longest header, then move into place
      const lines = writeRecord(context, module, type.name, one.fields, "at + 3")
      return [
        `  case "${one.name}": {`,
        ...lines.slice(0, -1).map((line) => `    ${line}`),
        `    const length = ${lines.at(-1)!.slice("return ".length)} - at - 3`,
        `    const content = ${module.use(codec, "writeNibbleHeader")}(bytes, at, ${one.tag}, length, "${type.name}", "${one.name}")`,
        "    bytes.copyWithin(content, at + 3, at + 3 + length)",
        "    return content + length",
        "  }"
      ]
    }),
    `  case "Unknown":`,
    `    return ${module.use(codec, "putBytes")}(bytes, ${
      module.use(codec, "writeNibbleHeader")
    }(bytes, at, value.tag, value.bytes.length, "${type.name}", "Unknown"), value.bytes)`,
    "}"
  ]
  module.add({
    kind: "function",
    name: `write${type.name}`,
    doc:
      `Writes a \`${type.name}\` with its header at \`at\`, where there is room for \`bound${type.name}\` bytes; returns the offset behind it.`,
    parameters: [{ name: "writer", type: module.useType(codec, "Writer") }, { name: "at", type: "number" }, {
      name: "value",
      type: type.name
    }],
    returns: "number",
    body: [...writerLocals(written), ...written]
  })
  printCaseBounds(context, module, type.name, type.cases, 3, true)
}
