/**
 * What a connection may ask for with HELLO, and what it gets.
 *
 * Pure. Every HELLO begins anew: what it does not name is off. Source: kv_engine daemon/protocol/mcbp/hello_packet_executor.cc.
 */
import { HelloFeature as F } from "@wirewright/couchbase/gen"

/** What a HELLO comes to: the features that are on, sorted; or why it is refused. */
export type Negotiated =
  | { readonly features: ReadonlyArray<number> }
  | { readonly refused: string }

/** Features of this node. Compressed values are taken, but never sent: hence Snappy and not SnappyEverywhere. */
const offered: ReadonlyArray<number> = [
  F.TcpNoDelay,
  F.MutationSeqno,
  F.Xattr,
  F.Xerror,
  F.SelectBucket,
  F.Snappy,
  F.Json,
  F.Duplex,
  F.ClustermapChangeNotification,
  F.UnorderedExecution,
  F.Tracing,
  F.AltRequestSupport,
  F.SyncReplication,
  F.Collections,
  F.PreserveTtl,
  F.VAttr,
  F.SubdocCreateAsDeleted,
  F.SubdocDocumentMacroSupport,
  F.SubdocReplaceBodyWithXattr,
  F.SubdocReplicaRead,
  F.GetClusterConfigWithKnownVersion,
  F.DedupeNotMyVbucketClustermap,
  F.ClustermapChangeNotificationBrief,
  F.SubdocAllowsAccessOnMultipleXattrKeys,
  F.RangeScanIncludeXattr,
  F.SubdocBinaryXattr
]

/** What a feature is of no use without. */
const needs: ReadonlyArray<readonly [feature: number, needed: ReadonlyArray<number>]> = [
  [F.ClustermapChangeNotification, [F.Duplex]],
  [F.ClustermapChangeNotificationBrief, [F.Duplex]],
  [F.VAttr, [F.Xattr]],
  [F.SubdocDocumentMacroSupport, [F.Xattr]],
  [F.RangeScanIncludeXattr, [F.Xattr]],
  [F.GetRandomKeyIncludeXattr, [F.Xattr, F.Json, F.SnappyEverywhere]]
]

const nameOf = (feature: number): string => Object.entries(F).find(([, code]) => code === feature)?.[0] ?? String(feature)

/** Negotiates: the wanted features that are offered, unless one lacks what it needs. */
export const negotiate = (wanted: ReadonlyArray<number>): Negotiated => {
  const asked = new Set(wanted)
  for (const [feature, needed] of needs) {
    const missing = asked.has(feature) ? needed.find((one) => !asked.has(one)) : undefined
    if (missing !== undefined) return { refused: `${nameOf(feature)} needs ${nameOf(missing)}` }
  }
  // who asks for both notifications gets the brief one
  if (asked.has(F.ClustermapChangeNotificationBrief)) asked.delete(F.ClustermapChangeNotification)
  return { features: offered.filter((feature) => asked.has(feature)).sort((a, b) => a - b) }
}

/** What is negotiated on a connection. */
export class Features {
  private readonly on: ReadonlySet<number>
  readonly collections: boolean
  readonly json: boolean
  readonly snappy: boolean
  readonly xattr: boolean
  readonly xerror: boolean
  readonly mutationTokens: boolean
  readonly tracing: boolean

  constructor(features: ReadonlyArray<number> = []) {
    this.on = new Set(features)
    this.collections = this.on.has(F.Collections)
    this.json = this.on.has(F.Json)
    this.snappy = this.on.has(F.Snappy)
    this.xattr = this.on.has(F.Xattr)
    this.xerror = this.on.has(F.Xerror)
    this.mutationTokens = this.on.has(F.MutationSeqno)
    this.tracing = this.on.has(F.Tracing)
  }

  has(feature: number): boolean {
    return this.on.has(feature)
  }
}
