/**
 * What a URL of `wirewright kv` leads to: the documents of a Couchbase bucket or of a memcached server, behind one set of operations.
 *
 * It chooses the client by the scheme and evens out how they name things. It prints nothing.
 */
import type { KvError as CouchbaseError, ScannedDocument, ScanSelection } from "@wirewright/couchbase"
import type { KvProtocol, MemcachedError } from "@wirewright/memcached"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Failure, failureOf, usage } from "./Failure.ts"

/** A document as it is printed. */
export interface KvDocument {
  readonly value: Uint8Array
  readonly flags: number
  readonly cas: bigint
}

/** What became of a write. */
export interface KvOutcome {
  readonly cas: bigint | undefined
  /** The new number of a counter. */
  readonly value?: bigint
}

/** How a value is written. */
export type KvFormat = "json" | "text" | "binary"

/** What a write may be told. */
export interface KvWrite {
  readonly cas: bigint | undefined
  readonly expiry: Duration.Duration | undefined
  readonly flags: number | undefined
  readonly format: KvFormat
  readonly durability: "none" | "majority" | "majorityAndPersistToActive" | "persistToMajority"
}

/** What a counter may be told. */
export interface KvCount {
  readonly delta: bigint
  readonly initial: bigint | undefined
  readonly expiry: Duration.Duration | undefined
}

/** The operations. A document that is missing is nothing for `get`, `false` for `exists`, and a failure everywhere else. */
export interface KvTarget {
  readonly get: (key: string) => Effect.Effect<Option.Option<KvDocument>, Failure>
  readonly exists: (key: string) => Effect.Effect<boolean, Failure>
  readonly store: (
    how: "set" | "insert" | "replace",
    key: string,
    value: Uint8Array,
    options: KvWrite
  ) => Effect.Effect<KvOutcome, Failure>
  readonly extend: (how: "append" | "prepend", key: string, value: Uint8Array, options: KvWrite) => Effect.Effect<KvOutcome, Failure>
  readonly remove: (key: string, options: KvWrite) => Effect.Effect<KvOutcome, Failure>
  readonly touch: (key: string, expiry: Duration.Duration) => Effect.Effect<KvOutcome, Failure>
  readonly count: (how: "incr" | "decr", key: string, options: KvCount) => Effect.Effect<KvOutcome, Failure>
  /** All documents of a selection, within the target's timeout. */
  readonly scan: (selection: ScanSelection) => Stream.Stream<ScannedDocument, Failure>
  readonly scanKeys: (selection: ScanSelection) => Stream.Stream<string, Failure>
}

/** Where to and how. */
export interface KvTargetOptions {
  readonly url: string
  readonly password: Redacted.Redacted<string> | undefined
  readonly collection: string | undefined
  readonly timeout: Duration.Duration | undefined
  /** Of memcached, where the URL does not say it. */
  readonly protocol?: KvProtocol | undefined
}

/** There is no such document. */
export const notFound = (key: string): Failure =>
  new Failure({ exit: "findings", error: "NotFound", message: `${JSON.stringify(key)}: there is no such document`, ambiguous: false })

/** Only options that were given, because the clients tell absent from undefined. */
const given = <A extends object>(options: A): { [Name in keyof A]: Exclude<A[Name], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never

const couchbase = Effect.fnUntraced(function*({ collection, password, protocol, timeout, url }: KvTargetOptions) {
  if (protocol !== undefined) return yield* usage(`--protocol ${protocol}: only memcached speaks several`)
  const { KvClient, optionsOfUrl } = yield* Effect.promise(() => import("@wirewright/couchbase"))
  const options = yield* Effect.mapError(optionsOfUrl(url, password), failureOf)
  if (options.bucket === undefined) return yield* usage("the URL names no bucket; expected couchbase://host/bucket")
  const client = yield* Effect.mapError(KvClient.make({ ...options, ...given({ timeout }) }), failureOf)
  const kv = collection === undefined ? client : yield* Effect.mapError(client.collection(collection), failureOf)
  const stores = { set: kv.upsert, insert: kv.insert, replace: kv.replace }
  const run = <A extends { readonly cas: bigint; readonly value?: bigint }>(effect: Effect.Effect<A, CouchbaseError>) =>
    Effect.mapBoth(effect, { onFailure: failureOf, onSuccess: ({ cas, value }): KvOutcome => ({ cas, ...given({ value }) }) })
  const target: KvTarget = {
    get: (key) => Effect.mapError(kv.get(key), failureOf),
    exists: (key) => Effect.mapError(kv.exists(key), failureOf),
    store: (how, key, value, { format, ...options }) => run(stores[how](key, value, { format, ...given(options) })),
    extend: (how, key, value, { cas, durability }) => run(kv[how](key, value, given({ cas, durability }))),
    remove: (key, { cas, durability }) => run(kv.remove(key, given({ cas, durability }))),
    touch: (key, expiry) => run(kv.touch(key, expiry)),
    count: (how, key, options) => run(how === "incr" ? kv.increment(key, given(options)) : kv.decrement(key, given(options))),
    scan: (selection) => Stream.mapError(kv.scan(selection, given({ timeout })), failureOf),
    scanKeys: (selection) => Stream.mapError(kv.scanKeys(selection, given({ timeout })), failureOf)
  }
  return target
})

const noScans = usage("memcached has no scans")

const memcached = Effect.fnUntraced(function*({ collection, password, protocol, timeout, url }: KvTargetOptions) {
  const { KvClient } = yield* Effect.promise(() => import("@wirewright/memcached"))
  const { allowsPlainWithoutTls, parseMemcachedString, tlsOfTarget } = yield* Effect.promise(() => import("@wirewright/couchbase"))
  const parsed = parseMemcachedString(url, password)
  if (Result.isFailure(parsed)) return yield* failureOf(parsed.failure)
  if (collection !== undefined) return yield* usage("memcached has no collections")
  const { password: secret, path, protocol: named, seeds: [seed], user } = parsed.success
  if (protocol !== undefined && named !== undefined && protocol !== named) {
    return yield* usage(`the URL says protocol=${named}, and --protocol says ${protocol}`)
  }
  const tls = yield* Effect.mapError(tlsOfTarget(parsed.success), failureOf)
  const kv = yield* Effect.mapError(
    KvClient.make({
      ...(path === undefined ? seed : { path }),
      ...given({ tls, protocol: protocol ?? named }),
      ...(user === undefined
        ? {}
        : {
          credentials: { user, password: secret ?? Redacted.make("") },
          allowPlaintextPassword: allowsPlainWithoutTls(parsed.success)
        }),
      ...given({ requestTimeout: timeout })
    }),
    failureOf
  )
  const stores = { set: kv.set, insert: kv.add, replace: kv.replace }
  // 0: the text protocol tells none of what it writes, and memcached -C has none
  const run = <A extends { readonly cas: bigint; readonly value?: bigint }>(effect: Effect.Effect<A, MemcachedError>) =>
    Effect.mapBoth(effect, {
      onFailure: failureOf,
      onSuccess: ({ cas, value }): KvOutcome => ({ cas: cas === 0n ? undefined : cas, ...given({ value }) })
    })
  const there = (key: string, effect: Effect.Effect<boolean, MemcachedError>): Effect.Effect<KvOutcome, Failure> =>
    Effect.flatMap(Effect.mapError(effect, failureOf), (found) => found ? Effect.succeed({ cas: undefined }) : Effect.fail(notFound(key)))
  const durable = (durability: KvWrite["durability"]): Effect.Effect<void, Failure> =>
    durability === "none" ? Effect.void : Effect.fail(usage("memcached has no durability"))
  const target: KvTarget = {
    get: (key) => Effect.mapError(kv.get(key), failureOf),
    exists: (key) => Effect.mapBoth(kv.get(key), { onFailure: failureOf, onSuccess: Option.isSome }),
    store: (how, key, value, { cas, durability, expiry, flags }) =>
      Effect.andThen(durable(durability), run(stores[how](key, value, given({ cas, expiry, flags })))),
    extend: (how, key, value, { cas, durability }) => Effect.andThen(durable(durability), run(kv[how](key, value, given({ cas })))),
    remove: (key, { cas, durability }) => Effect.andThen(durable(durability), there(key, kv.remove(key, given({ cas })))),
    touch: (key, expiry) => there(key, kv.touch(key, expiry)),
    count: (how, key, options) => run(how === "incr" ? kv.increment(key, given(options)) : kv.decrement(key, given(options))),
    scan: () => Stream.fail(noScans),
    scanKeys: () => Stream.fail(noScans)
  }
  return target
})

/** Connects to what a URL says. */
export const openTarget = (options: KvTargetOptions): Effect.Effect<KvTarget, Failure, Scope.Scope> => {
  const scheme = /^([a-z+]+):\/\//i.exec(options.url)?.[1]?.toLowerCase()
  switch (scheme) {
    case "couchbase":
    case "couchbases":
      return couchbase(options)
    case "memcached":
    case "memcacheds":
    case "memcached+unix":
      return memcached(options)
    default:
      return Effect.fail(usage("expected a URL: couchbase://user@host/bucket or memcached://host:port, or memcached+unix:///path"))
  }
}
