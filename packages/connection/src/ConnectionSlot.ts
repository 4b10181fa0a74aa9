/**
 * A place for one connection: filled when asked to, or kept filled. Reconnecting is here, once, for every protocol; when the next attempt
 * comes is `Reconnect`'s knowledge.
 *
 * All who ask while an attempt is being made, or is waited for, share it; their being interrupted does not stop it. What a connection is
 * made of lives in a scope of its own, so that connections that were lost leave nothing behind.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { ConnectionClosed, ConnectionError } from "./Errors.ts"
import { Attempts, type ReconnectOptions, reconnectPolicy } from "./Reconnect.ts"

/** What can be kept in a slot. */
export interface Pooled {
  /** Why the connection is gone, once it is. */
  readonly closed: ConnectionError | undefined
}

/** What is told of the connections of a slot. */
export interface PoolWatch<E> {
  /** A connection is there, and takes requests. */
  readonly found?: Effect.Effect<void>
  /** A connection that took requests is gone. */
  readonly lost?: (error: ConnectionError) => Effect.Effect<void>
  /** An attempt to connect failed. */
  readonly failed?: (error: E | ConnectionError) => Effect.Effect<void>
  /** Of a pool: there is no connection, and the policy has no attempt left, so there will be none. */
  readonly ended?: (error: E | ConnectionError) => Effect.Effect<void>
}

/** How a slot is filled. */
export interface SlotOptions<C, E> {
  /** `host:port` of the peer. */
  readonly address: string
  /** Connects and begins; the connection closes with the scope, and `lost` is called when it is gone. */
  readonly open: (lost: (error: ConnectionError) => void) => Effect.Effect<C, E | ConnectionError, Scope.Scope>
  readonly reconnect?: ReconnectOptions
  readonly watch?: PoolWatch<E>
  /** Number from [0, 1) for jitter. Default: Effect's `Random`. */
  readonly random?: () => number
  /** Called when a connection takes requests from now on. */
  readonly entered?: (connection: C) => void
  /** Called when an attempt failed, before anything else hears of it. */
  readonly refused?: (error: E | ConnectionError) => void
  /** Called when a connection takes no requests any more, before anything else hears of it. */
  readonly left?: (connection: C, error: ConnectionError) => void
}

/** A place for one connection. */
export class ConnectionSlot<C extends Pooled, E = never> {
  /** Connections there have been so far. */
  lives = 0
  /** An attempt is being made; waiting for the next one is none. */
  connecting = false
  private readonly options: SlotOptions<C, E>
  private readonly scope: Scope.Scope
  private readonly attempts: Attempts
  private current: C | undefined
  /** What comes of the attempt that is being made, or that certainly comes next. */
  private opening: Deferred.Deferred<C, E | ConnectionError> | undefined
  private fiber: Fiber.Fiber<void> | undefined
  private kept = false
  private stopped = false
  private missing: E | ConnectionError | undefined
  private now = (): number => 0

  /** @param scope of everything the slot makes */
  constructor(options: SlotOptions<C, E>, scope: Scope.Scope) {
    this.options = options
    this.scope = scope
    this.attempts = new Attempts(reconnectPolicy(options.reconnect))
  }

  /** The connection, while there is one. */
  get connection(): C | undefined {
    const { current } = this
    if (current === undefined || current.closed === undefined) return current
    // its end is just being told
    this.leave(current, current.closed)
    return undefined
  }

  /** Attempts in a row that failed, or whose connection did not last. */
  get failures(): number {
    return this.attempts.failures
  }

  /** The connection there is, or what comes of the attempt that is being made, or else of a new one. */
  readonly connect: Effect.Effect<C, E | ConnectionError> = Effect.suspend(() => {
    const { connection, fiber: before, opening } = this
    if (connection !== undefined) return Effect.succeed(connection)
    if (opening !== undefined) return Deferred.await(opening)
    const made = this.opening = Deferred.makeUnsafe<C, E | ConnectionError>()
    // what was lost is done with first
    const life = before === undefined ? this.life(made) : Effect.andThen(Fiber.await(before), this.life(made))
    return Effect.flatMap(Effect.forkIn(life, this.scope), (fiber) => {
      this.fiber = fiber
      fiber.addObserver(() => {
        if (this.fiber === fiber) this.fiber = undefined
        this.settle(made, Exit.fail(this.closed()))
      })
      return Deferred.await(made)
    })
  })

  /** Keeps the slot filled until it is stopped or has no attempts left; then gives why there is no connection. */
  readonly keep: Effect.Effect<E | ConnectionError> = Effect.suspend(() => {
    this.kept = true
    this.opening ??= Deferred.makeUnsafe()
    return Effect.onExit(this.lifeAfterLife, () =>
      Effect.sync(() => {
        this.kept = false
        if (this.opening !== undefined) this.settle(this.opening, Exit.fail(this.missing ?? this.closed()))
      }))
  })

  /** Makes no further attempt. */
  stop(): void {
    this.stopped = true
  }

  /** Closes the connection, or gives up the attempt, unless the slot is kept filled. Whoever asks next connects again. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => this.fiber === undefined ? Effect.void : Fiber.interrupt(this.fiber))

  private readonly lifeAfterLife: Effect.Effect<E | ConnectionError> = Effect.suspend(() =>
    Effect.flatMap(
      this.life(this.opening!),
      () => this.stopped || this.attempts.exhausted ? Effect.succeed(this.missing ?? this.closed()) : this.lifeAfterLife
    )
  )

  private settle(opening: Deferred.Deferred<C, E | ConnectionError>, exit: Exit.Exit<C, E | ConnectionError>): void {
    if (this.opening === opening) this.opening = this.kept && Exit.isFailure(exit) ? Deferred.makeUnsafe() : undefined
    Deferred.doneUnsafe(opening, exit)
  }

  private closed(): ConnectionError {
    return new ConnectionError({
      reason: new ConnectionClosed({ by: "this client" }),
      address: this.options.address,
      ambiguous: false
    })
  }

  /** One attempt, and the connection that comes of it until its end. */
  private life(opening: Deferred.Deferred<C, E | ConnectionError>): Effect.Effect<void> {
    const { open, random, watch: { failed, found, lost } = {} } = this.options
    let connection: C | undefined
    return Effect.scoped(Effect.gen({ self: this }, function*() {
      const clock = yield* Clock.Clock
      this.now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const wait = this.attempts.next(this.now(), random === undefined ? yield* Random.next : random())
      if (wait === undefined) return this.settle(opening, Exit.fail(this.missing ?? this.closed()))
      if (wait > 0) yield* Effect.sleep(wait)
      if (this.stopped) return
      const gone = Deferred.makeUnsafe<ConnectionError>()
      this.connecting = true
      const exit = yield* Effect.exit(open((error) => {
        if (connection !== undefined) this.leave(connection, error)
        Deferred.doneUnsafe(gone, Exit.succeed(error))
      }))
      this.connecting = false
      if (Exit.isFailure(exit)) {
        this.attempts.ended(this.now())
        const error = Exit.findErrorOption(exit)
        if (Option.isSome(error)) {
          this.missing = error.value
          this.options.refused?.(error.value)
          if (failed !== undefined && !this.stopped) yield* failed(error.value)
        }
        this.settle(opening, exit)
        return yield* Option.isSome(error) ? Effect.void : Effect.failCause(exit.cause as Cause.Cause<never>)
      }
      connection = exit.value
      this.current = connection
      this.lives++
      this.attempts.opened(this.now())
      if (connection.closed === undefined) this.options.entered?.(connection)
      this.settle(opening, exit)
      // one that broke before anybody looked at it was not found
      if (found !== undefined && connection.closed === undefined) yield* found
      const error = yield* Deferred.await(gone)
      this.leave(connection, error)
      if (lost !== undefined && !this.stopped) yield* lost(error)
    })).pipe(Effect.onExit(() =>
      Effect.sync(() => {
        this.connecting = false
        if (connection !== undefined) this.leave(connection, this.closed())
        this.settle(opening, Exit.fail(this.closed()))
      })
    ))
  }

  private leave(connection: C, error: ConnectionError): void {
    if (this.current !== connection) return
    this.current = undefined
    this.missing = error
    this.attempts.ended(this.now())
    if (this.kept) this.opening = Deferred.makeUnsafe()
    this.options.left?.(connection, error)
  }
}
