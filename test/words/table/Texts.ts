/** Bytes, text and literals, by how they end; bytes without a meaning. */
import * as D from "@wirewright/dsl"
import { type Entry, refused, wrong } from "../Entry.ts"

const { struct } = D

const b = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)

/** Texts of size, maximum, terminator, and all that is left, with what stands after them. */
export const texts: ReadonlyArray<Entry> = [
  {
    name: "bytes of a size",
    type: struct("BytesSize", { b: D.bytes({ size: 3 }), after: D.u8 }),
    examples: [{ value: { b: b(1, 2, 3), after: 9 }, hex: "010203 09" }],
    refused: [refused({ b: b(1, 2), after: 9 }, "Length", "b"), refused({ b: b(1, 2, 3, 4), after: 9 }, "Length", "b")]
  },
  {
    name: "bytes that take what is left, before a fixed tail",
    type: struct("BytesRest", { b: D.bytes({ max: 4 }), tail: D.u16 }),
    examples: [{ value: { b: b(), tail: 0x0102 }, hex: "0102" }, { value: { b: b(1, 2, 3, 4), tail: 5 }, hex: "01020304 0005" }],
    wrong: [],
    refused: [refused({ b: b(1, 2, 3, 4, 5), tail: 5 }, "Limit", "b")]
  },
  {
    name: "bytes until one byte",
    type: struct("BytesUntil", { b: D.bytes({ until: 0x0a, max: 3 }), after: D.u8 }),
    examples: [{ value: { b: b(), after: 9 }, hex: "0a 09" }, { value: { b: b(1, 2, 3), after: 10 }, hex: "010203 0a 0a" }],
    wrong: [wrong("01020304 0a 09", "Limit", "b", 0)],
    refused: [refused({ b: b(1, 10, 2), after: 9 }, "Range", "b"), refused({ b: b(1, 2, 3, 4), after: 9 }, "Limit", "b")]
  },
  {
    name: "bytes until a line ends",
    type: struct("BytesCrlf", { b: D.bytes({ until: "\r\n" }), after: D.u8 }),
    examples: [
      { value: { b: b(0x0d, 0x61), after: 9 }, hex: "0d61 0d0a 09" },
      // a carriage return just before the end is content
      { value: { b: b(0x0d), after: 9 }, hex: "0d 0d0a 09" }
    ],
    // servers end a line at its first LF
    wrong: [wrong("61 0a 62 0d0a 09", "Syntax", "b", 1)],
    refused: [refused({ b: b(0x61, 0x0d, 0x0a), after: 9 }, "Range", "b"), refused({ b: b(0x61, 0x0a), after: 9 }, "Range", "b")]
  },
  {
    name: "bytes until two equal bytes",
    type: struct("BytesTwice", { b: D.bytes({ until: "||" }), after: D.u8 }),
    examples: [{ value: { b: b(0x61), after: 9 }, hex: "61 7c7c 09" }],
    // a bar at the end would move the terminator forward
    refused: [refused({ b: b(0x61, 0x7c), after: 9 }, "Range", "b")]
  },
  {
    name: "utf8 of a size",
    type: struct("Utf8Size", { s: D.utf8({ size: 4 }), after: D.u8 }),
    examples: [
      { value: { s: "abcd", after: 9 }, hex: "61626364 09", from: "ASCII" },
      { value: { s: "a€", after: 9 }, hex: "61e282ac 09", from: "RFC 3629: U+20AC is e2 82 ac" },
      { value: { s: "abc\udcff", after: 9 }, hex: "616263ff 09", from: "a byte that is no UTF-8 is U+DC80 + n (PEP 383)" }
    ],
    refused: [refused({ s: "abc", after: 9 }, "Length", "s"), refused({ s: "ab€", after: 9 }, "Length", "s")]
  },
  {
    name: "utf8 that must be UTF-8",
    type: struct("Utf8Strict", { s: D.utf8({ until: 0, invalid: "error", max: 3 }) }),
    examples: [{ value: { s: "é" }, hex: "c3a9 00", from: "RFC 3629" }, { value: { s: "" }, hex: "00" }],
    wrong: [wrong("ff 00", "Utf8", "s", 0), wrong("c0af 00", "Utf8", "s", 0), wrong("61626364 00", "Limit", "s", 0)],
    refused: [
      refused({ s: "\ud800" }, "Utf8", "s"),
      refused({ s: "\udcff" }, "Utf8", "s"),
      refused({ s: "abcd" }, "Limit", "s"),
      refused({ s: "a\0" }, "Range", "s")
    ]
  },
  {
    name: "utf8 that takes what is left",
    type: struct("Utf8Rest", { n: D.u8, s: D.utf8({ max: 5 }) }),
    examples: [{ value: { n: 1, s: "" }, hex: "01" }, { value: { n: 1, s: "héll" }, hex: "01 68c3a96c6c", from: "RFC 3629" }],
    wrong: [wrong("01 616263646566", "Limit", "s", 1)],
    refused: [
      refused({ n: 1, s: "abcdef" }, "Limit", "s")
    ]
  },
  {
    name: "cstring",
    type: struct("CString", { s: D.cstring(), t: D.cstring() }),
    examples: [{ value: { s: "user", t: "" }, hex: "7573657200 00", from: "PostgreSQL, message data types: String" }],
    refused: [refused({ s: "a\0b", t: "" }, "Range", "s")]
  },
  {
    name: "json",
    type: struct("JsonUntil", { j: D.json({ until: "\n" }), k: D.json({ size: 2 }) }),
    examples: [{ value: { j: "{\"a\":1}", k: "[]" }, hex: "7b2261223a317d 0a 5b5d", from: "RFC 8259" }],
    refused: [refused({ j: "[\n]", k: "[]" }, "Range", "j"), refused({ j: "1", k: "1" }, "Length", "k")]
  },
  {
    name: "ascii",
    type: struct("Ascii", { s: D.ascii({ size: 2 }), t: D.ascii({ until: ",", max: 3 }), u: D.ascii() }),
    examples: [{ value: { s: "ab", t: "c", u: "\x7f" }, hex: "6162 63 2c 7f", from: "RFC 20" }, {
      value: { s: "ab", t: "", u: "" },
      hex: "6162 2c"
    }],
    wrong: [wrong("6180 2c", "Syntax", "s", 1), wrong("6162 ff2c", "Syntax", "t", 2)],
    refused: [
      refused({ s: "aé", t: "", u: "" }, "Range", "s"),
      refused({ s: "ab", t: ",", u: "" }, "Range", "t"),
      refused({ s: "ab", t: "abcd", u: "" }, "Limit", "t")
    ]
  },
  {
    name: "latin1",
    type: struct("Latin1", { s: D.latin1({ until: 0 }), u: D.latin1() }),
    examples: [{ value: { s: "é", u: "ÿ\u0080" }, hex: "e9 00 ff80", from: "ISO 8859-1" }],
    refused: [refused({ s: "€", u: "" }, "Range", "s"), refused({ s: "\0", u: "" }, "Range", "s"), refused({ s: "", u: "Ā" }, "Range", "u")]
  },
  {
    name: "utf16",
    type: struct("Utf16", { s: D.utf16({ size: 4 }), t: D.utf16({ order: "little", size: 4 }), u: D.utf16() }),
    examples: [
      { value: { s: "a€", t: "a€", u: "\ud83d\ude00" }, hex: "006120ac 6100ac20 d83dde00", from: "RFC 2781" },
      { value: { s: "ab", t: "\ud800a", u: "" }, hex: "00610062 00d86100", from: "a lone surrogate is a unit as any other" }
    ],
    refused: [refused({ s: "a", t: "ab", u: "" }, "Length", "s"), refused({ s: "abc", t: "ab", u: "" }, "Length", "s")]
  },
  {
    name: "utf16 until a zero unit",
    type: struct("Utf16Until", { s: D.utf16({ order: "little", until: 0, max: 6 }), after: D.u8 }),
    examples: [
      // U+0100 is 00 01: its zero byte and the one before it are no end
      { value: { s: "aĀ", after: 9 }, hex: "6100 0001 0000 09", from: "RFC 2781" },
      { value: { s: "", after: 9 }, hex: "0000 09" }
    ],
    refused: [refused({ s: "a\0", after: 9 }, "Range", "s"), refused({ s: "abcd", after: 9 }, "Limit", "s")]
  },
  {
    name: "literal",
    type: struct("Literals", { magic: D.literal("PK"), n: D.u8, end: D.literal(0xff) }),
    examples: [{ value: { n: 3 }, hex: "504b 03 ff", from: "APPNOTE 4.3.7 begins so" }],
    wrong: [wrong("5051 03 ff", "Constant", "magic", 1), wrong("504b 03 fe", "Constant", "end", 3)]
  },
  {
    name: "reserved",
    type: struct("ReservedAll", {
      kept: D.reserved(D.u16),
      keptBytes: D.reserved(2),
      keptBig: D.reserved(D.u64.le),
      strict: D.reserved(2, "error"),
      strictInt: D.reserved(D.u8, "error"),
      n: D.u8
    }),
    examples: [
      { value: { kept: 0, keptBytes: b(0, 0), keptBig: 0n, n: 1 }, hex: "0000 0000 0000000000000000 0000 00 01" },
      { value: { kept: 258, keptBytes: b(1, 2), keptBig: 1n, n: 1 }, hex: "0102 0102 0100000000000000 0000 00 01" }
    ],
    wrong: [
      wrong("0000 0000 0000000000000000 0001 00 01", "Reserved", "strict", 13),
      wrong("0000 0000 0000000000000000 0000 07 01", "Reserved", "strictInt", 14)
    ],
    refused: [
      refused({ kept: 65_536, n: 1 }, "Range", "kept"),
      refused({ keptBytes: b(1), n: 1 }, "Length", "keptBytes"),
      refused({ n: 300 }, "Range", "n")
    ]
  },
  {
    name: "reserved that is ignored",
    type: struct("ReservedIgnored", { pad: D.reserved(3, "ignore"), wide: D.reserved(D.u16, "ignore"), n: D.u8 }),
    examples: [{ value: { n: 1 }, hex: "000000 0000 01" }],
    alike: ["010203 0405 01", "000000 0001 01"],
    lossy: "what is ignored is written as zeros"
  }
]
