/**
 * Cache transfer: what the producer has in memory, ahead of the changes. Source: kv_engine
 * docs/dcp/documentation/commands/cache-transfer.md.
 */
import { array, bytes, lengthOf, struct, u16, u32, u8, utf8 } from "@wirewright/dsl"
import { collectionId, command, seqno } from "../couchbase/Dialect.ts"
import { revSeqno } from "../couchbase/WithMeta.ts"
import { cas, Datatype } from "../memcached/Frame.ts"

/** A document's key with its collection, whatever was negotiated; 2 to 251 bytes. */
export const CachedKey = struct("CachedKey", {
  collectionId,
  key: utf8({ max: 250 })
})

/** A document in the producer's cache. */
export const CachedItem = struct("CachedItem", {
  cas,
  /** Position in the vbucket's history. */
  bySeqno: seqno,
  /** Counts the document's changes. */
  revSeqno,
  valueLength: lengthOf(u32, "value"),
  /** The user's flags, as the user wrote them. */
  flags: u32,
  /** Unix time, 0 for never. */
  expiration: u32,
  keyLength: lengthOf(u16, "key"),
  datatype: Datatype,
  /** How recently the document was used. */
  cacheHint: u8,
  /** Its key. */
  key: CachedKey,
  /** Empty when only the key is cached. */
  value: bytes()
})

/** One or more cached documents. */
export const dcpCacheTransfer = command("DcpCacheTransfer", {
  opcode: 0x66,
  label: "DCP_CACHE_TRANSFER",
  sender: "server",
  reply: "error",
  request: { value: { items: array(CachedItem) } },
  examples: [
    {
      origin: "vector: DcpCacheTransfer two items, second key-only",
      hex: "80660000000002100000005e0000121000000000000000000000000000000004000000000000000100000000000000050000000500000000000000000006" +
        "000a0068656c6c6f776f726c6400000000000000040000000000000001000000000000000500000000000000000000000000030003086b32",
      fields: {
        items: [
          {
            cas: "4",
            bySeqno: "1",
            revSeqno: "5",
            flags: 0,
            expiration: 0,
            datatype: 0,
            cacheHint: 10,
            key: { collectionId: 0, key: "hello" },
            value: { hex: "776f726c64" }
          },
          {
            cas: "4",
            bySeqno: "1",
            revSeqno: "5",
            flags: 0,
            expiration: 0,
            datatype: 0,
            cacheHint: 3,
            key: { collectionId: 8, key: "k2" },
            value: { hex: "" }
          }
        ]
      }
    }
  ]
})

/** The cache is sent; changes follow. Without changes to follow, DcpStreamEnd comes instead. */
export const dcpCacheTransferEnd = command("DcpCacheTransferEnd", {
  opcode: 0x67,
  label: "DCP_CACHE_TRANSFER_END",
  sender: "server",
  reply: "error",
  request: {},
  examples: [
    {
      origin: "kv_engine docs/dcp/documentation/commands/cache-transfer-end.md:24",
      hex: "806700000000021000000000000012100000000000000000",
      fields: { vbucket: 528 }
    }
  ]
})

/** Cache transfer. */
export const cacheTransferCommands = [dcpCacheTransfer, dcpCacheTransferEnd]
