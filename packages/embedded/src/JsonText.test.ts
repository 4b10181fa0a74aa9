/** What is JSON: the same as JSON.parse and UTF-8 say, also of texts that differ from JSON in one byte; and in slices. */
import { describe, expect, it } from "vitest"
import { bytesOf, isJson, isJsonSteps, textOf } from "./JsonText.ts"

const parses = (bytes: Uint8Array): boolean => {
  const text = textOf(bytes)
  try {
    return text !== undefined && JSON.parse(text) !== undefined
  } catch {
    return false
  }
}

const samples = [
  "{\"a\":[1,-2.5e+10,0.1,{\"b\":null}],\"c\\u00e9\\n\":\"x\\\\\",\"d\":true,\"e\":false}",
  " [ ] ",
  "\t{ \"a\" : [ 1 , 2 ] }\r\n",
  "\"\u00e9\u{1f389}\"",
  "-0",
  "1e5",
  "01",
  "1.",
  "-",
  "nul",
  "[1,]",
  "{\"a\"}",
  "[1 2]",
  "\"\\x\"",
  "\"\\u12g4\"",
  "",
  "  "
]

describe("bytes are JSON", () => {
  it.each(samples)("%j as JSON.parse says", (text) => {
    expect(isJson(bytesOf(text))).toBe(parses(bytesOf(text)))
  })

  it("or not, whichever byte is another one, too many or missing", () => {
    for (const text of samples) {
      const bytes = bytesOf(text)
      for (let at = 0; at < bytes.length; at++) {
        for (const byte of [0x00, 0x1f, 0x20, 0x22, 0x2c, 0x2d, 0x2e, 0x30, 0x3a, 0x5b, 0x5c, 0x5d, 0x65, 0x75, 0x7b, 0x7d, 0x80, 0xff]) {
          const other = Uint8Array.from(bytes, (one, index) => index === at ? byte : one)
          expect(isJson(other), JSON.stringify([text, at, byte])).toBe(parses(other))
        }
        const shorter = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1)])
        expect(isJson(shorter), JSON.stringify([text, at])).toBe(parses(shorter))
        const longer = Uint8Array.from([...bytes.subarray(0, at), 0x2c, ...bytes.subarray(at)])
        expect(isJson(longer), JSON.stringify([text, at])).toBe(parses(longer))
      }
    }
  })

  it("however deep", () => {
    expect(isJson(bytesOf("[".repeat(100_000) + "]".repeat(100_000)))).toBe(true)
    expect(isJson(bytesOf("[".repeat(100_000) + "]".repeat(99_999)))).toBe(false)
  })

  it("with many interruptions if they are many", () => {
    const steps = [...isJsonSteps(bytesOf(`[${"1,".repeat(1_000_000)}1]`))].length
    expect(steps).toBeGreaterThan(5)
    expect([...isJsonSteps(bytesOf("[1]"))]).toEqual([])
  })
})
