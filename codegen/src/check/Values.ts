/**
 * Whether spec values are what the words of the DSL make: specs run without the type checker, so a misspelt option, a word without its
 * call or a text in place of a number is found here, before anything is made of it.
 */
import { nearestOf } from "@wirewright/codec/Nearest"
import { callSite } from "@wirewright/dsl"
import type { Protocol, TypesOnly } from "@wirewright/dsl"
import type { Complaint } from "../Finding.ts"
import { confusion as confused, optionMeant, sizeMeant, typeMeant, words } from "./Meant.ts"

/** What a property must be: said by a test and its words, or looked at further. */
type Want =
  | { readonly is: (value: unknown) => boolean; readonly text: string; readonly rule?: string }
  | { readonly each: Want; readonly of: "array" | "object"; readonly text?: string }
  | { readonly kinds: ReadonlyArray<string>; readonly text: string }
  | { readonly object: Shape; readonly confusion?: string }
  | { readonly either: readonly [when: (value: unknown) => boolean, then: Want, otherwise: Want] }
  | "body"

interface Shape {
  readonly [property: string]: Want | readonly [Want]
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether a value is made by a word; a property `__proto__` may look like it. */
const isWord = (value: { readonly [key: string]: unknown }): boolean => Object.hasOwn(value, "kind") && typeof value["kind"] === "string"

const test = (is: (value: unknown) => boolean, text: string): Want => ({ is, text })
const text = test((value) => typeof value === "string", "a text")
const place = test((value) => typeof value === "string", "where extensions find the generated code, such as \"./src/gen\"")
const name = test((value) => typeof value === "string" && value !== "", "a name")
const number = test((value) => typeof value === "number", "a number")
const whole = test(Number.isSafeInteger, "a whole number")
const flag = test((value) => typeof value === "boolean", "true or false")
const oneOf = (...values: ReadonlyArray<unknown>): Want =>
  test((value) => values.includes(value), values.map((value) => JSON.stringify(value)).join(" or "))
const isAscii = (value: unknown, most: number): boolean =>
  typeof value === "number"
    ? Number.isSafeInteger(value) && value >= 0 && value <= 0xff
    : typeof value === "string" && value.length >= 1 && value.length <= most &&
      [...value].every((character) => character.codePointAt(0)! <= 0x7f)
const terminator: Want = {
  is: (value) => isAscii(value, 2),
  text: "one or two ASCII characters such as \"\\r\\n\", or the number of a byte",
  rule: "WW204"
}
const ending: Want = {
  is: (value) => isAscii(value, 8),
  text: "one to eight ASCII characters such as \"\\r\\n\", or the number of a byte",
  rule: "WW204"
}
const literalText: Want = {
  is: (value) => isAscii(value, Infinity),
  text: "ASCII characters, or the number of a byte; other bytes are a constant such as constant(u16, 0xcafe)",
  rule: "WW204"
}
const array = (each: Want, text?: string): Want => ({ each, of: "array", ...text === undefined ? {} : { text } })
const record = (each: Want): Want => ({ each, of: "object" })
const kinds = (words: string, ...names: ReadonlyArray<string>): Want => ({ kinds: names, text: words })
const int = kinds("an integer such as u16", "int")
const numberType = kinds("a number such as u16, varint() or decimal()", "int", "varint", "escaped", "decimal")
const code = test((value) => typeof value === "number" || typeof value === "string" && value.length === 1, "a number or one character")
const enumeration = kinds("an enumeration", "enumeration")
const named = kinds("a record, flags or an enumeration", "struct", "choice", "nibbleFrames", "flags", "enumeration")
const types =
  ("int float varint escaped decimal bytes utf8 json text literal bool constant reserved align checksum lengthOf countOf prefixed counted " +
    "optional when struct array choice nibbleFrames lazy flags enumeration bits tokens bcd custom domainName").split(" ")
const type: Want = { kinds: types, text: "a type such as u16, u16.le or utf8()" }
const fields = record(type)
const order = oneOf("big", "little")
const sized = { size: [number], min: [number], max: [number], until: [ending], pad: [terminator] } as const
const tagged: Want = {
  object: { tag: code, fields }
}
const unknown = oneOf("keep", "error")
const conditions = kinds("bitOf(…) or valueOf(…)", "bitOf", "valueOf")
const target: Want = { either: [Array.isArray, array(name), name] }
const sizes = { plus: [whole], absent: [whole] } as const
const unit = test((value) => Number.isSafeInteger(value) && Number(value) > 0, "a whole number of bytes, of 1 or more")
const lengthNumber = kinds(
  "a number such as u16, varint() or decimal(), or a slice within bits",
  "int",
  "varint",
  "escaped",
  "decimal",
  "slice"
)
const marked = kinds(
  "a slice, or an opcode, magic, length or count of one",
  "slice",
  "escaped",
  "lengthOf",
  "countOf",
  "opcode",
  "magic",
  "bodyLength"
)
const headerField = kinds(
  "a header field such as opcode(u8), bodyLength(u16) or u32",
  "magic",
  "opcode",
  "sectionLength",
  "bodyLength",
  "statusCode",
  ...types
)

/** What each word makes. A property in brackets may be missing. */
const shapes: { readonly [kind: string]: Shape } = {
  int: { int: oneOf("u8", "u16", "u24", "u32", "u64", "i8", "i16", "i32", "i64"), order: [order], brand: [name] },
  float: { bits: oneOf(32, 64), order: [order] },
  varint: { encoding: oneOf("leb128", "quic", "vlq"), bits: oneOf(32, 64), zigzag: flag, maxBytes: whole, brand: [name] },
  escaped: { of: kinds("an integer or a slice", "int", "slice"), max: whole, escapes: array({ object: { value: whole, of: int } }) },
  decimal: { bits: oneOf(32, 53, 64), signed: flag, until: [terminator] },
  slice: { high: whole, low: whole, of: [enumeration], value: [whole] },
  bytes: sized,
  utf8: { ...sized, invalid: oneOf("escape", "error") },
  json: sized,
  text: { encoding: oneOf("ascii", "latin1", "utf16be", "utf16le"), ...sized },
  literal: { text: literalText },
  bool: { true: literalText, false: literalText },
  bcd: { digits: whole },
  constant: { of: int, value: test((value) => typeof value === "number" || typeof value === "bigint", "a number") },
  reserved: { of: kinds("an integer or a number of bytes", "int", "bytes"), policy: oneOf("keep", "ignore", "error") },
  align: { to: whole, policy: [oneOf("ignore", "error")] },
  checksum: {
    algorithm: oneOf("crc32", "crc32c", "crc16-modbus", "crc16-ccitt", "adler32", "internet", "sum8", "xor8"),
    of: int,
    over: array(name),
    xor: [whole]
  },
  domainName: { compress: flag },
  custom: { name, module: name, minimum: whole, fixed: [whole], ends: flag },
  lengthOf: { of: lengthNumber, target, ...sizes, unit: [unit] },
  countOf: { of: lengthNumber, target: name, ...sizes },
  prefixed: { by: numberType, of: type, trailer: [literalText], ...sizes },
  counted: { by: numberType, of: type, max: [number], ...sizes },
  optional: { of: type, requires: [name], if: [conditions] },
  bitOf: { field: name, bit: [name] },
  valueOf: { field: name, values: array(whole) },
  when: { state: name, of: type, from: [whole], to: [whole], else: [type] },
  struct: { name, fields, byteOrder: [oneOf("big", "little", "given")] },
  array: { of: type, min: [number], max: [number], until: [terminator] },
  by: { field: name },
  choice: {
    name,
    tag: kinds("an integer or by(\"sibling\")", "int", "varint", "by"),
    cases: record(tagged),
    unknown,
    empty: [oneOf("keep")],
    byteOrder: [order]
  },
  nibbleFrames: { name, cases: record(tagged) },
  lazy: { of: test((value) => typeof value === "function", "a function: lazy(() => Value)"), maxDepth: whole },
  flags: {
    name,
    of: int,
    bits: record({ object: { bit: number } }),
    unknown,
    exclusive: array(array(name)),
    requires: record(array(name))
  },
  enumeration: { name, of: int, values: record(code), unknown },
  statuses: {
    name,
    of: int,
    rows: record({ object: { code: number, retry: oneOf("success", "retry", "ambiguous", "caller", "miss", "fatal") } })
  },
  bits: { of: int, fields: record(marked) },
  tokens: { separator: terminator, fields, until: [terminator], rest: [flag] },
  magic: { of: kinds("an integer or a slice", "int", "slice") },
  opcode: { of: kinds("an integer or a slice", "int", "slice") },
  statusCode: { of: int },
  sectionLength: { of: int, section: name },
  bodyLength: {
    of: kinds("an integer, varint() or escaped(…)", "int", "varint", "escaped"),
    from: oneOf("body", "frame", "length", "field"),
    plus: whole
  },
  frame: {
    name,
    sections: array(name, "the names of the parts of a body, such as [\"body\"]"),
    kinds: record({
      object: {
        headers: array(
          { object: { magic: [number], fields: record(headerField) }, confusion: "header" },
          "an array of headers: [{ fields: { … } }]"
        ),
        shared: [record(kinds("nibbleFrames", "nibbleFrames"))],
        answers: [name],
        trailer: [fields],
        sender: [oneOf("client", "server")],
        until: [terminator],
        datagram: [flag],
        opcodeFrom: [name]
      }
    }),
    statuses: [kinds("a table of statuses", "statuses")],
    states: record(text),
    phases: [record({ object: { client: [name], server: [name] } })],
    byteOrder: [order],
    over: [oneOf("bytes", "text")],
    maxFrame: whole,
    minFrame: [whole],
    correlation: [name],
    refusals: [{ object: { unknown: [name], malformed: [name], died: [name] } }]
  },
  layouts: { layouts: record("body") },
  command: {
    name: text,
    kinds: { object: { request: name, response: [name], also: [array(name)] } },
    opcode: [code],
    header: [record(number)],
    // oxlint-disable-next-line unicorn/no-thenable -- the name of an option
    then: [name],
    replaces: [name],
    sender: [oneOf("client", "server", "both")],
    lifecycle: [oneOf("active", "deprecated", "internal", "removed")],
    request: "body",
    responses: [record("body")],
    answeredBy: [array(name)],
    unasked: [flag],
    reply: [oneOf("one", "many", "error", "none", "optional")],
    last: [{
      either: [
        Array.isArray,
        array(name),
        record(test((value) => typeof value === "string" || typeof value === "number", "a text or a number"))
      ]
    }],
    quiet: [oneOf("success", "miss")],
    label: [text],
    examples: [array({
      object: { kind: [name], origin: text, hex: [text], text: [text], states: [array(name)], fields: [test(isObject, "an object")] }
    })]
  },
  protocol: {
    name: text,
    module: place,
    commands: array(kinds("a command", "command")),
    types: [array(named)],
    frame: kinds("a frame", "frame"),
    base: [kinds("a protocol", "protocol")],
    removes: [array(name)]
  },
  types: { name: text, module: place, types: array(named) }
}

/** What is no option: arguments, and what other words set. */
const positional: { readonly [kind: string]: ReadonlyArray<string> } = {
  int: ["int", "order", "brand"],
  float: ["bits", "order"],
  varint: ["brand"],
  escaped: ["of", "escapes"],
  slice: ["high", "low"],
  text: ["encoding"],
  literal: ["text"],
  bool: ["true", "false"],
  bcd: ["digits"],
  constant: ["of", "value"],
  reserved: ["of", "policy"],
  align: ["to", "policy"],
  checksum: ["algorithm", "of"],
  custom: ["name"],
  lengthOf: ["of", "target"],
  countOf: ["of", "target"],
  prefixed: ["by", "of"],
  counted: ["by", "of"],
  optional: ["of"],
  bitOf: ["field", "bit"],
  valueOf: ["field", "values"],
  when: ["state", "of"],
  struct: ["name", "fields"],
  array: ["of"],
  by: ["field"],
  choice: ["name", "tag", "cases"],
  nibbleFrames: ["name", "cases"],
  lazy: ["of"],
  flags: ["name", "of", "bits"],
  enumeration: ["name", "of", "values"],
  statuses: ["name", "of", "rows"],
  bits: ["of", "fields"],
  tokens: ["separator", "fields"],
  magic: ["of"],
  opcode: ["of"],
  statusCode: ["of"],
  sectionLength: ["of", "section"],
  bodyLength: ["of"],
  frame: ["name"],
  layouts: ["layouts"],
  command: ["name", "kinds", "request"]
}

/** Names of the options of a word. */
const optionsOf = (word: string, shape: Shape): ReadonlyArray<string> => [
  ...Object.keys(shape).filter((one) => !positional[word]?.includes(one)),
  ...word === "command" ? ["request or fields"] : []
]

/** Options of all words, by kind. */
export const wordOptions: { readonly [kind: string]: ReadonlyArray<string> } = Object.fromEntries(
  Object.entries(shapes).map(([kind, shape]) => [kind, Object.keys(shape).filter((one) => !positional[kind]?.includes(one))])
)

/** Where a value stands: the nearest value that knows its line, and the path from there. */
interface Spot {
  readonly value: object
  readonly path: ReadonlyArray<string>
}

const below = (spot: Spot, ...path: ReadonlyArray<string>): Spot => ({ ...spot, path: [...spot.path, ...path] })

const saying = (rule: string, spot: Spot, message: string, hint: string): Complaint => ({ rule, ...spot, message, hint })

const shown = (value: unknown): string =>
  typeof value === "function"
    ? `the function ${value.name || "given"}`
    : typeof value === "bigint"
    ? `${value}n`
    : isObject(value)
    ? typeof value["kind"] === "string" ? `a ${value["kind"]}` : "an object"
    : value === undefined
    ? "nothing"
    : JSON.stringify(value)

/** A walk over one protocol's values; each is looked at once. */
class Values {
  private readonly seen: Set<unknown>

  constructor() {
    this.seen = new Set()
  }

  *shape(
    shape: Shape,
    value: { readonly [key: string]: unknown },
    spot: Spot,
    word: string,
    // the word that makes it: names of kinds and cases may be words, too
    kind: string | null = word
  ): Iterable<Complaint> {
    const meant = kind === null ? undefined : confused(kind, value)
    if (meant !== undefined) return yield saying("WW012", spot, meant.message, meant.hint)
    for (const key of Object.keys(value)) {
      if (key === "kind" || Object.hasOwn(shape, key)) continue
      const options = optionsOf(kind ?? "", shape)
      if (key === "options") {
        yield saying(
          "WW012",
          spot,
          `${word} takes an object of options, not ${shown(value[key])}`,
          (typeof value[key] === "number" ? optionMeant(kind ?? "", "size") : undefined) ??
            `write ${word}({ ${options.map((one) => `${one}: …`).join(", ")} })`
        )
        continue
      }
      const near = nearestOf(key, Object.keys(shape))
      const elsewhere = optionMeant(kind ?? "", key)
      yield saying(
        "WW011",
        below(spot, key),
        `${word} has no option ${key}`,
        elsewhere ?? (near === undefined ? `it has ${options.join(", ") || "none"}` : `write ${near}`)
      )
    }
    for (const [key, want] of Object.entries(shape)) {
      const isOptional = Array.isArray(want)
      if (isOptional && value[key] === undefined) continue
      yield* this.want((isOptional ? want[0] : want) as Want, value[key], below(spot, key), word, key)
    }
  }

  *want(want: Want, value: unknown, spot: Spot, word: string, key: string): Iterable<Complaint> {
    if (want === "body") return yield* this.body(value, spot, word, key)
    if ("is" in want) {
      if (!want.is(value)) {
        yield saying(want.rule ?? "WW012", spot, `${key} of ${word} is ${shown(value)}`, sizeMeant(key, value) ?? `give ${want.text}`)
      }
      return
    }
    if ("either" in want) {
      const [when, then, otherwise] = want.either
      return yield* this.want(when(value) ? then : otherwise, value, spot, word, key)
    }
    if ("kinds" in want) return yield* this.word(want, value, spot, word, key)
    if ("object" in want) {
      if (!isObject(value)) return yield saying("WW012", spot, `${key} of ${word} is ${shown(value)}`, "give an object")
      return yield* this.shape(want.object, value, spot, key, want.confusion ?? null)
    }
    const right = want.of === "array" ? Array.isArray(value) : isObject(value) && !isWord(value)
    if (!right) {
      return yield saying(
        "WW012",
        spot,
        `${key} of ${word} is ${shown(value)}`,
        `give ${want.text ?? (want.of === "array" ? "an array" : "an object")}`
      )
    }
    yield* this.prototype(value, spot)
    for (const [inner, one] of Object.entries(value as object)) {
      // fields stand at their name, everything else below its property
      const place = key === "fields" || key === "cases" || key === "bits" || key === "values" || key === "rows" || key === "layouts"
        ? { ...spot, path: [...spot.path.slice(0, -1), ...(word === "tagged" || /header/.test(word) ? [key] : []), inner] }
        : below(spot, inner)
      yield* this.want(want.each, one, place, word, inner)
    }
  }

  /** `{ __proto__: u8 }` has no property of the name. */
  *prototype(value: unknown, spot: Spot): Iterable<Complaint> {
    if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null) return
    yield saying(
      "WW120",
      spot,
      "\"__proto__\" cannot be a property name",
      "choose another name: this one sets what an object inherits from"
    )
  }

  *word(
    want: { readonly kinds: ReadonlyArray<string>; readonly text: string },
    value: unknown,
    spot: Spot,
    word: string,
    key: string
  ): Iterable<Complaint> {
    if (typeof value === "function" && words.has(value.name)) {
      return yield saying(
        "WW010",
        spot,
        `${key} of ${word} is the function ${value.name}, not what it makes`,
        `call it: ${value.name}()`
      )
    }
    const kind = isObject(value) ? value["kind"] : undefined
    if (!isObject(value) || typeof kind !== "string" || !want.kinds.includes(kind)) {
      const what = value === undefined ? "is not there: it is used before it is described, or misspelt" : `is ${shown(value)}`
      const meant = want.kinds.includes("utf8") ? typeMeant(value) : undefined
      return yield saying("WW010", spot, `${key} of ${word} ${what}`, meant ?? `give ${want.text}`)
    }
    if (this.seen.has(value)) return
    this.seen.add(value)
    const place = callSite(value) === undefined ? spot : { value, path: [] }
    if (kind === "lengthOf" || kind === "countOf") yield* this.slice(kind, value, place, word)
    const shape = shapes[kind]
    if (shape !== undefined) yield* this.shape(shape, value, place, kind)
    if (kind === "lazy" && typeof value["of"] === "function") yield* this.lazy(value["of"] as () => unknown, place)
  }

  /** A length or count within bits is of a slice, and none elsewhere is. */
  *slice(kind: string, { of, target }: { readonly [key: string]: unknown }, spot: Spot, word: string): Iterable<Complaint> {
    const isSlice = isObject(of) && of["kind"] === "slice"
    const example = `${kind}(slice(3, 0), ${shown(target)})`
    if (word === "bits" && !isSlice) {
      yield saying("WW010", spot, `of of ${kind} is ${shown(of)}, in bits`, `say which bits it has: ${example}`)
    } else if (word !== "bits" && isSlice) {
      yield saying("WW010", spot, `of of ${kind} is a slice, and stands in no bits`, `write bits(u8, { n: ${example} }), or a number`)
    } else if (isSlice && (of["value"] !== undefined || of["of"] !== undefined)) {
      yield saying("WW012", spot, `the slice of ${kind} has a value or names of its own`, `leave them out: ${example}`)
    }
  }

  *lazy(of: () => unknown, spot: Spot): Iterable<Complaint> {
    let value: unknown
    try {
      value = of()
    } catch (error) {
      return yield saying(
        "WW010",
        spot,
        `lazy names what cannot be had: ${(error as Error).message}`,
        "write lazy(() => Value), with Value a record of the same file"
      )
    }
    yield* this.want(kinds("a struct or a choice", "struct", "choice"), value, spot, "lazy", "the record")
  }

  *body(value: unknown, spot: Spot, word: string, key: string): Iterable<Complaint> {
    if (typeof value === "string" && word === "command" && key !== "request") return
    if (isObject(value) && value["kind"] === "layouts") {
      return yield* this.word({ kinds: ["layouts"], text: "layouts" }, value, spot, word, key)
    }
    if (!isObject(value) || isWord(value)) {
      return yield saying("WW012", spot, `${key} of ${word} is ${shown(value)}`, "give an object of sections")
    }
    for (const [section, content] of Object.entries(value)) {
      if (content === undefined) continue
      const isFields = isObject(content) && !isWord(content)
      if (!isFields) yield* this.want(type, content, below(spot, section), key, section)
      else {
        yield* this.prototype(content, below(spot, section))
        for (const [field, one] of Object.entries(content)) yield* this.want(type, one, below(spot, section, field), section, field)
      }
    }
  }
}

/** Findings about values that no word makes. With any, nothing can be made of the protocol. */
export const checkValues = (
  value: Protocol | TypesOnly
): ReadonlyArray<Complaint> => [
  ...new Values().word({ kinds: [value.kind], text: "a protocol" }, value, { value, path: [] }, "spec", value.kind)
]
