/** What all operations share: their time, the fields of writes, and failures that were found before anything was sent. */
import type { Expiry } from "@wirewright/memcached"
import { expirySeconds } from "@wirewright/memcached/internal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { SnappyCodec } from "./Documents.ts"
import { writeFrames } from "./Durability.ts"
import { type InvalidRequest, type InvalidValue, type KvError, kvError, type NoCopyInServerGroup } from "./KvError.ts"
import type { WriteFields } from "./KvOperations.ts"
import type { KvChangeOptions } from "./KvOptions.ts"

/** What operations take from the client. */
export interface KvDefaults {
  readonly timeout: number
  readonly durableTimeout: number
  readonly snappy: SnappyCodec | undefined
}

/** What an operation is told about time, in milliseconds. */
export const timeoutOf = (
  { durability, timeout }: { readonly timeout?: Duration.Input; readonly durability?: string },
  defaults: KvDefaults
): number =>
  timeout !== undefined
    ? Duration.toMillis(timeout)
    : durability === undefined || durability === "none"
    ? defaults.timeout
    : defaults.durableTimeout

/** A failure that was found before anything was sent. */
export const unsent = (
  operation: string,
  key: string,
  reason: InvalidRequest | InvalidValue | NoCopyInServerGroup
): Effect.Effect<never, KvError> =>
  Effect.fail(kvError(reason, {
    operation,
    key,
    address: undefined,
    vbucket: undefined,
    opaque: undefined,
    status: undefined,
    ambiguous: false,
    attempts: 0
  }))

/** Fields of a write; `now` is Unix time in milliseconds. */
export const fieldsOf = (
  options: KvChangeOptions & { readonly expiry?: Expiry; readonly preserveExpiry?: boolean },
  timeout: number,
  now: number
): WriteFields => ({
  cas: options.cas ?? 0n,
  expiration: options.expiry === undefined ? 0 : expirySeconds(options.expiry, now),
  framing: writeFrames(options.durability, options.preserveExpiry, timeout)
})
