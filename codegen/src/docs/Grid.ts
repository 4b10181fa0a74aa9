/**
 * The byte grid of a packet or record, as RFCs and the DCP documents draw it: 32 bits a row, the offset at the left. `Notation` explains it to
 * readers; `test/docs/Grids.ts` reads it back.
 */
import { textOfHex } from "@wirewright/codec/Hex"
import type { TypeModel } from "@wirewright/codec/Model"
import { optionalIn, unwrapped } from "@wirewright/codec/words/Sizes"
import type { Part } from "../layout/Placed.ts"
import { presenceOf } from "../layout/Placed.ts"

const perRow = 4
/** Characters of a row between its sides. */
const inner = 63
const gutter = 6
/** Bytes of a part that is drawn bit by bit; longer ones have a row of their own. */
const drawn = 16
/** Lines a label may take before a letter stands for it. */
const tallest = 4
/** What may stand for a label that does not fit. */
const marks = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"]

/** A stretch of bits in one row. */
interface Piece {
  /** First bit of the row, 0…31. */
  readonly from: number
  readonly bits: number
  readonly label: ReadonlyArray<string>
  /** Which part, and whether it goes on from the piece before. */
  readonly of: Part
  readonly goesOn: boolean
}

/** The drawing of a layout, and what letters in it stand for. */
export interface Grid {
  readonly text: string
  readonly legend: ReadonlyArray<{ readonly mark: string; readonly means: string }>
}

/** A control character's name, or a text that has several. */
export const controlName = (text: string): string | undefined => {
  if (text === "\r\n") return "CRLF"
  const names: { readonly [code: number]: string } = { 0: "NUL", 9: "TAB", 10: "LF", 13: "CR", 29: "GS", 30: "RS", 31: "US" }
  const all = [...text].map((character) => names[character.charCodeAt(0)])
  return all.includes(undefined) ? undefined : all.join(" ")
}

/** Text as a reader is shown it. */
export const shownText = (text: string): string => controlName(text) ?? JSON.stringify(text).replaceAll(/\\u00(..)/g, "\\x$1")

const hexText = (value: number, bytes: number): string => `0x${value.toString(16).padStart(bytes * 2, "0")}`

/** A constant as it stands in a grid. */
export const valueText = (part: Pick<Part, "value" | "type" | "size">): string | undefined => {
  const { size = 1, type, value } = part
  if (value === undefined) return undefined
  if (typeof value === "string") return shownText(value)
  if (type.kind === "lengthOf" || type.kind === "countOf") return String(value)
  return value < 0 ? String(value) : typeof value === "bigint" ? `0x${value.toString(16)}` : hexText(value, size)
}

/** `1 byte`, `5 bytes` */
export const plural = (count: number): string => `${count} ${count === 1 ? "byte" : "bytes"}`

/** `4 bytes`, `0-200 bytes`, `0+ bytes` */
export const sizeText = ({ least, most, size }: Pick<Part, "size" | "least" | "most">): string => {
  if (size !== undefined) return plural(size)
  if (most === undefined) return `${least}+ bytes`
  return least === most ? plural(most) : `${least}-${plural(most)}`
}

const untilOf = (type: TypeModel): string | undefined => {
  const of = unwrapped(type)
  return "until" in of && typeof of.until === "string" ? of.until : undefined
}

/** What says whether a part is there, in a few words. */
export const presenceText = (type: TypeModel): string | undefined => {
  const presence = presenceOf(type)
  if (presence === undefined) return undefined
  const { condition, when } = presence
  const words: Array<string> = []
  if (when !== undefined && !when.hasElse) {
    const { from, state, to } = when
    words.push(
      from === undefined && to === undefined
        ? state
        : from !== undefined && to !== undefined
        ? from === to ? `${state} is ${from}` : `${state} is ${from} to ${to}`
        : from === undefined
        ? `${state} is at most ${to}`
        : `${state} is at least ${from}`
    )
  }
  if (condition?.kind === "bitOf") {
    words.push(`${condition.field}${condition.bit === undefined ? " is 1" : ` has bit ${condition.bit}`}`)
  } else if (condition !== undefined) words.push(`${condition.field} is ${condition.values.join(" or ")}`)
  if (words.length > 0) return `if ${words.join(" and ")}`
  return optionalIn(type) === undefined ? undefined : "or nothing"
}

/** What says how long a part is, in a few words. */
export const endText = ({ isRest, measuredBy, type }: Part): string | undefined => {
  const until = untilOf(type)
  if (until !== undefined) return `to ${shownText(textOfHex(until))}`
  if (measuredBy !== undefined) return unwrapped(type).kind === "array" ? `see ${measuredBy}` : measuredBy
  return isRest === true ? "the rest" : undefined
}

/** The one line of a part that has a row of its own. */
const rowText = (part: Part): string => {
  const { name, type } = part
  const presence = presenceText(type)
  const end = endText(part)
  const note = [presence, end].filter((one) => one !== undefined).join("; ")
  const value = valueText(part)
  const size = sizeText(presence === undefined ? part : part.present ?? part)
  return `${name}${value === undefined ? "" : ` = ${value}`}: ${size}${note === "" ? "" : ` (${note})`}`
}

/** Whether a part may be missing. */
export const mayBeMissing = (type: TypeModel): boolean => presenceText(type) !== undefined

const humps = (name: string): ReadonlyArray<string> => name.match(/[A-Z]?[^A-Z]+|[A-Z]+(?![^A-Z])/g) ?? [name]

/** Breaks a name into lines, between its words where it can. */
const broken = (name: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (let hump of humps(name)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + hump.length <= width) {
      lines[lines.length - 1] = last + hump
      continue
    }
    for (; hump.length > width; hump = hump.slice(width)) lines.push(hump.slice(0, width))
    if (hump !== "") lines.push(hump)
  }
  return lines
}

const labelOf = (name: string, value: string | undefined, width: number): ReadonlyArray<string> => {
  const whole = value === undefined ? name : `${name} = ${value}`
  if (whole.length <= width) return [whole]
  return [...broken(name, width), ...value === undefined ? [] : [`= ${value}`]]
}

const widthOf = (bits: number): number => bits * 2 - 1 - (bits > 3 ? 1 : 0)

class Drawing {
  private readonly lines: Array<string> = []
  readonly legend: Array<{ readonly mark: string; readonly means: string }> = []
  private row: Array<Piece> = []
  private before: ReadonlyArray<Piece> = []
  private rowOffset = ""
  /** Bits of the row that are taken. */
  private filled = 0
  /** Names of parts, which no letter may look like. */
  private readonly names: ReadonlySet<string>

  constructor(names: ReadonlySet<string>) {
    this.names = names
  }

  head(): void {
    this.lines.push(
      "    Byte/     0       |       1       |       2       |       3       |",
      "       /              |               |               |               |",
      `${" ".repeat(gutter)}|${Array.from({ length: perRow }, () => "0 1 2 3 4 5 6 7").join("|")}|`
    )
  }

  /** A part with a row of its own. */
  wide(part: Part, side: string): void {
    this.flush()
    this.rule([], true)
    const offset = `${part.after === undefined ? "" : "+"}${part.offset}`
    const text = rowText(part)
    for (const [i, line] of fitted(text, inner - 2).entries()) {
      this.lines.push(`${(i === 0 ? offset : "").padStart(gutter)}${side} ${line.padEnd(inner - 1)}${side}`)
    }
    this.before = []
  }

  /** A part of a few bytes. */
  bytes(part: Part): void {
    const { bits, name, size = 0 } = part
    const stretches = bits === undefined ? [{ from: 0, bits: size * 8, name, value: valueText(part) }] : stretchesOf(part)
    let at = 0
    for (const stretch of stretches) {
      let rest = stretch.bits
      let goesOn = false
      while (rest > 0) {
        if (this.filled === perRow * 8) this.flush()
        if (this.filled === 0) this.rowOffset = `${part.after === undefined ? "" : "+"}${part.offset + Math.floor(at / 8)}`
        const taken = Math.min(rest, perRow * 8 - this.filled)
        this.row.push({
          from: this.filled,
          bits: taken,
          label: goesOn ? [] : this.label(stretch.name, stretch.value, taken),
          of: part,
          goesOn
        })
        this.filled += taken
        at += taken
        rest -= taken
        goesOn = true
      }
    }
  }

  end(): string {
    this.flush()
    this.rule([])
    return this.lines.join("\n")
  }

  private label(name: string, value: string | undefined, bits: number): ReadonlyArray<string> {
    const label = labelOf(name, value, widthOf(bits))
    // a word is broken only where one letter stands above the other
    const isBroken = widthOf(bits) > 1 && humps(name).some((hump) => hump.length > widthOf(bits))
    const fits = !isBroken && label.length <= tallest && label.every((line) => line.length <= widthOf(bits))
    if (fits || name === "0") return label
    const mark = marks.find((one) => !this.names.has(one) && !this.legend.some((other) => other.mark === one)) ?? "?"
    this.legend.push({ mark, means: value === undefined ? name : `${name} = ${value}` })
    return [mark]
  }

  private flush(): void {
    const { row } = this
    if (row.length === 0) return
    this.rule(row)
    const height = Math.max(1, ...row.map(({ label }) => label.length))
    for (let i = 0; i < height; i++) {
      const cells = row.map(({ bits, goesOn, label }, index) => {
        const text = goesOn && i === 0 && this.isApart(row[index]!) ? "...".slice(0, widthOf(bits)) : label[i] ?? ""
        const cell = bits > 3 ? ` ${text}` : text
        return cell.padEnd(bits * 2 - 1)
      })
      this.lines.push(`${(i === 0 ? this.rowOffset : "").padStart(gutter)}|${cells.join("|")}|`)
    }
    this.before = row
    this.row = []
    this.filled = 0
  }

  /** Whether a piece that goes on lies nowhere below the piece that it goes on from. */
  private isApart({ bits, from, of }: Piece): boolean {
    return !this.before.some((one) => one.of === of && one.from < from + bits && from < one.from + one.bits)
  }

  /** The line between the row before and `row`, as wide as the wider of them. */
  private rule(row: ReadonlyArray<Piece>, isWhole = false): void {
    const edges = new Set([...row, ...this.before].flatMap(({ bits, from }) => [from, from + bits]))
    const width = Math.max(isWhole || this.before.length === 0 ? perRow * 8 : 0, ...edges)
    let line = "+"
    for (let bit = 0; bit < width; bit++) {
      const isOpen = this.covered(row, bit)
      if (bit > 0) {
        const isApart = edges.has(bit)
        const wasOpen = this.covered(row, bit - 1)
        line += isApart || bit % 8 === 0 && !(isOpen && wasOpen) ? "+" : isOpen ? " " : "-"
      }
      line += isOpen ? " " : "-"
    }
    this.lines.push(`${" ".repeat(gutter)}${line}+`)
  }

  /** Whether the same part covers a bit in the row before and in this one. */
  private covered(row: ReadonlyArray<Piece>, bit: number): boolean {
    const of = (pieces: ReadonlyArray<Piece>): Piece | undefined => pieces.find(({ bits, from }) => bit >= from && bit < from + bits)
    const [above, below] = [of(this.before), of(row)]
    return above !== undefined && below !== undefined && above.of === below.of && below.goesOn
  }
}

/** A text in lines of at most `width` characters, broken at spaces. */
const fitted = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** The bits of an integer as they stand on the wire, from the first byte's highest bit on. A field over several stretches says which bits each has. */
const stretchesOf = (part: Part): ReadonlyArray<{ readonly bits: number; readonly name: string; readonly value: string | undefined }> => {
  const { bits = [], size = 0, type } = part
  const of = unwrapped(type)
  const little = of.kind === "bits" && of.of.order === "little"
  /** The bit at a place on the wire. */
  const bitAt = (place: number): number => {
    const byte = Math.floor(place / 8)
    return (little ? byte : size - 1 - byte) * 8 + 7 - place % 8
  }
  const runs: Array<{ readonly one: typeof bits[number] | undefined; readonly high: number; low: number; bits: number }> = []
  for (let place = 0; place < size * 8; place++) {
    const bit = bitAt(place)
    const one = bits.find(({ field }) => bit <= field.high && bit >= field.low)
    const last = runs.at(-1)
    if (last !== undefined && last.one === one && last.low === bit + 1) {
      last.low = bit
      last.bits++
    } else runs.push({ one, high: bit, low: bit, bits: 1 })
  }
  return runs.map(({ bits: count, high, low, one }) => {
    if (one === undefined) return { bits: count, name: "0", value: undefined }
    const { field, value } = one
    const isWhole = high === field.high && low === field.low
    const range = isWhole ? "" : high === low ? `.${high - field.low}` : `.${high - field.low}-${low - field.low}`
    return { bits: count, name: `${field.name}${range}`, value: value === undefined ? undefined : String(value) }
  })
}

/** The grid of some parts; nothing when there are none. */
export const gridOf = (parts: ReadonlyArray<Part>): Grid | undefined => {
  const there = parts.filter(({ size }) => size !== 0)
  if (there.length === 0) return undefined
  const drawing = new Drawing(new Set(there.flatMap(({ bits = [], name }) => [name, ...bits.map(({ field }) => field.name)])))
  drawing.head()
  for (const part of there) {
    if (part.size === undefined) drawing.wide(part, mayBeMissing(part.type) ? "?" : "/")
    else if (part.size > drawn) drawing.wide(part, ":")
    else drawing.bytes(part)
  }
  return { text: drawing.end(), legend: drawing.legend }
}
