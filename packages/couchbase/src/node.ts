/** Nodes and what they say: how a connection to one begins, pools of them, the cluster's map, its error map, its collections. */
export { Bootstrap, type Bootstrapped, type BootstrapOptions, type BootstrapOutput } from "./Bootstrap.ts"
export * from "./Cluster.ts"
export {
  activeNode,
  addressOf,
  ClusterMapError,
  type ClusterMapOptions,
  compareVersions,
  copiesOf,
  maxVbuckets,
  newer,
  parseClusterMap,
  replicaNodes,
  vbucketOf
} from "./ClusterMap.ts"
export * from "./Collections.ts"
export * from "./ErrorMap.ts"
export * from "./KvConnection.ts"
export * from "./NodePool.ts"
