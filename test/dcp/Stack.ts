/**
 * The whole-stack simulation: an embedded node, links that fail, and consumers of slices with a store and an application that outlive them, by a
 * schedule from a seed, in virtual time. In the end the application has what the node has. The same seed gives the same trace.
 */
import { type CheckpointGroup, CheckpointStore, type CheckpointStoreShape, Dcp, type DcpConsumer, type DcpEvent } from "@wirewright/dcp"
import { OnTransition } from "../../packages/dcp/src/DcpConsumer.ts"
import {
  DcpStreamEndStatus,
  type DcpStreamRequest,
  encodeDcpStreamEnd,
  encodeDcpStreamRequestResponse,
  encodeDcpStreamRequestRollback,
  Status
} from "@wirewright/dcp/gen"
import { admit } from "@wirewright/dcp/producer"
import { writeChange, writeMarker } from "../../packages/embedded/src/DcpItems.ts"
import type { NodeClient, NodeScript } from "@wirewright/embedded"
import { followTransitions } from "../../packages/dcp/src/VbucketFollower.ts"
import { type Pair, pair, runVirtual, shrink } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Application, packetsTo, Trace } from "./StackParts.ts"
import { type Ending, type EndReason, type Mistake, scheduleOf, type StackSchedule, type Step, type Trouble } from "./StackSchedule.ts"

/** What happens in schedules, and what comes of it. Over a thousand seeds each of them does. */
export const stackKinds = [
  "write",
  "removal",
  "checkpoint closed",
  "eviction",
  "purge",
  "failover without loss",
  "lossy failover",
  "failover to a branch below what is held",
  "cut",
  "half-open link",
  "reconnect",
  "move to another node",
  "stream ended by the node",
  "request not granted",
  "vbucket failed",
  "run to now",
  "graceful restart",
  "restart after kill -9",
  "overtaken restart",
  "graceful hand-over",
  "hand-over after kill -9",
  "overtaken hand-over",
  "fenced consumer",
  "rollback to 0",
  "partial rollback",
  "interrupted rollback",
  "checkpoint saved",
  "change delivered"
] as const
/** One of them. */
export type StackKind = typeof stackKinds[number]

/** The transitions of the follower, each of which happens too. */
export const transitions: ReadonlyArray<string> = Object.entries(followTransitions).flatMap(([from, all]) =>
  all.map((to) => `${from} → ${to}`)
)

/** What came of a schedule. */
export interface StackOutcome {
  /** What is wrong; undefined when all is well. */
  readonly wrong: string | undefined
  readonly trace: ReadonlyArray<string>
  readonly counts: ReadonlyMap<string, number>
}

/** A consumer of a slice. */
interface Owner {
  readonly slice: number
  readonly worker: number
  readonly to: "now" | "never"
  /** Until it is killed: from then on nothing that it does has an effect. */
  alive: boolean
  readonly scope: Scope.Closeable
  consumer: DcpConsumer | undefined
}

/** Longest virtual time until the application has what the node has, after everything has happened. */
const longestRecovery = 120_000

class Stack {
  readonly trace: Trace
  wrong: string | undefined
  private over = false
  /** Runs what is begun in callbacks, as the schedule runs. */
  private fork: ((program: Effect.Effect<void>) => unknown) | undefined
  private readonly schedule: StackSchedule
  private readonly both: Pair
  private readonly application = new Application()
  private readonly store = CheckpointStore.memory()
  /** Who may change the application's data of a slice: the newest, as with a fencing token. */
  private readonly owners: Array<Owner | undefined>
  /** Vbuckets with a reason to roll back: a failover, or tombstones that were purged. */
  private readonly disturbed = new Set<number>()
  /** What the next stream requests of a vbucket are answered with. */
  private readonly troubles = new Map<number, Array<Trouble>>()
  private written = 0

  constructor(schedule: StackSchedule, both: Pair, trace: Trace) {
    this.schedule = schedule
    this.both = both
    this.trace = trace
    this.owners = schedule.slices.map(() => undefined)
  }

  private count(kind: StackKind): void {
    this.trace.count(kind)
  }

  private fault(what: string): void {
    this.trace.line(`WRONG ${what}`)
    this.wrong ??= what
  }

  /** Plays all of it. */
  readonly play = Effect.gen({ self: this }, function*(this: Stack) {
    this.fork = Effect.runForkWith(yield* Effect.context())
    for (const slice of this.schedule.slices.keys()) yield* this.begin(slice, slice % 2)
    for (const step of this.schedule.steps) yield* this.happen(step)
    this.troubles.clear()
    const vbuckets = this.schedule.slices.flat()
    // who only takes what was there waits for a seqno that a failover may have lost: it comes again
    for (const vbucket of vbuckets) {
      const { store } = this.both.bucket
      for (let i = 0; i < 50; i++) store.set(store.space(vbucket), "last", { value: Buffer.from(`${i}`) })
    }
    for (let waited = 0; this.difference(vbuckets) !== undefined; waited += 50) {
      if (waited >= longestRecovery) break
      yield* Effect.sleep(50)
    }
    yield* Effect.sleep(1_000)
    this.over = true
    const difference = this.difference(vbuckets)
    if (difference !== undefined) this.fault(difference)
    for (const owner of this.owners) yield* this.end(owner!, "graceful")
    const after = this.difference(vbuckets)
    if (difference === undefined && after !== undefined) this.fault(`after the end: ${after}`)
  })

  private readonly happen = Effect.fnUntraced({ self: this }, function*(this: Stack, step: Step) {
    const { bucket, link } = this.both
    if (step.kind !== "pause") this.trace.line(JSON.stringify(step))
    switch (step.kind) {
      case "write":
        this.count("write")
        for (const key of step.keys) {
          bucket.store.set(bucket.store.space(step.vbucket), `k${key}`, { value: Buffer.from(`v${this.written++}`) })
        }
        return
      case "remove":
        if (typeof bucket.store.remove(bucket.store.space(step.vbucket), `k${step.key}`) !== "string") this.count("removal")
        return
      case "close checkpoint":
        this.count("checkpoint closed")
        return bucket.vbucket(step.vbucket)!.history.closeCheckpoint()
      case "evict":
        this.count("eviction")
        return bucket.vbucket(step.vbucket)!.history.evict()
      case "purge": {
        const { history } = bucket.vbucket(step.vbucket)!
        const before = history.purgeSeqno
        const upTo = history.highSeqno - BigInt(step.kept)
        bucket.purge(step.vbucket, upTo > 0n ? upTo : 0n)
        if (history.purgeSeqno === before) return
        this.disturbed.add(step.vbucket)
        return this.count("purge")
      }
      case "fail over": {
        const lost = bucket.failOver(step.vbucket, step.lost, undefined, step.unpersisted)
        if (step.unpersisted > 0) this.count("failover to a branch below what is held")
        this.disturbed.add(step.vbucket)
        this.count(lost > 0 ? "lossy failover" : "failover without loss")
        this.trace.line(
          `lost ${lost}, ${bucket.vbucket(step.vbucket)!.failoverLog.map((one) => `${one.vbucketUuid}@${one.seqno}`).join(" ")}`
        )
        if (step.cut) link.cut()
        return
      }
      case "cut":
        if (link.open > 0) this.count("cut")
        return link.cut()
      case "freeze":
        if (link.open > 0) this.count("half-open link")
        return link.freeze()
      case "move":
        if (bucket.vbucket(step.vbucket)!.node === step.node) return
        this.count("move to another node")
        return this.both.cluster.move("default", step.vbucket, step.node)
      case "trouble":
        this.troubles.set(step.vbucket, [...step.answers])
        return this.endStream(step.vbucket, "Slow")
      case "end stream":
        return this.endStream(step.vbucket, step.reason)
      case "run to now":
      case "restart":
      case "hand over": {
        const owner = this.owners[step.slice]!
        const { graceful, killed, overtaken } = step.kind === "hand over"
          ? { graceful: "graceful hand-over", killed: "hand-over after kill -9", overtaken: "overtaken hand-over" } as const
          : { graceful: "graceful restart", killed: "restart after kill -9", overtaken: "overtaken restart" } as const
        this.count({ graceful, killed, overtaken }[step.ending])
        const worker = step.kind === "hand over" ? 1 - owner.worker : owner.worker
        const to = step.kind === "run to now" ? "now" : "never"
        if (to === "now") this.count("run to now")
        if (step.ending === "overtaken") {
          yield* this.begin(step.slice, worker, to)
          // it finds out, or is told
          yield* Effect.forkScoped(Effect.andThen(Effect.sleep(300), this.end(owner, "graceful")))
          return
        }
        yield* this.end(owner, step.ending)
        return yield* this.begin(step.slice, worker, to)
      }
      case "pause":
        return yield* Effect.sleep(step.milliseconds)
    }
  })

  private endStream(vbucket: number, reason: EndReason): void {
    for (const { producers } of this.both.cluster.nodes) {
      for (const producer of producers.all) {
        const stream = producer.stream(vbucket, undefined)
        if (stream === undefined) continue
        this.count("stream ended by the node")
        producer.end(stream, DcpStreamEndStatus[reason])
      }
    }
  }

  /** The node, where it does not answer as it should. */
  readonly script: NodeScript = (connection, packet) => {
    if (packet._tag !== "DcpStreamRequest") return false
    const trouble = this.troubles.get(packet.vbucket)?.shift()
    if (trouble === undefined || trouble === "rollback by one" && packet.startSeqno === 0n) return false
    this.count("request not granted")
    this.trace.line(`vb ${packet.vbucket} is answered with ${trouble}`)
    switch (trouble) {
      case "one change":
        return this.oneChange(connection, packet)
      case "no failover log":
        connection.reply((writer) => encodeDcpStreamRequestResponse(writer, { ...connection.head(packet), failoverLog: [] }))
        return true
      case "rollback by one":
        this.disturbed.add(packet.vbucket)
        connection.reply((writer) =>
          encodeDcpStreamRequestRollback(writer, { ...connection.head(packet), rollbackSeqno: packet.startSeqno - 1n })
        )
        return true
      default:
        connection.failure(packet, Status[trouble])
        return true
    }
  }

  /** A stream that ends after its first change, where one may begin. */
  private oneChange(connection: NodeClient, packet: DcpStreamRequest): boolean {
    const { failoverLog, history } = this.both.bucket.vbucket(packet.vbucket)!
    const batch = history.next(packet.startSeqno, packet.snapStartSeqno)
    const producer = connection.dcp
    if (producer === undefined || batch === undefined || admit(packet, history)._tag !== "Accepted" || history.purgeSeqno > 0n) return false
    const { flags, settings: { compressed, expirations, markers } } = producer
    const { features: { collections } } = connection
    const view = { flags, compressed, expirations, markers, collections, visible: connection.visible.bind(connection) }
    const head = { opaque: packet.opaque, vbucket: packet.vbucket, framing: [] }
    connection.reply((writer) => {
      encodeDcpStreamRequestResponse(writer, { ...connection.head(packet), failoverLog })
      writeMarker(writer, head, { _tag: "Marker", ...batch, maxVisible: batch.end }, history.purgeSeqno, view)
      writeChange(writer, head, batch.items[0]!, view)
      encodeDcpStreamEnd(writer, { ...head, reason: DcpStreamEndStatus.Slow })
    })
    return true
  }

  /** Ends a consumer. A killed one is not waited for: whatever it still does is nobody's. */
  private end(owner: Owner, ending: Exclude<Ending, "overtaken">): Effect.Effect<void, never, Scope.Scope> {
    return Effect.suspend(() => {
      this.trace.line(`${ending} end of worker ${owner.worker}, slice ${owner.slice}`)
      for (let lost = owner.consumer?.status.disconnects ?? 0; lost > 0; lost--) this.count("reconnect")
      if (ending === "graceful") return Scope.close(owner.scope, Exit.void)
      owner.alive = false
      return Effect.asVoid(Effect.forkScoped(Scope.close(owner.scope, Exit.void)))
    })
  }

  /** A new consumer of a slice, which owns its data from now on. */
  private begin(slice: number, worker: number, to: Owner["to"] = "never"): Effect.Effect<void> {
    return Effect.suspend(() => {
      const owner: Owner = { slice, worker, to, alive: true, scope: Scope.makeUnsafe(), consumer: undefined }
      this.owners[slice] = owner
      this.trace.line(`worker ${worker} begins with slice ${slice}`)
      const program = this.consume(owner)
      // a connection that is cut before anything is known of the cluster is a failure, and is the application's to repeat
      const persistent = Effect.retry(program, { while: (error) => error._tag === "ConnectionError", times: 1_000 })
      const watched = Effect.onExit(persistent, (exit) =>
        Effect.sync(() => {
          const current = owner.alive && this.owners[slice] === owner
          if (Exit.isSuccess(exit)) {
            if (to === "never") return this.fault(`the consumer of slice ${slice} ended by itself`)
            if (current) this.succeed(owner)
            return
          }
          if (!owner.alive || Exit.hasInterrupts(exit)) return
          const text = String(exit.cause)
          this.trace.line(`worker ${worker} fails with slice ${slice}: ${text}`)
          if (this.owners[slice] !== owner && text.includes("has taken over")) return this.count("fenced consumer")
          // the application was told of the vbucket that failed
          if (text.includes("DcpStreamFailed")) return
          this.fault(`the consumer of slice ${slice} failed: ${text}`)
        }))
      return Effect.asVoid(Scope.provide(Effect.forkScoped(watched), owner.scope))
    })
  }

  /** The next consumer of a slice, which goes on where this one ended or could not. */
  private succeed(owner: Owner): void {
    this.fork!(Effect.scoped(Effect.gen({ self: this }, function*(this: Stack) {
      yield* Effect.sleep(20)
      if (this.owners[owner.slice] !== owner || this.over) return
      yield* this.end(owner, "graceful")
      if (this.owners[owner.slice] === owner) yield* this.begin(owner.slice, owner.worker)
    })))
  }

  private consume(owner: Owner) {
    const { schedule } = this
    return Effect.scoped(Effect.gen({ self: this }, function*(this: Stack) {
      const handle = (event: DcpEvent) => this.handle(owner, event)
      const { consumer, events } = yield* Dcp.run({
        group: `slice ${owner.slice}`,
        vbuckets: schedule.slices[owner.slice]!,
        window: schedule.window,
        commitInterval: schedule.commitInterval,
        concurrency: schedule.concurrency,
        settleTimeout: 200,
        noopInterval: "2 seconds",
        to: owner.to,
        onRollback: schedule.onRollback,
        connectBudget: { burst: 1_000, perSecond: 1_000 }
      }, { change: handle, rollback: handle, notice: handle })
      owner.consumer = consumer
      yield* Stream.runDrain(events)
    })).pipe(
      Effect.provideService(CheckpointStore, this.storeOf(owner)),
      Effect.provideService(OnTransition, (from, to) => {
        this.trace.count(`${from} → ${to}`)
        if (!followTransitions[from].includes(to)) this.fault(`a follower went from ${from} to ${to}`)
      }),
      Effect.provide(this.both.layer)
    )
  }

  /** The application: it takes its time, and what it does counts only of the consumer that owns the slice. */
  private handle(owner: Owner, event: DcpEvent): Effect.Effect<void> {
    const { handling, mistake, undoing } = this.schedule
    const time = event._tag === "Rollback" ? undoing : handling
    const done = Effect.suspend(() => {
      if (!owner.alive || this.owners[owner.slice] !== owner) return Effect.never
      this.tell(owner, event)
      if (mistake !== "does not undo" || event._tag !== "Rollback") this.application.handle(event)
      return Effect.void
    })
    if (mistake === "answers too early") return Effect.asVoid(Effect.forkDetach(Effect.andThen(Effect.sleep(20), done)))
    return time === 0 ? done : Effect.andThen(Effect.sleep(time), done)
  }

  private tell(owner: Owner, event: DcpEvent): void {
    const who = `worker ${owner.worker}, vb ${event.vbucket}:`
    switch (event._tag) {
      case "Mutation":
      case "Deletion":
      case "Expiration":
        this.count("change delivered")
        return this.trace.line(`${who} ${event._tag} ${event.key} ${event.seqno}`)
      case "Rollback":
        this.count(event.to > 0n ? "partial rollback" : "rollback to 0")
        if (event.reason === "Interrupted") this.count("interrupted rollback")
        this.trace.line(`${who} Rollback ${event.from} → ${event.to} (${event.requested}), ${event.reason}`)
        // what was delivered before anything was committed may have to be undone in any case: a producer asks nobody at 0 to go back
        if (!this.disturbed.has(event.vbucket) && (event.from > 0n || this.both.bucket.highSeqno(event.vbucket) === 0n)) {
          this.fault(`vbucket ${event.vbucket}: a rollback from ${event.from} to ${event.to} (${event.reason}) though nothing was lost`)
        }
        return
      case "VbucketEnded":
        this.trace.line(`${who} ended, ${event.failure?.message ?? "all is well"}`)
        if (event.failure === undefined) return
        this.count("vbucket failed")
        return this.succeed(owner)
      default:
        return this.trace.line(`${who} ${event._tag}`)
    }
  }

  /** The store as a consumer sees it: it takes its time, and what a killed one saves is not saved. */
  private storeOf(owner: Owner): CheckpointStoreShape {
    const { saving } = this.schedule
    const wait = saving === 0 ? Effect.void : Effect.sleep(saving)
    const group = (kept: CheckpointGroup): CheckpointGroup => ({
      ...kept,
      save: (checkpoints) =>
        Effect.andThen(
          wait,
          Effect.suspend(() => {
            if (!owner.alive) return Effect.void
            return Effect.tap(kept.save(checkpoints), () =>
              Effect.sync(() => {
                this.count("checkpoint saved")
                for (const [vbucket, { position, undo }] of checkpoints) {
                  this.trace.line(
                    `worker ${owner.worker}, vb ${vbucket}: saved ${position.vbucketUuid}@${position.seqno} [${position.snapshotStart},${position.snapshotEnd}]${
                      undo ? " undo" : ""
                    }`
                  )
                }
              }))
          })
        )
    })
    // who has lost the slice does not take it over again
    const open = (name: string) =>
      Effect.suspend(() => this.owners[owner.slice] === owner ? Effect.map(this.store.open(name), group) : Effect.never)
    return { open }
  }

  /** How the application's data differ from the node's; undefined when they do not. */
  private difference(vbuckets: ReadonlyArray<number>): string | undefined {
    for (const vbucket of vbuckets) {
      const difference = this.application.difference(vbucket, this.both.bucket.vbucket(vbucket)!.history)
      if (difference !== undefined) return difference
    }
    return undefined
  }
}

/** Plays a schedule in virtual time. */
export const playStack = async (schedule: StackSchedule): Promise<StackOutcome> => {
  let stack: Stack | undefined
  let trace: Trace | undefined
  const program = Effect.scoped(Effect.gen(function*() {
    const { chop, nodes, slices } = schedule
    const made = new Trace()
    trace = made
    const faults = chop === undefined ? {} : { toClient: { chop }, toServer: { chop } }
    const both = yield* pair({
      nodes,
      vbuckets: slices.flat().length,
      faults,
      tap: packetsTo(made),
      script: (connection, packet) => stack?.script(connection, packet) === true
    })
    stack = new Stack(schedule, both, made)
    yield* stack.play
  })).pipe(Effect.provide(Logger.layer([])))
  const failed = await runVirtual(program, { seed: schedule.seed, limit: "1 day" }).then(() => undefined, (error: unknown) => String(error))
  return { wrong: stack?.wrong ?? failed, trace: trace?.lines ?? [], counts: trace?.counts ?? new Map() }
}

/** Plays a seed. */
export const playSeed = (seed: number, mistake?: Mistake): Promise<StackOutcome> =>
  playStack({ ...scheduleOf(seed), ...mistake === undefined ? {} : { mistake } })

/** A schedule like this one that still goes wrong, and from which no step can be left out. */
export const smallest = async (schedule: StackSchedule): Promise<StackSchedule> => {
  const goesWrong = async (steps: ReadonlyArray<Step>): Promise<boolean> => (await playStack({ ...schedule, steps })).wrong !== undefined
  return { ...schedule, steps: await shrink(schedule.steps, goesWrong) }
}
