/** An open record as effects and streams: raw JSON, or what a schema makes of it. */
import type { TypedValue } from "./Typed.ts"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { DeepstreamError, type DeepstreamReason, InvalidMessage, RecordDeleted } from "./DeepstreamError.ts"
import type { Driver } from "./Driver.ts"
import { mailboxOf } from "./Events.ts"
import { type Json, jsonOf, sameJson } from "./Json.ts"
import { getPath, setPath } from "./JsonPath.ts"
import { type BufferOptions, Mailbox, streamOf } from "./Mailbox.ts"
import { decodeWith, encodeWith } from "./RecordSchema.ts"
import type { RecordSink, RecordState } from "./RecordState.ts"
import type { MergeStrategy } from "./SessionOptions.ts"
import type { WriteOptions, Written } from "./WriteOptions.ts"

/** Options of a stream of changes. */
export interface ChangesOptions extends BufferOptions {
  /** Whether the data of now comes first. Default: yes. */
  readonly current?: boolean
  /** Only the latest data, or all of it in order. Default: `latest`. */
  readonly deliver?: "latest" | "every"
}

/** Options of opening a record. */
export interface OpenOptions {
  /** What becomes of conflicts, when not what the client's options say. */
  readonly merge?: MergeStrategy
}

/** A record that is open. It is left when its scope closes, and discarded when no caller has it open any more. */
export interface DeepstreamRecord<A> {
  readonly name: string
  /** Done once the record was read. Fails with `AckTimeout` or `ResponseTimeout`, and the record may still come. */
  readonly ready: Effect.Effect<void, DeepstreamError>
  /** The data of now, own writes included. Without a schema it is frozen. */
  readonly get: Effect.Effect<A, DeepstreamError>
  /** What is at a path, such as `pets.0.name`; undefined when nothing is. */
  readonly getAt: (path: string) => Effect.Effect<Json | undefined, DeepstreamError>
  /** The version of the data of now. */
  readonly version: Effect.Effect<number, DeepstreamError>
  /** Whether the record has a provider. */
  readonly hasProvider: Effect.Effect<boolean, DeepstreamError>
  /** Replaces the record. Equal data is not sent. */
  readonly set: <const O extends WriteOptions | undefined = undefined>(
    data: A,
    options?: O
  ) => Effect.Effect<Written<O>, DeepstreamError>
  /** Writes what is at a path; undefined removes it. With a schema, the record must still fit it. */
  readonly patch: <const O extends WriteOptions | undefined = undefined>(
    path: string,
    value: TypedValue,
    options?: O
  ) => Effect.Effect<Written<O>, DeepstreamError>
  /** The data whenever it changes, by this client or another. Ends when the record is deleted. */
  readonly changes: (options?: ChangesOptions) => Stream.Stream<A, DeepstreamError>
  /** What is at a path whenever that changes. */
  readonly changesAt: (path: string, options?: ChangesOptions) => Stream.Stream<Json | undefined, DeepstreamError>
  /** Whether the record has a provider, whenever that changes. */
  readonly providerChanges: Stream.Stream<boolean, DeepstreamError>
  /** Deletes the record for all clients. */
  readonly delete: Effect.Effect<void, DeepstreamError>
}

const failWith = (reason: DeepstreamReason): Effect.Effect<never, DeepstreamError> => Effect.fail(new DeepstreamError({ reason }))

/** Opens a record in the present scope without waiting for its data. */
export const acquireRecord = <A = Json>(
  driver: Driver,
  name: string,
  schema: Schema.Codec<A, unknown> | undefined,
  { merge }: OpenOptions = {}
): Effect.Effect<DeepstreamRecord<A>, DeepstreamError, Scope.Scope> =>
  Effect.gen(function*() {
    const { records } = driver.session
    const handle = new Handle()
    const opened = records.open(name, handle, merge)
    if ("_tag" in opened) return yield* failWith(opened)
    if (opened.ready) handle.ready()
    yield* Effect.addFinalizer(() => Effect.sync(() => records.release(opened, handle, new RecordDeleted({ topic: "R", subject: name }))))
    return recordOf(driver, opened, handle, schema)
  })

/** What one opener of a record hears. */
class Handle implements RecordSink {
  readonly watchers = new Set<(data: Json, before: Json) => void>()
  readonly providers = new Set<(has: boolean) => void>()
  readonly ends = new Set<(reason: DeepstreamReason) => void>()
  private waiting: Array<{ readonly done: () => void; readonly fail: (reason: DeepstreamReason) => void }> = []
  private state: DeepstreamReason | "loading" | "ready" = "loading"

  readonly ready = (): void => {
    this.state = "ready"
    for (const { done } of this.waiting.splice(0)) done()
  }

  readonly changed = (data: Json, before: Json): void => {
    for (const watcher of Array.from(this.watchers)) watcher(data, before)
  }

  readonly provided = (has: boolean): void => {
    for (const heard of Array.from(this.providers)) heard(has)
  }

  readonly over = (reason: DeepstreamReason): void => {
    this.state = reason
    for (const { fail } of this.waiting.splice(0)) fail(reason)
    for (const end of Array.from(this.ends)) end(reason)
  }

  readonly late = (reason: DeepstreamReason): boolean => {
    const waiting = this.waiting.splice(0)
    for (const { fail } of waiting) fail(reason)
    return waiting.length > 0
  }

  /** Done once the record was read; fails when it is over. */
  readonly isReady: Effect.Effect<void, DeepstreamError> = Effect.suspend(() => {
    if (this.state === "ready") return Effect.void
    if (this.state !== "loading") return failWith(this.state)
    return Effect.callback<void, DeepstreamError>((resume) => {
      const entry = { done: () => resume(Effect.void), fail: (reason: DeepstreamReason) => resume(failWith(reason)) }
      this.waiting.push(entry)
      return Effect.sync(() => {
        this.waiting = this.waiting.filter((other) => other !== entry)
      })
    })
  })
}

/** The record with a value at a path. */
const patched = (state: RecordState, path: string, value: TypedValue): Effect.Effect<Json, DeepstreamError> =>
  Effect.try({
    try: () => setPath(state.data, path, value === undefined ? undefined : jsonOf(value)),
    catch: (error) => new DeepstreamError({ reason: new InvalidMessage({ message: `record ${state.name}: ${(error as Error).message}` }) })
  })

/** A record that is deleted ends its streams, anything else fails them. */
const endOf = <A>(mailbox: Mailbox<A, DeepstreamError>) => (reason: DeepstreamReason): void => {
  if (reason._tag === "RecordDeleted") mailbox.end(Cause.done())
  else mailbox.fail(new DeepstreamError({ reason }))
}

/** Holds only the latest. */
const latest = <A>() => new Mailbox<A, DeepstreamError>({ bufferSize: 1, overflow: "dropOldest" }, neverTooMany)

const neverTooMany = (): never => {
  throw new Error("the oldest makes room")
}

const recordOf = <A>(
  driver: Driver,
  state: RecordState,
  handle: Handle,
  schema: Schema.Codec<A, unknown> | undefined
): DeepstreamRecord<A> => {
  const { name } = state
  const { records } = driver.session
  const decode = (data: Json): Effect.Effect<A, DeepstreamError> => decodeWith(schema, name, data)
  const whenReady = <B, E>(effect: Effect.Effect<B, E>): Effect.Effect<B, E | DeepstreamError> => Effect.andThen(handle.isReady, effect)
  const write = (path: string | undefined, value: TypedValue, options?: WriteOptions) =>
    driver.write(options, (settle) => state.set(path, value, settle)) as Effect.Effect<never, DeepstreamError>
  const watch = <B>(
    options: ChangesOptions,
    read: (data: Json) => B,
    differs: (data: Json, before: Json) => boolean
  ): Stream.Stream<B, DeepstreamError> =>
    streamOf(
      options.deliver === "every"
        ? mailboxOf<B>("R", name, options)
        : latest<B>,
      (mailbox) => {
        const watcher = (data: Json, before: Json): void => {
          if (differs(data, before)) mailbox.offer(read(data))
        }
        const end = endOf(mailbox)
        handle.watchers.add(watcher)
        handle.ends.add(end)
        if (options.current !== false && state.ready) mailbox.offer(read(state.data))
        return () => {
          handle.watchers.delete(watcher)
          handle.ends.delete(end)
        }
      }
    )
  const afterReady = <B>(options: ChangesOptions, stream: Stream.Stream<B, DeepstreamError>): Stream.Stream<B, DeepstreamError> =>
    options.current === false ? stream : Stream.unwrap(whenReady(Effect.succeed(stream)))
  return {
    name,
    ready: handle.isReady,
    get: whenReady(Effect.suspend(() => decode(state.data))),
    getAt: (path) => whenReady(Effect.sync(() => getPath(state.data, path) as Json | undefined)),
    version: whenReady(Effect.sync(() => state.version)),
    hasProvider: whenReady(Effect.sync(() => state.hasProvider)),
    set: (data, options) => Effect.flatMap(encodeWith(schema, name, data), (json) => write(undefined, json as TypedValue, options)),
    patch: (path, value, options) =>
      schema === undefined
        ? write(path, value, options)
        : whenReady(Effect.flatMap(patched(state, path, value), (data) => Effect.andThen(decode(data), write(path, value, options)))),
    changes: (options = {}) => Stream.mapEffect(afterReady(options, watch(options, (data) => data, () => true)), decode),
    changesAt: (path, options = {}) =>
      afterReady(
        options,
        watch(options, (data) =>
          getPath(data, path) as Json | undefined, (data, before) =>
          !sameJson(getPath(data, path), getPath(before, path)))
      ),
    providerChanges: streamOf(latest<boolean>, (mailbox) => {
      const end = endOf(mailbox)
      handle.providers.add(mailbox.offer)
      handle.ends.add(end)
      return () => {
        handle.providers.delete(mailbox.offer)
        handle.ends.delete(end)
      }
    }),
    delete: driver.call<void>((settle) => records.delete(name, settle))
  }
}
