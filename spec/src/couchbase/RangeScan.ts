/**
 * Range scans: reading the documents of a vbucket in key order. Source: kv_engine docs/range_scans,
 * include/mcbp/codec/range_scan_continue_codec.h.
 */
import { array, bytes, constant, enumeration, json, layouts, lengthOf, struct, u32, uleb128, utf8 } from "@wirewright/dsl"
import { cas, Datatype } from "../memcached/Frame.ts"
import { command, seqno } from "./Dialect.ts"

/** What a scan returns. */
export const RangeScanContinueFlags = enumeration("RangeScanContinueFlags", u32, {
  /** Keys only. */
  KeyScan: 0,
  /** Whole documents. */
  ValueScan: 1
})

/** The name the server gave a scan. */
const scanUuid = {
  /** Names the scan. */
  scanUuid: bytes({ size: 16 })
}

/** A key found by a scan; it carries no collection. */
export const RangeScanKey = struct("RangeScanKey", {
  keyLength: lengthOf(uleb128, "key"),
  key: utf8()
})

/** A document found by a scan; its key carries no collection. */
export const RangeScanDocument = struct("RangeScanDocument", {
  /** The user's flags. */
  flags: u32,
  /** Unix time, 0 for never. */
  expiry: u32,
  seqno,
  cas,
  datatype: Datatype,
  keyLength: lengthOf(uleb128, "key"),
  key: utf8(),
  valueLength: lengthOf(uleb128, "value"),
  value: bytes()
})

/** Opens a scan. The datatype must say JSON. */
export const rangeScanCreate = command("RangeScanCreate", {
  opcode: 0xda,
  label: "RANGE_SCAN_CREATE",
  request: {
    value: {
      /** Collection, range or sampling, what to return, and the snapshot required. */
      scan: json()
    }
  },
  responses: {
    Success: { value: scanUuid }
  },
  examples: [
    {
      origin: "vector: RangeScanCreate",
      hex: "80da000000010007000000410000121000000000000000007b22636f6c6c656374696f6e223a226632222c2272616e6765223a7b22656e64223a22645" +
        "84e6c6376383d222c227374617274223a2264584e6c63673d3d227d7d",
      fields: { vbucket: 7, scan: "{\"collection\":\"f2\",\"range\":{\"end\":\"dXNlcv8=\",\"start\":\"dXNlcg==\"}}" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81da0000000000000000001000000010000000000000000000112233445566778899aabbccddeeff",
      fields: { scanUuid: { hex: "00112233445566778899aabbccddeeff" } }
    }
  ]
})

/** Reads on. Several responses follow; any status but Success ends them. */
export const rangeScanContinue = command("RangeScanContinue", {
  opcode: 0xdb,
  label: "RANGE_SCAN_CONTINUE",
  reply: "many",
  request: {
    extras: {
      ...scanUuid,
      /** Most items to return, 0 for no limit. */
      itemLimit: u32,
      /** Most milliseconds to spend, 0 for no limit. */
      timeLimitMs: u32,
      /** Most bytes to return, 0 for no limit. */
      byteLimit: u32
    }
  },
  responses: {
    /** More responses follow. */
    Success: layouts({
      /** The scan returns keys only. */
      Keys: { extras: { flags: constant(u32, 0) }, value: { keys: array(RangeScanKey) } },
      /** The scan returns documents. */
      Documents: { extras: { flags: constant(u32, 1) }, value: { documents: array(RangeScanDocument) } }
    }),
    /** A limit was reached; continue once more to go on. */
    RangeScanMore: "Success",
    /** The scan is over, and gone. */
    RangeScanComplete: "Success"
  },
  examples: [
    {
      origin: "vector: RangeScanContinue",
      hex: "80db00001c0000070000001c00001211000000000000000000112233445566778899aabbccddeeff000001f40000000000000000",
      fields: { itemLimit: 500, timeLimitMs: 0, byteLimit: 0 }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81db0000040000000000000f00000010000000000000000000000000046b657930056b65793131",
      fields: { layout: "Keys", keys: [{ key: "key0" }, { key: "key11" }] }
    },
    {
      kind: "response",
      origin: "vector: RangeScanContinue response document",
      hex: "81db0000040000a60000002900001211000000000000000000000001deadbeef00000000000000000000000c000000000000002201046b6579300676" +
        "616c756530",
      fields: {
        layout: "Documents",
        documents: [{ flags: 0xdeadbeef, expiry: 0, seqno: "12", cas: "34", datatype: 1, key: "key0", value: { hex: "76616c756530" } }]
      }
    },
    {
      kind: "response",
      origin: "vector: RangeScanContinue response complete (empty)",
      hex: "81db0000040000a70000000400001211000000000000000000000000",
      fields: { layout: "Keys", keys: [] }
    }
  ]
})

/** Closes a scan. */
export const rangeScanCancel = command("RangeScanCancel", {
  opcode: 0xdc,
  label: "RANGE_SCAN_CANCEL",
  request: { extras: scanUuid },
  examples: [
    {
      origin: "vector: RangeScanCancel",
      hex: "80dc0000100000070000001000001212000000000000000000112233445566778899aabbccddeeff",
      fields: { scanUuid: { hex: "00112233445566778899aabbccddeeff" } }
    }
  ]
})

/** Commands of range scans. */
export const rangeScanCommands = [rangeScanCreate, rangeScanContinue, rangeScanCancel]
