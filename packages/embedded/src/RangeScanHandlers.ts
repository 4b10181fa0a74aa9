/**
 * RANGE_SCAN_CREATE, RANGE_SCAN_CONTINUE, RANGE_SCAN_CANCEL: which scan, whether it may go on, and its packets as fast as the client reads.
 *
 * A continue is sent in turns of the event loop, so that others are served meanwhile, and looks each time whether its collection, its vbucket
 * and its client are still there. What a scan returns is `RangeScans`' business. Source: kv_engine docs/range_scans.
 */
import {
  encodeRangeScanCancelResponse,
  encodeRangeScanContinueResponse,
  encodeRangeScanCreateResponse,
  type RangeScanDocument,
  Status,
  VBucketState
} from "@wirewright/couchbase/gen"
import { Datatype } from "@wirewright/memcached/gen"
import { bodyOf, hasXattrs } from "./Bodies.ts"
import type { Bucket } from "./Bucket.ts"
import type { Handlers, NodeClient } from "./Handlers.ts"
import type { RequestOf } from "./RequestRules.ts"
import type { Item } from "./HashTable.ts"
import type { RangeScan, ScanPart } from "./RangeScans.ts"
import { readScanRequest, type ScanRequest, type SnapshotRequirements } from "./ScanRequest.ts"
import type { VbucketCopy } from "./VbucketCopy.ts"

type ScanPacket = RequestOf<"RangeScanCreate" | "RangeScanContinue" | "RangeScanCancel">

/** Bytes appended in one turn. */
const turn = 64 * 1024
/** Bytes waiting for the client above which a scan rests. */
const maxWaiting = 256 * 1024

/** The bucket, if the vbucket is here and active; otherwise that is answered. */
const scannable = (connection: NodeClient, packet: ScanPacket): Bucket | undefined => {
  const bucket = connection.selected(packet)
  if (bucket?.isEphemeral === true) {
    connection.fail(packet, Status.NotSupported)
    return undefined
  }
  if (bucket === undefined || connection.vbucket(bucket, packet.vbucket)?.state === VBucketState.Active) return bucket
  connection.notMyVbucket(packet, bucket)
  return undefined
}

/** Why a scan cannot go on. */
const broken = (bucket: Bucket, { cancelled, place }: RangeScan): number | undefined =>
  cancelled ?? (bucket.space(place.vbucket, place.collection) === undefined ? Status.UnknownCollection : undefined)

const tell = (connection: NodeClient, packet: ScanPacket, bucket: Bucket, status: number): void => {
  if (status === Status.NotMyVbucket) connection.notMyVbucket(packet, bucket)
  else if (status === Status.UnknownCollection) connection.unknownCollection(packet, bucket, status)
  else connection.fail(packet, status)
}

const createNow = (connection: NodeClient, packet: RequestOf<"RangeScanCreate">, bucket: Bucket, request: ScanRequest): void => {
  const { vbucket } = packet
  const { collection, snapshot } = request
  const space = bucket.space(vbucket, collection)
  if (space === undefined) return connection.unknownCollection(packet, bucket, Status.UnknownCollection)
  if (snapshot?.seqnoExists === true && !bucket.holdsChange(vbucket, snapshot.seqno)) {
    return connection.fail(packet, Status.NotStored, { context: "There is no change with that seqno any more" })
  }
  const { scans } = connection.shared
  const { watchers } = connection.vbucket(bucket, vbucket)!
  // the vbucket may go while the scan is made
  let moved = false
  const unwatch = watchers.add({ changed: () => {}, stateChanged: () => moved = true })
  const leave = connection.listen({ closed: unwatch })
  connection.sliced(scans.create(request, { bucket, vbucket, collection }, space, bucket.now, connection), (scan) => {
    unwatch()
    leave()
    if (typeof scan === "number") return connection.fail(packet, scan)
    const problem = moved ? Status.NotMyVbucket : broken(bucket, scan)
    if (problem !== undefined) {
      scans.remove(scan, problem)
      return tell(connection, packet, bucket, problem)
    }
    const stateChanged = (): void => scans.remove(scan, Status.NotMyVbucket)
    scan.onEnd = watchers.add({ changed: () => {}, stateChanged })
    const scanUuid = scan.uuid
    connection.reply((writer) => encodeRangeScanCreateResponse(writer, { ...connection.head(packet), scanUuid }))
  })
}

/** Waits until a seqno is on disk, its time is up, or the vbucket is somewhere else. */
const createWhenThere = (
  connection: NodeClient,
  packet: RequestOf<"RangeScanCreate">,
  bucket: Bucket,
  copy: VbucketCopy,
  request: ScanRequest,
  { seqno, timeout }: SnapshotRequirements & { readonly timeout: number }
): void => {
  const release = connection.shared.scans.reserve()
  if (release === undefined) return connection.fail(packet, Status.Ebusy)
  const goOn = connection.owes()
  const over = (answer: () => void): void => {
    stop()
    unwait()
    unwatch()
    leave()
    release()
    answer()
    goOn()
  }
  const stop = connection.shared.after(
    timeout,
    () => over(() => connection.fail(packet, Status.Etmpfail, { context: "The seqno was not on disk in time" }))
  )
  const unwait = copy.whenPersisted(seqno, () => over(() => createNow(connection, packet, bucket, request)))
  const unwatch = copy.watchers.add({ changed: () => {}, stateChanged: () => over(() => connection.notMyVbucket(packet, bucket)) })
  const leave = connection.listen({ closed: () => over(() => {}) })
}

const create = (connection: NodeClient, packet: RequestOf<"RangeScanCreate">): void => {
  const bucket = scannable(connection, packet)
  if (bucket === undefined) return
  const request = packet.datatype === Datatype.json ? readScanRequest(packet.scan) : "The datatype is not JSON"
  if (typeof request === "string") return connection.fail(packet, Status.Einval, { context: request })
  if (request.includeXattrs && !connection.features.xattr) {
    return connection.fail(packet, Status.Einval, { context: "include_xattrs needs Xattr" })
  }
  if (bucket.space(packet.vbucket, request.collection) === undefined) {
    return connection.unknownCollection(packet, bucket, Status.UnknownCollection)
  }
  const { snapshot } = request
  const copy = connection.vbucket(bucket, packet.vbucket)!
  if (snapshot === undefined) return createNow(connection, packet, bucket, request)
  if (snapshot.vbucketUuid !== bucket.uuidOf(packet.vbucket)) return connection.fail(packet, Status.VbUuidNotEqual)
  if (snapshot.seqno <= copy.persistedSeqno) return createNow(connection, packet, bucket, request)
  const { timeout } = snapshot
  if (timeout === undefined || timeout === 0) {
    return connection.fail(packet, Status.Etmpfail, { context: "That seqno is not on disk" })
  }
  createWhenThere(connection, packet, bucket, copy, request, { ...snapshot, timeout })
}

const documentOf = (connection: NodeClient, bucket: Bucket, item: Item, xattrs: boolean): RangeScanDocument => {
  const whole = !xattrs && hasXattrs(item)
  const datatype = connection.visible(whole ? item.datatype & ~Datatype.xattr : item.datatype)
  const { expiry, flags, key, seqno } = item
  return { flags, expiry, seqno, cas: bucket.store.casOf(item), datatype, key, value: whole ? bodyOf(item) : item.value }
}

/** One continue on its way. */
class Continuing {
  private readonly connection: NodeClient
  private readonly packet: RequestOf<"RangeScanContinue">
  private readonly bucket: Bucket
  private readonly scan: RangeScan
  private readonly next: () => ScanPart
  private readonly goOn: () => void
  private readonly leave: () => void
  private scheduled = false
  /** It has looked once more, after the client had too much to read. */
  private looked = false
  private over = false

  constructor(connection: NodeClient, packet: RequestOf<"RangeScanContinue">, bucket: Bucket, scan: RangeScan) {
    this.connection = connection
    this.packet = packet
    this.bucket = bucket
    this.scan = scan
    this.next = scan.read({ items: packet.itemLimit, time: packet.timeLimitMs, bytes: packet.byteLimit })
    scan.continuing = true
    this.goOn = connection.owes()
    this.leave = connection.listen({ drained: () => this.schedule(), closed: () => this.finish() })
    this.turn()
  }

  private schedule(): void {
    if (this.scheduled || this.over) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      this.turn()
    })
  }

  /** Sends until there is enough for this turn, or for the client. */
  private turn(): void {
    const { bucket, connection, packet, scan } = this
    for (let sent = 0; !this.over;) {
      if (connection.client.waiting >= maxWaiting) {
        // what is not handed to the kernel yet may leave at once, and then nothing is ever drained
        if (!this.looked) this.schedule()
        this.looked = true
        return
      }
      this.looked = false
      if (sent >= turn) return this.schedule()
      const problem = broken(bucket, scan)
      if (problem === undefined) sent += this.send(this.next())
      else {
        connection.shared.scans.remove(scan, problem)
        tell(connection, packet, bucket, problem)
        this.finish()
      }
    }
  }

  /** Sends a packet and returns its size in bytes. */
  private send({ items, keys, status }: ScanPart): number {
    const { bucket, connection, packet, scan } = this
    const head = { ...connection.head(packet), status } as const
    let size = 0
    connection.reply((writer) => {
      const before = writer.length
      if (scan.keyOnly) encodeRangeScanContinueResponse(writer, { ...head, layout: "Keys", keys: keys.map((key) => ({ key })) })
      else {
        const documents = items.map((item) => documentOf(connection, bucket, item, scan.includeXattrs))
        encodeRangeScanContinueResponse(writer, { ...head, layout: "Documents", documents })
      }
      size = writer.length - before
    })
    if (status === Status.RangeScanComplete) connection.shared.scans.remove(scan, status)
    if (status !== Status.Success) this.finish()
    return size
  }

  private finish(): void {
    this.over = true
    this.scan.continuing = false
    this.leave()
    this.goOn()
  }
}

const proceed = (connection: NodeClient, packet: RequestOf<"RangeScanContinue">): void => {
  const bucket = scannable(connection, packet)
  if (bucket === undefined) return
  const scan = scanOf(connection, packet, bucket)
  if (scan === undefined) return connection.fail(packet, Status.KeyEnoent)
  if (scan.continuing) return connection.fail(packet, Status.Ebusy, { context: "The scan is continuing already" })
  scan.owner = connection
  new Continuing(connection, packet, bucket, scan)
}

const scanOf = (
  connection: NodeClient,
  packet: RequestOf<"RangeScanContinue" | "RangeScanCancel">,
  bucket: Bucket
): RangeScan | undefined => {
  const scan = connection.shared.scans.find(packet.scanUuid)
  return scan?.place.bucket === bucket && scan.place.vbucket === packet.vbucket ? scan : undefined
}

/** Handlers of range scans. */
export const rangeScanHandlers: Handlers = {
  RangeScanCreate: create,
  RangeScanContinue: proceed,
  RangeScanCancel: (connection, packet) => {
    const bucket = scannable(connection, packet)
    if (bucket === undefined) return
    const scan = scanOf(connection, packet, bucket)
    if (scan === undefined) return connection.fail(packet, Status.KeyEnoent)
    connection.shared.scans.remove(scan, Status.RangeScanCancelled)
    connection.reply((writer) => encodeRangeScanCancelResponse(writer, connection.head(packet)))
  }
}
