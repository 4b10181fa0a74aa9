/**
 * Collections and scopes come and go. Source: kv_engine docs/dcp/documentation/commands/system_event.md,
 * include/memcached/protocol_binary.h.
 */
import { bytes, constant, enumeration, layouts, u32, u8, utf8 } from "@wirewright/dsl"
import { fixedCollectionId, manifestUid, scopeId } from "../couchbase/Collections.ts"
import { command, seqno } from "../couchbase/Dialect.ts"

/** What happened. */
export const SystemEventId = enumeration("SystemEventId", u32, {
  /** A collection was made; once more at a higher seqno, it was emptied. */
  BeginCollection: 0,
  /** A collection was dropped. */
  EndCollection: 1,
  /** Not sent; was a flush. */
  Flush: 2,
  /** A scope was made. */
  CreateScope: 3,
  /** A scope was dropped. */
  DropScope: 4,
  /** A collection's settings changed; needs FlatBuffers events. */
  ModifyCollection: 5
})

/** How the event is described. */
export const SystemEventVersion = enumeration("SystemEventVersion", u8, {
  /** Packed fields. */
  V0: 0,
  /** Packed fields with the maximal time to live. */
  V1: 1,
  /** FlatBuffers. */
  V2: 2
})

const scope = {
  /** State of the scopes and collections that the event led to. */
  manifestUid,
  scopeId
}

const collection = {
  ...scope,
  /** Four plain bytes here. */
  collectionId: fixedCollectionId
}

const name = {
  /** Of the collection or scope; none when it is dropped. */
  name: utf8()
}

/** A scope or collection was made, changed or dropped. */
export const dcpSystemEvent = command("DcpSystemEvent", {
  opcode: 0x5f,
  label: "DCP_SYSTEM_EVENT",
  sender: "server",
  reply: "error",
  request: layouts({
    /** A collection was made, without a limit on the time to live. */
    BeginCollection: { extras: { bySeqno: seqno, event: constant(u32, 0), version: constant(u8, 0) }, key: name, value: collection },
    /** A collection was made, with such a limit. */
    BeginCollectionTtl: {
      extras: { bySeqno: seqno, event: constant(u32, 0), version: constant(u8, 1) },
      key: name,
      value: {
        ...collection,
        /** Longest time to live in seconds. */
        maxTtl: u32
      }
    },
    /** A collection was dropped. */
    EndCollection: { extras: { bySeqno: seqno, event: constant(u32, 1), version: constant(u8, 0) }, key: name, value: collection },
    /** A scope was made. */
    CreateScope: { extras: { bySeqno: seqno, event: constant(u32, 3), version: constant(u8, 0) }, key: name, value: scope },
    /** A scope was dropped. */
    DropScope: { extras: { bySeqno: seqno, event: constant(u32, 4), version: constant(u8, 0) }, key: name, value: scope },
    /** Any event, after control `flatbuffers_system_events`. */
    FlatBuffers: {
      extras: { bySeqno: seqno, event: SystemEventId, version: constant(u8, 2) },
      key: name,
      /** A FlatBuffers table. */
      value: bytes()
    },
    /** Anything else. */
    Other: { extras: { bySeqno: seqno, event: SystemEventId, version: SystemEventVersion }, key: name, value: bytes() }
  }),
  examples: [
    {
      origin: "scenario frame system_event_v0",
      hex: "805f00060d00000500000023000001050000000000000000000000000000000400000000006f726465727300000000000000030000000000000009",
      fields: { layout: "BeginCollection", bySeqno: "4", name: "orders", manifestUid: "3", scopeId: 0, collectionId: 9 }
    },
    {
      origin: "vector: DcpSystemEvent BeginCollection v1",
      hex: "805f000c0d0002100000002d000012100000000000000000000000000000000400000000016d79636f6c6c656374696f6e00000000000000020000000000" +
        "00000800011940",
      fields: { layout: "BeginCollectionTtl", name: "mycollection", manifestUid: "2", scopeId: 0, collectionId: 8, maxTtl: 72000 }
    },
    {
      origin: "derived from the layout table",
      hex: "805f00000d0000020000001d000012100000000000000000000000000000000c000000010000000000000000060000000800000009",
      fields: { layout: "EndCollection", bySeqno: "12", name: "", manifestUid: "6", scopeId: 8, collectionId: 9 }
    },
    {
      origin: "vector: DcpSystemEvent CreateScope v0",
      hex: "805f00090d00021000000022000012100000000000000000000000000000000a0000000300696e76656e746f7279000000000000000400000009",
      fields: { layout: "CreateScope", name: "inventory", manifestUid: "4", scopeId: 9 }
    },
    {
      origin: "vector: DcpSystemEvent DropScope v0",
      hex: "805f00000d00021000000019000012100000000000000000000000000000000b0000000400000000000000000500000009",
      fields: { layout: "DropScope", name: "", manifestUid: "5", scopeId: 9 }
    },
    {
      origin: "derived from the layout table",
      hex: "805f00060d0000020000001f000012100000000000000000000000000000000d00000005026f7264657273080000000400040004000000",
      fields: { layout: "FlatBuffers", event: 5, name: "orders", value: { hex: "080000000400040004000000" } }
    },
    {
      origin: "derived from the layout table",
      hex: "805f00000d0000020000000d000012100000000000000000000000000000000e0000000200",
      fields: { layout: "Other", event: 2, version: 0, value: { hex: "" } }
    }
  ]
})

/** Events of scopes and collections. */
export const systemEventCommands = [dcpSystemEvent]
