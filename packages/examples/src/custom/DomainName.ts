/** Domain names (RFC 1035, 4.1.4) spelled as in master files: `www.example.org.`, `\.`, `\ddd`. An ending that was said before is a pointer. */
import type { Reader, Writer } from "@wirewright/codec"
import type { CustomFace } from "@wirewright/codec/Catalog"
import { incomplete, malformed, unencodable } from "@wirewright/codec/Errors"

const refuse = (expected: string, got: number, offset: number): never =>
  malformed("UnknownValue", "DomainName", "", offset, expected, String(got))
/** How each byte of a label is spelled. */
const spelled = Array.from(
  { length: 256 },
  (_, byte) => byte < 0x21 || byte > 0x7e ? `\\${String(byte).padStart(3, "0")}` : String.fromCharCode(byte).replace(/[."\\;@$()]/, "\\$&")
)
/** Reads a name. Each pointer goes further back than the one before, so that none goes in circles. */
export const readDomainName = (reader: Reader, at: number, end: number, start: number, _packet?: unknown): string => {
  let name = ""
  let size = 0
  let next = 0
  let first = at
  let i = at
  let stop = end
  const need = (bytes: number): void => {
    if (i + bytes <= stop) return
    if (stop % 1 === 0) refuse("a whole name", stop - i, at - start)
    incomplete("DomainName", "", at - start, "a whole name", "a part")
  }
  for (let length = -1; length !== 0;) {
    need(1)
    length = reader.bytes[i]!
    need(length > 0xbf ? 2 : length + 1)
    if (length > 0xbf) {
      if (next === 0) next = i + 2
      i = reader.content + (length & 0x3f) * 256 + reader.bytes[i + 1]!
      if (i >= first) refuse("a pointer to what came before", i - reader.content, at - start)
      first = i
      stop = at
    } else {
      size += length + 1
      if (length > 63 || size > 255) refuse("labels of 63 and names of 255 bytes at most", Math.max(length, size), at - start)
      for (let k = i + 1; k <= i + length; k++) name += spelled[reader.bytes[k]!]
      if (length > 0) name += "."
      i += length + 1
    }
  }
  reader.next = next === 0 ? i : next
  return name === "" ? "." : name
}
const endings = new WeakMap<Writer, Map<string, number>>()
/** Writes a name; its endings can be pointed at by names after it, and it points at those before, when it is to `compress`. */
export const writeDomainName = (
  writer: Writer,
  at: number,
  name: string,
  _start = 0,
  _packet: unknown = undefined,
  compress = true
): number => {
  // a message's first name stands where its header of 12 bytes ends
  const said = at === writer.content + 12 ? new Map<string, number>() : endings.get(writer) ?? new Map<string, number>()
  endings.set(writer, said)
  const labels = name === "." ? [] : name.match(/(?:\\\d{3}|\\?[^.\\]|\\[.\\])+(?=\.)/g) ?? []
  if (name !== "." && labels.map((label) => `${label}.`).join("") !== name) {
    unencodable("Range", "DomainName", "", "labels that end with a dot", name)
  }
  for (let i = 0, size = 1; labels.length > 0; i++, labels.shift()) {
    // like BIND: the name and what follows its first label, said last
    const rest = i > 1 ? "" : labels.join(".")
    const to = compress ? said.get(rest) : undefined
    if (to !== undefined) return writer.bytes.set([0xc0 | to >> 8, to & 0xff], at), at + 2
    if (i < 2 && at - writer.content < 0x4000) said.set(rest, at - writer.content)
    const bytes = Array.from(
      labels[0]!.matchAll(/\\(\d{3})|\\?([^])/g),
      ([, code, character]) => code === undefined ? character!.charCodeAt(0) : Number(code)
    )
    size += bytes.length + 1
    if (bytes.length > 63 || size > 255 || bytes.some((byte) => byte > 255)) {
      unencodable("Range", "DomainName", "", "labels of 63 and names of 255 bytes at most", name)
    }
    writer.bytes.set([bytes.length, ...bytes], at)
    at += bytes.length + 1
  }
  writer.bytes[at] = 0
  return at + 1
}
/** Characters are bytes at most, and the last dot stands for one too. */
export const boundDomainName = (name: string): number => name.length + 1
export type DomainName = string
export const customDomainName: CustomFace<string> = {
  read: readDomainName,
  text: String,
  toJson: String,
  fromJson: (json) => typeof json === "string" ? json : undefined
}
