/**
 * Prints what clients and servers need beside packets: commands as values, `ClientProtocol.ts` and `ServerProtocol.ts`. Protocols have them
 * whose frame says by which header field answers are told from one another; commands and the former also those whose commands name the packets
 * that may answer them.
 */
import type { CommandModel, IntModel, KindModel, Model, TypeModel } from "@wirewright/codec/Model"
import { intWidth } from "@wirewright/codec/TypeText"
import { lineageOf } from "../Link.ts"
import { Module } from "../Module.ts"
import { hex } from "../Names.ts"
import { codec } from "./Codec.ts"
import { type Context, kindName, shapeName } from "./Context.ts"
import { fieldOf } from "./HeaderFields.ts"
import { inheritedFrom, packetsOf, type PacketPlan } from "./Plans.ts"

/** The kinds of a conversation: what clients ask, what answers that, and what servers ask. */
interface Roles {
  /** Names of header fields. */
  readonly correlation: string
  readonly opcode: string
  readonly status: string
  readonly request: KindModel
  readonly answer: KindModel
  readonly push: KindModel | undefined
}

/** The kinds by what they are in a conversation; nothing for protocols that do not say. */
export const rolesOf = ({ model: { frame } }: Context): Roles | undefined => {
  const { correlation, kinds } = frame
  const answered = kinds.filter((kind) => kinds.some(({ answers }) => answers === kind.name) && kind.headers.length > 0)
  const request = answered.find(({ sender }) => sender !== "server")
  const answer = kinds.find(({ answers }) => answers === request?.name)
  if (correlation === undefined || request === undefined || answer === undefined) return undefined
  const opcode = fieldOf(request.headers[0]!, "opcode")?.name
  const status = fieldOf(answer.headers[0]!, "statusCode")?.name
  // without a status nothing says whether a request succeeded
  if (opcode === undefined || status === undefined) return undefined
  return { correlation, opcode, status, request, answer, push: answered.find(({ sender }) => sender === "server") }
}

/** How clients tell answers where no header field does: commands name the packets that may answer them. */
interface Ordered {
  /** Field that packets have in common with what they answer. */
  readonly correlation: string | undefined
  /** Largest number it holds. */
  readonly max: number
}

/** What commands of a protocol and of those that it extends say of their answers; nothing for protocols where none does. */
export const orderedOf = (context: Context): Ordered | undefined => {
  if (rolesOf(context) !== undefined || !everyCommand(context).some(({ answeredBy }) => answeredBy !== undefined)) return undefined
  const { correlation } = context.model.frame
  let max = 0
  if (correlation !== undefined) {
    for (const command of everyCommand(context)) {
      const field = correlationField(context, command, correlation)
      if (field !== undefined) max = 2 ** (8 * intWidth[field.int]) - 1
    }
  }
  return { correlation, max }
}

/** The integer in which a command's packets are numbered: of their content, or of their header. Those of 64 bits count nothing. */
export const correlationField = (context: Context, command: CommandModel, name: string): IntModel | undefined => {
  const kind = context.model.frame.kinds.find((one) => one.name === command.kinds.request)
  const fixed = kind?.headers[0]?.fields.find((field) => field.name === name && field.role === "field")
  if (fixed !== undefined) return { kind: "int", int: fixed.int }
  for (const field of kind?.run?.fields ?? []) if (field.name === name && isNumber(field.type)) return field.type
  for (const { sections } of command.request) {
    for (const { fields } of sections) {
      for (const field of fields) {
        const type = field.type.kind === "optional" ? field.type.of : field.type
        if (field.name === name && isNumber(type)) return type
      }
    }
  }
  return undefined
}

const isNumber = (type: TypeModel): type is IntModel => type.kind === "int" && intWidth[type.int] < 8

/** Commands of a protocol and of those that it extends. */
export const everyCommand = ({ model }: Context): ReadonlyArray<CommandModel> => {
  const out = new Map<string, CommandModel>()
  for (const { commands } of lineageOf(model)) for (const command of commands) if (!out.has(command.name)) out.set(command.name, command)
  return [...out.values()]
}

/** Whether a packet reports success. */
const succeeds = (context: Context, { statuses }: PacketPlan): boolean =>
  statuses.some(({ code }) => context.model.statuses.find((one) => one.code === code)?.retry === "success")

/** Packets of a command that report its success. */
const successesOf = (context: Context, command: CommandModel): ReadonlyArray<PacketPlan> =>
  packetsOf(context, command).slice(1).filter((packet) => succeeds(context, packet))

/** The module from which a command's value is passed on, when it is a base's. */
export const inheritedValue = (context: Context, command: CommandModel): string | undefined => {
  const [request, ...answers] = [packetsOf(context, command)[0]!, ...successesOf(context, command)]
  const from = inheritedFrom(context, request)
  return answers.every((packet) => inheritedFrom(context, packet) === from) ? from : undefined
}

/** Whether a command is a value. */
export const hasValues = (context: Context, command: CommandModel): boolean => isAsked(context, command.kinds.request)

/** Whether packets of a kind ask something: those of clients, and what servers send unasked; where no header field tells, any may. */
const isAsked = (context: Context, kind: string): boolean => {
  const roles = rolesOf(context)
  if (roles === undefined) return orderedOf(context) !== undefined
  return kind === roles.request.name || kind === roles.push?.name
}

/** Adds the type of commands of a kind to the frame. */
export const addCommandType = (context: Context, module: Module, kind: KindModel): void => {
  if (!isAsked(context, kind.name)) return
  const name = kindName(kind.name)
  module.add({
    kind: "alias",
    name: `${name}Command<P extends { readonly _tag: string }, A, R extends ${module.useType(codec, "Reply")} = "one", S = void>`,
    doc: "A command as a value: its request is `P`, what reports its success `A`.",
    type: `${module.useType(codec, "Command")}<${name}Init & ${name}Fields<P>, A, R, S, P["_tag"]>`
  })
}

/** The type of a packet, which may be a base's. */
export const packetType = (context: Context, module: Module, packet: PacketPlan): string => {
  const from = inheritedFrom(context, packet)
  return from === undefined ? packet.tag : module.useType(from, packet.tag)
}

/** Prints a command as a value. */
export const printCommandValue = (context: Context, module: Module, command: CommandModel): void => {
  if (!hasValues(context, command) || inheritedValue(context, command) !== undefined) return
  const [request] = packetsOf(context, command)
  const from = inheritedFrom(context, request!)
  const answers = orderedOf(context) === undefined
    ? successesOf(context, command).map((packet) => packetType(context, module, packet))
    : (command.answeredBy ?? []).map((tag) => namedPacket(context, module, command, tag))
  const states = context.writesStates(request!.layouts) ? `, ${module.useType(context.local("States"), "States")}` : ""
  const many = command.last === undefined ? "one" : "many"
  const replies = command.reply === "optional" ? `"${many}" | "none"` : `"${command.reply}"`
  const reply = replies === "\"one\"" && states === "" ? "" : `, ${replies}${states}`
  const encode = from === undefined ? `encode${command.name}` : module.use(from, `encode${command.name}`)
  if (from !== undefined) {
    module.add({ kind: "alias", name: command.name, doc: command.doc, type: packetType(context, module, request!) })
  }
  module.add({
    kind: "const",
    name: command.name,
    type: `${module.useType(context.frameModule, `${kindName(request!.kind.name)}Command`)}<${packetType(context, module, request!)}, ${
      answers.length === 0 ? "never" : answers.join(" | ")
    }${reply}>`,
    value: `{ ${
      [
        `name: "${command.name}"`,
        `opcode: ${hex(command.opcode)}`,
        entry("encode", encode),
        ...(command.answeredBy === undefined ? [] : [`answers: ${JSON.stringify(command.answeredBy)}`]),
        ...(isNumbered(context, command) ? ["numbered: true"] : []),
        ...lastOf(context, command)
      ].join(", ")
    } }`
  })
}

/** Whether the packet of a command has the number that its answers repeat. */
const isNumbered = (context: Context, command: CommandModel): boolean => {
  const correlation = orderedOf(context)?.correlation
  return command.answeredBy !== undefined && correlation !== undefined && correlationField(context, command, correlation) !== undefined
}

/** The module of the protocol, or of one that it extends, in which a command is a value, and a packet a type. */
const moduleOf = (context: Context, tag: string): string => {
  const commandOf = ({ commands }: Model): CommandModel | undefined => commands.find(({ name }) => name === tag)
  const owner = lineageOf(context.model).find((model) => commandOf(model) !== undefined)!
  const { family } = commandOf(owner)!
  return owner === context.model ? context.local(family) : `${owner.module}/${family}`
}

/** The type of a packet of any module of the protocol, or of one that it extends. */
const namedPacket = (context: Context, module: Module, { family }: CommandModel, tag: string): string => {
  const from = moduleOf(context, tag)
  return from === context.local(family) ? tag : module.useType(from, tag)
}

/** The entry that says which of many answers is the last. */
const lastOf = (context: Context, command: CommandModel): ReadonlyArray<string> => {
  const { last } = command
  if (isTags(last)) {
    const isLast = last.map((tag) => `answer._tag === "${tag}"`).join(" || ")
    return [`last: (answer) => ${isLast} ? "answer" : undefined`]
  }
  if (command.reply !== "many") return []
  const [success] = successesOf(context, command)
  const conditions = Object.entries(last ?? {}).map(([field, value]) => `answer.${field} === ${JSON.stringify(value)}`)
  if (conditions.length > 0) {
    // an answer to a packet that stands for itself is what callers asked for, and says so as well
    const is = command.answeredBy === undefined ? "mark" : "answer"
    return [`last: (answer) => ${conditions.join(" && ")} ? "${is}" : undefined`]
  }
  if (success === undefined) return []
  return [`last: (answer) => answer.${rolesOf(context)!.status} === ${hex(success.statuses[0]!.code, 4)} ? undefined : "answer"`]
}

const isTags = (last: CommandModel["last"]): last is ReadonlyArray<string> => Array.isArray(last)

/** A property, whose value may be a name. */
const entry = (name: string, value: string): string => name === value ? name : `${name}: ${value}`

const object = (entries: ReadonlyArray<string>): string => `{\n${entries.join(",\n")}\n}`

/** Prints what clients and servers know of headers, and how an answer of which there is only a status is written; of the frame of all extensions. */
export const printHeaderReader = (context: Context, module: Module): void => {
  const roles = rolesOf(context)
  if (roles === undefined) return
  const { answer, correlation, opcode, push, request, status } = roles
  module.add({
    kind: "const",
    name: "headerReader",
    doc: "What clients and servers know of packets without decoding them.",
    type: `${module.useType(codec, "HeaderReader")}<"${correlation}">`,
    value: object([
      "frameShape",
      `kinds: { request: "${request.name}", answer: "${answer.name}", push: ${push === undefined ? "undefined" : `"${push.name}"`} }`,
      "kindAt",
      entry("opcodeAt", `${opcode}At`),
      `correlation: "${correlation}"`,
      `opcode: "${opcode}"`,
      `status: "${status}"`,
      entry("correlationAt", `${correlation}At`)
    ])
  })
  const sections = context.model.frame.sections.filter((section) => !answer.shared.some((one) => one.section === section))
  const contents = sections.map((section, index) => `${section}: ${index === sections.length - 1 ? "content" : "nothing"}`)
  if (sections.length > 1) module.add({ kind: "statement", text: "const nothing = /* @__PURE__ */ new Uint8Array(0)" })
  module.add({
    kind: "function",
    name: `encode${kindName(answer.name)}Status`,
    doc: "Appends an answer with a status; `content` is its last section. Throws `EncodeError`.",
    parameters: [
      { name: "writer", type: module.useType(codec, "Writer") },
      ...["opcode", "correlation", "status"].map((name) => ({ name, type: "number" })),
      { name: "content", type: "Uint8Array" }
    ],
    returns: "void",
    body: [
      `encodeError${kindName(answer.name)}(writer, { ${
        [entry(opcode, "opcode"), entry(correlation, "correlation"), entry(status, "status"), ...contents].join(", ")
      } })`
    ]
  })
}

/** Prints `ClientProtocol.ts` and `ServerProtocol.ts`; nothing for protocols that do not say which packets answer which. */
export const printRoles = (context: Context): ReadonlyArray<Module> => {
  const roles = rolesOf(context)
  if (roles !== undefined) return [printClient(context, roles), printServer(context, roles)]
  const ordered = orderedOf(context)
  if (ordered === undefined) return []
  return [
    ...(kindsOf(context, "server") === undefined ? [] : [printOrderedClient(context, ordered)]),
    ...(kindsOf(context, "client") === undefined ? [] : [printOrderedServer(context, ordered)])
  ]
}

type Side = "client" | "server"

/** Kinds of the packets that a side sends, by phase; nothing where a connection without phases has several. */
const kindsOf = ({ model: { frame } }: Context, side: Side): ReadonlyArray<readonly [phase: string, kind: KindModel]> | undefined => {
  if (frame.phases !== undefined) {
    return frame.phases.flatMap((phase) => {
      const kind = frame.kinds.find((one) => one.name === phase[side])
      return kind === undefined ? [] : [[phase.name, kind] as const]
    })
  }
  const kinds = frame.kinds.filter(({ sender }) => sender === undefined || sender === side)
  return kinds.length === 1 ? [["all", kinds[0]!]] : undefined
}

/** How the packets of a side are read in each phase, and which packets begin another. */
const phaseEntries = (context: Context, module: Module, side: Side): ReadonlyArray<string> => {
  const shapeOf = (kind: KindModel): string => kind.run === undefined ? "frameShape" : shapeName(context, kind)
  const phases = kindsOf(context, side)!.map(([phase, kind]) => {
    const shape = kind.run?.end === "self" ? [] : [entry("shape", module.use(context.frameModule, shapeOf(kind)))]
    return `${phase}: { ${[...shape, `decode: ${module.use(context.local("Packets"), `decode${kindName(kind.name)}`)}`].join(", ")} }`
  })
  const next = everyCommand(context).flatMap(({ name, then }) => then === undefined ? [] : [`${name}: "${then}"`])
  return [`phases: ${object(phases)}`, `next: { ${next.join(", ")} }`]
}

/** Prints a type with what encoders of packets of some kinds take, by tag. */
const addOutcomes = (context: Context, module: Module, kinds: ReadonlyArray<string>): void => {
  const outcomes = [...new Set(kinds)].map((name) => {
    const [init, fields] = ["Init", "Fields"].map((end) => module.useType(context.frameModule, `${name}${end}`))
    return `{ readonly [P in ${module.useType(context.local("Packets"), name)} as P["_tag"]]: ${init} & ${fields}<P> }`
  })
  module.add({ kind: "alias", name: "Outcomes", doc: "What the encoder of each answer takes, by its tag.", type: outcomes.join(" & ") })
}

const printOrderedServer = (context: Context, { correlation }: Ordered): Module => {
  const { frame, name } = context.model
  const module = new Module("ServerProtocol.ts", `What a server of ${name} needs to know.`)
  const packets = context.local("Packets")
  const states = context.local("States")
  const kinds = kindsOf(context, "client")!.map(([, kind]) => kind)
  const sent = new Set(kinds.map((kind) => kind.name))
  const union = [...new Set(kinds.map((kind) => module.useType(packets, kindName(kind.name))))].join(" | ")
  const commands = everyCommand(context).filter((command) =>
    command.sender !== "server" && [command.kinds.request, ...command.kinds.also ?? []].some((kind) => sent.has(kind))
  )
  addOutcomes(context, module, (kindsOf(context, "server") ?? []).map(([, kind]) => kindName(kind.name)))
  const values = commands.map((command) => module.use(moduleOf(context, command.name), command.name))
  module.add({ kind: "const", name: "clientCommands", doc: "Commands of clients, by name.", value: `{ ${values.join(", ")} }` })
  module.add({
    kind: "const",
    name: "server",
    doc: `What a server of ${name} needs to know.`,
    type: `${module.useType(codec, "OrderedServerProtocol")}<${union}, typeof clientCommands, Outcomes, ${
      correlation === undefined ? "never" : `"${correlation}"`
    }, ${module.useType(states, "States")}>`,
    value: object([
      `name: "${name}"`,
      `maxFrame: ${frame.maxFrame}`,
      `states: ${module.use(states, "noStates")}`,
      ...(correlation === undefined ? [] : [`correlation: "${correlation}"`]),
      ...phaseEntries(context, module, "client"),
      entry("encode", module.use(packets, "encode")),
      "commands: clientCommands"
    ])
  })
  return module
}

const printOrderedClient = (context: Context, { correlation, max }: Ordered): Module => {
  const { frame, name } = context.model
  const module = new Module("ClientProtocol.ts", `What a client of ${name} needs to know.`)
  const packets = context.local("Packets")
  const kinds = kindsOf(context, "server")!
  const commands = everyCommand(context)
  const unasked = new Set(commands.flatMap(({ name: tag, unasked }) => unasked === true ? [tag] : []))
  const answers = new Set(commands.flatMap(({ answeredBy }) => answeredBy ?? []).filter((tag) => !unasked.has(tag)))
  const union = [...new Set(kinds.map(([, kind]) => module.useType(packets, kindName(kind.name))))].join(" | ")
  const states = context.local("States")
  module.add({
    kind: "const",
    name: "client",
    doc: `What a client of ${name} needs to know.`,
    type: `${module.useType(codec, "OrderedProtocol")}<${union}, ${correlation === undefined ? "never" : `"${correlation}"`}, ${
      module.useType(states, "States")
    }>`,
    value: object([
      `name: "${name}"`,
      `maxFrame: ${frame.maxFrame}`,
      `states: ${module.use(states, "noStates")}`,
      ...(correlation === undefined ? [] : [`correlation: { field: "${correlation}", max: ${max} }`]),
      ...phaseEntries(context, module, "server"),
      `answers: [${[...answers].map((tag) => JSON.stringify(tag)).join(", ")}]`
    ])
  })
  return module
}

const printClient = (context: Context, roles: Roles): Module => {
  const { name } = context.model
  const module = new Module("ClientProtocol.ts", `What a client of ${name} needs to know.`)
  const packets = context.local("Packets")
  const [answer, push] = [kindName(roles.answer.name), roles.push === undefined ? undefined : kindName(roles.push.name)]
  const decode = (kind: string): string => `(reader, at) => ${module.use(packets, `decode${kind}`)}(reader, at)`
  module.add({
    kind: "const",
    name: "client",
    doc: `What a client of ${name} needs to know.`,
    type: `${module.useType(codec, "ClientProtocol")}<${module.useType(packets, answer)}, ${
      push === undefined ? "never" : module.useType(packets, push)
    }, "${roles.correlation}">`,
    value: object([
      `name: "${name}"`,
      `header: ${module.use(context.frameModule, "headerReader")}`,
      `decodeAnswer: ${decode(answer)}`,
      `decodePush: ${
        push === undefined ? `() => ${module.use(codec, "malformed")}("Magic", "${name}", "", 0, "an answer", "a push")` : decode(push)
      }`,
      `statuses: ${module.use(context.local("Types"), "statusTable")}`
    ])
  })
  return module
}

const printServer = (context: Context, roles: Roles): Module => {
  const { name } = context.model
  const module = new Module("ServerProtocol.ts", `What a server of ${name} needs to know.`)
  const packets = context.local("Packets")
  const [request, answer] = [kindName(roles.request.name), kindName(roles.answer.name)]
  const refusals = Object.entries(context.model.frame.refusals ?? {}).map(([when, named]) =>
    `${when}: ${hex(context.model.statuses.find((one) => one.name === named)?.code ?? 0, 4)}`
  )
  addOutcomes(context, module, [answer])
  module.add({
    kind: "const",
    name: "server",
    doc: `What a server of ${name} needs to know.`,
    type: `${module.useType(codec, "ServerProtocol")}<${module.useType(packets, request)}, ${
      module.useType(packets, answer)
    }, Outcomes, "${roles.correlation}">`,
    value: object([
      `name: "${name}"`,
      `header: ${module.use(context.frameModule, "headerReader")}`,
      `decodeRequest: (reader, at) => ${module.use(packets, `decode${request}`)}(reader, at)`,
      `encode: (writer, packet) => ${module.use(packets, "encode")}(writer, packet)`,
      `encodeStatus: ${module.use(context.frameModule, `encode${answer}Status`)}`,
      `refusals: { ${refusals.join(", ")} }`,
      `commands: ${module.use(context.local("Tables"), `${roles.request.name}Commands`)}`,
      `statuses: ${module.use(context.local("Types"), "statusTable")}`
    ])
  })
  return module
}
