/**
 * `wirewright checkpoints`: what the groups of change streams remember, looked at, moved, written out and taken from other consumers.
 *
 * A group that a consumer has is changed with `--force` only: the consumer is refused from then on, and ends.
 */
import type { Checkpoint, CheckpointGroup, Checkpoints, StoredGroup } from "@wirewright/dcp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { type CheckpointsTarget, findGroup, isUrl, mustExist, noGroup, openCheckpoints } from "./CheckpointsTarget.ts"
import { counted, type Failure, failureOf, usage } from "./Failure.ts"
import { jsonFlag, on, optional } from "./Flags.ts"
import { givenPassword, textIn } from "./Input.ts"
import { flush, line, say } from "./Output.ts"
import { vbucketList } from "./TailCommand.ts"

const store = {
  store: Argument.String("store").pipe(
    Argument.withDescription(
      "A directory, as tail --checkpoint has it, the documents of a bucket, couchbase://user@host/bucket, or the table of a database: sqlite:FILE, "
        + "postgres://user@host/database"
    )
  ),
  json: jsonFlag("Objects of JSON, a line each"),
  passwordFile: optional(Flag.String("password-file"), "A file that holds the password", "the URL or WIREWRIGHT_PASSWORD has it")
}

const group = {
  ...store,
  group: Flag.String("group").pipe(Flag.withDescription("The group, as BUCKET/GROUP, or GROUP where that is clear. Default: there is none"))
}

const change = {
  ...group,
  force: on("force", "Also when a consumer has the group; it is refused from then on, and ends")
}

interface Given {
  readonly store: string
  readonly passwordFile: string | undefined
}

const opened = ({ passwordFile, store }: Given) =>
  Effect.flatMap(givenPassword(passwordFile), (password) => openCheckpoints(store, password))

/** The group, which has to be there. */
const found = (target: CheckpointsTarget, given: string): Effect.Effect<{ readonly name: string; readonly stored: StoredGroup }, Failure> =>
  Effect.flatMap(
    findGroup(target, given),
    ({ name, stored }) => stored === undefined ? Effect.flatMap(noGroup(target, given), Effect.fail) : Effect.succeed({ name, stored })
  )

/** A group that is there, with what is stored of it. */
const existing = (given: Given & { readonly group: string }): Effect.Effect<StoredGroup, Failure, Scope.Scope> =>
  Effect.gen(function*() {
    yield* mustExist(given.store)
    return (yield* found(yield* opened(given), given.group)).stored
  })

const ownerWords = ({ owner }: StoredGroup): string =>
  owner === undefined ? "nobody has it" : `${owner.by} has it since ${new Date(owner.since).toISOString()}`

const groupJson = ({ checkpoints, epoch, name, owner }: StoredGroup): string =>
  JSON.stringify({
    group: name,
    vbuckets: checkpoints.size,
    seqnos: String(sum(checkpoints)),
    epoch,
    ...owner === undefined ? {} : { owner: owner.by, since: new Date(owner.since).toISOString() }
  })

const sum = (checkpoints: Checkpoints): bigint => [...checkpoints.values()].reduce((all, { position }) => all + position.seqno, 0n)

const groupLine = (found: StoredGroup): string =>
  `${found.name}  ${counted(found.checkpoints.size, "vbucket")}  ${sum(found.checkpoints)} seqnos  ${ownerWords(found)}`

const sorted = (checkpoints: Checkpoints): ReadonlyArray<readonly [number, Checkpoint]> => [...checkpoints].sort(([a], [b]) => a - b)

const checkpointJson = (vbucket: number, { ahead, complete, position, undo }: Checkpoint): string =>
  JSON.stringify({
    vbucket,
    seqno: String(position.seqno),
    snapshot: [String(position.snapshotStart), String(position.snapshotEnd)],
    uuid: String(position.vbucketUuid),
    complete: complete.map(({ seqno }) => String(seqno)),
    ...ahead ? { ahead } : {},
    ...undo ? { undo } : {}
  })

const checkpointLine = (vbucket: number, { ahead, position, undo }: Checkpoint): string => {
  const { seqno, snapshotEnd, snapshotStart, vbucketUuid } = position
  const notes = [...undo ? ["a rollback to it has begun"] : [], ...ahead ? ["more may have been delivered"] : []]
  return [
    `vb ${vbucket}`.padEnd(8),
    `seqno ${seqno}`.padEnd(14),
    `snapshot ${snapshotStart}-${snapshotEnd}`.padEnd(22),
    `branch ${vbucketUuid}`,
    ...notes
  ]
    .join("  ")
}

const listCommand = Command.make("list", store, (given) =>
  Effect.scoped(Effect.gen(function*() {
    yield* mustExist(given.store)
    const { archive } = yield* opened(given)
    for (const name of yield* Effect.mapError(archive.groups, failureOf)) {
      const found = yield* Effect.mapError(archive.look(name), failureOf)
      if (found !== undefined) line(given.json ? groupJson(found) : groupLine(found))
    }
    yield* Effect.promise(flush)
  }))).pipe(
    Command.withDescription("The groups of a store, and who has them."),
    Command.withExamples([{
      command: "wirewright checkpoints list ./seen",
      description: "Those that tail --checkpoint ./seen has written"
    }])
  )

const showCommand = Command.make("show", group, (given) =>
  Effect.scoped(Effect.gen(function*() {
    const found = yield* existing(given)
    if (!given.json) line(groupLine(found))
    for (const [vbucket, checkpoint] of sorted(found.checkpoints)) line((given.json ? checkpointJson : checkpointLine)(vbucket, checkpoint))
    yield* Effect.promise(flush)
  }))).pipe(
    Command.withDescription("The checkpoints of a group, a line for each vbucket."),
    Command.withExamples([{
      command: "wirewright checkpoints show couchbase://app@127.0.0.1/travel --group indexer",
      description: "In a bucket"
    }])
  )

const exportCommand = Command.make("export", group, (given) =>
  Effect.scoped(Effect.gen(function*() {
    const { checkpoints, epoch } = yield* existing(given)
    const { checkpointsText } = yield* Effect.promise(() => import("@wirewright/dcp"))
    line(checkpointsText(checkpoints, epoch))
    yield* Effect.promise(flush)
  }))).pipe(
    Command.withDescription("All that is remembered of a group, as one object of JSON that import takes."),
    Command.withExamples([{ command: "wirewright checkpoints export ./seen --group tail > tail.json", description: "Into a file" }])
  )

/** Takes a group over; refuses when somebody has it, unless that is meant. */
const taken = ({ archive }: CheckpointsTarget, name: string, force: boolean): Effect.Effect<CheckpointGroup, Failure, Scope.Scope> =>
  Effect.mapError((force ? archive.open : archive.openFree)(name), failureOf)

const done = (given: { readonly json: boolean }, name: string, what: string, count: number): Effect.Effect<void> => {
  if (given.json) line(JSON.stringify({ group: name, done: what, vbuckets: count }))
  else say(`${name}: ${what} (${counted(count, "vbucket")})`)
  return Effect.promise(flush)
}

const setCommand = Command.make(
  "set",
  {
    ...change,
    position: Argument.String("position").pipe(
      Argument.withDescription("beginning, now, or a seqno for each vbucket that is meant, such as 0=812,17=40")
    ),
    server: optional(
      Flag.String("server"),
      "The bucket that is followed, couchbase://user@host/bucket; asked for now, and for seqnos that were not processed yet",
      "the store, where that is a bucket"
    ),
    vbuckets: optional(Flag.String("vbuckets"), "Only these, such as 0-3,17; with beginning and now", "all")
  },
  (given) =>
    Effect.scoped(Effect.gen(function*() {
      const { beyond, movesTo, seqnoList } = yield* Effect.promise(() => import("./CheckpointsSet.ts"))
      const position = given.position === "beginning" || given.position === "now" ? given.position : seqnoList(given.position)
      if (typeof position === "string" && position !== "beginning" && position !== "now") {
        return yield* usage(`neither beginning nor now: ${position}`)
      }
      const only = given.vbuckets === undefined ? undefined : vbucketList(given.vbuckets)
      if (typeof only === "string") return yield* usage(`--vbuckets ${given.vbuckets}: ${only}`)
      if (only !== undefined && typeof position !== "string") return yield* usage("--vbuckets goes with beginning and now")
      yield* mustExist(given.store)
      const password = yield* givenPassword(given.passwordFile)
      const target = yield* openCheckpoints(given.store, password)
      const { name, stored } = yield* found(target, given.group)
      const { Dcp } = yield* Effect.promise(() => import("@wirewright/dcp"))
      const url = given.server ?? (isUrl(given.store) ? given.store : undefined)
      const needed = position === "now" || movesTo(position, stored.checkpoints, undefined, only).forward.size > 0
      if (needed && url === undefined) {
        return yield* usage(`${given.position} was not processed yet: give --server couchbase://user@host/bucket, which knows it`)
      }
      const services = needed ? yield* Effect.mapError(Layer.build(Dcp.layerUrl(url!, password)), failureOf) : undefined
      const highs = services === undefined ? undefined : (yield* Effect.provide(Dcp.highSeqnos(), services)).seqnos
      const plan = (checkpoints: Checkpoints): Effect.Effect<Checkpoints, Failure> =>
        Effect.gen(function*() {
          const { back, forward } = movesTo(position, checkpoints, highs, only)
          if (services === undefined || forward.size === 0) return back
          const problem = beyond(forward, highs!)
          if (problem !== undefined) return yield* usage(problem)
          return new Map([...back, ...yield* Effect.mapError(Effect.provide(Dcp.checkpointsAt(forward), services), failureOf)])
        })
      // what cannot be done is found before a consumer is driven out
      yield* plan(stored.checkpoints)
      const group = yield* taken(target, name, given.force)
      const moved = yield* plan(yield* Effect.mapError(group.load, failureOf))
      yield* Effect.mapError(group.save(moved), failureOf)
      yield* done(given, name, `set to ${given.position}`, moved.size)
    }))
).pipe(
  Command.withDescription(
    "Set: where a group goes on. Back, its consumer gets again what it had; forward, it never gets what lies between. The group's consumer is stopped first, "
      + "or refused from then on (--force)."
  ),
  Command.withExamples([
    { command: "wirewright checkpoints set ./seen beginning --group tail", description: "Everything again" },
    {
      command: "wirewright checkpoints set ./seen now --group tail --server couchbase://app@127.0.0.1/travel",
      description: "Without what is there by now"
    },
    { command: "wirewright checkpoints set couchbase://app@127.0.0.1/travel 17=40 --group indexer", description: "One vbucket" }
  ])
)

/** Checkpoints of go-dcp's documents in a bucket. */
const goDcpDocuments = (url: string, name: string, password: Redacted.Redacted<string> | undefined) =>
  Effect.gen(function*() {
    const { goDcp, goDcpCheckpoint } = yield* Effect.promise(() => import("./CheckpointImport.ts"))
    const { LookupIn } = yield* Effect.promise(() => import("@wirewright/couchbase"))
    const { documents } = yield* openCheckpoints(url, password)
    const one = (vbucket: number) =>
      Effect.gen(function*() {
        const key = goDcp.key(name, vbucket)
        const document = yield* Effect.mapError(documents!.kv.lookupIn(key, [LookupIn.get(goDcp.attribute, { xattr: true })]), failureOf)
        const entry = Option.isNone(document) ? undefined : document.value.entries[0]
        if (entry === undefined || !entry.exists) return []
        const checkpoint = yield* Effect.try({
          try: () => goDcpCheckpoint(vbucket, new TextDecoder().decode(entry.bytes)),
          catch: (error) => usage(`${key}: ${(error as Error).message}`)
        })
        return [[vbucket, checkpoint] as const]
      })
    const all = yield* Effect.forEach(Array.from({ length: 1024 }, (_, vbucket) => vbucket), one, { concurrency: 64 })
    const checkpoints: Checkpoints = new Map(all.flat())
    if (checkpoints.size === 0) return yield* usage(`${documents!.bucket} has no checkpoints of the group ${name} of go-dcp`)
    return { format: "go-dcp", checkpoints, bucket: undefined }
  })

const importCommand = Command.make(
  "import",
  {
    ...change,
    from: Argument.String("from").pipe(
      Argument.withDescription("A file, - for stdin, or couchbase://user@host/bucket with the documents of go-dcp")
    ),
    fromGroup: optional(Flag.String("from-group"), "The group's name in go-dcp's documents", "the last part of --group")
  },
  (given) =>
    Effect.scoped(Effect.gen(function*() {
      const password = yield* givenPassword(given.passwordFile)
      const { importedFrom } = yield* Effect.promise(() => import("./CheckpointImport.ts"))
      if (given.fromGroup !== undefined && !isUrl(given.from)) return yield* usage("--from-group goes with couchbase://user@host/bucket")
      const imported = isUrl(given.from)
        ? yield* goDcpDocuments(given.from, given.fromGroup ?? given.group.replace(/^.*\//, ""), password)
        : yield* Effect.mapError(
          Effect.flatMap(textIn(given.from), (text) => Effect.fromResult(importedFrom(text))),
          (problem) => typeof problem === "string" ? usage(`${given.from}: ${problem}`) : problem
        )
      const target = yield* openCheckpoints(given.store, password)
      const { name } = yield* findGroup(target, given.group, target.documents?.bucket ?? imported.bucket)
      if (!name.includes("/")) return yield* usage(`--group ${name}: write BUCKET/GROUP, with the bucket that is followed`)
      const group = yield* taken(target, name, given.force)
      yield* Effect.mapError(Effect.andThen(group.clear, group.save(imported.checkpoints)), failureOf)
      yield* done(given, name, `checkpoints of ${imported.format} imported`, imported.checkpoints.size)
    }))
).pipe(
  Command.withDescription(
    "Import: what another consumer remembers becomes what a group remembers, and nothing else: an export of ours, go-dcp's file or documents, "
      + "the file of cbes-checkpoint-backup, or offsets of Kafka Connect, as its REST interface or its topic has them. Which it is is told by "
      + "what is in it. Stop that consumer first."
  ),
  Command.withExamples([
    { command: "wirewright checkpoints import ./seen tail.json --group travel/tail", description: "An export" },
    {
      command: "wirewright checkpoints import couchbase://app@127.0.0.1/travel couchbase://app@127.0.0.1/meta --group indexer",
      description: "go-dcp's group of the same name, whose documents are in another bucket"
    },
    {
      command: "curl -s http://connect:8083/connectors/travel/offsets | wirewright checkpoints import ./seen - --group travel/indexer",
      description: "Of the Kafka connector, which tells the bucket"
    }
  ])
)

/** The command. */
export const checkpointsCommand = Command.make("checkpoints").pipe(
  Command.withShortDescription("Look at, move and import what change streams remember"),
  Command.withDescription(
    "Checkpoints of groups of change streams, in a directory, in the documents of a bucket, or in a table of SQLite or PostgreSQL."
  ),
  Command.withExamples([
    { command: "wirewright checkpoints list ./seen", description: "Which groups there are, and who has them" },
    { command: "wirewright checkpoints set ./seen beginning --group tail", description: "Everything again" }
  ]),
  Command.withSubcommands([listCommand, showCommand, setCommand, exportCommand, importCommand])
)
