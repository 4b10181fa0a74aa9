/**
 * Values as documents: bytes with user flags that say how to read them, and a datatype that says how they travel.
 *
 * Pure. The flags are those all Couchbase clients share: the first byte is 2 for JSON, 3 for bytes, 4 for text.
 */
import { jsonText } from "@wirewright/memcached/internal"
import { Datatype } from "@wirewright/memcached/gen/Types"
import * as Result from "effect/Result"

/** How a document's bytes are to be read. */
export type DocumentFormat = "json" | "binary" | "text" | "unknown"

/** User flags of each format. */
export const formatFlags = { json: 0x02000000, binary: 0x03000000, text: 0x04000000 } as const

/** Whether a value with this datatype is the document as it stands: not compressed, nothing in front of it. */
export const isPlain = (datatype: number): boolean => (datatype & (Datatype.snappy | Datatype.xattr)) === 0

/** The format user flags tell. Flags of 0 and of clients from before 2014 say nothing. */
export const formatOf = (flags: number): DocumentFormat => {
  switch (flags >>> 24 & 0x0f) {
    case 2:
      return "json"
    case 3:
      return "binary"
    case 4:
      return "text"
    default:
      return "unknown"
  }
}

/** Compresses values; given by who wants that, because it needs a library. */
export interface SnappyCodec {
  readonly compress: (bytes: Uint8Array) => Uint8Array
  readonly decompress: (bytes: Uint8Array) => Uint8Array
  /** Values with fewer bytes travel as they are. Default: 32. */
  readonly minimum?: number
}

/** A value ready to be sent. */
export interface EncodedValue {
  readonly value: Uint8Array
  readonly flags: number
  readonly datatype: number
}

/** How to send a value. */
export interface EncodeValueOptions {
  /** Default: `binary` for bytes, `json` for everything else. */
  readonly format?: Exclude<DocumentFormat, "unknown">
  /** User flags, instead of those of the format. */
  readonly flags?: number
}

const utf8 = new TextEncoder()

/** Encodes a value. `undefined`, functions and the like have no JSON and fail with what is wrong. */
export const encodeValue = (value: unknown, options: EncodeValueOptions, jsonDatatype: boolean): Result.Result<EncodedValue, string> => {
  const bytes = value instanceof Uint8Array
  const format = options.format ?? (bytes ? "binary" : "json")
  const flags = options.flags ?? formatFlags[format]
  const datatype = format === "json" && jsonDatatype ? Datatype.json : 0
  if (bytes) return Result.succeed({ value, flags, datatype })
  if (format !== "json") {
    return typeof value === "string"
      ? Result.succeed({ value: utf8.encode(value), flags, datatype })
      : Result.fail(`a ${format} value is bytes${format === "text" ? " or a string" : " or text"}`)
  }
  return Result.map(jsonText(value), (written) => ({ value: utf8.encode(written), flags, datatype }))
}

/** Compresses a value when that makes it smaller. */
export const compressed = (value: EncodedValue, codec: SnappyCodec): EncodedValue => {
  if (value.value.length < (codec.minimum ?? 32)) return value
  const shorter = codec.compress(value.value)
  return shorter.length < value.value.length ? { ...value, value: shorter, datatype: value.datatype | Datatype.snappy } : value
}

/** The document in a value as it travelled: decompressed, and without the extended attributes in front. */
export const received = (value: Uint8Array, datatype: number, codec: SnappyCodec | undefined): Result.Result<Uint8Array, string> => {
  let bytes = value
  if ((datatype & Datatype.snappy) !== 0 && bytes.length > 0) {
    if (codec === undefined) return Result.fail("the value is compressed, and there is no codec for it")
    try {
      bytes = codec.decompress(bytes)
    } catch (error) {
      return Result.fail(`the value does not decompress: ${(error as Error).message}`)
    }
  }
  if ((datatype & Datatype.xattr) === 0 || bytes.length === 0) return Result.succeed(bytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = bytes.length < 4 ? Infinity : 4 + view.getUint32(0)
  return end > bytes.length ? Result.fail("the extended attributes are longer than the value") : Result.succeed(bytes.subarray(end))
}

/** Bytes that may be kept: a copy when they are a small part of a larger buffer, which they would otherwise hold on to. */
export const kept = (bytes: Uint8Array): Uint8Array => bytes.byteLength * 4 < bytes.buffer.byteLength ? bytes.slice() : bytes
