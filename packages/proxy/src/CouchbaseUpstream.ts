/**
 * A Couchbase bucket behind the proxy: every request goes to the node that has its key, and is repeated there when the key has moved.
 *
 * One connection per node, without reordering, keeps a client's requests for a key in order; while a vbucket moves, its requests wait
 * together and go on in the order in which they came. It knows packets only through `CouchbaseDialect`.
 */
import { EncodeError, type Writer } from "@wirewright/codec"
import { encode, type Request, type Response, Status } from "@wirewright/couchbase/gen"
import { Cluster, type KvConnection, type NodePool, type OpenError } from "@wirewright/couchbase/node"
import { allowsPlainWithoutTls } from "@wirewright/couchbase"
import { type ConnectionError, Outage, Relayed, timers } from "@wirewright/connection"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Refusal } from "@wirewright/memcached"
import { Status as ClassicStatus } from "@wirewright/memcached/gen"
import { bucketHandlers } from "./BucketHandlers.ts"
import { type BucketOutcome, classicAnswer, features, outcomeOf, translate } from "./CouchbaseDialect.ts"
import { forkInScope } from "./Fork.ts"
import { lostBy, lostRequest, notPassedOn } from "./Refused.ts"
import type { Lost, Slot } from "./ProxySession.ts"
import type { Frame } from "./RawFrame.ts"
import { type CouchbaseTarget, type UpstreamOptions, type Upstreams } from "./Upstream.ts"

/** Who asks, and hears what came of it. */
interface Asker {
  /** The request changes something. */
  readonly writes: boolean
  /** Receives an answer; true when it was the last one. */
  readonly answered: (answer: Response) => boolean
  /** There will be no (further) answer. */
  readonly lost: (why: Lost) => void
  /** What is asked cannot be said to a node. */
  readonly unencodable: () => void
}

/** A request on its way through the bucket. */
interface BucketCall {
  readonly asker: Asker
  readonly request: Request
  /** -1 for requests any node may answer. */
  readonly vbucket: number
  /** Order of arrival. */
  readonly turn: number
  attempts: number
}

/** How often a request follows its vbucket, and how long it waits for that when the map does not say where to. */
const maxAttempts = 20
const pause = "50 millis"

/** A binary client that asks. */
class SlotAsker implements Asker {
  private readonly slot: Slot
  private readonly key: string

  constructor(slot: Slot, key: string) {
    this.slot = slot
    this.key = key
  }

  get writes(): boolean {
    return this.slot.command!.writes
  }

  answered(answer: Response): boolean {
    const { slot, writes } = this
    const classic = classicAnswer(answer, slot.command!.loud, this.key, writes)
    if (classic !== undefined) return slot.answer(classic)
    slot.fail(writes ? "ambiguous" : "misbehaved")
    return true
  }

  lost(why: Lost): void {
    this.slot.fail(why)
  }

  unencodable(): void {
    this.slot.refuse(ClassicStatus.Einval)
  }
}

/** Requests on their way to one bucket. */
class Bucket {
  private readonly cluster: Cluster
  private readonly fork: (effect: Effect.Effect<void>) => void
  private readonly timeout: number
  /** Requests that wait for their vbucket's new node. */
  private readonly moving = new Map<number, Array<BucketCall>>()
  private turn = 0

  constructor(cluster: Cluster, fork: (effect: Effect.Effect<void>) => void, timeout: number) {
    this.cluster = cluster
    this.fork = fork
    this.timeout = timeout
  }

  readonly send = (slot: Slot, frame: Frame): void => {
    const translated = translate(frame)
    if (translated._tag === "Refused") return slot.refuse(translated.status)
    const { request } = translated
    const key = translated._tag === "Keyed" ? translated.key : undefined
    this.ask(request, key, new SlotAsker(slot, key ?? ""))
  }

  /** Asks about a key, or any node where there is none. */
  ask(request: Request, key: string | undefined, asker: Asker): void {
    const vbucket = key === undefined ? -1 : this.cluster.vbucketOf(key)
    this.dispatch({ asker, request, vbucket, turn: this.turn++, attempts: 0 })
  }

  private dispatch(call: BucketCall): void {
    const waiting = this.moving.get(call.vbucket)
    if (waiting !== undefined) return void waiting.push(call)
    const pool = call.vbucket < 0 ? this.cluster.nodes[0] : this.cluster.poolOf(call.vbucket)
    if (pool === undefined) this.moved(call, false)
    else if (pool.take() === undefined) this.connect(pool, call)
    else this.submit(pool, call)
  }

  /** Errands that wait for the same connection go on in their order. */
  private connect(pool: NodePool, call: BucketCall): void {
    this.fork(Effect.map(Effect.exit(pool.connect), (exit: Exit.Exit<unknown, OpenError>) => {
      if (Exit.isSuccess(exit)) return this.submit(pool, call)
      this.fork(this.cluster.refresh)
      call.asker.lost("unavailable")
    }))
  }

  private submit(pool: NodePool, call: BucketCall): void {
    const connection = pool.take()
    if (connection === undefined) return call.asker.lost("unavailable")
    const { asker, request, vbucket } = call
    const { collections } = connection.session.states
    // without collections a key has no prefix
    const fields = collections || !("collectionId" in request) ? request : { ...request, collectionId: undefined }
    const sink = {
      answer: (answer: Response) => this.answered(call, answer, connection),
      fail: (error: ConnectionError | EncodeError) => error instanceof EncodeError ? asker.unencodable() : asker.lost(lostBy(error))
    }
    const write = (writer: Writer, opaque: number): void => encode(writer, { ...fields, opaque, vbucket: Math.max(0, vbucket) } as Request)
    connection.packets.begin(new Relayed(write, sink, asker.writes), this.timeout)
  }

  private answered(call: BucketCall, answer: Response, connection: KvConnection): boolean {
    if (answer.status !== Status.NotMyVbucket) return call.asker.answered(answer)
    this.moved(call, answer._tag === "ErrorResponse" && this.cluster.redirected(answer, connection))
    return true
  }

  /** A request whose vbucket is elsewhere was not carried out, so it is repeated. */
  private moved(call: BucketCall, informed: boolean): void {
    if (++call.attempts > maxAttempts) return call.asker.lost("unavailable")
    const waiting = this.moving.get(call.vbucket)
    if (waiting !== undefined) return void waiting.push(call)
    this.moving.set(call.vbucket, [call])
    const ready = informed ? Effect.sleep(0) : Effect.andThen(this.cluster.refresh, Effect.sleep(pause))
    this.fork(Effect.map(ready, () => {
      const errands = this.moving.get(call.vbucket) ?? []
      this.moving.delete(call.vbucket)
      for (const one of errands.sort((a, b) => a.turn - b.turn)) this.dispatch(one)
    }))
  }
}

/** Begins with the bucket's nodes; all clients share the connections. */
export const couchbaseUpstream = (
  target: CouchbaseTarget,
  options: UpstreamOptions = {}
): Effect.Effect<Upstreams, OpenError, Scope.Scope> =>
  Effect.gen(function*() {
    const { user, password, seeds, network, mechanisms } = target
    const { requestTimeout, tls, connectTimeout } = options
    const fork = yield* forkInScope
    const outages = new Map<string, Outage>()
    const outage = (address: string): Outage => {
      const there = outages.get(address)
      if (there !== undefined) return there
      const made = new Outage("upstream", address)
      outages.set(address, made)
      options.outages?.push(made)
      return made
    }
    let begun = false
    const cluster = yield* Cluster.make({
      watch: {
        opened: (address) => fork(outage(address).found),
        // before the beginning, the error of the beginning says it
        failed: (address, error) => void (begun && fork(outage(address).failed(error))),
        closed: (address, error) => void (begun && fork(outage(address).lost(error)))
      },
      agent: "wirewright proxy",
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
      features,
      credentials: {
        user,
        password,
        ...(mechanisms === undefined ? {} : { mechanisms, allowPlainWithoutTls: allowsPlainWithoutTls(target) })
      },
      bucket: target.bucket,
      seeds,
      ...(network === undefined ? {} : { network }),
      ...(tls === undefined ? {} : { tls }),
      ...(connectTimeout === undefined ? {} : { connectTimeout }),
      ...(requestTimeout === undefined ? {} : { requestTimeout })
    })
    begun = true
    const bucket = new Bucket(
      cluster,
      fork,
      Duration.toMillis(requestTimeout ?? target.timeout ?? "2500 millis")
    )
    const { unixTime } = yield* timers
    const handlers = bucketHandlers((request, key, writes) =>
      Effect.callback((resume) => {
        const found: Array<Exclude<BucketOutcome, Refusal>> = []
        bucket.ask(request, key, {
          writes,
          answered: (answer) => {
            const outcome = outcomeOf(answer, writes)
            if (outcome === undefined) resume(Effect.fail(lostRequest(writes ? "ambiguous" : "misbehaved")))
            else if (outcome._tag === "Refusal") resume(Effect.fail(outcome))
            else {
              found.push(outcome)
              if (outcome._tag === "Stat" && (outcome.name !== "" || outcome.value !== "")) return false
              resume(Effect.succeed(found))
            }
            return true
          },
          lost: (why) => resume(Effect.fail(lostRequest(why))),
          unencodable: () => resume(Effect.fail(notPassedOn))
        })
      }), unixTime)
    return () => ({ send: bucket.send, handlers })
  })
