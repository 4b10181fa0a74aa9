/**
 * A session with a socket, a clock and fibres: dials, sends one frame at the end of each turn of the event loop, and wakes the session when
 * something is due.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { ConnectionState } from "./ConnectionState.ts"
import { DeepstreamError, type DeepstreamReason, type Problem, wordsOf } from "./DeepstreamError.ts"
import { DeepstreamSession, type SessionHost } from "./DeepstreamSession.ts"
import type { WriteOptions, Written } from "./WriteOptions.ts"
import { atEndOfTick } from "./EndOfTick.ts"
import type { WriteOutcome } from "./PendingWrites.ts"
import { WebSocketConstructor } from "./PlatformSocket.ts"
import type { SessionOptions } from "./SessionOptions.ts"
import type { Settle } from "./Wire.ts"

/** What a driver can be told besides the session. */
export interface DriverOptions {
  /** Characters that a socket may hold before nothing more is given to it. */
  readonly maxSocketBuffer: number
}

/** How long a full socket is left alone, in milliseconds. */
const drainInterval = 5
/** By how many milliseconds a timer is late where the process stood still: Node's timers come before what arrived meanwhile. */
const stoodStill = 5

const byteLength = (data: unknown): number =>
  typeof data === "object" && data !== null
    ? "byteLength" in data ? Number(data.byteLength) : "size" in data ? Number(data.size) : 0
    : 0

/** Drives one session. */
export class Driver implements SessionHost {
  readonly session: DeepstreamSession
  readonly state: SubscriptionRef.SubscriptionRef<ConnectionState>
  readonly random: () => number
  private readonly clock: Clock.Clock
  private readonly construct: (url: string) => Socket.WebSocketLike
  private readonly reported: PubSub.PubSub<Problem>
  private readonly options: DriverOptions
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  private socket: Socket.WebSocketLike | undefined
  private readonly url: string
  /** Failures since the connection was open. */
  private failed = 0
  private wasOpen = false
  private flushing = false
  private stopped = false
  private timer: { readonly at: number; readonly fiber: Fiber.Fiber<void> } | undefined
  private waitingForRoom: Array<() => void> = []

  private constructor(
    url: string,
    options: DriverOptions,
    session: Partial<SessionOptions>,
    parts: Pick<Driver, "state"> & {
      readonly clock: Clock.Clock
      readonly chance: Random.Random
      readonly construct: Driver["construct"]
      readonly reported: PubSub.PubSub<Problem>
      readonly fork: Driver["fork"]
    }
  ) {
    this.url = url
    this.options = options
    this.random = () => parts.chance.nextDoubleUnsafe()
    this.state = parts.state
    this.clock = parts.clock
    this.construct = parts.construct
    this.reported = parts.reported
    this.fork = parts.fork
    this.session = new DeepstreamSession(url, this, session)
  }

  /** Makes a driver, and closes it with the scope. Nothing is dialled before `session.start` or a login. */
  static readonly make = (
    url: string,
    options: DriverOptions,
    session: Partial<SessionOptions>
  ): Effect.Effect<Driver, never, Socket.WebSocketConstructor | Scope.Scope> =>
    Effect.gen(function*() {
      const construct = yield* WebSocketConstructor
      const clock = yield* Clock.Clock
      const chance = yield* Random.Random
      const state = yield* SubscriptionRef.make<ConnectionState>("CLOSED")
      const reported = yield* PubSub.sliding<Problem>(1024)
      const context = yield* Effect.context<never>()
      const fork = Effect.runForkWith(context)
      return yield* Effect.acquireRelease(
        Effect.sync(() => new Driver(url, options, session, { chance, clock, construct, fork, reported, state })),
        (driver) => Effect.sync(() => driver.stop())
      )
    })

  /** What went wrong and no call heard of. Each subscriber misses the oldest when 1 024 wait for it. */
  get problems(): Stream.Stream<Problem> {
    return Stream.fromPubSub(this.reported)
  }

  /** An effect that is settled by the session, begun when there is room; interrupting it gives up waiting. */
  call<A>(start: (settle: Settle<A>) => (() => void) | void): Effect.Effect<A, DeepstreamError> {
    return this.whenRoom(() =>
      Effect.callback<A, DeepstreamError>((resume) => {
        const giveUp = start({
          succeed: (value) => resume(Effect.succeed(value)),
          fail: (reason) => resume(Effect.fail(new DeepstreamError({ reason })))
        })
        return giveUp === undefined ? undefined : Effect.sync(giveUp)
      })
    )
  }

  /** An effect that is done at once, when there is room. */
  send(start: () => DeepstreamReason | undefined): Effect.Effect<void, DeepstreamError> {
    return this.whenRoom(() => {
      const reason = start()
      return reason === undefined ? Effect.void : Effect.fail(new DeepstreamError({ reason }))
    })
  }

  /** A write: done when its outcome is known, or at once when no caller waits for that. */
  write<O extends WriteOptions | undefined>(
    options: O | undefined,
    start: (settle?: Settle<WriteOutcome>) => DeepstreamReason | undefined
  ): Effect.Effect<Written<O>, DeepstreamError> {
    const written = options?.acknowledge === true
      ? this.call<WriteOutcome>((settle) => {
        const refused = start(settle)
        if (refused !== undefined) settle.fail(refused)
      })
      : this.send(start)
    return written as Effect.Effect<Written<O>, DeepstreamError>
  }

  /** While the network takes less than is sent, waits; a connection that is lost makes room, or refuses. */
  private whenRoom<A>(start: () => Effect.Effect<A, DeepstreamError>): Effect.Effect<A, DeepstreamError> {
    return Effect.suspend(() =>
      this.session.state === "OPEN" && this.session.congested ? Effect.andThen(this.room, this.whenRoom(start)) : start()
    )
  }

  /** Runs beside everything, its failures included. */
  background(effect: Effect.Effect<void>): void {
    this.fork(effect)
  }

  /** Reports what no call hears of. */
  readonly report = (reason: DeepstreamReason): void => this.problem({ reason, severity: "error" })

  now(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1e6
  }

  dial(url: string): void {
    this.hangUp()
    let socket: Socket.WebSocketLike
    try {
      socket = this.construct(url)
    } catch (error) {
      atEndOfTick(() => this.session.socketClosed(`cannot connect to ${url}: ${(error as Error).message}`))
      return
    }
    this.socket = socket
    const current = (run: () => void) => (): void => {
      if (this.socket === socket) run()
    }
    if ("binaryType" in socket) (socket as { binaryType: string }).binaryType = "arraybuffer"
    socket.addEventListener("open", current(() => this.session.socketOpened()))
    // says less than the close after it, but has to be listened to
    socket.addEventListener("error", () => {})
    socket.addEventListener(
      "close",
      current(() => {
        this.socket = undefined
        this.session.socketClosed()
      })
    )
    socket.addEventListener("message", (event) => {
      if (this.socket !== socket) return
      const { data } = event
      if (typeof data === "string") this.session.received(data)
      else this.session.receivedBinary(byteLength(data))
    })
  }

  hangUp(): void {
    const { socket } = this
    this.socket = undefined
    try {
      socket?.close()
    } catch {
      // it was closing already
    }
  }

  changed(state: ConnectionState): void {
    Effect.runSync(SubscriptionRef.set(this.state, state))
    if (state !== "OPEN") return
    if (this.failed > 0) this.fork(Effect.annotateLogs(Effect.logInfo("server found again"), { server: this.url, attempt: this.failed }))
    this.failed = 0
    this.wasOpen = true
  }

  problem(problem: Problem): void {
    PubSub.publishUnsafe(this.reported, problem)
    const { raw, reason, severity } = problem
    if (reason._tag === "ConnectionFailed") return this.unconnected(reason.url, reason.message)
    const words = `deepstream: ${reason.code}: ${wordsOf(reason)}${raw === undefined ? "" : ` (${raw})`}`
    this.fork(severity === "error" ? Effect.logWarning(words) : Effect.logDebug(words))
  }

  /** The connection is lost, or an attempt to connect failed: the first is said, and from there on each that is twice as late. */
  private unconnected(url: string, cause: string): void {
    const attempt = this.failed++
    const line = attempt === 0 && this.wasOpen ? "server lost" : "server not reached"
    const often = attempt > 1 && (attempt & attempt - 1) !== 0
    this.fork(
      Effect.annotateLogs(often ? Effect.logDebug(line) : Effect.logWarning(line), {
        server: url,
        cause,
        ...attempt === 0 ? {} : { attempt }
      })
    )
  }

  wake(): void {
    if (this.flushing || this.stopped) return
    this.flushing = true
    atEndOfTick(this.flush)
  }

  private readonly flush = (): void => {
    this.flushing = false
    const { session, socket } = this
    if (socket !== undefined && socket.readyState === 1) {
      while (session.hasFrame) {
        if (this.buffered(socket) > this.options.maxSocketBuffer) {
          this.arm(this.now() + drainInterval)
          return
        }
        const frame = session.takeFrame()
        if (frame === undefined) break
        try {
          socket.send(frame)
        } catch {
          // it closed under our hands, and says so next
          break
        }
      }
    }
    if (this.waitingForRoom.length > 0 && !(session.state === "OPEN" && session.congested)) {
      for (const go of this.waitingForRoom.splice(0)) go()
    }
    const next = session.nextDeadline
    if (next !== undefined) this.arm(next)
  }

  private buffered(socket: Socket.WebSocketLike): number {
    return (socket as { readonly bufferedAmount?: number }).bufferedAmount ?? 0
  }

  private readonly room: Effect.Effect<void> = Effect.callback<void>((resume) => {
    const go = (): void => resume(Effect.void)
    this.waitingForRoom.push(go)
    return Effect.sync(() => {
      this.waitingForRoom = this.waitingForRoom.filter((other) => other !== go)
    })
  })

  private arm(at: number): void {
    if (this.stopped || this.timer !== undefined && this.timer.at <= at) return
    const before = this.timer
    const timer = {
      at,
      fiber: this.fork(Effect.andThen(
        Effect.sleep(Math.max(0, Math.ceil(at - this.now()))),
        Effect.sync(() => {
          if (this.timer === timer) this.timer = undefined
          const now = this.now()
          const tick = (): void => {
            if (this.stopped) return
            this.session.tick(now)
            this.wake()
          }
          if (now - at > stoodStill) atEndOfTick(tick)
          else tick()
        })
      ))
    }
    this.timer = timer
    before?.fiber.interruptUnsafe()
  }

  private stop(): void {
    if (this.stopped) return
    this.session.close()
    // what the session still had to say, such as leaving
    this.stopped = true
    this.hangUp()
    this.timer?.fiber.interruptUnsafe()
    this.timer = undefined
    for (const go of this.waitingForRoom.splice(0)) go()
  }
}
