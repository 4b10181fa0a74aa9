/**
 * A change stream of a bucket: one fibre for each vbucket, which asks for its stream, follows what comes of it, and asks again; the events of
 * all go to one outbox. A vbucket that fails does not stop the others.
 *
 * The rules are elsewhere: `StreamState` (what to ask for and what a rollback means), `StreamReactions` (what a status means), `DcpNodes` (where
 * to ask), `CheckpointWriter` (when what was processed is stored).
 */
import type { Cluster } from "@wirewright/couchbase/Cluster"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { type Checkpoint, completeAt, emptyCheckpoint } from "./Checkpoint.ts"
import type { Checkpoints } from "./CheckpointFormat.ts"
import type { CheckpointGroup } from "./CheckpointStore.ts"
import type { ChangesOptions, DcpStatus, From } from "./ChangesOptions.ts"
import { CheckpointWriter } from "./CheckpointWriter.ts"
import { backOff } from "./ConnectBudget.ts"
import type { DcpConnection } from "./DcpConnection.ts"
import { type DcpError, DcpOptionsError, DcpStreamFailed, TooManyUnsettled } from "./DcpError.ts"
import { CaughtUp, type DcpEvent, Rollback, type UndoReason, VbucketEnded } from "./DcpEvent.ts"
import { DcpNodes, type FatalConnectError, type NodeConnection } from "./DcpNodes.ts"
import { branchesAt, type FailoverLog } from "./FailoverLog.ts"
import type { DcpStreamRequestFields, Response } from "./gen/index.ts"
import { DcpStreamFlags } from "./gen/Types.ts"
import { Outbox } from "./Outbox.ts"
import { endless } from "./ProducerStream.ts"
import { filterText, type StreamFilter } from "./StreamFilter.ts"
import { type Reaction, reactionToEnd, reactionToStatus } from "./StreamReactions.ts"
import { contextOf, failed, words } from "./StreamFailures.ts"
import { StreamState, type StreamStep } from "./StreamState.ts"
import { type StreamOwner, VbucketStream } from "./VbucketStream.ts"

/** What a consumer needs of the world. */
export interface ConsumerWorld {
  readonly cluster: Cluster
  /** How connections begin; `ChangesOptions` says the rest. */
  readonly connection: Omit<ConstructorParameters<typeof DcpNodes>[0]["connection"], "negotiation">
  /** Where checkpoints are kept; without it nowhere. */
  readonly checkpoints: CheckpointGroup | undefined
  readonly unique: () => string
  readonly random: () => number
}

const longestRetry = 4_000
const longestSlowRetry = 60_000
/** Attempts after answers that cannot get better by themselves. */
const fewAttempts = 5

/** A change stream. */
export class DcpConsumer implements StreamOwner {
  readonly outbox = new Outbox<DcpEvent, DcpError>()
  readonly verbose: boolean
  private readonly options: ChangesOptions
  private readonly world: ConsumerWorld
  private readonly nodes: DcpNodes
  private readonly writer: CheckpointWriter | undefined
  private readonly streams = new Map<number, VbucketStream>()
  private filter: StreamFilter = {}
  private rollbacks = 0
  private events = 0
  private sinceCounted = 0
  private behind = 0
  private running = 0
  private failures: Array<DcpStreamFailed> = []

  private constructor(world: ConsumerWorld, options: ChangesOptions, scope: Scope.Scope) {
    this.world = world
    this.options = options
    this.verbose = options.verbose === true
    const { connectBudget, connectionName, noopInterval = "20 seconds", priority, window = 10 * 1024 * 1024, xattrs = false } = options
    this.nodes = new DcpNodes({
      cluster: world.cluster,
      group: options.group ?? "wirewright",
      fixedName: connectionName,
      unique: world.unique,
      random: world.random,
      burst: connectBudget?.burst ?? 10,
      perSecond: connectBudget?.perSecond ?? 2,
      connection: {
        ...world.connection,
        negotiation: {
          name: "",
          window,
          noopInterval: Duration.toMillis(noopInterval) / 1000,
          xattrs,
          values: options.values ?? "all",
          expirations: options.expirations ?? "distinct",
          streamIds: options.streamId !== undefined,
          outOfOrder: false,
          history: false,
          priority
        }
      }
    }, scope)
    this.writer = world.checkpoints === undefined
      ? undefined
      : new CheckpointWriter(world.checkpoints, Duration.toMillis(options.commitInterval ?? "1 second"))
  }

  /** Begins to stream; it ends with the scope, after what was settled is saved. */
  static readonly make = (world: ConsumerWorld, options: ChangesOptions): Effect.Effect<DcpConsumer, never, Scope.Scope> =>
    Effect.gen(function*() {
      const outer = yield* Effect.scope
      const consumer = new DcpConsumer(world, options, outer)
      const { writer } = consumer
      // what was settled until the very end is saved after the fibres have ended
      if (writer !== undefined) yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(writer.flush, "10 seconds")))
      const fail = (exit: Exit.Exit<unknown, DcpError>): Effect.Effect<void> =>
        Effect.sync(() => {
          if (Exit.isFailure(exit)) consumer.outbox.fail(exit.cause)
        })
      if (writer !== undefined) yield* Effect.forkScoped(Effect.onExit(writer.run, fail))
      yield* Effect.forkScoped(Effect.onExit(consumer.run, fail))
      return consumer
    })

  get status(): DcpStatus {
    const streams = [...this.streams.values()]
    return {
      vbuckets: streams.length,
      streaming: streams.filter(({ state }) => state.phase === "Streaming").length,
      ended: streams.length - this.running,
      events: this.events,
      unsettled: this.unsettled,
      waiting: this.outbox.size,
      rollbacks: this.rollbacks,
      connects: this.nodes.attempts,
      disconnects: this.nodes.lost,
      commits: this.writer?.saved ?? 0,
      failedCommits: this.writer?.failed ?? 0,
      connections: this.nodes.connections.map((connection) => ({ ...connection.counters, address: connection.address }))
    }
  }

  /** The checkpoints as they are, saved or not. */
  get checkpoints(): Checkpoints {
    return new Map([...this.streams].map(([vbucket, { state }]) => [vbucket, state.progress.checkpoint] as const))
  }

  /** Saves what was settled. */
  readonly flush: Effect.Effect<void, DcpError> = Effect.suspend(() => this.writer?.flush ?? Effect.void)

  changed(stream: VbucketStream): void {
    this.writer?.touch(stream.vbucket, stream.current)
  }

  delivered(): void {
    this.events++
    const limit = this.options.maxUnsettled ?? 1_000_000
    if (++this.sinceCounted < limit) return
    this.sinceCounted = this.unsettled
    if (this.sinceCounted >= limit) this.outbox.fail(Cause.fail(new TooManyUnsettled({ limit })))
  }

  caughtUp(): void {
    if (--this.behind === 0) this.outbox.push(new CaughtUp(undefined), 0, undefined)
  }

  private get unsettled(): number {
    let sum = 0
    for (const { state } of this.streams.values()) sum += state.progress.unprocessed
    return sum
  }

  private readonly run: Effect.Effect<void, DcpError> = Effect.gen({ self: this }, function*(this: DcpConsumer) {
    const { options, world } = this
    const vbuckets = options.vbuckets ?? (yield* this.allVbuckets)
    this.filter = yield* this.resolveFilter
    const { from = "checkpoint" } = options
    const wantsSaved = from === "checkpoint" || typeof from === "object" && "savedOr" in from
    const saved: Checkpoints = wantsSaved && world.checkpoints !== undefined ? yield* world.checkpoints.load : new Map()
    const highs = yield* this.highSeqnos(vbuckets)
    for (const vbucket of vbuckets) {
      const checkpoint = saved.get(vbucket) ?? (yield* this.firstCheckpoint(vbucket, from, highs.get(vbucket)!))
      const state = new StreamState(checkpoint, options.onRollback === undefined ? {} : { onRollback: options.onRollback })
      const high = highs.get(vbucket)!
      this.streams.set(vbucket, new VbucketStream(vbucket, state, this, options.to === "now" ? high : endless, high))
    }
    this.behind = this.streams.size
    this.running = this.streams.size
    yield* Effect.forEach(this.streams.values(), (stream) => this.supervise(stream), { concurrency: "unbounded", discard: true })
    const [failure] = this.failures
    if (failure === undefined) this.outbox.end()
    else this.outbox.fail(Cause.fail(failure))
  })

  /** One vbucket, until nothing more of it is to come. What fails it is told as an event. */
  private supervise(stream: VbucketStream): Effect.Effect<void, DcpError> {
    return Effect.matchEffect(this.follow(stream), {
      onSuccess: () => this.finish(stream, undefined),
      onFailure: (error) => error._tag === "DcpStreamFailed" ? this.finish(stream, error) : Effect.fail(error)
    })
  }

  private finish(stream: VbucketStream, failure: DcpStreamFailed | undefined): Effect.Effect<void> {
    return Effect.sync(() => {
      this.running--
      if (failure !== undefined) {
        this.failures.push(failure)
        if (stream.target !== undefined) this.caughtUp()
      }
      this.outbox.push(new VbucketEnded(stream.vbucket, failure), 0, undefined)
    })
  }

  private readonly follow = Effect.fnUntraced({ self: this }, function*(this: DcpConsumer, stream: VbucketStream) {
    const { state, vbucket } = stream
    const attempts = { soon: 0, slow: 0, few: 0, violations: 0, received: state.received }
    while (true) {
      if (state.rollback !== undefined) yield* this.undo(stream)
      const claim = state.request()
      if ("_tag" in claim) return yield* failed(vbucket, claim)
      const node = yield* this.nodes.connectionOf(vbucket)
      stream.begin()
      const answer = yield* Effect.result(this.ask(stream, node))
      // the connection broke; there will be another one
      if (answer._tag === "Failure") continue
      const { success } = answer
      if (success._tag === "DcpStreamRequestRollback") {
        if (yield* this.goBack(stream, state.rolledBack(success.rollbackSeqno), node.connection)) {
          yield* this.lowerTarget(stream, node.connection)
        }
        continue
      }
      if (success._tag !== "DcpStreamRequestResponse") {
        yield* this.react(stream, reactionToStatus(success.status), success, attempts)
        continue
      }
      yield* this.begin(stream)
      const gone = yield* stream.over
      if (state.received > attempts.received) {
        attempts.received = state.received
        attempts.soon =
          attempts.slow =
          attempts.few =
          attempts.violations =
            0
      }
      if (gone._tag === "Reached") return
      // what was delivered is being processed, and need not come again
      yield* Effect.timeoutOption(stream.settled, this.options.settleTimeout ?? "10 seconds")
      state.lost()
      if (gone._tag === "Violation" && ++attempts.violations > 1) {
        return yield* failed(vbucket, { _tag: "ProtocolViolation", message: gone.message })
      }
      if (gone._tag !== "End") continue
      const reaction = reactionToEnd(gone.reason, attempts.received >= stream.end)
      if (reaction._tag === "Finished") return
      yield* this.react(stream, reaction, undefined, attempts)
    }
  })

  private ask(stream: VbucketStream, { connection, permits }: NodeConnection) {
    const { position, purgeSeqno } = stream.state.progress.checkpoint
    const { streamId } = this.options
    const filter = filterText({
      ...connection.session.states.collections ? this.filter : {},
      ...purgeSeqno > 0n && connection.session.states.collections ? { purgeSeqno } : {},
      ...streamId === undefined ? {} : { streamId }
    })
    const fields: DcpStreamRequestFields = {
      flags: DcpStreamFlags.activeVbOnly,
      startSeqno: position.seqno,
      endSeqno: stream.end < position.seqno ? position.seqno : stream.end,
      vbucketUuid: position.vbucketUuid,
      snapStartSeqno: position.snapshotStart,
      snapEndSeqno: position.snapshotEnd,
      filter
    }
    return permits.withPermits(1)(connection.requestStream(fields, stream, streamId))
  }

  /** The stream is open: its branch is stored before its first message is delivered, and what a lost branch had is undone before that. */
  private readonly begin = Effect.fnUntraced({ self: this }, function*(this: DcpConsumer, stream: VbucketStream) {
    const { state, step, vbucket } = stream
    if (step?._tag === "Streaming" && step.undoTo !== undefined) {
      yield* this.save(stream, () => ({ ...state.progress.checkpoint, undo: true }))
      yield* this.rollBack(vbucket, step.undoTo, step.undoTo, step.undoTo, "BranchChanged")
    }
    yield* this.save(stream, stream.current)
    stream.release()
  })

  /** Follows the steps of a rollback; returns whether anything was undone. */
  private readonly goBack = Effect.fnUntraced(
    { self: this },
    function*(this: DcpConsumer, stream: VbucketStream, first: StreamStep, connection: DcpConnection) {
      const { state, vbucket } = stream
      let step = first
      if (step._tag === "CompareLogs") {
        const log = yield* Effect.result(connection.failoverLog(vbucket))
        const highs = yield* Effect.result(connection.allSeqnos())
        const high = highs._tag === "Success" ? highs.success.get(vbucket) : undefined
        step = state.comparedWith(log._tag === "Success" ? log.success : undefined, high)
      }
      if (step._tag === "Failed") return yield* failed(vbucket, step.failure)
      if (step._tag !== "Undo") return false
      yield* this.undo(stream)
      return true
    }
  )

  /** What is owed to be undone, is; the checkpoint says so before and after. */
  private readonly undo = Effect.fnUntraced({ self: this }, function*(this: DcpConsumer, stream: VbucketStream) {
    const { state, vbucket } = stream
    const { checkpoint, from, reason, requested, to } = state.rollback!
    yield* this.save(stream, () => checkpoint)
    yield* this.rollBack(vbucket, from, to, requested, reason)
    const after = state.undone()
    yield* this.save(stream, () => after)
  })

  private rollBack(vbucket: number, from: bigint, to: bigint, requested: bigint, reason: UndoReason): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.rollbacks++
      const undone = Deferred.makeUnsafe<void>()
      const settle = (): void => {
        Deferred.doneUnsafe(undone, Exit.void)
      }
      this.outbox.push(new Rollback(vbucket, from, to, requested, reason, settle), 0, undefined)
      return Deferred.await(undone)
    })
  }

  private save(stream: VbucketStream, current: () => Checkpoint): Effect.Effect<void, DcpError> {
    return this.writer === undefined ? Effect.void : this.writer.save(stream.vbucket, current)
  }

  private readonly react = Effect.fnUntraced(
    { self: this },
    function*(
      this: DcpConsumer,
      stream: VbucketStream,
      reaction: Reaction,
      answer: Response | undefined,
      attempts: { soon: number; slow: number; few: number }
    ) {
      const { vbucket } = stream
      const { cluster, random } = this.world
      const status = answer?.status
      const few = (cause: DcpStreamFailed["cause"]) =>
        ++attempts.few > fewAttempts
          ? Effect.fail(new DcpStreamFailed({ vbucket, cause, status, message: `vbucket ${vbucket}: ${words(cause, status)}` }))
          : Effect.sleep(backOff(attempts.few, 100, longestRetry, random))
      switch (reaction._tag) {
        case "Relocate": {
          const text = answer !== undefined && "value" in answer && answer.value instanceof Uint8Array
            ? new TextDecoder().decode(answer.value)
            : ""
          const known = cluster.seedOf(vbucket)
          if (!cluster.learn(text, known?.host ?? "127.0.0.1")) yield* cluster.refresh
          const now = cluster.seedOf(vbucket)
          if (now !== undefined && (now.host !== known?.host || now.port !== known.port) && attempts.soon === 0) return
          return yield* this.nodes.pause(++attempts.soon)
        }
        case "CloseFirst":
          stream.close()
          return yield* few("IllegalRequest")
        case "CheckManifest":
          return yield* few("CollectionGone")
        case "Retry":
          if (reaction.limit !== undefined) return yield* few("TooManyAttempts")
          return yield* Effect.sleep(
            reaction.pace === "soon"
              ? backOff(++attempts.soon, 100, longestRetry, random)
              : backOff(++attempts.slow, 1_000, longestSlowRetry, random)
          )
        case "Reconnect":
        case "Rollback":
          return yield* Effect.sleep(backOff(++attempts.soon, 100, longestRetry, random))
        case "Fail":
          return yield* new DcpStreamFailed({
            vbucket,
            cause: reaction.cause,
            status,
            message: `vbucket ${vbucket}: ${words(reaction.cause, status)}${contextOf(answer)}`
          })
      }
    }
  )

  /** After a failover the vbucket may never reach the seqno that it had: what there is now is what there was. */
  private readonly lowerTarget = Effect.fnUntraced(
    { self: this },
    function*(this: DcpConsumer, stream: VbucketStream, connection: DcpConnection) {
      const highs = yield* Effect.result(connection.allSeqnos())
      const now = highs._tag === "Success" ? highs.success.get(stream.vbucket) : undefined
      if (now === undefined) return
      if (stream.target !== undefined && now < stream.target) stream.target = now
      if (stream.end !== endless && now < stream.end) stream.end = now
    }
  )

  private readonly allVbuckets: Effect.Effect<ReadonlyArray<number>, FatalConnectError> = Effect.gen(
    { self: this },
    function*(this: DcpConsumer) {
      const { cluster } = this.world
      for (let attempt = 1;; attempt++) {
        const count = cluster.map?.vbuckets.length ?? 0
        if (count > 0) return Array.from({ length: count }, (_, vbucket) => vbucket)
        const { connection } = yield* this.nodes.connectionOf(0)
        const highs = yield* Effect.result(connection.allSeqnos())
        if (highs._tag === "Success" && highs.success.size > 0) return [...highs.success.keys()].sort((a, b) => a - b)
        yield* this.nodes.pause(attempt)
      }
    }
  )

  /** The highest seqnos of all vbuckets, those included that no node has just now. */
  private highSeqnos(vbuckets: ReadonlyArray<number>): Effect.Effect<ReadonlyMap<number, bigint>, FatalConnectError> {
    return Effect.gen({ self: this }, function*(this: DcpConsumer) {
      const highs = new Map<number, bigint>()
      for (let attempt = 1;; attempt++) {
        const missing = vbuckets.find((vbucket) => !highs.has(vbucket))
        if (missing === undefined) return highs
        const { connection } = yield* this.nodes.connectionOf(missing)
        const found = yield* Effect.result(connection.allSeqnos())
        if (found._tag === "Success") { for (const [vbucket, seqno] of found.success) highs.set(vbucket, seqno) }
        if (!highs.has(missing)) yield* this.nodes.pause(attempt)
      }
    })
  }

  private readonly firstCheckpoint = Effect.fnUntraced(
    { self: this },
    function*(this: DcpConsumer, vbucket: number, from: From, high: bigint) {
      const first = typeof from === "object" && "savedOr" in from ? from.savedOr : from
      const seqno = first === "now" ? high : typeof first === "object" ? first.seqnos.get(vbucket) ?? 0n : 0n
      if (seqno === 0n) return emptyCheckpoint
      for (let attempt = 1;; attempt++) {
        const { connection } = yield* this.nodes.connectionOf(vbucket)
        const found = yield* Effect.result(connection.failoverLog(vbucket))
        const failoverLog: FailoverLog = found._tag === "Success" ? found.success ?? [] : []
        const branch = branchesAt(failoverLog, seqno)[0]
        if (branch !== undefined) {
          const position = completeAt(branch.vbucketUuid, seqno)
          return { ...emptyCheckpoint, position, failoverLog, complete: [{ vbucketUuid: branch.vbucketUuid, seqno }] } satisfies Checkpoint
        }
        yield* this.nodes.pause(attempt)
      }
    }
  )

  private readonly resolveFilter: Effect.Effect<StreamFilter, DcpError> = Effect.gen({ self: this }, function*(this: DcpConsumer) {
    const { collections, scope } = this.options
    if (collections === undefined && scope === undefined) return {}
    if (collections !== undefined && scope !== undefined) {
      return yield* new DcpOptionsError({ message: "collections and scope exclude one another" })
    }
    if (collections?.length === 0) return yield* new DcpOptionsError({ message: "the list of collections is empty" })
    const { connection } = yield* this.nodes.connectionOf(0)
    if (!connection.session.states.collections) return yield* new DcpOptionsError({ message: "the server has no collections" })
    const resolve = (kind: "collection" | "scope", path: string) =>
      Effect.flatMap(
        connection.idOf(kind, path),
        (id): Effect.Effect<number, DcpOptionsError> =>
          id === undefined ? Effect.fail(new DcpOptionsError({ message: `there is no ${kind} ${path}` })) : Effect.succeed(id)
      )
    if (scope !== undefined) return { scope: yield* resolve("scope", scope) }
    const ids = yield* Effect.forEach(collections!, (path) => resolve("collection", path.includes(".") ? path : `_default.${path}`))
    return { collections: ids }
  })
}
