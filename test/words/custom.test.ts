/** A field that only code can say: its own length, one of fixed size, one that takes what is left, in records, lists and behind lengths. */
import * as D from "@wirewright/dsl"
import type { Reader } from "@wirewright/codec"
import { afterAll, beforeAll, expect, it } from "vitest"
import { bytesOf, compile, Generated, hexOf, plain } from "./Harness.ts"

/** Labels as DNS has them (RFC 1035, 3.1), without pointers; three bytes of a packed date; bytes masked by a sibling. */
const code = `
import { decodeText, incomplete, malformed, type Reader, type Writer } from "@wirewright/codec"
export type Labels = ReadonlyArray<string>
export const readLabels = (reader: Reader, at: number, end: number, start: number, _packet?: object): Labels => {
  const labels: Array<string> = []
  let position = at
  for (;;) {
    if (end - position < 1) return end % 1 === 0 ? malformed("Length", "Labels", "", position - start, "a label", "the end") : incomplete("Labels", "", position - start, "a label", "the end")
    const size = reader.bytes[position]!
    if (size > 63) return malformed("Limit", "Labels", "", position - start, "at most 63 bytes", String(size))
    if (end - position - 1 < size) return end % 1 === 0 ? malformed("Length", "Labels", "", position - start, "a label", "the end") : incomplete("Labels", "", position - start, "a label", "the end")
    position += 1 + size
    if (size === 0) break
    labels.push(decodeText(reader.bytes, position - size, position))
  }
  reader.next = position
  return labels
}
export const writeLabels = (writer: Writer, at: number, value: Labels, _start: number, _packet: object): number => {
  let position = at
  for (const label of [...value, ""]) {
    writer.bytes[position++] = label.length
    for (const one of label) writer.bytes[position++] = one.charCodeAt(0)
  }
  return position
}
export const boundLabels = (value: Labels): number => value.reduce((sum, one) => sum + one.length + 1, 1)
export type Day = { readonly day: number }
export const readDay = (reader: Reader, at: number, _end: number, _start: number, _packet?: object): Day => ({ day: reader.view.getUint16(at) })
export const writeDay = (writer: Writer, at: number, value: Day, _start: number, _packet: object): number => {
  writer.view.setUint16(at, value.day)
  return at + 2
}
export type Masked = Uint8Array
export const readMasked = (reader: Reader, at: number, end: number, _start: number, packet?: { readonly [name: string]: number }): Masked => {
  const stop = Math.floor(end)
  reader.next = stop
  return reader.bytes.slice(at, stop).map((byte) => byte ^ (packet?.["mask"] ?? 0))
}
export const writeMasked = (writer: Writer, at: number, value: Masked, _start: number, packet: object): number => {
  const { mask } = packet as { readonly mask: number }
  value.forEach((byte, i) => { writer.bytes[at + i] = byte ^ mask })
  return at + value.length
}
export const boundMasked = (value: Masked): number => value.length
export const customLabels = { read: readLabels, text: String, toJson: (value: Labels) => value, fromJson: (json: unknown) => json as Labels }
export const customDay = { read: readDay, text: (value: Day) => String(value.day), toJson: (value: Day) => value, fromJson: (json: unknown) => json as Day }
export const customMasked = { read: readMasked, text: String, toJson: (value: Masked) => [...value], fromJson: (json: unknown) => json as Masked }
`

const module = "./Own.ts"
const labels = D.custom("Labels", { module, minimum: 1 })
const types = [
  D.struct("WithLabels", { n: D.u8, name: labels, list: D.counted(D.u8, labels), after: D.u8 }),
  D.struct("WithDay", {
    day: D.custom("Day", { module, minimum: 2, fixed: 2 }),
    days: D.array(D.custom("Day", { module, minimum: 2, fixed: 2 }))
  }),
  D.struct("WithMask", {
    mask: D.u8,
    size: D.lengthOf(D.u16, "payload"),
    payload: D.custom("Masked", { module, minimum: 0, ends: false }),
    after: D.u8
  })
]

let g: Generated
beforeAll(async () => {
  const g0 = await Generated.of("custom", types, { files: { "Own.ts": code } })
  const own = await import(`${g0.directory}/Own.ts`) as { readonly [name: string]: (...args: ReadonlyArray<unknown>) => unknown }
  const face = (name: string) => ({
    read: (reader: Reader, at: number, end: number, start: number, packet: { readonly [name: string]: number }) => {
      const value = own[`read${name}`]!(reader, at, end, start, { mask: packet["mask"] })
      if (name === "Day") reader.next = at + 2
      return value
    },
    text: String,
    toJson: (value: unknown) => value instanceof Uint8Array ? hexOf(value) : value,
    fromJson: (json: unknown) => name === "Masked" ? bytesOf(json as string) : json
  })
  g = await Generated.of("custom", types, {
    files: { "Own.ts": code },
    customs: { Labels: face("Labels"), Day: face("Day"), Masked: face("Masked") }
  })
})
afterAll(() => g?.remove())

const cases = [
  ["WithLabels", { n: 1, name: ["www", "example"], list: [[], ["a"]], after: 9 }, "01 03777777076578616d706c6500 02 00 016100 09"],
  ["WithDay", { day: { day: 258 }, days: [{ day: 1 }] }, "0102 0001"],
  ["WithMask", { mask: 0xff, payload: Uint8Array.of(1, 2), after: 9 }, "ff 0002 fefd 09"]
] as const

it.each(cases)("%s: both directions, prefixes, JSON", (name, value, hex) => {
  const bytes = bytesOf(hex)
  expect(hexOf(g.encode(name, value))).toBe(hexOf(bytes))
  expect(plain(g.decode(name, bytes))).toEqual(plain({ value }))
  expect("leaves" in g.walk(name, bytes)).toBe(true)
  if (g.ends(name)) {
    for (let length = 0; length < bytes.length; length++) {
      expect(g.decode(name, bytes.subarray(0, length)), String(length)).toMatchObject({ error: { incomplete: true } })
      expect(g.walk(name, bytes.subarray(0, length)), String(length)).toEqual(g.decode(name, bytes.subarray(0, length)))
    }
  }
  const json = JSON.parse(JSON.stringify(g.catalog.toJson(g.typeOf(name), value, "named"))) as unknown
  expect(hexOf(g.encode(name, g.catalog.fromJson(g.typeOf(name), json, name, "")))).toBe(hexOf(bytes))
})

it("gives errors of its code their place", () => {
  const wrong = bytesOf("01 00 01 40")
  expect(g.decode("WithLabels", wrong)).toEqual({ error: { reason: "Limit", path: "list[0]", offset: 3, incomplete: false } })
  expect(g.walk("WithLabels", wrong)).toEqual({ error: { reason: "Limit", path: "list[0]", offset: 3, incomplete: false } })
})

it("type-checks", () => {
  const said = compile([g.directory])
  if (said !== "") throw new Error(said)
})
