/**
 * Opcodes that servers no longer execute: TAP (the predecessor of DCP), classic range operations that nobody ever implemented, and more.
 * They stay described, so that a recording of old traffic can still be read. Flush stands with the classic commands.
 * Source: couchbase/memcached docs/TAP.md, kv_engine include/mcbp/protocol/opcode.h.
 */
import { bit, bytes, flags, json, lengthOf, optional, reserved, u16, u32, u64, u8, utf8 } from "@wirewright/dsl"
import { command } from "./Dialect.ts"

/** Options of a TAP connection. Most add something to the value of TapConnect, in the order of the bits. */
export const TapConnectFlags = flags("TapConnectFlags", u32, {
  /** Sends what is older than this date too. */
  backfill: bit(0),
  /** Ends after what exists now. */
  dump: bit(1),
  /** Only these vbuckets. */
  listVbuckets: bit(2),
  /** The vbuckets move to the consumer. */
  takeoverVbuckets: bit(3),
  /** The consumer acknowledges messages that ask for it. */
  supportAck: bit(4),
  /** Keys without values. */
  requestKeysOnly: bit(5),
  /** The consumer knows checkpoints. */
  checkpoint: bit(6),
  /** The cursor survives a disconnect. */
  registeredClient: bit(7),
  /** Item flags in network byte order; without it, old servers wrote them the other way round. */
  fixFlagByteorder: bit(8)
})

const tapHead = {
  /** Bit 0 asks for an acknowledgement. */
  flags: u16,
  /** Hops the message may still take. */
  ttl: u8,
  reserved: reserved(3)
}

const tapKeyed = {
  /** Length of the engine's own bytes, which stood between extras and key. */
  enginePrivateLength: u16,
  ...tapHead
}

const tapKeyless = {
  extras: { enginePrivateLength: lengthOf(u16, "enginePrivate"), ...tapHead },
  value: {
    /** The engine's own bytes. */
    enginePrivate: bytes(),
    /** What is left. */
    value: bytes()
  }
}

const removed = { lifecycle: "removed", request: {} } as const

const tap = { lifecycle: "removed", sender: "server", reply: "error" } as const

/** Limited the throughput of a node. */
export const setNodeThrottleProperties = command("SetNodeThrottleProperties", {
  opcode: 0x2c,
  label: "SET_NODE_THROTTLE_PROPERTIES",
  lifecycle: "removed",
  request: { value: json() },
  examples: [
    { origin: "derived from the layout table", hex: "802c000000000000000000020000001000000000000000007b7d", fields: { value: "{}" } }
  ]
})

/** Range get; reserved by the classic protocol, never implemented. */
export const rget = command("Rget", { opcode: 0x30, label: "RGET", ...removed })
/** Range set; never implemented. */
export const rset = command("Rset", { opcode: 0x31, label: "RSET", ...removed })
/** Quiet range set; never implemented. */
export const rsetQ = command("RsetQ", { opcode: 0x32, label: "RSETQ", quiet: "success", ...removed })
/** Range append; never implemented. */
export const rappend = command("Rappend", { opcode: 0x33, label: "RAPPEND", ...removed })
/** Quiet range append; never implemented. */
export const rappendQ = command("RappendQ", { opcode: 0x34, label: "RAPPENDQ", quiet: "success", ...removed })
/** Range prepend; never implemented. */
export const rprepend = command("Rprepend", { opcode: 0x35, label: "RPREPEND", ...removed })
/** Quiet range prepend; never implemented. */
export const rprependQ = command("RprependQ", { opcode: 0x36, label: "RPREPENDQ", quiet: "success", ...removed })
/** Range delete; never implemented. */
export const rdelete = command("Rdelete", { opcode: 0x37, label: "RDELETE", ...removed })
/** Quiet range delete; never implemented. */
export const rdeleteQ = command("RdeleteQ", { opcode: 0x38, label: "RDELETEQ", quiet: "success", ...removed })
/** Range increment; never implemented. */
export const rincr = command("Rincr", { opcode: 0x39, label: "RINCR", ...removed })
/** Quiet range increment; never implemented. */
export const rincrQ = command("RincrQ", { opcode: 0x3a, label: "RINCRQ", quiet: "success", ...removed })
/** Range decrement; never implemented. */
export const rdecr = command("Rdecr", { opcode: 0x3b, label: "RDECR", ...removed })
/** Quiet range decrement; never implemented. */
export const rdecrQ = command("RdecrQ", { opcode: 0x3c, label: "RDECRQ", quiet: "success", ...removed })

/** Made the connection a TAP stream. */
export const tapConnect = command("TapConnect", {
  opcode: 0x40,
  label: "TAP_CONNECT",
  lifecycle: "removed",
  reply: "error",
  request: {
    extras: { flags: optional(TapConnectFlags) },
    key: {
      /** Name of the consumer. */
      connectionName: utf8()
    },
    /** What the flags ask for: date of the backfill, list of vbuckets. */
    value: bytes()
  },
  examples: [
    {
      origin: "couchbase/memcached docs/TAP.md:82",
      hex: "804000050400000000000009000000000000000000000000000000006e6f646531",
      fields: { flags: 0, connectionName: "node1", value: { hex: "" } }
    },
    {
      origin: "couchbase/memcached docs/TAP.md:245",
      hex: "804000050400000000000011000000000000000000000000000000046e6f6465310003000000010002",
      fields: { flags: 4, connectionName: "node1", value: { hex: "0003000000010002" } }
    }
  ]
})

/** A document changed. */
export const tapMutation = command("TapMutation", {
  opcode: 0x41,
  label: "TAP_MUTATION",
  ...tap,
  request: {
    extras: {
      ...tapKeyed,
      /** The user's flags. */
      itemFlags: u32,
      /** Unix time, 0 for never. */
      itemExpiration: u32
    },
    key: utf8({ max: 250 }),
    value: bytes()
  },
  examples: [
    {
      origin: "couchbase/memcached docs/TAP.md:576",
      hex: "80410005100000660000001a00000000000000000000000300000000ff00000000000000000000006d796b657976616c7565",
      fields: { flags: 0, ttl: 255, itemFlags: 0, itemExpiration: 0, key: "mykey", value: { hex: "76616c7565" } }
    }
  ]
})

/** A document was deleted. */
export const tapDelete = command("TapDelete", {
  opcode: 0x42,
  label: "TAP_DELETE",
  ...tap,
  request: { extras: tapKeyed, key: utf8({ max: 250 }) },
  examples: [
    {
      origin: "couchbase/memcached docs/TAP.md:639",
      hex: "80420005080000660000000d00000000000000000000000000000000ff0000006d796b6579",
      fields: { ttl: 255, key: "mykey" }
    }
  ]
})

/** All documents were deleted. */
export const tapFlush = command("TapFlush", {
  opcode: 0x43,
  label: "TAP_FLUSH",
  ...tap,
  request: tapKeyless,
  examples: [
    {
      origin: "couchbase/memcached docs/TAP.md:694",
      hex: "80430000080000000000000800000000000000000000000000000000ff000000",
      fields: { ttl: 255, enginePrivate: { hex: "" } }
    }
  ]
})

/** A message from engine to engine. */
export const tapOpaque = command("TapOpaque", {
  opcode: 0x44,
  label: "TAP_OPAQUE",
  ...tap,
  request: tapKeyless,
  examples: [
    {
      origin: "couchbase/memcached docs/TAP.md:741",
      hex: "80440000080003ff0000000c00000000000000000000000000040000ff000000ffffffff",
      fields: { flags: 0, enginePrivate: { hex: "ffffffff" }, value: { hex: "" } }
    }
  ]
})

/** The vbucket has another state; it stands in the engine's own bytes. */
export const tapVbucketSet = command("TapVbucketSet", {
  opcode: 0x45,
  label: "TAP_VBUCKET_SET",
  ...tap,
  request: tapKeyless,
  examples: [
    {
      origin: "couchbase/memcached docs/TAP.md:840",
      hex: "80450000080000380000000c00000039000000000000000000040001ff00000000000003",
      fields: { flags: 1, enginePrivate: { hex: "00000003" } }
    }
  ]
})

/** A checkpoint begins. */
export const tapCheckpointStart = command("TapCheckpointStart", {
  opcode: 0x46,
  label: "TAP_CHECKPOINT_START",
  ...tap,
  request: tapKeyless
})

/** A checkpoint is complete. */
export const tapCheckpointEnd = command("TapCheckpointEnd", { opcode: 0x47, label: "TAP_CHECKPOINT_END", ...tap, request: tapKeyless })

/** Read the id of the last closed checkpoint. */
export const lastClosedCheckpoint = command("LastClosedCheckpoint", { opcode: 0x97, label: "LAST_CLOSED_CHECKPOINT", ...removed })
/** Forgot a registered TAP consumer. */
export const deregisterTapClient = command("DeregisterTapClient", { opcode: 0x9e, label: "DEREGISTER_TAP_CLIENT", ...removed })
/** Made all replicas start over. */
export const resetReplicationChain = command("ResetReplicationChain", { opcode: 0x9f, label: "RESET_REPLICATION_CHAIN", ...removed })
/** Wrote the states of the vbuckets to disk. */
export const snapshotVbStates = command("SnapshotVbStates", { opcode: 0xa6, label: "SNAPSHOT_VB_STATES", ...removed })
/** Announced how many vbuckets the next batch has. */
export const vbucketBatchCount = command("VbucketBatchCount", { opcode: 0xa7, label: "VBUCKET_BATCH_COUNT", ...removed })
/** Closed the open checkpoint and began another. */
export const createCheckpoint = command("CreateCheckpoint", { opcode: 0xaa, label: "CREATE_CHECKPOINT", ...removed })
/** Told the engine that vbuckets moved. */
export const notifyVbucketUpdate = command("NotifyVbucketUpdate", { opcode: 0xac, label: "NOTIFY_VBUCKET_UPDATE", ...removed })
/** Changed the vbuckets of a TAP consumer. */
export const changeVbFilter = command("ChangeVbFilter", { opcode: 0xb0, label: "CHANGE_VB_FILTER", ...removed })
/** Waited until a checkpoint was on disk; SeqnoPersistence took its place. */
export const checkpointPersistence = command("CheckpointPersistence", { opcode: 0xb1, label: "CHECKPOINT_PERSISTENCE", ...removed })
/** Set how much clocks may drift apart. */
export const setDriftCounterState = command("SetDriftCounterState", { opcode: 0xc1, label: "SET_DRIFT_COUNTER_STATE", ...removed })
/** Read the clock corrected by the drift. */
export const getAdjustedTime = command("GetAdjustedTime", { opcode: 0xc2, label: "GET_ADJUSTED_TIME", ...removed })
/** Freed expired documents. */
export const scrub = command("Scrub", { opcode: 0xf0, label: "SCRUB", ...removed })
/** Read the TLS certificates again. */
export const sslCertsRefresh = command("SslCertsRefresh", { opcode: 0xf2, label: "SSL_CERTS_REFRESH", ...removed })

/** Replaced the token that guards against two managers at once. */
export const setCtrlToken = command("SetCtrlToken", {
  opcode: 0xf4,
  label: "SET_CTRL_TOKEN",
  lifecycle: "removed",
  request: { extras: { newToken: u64 } },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80f4000008000000000000080000001000000000000000000000000000000001",
      fields: { newToken: "1" }
    }
  ]
})

/** Read that token. */
export const getCtrlToken = command("GetCtrlToken", { opcode: 0xf5, label: "GET_CTRL_TOKEN", ...removed })

/** Opcodes without a future. */
export const retiredCommands = [
  setNodeThrottleProperties,
  rget,
  rset,
  rsetQ,
  rappend,
  rappendQ,
  rprepend,
  rprependQ,
  rdelete,
  rdeleteQ,
  rincr,
  rincrQ,
  rdecr,
  rdecrQ,
  tapConnect,
  tapMutation,
  tapDelete,
  tapFlush,
  tapOpaque,
  tapVbucketSet,
  tapCheckpointStart,
  tapCheckpointEnd,
  lastClosedCheckpoint,
  deregisterTapClient,
  resetReplicationChain,
  snapshotVbStates,
  vbucketBatchCount,
  createCheckpoint,
  notifyVbucketUpdate,
  changeVbFilter,
  checkpointPersistence,
  setDriftCounterState,
  getAdjustedTime,
  scrub,
  sslCertsRefresh,
  setCtrlToken,
  getCtrlToken
]
