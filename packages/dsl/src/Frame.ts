/**
 * Frames: the header every packet of a protocol starts with, and the sections that follow it.
 *
 * A header field has a role (`opcode`, `bodyLength`, `sectionLength`, `statusCode`) or is an ordinary field that every packet then
 * carries. Lengths and opcodes are derived when encoding.
 */
import { mark } from "./CallSite.ts"
import type { Statuses } from "./Flags.ts"
import type { Escaped, Int, Slice, Varint } from "./Numbers.ts"
import { given } from "./Options.ts"
import type { NibbleFrames } from "./Records.ts"
import type { Terminator } from "./Text.ts"
import type { Fields, Type } from "./Type.ts"

/** The header value that says which header this is (a magic). */
export interface MagicField {
  readonly kind: "magic"
  readonly of: Int | Slice
}

/** The header value that says which command this is. */
export interface OpcodeField {
  readonly kind: "opcode"
  readonly of: Int | Slice
}

/** Length of a section of the body. */
export interface SectionLength<S extends string = string> {
  readonly kind: "sectionLength"
  readonly of: Int
  readonly section: S
}

/**
 * Where the length of a packet counts from: `body` after the header; `frame` the whole packet, header and trailer included; `length` from
 * the first byte of the length itself; `field` after the length. All but `frame` end where the trailer begins.
 */
export type LengthFrom = "body" | "frame" | "length" | "field"

/** Length of the packet. */
export interface BodyLength {
  readonly kind: "bodyLength"
  readonly of: Int | Varint | Escaped
  readonly from: LengthFrom
  /** Added to the length before it is written. */
  readonly plus: number
}

/** The outcome a response reports. */
export interface StatusField {
  readonly kind: "statusCode"
  readonly of: Int
}

/** Anything a header may consist of: what is a role, and any type. */
export type HeaderField =
  | MagicField
  | OpcodeField
  | SectionLength
  | BodyLength
  | StatusField
  | Type

/** Header fields by name in wire order. */
export interface HeaderFields {
  readonly [name: string]: HeaderField
}

/** One way a packet of this kind may start. */
export interface Header {
  readonly magic?: number
  readonly fields: HeaderFields
}

/** One kind of packet, such as `request`. */
export interface Kind {
  /** Headers, the preferred first; later ones are chosen when a packet needs them (framing extras). */
  readonly headers: ReadonlyArray<Header>
  /** Sections with the same content in every command of this kind, such as framing extras. */
  readonly shared?: { readonly [section: string]: NibbleFrames }
  /** The kind whose packets this one answers. */
  readonly answers?: string
  /** What stands after the last section, such as AMQP's end octet or a checksum. */
  readonly trailer?: Fields
  /** What ends a packet of this kind, and cannot be within it: for frames without a length. */
  readonly until?: Terminator
  /** The packet fills a datagram. Without this, a length and `until`, a packet ends itself. */
  readonly datagram?: boolean
  /** Who sends packets of this kind, where the header does not say. */
  readonly sender?: "client" | "server"
  /** A numbered connection state that tells the opcode, for packets whose header does not: Kafka's responses. */
  readonly opcodeFrom?: string
}

/** What each side sends in a phase of a connection, and how it is framed. */
export interface Phase {
  readonly client?: string
  readonly server?: string
}

/** A protocol's framing. */
export interface Frame<
  Section extends string = string,
  KindName extends string = string,
  Status extends string = string,
  State extends string = string
> {
  readonly kind: "frame"
  readonly name: string
  /** Sections in wire order; the last one takes what the others leave of the body. */
  readonly sections: ReadonlyArray<Section>
  readonly kinds: { readonly [K in KindName]: Kind }
  readonly statuses?: Statuses<Status>
  /** Connection states that change layouts, each with the reason. All are off (numbered ones 0) until negotiated. */
  readonly states: { readonly [S in State]: string }
  /** Phases of a connection, the first one first: the kind that each side sends. Packets say with `then` which one follows. */
  readonly phases?: { readonly [phase: string]: Phase }
  /** Order of the bytes of numbers that do not say theirs. Default: big */
  readonly byteOrder?: "big" | "little"
  /**
   * What the transport hands over: bytes, or JavaScript strings. Over `text`, generated code scans strings, and sizes count characters;
   * a packet is then one `tokens` of text, numbers in digits, `bool` and `custom` that ends `until` one character. Default: bytes
   */
  readonly over?: "bytes" | "text"
  /** Largest frame in bytes, header included; checked on the header before anything is allocated. */
  readonly maxFrame: number
  /** Shorter pieces between terminators are no packets and skipped, where nothing but `until` frames packets. Default: empty ones */
  readonly minFrame?: number
  /**
   * The field in which an answer repeats what the request has there: of the header, or of some packets (`answeredBy`). Default: answers come in
   * the order of the requests
   */
  readonly correlation?: string
  /** Statuses by which servers refuse what they do not know, what is no packet, and what their handlers died of. Default: the connection ends */
  readonly refusals?: Refusals<Status>
}

/** Names of statuses. */
export interface Refusals<Status extends string = string> {
  readonly unknown?: Status
  readonly malformed?: Status
  readonly died?: Status
}

/** The magic of a header. */
export const magic = (of: Int | Slice): MagicField => ({ kind: "magic", of })
/** The opcode of a packet. */
export const opcode = (of: Int | Slice): OpcodeField => ({ kind: "opcode", of })
/** The byte length of a section. */
export const sectionLength = <const S extends string>(of: Int, section: S): SectionLength<S> => ({ kind: "sectionLength", of, section })
/** The length of the packet in bytes: of its body, unless `from` says where it counts from. */
export const bodyLength = (
  of: Int | Varint | Escaped,
  options: { readonly from?: LengthFrom; readonly plus?: number } = {}
): BodyLength => ({ from: "body", plus: 0, ...given(options), kind: "bodyLength", of })
/** The status of a response. */
export const statusCode = (of: Int): StatusField => ({ kind: "statusCode", of })

/** Describes a protocol's framing. */
export const frame = <
  const S extends string,
  const K extends { readonly [kind: string]: Kind },
  Status extends string = never,
  const State extends { readonly [state: string]: string } = { readonly [state: string]: never }
>(name: string, options: {
  readonly sections: ReadonlyArray<S>
  readonly kinds: K
  readonly statuses?: Statuses<Status>
  readonly states?: State
  readonly phases?: { readonly [phase: string]: { readonly client?: keyof K & string; readonly server?: keyof K & string } }
  readonly byteOrder?: "big" | "little"
  readonly over?: "bytes" | "text"
  readonly maxFrame?: number
  readonly minFrame?: number
  readonly correlation?: string
  readonly refusals?: Refusals<NoInfer<Status>>
}): Frame<S, keyof K & string, Status, keyof State & string> =>
  mark({
    ...given(options),
    kind: "frame",
    name,
    states: options.states ?? {},
    maxFrame: options.maxFrame ?? 30 * 1024 * 1024
  } as unknown as Frame<S, keyof K & string, Status, keyof State & string>, frame)

/** The same frame as another dialect speaks it: more statuses, more connection states, other kinds or limits. */
export const dialect = <
  S extends string,
  K extends string,
  Status extends string,
  State extends string,
  Status2 extends string = Status,
  const State2 extends { readonly [state: string]: string } = { readonly [S in State]: string }
>(base: Frame<S, K, Status, State>, options: {
  readonly statuses?: Statuses<Status2>
  readonly states?: State2
  readonly maxFrame?: number
}): Frame<S, K, Status2, keyof State2 & string> =>
  mark({ ...base, ...options } as unknown as Frame<S, K, Status2, keyof State2 & string>, dialect)
