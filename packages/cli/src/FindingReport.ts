/** Prints findings with the lines they are about. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import type { Finding } from "./CodegenApi.ts"
import { visible } from "@wirewright/codec/Visible"
import { block, line } from "./Output.ts"

const red = "\u001b[31m"
const bold = "\u001b[1m"
const dim = "\u001b[2m"
const reset = "\u001b[0m"

/** The line of a finding with the two before it, and a mark below the column; nothing when the file cannot be read. */
export const codeFrame = (source: string, lineNumber: number, column: number): ReadonlyArray<string> => {
  const lines = source.split("\n")
  const text = lines[lineNumber - 1]
  if (text === undefined) return []
  const width = String(lineNumber).length
  const shown = lines.slice(Math.max(0, lineNumber - 3), lineNumber)
  const first = lineNumber - shown.length + 1
  const length = Math.max(1, /^[\w$.]+/.exec(text.slice(column - 1))?.[0].length ?? 1)
  return [
    ...shown.map((one, i) => `  ${String(first + i).padStart(width)} | ${one}`.trimEnd()),
    `  ${" ".repeat(width)} | ${" ".repeat(Math.max(0, column - 1))}${"^".repeat(length)}`
  ]
}

const sourceOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

/** Prints findings: `file:line:column rule message`, the code, and what to do. */
export const printFindings = (findings: ReadonlyArray<Finding>, options: { readonly cwd: string; readonly color: boolean }): void => {
  const paint = (style: string, text: string): string => options.color ? style + text + reset : text
  for (const { column, file, hint, line: lineNumber, message, rule } of findings) {
    block(`${paint(bold, visible(`${file}:${lineNumber}:${column}`))} ${paint(red, rule)} ${visible(message)}`, options.color)
    for (const text of codeFrame(sourceOf(resolve(options.cwd, file)), lineNumber, column)) block(paint(dim, visible(text)), options.color)
    if (hint !== "") line(`  hint: ${hint}`)
    line("")
  }
}
