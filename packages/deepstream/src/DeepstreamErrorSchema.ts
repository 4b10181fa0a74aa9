/**
 * Effect schemas of a client's errors, for those that cross processes: an RPC, a cluster or a cache that keeps them gives back the same class.
 *
 * `Schema.toCodecJson(DeepstreamErrorSchema)` is their codec for JSON.
 */
import { EncodeErrorSchema } from "@wirewright/codec/ErrorSchema"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Errors from "./DeepstreamError.ts"

const about = { topic: Schema.Literals(["C", "A", "E", "R", "P", "U", "X"]), subject: Schema.String }

/** A class with these fields; encoded, its tag and its fields. */
const schemaOf = <Tag extends string, const Fields extends Schema.Struct.Fields, Self extends Schema.Struct.Type<Fields>>(
  Class: new(fields: never) => Self,
  tag: Tag,
  fields: Fields
) =>
  Schema.TaggedStruct(tag, fields).pipe(
    Schema.decodeTo(
      Schema.instanceOf(Class),
      SchemaTransformation.transform({
        decode: (given) => new Class(given as never) as never,
        encode: (reason) => ({ ...reason as object, _tag: tag }) as never
      }) as never
    )
  )

/** Why something failed. */
export const DeepstreamReasonSchema = Schema.Union([
  schemaOf(Errors.AckTimeout, "AckTimeout", about),
  schemaOf(Errors.ResponseTimeout, "ResponseTimeout", about),
  schemaOf(Errors.DeleteTimeout, "DeleteTimeout", about),
  schemaOf(Errors.ConnectionFailed, "ConnectionFailed", { url: Schema.String, message: Schema.String }),
  schemaOf(Errors.OutcomeUnknown, "OutcomeUnknown", about),
  schemaOf(Errors.NotConnected, "NotConnected", about),
  schemaOf(Errors.WriteUnconfirmed, "WriteUnconfirmed", about),
  schemaOf(Errors.ReconnectsExhausted, "ReconnectsExhausted", { attempts: Schema.Number }),
  schemaOf(Errors.Closed, "Closed", {}),
  schemaOf(Errors.ChallengeDenied, "ChallengeDenied", { url: Schema.String }),
  schemaOf(Errors.RedirectRefused, "RedirectRefused", { url: Schema.String, to: Schema.String }),
  schemaOf(Errors.AlreadyLoggedIn, "AlreadyLoggedIn", {}),
  schemaOf(Errors.LoginRefused, "LoginRefused", { message: Schema.String, data: Schema.Union([Schema.Undefined, Schema.Defect()]) }),
  schemaOf(Errors.LoginMalformed, "LoginMalformed", { message: Schema.String }),
  schemaOf(Errors.TooManyLogins, "TooManyLogins", { message: Schema.String }),
  schemaOf(Errors.AuthenticationTimeout, "AuthenticationTimeout", { message: Schema.String }),
  schemaOf(Errors.LoginTimeout, "LoginTimeout", { millis: Schema.Number }),
  schemaOf(Errors.MessageDenied, "MessageDenied", {
    ...about,
    action: Schema.String,
    rest: Schema.Array(Schema.String),
    code: Schema.Literals(["MESSAGE_DENIED", "MESSAGE_PERMISSION_ERROR"])
  }),
  schemaOf(Errors.MessageParseError, "MessageParseError", { message: Schema.String }),
  schemaOf(Errors.UnsolicitedMessage, "UnsolicitedMessage", about),
  schemaOf(Errors.VersionExists, "VersionExists", { ...about, local: Schema.Number, remote: Schema.Number }),
  schemaOf(Errors.WriteLost, "WriteLost", { ...about, version: Schema.Number }),
  schemaOf(Errors.RecordNotFound, "RecordNotFound", about),
  schemaOf(Errors.RecordDeleted, "RecordDeleted", about),
  schemaOf(Errors.WriteFailed, "WriteFailed", { ...about, message: Schema.String }),
  schemaOf(Errors.NoRpcProvider, "NoRpcProvider", about),
  schemaOf(Errors.RpcFailed, "RpcFailed", { ...about, message: Schema.String }),
  schemaOf(Errors.ServerFailed, "ServerFailed", { ...about, code: Schema.String, data: Schema.Array(Schema.String) }),
  schemaOf(Errors.AlreadyTaken, "AlreadyTaken", about),
  schemaOf(Errors.QueueFull, "QueueFull", { limit: Schema.Number, unit: Schema.Literals(["messages", "characters"]) }),
  schemaOf(Errors.QueueDropped, "QueueDropped", { messages: Schema.Number }),
  schemaOf(Errors.InvalidMessage, "InvalidMessage", { message: Schema.String, error: Schema.optional(EncodeErrorSchema) }),
  schemaOf(Errors.InvalidRecordData, "InvalidRecordData", { ...about, message: Schema.String, cause: Schema.Defect() }),
  schemaOf(Errors.Overflow, "Overflow", { ...about, limit: Schema.Number })
])

/** A call that failed. */
export const DeepstreamErrorSchema = schemaOf(Errors.DeepstreamError, "DeepstreamError", { reason: DeepstreamReasonSchema })
