/**
 * What RANGE_SCAN_CREATE asks for: the JSON of its value, read and checked.
 *
 * Pure. Keys are lossless text as everywhere in the store; 64-bit numbers keep all their digits. Source: kv_engine
 * docs/range_scans/range_scan_create.md and what it answers to what is not in there.
 */
import { compareText, decodeText, scanText, textLength } from "@wirewright/codec"
import { decodeBase64 } from "@wirewright/couchbase/internal"

/** An end of a range. */
export interface ScanBound {
  readonly key: string
  readonly exclusive: boolean
}

/** Which keys of the collection are wanted. */
export type ScanSelection =
  | { readonly _tag: "Range"; readonly start: ScanBound; readonly end: ScanBound }
  | { readonly _tag: "Sample"; readonly samples: number; readonly seed: number }

/** What the vbucket must have come to. */
export interface SnapshotRequirements {
  readonly vbucketUuid: bigint
  readonly seqno: bigint
  /** The change with that seqno must not have been replaced by a later one. */
  readonly seqnoExists: boolean
  /** Milliseconds to wait for the seqno; without it the scan does not wait. */
  readonly timeout: number | undefined
}

/** A scan as it is asked for. */
export interface ScanRequest {
  readonly collection: number
  readonly keyOnly: boolean
  readonly includeXattrs: boolean
  readonly selection: ScanSelection
  readonly snapshot: SnapshotRequirements | undefined
}

/** Longest key in bytes. */
const longestKey = 250
/** Longest name of a scan in bytes. */
const longestName = 50
/** What is asked for nests two deep; more is not read. */
const deepest = 16

const largest = 0xffff_ffff_ffff_ffffn

class Invalid extends Error {}

type Json = { readonly [name: string]: unknown }

const record = (value: unknown, name: string): Json => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Invalid(`${name} is no object`)
  return value as Json
}

const flag = (json: Json, name: string): boolean => {
  const value = json[name]
  if (value === undefined) return false
  if (typeof value !== "boolean") throw new Invalid(`${name} is no boolean`)
  return value
}

/** A whole number, whose digits the reviver has kept. */
const whole = (json: Json, name: string, most: bigint): bigint | undefined => {
  const value = json[name]
  if (value === undefined) return undefined
  if (!(value instanceof Digits) || !/^\d+$/.test(value.text)) throw new Invalid(`${name} is no whole number`)
  const number = BigInt(value.text)
  if (number > most) throw new Invalid(`${name} is above ${most}`)
  return number
}

/** A number as it is written. */
class Digits {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const parse = JSON.parse as (
  text: string,
  reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown
) => unknown

const collectionOf = (json: Json): number => {
  const id = json["collection"]
  if (id === undefined) return 0
  if (typeof id !== "string" || !/^(?:0x)?[0-9a-fA-F]{1,8}$/.test(id)) throw new Invalid("collection is no id in hexadecimal")
  return Number.parseInt(id, 16)
}

const boundOf = (range: Json, name: "start" | "end"): ScanBound => {
  const names = [name, `excl_${name}`].filter((one) => range[one] !== undefined)
  if (names.length !== 1) throw new Invalid(`range needs one of ${name} and excl_${name}`)
  const text = range[names[0]!]
  const bytes = typeof text === "string" ? decodeBase64(text) : undefined
  if (bytes === undefined) throw new Invalid(`${names[0]} is no base64`)
  if (bytes.length > longestKey) throw new Invalid(`${names[0]} is longer than ${longestKey} bytes`)
  return { key: decodeText(bytes, 0, bytes.length), exclusive: names[0] !== name }
}

const selectionOf = (json: Json): ScanSelection => {
  const { range, sampling } = json
  if ((range === undefined) === (sampling === undefined)) throw new Invalid("one of range and sampling is needed")
  if (range !== undefined) {
    const bounds = record(range, "range")
    return { _tag: "Range", start: boundOf(bounds, "start"), end: boundOf(bounds, "end") }
  }
  const sample = record(sampling, "sampling")
  const samples = whole(sample, "samples", BigInt(Number.MAX_SAFE_INTEGER))
  if (samples === undefined || samples === 0n) throw new Invalid("sampling needs samples, at least 1")
  // clients draw seeds of 64 bits; the generator takes 32 of them
  const seed = whole(sample, "seed", largest) ?? 0n
  return { _tag: "Sample", samples: Number(samples), seed: Number(BigInt.asUintN(32, seed)) }
}

const snapshotOf = (json: Json): SnapshotRequirements | undefined => {
  if (json["snapshot_requirements"] === undefined) return undefined
  const needs = record(json["snapshot_requirements"], "snapshot_requirements")
  const uuid = needs["vb_uuid"]
  if (typeof uuid !== "string" || !/^\d{1,20}$/.test(uuid) || BigInt(uuid) > largest) throw new Invalid("vb_uuid is no decimal text")
  const seqno = whole(needs, "seqno", largest)
  if (seqno === undefined) throw new Invalid("snapshot_requirements needs seqno")
  const timeout = whole(needs, "timeout_ms", largest)
  return {
    vbucketUuid: BigInt(uuid),
    seqno,
    seqnoExists: flag(needs, "seqno_exists"),
    timeout: timeout === undefined ? undefined : Number(timeout)
  }
}

/** Reads the value of a RANGE_SCAN_CREATE; text says what is wrong with it. */
export const readScanRequest = (text: string): ScanRequest | string => {
  const scanned = scanText(text)
  if (scanned === undefined) return "The value is no JSON"
  if (scanned.depth > deepest) return `The value nests deeper than ${deepest}`
  try {
    const json = record(parse(text, (_, value, { source }) => typeof value === "number" ? new Digits(source!) : value), "The value")
    const { name } = json
    if (name !== undefined && (typeof name !== "string" || textLength(name) > longestName)) {
      throw new Invalid(`name is no text of up to ${longestName} bytes`)
    }
    const keyOnly = flag(json, "key_only")
    const includeXattrs = flag(json, "include_xattrs")
    if (keyOnly && includeXattrs) throw new Invalid("include_xattrs makes no sense with key_only")
    return { collection: collectionOf(json), keyOnly, includeXattrs, selection: selectionOf(json), snapshot: snapshotOf(json) }
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    return error.message
  }
}

/** Mixes a seed and a key into 32 bits that look random (FNV-1a, then the finalizer of MurmurHash3). */
const mixed = (seed: number, key: string): number => {
  let hash = (seed ^ 0x811c_9dc5) >>> 0
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x0100_0193)
  hash = Math.imul(hash ^ hash >>> 16, 0x85eb_ca6b)
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2_ae35)
  return (hash ^ hash >>> 16) >>> 0
}

/**
 * Which keys are selected, of a collection of `count` documents. Each key of a sample is drawn with the chance samples/count by seed and key
 * alone, so that the same seed draws the same keys again.
 */
export const selects = (selection: ScanSelection, count: number): (key: string) => boolean => {
  if (selection._tag === "Sample") {
    const { samples, seed } = selection
    const below = samples / count * 0x1_0000_0000
    return count <= samples ? () => true : (key) => mixed(seed, key) < below
  }
  const { end, start } = selection
  return (key) => {
    const afterStart = compareText(key, start.key)
    if (afterStart < 0 || afterStart === 0 && start.exclusive) return false
    const afterEnd = compareText(key, end.key)
    return afterEnd < 0 || afterEnd === 0 && !end.exclusive
  }
}
