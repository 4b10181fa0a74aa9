/** `wirewright lag`: how far a group of a change stream is behind its bucket, by what it has saved; for people, and for scripts by the exit code. */
import type { HighSeqnos } from "@wirewright/dcp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { findGroup, mustExist, noGroup, openCheckpoints } from "./CheckpointsTarget.ts"
import { counted, Failure, failureOf, usage } from "./Failure.ts"
import { jsonFlag, on, optional, withDefault } from "./Flags.ts"
import { givenPassword } from "./Input.ts"
import type { GroupLag, VbucketLag } from "./Lag.ts"
import { flush, line } from "./Output.ts"
import { untilTold } from "./UntilTold.ts"

const parameters = {
  url: Argument.String("url").pipe(
    Argument.withDescription("couchbase://user:password@host:port/bucket; the password may be in WIREWRIGHT_PASSWORD or --password-file")
  ),
  group: Flag.String("group").pipe(Flag.withDescription("The group. Default: there is none")),
  store: optional(
    Flag.String("store"),
    "Where its checkpoints are: a directory, couchbase://user@host/bucket, sqlite:FILE or postgres://user@host/database",
    "the bucket itself"
  ),
  json: jsonFlag("A line of JSON for each vbucket, and one for all"),
  max: optional(Flag.Int("max"), "Exit code 100 when the group is more seqnos behind than this", "any lag is fine"),
  watch: on("watch", "Again every second, until Ctrl-C"),
  timeout: withDefault(Flag.Int("timeout"), "Seconds that a node has for its answer", 5),
  passwordFile: optional(Flag.String("password-file"), "A file that holds the password", "the URL or WIREWRIGHT_PASSWORD has it")
}

const vbucketJson = ({ ahead, high, lag, seqno, vbucket }: VbucketLag): string =>
  JSON.stringify({
    vbucket,
    seqno: String(seqno),
    ...high === undefined ? {} : { high: String(high), lag: Number(lag) },
    ...ahead ? { ahead } : {}
  })

const allJson = ({ behind, lag, unfollowed, unknown, vbuckets }: GroupLag): string =>
  JSON.stringify({ all: true, lag: Number(lag), behind, vbuckets: vbuckets.length, unknown, unfollowed })

/** Nothing of a vbucket that has caught up. */
const vbucketLine = ({ ahead, high, lag, seqno, vbucket }: VbucketLag): string | undefined => {
  if (lag === 0n && !ahead) return undefined
  const says = high === undefined
    ? "its node was not reached"
    : ahead
    ? `the server has ${counted(Number(seqno - high), "seqno")} less: it lost changes, and a rollback is due`
    : `${lag} behind`
  return [`vb ${vbucket}`.padEnd(8), `seqno ${seqno}`.padEnd(14), `high ${high ?? "?"}`.padEnd(14), says].join("  ")
}

const allLine = ({ behind, lag, unfollowed, unknown, vbuckets }: GroupLag): string =>
  [
    "all".padEnd(8),
    `${lag} behind in ${behind} of ${counted(vbuckets.length, "vbucket")}`,
    ...unknown === 0 ? [] : [`${unknown} not reached`],
    ...unfollowed === 0 ? [] : [`${unfollowed} not followed`]
  ].join("  ")

const print = (lag: GroupLag, json: boolean): Effect.Effect<void> => {
  for (const one of lag.vbuckets) {
    const text = json ? vbucketJson(one) : vbucketLine(one)
    if (text !== undefined) line(text)
  }
  line(json ? allJson(lag) : allLine(lag))
  return Effect.promise(flush)
}

const verdict = ({ lag, unknown }: GroupLag, { missing }: HighSeqnos, max: number | undefined): Failure | undefined => {
  if (unknown > 0) {
    const [first = "no node has them just now"] = [...missing].map(([address, why]) => why.includes(address) ? why : `${address}: ${why}`)
    return new Failure({ exit: "unreachable", error: "NodeMissing", message: `${counted(unknown, "vbucket")} not reached: ${first}` })
  }
  return max !== undefined && lag > BigInt(max)
    ? new Failure({ exit: "findings", error: "Behind", message: `${lag} behind, which is more than ${max}` })
    : undefined
}

/** The command. */
export const lagCommand = Command.make("lag", parameters, (given) =>
  Effect.scoped(Effect.gen(function*() {
    const { group, json, max, timeout, url, watch } = given
    if (max !== undefined && max < 0) return yield* usage(`--max ${max}: 0 or more`)
    if (max !== undefined && watch) return yield* usage("give --max or --watch, not both: watching has no end that could be judged")
    if (timeout < 1) return yield* usage(`--timeout ${timeout}: 1 second or more`)
    const password = yield* givenPassword(given.passwordFile)
    const store = given.store ?? url
    yield* mustExist(store)
    const { Dcp } = yield* Effect.promise(() => import("@wirewright/dcp"))
    const { lagOf } = yield* Effect.promise(() => import("./Lag.ts"))
    const services = yield* Effect.mapError(Layer.build(Dcp.layerUrl(url, password)), failureOf)
    const target = yield* openCheckpoints(store, password)
    const { options: { bucket } } = yield* Effect.provide(Dcp, services)
    const look = Effect.gen(function*() {
      const { stored } = yield* findGroup(target, group, bucket)
      if (stored === undefined) return yield* yield* noGroup(target, group)
      const highs = yield* Effect.provide(Dcp.highSeqnos(`${timeout} seconds`), services)
      const lag = lagOf(stored.checkpoints, highs)
      yield* print(lag, json)
      return verdict(lag, highs, max)
    })
    if (watch) return yield* untilTold(Effect.forever(Effect.andThen(look, Effect.sleep("1 second"))))
    const failure = yield* look
    if (failure !== undefined) return yield* failure
  }))).pipe(
    Command.withShortDescription("How far a change stream is behind its bucket"),
    Command.withDescription(
      "Lag: of each vbucket that a group follows, what it has saved against the highest seqno of the server; of those that have caught up nothing is "
        + "said. Seqnos are no fewer than changes: what was overwritten meanwhile counts. It takes nothing over and opens no stream."
    ),
    Command.withExamples([
      { command: "wirewright lag couchbase://app@127.0.0.1/travel --group indexer", description: "Checkpoints in the bucket itself" },
      {
        command: "wirewright lag couchbase://app@127.0.0.1/travel --group tail --store ./seen --max 1000 || page-somebody",
        description: "As a check, of checkpoints in a directory"
      }
    ])
  )
