/** What a vbucket's history keeps of durable writes, and where its branches begin. */
import { describe, expect, it } from "vitest"
import { type HistoryItem, VbucketHistory } from "./VbucketHistory.ts"

const change = (seqno: bigint, key: string, more: Partial<HistoryItem> = {}): HistoryItem => ({ seqno, key, deleted: false, ...more })
const made = (): VbucketHistory<HistoryItem> => new VbucketHistory<HistoryItem>(1n)
const seqnos = (items: Iterable<HistoryItem>): ReadonlyArray<bigint> => [...items].map(({ seqno }) => seqno)

describe("a branch", () => {
  it.each([[undefined, 3n], [2n, 2n], [0n, 0n], [9n, 3n]] as const)("that is told to begin at %s begins at %s", (seqno, begins) => {
    const history = made()
    for (const n of [1n, 2n, 3n]) history.append(change(n, `${n}`))
    history.branch(2n, seqno)
    expect(history.failoverLog).toEqual([{ vbucketUuid: 2n, seqno: begins }, { vbucketUuid: 1n, seqno: 0n }])
    // what is above it is kept, and what comes next follows it
    expect(seqnos(history.image.values())).toEqual([1n, 2n, 3n])
    expect(() => history.append(change(3n, "3"))).toThrow(RangeError)
  })

  it("below another one takes its place", () => {
    const history = made()
    for (const n of [1n, 2n]) history.append(change(n, `${n}`))
    history.branch(2n)
    history.append(change(3n, "3"))
    history.branch(3n, 1n)
    expect(history.failoverLog).toEqual([{ vbucketUuid: 3n, seqno: 1n }, { vbucketUuid: 1n, seqno: 0n }])
  })
})

describe("a durable write", () => {
  const prepare = change(2n, "p:k", { durable: true })
  const commit = change(3n, "k", { durable: true, completes: prepare })

  it("neither replaces a change in a checkpoint nor is replaced", () => {
    const history = made()
    for (const one of [change(1n, "k"), prepare, commit, change(4n, "k"), change(5n, "k")]) history.append(one)
    const batches: Array<ReadonlyArray<bigint>> = []
    for (let at = 0n; at < 5n;) {
      const batch = history.next(at)!
      batches.push(seqnos(batch.items))
      at = batch.end
    }
    expect(batches).toEqual([[1n, 2n], [3n], [5n]])
  })

  it("leaves no prepare on disk once it is complete", () => {
    const history = made()
    for (const one of [change(1n, "k"), prepare]) history.append(one)
    expect(seqnos(history.image.values())).toEqual([1n, 2n])
    history.append(commit)
    expect(seqnos(history.image.values())).toEqual([3n])
    history.evict()
    expect(history.next(0n)).toMatchObject({ start: 0n, end: 3n, items: [commit] })
  })

  it("has its prepare again when the commit is lost, and neither when both are", () => {
    const history = made()
    for (const one of [change(1n, "k"), prepare, commit]) history.append(one)
    history.lose(2n)
    expect(seqnos(history.image.values())).toEqual([1n, 2n])
    history.append(commit)
    history.lose(1n)
    expect(seqnos(history.image.values())).toEqual([1n])
  })
})

it("tombstones that were purged before they came are purged here, too: what is older comes from disk", () => {
  const history = made()
  history.append(change(5n, "k"))
  history.purged(4n)
  expect(history.purgeSeqno).toBe(4n)
  expect(history.next(0n)).toMatchObject({ from: "disk" })
  history.purged(2n)
  expect(history.purgeSeqno).toBe(4n)
})

it("seqnos at which nothing is can be passed over", () => {
  const history = made()
  history.append(change(1n, "k"))
  history.advance(4n)
  expect([history.highSeqno, history.next(1n)]).toEqual([4n, undefined])
  history.append(change(5n, "l"))
  expect(seqnos(history.next(1n)!.items)).toEqual([5n])
})
