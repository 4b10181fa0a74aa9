/** A consumer that a test leads by hand: one node that answers what it is told to, and sends what the test sends; a store that can fail; a clock that stands still. */
import { encodeWith, Reader } from "@wirewright/codec"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { TestClock } from "effect/testing"
import type { ChangesOptions } from "./ChangesOptions.ts"
import { settingsOf } from "./ChangesSettings.ts"
import type { Checkpoints } from "./CheckpointFormat.ts"
import type { CheckpointGroup } from "./CheckpointStore.ts"
import type { DcpConnection, StreamSink } from "./DcpConnection.ts"
import { DcpConsumer, OnTransition } from "./DcpConsumer.ts"
import { CheckpointError, type DcpError } from "./DcpError.ts"
import { type DcpEvent, handOver, settle } from "./DcpEvent.ts"
import type { FatalConnectError } from "./DcpNodes.ts"
import { type DcpStreamRequest, encodeDcpMutation, encodeDcpSnapshotMarker, type RequestFields } from "./gen/index.ts"
import type { FollowOptions } from "./VbucketFollower.ts"

export const uuid = 0xan
export const log = [{ vbucketUuid: uuid, seqno: 0n }]

/** What the node answers a stream request with. */
export type Answer = { readonly _tag: string; readonly status: number; readonly rollbackSeqno?: bigint }
/** The stream is open. */
export const open: Answer = { _tag: "DcpStreamRequestResponse", status: 0 }
/** The user may not read it: nothing that gets better. */
export const denied: Answer = { _tag: "ErrorResponse", status: 0x24 }
/** No memory for it just now. */
export const later: Answer = { _tag: "ErrorResponse", status: 0x82 }
/** Histories differ from here on. */
export const back = (rollbackSeqno: bigint): Answer => ({ _tag: "DcpStreamRequestRollback", status: 0x23, rollbackSeqno })

/** What a test decides. */
export interface Staging {
  readonly options?: ChangesOptions
  /** Highest seqno of each vbucket; there are no others. */
  readonly highs: ReadonlyArray<bigint>
  /** Answers to the requests for a vbucket, one after the other; the last one again and again. Default: the stream is open. */
  readonly answers?: { readonly [vbucket: number]: ReadonlyArray<Answer> }
  /** A vbucket whose node takes no connections, and why. */
  readonly refused?: { readonly vbucket: number; readonly error: FatalConnectError }
  /** What the store has; without it there is no store. */
  readonly saved?: Checkpoints
  readonly random?: () => number
  readonly onTransition?: NonNullable<FollowOptions["onTransition"]>
}

/** The one node. */
class Node {
  readonly requests: Array<
    { readonly vbucket: number; readonly fields: RequestFields<DcpStreamRequest>; readonly streamId: number | undefined }
  > = []
  readonly sinks = new Map<number, StreamSink>()
  private readonly staging: Staging
  private readonly answered = new Map<number, number>()

  constructor(staging: Staging) {
    this.staging = staging
  }

  /** As a connection; everything that a consumer asks of one. */
  readonly connection = {
    address: "n1:11210",
    states: {},
    session: { states: { collections: false } },
    counters: {
      streams: 31,
      stale: 32,
      ignored: 33,
      noops: 34,
      acknowledgements: 35,
      overruns: 36,
      outstanding: 37,
      window: 39,
      acknowledged: 40,
      inFlight: 0,
      bytesSent: 43,
      bytesReceived: 38
    },
    free: () => {},
    closeStream: () => {},
    ended: () => {},
    allSeqnos: () => Effect.sync(() => new Map(this.staging.highs.map((seqno, vbucket) => [vbucket, seqno] as const))),
    failoverLog: () => Effect.succeed(log),
    requestStream: (fields: RequestFields<DcpStreamRequest>, sink: StreamSink, streamId?: number) =>
      Effect.sync(() => {
        const { vbucket } = sink
        this.requests.push({ vbucket, fields, streamId })
        const answers = this.staging.answers?.[vbucket] ?? [open]
        const place = this.answered.get(vbucket) ?? 0
        this.answered.set(vbucket, place + 1)
        const answer = answers[Math.min(place, answers.length - 1)]!
        if (answer === open) {
          this.sinks.set(vbucket, sink)
          sink.opened(log, this.connection)
        }
        return answer
      })
  } as unknown as DcpConnection

  /** A snapshot from memory with these seqnos. */
  send(vbucket: number, ...seqnos: ReadonlyArray<number>): void {
    const [startSeqno, endSeqno] = [BigInt(seqnos[0]!), BigInt(seqnos.at(-1)!)]
    this.message(
      vbucket,
      encodeWith((writer) => encodeDcpSnapshotMarker(writer, { opaque: 1, vbucket, layout: "V1", startSeqno, endSeqno, flags: 1 }))
    )
    for (const seqno of seqnos) this.message(vbucket, mutation(vbucket, BigInt(seqno)))
  }

  private message(vbucket: number, bytes: Uint8Array): void {
    this.sinks.get(vbucket)!.message(new Reader(bytes), 0, bytes.length, this.connection)
  }
}

const mutation = (vbucket: number, bySeqno: bigint): Uint8Array =>
  encodeWith((writer) =>
    encodeDcpMutation(writer, {
      opaque: 1,
      vbucket,
      bySeqno,
      revSeqno: 1n,
      flags: 0,
      expiration: 0,
      lockTime: 0,
      nmeta: 0,
      nru: 0,
      key: `k${bySeqno}`,
      value: new Uint8Array(1)
    })
  )

/** A store of one group. */
class Store {
  readonly batches: Array<Checkpoints> = []
  failed = 0
  /** What saving comes to. */
  saving: Effect.Effect<void, CheckpointError> = Effect.void
  private readonly saved: Checkpoints

  constructor(saved: Checkpoints) {
    this.saved = saved
  }

  readonly group: CheckpointGroup = {
    epoch: 1,
    load: Effect.suspend(() => Effect.succeed(this.saved)),
    clear: Effect.void,
    save: (checkpoints) =>
      Effect.onExit(Effect.suspend(() => this.saving), (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit)) this.batches.push(checkpoints)
          else this.failed++
        }))
  }
}

export const unavailable = new CheckpointError({ reason: "Unavailable", message: "the disk is away" })

/** A consumer, and both of its ends. */
export interface Led {
  readonly consumer: DcpConsumer
  readonly node: Node
  readonly store: Store
  /** What was pulled. */
  readonly events: Array<DcpEvent>
  /** What was logged. */
  readonly lines: Array<string>
  /** Lets happen what happens by itself, and time pass. */
  readonly pass: (milliseconds?: number) => Effect.Effect<void>
  /** Pulls what waits, and settles it unless that is not wanted. */
  readonly pull: (settles?: boolean) => Effect.Effect<ReadonlyArray<DcpEvent>>
  /** What pulling ends with, once nothing waits; fails when it does not end. */
  readonly end: Effect.Effect<DcpError | Cause.Done>
  /** Ends the consumer in order. */
  readonly close: Effect.Effect<void>
}

/** The event in short. */
export const brief = (event: DcpEvent): string => {
  switch (event._tag) {
    case "VbucketEnded":
      return `${event.vbucket} ${event.failure === undefined ? "ended" : event.failure.cause}`
    case "Rollback":
      return `${event.vbucket} back from ${event.from} to ${event.to}`
    case "CaughtUp":
      return `${event.vbucket ?? "all"} caught up`
    case "SnapshotStarted":
      return `${event.vbucket} snapshot`
    default:
      return `${event.vbucket} ${event.seqno}`
  }
}

/** Runs a test with a consumer that has begun. */
export const lead = (staging: Staging, test: (led: Led) => Effect.Effect<unknown, unknown>): Promise<void> => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  return Effect.runPromise(
    Effect.gen(function*() {
      const { highs, options = {}, random = () => 0, saved } = staging
      const node = new Node(staging)
      const store = new Store(saved ?? new Map())
      const scope = yield* Scope.make()
      const seed = { host: "n1", port: 11210 }
      const consumer = yield* Scope.provide(
        DcpConsumer.make({
          cluster: { map: undefined, seedOf: () => seed, copySeedsOf: () => [seed], learn: () => false, refresh: Effect.void },
          nodes: {
            bucketUuid: undefined,
            persistedSeqno: () => Effect.succeed(undefined),
            attempts: 41,
            lost: 42,
            connections: [node.connection],
            totals: { bytesReceived: 44, acknowledged: 45 },
            unreached: [],
            connectionOf: (vbucket) =>
              vbucket === staging.refused?.vbucket
                ? Effect.fail(staging.refused.error)
                : Effect.succeed({ connection: node.connection, permits }),
            pause: () => Effect.sleep(1)
          },
          checkpoints: saved === undefined ? undefined : store.group,
          random,
          attributes: {}
        }, settingsOf(options)),
        scope
      )
      const permits = Semaphore.makeUnsafe(highs.length)
      const events: Array<DcpEvent> = []
      const pass = (milliseconds = 0): Effect.Effect<void> => TestClock.adjust(milliseconds)
      const led: Led = {
        consumer,
        node,
        store,
        events,
        lines,
        pass,
        pull: Effect.fnUntraced(function*(settles = true) {
          const pulled: Array<DcpEvent> = []
          yield* Effect.promise(() => Promise.resolve())
          while (consumer.outbox.size > 0) {
            pulled.push(...yield* Effect.orDie(consumer.outbox.pull) as Effect.Effect<ReadonlyArray<DcpEvent>>)
          }
          for (const event of pulled) {
            handOver(event)
            if (settles) settle(event)
          }
          events.push(...pulled)
          return pulled
        }),
        end: Effect.gen(function*() {
          const pulling = yield* Effect.forkChild(Effect.flip(consumer.outbox.pull) as Effect.Effect<DcpError | Cause.Done>)
          yield* pass()
          if (pulling.pollUnsafe() === undefined) throw new Error("there is no end")
          return yield* Fiber.join(pulling)
        }),
        close: Scope.close(scope, Exit.void)
      }
      yield* test(led)
    }).pipe(
      Effect.provideService(OnTransition, staging.onTransition ?? (() => {})),
      Effect.provide(TestClock.layer()),
      Effect.provide(Logger.layer([logger]))
    ) as Effect.Effect<void>
  )
}
