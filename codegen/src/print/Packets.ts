/** Prints what ties a protocol's commands together: unions, decoders by opcode, the encoder by tag, connection states, tables, index. */
import type { HeaderModel, KindModel } from "@wirewright/codec/Model"
import { Module } from "../Module.ts"
import { hex } from "../Names.ts"
import { codec, Context, kindName } from "./Context.ts"
import { families, packetsOf, type PacketPlan, printCommands } from "./Commands.ts"
import { getInt } from "./Decode.ts"
import { decodeArguments, fieldOf, printFrame } from "./Frame.ts"
import { printTypes } from "./Types.ts"

/** Prints `States.ts`. */
export const printStates = (context: Context): Module => {
  const module = new Module("States.ts", `Connection states that change the layouts of ${context.model.name}.`)
  const { states } = context.model
  module.add({
    kind: "interface",
    name: "States",
    doc: "What was negotiated on a connection.",
    properties: states.map(({ name, doc }) => ({ name, doc, type: "boolean" }))
  })
  module.add({
    kind: "const",
    name: "noStates",
    doc: "A connection on which nothing was negotiated.",
    type: "States",
    value: states.length === 0 ? "{}" : `{ ${states.map(({ name }) => `${name}: false`).join(", ")} }`
  })
  return module
}

/** A name of a command's module, as mentioned in `module`. */
const familyName = (context: Context, module: Module, family: string, name: string): string =>
  `${module.useAll(context.local(family), family)}.${name}`

const ofFamily = (context: Context, module: Module, packet: PacketPlan, prefix = ""): string =>
  familyName(context, module, packet.command.family, `${prefix}${packet.tag}`)

/** A union, one member a line. */
const union = (members: ReadonlyArray<string>): string =>
  members.length < 4 ? members.join(" | ") : members.map((member) => `\n  | ${member}`).join("")

/** Prints `Packets.ts`. */
export const printPackets = (context: Context): Module => {
  const { model } = context
  const module = new Module("Packets.ts", `All packets of ${model.name}: unions, decoders by opcode, the encoder by tag.`)
  const packets = model.commands.flatMap((command) => packetsOf(context, command))
  for (const kind of model.frame.kinds) {
    const own = packets.filter((packet) => packet.kind.name === kind.name)
    printUnion(context, module, kind, own)
    printDecodeKind(context, module, kind)
  }
  const kinds = model.frame.kinds.map((kind) => kindName(kind.name))
  module.add({ kind: "alias", name: "Packet", doc: `Any packet of ${model.name}.`, type: kinds.join(" | ") })
  printDecodeAny(context, module)
  printEncodeAny(context, module, packets)
  return module
}

const printUnion = (context: Context, module: Module, kind: KindModel, packets: ReadonlyArray<PacketPlan>): void => {
  const name = kindName(kind.name)
  const frame = context.frameModule
  const own = packets.map((packet) => ofFamily(context, module, packet))
  const doc = kind.answers === undefined ? `Any packet of kind ${kind.name}.` : `Any answer to a packet of kind ${kind.answers}.`
  if (context.base === undefined) {
    const raw = [`Unknown${name}`, ...(fieldOf(kind.headers[0]!, "statusCode") === undefined ? [] : [`Error${name}`])].map((one) =>
      module.useType(frame, one)
    )
    module.add({ kind: "alias", name, doc, type: union([...own, ...raw]) })
    return
  }
  const base = `${context.base.module}/Packets`
  const inherited = module.useAll(base, "Base")
  const opcodes = [...new Set(packets.map((packet) => hex(packet.command.opcode)))]
  const rest = opcodes.length === 0 ? `${inherited}.${name}` : `Exclude<${inherited}.${name}, { readonly opcode: ${opcodes.join(" | ")} }>`
  module.add({ kind: "alias", name, doc, type: union([...own, rest]) })
}

/** Prints the decoder of one kind: header, then a choice by opcode. */
const printDecodeKind = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const { model, base } = context
  const frame = context.frameModule
  const isResponse = kind.answers !== undefined
  const commands = model.commands.filter((command) => (isResponse ? command.kinds.response : command.kinds.request) === kind.name)
  const body: Array<string> = [...headerLines(context, module, kind)]
  const opcode = fieldOf(kind.headers[0]!, "opcode")
  const args = decodeArguments(context, kind)
  const fallback = base === undefined
    ? `${module.use(frame, `decodeUnknown${name}`)}(${args})`
    : `${module.useAll(`${base.module}/Packets`, "Base")}.decode${name}(reader, at, states) as ${name}`
  if (opcode === undefined) {
    const command = commands[0]
    const plan = command === undefined ? undefined : packetsOf(context, command)[0]!
    body.push(
      plan === undefined
        ? `return ${fallback}`
        : `return ${ofFamily(context, module, plan, "decode")}(${args}${plan.needsStates ? ", states" : ""})`
    )
  } else {
    body.push(`switch (${getInt(module, opcode.int, opcode.offset === 0 ? "at" : `at + ${opcode.offset}`, undefined)}) {`)
    for (const command of commands) {
      const plans = packetsOf(context, command)
      const outcomes = plans.slice(1)
      if (isResponse && outcomes.length === 0) continue
      const fn = isResponse ? `decode${command.name}Outcome` : `decode${command.name}`
      const states = isResponse ? outcomes.some((one) => one.needsStates) : plans[0]!.needsStates
      body.push(
        `  case ${hex(command.opcode)}:`,
        `    return ${familyName(context, module, command.family, fn)}(${args}${states ? ", states" : ""})`
      )
    }
    body.push("  default:", `    return ${fallback}`, "}")
  }
  module.add({
    kind: "function",
    name: `decode${name}`,
    doc:
      `Decodes the ${kind.name} at \`at\`. Byte fields are views into the buffer. Throws \`DecodeError\`, \`incomplete\` when the buffer ends before the packet does.`,
    parameters: [
      { name: "reader", type: module.useType(codec, "Reader") },
      { name: "at", type: "number", default: "0" },
      { name: "states", type: module.useType(context.local("States"), "States"), default: module.use(context.local("States"), "noStates") }
    ],
    returns: name,
    body: body.some((line) => /\bstates\b/.test(line)) ? body : ["void states", ...body]
  })
}

/** Reads and checks the header: where the sections begin and the packet ends. */
const headerLines = (context: Context, module: Module, kind: KindModel): ReadonlyArray<string> => {
  const name = kindName(kind.name)
  const { frame } = context.model
  const sections = frame.sections
  const size = kind.headers[0]!.size
  const malformed = module.use(codec, "malformed")
  const incomplete = module.use(codec, "incomplete")
  const present = (section: string): boolean =>
    kind.headers.some((header) => header.fields.some((field) => field.role === "sectionLength" && field.section === section)) ||
    section === sections.at(-1)
  const needed = sections.filter((section) => present(section) || !kind.shared.some((one) => one.section === section))
  const starts = (header: HeaderModel): ReadonlyArray<string> => {
    const lines: Array<string> = []
    let previous = `at + ${size}`
    needed.forEach((section, index) => {
      const before = needed[index - 1]
      if (index === 0) lines.push(`${section}Start = ${previous}`)
      else {
        const length = header.fields.find((field) => field.role === "sectionLength" && field.section === before)
        lines.push(
          `${section}Start = ${before}Start${
            length === undefined ? "" : ` + ${getInt(module, length.int, `at + ${length.offset}`, undefined)}`
          }`
        )
      }
      previous = `${section}Start`
    })
    const total = fieldOf(header, "bodyLength")
    const last = header.fields.find((field) => field.role === "sectionLength" && field.section === sections.at(-1))
    lines.push(
      total === undefined
        ? `end = ${needed.at(-1)}Start${last === undefined ? "" : ` + ${getInt(module, last.int, `at + ${last.offset}`, undefined)}`}`
        : `end = at + ${total.includesHeader ? "" : `${size} + `}${getInt(module, total.int, `at + ${total.offset}`, undefined)}`
    )
    return lines
  }
  const first = kind.headers[0]!
  const magic = fieldOf(first, "magic")
  const length = fieldOf(first, "bodyLength")
  const lines = [
    "const view = reader.view",
    "const available = reader.bytes.length - at",
    ...(magic === undefined ? [] : [
      `const magic = available < 1 ? ${hex(first.magic ?? 0)} : ${
        getInt(module, magic.int, magic.offset === 0 ? "at" : `at + ${magic.offset}`, undefined)
      }`,
      `if (${kind.headers.map((header) => `magic !== ${hex(header.magic!)}`).join(" && ")}) ` +
      `return ${malformed}("Magic", "${name}", "${magic.name}", ${magic.offset}, "${
        kind.headers.map((header) => hex(header.magic!)).join(" or ")
      }", \`0x\${magic.toString(16).padStart(2, "0")}\`)`
    ]),
    `if (available < ${size}) return ${incomplete}("${name}", "header", available, "${size} bytes", \`\${available} bytes\`)`
  ]
  if (kind.headers.length === 1) {
    lines.push(...starts(first).map((line) => `const ${line}`))
  } else {
    const all = kind.headers.map(starts)
    const same = (index: number): boolean => all.every((one) => one[index] === all[0]![index])
    all[0]!.forEach((line, index) => {
      if (same(index)) lines.push(`const ${line}`)
      else {
        const [target] = line.split(" = ")
        const expressions = all.map((one) => one[index]!.slice(`${target} = `.length))
        const text = kind.headers.slice(0, -1).reduceRight(
          (otherwise, header, i) => `magic === ${hex(header.magic!)} ? ${expressions[i]} : ${otherwise}`,
          expressions.at(-1)!
        )
        lines.push(`const ${target} = ${text}`)
      }
    })
  }
  lines.push(
    `if (end - at > ${frame.maxFrame}) return ${malformed}("Limit", "${name}", "${length?.name ?? "length"}", ${
      length?.offset ?? 0
    }, "a frame of at most ${frame.maxFrame} bytes", \`\${end - at} bytes\`)`,
    `if (${needed.at(-1)}Start > end) return ${malformed}("Length", "${name}", "${length?.name ?? "length"}", ${
      length?.offset ?? 0
    }, \`at least \${${needed.at(-1)}Start - at - ${size}} bytes of body\`, \`\${end - at - ${size}} bytes\`)`,
    `if (end - at > available) return ${incomplete}("${name}", "", available, \`\${end - at} bytes\`, \`\${available} bytes\`)`
  )
  for (const { section, ref } of kind.shared) {
    const index = needed.indexOf(section)
    const next = needed[index + 1]
    if (index === -1 || next === undefined) {
      lines.push(`const ${section}: ReadonlyArray<${module.useType(context.from(ref), ref)}> = []`)
      continue
    }
    lines.push(
      `const ${section}: ReadonlyArray<${module.useType(context.from(ref), ref)}> = ${section}Start === ${next}Start ? [] : ` +
        `${module.use(codec, "readNibbleFrames")}(reader, ${section}Start, ${next}Start, at, "${name}", "${section}", ${
          module.use(context.from(ref), `read${ref}`)
        })`
    )
  }
  return lines
}

const printDecodeAny = (context: Context, module: Module): void => {
  const { frame } = context.model
  const magic = fieldOf(frame.kinds[0]!.headers[0]!, "magic")
  const parameters = [
    { name: "reader", type: module.useType(codec, "Reader") },
    { name: "at", type: "number", default: "0" },
    { name: "states", type: module.useType(context.local("States"), "States"), default: module.use(context.local("States"), "noStates") }
  ]
  const doc = "Decodes the packet at `at`, whatever its kind. Throws `DecodeError`."
  if (frame.kinds.length === 1) {
    module.add({
      kind: "function",
      name: "decode",
      doc,
      parameters,
      returns: "Packet",
      body: [`return decode${kindName(frame.kinds[0]!.name)}(reader, at, states)`]
    })
    return
  }
  if (magic === undefined) return
  const headers = frame.kinds.flatMap((kind) => kind.headers.map((header) => header.magic!))
  module.add({
    kind: "function",
    name: "decode",
    doc,
    parameters,
    returns: "Packet",
    body: [
      `if (reader.bytes.length - at < 1) return ${module.use(codec, "incomplete")}("${frame.name}", "header", 0, "a packet", "nothing")`,
      `const magic = ${
        getInt(module, magic.int, magic.offset === 0 ? "at" : `at + ${magic.offset}`, undefined).replace("view.", "reader.view.")
      }`,
      "switch (magic) {",
      ...frame.kinds.flatMap((
        kind
      ) => [
        ...kind.headers.map((header) => `  case ${hex(header.magic!)}:`),
        `    return decode${kindName(kind.name)}(reader, at, states)`
      ]),
      "  default:",
      `    return ${module.use(codec, "malformed")}("Magic", "${frame.name}", "${magic.name}", ${magic.offset}, "one of ${
        headers.map((one) => hex(one)).join(", ")
      }", \`0x\${magic.toString(16).padStart(2, "0")}\`)`,
      "}"
    ]
  })
}

const printEncodeAny = (context: Context, module: Module, packets: ReadonlyArray<PacketPlan>): void => {
  const { frame } = context.model
  const raw = context.base === undefined
    ? frame.kinds.flatMap((
      kind
    ) => [
      `Unknown${kindName(kind.name)}`,
      ...(fieldOf(kind.headers[0]!, "statusCode") === undefined ? [] : [`Error${kindName(kind.name)}`])
    ])
    : []
  const fallback = context.base === undefined
    ? `${
      module.use(codec, "unencodable")
    }("UnknownPacket", String((packet as { readonly _tag: unknown })._tag), "_tag", "a packet of ${context.model.name}", String((packet as { readonly _tag: unknown })._tag))`
    : `${module.useAll(`${context.base.module}/Packets`, "Base")}.encode(writer, packet as Base.Packet)`
  module.add({
    kind: "function",
    name: "encode",
    doc: "Appends any packet to a writer, by its tag. Throws `EncodeError` and then leaves the writer as it was.",
    parameters: [{ name: "writer", type: module.useType(codec, "Writer") }, { name: "packet", type: "Packet" }],
    returns: "void",
    body: [
      "switch (packet._tag) {",
      ...packets.flatMap((
        packet
      ) => [`  case "${packet.tag}":`, `    return ${ofFamily(context, module, packet, "encode")}(writer, packet)`]),
      ...raw.flatMap((name) => [`  case "${name}":`, `    return ${module.use(context.frameModule, `encode${name}`)}(writer, packet)`]),
      "  default:",
      `    return ${fallback}`,
      "}"
    ]
  })
}

/** Prints `Tables.ts`: what is known of each opcode without decoding. */
export const printTables = (context: Context): Module => {
  const { model, base } = context
  const module = new Module("Tables.ts", `Opcodes of ${model.name} by kind of packet.`)
  module.add({
    kind: "const",
    name: "Opcode",
    doc: "Opcodes of the commands described here, by name.",
    value: `{\n${
      model.commands.map((command) =>
        `  /** ${(command.doc ?? command.label).replaceAll("\n", " ").replaceAll("*/", "* /")} */\n  ${command.name}: ${
          hex(command.opcode)
        }`
      ).join(",\n")
    }\n} as const`
  })
  module.add({
    kind: "interface",
    name: "CommandInfo",
    doc: "What is known of a command beside its layout.",
    properties: [
      { name: "name", type: "string" },
      { name: "label", type: "string", doc: "The name the field gives it in documents and tools." },
      { name: "lifecycle", type: "\"active\" | \"deprecated\" | \"internal\" | \"removed\"" },
      { name: "sender", type: "\"client\" | \"server\" | \"both\"" },
      {
        name: "reply",
        type: "\"one\" | \"many\" | \"error\" | \"none\"",
        doc: "How many responses a request gets; `error`: none on success."
      },
      { name: "quiet", type: "\"success\" | \"miss\" | undefined", optional: true, doc: "The outcome that is not reported." }
    ]
  })
  const kinds = [...new Set(model.frame.kinds.filter((kind) => kind.answers === undefined).map((kind) => kind.name))]
  for (const kind of kinds) {
    const rows = model.commands.filter((command) => command.kinds.request === kind)
    const name = `${kind}Commands`
    const inherited = base === undefined ? [] : [`  ...${module.useAll(`${base.module}/Tables`, "Base")}.${name}`]
    module.add({
      kind: "const",
      name,
      doc: `Commands of kind ${kind} by opcode, those of the base included.`,
      type: "{ readonly [opcode: number]: CommandInfo | undefined }",
      value: `{\n${
        [
          ...inherited,
          ...rows.map((command) =>
            `  ${hex(command.opcode)}: { name: "${command.name}", label: ${
              JSON.stringify(command.label)
            }, lifecycle: "${command.lifecycle}", sender: "${command.sender}", reply: "${command.reply}"${
              command.quiet === undefined ? "" : `, quiet: "${command.quiet}"`
            } }`
          )
        ].join(",\n")
      }\n}`
    })
  }
  return module
}

/** Prints `Model.ts`, which gives the committed JSON a type and ties it to its bases. */
export const printModel = (context: Context): Module => {
  const { model, base } = context
  const module = new Module("Model.ts", `The model of ${model.name}, for tools that show or convert packets.`)
  const from = `./${model.name}.model.json`
  module.add({ kind: "statement", text: `import json from "${from}" with { type: "json" }` })
  module.add({
    kind: "const",
    name: "model",
    doc: "What this protocol adds to its base.",
    type: module.useType(codec, "Model"),
    value: `json as unknown as ${module.useType(codec, "Model")}`
  })
  module.add({
    kind: "const",
    name: "models",
    doc: "The models from the root protocol to this one.",
    type: `ReadonlyArray<${module.useType(codec, "Model")}>`,
    value: base === undefined ? "[model]" : `[...${module.useAll(`${base.module}/Model`, "Base")}.models, model]`
  })
  return module
}

/** Names that a protocol's index exports, its bases' included: whether each is a type only. */
export const exportedNames = (context: Context): ReadonlyMap<string, boolean> => {
  const inherited = context.base === undefined ? new Map<string, boolean>() : exportedNames(new Context(context.base, context.extension))
  return new Map([...inherited, ...ownNames(context)])
}

const ownNames = (context: Context): ReadonlyMap<string, boolean> => {
  const modules = [printTypes(context)]
  if (context.model.frame.kinds.length > 0) {
    modules.push(printStates(context), printPackets(context), printTables(context), ...printCommands(context))
    if (context.base === undefined) modules.push(printFrame(context))
  }
  const names = new Map<string, boolean>()
  for (const declaration of modules.flatMap((module) => module.declarations)) {
    if (declaration.kind === "statement") {
      for (const [, name] of declaration.text.matchAll(/(?<=export \{.*)\b(\w+)(?=.*\} from)/g)) names.set(name!, false)
    } else {
      const typeOnly = declaration.kind === "interface" || declaration.kind === "alias"
      names.set(declaration.name, typeOnly && names.get(declaration.name) !== false)
    }
  }
  return names
}

/**
 * Prints `index.ts`: everything on the packet path, with what the base describes and this protocol does not replace. Schemas and the model
 * are modules of their own.
 */
export const printIndex = (context: Context): Module => {
  const { base, model } = context
  const module = new Module(
    "index.ts",
    `Codecs of ${model.name}${base === undefined ? "" : `, with those of ${base.name} that it does not replace`}.`
  )
  const names = model.frame.kinds.length === 0
    ? ["Types"]
    : [...families(context).keys(), "Packets", "States", "Tables", "Types", ...(base === undefined ? ["Frame"] : [])]
  for (const name of [...new Set(names)].sort()) module.add({ kind: "statement", text: `export * from "${context.local(name)}"` })
  if (base === undefined) return module
  const own = ownNames(context)
  const inherited = [...exportedNames(new Context(base, context.extension))].filter(([name]) => !own.has(name)).sort(([a], [b]) =>
    a < b ? -1 : 1
  )
  const lines = inherited.map(([name, typeOnly]) => `  ${typeOnly ? "type " : ""}${name}`)
  module.add({ kind: "statement", text: `export {\n${lines.join(",\n")}\n} from "${base.module}"` })
  return module
}
