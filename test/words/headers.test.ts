/**
 * Headers of frames, field by field: the lengths they give, whatever their fields are and wherever the length counts from, against bytes put
 * together here; and what each word means in a header.
 */
import { encodeWith, Reader } from "@wirewright/codec"
import { annotate } from "@wirewright/codec/Layout"
import * as D from "@wirewright/dsl"
import * as Fs from "node:fs"
import { afterAll, describe, expect, it } from "vitest"
import { bytesOf, compile, hexOf, plain, protocolOf } from "./Harness.ts"

const made: Array<string> = []
afterAll(() => made.forEach((one) => Fs.rmSync(one, { recursive: true, force: true })))

/** A protocol of one packet, whose opcode stands first, then the length, then `after`. */
const load = async (name: string, fields: D.HeaderFields, options: { readonly trailer?: D.Fields; readonly maxFrame?: number } = {}) => {
  const { maxFrame, trailer } = options
  const frame = D.frame("F", {
    sections: ["body"],
    kinds: { m: { headers: [{ fields }], ...trailer === undefined ? {} : { trailer } } },
    ...maxFrame === undefined ? {} : { maxFrame }
  })
  const command = D.commandsOf(frame, "m")("A", { opcode: 1, request: { body: { data: D.bytes() } } })
  const loaded = await protocolOf(D.protocol(frame, { name, module: `headers/${name}`, commands: [command] }))
  made.push(loaded.directory)
  const { catalog, gen } = loaded
  return {
    catalog,
    encode: (value: object): Uint8Array => encodeWith((writer) => gen["encodeA"]!(writer, value)),
    decode: (bytes: Uint8Array): unknown => gen["decode"]!(new Reader(bytes)),
    size: (bytes: Uint8Array): unknown =>
      (gen["frameShape"] as unknown as { sizeAt: (reader: Reader, at: number, end: number) => number }).sizeAt(
        new Reader(bytes),
        0,
        bytes.length
      )
  }
}

/** Values of header fields and their bytes, by hand. */
const fields: { readonly [name: string]: readonly [D.HeaderFields, ReadonlyArray<readonly [value: object, hex: string]>] } = {
  Nothing: [{}, [[{}, ""]]],
  Text: [{ s: D.cstring() }, [[{ s: "" }, "00"], [{ s: "é€" }, "c3a9 e282ac 00"]]],
  Prefixed: [{ s: D.prefixed(D.u8, D.utf8()) }, [[{ s: "" }, "00"], [{ s: "é" }, "02 c3a9"]]],
  Varint: [{ s: D.varint() }, [[{ s: 1 }, "01"], [{ s: 300 }, "ac02"]]],
  Escaped: [{ s: D.escaped(D.u8, { max: 125, 126: D.u16 }) }, [[{ s: 1 }, "01"], [{ s: 200 }, "7e 00c8"]]],
  Decimal: [{ s: D.decimal({ until: "\n" }) }, [[{ s: 1 }, "310a"], [{ s: 200 }, "3230300a"]]],
  Optional: [
    { flags: D.bits(D.u8, { has: D.slice(7) }), s: D.optional(D.cstring(), { if: D.bitOf("has") }) },
    [[{}, "00"], [{ s: "é" }, "80 c3a900"]]
  ],
  Bits: [
    { bits: D.bits(D.u8, { type: D.slice(7), s: D.escaped(D.slice(6, 0), { max: 125, 126: D.u16, 127: D.u32 }) }) },
    [[{ type: 1, s: 5 }, "85"], [{ type: 0, s: 300 }, "7e 012c"], [{ type: 1, s: 70_000 }, "ff 00011170"]]
  ],
  Counted: [{ s: D.counted(D.u8, D.cstring()) }, [[{ s: [] }, "00"], [{ s: ["é", ""] }, "02 c3a900 00"]]],
  Array: [{ n: D.countOf(D.u8, "s"), s: D.array(D.u16) }, [[{ s: [] }, "00"], [{ s: [1, 2] }, "02 0001 0002"]]],
  Record: [{ s: D.struct("R", { x: D.cstring(), y: D.u8 }) }, [[{ s: { x: "€", y: 7 } }, "e282ac00 07"]]]
}

/** Numbers as a length is spelled, by hand. */
const spell = {
  u16: (n: number): ReadonlyArray<number> => [n >> 8, n & 255],
  varint: (n: number): ReadonlyArray<number> => n < 128 ? [n] : [n & 127 | 128, n >> 7],
  escaped: (n: number): ReadonlyArray<number> => n < 126 ? [n] : [126, n >> 8, n & 255]
}

type Spelling = keyof typeof spell

const of: { readonly [S in Spelling]: Parameters<typeof D.bodyLength>[0] } = {
  u16: D.u16,
  varint: D.varint(),
  escaped: D.escaped(D.u8, { max: 125, 126: D.u16 })
}

describe("a length in a header", () => {
  const cases = (["body", "field", "length", "frame"] as const).flatMap((from) =>
    (["u16", "varint", "escaped"] as const).flatMap((spelling) =>
      // what counts bytes whose number it tells is refused
      spelling !== "u16" && (from === "length" || from === "frame") ? [] : [{ from, spelling }]
    )
  ).map((one, i) => ({ ...one, plus: [3, 0, -2][i % 3]! }))
  it.each(cases)("counts from $from as $spelling, plus $plus, whatever surrounds it", async ({ from, plus, spelling }) => {
    for (const [name, [after, values]] of Object.entries(fields)) {
      for (const isBefore of [false, true]) {
        const length = D.bodyLength(of[spelling], { from, plus })
        const trailer = isBefore ? { end: D.constant(D.u8, 0xee) } : {}
        const header = isBefore ? { t: D.opcode(D.u8), ...after, length } : { t: D.opcode(D.u8), length, ...after }
        const id = `${from}${spelling}${plus + 2}${name}${isBefore}`
        const p = await load(id, header, { trailer })
        for (const [value, hex] of values) {
          for (const size of [2, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 131, 300]) {
            const others = [...bytesOf(hex)]
            const end = isBefore ? [0xee] : []
            const content = size + plus +
              (from === "body" || isBefore && from === "field" ? 0 : from === "length" && isBefore ? 2 : others.length)
            const counted = from === "length" && !isBefore ? content + 2 : from === "frame" ? content + 3 + end.length : content
            const data = new Uint8Array(size).fill(7)
            const bytes = [1, ...isBefore ? others : [], ...spell[spelling](counted), ...isBefore ? [] : others, ...data, ...end]
            const where = `${id} ${JSON.stringify(value)} ${size}`
            expect(hexOf(p.encode({ ...value, data })), where).toBe(hexOf(Uint8Array.from(bytes)))
            const more = Uint8Array.from([...bytes, 9, 9, 9, 9])
            expect(plain(p.decode(more)), where).toEqual(plain({ _tag: "A", t: 1, ...value, data }))
            expect(p.size(more), where).toBe(bytes.length)
            const annotation = annotate(p.catalog, Uint8Array.from(bytes))
            expect([annotation.error, annotation.length], where).toEqual([undefined, bytes.length])
          }
        }
      }
    }
  })

  it("leads to a limit that is met at the last byte, whatever room was made", async () => {
    const p = await load("limit", { t: D.opcode(D.u8), length: D.bodyLength(D.u16), s: D.cstring() }, { maxFrame: 20 })
    const value = (size: number) => ({ s: "€€", data: new Uint8Array(size) })
    expect(p.encode(value(10)).length).toBe(20)
    expect(() => p.encode(value(11))).toThrow("a frame of at most 20 bytes, got 21 bytes")
  })

  it("has code that type-checks", () => {
    const said = compile(made.slice(0, 44))
    if (said !== "") throw new Error(said)
  })
})

describe("a checksum in a trailer", () => {
  // sums of bytes, by hand
  const sum = (bytes: ReadonlyArray<number>): number => bytes.reduce((all, byte) => all + byte & 255, 0)
  it.each([["fixed", D.u16, "0102", 258], ["varying", D.cstring(), "c3a900", "é"]] as const)(
    "covers fields of a header that is %s, and the body",
    async (name, word, hex, value) => {
      for (const over of [["s"], ["s", "n"], ["s", "n", "body"], ["n", "body"], ["body"]]) {
        const id = `sum${name}${over.join("")}`
        const header = { t: D.opcode(D.u8), length: D.bodyLength(D.u16, { from: "frame" }), s: word, n: D.u8 }
        const p = await load(id, header, { trailer: { sum: D.checksum("sum8", D.u8, { over }), end: D.constant(D.u8, 0xee) } })
        const parts: { readonly [part: string]: ReadonlyArray<number> } = { s: [...bytesOf(hex)], n: [7], body: [1, 2] }
        const content = [...parts["s"]!, ...parts["n"]!, ...parts["body"]!]
        const bytes = Uint8Array.from([1, 0, content.length + 5, ...content, sum(over.flatMap((one) => parts[one]!)), 0xee])
        const packet = { s: value, n: 7, data: Uint8Array.of(1, 2) }
        expect(hexOf(p.encode(packet)), id).toBe(hexOf(bytes))
        expect(plain(p.decode(bytes)), id).toEqual(plain({ _tag: "A", t: 1, ...packet }))
        expect(annotate(p.catalog, bytes).error, id).toBeUndefined()
        const wrong = bytes.slice()
        wrong[wrong.length - 2]! ^= 1
        expect(() => p.decode(wrong), id).toThrow(expect.objectContaining({ reason: "Checksum", path: "sum" }))
        expect(annotate(p.catalog, wrong).error, id).toMatchObject({ reason: "Checksum", path: "sum" })
      }
      const said = compile(made.filter((one) => one.includes(`-sum${name}`)))
      if (said !== "") throw new Error(said)
    }
  )

  it("covers what is there, without gaps", async () => {
    const header = { t: D.opcode(D.u8), length: D.bodyLength(D.u16) }
    const over = (...names: ReadonlyArray<string>) => ({ trailer: { sum: D.checksum("sum8", D.u8, { over: names }) } })
    await expect(load("gap", header, over("t", "body"))).rejects.toThrow("WW240 t, body do not follow one another")
    await expect(load("none", header, over("nothing"))).rejects.toThrow("WW240 sum is over nothing, which is not there")
  })
})

describe("a word in a header", () => {
  const words: ReadonlyArray<
    readonly [name: string, word: D.HeaderField, good: ReadonlyArray<readonly [unknown, string]>, bad: ReadonlyArray<string>]
  > = [
    ["constant", D.constant(D.u8, 5), [[undefined, "05"]], ["06"]],
    ["literal", D.literal("ab"), [[undefined, "6162"]], ["6163"]],
    ["reservedError", D.reserved(D.u8, "error"), [[undefined, "00"]], ["01"]],
    ["reservedIgnore", D.reserved(D.u8, "ignore"), [[undefined, "00"]], []],
    ["reservedBytes", D.reserved(3), [[Uint8Array.of(1, 2, 3), "010203"]], []],
    ["enumeration", D.enumeration("E", D.u8, { a: 1 }, { unknown: "error" }), [[1, "01"]], ["02"]],
    ["keptEnumeration", D.enumeration("E", D.u8, { a: 1 }), [[1, "01"], [2, "02"]], []],
    ["flags", D.flags("Fl", D.u8, { a: D.bit(0) }, { unknown: "error" }), [[1, "01"]], ["02"]],
    ["bool", D.bool(D.u8), [[true, "01"], [false, "00"]], ["02"]],
    ["f32", D.f32, [[1, "3f800000"]], []],
    ["bytes", D.bytes({ size: 2 }), [[Uint8Array.of(8, 9), "0809"]], []]
  ]
  it.each(words)("%s is what it is anywhere", async (name, word, good, bad) => {
    const p = await load(`word${name}`, { t: D.opcode(D.u8), h: word, length: D.bodyLength(D.u16) })
    for (const [value, hex] of good) {
      const bytes = bytesOf(`01 ${hex} 0001 07`)
      const packet = { ...value === undefined ? {} : { h: value }, data: Uint8Array.of(7) }
      expect(hexOf(p.encode(packet))).toBe(hexOf(bytes))
      expect(plain(p.decode(bytes))).toEqual(plain({ _tag: "A", t: 1, ...packet }))
      expect(annotate(p.catalog, bytes).error).toBeUndefined()
    }
    for (const hex of bad) {
      const bytes = bytesOf(`01 ${hex} 0001 07`)
      const { offset, path, reason } = annotate(p.catalog, bytes).error!
      expect([path, offset]).toEqual(["h", name === "literal" ? 2 : 1])
      expect(() => p.decode(bytes)).toThrow(expect.objectContaining({ offset, path, reason }))
    }
  })

  it("may be left out, and is zero then", async () => {
    for (
      const [name, word, hex] of [["zeroBool", D.bool(D.u8), "00"], ["zeroText", D.cstring(), "00"], ["zeroInt", D.u16, "0000"]] as const
    ) {
      const p = await load(name, { t: D.opcode(D.u8), h: word, length: D.bodyLength(D.u16) })
      expect(hexOf(p.encode({ data: Uint8Array.of() }))).toBe(hexOf(bytesOf(`01 ${hex} 0000`)))
    }
  })
})
