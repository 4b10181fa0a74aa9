/**
 * An embedded node that Couchbase's own clients take for one of theirs: buckets, vbuckets, collections and documents in memory, on loopback.
 *
 * The shell: it listens, keeps the time and sweeps expired documents. What the commands do is in the handlers. Nothing is kept beyond the
 * scope, nothing is written to disk, and there is no replica.
 */
import type { ConnectionError } from "@wirewright/connection"
import { decode, frameShape, type Packet } from "@wirewright/couchbase/gen"
import { type PacketServer, type PacketServerOptions, serve } from "@wirewright/memcached/PacketServer"
import type { ServerClient } from "@wirewright/memcached/ServerConnection"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import { Bucket, type BucketOptions } from "./Bucket.ts"
import { clusterConfigText } from "./ClusterConfig.ts"
import { collectionHandlers } from "./CollectionHandlers.ts"
import { connectionHandlers } from "./ConnectionHandlers.ts"
import type { Handlers } from "./Handlers.ts"
import { keyValueHandlers } from "./KeyValueHandlers.ts"
import { NodeConnection, type NodeShared } from "./NodeConnection.ts"
import { statHandlers } from "./StatHandlers.ts"
import { subDocumentHandlers } from "./SubDocumentHandlers.ts"
import { type SaslRandom, type User, Users } from "./Users.ts"
import { vbucketHandlers } from "./VbucketHandlers.ts"
import { withMetaHandlers } from "./WithMetaHandlers.ts"

/** What a node is made of. */
export interface CouchbaseNodeOptions extends
  Pick<
    PacketServerOptions<Packet>,
    "host" | "port" | "tls" | "maxConnections" | "maxFrame" | "maxOutput" | "idleTimeout" | "headerTimeout" | "onDefect"
  >
{
  /** The buckets; one named `default` unless said otherwise. */
  readonly buckets?: ReadonlyArray<BucketOptions>
  /** Who may sign in; without users nobody needs to. */
  readonly users?: ReadonlyArray<User>
  /** Unix time in milliseconds; the clock unless said otherwise. */
  readonly now?: () => number
  /** What VERSION answers; its first characters are digits, which clients read. */
  readonly version?: string
  /** Where nonces and salts of SCRAM come from; random unless said otherwise. */
  readonly saslRandom?: SaslRandom
}

/** A node that listens. */
export interface CouchbaseNode {
  readonly host: string
  readonly port: number
  /** What a client is given to connect. */
  readonly connectionString: string
  readonly buckets: ReadonlyMap<string, Bucket>
  readonly server: PacketServer
}

const handlers: Handlers = {
  ...connectionHandlers,
  ...keyValueHandlers,
  ...subDocumentHandlers,
  ...withMetaHandlers,
  ...collectionHandlers,
  ...vbucketHandlers,
  ...statHandlers
}

/** Milliseconds between two looks for documents that expired unnoticed. */
const sweepInterval = 10_000

const version = "7.6.0-wirewright"
const clusterVersion = { epoch: 1n, revision: 1n }

const randomUuid = (): bigint => BigInt(`0x${Crypto.randomBytes(6).toString("hex")}`) | 1n

/** Listens; the node, its connections and its documents are gone with the scope. */
export const serveCouchbase = (options: CouchbaseNodeOptions = {}): Effect.Effect<CouchbaseNode, ConnectionError, Scope.Scope> =>
  Effect.gen(function*() {
    const now = options.now ?? Date.now
    const host = options.host ?? "127.0.0.1"
    const started = performance.now()
    const users = yield* Users.make(options.users ?? [], options.saslRandom)
    const buckets = new Map((options.buckets ?? [{ name: "default" }]).map((one) => [one.name, new Bucket(one, { now, uuid: randomUuid })]))
    // known once the node listens, and asked for by clients only then
    const place = { port: 0 }
    const shared: NodeShared = {
      users,
      version: options.version ?? version,
      buckets,
      clusterVersion,
      clusterConfig: (bucket) => {
        const { epoch, revision } = clusterVersion
        const at = { host, port: place.port, tls: options.tls !== undefined, epoch, revision }
        if (bucket === undefined) return clusterConfigText(at)
        const { manifest, name, uuid, vbucketCount } = bucket
        return clusterConfigText(at, { name, uuid, vbuckets: vbucketCount, manifestUid: manifest.uid })
      },
      elapsed: () => performance.now(),
      reference: () => Crypto.randomUUID(),
      uptime: () => Math.floor((performance.now() - started) / 1000),
      handlers
    }
    const connections = new WeakMap<ServerClient, NodeConnection>()
    const server = yield* serve<Packet>({
      ...options,
      host,
      frameShape,
      decode: (reader, at, client) => decode(reader, at, { collections: connections.get(client)?.features.collections === true }),
      handler: (client) => {
        const connection = new NodeConnection(shared, client)
        connections.set(client, connection)
        return connection
      }
    })
    place.port = server.port
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        setInterval(() => {
          for (const bucket of buckets.values()) bucket.store.sweep()
        }, sweepInterval).unref()
      ),
      (timer) => Effect.sync(() => clearInterval(timer))
    )
    const scheme = options.tls === undefined ? "couchbase" : "couchbases"
    const bracketed = host.includes(":") ? `[${host}]` : host
    return { host, port: server.port, connectionString: `${scheme}://${bracketed}:${server.port}`, buckets, server }
  })
