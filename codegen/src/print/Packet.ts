/**
 * Prints packets: a type, a decoder and an encoder each. What packets of one module have in common beyond their tags and opcodes is printed
 * once, as a shape; packets that are all header have theirs with the frame.
 */
import type { LayoutModel } from "@wirewright/codec/Model"
import type { Declaration, Module } from "../Module.ts"
import { hex } from "../Names.ts"
import { codec } from "./Codec.ts"
import { type Context, kindName } from "./Context.ts"
import { readFields, ReadScope } from "./Decode.ts"
import { boundTerms, boundText, FieldWriter, WriteScope } from "./Encode.ts"
import { decodeNames, decodeTypes, headEntries, passedNames } from "./Frame.ts"
import { fieldOf, ownSections } from "./HeaderFields.ts"
import { encodeLines, selectLines } from "./Layouts.ts"
import { literal, properties, readerLocals, returned, writerLocals } from "./Objects.ts"
import { type PacketPlan, sectionEnd, sectionOf } from "./Plans.ts"

/** What is printed: one packet, whose tag, opcode and status are literals, or a shape, whose are parameters. */
interface Subject {
  readonly packet: PacketPlan
  readonly name: string
  readonly doc: string | undefined
  readonly shared: boolean
  /** Tag, opcode and status as expressions, and as types. */
  readonly tag: string
  readonly opcode: string
  readonly status: string
  readonly tagType: string
  readonly opcodeType: string
  readonly statusType: string
}

/** What stands for the name of a packet in texts that are quoted, when it is a parameter. */
const placeholder = "#tag"

const withTag = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.map((line) => line.replaceAll(JSON.stringify(placeholder), "tag"))

const opcodeOf = ({ kind }: PacketPlan) => fieldOf(kind.headers[0]!, "opcode")
const statusOf = ({ kind, statuses }: PacketPlan) => statuses.length === 0 ? undefined : fieldOf(kind.headers[0]!, "statusCode")

const single = (packet: PacketPlan): Subject => {
  const tag = JSON.stringify(packet.tag)
  const opcode = hex(packet.command.opcode)
  return {
    packet,
    name: packet.tag,
    doc: packet.doc,
    shared: false,
    tag,
    opcode,
    status: hex(packet.statuses[0]?.code ?? 0, 4),
    tagType: tag,
    opcodeType: opcode,
    statusType: statusType(packet)
  }
}

const statusType = ({ statuses }: PacketPlan): string => statuses.map(({ code }) => hex(code, 4)).join(" | ")

/** Packets with the same key differ in tag, opcode and status alone. */
export const shapeKey = (packet: PacketPlan): string =>
  isEmpty(packet) ? packet.tag : JSON.stringify([packet.kind.name, packet.layouts, statusOf(packet) === undefined])

/** Whether a packet is its header alone. */
const isEmpty = ({ layouts }: PacketPlan): boolean =>
  layouts.length === 1 && layouts[0]!.name === undefined && layouts[0]!.sections.every(({ fields }) => fields.length === 0)

const isNamed = ({ layouts }: PacketPlan): boolean => layouts.length > 1 || layouts[0]!.name !== undefined

/** Names that a packet's module exports for it, as an export statement says them. */
export const namesOf = (packet: PacketPlan): ReadonlyArray<string> => {
  const layouts = isNamed(packet) ? packet.layouts.map((layout) => `${packet.tag}${layout.name}`) : []
  return [
    `decode${packet.tag}`,
    ...layouts.map((name) => `decode${name}`),
    `encode${packet.tag}`,
    `type ${packet.tag}`,
    ...layouts.map((name) => `type ${name}`)
  ]
}

/** Prints a packet that looks like no other of its module. */
export const printPacket = (context: Context, module: Module, packet: PacketPlan): void => {
  if (isEmpty(packet)) printAlike(context, module, packet, `Empty${kindName(packet.kind.name)}`, context.frameModule)
  else printSubject(context, module, single(packet))
}

/** Prints what several packets have in common. */
export const printShape = (context: Context, module: Module, [packet, ...others]: ReadonlyArray<PacketPlan>, name: string): void => {
  const tags = [packet!, ...others].map(({ tag }) => `\`${tag}\``)
  printSubject(context, module, {
    packet: packet!,
    name,
    doc: `What ${tags.slice(0, -1).join(", ")} and ${tags.at(-1)} have in common.`,
    shared: true,
    tag: "tag",
    opcode: "opcode",
    status: "status",
    tagType: "Tag",
    opcodeType: "Opcode",
    statusType: "Status"
  })
}

const printSubject = (context: Context, module: Module, subject: Subject): void => {
  const { packet } = subject
  for (const layout of packet.layouts) printInterface(context, module, subject, layout)
  if (isNamed(packet)) {
    module.add({
      kind: "alias",
      name: `${subject.name}${generics(subject)}`,
      doc: subject.doc,
      type: packet.layouts.map((layout) => `${bodyName(subject, layout)}${generics(subject, true)}`).join(" | ")
    })
  }
  for (const layout of packet.layouts) printDecode(context, module, subject, layout)
  if (isNamed(packet)) printSelect(context, module, subject)
  printEncode(context, module, subject)
}

const bodyName = ({ name }: Subject, layout: LayoutModel): string => layout.name === undefined ? name : `${name}${layout.name}`

/** Type parameters of a shape, with their bounds or as arguments. */
const generics = ({ packet, shared }: Subject, asArguments = false): string => {
  const names = [
    ["Tag", "string"],
    ...(opcodeOf(packet) === undefined ? [] : [["Opcode", "number"]]),
    ...(statusOf(packet) === undefined ? [] : [["Status", "number"]])
  ]
  return shared ? `<${names.map(([name, bound]) => asArguments ? name : `${name} extends ${bound}`).join(", ")}>` : ""
}

/** A function type of a packet's kind, such as `RequestDecoder<Get>`. */
const signature = (context: Context, module: Module, packet: PacketPlan, word: "Decoder" | "Encoder", name: string): string =>
  `${module.useType(context.frameModule, `${kindName(packet.kind.name)}${word}`)}<${name}${
    (word === "Decoder" ? packet.needsStates : context.writesStates(packet.layouts))
      ? `, ${module.useType(context.local("States"), "States")}`
      : ""
  }>`

/** Parameters of a decoder as far as its body needs them. */
const parametersOf = (context: Context, packet: PacketPlan): ReadonlyArray<string> => [
  ...decodeNames(context, packet.kind),
  ...(packet.needsStates ? ["states"] : [])
]

/** Prints a packet as an instance of a shape: its type, and calls of the shape's functions. */
export const printAlike = (context: Context, module: Module, packet: PacketPlan, shape: string, from?: string): void => {
  const { name, opcode, opcodeType, status, statusType, tag, tagType } = single(packet)
  const use = (prefix: string): string => from === undefined ? `${prefix}${shape}` : module.use(from, `${prefix}${shape}`)
  const opcodes = opcodeOf(packet) === undefined ? [] : [opcode]
  const statuses = statusOf(packet) === undefined ? [] : [status]
  const types = [tagType, ...opcodes.map(() => opcodeType), ...statuses.map(() => statusType)]
  module.add({
    kind: "alias",
    name,
    doc: packet.doc,
    type: `${from === undefined ? shape : module.useType(from, shape)}<${types.join(", ")}>`
  })
  const parameters = [...passedNames(context, packet.kind), ...(packet.needsStates ? ["states"] : [])]
  const states = context.writesStates(packet.layouts) ? ["states"] : []
  module.add({
    kind: "arrow",
    name: `decode${name}`,
    type: signature(context, module, packet, "Decoder", name),
    parameters,
    body: `${use("decode")}(${[...parameters, tag, ...opcodes].join(", ")})`
  })
  module.add({
    kind: "arrow",
    name: `encode${name}`,
    type: signature(context, module, packet, "Encoder", name),
    parameters: ["writer", "packet", ...states],
    body: `${use("encode")}(${["writer", "packet", ...states, tag, opcode, ...statuses].join(", ")})`
  })
}

const printInterface = (context: Context, module: Module, subject: Subject, layout: LayoutModel): void => {
  const { packet } = subject
  const [opcode, status] = [opcodeOf(packet), statusOf(packet)]
  module.add({
    kind: "interface",
    name: `${bodyName(subject, layout)}${generics(subject)}`,
    doc: layout.name === undefined ? subject.doc : layout.doc ?? subject.doc,
    extends: [module.useType(context.frameModule, `${kindName(packet.kind.name)}Head`)],
    properties: [
      { name: "_tag", type: subject.tagType },
      ...(opcode === undefined ? [] : [{ name: opcode.name, type: subject.opcodeType }]),
      ...(status === undefined ? [] : [{
        name: status.name,
        type: subject.statusType,
        ...(packet.statuses.length === 1 || subject.shared ? {} : { doc: packet.statuses.map(({ name }) => name).join(", ") })
      }]),
      ...(layout.name === undefined ? [] : [{ name: "layout", type: JSON.stringify(layout.name) }]),
      ...properties(module, context, layout.sections.flatMap((section) => section.fields))
    ]
  })
}

/** Adds a decoder: a constant of its kind's type, or for a shape a function that is also given tag and opcode. */
const addDecoder = (context: Context, module: Module, subject: Subject, name: string, body: ReadonlyArray<string>): void => {
  const { packet, shared } = subject
  const lines = [...readerLocals(body), ...body]
  const declaration: Declaration = shared
    ? {
      kind: "function",
      name: `decode${name}`,
      generics: generics(subject),
      parameters: [
        ...decodeTypes(context, module, packet.kind),
        ...(packet.needsStates ? [{ name: "states", type: module.useType(context.local("States"), "States") }] : []),
        { name: "tag", type: "Tag" },
        ...(opcodeOf(packet) === undefined ? [] : [{ name: "opcode", type: "Opcode" }])
      ],
      returns: `${name}${generics(subject, true)}`,
      body: lines
    }
    : {
      kind: "arrow",
      name: `decode${name}`,
      type: signature(context, module, packet, "Decoder", name),
      parameters: parametersOf(context, packet),
      body: lines
    }
  module.add(declaration)
}

const printDecode = (context: Context, module: Module, subject: Subject, layout: LayoutModel): void => {
  const { packet, shared } = subject
  const own = ownSections(context, packet.kind)
  const scope = new ReadScope(["reader", "view", "at", "end", "states", "tag", "opcode", ...own.map((section) => `${section}Start`)])
  const lines: Array<string> = []
  const values: Array<readonly [string, string]> = []
  own.forEach((section, index) => {
    const { fields } = sectionOf(layout, section)
    const read = readFields(fields, {
      module,
      context,
      packet: shared ? placeholder : packet.tag,
      begin: `${section}Start`,
      end: sectionEnd(own, index),
      path: section,
      origin: "at",
      exact: true,
      scope
    })
    lines.push(...read.lines)
    values.push(...read.values)
  })
  const [opcode, status] = [opcodeOf(packet), statusOf(packet)]
  const entries: ReadonlyArray<readonly [string, string]> = [
    ["_tag", subject.tag],
    ...(opcode === undefined ? [] : [[opcode.name, subject.opcode] as const]),
    ...headEntries(context, module, packet.kind).map(([key, value]): readonly [string, string] =>
      key !== status?.name
        ? [key, value]
        : [key, shared || packet.statuses.length > 1 ? `${value} as ${subject.statusType}` : subject.status]
    ),
    ...(layout.name === undefined ? [] : [["layout", JSON.stringify(layout.name)] as const]),
    ...values
  ]
  addDecoder(context, module, subject, bodyName(subject, layout), withTag([...lines, ...returned(literal(entries))]))
}

const printSelect = (context: Context, module: Module, subject: Subject): void => {
  const { packet, shared } = subject
  const args = shared
    ? [...parametersOf(context, packet), "tag", ...(opcodeOf(packet) === undefined ? [] : ["opcode"])]
    : parametersOf(context, packet)
  const decode = (layout: LayoutModel): string => `decode${bodyName(subject, layout)}(${args.join(", ")})`
  addDecoder(context, module, subject, subject.name, selectLines(context, module, packet, subject.tag, decode))
}

const printEncode = (context: Context, module: Module, subject: Subject): void => {
  const { name, packet, shared, tag } = subject
  const body = withTag(encodeLines(module, packet, tag, (layout) => encodeLayout(context, module, subject, layout)))
  const states = context.writesStates(packet.layouts)
  if (!shared) {
    module.add({
      kind: "arrow",
      name: `encode${name}`,
      type: signature(context, module, packet, "Encoder", name),
      parameters: ["writer", "packet", ...(states ? ["states"] : [])],
      body
    })
    return
  }
  const kind = kindName(packet.kind.name)
  const frame = context.frameModule
  const bounds = ["string", ...(opcodeOf(packet) === undefined ? [] : ["number"]), ...(statusOf(packet) === undefined ? [] : ["number"])]
  module.add({
    kind: "function",
    name: `encode${name}`,
    parameters: [
      { name: "writer", type: module.useType(codec, "Writer") },
      {
        name: "packet",
        type: `${module.useType(frame, `${kind}Init`)} & ${module.useType(frame, `${kind}Fields`)}<${name}<${bounds.join(", ")}>>`
      },
      ...(states ? [{ name: "states", type: module.useType(context.local("States"), "States") }] : []),
      { name: "tag", type: "string" },
      { name: "opcode", type: "number" },
      ...(statusOf(packet) === undefined ? [] : [{ name: "status", type: "number" }])
    ],
    returns: "void",
    body
  })
}

const encodeLayout = (context: Context, module: Module, subject: Subject, layout: LayoutModel): ReadonlyArray<string> => {
  const { packet, shared } = subject
  const kind = kindName(packet.kind.name)
  const frame = context.frameModule
  const own = ownSections(context, packet.kind)
  const fields = layout.sections.flatMap((section) => section.fields)
  const bound = boundTerms(module, context, "packet", own.flatMap((section) => sectionOf(layout, section).fields))
  const writer = new FieldWriter({
    module,
    context,
    packet: shared ? placeholder : packet.tag,
    from: "packet",
    begin: `${own[0]}Start`,
    scope: new WriteScope(fields, ["writer", "view", "bytes", "packet", "position", "states", "tag", "opcode"])
  })
  const starts = own.map((section, index) => {
    const start = index === 0 ? `${section}Start` : writer.mark(`${section}Start`)
    writer.fields(sectionOf(layout, section).fields)
    return start
  })
  const status = fieldOf(packet.kind.headers[0]!, "statusCode")
  const statusArgument = status === undefined ? [] : [`packet.${status.name} ?? ${subject.status}`]
  const keyword = writer.lines.some((line) => /^\s*position \+?= /.test(line)) ? "let" : "const"
  return [
    `const ${own[0]}Start = ${module.use(frame, `begin${kind}`)}(writer, packet, ${boundText(bound)})`,
    ...writerLocals(writer.lines),
    `${keyword} position = ${own[0]}Start`,
    ...writer.lines,
    `${module.use(frame, `finish${kind}`)}(writer, packet, ${subject.tag}, ${subject.opcode}, ${
      [...statusArgument, ...starts, writer.end].join(", ")
    })`
  ]
}
