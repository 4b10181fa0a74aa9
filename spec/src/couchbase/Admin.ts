/**
 * Running a node: configuration, audit, keys, parameters, and aids for tests. Source: kv_engine docs/BinaryProtocol.md,
 * daemon/mcbp_validators.cc.
 */
import { enumeration, json, u16, u32, u64, u8, utf8 } from "@wirewright/dsl"
import { command } from "./Dialect.ts"

/** Which group of parameters SetParam changes. */
export const SetParamType = enumeration("SetParamType", u32, {
  /** The flusher and memory quotas. */
  Flush: 1,
  /** Retired with TAP; answered KeyEnoent. */
  Replication: 2,
  Checkpoint: 3,
  Dcp: 4,
  /** A setting of the vbucket in the header. */
  Vbucket: 5,
  /** Any key of the bucket's configuration. */
  Config: 6
})

/** Which clock AdjustTimeofday moves. */
export const AdjustTimeType = enumeration("AdjustTimeType", u8, {
  TimeOfDay: 0,
  Uptime: 1
})

/** Reads a property of the running process. */
export const ioctlGet = command("IoctlGet", {
  opcode: 0x23,
  replaces: "GatK",
  label: "IOCTL_GET",
  request: {
    key: {
      /** Name of the property. */
      property: utf8()
    }
  },
  responses: {
    Success: { value: utf8() }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "8023000c000000000000000c00000010000000000000000074726163652e737461747573",
      fields: { property: "trace.status" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "812300000000000000000007000000100000000000000000656e61626c6564",
      fields: { value: "enabled" }
    }
  ]
})

/** Changes a property of the running process. */
export const ioctlSet = command("IoctlSet", {
  opcode: 0x24,
  replaces: "GatKQ",
  label: "IOCTL_SET",
  request: {
    key: {
      /** Name of the property. */
      property: utf8()
    },
    value: utf8()
  },
  responses: {
    Success: { value: utf8() }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "8024000b000000000000000c00000010000000000000000074726163652e737461727431",
      fields: { property: "trace.start", value: "1" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "812400000000000000000000000000100000000000000000",
      fields: { value: "" }
    }
  ]
})

/** Checks a node configuration without applying it. */
export const configValidate = command("ConfigValidate", {
  opcode: 0x25,
  label: "CONFIG_VALIDATE",
  request: { value: json() },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80250000000000000000000d0000001000000000000000007b2274687265616473223a347d",
      fields: { value: "{\"threads\":4}" }
    }
  ]
})

/** Makes the node read its configuration file again. */
export const configReload = command("ConfigReload", {
  opcode: 0x26,
  label: "CONFIG_RELOAD",
  request: {},
  examples: [{ origin: "derived from the layout table", hex: "802600000000000000000000000000100000000000000000" }]
})

/** Adds an event to the audit trail. */
export const auditPut = command("AuditPut", {
  opcode: 0x27,
  label: "AUDIT_PUT",
  request: {
    extras: {
      /** Kind of event. */
      eventId: u32
    },
    value: json()
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80270000040000000000000c000000100000000000000000000050007b226964223a317d",
      fields: { eventId: 0x5000, value: "{\"id\":1}" }
    }
  ]
})

/** Makes the node read its audit configuration again. */
export const auditConfigReload = command("AuditConfigReload", {
  opcode: 0x28,
  label: "AUDIT_CONFIG_RELOAD",
  request: {},
  examples: [{ origin: "derived from the layout table", hex: "802800000000000000000000000000100000000000000000" }]
})

/** Stops the node. */
export const shutdown = command("Shutdown", {
  opcode: 0x29,
  label: "SHUTDOWN",
  request: {},
  examples: [{ origin: "derived from the layout table", hex: "802900000000000000000000000000100000000000000000" }]
})

/** Sets how much of the node's throughput a bucket gets. */
export const setBucketThrottleProperties = command("SetBucketThrottleProperties", {
  opcode: 0x2a,
  label: "SET_BUCKET_THROTTLE_PROPERTIES",
  request: {
    key: { bucket: utf8() },
    /** The limits. */
    value: json({ max: 1024 })
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "802a00040001000000000013000000100000000000000000626565727b227265736572766564223a31307d",
      fields: { bucket: "beer", value: "{\"reserved\":10}" }
    }
  ]
})

/** Makes the bucket refuse writes that would add data, or accept them again. */
export const setBucketDataLimitExceeded = command("SetBucketDataLimitExceeded", {
  opcode: 0x2b,
  label: "SET_BUCKET_DATA_LIMIT_EXCEEDED",
  request: {
    extras: {
      /** Status to refuse writes with (0x35…0x38), 0 to accept them. */
      limitStatus: u16
    },
    key: { bucket: utf8() }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "802b00040200000000000006000000100000000000000000003562656572",
      fields: { limitStatus: 0x35, bucket: "beer" }
    }
  ]
})

/** Hands out the keys that data is encrypted with from now on. */
export const setActiveEncryptionKeys = command("SetActiveEncryptionKeys", {
  opcode: 0x2d,
  label: "SET_ACTIVE_ENCRYPTION_KEYS",
  request: {
    key: {
      /** A bucket, or `@logs`, `@config`, `@audit`. */
      entity: utf8()
    },
    value: json()
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "802d00050001000000000010000000100000000000000000406c6f67737b226b657973223a5b5d7d",
      fields: { entity: "@logs", value: "{\"keys\":[]}" }
    }
  ]
})

/** Re-encrypts what still uses the given keys, so that they can be thrown away. */
export const pruneEncryptionKeys = command("PruneEncryptionKeys", {
  opcode: 0x2e,
  label: "PRUNE_ENCRYPTION_KEYS",
  request: {
    key: {
      /** `@logs` or `@audit`. */
      entity: utf8()
    },
    /** Array of key ids. */
    value: json()
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "802e0006000100000000000c0000001000000000000000004061756469745b226131225d",
      fields: { entity: "@audit", value: "[\"a1\"]" }
    }
  ]
})

/** Stops writing to disk. */
export const stopPersistence = command("StopPersistence", { opcode: 0x80, label: "STOP_PERSISTENCE", lifecycle: "internal", request: {} })

/** Goes on writing to disk. */
export const startPersistence = command("StartPersistence", {
  opcode: 0x81,
  label: "START_PERSISTENCE",
  lifecycle: "internal",
  request: {}
})

/** Changes a parameter of the bucket until it is warmed up again. */
export const setParam = command("SetParam", {
  opcode: 0x82,
  label: "SET_PARAM",
  lifecycle: "internal",
  request: {
    extras: { paramType: SetParamType },
    key: {
      /** Name of the parameter. */
      parameter: utf8()
    },
    value: utf8()
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "808200100400000000000016000000100000000000000000000000046463705f69646c655f74696d656f75743630",
      fields: { paramType: 4, parameter: "dcp_idle_timeout", value: "60" }
    }
  ]
})

/** Lets clients in after warm-up. */
export const enableTraffic = command("EnableTraffic", { opcode: 0xad, label: "ENABLE_TRAFFIC", lifecycle: "internal", request: {} })

/** Keeps clients out. */
export const disableTraffic = command("DisableTraffic", { opcode: 0xae, label: "DISABLE_TRAFFIC", lifecycle: "internal", request: {} })

/** Defines, deletes or lists the ports the node listens on. */
export const ifconfig = command("Ifconfig", {
  opcode: 0xaf,
  label: "IFCONFIG",
  lifecycle: "internal",
  request: {
    key: {
      /** `define`, `delete`, `list` or `tls`. */
      action: utf8()
    },
    /** Depends on the action. */
    value: json()
  },
  responses: {
    Success: { value: json() }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80af000400000000000000040000001000000000000000006c697374",
      fields: { action: "list" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81af000000010000000000020000001000000000000000005b5d",
      fields: { value: "[]" }
    }
  ]
})

/** Reads the histogram of the time an opcode took. */
export const getCmdTimer = command("GetCmdTimer", {
  opcode: 0xf3,
  label: "GET_CMD_TIMER",
  lifecycle: "internal",
  request: {
    extras: {
      /** The opcode asked about. */
      timedOpcode: u8
    },
    key: {
      /** A bucket; empty for the selected one, `/all/` for all together. */
      bucket: utf8()
    }
  },
  responses: {
    Success: { value: json() }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80f300050100000000000006000000100000000000000000002f616c6c2f",
      fields: { timedOpcode: 0, bucket: "/all/" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81f3000000000000000000020000001000000000000000007b7d",
      fields: { value: "{}" }
    }
  ]
})

/** Test builds: moves the server's clock. */
export const adjustTimeofday = command("AdjustTimeofday", {
  opcode: 0xfc,
  label: "ADJUST_TIMEOFDAY",
  lifecycle: "internal",
  request: {
    extras: {
      /** Seconds. */
      offset: u64,
      timeType: AdjustTimeType
    }
  },
  responses: {
    Success: { value: utf8() }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80fc00000900000000000009000000100000000000000000000000000000003c00",
      fields: { offset: "60", timeType: 0 }
    }
  ]
})

/** Test builds: makes the engine answer EWOULDBLOCK or another error. */
export const ewouldblockCtl = command("EwouldblockCtl", {
  opcode: 0xfd,
  label: "EWB_CTL",
  lifecycle: "internal",
  request: {
    extras: {
      /** When to fail. */
      mode: u32,
      /** Parameter of the mode. */
      value: u32,
      /** The error to answer. */
      injectError: u32
    },
    key: {
      /** Parameter of the mode. */
      testKey: utf8()
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80fd00000c0000000000000c000000100000000000000000000000000000000100000086",
      fields: { mode: 0, value: 1, injectError: 0x86, testKey: "" }
    }
  ]
})

/** Marks the end of the opcode table in the server; never on the wire. */
export const invalid = command("Invalid", { opcode: 0xff, lifecycle: "internal", reply: "none", request: {} })

/** Commands that run a node, and those of test builds. */
export const adminCommands = [
  ioctlGet,
  ioctlSet,
  configValidate,
  configReload,
  auditPut,
  auditConfigReload,
  shutdown,
  setBucketThrottleProperties,
  setBucketDataLimitExceeded,
  setActiveEncryptionKeys,
  pruneEncryptionKeys,
  stopPersistence,
  startPersistence,
  setParam,
  enableTraffic,
  disableTraffic,
  ifconfig,
  getCmdTimer,
  adjustTimeofday,
  ewouldblockCtl,
  invalid
]
