/**
 * A bucket of the embedded node: its vbuckets and their histories, its collections, its documents.
 *
 * What a document is and when a write is refused is the store's business. It knows no packets and no connections; clock and random numbers
 * are given.
 */
import { Status, VBucketState } from "@wirewright/couchbase/gen"
import type { HistoryOptions } from "@wirewright/dcp/producer"
import { changeKey, isVisible, type PrepareChange, prepareKey } from "./BucketChange.ts"
import { type BucketSettings, defaultSettings, durabilityLevels } from "./BucketSettings.ts"
import {
  collectionById,
  defaultManifest,
  droppedCollections,
  highestId,
  type Manifest,
  manifestEvents,
  readManifest
} from "./Collections.ts"
import type { Change } from "./Document.ts"
import { DurableWrites, Vbucket } from "./DurableWrites.ts"
import type { Item, Space } from "./HashTable.ts"
import { type After, type NodeConditions, Replication, type ReplicationOptions } from "./Replication.ts"
import { atOnce, type Sliced } from "./Slices.ts"
import { Store } from "./Store.ts"
import { type Durability, isDurabilityPossible, type SyncWrite } from "./SyncWrites.ts"
import { VbucketCopy, type VbucketInfo } from "./VbucketCopy.ts"

/** What a bucket is made of. */
export interface BucketOptions extends ReplicationOptions {
  readonly name: string
  /** Copies of each vbucket beside the active one, at most 3, as far as there are nodes. Default: 0. */
  readonly replicas?: number
  /** The least that each change waits for, a `DurabilityLevel`. Default: 0, nothing. */
  readonly durabilityMinLevel?: number
  /** Default: 64. */
  readonly vbuckets?: number
  /** Scopes and collections. Default: the default ones. */
  readonly manifest?: Manifest
  /** Largest document in bytes. Default: 20 MiB. */
  readonly maxItemSize?: number
  /** Most memory for documents in bytes. Default: 256 MiB. */
  readonly maxMemory?: number
  /** How much of the changes is kept for DCP. */
  readonly history?: HistoryOptions
  /** Whatever else administrators see. Default: a Couchbase bucket that cannot be flushed */
  readonly settings?: Partial<Omit<BucketSettings, "vbuckets" | "replicas" | "ramQuota">>
}

/** What a bucket needs of the world. */
export interface BucketEnvironment {
  /** Unix time in milliseconds. */
  readonly now: () => number
  /** A random number of 48 bits, for vbucket UUIDs. */
  readonly uuid: () => bigint
  /** Told of every change, synchronously. */
  readonly onChange?: (change: Change) => void
  /** How to wait. Default: whoever has to wait waits for ever. */
  readonly after?: After
  /** What is wrong with the nodes. Default: nothing. */
  readonly conditions?: NodeConditions
}

/** A random name of 32 hexadecimal digits. */
export const uuidText = ({ uuid }: Pick<BucketEnvironment, "uuid">): string =>
  (uuid() << 64n | uuid()).toString(16).padStart(32, "0").slice(-32)

/** Most copies of a vbucket beside the active one. */
export const maxReplicas = 3

const allIsWell: NodeConditions = { unreplicated: new Set(), unpersisted: new Set(), down: new Set() }

/** Memory that the history of a copy takes for each document, in bytes: resident memory per document of a bucket, less that of a store alone. */
const historyBookkeeping = 500

/** Most vbuckets of a bucket. */
export const maxVbuckets = 1024

/** Memory of versions that only the histories of a vbucket have. */
const historyBytes = (vbucket: Vbucket | undefined): number => {
  if (vbucket === undefined) return 0
  let sum = vbucket.main.history.heldBytes
  // asked twice for each write: no list is made
  for (const copy of vbucket.replicas) if (copy !== undefined) sum += copy.history.heldBytes
  return sum
}

/** A bucket. */
export class Bucket {
  readonly name: string
  readonly uuid: string
  readonly vbucketCount: number
  readonly store: Store
  /** Copies of each vbucket beside the active one, if there are nodes for them. */
  readonly replicas: number
  /** What administrators see; changed by them. */
  settings: BucketSettings
  /** Highest id that a scope or collection of it has had; none is given twice. */
  highestId: number
  private readonly world: BucketEnvironment
  private readonly conditions: NodeConditions
  private readonly replication: Replication
  private readonly durable: DurableWrites
  private readonly historyOptions: HistoryOptions
  private readonly vbuckets: Array<Vbucket | undefined>
  private current: Manifest
  /** Which vbucket's history is next to forget old versions. */
  private relieved = 0
  /** Memory of versions that only histories have. */
  private historyBytes = 0
  /** Whether someone other than the node's maker has set the manifest. */
  private manifestSet: boolean

  constructor(options: BucketOptions, world: BucketEnvironment) {
    this.name = options.name
    this.world = world
    this.vbucketCount = options.vbuckets ?? 64
    this.current = options.manifest ?? defaultManifest
    this.manifestSet = options.manifest !== undefined
    this.highestId = highestId(this.current)
    this.settings = settingsOf(options, this.vbucketCount)
    this.uuid = uuidText(world)
    this.replicas = options.replicas ?? 0
    if (!Number.isInteger(this.replicas) || this.replicas < 0 || this.replicas > maxReplicas) {
      throw new RangeError(`a bucket has 0 to ${maxReplicas} replicas, not ${this.replicas}`)
    }
    const documentBytes = historyBookkeeping * (1 + this.replicas)
    this.store = new Store({
      now: world.now,
      ...(options.maxItemSize === undefined ? {} : { maxItemSize: options.maxItemSize }),
      ...(options.maxMemory === undefined ? {} : { maxMemory: options.maxMemory }),
      history: { documentBytes, bytes: () => this.historyBytes, relieve: (bytes) => this.relieve(bytes) },
      onChange: (change) => this.changed(change)
    })
    this.historyOptions = options.history ?? {}
    this.conditions = world.conditions ?? allIsWell
    const after = world.after ?? (() => () => {})
    this.durable = new DurableWrites(this.store, world.now, after, (vbucket, visible) => this.told(vbucket, visible))
    this.replication = new Replication(
      { ...options, persists: !this.isEphemeral },
      this.conditions,
      after,
      ({ main }) => this.durable.settle(this.vbuckets[main.id])
    )
    this.vbuckets = Array.from({ length: this.vbucketCount }, (_, id) => this.fresh(id, VBucketState.Active))
  }

  /** It is in memory alone: nothing of it is ever on disk. */
  get isEphemeral(): boolean {
    return this.settings.bucketType === "ephemeral"
  }

  /** The least that each change waits for, a `DurabilityLevel`; 0 for nothing. */
  get durabilityMinLevel(): number {
    return durabilityLevels.indexOf(this.settings.durabilityMinLevel)
  }

  /** Scopes and collections. */
  get manifest(): Manifest {
    return this.current
  }

  /** Unix time in milliseconds. */
  get now(): number {
    return this.world.now()
  }

  /** The active copy of a vbucket, unless there is no vbucket of that number. */
  vbucket(id: number): VbucketInfo | undefined {
    return this.vbuckets[id]?.main
  }

  /** All vbuckets that there are, the active copies of them. */
  get allVbuckets(): ReadonlyArray<VbucketInfo> {
    return this.vbuckets.flatMap((one) => one === undefined ? [] : [one.main])
  }

  /** The copies of a vbucket, the active one first. */
  copies(id: number): ReadonlyArray<VbucketCopy> {
    return this.vbuckets[id]?.copies ?? []
  }

  /** The copy of a vbucket that a node has. */
  copyAt(id: number, node: number): VbucketCopy | undefined {
    const vbucket = this.vbuckets[id]
    return vbucket === undefined || vbucket.main.node === node ? vbucket?.main : vbucket.replicas.find((copy) => copy?.node === node)
  }

  /** Whether a copy is the one whose documents the store has. */
  isMain(copy: VbucketInfo): boolean {
    return this.vbuckets[copy.id]?.main === copy
  }

  /** The nodes that have a vbucket as the map tells them: the active one, then the replicas; −1 where there is none. */
  chain(id: number): ReadonlyArray<number> {
    const vbucket = this.vbuckets[id]
    if (vbucket === undefined) return Array.from({ length: this.replicas + 1 }, () => -1)
    const { main, replicas } = vbucket
    return [main.state === VBucketState.Active ? main.node : -1, ...replicas.map((copy) => copy?.node ?? -1)]
  }

  /** The UUID of a vbucket's current branch. */
  uuidOf(id: number): bigint {
    return this.vbuckets[id]?.main.failoverLog[0]?.vbucketUuid ?? 0n
  }

  /**
   * Makes a vbucket or gives the copy of it that `node` has another state. Default: the active copy. One that becomes active begins a new branch of its
   * history, and the active copy before it is a replica from then on.
   */
  setState(id: number, state: number, node?: number): number {
    if (id >= this.vbucketCount) return Status.Erange
    const known = this.vbuckets[id]
    if (known === undefined) {
      this.vbuckets[id] = this.fresh(id, state)
      return Status.Success
    }
    const copy = (node === undefined ? undefined : this.copyAt(id, node)) ?? known.main
    if (copy.state === state) return Status.Success
    if (copy === known.main) {
      known.writes.abandon()
      if (state === VBucketState.Active) this.branch(known, copy.branchSeqno)
      copy.state = state
      this.durable.track(known)
      this.follow(known)
    } else if (state === VBucketState.Active) {
      this.promote(known, copy, copy.branchSeqno)
      return Status.Success
    } else copy.state = state
    copy.watchers.stateChanged()
    return Status.Success
  }

  /**
   * Gives a vbucket to another node, with all that it has and without a new branch, as a rebalance does. −1: to none. Where the node has a
   * replica, active copy and replica change places.
   */
  move(id: number, node: number): void {
    const vbucket = this.vbuckets[id]
    if (vbucket === undefined || vbucket.main.node === node) return
    const copy = node < 0 ? undefined : this.copyAt(id, node)
    if (copy === undefined) {
      vbucket.main.node = node
      vbucket.main.watchers.stateChanged()
      return
    }
    this.replication.pull(vbucket, copy)
    this.promote(vbucket, copy, undefined)
  }

  /** Puts replicas on nodes, as many as there is room for, beginning with `first`; a vbucket that is active nowhere becomes so, empty if there is no replica. */
  spread(id: number, nodes: ReadonlyArray<number>, first: number): void {
    const known = this.vbuckets[id]
    if (known?.main.state === VBucketState.Dead && known.main.node < 0) {
      const best = this.bestReplica(known)
      if (best !== undefined) this.promote(known, best, best.branchSeqno, false)
      else {
        this.removeVbucket(id)
        this.vbuckets[id] = this.fresh(id, VBucketState.Active)
        this.vbuckets[id].main.node = nodes[(first + nodes.length - 1) % nodes.length]!
      }
    }
    const vbucket = this.vbuckets[id]
    if (vbucket === undefined) return
    const candidates = nodes.map((_, turn) => nodes[(first + turn) % nodes.length]!)
    for (const [at, replica] of vbucket.replicas.entries()) {
      const node = replica === undefined ? candidates.find((one) => this.copyAt(id, one) === undefined) : undefined
      if (node === undefined) continue
      const { failoverLog } = vbucket.main
      const copy = new VbucketCopy(id, VBucketState.Replica, node, failoverLog[0]!.vbucketUuid, this.historyOptions)
      copy.history.follow(failoverLog)
      vbucket.replicas[at] = copy
    }
    this.replication.changed(vbucket)
  }

  /**
   * A copy of the vbucket takes its place that had not received the newest changes; or, on the same node, the vbucket is read from a disk
   * that did not have them. A new branch begins, `unpersisted` changes below what is left (default: 0). Changes that are too old to be taken
   * back are kept. Returns how many were lost.
   */
  failOver(id: number, lost: number, node?: number, unpersisted = 0): number {
    const vbucket = this.vbuckets[id]
    if (vbucket === undefined) return 0
    const { main } = vbucket
    const { history } = main
    vbucket.writes.abandon()
    const keep = history.highSeqno > BigInt(lost) ? history.highSeqno - BigInt(lost) : 0n
    const undone = history.lose(keep).length
    const { highSeqno } = history
    if (undone > 0) this.exchange(vbucket)
    this.branch(vbucket, highSeqno > BigInt(unpersisted) ? highSeqno - BigInt(unpersisted) : 0n)
    if (node !== undefined) main.node = node
    main.load()
    this.durable.track(vbucket)
    main.watchers.stateChanged()
    this.follow(vbucket)
    return undone
  }

  /**
   * A node is gone for good. Of the replicas of a vbucket that it had active, the one with the most takes its place with what it has received, less
   * `lost` changes; where there is none, the vbucket is nowhere. Returns how many changes were lost.
   */
  loseNode(node: number, lost: number): number {
    let count = 0
    for (const vbucket of this.vbuckets) {
      if (vbucket === undefined) continue
      const { main, replicas } = vbucket
      const place = replicas.findIndex((copy) => copy?.node === node)
      if (place >= 0) {
        const gone = replicas[place]!
        replicas[place] = undefined
        gone.watchers.stateChanged()
        this.replication.changed(vbucket)
      }
      if (main.node !== node) continue
      const best = this.bestReplica(vbucket)
      const before = main.history.highSeqno
      if (best === undefined) {
        vbucket.writes.abandon()
        main.state = VBucketState.Dead
        main.node = -1
        main.watchers.stateChanged()
        count += Number(before)
        continue
      }
      if (lost > 0) best.rollBack(before > BigInt(lost) ? before - BigInt(lost) : 0n)
      const { receivedSeqno } = best
      this.promote(vbucket, best, best.branchSeqno, false)
      if (receivedSeqno < before) count += Number(before - receivedSeqno)
    }
    return count
  }

  /** A node that did not run begins again with what is on its disk. Returns how many changes of active copies were lost. */
  restart(node: number): number {
    let count = 0
    for (const vbucket of this.vbuckets) {
      const copy = vbucket === undefined ? undefined : this.copyAt(vbucket.id, node)
      if (vbucket === undefined || copy === undefined) continue
      if (copy === vbucket.main && this.isEphemeral) {
        count += Number(copy.history.highSeqno)
        this.empty(vbucket)
      } else if (copy === vbucket.main) {
        const { branchSeqno, history: { highSeqno }, persistedSeqno } = copy
        count += this.failOver(vbucket.id, Number(highSeqno - persistedSeqno), undefined, Number(persistedSeqno - branchSeqno))
      } else {
        copy.rollBack(copy.persistedSeqno)
        this.replication.follow(vbucket, copy)
      }
      this.replication.changed(vbucket)
    }
    return count
  }

  /** What kept copies from following, or from coming to disk, does so no longer. */
  conditionsChanged(): void {
    for (const vbucket of this.vbuckets) if (vbucket !== undefined) this.replication.changed(vbucket)
  }

  /** Brings up to `most` changes to the copy that a node has, whatever the delay. Returns whether there are more. */
  replicate(id: number, node: number, most?: number): boolean {
    const vbucket = this.vbuckets[id]
    const copy = vbucket?.replicas.find((one) => one?.node === node)
    if (vbucket === undefined || copy === undefined) return false
    const more = this.replication.pull(vbucket, copy, most)
    this.durable.settle(vbucket)
    return more
  }

  /** Whether writes of a vbucket can wait for a majority of its copies. */
  isDurabilityPossible(id: number): boolean {
    return isDurabilityPossible(this.chain(id))
  }

  /**
   * Runs a command whose change of a document waits for other copies; `done` is told of how it ended: the seqno of its commit, or nothing when
   * nobody knows. Returns whether there is something to wait for.
   */
  prepare(id: number, durability: Durability, run: () => void, done: SyncWrite["done"]): boolean {
    return this.durable.prepare(this.vbuckets[id], durability, run, done)
  }

  /** Forgets the tombstones up to a seqno, of which no stream can be told then. */
  purge(id: number, seqno: bigint): void {
    for (const item of this.vbuckets[id]?.main.history.purgeTo(seqno) ?? []) {
      if (item.kind === "system" || !isVisible(item)) continue
      const space = this.store.space(id, item.document.collection)
      const tombstone = space.tombstones.get(item.document.key)
      if (tombstone !== undefined) this.store.forget(space, tombstone)
    }
    for (const copy of this.vbuckets[id]?.replicas ?? []) copy?.history.purgeTo(seqno)
  }

  /** Notices what expired, and forgets tombstones that are older than `purgeAge` seconds. */
  *sweepSteps(purgeAge = 259_200): Sliced<void> {
    yield* this.store.sweepSteps(purgeAge)
    const oldest = Math.floor(this.now / 1000) - purgeAge
    for (const vbucket of this.vbuckets) {
      for (const { history } of vbucket?.copies ?? []) {
        let upTo = 0n
        let passed = 0
        for (const change of history.image.values()) {
          if (++passed % 16_384 === 0) yield
          if (!change.deleted || change.kind === "system" || change.document.expiry > oldest) continue
          upTo = change.seqno
        }
        if (upTo > 0n) history.purgeTo(upTo)
      }
    }
  }

  /** The same, all at once. */
  sweep(purgeAge?: number): void {
    atOnce(this.sweepSteps(purgeAge))
  }

  /** Removes the copy of a vbucket that a node has; with the active one (default) goes all that the vbucket holds. */
  removeVbucket(id: number, node?: number): number {
    const gone = this.vbuckets[id]
    if (gone === undefined) return Status.NotMyVbucket
    const place = gone.replicas.findIndex((copy) => copy !== undefined && copy.node === node)
    if (place >= 0) {
      const copy = gone.replicas[place]!
      gone.replicas[place] = undefined
      copy.watchers.stateChanged()
      this.durable.settle(gone)
      return Status.Success
    }
    gone.writes.abandon()
    this.store.exchange(id, [], 0n)
    this.vbuckets[id] = undefined
    for (const copy of gone.copies) copy.watchers.stateChanged()
    return Status.Success
  }

  /** Empties it: its vbuckets begin anew, as those of a bucket that was just made. Collections stay. */
  flush(): void {
    for (const vbucket of this.vbuckets) if (vbucket !== undefined) this.empty(vbucket)
  }

  private empty(vbucket: Vbucket): void {
    const { copies, id, main, news, writes } = vbucket
    writes.abandon()
    news.length = 0
    this.store.exchange(id, [], 0n)
    this.store.vbucket(id).deletedRevision = 0n
    const uuid = this.world.uuid()
    const fresh = ({ node, state }: VbucketCopy): VbucketCopy => new VbucketCopy(id, state, node, uuid, this.historyOptions)
    vbucket.main = fresh(main)
    vbucket.replicas = vbucket.replicas.map((copy) => copy === undefined ? undefined : fresh(copy))
    for (const copy of copies) copy.watchers.stateChanged()
  }

  /** Seqno of the latest change of a vbucket, or of one collection in it; of the active copy, or of the one that a node has. */
  highSeqno(id: number, collection?: number, node?: number): bigint {
    const copy = node === undefined ? undefined : this.copyAt(id, node)
    const main = copy === undefined || this.isMain(copy)
    if (collection === undefined) return main ? this.store.vbucket(id).highSeqno : copy.receivedSeqno
    if (main) return this.store.vbucket(id).spaces.get(collection)?.highSeqno ?? 0n
    let highest = 0n
    for (const change of copy.history.image.values()) {
      if (change.kind !== "system" && isVisible(change) && change.document.collection === collection) highest = change.seqno
    }
    return highest
  }

  /** Whether the change with a seqno is still the newest of its document. */
  holdsChange(id: number, seqno: bigint): boolean {
    for (const change of this.vbuckets[id]?.main.history.image.values() ?? []) {
      if (change.seqno === seqno) return change.kind !== "system" && isVisible(change)
    }
    return false
  }

  /** The documents of a collection in a vbucket, unless there is no such collection. */
  space(vbucket: number, collection: number): Space | undefined {
    if (collectionById(this.current, collection) === undefined) return undefined
    const known = this.vbuckets[vbucket]
    if (known !== undefined && known.news.length > 0) this.learn(known)
    return this.store.space(vbucket, collection)
  }

  /** An expiration as the collection allows it: no longer than its `maxTtl`. */
  expirationIn(collection: number, expiration: number): number {
    const maxTtl = collectionById(this.current, collection)?.maxTtl ?? this.settings.maxTtl
    if (maxTtl === 0) return expiration
    const longest = Math.floor(this.now / 1000) + maxTtl
    const relative = expiration > 0 && expiration <= 2_592_000
    const absolute = relative ? Math.floor(this.now / 1000) + expiration : expiration
    return expiration === 0 || absolute > longest ? longest : expiration
  }

  /** Takes a new manifest; the documents of collections that it lacks are gone. Returns the status of the answer. */
  setManifest(text: string): number {
    const status = this.takeManifest(text)
    atOnce(this.settleAll())
    return status
  }

  /** Like `setManifest`, but vbuckets learn of it later: when they are written to, or with `settleAll`. */
  takeManifest(text: string): number {
    const next = readManifest(text)
    if (next === undefined) return Status.Einval
    if (this.manifestSet && next.uid < this.current.uid) return Status.CannotApplyCollectionsManifest
    const events = manifestEvents(this.current, next).map((event) => ({ event, key: `\u0000${event.scopeId}:${event.collectionId ?? ""}` }))
    const news = { dropped: new Set(droppedCollections(this.current, next)), events }
    this.current = next
    this.highestId = Math.max(this.highestId, highestId(next))
    this.manifestSet = true
    for (const vbucket of this.vbuckets) vbucket?.news.push(news)
    return Status.Success
  }

  /** Tells the vbuckets of the manifests that they have not heard of. */
  *settleAll(): Sliced<void> {
    for (const vbucket of this.vbuckets) {
      if (vbucket === undefined || vbucket.news.length === 0) continue
      this.learn(vbucket)
      yield
    }
  }

  private learn(vbucket: Vbucket): void {
    const { id, main: { history }, news, writes } = vbucket
    for (const { dropped, events } of news) {
      if (dropped.size > 0) {
        writes.abandon(({ collection }) => dropped.has(collection))
        for (const collection of this.store.vbucket(id).spaces.keys()) if (dropped.has(collection)) this.store.drop(collection, id)
        history.forget((item) => item.kind !== "system" && dropped.has(item.document.collection))
      }
      for (const { event, key } of events) {
        const seqno = ++this.store.vbucket(id).highSeqno
        history.append({ kind: "system", seqno, key, deleted: false, event })
      }
    }
    news.length = 0
    this.told(vbucket)
  }

  private changed(change: Change): void {
    const { document, kind, preparedSeqno } = change
    const { collection, deleted, key, seqno } = document
    this.store.space(document.vbucket, collection).highSeqno = seqno
    const vbucket = this.vbuckets[document.vbucket]
    if (vbucket !== undefined) {
      const { history } = vbucket.main
      const completes = preparedSeqno === undefined
        ? undefined
        : history.image.get(prepareKey(collection, key)) as PrepareChange | undefined
      const durable = completes === undefined ? {} : { durable: true, completes }
      const before = historyBytes(vbucket)
      const bytes = historyBookkeeping + (document as Item).size
      history.append({ kind, seqno, key: changeKey(collection, key), deleted, document, bytes, ...durable })
      this.told(vbucket)
      this.historyBytes += historyBytes(vbucket) - before
    }
    this.world.onChange?.(change)
  }

  /** The active copy has changed. */
  private told(vbucket: Vbucket, visible = true): void {
    vbucket.main.watchers.changed(visible)
    this.replication.changed(vbucket)
  }

  /** The replica with the most, of those on nodes that run. */
  private bestReplica({ replicas }: Vbucket): VbucketCopy | undefined {
    let best: VbucketCopy | undefined
    for (const copy of replicas) {
      if (copy === undefined || this.conditions.down.has(copy.node)) continue
      if (best === undefined || copy.history.highSeqno > best.history.highSeqno) best = copy
    }
    return best
  }

  /** A copy takes the place of the active one. `branchSeqno`: where its branch begins; without it, it goes on with the one that there is. */
  private promote(vbucket: Vbucket, copy: VbucketCopy, branchSeqno: bigint | undefined, keeps = true): void {
    const { main, replicas } = vbucket
    vbucket.writes.abandon()
    copy.settle()
    replicas[replicas.indexOf(copy)] = keeps ? main : undefined
    // as the cluster manager does: places that became empty are the last ones
    if (!keeps) vbucket.replicas = [...replicas].sort((a, b) => Number(a === undefined) - Number(b === undefined))
    vbucket.main = copy
    main.state = VBucketState.Replica
    copy.state = VBucketState.Active
    this.exchange(vbucket)
    if (branchSeqno !== undefined) this.branch(vbucket, branchSeqno)
    this.durable.track(vbucket)
    main.watchers.stateChanged()
    copy.watchers.stateChanged()
    this.follow(vbucket)
  }

  private branch(vbucket: Vbucket, seqno: bigint): void {
    vbucket.main.history.branch(this.world.uuid(), seqno)
  }

  /** The store gets what the active copy has. */
  private exchange({ id, main: { history } }: Vbucket): void {
    const items: Array<Item> = []
    for (const change of history.image.values()) if (change.kind !== "system" && isVisible(change)) items.push(change.document as Item)
    this.store.exchange(id, items, history.highSeqno)
  }

  /** The replicas follow the active copy as it is now. */
  private follow(vbucket: Vbucket): void {
    for (const copy of vbucket.replicas) if (copy !== undefined) this.replication.follow(vbucket, copy)
    this.replication.changed(vbucket)
  }

  /** Old versions give way to documents: of one vbucket after the other, and more at a time than one document needs. */
  private relieve(lacking: number): void {
    if (this.historyBytes === 0) return
    const bytes = Math.max(lacking, this.historyBytes / 8)
    // what else histories forgot since, as with a collection that was dropped
    this.historyBytes = this.vbuckets.reduce((sum, vbucket) => sum + historyBytes(vbucket), 0)
    let freed = 0
    for (let passed = 0; passed < this.vbucketCount && freed < bytes && this.historyBytes > 0; passed++) {
      this.relieved = (this.relieved + 1) % this.vbucketCount
      for (const { history } of this.vbuckets[this.relieved]?.copies ?? []) {
        const gone = history.heldBytes === 0 ? 0 : history.relieve(bytes - freed)
        freed += gone
        this.historyBytes -= gone
      }
    }
  }

  private fresh(id: number, state: number): Vbucket {
    return new Vbucket(new VbucketCopy(id, state, 0, this.world.uuid(), this.historyOptions), this.replicas)
  }
}

/** Settings of a bucket as its maker sees it. */
const settingsOf = (options: BucketOptions, vbuckets: number): BucketSettings => {
  const { durabilityMinLevel = 0, maxMemory = 256 * 2 ** 20, replicas = 0, settings } = options
  return {
    ...defaultSettings(settings),
    durabilityMinLevel: durabilityLevels[durabilityMinLevel] ?? "none",
    ...settings,
    replicas,
    ramQuota: Math.ceil(maxMemory / 2 ** 20),
    vbuckets
  }
}
