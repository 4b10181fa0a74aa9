/**
 * Embedded nodes that Couchbase's own clients take for theirs: buckets, vbuckets, collections and documents in memory, on loopback.
 *
 * The shell: it listens, keeps the time and sweeps expired documents. What the commands do is in the handlers. The nodes of a cluster share
 * their buckets, and each vbucket belongs to one of them; what a failover loses is said by whoever asks for it. Nothing is kept beyond the
 * scope and nothing is written to disk.
 */
import type { ConnectionError } from "@wirewright/connection"
import { decode, frameShape, type Packet } from "@wirewright/dcp/gen"
import { type PacketServer, type PacketServerOptions, serve, type StrangerLimits } from "@wirewright/memcached/PacketServer"
import type { ServerClient } from "@wirewright/memcached/ServerConnection"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import type { Bucket, BucketOptions } from "./Bucket.ts"
import { ClusterState } from "./ClusterState.ts"
import { collectionHandlers } from "./CollectionHandlers.ts"
import { connectionHandlers } from "./ConnectionHandlers.ts"
import { dcpHandlers } from "./DcpHandlers.ts"
import { ProducerNames } from "./DcpProducer.ts"
import type { Handlers } from "./Handlers.ts"
import { keyValueHandlers } from "./KeyValueHandlers.ts"
import { NodeConnection, type NodeScript, type NodeShared } from "./NodeConnection.ts"
import { statHandlers } from "./StatHandlers.ts"
import { subDocumentHandlers } from "./SubDocumentHandlers.ts"
import { type SaslRandom, type User, Users } from "./Users.ts"
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
  /** The buckets; one named `default` unless said otherwise. */
  readonly buckets?: ReadonlyArray<BucketOptions>
  /** Who may sign in; without users nobody needs to. */
  readonly users?: ReadonlyArray<User>
  /** What clients may before they have signed in; without users everybody may everything. */
  readonly beforeSignIn?: StrangerLimits
  /** Unix time in milliseconds; the clock unless said otherwise. */
  readonly now?: () => number
  /** What VERSION answers; its first characters are digits, which clients read. */
  readonly version?: string
  /** Where nonces and salts of SCRAM come from; random unless said otherwise. */
  readonly saslRandom?: SaslRandom
  /** Answers packets in the node's place: for tests of clients. */
  readonly script?: NodeScript
}

/** What a cluster is made of. */
export interface CouchbaseClusterOptions extends CouchbaseNodeOptions {
  /** Nodes, each on a port of its own; 1 unless said otherwise. Vbuckets are dealt out in turn. */
  readonly nodes?: number
}

/** A node that listens. */
export interface CouchbaseNode {
  readonly host: string
  readonly port: number
  /** What a client is given to connect. */
  readonly connectionString: string
  readonly buckets: ReadonlyMap<string, Bucket>
  readonly server: PacketServer
  /** DCP connections of this node. */
  readonly producers: ProducerNames
  /** Closes the connections of all clients, or those for DCP only. Returns how many. */
  disconnect(dcpOnly?: boolean): number
  readonly cluster: CouchbaseCluster
}

/** How a node fails. */
export interface FailoverOptions {
  /** Changes of each vbucket that the others had not received; none unless said otherwise. */
  readonly lost?: number
  /** Whether the node's connections break; they do unless said otherwise. */
  readonly disconnect?: boolean
}

/** Nodes that share buckets. */
export interface CouchbaseCluster {
  readonly nodes: ReadonlyArray<CouchbaseNode>
  readonly buckets: ReadonlyMap<string, Bucket>
  /** Buckets, scopes and collections, made and dropped while the cluster runs. */
  readonly state: ClusterState
  /** What a client is given to connect. */
  readonly connectionString: string
  /** Moves a vbucket to a node, and tells the clients. */
  move(bucket: string, vbucket: number, node: number): void
  /**
   * Another node takes the place of one, without its newest changes. A node on its own takes its own place, as after a crash. Returns how many
   * changes were lost.
   */
  failover(node: number, options?: FailoverOptions): number
}

const handlers: Handlers = {
  ...connectionHandlers,
  ...keyValueHandlers,
  ...subDocumentHandlers,
  ...withMetaHandlers,
  ...collectionHandlers,
  ...vbucketHandlers,
  ...dcpHandlers,
  ...statHandlers
}

/** Milliseconds between two looks for documents that expired unnoticed. */
const sweepInterval = 10_000

const version = "7.6.0-wirewright"

const randomUuid = (): bigint => BigInt(`0x${Crypto.randomBytes(6).toString("hex")}`) | 1n

/** One node, listening; it, its connections and its documents are gone with the scope. */
export const serveCouchbase = (options: CouchbaseNodeOptions = {}): Effect.Effect<CouchbaseNode, ConnectionError, Scope.Scope> =>
  Effect.map(serveCouchbaseCluster({ ...options, nodes: 1 }), ({ nodes }) => nodes[0]!)

/** Nodes, listening; they, their connections and their documents are gone with the scope. */
export const serveCouchbaseCluster = (
  options: CouchbaseClusterOptions = {}
): Effect.Effect<CouchbaseCluster, ConnectionError, Scope.Scope> =>
  Effect.gen(function*() {
    const now = options.now ?? Date.now
    const host = options.host ?? "127.0.0.1"
    const size = options.nodes ?? 1
    const started = performance.now()
    const users = yield* Users.make(options.users ?? [], options.saslRandom)
    const nodes: Array<CouchbaseNode> = []
    const clients: Array<Map<ServerClient, NodeConnection>> = []
    const state = new ClusterState({
      nodes: size,
      buckets: options.buckets ?? [{ name: "default" }],
      world: { now, uuid: randomUuid },
      tls: options.tls !== undefined,
      onMapChanged: () => {
        for (const connections of clients) for (const connection of connections.values()) connection.pushClusterMap()
      },
      onBucketDropped: (bucket) => {
        for (const connections of clients) {
          for (const [client, connection] of connections) if (connection.bucket === bucket) client.close("the node, as the bucket is gone")
        }
      }
    })
    const { buckets } = state
    const cluster: CouchbaseCluster = {
      nodes,
      state,
      buckets,
      get connectionString() {
        return nodes[0]!.connectionString
      },
      move: (bucket, vbucket, node) => state.move(bucket, vbucket, node),
      failover: (node, { disconnect = true, lost = 0 } = {}) => {
        if (disconnect) nodes[node]!.disconnect()
        return state.failover(node, lost)
      }
    }

    for (let index = 0; index < size; index++) {
      const connections = new Map<ServerClient, NodeConnection>()
      const producers = new ProducerNames()
      const shared: NodeShared = {
        users,
        version: options.version ?? version,
        buckets,
        node: index,
        producers,
        cluster: state,
        clusterConfig: (bucket) => state.map(nodes, index, bucket),
        elapsed: () => performance.now(),
        reference: () => Crypto.randomUUID(),
        uptime: () => Math.floor((performance.now() - started) / 1000),
        handlers,
        script: options.script
      }
      const server = yield* serve<Packet>({
        ...options,
        port: options.listen === false ? (options.port ?? 0) + index : index === 0 ? options.port ?? 0 : 0,
        host,
        ...users.none ? {} : { strangers: options.beforeSignIn ?? {} },
        frameShape,
        decode: (reader, at, client) => decode(reader, at, { collections: connections.get(client)?.features.collections === true }),
        handler: (client) => {
          const connection = new NodeConnection(shared, client, () => connections.delete(client))
          connections.set(client, connection)
          return connection
        }
      })
      const scheme = options.tls === undefined ? "couchbase" : "couchbases"
      const bracketed = host.includes(":") ? `[${host}]` : host
      clients.push(connections)
      nodes.push({
        host,
        port: server.port,
        connectionString: `${scheme}://${bracketed}:${server.port}`,
        buckets,
        server,
        producers,
        cluster,
        disconnect: (dcpOnly = false) => {
          const closing = [...connections].filter(([, { dcp }]) => !dcpOnly || dcp !== undefined)
          for (const [client] of closing) client.close("the node")
          return closing.length
        }
      })
    }
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        setInterval(() => {
          for (const bucket of buckets.values()) bucket.sweep()
        }, sweepInterval).unref()
      ),
      (timer) => Effect.sync(() => clearInterval(timer))
    )
    return cluster
  })
