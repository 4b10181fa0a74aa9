/** Identities by chance: the same from the same seed, and of the right form whatever chance gives. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { expect, test } from "vitest"
import { chanceOf } from "./Chance.ts"

const made = Effect.map(Random.Random, (random) => {
  const { reference, uuid, vbucketUuid } = chanceOf(random)
  return Array.from({ length: 20 }, () => [reference(), uuid(), vbucketUuid()] as const)
})

test("the same seed gives the same, another gives another", () => {
  const [once, again, other] = ["a", "a", "b"].map((seed) => Effect.runSync(Random.withSeed(made, seed)))
  expect(again).toEqual(once)
  expect(other).not.toEqual(once)
  expect(new Set(once!.map(([reference]) => reference)).size).toBe(20)
})

test.each([0, 0.5, 1 - 2 ** -53])("chance %d", (chance) => {
  const { reference, uuid, vbucketUuid } = chanceOf({ nextDoubleUnsafe: () => chance, nextIntUnsafe: () => 0 })
  // RFC 9562, 5.4
  expect(reference()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(uuid()).toHaveLength(16)
  expect(vbucketUuid() > 0n && vbucketUuid() < 1n << 48n).toBe(true)
})
