/** Words for bytes without a meaning, checksums, and the one field that only code can say. */
import { mark } from "./CallSite.ts"
import type { Int } from "./Numbers.ts"
import { given } from "./Options.ts"
import { bytes, type Bytes } from "./Text.ts"

/** What to do when reserved bytes are not zero. `keep` hands them out (and writes them back), `ignore` drops them. */
export type ReservedPolicy = "keep" | "ignore" | "error"

/** Bytes without a meaning. */
export interface Reserved {
  readonly kind: "reserved"
  readonly of: Int | Bytes
  readonly policy: ReservedPolicy
}

/** Zero bytes up to a multiple of `to` from the beginning of the packet or record; with `ignore`, any bytes are read as if they were. */
export interface Align {
  readonly kind: "align"
  readonly to: number
  /** Default: error */
  readonly policy?: "ignore" | "error"
}

/** Names of the checksums. */
export type ChecksumName = "crc32" | "crc32c" | "crc16-modbus" | "crc16-ccitt" | "adler32" | "internet" | "sum8" | "xor8"

/** A checksum over earlier or later siblings; verified when reading, written by the encoder, absent from the packet's type. */
export interface Checksum<Target extends string = string> {
  readonly kind: "checksum"
  readonly algorithm: ChecksumName
  readonly of: Int
  readonly over: ReadonlyArray<Target>
  /** What the checksum is combined with by exclusive or. */
  readonly xor?: number
}

/** One field that only code can say. */
export interface Custom<N extends string = string> {
  readonly kind: "custom"
  readonly name: N
  /** Import specifier of the module, from the generated code, that exports the functions. */
  readonly module: string
  /** Least number of bytes. */
  readonly minimum: number
  /** Number of bytes, when it is always the same. */
  readonly fixed?: number
  /** Whether it tells where it ends. Default: true */
  readonly ends: boolean
}

/** Bytes without a meaning; the policy says what happens when they are not zero. */
export const reserved = (of: Int | number, policy: ReservedPolicy = "keep"): Reserved =>
  mark({ kind: "reserved", of: typeof of === "number" ? bytes({ size: of }) : of, policy }, reserved)

/** Zero bytes up to the next multiple of `to`, counted from the beginning of the record. Others are an error, or ignored. */
export const align = (to: number, policy?: "ignore" | "error"): Align =>
  mark({ kind: "align", to, ...(policy === undefined ? {} : { policy }) }, align)

/**
 * A checksum over siblings that follow one another. With `xor` it is combined with a constant, such as 0x5354554e in STUN's FINGERPRINT (RFC
 * 8489, 14.7).
 */
export const checksum = <const T extends string>(
  algorithm: ChecksumName,
  of: Int,
  options: { readonly over: ReadonlyArray<T>; readonly xor?: number }
): Checksum<T> => mark({ ...given(options), kind: "checksum", algorithm, of } as Checksum<T>, checksum)

/**
 * A field that no word can say, such as bytes that a key masks. `module` exports for `custom("Payload", …)`:
 * type `Payload`; `readPayload(reader, at, end, start, packet)`, which leaves the offset after it in `reader.next`;
 * `writePayload(writer, at, value, start, packet)`, which returns the offset after it; `boundPayload(value)`, the most bytes it takes;
 * and `customPayload: CustomFace` for tools (layout and JSON). Their types are `ReadCustom` and `WriteCustom` of `@wirewright/codec/Catalog`.
 * `start` is where the packet begins; `packet` holds the header fields and siblings that were read before.
 *
 * For protocols over text it exports the type, the face, and instead of the functions `isPayload(text, from, to)`,
 * `readPayload(text, from, to, packet, path, start)` and `spellPayload(value, packet, path)`, which returns text.
 */
export const custom = <const N extends string>(
  name: N,
  options: { readonly module: string; readonly minimum: number; readonly fixed?: number; readonly ends?: boolean }
): Custom<N> => mark({ ends: true, ...given(options), kind: "custom", name }, custom)
