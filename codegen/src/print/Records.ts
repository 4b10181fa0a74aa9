/** Prints records, tagged records and framing extras: types, readers, writers, and the room they need. */
import type { CaseModel, ChoiceModel, FieldModel, NibbleFramesModel, StructModel, TypeModel } from "@wirewright/codec/Model"
import { flatFields } from "@wirewright/codec/words/Word"
import { isBigNumber, numberBytes } from "@wirewright/codec/words/Numbers"
import { fixedIn } from "@wirewright/codec/words/Records"
import type { Module } from "../Module.ts"
import { lengthOf } from "../Names.ts"
import { quotedInLines } from "../Print.ts"
import { literalOf, numberNeeds, readNumber, writeNumber } from "../words/Numbers.ts"
import { codec } from "./Codec.ts"
import type { Context } from "./Context.ts"
import { contentBegins } from "./Customs.ts"
import { FieldReader, readFields, ReadScope, type Region } from "./Decode.ts"
import { boundTerms, boundText, FieldWriter, WriteScope } from "./Encode.ts"
import { literal, properties, readerLocals, returned, writerLocals } from "./Objects.ts"

const readNames = ["reader", "view", "at", "end", "start", "states", "littleEndian", "tag"]
const writeNames = ["writer", "view", "bytes", "at", "value", "position", "states", "littleEndian"]

const orderOf = (type: StructModel): string | undefined => type.byteOrder === "given" ? "littleEndian" : undefined

const region = (
  context: Context,
  module: Module,
  packet: string,
  begin: string,
  scope: ReadScope,
  order: string | undefined
): Region => ({
  module,
  context,
  packet,
  begin,
  end: "end",
  path: "",
  origin: "start",
  exact: false,
  record: "at",
  scope,
  ...(order === undefined ? {} : { order })
})

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
  const read = readFields(fields, region(context, module, packet, begin, new ReadScope(readNames), order))
  const entries: Array<[string, string]> = tag === undefined ? [] : [["_tag", JSON.stringify(tag)]]
  for (const [name, value] of read.values) entries.push([name, value])
  return [...read.lines, `reader.next = ${read.next}`, ...returned(literal(entries))]
}

type Parameters = Array<{ name: string; type: string; default?: string }>

const extraParameters = (module: Module, context: Context, needsStates: boolean, order: string | undefined): Parameters =>
  needsStates
    ? [{ name: "states", type: module.useType(context.local("States"), "States") }]
    : order === "littleEndian"
    ? [{ name: "littleEndian", type: "boolean" }]
    : []

const readParameters = (module: Module, extra: Parameters): Parameters => [
  { name: "reader", type: module.useType(codec, "Reader") },
  { name: "at", type: "number" },
  { name: "end", type: "number" },
  { name: "start", type: "number" },
  ...extra
]

const writeParameters = (module: Module, name: string, extra: Parameters): Parameters => [
  { name: "writer", type: module.useType(codec, "Writer") },
  { name: "at", type: "number" },
  { name: "value", type: name },
  ...extra
]

const letOrConst = (lines: ReadonlyArray<string>): string => lines.some((line) => /^\s*position \+?= /.test(line)) ? "let" : "const"

const fieldWriter = (context: Context, module: Module, packet: string, fields: ReadonlyArray<FieldModel>, order?: string): FieldWriter =>
  new FieldWriter({
    module,
    context,
    packet,
    from: "value",
    begin: "at",
    ...(order === undefined ? {} : { order }),
    scope: new WriteScope(fields, writeNames)
  })

const writeRecord = (
  context: Context,
  module: Module,
  packet: string,
  fields: ReadonlyArray<FieldModel>,
  begin: string,
  order?: string
): ReadonlyArray<string> => {
  const writer = fieldWriter(context, module, packet, fields, order)
  writer.fields(fields)
  return [`${letOrConst(writer.lines)} position = ${begin}`, ...writer.lines, `return ${writer.end}`]
}

/** Prints a reader or writer; one that may call itself is guarded by the depth of its calls. */
const printGuarded = (
  context: Context,
  module: Module,
  type: string,
  of: "reader" | "writer",
  doc: string,
  parameters: Parameters,
  returns: string,
  body: ReadonlyArray<string>
): void => {
  const depth = context.depthOf(type)
  const name = `${of === "reader" ? "read" : "write"}${type}`
  const own = depth === undefined ? name : `${name}Once`
  module.add({
    kind: "function",
    name: own,
    ...(depth === undefined ? { doc } : {}),
    internal: depth !== undefined,
    parameters,
    returns,
    body
  })
  if (depth === undefined) return
  const args = parameters.map((parameter) => parameter.name).join(", ")
  module.add({
    kind: "function",
    name,
    doc,
    parameters,
    returns,
    body: [
      of === "reader"
        ? `${module.use(codec, "deeper")}(reader, "${type}", ${depth}, at - start)`
        : `${module.use(codec, "deeperWrite")}(writer, "${type}", ${depth})`,
      "try {",
      `  return ${own}(${args})`,
      "} finally {",
      `  ${module.use(codec, "shallower")}(${of}, "${type}")`,
      "}"
    ]
  })
}

/** Whether something of the model is a record of this type or contains one. */
const contains = (context: Context, name: string, value: unknown, seen: Set<string>): boolean => {
  if (typeof value !== "object" || value === null) return false
  const { kind, ref } = value as { readonly kind?: unknown; readonly ref?: string }
  if (ref !== undefined && (kind === "struct" || kind === "choice")) {
    if (ref === name) return true
    if (seen.has(ref)) return false
    return contains(context, name, context.named(ref), seen.add(ref))
  }
  return Object.values(value).some((one) => contains(context, name, one, seen))
}

const readDoc = (name: string): string =>
  `Reads a \`${name}\` at \`at\`, not beyond \`end\`; leaves the offset after it in \`reader.next\`. Offsets in errors count from \`start\`.`

const writeDoc = (name: string): string =>
  `Writes a \`${name}\` at \`at\`, where there is room for \`bound${name}\` bytes; returns the offset after it.`

/** Prints a record: interface, reader, writer, bound, and the functions for one that stands alone. */
export const printStruct = (context: Context, module: Module, type: StructModel): void => {
  const order = orderOf(type)
  const model: TypeModel = { kind: "struct", ref: type.name }
  module.add({ kind: "interface", name: type.name, doc: type.doc, properties: properties(module, context, type.fields) })
  const body = readRecord(context, module, type.name, type.fields, "at", undefined, order)
  const reading = extraParameters(module, context, context.needsStates(model), order)
  const writing = extraParameters(module, context, context.needsStatesToWrite(model), order)
  printGuarded(context, module, type.name, "reader", readDoc(type.name), readParameters(module, reading), type.name, [
    ...readerLocals(body),
    ...body
  ])
  const written = writeRecord(context, module, type.name, type.fields, "at", order)
  // where every field may be missing, no field tells that there is no record
  const isAnything = flatFields(type.fields).every((field) => !context.isVisible(field.type) || context.isOptional(field.type))
  printGuarded(context, module, type.name, "writer", writeDoc(type.name), writeParameters(module, type.name, writing), "number", [
    ...isAnything ? [`${module.use(codec, "checkRecord")}(value, "${type.name}", "")`] : [],
    ...writerLocals(written),
    ...written
  ])
  const bound = boundTerms(module, context, "value?", type.fields)
  module.add({
    kind: "function",
    name: `bound${type.name}`,
    doc: `Room a \`${type.name}\` needs at most, in bytes.`,
    parameters: [{ name: bound.terms.length === 0 ? "_value" : "value", type: type.name }],
    returns: "number",
    body: [`return ${boundText(bound)}`]
  })
  printWhole(context, module, type.name, reading, writing)
}

const withDefault = (context: Context, module: Module, parameters: Parameters): Parameters =>
  parameters.map((one) => one.name === "states" ? { ...one, default: module.use(context.local("States"), "noStates") } : one)

/** `decodeX` and `encodeX` of a record that stands alone. */
const printWhole = (context: Context, module: Module, name: string, reading: Parameters, writing: Parameters): void => {
  const args = (parameters: Parameters): string => parameters.map((one) => `, ${one.name}`).join("")
  module.add({
    kind: "function",
    name: `decode${name}`,
    doc: `Decodes bytes that are one \`${name}\`. Throws \`DecodeError\`, \`incomplete\` when more bytes could make them one.`,
    parameters: [{ name: "bytes", type: "Uint8Array" }, ...withDefault(context, module, reading)],
    returns: name,
    body: [
      `const reader = new ${module.use(codec, "Reader")}(bytes)`,
      `const value = read${name}(reader, 0, reader.open, 0${args(reading)})`,
      `${module.use(codec, "expectEnd")}(Math.floor(reader.next), bytes.length, "${name}", "", 0)`,
      "return value"
    ]
  })
  module.add({
    kind: "function",
    name: `encode${name}`,
    doc: `Appends a \`${name}\` to a writer. Throws \`EncodeError\` and then leaves the writer as it was.`,
    parameters: [
      { name: "writer", type: module.useType(codec, "Writer") },
      { name: "value", type: name },
      ...withDefault(context, module, writing)
    ],
    returns: "void",
    body: contentBegins(context, "at").length === 0
      ? [`writer.position = write${name}(writer, writer.need(bound${name}(value)), value${args(writing)})`]
      : [
        `const at = writer.need(bound${name}(value))`,
        ...contentBegins(context, "at"),
        `writer.position = write${name}(writer, at, value${args(writing)})`
      ]
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
  const { tag } = type
  const big = tag !== undefined && isBigNumber(tag)
  printCases(context, module, type.name, type.cases)
  const unknown = type.unknown === "keep"
  if (unknown) {
    module.add({
      kind: "interface",
      name: `${type.name}Unknown`,
      doc: `A \`${type.name}\` with a tag that is not described.`,
      properties: [
        { name: "_tag", type: "\"Unknown\"" },
        { name: "tag", type: big ? "bigint" : "number" },
        { name: "bytes", type: "Uint8Array" }
      ]
    })
  }
  module.add({
    kind: "alias",
    name: type.name,
    doc: type.doc,
    type: [...type.cases.map((one) => caseInterface(type.name, one)), ...(unknown ? [`${type.name}Unknown`] : [])].join(" | ")
  })
  const reading = extraParameters(module, context, context.needsStates(model), undefined)
  const writing = extraParameters(module, context, context.needsStatesToWrite(model), undefined)
  const ownTag: Parameters = tag === undefined ? [{ name: "tag", type: "number" }] : []
  const head = new FieldReader(region(context, module, type.name, "at", new ReadScope(readNames), undefined))
  let read = "tag"
  if (tag !== undefined) {
    head.need(numberNeeds(tag), "_tag", "end")
    read = readNumber(head, tag, { name: "tagValue", path: "_tag" }, "end")
  }
  const value = (one: CaseModel): string => tag === undefined ? String(one.tag) : literalOf(tag, BigInt(one.tag))
  const depth = context.depthOf(type.name)
  // a case without another record of this type counts as one but need not be counted
  const counted = (one: CaseModel, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
    depth === undefined || !contains(context, type.name, one.fields, new Set()) ? lines : [
      `${module.use(codec, "deeper")}(reader, "${type.name}", ${depth}, at - start)`,
      "try {",
      ...lines.map((line) => `  ${line}`),
      "} finally {",
      `  ${module.use(codec, "shallower")}(reader, "${type.name}")`,
      "}"
    ]
  const body = [
    ...(depth === undefined ? [] : [`${module.use(codec, "expectDepth")}(reader, "${type.name}", ${depth}, at - start)`]),
    ...head.lines,
    `switch (${read}) {`,
    ...type.cases.flatMap((one) => [
      `  case ${value(one)}: {`,
      ...(type.empty === "keep" && one.fields.some((field) => context.minimumSize(field.type) > 0)
        ? [`    if (${head.at} === end) return { _tag: "Unknown", tag: ${read}, bytes: reader.slice(reader.next = end, end) }`]
        : []),
      ...counted(one, readRecord(context, module, type.name, one.fields, String(head.at), one.name)).map((line) => `    ${line}`),
      "  }"
    ]),
    "  default:",
    ...(unknown
      ? ["    reader.next = end", `    return { _tag: "Unknown", tag: ${read}, bytes: reader.slice(${head.at}, end) }`]
      : [
        `    return ${module.use(codec, "malformed")}("UnknownValue", "${type.name}", "_tag", at - start, ${
          quotedInLines(`one of ${type.cases.map((one) => one.tag).join(", ")}`)
        }, String(${read}))`
      ]),
    "}"
  ]
  module.add({
    kind: "function",
    name: `read${type.name}`,
    doc: readDoc(type.name),
    parameters: readParameters(module, [...ownTag, ...reading]),
    returns: type.name,
    body: [...readerLocals(body), ...body]
  })
  const writeTag = (text: string, path: string): { readonly lines: ReadonlyArray<string>; readonly at: string } => {
    if (tag === undefined) return { lines: [], at: "at" }
    const writer = fieldWriter(context, module, type.name, [])
    writeNumber(writer, tag, { name: "tag", path }, text)
    if (tag.kind === "int") {
      return { lines: writer.lines.map((line) => line.replace("view, position", "view, at")), at: `at + ${numberBytes(tag)}` }
    }
    const line = writer.lines[0]!.replace("position = ", "const tagEnd = ").replace("bytes, position", "bytes, at")
    return { lines: [line], at: "tagEnd" }
  }
  const written = [
    "switch (value._tag) {",
    ...type.cases.flatMap((one) => {
      const { lines, at } = writeTag(value(one), "_tag")
      return [
        `  case "${one.name}": {`,
        ...lines.map((line) => `    ${line}`),
        ...writeRecord(context, module, type.name, one.fields, at).map((line) => `    ${line}`),
        "  }"
      ]
    }),
    ...(unknown
      ? [
        "  case \"Unknown\": {",
        ...(type.cases.length === 0 ? [] : [
          `    if (${type.empty === "keep" ? "value.bytes?.length > 0 && (" : ""}${
            type.cases.map((one) => `value.tag === ${value(one)}`).join(" || ")
          }${type.empty === "keep" ? ")" : ""}) ${module.use(codec, "unencodable")}("Range", ` +
          `"${type.name}", "tag", "a tag that is not described", String(value.tag))`
        ]),
        ...writeTag("value.tag", "tag").lines.map((line) => `    ${line}`),
        `    return ${module.use(codec, "putBytes")}(bytes, ${writeTag("value.tag", "tag").at}, value.bytes, "${type.name}", "bytes")`,
        "  }"
      ]
      : []),
    "  default:",
    `    return ${module.use(codec, "unencodable")}("UnknownValue", "${type.name}", "_tag", "a case of ${type.name}", ` +
    "String((value as { readonly _tag?: unknown } | undefined)?._tag))",
    "}"
  ]
  printGuarded(context, module, type.name, "writer", writeDoc(type.name), writeParameters(module, type.name, writing), "number", [
    ...writerLocals(written),
    ...written
  ])
  const room = tag === undefined ? 0 : numberBytes(tag)
  printCaseBounds(context, module, type.name, type.cases, room, unknown)
  if (tag === undefined) printTagOf(module, type)
  else printWhole(context, module, type.name, reading, writing)
}

/** The tag of a value, for the sibling that holds it. */
const printTagOf = (module: Module, type: ChoiceModel): void => {
  module.add({
    kind: "function",
    name: `tagOf${type.name}`,
    doc: `The number that selects the case of a \`${type.name}\`.`,
    parameters: [{ name: "value", type: type.name }],
    returns: "number",
    body: [
      "switch (value?._tag) {",
      ...type.cases.flatMap((one) => [`  case "${one.name}":`, `    return ${one.tag}`]),
      ...(type.unknown === "keep" ? ["  case \"Unknown\":", "    return value.tag"] : []),
      // which the writer of the value refuses
      "  default:",
      "    return 0",
      "}"
    ]
  })
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
      "switch (value?._tag) {",
      ...cases.flatMap((one) => {
        const bound = boundTerms(module, context, "value", one.fields)
        return [`  case "${one.name}":`, `    return ${boundText({ fixed: bound.fixed + head, terms: bound.terms })}`]
      }),
      ...(unknown ? ["  case \"Unknown\":", `    return ${head} + ${lengthOf(module, "value.bytes")}`] : []),
      // which the writer refuses
      "  default:",
      "    return 0",
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
  const fieldsOf = (one: CaseModel) =>
    readFields(one.fields, {
      module,
      context,
      packet: "§",
      begin: "at",
      end: "end",
      path: "",
      origin: "start",
      exact: true,
      scope: new ReadScope([...readNames, "head"])
    })
  const body = [
    "switch (tag) {",
    ...type.cases.flatMap((one) => {
      const read = fieldsOf(one)
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
      const fixed = one.fields.every((field) => fixedIn(context, one.fields, field) !== undefined)
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
        `    return ${module.use(codec, "endNibbleFrame")}(bytes, at, ${
          lines.at(-1)!.slice("return ".length)
        }, ${one.tag}, "${type.name}", "${one.name}")`,
        "  }"
      ]
    }),
    `  case "Unknown":`,
    `    return ${module.use(codec, "putBytes")}(bytes, ${
      module.use(codec, "writeNibbleHeader")
    }(bytes, at, value.tag, value.bytes?.length, "${type.name}", "Unknown"), value.bytes, "${type.name}", "bytes")`,
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
