/**
 * The value of a stream request: which collections, which stream id, which purge seqno. Pure; text in, text out.
 *
 * The text is JSON though the datatype says that it is raw. Ids are hexadecimal text, the stream id is a number, the purge seqno decimal
 * text. Source: kv_engine `docs/dcp/documentation/commands/stream-request-value.md` and `engines/ep/src/collections/vbucket_filter.cc`.
 */
import * as Result from "effect/Result"

/** What a stream request may say beside its extras. */
export interface StreamFilter {
  /** Ids of the collections wanted; all when absent. Not together with `scope`. */
  readonly collections?: ReadonlyArray<number> | undefined
  /** Id of the scope wanted. */
  readonly scope?: number | undefined
  /** Tells streams of one vbucket apart. */
  readonly streamId?: number | undefined
  /** Highest purge seqno that the consumer saw. */
  readonly purgeSeqno?: bigint | undefined
  /** The manifest that the ids are from; servers do not look at it any more. */
  readonly manifestUid?: bigint | undefined
}

/** The text of a filter; empty when there is nothing to say. */
export const filterText = ({ collections, manifestUid, purgeSeqno, scope, streamId }: StreamFilter): string => {
  const value = {
    ...manifestUid === undefined ? {} : { uid: manifestUid.toString(16) },
    ...collections === undefined ? {} : { collections: collections.map((id) => id.toString(16)) },
    ...scope === undefined ? {} : { scope: scope.toString(16) },
    ...streamId === undefined ? {} : { sid: streamId },
    ...purgeSeqno === undefined ? {} : { purge_seqno: String(purgeSeqno) }
  }
  return Object.keys(value).length === 0 ? "" : JSON.stringify(value)
}

const known: ReadonlySet<string> = new Set(["uid", "collections", "scope", "sid", "purge_seqno", "cts"])
const hex = (value: unknown): bigint | undefined =>
  typeof value === "string" && /^[0-9a-fA-F]{1,16}$/.test(value) ? BigInt(`0x${value}`) : undefined
const id = (value: unknown): number | undefined => {
  const number = hex(value)
  return number === undefined || number > 0xffff_ffffn ? undefined : Number(number)
}
const largestSeqno = 0xffff_ffff_ffff_ffffn

/** Reads a filter. Fails with what is wrong with it, in words. */
export const readFilter = (text: string): Result.Result<StreamFilter, string> => {
  if (text === "") return Result.succeed({})
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return Result.fail("the value is not JSON")
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return Result.fail("the value is no object")
  const { collections, purge_seqno: purge, scope, sid, uid } = value as { readonly [name: string]: unknown }
  const names = Object.keys(value)
  if (!names.some((name) => known.has(name))) return Result.fail("the value has none of the known keys")
  if (collections !== undefined && scope !== undefined) return Result.fail("collections and scope exclude one another")
  const ids = collections === undefined ? undefined : Array.isArray(collections) ? collections.map(id) : [undefined]
  if (ids !== undefined && (ids.length === 0 || ids.includes(undefined))) return Result.fail("collections is no list of hexadecimal ids")
  const scopeId = scope === undefined ? undefined : id(scope)
  if (scope !== undefined && scopeId === undefined) return Result.fail("scope is no hexadecimal id")
  if (sid !== undefined && !(typeof sid === "number" && Number.isInteger(sid) && sid >= 0 && sid <= 0xffff)) {
    return Result.fail("sid is no number of 16 bits")
  }
  const manifestUid = uid === undefined ? undefined : hex(uid)
  if (uid !== undefined && manifestUid === undefined) return Result.fail("uid is no hexadecimal number")
  const purgeSeqno = purge === undefined ? undefined : typeof purge === "string" && /^\d{1,20}$/.test(purge) ? BigInt(purge) : -1n
  if (purgeSeqno !== undefined && (purgeSeqno < 0n || purgeSeqno > largestSeqno)) {
    return Result.fail("purge_seqno is no decimal number of 64 bits")
  }
  return Result.succeed({
    ...ids === undefined ? {} : { collections: ids as Array<number> },
    ...scopeId === undefined ? {} : { scope: scopeId },
    ...sid === undefined ? {} : { streamId: sid as number },
    ...manifestUid === undefined ? {} : { manifestUid },
    ...purgeSeqno === undefined ? {} : { purgeSeqno }
  })
}
