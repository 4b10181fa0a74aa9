/**
 * Domain names on the wire (RFC 1035, 4.1.4): labels with their lengths and an empty one at the end, or a pointer to where the rest was said.
 *
 * In TypeScript they are spelled as in master files: `www.example.org.`, with `\.` and `\ddd` within labels; `.` is the root. Pointers count from
 * where the packet's content begins. Which names are pointed at is up to who writes: here, as BIND does, a whole name and what follows its first
 * label, where they were written last.
 */
import { incomplete, malformed, unencodable } from "./Errors.ts"
import type { Reader } from "./Reader.ts"
import type { Writer } from "./Writer.ts"

/** Most bytes of a label and of a name, and places that a pointer can say (RFC 1035, 2.3.4 and 4.1.4). */
const [maxLabel, maxName, places] = [63, 255, 0x4000]

/** How each byte of a label is spelled. */
const spelled = Array.from(
  { length: 256 },
  (_, byte) => byte < 0x21 || byte > 0x7e ? `\\${String(byte).padStart(3, "0")}` : String.fromCharCode(byte).replace(/[."\\;@$()]/, "\\$&")
)

const limits = `labels of ${maxLabel} and names of ${maxName} bytes at most`

/**
 * Reads a name at `at` and leaves the offset after it in `reader.next`; `origin` is where offsets of errors count from. Each pointer goes
 * further back than the one before, so that none goes in circles.
 */
export const readDomainName = (reader: Reader, at: number, end: number, origin: number, packet: string, path: string): string => {
  const { bytes } = reader
  let [name, size, next, first, stop, i] = ["", 0, 0, at, end, at]
  const need = (count: number): void => {
    if (i + count <= stop) return
    if (stop % 1 === 0) malformed("Length", packet, path, at - origin, "a whole name", "a part of one")
    incomplete(packet, path, at - origin, "a whole name", "a part of one")
  }
  for (;;) {
    need(1)
    const length = bytes[i]!
    need(length >= 0xc0 ? 2 : length + 1)
    if (length >= 0xc0) {
      if (next === 0) next = i + 2
      i = reader.content + (length & 0x3f) * 256 + bytes[i + 1]!
      if (i >= first) malformed("UnknownValue", packet, path, at - origin, "a pointer to what came before", String(i - reader.content))
      first = i
      stop = at
      continue
    }
    size += length + 1
    if (length > maxLabel || size > maxName) malformed("Limit", packet, path, at - origin, limits, String(Math.max(length, size)))
    i += length + 1
    if (length === 0) break
    for (let k = i - length; k < i; k++) name += spelled[bytes[k]!]!
    name += "."
  }
  reader.next = next === 0 ? i : next
  return name === "" ? "." : name
}

/** The bytes of each label; nothing when a label is empty, does not end with a dot, or has a character that is no byte. */
const labelsOf = (name: string): ReadonlyArray<ReadonlyArray<number>> | undefined => {
  const labels: Array<ReadonlyArray<number>> = []
  let label: Array<number> = []
  for (let i = 0; i < name.length; i++) {
    let code = name.charCodeAt(i)
    if (code === 0x2e) {
      if (label.length === 0) return undefined
      labels.push(label)
      label = []
      continue
    }
    if (code === 0x5c) {
      const digits = /^\d{3}/.exec(name.slice(i + 1, i + 4))?.[0]
      code = digits === undefined ? name.charCodeAt(i + 1) : Number(digits)
      i += digits === undefined ? 1 : 3
    }
    if (!(code <= 0xff)) return undefined
    label.push(code)
  }
  return label.length === 0 ? labels : undefined
}

/** Writes a name at `at` and returns the offset after it. Names after it can point at it; it points at others when it is to `compress`. */
export const putDomainName = (writer: Writer, at: number, name: string, compress: boolean, packet: string, path: string): number => {
  if (typeof name !== "string") unencodable(name === undefined || name === null ? "Missing" : "Range", packet, path, "a name", String(name))
  const labels = name === "." ? [] : labelsOf(name)
  const rests = labels?.map((label) => `${label.map((byte) => spelled[byte]!).join("")}.`) ?? []
  if (labels === undefined || name === "" || name !== "." && rests.join("") !== name) {
    return unencodable("Range", packet, path, "a name as master files spell it, with a dot at its end", JSON.stringify(name))
  }
  const size = labels.reduce((sum, label) => sum + label.length + 1, 1)
  const longest = labels.reduce((most, label) => Math.max(most, label.length), 0)
  if (longest > maxLabel || size > maxName) unencodable("Limit", packet, path, limits, String(longest > maxLabel ? longest : size))
  const { bytes } = writer
  const names = writer.names ??= new Map()
  for (const [i, label] of labels.entries()) {
    if (i < 2) {
      const rest = rests.slice(i).join("")
      const to = compress ? names.get(rest) : undefined
      if (to !== undefined) {
        bytes[at] = 0xc0 | to >> 8
        bytes[at + 1] = to & 0xff
        return at + 2
      }
      if (at - writer.content < places) names.set(rest, at - writer.content)
    }
    bytes[at] = label.length
    bytes.set(label, at + 1)
    at += label.length + 1
  }
  bytes[at] = 0
  return at + 1
}

/** The most bytes that a name takes: characters are bytes at most, and the end is one more. */
export const boundDomainName = (name: string): number => String(name).length + 1
