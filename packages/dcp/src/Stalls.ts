/** Watches for vbuckets whose application does not come to an end with what it was given: the checkpoint stands still, and everything after it waits. */
import * as Effect from "effect/Effect"
import type { StalledVbucket } from "./ChangesOptions.ts"
import type { VbucketStream } from "./VbucketStream.ts"

interface Head {
  readonly owed: string
  readonly seqno: bigint
  readonly what: StalledVbucket["what"]
  readonly since: number
  told: boolean
}

/** The first thing that each vbucket's application owes, and since when. */
export class Stalls {
  private readonly limit: number
  private heads = new Map<number, Head>()
  private now = 0

  /** @param limit milliseconds after which something is said */
  constructor(limit: number) {
    this.limit = limit
  }

  get stalled(): ReadonlyArray<StalledVbucket> {
    return [...this.heads].flatMap(([vbucket, { seqno, since, told, what }]) =>
      told ? [{ vbucket, seqno, what, milliseconds: this.now - since }] : []
    )
  }

  /** Looks at all vbuckets; returns those that have waited too long since the last look. */
  look(streams: ReadonlyMap<number, VbucketStream>, now: number): ReadonlyArray<StalledVbucket> {
    this.now = now
    const heads = new Map<number, Head>()
    const late: Array<StalledVbucket> = []
    for (const [vbucket, { follower: { action, progress } }] of streams) {
      const { oldest } = progress
      const [owed, seqno, what] = action._tag === "Undo"
        ? [`rollback ${action.rollback.from} ${action.rollback.to}`, action.rollback.to, "rollback" as const]
        : [`change ${oldest?.ordinal}`, oldest?.seqno, "change" as const]
      if (seqno === undefined) continue
      const before = this.heads.get(vbucket)
      const head = before?.owed === owed ? before : { owed, seqno, what, since: now, told: false }
      heads.set(vbucket, head)
      if (head.told || now - head.since < this.limit) continue
      head.told = true
      late.push({ vbucket, seqno, what, milliseconds: now - head.since })
    }
    this.heads = heads
    return late
  }

  /** Looks again and again, and logs what it finds. */
  watch(streams: ReadonlyMap<number, VbucketStream>): Effect.Effect<never> {
    const look = Effect.flatMap(
      Effect.clockWith((clock) => clock.currentTimeMillis),
      (now) =>
        Effect.forEach(this.look(streams, now), ({ milliseconds, seqno, vbucket, what }) =>
          Effect.logWarning(
            `vbucket ${vbucket}: the ${what} ${
              what === "change" ? "at" : "to"
            } seqno ${seqno} has been processed for ${milliseconds} ms and is not done`
          )
            .pipe(Effect.annotateLogs({ vbucket, seqno, what, milliseconds })), { discard: true })
    )
    return Effect.forever(Effect.andThen(look, Effect.sleep(Math.max(10, Math.min(5_000, this.limit / 4)))))
  }
}
