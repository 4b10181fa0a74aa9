/** What HELLO grants, what it refuses, and how failures are told to those who know little. */
import { HelloFeature as F, Status } from "@wirewright/couchbase/gen"
import { describe, expect, it } from "vitest"
import { rewritten, statusOfRefusal } from "./ErrorBody.ts"
import { errorMapText } from "./ErrorMapDocument.ts"
import { Features, negotiate } from "./Hello.ts"

const granted = (...wanted: ReadonlyArray<number>): ReadonlyArray<number> | string => {
  const negotiated = negotiate(wanted)
  return "refused" in negotiated ? negotiated.refused : negotiated.features
}

describe("HELLO", () => {
  it("grants what is offered, sorted and once", () => {
    expect(granted(F.Collections, F.Xattr, F.Xattr, F.MutationSeqno)).toEqual([F.MutationSeqno, F.Xattr, F.Collections])
    expect(granted()).toEqual([])
  })

  it("never echoes what is reserved, retired or unknown", () => {
    expect(granted(F.Invalid, F.Tls, F.TcpDelay, F.Invalid2, F.Invalid3, 0x7777, F.Json)).toEqual([F.Json])
  })

  it.each<[string, number, ReadonlyArray<number>]>([
    ["ClustermapChangeNotification needs Duplex", F.ClustermapChangeNotification, []],
    ["ClustermapChangeNotificationBrief needs Duplex", F.ClustermapChangeNotificationBrief, []],
    ["VAttr needs Xattr", F.VAttr, []],
    ["SubdocDocumentMacroSupport needs Xattr", F.SubdocDocumentMacroSupport, []],
    ["RangeScanIncludeXattr needs Xattr", F.RangeScanIncludeXattr, []],
    ["GetRandomKeyIncludeXattr needs Json", F.GetRandomKeyIncludeXattr, [F.Xattr, F.SnappyEverywhere]],
    ["GetRandomKeyIncludeXattr needs SnappyEverywhere", F.GetRandomKeyIncludeXattr, [F.Xattr, F.Json]]
  ])("%s", (message, feature, more) => {
    expect(granted(feature, ...more)).toBe(message)
  })

  it("prefers the brief notification", () => {
    const both = granted(F.Duplex, F.ClustermapChangeNotification, F.ClustermapChangeNotificationBrief)
    expect(both).toEqual([F.Duplex, F.ClustermapChangeNotificationBrief])
  })
})

describe("failures", () => {
  const old = new Features()
  const current = new Features([F.Xerror, F.Collections])

  it.each<[number, number | "close"]>([
    [Status.Locked, Status.KeyEexists],
    [Status.NotLocked, Status.Etmpfail],
    [Status.CasValueInvalid, Status.KeyEexists],
    [Status.SyncWriteInProgress, Status.Etmpfail],
    [Status.UnknownCollection, Status.Einval],
    [Status.Eaccess, "close"],
    [Status.NoBucket, "close"],
    [Status.DurabilityInvalidLevel, "close"],
    [Status.KeyEnoent, Status.KeyEnoent],
    [Status.NotMyVbucket, Status.NotMyVbucket]
  ])("0x%s without Xerror", (status, expected) => {
    expect(rewritten(status, old)).toBe(expected)
    expect(rewritten(status, current)).toBe(status)
  })

  it("tell of locks as each client understands", () => {
    expect(statusOfRefusal("LockedTmpfail", old)).toBe(Status.Etmpfail)
    expect(statusOfRefusal("LockedTmpfail", current)).toBe(Status.Locked)
  })
})

describe("the error map", () => {
  it("is never newer than asked for", () => {
    expect([1, 2, 3].map((asked) => (JSON.parse(errorMapText(asked)) as { version: number }).version)).toEqual([1, 2, 2])
  })

  it("says what to do about a status, in words", () => {
    const { errors } = JSON.parse(errorMapText(2)) as { errors: Record<string, { name: string; desc: string; attrs: Array<string> }> }
    expect(errors["86"]).toEqual({ name: "ETMPFAIL", desc: "Temporary failure; try again later.", attrs: ["temp", "retry-now"] })
    expect(errors["cc"]?.name).toBe("SUBDOC_MULTI_PATH_FAILURE")
    expect(Object.values(errors).every(({ attrs, desc, name }) => attrs.length > 0 && desc !== "" && name !== "")).toBe(true)
  })
})
