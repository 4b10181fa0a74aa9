/** Paths into JSON, deadlines, mailboxes, and what changes a list. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { Deadlines } from "./Deadlines.ts"
import { entryChanges } from "./DeepstreamList.ts"
import { sameJson } from "./Json.ts"
import { getPath, setPath } from "./JsonPath.ts"
import { Mailbox, streamOf } from "./Mailbox.ts"

describe("paths", () => {
  const data = { name: "Lisa", pets: [{ name: "Rex", age: 3 }, { name: "Kit" }] }

  it.each(
    [
      ["name", "Lisa"],
      ["pets.0.name", "Rex"],
      ["pets[1].name", "Kit"],
      [" pets . 0 . age ", 3],
      ["pets.5.name", undefined],
      ["name.length", undefined],
      ["toString", undefined]
    ] as const
  )("finds %s", (path, value) => expect(getPath(data, path)).toBe(value))

  it("writes without changing what was there", () => {
    const after = setPath(data, "pets[0].age", 4) as typeof data
    expect(after.pets[0]).toEqual({ name: "Rex", age: 4 })
    expect(data.pets[0]!.age).toBe(3)
    expect(after.pets[1]).toBe(data.pets[1])
    expect(setPath(data, "pets.0.age", 3)).toBe(data)
  })

  it("makes arrays after brackets and objects after dots, as servers do", () => {
    expect(setPath({}, "a[1].b", 1)).toEqual({ a: [null, { b: 1 }] })
    expect(setPath({}, "a.1.b", 1)).toEqual({ a: { 1: { b: 1 } } })
    expect(setPath({ a: 5 }, "a.b", 1)).toEqual({ a: { b: 1 } })
  })

  it("removes", () => {
    expect(setPath(data, "name", undefined)).toEqual({ pets: data.pets })
    expect(setPath({ a: [1, 2] }, "a[0]", undefined)).toEqual({ a: [null, 2] })
    expect(setPath(data, "nothing.here", undefined)).toBe(data)
  })

  it("refuses no path, and an index far after the end, but not one before", () => {
    for (const path of ["", ".", " . "]) expect(() => setPath({}, path, 1)).toThrow(RangeError)
    expect((setPath({}, "a[1024]", 1) as { readonly a: ReadonlyArray<unknown> }).a).toHaveLength(1025)
    expect(() => setPath({}, "a[1025]", 1)).toThrow(RangeError)
    expect(() => setPath({ a: [] }, "a.length", 1)).toThrow(RangeError)
  })

  it("compares JSON", () => {
    expect(sameJson({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toBe(true)
    expect(sameJson({ a: 1 }, { b: 1 })).toBe(false)
    expect(sameJson([], {})).toBe(false)
    expect(sameJson({ a: undefined }, {})).toBe(false)
  })
})

describe("deadlines", () => {
  it("come in the order of their times, cancelled ones not at all", () => {
    const deadlines = new Deadlines()
    const seen: Array<number> = []
    const times = Array.from({ length: 1000 }, (_, index) => index * 7919 % 1000)
    const all = times.map((at) => deadlines.add(at, () => seen.push(at)))
    all.forEach((deadline, index) => {
      if (index % 3 !== 0) deadlines.cancel(deadline)
    })
    expect(deadlines.size).toBe(334)
    for (let now = 0; now < 1000; now += 10) deadlines.run(now)
    deadlines.run(1000)
    expect(seen).toEqual(times.filter((_, index) => index % 3 === 0).sort((a, b) => a - b))
    expect([deadlines.size, deadlines.next]).toEqual([0, undefined])
  })

  it("may add and cancel one another", () => {
    const deadlines = new Deadlines()
    const seen: Array<string> = []
    const second = deadlines.add(2, () => seen.push("second"))
    deadlines.add(1, () => {
      seen.push("first")
      deadlines.cancel(second)
      deadlines.add(1, () => seen.push("added"))
    })
    deadlines.run(5)
    expect(seen).toEqual(["first", "added"])
  })
})

describe("mailboxes", () => {
  const fill = (overflow: "fail" | "dropOldest" | "dropNewest", count: number) =>
    Effect.runPromise(
      Stream.runCollect(
        streamOf(() => new Mailbox<number, string>({ bufferSize: 3, overflow }, (limit) => `more than ${limit}`), (mailbox) => {
          for (let value = 1; value <= count; value++) mailbox.offer(value)
          if (count <= 3) mailbox.end(Effect.fail("over"))
          return () => {}
        }).pipe(Stream.take(3), Stream.catch((error) => Stream.make(error)))
      )
    )

  it.each(
    [
      ["fail", 3, [1, 2, 3]],
      ["dropOldest", 4, [2, 3, 4]],
      ["dropNewest", 4, [1, 2, 3]]
    ] as const
  )("that %s hold as many values as they may (%i)", async (overflow, count, values) => expect(await fill(overflow, count)).toEqual(values))

  it("that fail do so after what they hold", async () => {
    const all = streamOf(() => new Mailbox<number, string>({ bufferSize: 3 }, (limit) => `more than ${limit}`), (mailbox) => {
      for (let value = 1; value <= 4; value++) mailbox.offer(value)
      return () => {}
    })
    expect(await Effect.runPromise(Stream.runCollect(Stream.catch(all, (error) => Stream.make(error))))).toEqual([1, 2, 3, "more than 3"])
  })
})

describe("lists", () => {
  it.each(
    [
      [["a", "b"], ["a", "b", "c"], ["Added c 2"]],
      [["a", "b", "c"], ["a", "c"], ["Removed b 1", "Moved c 1"]],
      [["a", "a"], ["a"], ["Removed a 1"]],
      [["a", "b"], ["b", "a"], ["Moved b 0", "Moved a 1"]],
      [[], [], []]
    ] as ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<string>, ReadonlyArray<string>]>
  )(
    "%j to %j",
    (before, after, changes) =>
      expect(entryChanges(before, after).map(({ _tag, index, name }) => `${_tag} ${name} ${index}`)).toEqual(changes)
  )
})
