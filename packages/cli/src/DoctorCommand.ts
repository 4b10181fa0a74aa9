/**
 * `wirewright doctor`: why a client cannot connect, line by line. What is looked at is `Doctor`'s; this prints it and chooses the exit
 * code.
 */
import type { Seed } from "@wirewright/couchbase"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import { type Check, checkCouchbase, checkWay, explained } from "./Doctor.ts"
import type { FailureExit } from "./Exits.ts"
import { Failure, failureOf, failureOfDefect } from "./Failure.ts"
import { jsonFlag } from "./Flags.ts"
import { openTarget } from "./KvTarget.ts"
import { flush, line } from "./Output.ts"

/** A URL as it may be shown. */
export const masked = (url: string): string => url.replace(/^([a-z]+:\/\/[^:/@?]*):.*@/i, "$1:***@")

const parameters = {
  url: Argument.String("url").pipe(
    Argument.withDescription(
      "couchbase://user:password@host:port/bucket or memcached://host:port; the password may be in WIREWRIGHT_PASSWORD"
    )
  ),
  json: jsonFlag("One JSON object on stdout")
}

interface Report {
  readonly checks: ReadonlyArray<Check>
  /** What is wrong, if anything is: with the node that was looked at, or with the ways to all of them. */
  readonly exit: FailureExit | undefined
}

const checkMemcached = async (
  seed: Seed,
  tls: boolean,
  url: string,
  password: Redacted.Redacted<string> | undefined
): Promise<ReadonlyArray<Check>> => {
  const asked = Effect.scoped(
    Effect.flatMap(openTarget({ url, password, collection: undefined, timeout: undefined }), ({ exists }) => exists("wirewright-doctor"))
  )
  const answer = await Effect.runPromise(Effect.result(asked))
  if (Result.isSuccess(answer)) return [{ name: "memcached", status: "ok", detail: "answers" }]
  const { exit, hint, message } = answer.failure
  const help = exit === "denied"
    ? "The server wants a user and a password, or other ones."
    : "Is it memcached?"
  const check: Check = { name: "memcached", status: "failed", detail: message, hint: hint ?? help, exit }
  return [exit === "unreachable" ? await explained(check, seed, tls) : check]
}

/** The exit of the first check that failed. */
const exitOf = (checks: ReadonlyArray<Check>): FailureExit | undefined => checks.find(({ status }) => status === "failed")?.exit

const examine = async (url: string, password: Redacted.Redacted<string> | undefined): Promise<Report> => {
  const { optionsOfTarget, parseConnectionString, parseMemcachedString } = await import("@wirewright/couchbase")
  const classic = /^memcacheds?:\/\//i.test(url)
  const parsed = classic ? parseMemcachedString(url, password) : parseConnectionString(url, password)
  if (Result.isFailure(parsed)) throw failureOf(parsed.failure)
  const target = parsed.success
  const options = await Effect.runPromise(Effect.result(optionsOfTarget(target)))
  if (Result.isFailure(options)) throw failureOf(options.failure)
  const checks: Array<Check> = []
  for (const seed of target.seeds) {
    const way = await checkWay(seed, target, options.success.tls)
    checks.push(...way)
    if (way.some(({ status }) => status !== "ok")) continue
    const node = classic
      ? await checkMemcached(seed, options.success.tls !== undefined, url, password)
      : await checkCouchbase(seed, options.success)
    checks.push(...node)
    // a node that is well makes up for ways that lead nowhere only in part: clients may begin with those
    return { checks, exit: exitOf(node) ?? (exitOf(checks) === undefined ? undefined : "findings") }
  }
  return { checks, exit: exitOf(checks) }
}

const width = "cluster map".length

/** A check as a line, and its hint below. */
const show = ({ detail, hint, name, status }: Check): void => {
  line(`${status.padEnd(7)}  ${name.padEnd(width)}  ${detail}`)
  if (hint !== undefined) line(`${" ".repeat(width + 11)}→ ${hint}`)
}

/** The command. */
export const doctorCommand = Command.make("doctor", parameters, ({ json, url }) => {
  const secret = process.env["WIREWRIGHT_PASSWORD"]
  return Effect.gen(function*() {
    const { checks, exit } = yield* Effect.tryPromise({
      try: () => examine(url, secret === undefined ? undefined : Redacted.make(secret)),
      catch: failureOfDefect
    })
    if (json) line(JSON.stringify({ url: masked(url), checks }))
    else for (const check of checks) show(check)
    yield* Effect.promise(flush)
    if (exit === undefined) return
    const { detail, name } = checks.find((check) => check.exit === exit) ?? checks.find(({ status }) => status === "failed")!
    return yield* new Failure({ exit, error: "Findings", message: `${name}: ${detail}`, told: true })
  })
}).pipe(
  Command.withShortDescription("Find out why a client cannot connect"),
  Command.withDescription(
    "Doctor: name, port, TLS, features, sign-in, bucket, cluster map and nodes, each ok or failed with a hint. It changes nothing."
  ),
  Command.withExamples([
    { command: "wirewright doctor couchbase://user@127.0.0.1/default", description: "A bucket; the password is in WIREWRIGHT_PASSWORD" },
    { command: "wirewright doctor 'couchbases://host/default?trust_certificate=ca.pem'", description: "With TLS" },
    { command: "wirewright doctor memcached://127.0.0.1:11211 --json", description: "memcached, for programs" }
  ])
)
