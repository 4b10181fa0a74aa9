/** Where to resume after a rollback: SC-42…SC-53 as far as they are decisions. */
import { describe, expect, it } from "vitest"
import { type Checkpoint, completeAt, emptyCheckpoint, isPosition, resumption, resumptionFromLog, withComplete } from "./Checkpoint.ts"
import { branchedAt, branchesAt, checkFailoverLog, commonAncestor, type FailoverLog, maxBranches } from "./FailoverLog.ts"
import { rollbackSeqno } from "./RollbackDecision.ts"

const [a, b, c] = [0xan, 0xbn, 0xcn]
const log = (...entries: ReadonlyArray<readonly [bigint, number]>): FailoverLog =>
  entries.map(([vbucketUuid, seqno]) => ({ vbucketUuid, seqno: BigInt(seqno) }))

const at = (failoverLog: FailoverLog, seqno: number, ...complete: ReadonlyArray<readonly [bigint, number]>): Checkpoint => ({
  ...emptyCheckpoint,
  position: completeAt(complete.at(-1)?.[0] ?? a, BigInt(seqno)),
  failoverLog,
  complete: complete.map(([vbucketUuid, end]) => ({ vbucketUuid, seqno: BigInt(end) }))
})

/** What a faithful producer answers to a request for this checkpoint. */
const asked = ({ position }: Checkpoint, failoverLog: FailoverLog, high: number): bigint | undefined =>
  rollbackSeqno({
    startSeqno: position.seqno,
    vbucketUuid: position.vbucketUuid,
    snapStartSeqno: position.snapshotStart,
    snapEndSeqno: position.snapshotEnd
  }, { failoverLog, highSeqno: BigInt(high), purgeSeqno: 0n })

describe("a rollback", () => {
  it("SC-42 stops at the newest snapshot that was whole by then", () => {
    const checkpoint = at(log([a, 0]), 1000, [a, 300], [a, 500], [a, 800], [a, 1000])
    const theirs = log([b, 650], [a, 0])
    expect(asked(checkpoint, theirs, 700)).toBe(650n)
    const { checkpoint: resumed, reason } = resumption(checkpoint, 650n)
    expect(reason).toBe("CompleteSnapshot")
    expect(resumed.position).toEqual(completeAt(a, 500n))
    expect(resumed.complete.map(({ seqno }) => seqno)).toEqual([300n, 500n])
    expect(asked(resumed, theirs, 700)).toBeUndefined()
  })

  it("SC-43 goes to the beginning when no snapshot was whole by then, though the producer would accept less", () => {
    const checkpoint = at(log([a, 0]), 1000, [a, 1000])
    const theirs = log([b, 500], [a, 0])
    expect(asked(checkpoint, theirs, 520)).toBe(500n)
    // what loses K@300: the producer believes it
    expect(asked({ ...checkpoint, position: completeAt(a, 500n) }, theirs, 520)).toBeUndefined()
    const { checkpoint: resumed, reason } = resumption(checkpoint, 500n)
    expect(reason).toBe("HistoryTooShort")
    expect(resumed.position).toEqual(completeAt(0n, 0n))
    expect(resumed.failoverLog).toEqual([])
  })

  it("SC-44 is refused to an honest claim in the middle of a snapshot, and not to a lie", () => {
    const honest = { ...at(log([a, 0]), 60), position: { vbucketUuid: a, seqno: 60n, snapshotStart: 40n, snapshotEnd: 100n } }
    expect(asked(honest, log([b, 80], [a, 0]), 80)).toBe(40n)
    expect(asked({ ...honest, position: completeAt(a, 60n) }, log([b, 80], [a, 0]), 80)).toBeUndefined()
  })

  it("SC-45 names the older branch where a newer one begins", () => {
    const checkpoint = at(log([b, 500], [a, 0]), 500, [b, 500])
    const theirs = log([c, 500], [a, 0])
    expect(asked(checkpoint, theirs, 600)).toBe(0n)
    const resumed = resumptionFromLog(checkpoint, theirs, 600n)
    expect(resumed?.reason).toBe("CommonAncestor")
    expect(resumed?.checkpoint.position).toEqual(completeAt(a, 500n))
    expect(asked(resumed!.checkpoint, theirs, 600)).toBeUndefined()
  })

  it("SC-46 in several steps ends where all of them agree", () => {
    let checkpoint = at(log([a, 0]), 1000, [a, 200], [a, 600], [a, 850], [a, 1000])
    const starts: Array<bigint> = []
    for (const requested of [900n, 650n, 300n]) {
      checkpoint = resumption(checkpoint, requested).checkpoint
      starts.push(checkpoint.position.seqno)
    }
    expect(starts).toEqual([850n, 600n, 200n])
  })

  it("SC-51 below all that is known goes to the beginning", () => {
    expect(resumption(at(log([a, 0]), 1000, [a, 990], [a, 1000]), 100n).reason).toBe("HistoryTooShort")
    expect(resumption(at(log([a, 0]), 1000, [a, 990], [a, 1000]), 0n).reason).toBe("Beginning")
  })

  it("finds nothing in a log that shares no branch", () => {
    expect(resumptionFromLog(at(log([a, 0]), 500, [a, 500]), log([b, 0]), 900n)).toBeUndefined()
  })

  it("finds nothing when nothing was whole before the histories parted", () => {
    expect(resumptionFromLog(at(log([b, 300], [a, 0]), 500, [b, 500]), log([c, 200], [a, 0]), 900n)).toBeUndefined()
  })
})

describe("a resumption", () => {
  it("keeps the branches that begin by then", () => {
    const checkpoint = at(log([c, 501], [b, 500], [a, 0]), 1000, [a, 500], [c, 1000])
    expect(resumption(checkpoint, 600n).checkpoint.failoverLog).toEqual(log([b, 500], [a, 0]))
  })

  it("stops at seqno 1, and takes an end at 0 for the beginning", () => {
    expect(resumption(at(log([a, 0]), 1000, [a, 1], [a, 1000]), 100n)).toMatchObject({
      reason: "CompleteSnapshot",
      checkpoint: { position: completeAt(a, 1n) }
    })
    expect(resumption(at(log([a, 0]), 1000, [a, 0], [a, 1000]), 100n).reason).toBe("HistoryTooShort")
  })

  it("from a log stops at seqno 1, and nowhere before", () => {
    const theirs = log([b, 100], [a, 0])
    expect(resumptionFromLog(at(log([a, 0]), 1000, [a, 1], [a, 1000]), theirs, 200n)?.checkpoint.position).toEqual(completeAt(a, 1n))
    expect(resumptionFromLog(at(log([a, 0]), 1000, [a, 0], [a, 1000]), theirs, 200n)).toBeUndefined()
  })
})

describe("complete ends", () => {
  const ends = (...seqnos: ReadonlyArray<number>) => seqnos.map((seqno) => ({ vbucketUuid: a, seqno: BigInt(seqno) }))
  const kept = (most: number, ...seqnos: ReadonlyArray<number>): ReadonlyArray<number> => {
    const [end] = ends(seqnos.at(-1)!)
    return withComplete(ends(...seqnos.slice(0, -1)), end!, most).map(({ seqno }) => Number(seqno))
  }

  it("know each seqno once, on the branch that was told last", () => {
    const end = { vbucketUuid: b, seqno: 5n }
    expect(withComplete(ends(5), end)).toEqual([end])
    expect(withComplete(ends(3, 5), end)).toEqual([...ends(3), end])
    expect(withComplete(ends(3, 4), end)).toEqual([...ends(3, 4), end])
  })

  it("are as many as are wanted, none included", () => {
    expect([kept(0, 10), kept(1, 10, 20), kept(3, 10, 20, 30)]).toEqual([[], [20], [10, 20, 30]])
  })

  // the cost of an end: what a rollback to it would go farther back, or to 0, by how far back it is, itself included
  it.each([
    // 20/31, 20/21, 20/11
    [[10, 20, 30], 40, 10],
    // 11/91, 3/90, 89/88
    [[10, 11, 13], 100, 11],
    // 98/51, 49/3, 2/2
    [[50, 98, 99], 100, 99],
    // 81/41 and 40/20; 79/42 and 41/22
    [[60, 81], 100, 60],
    [[59, 79], 100, 79]
  ])("%j and then %i go without %i", (before, end, gone) => {
    expect(kept(before.length, ...before, end)).toEqual([...before, end].filter((seqno) => seqno !== gone))
  })
})

describe("SC-14 a position", () => {
  // S-19: at 0 there is no uuid
  it("at 0 is on no branch, at 1 it is on one", () => {
    expect([completeAt(a, 0n).vbucketUuid, completeAt(a, 1n).vbucketUuid]).toEqual([0n, a])
  })

  it.each([[5, 5, 5, true], [6, 4, 9, true], [4, 4, 9, true], [9, 4, 9, true], [5, 6, 9, false], [10, 6, 9, false]])(
    "%i in [%i, %i]: %s",
    (seqno, start, end, legal) => {
      const position = { vbucketUuid: a, seqno: BigInt(seqno), snapshotStart: BigInt(start), snapshotEnd: BigInt(end) }
      expect(isPosition(position)).toBe(legal)
    }
  )
})

describe("failover logs", () => {
  it("SC-89 are checked", () => {
    const refused = (bad: FailoverLog): string => {
      const checked = checkFailoverLog(bad)
      if (checked._tag === "Success") throw new Error("accepted")
      return checked.failure
    }
    expect(refused([])).toMatch(/without entries/)
    expect(refused(log([0n, 0]))).toMatch(/uuid 0/)
    expect(refused(log([a, 5], [a, 0]))).toMatch(/twice/)
    expect(refused(log([b, 5], [a, 6]))).toMatch(/begins after/)
    const many = (count: number): FailoverLog => Array.from({ length: count }, (_, i) => ({ vbucketUuid: BigInt(i + 1), seqno: 0n }))
    expect(checkFailoverLog(many(1024))._tag).toBe("Success")
    expect(refused(many(1025))).toMatch(/1025 entries/)
    expect(checkFailoverLog(log([b, 5], [a, 5]))._tag).toBe("Success")
  })

  it("know which branches hold a seqno, the older first", () => {
    const branches = log([c, 900], [b, 500], [a, 0])
    expect(branchesAt(branches, 700n).map((entry) => entry.vbucketUuid)).toEqual([b])
    expect(branchesAt(branches, 500n).map((entry) => entry.vbucketUuid)).toEqual([a, b])
    expect(branchesAt(branches, 0n).map((entry) => entry.vbucketUuid)).toEqual([a])
    expect(branchesAt(log([c, 900]), 500n)).toEqual([])
  })

  it("part where the first of both ends", () => {
    expect(commonAncestor(log([b, 650], [a, 0]), 1000n, log([c, 500], [a, 0]), 800n)).toEqual({ vbucketUuid: a, seqno: 500n })
    expect(commonAncestor(log([a, 0]), 400n, log([a, 0]), 800n)).toEqual({ vbucketUuid: a, seqno: 400n })
    expect(commonAncestor(log([a, 0]), 400n, log([b, 0]), 800n)).toBeUndefined()
  })

  it("lose what a new branch replaces, and keep 25 entries", () => {
    expect(branchedAt(log([b, 650], [a, 0]), c, 500n)).toEqual(log([c, 500], [a, 0]))
    // one that begins where the new one does has nothing that is replaced
    expect(branchedAt(log([b, 500], [a, 0]), c, 500n)).toEqual(log([c, 500], [b, 500], [a, 0]))
    expect(branchedAt(log([b, 501], [a, 0]), c, 500n)).toEqual(log([c, 500], [a, 0]))
    let branches = log([1n, 0])
    for (let i = 2n; i <= 40n; i++) branches = branchedAt(branches, i, i * 10n)
    expect(branches).toHaveLength(maxBranches)
    expect(branches[0]).toEqual({ vbucketUuid: 40n, seqno: 400n })
  })
})
