/**
 * JSON in documents, as both key-value clients read and write it, with a schema or without. What does not fit is said, and never a defect.
 */
import { stringify } from "@wirewright/codec/JsonPrint"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** Whether an argument is a schema. */
export const isSchema = (value: object | undefined): value is Schema.Codec<unknown, unknown> => value !== undefined && "ast" in value

const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The text of a document. */
export const textOf = (bytes: Uint8Array): Result.Result<string, string> => {
  try {
    return Result.succeed(text.decode(bytes))
  } catch {
    return Result.fail("the document is invalid UTF-8")
  }
}

/** The JSON of a document, whatever its flags say. */
export const jsonOf = (bytes: Uint8Array): Result.Result<unknown, string> =>
  Result.flatMap(textOf(bytes), (written) => {
    try {
      return Result.succeed(JSON.parse(written) as unknown)
    } catch (error) {
      return Result.fail(`the document is no JSON: ${(error as Error).message}`)
    }
  })

/** A value as JSON. `undefined`, functions and the like have none. */
export const jsonText = (value: unknown): Result.Result<string, string> => {
  try {
    const written = stringify(value)
    return written === undefined ? Result.fail("the value has no JSON") : Result.succeed(written)
  } catch (error) {
    return Result.fail(`the value has no JSON: ${(error as Error).message}`)
  }
}

/** What is wrong with a value. */
export interface SchemaMismatch {
  readonly message: string
  readonly cause?: unknown
}

/** Documents that are JSON of a schema. */
export interface JsonCodec<A> {
  readonly decode: (bytes: Uint8Array) => Result.Result<A, SchemaMismatch>
  readonly encode: (value: A) => Result.Result<string, SchemaMismatch>
}

/** Runs what walks a value with a schema. One that is nested deeper than the stack is a mismatch, too; other defects stay defects. */
const walked = <A>(walk: () => Exit.Exit<A, Schema.SchemaError>): Result.Result<A, SchemaMismatch> => {
  try {
    const exit = walk()
    if (Exit.isSuccess(exit)) return Result.succeed(exit.value)
    const [reason] = exit.cause.reasons
    if (reason?._tag === "Fail") return Result.fail({ message: reason.error.message, cause: reason.error })
    throw reason?._tag === "Die" ? reason.defect : exit.cause
  } catch (error) {
    if (error instanceof RangeError) return Result.fail({ message: `the value is nested too deep: ${error.message}`, cause: error })
    throw error
  }
}

const mismatch = (message: string): SchemaMismatch => ({ message })

/** Compiling a schema takes longer than using it. */
const compiled = new WeakMap<object, unknown>()

/** How documents with JSON of the schema are read and written. */
export const jsonCodec = <A>(schema: Schema.Codec<A, unknown>): JsonCodec<A> => {
  const known = compiled.get(schema)
  if (known !== undefined) return known as JsonCodec<A>
  const json = Schema.toCodecJson(schema)
  const decode = Schema.decodeUnknownExit(json)
  const encode = Schema.encodeUnknownExit(json)
  const made: JsonCodec<A> = {
    decode: (bytes) => Result.flatMap(Result.mapError(jsonOf(bytes), mismatch), (value) => walked(() => decode(value))),
    encode: (value) => Result.flatMap(walked(() => encode(value)), (written) => Result.mapError(jsonText(written), mismatch))
  }
  compiled.set(schema, made)
  return made
}
