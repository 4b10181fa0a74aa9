/** Buckets: making, selecting and removing them. Source: kv_engine docs/BinaryProtocol.md, daemon/mcbp_validators.cc. */
import { json, utf8 } from "@wirewright/dsl"
import { command } from "./Dialect.ts"

const bucket = {
  /** Name of the bucket. */
  bucket: utf8()
}

/** Makes a bucket on this node. */
export const createBucket = command("CreateBucket", {
  opcode: 0x85,
  label: "CREATE_BUCKET",
  lifecycle: "internal",
  request: {
    key: bucket,
    value: {
      /** The engine's module; then, behind a NUL byte, its configuration. */
      config: utf8()
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "8085000400000000000000120000001000000000000000006265657265702e736f0064626e616d653d78",
      fields: { bucket: "beer", config: "ep.so\u0000dbname=x" }
    }
  ]
})

/** Removes a bucket from this node. */
export const deleteBucket = command("DeleteBucket", {
  opcode: 0x86,
  label: "DELETE_BUCKET",
  lifecycle: "internal",
  request: {
    key: bucket,
    value: {
      /** `force` and `type`. */
      options: json()
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "808600040001000000000012000000100000000000000000626565727b22666f726365223a747275657d",
      fields: { bucket: "beer", options: "{\"force\":true}" }
    }
  ]
})

/** Lists the buckets the user may select. */
export const listBuckets = command("ListBuckets", {
  opcode: 0x87,
  label: "LIST_BUCKETS",
  request: {},
  responses: {
    Success: {
      value: {
        /** Names with a space between them. */
        buckets: utf8()
      }
    }
  },
  examples: [
    { origin: "kv_engine docs/BinaryProtocol.md:2300", hex: "808700000000000000000000efbeadde0000000000000000" },
    {
      kind: "response",
      origin: "kv_engine docs/BinaryProtocol.md:2331",
      hex: "81870000000000000000001befbeadde0000000000000000656e67696e656572696e67206d61726b6574696e672073616c6573",
      fields: { buckets: "engineering marketing sales" }
    }
  ]
})

/**
 * Selects the bucket of this connection. Eaccess without privileges on it, which nobody has on one that does not exist; KeyEnoent for one
 * that is not there although the user has privileges on it: it is being created. NotSupported on DCP connections or while other commands
 * are in flight.
 */
export const selectBucket = command("SelectBucket", {
  opcode: 0x89,
  label: "SELECT_BUCKET",
  request: {
    key: {
      /** Name of the bucket; empty or `@no bucket@` to select none. */
      bucket: utf8()
    }
  },
  examples: [
    {
      origin: "kv_engine docs/BinaryProtocol.md:2402",
      hex: "8089000b000000000000000befbeadde0000000000000000656e67696e656572696e67",
      fields: { bucket: "engineering" }
    },
    { kind: "response", origin: "derived from the layout table", hex: "818900000000000000000000000000100000000000000000" }
  ]
})

/** Stops all activity in a bucket, as before hibernating it. */
export const pauseBucket = command("PauseBucket", {
  opcode: 0x8a,
  label: "PAUSE_BUCKET",
  lifecycle: "internal",
  request: { key: bucket },
  examples: [
    { origin: "derived from the layout table", hex: "808a0004000000000000000400000010000000000000000062656572", fields: { bucket: "beer" } }
  ]
})

/** Goes on with a paused bucket. */
export const resumeBucket = command("ResumeBucket", {
  opcode: 0x8b,
  label: "RESUME_BUCKET",
  lifecycle: "internal",
  request: { key: bucket },
  examples: [
    { origin: "derived from the layout table", hex: "808b0004000000000000000400000010000000000000000062656572", fields: { bucket: "beer" } }
  ]
})

/** Checks a bucket's configuration without applying it. */
export const validateBucketConfig = command("ValidateBucketConfig", {
  opcode: 0x8c,
  label: "VALIDATE_BUCKET_CONFIG",
  lifecycle: "internal",
  request: {
    value: {
      /** As for CreateBucket. */
      config: utf8()
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "808c0000000000000000000800000010000000000000000064626e616d653d78",
      fields: { config: "dbname=x" }
    }
  ]
})

/** Commands about buckets. */
export const bucketCommands = [createBucket, deleteBucket, listBuckets, selectBucket, pauseBucket, resumeBucket, validateBucketConfig]
