/** A consumer and a producer in one process, without sockets: what runs between them is a `MemoryLink`. By `runVirtual`, in virtual time. */
import { MemoryLink, type MemoryLinkOptions } from "@wirewright/connection/testing"
import { Dcp, type DcpOptions } from "@wirewright/dcp"
import {
  type Bucket,
  type CouchbaseCluster,
  type CouchbaseClusterOptions,
  type CouchbaseNode,
  serveCouchbaseCluster
} from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** What a pair is made of. */
export interface PairOptions extends CouchbaseClusterOptions, MemoryLinkOptions {
  /** Vbuckets of the bucket `default`. Default: 4. */
  readonly vbuckets?: number
  readonly client?: Partial<Omit<DcpOptions, "bucket" | "seeds">>
}

/** Both ends. */
export interface Pair {
  readonly cluster: CouchbaseCluster
  /** The first node. */
  readonly node: CouchbaseNode
  readonly bucket: Bucket
  readonly link: MemoryLink
  /** Gives the consumer its end. */
  readonly layer: ReturnType<typeof Dcp.layer>
}

/** Makes a pair, which is gone with the scope. Fails when the node cannot be made. */
export const pair = (options: PairOptions = {}): Effect.Effect<Pair, Effect.Error<ReturnType<typeof serveCouchbaseCluster>>, Scope.Scope> =>
  Effect.gen(function*() {
    const { client, vbuckets = 4, ...rest } = options
    const cluster = yield* serveCouchbaseCluster({ buckets: [{ name: "default", vbuckets }], listen: false, port: 11210, ...rest })
    const node = cluster.nodes[0]!
    const link = yield* MemoryLink.make(
      (stream, port) => (cluster.nodes.find((one) => one.port === port) ?? node).server.accept(stream),
      options
    )
    const layer = Dcp.layer({ seeds: [{ host: node.host, port: node.port }], bucket: "default", ...client, dial: link.dial })
    return { cluster, node, bucket: node.buckets.get("default")!, link, layer }
  })
