/** The findings from WW190 on: two values with the same bytes, bits, lengths, presence, checksums, byte order, text. */
import { type FindingCode, one } from "./FindingCode.ts"

/** Findings about fields, by code. */
export const fieldCodes: ReadonlyArray<FindingCode> = [
  one(
    "WW190",
    "Two values with the same bytes",
    "Encoding loses which one it was. The finding prints both.",
    "Give what is ambiguous a length, an end, a tag or a bit.",
    "export const x = T(struct(\"S\", { a: u8, b: optional(u16), c: utf8() })) // ←"
  ),
  one(
    "WW191",
    "A value whose bytes begin like another's, where nothing else says how long it is",
    "A reader would stop too early.",
    "Give the field a length or another end, or the frame a `bodyLength`.",
    "const g = frame(\"G\", { sections: [\"body\"], kinds: { m: kind({ type: opcode(u8) }) } })\nexport const x = protocol(g, { name: \"p\", module: \"./gen\", commands: [commandsOf(g, \"m\")(\"A\", { opcode: 1, request: { body: { a: utf8() } } })] }) // ←"
  ),
  one(
    "WW199",
    "A notice: what could not be decided",
    "Neither a proof nor a counterexample was found; silence means proved.",
    "Look at it yourself, or say it in words that can be decided.",
    "export const x = T(struct(\"S\", { a: custom(\"Name\", { module: \"./Name\", minimum: 1 }) })) // ←"
  ),
  one(
    "WW201",
    "A varint of bytes that its encoding does not have",
    "It could not hold its bits, or never has so many bytes.",
    "Correct `maxBytes`.",
    "export const x = T(struct(\"S\", { a: varint({ maxBytes: 6 }) })) // ←"
  ),
  one(
    "WW202",
    "Escapes that overlap, do not ascend or do not fit",
    "A value would have two spellings, or none.",
    "Let escapes lie above `max`, each wider than the one before.",
    "export const x = T(struct(\"S\", { n: lengthOf(escaped(u8, { max: 126, 126: u16, 127: u64 }), \"a\"), a: bytes() })) // ←"
  ),
  one(
    "WW204",
    "An end, separator or literal that is none",
    "Ends are one or two bytes, and ASCII where they are text.",
    "Give such as `\"\\r\\n\"` or `0`.",
    "export const x = T(struct(\"S\", { a: utf8({ until: \"€\" }) })) // ←"
  ),
  one(
    "WW205",
    "A size and an end",
    "Which of them ends it?",
    "Keep one.",
    "export const x = T(struct(\"S\", { a: utf8({ size: 8, until: 0 }) })) // ←"
  ),
  one(
    "WW207",
    "UTF-16 that ends with more than one character",
    "Ends are looked for character by character.",
    "End it with one: `until: 0`.",
    "export const x = T(struct(\"S\", { a: utf16({ until: \"\\0\\0\" }) })) // ←"
  ),
  one(
    "WW208",
    "Two truth values of which one begins like the other",
    "Which one it is could not be told.",
    "Give two texts that differ: `bool(\"T\", \"F\")`.",
    "export const x = T(struct(\"S\", { a: bool(\"T\", \"TF\") })) // ←"
  ),
  one(
    "WW210",
    "A slice outside its integer",
    "Those bits are not there.",
    "Give the higher bit first, within the integer.",
    "export const x = T(struct(\"S\", { b: bits(u8, { type: slice(8, 4) }) })) // ←"
  ),
  one(
    "WW211",
    "Slices that overlap",
    "One would overwrite the other.",
    "Let them not overlap.",
    "export const x = T(struct(\"S\", { b: bits(u8, { type: slice(7, 4), qos: slice(4, 3) }) })) // ←"
  ),
  one(
    "WW212",
    "Bits of a signed integer, or a slice of more than 53",
    "A slice is a number without a sign, which is exact up to 53 bits.",
    "Use an unsigned integer, or two slices.",
    "export const x = T(struct(\"S\", { b: bits(i16, { a: slice(1) }) })) // ←"
  ),
  one(
    "WW213",
    "A value that does not fit its slice",
    "It would be cut off.",
    "Widen the slice.",
    "export const x = T(struct(\"S\", { b: bits(u8, { version: slice(1, 0, { value: 4 }) }) })) // ←"
  ),
  one(
    "WW214",
    "A presence bit of more than one bit",
    "It says yes or no.",
    "Give it one bit, or use `valueOf`.",
    "export const x = T(struct(\"S\", { b: bits(u8, { has: slice(1, 0) }), a: optional(u16, { if: bitOf(\"has\") }) })) // ←"
  ),
  one(
    "WW215",
    "Bits within another word",
    "Slices are fields of the record that the bits stand in, always.",
    "Put them into a struct, and that into the other word.",
    "export const x = T(struct(\"S\", { b: optional(bits(u8, { a: slice(1) })) })) // ←"
  ),
  one(
    "WW216",
    "Versions of an element, or of what has its length in front",
    "A version is that of the whole field: all elements have it.",
    "Write `when` around the list or the length, on both sides.",
    "export const x = T(struct(\"S\", { v: u8, a: prefixed(u8, when(\"v\", u8, { from: 2, else: u16 })) })) // ←"
  ),
  one(
    "WW220",
    "A value for null that does not fit",
    "It could not be written.",
    "Give one of the number's range.",
    "export const x = T(struct(\"S\", { a: prefixed(u8, utf8(), { absent: -1 }) })) // ←"
  ),
  one(
    "WW221",
    "A value for null that a length can have",
    "Null and a value of that length are the same bytes.",
    "Use a number that no length has, `plus`, or a `max`.",
    "export const x = T(struct(\"S\", { a: prefixed(u8, utf8(), { absent: 5 }) })) // ←"
  ),
  one(
    "WW222",
    "Arithmetic that makes lengths negative or too large",
    "They could not be written.",
    "Correct `plus`, or widen the number.",
    "export const x = T(struct(\"S\", { a: prefixed(u8, utf8(), { plus: -4 }) })) // ←"
  ),
  one(
    "WW223",
    "Digits in front of something, without an end",
    "Where they end could not be found.",
    "Write `decimal({ until: … })`.",
    "export const x = T(struct(\"S\", { a: prefixed(decimal(), utf8()) })) // ←"
  ),
  one(
    "WW224",
    "Two lengths that disagree on null",
    "One of them could not be written.",
    "Say `absent` in both, or in neither.",
    "export const x = T(struct(\"S\", { n: lengthOf(i16, \"a\", { absent: -1 }), m: lengthOf(u16, \"a\"), a: bytes() })) // ←"
  ),
  one(
    "WW230",
    "A presence bit that is not there, comes later, or is no bit",
    "Whether the field is there could not be told.",
    "Name a one-bit slice or a flag in front.",
    "export const x = T(struct(\"S\", { a: optional(u16, { if: bitOf(\"has\") }), b: bits(u8, { has: slice(0) }) })) // ←"
  ),
  one(
    "WW231",
    "Values of a sibling that it never has",
    "The field would never be there.",
    "Name values of its range.",
    "export const x = T(struct(\"S\", { a: u8, b: optional(u16, { if: valueOf(\"a\", [256]) }) })) // ←"
  ),
  one(
    "WW232",
    "A tag that is not there, comes later, is taken, or does not fit",
    "Which case it is could not be told.",
    "Name an integer in front, one for each choice.",
    "const C = choice(\"C\", by(\"type\"), { A: tagged(1, { a: u8 }) })\nexport const x = T(struct(\"S\", { c: C, type: u8 })) // ←"
  ),
  one(
    "WW233",
    "A version that comes after its user, or is no number",
    "Which one it is could not be told.",
    "Name an integer in front.",
    "export const x = T(struct(\"S\", { a: when(\"version\", u8, { from: 2 }), version: u16 })) // ←"
  ),
  one(
    "WW234",
    "Versions that are none",
    "The field would never be there.",
    "Let `from` be at most `to`.",
    "export const x = T(struct(\"S\", { version: u16, a: when(\"version\", u8, { from: 3, to: 2 }) })) // ←"
  ),
  one(
    "WW235",
    "A field of which nothing that packets carry says whether it is there",
    "Encoders could not know whether to write it.",
    "Write a `literal`, which is told by true, or let a value or another field tell.",
    "export const x = T(struct(\"S\", { b: bits(u8, { has: slice(0) }), a: optional(constant(u8, 5), { if: bitOf(\"has\") }) })) // ←"
  ),
  one(
    "WW240",
    "A checksum over what is not there, has gaps, or is computed later",
    "It covers bytes that follow one another.",
    "Name siblings in wire order.",
    "export const x = T(struct(\"S\", { a: u8, b: u8, c: u8, sum: checksum(\"crc32\", u32, { over: [\"a\", \"c\"] }) })) // ←"
  ),
  one(
    "WW241",
    "A checksum of another width than its integer",
    "It would be cut off or padded.",
    "Use the integer that the finding names.",
    "export const x = T(struct(\"S\", { a: u8, sum: checksum(\"crc32\", u16, { over: [\"a\"] }) })) // ←"
  ),
  one(
    "WW242",
    "An alignment to nothing",
    "Alignments are to 2 bytes or more.",
    "Give a whole number.",
    "export const x = T(struct(\"S\", { a: u8, pad: align(0) })) // ←"
  ),
  one(
    "WW243",
    "A custom field that is shorter than its least",
    "Sizes are checked before it is read.",
    "Let `fixed` be at least `minimum`.",
    "export const x = T(struct(\"S\", { a: custom(\"Name\", { module: \"./Name\", minimum: 4, fixed: 2 }) })) // ←"
  ),
  one(
    "WW251",
    "A record that contains itself in every case",
    "None would ever end.",
    "Let an array, an optional or another case end it.",
    "const V: any = struct(\"V\", { a: u8, next: lazy(() => V) }) // ←\nexport const x = T(V)"
  ),
  one(
    "WW261",
    "A literal that contains the separator of its tokens",
    "It would be two tokens.",
    "Write a literal for each.",
    "export const x = T(struct(\"S\", { line: tokens(\" \", { verb: literal(\"mg x\"), key: utf8() }, { until: \"\\r\\n\" }) })) // ←"
  ),
  one(
    "WW262",
    "A token with an end of its own",
    "The separator ends it.",
    "Drop its `until`.",
    "export const x = T(struct(\"S\", { line: tokens(\" \", { key: utf8({ until: \" \" }), n: decimal() }, { until: \"\\r\\n\" }) })) // ←"
  ),
  one(
    "WW263",
    "A token that is no text",
    "Its bytes may be the separator.",
    "Use text, digits or a literal.",
    "export const x = T(struct(\"S\", { line: tokens(\" \", { key: utf8(), n: u16 }, { until: \"\\r\\n\" }) })) // ←"
  ),
  one(
    "WW270",
    "A record that reads its numbers in another order than the one around it",
    "It has the protocol's order unless it says its own.",
    "Say its `byteOrder`.",
    "export const x = T(struct(\"S\", { inner: struct(\"I\", { a: u32 }) }, { byteOrder: \"little\" })) // ←"
  ),
  one(
    "WW301",
    "Separators and ends over text that are no single characters, differ, or are the same",
    "Generated code looks for one character that separates tokens and one that ends packets.",
    "Give all packets the same two ASCII characters."
  ),
  one(
    "WW302",
    "A packet over text that is not one line of tokens",
    "Generated code cuts a line at its separators.",
    "Write one `tokens` without an `until`; the kind's ends it."
  ),
  one("WW303", "Limits that contradict each other", "No packet would fit.", "Let the least be below the most."),
  one(
    "WW306",
    "A word that cannot be a token over text",
    "Its value is no text without a separator, or has an end of its own.",
    "Use one of the words that the finding names."
  ),
  one("WW308", "A literal that is empty or holds a separator", "It would be cut.", "Choose another."),
  one(
    "WW309",
    "A token that cannot be optional",
    "Whether it is there could not be told.",
    "Make it required, or leave it out at the end."
  ),
  one("WW310", "An optional token before a required one", "Optional tokens stand at the end.", "Reorder them."),
  one("WW311", "A token after an array", "The array takes all that is left.", "Reorder them."),
  one(
    "WW313",
    "Packets over text that cannot be told apart",
    "The decoder would guess.",
    "Let a literal, the number of tokens or the kind differ."
  )
]
