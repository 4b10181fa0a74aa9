/**
 * Requests of a client on their way, and what a protocol says of each: how it is written, and what its answers mean (`KvCalls`, one table per
 * protocol).
 *
 * A call is made once; a request only fills a `KvPacket`. All requests have that one shape, so the encoders stay fast whatever is mixed.
 * Nothing here sends.
 */
import type { EncodeError, Writer } from "@wirewright/codec"
import { type Call, type ConnectionError, Exchange, type Ledger, type OrderedLedger, type Resume } from "@wirewright/connection"
import type { OperationDurations } from "@wirewright/connection/Metrics"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import * as Gen from "./gen/index.ts"
import {
  type MemcachedError,
  NotInProtocol,
  reasonError,
  type RequestFacts,
  type StatusAnswer,
  statusError,
  transportError
} from "./KvError.ts"
import type { KvProtocol } from "./KvOptions.ts"
import type * as Text from "./text/index.ts"

const noBytes = new Uint8Array(0)

/** A document as it was read. */
export interface Document<A = Uint8Array> {
  /** Bytes are a view into what was received: copy what is kept for long, or it keeps up to 256 KiB alive. */
  readonly value: A
  /** Of no meaning to the server. */
  readonly flags: number
  /** Version of the document. */
  readonly cas: bigint
}

/** A write that was done. */
export interface Mutation {
  /** The document's new version; 0 when the server does not tell, which in the text protocol it never does. */
  readonly cas: bigint
}

/** A counter after it was changed. */
export interface Counter extends Mutation {
  readonly value: bigint
}

/** A document, and what became of it. */
export interface Recached extends Document {
  /**
   * `fresh`: it was there. `stale`: it was there, and somebody else is making it anew. `stored`: it was made here. `unstored`: it was made here,
   * but somebody changed or removed the document meanwhile, and what he did stands.
   */
  readonly state: "fresh" | "stale" | "stored" | "unstored"
}

/** What a client counted. */
export interface KvCounts {
  requests: number
  errors: number
}

/** What servers answer, in any of the protocols. */
export type KvAnswer = Gen.Response | Text.Response

/** Makes a request of what the protocol of its connection has. */
export type MakePacket<A> = (resume: Resume<A, MemcachedError>, calls: KvCalls) => KvPacket<A>

/** Whose request it is. */
export interface KvOwner {
  readonly address: string
  readonly counts: KvCounts
  /** How long its requests take, where that is told. */
  readonly durations: OperationDurations | undefined
  /** Makes a further request, for what takes more than one. */
  readonly perform: <A>(make: MakePacket<A>, timeout?: number) => Effect.Effect<A, MemcachedError>
}

/** A request with its fields; which ones count depends on the command. */
export class KvPacket<A> extends Exchange<KvAnswer, A, MemcachedError> {
  readonly pool: KvOwner
  readonly key: string
  readonly value: Uint8Array
  readonly flags: number
  readonly expiration: number
  readonly cas: bigint
  /** What an answer before the last one brought. */
  document: Document | undefined = undefined
  declare protected readonly call: KvCall<A, never>

  constructor(
    pool: KvOwner,
    call: KvCall<A, never>,
    resume: Resume<A, MemcachedError>,
    key: string,
    value: Uint8Array,
    flags: number,
    expiration: number,
    cas: bigint
  ) {
    super(call, resume)
    this.pool = pool
    this.key = key
    this.value = value
    this.flags = flags
    this.expiration = expiration
    this.cas = cas
  }

  /** What the request is, for its errors. */
  get facts(): RequestFacts {
    const { operation, opcode } = this.call
    return { operation, opcode, key: this.key === "" ? undefined : this.key, address: this.pool.address }
  }

  /** Of a request with many answers: whether one is the last. */
  get ends(): ((answer: KvAnswer) => boolean) | undefined {
    return this.call.ends
  }

  protected override measured(outcome: Effect.Effect<A, MemcachedError>): void {
    const { durations } = this.pool
    // what goes on with another request is counted with that
    if (durations === undefined || !Exit.isExit(outcome)) return
    if (outcome._tag === "Success") return durations.succeeded(this.call.operation, this.answeredAfter)
    const { reason } = Cause.squash(outcome.cause) as MemcachedError
    const status = "status" in reason ? { "db.response.status_code": reason.status } : {}
    durations.failed(this.call.operation, this.failedAfter, reason._tag, status)
  }

  override enter(ledger: Ledger<KvAnswer>): number {
    const { answers } = this.call
    return answers === undefined ? ledger.add(this) : (ledger as unknown as OrderedLedger<KvAnswer>).enter(this, answers, 0)
  }

  override expect(ledger: Ledger<KvAnswer>, opcode: number): void {
    if (this.call.answers === undefined) ledger.expect(this.opaque, opcode)
  }
}

/** A request that changes a counter. */
export class CountPacket extends KvPacket<Counter> {
  readonly delta: bigint
  readonly initial: bigint
  /** Milliseconds that each of its steps may take; the client's own when it says nothing. */
  readonly wait: number | undefined
  /** Steps before this one. */
  readonly steps: number

  constructor(
    pool: KvOwner,
    call: KvCall<Counter, CountPacket>,
    resume: Resume<Counter, MemcachedError>,
    key: string,
    delta: bigint,
    initial: bigint,
    expiration: number,
    wait: number | undefined,
    steps = 0
  ) {
    super(pool, call, resume, key, noBytes, 0, expiration, 0n)
    this.delta = delta
    this.initial = initial
    this.wait = wait
    this.steps = steps
  }
}

/** Answers that are collected until the last one. */
export class StatsPacket extends KvPacket<ReadonlyMap<string, string>> {
  readonly found = new Map<string, string>()

  /** @param group of statistics; empty for those that have none */
  constructor(
    pool: KvOwner,
    call: KvCall<ReadonlyMap<string, string>, StatsPacket>,
    resume: Resume<ReadonlyMap<string, string>, MemcachedError>,
    group: string
  ) {
    super(pool, call, resume, group, noBytes, 0, 0, 0n)
  }
}

/** Many keys, asked for at once. */
export class ManyPacket extends KvPacket<ReadonlyMap<string, Document>> {
  readonly found = new Map<string, Document>()
  failure: MemcachedError | undefined
  readonly keys: ReadonlyArray<string>
  /** Lines whose answers have not all come, where each has an end of its own. */
  lines = 1

  constructor(
    pool: KvOwner,
    call: KvCall<ReadonlyMap<string, Document>, ManyPacket>,
    resume: Resume<ReadonlyMap<string, Document>, MemcachedError>,
    keys: ReadonlyArray<string>
  ) {
    super(pool, call, resume, "", noBytes, 0, 0, 0n)
    this.keys = keys
  }

  override get ends(): (answer: KvAnswer) => boolean {
    return this.ended
  }

  override expect(ledger: Ledger<KvAnswer>): void {
    if (this.call.answers === undefined) ledger.expect(this.opaque, Gen.Opcode.GetKQ, Gen.Opcode.Noop)
  }

  private readonly ended = (answer: KvAnswer): boolean => this.call.ends!(answer) && --this.lines <= 0

  /** Keeps the first refusal, which is the outcome once all is answered. */
  refused(status: StatusAnswer): void {
    if (this.failure !== undefined) return
    this.pool.counts.errors++
    this.failure = statusError(this.facts, status)
  }

  settled(): Exit.Exit<ReadonlyMap<string, Document>, MemcachedError> {
    return this.failure === undefined ? Exit.succeed(this.found) : Exit.fail(this.failure)
  }
}

/** A meta command as it is written. */
export interface MetaRequest {
  readonly key: string
  readonly flags: ReadonlyArray<{ readonly _tag: string }>
  readonly value?: Uint8Array
}

/** A meta command whose flags are the caller's. */
export class MetaPacket<A> extends KvPacket<A> {
  readonly request: MetaRequest

  constructor(pool: KvOwner, call: KvCall<A, MetaPacket<A>>, resume: Resume<A, MemcachedError>, request: MetaRequest) {
    super(pool, call, resume, request.key, noBytes, 0, 0, 0n)
    this.request = request
  }
}

/** A command of a client in one of the protocols. */
export interface KvCall<A, Packet extends KvPacket<A> = KvPacket<A>> extends Call<Packet, KvAnswer, A, MemcachedError> {
  readonly operation: string
  /** Where the protocol has such. */
  readonly opcode: number | undefined
  /** Packets that may answer it, where their order says what they answer. */
  readonly answers: ReadonlyArray<string> | undefined
  /** Of many answers, whether one is the last. */
  readonly ends: ((answer: KvAnswer) => boolean) | undefined
}

/** What a protocol has for each thing that a client can be asked. */
export interface KvCalls {
  readonly protocol: Exclude<KvProtocol, "auto">
  readonly get: KvCall<Option.Option<Document>>
  readonly getAndTouch: KvCall<Option.Option<Document>>
  readonly getMany: KvCall<ReadonlyMap<string, Document>, ManyPacket>
  readonly set: KvCall<Mutation>
  readonly add: KvCall<Mutation>
  readonly replace: KvCall<Mutation>
  readonly append: KvCall<Mutation>
  readonly prepend: KvCall<Mutation>
  readonly remove: KvCall<boolean>
  readonly touch: KvCall<boolean>
  readonly increment: KvCall<Counter, CountPacket>
  readonly decrement: KvCall<Counter, CountPacket>
  readonly noop: KvCall<void>
  /** Flags: the level. */
  readonly verbosity: KvCall<void>
  readonly flush: KvCall<void>
  readonly version: KvCall<string>
  /** Key: the group of statistics. */
  readonly stats: KvCall<ReadonlyMap<string, string>, StatsPacket>
  /** Appends the packet that takes leave, which is answered only in the binary protocol. */
  readonly leave: (writer: Writer, opaque: number) => void
  readonly metaGet: KvCall<Text.MetaValue | Text.MetaDone | Text.MetaMiss, MetaPacket<Text.MetaValue | Text.MetaDone | Text.MetaMiss>>
  readonly metaSet: KvCall<MetaWritten, MetaPacket<MetaWritten>>
  readonly metaDelete: KvCall<MetaWritten, MetaPacket<MetaWritten>>
  readonly metaArithmetic: KvCall<Text.MetaValue | MetaWritten, MetaPacket<Text.MetaValue | MetaWritten>>
  readonly metaDebug: KvCall<Text.MetaItem | Text.MetaMiss, MetaPacket<Text.MetaItem | Text.MetaMiss>>
}

/** What becomes of a write in the meta protocol. */
export type MetaWritten = Text.MetaDone | Text.MetaNotStored | Text.MetaExists | Text.MetaNotFound

/** What every call of a protocol is made of. */
interface CallOptions<A, Packet, Answer> {
  readonly operation: string
  readonly opcode?: number
  /** It changes something: losing its answer is ambiguous. */
  readonly writes: boolean
  readonly answers?: ReadonlyArray<string> | undefined
  readonly ends?: (answer: Answer) => boolean
  readonly encode: (writer: Writer, packet: Packet) => void
  readonly interpret: (answer: Answer, packet: Packet) => Effect.Effect<A, MemcachedError> | undefined
}

/** Thrown instead of writing a packet: its protocol has none for this. */
class Unspoken extends Error {
  readonly reason: NotInProtocol

  constructor(reason: NotInProtocol) {
    super(reason.message)
    this.reason = reason
  }
}

/** Makes a call. */
export const makeCall = <A, Packet extends KvPacket<A>, Answer extends KvAnswer>(
  { answers, encode, ends, interpret, opcode, operation, writes }: CallOptions<A, Packet, Answer>
): KvCall<A, Packet> => ({
  operation,
  opcode,
  writes,
  answers,
  ends: ends as KvCall<A>["ends"],
  encode,
  interpret: interpret as unknown as KvCall<A, Packet>["interpret"],
  failed: (error: ConnectionError | EncodeError | Unspoken, packet) => {
    packet.pool.counts.errors++
    return Exit.fail(
      error instanceof Unspoken ? reasonError(packet.facts, error.reason) : transportError(packet.facts, error)
    )
  }
})

/** The protocol has no way to say this. Throws. */
export const unspoken = (protocol: NotInProtocol["protocol"], what: string): never => {
  throw new Unspoken(new NotInProtocol({ protocol, what }))
}

/** A command that the protocol does not have. */
export const lacking = <A, Packet extends KvPacket<A>>(
  protocol: NotInProtocol["protocol"],
  operation: string,
  what: string = operation
): KvCall<A, Packet> =>
  makeCall<A, Packet, KvAnswer>({
    operation,
    writes: false,
    answers: protocol === "binary" ? undefined : [],
    encode: () => unspoken(protocol, what),
    interpret: () => undefined
  })

/** The server refused. */
export const refused = (
  answer: StatusAnswer,
  packet: { readonly facts: RequestFacts; readonly pool: KvOwner }
): Exit.Exit<never, MemcachedError> => {
  packet.pool.counts.errors++
  return Exit.fail(statusError(packet.facts, answer))
}

/** Meta commands, which only the meta protocol has. */
export const withoutMeta = (protocol: NotInProtocol["protocol"]) => ({
  metaGet: lacking<never, never>(protocol, "metaGet", "meta commands") as unknown as KvCalls["metaGet"],
  metaSet: lacking<never, never>(protocol, "metaSet", "meta commands") as unknown as KvCalls["metaSet"],
  metaDelete: lacking<never, never>(protocol, "metaDelete", "meta commands") as unknown as KvCalls["metaDelete"],
  metaArithmetic: lacking<never, never>(protocol, "metaArithmetic", "meta commands") as unknown as KvCalls["metaArithmetic"],
  metaDebug: lacking<never, never>(protocol, "metaDebug", "meta commands") as unknown as KvCalls["metaDebug"]
})
