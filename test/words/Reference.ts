/**
 * The reference of all words: what each says in a spec, its bytes, and an example that is run. `packages/dsl/WORDS.md` is made of it.
 *
 * `spec` is code: the fields of a record, with the words of the DSL in scope; `value` and `hex` are an example in both directions.
 */

import * as D from "@wirewright/dsl"

/** A word as the reference shows it. */
export interface Row {
  readonly word: string
  /** Fields of a record. */
  readonly spec: string
  /** What the bytes are. */
  readonly bytes: string
  /** Options, limits, and what is refused. */
  readonly says: string
  /** A value, as code. */
  readonly value: string
  readonly hex: string
}

const row = (word: string, spec: string, value: string, hex: string, bytes: string, says: string): Row => ({
  word,
  spec,
  value,
  hex,
  bytes,
  says
})

/** Words by what they are for. */
export const reference: { readonly [group: string]: ReadonlyArray<Row> } = {
  "Numbers": [
    row(
      "u8 u16 u24 u32, i8 i16 i32",
      "{ n: u16, m: i16 }",
      "{ n: 258, m: -1 }",
      "0102 ffff",
      "1, 2, 3 or 4 bytes, most significant first; two's complement",
      "Out of range is refused. `u24` has no signed sister."
    ),
    row("u64, i64", "{ n: u64 }", "{ n: 258n }", "0000000000000102", "8 bytes", "A `bigint`."),
    row(
      ".le, .be",
      "{ n: u16.le, m: u32.be }",
      "{ n: 258, m: 1 }",
      "0201 00000001",
      "the other way round",
      "Default: the record's `byteOrder`, else the protocol's, else big."
    ),
    row(
      "f32, f64",
      "{ x: f32, y: f64.le }",
      "{ x: 1, y: -2 }",
      "3f800000 00000000000000c0",
      "IEEE 754, 4 or 8 bytes",
      "`f32` rounds; a finite number that would become infinite is refused. Every NaN is read as `NaN` and written as the canonical quiet one, without sign and payload."
    ),
    row(
      "varint",
      "{ a: varint(), z: varint({ zigzag: true }) }",
      "{ a: 300, z: -2 }",
      "ac02 03",
      "seven bits a byte, the least significant first, the highest bit says that more follow",
      "`encoding: \"leb128\"` (default), `\"vlq\"` (most significant first), `\"quic\"` (RFC 9000); `bits: 64` for a `bigint`; `zigzag` for signed ones; `maxBytes`. Only the shortest spelling is accepted."
    ),
    row("uleb128", "{ n: uleb128 }", "{ n: 128 }", "8001", "`varint()`", "At most 32 bits."),
    row(
      "escaped",
      "{ n: escaped(u8, { max: 125, 126: u16, 127: u64 }) }",
      "{ n: 256n }",
      "7e0100",
      "a small number; some of its values announce a wider one that follows",
      "Only the shortest spelling is accepted; values beyond `max` that announce nothing are errors."
    ),
    row(
      "decimal",
      "{ n: decimal({ until: \"\\r\\n\" }) }",
      "{ n: 42 }",
      "3432 0d0a",
      "ASCII digits, then what ends them",
      "No leading zeros, no plus. `signed`; `bits`: 32 (default), 53, or 64 for a `bigint`; `until`, without which it takes what surrounds it."
    ),
    row(
      "bcd",
      "{ n: bcd(4) }",
      "{ n: 2026 }",
      "2026",
      "two digits a byte",
      "At most 15 digits; an odd number of them begins with a zero half."
    ),
    row(
      "bool",
      "{ a: bool(u8), b: bool(\"T\", \"F\") }",
      "{ a: true, b: false }",
      "01 46",
      "1 or 0; or one of two texts",
      "Anything else is an error."
    ),
    row(
      "constant",
      "{ version: constant(u8, 5), n: u8 }",
      "{ n: 1 }",
      "05 01",
      "always the same number",
      "Absent from the type. Tells layouts of one length apart."
    ),
    row(
      "enumeration, numbered",
      "{ kind: enumeration(\"Kind\", u8, { Get: 1, Set: 2 }, { unknown: \"error\" }) }",
      "{ kind: 2 }",
      "02",
      "an integer",
      "Values may be characters that stand for their codes. `unknown`: `\"keep\"` (default) or `\"error\"`. `...numbered(3, \"Add\", \"Append\", 9, \"Touch\")` names 3, 4 and 9."
    ),
    row(
      "flags, bit",
      "{ rights: flags(\"Rights\", u8, { read: bit(0), write: bit(7) }) }",
      "{ rights: 0x81 }",
      "81",
      "an integer whose bits have names",
      "u8, u16 or u32. `unknown`: `\"keep\"` (default) or `\"error\"`; sets of bits that are `exclusive`; `requires`: bits that need others."
    ),
    row(
      "brand",
      "{ cas: brand(\"Cas\", u64) }",
      "{ cas: 7n }",
      "0000000000000007",
      "the integer's",
      "A type of its own, so that one number cannot be passed for another."
    )
  ],
  "Bytes and text": [
    row(
      "bytes",
      "{ a: bytes({ size: 2 }), b: bytes({ until: 0x0a }), c: bytes() }",
      "{ a: Uint8Array.of(1, 2), b: Uint8Array.of(3), c: Uint8Array.of() }",
      "0102 030a",
      "as they are",
      "`size`, or `until` a terminator (one to eight ASCII characters, or a byte), or what a length says, or all that is left. `min` and `max` limit, `pad` fills `size`."
    ),
    row(
      "utf8",
      "{ s: utf8({ until: 0, max: 10 }) }",
      "{ s: \"é\" }",
      "c3a9 00",
      "UTF-8",
      "`size`, `min`, `max`, `until`, `pad` as of `bytes`. Bytes that are no UTF-8 become lone surrogates and turn back into the same bytes; `invalid: \"error\"` refuses them."
    ),
    row("cstring", "{ s: cstring() }", "{ s: \"ab\" }", "6162 00", "`utf8({ until: 0 })`", "A NUL within is refused."),
    row(
      "pad",
      "{ s: utf8({ size: 4, pad: 0 }), t: ascii({ size: 3, pad: \" \" }) }",
      "{ s: \"ab\", t: \"x\" }",
      "61620000 782020",
      "text, then what fills it up to `size`",
      "What ends with the filling is refused."
    ),
    row(
      "json",
      "{ j: json() }",
      "{ j: \"[1]\" }",
      "5b315d",
      "UTF-8",
      "Stays text until it is parsed. `size`, `min`, `max`, `until`, `pad` as of `bytes`."
    ),
    row(
      "ascii, latin1, utf16",
      "{ a: ascii({ size: 1 }), l: latin1({ until: 0 }), u: utf16({ order: \"little\" }) }",
      "{ a: \"A\", l: \"é\", u: \"€\" }",
      "41 e900 ac20",
      "their encoding",
      "`size`, `min`, `max`, `until`, `pad` as of `bytes`; `order` of UTF-16. Characters that the encoding has not are refused. Terminators of UTF-16 are whole units."
    ),
    row(
      "domainName",
      "{ a: domainName(), b: domainName(), c: domainName({ compress: false }) }",
      "{ a: \"x.org.\", b: \"y.x.org.\", c: \"x.org.\" }",
      "0178 036f7267 00 0179 c000 0178 036f7267 00",
      "labels as DNS has them; the rest may be a pointer to where it was said",
      "Spelled as in master files. Pointers count from where the content begins; others may point where BIND would not, and come back as it points."
    ),
    row(
      "literal",
      "{ magic: literal(\"PK\"), n: u8 }",
      "{ n: 1 }",
      "504b 01",
      "these bytes",
      "Absent from the type; `optional(literal(…))` is a boolean."
    ),
    row(
      "reserved",
      "{ a: reserved(u8), b: reserved(2, \"error\") }",
      "{ a: 0 }",
      "00 0000",
      "bytes without a meaning",
      "`\"keep\"` (default) hands them out, `\"ignore\"` drops them and writes zeros, `\"error\"` refuses others than zeros."
    )
  ],
  "Lengths and counts": [
    row(
      "lengthOf",
      "{ length: lengthOf(u16, \"body\"), kind: u8, body: bytes() }",
      "{ kind: 7, body: Uint8Array.of(1, 2) }",
      "0002 07 0102",
      "the size of a later sibling",
      "Any number (`varint`, `escaped`, `decimal`…). `plus` is added before it is written; `absent` is the value that means `null`. With `unit: 4` it counts words of four bytes, and other sizes are refused. Several of one target must agree."
    ),
    row(
      "`lengthOf` of several",
      "{ head: lengthOf(u8, \"h\"), total: lengthOf(u8, [\"h\", \"b\"]), h: utf8(), b: utf8() }",
      "{ h: \"x\", b: \"yz\" }",
      "01 03 78 797a",
      "the size of siblings that follow one another",
      "The fields lie within it."
    ),
    row(
      "countOf",
      "{ n: countOf(u8, \"list\"), list: array(u16) }",
      "{ list: [1, 2] }",
      "02 0001 0002",
      "the number of elements of a later sibling",
      "`plus`, `absent`."
    ),
    row(
      "`lengthOf`, `countOf` in `bits`",
      "{ head: bits(u8, { words: lengthOf(slice(7, 4), \"body\", { unit: 4 }), n: countOf(slice(3, 0), \"list\") }), list: array(u16), body: bytes() }",
      "{ list: [7], body: Uint8Array.of(1, 2, 3, 4) }",
      "11 0007 01020304",
      "some bits of a number",
      "A slice in place of a number; what does not fit its bits is refused. All that `lengthOf` and `countOf` have."
    ),
    row(
      "prefixed",
      "{ s: prefixed(i32, utf8(), { absent: -1 }) }",
      "{ s: \"é\" }",
      "00000002 c3a9",
      "a length, then what it measures",
      "`plus`, `absent`, and `trailer`: bytes after it that do not count."
    ),
    row(
      "counted",
      "{ list: counted(u8, prefixed(u8, utf8())) }",
      "{ list: [\"a\", \"\"] }",
      "02 0161 00",
      "a count, then so many elements",
      "`plus`, `absent`, `max`."
    )
  ],
  "Presence": [
    row(
      "optional",
      "{ n: u8, rest: optional(utf8({ min: 1 })) }",
      "{ n: 1, rest: \"a\" }",
      "01 61",
      "there when bytes are left",
      "What may be empty cannot be told from absence: say `min: 1`, or drop `optional`. Several of fixed size are told apart by the length of all; `requires` names what must be there too."
    ),
    row(
      "`optional` with `bitOf`",
      "{ head: bits(u8, { has: slice(7) }), n: optional(u16, { if: bitOf(\"has\") }) }",
      "{ n: 1 }",
      "80 0001",
      "there when the bit is set",
      "The bit is derived and absent from the type. `bitOf(\"flags\", \"name\")` is a bit of flags. Fields with one bit come together. In a state or version that has none of them (`when`), the bit is zero: other packets are refused."
    ),
    row(
      "`optional` with `valueOf`",
      "{ qos: u8, id: optional(u16, { if: valueOf(\"qos\", [1, 2]) }) }",
      "{ qos: 1, id: 5 }",
      "01 0005",
      "there when a sibling has one of these values",
      "What disagrees is refused."
    ),
    row(
      "when",
      "{ api: u8, n: when(\"api\", u16, { from: 2, else: u8 }) }",
      "{ api: 1, n: 7 }",
      "01 07",
      "there in a state or in versions",
      "The first argument is a state of the connection or an earlier sibling; `from`, `to`, `else`."
    )
  ],
  "Records": [
    row(
      "struct",
      "{ p: struct(\"Point\", { x: u8, y: u8 }) }",
      "{ p: { x: 1, y: 2 } }",
      "01 02",
      "its fields one after another",
      "`byteOrder`: `\"little\"`, `\"big\"`, or `\"given\"` as an argument of the codec."
    ),
    row(
      "choice, tagged",
      "{ c: choice(\"Either\", u8, { Number: tagged(1, { n: u16 }), Text: tagged(\"T\", { s: cstring() }) }) }",
      "{ c: { _tag: \"Text\", s: \"a\" } }",
      "54 6100",
      "a tag, then the fields of its case",
      "A union told apart by `_tag`. Tags are integers or a `varint`; a character stands for its code. `unknown: \"keep\"` hands out `{ _tag: \"Unknown\", tag, bytes }`; a known tag in it is refused, unless `empty: \"keep\"` says that a length may leave it without bytes. `byteOrder`. It takes what is left: in a list, give each element its length."
    ),
    row(
      "`choice` with `by`",
      "{ type: u16, ttl: u8, data: choice(\"Data\", by(\"type\"), { A: tagged(1, { a: u8 }) }) }",
      "{ ttl: 9, data: { _tag: \"A\", a: 5 } }",
      "0001 09 05",
      "the fields of the case that an earlier sibling selects",
      "The sibling (a number, an enumeration, a slice of bits) is derived and absent from the type."
    ),
    row(
      "array",
      "{ list: array(u16, { until: \"\\r\\n\" }) }",
      "{ list: [1] }",
      "0001 0d0a",
      "elements until a terminator, a count or length, or to the end",
      "`min`, `max`; `until` one or two ASCII characters, or a byte. An element that looks like the end is refused."
    ),
    row(
      "lazy",
      "{ v: choice(\"Value\", u8, { Leaf: tagged(0, { n: u8 }), List: tagged(1, { of: counted(u8, lazy(() => self.v)) }) }) }",
      "{ v: { _tag: \"List\", of: [{ _tag: \"Leaf\", n: 5 }] } }",
      "01 01 00 05",
      "the record that it names",
      "Recursion. `maxDepth` (default 128) limits how many of one type may lie within one another, in both directions."
    )
  ],
  "Several fields in one": [
    row(
      "bits, slice",
      "{ head: bits(u8, { type: slice(7, 4), fixed: slice(3, 2, { value: 1 }), qos: slice(1, 0) }) }",
      "{ type: 3, qos: 2 }",
      "36",
      "an integer of 8 to 64 bits",
      "Its slices are fields of the record. `of` names values, `value` fixes them, `escaped(slice(…), …)` widens. Bits without a name are zero."
    ),
    row(
      "tokens",
      "{ line: tokens(\" \", { verb: literal(\"get\"), key: utf8(), more: array(decimal()) }, { until: \"\\r\\n\" }) }",
      "{ key: \"k\", more: [1, 2] }",
      "676574206b20312032 0d0a",
      "fields with separators between them, then what ends the line",
      "Its fields are those of the record. One that holds a separator is refused, unless `rest: true` lets the last one be the rest of the line. `until` is one or two ASCII characters, or a byte; without it the line takes what surrounds it."
    )
  ],
  "The rest": [
    row(
      "align",
      "{ a: u8, pad: align(4), b: u8 }",
      "{ a: 1, b: 2 }",
      "01 000000 02",
      "zeros up to a multiple, counted from where the record begins",
      "Others are errors, unless it says `align(4, \"ignore\")`: then they are read, and written as zeros."
    ),
    row(
      "checksum",
      "{ data: prefixed(u8, bytes()), sum: checksum(\"crc16-modbus\", u16, { over: [\"data\"] }) }",
      "{ data: Uint8Array.of() }",
      "00 40bf",
      "crc32, crc32c, crc16-modbus, crc16-ccitt, adler32, internet, sum8, xor8",
      "Of siblings before, after or around it (then its own bytes count as zeros). `xor` combines it with a constant. Verified when reading, written by the encoder, absent from the type."
    )
  ]
}

/** All rows of the reference. */
export const rows: ReadonlyArray<Row> = Object.values(reference).flat()

/** What code says with the words of the DSL in scope; `self` are the fields that it makes. */
export const evaluated = <A>(code: string, self: object = {}): A => {
  // oxlint-disable-next-line no-new-func
  const run = new Function("self", ...Object.keys(D), `return (${code})`) as (...args: ReadonlyArray<unknown>) => A
  return run(self, ...Object.values(D))
}

/** Name of the record of a row. */
export const referenceName = (i: number): string => `Reference${i}`

/** The record of a row. Records within get names of their own, so that all can be in one spec. */
export const recordOf = ({ spec }: Row, i: number): D.Struct => {
  const code = spec.replaceAll(/"(Point|Either|Data|Value|Kind|Rights|Cas)"/g, `"$1${i}"`)
  const self: Record<string, unknown> = {}
  Object.assign(self, evaluated<object>(code, self))
  return D.struct(referenceName(i), self as never) as D.Struct
}

/** What the words do not say, and what to do. */
export const unsaid: ReadonlyArray<readonly [what: string, instead: string]> = [
  ["Arithmetic beyond `plus` and `unit`: a product, a length that is filled up to whole words", "`custom` for that field"],
  ["A length or count after what it measures", "`custom`"],
  ["A value that is compressed, masked or encrypted", "`custom`, which sees the whole packet; or bytes, and a codec of their own"],
  ["Pointers to other places of the packet, but for those of `domainName`", "`custom`"],
  ["More than one spelling of a value: padded varints, leading zeros", "nothing: what is accepted must be written again as it was"],
  ["A payload of NaN, its sign", "`u32` or `u64`, and your own conversion"],
  ["Text with lone surrogates that stand for no byte in `utf8`", "they are written as U+FFFD; `utf16` keeps them"],
  [
    "`when(state, of)` without `from` or `to` checks nothing when writing: that a value is given says that the state is on",
    "name a version, which is checked"
  ],
  ["A checksum within a packet's body over fields of its header", "put it into the trailer, which covers header and body; or `custom`"],
  [
    "A length of the packet that counts its own bytes, where their number varies",
    "a length of fixed size, or one from the body or the field"
  ],
  [
    "Numbered states in golden `examples` (versions), and values of `custom` fields in them",
    "tests of your own, which give states to `decode`"
  ],
  [
    "What text consists of: a pattern, parts that must not be empty, characters that must not be in it",
    "two fields with `until` between them, where there are two parts; else a check of your own"
  ],
  ["A slice of more than 53 bits", "two slices"],
  ["`optional` after an array within `tokens`", "the array takes all; put it in front, as a literal"],
  ["A fixed number of elements", "a struct with a field for each; `bytes({ size })` where they are bytes"]
]
