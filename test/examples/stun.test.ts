/** The spec of STUN against the test vectors of RFC 5769, which are put together here from what it prints. */
import { bytesOfHex } from "@wirewright/codec/Hex"
import { DecodeError, Reader, Writer } from "@wirewright/codec"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Zlib from "node:zlib"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ice, stun } from "../../packages/examples/src/spec/Stun.ts"
import { protocolOf } from "../words/Harness.ts"

const hexOfText = (text: string): string => Buffer.from(text).toString("hex")

const transaction = "b7e7a701bc34d686fa87dfae"
const header = (type: string, length: string): string => `${type}${length}2112a442${transaction}`
const software = `8022000b${hexOfText("test vector ")}`
const integrity = (hmac: string, crc: string): string => `00080014${hmac}80280004${crc}`

/** RFC 5769, 2.1 to 2.3; the password is VOkJxbRl1RmTxUk/WvJxBt. Texts are filled up with spaces. */
const vectors = {
  "2.1 a request": header("0001", "0058") + `80220010${hexOfText("STUN test client")}` + "002400046e0001ff" + "80290008932ff9b151263b36"
    + `00060009${hexOfText("evtj:h6vY   ")}` + integrity("9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2", "e57a3bcf"),
  "2.2 an answer of IPv4": header("0101", "003c") + software + "002000080001a147e112a643"
    + integrity("2b91f599fd9e90c38c7489f92af9ba53f06be7d7", "c07d4c96"),
  "2.3 an answer of IPv6": header("0101", "0048") + software + "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    + integrity("a382954e4be67bf11784c97c8292c275bfe3ed41", "c8fb0b4c")
}

interface Attribute {
  readonly value: { readonly _tag: string; readonly [field: string]: unknown }
}

let gen: Awaited<ReturnType<typeof protocolOf>>["gen"]
let directory: string
beforeAll(async () => {
  ;({ directory, gen } = await protocolOf(stun))
})
afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

describe("RFC 5769", () => {
  const read = (hex: string) =>
    gen["decode"]!(new Reader(bytesOfHex(hex))) as { _tag: string; transaction: Uint8Array; attributes: ReadonlyArray<Attribute> }
  const attributesOf = (hex: string) => Object.fromEntries(read(hex).attributes.map(({ value: { _tag, ...fields } }) => [_tag, fields]))

  it("a request", () => {
    const hex = vectors["2.1 a request"]
    expect(read(hex)._tag).toBe("BindingRequest")
    expect(Buffer.from(read(hex).transaction).toString("hex")).toBe(transaction)
    expect(attributesOf(hex)).toMatchObject({
      Software: { text: "STUN test client" },
      Priority: { priority: 0x6e0001ff },
      IceControlled: { tieBreaker: 0x932ff9b151263b36n },
      Username: { name: "evtj:h6vY" }
    })
  })

  it("answers, whose addresses are 192.0.2.1 and 2001:db8:1234:5678:11:2233:4455:6677, port 32853", () => {
    const key = Buffer.from(`2112a442${transaction}`, "hex")
    const addresses = ["2.2 an answer of IPv4", "2.3 an answer of IPv6"].map((name) => {
      const { address } = attributesOf(vectors[name as keyof typeof vectors])["XorMappedAddress"] as {
        address: { ip: Uint8Array; port: number }
      }
      expect(address.port ^ key.readUInt16BE(0)).toBe(32_853)
      return Buffer.from(address.ip.map((byte, i) => byte ^ key[i]!)).toString("hex")
    })
    expect(addresses).toEqual(["c0000201", "20010db8123456780011223344556677"])
  })

  it.each(Object.entries(vectors))("%s: what stands here is what the RFC prints, as its HMAC says", (_, hex) => {
    const bytes = Buffer.from(hex, "hex")
    const { MessageIntegrity } = attributesOf(hex)
    const before = Buffer.from(bytes.subarray(0, bytes.length - 32))
    before.writeUInt16BE(bytes.length - 28, 2)
    const hmac = Crypto.createHmac("sha1", "VOkJxbRl1RmTxUk/WvJxBt").update(before).digest("hex")
    expect(Buffer.from((MessageIntegrity as { hmac: Uint8Array }).hmac).toString("hex")).toBe(hmac)
  })
})

describe("FINGERPRINT, CRC-32 XOR 0x5354554e (RFC 8489, 14.7), of the same vectors", () => {
  let of: Awaited<ReturnType<typeof protocolOf>>
  beforeAll(async () => {
    of = await protocolOf(ice)
  })
  afterAll(() => Fs.rmSync(of.directory, { recursive: true, force: true }))

  const read = (bytes: Uint8Array) => of.gen["decode"]!(new Reader(bytes)) as { attributes: ReadonlyArray<Attribute> }

  it.each(Object.entries(vectors))("%s: verified, and written as zlib computes it", (title, hex) => {
    const bytes = bytesOfHex(hex)
    const packet = read(bytes)
    expect(packet.attributes.map(({ value }) => value._tag)).not.toContain("Fingerprint")
    expect(packet).not.toHaveProperty("crc")
    const writer = new Writer()
    of.gen["encode"]!(writer, packet)
    const own = Buffer.from(writer.take()).toString("hex")
    // the padding of the RFC is ignored and written as zeros, so that the CRC is another: zlib's
    const before = Buffer.from(own, "hex").subarray(0, -8)
    const crc = (Zlib.crc32(before) ^ 0x5354554e) >>> 0
    expect(own.slice(-16)).toBe(`80280004${crc.toString(16).padStart(8, "0")}`)
    expect(read(bytesOfHex(own))).toEqual(packet)
    expect([own.length, own.slice(0, 40)], title).toEqual([hex.length, hex.slice(0, 40)])
  })

  it.each(Object.entries(vectors))("%s: any byte of it that differs is told", (_, hex) => {
    for (const at of [3, 9, 40, hex.length / 2 - 1]) {
      const bytes = bytesOfHex(hex)
      bytes[at]! ^= 1
      expect(() => read(bytes), String(at)).toThrow(DecodeError)
    }
    const bytes = bytesOfHex(hex)
    bytes[bytes.length - 1]! ^= 1
    expect(() => read(bytes)).toThrow(/crc.*expected 0x/)
  })
})
