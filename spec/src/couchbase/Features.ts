/** Negotiation of features. Source: kv_engine docs/BinaryProtocol.md (HELO), include/mcbp/protocol/feature.h. */
import { array, enumeration, u16, utf8 } from "@wirewright/dsl"
import { command } from "./Dialect.ts"

/** What a connection can ask for. */
export const HelloFeature = enumeration("HelloFeature", u16, {
  /** Reserved; never enabled. */
  Invalid: 0x01,
  /** Retired; TLS has ports of its own. Never enabled. */
  Tls: 0x02,
  /** Small packets are sent at once. */
  TcpNoDelay: 0x03,
  /** Writes answer with a mutation token. */
  MutationSeqno: 0x04,
  /** Retired opposite of TcpNoDelay; never enabled. */
  TcpDelay: 0x05,
  /** Extended attributes: their datatype bit and their sub-document paths. */
  Xattr: 0x06,
  /** Statuses beyond the oldest ones, and errors explained in JSON. */
  Xerror: 0x07,
  /** SelectBucket is available. */
  SelectBucket: 0x08,
  /** Reserved; never enabled. */
  Invalid2: 0x09,
  /** Values may be Snappy-compressed where the document is. */
  Snappy: 0x0a,
  /** The datatype says which values are JSON. */
  Json: 0x0b,
  /** The server may send requests of its own. */
  Duplex: 0x0c,
  /** New cluster maps are sent unasked; needs Duplex. */
  ClustermapChangeNotification: 0x0d,
  /** Commands may be answered out of order. */
  UnorderedExecution: 0x0e,
  /** Responses tell how long the server took, in a framing extra. */
  Tracing: 0x0f,
  /** Requests may have framing extras (magic 0x08). */
  AltRequestSupport: 0x10,
  /** Durability requirements are understood. */
  SyncReplication: 0x11,
  /** Document keys carry a collection id. */
  Collections: 0x12,
  /** Any value may be Snappy-compressed, in both directions. The number once meant OpenTracing. */
  SnappyEverywhere: 0x13,
  /** Writes can keep a document's expiry. */
  PreserveTtl: 0x14,
  /** Virtual attributes such as `$document` can be read; needs Xattr. */
  VAttr: 0x15,
  /** Reserved; never enabled. */
  Invalid3: 0x16,
  /** Sub-document writes can create deleted documents. */
  SubdocCreateAsDeleted: 0x17,
  /** Macros of `$document` are expanded; needs Xattr. */
  SubdocDocumentMacroSupport: 0x18,
  /** SubdocReplaceBodyWithXattr is available. */
  SubdocReplaceBodyWithXattr: 0x19,
  /** Responses tell the units a command used, in framing extras. */
  ReportUnitUsage: 0x1a,
  /** A throttled command fails with EWouldThrottle instead of waiting. */
  NonBlockingThrottlingMode: 0x1b,
  /** Sub-document reads can ask a replica. */
  SubdocReplicaRead: 0x1c,
  /** GetClusterConfig can name the version the client has. */
  GetClusterConfigWithKnownVersion: 0x1d,
  /** NotMyVbucket repeats no cluster map the connection has seen. */
  DedupeNotMyVbucketClustermap: 0x1e,
  /** New cluster maps are announced by their version only; needs Duplex and wins over the full notification. */
  ClustermapChangeNotificationBrief: 0x1f,
  /** One sub-document request can access several attributes. */
  SubdocAllowsAccessOnMultipleXattrKeys: 0x20,
  /** Attributes can hold binary values. */
  SubdocBinaryXattr: 0x21,
  /** Range scans can return attributes; needs Xattr. */
  RangeScanIncludeXattr: 0x22,
  /** Sub-document reads can ask a replica for a deleted document. */
  SubdocAllowReplicaReadOnDeletedDocs: 0x23,
  /** GetRandomKey can return attributes; needs Xattr, Json and SnappyEverywhere. */
  GetRandomKeyIncludeXattr: 0x24,
  /** MutateWithMeta is available. */
  MutateWithMeta: 0x25,
  /** A DCP stream from 0 can leave out deletions of its first part. */
  DcpSkipDeletesInInitialBackfill: 0x26
})

/**
 * Enables features of the connection. Each Hello first disables all of them, so it must name the whole list; it is refused with
 * NotSupported while other commands are under way, and with Einval when a feature lacks another it needs.
 */
export const hello = command("Hello", {
  opcode: 0x1f,
  label: "HELLO",
  request: {
    key: {
      /** Name of the client, or JSON with the name `a` and a connection id `i`. */
      agent: utf8()
    },
    value: {
      /** Everything the client wants. */
      features: array(HelloFeature)
    }
  },
  responses: {
    Success: {
      value: {
        /** What the server enabled of it, sorted. */
        features: array(HelloFeature)
      }
    }
  },
  examples: [
    {
      origin: "kv_engine docs/BinaryProtocol.md:1871",
      hex: "801f000c00000000000000160000000000000000000000006d6368656c6c6f2076312e3000010002000300040005",
      fields: { agent: "mchello v1.0", features: [1, 2, 3, 4, 5] }
    },
    {
      kind: "response",
      origin: "kv_engine docs/BinaryProtocol.md:1924",
      hex: "811f0000000000000000000400000000000000000000000000030004",
      fields: { features: [3, 4] }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "811f000000000000000000100000000100000000000000000004000600070008000a000b00100012",
      fields: { features: [4, 6, 7, 8, 10, 11, 16, 18] }
    }
  ]
})

/** All commands about features. */
export const featureCommands = [hello]
