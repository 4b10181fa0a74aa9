/** Which of tshark's fields mean which of ours. Without it, two fields that trade places would look right. */

const header: { readonly [name: string]: ReadonlyArray<string> } = {
  magic: ["magic"],
  opcode: ["opcode", "server.opcode"],
  framingLength: ["flex_extras"],
  keyLength: ["key.length"],
  extrasLength: ["extras.length"],
  datatype: ["datatype"],
  vbucket: ["vbucket"],
  status: ["status"],
  bodyLength: ["total_bodylength"],
  opaque: ["opaque"],
  cas: ["cas"]
}

/**
 * Fields of sections, by the last part of their path, as `tshark's name: ours`. tshark says ConfRes, ReqExtMeta and FailedOver for what
 * kv_engine calls datatype, version and format; it has one name each for several expirations, flags and statuses.
 */
const names: { readonly [tshark: string]: ReadonlyArray<string> } = {
  "dcp.failover_log.seqno": ["seqno"],
  "dcp.failover_log.vbucket_uuid": ["vbucketUuid"],
  "extras.by_seqno": ["bySeqno", "commitSeqno", "preparedSeqno"],
  "extras.by_seqno_abort": ["abortSeqno"],
  "extras.by_seqno_prepared": ["preparedSeqno"],
  "extras.bytes_to_ack": ["bufferBytes"],
  "extras.cas": ["documentCas"],
  "extras.confres": ["documentDatatype"],
  "extras.dcp_oso_snapshot_flags": ["flags"],
  "extras.delete_time": ["deleteTime"],
  "extras.delete_unused": ["unused"],
  "extras.deleted": ["deleted"],
  "extras.delta": ["delta"],
  "extras.end_seqno": ["endSeqno"],
  "extras.expiration": ["deleteTime", "expiration"],
  "extras.expiry": ["expiry"],
  "extras.flags": ["flags"],
  "extras.high_completed_seqno": ["highCompletedSeqno"],
  "extras.initial": ["initial"],
  "extras.lock_time": ["lockTime"],
  "extras.marker_version": ["version"],
  "extras.max_visible_seqno": ["maxVisibleSeqno"],
  "extras.meta.seqno": ["revSeqno"],
  "extras.meta_length": ["nmeta"],
  "extras.mutation_seqno": ["seqno"],
  "extras.nmeta": ["nmeta"],
  "extras.nru": ["nru"],
  "extras.opaque": ["streamOpaque"],
  "extras.options": ["options"],
  "extras.pathlen": ["pathLength"],
  "extras.reqextmeta": ["version"],
  "extras.reserved": ["reserved"],
  "extras.response": ["value"],
  "extras.rev_seqno": ["revSeqno"],
  "extras.revseqno": ["revSeqno"],
  "extras.seqno": ["reservedSeqno"],
  "extras.snap_end_seqno": ["snapEndSeqno"],
  "extras.snap_start_seqno": ["snapStartSeqno"],
  "extras.start_seqno": ["startSeqno"],
  "extras.subdoc.doc_flags": ["docFlags"],
  "extras.subdoc.flags": ["flags"],
  "extras.system_event_id": ["event"],
  "extras.system_event_version": ["version"],
  "extras.timestamp": ["timestamp"],
  "extras.vbucket_uuid": ["vbucketUuid"],
  "flex_frame.frame.dcp_stream_id": ["streamId"],
  "flex_frame.frame.durability_req": ["durabilityLevel", "level"],
  "flex_frame.frame.duration": ["encodedDuration"],
  "flex_frame.frame.impersonated_user": ["user"],
  "geterrmap.version": ["version"],
  "hello.features.feature": ["features[]"],
  "key.collection_id": ["collectionId"],
  "key.collection_manifest_id": ["manifestUid"],
  "multipath.index": ["failedIndex", "index"],
  "multipath.opcode": ["opcode"],
  "multipath.path.length": ["pathLength"],
  "multipath.value.length": ["valueLength"],
  "observe.cas": ["cas"],
  "observe.current_seqno": ["currentSeqno"],
  "observe.failed_over": ["format"],
  "observe.keylength": ["keyLength"],
  "observe.last_persisted_seqno": ["lastPersistedSeqno"],
  "observe.last_received_seqno": ["lastReceivedSeqno"],
  "observe.old_vbucket_uuid": ["oldVbucketUuid"],
  "observe.status": ["state"],
  "observe.vbucket": ["vbucket"],
  "observe.vbucket_uuid": ["vbucketUuid"],
  "server.extras.cccp.epoch": ["epoch"],
  "server.extras.cccp.revision": ["revision"],
  "status": ["failedStatus", "status"],
  "value.length": ["valueLength"],
  "vbucket_states.id": ["vbucket"],
  "vbucket_states.seqno": ["seqno"],
  "vbucket_states.state": ["state"]
}

/** Whether tshark's field means ours. */
export const sameName = (section: string, path: string, tshark: string): boolean => {
  const short = tshark.replace(/^couchbase\./, "")
  if (section === "header") return header[path]?.includes(short) ?? false
  const last = path.split(".").at(-1)!
  return names[short]?.includes(last) ?? false
}
