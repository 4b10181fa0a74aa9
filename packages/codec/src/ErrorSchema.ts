/** Effect schemas of what codecs throw, for errors of others that carry one to another process. */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { DecodeError, type DecodeProblem, type DecodeReason, EncodeError, type EncodeProblem, type EncodeReason } from "./Errors.ts"

const decodeReasons = [
  "Incomplete",
  "Magic",
  "Length",
  "Trailing",
  "Reserved",
  "Constant",
  "UnknownValue",
  "Varint",
  "Checksum",
  "Utf8",
  "Limit",
  "Syntax",
  "Custom"
] as const satisfies ReadonlyArray<DecodeReason>

const encodeReasons = [
  "Limit",
  "Range",
  "Length",
  "Utf8",
  "Missing",
  "UnknownValue",
  "Reserved",
  "Separator",
  "UnknownPacket",
  "Custom"
] as const satisfies ReadonlyArray<EncodeReason>

const place = { packet: Schema.String, path: Schema.String, expected: Schema.String, got: Schema.String }

const DecodeProblemFields = Schema.Struct({
  ...place,
  reason: Schema.Literals(decodeReasons),
  offset: Schema.Number,
  incomplete: Schema.Boolean
})

const EncodeProblemFields = Schema.Struct({ ...place, reason: Schema.Literals(encodeReasons) })

/** A `DecodeError`; encoded, what it consists of. */
export const DecodeErrorSchema: Schema.Codec<DecodeError, DecodeProblem> = DecodeProblemFields.pipe(
  Schema.decodeTo(
    Schema.instanceOf(DecodeError),
    SchemaTransformation.transform({
      decode: (problem) => new DecodeError(problem),
      encode: ({ expected, got, incomplete, offset, packet, path, reason }) => ({ reason, packet, path, offset, expected, got, incomplete })
    })
  )
)

/** An `EncodeError`; encoded, what it consists of. */
export const EncodeErrorSchema: Schema.Codec<EncodeError, EncodeProblem> = EncodeProblemFields.pipe(
  Schema.decodeTo(
    Schema.instanceOf(EncodeError),
    SchemaTransformation.transform({
      decode: (problem) => new EncodeError(problem),
      encode: ({ expected, got, packet, path, reason }) => ({ reason, packet, path, expected, got })
    })
  )
)

/** What a client may do about a status. */
export const RetryClassSchema = Schema.Literals(["success", "retry", "ambiguous", "caller", "miss", "fatal"])
