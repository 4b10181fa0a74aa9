/** Decompressing, against what Node's zlib has compressed. */
import { deflateRawSync, constants } from "node:zlib"
import { describe, expect, it } from "vitest"
import { inflate } from "./Inflate.ts"

const none = new Uint8Array(0)

/** Bytes of a simple generator: words that repeat, and noise. */
const sample = (size: number, noise: number): Uint8Array => {
  const bytes = new Uint8Array(size)
  let seed = 1
  for (let at = 0; at < size; at++) {
    seed = Math.imul(seed, 1_103_515_245) + 12_345 >>> 0
    bytes[at] = (seed >>> 16) % 100 < noise ? seed >>> 24 : "to be or not to be ".charCodeAt(at % 19)
  }
  return bytes
}

describe("inflate", () => {
  it.each([0, 1, 100, 70_000])("gives back %i bytes, at every level and by every strategy", (size) => {
    for (const noise of [0, 20, 100]) {
      const bytes = sample(size, noise)
      for (const level of [0, 1, 6, 9]) {
        for (const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_HUFFMAN_ONLY, constants.Z_FIXED]) {
          const packed = deflateRawSync(bytes, { level, strategy })
          expect(inflate(packed, none, size)).toEqual(bytes)
        }
      }
    }
  })

  it("goes back to a dictionary, and stops where a sender has flushed", () => {
    const dictionary = sample(32_768, 30)
    const bytes = dictionary.slice(20_000, 25_000)
    const packed = deflateRawSync(bytes, { dictionary, finishFlush: constants.Z_SYNC_FLUSH })
    expect(packed.length).toBeLessThan(200)
    expect(inflate(packed, dictionary, 10_000)).toEqual(bytes)
    expect(inflate(packed, none, 10_000)).toBe("a distance to before the beginning")
  })

  it("says what is wrong, and makes no more than it may", () => {
    const packed = deflateRawSync(sample(10_000, 50))
    expect(inflate(packed, none, 9_999)).toBe("more than 9999 bytes")
    for (let at = 0; at < packed.length; at++) {
      const cut = inflate(packed.subarray(0, at), none, 10_000)
      if (at > 0) expect(cut).toBe("the data ends too early")
      const wrong = new Uint8Array(packed)
      wrong[at]! ^= 0x55
      const result = inflate(wrong, none, 20_000)
      expect(typeof result === "string" || result.length <= 20_000).toBe(true)
    }
    expect(inflate(Uint8Array.of(0x07), none, 10)).toBe("a block of no known kind")
    expect(inflate(Uint8Array.of(0x01, 1, 0, 0, 0, 9), none, 10)).toBe("a stored block whose lengths differ")
  })
})
