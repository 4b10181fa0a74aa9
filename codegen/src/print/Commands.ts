/** Prints the modules of a protocol's commands: one per spec file, with an interface, a decoder and an encoder for every packet. */
import type { CommandModel, KindModel, LayoutModel, OutcomeModel, SectionModel } from "@wirewright/codec/Model"
import { Module } from "../Module.ts"
import { hex, integerLiteral } from "../Names.ts"
import { codec, type Context, kindName } from "./Context.ts"
import { getInt, presences, readFields } from "./Decode.ts"
import { boundTerms, boundText, FieldWriter } from "./Encode.ts"
import { decodeArguments, decodeNames, headEntries } from "./Frame.ts"
import { fieldOf, ownSections } from "./HeaderFields.ts"
import { literal, properties, readerLocals, returned, writerLocals } from "./Objects.ts"

/** One packet of a command: its request, or one outcome of its response. */
export interface PacketPlan {
  readonly command: CommandModel
  readonly kind: KindModel
  /** Value of `_tag`, name of the union of its layouts, and part of its functions' names. */
  readonly tag: string
  readonly doc: string | undefined
  readonly layouts: ReadonlyArray<LayoutModel>
  /** Statuses it stands for; empty for requests. */
  readonly statuses: OutcomeModel["statuses"]
  readonly needsStates: boolean
}

/** All packets a command consists of. */
export const packetsOf = (context: Context, command: CommandModel): ReadonlyArray<PacketPlan> => {
  const kind = (name: string): KindModel => context.model.frame.kinds.find((one) => one.name === name)!
  const plan = (
    tag: string,
    of: string,
    doc: string | undefined,
    layouts: ReadonlyArray<LayoutModel>,
    statuses: OutcomeModel["statuses"]
  ): PacketPlan => ({
    command,
    kind: kind(of),
    tag,
    doc,
    layouts,
    statuses,
    needsStates: layouts.some((layout) =>
      layout.sections.some((section) => section.fields.some((field) => context.needsStates(field.type)))
    )
  })
  return [
    plan(command.name, command.kinds.request, command.doc, command.request, []),
    ...(command.kinds.response === undefined ? [] : command.responses.map((outcome) =>
      plan(
        outcome.name === "Success" ? `${command.name}Response` : `${command.name}${outcome.name}`,
        command.kinds.response!,
        outcome.doc ?? `Response to \`${command.name}\` with status ${outcome.statuses.map((one) => one.name).join(" or ")}.`,
        outcome.layouts,
        outcome.statuses
      )
    ))
  ]
}

/** Commands whose packets have types and codecs: all but those that servers no longer execute, which are rows of the tables. */
export const describedCommands = (context: Context): ReadonlyArray<CommandModel> =>
  context.model.commands.filter(({ lifecycle }) => lifecycle !== "removed")

/** Whether a packet is its header alone. */
const isEmpty = ({ layouts, statuses }: PacketPlan): boolean =>
  layouts.length === 1 && layouts[0]!.name === undefined && statuses.length < 2 &&
  layouts[0]!.sections.every(({ fields }) => fields.length === 0)

/** Families of a protocol's commands: module name to commands. */
export const families = (context: Context): ReadonlyMap<string, ReadonlyArray<CommandModel>> => {
  const out = new Map<string, Array<CommandModel>>()
  for (const command of describedCommands(context)) out.set(command.family, [...out.get(command.family) ?? [], command])
  return new Map([...out].sort(([a], [b]) => a < b ? -1 : 1))
}

/** Prints one module per family. */
export const printCommands = (context: Context): ReadonlyArray<Module> =>
  [...families(context)].map(([family, commands]) => {
    const module = new Module(`${family}.ts`, `Commands of ${context.model.name}: ${commands.map((command) => command.name).join(", ")}.`)
    for (const command of commands) {
      for (const packet of packetsOf(context, command)) printPacket(context, module, packet)
      printOutcome(context, module, command)
    }
    return module
  })

const bodyName = (packet: PacketPlan, layout: LayoutModel): string => layout.name === undefined ? packet.tag : `${packet.tag}${layout.name}`

const printPacket = (context: Context, module: Module, packet: PacketPlan): void => {
  if (isEmpty(packet)) return printEmptyPacket(context, module, packet)
  for (const layout of packet.layouts) printInterface(context, module, packet, layout)
  const names = packet.layouts.map((layout) => bodyName(packet, layout))
  const several = packet.layouts.length > 1 || names[0] !== packet.tag
  if (several) module.add({ kind: "alias", name: packet.tag, doc: packet.doc, type: names.join(" | ") })
  for (const layout of packet.layouts) printDecode(context, module, packet, layout)
  if (several) printSelect(context, module, packet)
  printEncode(context, module, packet)
}

/** A function type of a packet's kind, such as `RequestDecoder<Get>`. */
const signature = (context: Context, module: Module, packet: PacketPlan, word: "Decoder" | "Encoder", name: string): string =>
  `${module.useType(context.frameModule, `${kindName(packet.kind.name)}${word}`)}<${name}${
    word === "Decoder" && packet.needsStates ? `, ${module.useType(context.local("States"), "States")}` : ""
  }>`

/** Parameters of a decoder as far as its body needs them. */
const parametersOf = (context: Context, packet: PacketPlan): ReadonlyArray<string> => [
  ...decodeNames(context, packet.kind),
  ...(packet.needsStates ? ["states"] : [])
]

/** Prints a packet that is all header: its kind has a type, a decoder and an encoder for those. */
const printEmptyPacket = (context: Context, module: Module, packet: PacketPlan): void => {
  const kind = kindName(packet.kind.name)
  const frame = context.frameModule
  const opcode = fieldOf(packet.kind.headers[0]!, "opcode")
  const status = fieldOf(packet.kind.headers[0]!, "statusCode")
  const tag = JSON.stringify(packet.tag)
  const code = hex(packet.command.opcode)
  const statuses = status === undefined ? [] : [hex(packet.statuses[0]?.code ?? 0, 4)]
  const literals = [tag, ...(opcode === undefined ? [] : [code]), ...statuses]
  module.add({
    kind: "alias",
    name: packet.tag,
    doc: packet.doc,
    type: `${module.useType(frame, `Empty${kind}`)}<${literals.join(", ")}>`
  })
  module.add({
    kind: "arrow",
    name: `decode${packet.tag}`,
    type: signature(context, module, packet, "Decoder", packet.tag),
    parameters: decodeNames(context, packet.kind),
    body: `${module.use(frame, `decodeEmpty${kind}`)}(${[decodeArguments(context, packet.kind), ...literals].join(", ")})`
  })
  module.add({
    kind: "arrow",
    name: `encode${packet.tag}`,
    type: signature(context, module, packet, "Encoder", packet.tag),
    parameters: ["writer", "packet"],
    body: `${module.use(frame, `encodeEmpty${kind}`)}(${["writer", "packet", tag, code, ...statuses].join(", ")})`
  })
}

const statusType = (packet: PacketPlan): string => packet.statuses.map(({ code }) => hex(code, 4)).join(" | ")

const printInterface = (context: Context, module: Module, packet: PacketPlan, layout: LayoutModel): void => {
  const opcode = fieldOf(packet.kind.headers[0]!, "opcode")
  const status = fieldOf(packet.kind.headers[0]!, "statusCode")
  module.add({
    kind: "interface",
    name: bodyName(packet, layout),
    doc: layout.name === undefined ? packet.doc : layout.doc ?? packet.doc,
    extends: [module.useType(context.frameModule, `${kindName(packet.kind.name)}Head`)],
    properties: [
      { name: "_tag", type: JSON.stringify(packet.tag) },
      ...(opcode === undefined ? [] : [{ name: opcode.name, type: hex(packet.command.opcode) }]),
      ...(packet.statuses.length === 0 || status === undefined ? [] : [{
        name: status.name,
        type: statusType(packet),
        ...(packet.statuses.length === 1 ? {} : { doc: packet.statuses.map(({ name }) => name).join(", ") })
      }]),
      ...(layout.name === undefined ? [] : [{ name: "layout", type: JSON.stringify(layout.name) }]),
      ...properties(module, context, layout.sections.flatMap((section) => section.fields))
    ]
  })
}

const sectionOf = (layout: LayoutModel, section: string): SectionModel =>
  layout.sections.find((one) => one.section === section) ?? { section, fields: [] }

const sectionEnd = (own: ReadonlyArray<string>, index: number): string => own[index + 1] === undefined ? "end" : `${own[index + 1]}Start`

const printDecode = (context: Context, module: Module, packet: PacketPlan, layout: LayoutModel): void => {
  const own = ownSections(context, packet.kind)
  const name = bodyName(packet, layout)
  const lengths = new Map<string, string>()
  const counts = new Map<string, string>()
  const lines: Array<string> = []
  const values: Array<[string, string]> = []
  own.forEach((section, index) => {
    const { fields } = sectionOf(layout, section)
    const read = readFields(fields, {
      module,
      context,
      packet: packet.tag,
      begin: `${section}Start`,
      end: sectionEnd(own, index),
      path: section,
      origin: "at",
      exact: true,
      lengths,
      counts
    })
    lines.push(...read.lines)
    for (const field of fields) {
      const value = read.values.get(field.name)
      if (value !== undefined) values.push([field.name, value])
    }
  })
  const opcode = fieldOf(packet.kind.headers[0]!, "opcode")
  const status = fieldOf(packet.kind.headers[0]!, "statusCode")
  const head = headEntries(context, module, packet.kind).map(([key, value]): readonly [string, string] =>
    status !== undefined && key === status.name
      ? [key, packet.statuses.length === 1 ? hex(packet.statuses[0]!.code, 4) : `${value} as ${statusType(packet)}`]
      : [key, value]
  )
  const entries: ReadonlyArray<readonly [string, string]> = [
    ["_tag", JSON.stringify(packet.tag)],
    ...(opcode === undefined ? [] : [[opcode.name, hex(packet.command.opcode)] as const]),
    ...head,
    ...(layout.name === undefined ? [] : [["layout", JSON.stringify(layout.name)] as const]),
    ...values
  ]
  const body = [...lines, ...returned(literal(entries))]
  module.add({
    kind: "arrow",
    name: `decode${name}`,
    type: signature(context, module, packet, "Decoder", name),
    parameters: parametersOf(context, packet),
    body: [...readerLocals(body), ...body]
  })
}

/** What tells a layout from others. */
export interface LayoutConditions {
  /** Conditions on the lengths of sections, as expressions. */
  readonly lengths: ReadonlyArray<string>
  /** Conditions on constants, as expressions. */
  readonly constants: ReadonlyArray<string>
  /** Lengths that sections of fixed content can have. */
  readonly sizes: ReadonlyMap<string, ReadonlyArray<number>>
  /** Values of constants by their place. */
  readonly values: ReadonlyMap<string, string>
}

/** Conditions under which bytes have a layout: lengths of its fixed sections, and its constants. */
export const layoutConditions = (context: Context, kind: KindModel, layout: LayoutModel): LayoutConditions => {
  const own = ownSections(context, kind)
  const lengths: Array<string> = []
  const constants: Array<string> = []
  const sizes = new Map<string, ReadonlyArray<number>>()
  const values = new Map<string, string>()
  own.forEach((section, index) => {
    const { fields } = sectionOf(layout, section)
    const length = `${sectionEnd(own, index)} - ${section}Start`
    const isFixed = fields.every((field) => context.fixedSize(field.type.kind === "optional" ? field.type.of : field.type) !== undefined)
    if (isFixed) {
      const possible = [...new Set(presences(context, fields).map(({ size }) => size))]
      sizes.set(section, possible)
      // the last section takes what is left; only a layout that fills it exactly is known by it
      if (section !== own.at(-1) || fields.length > 0 && !fields.some((field) => field.type.kind === "optional")) {
        lengths.push(possible.map((size) => `${length} === ${size}`).join(" || "))
      }
    }
    let offset = 0
    for (const field of fields) {
      const size = context.fixedSize(field.type)
      if (field.type.kind === "constant") {
        const at = offset === 0 ? `${section}Start` : `${section}Start + ${offset}`
        const value = integerLiteral(field.type.int, field.type.value)
        const unproven = !isFixed || section === own.at(-1)
        constants.push(
          ...(unproven ? [`${length} >= ${offset + (size ?? 0)}`] : []),
          `${getInt(context.scratch, field.type.int, at, undefined)} === ${value}`
        )
        values.set(`${section}+${offset}`, value)
      }
      if (size === undefined) break
      offset += size
    }
  })
  return { lengths, constants, sizes, values }
}

const wrap = (condition: string): string => condition.includes("||") ? `(${condition})` : condition

const printSelect = (context: Context, module: Module, packet: PacketPlan): void => {
  const own = ownSections(context, packet.kind)
  const args = [...parametersOf(context, packet), ...(packet.needsStates ? [] : ["undefined"])].join(", ")
  const conditions = packet.layouts.map((layout) => ({ layout, ...layoutConditions(context, packet.kind, layout) }))
  // the most specific first, then in the order of the spec
  const ordered = conditions.map((one, index) => ({ ...one, index })).sort((a, b) => b.values.size - a.values.size || a.index - b.index)
  const body: Array<string> = []
  for (const { layout, lengths, constants } of ordered) {
    const condition = [...lengths.map(wrap), ...constants].join(" && ")
    body.push(`if (${condition === "" ? "true" : condition}) return decode${bodyName(packet, layout)}(${args})`)
  }
  const first = own[0]!
  const section =
    own.find((name) =>
      conditions.every((one) => one.sizes.has(name)) && new Set(conditions.flatMap((one) => one.sizes.get(name)!)).size > 1
    ) ??
      own.find((name) => conditions.every((one) => one.sizes.has(name) && one.sizes.get(name)![0] !== 0))
  if (section !== undefined) {
    const sizes = [...new Set(conditions.flatMap((one) => one.sizes.get(section)!))].sort((a, b) => a - b)
    const text = sizes.length === 1 ? `${sizes[0]} bytes` : `${sizes.slice(0, -1).join(", ")} or ${sizes.at(-1)} bytes`
    body.push(
      `const length = ${sectionEnd(own, own.indexOf(section))} - ${section}Start`,
      `if (${sizes.map((size) => `length !== ${size}`).join(" && ")}) return ${
        module.use(codec, "malformed")
      }("Length", "${packet.tag}", "${section}", ${section}Start - at, "${text}", \`\${length} bytes\`)`
    )
  }
  const names = packet.layouts.map((layout) => layout.name).join(", ")
  body.push(
    `return ${
      module.use(codec, "malformed")
    }("UnknownValue", "${packet.tag}", "layout", ${first}Start - at, "one of the layouts ${names}", "something else")`
  )
  module.add({
    kind: "arrow",
    name: `decode${packet.tag}`,
    type: signature(context, module, packet, "Decoder", packet.tag),
    parameters: parametersOf(context, packet),
    body: [...readerLocals(body), ...body]
  })
}

const printEncode = (context: Context, module: Module, packet: PacketPlan): void => {
  const single = packet.layouts.length === 1
  const body = single
    ? encodeLayout(context, module, packet, packet.layouts[0]!)
    : [
      "switch (packet.layout) {",
      ...packet.layouts.flatMap((layout) => [
        `  case "${layout.name}": {`,
        ...encodeLayout(context, module, packet, layout).map((line) => `    ${line}`),
        "    return",
        "  }"
      ]),
      "  default:",
      `    ${module.use(codec, "unencodable")}("Missing", "${packet.tag}", "layout", "one of ${
        packet.layouts.map((layout) => layout.name).join(", ")
      }", String((packet as { readonly layout?: unknown }).layout))`,
      "}"
    ]
  module.add({
    kind: "arrow",
    name: `encode${packet.tag}`,
    type: signature(context, module, packet, "Encoder", packet.tag),
    parameters: ["writer", "packet"],
    body
  })
}

const encodeLayout = (context: Context, module: Module, packet: PacketPlan, layout: LayoutModel): ReadonlyArray<string> => {
  const kind = kindName(packet.kind.name)
  const frame = context.frameModule
  const own = ownSections(context, packet.kind)
  const fields = layout.sections.flatMap((section) => section.fields)
  const bound = boundTerms(module, context, "packet", own.flatMap((section) => sectionOf(layout, section).fields))
  const writer = new FieldWriter({
    module,
    context,
    packet: packet.tag,
    from: "packet",
    all: new Map(fields.map((field) => [field.name, field.type])),
    slots: new Map()
  })
  const starts = own.map((section, index) => {
    const start = index === 0 ? `${section}Start` : writer.mark(`${section}Start`)
    writer.fields(sectionOf(layout, section).fields)
    return start
  })
  const status = fieldOf(packet.kind.headers[0]!, "statusCode")
  const statusArgument = status === undefined ? [] : [`packet.${status.name} ?? ${hex(packet.statuses[0]?.code ?? 0, 4)}`]
  const keyword = writer.lines.some((line) => /^\s*position = /.test(line)) ? "let" : "const"
  const beginLine = `const ${own[0]}Start = ${module.use(frame, `begin${kind}`)}(writer, packet, ${boundText(bound)})`
  return [
    beginLine,
    ...writerLocals(writer.lines),
    `${keyword} position = ${own[0]}Start`,
    ...writer.lines,
    `${module.use(frame, `finish${kind}`)}(writer, packet, "${packet.tag}", ${hex(packet.command.opcode)}, ${
      [...statusArgument, ...starts, writer.end].join(", ")
    })`
  ]
}

/** Prints the choice among a command's outcomes, where it has several. Statuses without one are an error of the kind. */
const printOutcome = (context: Context, module: Module, command: CommandModel): void => {
  const packets = packetsOf(context, command).slice(1)
  const kind = context.model.frame.kinds.find((one) => one.name === command.kinds.response)
  const status = kind === undefined ? undefined : fieldOf(kind.headers[0]!, "statusCode")
  if (kind === undefined || status === undefined || packets.length < 2) return
  const error = `Error${kindName(kind.name)}`
  const frame = context.frameModule
  const needsStates = packets.some((packet) => packet.needsStates)
  const name = `${command.name}Outcome`
  module.add({
    kind: "alias",
    name,
    doc: `What a server answers to \`${command.name}\`.`,
    type: [...packets.map((packet) => packet.tag), module.useType(frame, error)].join(" | ")
  })
  const args = `${decodeArguments(context, kind)}, ${needsStates ? "states" : "undefined"}`
  const body = [
    `switch (${getInt(module, status.int, `at + ${status.offset}`, undefined)}) {`,
    ...packets.flatMap((packet) => [
      ...packet.statuses.map(({ code }) => `case ${hex(code, 4)}:`),
      `return decode${packet.tag}(${args})`
    ]),
    "default:",
    `return ${module.use(frame, `decode${error}`)}(${args})`,
    "}"
  ]
  module.add({
    kind: "arrow",
    name: `decode${name}`,
    type: `${module.useType(frame, `${kindName(kind.name)}Decoder`)}<${name}${
      needsStates ? `, ${module.useType(context.local("States"), "States")}` : ""
    }>`,
    parameters: [...decodeNames(context, kind), ...(needsStates ? ["states"] : [])],
    body: [...readerLocals(body), ...body]
  })
}
