/**
 * What an operator has to hear of a consumer's vbuckets: rollbacks, and applications that do not come to an end with what they were given, so that the
 * checkpoint stands still. Many at a time are one line.
 */
import * as Effect from "effect/Effect"
import type { StalledVbucket } from "./ChangesOptions.ts"
import type { RollbackNotice, VbucketFollower } from "./VbucketFollower.ts"
import type { VbucketStream } from "./VbucketStream.ts"

interface Head {
  readonly owed: string
  readonly seqno: bigint
  readonly what: StalledVbucket["what"]
  readonly since: number
  told: boolean
}

/** Something to be said. */
export interface AlarmLine {
  readonly level: "warning" | "info"
  readonly text: string
  /** How many it is about. */
  readonly vbuckets: number
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
  private branches: Array<string> = []
  private moves = new Map<string, Array<number>>()

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

  /** Milliseconds that the oldest change has been processed for, as of the last look. */
  get oldest(): number {
    let since = this.now
    for (const head of this.heads.values()) if (head.what === "change" && head.since < since) since = head.since
    return this.now - since
  }

  rolledBack(vbucket: number, rollback: RollbackNotice): void {
    this.rollbacks++
    this.untold.push([vbucket, rollback])
  }

  /** A vbucket goes on on another branch of its history, which is that of its new active node. */
  branched(vbucket: number, from: bigint, to: bigint): void {
    this.branches.push(`vbucket ${vbucket} from ${from.toString(16)} to ${to.toString(16)}`)
  }

  /** A vbucket is streamed from another node: it moved in a rebalance, or a replica took its place. */
  moved(vbucket: number, from: string, to: string): void {
    const way = `from ${from} to ${to}`
    this.moves.set(way, [...this.moves.get(way) ?? [], vbucket])
  }

  /** Looks at all vbuckets; returns the lines that are to be said. */
  look(streams: ReadonlyMap<number, VbucketStream>, now: number): ReadonlyArray<AlarmLine> {
    this.now = now
    const heads = new Map<number, Head>()
    const late: Array<string> = []
    for (const [vbucket, { follower }] of streams) {
      const owes = owedBy(follower)
      if (owes === undefined) continue
      const before = this.heads.get(vbucket)
      const head = before?.owed === owes.owed ? before : { ...owes, since: now, told: false }
      heads.set(vbucket, head)
      if (head.told || now - head.since < this.limit) continue
      head.told = true
      late.push(`vbucket ${vbucket} (${says[head.what]} seqno ${head.seqno})`)
    }
    // those that were said to stand still
    const again = [...this.heads].filter(([vbucket, { owed, told }]) => told && heads.get(vbucket)?.owed !== owed).map(([vbucket]) =>
      vbucket
    )
    this.heads = heads
    const undone = this.untold.map(([vbucket, { from, reason, to }]) => `vbucket ${vbucket} from ${from} to ${to} (${reason})`)
    const moved = [...this.moves].map(([way, vbuckets]) => toldOf(vbuckets, `moved ${way}`))
    const { branches } = this
    this.moves = new Map()
    this.untold = []
    this.branches = []
    return [
      ...moved,
      lineOf("warning", "rolled back ", undone),
      lineOf("info", "on another branch: ", branches),
      lineOf("warning", `no progress within ${this.limit} ms: `, late),
      ...again.length === 0 ? [] : [toldOf(again, again.length === 1 ? "gets on again" : "get on again")]
    ].filter((line) => line.vbuckets > 0)
  }

  /** Looks again and again, and logs what there is to say. */
  watch(streams: ReadonlyMap<number, VbucketStream>): Effect.Effect<never> {
    const look = Effect.flatMap(
      Effect.clockWith((clock) => clock.currentTimeMillis),
      (now) => Effect.forEach(this.look(streams, now), say, { discard: true })
    )
    return Effect.forever(Effect.andThen(Effect.sleep(Math.max(10, Math.min(pace, this.limit / 4))), look))
  }
}

const toldOf = (vbuckets: ReadonlyArray<number>, what: string): AlarmLine => ({
  level: "info",
  text: `${vbuckets.length} vbucket${vbuckets.length === 1 ? "" : "s"} ${what}: ${listed(vbuckets.map(String))}`,
  vbuckets: vbuckets.length
})

const lineOf = (level: AlarmLine["level"], what: string, all: ReadonlyArray<string>): AlarmLine => ({
  level,
  text: `${what}${listed(all)}`,
  vbuckets: all.length
})

const say = ({ level, text, vbuckets }: AlarmLine): Effect.Effect<void> =>
  Effect.annotateLogs(level === "warning" ? Effect.logWarning(text) : Effect.logInfo(text), { vbuckets })

const says: { readonly [What in StalledVbucket["what"]]: string } = {
  change: "processing the change at",
  rollback: "undoing everything after",
  stream: "no stream from"
}

/** What a vbucket waits for. */
const owedBy = ({ action, checkpoint, open, progress: { oldest } }: VbucketFollower): Pick<Head, "owed" | "seqno" | "what"> | undefined => {
  if (action._tag === "Undo") {
    return { owed: `rollback ${action.rollback.from} ${action.rollback.to}`, seqno: action.rollback.to, what: "rollback" }
  }
  if (oldest !== undefined) return { owed: `change ${oldest.number}`, seqno: oldest.seqno, what: "change" }
  if (open || action._tag === "Finished" || action._tag === "Failed") return undefined
  return { owed: "stream", seqno: checkpoint.position.seqno, what: "stream" }
}

const listed = (all: ReadonlyArray<string>): string =>
  `${all.slice(0, named).join(", ")}${all.length > named ? ` and ${all.length - named} more` : ""}`
