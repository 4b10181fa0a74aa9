/**
 * The soak of `npm run soak:hostile -- --peers`, small: beside hostile clients nobody honest sees a wrong answer, whoever wrote their client. How
 * long answers take is printed, not judged.
 */
import { beforeAll, describe, expect, it } from "vitest"
import { ours, soak, type SoakOutcome, told } from "../hostile/Siege.ts"
import { peers } from "./SoakClients.ts"

const there = peers.filter(({ available }) => available())

describe.skipIf(there.length === 0)("20 hostile clients for 20 seconds, and 3 honest ones of each kind", () => {
  let outcome: SoakOutcome

  beforeAll(async () => {
    const clients = [...ours, ...there.map(({ connect }) => connect)]
    outcome = await soak({ seconds: 20, hostile: 20, honest: 3 * clients.length, clients })
    console.log(told(outcome))
  })

  it("no wrong answer", () => {
    expect(outcome.wrong).toEqual([])
    expect(outcome.attacks).toHaveLength(11)
  })

  for (const name of ["our memcached client", "our Couchbase client"]) {
    it(`${name} has its answers`, () => {
      expect(outcome.waits.get(name)).toMatchObject({ clients: 3 })
      expect(outcome.waits.get(name)!.answers).toBeGreaterThan(300)
    })
  }

  for (const peer of peers) {
    it.skipIf(!there.includes(peer))(`${peer.name} has its answers`, () => {
      expect(outcome.waits.get(peer.name)).toMatchObject({ clients: 3 })
      expect(outcome.waits.get(peer.name)!.answers).toBeGreaterThan(300)
    })
  }
})
