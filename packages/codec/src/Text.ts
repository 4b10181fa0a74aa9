/**
 * UTF-8 that loses nothing: bytes that are no UTF-8 become lone surrogates U+DC80…U+DCFF (byte 0x80 + n ↔ U+DC80 + n, the convention of
 * Python's PEP 383), and turn back into the same bytes.
 *
 * In Node the work is done by `utf8Slice` and `utf8Write`, which take a plain `Uint8Array`; elsewhere by TextDecoder and TextEncoder.
 */

interface NativeText {
  readonly utf8Slice?: (this: Uint8Array, start: number, end: number) => string
  readonly utf8Write?: (this: Uint8Array, text: string, at: number, length: number) => number
}
interface Globals {
  readonly Buffer?: { readonly prototype: NativeText }
  readonly TextDecoder: new(label: string, options: { readonly ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string }
  readonly TextEncoder: new() => { encodeInto(text: string, into: Uint8Array): { readonly written: number } }
}

const globals = globalThis as unknown as Globals
const replacement = "\ufffd"

// made by calls without effect, for packets without text to carry none of it
const slice = /* @__PURE__ */ ((): (bytes: Uint8Array, start: number, end: number) => string => {
  const native = globals.Buffer?.prototype.utf8Slice
  if (native !== undefined) return (bytes, start, end) => native.call(bytes, start, end)
  const decoder = new globals.TextDecoder("utf-8", { ignoreBOM: true })
  return (bytes, start, end) => decoder.decode(bytes.subarray(start, end))
})()

/** Length of the UTF-8 sequence at `at`, or 0 when the byte there starts none. Overlong forms and surrogates are none. */
const sequenceAt = (bytes: Uint8Array, at: number, end: number): number => {
  const a = bytes[at]!
  if (a < 0x80) return 1
  const size = a >= 0xc2 && a < 0xe0 ? 2 : a >= 0xe0 && a < 0xf0 ? 3 : a >= 0xf0 && a < 0xf5 ? 4 : 0
  if (size === 0 || at + size > end) return 0
  for (let i = 1; i < size; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0
  const b = bytes[at + 1]!
  if (a === 0xe0 && b < 0xa0 || a === 0xed && b > 0x9f || a === 0xf0 && b < 0x90 || a === 0xf4 && b > 0x8f) return 0
  return size
}

/** Bytes that are no UTF-8, one behind the other, become text in blocks: one by one, megabytes of them would be a rope of millions of pieces. */
const blockSize = 1024

const decodeEscaped = (bytes: Uint8Array, start: number, end: number): string => {
  const pieces: Array<string> = []
  let at = start
  while (at < end) {
    let to = at
    for (let size = 1; to < end && size > 0; to += size) size = sequenceAt(bytes, to, end)
    if (to > at) pieces.push(slice(bytes, at, to))
    at = to
    while (to < end && to - at < blockSize && sequenceAt(bytes, to, end) === 0) to++
    if (to > at) pieces.push(String.fromCharCode(...Array.from(bytes.subarray(at, to), (byte) => 0xdc00 + byte)))
    at = to
  }
  return pieces.join("")
}

/** Whether the bytes are UTF-8 throughout. */
export const isUtf8 = (bytes: Uint8Array, start: number, end: number): boolean => {
  let at = start
  while (at < end) {
    if (bytes[at]! < 0x80) {
      at++
      continue
    }
    const size = sequenceAt(bytes, at, end)
    if (size === 0) return false
    at += size
  }
  return true
}

/** For each length of short text, an array for its characters: making text of one takes less time than the call into native code. */
const shortUnits: ReadonlyArray<Array<number>> = /* @__PURE__ */ Array.from({ length: 21 }, (_, length) => Array(length).fill(0))

/**
 * Text of `bytes[start, end)`. Searching the result for U+FFFD costs about 13 ns on a 20-byte key; scanning the bytes twice as much.
 */
export const decodeText = (bytes: Uint8Array, start: number, end: number): string => {
  const units = shortUnits[end - start]
  if (units !== undefined) {
    let all = 0
    for (let i = 0; i < units.length; i++) all |= units[i] = bytes[start + i]!
    if (all < 0x80) return String.fromCharCode(...units)
  }
  const text = slice(bytes, start, end)
  return text.includes(replacement) ? decodeEscaped(bytes, start, end) : text
}

const escapedByte = (unit: number): boolean => unit >= 0xdc80 && unit <= 0xdcff

const write = /* @__PURE__ */ ((): (bytes: Uint8Array, at: number, text: string) => number => {
  const native = globals.Buffer?.prototype.utf8Write
  if (native !== undefined) return (bytes, at, text) => native.call(bytes, text, at, bytes.length - at)
  const encoder = new globals.TextEncoder()
  return (bytes, at, text) => encoder.encodeInto(text, bytes.subarray(at)).written
})()

const writeEscaped = (bytes: Uint8Array, at: number, text: string): number => {
  let position = at
  let run = 0
  // with `u`, a pair of surrogates is one character, in which no half is found
  for (const { 0: unit, index } of text.matchAll(/[\udc80-\udcff]/gu)) {
    position += write(bytes, position, text.slice(run, index))
    bytes[position++] = unit.charCodeAt(0) - 0xdc00
    run = index + 1
  }
  return position + write(bytes, position, text.slice(run)) - at
}

/** Up to this length, ASCII is written by a loop: within an encoder that saves a third of what the call into native code costs. */
const shortText = 24

/** Writes text at `at` and returns its size in bytes. The caller has made room (`textBound`). */
export const encodeText = (bytes: Uint8Array, at: number, text: string): number => {
  const length = text.length
  if (length <= shortText) {
    let i = 0
    for (; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) break
      bytes[at + i] = unit
    }
    if (i === length) return length
  }
  const written = write(bytes, at, text)
  // ASCII has as many bytes as characters, a lone surrogate never; unless the buffer's end cut the writing short
  if (written === length && bytes.length - at - written > 3) return written
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed() ? written : writeEscaped(bytes, at, text)
}

/** Exact size of text in bytes; of what is no text, which `putText` refuses, none. */
export const textLength = (text: string): number => {
  if (typeof text !== "string") return 0
  let size = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) size++
    else if (unit < 0x800) size += 2
    else if (unit >= 0xd800 && unit < 0xdc00 && text.charCodeAt(i + 1) >= 0xdc00 && text.charCodeAt(i + 1) < 0xe000) {
      size += 4
      i++
    } else size += escapedByte(unit) ? 1 : 3
  }
  return size
}

/** Room that text needs at most: three bytes a character is cheap for short text, wasteful for long. What is no text takes none. */
export const textBound = (text: string): number => {
  if (typeof text !== "string") return 0
  const { length } = text
  if (length < 4096) return length * 3
  let size = length
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x80) size += unit < 0x800 ? 1 : 2
  }
  return size
}

/** Whether text stands for bytes that are no UTF-8. */
export const hasEscapes = (text: string): boolean => !(text as unknown as { isWellFormed(): boolean }).isWellFormed()

const firstSurrogate = 0xd800
const lastSurrogate = 0xdfff
const isSurrogate = (unit: number): boolean => unit >= firstSurrogate && unit <= lastSurrogate

const encoded = (text: string): Uint8Array => {
  const bytes = new Uint8Array(textBound(text))
  return bytes.subarray(0, encodeText(bytes, 0, text))
}

/** Orders texts as their bytes are ordered: below 0 when `left` is first, 0 when they are equal. UTF-16 has another order beyond U+D7FF. */
export const compareText = (left: string, right: string): number => {
  const shorter = Math.min(left.length, right.length)
  for (let at = 0; at < shorter; at++) {
    const a = left.charCodeAt(at)
    const b = right.charCodeAt(at)
    if (a === b) continue
    // a byte that is no UTF-8 may be the first of a character's, and a pair of surrogates is above all other characters
    return a >= 0x80 && b >= 0x80 && (isSurrogate(a) || isSurrogate(b)) ? compareBytes(encoded(left), encoded(right)) : a - b
  }
  return left.length - right.length
}

const compareBytes = (left: Uint8Array, right: Uint8Array): number => {
  const shorter = Math.min(left.length, right.length)
  for (let at = 0; at < shorter; at++) {
    const difference = left[at]! - right[at]!
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
