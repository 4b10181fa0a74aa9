/**
 * Reading and writing documents together with their metadata, as replication between clusters does.
 *
 * Source: kv_engine engines/ep/docs/protocol/{get_meta,set_with_meta,del_with_meta,addrm,setrm,delrm}.md, docs/mutate-with-meta.md.
 */
import { bit, brand, bytes, enumeration, flags, json, layouts, lengthOf, optional, u16, u32, u64, u8 } from "@wirewright/dsl"
import { cas, Datatype } from "../memcached/Frame.ts"
import { command, documentKey, writtenExtras } from "./Dialect.ts"

/** How often a document was changed; the older way to decide which of two versions wins. */
export const revSeqno = brand("RevSeqno", u64)

/** How a write with metadata treats what is there. */
export const WithMetaOptions = flags("WithMetaOptions", u32, {
  /** Resolve no conflicts: the write wins. */
  forceWithMetaOp: bit(0),
  /** Accept the write although the bucket resolves conflicts by time. */
  forceAcceptWithMetaOps: bit(1),
  /** The server chooses the CAS; needs skipConflictResolution. */
  regenerateCas: bit(2),
  /** Resolve no conflicts. */
  skipConflictResolution: bit(3),
  /** The deletion is an expiry; DelWithMeta only. */
  isExpiration: bit(4)
}, { requires: { regenerateCas: ["skipConflictResolution"] } })

/** Which layout GetMeta is answered in. */
export const GetMetaVersion = enumeration("GetMetaVersion", u8, {
  /** Without the datatype. */
  V1: 1,
  /** With the datatype. */
  V2: 2
})

/** What GetMeta says about the existence of a document. */
export const GetMetaDeleted = flags("GetMetaDeleted", u32, {
  /** The metadata are those of a tombstone. */
  deleted: bit(0)
})

/** What ReturnMeta is to do. */
export const ReturnMetaType = enumeration("ReturnMetaType", u32, {
  /** As Set. */
  Set: 1,
  /** As Add. */
  Add: 2,
  /** As Delete. */
  Del: 3
})

const written = { extras: writtenExtras }

/** A write whose metadata stand as JSON behind the document. Needs HELLO MutateWithMeta. */
export const mutateWithMeta = command("MutateWithMeta", {
  opcode: 0x4b,
  label: "MUTATE_WITH_META",
  request: {
    extras: {
      /** Length of the metadata at the end of the value. */
      metaSize: lengthOf(u32, "meta")
    },
    key: documentKey,
    value: {
      /** The document, encoded as the datatype says. */
      value: bytes(),
      /** The metadata as JSON; never compressed. */
      meta: json()
    }
  },
  responses: { Success: written },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "804b00010400000000000018000000010000000000000000000000116b7b7d7b22636f6d6d616e64223a22736574227d",
      fields: { key: "k", value: { hex: "7b7d" } }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "814b0000100000000000001000000001000000000000000500000000feedface0000000000000009",
      fields: { mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
    }
  ]
})

const metaRead = {
  request: {
    extras: {
      /** The layout wanted; V1 when absent. */
      version: optional(GetMetaVersion)
    },
    key: documentKey
  },
  responses: {
    Success: {
      extras: {
        /** Whether the document is deleted. */
        deleted: GetMetaDeleted,
        /** As stored. */
        flags: u32,
        /** Unix time at which the document expires, 0 never; of a tombstone: when it was deleted. */
        expiry: u32,
        /** The document's revision. */
        revSeqno,
        /** How the document is encoded; in version 2 only. */
        documentDatatype: optional(Datatype)
      }
    }
  }
}

/** Reads the metadata of a document or tombstone. */
export const getMeta = command("GetMeta", {
  opcode: 0xa0,
  label: "GET_META",
  ...metaRead,
  examples: [
    {
      origin: "kv_engine engines/ep/docs/protocol/get_meta.md:38",
      hex: "80a000050100000300000006000000000000000000000000016d796b6579",
      fields: { vbucket: 3, version: 1, key: "mykey" }
    },
    {
      kind: "response",
      origin: "kv_engine engines/ep/docs/protocol/get_meta.md:76",
      hex: "81a000001500000000000015000000000000000000000001000000000000000100000007000000000000000901",
      fields: { deleted: 0, flags: 1, expiry: 7, revSeqno: "9", documentDatatype: 1 }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81a00000140000000000001400000001000000000000000500000001000000006553f1000000000000000009",
      fields: { cas: "5", deleted: 1, flags: 0, expiry: 1_700_000_000, revSeqno: "9" }
    }
  ]
})

/** GetMeta without an answer to a miss. */
export const getQMeta = command("GetQMeta", {
  opcode: 0xa1,
  label: "GETQ_META",
  quiet: "miss",
  ...metaRead,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80a100050100000300000006000000010000000000000000026d796b6579",
      fields: { vbucket: 3, version: 2, key: "mykey" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81a100001500000000000015000000010000000000000001000000000000000100000007000000000000000901",
      fields: { cas: "1", revSeqno: "9", documentDatatype: 1 }
    }
  ]
})

const identity = {
  /** Revision to give the document. */
  revSeqno,
  /** CAS to give the document; the header's CAS is the one expected to be there. */
  documentCas: cas,
  options: optional(WithMetaOptions)
}

const stored = {
  /** Flags to give the document. */
  flags: u32,
  /** Expiry as Unix time, 0 never; no relative times here. */
  expiration: u32,
  ...identity
}

const removed = {
  /** Flags to give the tombstone. */
  flags: u32,
  /** When the document was deleted, Unix time. */
  deleteTime: u32,
  ...identity
}

const extendedMetaLength = {
  /** Length of the extended metadata at the end of the value. */
  nmeta: lengthOf(u16, "extendedMeta")
}

/** Version byte, then records of an id byte, a 16-bit length and data. */
const extendedMeta = bytes({ max: 65_535 })

const metaStore = {
  request: layouts({
    /** Extras of 24 bytes, or 28 with options. */
    Plain: {
      extras: stored,
      key: documentKey,
      /** Extended attributes, when the datatype says so, and the document. */
      value: bytes()
    },
    /** Extras of 26 bytes, or 30 with options. */
    ExtendedMeta: {
      extras: { ...stored, ...extendedMetaLength },
      key: documentKey,
      value: {
        /** Extended attributes, when the datatype says so, and the document. */
        value: bytes(),
        extendedMeta
      }
    }
  }),
  responses: { Success: written }
}

const metaRemove = {
  request: layouts({
    /** Extras of 24 bytes, or 28 with options. */
    Plain: {
      extras: removed,
      key: documentKey,
      /** Extended attributes the tombstone keeps, or nothing. */
      value: bytes()
    },
    /** Extras of 26 bytes, or 30 with options. */
    ExtendedMeta: {
      extras: { ...removed, ...extendedMetaLength },
      key: documentKey,
      value: {
        /** Extended attributes the tombstone keeps, or nothing. */
        value: bytes(),
        extendedMeta
      }
    }
  }),
  responses: { Success: written }
}

/** Set with metadata. */
export const setWithMeta = command("SetWithMeta", {
  opcode: 0xa2,
  label: "SET_WITH_META",
  ...metaStore,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80a20001180000000000001a00000001000000000000000000000007000000000000000000000014000000000000001e" +
        "6b76",
      fields: { layout: "Plain", flags: 7, revSeqno: "20", documentCas: "30", value: { hex: "76" } }
    },
    {
      origin: "derived from the layout table",
      hex: "80a200011a0000000000001c00000001000000000000000000000007000000000000000000000014000000000000001e" +
        "00006b76",
      fields: { layout: "ExtendedMeta", value: { hex: "76" }, extendedMeta: { hex: "" } }
    },
    {
      origin: "derived from the layout table",
      hex: "80a200011c0000000000001e00000001000000000000000000000007000000000000000000000014000000000000001e" +
        "0000000a6b76",
      fields: { layout: "Plain", options: 10, value: { hex: "76" } }
    },
    {
      origin: "derived from the layout table",
      hex: "80a200011e0000000000002500000001000000000000000000000007000000000000000000000014000000000000001e" +
        "0000000200056b760102000100",
      fields: { layout: "ExtendedMeta", options: 2, value: { hex: "76" }, extendedMeta: { hex: "0102000100" } }
    },
    {
      origin: "kv_engine engines/ep/docs/protocol/set_with_meta.md:83, corrected",
      hex: "80a200051e0000030000002a000000000000000000000000000000070000000a0000000000000014000000000000001e" +
        "0000000200006d796b65796d7976616c7565",
      fields: { layout: "ExtendedMeta", expiration: 10, key: "mykey" }
    },
    {
      kind: "response",
      origin: "kv_engine engines/ep/docs/protocol/set_with_meta.md:146",
      hex: "81a200000000000000000000000000000000000000000001",
      fields: { cas: "1" }
    }
  ]
})

/** SetWithMeta without an answer to success. */
export const setQWithMeta = command("SetQWithMeta", {
  opcode: 0xa3,
  label: "SETQ_WITH_META",
  quiet: "success",
  ...metaStore,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80a30001180000000000001a00000001000000000000000000000007000000000000000000000014000000000000001e" +
        "6b76",
      fields: { layout: "Plain", revSeqno: "20", documentCas: "30" }
    }
  ]
})

/** Add with metadata. */
export const addWithMeta = command("AddWithMeta", {
  opcode: 0xa4,
  label: "ADD_WITH_META",
  ...metaStore,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80a400011c0000000000001e000000010000000000000000000000076553f1000000000000000014000000000000001e" +
        "000000086b76",
      fields: { layout: "Plain", expiration: 1_700_000_000, options: 8 }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81a40000100000000000001000000001000000000000001e00000000feedface0000000000000009",
      fields: { cas: "30", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
    }
  ]
})

/** AddWithMeta without an answer to success. */
export const addQWithMeta = command("AddQWithMeta", {
  opcode: 0xa5,
  label: "ADDQ_WITH_META",
  quiet: "success",
  ...metaStore,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80a50001180000000000001a00000001000000000000000000000007000000000000000000000014000000000000001e" +
        "6b76",
      fields: { layout: "Plain", flags: 7, key: "k" }
    }
  ]
})

/** Delete with metadata: stores a tombstone. */
export const delWithMeta = command("DelWithMeta", {
  opcode: 0xa8,
  label: "DEL_WITH_META",
  ...metaRemove,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80a800011c0000000000001d000000010000000000000000000000006553f1000000000000000014000000000000001e" +
        "000000106b",
      fields: { layout: "Plain", deleteTime: 1_700_000_000, options: 16, key: "k" }
    },
    {
      origin: "kv_engine engines/ep/docs/protocol/del_with_meta.md:60, corrected",
      hex: "80a800051e00000300000023000000000000000000000000000000070000000a0000000000000014000000000000001e" +
        "0000000200006d796b6579",
      fields: { layout: "ExtendedMeta", deleteTime: 10, options: 2, key: "mykey" }
    },
    {
      kind: "response",
      origin: "kv_engine engines/ep/docs/protocol/del_with_meta.md:117",
      hex: "81a800000000000000000000000000000000000000000001",
      fields: { cas: "1" }
    }
  ]
})

/** DelWithMeta without an answer to success. */
export const delQWithMeta = command("DelQWithMeta", {
  opcode: 0xa9,
  label: "DELQ_WITH_META",
  quiet: "success",
  ...metaRemove,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80a900011800000000000019000000010000000000000000000000006553f1000000000000000014000000000000001e" +
        "6b",
      fields: { layout: "Plain", deleteTime: 1_700_000_000 }
    }
  ]
})

/** Writes or removes a document and answers with its new metadata. */
export const returnMeta = command("ReturnMeta", {
  opcode: 0xb2,
  label: "RETURN_META",
  request: {
    extras: {
      mutationType: ReturnMetaType,
      /** Flags to give the document. */
      flags: u32,
      /** Expiry as in Set. */
      expiration: u32
    },
    key: documentKey,
    /** The document; empty to remove it. */
    value: bytes()
  },
  responses: {
    Success: {
      extras: {
        /** As stored. */
        flags: u32,
        /** As stored. */
        expiration: u32,
        /** Sequence number of the write. */
        seqno: u64
      }
    }
  },
  examples: [
    {
      origin: "kv_engine engines/ep/docs/protocol/addrm.md:10, corrected",
      hex: "80b200050c0000030000001800000000000000000000000000000002000000070000000a6d796b65796d7976616c7565",
      fields: { mutationType: 2, flags: 7, expiration: 10, key: "mykey", value: { hex: "6d7976616c7565" } }
    },
    {
      origin: "kv_engine engines/ep/docs/protocol/delrm.md:10, corrected",
      hex: "80b200050c000003000000110000000000000000000000000000000300000000000000006d796b6579",
      fields: { mutationType: 3, key: "mykey" }
    },
    {
      kind: "response",
      origin: "kv_engine engines/ep/docs/protocol/addrm.md:61, corrected",
      hex: "81b2000010000000000000100000000000000000000000a7000000074e82a97a000000000000000e",
      fields: { cas: "167", flags: 7, expiration: 1_317_185_914, seqno: "14" }
    }
  ]
})

/** All commands that carry metadata. */
export const withMetaCommands = [
  mutateWithMeta,
  getMeta,
  getQMeta,
  setWithMeta,
  setQWithMeta,
  addWithMeta,
  addQWithMeta,
  delWithMeta,
  delQWithMeta,
  returnMeta
]
