/** Proves that JSON loses nothing of any packet, places fields as documented, fits its schema, and that wrong JSON is refused by path. */
import { Ajv2020 } from "ajv/dist/2020.js"
import { describe, expect, it } from "vitest"
import { EncodeError } from "./Errors.ts"
import { type AnyPacket, errorToJson, flatFields, packetFromJson, packetToJson } from "./Json.ts"
import { decodeJsonSchema } from "./JsonSchema.ts"
import { annotate } from "./Layout.ts"
import { testCatalog } from "./testModel.fixture.ts"

const request = { magic: 0x80, datatype: 0, vbucket: 7, opaque: 5, cas: 0n, framing: [] }
const response = { magic: 0x81, datatype: 0, status: 0, opaque: 5, cas: 2n ** 64n - 1n, framing: [] }
const bytes = (...all: ReadonlyArray<number>): Uint8Array => Uint8Array.from(all)

const packets: { readonly [name: string]: AnyPacket } = {
  get: { _tag: "Get", opcode: 0, ...request, key: "Hello" },
  keyInBytes: { _tag: "Get", opcode: 0, ...request, key: "by\udc80e" },
  emptyFraming: { _tag: "Get", opcode: 0, ...request, magic: 0x08, key: "k" },
  hit: { _tag: "GetResponse", opcode: 0, ...response, datatype: 0x85, flags: 0xdeadbeef, value: bytes(1, 2, 255) },
  miss: { _tag: "ErrorResponse", opcode: 0, ...response, status: 1, extras: bytes(), key: bytes(), value: bytes(0x4e, 0x6f) },
  strangeError: {
    _tag: "ErrorResponse",
    opcode: 0,
    ...response,
    status: 0x1234,
    extras: bytes(1, 2),
    key: bytes(0x80),
    value: bytes(0xff, 0xc3, 0xa4)
  },
  unknown: { _tag: "UnknownRequest", opcode: 0xee, ...request, extras: bytes(9), key: bytes(0x61), value: bytes(0xef, 0xbb, 0xbf) },
  unknownServer: {
    _tag: "UnknownServerRequest",
    opcode: 0xee,
    magic: 0x82,
    datatype: 0,
    vbucket: 0,
    opaque: 0,
    cas: 1n,
    framing: bytes(),
    extras: bytes(),
    key: bytes(),
    value: bytes()
  },
  framing: {
    _tag: "Set",
    opcode: 1,
    ...request,
    magic: 0x08,
    framing: [
      { _tag: "Durability", level: 1, timeout: 255 },
      { _tag: "Durability", level: 9, timeout: undefined },
      { _tag: "Barrier" },
      { _tag: "Impersonate", user: "bo\udc80" },
      { _tag: "Unknown", tag: 25, bytes: bytes(0xab) }
    ],
    flags: 1,
    expiration: 0xffffffff,
    collectionId: 8,
    key: "k",
    value: bytes()
  },
  token: { _tag: "SetResponse", opcode: 1, ...response, token: { vbucketUuid: 1n, seqno: 2n ** 63n } },
  noToken: { _tag: "SetResponse", opcode: 1, ...response, token: undefined },
  stream: { _tag: "StreamRequest", opcode: 0x53, ...request, flags: 0x80000011, reserved: 0x12345678, filter: "{\"a\":1}" },
  log: {
    _tag: "StreamRequestResponse",
    opcode: 0x53,
    ...response,
    failoverLog: [{ vbucketUuid: 1n, seqno: 2n }, { vbucketUuid: 3n, seqno: 0n }]
  },
  rollback: { _tag: "StreamRequestRollback", opcode: 0x53, ...response, status: 0x23, rollbackSeqno: 40n },
  markerV1: { _tag: "Marker", opcode: 0x56, ...request, layout: "V1", startSeqno: 0n, endSeqno: 3n, flags: 5 },
  markerV22: { _tag: "Marker", opcode: 0x56, ...request, layout: "V2_2", startSeqno: 0n, endSeqno: 3n, flags: 5, purge: 1n },
  eventOther: { _tag: "Event", opcode: 0x5f, ...request, layout: "Other", version: 7, value: bytes(7) },
  parts: {
    _tag: "Parts",
    opcode: 0x60,
    ...request,
    first: 1,
    second: undefined,
    name: "ab",
    shapes: [{ _tag: "Point", x: -1 }, { _tag: "Named", name: "" }, { _tag: "Unknown", tag: 9, bytes: bytes(1, 2) }],
    pad: bytes(0xbe, 0xef),
    little: { wide: 1, negative: -2 },
    rest: bytes(),
    tail: 255
  },
  push: { _tag: "Push", opcode: 1, magic: 0x82, datatype: 1, vbucket: 0, opaque: 0, cas: 0n, version: 1, config: "{}" },
  pushed: { _tag: "PushResponse", opcode: 1, magic: 0x83, datatype: 0, status: 0, opaque: 0, cas: 0n }
}

const fits = new Ajv2020({ strict: false }).compile(decodeJsonSchema)

describe("JSON of packets", () => {
  it.each(Object.entries(packets))("keeps all of %s", (_, packet) => {
    const json = packetToJson(testCatalog, packet, 100)
    const text = JSON.stringify(json)
    expect(packetFromJson(testCatalog, JSON.parse(text))).toStrictEqual(packet)
    expect(fits(JSON.parse(text)), text).toBe(true)
  })

  it("looks as documented", () => {
    expect(packetToJson(testCatalog, packets["framing"]!, 60)).toEqual({
      packet: "Set",
      kind: "request",
      magic: "0x08",
      opcode: "0x01",
      datatype: [],
      vbucket: 7,
      opaque: 5,
      cas: "0",
      framing: [
        { frame: "Durability", level: { name: "Majority", number: 1 }, timeout: 255 },
        { frame: "Durability", level: { name: null, number: 9 } },
        { frame: "Barrier" },
        { frame: "Impersonate", user: { hex: "626f80" } },
        { frame: "Unknown", tag: 25, bytes: { hex: "ab" } }
      ],
      fields: { flags: 1, expiration: 4294967295, collectionId: 8 },
      key: "k",
      value: { hex: "" },
      length: 60
    })
    expect(packetToJson(testCatalog, packets["stream"]!, 41)).toMatchObject({
      fields: { flags: { names: ["memory", "top"], number: 0x80000011 }, reserved: 0x12345678 },
      value: "{\"a\":1}"
    })
    expect(packetToJson(testCatalog, packets["hit"]!, 31)).toMatchObject({
      status: "Success",
      statusCode: 0,
      datatype: ["json", "0x84"],
      cas: "18446744073709551615"
    })
    expect(packetToJson(testCatalog, packets["strangeError"]!, 30)).toMatchObject({
      packet: "Get",
      status: "0x1234",
      statusCode: 0x1234,
      fields: { extras: { hex: "0102" } },
      key: { hex: "80" },
      value: { hex: "ffc3a4" }
    })
    expect(packetToJson(testCatalog, packets["rollback"]!, 32)).toMatchObject({
      packet: "StreamRequest",
      status: "Rollback",
      fields: { rollbackSeqno: "40" }
    })
    expect(packetToJson(testCatalog, packets["log"]!, 56)["value"]).toEqual([{ vbucketUuid: "1", seqno: "2" }, {
      vbucketUuid: "3",
      seqno: "0"
    }])
    expect(packetToJson(testCatalog, packets["unknown"]!, 30)).toMatchObject({
      packet: "Unknown",
      opcode: "0xee",
      key: "a",
      value: "\ufeff"
    })
    expect(packetToJson(testCatalog, packets["parts"]!, 30)["fields"]).toMatchObject({
      shapes: [{ case: "Point", x: -1 }, { case: "Named", name: "" }, { case: "Unknown", tag: 9 }]
    })
  })

  it("fills in what people leave out and understands short spellings", () => {
    expect(packetFromJson(testCatalog, { packet: "Get", key: "a" })).toStrictEqual({
      _tag: "Get",
      ...request,
      opcode: 0,
      vbucket: 0,
      opaque: 0,
      key: "a"
    })
    expect(packetFromJson(testCatalog, { packet: "StreamRequest", kind: "response", status: "Rollback", fields: { rollbackSeqno: 1 } }))
      .toMatchObject({
        _tag: "StreamRequestRollback",
        status: 0x23,
        rollbackSeqno: 1n
      })
    const json = { packet: "StreamRequest", datatype: ["json"], fields: { flags: ["memory", "0x10"], reserved: 0 }, value: "" }
    expect(packetFromJson(testCatalog, json)).toMatchObject({ datatype: 1, flags: 0x11 })
  })

  const wrong: ReadonlyArray<readonly [json: unknown, reason: string, path: string]> = [
    [null, "UnknownValue", ""],
    [{}, "Missing", "packet"],
    [{ packet: "Nope" }, "UnknownPacket", "packet"],
    [{ packet: "Old" }, "UnknownPacket", "packet"],
    [{ packet: "Get" }, "Missing", "key"],
    [{ packet: "Get", key: 5 }, "UnknownValue", "key"],
    [{ packet: "Get", kind: "serverRequest", key: "a" }, "UnknownValue", "kind"],
    [{ packet: "Get", key: "a", opcode: "0x05" }, "UnknownValue", "opcode"],
    [{ packet: "Get", key: "a", cas: "x" }, "UnknownValue", "cas"],
    [{ packet: "Get", key: "a", magic: "80" }, "UnknownValue", "magic"],
    [{ packet: "Get", key: "a", framing: [{ frame: "Nope" }] }, "UnknownValue", "framing[0].frame"],
    [{ packet: "Get", key: "a", framing: [{ frame: "Durability" }] }, "Missing", "framing[0].level"],
    [{ packet: "Get", kind: "response", status: "Nope" }, "UnknownValue", "status"],
    [{ packet: "Get", kind: "response" }, "Missing", "status"],
    [{ packet: "Get", kind: "response", status: "Success", fields: { flags: 1.5 }, value: "" }, "UnknownValue", "fields.flags"],
    [{ packet: "Get", kind: "response", status: "Success", fields: { flags: 1 }, value: { hex: "8" } }, "UnknownValue", "value"],
    [{ packet: "Marker" }, "Missing", "layout"],
    [{ packet: "Marker", layout: "V9" }, "UnknownValue", "layout"],
    [{ packet: "StreamRequest", fields: { flags: ["nope"], reserved: 0 }, value: "" }, "UnknownValue", "fields.flags"],
    [{ packet: "StreamRequest", kind: "response", status: "Success", value: [{ vbucketUuid: "1" }] }, "Missing", "value[0].seqno"],
    [{ packet: "Unknown", kind: "request" }, "Missing", "opcode"]
  ]

  it.each(wrong)("refuses %j", (json, reason, path) => {
    let error: unknown
    try {
      packetFromJson(testCatalog, json)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(EncodeError)
    expect(error).toMatchObject({ reason, path })
  })

  it("writes errors that fit the schema, and packets are no errors", () => {
    const error = annotate(testCatalog, bytes(0x47)).error!
    const json = { ...errorToJson(error, bytes(0x47)), frame: 17, flow: "1 a→b", direction: "s2c", time: "1795214752.513189776" }
    expect(json).toMatchObject({ error: { path: "magic", offset: 0, hex: "47", incomplete: false } })
    expect(fits(json)).toBe(true)
    expect(fits({ ...json, packet: "x", kind: "request", fields: {}, length: 1 })).toBe(false)
    expect(fits({ packet: "x", kind: "request", fields: {} })).toBe(false)
  })
})

describe("flatFields", () => {
  it("puts all fields side by side, without names", () => {
    expect(flatFields(testCatalog, packets["markerV22"]!)).toEqual({
      magic: 0x80,
      opcode: 0x56,
      datatype: 0,
      vbucket: 7,
      opaque: 5,
      cas: "0",
      framing: [],
      layout: "V2_2",
      startSeqno: "0",
      endSeqno: "3",
      flags: 5,
      purge: "1"
    })
    expect(flatFields(testCatalog, packets["framing"]!)).toMatchObject({
      framing: [{ frame: "Durability", level: 1, timeout: 255 }, { level: 9 }, {}, {}, {}],
      value: { hex: "" }
    })
    expect(flatFields(testCatalog, packets["miss"]!)).toMatchObject({ status: 1, value: { hex: "4e6f" } })
  })
})

describe("Catalog", () => {
  it("tells tags apart", () => {
    for (const [name, packet] of Object.entries(packets)) {
      const meaning = testCatalog.byTag(packet._tag)
      expect(meaning !== undefined && testCatalog.packetTag(meaning), name).toBe(packet._tag)
    }
    expect(testCatalog.byTag("Old")).toBeUndefined()
    expect(testCatalog.command("serverRequest", 1)?.name).toBe("Push")
    expect(testCatalog.command("response", 1)?.name).toBe("Set")
    expect(testCatalog.kindOfMagic(0x18)?.kind.name).toBe("response")
    expect(testCatalog.status(0x23)?.name).toBe("Rollback")
    expect(testCatalog.statusNamed("KeyEnoent")?.code).toBe(1)
    expect(testCatalog.states.map(({ name }) => name)).toEqual(["collections"])
  })
})
