/**
 * The annotated hexdump: every field's bytes in their columns, and beside them its name and what it says.
 *
 * Colours only repeat what names and places say. It never decodes; `annotate` did.
 */
import type { Annotation } from "./Layout.ts"
import { kindWords } from "./Layout.ts"
import { visible } from "./Visible.ts"

/** What `hexdump` may be told. */
export interface HexdumpOptions {
  /** ANSI colours. */
  readonly color?: boolean
  /** Bytes shown of each field; 64 unless said otherwise. */
  readonly maxBytes?: number
  /** Bytes in a line; 16 unless said otherwise. */
  readonly perLine?: number
}

interface Row {
  /** Bytes `[start, end)` of the packet, all in one line. */
  readonly start: number
  readonly end: number
  readonly label: string
  readonly text: string
  readonly style: string
}

const styles = ["\u001b[36m", "\u001b[33m", "\u001b[32m", "\u001b[35m", "\u001b[34m"]
const dim = "\u001b[2m"
const red = "\u001b[31m"
const reset = "\u001b[0m"

const pair = (byte: number): string => byte.toString(16).padStart(2, "0")

const title = ({ packet, kind, layout, status, length, frame }: Annotation): string => {
  const name = [packet, kindWords(kind), layout === undefined ? "" : `(${layout})`].filter((part) => part !== "").join(" ")
  const result = status === undefined || status === "Success" ? [] : [status]
  return [name, ...result, `${length} ${length === 1 ? "byte" : "bytes"}`, frame].join(" · ")
}

/** The dump of a packet; `bytes` are those given to `annotate`. Lines end with a newline each. */
export const hexdump = (annotation: Annotation, bytes: Uint8Array, options: HexdumpOptions = {}): string => {
  const { at, error, fields } = annotation
  const { perLine = 16 } = options
  const maxBytes = Math.max(1, options.maxBytes ?? 64)
  const paint = (style: string, text: string): string => options.color === true && text !== "" && style !== "" ? style + text + reset : text
  const packet = bytes.subarray(at, at + Math.min(annotation.length, bytes.length - at))
  const rows: Array<Row> = []
  /** Adds the rows of a stretch of bytes; the first carries the label. */
  const addRows = (start: number, end: number, label: string, text: string, style: string): void => {
    const shown = Math.min(end, start + maxBytes)
    let at = start
    do {
      const next = Math.min(shown, at - at % perLine + perLine)
      rows.push({ start: at, end: next, label: at === start ? label : "", text: at === start ? text : "", style })
      at = next
    } while (at < shown)
    if (shown < end) {
      rows.push({ start: shown, end, label: "", text: `… ${end - shown} more ${end - shown === 1 ? "byte" : "bytes"}`, style: dim })
    }
  }
  // what stands between fields that were read are separators
  const between = (offset: number): string => error === undefined || offset < error.offset ? "·" : "· not decoded"
  let covered = 0
  for (const [i, { path, offset, length, text, reserved }] of fields.entries()) {
    if (offset > covered) addRows(covered, offset, between(covered), "", dim)
    addRows(offset, offset + length, reserved ? `· ${path}` : path, text, reserved ? dim : styles[i % styles.length]!)
    covered = Math.max(covered, offset + length)
  }
  if (covered < packet.length) addRows(covered, packet.length, between(covered), "", dim)

  const digits = Math.max(2, Math.max(0, annotation.length - 1).toString(16).length)
  const width = (digits + digits % 2) + 4
  const offsetText = (value: number): string => `0x${(value - value % perLine).toString(16).padStart(width - 4, "0")}  `
  const column = (offset: number): number => width + offset % perLine * 3
  const labels = width + perLine * 3 + 1
  const name = Math.min(32, rows.reduce((most, { label, text }) => text === "" ? most : Math.max(most, label.length), 0))
  const lines = [title(annotation), " ".repeat(width) + Array.from({ length: perLine }, (_, i) => pair(i)).join(" ")]

  let marked = error === undefined
  const mark = (): void => {
    if (error === undefined || marked) return
    marked = true
    lines.push(" ".repeat(column(error.offset)) + paint(red, `^^ ${visible(error.message)}`))
  }
  for (const { start, end, label, text, style } of rows) {
    if (label === "" && text !== "") lines.push(" ".repeat(labels) + paint(style, text))
    else {
      let hex = ""
      for (let i = start; i < end; i++) hex += (i === start ? "" : " ") + pair(packet[i]!)
      const left = offsetText(start) + " ".repeat(column(start) - width)
      const gap = " ".repeat(Math.max(1, labels - left.length - hex.length))
      const right = label === "" ? "" : gap + paint(style, text === "" ? label : label.padEnd(name)) + (text === "" ? "" : ` ${text}`)
      lines.push(left + paint(style, hex) + right)
    }
    if (error !== undefined && error.offset >= start && error.offset < end) mark()
  }
  if (!marked && error !== undefined && error.offset >= packet.length && error.offset % perLine === 0) {
    lines.push(offsetText(error.offset).trimEnd())
  }
  mark()
  return `${lines.join("\n")}\n`
}
