/** What a client of memcached can be asked: the commands, and those for documents that are JSON. */
import type { DiagnosticsOptions, DiagnosticsReport, PingOptions, PingReport } from "@wirewright/connection"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type { Expiry } from "./Expiry.ts"
import type { Counter, Document, MetaWritten, Mutation, Recached } from "./KvCalls.ts"
import type { MemcachedError } from "./KvError.ts"
import type { Many } from "./KvMany.ts"
import type * as Options from "./KvOptions.ts"
import type { KvCounters } from "./KvPool.ts"
import type * as Text from "./text/index.ts"

type Flags<P extends { readonly flags: ReadonlyArray<unknown> }> = P["flags"]

/**
 * Meta commands with all of their flags, which mean what memcached says; their answers are handed on as they are. Keys are what stands in the
 * line: those in base64 are given so, with the flag `KeyIsBase64`. `q` is refused. On connections of other protocols they are `NotInProtocol`.
 */
export interface MetaCommands {
  readonly get: (
    key: string,
    flags: Flags<Text.MetaGet>,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<Text.MetaValue | Text.MetaDone | Text.MetaMiss, MemcachedError>
  readonly set: (
    key: string,
    value: Options.Value,
    flags: Flags<Text.MetaSet>,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<MetaWritten, MemcachedError>
  readonly delete: (
    key: string,
    flags: Flags<Text.MetaDelete>,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<MetaWritten, MemcachedError>
  readonly arithmetic: (
    key: string,
    flags: Flags<Text.MetaArithmetic>,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<Text.MetaValue | MetaWritten, MemcachedError>
  readonly debug: (
    key: string,
    flags: Flags<Text.MetaDebug>,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<Text.MetaItem | Text.MetaMiss, MemcachedError>
}

/** A client's commands for documents of one type. */
export interface JsonView<A> {
  readonly get: (key: Options.Key, options?: Options.KvRequestOptions) => Effect.Effect<Option.Option<Document<A>>, MemcachedError>
  /** A document that does not fit the schema has failed. */
  readonly getMany: (
    keys: Iterable<Options.Key>,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<Many<Document<A>>, MemcachedError>
  readonly setMany: (
    documents: Iterable<readonly [key: Options.Key, value: A]>,
    options?: Options.KvStoreOptions
  ) => Effect.Effect<Many<Mutation>, MemcachedError>
  readonly getAndTouch: (
    key: Options.Key,
    expiry: Expiry,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<Option.Option<Document<A>>, MemcachedError>
  readonly set: (
    key: Options.Key,
    value: A,
    options?: Options.KvStoreOptions & Options.KvChangeOptions
  ) => Effect.Effect<Mutation, MemcachedError>
  readonly add: (key: Options.Key, value: A, options?: Options.KvStoreOptions) => Effect.Effect<Mutation, MemcachedError>
  readonly replace: (
    key: Options.Key,
    value: A,
    options?: Options.KvStoreOptions & Options.KvChangeOptions
  ) => Effect.Effect<Mutation, MemcachedError>
}

/** The commands of a client. */
export interface KvCommands {
  /** Reads a document; with a schema, one that was stored as JSON. */
  readonly get: {
    (key: Options.Key, options?: Options.KvRequestOptions): Effect.Effect<Option.Option<Document>, MemcachedError>
    <A>(
      key: Options.Key,
      schema: Schema.Codec<A, unknown>,
      options?: Options.KvRequestOptions
    ): Effect.Effect<Option.Option<Document<A>>, MemcachedError>
  }
  /** Reads many documents in batches of quiet requests, from all servers at once; those that are missing are not in the result. */
  readonly getMany: (
    keys: Iterable<Options.Key>,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<Many<Document>, MemcachedError>
  /** Stores many documents, pipelined; of a key that is given twice, the last value stays. */
  readonly setMany: (
    documents: Iterable<readonly [key: Options.Key, value: Options.Value]>,
    options?: Options.KvStoreOptions
  ) => Effect.Effect<Many<Mutation>, MemcachedError>
  /** Stores a document whether there is one or not; with a CAS, only over that version. */
  readonly set: (
    key: Options.Key,
    value: Options.Value,
    options?: Options.KvStoreOptions & Options.KvChangeOptions
  ) => Effect.Effect<Mutation, MemcachedError>
  /** Stores a document that must not exist, else `Exists`. */
  readonly add: (key: Options.Key, value: Options.Value, options?: Options.KvStoreOptions) => Effect.Effect<Mutation, MemcachedError>
  /** Stores a document that must exist, else `NotFound`. */
  readonly replace: (
    key: Options.Key,
    value: Options.Value,
    options?: Options.KvStoreOptions & Options.KvChangeOptions
  ) => Effect.Effect<Mutation, MemcachedError>
  /** Removes a document; false when there was none. */
  readonly remove: (key: Options.Key, options?: Options.KvChangeOptions) => Effect.Effect<boolean, MemcachedError>
  /** Removes many documents, pipelined; false where there was none. */
  readonly removeMany: (
    keys: Iterable<Options.Key>,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<Many<boolean>, MemcachedError>
  /** Adds bytes at the end of a document, which must exist, else `NotStored`. */
  readonly append: (key: Options.Key, value: Options.Value, options?: Options.KvChangeOptions) => Effect.Effect<Mutation, MemcachedError>
  /** Adds bytes at the beginning of a document, which must exist, else `NotStored`. */
  readonly prepend: (key: Options.Key, value: Options.Value, options?: Options.KvChangeOptions) => Effect.Effect<Mutation, MemcachedError>
  /** Adds to a counter; wraps at 2⁶⁴. */
  readonly increment: (key: Options.Key, options?: Options.KvCountOptions) => Effect.Effect<Counter, MemcachedError>
  /** Subtracts from a counter; stops at 0. */
  readonly decrement: (key: Options.Key, options?: Options.KvCountOptions) => Effect.Effect<Counter, MemcachedError>
  /** Sets when a document ends; false when there is none. */
  readonly touch: (key: Options.Key, expiry: Expiry, options?: Options.KvRequestOptions) => Effect.Effect<boolean, MemcachedError>
  /** Reads a document and sets when it ends. */
  readonly getAndTouch: (
    key: Options.Key,
    expiry: Expiry,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<Option.Option<Document>, MemcachedError>
  /**
   * Reads a document; when it is missing, was invalidated, or has less than `recacheBelow` left, one of all who ask makes it with `make` and
   * stores it, unless somebody changed it meanwhile. The others have the old value, or wait while there is none: `StillMade` after their
   * patience. Only in the meta protocol.
   *
   * When `make` fails or is interrupted nothing is undone, as memcached has no word for it: a missing document's placeholder, which plain reads
   * see as an empty document, stands for as long as it was made for, and then the next one makes it; an old value stays the others' until it
   * ends, is stored or invalidated again. Of an empty value that is made anew, the others wait for the new one.
   */
  readonly getOrRecache: <E, R>(
    key: Options.Key,
    options: Options.KvRecacheOptions,
    make: Effect.Effect<Options.Value, E, R>
  ) => Effect.Effect<Recached, MemcachedError | E, R>
  /**
   * Marks a document as stale, so that `getOrRecache` makes it anew while others still have it; with an expiry, not longer than that. Only in
   * the meta protocol.
   */
  readonly invalidate: (
    key: Options.Key,
    options?: Options.KvChangeOptions & Options.KvTouchOptions
  ) => Effect.Effect<"stale" | "missing" | "changed", MemcachedError>
  /** Meta commands as they are. */
  readonly meta: MetaCommands
  /** A view in which values are JSON of this schema. */
  readonly json: <A>(schema: Schema.Codec<A, unknown>) => JsonView<A>
  /**
   * Statistics of the server by name; of a group such as `items` when one is given. A client of several servers has none of its own: ask one of
   * `servers`.
   */
  readonly stats: (group?: string, options?: Options.KvRequestOptions) => Effect.Effect<ReadonlyMap<string, string>, MemcachedError>
  /** The server's version. A client of several servers has none of its own: ask one of `servers`. */
  readonly version: Effect.Effect<string, MemcachedError>
  /** Forgets all documents of all servers, now or later. */
  readonly flush: (options?: { readonly after?: Expiry } & Options.KvRequestOptions) => Effect.Effect<void, MemcachedError>
  /** Does nothing, which shows that all servers are there. */
  readonly noop: Effect.Effect<void, MemcachedError>
  /**
   * Asks every server, and says what became of it; it does not fail. A server without a connection is given the time of a request, or as much as
   * it is told, to come back.
   */
  readonly ping: (options?: PingOptions) => Effect.Effect<PingReport>
  /** What is known of all connections, without asking. */
  readonly diagnostics: (options?: DiagnosticsOptions) => Effect.Effect<DiagnosticsReport>
  /** Sets how much servers log; 0 is least. */
  readonly verbosity: (level: number) => Effect.Effect<void, MemcachedError>
  /** Takes leave of all servers and ends the client: requests fail from now on. */
  readonly quit: Effect.Effect<void>
  /** What was counted so far. */
  readonly counters: Effect.Effect<KvCounters>
  /** The servers in the order of the options, each with the commands for it alone, wherever a key belongs. */
  readonly servers: ReadonlyArray<KvServer>
}

/** A server of a client. */
export interface KvServer {
  /** `host:port`. */
  readonly address: string
  /** Its share of the keys, relative to the other servers'. */
  readonly weight: number
  /** It is gone, and others stand in for it. */
  readonly ejected: boolean
  readonly kv: KvCommands
}
