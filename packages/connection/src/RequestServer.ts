/**
 * A server whose requests are handled by Effects, in any dialect of the packet format.
 *
 * An Effect that is already an Exit is answered on the spot; any other runs in a fibre, and its answer waits for its turn. Fibres of a
 * client that is gone are interrupted. What the answers are is the dialect's business (`RequestHandler`).
 */
import type { DecodeError, Writer } from "@wirewright/codec"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ConnectionError } from "./Errors.ts"
import { type PacketProtocol, type PacketServer, type ServerLimits, servePackets } from "./PacketServer.ts"
import type { Frame, PacketHandler, ServerCalls, ServerClient } from "./ServerClient.ts"
import { ServerSession } from "./ServerSession.ts"

/** Appends the packets of an answer. */
export type Answer = (writer: Writer) => void

/** What a request comes to. */
export interface Outcome {
  /** Absent when the request is passed over in silence. */
  readonly answer: Answer | undefined
  /** Many answers, pulled as the client takes them; `answer` is then absent. The last one may be a refusal. */
  readonly answers?: Stream.Stream<Answer, never, unknown>
  /** Closes the connection after the answer. */
  readonly last?: boolean
  /** `error.type` of a request that was refused, for metrics. */
  readonly error?: string
}

/** An outcome that comes later although no fibre works on it: `begin` is called once, and tells it once, maybe at once. */
export class Pending {
  readonly begin: (tell: (outcome: Outcome) => void) => void

  constructor(begin: (tell: (outcome: Outcome) => void) => void) {
    this.begin = begin
  }
}

/** What a dialect does with requests. */
export interface RequestHandler<Request, R, Later = never> {
  /** Handles a request: with an outcome, with an Effect that never fails, or where it may, with an outcome that comes later. */
  readonly handle: (request: Request, client: ServerClient) => Outcome | Effect.Effect<Outcome, never, R> | Later
  /** Answers a frame that is no packet. */
  readonly malformed: (error: DecodeError, frame: Frame, client: ServerClient) => Outcome
  /** Answers a request whose Effect died. */
  readonly died: (request: Request) => Outcome
  readonly closed?: (client: ServerClient, error: ConnectionError) => void
}

/** Limits of a server of requests. */
export interface RequestServerLimits extends ServerLimits {
  /** Most unanswered requests of one client, above which it is no longer read. Default: 1 024. */
  readonly maxInFlight?: number
}

/** Where and how to serve, and limits. */
export interface RequestServerOptions<Request> extends RequestServerLimits, Omit<PacketProtocol<Request>, "handler"> {}

const silent: Outcome = { answer: undefined }

/** Bytes that may wait for a client before the next of many answers is pulled. */
const mostWaiting = 64 * 1024

/** What a request is called: its command, as packets and lines have it. */
const nameOf = (request: unknown): string => {
  const { _tag = "unknown", verb } = request as { readonly _tag?: string; readonly verb?: string }
  return verb ?? _tag
}

const isOutcome = (result: Outcome | Effect.Effect<Outcome, never, never>): result is Outcome => !Effect.isEffect(result)

/** Serves; the server, its connections and their fibres end with the scope. */
export const serveRequests = <Request, R>(
  options: RequestServerOptions<Request>,
  handler: RequestHandler<Request, R, Pending>
): Effect.Effect<PacketServer, ConnectionError, Scope.Scope | R> =>
  Effect.flatMap(
    Effect.context<R>(),
    (context) => servePackets({ ...options, ...requestProtocol(options, handler, context) })
  )

/** The same as a protocol among others of a server (`servePackets` with `choose`); Effects of handlers run in `context`. */
export const requestProtocol = <Request, R>(
  options: Pick<RequestServerOptions<Request>, "decode" | "frameShape" | "maxInFlight" | "onDefect">,
  handler: RequestHandler<Request, R, Pending>,
  context: Context.Context<R>
): PacketProtocol<Request> => ({
  frameShape: options.frameShape,
  decode: options.decode,
  handler: (client) => new Connection(client, options, handler, context)
})

class Connection<Request, R> implements PacketHandler<Request> {
  private readonly client: ServerClient
  private readonly options: Pick<RequestServerLimits, "maxInFlight" | "onDefect">
  private readonly handler: RequestHandler<Request, R, Pending>
  private readonly session: ServerSession<Answer>
  private readonly fibers = new Set<Fiber.Fiber<Outcome>>()
  /** Whoever waits until the client has taken what was sent; there is one at a time, as answers leave in order. */
  private drained: (() => void) | undefined
  private readonly calls: ServerCalls | undefined
  private readonly fork: <A>(effect: Effect.Effect<A, never, R>) => Fiber.Fiber<A>

  constructor(
    client: ServerClient,
    options: Pick<RequestServerLimits, "maxInFlight" | "onDefect">,
    handler: RequestHandler<Request, R, Pending>,
    context: Context.Context<R>
  ) {
    this.client = client
    this.calls = client.calls
    this.options = options
    this.handler = handler
    this.fork = Effect.runForkWith(context)
    this.session = new ServerSession<Answer>({
      answer: (write) => this.reply(write),
      end: () => client.end("the server"),
      pause: () => client.pause(),
      resume: () => client.resume()
    }, options.maxInFlight)
  }

  get unanswered(): number {
    return this.session.inFlight
  }

  readonly onRequest = (request: Request): void => {
    const { handler, session } = this
    if (session.ended) return
    const result = handler.handle(request, this.client)
    if (result instanceof Pending) this.wait(request, result)
    else if (isOutcome(result as Outcome)) {
      const { answer, answers, error, last } = result as Outcome
      if (answers === undefined) {
        this.calls?.durations.ended(nameOf(request), 0, error)
        session.finish(answer, last)
      } else this.pull(request, answers as Stream.Stream<Answer, never, R>)
    } else if (Exit.isExit(result)) this.finish(request, result as Exit.Exit<Outcome>, 0)
    else this.run(request, result as Effect.Effect<Outcome, never, R>)
  }

  readonly onMalformed = (error: DecodeError, frame: Frame): void => {
    if (this.session.ended) return
    const { answer, last } = this.handler.malformed(error, frame, this.client)
    this.session.finish(answer, last)
  }

  readonly onClose = (error: ConnectionError): void => {
    this.session.clear()
    for (const fiber of this.fibers) fiber.interruptUnsafe()
    this.handler.closed?.(this.client, error)
  }

  /** An answer that cannot be encoded is a defect of the handler, like one that throws. */
  private reply(write: Answer): void {
    try {
      this.client.reply(write)
    } catch (error) {
      this.tell(error)
      this.client.close("this side, after an answer that cannot be encoded")
    }
  }

  private tell(defect: unknown): void {
    const { onDefect } = this.options
    if (onDefect === undefined) this.fork(Effect.logError("a request was not handled", defect))
    else onDefect(defect, this.client)
  }

  private run(request: Request, effect: Effect.Effect<Outcome, never, R>): void {
    const start = this.calls?.now() ?? 0
    const fiber = this.fork(effect)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.finish(request, exit, 0)
    this.fibers.add(fiber)
    const { finish } = this.session.begin()
    fiber.addObserver((exit) => {
      this.fibers.delete(fiber)
      if (this.client.closed !== undefined) return
      const { answer, last } = this.outcome(request, exit, this.since(start))
      finish(answer, last)
    })
  }

  private wait(request: Request, { begin }: Pending): void {
    const start = this.calls?.now() ?? 0
    const { finish } = this.session.begin()
    begin(({ answer, error, last }) => {
      if (this.client.closed !== undefined) return
      this.calls?.durations.ended(nameOf(request), this.since(start), error)
      finish(answer, last)
    })
  }

  private since(start: number): number {
    return this.calls === undefined ? 0 : this.calls.now() - start
  }

  /** Sends many answers when it is their turn, no faster than the client takes them. */
  private pull(request: Request, answers: Stream.Stream<Answer, never, R>): void {
    const { client, session } = this
    const start = this.calls?.now() ?? 0
    const turn = Deferred.makeUnsafe<void>()
    const { finish, part } = session.begin(() => Deferred.doneUnsafe(turn, Exit.void))
    const drained = Effect.callback<void>((resume) => {
      this.drained = () => resume(Effect.void)
    })
    const run = Effect.andThen(
      Deferred.await(turn),
      Stream.runForEach(answers, (answer) =>
        Effect.suspend(() => {
          part(answer)
          return client.waiting > mostWaiting ? drained : Effect.void
        }))
    )
    const fiber = this.fork(Effect.as(run, silent))
    this.fibers.add(fiber)
    fiber.addObserver((exit) => {
      this.fibers.delete(fiber)
      if (client.closed !== undefined) return
      const { answer, last } = this.outcome(request, exit, this.since(start))
      finish(answer, last)
    })
  }

  readonly onDrain = (): void => {
    const { drained } = this
    this.drained = undefined
    drained?.()
  }

  private finish(request: Request, exit: Exit.Exit<Outcome>, milliseconds: number): void {
    const { answer, last } = this.outcome(request, exit, milliseconds)
    this.session.finish(answer, last)
  }

  private outcome(request: Request, exit: Exit.Exit<Outcome>, milliseconds: number): Outcome {
    this.calls?.durations.ended(nameOf(request), milliseconds, Exit.isSuccess(exit) ? exit.value.error : "defect")
    if (Exit.isSuccess(exit)) return exit.value
    this.tell(Cause.squash(exit.cause))
    return this.handler.died(request)
  }
}
