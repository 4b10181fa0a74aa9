/** Rules for protocols over text: what generated code that scans strings can say. */
import { textOfHex } from "@wirewright/codec/Hex"
import { byPrecedence, headOfLine, hides, tokenOf } from "@wirewright/codec/Lines"
import { isOfKind } from "@wirewright/codec/Catalog"
import type { CommandModel, FieldModel, TypeModel } from "@wirewright/codec/Model"
import type { Command } from "@wirewright/dsl"
import type { Built } from "../Build.ts"
import { type Complaint, complaintsOf } from "../Finding.ts"
import { linesOf } from "./Print.ts"

const words = new Set<TypeModel["kind"]>(["utf8", "json", "decimal", "bool", "custom", "literal"])

/** Findings about a protocol over text; none about others. */
export const checkText = (built: Built): ReadonlyArray<Complaint> => {
  if (built.model.frame.over !== "text" || built.protocol.kind !== "protocol") return []
  const structure = [...checkKinds(built), ...[...built.commands].flatMap(([model, value]) => [...checkPacket(built, model, value)])]
  return structure.length > 0 ? structure : [...checkReachable(built)]
}

const isOneCharacter = (hex: string | undefined): boolean => hex !== undefined && /^[0-7][0-9a-f]$/.test(hex)

function* checkKinds(built: Built): Iterable<Complaint> {
  const { frame } = built.model
  const value = (built.protocol as { readonly frame: object }).frame
  const complain = complaintsOf(value)
  for (const { name, run } of frame.kinds) {
    if (run === undefined || run.fields.length > 0 || run.trailer.length > 0 || run.end !== "until" || !isOneCharacter(run.until)) {
      yield complain(
        "WW301",
        ["kinds", name],
        `${name} is framed by more than one character at its end`,
        "over text, a kind has no header, and `until` is an ASCII character"
      )
    } else if (run.until !== frame.kinds[0]!.run?.until) {
      yield complain(
        "WW301",
        ["kinds", name, "until"],
        `${name} ends otherwise than ${frame.kinds[0]!.name}`,
        "give all kinds the same `until`"
      )
    }
  }
  if (!((frame.minFrame ?? 1) >= 1 && (frame.minFrame ?? 1) < frame.maxFrame)) {
    yield complain("WW303", ["maxFrame"], "the limits contradict each other", "1 <= minFrame < maxFrame")
  }
}

function* checkPacket(built: Built, model: CommandModel, value: Command): Iterable<Complaint> {
  const { frame } = built.model
  const complain = complaintsOf(value)
  const [only, more] = model.request.flatMap(({ sections }) => sections.flatMap(({ fields }) => fields))
  const type = only?.type
  if (type?.kind !== "tokens" || more !== undefined || model.request.length > 1) {
    yield complain("WW302", [], `${model.name} is not one line of tokens`, "over text, a packet is one `tokens`, without layouts")
    return
  }
  const separators = [type.separator, frame.kinds[0]?.run?.until ?? ""]
  if (type.until !== undefined) yield complain("WW302", [], `the tokens of ${model.name} end twice`, "the kind's `until` ends them")
  if (!isOneCharacter(type.separator) || separators[0] === separators[1]) {
    yield complain(
      "WW301",
      [],
      `the separator of ${model.name} is no ASCII character of its own`,
      "give one character, other than the end's"
    )
  }
  const other = linesOf(built.model).find(({ separator }) => separator !== textOfHex(type.separator))
  if (other !== undefined && other.name < model.name) {
    yield complain("WW301", [], `${model.name} has another separator than ${other.name}`, "all packets have the same")
  }
  yield* checkTokens(
    type.fields,
    separators.map(textOfHex),
    (rule, field, message, hint) => complain(rule, ["fields", only!.name, field], message, hint)
  )
}

function* checkTokens(
  fields: ReadonlyArray<FieldModel>,
  separators: ReadonlyArray<string>,
  complain: (rule: string, field: string, message: string, hint: string) => Complaint
): Iterable<Complaint> {
  for (const [index, { name, type }] of fields.entries()) {
    const of = type.kind === "array" ? type.of : tokenOf(type)
    const next = fields[index + 1]
    const unusable = (text: string): boolean => text === "" || separators.some((separator) => text.includes(separator))
    const texts = of.kind === "literal" ? [of.hex] : of.kind === "bool" ? [of.true, of.false] : []
    const wrong = texts.map(textOfHex).find(unusable)
    if (wrong !== undefined) {
      yield complain("WW308", name, `${JSON.stringify(wrong)} is empty or holds a separator`, "separators end a token")
    }
    if (
      !words.has(of.kind) || of.kind === "decimal" && of.bits === 64 || "until" in of && of.until !== undefined ||
      "size" in of && of.size !== undefined
    ) {
      yield complain(
        "WW306",
        name,
        `${name} cannot be a token over text`,
        "use utf8(), json(), decimal() of up to 53 bits, bool(…), literal(…) or custom(…)"
      )
    }
    if (
      type.kind === "array" && (type.of.kind !== "utf8" || type.max !== undefined || type.min !== undefined || type.until !== undefined)
    ) {
      yield complain("WW306", name, `${name} cannot be a list over text`, "write array(utf8()), with a `max` of each text at most")
    }
    if (type.kind === "optional" && (of.kind === "literal" || type.if !== undefined)) {
      yield complain("WW309", name, `${name} cannot be optional over text`, "leave it out at the end, or make it another packet")
    }
    if (index === 0 && (type.kind === "optional" || type.kind === "array")) {
      yield complain("WW309", name, `${name} stands first and may be missing`, "put a token in front that is always there")
    }
    if (type.kind === "optional" && next !== undefined && next.type.kind !== "optional") {
      yield complain("WW310", name, `${name} is optional but ${next.name} after it is not`, "optional tokens stand at the end")
    }
    if (type.kind === "array" && next !== undefined) {
      yield complain("WW311", name, `${next.name} stands after all that is left`, "an array is the last token")
    }
    if ("max" in of && of.max !== undefined && of.max < 1) {
      yield complain("WW303", name, `${name} may have ${of.max} characters`, "give a positive number")
    }
  }
}

function* checkReachable(built: Built): Iterable<Complaint> {
  const known = linesOf(built.model)
  const heads = new Map(known.map((line) => [line, headOfLine(line)] as const))
  for (const line of known.filter(({ from }) => from === undefined)) {
    const value = built.commands.get(line.command)
    if (value === undefined) continue
    const hiders = built.model.frame.kinds.filter(({ name }) => isOfKind(line.command, name)).map(({ name }) =>
      known.find((other) =>
        other !== line && isOfKind(other.command, name) && (heads.get(other)!.length === 0) === (heads.get(line)!.length === 0) &&
        byPrecedence(other, line) < 0 && hides(other, line)
      )
    )
    const [first] = hiders
    if (first === undefined || hiders.includes(undefined)) continue
    yield {
      rule: "WW313",
      value,
      path: [],
      message: `${line.name} cannot be told from ${first.name}`,
      hint: "give one of them a literal, a different number of tokens or another kind"
    }
  }
}
