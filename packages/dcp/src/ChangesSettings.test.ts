/** What options come to: the defaults that the docstrings of `ChangesOptions` promise, and each option in its place. */
import { expect, it } from "vitest"
import type { ChangesOptions } from "./ChangesOptions.ts"
import { settingsOf } from "./ChangesSettings.ts"

it("has the defaults that are promised", () => {
  expect(settingsOf({})).toEqual({
    nodes: { group: "wirewright", fixedName: undefined, burst: 10, perSecond: 2 },
    negotiation: {
      // 10 MiB
      window: 10_485_760,
      noopInterval: 20,
      xattrs: false,
      values: "all",
      compression: "none",
      expirations: "distinct",
      streamIds: false,
      outOfOrder: false,
      history: false,
      priority: undefined
    },
    from: "checkpoint",
    resumes: true,
    ends: false,
    wanted: {},
    streamId: undefined,
    onRollback: "undo",
    onBucketChange: "fail",
    mitigation: undefined,
    verbose: false,
    maxUnsettled: 1_000_000,
    commitInterval: 1_000,
    settleTimeout: 10_000,
    slowAfter: 30_000,
    lagInterval: 5_000,
    metrics: true
  })
})

it("has every option in its place", () => {
  expect(settingsOf({
    group: "indexer",
    from: "now",
    to: "now",
    vbuckets: [1, 5],
    collections: ["a.b"],
    scope: "s",
    expirations: "asDeletions",
    values: "none",
    compression: "all",
    xattrs: true,
    onRollback: "rebuild",
    onBucketChange: "restart",
    mitigateRollbacks: "2 seconds",
    verbose: true,
    commitInterval: "3 seconds",
    maxUnsettled: 4,
    settleTimeout: "5 seconds",
    slowAfter: "6 seconds",
    lagInterval: "7 seconds",
    metrics: { vbuckets: true },
    window: 0,
    noopInterval: "1500 millis",
    connectionName: "fixed",
    priority: "high",
    streamId: 0,
    connectBudget: { burst: 7, perSecond: 8 }
  })).toEqual({
    nodes: { group: "indexer", fixedName: "fixed", burst: 7, perSecond: 8 },
    negotiation: {
      window: 0,
      noopInterval: 1.5,
      xattrs: true,
      values: "none",
      compression: "all",
      expirations: "asDeletions",
      streamIds: true,
      outOfOrder: false,
      history: false,
      priority: "high"
    },
    from: "now",
    resumes: false,
    ends: true,
    wanted: { vbuckets: [1, 5], collections: ["a.b"], scope: "s" },
    streamId: 0,
    onRollback: "rebuild",
    onBucketChange: "restart",
    mitigation: 2_000,
    verbose: true,
    maxUnsettled: 4,
    commitInterval: 3_000,
    settleTimeout: 5_000,
    slowAfter: 6_000,
    lagInterval: 7_000,
    metrics: { vbuckets: true }
  })
})

it.each<readonly [NonNullable<ChangesOptions["from"]>, boolean]>([
  ["checkpoint", true],
  ["beginning", false],
  ["now", false],
  [{ savedOr: "beginning" }, true],
  [{ savedOr: "now" }, true],
  [{ seqnos: new Map([[0, 4n]]) }, false]
])("from %j goes on where the group left off: %s", (from, resumes) => {
  expect(settingsOf({ from })).toMatchObject({ from, resumes })
})

it("to never does not end", () => {
  expect(settingsOf({ to: "never" }).ends).toBe(false)
})
