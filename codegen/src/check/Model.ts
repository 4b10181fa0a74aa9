/** Rules for whole protocols. All findings are collected; none stops the others. */
import type { CommandModel, FieldModel, IntName, KindModel, LayoutModel, NamedTypeModel } from "@wirewright/codec/Model"
import { headOf } from "@wirewright/codec/Heads"
import type { Built } from "../Build.ts"
import type { Complaint } from "../Finding.ts"
import { hex, intSize, isFileName, isIdentifier, isPropertyName, pascal } from "../Names.ts"
import { type LayoutConditions, layoutConditions } from "../print/Layouts.ts"
import { packetsOf } from "../print/Plans.ts"
import { numberRange } from "@wirewright/codec/words/Numbers"
import { measuredFields } from "@wirewright/codec/words/Records"
import { Context } from "../print/Context.ts"
import { visibleFields } from "../print/HeaderFields.ts"
import { checkCommand, checkReplaced } from "./Commands.ts"
import { checkConversation } from "./Conversation.ts"
import { checkNames, checkReferences, checkRun, flattened, slicesOf } from "./Fields.ts"
import { checkFrame } from "./Frame.ts"
import { checkKinds } from "./Frames.ts"
import { checkOrders } from "./Orders.ts"
import { at, type Place, rangeOf } from "./Place.ts"
import { checkSiblings } from "./Words.ts"

import { headFields, opcodeField } from "../print/RunFrame.ts"
/** Names that generated code needs for itself. */
const globals = new Set([
  "Array",
  "BigInt",
  "DataView",
  "Error",
  "Infinity",
  "Object",
  "Omit",
  "Pick",
  "Promise",
  "ReadonlyArray",
  "String",
  "Uint8Array",
  "Packet",
  "States",
  "Kind",
  "Opcode",
  "CommandTable",
  "Status"
])

/** Integers whose bits have names: operators on bits take 32 and know no sign. */
const flagInts = new Set<IntName>(["u8", "u16", "u32"])

/** All findings about a protocol, without those about its examples. */
export const checkModel = (built: Built): ReadonlyArray<Complaint> => [...built.complaints, ...rules(built)]

function* rules(built: Built): Iterable<Complaint> {
  const context = new Context(built.model, ".ts")
  const states = built.model.states.map((state) => state.name)
  for (const [name, value] of built.types) {
    if (context.from(name) !== context.local("Types")) continue
    yield* checkNamed({ context, value, path: [], states }, context.named(name))
    if (!context.isFinite(name)) {
      yield {
        rule: "WW251",
        value,
        path: [],
        message: `a ${name} contains another ${name} in every case, so none ever ends`,
        hint: "let an array, an optional or another case end it"
      }
    }
  }
  yield* checkOrders(built)
  if (built.protocol.kind === "types") return
  yield* checkFrame(built)
  if (built.protocol.base === undefined) yield* checkKinds(built, built.protocol.frame)
  yield* checkCommands(built, context, states)
  yield* checkReplaced(built)
  yield* checkConversation(built)
}

function* checkNamed(place: Place, type: NamedTypeModel): Iterable<Complaint> {
  if (!isIdentifier(type.name) || type.name !== pascal(type.name) || globals.has(type.name)) {
    yield at(
      place,
      "WW104",
      [],
      `${JSON.stringify(type.name)} cannot be the name of a generated type`,
      globals.has(type.name) || !isIdentifier(pascal(type.name))
        ? "choose a PascalCase name that generated code does not use itself"
        : `types are PascalCase: write ${pascal(type.name)}`
    )
  }
  switch (type.kind) {
    case "struct":
      yield* checkRecord(place, type.fields, new Map())
      return
    case "choice":
    case "nibbleFrames": {
      const range = type.kind === "choice" ? type.tag === undefined ? rangeOf("u32") : numberRange(type.tag) : { min: 0n, max: 270n }
      yield* checkUnique(place, type.cases.map((one) => [one.name, one.tag]), range, "tag")
      for (const one of type.cases) {
        yield* checkRecord({ ...place, path: [...place.path, one.name] }, one.fields, new Map([["_tag", "the tag"]]))
      }
      return
    }
    case "flags": {
      if (!flagInts.has(type.int)) {
        yield at(place, "WW135", [], `a ${type.int} cannot carry flags`, `use ${[...flagInts].join(", ")}`)
        return
      }
      const range = { min: 0n, max: BigInt(intSize(type.int) * 8 - 1) }
      yield* checkUnique(place, type.bits.map((one) => [one.name, one.bit]), range, "bit")
      const known = new Set(type.bits.map((one) => one.name))
      for (const name of [...type.exclusive.flat(), ...type.requires.flatMap(({ bit, needs }) => [bit, ...needs])]) {
        if (!known.has(name)) {
          yield at(place, "WW134", [], `a rule names the bit ${name}, which is not there`, `name one of: ${[...known].join(", ")}`)
        }
      }
      return
    }
    case "enumeration":
      if (intSize(type.int) === 8) {
        yield at(place, "WW135", [], `a ${type.int} cannot carry an enumeration`, "use an integer of at most 32 bits, or constants")
        return
      }
      yield* checkUnique(place, type.values.map((one) => [one.name, one.value]), rangeOf(type.int), "value")
  }
}

/** Names that fit, numbers that fit and differ. */
function* checkUnique(
  place: Place,
  entries: ReadonlyArray<readonly [string, number]>,
  { max, min }: { readonly max: bigint; readonly min: bigint },
  what: string
): Iterable<Complaint> {
  const seen = new Map<number, string>()
  for (const [name, number] of entries) {
    if (!isPropertyName(name)) {
      yield at(
        place,
        "WW120",
        [name],
        `${JSON.stringify(name)} cannot be a property name`,
        "use letters and digits, beginning with a letter"
      )
    }
    if (!Number.isSafeInteger(number) || number < min || number > max) {
      yield at(place, "WW130", [name], `${what} ${number} does not fit`, `a ${what} is ${min}…${max}, and exact as a number`)
    } else if (seen.has(number)) {
      yield at(place, "WW112", [name], `${what} ${number} is ${seen.get(number)} already`, `give ${name} another ${what}`)
    }
    seen.set(number, name)
  }
}

function* checkRecord(place: Place, fields: ReadonlyArray<FieldModel>, taken: ReadonlyMap<string, string>): Iterable<Complaint> {
  const all = flattened(fields)
  yield* checkNames(place, all, taken)
  yield* checkReferences(place, all)
  yield* checkSiblings(place, all, slicesOf(fields))
  yield* checkRun(place, fields, measuredFields(fields))
}

function* checkCommands(built: Built, context: Context, states: ReadonlyArray<string>): Iterable<Complaint> {
  const opcodes = new Map<string, ReadonlyArray<CommandModel>>()
  const tags = new Map<string, string>()
  const families = new Map<string, string>()
  for (const [model, value] of built.commands) {
    const place: Place = { context, value, path: [], states }
    if (!isIdentifier(model.name) || model.name !== pascal(model.name) || globals.has(model.name)) {
      yield at(
        place,
        "WW104",
        [],
        `${model.name} cannot be the name of a packet`,
        "choose a PascalCase name that generated code does not use itself"
      )
    }
    if (!families.has(model.family.toLowerCase()) && !isFileName(model.family)) {
      yield at(place, "WW105", [], `no module can be named ${JSON.stringify(model.family)} after the spec file`, "rename the spec file")
    }
    const namesake = families.get(model.family.toLowerCase())
    if (namesake !== undefined && namesake !== model.family) {
      yield at(
        place,
        "WW105",
        [],
        `the modules ${namesake} and ${model.family} differ only in the case of letters`,
        "rename one of the spec files: some file systems have room for one of them"
      )
    }
    families.set(model.family.toLowerCase(), model.family)
    yield* checkKind(built, place, model, context)
    const key = `${model.kinds.request} ${model.isOpcodeless === true ? model.name : model.opcode}`
    const sharing = opcodes.get(key)
    if (sharing !== undefined && !areTold(context, model, sharing)) {
      yield at(
        place,
        "WW102",
        ["opcode"],
        `opcode ${hex(model.opcode)} is ${sharing.map(({ name }) => name).join(", ")} already`,
        "one opcode, one command; or begin the content of each with a constant or literal of its own"
      )
    }
    opcodes.set(key, [...sharing ?? [], model])
    for (const packet of packetsOf(context, model).filter((one) => one.kind !== undefined)) {
      if (tags.has(packet.tag)) {
        yield at(
          place,
          "WW103",
          [],
          `${packet.tag} is the name of a packet of ${tags.get(packet.tag)} already`,
          "rename one of the commands"
        )
      }
      tags.set(packet.tag, model.name)
    }
    yield* checkPackets(place, model, context, value)
  }
}

/** Whether a packet begins otherwise than those that have its opcode. */
const areTold = (context: Context, model: CommandModel, others: ReadonlyArray<CommandModel>): boolean => {
  if (context.model.frame.kinds.find(({ name }) => name === model.kinds.request)?.run === undefined) return false
  const heads = (command: CommandModel): ReadonlyArray<string> =>
    command.request.map(({ sections }) => headOf(sections.flatMap(({ fields }) => fields)).text)
  return heads(model).every((text) =>
    others.flatMap(heads).every((other) => text !== "" && other !== "" && !text.startsWith(other) && !other.startsWith(text))
  )
}

function* checkKind(built: Built, place: Place, model: CommandModel, context: Context): Iterable<Complaint> {
  const kind = context.model.frame.kinds.find((one) => one.name === model.kinds.request)
  if (kind === undefined) {
    yield at(
      place,
      "WW106",
      [],
      `the frame has no kind ${model.kinds.request}`,
      `it has ${context.model.frame.kinds.map((one) => one.name).join(", ")}`
    )
    return
  }
  for (const name of model.kinds.also ?? []) {
    const other = context.model.frame.kinds.find((one) => one.name === name)
    const alike = ({ answers, headers, run, shared }: typeof kind): string => JSON.stringify([answers, headers, run, shared])
    if (other === undefined || name === kind.name || alike(other) !== alike(kind)) {
      yield at(
        place,
        "WW106",
        [],
        `packets of ${name} cannot be packets of ${kind.name} also`,
        "name another kind that has the same header and end"
      )
    }
  }
  if (built.protocol.kind !== "protocol") return
  // what a header lacks is said once
  const first = [...built.commands].find(([one, value]) => one.kinds.request === kind.name && value.opcode !== undefined)?.[0]
  yield* checkCommand(model, built.commands.get(model)!, kind, built.protocol.frame, first === model)
}

/** Header fields that are read before a packet's own. */
const headerFields = (kind: KindModel): ReadonlyArray<FieldModel> =>
  kind.run?.fields ??
    (kind.headers[0]?.fields ?? []).flatMap((field): ReadonlyArray<FieldModel> =>
      field.role === "field" ? [{ name: field.name, type: field.type }] : []
    )

function* checkPackets(place: Place, model: CommandModel, context: Context, value: object): Iterable<Complaint> {
  const written = value as { readonly responses?: { readonly [status: string]: unknown } }
  const known = new Set(context.model.statuses.map((one) => one.name))
  for (const [name, content] of Object.entries(written.responses ?? {})) {
    if (!known.has(name)) {
      yield at(place, "WW107", ["responses", name], `no status is named ${name}`, "use a name of the frame's status table")
    }
    if (typeof content === "string" && typeof written.responses?.[content] !== "object") {
      yield at(
        place,
        "WW107",
        ["responses", name],
        `${name} is said to be like ${content}, which has no content`,
        "name an outcome with a content of its own"
      )
    }
  }
  for (const packet of packetsOf(context, model)) {
    if (packet.kind === undefined) continue
    const path = packet.statuses.length === 0
      ? ["request"]
      : ["responses", model.responses.find((one) => one.statuses === packet.statuses)!.name]
    const header = new Map<string, string>([
      ["_tag", "the tag"],
      ["layout", "the name of the layout"],
      ...(packet.kind.run === undefined
        ? ["opcode"]
        : [opcodeField(packet.kind)?.name ?? [], headFields(context, packet.kind).map(({ name }) => name)].flat())
        .map((name): [string, string] => [name, "the header"]),
      ...visibleFields(packet.kind).map((field): [string, string] => [field.name, "the header"]),
      ...packet.kind.shared.map(({ section }): [string, string] => [section, "the header"])
    ])
    for (const layout of packet.layouts) {
      const here = { ...place, path: [...path, ...(layout.name === undefined ? [] : [layout.name])], most: context.model.frame.maxFrame }
      yield* checkLayout(here, layout, header, headerFields(packet.kind))
    }
    yield* checkApart({ ...place, path }, packet.layouts, (layout) => layoutConditions(context, packet.kind, layout))
  }
}

function* checkLayout(
  place: Place,
  layout: LayoutModel,
  header: ReadonlyMap<string, string>,
  outer: ReadonlyArray<FieldModel>
): Iterable<Complaint> {
  const sections = place.context.model.frame.sections
  if (layout.name !== undefined && !isIdentifier(layout.name)) {
    yield at(place, "WW141", [], `${JSON.stringify(layout.name)} cannot be the name of a layout`, "use letters, digits and underscores")
  }
  for (const { section } of layout.sections) {
    if (!sections.includes(section)) {
      yield at(place, "WW108", [section], `packets have no section ${section}`, `the sections are ${sections.join(", ")}`)
    }
  }
  const ordered = sections.flatMap((section) => layout.sections.filter((one) => one.section === section))
  const all = ordered.flatMap(({ section, fields }) => flattened(fields, [section]))
  yield* checkNames(place, all, header)
  yield* checkReferences(place, all)
  const slices = slicesOf([...outer, ...ordered.flatMap(({ fields }) => fields)])
  yield* checkSiblings(place, all, slices, flattened(outer).map(([, field]) => field))
  const measured = measuredFields(all.map(([, field]) => field))
  for (const { section, fields } of ordered) yield* checkRun({ ...place, path: [...place.path, section] }, fields, measured)
}

/** Layouts must differ in the length of a section or in a constant; otherwise the one with more constants must have more. */
function* checkApart(
  place: Place,
  layouts: ReadonlyArray<LayoutModel>,
  conditionsOf: (layout: LayoutModel) => LayoutConditions
): Iterable<Complaint> {
  const all = layouts.map((layout) => ({ layout, ...conditionsOf(layout) }))
  for (const [index, one] of all.entries()) {
    const other = all.slice(0, index).find((earlier) => !areApart(earlier, one))
    if (other === undefined) continue
    yield at(
      place,
      "WW140",
      one.layout.name === undefined ? [] : [one.layout.name],
      `layout ${one.layout.name} cannot be told from ${other.layout.name}`,
      "let them differ in the length of a section, or put a different constant in each"
    )
  }
}

const areApart = (a: LayoutConditions, b: LayoutConditions): boolean => {
  for (const [section, sizes] of a.sizes) {
    const others = b.sizes.get(section)
    if (others !== undefined && !sizes.some((size) => others.includes(size))) return true
  }
  for (const [at, value] of a.values) if (b.values.has(at) && b.values.get(at) !== value) return true
  return a.values.size !== b.values.size
}
