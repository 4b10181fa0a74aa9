/** Proves that of all NaNs only one is written, whatever bytes a value was read from. */
import { describe, expect, it } from "vitest"
import { bytesOfHex, hexOf } from "./Hex.ts"
import { getU64Number, putF32, putF64 } from "./Integers.ts"

/** Reads a number and writes it, often enough to be compiled: an engine may keep the bytes of a NaN then, or not. */
const rewritten = (hex: string): ReadonlySet<string> => {
  const bytes = bytesOfHex(hex)
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const out = new Uint8Array(bytes.length)
  const to = new DataView(out.buffer)
  const found = new Set<string>()
  for (let i = 0; i < 20_000; i++) {
    if (bytes.length === 8) putF64(to, 0, from.getFloat64(0), "P", "f")
    else putF32(to, 0, from.getFloat32(0), "P", "f")
    found.add(hexOf(out))
  }
  return found
}

describe("eight bytes as a number", () => {
  it.each([
    ["0000000000000000", 0],
    ["00000000ffffffff", 0xffff_ffff],
    ["0000000100000000", 0x1_0000_0000],
    ["0123456789abcdef", Number(0x0123_4567_89ab_cdefn)],
    ["001fffffffffffff", Number.MAX_SAFE_INTEGER],
    ["0020000000000000", 2 ** 53],
    ["0020000000000001", 2 ** 53],
    ["ffffffffffffffff", 2 ** 64]
  ])("%s", (hex, value) => {
    const bytes = bytesOfHex(`00${hex}`)
    expect(getU64Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 1)).toBe(value)
  })
})

describe("NaN", () => {
  it.each(["7ff8000000000000", "7ff8000000000001", "fff0000000000a00", "7ff0000000000001", "ffffffffffffffff"])("%s in 64 bits", (hex) => {
    expect([...rewritten(hex)]).toEqual(["7ff8000000000000"])
  })

  it.each(["7fc00000", "7f800001", "ffc00001", "ffffffff"])("%s in 32 bits", (hex) => {
    expect([...rewritten(hex)]).toEqual(["7fc00000"])
  })

  it("other numbers are left alone", () => {
    for (const hex of ["8000000000000000", "7ff0000000000000", "fff0000000000000", "0000000000000001"]) {
      expect([...rewritten(hex)]).toEqual([hex])
    }
    for (const hex of ["80000000", "7f800000", "00000001"]) expect([...rewritten(hex)]).toEqual([hex])
  })
})
