/**
 * Connections to one address that are taken in turn: slots, and who may have which of them next.
 *
 * A pool is kept filled, or filled when somebody asks. It knows nothing of what is said on connections.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { ConnectionSlot, type Pooled, type SlotOptions } from "./ConnectionSlot.ts"
import { ConnectionClosed, ConnectionError, LimitExceeded } from "./Errors.ts"
import type { ReconnectOptions } from "./Reconnect.ts"
import { type Timers, timers } from "./Timers.ts"

/** Options of a pool. */
export interface PoolOptions {
  /** How many connections. Default: 1 */
  readonly connections?: number
  readonly reconnect?: ReconnectOptions
  /** What requests do while there is no connection: wait as long as they may take, or fail. Default: wait */
  readonly whenDisconnected?: "wait" | "fail"
  /** When the first attempt of a pool that is kept filled fails: so does making it, or it keeps trying. Default: fail */
  readonly whenUnreachable?: "fail" | "keep trying"
  /** Logs that the server was lost, is not reached, and was found again. Default: yes */
  readonly logs?: boolean
}

/** Options of a pool and what its connections are. */
export interface SlotPoolOptions<C, E> extends PoolOptions, Omit<SlotOptions<C, E>, "entered" | "refused" | "left"> {
  /** How long requests wait for a connection. Default: 2.5 seconds */
  readonly requestTimeout?: Duration.Input
}

const poolOptionNames = ["connections", "logs", "reconnect", "requestTimeout", "watch", "whenDisconnected", "whenUnreachable"] as const

/** Of what a client is told, what is its pool's. */
export const poolOptionsOf = <C, E>(
  options: Pick<SlotPoolOptions<C, E>, (typeof poolOptionNames)[number]>
): Pick<SlotPoolOptions<C, E>, (typeof poolOptionNames)[number]> =>
  Object.fromEntries(poolOptionNames.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]))

/** Where a pool is made: whose its connections are, and whose time and services hold for what it does on its own. */
export interface PoolPlace {
  readonly scope: Scope.Scope
  readonly timers: Timers
  readonly fork: (effect: Effect.Effect<void>) => void
}

/** The place where this is run. In a scope of its own, connections that are made later, too, end after whoever came later than the pool. */
export const poolPlace: Effect.Effect<PoolPlace, never, Scope.Scope> = Effect.gen(function*() {
  return { scope: yield* Scope.fork(yield* Effect.scope), timers: yield* timers, fork: Effect.runForkWith(yield* Effect.context<never>()) }
})

/** Connections to one address. */
export class SlotPool<C extends Pooled, E = never> {
  /** `host:port` of the peer. */
  readonly address: string
  /** The time of its waits. */
  readonly timers: Timers
  private readonly fork: PoolPlace["fork"]
  /** Milliseconds that requests wait for a connection. */
  readonly timeout: number
  private readonly fails: boolean
  private readonly keepsTrying: boolean
  private readonly ended: (error: E | ConnectionError) => Effect.Effect<void>
  private readonly slots: ReadonlyArray<ConnectionSlot<C, E>>
  private readonly ready: Array<C> = []
  /** Those of them that somebody has to himself. */
  private readonly reserved = new Set<C>()
  private readonly reservations: Semaphore.Semaphore
  private readonly there = Latch.makeUnsafe(false)
  private turn = 0
  private kept = false
  private stopped = false
  /** Why there is no connection, while there is none. */
  private reason: E | ConnectionError

  constructor(
    { connections = 1, requestTimeout = "2500 millis", whenDisconnected, whenUnreachable, ...options }: SlotPoolOptions<C, E>,
    { fork, scope, timers }: PoolPlace
  ) {
    this.address = options.address
    this.timers = timers
    this.fork = fork
    this.timeout = Duration.toMillis(requestTimeout)
    this.fails = whenDisconnected === "fail"
    this.keepsTrying = whenUnreachable === "keep trying"
    this.reservations = Semaphore.makeUnsafe(connections)
    this.ended = options.watch?.ended ?? (() => Effect.void)
    this.reason = this.closed("nobody: there was none yet")
    const slot: SlotOptions<C, E> = {
      ...options,
      entered: (connection) => {
        this.ready.push(connection)
        this.there.openUnsafe()
      },
      refused: (error) => this.refused(error),
      left: (connection, error) => this.left(connection, error)
    }
    this.slots = Array.from({ length: connections }, () => new ConnectionSlot(slot, scope))
  }

  /** The connections there are. */
  get connections(): ReadonlyArray<C> {
    return this.ready
  }

  /** The connections there should be, in an order that stays: those there are, and whether the others are being made. */
  get places(): ReadonlyArray<{ readonly connection: C | undefined; readonly connecting: boolean }> {
    return this.slots.map(({ connecting, connection }) => ({ connection, connecting }))
  }

  /** How many there should be. */
  get wanted(): number {
    return this.slots.length
  }

  /** Connections that were opened again. */
  get reconnects(): number {
    return this.slots.reduce((sum, { lives }) => sum + Math.max(0, lives - 1), 0)
  }

  /** Why there is no connection to take, while there is none. */
  get missing(): E | ConnectionError {
    if (this.ready.length === 0 || this.stopped) return this.reason
    const reason = new LimitExceeded({ limit: "connections in use", max: this.slots.length })
    return new ConnectionError({ reason, address: this.address, ambiguous: false })
  }

  /** The connection for the next request, if there is one. */
  take(): C | undefined {
    if (this.stopped) return undefined
    for (;;) {
      const { ready, reserved } = this
      if (ready.length === reserved.size) return undefined
      this.turn = ready.length === 1 ? 0 : (this.turn + 1) % ready.length
      const connection = ready[this.turn]!
      if (connection.closed !== undefined) {
        // its end is just being told, and requests that it failed are back already
        this.drop()
      } else if (reserved.size === 0 || !reserved.has(connection)) {
        if (ready.length < this.slots.length && !this.kept) this.fork(this.fill)
        return connection
      }
    }
  }

  /** The connection for the next request; while there is none, one is made. The others that are missing are made beside. */
  readonly connect: Effect.Effect<C, E | ConnectionError> = Effect.suspend(() => {
    const connection = this.take()
    if (connection !== undefined) return Effect.succeed(connection)
    return Effect.andThen(this.fill, this.slots[0]!.connect)
  })

  /**
   * Waits for a connection as long as a request may take, and hands it to `run` with the milliseconds that are left; or hands `refuse` the
   * reason why there is none; and what was waited.
   */
  later<A, F, R = never>(
    run: (connection: C, milliseconds: number, waited: number) => Effect.Effect<A, F, R>,
    refuse: (reason: E | ConnectionError, waited: number) => Effect.Effect<A, F>,
    timeout: number = this.timeout
  ): Effect.Effect<A, F, R> {
    const since = this.timers.now()
    const until = since + timeout
    const again = (): Effect.Effect<A, F, R> => {
      const now = this.timers.now()
      const left = until - now
      if (this.stopped || this.fails && this.ready.length === 0 || left <= 0) return refuse(this.missing, now - since)
      return Effect.flatMap(Effect.timeoutOption(this.there.await, left), () => {
        const connection = this.take()
        if (connection === undefined) return again()
        const found = this.timers.now()
        return run(connection, Math.max(1, until - found), found - since)
      })
    }
    return again()
  }

  /** The connection for the next request; waits for one as long as a request may take. */
  connected(timeout?: number): Effect.Effect<C, E | ConnectionError> {
    return Effect.suspend(() => {
      const connection = this.take()
      return connection === undefined ? this.later((there) => Effect.succeed(there), Effect.fail, timeout) : Effect.succeed(connection)
    })
  }

  /**
   * A connection on which nobody else's requests are sent until the scope closes. Waits for one as long as a request may take; whoever asked
   * first has the first.
   */
  reserve(timeout: number = this.timeout): Effect.Effect<C, E | ConnectionError, Scope.Scope> {
    return Effect.suspend(() => {
      const until = this.timers.now() + timeout
      const next = (): Effect.Effect<C, E | ConnectionError, Scope.Scope> =>
        this.later(hold, Effect.fail, Math.max(1, until - this.timers.now()))
      const hold = (taken: C): ReturnType<typeof next> => {
        const held = Effect.acquireRelease(
          Effect.sync(() => this.hold(taken)),
          (isHeld) => Effect.sync(() => isHeld && this.release(taken))
        )
        // it may be gone by now
        return Effect.flatMap(held, (isHeld) => isHeld ? Effect.succeed(taken) : next())
      }
      const turn = Effect.timeoutOption(this.reservations.takeScoped(1), timeout)
      return Effect.flatMap(turn, (taken) => Option.isNone(taken) ? Effect.fail(this.missing) : next())
    })
  }

  /** Keeps the pool filled as long as the scope lasts. Fails when the first attempt of one of its connections does, unless it is to keep trying. */
  readonly keep: Effect.Effect<void, E | ConnectionError, Scope.Scope> = Effect.suspend(() => {
    this.kept = true
    let left = this.slots.length
    const keep = (slot: ConnectionSlot<C, E>): Effect.Effect<void> =>
      Effect.flatMap(slot.keep, (reason) => {
        if (--left > 0 || this.stopped) return Effect.void
        this.stopped = true
        this.reason = reason
        this.there.openUnsafe()
        return this.ended(reason)
      })
    return Effect.andThen(
      Effect.forEach(this.slots, (slot) => Effect.forkScoped(keep(slot), { startImmediately: true }), { discard: true }),
      Effect.forEach(this.slots, (slot) => this.keepsTrying ? Effect.ignore(slot.connect) : slot.connect, {
        concurrency: "unbounded",
        discard: true
      })
    )
  })

  /** Requests fail from now on, and no connection is made again. */
  stop(by: string): void {
    if (this.stopped) return
    this.stopped = true
    this.reason = this.closed(by)
    for (const slot of this.slots) slot.stop()
    this.there.openUnsafe()
  }

  /** Closes the connections of a pool that is not kept filled. Whoever asks next connects again. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => Effect.forEach(this.slots, (slot) => slot.close, { discard: true }))

  /** An attempt to connect failed. */
  protected refused(error: E | ConnectionError): void {
    if (this.ready.length === 0 && !this.stopped) this.reason = error
  }

  /** A connection takes no requests any more. */
  protected left(connection: C, error: ConnectionError): void {
    const place = this.ready.indexOf(connection)
    if (place !== -1) this.ready.splice(place, 1)
    this.reserved.delete(connection)
    if (this.stopped) return
    this.reason = error
    if (this.ready.length === this.reserved.size) this.there.closeUnsafe()
  }

  private hold(connection: C): boolean {
    if (this.reserved.has(connection) || !this.ready.includes(connection)) return false
    this.reserved.add(connection)
    if (this.ready.length === this.reserved.size) this.there.closeUnsafe()
    return true
  }

  private release(connection: C): void {
    if (this.reserved.delete(connection)) this.there.openUnsafe()
  }

  /** Makes the connections that are missing, in the scope of the pool. */
  private readonly fill: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach(
      this.slots.filter(({ connection }) => connection === undefined),
      (slot) => Effect.forkDetach(Effect.ignore(slot.connect), { startImmediately: true }),
      { discard: true }
    )
  )

  /** Drops the connections that are gone. */
  private drop(): void {
    for (const slot of this.slots) void slot.connection
  }

  private closed(by: string): ConnectionError {
    return new ConnectionError({ reason: new ConnectionClosed({ by }), address: this.address, ambiguous: false })
  }
}
