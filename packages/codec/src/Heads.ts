/**
 * How packets without an opcode are told apart: by the bytes they begin with. Of several that match, the longest head is the packet's; one
 * without any takes what is left.
 */
import { incomplete, malformed, unencodable } from "./Errors.ts"
import { textOfHex } from "./Hex.ts"
import { intBytes } from "./Integers.ts"
import type { ByteOrder, FieldModel, IntName } from "./Model.ts"
import type { Reader } from "./Reader.ts"
import { intWidth } from "./TypeText.ts"

/** The bytes that packets of one command begin with, as characters, and the bytes of which one must follow. */
export interface Head {
  readonly text: string
  readonly boundary: ReadonlyArray<number>
}

const constantText = (int: IntName, order: ByteOrder | undefined, value: number | string): string =>
  String.fromCharCode(...intBytes(intWidth[int], order === "little", BigInt(value)))

/** What a run of fields begins with. */
export const headOf = (fields: ReadonlyArray<FieldModel>): Head => {
  let text = ""
  for (const { type } of fields) {
    if (type.kind === "literal") text += textOfHex(type.hex)
    else if (type.kind === "constant") text += constantText(type.int, type.order, type.value)
    else if (type.kind === "tokens") {
      const separator = textOfHex(type.separator)
      const until = type.until === undefined ? "" : textOfHex(type.until)
      let first = true
      for (const [i, token] of type.fields.entries()) {
        if (token.type.kind !== "literal") {
          if (first || token.type.kind === "optional" || token.type.kind === "array" && (token.type.min ?? 0) === 0) break
          return { text: text + separator, boundary: [] }
        }
        text += (first ? "" : separator) + textOfHex(token.type.hex)
        first = false
        if (i === type.fields.length - 1 && until !== "") return { text: text + until, boundary: [] }
      }
      if (first) return { text, boundary: [] }
      return { text, boundary: [separator, until].filter((one) => one !== "").map((one) => one.charCodeAt(0)) }
    } else break
  }
  return { text, boundary: [] }
}

/** Whether a packet at `at` begins with a head, and one of the bytes that must follow it, where there are such. */
export const isHead = (reader: Reader, at: number, end: number, text: string, follows?: number, orFollows?: number): boolean => {
  const { bytes } = reader
  if (end - at < text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return follows === undefined || isFollowed(reader, at + text.length, end, follows, orFollows)
}

/** Whether a head that ends at `at` is followed by one of two bytes. */
export const isFollowed = ({ bytes }: Reader, at: number, end: number, follows: number, orFollows?: number): boolean =>
  // a section that is all there may end with the head; where more may come, it is not known yet
  end - at < 1 ? end % 1 === 0 : bytes[at] === follows || bytes[at] === orFollows

/** Throws: what is at `at` begins no packet of the kind, or not yet. */
export const noHead = (reader: Reader, at: number, end: number, kind: string, heads: ReadonlyArray<string>): never => {
  const there = reader.bytes.subarray(at, Math.floor(end))
  const mayBecome = end % 1 !== 0 && heads.some((head) => {
    const size = Math.min(head.length, there.length)
    for (let i = 0; i < size; i++) if (there[i] !== head.charCodeAt(i)) return false
    return there.length <= head.length
  })
  // the nearest ones say enough
  const near = heads.filter((head) => head.charCodeAt(0) === there[0])
  const some = (near.length === 0 ? heads : near).slice(0, 8)
  const more = some.length < heads.length ? `, or ${heads.length - some.length} others` : ""
  const expected = `a packet that begins with ${some.map((head) => JSON.stringify(head)).join(", ")}${more}`
  if (mayBecome || end % 1 !== 0 && there.length === 0) return incomplete(kind, "", there.length, expected, `${there.length} bytes`)
  return malformed("UnknownValue", kind, "", 0, expected, JSON.stringify(String.fromCharCode(...there.subarray(0, 24))))
}

/** A packet that others are told from by their heads must not begin like one of them: it would be read as that one. */
export const checkHead = (
  bytes: Uint8Array,
  at: number,
  end: number,
  packet: string,
  heads: ReadonlyArray<readonly [text: string, ...boundary: ReadonlyArray<number>]>
): void => {
  for (const [text, ...boundary] of heads) {
    const after = at + text.length
    if (after > end || boundary.length > 0 && after < end && !boundary.includes(bytes[after]!)) continue
    let same = 0
    while (same < text.length && bytes[at + same] === text.charCodeAt(same)) same++
    if (same === text.length) unencodable("UnknownValue", packet, "", `nothing that begins with ${JSON.stringify(text)}`, "it")
  }
}
