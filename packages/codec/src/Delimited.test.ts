/** Framing by separator, and fields. */
import { describe, expect, it } from "vitest"
import { forEachMessage, Splitter } from "./Delimited.ts"
import { DecodeError } from "./Errors.ts"
import { countFields, fieldEnd, readInteger, restFields } from "./TextFields.ts"

const plus = { separator: "+", maxMessage: 10, minMessage: 3 }

const framed = (text: string, delimiting = plus): ReadonlyArray<string> => {
  const seen: Array<string> = []
  forEachMessage(text, delimiting, (all, start, end) => seen.push(all.slice(start, end)))
  return seen
}

const streamed = (chunks: ReadonlyArray<string>, delimiting = plus): ReadonlyArray<string> => {
  const seen: Array<string> = []
  const splitter = new Splitter(delimiting, (all, start, end) => seen.push(all.slice(start, end)))
  for (const chunk of chunks) splitter.push(chunk)
  splitter.end()
  return seen
}

const reasonOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof DecodeError) return error.reason
    throw error
  }
  return "none"
}

describe("frames", () => {
  it("hold several messages, the last one perhaps without separator", () => {
    expect(framed("abc+def+")).toEqual(["abc", "def"])
    expect(framed("abc+def")).toEqual(["abc", "def"])
    expect(framed("")).toEqual([])
  })

  it("ignore short pieces", () => {
    expect(framed("+++abc++de+f+")).toEqual(["abc"])
    expect(framed("a++b", { ...plus, minMessage: 1 })).toEqual(["a", "b"])
  })

  it("bound a message", () => {
    expect(framed("0123456789+0123456789")).toHaveLength(2)
    expect(reasonOf(() => framed("abc+0123456789X+"))).toBe("Limit")
    expect(reasonOf(() => framed("abc+0123456789X"))).toBe("Limit")
  })
})

describe("streams", () => {
  it("are cut anywhere", () => {
    const text = "abc+defgh+ij+0123456789+last"
    for (let first = 0; first <= text.length; first++) {
      for (let second = first; second <= text.length; second++) {
        expect(streamed([text.slice(0, first), text.slice(first, second), text.slice(second)])).toEqual([
          "abc",
          "defgh",
          "0123456789",
          "last"
        ])
      }
    }
  })

  it("bound a message, complete or not, and stay broken", () => {
    expect(streamed(["01234", "56789", "+"])).toEqual(["0123456789"])
    expect(reasonOf(() => streamed(["01234", "56789", "X"]))).toBe("Limit")
    expect(reasonOf(() => streamed(["01234", "56789X+"]))).toBe("Limit")
    const splitter = new Splitter(plus, () => {})
    splitter.push("abc+d")
    expect(splitter.buffered).toBe(1)
    let failure: unknown
    try {
      splitter.push("0123456789")
    } catch (error) {
      failure = error
    }
    expect(failure).toMatchObject({ reason: "Limit", offset: 4 })
    expect(() => splitter.push("abc+")).toThrow(failure as Error)
    expect(() => splitter.end()).toThrow(failure as Error)
  })

  it("take a message of a million pieces without searching it again and again", () => {
    const big = { separator: "+", maxMessage: 1_000_000, minMessage: 1 }
    let size = 0
    const splitter = new Splitter(big, (_, start, end) => {
      size = end - start
    })
    for (let i = 0; i < 1_000_000; i++) splitter.push("x")
    splitter.push("+")
    expect(size).toBe(1_000_000)
  })
})

describe("fields", () => {
  it("end at a separator or with the message", () => {
    expect(fieldEnd("a|b|c", "|", 0, 5)).toBe(1)
    expect(fieldEnd("a|b|c", "|", 2, 3)).toBe(3)
    expect(fieldEnd("abc", "|", 1, 3)).toBe(3)
    expect(restFields("a|b|c", "|", 2, 3)).toEqual(["b"])
    expect(restFields("a|", "|", 0, 2)).toEqual(["a", ""])
    expect(restFields("a", "|", 2, 1)).toEqual([])
    expect(countFields("a|b|c", "|", 0, 5)).toBe(3)
    expect(countFields("a|b|c", "|", 0, 2)).toBe(2)
    expect(countFields("a", "|", 2, 1)).toBe(0)
  })

  it("hold integers with one spelling", () => {
    const read = (text: string) => readInteger(text, 0, text.length, "P", "f", 0)
    for (const value of [0, 7, -1, 9007199254740991, -9007199254740991]) expect(read(`${value}`)).toBe(value)
    for (const text of ["", "-", "-0", "01", "+1", "1.0", "1e3", " 1", "9007199254740992", "99999999999999999", "NaN"]) {
      expect(reasonOf(() => read(text))).toBe("Syntax")
    }
  })
})
