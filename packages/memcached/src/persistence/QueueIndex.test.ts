/** The index of a queue: turns, claims, limits to the byte and to the millisecond. */
import { describe, expect, it } from "vitest"
import { claimed, enqueued, type Index, owns, renewed, settled } from "./QueueIndex.ts"

const of = (...ids: ReadonlyArray<string>): Index => ids.map((id) => ({ id, at: 0, attempts: 0 }))
const take = (index: Index, now: number, claim: string, maxAttempts = 3) => claimed(index, now, { claim, until: now + 100, maxAttempts })

describe("an index", () => {
  it("takes an id once, and refuses the byte too much", () => {
    const one = [{ id: "a", at: 5, attempts: 0 }]
    const size = JSON.stringify(one).length
    expect(enqueued([], "a", 5, size)).toEqual(one)
    expect(enqueued([], "a", 5, size - 1)).toBe("full")
    expect(enqueued(one, "a", 9, 0)).toBe(one)
  })

  it("gives the first whose time has come, to the millisecond, and says when the next one's does", () => {
    const index: Index = [{ id: "late", at: 10, attempts: 0 }, { id: "later", at: 20, attempts: 0 }]
    expect(take(index, 9, "x").found).toEqual({ _tag: "Nothing", before: 10 })
    expect(take(index, 10, "x").found).toMatchObject({ _tag: "Claimed", element: { id: "late", attempts: 1, claim: "x", until: 110 } })
    expect(take([], 0, "x").found).toEqual({ _tag: "Nothing", before: Infinity })
  })

  it("gives a claimed one to another when the claim has lapsed, not before", () => {
    const { index } = take(of("a"), 0, "x")
    expect(take(index, 99, "y").found).toEqual({ _tag: "Nothing", before: 100 })
    expect(take(index, 100, "y").found).toMatchObject({ _tag: "Claimed", element: { attempts: 2, claim: "y" } })
    expect(take(renewed(index, new Set(["x"]), 150), 100, "y").found).toEqual({ _tag: "Nothing", before: 150 })
    expect(renewed(index, new Set(["y"]), 150)).toBe(index)
  })

  it("has an element failed whose last claim lapsed; one that only others may try again, it passes over", () => {
    const { index } = take(of("a", "b"), 0, "x", 1)
    expect(take(index, 100, "y", 1).found).toMatchObject({ _tag: "Exhausted", element: { id: "a", attempts: 1 } })
    expect(take([{ id: "a", at: 0, attempts: 1 }, ...of("b")], 0, "y", 1).found).toMatchObject({ _tag: "Claimed", element: { id: "b" } })
  })

  it("settles by claim: gone, again at the end, or as if it had not been taken", () => {
    const { index } = take(of("a", "b"), 0, "x")
    expect(owns(index, "x")).toBe(true)
    expect(owns(index, "y")).toBe(false)
    expect(settled(index, "x", { _tag: "Gone" })).toEqual(of("b"))
    expect(settled(index, "x", { _tag: "Again", at: 7 })).toEqual([...of("b"), { id: "a", at: 7, attempts: 1 }])
    expect(settled(index, "x", { _tag: "Released" })).toEqual(of("b", "a"))
    expect(settled(index, "y", { _tag: "Gone" })).toBe(index)
  })
})
