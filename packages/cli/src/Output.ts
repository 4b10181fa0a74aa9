/**
 * Data goes to stdout, everything else to stderr. A reader that goes away (`| head`) ends the command quietly.
 *
 * Whatever is printed goes through here and is made visible on the way, so that nothing a peer, a document or a file says reaches a terminal as
 * more than characters. `line` and `say` print one line, `block` and `sayBlock` several. Only bytes of a document, asked for as bytes, pass
 * as they are (`bytes`).
 */
import { visible, visibleLines } from "@wirewright/codec/Visible"

/** Bytes collected before they are written. */
const batchSize = 64 * 1024

/** Milliseconds after which what was put out is written, when no more of it comes. */
const longestWait = 100

let batch = ""

const put = (text: string): void => {
  if (batch === "") setTimeout(() => void flush(), longestWait).unref()
  batch += text
}

/** Ends quietly when the reader of stdout is gone. */
export const endWithReader = (): void => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0)
    throw error
  })
}

/** Styles that this command puts around what it has made visible itself. */
// oxlint-disable-next-line no-control-regex
const style = /(\u001b\[\d{1,2}m)/

const visibleBlock = (text: string, painted: boolean): string =>
  painted ? text.split(style).map((part) => style.test(part) ? part : visibleLines(part)).join("") : visibleLines(text)

/** Puts out a line of data. JSON stays the same JSON. */
export const line = (text: string): void => {
  put(`${visible(text)}\n`)
}

/** Puts out lines of data. With `painted` styles stay; whatever stands between them the caller has made visible by `escaped` or `quoted`. */
export const block = (text: string, painted = false): void => {
  put(`${visibleBlock(text, painted)}\n`)
}

/** Writes what is collected, once there is enough of it, and waits while stdout is congested. */
export const drain = async (): Promise<void> => {
  if (batch.length >= batchSize) await flush()
}

/** Writes everything. */
export const flush = async (): Promise<void> => {
  if (batch === "") return
  const text = batch
  batch = ""
  const shares = status !== "" && process.stdout.isTTY === true
  await new Promise<void>((resolve) => process.stdout.write(shares ? `${erased}${text}${status}` : text, () => resolve()))
}

/** Writes bytes as they are, after everything put out before. */
export const bytes = async (value: Uint8Array): Promise<void> => {
  await flush()
  await new Promise<void>((resolve) => process.stdout.write(value, () => resolve()))
}

/** What clears the line of the terminal that the cursor is on. */
const erased = "\r\u001b[K"

/** The line at the bottom of the terminal, below everything that is put out. */
let status = ""

/**
 * Shows how it goes, at the bottom of the terminal behind stderr, instead of what was shown there before; nothing, when there is nothing to show. The
 * text is one line that the terminal does not break.
 */
export const showStatus = (text: string): void => {
  if (text === status) return
  status = text
  process.stderr.write(`${erased}${text}`)
}

const said = (text: string): void => {
  process.stderr.write(status === "" ? `${text}\n` : `${erased}${text}\n${status}`)
}

/** Says a line to the person, on stderr. */
export const say = (text: string): void => said(visible(text))

/** Says several lines; see `block`. */
export const sayBlock = (text: string, painted = false): void => said(visibleBlock(text, painted))

/** Whether `stream` shows colours: a terminal, unless `NO_COLOR` or `TERM=dumb` say otherwise; `FORCE_COLOR` forces them. */
export const colorsOn = (stream: NodeJS.WriteStream): boolean => {
  const { FORCE_COLOR: force = "", NO_COLOR: no = "", TERM: term } = process.env
  if (term === "dumb" || no !== "") return false
  return force !== "" && force !== "0" && force !== "false" || stream.isTTY === true
}
