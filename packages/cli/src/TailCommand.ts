/**
 * `wirewright tail`: the changes of a bucket, a line each, as they happen; with `--checkpoint` from where it left off.
 *
 * A line is settled once stdout has taken it: what is killed at any moment prints again what it may not have printed, and loses nothing.
 */
import type { CheckpointStore } from "@wirewright/dcp/CheckpointStore"
import type { ChangesOptions } from "@wirewright/dcp/ChangesOptions"
import type { DcpConsumer } from "@wirewright/dcp/DcpConsumer"
import type { DcpError } from "@wirewright/dcp/DcpError"
import type { DcpEvent } from "@wirewright/dcp/DcpEvent"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { readFileSync } from "node:fs"
import { exitCodes, Findings, Unreachable, Usage } from "./Failure.ts"
import { flush, line, say } from "./Output.ts"

const optional = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional, Flag.map(Option.getOrUndefined))

const parameters = {
  url: Argument.String("url").pipe(
    Argument.withDescription("couchbase://user:password@host:port/bucket; the password may be in WIREWRIGHT_PASSWORD or --password-file")
  ),
  vbuckets: optional("vbuckets", "Only these, such as 0-3,17"),
  from: Flag.Literals("from", ["beginning", "now", "checkpoint"]).pipe(
    Flag.withDescription("Where to begin; checkpoint with --checkpoint, beginning otherwise"),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  ),
  to: Flag.Literals("to", ["now", "never"]).pipe(Flag.withDescription("Where to end"), Flag.withDefault("never" as const)),
  checkpoint: optional("checkpoint", "A directory that remembers what was printed"),
  group: Flag.String("group").pipe(Flag.withDescription("Name of the connections and checkpoints"), Flag.withDefault("tail")),
  json: Flag.Boolean("json").pipe(Flag.withDescription("A line of JSON for each event"), Flag.withDefault(false)),
  format: optional(
    "format",
    "A line for each event, such as '%k %s %v': %e event %k key %v value %s seqno %r rev %c cas %C collection %b vbucket"
  ),
  collections: optional("collections", "Only these, such as shop.orders,_default"),
  noValue: Flag.Boolean("no-value").pipe(Flag.withDescription("Without the documents"), Flag.withDefault(false)),
  xattrs: Flag.Boolean("xattrs").pipe(Flag.withDescription("With extended attributes"), Flag.withDefault(false)),
  verbose: Flag.Boolean("verbose").pipe(Flag.withDescription("Snapshots and seqnos without changes, too"), Flag.withDefault(false)),
  noClusterMap: Flag.Boolean("no-cluster-map").pipe(
    Flag.withDescription("The host is the only node, whatever it says of others"),
    Flag.withDefault(false)
  ),
  window: Flag.Int("window").pipe(Flag.withDescription("Bytes a node may send ahead"), Flag.withDefault(10 * 1024 * 1024)),
  passwordFile: optional("password-file", "A file that holds the password")
}

/** Vbuckets of a text such as `0-3,17`. */
export const vbucketList = (text: string): ReadonlyArray<number> | undefined => {
  const found = new Set<number>()
  for (const part of text.split(",")) {
    const range = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim())
    if (range === null) return undefined
    const [first, last] = [Number(range[1]), Number(range[2] ?? range[1])]
    if (last < first || last > 65_535) return undefined
    for (let vbucket = first; vbucket <= last; vbucket++) found.add(vbucket)
  }
  return [...found].sort((a, b) => a - b)
}

const usage = (message: string): Effect.Effect<never, Usage> => Effect.fail(new Usage({ message }))

const passwordOf = (file: string | undefined): Effect.Effect<Redacted.Redacted<string> | undefined, Usage> => {
  const given = process.env["WIREWRIGHT_PASSWORD"]
  if (file === undefined) return Effect.succeed(given === undefined ? undefined : Redacted.make(given))
  return Effect.try({
    try: () => Redacted.make(readFileSync(file, "utf8").replace(/\r?\n$/, "")),
    catch: () => new Usage({ message: `--password-file ${file}: cannot be read` })
  })
}

const failure = (error: DcpError): Effect.Effect<never, Findings | Unreachable | Usage> => {
  if (error._tag === "ConnectionError") {
    return Effect.andThen(Effect.sync(() => say(`wirewright: ${error.message}`)), Effect.fail(new Unreachable(error)))
  }
  if (error._tag !== "DcpStreamFailed") return usage(error.message)
  return Effect.andThen(Effect.sync(() => say(`wirewright: ${error.message}`)), Effect.fail(new Findings({ count: 1 })))
}

/** Says how it goes, on one line of a terminal, twice a second. */
const watch = (consumer: DcpConsumer): Effect.Effect<void> => {
  let before = 0
  let at = performance.now()
  const show = Effect.sync(() => {
    const { events, rollbacks, streaming, vbuckets, connections } = consumer.status
    const now = performance.now()
    const rate = Math.round((events - before) / (now - at) * 1000)
    before = events
    at = now
    const outstanding = connections.reduce((sum, one) => sum + one.outstanding, 0)
    process.stderr.write(
      `\r\u001b[K${streaming}/${vbuckets} vbuckets  ${events} events  ${rate}/s  ${outstanding} B ahead  ${rollbacks} rollbacks`
    )
  })
  return Effect.forever(Effect.andThen(show, Effect.sleep(500)))
}

/** The command. */
export const tailCommand = Command.make("tail", parameters, (given) =>
  Effect.gen(function*() {
    const { checkpoint, collections, format, group, json, noClusterMap, noValue, to, url, verbose, window, xattrs } = given
    const { formatLine, formatProblem, jsonLine, plainLine } = yield* Effect.promise(() => import("./TailFormat.ts"))
    if (json && format !== undefined) return yield* usage("give --json or --format, not both")
    const problem = format === undefined ? undefined : formatProblem(format)
    if (problem !== undefined) return yield* usage(`--format: ${problem}`)
    const vbuckets = given.vbuckets === undefined ? undefined : vbucketList(given.vbuckets)
    if (given.vbuckets !== undefined && vbuckets === undefined) return yield* usage(`--vbuckets ${given.vbuckets}: expected such as 0-3,17`)
    const from = given.from ?? (checkpoint === undefined ? "beginning" : "checkpoint")
    if (from === "checkpoint" && checkpoint === undefined) return yield* usage("--from checkpoint needs --checkpoint DIR")
    if (from !== "checkpoint" && checkpoint !== undefined && given.from === "beginning") {
      return yield* usage("--from beginning would forget the checkpoints; use another directory")
    }
    if (window < 0 || window > 0xffff_ffff) return yield* usage(`--window ${window}: from 0 to 4294967295 bytes`)
    const password = yield* passwordOf(given.passwordFile)
    const { Dcp, eventsOf, start } = yield* Effect.promise(() => import("@wirewright/dcp/Dcp"))
    const { handOver, settle } = yield* Effect.promise(() => import("@wirewright/dcp/DcpEvent"))
    const { CheckpointStore: Store } = yield* Effect.promise(() => import("@wirewright/dcp/CheckpointStore"))
    const { fileStore } = yield* Effect.promise(() => import("@wirewright/dcp/CheckpointFiles"))
    const store: typeof CheckpointStore.Service = checkpoint === undefined ? Store.memory() : fileStore(checkpoint)
    const saved = checkpoint !== undefined
    const options: ChangesOptions = {
      group,
      from: saved ? from === "now" ? { savedOr: "now" } : "checkpoint" : from,
      to,
      values: noValue ? "none" : "all",
      xattrs,
      verbose,
      commitInterval: 250,
      window,
      ...vbuckets === undefined ? {} : { vbuckets },
      ...collections === undefined ? {} : { collections: collections.split(",") }
    }
    const print = format !== undefined ? (event: DcpEvent) => formatLine(format, event) : json ? jsonLine : plainLine
    // what a stream says of itself is for programs; people want the changes, and what went wrong
    const about = (event: DcpEvent): boolean =>
      event._tag === "CaughtUp" && event.vbucket !== undefined || event._tag === "VbucketEnded" && event.failure === undefined
    const shows = (event: DcpEvent): boolean => json || verbose || (format === undefined ? !about(event) : "key" in event)
    const tail = Effect.gen(function*() {
      const consumer = yield* start(options)
      if (process.stderr.isTTY === true && process.stdout.isTTY !== true) yield* Effect.forkScoped(watch(consumer))
      yield* Stream.runForEachArray(eventsOf(consumer), (some) =>
        Effect.promise(async () => {
          for (const event of some) {
            handOver(event)
            if (shows(event)) line(print(event))
          }
          await flush()
          for (const event of some) settle(event)
        }))
    })
    yield* Effect.scoped(tail).pipe(
      Effect.provideService(Store, store),
      Effect.provide(Dcp.layerUrl(url, password, noClusterMap ? { ignoreMap: true } : {})),
      Effect.catch((error) =>
        error._tag === "ConnectionStringError" || error._tag === "CertificateUnreadable" ? usage(error.message) : failure(error)
      )
    )
  })).pipe(
    Command.withShortDescription("Print the changes of a bucket"),
    Command.withDescription(
      "Tail: the changes of a bucket as they happen, one line each. With --checkpoint it remembers what it printed and goes on from there; "
        + "after a failover that lost changes it prints a rollback: whatever has a higher seqno in that vbucket never happened. "
        + `Ctrl-C saves and ends with 130.\n\n  ${exitCodes} (a vbucket cannot be streamed) · 69 unreachable`
    ),
    Command.withExamples([
      { command: "wirewright tail couchbase://user@127.0.0.1/travel --to now", description: "Everything that is there" },
      { command: "wirewright tail couchbase://127.0.0.1:12000/default --json --checkpoint ./seen", description: "Go on where it left off" },
      { command: "wirewright tail couchbase://127.0.0.1:12000/default --format '%k %s %v'", description: "Keys, seqnos and values" }
    ])
  )
