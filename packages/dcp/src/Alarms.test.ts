/** What an operator hears of vbuckets that moved: a line for each way, once, and few vbuckets by their numbers. */
import { expect, it } from "vitest"
import { Alarms } from "./Alarms.ts"

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
