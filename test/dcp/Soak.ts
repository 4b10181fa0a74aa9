/**
 * A day of virtual time: slices of a bucket of which most vbuckets are empty go from one consumer to the next, whole or killed; connections break;
 * and losses are planted, each in a vbucket of its own. What is reported as lost must be what was lost.
 */
import { type CheckpointGroup, CheckpointStore, type CheckpointStoreShape, Dcp, type DcpEvent } from "@wirewright/dcp"
import { Application } from "./StackParts.ts"
import { type Pair, pair, random, runVirtual } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** How much of it there is. */
export interface SoakOptions {
  readonly seed: number
  readonly hours: number
  readonly vbuckets: number
  /** Vbuckets that stay empty. */
  readonly empty: number
  readonly slices: number
  readonly handOvers: number
  readonly losses: number
}

/** The size of the line. */
export const wholeDay: SoakOptions = { seed: 1, hours: 24, vbuckets: 1_024, empty: 900, slices: 16, handOvers: 1_000, losses: 100 }

/** How changes are lost that the application has. */
const lossKinds = [
  "a failover while the vbucket is streamed",
  "a failover and a cut connection",
  "a failover between two consumers",
  "a failover after kill -9",
  /** At 0 no producer asks anybody to go back: delivered, killed before the first commit, removed, purged. */
  "a purge after kill -9 before the first commit",
  "a purge beyond the checkpoint"
] as const
/** One of the ways. */
export type LossKind = typeof lossKinds[number]

/** What came of it. */
export interface SoakOutcome {
  /** Vbuckets with a planted loss, by its kind. */
  readonly planted: ReadonlyMap<number, LossKind>
  /** Rollbacks that were reported, by vbucket. */
  readonly reported: ReadonlyMap<number, ReadonlyArray<string>>
  /** Everything else that is wrong. */
  readonly faults: ReadonlyArray<string>
  readonly counts: ReadonlyMap<string, number>
}

interface Owner {
  readonly slice: number
  alive: boolean
  readonly scope: Scope.Closeable
  disconnects: () => number
}

const commitInterval = 10_000

class Soak {
  readonly planted = new Map<number, LossKind>()
  readonly reported = new Map<number, Array<string>>()
  readonly faults: Array<string> = []
  readonly counts = new Map<string, number>()
  private readonly options: SoakOptions
  private readonly both: Pair
  private readonly below: (limit: number) => number
  private readonly store = CheckpointStore.memory()
  private readonly application = new Application()
  private readonly owners: Array<Owner | undefined> = []
  /** Vbuckets that have documents from the beginning; and such as get their first one by a loss that needs that. */
  private readonly filled: ReadonlyArray<number>
  private readonly fresh: ReadonlyArray<number>
  private written = 0

  constructor(options: SoakOptions, both: Pair) {
    const { empty, losses, seed, vbuckets } = options
    this.options = options
    this.both = both
    this.below = random(seed)
    const used = Array.from({ length: vbuckets - empty }, (_, i) => Math.floor(i * vbuckets / (vbuckets - empty)))
    const kinds = Array.from({ length: losses }, (_, i) => lossKinds[i % lossKinds.length]!)
    const fresh = kinds.filter((kind) => kind === "a purge after kill -9 before the first commit").length
    this.fresh = used.filter((_, i) => i % 5 === 2).slice(0, fresh)
    this.filled = used.filter((vbucket) => !this.fresh.includes(vbucket))
    if (this.fresh.length < fresh || this.filled.length < losses - fresh) throw new RangeError("there are too few vbuckets with documents")
  }

  private count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }

  private sliceOf(vbucket: number): number {
    return Math.floor(vbucket * this.options.slices / this.options.vbuckets)
  }

  readonly run = Effect.gen({ self: this }, function*(this: Soak) {
    const { handOvers, hours, losses, slices } = this.options
    const { bucket, link } = this.both
    for (const vbucket of this.filled) for (let i = 0; i < 5; i++) this.write(vbucket)
    for (let slice = 0; slice < slices; slice++) yield* this.begin(slice)
    yield* Effect.sleep(3 * commitInterval)
    const slot = hours * 3_600_000 / handOvers
    const every = (n: number, i: number, at: number): boolean => {
      const period = Math.max(1, Math.round(handOvers / n))
      return i % period === at % period
    }
    const start = Date.now()
    const fresh = [...this.fresh]
    const targets = [...this.filled]
    let lossesLeft = losses
    for (let i = 0; i < handOvers; i++) {
      yield* Effect.sleep(Math.max(0, start + i * slot - Date.now()))
      for (let n = this.below(4); n > 0; n--) this.write(this.filled[this.below(this.filled.length)]!)
      if (every(25, i, 3)) {
        this.count("cut")
        link.cut()
      }
      if (every(10, i, 7)) {
        this.count("half-open link")
        link.freeze()
        yield* Effect.sleep("50 seconds")
      }
      if (every(20, i, 2)) {
        yield* Effect.sleep(3 * commitInterval)
        this.count("failover without loss")
        bucket.failOver(this.filled[this.below(this.filled.length)]!, 0)
        // whoever is killed before it has seen the new branch may have had more of the old one, for all that the next one can know
        yield* Effect.sleep(3 * commitInterval)
      }
      if (every(20, i, 9)) {
        const vbucket = this.filled[this.below(this.filled.length)]!
        this.count("failover without loss between two consumers")
        yield* this.end(this.owners[this.sliceOf(vbucket)]!, false)
        bucket.failOver(vbucket, 0)
        yield* this.begin(this.sliceOf(vbucket))
        yield* Effect.sleep(3 * commitInterval)
      }
      if (every(4, i, 1)) {
        for (let slice = 0; slice < slices; slice++) {
          this.count("restart")
          yield* this.end(this.owners[slice]!, slice % 2 === 0)
          yield* this.begin(slice)
        }
      }
      while (lossesLeft > 0 && (losses - lossesLeft) * handOvers <= i * losses) {
        const kind = lossKinds[(losses - lossesLeft--) % lossKinds.length]!
        const isFresh = kind === "a purge after kill -9 before the first commit"
        yield* this.lose((isFresh ? fresh : targets).shift()!, kind)
      }
      this.count("hand-over")
      yield* this.end(this.owners[i % slices]!, this.below(2) === 0)
      yield* this.begin(i % slices)
    }
    yield* Effect.sleep(Math.max(60_000, start + hours * 3_600_000 - Date.now()))
    for (const owner of this.owners) yield* this.end(owner!, false)
    this.compare()
  })

  /** Loses something of a vbucket that the application has. */
  private readonly lose = Effect.fnUntraced({ self: this }, function*(this: Soak, vbucket: number, kind: LossKind) {
    const { bucket, link } = this.both
    this.planted.set(vbucket, kind)
    const slice = this.sliceOf(vbucket)
    const owner = this.owners[slice]!
    const failOver = (): void => {
      if (bucket.failOver(vbucket, 1) !== 1) this.faults.push(`vbucket ${vbucket}: nothing was lost by ${kind}`)
    }
    const key = this.write(vbucket)
    switch (kind) {
      case "a failover while the vbucket is streamed":
      case "a failover and a cut connection":
        yield* Effect.sleep(3 * commitInterval)
        failOver()
        if (kind === "a failover and a cut connection") link.cut()
        break
      case "a failover between two consumers":
      case "a failover after kill -9":
        yield* Effect.sleep(3 * commitInterval)
        yield* this.end(owner, kind === "a failover after kill -9")
        failOver()
        yield* this.begin(slice)
        break
      case "a purge after kill -9 before the first commit":
        while (!this.application.image(vbucket).has(key)) yield* Effect.sleep(1)
        yield* this.end(owner, true)
        bucket.store.remove(bucket.store.space(vbucket), key)
        bucket.purge(vbucket, bucket.highSeqno(vbucket))
        yield* this.begin(slice)
        break
      case "a purge beyond the checkpoint":
        yield* Effect.sleep(3 * commitInterval)
        yield* this.end(owner, false)
        bucket.store.remove(bucket.store.space(vbucket), key)
        this.write(vbucket)
        bucket.purge(vbucket, bucket.highSeqno(vbucket))
        yield* this.begin(slice)
    }
    yield* Effect.sleep(3 * commitInterval)
  })

  private write(vbucket: number): string {
    const { store } = this.both.bucket
    const key = `k${this.written % 50}`
    store.set(store.space(vbucket), key, { value: Buffer.from(`v${this.written++}`) })
    return key
  }

  private end(owner: Owner, killed: boolean): Effect.Effect<void, never, Scope.Scope> {
    return Effect.suspend(() => {
      this.count(killed ? "kill -9" : "graceful end")
      for (let lost = owner.disconnects(); lost > 0; lost--) this.count("reconnect")
      if (!killed) return Scope.close(owner.scope, Exit.void)
      owner.alive = false
      return Effect.asVoid(Effect.forkScoped(Scope.close(owner.scope, Exit.void)))
    })
  }

  private begin(slice: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const owner: Owner = { slice, alive: true, scope: Scope.makeUnsafe(), disconnects: () => 0 }
      this.owners[slice] = owner
      const persistent = Effect.retry(this.consume(owner), { while: (error) => error._tag === "ConnectionError", times: 1_000 })
      const watched = Effect.onExit(persistent, (exit) =>
        Effect.sync(() => {
          if (!owner.alive || !Exit.isFailure(exit) || Exit.hasInterrupts(exit)) return
          this.faults.push(`the consumer of slice ${slice} failed: ${String(exit.cause)}`)
        }))
      return Effect.asVoid(Scope.provide(Effect.forkScoped(watched), owner.scope))
    })
  }

  private consume(owner: Owner) {
    const { slices, vbuckets } = this.options
    const mine = Array.from({ length: vbuckets }, (_, vbucket) => vbucket).filter((vbucket) => this.sliceOf(vbucket) === owner.slice)
    return Effect.scoped(Effect.gen({ self: this }, function*(this: Soak) {
      const handle = (event: DcpEvent) => Effect.suspend(() => owner.alive ? Effect.sync(() => this.handle(event)) : Effect.never)
      const { consumer, events } = yield* Dcp.run({
        group: `slice ${owner.slice}`,
        vbuckets: mine,
        commitInterval,
        noopInterval: "20 seconds",
        connectBudget: { burst: 10 * slices, perSecond: slices }
      }, { change: handle, rollback: handle })
      owner.disconnects = () => consumer.status.disconnects
      yield* Stream.runDrain(events)
    })).pipe(Effect.provideService(CheckpointStore, this.storeOf(owner)), Effect.provide(this.both.layer))
  }

  /** What a killed consumer saves is not saved. */
  private storeOf(owner: Owner): CheckpointStoreShape {
    const group = (kept: CheckpointGroup): CheckpointGroup => ({
      ...kept,
      save: (checkpoints) => Effect.suspend(() => owner.alive ? kept.save(checkpoints) : Effect.void)
    })
    return { open: (name) => Effect.map(this.store.open(name), group) }
  }

  private handle(event: DcpEvent): void {
    this.application.handle(event)
    if (event._tag !== "Rollback") return this.count("change")
    const { from, reason, to, vbucket } = event
    this.reported.set(vbucket, [...this.reported.get(vbucket) ?? [], `${from} → ${to} (${reason})`])
  }

  private compare(): void {
    for (const { history, id } of this.both.bucket.allVbuckets) {
      const difference = this.application.difference(id, history)
      if (difference !== undefined) this.faults.push(difference)
    }
  }
}

/** Lets it pass. */
export const soak = async (options: SoakOptions): Promise<SoakOutcome> => {
  const program = Effect.scoped(Effect.gen(function*() {
    const both = yield* pair({ vbuckets: options.vbuckets })
    const made = new Soak(options, both)
    yield* made.run
    return made
  })).pipe(Effect.provide(Logger.layer([])))
  const { counts, faults, planted, reported } = await runVirtual(program, { seed: options.seed, limit: "10 days" })
  return { counts, faults, planted, reported }
}

/** What is wrong with an outcome: losses that were not reported, or more than once; rollbacks without a loss; data that differ. */
export const soakProblems = ({ faults, planted, reported }: SoakOutcome): ReadonlyArray<string> => [
  ...[...planted].flatMap(([vbucket, kind]) => {
    const reports = reported.get(vbucket) ?? []
    return reports.length === 1 ? [] : [`vbucket ${vbucket}, ${kind}: reported ${reports.length} times (${reports.join(", ")})`]
  }),
  ...[...reported].flatMap(([vbucket, reports]) =>
    planted.has(vbucket) ? [] : [`vbucket ${vbucket}: nothing was lost, and reported: ${reports.join(", ")}`]
  ),
  ...faults
]
