/**
 * The embedded node against a real Couchbase 6.0 node, request by request.
 *
 * Each case is asked of a fresh node, which closes after a request that is not allowed, as 6.0 does. What is not equal stands below with the
 * reason: mostly a newer source, which decides.
 */
import { describe, it } from "@effect/vitest"
import * as Gen from "@wirewright/couchbase/gen"
import { type CouchbaseNode, serveCouchbase } from "@wirewright/embedded"
import { nameOf, TestClient } from "../../packages/embedded/src/TestClient.fixture.ts"
import * as Effect from "effect/Effect"
import { assert, expect } from "vitest"
import { type Answered, recorded, recordedVbuckets, replayed, shownAnswers } from "./Recorded.fixture.ts"

/** Why an answer is another one than 6.0's, and what it is; of the last step unless `at` says otherwise. */
interface Difference {
  readonly why: string
  readonly now: object
  readonly at?: number
}

const { Eaccess, Einval, NotMyVbucket, NotSupported, Success, UnknownCommand } = Gen.Status

const counter: Difference = {
  why: "counters are JSON: kv_engine daemon/protocol/mcbp/arithmetic_context.cc, allocateNewItem",
  now: { status: Success, datatype: 1 }
}
const unknownOpcode: Difference = {
  why: "an opcode that nobody knows is UnknownCommand: kv_engine daemon/cookie.cc, validateClientRequest",
  now: { status: UnknownCommand }
}
const notDcp: Difference = {
  why: "answered with Einval before anything else: kv_engine daemon/mcbp_validators.cc, verify_common_dcp_restrictions",
  now: { status: Einval }
}
const retired: Difference = {
  why: "the opcode is retired, NotSupported: kv_engine daemon/mcbp_validators.cc, not_supported_validator",
  now: { status: NotSupported }
}
const unasked: Difference = { why: "nothing was asked: the case before had closed the recorded connection", now: { status: Success } }
const noMap = (status: number): Difference => ({
  why: "the recorded node had no cluster manager, and so no cluster map to answer with",
  now: { status, datatype: 1 }
})
const persistence = "the recorded node wrote to its disk later; here what is stored is as good as on disk"

const differs: { readonly [name: string]: Difference | undefined } = {
  "get adjusted time": retired,
  "unlock not locked": {
    why: "the status NotLocked is newer: kv_engine engines/ep/src/vbucket.cc and docs/ErrorMap.md",
    now: { status: Gen.Status.NotLocked }
  },
  "setwm cas0": {
    why: "the status CasValueInvalid is newer: kv_engine engines/ep/src/kv_bucket.cc, setWithMeta",
    now: { status: Gen.Status.CasValueInvalid }
  },
  "mlookup 2 xattr keys": {
    why: "several attributes may be asked for: kv_engine daemon/subdocument_validators.cc has no such check any more",
    now: { status: Gen.Status.SubdocMultiPathFailure, value: "00c00000000000c000000000" }
  },
  "mlookup $nope": {
    why: "an unknown attribute fails its path alone: kv_engine daemon/subdocument_context.cc, operate_one_path",
    now: { status: Gen.Status.SubdocMultiPathFailure, value: "00d100000000" }
  },
  "sd counter delta b'-9223372036854775808'": {
    why: "the smallest number is a delta: couchbase/subjson subdoc/operations.cc, parse_int64",
    now: { status: Success, value: Buffer.from("-9223372036854775807").toString("hex") },
    at: 1
  },
  "incr spaces": counter,
  "incr ok": counter,
  "incr json 12": counter,
  "incr keeps flags": counter,
  "decr floor": counter,
  "decr len": counter,
  "opcode 0xdf empty": unknownOpcode,
  "opcode 0x7f empty": unknownOpcode,
  "opcode 0x9a empty": unknownOpcode,
  "opcode 0xab empty": unknownOpcode,
  "opcode 0xff empty": unknownOpcode,
  "opcode 0xe0 empty": {
    why: "today it is PrepareSnapshot, which needs a value: kv_engine daemon/mcbp_validators.cc, prepare_snapshot_validator",
    now: { status: Einval }
  },
  "opcode 0x60 empty": {
    why: "today it is DcpPrepare, which needs extras: kv_engine daemon/mcbp_validators.cc, dcp_prepare_validator",
    now: { status: Einval }
  },
  "opcode 0x8b empty": {
    why: "today it is ResumeBucket, which this node does not do: kv_engine daemon/mcbp_validators.cc, resume_bucket_validator",
    now: { status: NotSupported }
  },
  "opcode 0x3c empty": retired,
  "dcp stream w/o open": notDcp,
  "dcp ack w/o open": notDcp,
  "dcp control w/o open": notDcp,
  "dcp flog w/o open": notDcp,
  "getclusterconfig": noMap(Success),
  "select nosuch": {
    why: "the recorded node had no cluster manager, and so a user with privileges on any name: ns_server memcached_permissions.erl",
    now: { status: Eaccess },
    at: 0
  },
  "set vb 9999": noMap(NotMyVbucket),
  "get vb 9999": noMap(NotMyVbucket),
  "getvbucket 999": noMap(NotMyVbucket),
  "stat uuid": {
    why: "the recorded bucket had no UUID, as there was no cluster manager to give it one",
    now: { count: 1, list: [{ key: Buffer.from("uuid").toString("hex") }, { value: "" }] }
  },
  "version": { why: "each node has a version of its own", now: { status: Success } },
  "stat config": {
    why: "each engine has a configuration of its own",
    now: { list: [{ status: Success }, { status: Success }, { status: Success }] }
  },
  "stat key": {
    why: `the datatype is told, too: kv_engine engines/ep/src/ep_engine.cc, doKeyStats; and ${persistence}`,
    now: { count: 7, list: ["key_is_dirty", "key_exptime", "key_datatype"].map((name) => ({ key: Buffer.from(name).toString("hex") })) }
  },
  "observe": { why: persistence, now: { status: Success, cas: "0" } },
  "observe missing": { why: persistence, now: { status: Success, cas: "0", value: "000000047a7a7a7a800000000000000000" } },
  "getkeys": { why: `keys are read from disk there: ${persistence}`, now: { status: Success, value: "0003676b31" } },
  "mmut xattr long key": unasked,
  "mmut both docflags": unasked,
  "mlookup notjson": unasked,
  "mlookup 17": unasked,
  "mlookup $document": unasked,
  "mlookup $XTOC": unasked,
  "get extras": { ...unasked, now: { status: Einval } }
}

const ask = (node: CouchbaseNode, requests: ReadonlyArray<Parameters<TestClient["ask"]>[0]>): Effect.Effect<void> =>
  Effect.promise(async () => {
    const client = await TestClient.ready(node.port, [])
    for (const request of requests) assert.strictEqual(nameOf(await client.ask(request)), "Success")
    await client.end()
  })

/** A document of a certain revision is removed: what the recorded vbucket had seen by then. */
const removed = (revSeqno: bigint) => (node: CouchbaseNode) =>
  ask(node, [
    (writer) =>
      Gen.encodeDelWithMeta(writer, {
        layout: "Plain",
        key: "gone",
        flags: 0,
        deleteTime: 0,
        revSeqno,
        documentCas: 1n,
        value: new Uint8Array(0)
      })
  ])

/** What must have happened on the node for a case to be the recorded one. */
const before: { readonly [name: string]: (node: CouchbaseNode) => Effect.Effect<void> } = {
  "getmeta ok": removed(0x0fn),
  "getmeta none": removed(0x11n),
  "delwm existing": removed(0x12n),
  "allvbseqnos": (node) =>
    ask(
      node,
      Array.from(
        { length: 0x34f },
        () => (writer) => Gen.encodeSet(writer, { key: "k", flags: 0, expiration: 0, value: new Uint8Array(0) })
      )
    )
}

describe("the embedded node answers as a real one", () => {
  it.live.each(recorded.map(({ name, steps }) => [name, steps] as const))("%s", ([name, steps]) =>
    Effect.gen(function*() {
      const node = yield* serveCouchbase({ buckets: [{ name: "default", vbuckets: recordedVbuckets }], closeOnEinval: true })
      yield* before[name]?.(node) ?? Effect.void
      const answers: ReadonlyArray<Answered> = yield* Effect.promise(() =>
        replayed(node.port, node.buckets.get("default")!.uuidOf(0), steps)
      )
      const difference = differs[name]
      const then = shownAnswers(steps)
      if (difference === undefined) return expect(answers).toEqual(then)
      const { at = steps.length - 1, now } = difference
      expect(answers.slice(0, at)).toEqual(then.slice(0, at))
      expect(answers[at]).toMatchObject(now)
      // a difference that is none any more leaves the list
      expect(answers).not.toEqual(then)
    }))

  it("in nearly all of the cases", () => {
    const names = new Set(recorded.map(({ name }) => name))
    for (const name of Object.keys(differs)) assert.isTrue(names.has(name), `there is no case ${name}`)
    assert.strictEqual(recorded.length, 642)
    assert.isBelow(Object.keys(differs).length, 60)
  })
})
