/** Few slices move between processes whose addresses were chosen, many between others. */
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import { describe, expect, it } from "vitest"
import { mostMoved, movedWithout, runnerAddresses } from "./RunnerAddresses.ts"

const slices = 64
const pods = Array.from({ length: 8 }, (_, ordinal) => `indexer-${ordinal}.indexer.default.svc.cluster.local`)
const local = Array.from({ length: 8 }, () => "127.0.0.1")

/** By how many slices the worst change of each number of processes, from 2, is more than it is to be. */
const excesses = (addresses: ReadonlyArray<RunnerAddress.RunnerAddress>): ReadonlyArray<number> =>
  addresses.slice(1).map((_, index) => {
    const some = addresses.slice(0, index + 2)
    return Math.max(...some.map((_, absent) => movedWithout(some, slices, absent))) - mostMoved(slices, some.length)
  })

describe.each([["pods", pods], ["one host", local]] as const)("addresses of %s", (_, hosts) => {
  it("move 1/n and a slice whichever of up to four comes or goes, and one slice more of up to eight", () => {
    const found = excesses(runnerAddresses(hosts))
    expect(Math.max(...found.slice(0, 3))).toBeLessThanOrEqual(0)
    expect(Math.max(...found)).toBeLessThanOrEqual(1)
  })

  it("are the same for all, differ, and stay when there are more hosts", () => {
    const all = runnerAddresses(hosts).map(String)
    expect(runnerAddresses(hosts.slice(0, 4)).map(String)).toEqual(all.slice(0, 4))
    expect(new Set(all).size).toBe(hosts.length)
  })
})

it("addresses that nobody chose move more", () => {
  const moved = Array.from({ length: 200 }, (_, one) => {
    const some = Array.from({ length: 4 }, (_, member) => RunnerAddress.make(`10.0.${one}.${member}`, 34_431))
    return movedWithout(some, slices, 3)
  }).sort((a, b) => a - b)
  expect(mostMoved(slices, 4)).toBe(17)
  expect([moved[100], moved[190]]).toEqual([19, 22])
})
