/** Proves that nothing a terminal acts on passes, and that what passes is what was there. */
import { describe, expect, it } from "vitest"
import { escaped, visible, visibleLines } from "./Visible.ts"

const range = (from: number, to: number): ReadonlyArray<number> => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** Unicode 16, PropList.txt (Bidi_Control) and the general categories Cc, Zl, Zp, Cs. */
const classes: ReadonlyArray<readonly [name: string, codes: ReadonlyArray<number>]> = [
  ["C0", range(0x00, 0x1f)],
  ["DEL", [0x7f]],
  ["C1", range(0x80, 0x9f)],
  ["bidi embeddings and overrides", range(0x202a, 0x202e)],
  ["bidi isolates", range(0x2066, 0x2069)],
  ["bidi marks", [0x061c, 0x200e, 0x200f]],
  ["line and paragraph separators", [0x2028, 0x2029]],
  ["lone surrogates", [0xd800, 0xdbff, 0xdc00, 0xdc7f, 0xdd00, 0xdfff]]
]

describe("text of peers", () => {
  it.each(classes)("%s are spelled out", (_, codes) => {
    for (const code of codes) {
      const unit = String.fromCharCode(code)
      const named = ({ 0x09: "\\t", 0x0a: "\\n", 0x0d: "\\r" } as Record<number, string>)[code]
      const spelled = named ?? `\\u${code.toString(16).padStart(4, "0")}`
      expect(visible(`a${unit}b${unit}`)).toBe(`a${spelled}b${spelled}`)
      expect(escaped(`a${unit}`)).toBe(`a${spelled}`)
      expect(visibleLines(`a${unit}b`)).toBe(code === 0x0a || code === 0x09 ? `a${unit}b` : `a${spelled}b`)
    }
  })

  it("JSON stays the same JSON", () => {
    const text = classes.flatMap(([, codes]) => codes).map((code) => String.fromCharCode(code)).join("é") + "\u{e0041}\u{1f600}"
    const json = JSON.stringify({ [text]: text })
    expect(JSON.parse(visible(json))).toEqual({ [text]: text })
    expect(visible(visible(json))).toBe(visible(json))
  })

  it("what people write stays as it is: joiners, accents, emoji, right-to-left letters", () => {
    for (const text of ["می‌خواهم", "👩‍👩‍👧", "שלום", "e\u0301", "C:\\new", "\u{1f600}"]) expect(visible(text)).toBe(text)
  })

  it("values are told apart from their spelling, bytes that are no UTF-8 from characters", () => {
    expect([escaped("\n"), escaped("\\n"), escaped("\udc80"), escaped("\\x80")]).toEqual(["\\n", "\\\\n", "\\x80", "\\\\x80"])
    expect(visibleLines("a\udcff\tb\n\u001b[2J")).toBe("a\\xff\tb\n\\u001b[2J")
  })
})
