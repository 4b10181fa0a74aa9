/** Lengths and counts: of siblings, and in front of what they measure. */
import * as D from "@wirewright/dsl"
import { type Entry, refused, wrong } from "../Entry.ts"

const { struct } = D

const b = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)
const many = (length: number): Uint8Array => new Uint8Array(length).fill(0x61)

const ofSiblings: ReadonlyArray<Entry> = [
  {
    name: "lengthOf a later sibling, with others between",
    type: struct("LengthLater", { length: D.lengthOf(D.u16, "data"), n: D.u8, data: D.bytes(), after: D.u8 }),
    examples: [{ value: { n: 7, data: b(1, 2), after: 9 }, hex: "0002 07 0102 09" }, {
      value: { n: 7, data: b(), after: 9 },
      hex: "0000 07 09"
    }],
    refused: [refused({ n: 7, data: many(65_536), after: 9 }, "Range", "data")]
  },
  {
    name: "lengthOf text, little-endian and signed",
    type: struct("LengthSigned", { length: D.lengthOf(D.i16.le, "s"), s: D.utf8(), after: D.u8 }),
    examples: [{ value: { s: "é", after: 9 }, hex: "0200 c3a9 09", from: "RFC 3629" }],
    wrong: [wrong("ffff 09", "Length", "length", 0)],
    refused: [refused({ s: "a".repeat(32_768), after: 9 }, "Range", "s")]
  },
  {
    name: "lengthOf with plus: a length that counts itself (PostgreSQL)",
    type: struct("LengthPlus", { length: D.lengthOf(D.i32, "data", { plus: 4 }), data: D.bytes(), after: D.u8 }),
    examples: [{ value: { data: b(1), after: 9 }, hex: "00000005 01 09" }, { value: { data: b(), after: 9 }, hex: "00000004 09" }],
    wrong: [wrong("00000003 09", "Length", "length", 0), wrong("ffffffff 09", "Length", "length", 0)]
  },
  {
    name: "lengthOf with a negative plus",
    type: struct("LengthMinus", { length: D.lengthOf(D.u8, "data", { plus: -1 }), data: D.bytes({ min: 1 }), after: D.u8 }),
    examples: [{ value: { data: b(1), after: 9 }, hex: "00 01 09" }, { value: { data: b(1, 2), after: 9 }, hex: "01 0102 09" }],
    refused: [refused({ data: b(), after: 9 }, "Length", "data")]
  },
  {
    name: "lengthOf with absent: −1 is null (PostgreSQL, DataRow)",
    type: struct("LengthAbsent", { length: D.lengthOf(D.i32, "data", { absent: -1 }), data: D.bytes(), after: D.u8 }),
    examples: [
      { value: { data: null, after: 9 }, hex: "ffffffff 09" },
      { value: { data: b(), after: 9 }, hex: "00000000 09" },
      { value: { data: b(5), after: 9 }, hex: "00000001 05 09" }
    ],
    wrong: [wrong("fffffffe 09", "Length", "length", 0)]
  },
  {
    name: "lengthOf in variable-length numbers",
    type: struct("LengthNumbers", {
      a: D.lengthOf(D.varint(), "s"),
      c: D.lengthOf(D.escaped(D.u8, { max: 250, 252: D.u16.le, 253: D.u24.le, 254: D.u64.le }), "t"),
      d: D.lengthOf(D.decimal({ until: " " }), "u"),
      e: D.lengthOf(D.varint({ bits: 64, encoding: "quic" }), "v"),
      s: D.utf8(),
      t: D.bytes(),
      u: D.utf8(),
      v: D.bytes()
    }),
    examples: [
      { value: { s: "ab", t: b(1), u: "xyz", v: b() }, hex: "02 01 3320 00 6162 01 78797a" },
      {
        value: { s: "a".repeat(200), t: many(251), u: "x".repeat(10), v: many(64) },
        hex: `c801 fcfb00 313020 4040 ${"61".repeat(200)} ${"61".repeat(251)} ${"78".repeat(10)} ${"61".repeat(64)}`
      }
    ],
    wrong: [wrong("8000 01 3320 00", "Varint", "a", 1)]
  },
  {
    name: "lengthOf in variable-length numbers with plus and absent",
    type: struct("LengthNumbersMore", {
      a: D.lengthOf(D.varint({ zigzag: true }), "s", { absent: -1 }),
      d: D.lengthOf(D.decimal({ signed: true, until: "\r\n" }), "u", { absent: -1, plus: 2 }),
      s: D.utf8(),
      u: D.array(D.u16)
    }),
    examples: [
      { value: { s: null, u: null }, hex: "01 2d310d0a" },
      { value: { s: "ab", u: [258] }, hex: "04 340d0a 6162 0102" }
    ],
    wrong: [wrong("03 2d310d0a", "Length", "a", 0), wrong("01 2d320d0a", "Length", "d", 1), wrong("01 310d0a", "Length", "d", 1)]
  },
  {
    name: "lengthOf several siblings, and of one of them (NATS HPUB, lengths of headers and of all)",
    type: struct("LengthTogether", {
      headers: D.lengthOf(D.u8, "head"),
      total: D.lengthOf(D.u16, ["head", "body"]),
      head: D.bytes(),
      body: D.bytes(),
      after: D.u8
    }),
    examples: [
      { value: { head: b(1, 2), body: b(3), after: 9 }, hex: "02 0003 0102 03 09" },
      { value: { head: b(), body: b(), after: 9 }, hex: "00 0000 09" }
    ],
    // the header's length beyond the whole
    wrong: [wrong("04 0003 0102 0304 09", "Length", "head", 3)]
  },
  {
    name: "lengthOf several siblings in decimals",
    type: struct("LengthTogetherText", {
      headers: D.lengthOf(D.decimal({ until: " " }), "head"),
      total: D.lengthOf(D.decimal({ until: "\r\n" }), ["head", "body"]),
      head: D.utf8(),
      body: D.bytes(),
      end: D.literal("\r\n")
    }),
    examples: [{
      value: { head: "NATS/1.0\r\n\r\n", body: b(0x68, 0x69) },
      hex: "313220 31340d0a 4e4154532f312e300d0a0d0a 6869 0d0a",
      from: "NATS client protocol"
    }]
  },
  {
    name: "lengthOf several siblings with plus, some of which end themselves",
    type: struct("LengthMixed", {
      total: D.lengthOf(D.u16.le, ["a", "b", "c"], { plus: 2 }),
      a: D.u8,
      b: D.cstring(),
      c: D.bytes(),
      after: D.u8
    }),
    examples: [{ value: { a: 1, b: "x", c: b(5, 6), after: 9 }, hex: "0700 01 7800 0506 09" }],
    wrong: [wrong("0100 01 00 09", "Length", "total", 0), wrong("0300 01 7800 09", "Length", "b", 3)]
  },
  {
    name: "two lengths of one target, which must agree",
    type: struct("LengthTwice", {
      bytes: D.lengthOf(D.u8, "data", { plus: 1 }),
      again: D.lengthOf(D.u16.le, "data"),
      data: D.array(D.u16),
      after: D.u8
    }),
    examples: [{ value: { data: [1, 2], after: 9 }, hex: "05 0400 0001 0002 09" }],
    wrong: [wrong("05 0200 0001 0002 09", "Length", "again", 1), wrong("04 0300 000100 09", "Length", "data[1]", 5)]
  },
  {
    name: "a length and a count of one array, which must agree (Modbus, write multiple registers)",
    type: struct("LengthAndCount", {
      quantity: D.countOf(D.u16, "values"),
      bytes: D.lengthOf(D.u8, "values"),
      values: D.array(D.u16),
      after: D.u8
    }),
    examples: [{ value: { values: [10, 258], after: 9 }, hex: "0002 04 000a 0102 09", from: "Modbus application protocol V1.1b3, 6.12" }],
    wrong: [wrong("0002 05 000a0102 0009", "Trailing", "values", 7), wrong("0003 04 000a0102 0009", "Length", "values", 3)]
  },
  {
    name: "lengthOf a record of fixed size, and of one that ends itself",
    type: struct("LengthRecord", {
      one: D.lengthOf(D.u8, "point"),
      two: D.lengthOf(D.u8, "name"),
      point: struct("LengthPoint", { x: D.u8, y: D.u8 }),
      name: struct("LengthName", { s: D.cstring() }),
      after: D.u8
    }),
    examples: [{ value: { point: { x: 1, y: 2 }, name: { s: "n" }, after: 9 }, hex: "02 02 0102 6e00 09" }],
    wrong: [
      wrong("03 02 010203 6e00 09", "Trailing", "point", 4),
      wrong("02 03 0102 6e0000 09", "Trailing", "name", 6),
      wrong("01 02 01 6e00 09", "Length", "point", 2)
    ]
  },
  {
    name: "lengthOf an optional sibling",
    type: struct("LengthOptional", {
      flags: D.bits(D.u8, { has: D.slice(0) }),
      length: D.lengthOf(D.u8, "data"),
      data: D.optional(D.bytes(), { if: D.bitOf("has") }),
      after: D.u8
    }),
    examples: [
      { value: { after: 9 }, hex: "00 00 09" },
      { value: { data: b(), after: 9 }, hex: "01 00 09" },
      { value: { data: b(1, 2), after: 9 }, hex: "01 02 0102 09" }
    ],
    wrong: [wrong("00 01 09", "Length", "data", 2)]
  },
  {
    name: "lengthOf that is optional with what it measures",
    type: struct("LengthBoth", {
      flags: D.bits(D.u8, { has: D.slice(7) }),
      length: D.optional(D.lengthOf(D.u16, "data"), { if: D.bitOf("has") }),
      data: D.optional(D.bytes(), { if: D.bitOf("has") }),
      after: D.u8
    }),
    examples: [{ value: { after: 9 }, hex: "00 09" }, { value: { data: b(1), after: 9 }, hex: "80 0001 01 09" }]
  },
  {
    name: "countOf in every kind of number",
    type: struct("Counts", {
      a: D.countOf(D.u16.le, "u"),
      c: D.countOf(D.varint(), "v"),
      d: D.countOf(D.decimal({ until: ";" }), "w"),
      u: D.array(D.u8),
      v: D.array(D.cstring()),
      w: D.array(struct("CountsPair", { x: D.u8, s: D.prefixed(D.u8, D.utf8()) }))
    }),
    examples: [
      { value: { u: [], v: [], w: [] }, hex: "0000 00 303b" },
      { value: { u: [1, 2], v: ["a", ""], w: [{ x: 1, s: "é" }] }, hex: "0200 02 313b 0102 6100 00 01 02c3a9" }
    ]
  },
  {
    name: "countOf with plus, absent, and a limit",
    type: struct("CountsMore", {
      a: D.countOf(D.u8, "u", { plus: 1, absent: 0 }),
      c: D.countOf(D.i16, "v", { absent: -1 }),
      u: D.array(D.u8, { max: 3 }),
      v: D.array(D.u16, { max: 2 })
    }),
    examples: [
      { value: { u: null, v: null }, hex: "00 ffff" },
      { value: { u: [], v: [] }, hex: "01 0000" },
      { value: { u: [1, 2, 3], v: [4, 5] }, hex: "04 0002 010203 0004 0005" }
    ],
    wrong: [wrong("05 0000 01020304", "Limit", "u", 3), wrong("01 0003 000400050006", "Limit", "v", 3), wrong("01 fffe", "Length", "c", 1)],
    refused: [
      refused({ u: [1, 2, 3, 4], v: [] }, "Limit", "u"),
      refused({ u: [], v: [1, 2, 3] }, "Limit", "v"),
      refused({ u: [], v: [65_536] }, "Range", "v[0]")
    ]
  }
]

const inFront: ReadonlyArray<Entry> = [
  {
    name: "prefixed bytes and text",
    type: struct("Prefixed", { a: D.prefixed(D.u8, D.bytes()), s: D.prefixed(D.u16.le, D.utf8({ max: 4 })), after: D.u8 }),
    examples: [
      { value: { a: b(), s: "", after: 9 }, hex: "00 0000 09" },
      { value: { a: b(1, 2), s: "é", after: 9 }, hex: "02 0102 0200 c3a9 09", from: "RFC 3629" }
    ],
    wrong: [wrong("00 0500 6162636465", "Limit", "s", 3)],
    refused: [refused({ a: many(256), s: "", after: 9 }, "Range", "a"), refused({ a: b(), s: "abcde", after: 9 }, "Limit", "s")]
  },
  {
    name: "prefixed by variable-length numbers",
    type: struct("PrefixedNumbers", {
      a: D.prefixed(D.varint(), D.utf8()),
      c: D.prefixed(D.escaped(D.u8, { max: 125, 126: D.u16, 127: D.u64 }), D.bytes()),
      d: D.prefixed(D.decimal({ until: "\r\n" }), D.utf8(), { trailer: "\r\n" }),
      e: D.prefixed(D.varint({ encoding: "vlq", bits: 64 }), D.array(D.cstring())),
      after: D.u8
    }),
    examples: [
      { value: { a: "", c: b(), d: "", e: [], after: 9 }, hex: "00 00 300d0a 0d0a 00 09" },
      { value: { a: "é", c: b(1), d: "hello", e: ["a", "b"], after: 9 }, hex: "02c3a9 0101 350d0a68656c6c6f0d0a 0461006200 09" },
      {
        value: { a: "a".repeat(128), c: many(126), d: "x".repeat(10), e: ["y".repeat(127)], after: 9 },
        hex: `8001${"61".repeat(128)} 7e007e${"61".repeat(126)} 31300d0a${"78".repeat(10)}0d0a 8100${"79".repeat(127)}00 09`
      }
    ],
    wrong: [wrong("00 00 310d0a 410a0d", "Constant", "d", 6)]
  },
  {
    name: "prefixed with plus and absent",
    type: struct("PrefixedMore", {
      a: D.prefixed(D.i32, D.bytes(), { absent: -1 }),
      c: D.prefixed(D.varint(), D.utf8(), { plus: 1, absent: 0 }),
      d: D.prefixed(D.decimal({ signed: true, until: "\r\n" }), D.bytes(), { absent: -1, trailer: "\r\n" }),
      e: D.prefixed(D.u16, struct("PrefixedInner", { n: D.u16, rest: D.bytes() }), { plus: 2 }),
      after: D.u8
    }),
    examples: [
      { value: { a: null, c: null, d: null, e: { n: 1, rest: b() }, after: 9 }, hex: "ffffffff 00 2d310d0a 0004 0001 09" },
      { value: { a: b(), c: "", d: b(), e: { n: 1, rest: b(7) }, after: 9 }, hex: "00000000 01 300d0a0d0a 0005 000107 09" },
      { value: { a: b(1), c: "x", d: b(2), e: { n: 1, rest: b() }, after: 9 }, hex: "0000000101 0278 310d0a020d0a 0004 0001 09" }
    ],
    wrong: [
      wrong("fffffffe 00 2d310d0a 0004 0001 09", "Length", "a", 0),
      wrong("ffffffff 00 2d320d0a 0004 0001 09", "Length", "d", 5),
      wrong("ffffffff 00 2d310d0a 0001 0001 09", "Length", "e", 9),
      wrong("ffffffff 00 2d310d0a 0003 00 09", "Length", "e.n", 11)
    ]
  },
  {
    name: "prefixed of everything",
    type: struct("PrefixedAll", {
      int: D.prefixed(D.u8, D.u16),
      record: D.prefixed(D.u8, struct("PrefixedPoint", { x: D.u8, y: D.u8 })),
      list: D.prefixed(D.u16, D.array(D.u16)),
      choice: D.prefixed(
        D.u8,
        D.choice("PrefixedChoice", D.u8, { One: D.tagged(1, { s: D.utf8() }), Two: D.tagged(2, { n: D.u8 }) }, { unknown: "keep" })
      ),
      again: D.prefixed(D.u8, D.prefixed(D.u8, D.utf8())),
      decimal: D.prefixed(D.u8, D.decimal()),
      after: D.u8
    }),
    examples: [
      {
        value: { int: 258, record: { x: 1, y: 2 }, list: [3, 4], choice: { _tag: "One", s: "é" }, again: "x", decimal: 12, after: 9 },
        hex: "020102 020102 000400030004 0301c3a9 020178 023132 09"
      },
      {
        value: {
          int: 0,
          record: { x: 1, y: 2 },
          list: [],
          choice: { _tag: "Unknown", tag: 7, bytes: b(1, 2) },
          again: "",
          decimal: 0,
          after: 9
        },
        hex: "020000 020102 0000 03070102 0100 0130 09"
      }
    ],
    wrong: [
      wrong("03010203 020102", "Trailing", "int", 3),
      wrong("0101 020102", "Length", "int", 1),
      wrong("020102 0301020304", "Trailing", "record", 6),
      wrong("020102 020102 0003000300", "Length", "list[1]", 10),
      wrong("020102 020102 0000 03020102", "Trailing", "choice", 11),
      wrong("020102 020102 0000 00", "Length", "choice._tag", 9)
    ]
  },
  {
    name: "counted",
    type: struct("Counted", {
      a: D.counted(D.u8, D.u16),
      c: D.counted(D.varint(), D.cstring(), { max: 2 }),
      d: D.counted(D.i16, D.prefixed(D.i32, D.bytes(), { absent: -1 }), { absent: -1 }),
      e: D.counted(D.decimal({ until: ";" }), D.counted(D.u8, D.u8)),
      after: D.u8
    }),
    examples: [
      { value: { a: [], c: [], d: null, e: [], after: 9 }, hex: "00 00 ffff 303b 09" },
      {
        value: { a: [1], c: ["x", ""], d: [null, b(), b(5)], e: [[], [1, 2]], after: 9 },
        hex: "010001 0278 00 00 0003 ffffffff 00000000 0000000105 323b 00 020102 09",
        from: "PostgreSQL, DataRow: columns with −1 for NULL"
      }
    ],
    wrong: [
      wrong("00 03000000 ffff 303b 09", "Limit", "c", 2),
      wrong("00 00 fffe", "Length", "d", 2),
      wrong("00 00 0001 fffffffe", "Length", "d[0]", 4)
    ],
    refused: [
      refused({ a: [1, 65_536], c: [], d: null, e: [], after: 9 }, "Range", "a[1]"),
      refused({ a: [], c: ["", "", ""], d: null, e: [], after: 9 }, "Limit", "c"),
      refused({ a: Array.from({ length: 256 }, () => 1), c: [], d: null, e: [], after: 9 }, "Range", "a")
    ]
  },
  {
    name: "prefixed in front of what is measured itself, in elements that may be null",
    type: struct("PrefixedMeasured", {
      list: D.counted(
        D.u8,
        D.prefixed(D.u24.le, D.utf8({ until: "\n", invalid: "error", max: 2 }), { absent: 0, plus: 1 })
      )
    }),
    examples: [{ value: { list: [null, "a", ""] }, hex: "03 000000 030000 610a 020000 0a" }],
    wrong: [wrong("01 030000 ff0a", "Utf8", "list[0]", 4)],
    refused: [
      refused({ list: ["abc"] }, "Limit", "list[0]"),
      refused({ list: ["\udcff"] }, "Utf8", "list[0]"),
      refused({ list: ["\n"] }, "Range", "list[0]")
    ]
  },
  {
    name: "elements that hold a measured record, or null in its place: they take no more than what says that it is null",
    type: struct("NullInElements", {
      fixed: D.counted(
        D.u8,
        struct("NullOrFixed", { size: D.lengthOf(D.u8, "of", { plus: 1, absent: 0 }), of: struct("FixedPart", { a: D.u16 }) })
      ),
      varying: D.counted(
        D.u8,
        struct("NullOrVarying", {
          size: D.lengthOf(D.u8, "of", { plus: 1, absent: 0 }),
          of: struct("VaryingPart", { a: D.u16, rest: D.bytes() }),
          count: D.countOf(D.i8, "list", { absent: -1 }),
          list: D.array(D.u16, { min: 1 })
        })
      ),
      either: D.counted(
        D.u8,
        D.choice("NullOrEither", D.u8, {
          One: D.tagged(1, { size: D.lengthOf(D.u8, "of", { plus: 1, absent: 0 }), of: D.utf8({ min: 3 }) })
        })
      )
    }),
    examples: [
      {
        value: { fixed: [{ of: null }], varying: [{ of: null, list: null }], either: [{ _tag: "One", of: null }] },
        hex: "01 00 01 00ff 01 0100"
      },
      {
        value: {
          fixed: [{ of: { a: 258 } }, { of: null }],
          varying: [{ of: { a: 1, rest: b() }, list: [2] }, { of: null, list: null }],
          either: [{ _tag: "One", of: "abc" }]
        },
        hex: "02 03 0102 00 02 03 0001 01 0002 00ff 01 01 04 616263"
      }
    ],
    wrong: [wrong("01 02 01", "Length", "fixed[0].of", 2)]
  }
]

/** Entries of lengths and counts. */
export const lengths: ReadonlyArray<Entry> = [...ofSiblings, ...inFront]
