/**
 * A client of any protocol whose spec says by which field answers are told: commands in, typed answers out.
 *
 * A status that is no success is an error with what a client may do about it. Answers of commands with many are a Stream, and so is what
 * servers send unasked. Connections, deadlines and reconnecting are those of the pool; nothing is repeated.
 */
import type { ClientProtocol, Command, EncodeError, Writer } from "@wirewright/codec"
import { RetryClassSchema } from "@wirewright/codec/ErrorSchema"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ConnectionPool, type ConnectionPoolOptions, type PoolCounters } from "./ConnectionPool.ts"
import type { ConnectionError } from "./Errors.ts"
import { type Call, Exchange, type Resume } from "./Exchange.ts"
import type { PacketConnection } from "./PacketConnection.ts"
import { PacketCall } from "./Relay.ts"
import { TaggedError } from "./TaggedErrors.ts"

/** A command was answered with a status that is no success. */
export class StatusError extends TaggedError<StatusError>()("StatusError", {
  /** Name of the command. */
  command: Schema.String,
  status: Schema.Number,
  /** Name of the status; of one that the spec does not have, its number. */
  name: Schema.String,
  /** What a client may do about it; `fatal` for a status that the spec does not have. */
  retry: RetryClassSchema,
  /** The answer as it was decoded; in another process, what JSON has of it. */
  answer: Schema.Defect(),
  /** `host:port` of the server. */
  address: Schema.String
}) {
  override get message(): string {
    return `${this.address}: ${this.command} was answered with ${this.name}`
  }
}

/** Why a command failed. `EncodeError`: a field is wrong, and nothing was sent. */
export type CallError = StatusError | ConnectionError | EncodeError

/** What a command's request is made of: what its encoder takes, without the field that answers repeat. */
export type RequestFields<P, C extends string> = P extends unknown ? Omit<P, C> : never

/** Fields, which need not be given when none is needed. */
export type Given<F> = {} extends F ? [fields?: F, options?: CallOptions] : [fields: F, options?: CallOptions]

/** How a command is to be treated. */
export interface CallOptions {
  /** Time to wait for the answer. Default: the client's own. */
  readonly timeout?: Duration.Input
}

/** Options of a client. */
export interface ClientOptions<Answer, Push, E = never>
  extends Omit<ConnectionPoolOptions<Answer, Push, E>, "protocol" | "onServerRequest" | "onPeerRequest">
{
  /** Packets sent unasked that a slow reader of `pushes` may be behind; the oldest are dropped. Default: 1 024 */
  readonly maxPushes?: number
}

/** What generated code exports for clients. */
export interface ClientModule<Answer, Push, C extends string> {
  readonly client: ClientProtocol<Answer, Push, C>
}

interface Packet {
  readonly _tag: string
}

type AnyCommand = Command<object, unknown>
type AnyProtocol = ClientProtocol<unknown, unknown, string>

/** A client. */
export interface Client<Answer, Push, C extends string, E = never> {
  /** Sends a command and waits for its answer, which is one of those that report success. */
  readonly call: <P, A>(command: Command<P, A, "one">, ...given: Given<RequestFields<P, C>>) => Effect.Effect<A, CallError | E>
  /**
   * Sends a command, and has its answers until the last. While many wait for a slow reader, nothing of that connection is read. A stream
   * that ends early leaves the answers to be dropped.
   */
  readonly stream: <P, A>(command: Command<P, A, "many">, ...given: Given<RequestFields<P, C>>) => Stream.Stream<A, CallError | E>
  /** Sends a command that is not answered, or not when it succeeds. */
  readonly send: <P, A>(
    command: Command<P, A, "none" | "error">,
    ...given: Given<RequestFields<P, C>>
  ) => Effect.Effect<void, ConnectionError | EncodeError | E>
  /** What servers send unasked from now on: packets of one command. */
  readonly pushes: <N extends string>(command: { readonly name: N }) => Stream.Stream<Extract<Push, { readonly _tag: N }>>
  /** What was counted so far. */
  readonly counters: Effect.Effect<PoolCounters>
  /** The connections there are, for what has no word here. */
  readonly connections: ReadonlyArray<PacketConnection<Answer, Push>>
}

/** A command on its way. */
class Called extends Exchange<unknown, unknown, CallError> {
  readonly command: AnyCommand
  readonly packet: object
  readonly protocol: AnyProtocol
  readonly address: string

  constructor(
    command: AnyCommand,
    packet: object,
    protocol: AnyProtocol,
    address: string,
    resume: Resume<unknown, CallError>
  ) {
    super(oneAnswer, resume)
    this.command = command
    this.packet = packet
    this.protocol = protocol
    this.address = address
  }
}

/** Appends the request of a command under the number that answers repeat. */
const encode = (
  writer: Writer,
  command: AnyCommand,
  packet: object,
  { header: { correlation } }: AnyProtocol,
  number: number
): void => command.encode(writer, { ...packet, [correlation]: number }, undefined as void)

/** The failure that an answer stands for, unless it reports success. */
const failure = (
  { statuses }: AnyProtocol,
  command: string,
  address: string,
  answer: unknown
): StatusError | undefined => {
  const { status } = answer as { readonly status: number }
  const row = statuses[status]
  if (row?.retry === "success") return undefined
  return new StatusError({ command, status, name: row?.name ?? String(status), retry: row?.retry ?? "fatal", answer, address })
}

const oneAnswer: Call<Called, unknown, unknown, CallError> = {
  // what a lost command did is not known, whichever it was
  writes: true,
  encode: (writer, { command, opaque, packet, protocol }) => encode(writer, command, packet, protocol, opaque),
  interpret: (answer, { address, command, protocol }) => {
    const error = failure(protocol, command.name, address, answer)
    return error === undefined ? Exit.succeed(answer) : Exit.fail(error)
  },
  failed: (error) => Exit.fail(error)
}

/** Answers that may wait for the reader of a stream before their connection is no longer read. */
const maxWaiting = 1_024

/** A command with many answers on its way. */
class Streaming extends PacketCall<unknown> {
  private readonly command: AnyCommand
  private readonly packet: object
  private readonly protocol: AnyProtocol
  private readonly connection: PacketConnection<unknown, unknown>
  private readonly queue: Queue.Queue<unknown, CallError | Cause.Done>
  private paused = false

  constructor(
    command: AnyCommand,
    packet: object,
    protocol: AnyProtocol,
    connection: PacketConnection<unknown, unknown>,
    queue: Queue.Queue<unknown, CallError | Cause.Done>
  ) {
    super()
    this.command = command
    this.packet = packet
    this.protocol = protocol
    this.connection = connection
    this.queue = queue
  }

  write(writer: Writer): void {
    encode(writer, this.command, this.packet, this.protocol, this.opaque)
  }

  answer(answer: unknown): boolean {
    const error = failure(this.protocol, this.command.name, this.connection.address, answer)
    if (error !== undefined) {
      this.refuse(error)
      return true
    }
    const end = this.place(answer)
    const ends = end !== undefined
    if (end !== "mark") Queue.offerUnsafe(this.queue, answer)
    if (ends) Queue.endUnsafe(this.queue)
    else if (Queue.sizeUnsafe(this.queue) >= maxWaiting) {
      this.paused = true
      this.deadline = Infinity
      this.connection.pause()
    } else this.deadline = performance.now() + this.timeout
    return ends
  }

  /** Whether an answer that reports success is the last, or only marks the end. */
  private place(answer: unknown): "answer" | "mark" | undefined {
    const { last } = this.command
    return last === undefined ? "answer" : last(answer)
  }

  readonly ends = (answer: unknown): boolean =>
    failure(this.protocol, this.command.name, this.connection.address, answer) !== undefined || this.place(answer) !== undefined

  /** The reader has taken what waited, or wants no more. */
  taken(): void {
    if (!this.paused) return
    this.paused = false
    this.deadline = performance.now() + this.timeout
    this.connection.resume()
  }

  fail(why: "timeout" | "lost"): void {
    this.refuse(this.failure(why, false))
  }

  refuse(error: CallError): void {
    Queue.failCauseUnsafe(this.queue, Cause.fail(error))
  }
}

const noFields = {}

/** Connects; the client's connections close with the scope. Fails when the first attempt to connect does. */
export const make = <Answer, Push, C extends string, E = never>(
  module: ClientModule<Answer, Push, C>,
  { maxPushes = 1_024, ...options }: ClientOptions<Answer, Push, E>
): Effect.Effect<Client<Answer, Push, C, E>, E | ConnectionError, Scope.Scope> =>
  Effect.gen(function*() {
    const protocol = module.client as AnyProtocol
    const pushed = yield* PubSub.sliding<Push>(maxPushes)
    yield* Effect.addFinalizer(() => PubSub.shutdown(pushed))
    const pool = yield* ConnectionPool.make<Answer, Push, E>({
      ...options,
      protocol: module.client,
      onServerRequest: (push) => void PubSub.publishUnsafe(pushed, push)
    })
    const wait = (given: CallOptions | undefined): number | undefined =>
      given?.timeout === undefined ? undefined : Duration.toMillis(given.timeout)

    const call = (command: AnyCommand, fields: object = noFields, given?: CallOptions): Effect.Effect<unknown, CallError | E> =>
      Effect.callback((resume) => {
        const request = (resume: Resume<unknown, CallError | E>) =>
          new Called(command, fields, protocol, pool.address, resume) as unknown as Exchange<Answer, unknown, CallError>
        const connection = pool.take()
        if (connection !== undefined) return connection.begin(request(resume), wait(given))
        resume(whenThere((there, left) => there.perform(request, left), wait(given)))
      })

    /** Waits for a connection as long as the command may take. */
    const whenThere = <A>(
      run: (connection: PacketConnection<Answer, Push>, milliseconds: number | undefined) => Effect.Effect<A, CallError | E>,
      timeout: number | undefined
    ): Effect.Effect<A, CallError | E> => pool.later(run, Effect.fail, timeout)

    const connected = (timeout: number | undefined): Effect.Effect<PacketConnection<Answer, Push>, CallError | E> =>
      Effect.suspend(() => {
        const connection = pool.take()
        return connection === undefined ? whenThere((there) => Effect.succeed(there), timeout) : Effect.succeed(connection)
      })

    const stream = (command: AnyCommand, fields: object = noFields, given?: CallOptions): Stream.Stream<unknown, CallError | E> =>
      Stream.unwrap(Effect.gen(function*() {
        const queue = yield* Queue.unbounded<unknown, CallError | Cause.Done>()
        const connection = (yield* connected(wait(given))) as PacketConnection<unknown, unknown>
        const request = new Streaming(command, fields, protocol, connection, queue)
        yield* Effect.acquireRelease(
          Effect.sync(() => connection.begin(request, wait(given))),
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

    const send = (command: AnyCommand, fields: object = noFields): Effect.Effect<void, CallError | E> =>
      Effect.flatMap(connected(undefined), (connection) =>
        connection.sendOnly((writer, number) => encode(writer, command, fields, protocol, number)))

    return {
      call,
      stream,
      send,
      pushes: ({ name }: { readonly name: string }) =>
        Stream.filter(Stream.fromPubSub(pushed), (push) =>
          (push as unknown as Packet)._tag === name),
      counters: Effect.sync(() => pool.counters),
      connections: pool.connections
    } as unknown as Client<Answer, Push, C, E>
  })
