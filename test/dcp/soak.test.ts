/** A day of hand-overs in small: what is reported as lost is what was lost. `npm run soak:dcp` has the whole of it: a thousand hand-overs, a hundred losses. */
import { expect, it } from "vitest"
import { tried } from "../../packages/codec/src/Whole.fixture.ts"
import { soak, soakProblems } from "./Soak.ts"

const hours = tried(12, 24)

it(
  `${hours} hours of virtual time with restarts, reconnects and hand-overs, most vbuckets empty: planted losses are reported once each, and nothing else`,
  async () => {
    const outcome = await soak({ seed: 1, hours, vbuckets: 128, empty: 110, slices: 2, handOvers: hours * 5 / 2, losses: hours / 2 })
    expect(soakProblems(outcome)).toEqual([])
    expect(outcome.planted.size).toBe(hours / 2)
    expect([...outcome.planted.values()].filter((kind) => kind === "a purge after kill -9 before the first commit")).toHaveLength(
      tried(1, 2)
    )
    // what happened, so that nothing was reported for want of it
    for (const kind of ["reconnect", "restart", "half-open link", "kill -9", "failover without loss"]) {
      expect(outcome.counts.get(kind) ?? 0, kind).toBeGreaterThan(tried(1, 5))
    }
  },
  300_000
)
