/**
 * `wirewright serve`: a node in memory, until it is told to stop.
 *
 * It starts one of the personalities of `@wirewright/embedded`, says on stdout where it listens, and waits. What a node does is not here.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { failureOf, usage } from "./Failure.ts"
import { jsonFlag, on, optional, withDefault } from "./Flags.ts"
import { moreLog } from "./Messages.ts"
import { flush, line } from "./Output.ts"
import { maxConnectionsOf, maxConnectionsParameter, type TlsFlags, tlsParameters } from "./ListenFlags.ts"
import { metricsParameter, serveMetrics } from "./MetricsFlag.ts"
import type { Personality } from "./Personality.ts"
import { inspectParameter } from "./InspectFlag.ts"
import { type CouchbaseFlags, couchbaseNode, couchbaseParameters } from "./ServeCouchbase.ts"
import { type MemcachedFlags, memcachedNode, memcachedParameters } from "./ServeMemcached.ts"
import { untilTold } from "./UntilTold.ts"

const parameters = {
  memcached: on("memcached", "memcached: text, meta and binary protocol"),
  host: withDefault(Flag.String("host"), "Address to listen on", "127.0.0.1"),
  port: withDefault(Flag.Int("port"), "Port to listen on; 0: any free one", 0),
  unixSocket: optional(Flag.String("unix-socket"), "A Unix socket for --memcached to listen on, for this user alone", "--host and --port"),
  ...tlsParameters,
  maxConnections: maxConnectionsParameter("1024 with --memcached, else 10000 of each node and 1000 of its management endpoint"),
  maxItemSize: withDefault(
    Flag.Int("max-item-size"),
    "Largest item of --memcached in bytes, key and bookkeeping included",
    1024 * 1024
  ),
  maxMemory: optional(
    Flag.Int("max-memory"),
    "Most memory for documents in bytes, of each bucket; what they take beside their values counts",
    "67108864 with --memcached, else 268435456"
  ),
  ...memcachedParameters,
  inspect: inspectParameter,
  metrics: metricsParameter,
  json: jsonFlag("The line of JSON on stdout, as without it"),
  ...couchbaseParameters
}

/** What `serve` was asked for. */
export interface ServeOptions extends CouchbaseFlags, MemcachedFlags, TlsFlags {
  readonly memcached: boolean
  readonly host: string
  readonly port: number
  readonly unixSocket: string | undefined
  readonly maxConnections: number | undefined
  readonly maxItemSize: number
  readonly maxMemory: number | undefined
  readonly inspect: boolean
  readonly metrics: string | undefined
}

const personality = (options: ServeOptions, limit: { readonly maxConnections?: number }): Personality => {
  if (options.port < 0 || options.port > 65_535) {
    return Effect.fail(usage(`--port ${options.port}: there are ports 0 to 65535`))
  }
  if (options.maxItemSize < 1024 || options.maxItemSize > 20 * 1024 * 1024) {
    return Effect.fail(usage(`--max-item-size ${options.maxItemSize}: from 1024 to 20971520 bytes`))
  }
  if (options.maxMemory !== undefined && options.maxMemory < 1024 * 1024) {
    return Effect.fail(usage(`--max-memory ${options.maxMemory}: 1048576 bytes or more`))
  }
  if (options.memcached) return memcachedNode(options, limit)
  if (options.unixSocket !== undefined) return Effect.fail(usage("--unix-socket goes with --memcached"))
  if (options.tlsCert !== undefined || options.tlsCa !== undefined) return Effect.fail(usage("--tls-cert goes with --memcached"))
  return couchbaseNode(options, limit)
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.")

/** The command. */
export const serveCommand = Command.make("serve", parameters, (options) =>
  Effect.scoped(untilTold(Effect.gen(function*() {
    const { address: metrics, started } = yield* serveMetrics(options.metrics)
    const ready = yield* personality(options, yield* maxConnectionsOf(options.maxConnections))
    if (options.unixSocket === undefined && !isLoopback(options.host)) {
      yield* Effect.logWarning(`whoever reaches ${ready.address} can read and change everything`)
    }
    yield* started
    const { ended, ...said } = ready
    line(JSON.stringify({ ready: true, ...said, ...metrics === undefined ? {} : { metrics } }))
    yield* Effect.promise(flush)
    return yield* ended ?? Effect.never
  }))).pipe(
    Effect.catchTag("ConnectionError", (error) => Effect.fail(failureOf(error))),
    moreLog("Info")
  )).pipe(
    Command.withShortDescription("Run a node in memory"),
    Command.withDescription(
      "Serve: a Couchbase-like node in memory, or with --memcached a memcached; empty at the start and gone at the end. "
        + "When it listens it prints a line of JSON on stdout: "
        + "{\"ready\":true,\"address\":\"127.0.0.1:PORT\",…}. SIGINT and SIGTERM end it.\n\n"
        + "The management endpoint answers Couchbase's REST requests for buckets, scopes, collections and users, to whoever may sign in.\n\n"
        + "--control takes lines of JSON, one command each, and answers each with a line: {\"token\":\"…\",\"do\":\"failover\",\"node\":0,\"lost\":10}. The "
        + "first command of a connection has the token that is in the line on stdout. bucket and vbucket narrow a command where that makes sense.\n\n"
        + [
          ["failover {node,lost}", "Another node, or the same if it is alone, goes on without the newest changes"],
          ["crash {seqno or lost}", "The same on every node, from disk"],
          ["evict", "What memory has of older versions is gone"],
          ["purge, compact {seqno}", "Tombstones are forgotten up to a seqno"],
          ["move {vbucket,node}", "As a rebalance does"],
          ["disconnect {node,dcpOnly}", "Closes connections"],
          ["status", "Where each vbucket is, its seqnos and branch; DCP connections"],
          ["pauseReplication, resumeReplication {node}", "What reaches the replicas of a node"],
          ["pausePersistence, resumePersistence {node}", "What a node writes to its disk"],
          ["kill, restart {node}", "A node does not run, and begins again with what is on its disk"],
          ["promote {node}", "The replicas of a node become active"],
          ["rebalance", "Replicas that are missing are made"],
          ["createBucket, updateBucket {bucket,ramQuota,replicas,flushEnabled,…}", "Makes or changes a bucket"],
          ["flushBucket, dropBucket {bucket}", "Empties or drops it"],
          ["createScope, dropScope {bucket,scope}", "Makes or drops a scope"],
          ["createCollection, updateCollection {bucket,scope,collection,maxTtl,history}", "Makes or changes a collection"],
          ["dropCollection {bucket,scope,collection}", "Drops it with its documents"]
        ].map(([term, text]) => `  ${term}  ${text}`).join("\n")
    ),
    Command.withExamples([
      { command: "wirewright serve --user app --password-file secret --bucket travel", description: "A node for the Couchbase SDKs" },
      {
        command: "wirewright serve --port 11210 --vbuckets 1024 --collection shop.orders",
        description: "With a collection, nobody signs in"
      },
      {
        command: "wirewright serve --memcached --port 11211 --inspect",
        description: "A memcached, and a page that shows what its clients say"
      }
    ])
  )
