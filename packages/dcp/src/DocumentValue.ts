/**
 * What stands in a document's value: the extended attributes and the body, with Snappy undone. Pure.
 *
 * Snappy is outermost, around the whole value; then, if the datatype says so, the section of attributes; then the body. A value that was left out has the
 * datatype of what it would be. Source: kv_engine docs/Document.md, docs/dcp/documentation/commands/mutation.md.
 */
import { DecodeError, Reader } from "@wirewright/codec"
import { readXattrValue } from "@wirewright/couchbase/gen"
import { Datatype } from "@wirewright/memcached/gen"
import * as Result from "effect/Result"
import type { ValueFailure } from "./DcpError.ts"
import { uncompress } from "./Snappy.ts"

/** A document's parts. */
export interface DocumentParts {
  /** JSON text of each extended attribute, by its name. */
  readonly xattrs: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

/** Why a value could not be taken apart. */
export interface ValueProblem {
  readonly reason: ValueFailure
  readonly message: string
  readonly cause?: unknown
}

/** Most bytes of a value: 20 MiB of a document and 1 MiB of system attributes (kv_engine `max_item_size`, `xattr`). */
export const largestValue = 21 * 1024 * 1024

const none: ReadonlyMap<string, string> = new Map()

const plainOf = (value: Uint8Array, datatype: number): Result.Result<Uint8Array, ValueProblem> => {
  if ((datatype & Datatype.snappy) === 0) return Result.succeed(value)
  const plain = uncompress(value, largestValue)
  if (typeof plain !== "string") return Result.succeed(plain)
  return Result.fail(
    plain === "TooLarge"
      ? { reason: "TooLarge", message: `the value has more than ${largestValue} bytes when Snappy is undone` }
      : { reason: "Snappy", message: "the value is not in Snappy's format" }
  )
}

/** Takes a value apart. */
export const partsOf = (value: Uint8Array, datatype: number): Result.Result<DocumentParts, ValueProblem> => {
  if (value.length === 0) return Result.succeed({ xattrs: none, body: value })
  return Result.flatMap(plainOf(value, datatype), (plain): Result.Result<DocumentParts, ValueProblem> => {
    if ((datatype & Datatype.xattr) === 0) return Result.succeed({ xattrs: none, body: plain })
    try {
      const { body, pairs } = readXattrValue(new Reader(plain), 0, plain.length, 0)
      return Result.succeed({ xattrs: new Map(pairs.map(({ pair }) => [pair.key, pair.value])), body })
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      return Result.fail({ reason: "Xattrs", message: `the section of extended attributes is broken: ${cause.message}`, cause })
    }
  })
}
