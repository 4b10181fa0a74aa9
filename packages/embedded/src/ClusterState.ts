/**
 * What the nodes of an embedded cluster share: their buckets, where each vbucket is, and the version of the cluster map. Pure; connections
 * are the shell's (`CouchbaseNode`), which is told when the map has changed.
 */
import { Bucket, type BucketOptions, type BucketEnvironment, uuidText } from "./Bucket.ts"
import { clusterConfigText, type NodeAddress } from "./ClusterConfig.ts"

/** What a cluster is made of. */
export interface ClusterStateOptions {
  /** Nodes of the cluster, at least 1. */
  readonly nodes: number
  readonly buckets: ReadonlyArray<BucketOptions>
  readonly world: BucketEnvironment
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
  private readonly unreplicated = new Set<number>()
  private readonly unpersisted = new Set<number>()
  private readonly down = new Set<number>()
  private revision = 1n
  private label = ""

  constructor(options: ClusterStateOptions) {
    this.options = options
    this.uuid = uuidText(options.world)
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
    const { manifest, name, replicas, settings, uuid, vbucketCount } = bucket
    const chains = Array.from({ length: vbucketCount }, (_, id) => bucket.chain(id).map((node) => present.indexOf(node)))
    const keepsHistory = settings.storageBackend === "magma"
    const persists = !bucket.isEphemeral
    return clusterConfigText(at, { name, uuid, replicas, chains, manifestUid: manifest.uid, keepsHistory, persists })
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

  /** Gives a bucket other scopes and collections; returns the status of the answer. Its vbuckets may learn of it `later`. */
  setManifest(bucket: Bucket, text: string, later = false): number {
    const before = bucket.manifest
    const status = later ? bucket.takeManifest(text) : bucket.setManifest(text)
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
   * Other nodes take the place of one, without its `lost` newest changes of each vbucket: those with replicas with what they have received; in a
   * bucket without replicas, all in turn. A node on its own takes its own place, as after a crash. Returns how many changes were lost.
   */
  failover(index: number, lost: number): number {
    const others = this.present.filter((at) => at !== index)
    let count = 0
    let turn = 0
    for (const bucket of this.buckets.values()) {
      if (bucket.replicas > 0 && others.length > 0) {
        count += bucket.loseNode(index, lost)
        continue
      }
      for (const { id, node } of bucket.allVbuckets) {
        if (node === index) count += bucket.failOver(id, lost, others.length === 0 ? index : others[turn++ % others.length]!)
      }
    }
    if (others.length > 0) this.gone.add(index)
    this.mapChanged()
    return count
  }

  /** Whether a node does not run. */
  isDown(node: number): boolean {
    return this.down.has(node)
  }

  /** Makes a copy on one node the active one of a vbucket, as SET_VBUCKET does; returns the status of the answer. */
  setState(bucket: Bucket, vbucket: number, state: number, node: number): number {
    const before = bucket.chain(vbucket).join()
    const status = bucket.setState(vbucket, state, node)
    if (bucket.chain(vbucket).join() !== before) this.mapChanged()
    return status
  }

  /** Whether changes reach the replicas that a node has. They do at the start. */
  replicates(node: number, on: boolean): void {
    this.changeCondition(this.unreplicated, node, !on)
  }

  /** Whether a node writes to disk. It does at the start. */
  persists(node: number, on: boolean): void {
    this.changeCondition(this.unpersisted, node, !on)
  }

  /** A node does not run any more; the map still names it. What it had not written to disk is lost when it begins again. */
  kill(node: number): void {
    this.down.add(node)
  }

  /** A node that was killed begins again, with what is on its disk. Returns how many changes were lost. */
  restart(node: number): number {
    if (!this.down.delete(node)) return 0
    let lost = 0
    for (const bucket of this.buckets.values()) lost += bucket.restart(node)
    this.mapChanged()
    return lost
  }

  /** All nodes that run belong to the cluster, and have the replicas that are missing. */
  rebalance(): void {
    for (const node of this.gone) if (!this.down.has(node)) this.gone.delete(node)
    const { present } = this
    for (const bucket of this.buckets.values()) for (const { id } of bucket.allVbuckets) bucket.spread(id, present, id + 1)
    this.mapChanged()
  }

  private changeCondition(nodes: Set<number>, node: number, on: boolean): void {
    if (on) nodes.add(node)
    else nodes.delete(node)
    for (const bucket of this.buckets.values()) bucket.conditionsChanged()
  }

  private add(options: BucketOptions): Bucket {
    const { down, unpersisted, unreplicated } = this
    const bucket = new Bucket(options, { ...this.options.world, conditions: { down, unpersisted, unreplicated } })
    const { present } = this
    for (const { id } of bucket.allVbuckets) {
      bucket.move(id, present[id % present.length]!)
      bucket.spread(id, present, id + 1)
    }
    this.buckets.set(bucket.name, bucket)
    return bucket
  }

  private mapChanged(): void {
    this.revision++
    this.options.onMapChanged()
  }
}
