/**
 * Scans of a collection: all its vbuckets, some at a time, each in the order of its keys, a batch whenever whoever reads wants one.
 *
 * A scan lives with the node that made it. When that is lost, the vbucket moved or the node gave the scan up, another one is made after the
 * last key that was returned, so that within a vbucket nothing comes twice and nothing is missed. What no repetition helps against fails the
 * stream: it is never short without saying so.
 */
import { compareText } from "@wirewright/codec"
import { RequestTimeout } from "@wirewright/connection"
import { Datatype } from "@wirewright/memcached/gen/Types"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { kept, received, type SnappyCodec } from "./Documents.ts"
import * as Gen from "./gen/index.ts"
import { HelloFeature, type MutationToken, Status } from "./gen/Types.ts"
import type { KvConnection } from "./KvConnection.ts"
import type { KvDispatch } from "./KvDispatch.ts"
import { InvalidRequest, InvalidValue, type KvError, kvError, type KvReason } from "./KvError.ts"
import { type Document, more, type Operation, refused } from "./KvOperations.ts"
import { decide } from "./Retry.ts"
import { after, newestTokens, readSelection, type ScanSelection, scanText, shuffled, type VbucketSelection } from "./ScanSelection.ts"

/** A document as a scan finds it. */
export interface ScannedDocument extends Document {
  readonly key: string
  /** Unix time in seconds at which it expires, 0 for never. */
  readonly expiry: number
  readonly seqno: bigint
}

/** A write that a scan must see: the key, and the token that the write gave. */
export interface SeenWrite {
  readonly key: string
  readonly token: MutationToken
}

/** Options of scans. */
export interface KvScanOptions {
  /** Time for the whole scan. Default: 75 seconds. */
  readonly timeout?: Duration.Input
  /** Most documents of one answer; 0 for no limit. Default: 50. */
  readonly batchItems?: number
  /** Bytes after which an answer ends; 0 for no limit. Default: 15 000. */
  readonly batchBytes?: number
  /**
   * Vbuckets that are read at a time; each may be a batch ahead of whoever reads. A sample is of one vbucket after the other, whatever this
   * says. Default: 4.
   */
  readonly concurrency?: number
  /** Writes that the scan must see. */
  readonly consistentWith?: Iterable<SeenWrite>
}

/** How the documents or keys of a scan are made. */
interface Kind<A> {
  readonly keysOnly: boolean
  readonly make: (found: Found) => Result.Result<A, string>
}

type Found = Gen.RangeScanKey | Gen.RangeScanDocument

const keys: Kind<string> = { keysOnly: true, make: ({ key }) => Result.succeed(key) }

const documents = (snappy: SnappyCodec | undefined): Kind<ScannedDocument> => ({
  keysOnly: false,
  make: (found) => {
    if (!("value" in found)) return Result.fail("the node returned a key where a document was asked for")
    const { cas, datatype, expiry, flags, key, seqno, value } = found
    return Result.map(received(value, datatype, snappy), (bytes) => ({ key, value: kept(bytes), flags, cas, expiry, seqno }))
  }
})

interface Limits {
  readonly items: number
  readonly bytes: number
  /** The time of `Timers.now` at which the time of the scan is over. */
  readonly deadline: number
  /** Milliseconds of the whole scan. */
  readonly timeout: number
}

/** A scan that a node has made. */
interface OpenScan {
  readonly connection: KvConnection
  readonly uuid: Uint8Array
}

interface Batch {
  readonly found: Array<Found>
  complete: boolean
}

/** Reasons after which another scan can go on after the last key. */
const resumable: ReadonlySet<KvReason["_tag"]> = new Set([
  "NotFound",
  "NotMyVbucket",
  "RangeScanCancelled",
  "ConnectionLost",
  "ConnectionClosed",
  "PeerStalled"
])

/** Answers that a continue is given in time to spare after the scan's own time is over. */
const grace = 10_000

const scanNeeds = ["rangeScan", HelloFeature.Json] as const

/** Facts of a failure that no node told. */
const facts = (vbucket: number | undefined, attempts: number) => ({
  operation: "RangeScanCreate",
  key: undefined,
  address: undefined,
  vbucket,
  opaque: undefined,
  status: undefined,
  ambiguous: false,
  attempts
})

/** The scan of one vbucket. */
class VbucketScan {
  private readonly dispatch: KvDispatch
  private readonly path: string
  private readonly vbucket: number
  private readonly keysOnly: boolean
  private readonly limits: Limits
  private readonly token: MutationToken | undefined
  private selection: VbucketSelection
  private open: OpenScan | undefined
  private last: string | undefined
  private closed = false
  /** Scans that were made one after the other and returned nothing. */
  private fruitless = 0
  private fruitlessSince = 0
  /** Nothing more will come. */
  ended = false

  constructor(
    dispatch: KvDispatch,
    path: string,
    vbucket: number,
    keysOnly: boolean,
    selection: VbucketSelection,
    limits: Limits,
    token: MutationToken | undefined
  ) {
    this.dispatch = dispatch
    this.path = path
    this.vbucket = vbucket
    this.keysOnly = keysOnly
    this.selection = selection
    this.limits = limits
    this.token = token
  }

  /** Milliseconds left. */
  private get left(): number {
    return this.limits.deadline - this.dispatch.timers.now()
  }

  /** Some more of it; may be nothing although more is to come. */
  readonly next: Effect.Effect<ReadonlyArray<Found>, KvError> = Effect.suspend(() => {
    if (this.left <= 0) return this.late
    return this.open === undefined ? this.create : this.proceed(this.open)
  })

  /** Ends the scan with the node, unless that has ended it. */
  readonly close: Effect.Effect<void> = Effect.sync(() => {
    this.closed = true
    if (this.open !== undefined) this.cancel(this.open)
    this.open = undefined
  })

  private readonly late = Effect.suspend(() =>
    Effect.fail(kvError(new RequestTimeout({ milliseconds: this.limits.timeout }), facts(this.vbucket, this.fruitless + 1)))
  )

  private readonly create: Effect.Effect<ReadonlyArray<Found>, KvError> = Effect.suspend(() => {
    const { keysOnly, selection, token, vbucket } = this
    let connection: KvConnection | undefined
    const operation: Operation<Option.Option<OpenScan>> = {
      name: "RangeScanCreate",
      key: "",
      vbucket,
      writes: false,
      whenExists: "Never",
      needs: scanNeeds,
      write: (writer, route) => {
        connection = route.connection
        const consistentWith = token === undefined ? undefined : { token, timeout: Math.max(1, Math.floor(this.left)) }
        const scan = scanText({ selection, collectionId: route.collectionId, keysOnly, consistentWith })
        Gen.encodeRangeScanCreate(writer, { opaque: route.opaque, vbucket, datatype: Datatype.json, scan })
      },
      read: (answer) => {
        if (answer._tag !== "RangeScanCreateResponse") return answer.status === Status.KeyEnoent ? Option.none() : refused
        const made = { connection: connection!, uuid: answer.scanUuid.slice() }
        // whoever wanted it may be gone by now
        if (this.closed) this.cancel(made)
        else this.open = made
        return Option.some(made)
      }
    }
    return Effect.map(this.dispatch.run(operation, this.path, Math.max(1, this.left)), (made) => {
      if (Option.isNone(made)) this.ended = true
      return []
    })
  })

  private proceed({ connection, uuid }: OpenScan): Effect.Effect<ReadonlyArray<Found>, KvError> {
    const { bytes, items } = this.limits
    const { left, vbucket } = this
    const batch: Batch = { found: [], complete: false }
    const operation: Operation<void> = {
      name: "RangeScanContinue",
      key: "",
      vbucket,
      writes: false,
      whenExists: "Never",
      needs: [],
      write: (writer, { opaque }) =>
        Gen.encodeRangeScanContinue(writer, {
          opaque,
          vbucket,
          scanUuid: uuid,
          itemLimit: items,
          timeLimitMs: Math.max(1, Math.min(Math.floor(left), 0xffff_ffff)),
          byteLimit: bytes
        }),
      read: (answer) => {
        if (answer._tag !== "RangeScanContinueResponse") return refused
        for (const one of answer.layout === "Keys" ? answer.keys : answer.documents) batch.found.push(one)
        if (answer.status === Status.Success) return more
        batch.complete = answer.status === Status.RangeScanComplete
        return undefined
      }
    }
    return this.dispatch.once(operation, this.path, connection, left + grace).pipe(
      Effect.timeoutOrElse({ duration: left, orElse: () => this.late }),
      Effect.map(() => {
        if (batch.complete) {
          this.ended = true
          this.open = undefined
        }
        return this.taken(batch)
      }),
      Effect.catch((error) => {
        if (!resumable.has(error.reason._tag)) return Effect.fail(error)
        this.open = undefined
        return this.again(this.taken(batch), error)
      })
    )
  }

  /** What is new of a batch. */
  private taken({ found }: Batch): ReadonlyArray<Found> {
    const { last, selection } = this
    // a sample that was begun anew draws again what it has drawn before
    const fresh = selection._tag === "Sample" && last !== undefined ? found.filter(({ key }) => compareText(key, last) > 0) : found
    if (fresh.length === 0) return fresh
    this.last = fresh.at(-1)!.key
    this.fruitless = 0
    return fresh
  }

  /** Lets another scan go on after what was returned; gives up when that returns nothing time and again. */
  private again(found: ReadonlyArray<Found>, error: KvError): Effect.Effect<ReadonlyArray<Found>, KvError> {
    if (this.last !== undefined) this.selection = after(this.selection, this.last)
    const now = this.dispatch.timers.now()
    if (this.fruitless++ === 0) this.fruitlessSince = now
    const policy = { ...this.dispatch.policy, budget: this.limits.timeout }
    const decision = decide(
      { _tag: "Status", retry: "retry" },
      this.fruitless,
      now - this.fruitlessSince,
      policy,
      this.dispatch.random.nextDoubleUnsafe()
    )
    if (decision._tag === "GiveUp") return Effect.fail(error)
    return found.length > 0 ? Effect.succeed(found) : Effect.as(Effect.sleep(Math.min(decision.delay, Math.max(1, this.left))), found)
  }

  private cancel({ connection, uuid }: OpenScan): void {
    const { vbucket } = this
    const asked = connection.packets.request((writer, opaque) => Gen.encodeRangeScanCancel(writer, { opaque, vbucket, scanUuid: uuid }))
    Effect.runFork(Effect.ignore(asked))
  }
}

const invalid = (message: string): Stream.Stream<never, KvError> =>
  Stream.fail(kvError(new InvalidRequest({ message }), facts(undefined, 0)))

const scan = <A>(
  dispatch: KvDispatch,
  path: string,
  kind: Kind<A>,
  given: ScanSelection,
  options: KvScanOptions
): Stream.Stream<A, KvError> =>
  Stream.suspend(() => {
    const { batchBytes = 15_000, batchItems = 50, concurrency = 4, consistentWith = [] } = options
    const whole = (value: number, least: number): boolean => Number.isInteger(value) && value >= least && value <= 0xffff_ffff
    if (!whole(batchItems, 0) || !whole(batchBytes, 0)) return invalid("a limit of a batch is a whole number from 0 to 2³²−1")
    if (!whole(concurrency, 1)) return invalid("the concurrency is 1 or more")
    const selected = readSelection(given, dispatch.random.nextDoubleUnsafe())
    if (Result.isFailure(selected)) return invalid(selected.failure)
    const selection = selected.success
    const { cluster } = dispatch
    const timeout = Duration.toMillis(options.timeout ?? "75 seconds")
    const limits: Limits = { items: batchItems, bytes: batchBytes, deadline: dispatch.timers.now() + timeout, timeout }
    const tokens = newestTokens(consistentWith, (key) => cluster.vbucketOf(key))
    // a node without a map of vbuckets is asked, and says what it lacks
    const count = Math.max(1, cluster.map?.vbuckets.length ?? 0)

    const made = (found: ReadonlyArray<Found>, vbucket: number): Effect.Effect<ReadonlyArray<A>, KvError> => {
      const results: Array<A> = []
      for (const one of found) {
        const result = kind.make(one)
        if (Result.isFailure(result)) {
          const error = kvError(new InvalidValue({ message: result.failure }), {
            ...facts(vbucket, 1),
            operation: "RangeScanContinue",
            key: one.key
          })
          return Effect.fail(error)
        }
        results.push(result.success)
      }
      return Effect.succeed(results)
    }
    const ofVbucket = (vbucket: number): Stream.Stream<A, KvError> =>
      Stream.unwrap(Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => new VbucketScan(dispatch, path, vbucket, kind.keysOnly, selection, limits, tokens.get(vbucket))),
          (one) => one.close
        ),
        (one) =>
          Stream.paginate(undefined, () =>
            Effect.map(
              Effect.flatMap(one.next, (found) => made(found, vbucket)),
              (results) => [results, one.ended ? Option.none() : Option.some(undefined)] as const
            ))
      ))
    if (selection._tag === "Sample") {
      const all = Stream.flatMap(Stream.fromIterable(shuffled(count, selection.seed)), ofVbucket)
      return Stream.take(all, selection.samples)
    }
    const vbuckets = Stream.fromIterable(Array.from({ length: count }, (_, vbucket) => vbucket))
    return Stream.flatMap(vbuckets, ofVbucket, { concurrency: Math.min(concurrency, count), bufferSize: 1 })
  })

/** Scans keys. */
export const scanKeys = (dispatch: KvDispatch, path: string, selection: ScanSelection, options: KvScanOptions) =>
  scan(dispatch, path, keys, selection, options)

/** Scans documents. */
export const scanDocuments = (
  dispatch: KvDispatch,
  path: string,
  selection: ScanSelection,
  options: KvScanOptions,
  snappy: SnappyCodec | undefined
) => scan(dispatch, path, documents(snappy), selection, options)
