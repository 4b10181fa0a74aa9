/** Test only: a small memcached-like protocol and an extension of it, with one command for every trait that models can have. */
import { Catalog } from "./Catalog.ts"
import type { CommandModel, FieldModel, HeaderModel, IntName, LayoutModel, Model, OutcomeModel, StatusModel, TypeModel } from "./Model.ts"

const int = (name: IntName): TypeModel => ({ kind: "int", int: name })
const field = (name: string, type: TypeModel): FieldModel => ({ name, type })
const section = (name: string, ...fields: ReadonlyArray<FieldModel>) => ({ section: name, fields })
const layout = (...sections: LayoutModel["sections"]): LayoutModel => ({ sections })
const bytes: TypeModel = { kind: "bytes" }
const utf8 = (max?: number): TypeModel => ({ kind: "utf8", invalid: "escape", ...(max === undefined ? {} : { max }) })
const ref = (kind: "struct" | "choice" | "nibbleFrames" | "flags" | "enumeration", name: string): TypeModel => ({ kind, ref: name })
const optional = (of: TypeModel, requires?: string): TypeModel => ({
  kind: "optional",
  of,
  ...(requires === undefined ? {} : { requires })
})

const header = (magic: number, flexible: boolean, third: "vbucket" | "status"): HeaderModel => ({
  magic,
  size: 24,
  fields: [
    { name: "magic", offset: 0, role: "magic", int: "u8", doc: "Kind of packet." },
    { name: "opcode", offset: 1, role: "opcode", int: "u8" },
    ...(flexible
      ? [
        { name: "framingLength", offset: 2, role: "sectionLength", int: "u8", section: "framing" } as const,
        { name: "keyLength", offset: 3, role: "sectionLength", int: "u8", section: "key" } as const
      ]
      : [{ name: "keyLength", offset: 2, role: "sectionLength", int: "u16", section: "key" } as const]),
    { name: "extrasLength", offset: 4, role: "sectionLength", int: "u8", section: "extras" },
    { name: "datatype", offset: 5, role: "field", int: "u8", type: ref("flags", "Datatype") },
    third === "status"
      ? { name: "status", offset: 6, role: "statusCode", int: "u16" }
      : { name: "vbucket", offset: 6, role: "field", int: "u16", type: int("u16") },
    { name: "bodyLength", offset: 8, role: "bodyLength", int: "u32", includesHeader: false },
    { name: "opaque", offset: 12, role: "field", int: "u32", type: int("u32") },
    { name: "cas", offset: 16, role: "field", int: "u64", type: { kind: "int", int: "u64", brand: "Cas" } }
  ]
})

const command = (
  name: string,
  opcode: number,
  request: ReadonlyArray<LayoutModel>,
  responses: { readonly [status: string]: LayoutModel } = { Success: layout() },
  kinds: CommandModel["kinds"] = { request: "request", response: "response" }
): CommandModel => ({
  name,
  family: "Test",
  opcode,
  label: name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
  sender: "client",
  lifecycle: "active",
  reply: "one",
  kinds,
  request,
  responses: kinds.response === undefined ? [] : Object.entries(responses).map(([status, one]): OutcomeModel => ({
    name: status,
    statuses: [{ name: status, code: statuses.find((known) => known.name === status)!.code }],
    layouts: [one]
  })),
  examples: []
})

const statuses: ReadonlyArray<StatusModel> = [
  { name: "Success", code: 0, retry: "success" },
  { name: "KeyEnoent", code: 1, retry: "miss" },
  { name: "Rollback", code: 0x23, retry: "caller" }
]

const documentKey = section(
  "key",
  field("collectionId", {
    kind: "when",
    state: "collections",
    of: { kind: "varint", encoding: "leb128", bits: 32, zigzag: false, maxBytes: 5 }
  }),
  field("key", utf8(250))
)
const range = [field("startSeqno", int("u64")), field("endSeqno", int("u64")), field("flags", ref("flags", "MarkerFlags"))]
const constant = (value: number): TypeModel => ({ kind: "constant", int: "u8", value })

/** The base protocol. */
export const baseModel: Model = {
  format: 1,
  kind: "binary",
  name: "base",
  module: "test/base",
  frame: {
    name: "Mcbp",
    sections: ["framing", "extras", "key", "value"],
    maxFrame: 1_000_000,
    kinds: [
      {
        name: "request",
        headers: [header(0x80, false, "vbucket"), header(0x08, true, "vbucket")],
        shared: [{ section: "framing", ref: "RequestFrame" }]
      },
      {
        name: "response",
        answers: "request",
        headers: [header(0x81, false, "status"), header(0x18, true, "status")],
        shared: [{ section: "framing", ref: "ResponseFrame" }]
      },
      { name: "serverRequest", headers: [header(0x82, false, "vbucket")], shared: [] },
      { name: "serverResponse", answers: "serverRequest", headers: [header(0x83, false, "status")], shared: [] }
    ]
  },
  statuses: statuses.slice(0, 2),
  states: [],
  types: [
    {
      kind: "flags",
      name: "Datatype",
      int: "u8",
      unknown: "keep",
      bits: [{ name: "json", bit: 0 }, { name: "snappy", bit: 1 }],
      exclusive: [],
      requires: []
    },
    {
      kind: "enumeration",
      name: "Level",
      int: "u8",
      unknown: "keep",
      values: [{ name: "None", value: 0 }, { name: "Majority", value: 1 }]
    },
    {
      kind: "nibbleFrames",
      name: "RequestFrame",
      cases: [
        { name: "Barrier", tag: 0, fields: [] },
        { name: "Durability", tag: 1, fields: [field("level", ref("enumeration", "Level")), field("timeout", optional(int("u16")))] },
        { name: "Impersonate", tag: 4, fields: [field("user", utf8())] }
      ]
    },
    {
      kind: "nibbleFrames",
      name: "ResponseFrame",
      cases: [{ name: "ServerDuration", tag: 0, fields: [field("encodedDuration", int("u16"))] }]
    }
  ],
  brands: [],
  commands: [
    command("Get", 0x00, [layout(section("key", field("key", utf8(250))))], {
      Success: layout(section("extras", field("flags", int("u32"))), section("value", field("value", bytes)))
    }),
    command("Old", 0x23, [layout(section("key", field("name", utf8())))])
  ]
}

/** The extension. */
export const extensionModel: Model = {
  ...baseModel,
  name: "extension",
  module: "test/extension",
  base: { name: "base", module: "test/base" },
  statuses,
  states: [{ name: "collections", doc: "Keys carry a collection id." }],
  types: [
    {
      kind: "flags",
      name: "MarkerFlags",
      int: "u32",
      unknown: "keep",
      bits: [{ name: "disk", bit: 1 }, { name: "memory", bit: 0 }, { name: "top", bit: 31 }],
      exclusive: [],
      requires: []
    },
    { kind: "struct", name: "FailoverEntry", byteOrder: "big", fields: [field("vbucketUuid", int("u64")), field("seqno", int("u64"))] },
    {
      kind: "struct",
      name: "Little",
      byteOrder: "little",
      fields: [field("wide", { kind: "int", int: "u24", order: "little" }), field("negative", { kind: "int", int: "i16", order: "little" })]
    },
    {
      kind: "choice",
      name: "Shape",
      tag: { kind: "int", int: "u8" },
      unknown: "keep",
      cases: [{ name: "Point", tag: 1, fields: [field("x", int("i8"))] }, {
        name: "Named",
        tag: 2,
        fields: [field("name", { kind: "utf8", invalid: "escape", until: "00" })]
      }]
    }
  ],
  commands: [
    command("Ioctl", 0x23, [layout(section("key", field("name", utf8())))]),
    command("Set", 0x01, [
      layout(
        section("extras", field("flags", int("u32")), field("expiration", int("u32"))),
        documentKey,
        section("value", field("value", bytes))
      )
    ], { Success: layout(section("extras", field("token", optional(ref("struct", "FailoverEntry"))))) }),
    command("StreamRequest", 0x53, [
      layout(
        section("extras", field("flags", ref("flags", "MarkerFlags")), field("reserved", { kind: "reserved", int: "u32", policy: "keep" })),
        section("value", field("filter", { kind: "json" }))
      )
    ], {
      Success: layout(section("value", field("failoverLog", { kind: "array", of: ref("struct", "FailoverEntry") }))),
      Rollback: layout(section("value", field("rollbackSeqno", int("u64"))))
    }),
    command("Marker", 0x56, [
      { name: "V1", ...layout(section("extras", ...range)) },
      {
        name: "V2_0",
        ...layout(section("extras", field("version", constant(0))), section("value", ...range, field("visible", int("u64"))))
      },
      { name: "V2_2", ...layout(section("extras", field("version", constant(2))), section("value", ...range, field("purge", int("u64")))) }
    ]),
    command("Event", 0x5f, [
      { name: "Begin", ...layout(section("extras", field("version", constant(1))), section("value", field("scope", int("u32")))) },
      { name: "Other", ...layout(section("extras", field("version", int("u8"))), section("value", field("value", bytes))) }
    ]),
    command("Parts", 0x60, [
      layout(
        section(
          "extras",
          field("nameLength", { kind: "lengthOf", of: { kind: "int", int: "u16" }, target: "name" }),
          field("count", { kind: "countOf", of: { kind: "int", int: "u8" }, target: "shapes" }),
          field("first", optional(int("u16"))),
          field("second", optional(int("u32"), "first"))
        ),
        section(
          "value",
          field("name", utf8()),
          field("shapes", { kind: "array", of: ref("choice", "Shape"), max: 100 }),
          field("pad", {
            kind: "reserved",
            size: 2,
            policy: "keep"
          }),
          field("little", ref("struct", "Little")),
          field("rest", bytes),
          field("tail", int("u8"))
        )
      )
    ]),
    command(
      "Push",
      0x01,
      [layout(section("extras", field("version", int("u32"))), section("value", field("config", { kind: "json" })))],
      undefined,
      {
        request: "serverRequest",
        response: "serverResponse"
      }
    )
  ]
}

/** Both. */
export const testCatalog = Catalog.of([baseModel, extensionModel])
