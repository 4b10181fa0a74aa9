/**
 * What newcomers write, from other tools or by halves, and the words that they mean: arguments the other way round, objects in place of words,
 * options and types by the names that they have elsewhere.
 */
import * as dsl from "@wirewright/dsl"
import { nearestOf } from "@wirewright/codec/Nearest"

type Given = { readonly [key: string]: unknown }

/** What is wrong, and what was meant. */
export interface Meant {
  readonly message: string
  readonly hint: string
}

/** What a table has of its own: `valueOf` is a word, and what every object inherits. */
const own = <A>(table: { readonly [key: string]: A }, key: string): A | undefined => Object.hasOwn(table, key) ? table[key] : undefined

const isPlain = (value: unknown): value is Given => typeof value === "object" && value !== null && !Array.isArray(value)
const kindOf = (value: unknown): string | undefined => isPlain(value) && Object.hasOwn(value, "kind") ? String(value["kind"]) : undefined
const isNumberWord = (value: unknown): boolean => ["int", "varint", "escaped", "decimal"].includes(kindOf(value) ?? "")
const values = (value: unknown): ReadonlyArray<unknown> => isPlain(value) ? Object.values(value) : []

/** Names of all words. */
export const words: ReadonlySet<string> = new Set(Object.keys(dsl).filter((one) => one !== "mark" && one !== "callSite"))

/** Names that types have in C, Kaitai Struct and Construct. */
const elsewhere: { readonly [name: string]: string } = {
  str: "utf8",
  strz: "cstring",
  string: "utf8",
  number: "u32",
  boolean: "bool(u8)",
  byte: "u8",
  char: "u8",
  short: "i16",
  long: "i64",
  float: "f32",
  double: "f64",
  buffer: "bytes",
  repeat: "array",
  switch: "choice",
  union: "choice",
  enum: "enumeration",
  record: "struct",
  object: "struct",
  seq: "struct"
}

/** Numbers as Kaitai Struct (`u2le`), Construct and C (`Int16ul`, `uint16_t`), and Rust (`u16le`) name them. */
const numberNamed = (name: string): string | undefined => {
  const kaitai = /^([usf])([1248])(le|be)?$/i.exec(name)
  const c = /^(u?)int(8|16|24|32|64)([us]?)([lb]?)(?:_t)?$/i.exec(name)
  const rust = /^([uif])(8|16|24|32|64)_?(le|be)$/i.exec(name)
  const [sign, width, order] = kaitai !== null
    ? [kaitai[1]!, 8 * Number(kaitai[2]), kaitai[3]]
    : c !== null
    ? [`${c[1]}${c[3]}` === "" ? "i" : `${c[1]}${c[3]}`, Number(c[2]), c[4]]
    : rust !== null
    ? [rust[1]!, Number(rust[2]), rust[3]]
    : []
  if (sign === undefined) return undefined
  const word = `${sign.toLowerCase().replace("s", "i")}${width}`
  return words.has(word) ? `${word}${/^l/i.test(order ?? "") ? ".le" : ""}` : undefined
}

/** The word that a name of another tool means. */
export const wordNamed = (name: string): string | undefined =>
  words.has(name) ? name : numberNamed(name) ?? own(elsewhere, name.toLowerCase()) ?? nearestOf(name, [...words])

const swapped = (word: string, hint: string): Meant => ({
  message: `${word} is given its arguments the other way round`,
  hint: `write ${hint}`
})

/** By the kind of the word. */
const confusions: { readonly [kind: string]: (value: Given) => Meant | undefined } = {
  struct: ({ fields, name }) =>
    isPlain(name) ? { message: "a struct without a name", hint: "its name goes first: struct(\"Name\", { … })" } : Array.isArray(fields)
      ? { message: "fields of struct are an array", hint: "give an object of types by name: { a: u8, b: utf8() }" }
      : undefined,
  lengthOf: ({ of, target }) =>
    typeof of === "string" && isNumberWord(target) ? swapped("lengthOf", `lengthOf(u16, ${JSON.stringify(of)})`) : undefined,
  countOf: ({ of, target }) =>
    typeof of === "string" && isNumberWord(target) ? swapped("countOf", `countOf(u16, ${JSON.stringify(of)})`) : undefined,
  prefixed: ({ by, of }) =>
    !isNumberWord(by) && kindOf(by) !== undefined && isNumberWord(of) ? swapped("prefixed", "prefixed(u16, utf8())") : undefined,
  counted: ({ by, of }) =>
    !isNumberWord(by) && kindOf(by) !== undefined && isNumberWord(of) ? swapped("counted", "counted(u16, …)") : undefined,
  constant: ({ of, value }) =>
    typeof of === "number" && value === undefined
      ? { message: "a constant without an integer", hint: `write constant(u8, ${of})` }
      : undefined,
  tokens: ({ fields, separator }) =>
    isPlain(separator) && fields === undefined
      ? { message: "tokens without a separator", hint: "it goes first: tokens(\" \", { … }, { until: \"\\r\\n\" })" }
      : undefined,
  bits: ({ fields }) =>
    values(fields).some((one) => typeof one === "number")
      ? { message: "bits are given as numbers", hint: "say which bits each field has: slice(7, 4)" }
      : undefined,
  flags: ({ bits }) =>
    values(bits).some((one) => typeof one === "number")
      ? { message: "bits of flags are given as numbers", hint: "give bit(n), with 0 for the lowest: { read: bit(0) }" }
      : undefined,
  enumeration: ({ values: named }) =>
    Array.isArray(named) || values(named).some((one) => typeof one === "string" && one.length > 1)
      ? { message: "values of enumeration are not numbers by name", hint: "give { get: 1, set: 2 }" }
      : undefined,
  choice: ({ cases }) =>
    Array.isArray(cases) ||
      isPlain(cases) && values(cases).some((one) => kindOf(one) !== undefined || isPlain(one) && !Object.hasOwn(one, "tag"))
      ? { message: "cases of choice are not tagged", hint: "give a tag and fields by name: { Name: tagged(1, { … }) }" }
      : undefined,
  frame: ({ headers, kinds }) =>
    headers !== undefined && kinds === undefined
      ? { message: "headers of a frame without kinds", hint: "they are a kind's: kinds: { message: { headers: [{ fields: { … } }] } }" }
      : undefined,
  header: (value) =>
    value["fields"] === undefined && values(value).some((one) => kindOf(one) !== undefined)
      ? { message: "a header without fields", hint: "they are an object of their own: headers: [{ fields: { … } }]" }
      : undefined
}

/** What an option of another tool is here, by word and name. */
const options: { readonly [kind: string]: { readonly [option: string]: string } } = (() => {
  const sized = "a length of its own is prefixed(u16, …), one elsewhere lengthOf(u16, \"…\") in front of it"
  const many = "a count of its own is counted(u16, …), one elsewhere countOf(u16, \"…\") in front of it"
  const text = {
    length: sized,
    count: sized,
    len: sized,
    terminator: "write until",
    encoding: "use the word of the encoding: utf8, ascii, latin1, utf16"
  }
  return {
    bytes: text,
    utf8: text,
    text,
    json: text,
    array: { size: many, count: many, length: many, repeat: many, terminator: "write until" },
    int: { endian: "write u16.le or u16.be", order: "write u16.le or u16.be" },
    struct: { endian: "write byteOrder", order: "write byteOrder" },
    command: {
      field: "write fields",
      payload: "write fields or body",
      code: "write opcode",
      id: "write opcode",
      name: "its name goes first"
    },
    optional: { when: "write if", condition: "write if" }
  }
})()

/** What is meant by what a word was given. */
export const confusion = (kind: string, value: Given): Meant | undefined => own(confusions, kind)?.(value)

/** What an option is here that has another name elsewhere. */
export const optionMeant = (kind: string, option: string): string | undefined => own(own(options, kind) ?? {}, option)

/** What is meant by something in place of a type. */
export const typeMeant = (value: unknown): string | undefined => {
  if (typeof value === "string") {
    const word = wordNamed(value)
    return word === undefined ? undefined : `write ${typeof (dsl as Given)[word] === "function" ? `${word}()` : word}, without quotes`
  }
  if (isPlain(value) && kindOf(value) === undefined) return "a record within a record has a name: struct(\"Name\", { … })"
  return undefined
}

/** What is meant by a size that names a sibling. */
export const sizeMeant = (key: string, value: unknown): string | undefined =>
  (key === "size" || key === "max" || key === "min") && typeof value === "string"
    ? `the length stands in front: lengthOf(u16, "…") in place of ${value}`
    : undefined
