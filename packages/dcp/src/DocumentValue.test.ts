/** What stands in a value: the vectors of `test/fixtures/mcbp.json`, the limits, and what is wrong with values that are broken. */
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { type DocumentParts, largestValue, partsOf, type ValueProblem } from "./DocumentValue.ts"
import { compress } from "./Snappy.ts"

interface Vector {
  readonly name: string
  readonly hex: string
  readonly fields?: {
    readonly datatype?: string
    readonly value_hex?: string
    readonly xattrs?: { readonly pairs: Record<string, string>; readonly body_hex: string }
  }
  readonly decoded?: { readonly pairs: Record<string, string>; readonly body_hex: string }
}

const { vectors } = JSON.parse(readFileSync(new URL("../../../test/fixtures/mcbp.json", import.meta.url), "utf8")) as {
  readonly vectors: ReadonlyArray<Vector>
}
const vector = (name: string): Vector => vectors.find((one) => one.name === name)!

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"))
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const shown = (result: Result.Result<DocumentParts, ValueProblem>): unknown =>
  Result.match(result, {
    onSuccess: ({ body, xattrs }) => ({ pairs: Object.fromEntries(xattrs), body_hex: Buffer.from(body).toString("hex") }),
    onFailure: ({ reason }) => reason
  })

const valueOf = (name: string) => {
  const { datatype, value_hex: hex } = vector(name).fields!
  return partsOf(bytes(hex!), Number(datatype))
}

const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff)
const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))
const pair = (key: string, value: string): Uint8Array => {
  const both = utf8(`${key}\0${value}\0`)
  return joined(u32(both.length), both)
}

const [json, snappy, xattr] = [1, 2, 4]

describe("vectors", () => {
  it.each(["DcpMutation xattr|json", "DcpDeletion V1 with xattrs"])("%s", (name) => {
    const { body_hex, pairs } = vector(name).fields!.xattrs!
    expect(shown(valueOf(name))).toEqual({ pairs, body_hex })
  })

  it("Snappy is around the attributes and the body", () => {
    const { body_hex, pairs } = vector("DcpMutation xattr|json").fields!.xattrs!
    expect(shown(valueOf("DcpMutation snappy|xattr|json (whole value is one snappy block)"))).toEqual({ pairs, body_hex })
  })

  it("the section of kv_engine's documentation", () => {
    const { decoded, hex } = vector("xattr section _sync + meta")
    expect(shown(partsOf(bytes(hex), xattr))).toEqual({ pairs: decoded!.pairs, body_hex: decoded!.body_hex })
  })

  it("a section that is longer than the value is refused", () => {
    expect(shown(valueOf("malformed: xattr section longer than value"))).toBe("Xattrs")
  })
})

describe("the section of attributes", () => {
  const one = pair("a", "1")

  it("ends where it says: a byte less is the body's, a byte more is none", () => {
    const body = utf8("{}")
    const whole = (length: number) => shown(partsOf(joined(u32(length), one, body), xattr))
    expect(whole(one.length)).toEqual({ pairs: { a: "1" }, body_hex: "7b7d" })
    expect(whole(one.length - 1)).toBe("Xattrs")
    expect(whole(one.length + 1)).toBe("Xattrs")
    expect(shown(partsOf(joined(u32(one.length), one), xattr))).toEqual({ pairs: { a: "1" }, body_hex: "" })
    expect(shown(partsOf(joined(u32(one.length), one.subarray(0, -1)), xattr))).toBe("Xattrs")
    expect(shown(partsOf(u32(0), xattr))).toEqual({ pairs: {}, body_hex: "" })
    for (const length of [1, 2, 3]) expect(shown(partsOf(u32(0).subarray(0, length), xattr)), String(length)).toBe("Xattrs")
  })

  it("has names of 1 to 15 bytes", () => {
    const named = (name: string) => shown(partsOf(joined(u32(pair(name, "1").length), pair(name, "1")), xattr))
    expect(named("n".repeat(15))).toEqual({ pairs: { ["n".repeat(15)]: "1" }, body_hex: "" })
    expect(named("n".repeat(16))).toBe("Xattrs")
  })

  it("is none without the bit, and a value that was left out has none with it", () => {
    expect(shown(partsOf(joined(u32(one.length), one), json))).toEqual({
      pairs: {},
      body_hex: Buffer.from(joined(u32(one.length), one)).toString("hex")
    })
    expect(shown(partsOf(new Uint8Array(0), json | snappy | xattr))).toEqual({ pairs: {}, body_hex: "" })
  })
})

describe("Snappy", () => {
  it("that is broken is said, and never a body", () => {
    // a literal of three bytes of which two are there; an offset before the beginning
    for (const hex of ["03086162", "070861626301ff", "ff"]) expect(shown(partsOf(bytes(hex), snappy)), hex).toBe("Snappy")
  })

  it("stops at the largest value, before anything is made", () => {
    const plain = new Uint8Array(largestValue + 1)
    const parts = partsOf(compress(plain.subarray(1)), snappy)
    expect(Result.isSuccess(parts) && parts.success.body.length).toBe(largestValue)
    expect(shown(partsOf(compress(plain), snappy))).toBe("TooLarge")
  })
})
