/** Typed values: their spellings, and what is none. */
import { DecodeError } from "@wirewright/codec/Errors"
import { describe, expect, it } from "vitest"
import { Typed, type TypedValue } from "./Typed.ts"

const reasonOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof DecodeError) return error.reason
    throw error
  }
  return "none"
}

describe("typed values", () => {
  it.each<[TypedValue, string]>([
    ["text", "Stext"],
    ["", "S"],
    [5, "N5"],
    [-1.5, "N-1.5"],
    [1e21, "N1e+21"],
    [NaN, "NNaN"],
    [Infinity, "NInfinity"],
    [-Infinity, "N-Infinity"],
    [true, "T"],
    [false, "F"],
    [null, "L"],
    [undefined, "U"],
    [{ a: [1, null] }, `O{"a":[1,null]}`],
    [[1, 2], "O[1,2]"]
  ])("%o is %s", (value, text) => {
    expect(Typed.of(value).text).toBe(text)
    expect(Typed.parse(text).value).toEqual(value)
    expect(JSON.stringify(Typed.of(value))).toBe(JSON.stringify(text))
  })

  it("keep the spelling", () => {
    for (const text of ["N007", "N1.50", "N1e3", "N-0", "N.5", `O{ "a" : 1 }`]) expect(Typed.parse(text).text).toBe(text)
    expect(Typed.parse("N1.50").value).toBe(1.5)
  })

  it.each(["", "Q", "QXX", "N", "Nabc", "N0x10", "N 1", "N1.2.3", "N-", "Ne5", "Tx", "LL", "U0", "O", "s"])("refuse %o", (text) => {
    expect(reasonOf(() => Typed.parse(text))).toBe("Syntax")
  })

  it("look into JSON only when asked", () => {
    const typed = Typed.parse("O{nonsense")
    expect(reasonOf(() => typed.value)).toBe("Syntax")
  })
})
