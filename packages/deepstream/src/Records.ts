/** Records as effects: opening them, and what can be asked and done without. */
import type { TypedValue } from "./Typed.ts"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { type AnonymousRecord, makeAnonymous } from "./AnonymousRecord.ts"
import type { DeepstreamError } from "./DeepstreamError.ts"
import { type DeepstreamList, listOf } from "./DeepstreamList.ts"
import { acquireRecord, type DeepstreamRecord, type OpenOptions } from "./DeepstreamRecord.ts"
import type { WriteOptions, Written } from "./WriteOptions.ts"
import type { Driver } from "./Driver.ts"
import { listenTo, type PatternEvent, type SubscribeOptions } from "./Events.ts"
import type { Json } from "./Json.ts"
import { codecOf } from "./RecordCodec.ts"
import type { Snapshot } from "./RecordTopic.ts"

/** Opens a record, of JSON or of a schema; it is closed with the scope. */
export interface OpenRecord {
  (name: string, options?: OpenOptions): Effect.Effect<DeepstreamRecord<Json>, DeepstreamError, Scope.Scope>
  <A>(
    name: string,
    schema: Schema.Codec<A, unknown>,
    options?: OpenOptions
  ): Effect.Effect<DeepstreamRecord<A>, DeepstreamError, Scope.Scope>
}

/** The records of a client. */
export interface Records {
  /** Opens a record, which is made when it does not exist, and waits until it was read. */
  readonly open: OpenRecord
  /** Opens a record without waiting for it; `ready` says when it was read. Writes until then are held. */
  readonly acquire: OpenRecord
  /** Opens a list of names. */
  readonly openList: (name: string, options?: OpenOptions) => Effect.Effect<DeepstreamList, DeepstreamError, Scope.Scope>
  /** A record whose name changes. */
  readonly anonymous: {
    (options?: OpenOptions): Effect.Effect<AnonymousRecord<Json>, never, Scope.Scope>
    <A>(schema: Schema.Codec<A, unknown>, options?: OpenOptions): Effect.Effect<AnonymousRecord<A>, never, Scope.Scope>
  }
  /** Reads a record once. Fails with `RecordNotFound` when there is none. */
  readonly snapshot: {
    (name: string): Effect.Effect<Json, DeepstreamError>
    <A>(name: string, schema: Schema.Codec<A, unknown>): Effect.Effect<A, DeepstreamError>
  }
  /** Whether a record exists. */
  readonly has: (name: string) => Effect.Effect<boolean, DeepstreamError>
  /** The version of a record; none when it does not exist. */
  readonly head: (name: string) => Effect.Effect<Option.Option<number>, DeepstreamError>
  /** Writes a record without opening it; it is made when it does not exist. Whatever it held is replaced, whoever wrote it. */
  readonly upsert: <const O extends WriteOptions | undefined = undefined>(
    name: string,
    data: object,
    options?: O
  ) => Effect.Effect<Written<O>, DeepstreamError>
  /** Writes what is at a path of a record without opening it; undefined removes it. */
  readonly upsertAt: <const O extends WriteOptions | undefined = undefined>(
    name: string,
    path: string,
    value: TypedValue,
    options?: O
  ) => Effect.Effect<Written<O>, DeepstreamError>
  /** Deletes a record for all clients. */
  readonly delete: (name: string) => Effect.Effect<void, DeepstreamError>
  /** Hears when others open records whose names match a regular expression. */
  readonly listen: (pattern: string, options?: SubscribeOptions) => Stream.Stream<PatternEvent, DeepstreamError>
}

const isSchema = (value: object | undefined): value is Schema.Codec<unknown, unknown> => value !== undefined && "ast" in value

/** The records of a driver's session. */
export const makeRecords = (driver: Driver): Records => {
  const { recordPatterns, records } = driver.session
  const acquire = (name: string, first?: object, second?: OpenOptions) =>
    isSchema(first) ? acquireRecord(driver, name, first, second) : acquireRecord<unknown>(driver, name, undefined, first as OpenOptions)
  const open = (name: string, first?: object, second?: OpenOptions) => Effect.tap(acquire(name, first, second), (record) => record.ready)
  const upsert = <O extends WriteOptions | undefined>(name: string, path: string | undefined, value: TypedValue, options: O | undefined) =>
    driver.write(options, (settle) => records.upsert(name, path, value, settle))
  const snapshot = (name: string, schema?: Schema.Codec<unknown, unknown>) =>
    Effect.flatMap(
      codecOf(schema),
      ({ decode }) => Effect.flatMap(driver.call<Snapshot>((settle) => records.snapshot(name, settle)), ({ data }) => decode(name, data))
    )
  return {
    acquire: acquire as Records["acquire"],
    open: open as Records["open"],
    openList: (name, options) => Effect.map(open(name, options), (record) => listOf(record as DeepstreamRecord<Json>)),
    anonymous: ((first?: object, second?: OpenOptions) => makeAnonymous((name) => acquire(name, first, second))) as Records["anonymous"],
    snapshot: snapshot as Records["snapshot"],
    has: (name) => driver.call((settle) => records.has(name, settle)),
    head: (name) =>
      Effect.map(driver.call<number | undefined>((settle) => records.head(name, settle)), (version) => Option.fromUndefinedOr(version)),
    upsert: (name, data, options) => upsert(name, undefined, data, options),
    upsertAt: (name, path, value, options) => upsert(name, path, value, options),
    delete: (name) => driver.call<void>((settle) => records.delete(name, settle)),
    listen: listenTo(driver, "R", recordPatterns)
  }
}
