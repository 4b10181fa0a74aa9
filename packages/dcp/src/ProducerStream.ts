/**
 * A producer's end of one stream: which message comes next, given what the vbucket has and what was asked for. Pure.
 *
 * Source: kv_engine `engines/ep/src/dcp/active_stream.cc` and `producer.cc`; what a consumer may rely on is in `docs/dcp/documentation`.
 */
import { DcpStreamEndStatus, DcpStreamFlags } from "./gen/Types.ts"
import { Status } from "./gen/index.ts"
import { rollbackSeqno } from "./RollbackDecision.ts"
import type { Batch, HistoryItem, VbucketHistory } from "./VbucketHistory.ts"

/** What a consumer asks for. */
export interface StreamDemand {
  readonly flags: number
  readonly startSeqno: bigint
  readonly endSeqno: bigint
  readonly vbucketUuid: bigint
  readonly snapStartSeqno: bigint
  readonly snapEndSeqno: bigint
  /** Highest purge seqno that the consumer saw. */
  readonly purgeSeqno?: bigint | undefined
}

/** What the producer makes of it. */
export type Admission =
  | { readonly _tag: "Accepted"; readonly from: bigint; readonly snapStart: bigint; readonly end: bigint }
  | { readonly _tag: "Refused"; readonly status: number; readonly context: string }
  | { readonly _tag: "Rollback"; readonly seqno: bigint }

const refused = (status: number, context: string): Admission => ({ _tag: "Refused", status, context })

/** The range of a demand is checked before its filter and its history. Undefined when there is nothing to say against it. */
export const rangeProblem = ({ endSeqno, snapEndSeqno, snapStartSeqno, startSeqno }: StreamDemand): string | undefined => {
  if (startSeqno > endSeqno) return `the start seqno ${startSeqno} is after the end seqno ${endSeqno}`
  return snapStartSeqno <= startSeqno && startSeqno <= snapEndSeqno
    ? undefined
    : `the start seqno ${startSeqno} is outside of its snapshot from ${snapStartSeqno} to ${snapEndSeqno}`
}

/** The start of a demand as the producer takes it: `fromLatest` replaces it by the newest seqno. */
export const demanded = <Item extends HistoryItem>(demand: StreamDemand, history: VbucketHistory<Item>): StreamDemand => {
  if ((demand.flags & DcpStreamFlags.fromLatest) === 0) return demand
  const { failoverLog, highSeqno } = history
  const vbucketUuid = demand.vbucketUuid === 0n ? failoverLog[0]!.vbucketUuid : demand.vbucketUuid
  return { ...demand, startSeqno: highSeqno, snapStartSeqno: highSeqno, snapEndSeqno: highSeqno, vbucketUuid }
}

/** Decides about a demand whose range is right. */
export const admit = <Item extends HistoryItem>(demand: StreamDemand, history: VbucketHistory<Item>): Admission => {
  const { flags, purgeSeqno, snapStartSeqno, startSeqno } = demand
  const { failoverLog, highSeqno } = history
  const back = rollbackSeqno({
    ...demand,
    strictVbucketUuid: (flags & DcpStreamFlags.strictVbUuid) !== 0,
    ...purgeSeqno === undefined ? {} : { purgeSeqno }
  }, {
    failoverLog,
    highSeqno,
    purgeSeqno: (flags & DcpStreamFlags.ignorePurgedTombstones) !== 0 ? 0n : history.purgeSeqno
  })
  if (back !== undefined) return { _tag: "Rollback", seqno: back }
  const toLatest = (flags & (DcpStreamFlags.toLatest | DcpStreamFlags.diskOnly)) !== 0
  const end = toLatest ? highSeqno : demand.endSeqno
  if (startSeqno > end) return refused(Status.Erange, `the start seqno ${startSeqno} is after the end seqno ${end}`)
  if (startSeqno > highSeqno) return refused(Status.Erange, `the start seqno ${startSeqno} is after the high seqno ${highSeqno}`)
  return { _tag: "Accepted", from: startSeqno, snapStart: snapStartSeqno, end }
}

/** A message of a stream. */
export type Outgoing<Item> =
  | {
    readonly _tag: "Marker"
    readonly start: bigint
    readonly end: bigint
    /** Seqno of the newest change of the snapshot that readers see. */
    readonly maxVisible: bigint
    readonly from: Batch<Item>["from"]
    readonly checkpoint: boolean
  }
  | { readonly _tag: "Item"; readonly item: Item }
  | { readonly _tag: "Advanced"; readonly seqno: bigint }
  | { readonly _tag: "End"; readonly reason: number }

/** How a stream treats its messages. */
export interface ProducerStreamOptions<Item> {
  readonly history: VbucketHistory<Item & HistoryItem>
  readonly from: bigint
  readonly snapStart: bigint
  readonly end: bigint
  /** Whether the consumer asked for it. */
  readonly wants: (item: Item) => boolean
  /** Whether readers see a change. Default: they see all. */
  readonly visible?: (item: Item) => boolean
  /** SEQNO_ADVANCED says what was left out; without it, snapshots end where the consumer sees something. */
  readonly advances: boolean
  /** Tombstones that are gone are no reason to end the stream. */
  readonly ignoresPurge: boolean
  /** The purge seqno that the consumer knows: tombstones up to there are no loss to it. */
  readonly knownPurge: bigint | undefined
}

/** One stream. */
export class ProducerStream<Item extends HistoryItem> {
  private readonly options: ProducerStreamOptions<Item>
  private last: bigint
  private snapStart: bigint | undefined
  private queue: Array<Outgoing<Item>> = []
  private place = 0
  private over = false
  /** Backfills from disk so far. */
  backfills = 0

  constructor(options: ProducerStreamOptions<Item>) {
    this.options = options
    this.last = options.from
    this.snapStart = options.snapStart
  }

  /** Seqno of the end of the last snapshot that was begun. */
  get seqno(): bigint {
    return this.last
  }

  /** There is nothing more to come. */
  get ended(): boolean {
    return this.over && this.place === this.queue.length
  }

  /** The next message; nothing while there is none. */
  next(): Outgoing<Item> | undefined {
    if (this.place === this.queue.length) this.fill()
    if (this.place === this.queue.length) return undefined
    const message = this.queue[this.place]!
    this.place++
    return message
  }

  /** Ends the stream after the message that comes next, if there is one in a snapshot that was begun it is left out. */
  finish(reason: number): void {
    this.queue = [{ _tag: "End", reason }]
    this.place = 0
    this.over = true
  }

  private fill(): void {
    this.queue = []
    this.place = 0
    const { advances, end, history, ignoresPurge, knownPurge, visible = () => true, wants } = this.options
    while (!this.over && this.queue.length === 0) {
      if (this.last >= end) return this.finish(DcpStreamEndStatus.Ok)
      const batch = history.next(this.last, this.snapStart)
      if (batch === undefined) return
      if (batch.from === "disk") {
        this.backfills++
        // tombstones that the consumer has not seen are gone
        const { purgeSeqno } = history
        if (this.last > 0n && this.last < purgeSeqno && !ignoresPurge && purgeSeqno !== knownPurge) {
          return this.finish(DcpStreamEndStatus.Rollback)
        }
      }
      this.last = batch.end
      const items = batch.items.filter(wants)
      const lastItem = items.at(-1)?.seqno
      if (lastItem === undefined && !advances) continue
      const { checkpoint, from, start } = batch
      this.snapStart = undefined
      const maxVisible = batch.items.findLast(visible)?.seqno ?? batch.end
      this.queue.push({ _tag: "Marker", start, end: advances ? batch.end : lastItem!, maxVisible, from, checkpoint })
      for (const item of items) this.queue.push({ _tag: "Item", item })
      if (advances && lastItem !== batch.end) this.queue.push({ _tag: "Advanced", seqno: batch.end })
    }
  }
}
