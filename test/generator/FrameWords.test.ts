/**
 * Frames whose headers hold any words: written and read, also by the interpreter. Checksums, in the header or after the body, may be over fields of
 * the header, the body, or both, and refuse any other byte. Bytes are written by hand; checksums come from zlib, or are added up here.
 */
import { Reader, Writer } from "@wirewright/codec"
import { Catalog } from "@wirewright/codec/Catalog"
import { annotate } from "@wirewright/codec/Layout"
import type { Model } from "@wirewright/codec/Model"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { crc32 } from "node:zlib"
import { afterAll, beforeAll, expect, it } from "vitest"
import { runCalls } from "./Run.ts"

/** From where `@wirewright/*` resolves. */
const work = Path.join(import.meta.dirname, "../.wirewright-frame-words")

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"))
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
const crc = (hex: string): string => crc32(bytesOf(hex)).toString(16).padStart(8, "0")
const sum = (hex: string): string => (bytesOf(hex).reduce((total, byte) => total + byte, 0) & 0xff).toString(16).padStart(2, "0")

interface Case {
  readonly header: string
  readonly trailer?: string
  /** What else is said of the kind. */
  readonly kind?: string
  readonly packet: object
  readonly expected: string
  /** Offsets of bytes that a checksum covers and nothing else looks at. */
  readonly covered?: ReadonlyArray<number>
}

const numbers = "type: opcode(u8), length: bodyLength(u16), seq: u8"
const plain = "length: bodyLength(u16), type: opcode(u8)"
const wide = "type: opcode(u8), length: bodyLength(varint()), seq: u8"
const packet = { seq: 5, a: 0x0102 }

const cases: { readonly [name: string]: Case } = {
  bodyAtEnd: {
    header: numbers,
    trailer: `sum: checksum("crc32", u32, { over: ["body"] })`,
    packet,
    expected: `01 0002 05 0102 ${crc("0102")}`,
    covered: [4, 5]
  },
  headAndBodyAtEnd: {
    header: numbers,
    trailer: `sum: checksum("crc32", u32, { over: ["seq", "body"] })`,
    packet,
    expected: `01 0002 05 0102 ${crc("050102")}`,
    covered: [3, 4, 5]
  },
  allAtEnd: {
    header: numbers,
    trailer: `mark: literal("|"), sum: checksum("sum8", u8, { over: ["type", "length", "seq", "body", "mark"] }), end: literal(0xce)`,
    packet,
    expected: `01 0002 05 0102 7c ${sum("0100020501027c")} ce`,
    covered: [3, 4, 5]
  },
  headAtEnd: {
    header: numbers,
    trailer: `sum: checksum("sum8", u8, { over: ["length", "seq"] })`,
    packet,
    expected: `01 0002 05 0102 ${sum("000205")}`,
    covered: [3]
  },
  // a length of one byte or more: the body is written first and moved
  movedBody: {
    header: wide,
    trailer: `sum: checksum("crc32", u32, { over: ["body"] })`,
    packet,
    expected: `01 02 05 0102 ${crc("0102")}`,
    covered: [3, 4]
  },
  movedHeadAndBody: {
    header: wide,
    trailer: `sum: checksum("crc32", u32, { over: ["seq", "body"] })`,
    packet,
    expected: `01 02 05 0102 ${crc("050102")}`,
    covered: [2, 3, 4]
  },
  ofHeader: {
    header: `${numbers}, sum: checksum("sum8", u8, { over: ["type", "length", "seq"] })`,
    packet,
    expected: `01 0002 05 ${sum("01000205")} 0102`,
    covered: [3]
  },
  // as IPv4 has it: its own bytes count as zeros
  aroundItself: {
    header: `type: opcode(u8), sum: checksum("sum8", u8, { over: ["type", "length", "seq"] }), length: bodyLength(u16), seq: u8`,
    packet,
    expected: `01 ${sum("01000205")} 0002 05 0102`,
    covered: [4]
  },
  ofBodyInFront: {
    header: `${numbers}, sum: checksum("crc32", u32, { over: ["body"] })`,
    packet,
    expected: `01 0002 05 ${crc("0102")} 0102`,
    covered: [8, 9]
  },
  movedBodyInFront: {
    header: `${wide}, sum: checksum("crc32", u32, { over: ["body"] })`,
    packet,
    expected: `01 02 05 ${crc("0102")} 0102`,
    covered: [7, 8]
  },
  wholeInFront: {
    header: `type: opcode(u8), sum: checksum("sum8", u8, { over: ["type", "length", "seq", "body"] }), length: bodyLength(u16), seq: u8`,
    packet,
    expected: `01 ${sum("010002050102")} 0002 05 0102`,
    covered: [4, 5, 6]
  },
  toTheTrailer: {
    header: `type: opcode(u8), sum: checksum("sum8", u8, { over: ["length", "seq", "body", "end"] }), length: bodyLength(u16), seq: u8`,
    trailer: `end: literal("|")`,
    packet,
    expected: `01 ${sum("00020501027c")} 0002 05 0102 7c`,
    covered: [4, 5, 6]
  },
  datagram: {
    header: "type: opcode(u8), seq: u8",
    trailer: `sum: checksum("crc32", u32, { over: ["type", "seq", "body"] })`,
    kind: "datagram: true",
    packet,
    expected: `01 05 0102 ${crc("01050102")}`,
    covered: [1, 2, 3]
  },
  endsItself: {
    header: "type: opcode(u8), seq: u8",
    trailer: `sum: checksum("crc32", u32, { over: ["seq", "body"] })`,
    packet,
    expected: `01 05 0102 ${crc("050102")}`,
    covered: [1, 2, 3]
  },
  endsItselfInFront: {
    header: `type: opcode(u8), sum: checksum("crc32", u32, { over: ["body"] })`,
    packet: { a: 0x0102 },
    expected: `01 ${crc("0102")} 0102`,
    covered: [5, 6]
  },
  wideBits: {
    header: "head: bits(u64, { type: opcode(slice(63, 56)), n: slice(52, 0) }), length: bodyLength(u16)",
    packet: { n: 2 ** 53 - 1, a: 1 },
    expected: "011fffffffffffff 0002 0001"
  },
  varintInHeader: { header: `${plain}, n: varint()`, packet: { n: 300, a: 1 }, expected: "0002 01 ac02 0001" },
  textInHeader: { header: `${plain}, s: utf8({ size: 4, pad: 0 })`, packet: { s: "ab", a: 1 }, expected: "0002 01 61620000 0001" },
  floatInHeader: { header: `${plain}, f: f32`, packet: { f: 1, a: 1 }, expected: "0002 01 3f800000 0001" },
  literalInHeader: { header: `mark: literal("AB"), ${plain}`, packet: { a: 1 }, expected: "4142 0002 01 0001" },
  constantInHeader: { header: `${plain}, version: constant(u16, 5)`, packet: { a: 1 }, expected: "0002 01 0005 0001" },
  recordInHeader: {
    header: `${plain}, p: struct("Point", { x: u8, y: u8 })`,
    packet: { p: { x: 1, y: 2 }, a: 1 },
    expected: "0002 01 0102 0001"
  },
  prefixedInHeader: { header: `${plain}, s: prefixed(u8, utf8())`, packet: { s: "xy", a: 1 }, expected: "0002 01 027879 0001" },
  boolInHeader: { header: `${plain}, b: bool(u8)`, packet: { b: true, a: 1 }, expected: "0002 01 01 0001" },
  digitsInHeader: { header: `${plain}, d: bcd(4)`, packet: { d: 1234, a: 1 }, expected: "0002 01 1234 0001" },
  bytesInHeader: { header: `${plain}, b: bytes({ size: 2 })`, packet: { b: Uint8Array.of(7, 8), a: 1 }, expected: "0002 01 0708 0001" },
  alignedHeader: { header: `${plain}, pad: align(4)`, packet: { a: 1 }, expected: "0002 01 00 0001" },
  optionalInHeader: {
    header: `${plain}, n: u8, o: optional(u16, { if: valueOf("n", [1]) })`,
    packet: { n: 1, o: 5, a: 1 },
    expected: "0002 01 01 0005 0001"
  },
  enumerationInHeader: { header: `${plain}, e: enumeration("E", u8, { x: 1 })`, packet: { e: 1, a: 1 }, expected: "0002 01 01 0001" },
  flagsInHeader: { header: `${plain}, g: flags("G", u16, { x: bit(1) })`, packet: { g: 2, a: 1 }, expected: "0002 01 0002 0001" }
}

const words =
  "align, bcd, bit, bits, bodyLength, bool, bytes, checksum, constant, enumeration, f32, flags, frame, literal, opcode, optional, packetsOf, prefixed, protocol, slice, struct, u16, u32, u64, u8, utf8, valueOf, varint"
const names = Object.keys(cases)

beforeAll(() => {
  Fs.rmSync(work, { recursive: true, force: true })
  Fs.mkdirSync(work, { recursive: true })
  for (const name of names) {
    const { header, kind, trailer } = cases[name]!
    Fs.writeFileSync(
      Path.join(work, `${name}.ts`),
      `import { ${words} } from "@wirewright/dsl"
const f = frame("F", { sections: ["body"], kinds: { m: { headers: [{ fields: { ${header} } }], ${
        trailer === undefined ? "" : `trailer: { ${trailer} }, `
      }${kind ?? ""} } } })
export const x = protocol(f, { name: "x", module: "./x", commands: [packetsOf(f, "m")("One", { opcode: 1, fields: { a: u16 } })] })
`
    )
  }
  const outcomes = runCalls(names.map((name) => ["generate", { cwd: work, targets: [{ spec: `${name}.ts`, out: name }] }]))
  expect(outcomes.flatMap((outcome): ReadonlyArray<unknown> => typeof outcome === "string" ? [outcome] : outcome.findings)).toEqual([])
})
afterAll(() => Fs.rmSync(work, { recursive: true, force: true }))

it.each(names)("%s: written, verified, and refused", async (name) => {
  const gen = await import(Path.join(work, name, "index.ts")) as {
    readonly encodeOne: (writer: Writer, packet: object) => void
    readonly decode: (reader: Reader) => object
  }
  const catalog = Catalog.of([JSON.parse(Fs.readFileSync(Path.join(work, name, "x.model.json"), "utf8")) as Model])
  const { covered, expected, packet } = cases[name]!
  const writer = new Writer()
  gen.encodeOne(writer, packet)
  const bytes = writer.take()
  expect(hexOf(bytes)).toBe(expected.replaceAll(" ", ""))
  expect(gen.decode(new Reader(bytes))).toEqual({ _tag: "One", type: 1, ...packet })
  expect(annotate(catalog, bytes).error).toBeUndefined()
  for (const at of covered ?? []) {
    const other = bytes.slice()
    other[at]! ^= 0x10
    expect(() => gen.decode(new Reader(other)), String(at)).toThrow(expect.objectContaining({ reason: "Checksum", path: "sum" }))
    expect(annotate(catalog, other).error, String(at)).toMatchObject({ reason: "Checksum", path: "sum" })
  }
})
