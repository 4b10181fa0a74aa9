/** What an operator hears of vbuckets that moved, and of those that stood still and do not any more: each once, and few by their numbers. */
import { expect, it } from "vitest"
import { Alarms } from "./Alarms.ts"
import type { VbucketStream } from "./VbucketStream.ts"

it("vbuckets that moved are one line for each way, said once", () => {
  const alarms = new Alarms(1_000)
  for (const vbucket of [0, 1, 2, 3, 4, 5, 6]) alarms.moved(vbucket, "a:1", "b:1")
  alarms.moved(9, "b:1", "a:1")
  expect(alarms.look(new Map(), 0)).toEqual([
    { level: "info", text: "7 vbuckets moved from a:1 to b:1: 0, 1, 2, 3, 4 and 2 more", vbuckets: 7 },
    { level: "info", text: "1 vbucket moved from b:1 to a:1: 9", vbuckets: 1 }
  ])
  expect(alarms.look(new Map(), 0)).toEqual([])
})

/** A vbucket whose application has this change, or none. */
const stream = (ordinal: number | undefined): VbucketStream =>
  ({
    follower: {
      action: { _tag: "Follow" },
      open: true,
      progress: { oldest: ordinal === undefined ? undefined : { number: ordinal, seqno: BigInt(ordinal) } }
    }
  }) as unknown as VbucketStream

it("what was said to stand still is said to get on again, once; what was not said is not", () => {
  const alarms = new Alarms(1_000)
  const look = (now: number, ...ordinals: ReadonlyArray<number | undefined>): ReadonlyArray<string> =>
    alarms.look(new Map(ordinals.map((ordinal, vbucket) => [vbucket, stream(ordinal)])), now).map(({ text }) => text)
  expect(look(0, 5, 6, 7)).toEqual([])
  expect(look(999, 5, 6, 7)).toEqual([])
  expect(look(1_000, 5, 6, 8)).toEqual([
    "no progress within 1000 ms: vbucket 0 (processing the change at seqno 5), vbucket 1 (processing the change at seqno 6)"
  ])
  expect(look(1_100, 5, 9, undefined)).toEqual(["1 vbucket gets on again: 1"])
  expect(look(1_200, undefined, 9, undefined)).toEqual(["1 vbucket gets on again: 0"])
  expect(look(1_300, undefined, undefined, undefined)).toEqual([])
})
