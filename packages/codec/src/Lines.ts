/**
 * How packets are told apart that are lines of tokens and may begin alike, as those of protocols over text: by their leading literals, and
 * where these agree by further literals, by the number of tokens, and by what numbers, truth values, JSON and custom fields look like.
 *
 * The checker and `Layout` run this, and the printer of decoders compiles it, so that all agree. Decoders over bytes know packets by their
 * heads alone (`Heads`): of a packet whose end has not arrived, nobody can count the tokens.
 */
import type { Customs } from "./Catalog.ts"
import { textOfHex } from "./Hex.ts"
import type { CommandModel, FieldModel, TypeModel } from "./Model.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** A packet that is one line. */
export interface Line {
  readonly name: string
  readonly separator: string
  readonly fields: ReadonlyArray<FieldModel>
}

/** The line that a packet is; nothing when it is something else. */
export const lineOf = ({ name, request }: CommandModel): Line | undefined => {
  const [only, more] = request.flatMap(({ sections }) => sections.flatMap(({ fields }) => fields))
  return only?.type.kind !== "tokens" || more !== undefined || request.length > 1
    ? undefined
    : { name, separator: textOfHex(only.type.separator), fields: only.type.fields }
}

/** The literals a line begins with. */
export const headOfLine = ({ fields }: Line): ReadonlyArray<string> => {
  const end = fields.findIndex(({ type }) => type.kind !== "literal")
  return fields.slice(0, end < 0 ? fields.length : end).map(({ type }) => textOfHex((type as Of<"literal">).hex))
}

/** How many leading literals all lines have that have any; what follows these is tested. */
export const headDepth = (lines: ReadonlyArray<Line>): number => {
  const depths = lines.map((line) => headOfLine(line).length).filter((depth) => depth > 0)
  return depths.length === 0 ? 0 : Math.min(...depths)
}

/** What a token is when it is there. */
export const tokenOf = (type: TypeModel): TypeModel => type.kind === "optional" ? tokenOf(type.of) : type

/** Fewest and most tokens; the latter is infinite with an array. */
export const tokenCounts = (fields: ReadonlyArray<FieldModel>): { readonly min: number; readonly max: number } => ({
  min: fields.filter(({ type }) => type.kind !== "optional" && type.kind !== "array").length,
  max: fields.some(({ type }) => type.kind === "array") ? Infinity : fields.length
})

/** Words that not every text is a token of. */
export const isTestable = (type: TypeModel): boolean => ["decimal", "bool", "custom", "json"].includes(tokenOf(type).kind)

const literals = ({ fields }: Line): number => fields.filter(({ type }) => type.kind === "literal").length

const tested = ({ fields }: Line): number => fields.filter(({ type }) => isTestable(type)).length

/** The order in which lines are tried: more literals, no array, more that can be tested, name. */
export const byPrecedence = (a: Line, b: Line): number =>
  literals(b) - literals(a) ||
  Number(tokenCounts(a.fields).max === Infinity) - Number(tokenCounts(b.fields).max === Infinity) ||
  tested(b) - tested(a) ||
  (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

const integer = /^(0|-?[1-9][0-9]{0,15})$/

/** Whether text may be a token of a type. Without its face, any text may be a custom field. */
export const fitsToken = (type: TypeModel, text: string, customs: Customs): boolean => {
  switch (type.kind) {
    case "literal":
      return text === textOfHex(type.hex)
    case "decimal":
      return integer.test(text) && Number.isSafeInteger(Number(text))
    case "bool":
      return text === textOfHex(type.true) || text === textOfHex(type.false)
    case "custom":
      return customs[type.name]?.fits?.(text) ?? true
    case "json":
      return text.startsWith("{") || text.startsWith("[")
    case "optional":
      return fitsToken(type.of, text, customs)
    default:
      return true
  }
}

/** Whether tokens are a line's. */
export const fitsLine = ({ fields }: Line, tokens: ReadonlyArray<string>, customs: Customs): boolean => {
  const { max, min } = tokenCounts(fields)
  return tokens.length >= min && tokens.length <= max &&
    fields.every(({ type }, index) => type.kind === "array" || tokens[index] === undefined || fitsToken(type, tokens[index], customs))
}

/** Which of several lines tokens are; the last of those with their head when they are none of these, so that its decoder says why. */
export const chooseLine = <L extends Line>(lines: ReadonlyArray<L>, tokens: ReadonlyArray<string>, customs: Customs): L | undefined => {
  const depth = headDepth(lines)
  const begins = (line: L): boolean => headOfLine(line).slice(0, depth).every((literal, i) => tokens[i] === literal)
  const headed = depth === 0 ? [] : lines.filter((line) => headOfLine(line).length > 0 && begins(line))
  const group = (headed.length > 0 ? headed : lines.filter((line) => headOfLine(line).length === 0)).toSorted(byPrecedence)
  return group.find((line) => fitsLine(line, tokens, customs)) ?? group.at(-1)
}

/** Whether `later` can never be reached because `earlier`, of the same head, takes everything it would. */
export const hides = (earlier: Line, later: Line): boolean => {
  const [one, other] = [tokenCounts(earlier.fields), tokenCounts(later.fields)]
  if (other.min < one.min || other.max > one.max) return false
  return earlier.fields.every(({ type }, index) => {
    const of = tokenOf(type)
    if (of.kind !== "literal" && !isTestable(of)) return true
    const against = later.fields[index]?.type
    return against !== undefined && covers(of, tokenOf(against))
  })
}

const covers = (type: TypeModel, by: TypeModel): boolean => {
  // what a custom field takes only its own code knows
  if (by.kind === "literal") return type.kind !== "custom" && fitsToken(type, textOfHex(by.hex), {})
  if (type.kind === "decimal" || type.kind === "json") return type.kind === by.kind
  return type.kind !== "literal" && JSON.stringify(type) === JSON.stringify(by)
}
