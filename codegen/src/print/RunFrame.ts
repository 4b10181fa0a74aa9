/**
 * Prints `Frame.ts` of a protocol whose headers are runs of fields: their sizes vary, their bits are fields, or something else than the
 * header tells where a packet ends. What such a header says is handed to the decoders of packets as arguments.
 */
import type { FieldModel, KindModel, RunModel, TypeModel } from "@wirewright/codec/Model"
import { isBigNumber, numberBytes } from "@wirewright/codec/words/Numbers"
import { flatFields } from "@wirewright/codec/words/Word"
import { bytesOfDigits } from "@wirewright/codec/Hex"
import { Module, type Parameter } from "../Module.ts"
import { lengthOf, local } from "../Names.ts"
import { sizeOfNumber } from "../words/Numbers.ts"
import { codec } from "./Codec.ts"
import { type Context, kindName, shapeName } from "./Context.ts"
import { FieldReader, ReadScope, wantPlaces } from "./Decode.ts"
import { Position } from "./Position.ts"
import { boundText, FieldWriter, WriteScope } from "./Encode.ts"
import { placeParameters } from "./Accessors.ts"
import { fieldOf } from "./HeaderFields.ts"
import { literal, returned, usedParameters } from "./Objects.ts"
import { addCommandType } from "./Roles.ts"
import { addEncoderTypes, rawParameters } from "./Signatures.ts"

/** The header of a kind of packet. */
export const runOf = (kind: KindModel): RunModel => kind.run!

/** The name of the section that packets have. */
export const bodyOf = (context: Context): string => context.model.frame.sections[0] ?? "body"

/** Header fields that packets carry. */
export const headFields = (context: Context, kind: KindModel): ReadonlyArray<FieldModel> =>
  flatFields(runOf(kind).fields).filter((field) => context.isVisible(field.type))

/** The header field that says which command a packet is. */
export const opcodeField = (kind: KindModel): FieldModel | undefined => {
  for (const field of runOf(kind).fields) {
    if (field.type.kind === "opcode") return field
    if (field.type.kind !== "bits") continue
    const bits = field.type.fields.find((one) => one.role === "opcode")
    if (bits !== undefined) return { name: bits.name, type: { kind: "opcode", of: field.type.of } }
  }
  return undefined
}

/** Names of what a decoder of one packet is given, before the connection's states. */
export const runNames = (context: Context, kind: KindModel): ReadonlyArray<string> => [
  "reader",
  "at",
  "bodyStart",
  "end",
  ...(opcodeField(kind) === undefined ? [] : ["opcode"]),
  ...headFields(context, kind).map((field) => local(field.name))
]

const fieldText = (context: Context, module: Module, { type }: FieldModel): string =>
  `${context.typeText(module, type)}${context.isOptional(type) ? " | undefined" : ""}`

const runTypes = (context: Context, module: Module, kind: KindModel): ReadonlyArray<Parameter> => [
  { name: "reader", type: module.useType(codec, "Reader") },
  ...["at", "bodyStart", "end", ...(opcodeField(kind) === undefined ? [] : ["opcode"])].map((name) => ({ name, type: "number" })),
  ...headFields(context, kind).map((field) => ({ name: local(field.name), type: fieldText(context, module, field) }))
]

/** Bytes after the body. */
const trailerSize = (context: Context, kind: KindModel): number =>
  runOf(kind).trailer.reduce((sum, field) => sum + (context.fixedSize(field.type) ?? 0), 0)

/** Prints the module. */
export const printRunFrame = (context: Context): Module => {
  const { frame } = context.model
  const module = new Module("Frame.ts", `The headers of ${context.model.name} packets, and packets that no command describes.`)
  for (const kind of frame.kinds) {
    printHead(context, module, kind)
    printSignatures(context, module, kind)
    printRead(context, module, kind)
    printBegin(context, module, kind)
    printFinish(context, module, kind)
    if (keepsUnknown(kind)) printUnknown(context, module, kind)
    if (runOf(kind).end !== "self") printShape(context, module, kind)
  }
  return module
}

/** Prints how long a frame is, for the framer. */
const printShape = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const plain = plainOf(context, kind)
  if (plain !== undefined) return printPlainShape(context, module, kind, plain)
  const lines = measuringLines(context, module, kind)
  const usesView = lines.some((line) => /\bview\b/.test(line))
  module.add({
    kind: "function",
    name: `measure${name}`,
    doc:
      `Size of the ${kind.name} packet at \`at\`, which may be more than there is. Throws \`DecodeError\`, \`incomplete\` when more bytes ` +
      "are needed to tell.",
    parameters: [{ name: "reader", type: module.useType(codec, "Reader") }, { name: "at", type: "number" }],
    returns: "number",
    body: [
      ...(usesView ? ["const view = reader.view"] : []),
      ...(lines.some((line) => /\bopen\b/.test(line)) ? ["const open = reader.open"] : []),
      ...lines
    ]
  })
  module.add({
    kind: "const",
    name: shapeName(context, kind),
    doc: "How long a frame is, for the framer.",
    type: module.useType(codec, "FrameShape"),
    value: `{ name: "${context.model.frame.name}", maxFrame: ${context.model.frame.maxFrame}, sizeAt: ${
      module.use(codec, "measuring")
    }(measure${name}) }`
  })
}

/** A header of a fixed size that says how long the frame is. */
interface Plain {
  /** Bytes of the header. */
  readonly size: number
  /** Lines after the one that finds it is there: they check it, and say where the frame ends. */
  readonly lines: ReadonlyArray<string>
  /** What they were printed for, and import what they need from. */
  readonly draft: Module
}

/** Such a header, unless more than numbers have to be read for its length. */
const plainOf = (context: Context, kind: KindModel): Plain | undefined => {
  if (runOf(kind).end !== "length") return undefined
  const draft = new Module("Frame.ts", "")
  const [first, ...lines] = measuringLines(context, draft, kind)
  const size = /^expectAtLeast\(open - at, (\d+), "\w+", "header", 0\)$/.exec(first!)?.[1]
  const isPlain = (line: string): boolean =>
    /^(const \w+ = |expect\w+\(|if \(.*\) return |return )/.test(line) && !/\b(open|reader)\b|\n/.test(line)
  return size === undefined || !lines.every(isPlain) ? undefined : { size: Number(size), lines, draft }
}

const printPlainShape = (context: Context, module: Module, kind: KindModel, { draft, lines, size }: Plain): void => {
  const { frame } = context.model
  module.adopt(draft, lines)
  const name = kindName(kind.name)
  module.add({
    kind: "function",
    name: `measure${name}`,
    doc:
      `Size of the ${kind.name} packet at \`at\`, of which the bytes before \`until\` are there; 0 when they are too few to tell. It may be ` +
      "more than there is. Throws `DecodeError`.",
    parameters: [...placeParameters(module), { name: "until", type: "number" }],
    returns: "number",
    body: [`if (until - at < ${size}) return 0`, ...lines]
  })
  module.add({
    kind: "const",
    name: shapeName(context, kind),
    doc: "How long a frame is, for the framer.",
    type: module.useType(codec, "FrameShape"),
    value: `{ name: "${frame.name}", maxFrame: ${frame.maxFrame}, sizeAt: measure${name} }`
  })
}

/** Whether a packet that no command describes can be handed out: it has an opcode, and an end. */
export const keepsUnknown = (kind: KindModel): boolean => runOf(kind).end !== "self"

/** Names of the packets of a kind that no command describes. */
export const rawNames = (kind: KindModel): ReadonlyArray<string> => {
  const name = kindName(kind.name)
  if (kind.run !== undefined) return keepsUnknown(kind) ? [`Unknown${name}`] : []
  return [`Unknown${name}`, ...(fieldOf(kind.headers[0]!, "statusCode") === undefined ? [] : [`Error${name}`])]
}

const printHead = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  module.add({
    kind: "interface",
    name: `${name}Head`,
    doc: `What the header of a ${kind.name} packet says.`,
    properties: headFields(context, kind).map((field) => ({
      name: field.name,
      type: fieldText(context, module, field),
      doc: field.doc,
      optional: context.isOptional(field.type)
    }))
  })
  const needed = headFields(context, kind).filter(({ type }) => !context.isOptional(type) && defaultOf(type, "") === "")
    .map((field) => JSON.stringify(field.name)).join(" | ")
  const init = module.useType(codec, "Init")
  module.add({
    kind: "alias",
    name: `${name}Init`,
    doc: `What a caller ${needed === "" ? "may say" : "says"} of the header; everything else is derived. Default: zero${
      needed === "" ? "" : ", where there is one"
    }`,
    type: needed === "" ? `${init}<${name}Head>` : `${init}<Omit<${name}Head, ${needed}>> & Pick<${name}Head, ${needed}>`
  })
}

const printSignatures = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const opcode = opcodeField(kind)
  const derived = ["_tag", ...(opcode === undefined ? [] : [opcode.name])]
  module.add({
    kind: "alias",
    name: `${name}Decoder<P, S = void>`,
    doc: `Decodes the content of a ${kind.name} packet whose header was read.`,
    type: `(${[...runTypes(context, module, kind).map((one) => `${one.name}: ${one.type}`), "states: S"].join(", ")}) => P`
  })
  addEncoderTypes(module, name, derived)
  addCommandType(context, module, kind)
}

const reserved = [
  "reader",
  "writer",
  "view",
  "bytes",
  "at",
  "open",
  "end",
  "states",
  "opcode",
  "position",
  "bodyStart",
  "bodyEnd",
  "init",
  "packet",
  "length",
  "size",
  "until"
]

/** Reads a header, and prints where the body begins and the packet ends. */
const headerReader = (context: Context, module: Module, kind: KindModel): {
  readonly lines: ReadonlyArray<string>
  readonly scope: ReadScope
  readonly values: ReadonlyMap<string, string>
} => {
  const name = kindName(kind.name)
  const run = runOf(kind)
  const use = (fn: string): string => module.use(codec, fn)
  const scope = new ReadScope(reserved)
  wantPlaces(scope, [...run.fields, ...run.trailer])
  const read = new FieldReader({
    module,
    context,
    packet: name,
    begin: "at",
    end: "open",
    path: run.fields.length === 0 ? "" : "header",
    origin: "at",
    exact: false,
    scope
  }).run(run.fields)
  const trailer = trailerSize(context, kind)
  const lines = [...read.lines, `const bodyStart = ${read.next}`]
  switch (run.end) {
    case "length": {
      const length = scope.lengths.get("")?.value
      const [lengthStart, lengthEnd] = scope.places.get("") ?? ["at", "at"]
      const { from, plus } = lengthRole(context, run)!
      const base = from === "body" ? "bodyStart" : from === "frame" ? "at" : from === "length" ? lengthStart : lengthEnd
      const value = `${base} + ${length}${added(-plus)}`
      lines.push(
        from === "frame" ? `const end = ${value}` : `const bodyEnd = ${value}`,
        from === "frame" ? `const bodyEnd = end${added(-trailer)}` : `const end = bodyEnd${added(trailer)}`,
        limitLine(context, module, kind, "end - at", "length"),
        `if (bodyEnd < bodyStart) return ${use("malformed")}("Length", "${name}", "length", 0, "at least the header", ` +
          "`${bodyEnd - bodyStart} bytes`)"
      )
      break
    }
    case "until": {
      const [a, b] = bytesOfDigits(run.until!)
      const find = run.until === "0d0a"
        ? `${use("findLine")}(reader`
        : b === undefined
        ? `${use("findByte")}(reader, ${a}`
        : `${use("findPair")}(reader, ${a}, ${b}`
      lines.push(
        `const bodyEnd = ${find}, bodyStart, open, at, "${name}", "${bodyOf(context)}")`,
        `const end = bodyEnd + ${run.until!.length / 2}`,
        limitLine(context, module, kind, "end - at", "")
      )
      break
    }
    case "datagram":
      lines.push("const end = reader.bytes.length", `const bodyEnd = end${added(-trailer)}`)
      break
    case "self":
      lines.push("const bodyEnd = open")
  }
  return { lines, scope, values: read.values }
}

const limitLine = (context: Context, module: Module, kind: KindModel, size: string, path: string): string => {
  const { maxFrame } = context.model.frame
  return `${module.use(codec, "expectFrame")}(${size}, ${maxFrame}, "${kindName(kind.name)}", "${path}")`
}

/** Lines that tell the size of a frame from what its header says. */
const measuringLines = (context: Context, module: Module, kind: KindModel): ReadonlyArray<string> => {
  const { lines } = headerReader(context, module, kind)
  // only what the length needs is read
  const kept = [...lines, "return end - at"]
  for (let changed = true; changed;) {
    changed = false
    for (const line of lines) {
      // a value that would be kept, and nobody asks for
      const name = /^let (\w+)/.exec(line)?.[1]
      const mentions = new RegExp(`\\b${name}\\b`)
      const isAssigned = (other: string): boolean => other === line || new RegExp(`^\\s*${name} = (?!.*reader\\b)`).test(other)
      if (name === undefined || !kept.includes(line) || kept.some((other) => mentions.test(other) && !isAssigned(other))) continue
      kept.splice(0, kept.length, ...kept.filter((other) => !mentions.test(other)))
      changed = true
    }
    changed = dropOne(kept) || changed
  }
  return kept
}

/** Drops a constant that nobody asks for. */
const dropOne = (lines: Array<string>): boolean => {
  const at = lines.findIndex((line, i) => {
    const name = /^const (\w+) = (?!reader\.next)/.exec(line)?.[1]
    return name !== undefined && !/\bread\w+\(reader|find\w+\(reader/.test(line) &&
      !lines.some((other, k) => k !== i && new RegExp(`\\b${name}\\b`).test(other))
  })
  if (at !== -1) lines.splice(at, 1)
  return at !== -1
}

const printRead = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const run = runOf(kind)
  const plain = plainOf(context, kind)
  const header = headerReader(context, plain?.draft ?? module, kind)
  const { scope } = header
  const lines = plain === undefined ? [...header.lines] : [
    `const size = measure${name}(reader, at, reader.bytes.length)`,
    `${module.use(codec, "expectWhole")}(size, ${plain.size}, reader.bytes.length - at, "${name}")`,
    ...header.lines.filter((line) => line.startsWith("const ") && !/^const (bodyStart|bodyEnd|end) /.test(line)),
    `const bodyStart = at + ${plain.size}`,
    "const end = at + size",
    `const bodyEnd = end${trailerSize(context, kind) === 0 ? "" : ` - ${trailerSize(context, kind)}`}`
  ]
  if (run.end === "length" && plain === undefined) {
    lines.push(
      `if (end > reader.bytes.length) return ${module.use(codec, "incomplete")}("${name}", "", reader.bytes.length - at, ` +
        "`${end - at} bytes`, `${reader.bytes.length - at} bytes`)"
    )
  }
  const body = bodyOf(context)
  const opcode = opcodeField(kind)
  const args = [
    "reader",
    "at",
    "bodyStart",
    "bodyEnd",
    ...(opcode === undefined ? [] : [scope.numbers.get(opcode.name) ?? "0"]),
    ...headFields(context, kind).map((field) => header.values.get(field.name) ?? "undefined"),
    "states"
  ]
  const reader = new FieldReader({
    module,
    context,
    packet: name,
    begin: run.end === "self" ? "bodyNext" : "bodyEnd",
    end: run.end === "self" ? "open" : "end",
    path: "",
    origin: "at",
    exact: false,
    scope
  }, new Position(run.end === "self" ? "bodyNext" : "bodyEnd"))
  reader.stands(body, "bodyStart", run.end === "self" ? "bodyNext" : "bodyEnd")
  const tail = reader.run(run.trailer)
  if (run.end === "self") {
    lines.push(
      `const packet = decode(${args.join(", ")})`,
      ...(tail.lines.length === 0 ? [] : ["const bodyNext = reader.next", ...tail.lines, `reader.next = ${tail.next}`]),
      limitLine(context, module, kind, "reader.next - at", ""),
      "return packet"
    )
  } else {
    lines.push(
      ...tail.lines,
      `const packet = decode(${args.join(", ")})`,
      "reader.next = end",
      "return packet"
    )
  }
  if (plain !== undefined) {
    while (dropOne(lines));
    module.adopt(plain.draft, lines)
  }
  const usesView = lines.some((line) => /\bview\b/.test(line))
  const usesOpen = lines.some((line) => /\bopen\b/.test(line))
  module.add({
    kind: "function",
    name: `read${name}`,
    doc:
      `Reads and checks the header of the ${kind.name} packet at \`at\` and hands its content to \`decode\`; leaves the offset after the ` +
      "packet in `reader.next`. Throws `DecodeError`, `incomplete` when the buffer ends before the packet does.",
    generics: "<P, S>",
    parameters: [
      { name: "reader", type: module.useType(codec, "Reader") },
      { name: "at", type: "number" },
      { name: "states", type: "S" },
      { name: "decode", type: `${name}Decoder<P, S>` }
    ],
    returns: "P",
    body: [...(usesView ? ["const view = reader.view"] : []), ...(usesOpen ? ["const open = reader.open"] : []), ...lines]
  })
}

/** The header field that says how long a packet is: where it counts from, what is added, and whether its own size varies. */
interface LengthRole {
  readonly name: string
  readonly from: "body" | "frame" | "length" | "field"
  readonly plus: number
  readonly isFixed: boolean
}

/** The length of a header that has one. */
export const lengthRole = (context: Context, run: RunModel): LengthRole | undefined => {
  for (const { name, type } of run.fields) {
    const isFixed = context.fixedSize(type) !== undefined
    if (type.kind === "bodyLength") return { name, from: type.from, plus: type.plus, isFixed }
    if (type.kind !== "bits") continue
    const bits = type.fields.find((one) => one.role === "bodyLength")
    if (bits !== undefined) return { name, from: bits.from ?? "body", plus: bits.plus ?? 0, isFixed }
  }
  return undefined
}

const added = (plus: number): string => plus === 0 ? "" : ` ${plus < 0 ? "-" : "+"} ${Math.abs(plus)}`

/** Room that a header field needs at most as an expression; a length for a body of `bound` bytes. */
const sizeText = (context: Context, module: Module, writer: FieldWriter, { name, type }: FieldModel): string => {
  const fixed = context.fixedSize(type)
  if (fixed !== undefined) return String(fixed)
  if (type.kind === "bodyLength") {
    // one that counts more than the body may take more bytes
    if (type.from !== "body" || type.plus !== 0) return String(numberBytes(type.of))
    return sizeOfNumber(writer, type.of, isBigNumber(type.of) ? "BigInt(bound)" : "bound")
  }
  const length = type.kind === "bits" ? type.fields.find((one) => one.role === "bodyLength" && one.escaped !== undefined) : undefined
  if (type.kind === "bits" && length !== undefined && (length.from ?? "body") === "body" && (length.plus ?? 0) === 0) {
    return sizeOfNumber(writer, { ...length.escaped!, of: type.of }, "bound")
  }
  if (type.kind === "optional") return `(init.${name} === undefined ? 0 : ${sizeText(context, module, writer, { name, type: type.of })})`
  return boundText(context.bound(module, type, writer.value(name)))
}

const writerOf = (context: Context, module: Module, kind: KindModel, from: string, taken: ReadonlyArray<string> = []): FieldWriter => {
  const run = runOf(kind)
  const scope = new WriteScope([...run.fields, ...run.trailer], [...reserved, ...taken])
  for (const field of headFields(context, kind)) {
    scope.values.set(
      field.name,
      context.isOptional(field.type) ? `${from}.${field.name}` : defaultOf(field.type, `${from}.${field.name}`)
    )
  }
  const escaped = run.fields.flatMap(({ type }) => type.kind === "bits" ? type.fields.filter((one) => one.role === "bodyLength") : [])
  for (const { name } of escaped) scope.values.set(name, "length")
  const opcode = opcodeField(kind)
  if (opcode !== undefined) scope.values.set(opcode.name, "opcode")
  return new FieldWriter({ module, context, packet: "#packet", from, begin: "at", scope })
}

/** A header field that may be left out. */
export const defaultOf = (type: TypeModel, value: string): string => {
  switch (type.kind) {
    case "int":
    case "varint":
    case "escaped":
    case "decimal":
      return `(${value} ?? ${isBigNumber(type) ? "0n" : "0"})`
    case "slice":
    case "float":
    case "flags":
    case "enumeration":
      return `(${value} ?? 0)`
    case "bool":
      return `(${value} ?? false)`
    case "utf8":
    case "text":
    case "json":
      return `(${value} ?? "")`
    default:
      return value
  }
}

const printBegin = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const run = runOf(kind)
  const writer = writerOf(context, module, kind, "init")
  const sizes = run.fields.map((field) => sizeText(context, module, writer, field))
  const fixed = sizes.filter((size) => /^\d+$/.test(size)).reduce((sum, size) => sum + Number(size), 0)
  const text = [
    ...(fixed === 0 && sizes.some((size) => !/^\d+$/.test(size)) ? [] : [String(fixed)]),
    ...sizes.filter((size) => !/^\d+$/.test(size))
  ].join(" + ")
  const trailer = trailerSize(context, kind)
  const isFixed = /^\d+$/.test(text)
  const usesInit = /\binit\b/.test(text)
  module.add({
    kind: "function",
    name: `begin${name}`,
    doc: "Makes room for a packet whose body takes at most `bound` bytes; returns where that begins.",
    internal: true,
    parameters: [
      { name: "writer", type: module.useType(codec, "Writer") },
      { name: usesInit ? "init" : "_init", type: `${name}Init` },
      { name: "bound", type: "number" }
    ],
    returns: "number",
    body: isFixed
      ? [`return writer.need(${fixed + trailer} + bound)${fixed === 0 ? "" : ` + ${fixed}`}`]
      : [`const head = ${text}`, `return writer.need(head + bound${trailer === 0 ? "" : ` + ${trailer}`}) + head`]
  })
}

const printFinish = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const run = runOf(kind)
  const { maxFrame } = context.model.frame
  const writer = writerOf(context, module, kind, "init", ["headEnd", "finish"])
  const body = bodyOf(context)
  const trailer = trailerSize(context, kind)
  const isFixed = run.fields.every((field) => context.fixedSize(field.type) !== undefined)
  const lines: Array<string> = []
  const limit = (end: string): string =>
    `if (${end} - at${added(trailer)} > ${maxFrame}) ${module.use(codec, "unencodable")}("Limit", packet, "", ` +
    `"a frame of at most ${maxFrame} bytes", \`\${${end} - at${added(trailer)}} bytes\`)`
  if (run.end === "length") lines.push(...lengthLines(context, module, kind, isFixed))
  if (isFixed) lines.push(limit("bodyEnd"))
  if (run.end === "until") {
    const text = JSON.stringify(String.fromCharCode(...bytesOfDigits(run.until!)))
    lines.push(`${module.use(codec, "checkUntil")}(bytes, bodyStart, bodyEnd, ${text}, packet, "${body}")`)
  }
  writer.fields(run.fields)
  const tail = (at: string): ReadonlyArray<string> => {
    // what the checksums of header and trailer cover may lie in both, so that they share what is known of places
    const rest = writer.child()
    rest.stands(body, isFixed ? "bodyStart" : "headEnd", at)
    if (run.trailer.length === 0 && run.end !== "until") return [...rest.lines, `writer.position = ${at}`]
    rest.fields(run.trailer)
    if (run.end === "until") rest.literal(run.until!)
    if (!isFixed || run.fields.length > 0) return [`position = ${at}`, ...rest.lines, `writer.position = ${rest.end}`]
    return [
      `${rest.lines.some((line) => /^\s*position \+?= /.test(line)) ? "let" : "const"} position = ${at}`,
      ...rest.lines,
      `writer.position = ${rest.end}`
    ]
  }
  if (run.fields.length > 0) lines.push(...writer.lines)
  if (isFixed) lines.push(...tail("bodyEnd"))
  else {
    lines.push(
      `const headEnd = ${writer.end}`,
      `const finish = ${module.use(codec, "slide")}(bytes, bodyStart, bodyEnd, headEnd)`,
      limit("finish"),
      ...tail("finish")
    )
  }
  const text = lines.map((line) => line.replaceAll("\"#packet\"", "packet"))
  const moves = text.some((line) => /^\s*position \+?= /.test(line))
  const usesPosition = text.some((line) => /(?<!\.)\bposition\b/.test(line))
  const locals = [
    ...(text.some((line) => /(?<![.\w])bytes\b/.test(line.replaceAll(/"[^"]*"|`[^`]*`/g, ""))) ? ["bytes"] : []),
    ...(text.some((line) => /\(view,|\bview\./.test(line)) ? ["view"] : []),
    "position: at"
  ]
  const usesAt = text.some((line) => /\bat\b/.test(line)) || usesPosition && run.fields.length > 0
  module.add({
    kind: "function",
    name: `finish${name}`,
    doc: "Writes the header in front of the body and appends the packet.",
    internal: true,
    parameters: [
      { name: "writer", type: module.useType(codec, "Writer") },
      { name: text.some((line) => /\binit\b/.test(line)) ? "init" : "_init", type: `${name}Init` },
      { name: "packet", type: "string" },
      { name: text.some((line) => /\bopcode\b/.test(line)) ? "opcode" : "_opcode", type: "number" },
      { name: text.some((line) => /\bbodyStart\b/.test(line)) ? "bodyStart" : "_bodyStart", type: "number" },
      { name: "bodyEnd", type: "number" }
    ],
    returns: "void",
    body: [
      `const { ${(usesAt ? locals : locals.filter((one) => one !== "position: at")).join(", ")} } = writer`,
      ...(usesPosition && run.fields.length > 0 ? [`${moves ? "let" : "const"} position = at`] : []),
      ...text
    ]
  })
}

/** Lines that tell the length; one that counts header fields of varying size is known when these have been written once. */
const lengthLines = (context: Context, module: Module, kind: KindModel, isFixed: boolean): ReadonlyArray<string> => {
  const run = runOf(kind)
  const { from, name, plus } = lengthRole(context, run)!
  const trailer = trailerSize(context, kind)
  const content = "bodyEnd - bodyStart"
  if (from === "body") return [`const length = ${content}${added(plus)}`]
  if (isFixed && from === "frame") return [`const length = bodyEnd - at${added(trailer + plus)}`]
  const index = run.fields.findIndex((field) => field.name === name)
  const counted = run.fields.slice(from === "frame" ? 0 : from === "length" ? index : index + 1)
  const sizes = counted.map((field) => context.fixedSize(field.type))
  const known = sizes.reduce<number | undefined>((sum, size) => size === undefined || sum === undefined ? undefined : sum + size, 0)
  if (known !== undefined) return [`const length = ${content}${added(known + (from === "frame" ? trailer : 0) + plus)}`]
  const writer = writerOf(context, module, kind, "init")
  const { firsts, lasts, places } = writer
  firsts.clear()
  lasts.clear()
  if (from === "length") firsts.add(name)
  if (from === "field") lasts.add(name)
  writer.fields(run.fields)
  const begin = from === "frame" ? "at" : places.get(name)![from === "length" ? 0 : 1]
  const total = `${content} + ${writer.end} - ${begin}${added((from === "frame" ? trailer : 0) + plus)}`
  return ["let length = 0", "{", "  let position = at", ...writer.lines.map((line) => `  ${line}`), `  length = ${total}`, "}"]
}

const printUnknown = (context: Context, module: Module, kind: KindModel): void => {
  const name = `Unknown${kindName(kind.name)}`
  const opcode = opcodeField(kind)
  const body = bodyOf(context)
  module.add({
    kind: "interface",
    name,
    doc: `A ${kind.name} packet that is not described.`,
    extends: [`${kindName(kind.name)}Head`],
    properties: [
      { name: "_tag", type: JSON.stringify(name) },
      ...(opcode === undefined ? [] : [{ name: opcode.name, type: "number", doc: opcode.doc }]),
      { name: body, type: "Uint8Array", doc: "Its content." }
    ]
  })
  const entries = [
    ["_tag", JSON.stringify(name)] as const,
    ...(opcode === undefined ? [] : [[opcode.name, "opcode"] as const]),
    ...headFields(context, kind).map((field) => [field.name, local(field.name)] as const),
    [body, "reader.slice(bodyStart, end)"] as const
  ]
  module.add({
    kind: "arrow",
    name: `decode${name}`,
    type: `${kindName(kind.name)}Decoder<${name}>`,
    parameters: usedParameters(runNames(context, kind), returned(literal(entries))),
    body: [...returned(literal(entries))]
  })
  module.add({
    kind: "function",
    name: `encode${name}`,
    doc: "Appends the packet to a writer. Throws `EncodeError` and then leaves the writer as it was.",
    parameters: rawParameters(module, kindName(kind.name), name, [...(opcode === undefined ? [] : [opcode.name]), body]),
    returns: "void",
    body: [
      `const bodyStart = begin${kindName(kind.name)}(writer, packet, ${lengthOf(module, `packet.${body}`)})`,
      `const end = ${module.use(codec, "putBytes")}(writer.bytes, bodyStart, packet.${body}, "${name}", "${body}")`,
      `finish${kindName(kind.name)}(writer, packet, "${name}", ${opcode === undefined ? "0" : `packet.${opcode.name}`}, bodyStart, end)`
    ]
  })
}
