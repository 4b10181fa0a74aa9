/** Statistics: one packet for each, the last with neither name nor value. */
import { encodeStatResponse, Status, VBucketState } from "@wirewright/couchbase/gen"
import type { Bucket } from "./Bucket.ts"
import type { Handlers } from "./Handlers.ts"
import type { NodeConnection } from "./NodeConnection.ts"

type Stats = ReadonlyArray<readonly [name: string, value: string | number | bigint]>

const stateName = (state: number): string =>
  Object.entries(VBucketState).find(([, code]) => code === state)?.[0].toLowerCase() ?? String(state)

const general = (connection: NodeConnection, bucket: Bucket): Stats => {
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

const vbuckets = (connection: NodeConnection, bucket: Bucket): Stats =>
  connection.vbuckets(bucket).map(({ id, state }) => [`vb_${id}`, stateName(state)] as const)

const seqnos = (connection: NodeConnection, bucket: Bucket): Stats =>
  connection.vbuckets(bucket).flatMap(({ failoverLog, history, id, node, persistedSeqno, persistedSnapshot }) => {
    const high = bucket.highSeqno(id, undefined, node)
    return [
      [`vb_${id}:high_seqno`, high],
      [`vb_${id}:abs_high_seqno`, high],
      [`vb_${id}:last_persisted_seqno`, persistedSeqno],
      [`vb_${id}:purge_seqno`, history.purgeSeqno],
      [`vb_${id}:uuid`, failoverLog[0]!.vbucketUuid],
      [`vb_${id}:last_persisted_snap_start`, persistedSnapshot.start],
      [`vb_${id}:last_persisted_snap_end`, persistedSnapshot.end]
    ] as const
  })

const collections = (connection: NodeConnection, bucket: Bucket): Stats => [
  ["manifest_uid", bucket.manifest.uid.toString(16)],
  ...bucket.manifest.scopes.flatMap((scope) =>
    scope.collections.flatMap((collection) => {
      const prefix = `0x${scope.id.toString(16)}:0x${collection.id.toString(16)}`
      let items = 0
      for (const copy of connection.vbuckets(bucket)) {
        if (bucket.isMain(copy)) items += bucket.store.vbucket(copy.id).spaces.get(collection.id)?.items.size ?? 0
      }
      return [
        [`${prefix}:scope_name`, scope.name],
        [`${prefix}:name`, collection.name],
        [`${prefix}:items`, items]
      ] as const
    })
  )
]

const groups: { readonly [group: string]: ((connection: NodeConnection, bucket: Bucket) => Stats) | undefined } = {
  "": general,
  "all": general,
  "vbucket": vbuckets,
  "vbucket-details": (connection, bucket) => [...vbuckets(connection, bucket), ...seqnos(connection, bucket)],
  "vbucket-seqno": seqnos,
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
    const stats = Object.hasOwn(groups, packet.group) ? groups[packet.group]!(connection, bucket) : undefined
    if (stats === undefined) return connection.fail(packet, Status.KeyEnoent)
    const head = connection.head(packet)
    connection.reply((writer) => {
      for (const [name, value] of stats) encodeStatResponse(writer, { ...head, name, value: String(value) })
      encodeStatResponse(writer, { ...head, name: "", value: "" })
    })
  }
}
