/** The short way to tell sound requests says yes only where the decoder does, whatever is done to the packets. */
import { type DecodeError, Reader } from "@wirewright/codec"
import { random } from "@wirewright/codec/Random.fixture"
import { decodeRequest } from "@wirewright/memcached/gen"
import { packet } from "../../memcached/src/RawClient.fixture.ts"
import { describe, expect, it } from "vitest"
import { expectSound, soundByLengths } from "./Soundness.ts"

const decodes = (bytes: Uint8Array): boolean => {
  try {
    decodeRequest(new Reader(bytes), 0)
    return true
  } catch (error) {
    expect((error as DecodeError)._tag).toBe("DecodeError")
    return false
  }
}

const short = (bytes: Uint8Array): boolean => soundByLengths(new Reader(bytes), 0)
const extras = "0000000000000000"

describe("soundness by lengths", () => {
  it.each([
    ["a get", packet(0x00, { key: "k" }), true],
    ["a key of 250 bytes", packet(0x00, { key: "k".repeat(250) }), true],
    ["a key of 251 bytes", packet(0x00, { key: "k".repeat(251) }), false],
    ["no key", packet(0x00), false],
    ["a get with a value", packet(0x00, { key: "k", value: "v" }), false],
    ["a set", packet(0x01, { key: "k", extras, value: "v" }), true],
    ["a set of nothing", packet(0x01, { key: "k", extras }), true],
    ["a set without extras", packet(0x01, { key: "k", value: "v" }), false],
    [
      "a set whose key overruns",
      (() => {
        const bytes = packet(0x01, { key: "k", extras })
        bytes.writeUInt16BE(2, 2)
        return bytes
      })(),
      false
    ],
    ["another command", packet(0x0b), false]
  ])("%s", (_, bytes, sound) => {
    expect(short(bytes)).toBe(sound)
    if (sound) expect(decodes(bytes)).toBe(true)
  })

  it("agrees with the decoder on 50 000 packets with random headers", () => {
    const below = random(20_261_121)
    let yes = 0
    for (let i = 0; i < 50_000; i++) {
      const opcode = [0x00, 0x01, 0x09, 0x0c, 0x0d, 0x11, below(256)][below(7)]!
      const bytes = packet(opcode, { key: "k".repeat(below(4) === 0 ? 249 + below(4) : below(4)), extras: below(2) === 0 ? "" : extras })
      if (below(4) === 0) bytes[2 + below(10)] = below(256)
      // the framer hands over whole frames only
      const size = 24 + bytes.readUInt32BE(8)
      if (size > 4096) continue
      const whole = Buffer.concat([bytes, Buffer.alloc(Math.max(0, size - bytes.length))]).subarray(0, size)
      if (!short(whole)) continue
      yes++
      expect(decodes(whole), whole.toString("hex")).toBe(true)
    }
    expect(yes).toBeGreaterThan(5_000)
  })

  it("leaves the words about what is unsound to the decoder", () => {
    expect(() => expectSound(new Reader(packet(0x00, { key: "k".repeat(251) })), 0)).toThrow(/key/)
  })
})
