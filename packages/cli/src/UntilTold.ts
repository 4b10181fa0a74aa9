/**
 * Commands that run until they are told to end: SIGTERM, by which init systems and Kubernetes tell it, is then the end that was meant, and the exit code
 * is that of success. Whoever presses Ctrl-C, or ends what had more to do, gets the code of an interruption.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import { exits } from "./Exits.ts"

let endless = false
let told = false

/** Says of the work of this process that it has no end of its own. */
export const untilTold = <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    endless = true
    return work
  })

/** Hears SIGTERM. What it does is not here. */
export const hearSigterm = (): void => void process.once("SIGTERM", () => told = true)

/** The exit code of a run. */
export const teardown: Runtime.Teardown = (exit, onExit) =>
  endless && told && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
    ? onExit(exits.done.code)
    : Runtime.defaultTeardown(exit, onExit)
