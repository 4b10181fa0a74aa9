/**
 * Errors of codecs: which packet, which field, which byte, what was expected and what was there.
 *
 * `incomplete` separates "more bytes may still arrive" from "these bytes are wrong". The functions that throw are kept out of line, so
 * that the codecs that call them stay small enough to be inlined.
 */

/** What a decoder objected to. */
export type DecodeReason =
  /** The input ends before the packet does. */
  | "Incomplete"
  /** The first byte starts no packet of the protocol. */
  | "Magic"
  /** A section or record has a length no layout has, or lengths contradict each other. */
  | "Length"
  /** Bytes are left over. */
  | "Trailing"
  /** Reserved bytes are not zero. */
  | "Reserved"
  /** A constant differs. */
  | "Constant"
  /** No layout, enumeration value or flag of the spec matches. */
  | "UnknownValue"
  /** A variable-length integer that is too long, or not the shortest spelling. */
  | "Varint"
  /** A checksum differs. */
  | "Checksum"
  /** Not UTF-8. */
  | "Utf8"
  /** A limit of the spec or of the framer. */
  | "Limit"
  /** Text that is no number, truth value, JSON or known type letter. */
  | "Syntax"
  /** The code of a `custom` field threw; `cause` is what. */
  | "Custom"

/** What an objection of a decoder consists of. */
export interface DecodeProblem {
  readonly reason: DecodeReason
  /** Name of the packet or record, as the spec has it. */
  readonly packet: string
  /** Field path within it. */
  readonly path: string
  /** Byte offset of the problem. */
  readonly offset: number
  readonly expected: string
  readonly got: string
  /**
   * The bytes may yet become a packet when more arrive. Without it they never do, except where a record takes all that is left, or a packet
   * is a datagram: these end where the bytes do, and what is read of more bytes is another value.
   */
  readonly incomplete: boolean
}

/** An objection with what the code of a custom field threw. */
type Caused<Problem> = Problem & { readonly cause?: unknown }

/** Says in one text what was wrong where, and keeps what it consists of. */
abstract class CodecError<Problem extends EncodeProblem | DecodeProblem> extends Error {
  abstract readonly _tag: string

  constructor(problem: Caused<Problem>) {
    const place = problem.packet + (problem.path && `.${problem.path}`)
    super(`${place}${"offset" in problem ? ` at byte ${problem.offset}` : ""}: expected ${problem.expected}, got ${problem.got}`)
    Object.assign(this, problem)
  }

  override get name(): string {
    return this._tag
  }
}

/** What V8 has of stack traces: an incomplete packet is no fault, and its trace costs more than reading it. */
const stacks = Error as unknown as { stackTraceLimit?: number | undefined }

/**
 * Bytes that are no packet. Offsets count from the packet's first byte.
 *
 * An ordinary `Error`, so that a codec needs no library. `Effect.catchTag` knows it by `_tag` once `Effect.try` has caught it. One that is
 * `incomplete` has no stack trace (in V8): it happens at the end of nearly every chunk of a stream, where collecting the frames takes more
 * time than decoding a packet.
 */
export class DecodeError extends CodecError<DecodeProblem> implements DecodeProblem {
  readonly _tag = "DecodeError"
  declare readonly reason: DecodeReason
  declare readonly packet: string
  declare readonly path: string
  declare readonly offset: number
  declare readonly expected: string
  declare readonly got: string
  declare readonly incomplete: boolean

  constructor(problem: Caused<DecodeProblem>) {
    const { stackTraceLimit } = stacks
    if (problem.incomplete) stacks.stackTraceLimit = 0
    super(problem)
    if (problem.incomplete) stacks.stackTraceLimit = stackTraceLimit
  }
}

/** What an encoder objected to. */
export type EncodeReason =
  | "Limit"
  | "Range"
  | "Length"
  | "Utf8"
  | "Missing"
  | "UnknownValue"
  | "Reserved"
  | "Separator"
  | "UnknownPacket"
  /** The code of a `custom` field threw; `cause` is what. */
  | "Custom"

/** What an objection of an encoder consists of. */
export interface EncodeProblem {
  readonly reason: EncodeReason
  readonly packet: string
  readonly path: string
  readonly expected: string
  readonly got: string
}

/** What an encoder objected to: the caller's mistake. An ordinary `Error` like `DecodeError`. */
export class EncodeError extends CodecError<EncodeProblem> implements EncodeProblem {
  readonly _tag = "EncodeError"
  declare readonly reason: EncodeReason
  declare readonly packet: string
  declare readonly path: string
  declare readonly expected: string
  declare readonly got: string
}

/** A number as `0x0018`, with at least two digits for each of `width` bytes; negative ones as `-0x01`. */
export const hexNumber = (value: number | bigint, width = 1): string =>
  value < 0 ? `-${hexNumber(-value, width)}` : `0x${value.toString(16).padStart(width * 2, "0")}`

/** The one error that is thrown where nobody asks what is missing (`measuring`), since making one takes longer than reading a packet. */
export let unfinished: DecodeError | undefined

/** Where the field ends in its buffer for which bytes were missing last; 0 where nobody said. */
export let reach = 0

/** Bytes are missing of a field that ends at `to`. */
export const reaches = (to: number): void => {
  reach = to
}

/** Says what input that ends too early throws, or nothing for an error that says where; returns what it was. */
export const throwUnfinished = (error: DecodeError | undefined): DecodeError | undefined => {
  const before = unfinished
  unfinished = error
  reach = 0
  return before
}

/** Throws: the bytes are wrong, or end too early (`Incomplete`). */
export const malformed = (reason: DecodeReason, packet: string, path: string, offset: number, expected: string, got: string): never => {
  if (reason === "Incomplete" && unfinished !== undefined) throw unfinished
  throw new DecodeError({ reason, packet, path, offset, expected, got, incomplete: reason === "Incomplete" })
}

/** Throws: the input ends too early. */
export const incomplete = (packet: string, path: string, offset: number, expected: string, got: string): never =>
  malformed("Incomplete", packet, path, offset, expected, got)

/** Throws: there is no value, or one of another type. */
export const refuse = (packet: string, path: string, expected: string, value: unknown): never => {
  const missing = value === undefined || value === null
  const shown = missing || typeof value === "number" || typeof value === "bigint" ? String(value) : typeof value
  return unencodable(missing ? "Missing" : "Range", packet, path, expected, shown)
}

/** Throws: the value cannot be written. */
export const unencodable = (reason: EncodeReason, packet: string, path: string, expected: string, got: string): never => {
  throw new EncodeError({ reason, packet, path, expected, got })
}
