/**
 * Packets that others wrote or recorded (documents, unit tests and clients of Couchbase, a live memcached 1.6.18) against the generated
 * codecs: each decodes to the fields that an independent script found in it and is written back byte for byte; each known mistake of the
 * documents is refused for the right reason, and its correction is taken.
 */
import {
  type AnyPacket,
  bytesOfDigits,
  type DecodeReason,
  encodeText,
  flatFields,
  Framer,
  hexOf,
  readNibbleFrames,
  Reader,
  readLeb128,
  textBound,
  textLength,
  leb128Size,
  writeLeb128
} from "@wirewright/codec"
import { layoutsOf } from "@wirewright/codec/Catalog"
import type { FieldModel, LayoutModel } from "@wirewright/codec/Model"
import { decodeDuration, maxDuration } from "../../packages/couchbase/src/ServerDuration.ts"
import { decodeXattrValue, encodeXattrValue, readXattrValue } from "@wirewright/couchbase/gen"
import { encodeDuration } from "@wirewright/couchbase/internal"
import { boundRequestFrame, frameShape, readRequestFrame, writeRequestFrame } from "@wirewright/memcached/gen"
import { encodeWith, Writer } from "@wirewright/codec/Writer"
import { afterAll, describe, expect, it } from "vitest"
import {
  decodeHex,
  dialectOf,
  encodeHex,
  hasCollections,
  packetVectors,
  type Protocol,
  readFixture,
  refusalOf,
  type Vector,
  type VectorFields,
  vectors
} from "./Vectors.fixture.ts"

const exceptions = readFixture<{ readonly exceptions: { readonly [name: string]: string } }>("vector-exceptions.json").exceptions

/** Fields that the vectors name otherwise: `Tag.field`, or `field` for all packets. */
const renamed: { readonly [name: string]: string } = {
  "cas": "documentCas",
  "path_len": "pathLength",
  "DcpAddStreamResponse.opaque": "streamOpaque",
  "DcpStreamEnd.status": "reason",
  "GetMetaResponse.seqno": "revSeqno",
  "GetMetaResponse.datatype": "documentDatatype",
  "SubdocMultiMutationSubdocMultiPathFailure.index": "failedIndex",
  "SubdocMultiMutationSubdocMultiPathFailure.status": "failedStatus"
}

/** Fields of records, by the same rule. */
const renamedInRecords: { readonly [name: string]: string } = { expiry: "expiration" }

const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** Bytes of text, bytes, a number as LEB128, or a record of those. */
const wire = (value: unknown): string => {
  if (value instanceof Uint8Array) return hexOf(value)
  if (typeof value === "string") {
    const bytes = new Uint8Array(textBound(value) + 4)
    return hexOf(bytes.subarray(0, encodeText(bytes, 0, value)))
  }
  if (typeof value === "number") {
    const bytes = new Uint8Array(5)
    return hexOf(bytes.subarray(0, writeLeb128(bytes, 0, value)))
  }
  if (typeof value === "object" && value !== null) return Object.values(value).map(wire).join("")
  return ""
}

const layoutOf = ({ catalog }: Protocol, packet: AnyPacket): LayoutModel | undefined => {
  const layouts = layoutsOf(catalog.byTag(packet._tag)!)
  return layouts.length === 1 ? layouts[0] : layouts.find(({ name }) => name === packet["layout"])
}

const fieldsOf = (layout: LayoutModel | undefined, section: string): ReadonlyArray<FieldModel> =>
  layout?.sections.find((one) => one.section === section)?.fields ?? []

/** A field's value; of those that packets do not carry, what the encoder puts there. */
const valueOf = (packet: AnyPacket, fields: ReadonlyArray<FieldModel>, name: string): unknown => {
  if (packet[name] !== undefined) return packet[name]
  const type = fields.find((field) => field.name === name)?.type
  if (type?.kind === "constant") return type.value
  if (type?.kind === "lengthOf") return wire(packet[String(type.target)]).length / 2
  // a record in the extras
  for (const value of Object.values(packet)) {
    if (typeof value === "object" && value !== null && name in value) return (value as { readonly [name: string]: unknown })[name]
  }
  return undefined
}

const expectValue = (actual: unknown, expected: unknown, label: string): void => {
  if (typeof expected === "number" || typeof expected === "bigint") {
    expect(typeof actual === "number" || typeof actual === "bigint" || typeof actual === "string" ? BigInt(actual) : actual, label)
      .toBe(BigInt(expected))
  } else expect(wire(actual), label).toBe(String(expected).replace(/^0x/, ""))
}

/** The header, as numbers. */
const expectHeader = (packet: AnyPacket, fields: VectorFields): void => {
  expect(packet["magic"], "magic").toBe(Number(fields.magic))
  expect(packet["opcode"], "opcode").toBe(Number(fields.opcode))
  expect(packet["datatype"], "datatype").toBe(Number(fields.datatype))
  if (fields.vbucket !== undefined) expect(packet["vbucket"], "vbucket").toBe(fields.vbucket)
  if (fields.status !== undefined) expect(packet["status"], "status").toBe(Number(fields.status))
  expect(packet["opaque"], "opaque").toBe(Number(fields.opaque))
  expect(packet["cas"], "cas").toBe(BigInt(fields.cas))
}

const frameNames: { readonly [direction: string]: ReadonlyArray<string> } = {
  request: ["Barrier", "Durability", "DcpStreamId", "OpenTracing", "Impersonate", "PreserveTtl", "ExtraPrivilege", "UserTokenId"],
  response: ["ServerDuration", "ReadUnits", "WriteUnits", "ThrottleDuration"]
}

const expectFraming = (packet: AnyPacket, fields: VectorFields): void => {
  const frames = packet["framing"] as ReadonlyArray<{ readonly [name: string]: unknown }> | undefined
  const expected = fields.framing_extras ?? []
  expect(frames?.length ?? 0, "framing").toBe(expected.length)
  const names = frameNames[fields.vbucket === undefined ? "response" : "request"]!
  expected.forEach((want, i) => {
    const frame = frames![i]!
    expect(frame["_tag"], `framing[${i}]`).toBe(names[want.id] ?? "Unknown")
    if (names[want.id] === undefined) {
      expect(frame["tag"]).toBe(want.id)
      expect(wire(frame["bytes"])).toBe(want.data)
    }
    if (want.level !== undefined) expect(frame["level"]).toBe(want.level)
    expect(frame["timeout"]).toBe(want.timeout_ms)
    if (want.encoded !== undefined) expect(frame["encodedDuration"] ?? frame["units"]).toBe(want.encoded)
    if (want.value !== undefined) expect(frame["streamId"] ?? frame["units"] ?? frame["tokenId"]).toBe(want.value)
    if (want.text !== undefined) expect(frame["user"] ?? frame["privilege"]).toBe(want.text)
  })
}

/** Each named value of a value section; lists by their elements, nested records looked into. */
const expectValueFields = (packet: AnyPacket, fields: ReadonlyArray<FieldModel>, expected: unknown): void => {
  if (Array.isArray(expected)) {
    const list = Object.entries(packet).find(([name, value]) => name !== "framing" && Array.isArray(value))?.[1] as ReadonlyArray<unknown>
    expect(list?.length, "elements").toBe(expected.length)
    expected.forEach((want: { readonly [name: string]: unknown }, i) => {
      const element = list[i]
      if (typeof element !== "object" || element === null) {
        expect(Object.values(want), `element ${i}`).toEqual([element])
        return
      }
      for (const [name, value] of Object.entries(want)) {
        const record = element as { readonly [name: string]: unknown }
        const key = camel(name)
        const length = name === "key_len" ? "key" : name === "value_len" ? "value" : name === "path_len" ? "path" : undefined
        if (length !== undefined) expect(wire(record[length]).length / 2, `${i}.${name}`).toBe(Number(value))
        else expectValue(record[key] ?? record[renamedInRecords[key] ?? ""], value, `${i}.${name}`)
      }
    })
    return
  }
  for (const [name, value] of Object.entries(expected as { readonly [name: string]: unknown })) {
    if (name === "format") {
      expect(packet["layout"]).toBe(value === 0 ? "NoFailover" : "HardFailover")
      continue
    }
    const field = renamed[`${packet._tag}.${name}`] ?? camel(name)
    expectValue(valueOf(packet, fields, field), value, `value.${name}`)
  }
}

/** The named attributes and the body of a value with attributes. */
const expectXattrs = (bytes: Uint8Array, expected: NonNullable<VectorFields["xattrs"]>): void => {
  const value = decodeXattrValue(bytes)
  expect(Object.fromEntries(value.pairs.map(({ pair }) => [pair.key, pair.value]))).toEqual(expected.pairs)
  expect(hexOf(value.body)).toBe(expected.body_hex)
  expect(bytes.length).toBe(4 + expected.section_len + expected.body_hex.length / 2)
  const writer = new Writer()
  encodeXattrValue(writer, value)
  expect(hexOf(writer.take())).toBe(hexOf(bytes))
}

/** The whole check; returns the packet. Throws `DecodeError` when the bytes are refused. */
const expectPacket = (protocol: Protocol, hex: string, fields: VectorFields): AnyPacket => {
  const collections = hasCollections(fields)
  const packet = decodeHex(protocol, hex, collections)
  const layout = layoutOf(protocol, packet)
  expectHeader(packet, fields)
  expectFraming(packet, fields)
  expect(encodeHex(protocol, packet)).toBe(hex)
  expect(flatFields(protocol.catalog, packet)).toBeTypeOf("object")
  const raw = layout === undefined
  for (const [name, value] of Object.entries(fields.extras ?? {})) {
    if (raw) break
    const field = renamed[`${packet._tag}.${name}`] ?? renamed[name] ?? camel(name)
    expectValue(valueOf(packet, fieldsOf(layout, "extras"), field), value, `extras.${name}`)
  }
  if (raw) expect(wire(packet["extras"])).toBe(fields.extras_hex ?? "")
  const keyFields = fieldsOf(layout, "key")
  const key = raw ? wire(packet["key"]) : keyFields.map(({ name }) => wire(packet[name])).join("")
  expect(key, "key").toBe(fields.key_hex ?? "")
  expect(key.length / 2, "keylen").toBe(fields.keylen)
  if (collections && keyFields.some(({ name }) => name === "collectionId")) expect(packet["collectionId"]).toBeTypeOf("number")
  const valueFields = fieldsOf(layout, "value")
  if (fields.value_fields !== undefined) expectValueFields(packet, valueFields, fields.value_fields)
  else if (raw) expect(wire(packet["value"]), "value").toBe(fields.value_hex ?? "")
  else if (
    valueFields.every(({ name, type }) =>
      type.kind === "reserved" || ["string", "undefined"].includes(typeof packet[name]) || packet[name] instanceof Uint8Array
    )
  ) {
    expect(valueFields.map(({ name }) => wire(packet[name])).join(""), "value").toBe(fields.value_hex ?? "")
  }
  if (fields.path !== undefined) expect(packet["path"]).toBe(fields.path)
  if (fields.subdoc_value !== undefined) expect(wire(packet["value"])).toBe(wire(fields.subdoc_value))
  if (fields.xattrs !== undefined) expectXattrs(packet["value"] as Uint8Array, fields.xattrs)
  return packet
}

/** What becomes of bytes that are not what their author meant. */
interface Refusal {
  readonly reason: DecodeReason
  /** Packet and path of the error. */
  readonly at: string
}

interface Other {
  /** The packet they are instead. */
  readonly tag: string
  readonly fields?: { readonly [name: string]: unknown }
  /** Bytes behind it, which as the next frame of a stream are refused for this reason. */
  readonly rest?: readonly [size: number, reason: DecodeReason]
}

const keyTooMany: Refusal = { reason: "Length", at: "GetResponse.key" }
const statusOfVbucket: Other = { tag: "ErrorResponse", fields: { opcode: 0xb2, status: 3 } }

/** Examples of documents that contradict themselves; what `doc_bug` says is the reason. */
const docBugs: { readonly [name: string]: Refusal | Other } = {
  // no key in an answer to Get
  "Get response: Example (3)": keyTooMany,
  // the body was not made longer with the key
  "Add request: Example command": { tag: "Add", fields: { collectionId: 555, key: "Hello" }, rest: [2, "Magic"] },
  // opcode of another answer
  "Authenticate response: Packet example of missing RBAC entry (2)": { tag: "ErrorServerResponse", fields: { opcode: 2, status: 0x20 } },
  "DcpBufferAcknowledgement request: Binary Implementation": { reason: "Length", at: "DcpBufferAcknowledgement.extras" },
  "DcpCacheTransfer request: Example": { reason: "Incomplete", at: "Request" },
  "DcpControl request: Control (opcode 0x5E)": { reason: "Length", at: "DcpControl.extras" },
  "DcpAddStream response: Control (opcode 0x5E)": { reason: "Incomplete", at: "Response" },
  // stray bytes behind the body
  "DcpDeletion request: Deletion (0x58)": {
    tag: "DcpDeletion",
    fields: { layout: "V1", collectionId: 1, key: "c::h" },
    rest: [4, "Magic"]
  },
  "DcpExpiration request: Expiration (0x59)": { tag: "DcpExpiration", fields: { collectionId: 0, key: "\0hel" }, rest: [2, "Magic"] },
  "DcpNoop request: Binary Implementation": { tag: "DcpNoop", fields: { opaque: 0 }, rest: [4, "Magic"] },
  "DcpOsoSnapshot request: Encoding Examples": { reason: "Length", at: "Request.bodyLength" },
  "SeqnoPersistence request: Binary Implementation": { tag: "SeqnoPersistence", fields: { seqno: 0xdeadbeefn }, rest: [8, "Magic"] },
  // opcode of a mutation, as which it is well-formed
  "DcpPrepare request (drawn with opcode 0x57)": { tag: "DcpMutation", fields: { nru: 1, key: "hello" } },
  "GetRandomKey response: Binary Implementation": { reason: "Incomplete", at: "Response" },
  "DcpOsoSnapshot request: Encoding Examples (2)": { reason: "Length", at: "Request.bodyLength" },
  "DcpSnapshotMarker request: Encoding Examples": { reason: "Length", at: "Request.bodyLength" },
  "DcpSnapshotMarker request: Encoding Examples (2)": { reason: "Length", at: "Request.bodyLength" },
  "DcpStreamReq request: Stream Request (opcode 0x53) (2)": { reason: "Incomplete", at: "Request" },
  // the ids are swapped, which only a reader of the manifest can see
  "DcpSystemEvent request: Example Begin Collection Event": {
    tag: "DcpSystemEvent",
    fields: { scopeId: 8, collectionId: 0, maxTtl: 72000 }
  },
  "ReturnMeta request: Binary Implementation": { tag: "ReturnMeta", rest: [4, "Magic"] },
  "ReturnMeta response: Binary Implementation": statusOfVbucket,
  "DelWithMeta request: Binary Implementation": { tag: "DelWithMeta", rest: [4, "Magic"] },
  "ReturnMeta request: Binary Implementation (2)": { reason: "Length", at: "Request.bodyLength" },
  "ReturnMeta response: Binary Implementation (2)": statusOfVbucket,
  "GetKeys request: Binary Implementation": { reason: "Length", at: "Request.bodyLength" },
  "GetKeys response: Binary Implementation": { reason: "Length", at: "GetKeysResponse.extras" },
  "SetWithMeta request: Binary Implementation": { tag: "SetWithMeta", rest: [4, "Magic"] },
  "ReturnMeta request: Binary Implementation (3)": { tag: "ReturnMeta", rest: [4, "Magic"] },
  "ReturnMeta response: Binary Implementation (3)": statusOfVbucket,
  // no server executes these: they are named, not decoded
  "TapCheckpointStart_Unsupported request: 0x46 TAP Checkpoint Start": { tag: "UnknownRequest", rest: [4, "Magic"] },
  "TapCheckpointEnd_Unsupported request: 0x47 TAP Checkpoint End": { tag: "UnknownRequest", rest: [4, "Magic"] }
}

/** Packets that are wrong on purpose, or that their authors never sent through a validator. */
const invalid: { readonly [name: string]: Refusal | Other } = {
  "classic doc line 623": keyTooMany,
  "gocbcore get response duration": keyTooMany,
  // the parser's test has no flags in the extras
  "bytes[0] mcbp_dump_parser_test.cc": { reason: "Length", at: "GetKQResponse.extras" },
  // gocbcore tests framing with content that no opcode has
  "gocbcore TestPktRtBasicReq": { reason: "Length", at: "GetErrorMap.extras" },
  "gocbcore TestPktRtBasicRes": { tag: "ErrorResponse", fields: { opcode: 0xfe, status: 0x85 } },
  "gocbcore TestPktRtBasicReqExt": { reason: "Length", at: "Gat.extras" },
  "gocbcore TestPktRtBasicResExt": { tag: "ErrorResponse", fields: { opcode: 0x1d, status: 0x85 } },
  "gocbcore TestPktUnsupportedFrameReqExt": { reason: "Length", at: "Gat.extras" },
  "gocbcore TestPktUnsupportedFramesReqExt": { reason: "Length", at: "Gat.extras" },
  "gocbcore TestPktUnsupportedFrameResExt": { reason: "Length", at: "GatResponse.extras" },
  // both sent on purpose to see memcached refuse them: it answered Einval
  "memcached-1.6.18 get with extras (invalid) c2s": { reason: "Length", at: "Get.extras" },
  "memcached-1.6.18 set key 251 bytes c2s": { reason: "Limit", at: "Set.key" },
  "malformed: keylen larger than body": { reason: "Length", at: "Request.bodyLength" },
  "malformed: alt framing length larger than body": { reason: "Length", at: "Request.bodyLength" },
  "malformed: framing frame overruns section": { reason: "Length", at: "Request.framing[0]" },
  "malformed: framing id escape truncated": { reason: "Length", at: "Request.framing[0]" },
  "malformed: datatype 0x08": { tag: "Set", fields: { datatype: 8 } },
  "malformed: failover log 15 bytes": { reason: "Length", at: "DcpGetFailoverLogResponse.failoverLog[0]" },
  "malformed: rollback value 4 bytes": { reason: "Length", at: "DcpStreamRequestRollback.value" },
  "malformed: snapshot marker V2.2 with V2.0 value": { reason: "UnknownValue", at: "DcpSnapshotMarker.layout" },
  "malformed: xattr section longer than value": { tag: "DcpMutation", fields: { datatype: 4 } }
}

const counts = new Map<string, number>()
const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)

const expectWrong = (vector: Vector, expected: Refusal | Other): void => {
  const protocol = dialectOf(vector)
  const collections = hasCollections(vector.fields)
  const bytes = bytesOfDigits(vector.hex)
  if ("reason" in expected) {
    const error = refusalOf(() => decodeHex(protocol, vector.hex, collections))
    expect(error, "no error").toBeDefined()
    const { packet, path, reason, incomplete, offset } = error!
    expect({ at: path === "" ? packet : `${packet}.${path}`, reason, incomplete })
      .toEqual({ ...expected, incomplete: expected.reason === "Incomplete" })
    expect(offset).toBeLessThanOrEqual(bytes.length)
    count(`refused: ${reason}`)
    return
  }
  const [rest, reason] = expected.rest ?? [0, undefined]
  const packet = decodeHex(protocol, vector.hex, collections)
  expect(packet._tag).toBe(expected.tag)
  for (const [name, value] of Object.entries(expected.fields ?? {})) expect(packet[name], name).toBe(value)
  expect(encodeHex(protocol, packet)).toBe(hexOf(bytes.subarray(0, bytes.length - rest)))
  expectHeader(packet, vector.fields)
  expectFraming(packet, vector.fields)
  if (reason === undefined) return count("wrong, but a legal packet")
  // as the start of a stream they are refused: what is left over begins no frame
  let frames = 0
  const error = refusalOf(() => new Framer(frameShape).push(bytes, () => frames++))
  expect({ frames, reason: error?.reason, offset: error?.offset }).toEqual({ frames: 1, reason, offset: 0 })
  count(`refused as a stream: ${reason}`)
}

describe("packets", () => {
  for (const vector of packetVectors) {
    const { name, origin, doc_bug, fixed_hex, fixed_fields } = vector
    const wrong = docBugs[name] ?? invalid[name]
    it(`${origin}: ${name}`, () => {
      if (wrong !== undefined) return expectWrong(vector, wrong)
      expectPacket(dialectOf(vector), vector.hex, vector.fields)
      count("decoded and written back")
    })
    if (doc_bug === undefined) continue
    it(`${origin}: ${name}, corrected`, () => {
      expectPacket(dialectOf(vector), fixed_hex!, fixed_fields!)
      count("corrected, decoded and written back")
    })
  }

  it("every contradiction in a document has an expected outcome, and nothing else has", () => {
    expect(Object.keys(docBugs).toSorted()).toEqual(
      packetVectors.filter((one) => one.doc_bug !== undefined).map((one) => one.name).toSorted()
    )
    const names = new Set(packetVectors.map(({ name }) => name))
    for (const name of Object.keys(invalid)) expect(names).toContain(name)
  })

  it("malformed packets that decode are listed as exceptions, with a reason", () => {
    const decoded = packetVectors.filter(({ name, origin }) => origin === "malformed" && !("reason" in (invalid[name] ?? { reason: "" })))
    expect(decoded.map(({ name }) => name).toSorted()).toEqual(Object.keys(exceptions).toSorted())
  })

  it("a value whose attributes are longer than itself is refused by the decoder of attributes", () => {
    const { hex } = packetVectors.find(({ name }) => name === "malformed: xattr section longer than value")!
    const value = decodeHex(dialectOf(packetVectors[0]!), hex, true)["value"] as Uint8Array
    const at = { packet: "XattrValue", path: "pairs", offset: 4 }
    // more bytes could make it one, unless these are all there are
    expect(refusalOf(() => decodeXattrValue(value))).toMatchObject({ reason: "Incomplete", incomplete: true, ...at })
    expect(refusalOf(() => readXattrValue(new Reader(value), 0, value.length, 0)))
      .toMatchObject({ reason: "Length", incomplete: false, ...at })
  })

  it("every frame and every section of gocbcore's framing tests comes out, under an opcode nobody knows", () => {
    const found = packetVectors.filter(({ name }) => /gocbcore TestPkt(Rt|Unsupported)/.test(name))
    expect(found.length).toBe(7)
    for (const vector of found) {
      const hex = `${vector.hex.slice(0, 2)}ef${vector.hex.slice(4)}`
      const packet = expectPacket(dialectOf(vector), hex, { ...vector.fields, opcode: "0xef" })
      expect(packet._tag).toMatch(/^Unknown/)
    }
  })
})

describe("LEB128", () => {
  for (const { name, kind, hex, value } of vectors.filter((vector) => vector.kind.startsWith("uleb128"))) {
    it(name, () => {
      const bytes = bytesOfDigits(hex)
      const reader = new Reader(bytes)
      const number = value === undefined ? undefined : BigInt(value)
      count(kind)
      if (number !== undefined && number <= 0xffff_ffffn) {
        expect(readLeb128(reader, 0, bytes.length, 0, "Key", "collectionId")).toBe(Number(number))
        expect(reader.next).toBe(bytes.length)
        const out = new Uint8Array(5)
        expect(hexOf(out.subarray(0, writeLeb128(out, 0, Number(number))))).toBe(hex)
        expect(leb128Size(Number(number))).toBe(bytes.length)
        return
      }
      // 2^64-1 is a test of a general decoder; collection ids have 32 bits
      const error = refusalOf(() => readLeb128(reader, 0, bytes.length, 0, "Key", "collectionId"))
      expect(error).toMatchObject({ reason: "Varint", packet: "Key", path: "collectionId", incomplete: false })
      expect(error!.offset).toBeLessThanOrEqual(bytes.length)
    })
  }

  it("the fragment of the document is the prefix of collection 0x5555", () => {
    const { hex } = vectors.find(({ kind }) => kind === "fragment")!
    expect(readLeb128(new Reader(bytesOfDigits(hex)), 0, 3, 0, "Key", "collectionId")).toBe(0x5555)
    count("fragment")
  })
})

/** What a validator of the server refuses beyond the shape of the frames: the codec hands these out for the session to judge. */
const judgedBySession: { readonly [name: string]: unknown } = {
  "framing Durability level 0": [{ _tag: "Durability", level: 0, timeout: undefined }],
  "framing Durability timeout 0": [{ _tag: "Durability", level: 3, timeout: 0 }],
  "framing Durability timeout 0xffff": [{ _tag: "Durability", level: 3, timeout: 0xffff }],
  "framing id 255 empty": [{ _tag: "Unknown", tag: 255, bytes: new Uint8Array(0) }],
  "framing id 15 len 15": [{ _tag: "Unknown", tag: 15, bytes: new Uint8Array(15) }]
}

const legalFrames: { readonly [name: string]: unknown } = {
  "framing Barrier": [{ _tag: "Barrier" }],
  "framing Durability level only": [{ _tag: "Durability", level: 1, timeout: undefined }],
  "framing Durability level+timeout": [{ _tag: "Durability", level: 3, timeout: 0xaabb }],
  "framing DcpStreamId": [{ _tag: "DcpStreamId", streamId: 0 }],
  "framing PreserveTtl": [{ _tag: "PreserveTtl" }],
  "framing durability + barrier": [{ _tag: "Durability", level: 0xaa, timeout: 0xbbcc }, { _tag: "Barrier" }]
}

describe("framing extras", () => {
  for (const { name, hex } of vectors.filter(({ kind }) => kind === "framing")) {
    it(name, () => {
      const bytes = bytesOfDigits(hex)
      const read = () => readNibbleFrames(new Reader(bytes), 0, bytes.length, 0, "Request", "framing", readRequestFrame)
      const expected = legalFrames[name] ?? judgedBySession[name]
      count("framing")
      if (expected === undefined) {
        const error = refusalOf(read)
        expect(error, "no error").toBeDefined()
        expect(error!.reason).toMatch(/^(Length|Trailing)$/)
        expect(error!.path).toMatch(/^framing\[0\]/)
        return
      }
      const frames = read()
      expect(frames).toEqual(expected)
      const written = encodeWith((writer) => {
        for (const frame of frames) {
          writer.need(boundRequestFrame(frame))
          writer.position = writeRequestFrame(writer, writer.position, frame)
        }
      })
      expect(hexOf(written)).toBe(hex)
    })
  }
})

describe("durations", () => {
  for (const { name, micros, encoded, hex } of vectors.filter(({ kind }) => kind === "duration16")) {
    it(name, () => {
      expect(encoded).toBe(Number.parseInt(hex, 16))
      expect(encodeDuration(micros!)).toBe(encoded)
      expect(Math.round(decodeDuration(encoded!))).toBe(micros)
      count("duration16")
    })
  }

  it("all sixteen bits come back, and nothing goes beyond them", () => {
    for (let encoded = 0; encoded <= 0xffff; encoded++) expect(encodeDuration(decodeDuration(encoded))).toBe(encoded)
    expect(Math.floor(decodeDuration(0xffff))).toBe(maxDuration)
    for (const tooLong of [maxDuration + 1, 1e12, Infinity]) expect(encodeDuration(tooLong)).toBe(0xffff)
    for (const none of [0, -1, Number.NaN]) expect(encodeDuration(none)).toBe(0)
  })
})

describe("extended attributes", () => {
  for (const { name, hex, decoded } of vectors.filter(({ kind }) => kind === "xattr")) {
    it(name, () => {
      expectXattrs(bytesOfDigits(hex), decoded!)
      expect(textLength(Object.keys(decoded!.pairs)[0]!)).toBe(5)
      count("xattr")
    })
  }
})

describe("nothing is left out", () => {
  afterAll(() => console.log(`vectors: ${vectors.length}; ${[...counts].map(([what, number]) => `${what} ${number}`).join(", ")}`))

  it("every vector was looked at once, every correction too", () => {
    const corrections = vectors.filter(({ doc_bug }) => doc_bug !== undefined).length
    expect([...counts.values()].reduce((sum, one) => sum + one, 0)).toBe(vectors.length + corrections)
  })
})
