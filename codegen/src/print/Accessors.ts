/** Prints functions that read and write single fields of a header, and tell where sections lie, without decoding the packet. */
import type { HeaderFieldModel, HeaderModel } from "@wirewright/codec/Model"
import type { Module, Parameter } from "../Module.ts"
import { hex, intSize, pascal } from "../Names.ts"
import { codec } from "./Codec.ts"
import type { Context } from "./Context.ts"
import { getInt } from "./Decode.ts"
import { fieldOf, headerSizeOf, visibleFields } from "./HeaderFields.ts"

/** A frame in bytes, of which a reader or a writer has a view. */
export const placeParameters = (module: Module): ReadonlyArray<Parameter> => [
  { name: "{ view }", type: `Pick<${module.useType(codec, "Reader")}, "view">` },
  { name: "at", type: "number" }
]

const placeOf = (offset: number): string => offset === 0 ? "at" : `at + ${offset}`

/** Prints the accessors of all header fields, and where the sections lie. */
export const printAccessors = (context: Context, module: Module): void => {
  const headers = context.model.frame.kinds.flatMap((kind) => kind.headers)
  const fields = [
    fieldOf(headers[0]!, "magic"),
    fieldOf(headers[0]!, "opcode"),
    fieldOf(headers[0]!, "bodyLength"),
    ...context.model.frame.kinds.flatMap(visibleFields)
  ].filter((field) => field !== undefined)
  const at = ({ int, offset }: HeaderFieldModel): string => `${int} ${offset}`
  for (const field of new Map(fields.map((one) => [one.name, one])).values()) {
    // of a field that lies elsewhere in another header nothing can be said without decoding
    const places = headers.flatMap((header) => header.fields.filter(({ name }) => name === field.name).map(at))
    if (new Set(places).size === 1) printField(context, module, field)
  }
  printSections(context, module, headers)
}

const printField = (context: Context, module: Module, field: HeaderFieldModel): void => {
  if (field.role === "field" && field.type.kind === "reserved") return
  const type = field.role === "field" ? context.typeText(module, field.type) : intSize(field.int) === 8 ? "bigint" : "number"
  module.add({
    kind: "function",
    name: `${field.name}At`,
    doc: field.doc ?? `The ${field.name} in the header at \`at\`.`,
    parameters: placeParameters(module),
    returns: type,
    body: [`return ${getInt(module, field.int, placeOf(field.offset), undefined)}`]
  })
  if (field.role === "magic" || field.role === "bodyLength" || intSize(field.int) === 3) return
  const size = intSize(field.int)
  module.add({
    kind: "function",
    name: `set${pascal(field.name)}At`,
    parameters: [...placeParameters(module), { name: "value", type }],
    returns: "void",
    body: [`view.set${size === 8 ? "Big" : ""}${field.int.startsWith("u") ? "Uint" : "Int"}${size * 8}(${placeOf(field.offset)}, value)`]
  })
}

/** Where sections lie depends on the header, which its magic tells. */
const printSections = (context: Context, module: Module, headers: ReadonlyArray<HeaderModel>): void => {
  const { sections } = context.model.frame
  const length = fieldOf(headers[0]!, "bodyLength")
  const magic = fieldOf(headers[0]!, "magic")
  const size = headerSizeOf(headers, magic === undefined ? "" : getInt(module, magic.int, placeOf(magic.offset), undefined))
  let start = `at + ${size}`
  sections.slice(0, -1).forEach((section, index) => {
    const expressions = headers.map((header) => {
      const field = header.fields.find((one) => one.role === "sectionLength" && one.section === section)
      return { magic: header.magic, text: field === undefined ? "0" : getInt(module, field.int, placeOf(field.offset), undefined) }
    })
    const texts = [...new Set(expressions.map(({ text }) => text))]
    // what most headers have needs no condition
    const ordered = texts.toSorted((a, b) => count(expressions, a) - count(expressions, b))
    const read = magic === undefined ? "" : getInt(module, magic.int, placeOf(magic.offset), undefined)
    const condition = (text: string): string =>
      expressions.filter((one) => one.text === text).map((one) => `${read} === ${hex(one.magic ?? 0)}`).join(" || ")
    module.add({
      kind: "function",
      name: `${section}LengthAt`,
      doc: `Bytes of the ${section} section.`,
      parameters: placeParameters(module),
      returns: "number",
      body: [`return ${ordered.slice(0, -1).reduceRight((rest, text) => `${condition(text)} ? ${text} : ${rest}`, ordered.at(-1)!)}`]
    })
    addStart(module, section, start, index > 0)
    start = `${section}At(from, at) + ${section}LengthAt(from, at)`
  })
  addStart(module, sections.at(-1)!, start, sections.length > 1)
  if (length === undefined) return
  module.add({
    kind: "function",
    name: "endAt",
    doc: "Where the frame at `at` ends.",
    parameters: placeParameters(module),
    returns: "number",
    body: [`return at + ${length.includesHeader ? "" : `${size} + `}${getInt(module, length.int, placeOf(length.offset), undefined)}`]
  })
}

const addStart = (module: Module, section: string, start: string, reads: boolean): void =>
  module.add({
    kind: "function",
    name: `${section}At`,
    doc: `Where the ${section} section begins.`,
    parameters: placeParameters(module).map((one, index) =>
      index > 0 ? one : start.includes("view.") ? one : { ...one, name: reads ? "from" : "_" }
    ),
    returns: "number",
    body: [`return ${start}`]
  })

const count = (expressions: ReadonlyArray<{ readonly text: string }>, text: string): number =>
  expressions.filter((one) => one.text === text).length
