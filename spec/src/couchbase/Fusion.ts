/** Fusion: vbuckets whose logs live in object storage. Source: kv_engine docs/fusion, daemon/mcbp_validators.cc. */
import { json } from "@wirewright/dsl"
import { command } from "./Dialect.ts"

/** Pins the stored files of vbuckets. */
export const getFusionStorageSnapshot = command("GetFusionStorageSnapshot", {
  opcode: 0x70,
  label: "GET_FUSION_STORAGE_SNAPSHOT",
  lifecycle: "internal",
  request: {
    /** Snapshot and bucket UUIDs, metadata store, time to live, vbuckets. */
    value: json()
  },
  responses: {
    Success: { value: json() }
  },
  examples: [
    { origin: "derived from the layout table", hex: "8070000000010005000000020000001000000000000000007b7d", fields: { value: "{}" } },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "8170000000010000000000100000001000000000000000007b22766f6c756d654944223a2276227d",
      fields: { value: "{\"volumeID\":\"v\"}" }
    }
  ]
})

/** Lets pinned files go. */
export const releaseFusionStorageSnapshot = command("ReleaseFusionStorageSnapshot", {
  opcode: 0x71,
  label: "RELEASE_FUSION_STORAGE_SNAPSHOT",
  lifecycle: "internal",
  request: {
    /** Snapshot and bucket UUIDs, metadata store, vbuckets. */
    value: json()
  },
  examples: [
    { origin: "derived from the layout table", hex: "8071000000010005000000020000001000000000000000007b7d", fields: { value: "{}" } }
  ]
})

/** Mounts the volumes of a vbucket that is about to be loaded. */
export const mountFusionVbucket = command("MountFusionVbucket", {
  opcode: 0x72,
  label: "MOUNT_FUSION_VBUCKET",
  lifecycle: "internal",
  request: {
    /** The paths to mount. */
    value: json()
  },
  responses: {
    Success: { value: json() }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "8072000000010005000000110000001000000000000000007b226d6f756e745061746873223a5b5d7d",
      fields: { value: "{\"mountPaths\":[]}" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81720000000100000000000c0000001000000000000000007b227465726d223a2231227d",
      fields: { value: "{\"term\":\"1\"}" }
    }
  ]
})

/** Takes the volumes of a vbucket away again. */
export const unmountFusionVbucket = command("UnmountFusionVbucket", {
  opcode: 0x73,
  label: "UNMOUNT_FUSION_VBUCKET",
  lifecycle: "internal",
  request: {},
  examples: [{ origin: "derived from the layout table", hex: "807300000000000500000000000000100000000000000000" }]
})

/** Writes what is pending to the log store. */
export const syncFusionLogstore = command("SyncFusionLogstore", {
  opcode: 0x74,
  label: "SYNC_FUSION_LOGSTORE",
  lifecycle: "internal",
  request: { value: json() },
  examples: [
    { origin: "derived from the layout table", hex: "8074000000010005000000020000001000000000000000007b7d", fields: { value: "{}" } }
  ]
})

/** Starts uploading the vbucket's log. */
export const startFusionUploader = command("StartFusionUploader", {
  opcode: 0x75,
  label: "START_FUSION_UPLOADER",
  lifecycle: "internal",
  request: {
    /** The term, as a decimal string. */
    value: json()
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80750000000100050000000c0000001000000000000000007b227465726d223a2231227d",
      fields: { value: "{\"term\":\"1\"}" }
    }
  ]
})

/** Stops uploading the vbucket's log. */
export const stopFusionUploader = command("StopFusionUploader", {
  opcode: 0x76,
  label: "STOP_FUSION_UPLOADER",
  lifecycle: "internal",
  request: {},
  examples: [{ origin: "derived from the layout table", hex: "807600000000000500000000000000100000000000000000" }]
})

/** Removes a namespace with all its logs. */
export const deleteFusionNamespace = command("DeleteFusionNamespace", {
  opcode: 0x77,
  label: "DELETE_FUSION_NAMESPACE",
  lifecycle: "internal",
  request: {
    /** The stores, a token, and the namespace. */
    value: json()
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "8077000000010005000000110000001000000000000000007b226e616d657370616365223a226e227d",
      fields: { value: "{\"namespace\":\"n\"}" }
    }
  ]
})

/** Lists the namespaces of a store. */
export const getFusionNamespaces = command("GetFusionNamespaces", {
  opcode: 0x78,
  label: "GET_FUSION_NAMESPACES",
  lifecycle: "internal",
  request: {
    /** The metadata store and a token for it. */
    value: json()
  },
  responses: {
    Success: { value: json() }
  },
  examples: [
    { origin: "derived from the layout table", hex: "8078000000010005000000020000001000000000000000007b7d", fields: { value: "{}" } },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81780000000100000000001d0000001000000000000000007b2276657273696f6e223a312c226e616d65737061636573223a5b5d7d",
      fields: { value: "{\"version\":1,\"namespaces\":[]}" }
    }
  ]
})

/** Makes the namespace of the selected bucket. */
export const createFusionNamespace = command("CreateFusionNamespace", {
  opcode: 0x79,
  label: "CREATE_FUSION_NAMESPACE",
  lifecycle: "internal",
  request: {},
  examples: [{ origin: "derived from the layout table", hex: "807900000000000500000000000000100000000000000000" }]
})

/** Renews the token for the metadata store. */
export const setChronicleAuthToken = command("SetChronicleAuthToken", {
  opcode: 0x84,
  label: "SET_CHRONICLE_AUTH_TOKEN",
  lifecycle: "internal",
  request: {
    /** The token. */
    value: json()
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80840000000100050000000d0000001000000000000000007b22746f6b656e223a2274227d",
      fields: { value: "{\"token\":\"t\"}" }
    }
  ]
})

/** Commands of Fusion. */
export const fusionCommands = [
  getFusionStorageSnapshot,
  releaseFusionStorageSnapshot,
  mountFusionVbucket,
  unmountFusionVbucket,
  syncFusionLogstore,
  startFusionUploader,
  stopFusionUploader,
  deleteFusionNamespace,
  getFusionNamespaces,
  createFusionNamespace,
  setChronicleAuthToken
]
