/**
 * An indexer of which as many run as are needed: they share the vbuckets of a bucket, and keep who has what, and how far they are, in that bucket. What
 * is done with a change here is a line on stdout. `packages/examples/deploy` makes a container of it and runs it in Kubernetes.
 *
 * COUCHBASE_URL and COUCHBASE_PASSWORD say where the bucket is, HOST and PORT where other processes reach this one (LISTEN_HOST: where it listens, if
 * that is another address), OPERATIONS_HOST and OPERATIONS_PORT where probes and Prometheus do.
 */
import { NodeClusterSocket, NodeRuntime } from "@effect/platform-node"
import { starting } from "@wirewright/connection/Health"
import * as Operations from "@wirewright/connection/Operations"
import { KvClient } from "@wirewright/couchbase"
import { layerRunnerStorage } from "@wirewright/couchbase/sharding"
import { Dcp, layerDocuments } from "@wirewright/dcp"
import { DcpSharding, DcpSlice } from "@wirewright/dcp/sharding"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Runtime from "effect/Runtime"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as ShardingConfig from "effect/cluster/ShardingConfig"

/** Returns when the line is taken: what is given up before is another process's. */
const print = (about: object): Effect.Effect<void> =>
  Effect.callback((resume) => void process.stdout.write(`${JSON.stringify(about)}\n`, () => resume(Effect.void)))

const indexer = DcpSharding.layer({ group: "indexer" }, {
  change: (change) =>
    Effect.flatMap(DcpSlice, ({ epoch, slice }) =>
      change._tag === "SystemEvent"
        ? Effect.void
        : print({ [change._tag]: change.key, seqno: Number(change.seqno), slice, epoch })),
  rollback: ({ to, vbucket }) => print({ rollback: vbucket, to: Number(to) })
})

const shardingConfig = DcpSharding.clusterConfig()

const cluster = NodeClusterSocket.layer({ storage: "byo", runnerHealth: "ping", shardingConfig }).pipe(
  Layer.provide([
    MessageStorage.layerNoop,
    layerRunnerStorage().pipe(Layer.provide(ShardingConfig.layerFromEnv(shardingConfig)))
  ])
)

const bucket = Layer.unwrap(Effect.gen(function*() {
  const [url, password] = [yield* Config.String("COUCHBASE_URL"), yield* Config.Redacted("COUCHBASE_PASSWORD")]
  return Layer.merge(Dcp.layerUrl(url, password), KvClient.layerUrl(url, password))
}))

const operations = Layer.unwrap(Effect.gen(function*() {
  const host = yield* Config.String("OPERATIONS_HOST").pipe(Config.withDefault("127.0.0.1"))
  const port = yield* Config.Int("OPERATIONS_PORT").pipe(Config.withDefault(9100))
  return Operations.layer({ host, port })
}))

/** The pod is ready when everything is there, not as soon as somebody answers. */
class Start extends Context.Service<Start, { readonly done: Effect.Effect<void> }>()("@wirewright/examples/Start") {}
const start = Layer.effect(Start, Effect.map(starting, (done) => ({ done })))

// probes are answered to the very end
const program = Layer.effectDiscard(Effect.flatMap(Start, ({ done }) => done)).pipe(
  Layer.provide(indexer),
  Layer.provide(layerDocuments()),
  Layer.provide(cluster),
  Layer.provide(bucket),
  Layer.provide(operations),
  Layer.provide(start),
  // log lines go to stderr
  Layer.provide(Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]))
)

NodeRuntime.runMain(Layer.launch(program), {
  // SIGTERM is the end that was meant
  teardown: (exit, end) => Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? end(0) : Runtime.defaultTeardown(exit, end)
})
