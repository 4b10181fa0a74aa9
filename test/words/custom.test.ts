/** A field that only code can say: its own length, one of fixed size, one that takes what is left, in records, lists and behind lengths. */
import * as D from "@wirewright/dsl"
import { DecodeError, EncodeError, type Reader, Writer } from "@wirewright/codec"
import type { Customs } from "@wirewright/codec/Catalog"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
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
export type Picky = number
export const readPicky = (reader: Reader, at: number, _end: number, _start: number, _packet?: object): Picky => {
  reader.next = at + 1
  if (reader.bytes[at] === 0xee) throw new RangeError("no such thing")
  if (reader.bytes[at] === 0xef) throw "a text"
  return reader.bytes[at]!
}
export const writePicky = (writer: Writer, at: number, value: Picky, _start: number, _packet: object): number => {
  if (value === 0xee) throw new RangeError("no such thing")
  writer.bytes[at] = value
  return at + 1
}
export const boundPicky = (value: Picky): number => {
  if (value > 0xff) throw new TypeError("too much")
  return 1
}
export const customPicky = { read: readPicky, text: String, toJson: (value: Picky) => value, fromJson: (json: unknown) => {
  if (typeof json !== "number") throw new TypeError("no number")
  return json
} }
export const customLabels = { read: readLabels, text: String, toJson: (value: Labels) => value, fromJson: (json: unknown) => json as Labels }
export const customDay = { read: readDay, text: (value: Day) => String(value.day), toJson: (value: Day) => value, fromJson: (json: unknown) => json as Day }
export const customMasked = { read: readMasked, text: String, toJson: (value: Masked) => [...value], fromJson: (json: unknown) => json as Masked }
`

const module = "./Own.ts"
const labels = D.custom("Labels", { module, minimum: 1 })
const picky = D.custom("Picky", { module, minimum: 1 })
const types = [
  D.struct("WithLabels", { n: D.u8, name: labels, list: D.counted(D.u8, labels), after: D.u8 }),
  D.struct("WithPicky", { n: D.u8, one: picky, list: D.counted(D.u8, D.struct("Held", { it: picky })), many: D.array(picky) }),
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
  const { customPicky } = own as unknown as { readonly customPicky: Customs[string] }
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
    customs: { Picky: customPicky, Labels: face("Labels"), Day: face("Day"), Masked: face("Masked") }
  })
})
afterAll(() => g?.remove())

const thrown = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

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

describe("what that code throws", () => {
  it.each([
    ["in a record", "01 ee 00", "one", 1],
    ["in a record of a list", "01 00 02 00 ee", "list[1].it", 4],
    ["in a list", "01 00 00 01 ee", "many[1]", 4]
  ])("%s is told with its field, as the cause", (_, hex, path, offset) => {
    const bytes = bytesOf(hex)
    expect(g.decode("WithPicky", bytes)).toEqual({ error: { reason: "Custom", path, offset, incomplete: false } })
    expect(g.walk("WithPicky", bytes)).toEqual(g.decode("WithPicky", bytes))
    const error = thrown(() => g.read("WithPicky", bytes))
    expect(error).toBeInstanceOf(DecodeError)
    expect(error).toMatchObject({ packet: "WithPicky", cause: new RangeError("no such thing") })
    expect((error as Error).message).toBe(
      `WithPicky.${path} at byte ${offset}: expected what the field's own code reads, got RangeError: no such thing`
    )
  })

  it("may be anything", () => {
    expect(thrown(() => g.read("WithPicky", bytesOf("01 ef 00")))).toMatchObject({ reason: "Custom", path: "one", cause: "a text" })
  })

  it.each([
    ["in a record", { n: 1, one: 0xee, list: [], many: [] }, "one"],
    ["in a record of a list", { n: 1, one: 1, list: [{ it: 1 }, { it: 0xee }], many: [] }, "list[1].it"],
    ["in a list", { n: 1, one: 1, list: [], many: [0xee] }, "many[0]"]
  ])("when it writes, %s, too; and the writer is left as it was", (_, value, path) => {
    const encode = g.gen["encodeWithPicky"] as (writer: Writer, value: object) => void
    const writer = new Writer()
    encode(writer, { n: 1, one: 1, list: [], many: [] })
    const before = writer.position
    const error = thrown(() => encode(writer, value))
    expect(error).toBeInstanceOf(EncodeError)
    expect(error).toMatchObject({ reason: "Custom", packet: "WithPicky", path, cause: new RangeError("no such thing") })
    expect(writer.position).toBe(before)
  })

  it("when it says how much room is needed, or takes JSON, too", () => {
    const error = thrown(() => g.encode("WithPicky", { n: 1, one: 256, list: [], many: [] }))
    expect(error).toMatchObject({ _tag: "EncodeError", reason: "Custom", packet: "Picky", path: "one", cause: new TypeError("too much") })
    const json = { n: 1, one: "x", list: [], many: [] }
    expect(thrown(() => g.catalog.fromJson(g.typeOf("WithPicky"), json, "WithPicky", ""))).toMatchObject({
      _tag: "EncodeError",
      reason: "Custom",
      path: "one"
    })
  })

  it("that there is no value is no fault of the code", () => {
    for (const one of [undefined, null]) {
      expect(thrown(() => g.encode("WithPicky", { n: 1, one, list: [], many: [] }))).not.toMatchObject({ reason: "Custom" })
    }
  })
})

it("type-checks", () => {
  const said = compile([g.directory])
  if (said !== "") throw new Error(said)
})
