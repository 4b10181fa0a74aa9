/**
 * What a server does, done by a Couchbase bucket: for clients of the text protocol, classic or meta. What a bucket cannot do is refused in words.
 *
 * Pure beside the way to the bucket.
 */
import type { Request } from "@wirewright/couchbase/gen"
import { type Found, type GetRequest, type MemcachedHandlers, type Refusal, refusal } from "@wirewright/memcached"
import { Status } from "@wirewright/memcached/gen"
import * as Effect from "effect/Effect"
import {
  type BucketCommand,
  bucketCommands,
  type BucketOutcome,
  type KeyedRequest,
  statRequest,
  versionRequest
} from "./CouchbaseDialect.ts"
import { lacking, metaOf } from "./Refused.ts"

/** Asks a bucket, about a key or whichever node; there is at least one answer. */
export type AskBucket = (
  request: Request,
  key: string | undefined,
  writes: boolean
) => Effect.Effect<ReadonlyArray<Exclude<BucketOutcome, Refusal>>, Refusal>

const what = "a Couchbase bucket"

const nothing = new Uint8Array(0)

/** How often a document is read until its value and its expiry are of one version. */
const maxReads = 10

const restless = refusal(Status.Etmpfail, "the document changes all the time")

type Metadata = Extract<BucketOutcome, { readonly _tag: "Metadata" }>

/** What a server does, done by a bucket; `now` is Unix time in milliseconds, from which the time to live of documents is counted. */
export const bucketHandlers = (ask: AskBucket, now: () => number): MemcachedHandlers => {
  const asked = <A>(command: BucketCommand, request: KeyedRequest, writes: boolean): Effect.Effect<A, Refusal> =>
    Effect.map(ask(bucketCommands[command](request), request.key, writes), ([outcome]) => outcome as A)
  const run = <A>(command: BucketCommand, writes: boolean) => (request: KeyedRequest): Effect.Effect<A, Refusal> => {
    const { cas, compares } = request as { readonly cas?: bigint; readonly compares?: boolean }
    const words = compares === true && cas === 0n ? "comparing with CAS 0" : metaOf(request)
    if (words !== undefined) return Effect.fail(lacking(what, words))
    return asked(command, request, writes)
  }
  const timeToLive = ({ expiry }: Metadata): number => expiry === 0 ? -1 : Math.max(0, expiry - Math.floor(now() / 1000))

  /** A document with its time to live, which nodes tell apart from it: both are of one version, or both are asked for again. */
  const readWithTime = (command: "get" | "getAndTouch", request: KeyedRequest, reads: number): Effect.Effect<Found, Refusal> =>
    Effect.flatMap(
      asked<Found>(command, request, false),
      (found) =>
        Effect.flatMap(asked<Metadata>("metadata", request, false), (metadata) => {
          if (metadata.cas === found.cas) return Effect.succeed({ ...found, timeToLive: timeToLive(metadata) })
          // its expiry has been set by now
          return reads < maxReads ? readWithTime("get", request, reads + 1) : Effect.fail(restless)
        })
    )
  const read = (command: "get" | "getAndTouch") => {
    const without = run<Found>(command, false)
    return (request: KeyedRequest): Effect.Effect<Found, Refusal> => {
      const { facts, timeToLiveBefore, wantsValue } = request as GetRequest
      if (facts?.timeToLive !== true) return without(request)
      const touches = command === "getAndTouch"
      const words = touches && timeToLiveBefore === true
        ? "telling the time to live before it is set"
        : metaOf(request, { timeToLive: true })
      if (words !== undefined) return Effect.fail(lacking(what, words))
      if (touches || wantsValue !== false || facts.size === true) return readWithTime(command, request, 1)
      return Effect.map(
        asked<Metadata>("metadata", request, false),
        (metadata) => ({ value: nothing, flags: metadata.flags, cas: metadata.cas, timeToLive: timeToLive(metadata) })
      )
    }
  }
  const count = (command: "increment" | "decrement") => {
    const counted = run<{ readonly value: bigint; readonly cas: bigint }>(command, true)
    return (request: KeyedRequest) => (request.cas ?? 0n) === 0n ? counted(request) : Effect.fail(lacking(what, "CAS for counters"))
  }
  const getAndTouch = read("getAndTouch")
  return {
    get: read("get"),
    getAndTouch,
    touch: ({ expiration, key }) =>
      Effect.map(getAndTouch({ key, expiration }), ({ cas, flags }) => ({ cas, flags }) as { readonly cas: bigint }),
    set: run("set", true),
    add: run("add", true),
    replace: run("replace", true),
    append: run("append", true),
    prepend: run("prepend", true),
    remove: run("remove", true),
    increment: count("increment"),
    decrement: count("decrement"),
    debug: () => Effect.fail(lacking(what, "telling of items")),
    flush: () => Effect.fail(lacking(what, "forgetting everything at a client's wish")),
    version: () => Effect.map(ask(versionRequest, undefined, false), ([outcome]) => outcome?._tag === "Version" ? outcome.version : ""),
    stats: ({ group }) =>
      Effect.map(
        ask(statRequest(group), undefined, false),
        (outcomes) => outcomes.flatMap((one) => one._tag === "Stat" && one.name !== "" ? [[one.name, one.value] as const] : [])
      )
  }
}
