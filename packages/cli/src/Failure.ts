/** How the command fails: findings (exit code 100) and wrong usage (exit code 1). Both are reported where they occur, not as defects. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"

/** Something was found: stale files, packets that do not decode. Everything about it has been printed. */
export class Findings extends Data.TaggedError("Findings")<{ readonly count: number }> {
  override readonly [Runtime.errorExitCode] = 100
  override readonly [Runtime.errorReported] = false
}

/** The command cannot do what it was asked to. */
export class Usage extends Data.TaggedError("Usage")<{ readonly message: string }> {
  override readonly [Runtime.errorExitCode] = 1
  override readonly [Runtime.errorReported] = false
}

/** Nobody answers at the address. What is known about it has been printed. */
export class Unreachable extends Data.TaggedError("Unreachable")<{ readonly message: string }> {
  override readonly [Runtime.errorExitCode] = 69
  override readonly [Runtime.errorReported] = false
}

/** Stops with a message on stderr and exit code 1. */
export const refuse = (message: string): never => {
  throw new Usage({ message })
}

/** Runs a handler that returns its number of findings; `Findings` and `Usage` are failures, everything else is a defect. */
export const handler = (run: () => Promise<number>): Effect.Effect<void, Findings | Usage> =>
  Effect.tryPromise({
    try: async () => {
      const count = await run()
      if (count > 0) throw new Findings({ count })
    },
    catch: (error) => {
      if (error instanceof Findings || error instanceof Usage) return error
      throw error
    }
  })

/** The exit codes, as every help text says them. */
export const exitCodes = "Exit codes: 0 done · 1 wrong usage or unexpected · 100 findings"
