/**
 * Where the vbuckets of a bucket are, asked of its nodes without following it: their highest seqnos, and checkpoints that say that everything up to
 * a seqno was processed. For tools beside a consumer.
 */
import type { ConnectionError } from "@wirewright/connection"
import type { Cluster, KvConnection, NodePool, OpenError } from "@wirewright/couchbase/node"
import { encodeGetAllVbSeqnos, encodeGetFailoverLog, type Response } from "@wirewright/couchbase/gen"
import { RequestedVBState } from "@wirewright/couchbase/gen/Types"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Checkpoint, checkpointAt, emptyCheckpoint } from "./Checkpoint.ts"
import type { Checkpoints } from "./CheckpointFormat.ts"
import { DcpOptionsError } from "./DcpError.ts"

/** What the nodes say of their vbuckets. */
export interface HighSeqnos {
  /** By vbucket, of all that were found. */
  readonly seqnos: ReadonlyMap<number, bigint>
  /** All vbuckets of the bucket, in order; those without a seqno are on nodes that were not reached, or have no node just now. */
  readonly vbuckets: ReadonlyArray<number>
  /** Nodes that did not answer, by `host:port`, and why. */
  readonly missing: ReadonlyMap<string, string>
}

const ask = (
  pool: NodePool,
  write: Parameters<KvConnection["packets"]["request"]>[0],
  timeout: Duration.Duration
): Effect.Effect<Response, ConnectionError | OpenError> =>
  Effect.flatMap(
    pool.connect,
    ({ packets }) =>
      Effect.catchTag(packets.request(write, { timeout: Duration.toMillis(timeout) }), "EncodeError", (error) => Effect.die(error))
  )

/**
 * The highest seqnos of all vbuckets. A node that does not answer within `timeout` is missing, and does not fail the others.
 */
export const highSeqnos = (cluster: Cluster, timeout: Duration.Input = "5 seconds"): Effect.Effect<HighSeqnos> =>
  Effect.gen(function*() {
    const limit = Duration.fromInputUnsafe(timeout)
    const missing = new Map<string, string>()
    const seqnos = new Map<number, bigint>()
    const one = (pool: NodePool): Effect.Effect<void> =>
      ask(pool, (writer, opaque) => encodeGetAllVbSeqnos(writer, { opaque, state: RequestedVBState.Active }), limit).pipe(
        Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.fail({ message: `no answer within ${Duration.format(limit)}` }) }),
        Effect.match({
          onFailure: ({ message }) => void missing.set(pool.address, message),
          onSuccess: (answer) => {
            if (answer._tag !== "GetAllVbSeqnosResponse") missing.set(pool.address, `refused with status 0x${answer.status.toString(16)}`)
            else for (const { seqno, vbucket } of answer.seqnos) seqnos.set(vbucket, seqno)
          }
        })
      )
    yield* Effect.forEach(cluster.nodes, one, { concurrency: "unbounded", discard: true })
    const count = cluster.map?.vbuckets.length ?? 0
    const vbuckets = count > 0 ? Array.from({ length: count }, (_, vbucket) => vbucket) : [...seqnos.keys()].sort((a, b) => a - b)
    return { seqnos, vbuckets, missing }
  })

/**
 * Checkpoints that say that everything up to these seqnos was processed. They name the branch that the server has there now, so whoever goes on
 * from them is only rolled back by what happens later.
 */
export const checkpointsAt = (
  cluster: Cluster,
  seqnos: ReadonlyMap<number, bigint>,
  timeout: Duration.Input = "5 seconds"
): Effect.Effect<Checkpoints, ConnectionError | OpenError | DcpOptionsError> =>
  Effect.gen(function*() {
    const limit = Duration.fromInputUnsafe(timeout)
    const one = ([vbucket, seqno]: readonly [number, bigint]) =>
      Effect.gen(function*() {
        if (seqno === 0n) return [vbucket, emptyCheckpoint] as const
        const pool = cluster.poolOf(vbucket)
        if (pool === undefined) return yield* new DcpOptionsError({ message: `no node has vbucket ${vbucket} just now` })
        const answer = yield* ask(pool, (writer, opaque) => encodeGetFailoverLog(writer, { opaque, vbucket }), limit)
        const found: Checkpoint | undefined = answer._tag === "GetFailoverLogResponse" ? checkpointAt(answer.failoverLog, seqno) : undefined
        if (found === undefined) {
          return yield* new DcpOptionsError({ message: `vbucket ${vbucket}: the server has no branch for seqno ${seqno}` })
        }
        return [vbucket, found] as const
      })
    return new Map(yield* Effect.forEach(seqnos, one, { concurrency: 64 }))
  })
