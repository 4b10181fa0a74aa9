/**
 * The classic commands as a client uses them: how each is written, and what its answers mean.
 *
 * Made once; a request only fills a `KvPacket`. All requests have that one shape, so the encoders stay fast whatever is mixed. Nothing here
 * sends.
 */
import type { EncodeError, Writer } from "@wirewright/codec"
import { type Call, type ConnectionError, Exchange, type Ledger, type Resume } from "@wirewright/connection"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Gen from "./gen/index.ts"
import { type RequestFacts, type MemcachedError, statusError, transportError } from "./KvError.ts"

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
  /** The document's new version; 0 when the server does not tell. */
  readonly cas: bigint
}

/** A counter after it was changed. */
export interface Counter extends Mutation {
  readonly value: bigint
}

/** What a client counted. */
export interface KvCounts {
  requests: number
  errors: number
}

/** Whose request it is. */
export interface KvOwner {
  readonly address: string
  readonly counts: KvCounts
}

/** A request with its fields; which ones count depends on the command. */
export class KvPacket<A> extends Exchange<Gen.Response, A, MemcachedError> {
  readonly pool: KvOwner
  readonly key: string
  readonly value: Uint8Array
  readonly flags: number
  readonly expiration: number
  readonly cas: bigint
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
}

/** A request that changes a counter. */
export class CountPacket extends KvPacket<Counter> {
  readonly delta: bigint
  readonly initial: bigint

  constructor(
    pool: KvOwner,
    call: KvCall<Counter, CountPacket>,
    resume: Resume<Counter, MemcachedError>,
    key: string,
    delta: bigint,
    initial: bigint,
    expiration: number
  ) {
    super(pool, call, resume, key, noBytes, 0, expiration, 0n)
    this.delta = delta
    this.initial = initial
  }
}

/** A command of a client. */
export interface KvCall<A, Packet extends KvPacket<A> = KvPacket<A>> extends Call<Packet, Gen.Response, A, MemcachedError> {
  readonly operation: string
  readonly opcode: number
}

/** What encoders need of a request. */
type Fields = Pick<KvPacket<unknown>, "opaque" | "key" | "value" | "flags" | "expiration" | "cas">

type Encode<Packet> = (writer: Writer, packet: Packet) => void

const make = <A, Packet extends KvPacket<A> = KvPacket<A>>(
  operation: string,
  opcode: number,
  writes: boolean,
  encode: Encode<Packet>,
  interpret: (answer: Gen.Response, packet: Packet) => Effect.Effect<A, MemcachedError> | undefined
): KvCall<A, Packet> => ({
  operation,
  opcode,
  writes,
  encode,
  interpret,
  failed: (error: ConnectionError | EncodeError, packet) => {
    packet.pool.counts.errors++
    return Exit.fail(transportError(packet.facts, error))
  }
})

const refused = (
  answer: Gen.Response,
  packet: { readonly facts: RequestFacts; readonly pool: KvOwner }
): Exit.Exit<never, MemcachedError> => {
  packet.pool.counts.errors++
  return Exit.fail(statusError(packet.facts, answer))
}

const none: Exit.Exit<Option.Option<never>> = Exit.succeed(Option.none())
const nothing: Exit.Exit<void> = Exit.void

/** A command that reads one document. */
const read = (operation: string, opcode: number, writes: boolean, encode: Encode<Fields>) =>
  make<Option.Option<Document>>(operation, opcode, writes, encode, (answer, packet) => {
    if (answer._tag === "GetResponse" || answer._tag === "GatResponse") return Exit.succeed(Option.some(answer))
    return answer.status === Gen.Status.KeyEnoent ? none : refused(answer, packet)
  })

/** A command that changes a document or fails. */
const mutate = (operation: string, opcode: number, encode: Encode<Fields>) =>
  make<Mutation>(
    operation,
    opcode,
    true,
    encode,
    (answer, packet) => answer.status === Gen.Status.Success ? Exit.succeed(answer) : refused(answer, packet)
  )

/** A command that says whether there was a document. */
const whether = (operation: string, opcode: number, encode: Encode<Fields>) =>
  make<boolean>(operation, opcode, true, encode, (answer, packet) =>
    answer.status === Gen.Status.Success
      ? Exit.succeed(true)
      : answer.status === Gen.Status.KeyEnoent
      ? Exit.succeed(false)
      : refused(answer, packet))

const count = (operation: string, opcode: number, encode: Encode<CountPacket>) =>
  make<Counter, CountPacket>(
    operation,
    opcode,
    true,
    encode,
    (answer, packet) =>
      answer._tag === "IncrementResponse" || answer._tag === "DecrementResponse"
        ? Exit.succeed(answer)
        : refused(answer, packet)
  )

/** A command without a key whose success says nothing. */
const plain = (operation: string, opcode: number, writes: boolean, encode: Encode<Fields>) =>
  make<void>(
    operation,
    opcode,
    writes,
    encode,
    (answer, packet) => answer.status === Gen.Status.Success ? nothing : refused(answer, packet)
  )

const { Opcode } = Gen

export const get = read("get", Opcode.Get, false, Gen.encodeGet)
export const getAndTouch = read("getAndTouch", Opcode.Gat, true, Gen.encodeGat)
export const set = mutate("set", Opcode.Set, Gen.encodeSet)
export const add = mutate("add", Opcode.Add, Gen.encodeAdd)
export const replace = mutate("replace", Opcode.Replace, Gen.encodeReplace)
export const append = mutate("append", Opcode.Append, Gen.encodeAppend)
export const prepend = mutate("prepend", Opcode.Prepend, Gen.encodePrepend)
export const remove = whether("remove", Opcode.Delete, Gen.encodeDelete)
export const touch = whether("touch", Opcode.Touch, Gen.encodeTouch)
export const increment = count("increment", Opcode.Increment, Gen.encodeIncrement)
export const decrement = count("decrement", Opcode.Decrement, Gen.encodeDecrement)
export const noop = plain("noop", Opcode.Noop, false, Gen.encodeNoop)
export const quit = plain("quit", Opcode.Quit, false, Gen.encodeQuit)
export const verbosity = plain(
  "verbosity",
  Opcode.Verbosity,
  true,
  (writer, packet) => Gen.encodeVerbosity(writer, { opaque: packet.opaque, verbosity: packet.flags })
)
export const flush = plain(
  "flush",
  Opcode.Flush,
  true,
  (writer, packet) =>
    Gen.encodeFlush(writer, packet.expiration === 0 ? { opaque: packet.opaque } : { opaque: packet.opaque, expiration: packet.expiration })
)

export const version = make<string>(
  "version",
  Opcode.Version,
  false,
  Gen.encodeVersion,
  (answer, packet) => answer._tag === "VersionResponse" ? Exit.succeed(answer.version) : refused(answer, packet)
)

export const mechanisms = make<string>(
  "authenticate",
  Opcode.SaslListMechs,
  false,
  Gen.encodeSaslListMechs,
  (answer, packet) => answer._tag === "SaslListMechsResponse" ? Exit.succeed(answer.mechanisms) : refused(answer, packet)
)

/** Key: the mechanism. Value: what the client says. */
export const authenticate = make<void>(
  "authenticate",
  Opcode.SaslAuth,
  false,
  (writer, packet) => Gen.encodeSaslAuth(writer, { opaque: packet.opaque, mechanism: packet.key, clientData: packet.value }),
  (answer, packet) => answer.status === Gen.Status.Success ? nothing : refused(answer, packet)
)

/** Answers that are collected until the last one. */
export class StatsPacket extends KvPacket<ReadonlyMap<string, string>> {
  readonly found = new Map<string, string>()

  constructor(pool: KvOwner, resume: Resume<ReadonlyMap<string, string>, MemcachedError>, group: string) {
    super(pool, stats, resume, group, noBytes, 0, 0, 0n)
  }
}

/** Key: the group of statistics. */
export const stats: KvCall<ReadonlyMap<string, string>, StatsPacket> = make<ReadonlyMap<string, string>, StatsPacket>(
  "stats",
  Opcode.Stat,
  false,
  (writer, packet) => Gen.encodeStat(writer, { opaque: packet.opaque, group: packet.key }),
  (answer, packet) => {
    if (answer._tag !== "StatResponse") return refused(answer, packet)
    if (answer.name === "" && answer.value === "") return Exit.succeed(packet.found)
    packet.found.set(answer.name, answer.value)
    return undefined
  }
)

/** Many keys, asked for at once. */
export class ManyPacket extends KvPacket<ReadonlyMap<string, Document>> {
  readonly found = new Map<string, Document>()
  failure: MemcachedError | undefined
  readonly keys: ReadonlyArray<string>

  constructor(pool: KvOwner, resume: Resume<ReadonlyMap<string, Document>, MemcachedError>, keys: ReadonlyArray<string>) {
    super(pool, getMany, resume, "", noBytes, 0, 0, 0n)
    this.keys = keys
  }

  override expect(ledger: Ledger<Gen.Response>): void {
    ledger.expect(this.opaque, Opcode.GetKQ, Opcode.Noop)
  }
}

/**
 * Quiet gets that tell their keys, and a barrier; all have one opaque, so that a batch costs one request. Misses are silent; the first other
 * refusal is the outcome, once the barrier is answered.
 */
export const getMany: KvCall<ReadonlyMap<string, Document>, ManyPacket> = make<ReadonlyMap<string, Document>, ManyPacket>(
  "getMany",
  Opcode.GetKQ,
  false,
  (writer, packet) => {
    const mark = writer.length
    try {
      for (const key of packet.keys) Gen.encodeGetKQ(writer, { opaque: packet.opaque, key })
      Gen.encodeNoop(writer, { opaque: packet.opaque })
    } catch (error) {
      writer.truncate(mark)
      throw error
    }
  },
  (answer, packet) => {
    if (answer._tag === "GetKQResponse") {
      packet.found.set(answer.key, answer)
      return undefined
    }
    if (answer._tag !== "NoopResponse" && packet.failure === undefined) {
      packet.pool.counts.errors++
      packet.failure = statusError(packet.facts, answer)
    }
    if (answer.opcode !== Opcode.Noop) return undefined
    return packet.failure === undefined ? Exit.succeed(packet.found) : Exit.fail(packet.failure)
  }
)
