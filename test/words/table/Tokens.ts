/** Tokens: what must be there, what may be missing, what takes the rest of a line; least sizes. */
import * as D from "@wirewright/dsl"
import { type Entry, refused, wrong } from "../Entry.ts"

const { struct } = D

/** ASCII as hexadecimal digits. */
const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex")

const line = <const F extends D.Fields>(fields: F, options: { readonly rest?: boolean } = {}) =>
  D.tokens(" ", fields, { until: "\r\n", ...options })

const Flag = D.choice("TokenFlag", D.u8, { Bare: D.tagged("b", {}), Time: D.tagged("T", { seconds: D.decimal({ signed: true }) }) }, {
  unknown: "keep"
})

/** Lines. */
export const tokens: ReadonlyArray<Entry> = [
  {
    name: "tokens that are all there",
    type: struct("TokensAll", { line: line({ verb: D.literal("put"), key: D.utf8({ min: 1, max: 3 }), n: D.decimal() }), after: D.u8 }),
    examples: [
      { value: { key: "k", n: 0, after: 9 }, hex: hex("put k 0\r\n\t") },
      { value: { key: "\r€"[0]! + "a", n: 4294967295, after: 10 }, hex: hex("put \ra 4294967295\r\n\n"), from: "a CR alone ends nothing" }
    ],
    wrong: [
      wrong(hex("put k\r\n\t"), "Length", "n", 5),
      wrong(hex("put k 0 1\r\n\t"), "Syntax", "n", 6),
      wrong(hex("put  0\r\n\t"), "Length", "key", 4),
      wrong(hex("put kkkk 0\r\n\t"), "Limit", "key", 4),
      wrong(hex("putk k 0\r\n\t"), "Constant", "verb", 3),
      wrong(hex("put k 0\n\t"), "Syntax", "line", 7)
    ],
    refused: [
      refused({ key: "", n: 0, after: 9 }, "Length", "key"),
      refused({ key: "kkkk", n: 0, after: 9 }, "Limit", "key"),
      refused({ key: "a b", n: 0, after: 9 }, "Range", "key"),
      refused({ key: "a\nb", n: 0, after: 9 }, "Range", "key")
    ]
  },
  {
    name: "a number and a word that may be missing, told by what the token says",
    type: struct("TokensOptional", {
      line: line({ verb: D.literal("flush"), delay: D.optional(D.decimal({ signed: true })), quiet: D.optional(D.literal("quiet")) })
    }),
    examples: [
      { value: { delay: undefined, quiet: false }, hex: hex("flush\r\n") },
      { value: { delay: -1, quiet: false }, hex: hex("flush -1\r\n") },
      { value: { delay: undefined, quiet: true }, hex: hex("flush quiet\r\n"), from: "memcached's flush_all noreply" },
      { value: { delay: 5, quiet: true }, hex: hex("flush 5 quiet\r\n") }
    ],
    wrong: [
      wrong(hex("flush quiet 5\r\n"), "Trailing", "quiet", 11),
      wrong(hex("flush 5 5\r\n"), "Trailing", "quiet", 7),
      wrong(hex("flushes\r\n"), "Syntax", "verb", 5)
    ]
  },
  {
    name: "a text that may be missing before a word that may be",
    type: struct("TokensTexts", {
      line: line({ verb: D.literal("a"), text: D.optional(D.utf8()), quiet: D.optional(D.literal("quiet")) })
    }),
    examples: [
      { value: { text: "", quiet: false }, hex: hex("a \r\n") },
      { value: { text: "x", quiet: true }, hex: hex("a x quiet\r\n") }
    ],
    refused: [refused({ text: "quiet", quiet: false }, "Range", "text")]
  },
  {
    name: "an optional token before one that must be there",
    type: struct("TokensMiddle", {
      line: line({ verb: D.literal("MSG"), reply: D.optional(D.utf8()), size: D.lengthOf(D.decimal(), "payload") }),
      payload: D.bytes()
    }),
    examples: [
      { value: { reply: undefined, payload: new Uint8Array([120]) }, hex: hex("MSG 1\r\nx"), from: "NATS' optional reply-to" },
      { value: { reply: "r", payload: new Uint8Array([120, 121]) }, hex: hex("MSG r 2\r\nxy") }
    ],
    wrong: [wrong(hex("MSG\r\n"), "Length", "size", 3), wrong(hex("MSG a b 1\r\nx"), "Syntax", "size", 6)]
  },
  {
    name: "a list, at least one",
    type: struct("TokensList", { line: line({ verb: D.literal("get"), keys: D.array(D.utf8({ min: 1 }), { min: 1, max: 3 }) }) }),
    examples: [{ value: { keys: ["a"] }, hex: hex("get a\r\n") }, { value: { keys: ["a", "b", "c"] }, hex: hex("get a b c\r\n") }],
    wrong: [
      wrong(hex("get\r\n"), "Length", "keys", 3),
      wrong(hex("get a b c d\r\n"), "Limit", "keys[3]", 9),
      wrong(hex("get a  b\r\n"), "Length", "keys[1]", 6)
    ],
    refused: [
      refused({ keys: [] }, "Length", "keys"),
      refused({ keys: ["a", "b", "c", "d"] }, "Limit", "keys"),
      refused({ keys: ["a", "b c"] }, "Range", "keys[1]"),
      refused({ keys: ["a", ""] }, "Length", "keys[1]")
    ]
  },
  {
    name: "flags of one letter, unknown ones kept",
    type: struct("TokensFlags", { line: line({ verb: D.literal("mg"), flags: D.array(Flag) }) }),
    examples: [
      { value: { flags: [] }, hex: hex("mg\r\n") },
      { value: { flags: [{ _tag: "Bare" }, { _tag: "Time", seconds: -1 }] }, hex: hex("mg b T-1\r\n") },
      { value: { flags: [{ _tag: "Unknown", tag: 0x7a, bytes: new Uint8Array([0x31]) }] }, hex: hex("mg z1\r\n") }
    ],
    wrong: [wrong(hex("mg bb\r\n"), "Trailing", "flags[0]", 4)],
    refused: [refused({ flags: [{ _tag: "Unknown", tag: 0x7a, bytes: new Uint8Array([0x20]) }] }, "Range", "flags[0]")]
  },
  {
    name: "the rest of a line",
    type: struct("TokensRest", { line: line({ code: D.literal("STAT"), name: D.utf8({ min: 1 }), value: D.utf8() }, { rest: true }) }),
    examples: [
      { value: { name: "a", value: "b c  d " }, hex: hex("STAT a b c  d \r\n") },
      { value: { name: "a", value: "" }, hex: hex("STAT a \r\n") }
    ],
    wrong: [wrong(hex("STAT a\r\n"), "Length", "value", 6)],
    refused: [refused({ name: "a", value: "b\nc" }, "Range", "value")]
  },
  {
    name: "the rest of a line that may be missing",
    type: struct("TokensRestOptional", { line: line({ code: D.literal("ERROR"), text: D.optional(D.utf8()) }, { rest: true }) }),
    examples: [
      { value: { text: undefined }, hex: hex("ERROR\r\n") },
      { value: { text: "" }, hex: hex("ERROR \r\n") },
      { value: { text: "a b" }, hex: hex("ERROR a b\r\n") }
    ]
  },
  {
    name: "a list in front of a token that must be there, two characters between",
    type: struct("TokensPairs", { line: D.tokens(", ", { names: D.array(D.utf8()), last: D.utf8() }, { until: 0 }) }),
    examples: [
      { value: { names: [], last: "a" }, hex: hex("a\0") },
      { value: { names: ["a,b", "c"], last: "" }, hex: hex("a,b, c, \0") }
    ],
    refused: [refused({ names: ["a, b"], last: "" }, "Range", "names[0]"), refused({ names: [], last: "\0" }, "Range", "last")]
  },
  {
    name: "a list that must have an element, before two characters and a token that must be there",
    type: struct("TokensSome", { line: D.tokens(", ", { names: D.array(D.utf8(), { min: 1 }), last: D.utf8() }, { until: 0 }) }),
    examples: [{ value: { names: ["a"], last: "b" }, hex: hex("a, b\0") }],
    wrong: [wrong(hex("a\0"), "Length", "names", 0)]
  },
  {
    name: "a line that may be empty",
    type: struct("TokensNone", { line: D.tokens(",", { names: D.array(D.utf8({ min: 1 })) }, { until: ";" }) }),
    examples: [{ value: { names: [] }, hex: hex(";") }, { value: { names: ["a", "b"] }, hex: hex("a,b;") }],
    wrong: [wrong(hex("a,;"), "Length", "names[1]", 2)]
  }
]
