/** Remote procedures as effects: a handler provides, a call asks. */
import type { TypedValue } from "./Typed.ts"
import type * as Duration from "effect/Duration"
import { toMillis } from "effect/Duration"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { DeepstreamError } from "./DeepstreamError.ts"
import { type DeepstreamReason } from "./DeepstreamError.ts"
import type { ClientTelemetry } from "./ClientTelemetry.ts"
import type { Driver } from "./Driver.ts"
import type { RpcCall } from "./RpcTopic.ts"

/** A handler fails with it to let the server ask another provider. */
export class RpcRejected extends Data.TaggedError("RpcRejected")<{}> {}

/** What a handler can do besides answering. */
export interface RpcRequest {
  readonly name: string
  /** Tells the server that this client takes the request, after which it can only be answered. */
  readonly accept: Effect.Effect<void>
}

/** Options of a provider. */
export interface ProvideOptions {
  /**
   * When requests are accepted, after which another provider cannot answer: `decided`, with the handler's answer, or after half a second
   * when it takes longer (servers wait a second unless configured otherwise); `immediately`, as they come; `manual`, by the handler.
   * Default: `decided`.
   */
  readonly accept?: "decided" | "immediately" | "manual"
  /** Requests that are handled at a time; more are rejected, so that the server asks another provider. Default: 1 024. */
  readonly concurrency?: number
}

/** Options of a request. */
export interface RequestOptions {
  /** How long a provider may take to accept, and to answer, when not as long as the client's options say. */
  readonly ackTimeout?: Duration.Input
  readonly responseTimeout?: Duration.Input
}

/** The procedures of a client. */
export interface Rpc {
  /**
   * Provides a procedure as long as the scope is open; done once the server acknowledged it. What the handler returns is the answer. A
   * failure is told to the requester by its message, `RpcRejected` lets another provider answer, if the request is not accepted yet.
   */
  readonly provide: <E, R>(
    name: string,
    handler: (value: TypedValue, request: RpcRequest) => Effect.Effect<TypedValue, E | RpcRejected, R>,
    options?: ProvideOptions
  ) => Effect.Effect<void, DeepstreamError, Scope.Scope | R>
  /**
   * Calls a procedure. Fails with `NoRpcProvider`, `RpcFailed` (the provider's words), `AckTimeout`, `ResponseTimeout`, and with
   * `OutcomeUnknown` when it is unknown whether it was called.
   */
  readonly request: (name: string, value?: TypedValue, options?: RequestOptions) => Effect.Effect<TypedValue, DeepstreamError>
}

const millisOf = (duration: Duration.Input | undefined): number | undefined => duration === undefined ? undefined : toMillis(duration)

const wordsOfCause = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error && error.message !== "" ? error.message : typeof error === "string" ? error : "the provider failed"
}

/** How long a handler may think before its request is accepted, in milliseconds. */
const decisionTime = 500

/** Without the characters that separate messages. */
const plain = (words: string): string => words.replaceAll("\x1e", " ").replaceAll("\x1f", " ")

const answer = (driver: Driver, call: RpcCall, exit: Exit.Exit<TypedValue, unknown>): void => {
  let refused: DeepstreamReason | undefined
  if (Exit.isSuccess(exit)) refused = call.respond(exit.value)
  else {
    const failed = exit.cause.reasons.find(Cause.isFailReason)
    if (failed?.error instanceof RpcRejected || Cause.hasInterruptsOnly(exit.cause)) return call.reject()
    refused = call.fail(plain(wordsOfCause(exit.cause)))
  }
  // an answer that cannot be written is an error all the same
  if (refused === undefined) return
  driver.report(refused)
  call.fail("the answer cannot be sent")
}

/** The procedures of a driver's session. */
export const makeRpc = (driver: Driver, telemetry: ClientTelemetry): Rpc => {
  const { rpc } = driver.session
  return {
    provide: (name, handler, { accept = "decided", concurrency = 1024 } = {}) =>
      Effect.gen(function*() {
        const scope = yield* Effect.scope
        const context = yield* Effect.context<never>()
        let running = 0
        const called = (call: RpcCall): void => {
          if (running >= concurrency) return call.reject()
          if (accept === "immediately") call.accept()
          else if (accept === "decided") call.acceptAfter(decisionTime)
          running++
          const handled = Effect.suspend(() => handler(call.value, { name, accept: Effect.sync(call.accept) }))
          Effect.runForkWith(context)(Effect.forkIn(
            Effect.onExit(handled as Effect.Effect<TypedValue, unknown>, (exit) =>
              Effect.sync(() => {
                running--
                answer(driver, call, exit)
              })),
            scope
          ))
        }
        let end: (() => void) | undefined
        yield* Effect.addFinalizer(() => Effect.sync(() => end?.()))
        yield* driver.call<void>((settle) => {
          end = rpc.provide(name, { called, over: driver.report }, settle)
        })
      }) as never,
    request: (name, value, options = {}) =>
      telemetry.traced(
        name,
        driver.call<TypedValue>((settle) =>
          rpc.request(name, value, telemetry.counted(name, settle), {
            ack: millisOf(options.ackTimeout),
            response: millisOf(options.responseTimeout)
          })
        )
      )
  }
}
