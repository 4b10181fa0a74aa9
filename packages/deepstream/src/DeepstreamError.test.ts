/** Errors cross processes: what is read from JSON is of the same class, with deepstream's code and the same words. */
import { EncodeError } from "@wirewright/codec"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import * as All from "./DeepstreamError.ts"
import { DeepstreamError, type DeepstreamReason } from "./DeepstreamError.ts"
import { DeepstreamErrorSchema } from "./DeepstreamErrorSchema.ts"

const json = Schema.toCodecJson(DeepstreamErrorSchema)
const across = (error: DeepstreamError): DeepstreamError =>
  Schema.decodeUnknownSync(json)(JSON.parse(JSON.stringify(Schema.encodeSync(json)(error))))

const about = { topic: "R", subject: "r" } as const
const error = new EncodeError({ reason: "Separator", packet: "EventEmit", path: "name", expected: "no separator", got: "one" })

const reasons: { readonly [Tag in DeepstreamReason["_tag"]]: Extract<DeepstreamReason, { readonly _tag: Tag }> } = {
  AckTimeout: new All.AckTimeout(about),
  ResponseTimeout: new All.ResponseTimeout(about),
  DeleteTimeout: new All.DeleteTimeout(about),
  ConnectionFailed: new All.ConnectionFailed({ url: "ws://a", message: "closed" }),
  OutcomeUnknown: new All.OutcomeUnknown(about),
  NotConnected: new All.NotConnected(about),
  WriteUnconfirmed: new All.WriteUnconfirmed(about),
  ReconnectsExhausted: new All.ReconnectsExhausted({ attempts: 3 }),
  Closed: new All.Closed(),
  ChallengeDenied: new All.ChallengeDenied({ url: "ws://a" }),
  RedirectRefused: new All.RedirectRefused({ url: "wss://a", to: "ws://b" }),
  AlreadyLoggedIn: new All.AlreadyLoggedIn(),
  LoginRefused: new All.LoginRefused({ message: "no", data: { tries: 3 } }),
  LoginMalformed: new All.LoginMalformed({ message: "no" }),
  TooManyLogins: new All.TooManyLogins({ message: "no" }),
  AuthenticationTimeout: new All.AuthenticationTimeout({ message: "late" }),
  LoginTimeout: new All.LoginTimeout({ millis: 5 }),
  MessageDenied: new All.MessageDenied({ ...about, action: "CR", rest: ["x"], code: "MESSAGE_PERMISSION_ERROR" }),
  MessageParseError: new All.MessageParseError({ message: "no" }),
  UnsolicitedMessage: new All.UnsolicitedMessage(about),
  VersionExists: new All.VersionExists({ ...about, local: 1, remote: 2 }),
  WriteLost: new All.WriteLost({ ...about, version: 3 }),
  RecordNotFound: new All.RecordNotFound(about),
  RecordDeleted: new All.RecordDeleted(about),
  WriteFailed: new All.WriteFailed({ ...about, message: "no" }),
  NoRpcProvider: new All.NoRpcProvider(about),
  RpcFailed: new All.RpcFailed({ ...about, message: "no" }),
  ServerFailed: new All.ServerFailed({ ...about, code: "RECORD_LOAD_ERROR", data: ["r"] }),
  AlreadyTaken: new All.AlreadyTaken(about),
  QueueFull: new All.QueueFull({ limit: 5, unit: "messages" }),
  QueueDropped: new All.QueueDropped({ messages: 3 }),
  InvalidMessage: new All.InvalidMessage({ message: error.message, error }),
  InvalidRecordData: new All.InvalidRecordData({ ...about, message: "no", cause: new Error("Expected number") }),
  Overflow: new All.Overflow({ ...about, limit: 3 })
}

describe("an error that crossed a process", () => {
  it("is of its class and its reason's, with the same code and words", () => {
    for (const reason of [...Object.values(reasons), new All.LoginRefused({ message: "no", data: undefined })]) {
      const here = new DeepstreamError({ reason })
      const there = across(here)
      expect(there).toBeInstanceOf(DeepstreamError)
      expect(there.reason.constructor).toBe(reason.constructor)
      expect([there.message, there.code]).toEqual([here.message, here.code])
      const { cause: _, error: __, ...fields } = reason as unknown as { readonly [name: string]: unknown }
      expect(there.reason).toMatchObject(fields)
    }
  })

  it("has its causes", () => {
    const { reason } = across(new DeepstreamError({ reason: reasons.InvalidMessage }))
    expect(reason._tag === "InvalidMessage" && reason.error).toBeInstanceOf(EncodeError)
    const invalid = across(new DeepstreamError({ reason: reasons.InvalidRecordData })).reason
    expect(invalid._tag === "InvalidRecordData" && (invalid.cause as Error).message).toBe("Expected number")
  })

  it("is caught by its tag and its reason", async () => {
    const failing: Effect.Effect<string, DeepstreamError> = Effect.fail(across(new DeepstreamError({ reason: reasons.WriteLost })))
    const tagged = Effect.catchTag(failing, "DeepstreamError", ({ code }) => Effect.succeed(code))
    expect(await Effect.runPromise(tagged)).toBe("WRITE_LOST")
    const reason = Effect.catchReason(failing, "DeepstreamError", "WriteLost", ({ version }) => Effect.succeed(`${version}`))
    expect(await Effect.runPromise(reason)).toBe("3")
  })
})
