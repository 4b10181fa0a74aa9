/** Prints what ties a protocol's commands together: unions, decoders by opcode, the encoder by tag, connection states, tables, index. */
import { isOfKind } from "@wirewright/codec/Catalog"
import type { CommandModel, KindModel, TypeModel } from "@wirewright/codec/Model"
import { lineageOf } from "../Link.ts"
import { compare, Module, type Parameter } from "../Module.ts"
import { hex, integerLiteral, intSize } from "../Names.ts"
import { comment } from "../Print.ts"
import { codec } from "./Codec.ts"
import { Context, kindName, shapeName } from "./Context.ts"
import { printCommands } from "./Commands.ts"
import { getInt } from "./Decode.ts"
import { readerLocals } from "./Objects.ts"
import { customsOf } from "./Customs.ts"
import { passedNames, printFrame } from "./Frame.ts"
import { fieldOf } from "./HeaderFields.ts"
import { describedCommands, families, type PacketPlan, packetsOf } from "./Plans.ts"
import { opcodeField, printRunFrame, rawNames, runNames } from "./RunFrame.ts"
import { printRoles } from "./Roles.ts"
import { runDispatch } from "./RunPacket.ts"
import { printTypes } from "./Types.ts"

/** Prints `States.ts`. */
export const printStates = (context: Context): Module => {
  const module = new Module("States.ts", `Connection states that change the layouts of ${context.model.name}.`)
  const { states } = context.model
  if (context.base !== undefined && JSON.stringify(context.base.states) === JSON.stringify(states)) {
    module.add({ kind: "statement", text: `export { noStates, type States } from "${context.base.module}/States"` })
    return module
  }
  module.add({
    kind: "interface",
    name: "States",
    doc: "What was negotiated on a connection.",
    properties: states.map(({ name, doc, numbered }) => ({ name, doc, type: numbered === true ? "number" : "boolean" }))
  })
  module.add({
    kind: "const",
    name: "noStates",
    doc: "A connection on which nothing was negotiated.",
    type: "States",
    value: states.length === 0 ? "{}" : `{ ${states.map(({ name, numbered }) => `${name}: ${numbered === true ? 0 : false}`).join(", ")} }`
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
  const packets = describedCommands(context).flatMap((command) => packetsOf(context, command))
  for (const kind of model.frame.kinds) {
    printUnion(
      context,
      module,
      kind,
      packets.filter((packet) => packet.kind.name === kind.name || packet.statuses.length === 0 && isOfKind(packet.command, kind.name))
    )
    printDispatch(context, module, kind)
    printDecodeKind(context, module, kind)
  }
  const kinds = model.frame.kinds.map((kind) => kindName(kind.name))
  if (kinds.length > 1 || kinds[0] !== "Packet") {
    module.add({ kind: "alias", name: "Packet", doc: `Any packet of ${model.name}.`, type: kinds.join(" | ") })
  }
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
    const raw = rawNames(kind).map((one) => module.useType(frame, one))
    module.add({ kind: "alias", name, doc, type: union([...own, ...raw]) })
    return
  }
  const inherited = `${module.useAll(`${context.base.module}/Packets`, "Base")}.${name}`
  const opcode = kind.run === undefined ? fieldOf(kind.headers[0]!, "opcode")?.name : opcodeField(kind)?.name
  // one that takes whatever opcode no other has would take those of the base, too
  const field = opcode !== undefined && packets.every(({ command }) => command.isOpcodeless !== true) ? opcode : "_tag"
  const retired = retiredOf(context, kind).map((command) => field === "_tag" ? JSON.stringify(command.name) : hex(command.opcode))
  const taken = [...(own.length === 0 ? [] : [`Own${name}["${field}"]`]), ...retired]
  if (own.length > 0) module.add({ kind: "statement", text: `type Own${name} = ${union(own)}` })
  const rest = taken.length === 0 ? inherited : `Exclude<${inherited}, { readonly ${field}: ${taken.join(" | ")} }>`
  module.add({ kind: "alias", name, doc, type: own.length === 0 ? rest : `Own${name} | ${rest}` })
}

const kindOf = (kind: KindModel, command: CommandModel): boolean =>
  kind.answers === undefined ? isOfKind(command, kind.name) : command.kinds.response === kind.name

/** Commands without codecs that the base has codecs for. */
const retiredOf = (context: Context, kind: KindModel): ReadonlyArray<CommandModel> => {
  const inherited = context.base === undefined ? [] : lineageOf(context.base).flatMap(({ commands }) => commands)
  return context.model.commands.filter((command) =>
    command.lifecycle === "removed" && kindOf(kind, command) &&
    inherited.some(({ kinds, opcode }) => kinds.request === command.kinds.request && opcode === command.opcode)
  )
}

/** Prints the choice of a decoder by opcode, and for answers by status. */
const printDispatch = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  if (kind.run !== undefined) return printRunDispatch(context, module, kind)
  const { base } = context
  const frame = context.frameModule
  const commands = describedCommands(context).filter((command) => kindOf(kind, command))
  const opcode = fieldOf(kind.headers[0]!, "opcode")
  const status = kind.answers === undefined ? undefined : fieldOf(kind.headers[0]!, "statusCode")
  const args = passedNames(context, kind).join(", ")
  const decoder = (fn: string, needsStates: boolean): string => `${fn}(${args}${needsStates ? ", states" : ""})`
  const fallback = base === undefined
    ? decoder(module.use(frame, `decodeUnknown${name}`), false)
    : `${decoder(`${module.useAll(`${base.module}/Packets`, "Base")}.dispatch${name}`, true)} as ${name}`
  const body: Array<string> = []
  const plans = commands.map((command) => ({
    command,
    packets: packetsOf(context, command).filter((packet) => (kind.answers === undefined) === (packet.tag === command.name))
  })).filter(({ packets }) => packets.length > 0)
  const one = (packet: PacketPlan): string => decoder(ofFamily(context, module, packet, "decode"), packet.needsStates)
  const retired = retiredOf(context, kind)
  if (opcode === undefined) {
    const packet = plans[0]?.packets[0]
    body.push(`return ${packet === undefined ? fallback : one(packet)}`)
  } else if (plans.length === 0 && retired.length === 0) {
    body.push(`return ${fallback}`)
  } else {
    const hasErrors = status !== undefined && plans.some(({ packets }) => packets.length === 1)
    if (hasErrors) body.push(`const ${status.name} = ${getInt(module, status.int, `at + ${status.offset}`, undefined)}`)
    body.push(`switch (${getInt(module, opcode.int, opcode.offset === 0 ? "at" : `at + ${opcode.offset}`, undefined)}) {`)
    for (const { command, packets } of plans) {
      body.push(`case ${hex(command.opcode)}:`)
      const [packet] = packets
      if (packets.length > 1) {
        const fn = familyName(context, module, command.family, `decode${command.name}Outcome`)
        body.push(`return ${decoder(fn, packets.some(({ needsStates }) => needsStates))}`)
      } else if (status === undefined) body.push(`return ${one(packet!)}`)
      else {
        const condition = packet!.statuses.map(({ code }) => `${status.name} === ${hex(code, 4)}`).join(" || ")
        body.push(`if (${condition}) return ${one(packet!)}`, "break")
      }
    }
    if (retired.length > 0) {
      body.push(...retired.map((command) => `case ${hex(command.opcode)}:`))
      body.push(`return ${decoder(module.use(frame, `decodeUnknown${name}`), false)}`)
    }
    body.push("default:", `return ${fallback}`, "}")
    if (hasErrors) body.push(`return ${decoder(module.use(frame, `decodeError${name}`), false)}`)
  }
  module.add({
    kind: "arrow",
    name: `dispatch${name}`,
    type: `${module.useType(frame, `${name}Decoder`)}<${name}, ${module.useType(context.local("States"), "States")}>`,
    parameters: [...passedNames(context, kind), ...(body.some((line) => /\bstates\b/.test(line)) ? ["states"] : [])],
    body: [...readerLocals(body), ...body]
  })
}

const printRunDispatch = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const names = runNames(context, kind)
  const own = describedCommands(context).filter((command) => kindOf(kind, command)).flatMap((command) => packetsOf(context, command))
  const base = context.base === undefined ? undefined : new Context(context.base, context.extension)
  // what a packet begins with is compared among all, those of the base included
  const inherited = base === undefined ? [] : inheritedPackets(base, kind, keysOf(context, kind, new Set()))
  const from = new Map(inherited.map(({ packet, module: specifier }) => [packet, specifier]))
  const body = runDispatch(context, module, kind, [...own, ...inherited.map(({ packet }) => packet)], (packet) => {
    const specifier = from.get(packet)
    const fn = specifier === undefined ? ofFamily(context, module, packet, "decode") : module.use(specifier, `decode${packet.tag}`)
    return `${fn}(${names.join(", ")}${packet.needsStates ? ", states" : ""})`
  })
  module.add({
    kind: "arrow",
    name: `dispatch${name}`,
    type: `${module.useType(context.frameModule, `${name}Decoder`)}<${name}, ${module.useType(context.local("States"), "States")}>`,
    parameters: [...names, ...(body.some((line) => /\bstates\b/.test(line)) ? ["states"] : [])],
    body
  })
}

const keyOf = ({ isOpcodeless, name, opcode }: CommandModel): string => isOpcodeless === true ? name : String(opcode)

/** Adds what a protocol itself says of a kind's commands, those that it removes included. */
const keysOf = ({ model }: Context, kind: KindModel, taken: Set<string>): Set<string> => {
  for (const command of model.commands) if (command.isOpcodeless === true || kindOf(kind, command)) taken.add(keyOf(command))
  return taken
}

/** Packets of a kind that bases describe and nothing nearer replaces, each with the module that has its codec. */
const inheritedPackets = (
  context: Context,
  kind: KindModel,
  taken: Set<string>
): ReadonlyArray<{ readonly packet: PacketPlan; readonly module: string }> => {
  const own = describedCommands(context).filter((command) => kindOf(kind, command) && !taken.has(keyOf(command)))
  keysOf(context, kind, taken)
  const further = context.base === undefined ? [] : inheritedPackets(new Context(context.base, context.extension), kind, taken)
  return [
    ...own.flatMap((command) =>
      packetsOf(context, command).map((packet) => ({ packet, module: `${context.model.module}/${command.family}` }))
    ),
    ...further
  ]
}

/** Prints the decoder of one kind. */
const printDecodeKind = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  module.add({
    kind: "function",
    name: `decode${name}`,
    doc:
      `Decodes the ${kind.name} at \`at\`. Byte fields are views into the buffer. Throws \`DecodeError\`, \`incomplete\` when the buffer ` +
      "ends before the packet does.",
    parameters: [
      { name: "reader", type: module.useType(codec, "Reader") },
      { name: "at", type: "number", default: "0" },
      { name: "states", type: module.useType(context.local("States"), "States"), default: module.use(context.local("States"), "noStates") }
    ],
    returns: name,
    body: [`return ${module.use(context.frameModule, `read${name}`)}(reader, at, states, dispatch${name})`]
  })
  if (kind.run?.end === "self") printSelfShape(context, module, kind)
}

/** How long a packet is that ends itself: as long as its decoder reads. */
const printSelfShape = (context: Context, module: Module, kind: KindModel): void => {
  const name = kindName(kind.name)
  const { frame, states } = context.model
  const needsStates = states.length > 0
  const measure = ["(reader, at) => {", `decode${name}(reader, at${needsStates ? ", states" : ""})`, "return reader.next - at", "}"].join(
    "\n"
  )
  const shape = `{ name: "${frame.name}", maxFrame: ${frame.maxFrame}, sizeAt: ${module.use(codec, "measuring")}(${measure}) }`
  const doc = "How long a frame is, for the framer."
  const type = module.useType(codec, "FrameShape")
  if (!needsStates) module.add({ kind: "const", name: shapeName(context, kind), doc, type, value: shape })
  else {
    const parameters = [
      { name: "states", type: module.useType(context.local("States"), "States"), default: module.use(context.local("States"), "noStates") }
    ]
    module.add({ kind: "function", name: shapeName(context, kind), doc, parameters, returns: type, body: [`return ${shape}`] })
  }
}

const printDecodeAny = (context: Context, module: Module): void => {
  const { frame } = context.model
  const magic = frame.kinds[0]!.run === undefined ? fieldOf(frame.kinds[0]!.headers[0]!, "magic") : undefined
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
  if (magic === undefined) return printDecodeByMagic(context, module, parameters, doc)
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

/** Kinds whose headers tell them apart by the constants of their first field. */
const printDecodeByMagic = (context: Context, module: Module, parameters: ReadonlyArray<Parameter>, doc: string): void => {
  const { frame } = context.model
  const firsts = frame.kinds.map((kind) => ({ kind, condition: firstCondition(module, kind) }))
  if (firsts.some(({ condition }) => condition === undefined) || new Set(firsts.map(({ condition }) => condition)).size < firsts.length) {
    return
  }
  const size = Math.max(...frame.kinds.map(({ run }) => firstSize(run!.fields[0]!.type)))
  module.add({
    kind: "function",
    name: "decode",
    doc,
    parameters,
    returns: "Packet",
    body: [
      `if (reader.bytes.length - at < ${size}) return ${
        module.use(codec, "incomplete")
      }("${frame.name}", "header", 0, "a packet", "nothing")`,
      "const view = reader.view",
      ...firsts.map(({ condition, kind }) => `if (${condition}) return decode${kindName(kind.name)}(reader, at, states)`),
      `return ${module.use(codec, "malformed")}("Magic", "${frame.name}", "${frame.kinds[0]!.run!.fields[0]!.name}", 0, ` +
      `"${frame.kinds.map(({ name }) => name).join(" or ")}", String(view.getUint8(at)))`
    ]
  })
}

const firstSize = (type: TypeModel): number =>
  type.kind === "constant" ? intSize(type.int) : type.kind === "bits" ? intSize(type.of.int) : 1

/** The condition that the first field of a kind's header makes. */
const firstCondition = (module: Module, kind: KindModel): string | undefined => {
  const type = kind.run?.fields[0]?.type
  if (type?.kind === "constant") {
    const read = getInt(module, type.int, "at", type.order === "little" ? "true" : undefined)
    return `${read} === ${integerLiteral(type.int, type.value)}`
  }
  if (type?.kind !== "bits") return undefined
  const constants = type.fields.filter(({ value }) => value !== undefined)
  if (constants.length === 0) return undefined
  const mask = constants.reduce((sum, { high, low }) => sum + (2 ** (high - low + 1) - 1) * 2 ** low, 0)
  const value = constants.reduce((sum, one) => sum + one.value! * 2 ** one.low, 0)
  const read = getInt(module, type.of.int, "at", type.of.order === "little" ? "true" : undefined)
  return `(${read} & ${hex(mask)}) === ${hex(value)}`
}

const printEncodeAny = (context: Context, module: Module, packets: ReadonlyArray<PacketPlan>): void => {
  const { frame } = context.model
  const raw = context.base === undefined ? frame.kinds.flatMap(rawNames) : []
  const needsStates = encodesStates(context)
  const fallback = context.base === undefined
    ? `${
      module.use(codec, "unencodable")
    }("UnknownPacket", String((packet as { readonly _tag: unknown })._tag), "_tag", "a packet of ${context.model.name}", String((packet as { readonly _tag: unknown })._tag))`
    : `${module.useAll(`${context.base.module}/Packets`, "Base")}.encode(writer, packet as Base.Packet${needsStates ? ", states" : ""})`
  module.add({
    kind: "function",
    name: "encode",
    doc: "Appends any packet to a writer, by its tag. Throws `EncodeError` and then leaves the writer as it was.",
    parameters: [
      { name: "writer", type: module.useType(codec, "Writer") },
      { name: "packet", type: "Packet" },
      ...(needsStates
        ? [{
          name: "states",
          type: module.useType(context.local("States"), "States"),
          default: module.use(context.local("States"), "noStates")
        }]
        : [])
    ],
    returns: "void",
    body: [
      "switch (packet._tag) {",
      ...packets.flatMap((
        packet
      ) => [
        `  case "${packet.tag}":`,
        `    return ${ofFamily(context, module, packet, "encode")}(writer, packet${context.writesStates(packet.layouts) ? ", states" : ""})`
      ]),
      ...raw.flatMap((name) => [`  case "${name}":`, `    return ${module.use(context.frameModule, `encode${name}`)}(writer, packet)`]),
      "  default:",
      `    return ${fallback}`,
      "}"
    ]
  })
}

/** Whether writing some packet of a protocol or of its bases depends on the states of the connection. */
const encodesStates = (context: Context): boolean =>
  describedCommands(context).flatMap((command) => packetsOf(context, command)).some(({ layouts }) => context.writesStates(layouts)) ||
  context.base !== undefined && encodesStates(new Context(context.base, context.extension))

const withOpcode = (commands: ReadonlyArray<CommandModel>): ReadonlyArray<CommandModel> =>
  commands.filter(({ isOpcodeless }) => isOpcodeless !== true)

/** Prints `Tables.ts`: what is known of each opcode without decoding. */
export const printTables = (context: Context): Module => {
  const { model, base } = context
  const module = new Module("Tables.ts", `Opcodes of ${model.name} by kind of packet.`)
  module.add({
    kind: "const",
    name: "Opcode",
    doc: "Opcodes of the commands described here, by name.",
    value: `{\n${
      withOpcode(model.commands).map((command) => [...comment(command.doc, 2), `${command.name}: ${hex(command.opcode)}`].join("\n")).join(
        ",\n"
      )
    }\n} as const`
  })
  const kinds = [...new Set(model.frame.kinds.filter((kind) => kind.answers === undefined).map((kind) => kind.name))]
  for (const kind of kinds) {
    // of several that share an opcode, the first stands for all
    const rows = withOpcode(model.commands).filter((command) => command.kinds.request === kind)
      .filter((command, i, all) => all.findIndex((other) => other.opcode === command.opcode) === i)
    const name = `${kind}Commands`
    const inherited = base === undefined ? [] : [`  ...${module.useAll(`${base.module}/Tables`, "Base")}.${name}`]
    module.add({
      kind: "const",
      name,
      doc: `Commands of kind ${kind} by opcode, those of the base included.`,
      type: module.useType(codec, "CommandTable"),
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
  const customs = customsOf(context)
  if (customs.length > 0) {
    module.add({
      kind: "const",
      name: "customs",
      doc: "What tools need of the fields that only code can say.",
      type: module.useType(codec, "Customs"),
      value: `{ ${customs.map(({ module: from, name }) => `${name}: ${module.use(from, `custom${name}`)}`).join(", ")} }`
    })
  }
  return module
}

/** Names that a protocol's index exports, its bases' included. */
const exportedNames = (context: Context): ReadonlySet<string> =>
  new Set([
    ...(context.base === undefined ? [] : exportedNames(new Context(context.base, context.extension))),
    ...[...ownNames(context).values()].flatMap((names) => [...names.keys()])
  ])

/** Names that the modules of a protocol define, by module: whether each is a type only. What they only pass on is the base's. */
const ownNames = (context: Context): ReadonlyMap<string, ReadonlyMap<string, boolean>> => {
  const modules = [printTypes(context)]
  if (context.model.frame.kinds.length > 0) {
    modules.push(printStates(context), printPackets(context), printTables(context), ...printRoles(context), ...printCommands(context))
    if (context.base === undefined) modules.push(frameOf(context))
  }
  return new Map(modules.map(({ declarations, path }) => {
    const names = new Map<string, boolean>()
    for (const declaration of declarations) {
      if (declaration.kind === "statement") continue
      const [name] = declaration.name.split("<")
      names.set(name!, (declaration.kind === "interface" || declaration.kind === "alias") && names.get(name!) !== false)
    }
    return [path, names]
  }))
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
    : [
      ...families(context).keys(),
      ...printRoles(context).map(({ path }) => path.replace(/\.ts$/, "")),
      "Packets",
      "States",
      "Tables",
      "Types",
      ...(base === undefined ? ["Frame"] : [])
    ]
  for (const name of [...new Set(names)].sort()) module.add({ kind: "statement", text: `export * from "${context.local(name)}"` })
  if (base === undefined) return module
  module.add({ kind: "statement", text: `export * from "${base.module}"` })
  // a name that two stars export is exported by neither, unless it is the same thing; a name that is said is ours
  const inherited = exportedNames(new Context(base, context.extension))
  for (const [path, names] of ownNames(context)) {
    const ours = [...names].filter(([name]) => inherited.has(name)).map(([name, typeOnly]) => typeOnly ? `type ${name}` : name)
    if (ours.length > 0) {
      const from = context.local(path.replace(/\.ts$/, ""))
      module.add({ kind: "statement", text: `export { ${ours.sort(compare).join(", ")} } from "${from}"` })
    }
  }
  return module
}

/** Prints the frame of a root protocol. */
export const frameOf = (context: Context): Module =>
  context.model.frame.kinds[0]?.run === undefined ? printFrame(context) : printRunFrame(context)
