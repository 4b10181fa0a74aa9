/** Prints findings with the lines they are about. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import type { Finding } from "./CodegenApi.ts"
import { visible } from "@wirewright/codec/Visible"
import { block } from "./Output.ts"

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

/** How findings are shown: relative to which directory, and whether in colours. */
interface Showing {
  readonly cwd: string
  readonly color: boolean
}

/** A finding in a line. */
export const findingLine = ({ column, file, hint, line: number, message, rule }: Finding): string =>
  `${file}:${number}:${column} ${rule} ${message}${hint === "" ? "" : `; hint: ${hint}`}`

/** `file:line:column rule message`, the code, and what to do; visible, and in colours when they are on. */
export const findingText = ({ column, file, hint, line: number, message, rule }: Finding, { color, cwd }: Showing): string => {
  const paint = (style: string, text: string): string => color ? style + text + reset : text
  return [
    `${paint(bold, visible(`${file}:${number}:${column}`))} ${paint(red, rule)} ${visible(message)}`,
    ...codeFrame(sourceOf(resolve(cwd, file)), number, column).map((text) => paint(dim, visible(text))),
    ...hint === "" ? [] : [`  hint: ${visible(hint)}`],
    ""
  ].join("\n")
}

/** Prints findings as data. */
export const printFindings = (findings: ReadonlyArray<Finding>, showing: Showing): void => {
  for (const finding of findings) block(findingText(finding, showing), showing.color)
}
