/** One of the processes that share the group. Says four times a second what it has, and of which slices it has written something. */
import { NodeClusterSocket, NodeRuntime } from "@effect/platform-node"
import { CheckpointStore, Dcp } from "@wirewright/dcp"
import { DcpSharding, DcpSlice } from "@wirewright/dcp/sharding"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import { SqlClient } from "effect/sql/SqlClient"
import { checkpointStore, group, postgresLayer, type Row, slices, undo, write } from "./Table.ts"
import { clusterTimes, type MemberOptions } from "./Times.ts"

const { database, name, port, seeds, unfenced } = JSON.parse(process.argv[2]!) as MemberOptions

const shardingConfig = {
  ...DcpSharding.clusterConfig(slices),
  ...clusterTimes,
  runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", port))
}

const postgres = (maxConnections: number) => postgresLayer(database, maxConnections, name)

const text = new TextDecoder()

/** The epochs of slices in which this process has written. */
const written = new Map<number, number>()

const sharding = Layer.unwrap(Effect.gen(function*() {
  const sql = yield* SqlClient
  const owner = Effect.map(DcpSlice, ({ epoch, slice }) => ({ name, slice, epoch, unfenced }))
  return DcpSharding.layer({ group, slices, size: 512, within: "100 millis", drainWithin: "3 seconds" }, {
    changes: (changes) =>
      Effect.flatMap(owner, (mine) => {
        const rows = changes.flatMap((change): ReadonlyArray<Row> =>
          change._tag === "SystemEvent" ? [] : [{
            key: change.key,
            value: change._tag === "Mutation" ? text.decode(change.value) : null,
            vbucket: change.vbucket,
            seqno: String(change.seqno)
          }]
        )
        return Effect.andThen(write(sql, mine, rows), Effect.sync(() => void written.set(mine.slice, mine.epoch)))
      }),
    rollback: ({ to, vbucket }) => Effect.flatMap(owner, (mine) => undo(sql, mine, vbucket, to))
  })
}))

const report = Layer.effectDiscard(Effect.gen(function*() {
  const { owned } = yield* DcpSharding
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(
    Effect.sync(() => {
      const connections = Math.max(0, ...[...owned.values()].map(({ consumer }) => consumer.status.connections.length))
      const working = [...owned.values()].filter(({ epoch, slice }) => written.get(slice) === epoch).length
      process.stdout.write(`${JSON.stringify({ owned: [...owned.keys()], working, connections })}\n`)
    }),
    Effect.sleep(250)
  )))
}))

const store = Layer.effect(CheckpointStore, Effect.map(SqlClient, (sql) => checkpointStore(sql, name)))

const cluster = NodeClusterSocket.layer({ storage: "byo", runnerHealth: "ping", shardingConfig }).pipe(
  Layer.provide([
    MessageStorage.layerNoop,
    DcpSharding.patientLocks(SqlRunnerStorage.layer).pipe(
      Layer.provide(ShardingConfig.layerFromEnv(shardingConfig)),
      Layer.orDie,
      Layer.provide(Layer.fresh(postgres(3)))
    )
  ])
)

report.pipe(
  Layer.provide(sharding),
  Layer.provide(store),
  Layer.provide(postgres(6)),
  Layer.provide(cluster),
  Layer.provide(Dcp.layer({ seeds, bucket: "default" })),
  Layer.launch,
  NodeRuntime.runMain
)
