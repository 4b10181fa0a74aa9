/** Test only: reads the grids and lines of reference pages back, without the code that draws them. */

/** A stretch of a grid. Offsets are in bits from the end of the part of variable size with this number, counted from 1; 0 is the beginning. */
export interface Stretch {
  readonly name: string
  readonly value?: string
  readonly base: number
  readonly offset: number
  /** Missing for parts of variable size. */
  readonly bits?: number
  readonly least?: number
  readonly most?: number
  readonly isOptional?: boolean
}

/** What a page shows of one layout. */
export type Shown =
  | { readonly kind: "grid"; readonly stretches: ReadonlyArray<Stretch> }
  | { readonly kind: "line"; readonly line: string }
  | { readonly kind: "nothing" }

const side = 6

/** Letters and the names they stand for, from the line below a grid. */
const legendOf = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(/`(\w)` `([^`]+)`/g)].map(([, mark, means]) => [mark!, means!]))

const split = (label: string): { readonly name: string; readonly value?: string } => {
  const [name, value] = label.split(" = ")
  return value === undefined ? { name: name! } : { name: name!, value }
}

/** The lines of one cell as its label. */
const labelIn = (lines: ReadonlyArray<string>): string => {
  const trimmed = lines.map((line) => line.trim())
  const at = trimmed.findIndex((line) => line.startsWith("= "))
  return at < 0 ? trimmed.join("") : `${trimmed.slice(0, at).join("")} ${trimmed.slice(at).join(" ")}`
}

const wide = /^(?<name>\w+)(?: = (?<value>.+?))?: (?<least>\d+)(?<open>\+)?(?:-(?<most>\d+))? bytes?(?: \(.*\))?$/

/** Reads a grid. Throws when the offsets in front of its rows are not where the rows stand. */
export const parseGrid = (text: string, legendText = ""): ReadonlyArray<Stretch> => {
  const legend = legendOf(legendText)
  const groups: Array<Array<string>> = []
  for (const line of text.split("\n").slice(3)) {
    if (/^ {6}\+/.test(line)) groups.push([])
    else groups.at(-1)!.push(line)
  }
  const found: Array<Stretch & { bits?: number }> = []
  let base = 0
  let next = 0
  for (const lines of groups.filter((group) => group.length > 0)) {
    const [first] = lines
    const said = first!.slice(0, side).trim()
    if (said.startsWith("+") !== base > 0 || Number(said) * 8 !== next) {
      throw new Error(`row ${said} stands at ${base > 0 ? "+" : ""}${next / 8}: ${first}`)
    }
    const edge = first![side]!
    if (edge !== "|") {
      const row = lines.map((line) => line.slice(side + 1, line.lastIndexOf(edge)).trim()).join(" ")
      const { least, most, name, open, value } = wide.exec(row)?.groups ?? {}
      if (name === undefined) throw new Error(`no part: ${row}`)
      const isFixed = edge === ":"
      const range = { least: Number(least), ...(open === "+" ? {} : { most: Number(most ?? least) }) }
      found.push({
        name,
        ...(value === undefined ? {} : { value }),
        base,
        offset: next,
        ...(isFixed ? { bits: Number(least) * 8 } : range),
        ...(edge === "?" ? { isOptional: true } : {})
      })
      if (isFixed) next += Number(least) * 8
      else {
        base++
        next = 0
      }
      continue
    }
    const edges = [...first!].flatMap((_, i) => i >= side && (i - side) % 2 === 0 && lines.every((line) => line[i] === "|") ? [i] : [])
    for (const [i, from] of edges.slice(0, -1).entries()) {
      const to = edges[i + 1]!
      const bits = (to - from) / 2
      const label = labelIn(lines.map((line) => line.slice(from + 1, to)))
      if (/^\.{0,3}$/.test(label)) found.at(-1)!.bits! += bits
      else found.push({ ...split(legend.get(label) ?? label), base, offset: next, bits })
      next += bits
    }
  }
  return found
}

/** What a page shows of layouts, in its order; examples are left out. */
export const shownIn = (page: string): ReadonlyArray<Shown> => {
  const [body] = page.split("\n## Examples\n")
  const blocks = body!.split("\n\n")
  return blocks.flatMap((block, i): ReadonlyArray<Shown> => {
    if (block === "No bytes.") return [{ kind: "nothing" }]
    if (!block.startsWith("```text\n") || blocks[i - 1]?.endsWith(" is a line:") === true) return []
    const text = block.slice("```text\n".length, block.lastIndexOf("\n```"))
    return text.includes("Byte/") ? [{ kind: "grid", stretches: parseGrid(text, blocks[i + 1]) }] : [{ kind: "line", line: text }]
  })
}

/** A piece of a line. */
export type Atom =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "optional" | "repeated"; readonly of: ReadonlyArray<Atom> }

const controls: { readonly [name: string]: string } = {
  NUL: "\0",
  TAB: "\t",
  LF: "\n",
  CR: "\r",
  CRLF: "\r\n",
  GS: "\u001d",
  RS: "\u001e",
  US: "\u001f"
}

/** Reads a line. */
export const parseLine = (line: string): ReadonlyArray<Atom> => {
  const text = line.replaceAll("\n", "")
  let at = 0
  const atoms = (): ReadonlyArray<Atom> => {
    const out: Array<Atom> = []
    const say = (more: string): void => {
      const last = out.at(-1)
      if (last?.kind === "text") out[out.length - 1] = { kind: "text", text: last.text + more }
      else out.push({ kind: "text", text: more })
    }
    while (at < text.length && text[at] !== "]") {
      const rest = text.slice(at)
      const [field, name] = /^<([\w.]+)>/.exec(rest) ?? []
      const [control, names] = /^\{([A-Z ]+)\}/.exec(rest) ?? []
      const [quoted] = /^"(?:[^"\\]|\\.)*"/.exec(rest) ?? []
      if (rest.startsWith("...")) {
        const last = out.pop()!
        out.push({ kind: "repeated", of: last.kind === "optional" ? last.of : [last] })
        at += 3
      } else if (field !== undefined) {
        out.push({ kind: "field", name: name! })
        at += field.length
      } else if (control !== undefined) {
        say(names!.split(" ").map((one) => controls[one]!).join(""))
        at += control.length
      } else if (quoted !== undefined) {
        say(JSON.parse(quoted) as string)
        at += quoted.length
      } else if (rest.startsWith("[")) {
        at++
        const of = atoms()
        if (text[at] !== "]") throw new Error(`no end of what may be missing: ${line}`)
        at++
        out.push({ kind: "optional", of })
      } else {
        say(text[at]!)
        at++
      }
    }
    return out
  }
  const all = atoms()
  if (at < text.length) throw new Error(`too many brackets: ${line}`)
  return all
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** The texts that a line describes, as far as it says. */
export const patternOf = (atoms: ReadonlyArray<Atom>): RegExp => {
  const source = (all: ReadonlyArray<Atom>): string =>
    all.map((one) =>
      one.kind === "text"
        ? escaped(one.text)
        : one.kind === "field"
        ? "[^]*?"
        : `(?:${source(one.of)})${one.kind === "optional" ? "?" : "*"}`
    ).join("")
  return new RegExp(`^${source(atoms)}$`)
}

/** The fields of a line, each with whether it may be missing and whether it is repeated. */
export const fieldsOf = (
  atoms: ReadonlyArray<Atom>,
  outer: { readonly isOptional?: boolean; readonly isRepeated?: boolean } = {}
): ReadonlyArray<{ readonly name: string; readonly isOptional?: boolean; readonly isRepeated?: boolean }> =>
  atoms.flatMap((one) => {
    if (one.kind === "text") return []
    if (one.kind === "field") return [{ name: one.name, ...outer }]
    return fieldsOf(one.of, { ...outer, ...(one.kind === "optional" ? { isOptional: true } : { isRepeated: true }) })
  })

/** The text of a line that always stands there. */
export const textOf = (atoms: ReadonlyArray<Atom>): string => atoms.map((one) => one.kind === "text" ? one.text : "").join("")
