/** What a consumer tells of itself as metrics: by the rows of `dcpRows`, read when metrics are. */
import { type Counted, placeOf, publishClient, serverAttributes } from "@wirewright/connection"
import { type Attributes, Metrics, OperationDurations } from "@wirewright/connection/Metrics"
import { clientRows, dcpRows } from "@wirewright/connection/MetricTable"
import { errorType } from "@wirewright/connection/Spans"
import type * as Context from "effect/Context"
import type { ChangesOptions, DcpStatus } from "./ChangesOptions.ts"
import type { DcpConnectionCounters } from "./DcpConnection.ts"

/** How far one vbucket is. */
export interface VbucketLag {
  readonly vbucket: number
  readonly seqno: bigint
  readonly highSeqno: bigint
}

/** What metrics are read from. */
export interface Watched {
  readonly status: DcpStatus
  readonly lags: Iterable<VbucketLag>
}

/** Connections that metrics are read from. */
export interface Connections {
  readonly connections: ReadonlyArray<{ readonly counters: DcpConnectionCounters }>
  readonly totals: { readonly acknowledged: number }
}

/** Changes as metrics name them. */
const kinds = ["mutation", "deletion", "expiration", "system"] as const

/** What metrics and spans of a consumer say whose they are. */
export const consumerAttributes = (bucket: string, group: string): Attributes => ({
  "messaging.system": "couchbase",
  "messaging.consumer.group.name": group,
  "messaging.destination.name": bucket
})

/** The metrics of one consumer, or of its connections. */
export class ConsumerTelemetry {
  private readonly metrics: Metrics
  private readonly attributes: Attributes
  private readonly vbuckets: boolean
  private readonly commits: OperationDurations
  private undo: Array<() => void> = []

  private constructor(metrics: Metrics, attributes: Attributes, vbuckets: boolean) {
    this.metrics = metrics
    this.attributes = attributes
    this.vbuckets = vbuckets
    this.commits = new OperationDurations(metrics, dcpRows.commit, "messaging.operation.name", attributes)
  }

  /** Nothing where the options ask for no metrics. */
  static of(
    options: ChangesOptions["metrics"],
    attributes: Attributes,
    context: Context.Context<never>
  ): ConsumerTelemetry | undefined {
    if (options === false) return undefined
    return new ConsumerTelemetry(Metrics.of(context), attributes, typeof options === "object" && options.vbuckets === true)
  }

  /** Publishes how a consumer does. */
  publish(watched: Watched): void {
    const { attributes, metrics } = this
    const status = (read: (status: DcpStatus) => number) => () => read(watched.status)
    this.undo.push(metrics.readAll([
      [dcpRows.lag, status(({ lag }) => lag)],
      [dcpRows.unsettled, status(({ unsettled }) => unsettled)],
      [dcpRows.unsettledAge, status(({ oldestUnsettled }) => oldestUnsettled / 1_000)],
      [dcpRows.waiting, status(({ waiting }) => waiting)],
      [dcpRows.vbuckets, status(({ vbuckets }) => vbuckets)],
      [dcpRows.streams, status(({ streaming }) => streaming)],
      [dcpRows.stalled, status(({ stalled }) => stalled.length)]
    ], attributes))
    for (const kind of kinds) {
      this.undo.push(metrics.read(dcpRows.consumed, { ...attributes, "wirewright.dcp.change": kind }, status(({ kinds }) => kinds[kind])))
    }
  }

  /** Publishes how the connections do, which consumers may share. */
  publishConnections(nodes: Connections): void {
    const sum = (read: (counters: DcpConnectionCounters) => number) => () =>
      nodes.connections.reduce((sum, { counters }) => sum + read(counters), 0)
    this.undo.push(this.metrics.readAll([
      [dcpRows.window, sum(({ window }) => window)],
      [dcpRows.outstanding, sum(({ outstanding }) => outstanding)],
      [dcpRows.acknowledged, () => nodes.totals.acknowledged]
    ], this.attributes))
  }

  /** Publishes how far each vbucket is, where that is asked for. */
  publishVbuckets(vbuckets: Iterable<number>, lagOf: (vbucket: number) => VbucketLag): void {
    if (!this.vbuckets) return
    for (const vbucket of vbuckets) {
      this.undo.push(this.metrics.readAll([
        [dcpRows.partitionLag, () => lagBetween(lagOf(vbucket))],
        [dcpRows.partitionSeqno, () => Number(lagOf(vbucket).seqno)],
        [dcpRows.partitionHighSeqno, () => Number(lagOf(vbucket).highSeqno)]
      ], { ...this.attributes, "messaging.destination.partition.id": vbucket }))
    }
  }

  /** Publishes what is counted of the connections to a node. */
  publishNode(address: string, counted: () => Counted): void {
    this.undo.push(publishClient(this.metrics, nodeAttributes(address), () => 1, counted))
  }

  connectFailed(address: string, error: unknown): void {
    this.metrics.count(clientRows.connectFailures, { ...nodeAttributes(address), "error.type": errorType(error) }).value++
  }

  rolledBack(reason: string): void {
    this.metrics.count(dcpRows.rollbacks, { ...this.attributes, "wirewright.dcp.rollback.reason": reason }).value++
  }

  /** A batch of checkpoints was saved, or was not. */
  committed(milliseconds: number, failure: string | undefined): void {
    this.commits.ended("commit", milliseconds, failure)
  }

  /** What is published no longer is. */
  end(): void {
    for (const one of this.undo.splice(0)) one()
  }
}

const nodeAttributes = (address: string): Attributes => ({ "network.protocol.name": "dcp", ...serverAttributes(placeOf(address)) })

/** Changes between what was processed and what there is; after a rollback none, until there are more again. */
export const lagBetween = ({ highSeqno, seqno }: VbucketLag): number => highSeqno > seqno ? Number(highSeqno - seqno) : 0
