/** Rules for what a command says of its frame: its opcode, header fields, phase, and the command of a base that it replaces. */
import type { CommandModel, KindModel } from "@wirewright/codec/Model"
import { intWidth } from "@wirewright/codec/TypeText"
import type { Command, Frame, Protocol } from "@wirewright/dsl"
import { allCommands, type Built, codeOf } from "../Build.ts"
import { type Complaint, complaintsOf } from "../Finding.ts"
import { hex } from "../Names.ts"

/** Largest opcode that the header of a kind has room for; nothing when it has none. */
export const largestOpcode = (kind: KindModel): number | undefined => {
  for (const field of kind.headers[0]?.fields ?? []) if (field.role === "opcode") return 2 ** (8 * intWidth[field.int]) - 1
  for (const { type } of kind.run?.fields ?? []) {
    if (type.kind === "opcode") return 2 ** (8 * intWidth[type.of.int]) - 1
    if (type.kind !== "bits") continue
    const slice = type.fields.find(({ role }) => role === "opcode")
    if (slice !== undefined) return 2 ** (slice.high - slice.low + 1) - 1
  }
  return kind.run?.opcodeFrom === undefined ? undefined : Number.MAX_SAFE_INTEGER
}

/** Findings about a command and its frame. */
export function* checkCommand(model: CommandModel, value: Command, kind: KindModel, frame: Frame, isFirst: boolean): Iterable<Complaint> {
  const complain = complaintsOf(value)
  const largest = largestOpcode(kind)
  if (largest === undefined) {
    if (value.opcode !== undefined && isFirst) {
      yield complain(
        "WW109",
        ["opcode"],
        `the header of ${kind.name} has no opcode, so ${model.name}'s is written nowhere`,
        "add opcode(u8) to the header, or leave it out: packets are then told apart by their literals and constants"
      )
    }
  } else if (!Number.isSafeInteger(model.opcode) || model.opcode < 0 || model.opcode > largest) {
    yield complain("WW101", ["opcode"], `opcode ${model.opcode} does not fit the header`, `the largest is ${hex(largest)}`)
  } else if (value.opcode === undefined && kind.run === undefined) {
    yield complain("WW109", [], `${model.name} has no opcode`, "give it the one that the header then carries")
  }
  const fields = new Map<string, { readonly kind: string }>()
  for (const header of frame.kinds[kind.name]?.headers ?? []) {
    for (const [name, field] of Object.entries(header.fields)) {
      if (field.kind !== "bits") fields.set(name, field)
      else for (const [inner, slice] of Object.entries(field.fields)) fields.set(inner, slice)
    }
  }
  for (const name of Object.keys(value.header ?? {})) {
    const field = fields.get(name)
    const isPlain = field !== undefined && ["int", "slice", "enumeration", "flags", "statusCode"].includes(field.kind)
    if (!isPlain) {
      yield complain(
        "WW116",
        ["header", name],
        field === undefined ? `the header of ${kind.name} has no field ${name}` : `the header field ${name} is derived`,
        `it has ${
          [...fields].filter(([, { kind: one }]) => ["int", "slice", "enumeration", "flags"].includes(one)).map(([one]) => one).join(
            ", "
          ) || "none to fix"
        }`
      )
    }
  }
  if (value.then !== undefined && frame.phases?.[value.then] === undefined) {
    yield complain(
      "WW117",
      ["then"],
      `the frame has no phase ${value.then}`,
      `it has ${Object.keys(frame.phases ?? {}).join(", ") || "none: declare `phases`"}`
    )
  }
}

/** Findings about commands of an extension that take opcodes of its base. */
export function* checkReplaced(built: Built): Iterable<Complaint> {
  const { protocol } = built
  if (protocol.kind !== "protocol") return
  const inherited = protocol.base === undefined ? [] : allCommands(protocol.base as Protocol)
  for (const [model, value] of built.commands) {
    const taken = value.opcode === undefined
      ? undefined
      : inherited.find((one) =>
        one.kinds.request === value.kinds.request && one.opcode !== undefined && codeOf(one.opcode) === model.opcode
      )
    // the same name says as much
    if (taken !== undefined && (value.replaces ?? model.name) !== taken.name) {
      yield {
        rule: "WW115",
        value,
        path: ["opcode"],
        message: `opcode ${hex(model.opcode)} is ${taken.name}'s in ${protocol.base!.name}`,
        hint: `say replaces: ${JSON.stringify(taken.name)} if that is meant, or choose another opcode`
      }
    } else if (taken === undefined && value.replaces !== undefined) {
      const named = inherited.find(({ name }) => name === value.replaces)
      yield {
        rule: "WW115",
        value,
        path: ["replaces"],
        message: named === undefined
          ? `${protocol.base?.name ?? "nothing"} has no command ${value.replaces} to replace`
          : `${value.replaces} has another opcode, so it is not replaced`,
        hint: named === undefined ? "leave `replaces` out" : `give ${model.name} its opcode, ${hex(codeOf(named.opcode ?? 0))}`
      }
    }
  }
}
