/** Prints the modules of a protocol's commands: one per spec file, with a type, a decoder and an encoder for every packet. */
import type { CommandModel } from "@wirewright/codec/Model"
import { Module } from "../Module.ts"
import { hex } from "../Names.ts"
import { type Context, kindName } from "./Context.ts"
import { getInt } from "./Decode.ts"
import { passedNames } from "./Frame.ts"
import { fieldOf } from "./HeaderFields.ts"
import { readerLocals } from "./Objects.ts"
import { namesOf, printAlike, printPacket, printShape, shapeKey } from "./Packet.ts"
import { hasValues, inheritedValue, packetType, printCommandValue } from "./Roles.ts"
import { printRunPacket } from "./RunPacket.ts"
import { families, inheritedFrom, packetsOf, type PacketPlan } from "./Plans.ts"

/** Prints one module per family. */
export const printCommands = (context: Context): ReadonlyArray<Module> =>
  [...families(context)].map(([family, commands]) => {
    const module = new Module(`${family}.ts`, `Commands of ${context.model.name}: ${commands.map((command) => command.name).join(", ")}.`)
    if (context.model.frame.kinds[0]?.run !== undefined) {
      for (const command of commands) {
        for (const packet of packetsOf(context, command)) printRunPacket(context, module, packet)
        printCommandValue(context, module, command)
      }
      return module
    }
    const alike = new Map<string, Array<PacketPlan>>()
    const inherited = new Map<string, Array<string>>()
    const packets = new Map(commands.map((command) => [command, packetsOf(context, command)] as const))
    for (const packet of [...packets.values()].flat()) {
      const from = inheritedFrom(context, packet)
      if (from !== undefined) {
        inherited.set(from, [...inherited.get(from) ?? [], ...passedOn(context, packet)])
        continue
      }
      const key = shapeKey(packet)
      alike.set(key, [...alike.get(key) ?? [], packet])
    }
    const tags = new Set(context.model.commands.flatMap((command) => packetsOf(context, command)).map(({ tag }) => tag))
    /** Named after the first packet that has the shape; a packet's name goes before. */
    const shapeName = ({ tag }: PacketPlan): string => tags.has(`${tag}Like`) ? `${tag}Alike` : `${tag}Like`
    for (const [from, names] of inherited) module.add({ kind: "statement", text: `export { ${names.join(", ")} } from "${from}"` })
    for (const [command, own] of packets) {
      for (const packet of own) {
        const group = alike.get(shapeKey(packet))
        if (group?.includes(packet) !== true) continue
        if (group.length === 1) printPacket(context, module, packet)
        else {
          if (group[0]!.tag === packet.tag) printShape(context, module, group, shapeName(packet))
          printAlike(context, module, packet, shapeName(group[0]!))
        }
      }
      printOutcome(context, module, command)
      printCommandValue(context, module, command)
    }
    return module
  })

/** Names of a base's packet that are passed on; a request's own name is that of its command, too. */
const passedOn = (context: Context, packet: PacketPlan): ReadonlyArray<string> => {
  const { command, statuses, tag } = packet
  if (statuses.length > 0 || !hasValues(context, command)) return namesOf(packet)
  const others = namesOf(packet).filter((name) => name !== `type ${tag}`)
  return inheritedValue(context, command) === undefined ? others : [...others, tag]
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
  // what is only passed on is not known here by that
  const decoderOf = (packet: PacketPlan): string => {
    const from = inheritedFrom(context, packet)
    return from === undefined ? `decode${packet.tag}` : module.use(from, `decode${packet.tag}`)
  }
  module.add({
    kind: "alias",
    name,
    doc: `What a server answers to \`${command.name}\`.`,
    type: [...packets.map((packet) => packetType(context, module, packet)), module.useType(frame, error)].join(" | ")
  })
  const parameters = passedNames(context, kind)
  const body = [
    `switch (${getInt(module, status.int, `at + ${status.offset}`, undefined)}) {`,
    ...packets.flatMap((packet) => [
      ...packet.statuses.map(({ code }) => `case ${hex(code, 4)}:`),
      `return ${decoderOf(packet)}(${[...parameters, ...(packet.needsStates ? ["states"] : [])].join(", ")})`
    ]),
    "default:",
    `return ${module.use(frame, `decode${error}`)}(${parameters.join(", ")})`,
    "}"
  ]
  module.add({
    kind: "arrow",
    name: `decode${name}`,
    type: `${module.useType(frame, `${kindName(kind.name)}Decoder`)}<${name}${
      needsStates ? `, ${module.useType(context.local("States"), "States")}` : ""
    }>`,
    parameters: [...parameters, ...(needsStates ? ["states"] : [])],
    body: [...readerLocals(body), ...body]
  })
}
