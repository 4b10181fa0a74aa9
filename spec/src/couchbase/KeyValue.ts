/**
 * Documents by key: the classic commands in the Couchbase dialect, and those Couchbase added.
 *
 * Source: kv_engine docs/BinaryProtocol.md, engines/ep/docs/protocol.
 */
import { array, bytes, constant, enumeration, json, layouts, lengthOf, optional, struct, u16, u32, u8 } from "@wirewright/dsl"
import { classicCommands } from "../memcached/Classic.ts"
import { cas } from "../memcached/Frame.ts"
import { fixedCollectionId } from "./Collections.ts"
import { command, documentKey, seqno, vbucketUuid, writtenExtras } from "./Dialect.ts"

/** The classic commands with collection-aware keys and mutation tokens. The commands about the connection are memcached's own. */
export const couchbaseClassic = classicCommands({
  command,
  key: documentKey,
  written: { extras: writtenExtras },
  keyedMiss: {},
  statParameters: {
    value: {
      /** Arguments of the group as JSON; the datatype must say so. */
      parameters: json()
    }
  },
  quietLifecycle: "deprecated",
  flushLifecycle: "removed",
  examples: {
    Get: [
      {
        origin: "gocbcore get cid=8",
        hex: "800000040000000c0000000400000001000000000000000008646f63",
        states: ["collections"],
        fields: { collectionId: 8, key: "doc" }
      },
      {
        origin: "gocbcore get cid=0xcafef00d",
        hex: "80000008000003ff000000080000000200000000000000008de0fbd70c646f63",
        states: ["collections"],
        fields: { vbucket: 1023, collectionId: 3_405_705_229, key: "doc" }
      }
    ],
    Set: [
      {
        origin: "gocbcore set durability timeout preserve-ttl",
        hex: "080105040801000c00000013000000040000000000000000130209c450deadbeef00000e1000646f637b7d",
        states: ["collections"],
        fields: { collectionId: 0, key: "doc", value: { hex: "7b7d" } }
      },
      {
        kind: "response",
        origin: "derived from the layout table",
        hex: "8101000010000000000000100000000516f3a2b1c0d00001a1b2c3d4e5f607180020000000000003",
        fields: { mutationToken: { vbucketUuid: "11651590505119483672", seqno: "9007199254740995" } }
      }
    ],
    Add: [
      {
        origin: "kv_engine docs/Collections.md:74, corrected",
        hex: "800200070800000000000014000000000000000000000000deadbeef00000e10ab0448656c6c6f576f726c64",
        states: ["collections"],
        fields: { collectionId: 555, key: "Hello", value: { hex: "576f726c64" } }
      }
    ],
    Replace: [
      {
        kind: "response",
        origin: "derived from the layout table",
        hex: "81030000100000000000001000000001000000000000000500000000feedface0000000000000009",
        fields: { cas: "5", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
      }
    ],
    Delete: [
      {
        kind: "response",
        origin: "derived from the layout table",
        hex: "81040000100000000000001000000001000000000000000500000000feedface0000000000000009",
        fields: { cas: "5", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
      }
    ],
    Increment: [
      {
        kind: "response",
        origin: "derived from the layout table",
        hex: "81050000100000000000001800000001000000000000000500000000feedface00000000000000090000000000000005",
        fields: { value: "5", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
      }
    ],
    Append: [
      {
        kind: "response",
        origin: "derived from the layout table",
        hex: "810e0000100000000000001000000001000000000000000500000000feedface0000000000000009",
        fields: { cas: "5", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
      }
    ],
    Prepend: [
      {
        kind: "response",
        origin: "derived from the layout table",
        hex: "810f0000100000000000001000000001000000000000000500000000feedface0000000000000009",
        fields: { cas: "5", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
      }
    ],
    Touch: [
      {
        kind: "response",
        origin: "derived from the layout table",
        hex: "811c00000000000000000000000000010000000000000006",
        fields: { cas: "6" }
      }
    ]
  }
})

/** A document's key inside a value; its length covers the collection prefix, too. */
export const DocumentKey = struct("DocumentKey", documentKey)

const keyOnly = { key: documentKey }

const hit = {
  extras: {
    /** As stored. */
    flags: u32
  },
  /** The document. */
  value: bytes()
}

const attributedHit = {
  extras: {
    /** As stored. */
    flags: u32
  },
  /** The section of extended attributes, when the datatype says so, and the document; compressed together. */
  value: bytes()
}

/** Reads a document together with its extended attributes. Needs HELLO Xattr, Json and SnappyEverywhere. */
export const getEx = command("GetEx", {
  opcode: 0x49,
  label: "GET_EX",
  request: keyOnly,
  responses: { Success: attributedHit },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80490005000000000000000500000001000000000000000048656c6c6f",
      fields: { key: "Hello" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "814900000405000000000016000000010000000000000009deadbeef0000000c000000085f610074727565007b7d",
      fields: { cas: "9", datatype: 5, flags: 3_735_928_559 }
    }
  ]
})

/** GetEx from a replica. */
export const getExReplica = command("GetExReplica", {
  opcode: 0x4a,
  label: "GET_EX_REPLICA",
  request: keyOnly,
  responses: { Success: attributedHit },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "804a0005000000030000000500000001000000000000000048656c6c6f",
      fields: { vbucket: 3, key: "Hello" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "814a00000401000000000006000000010000000000000009000000007b7d",
      fields: { cas: "9", datatype: 1, value: { hex: "7b7d" } }
    }
  ]
})

/** Get from a replica. */
export const getReplica = command("GetReplica", {
  opcode: 0x83,
  label: "GET_REPLICA",
  request: keyOnly,
  responses: { Success: hit },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80830005000000030000000500000001000000000000000048656c6c6f",
      fields: { vbucket: 3, key: "Hello" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "818300000400000000000009000000010000000000000009deadbeef576f726c64",
      fields: { cas: "9", flags: 3_735_928_559, value: { hex: "576f726c64" } }
    }
  ]
})

const observed = {
  /** The vbucket asked about. */
  vbucket: u16,
  /** Its branch of history now. */
  vbucketUuid,
  /** Last change that is on disk. */
  lastPersistedSeqno: seqno,
  /** Last change in memory. */
  currentSeqno: seqno
}

/** Asks how far a vbucket has come on a node. */
export const observeSeqno = command("ObserveSeqno", {
  opcode: 0x91,
  label: "OBSERVE_SEQNO",
  request: {
    value: {
      /** The branch of history the client wrote to. */
      vbucketUuid
    }
  },
  responses: {
    Success: layouts({
      /** The branch is still the current one. */
      NoFailover: { value: { format: constant(u8, 0), ...observed } },
      /** A failover began a new branch. */
      HardFailover: {
        value: {
          format: constant(u8, 1),
          ...observed,
          /** The branch the client named. */
          oldVbucketUuid: vbucketUuid,
          /** Last change that was received in that branch. */
          lastReceivedSeqno: seqno
        }
      }
    })
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80910000000000030000000800000001000000000000000000000000feedface",
      fields: { vbucket: 3, vbucketUuid: "4277009102" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81910000000000000000001b00000001000000000000000000000300000000feedface000000000000003a0000000000" +
        "000041",
      fields: { layout: "NoFailover", vbucketUuid: "4277009102", lastPersistedSeqno: "58", currentSeqno: "65" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81910000000000000000002b00000001000000000000000001000300000000feedface000000000000003a0000000000" +
        "00004100000000deadbeef000000000000003c",
      fields: { layout: "HardFailover", oldVbucketUuid: "3735928559", lastReceivedSeqno: "60" }
    }
  ]
})

/** Where a document is on the observed node. */
export const ObserveKeyState = enumeration("ObserveKeyState", u8, {
  /** In memory only. */
  NotPersisted: 0x00,
  /** On disk. */
  Persisted: 0x01,
  /** Unknown to the node. */
  NotFound: 0x80,
  /** Deleted in memory, not yet on disk. */
  LogicalDeleted: 0x81
})

/** A key to observe. */
export const ObserveKey = struct("ObserveKey", {
  /** The vbucket the key belongs to. */
  vbucket: u16,
  /** Length of the key, collection prefix included. */
  keyLength: lengthOf(u16, "key"),
  key: DocumentKey
})

/** What became of an observed key. */
export const ObservedKey = struct("ObservedKey", {
  /** The vbucket the key belongs to. */
  vbucket: u16,
  /** Length of the key, collection prefix included. */
  keyLength: lengthOf(u16, "key"),
  key: DocumentKey,
  state: ObserveKeyState,
  /** The document's version; 0 when there is none. */
  cas
})

/**
 * Asks where documents are, by key. The vbuckets stand in the value. The CAS field of the response holds no CAS: its upper half is the
 * estimated time to persist in milliseconds.
 */
export const observe = command("Observe", {
  opcode: 0x92,
  label: "OBSERVE",
  request: { value: { keys: array(ObserveKey) } },
  responses: { Success: { value: { keys: array(ObservedKey) } } },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80920000000000000000000f000000010000000000000000000000040061626300050003086465",
      states: ["collections"],
      fields: { keys: [{ vbucket: 0, key: { collectionId: 0, key: "abc" } }, { vbucket: 5, key: { collectionId: 8, key: "de" } }] }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81920000000000000000001100000001000000fa000000000000000400616263010000000000001122",
      states: ["collections"],
      fields: { cas: "1073741824000", keys: [{ vbucket: 0, key: { collectionId: 0, key: "abc" }, state: 1, cas: "4386" }] }
    }
  ]
})

/** Drops a document's value from memory. */
export const evictKey = command("EvictKey", {
  opcode: 0x93,
  label: "EVICT_KEY",
  lifecycle: "internal",
  request: keyOnly,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80930005000000000000000500000001000000000000000048656c6c6f",
      fields: { key: "Hello" }
    }
  ]
})

/** Reads a document and locks it. The CAS of the answer unlocks it; to others it shows as 2⁶⁴−1. */
export const getLocked = command("GetLocked", {
  opcode: 0x94,
  label: "GET_LOCKED",
  request: {
    extras: {
      /** For how many seconds; the server's default when 0 or absent. */
      lockTimeout: optional(u32)
    },
    key: documentKey
  },
  responses: { Success: hit },
  examples: [
    {
      origin: "couchbase/memcached tests/testapp/testapp_lock.cc",
      hex: "8094000300000000000000030000000600000000000000004e4554",
      fields: { key: "NET" }
    },
    {
      origin: "derived from the layout table",
      hex: "8094000104000000000000050000000100000000000000000000000f6b",
      fields: { lockTimeout: 15, key: "k" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "819400000401000000000006000000010000000000001234000000007b7d",
      fields: { cas: "4660", flags: 0, value: { hex: "7b7d" } }
    }
  ]
})

/** Unlocks a document. The CAS must be the one the lock gave. */
export const unlockKey = command("UnlockKey", {
  opcode: 0x95,
  label: "UNLOCK_KEY",
  request: keyOnly,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "8095000100000000000000010000000100000000000012346b",
      fields: { cas: "4660", key: "k" }
    }
  ]
})

/** Reads a document nobody chose. */
export const getRandomKey = command("GetRandomKey", {
  opcode: 0xb6,
  label: "GET_RANDOM_KEY",
  request: {
    extras: {
      /** The collection to look in; here four plain bytes. The default collection when absent. */
      collectionId: optional(fixedCollectionId),
      /** 1 to get the extended attributes, too. */
      includeXattr: optional(u8, { requires: "collectionId" })
    }
  },
  responses: { Success: { ...attributedHit, key: documentKey } },
  examples: [
    {
      origin: "kv_engine docs/dcp/documentation/commands/random_key.md:10",
      hex: "80b600000000000000000000000000000000000000000000",
      fields: { opaque: 0 }
    },
    {
      origin: "gocbcore getrandom collection extras",
      hex: "80b60000040000000000000400000005000000000000000000000008",
      fields: { collectionId: 8 }
    },
    {
      origin: "derived from the layout table",
      hex: "80b6000005000000000000050000000100000000000000000000000801",
      fields: { collectionId: 8, includeXattr: 1 }
    },
    {
      kind: "response",
      origin: "kv_engine docs/dcp/documentation/commands/random_key.md:42, corrected",
      hex: "81b60008040000000000000c0000000000000000000000000000000072616e645f6b6579",
      fields: { flags: 0, key: "rand_key" }
    }
  ]
})

/** One of the keys that follow a key. */
export const ListedKey = struct("ListedKey", {
  /** Length of the key, collection prefix included. */
  keyLength: lengthOf(u16, "key"),
  key: DocumentKey
})

/** Asks for the keys of a vbucket from a key on. */
export const getKeys = command("GetKeys", {
  opcode: 0xb8,
  label: "GET_KEYS",
  request: {
    extras: {
      /** How many at most; 1000 when absent. */
      count: optional(u32)
    },
    /** Where to begin. */
    key: documentKey
  },
  responses: { Success: { value: { keys: array(ListedKey) } } },
  examples: [
    {
      origin: "kv_engine engines/ep/docs/protocol/get_keys.md:34, corrected",
      hex: "80b80009040000030000000d0000000000000000000000000000000273746172745f6b6579",
      fields: { vbucket: 3, key: "start_key" }
    },
    {
      kind: "response",
      origin: "kv_engine engines/ep/docs/protocol/get_keys.md:76, corrected",
      hex: "81b800000000000000000018000000000000000000000000000a73746172745f6b657931000a73746172745f6b657932",
      fields: { keys: [{ key: { key: "start_key1" } }, { key: { key: "start_key2" } }] }
    }
  ]
})

/** Asks what the statuses mean to a client, as JSON. */
export const getErrorMap = command("GetErrorMap", {
  opcode: 0xfe,
  label: "GET_ERROR_MAP",
  request: {
    value: {
      /** Newest format the client reads. */
      version: u16
    }
  },
  responses: {
    Success: {
      value: {
        /** The map, in this or an older format. */
        errorMap: json()
      }
    }
  },
  examples: [
    { origin: "derived from the layout table", hex: "80fe000000000000000000020000000100000000000000000002", fields: { version: 2 } },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81fe000000010000000000260000000100000000000000007b2276657273696f6e223a322c227265766973696f6e223a" +
        "342c226572726f7273223a7b7d7d",
      fields: { datatype: 1 }
    }
  ]
})

/** All commands on documents by key. */
export const keyValueCommands = [
  ...Object.values(couchbaseClassic),
  getEx,
  getExReplica,
  getReplica,
  observeSeqno,
  observe,
  evictKey,
  getLocked,
  unlockKey,
  getRandomKey,
  getKeys,
  getErrorMap
]
