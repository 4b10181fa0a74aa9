/** Proves LEB128 against the vectors of Couchbase's own implementations. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { DecodeError } from "./Errors.ts"
import { bytesOfHex } from "./Hex.ts"
import { readLeb128, leb128Size, writeLeb128 } from "./Varint.ts"
import { Reader } from "./Reader.ts"

interface Vector {
  readonly name: string
  readonly kind: string
  readonly hex: string
  readonly value?: string
}

const file = new URL("../../../test/fixtures/mcbp.json", import.meta.url)
const { vectors } = JSON.parse(readFileSync(file, "utf8")) as { readonly vectors: ReadonlyArray<Vector> }
const of = (kind: string): ReadonlyArray<Vector> => vectors.filter((vector) => vector.kind === kind)
const fits = ({ value }: Vector): boolean => BigInt(value!) <= 0xffff_ffffn

const refusal = (bytes: Uint8Array): DecodeError => {
  try {
    readLeb128(new Reader(bytes), 0, bytes.length, 0, "Packet", "id")
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
  throw new Error("was accepted")
}

describe("LEB128", () => {
  it.each(of("uleb128").filter(fits))("$name", ({ hex, value }) => {
    const bytes = bytesOfHex(hex)
    const reader = new Reader(Uint8Array.of(0xff, ...bytes, 0xff))
    expect(readLeb128(reader, 1, reader.bytes.length, 0, "Packet", "id")).toBe(Number(value))
    expect(reader.next).toBe(1 + bytes.length)
    const out = new Uint8Array(8)
    expect(leb128Size(Number(value))).toBe(bytes.length)
    expect(writeLeb128(out, 1, Number(value))).toBe(1 + bytes.length)
    expect(out.slice(1, 1 + bytes.length)).toEqual(bytes)
  })

  it.each([...of("uleb128").filter((vector) => !fits(vector)), ...of("uleb128-noncanonical"), ...of("uleb128-invalid")])(
    "refuses $name",
    ({ hex }) => {
      const error = refusal(bytesOfHex(hex))
      expect(error).toMatchObject({ reason: "Varint", packet: "Packet", path: "id", incomplete: false })
    }
  )

  it("has vectors", () => {
    expect([of("uleb128").length, of("uleb128-noncanonical").length, of("uleb128-invalid").length]).toEqual([15, 7, 4])
  })

  it("refuses more than 32 bits and reads nothing behind the end", () => {
    expect(refusal(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x1f)).reason).toBe("Varint")
    const reader = new Reader(Uint8Array.of(0x80, 0x01))
    expect(() => readLeb128(reader, 0, 1, 0, "Packet", "id")).toThrow(DecodeError)
    expect(() => readLeb128(reader, 2, 2, 0, "Packet", "id")).toThrow(DecodeError)
  })
})
