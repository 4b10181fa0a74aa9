/** The laws of `RunnerStorage`: on Effect's own layer over SQLite, in real time, and on ours over an embedded node, in virtual time. */
import { KvClient } from "@wirewright/couchbase"
import { layerRunnerStorage } from "@wirewright/couchbase/sharding"
import { SqliteClient } from "@wirewright/sqlite"
import { pair } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runner from "effect/cluster/Runner"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardId from "effect/cluster/ShardId"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inRealTime, inVirtualTime, type Law, law, lawTests, opened, same } from "./Laws.ts"
import { lockTime, runnerLaws } from "./RunnerLaws.ts"

const config = ShardingConfig.layer({ shardLockExpiration: `${lockTime} seconds` })

lawTests(
  "RunnerStorage: SQLite",
  runnerLaws,
  inRealTime(Effect.sync(() => {
    const filename = join(mkdtempSync(join(tmpdir(), "wirewright-runners-")), "locks.db")
    return opened(
      RunnerStorage.RunnerStorage,
      () => SqlRunnerStorage.layer.pipe(Layer.provide([config, SqliteClient.layer({ filename })]))
    )
  })),
  {},
  true
)

/** Rows of SQL that nobody took are their runner's again; a life that is over is not, so that it can be taken without looking twice. */
const neverBack: Law<RunnerStorage.RunnerStorage["Service"]> = law(
  "who was gone for longer than locks last has none of them, also if nobody took them",
  (store, { pass }) =>
    Effect.gen(function*() {
      const address = RunnerAddress.make("a.example", 1)
      const both = [ShardId.make("default", 1), ShardId.make("default", 2)]
      yield* store.register(Runner.make({ address, groups: ["default"], weight: 1 }), true)
      yield* store.acquire(address, both)
      yield* pass(`${lockTime + 2} seconds`)
      yield* same(yield* store.refresh(address, both), [])
      yield* same(yield* store.acquire(address, both), [])
    })
)

lawTests(
  "RunnerStorage: Couchbase",
  [...runnerLaws, neverBack],
  inVirtualTime(Effect.map(pair({ idleTimeout: "100 hours" }), ({ link, node }) => {
    const client = KvClient.layer({ seeds: [{ host: node.host, port: node.port }], bucket: "default", dial: link.dial })
    return opened(RunnerStorage.RunnerStorage, () => layerRunnerStorage().pipe(Layer.provide([config, client])))
  }))
)
