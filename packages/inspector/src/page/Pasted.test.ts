/** What people paste, in the spellings of other programs. */
import { describe, expect, it } from "vitest"
import { base64Of, bytesOfBase64, readPasted } from "./Pasted.ts"

const bytes = Uint8Array.of(0x80, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x2a, 0, 0, 0, 0, 0, 0, 0, 0)

describe("readPasted", () => {
  it.each([
    ["plain hex", "hex", "800a00000000000000000000 0000002a0000000000000000"],
    [
      "what xxd prints",
      "hex",
      "00000000: 800a 0000 0000 0000 0000 0000 0000 002a  ...............*\n00000010: 0000 0000 0000 0000                      ........"
    ],
    [
      "what hexdump -C prints",
      "hex",
      "00000000  80 0a 00 00 00 00 00 00  00 00 00 00 00 00 00 2a  |...............*|\n00000010  00 00 00 00 00 00 00 00                           |........|\n00000018"
    ],
    [
      "a C array",
      "hex",
      "{ 0x80, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x2a, 0, 0, 0, 0, 0, 0, 0, 0 }".replaceAll(/\b0\b/g, "0x00")
    ],
    ["base64", "base64", "gAoAAAAAAAAAAAAAAAAAKgAAAAAAAAAA"],
    ["base64 over several lines", "base64", "gAoAAAAAAAAA\nAAAAAAAAKgAA\nAAAAAAAA\n"]
  ])("takes %s", (_, form, text) => {
    expect(readPasted(text)).toEqual({ form, pieces: [{ bytes }] })
  })

  it("takes JSON of one packet, of several, and lines of decode --json", () => {
    const one = { packet: "Noop", opaque: 42 }
    expect(readPasted(JSON.stringify(one)).pieces).toEqual([{ direction: undefined, json: one }])
    expect(readPasted(JSON.stringify([one, one], undefined, 2)).pieces).toHaveLength(2)
    const lines = [
      { ...one, direction: "c2s" },
      { error: { reason: "Magic", hex: "ff00" }, direction: "s2c" },
      { passedOver: [] }
    ]
    expect(readPasted(lines.map((line) => JSON.stringify(line)).join("\n")).pieces).toEqual([
      { direction: "c2s", json: lines[0] },
      { direction: "s2c", bytes: Uint8Array.of(0xff, 0) }
    ])
  })

  it("takes lines with who sent them", () => {
    expect(readPasted("# a comment\nc2s 8001\n\ns2c 81 02\n")).toEqual({
      form: "hex",
      pieces: [{ direction: "c2s", bytes: Uint8Array.of(0x80, 1) }, { direction: "s2c", bytes: Uint8Array.of(0x81, 2) }]
    })
  })

  it("takes everything else for text, whose lines end as lines of protocols do", () => {
    expect(readPasted("get foo\nget bar\n")).toEqual({
      form: "text",
      pieces: [{ bytes: new TextEncoder().encode("get foo\r\nget bar\r\n") }]
    })
    expect(readPasted("set k 0 0 1\r\nv\r\n").form).toBe("text")
  })

  it("does as told, and says what is wrong", () => {
    expect(readPasted("deadbeef", "base64").pieces).toEqual([{ bytes: Uint8Array.from(Buffer.from("deadbeef", "base64")) }])
    expect(() => readPasted("80 0g", "hex")).toThrow("pairs of hexadecimal digits")
    expect(() => readPasted("{ 1", "json")).toThrow(SyntaxError)
    expect(() => readPasted("[1]", "json")).toThrow("the object of a packet")
  })
})

it("base64 is that of others", () => {
  const many = Uint8Array.from({ length: 20_001 }, (_, i) => i * 7)
  expect(base64Of(many)).toBe(Buffer.from(many).toString("base64"))
  expect(bytesOfBase64(Buffer.from(many).toString("base64url"))).toEqual(many)
  expect(bytesOfBase64("a")).toBeUndefined()
  expect(bytesOfBase64("ab!d")).toBeUndefined()
})
