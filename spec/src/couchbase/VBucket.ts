/**
 * Vbuckets: their states, seqnos and histories. Source: kv_engine docs/BinaryProtocol.md,
 * docs/dcp/documentation/commands/{get_seqno,persist_seqno}.md.
 */
import { array, enumeration, json, layouts, optional, reserved, struct, u16, u32, u64, u8, utf8 } from "@wirewright/dsl"
import { fixedCollectionId } from "./Collections.ts"
import { command, seqno, vbucketUuid } from "./Dialect.ts"

/** What a node does with a vbucket. */
export const VBucketState = enumeration("VBucketState", u8, {
  /** Serves it. */
  Active: 1,
  /** Keeps a copy. */
  Replica: 2,
  /** Receives it, about to become active. */
  Pending: 3,
  /** Does not serve it any more. */
  Dead: 4
})

/** Which vbuckets are asked about. */
export const RequestedVBState = enumeration("RequestedVBState", u32, {
  /** Active, replica and pending ones. */
  Alive: 0,
  Active: 1,
  Replica: 2,
  Pending: 3,
  Dead: 4
})

/** High seqno of a vbucket. */
export const VbucketSeqno = struct("VbucketSeqno", {
  vbucket: u16,
  /** Of its last change, or of the last one in the collection asked about. */
  seqno
})

/** One branch of a vbucket's history. */
export const FailoverEntry = struct("FailoverEntry", {
  /** Names the branch. */
  vbucketUuid,
  /** Where the branch begins. */
  seqno
})

/** The failover log, newest branch first. */
export const failoverLog = array(FailoverEntry)

/** Makes the vbucket of the header, or gives it another state. */
export const setVbucket = command("SetVbucket", {
  opcode: 0x3d,
  label: "SET_VBUCKET",
  request: layouts({
    /** What servers from 6.5 on take. */
    Narrow: {
      extras: { state: VBucketState },
      value: {
        /** Topology, snapshot to start from, state expected next; the datatype must say JSON when there are any. */
        options: json()
      }
    },
    /** The state in 32 bits, as servers before 6.5 took it. */
    Wide: {
      extras: { reserved: reserved(3), state: VBucketState }
    }
  }),
  examples: [
    {
      origin: "derived from the layout table",
      hex: "803d0000010000050000000100000010000000000000000001",
      fields: { layout: "Narrow", vbucket: 5, state: 1, options: "" }
    },
    {
      origin: "derived from the layout table",
      hex: "803d00000101000500000015000000100000000000000000027b22746f706f6c6f6779223a5b5b2261225d5d7d",
      fields: { layout: "Narrow", state: 2, options: "{\"topology\":[[\"a\"]]}" }
    },
    {
      origin: "recorded: a client and Couchbase Server 6.0, answered with Success",
      hex: "803d0000040000000000000400000840000000000000000000000002",
      fields: { layout: "Wide", state: 2 }
    }
  ]
})

/** Reads the state of the vbucket of the header. */
export const getVbucket = command("GetVbucket", {
  opcode: 0x3e,
  label: "GET_VBUCKET",
  request: {
    /** Accepted, without a meaning. */
    key: utf8()
  },
  responses: {
    Success: {
      value: {
        /** The state is written as four bytes. */
        reserved: reserved(3),
        state: VBucketState
      }
    }
  },
  examples: [
    { origin: "derived from the layout table", hex: "803e00000000000500000000000000100000000000000000", fields: { vbucket: 5 } },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "813e0000000000000000000400000010000000000000000000000001",
      fields: { state: 1 }
    }
  ]
})

/** Removes the vbucket of the header. */
export const delVbucket = command("DelVbucket", {
  opcode: 0x3f,
  label: "DEL_VBUCKET",
  request: {
    value: {
      /** `async=0` to be answered after the removal. */
      options: utf8()
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "803f000000000005000000070000001000000000000000006173796e633d30",
      fields: { options: "async=0" }
    }
  ]
})

/**
 * Reads the high seqnos of all vbuckets, sorted by vbucket. Without HELLO Collections they are those of the default collection, not of
 * the vbuckets.
 */
export const getAllVbSeqnos = command("GetAllVbSeqnos", {
  opcode: 0x48,
  label: "GET_ALL_VB_SEQNOS",
  request: {
    extras: {
      /** Alive ones when absent. */
      state: optional(RequestedVBState),
      /** Counts changes in this collection only; a plain integer here. */
      collectionId: optional(fixedCollectionId, { requires: "state" })
    }
  },
  responses: {
    Success: { value: { seqnos: array(VbucketSeqno) } }
  },
  examples: [
    { origin: "kv_engine docs/dcp/documentation/commands/get_seqno.md:40", hex: "804800000000000000000000deadbeef0000000000000000" },
    {
      origin: "kv_engine docs/dcp/documentation/commands/get_seqno.md:73",
      hex: "804800000400000000000004deadbeef000000000000000000000002",
      fields: { state: 2 }
    },
    {
      origin: "kv_engine docs/dcp/documentation/commands/get_seqno.md:108",
      hex: "804800000800000000000008deadbeef000000000000000000000000cafef00d",
      fields: { state: 0, collectionId: 0xcafef00d }
    },
    {
      kind: "response",
      origin: "kv_engine docs/dcp/documentation/commands/get_seqno.md:184",
      hex: "814800000000000000000028deadbeef0000000000000000000a0000000000005432000d0000000001343214007f000000000000000402d000000000" +
        "00006524",
      fields: {
        seqnos: [
          { vbucket: 10, seqno: "21554" },
          { vbucket: 13, seqno: "20197908" },
          { vbucket: 127, seqno: "4" },
          { vbucket: 720, seqno: "25892" }
        ]
      }
    }
  ]
})

/** Reads the failover log of the vbucket of the header, on a connection without DCP. */
export const getFailoverLog = command("GetFailoverLog", {
  opcode: 0x96,
  label: "GET_FAILOVER_LOG",
  request: {},
  responses: {
    Success: { value: { failoverLog } }
  },
  examples: [
    { origin: "scenario frame failover_log", hex: "809600000000000500000000000000090000000000000000", fields: { vbucket: 5 } },
    {
      kind: "response",
      origin: "kv_engine docs/BinaryProtocol.md:2682",
      hex: "819600000000000000000040deadbeef000000000000000000000000feeddeca00000000000054320000000000decafe000000000134321400000000fee" +
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

/** Compacts the file of the vbucket of the header. */
export const compactDb = command("CompactDb", {
  opcode: 0xb3,
  label: "COMPACT_DB",
  lifecycle: "internal",
  request: {
    extras: {
      /** Tombstones older than this Unix time are dropped. */
      purgeBeforeTs: u64,
      /** Tombstones up to this seqno are dropped. */
      purgeBeforeSeq: u64,
      /** 1 drops all tombstones. */
      dropDeletes: u8,
      pad1: reserved(u8),
      /** Ignored by today's servers, which take the vbucket from the header. */
      dbFileId: u16,
      pad3: reserved(u32)
    },
    value: {
      /** Such as the encryption keys to get rid of; the datatype must say JSON when there are any. */
      options: json()
    }
  },
  examples: [
    {
      origin: "vector: CompactDb",
      hex: "80b300001800000500000018000000010000000000000000000000006553f10000000000000000640100000500000000",
      fields: { purgeBeforeTs: "1700000000", purgeBeforeSeq: "100", dropDeletes: 1, dbFileId: 5 }
    }
  ]
})

/** Is answered once everything up to the seqno is on disk. */
export const seqnoPersistence = command("SeqnoPersistence", {
  opcode: 0xb7,
  label: "SEQNO_PERSISTENCE",
  request: { extras: { seqno } },
  examples: [
    {
      origin: "kv_engine docs/dcp/documentation/commands/persist_seqno.md:10, lengths corrected",
      hex: "80b700000800000c0000000800000000000000000000000000000000feeddeca",
      fields: { vbucket: 12, seqno: "4277001930" }
    }
  ]
})

/** Commands about vbuckets. */
export const vbucketCommands = [
  setVbucket,
  getVbucket,
  delVbucket,
  getAllVbSeqnos,
  getFailoverLog,
  compactDb,
  seqnoPersistence
]
