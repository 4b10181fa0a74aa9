/**
 * Lists that a terminator ends, of every word that may be an element: what the encoder takes, the decoder gives back. An element that stands
 * where the end could, or begins with it, is refused, be it alone or together with what follows.
 */
import { EncodeError } from "@wirewright/codec"
import * as D from "@wirewright/dsl"
import { afterAll, beforeAll, expect, it } from "vitest"
import { random } from "../../packages/codec/src/Random.fixture.ts"
import { tried } from "../../packages/codec/src/Whole.fixture.ts"
import { Generated, hasNaN, hexOf, plain } from "./Harness.ts"

/** Values of each list. */
const count = tried(24, 80)

const terminators = ["\xff", "\0", "\r\n", "\0\0", "\xff\xff", "\n\0", "aab", "\0\0\0\0", "abababac"]
const next = random(3)
const pick = <A>(of: ReadonlyArray<A>): A => of[next(of.length)]!

/** Bytes that look like a terminator more often than chance has it. */
const bytes = (until: string, size: number): Uint8Array =>
  Uint8Array.from(
    { length: size },
    () => pick([0, 255, 0x0d, 0x0a, 0x61, until.charCodeAt(0), until.charCodeAt(until.length - 1), next(256)])
  )

const number = (until: string, size: number): number => bytes(until, size).reduce((sum, byte) => sum * 256 + byte, 0)
const big = (until: string): bigint => bytes(until, 8).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
const text = (until: string, max: number): string =>
  Array.from({ length: next(max) }, () => pick([..."\0\r\naab", ...until].filter((one) => one < "\x80").concat("é"))).join("")

type Make = (until: string) => unknown

/** Every word as an element, with values. */
const elements = (id: string): { readonly [name: string]: readonly [D.Type, Make] } => {
  const struct = (name: string, fields: D.Fields) => D.struct(`${id}${name}`, fields)
  return {
    u8: [D.u8, (until) => number(until, 1)],
    u16: [D.u16, (until) => number(until, 2)],
    u24le: [D.u24.le, (until) => number(until, 3)],
    u32: [D.u32, (until) => number(until, 4)],
    i8: [D.i8, (until) => number(until, 1) << 24 >> 24],
    i16: [D.i16.le, (until) => number(until, 2) << 16 >> 16],
    u64: [D.u64, big],
    f32: [D.f32, (until) => new DataView(bytes(until, 4).buffer).getFloat32(0)],
    f64: [D.f64, (until) => new DataView(bytes(until, 8).buffer).getFloat64(0)],
    varint: [D.varint(), (until) => number(until, 4)],
    vlq: [D.varint({ encoding: "vlq" }), (until) => number(until, 4)],
    zigzag: [D.varint({ zigzag: true, bits: 64 }), (until) => BigInt.asIntN(64, big(until))],
    quic: [D.varint({ encoding: "quic" }), (until) => number(until, 2)],
    escaped: [D.escaped(D.u8, { max: 250, 251: D.u16, 255: D.u32 }), (until) => number(until, 1 + next(4))],
    decimal: [D.decimal({ until: "\n" }), () => next(1000)],
    bcd: [D.bcd(4), () => next(10_000)],
    bool: [D.bool(D.u8), () => next(2) === 0],
    boolText: [D.bool("aab", "b"), () => next(2) === 0],
    enumeration: [D.enumeration(`${id}E`, D.u16, { a: 1, b: 0xffff }), (until) => number(until, 2)],
    flags: [D.flags(`${id}Fl`, D.u8, { a: D.bit(0) }), (until) => number(until, 1)],
    bytes: [D.bytes({ size: 3 }), (until) => bytes(until, 3)],
    bytesUntil: [D.bytes({ until: "b" }), (until) => bytes(until, next(4)).map((byte) => byte === 0x62 ? 0 : byte)],
    cstring: [D.cstring(), (until) => text(until, 4)],
    line: [D.utf8({ until: "\r\n" }), (until) => text(until, 4)],
    lineFeed: [D.utf8({ until: "\n" }), (until) => text(until, 4)],
    padded: [D.ascii({ size: 4, pad: "\0" }), (until) => text(until, 4)],
    utf16: [D.utf16({ until: 0 }), (until) => text(until, 3)],
    prefixed: [D.prefixed(D.u8, D.utf8()), (until) => text(until, 4)],
    absent: [D.prefixed(D.i16, D.bytes(), { absent: -1 }), (until) => next(3) === 0 ? null : bytes(until, next(4))],
    counted: [D.counted(D.u8, D.u8), (until) => [...bytes(until, next(4))]],
    record: [struct("R", { x: D.u8, s: D.cstring() }), (until) => ({ x: number(until, 1), s: text(until, 3) })],
    within: [
      struct("W", { r: struct("I", { x: D.u8, y: D.u8 }), z: D.varint() }),
      (until) => ({ r: { x: number(until, 1), y: number(until, 1) }, z: number(until, 2) })
    ],
    choice: [
      D.choice(`${id}C`, D.u8, { A: D.tagged(0, { n: D.u8 }), B: D.tagged(255, {}), C: D.tagged("a", { s: D.cstring() }) }),
      (until) => pick([{ _tag: "A", n: number(until, 1) }, { _tag: "B" }, { _tag: "C", s: text(until, 3) }])
    ],
    kept: [
      D.choice(`${id}K`, D.u8, { A: D.tagged(1, { n: D.u8 }) }, { unknown: "error" }),
      (until) => ({ _tag: "A", n: number(until, 1) })
    ],
    reserved: [struct("Res", { a: D.reserved(D.u16), b: D.u8 }), (until) => ({ a: number(until, 2), b: number(until, 1) })],
    bits: [
      struct("B", { b: D.bits(D.u8, { hi: D.slice(7, 4), lo: D.slice(3, 0) }) }),
      (until) => ({ hi: number(until, 1) >> 4, lo: number(until, 1) & 15 })
    ],
    optional: [
      struct("O", { b: D.bits(D.u8, { has: D.slice(0) }), n: D.optional(D.u8, { if: D.bitOf("has") }) }),
      (until) => next(2) === 0 ? {} : { n: number(until, 1) }
    ],
    sum: [struct("S", { d: D.bytes({ size: 2 }), sum: D.checksum("xor8", D.u8, { over: ["d"] }) }), (until) => ({ d: bytes(until, 2) })],
    sumFirst: [
      struct("SF", { sum: D.checksum("xor8", D.u8, { over: ["d"] }), d: D.bytes({ size: 2 }) }),
      (until) => ({ d: bytes(until, 2) })
    ],
    length: [struct("L", { n: D.lengthOf(D.u8, "d"), d: D.bytes() }), (until) => ({ d: bytes(until, next(4)) })],
    lengthVarint: [
      struct("LV", { n: D.lengthOf(D.varint(), "d"), d: D.array(D.u16) }),
      (until) => ({ d: [number(until, 2), number(until, 2)] })
    ],
    tokens: [
      struct("T", { line: D.tokens(" ", { a: D.utf8(), b: D.latin1() }, { until: "\n" }) }),
      () => ({ a: pick(["a", "aa", "\0", "x"]), b: pick(["b", "c", "\0", ""]) })
    ],
    literal: [struct("Lit", { l: D.literal("aa"), x: D.u8 }), (until) => ({ x: number(until, 1) })],
    list: [struct("Li", { l: D.array(D.u8, { until: 0 }) }), (until) => ({ l: [...bytes(until, next(3))] })],
    listWithin: [D.array(D.u8, { until: "b" }), (until) => [...bytes(until, next(3))]],
    align: [struct("A", { x: D.u8, a: D.align(2) }), (until) => ({ x: number(until, 1) })]
  }
}

interface Made {
  readonly name: string
  readonly until: string
  readonly make: Make
}

const made: Array<Made> = []
const types: Array<D.NamedType> = []
terminators.forEach((until, i) => {
  for (const [name, [of, make]] of Object.entries(elements(`T${i}`))) {
    const id = `T${i}${name[0]!.toUpperCase()}${name.slice(1)}`
    const rest = (one: string) => i % 2 === 0 ? bytes(one, next(4)) : number(one, 1)
    made.push({ name: id, until, make: (one) => ({ list: Array.from({ length: next(4) }, () => make(one)), rest: rest(one) }) })
    types.push(D.struct(id, { list: D.array(of, { until }), rest: i % 2 === 0 ? D.bytes() : D.u8 }))
  }
})

let g: Generated
beforeAll(async () => {
  g = await Generated.of("elements", types)
})
afterAll(() => g?.remove())

it("are read as they were written, or refused", () => {
  const counts = new Map<string, [written: number, refused: number]>()
  for (const { make, name, until } of made) {
    const outcomes: [number, number] = [0, 0]
    counts.set(name, outcomes)
    for (let i = 0; i < count; i++) {
      const value = make(until)
      const where = `${name} until ${JSON.stringify(until)}: ${JSON.stringify(plain(value))}`
      let written: Uint8Array
      try {
        written = g.encode(name, value)
      } catch (error) {
        if (!(error instanceof EncodeError)) throw new Error(`${where}: ${String(error)}`)
        outcomes[1]++
        continue
      }
      outcomes[0]++
      expect(`${where} ${JSON.stringify(plain(g.decode(name, written)))}`).toBe(`${where} ${JSON.stringify(plain({ value }))}`)
      g.agree(name, written)
      // and nothing else has these bytes
      const other = written.slice()
      if (other.length > 0) other[next(other.length)] = until.charCodeAt(next(until.length))
      const again = g.decode(name, other)
      if ("value" in again && !hasNaN(again.value)) {
        try {
          expect(hexOf(g.encode(name, again.value)), where).toBe(hexOf(other))
        } catch (error) {
          throw new Error(`${where}, then ${hexOf(other)}: ${String(error)}`)
        }
      }
      g.agree(name, other)
    }
  }
  // the words are tried, not only refused
  const idle = [...counts].filter(([, [written]]) => written < count / 10).map(([name]) => name)
  expect(idle).toEqual([])
  expect([...counts.values()].reduce((sum, [, refused]) => sum + refused, 0)).toBeGreaterThan(12 * count)
})
