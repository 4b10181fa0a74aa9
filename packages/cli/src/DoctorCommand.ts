/**
 * `wirewright doctor`: why a client cannot connect, line by line. What is looked at is `Doctor`'s; this prints it and chooses the exit
 * code.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { type Check, checkCouchbase, checkWay } from "./Doctor.ts"
import { exitCodes, type Findings, handler, refuse, Unreachable } from "./Failure.ts"
import { memcachedSchemes, openTarget } from "./KvTarget.ts"
import { flush, line, say } from "./Output.ts"

/** A URL as it may be shown. */
export const masked = (url: string): string => url.replace(/^([a-z]+:\/\/[^:/@?]*):.*@/i, "$1:***@")

const parameters = {
  url: Argument.String("url").pipe(
    Argument.withDescription(
      "couchbase://user:password@host:port/bucket or memcached://host:port; the password may be in WIREWRIGHT_PASSWORD"
    )
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("One JSON object on stdout"), Flag.withDefault(false))
}

interface Report {
  readonly checks: ReadonlyArray<Check>
  /** A way to a node was found. */
  readonly reached: boolean
}

const checkMemcached = async (url: string, password: Redacted.Redacted<string> | undefined): Promise<ReadonlyArray<Check>> => {
  const asked = Effect.scoped(
    Effect.flatMap(openTarget({ url, password, collection: undefined, timeout: undefined }), ({ exists }) => exists("wirewright-doctor"))
  )
  const answer = await Effect.runPromise(Effect.result(asked))
  if (Result.isSuccess(answer)) return [{ name: "memcached", status: "ok", detail: "answers in the binary protocol" }]
  const { message, reason } = answer.failure
  const hint = reason === "AuthFailed"
    ? "The server wants a user and a password, or other ones."
    : "Is it memcached, and started with -B binary or auto? Newer proxies speak only the text protocol."
  return [{ name: "memcached", status: "failed", detail: message, hint }]
}

const examine = async (url: string, password: Redacted.Redacted<string> | undefined): Promise<Report> => {
  const { couchbaseSchemes, parseConnectionString } = await import("@wirewright/couchbase/ConnectionString")
  const { optionsOfTarget } = await import("@wirewright/couchbase/KvOptions")
  const classic = /^memcacheds?:\/\//i.test(url)
  const parsed = parseConnectionString(url, password, classic ? memcachedSchemes : couchbaseSchemes)
  if (Result.isFailure(parsed)) return refuse(parsed.failure.message)
  const target = parsed.success
  const options = await Effect.runPromise(Effect.result(optionsOfTarget(target)))
  if (Result.isFailure(options)) return refuse(options.failure.message)
  const checks: Array<Check> = []
  let reached = false
  for (const seed of target.seeds) {
    const way = await checkWay(seed, target, options.success.tls)
    checks.push(...way)
    reached ||= way.some(({ name, status }) => name === "TCP" && status === "ok")
    if (way.some(({ status }) => status !== "ok")) continue
    checks.push(...classic ? await checkMemcached(url, password) : await checkCouchbase(seed, options.success))
    break
  }
  return { checks, reached }
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
  let report: Report | undefined
  const run = handler(async () => {
    report = await examine(url, secret === undefined ? undefined : Redacted.make(secret))
    if (json) line(JSON.stringify({ url: masked(url), ...report }))
    else for (const check of report.checks) show(check)
    await flush()
    return report.checks.filter(({ status }) => status === "failed").length
  })
  return Effect.catchTag(run, "Findings", (findings): Effect.Effect<void, Findings | Unreachable> => {
    if (report?.reached !== false) return Effect.fail(findings)
    say(`wirewright: nobody answers at ${masked(url)}`)
    return Effect.fail(new Unreachable({ message: "nobody answers" }))
  })
}).pipe(
  Command.withShortDescription("Find out why a client cannot connect"),
  Command.withDescription(
    "Doctor: name, port, TLS, features, sign-in, bucket, cluster map and nodes, each ok or failed with a hint. It changes nothing.\n\n  "
      + `${exitCodes} · 69 unreachable`
  ),
  Command.withExamples([
    { command: "wirewright doctor couchbase://user@127.0.0.1/default", description: "A bucket; the password is in WIREWRIGHT_PASSWORD" },
    { command: "wirewright doctor 'couchbases://host/default?trust_certificate=ca.pem'", description: "With TLS" },
    { command: "wirewright doctor memcached://127.0.0.1:11211 --json", description: "memcached, for programs" }
  ])
)
