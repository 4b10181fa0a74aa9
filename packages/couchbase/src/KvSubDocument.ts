/** `lookupIn` and `mutateIn`: checks and orders the operations, and puts the results back where the caller expects them. */
import { expirySeconds } from "@wirewright/memcached/internal"
import { jsonOf } from "@wirewright/memcached/internal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { kept } from "./Documents.ts"
import type { MutationToken } from "./gen/index.ts"
import { Status, SubdocOpcode } from "./gen/Types.ts"
import type { KvDispatch } from "./KvDispatch.ts"
import {
  InvalidRequest,
  InvalidValue,
  type KvError,
  kvError,
  PathFailed,
  type StatusReason,
  statusReason,
  type UnknownStatus
} from "./KvError.ts"
import * as Operations from "./KvOperations.ts"
import type * as Options from "./KvOptions.ts"
import { fieldsOf, type KvDefaults, timeoutOf, unsent } from "./KvRequest.ts"
import { documentFlags, flagsProblem, type LookupSpec, type MutateSpec, ordered } from "./SubDocument.ts"

/** What one read found. */
export interface LookupEntry {
  readonly path: string
  /** Whether there is anything at the path. */
  readonly exists: boolean
  /** Bytes as they are in the document, mostly JSON; empty where there is nothing. */
  readonly bytes: Uint8Array
  /** Why there is nothing; `undefined` when there is something. */
  readonly reason: StatusReason | UnknownStatus | undefined
  /** The JSON at the path. */
  readonly value: Effect.Effect<unknown, KvError>
}

/** What `lookupIn` found. */
export interface LookupResult {
  readonly cas: bigint
  /** The document is deleted. */
  readonly deleted: boolean
  /** One for each read, in their order. */
  readonly entries: ReadonlyArray<LookupEntry>
}

/** What `mutateIn` did. */
export interface MutateResult {
  readonly cas: bigint
  readonly token: MutationToken | undefined
  /** The document is deleted. */
  readonly deleted: boolean
  /** By position of the write: the JSON it returned, such as the new number of a counter. */
  readonly values: ReadonlyMap<number, unknown>
}

/** Parts of a document as one of its copies has them. */
export interface LookupInCopy extends LookupResult {
  /** Whether it is a replica's. */
  readonly replica: boolean
}

/** Reads parts of a document, of a replica by its number where the options say that one is read. */
export const lookupIn = (
  dispatch: KvDispatch,
  path: string,
  key: string,
  specs: ReadonlyArray<LookupSpec>,
  options: Options.KvLookupOptions,
  defaults: KvDefaults,
  replica?: number
): Effect.Effect<Option.Option<LookupResult>, KvError> =>
  Effect.suspend((): Effect.Effect<Option.Option<LookupResult>, KvError> => {
    const checked = ordered(specs)
    const flags = documentFlags(options)
    const problem = Result.isFailure(checked) ? checked.failure : flagsProblem(flags)
    if (Result.isFailure(checked) || problem !== undefined) {
      return unsent("SubdocMultiLookup", key, new InvalidRequest({ message: problem! }))
    }
    const { positions } = checked.success
    const operation = Operations.lookupIn(key, checked.success.specs, flags, replica)
    return Effect.map(
      dispatch.run(operation, path, timeoutOf(options, defaults)),
      Option.map((answer) => {
        const entries: Array<LookupEntry> = []
        for (const [at, { status, value }] of answer.results.entries()) {
          const spec = specs[positions[at]!]!
          const found = status === Status.Success || status === Status.SubdocSuccessDeleted
          const bytes = kept(value)
          const json = Effect.suspend(() => {
            const parsed = spec.opcode === SubdocOpcode.SubdocExists ? Result.succeed(found) : jsonOf(bytes)
            return Result.isSuccess(parsed)
              ? Effect.succeed(parsed.success)
              : unsent("SubdocMultiLookup", key, new InvalidValue({ message: `${spec.path}: ${parsed.failure}` }))
          })
          entries[positions[at]!] = {
            path: spec.path,
            exists: found,
            bytes,
            reason: found ? undefined : statusReason(status, dispatch.cluster.errorMap),
            value: json
          }
        }
        const deleted = answer.status === Status.SubdocSuccessDeleted || answer.status === Status.SubdocMultiPathFailureDeleted
        return { cas: answer.cas, deleted, entries }
      })
    )
  })

/** Writes parts of a document. */
export const mutateIn = (
  dispatch: KvDispatch,
  path: string,
  key: string,
  specs: ReadonlyArray<MutateSpec>,
  options: Options.KvMutateOptions,
  defaults: KvDefaults
): Effect.Effect<MutateResult, KvError> =>
  Effect.suspend((): Effect.Effect<MutateResult, KvError> => {
    const checked = ordered(specs)
    const flags = documentFlags(options)
    const problem = Result.isFailure(checked) ? checked.failure : flagsProblem(flags)
    if (Result.isFailure(checked) || problem !== undefined) {
      return unsent("SubdocMultiMutation", key, new InvalidRequest({ message: problem! }))
    }
    const { positions } = checked.success
    const timeout = timeoutOf(options, defaults)
    const now = dispatch.timers.unixTime()
    const expiration = options.expiry === undefined ? undefined : expirySeconds(options.expiry, now)
    const operation = Operations.mutateIn(key, checked.success.specs, flags, expiration, fieldsOf(options, timeout, now))
    return Effect.flatMap(dispatch.run(operation, path, timeout), (answer): Effect.Effect<MutateResult, KvError> => {
      if (answer._tag === "SubdocMultiMutationSubdocMultiPathFailure") {
        const index = positions[answer.failedIndex] ?? answer.failedIndex
        const reason = statusReason(answer.failedStatus, dispatch.cluster.errorMap)
        return Effect.fail(kvError(new PathFailed({ index, path: specs[index]?.path ?? "", reason }), {
          operation: "SubdocMultiMutation",
          key,
          address: undefined,
          vbucket: dispatch.cluster.vbucketOf(key),
          opaque: answer.opaque,
          status: answer.status,
          ambiguous: false,
          attempts: 1
        }))
      }
      const values = new Map<number, unknown>()
      for (const { index, value } of answer.results) {
        const json = jsonOf(value)
        if (Result.isSuccess(json)) values.set(positions[index] ?? index, json.success)
      }
      return Effect.succeed({
        cas: answer.cas,
        token: answer.mutationToken,
        deleted: answer.status === Status.SubdocSuccessDeleted,
        values
      })
    })
  })
