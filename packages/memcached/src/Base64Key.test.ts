/** Keys in base64 against Node's own, and what memcached 1.6.18 makes of what is none (`base64.c`, vectors `base64-*`). */
import { describe, expect, test } from "vitest"
import { decodeKey, encodeKey } from "./Base64Key.ts"

const decoded = (text: string): string | undefined => {
  const bytes = Buffer.from(` ${text} `, "latin1")
  return decodeKey(bytes, 1, bytes.length - 1)
}

const encoded = (key: string): string => {
  const bytes = new Uint8Array(400)
  return Buffer.from(bytes.subarray(1, encodeKey(bytes, 1, key))).toString("latin1")
}

describe("keys in base64", () => {
  test("of 1 to 186 bytes, there and back", () => {
    for (let length = 1; length <= 186; length++) {
      const key = "k".repeat(length - 1) + "~"
      const base64 = Buffer.from(key).toString("base64")
      expect([encoded(key), decoded(base64)]).toEqual([base64, key])
    }
  })

  test("whose bytes are no UTF-8, or line ends", () => {
    for (const hex of ["ff", "00", "0d0a", "80ff", "c3a9", "e28282ff00", "fffefd"]) {
      const base64 = Buffer.from(hex, "hex").toString("base64")
      expect(encoded(decoded(base64)!)).toBe(base64)
    }
  })

  test.each(["", "Zm9", "Zm9*", "Z", "====", "Zm=="])("%o", (text) => expect(decoded(text)).toBe(text === "Zm==" ? "f" : undefined))

  test("other bytes are passed over", () => expect(decoded("Z*m9-v")).toBe("foo"))
})
