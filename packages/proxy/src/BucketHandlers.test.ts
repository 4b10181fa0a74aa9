/** What a bucket is asked for when a client wants to know the time to live of a document that others change meanwhile. */
import { GetMetaDeleted, Opcode, type Request, Status } from "@wirewright/couchbase/gen"
import { type Refusal, refusal } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { expect, it } from "vitest"
import { type AskBucket, bucketHandlers } from "./BucketHandlers.ts"
import { type BucketOutcome, outcomeOf } from "./CouchbaseDialect.ts"

const value = Uint8Array.of(1)

/** A bucket whose one document has a new version after so many requests; what it was asked for. */
const changing = (times: number): { readonly ask: AskBucket; readonly asked: Array<string> } => {
  const asked: Array<string> = []
  const answer = (request: Request): BucketOutcome => {
    const version = BigInt(Math.min(asked.length, times))
    asked.push(request._tag)
    return request._tag === "GetMeta"
      ? { _tag: "Metadata", cas: version, flags: 0, expiry: 1_000 + Number(version) }
      : { _tag: "Found", cas: version, flags: 0, value }
  }
  return { ask: (request) => Effect.sync(() => [answer(request) as Exclude<BucketOutcome, Refusal>]), asked }
}

const facts = { timeToLive: true } as const

it("is asked until value and expiry are of one version, and sets the expiry once", async () => {
  const { ask, asked } = changing(3)
  const { getAndTouch } = bucketHandlers(ask, () => 990_500)
  const found = await Effect.runPromise(getAndTouch!({ key: "k", expiration: 30, facts } as never, undefined as never) as never)
  expect(found).toMatchObject({ cas: 3n, timeToLive: 1_003 - 990, value })
  expect(asked).toEqual(["Gat", "GetMeta", "Get", "GetMeta", "Get", "GetMeta"])
})

it("gives up what changes all the time", async () => {
  const { ask, asked } = changing(Infinity)
  const { get } = bucketHandlers(ask, () => 0)
  const exit = await Effect.runPromiseExit(get!({ key: "k", facts } as never, undefined as never) as Effect.Effect<unknown, Refusal>)
  expect(Exit.isFailure(exit)).toBe(true)
  expect(asked).toHaveLength(20)
})

it("takes what is deleted for a miss", () => {
  const answer = { _tag: "GetMetaResponse", opcode: Opcode.GetMeta, status: Status.Success, deleted: GetMetaDeleted.deleted, cas: 1n }
  expect(outcomeOf(answer as never, false)).toEqual(refusal(Status.KeyEnoent))
})
