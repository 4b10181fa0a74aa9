/** Steps: patterns, what they do, and how the texts of deepstream's feature files are read. */
import type { Effect } from "effect"
import { isDeepStrictEqual } from "node:util"
import type { World } from "./World.ts"

/** A step's work. Throws a `StepFailed`, or fails, when what it asserts does not hold. */
export type StepBody = (world: World, ...args: ReadonlyArray<string>) => Effect.Effect<void> | void

/** One pattern of the vocabulary. */
export interface Step {
  readonly pattern: RegExp
  readonly run: StepBody
}

/** What a step asserts does not hold. */
export class StepFailed extends Error {}

/** A step. */
export const step = (pattern: RegExp, run: StepBody): Step => ({ pattern, run })

/** Throws unless it holds. */
export const expect = (holds: boolean, message: () => string): void => {
  if (!holds) throw new StepFailed(message())
}

/** Throws unless both are the same. */
export const expectSame = (actual: unknown, expected: unknown, what: string): void =>
  expect(isDeepStrictEqual(actual, expected), () => `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`)

/** Throws unless something was noted once since this was last asked, and is what was expected. */
export const expectOnce = (world: World, list: string, expected: unknown): void => {
  const noted = world.list<unknown>(list).splice(0)
  expectSame(noted, [expected], list)
}

/** Throws when something was noted since this was last asked. */
export const expectNone = (world: World, list: string): void => expectSame(world.list<unknown>(list).splice(0), [], list)
