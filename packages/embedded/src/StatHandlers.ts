/**
 * Statistics: one packet for each, the last with neither name nor value.
 *
 * What is asked for is a group and what it is about, with spaces in between: `failovers`, `failovers 17`, `key some-key 17`. Names are those of
 * kv_engine engines/ep/src/ep_engine.cc; what this node has no counterpart of is left out rather than made up.
 */
import { encodeStatResponse, Status, VBucketState } from "@wirewright/couchbase/gen"
import type { Bucket } from "./Bucket.ts"
import { isVisible } from "./BucketChange.ts"
import type { Handlers, NodeClient } from "./Handlers.ts"
import { datatypeNames } from "./SubDocumentAttributes.ts"
import type { VbucketInfo } from "./VbucketCopy.ts"

type Stats = Iterable<readonly [name: string, value: string | number | bigint | boolean]>

/** The statistics of a group, or the status of the answer. */
type Group = (connection: NodeClient, bucket: Bucket, argument: string) => Stats | number

const stateName = (state: number): string =>
  Object.entries(VBucketState).find(([, code]) => code === state)?.[0].toLowerCase() ?? String(state)

const general = (connection: NodeClient, bucket: Bucket): Stats => {
  const { bytes, documents, evicted, expired, stored, tombstones } = bucket.store.counters
  return [
    ["uptime", connection.shared.uptime()],
    ["time", Math.floor(bucket.now / 1000)],
    ["version", connection.shared.version],
    ["curr_items", documents],
    ["total_items", stored],
    ["ep_bucket_type", "persistent"],
    ["ep_vb_total", connection.vbuckets(bucket).length],
    ["mem_used", bytes],
    ["evictions", evicted],
    ["vb_active_expired", expired],
    ["vb_active_num_tombstones", tombstones],
    ["uuid", bucket.uuid]
  ]
}

const config = (_: NodeClient, bucket: Bucket): Stats => [
  ["ep_bucket_type", "persistent"],
  ["ep_conflict_resolution_type", "seqno"],
  ["ep_max_item_size", bucket.store.limits.maxItemSize],
  ["ep_max_size", bucket.store.limits.maxMemory],
  ["ep_max_vbuckets", bucket.vbucketCount],
  ["ep_couch_bucket", bucket.name]
]

/** A group about one vbucket, or about all that the node has. */
const perVbucket = (of: (bucket: Bucket, vbucket: VbucketInfo) => Stats): Group => (connection, bucket, argument) => {
  if (argument === "") {
    return (function*() {
      for (const vbucket of connection.vbuckets(bucket)) yield* of(bucket, vbucket)
    })()
  }
  const id = vbucketIn(argument)
  if (id === undefined) return Status.Einval
  const vbucket = connection.vbucket(bucket, id)
  return vbucket === undefined ? Status.NotMyVbucket : of(bucket, vbucket)
}

const vbucketIn = (text: string): number | undefined => /^\d{1,5}$/.test(text) ? Number(text) : undefined

const state = (_: Bucket, { id, state: code }: VbucketInfo): Stats => [[`vb_${id}`, stateName(code)]]

const seqnos = (bucket: Bucket, { failoverLog, history, id, node, persistedSeqno, persistedSnapshot }: VbucketInfo): Stats => {
  const high = bucket.highSeqno(id, undefined, node)
  return [
    [`vb_${id}:high_seqno`, high],
    [`vb_${id}:abs_high_seqno`, high],
    [`vb_${id}:last_persisted_seqno`, persistedSeqno],
    [`vb_${id}:purge_seqno`, history.purgeSeqno],
    [`vb_${id}:uuid`, failoverLog[0]!.vbucketUuid],
    [`vb_${id}:last_persisted_snap_start`, persistedSnapshot.start],
    [`vb_${id}:last_persisted_snap_end`, persistedSnapshot.end]
  ]
}

const failovers = (_: Bucket, { failoverLog, id }: VbucketInfo): Stats => [
  [`vb_${id}:num_entries`, failoverLog.length],
  [`vb_${id}:num_erroneous_entries_erased`, 0],
  ...failoverLog.flatMap(({ seqno, vbucketUuid }, index) =>
    [
      [`vb_${id}:${index}:id`, vbucketUuid],
      [`vb_${id}:${index}:seq`, seqno]
    ] as const
  )
]

/** What a copy holds. */
const held = (bucket: Bucket, copy: VbucketInfo): { readonly items: number; readonly tombstones: number } => {
  let items = 0
  let tombstones = 0
  if (bucket.isMain(copy)) {
    for (const space of bucket.store.vbucket(copy.id).spaces.values()) {
      items += space.items.size
      tombstones += space.tombstones.size
    }
  } else {
    for (const change of copy.history.image.values()) {
      if (change.kind === "system" || !isVisible(change)) continue
      if (change.deleted) tombstones++
      else items++
    }
  }
  return { items, tombstones }
}

const details = (bucket: Bucket, vbucket: VbucketInfo): Stats => {
  const { failoverLog, history, id, node } = vbucket
  const { items, tombstones } = held(bucket, vbucket)
  return [
    ...state(bucket, vbucket),
    [`vb_${id}:num_items`, items],
    [`vb_${id}:num_temp_items`, 0],
    [`vb_${id}:num_non_resident`, 0],
    [`vb_${id}:ht_num_items`, items],
    [`vb_${id}:ht_num_deleted_items`, tombstones],
    [`vb_${id}:queue_size`, 0],
    [`vb_${id}:uuid`, failoverLog[0]!.vbucketUuid],
    [`vb_${id}:high_seqno`, bucket.highSeqno(id, undefined, node)],
    [`vb_${id}:purge_seqno`, history.purgeSeqno],
    [`vb_${id}:max_deleted_revid`, bucket.store.vbucket(id).deletedRevision]
  ]
}

const collections = (connection: NodeClient, bucket: Bucket): Stats => {
  const items = new Map<number, number>()
  for (const copy of connection.vbuckets(bucket)) {
    if (!bucket.isMain(copy)) continue
    const { id } = copy
    for (const space of bucket.store.vbucket(id).spaces.values()) {
      items.set(space.collection, (items.get(space.collection) ?? 0) + space.items.size)
    }
  }
  return [
    ["manifest_uid", bucket.manifest.uid.toString(16)],
    ...bucket.manifest.scopes.flatMap((scope) =>
      scope.collections.flatMap((collection) => {
        const prefix = `0x${scope.id.toString(16)}:0x${collection.id.toString(16)}`
        return [
          [`${prefix}:scope_name`, scope.name],
          [`${prefix}:name`, collection.name],
          [`${prefix}:items`, items.get(collection.id) ?? 0]
        ] as const
      })
    )
  ]
}

/** What is known of one document: `key NAME VBUCKET`, and the collection's id where it is not the default one. */
const key: Group = (connection, bucket, argument) => {
  const [name, vbucketText, collection = "0x0", ...more] = argument.split(" ")
  const id = vbucketIn(vbucketText ?? "")
  if (name === "" || id === undefined || more.length > 0 || !/^0x[0-9a-f]{1,8}$/.test(collection)) return Status.Einval
  const vbucket = connection.vbucket(bucket, id)
  if (vbucket === undefined) return Status.NotMyVbucket
  const space = bucket.space(id, Number(collection))
  if (space === undefined) return Status.UnknownCollection
  const item = bucket.store.get(space, name!)
  if (item === undefined) return Status.KeyEnoent
  return [
    ["key_is_dirty", false],
    ["key_exptime", item.expiry],
    ["key_datatype", datatypeNames(item.datatype).join(",")],
    ["key_flags", item.flags],
    ["key_cas", item.cas],
    ["key_vb_state", stateName(vbucket.state)],
    ["key_is_resident", true]
  ]
}

const groups: { readonly [group: string]: Group | undefined } = {
  "": general,
  "all": general,
  "config": config,
  "vbucket": perVbucket(state),
  "vbucket-details": perVbucket(details),
  "vbucket-seqno": perVbucket(seqnos),
  "failovers": perVbucket(failovers),
  "key": key,
  "collections": collections,
  "dcp": (connection) => connection.shared.producers.stats,
  "uuid": (_, bucket) => [["uuid", bucket.uuid]],
  "reset": () => []
}

/** Handler of STAT. */
export const statHandlers: Handlers = {
  Stat: (connection, packet) => {
    const bucket = connection.selected(packet)
    if (bucket === undefined) return
    const space = packet.group.indexOf(" ")
    const [group, argument] = space < 0 ? [packet.group, ""] : [packet.group.slice(0, space), packet.group.slice(space + 1)]
    const stats = Object.hasOwn(groups, group) ? groups[group]!(connection, bucket, argument) : Status.KeyEnoent
    if (stats === Status.NotMyVbucket) return connection.notMyVbucket(packet, bucket)
    if (typeof stats === "number") return connection.fail(packet, stats)
    const head = connection.head(packet)
    connection.reply((writer) => {
      for (const [name, value] of stats) encodeStatResponse(writer, { ...head, name, value: String(value) })
      encodeStatResponse(writer, { ...head, name: "", value: "" })
    })
  }
}
