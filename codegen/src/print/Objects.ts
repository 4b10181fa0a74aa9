/** Pieces of text that printers share: properties, object literals, and the locals of readers and writers. */
import type { FieldModel } from "@wirewright/codec/Model"
import type { Module, Property } from "../Module.ts"
import { flatFields } from "@wirewright/codec/words/Word"
import type { Context } from "./Context.ts"
import { isNullable } from "@wirewright/codec/words/Records"

/** Properties of a record's or packet's interface. */
export const properties = (module: Module, context: Context, fields: ReadonlyArray<FieldModel>): ReadonlyArray<Property> =>
  flatFields(fields).filter((field) => context.isVisible(field.type)).map((field) => ({
    name: field.name,
    doc: field.doc,
    optional: context.isOptional(field.type),
    type: `${context.typeText(module, field.type)}${isNullable(fields, field.name) ? " | null" : ""}${
      context.isOptional(field.type) ? " | undefined" : ""
    }`
  }))

/**
 * Statements whose errors are those of an element: `where` is packet and path of the list, `index` the element's, as expressions; so is
 * `values`, the list that is written.
 */
export const elementErrors = (
  printer: { use(name: string): string },
  where: string,
  index: string,
  lines: ReadonlyArray<string>,
  values?: string
): ReadonlyArray<string> => [
  "try {",
  ...lines,
  "} catch (error) {",
  values === undefined
    ? `  throw ${printer.use("inElement")}(error, ${where}, ${index})`
    : `  throw ${printer.use("inList")}(error, ${where}, ${index}, ${values})`,
  "}"
]

/** Entries of an object literal; `name: name` in short. */
export const literal = (entries: Iterable<readonly [string, string]>): ReadonlyArray<string> =>
  [...entries].map(([name, value]) => name === value ? `  ${name}` : `  ${name}: ${value}`)

const object = (head: string, entries: ReadonlyArray<string>): ReadonlyArray<string> =>
  entries.length === 0
    ? [`${head}{}`]
    : [`${head}{`, ...entries.map((line, index) => index === entries.length - 1 ? line : `${line},`), "}"]

/** Prints `return { … }`. */
export const returned = (entries: ReadonlyArray<string>): ReadonlyArray<string> => object("return ", entries)

const usesView = (lines: ReadonlyArray<string>): boolean => lines.some((line) => /\bview\./.test(line) || /\(view,/.test(line))
const usesBytes = (lines: ReadonlyArray<string>): boolean =>
  lines.some((line) => /(?<![.\w])bytes\b(?! )/.test(line.replaceAll(/"[^"]*"/g, "")))

/** Lines that give a writer function its locals. */
export const writerLocals = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const names = [...(usesBytes(lines) ? ["bytes"] : []), ...(usesView(lines) ? ["view"] : [])]
  return names.length === 0 ? [] : [`const { ${names.join(", ")} } = writer`]
}

/** Lines that give a reader function its locals. */
export const readerLocals = (lines: ReadonlyArray<string>): ReadonlyArray<string> => usesView(lines) ? ["const view = reader.view"] : []

/** Parameters of an arrow whose type says them all: those after the last one that is used are left out, others that are not are marked. */
export const usedParameters = (names: ReadonlyArray<string>, body: ReadonlyArray<string>): ReadonlyArray<string> => {
  const text = body.join("\n").replaceAll(/"(?:[^"\\]|\\.)*"/g, "")
  const isUsed = (name: string): boolean => new RegExp(`(?<![.\\w])${name}\\b(?!:)`).test(text)
  const last = names.findLastIndex(isUsed)
  return names.slice(0, last + 1).map((name) => isUsed(name) ? name : `_${name}`)
}
