/** Commands about vbuckets: their states, histories and seqnos. */
import * as Gen from "@wirewright/couchbase/gen"
import { RequestedVBState, Status, VBucketState } from "@wirewright/couchbase/gen"
import type { Bucket } from "./Bucket.ts"
import type { Handlers, NodeClient } from "./Handlers.ts"
import type { RequestOf } from "./RequestRules.ts"
import type { VbucketCopy } from "./VbucketCopy.ts"

type Request = RequestOf<"ObserveSeqno" | "GetFailoverLog" | "GetVbucket" | "DelVbucket" | "SeqnoPersistence">

const known = (connection: NodeClient, packet: Request): { readonly bucket: Bucket; readonly vbucket: VbucketCopy } | undefined => {
  const bucket = connection.selected(packet)
  if (bucket === undefined) return undefined
  const vbucket = connection.vbucket(bucket, packet.vbucket)
  if (vbucket === undefined) connection.notMyVbucket(packet, bucket)
  return vbucket === undefined ? undefined : { bucket, vbucket }
}

const observeSeqno = (connection: NodeClient, packet: RequestOf<"ObserveSeqno">): void => {
  const place = known(connection, packet)
  if (place === undefined) return
  const { bucket, vbucket } = place
  if (vbucket.state === VBucketState.Dead) return connection.notMyVbucket(packet, bucket)
  const log = vbucket.failoverLog
  const at = log.findIndex(({ vbucketUuid }) => vbucketUuid === packet.vbucketUuid)
  if (at < 0) return connection.fail(packet, Status.KeyEnoent)
  const currentSeqno = bucket.highSeqno(vbucket.id, undefined, vbucket.node)
  const { vbucketUuid } = log[0]!
  const now = { vbucket: vbucket.id, vbucketUuid, lastPersistedSeqno: vbucket.persistedSeqno, currentSeqno }
  const head = connection.head(packet)
  if (at === 0) return connection.reply((writer) => Gen.encodeObserveSeqnoResponse(writer, { ...head, layout: "NoFailover", ...now }))
  // the branch that was asked about ended where the next one began
  const lastReceivedSeqno = log[at - 1]!.seqno
  const old = { oldVbucketUuid: packet.vbucketUuid, lastReceivedSeqno }
  connection.reply((writer) => Gen.encodeObserveSeqnoResponse(writer, { ...head, layout: "HardFailover", ...now, ...old }))
}

const allSeqnos = (connection: NodeClient, packet: RequestOf<"GetAllVbSeqnos">): void => {
  const bucket = connection.selected(packet)
  if (bucket === undefined) return
  const { collectionId, state = RequestedVBState.Alive } = packet
  if (collectionId !== undefined && bucket.space(0, collectionId) === undefined) {
    return connection.unknownCollection(packet, bucket, Status.UnknownCollection)
  }
  const seqnos = connection.vbuckets(bucket)
    .filter((vbucket) => state === RequestedVBState.Alive ? vbucket.state !== VBucketState.Dead : vbucket.state === state)
    .map(({ id, node }) => ({ vbucket: id, seqno: bucket.highSeqno(id, collectionId, node) }))
  connection.reply((writer) => Gen.encodeGetAllVbSeqnosResponse(writer, { ...connection.head(packet), seqnos }))
}

/** Milliseconds that SEQNO_PERSISTENCE waits. kv_engine `seqno_persistence_timeout`. */
const longestPersistence = 30_000

/** Handlers of commands about vbuckets. */
export const vbucketHandlers: Handlers = {
  ObserveSeqno: observeSeqno,
  GetAllVbSeqnos: allSeqnos,
  GetFailoverLog: (connection, packet) => {
    const failoverLog = known(connection, packet)?.vbucket.failoverLog
    if (failoverLog === undefined) return
    connection.reply((writer) => Gen.encodeGetFailoverLogResponse(writer, { ...connection.head(packet), failoverLog }))
  },
  SetVbucket: (connection, packet) => {
    const bucket = connection.mayWrite(packet) ? connection.selected(packet) : undefined
    if (bucket === undefined) return
    const status = connection.shared.cluster.setState(bucket, packet.vbucket, packet.state, connection.shared.node)
    if (status !== Status.Success) return connection.fail(packet, status)
    connection.reply((writer) => Gen.encodeSetVbucketResponse(writer, connection.head(packet)))
  },
  GetVbucket: (connection, packet) => {
    const state = known(connection, packet)?.vbucket.state
    if (state === undefined) return
    connection.reply((writer) => Gen.encodeGetVbucketResponse(writer, { ...connection.head(packet), state }))
  },
  DelVbucket: (connection, packet) => {
    const place = connection.mayWrite(packet) ? known(connection, packet) : undefined
    if (place === undefined) return
    place.bucket.removeVbucket(place.vbucket.id, place.vbucket.node)
    connection.reply((writer) => Gen.encodeDelVbucketResponse(writer, connection.head(packet)))
  },
  SeqnoPersistence: (connection, packet) => {
    const place = known(connection, packet)
    if (place === undefined) return
    const answer = (): void => connection.reply((writer) => Gen.encodeSeqnoPersistenceResponse(writer, connection.head(packet)))
    if (packet.seqno <= place.vbucket.persistedSeqno) return answer()
    const paid = connection.owes()
    const giveUp = connection.shared.after(longestPersistence, () => {
      forget()
      connection.fail(packet, Status.Etmpfail)
      paid()
    })
    const forget = place.vbucket.whenPersisted(packet.seqno, () => {
      giveUp()
      queueMicrotask(() => {
        answer()
        paid()
      })
    })
  }
}
