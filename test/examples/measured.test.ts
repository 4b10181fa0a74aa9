/**
 * Lengths and counts in bits: the specs of RTP and IPv4 against packets that scapy 2.5.0 made (`IP(…)/ICMP(…)`, `RTP(…, sync=[…])`), which does
 * its own arithmetic. `test/peers/measured.test.ts` has Wireshark read what the specs write.
 */
import { DecodeError, Reader, Writer } from "@wirewright/codec"
import { bytesOfHex, hexOf } from "@wirewright/codec/Hex"
import { ksyOf } from "@wirewright/codegen/ksy/Ksy"
import { malformed } from "@wirewright/codegen/sample/Malformed"
import { Sampler } from "@wirewright/codegen/sample/Sampler"
import * as Fs from "node:fs"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ipv4 } from "../../packages/examples/src/spec/Ipv4.ts"
import { rtp } from "../../packages/examples/src/spec/Rtp.ts"
import { plain, protocolOf } from "../words/Harness.ts"

type Made = Awaited<ReturnType<typeof protocolOf>>

const made = new Map<string, Made>()
beforeAll(async () => {
  for (const protocol of [ipv4, rtp]) made.set(protocol.name, await protocolOf(protocol))
})
afterAll(() => {
  for (const { directory } of made.values()) Fs.rmSync(directory, { recursive: true, force: true })
})

const read = (name: string, hex: string): Record<string, unknown> =>
  made.get(name)!.gen["decode"]!(new Reader(bytesOfHex(hex)!)) as Record<string, unknown>

const written = (name: string, value: object): string => {
  const writer = new Writer()
  made.get(name)!.gen["encode"]!(writer, value)
  return hexOf(writer.bytes.subarray(0, writer.position))
}

/** What scapy made, and what it was told to make. */
const packets: ReadonlyArray<readonly [title: string, name: string, hex: string, value: object]> = [
  ["RTP with two contributing sources", "rtp", "82e0123489abcdefcafebabe112233445566778868656c6c6f", {
    marker: 1,
    payloadType: 96,
    sequence: 0x1234,
    timestamp: 0x89abcdef,
    ssrc: 0xcafebabe,
    csrc: [0x11223344, 0x55667788],
    payload: "68656c6c6f"
  }],
  ["RTP with an extension of one word", "rtp", "90080001000000a000000007bede000110ff0000d5d5d5d5", {
    payloadType: 8,
    csrc: [],
    extension: { profile: 0xbede, data: { bytes: "10ff0000" } },
    payload: "d5d5d5d5"
  }],
  [
    "IPv4 with a route to be recorded",
    "ipv4",
    "4800002c04d2400040013bb8c0000201c6336407070b04000000000000000000080033360001000261626364",
    {
      identification: 0x4d2,
      dontFragment: 1,
      timeToLive: 64,
      protocol: 1,
      source: "c0000201",
      destination: "c6336407",
      options: "070b04000000000000000000",
      payload: "080033360001000261626364"
    }
  ],
  ["IPv4 with a router alert", "ipv4", "460000200007000001023895c0000201c633640794040000160009f8e0000005", {
    timeToLive: 1,
    protocol: 2,
    options: "94040000",
    payload: "160009f8e0000005"
  }],
  ["IPv4 without options", "ipv4", "4500001d00010000401166cd0a0000010a00000200010002000973d678", { protocol: 17, options: "" }]
]

describe("what scapy makes", () => {
  it.each(packets)("%s is read and written again", (_, name, hex, value) => {
    const expected = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, typeof one === "string" ? { bytes: one } : one]))
    const decoded = read(name, hex)
    expect(plain(decoded)).toMatchObject(expected)
    expect(written(name, decoded)).toBe(hex)
  })

  it.each(packets)("%s: lengths and counts are absent from the packet", (_, name, hex) => {
    const decoded = read(name, hex)
    for (const derived of ["sources", "headerWords", "totalLength", "headerChecksum", "head", "hasExtension"]) {
      expect(decoded).not.toHaveProperty(derived)
    }
  })
})

describe("what is no packet", () => {
  it("a header of less than five words", () => {
    expect(() => read("ipv4", `44${packets[4]![2].slice(2)}`)).toThrow(/headerWords.*at least 5/)
  })

  it("options that are no whole words, or too many", () => {
    const value = read("ipv4", packets[3]![2])
    expect(() => written("ipv4", { ...value, options: new Uint8Array(5) })).toThrow(/options.*a multiple of 4 bytes/)
    expect(() => written("ipv4", { ...value, options: new Uint8Array(44) })).toThrow(/options.*0…15/)
  })

  it("more sources than a count of four bits has", () => {
    expect(() => written("rtp", { ...read("rtp", packets[0]![2]), csrc: new Array<number>(16).fill(1) })).toThrow(/csrc.*0…15/)
  })
})

describe.each(["ipv4", "rtp"])("samples of %s", (name) => {
  it("are read as they are meant, and written again", () => {
    const { catalog } = made.get(name)!
    const sampler = new Sampler(catalog, { seed: 3 })
    let samples = 0
    for (const sample of sampler.all({ count: 60 })) {
      const hex = hexOf(sample.bytes)
      expect(plain(read(name, hex)), hex).toEqual(plain(sampler.packet(sample)))
      expect(written(name, read(name, hex))).toBe(hex)
      samples++
    }
    expect(samples).toBe(60)
    expect(sampler.refusals.size).toBe(0)
  })

  it("are refused when they are malformed", () => {
    const { catalog } = made.get(name)!
    const [plan] = new Sampler(catalog, { seed: 2 }).plans
    const bad = malformed(new Sampler(catalog, { seed: 2 }), { packet: plan!.tag, seeds: 5, changes: 60 })
    expect(bad.length).toBeGreaterThan(3)
    for (const { bytes } of bad) expect(() => read(name, hexOf(bytes)), hexOf(bytes)).toThrow(DecodeError)
  })

  it("are described for Kaitai Struct, checksums apart", () => {
    const unsaid = ksyOf(made.get(name)!.catalog).flatMap((one) => one.unsaid)
    expect(unsaid.filter((one) => !one.includes("header_checksum"))).toEqual([])
  })
})
