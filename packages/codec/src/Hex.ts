/** Bytes as hexadecimal text and back, in any spelling people paste. It never guesses: what is no hex is an error with its position. */
import { malformed } from "./Errors.ts"
import { decodeText } from "./Text.ts"

const pairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))
const digits = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0))

/** Up to this many bytes are put together pair by pair; of megabytes that would make a rope of millions of pieces. */
const shortHex = 256

/** Lower-case hex without spaces. */
export const hexOf = (bytes: Uint8Array): string => {
  const { length } = bytes
  if (length > shortHex) {
    const text = new Uint8Array(length * 2)
    for (let i = 0; i < length; i++) {
      const byte = bytes[i]!
      text[i * 2] = digits[byte >> 4]!
      text[i * 2 + 1] = digits[byte & 15]!
    }
    return decodeText(text, 0, text.length)
  }
  let out = ""
  for (let i = 0; i < length; i++) out += pairs[bytes[i]!]!
  return out
}

/** Bytes of pairs of digits and nothing else; the caller has checked that. */
export const bytesOfDigits = (digits: string): Uint8Array => {
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16)
  return bytes
}

/** The characters of such bytes: one of U+0000…U+00FF each. */
export const textOfHex = (digits: string): string => String.fromCharCode(...bytesOfDigits(digits))

/** xxd and tcpdump: an offset, a colon, bytes in groups, then perhaps the characters behind two spaces. */
const colonLine = /^\s*(?:0x)?([0-9a-f]{4,16}):(?:\s(.*))?$/i
/** hexdump -C: an offset, two groups of bytes, then the characters between bars. The last line is an offset alone. */
const barLine = /^([0-9a-f]{8})(?: {2}((?:[0-9a-f]{2}(?: {1,2}|$))+)\s*(?:\|.*)?)?$/i

const refuse = (offset: number, got: string): never => malformed("Syntax", "hex", "", offset, "pairs of hexadecimal digits", got)

const parsePairs = (text: string, base: number, out: Array<number>): void => {
  for (const match of text.matchAll(/[^\s,;:"'(){}[\]]+/g)) {
    const start = base + match.index
    let token = match[0]
    if (token.startsWith("\\x")) {
      for (let i = 0; i < token.length; i += 4) {
        const one = token.slice(i, i + 4)
        if (!/^\\x[0-9a-f]{2}$/i.test(one)) refuse(start + i, JSON.stringify(one))
        out.push(Number.parseInt(one.slice(2), 16))
      }
      continue
    }
    if (/^0x/i.test(token)) token = token.length === 3 ? `0${token.slice(2)}` : token.slice(2)
    const wrong = token.search(/[^0-9a-f]/i)
    if (wrong >= 0) refuse(start + match[0].length - token.length + wrong, JSON.stringify(token[wrong]))
    if (token.length % 2 !== 0 || token === "") refuse(start, `${token.length} digits`)
    for (let i = 0; i < token.length; i += 2) out.push(Number.parseInt(token.slice(i, i + 2), 16))
  }
}

const parseDump = (lines: ReadonlyArray<{ readonly text: string; readonly at: number }>, shape: RegExp, out: Array<number>): void => {
  let first: number | undefined
  for (const { text, at } of lines) {
    if (text.trim() === "") continue
    const match = shape.exec(text) ?? refuse(at, JSON.stringify(text.trim().slice(0, 20)))
    const offset = Number.parseInt(match[1]!, 16)
    first ??= offset
    if (offset - first !== out.length) {
      malformed("Syntax", "hex", "", at, `offset 0x${(first + out.length).toString(16)}`, `0x${offset.toString(16)}`)
    }
    const rest = match[2] ?? ""
    const begin = text.indexOf(rest, match[1]!.length) + rest.length - rest.trimStart().length
    const bytes = rest.trimStart()
    parsePairs(shape === colonLine ? bytes.slice(0, / {2}|\t|$/.exec(bytes)!.index) : bytes, at + begin, out)
  }
}

/**
 * Bytes of text: plain digits, spaces and newlines, `0x80, 0x50`, `\x80\x50`, `80:50`, and dumps of xxd, tcpdump -x and hexdump -C.
 * Throws `DecodeError` (`Syntax`); its offset counts characters.
 */
export const bytesOfHex = (text: string): Uint8Array => {
  const out: Array<number> = []
  const lines: Array<{ readonly text: string; readonly at: number }> = []
  let at = 0
  for (const line of text.split("\n")) {
    lines.push({ text: line.endsWith("\r") ? line.slice(0, -1) : line, at })
    at += line.length + 1
  }
  const begin = lines.find((line) => line.text.trim() !== "")?.text.trimEnd() ?? ""
  const shape = colonLine.test(begin) ? colonLine : barLine.test(begin) && begin.length > 8 ? barLine : undefined
  if (shape === undefined) parsePairs(text, 0, out)
  else parseDump(lines, shape, out)
  return Uint8Array.from(out)
}
