/** Proves the look of the annotated hexdump. */
import { describe, expect, it } from "vitest"
import { badFrames, goodFrames } from "./Frames.fixture.ts"
import { bytesOfHex } from "./Hex.ts"
import { hexdump, type HexdumpOptions } from "./Hexdump.ts"
import { annotate } from "./Layout.ts"
import { testCatalog } from "./testModel.fixture.ts"

const dump = (hex: string, options: HexdumpOptions = {}): string => {
  const bytes = bytesOfHex(hex)
  return hexdump(annotate(testCatalog, bytes), bytes, options)
}

const lines = (...all: ReadonlyArray<string>): string => `${all.join("\n")}\n`

describe("hexdump", () => {
  it("shows a packet", () => {
    expect(dump(goodFrames.streamRequest)).toBe(lines(
      "StreamRequest request · 34 bytes · Mcbp",
      "      00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f",
      "0x00  80                                               magic        request (0x80)",
      "0x00     53                                            opcode       STREAM_REQUEST (0x53)",
      "0x00        00 00                                      keyLength    0",
      "0x00              08                                   extrasLength 8",
      "0x00                 00                                datatype     raw",
      "0x00                    00 05                          vbucket      5",
      "0x00                          00 00 00 0a              bodyLength   10",
      "0x00                                      00 00 01 05  opaque       261",
      "0x10  00 00 00 00 00 00 00 ff                          cas          255",
      "0x10                          80 00 00 11              flags        {memory, top, 0x10}",
      "0x10                                      12 34 56 78  · reserved   0x12345678",
      "0x20  7b 7d                                            filter       \"{}\""
    ))
  })

  it("marks the failing byte and shows what was not decoded", () => {
    const out = dump(badFrames["valueTooShort"]!.hex).split("\n")
    expect(out[0]).toBe("Marker request (V2_0) · 45 bytes · Mcbp")
    expect(out.slice(-4)).toEqual([
      "0x20     00 00 00 00 00 00 00 ff                       endSeqno     255",
      "0x20                             80 00 00 03           flags        {memory, disk, top}",
      "                                             ^^ Marker.value at byte 45: expected 28 bytes, got 20 bytes",
      ""
    ])
    expect(dump(badFrames["wrongMagic"]!.hex)).toBe(lines(
      "Unknown · 4 bytes · Mcbp",
      "      00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f",
      "0x00  47 45 54 20                                      · not decoded",
      "      ^^ Mcbp.magic at byte 0: expected one of 0x80, 0x08, 0x81, 0x18, 0x82, 0x83, got 0x47"
    ))
  })

  it("puts the caret under the byte that ends a line as well as under a missing one", () => {
    expect(dump("80").split("\n").slice(2)).toEqual([
      "0x00  80                                               magic request (0x80)",
      "         ^^ Mcbp.opcode at byte 1: expected 1 byte, got 0 bytes",
      ""
    ])
    expect(dump("").split("\n").slice(2, 4)).toEqual(["0x00", expect.stringMatching(/^ {6}\^\^ Mcbp\.magic at byte 0/)])
  })

  it("shortens long fields, and says by how much", () => {
    const value = "61".repeat(1000)
    const hex = `8001000008000000000003f000000000000000000000000000000000000000${"00"}${value}`
    const out = dump(hex)
    expect(out).toContain("0x0050  61 61 61 61 61 61 61 61")
    expect(out).not.toContain("0x0060")
    expect(out).toContain(`${" ".repeat(57)}… 936 more bytes\n`)
    expect(out.split("\n").length).toBeLessThan(22)
    expect(dump(hex, { maxBytes: 2000 }).split("\n").length).toBeGreaterThan(70)
    expect(dump(hex, { maxBytes: 16 })).toContain("… 984 more bytes")
  })

  it("says the same with colours as without", () => {
    for (const hex of [...Object.values(goodFrames), ...Object.values(badFrames).map((one) => one.hex)]) {
      const colored = dump(hex, { color: true })
      // oxlint-disable-next-line no-control-regex
      expect(colored.replace(/\u001b\[\d+m/g, "")).toBe(dump(hex))
    }
    expect(dump(goodFrames.get, { color: true })).toContain("\u001b[")
    expect(dump(goodFrames.get)).not.toContain("\u001b[")
  })

  it("shows as many fields as there are", () => {
    const fields = Array.from({ length: 300_000 }, (_, i) => ({
      path: `entries[${i}]`,
      section: "value",
      offset: i * 8,
      length: 8,
      type: "u64",
      value: 0n,
      text: "0",
      reserved: false
    }))
    const bytes = new Uint8Array(fields.length * 8)
    const all = { packet: "Log", kind: "response", frame: "Mcbp", at: 0, length: bytes.length, fields }
    expect(hexdump(all, bytes).split("\n").length).toBe(fields.length + 3)
    const one = { ...fields[0]!, length: bytes.length }
    expect(hexdump({ ...all, fields: [one] }, bytes, { maxBytes: bytes.length }).split("\n").length).toBe(bytes.length / 16 + 3)
    expect(hexdump({ ...all, fields: [one] }, bytes, { maxBytes: bytes.length, perLine: 8 }).split("\n").length).toBe(bytes.length / 8 + 3)
  })

  it("lets no packet write into the terminal", () => {
    const out = dump(`8000000600000000000000060000000000000000000000001b5b324a0d0a`)
    expect(out).toContain("\"\\u001b[2J\\r\\n\"")
    // oxlint-disable-next-line no-control-regex
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
  })
})
