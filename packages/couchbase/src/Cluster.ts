/**
 * The nodes of a cluster, as the newest map shows them, with a pool of connections each.
 *
 * It finds the node of a key and keeps the map new: from bootstraps, from NotMyVbucket bodies, from pushes, and by asking. Which map is
 * newer is `ClusterMap`'s business; what to repeat, `Retry`'s.
 */
import {
  type ConnectionError,
  hostOf,
  hostPort,
  type PoolPlace,
  poolPlace,
  type ReconnectOptions,
  Telemetry,
  type TelemetryOptions
} from "@wirewright/connection"
import { Metrics, OperationDurations } from "@wirewright/connection/Metrics"
import { clientRows } from "@wirewright/connection/MetricTable"
import { Datatype } from "@wirewright/memcached/gen/Types"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Tls from "node:tls"
import { activeNode, addressOf, type ClusterMap, copiesOf, newer, parseClusterMap, replicaNodes, vbucketOf } from "./ClusterMap.ts"
import type { Seed } from "./ConnectionString.ts"
import { received, type SnappyCodec } from "./Documents.ts"
import { emptyErrorMap, type ErrorMap } from "./ErrorMap.ts"
import { encodeGetClusterConfig, type ErrorResponse, type ServerRequest } from "./gen/index.ts"
import { type KvConnection, type KvConnectionOptions, openConnection } from "./KvConnection.ts"
import { NodePool, type OpenError } from "./NodePool.ts"
import { type ResolveSrv, seedsOfRecords, SrvResolver } from "./Srv.ts"

type Seeds = readonly [Seed, ...ReadonlyArray<Seed>]

/** Time for the answer to a question for DNS records. */
const lookupTimeout = "2 seconds"

/** Where to begin and how to treat every node. */
export interface ClusterOptions
  extends TelemetryOptions, Omit<KvConnectionOptions, "host" | "port" | "onServerRequest" | "onClose" | "tls">
{
  readonly seeds: Seeds
  /** Name of the DNS records that say where to begin, now and when all nodes are gone; `seeds` do when there are none. Default: `seeds` do */
  readonly srv?: string | undefined
  readonly tls?: Tls.ConnectionOptions
  /** Connections per node. Default: 1. */
  readonly connectionsPerNode?: number
  /** Waits between attempts to connect to a node that is needed. Default: 50 ms, up to 500. */
  readonly reconnect?: ReconnectOptions
  /** Maps of the cluster are ignored: the first seed that answers is all there is. */
  readonly ignoreMap?: boolean
  /** The group of servers that reads with a `readPreference` prefer, such as that of this machine's zone. Default: none */
  readonly preferredServerGroup?: string
  readonly watch?: ConnectionWatch
  /** Logs that a node was lost, is not reached, and was found again. Default: yes, where nobody watches */
  readonly logs?: boolean
}

/** Hears what becomes of the connections to all nodes. `address` is the node's `host:port`. */
export interface ConnectionWatch {
  readonly opened: (address: string) => void
  readonly failed: (address: string, error: OpenError) => void
  /** Not those that failed to begin. */
  readonly closed: (address: string, error: ConnectionError) => void
}

const addressOfSeed = ({ host, port }: Seed): string => hostPort(host, port)

/** A connection that was there and broke before anything was known; the next one may hold. */
const wasCut = (error: OpenError): boolean => error._tag === "ConnectionError" && error.reason._tag === "ConnectionLost"

/** The nodes of a cluster. */
export class Cluster {
  /** What was learnt last. */
  map: ClusterMap | undefined
  errorMap: ErrorMap = emptyErrorMap
  /** How often the map was replaced. */
  mapChanges = 0
  private readonly options: ClusterOptions
  private readonly pools = new Map<string, NodePool>()
  /** Pools in the order of the map's nodes. */
  private byNode: ReadonlyArray<NodePool | undefined> = []
  private single: NodePool | undefined
  private refreshing: Deferred.Deferred<void> | undefined
  private change = Deferred.makeUnsafe<void>()
  private readonly place: PoolPlace
  private readonly context: Context.Context<never>
  /** What is told of it beside its nodes; nothing where no metrics are published. */
  readonly metrics: Metrics | undefined
  /** How long operations take that no node has answered. */
  private readonly unanswered: OperationDurations | undefined
  private readonly lookUp: (name: string) => Effect.Effect<ReadonlyArray<Seed>>
  private seeds: Seeds
  /** Nodes of which none was known before: whatever their map says is newer. */
  private strangers: ReadonlySet<NodePool> = new Set()

  private constructor(options: ClusterOptions, place: PoolPlace, lookUp: Cluster["lookUp"], context: Context.Context<never>) {
    this.options = options
    this.seeds = options.seeds
    this.place = place
    this.context = context
    this.metrics = options.metrics === false ? undefined : Metrics.of(context)
    this.unanswered = this.metrics === undefined
      ? undefined
      : new OperationDurations(this.metrics, clientRows.operation, "db.operation.name", { "db.system.name": "couchbase" })
    this.lookUp = lookUp
  }

  /** Begins with the first seed that answers. */
  static readonly make = (options: ClusterOptions): Effect.Effect<Cluster, OpenError, Scope.Scope> =>
    Effect.gen(function*() {
      const lookUp = looksUp(yield* SrvResolver, yield* Random.Random)
      const cluster = new Cluster(options, yield* poolPlace, lookUp, yield* Effect.context<never>())
      yield* Effect.addFinalizer(() => Effect.sync(() => cluster.leave()))
      yield* cluster.begin
      return cluster
    })

  /** The group of servers that this client prefers. */
  get preferredServerGroup(): string | undefined {
    return this.options.preferredServerGroup
  }

  /** The vbucket of a key; 0 as long as there is no map. */
  vbucketOf(key: string): number {
    const count = this.map?.vbuckets.length ?? 0
    return count === 0 ? 0 : vbucketOf(key, count)
  }

  /** The pool of the node with a vbucket's active copy, or with one of its replicas; nothing when no node has it just now. */
  poolOf(vbucket: number, replica?: number): NodePool | undefined {
    const { map } = this
    // a node without a map, or with one that has no vbuckets, takes everything
    if (map === undefined || map.vbuckets.length === 0) return this.single
    const node = replica === undefined ? activeNode(map, vbucket) : replicaNodes(map, vbucket)[replica] ?? -1
    return node < 0 ? undefined : this.byNode[node]
  }

  /** Durations of operations of a node by its address; of those that none has answered, without. */
  durationsAt(address: string | undefined): OperationDurations | undefined {
    return address === undefined ? this.unanswered : this.pools.get(address)?.durations ?? this.unanswered
  }

  /** Nodes that are not there, and why. Asking makes an attempt to reach them, because connections are made when they are needed. */
  get unreached(): ReadonlyArray<string> {
    return this.nodes.flatMap((pool) => {
      const { down } = pool
      if (down === undefined) return []
      this.place.fork(Effect.ignore(pool.connect))
      return [down.message]
    })
  }

  /** The copies of a vbucket that nodes have just now, those in a group of servers if one is named. */
  copiesOf(vbucket: number, group?: string): ReadonlyArray<number | undefined> {
    return this.map === undefined ? group === undefined ? [undefined] : [] : copiesOf(this.map, vbucket, group)
  }

  /** Pools of all nodes that serve documents. */
  get nodes(): ReadonlyArray<NodePool> {
    const found = this.byNode.filter((pool) => pool !== undefined)
    return found.length > 0 ? [...new Set(found)] : this.single === undefined ? [] : [this.single]
  }

  /** Takes a map as text, from `host`. Returns whether it was newer; nonsense is not. */
  learn(text: string, host: string): boolean {
    if (text === "") return false
    const { network } = this.options
    const parsed = parseClusterMap(text, { host, ...(network === undefined ? {} : { network }) })
    return Result.isSuccess(parsed) && this.apply(parsed.success, undefined)
  }

  /** Learns the map that comes with NotMyVbucket. Returns whether it was newer: the vbucket's node is another one now. */
  redirected({ datatype, value }: Pick<ErrorResponse, "datatype" | "value">, { packets }: KvConnection, codec?: SnappyCodec): boolean {
    const body = received(value, datatype & Datatype.snappy, codec)
    return Result.isSuccess(body) && this.learn(new TextDecoder().decode(body.success), hostOf(packets.address))
  }

  /** Waits until the map is replaced. */
  readonly changed: Effect.Effect<void> = Effect.suspend(() => Deferred.await(this.change))

  /** Where the copies of a vbucket are that nodes have just now. */
  copySeedsOf(vbucket: number): ReadonlyArray<Seed> {
    const { map } = this
    if (map === undefined || map.vbuckets.length === 0) return [this.seeds[0]]
    return (map.vbuckets[vbucket] ?? []).flatMap((node) => {
      const seed = this.seedOfNode(node)
      return seed === undefined ? [] : [seed]
    })
  }

  private seedOfNode(at: number): Seed | undefined {
    const node = this.map?.nodes[at]
    const port = this.options.tls === undefined ? node?.port : node?.tlsPort
    return node === undefined || port === undefined ? undefined : { host: node.host, port }
  }

  /** Where the active copy of a vbucket is; nothing when no node has it just now. A cluster without a map is its first seed. */
  seedOf(vbucket: number): Seed | undefined {
    const { map } = this
    if (map === undefined || map.vbuckets.length === 0) return this.seeds[0]
    return this.seedOfNode(activeNode(map, vbucket))
  }

  /** Takes a map that another connection has brought. */
  offer(map: ClusterMap | undefined): void {
    if (map !== undefined) this.apply(map, undefined)
  }

  /** Asks a node for the map; all who ask at the same time share the answer. Never fails: without an answer the map stays. */
  readonly refresh: Effect.Effect<void> = Effect.suspend(() => {
    if (this.refreshing !== undefined) return Deferred.await(this.refreshing)
    const refreshing = Deferred.makeUnsafe<void>()
    this.refreshing = refreshing
    const ask = Effect.flatMap(Effect.exit(this.ask), () => {
      this.refreshing = undefined
      Deferred.doneUnsafe(refreshing, Exit.void)
      return Effect.void
    })
    return Effect.andThen(Effect.forkIn(ask, this.place.scope), Deferred.await(refreshing))
  })

  private readonly begin: Effect.Effect<void, OpenError> = Effect.suspend(() =>
    Effect.flatMap(this.find, () => {
      const [first, ...others] = this.seeds
      const attempt = (seed: Seed) => this.beginWith(this.poolAt(addressOfSeed(seed), seed))
      return others.reduce((tried, seed) => Effect.catch(tried, () => attempt(seed)), attempt(first))
    })
  )

  /** Finds out where to begin. */
  private readonly find: Effect.Effect<void> = Effect.suspend(() => {
    const { srv } = this.options
    if (srv === undefined) return Effect.void
    return Effect.map(this.lookUp(srv), (found) => {
      const known = new Set([...this.seeds.map(addressOfSeed), ...this.byNode.flatMap((pool) => pool === undefined ? [] : [pool.address])])
      this.seeds = found.length === 0 ? this.options.seeds : found as unknown as Seeds
      // as gocbcore has it: a name that leads to nodes of which none is known leads to another cluster
      const moved = this.map !== undefined && !this.seeds.some((seed) => known.has(addressOfSeed(seed)))
      if (moved) this.strangers = new Set(this.seeds.map((seed) => this.poolAt(addressOfSeed(seed), seed)))
    })
  })

  private beginWith(pool: NodePool): Effect.Effect<void, OpenError> {
    return Effect.map(Effect.retry(pool.connect, { while: wasCut, times: 3 }), () => {
      this.single ??= pool
    })
  }

  private readonly ask: Effect.Effect<void, OpenError> = Effect.suspend(() => {
    const connection = [...this.pools.values()].map((pool) => pool.take()).find((ready) => ready !== undefined)
    // a new connection brings the map with it; the seeds may be gone by now
    if (connection === undefined) {
      return this.nodes.reduce((tried, pool) => Effect.catch(tried, () => Effect.asVoid(pool.connect)), this.begin)
    }
    const host = hostOf(connection.packets.address)
    return connection.packets.request((writer, opaque) => encodeGetClusterConfig(writer, { opaque })).pipe(
      Effect.map((answer) => {
        if (answer._tag === "GetClusterConfigResponse") this.learn(answer.clusterMap, host)
      }),
      Effect.catchTag("EncodeError", () => Effect.void)
    )
  })

  private poolAt(address: string, seed: Seed): NodePool {
    const known = this.pools.get(address)
    if (known !== undefined) return known
    const {
      connectionsPerNode = 1,
      ignoreMap: __,
      logs = this.options.watch === undefined,
      preferredServerGroup: ___,
      reconnect,
      seeds: _,
      srv: ____,
      tls,
      watch,
      ...options
    } = this.options
    const open = (lost: (error: ConnectionError) => void) => {
      let begun = false
      return openConnection({
        ...options,
        ...(tls === undefined ? {} : { tls }),
        host: seed.host,
        port: seed.port,
        onServerRequest: this.pushed,
        onClose: (error) => {
          lost(error)
          if (begun) watch?.closed(address, error)
        }
      }).pipe(
        Effect.tapError((error) => Effect.sync(() => watch?.failed(address, error))),
        Effect.tap((connection) =>
          Effect.sync(() => {
            begun = true
            connection.durations = pool.durations
            watch?.opened(address)
            this.opened(connection, pool)
          })
        )
      )
    }
    const pool: NodePool = new NodePool({
      address,
      connections: connectionsPerNode,
      reconnect: { maxDelay: "500 millis", ...reconnect },
      open,
      logs
    }, this.place)
    const { timers } = this.place
    const told = { protocol: "couchbase", ...seed, timers, connections: connectionsPerNode, counters: () => pool.counters }
    pool.telemetry = Telemetry.of(this.options, told, this.context)
    pool.durations = pool.telemetry.operations("couchbase")
    this.pools.set(address, pool)
    return pool
  }

  private opened({ session }: KvConnection, pool: NodePool): void {
    if (this.strangers.has(pool)) {
      this.strangers = new Set()
      this.map = undefined
      this.single = pool
    }
    if (session.errorMap.entries.size > 0) this.errorMap = session.errorMap
    if (session.clusterMap !== undefined) this.apply(session.clusterMap, pool)
  }

  /** Takes what a node sent unasked. */
  readonly pushed = (request: ServerRequest, host: string): void => {
    if (request._tag !== "ClustermapChangeNotification") return
    if (request.clusterMap !== "") {
      if (request.bucket === "" || request.bucket === (this.options.bucket ?? "")) this.learn(request.clusterMap, host)
    } else this.place.fork(this.refresh)
  }

  /** Takes a map; `from` is the pool whose node sent it about itself. */
  private apply(theirs: ClusterMap, from: NodePool | undefined): boolean {
    const map = newer(this.map, theirs)
    if (map === this.map || this.options.ignoreMap === true) return false
    this.map = map
    this.mapChanges++
    const tls = this.options.tls !== undefined
    this.byNode = map.nodes.map((node) => {
      const address = addressOf(node, tls)
      if (address === undefined) return undefined
      // the node we are connected to may call itself something else; one pool is enough for it
      if (node.thisNode && from !== undefined && !this.pools.has(address)) this.pools.set(address, from)
      return this.poolAt(address, { host: node.host, port: tls ? node.tlsPort! : node.port! })
    })
    this.retire()
    const { change } = this
    this.change = Deferred.makeUnsafe()
    Deferred.doneUnsafe(change, Exit.void)
    return true
  }

  /** Closes pools of nodes that left, once nothing is in flight on them. */
  private retire(): void {
    const used = new Set<NodePool | undefined>(this.byNode)
    if (this.byNode.every((pool) => pool === undefined)) return
    for (const [address, pool] of this.pools) {
      if (used.has(pool) || pool.inFlight > 0 || pool.connections.length === 0) continue
      this.pools.delete(address)
      pool.telemetry?.leave()
      this.place.fork(pool.close)
    }
  }

  private leave(): void {
    for (const { telemetry } of this.pools.values()) telemetry?.leave()
  }
}

const looksUp = (resolve: ResolveSrv, random: Random.Random) => (name: string): Effect.Effect<ReadonlyArray<Seed>> =>
  Effect.map(
    Effect.orElseSucceed(Effect.timeoutOption(resolve(name), lookupTimeout), Option.none),
    (records) => seedsOfRecords(Option.getOrElse(records, () => []), () => random.nextDoubleUnsafe())
  )
