/** What a change stream can be told, and what it says of itself. Types only. */
import type * as Duration from "effect/Duration"
import type { DcpConnectionCounters } from "./DcpConnection.ts"
import type { NegotiationOptions } from "./Negotiation.ts"

/** Where to begin with a vbucket. */
export type From =
  /** At the first change that there is. */
  | "beginning"
  /** After what is there when the stream begins. */
  | "now"
  /** Where the group left off; a vbucket that it has not seen, at the beginning. */
  | "checkpoint"
  /** Where the group left off; a vbucket that it has not seen, there. */
  | { readonly savedOr: "beginning" | "now" }
  /** After a seqno, by vbucket; vbuckets that are not named, at the beginning. Everything up to there is claimed to be known. */
  | { readonly seqnos: ReadonlyMap<number, bigint> }

/** What is streamed and how. */
export interface ChangesOptions {
  /** Names the connections and the checkpoints. Default: `wirewright`. */
  readonly group?: string
  /** Default: `checkpoint`. */
  readonly from?: From
  /** `never` ends, `now` ends with what is there when the stream begins. Default: `never`. */
  readonly to?: "now" | "never"
  /** Default: all of the bucket. One that the bucket does not have is a `DcpOptionsError`. */
  readonly vbuckets?: ReadonlyArray<number>
  /** Collections as `scope.collection`, or a name in the default scope. Default: all. Not together with `scope`. */
  readonly collections?: ReadonlyArray<string>
  /** All collections of a scope. */
  readonly scope?: string
  /** Expired documents as expirations, and deletions with their times. Default: `distinct`. */
  readonly expirations?: NegotiationOptions["expirations"]
  /** Default: `all`. */
  readonly values?: NegotiationOptions["values"]
  /** Values come with their extended attributes. Default: false. */
  readonly xattrs?: boolean
  /**
   * Whether values may come in Snappy's format, which `body` and `json` undo: as the node has them, or all. Default: `none`. Where the server does not
   * compress they come as they are.
   */
  readonly compression?: "none" | "asStored" | "all"
  /** `undo` goes back as far as it must; `rebuild` always to the beginning. Default: `undo`. */
  readonly onRollback?: "undo" | "rebuild"
  /**
   * What to do about checkpoints of another bucket, which had the same name and is gone: fail with `BucketChanged`, or have the application undo
   * everything and begin anew. A bucket that changes meanwhile is always `BucketChanged`. Default: `fail`.
   */
  readonly onBucketChange?: "fail" | "restart"
  /**
   * Delivers only what no failure of a node can take back: changes that are on the disks of all copies of their vbucket. This is the pace of
   * asking the nodes for that, such as 100 ms. With an ephemeral bucket, which writes nothing, a `DcpOptionsError`. Default: what the active copy has is delivered.
   */
  readonly mitigateRollbacks?: Duration.Input
  /** Snapshots and seqnos without changes are events too. Default: false. */
  readonly verbose?: boolean
  /** Time between two batches of checkpoints. Default: 1 second. */
  readonly commitInterval?: Duration.Input
  /** Most events delivered and not processed. Default: 1 000 000. */
  readonly maxUnsettled?: number
  /** How long a vbucket whose stream was lost waits for its events to be processed before it asks for them again. Default: 10 seconds. */
  readonly settleTimeout?: Duration.Input
  /** An event that is processed for longer than this, and a vbucket that has no stream for longer, are logged and stand in `status`. Default: 30 seconds. */
  readonly slowAfter?: Duration.Input
  /** Bytes that a node may send ahead; 0: no limit. Default: 10 MiB. */
  readonly window?: number
  /** Pace of the server's NOOPs, which find a dead connection within two of them. Default: 20 seconds. */
  readonly noopInterval?: Duration.Input
  /** A fixed name for the connections, which takes the place of others with that name. Default: a unique one of the group. */
  readonly connectionName?: string
  readonly priority?: "low" | "medium" | "high"
  /** One of several streams of a vbucket on a connection. */
  readonly streamId?: number
  /** Pace at which nodes are asked for their high seqnos, for `lag`; 0: never. Default: 5 seconds. */
  readonly lagInterval?: Duration.Input
  /** Publishes the metrics of consumers; `vbuckets`: those of each vbucket, too. Default: true. */
  readonly metrics?: boolean | { readonly vbuckets: boolean }
  /** Attempts to connect at once, and per second after those. Default: 10 and 2. */
  readonly connectBudget?: { readonly burst: number; readonly perSecond: number }
}

/** A vbucket that does not get on: its application does not come to an end, or it has no stream. */
export interface StalledVbucket {
  readonly vbucket: number
  /** Seqno of the event; of a rollback, where it goes back to; of a stream, where it would begin. */
  readonly seqno: bigint
  readonly what: "change" | "rollback" | "stream"
  readonly milliseconds: number
}

/** How a consumer does. */
export interface DcpStatus {
  readonly vbuckets: number
  /** Vbuckets whose stream is open. */
  readonly streaming: number
  readonly ended: number
  /** Events delivered. */
  readonly events: number
  /** Changes among them by what they are. */
  readonly kinds: { readonly [kind in "mutation" | "deletion" | "expiration" | "system"]: number }
  /** Events delivered and not processed. */
  readonly unsettled: number
  /** Milliseconds that the oldest of them has been so, to about a second. */
  readonly oldestUnsettled: number
  /** Seqnos between what was processed and what there is, of all vbuckets together. */
  readonly lag: number
  /** Vbuckets that have not got on for longer than `slowAfter`. */
  readonly stalled: ReadonlyArray<StalledVbucket>
  /** Events that wait to be pulled. */
  readonly waiting: number
  /** Messages that wait for the disks of all copies (`mitigateRollbacks`). */
  readonly withheld: number
  readonly rollbacks: number
  /** Attempts to connect, and connections that were lost. */
  readonly connects: number
  readonly disconnects: number
  /** Batches of checkpoints saved, and attempts that failed. */
  readonly commits: number
  readonly failedCommits: number
  /** Bytes received, and acknowledged to the nodes, on all connections there were. */
  readonly bytesReceived: number
  readonly acknowledged: number
  readonly connections: ReadonlyArray<DcpConnectionCounters & { readonly address: string }>
}
