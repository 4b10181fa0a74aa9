/**
 * What a server does, done by a Couchbase bucket: for clients of the text protocol, classic or meta. What a bucket cannot do is refused in words.
 *
 * Pure beside the way to the bucket.
 */
import type { Request } from "@wirewright/couchbase/gen"
import { type Found, type MemcachedHandlers, type Refusal } from "@wirewright/memcached"
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

/** What a server does, done by a bucket. */
export const bucketHandlers = (ask: AskBucket): MemcachedHandlers => {
  const run = <A>(command: BucketCommand, writes: boolean) => (request: KeyedRequest): Effect.Effect<A, Refusal> => {
    const { cas, compares } = request as { readonly cas?: bigint; readonly compares?: boolean }
    const words = compares === true && cas === 0n ? "comparing with CAS 0" : metaOf(request)
    if (words !== undefined) return Effect.fail(lacking(what, words))
    return Effect.map(ask(bucketCommands[command](request), request.key, writes), ([outcome]) => outcome as A)
  }
  const count = (command: "increment" | "decrement") => {
    const counted = run<{ readonly value: bigint; readonly cas: bigint }>(command, true)
    return (request: KeyedRequest) => (request.cas ?? 0n) === 0n ? counted(request) : Effect.fail(lacking(what, "CAS for counters"))
  }
  const getAndTouch = run<Found>("getAndTouch", false)
  return {
    get: run("get", false),
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
