/** Prints `Schemas.ts`: an Effect schema and an arbitrary per packet. */
import type { FieldModel, IntName, KindModel, LayoutModel, TypeModel } from "@wirewright/codec/Model"
import { Module } from "../Module.ts"
import { hex } from "../Names.ts"
import { type Context, kindName } from "./Context.ts"
import { packetsOf, type PacketPlan } from "./Commands.ts"
import { fieldOf, ownSections, visibleFields } from "./Frame.ts"

const wire = "@wirewright/codec/WireSchema"

/** Prints the module. */
export const printSchemas = (context: Context): Module => {
  const module = new Module(
    "Schemas.ts",
    `Effect schemas and arbitraries of ${context.model.name}, beside the codecs and never on the packet path.`
  )
  module.useAll("effect/Schema", "Schema")
  for (const type of orderedTypes(context)) printNamed(context, module, type)
  if (context.model.frame.kinds.length === 0) return module
  module.useAll("effect/Arbitrary", "Arbitrary")
  if (context.base === undefined) {
    for (const kind of context.model.frame.kinds) {
      printRaw(context, module, kind, "Unknown")
      if (fieldOf(kind.headers[0]!, "statusCode") !== undefined) printRaw(context, module, kind, "Error")
    }
  }
  for (const command of context.model.commands) for (const packet of packetsOf(context, command)) printPacket(context, module, packet)
  return module
}

/** Records after those they mention. */
const orderedTypes = (context: Context): ReadonlyArray<string> => {
  const out = new Set<string>()
  const visit = (type: TypeModel): void => {
    if (type.kind === "optional" || type.kind === "when" || type.kind === "array") return visit(type.of)
    if (type.kind === "struct" || type.kind === "choice" || type.kind === "nibbleFrames") add(type.ref)
  }
  const add = (ref: string): void => {
    if (out.has(ref) || context.from(ref) !== context.local("Types")) return
    const type = context.named(ref)
    const fields = type.kind === "struct"
      ? type.fields
      : type.kind === "choice" || type.kind === "nibbleFrames"
      ? type.cases.flatMap((one) => one.fields)
      : []
    for (const field of fields) visit(field.type)
    out.add(ref)
  }
  for (const type of context.model.types) if (type.kind !== "flags" && type.kind !== "enumeration") add(type.name)
  return [...out]
}

const use = (module: Module, name: string): string => `${module.useAll(wire, "Wire")}.${name}`

const options = (entries: ReadonlyArray<readonly [string, unknown]>): string => {
  const present = entries.filter(([, value]) => value !== undefined)
  return present.length === 0 ? "" : `{ ${present.map(([name, value]) => `${name}: ${value}`).join(", ")} }`
}

const schemaOf = (context: Context, module: Module, type: TypeModel): string => {
  switch (type.kind) {
    case "int":
      return use(module, type.int)
    case "uleb128":
      return use(module, "uleb128")
    case "bytes":
      return `${use(module, "bytes")}(${options([["size", type.size], ["max", type.max]])})`
    case "utf8":
    case "json":
      return `${use(module, "text")}(${options([["size", type.size], ["max", type.max]])})`
    case "cstring":
      return `${use(module, "text")}(${options([["max", type.max], ["noNul", true]])})`
    case "reserved":
      return type.int === undefined ? `${use(module, "bytes")}(${options([["size", type.size]])})` : use(module, type.int)
    case "optional":
    case "when":
      return schemaOf(context, module, type.of)
    case "array":
      return `Schema.Array(${schemaOf(context, module, type.of)})${type.max === undefined ? "" : `.check(Schema.isMaxLength(${type.max}))`}`
    case "flags": {
      const flags = context.named(type.ref) as {
        readonly int: IntName
        readonly unknown: string
        readonly bits: ReadonlyArray<{ readonly bit: number }>
      }
      const mask = flags.bits.reduce((sum, { bit }) => sum + 2 ** bit, 0)
      return `${use(module, "flags")}(${Number(flags.int.slice(1))}${flags.unknown === "error" ? `, ${hex(mask)}` : ""})`
    }
    case "enumeration": {
      const { int, unknown, values } = context.named(type.ref) as {
        readonly int: IntName
        readonly unknown: string
        readonly values: ReadonlyArray<{ readonly value: number }>
      }
      return unknown === "error" ? `Schema.Literals([${values.map(({ value }) => value).join(", ")}])` : use(module, int)
    }
    case "struct":
    case "choice":
      return module.use(schemasOf(context, type.ref), `${type.ref}Schema`)
    case "nibbleFrames":
      return `Schema.Array(${module.use(schemasOf(context, type.ref), `${type.ref}Schema`)})`
    default:
      return "Schema.Never"
  }
}

const schemasOf = (context: Context, ref: string): string => context.from(ref).replace(/\/Types(\.ts|\.js)?$/, "/Schemas$1")

const fieldSchemas = (context: Context, module: Module, fields: ReadonlyArray<FieldModel>): ReadonlyArray<string> =>
  fields.filter((field) => context.isVisible(field.type)).map((field) => {
    const schema = schemaOf(context, module, field.type)
    return `${field.name}: ${context.isOptional(field.type) ? `Schema.optional(${schema})` : schema}`
  })

const struct = (entries: ReadonlyArray<string>): string =>
  entries.length === 0 ? "Schema.Struct({})" : `Schema.Struct({\n${entries.map((line) => `  ${line}`).join(",\n")}\n})`

const printNamed = (context: Context, module: Module, ref: string): void => {
  const type = context.named(ref)
  const add = (value: string): void => module.add({ kind: "const", name: `${ref}Schema`, doc: type.doc, value })
  if (type.kind === "struct") return add(struct(fieldSchemas(context, module, type.fields)))
  if (type.kind !== "choice" && type.kind !== "nibbleFrames") return
  const unknown = type.kind === "nibbleFrames"
    ? [
      `Schema.Struct({ _tag: Schema.Literal("Unknown"), tag: Schema.Int.check(Schema.isBetween({ minimum: ${
        Math.max(-1, ...type.cases.map((one) => one.tag)) + 1
      }, maximum: 270 })), bytes: ${use(module, "bytes")}({ max: 20 }) })`
    ]
    : type.unknown === "keep"
    ? [`Schema.Struct({ _tag: Schema.Literal("Unknown"), tag: ${use(module, type.tag)}, bytes: ${use(module, "bytes")}() })`]
    : []
  add(
    `Schema.Union([\n${
      [
        ...type.cases.map((one) => struct([`_tag: Schema.Literal("${one.name}")`, ...fieldSchemas(context, module, one.fields)])),
        ...unknown
      ].map((text) => text.split("\n").map((line) => `  ${line}`).join("\n")).join(",\n")
    }\n])`
  )
}

const headSchemas = (context: Context, module: Module, kind: KindModel): ReadonlyArray<string> => [
  ...visibleFields(kind).filter((field) => field.role !== "statusCode").map((field) =>
    field.role === "magic"
      ? `${field.name}: Schema.Literals([${kind.headers.map((header) => hex(header.magic!)).join(", ")}])`
      : `${field.name}: ${schemaOf(context, module, field.role === "field" ? field.type : { kind: "int", int: field.int })}`
  ),
  ...kind.shared.map(({ section, ref }) =>
    `${section}: Schema.Array(${module.use(schemasOf(context, ref), `${ref}Schema`)}).check(Schema.isMaxLength(4))`
  )
]

/** Framing extras need a header that has room for their length. */
const headFilter = (kind: KindModel): string =>
  kind.shared.map(({ section }) => {
    const plain = kind.headers.filter((header) =>
      !header.fields.some((field) => field.role === "sectionLength" && field.section === section)
    ).map((header) => hex(header.magic!))
    return plain.length === 0
      ? ""
      : `.check(Schema.makeFilter((packet) => packet.${section}.length === 0 || ${
        plain.map((magic) => `packet.magic !== ${magic}`).join(" && ")
      } || "${section} needs another magic"))`
  }).join("")

const requiresFilter = (layout: LayoutModel): string =>
  layout.sections.flatMap((section) => section.fields).flatMap(({ name, type }) =>
    type.kind !== "optional" || type.requires === undefined
      ? []
      : [
        `.check(Schema.makeFilter((packet) => packet.${name} === undefined || packet.${type.requires} !== undefined || "${name} needs ${type.requires}"))`
      ]
  ).join("")

const printArbitrary = (module: Module, tag: string): void =>
  module.add({
    kind: "function",
    name: `arbitrary${tag}`,
    doc: `Random \`${tag}\` packets.`,
    parameters: [],
    returns: `Arbitrary.Arbitrary<typeof ${tag}Schema.Type>`,
    body: [`return Arbitrary.schema(${tag}Schema)`]
  })

const printPacket = (context: Context, module: Module, packet: PacketPlan): void => {
  const opcode = fieldOf(packet.kind.headers[0]!, "opcode")
  const status = fieldOf(packet.kind.headers[0]!, "statusCode")
  const one = (layout: LayoutModel): string =>
    `${
      struct([
        `_tag: Schema.Literal("${packet.tag}")`,
        ...(opcode === undefined ? [] : [`${opcode.name}: Schema.Literal(${hex(packet.command.opcode)})`]),
        ...headSchemas(context, module, packet.kind),
        ...(status === undefined
          ? []
          : [`${status.name}: Schema.Literals([${packet.statuses.map(({ code }) => hex(code, 4)).join(", ")}])`]),
        ...(layout.name === undefined ? [] : [`layout: Schema.Literal("${layout.name}")`]),
        ...ownSections(context, packet.kind).flatMap((section) =>
          fieldSchemas(context, module, layout.sections.find((found) => found.section === section)?.fields ?? [])
        )
      ])
    }${headFilter(packet.kind)}${requiresFilter(layout)}`
  const texts = packet.layouts.map(one)
  const value = texts.length === 1
    ? texts[0]!
    : `Schema.Union([\n${texts.map((text) => text.split("\n").map((line) => `  ${line}`).join("\n")).join(",\n")}\n])`
  module.add({ kind: "const", name: `${packet.tag}Schema`, doc: packet.doc, value })
  printArbitrary(module, packet.tag)
}

const printRaw = (context: Context, module: Module, kind: KindModel, word: string): void => {
  const name = `${word}${kindName(kind.name)}`
  const opcode = fieldOf(kind.headers[0]!, "opcode")
  const status = fieldOf(kind.headers[0]!, "statusCode")
  module.add({
    kind: "const",
    name: `${name}Schema`,
    value: `${
      struct([
        `_tag: Schema.Literal("${name}")`,
        ...(opcode === undefined ? [] : [`${opcode.name}: ${use(module, opcode.int)}`]),
        ...headSchemas(context, module, kind),
        ...(status === undefined ? [] : [`${status.name}: ${use(module, status.int)}`]),
        ...ownSections(context, kind).map((section) => `${section}: ${use(module, "bytes")}()`)
      ])
    }${headFilter(kind)}`
  })
}
