/**
 * What the nodes of an embedded cluster share: their buckets, where each vbucket is, and the version of the cluster map. Pure; connections
 * are the shell's (`CouchbaseNode`), which is told when the map has changed.
 */
import { VBucketState } from "@wirewright/couchbase/gen"
import { Bucket, type BucketOptions, type BucketWorld } from "./Bucket.ts"
import { clusterConfigText, type NodeAddress } from "./ClusterConfig.ts"

/** What a cluster is made of. */
export interface ClusterStateOptions {
  /** Nodes of the cluster, at least 1. */
  readonly nodes: number
  readonly buckets: ReadonlyArray<BucketOptions>
  readonly world: BucketWorld
  /** Whether the ports in the map speak TLS. */
  readonly tls: boolean
  /** The map is another one now. */
  readonly onMapChanged: () => void
  /** A bucket is gone, and whoever uses it. */
  readonly onBucketDropped: (bucket: Bucket) => void
}

/** The state of a cluster. */
export class ClusterState {
  readonly buckets = new Map<string, Bucket>()
  readonly uuid: string
  private readonly options: ClusterStateOptions
  /** Nodes that failed, which the map does not name. */
  private readonly gone = new Set<number>()
  private revision = 1n
  private label = ""

  constructor(options: ClusterStateOptions) {
    this.options = options
    this.uuid = (options.world.uuid() << 64n | options.world.uuid()).toString(16).padStart(32, "0").slice(-32)
    for (const one of options.buckets) this.add(one)
  }

  /** The name that the cluster was given; empty at first. */
  get name(): string {
    return this.label
  }

  rename(name: string): void {
    this.label = name
    this.mapChanged()
  }

  /** Which of two maps is newer. */
  get version(): { readonly epoch: bigint; readonly revision: bigint } {
    return { epoch: 1n, revision: this.revision }
  }

  /** Indexes of the nodes that the map names. */
  get present(): ReadonlyArray<number> {
    return Array.from({ length: this.options.nodes }, (_, index) => index).filter((index) => !this.gone.has(index))
  }

  /** The cluster map as JSON as node `self` tells it: of a bucket, or without one. `addresses` are those of all nodes. */
  map(addresses: ReadonlyArray<NodeAddress>, self: number, bucket: Bucket | undefined): string {
    const { present } = this
    const at = {
      nodes: present.map((index) => addresses[index]!),
      self: present.indexOf(self),
      tls: this.options.tls,
      clusterName: this.label,
      clusterUuid: this.uuid,
      ...this.version
    }
    if (bucket === undefined) return clusterConfigText(at)
    const { manifest, name, settings, uuid, vbucketCount } = bucket
    const vbuckets = Array.from({ length: vbucketCount }, (_, id) => {
      const vbucket = bucket.vbucket(id)
      return vbucket?.state === VBucketState.Active ? present.indexOf(vbucket.node) : -1
    })
    return clusterConfigText(at, { name, uuid, vbuckets, manifestUid: manifest.uid, keepsHistory: settings.storageBackend === "magma" })
  }

  /** Makes a bucket, ready at once; nothing when there is one of that name. */
  createBucket(options: BucketOptions): Bucket | undefined {
    if (this.buckets.has(options.name)) return undefined
    const bucket = this.add(options)
    this.mapChanged()
    return bucket
  }

  /** Drops a bucket with all that it holds. Returns whether there was one. */
  dropBucket(name: string): boolean {
    const bucket = this.buckets.get(name)
    if (bucket === undefined) return false
    this.buckets.delete(name)
    this.options.onBucketDropped(bucket)
    this.mapChanged()
    return true
  }

  /** Gives a bucket other scopes and collections; returns the status of the answer. */
  setManifest(bucket: Bucket, text: string): number {
    const before = bucket.manifest
    const status = bucket.setManifest(text)
    if (bucket.manifest !== before) this.mapChanged()
    return status
  }

  /** Moves a vbucket to a node. */
  move(bucket: string, vbucket: number, node: number): void {
    this.gone.delete(node)
    this.buckets.get(bucket)?.move(vbucket, node)
    this.mapChanged()
  }

  /**
   * Other nodes take the place of one, in turn, without its `lost` newest changes of each vbucket. A node on its own takes its own place, as
   * after a crash. Returns how many changes were lost.
   */
  failover(index: number, lost: number): number {
    const others = this.present.filter((at) => at !== index)
    let count = 0
    let turn = 0
    for (const bucket of this.buckets.values()) {
      for (const { id, node } of bucket.allVbuckets) {
        if (node === index) count += bucket.failOver(id, lost, others.length === 0 ? index : others[turn++ % others.length]!)
      }
    }
    if (others.length > 0) this.gone.add(index)
    this.mapChanged()
    return count
  }

  private add(options: BucketOptions): Bucket {
    const bucket = new Bucket(options, this.options.world)
    const { present } = this
    for (const { id } of bucket.allVbuckets) bucket.move(id, present[id % present.length]!)
    this.buckets.set(bucket.name, bucket)
    return bucket
  }

  private mapChanged(): void {
    this.revision++
    this.options.onMapChanged()
  }
}
