/**
 * How messages with one head are told apart: which are tried first, and what is tested.
 *
 * The checker interprets this and the printer of decoders compiles it, so that both agree.
 */
import type { MessageModel, PartModel, TextModel } from "@wirewright/codec/TextModel"
import { compare } from "../Module.ts"
import { integerPattern, isTypedText } from "./Spelling.ts"

/** A side of the conversation. */
export type Side = "client" | "server"

/** Both sides. */
export const sides: ReadonlyArray<Side> = ["client", "server"]

/** A message and the protocol that describes it. */
export interface Known {
  readonly message: MessageModel
  /** Undefined for the protocol itself. */
  readonly from: TextModel | undefined
}

/** Whether a side sends a message. */
export const sends = (side: Side, message: MessageModel): boolean => message.sender === "both" || message.sender === side

/** Everything a protocol speaks, its base's messages included. Bases nearest first. */
export const effective = (model: TextModel, bases: ReadonlyArray<TextModel>): ReadonlyArray<Known> => {
  const known = new Map<string, Known>()
  for (const one of [...bases].reverse()) apply(known, one, one)
  apply(known, model, undefined)
  return [...known.values()]
}

const apply = (known: Map<string, Known>, model: TextModel, from: TextModel | undefined) => {
  for (const name of model.removes) known.delete(name)
  for (const message of model.messages) known.set(message.name, { message, from })
}

/** The part without its optional. */
export const inner = (part: PartModel): PartModel => part.kind === "optionalPart" ? inner(part.of) : part

/** Fewest and most fields; the latter is infinite with a rest. */
export const fieldCounts = (message: MessageModel): { readonly min: number; readonly max: number } => ({
  min: message.fields.filter(({ type }) => type.kind !== "optionalPart" && type.kind !== "restParts").length,
  max: message.fields.some(({ type }) => type.kind === "restParts") ? Infinity : message.fields.length
})

const testable = new Set<PartModel["kind"]>(["integer", "truth", "typed", "jsonText"])

const literals = (message: MessageModel) => message.fields.filter(({ type }) => type.kind === "literal").length

const tested = (message: MessageModel) => message.fields.filter(({ type }) => testable.has(inner(type).kind)).length

/** The order in which messages of one head are tried: more literals, no rest, more that can be tested, name. */
export const byPrecedence = (a: MessageModel, b: MessageModel): number =>
  literals(b) - literals(a) ||
  Number(fieldCounts(a).max === Infinity) - Number(fieldCounts(b).max === Infinity) ||
  tested(b) - tested(a) ||
  compare(a.name, b.name)

/** Whether fields fit a part. */
export const fits = (part: PartModel, field: string): boolean => {
  switch (part.kind) {
    case "literal":
      return field === part.value
    case "integer":
      return integerPattern.test(field) && Number.isSafeInteger(Number(field))
    case "truth":
      return field === "T" || field === "F"
    case "typed":
      return isTypedText(field)
    case "jsonText":
      return field.startsWith("{") || field.startsWith("[")
    case "optionalPart":
      return fits(part.of, field)
    default:
      return true
  }
}

/** Whether fields, head not included, are this message's. */
export const matches = (message: MessageModel, fields: ReadonlyArray<string>): boolean => {
  const { min, max } = fieldCounts(message)
  return fields.length >= min && fields.length <= max &&
    message.fields.every(({ type }, index) => type.kind === "restParts" || fields[index] === undefined || fits(type, fields[index]))
}

/** Whether `later` can never be reached because `earlier` takes everything it would. */
export const hides = (earlier: MessageModel, later: MessageModel): boolean => {
  const [one, other] = [fieldCounts(earlier), fieldCounts(later)]
  if (other.min < one.min || other.max > one.max) return false
  return earlier.fields.every(({ type }, index) => {
    const part = inner(type)
    if (part.kind === "restParts" || part.kind === "text") return true
    const against = later.fields[index]?.type
    return against !== undefined && covers(part, inner(against))
  })
}

const covers = (part: PartModel, by: PartModel): boolean =>
  by.kind === "literal"
    ? fits(part, by.value)
    : part.kind !== "literal" && part.kind === by.kind || part.kind === "typed" && by.kind === "truth"
