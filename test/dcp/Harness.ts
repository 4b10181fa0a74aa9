/** A consumer against an embedded node whose answers a test can take over: what was asked, what was delivered, and how it ended. */
import {
  type ChangesOptions,
  CheckpointStore,
  type CheckpointStoreShape,
  Dcp,
  type DcpConsumer,
  type DcpError,
  type DcpEvent
} from "@wirewright/dcp"
import { eventsOf, handOver, settle, start } from "@wirewright/dcp/internal"
import type * as Gen from "@wirewright/dcp/gen"
import {
  type Bucket,
  type CouchbaseCluster,
  type CouchbaseClusterOptions,
  type CouchbaseNode,
  type NodeClient,
  serveCouchbaseCluster
} from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** An event in short. */
export const brief = (event: DcpEvent): string => {
  switch (event._tag) {
    case "Mutation":
      return `M${event.seqno}`
    case "Deletion":
      return `D${event.seqno}`
    case "Expiration":
      return `X${event.seqno}`
    case "SystemEvent":
      return `SE${event.seqno}`
    case "SeqnoAdvanced":
      return `SA${event.seqno}`
    case "SnapshotStarted":
      return `MK[${event.packet.startSeqno},${event.packet.endSeqno}]`
    case "Rollback":
      return `ROLLBACK ${event.from}→${event.to} ${event.reason}`
    case "CaughtUp":
      return "CAUGHTUP"
    case "VbucketEnded":
      return event.failure === undefined ? "ENDED" : `FAILED ${event.failure.cause}`
  }
}

/** A stream request in short. */
export const asked = ({ endSeqno, snapEndSeqno, snapStartSeqno, startSeqno }: Gen.DcpStreamRequest): string =>
  `${startSeqno}${endSeqno === 0xffff_ffff_ffff_ffffn ? "" : `..${endSeqno}`} [${snapStartSeqno},${snapEndSeqno}]`

/** A consumer that runs. */
export class Run {
  /** What was delivered, by vbucket. */
  readonly events = new Map<number, Array<DcpEvent>>()
  /** Everything, in the order in which it came. */
  readonly all: Array<DcpEvent> = []
  consumer!: DcpConsumer
  exit: Exit.Exit<void, DcpError> | undefined

  /** Events of a vbucket in short, without what tells about the stream itself. */
  brief(vbucket: number, meta = false): ReadonlyArray<string> {
    return (this.events.get(vbucket) ?? []).map(brief).filter((text) => meta || !/^(CAUGHTUP|ENDED)/.test(text))
  }

  add(event: DcpEvent): void {
    this.all.push(event)
    if (event.vbucket === undefined) return
    const list = this.events.get(event.vbucket) ?? []
    this.events.set(event.vbucket, list)
    list.push(event)
  }
}

/** What a test has at hand. */
export interface World {
  readonly cluster: CouchbaseCluster
  readonly node: CouchbaseNode
  readonly bucket: Bucket
  /** Stream requests that the nodes got, by vbucket. */
  readonly requests: Map<number, Array<string>>
  /** Starts a consumer in the present scope; `handle` decides what is done with an event, which settles it unless said otherwise. */
  readonly consume: (
    options?: ChangesOptions,
    handle?: (event: DcpEvent) => Effect.Effect<unknown>,
    store?: CheckpointStoreShape
  ) => Effect.Effect<Run, never, Scope.Scope>
  readonly put: (key: string, vbucket?: number, size?: number) => bigint
}

/** Takes over the answer to a packet; says whether it did. */
export type Script = (connection: NodeClient, packet: Gen.Packet, world: World) => boolean

/** Options of a world. */
export interface WorldOptions extends CouchbaseClusterOptions {
  readonly vbuckets?: number
  readonly play?: Script
}

/** Runs a test in a world of its own. */
export const inWorld = (options: WorldOptions, test: (world: World) => Effect.Effect<unknown, unknown, Scope.Scope>): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const { play, vbuckets = 1, ...rest } = options
    const requests = new Map<number, Array<string>>()
    const made: { world?: World } = {}
    const cluster = yield* serveCouchbaseCluster({
      buckets: [{ name: "default", vbuckets }],
      ...rest,
      script: (connection, packet) => {
        if (packet._tag === "DcpStreamRequest") requests.set(packet.vbucket, [...requests.get(packet.vbucket) ?? [], asked(packet)])
        return play !== undefined && made.world !== undefined && play(connection, packet, made.world)
      }
    })
    const node = cluster.nodes[0]!
    const bucket = cluster.buckets.get("default")!
    const seeds = cluster.nodes.map(({ host, port }) => ({ host, port })) as unknown as readonly [{ host: string; port: number }]
    const world: World = {
      cluster,
      node,
      bucket,
      requests,
      put: (key, vbucket = 0, size = 1) => {
        const stored = bucket.store.set(bucket.store.space(vbucket), key, { value: new Uint8Array(size) })
        if (typeof stored === "string") throw new Error(stored)
        return stored.seqno
      },
      consume: Effect.fnUntraced(function*(
        changes: ChangesOptions = {},
        handle?: (event: DcpEvent) => Effect.Effect<unknown>,
        store?: CheckpointStoreShape
      ) {
        const run = new Run()
        const program = Effect.scoped(Effect.gen(function*() {
          const consumer = yield* start({ from: "checkpoint", noopInterval: "1 second", commitInterval: 20, ...changes })
          run.consumer = consumer
          yield* Stream.runForEach(eventsOf(consumer), (event) => {
            handOver(event)
            run.add(event)
            return handle === undefined ? Effect.sync(() => settle(event)) : handle(event)
          })
        })).pipe(
          Effect.provideService(CheckpointStore, store ?? CheckpointStore.memory()),
          Effect.provide(Dcp.layer({ seeds, bucket: "default" }))
        )
        yield* Effect.forkScoped(Effect.onExit(program, (exit) => Effect.sync(() => run.exit = exit as never)))
        return run
      })
    }
    made.world = world
    yield* test(world)
  })) as Effect.Effect<void>)

/** Waits until something is so, at most five seconds. */
export const until = (what: () => boolean, label = "it", milliseconds = 5_000): Effect.Effect<void> =>
  Effect.gen(function*() {
    const start = performance.now()
    while (!what()) {
      if (performance.now() - start > milliseconds) throw new Error(`${label} did not come: ${what.toString()}`)
      yield* Effect.sleep(5)
    }
  })

/** Waits for a fibre that failed or ended. */
export const ended = (run: Run): Effect.Effect<Exit.Exit<void, DcpError>> =>
  Effect.map(until(() => run.exit !== undefined, "the end"), () => run.exit!)

/** The error that a consumer ended with. */
export const failureOf = (run: Run): DcpError | undefined => {
  const { exit } = run
  if (exit === undefined || Exit.isSuccess(exit)) return undefined
  const reason = exit.cause.reasons[0]
  if (reason?._tag !== "Fail") throw new Error(`not a failure: ${String(exit.cause)}`)
  return reason.error
}
