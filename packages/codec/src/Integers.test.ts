/** Floats: whatever NaN is written, its bytes are those of the canonical quiet one, as IEEE 754 prefers and other languages write it. */
import { expect, it } from "vitest"
import { putF32, putF64 } from "./Integers.ts"

/** NaNs with payloads and signs, as their bits. */
const nans64 = [0x7ff8000000000000n, 0xfff8000000000000n, 0x7ff0000000000001n, 0xfff123456789abcdn, 0x7fffffffffffffffn]
const nans32 = [0x7fc00000, 0xffc00000, 0x7f800001, 0xffb8450a, 0x7fffffff]

const bytes = (write: (view: DataView) => void, size: number): string => {
  const view = new DataView(new ArrayBuffer(size))
  write(view)
  return Buffer.from(view.buffer).toString("hex")
}

it("writes every NaN as the same one", () => {
  for (const bits of nans64) {
    const view = new DataView(new ArrayBuffer(8))
    view.setBigUint64(0, bits)
    const value = view.getFloat64(0)
    expect(value).toBeNaN()
    expect(bytes((one) => putF64(one, 0, value, "P", "x"), 8), bits.toString(16)).toBe("7ff8000000000000")
    expect(bytes((one) => putF64(one, 0, value, "P", "x", true), 8)).toBe("000000000000f87f")
  }
  for (const bits of nans32) {
    const view = new DataView(new ArrayBuffer(4))
    view.setUint32(0, bits)
    const value = view.getFloat32(0)
    expect(value).toBeNaN()
    expect(bytes((one) => putF32(one, 0, value, "P", "x"), 4), bits.toString(16)).toBe("7fc00000")
    expect(bytes((one) => putF32(one, 0, value, "P", "x", true), 4)).toBe("0000c07f")
  }
})

it("writes other numbers as they are", () => {
  expect(bytes((one) => putF64(one, 0, -0, "P", "x"), 8)).toBe("8000000000000000")
  expect(bytes((one) => putF64(one, 0, -Infinity, "P", "x"), 8)).toBe("fff0000000000000")
  expect(bytes((one) => putF32(one, 0, 1.5, "P", "x"), 4)).toBe("3fc00000")
})
