/**
 * Connections for packets that come back: opened together, each opened again with growing waits whenever it is lost, and taken in turn.
 *
 * A request made while there is none waits for one as long as it may take, or fails at once. What is said on a new connection before it
 * takes requests is `begin`, and what is said about outages `watch`.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { addressOf } from "./Address.ts"
import type { Pooled, PoolWatch } from "./ConnectionSlot.ts"
import type { ConnectionError } from "./Errors.ts"
import type { Resume, Sendable } from "./Exchange.ts"
import { PacketConnection, type PacketConnectionOptions } from "./PacketConnection.ts"
import { Outage, outageWatch } from "./Outage.ts"
import { type PoolOptions, poolOptionsOf, type PoolPlace, poolPlace, SlotPool, type SlotPoolOptions } from "./SlotPool.ts"
import { type Counted, Telemetry, type TelemetryOptions } from "./Telemetry.ts"

/** Options of a pool and of its connections. */
export interface ConnectionPoolOptions<Answer, Push, E>
  extends PoolOptions, TelemetryOptions, Omit<PacketConnectionOptions<Answer, Push>, "onClose">
{
  /** Run on every new connection before it takes requests; interrupted when that is lost. Default: nothing */
  readonly begin?: (
    connection: PacketConnection<Answer, Push>,
    telemetry: Telemetry | undefined
  ) => Effect.Effect<void, E, Scope.Scope>
  readonly watch?: PoolWatch<E>
}

/** What a pool counted. */
export interface PoolCounters extends Counted {}

/** Makes a request that resumes whoever waits for it. */
type Make<R, A, F> = (resume: Resume<A, F>) => R

/** What it means for a request that there is no connection. */
type Refuse<R, A, F, E> = (reason: E | ConnectionError, make: Make<R, A, F>, waited: number) => Effect.Effect<A, F>

/**
 * Connects and begins; interrupts what begins when the connection is lost. `onClose` is told of the end of a connection that has begun; before
 * that, this fails instead.
 */
export const openConnection = <Answer, Push, E>(
  options: PacketConnectionOptions<Answer, Push>,
  begin?: (connection: PacketConnection<Answer, Push>) => Effect.Effect<void, E, Scope.Scope>,
  onClose?: (error: ConnectionError) => void
): Effect.Effect<PacketConnection<Answer, Push>, E | ConnectionError, Scope.Scope> => {
  if (begin === undefined) return PacketConnection.make<Answer, Push>(onClose === undefined ? options : { ...options, onClose })
  return Effect.suspend(() => {
    const gone = Deferred.makeUnsafe<never, ConnectionError>()
    let begun = false
    const connected = PacketConnection.make<Answer, Push>({
      ...options,
      onClose: (error) => {
        Deferred.doneUnsafe(gone, Effect.fail(error))
        if (begun) onClose?.(error)
      }
    })
    return Effect.tap(connected, (connection) =>
      Effect.flatMap(Effect.raceFirst(begin(connection), Deferred.await(gone)), () => {
        begun = true
        return connection.closed === undefined ? Effect.void : Effect.fail(connection.closed)
      }))
  })
}

/** A connection of which is known what it counted. */
export interface Counting extends Pooled {
  readonly counters: Pick<PoolCounters, "lateAnswers" | "inFlight" | "bytesSent" | "bytesReceived">
}

/** Connections whose counts outlive them. */
export class CountedPool<C extends Counting, E = never> extends SlotPool<C, E> {
  /** What is told of requests; they are handed to it by those who know their names. */
  telemetry: Telemetry | undefined
  private readonly gone = { lateAnswers: 0, bytesSent: 0, bytesReceived: 0 }

  constructor(options: SlotPoolOptions<C, E>, place: PoolPlace) {
    const { logs = true, watch, whenUnreachable } = options
    const told = logs ? outageWatch(new Outage("server", options.address), whenUnreachable === "keep trying", watch) : watch
    super(told === undefined ? options : { ...options, watch: told }, place)
  }

  /** What was counted so far. */
  get counters(): PoolCounters {
    const { connections, gone, reconnects } = this
    let { bytesReceived, bytesSent, lateAnswers } = gone
    let inFlight = 0
    for (const { counters } of connections) {
      lateAnswers += counters.lateAnswers
      inFlight += counters.inFlight
      bytesSent += counters.bytesSent
      bytesReceived += counters.bytesReceived
    }
    return { lateAnswers, inFlight, reconnects, connected: connections.length, bytesSent, bytesReceived }
  }

  protected override refused(error: E | ConnectionError): void {
    this.telemetry?.connectFailed(error)
    super.refused(error)
  }

  protected override left(connection: C, error: ConnectionError): void {
    const { bytesReceived, bytesSent, lateAnswers } = connection.counters
    this.gone.lateAnswers += lateAnswers
    this.gone.bytesSent += bytesSent
    this.gone.bytesReceived += bytesReceived
    super.left(connection, error)
  }
}

/** Connections to one address. */
export class ConnectionPool<Answer, Push, E = never> extends CountedPool<PacketConnection<Answer, Push>, E> {
  /** Connects and begins; the connection is not one of the pool and closes with the scope. */
  readonly dedicated: Effect.Effect<PacketConnection<Answer, Push>, E | ConnectionError, Scope.Scope>

  private constructor({ begin, ...options }: ConnectionPoolOptions<Answer, Push, E>, place: PoolPlace) {
    const begins = begin === undefined ? undefined : (connection: PacketConnection<Answer, Push>) => begin(connection, this.telemetry)
    const open = (onClose?: (error: ConnectionError) => void) => openConnection(options, begins, onClose)
    super({ address: addressOf(options), open, ...poolOptionsOf<PacketConnection<Answer, Push>, E>(options) }, place)
    this.dedicated = open()
  }

  /** Makes the connections; fails when the first attempt does, unless it is to keep trying. They close with the scope. */
  static make<Answer, Push, E = never>(
    options: ConnectionPoolOptions<Answer, Push, E>
  ): Effect.Effect<ConnectionPool<Answer, Push, E>, E | ConnectionError, Scope.Scope> {
    return Effect.gen(function*() {
      const pool = new ConnectionPool(options, yield* poolPlace)
      yield* Effect.addFinalizer(() => Effect.sync(() => pool.stop("this client")))
      const { host, path, port, protocol: { name: protocol } } = options
      const server = { host, port, ...(path === undefined ? {} : { path }) }
      pool.telemetry = yield* Telemetry.make(options, {
        protocol,
        ...server,
        timers: pool.timers,
        connections: pool.wanted,
        counters: () => pool.counters
      })
      yield* pool.keep
      return pool
    })
  }

  /**
   * Sends a request on the next connection, at once when there is one; otherwise it waits for one as long as it may take, and `refuse` is
   * handed the reason when none comes. `make` makes the request anew each time the effect is run.
   */
  perform<A, F, R extends Sendable<Answer>>(make: Make<R, A, F>, refuse: Refuse<R, A, F, E>, timeout?: number): Effect.Effect<A, F> {
    return Effect.callback<A, F>((resume) => this.begin(make, resume, refuse, timeout))
  }

  /** This is the callback of `Effect.callback` of `perform`, for dialects that save an effect per request. */
  begin<A, F, R extends Sendable<Answer>>(
    make: Make<R, A, F>,
    resume: Resume<A, F>,
    refuse: Refuse<R, A, F, E>,
    timeout?: number
  ): Effect.Effect<void> | undefined {
    const connection = this.take()
    if (connection !== undefined) return connection.begin(make(resume), timeout)
    resume(this.later(
      (there, milliseconds) => there.perform(make, milliseconds),
      (reason, waited) => refuse(reason, make, waited),
      timeout
    ))
    return undefined
  }
}
