/** BSON 1.1 documents, and the messages of MongoDB's wire protocol that carry them. */
import { bodyLength, frame, opcode, packetsOf, protocol } from "@wirewright/dsl"
import { array, bitOf, bits, by, bytes, choice, type Choice, countOf, cstring, enumeration, f64, i32, i64, lazy } from "@wirewright/dsl"
import { lengthOf, optional, prefixed, slice, struct, tagged, u32, u64, u8, utf8 } from "@wirewright/dsl"

/** Bytes of npm's mongodb 7.9; `test/fixtures/gallery` has more. */
const recorded = (hex: string) => [{ origin: "npm's mongodb 7.9", hex }]

const header = { messageLength: bodyLength(i32, { from: "frame" }), requestId: i32, responseTo: i32, opCode: opcode(i32) }
const mongoFrame = frame("MongoDB", {
  sections: ["body"],
  kinds: { message: { headers: [{ fields: header }] } },
  byteOrder: "little",
  maxFrame: 48_000_000
})

/** A name that ends with a zero byte. */
const name = cstring()
/** Text with its length, which counts the zero byte after it; there may be zeros within it. */
const string = prefixed(i32, utf8(), { plus: 1, trailer: 0 })
const objectId = bytes({ size: 12 })

/** Fields by name, in order. The length counts all of the document, the zero byte at its end included. */
const Document = struct("Document", { elements: prefixed(i32, array(lazy(() => Element), { until: 0 }), { plus: 4 }) })
const document = lazy(() => Document)

/** What bytes stand for. */
const BinaryData = choice("BinaryData", by("subtype"), {
  Generic: tagged(0, { bytes: bytes() }),
  Function: tagged(1, { bytes: bytes() }),
  /** Deprecated: with a length of its own. */
  OldBinary: tagged(2, { bytes: prefixed(i32, bytes()) }),
  OldUuid: tagged(3, { uuid: bytes({ size: 16 }) }),
  Uuid: tagged(4, { uuid: bytes({ size: 16 }) }),
  Md5: tagged(5, { digest: bytes({ size: 16 }) }),
  Encrypted: tagged(6, { bytes: bytes() }),
  Column: tagged(7, { bytes: bytes() }),
  Sensitive: tagged(8, { bytes: bytes() }),
  Vector: tagged(9, { type: u8, padding: u8, bytes: bytes() })
}, { unknown: "keep" })

const CodeWithScope = struct("CodeWithScope", { code: string, scope: document })

/** A field of a document. */
const Element: Choice = choice("Element", u8, {
  Double: tagged(0x01, { name, value: f64 }),
  String: tagged(0x02, { name, value: string }),
  Document: tagged(0x03, { name, value: document }),
  /** A document whose names are "0", "1", "2"… */
  Array: tagged(0x04, { name, value: document }),
  Binary: tagged(0x05, { name, length: lengthOf(i32, "value"), subtype: u8, value: BinaryData }),
  /** Deprecated. */
  Undefined: tagged(0x06, { name }),
  ObjectId: tagged(0x07, { name, value: objectId }),
  Boolean: tagged(0x08, { name, bits: bits(u8, { value: slice(0) }) }),
  /** Milliseconds since 1970. */
  DateTime: tagged(0x09, { name, value: i64 }),
  Null: tagged(0x0a, { name }),
  RegularExpression: tagged(0x0b, { name, pattern: cstring(), options: cstring() }),
  /** Deprecated. */
  DBPointer: tagged(0x0c, { name, namespace: string, value: objectId }),
  JavaScript: tagged(0x0d, { name, value: string }),
  /** Deprecated. */
  Symbol: tagged(0x0e, { name, value: string }),
  /** Deprecated; the length counts itself. */
  JavaScriptWithScope: tagged(0x0f, { name, value: prefixed(i32, CodeWithScope, { plus: 4 }) }),
  Int32: tagged(0x10, { name, value: i32 }),
  /** For MongoDB's own use: seconds since 1970, and a number within the second. */
  Timestamp: tagged(0x11, { name, increment: u32, seconds: u32 }),
  Int64: tagged(0x12, { name, value: i64 }),
  /** IEEE 754-2008, in binary integer decimals. */
  Decimal128: tagged(0x13, { name, low: u64, high: u64 }),
  MaxKey: tagged(0x7f, { name }),
  MinKey: tagged(0xff, { name })
})

const DocumentSequence = struct("DocumentSequence", { identifier: cstring(), documents: array(Document) })

/** A part of a message. */
const Section = choice("Section", u8, {
  Body: tagged(0, { document: Document }),
  /** Documents that a field of the body's stands for. The length counts itself. */
  Sequence: tagged(1, { content: prefixed(i32, DocumentSequence, { plus: 4 }) })
})

const message = packetsOf(mongoFrame, "message")

/** A command or its answer. */
export const msg = message("Msg", {
  examples: recorded("22000000ea03000003000000dd07000000000000000d000000106f6b000100000000"),
  opcode: 2013,
  label: "OP_MSG",
  fields: {
    flags: bits(u32, { hasChecksum: slice(0), moreToCome: slice(1), exhaustAllowed: slice(16) }),
    sections: array(Section),
    /** CRC-32C of everything before it, the header included. */
    checksum: optional(u32, { if: bitOf("hasChecksum") })
  }
})

const cursorFlags = { tailableCursor: slice(1), replicaOk: slice(2), oplogReplay: slice(3), noCursorTimeout: slice(4) }

/** A connection's first command, until a server has said that it knows OP_MSG. */
export const query = message("Query", {
  opcode: 2004,
  label: "OP_QUERY",
  fields: {
    flags: bits(u32, { ...cursorFlags, awaitData: slice(5), exhaust: slice(6), partial: slice(7) }),
    database: utf8({ min: 1, until: "." }),
    collection: cstring({ min: 1 }),
    numberToSkip: i32,
    numberToReturn: i32,
    query: Document,
    returnFieldsSelector: optional(Document)
  }
})

/** The answer to OP_QUERY. */
export const reply = message("Reply", {
  opcode: 1,
  label: "OP_REPLY",
  fields: {
    flags: bits(u32, { cursorNotFound: slice(0), queryFailure: slice(1), shardConfigStale: slice(2), awaitCapable: slice(3) }),
    cursorId: i64,
    startingFrom: i32,
    numberReturned: countOf(i32, "documents"),
    documents: array(Document)
  }
})

/** Another message, compressed without its header. */
export const compressed = message("Compressed", {
  examples: recorded("30000000ea03000027000000dc070000dd0700001200000002789c6360606060e065606010c8cf666004710007b500f9"),
  opcode: 2012,
  label: "OP_COMPRESSED",
  fields: {
    originalOpcode: i32,
    uncompressedSize: i32,
    compressor: enumeration("Compressor", u8, { None: 0, Snappy: 1, Zlib: 2, Zstd: 3 }),
    compressedMessage: bytes()
  }
})

/** MongoDB's wire protocol. */
export const bson = protocol(mongoFrame, {
  name: "bson",
  module: "@wirewright/examples/gallery/bson",
  commands: [msg, query, reply, compressed],
  types: [Document]
})
