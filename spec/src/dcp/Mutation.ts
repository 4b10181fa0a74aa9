/**
 * Changes of documents. The header's CAS is the document's. Source: kv_engine
 * docs/dcp/documentation/commands/{mutation,deletion,expiration}.md.
 */
import { bytes, layouts, reserved, u16, u32, u8 } from "@wirewright/dsl"
import { command, documentKey, seqno } from "../couchbase/Dialect.ts"
import { revSeqno } from "../couchbase/WithMeta.ts"

/** Which change of the vbucket and of the document this is. */
export const changeSeqnos = {
  /** Position in the vbucket's history. */
  bySeqno: seqno,
  /** Counts the document's changes. */
  revSeqno
}

const extendedMetadata = {
  /** Length of extended metadata behind the value; 0 since 4.6. */
  nmeta: u16
}

const tombstone = {
  key: documentKey,
  /** Attributes that outlive the document, if any. */
  value: bytes()
}

/** A document was written. */
export const dcpMutation = command("DcpMutation", {
  opcode: 0x57,
  label: "DCP_MUTATION",
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
      ...extendedMetadata,
      /** How recently the document was used. */
      nru: u8
    },
    key: documentKey,
    /** The document; attributes before it when the datatype says so, all of it compressed when the datatype says so. */
    value: bytes()
  },
  examples: [
    {
      origin: "scenario frame mutation",
      hex: "805700031f0100050000002900000105112233445566778800000000000000010000000000000001000000000000000000000000000000006b317b22" +
        "61223a317d",
      states: ["collections"],
      fields: { vbucket: 5, datatype: 1, bySeqno: "1", revSeqno: "1", collectionId: 0, key: "k1", value: { hex: "7b2261223a317d" } }
    },
    {
      origin: "kv_engine docs/dcp/documentation/commands/mutation.md:38",
      hex: "805700051f000210000000290000121000000000000000000000000000000004000000000000000100000000000000000000000000000068656c6c6f" +
        "776f726c64",
      fields: { vbucket: 528, bySeqno: "4", revSeqno: "1", nmeta: 0, nru: 0, key: "hello", value: { hex: "776f726c64" } }
    },
    {
      origin: "vector: DcpMutation collections cid 8 json",
      hex: "805700061f0102100000002c0000121016f3a2b1c0d0000000000000000000040000000000000001deadbeef6553f1000000000000007f0868656c6c6f7b" +
        "2261223a317d",
      states: ["collections"],
      fields: { flags: 0xdeadbeef, expiration: 1700000000, nru: 127, collectionId: 8, key: "hello", value: { hex: "7b2261223a317d" } }
    },
    {
      origin: "scenario frame mutation_sid",
      hex: "085703031f0100050000002700000105000000000000000122000700000000000000020000000000000001000000000000000000000000000000086b327b7d",
      states: ["collections"],
      fields: { bySeqno: "2", collectionId: 8, key: "k2" }
    }
  ]
})

/** A document was deleted; or it expired, unless the stream has DcpExpiration. The open flag includeDeleteTimes decides on the layout. */
export const dcpDeletion = command("DcpDeletion", {
  opcode: 0x58,
  label: "DCP_DELETION",
  sender: "server",
  reply: "error",
  request: layouts({
    /** Without the time of the deletion. */
    V1: { extras: { ...changeSeqnos, ...extendedMetadata }, ...tombstone },
    /** After the open flag includeDeleteTimes. */
    V2: {
      extras: {
        ...changeSeqnos,
        /** Unix time of the deletion. */
        deleteTime: u32,
        unused: reserved(u8)
      },
      ...tombstone
    }
  }),
  examples: [
    {
      origin: "scenario frame deletion_v1",
      hex: "805800031200000500000015000001050000000000000002000000000000000300000000000000020000006b31",
      states: ["collections"],
      fields: { layout: "V1", cas: "2", bySeqno: "3", revSeqno: "2", nmeta: 0, collectionId: 0, key: "k1", value: { hex: "" } }
    },
    {
      origin: "scenario frame deletion_v2",
      hex: "805800031500000500000018000001050000000000000002000000000000000300000000000000026553f10000006b31",
      states: ["collections"],
      fields: { layout: "V2", bySeqno: "3", deleteTime: 1700000000, collectionId: 0, key: "k1" }
    },
    {
      origin: "vector: DcpDeletion V1 with xattrs",
      hex: "8058000612040001000000450000000100000000000000030000000000000005000000000000000200000068656c6c6f00000029000000145f73796e6300" +
        "7b22636173223a22307831227d000000000d6d657461007b226e223a317d00",
      states: ["collections"],
      fields: { layout: "V1", datatype: 4, collectionId: 0, key: "hello" }
    }
  ]
})

/** A document expired. Sent after control `enable_expiry_opcode` together with the open flag includeDeleteTimes. */
export const dcpExpiration = command("DcpExpiration", {
  opcode: 0x59,
  label: "DCP_EXPIRATION",
  sender: "server",
  reply: "error",
  request: layouts({
    /** Servers before 6.5. */
    V1: { extras: { ...changeSeqnos, ...extendedMetadata }, ...tombstone },
    /** With the time. */
    V2: {
      extras: {
        ...changeSeqnos,
        /** Unix time of the expiry. */
        deleteTime: u32
      },
      ...tombstone
    }
  }),
  examples: [
    {
      origin: "scenario frame expiration",
      hex: "805900031400000500000017000001050000000000000002000000000000000300000000000000026553f100006b31",
      states: ["collections"],
      fields: { layout: "V2", bySeqno: "3", revSeqno: "2", deleteTime: 1700000000, collectionId: 0, key: "k1" }
    },
    {
      origin: "derived from the layout table",
      hex: "8059000212000005000000140000010500000000000000030000000000000002000000000000000300006b31",
      fields: { layout: "V1", bySeqno: "2", revSeqno: "3", nmeta: 0, key: "k1" }
    }
  ]
})

/** Changes of documents. */
export const mutationCommands = [dcpMutation, dcpDeletion, dcpExpiration]
