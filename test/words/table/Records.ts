/** Records, choices, lists, recursion, byte orders. */
import * as D from "@wirewright/dsl"
import { type Entry, refused, wrong } from "../Entry.ts"

const { choice, struct, tagged } = D

const b = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)

const cases = { One: tagged(1, { n: D.u16 }), Text: tagged(2, { s: D.cstring(), t: D.u8 }), None: tagged(3, {}) }

const choices: ReadonlyArray<Entry> = [
  {
    name: "choice by a leading byte",
    type: struct("ChoiceByte", { c: choice("ByByte", D.u8, cases), after: D.u8 }),
    examples: [
      { value: { c: { _tag: "One", n: 258 }, after: 9 }, hex: "01 0102 09" },
      { value: { c: { _tag: "Text", s: "é", t: 1 }, after: 9 }, hex: "02 c3a900 01 09" },
      { value: { c: { _tag: "None" }, after: 9 }, hex: "03 09" }
    ],
    wrong: [wrong("04 0102 09", "UnknownValue", "c._tag", 0)],
    refused: [
      refused({ c: { _tag: "Four" }, after: 9 }, "UnknownValue", "c._tag"),
      refused({ c: { _tag: "One", n: 65_536 }, after: 9 }, "Range", "c.n")
    ]
  },
  {
    name: "choice that stands alone",
    type: choice("AloneChoice", D.u16.le, cases),
    examples: [{ value: { _tag: "One", n: 258 }, hex: "0100 0102" }, { value: { _tag: "None" }, hex: "0300" }],
    wrong: [wrong("0001", "UnknownValue", "_tag", 0)]
  },
  {
    name: "choice by characters (PostgreSQL)",
    type: struct("ChoiceCharacter", {
      c: choice("ByCharacter", D.u8, {
        Ready: tagged("Z", { status: D.u8 }),
        Error: tagged("E", { fields: D.array(D.cstring(), { until: 0 }) })
      })
    }),
    examples: [
      { value: { c: { _tag: "Ready", status: 0x49 } }, hex: "5a 49", from: "PostgreSQL, ReadyForQuery: 'Z', 'I'" },
      { value: { c: { _tag: "Error", fields: ["x"] } }, hex: "45 7800 00" }
    ]
  },
  {
    name: "choice by a varint, an escaped number and a wide one",
    type: struct("ChoiceNumbers", {
      v: choice("ByVarint", D.varint(), { Small: tagged(5, { x: D.u8 }), Large: tagged(300, { y: D.u16, z: D.cstring() }) }),
      w: choice("ByWide", D.u64, { Only: tagged(7, { x: D.u8 }) }),
      q: choice("ByQuic", D.varint({ encoding: "quic", bits: 64 }), { Many: tagged(64, { x: D.u8 }) })
    }),
    examples: [
      {
        value: { v: { _tag: "Small", x: 1 }, w: { _tag: "Only", x: 2 }, q: { _tag: "Many", x: 3 } },
        hex: "05 01 0000000000000007 02 4040 03"
      },
      {
        value: { v: { _tag: "Large", y: 1, z: "a" }, w: { _tag: "Only", x: 2 }, q: { _tag: "Many", x: 3 } },
        hex: "ac02 0001 6100 0000000000000007 02 4040 03"
      }
    ],
    wrong: [wrong("06 01", "UnknownValue", "v._tag", 0), wrong("8500", "Varint", "v._tag", 1)]
  },
  {
    name: "choice with unknown tags kept",
    type: struct("ChoiceKeep", {
      c: D.prefixed(D.u8, choice("Kept", D.u8, { One: tagged(1, { n: D.u16 }) }, { unknown: "keep" })),
      d: D.prefixed(D.u8, choice("KeptVarint", D.varint(), { One: tagged(1, { s: D.utf8() }) }, { unknown: "keep" })),
      e: choice("KeptLast", D.i64, { One: tagged(-1, { n: D.u16 }) }, { unknown: "keep" })
    }),
    examples: [
      {
        value: { c: { _tag: "One", n: 5 }, d: { _tag: "One", s: "x" }, e: { _tag: "One", n: 1 } },
        hex: "03010005 020178 ffffffffffffffff 0001"
      },
      {
        value: {
          c: { _tag: "Unknown", tag: 9, bytes: b(1, 2) },
          d: { _tag: "Unknown", tag: 300, bytes: b() },
          e: { _tag: "Unknown", tag: 2n, bytes: b(7) }
        },
        hex: "03090102 02ac02 0000000000000002 07"
      }
    ],
    refused: [
      // a known tag would be read as its case
      refused({ c: { _tag: "Unknown", tag: 1, bytes: b(0, 5) }, d: { _tag: "One", s: "" }, e: { _tag: "One", n: 1 } }, "Range", "c.tag"),
      refused({ c: { _tag: "One", n: 1 }, d: { _tag: "Unknown", tag: 1, bytes: b() }, e: { _tag: "One", n: 1 } }, "Range", "d.tag"),
      refused({ c: { _tag: "One", n: 1 }, d: { _tag: "One", s: "" }, e: { _tag: "Unknown", tag: -1n, bytes: b() } }, "Range", "e.tag"),
      refused({ c: { _tag: "Unknown", tag: 256, bytes: b() }, d: { _tag: "One", s: "" }, e: { _tag: "One", n: 1 } }, "Range", "c.tag")
    ]
  },
  {
    name: "choice by an earlier sibling, measured (DNS: RDATA by TYPE)",
    type: struct("ChoiceBy", {
      type: D.u16,
      ttl: D.u8,
      length: D.lengthOf(D.u16, "data"),
      data: choice("ByType", D.by("type"), { A: tagged(1, { address: D.bytes({ size: 4 }) }), Txt: tagged(16, { text: D.utf8() }) }, {
        unknown: "keep"
      }),
      after: D.u8
    }),
    examples: [
      {
        value: { ttl: 5, data: { _tag: "A", address: b(192, 0, 2, 1) }, after: 9 },
        hex: "0001 05 0004 c0000201 09",
        from: "RFC 1035, 3.4.1"
      },
      { value: { ttl: 5, data: { _tag: "Txt", text: "é" }, after: 9 }, hex: "0010 05 0002 c3a9 09" },
      { value: { ttl: 5, data: { _tag: "Unknown", tag: 99, bytes: b(1) }, after: 9 }, hex: "0063 05 0001 01 09" }
    ],
    wrong: [wrong("0001 05 0003 c00002 09", "Length", "data.address", 5), wrong("0001 05 0005 c000020100 09", "Trailing", "data", 9)],
    refused: [refused({ ttl: 5, data: { _tag: "Unknown", tag: 1, bytes: b(1) }, after: 9 }, "Range", "data.tag")]
  },
  {
    name: "choice by an enumeration, and by bits, in a list",
    type: struct("ChoiceByMore", {
      items: D.counted(
        D.u8,
        struct("ChoiceItem", {
          kind: D.enumeration("ItemKind", D.u8, { Number: 1, Text: 2 }, { unknown: "error" }),
          of: choice("ItemOf", D.by("kind"), { Number: tagged(1, { n: D.i32 }), Text: tagged(2, { s: D.cstring() }) })
        })
      ),
      head: D.bits(D.u8, { format: D.slice(7, 6), rest: D.slice(5, 0) }),
      body: choice("BodyOf", D.by("format"), { Short: tagged(0, { x: D.u8 }), Long: tagged(3, { x: D.u32 }) })
    }),
    examples: [
      { value: { items: [], rest: 1, body: { _tag: "Short", x: 7 } }, hex: "00 01 07" },
      {
        value: { items: [{ of: { _tag: "Number", n: -1 } }, { of: { _tag: "Text", s: "a" } }], rest: 63, body: { _tag: "Long", x: 258 } },
        hex: "02 01 ffffffff 02 6100 ff 00000102"
      }
    ],
    wrong: [wrong("00 41 07", "UnknownValue", "body._tag", 2), wrong("01 03 00000000", "UnknownValue", "items[0].kind", 1)]
  },
  {
    name: "choice by a sibling, within a length and optional",
    type: struct("ChoiceByWithin", {
      tag: D.varint(),
      has: D.bits(D.u8, { there: D.slice(0) }),
      of: D.prefixed(D.u8, choice("WithinOf", D.by("tag"), { A: tagged(200, { n: D.u8 }) }, { unknown: "keep" })),
      more: D.optional(D.u8, { if: D.bitOf("there") })
    }),
    examples: [
      { value: { of: { _tag: "A", n: 1 } }, hex: "c801 00 0101" },
      { value: { of: { _tag: "Unknown", tag: 3, bytes: b() }, more: 4 }, hex: "03 01 00 04" }
    ]
  }
]

const lists: ReadonlyArray<Entry> = [
  {
    name: "array that takes what is left",
    type: struct("ArrayRest", { n: D.u8, list: D.array(D.u16, { max: 3 }) }),
    examples: [{ value: { n: 1, list: [] }, hex: "01" }, { value: { n: 1, list: [1, 2, 3] }, hex: "01 0001 0002 0003" }],
    wrong: [wrong("01 0001 0002 0003 0004", "Limit", "list[3]", 7)],
    refused: [refused({ n: 1, list: [1, 2, 3, 4] }, "Limit", "list")]
  },
  {
    name: "array before a fixed tail",
    type: struct("ArrayTail", { list: D.array(D.u16), crc: D.u8 }),
    examples: [{ value: { list: [], crc: 9 }, hex: "09" }, { value: { list: [258], crc: 9 }, hex: "0102 09" }]
  },
  {
    name: "array until a byte",
    type: struct("ArrayUntil", {
      list: D.array(D.cstring(), { until: 0, max: 2 }),
      numbers: D.array(D.u16, { until: "~~" }),
      after: D.u8
    }),
    examples: [
      { value: { list: [], numbers: [], after: 9 }, hex: "00 7e7e 09" },
      { value: { list: ["a", "bc"], numbers: [1, 0x7e01], after: 9 }, hex: "6100 626300 00 0001 7e01 7e7e 09" }
    ],
    wrong: [wrong("6100 6200 6300 00 7e7e", "Limit", "list[2]", 4)],
    refused: [
      // an element that begins as the end does
      refused({ list: ["a", "", "b"].slice(0, 2), numbers: [], after: 9 }, "Range", "list[1]"),
      refused({ list: [], numbers: [0x7e7e], after: 9 }, "Range", "numbers[0]"),
      refused({ list: ["a", "b", "c"], numbers: [], after: 9 }, "Limit", "list")
    ]
  },
  {
    name: "array of unions and of records with lengths",
    type: struct("ArrayUnion", {
      list: D.counted(
        D.u8,
        choice("UnionOf", D.u8, { N: tagged(1, { n: D.u16 }), S: tagged(2, { l: D.lengthOf(D.u8, "s"), s: D.utf8() }) })
      ),
      pairs: D.prefixed(D.u16, D.array(struct("ArrayPair", { k: D.prefixed(D.u8, D.utf8()), v: D.prefixed(D.u8, D.bytes()) })))
    }),
    examples: [
      { value: { list: [], pairs: [] }, hex: "00 0000" },
      {
        value: { list: [{ _tag: "N", n: 1 }, { _tag: "S", s: "é" }], pairs: [{ k: "a", v: b(1) }, { k: "", v: b() }] },
        hex: "02 010001 0202c3a9 0006 0161 0101 00 00"
      }
    ],
    wrong: [wrong("01 030000", "UnknownValue", "list[0]._tag", 1), wrong("00 0002 0261", "Length", "pairs[0].k", 4)]
  }
]

const Bson: D.Struct<"BsonLike"> = struct("BsonLike", {
  length: D.lengthOf(D.i32.le, ["items", "end"], { plus: 4 }),
  items: D.array(D.lazy(() => BsonItem)),
  end: D.literal(0)
})
const BsonItem = choice("BsonItem", D.u8, {
  Double: tagged(1, { name: D.cstring(), value: D.f64.le }),
  Text: tagged(2, { name: D.cstring(), value: D.prefixed(D.i32.le, D.cstring()) }),
  Document: tagged(3, { name: D.cstring(), value: D.lazy(() => Bson, { maxDepth: 4 }) }),
  Null: tagged(10, { name: D.cstring() })
})

const Resp: D.Choice<"RespLike"> = choice("RespLike", D.u8, {
  Simple: tagged("+", { text: D.utf8({ until: "\r\n" }) }),
  Integer: tagged(":", { value: D.decimal({ bits: 64, signed: true, until: "\r\n" }) }),
  Bulk: tagged("$", { value: D.prefixed(D.decimal({ signed: true, until: "\r\n" }), D.bytes(), { absent: -1, trailer: "\r\n" }) }),
  Array: tagged("*", { items: D.counted(D.decimal({ signed: true, until: "\r\n" }), D.lazy(() => Resp, { maxDepth: 3 }), { absent: -1 }) })
})

const ascii = (text: string): string => Buffer.from(text, "latin1").toString("hex")
const nested = (depth: number): object => depth === 0 ? { _tag: "Integer", value: 7n } : { _tag: "Array", items: [nested(depth - 1)] }
const document = (depth: number): object =>
  depth === 0 ? { items: [] } : { items: [{ _tag: "Document", name: "", value: document(depth - 1) }] }
const documentHex = (depth: number): string => {
  const items = depth === 0 ? "" : `0300${documentHex(depth - 1)}`
  const size = items.length / 2 + 5
  return `${size.toString(16).padStart(2, "0")}000000${items}00`
}

const recursion: ReadonlyArray<Entry> = [
  {
    name: "recursion through a choice (RESP)",
    type: Resp,
    examples: [
      { value: { _tag: "Simple", text: "OK" }, hex: ascii("+OK\r\n"), from: "RESP specification" },
      { value: { _tag: "Bulk", value: Uint8Array.from(Buffer.from("hello")) }, hex: ascii("$5\r\nhello\r\n"), from: "RESP specification" },
      { value: { _tag: "Bulk", value: b() }, hex: ascii("$0\r\n\r\n"), from: "RESP specification" },
      { value: { _tag: "Bulk", value: null }, hex: ascii("$-1\r\n"), from: "RESP specification" },
      { value: { _tag: "Array", items: null }, hex: ascii("*-1\r\n"), from: "RESP specification" },
      {
        value: {
          _tag: "Array",
          items: [{ _tag: "Integer", value: 1n }, { _tag: "Array", items: [{ _tag: "Simple", text: "x" }] }, { _tag: "Bulk", value: null }]
        },
        hex: ascii("*3\r\n:1\r\n*1\r\n+x\r\n$-1\r\n"),
        from: "RESP specification"
      },
      { value: nested(2), hex: ascii("*1\r\n*1\r\n:7\r\n") }
    ],
    wrong: [
      wrong(ascii("*1\r\n*1\r\n*1\r\n:7\r\n"), "Limit", "items[0].items[0].items[0]", 12),
      wrong(ascii("$-2\r\n"), "Length", "value", 1)
    ],
    refused: [refused(nested(3), "Limit", "items[0].items[0].items[0]"), refused({ _tag: "Simple", text: "a\r\nb" }, "Range", "text")]
  },
  {
    name: "recursion through records (BSON), little-endian",
    type: Bson,
    lossy: "every NaN is written as the same one",
    examples: [
      { value: { items: [] }, hex: "0500000000", from: "bsonspec.org" },
      {
        value: { items: [{ _tag: "Text", name: "hello", value: "world" }] },
        hex: "16000000 02 68656c6c6f00 06000000 776f726c6400 00",
        from: "bsonspec.org, the first example"
      },
      { value: document(1), hex: documentHex(1), from: "bsonspec.org" },
      { value: document(3), hex: documentHex(3), from: "bsonspec.org" }
    ],
    wrong: [
      wrong(documentHex(4), "Limit", "items[0].value.items[0].value.items[0].value.items[0].value", 24),
      wrong("04000000 00", "Length", "items", 4)
    ],
    refused: [refused(document(4), "Limit", "items[0].value.items[0].value.items[0].value.items[0].value")]
  }
]

const orders: ReadonlyArray<Entry> = [
  {
    name: "a little-endian record, with numbers that say otherwise, and a big one within",
    type: struct(
      "LittleRecord",
      {
        n: D.u16,
        big: D.u16.be,
        f: D.f32,
        wide: D.i64,
        l: D.lengthOf(D.u16, "s"),
        s: D.utf8(),
        e: D.enumeration("LittleEnum", D.u16, { A: 1 }),
        c: D.constant(D.u16, 0x0102),
        list: D.counted(D.u16, D.u16),
        inner: struct("BigInner", { n: D.u16 }, { byteOrder: "big" })
      },
      { byteOrder: "little" }
    ),
    examples: [
      {
        value: { n: 1, big: 1, f: 1, wide: 1n, s: "x", e: 1, list: [2], inner: { n: 1 } },
        hex: "0100 0001 0000803f 0100000000000000 0100 78 0100 0201 0100 0200 0001"
      }
    ]
  },
  {
    name: "a choice in a little-endian order of its own",
    type: struct("LittleChoiceIn", { c: choice("LittleChoice", D.u16, { A: tagged(1, { n: D.u32 }) }, { byteOrder: "little" }), n: D.u16 }),
    examples: [{ value: { c: { _tag: "A", n: 1 }, n: 1 }, hex: "0100 01000000 0001" }]
  },
  {
    name: "a record that is given its byte order (TIFF, ELF)",
    type: struct(
      "GivenRecord",
      {
        n: D.u16,
        fixed: D.u16.be,
        l: D.lengthOf(D.u32, "s"),
        s: D.utf8(),
        list: D.counted(D.u16, D.f64),
        inner: struct("GivenInner", { n: D.u16, m: D.u24 }, { byteOrder: "given" })
      },
      { byteOrder: "given" }
    ),
    lossy: "every NaN is written as the same one",
    examples: [
      {
        value: { n: 1, fixed: 1, s: "x", list: [1], inner: { n: 1, m: 2 } },
        hex: "0001 0001 00000001 78 0001 3ff0000000000000 0001 000002",
        littleEndian: false
      },
      {
        value: { n: 1, fixed: 1, s: "x", list: [1], inner: { n: 1, m: 2 } },
        hex: "0100 0001 01000000 78 0100 000000000000f03f 0100 020000",
        littleEndian: true
      }
    ]
  }
]

/** Entries of records. */
export const records: ReadonlyArray<Entry> = [...choices, ...lists, ...recursion, ...orders]
