/**
 * The error map: what a server says its statuses mean, as JSON (versions 1 and 2).
 *
 * Pure: parses, looks up, and computes delays. What to do about a status is decided in `Retry.ts`; this is what the server suggests.
 *
 * Source: couchbase/kv_engine docs/ErrorMap.md.
 */
import { type RetryClass } from "@wirewright/codec"
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { statusTable } from "./gen/Types.ts"

/** How often and how long to retry, as the server suggests. */
export interface RetryAdvice {
  readonly strategy: "constant" | "linear" | "exponential"
  /** Milliseconds, the base of the strategy. */
  readonly interval: number
  /** Milliseconds before the first retry. */
  readonly after: number
  /** Longest delay in milliseconds. */
  readonly ceiling?: number
  /** Milliseconds after which to give up. */
  readonly maxDuration?: number
}

/** What a status means. */
export interface ErrorMapEntry {
  readonly status: number
  readonly name: string
  readonly text: string
  readonly attributes: ReadonlySet<string>
  readonly retry?: RetryAdvice
}

/** An error map. */
export interface ErrorMap {
  readonly version: number
  readonly revision: number
  readonly entries: ReadonlyMap<number, ErrorMapEntry>
}

/** The text is no error map. */
export class ErrorMapError extends Data.TaggedError("ErrorMapError")<{ readonly message: string }> {}

/** A map without entries: everything is known from the protocol alone. */
export const emptyErrorMap: ErrorMap = { version: 0, revision: 0, entries: new Map() }

const record = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value)

const count = (value: unknown): number | undefined => typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : undefined

const adviceOf = (value: unknown): RetryAdvice | undefined => {
  if (!record(value)) return undefined
  const { strategy } = value
  if (strategy !== "constant" && strategy !== "linear" && strategy !== "exponential") return undefined
  const interval = count(value["interval"])
  if (interval === undefined) return undefined
  const ceiling = count(value["ceil"])
  const maxDuration = count(value["max-duration"])
  return {
    strategy,
    interval,
    after: count(value["after"]) ?? 0,
    ...(ceiling === undefined ? {} : { ceiling }),
    ...(maxDuration === undefined ? {} : { maxDuration })
  }
}

/** Parses an error map. Entries that make no sense are left out; a text that is none at all fails. */
export const parseErrorMap = (text: string): Result.Result<ErrorMap, ErrorMapError> => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return Result.fail(new ErrorMapError({ message: `the error map is no JSON: ${(error as Error).message}` }))
  }
  if (!record(json) || !record(json["errors"])) return Result.fail(new ErrorMapError({ message: "the error map has no errors" }))
  const entries = new Map<number, ErrorMapEntry>()
  for (const [code, value] of Object.entries(json["errors"])) {
    if (!/^[0-9a-f]{1,4}$/i.test(code) || !record(value)) continue
    const status = Number.parseInt(code, 16)
    const retry = adviceOf(value["retry"])
    const attributes = Array.isArray(value["attrs"]) ? value["attrs"].filter((one) => typeof one === "string") : []
    entries.set(status, {
      status,
      name: typeof value["name"] === "string" ? value["name"] : `0x${code}`,
      text: typeof value["desc"] === "string" ? value["desc"] : "",
      attributes: new Set(attributes),
      ...(retry === undefined ? {} : { retry })
    })
  }
  return Result.succeed({ version: count(json["version"]) ?? 1, revision: count(json["revision"]) ?? 0, entries })
}

/**
 * What a client may do about a status. The protocol's own table comes first; statuses it does not have are judged by the attributes the
 * server gives them, and without those they are the caller's.
 */
export const retryClassOf = (status: number, map: ErrorMap = emptyErrorMap): RetryClass => {
  const known = statusTable[status]
  if (known !== undefined) return known.retry
  const attributes = map.entries.get(status)?.attributes
  if (attributes === undefined) return "caller"
  if (attributes.has("success")) return "success"
  if (attributes.has("conn-state-invalidated") || attributes.has("auth")) return "fatal"
  const retried = ["auto-retry", "retry-now", "retry-later", "temp", "item-locked", "fetch-config", "rate-limit"]
  if (retried.some((attribute) => attributes.has(attribute))) return "retry"
  return attributes.has("item-only") ? "miss" : "caller"
}

/** Milliseconds to wait before a retry, counted from 1; `undefined` when the server says to give up. */
export const delayOf = (advice: RetryAdvice, attempt: number, elapsed: number): number | undefined => {
  if (advice.maxDuration !== undefined && elapsed >= advice.maxDuration) return undefined
  if (attempt <= 1) return advice.after
  // docs/ErrorMap.md: linear is attempt × interval, exponential is interval to the power of the attempt
  const raw = advice.strategy === "constant"
    ? advice.interval
    : advice.strategy === "linear"
    ? advice.interval * attempt
    : advice.interval ** attempt
  return Math.min(raw, advice.ceiling ?? Infinity)
}
