/** Snapshots of a vbucket's files, copied between nodes. Source: kv_engine docs/BinaryProtocol.md, daemon/mcbp_validators.cc. */
import { bytes, json, utf8 } from "@wirewright/dsl"
import { command } from "./Dialect.ts"

/** Makes a snapshot of the vbucket of the header. */
export const prepareSnapshot = command("PrepareSnapshot", {
  opcode: 0xe0,
  label: "PREPARE_SNAPSHOT",
  lifecycle: "internal",
  request: {
    value: {
      /** What the receiver can read. */
      options: json()
    }
  },
  responses: {
    Success: {
      value: {
        /** The snapshot's UUID and files. */
        manifest: json()
      }
    }
  },
  examples: [
    { origin: "derived from the layout table", hex: "80e0000000010005000000020000001000000000000000007b7d", fields: { options: "{}" } },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81e00000000100000000000d0000001000000000000000007b2275756964223a227531227d",
      fields: { manifest: "{\"uuid\":\"u1\"}" }
    }
  ]
})

/** Throws a snapshot away. */
export const releaseSnapshot = command("ReleaseSnapshot", {
  opcode: 0xe1,
  label: "RELEASE_SNAPSHOT",
  lifecycle: "internal",
  request: {
    key: {
      /** The snapshot; empty for that of the header's vbucket. */
      snapshotUuid: utf8()
    }
  },
  examples: [
    { origin: "derived from the layout table", hex: "80e1000200000005000000020000001000000000000000007531", fields: { snapshotUuid: "u1" } }
  ]
})

/** Makes the node fetch a snapshot from another. */
export const downloadSnapshot = command("DownloadSnapshot", {
  opcode: 0xe2,
  label: "DOWNLOAD_SNAPSHOT",
  lifecycle: "internal",
  request: {
    value: {
      /** Where from. */
      options: json()
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80e20000000100050000000d0000001000000000000000007b22686f7374223a226e31227d",
      fields: { options: "{\"host\":\"n1\"}" }
    }
  ]
})

/** Reads a piece of a snapshot's file. */
export const getFileFragment = command("GetFileFragment", {
  opcode: 0xe3,
  label: "GET_FILE_FRAGMENT",
  lifecycle: "internal",
  request: {
    key: { snapshotUuid: utf8() },
    value: {
      /** File id, offset, length and checksum length, all as JSON strings. */
      fragment: json()
    }
  },
  responses: {
    Success: {
      /** The bytes; with a checksum length, checksums stand between them. */
      value: bytes()
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80e30002000100000000002600000010000000000000000075317b226964223a2230222c226f6666736574223a2230222c226c656e677468223a2234227d",
      fields: { snapshotUuid: "u1", fragment: "{\"id\":\"0\",\"offset\":\"0\",\"length\":\"4\"}" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81e30000000000000000000400000010000000000000000001020304",
      fields: { value: { hex: "01020304" } }
    }
  ]
})

/** Commands about file snapshots. */
export const snapshotCommands = [prepareSnapshot, releaseSnapshot, downloadSnapshot, getFileFragment]
