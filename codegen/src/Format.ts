/**
 * Formats generated code as hand-written code is formatted here: with dprint, whose plugin for TypeScript is a WebAssembly module.
 *
 * The module takes a moment to compile, so this file is imported dynamically and only when generating.
 */
import { createFromBuffer } from "@dprint/formatter"
import { getPath } from "@dprint/typescript"
import * as Fs from "node:fs"
import { lineWidth } from "./Width.ts"

/** The style of generated code. dprint's configuration of this repository says the same, and a test holds them against each other. */
export const style = {
  general: { lineWidth, newLineKind: "lf", useTabs: false, indentWidth: 2 },
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

/** A function that formats the text of a TypeScript file. It throws what the formatter says when the text is no TypeScript. */
export const formatter = (): (path: string, text: string) => string => {
  const dprint = createFromBuffer(Fs.readFileSync(getPath()))
  dprint.setConfig(style.general, style.typescript)
  return (filePath, fileText) => dprint.formatText({ filePath, fileText })
}
