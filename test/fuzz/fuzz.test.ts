/** A bounded run of `npm run fuzz`. Replay with WIREWRIGHT_SEED. */
import { expect, it } from "vitest"
import { fuzz } from "./Fuzz.ts"

const seed = Number(process.env["WIREWRIGHT_SEED"] ?? 20_261_128)

it(`20 000 structure-aware decodes: packets, typed errors, and nothing else (seed ${seed})`, () => {
  const { decodes, findings, incomplete, packets, protocols, refused, same } = fuzz(20_000, seed)
  expect(findings).toEqual([])
  expect(decodes).toBe(packets + refused + incomplete)
  // inputs that nothing accepts, or that everything does, would prove nothing
  expect(Math.min(packets, refused, incomplete)).toBeGreaterThan(200)
  expect(protocols.size).toBe(5)
  expect(same).toBeGreaterThan(packets * 0.99)
})
