/** Lengths and counts that stand in bits, and lengths in units of several bytes. */
import * as D from "@wirewright/dsl"
import { type Entry, refused, wrong } from "../Entry.ts"

const { slice, struct } = D

const b = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)
const many = (length: number): Uint8Array => new Uint8Array(length).fill(0x61)

/** Entries of this file. */
export const measures: ReadonlyArray<Entry> = [
  {
    name: "a count in bits (RTP's contributing sources)",
    type: struct("MeasureCount", {
      head: D.bits(D.u16, {
        version: slice(15, 14, { value: 2 }),
        marker: slice(7),
        count: D.countOf(slice(11, 8), "sources"),
        type: slice(6, 0)
      }),
      n: D.u8,
      sources: D.array(D.u16),
      after: D.u8
    }),
    examples: [
      { value: { marker: 0, type: 96, n: 7, sources: [1, 2], after: 9 }, hex: "8260 07 0001 0002 09" },
      { value: { marker: 1, type: 0, n: 7, sources: [], after: 9 }, hex: "8080 07 09" }
    ],
    wrong: [wrong("4160 07", "Constant", "version", 0)],
    refused: [refused({ marker: 0, type: 96, n: 7, sources: many(16), after: 9 }, "Range", "sources")]
  },
  {
    name: "a length in bits, in words of four bytes with the fixed part (IPv4's IHL)",
    type: struct("MeasureWords", {
      head: D.bits(D.u8, { version: slice(7, 4, { value: 4 }), words: D.lengthOf(slice(3, 0), "options", { unit: 4, plus: 1 }) }),
      rest: D.bytes({ size: 3 }),
      options: D.bytes(),
      after: D.u8
    }),
    examples: [
      { value: { rest: b(1, 2, 3), options: b(), after: 9 }, hex: "41 010203 09" },
      { value: { rest: b(1, 2, 3), options: b(4, 5, 6, 7), after: 9 }, hex: "42 010203 04050607 09" }
    ],
    wrong: [wrong("40 010203 09", "Length", "words", 0)],
    refused: [
      refused({ rest: b(1, 2, 3), options: b(4), after: 9 }, "Length", "options"),
      refused({ rest: b(1, 2, 3), options: many(60), after: 9 }, "Range", "options"),
      refused({ rest: b(1, 2, 3), after: 9 }, "Missing", "options")
    ]
  },
  {
    name: "lengths in bits of other widths and orders, beside other fields",
    type: struct("MeasureWidths", {
      a: D.bits(D.u16.le, { low: slice(3, 0), text: D.lengthOf(slice(15, 4), "s") }),
      c: D.bits(D.u32, {
        list: D.countOf(slice(31, 24), "v", { plus: 1, absent: 0 }),
        top: slice(23),
        all: D.lengthOf(slice(7, 0), ["s", "v"])
      }),
      e: D.bits(D.u64.le, { wide: D.lengthOf(slice(51, 0), "d", { plus: 1, absent: 0 }), n: slice(63, 52) }),
      f: D.bits(D.u8, { is: slice(7), size: D.lengthOf(slice(6, 0), "o") }),
      s: D.utf8(),
      v: D.array(D.u16),
      d: D.bytes({ max: 9 }),
      o: D.optional(D.bytes(), { if: D.bitOf("is") }),
      after: D.u8
    }),
    examples: [
      {
        value: { low: 5, top: 1, n: 0xabc, s: "hi", v: [1], d: b(3), o: b(7, 8), after: 9 },
        hex: "2500 02800004 020000000000c0ab 82 6869 0001 03 0708 09"
      },
      { value: { low: 0, top: 0, n: 0, s: "", v: null, d: null, after: 9 }, hex: "0000 00000000 0000000000000000 00 09" }
    ]
  },
  {
    name: "a length in bits of what may be missing, beside others",
    type: struct("MeasureOptional", {
      a: D.bits(D.u8, { is: slice(7), size: D.lengthOf(slice(6, 2), "o", { plus: 3 }), n: slice(1, 0) }),
      o: D.optional(D.bytes(), { if: D.bitOf("is") }),
      after: D.u8
    }),
    examples: [
      { value: { n: 2, o: b(7, 8), after: 9 }, hex: "96 0708 09" },
      { value: { n: 1, after: 9 }, hex: "0d 09" }
    ]
  },
  {
    name: "lengthOf in words, of numbers that are no bits",
    type: struct("MeasureUnits", {
      a: D.lengthOf(D.u16, "x", { unit: 4 }),
      c: D.lengthOf(D.varint(), "y", { unit: 2, plus: 1, absent: 0 }),
      x: D.bytes(),
      y: D.array(D.u16, { max: 9 })
    }),
    examples: [
      { value: { x: b(1, 2, 3, 4), y: [1] }, hex: "0001 02 01020304 0001" },
      { value: { x: b(), y: null }, hex: "0000 00" }
    ],
    refused: [refused({ x: b(1, 2, 3, 4, 5), y: [] }, "Length", "x")]
  },
  {
    name: "two lengths of one field, one of them in bits",
    type: struct("MeasureTwice", {
      a: D.bits(D.u8, { n: D.lengthOf(slice(3, 0), "x") }),
      c: D.lengthOf(D.u8, "x"),
      x: D.bytes(),
      after: D.u8
    }),
    examples: [{ value: { x: b(1, 2), after: 9 }, hex: "02 02 0102 09" }],
    wrong: [wrong("02 01 0102 09", "Length", "c", 1)]
  },
  {
    name: "a checksum that covers lengths in bits and elsewhere",
    type: struct("MeasureSummed", {
      a: D.bits(D.u8, { n: D.lengthOf(slice(3, 0), "x") }),
      total: D.lengthOf(D.u8, ["x", "y"]),
      sum: D.checksum("sum8", D.u8, { over: ["a", "total"] }),
      x: D.bytes(),
      y: D.bytes()
    }),
    examples: [{ value: { x: b(1, 2), y: b(3) }, hex: "02 03 05 0102 03" }]
  }
]
