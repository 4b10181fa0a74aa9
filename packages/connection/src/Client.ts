/**
 * A client of any protocol whose spec says what answers what: by a header field, by the order of packets, or by a number in them. Commands in,
 * typed answers out.
 *
 * A status that is no success is an error with what a client may do about it. Answers of commands with many are a Stream, and so is what
 * servers send unasked. Connections, deadlines and reconnecting are those of the pool; nothing is repeated. What is said on a new connection
 * before it takes commands is `begin`, which is given a session: the same client of that one connection.
 */
import type { ClientProtocol, Command, EncodeError, OrderedProtocol } from "@wirewright/codec"
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type CallError, Called, Dialect, type Outgoing, Streaming } from "./Commands.ts"
import { ConnectionPool, type ConnectionPoolOptions, type PoolCounters } from "./ConnectionPool.ts"
import type { PoolWatch } from "./ConnectionSlot.ts"
import type { ConnectionError } from "./Errors.ts"
import type { Resume, Sendable } from "./Exchange.ts"
import type { ConnectionCounters, PacketConnection } from "./PacketConnection.ts"
import { Pushes, type PushOptions } from "./Pushes.ts"
import { errorType } from "./Spans.ts"
import type { Telemetry } from "./Telemetry.ts"

export { type CallError, type Outgoing, StatusError } from "./Commands.ts"
export type { PushOptions } from "./Pushes.ts"

/** The field that answers repeat: never a caller's to give (`derived`), or one that he may give (`numbered`). */
export interface Correlation {
  readonly derived: string
  readonly numbered: string
}

/** What a command's request is made of: what its encoder takes, without the field that answers repeat, or with it when callers want. */
export type RequestFields<P, C extends Correlation> = P extends unknown
  ? Omit<P, C["derived"] | C["numbered"]> & Partial<Pick<P, Extract<keyof P, C["numbered"]>>>
  : never

/** Fields, which need not be given when none is needed. */
export type Given<F> = {} extends F ? [fields?: F, options?: CallOptions] : [fields: F, options?: CallOptions]

/** How a command is to be treated. */
export interface CallOptions {
  /** Time to wait for the answer, or for the next of many. Default: the client's own. */
  readonly timeout?: Duration.Input
  /** What is sent right before it on the same connection, and is not answered on its own (`packet`). */
  readonly preceding?: ReadonlyArray<Outgoing>
}

// oxlint-disable-next-line typescript/no-explicit-any -- states of any protocol
type Any = any

/** Options of clients of all protocols: those of connections, their pool, and what comes unasked. */
export interface CommonOptions extends
  Omit<
    ConnectionPoolOptions<never, never, never>,
    "protocol" | "onServerRequest" | "onPeerRequest" | "begin" | "states" | "watch"
  >,
  PushOptions
{}

/** Options of a client. */
export interface ClientOptions<Answer, Push, C extends Correlation, S, E = never> extends CommonOptions {
  readonly watch?: PoolWatch<NoInfer<E>>
  /** What was negotiated, of protocols whose packets depend on that. Default: nothing */
  readonly states?: S
  /**
   * Run on every new connection before it takes commands; what it forks in its scope lives as long as the connection. What comes unasked until
   * it is done is kept for it. Default: nothing
   */
  readonly begin?: (session: Session<Answer, Push, C>) => Effect.Effect<void, E, Scope.Scope>
}

/** What clients, and sessions of one connection, do. */
export interface Conversation<Push, C extends Correlation, E = never> {
  /** Sends a command and waits for its answer, which is one of those that report success. */
  readonly call: <P, A>(command: Command<P, A, "one", Any>, ...given: Given<RequestFields<P, C>>) => Effect.Effect<A, CallError | E>
  /**
   * Sends a command, and has its answers until the last. While many wait for a slow reader, nothing of that connection is read. A stream
   * that ends early leaves the answers to be dropped.
   */
  readonly stream: <P, A>(
    command: Command<P, A, "many", Any>,
    ...given: Given<RequestFields<P, C>>
  ) => Stream.Stream<A, CallError | E>
  /** Sends a command that is not answered, or not when it succeeds. */
  readonly send: <P, A>(
    command: Command<P, A, "none", Any> | Command<P, A, "error", Any>,
    ...given: Given<Omit<P, C["derived"]>>
  ) => Effect.Effect<void, ConnectionError | EncodeError | E>
  /** What servers send unasked from now on: packets of some commands, in order. */
  readonly pushes: <N extends string>(
    ...commands: ReadonlyArray<{ readonly name: N }>
  ) => Stream.Stream<Extract<Push, { readonly _tag: N }>>
  /** The same from this moment on, whenever the stream is run, until it ends or the scope closes; it is run once. */
  readonly listen: <N extends string>(
    ...commands: ReadonlyArray<{ readonly name: N }>
  ) => Effect.Effect<Stream.Stream<Extract<Push, { readonly _tag: N }>>, never, Scope.Scope>
}

/** A client of one connection. */
export interface Session<Answer, Push, C extends Correlation> extends Conversation<Push, C> {
  /** `host:port` of the server. */
  readonly address: string
  /** What was counted so far. */
  readonly counters: ConnectionCounters
  /** Packets sent unasked that nobody read. */
  readonly pushesDropped: number
  /** The connection, for what has no word here. */
  readonly connection: PacketConnection<Answer, Push>
  /**
   * Sends a command at intervals, from now on and as long as the scope is open, and gives the connection up when one is not answered within
   * such an interval; while nothing is read, because a reader is behind, that says nothing. None is sent where the interval is 0.
   */
  readonly keepAlive: <P, A>(
    command: Command<P, A, "one", Any>,
    fields: RequestFields<P, C>,
    interval: Duration.Input
  ) => Effect.Effect<void, never, Scope.Scope>
}

/** A client. */
export interface Client<Answer, Push, C extends Correlation, E = never> extends Conversation<Push, C, E> {
  /**
   * A connection that commands of nobody else are sent on until the scope closes: for steps that belong together. Waits for one as long as a
   * command may take.
   */
  readonly reserve: Effect.Effect<Session<Answer, Push, C>, ConnectionError | E, Scope.Scope>
  /** `host:port` of the server. */
  readonly address: string
  /** What was counted so far. */
  readonly counters: Effect.Effect<PoolCounters>
  /** Packets sent unasked that no reader of the client's took. */
  readonly pushesDropped: number
  /** The connections there are, for what has no word here. */
  readonly connections: ReadonlyArray<PacketConnection<Answer, Push>>
}

const noFields = {}
const nothing: ReadonlyArray<Outgoing> = []

/** A command with its fields, to be sent right before another. */
export const packet = <P, A>(
  command: Command<P, A, "none", Any>,
  ...given: {} extends P ? [fields?: NoInfer<P>] : [fields: NoInfer<P>]
): Outgoing => ({ command: command as Outgoing["command"], fields: (given[0] ?? noFields) as object, preceding: nothing })

interface Named {
  readonly name: string
}

/** Where commands find a connection. */
interface Connections<E> {
  /** Sends a request on the next connection; waits for one as long as it may take. */
  readonly begin: (
    make: (resume: Resume<unknown, CallError | E>) => Sendable<unknown>,
    resume: Resume<unknown, CallError | E>,
    timeout: number | undefined,
    /** Told why there was no connection, and what was waited for one. */
    unsent: (reason: CallError | E, waited: number) => void
  ) => Effect.Effect<void> | undefined
  readonly connected: (timeout?: number) => Effect.Effect<PacketConnection<unknown, unknown>, CallError | E>
}

const milliseconds = (given: CallOptions | undefined): number | undefined =>
  given?.timeout === undefined ? undefined : Duration.toMillis(given.timeout)

type Keepable = Pick<PacketConnection<never, never>, "paused" | "stalled">

/** What keeps a connection, or gives it up. */
const keeping = (connection: Keepable, name: string, call: Effect.Effect<unknown, CallError>, interval: number) => {
  const beat = Effect.catchTag(call, "ConnectionError", ({ reason }) =>
    Effect.sync(() => {
      if (reason._tag === "RequestTimeout" && !connection.paused) connection.stalled(`answer to ${name}`, interval)
    }))
  return Effect.asVoid(Effect.forkScoped(Effect.forever(Effect.delay(Effect.ignore(beat), interval))))
}

/** The commands of a protocol over some connections. */
const conversation = <Push, C extends Correlation, E>(
  dialect: Dialect,
  address: string,
  { begin, connected }: Connections<E>,
  pushes: Pushes<Push>,
  telemetry: Telemetry | undefined
): Conversation<Push, C, E> => {
  const outgoing = (command: Outgoing["command"], fields: object | undefined, given: CallOptions | undefined): Outgoing => ({
    command,
    fields: fields ?? noFields,
    preceding: given?.preceding ?? nothing
  })
  const call = (command: Outgoing["command"], fields?: object, given?: CallOptions): Effect.Effect<unknown, CallError | E> => {
    const ask = (resume: Resume<unknown, CallError | E>): Effect.Effect<void> | undefined =>
      begin(
        (resume) => new Called(outgoing(command, fields, given), dialect, address, telemetry, resume as Resume<unknown, CallError>),
        resume,
        milliseconds(given),
        (reason, waited) => telemetry?.ended(command.name, waited, errorType(reason))
      )
    return telemetry === undefined ? Effect.callback(ask) : telemetry.asked(command.name, ask)
  }

  const stream = (command: Outgoing["command"], fields?: object, given?: CallOptions): Stream.Stream<unknown, CallError | E> => {
    const answers = Stream.unwrap(Effect.gen(function*() {
      const queue = yield* Queue.unbounded<unknown, CallError | Cause.Done>()
      const connection = yield* connected(milliseconds(given))
      const request = new Streaming(outgoing(command, fields, given), dialect, connection, queue)
      yield* Effect.acquireRelease(
        Effect.sync(() => connection.begin(request, milliseconds(given))),
        (freed) =>
          Effect.suspend(() => {
            request.taken()
            return freed ?? Effect.void
          })
      )
      return Stream.tap(Stream.fromQueue(queue), () =>
        Effect.sync(() => {
          if (Queue.sizeUnsafe(queue) === 0) request.taken()
        }))
    }))
    return telemetry === undefined ? answers : telemetry.stream(command.name, answers)
  }

  const send = (command: Outgoing["command"], fields?: object, given?: CallOptions): Effect.Effect<void, CallError | E> => {
    const sent = Effect.flatMap(
      connected(undefined),
      (connection) => connection.send((writer, number) => dialect.write(writer, connection, outgoing(command, fields, given), number))
    )
    return telemetry === undefined ? sent : telemetry.request(command.name, sent)
  }

  return {
    call,
    stream,
    send,
    pushes: (...commands: ReadonlyArray<Named>) => Stream.unwrap(pushes.of(commands.map(({ name }) => name))),
    listen: (...commands: ReadonlyArray<Named>) => pushes.of(commands.map(({ name }) => name))
  } as unknown as Conversation<Push, C, E>
}

/** Where a header field says what packets answer. */
export type Derived<D extends string> = { readonly derived: D; readonly numbered: never }
/** Where the order of packets says it, or a number in them. */
export type Numbered<N extends string> = { readonly derived: never; readonly numbered: N }

interface Make {
  <Answer, Push, D extends string, E = never>(
    module: { readonly client: ClientProtocol<Answer, Push, D> },
    options: ClientOptions<Answer, Push, Derived<D>, unknown, E>
  ): Effect.Effect<Client<Answer, Push, Derived<D>, E>, E | ConnectionError, Scope.Scope>
  <P extends { readonly _tag: string }, N extends string, S, E = never>(
    module: { readonly client: OrderedProtocol<P, N, S> },
    options: ClientOptions<P, P, Numbered<N>, S, E>
  ): Effect.Effect<Client<P, P, Numbered<N>, E>, E | ConnectionError, Scope.Scope>
}

/** Connects; the client's connections close with the scope. Fails when the first attempt to connect, or to begin, does. */
export const make = (<Answer, Push, C extends Correlation, E>(
  module: { readonly client: ClientProtocol<Answer, Push> | OrderedProtocol<Any, Any, Any> },
  options: ClientOptions<Answer, Push, C, unknown, E>
): Effect.Effect<Client<Answer, Push, C, E>, E | ConnectionError, Scope.Scope> =>
  Effect.gen(function*() {
    const { begin, maxPushes: _, whenBehind: __, ...rest } = options
    const dialect = new Dialect(module.client, options.states)
    const pushes = new Pushes<Push>(options)
    const bySession = new WeakMap<object, Pushes<Push>>()
    const pushesOf = (connection: PacketConnection<Answer, Push>): Pushes<Push> => {
      const there = bySession.get(connection)
      if (there !== undefined) return there
      const made = new Pushes<Push>(options)
      bySession.set(connection, made)
      return made
    }
    const sessionOf = (
      connection: PacketConnection<Answer, Push>,
      telemetry: Telemetry | undefined
    ): Session<Answer, Push, C> => {
      const own = pushesOf(connection)
      const one = connection as unknown as PacketConnection<unknown, unknown>
      const only: Connections<never> = {
        begin: (make, resume, timeout) => one.begin(make(resume), timeout),
        connected: () => Effect.succeed(one)
      }
      const commands = conversation<Push, C, never>(dialect, connection.address, only, own, telemetry)
      return {
        ...commands,
        keepAlive: (command, fields, interval) => {
          const timeout = Duration.toMillis(interval)
          const called = commands.call(command, ...[fields, { timeout }] as unknown as Given<typeof fields>)
          return timeout === 0 ? Effect.void : keeping(connection, command.name, called, timeout)
        },
        address: connection.address,
        get counters() {
          return connection.counters
        },
        get pushesDropped() {
          return own.dropped
        },
        connection
      }
    }
    pushes.begun()
    const pool = yield* ConnectionPool.make<Answer, Push, E>({
      ...rest,
      protocol: module.client as ClientProtocol<Answer, Push>,
      onServerRequest: (push, connection) => {
        pushes.publish(push, connection)
        pushesOf(connection).publish(push, connection)
      },
      begin: (connection, telemetry) => {
        const begun = begin === undefined ? Effect.void : begin(sessionOf(connection, telemetry))
        return Effect.tap(begun, () => Effect.sync(() => pushesOf(connection).begun()))
      }
    })
    const connections: Connections<E> = {
      begin: (make, resume, timeout, unsent) =>
        pool.begin(
          make as never,
          resume,
          (reason, _, waited) => {
            unsent(reason, waited)
            return Effect.fail(reason)
          },
          timeout
        ),
      connected: (timeout) => pool.connected(timeout) as Effect.Effect<PacketConnection<unknown, unknown>, ConnectionError | E>
    }
    return {
      ...conversation<Push, C, E>(dialect, pool.address, connections, pushes, pool.telemetry),
      reserve: Effect.suspend(() => Effect.map(pool.reserve(), (connection) => sessionOf(connection, pool.telemetry))),
      address: pool.address,
      counters: Effect.sync(() => pool.counters),
      get pushesDropped() {
        return pushes.dropped
      },
      connections: pool.connections
    }
  })) as Make
