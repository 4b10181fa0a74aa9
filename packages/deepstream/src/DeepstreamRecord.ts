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
import { codecOf } from "./RecordCodec.ts"
import type { RecordCodec } from "./RecordSchema.ts"
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
    const codec = yield* codecOf(schema)
    const { records } = driver.session
    const handle = new Handle()
    const opened = records.open(name, handle, merge)
    if ("_tag" in opened) return yield* failWith(opened)
    if (opened.ready) handle.ready()
    yield* Effect.addFinalizer(() => Effect.sync(() => records.release(opened, handle, new RecordDeleted({ topic: "R", subject: name }))))
    return new EffectRecord(driver, opened, handle, codec, schema !== undefined)
  })

/** What one opener of a record hears. Most open many records and follow few: there is nothing before somebody does. */
class Handle implements RecordSink {
  private watchers: Set<(data: Json, before: Json) => void> | undefined
  private providers: Set<(has: boolean) => void> | undefined
  private ends: Set<(reason: DeepstreamReason) => void> | undefined
  private waiting: Array<{ readonly done: () => void; readonly fail: (reason: DeepstreamReason) => void }> | undefined
  private state: DeepstreamReason | "loading" | "ready" = "loading"

  ready(): void {
    this.state = "ready"
    for (const { done } of this.taken()) done()
  }

  changed(data: Json, before: Json): void {
    for (const watcher of Array.from(this.watchers ?? [])) watcher(data, before)
  }

  provided(has: boolean): void {
    for (const heard of Array.from(this.providers ?? [])) heard(has)
  }

  over(reason: DeepstreamReason): void {
    this.state = reason
    for (const { fail } of this.taken()) fail(reason)
    for (const end of Array.from(this.ends ?? [])) end(reason)
  }

  late(reason: DeepstreamReason): boolean {
    const waiting = this.taken()
    for (const { fail } of waiting) fail(reason)
    return waiting.length > 0
  }

  /** Done once the record was read; fails when it is over. */
  get isReady(): Effect.Effect<void, DeepstreamError> {
    return Effect.suspend(() => {
      if (this.state === "ready") return Effect.void
      if (this.state !== "loading") return failWith(this.state)
      return Effect.callback<void, DeepstreamError>((resume) => {
        const entry = { done: () => resume(Effect.void), fail: (reason: DeepstreamReason) => resume(failWith(reason)) }
        this.waiting = [...this.waiting ?? [], entry]
        return Effect.sync(() => {
          this.waiting = this.waiting?.filter((other) => other !== entry)
        })
      })
    })
  }

  /** Hears of changes, and of the end; returns what ends that. */
  watch(watcher: (data: Json, before: Json) => void, end: (reason: DeepstreamReason) => void): () => void {
    const [watchers, ends] = [this.watchers ??= new Set(), this.ends ??= new Set()]
    watchers.add(watcher)
    ends.add(end)
    return () => {
      watchers.delete(watcher)
      ends.delete(end)
    }
  }

  /** Hears of providers, and of the end; returns what ends that. */
  watchProvider(heard: (has: boolean) => void, end: (reason: DeepstreamReason) => void): () => void {
    const [providers, ends] = [this.providers ??= new Set(), this.ends ??= new Set()]
    providers.add(heard)
    ends.add(end)
    return () => {
      providers.delete(heard)
      ends.delete(end)
    }
  }

  private taken(): ReadonlyArray<{ readonly done: () => void; readonly fail: (reason: DeepstreamReason) => void }> {
    const waiting = this.waiting ?? []
    this.waiting = undefined
    return waiting
  }
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

/** An open record. Its effects are made when they are asked for, so that who opens thousands of records does not keep them for each. */
class EffectRecord<A> implements DeepstreamRecord<A> {
  readonly name: string
  private readonly driver: Driver
  private readonly state: RecordState
  private readonly handle: Handle
  private readonly codec: RecordCodec<A>
  /** Whether there is a schema that what is written at a path may not fit. */
  private readonly checks: boolean

  constructor(driver: Driver, state: RecordState, handle: Handle, codec: RecordCodec<A>, checks: boolean) {
    this.name = state.name
    this.driver = driver
    this.state = state
    this.handle = handle
    this.codec = codec
    this.checks = checks
  }

  get ready(): DeepstreamRecord<A>["ready"] {
    return this.handle.isReady
  }

  get get(): DeepstreamRecord<A>["get"] {
    return this.whenReady(Effect.suspend(() => this.decode(this.state.data)))
  }

  get getAt(): DeepstreamRecord<A>["getAt"] {
    return (path) => this.whenReady(Effect.sync(() => getPath(this.state.data, path) as Json | undefined))
  }

  get version(): DeepstreamRecord<A>["version"] {
    return this.whenReady(Effect.sync(() => this.state.version))
  }

  get hasProvider(): DeepstreamRecord<A>["hasProvider"] {
    return this.whenReady(Effect.sync(() => this.state.hasProvider))
  }

  get set(): DeepstreamRecord<A>["set"] {
    return (data, options) =>
      Effect.flatMap(this.codec.encode(this.name, data), (json) => this.write(undefined, json as TypedValue, options))
  }

  get patch(): DeepstreamRecord<A>["patch"] {
    return (path, value, options) => {
      const write = this.write(path, value, options)
      return this.checks
        ? this.whenReady(Effect.flatMap(patched(this.state, path, value), (data) => Effect.andThen(this.decode(data), write)))
        : write
    }
  }

  get changes(): DeepstreamRecord<A>["changes"] {
    return (options = {}) =>
      Stream.mapEffect(this.afterReady(options, this.watch(options, (data) => data, () => true)), (data) => this.decode(data))
  }

  get changesAt(): DeepstreamRecord<A>["changesAt"] {
    return (path, options = {}) => {
      const read = (data: Json) => getPath(data, path) as Json | undefined
      return this.afterReady(options, this.watch(options, read, (data, before) => !sameJson(read(data), read(before))))
    }
  }

  get providerChanges(): DeepstreamRecord<A>["providerChanges"] {
    return streamOf(latest<boolean>, (mailbox) => this.handle.watchProvider((has) => mailbox.offer(has), endOf(mailbox)))
  }

  get delete(): DeepstreamRecord<A>["delete"] {
    return this.driver.call<void>((settle) => this.driver.session.records.delete(this.name, settle))
  }

  private decode(data: Json): Effect.Effect<A, DeepstreamError> {
    return this.codec.decode(this.name, data)
  }

  private whenReady<B, E>(effect: Effect.Effect<B, E>): Effect.Effect<B, E | DeepstreamError> {
    return Effect.andThen(this.handle.isReady, effect)
  }

  private write(path: string | undefined, value: TypedValue, options?: WriteOptions): Effect.Effect<never, DeepstreamError> {
    return this.driver.write(options, (settle) => this.state.set(path, value, settle)) as Effect.Effect<never, DeepstreamError>
  }

  private watch<B>(
    options: ChangesOptions,
    read: (data: Json) => B,
    differs: (data: Json, before: Json) => boolean
  ): Stream.Stream<B, DeepstreamError> {
    const { handle, name, state } = this
    return streamOf(options.deliver === "every" ? mailboxOf<B>("R", name, options) : latest<B>, (mailbox) => {
      const leave = handle.watch((data, before) => {
        if (differs(data, before)) mailbox.offer(read(data))
      }, endOf(mailbox))
      if (options.current !== false && state.ready) mailbox.offer(read(state.data))
      return leave
    })
  }

  private afterReady<B>(options: ChangesOptions, stream: Stream.Stream<B, DeepstreamError>): Stream.Stream<B, DeepstreamError> {
    return options.current === false ? stream : Stream.unwrap(this.whenReady(Effect.succeed(stream)))
  }
}
