/** What the options of a change stream come to: every default filled in, every duration in one unit. Pure. */
import * as Duration from "effect/Duration"
import type { ChangesOptions, From } from "./ChangesOptions.ts"
import type { DcpNodesOptions } from "./DcpNodes.ts"
import type { NegotiationOptions } from "./Negotiation.ts"

/** Options without gaps. Durations are milliseconds, those of the negotiation seconds. */
export interface ChangesSettings {
  /** How connections are named, and how often they are tried. */
  readonly nodes: Pick<DcpNodesOptions, "group" | "fixedName" | "burst" | "perSecond">
  /** What is asked of each connection; its name comes with it. */
  readonly negotiation: Omit<NegotiationOptions, "features" | "name">
  readonly from: From
  /** Whether it goes on where the group left off, and hence keeps checkpoints. */
  readonly resumes: boolean
  /** Whether it ends with what is there when it begins. */
  readonly ends: boolean
  /** Which vbuckets and collections, as they were named. */
  readonly wanted: Pick<ChangesOptions, "vbuckets" | "collections" | "scope">
  readonly streamId: number | undefined
  readonly onRollback: "undo" | "rebuild"
  readonly onBucketChange: "fail" | "restart"
  /** Milliseconds between two rounds of asking what is persisted; nothing is asked without it. */
  readonly mitigation: number | undefined
  readonly verbose: boolean
  readonly maxUnsettled: number
  readonly commitInterval: number
  readonly settleTimeout: number
  readonly slowAfter: number
  readonly lagInterval: number
  readonly metrics: ChangesOptions["metrics"]
}

/** The settings that options mean; the defaults are those that `ChangesOptions` promises. */
export const settingsOf = (options: ChangesOptions): ChangesSettings => {
  const { collections, connectBudget, connectionName, from = "checkpoint", priority, scope, streamId, vbuckets } = options
  return {
    nodes: {
      group: options.group ?? "wirewright",
      fixedName: connectionName,
      ...connectBudget ?? { burst: 10, perSecond: 2 }
    },
    negotiation: {
      window: options.window ?? 10 * 1024 * 1024,
      noopInterval: Duration.toSeconds(options.noopInterval ?? "20 seconds"),
      xattrs: options.xattrs ?? false,
      compression: options.compression ?? "none",
      values: options.values ?? "all",
      expirations: options.expirations ?? "distinct",
      streamIds: streamId !== undefined,
      outOfOrder: false,
      history: false,
      priority
    },
    from,
    resumes: from === "checkpoint" || typeof from === "object" && "savedOr" in from,
    ends: options.to === "now",
    wanted: {
      ...vbuckets === undefined ? {} : { vbuckets },
      ...collections === undefined ? {} : { collections },
      ...scope === undefined ? {} : { scope }
    },
    streamId,
    onRollback: options.onRollback ?? "undo",
    onBucketChange: options.onBucketChange ?? "fail",
    mitigation: options.mitigateRollbacks === undefined ? undefined : Math.max(1, Duration.toMillis(options.mitigateRollbacks)),
    verbose: options.verbose ?? false,
    maxUnsettled: options.maxUnsettled ?? 1_000_000,
    commitInterval: Duration.toMillis(options.commitInterval ?? "1 second"),
    settleTimeout: Duration.toMillis(options.settleTimeout ?? "10 seconds"),
    slowAfter: Duration.toMillis(options.slowAfter ?? "30 seconds"),
    lagInterval: Duration.toMillis(options.lagInterval ?? "5 seconds"),
    metrics: options.metrics ?? true
  }
}
