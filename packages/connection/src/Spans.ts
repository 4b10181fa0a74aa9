/** Spans where somebody looks at them: without a tracer in place, none is made. And what things failed of, by the names of metrics and spans. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"

/** Whether somebody looks at the spans of the present fibre. */
export const isTraced = (): boolean => {
  const cache = Fiber.getCurrent()?.cache
  return cache !== undefined && cache.tracer !== undefined && cache.tracerEnabled
}

interface Reasoned {
  readonly _tag?: string
  readonly name?: string
  readonly reason?: unknown
}

/** `error.type` of a failure: the tag of its reason, or the name of the status. */
export const errorType = (error: unknown): string => {
  const { _tag, name, reason } = error as Reasoned
  const inner = typeof reason === "string" ? reason : (reason as Reasoned | undefined)?._tag
  return inner ?? (_tag === "StatusError" ? name : _tag) ?? "_OTHER"
}

/** `error.type` of what ended without success; nothing where it did not, or was interrupted. */
export const failureOf = (exit: Exit.Exit<unknown, unknown>): string | undefined => {
  if (Exit.isSuccess(exit) || Exit.hasInterrupts(exit)) return undefined
  const error = Exit.findErrorOption(exit)
  return Option.isSome(error) ? errorType(error.value) : "defect"
}

/** Tells a span what the effect in it failed of. */
export const annotate = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> => {
  const type = failureOf(exit)
  return type === undefined ? Effect.void : Effect.annotateCurrentSpan("error.type", type)
}

/** Values of a span's attributes. */
export interface SpanAttributes {
  readonly [name: string]: unknown
}

/** A span's name by OpenTelemetry's conventions: the operation, and what it is done to where that is known. */
export const spanNameOf = (operation: string, target: unknown): string =>
  target === undefined ? operation : `${operation} ${String(target)}`

/** The effect in a span of a client, whatever it fails of told to that. */
export const inSpan = <A, E, R>(name: string, attributes: SpanAttributes, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withSpan(Effect.onExit(effect, annotate), name, { kind: "client", attributes })

/** The same where somebody looks at it. */
export const inSpanIfTraced = <A, E, R>(name: string, attributes: SpanAttributes, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => isTraced() ? inSpan(name, attributes, effect) : effect)
