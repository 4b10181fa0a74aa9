/** Reports of the connections to all nodes that serve documents: `ping`, which asks each of them, and `diagnostics`, which asks none. */
import {
  diagnosed,
  type DiagnosticsOptions,
  DiagnosticsReport,
  pinged,
  type PingOptions,
  PingReport,
  pingTimeout,
  reportId
} from "@wirewright/connection"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Cluster } from "./Cluster.ts"
import type { Circuits } from "./KvCircuits.ts"
import { encodeNoop } from "./gen/index.ts"
import type { NodePool } from "./NodePool.ts"

/** What is reported of the nodes; neither fails, whatever state they are in. */
export interface KvReports {
  /** Asks every node, connecting to those that nothing has needed yet. */
  readonly ping: (options?: PingOptions) => Effect.Effect<PingReport>
  /** What is known of every connection, without asking. A node that nothing has needed yet is disconnected. */
  readonly diagnostics: (options?: DiagnosticsOptions) => Effect.Effect<DiagnosticsReport>
}

/** Most nodes that are asked at the same time. */
const concurrency = 16

/** The reports; `timeout` in milliseconds. */
export const reportsOf = (
  cluster: Cluster,
  circuits: Circuits | undefined,
  { bucket, sdk, timeout: otherwise }: { readonly bucket: string | undefined; readonly sdk: string; readonly timeout: number }
): KvReports => {
  const ask = (pool: NodePool, timeout: number) =>
    Effect.flatMap(pool.connect, (connection) =>
      Effect.as(
        Effect.catchTag(
          connection.packets.request((writer, opaque) => encodeNoop(writer, { opaque }), { timeout }),
          "EncodeError",
          Effect.die
        ),
        connection
      )).pipe(Effect.timeoutOption(timeout), Effect.map(Option.getOrUndefined))
  return {
    ping: (options = {}) =>
      Effect.gen(function*() {
        const id = yield* reportId(options.reportId)
        const timeout = pingTimeout(options, otherwise)
        const endpoints = yield* Effect.forEach(cluster.nodes, (pool) => pinged(pool, ask(pool, timeout), bucket), { concurrency })
        const revision = cluster.map?.version.revision
        return new PingReport({ id, sdk }, endpoints, revision === undefined ? undefined : Number(revision))
      }),
    diagnostics: (options = {}) =>
      Effect.gen(function*() {
        const id = yield* reportId(options.reportId)
        const of = (pool: NodePool) =>
          Effect.map(circuits?.words(pool.address) ?? Effect.undefined, (words) => diagnosed(pool, pool.down, bucket, words))
        return new DiagnosticsReport({ id, sdk }, (yield* Effect.forEach(cluster.nodes, of)).flat())
      })
  }
}
