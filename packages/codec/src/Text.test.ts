/** Proves that text loses no byte, with Node's native functions and without, and that only UTF-8 counts as UTF-8. */
import { afterEach, describe, expect, it, vi } from "vitest"
import { random } from "./Random.fixture.ts"

const invalid: ReadonlyArray<readonly [name: string, bytes: ReadonlyArray<number>]> = [
  ["continuation alone", [0x80]],
  ["last continuation alone", [0xbf]],
  ["overlong two bytes c0", [0xc0, 0x80]],
  ["overlong two bytes c1", [0xc1, 0xbf]],
  ["overlong three bytes", [0xe0, 0x80, 0x80]],
  ["overlong three bytes, last", [0xe0, 0x9f, 0xbf]],
  ["overlong four bytes", [0xf0, 0x80, 0x80, 0x80]],
  ["overlong four bytes, last", [0xf0, 0x8f, 0xbf, 0xbf]],
  ["first surrogate", [0xed, 0xa0, 0x80]],
  ["last surrogate", [0xed, 0xbf, 0xbf]],
  ["beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ["lead byte f5", [0xf5, 0x80, 0x80, 0x80]],
  ["fe", [0xfe]],
  ["ff", [0xff]],
  ["two bytes cut off", [0xc3]],
  ["three bytes cut off", [0xe2, 0x82]],
  ["four bytes cut off", [0xf0, 0x9f, 0x98]],
  ["lead byte, then ASCII", [0xe2, 0x28, 0xa1]],
  ["sequence broken by another", [0xf0, 0x9f, 0xc3, 0xa4]]
]

const valid: ReadonlyArray<string> = [
  "",
  "plain",
  "\u0000\u007f",
  "ä\u0080\u07ff",
  "€\u0800\ud7ff\ue000\uffff",
  "😀\u{10000}\u{10ffff}",
  "\ufffd is itself",
  "\ufeffmark"
]

const load = async (withBuffer: boolean) => {
  vi.resetModules()
  const globals = globalThis as { Buffer?: unknown }
  const buffer = globals.Buffer
  if (!withBuffer) delete globals.Buffer
  try {
    return await import("./Text.ts")
  } finally {
    globals.Buffer = buffer
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])

afterEach(() => vi.resetModules())

describe.each([["native", true], ["without Buffer", false]])("text, %s", (_, withBuffer) => {
  it("keeps every invalid sequence, alone and between text", async () => {
    const { decodeText, encodeText, hasEscapes, isUtf8, textBound, textLength } = await load(withBuffer)
    for (const [name, sequence] of invalid) {
      for (
        const bytes of [Uint8Array.from(sequence), Uint8Array.from([0x61, ...sequence, 0x7a]), Uint8Array.from([0xc3, 0xa4, ...sequence])]
      ) {
        const text = decodeText(bytes, 0, bytes.length)
        expect(isUtf8(bytes, 0, bytes.length), name).toBe(false)
        expect(hasEscapes(text), name).toBe(true)
        expect(text, name).not.toContain("\ufffd")
        expect(textLength(text), name).toBe(bytes.length)
        const out = new Uint8Array(textBound(text) + 2)
        expect(encodeText(out, 1, text), name).toBe(bytes.length)
        expect(out.slice(1, 1 + bytes.length), name).toEqual(bytes)
      }
    }
    expect(decodeText(Uint8Array.of(0x61, 0x80, 0xff), 0, 3)).toBe("a\udc80\udcff")
  })

  it("leaves valid text alone", async () => {
    const { decodeText, encodeText, hasEscapes, isUtf8, textBound, textLength } = await load(withBuffer)
    for (const text of valid) {
      const bytes = new TextEncoder().encode(text)
      expect(decodeText(bytes, 0, bytes.length)).toBe(text)
      expect(isUtf8(bytes, 0, bytes.length)).toBe(true)
      expect(hasEscapes(text)).toBe(false)
      expect(textLength(text)).toBe(bytes.length)
      const out = new Uint8Array(textBound(text))
      expect(encodeText(out, 0, text)).toBe(bytes.length)
      expect(out.slice(0, bytes.length)).toEqual(bytes)
    }
  })

  it("writes surrogates that stand for no byte as U+FFFD", async () => {
    const { encodeText, textLength } = await load(withBuffer)
    for (const text of ["\ud800", "\udc00", "\udfff", "\ud800a", "a\ud83d\udc80\udc80"]) {
      const out = new Uint8Array(32)
      expect(encodeText(out, 0, text)).toBe(textLength(text))
    }
    const out = new Uint8Array(3)
    encodeText(out, 0, "\ud800")
    expect([...out]).toEqual([0xef, 0xbf, 0xbd])
  })

  it("is not fooled when the buffer ends where the text does", async () => {
    const { encodeText, textLength } = await load(withBuffer)
    // 3 bytes of each U+FFFD fit 1366 times: as many bytes as there are characters
    for (const room of [0, 1, 2, 3, 4]) {
      const text = "\udc80".repeat(4098)
      const out = new Uint8Array(textLength(text) + room)
      expect(encodeText(out, 0, text)).toBe(4098)
      expect(out.subarray(0, 4098).every((byte) => byte === 0x80)).toBe(true)
    }
  })

  it("reads text of every length, ASCII or not, and nothing beside it", async () => {
    const { decodeText } = await load(withBuffer)
    const oracle = new TextDecoder()
    for (let length = 0; length <= 66; length++) {
      const bytes = Uint8Array.from({ length: length + 4 }, (_, i) => 0x21 + (i + length) % 90)
      bytes.set([0xff, 0xc3], 0)
      bytes.set([0xa9, 0xff], 2 + length)
      const plain = decodeText(bytes, 2, 2 + length)
      const expected = oracle.decode(bytes.subarray(2, 2 + length))
      for (let at = 0; at + 2 <= length; at++) {
        const other = bytes.slice()
        other.set([0xc3, 0xa9], 2 + at)
        expect(decodeText(other, 2, 2 + length)).toBe(oracle.decode(other.subarray(2, 2 + length)))
      }
      expect(plain).toBe(expected)
    }
  })

  it("keeps random bytes", async () => {
    const { decodeText, encodeText, textBound, textLength } = await load(withBuffer)
    const seed = 20261120
    const next = random(seed)
    const lead = [0x41, 0x7f, 0x80, 0xbf, 0xc2, 0xc3, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff, 0xa0, 0x90]
    for (let round = 0; round < 3000; round++) {
      const bytes = Uint8Array.from({ length: next(40) }, () => next(2) === 0 ? lead[next(lead.length)]! : next(256))
      const text = decodeText(bytes, 0, bytes.length)
      const out = new Uint8Array(textBound(text))
      const size = encodeText(out, 0, text)
      if (size !== textLength(text) || !same(out.slice(0, size), bytes)) {
        expect(out.slice(0, size), `seed ${seed}, round ${round}`).toEqual(bytes)
      }
    }
  })
})

describe("the order of texts", () => {
  it("is that of their bytes, whatever is UTF-8 among them", async () => {
    const { compareText, decodeText } = await load(true)
    const seed = 20261128
    const next = random(seed)
    const pool = [..."aé€😀\ue000\uffff"].map((one) => new TextEncoder().encode(one))
    const bytesOf = () =>
      Buffer.concat(
        Array.from({ length: next(4) }, () =>
          next(2) === 0 ? pool[next(pool.length)]! : Uint8Array.of([0x7f, 0x80, 0xc3, 0xf0, 0xff][next(5)]!))
      )
    for (let round = 0; round < 5000; round++) {
      const [left, right] = [bytesOf(), bytesOf()]
      const order = compareText(decodeText(left, 0, left.length), decodeText(right, 0, right.length))
      expect(Math.sign(order), `seed ${seed}: ${left.toString("hex")} ${right.toString("hex")}`).toBe(Buffer.compare(left, right))
    }
  })

  it("has characters beyond U+FFFF last, which UTF-16 has not, and a byte that is no UTF-8 where its value is", async () => {
    const { compareText } = await load(true)
    expect(["\u{10000}", "\uffff", "\udcc3", "é", "z", "", "za"].toSorted(compareText)).toEqual([
      "",
      "z",
      "za",
      "\udcc3",
      "é",
      "\uffff",
      "\u{10000}"
    ])
  })
})
