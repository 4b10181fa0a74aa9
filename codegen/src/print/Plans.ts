/** Plans of what is printed for commands: their packets, and the modules they go to. */
import type { CommandModel, KindModel, LayoutModel, OutcomeModel, SectionModel } from "@wirewright/codec/Model"
import { baseOf } from "../Build.ts"
import { Context } from "./Context.ts"

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
        outcome.doc,
        outcome.layouts,
        outcome.statuses
      )
    ))
  ]
}

/** Commands whose packets have types and codecs: all but those that servers no longer execute, which are rows of the tables. */
export const describedCommands = (context: Context): ReadonlyArray<CommandModel> =>
  context.model.commands.filter(({ lifecycle }) => lifecycle !== "removed")

/** The module that generates the same packet for a protocol that this one extends, when there is one. */
export const inheritedFrom = (context: Context, packet: PacketPlan): string | undefined => {
  for (let base = context.base; base !== undefined; base = baseOf(base)) {
    const command = base.commands.find(({ kinds, opcode }) =>
      kinds.request === packet.command.kinds.request && opcode === packet.command.opcode
    )
    if (command === undefined) continue
    const found = command.lifecycle === "removed"
      ? undefined
      : packetsOf(new Context(base, context.extension), command).find(({ tag }) => tag === packet.tag)
    return found !== undefined && content(found) === content(packet) ? `${base.module}/${command.family}` : undefined
  }
  return undefined
}

const content = ({ doc, kind, layouts, needsStates, statuses }: PacketPlan): string =>
  JSON.stringify([doc, kind.name, layouts, needsStates, statuses])

/** Families of a protocol's commands: module name to commands. */
export const families = (context: Context): ReadonlyMap<string, ReadonlyArray<CommandModel>> => {
  const out = new Map<string, Array<CommandModel>>()
  for (const command of describedCommands(context)) out.set(command.family, [...out.get(command.family) ?? [], command])
  return new Map([...out].sort(([a], [b]) => a < b ? -1 : 1))
}

/** A section of a layout; empty when the layout has none of the name. */
export const sectionOf = (layout: LayoutModel, section: string): SectionModel =>
  layout.sections.find((one) => one.section === section) ?? { section, fields: [] }

/** Where a section ends: where the next one begins. */
export const sectionEnd = (own: ReadonlyArray<string>, index: number): string =>
  own[index + 1] === undefined ? "end" : `${own[index + 1]}Start`
