/**
 * The line of a packet or record of text: literals as they stand, `<fields>`, `[what may be missing]`, `...` for repetition and `{CRLF}` for
 * characters that cannot be seen. `Notation` explains it to readers; `test/docs/Lines.ts` reads it back.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import { textOfHex } from "@wirewright/codec/Hex"
import type { ChoiceModel, FieldModel, TypeModel } from "@wirewright/codec/Model"
import { controlName } from "./Grid.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

const isPrintable = (text: string): boolean => [...text].every((one) => one >= " " && one <= "~" || controlName(one) !== undefined)

/** What a type has to do with text: it is text, it may stand in text, or it is bytes. */
type Nature = "text" | "neutral" | "bytes"

const both = (natures: ReadonlyArray<Nature>): Nature => natures.includes("bytes") ? "bytes" : natures.includes("text") ? "text" : "neutral"

const isLineEnd = (until: string | undefined): boolean => until !== undefined && until !== "00" && isPrintable(textOfHex(until))

const natureOf = (catalog: Catalog, type: TypeModel): Nature => {
  switch (type.kind) {
    case "tokens":
    case "decimal":
      return "text"
    case "literal":
      return isPrintable(textOfHex(type.hex)) ? "text" : "bytes"
    case "bool":
      return isPrintable(textOfHex(type.true) + textOfHex(type.false)) ? "text" : "bytes"
    case "bytes":
    case "utf8":
    case "json":
    case "text":
      return isLineEnd(type.until) ? "text" : "neutral"
    case "struct":
    case "custom":
      return "neutral"
    case "choice":
      return isTextChoice(catalog, catalog.typeOf("choice", type.ref)) ? "text" : "neutral"
    case "enumeration": {
      const named = catalog.typeOf("enumeration", type.ref)
      return named.int === "u8" && named.values.every(({ value }) => value > 32 && value < 127) ? "neutral" : "bytes"
    }
    case "optional":
    case "array":
      return both([natureOf(catalog, type.of), isLineEnd("until" in type ? type.until : undefined) ? "text" : "neutral"])
    case "prefixed":
    case "counted":
      return both([natureOf(catalog, type.by), natureOf(catalog, type.of)])
    case "lengthOf":
    case "countOf":
      return natureOf(catalog, type.of)
    default:
      return "bytes"
  }
}

const isTag = (code: number): boolean => code > 32 && code < 127

/** Whether a choice is one of texts: characters select the case. */
export const isTextChoice = (catalog: Catalog, { cases, tag }: ChoiceModel): boolean =>
  tag?.kind === "int" && tag.int === "u8" && cases.every((one) => isTag(one.tag)) &&
  both(cases.flatMap(({ fields }) => fields.map(({ type }) => shallow(catalog, type)))) !== "bytes" &&
  cases.some(({ fields }) => fields.length === 0 || fields.some(({ type }) => shallow(catalog, type) === "text"))

/** The nature of a type, for which records within it do not count: they may be what is asked about. */
const shallow = (catalog: Catalog, type: TypeModel): Nature => {
  if (type.kind === "choice" || type.kind === "struct") return "neutral"
  if (type.kind === "optional" || type.kind === "array") {
    return both([shallow(catalog, type.of), isLineEnd("until" in type ? type.until : undefined) ? "text" : "neutral"])
  }
  if (type.kind === "prefixed" || type.kind === "counted") return both([natureOf(catalog, type.by), shallow(catalog, type.of)])
  return natureOf(catalog, type)
}

/** Whether fields are text that people read as a line, rather than numbers in bytes. */
export const isText = (catalog: Catalog, fields: ReadonlyArray<FieldModel>): boolean =>
  both(fields.map(({ type }) => natureOf(catalog, type))) === "text"

const special = /[<>[\]{}"]|\.\.\./

/** Text as it stands in a line; what could be taken for the notation is in quotes. */
export const literalText = (text: string): string => {
  // oxlint-disable-next-line no-control-regex
  const parts = text.match(/\r\n|[\u0000-\u001f\u007f]|[^\u0000-\u001f\u007f]+/g) ?? []
  return parts.map((part) => {
    const name = controlName(part)
    return name !== undefined ? `{${name}}` : special.test(part) ? JSON.stringify(part) : part
  }).join("")
}

const ended = (hex: string | undefined): string => hex === undefined ? "" : literalText(textOfHex(hex))

const piece = (name: string, type: TypeModel): string => {
  switch (type.kind) {
    case "literal":
      return ended(type.hex)
    case "tokens":
      return tokensText(type)
    case "optional":
      return `[${piece(name, type.of)}]`
    case "prefixed":
      return `${piece(`${name}.length`, type.by)}${piece(name, type.of)}${ended(type.trailer)}`
    case "counted":
      return `${piece(`${name}.count`, type.by)}<${name}>...`
    case "array":
      return `<${name}>...${ended(type.until)}`
    case "lengthOf":
    case "countOf":
      return piece(name, type.of)
    default:
      return `<${name}>${ended("until" in type ? type.until : undefined)}`
  }
}

const isNeeded = ({ type }: FieldModel): boolean => type.kind === "array" ? (type.min ?? 0) > 0 : type.kind !== "optional"

const tokensText = ({ fields, separator, until }: Of<"tokens">): string => {
  const between = literalText(textOfHex(separator))
  let text = ""
  for (const [i, field] of fields.entries()) {
    const { name, type } = field
    // a separator belongs to what may be missing: to the one behind it, but where nothing that is needed stands before
    const isLead = !fields.slice(0, i).some(isNeeded)
    const isFollowed = fields.slice(i + 1).some(isNeeded)
    const [before, after] = isLead ? ["", isFollowed && !isNeeded(field) ? between : ""] : [between, ""]
    if (type.kind === "array") {
      const one = piece(name, type.of)
      text += isLead
        ? isNeeded(field) ? `${one}[${between}${one}]...` : `[${one}[${between}${one}]...${after}]`
        : isNeeded(field)
        ? `${between}${one}[${between}${one}]...`
        : `[${between}${one}]...`
    } else if (type.kind === "optional") text += `[${before}${piece(name, type.of)}${after}]`
    else text += `${before}${piece(name, type)}`
  }
  return `${text}${ended(until)}`
}

/** The line of some fields, with a line break for readers after each end of a line that something follows. `tag` is a character in front. */
export const lineText = (fields: ReadonlyArray<FieldModel>, options: { readonly tag?: number; readonly until?: string } = {}): string => {
  const { tag, until } = options
  const text = (tag === undefined ? "" : literalText(String.fromCharCode(tag))) +
    fields.map(({ name, type }) => piece(name, type)).join("") +
    ended(until)
  return text.replaceAll(/(\{(?:CRLF|LF)\})(?!$|\])/g, "$1\n")
}
