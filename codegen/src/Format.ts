/**
 * Formats generated code as hand-written code is formatted here: with dprint, whose plugin for TypeScript is a WebAssembly module.
 *
 * The module takes a moment to compile, so this file is imported dynamically and only when generating.
 */
import { createFromBuffer } from "@dprint/formatter"
import { getPath } from "@dprint/typescript"
import * as Fs from "node:fs"
import { wrapped } from "./Print.ts"
import { lineWidth as standardWidth } from "./Width.ts"

/** The style of generated code. dprint's configuration of this repository says the same, and a test holds them against each other. */
export const style = {
  general: { lineWidth: standardWidth, newLineKind: "lf", useTabs: false, indentWidth: 2 },
  typescript: {
    "semiColons": "asi",
    "quoteStyle": "alwaysDouble",
    "trailingCommas": "never",
    "arrowFunction.useParentheses": "force",
    "operatorPosition": "maintain",
    "conditionalExpression.operatorPosition": "nextLine",
    "module.sortImportDeclarations": "maintain",
    "module.sortExportDeclarations": "maintain",
    "importDeclaration.sortNamedImports": "maintain",
    "exportDeclaration.sortNamedExports": "maintain"
  }
} as const

/** How generated code is formatted, where `style` is not wanted. */
export interface Formatting {
  /** Characters of a line. */
  readonly lineWidth?: number
  /** Spaces of an indentation. */
  readonly indentWidth?: number
  /** Whether a tab indents instead of spaces. */
  readonly useTabs?: boolean
  /** Whether statements end with a semicolon. */
  readonly semicolons?: boolean
  /** Quotes around text. */
  readonly quotes?: "double" | "single"
}

/** Lines of a comment that are longer than `width`, in several; the formatter leaves comments alone. */
const narrowed = (text: string, width: number): string =>
  text.split("\n").flatMap((line) => {
    if (line.length <= width) return [line]
    const [, indent = "", one, more] = /^( *)(?:\/\*\* (.*) \*\/| \* (.*))$/.exec(line) ?? []
    const words = one ?? more
    if (words === undefined) return [line]
    const lines = wrapped(words, Math.max(20, width - indent.length - " * ".length)).map((part) => `${indent} * ${part}`)
    return one === undefined ? lines : [`${indent}/**`, ...lines, `${indent} */`]
  }).join("\n")

/** A function that formats the text of a TypeScript file. It throws what the formatter says when the text is no TypeScript. */
export const formatter = (formatting: Formatting = {}): (path: string, text: string) => string => {
  const { general, typescript } = style
  const { indentWidth = general.indentWidth, lineWidth = general.lineWidth, useTabs = general.useTabs } = formatting
  const dprint = createFromBuffer(Fs.readFileSync(getPath()))
  dprint.setConfig({ ...general, indentWidth, lineWidth, useTabs }, {
    ...typescript,
    semiColons: formatting.semicolons === true ? "always" : typescript.semiColons,
    quoteStyle: formatting.quotes === "single" ? "alwaysSingle" : typescript.quoteStyle
  })
  // what dprint has broken into lines it may join at a second look; its command looks again until nothing changes, too
  const settled = (filePath: string, fileText: string): string => {
    let text = fileText
    for (let look = 0; look < 5; look++) {
      const next = dprint.formatText({ filePath, fileText: text })
      if (next === text) break
      text = next
    }
    return text
  }
  return (filePath, fileText) => lineWidth < standardWidth ? narrowed(settled(filePath, fileText), lineWidth) : settled(filePath, fileText)
}
