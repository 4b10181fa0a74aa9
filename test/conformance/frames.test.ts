/**
 * The DCP frames that the scenarios are written in: each has the length it claims, is cut out of a stream as one frame, decodes to a
 * packet of the spec and is written back byte for byte. All of them in one stream come out in order.
 */
import { bytesOfDigits, Framer, hexOf, Reader } from "@wirewright/codec"
import { frameShape } from "@wirewright/memcached/gen/Frame"
import { afterAll, describe, expect, it } from "vitest"
import { dcp, decodeHex, encodeHex, readFixture } from "./Vectors.fixture.ts"

const { frames } = readFixture<{ readonly frames: { readonly [name: string]: { readonly length: number; readonly hex: string } } }>(
  "dcp-frames.json"
)

/** The scenarios negotiated collections: keys carry their collection's id. */
const collections = true

/** What each frame is. */
const tags = new Map<string, string>()

describe("frames of the scenarios", () => {
  for (const [name, { length, hex }] of Object.entries(frames)) {
    it(name, () => {
      const bytes = bytesOfDigits(hex)
      expect(bytes.length).toBe(length)
      const cut: Array<string> = []
      const framer = new Framer(frameShape)
      framer.push(bytes, (reader, at, end) => cut.push(hexOf(reader.slice(at, end))))
      framer.finish()
      expect(cut).toEqual([hex])
      const packet = decodeHex(dcp, hex, collections)
      tags.set(name, packet._tag)
      expect(packet._tag, "known to the spec").not.toMatch(/^Unknown/)
      expect(encodeHex(dcp, packet)).toBe(hex)
    })
  }

  it("all in one stream, fed in pieces of 1, 7 and 1000 bytes", () => {
    const all = Object.values(frames).map(({ hex }) => hex)
    const stream = bytesOfDigits(all.join(""))
    for (const size of [1, 7, 1000]) {
      const out: Array<string> = []
      const framer = new Framer(frameShape)
      for (let at = 0; at < stream.length; at += size) {
        framer.push(stream.slice(at, at + size), (reader, start, end) => {
          out.push(encodeHex(dcp, dcp.decode(new Reader(reader.slice(start, end)), 0, { collections })))
        })
      }
      framer.finish()
      expect(out).toEqual(all)
    }
  })

  afterAll(() => console.log(`frames: ${tags.size} of ${Object.keys(frames).length}: ${[...new Set(tags.values())].join(", ")}`))
})
