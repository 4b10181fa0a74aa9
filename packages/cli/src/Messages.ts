/**
 * What is said on stderr: how the command failed, and what the libraries log. For people a line each, with what peers sent made visible;
 * with `--json` an object a line, as `stderr.schema.json` describes it. Nothing that must be parsed goes anywhere else.
 */
import * as Effect from "effect/Effect"
import type * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { exits } from "./Exits.ts"
import type { Failure } from "./Failure.ts"
import { say, sayBlock } from "./Output.ts"
import { visible } from "@wirewright/codec/Visible"

/** Whether the arguments ask for JSON, also where they are too wrong to be parsed. */
export const wantsJson = (args: ReadonlyArray<string>): boolean => {
  const end = args.indexOf("--")
  const asked = (end < 0 ? args : args.slice(0, end)).findLast((arg) => /^--(?:no-)?json(?:=|$)/.test(arg))
  return asked !== undefined && !/^--no-json$|=(?:false|0|no|off|n)$/.test(asked)
}

/** A failure as an object of JSON. */
export const failureJson = ({ ambiguous, details = [], error, exit, hint, message }: Failure): object => ({
  error,
  exit,
  code: exits[exit].code,
  message: [message, ...details].join("\n"),
  ...ambiguous === undefined ? {} : { ambiguous },
  ...hint === undefined ? {} : { hint }
})

/** A failure as lines for people; none when they have read it already. */
export const failureLines = ({ details = [], exit, frames, hint, message, told }: Failure): ReadonlyArray<string> => {
  if (told === true) return []
  const text = `wirewright: ${exit === "unexpected" ? "unexpected: " : ""}${message}`
  return [text, ...frames === undefined ? details : [], ...hint === undefined ? [] : [`  → ${hint}`]].map(visible)
}

/** Says how the command failed; to people with the stack when it is unexpected. */
export const tell = (failure: Failure, asJson: boolean): void => {
  if (asJson) return say(json(failureJson(failure)))
  for (const frame of failure.frames ?? []) sayBlock(frame, true)
  for (const line of failureLines(failure)) say(line)
  if (failure.cause instanceof Error && failure.cause.stack !== undefined) sayBlock(failure.cause.stack)
}

const levels: { readonly [level: string]: string | undefined } = { WARN: "warning" }

const words = (value: unknown): string => typeof value === "string" || typeof value === "bigint" ? String(value) : json(value)

const json = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => typeof part === "bigint" ? String(part) : part) ?? "undefined"

/** What `Logger.formatStructured` makes of a log line. */
export type Logged = typeof Logger.formatStructured extends Logger.Logger<unknown, infer Output> ? Output : never

/** What a library logs, as one line: for people, what it is about after the words, the time last. */
export const logLine = ({ annotations, cause, level, message, timestamp }: Logged, asJson: boolean): string => {
  const name = levels[level] ?? level.toLowerCase()
  const said = Array.isArray(message) ? message.map(words).join(" ") : words(message)
  const about = cause === undefined ? annotations : { ...annotations, cause: annotations["cause"] ?? cause.split("\n", 1)[0] }
  if (asJson) return json({ level: name, time: timestamp, message: said, annotations: about })
  const parts = Object.entries({ ...about, time: timestamp }).map(([key, value]) => {
    const text = words(value)
    return `${visible(key)}=${/^[^\s"=]+$/.test(text) ? visible(text) : visible(JSON.stringify(text))}`
  })
  return [`wirewright: ${name}: ${visible(said)}`, ...parts].join("  ")
}

/** Log lines go to stderr; stdout is for data. */
export const stderrLogger = (asJson: boolean): Logger.Logger<unknown, void> =>
  Logger.map(Logger.formatStructured, (logged) => say(logLine(logged, asJson)))

/** Shows log lines from this level on, unless `--log-level` says otherwise. Default: warnings. */
export const moreLog = (level: LogLevel.LogLevel) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    Effect.serviceOption(GlobalFlag.LogLevel),
    (asked) => Option.isSome(Option.flatten(asked)) ? effect : Effect.provideService(effect, References.MinimumLogLevel, level)
  )
