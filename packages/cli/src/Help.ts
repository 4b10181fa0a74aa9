/**
 * Help as text of a given width: no line is longer unless a single word is, and no word is broken. The exit codes are in the help of the whole
 * command; that of a subcommand points there. Pure.
 */
import * as Option from "effect/Option"
import * as CliOutput from "effect/cli/CliOutput"
import type { FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import { exitRows } from "./Exits.ts"

/** A way to set off parts of the text, such as bold. */
export interface Styles {
  readonly title: (text: string) => string
  readonly term: (text: string) => string
  readonly quiet: (text: string) => string
}

const plain: Styles = { title: (text) => text, term: (text) => text, quiet: (text) => text }
const style = (code: number) => (text: string): string => `\u001b[${code}m${text}\u001b[0m`
const coloured: Styles = { title: style(1), term: style(36), quiet: style(2) }

/** Widest text, also on wide terminals, because long lines are hard to read. */
const widest = 100

/** Terms that are wider have their description below. */
const termColumn = 26

const spaces = (count: number): string => " ".repeat(count)

/** Text in lines of at most `width`, broken at spaces. */
export const wrapped = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    if (line !== "" && CliOutput.displayWidth(line) + 1 + CliOutput.displayWidth(word) > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return line === "" ? lines : [...lines, line]
}

interface Row {
  readonly term: string
  readonly text: string
}

const table = (rows: ReadonlyArray<Row>, width: number, { term: colour }: Styles): ReadonlyArray<string> => {
  const column = Math.min(termColumn, Math.max(...rows.map(({ term }) => CliOutput.displayWidth(term))) + 2)
  return rows.flatMap(({ term, text }) => {
    const lines = wrapped(text, width - column - 2)
    const room = column - CliOutput.displayWidth(term)
    const beside = room >= 2 || lines.length === 0
    const first = `  ${colour(term)}${beside && lines.length > 0 ? `${spaces(room)}${lines[0]}` : ""}`
    return [first, ...lines.slice(beside ? 1 : 0).map((line) => `${spaces(column + 2)}${line}`)]
  })
}

const flagRow = ({ aliases, description, name, type }: FlagDoc): Row => ({
  term: [`--${name}`, ...aliases].join(", ") +
    // a list of choices is in the description
    (type === "boolean" ? "" : ` ${type.includes("|") ? "choice" : type}`),
  text: Option.getOrElse(description, () => "")
})

/** A line of a table in a description: two spaces, what is explained, two spaces, the explanation. */
const tableLine = /^ {2}(\S.*?) {2,}(\S.*)$/

/** The paragraphs of a description; one of `tableLine`s only is a table. */
const paragraphs = (text: string, width: number, styles: Styles): ReadonlyArray<string> =>
  text.trim().split(/\n(?: *\n)+/).flatMap((paragraph, index) => {
    const rows = paragraph.split("\n").map((line) => tableLine.exec(line))
    const lines = rows.every((row) => row !== null)
      ? table(rows.map(([, term, explanation]) => ({ term: term!, text: explanation! })), width, styles)
      : wrapped(paragraph, width - 2).map((line) => `  ${line}`)
    return [...index === 0 ? [] : [""], ...lines]
  })

/** A command line over several lines, as shells take it. Quoted words stay whole. */
const command = (line: string, width: number): ReadonlyArray<string> => {
  if (CliOutput.displayWidth(line) + 2 <= width) return [`  ${line}`]
  const lines: Array<string> = [""]
  for (const word of line.match(/(?:'[^']*'|[^\s'])+/g) ?? []) {
    const last = lines.at(-1)!
    if (last !== "" && CliOutput.displayWidth(`${last} ${word}`) > width - 6) lines.push(word)
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`
  }
  return lines.map((text, index) => `${index === 0 ? "  " : "    "}${text}${index < lines.length - 1 ? " \\" : ""}`)
}

/** The help of a command. */
export const helpText = (doc: HelpDoc, { columns = 80, colors = false } = {}): string => {
  const width = Math.min(columns, widest)
  const styles = colors ? coloured : plain
  const sections: Array<ReadonlyArray<string>> = []
  const section = (title: string, lines: ReadonlyArray<string>): void => {
    if (lines.length > 0) sections.push([styles.title(title), ...lines])
  }
  const rows = (title: string, all: ReadonlyArray<Row>): void => section(title, all.length === 0 ? [] : table(all, width, styles))
  const [, ...path] = doc.commandPath ?? []
  if (doc.description !== "") section("DESCRIPTION", paragraphs(doc.description, width, styles))
  section("USAGE", [`  ${styles.term(doc.usage)}`])
  rows(
    "ARGUMENTS",
    (doc.args ?? []).map(({ description, name, required, variadic }) => ({
      term: `${name}${variadic ? "..." : ""}`,
      text: `${Option.getOrElse(description, () => "")}${required ? "" : " (optional)"}`
    }))
  )
  rows("FLAGS", [...doc.flags, ...doc.inheritedFlags ?? []].map(flagRow))
  for (const { commands, group } of doc.subcommands ?? []) {
    rows(
      group ?? "SUBCOMMANDS",
      commands.map(({ description, name, shortDescription }) => ({
        term: name,
        text: shortDescription ?? description
      }))
    )
  }
  if (path.length === 0) {
    rows("GLOBAL FLAGS", (doc.globalFlags ?? []).map(flagRow))
    rows("EXIT CODES", exitRows.map(({ code, meaning, name }) => ({ term: `${code}`.padStart(3) + ` ${name}`, text: meaning })))
  }
  section(
    "EXAMPLES",
    (doc.examples ?? []).flatMap(({ command: line, description }, index) => [
      ...index === 0 ? [] : [""],
      ...description === undefined ? [] : wrapped(description, width - 4).map((text) => `  ${styles.quiet(`# ${text}`)}`),
      ...command(line, width).map(styles.term)
    ])
  )
  const rest = path.length === 0 ? [] : [wrapped("Exit codes and global flags: wirewright --help", width)]
  return [...sections, ...rest].map((lines) => lines.join("\n")).join("\n\n")
}
