/** Test only: kinds of changes to a spec, each with the class that it is to have. */
import {
  align,
  array,
  ascii,
  bcd,
  bit,
  bitOf,
  bits,
  bodyLength,
  bool,
  brand,
  by,
  bytes,
  checksum,
  choice,
  commandsOf,
  constant,
  counted,
  countOf,
  cstring,
  decimal,
  domainName,
  enumeration,
  escaped,
  f32,
  f64,
  type Fields,
  flags,
  frame,
  i16,
  i64,
  json,
  latin1,
  layouts,
  lazy,
  lengthOf,
  literal,
  magic,
  opcode,
  optional,
  prefixed,
  type Protocol,
  protocol,
  reserved,
  slice,
  status,
  statusCode,
  statuses,
  struct,
  tagged,
  tokens,
  type Type,
  u16,
  u24,
  u32,
  u64,
  u8,
  utf16,
  utf8,
  valueOf,
  varint,
  when
} from "@wirewright/dsl"
import type { ChangeClass } from "@wirewright/codegen/diff/Diff"

/** A change. */
export interface Row {
  readonly name: string
  readonly old: Protocol
  readonly now: Protocol
  /** Nothing: there is no difference at all. */
  readonly class: ChangeClass | undefined
  /** Who wrote a packet that shows it, where only one side can. */
  readonly only?: "old to new" | "new to old"
  /** No packet that is drawn shows it. */
  readonly isUnshown?: true
}

interface FrameOptions {
  readonly maxFrame?: number
  readonly byteOrder?: "little"
  readonly headers?: object
  readonly trailer?: Fields
  readonly states?: { readonly [name: string]: string }
  readonly kind?: string
  readonly sections?: ReadonlyArray<string>
}

const plainHeader = { length: bodyLength(u16, { from: "frame" }), type: opcode(u8) }

const frameOf = ({ headers = plainHeader, kind = "message", maxFrame = 4_000, sections = ["body"], trailer, ...more }: FrameOptions) =>
  frame("T", {
    ...more,
    sections,
    maxFrame,
    kinds: { [kind]: { headers: [{ fields: headers }], ...(trailer === undefined ? {} : { trailer }) } }
  } as never)

/** A protocol with one packet, and others. */
const of = (
  fields: Fields,
  options: FrameOptions & { readonly more?: object; readonly others?: ReadonlyArray<readonly [string, object]> } = {}
): Protocol => {
  const { more = {}, others = [], ...frameOptions } = options
  const own = frameOf(frameOptions)
  const message = commandsOf(own as never, (frameOptions.kind ?? "message") as never) as (name: string, of: object) => never
  return protocol(own as never, {
    name: "t",
    module: "./t",
    commands: [
      message("Say", { opcode: 1, request: { [frameOptions.sections?.[0] ?? "body"]: fields }, ...more }),
      ...others.map(([name, of]) => message(name, of))
    ]
  } as never) as unknown as Protocol
}

const row = (name: string, is: ChangeClass | undefined, old: Protocol, now: Protocol, more: Partial<Row> = {}): Row => ({
  name,
  class: is,
  old,
  now,
  ...more
})

/** A field of one type against one of another. */
const types = (name: string, is: ChangeClass | undefined, old: Type, now: Type, more: Partial<Row> = {}): Row =>
  row(name, is, of({ first: u8, of: old }), of({ first: u8, of: now }), more)

const Colour = (values: { readonly [name: string]: number }, unknown: "keep" | "error" = "keep", width = u8) =>
  enumeration("Colour", width, values as never, { unknown } as never) as Type
const Options = (names: { readonly [name: string]: number }, unknown: "keep" | "error" = "keep", more: object = {}) =>
  flags(
    "Options",
    u8 as never,
    Object.fromEntries(Object.entries(names).map(([name, at]) => [name, bit(at)])) as never,
    { unknown, ...more } as never
  ) as unknown as Type
const Shape = (cases: { readonly [name: string]: readonly [number, Fields] }, unknown: "keep" | "error" = "keep") =>
  choice(
    "Shape",
    u8,
    Object.fromEntries(Object.entries(cases).map(([name, [tag, fields]]) => [name, tagged(tag, fields)])) as never,
    { unknown } as never
  ) as unknown as Type
const circle = { Circle: [1, { radius: u16 }] } as const
const square = { Square: [2, { side: u16 }] } as const

const nested = (maxDepth: number): Type => {
  const Node: Type = choice(
    "Node",
    u8,
    {
      Leaf: tagged(0, { value: u8 }),
      Pair: tagged(1, { left: lazy(() => Node as never, { maxDepth }), right: lazy(() => Node as never, { maxDepth }) })
    } as never
  ) as never
  return Node
}

const Codes = (rows: { readonly [name: string]: readonly [number, string] }) =>
  statuses(
    "Status",
    u8 as never,
    Object.fromEntries(Object.entries(rows).map(([name, [code, retry]]) => [name, status(code, retry as never)])) as never
  )
const twoCodes = { Success: [0, "success"], Missing: [1, "miss"] } as const

/** Requests and answers with statuses. */
const answering = (rows: { readonly [name: string]: readonly [number, string] }, responses: object, more: object = {}): Protocol => {
  const own = frame("T", {
    sections: ["body"],
    statuses: Codes(rows),
    correlation: "id",
    kinds: {
      request: { headers: [{ magic: 1, fields: { magic: magic(u8), type: opcode(u8), length: bodyLength(u16), id: u32 } }] },
      answer: {
        answers: "request",
        headers: [{ magic: 2, fields: { magic: magic(u8), type: opcode(u8), length: bodyLength(u16), id: u32, status: statusCode(u8) } }]
      }
    }
  } as never)
  const command = commandsOf(own as never, "request" as never) as (name: string, of: object) => never
  return protocol(own as never, {
    name: "t",
    module: "./t",
    commands: [command("Get", { opcode: 1, request: { body: { key: utf8() } }, responses, ...more })]
  } as never) as unknown as Protocol
}

const length = (of: typeof u16, options: object = {}) => ({
  length: bodyLength(of, { from: "frame", ...options } as never),
  type: opcode(u8)
})
const say = (fields: Fields, opcode = 2): readonly [string, object] => ["Ask", { opcode, request: { body: fields } }]
const laid = (all: { readonly [name: string]: Fields }) => ({
  request: layouts(Object.fromEntries(Object.entries(all).map(([name, body]) => [name, { body }])) as never)
})
const since = (state: string, from: number) =>
  of({ a: u8, b: when(state as never, u16, { from }) } as never, { states: { [state]: "negotiated" } })
const has = (slices: object, name = "has") =>
  ({ flags: bits(u8, slices as never), text: optional(utf8({ size: 3 }), { if: bitOf(name) }), last: u8 }) as Fields

/** The table. */
export const table: ReadonlyArray<Row> = [
  // fields
  row("a field added at the end", "WIRE", of({ a: u8 }), of({ a: u8, b: u8 })),
  row("a field added in front", "WIRE", of({ a: u8 }), of({ b: u8, a: u8 })),
  row("a field removed", "WIRE", of({ a: u8, b: u8 }), of({ a: u8 })),
  row("a field renamed", "SOURCE", of({ a: u8, b: u16 }), of({ a: u8, c: u16 })),
  row("fields of one type exchanged", "WIRE", of({ a: u16, b: u16 }), of({ b: u16, a: u16 })),
  row("fields of other types exchanged", "WIRE", of({ a: u16, b: u8 }), of({ b: u8, a: u16 })),
  row("nothing changed", undefined, of({ a: u16 }), of({ a: u16 })),
  row("an optional field added at the end", "WIRE", of({ a: u8 }), of({ a: u8, b: optional(u16) }), { only: "new to old" }),
  row("an optional field removed at the end", "WIRE", of({ a: u8, b: optional(u16) }), of({ a: u8 }), { only: "old to new" }),
  row("a field becomes optional", "WIRE", of({ a: u8, b: u16 }), of({ a: u8, b: optional(u16) }), { only: "new to old" }),
  row("an optional field becomes required", "WIRE", of({ a: u8, b: optional(u16) }), of({ a: u8, b: u16 }), { only: "old to new" }),
  // numbers
  types("u16 to u32", "WIRE", u16, u32),
  types("u16 to i16", "WIRE", u16, i16),
  types("u16 to little-endian", "WIRE", u16, u16.le),
  types("u32 to f32", "WIRE", u32, f32),
  types("f64 to little-endian", "WIRE", f64, f64.le),
  types("u64 to i64", "WIRE", u64, i64),
  types("u24 to u8 and u16", "WIRE", u24, struct("Split", { high: u8, low: u16 })),
  types("a brand added", "SOURCE", u32, brand("Cas", u32)),
  types("u32 to a varint", "WIRE", u32, varint()),
  types("a varint of 64 bits", "WIRE", varint({ maxBytes: 4 }), varint({ bits: 64 }), { only: "new to old" }),
  types("another varint", "WIRE", varint(), varint({ encoding: "vlq" })),
  types("zigzag", "WIRE", varint(), varint({ zigzag: true })),
  types("another escape", "WIRE", escaped(u8, { max: 250, 252: u16 }), escaped(u8, { max: 251, 252: u16 })),
  types("a decimal with another end", "WIRE", decimal({ until: " " }), decimal({ until: "," })),
  types("a decimal becomes signed", "WIRE", decimal({ until: "\n" }), decimal({ until: "\n", signed: true })),
  types("a constant with another value", "WIRE", constant(u16, 7), constant(u16, 8)),
  types("a constant becomes a number", "WIRE", constant(u16, 7), u16, { only: "new to old" }),
  types("digits in half bytes", "WIRE", bcd(4), u16),
  types("true and false exchanged", "WIRE", bool(0x01, 0x00), bool(0x00, 0x01)),
  // enumerations
  types("a number gets names", "SOURCE", u8, Colour({ red: 1 })),
  types("a number gets names, others are refused", "WIRE", u8, Colour({ red: 1 }, "error"), { only: "old to new" }),
  types("a value added", "SAFE", Colour({ red: 1 }), Colour({ red: 1, blue: 2 })),
  types("a value added where others are refused", "WIRE", Colour({ red: 1 }, "error"), Colour({ red: 1, blue: 2 }, "error"), {
    only: "new to old"
  }),
  types("a value removed where others are refused", "WIRE", Colour({ red: 1, blue: 2 }, "error"), Colour({ red: 1 }, "error"), {
    only: "old to new"
  }),
  types("a value renamed", "SOURCE", Colour({ red: 1 }), Colour({ crimson: 1 })),
  types("a value with another number", "WIRE", Colour({ red: 1, blue: 2 }), Colour({ red: 3, blue: 2 })),
  types("two values exchanged", "WIRE", Colour({ red: 1, blue: 2 }), Colour({ red: 2, blue: 1 })),
  types("unknown values are refused", "WIRE", Colour({ red: 1 }), Colour({ red: 1 }, "error"), { only: "old to new" }),
  types("a wider enumeration", "WIRE", Colour({ red: 1 }), Colour({ red: 1 }, "keep", u16 as never)),
  // flags
  types("a flag added", "SAFE", Options({ quick: 0 }), Options({ quick: 0, quiet: 1 })),
  types("a flag added where others are refused", "WIRE", Options({ quick: 0 }, "error"), Options({ quick: 0, quiet: 1 }, "error"), {
    only: "new to old"
  }),
  types("a flag renamed", "SOURCE", Options({ quick: 0 }), Options({ fast: 0 })),
  types("a flag moved", "WIRE", Options({ quick: 0, quiet: 1 }), Options({ quick: 2, quiet: 1 })),
  types(
    "flags exclude each other",
    "SAFE",
    Options({ quick: 0, quiet: 1 }),
    Options({ quick: 0, quiet: 1 }, "keep", { exclusive: [["quick", "quiet"]] })
  ),
  // text and bytes
  types("a larger limit", "WIRE", utf8({ max: 10 }), utf8({ max: 12 }), { only: "new to old" }),
  types("a smaller limit", "WIRE", utf8({ max: 12 }), utf8({ max: 10 }), { only: "old to new" }),
  types("a limit that was none", "WIRE", bytes(), bytes({ max: 20 }), { only: "old to new" }),
  types("at least so many bytes", "WIRE", bytes(), bytes({ min: 2 }), { only: "old to new" }),
  types("another size", "WIRE", bytes({ size: 4 }), bytes({ size: 5 })),
  types("bytes become text", "SOURCE", bytes(), utf8()),
  types("text must be UTF-8", "WIRE", utf8(), utf8({ invalid: "error" }), { only: "old to new" }),
  types("text need not be UTF-8", "WIRE", utf8({ invalid: "error" }), utf8(), { only: "new to old" }),
  types("UTF-8 to Latin-1", "WIRE", utf8(), latin1()),
  types("ASCII to UTF-8", "WIRE", ascii(), utf8(), { only: "new to old" }),
  types("UTF-16 in the other order", "WIRE", utf16(), utf16({ order: "little" })),
  types("JSON to text", "SAFE", json(), utf8()),
  types("another terminator", "WIRE", utf8({ until: "\n" }), utf8({ until: "\r\n" })),
  types("a size becomes a terminator", "WIRE", utf8({ size: 4 }), cstring()),
  types("another filling", "WIRE", utf8({ size: 6, pad: " " }), utf8({ size: 6, pad: 0 })),
  types("another literal", "WIRE", literal("PUT "), literal("SET ")),
  types("names may point back", "SAFE", domainName({ compress: false }), domainName()),
  // lengths and lists
  types("a longer length in front", "WIRE", prefixed(u8, bytes()), prefixed(u16, bytes())),
  types("a length that counts itself", "WIRE", prefixed(u16, bytes()), prefixed(u16, bytes(), { plus: 2 })),
  types("a length that may say null", "WIRE", prefixed(i16, bytes()), prefixed(i16, bytes(), { absent: -1 }), { only: "new to old" }),
  types("something after the value", "WIRE", prefixed(u16, bytes()), prefixed(u16, bytes(), { trailer: 0 })),
  row(
    "a length in front becomes a field",
    "SAFE",
    of({ text: prefixed(u16, utf8()), last: u8 }),
    of({ size: lengthOf(u16, "text"), text: utf8(), last: u8 })
  ),
  row(
    "the length of another field",
    "WIRE",
    of({ size: lengthOf(u8, "a"), a: utf8(), b: utf8() }),
    of({ size: lengthOf(u8, "b"), a: utf8({ size: 2 }), b: utf8() })
  ),
  row(
    "a length moves into bits",
    "WIRE",
    of({ size: lengthOf(u8, "a"), a: utf8(), last: u8 }),
    of({ head: bits(u8, { size: lengthOf(slice(7, 1), "a"), rest: slice(0) }), a: utf8(), last: u8 })
  ),
  row(
    "a length in bits counts words",
    "WIRE",
    of({ head: bits(u8, { size: lengthOf(slice(3, 0), "a") }), a: bytes(), last: u8 }),
    of({ head: bits(u8, { size: lengthOf(slice(3, 0), "a", { unit: 4 }) }), a: bytes(), last: u8 })
  ),
  row(
    "a length counts words",
    "WIRE",
    of({ size: lengthOf(u16, "a"), a: bytes(), last: u8 }),
    of({ size: lengthOf(u16, "a", { unit: 4 }), a: bytes(), last: u8 })
  ),
  row(
    "the count in bits is of another field",
    "WIRE",
    of({ head: bits(u8, { n: countOf(slice(3, 0), "a"), m: countOf(slice(7, 4), "b") }), a: array(u8), b: array(u8) }),
    of({ head: bits(u8, { n: countOf(slice(7, 4), "a"), m: countOf(slice(3, 0), "b") }), a: array(u8), b: array(u8) })
  ),
  row(
    "a length in bits is renamed",
    "SAFE",
    of({ head: bits(u8, { size: lengthOf(slice(3, 0), "a") }), a: bytes(), last: u8 }),
    of({ head: bits(u8, { length: lengthOf(slice(3, 0), "a") }), a: bytes(), last: u8 })
  ),
  types("elements of another type", "WIRE", counted(u8, u16), counted(u8, u32)),
  types("a longer count", "WIRE", counted(u8, u16), counted(u16, u16)),
  types("a count becomes a terminator", "WIRE", counted(u8, cstring({ min: 1 })), array(cstring({ min: 1 }), { until: 0 })),
  row(
    "a count in front becomes a field",
    "SAFE",
    of({ list: counted(u8, u16), last: u8 }),
    of({ count: countOf(u8, "list"), list: array(u16), last: u8 })
  ),
  types("more elements", "WIRE", array(u8, { max: 4 }), array(u8, { max: 6 }), { only: "new to old" }),
  types("at least one element", "WIRE", array(u8), array(u8, { min: 1 }), { only: "old to new" }),
  types("deeper records", "WIRE", nested(8), nested(16), { isUnshown: true }),
  row("a wider alignment", "WIRE", of({ a: u16, pad: align(2), b: u16 }), of({ a: u16, pad: align(4), b: u16 })),
  row("alignment over bytes that are ignored", "SAFE", of({ a: u8, pad: align(4), b: u8 }), of({ a: u8, pad: align(4, "ignore"), b: u8 })),
  // reserved bytes and checksums
  row("reserved bytes become a field", "SOURCE", of({ a: u8, b: reserved(u16) }), of({ a: u8, b: u16 })),
  row("reserved bytes must be zero", "WIRE", of({ a: u8, b: reserved(u16) }), of({ a: u8, b: reserved(u16, "error") }), {
    only: "old to new"
  }),
  row("reserved bytes need not be zero", "WIRE", of({ a: u8, b: reserved(u16, "error") }), of({ a: u8, b: reserved(u16) }), {
    only: "new to old"
  }),
  row(
    "another checksum",
    "WIRE",
    of({ a: bytes({ size: 4 }), sum: checksum("crc32", u32, { over: ["a"] }) }),
    of({ a: bytes({ size: 4 }), sum: checksum("crc32c", u32, { over: ["a"] }) })
  ),
  row(
    "a checksum that is combined with a constant",
    "WIRE",
    of({ a: bytes({ size: 4 }), sum: checksum("crc32", u32, { over: ["a"] }) }),
    of({ a: bytes({ size: 4 }), sum: checksum("crc32", u32, { over: ["a"], xor: 0x5354554e }) })
  ),
  row(
    "a checksum of more",
    "WIRE",
    of({ a: u16, b: u16, sum: checksum("crc32", u32, { over: ["a"] }) }),
    of({ a: u16, b: u16, sum: checksum("crc32", u32, { over: ["a", "b"] }) })
  ),
  // bits and presence
  row(
    "bits moved",
    "WIRE",
    of({ of: bits(u8, { kind: slice(7, 4), low: slice(1, 0) }) }),
    of({ of: bits(u8, { kind: slice(6, 3), low: slice(1, 0) }) })
  ),
  row(
    "a bit gets a name",
    "WIRE",
    of({ of: bits(u8, { kind: slice(7, 4) }) }),
    of({ of: bits(u8, { kind: slice(7, 4), more: slice(0) }) }),
    { only: "new to old" }
  ),
  row("bits renamed", "SOURCE", of({ of: bits(u8, { kind: slice(7, 4) }) }), of({ of: bits(u8, { sort: slice(7, 4) }) })),
  row("another bit says what is there", "WIRE", of(has({ has: slice(0), other: slice(1) })), of(has({ other: slice(0), has: slice(1) }))),
  row(
    "another value says what is there",
    "WIRE",
    of({ kind: u8, text: optional(u16, { if: valueOf("kind", [1]) }) }),
    of({ kind: u8, text: optional(u16, { if: valueOf("kind", [2]) }) })
  ),
  row("from another version on", "WIRE", since("version", 2), since("version", 3)),
  row("a state renamed", "SOURCE", since("version", 2), since("level", 2)),
  // choices
  types("a case added", "SAFE", Shape(circle), Shape({ ...circle, ...square })),
  types("a case added where others are refused", "WIRE", Shape(circle, "error"), Shape({ ...circle, ...square }, "error"), {
    only: "new to old"
  }),
  types("a case removed", "WIRE", Shape({ ...circle, ...square }), Shape(circle), { only: "old to new" }),
  types("a case renamed", "SOURCE", Shape(circle), Shape({ Disc: circle.Circle })),
  types("a case with another tag", "WIRE", Shape(circle), Shape({ Circle: [3, { radius: u16 }] })),
  types(
    "two cases exchange their tags",
    "WIRE",
    Shape({ ...circle, ...square }),
    Shape({ Circle: [2, { radius: u16 }], Square: [1, { side: u16 }] })
  ),
  types("a case with another field", "WIRE", Shape(circle), Shape({ Circle: [1, { radius: u32 }] })),
  types("unknown cases are refused", "WIRE", Shape(circle), Shape(circle, "error"), { only: "old to new" }),
  row(
    "a choice by a sibling of another width",
    "WIRE",
    of({ tag: u8, data: choice("Data", by("tag"), { A: tagged(1, { a: u8 }), B: tagged(2, { b: u16 }) }) }),
    of({ tag: u16, data: choice("Data", by("tag"), { A: tagged(1, { a: u8 }), B: tagged(2, { b: u16 }) }) })
  ),
  types("a record renamed", "SOURCE", struct("Point", { x: u8, y: u8 }), struct("Place", { x: u8, y: u8 })),
  types("a record with a field more", "WIRE", struct("Point", { x: u8, y: u8 }), struct("Point", { x: u8, y: u8, z: u8 })),
  // packets
  row("a packet added", "SAFE", of({ a: u8 }), of({ a: u8 }, { others: [say({ b: u8 })] })),
  row("a packet removed", "WIRE", of({ a: u8 }, { others: [say({ b: u8 })] }), of({ a: u8 }), { only: "old to new" }),
  row("a packet renamed", "SOURCE", of({ a: u8 }, { others: [say({ b: u8 })] }), of({ a: u8 }, { others: [["Query", say({ b: u8 })[1]]] })),
  row("another opcode", "WIRE", of({ a: u8 }, { others: [say({ b: u8 })] }), of({ a: u8 }, { others: [say({ b: u8 }, 3)] })),
  row(
    "opcodes exchanged",
    "WIRE",
    of({ a: u8 }, { others: [say({ a: u8 })] }),
    of({ a: u8 }, { more: { opcode: 2 }, others: [say({ a: u8 }, 1)] })
  ),
  row("a packet deprecated", "SAFE", of({ a: u8 }), of({ a: u8 }, { more: { lifecycle: "deprecated" } })),
  row("another label", "SAFE", of({ a: u8 }), of({ a: u8 }, { more: { label: "SAY_SO" } })),
  row(
    "a layout added",
    "WIRE",
    of({}, { more: laid({ Short: { a: u8 }, Long: { a: u32 } }) }),
    of({}, { more: laid({ Short: { a: u8 }, Long: { a: u32 }, Longest: { a: u64 } }) }),
    { only: "new to old" }
  ),
  row(
    "a layout renamed",
    "SOURCE",
    of({}, { more: laid({ Short: { a: u8 }, Long: { a: u32 } }) }),
    of({}, { more: laid({ Tiny: { a: u8 }, Long: { a: u32 } }) })
  ),
  row(
    "another separator",
    "WIRE",
    of({ line: tokens(" ", { verb: literal("SET"), key: utf8({ min: 1 }) }, { until: "\r\n" }) }),
    of({ line: tokens("\t", { verb: literal("SET"), key: utf8({ min: 1 }) }, { until: "\r\n" }) })
  ),
  row(
    "an optional token added",
    "WIRE",
    of({ line: tokens(" ", { verb: literal("SET"), key: utf8({ min: 1 }) }, { until: "\r\n" }) }),
    of({ line: tokens(" ", { verb: literal("SET"), key: utf8({ min: 1 }), flags: optional(decimal()) }, { until: "\r\n" }) }),
    { only: "new to old" }
  ),
  // frames
  row("a longer length of packets", "WIRE", of({ a: u8 }), of({ a: u8 }, { headers: length(u32 as never) })),
  row("a length that counts from elsewhere", "WIRE", of({ a: u8 }), of({ a: u8 }, { headers: length(u16, { from: "body" }) })),
  row("a header field added", "WIRE", of({ a: u8 }), of({ a: u8 }, { headers: { ...plainHeader, id: u16 } })),
  row(
    "a header field renamed",
    "SOURCE",
    of({ a: u8 }, { headers: { ...plainHeader, id: u16 } }),
    of({ a: u8 }, { headers: { ...plainHeader, number: u16 } })
  ),
  row("little-endian headers", "WIRE", of({ a: u16 }), of({ a: u16 }, { byteOrder: "little" })),
  row("smaller packets", "WIRE", of({ a: bytes() }), of({ a: bytes() }, { maxFrame: 8 }), { only: "old to new" }),
  row("larger packets", "WIRE", of({ a: bytes() }), of({ a: bytes() }, { maxFrame: 30_000 }), { only: "new to old" }),
  row("something after the body", "WIRE", of({ a: u8 }), of({ a: u8 }, { trailer: { end: literal(0xce) } })),
  row("a kind renamed", "SOURCE", of({ a: u8 }), of({ a: u8 }, { kind: "packet" })),
  // statuses
  row(
    "a status added",
    "SAFE",
    answering(twoCodes, { Success: { body: { value: u8 } } }),
    answering({ ...twoCodes, Locked: [2, "retry"] }, { Success: { body: { value: u8 } } })
  ),
  row(
    "a status renamed",
    "SOURCE",
    answering(twoCodes, { Success: { body: { value: u8 } } }),
    answering({ Success: [0, "success"], Gone: [1, "miss"] }, { Success: { body: { value: u8 } } })
  ),
  row(
    "a status with another code",
    "WIRE",
    answering(twoCodes, { Success: { body: { value: u8 } } }),
    answering({ Success: [0, "success"], Missing: [3, "miss"] }, { Success: { body: { value: u8 } } })
  ),
  row(
    "what may be done about a status",
    "SOURCE",
    answering(twoCodes, { Success: { body: { value: u8 } } }),
    answering({ Success: [0, "success"], Missing: [1, "retry"] }, { Success: { body: { value: u8 } } })
  ),
  row(
    "an answer with another content",
    "WIRE",
    answering(twoCodes, { Success: { body: { value: u8 } } }),
    answering(twoCodes, { Success: { body: { value: u16 } } })
  ),
  row(
    "an answer to another status",
    "WIRE",
    answering(twoCodes, { Success: { body: { value: u8 } }, Missing: { body: { why: u16 } } }),
    answering(twoCodes, { Success: { body: { value: u8 } } })
  ),
  row(
    "many answers",
    "SOURCE",
    answering(twoCodes, { Success: { body: { value: u8 } } }),
    answering(twoCodes, { Success: { body: { value: u8 } } }, { reply: "many", last: { value: 0 } })
  )
]
