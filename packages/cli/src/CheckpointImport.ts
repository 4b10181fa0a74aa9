/**
 * Checkpoints of other consumers as ours: go-dcp's, and those of Couchbase's connectors for Elasticsearch and Kafka. Pure.
 *
 * All of them keep a branch, a seqno and the snapshot around it for each vbucket, and none keeps a history: whoever goes on from there can be
 * rolled back to the position, or to the beginning. Layouts and their sources: `test/fixtures/checkpoints/ORIGIN.md`.
 */
import { type Checkpoint, type Checkpoints, emptyCheckpoint, isPosition, readCheckpoints } from "@wirewright/dcp"
import * as Result from "effect/Result"

/** What was found in a text. */
export interface Imported {
  /** Whose layout it has. */
  readonly format: "wirewright" | "go-dcp" | "Elasticsearch connector" | "Kafka connector"
  readonly checkpoints: Checkpoints
  /** The bucket that it names. */
  readonly bucket?: string
}

type Fields = { readonly [name: string]: unknown }

const isRecord = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value)

/** JSON whose whole numbers are exact: those that a double cannot hold are BigInts. */
const exactJson = (text: string): unknown =>
  JSON.parse(
    text,
    ((_: string, value: unknown, { source }: { readonly source?: string }) =>
      typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
        ? BigInt(source)
        : value) as never
  )

/** A number of 64 bits; Java's are signed. */
const unsigned = (value: unknown, what: string): bigint => {
  const number = typeof value === "bigint" ? value : Number.isSafeInteger(value) ? BigInt(value as number) : undefined
  if (number === undefined || number >= 2n ** 64n || number < -(2n ** 63n)) throw new RangeError(`${what} is no number of 64 bits`)
  return BigInt.asUintN(64, number)
}

const vbucketOf = (text: unknown): number => {
  if (typeof text !== "string" || !/^\d{1,4}$/.test(text) || Number(text) > 1023) {
    throw new RangeError(`${JSON.stringify(text)} is no vbucket`)
  }
  return Number(text)
}

/** A position of which nothing else is known; something after it may have been delivered. */
const checkpointOf = (vbucket: number, uuid: unknown, seqno: unknown, start: unknown, end: unknown): Checkpoint => {
  const what = (name: string): string => `vbucket ${vbucket}: the ${name}`
  const position = {
    vbucketUuid: unsigned(uuid, what("uuid")),
    seqno: unsigned(seqno, what("seqno")),
    snapshotStart: unsigned(start, what("snapshot's start")),
    snapshotEnd: unsigned(end, what("snapshot's end"))
  }
  if (position.seqno === 0n) return emptyCheckpoint
  if (!isPosition(position)) {
    throw new RangeError(
      `vbucket ${vbucket}: seqno ${position.seqno} is outside of its snapshot, ${position.snapshotStart} to ${position.snapshotEnd}`
    )
  }
  const { vbucketUuid } = position
  return {
    ...emptyCheckpoint,
    position,
    failoverLog: [{ vbucketUuid, seqno: 0n }],
    complete: position.seqno === position.snapshotEnd ? [{ vbucketUuid, seqno: position.seqno }] : [],
    ahead: true
  }
}

/** `{ vbuuid, seqno, snapshot: { startSeqno, endSeqno } }`, which go-dcp has from the Elasticsearch connector. */
const documentOf = (vbucket: number, value: unknown): Checkpoint => {
  if (!isRecord(value) || !isRecord(value["snapshot"])) throw new RangeError(`vbucket ${vbucket} has no checkpoint`)
  const { endSeqno, startSeqno } = value["snapshot"]
  return checkpointOf(vbucket, value["vbuuid"], value["seqno"], startSeqno, endSeqno)
}

const byVbucket = (vbuckets: Fields, read: (vbucket: number, value: unknown) => Checkpoint): Checkpoints =>
  new Map(
    Object.entries(vbuckets).map(([text, value]) => {
      const vbucket = vbucketOf(text)
      return [vbucket, read(vbucket, value)]
    })
  )

/** What a document of go-dcp holds in its attribute `cbgo`. */
export const goDcpCheckpoint = (vbucket: number, text: string): Checkpoint => {
  const value = exactJson(text)
  return documentOf(vbucket, isRecord(value) ? value["checkpoint"] : undefined)
}

/** The attribute of go-dcp's documents that holds a checkpoint, and the document of a vbucket. */
export const goDcp = {
  attribute: "cbgo",
  // Go's url.QueryEscape
  key: (group: string, vbucket: number): string =>
    `_connector:cbgo:${
      encodeURIComponent(group).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
        .replaceAll("%20", "+")
    }:checkpoint:${vbucket}`
} as const

/** The last offset of each partition, of one bucket. */
const kafka = (pairs: ReadonlyArray<readonly [partition: unknown, offset: unknown]>): Imported => {
  const checkpoints = new Map<number, Checkpoint>()
  const buckets = new Set<string>()
  for (const [partition, offset] of pairs) {
    if (!isRecord(partition) || typeof partition["bucket"] !== "string") throw new RangeError("an offset has no partition of a bucket")
    buckets.add(partition["bucket"])
    const vbucket = vbucketOf(partition["partition"])
    if (offset === null) {
      checkpoints.delete(vbucket)
      continue
    }
    if (!isRecord(offset)) throw new RangeError(`vbucket ${vbucket} has no offset`)
    const { bySeqno, snapshotEndSeqno = bySeqno, snapshotStartSeqno = bySeqno, vbuuid } = offset
    if (vbuuid === undefined) throw new RangeError(`vbucket ${vbucket} has no vbuuid: the connector that wrote it is too old`)
    checkpoints.set(vbucket, checkpointOf(vbucket, vbuuid, bySeqno, snapshotStartSeqno, snapshotEndSeqno))
  }
  const [bucket, ...others] = buckets
  if (others.length > 0) throw new RangeError(`the offsets are of several buckets: ${[...buckets].join(", ")}`)
  return { format: "Kafka connector", checkpoints, ...bucket === undefined ? {} : { bucket } }
}

/** Lines of a topic: key, tab, value. */
const topic = (text: string): Imported =>
  kafka(
    text.split(/\r?\n/).filter((line) => line !== "").map((line) => {
      const [key, value, ...rest] = line.split("\t")
      if (value === undefined || rest.length > 0) throw new RangeError("a line is no key, tab and value")
      const name = exactJson(key!)
      if (!Array.isArray(name) || name.length !== 2) throw new RangeError("a key is no pair of a connector and a partition")
      return [name[1], exactJson(value)]
    })
  )

const recognized = (text: string): Imported => {
  // a topic has several values, so it is no JSON
  if (/^\s*\[[^\n]*\]\t/.test(text)) return topic(text)
  const value = exactJson(text)
  if (!isRecord(value)) throw new RangeError("no object")
  if (value["format"] !== undefined) {
    return { format: "wirewright", checkpoints: Result.getOrThrowWith(readCheckpoints(text, "the text"), (error) => error).checkpoints }
  }
  if (Array.isArray(value["offsets"])) {
    return kafka(value["offsets"].map((one: unknown) => isRecord(one) ? [one["partition"], one["offset"]] as const : [one, undefined]))
  }
  if (isRecord(value["vbuckets"])) {
    if (value["formatVersion"] !== 1) throw new RangeError(`version ${JSON.stringify(value["formatVersion"])}; 1 is the one that is known`)
    return { format: "Elasticsearch connector", checkpoints: byVbucket(value["vbuckets"], documentOf) }
  }
  return {
    format: "go-dcp",
    checkpoints: byVbucket(value, (vbucket, document) => documentOf(vbucket, isRecord(document) ? document["checkpoint"] : undefined))
  }
}

/** The checkpoints in a text, whose layout is told by what it holds; or what is wrong with it. */
export const importedFrom = (text: string): Result.Result<Imported, string> =>
  Result.try({
    try: () => recognized(text),
    catch: (error) => error instanceof SyntaxError ? `no JSON: ${error.message}` : (error as Error).message
  })
