/** Truth values, padded text, digits in half bytes, domain names. */
import * as D from "@wirewright/dsl"
import { type Entry, refused, wrong } from "../Entry.ts"

const { struct } = D

const b = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)

const [twenty, eight] = [new Uint8Array(20), new Uint8Array(8)]
const nameless = { before: twenty, first: ".", between: eight, second: ".", plain: ".", list: [], after: 9 }

/** Entries of values. */
export const values: ReadonlyArray<Entry> = [
  {
    name: "bool of a byte",
    type: struct("BoolByte", { on: D.bool(D.u8), list: D.counted(D.u8, D.bool(D.u8)), after: D.u8 }),
    examples: [
      { value: { on: true, list: [false, true], after: 9 }, hex: "01 02 00 01 09", from: "Kafka protocol guide, BOOLEAN" },
      { value: { on: false, list: [], after: 9 }, hex: "00 00 09" }
    ],
    wrong: [wrong("02 00 09", "Constant", "on", 0), wrong("00 01 02 09", "Constant", "list[0]", 2)],
    refused: [
      refused({ list: [], after: 9 }, "Missing", "on"),
      refused({ on: 1, list: [], after: 9 }, "Range", "on"),
      refused({ on: true, list: [null], after: 9 }, "Missing", "list[0]")
    ]
  },
  {
    name: "bool of two texts, of one length and of two",
    type: struct("BoolText", {
      a: D.bool("t", "f"),
      c: D.bool("true", "false"),
      line: D.tokens(" ", { d: D.bool("yes", "no"), e: D.optional(D.bool("1", "0")) }, { until: "\n" })
    }),
    examples: [
      { value: { a: true, c: true, d: true }, hex: "74 74727565 796573 0a", from: "PostgreSQL, boolean output: t and f" },
      { value: { a: false, c: false, d: false, e: true }, hex: "66 66616c7365 6e6f2031 0a", from: "RFC 8259, true and false" }
    ],
    wrong: [
      wrong("78 74727565 6e6f0a", "Constant", "a", 0),
      wrong("74 74727566", "Constant", "c", 1),
      wrong("74 74727565 6e6f6e0a", "Trailing", "d", 7)
    ]
  },
  {
    name: "padded text",
    type: struct("Padded", {
      name: D.utf8({ size: 8, pad: 0 }),
      octal: D.ascii({ size: 4, pad: " " }),
      wide: D.utf16({ size: 6, pad: 0, order: "little" }),
      raw: D.bytes({ size: 3, pad: 0xff }),
      after: D.u8
    }),
    examples: [
      {
        value: { name: "file", octal: "644", wide: "a", raw: b(1), after: 9 },
        hex: "66696c6500000000 36343420 610000000000 01ffff 09",
        from: "POSIX.1, ustar: names filled with NUL"
      },
      { value: { name: "a\0b", octal: "", wide: "", raw: b(), after: 9 }, hex: "6100620000000000 20202020 000000000000 ffffff 09" },
      {
        value: { name: "12345678", octal: "abcd", wide: "\u0100b\u00ff", raw: b(1, 2, 3), after: 9 },
        hex: "3132333435363738 61626364 00016200ff00 010203 09"
      }
    ],
    wrong: [wrong("66696c6500000000 36c43420 610000000000 01ffff 09", "Syntax", "octal", 9)],
    refused: [
      refused({ name: "123456789", octal: "", wide: "", raw: b(), after: 9 }, "Length", "name"),
      refused({ name: "a\0", octal: "", wide: "", raw: b(), after: 9 }, "Range", "name"),
      refused({ name: "", octal: "1 ", wide: "", raw: b(), after: 9 }, "Range", "octal"),
      refused({ name: "", octal: "", wide: "abcd", raw: b(), after: 9 }, "Length", "wide"),
      refused({ name: "", octal: "", wide: "", raw: b(0xff), after: 9 }, "Range", "raw")
    ]
  },
  {
    name: "bcd",
    type: struct("Digits", {
      year: D.bcd(4),
      odd: D.bcd(3),
      long: D.bcd(15),
      more: D.optional(D.u8, { if: D.valueOf("odd", [7]) }),
      after: D.u8
    }),
    examples: [
      {
        value: { year: 2026, odd: 123, long: 999_999_999_999_999, after: 9 },
        hex: "2026 0123 0999999999999999 09",
        from: "8421 code, two digits a byte"
      },
      { value: { year: 7, odd: 7, long: 0, more: 5, after: 9 }, hex: "0007 0007 0000000000000000 05 09" }
    ],
    wrong: [
      wrong("202a 0123 0000000000000000 09", "Syntax", "year", 1),
      wrong("2026 1123 0000000000000000 09", "Syntax", "odd", 2)
    ],
    refused: [
      refused({ year: 10_000, odd: 1, long: 1, after: 9 }, "Range", "year"),
      refused({ year: -1, odd: 1, long: 1, after: 9 }, "Range", "year"),
      refused({ odd: 1, long: 1, after: 9 }, "Missing", "year")
    ]
  },
  {
    name: "domainName",
    lossy: "others point at other names, or at none",
    type: struct("Names", {
      before: D.bytes({ size: 20 }),
      first: D.domainName(),
      between: D.bytes({ size: 8 }),
      second: D.domainName(),
      plain: D.domainName({ compress: false }),
      list: D.counted(D.u8, D.domainName()),
      after: D.u8
    }),
    examples: [
      {
        value: {
          before: twenty,
          first: "F.ISI.ARPA.",
          between: eight,
          second: "FOO.F.ISI.ARPA.",
          plain: "ISI.ARPA.",
          list: [".", "F.ISI.ARPA."],
          after: 9
        },
        hex: `${"00".repeat(20)} 0146 03495349 0441525041 00 ${"00".repeat(8)} 03464f4f c014 03495349 0441525041 00 02 00 c014 09`,
        from: "RFC 1035, 4.1.4: F.ISI.ARPA at 20, FOO and a pointer to it at 40"
      },
      {
        value: { ...nameless, first: String.raw`a\.b\\.\000\255.` },
        hex: `${"00".repeat(20)} 04612e625c 0200ff 00 ${"00".repeat(8)} 00 00 00 09`,
        from: "RFC 1035, 5.1: \\X and \\DDD"
      },
      {
        value: { ...nameless, first: `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}.` },
        hex: `${"00".repeat(20)} 3f${"61".repeat(63)} 3f${"62".repeat(63)} 3f${"63".repeat(63)} 3d${"64".repeat(61)} 00 ${
          "00".repeat(8)
        } 00 00 00 09`,
        from: "RFC 1035, 2.3.4: 63 and 255 bytes at most"
      }
    ],
    wrong: [
      // to itself, to what comes after, with the two bits that mean nothing
      wrong(`${"00".repeat(20)} c014 ${"00".repeat(8)} 00 00 00 09`, "UnknownValue", "first", 20),
      wrong(`${"00".repeat(20)} 0161 c020 ${"00".repeat(8)} 00 00 00 09`, "UnknownValue", "first", 20),
      wrong(`${"00".repeat(20)} 40 ${"00".repeat(64)}`, "Limit", "first", 20),
      wrong(`${"00".repeat(20)} ${`3f${"61".repeat(63)}`.repeat(3)} 3e${"61".repeat(62)} 00`, "Limit", "first", 20)
    ],
    refused: [
      ...["", "a", "..", ".a.", "a..", "\u0100.", "\\", "a\\", String.raw`\256.`, String.raw`\097.`].map((first) =>
        refused({ ...nameless, first }, "Range", "first")
      ),
      refused({ ...nameless, first: `${"a".repeat(64)}.` }, "Limit", "first"),
      refused({ ...nameless, first: `${`${"a".repeat(63)}.`.repeat(3)}${"a".repeat(62)}.` }, "Limit", "first"),
      refused({ ...nameless, first: 7 }, "Range", "first"),
      refused({ ...nameless, first: undefined }, "Missing", "first")
    ]
  }
]
