/** Errors cross processes: an RPC, a cluster or a cache that keeps them as JSON gives back the same error, with its words. */
import { BootstrapError } from "@wirewright/couchbase"
import { ScramError } from "@wirewright/couchbase/internal"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import {
  CheckpointError,
  DcpFeatureMissing,
  DcpOptionsError,
  DcpStreamFailed,
  NameConflictSuspected,
  NegotiationRefused,
  TooManyUnsettled
} from "./DcpError.ts"

/** The error after it was written as JSON by one process and read by another. */
const across = <A extends Error>(schema: Schema.Codec<A, unknown>, error: A): A => {
  const json = Schema.toCodecJson(schema)
  return Schema.decodeUnknownSync(json)(JSON.parse(JSON.stringify(Schema.encodeSync(json)(error))))
}

describe("an error that crossed a process", () => {
  it("is of its class, with its fields and its message", () => {
    const scram = new ScramError({ reason: "ProofMismatch", message: "no proof" })
    const pairs = [
      [DcpStreamFailed, new DcpStreamFailed({ vbucket: 7, cause: "NoAccess", status: 0x24, message: "vbucket 7: may not" })],
      [DcpStreamFailed, new DcpStreamFailed({ vbucket: 7, cause: "ProtocolViolation", status: undefined, message: "vbucket 7" })],
      [NegotiationRefused, new NegotiationRefused({ request: "DCP_OPEN", status: 0x24 })],
      [DcpFeatureMissing, new DcpFeatureMissing({ feature: "Collections", option: "filter" })],
      [NameConflictSuspected, new NameConflictSuspected({ connection: "group" })],
      [TooManyUnsettled, new TooManyUnsettled({ limit: 10 })],
      [CheckpointError, new CheckpointError({ reason: "Fenced", message: "taken over" })],
      [DcpOptionsError, new DcpOptionsError({ message: "no group" })],
      [BootstrapError, new BootstrapError({ reason: "NoMechanism", step: "authentication", status: undefined, message: "none" })],
      [BootstrapError, new BootstrapError({ reason: "AuthenticationFailed", step: "authentication", status: 0x20, message: "no", scram })]
    ] as const
    for (const [schema, error] of pairs) {
      const there = across(schema as unknown as Schema.Codec<Error, unknown>, error)
      assert.strictEqual(there.constructor, error.constructor)
      assert.strictEqual(there.message, error.message)
      assert.deepStrictEqual(JSON.stringify({ ...there }), JSON.stringify({ ...error }))
    }
  })

  it("has the words of its cause", () => {
    const there = across(CheckpointError, new CheckpointError({ reason: "Unavailable", message: "no", cause: new Error("EIO: disk") }))
    assert.strictEqual((there.cause as Error).message, "EIO: disk")
  })

  it("is read from nothing else", () => {
    const json = Schema.toCodecJson(CheckpointError)
    assert.throws(() => Schema.decodeUnknownSync(json)({ _tag: "CheckpointError", reason: "Lost", message: "no" }))
  })
})
