/** What may be missing, and versions. */
import * as D from "@wirewright/dsl"
import { type Entry, refused, wrong } from "../Entry.ts"

const { struct } = D

const b = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)

const Rights = D.flags("PresenceRights", D.u16, { Read: D.bit(0), Extra: D.bit(3), Late: D.bit(15) })

const has = D.bits(D.u8, { has: D.slice(7) })

const hasIt = { if: D.bitOf("has") }

/** Entries of presence. */
export const presence: ReadonlyArray<Entry> = [
  {
    name: "optional at the end, told by more bytes",
    type: struct("OptionalLast", { n: D.u8, rest: D.optional(D.utf8({ min: 1 })) }),
    examples: [{ value: { n: 1 }, hex: "01" }, { value: { n: 1, rest: "é" }, hex: "01 c3a9" }],
    // no bytes would be read as not there
    refused: [refused({ n: 1, rest: "" }, "Length", "rest")]
  },
  {
    name: "optional number at the end",
    type: struct("OptionalNumber", { n: D.u8, more: D.optional(D.u16) }),
    examples: [{ value: { n: 1 }, hex: "01" }, { value: { n: 1, more: 258 }, hex: "01 0102" }]
  },
  {
    name: "several optionals of fixed size, told by the length",
    type: struct("OptionalSizes", {
      n: D.u8,
      a: D.optional(D.u16),
      c: D.optional(D.u32, { requires: "a" }),
      end: D.u8
    }),
    examples: [
      { value: { n: 1, end: 9 }, hex: "01 09" },
      { value: { n: 1, a: 2, end: 9 }, hex: "01 0002 09" },
      { value: { n: 1, a: 2, c: 3, end: 9 }, hex: "01 0002 00000003 09" }
    ],
    wrong: [wrong("01 0002 00000003 0999", "Length", "", 0)],
    refused: [refused({ n: 1, c: 3, end: 9 }, "Missing", "a")]
  },
  {
    name: "optional by a bit of a number",
    type: struct("OptionalSlice", {
      flags: D.bits(D.u8, { hasText: D.slice(1), hasNumber: D.slice(7), kind: D.slice(5, 4) }),
      text: D.optional(D.cstring(), { if: D.bitOf("hasText") }),
      number: D.optional(D.u16, { if: D.bitOf("hasNumber") }),
      after: D.u8
    }),
    examples: [
      { value: { kind: 2, after: 9 }, hex: "20 09" },
      { value: { kind: 0, text: "", after: 9 }, hex: "02 00 09" },
      { value: { kind: 3, text: "é", number: 258, after: 9 }, hex: "b2 c3a900 0102 09" }
    ],
    wrong: [wrong("01 09", "Reserved", "flags", 0)],
    refused: [
      refused({ kind: 4, after: 9 }, "Range", "kind"),
      refused({ kind: 0, number: 65_536, after: 9 }, "Range", "number"),
      refused({ after: 9 }, "Missing", "kind")
    ]
  },
  {
    name: "several optionals by one bit, which come together (MQTT's user name)",
    type: struct("OptionalTogether", {
      flags: D.bits(D.u8, { will: D.slice(2) }),
      topic: D.optional(D.prefixed(D.u16, D.utf8()), { if: D.bitOf("will") }),
      message: D.optional(D.prefixed(D.u16, D.bytes()), { if: D.bitOf("will") }),
      mark: D.optional(D.literal("!"), { if: D.bitOf("will") }),
      after: D.u8
    }),
    examples: [
      { value: { mark: false, after: 9 }, hex: "00 09" },
      { value: { topic: "a", message: b(1), mark: true, after: 9 }, hex: "04 000161 000101 21 09" }
    ],
    wrong: [wrong("04 0000 0000 22 09", "Constant", "mark", 5)],
    refused: [
      refused({ topic: "a", after: 9 }, "Missing", "message"),
      refused({ message: b(1), after: 9 }, "Range", "message"),
      refused({ topic: "a", message: b(1), after: 9 }, "Missing", "mark")
    ]
  },
  {
    name: "optional by a bit of flags",
    type: struct("OptionalFlag", {
      rights: Rights,
      extra: D.optional(D.u8, { if: D.bitOf("rights", "Extra") }),
      late: D.optional(D.counted(D.u8, D.u8), { if: D.bitOf("rights", "Late") })
    }),
    examples: [
      { value: { rights: 1 }, hex: "0001" },
      { value: { rights: 0x0009, extra: 7 }, hex: "0009 07" },
      { value: { rights: 0x8009, extra: 7, late: [1] }, hex: "8009 07 0101" }
    ]
  },
  {
    name: "optional by values of a sibling (MQTT's packet identifier)",
    type: struct("OptionalValue", {
      bits: D.bits(D.u8, { qos: D.slice(2, 1) }),
      id: D.optional(D.u16, { if: D.valueOf("qos", [1, 2]) }),
      kind: D.u8,
      text: D.optional(D.cstring(), { if: D.valueOf("kind", [7]) })
    }),
    examples: [
      { value: { qos: 0, kind: 1 }, hex: "00 01" },
      { value: { qos: 2, id: 258, kind: 7, text: "x" }, hex: "04 0102 07 7800" },
      { value: { qos: 3, kind: 7, text: "" }, hex: "06 07 00" }
    ],
    refused: [
      refused({ qos: 1, kind: 1 }, "Missing", "id"),
      refused({ qos: 0, id: 1, kind: 1 }, "Range", "id"),
      refused({ qos: 0, kind: 7 }, "Missing", "text"),
      refused({ qos: 0, kind: 1, text: "" }, "Range", "text")
    ]
  },
  {
    name: "optional by a value of an enumeration, a wide number, and a decimal",
    type: struct("OptionalNumbers", {
      e: D.enumeration("OptionalEnum", D.u8, { No: 0, Yes: 1 }, { unknown: "error" }),
      x: D.optional(D.u8, { if: D.valueOf("e", [1]) }),
      wide: D.u64,
      y: D.optional(D.u8, { if: D.valueOf("wide", [5]) }),
      d: D.decimal({ until: ";" }),
      z: D.optional(D.u8, { if: D.valueOf("d", [10]) })
    }),
    examples: [
      { value: { e: 0, wide: 4n, d: 9 }, hex: "00 0000000000000004 393b" },
      { value: { e: 1, x: 7, wide: 5n, y: 8, d: 10, z: 9 }, hex: "01 07 0000000000000005 08 31303b 09" }
    ],
    refused: [refused({ e: 0, wide: 5n, d: 9 }, "Missing", "y"), refused({ e: 1, wide: 4n, d: 9 }, "Missing", "x")]
  },
  {
    name: "optional records, choices and lists",
    type: struct("OptionalMany", {
      bits: D.bits(D.u16.le, { a: D.slice(0), c: D.slice(8), l: D.slice(15) }),
      record: D.optional(struct("OptionalPoint", { x: D.u8, s: D.cstring() }), { if: D.bitOf("a") }),
      either: D.optional(D.choice("OptionalChoice", D.u8, { One: D.tagged(1, { n: D.u16 }), Two: D.tagged(2, {}) }), { if: D.bitOf("c") }),
      list: D.optional(D.array(D.u8, { until: 0 }), { if: D.bitOf("l") })
    }),
    examples: [
      { value: {}, hex: "0000" },
      { value: { record: { x: 1, s: "" } }, hex: "0100 01 00" },
      { value: { either: { _tag: "Two" }, list: [] }, hex: "0081 02 00" },
      { value: { record: { x: 1, s: "y" }, either: { _tag: "One", n: 3 }, list: [5] }, hex: "0181 01 7900 01 0003 05 00" }
    ],
    wrong: [wrong("0001 03", "UnknownValue", "either._tag", 2)]
  },
  {
    name: "when a state is on",
    type: struct("WhenOn", { n: D.u8, id: D.when("on", D.u16), after: D.u8 }),
    examples: [
      { value: { n: 1, after: 9 }, hex: "01 09", states: { on: false, version: 0 } },
      { value: { n: 1, id: 2, after: 9 }, hex: "01 0002 09", states: { on: true, version: 0 } }
    ]
  },
  {
    name: "when a version of the connection is in a range",
    type: struct("WhenVersion", {
      since: D.when("version", D.cstring(), { from: 2 }),
      until: D.when("version", D.u8, { to: 3 }),
      between: D.when("version", D.u16, { from: 2, to: 3, else: D.u16.le }),
      other: D.when("version", D.u8, { from: 4, else: D.cstring() }),
      after: D.u8
    }),
    examples: [
      { value: { until: 5, between: 1, other: "x", after: 9 }, hex: "05 0100 7800 09", states: { on: false, version: 1 } },
      { value: { since: "s", until: 5, between: 1, other: "x", after: 9 }, hex: "7300 05 0001 7800 09", states: { on: false, version: 2 } },
      { value: { since: "s", until: 5, between: 1, other: "x", after: 9 }, hex: "7300 05 0001 7800 09", states: { on: false, version: 3 } },
      { value: { since: "s", between: 1, other: 3, after: 9 }, hex: "7300 0100 03 09", states: { on: false, version: 4 } }
    ],
    refused: [
      refused({ since: "s", until: 5, between: 1, other: "x", after: 9 }, "Range", "since", { states: { on: false, version: 1 } }),
      refused({ until: 5, between: 1, other: "x", after: 9 }, "Missing", "since", { states: { on: false, version: 2 } }),
      refused({ since: "s", until: 5, between: 1, other: 3, after: 9 }, "Range", "until", { states: { on: false, version: 4 } }),
      refused({ since: "s", between: 1, other: "x", after: 9 }, "Range", "other", { states: { on: false, version: 4 } })
    ]
  },
  {
    name: "what is measured, in some versions",
    type: struct("WhenLength", {
      api: D.u8,
      size: D.when("api", D.lengthOf(D.u8, "data"), { from: 2 }),
      data: D.when("api", D.bytes(), { from: 2 }),
      after: D.u8
    }),
    examples: [
      { value: { api: 1, after: 9 }, hex: "01 09" },
      { value: { api: 2, data: Uint8Array.of(), after: 9 }, hex: "02 00 09" },
      { value: { api: 2, data: Uint8Array.of(1, 2), after: 9 }, hex: "02 02 0102 09" }
    ],
    refused: [
      refused({ api: 2, after: 9 }, "Missing", "data"),
      refused({ api: 1, data: Uint8Array.of(), after: 9 }, "Range", "data")
    ]
  },
  {
    name: "what a length measures that is always there",
    type: struct("AlwaysMeasured", {
      api: D.u8,
      size: D.lengthOf(D.u8, "data"),
      wide: D.lengthOf(D.varint(), "text"),
      data: D.when("api", D.bytes(), { from: 2 }),
      text: D.optional(D.utf8(), { if: D.valueOf("api", [3]) }),
      after: D.u8
    }),
    examples: [
      { value: { api: 1, after: 9 }, hex: "01 00 00 09" },
      { value: { api: 2, data: Uint8Array.of(1, 2), after: 9 }, hex: "02 02 00 0102 09" },
      { value: { api: 3, data: Uint8Array.of(1), text: "é", after: 9 }, hex: "03 01 02 01 c3a9 09" }
    ]
  },
  {
    name: "what a length measures by a value",
    type: struct("ValueMeasured", {
      api: D.u8,
      size: D.lengthOf(D.u16, "text", { plus: 2 }),
      data: D.when("api", D.u16, { from: 2 }),
      text: D.optional(D.utf8(), { if: D.valueOf("api", [3]) }),
      after: D.u8
    }),
    examples: [
      { value: { api: 1, after: 9 }, hex: "01 0002 09" },
      { value: { api: 3, data: 258, text: "é", after: 9 }, hex: "03 0004 0102 c3a9 09" }
    ]
  },
  {
    name: "what is measured, in some versions and by a bit at once",
    type: struct("WhenMeasured", {
      api: D.u8,
      head: D.bits(D.u8, { has: D.slice(7) }),
      size: D.when("api", D.optional(D.lengthOf(D.u8, "data"), { if: D.bitOf("has") }), { from: 2 }),
      data: D.when("api", D.optional(D.bytes(), { if: D.bitOf("has") }), { from: 2 }),
      after: D.u8
    }),
    examples: [
      { value: { api: 1, after: 9 }, hex: "01 00 09" },
      { value: { api: 2, after: 9 }, hex: "02 00 09" },
      { value: { api: 2, data: Uint8Array.of(1, 2), after: 9 }, hex: "02 80 02 0102 09" }
    ],
    // a bit of version 2 that version 1 has no use for
    wrong: [wrong("01 80 09", "Reserved", "has", 1)]
  },
  {
    name: "a flag of some versions says whether a field is there",
    type: struct("WhenFlag", {
      api: D.u8,
      rights: Rights,
      extra: D.when("api", D.optional(D.u8, { if: D.bitOf("rights", "Extra") }), { from: 2 }),
      after: D.u8
    }),
    examples: [
      { value: { api: 1, rights: 0x8001, after: 9 }, hex: "01 8001 09" },
      { value: { api: 2, rights: 1, after: 9 }, hex: "02 0001 09" },
      { value: { api: 2, rights: 9, extra: 5, after: 9 }, hex: "02 0009 05 09" }
    ],
    wrong: [wrong("01 0008 09", "Reserved", "rights", 1)],
    refused: [refused({ api: 1, rights: 8, extra: 5, after: 9 }, "Range", "extra")]
  },
  {
    name: "one bit for fields of several versions",
    type: struct("WhenOneBit", {
      head: has,
      api: D.u8,
      until: D.when("api", D.optional(D.u8, hasIt), { to: 2 }),
      since: D.when("api", D.optional(D.u16, hasIt), { from: 4 }),
      late: D.when("api", D.optional(D.cstring(), hasIt), { from: 5 }),
      after: D.u8
    }),
    examples: [
      { value: { api: 2, after: 9 }, hex: "00 02 09" },
      { value: { api: 2, until: 1, after: 9 }, hex: "80 02 01 09" },
      { value: { api: 3, after: 9 }, hex: "00 03 09" },
      { value: { api: 4, since: 258, after: 9 }, hex: "80 04 0102 09" },
      { value: { api: 5, since: 258, late: "é", after: 9 }, hex: "80 05 0102 c3a900 09" }
    ],
    wrong: [wrong("80 03 09", "Reserved", "has", 0), wrong("80 03", "Reserved", "has", 0)],
    refused: [
      refused({ api: 3, until: 1, after: 9 }, "Range", "until"),
      refused({ api: 5, since: 258, after: 9 }, "Missing", "late"),
      refused({ api: 5, late: "x", after: 9 }, "Missing", "since")
    ]
  },
  {
    name: "one bit for fields of several states",
    type: struct("WhenStates", {
      head: has,
      one: D.when("on", D.optional(D.u8, hasIt)),
      two: D.when("on", D.optional(D.u16, hasIt)),
      new: D.when("version", D.optional(D.u8, hasIt), { from: 2 }),
      after: D.u8
    }),
    examples: [
      { value: { after: 9 }, hex: "00 09", states: { on: false, version: 0 } },
      { value: { after: 9 }, hex: "00 09", states: { on: true, version: 2 } },
      { value: { one: 1, two: 2, after: 9 }, hex: "80 01 0002 09", states: { on: true, version: 1 } },
      { value: { new: 3, after: 9 }, hex: "80 03 09", states: { on: false, version: 2 } },
      { value: { one: 1, two: 2, new: 3, after: 9 }, hex: "80 01 0002 03 09", states: { on: true, version: 2 } }
    ],
    wrong: [wrong("80 09", "Reserved", "has", 0, { states: { on: false, version: 1 } })],
    refused: [
      refused({ one: 1, after: 9 }, "Missing", "two", { states: { on: true, version: 1 } }),
      refused({ two: 1, after: 9 }, "Range", "two", { states: { on: true, version: 1 } }),
      refused({ one: 1, two: 2, after: 9 }, "Missing", "new", { states: { on: true, version: 2 } })
    ]
  },
  {
    name: "one bit for a field of a state and one of all",
    type: struct("WhenAndAlways", {
      head: has,
      one: D.when("on", D.optional(D.u8, hasIt)),
      always: D.optional(D.u16, hasIt),
      after: D.u8
    }),
    examples: [
      { value: { after: 9 }, hex: "00 09", states: { on: true, version: 0 } },
      { value: { always: 2, after: 9 }, hex: "80 0002 09", states: { on: false, version: 0 } },
      { value: { one: 1, always: 2, after: 9 }, hex: "80 01 0002 09", states: { on: true, version: 0 } }
    ],
    refused: [refused({ one: 1, after: 9 }, "Range", "one", { states: { on: true, version: 0 } })]
  },
  {
    name: "in other versions something else stands there, by a bit or always",
    type: struct("WhenElse", {
      head: D.bits(D.u8, { has: D.slice(7), hasBoth: D.slice(0) }),
      api: D.u8,
      either: D.when("api", D.optional(D.u8, hasIt), { from: 2, else: D.u16 }),
      both: D.when("api", D.optional(D.u8, { if: D.bitOf("hasBoth") }), { from: 2, else: D.optional(D.u16, { if: D.bitOf("hasBoth") }) }),
      after: D.u8
    }),
    examples: [
      { value: { api: 1, either: 258, after: 9 }, hex: "00 01 0102 09" },
      { value: { api: 1, either: 258, both: 3, after: 9 }, hex: "01 01 0102 0003 09" },
      { value: { api: 2, after: 9 }, hex: "00 02 09" },
      { value: { api: 2, either: 5, both: 3, after: 9 }, hex: "81 02 05 03 09" }
    ],
    wrong: [wrong("80 01 0102 09", "Reserved", "has", 0)],
    refused: [refused({ api: 1, after: 9 }, "Missing", "either")]
  },
  {
    name: "a mark by a bit, in some versions of the connection and of a sibling at once",
    type: struct("WhenMark", {
      head: has,
      api: D.u8,
      mark: D.when("version", D.when("api", D.optional(D.literal("!"), hasIt), { from: 2 }), { from: 3 }),
      after: D.u8
    }),
    examples: [
      { value: { api: 1, after: 9 }, hex: "00 01 09", states: { on: false, version: 3 } },
      { value: { api: 2, mark: false, after: 9 }, hex: "00 02 09", states: { on: false, version: 3 } },
      { value: { api: 2, mark: true, after: 9 }, hex: "80 02 21 09", states: { on: false, version: 3 } },
      { value: { api: 2, after: 9 }, hex: "00 02 09", states: { on: false, version: 2 } }
    ],
    wrong: [
      wrong("80 02 09", "Reserved", "has", 0, { states: { on: false, version: 2 } }),
      wrong("80 01 09", "Reserved", "has", 0, { states: { on: false, version: 3 } })
    ],
    refused: [
      refused({ api: 2, mark: true, after: 9 }, "Range", "mark", { states: { on: false, version: 2 } }),
      refused({ api: 1, mark: true, after: 9 }, "Range", "mark", { states: { on: false, version: 3 } })
    ]
  },
  {
    name: "what packets carry no value for, with a field that a bit or a value tells of",
    type: struct("OptionalInvisible", {
      head: has,
      rights: Rights,
      kind: D.u8,
      five: D.optional(D.constant(D.u8, 5), hasIt),
      n: D.optional(D.u8, hasIt),
      six: D.optional(D.constant(D.u8, 6), { if: D.bitOf("rights", "Late") }),
      m: D.optional(D.u8, { if: D.bitOf("rights", "Late") }),
      seven: D.optional(D.constant(D.u8, 7), { if: D.valueOf("kind", [1, 2]) }),
      size: D.optional(D.lengthOf(D.u8, "data"), { if: D.valueOf("kind", [2]) }),
      data: D.optional(D.bytes(), { if: D.valueOf("kind", [2]) }),
      after: D.u8
    }),
    examples: [
      { value: { rights: 1, kind: 0, after: 9 }, hex: "00 0001 00 09" },
      { value: { rights: 1, kind: 1, n: 3, after: 9 }, hex: "80 0001 01 05 03 07 09" },
      { value: { rights: 0x8000, kind: 2, m: 4, data: Uint8Array.of(8), after: 9 }, hex: "00 8000 02 06 04 07 01 08 09" }
    ],
    wrong: [wrong("80 0001 00 04 03 09", "Constant", "five", 4)],
    refused: [refused({ rights: 1, kind: 2, after: 9 }, "Missing", "data")]
  },
  {
    name: "what packets carry no value for, in some states",
    type: struct("WhenInvisible", {
      five: D.when("on", D.constant(D.u8, 5)),
      size: D.when("on", D.lengthOf(D.u8, "data")),
      data: D.when("on", D.bytes()),
      after: D.u8
    }),
    examples: [
      { value: { after: 9 }, hex: "09", states: { on: false, version: 0 } },
      { value: { data: Uint8Array.of(), after: 9 }, hex: "05 00 09", states: { on: true, version: 0 } },
      { value: { data: Uint8Array.of(1, 2), after: 9 }, hex: "05 02 0102 09", states: { on: true, version: 0 } }
    ],
    wrong: [wrong("04 00 09", "Constant", "five", 0, { states: { on: true, version: 0 } })]
  },
  {
    name: "when a version in a sibling is in a range (Kafka's numbered versions)",
    type: struct("WhenSibling", {
      api: D.u8,
      added: D.when("api", D.u16, { from: 1 }),
      name: D.when("api", D.prefixed(D.varint(), D.utf8(), { plus: 1, absent: 0 }), {
        from: 2,
        else: D.prefixed(D.i16, D.utf8(), { absent: -1 })
      }),
      inner: struct("WhenInner", { flag: D.u8, extra: D.when("flag", D.u8, { from: 1, to: 1 }) })
    }),
    examples: [
      { value: { api: 0, name: "a", inner: { flag: 0 } }, hex: "00 000161 00" },
      { value: { api: 1, added: 258, name: null, inner: { flag: 1, extra: 7 } }, hex: "01 0102 ffff 01 07" },
      { value: { api: 2, added: 0, name: null, inner: { flag: 2 } }, hex: "02 0000 00 02" },
      { value: { api: 9, added: 0, name: "é", inner: { flag: 0 } }, hex: "09 0000 03c3a9 00" }
    ],
    refused: [
      refused({ api: 0, added: 1, name: "a", inner: { flag: 0 } }, "Range", "added"),
      refused({ api: 1, name: "a", inner: { flag: 0 } }, "Missing", "added"),
      refused({ api: 1, added: 1, name: "a", inner: { flag: 1 } }, "Missing", "inner.extra")
    ]
  },
  {
    name: "text that is null from a version on, and before that another spelling, and another before that",
    type: struct("WhenWhenElse", {
      api: D.u8,
      name: D.when("api", D.prefixed(D.varint(), D.utf8(), { plus: 1, absent: 0 }), {
        from: 12,
        else: D.when("api", D.prefixed(D.varint(), D.utf8(), { plus: 1 }), { from: 9, else: D.prefixed(D.i16, D.utf8()) })
      }),
      after: D.u8
    }),
    examples: [
      { value: { api: 8, name: "a", after: 9 }, hex: "08 0001 61 09" },
      { value: { api: 9, name: "a", after: 9 }, hex: "09 02 61 09" },
      { value: { api: 12, name: "a", after: 9 }, hex: "0c 02 61 09" },
      { value: { api: 12, name: null, after: 9 }, hex: "0c 00 09" }
    ],
    wrong: [wrong("09 00 09", "Length", "name", 1)],
    refused: [
      refused({ api: 11, name: null, after: 9 }, "Missing", "name"),
      refused({ api: 8, name: null, after: 9 }, "Missing", "name"),
      refused({ api: 12, after: 9 }, "Missing", "name")
    ]
  },
  {
    name: "names and numbers that are others in another version of the connection",
    type: struct("WhenNames", {
      name: D.when("version", D.enumeration("WhenNew", D.u8, { good: 0, bad: 128 }), {
        from: 5,
        else: D.enumeration("WhenOld", D.u8, { accepted: 0, refused: 5 })
      }),
      number: D.when("version", D.u64, { from: 5, else: D.prefixed(D.u8, D.utf8()) })
    }),
    examples: [
      { value: { name: 0, number: 12n }, hex: "00 000000000000000c", states: { on: false, version: 5 } },
      { value: { name: 5, number: "12" }, hex: "05 02 3132", states: { on: false, version: 4 } }
    ]
  },
  {
    name: "values of another kind in another version, whose JSON looks alike",
    type: struct("WhenKinds", {
      api: D.u8,
      one: D.when("api", D.u64, {
        from: 3,
        else: D.when("api", D.prefixed(D.u8, D.utf8()), {
          from: 2,
          else: D.when("api", D.prefixed(D.u8, D.bytes()), { from: 1, else: struct("WhenKindsOf", { long: D.u64, of: D.u8 }) })
        })
      }),
      after: D.u8
    }),
    examples: [
      { value: { api: 0, one: { long: 5n, of: 6 }, after: 9 }, hex: "00 0000000000000005 06 09" },
      { value: { api: 1, one: Uint8Array.of(0x31, 0x32), after: 9 }, hex: "01 02 3132 09" },
      { value: { api: 2, one: "12", after: 9 }, hex: "02 02 3132 09" },
      { value: { api: 3, one: 12n, after: 9 }, hex: "03 000000000000000c 09" }
    ],
    refused: [
      refused({ api: 3, one: "12", after: 9 }, "Range", "one"),
      refused({ api: 2, one: 12n, after: 9 }, "Range", "one"),
      refused({ api: 2, one: { length: 5n, of: 6 }, after: 9 }, "Range", "one"),
      refused({ api: 1, one: "12", after: 9 }, "Range", "one"),
      refused({ api: 0, one: "12", after: 9 }, "Missing", "one.long")
    ]
  }
]
