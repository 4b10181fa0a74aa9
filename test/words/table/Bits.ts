/** Several fields in one number, or in one line. */
import * as D from "@wirewright/dsl"
import { type Entry, refused, wrong } from "../Entry.ts"

const { struct } = D

const ascii = (text: string): string => Buffer.from(text, "latin1").toString("hex")
const b = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)

const Level = D.enumeration("BitsLevel", D.u8, { Low: 0, High: 2 }, { unknown: "error" })
const Sort = D.enumeration("BitsSort", D.u16, { Plain: 0 })

const bits: ReadonlyArray<Entry> = [
  {
    name: "bits of a byte (MQTT's fixed header)",
    type: struct("BitsByte", {
      head: D.bits(D.u8, { type: D.slice(7, 4), dup: D.slice(3), qos: D.slice(2, 1), retain: D.slice(0) }),
      after: D.u8
    }),
    examples: [
      { value: { type: 3, dup: 0, qos: 1, retain: 1, after: 9 }, hex: "33 09", from: "MQTT 3.1.1, 2.2" },
      { value: { type: 15, dup: 1, qos: 3, retain: 1, after: 9 }, hex: "ff 09" }
    ],
    refused: [
      refused({ type: 16, dup: 0, qos: 0, retain: 0, after: 9 }, "Range", "type"),
      refused({ type: 1, dup: 2, qos: 0, retain: 0, after: 9 }, "Range", "dup"),
      refused({ type: -1, dup: 0, qos: 0, retain: 0, after: 9 }, "Range", "type"),
      refused({ type: 1, dup: 0, retain: 0, after: 9 }, "Missing", "qos"),
      refused({ type: 1, dup: 0, qos: null, retain: 0, after: 9 }, "Missing", "qos"),
      refused({ type: 1, dup: 0, qos: "1", retain: 0, after: 9 }, "Range", "qos")
    ]
  },
  {
    name: "bits of two bytes with names, constants and bits without a name (DNS flags)",
    type: struct("BitsTwo", {
      flags: D.bits(D.u16, {
        qr: D.slice(15),
        opcode: D.slice(14, 11),
        level: D.slice(9, 8, { of: Level }),
        fixed: D.slice(5, 4, { value: 2 }),
        rcode: D.slice(3, 0)
      })
    }),
    examples: [{ value: { qr: 1, opcode: 5, level: 2, rcode: 3 }, hex: "aa23" }, {
      value: { qr: 0, opcode: 0, level: 0, rcode: 0 },
      hex: "0020"
    }],
    wrong: [wrong("0010", "Constant", "fixed", 0), wrong("0120", "UnknownValue", "level", 0), wrong("0420", "Reserved", "flags", 0)],
    refused: [
      refused({ qr: 1, opcode: 5, level: 1, rcode: 3 }, "UnknownValue", "level"),
      refused({ qr: 1, opcode: 5, level: 2, rcode: 16 }, "Range", "rcode")
    ]
  },
  {
    name: "bits of other widths and orders",
    type: struct("BitsWidths", {
      a: D.bits(D.u32, { top: D.slice(31), high: D.slice(30, 8), low: D.slice(7, 0) }),
      c: D.bits(D.u32.le, { whole: D.slice(31, 0) }),
      d: D.bits(D.u24, { left: D.slice(23, 12), right: D.slice(11, 0, { of: Sort }) }),
      e: D.bits(D.u16.le, { hi: D.slice(15, 8), lo: D.slice(7, 0) })
    }),
    examples: [
      {
        value: { top: 1, high: 1, low: 2, whole: 0xffff_ffff, left: 0xabc, right: 0xdef, hi: 1, lo: 2 },
        hex: "80000102 ffffffff abcdef 0201"
      },
      { value: { top: 0, high: 0x7f_ffff, low: 255, whole: 1, left: 0, right: 1, hi: 0, lo: 0 }, hex: "7fffffff 01000000 000001 0000" }
    ],
    refused: [refused({ top: 1, high: 0x80_0000, low: 2, whole: 1, left: 1, right: 1, hi: 1, lo: 2 }, "Range", "high")]
  },
  {
    name: "bits of 64 bits (NTP-like)",
    type: struct("BitsWide", { a: D.bits(D.u64, { top: D.slice(63, 62), middle: D.slice(40, 20), low: D.slice(3, 0) }), after: D.u8 }),
    examples: [
      { value: { top: 3, middle: 1, low: 15, after: 9 }, hex: "c00000000010000f 09" },
      { value: { top: 0, middle: 0x1f_ffff, low: 0, after: 9 }, hex: "000001fffff00000 09" }
    ],
    wrong: [wrong("0000000000000010 09", "Reserved", "a", 0)],
    refused: [refused({ top: 4, middle: 1, low: 1, after: 9 }, "Range", "top")]
  },
  {
    name: "an escaped number in bits (WebSocket's second byte)",
    type: struct("BitsEscaped", {
      first: D.bits(D.u8, { fin: D.slice(7), opcode: D.slice(3, 0) }),
      second: D.bits(D.u8, { mask: D.slice(7), size: D.escaped(D.slice(6, 0), { max: 125, 126: D.u16, 127: D.u64 }) }),
      key: D.optional(D.bytes({ size: 4 }), { if: D.bitOf("mask") }),
      after: D.u8
    }),
    examples: [
      { value: { fin: 1, opcode: 1, size: 5n, after: 9 }, hex: "81 05 09", from: "RFC 6455, 5.7" },
      { value: { fin: 1, opcode: 1, size: 5n, key: b(0x37, 0xfa, 0x21, 0x3d), after: 9 }, hex: "81 85 37fa213d 09", from: "RFC 6455, 5.7" },
      { value: { fin: 1, opcode: 2, size: 256n, after: 9 }, hex: "82 7e0100 09", from: "RFC 6455, 5.7" },
      { value: { fin: 1, opcode: 2, size: 65_536n, after: 9 }, hex: "82 7f0000000000010000 09", from: "RFC 6455, 5.7" }
    ],
    wrong: [wrong("81 7e007d 09", "Varint", "size", 2), wrong("91 05", "Reserved", "first", 0)],
    refused: [
      refused({ fin: 1, opcode: 2, size: -1n, after: 9 }, "Range", "size"),
      refused({ fin: 1, opcode: 2, after: 9 }, "Missing", "size")
    ]
  }
]

const tokens: ReadonlyArray<Entry> = [
  {
    name: "tokens (memcached's text, VALUE)",
    type: struct("TokensValue", {
      line: D.tokens(" ", {
        verb: D.literal("VALUE"),
        key: D.utf8({ max: 5 }),
        flags: D.decimal(),
        size: D.lengthOf(D.decimal(), "data"),
        cas: D.optional(D.decimal({ bits: 64 }))
      }, { until: "\r\n" }),
      data: D.bytes(),
      end: D.literal("\r\n")
    }),
    examples: [
      { value: { key: "k", flags: 0, data: b(0x68, 0x69) }, hex: ascii("VALUE k 0 2\r\nhi\r\n"), from: "memcached protocol.txt" },
      { value: { key: "k", flags: 12, cas: 7n, data: b() }, hex: ascii("VALUE k 12 0 7\r\n\r\n"), from: "memcached protocol.txt" }
    ],
    wrong: [
      wrong(ascii("VALUES k 0 2\r\nhi\r\n"), "Constant", "verb", 5),
      wrong(ascii("VALUE k 0\r\n"), "Length", "size", 9),
      wrong(ascii("VALUE k 0 2 3 4\r\n"), "Trailing", "cas", 13),
      wrong(ascii("VALUE k 01 2\r\n"), "Syntax", "flags", 8),
      wrong(ascii("VALUE abcdef 0 2\r\n"), "Limit", "key", 6)
    ],
    refused: [
      refused({ key: "a b", flags: 0, data: b() }, "Range", "key"),
      refused({ key: "a\r\n", flags: 0, data: b() }, "Range", "key"),
      refused({ key: "abcdef", flags: 0, data: b() }, "Limit", "key"),
      refused({ key: "a", flags: -1, data: b() }, "Range", "flags")
    ]
  },
  {
    name: "tokens with a list at the end and optional literals",
    type: struct("TokensList", {
      line: D.tokens(" ", { verb: D.literal("gets"), first: D.utf8(), more: D.array(D.utf8(), { max: 2 }) }, { until: "\r\n" }),
      second: D.tokens(" ", { verb2: D.literal("delete"), key: D.utf8(), noreply: D.optional(D.literal("noreply")) }, { until: "\n" })
    }),
    examples: [
      { value: { first: "a", more: [], key: "k", noreply: false }, hex: ascii("gets a\r\ndelete k\n") },
      {
        value: { first: "a", more: ["b", "c"], key: "k", noreply: true },
        hex: ascii("gets a b c\r\ndelete k noreply\n"),
        from: "memcached protocol.txt"
      },
      // tokens may be empty
      { value: { first: "", more: ["", ""], key: "", noreply: false }, hex: ascii("gets   \r\ndelete \n") }
    ],
    wrong: [
      wrong(ascii("gets a b c d\r\ndelete k\n"), "Limit", "more[2]", 10),
      wrong(ascii("gets a\r\ndelete k norepl\n"), "Trailing", "noreply", 16)
    ],
    refused: [
      refused({ first: "a", more: ["b c"], key: "k" }, "Range", "more[0]"),
      refused({ first: "a", more: ["b", "c", "d"], key: "k" }, "Limit", "more"),
      refused({ first: "a", more: [], key: "a\nb" }, "Range", "key")
    ]
  },
  {
    name: "tokens with an optional in the middle, and a list in the middle (NATS)",
    type: struct("TokensMiddle", {
      line: D.tokens(" ", {
        verb: D.literal("MSG"),
        subject: D.ascii(),
        sid: D.decimal(),
        reply: D.optional(D.ascii()),
        size: D.lengthOf(D.decimal(), "payload")
      }, { until: "\r\n" }),
      payload: D.bytes(),
      end: D.literal("\r\n"),
      path: D.tokens("/", { root: D.literal("r"), parts: D.array(D.utf8()), leaf: D.decimal() }, { until: ";" })
    }),
    examples: [
      {
        value: { subject: "FOO.BAR", sid: 9, payload: Uint8Array.from(Buffer.from("Hello World")), parts: [], leaf: 1 },
        hex: ascii("MSG FOO.BAR 9 11\r\nHello World\r\nr/1;"),
        from: "NATS client protocol, MSG"
      },
      {
        value: {
          subject: "FOO.BAR",
          sid: 9,
          reply: "GREETING.34",
          payload: Uint8Array.from(Buffer.from("Hello World")),
          parts: ["a", ""],
          leaf: 1
        },
        hex: ascii("MSG FOO.BAR 9 GREETING.34 11\r\nHello World\r\nr/a//1;"),
        from: "NATS client protocol, MSG"
      }
    ],
    refused: [
      refused({ subject: "a b", sid: 1, payload: b(), parts: [], leaf: 1 }, "Range", "subject"),
      refused({ subject: "a", sid: 1, payload: b(), parts: ["x/y"], leaf: 1 }, "Range", "parts[0]")
    ]
  },
  {
    name: "tokens that take what is left, and separators of two bytes",
    type: struct("TokensRest", { n: D.u8, list: D.tokens(", ", { a: D.latin1(), c: D.optional(D.decimal()) }) }),
    examples: [
      { value: { n: 1, a: "x" }, hex: `01${ascii("x")}` },
      { value: { n: 1, a: "", c: 5 }, hex: `01${ascii(", 5")}` },
      { value: { n: 1, a: "x,", c: 5 }, hex: `01${ascii("x,, 5")}` }
    ],
    refused: [refused({ n: 1, a: "x, y" }, "Range", "a")]
  },
  {
    name: "a choice by a token, and an empty line",
    type: struct("TokensChoice", {
      line: D.tokens(" ", { name: D.optional(D.utf8({ min: 1 })), more: D.array(D.decimal()) }, { until: "\n" }),
      after: D.u8
    }),
    examples: [
      { value: { more: [], after: 9 }, hex: `${ascii("\n")}09` },
      { value: { name: "a", more: [], after: 9 }, hex: `${ascii("a\n")}09` },
      { value: { name: "a", more: [1, 22], after: 9 }, hex: `${ascii("a 1 22\n")}09` }
    ],
    refused: [
      // one empty token is an empty line, which has none
      refused({ name: "", more: [], after: 9 }, "Length", "name"),
      refused({ more: [1], after: 9 }, "Missing", "name")
    ]
  }
]

/** Entries of bits and tokens. */
export const bitsAndTokens: ReadonlyArray<Entry> = [...bits, ...tokens]
