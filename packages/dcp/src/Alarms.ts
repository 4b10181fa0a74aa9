/**
 * What an operator has to hear of a consumer's vbuckets: rollbacks, and applications that do not come to an end with what they were given, so that the
 * checkpoint stands still. Many at a time are one line.
 */
import * as Effect from "effect/Effect"
import type { StalledVbucket } from "./ChangesOptions.ts"
import type { RollbackNotice } from "./VbucketFollower.ts"
import type { VbucketStream } from "./VbucketStream.ts"

interface Head {
  readonly owed: string
  readonly seqno: bigint
  readonly what: StalledVbucket["what"]
  readonly since: number
  told: boolean
}

/** Vbuckets that a line names. */
const named = 5
/** Milliseconds between two looks. */
const pace = 1_000

/** Watches all vbuckets of a consumer. */
export class Alarms {
  /** Rollbacks so far. */
  rollbacks = 0
  private readonly limit: number
  private heads = new Map<number, Head>()
  private now = 0
  private untold: Array<readonly [number, RollbackNotice]> = []

  /** @param limit milliseconds that an event may be processed */
  constructor(limit: number) {
    this.limit = limit
  }

  /** Vbuckets whose application has not come to an end within the limit. */
  get stalled(): ReadonlyArray<StalledVbucket> {
    return [...this.heads].flatMap(([vbucket, { seqno, since, told, what }]) =>
      told ? [{ vbucket, seqno, what, milliseconds: this.now - since }] : []
    )
  }

  rolledBack(vbucket: number, rollback: RollbackNotice): void {
    this.rollbacks++
    this.untold.push([vbucket, rollback])
  }

  /** Looks at all vbuckets; returns the lines that are to be said. */
  look(streams: ReadonlyMap<number, VbucketStream>, now: number): ReadonlyArray<string> {
    this.now = now
    const heads = new Map<number, Head>()
    const late: Array<string> = []
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
      late.push(`vbucket ${vbucket} (${what} ${what === "change" ? "at" : "to"} seqno ${seqno})`)
    }
    this.heads = heads
    const undone = this.untold.map(([vbucket, { from, reason, to }]) => `vbucket ${vbucket} from ${from} to ${to} (${reason})`)
    this.untold = []
    return [
      ...undone.length === 0 ? [] : [`rolled back ${listed(undone)}`],
      ...late.length === 0 ? [] : [`not processed after ${this.limit} ms: ${listed(late)}; the checkpoint stands still until it is`]
    ]
  }

  /** Looks again and again, and logs what there is to say. */
  watch(streams: ReadonlyMap<number, VbucketStream>): Effect.Effect<never> {
    const look = Effect.flatMap(
      Effect.clockWith((clock) => clock.currentTimeMillis),
      (now) => Effect.forEach(this.look(streams, now), (line) => Effect.logWarning(line), { discard: true })
    )
    return Effect.forever(Effect.andThen(Effect.sleep(Math.max(10, Math.min(pace, this.limit / 4))), look))
  }
}

const listed = (all: ReadonlyArray<string>): string =>
  `${all.slice(0, named).join(", ")}${all.length > named ? ` and ${all.length - named} more` : ""}`
