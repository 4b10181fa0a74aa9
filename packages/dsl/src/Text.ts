/** Words for bytes and text, and how they end. */
import { mark } from "./CallSite.ts"
import { given } from "./Options.ts"

/** Characters or byte values that end something: a string of ASCII characters, or one byte. In UTF-16 each is a unit. */
export type Terminator = string | number

/** What a sized type may say about itself. Without `size` or `until`, a length gives it, else it takes what is left. */
export interface Sized {
  /** Exact size in bytes. */
  readonly size?: number
  /** Least bytes allowed, where no `size` is given; fewer is a typed error in both directions. */
  readonly min?: number
  /** Most bytes allowed; more is a typed error in both directions. */
  readonly max?: number
  /** Ends where these bytes are, which are written after it and cannot be within it. `"\r\n"`: at the first LF, which must follow a CR. */
  readonly until?: Terminator
  /** With `size`, which is then the most: fills what is left. The content does not end with it. */
  readonly pad?: Terminator
}

/** Raw bytes; decoded as a view into the received buffer. */
export interface Bytes extends Sized {
  readonly kind: "bytes"
}

/**
 * UTF-8 text. Bytes that are invalid UTF-8 survive as lone surrogates U+DC80…U+DCFF (`"escape"`, the default: decoding is lossless), or
 * are an error.
 */
export interface Utf8 extends Sized {
  readonly kind: "utf8"
  readonly invalid: "escape" | "error"
}

/** JSON text. It stays text until it is parsed. */
export interface Json extends Sized {
  readonly kind: "json"
}

/** Text in another encoding. */
export interface Encoded extends Sized {
  readonly kind: "text"
  readonly encoding: "ascii" | "latin1" | "utf16be" | "utf16le"
}

/** These bytes, and no others. */
export interface Literal {
  readonly kind: "literal"
  readonly text: Terminator
}

/** Raw bytes: of a fixed `size`, as long as a length says, `until` a terminator, or all that is left. */
export const bytes = (options: Sized = {}): Bytes => mark({ ...given(options), kind: "bytes" }, bytes)

/** UTF-8 text: of a fixed `size`, as long as a length says, `until` a terminator, or all that is left. */
export const utf8 = (options: Sized & { readonly invalid?: "escape" | "error" } = {}): Utf8 =>
  mark({ invalid: "escape" as const, ...given(options), kind: "utf8" }, utf8)

/** JSON text: sized like `utf8`. */
export const json = (options: Sized = {}): Json => mark({ ...given(options), kind: "json" }, json)

/** UTF-8 text ended by a NUL byte: `utf8({ until: 0 })`. */
export const cstring = (options: { readonly min?: number; readonly max?: number } = {}): Utf8 =>
  mark({ ...utf8({ ...given(options), until: 0 }) }, cstring)

/** ASCII text; bytes above 0x7f are an error. */
export const ascii = (options: Sized = {}): Encoded => mark({ ...given(options), kind: "text", encoding: "ascii" }, ascii)

/** ISO 8859-1 text: each byte is the code point of the same number. */
export const latin1 = (options: Sized = {}): Encoded => mark({ ...given(options), kind: "text", encoding: "latin1" }, latin1)

/** UTF-16 text; an odd number of bytes is an error. */
export const utf16 = (options: Sized & { readonly order?: "big" | "little" } = {}): Encoded => {
  const { order, ...sized } = given(options)
  // another order than the two is kept, for the check to find
  const odd = order === undefined || order === "big" || order === "little" ? {} : { order }
  return mark({ ...sized, ...odd, kind: "text" as const, encoding: order === "little" ? "utf16le" as const : "utf16be" as const }, utf16)
}

/** Exactly these characters (or this byte): checked when reading, written by the encoder, absent from the packet's type. */
export const literal = (text: Terminator): Literal => mark({ kind: "literal", text }, literal)
