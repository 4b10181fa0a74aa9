/** The tables of a page: fields with their places, values of enumerations, bits of flags, statuses. */
import type { Catalog } from "@wirewright/codec/Catalog"
import { textOfHex } from "@wirewright/codec/Hex"
import type {
  BitFieldModel,
  EnumerationModel,
  FieldModel,
  FlagsModel,
  MeasureModel,
  NamedTypeModel,
  StatusModel,
  TypeModel
} from "@wirewright/codec/Model"
import { measureType } from "@wirewright/codec/words/Word"
import { unwrapped } from "@wirewright/codec/words/Sizes"
import { type Part, presenceOf } from "../layout/Placed.ts"
import { endText, plural, presenceText, shownText, sizeText, valueText } from "./Grid.ts"
import { anchor, code, prose, table } from "./Markdown.ts"

/** Where a page finds the others. */
export interface Paths {
  /** The directory of all pages, from the page's own: empty, or `../`. */
  readonly root: string
  /** Directories of protocols that describe types of this one, from `root`, by the names of the types. */
  readonly types: ReadonlyMap<string, string>
}

/** Link to a named type. */
export const typeLink = ({ root, types }: Paths, name: string): string =>
  `[${name}](${root}${types.get(name) ?? ""}types.md#${anchor(name)})`

/** The named type that a type is or holds, and those of what it holds. */
const refsIn = (type: TypeModel): ReadonlyArray<string> => {
  const own = "ref" in type ? [type.ref] : []
  const inner = [
    ..."of" in type && typeof type.of === "object" ? refsIn(type.of as TypeModel) : [],
    ...type.kind === "when" && type.else !== undefined ? refsIn(type.else) : []
  ]
  return [...own, ...inner]
}

/** A type in words, the names of types linked. */
export const typeText = (catalog: Catalog, paths: Paths, type: TypeModel): string => {
  const words = type.kind === "when" && type.else !== undefined
    ? `${catalog.summary(type.of)}, else ${catalog.summary(type.else)}`
    : catalog.summary(type)
  const refs = [...new Set(refsIn(type))]
  const link = (text: string): string =>
    text.replaceAll(/[\w.[\]]+/g, (word) => refs.includes(word) ? typeLink(paths, word) : word.replaceAll(/[[\]_]/g, "\\$&"))
  return link(words)
}

const limitsOf = (type: TypeModel): ReadonlyArray<string> => {
  const of = unwrapped(type)
  switch (of.kind) {
    case "bytes":
    case "utf8":
    case "json":
    case "text": {
      const { max, min, pad, until } = of
      return [
        ...min === undefined ? [] : [`At least ${plural(min)}.`],
        ...max === undefined ? [] : [`At most ${plural(max)}.`],
        ...pad === undefined ? [] : [`Filled with ${code(shownText(textOfHex(pad)))}.`],
        ...until === undefined ? [] : [`Ends with ${code(shownText(textOfHex(until)))}.`],
        ...of.kind === "utf8" && of.invalid === "error" ? ["Only valid UTF-8."] : []
      ]
    }
    case "array": {
      const { max, min, until } = of
      return [
        ...limitsOf(of.of),
        ...min === undefined ? [] : [`At least ${min} elements.`],
        ...max === undefined ? [] : [`At most ${max} elements.`],
        ...until === undefined ? [] : [`Ends where ${code(shownText(textOfHex(until)))} stands in place of an element.`]
      ]
    }
    case "decimal":
      return of.until === undefined ? [] : [`Ends with ${code(shownText(textOfHex(of.until)))}.`]
    case "counted":
      return [
        ...limitsOf(of.of),
        ...of.max === undefined ? [] : [`At most ${of.max} elements.`],
        ...of.absent === undefined ? [] : [`A count of ${of.absent} means null.`]
      ]
    case "prefixed":
      return [
        ...limitsOf(of.of),
        ...of.plus === undefined ? [] : [`The length is ${of.plus} more than the bytes it counts.`],
        ...of.absent === undefined ? [] : [`A length of ${of.absent} means null.`],
        ...of.trailer === undefined ? [] : [`${code(shownText(textOfHex(of.trailer)))} follows.`]
      ]
    case "lengthOf":
    case "countOf": {
      const { absent, plus, unit } = of
      return [
        ...unit === undefined ? [] : [`In units of ${unit} bytes.`],
        ...plus === undefined ? [] : [`${Math.abs(plus)} ${plus < 0 ? "less" : "more"} than what it measures.`],
        ...absent === undefined ? [] : [`${absent} means null.`]
      ]
    }
    case "bodyLength": {
      const from = {
        body: "Counts what follows the header.",
        frame: "Counts the whole packet.",
        length: "Counts from its own first byte on.",
        field: "Counts what follows it."
      }[of.from]
      return [from, ...of.plus === 0 ? [] : [`${of.plus} is added to it.`]]
    }
    case "reserved":
      return [{ keep: "Kept as it is.", ignore: "Ignored when it is read.", error: "Must be zero." }[of.policy]]
    case "align":
      return of.policy === "ignore" ? ["Ignored when it is read."] : []
    case "struct":
    case "choice":
      return of.depth === undefined ? [] : [`At most ${of.depth} within one another.`]
    case "bool":
      return [`${code(shownText(textOfHex(of.true)))} is true, ${code(shownText(textOfHex(of.false)))} false.`]
    case "custom":
      return [`Read by code of its own; at least ${plural(of.minimum)}.`]
    case "tokens":
      return of.rest === true ? ["The last token is the rest of the line, separators included."] : []
    default:
      return []
  }
}

/** What a length or count in bits says. */
const measureText = (field: BitFieldModel, measures: MeasureModel): ReadonlyArray<string> => [
  `${measures.counts === "elements" ? "Count" : "Length"} of ${[measures.target].flat().map(code).join(" and ")}.`,
  ...limitsOf(measureType(field, measures))
]

const presenceSentence = (catalog: Catalog, type: TypeModel): ReadonlyArray<string> => {
  const presence = presenceOf(type)
  if (presence === undefined) return []
  const { requires, when } = presence
  const words = presenceText(type)
  const isState = when !== undefined && !when.isSibling && catalog.states.some(({ name }) => name === when.state)
  return [
    ...words === undefined
      ? []
      : [`${words === "or nothing" ? "May be missing" : `There ${words}`}${isState ? " (a state of the connection)" : ""}.`],
    ...when?.hasElse === true
      ? [
        `${isState ? "In the state" : "Where"} ${code(when.state)}${
          when.from === undefined && when.to === undefined
            ? ""
            : ` is ${when.from ?? 0}${when.to === undefined ? " or more" : ` to ${when.to}`}`
        } this, else the other.`
      ]
      : [],
    ...requires === undefined ? [] : [`Not without ${code(requires)}.`]
  ]
}

/** What is to be said of a field: its comment, what it always is, when it is there, its limits. */
export const meaningText = (
  catalog: Catalog,
  { doc, type }: Pick<FieldModel, "doc" | "type">,
  value?: string
): string =>
  [
    ...doc === undefined ? [] : [/[.!?]$/.test(doc.trim()) ? prose(doc.trim()) : `${prose(doc.trim())}.`],
    ...value === undefined ? [] : [`Always ${code(value)}.`],
    ...presenceSentence(catalog, type),
    ...limitsOf(type)
  ].join(" ")

const offsetText = ({ after, offset }: Part): string =>
  after === undefined ? String(offset) : offset === 0 ? `after ${after}` : `after ${after} + ${offset}`

/** The rows of fields within tokens, which have no place of their own. */
const tokenRows = (catalog: Catalog, paths: Paths, type: TypeModel): ReadonlyArray<ReadonlyArray<string>> =>
  type.kind !== "tokens" ? [] : type.fields.filter((field) => field.type.kind !== "literal").map((field) => [
    "",
    "",
    code(field.name),
    typeText(catalog, paths, field.type),
    meaningText(catalog, field)
  ])

/** The table of placed parts. */
export const partTable = (catalog: Catalog, paths: Paths, parts: ReadonlyArray<Part>): string =>
  table(
    ["Offset", "Bytes", "Field", "Type", "Meaning"],
    parts.flatMap((part) => {
      const end = endText(part)
      const own = [
        offsetText(part),
        `${sizeText(part).replace(/ bytes?$/, "")}${end === undefined || part.size !== undefined ? "" : ` (${end})`}`,
        code(part.name),
        typeText(catalog, paths, part.type),
        meaningText(catalog, part, valueText(part))
      ]
      const bits = (part.bits ?? []).map(({ field, value }) => [
        "",
        field.high === field.low ? `bit ${field.high}` : `bits ${field.high}-${field.low}`,
        code(field.name),
        field.ref === undefined ? "" : typeLink(paths, field.ref),
        [
          ...field.doc === undefined ? [] : [prose(field.doc)],
          ...value === undefined ? [] : [`Always ${code(String(value))}.`],
          ...field.presenceOf === undefined
            ? []
            : [`1 where ${field.presenceOf.map(code).join(", ")} ${field.presenceOf.length > 1 ? "are" : "is"} there.`],
          ...field.measures === undefined ? [] : measureText(field, field.measures),
          ...field.tagOf === undefined ? [] : [`Says which case ${code(field.tagOf)} is.`],
          ...field.role === "opcode" ? ["Says which packet it is."] : [],
          ...field.role === "bodyLength" ? ["Length of the packet."] : [],
          ...field.escaped === undefined
            ? []
            : [`Up to ${field.escaped.max} the number itself; ${
              field.escaped.escapes.map((one) => `${one.value}: it follows as ${one.of.int}`).join("; ")
            }.`]
        ].join(" ")
      ])
      return [own, ...bits, ...tokenRows(catalog, paths, part.type)]
    })
  )

/** The table of fields without places, for text. */
export const fieldTable = (catalog: Catalog, paths: Paths, fields: ReadonlyArray<FieldModel>): string =>
  table(
    ["Field", "Type", "Meaning"],
    fields.flatMap((field): ReadonlyArray<ReadonlyArray<string>> => {
      const { name, type } = field
      if (type.kind === "literal" && field.doc === undefined) return []
      const rows = tokenRows(catalog, paths, type).map((row) => row.slice(2))
      return type.kind === "tokens"
        ? rows
        : [[
          code(name),
          typeText(catalog, paths, type),
          meaningText(catalog, field, type.kind === "literal" ? shownText(textOfHex(type.hex)) : undefined)
        ]]
    })
  )

const hexOf = (value: number, digits: number): string => value < 0 ? String(value) : `0x${value.toString(16).padStart(digits, "0")}`

/** The values of an enumeration. */
export const enumerationTable = ({ int, values }: EnumerationModel): string => {
  const isText = values.every(({ value }) => value > 32 && value < 127) && values.length > 0
  return table(
    ["Value", "Name", "Meaning"],
    values.map(({ doc, name, value }) => [
      isText ? `${hexOf(value, 2)} ${code(String.fromCharCode(value))}` : int.startsWith("i") ? String(value) : hexOf(value, 2),
      code(name),
      doc === undefined ? "" : prose(doc)
    ])
  )
}

/** The bits of flags, with their rules. */
export const flagsTable = ({ bits, exclusive, requires }: FlagsModel): string =>
  table(
    ["Bit", "Mask", "Name", "Meaning"],
    bits.map(({ bit, doc, name }) => [
      String(bit),
      hexOf(2 ** bit, 2),
      code(name),
      [
        ...doc === undefined ? [] : [prose(doc)],
        ...exclusive.filter((set) => set.includes(name)).map((set) =>
          `Not together with ${set.filter((one) => one !== name).map(code).join(", ")}.`
        ),
        ...requires.filter((one) => one.bit === name).map(({ needs }) => `Needs ${needs.map(code).join(", ")}.`)
      ].join(" ")
    ])
  )

/** What a client may do about a status. */
export const retryWords: { readonly [retry in StatusModel["retry"]]: string } = {
  success: "go on",
  retry: "ask again later: nothing happened",
  ambiguous: "find out: it may have happened",
  caller: "do not repeat it: the request is wrong",
  miss: "an expected outcome",
  fatal: "give up the connection or its state"
}

/** Rows of statuses. */
export const statusTable = (statuses: ReadonlyArray<StatusModel>): string =>
  table(
    ["Status", "Name", "Retry class", "What a client may do", "Meaning"],
    statuses.map(({ code: value, doc, name, retry }) => [
      hexOf(value, 4),
      code(name),
      code(retry),
      retryWords[retry],
      doc === undefined ? "" : prose(doc)
    ])
  )

/** The word for a named type. */
export const kindOfType = ({ kind }: NamedTypeModel): string =>
  ({
    struct: "record",
    choice: "one of several records",
    nibbleFrames: "list of tagged records",
    flags: "flags",
    enumeration: "named values"
  })[kind]
