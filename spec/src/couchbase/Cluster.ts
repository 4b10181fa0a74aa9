/** Cluster maps: which node has which vbucket. Source: kv_engine docs/BinaryProtocol.md, docs/Clustermap.md. */
import { i64, json, optional, struct, utf8 } from "@wirewright/dsl"
import { command } from "./Dialect.ts"

/** Version of a cluster map. A higher epoch is newer; within an epoch, a higher revision. */
export const ClusterMapVersion = struct("ClusterMapVersion", {
  /** −1 and 0 come before there is an epoch. */
  epoch: i64,
  revision: i64
})

/** Installs a cluster map in this node. */
export const setClusterConfig = command("SetClusterConfig", {
  opcode: 0xb4,
  label: "SET_CLUSTER_CONFIG",
  lifecycle: "internal",
  request: {
    extras: {
      /** −1, or at least 1. */
      epoch: i64,
      /** At least 1. */
      revision: i64
    },
    key: {
      /** The bucket it is about; empty for the map of the whole cluster. */
      bucket: utf8()
    },
    value: {
      /** The map. */
      clusterMap: json()
    }
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80b400041001000000000020000000100000000000000000000000000000000100000000000004d2626565727b22726576223a313233347d",
      fields: { epoch: "1", revision: "1234", bucket: "beer", clusterMap: "{\"rev\":1234}" }
    }
  ]
})

/** Reads the cluster map of the selected bucket, or of the cluster when none is selected. */
export const getClusterConfig = command("GetClusterConfig", {
  opcode: 0xb5,
  label: "GET_CLUSTER_CONFIG",
  request: {
    extras: {
      /** The version the client has; the answer is empty when there is no newer one. After HELLO GetClusterConfigWithKnownVersion. */
      knownVersion: optional(ClusterMapVersion)
    }
  },
  responses: {
    Success: {
      value: {
        /** The map. `$HOST` in it stands for the address the client is connected to. */
        clusterMap: json()
      }
    }
  },
  examples: [
    { origin: "derived from the layout table", hex: "80b500000000000000000000000000100000000000000000" },
    {
      origin: "vector: GetClusterConfig known version",
      hex: "80b500001000000000000010000000010000000000000000000000000000000100000000000004d2",
      fields: { knownVersion: { epoch: "1", revision: "1234" } }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81b50000000100000000000c0000001000000000000000007b22726576223a313233347d",
      fields: { clusterMap: "{\"rev\":1234}" }
    }
  ]
})

/** Commands about cluster maps. */
export const clusterCommands = [setClusterConfig, getClusterConfig]
