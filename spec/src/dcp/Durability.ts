/**
 * Synchronous replication: writes that are prepared, acknowledged by replicas, and then committed or aborted. Source: kv_engine
 * docs/dcp/documentation/commands/{prepare,seqno-acknowledged,commit,abort}.md.
 */
import { bytes, u32, u8 } from "@wirewright/dsl"
import { command, documentKey, seqno } from "../couchbase/Dialect.ts"
import { DurabilityLevel } from "../memcached/Frame.ts"
import { changeSeqnos } from "./Mutation.ts"

/**
 * A write that waits for its durability requirement. As long as a mutation, with another end. Producers count two bytes more than it has
 * for flow control (MB-46634).
 */
export const dcpPrepare = command("DcpPrepare", {
  opcode: 0x60,
  label: "DCP_PREPARE",
  sender: "server",
  reply: "error",
  request: {
    extras: {
      ...changeSeqnos,
      /** The user's flags, as the user wrote them. */
      flags: u32,
      /** Unix time, 0 for never. */
      expiration: u32,
      /** Until when the document is locked. */
      lockTime: u32,
      /** How recently the document was used. */
      nru: u8,
      /** 1 when the write is a deletion. */
      deleted: u8,
      /** What the write waits for. */
      durabilityLevel: DurabilityLevel
    },
    key: documentKey,
    /** As in a mutation. */
    value: bytes()
  },
  examples: [
    {
      origin: "vector: DcpPrepare majority",
      hex: "806000061f0002100000002a000012100000000000000007000000000000000400000000000000010000000000000000000000000000010068656c6c6f77" +
        "6f726c64",
      states: ["collections"],
      fields: {
        cas: "7",
        bySeqno: "4",
        revSeqno: "1",
        nru: 0,
        deleted: 0,
        durabilityLevel: 1,
        collectionId: 0,
        key: "hello",
        value: { hex: "776f726c64" }
      }
    }
  ]
})

/** The replica has everything up to the prepare of this seqno. */
export const dcpSeqnoAcknowledged = command("DcpSeqnoAcknowledged", {
  opcode: 0x61,
  label: "DCP_SEQNO_ACKNOWLEDGED",
  reply: "error",
  request: { extras: { preparedSeqno: seqno } },
  examples: [
    {
      origin: "kv_engine docs/dcp/documentation/commands/seqno-acknowledged.md:29",
      hex: "8061000008000210000000080000121000000000000000000000000000000004",
      fields: { vbucket: 528, preparedSeqno: "4" }
    }
  ]
})

/** A prepared write took effect. */
export const dcpCommit = command("DcpCommit", {
  opcode: 0x62,
  label: "DCP_COMMIT",
  sender: "server",
  reply: "error",
  request: {
    extras: {
      /** The prepare. */
      preparedSeqno: seqno,
      /** The commit itself. */
      commitSeqno: seqno
    },
    key: documentKey
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "806200061000000200000016000012100000000000000000000000000000000400000000000000050868656c6c6f",
      states: ["collections"],
      fields: { preparedSeqno: "4", commitSeqno: "5", collectionId: 8, key: "hello" }
    }
  ]
})

/** A prepared write was given up. */
export const dcpAbort = command("DcpAbort", {
  opcode: 0x63,
  label: "DCP_ABORT",
  sender: "server",
  reply: "error",
  request: {
    extras: {
      /** The prepare. */
      preparedSeqno: seqno,
      /** The abort itself. */
      abortSeqno: seqno
    },
    key: documentKey
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "806300061000000200000016000012100000000000000000000000000000000400000000000000050868656c6c6f",
      states: ["collections"],
      fields: { preparedSeqno: "4", abortSeqno: "5", collectionId: 8, key: "hello" }
    }
  ]
})

/** Commands of synchronous replication. */
export const durabilityCommands = [dcpPrepare, dcpSeqnoAcknowledged, dcpCommit, dcpAbort]
