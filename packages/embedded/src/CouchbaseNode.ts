/**
 * Embedded nodes that Couchbase's own clients take for theirs: buckets, vbuckets, collections and documents in memory, on loopback.
 *
 * The shell: it listens, for Couchbase's protocol and beside it for management over HTTP, keeps the time and sweeps expired documents. What the commands do is in the handlers. The nodes of a cluster share
 * their buckets, and each vbucket belongs to one of them; what a failover loses is said by whoever asks for it. Nothing is kept beyond the
 * scope and nothing is written to disk.
 */
import {
  type ConnectionError,
  type PacketServer,
  type PacketServerOptions,
  servePackets,
  type ServerClient,
  type ServerTap,
  timers,
  type UnauthenticatedLimits
} from "@wirewright/connection"
import { decode, frameShape, type Packet } from "@wirewright/dcp/gen"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { Administration } from "./Administration.ts"
import type { Bucket, BucketOptions } from "./Bucket.ts"
import { chanceOf } from "./Chance.ts"
import { ClusterState } from "./ClusterState.ts"
import { collectionHandlers } from "./CollectionHandlers.ts"
import { connectionHandlers } from "./ConnectionHandlers.ts"
import { dcpHandlers } from "./DcpHandlers.ts"
import { ProducerNames } from "./DcpProducer.ts"
import type { Handlers, NodeScript, NodeShared } from "./Handlers.ts"
import { keyValueHandlers } from "./KeyValueHandlers.ts"
import type { Management } from "./ManagementRoutes.ts"
import { type ManagementServer, serveManagement } from "./ManagementServer.ts"
import { expectBody } from "./RequestRules.ts"
import { NodeConnection } from "./NodeConnection.ts"
import { rangeScanHandlers } from "./RangeScanHandlers.ts"
import type { After } from "./Replication.ts"
import { type ScanLimits, RangeScans } from "./RangeScans.ts"
import { statHandlers } from "./StatHandlers.ts"
import { subDocumentHandlers } from "./SubDocumentHandlers.ts"
import type { Sliced } from "./Slices.ts"
import { inTurns } from "./Turns.ts"
import { type SaslRandom, type User, Users } from "./Users.ts"
import { UserDirectory } from "./UserDirectory.ts"
import { vbucketHandlers } from "./VbucketHandlers.ts"
import { withMetaHandlers } from "./WithMetaHandlers.ts"

/** What a node is made of. */
export interface CouchbaseNodeOptions extends
  Pick<
    PacketServerOptions<Packet>,
    | "host"
    | "port"
    | "listen"
    | "tls"
    | "maxConnections"
    | "maxFrame"
    | "maxOutput"
    | "maxHeld"
    | "idleTimeout"
    | "headerTimeout"
    | "frameTimeout"
    | "onDefect"
  >
{
  /** The buckets. Default: one named `default`. */
  readonly buckets?: ReadonlyArray<BucketOptions>
  /**
   * Who may sign in; without users no sign-in is needed. Where `tls` asks for certificates (`requestCert`, `ca`), a client whose certificate has
   * a user's name as its common name is signed in as that user.
   */
  readonly users?: ReadonlyArray<User>
  /**
   * Port of the management endpoint, which SDKs look at to see whether the node is ready and through which they make buckets and collections.
   * With `tls` it speaks TLS, too. `false`: there is none. Default: a free port, but none when the node does not `listen`
   */
  readonly managementPort?: number | false
  /** What clients may before they have signed in; without users they may do everything. */
  readonly beforeSignIn?: UnauthenticatedLimits
  /** Unix time in milliseconds. Default: the clock. */
  readonly now?: () => number
  /** What VERSION answers; its first characters are digits, which clients read. */
  readonly version?: string
  /** Whether a request that is not allowed as it stands (Einval) ends its connection, as with servers up to 6.0. Default: false. */
  readonly closeOnEinval?: boolean
  /** Where nonces and salts of SCRAM come from. Default: random. */
  readonly saslRandom?: SaslRandom
  /** Limits of the range scans of each node. */
  readonly rangeScans?: ScanLimits
  /** Answers packets in the node's place: for tests of clients. */
  readonly script?: NodeScript
}

/** What a cluster is made of. */
export interface CouchbaseClusterOptions extends CouchbaseNodeOptions {
  /** Nodes, each on a port of its own. Default: 1. Vbuckets are dealt out in turn. */
  readonly nodes?: number
  /** The groups that the nodes are in, in their order; the map tells them. Default: `Group 1`, as of a cluster without groups */
  readonly serverGroups?: ReadonlyArray<string>
  /** Sees what goes over the connections of a node, by its number; the management endpoint's are not among them. */
  readonly nodeTap?: (node: number) => ServerTap
}

/** A node that listens. */
export interface CouchbaseNode {
  readonly host: string
  readonly port: number
  /** Port of the management endpoint, if there is one. */
  readonly managementPort: number | undefined
  /** What a client is given to connect. */
  readonly connectionString: string
  readonly serverGroup: string
  readonly buckets: ReadonlyMap<string, Bucket>
  readonly server: PacketServer
  /** DCP connections of this node. */
  readonly producers: ProducerNames
  /** Range scans of this node. */
  readonly scans: RangeScans
  /** Closes the connections of all clients, or those for DCP only. Returns how many. */
  disconnect(dcpOnly?: boolean): number
  readonly cluster: CouchbaseCluster
}

/** How a node fails. */
export interface FailoverOptions {
  /** Changes of each vbucket that the others had not received. Default: none. */
  readonly lost?: number
  /** Whether the node's connections break. Default: yes. */
  readonly disconnect?: boolean
}

/** Nodes that share buckets. */
export interface CouchbaseCluster {
  readonly nodes: ReadonlyArray<CouchbaseNode>
  readonly buckets: ReadonlyMap<string, Bucket>
  /** Where vbuckets are, and which map says so. */
  readonly state: ClusterState
  /** Makes, changes and drops buckets, scopes and collections while the cluster runs. */
  readonly administration: Administration
  /** Users and groups that are made while the cluster runs. */
  readonly directory: UserDirectory
  /** What a client is given to connect. */
  readonly connectionString: string
  /** Moves a vbucket to a node, and tells the clients. */
  move(bucket: string, vbucket: number, node: number): void
  /**
   * Another node takes the place of one, without its newest changes. A node on its own takes its own place, as after a crash. Returns how many
   * changes were lost.
   */
  failover(node: number, options?: FailoverOptions): number
  /** A node ends as by kill -9: its connections break, and it accepts none until `state.restart`. */
  kill(node: number): void
}

/** What the node does, by command. */
export const couchbaseHandlers: Handlers = {
  ...connectionHandlers,
  ...keyValueHandlers,
  ...subDocumentHandlers,
  ...withMetaHandlers,
  ...collectionHandlers,
  ...vbucketHandlers,
  ...dcpHandlers,
  ...rangeScanHandlers,
  ...statHandlers
}

/** Milliseconds between two looks for documents that expired unnoticed. */
const sweepInterval = 10_000

const version = "7.6.4-wirewright"

/** Timers do not keep the process alive. */
const unref = { unref: true }

/** One node, listening; it, its connections and its documents are gone with the scope. */
export const serveCouchbase = (options: CouchbaseNodeOptions = {}): Effect.Effect<CouchbaseNode, ConnectionError, Scope.Scope> =>
  Effect.map(serveCouchbaseCluster({ ...options, nodes: 1 }), ({ nodes }) => nodes[0]!)

/** Nodes, listening; they, their connections and their documents are gone with the scope. */
export const serveCouchbaseCluster = (
  options: CouchbaseClusterOptions = {}
): Effect.Effect<CouchbaseCluster, ConnectionError, Scope.Scope> =>
  Effect.gen(function*() {
    const time = yield* timers
    const chance = chanceOf(yield* Random.Random)
    const after: After = (milliseconds, run) => time.after(milliseconds, run, unref).cancel
    const now = options.now ?? time.unixTime
    const host = options.host ?? "127.0.0.1"
    const size = options.nodes ?? 1
    const started = time.now()
    const users = yield* Users.make(options.users ?? [], options.saslRandom)
    const nodes: Array<CouchbaseNode> = []
    const clients: Array<Map<ServerClient, NodeConnection>> = []
    const managementServers: Array<ManagementServer> = []
    const state = new ClusterState({
      nodes: size,
      buckets: options.buckets ?? [{ name: "default" }],
      world: { now, uuid: chance.vbucketUuid, after },
      tls: options.tls !== undefined,
      onMapChanged: () => {
        for (const connections of clients) for (const connection of connections.values()) connection.pushClusterMap()
        for (const server of managementServers) server.mapChanged()
      },
      onBucketDropped: (bucket) => {
        for (const connections of clients) {
          for (const [client, connection] of connections) if (connection.bucket === bucket) client.close("the node, as the bucket is gone")
        }
      }
    })
    const { buckets } = state
    const administration = new Administration(state)
    const directory = new UserDirectory(users, now, (name) => buckets.has(name))
    const cluster: CouchbaseCluster = {
      nodes,
      state,
      administration,
      directory,
      buckets,
      get connectionString() {
        return nodes[0]!.connectionString
      },
      move: (bucket, vbucket, node) => state.move(bucket, vbucket, node),
      failover: (node, { disconnect = true, lost = 0 } = {}) => {
        if (disconnect) nodes[node]!.disconnect()
        return state.failover(node, lost)
      },
      kill: (node) => {
        state.kill(node)
        nodes[node]!.disconnect()
      }
    }

    for (let index = 0; index < size; index++) {
      const connections = new Map<ServerClient, NodeConnection>()
      const producers = new ProducerNames()
      const scans = new RangeScans(options.rangeScans ?? {}, {
        now: time.now,
        uuid: chance.uuid
      })
      const uptime = () => Math.floor((time.now() - started) / 1000)
      const shared: NodeShared = {
        users,
        version: options.version ?? version,
        buckets,
        node: index,
        producers,
        scans,
        cluster: state,
        clusterConfig: (bucket) => state.map(nodes, index, bucket),
        elapsed: time.now,
        after,
        reference: chance.reference,
        uptime,
        handlers: couchbaseHandlers,
        closeOnEinval: options.closeOnEinval === true,
        script: options.script
      }
      const { nodeTap, ...limits } = options
      const server = yield* servePackets<Packet>({
        ...limits,
        ...nodeTap === undefined ? {} : { tap: nodeTap(index) },
        port: options.listen === false ? (options.port ?? 0) + index : index === 0 ? options.port ?? 0 : 0,
        host,
        ...users.none ? {} : { unauthenticated: options.beforeSignIn ?? {} },
        frameShape,
        decode: (reader, at, client) => {
          expectBody(reader, at)
          return decode(reader, at, { collections: connections.get(client)?.features.collections === true })
        },
        handler: (client) => {
          const connection = new NodeConnection(shared, client, () => connections.delete(client))
          connections.set(client, connection)
          if (state.isDown(index)) setImmediate(() => client.close("the node, which does not run"))
          return connection
        }
      })
      const management: Management = {
        state,
        nodes,
        self: index,
        tls: options.tls !== undefined,
        version: shared.version,
        uptime,
        users,
        administration,
        directory
      }
      const { listen = true, managementPort = 0 } = options
      const managementServer = managementPort === false || !listen ? undefined : yield* serveManagement({
        host,
        port: index === 0 ? managementPort : 0,
        tls: options.tls,
        ...options.maxConnections === undefined ? {} : { maxConnections: options.maxConnections },
        ...options.headerTimeout === undefined ? {} : { patience: Duration.toMillis(options.headerTimeout) },
        management: () => nodes.length === size ? management : undefined
      })
      if (managementServer !== undefined) managementServers.push(managementServer)
      const scheme = options.tls === undefined ? "couchbase" : "couchbases"
      clients.push(connections)
      nodes.push({
        host,
        port: server.port,
        managementPort: managementServer?.port,
        connectionString: `${scheme}://${server.address}`,
        serverGroup: options.serverGroups?.[index] ?? "Group 1",
        buckets,
        server,
        producers,
        scans,
        cluster,
        disconnect: (dcpOnly = false) => {
          const closing = [...connections].filter(([, { dcp }]) => !dcpOnly || dcp !== undefined)
          for (const [client] of closing) client.close("the node")
          return closing.length
        }
      })
    }
    const sweeps = function*(): Sliced<void> {
      for (const { scans } of nodes) scans.sweep()
      for (const bucket of buckets.values()) yield* bucket.sweepSteps()
    }
    let stop: (() => void) | undefined
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        time.every(sweepInterval, () => {
          if (stop !== undefined) return
          let over = false
          const stopped = inTurns(sweeps(), time.now, () => {
            over = true
            stop = undefined
          })
          if (!over) stop = stopped
        }, unref)
      ),
      (timer) =>
        Effect.sync(() => {
          timer.cancel()
          stop?.()
        })
    )
    return cluster
  })
