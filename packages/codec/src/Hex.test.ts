/** Proves that hex in every spelling people paste becomes the same bytes, and that anything else is refused where it stands. */
import { describe, expect, it } from "vitest"
import { DecodeError } from "./Errors.ts"
import { bytesOfHex, hexOf } from "./Hex.ts"

const wanted = "80500018080000000000002000000001000000000000000000000000000000006275"

const spellings: ReadonlyArray<readonly [name: string, text: string]> = [
  ["plain", wanted],
  ["upper case and newlines", `${wanted.slice(0, 20).toUpperCase()}\r\n${wanted.slice(20)}\n`],
  ["pairs", wanted.match(/../g)!.join(" ")],
  ["colons", wanted.match(/../g)!.join(":")],
  ["0x list", `{ ${wanted.match(/../g)!.map((pair) => `0x${pair}`).join(", ")} };`],
  ["0x once", `0x${wanted}`],
  ["escapes", wanted.match(/../g)!.map((pair) => `\\x${pair}`).join("")],
  ["escapes in quotes", `"${wanted.match(/../g)!.map((pair) => `\\x${pair}`).join("")}"`],
  [
    "xxd",
    "00000000: 8050 0018 0800 0000 0000 0020 0000 0001  .P......... ....\n" +
    "00000010: 0000 0000 0000 0000 0000 0000 0000 0000  ................\n" +
    "00000020: 6275                                     bu\n"
  ],
  [
    "tcpdump -x",
    "\t0x0000:  8050 0018 0800 0000 0000 0020 0000 0001\n\t0x0010:  0000 0000 0000 0000 0000 0000 0000 0000\n\t0x0020:  6275\n"
  ],
  [
    "tcpdump -X",
    "\t0x0000:  8050 0018 0800 0000 0000 0020 0000 0001  .P..............\n" +
    "\t0x0010:  0000 0000 0000 0000 0000 0000 0000 0000  ................\n\t0x0020:  6275                                     bu\n"
  ],
  [
    "hexdump -C",
    "00000000  80 50 00 18 08 00 00 00  00 00 00 20 00 00 00 01  |.P......... ....|\n" +
    "00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n" +
    "00000020  62 75                                             |bu|\n00000022\n"
  ]
]

const refusal = (text: string): DecodeError => {
  try {
    bytesOfHex(text)
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
  throw new Error("was accepted")
}

describe("hex", () => {
  it.each(spellings)("reads %s", (_, text) => expect(hexOf(bytesOfHex(text))).toBe(wanted))

  it("reads nothing as no bytes, and eight digits as bytes", () => {
    expect(bytesOfHex(" \n").length).toBe(0)
    expect(hexOf(bytesOfHex("80500018 08000000"))).toBe("8050001808000000")
    expect(hexOf(bytesOfHex("00000000"))).toBe("00000000")
    expect([...bytesOfHex("0x8, 0x0")]).toEqual([8, 0])
  })

  it.each([["80 5g", 4], ["80 5", 3], ["805", 0], ["\\x8", 0], ["80 \\x8z", 3], ["hello", 0], ["0x80 0x", 5], ["80 0xzz", 5]])(
    "refuses %s",
    (text, offset) => {
      expect(refusal(text)).toMatchObject({ reason: "Syntax", offset })
    }
  )

  it("refuses dumps with gaps and other lines", () => {
    expect(refusal("00000000: 8050\n00000010: 00").reason).toBe("Syntax")
    expect(refusal("00000000: 8050\n*\n00000010: 00").reason).toBe("Syntax")
  })

  it("of any length is what Buffer says", () => {
    for (const length of [0, 1, 255, 256, 257, 70_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 7)
      expect(hexOf(bytes) === Buffer.from(bytes).toString("hex")).toBe(true)
    }
  })

  it("survives megabytes", () => {
    expect(bytesOfHex("80".repeat(1_000_000)).length).toBe(1_000_000)
    expect(bytesOfHex("\\x80".repeat(300_000)).length).toBe(300_000)
  })
})
