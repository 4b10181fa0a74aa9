/** How far vbuckets are behind what there is: their high seqnos as nodes told them last, and what was processed. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { lagBetween, type VbucketLag } from "./ConsumerTelemetry.ts"
import type { DcpConnection } from "./DcpConnection.ts"
import type { VbucketStream } from "./VbucketStream.ts"

/** The lag of a consumer's vbuckets. */
export class Lag {
  private readonly streams: ReadonlyMap<number, VbucketStream>
  private readonly highs = new Map<number, bigint>()

  constructor(streams: ReadonlyMap<number, VbucketStream>) {
    this.streams = streams
  }

  /** Nodes have told these high seqnos. They may be lower than before: after a failover that lost something. */
  learn(highs: ReadonlyMap<number, bigint>): void {
    for (const [vbucket, high] of highs) if (this.streams.has(vbucket)) this.highs.set(vbucket, high)
  }

  /** One vbucket; of one that there is not, nothing is behind. */
  of(vbucket: number): VbucketLag {
    const stream = this.streams.get(vbucket)
    const seqno = stream?.follower.checkpoint.position.seqno ?? 0n
    const delivered = stream?.follower.progress.newest ?? 0n
    const told = this.highs.get(vbucket) ?? 0n
    return { vbucket, seqno, highSeqno: told > delivered ? told : delivered > seqno ? delivered : seqno }
  }

  get all(): Iterable<VbucketLag> {
    return [...this.streams.keys()].map((vbucket) => this.of(vbucket))
  }

  /** Of all vbuckets together. */
  get total(): number {
    let sum = 0
    for (const vbucket of this.streams.keys()) sum += lagBetween(this.of(vbucket))
    return sum
  }
}

type Asked = Pick<DcpConnection, "allSeqnos">

/** Asks nodes for their high seqnos again and again, once for all consumers that share the connections. */
export class LagPoll {
  private readonly lags = new Map<Lag, () => ReadonlyArray<Asked>>()

  /** Tells a consumer what the nodes that it is connected to say, in the present scope. */
  tell(lag: Lag, connections: () => ReadonlyArray<Asked>): Effect.Effect<void, never, Scope.Scope> {
    return Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => this.lags.set(lag, connections)),
      () => Effect.sync(() => this.lags.delete(lag))
    ))
  }

  /** One that has not answered is not asked again, and does not hold up the others. 0: nobody is asked. */
  run(interval: number): Effect.Effect<void> {
    if (interval === 0) return Effect.void
    const asked = new Set<Asked>()
    const learn = (highs: ReadonlyMap<number, bigint>): void => {
      for (const lag of this.lags.keys()) lag.learn(highs)
    }
    const ask = (connection: Asked): Effect.Effect<unknown> => {
      asked.add(connection)
      const answered = Effect.ignore(Effect.map(connection.allSeqnos(undefined, { patient: true }), learn))
      return Effect.forkChild(Effect.onExit(answered, () => Effect.sync(() => void asked.delete(connection))))
    }
    return Effect.forever(Effect.andThen(
      Effect.sleep(interval),
      Effect.suspend(() => {
        const all = new Set([...this.lags.values()].flatMap((connections) => connections()))
        return Effect.forEach([...all].filter((one) => !asked.has(one)), ask, { discard: true })
      })
    ))
  }
}
