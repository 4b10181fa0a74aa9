/** How far vbuckets are behind what there is: their high seqnos as nodes told them last, and what was processed. */
import * as Effect from "effect/Effect"
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

  /** Asks the nodes again and again. One that has not answered is not asked again, and does not hold up the others. */
  poll(interval: number, connections: () => ReadonlyArray<Pick<DcpConnection, "allSeqnos">>): Effect.Effect<void> {
    if (interval === 0) return Effect.void
    const asked = new Set<Pick<DcpConnection, "allSeqnos">>()
    const ask = (connection: Pick<DcpConnection, "allSeqnos">): Effect.Effect<unknown> => {
      asked.add(connection)
      const answered = Effect.ignore(Effect.map(connection.allSeqnos(undefined, { patient: true }), (highs) => this.learn(highs)))
      return Effect.forkChild(Effect.onExit(answered, () => Effect.sync(() => void asked.delete(connection))))
    }
    return Effect.forever(Effect.andThen(
      Effect.sleep(interval),
      Effect.suspend(() => Effect.forEach(connections().filter((one) => !asked.has(one)), ask, { discard: true }))
    ))
  }
}
