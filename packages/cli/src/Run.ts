/**
 * One run of the command: arguments to help, errors, log lines and an exit code. `main` is a run of the process.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import { readFileSync } from "node:fs"
import { Failure, failureOfDefect, usage } from "./Failure.ts"
import { helpText } from "./Help.ts"
import { stderrLogger, tell, wantsJson } from "./Messages.ts"
import { block, colorsOn, flush } from "./Output.ts"
import { wirewright } from "./Wirewright.ts"

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { readonly version: string }

const print = (text: string, painted: boolean): Effect.Effect<void> =>
  Effect.suspend(() => {
    block(text, painted)
    return Effect.promise(flush)
  })

/** Help is data; what is wrong with an invocation goes to stderr, with the way to the help instead of the help itself. */
const presenter = (json: boolean) =>
  CliOutput.layerPresenter({
    present: (event) => {
      switch (event._tag) {
        case "Help": {
          const colors = colorsOn(process.stdout)
          return print(helpText(event.helpDoc, { columns: process.stdout.columns ?? 80, colors }), colors)
        }
        case "Version":
          return print(`${event.name} v${event.version}`, false)
        case "InvalidInvocation": {
          const message = event.errors.map((error) => error.message.replace(/\s*\n\s*/g, " ")).join("; ")
          return Effect.sync(() => tell(usage(message, `See ${event.commandPath.join(" ")} --help`), json))
        }
      }
    }
  })

/** Says how it failed. A wrong invocation has been said, and an interruption is no failure. */
const report = (json: boolean) => <E>(cause: Cause.Cause<E>): Effect.Effect<never, E | Failure> =>
  Effect.flatMap(Effect.promise(flush), (): Effect.Effect<never, E | Failure> => {
    const error = Cause.squash(cause)
    const said = Cause.hasInterruptsOnly(cause) || !Cause.hasDies(cause) && !(error instanceof Failure)
    if (said) return Effect.failCause(cause)
    const failure = failureOfDefect(error)
    tell(failure, json)
    return Effect.fail(failure)
  })

/** Runs the command with these arguments; its failure has an exit code and has been said. */
export const run = (args: ReadonlyArray<string>): Effect.Effect<void, unknown> => {
  const json = wantsJson(args)
  return Command.runWith(wirewright, { version })(args).pipe(
    Effect.catchCause(report(json)),
    Effect.provideService(References.MinimumLogLevel, "Warn"),
    Effect.provide(Logger.layer([stderrLogger(json)])),
    Effect.provide(presenter(json)),
    Effect.provide(NodeServices.layer)
  )
}
