/** What a change stream can be told, and what it says of itself. Types only. */
import type * as Duration from "effect/Duration"
import type { DcpConnectionCounters } from "./DcpConnection.ts"
import type { NegotiationOptions } from "./Negotiation.ts"

/** Where to begin with a vbucket. */
export type From =
  /** At the first change that there is. */
  | "beginning"
  /** Behind what is there when the stream begins. */
  | "now"
  /** Where the group left off; a vbucket that it has not seen, at the beginning. */
  | "checkpoint"
  /** Where the group left off; a vbucket that it has not seen, there. */
  | { readonly savedOr: "beginning" | "now" }
  /** Behind a seqno, by vbucket; vbuckets that are not named, at the beginning. Everything up to there is claimed to be known. */
  | { readonly seqnos: ReadonlyMap<number, bigint> }

/** What is streamed and how. */
export interface ChangesOptions {
  /** Names the connections and the checkpoints; `wirewright` unless said otherwise. */
  readonly group?: string
  /** `checkpoint` unless said otherwise. */
  readonly from?: From
  /** `never` ends (unless said otherwise), or with what is there when the stream begins. */
  readonly to?: "now" | "never"
  /** All of the bucket unless said otherwise. */
  readonly vbuckets?: ReadonlyArray<number>
  /** Collections as `scope.collection`, or a name in the default scope; all unless said otherwise. Not together with `scope`. */
  readonly collections?: ReadonlyArray<string>
  /** All collections of a scope. */
  readonly scope?: string
  /** Expired documents as expirations, and deletions with their times; `distinct` unless said otherwise. */
  readonly expirations?: NegotiationOptions["expirations"]
  /** `all` unless said otherwise. */
  readonly values?: NegotiationOptions["values"]
  /** Values come with their extended attributes; not unless said otherwise. */
  readonly xattrs?: boolean
  /** `undo` goes back as far as it must; `rebuild` always to the beginning. */
  readonly onRollback?: "undo" | "rebuild"
  /** Snapshots and seqnos without changes are events too; not unless said otherwise. */
  readonly verbose?: boolean
  /** Time between two batches of checkpoints; 1 second unless said otherwise. */
  readonly commitInterval?: Duration.Input
  /** Most events delivered and not settled; 1 000 000 unless said otherwise. */
  readonly maxUnsettled?: number
  /** How long a vbucket whose stream was lost waits for its events to be settled before it asks for them again; 10 seconds. */
  readonly settleTimeout?: Duration.Input
  /** Bytes that a node may send ahead; 10 MiB unless said otherwise, 0: no limit. */
  readonly window?: number
  /** Pace of the server's NOOPs, which find a dead connection within two of them; 20 seconds unless said otherwise. */
  readonly noopInterval?: Duration.Input
  /** A fixed name for the connections, which takes the place of others with that name; a unique one of the group unless said otherwise. */
  readonly connectionName?: string
  readonly priority?: "low" | "medium" | "high"
  /** One of several streams of a vbucket on a connection. */
  readonly streamId?: number
  /** Attempts to connect at once, and per second after those; 10 and 2 unless said otherwise. */
  readonly connectBudget?: { readonly burst: number; readonly perSecond: number }
}

/** How a consumer does. */
export interface DcpStatus {
  readonly vbuckets: number
  /** Vbuckets whose stream is open. */
  readonly streaming: number
  readonly ended: number
  /** Events delivered. */
  readonly events: number
  /** Events delivered and not settled. */
  readonly unsettled: number
  /** Events that wait to be pulled. */
  readonly waiting: number
  readonly rollbacks: number
  /** Attempts to connect, and connections that were lost. */
  readonly connects: number
  readonly disconnects: number
  /** Batches of checkpoints saved, and attempts that failed. */
  readonly commits: number
  readonly failedCommits: number
  readonly connections: ReadonlyArray<DcpConnectionCounters & { readonly address: string }>
}
