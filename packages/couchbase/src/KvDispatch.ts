/**
 * Sends operations to the node that has their vbucket, and repeats them by the rules of `Retry`.
 *
 * It learns from failures: new maps from NotMyVbucket, new ids of collections from UnknownCollection. It knows no commands but the one for
 * the id of a collection.
 */
import type { EncodeError } from "@wirewright/codec"
import {
  type Call,
  ConnectionError,
  ConnectTimeout,
  Exchange,
  placeOf,
  type Resume,
  serverAttributes,
  type Timers
} from "@wirewright/connection"
import { clientRows } from "@wirewright/connection/MetricTable"
import { inSpan, isTraced, type SpanAttributes, spanNameOf } from "@wirewright/connection/Spans"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { BootstrapError, type Bootstrapped } from "./Bootstrap.ts"
import type { Cluster } from "./Cluster.ts"
import { CollectionIds, defaultPath } from "./Collections.ts"
import type { SnappyCodec } from "./Documents.ts"
import { missingFeature } from "./FeatureNeeds.ts"
import { encodeCollectionsGetID, type Response } from "./gen/index.ts"
import { HelloFeature, Status } from "./gen/Types.ts"
import { type Circuits, type Shown, shownBy } from "./KvCircuits.ts"
import type { KvConnection } from "./KvConnection.ts"
import {
  CircuitOpen,
  FeatureMissing,
  InvalidRequest,
  type KvError,
  kvError,
  type KvReason,
  NoActiveNode,
  NotReady,
  statusReason
} from "./KvError.ts"
import { more, type Operation, refused, type Route } from "./KvOperations.ts"
import type { NodePool } from "./NodePool.ts"
import { decide, type FailedAttempt, type RetryPolicy } from "./Retry.ts"

/** What an operation is sent with. */
export interface PendingOperation<A> {
  readonly operation: Operation<A>
  /** The collection, as `scope.collection`. */
  readonly path: string
  /** Milliseconds for all attempts together. */
  readonly timeout: number
  readonly started: number
  readonly attempt: number
}

/** Where an attempt went. */
interface Destination {
  readonly opaque: number
  readonly vbucket: number
  readonly collectionId: number | undefined
  readonly connection: KvConnection
}

/** One attempt, as it is written and as its answer is read. */
class Attempt extends Exchange<Response, unknown, Failure> implements Route, Destination {
  readonly operation: Operation<unknown>
  private readonly started: PendingOperation<unknown>
  readonly vbucket: number
  readonly collectionId: number | undefined
  readonly session: Bootstrapped
  readonly connection: KvConnection

  constructor(
    resume: Resume<unknown, Failure>,
    work: PendingOperation<unknown>,
    vbucket: number,
    collectionId: number | undefined,
    connection: KvConnection
  ) {
    super(work.operation.writes ? writeCall : readCall, resume)
    this.operation = work.operation
    this.started = work
    this.vbucket = vbucket
    this.collectionId = collectionId
    this.session = connection.session
    this.connection = connection
  }

  /** Failures are counted when they are the last. */
  protected override measured(outcome: Effect.Effect<unknown, Failure>): void {
    const { durations } = this.connection
    if (durations === undefined || (outcome as Exit.Exit<unknown, Failure>)._tag !== "Success") return
    durations.succeeded(this.operation.name, this.owner!.arrived - this.started.started)
  }
}

/** Why an attempt failed; plain data, because most are repeated and never shown. */
type Failure =
  | { readonly _tag: "Refused"; readonly answer: Response; readonly attempt: Destination; readonly operation?: string }
  | { readonly _tag: "Failed"; readonly error: ConnectionError | EncodeError; readonly attempt: Destination }
  | { readonly _tag: "NotOpen"; readonly error: ConnectionError | BootstrapError; readonly address: string }
  | { readonly _tag: "Unsendable"; readonly reason: KvReason; readonly vbucket: number }
  | { readonly _tag: "NoNode"; readonly vbucket: number }
  | { readonly _tag: "CircuitOpen"; readonly retryAfter: number; readonly address: string; readonly vbucket: number }

const callOf = (writes: boolean): Call<Attempt, Response, unknown, Failure> => ({
  writes,
  encode: (writer, attempt) => attempt.operation.write(writer, attempt),
  interpret: (answer, attempt) => {
    const result = attempt.operation.read(answer)
    if (result === more) return undefined
    return result === refused ? Effect.fail({ _tag: "Refused", answer, attempt }) : Effect.succeed(result)
  },
  failed: (error, attempt) => Effect.fail({ _tag: "Failed", error, attempt })
})

const readCall = callOf(false)
const writeCall = callOf(true)

/** What a failure means: for the decision, and for the error should it be the last. */
interface Verdict {
  readonly failed: FailedAttempt
  readonly reason: KvReason
  readonly address: string | undefined
  readonly vbucket: number | undefined
  readonly opaque: number | undefined
  readonly status: number | undefined
  readonly operation: string | undefined
}

const permanent: FailedAttempt = { _tag: "Connection", sent: false, writes: false, permanent: true }
const transient: FailedAttempt = { _tag: "Connection", sent: false, writes: false, permanent: false }

/** Reasons of a connection after which another attempt makes no sense. */
const final: ReadonlySet<string> = new Set(["RequestTimeout", "LimitExceeded", "ConnectionClosed", "PeerMisbehaved", "CertificateRefused"])

/** What operations take of the world. */
export interface DispatchWorld {
  readonly timers: Timers
  readonly random: Random.Random
  /** Where what is asked beside an operation runs. */
  readonly scope: Scope.Scope
  /** Makes spans where somebody looks at them. Default: yes */
  readonly spans?: boolean | undefined
  readonly bucket?: string | undefined
  /** What is for a node goes through its circuit. Default: at once */
  readonly circuits?: Circuits | undefined
}

/** The map was replaced while a node was waited for. */
const moved: unique symbol = Symbol("moved")

const nobody = Effect.succeed<ReadonlySet<NodePool>>(new Set())

/** What an attempt shows of the node it was made at. */
const shownOf = (exit: Exit.Exit<unknown, Failure>): Shown => {
  if (Exit.isSuccess(exit)) return exit.value === moved ? "nothing" : "there"
  const failure = Option.getOrUndefined(Exit.findErrorOption(exit))
  switch (failure?._tag) {
    case "Refused":
      return "there"
    case "NotOpen":
    case "Failed":
      return failure.error._tag === "ConnectionError" ? shownBy(failure.error) : "nothing"
    default:
      return "nothing"
  }
}

/** Sends operations. */
export class KvDispatch {
  readonly cluster: Cluster
  readonly collections = new CollectionIds()
  readonly policy: RetryPolicy
  private readonly snappy: SnappyCodec | undefined
  readonly timers: Timers
  readonly random: Random.Random
  private readonly scope: Scope.Scope
  private readonly spans: boolean
  private readonly bucket: string | undefined
  private readonly circuits: Circuits | undefined
  private readonly asking = new Map<string, Deferred.Deferred<number, Failure>>()

  constructor(cluster: Cluster, policy: RetryPolicy, snappy: SnappyCodec | undefined, world: DispatchWorld) {
    this.cluster = cluster
    this.policy = policy
    this.snappy = snappy
    this.timers = world.timers
    this.random = world.random
    this.scope = world.scope
    this.spans = world.spans !== false
    this.bucket = world.bucket
    this.circuits = world.circuits
  }

  /** Nodes of which nothing may be asked just now, or only one thing. */
  readonly shunned: Effect.Effect<ReadonlySet<NodePool>> = Effect.suspend(() => {
    const { circuits } = this
    if (circuits === undefined) return nobody
    return Effect.map(Effect.filter(this.cluster.nodes, ({ address }) => circuits.isOpen(address)), (pools) => new Set(pools))
  })

  /** Carries out an operation within `timeout` milliseconds. */
  run<A>(operation: Operation<A>, path: string, timeout: number): Effect.Effect<A, KvError> {
    return Effect.suspend(() => {
      const attempt = this.attempt({ operation, path, timeout, started: this.timers.now(), attempt: 1 })
      return this.spans && isTraced() ? inSpan(spanNameOf(operation.name, path), this.spanOf(operation, path), attempt) : attempt
    })
  }

  private spanOf(operation: Operation<unknown>, path: string): SpanAttributes {
    const address = this.cluster.poolOf(this.vbucketOf(operation), operation.replica)?.address
    return {
      "db.system.name": "couchbase",
      "db.operation.name": operation.name,
      "db.collection.name": path,
      ...this.bucket === undefined ? {} : { "db.namespace": this.bucket },
      ...address === undefined ? {} : serverAttributes(placeOf(address))
    }
  }

  /** Carries out an operation on a connection, once, whatever becomes of it. What it learns of the cluster is kept. */
  once<A>(operation: Operation<A>, path: string, connection: KvConnection, timeout: number): Effect.Effect<A, KvError> {
    return Effect.suspend(() => {
      const work = { operation, path, timeout, started: this.timers.now(), attempt: 1 }
      const attempt = this.perform(work, this.vbucketOf(operation), undefined, connection)
      return Effect.catch(attempt, (failure) => this.fail(work, this.judge(work, failure), false))
    })
  }

  private vbucketOf({ key, vbucket }: Operation<unknown>): number {
    return vbucket ?? this.cluster.vbucketOf(key)
  }

  private attempt<A>(work: PendingOperation<A>): Effect.Effect<A, KvError> {
    return Effect.catch(this.route(work), (failure) => this.failed(work, failure))
  }

  private route<A>(work: PendingOperation<A>): Effect.Effect<A, Failure> {
    const vbucket = this.vbucketOf(work.operation)
    const pool = this.cluster.poolOf(vbucket, work.operation.replica)
    if (pool === undefined) return Effect.fail({ _tag: "NoNode", vbucket })
    const { circuits } = this
    if (circuits === undefined) {
      const ready = pool.take()
      return ready === undefined ? this.unlessMoved(work, this.connected(pool, work, vbucket)) : this.send(work, vbucket, ready)
    }
    const { address } = pool
    const attempt = Effect.suspend((): Effect.Effect<A | typeof moved, Failure> => {
      const ready = pool.take()
      return ready === undefined ? this.connected(pool, work, vbucket) : this.send(work, vbucket, ready)
    })
    const refused = (retryAfter: number): Failure => ({ _tag: "CircuitOpen", retryAfter, address, vbucket })
    return this.unlessMoved(work, circuits.attempt(address, attempt, shownOf, refused))
  }

  /** While a node is away, its vbuckets may come to others. */
  private unlessMoved<A>(work: PendingOperation<A>, attempt: Effect.Effect<A | typeof moved, Failure>): Effect.Effect<A, Failure> {
    return Effect.flatMap(attempt, (result) => result === moved ? this.route(work) : Effect.succeed(result as A))
  }

  /** Connects, and sends; or `moved`. */
  private connected<A>(pool: NodePool, work: PendingOperation<A>, vbucket: number): Effect.Effect<A | typeof moved, Failure> {
    const { address } = pool
    const left = this.left(work)
    const late = () =>
      Effect.fail(new ConnectionError({ reason: new ConnectTimeout({ milliseconds: Math.round(left) }), address, ambiguous: false }))
    return Effect.raceFirst(pool.connect, Effect.as(this.cluster.changed, undefined)).pipe(
      Effect.timeoutOrElse({ duration: left, orElse: late }),
      Effect.mapError((error): Failure => ({ _tag: "NotOpen", error, address })),
      Effect.flatMap((connection): Effect.Effect<A | typeof moved, Failure> =>
        connection === undefined ? Effect.succeed(moved) : this.send(work, vbucket, connection)
      )
    )
  }

  private send<A>(work: PendingOperation<A>, vbucket: number, connection: KvConnection): Effect.Effect<A, Failure> {
    const { operation, path } = work
    const { session } = connection
    const missing = operation.needs.length === 0 ? undefined : missingFeature(operation.needs, session)
    if (missing !== undefined) return Effect.fail({ _tag: "Unsendable", reason: new FeatureMissing({ feature: missing }), vbucket })
    if (!session.states.collections) {
      return path === defaultPath
        ? this.perform(work, vbucket, undefined, connection)
        : Effect.fail({ _tag: "Unsendable", reason: new FeatureMissing({ feature: "Collections" }), vbucket })
    }
    const id = this.collections.idOf(path)
    return id === undefined
      ? Effect.flatMap(
        this.ask(work, vbucket, connection),
        (found) => this.perform(work, vbucket, found, connection)
      )
      : this.perform(work, vbucket, id, connection)
  }

  private perform<A>(
    work: PendingOperation<A>,
    vbucket: number,
    collectionId: number | undefined,
    connection: KvConnection
  ): Effect.Effect<A, Failure> {
    const timeout = work.attempt === 1 ? work.timeout : this.left(work)
    return connection.packets.perform(
      (resume: Resume<unknown, Failure>) => new Attempt(resume, work as PendingOperation<unknown>, vbucket, collectionId, connection),
      timeout
    ) as Effect.Effect<A, Failure>
  }

  private left<A>({ started, timeout }: PendingOperation<A>): number {
    return Math.max(1, timeout - (this.timers.now() - started))
  }

  /** The id of a collection; all who ask at the same time share the answer. */
  private ask<A>(work: PendingOperation<A>, vbucket: number, connection: KvConnection): Effect.Effect<number, Failure> {
    return Effect.suspend(() => {
      const { path } = work
      const asked = this.asking.get(path)
      if (asked !== undefined) return Deferred.await(asked)
      const asking = Deferred.makeUnsafe<number, Failure>()
      this.asking.set(path, asking)
      const attempt = { opaque: 0, vbucket, collectionId: undefined, connection }
      const question = connection.packets.request((writer, opaque) => {
        attempt.opaque = opaque
        encodeCollectionsGetID(writer, { opaque, legacyPath: "", path })
      }, { timeout: this.left(work) }).pipe(
        Effect.mapError((error): Failure => ({ _tag: "Failed", error, attempt })),
        Effect.flatMap((answer): Effect.Effect<number, Failure> => {
          if (answer._tag !== "CollectionsGetIDResponse") {
            return Effect.fail({ _tag: "Refused", answer, attempt, operation: "CollectionsGetID" })
          }
          this.collections.learn(path, answer.collectionId)
          return Effect.succeed(answer.collectionId)
        }),
        Effect.exit,
        Effect.flatMap((exit) => {
          this.asking.delete(path)
          return Deferred.done(asking, exit)
        })
      )
      return Effect.andThen(Effect.forkIn(question, this.scope), Deferred.await(asking))
    })
  }

  private failed<A>(work: PendingOperation<A>, failure: Failure): Effect.Effect<A, KvError> {
    const elapsed = this.timers.now() - work.started
    const verdict = this.judge(work, failure)
    const decision = decide(verdict.failed, work.attempt, elapsed, { ...this.policy, budget: work.timeout }, this.random.nextDoubleUnsafe())
    if (decision._tag === "GiveUp") return this.fail(work, verdict, decision.ambiguous)
    const attributes = { "db.system.name": "couchbase", "db.operation.name": work.operation.name, "error.type": verdict.reason._tag }
    const retries = this.cluster.metrics?.count(clientRows.retries, attributes)
    if (retries !== undefined) retries.value++
    const again = Effect.suspend(() => this.attempt({ ...work, attempt: work.attempt + 1 }))
    const waited = decision.delay === 0 ? again : Effect.andThen(Effect.sleep(decision.delay), again)
    const redirected = verdict.failed._tag === "Status" && verdict.failed.redirected === true
    return this.stale(failure) && !redirected ? Effect.andThen(Effect.forkIn(this.cluster.refresh, this.scope), waited) : waited
  }

  private fail<A>(
    { attempt, operation, started }: PendingOperation<A>,
    verdict: Verdict,
    ambiguous: boolean
  ): Effect.Effect<never, KvError> {
    const { address, opaque, reason, status, vbucket } = verdict
    const code = status === undefined ? {} : { "db.response.status_code": status }
    this.cluster.durationsAt(address)?.failed(operation.name, this.timers.now() - started, reason._tag, code)
    return Effect.fail(kvError(reason, {
      operation: verdict.operation ?? operation.name,
      key: operation.vbucket === undefined ? operation.key : undefined,
      address,
      vbucket,
      opaque,
      status,
      ambiguous,
      attempts: attempt
    }))
  }

  /** Whether the map may be out of date, and no node has told us a newer one. */
  private stale(failure: Failure): boolean {
    return failure._tag === "NotOpen" || failure._tag === "NoNode"
      || failure._tag === "Failed"
      || failure._tag === "Refused" && failure.answer.status === Status.NotMyVbucket
  }

  private judge<A>(work: PendingOperation<A>, failure: Failure): Verdict {
    const nowhere = { address: undefined, vbucket: undefined, opaque: undefined, status: undefined, operation: undefined }
    switch (failure._tag) {
      case "NoNode":
        return { ...nowhere, failed: transient, reason: new NoActiveNode({ vbucket: failure.vbucket }), vbucket: failure.vbucket }
      case "Unsendable":
        return { ...nowhere, failed: permanent, reason: failure.reason, vbucket: failure.vbucket }
      case "CircuitOpen": {
        const { address, retryAfter, vbucket } = failure
        return { ...nowhere, failed: permanent, reason: new CircuitOpen({ retryAfter }), address, vbucket }
      }
      case "NotOpen":
        return failure.error instanceof BootstrapError
          ? {
            ...nowhere,
            failed: failure.error.reason === "BucketNotFound" ? transient : permanent,
            reason: new NotReady({ error: failure.error }),
            address: failure.address,
            status: failure.error.status
          }
          : {
            ...nowhere,
            failed: failure.error.reason._tag === "CertificateRefused" ? permanent : transient,
            reason: failure.error.reason,
            address: failure.address
          }
      case "Failed": {
        const { attempt, error } = failure
        const place = { ...nowhere, address: attempt.connection.packets.address, vbucket: attempt.vbucket, opaque: attempt.opaque }
        if (error._tag === "EncodeError") {
          return { ...place, failed: permanent, reason: new InvalidRequest({ message: error.message, error }) }
        }
        const sent = error.ambiguous
        const failed: FailedAttempt = { _tag: "Connection", sent, writes: work.operation.writes, permanent: final.has(error.reason._tag) }
        return { ...place, failed, reason: error.reason }
      }
      case "Refused":
        return this.judgeStatus(work, failure.answer, failure.attempt, failure.operation)
    }
  }

  private judgeStatus<A>(work: PendingOperation<A>, answer: Response, attempt: Destination, operation: string | undefined): Verdict {
    const { status } = answer
    const errors = this.cluster.errorMap
    const error = answer._tag === "ErrorResponse" ? answer : undefined
    const { features } = attempt.connection.session
    const context = operation === undefined
      ? { operation: work.operation.name, whenExists: work.operation.whenExists, xerror: features.has(HelloFeature.Xerror) }
      : undefined
    const reason = statusReason(status, errors, error, context)
    const advice = errors.entries.get(status)?.retry
    const forgotten = status === Status.UnknownCollection && operation === undefined && attempt.collectionId !== undefined
      && this.collections.forget(work.path, attempt.collectionId)
    return {
      failed: {
        _tag: "Status",
        retry: reason.retry,
        advice,
        redirected: status === Status.NotMyVbucket && error !== undefined
          && this.cluster.redirected(error, attempt.connection, this.snappy),
        collection: forgotten
      },
      reason,
      address: attempt.connection.packets.address,
      vbucket: attempt.vbucket,
      opaque: attempt.opaque,
      status,
      operation
    }
  }
}
