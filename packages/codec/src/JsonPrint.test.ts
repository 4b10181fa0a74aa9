/** Proves that values become the text that JSON.stringify makes of them, at any depth, and that text which is JSON stays as it is. */
import { describe, expect, it } from "vitest"
import { EncodeError } from "./Errors.ts"
import { jsonOf, RawJson, stringify } from "./JsonPrint.ts"
import { unfit } from "./JsonValue.ts"
import { random } from "./Random.fixture.ts"

const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

/** The same as text, made without it: `nested` puts the outermost container on last. */
const nestedText = (depth: number): string => {
  const pairs = depth >> 1
  const odd = depth % 2 === 1
  return `${odd ? "[" : ""}${"{\"a\":[".repeat(pairs)}1${"]}".repeat(pairs)}${odd ? "]" : ""}`
}

/** A class that says its own JSON. */
class Spelled {
  private readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toJSON(): string {
    return this.text
  }
}

const scalars: ReadonlyArray<unknown> = [
  null,
  true,
  false,
  0,
  -0,
  1.5e300,
  Number.NaN,
  Infinity,
  "",
  "a\"\\\n\u0085\ud800é",
  undefined,
  Symbol("s"),
  () => 1,
  new Date(0),
  new Spelled("N5"),
  new Uint8Array([1, 2])
]

const make = (below: (n: number) => number, depth: number): unknown => {
  const kind = depth === 0 ? 0 : below(4)
  if (kind < 2) return scalars[below(scalars.length)]
  if (kind === 2) return Array.from({ length: below(4) }, () => make(below, depth - 1))
  return Object.fromEntries(Array.from({ length: below(4) }, () => [["a", "10", "9", "__proto__", "é"][below(5)], make(below, depth - 1)]))
}

describe("values as JSON", () => {
  it("is what JSON.stringify makes", () => {
    const below = random(Number(process.env["WIREWRIGHT_SEED"] ?? 7))
    for (let i = 0; i < 3000; i++) {
      const value = make(below, 5)
      expect(jsonOf(value)).toBe(JSON.stringify(value))
    }
    expect(jsonOf({ a: [1, undefined, { toJSON: () => undefined }], b: undefined })).toBe("{\"a\":[1,null,null]}")
  })

  it.each([20_000, 1_000_000])("nests %d deep", (depth) => {
    const value = nested(depth)
    expect(() => JSON.stringify(value)).toThrow(RangeError)
    // compared without printing a difference of a megabyte
    expect(jsonOf(value) === nestedText(depth)).toBe(true)
    expect(stringify(value) === nestedText(depth)).toBe(true)
  })

  it("refuses what has no JSON: a bigint, and what contains itself, however deep", () => {
    const cycle: Array<unknown> = []
    let last = cycle
    for (let i = 0; i < 50_000; i++) last.push(last = [])
    last.push(cycle)
    expect(() => jsonOf(cycle)).toThrow(TypeError)
    expect(() => jsonOf({ a: 1n })).toThrow(TypeError)
    const twice = { a: 1 }
    expect(jsonOf([twice, twice])).toBe("[{\"a\":1},{\"a\":1}]")
  })

  it("a preview ends early", () => {
    expect(jsonOf(nested(1_000_000), 60)!.length).toBeLessThan(80)
    expect(() => unfit("Packet", "fields.x", "an integer", nested(100_000))).toThrow(EncodeError)
  })
})

describe("text that is JSON", () => {
  const document = "{\"id\":9223372036854775807,\"big\":1e400,\"dup\":1,\"dup\":2,\"10\":\"a\",\"9\":\"b\"}"

  it("stands in other JSON as it is", () => {
    expect(jsonOf({ value: RawJson.of(document), after: 1 })).toBe(`{"value":${document},"after":1}`)
    expect(jsonOf(RawJson.object([["10", RawJson.of(document)!], ["9", RawJson.of("1.0")!], ["9", RawJson.of("[ ]")!]]))).toBe(
      `{"10":${document},"9":1.0,"9":[ ]}`
    )
  })

  it("on one line: line breaks and tabs between tokens become spaces, one each", () => {
    expect(jsonOf([RawJson.of("{\r\n\t\"a\\n\" :\n1 }")!])).toBe("[{   \"a\\n\" : 1 }]")
  })

  it("nests a million deep", () => {
    const text = nestedText(1_000_000)
    expect(jsonOf({ value: RawJson.of(text) }) === `{"value":${text}}`).toBe(true)
  })

  it.each(["", " ", "{", "[1,]", "{\"a\"}", "01", "1 2", "NaN", "\"\t\"", "\"\\x\"", "'a'", "\ufeff1", "[".repeat(100_000)])(
    "%j is none",
    (text) => {
      expect(RawJson.of(text)).toBe(undefined)
    }
  )
})
