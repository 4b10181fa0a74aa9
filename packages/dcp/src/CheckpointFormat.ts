/**
 * Checkpoints as text: versioned JSON, every 64-bit number as decimal text, so that it is exact. Pure.
 *
 * A text of a newer version is refused rather than misread.
 */
import * as Result from "effect/Result"
import { type Checkpoint, isPosition } from "./Checkpoint.ts"
import { CheckpointError } from "./DcpError.ts"

/** Checkpoints by vbucket. */
export type Checkpoints = ReadonlyMap<number, Checkpoint>

/** The version that is written. */
export const formatVersion = 2

const pair = (uuid: bigint, seqno: bigint): readonly [string, string] => [String(uuid), String(seqno)]

/** Who has taken a group over. */
export interface GroupOwner {
  /** The group's name, which the name of its texts may only have a hash of. */
  readonly group: string
  /** The machine and the process, for people. */
  readonly by: string
  /** When, in milliseconds of Unix time. */
  readonly since: number
}

/** Writes checkpoints. `epoch` says which owner of the group wrote them; `owner`, in the text of that name alone, who that is. */
export const checkpointsText = (checkpoints: Checkpoints, epoch: number, owner?: GroupOwner): string =>
  JSON.stringify({
    format: "wirewright-dcp-checkpoints",
    version: formatVersion,
    epoch,
    ...owner === undefined ? {} : { owner },
    vbuckets: Object.fromEntries(
      [...checkpoints].sort(([a], [b]) => a - b).map((
        [vbucket, { ahead, bucketUuid, complete, failoverLog, position, purgeSeqno, undo }]
      ) => [vbucket, {
        uuid: String(position.vbucketUuid),
        seqno: String(position.seqno),
        snapshot: [String(position.snapshotStart), String(position.snapshotEnd)],
        log: failoverLog.map(({ seqno, vbucketUuid }) => pair(vbucketUuid, seqno)),
        complete: complete.map(({ seqno, vbucketUuid }) => pair(vbucketUuid, seqno)),
        ...purgeSeqno > 0n ? { purge: String(purgeSeqno) } : {},
        ...undo ? { undo } : {},
        ...ahead ? { ahead } : {},
        ...bucketUuid === undefined ? {} : { bucket: bucketUuid }
      }])
    )
  })

/** What a text holds. */
export interface StoredCheckpoints {
  readonly epoch: number
  readonly checkpoints: Checkpoints
  readonly owner?: GroupOwner
}

const largest = 0xffff_ffff_ffff_ffffn

const whole = (value: unknown): bigint => {
  const number = typeof value === "string" && /^\d{1,20}$/.test(value) ? BigInt(value) : -1n
  if (number < 0n || number > largest) throw new RangeError(`${JSON.stringify(value)} is no number of 64 bits`)
  return number
}

const pairs = (value: unknown): Array<{ readonly vbucketUuid: bigint; readonly seqno: bigint }> => {
  if (!Array.isArray(value)) throw new RangeError("a list of pairs is missing")
  return value.map((one: unknown) => {
    if (!Array.isArray(one) || one.length !== 2) throw new RangeError("a pair of numbers is none")
    return { vbucketUuid: whole(one[0]), seqno: whole(one[1]) }
  })
}

const record = (value: unknown): { readonly [name: string]: unknown } => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new RangeError("an object is missing")
  return value as { readonly [name: string]: unknown }
}

const ownerIn = (value: unknown): GroupOwner => {
  const { by, group, since } = record(value)
  if (typeof by !== "string" || typeof group !== "string" || typeof since !== "number") throw new RangeError("the owner is none")
  return { group, by, since }
}

const read = (value: unknown): Checkpoint => {
  const { ahead, bucket, complete, log, purge, seqno, snapshot, undo, uuid } = record(value)
  if (!Array.isArray(snapshot) || snapshot.length !== 2) throw new RangeError("a snapshot is no pair")
  const position = { vbucketUuid: whole(uuid), seqno: whole(seqno), snapshotStart: whole(snapshot[0]), snapshotEnd: whole(snapshot[1]) }
  if (!isPosition(position)) throw new RangeError(`seqno ${position.seqno} is outside of its snapshot`)
  if (undo !== undefined && undo !== true) throw new RangeError("undo is not true")
  if (ahead !== undefined && ahead !== true) throw new RangeError("ahead is not true")
  if (bucket !== undefined && typeof bucket !== "string") throw new RangeError("bucket is no uuid")
  return {
    position,
    failoverLog: pairs(log),
    complete: pairs(complete),
    purgeSeqno: purge === undefined ? 0n : whole(purge),
    undo: undo === true,
    ahead: ahead === true,
    ...bucket === undefined ? {} : { bucketUuid: bucket }
  }
}

/** Reads checkpoints. Fails with `Corrupt` or `UnknownVersion`, and says where the text was: `place`, a file or a document's key. */
export const readCheckpoints = (text: string, place: string): Result.Result<StoredCheckpoints, CheckpointError> => {
  const fail = (reason: CheckpointError["reason"], message: string) =>
    Result.fail(new CheckpointError({ reason, message: `${place}: ${message}` }))
  try {
    const { epoch, format, owner, vbuckets, version } = record(JSON.parse(text))
    if (format !== "wirewright-dcp-checkpoints") return fail("Corrupt", "the text holds no checkpoints")
    if (version !== formatVersion) {
      return fail("UnknownVersion", `checkpoints of version ${String(version)}; ${formatVersion} is the one that is known`)
    }
    if (typeof epoch !== "number" || !Number.isSafeInteger(epoch)) return fail("Corrupt", "the checkpoints have no epoch")
    const checkpoints = new Map(
      Object.entries(record(vbuckets)).map(([vbucket, value]) => {
        if (!/^\d{1,5}$/.test(vbucket)) throw new RangeError(`${vbucket} is no vbucket`)
        return [Number(vbucket), read(value)] as const
      })
    )
    return Result.succeed({ epoch, checkpoints, ...owner === undefined ? {} : { owner: ownerIn(owner) } })
  } catch (error) {
    return fail("Corrupt", `the text holds no checkpoints: ${(error as Error).message}`)
  }
}
