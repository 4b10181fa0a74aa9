/** Opening, refusing and ending streams. Source: kv_engine docs/dcp/documentation/commands. */
import { bit, enumeration, flags, json, reserved, u32 } from "@wirewright/dsl"
import { command, seqno, vbucketUuid } from "../couchbase/Dialect.ts"
import { failoverLog } from "../couchbase/VBucket.ts"

/** Options of a stream. */
export const DcpStreamFlags = flags("DcpStreamFlags", u32, {
  /** The vbucket is moving to the consumer. */
  takeOver: bit(0),
  /** Ends after the disk snapshot. */
  diskOnly: bit(1),
  /** The producer replaces the end seqno by its current high seqno. */
  toLatest: bit(2),
  /** Retired; servers refuse it. */
  noValue: bit(3),
  /** Refused with NotMyVbucket unless the vbucket is active. */
  activeVbOnly: bit(4),
  /** The vbucket UUID is checked even when starting at 0. */
  strictVbUuid: bit(5),
  /** The producer replaces the start seqno by its current high seqno. */
  fromLatest: bit(6),
  /** No rollback when the start is only behind the purge seqno. */
  ignorePurgedTombstones: bit(7),
  /** Cached documents are sent first. */
  cacheTransfer: bit(8)
}, {
  exclusive: [
    ["cacheTransfer", "diskOnly"],
    ["cacheTransfer", "toLatest"],
    ["cacheTransfer", "noValue"],
    ["cacheTransfer", "strictVbUuid"],
    ["cacheTransfer", "fromLatest"],
    ["cacheTransfer", "ignorePurgedTombstones"]
  ]
})

/** Why a stream ended. */
export const DcpStreamEndStatus = enumeration("DcpStreamEndStatus", u32, {
  /** The end seqno was reached. */
  Ok: 0,
  /** Somebody closed the stream. */
  Closed: 1,
  /** The vbucket has another state: look where it is now. */
  StateChanged: 2,
  /** The producer is going away. */
  Disconnected: 3,
  /** The consumer does not keep up. */
  Slow: 4,
  /** Reading from disk failed. */
  BackfillFail: 5,
  /** The vbucket rolled back; today's servers say StateChanged instead. */
  Rollback: 6,
  /** Everything the filter lets through was dropped. Ok without HELLO Collections. */
  FilterEmpty: 7,
  /** The user may no longer read what the filter lets through. Ok without HELLO Collections. */
  LostPrivileges: 8
})

/**
 * Asks for the changes of a vbucket. The opaque of this request marks every message of the stream. `NotMyVbucket` where the vbucket is not here, or
 * not active though it must be; `KeyEexists` where the connection has this stream already; `Erange` where seqnos contradict each other or the start
 * lies beyond the last seqno there is; `UnknownCollection` and `UnknownScope` where the filter names what this node does not know (yet);
 * `DcpStreamIdInvalid` where a stream id is missing, or given though the connection has none; `Eaccess` without the privilege for the filter;
 * `NotSupported` where NOOPs are not enabled; `Etmpfail` while the vbucket warms up; `Enomem` and `Ebusy` where the server has too much to do;
 * `Einval` where the packet is malformed.
 */
export const dcpStreamRequest = command("DcpStreamRequest", {
  opcode: 0x53,
  label: "DCP_STREAM_REQ",
  request: {
    extras: {
      flags: DcpStreamFlags,
      reserved: reserved(u32),
      /** Last seqno the consumer has; 0 to start from the beginning. */
      startSeqno: seqno,
      /** Last seqno wanted; 2⁶⁴−1 for a stream without end. */
      endSeqno: seqno,
      /** Branch of history the consumer followed; 0 when it has none. */
      vbucketUuid,
      /** Start of the snapshot that holds the start seqno. */
      snapStartSeqno: seqno,
      /** End of that snapshot. */
      snapEndSeqno: seqno
    },
    value: {
      /** Filter (scopes, collections, stream id) as JSON. */
      filter: json()
    }
  },
  responses: {
    /** The stream is open. */
    Success: { value: { failoverLog } },
    /** The consumer must go back to this seqno and ask again. The stream is not open. */
    Rollback: { value: { rollbackSeqno: seqno } }
  },
  examples: [
    {
      origin: "scenario frame stream_req_first",
      hex: "8053000030000005000000300000010500000000000000000000001000000000000000000000000" +
        "0ffffffffffffffff000000000000000000000000000000000000000000000000",
      fields: { startSeqno: "0", endSeqno: "18446744073709551615" }
    },
    {
      origin: "scenario frame stream_req_resume",
      hex: "8053000030000005000000490000010600000000000000000000001000000000000000000000003cffffffffffffffff00000000000000a10000000000000" +
        "02800000000000000647b22636f6c6c656374696f6e73223a5b2230222c2238225d7d",
      fields: { startSeqno: "60", vbucketUuid: "161", snapStartSeqno: "40", snapEndSeqno: "100", filter: "{\"collections\":[\"0\",\"8\"]}" }
    },
    {
      kind: "response",
      origin: "scenario frame stream_ok",
      hex: "81530000000000000000002000000105000000000000000000000000000000b200000000000001f400000000000000a10000000000000000",
      fields: { failoverLog: [{ vbucketUuid: "178", seqno: "500" }, { vbucketUuid: "161", seqno: "0" }] }
    },
    {
      kind: "response",
      origin: "scenario frame stream_rollback",
      hex: "8153000000000023000000080000010600000000000000000000000000000028",
      fields: { rollbackSeqno: "40" }
    }
  ]
})

/** Asks a consuming node to open a stream of the header's vbucket; answered once its producer agreed. */
export const dcpAddStream = command("DcpAddStream", {
  opcode: 0x51,
  label: "DCP_ADD_STREAM",
  request: { extras: { flags: DcpStreamFlags } },
  responses: {
    Success: {
      extras: {
        /** Opaque of the new stream's messages. */
        streamOpaque: u32
      }
    }
  },
  examples: [
    {
      origin: "kv_engine docs/dcp/documentation/commands/add-stream.md:39",
      hex: "80510000040000050000000400000001000000000000000000000001",
      fields: { vbucket: 5, flags: 1 }
    },
    {
      kind: "response",
      origin: "kv_engine docs/dcp/documentation/commands/add-stream.md:72",
      hex: "81510000040000000000000400000001000000000000000000001000",
      fields: { streamOpaque: 4096 }
    }
  ]
})

/**
 * Ends the stream of the header's vbucket. Messages under way still arrive after the answer, and DcpStreamEnd only after control
 * `send_stream_end_on_client_close_stream`. With stream ids, the framing extras must name the stream.
 */
export const dcpCloseStream = command("DcpCloseStream", {
  opcode: 0x52,
  label: "DCP_CLOSE_STREAM",
  request: {},
  examples: [
    {
      origin: "scenario frame close_stream",
      hex: "805200000000000500000000000001070000000000000000",
      fields: { vbucket: 5, opaque: 0x107 }
    },
    { origin: "gocbcore memd/conn.go", hex: "085203000000000500000003000000060000000000000000220047", fields: { vbucket: 5 } }
  ]
})

/** Reads the failover log of the header's vbucket. */
export const dcpGetFailoverLog = command("DcpGetFailoverLog", {
  opcode: 0x54,
  label: "DCP_GET_FAILOVER_LOG",
  request: {},
  responses: {
    Success: { value: { failoverLog } }
  },
  examples: [
    { origin: "kv_engine docs/dcp/documentation/commands/failover-log.md:17", hex: "805400000000000000000000deadbeef0000000000000000" },
    {
      kind: "response",
      origin: "kv_engine docs/dcp/documentation/commands/failover-log.md:47",
      hex: "815400000000000000000040deadbeef000000000000000000000000feeddeca00000000000054320000000000decafe000000000134321400000000fee" +
        "dface000000000000000400000000deadbeef0000000000006524",
      fields: {
        failoverLog: [
          { vbucketUuid: "4277001930", seqno: "21554" },
          { vbucketUuid: "14600958", seqno: "20197908" },
          { vbucketUuid: "4277009102", seqno: "4" },
          { vbucketUuid: "3735928559", seqno: "25892" }
        ]
      }
    }
  ]
})

/** The stream is over; nothing follows on it. */
export const dcpStreamEnd = command("DcpStreamEnd", {
  opcode: 0x55,
  label: "DCP_STREAM_END",
  sender: "server",
  reply: "error",
  request: { extras: { reason: DcpStreamEndStatus } },
  examples: [
    {
      origin: "scenario frame stream_end",
      hex: "80550000040000050000000400000105000000000000000000000002",
      fields: { vbucket: 5, reason: 2 }
    },
    {
      origin: "vector: DcpStreamEnd with stream id frame",
      hex: "08550300040000050000000700000020000000000000000022004700000000",
      fields: { reason: 0 }
    }
  ]
})

/** Commands about streams as a whole. */
export const streamCommands = [dcpAddStream, dcpCloseStream, dcpStreamRequest, dcpGetFailoverLog, dcpStreamEnd]
