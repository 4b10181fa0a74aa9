/** The generated functions that read and write single fields of a header agree with the vectors, and with the decoder. */
import { bytesOfDigits, Reader } from "@wirewright/codec"
import * as Gen from "@wirewright/dcp/gen"
import { afterAll, describe, expect, it } from "vitest"
import { packetVectors, specExamples } from "./Vectors.fixture.ts"

let vectors = 0
afterAll(() => console.log(`headers: ${vectors} vectors, ${specExamples.length} examples`))

describe("accessors of headers", () => {
  it("say what a script says that knows nothing of us", () => {
    for (const { fields, hex, name, problems } of packetVectors) {
      const bytes = bytesOfDigits(hex)
      if (problems !== undefined || bytes.length < Gen.headerSize) continue
      const reader = new Reader(bytes)
      expect({
        magic: Gen.magicAt(reader, 0),
        opcode: Gen.opcodeAt(reader, 0),
        key: Gen.keyLengthAt(reader, 0),
        extras: Gen.extrasLengthAt(reader, 0),
        framing: Gen.framingLengthAt(reader, 0),
        datatype: Gen.datatypeAt(reader, 0),
        body: Gen.bodyLengthAt(reader, 0),
        opaque: Gen.opaqueAt(reader, 0),
        cas: Gen.casAt(reader, 0)
      }, name).toEqual({
        magic: Number(fields.magic),
        opcode: Number(fields.opcode),
        key: fields.keylen,
        extras: fields.extlen,
        framing: fields.framing_extras_len ?? 0,
        datatype: Number(fields.datatype),
        body: fields.bodylen,
        opaque: Number(fields.opaque),
        cas: BigInt(fields.cas)
      })
      if (fields.status === undefined) expect(Gen.vbucketAt(reader, 0), name).toBe(fields.vbucket)
      else expect(Gen.statusAt(reader, 0), name).toBe(Number(fields.status))
      expect(Gen.extrasAt(reader, 0), name).toBe(24 + (fields.framing_extras_len ?? 0))
      expect(Gen.valueAt(reader, 0), name).toBe(24 + (fields.framing_extras_len ?? 0) + fields.extlen + fields.keylen)
      expect(Gen.endAt(reader, 0), name).toBe(24 + fields.bodylen)
      vectors++
    }
    expect(vectors).toBeGreaterThan(200)
  })

  it("of a frame that is not the first in its buffer", () => {
    const [first, second] = specExamples.filter(({ name }) => /opaque|dcp/i.test(name))
    const bytes = Uint8Array.from([...first!.bytes, ...second!.bytes])
    const at = first!.bytes.length
    const reader = new Reader(bytes)
    const alone = new Reader(second!.bytes)
    expect(Gen.kindAt(reader, at)).toBe(Gen.kindAt(alone, 0))
    expect(Gen.opaqueAt(reader, at)).toBe(Gen.opaqueAt(alone, 0))
    expect(Gen.keyAt(reader, at)).toBe(at + Gen.keyAt(alone, 0))
    expect(Gen.endAt(reader, at)).toBe(bytes.length)
  })

  it("write what they read, and nothing else", () => {
    const { bytes } = specExamples.find(({ command }) => command === "DcpMutation")!
    const copy = bytes.slice()
    const reader = new Reader(copy)
    Gen.setOpcodeAt(reader, 0, 0x12)
    Gen.setDatatypeAt(reader, 0, 0x34)
    Gen.setVbucketAt(reader, 0, 0x5678)
    Gen.setOpaqueAt(reader, 0, 0x9abc_def0)
    Gen.setCasAt(reader, 0, 0x1122_3344_5566_7788n)
    const header = Buffer.from(copy.subarray(0, 24)).toString("hex")
    const before = Buffer.from(bytes.subarray(0, 24)).toString("hex")
    expect(header).toBe(`${before.slice(0, 2)}12${before.slice(4, 10)}345678${before.slice(16, 24)}9abcdef01122334455667788`)
    expect(copy.subarray(24)).toEqual(bytes.subarray(24))
  })
})
