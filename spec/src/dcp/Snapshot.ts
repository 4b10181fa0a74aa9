/**
 * Snapshots: which items belong together. Source: kv_engine
 * docs/dcp/documentation/commands/{snapshot-marker,oso_snapshot,seqno-advanced}.md, protocol/mcbp/dcp_snapshot_marker_codec.cc.
 */
import { bit, constant, enumeration, flags, layouts, u32, u64, u8 } from "@wirewright/dsl"
import { command, seqno } from "../couchbase/Dialect.ts"

/** What kind of snapshot follows. */
export const DcpSnapshotMarkerFlags = flags("DcpSnapshotMarkerFlags", u32, {
  /** The items come from memory. */
  memory: bit(0),
  /** The items come from disk. */
  disk: bit(1),
  /** A checkpoint starts here; of interest to replicas. */
  checkpoint: bit(2),
  /** The consumer must answer once it has received the whole snapshot. */
  acknowledge: bit(3),
  /** The snapshot is part of the retained history: no key was deduplicated. */
  history: bit(4),
  /** A key may occur more than once. */
  mayContainDuplicates: bit(5)
})

/** Minor version of a marker whose content stands in the value. */
export const SnapshotMarkerVersion = enumeration("SnapshotMarkerVersion", u8, {
  V2_0: 0,
  /** Removed again. */
  V2_1: 1,
  V2_2: 2
})

/** Which end of an out-of-order snapshot this is. */
export const DcpOsoSnapshotFlags = flags("DcpOsoSnapshotFlags", u32, {
  /** The snapshot begins. */
  start: bit(0),
  /** The snapshot is complete. */
  end: bit(1)
})

const range = {
  /** First seqno of the snapshot. */
  startSeqno: seqno,
  /** Last seqno of the snapshot. */
  endSeqno: seqno,
  flags: DcpSnapshotMarkerFlags
}

const visibility = {
  /** Highest seqno a client may see. */
  maxVisibleSeqno: seqno,
  /** Highest seqno that was committed or aborted; meaningful with the disk flag only. */
  highCompletedSeqno: seqno
}

/** Announces that the items up to the end seqno form one consistent snapshot. */
export const dcpSnapshotMarker = command("DcpSnapshotMarker", {
  opcode: 0x56,
  label: "DCP_SNAPSHOT_MARKER",
  sender: "server",
  reply: "error",
  request: layouts({
    /** The original layout. */
    V1: { extras: range },
    /** Sent to consumers that know synchronous replication. */
    V2_0: { extras: { version: constant(u8, 0) }, value: { ...range, ...visibility } },
    /** Removed again; older 7.x servers had it. */
    V2_1: { extras: { version: constant(u8, 1) }, value: { ...range, ...visibility, timestamp: u64 } },
    /** Sent after control `max_marker_version=2.2`. */
    V2_2: {
      extras: { version: constant(u8, 2) },
      value: {
        ...range,
        ...visibility,
        /** Tombstones up to here may be gone. */
        purgeSeqno: seqno,
        /** Highest prepare; meaningful with the disk flag only. */
        highPreparedSeqno: seqno
      }
    }
  }),
  examples: [
    {
      origin: "scenario frame marker_v1_mem",
      hex: "8056000014000005000000140000010500000000000000000000000000000000000000000000000300000005",
      fields: { layout: "V1", startSeqno: "0", endSeqno: "3" }
    },
    {
      origin: "scenario frame marker_v20",
      hex: "80560000010000050000002500000105000000000000000000000000000000000000000000000003e80000000600000000000003de0000000000000000",
      fields: { layout: "V2_0", startSeqno: "0", endSeqno: "1000", flags: 6, maxVisibleSeqno: "990", highCompletedSeqno: "0" }
    },
    {
      origin: "vector: DcpSnapshotMarker V2.1 (removed)",
      hex: "80560000010000050000002d000000210000000000000000010000000000000001000000000000000800000002000000000000000800000000000000" +
        "071122" +
        "10f47de98115",
      fields: { layout: "V2_1", startSeqno: "1", endSeqno: "8", flags: 2, timestamp: "1234567890123456789" }
    },
    {
      origin: "vector: DcpSnapshotMarker V2.2 disk|history|duplicates",
      hex: "8056000001000005000000350000002100000000000000000200000000000000018000000000000008000000320000000000000008000000000000000700" +
        "000000000000030000000000000006",
      fields: { layout: "V2_2", startSeqno: "1", endSeqno: "9223372036854775816", flags: 0x32, purgeSeqno: "3", highPreparedSeqno: "6" }
    },
    { kind: "response", origin: "derived from the layout table", hex: "815600000000000000000000000000210000000000000000" }
  ]
})

/** The high seqno moves without an item for this stream: remember it as the point to resume from. */
export const dcpSeqnoAdvanced = command("DcpSeqnoAdvanced", {
  opcode: 0x64,
  label: "DCP_SEQNO_ADVANCED",
  sender: "server",
  reply: "error",
  request: { extras: { bySeqno: seqno } },
  examples: [
    {
      origin: "scenario frame seqno_advanced",
      hex: "8064000008000005000000080000010500000000000000000000000000000064",
      fields: { bySeqno: "100" }
    }
  ]
})

/** Encloses a snapshot in key order instead of seqno order; without DcpSeqnoAdvanced in it, it can only be repeated from the start. */
export const dcpOsoSnapshot = command("DcpOsoSnapshot", {
  opcode: 0x65,
  label: "DCP_OSO_SNAPSHOT",
  sender: "server",
  reply: "error",
  request: { extras: { flags: DcpOsoSnapshotFlags } },
  examples: [
    { origin: "scenario frame oso_begin", hex: "80650000040000050000000400000105000000000000000000000001", fields: { flags: 1 } },
    { origin: "scenario frame oso_end", hex: "80650000040000050000000400000105000000000000000000000002", fields: { flags: 2 } }
  ]
})

/** Commands about snapshots. */
export const snapshotCommands = [dcpSnapshotMarker, dcpSeqnoAdvanced, dcpOsoSnapshot]
