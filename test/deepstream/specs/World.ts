/** One feature being played: two servers, a client in virtual time, and what happened that steps ask about. */
import { type DeepstreamClient, type DeepstreamError, type DeepstreamOptions, type DeepstreamReason, wordsOf } from "@wirewright/deepstream"
import { make } from "../../../packages/deepstream/src/Deepstream.ts"
import { WebSockets } from "@wirewright/testing"
import { Effect, Exit, Scope, Stream } from "effect"
import { Socket } from "effect/socket"
import { TestClock } from "effect/testing"
import { SpecServer } from "./SpecServer.ts"

/** An error as the features know it. */
export interface Thrown {
  readonly code: string
  readonly message: string
}

/** How long the features allow for what. */
const timeouts: Partial<DeepstreamOptions> = {
  subscriptionTimeout: 100,
  recordReadAckTimeout: 200,
  recordReadTimeout: 400,
  recordDeleteTimeout: 100,
  rpcResponseTimeout: 200,
  reconnect: { initialDelay: 10, maxDelay: 50, jitter: false }
}

const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

/** Lets so many milliseconds of virtual time pass, and everything that happens in them. */
export const pass = (millis: number): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let passed = 0; passed < millis; passed += 5) {
      yield* TestClock.adjust(5)
      for (let turns = 0; turns < 4; turns++) yield* turn
    }
  })

/** After what the client does, it has time to be sent. */
export const sent: Effect.Effect<void> = pass(10)

/** After what a server does, what comes of it has time. */
export const settled: Effect.Effect<void> = pass(20)

/** What the steps of one scenario share. */
export class World {
  readonly first: SpecServer
  readonly second: SpecServer
  /** The server that steps speak of. */
  server: SpecServer
  client: DeepstreamClient | undefined
  /** Errors in the order they were thrown, and those that a step asked about. */
  thrown: Array<Thrown> = []
  readonly asserted = new Set<string>()
  /** What `<UID>` stands for: what was last heard in its place, before that the server's own. */
  uid = "an-id-of-the-server"
  /** Scratch of the step modules, by what it is about. */
  readonly notes = new Map<string, unknown>()
  private readonly network = new WebSockets()
  private scope: Scope.Closeable | undefined
  private readonly scopes = new Map<string, Scope.Closeable>()

  constructor() {
    this.first = new SpecServer(this.network, "ws://localhost:7777/deepstream")
    this.second = new SpecServer(this.network, "ws://localhost:8888/deepstream")
    this.server = this.first
  }

  /** A new scenario: no client, nothing remembered. The servers stay as they are. */
  get beginScenario(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      yield* this.closeClient
      this.server = this.first
      this.first.messages = []
      this.second.messages = []
      this.thrown = []
      this.asserted.clear()
      this.notes.clear()
    })
  }

  get end(): Effect.Effect<void> {
    return Effect.tap(this.closeClient, () =>
      Effect.sync(() => {
        this.first.stop()
        this.second.stop()
      }))
  }

  /** Makes the client of the features' options. */
  startClient(options: Partial<DeepstreamOptions> = {}): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      yield* this.closeClient
      const scope = this.scope = yield* Scope.make()
      const client = this.client = yield* make({ url: this.first.url, ...timeouts, ...options }).pipe(
        Scope.provide(scope),
        Effect.provideService(Socket.WebSocketConstructor, this.network.dial),
        Effect.orDie
      )
      yield* Effect.forkIn(
        Stream.runForEach(client.problems, ({ reason, severity }) =>
          Effect.sync(() => {
            if (severity === "error") this.throw(reason)
          })),
        scope,
        { startImmediately: true }
      )
    })
  }

  throw(reason: DeepstreamReason): void {
    this.thrown.push({ code: reason.code, message: wordsOf(reason) })
  }

  /** The client, which a step before has made. */
  get ds(): DeepstreamClient {
    if (this.client === undefined) throw new Error("no client was initialised")
    return this.client
  }

  /** Runs beside the steps until the scenario or `name` ends. A failure is a thrown error, unless `onFailure` takes it. */
  fork<A, R extends Scope.Scope>(
    name: string,
    effect: Effect.Effect<A, DeepstreamError, R>,
    onExit: (exit: Exit.Exit<A, DeepstreamError>) => void = (exit) => {
      if (Exit.isFailure(exit)) { for (const reason of exit.cause.reasons) if (reason._tag === "Fail") this.throw(reason.error.reason) }
    }
  ): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const scope = this.scopes.get(name) ?? (yield* Scope.fork(this.scope!))
      this.scopes.set(name, scope)
      const run = Effect.onExit(effect, (exit) => Effect.sync(() => onExit(exit)))
      yield* Effect.forkIn(Effect.exit(Scope.provide(run, scope)) as Effect.Effect<unknown>, scope, { startImmediately: true })
    })
  }

  /** Ends what was forked under this name. */
  stop(name: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const scope = this.scopes.get(name)
      if (scope === undefined) throw new Error(`nothing is called ${name}`)
      this.scopes.delete(name)
      return Scope.close(scope, Exit.void)
    })
  }

  /** Whether something of this name runs. */
  has(name: string): boolean {
    return this.scopes.has(name)
  }

  /** A list that steps write to and read from. */
  list<A>(name: string): Array<A> {
    const found = this.notes.get(name) as Array<A> | undefined
    if (found !== undefined) return found
    const made: Array<A> = []
    this.notes.set(name, made)
    return made
  }

  private get closeClient(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { scope } = this
      this.scope = undefined
      this.client = undefined
      this.scopes.clear()
      return scope === undefined ? Effect.void : Effect.andThen(Scope.close(scope, Exit.void), pass(5))
    })
  }
}
