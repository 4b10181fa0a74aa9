/** Turns planned modules into text. Line breaks and indentation are the formatter's business, those of comments ours. */
import type { Declaration, Module } from "./Module.ts"
import { lineWidth } from "./Width.ts"

/** Text that does not end the comment around it. */
const inComment = (text: string): string => text.replaceAll("*/", "*\\/")

/** Breaks a paragraph into lines of at most `width` characters, where its words allow it. */
export const wrapped = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

/** A documentation comment, a line each; on one line where it fits. `indent` is what will stand before it. */
export const comment = (doc: string | undefined, indent = 0): ReadonlyArray<string> => {
  if (doc === undefined || doc === "") return []
  const text = inComment(doc)
  if (!text.includes("\n") && text.length + indent + "/**  */".length <= lineWidth) return [`/** ${text} */`]
  const lines = text.split("\n").flatMap((line) => line === "" ? [""] : wrapped(line, lineWidth - indent - " * ".length))
  return ["/**", ...lines.map((line) => line === "" ? " *" : ` * ${line}`), " */"]
}

const withInternal = (doc: string | undefined, internal: boolean | undefined): string | undefined =>
  internal === true ? [...(doc === undefined ? [] : [doc]), "@internal"].join("\n\n") : doc

const lines = (declaration: Declaration): ReadonlyArray<string> => {
  switch (declaration.kind) {
    case "interface": {
      const { name, properties } = declaration
      const bases = declaration.extends ?? []
      const head = `export interface ${name}${bases.length === 0 ? "" : ` extends ${bases.join(", ")}`}`
      return [
        ...comment(declaration.doc),
        ...properties.length === 0
          ? [`${head} {}`]
          : [
            `${head} {`,
            ...properties.flatMap((one) => [
              ...comment(one.doc, 2),
              `readonly ${one.name}${one.optional === true ? "?" : ""}: ${one.type}`
            ]),
            "}"
          ]
      ]
    }
    case "alias":
      return [...comment(declaration.doc), `export type ${declaration.name} = ${declaration.type}`]
    case "function": {
      const parameters = declaration.parameters.map((one) =>
        `${one.name}${one.optional === true ? "?" : ""}: ${one.type}${one.default === undefined ? "" : ` = ${one.default}`}`
      )
      return [
        ...comment(withInternal(declaration.doc, declaration.internal)),
        `export function ${declaration.name}${declaration.generics ?? ""}(${parameters.join(", ")}): ${declaration.returns} {`,
        ...declaration.body,
        "}"
      ]
    }
    case "arrow":
      return [
        ...comment(declaration.doc),
        `export const ${declaration.name}: ${declaration.type} = (${declaration.parameters.join(", ")}) =>${
          typeof declaration.body === "string" ? `\n${declaration.body}` : " {"
        }`,
        ...typeof declaration.body === "string" ? [] : [...declaration.body, "}"]
      ]
    case "const":
      return [
        ...comment(withInternal(declaration.doc, declaration.internal)),
        `export const ${declaration.name}${declaration.type === undefined ? "" : `: ${declaration.type}`} = ${declaration.value}`
      ]
    case "statement":
      return declaration.text.split("\n")
  }
}

const imports = (module: Module): ReadonlyArray<string> =>
  module.imports.flatMap(({ from, names, namespace, namespaceTypeOnly }) => {
    const typeOnly = names.every((one) => one.typeOnly)
    return [
      ...namespace === undefined ? [] : [`import ${namespaceTypeOnly === true ? "type " : ""}* as ${namespace} from "${from}"`],
      ...names.length === 0 ? [] : [
        `import ${typeOnly ? "type " : ""}{ ${
          names.map((one) => `${one.typeOnly && !typeOnly ? "type " : ""}${one.name}${one.as === one.name ? "" : ` as ${one.as}`}`).join(
            ", "
          )
        } } from "${from}"`
      ]
    ]
  })

/** Whether a declaration stands without an empty line after others like it. */
const isCompact = (text: ReadonlyArray<string>): boolean => text.length === 1 && !text[0]!.endsWith("{")

/** The text of a module under `header`; not formatted. */
export const print = (module: Module, header: string): string => {
  const out = [header, ...comment(module.doc), ...imports(module)]
  let before = isCompact([out.at(-1)!]) && module.imports.length > 0
  for (const declaration of module.declarations) {
    const text = lines(declaration)
    const compact = isCompact(text) && declaration.kind !== "alias"
    const isImport = declaration.kind === "statement" && declaration.text.startsWith("import ")
    if (!isImport && !(before && compact && declaration !== module.declarations[0])) out.push("")
    out.push(...text)
    before = compact && !isImport
  }
  return `${out.join("\n")}\n`
}

/** A text as a literal; a long one in pieces of whole words, since the formatter breaks no literal. */
export const quotedInLines = (text: string): string =>
  wrapped(text, 100).map((line, index, all) => JSON.stringify(index === all.length - 1 ? line : `${line} `)).join(" + ")
