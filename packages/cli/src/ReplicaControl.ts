/**
 * Commands of the control socket about copies: holding replication and disks of nodes, killing nodes and beginning them again, promoting replicas.
 */
import { VBucketState } from "@wirewright/couchbase/gen/Types"
import type { CouchbaseCluster } from "@wirewright/embedded"

/** What the control socket has read and checked of a request. */
export interface ReplicaRequest {
  readonly cluster: CouchbaseCluster
  /** The node that is meant. */
  readonly node: number
  /** Does it to the vbuckets that are meant, of the buckets that are meant; returns how many there are. */
  readonly each: (act: (bucket: Bucket, vbucket: number) => void) => number
}

type Bucket = CouchbaseCluster["buckets"] extends ReadonlyMap<string, infer B> ? B : never

type Command = (request: ReplicaRequest) => object

const condition = (of: "persists" | "replicates", on: boolean): Command => ({ cluster, node }) => {
  cluster.state[of](node, on)
  return {}
}

/** The commands by their names. */
export const replicaCommands: { readonly [name: string]: Command } = {
  pauseReplication: condition("replicates", false),
  resumeReplication: condition("replicates", true),
  pausePersistence: condition("persists", false),
  resumePersistence: condition("persists", true),
  kill: ({ cluster, node }) => {
    cluster.kill(node)
    return {}
  },
  restart: ({ cluster, node }) => ({ lost: cluster.state.restart(node) }),
  promote: ({ cluster, each, node }) => {
    let promoted = 0
    each((bucket, vbucket) => {
      if (bucket.copyAt(vbucket, node)?.state !== VBucketState.Replica) return
      cluster.state.setState(bucket, vbucket, VBucketState.Active, node)
      promoted++
    })
    return { vbuckets: promoted }
  },
  rebalance: ({ cluster }) => {
    cluster.state.rebalance()
    return {}
  }
}
