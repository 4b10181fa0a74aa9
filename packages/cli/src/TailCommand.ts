/**
 * `wirewright tail`: the changes of a bucket, a line each, as they happen; with `--checkpoint` from where it left off.
 *
 * A line is settled once stdout has taken it: what is killed at any moment prints again what it may not have printed, and loses nothing.
 */
import type { ChangesOptions, CheckpointStore, DcpEvent } from "@wirewright/dcp"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Stream from "effect/Stream"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { hostname } from "node:os"
import { openCheckpoints } from "./CheckpointsTarget.ts"
import { Failure, failureOf, usage } from "./Failure.ts"
import { jsonFlag, on, optional, withDefault } from "./Flags.ts"
import { givenPassword } from "./Input.ts"
import { moreLog } from "./Messages.ts"
import { metricsParameter, metricsPlace, serveMetrics } from "./MetricsFlag.ts"
import { block, flush, line } from "./Output.ts"
import { inspectLive, inspectParameter } from "./InspectFlag.ts"
import { ClientCapture } from "./ConnectionCapture.ts"
import { LastSaid, showConnecting, showStream, terminalBelow } from "./StreamStatus.ts"
import { untilTold } from "./UntilTold.ts"

const parameters = {
  url: Argument.String("url").pipe(
    Argument.withDescription("couchbase://user:password@host:port/bucket; the password may be in WIREWRIGHT_PASSWORD or --password-file")
  ),
  vbuckets: optional(Flag.String("vbuckets"), "Only these, such as 0-3,17", "all"),
  member: optional(
    Flag.String("member"),
    "This process's share of a group that several print, such as 2/5; tail-1/5, or host/5 for the host's own name: by the number at the end of the "
      + "name, as a StatefulSet gives it, from 0",
    "all vbuckets"
  ),
  from: optional(
    Flag.Literals("from", ["beginning", "now", "checkpoint"]),
    "Where to begin",
    "checkpoint with --checkpoint, beginning without"
  ),
  to: withDefault(Flag.Literals("to", ["now", "never"]), "Where to end", "never" as const),
  checkpoint: optional(
    Flag.String("checkpoint"),
    "A directory that remembers what was printed, or a bucket, by a URL as the first, whose password is the same",
    "nothing is remembered"
  ),
  group: withDefault(Flag.String("group"), "Name of the connections and checkpoints", "tail"),
  json: jsonFlag("A line of JSON for each event"),
  format: optional(
    Flag.String("format"),
    "A line for each event, such as '%k %s %v': %e event %k key %v value %s seqno %r rev %c cas %C collection's name %b vbucket",
    "columns for people"
  ),
  collections: optional(Flag.String("collections"), "Only these, such as shop.orders,_default", "all"),
  noValue: on("no-value", "Without the documents"),
  xattrs: on("xattrs", "With extended attributes"),
  verbose: on("verbose", "Snapshots, seqnos without changes and the end of each vbucket, too, and more log lines"),
  noClusterMap: on("no-cluster-map", "The host is the only node, whatever it says of others"),
  window: withDefault(Flag.Int("window"), "Bytes a node may send ahead", 10 * 1024 * 1024),
  slowAfter: withDefault(
    Flag.Int("slow-after"),
    "Seconds after which a line that stdout has not taken is logged, and what has no stream",
    30
  ),
  inspect: inspectParameter,
  metrics: metricsParameter,
  passwordFile: optional(Flag.String("password-file"), "A file that holds the password", "the URL or WIREWRIGHT_PASSWORD has it")
}

/** Parts of a bucket that have an owner each, as in `DcpSharding`: members are no more. */
const memberSlices = 64

/** Highest number of a vbucket: no bucket has more than 1 024. */
const lastVbucket = 1023

/** Vbuckets of a text such as `0-3,17`; or what is wrong with it. */
export const vbucketList = (text: string): ReadonlyArray<number> | string => {
  const found = new Set<number>()
  for (const part of text.split(",")) {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part.trim())
    if (range === null) return `${JSON.stringify(part)} is no vbucket and no range, expected such as 0-3,17`
    const [first, last] = [Number(range[1]), Number(range[2] ?? range[1])]
    const beyond = [range[1], range[2]].find((number) => Number(number) > lastVbucket)
    if (beyond !== undefined) return `there is no vbucket ${beyond}, a bucket has at most 0 to ${lastVbucket}`
    if (last < first) return `the range ${part.trim()} ends before it begins`
    for (let vbucket = first; vbucket <= last; vbucket++) found.add(vbucket)
  }
  return [...found].sort((a, b) => a - b)
}

/** Which member of how many, from 0: of a text such as `2/5`; `tail-1/5`, which a StatefulSet named; `host/5` for the host's own name; or what is wrong with it. */
export const memberOf = (text: string, host: string): { readonly member: number; readonly members: number } | string => {
  const found = /^(\d{1,4}|[a-z0-9][-.a-z0-9]*)\/(\d{1,4})$/.exec(text)
  if (found === null) return "expected such as 2/5, tail-1/5, or host/5"
  const members = Number(found[2])
  const number = /^\d+$/.test(found[1]!) ? Number(found[1]) : undefined
  const name = found[1] === "host" ? host : found[1]!
  const ordinal = /-(\d{1,4})(?:\.|$)/.exec(name)?.[1]
  if (number === undefined && ordinal === undefined) return `the name ${name} does not end with a number, such as tail-0`
  const member = number === undefined ? Number(ordinal) : number - 1
  if (members < 1 || members > memberSlices) return `there are 1 to ${memberSlices} members`
  if (member >= 0 && member < members) return { member, members }
  return number === undefined
    ? `${name} is none of ${members} members, which are 0 to ${members - 1}`
    : `there are members 1 to ${members}`
}

/** Shows in a page what goes over the connections to the nodes; says on stderr where it is. */
const tapped = Effect.gen(function*() {
  const { sink, url } = yield* inspectLive(["dcp"])
  yield* Effect.logInfo(`the inspector is at ${url}`).pipe(moreLog("Info"))
  return new ClientCapture([sink])
})

/** The command. */
export const tailCommand = Command.make("tail", parameters, (given) =>
  Effect.scoped(Effect.gen(function*() {
    const { checkpoint, collections, format, group, json, noClusterMap, noValue, to, url, verbose, window, xattrs } = given
    const { formatLine, formatProblem, jsonLine, plainLine } = yield* Effect.promise(() => import("./TailFormat.ts"))
    if (json && format !== undefined) return yield* usage("give --json or --format, not both")
    const problem = format === undefined ? undefined : formatProblem(format)
    if (problem !== undefined) return yield* usage(`--format: ${problem}`)
    const vbuckets = given.vbuckets === undefined ? undefined : vbucketList(given.vbuckets)
    if (typeof vbuckets === "string") return yield* usage(`--vbuckets ${given.vbuckets}: ${vbuckets}`)
    const share = given.member === undefined ? undefined : memberOf(given.member, hostname())
    if (typeof share === "string") return yield* usage(`--member ${given.member}: ${share}`)
    if (share !== undefined && vbuckets !== undefined) return yield* usage("give --member or --vbuckets, not both")
    if (share !== undefined && noClusterMap) return yield* usage("--member needs the cluster map, which says how many vbuckets there are")
    const from = given.from ?? (checkpoint === undefined ? "beginning" : "checkpoint")
    if (from === "checkpoint" && checkpoint === undefined) return yield* usage("--from checkpoint needs --checkpoint DIR or URL")
    if (from !== "checkpoint" && checkpoint !== undefined && given.from === "beginning") {
      return yield* usage("--from beginning would forget the checkpoints; use another directory")
    }
    if (window < 0 || window > 0xffff_ffff) return yield* usage(`--window ${window}: from 0 to 4294967295 bytes`)
    const { metrics, slowAfter } = given
    if (slowAfter < 1) return yield* usage(`--slow-after ${slowAfter}: 1 second or more`)
    yield* metricsPlace(metrics)
    const password = yield* givenPassword(given.passwordFile)
    const { CheckpointStore: Store, Dcp } = yield* Effect.promise(() => import("@wirewright/dcp"))
    const { bySlices, eventsOf, handOver, settle, start, vbucketsOfMember } = yield* Effect.promise(() =>
      import("@wirewright/dcp/internal")
    )
    const saved = checkpoint !== undefined
    const options: ChangesOptions = {
      group,
      from: saved ? from === "now" ? { savedOr: "now" } : "checkpoint" : from,
      to,
      values: noValue ? "none" : "all",
      xattrs,
      verbose,
      commitInterval: 250,
      slowAfter: slowAfter * 1000,
      window,
      ...vbuckets === undefined ? {} : { vbuckets },
      ...collections === undefined ? {} : { collections: collections.split(",") }
    }
    const print = format !== undefined ? (event: DcpEvent) => formatLine(format, event) : json ? jsonLine : plainLine
    // line breaks and tabs of the format are meant, and its values have none
    const put = format === undefined ? line : block
    // with 1 024 vbuckets, what each says of itself at its end would hide the changes; that all have caught up is one line
    const about = (event: DcpEvent): boolean =>
      event._tag === "CaughtUp" && event.vbucket !== undefined || event._tag === "VbucketEnded" && event.failure === undefined
    const shows = (event: DcpEvent): boolean => verbose || (format === undefined ? !about(event) : "key" in event)
    const shown = !json && terminalBelow()
    const said = new LastSaid()
    const tail = Effect.gen(function*() {
      const { address, started } = yield* serveMetrics(metrics)
      if (address !== undefined) yield* Effect.logInfo(`/health, /status and /metrics are at http://${address}`)
      const store: typeof CheckpointStore.Service = checkpoint === undefined
        ? Store.memory()
        : (yield* openCheckpoints(checkpoint, password)).archive
      const all = (yield* Dcp).cluster.map?.vbuckets.map((_, vbucket) => vbucket) ?? []
      const slices = Math.min(memberSlices, all.length)
      if (share !== undefined && share.members > slices) {
        return yield* usage(`--member ${given.member}: ${share.members} members are more than the ${slices} vbuckets`)
      }
      const consumer = yield* Effect.provideService(
        share === undefined ? start(options) : start({ ...options, vbuckets: vbucketsOfMember(all, slices, share.member, share.members) }),
        Store,
        share === undefined ? store : bySlices(store, all, slices)
      )
      yield* started
      if (shown) yield* showStream(consumer, said)
      yield* Stream.runForEachArray(eventsOf(consumer), (some) =>
        Effect.promise(async () => {
          for (const event of some) {
            handOver(event)
            if (shows(event)) put(print(event))
          }
          await flush()
          for (const event of some) settle(event)
        }))
    })
    const tap = given.inspect ? yield* tapped : undefined
    const connected = Effect.scoped(to === "never" ? untilTold(tail) : tail).pipe(
      Effect.provide(Dcp.layerUrl(url, password, { ...noClusterMap ? { ignoreMap: true } : {}, ...tap === undefined ? {} : { tap } })),
      Effect.mapError((error) => error instanceof Failure ? error : failureOf(error))
    )
    yield* (shown ? Effect.scoped(Effect.andThen(showConnecting(url), connected)) : connected).pipe(
      shown ? Effect.provide(said.layer) : identity,
      // that a node was found again is no warning, and yet what somebody who saw it lost waits for
      moreLog(verbose ? "Debug" : "Info")
    )
  }))).pipe(
    Command.withShortDescription("Print the changes of a bucket"),
    Command.withDescription(
      "Tail: the changes of a bucket as they happen, one line each. With --checkpoint it remembers what it printed and goes on from there; "
        + "after a failover that lost changes it prints a rollback: whatever has a higher seqno in that vbucket never happened. "
        + "Ctrl-C saves and ends. On a terminal the last line says how it goes: vbuckets that are streamed, the lag (seqnos that are there and not "
        + "printed), the rate, and what is wrong or happened last."
    ),
    Command.withExamples([
      {
        command:
          "wirewright tail couchbase://user@db/travel --member host/3 --checkpoint couchbase://user@db/travel --metrics 0.0.0.0:9100",
        description: "One of three in a StatefulSet"
      },
      { command: "wirewright tail couchbase://user@127.0.0.1/travel --to now", description: "Everything that is there" },
      { command: "wirewright tail couchbase://127.0.0.1:12000/default --json --checkpoint ./seen", description: "Go on where it left off" },
      { command: "wirewright tail couchbase://127.0.0.1:12000/default --format '%k %s %v'", description: "Keys, seqnos and values" }
    ])
  )
