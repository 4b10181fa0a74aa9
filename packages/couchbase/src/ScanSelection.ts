/**
 * Which documents of a collection a scan is for, and how that is said to a vbucket.
 *
 * Pure. Keys are lossless text; their order is that of their bytes. Source: kv_engine docs/range_scans/range_scan_create.md.
 */
import { encodeText, textBound, textLength } from "@wirewright/codec"
import * as Result from "effect/Result"
import { encodeBase64 } from "./Base64.ts"
import type { MutationToken } from "./gen/Types.ts"

/** One end of a range: a key that is in it, or one that is not. */
export type ScanBound = string | { readonly key: string; readonly exclusive: true }

/** Keys between two others; without `from` from the first one, without `to` to the last one. */
export interface KeyRange {
  readonly from?: ScanBound
  readonly to?: ScanBound
}

/** Keys that begin alike. */
export interface KeyPrefix {
  readonly prefix: string
}

/** Some documents by chance. */
export interface KeySample {
  /** Most documents, at least 1. */
  readonly sample: number
  /** The same seed draws the same documents, as long as they do not change; from 0 to 2³²−1. Default: a random one. */
  readonly seed?: number
}

/** What a scan is for; `{}` is everything. */
export type ScanSelection = KeyRange | KeyPrefix | KeySample

/** What one vbucket is asked for. */
export type VbucketSelection =
  | { readonly _tag: "Range"; readonly from: Bound; readonly to: Bound | undefined }
  | { readonly _tag: "Sample"; readonly samples: number; readonly seed: number }

interface Bound {
  readonly key: Uint8Array
  readonly exclusive: boolean
}

/** Longest key in bytes, in the default collection and in others. */
const longest = { default: 250, other: 246 } as const
const largestSeed = 0xffff_ffff
/** JSON carries no larger number exactly, and no vbucket has that many documents. */
const maxSamples = Number.MAX_SAFE_INTEGER

const bytesOf = (key: string): Uint8Array => {
  const bytes = new Uint8Array(textBound(key))
  return bytes.subarray(0, encodeText(bytes, 0, key))
}

const nothing = new Uint8Array(0)

const boundOf = (bound: ScanBound): Bound =>
  typeof bound === "string" ? { key: bytesOf(bound), exclusive: false } : { key: bytesOf(bound.key), exclusive: true }

/** The first key after all that begin with `prefix`; there is none when it has no byte below 0xff. */
const afterPrefix = (prefix: Uint8Array): Bound | undefined => {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return undefined
  const key = prefix.slice(0, length)
  key[length - 1]!++
  return { key, exclusive: true }
}

/** Checks a selection; `random` gives a number from [0, 1) for a seed that was not given. Fails with what is wrong. */
export const readSelection = (selection: ScanSelection, random: number): Result.Result<VbucketSelection, string> => {
  if ("sample" in selection) {
    const { sample, seed = Math.floor(random * (largestSeed + 1)) } = selection
    if (!Number.isInteger(sample) || sample < 1 || sample > maxSamples) return Result.fail("a sample is of 1 document or more")
    if (!Number.isInteger(seed) || seed < 0 || seed > largestSeed) return Result.fail(`a seed is a whole number from 0 to ${largestSeed}`)
    return Result.succeed({ _tag: "Sample", samples: sample, seed })
  }
  const texts = "prefix" in selection
    ? [selection.prefix]
    : [selection.from, selection.to].map((one) => typeof one === "object" ? one.key : one ?? "")
  if (texts.some((text) => textLength(text) > longest.default)) return Result.fail(`a key has at most ${longest.default} bytes`)
  if ("prefix" in selection) {
    const key = bytesOf(selection.prefix)
    return Result.succeed({ _tag: "Range", from: { key, exclusive: false }, to: afterPrefix(key) })
  }
  const { from, to } = selection
  return Result.succeed({
    _tag: "Range",
    from: from === undefined ? { key: nothing, exclusive: false } : boundOf(from),
    to: to === undefined ? undefined : boundOf(to)
  })
}

/** What is left of a selection once `key` was returned. A sample begins anew: what it draws is the same. */
export const after = (selection: VbucketSelection, key: string): VbucketSelection =>
  selection._tag === "Sample" ? selection : { ...selection, from: { key: bytesOf(key), exclusive: true } }

/** How a vbucket is asked. */
export interface VbucketScanRequest {
  readonly selection: VbucketSelection
  readonly collectionId: number | undefined
  readonly keysOnly: boolean
  /** The write that must be seen, and the milliseconds that may be waited for it. */
  readonly consistentWith: { readonly token: MutationToken; readonly timeout: number } | undefined
}

const named = (name: "start" | "end", { exclusive, key }: Bound) => ({ [exclusive ? `excl_${name}` : name]: encodeBase64(key) })

/** The value of RANGE_SCAN_CREATE. */
export const scanText = ({ collectionId = 0, consistentWith, keysOnly, selection }: VbucketScanRequest): string => {
  const last = { key: new Uint8Array(collectionId === 0 ? longest.default : longest.other).fill(0xff), exclusive: false }
  const text = JSON.stringify({
    ...(collectionId === 0 ? {} : { collection: collectionId.toString(16) }),
    ...(keysOnly ? { key_only: true } : {}),
    ...(selection._tag === "Sample"
      ? { sampling: { samples: selection.samples, seed: selection.seed } }
      : { range: { ...named("start", selection.from), ...named("end", selection.to ?? last) } })
  })
  if (consistentWith === undefined) return text
  const { timeout, token } = consistentWith
  // a seqno has up to 64 bits, of which a number of JavaScript would lose some
  const needs = `{"vb_uuid":"${token.vbucketUuid}","seqno":${token.seqno},"timeout_ms":${timeout}}`
  return `${text.slice(0, -1)},"snapshot_requirements":${needs}}`
}

/** The newest of several writes in each vbucket. */
export const newestTokens = (
  writes: Iterable<{ readonly key: string; readonly token: MutationToken }>,
  vbucketOf: (key: string) => number
): ReadonlyMap<number, MutationToken> => {
  const newest = new Map<number, MutationToken>()
  for (const { key, token } of writes) {
    const vbucket = vbucketOf(key)
    const known = newest.get(vbucket)
    if (known === undefined || token.seqno > known.seqno) newest.set(vbucket, token)
  }
  return newest
}

/** The vbuckets in an order that `seed` decides (mulberry32, Fisher and Yates), so that a sample is not of the first ones. */
export const shuffled = (count: number, seed: number): ReadonlyArray<number> => {
  let state = seed >>> 0
  const random = (below: number): number => {
    state = state + 0x6d2b_79f5 >>> 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61) ^ mixed
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 0x1_0000_0000 * below)
  }
  const order = Array.from({ length: count }, (_, at) => at)
  for (let at = count - 1; at > 0; at--) {
    const other = random(at + 1)
    const here = order[at]!
    order[at] = order[other]!
    order[other] = here
  }
  return order
}
