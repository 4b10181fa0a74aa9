/** The soak of `npm run soak:hostile`, small: nobody honest sees a wrong answer. How long answers take is printed, not judged. */
import { expect, it } from "vitest"
import { tried } from "../../packages/codec/src/Whole.fixture.ts"
import { soak, told } from "./Siege.ts"

const seconds = tried(4, 10)

it(`20 hostile and 20 honest clients for ${seconds} seconds: no wrong answer`, async () => {
  const outcome = await soak({ seconds, hostile: 20, honest: 20 })
  console.log(told(outcome))
  expect(outcome.wrong).toEqual([])
  expect(outcome.attacks.map(([kind]) => kind).toSorted()).toHaveLength(11)
  expect([...outcome.waits.keys()].toSorted()).toEqual(["our Couchbase client", "our memcached client"])
  for (const { answers } of outcome.waits.values()) expect(answers).toBeGreaterThan(20 * seconds)
})
