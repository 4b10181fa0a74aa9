/**
 * Connections to one address that come back: opened together, each opened again with growing waits whenever it is lost, and taken in turn.
 *
 * A request made while there is none waits for one as long as it may take, or fails at once. The pool decides which connection is next and
 * when to connect again; what is said on a new connection before it takes requests is `begin`, and what is said about outages `watch`.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { ConnectionClosed, ConnectionError } from "./Errors.ts"
import { PacketConnection, type PacketConnectionOptions } from "./PacketConnection.ts"
import { type ReconnectOptions, reconnectSchedule, stableAfter } from "./Reconnect.ts"
import { type Timers, timers } from "./Timers.ts"

/** What is told of the connections of a pool. */
export interface PoolWatch<E> {
  /** A connection is there, and takes requests. */
  readonly found?: Effect.Effect<void>
  /** A connection that took requests is gone. */
  readonly lost?: (error: ConnectionError) => Effect.Effect<void>
  /** An attempt to connect failed. */
  readonly failed?: (error: E | ConnectionError) => Effect.Effect<void>
  /** There is no connection, and the policy has no attempt left: there will be none. */
  readonly ended?: (error: E | ConnectionError) => Effect.Effect<void>
}

/** Options of a pool. */
export interface PoolOptions {
  /** How many connections. Default: 1 */
  readonly connections?: number
  readonly reconnect?: ReconnectOptions
  /** What requests do while there is no connection: wait as long as they may take, or fail. Default: wait */
  readonly whenDisconnected?: "wait" | "fail"
}

/** Options of a pool and of its connections. */
export interface ConnectionPoolOptions<Answer, Push, E> extends PoolOptions, Omit<PacketConnectionOptions<Answer, Push>, "onClose"> {
  /** Run on every new connection before it takes requests; interrupted when that is lost. Default: nothing */
  readonly begin?: (connection: PacketConnection<Answer, Push>) => Effect.Effect<void, E, Scope.Scope>
  readonly watch?: PoolWatch<E>
}

/** What a pool counted. */
export interface PoolCounters {
  readonly lateAnswers: number
  readonly inFlight: number
  /** Connections that were opened again. */
  readonly reconnects: number
  readonly connected: number
}

/** Connections to one address. */
export class ConnectionPool<Answer, Push, E = never> {
  /** `host:port` of the peer. */
  readonly address: string
  private readonly options: ConnectionPoolOptions<Answer, Push, E>
  private readonly timers: Timers
  private readonly timeout: number
  private readonly ready: Array<PacketConnection<Answer, Push>> = []
  private readonly there = Latch.makeUnsafe(false)
  private turn = 0
  private late = 0
  private reconnects = 0
  private stopped = false
  private places = 0
  /** Why there is no connection, while there is none. */
  private reason: E | ConnectionError

  private constructor(options: ConnectionPoolOptions<Answer, Push, E>, timers: Timers) {
    this.options = options
    this.timers = timers
    this.address = `${options.host}:${options.port}`
    this.timeout = Duration.toMillis(options.requestTimeout ?? "2500 millis")
    this.reason = this.closed("nobody: there was none yet")
  }

  /** Makes the connections; fails when the first attempt does. They close with the scope. */
  static make<Answer, Push, E = never>(
    options: ConnectionPoolOptions<Answer, Push, E>
  ): Effect.Effect<ConnectionPool<Answer, Push, E>, E | ConnectionError, Scope.Scope> {
    return Effect.gen(function*() {
      const pool = new ConnectionPool(options, yield* timers)
      const places = Array.from({ length: options.connections ?? 1 }, () => Deferred.makeUnsafe<void, E | ConnectionError>())
      yield* Effect.addFinalizer(() => Effect.sync(() => pool.stop("this client")))
      pool.places = places.length
      for (const first of places) yield* Effect.forkScoped(pool.keep(first))
      yield* Effect.forEach(places, (first) => Deferred.await(first), { discard: true })
      return pool
    })
  }

  /** What was counted so far. */
  get counters(): PoolCounters {
    let lateAnswers = this.late
    let inFlight = 0
    for (const { counters } of this.ready) {
      lateAnswers += counters.lateAnswers
      inFlight += counters.inFlight
    }
    return { lateAnswers, inFlight, reconnects: this.reconnects, connected: this.ready.length }
  }

  /** The connections there are. */
  get connections(): ReadonlyArray<PacketConnection<Answer, Push>> {
    return this.ready
  }

  /** Why there is no connection, while there is none. */
  get missing(): E | ConnectionError {
    return this.reason
  }

  /** The connection for the next request, if there is one. */
  take(): PacketConnection<Answer, Push> | undefined {
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

  /**
   * Waits for a connection as long as a request may take, and hands it to `run` with the milliseconds that are left; or hands `refuse` the
   * reason why there is none.
   */
  later<A, F>(
    run: (connection: PacketConnection<Answer, Push>, milliseconds: number) => Effect.Effect<A, F>,
    refuse: (reason: E | ConnectionError) => Effect.Effect<A, F>,
    timeout: number = this.timeout
  ): Effect.Effect<A, F> {
    const until = this.timers.now() + timeout
    const again = (): Effect.Effect<A, F> => {
      const left = until - this.timers.now()
      if (this.stopped || this.options.whenDisconnected === "fail" || left <= 0) return refuse(this.reason)
      return Effect.flatMap(Effect.timeoutOption(this.there.await, left), () => {
        const connection = this.take()
        return connection === undefined ? again() : run(connection, Math.max(1, until - this.timers.now()))
      })
    }
    return again()
  }

  /** Connects and begins; the connection is not one of the pool and closes with the scope. */
  connect(
    onClose: (error: ConnectionError) => void = () => {}
  ): Effect.Effect<PacketConnection<Answer, Push>, E | ConnectionError, Scope.Scope> {
    const { begin, connections: _, reconnect: __, watch: ___, whenDisconnected: ____, ...options } = this.options
    const gone = Deferred.makeUnsafe<never, ConnectionError>()
    const connected = PacketConnection.make<Answer, Push>({
      ...options,
      onClose: (error) => {
        Deferred.doneUnsafe(gone, Effect.fail(error))
        onClose(error)
      }
    })
    if (begin === undefined) return connected
    return Effect.tap(connected, (connection) => Effect.raceFirst(begin(connection), Deferred.await(gone)))
  }

  /** Closes everything; requests fail from now on. */
  stop(by: string): void {
    if (this.stopped) return
    this.stopped = true
    this.reason = this.closed(by)
    this.there.openUnsafe()
  }

  private closed(by: string): ConnectionError {
    return new ConnectionError({ reason: new ConnectionClosed({ by }), address: this.address, ambiguous: false })
  }

  /** Keeps one place of the pool filled, as long as the policy has attempts left. */
  private keep(first: Deferred.Deferred<void, E | ConnectionError>): Effect.Effect<void> {
    const schedule = reconnectSchedule(this.options.reconnect)
    // a connection that lived leaves the retries, so that their waits begin anew
    const lives = Effect.forever(Effect.retry(this.life(first), { schedule, while: () => !this.stopped }))
    return Effect.catch(lives, (error) =>
      Effect.suspend(() => {
        this.places--
        if (this.places > 0 || this.stopped) return Effect.void
        this.stopped = true
        this.reason = error
        this.there.openUnsafe()
        return this.options.watch?.ended?.(error) ?? Effect.void
      }))
  }

  /** One connection from its beginning to its end. Fails unless it lived for a while. */
  private life(first: Deferred.Deferred<void, E | ConnectionError>): Effect.Effect<void, E | ConnectionError> {
    const { failed, found, lost } = this.options.watch ?? {}
    return Effect.scoped(Effect.gen({ self: this }, function*() {
      const ended = Deferred.makeUnsafe<ConnectionError>()
      const connection = yield* Effect.tapError(
        this.connect((error) => Deferred.doneUnsafe(ended, Effect.succeed(error))),
        (error) => failed === undefined || this.stopped ? Effect.void : failed(error)
      )
      if (connection.closed === undefined) this.enter(connection, Deferred.isDoneUnsafe(first))
      const since = this.timers.now()
      yield* Deferred.succeed(first, undefined)
      if (found !== undefined) yield* found
      const error = yield* Effect.ensuring(Deferred.await(ended), Effect.sync(() => this.leave(connection)))
      if (lost !== undefined && !this.stopped) yield* lost(error)
      if (this.stopped || this.timers.now() - since < Duration.toMillis(stableAfter)) return yield* error
    })).pipe(Effect.tapError((error) => {
      if (!this.stopped) this.reason = error
      return Deferred.fail(first, error)
    }))
  }

  private enter(connection: PacketConnection<Answer, Push>, again: boolean): void {
    if (again) this.reconnects++
    this.ready.push(connection)
    this.there.openUnsafe()
  }

  private leave(connection: PacketConnection<Answer, Push>): void {
    const place = this.ready.indexOf(connection)
    if (place === -1) return
    if (connection.closed !== undefined && !this.stopped) this.reason = connection.closed
    this.late += connection.counters.lateAnswers
    this.ready.splice(place, 1)
    if (this.ready.length === 0 && !this.stopped) this.there.closeUnsafe()
  }
}
