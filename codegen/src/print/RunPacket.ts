/** Prints packets whose header is a run of fields, and the choice of a decoder among them. */
import { type Head, headOf } from "@wirewright/codec/Heads"
import type { FieldModel, KindModel, LayoutModel } from "@wirewright/codec/Model"
import type { Module } from "../Module.ts"
import { hex, local } from "../Names.ts"
import { codec } from "./Codec.ts"
import { type Context, kindName } from "./Context.ts"
import { asksForContent, contentBegins } from "./Customs.ts"
import { readFields, ReadScope } from "./Decode.ts"
import { boundTerms, boundText, FieldWriter, WriteScope } from "./Encode.ts"
import { encodeLines, selectLines } from "./Layouts.ts"
import { numbersOf } from "./Literals.ts"
import { literal, properties, readerLocals, returned, usedParameters, writerLocals } from "./Objects.ts"
import type { PacketPlan } from "./Plans.ts"
import { bodyOf, defaultOf, headFields, keepsUnknown, opcodeField, runNames, runOf } from "./RunFrame.ts"

const fieldsOf = (layout: LayoutModel): ReadonlyArray<FieldModel> => layout.sections.flatMap((section) => section.fields)

const bodyName = ({ tag }: PacketPlan, layout: LayoutModel): string => layout.name === undefined ? tag : `${tag}${layout.name}`

/** Header fields that a command fixes. */
const fixedHeader = ({ command }: PacketPlan): { readonly [field: string]: number } => command.header ?? {}

/** Header fields that are a state of the connection for the packet they stand in. */
const statesInHead = (context: Context, kind: KindModel): ReadonlyArray<string> =>
  headFields(context, kind).map(({ name }) => name).filter((name) => context.model.states.some((state) => state.name === name))

const statesType = (context: Context, module: Module): string => module.useType(context.local("States"), "States")

/** Prints a packet: its type, a decoder and an encoder. */
export const printRunPacket = (context: Context, module: Module, packet: PacketPlan): void => {
  for (const layout of packet.layouts) printInterface(context, module, packet, layout)
  const isNamed = packet.layouts.length > 1 || packet.layouts[0]!.name !== undefined
  if (isNamed) {
    module.add({
      kind: "alias",
      name: packet.tag,
      doc: packet.doc,
      type: packet.layouts.map((layout) => bodyName(packet, layout)).join(" | ")
    })
  }
  for (const layout of packet.layouts) printDecode(context, module, packet, layout)
  if (isNamed) {
    const args = [...runNames(context, packet.kind), ...(packet.needsStates ? ["states"] : [])]
    const decode = (layout: LayoutModel): string => `decode${bodyName(packet, layout)}(${args.join(", ")})`
    const lines = selectLines(context, module, packet, JSON.stringify(packet.tag), decode)
      .map((line) => line.replaceAll(`${bodyOf(context)}Start`, "bodyStart"))
    addDecoder(context, module, packet, packet.tag, lines)
  }
  printEncode(context, module, packet)
}

const printInterface = (context: Context, module: Module, packet: PacketPlan, layout: LayoutModel): void => {
  const head = `${kindName(packet.kind.name)}Head`
  const opcode = opcodeField(packet.kind)
  const fixed = Object.keys(fixedHeader(packet))
  const isAll = headFields(context, packet.kind).length === fixed.length
  const from = isAll ? "" : module.useType(context.frameModule, head)
  module.add({
    kind: "interface",
    name: bodyName(packet, layout),
    doc: layout.name === undefined ? packet.doc : layout.doc ?? packet.doc,
    extends: isAll
      ? []
      : [fixed.length === 0 ? from : `Omit<${from}, ${fixed.map((one) => JSON.stringify(one)).join(" | ")}>`],
    properties: [
      { name: "_tag", type: JSON.stringify(packet.tag) },
      ...(opcode === undefined
        ? []
        : [{ name: opcode.name, type: packet.command.isOpcodeless === true ? "number" : hex(packet.command.opcode) }]),
      ...(layout.name === undefined ? [] : [{ name: "layout", type: JSON.stringify(layout.name) }]),
      ...properties(module, context, fieldsOf(layout))
    ]
  })
}

const addDecoder = (context: Context, module: Module, packet: PacketPlan, name: string, body: ReadonlyArray<string>): void =>
  module.add({
    kind: "arrow",
    name: `decode${name}`,
    type: `${module.useType(context.frameModule, `${kindName(packet.kind.name)}Decoder`)}<${name}${
      packet.needsStates ? `, ${statesType(context, module)}` : ""
    }>`,
    parameters: usedParameters([...runNames(context, packet.kind), ...(packet.needsStates ? ["states"] : [])], [
      ...readerLocals(body),
      ...body
    ]),
    body: [...readerLocals(body), ...body]
  })

const printDecode = (context: Context, module: Module, packet: PacketPlan, layout: LayoutModel): void => {
  const { kind, tag } = packet
  const run = runOf(kind)
  const names = runNames(context, kind)
  const scope = new ReadScope([...names, "view", "states"])
  const head = headFields(context, kind)
  for (const field of head) scope.numbers.set(field.name, local(field.name))
  const fields = fieldsOf(layout)
  const exact = run.end !== "self"
  const read = readFields(fields, {
    module,
    context,
    packet: tag,
    begin: "bodyStart",
    end: "end",
    path: exact ? bodyOf(context) : "",
    origin: "at",
    exact,
    record: "bodyStart",
    scope
  })
  const fixed = fixedHeader(packet)
  const opcode = opcodeField(kind)
  const entries: ReadonlyArray<readonly [string, string]> = [
    ["_tag", JSON.stringify(tag)],
    ...(opcode === undefined
      ? []
      : [[opcode.name, packet.command.isOpcodeless === true ? "opcode" : hex(packet.command.opcode)] as const]),
    ...head.filter(({ name }) => fixed[name] === undefined).map(({ name }) => [name, local(name)] as const),
    ...(layout.name === undefined ? [] : [["layout", JSON.stringify(layout.name)] as const]),
    ...read.values
  ]
  const constants = Object.entries(fixed).map(([name, value]) =>
    `${module.use(codec, "expectConstant")}(${local(name)}, ${value}, "${tag}", "${name}", 0)`
  )
  const own = packet.needsStates ? statesInHead(context, kind) : []
  const lines = [
    ...(own.length === 0 ? [] : [`states = { ...states, ${own.map((name) => `${name}: ${local(name)}`).join(", ")} }`]),
    ...(asksForContent(context) ? ["reader.content = bodyStart"] : []),
    ...constants,
    ...read.lines,
    ...(exact ? [] : [`reader.next = ${read.next}`]),
    ...returned(literal(entries))
  ]
  addDecoder(context, module, packet, bodyName(packet, layout), lines)
}

const printEncode = (context: Context, module: Module, packet: PacketPlan): void => {
  const kind = kindName(packet.kind.name)
  const states = context.writesStates(packet.layouts)
  module.add({
    kind: "arrow",
    name: `encode${packet.tag}`,
    type: `${module.useType(context.frameModule, `${kind}Encoder`)}<${packet.tag}${states ? `, ${statesType(context, module)}` : ""}>`,
    parameters: ["writer", "packet", ...(states ? ["states"] : [])],
    body: encodeLines(module, packet, `"${packet.tag}"`, (layout) => encodeLayout(context, module, packet, layout))
  })
}

/** What other packets without an opcode begin with, where this one may begin so too. */
const headsWithin = (
  context: Context,
  { command, kind }: PacketPlan,
  layout: LayoutModel
): ReadonlyArray<ReadonlyArray<string | number>> => {
  if (opcodeField(kind) !== undefined || runOf(kind).opcodeFrom !== undefined) return []
  const own = headOf(fieldsOf(layout)).text
  return context.model.commands.filter((other) => other.kinds.request === kind.name && other.name !== command.name)
    .flatMap((other) => other.request.map((one) => headOf(fieldsOf(one))))
    .filter(({ text }) => text.length > own.length && text.startsWith(own))
    .map(({ boundary, text }) => [text, ...boundary])
}

const encodeLayout = (context: Context, module: Module, packet: PacketPlan, layout: LayoutModel): ReadonlyArray<string> => {
  const kind = kindName(packet.kind.name)
  const frame = context.frameModule
  const fields = fieldsOf(layout)
  const head = headFields(context, packet.kind)
  const fixed = fixedHeader(packet)
  const scope = new WriteScope([...head, ...fields], [
    "writer",
    "view",
    "bytes",
    "packet",
    "position",
    "states",
    "bodyStart",
    "init",
    "opcode"
  ])
  for (const { name, type } of head) {
    scope.values.set(name, fixed[name] !== undefined ? String(fixed[name]) : defaultOf(type, `packet.${name}`))
  }
  const bound = boundTerms(module, context, "packet", fields)
  const writer = new FieldWriter({ module, context, packet: packet.tag, from: "packet", begin: "bodyStart", scope })
  writer.fields(fields)
  const own = context.writesStates(packet.layouts) ? statesInHead(context, packet.kind) : []
  const init = Object.keys(fixed).length === 0
    ? "packet"
    : `{ ...packet, ${Object.entries(fixed).map(([name, value]) => `${name}: ${value}`).join(", ")} } as const`
  const role = packet.command.isOpcodeless === true ? opcodeField(packet.kind)?.name : undefined
  const opcode = role === undefined ? String(packet.command.opcode) : "opcode"
  const others = context.model.commands.filter(({ isOpcodeless, kinds }) => isOpcodeless !== true && kinds.request === packet.kind.name)
  const chosen = role === undefined ? [] : [
    `const opcode = (packet as { readonly ${role}?: number }).${role} ?? 0`,
    `if ([${others.map((one) => one.opcode).join(", ")}].includes(opcode)) ${
      module.use(codec, "unencodable")
    }("Range", "${packet.tag}", "${role}", "a value that no other packet has", String(opcode))`
  ]
  const named = init === "packet" ? "packet" : "init"
  const heads = headsWithin(context, packet, layout)
  if (heads.length > 0) {
    writer.settle()
    writer.lines.push(`${writer.use("checkHead")}(bytes, bodyStart, position, "${packet.tag}", ${JSON.stringify(heads)})`)
  }
  const keyword = writer.lines.some((line) => /^\s*position \+?= /.test(line)) ? "let" : "const"
  const usesPosition = writer.lines.some((line) => /\bposition\b/.test(line)) || /\bposition\b/.test(writer.end)
  return [
    ...chosen,
    ...(named === "init" ? [`const init = ${init}`] : []),
    `const bodyStart = ${module.use(frame, `begin${kind}`)}(writer, ${named}, ${boundText(bound)})`,
    ...contentBegins(context, "bodyStart"),
    ...(own.length === 0 ? [] : [`states = { ...states, ${own.map((name) => `${name}: ${scope.values.get(name)}`).join(", ")} }`]),
    ...writerLocals(writer.lines),
    ...(usesPosition ? [`${keyword} position = bodyStart`] : []),
    ...writer.lines,
    `${module.use(frame, `finish${kind}`)}(writer, ${named}, "${packet.tag}", ${opcode}, bodyStart, ${writer.end})`
  ]
}

/** Lines that choose the decoder of a packet: by its opcode, or by what it begins with. */
export const runDispatch = (
  context: Context,
  module: Module,
  kind: KindModel,
  packets: ReadonlyArray<PacketPlan>,
  decoder: (packet: PacketPlan) => string
): ReadonlyArray<string> => {
  const name = kindName(kind.name)
  const unknown = (): string | undefined =>
    keepsUnknown(kind)
      ? `return ${module.use(context.frameModule, `decodeUnknown${name}`)}(${runNames(context, kind).join(", ")})`
      : undefined
  const headCase = ({ boundary, packet, text }: Head & { readonly packet: PacketPlan }): string => {
    const stands = numbersOf(Buffer.from(text, "latin1").toString("hex")).map(({ digits, offset, size }) =>
      `reader.view.getUint${size * 8}(bodyStart${offset === 0 ? "" : ` + ${offset}`}) === 0x${digits}`
    )
    const followed = boundary.length === 0
      ? []
      : [`${module.use(codec, "isFollowed")}(reader, bodyStart + ${text.length}, end, ${boundary.join(", ")})`]
    return `if (${[`end - bodyStart >= ${text.length}`, ...stands, ...followed].join(" && ")}) return ${decoder(packet)}`
  }
  const opcode = opcodeField(kind)
  const from = runOf(kind).opcodeFrom
  if (opcode !== undefined || from !== undefined) {
    const rest = packets.find(({ command }) => command.isOpcodeless === true)
    const value = opcode === undefined ? `states.${from}` : "opcode"
    const otherwise = rest !== undefined
      ? `return ${decoder(rest)}`
      : unknown() ??
        `return ${module.use(codec, "malformed")}("UnknownValue", "${name}", "${opcode?.name ?? from}", 0, "an opcode", String(${value}))`
    const byOpcode = new Map<number, Array<PacketPlan>>()
    for (const packet of packets) {
      if (packet !== rest) byOpcode.set(packet.command.opcode, [...byOpcode.get(packet.command.opcode) ?? [], packet])
    }
    return [
      `switch (${value}) {`,
      ...[...byOpcode].flatMap(([code, sharing]) => [
        `case ${hex(code)}:`,
        ...sharing.length === 1
          ? [`return ${decoder(sharing[0]!)}`]
          : [
            ...sharing.flatMap((packet) => packet.layouts.map((layout) => ({ packet, ...headOf(fieldsOf(layout)) }))).map(headCase),
            otherwise
          ]
      ]),
      "default:",
      otherwise,
      "}"
    ]
  }
  if (packets.length === 1 && packets[0]!.layouts.length === 1 && headOf(fieldsOf(packets[0]!.layouts[0]!)).text === "") {
    return [`return ${decoder(packets[0]!)}`]
  }
  const heads = packets.flatMap((packet) => packet.layouts.map((layout) => ({ packet, ...headOf(fieldsOf(layout)) }))).toSorted((a, b) =>
    b.text.length - a.text.length
  )
  const rest = heads.find(({ text }) => text === "")
  const known = heads.filter(({ text }) => text !== "")
  // a byte at a time as far as heads differ; the one that is left is compared whole
  const among = (some: typeof known, depth: number): ReadonlyArray<string> => {
    const longer = some.filter(({ text }) => text.length > depth)
    const whole = some.filter(({ text }) => text.length === depth).map(headCase)
    if (longer.length < 2) return [...longer.map(headCase), ...whole]
    const bytes = [...new Set(longer.map(({ text }) => text.charCodeAt(depth)))].sort((a, b) => a - b)
    if (bytes.length === 1) return [...among(longer, depth + 1), ...whole]
    return [
      `switch (reader.bytes[bodyStart${depth === 0 ? "" : ` + ${depth}`}]) {`,
      ...bytes.flatMap((byte) => [
        `case ${byte}:`,
        ...among(longer.filter(({ text }) => text.charCodeAt(depth) === byte), depth + 1),
        "break"
      ]),
      "}",
      ...whole
    ]
  }
  return [
    ...among(known, 0),
    rest !== undefined
      ? `return ${decoder(rest.packet)}`
      : unknown() ??
        `return ${module.use(codec, "noHead")}(reader, bodyStart, end, "${name}", [${
          known.map(({ text }) => JSON.stringify(text)).join(", ")
        }])`
  ]
}
