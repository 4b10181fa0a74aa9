/**
 * Connections of one client to one server: made, signed in, replaced when they break, and asked in turn.
 *
 * Each place of the pool has a fibre that connects, waits for the end, and connects again by the reconnect policy. It does not repeat
 * requests: whether that is safe is the caller's knowledge.
 */
import {
  ConnectionClosed,
  type ConnectionError,
  type ReconnectOptions,
  reconnectSchedule,
  stableAfter,
  type TransportOptions
} from "@wirewright/connection"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Resume } from "./Exchange.ts"
import { decodeResponse, decodeServerRequest, frameShape, Opcode, type Response, type ServerRequest } from "./gen/index.ts"
import * as Calls from "./KvCalls.ts"
import {
  type RequestFacts,
  type MemcachedError,
  type KvReason,
  NoMechanism,
  PasswordWithheld,
  reasonError,
  transportError
} from "./KvError.ts"
import { PacketConnection, type PacketConnectionOptions } from "./PacketConnection.ts"
import { plainMechanism, plainMessage } from "./SaslPlain.ts"

/** Where the server is and how to treat it. */
export interface KvPoolOptions extends
  Partial<TransportOptions>,
  Pick<
    PacketConnectionOptions<Response, ServerRequest>,
    "requestTimeout" | "maxInFlight" | "maxFrame" | "maxSilence"
  >
{
  /** Connections to keep. Default: 1. */
  readonly connections?: number
  /** Waits between attempts to connect again. */
  readonly reconnect?: ReconnectOptions
  /** What requests do while there is no connection: `wait` up to their timeout, or `fail` at once. Default: `wait`. */
  readonly whenDisconnected?: "wait" | "fail"
  /** Signs in with SASL PLAIN, which memcached asks for when started with `-S`. */
  readonly credentials?: { readonly user: string; readonly password: Redacted.Redacted<string> }
  /** Sends the password although the connection has no TLS. */
  readonly allowPlaintextPassword?: boolean
}

type Connection = PacketConnection<Response, ServerRequest>

const codec = { frameShape, decodeResponse, decodeServerRequest }
const noBytes = new Uint8Array(0)

/** What a pool counted. */
export interface KvCounters {
  readonly requests: number
  readonly errors: number
  readonly lateAnswers: number
  readonly reconnects: number
  readonly inFlight: number
  readonly connected: number
}

/** The connections of a client. */
export class KvPool {
  readonly address: string
  readonly counts: Calls.KvCounts = { requests: 0, errors: 0 }
  private readonly options: KvPoolOptions & TransportOptions
  private readonly timeout: number
  private readonly ready: Array<Connection> = []
  private readonly there = Latch.makeUnsafe(false)
  private turn = 0
  private late = 0
  private reconnects = 0
  private stopped = false
  private places = 0
  /** Why there is no connection, while there is none. */
  private reason: KvReason = new ConnectionClosed({ by: "nobody: there was none yet" })

  private constructor(options: KvPoolOptions) {
    this.options = { ...options, host: options.host ?? "127.0.0.1", port: options.port ?? 11_211 }
    this.address = `${this.options.host}:${this.options.port}`
    this.timeout = Duration.toMillis(options.requestTimeout ?? "2500 millis")
  }

  /** Makes the connections; fails when the first attempt does. They close with the scope. */
  static make(options: KvPoolOptions): Effect.Effect<KvPool, MemcachedError, Scope.Scope> {
    return Effect.gen(function*() {
      const pool = new KvPool(options)
      const places = Array.from({ length: options.connections ?? 1 }, () => Deferred.makeUnsafe<void, MemcachedError>())
      yield* Effect.addFinalizer(() => Effect.sync(() => pool.stop("this client")))
      pool.places = places.length
      for (const first of places) yield* Effect.forkScoped(pool.keep(first))
      yield* Effect.forEach(places, (first) => Deferred.await(first), { discard: true })
      return pool
    })
  }

  /** What was counted so far. */
  get counters(): KvCounters {
    let lateAnswers = this.late
    let inFlight = 0
    for (const { counters } of this.ready) {
      lateAnswers += counters.lateAnswers
      inFlight += counters.inFlight
    }
    return { ...this.counts, lateAnswers, inFlight, reconnects: this.reconnects, connected: this.ready.length }
  }

  /** Runs a request on one of the connections; `make` makes it anew each time the effect is run. */
  perform<A>(make: (resume: Resume<A, MemcachedError>) => Calls.KvPacket<A>, timeout?: number): Effect.Effect<A, MemcachedError> {
    return Effect.callback<A, MemcachedError>((resume) => {
      const connection = this.take()
      if (connection !== undefined) return connection.begin(make(resume), timeout)
      resume(this.later(make, timeout))
    })
  }

  /** The connection for the next request, if there is one; counts the request. */
  take(): Connection | undefined {
    this.counts.requests++
    return this.pick()
  }

  /** Waits for a connection as long as the request may take, then runs it. */
  later<A>(
    make: (resume: Resume<A, MemcachedError>) => Calls.KvPacket<A>,
    timeout: number = this.timeout
  ): Effect.Effect<A, MemcachedError> {
    const until = performance.now() + timeout
    const again = (): Effect.Effect<A, MemcachedError> => {
      const left = until - performance.now()
      if (this.stopped || this.options.whenDisconnected === "fail" || left <= 0) {
        this.counts.errors++
        return Effect.fail(reasonError(make(() => {}).facts, this.reason))
      }
      return Effect.flatMap(Effect.timeoutOption(this.there.await, left), () => {
        const connection = this.pick()
        return connection === undefined ? again() : connection.perform(make, Math.max(1, until - performance.now()))
      })
    }
    return again()
  }

  /** Connects and signs in; the connection is not one of the pool and closes with the scope. */
  connect(onClose: (error: ConnectionError) => void = () => {}): Effect.Effect<Connection, MemcachedError, Scope.Scope> {
    const { connectTimeout, host, keepAlive, maxFrame, maxInFlight, maxSilence, port, requestTimeout, tls } = this.options
    const options = { codec, connectTimeout, host, keepAlive, maxFrame, maxInFlight, maxSilence, onClose, port, requestTimeout, tls }
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
    return PacketConnection.make(given as unknown as PacketConnectionOptions<Response, ServerRequest>).pipe(
      Effect.mapError((error) => transportError(this.facts, error)),
      Effect.tap((connection) => this.signIn(connection))
    )
  }

  /** Closes everything; requests fail from now on. */
  stop(by: string): void {
    if (this.stopped) return
    this.stopped = true
    this.reason = new ConnectionClosed({ by })
    this.there.openUnsafe()
  }

  private get facts(): RequestFacts {
    return { operation: "connect", opcode: undefined, key: undefined, address: this.address }
  }

  /** The connections there are. */
  get connections(): ReadonlyArray<Connection> {
    return this.ready
  }

  private pick(): Connection | undefined {
    if (this.stopped) return undefined
    for (;;) {
      const { ready } = this
      if (ready.length === 0) return undefined
      this.turn = ready.length === 1 ? 0 : (this.turn + 1) % ready.length
      const connection = ready[this.turn]!
      if (connection.closed === undefined) return connection
      // its end is just being told, and requests that it failed are back already
      this.leave(connection)
    }
  }

  /** Keeps one place of the pool filled, as long as the policy has attempts left. */
  private keep(first: Deferred.Deferred<void, MemcachedError>): Effect.Effect<void> {
    const life = this.life(first)
    const schedule = reconnectSchedule(this.options.reconnect)
    // a connection that lived leaves the retries, so that their waits begin anew
    const lives = Effect.forever(Effect.retry(life, { schedule, while: () => !this.stopped }))
    return Effect.catch(lives, (error) =>
      Effect.sync(() => {
        this.places--
        if (this.places > 0 || this.stopped) return
        this.stopped = true
        this.reason = error.reason
        this.there.openUnsafe()
      }))
  }

  /** One connection from its beginning to its end. Fails unless it lived for a while. */
  private life(first: Deferred.Deferred<void, MemcachedError>): Effect.Effect<void, MemcachedError> {
    return Effect.scoped(Effect.gen({ self: this }, function*() {
      const ended = Deferred.makeUnsafe<ConnectionError>()
      const connection = yield* this.connect((error) => Deferred.doneUnsafe(ended, Effect.succeed(error)))
      if (connection.closed === undefined) this.enter(connection, Deferred.isDoneUnsafe(first))
      const since = performance.now()
      yield* Deferred.succeed(first, undefined)
      const error = yield* Effect.ensuring(Deferred.await(ended), Effect.sync(() => this.leave(connection)))
      if (this.stopped || performance.now() - since < Duration.toMillis(stableAfter)) {
        return yield* transportError(this.facts, error)
      }
    })).pipe(Effect.tapError((error) => {
      if (!this.stopped) this.reason = error.reason
      return Deferred.fail(first, error)
    }))
  }

  private enter(connection: Connection, again: boolean): void {
    if (again) this.reconnects++
    this.ready.push(connection)
    this.there.openUnsafe()
  }

  private leave(connection: Connection): void {
    const place = this.ready.indexOf(connection)
    if (place === -1) return
    if (connection.closed !== undefined && !this.stopped) this.reason = connection.closed.reason
    this.late += connection.counters.lateAnswers
    this.ready.splice(place, 1)
    if (this.ready.length === 0 && !this.stopped) this.there.closeUnsafe()
  }

  private signIn(connection: Connection): Effect.Effect<void, MemcachedError> {
    const { allowPlaintextPassword, credentials, tls } = this.options
    if (credentials === undefined) return Effect.void
    const { authenticate, mechanisms } = Calls
    const facts = { operation: "authenticate", opcode: Opcode.SaslAuth, key: undefined, address: this.address }
    const { password, user } = credentials
    const message = plainMessage({ user, password, tls: tls !== undefined, allowWithoutTls: allowPlaintextPassword === true })
    if (Result.isFailure(message)) return Effect.fail(reasonError(facts, new PasswordWithheld({ message: message.failure.message })))
    const run = <A>(call: Calls.KvCall<A>, key: string, value: Uint8Array): Effect.Effect<A, MemcachedError> =>
      connection.perform((resume: Resume<A, MemcachedError>) => new Calls.KvPacket(this, call, resume, key, value, 0, 0, 0n))
    return Effect.flatMap(run(mechanisms, "", noBytes), (offered) =>
      offered.split(" ").includes(plainMechanism)
        ? run(authenticate, plainMechanism, message.success)
        : Effect.fail(reasonError(facts, new NoMechanism({ offered }))))
  }
}
