/** Plays features: each step by the one pattern that fits it, in virtual time. */
import { Cause, Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import { connectionSteps } from "./ConnectionSteps.ts"
import { eventSteps } from "./EventSteps.ts"
import type { Feature, Scenario } from "./FeatureFiles.ts"
import { presenceSteps } from "./PresenceSteps.ts"
import { recordSteps } from "./RecordSteps.ts"
import { rpcSteps } from "./RpcSteps.ts"
import { serverSteps } from "./ServerSteps.ts"
import type { Step } from "./Steps.ts"
import { World } from "./World.ts"

/** The whole vocabulary. */
export const vocabulary: ReadonlyArray<Step> = [
  ...serverSteps,
  ...connectionSteps,
  ...eventSteps,
  ...recordSteps,
  ...rpcSteps,
  ...presenceSteps
]

/** How a scenario went. */
export interface Outcome {
  readonly file: string
  readonly scenario: string
  readonly steps: number
  /** Steps that passed. */
  readonly passed: number
  /** What failed, and in which step; undefined when nothing did. */
  readonly failure: string | undefined
}

const playStep = (world: World, text: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    const fitting = vocabulary.filter(({ pattern }) => pattern.test(text))
    if (fitting.length === 0) throw new Error("no step is known by this text")
    if (fitting.length > 1) throw new Error(`several steps fit: ${fitting.map(({ pattern }) => String(pattern)).join(", ")}`)
    const [{ pattern, run }] = fitting as [Step]
    return run(world, ...pattern.exec(text)!.slice(1)) ?? Effect.void
  })

const playScenario = (world: World, file: string, { name, steps }: Scenario): Effect.Effect<Outcome> =>
  Effect.gen(function*() {
    yield* world.beginScenario
    const outcome = { file, scenario: name, steps: steps.length }
    let passed = 0
    for (const text of steps) {
      const exit = yield* Effect.exit(playStep(world, text))
      if (exit._tag === "Failure") {
        const error = Cause.squash(exit.cause)
        return { ...outcome, passed, failure: `${text}: ${error instanceof Error ? error.message : String(error)}` }
      }
      passed++
    }
    const unasserted = world.thrown.filter(({ code, message }) => !world.asserted.has(`${code} ${message}`))
    const failure = unasserted.length === 0
      ? undefined
      : `errors that no step asserts: ${unasserted.map(({ code, message }) => `${code}: ${message}`).join("; ")}`
    return { ...outcome, passed, failure }
  })

/** Plays every scenario of the features, one after another in one process. */
export const play = (features: ReadonlyArray<Feature>): Promise<ReadonlyArray<Outcome>> =>
  Effect.gen(function*() {
    const outcomes: Array<Outcome> = []
    for (const { file, scenarios } of features) {
      const world = new World()
      for (const scenario of scenarios) outcomes.push(yield* playScenario(world, file, scenario))
      yield* world.end
    }
    return outcomes
  }).pipe(Effect.provide(TestClock.layer()), Effect.provide(Logger.layer([])), Effect.runPromise)
