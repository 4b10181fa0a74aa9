/**
 * The pool of a client's connections to one server: each finds out what the server speaks, where that was not said, and signs in before it
 * takes requests; requests are counted.
 *
 * It does not repeat requests: whether that is safe is the caller's knowledge.
 */
import type { PacketConnection } from "@wirewright/connection"
import {
  addressOf,
  type ConnectionError,
  CountedPool,
  openConnection,
  type PacketConnectionOptions,
  type PoolCounters,
  poolOptionsOf,
  type PoolPlace,
  poolPlace,
  type Resume,
  serverAttributes,
  Telemetry
} from "@wirewright/connection"
import { announce } from "@wirewright/connection/Health"
import type { Durations, OperationDurations } from "@wirewright/connection/Metrics"
import { inSpan, isTraced } from "@wirewright/connection/Spans"
import { clientRows } from "@wirewright/connection/MetricTable"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { client as binaryClient, Opcode } from "./gen/index.ts"
import * as Binary from "./KvBinary.ts"
import * as Calls from "./KvCalls.ts"
import type { MemcachedError } from "./KvError.ts"
import { InvalidRequest, NoMechanism, PasswordWithheld, reasonError, type RequestFacts, transportError } from "./KvError.ts"
import { metaCalls } from "./KvMeta.ts"
import type { KvPoolOptions, KvProtocol } from "./KvOptions.ts"
import { textCalls } from "./KvText.ts"
import { authenticate } from "./KvWords.ts"
import { plainMechanism, plainMessage } from "./SaslPlain.ts"
import { textProtocol } from "./MetaAnswers.ts"

type Packets = PacketConnection<Calls.KvAnswer, never>

/** A connection, and what its protocol has. */
export interface KvConnection {
  readonly packets: Packets
  readonly calls: Calls.KvCalls
  readonly closed: ConnectionError | undefined
  readonly counters: Packets["counters"]
}

/** A connection in a pool. */
class Connection implements KvConnection {
  readonly packets: Packets
  readonly calls: Calls.KvCalls

  constructor(packets: Packets, calls: Calls.KvCalls) {
    this.packets = packets
    this.calls = calls
  }

  get closed(): ConnectionError | undefined {
    return this.packets.closed
  }

  get counters(): Packets["counters"] {
    return this.packets.counters
  }
}

const noBytes = new Uint8Array(0)

/** What a pool counted. */
export interface KvCounters extends PoolCounters {
  readonly requests: number
  readonly errors: number
}

type Opened = Effect.Effect<KvConnection, MemcachedError | ConnectionError, Scope.Scope>

/** The connections of a client. */
export class KvPool extends CountedPool<KvConnection, MemcachedError> implements Calls.KvOwner {
  readonly counts: Calls.KvCounts = { requests: 0, errors: 0 }
  durations: OperationDurations | undefined
  private waits: Durations | undefined
  /** Attributes of spans, where they are made. */
  private traces: { readonly [name: string]: string | number } | undefined
  /** What requests are taken for that found no connection. */
  private readonly otherwise: Calls.KvCalls
  private readonly opened: Opened

  private constructor(options: KvPoolOptions, place: PoolPlace) {
    const { protocol = "auto" } = options
    const open = opening(options, protocol)
    super({ address: addressOf(target(options)), open, ...poolOptionsOf<KvConnection, MemcachedError>(options) }, place)
    this.otherwise = tables[protocol === "auto" ? "meta" : protocol]
    this.opened = open()
  }

  /** Makes the connections; fails when the first attempt does, unless it is to keep trying. They close with the scope. */
  static make(options: KvPoolOptions): Effect.Effect<KvPool, MemcachedError, Scope.Scope> {
    return Effect.gen(function*() {
      const pool = new KvPool(options, yield* poolPlace)
      yield* Effect.addFinalizer(() => Effect.sync(() => pool.stop("this client")))
      const telemetry = yield* Telemetry.make(options, {
        protocol: "memcached",
        ...target(options),
        timers: pool.timers,
        connections: pool.wanted,
        counters: () => pool.counters
      })
      pool.telemetry = telemetry
      pool.durations = telemetry.operations("memcached")
      pool.waits = telemetry.metrics?.durations(clientRows.wait, { "db.client.connection.pool.name": pool.address })
      pool.traces = telemetry.spans ? spanAttributes(options) : undefined
      yield* announce({
        name: `memcached ${pool.address}`,
        notReady: () => pool.connections.length > 0 ? [] : [pool.missing.message],
        status: () => pool.counters
      })
      yield* Effect.mapError(pool.keep, (error) => orTransport(error, pool.address))
      return pool
    })
  }

  /** What was counted so far. */
  override get counters(): KvCounters {
    return { ...this.counts, ...super.counters }
  }

  /**
   * Runs a request on the next connection, or waits for one as long as it may take; `make` makes it anew each time the effect is run, of what
   * the protocol of its connection has.
   */
  perform<A>(make: Calls.MakePacket<A>, timeout?: number): Effect.Effect<A, MemcachedError> {
    return Effect.callback<A, MemcachedError>((resume) => this.begin(make, resume, timeout))
  }

  /** This is the callback of `perform`. */
  begin<A>(make: Calls.MakePacket<A>, resume: Resume<A, MemcachedError>, timeout: number | undefined): Effect.Effect<void> | undefined {
    if (this.traces === undefined || !isTraced()) return this.ask(make, resume, timeout)
    resume(this.traced(make, timeout, this.traces))
    return undefined
  }

  /** The connection of a request that needs nothing else, which is counted; nothing where `begin` has to see to it. */
  next(): KvConnection | undefined {
    if (this.traces !== undefined && isTraced()) return undefined
    const connection = this.take()
    if (connection !== undefined) this.counts.requests++
    return connection
  }

  private ask<A>(
    make: Calls.MakePacket<A>,
    resume: Resume<A, MemcachedError>,
    timeout: number | undefined
  ): Effect.Effect<void> | undefined {
    this.counts.requests++
    const connection = this.take()
    if (connection !== undefined) return connection.packets.begin(make(resume, connection.calls), timeout)
    resume(this.later(
      ({ calls, packets }, milliseconds, waited) => {
        this.waits?.record(waited)
        return packets.perform((resume: Resume<A, MemcachedError>) => make(resume, calls), milliseconds)
      },
      (error, waited) => this.unsent(error, make, waited),
      timeout
    ))
    return undefined
  }

  /** The same in a span. */
  private traced<A>(
    make: Calls.MakePacket<A>,
    timeout: number | undefined,
    attributes: { readonly [name: string]: string | number }
  ): Effect.Effect<A, MemcachedError> {
    const { operation } = make(() => {}, this.otherwise).facts
    const asked = Effect.callback<A, MemcachedError>((resume) => this.ask(make, resume, timeout))
    return inSpan(operation, { ...attributes, "db.operation.name": operation }, asked)
  }

  private unsent<A>(
    { reason }: ConnectionError | MemcachedError,
    make: Calls.MakePacket<A>,
    waited: number
  ): Effect.Effect<A, MemcachedError> {
    this.counts.errors++
    const { facts } = make(() => {}, this.otherwise)
    this.durations?.failed(facts.operation, waited, reason._tag)
    return Effect.fail(reasonError(facts, reason))
  }

  /** Connects and signs in; the connection is not one of the pool and closes with the scope. */
  readonly dedicated: Effect.Effect<KvConnection, MemcachedError, Scope.Scope> = Effect.suspend(() =>
    Effect.mapError(this.opened, (error) => orTransport(error, this.address))
  )
}

const tables = { binary: Binary.binaryCalls, meta: metaCalls, text: textCalls }

const spanAttributes = (options: KvPoolOptions): { readonly [name: string]: string | number } => ({
  "db.system.name": "memcached",
  ...serverAttributes(target(options)) as { readonly [name: string]: string | number }
})

const target = ({ host = "127.0.0.1", port = 11_211, path }: KvPoolOptions) => path === undefined ? { host, port } : { host, port, path }

const orTransport = (error: MemcachedError | ConnectionError, address: string): MemcachedError =>
  error._tag === "ConnectionError" ? transportError({ operation: "connect", opcode: undefined, key: undefined, address }, error) : error

/** What opens connections. */
const opening = (options: KvPoolOptions, protocol: KvProtocol) => {
  const { credentials } = options
  const tls = options.tls !== undefined || options.allowPlaintextPassword === true
  const base = { ...options, ...target(options) }
  type Lost = (error: ConnectionError) => void
  const binary = (lost?: Lost): Opened =>
    Effect.map(
      openConnection(
        { ...base, protocol: binaryClient } as unknown as PacketConnectionOptions<Calls.KvAnswer, never>,
        credentials === undefined ? undefined : (connection) => signIn(connection, credentials, tls),
        lost
      ),
      (packets) => new Connection(packets, Binary.binaryCalls)
    )
  const words = (
    calls: Calls.KvCalls | undefined,
    begin: ((packets: Packets) => Effect.Effect<string | undefined, MemcachedError>) | undefined,
    lost?: Lost
  ): Opened =>
    Effect.suspend(() => {
      let found = calls ?? textCalls
      const decide = (version: string | undefined): void => {
        if (calls === undefined && isMeta(version)) found = metaCalls
      }
      return Effect.map(
        openConnection(
          { ...base, protocol: textProtocol } as unknown as PacketConnectionOptions<Calls.KvAnswer, never>,
          begin === undefined ? undefined : (packets: Packets) => Effect.map(begin(packets), decide),
          lost
        ),
        (packets) => new Connection(packets, found)
      )
    })
  const introduce = credentials === undefined ? undefined : (packets: Packets) => introduced(packets, credentials, tls)
  return (lost?: Lost): Opened => {
    if (protocol === "binary") return binary(lost)
    if (protocol !== "auto") return words(tables[protocol], introduce, lost)
    return Effect.catch(words(undefined, versionOf, lost), (error) => {
      if (closes(error)) return binary(lost)
      // what else it answers to a question asked before it was let in is not certain
      return error.reason._tag === "AuthFailed" && introduce !== undefined ? words(undefined, introduce, lost) : Effect.fail(error)
    })
  }
}

/** Whether the server was there and closed the connection. */
const closes = ({ reason }: MemcachedError | ConnectionError): boolean =>
  reason._tag === "ConnectionLost" || reason._tag === "PeerMisbehaved"

/** Whether a server of this version has the meta commands as they are today. */
export const isMeta = (version: string | undefined): boolean => {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version ?? "") ?? []
  return Number(major) > 1 || Number(major) === 1 && (Number(minor) > 6 || Number(minor) === 6 && Number(patch) >= 10)
}

/** Runs a request on a connection that is not one of a pool yet. */
const run = <A>(packets: Packets, call: Calls.KvCall<A>, key: string, value: Uint8Array): Effect.Effect<A, MemcachedError> => {
  const owner: Calls.KvOwner = {
    address: packets.address,
    counts: { requests: 0, errors: 0 },
    durations: undefined,
    perform: () => Effect.die(new Error("one step"))
  }
  return packets.perform((resume: Resume<A, MemcachedError>) => new Calls.KvPacket(owner, call, resume, key, value, 0, 0, 0n))
}

type Credentials = NonNullable<KvPoolOptions["credentials"]>

/** Asks for the version; of a server that has none, nothing. */
const askVersion = (packets: Packets): Effect.Effect<string | undefined, MemcachedError> =>
  Effect.catchReason(run(packets, textCalls.version, "", noBytes), "MemcachedError", "NotSupported", () => Effect.succeed(undefined))

/**
 * The same so that a server that speaks only the binary protocol hears it: 1.6.18 waits for the 24 bytes of a header before it sees that
 * this is none, and then closes. Three questions have 27.
 */
const versionOf = (packets: Packets): Effect.Effect<string | undefined, MemcachedError> =>
  Effect.map(
    Effect.all([askVersion(packets), askVersion(packets), askVersion(packets)], { concurrency: "unbounded" }),
    ([version]) => version
  )

/** Asks for the version, and signs in when that is refused for want of it. */
const introduced = (packets: Packets, credentials: Credentials, tls: boolean): Effect.Effect<string | undefined, MemcachedError> => {
  const version = askVersion(packets)
  return Effect.catchReason(
    version,
    "MemcachedError",
    "AuthFailed",
    () => Effect.andThen(signInByText(packets, credentials, tls), version)
  )
}

const withheld = (address: string, message: string): MemcachedError =>
  reasonError({ operation: "authenticate", opcode: undefined, key: undefined, address }, new PasswordWithheld({ message }))

const signInByText = (packets: Packets, { password, user }: Credentials, tls: boolean): Effect.Effect<void, MemcachedError> => {
  if (!tls) return Effect.fail(withheld(packets.address, "the password is sent in the clear; use TLS or ask for it"))
  if (user === "" || /[ \r\n\0]/.test(user) || /[\r\n\0]/.test(Redacted.value(password))) {
    const facts = { operation: "authenticate", opcode: undefined, key: undefined, address: packets.address }
    const message = "a user has no space, and neither user nor password has a line end or NUL"
    return Effect.fail(reasonError(facts, new InvalidRequest({ message })))
  }
  return run(packets, authenticate, "", new TextEncoder().encode(`${user} ${Redacted.value(password)}`))
}

const signIn = (
  packets: Packets,
  { password, user }: Credentials,
  tls: boolean
): Effect.Effect<void, MemcachedError> => {
  const { address } = packets
  const facts: RequestFacts = { operation: "authenticate", opcode: Opcode.SaslAuth, key: undefined, address }
  const message = plainMessage({ user, password, tls, allowWithoutTls: false })
  if (Result.isFailure(message)) return Effect.fail(reasonError(facts, new PasswordWithheld({ message: message.failure.message })))
  return Effect.flatMap(run(packets, Binary.mechanisms, "", noBytes), (offered) =>
    offered.split(" ").includes(plainMechanism)
      ? run(packets, Binary.authenticate, plainMechanism, message.success)
      : Effect.fail(reasonError(facts, new NoMechanism({ offered }))))
}
