/** Prints `Frame.ts` of a root protocol: headers, the frame's shape, and packets that no command describes. */
import type { HeaderFieldModel, HeaderModel, KindModel } from "@wirewright/codec/Model"
import { Module, type Parameter, type Property } from "../Module.ts"
import { hex, intSize, lengthOf } from "../Names.ts"
import { placeParameters, printAccessors } from "./Accessors.ts"
import { codec } from "./Codec.ts"
import { type Context, kindName } from "./Context.ts"
import { getInt } from "./Decode.ts"
import { headerLines } from "./Header.ts"
import { fieldOf, headerSizeOf, ownSections, type VisibleField, visibleFields } from "./HeaderFields.ts"
import { literal, readerLocals, returned } from "./Objects.ts"
import { addCommandType, printHeaderReader } from "./Roles.ts"
import { addEncoderTypes, rawParameters } from "./Signatures.ts"

const typeOf = (context: Context, module: Module, field: VisibleField): string =>
  field.role === "field" ? context.typeText(module, field.type) : intSize(field.int) === 8 ? "bigint" : "number"

const kindWords: { readonly [kind: string]: string } = {
  request: "a request",
  response: "a response",
  serverRequest: "a request of the server",
  serverResponse: "a response to the server"
}

/** Prints the module. */
export const printFrame = (context: Context): Module => {
  const { frame } = context.model
  const module = new Module("Frame.ts", `The header of ${context.model.name} packets, and packets that no command describes.`)
  printShape(context, module)
  for (const kind of frame.kinds) {
    printHead(context, module, kind)
    printBegin(context, module, kind)
    printFinish(context, module, kind)
    printSignatures(context, module, kind)
    printRead(context, module, kind)
    printEmpty(context, module, kind)
    printRaw(context, module, kind, "Unknown", `An opcode nobody described, as it stood in ${kindWords[kind.name] ?? "a packet"}.`)
    if (fieldOf(kind.headers[0]!, "statusCode") !== undefined) {
      printRaw(
        context,
        module,
        kind,
        "Error",
        "A response with a status the command has no content for: its sections as they stood on the wire."
      )
    }
  }
  printHeaderReader(context, module)
  return module
}

const printShape = (context: Context, module: Module): void => {
  const { frame } = context.model
  const headers = frame.kinds.flatMap((kind) => kind.headers)
  const length = fieldOf(headers[0]!, "bodyLength")!
  const smallest = Math.min(...headers.map(({ size }) => size))
  const magics = [...new Set(headers.flatMap((header) => header.magic === undefined ? [] : [header.magic]))]
  module.add({
    kind: "const",
    name: "frameShape",
    doc: "How long a frame is, for the framer.",
    type: module.useType(codec, "HeaderShape"),
    value: `{
  name: "${frame.name}",
  headerSize: ${smallest},
  lengthOffset: ${length.offset},
  lengthWidth: ${intSize(length.int)},
  lengthIncludesHeader: ${length.includesHeader},
  magics: [${magics.map((magic) => hex(magic)).join(", ")}],
  maxFrame: ${frame.maxFrame},
  sizeAt: ({ view }, at, end) => {
    ${sizeLines(module, frame.name, headers, length, magics).join("\n")}
  }
}`
  })
  const differ = headers.some(({ size }) => size !== smallest)
  const doc = differ ? "Bytes of the smallest header." : "Bytes of a header."
  module.add({ kind: "const", name: "headerSize", doc, value: String(smallest) })
  printKinds(context, module)
  printAccessors(context, module)
}

/** How long the frame at `at` is, as `headerShape` of the runtime finds it, for these headers alone. */
const sizeLines = (
  module: Module,
  name: string,
  headers: ReadonlyArray<HeaderModel>,
  length: HeaderFieldModel & { readonly role: "bodyLength" },
  magics: ReadonlyArray<number>
): ReadonlyArray<string> => {
  const read = getInt(module, length.int, length.offset === 0 ? "at" : `at + ${length.offset}`, undefined)
  const checked = magics.length === 0 ? [] : [
    "const magic = view.getUint8(at)",
    `${module.use(codec, "expectMagic")}(${magics.map((magic) => `magic === ${hex(magic)}`).join(" || ")}, magic, "one of ${
      magics.map((magic) => hex(magic)).join(", ")
    }", "${name}")`
  ]
  const written = headerSizeOf(headers, "magic")
  const isOne = /^\d+$/.test(written)
  const headerSize = isOne ? written : "headerSize"
  if (!isOne) checked.push(`const headerSize = ${written.slice(1, -1)}`)
  if (!length.includesHeader) return [...checked, `return end - at < ${headerSize} ? 0 : ${headerSize} + ${read}`]
  return [
    ...checked,
    `if (end - at < ${headerSize}) return 0`,
    `const size = ${read}`,
    `${module.use(codec, "expectHeader")}(size, ${headerSize}, "${name}", ${length.offset})`,
    "return size"
  ]
}

/** Prints the kinds of packet and their magics, where every kind has some. */
const printKinds = (context: Context, module: Module): void => {
  const { kinds } = context.model.frame
  const magic = fieldOf(kinds[0]!.headers[0]!, "magic")
  if (magic === undefined || kinds.some(({ headers }) => headers.some((header) => header.magic === undefined))) return
  module.add({ kind: "alias", name: "Kind", doc: "Kinds of packet.", type: kinds.map((kind) => JSON.stringify(kind.name)).join(" | ") })
  module.add({
    kind: "const",
    name: "magics",
    doc: "First bytes of packets by kind; the first of several is that of the plainest header.",
    value: `{ ${
      kinds.map(({ headers, name }) => `${name}: [${headers.map((header) => hex(header.magic!)).join(", ")}]`).join(", ")
    } } as const`
  })
  module.add({
    kind: "function",
    name: "kindAt",
    doc: "Kind of the frame at `at`, or nothing when its magic is none of ours.",
    parameters: placeParameters(module),
    returns: "Kind | undefined",
    body: [
      `switch (${getInt(module, magic.int, `at + ${magic.offset}`, undefined).replace(" + 0", "")}) {`,
      ...kinds.flatMap((kind) => [...kind.headers.map((header) => `case ${hex(header.magic!)}:`), `return "${kind.name}"`]),
      "default:",
      "return undefined",
      "}"
    ]
  })
}

const headProperties = (context: Context, module: Module, kind: KindModel): ReadonlyArray<Property> => [
  ...visibleFields(kind).map((field) => ({ name: field.name, type: typeOf(context, module, field), doc: field.doc })),
  ...kind.shared.map(({ section, ref }) => ({
    name: section,
    type: `ReadonlyArray<${module.useType(context.from(ref), ref)}>`,
    doc: context.named(ref).doc
  }))
]

const printHead = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const head = headProperties(context, module, kind)
  module.add({
    kind: "interface",
    name: `${name}Head`,
    doc: `What the header says of ${kindWords[kind.name] ?? `a ${kind.name}`}.`,
    properties: head
  })
  module.add({
    kind: "alias",
    name: `${name}Init`,
    doc: `What a caller may say of the header; everything else is derived.`,
    type: `${module.useType(codec, "Init")}<${name}Head>`
  })
}

/** Prints how room is made and where the sections of a command begin. */
const printBegin = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const size = kind.headers[0]!.size
  const body = kind.shared.length === 0
    ? [`return writer.need(${size} + bound) + ${size}`]
    : kind.shared.flatMap(({ section, ref }) => {
      const writeOne = module.use(context.from(ref), `write${ref}`)
      const boundOne = module.use(context.from(ref), `bound${ref}`)
      return [
        `const ${section} = init.${section}`,
        `if (${section} === undefined || ${section}?.length === 0) return writer.need(${size} + bound) + ${size}`,
        `const at = writer.need(${size} + bound + ${module.use(codec, "boundElements")}(${section}, ${boundOne}))`,
        `return ${module.use(codec, "writeElements")}(writer, at + ${size}, ${section}, "${name}", "${section}", Infinity, ${writeOne})`
      ]
    })
  module.add({
    kind: "function",
    name: `begin${name}`,
    doc: "Makes room for a packet whose sections take at most `bound` bytes; returns where they begin.",
    internal: true,
    parameters: [
      { name: "writer", type: module.useType(codec, "Writer") },
      { name: kind.shared.length === 0 ? "_init" : "init", type: `${name}Init` },
      { name: "bound", type: "number" }
    ],
    returns: "number",
    body
  })
}

/** Prints how the header is written once all sections are. */
const printFinish = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const sections = context.model.frame.sections
  const own = ownSections(context, kind)
  const starts = own.map((section) => `${section}Start`)
  const put = (field: HeaderFieldModel, value: string, path: string): string =>
    `${module.use(codec, `put${field.int.toUpperCase()}`)}(view, at${
      field.offset === 0 ? "" : ` + ${field.offset}`
    }, ${value}, packet, "${path}")`
  const first = kind.headers[0]!
  const sharedLengths = kind.shared.map(({ section }, index) => {
    const from = index === 0 ? `at - ${first.size}` : `${kind.shared[index - 1]!.section}Start`
    return { section, expression: `${index === kind.shared.length - 1 ? starts[0] ?? "end" : `${section}Start`} - ${from}` }
  })
  const lengthOf = (section: string): string => {
    const shared = sharedLengths.find((one) => one.section === section)
    if (shared !== undefined) return `${section}Length`
    const index = own.indexOf(section)
    return `${starts[index + 1] ?? "end"} - ${starts[index]}`
  }
  const common = (field: HeaderFieldModel): boolean =>
    kind.headers.every((header) => JSON.stringify(header.fields.find((one) => one.name === field.name)) === JSON.stringify(field)) &&
    field.role !== "magic"
  const write = (field: HeaderFieldModel): string => {
    switch (field.role) {
      case "opcode":
        return put(field, "opcode", field.name)
      case "bodyLength":
        return put(field, field.includesHeader ? "end - at" : `end - at - ${first.size}`, field.name)
      case "sectionLength":
        return put(field, lengthOf(field.section), field.section)
      case "statusCode":
        return put(field, "status", field.name)
      case "magic":
        return put(field, "magic", field.name)
      default:
        return field.type.kind === "reserved" && field.type.policy !== "keep"
          ? put(field, "0", field.name)
          : put(field, `init.${field.name} ?? ${intSize(field.int) === 8 ? "0n" : "0"}`, field.name)
    }
  }
  const hasStatus = fieldOf(first, "statusCode") !== undefined
  const body = [
    "const { view, position: at } = writer",
    ...sharedLengths.map(({ section, expression }) => `const ${section}Length = ${expression}`),
    `if (end - at > ${context.model.frame.maxFrame}) ${
      module.use(codec, "unencodable")
    }("Limit", packet, "", "a frame of at most ${context.model.frame.maxFrame} bytes", \`\${end - at} bytes\`)`
  ]
  if (kind.headers.length === 1) {
    if (first.magic !== undefined && fieldOf(first, "magic") !== undefined) body.push(`const magic = init.magic ?? ${hex(first.magic)}`)
    body.push(...first.fields.map(write))
  } else {
    const needs = (header: HeaderModel): ReadonlyArray<string> =>
      sections.slice(0, -1).filter((section) => !header.fields.some((field) => field.role === "sectionLength" && field.section === section))
    const pick = kind.headers.slice(0, -1).reduceRight(
      (otherwise, header) =>
        `${needs(header).map((section) => `${lengthOf(section)} === 0`).join(" && ")} ? ${hex(header.magic!)} : ${otherwise}`,
      hex(kind.headers.at(-1)!.magic!)
    )
    body.push(`const magic = init.magic ?? (${pick})`, "switch (magic) {")
    for (const header of kind.headers) {
      body.push(`  case ${hex(header.magic!)}:`)
      for (const section of needs(header)) {
        body.push(
          `    if (${lengthOf(section)} !== 0) ${module.use(codec, "unencodable")}("Length", packet, "${section}", "none with magic ${
            hex(header.magic!)
          }", \`\${${lengthOf(section)}} bytes\`)`
        )
      }
      body.push(
        ...header.fields.filter((field) => !common(field) && field.role !== "magic").map((field) => `    ${write(field)}`),
        "    break"
      )
    }
    body.push(
      "  default:",
      `    ${module.use(codec, "unencodable")}("Range", packet, "magic", "${
        kind.headers.map((header) => hex(header.magic!)).join(" or ")
      }", String(magic))`,
      "}"
    )
    const magic = fieldOf(first, "magic")
    if (magic !== undefined) body.push(write(magic))
    body.push(...first.fields.filter(common).map(write))
  }
  body.push("writer.position = end")
  module.add({
    kind: "function",
    name: `finish${name}`,
    doc: "Writes the header in front of the sections and appends the packet.",
    internal: true,
    parameters: [
      { name: "writer", type: module.useType(codec, "Writer") },
      { name: "init", type: `${name}Init` },
      { name: "packet", type: "string" },
      { name: "opcode", type: "number" },
      ...(hasStatus ? [{ name: "status", type: "number" }] : []),
      ...starts.map((start) => ({ name: start, type: "number" })),
      { name: "end", type: "number" }
    ],
    returns: "void",
    body: body.map((line) => line.replaceAll("init.magic ??", fieldOf(first, "magic") === undefined ? "undefined ??" : "init.magic ??"))
  })
}

/** Entries of a packet literal that come from the header. */
export const headEntries = (context: Context, module: Module, kind: KindModel): ReadonlyArray<readonly [string, string]> => [
  ...visibleFields(kind).map((
    field
  ): readonly [string, string] => [field.name, getInt(module, field.int, field.offset === 0 ? "at" : `at + ${field.offset}`, undefined)]),
  ...kind.shared.map(({ section }): readonly [string, string] => [section, section])
]

/** Names of what a decoder of one packet is given, before the connection's states. */
export const decodeNames = (context: Context, kind: KindModel): ReadonlyArray<string> => [
  "reader",
  "at",
  ...ownSections(context, kind).map((section) => `${section}Start`),
  "end",
  ...kind.shared.map(({ section }) => section)
]

/** The same for functions that only pass them on: a section's start is called like the section. */
export const passedNames = (context: Context, kind: KindModel): ReadonlyArray<string> =>
  decodeNames(context, kind).map((name) => name.replace(/Start$/, ""))

/** Arguments in the order of `decodeNames`. */
export const decodeArguments = (context: Context, kind: KindModel): string => decodeNames(context, kind).join(", ")

/** Parameters in the order of `decodeNames`. */
export const decodeTypes = (context: Context, module: Module, kind: KindModel): ReadonlyArray<Parameter> => [
  { name: "reader", type: module.useType(codec, "Reader") },
  ...["at", ...ownSections(context, kind).map((section) => `${section}Start`), "end"].map((name) => ({ name, type: "number" })),
  ...kind.shared.map(({ section, ref }) => ({ name: section, type: `ReadonlyArray<${module.useType(context.from(ref), ref)}>` }))
]

/** Prints the function types of a kind's decoders and encoders. */
const printSignatures = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const [opcode, status] = [fieldOf(kind.headers[0]!, "opcode"), fieldOf(kind.headers[0]!, "statusCode")]
  const parameters = decodeTypes(context, module, kind).map((one) => `${one.name}: ${one.type}`)
  const derived = ["_tag", ...(opcode === undefined ? [] : [opcode.name]), ...(status === undefined ? [] : [status.name])]
  module.add({
    kind: "alias",
    name: `${name}Decoder<P, S = void>`,
    doc: `Decodes the content of ${
      kindWords[kind.name] ?? `a ${kind.name}`
    } whose header was read: where its sections begin, and what they share.`,
    type: `(${[...parameters, "states: S"].join(", ")}) => P`
  })
  addEncoderTypes(module, name, derived)
  addCommandType(context, module, kind)
}

/** Prints how the header of a kind is read and checked. */
const printRead = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  module.add({
    kind: "function",
    name: `read${name}`,
    doc: `Reads and checks the header of the ${kind.name} at \`at\` and hands its content to \`decode\`, whatever the opcode. Throws ` +
      "`DecodeError`, `incomplete` when the buffer ends before the packet does.",
    generics: "<P, S>",
    parameters: [
      { name: "reader", type: module.useType(codec, "Reader") },
      { name: "at", type: "number" },
      { name: "states", type: "S" },
      { name: "decode", type: `${name}Decoder<P, S>` }
    ],
    returns: "P",
    body: [...headerLines(context, module, kind), `return decode(${decodeArguments(context, kind)}, states)`]
  })
}

/** Prints what packets without content share. */
const printEmpty = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const own = ownSections(context, kind)
  const [opcode, status] = [fieldOf(kind.headers[0]!, "opcode"), fieldOf(kind.headers[0]!, "statusCode")]
  const generics = [
    "Tag extends string",
    ...(opcode === undefined ? [] : ["Opcode extends number"]),
    ...(status === undefined ? [] : ["Status extends number"])
  ]
  const names = generics.map((one) => one.split(" ")[0]!)
  const opcodeProperty = opcode === undefined ? [] : [{ name: opcode.name, type: "Opcode" }]
  const statusProperty = status === undefined ? [] : [{ name: status.name, type: "Status" }]
  module.add({
    kind: "interface",
    name: `Empty${name}<${generics.join(", ")}>`,
    doc: `A packet of kind ${kind.name} that is all header.`,
    extends: [`${name}Head`],
    properties: [{ name: "_tag", type: "Tag" }, ...opcodeProperty, ...statusProperty]
  })
  const entries = [
    ["_tag", "tag"] as const,
    ...(opcode === undefined ? [] : [[opcode.name, "opcode"] as const]),
    ...headEntries(context, module, kind).map(([key, value]) =>
      status !== undefined && key === status.name ? [key, `${value} as Status`] as const : [key, value] as const
    )
  ]
  const expect = module.use(codec, "expectLength")
  const lines = [
    ...own.map((section, index) =>
      `${expect}(${
        own[index + 1] === undefined ? "end" : `${own[index + 1]}Start`
      } - ${section}Start, 0, tag, "${section}", ${section}Start - at)`
    ),
    ...returned(literal(entries))
  ]
  const extra = [{ name: "tag", type: "Tag" }, ...(opcode === undefined ? [] : [{ name: "opcode", type: "Opcode" }])]
  module.add({
    kind: "function",
    name: `decodeEmpty${name}`,
    generics: `<${generics.join(", ")}>`,
    parameters: [...decodeTypes(context, module, kind), ...extra],
    returns: `Empty${name}<${names.join(", ")}>`,
    body: [...readerLocals(lines), ...lines]
  })
  module.add({
    kind: "function",
    name: `encodeEmpty${name}`,
    parameters: [
      { name: "writer", type: module.useType(codec, "Writer") },
      { name: "packet", type: `${name}Init` },
      { name: "tag", type: "string" },
      { name: "opcode", type: "number" },
      ...(status === undefined ? [] : [{ name: "status", type: "number" }])
    ],
    returns: "void",
    body: [
      `const start = begin${name}(writer, packet, 0)`,
      `finish${name}(writer, packet, tag, opcode, ${status === undefined ? "" : `packet.${status.name} ?? status, `}${
        [...own, ""].map(() => "start").join(", ")
      })`
    ]
  })
}

const printRaw = (context: Context, module: Module, kind: KindModel, word: "Unknown" | "Error", doc: string): void => {
  const name = `${word}${kindName(kind.name)}`
  const own = ownSections(context, kind)
  const opcode = fieldOf(kind.headers[0]!, "opcode")
  const hasStatus = fieldOf(kind.headers[0]!, "statusCode") !== undefined
  module.add({
    kind: "interface",
    name,
    doc,
    extends: [`${kindName(kind.name)}Head`],
    properties: [
      { name: "_tag", type: JSON.stringify(name) },
      ...(opcode === undefined ? [] : [{ name: opcode.name, type: "number", doc: opcode.doc }]),
      ...own.map((section) => ({ name: section, type: "Uint8Array", doc: `The ${section} section.` }))
    ]
  })
  const opcodeEntry: ReadonlyArray<readonly [string, string]> = opcode === undefined
    ? []
    : [[opcode.name, getInt(module, opcode.int, `at + ${opcode.offset}`, undefined)]]
  const entries = [
    ["_tag", JSON.stringify(name)] as const,
    ...opcodeEntry,
    ...headEntries(context, module, kind),
    ...own.map((
      section,
      index
    ): readonly [string, string] => [
      section,
      `reader.slice(${section}Start, ${own[index + 1] === undefined ? "end" : `${own[index + 1]}Start`})`
    ])
  ]
  module.add({
    kind: "arrow",
    name: `decode${name}`,
    type: `${kindName(kind.name)}Decoder<${name}>`,
    parameters: decodeNames(context, kind),
    body: [...readerLocals(returned(literal(entries))), ...returned(literal(entries))]
  })
  const put = module.use(codec, "putBytes")
  const lines: Array<string> = []
  let from = `${own[0]}Start`
  own.forEach((section, index) => {
    const next = own[index + 1] === undefined ? "end" : `${own[index + 1]}Start`
    lines.push(`const ${next} = ${put}(bytes, ${from}, packet.${section}, "${name}", "${section}")`)
    from = next
  })
  module.add({
    kind: "function",
    name: `encode${name}`,
    doc: "Appends the packet to a writer. Throws `EncodeError` and then leaves the writer as it was.",
    parameters: rawParameters(module, kindName(kind.name), name, [
      ...(opcode === undefined ? [] : [opcode.name]),
      ...(hasStatus ? [fieldOf(kind.headers[0]!, "statusCode")!.name] : []),
      ...own
    ]),
    returns: "void",
    body: [
      `const ${own[0]}Start = begin${kindName(kind.name)}(writer, packet, ${
        own.map((section) => lengthOf(module, `packet.${section}`)).join(" + ")
      })`,
      "const { bytes } = writer",
      ...lines,
      `finish${kindName(kind.name)}(writer, packet, "${name}", ${opcode === undefined ? "0" : `packet.${opcode.name}`}, ${
        hasStatus ? `packet.${fieldOf(kind.headers[0]!, "statusCode")!.name}, ` : ""
      }${own.map((section) => `${section}Start`).join(", ")}, end)`
    ]
  })
}
