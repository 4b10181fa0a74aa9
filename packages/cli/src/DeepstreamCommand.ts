/**
 * `wirewright deepstream`: events, records, procedures and presence of a deepstream server, from the shell.
 *
 * Data goes to stdout, a line each; what went wrong beside it, and what tells the state of the connection, to stderr.
 */
import { type DeepstreamClient, DeepstreamError, type Json, type Problem } from "@wirewright/deepstream"
import { jsonOf } from "@wirewright/codec/JsonPrint"
import { escaped } from "@wirewright/codec/Visible"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { type Failure, failureOf, usage } from "./Failure.ts"
import { jsonFlag, on, optional, repeated, withDefault } from "./Flags.ts"
import { moreLog } from "./Messages.ts"
import { flush, line } from "./Output.ts"
import { jsonText } from "./Shown.ts"
import { untilTold } from "./UntilTold.ts"

const common = {
  url: Argument.String("url").pipe(
    Argument.withDescription("Such as ws://127.0.0.1:6020/deepstream, or /deepstream-v3 for servers 5 to 7")
  ),
  user: optional(Flag.String("user"), "Logs in with this username, and the password in WIREWRIGHT_PASSWORD", "nobody"),
  credentials: optional(Flag.String("credentials"), "Logs in with this JSON object instead", "none"),
  timeout: withDefault(Flag.Int("timeout"), "Milliseconds for the login and for each answer", 5000),
  json: jsonFlag("A line of JSON for each thing"),
  verbose: on("verbose", "More log lines: notices, too")
}

interface Common {
  readonly url: string
  readonly user: string | undefined
  readonly credentials: string | undefined
  readonly timeout: number
  readonly json: boolean
  readonly verbose: boolean
}

const parseJson = (text: string, what: string): Effect.Effect<unknown, Failure> =>
  Effect.try({ try: () => JSON.parse(text) as unknown, catch: () => usage(`${what} is no JSON`) })

const credentialsOf = ({ credentials, user }: Common): Effect.Effect<object, Failure> => {
  if (credentials === undefined) {
    const password = process.env["WIREWRIGHT_PASSWORD"]
    return Effect.succeed(user === undefined ? {} : { username: user, ...password === undefined ? {} : { password } })
  }
  return Effect.flatMap(
    parseJson(credentials, "--credentials"),
    (value) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Effect.succeed(value)
        : Effect.fail(usage("--credentials must be a JSON object"))
  )
}

/** A value as it is written on a command line: JSON when it is, else text. */
const valueOf = (text: string | undefined): string | number | boolean | object | null | undefined => {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as object
  } catch {
    return text
  }
}

/** Logs in, does it, and leaves. `stay` connects again when the connection is lost. */
const perform = (
  given: Common,
  stay: boolean,
  act: (client: DeepstreamClient) => Effect.Effect<void, DeepstreamError, Scope.Scope>
): Effect.Effect<void, Failure> =>
  Effect.gen(function*() {
    const credentials = yield* credentialsOf(given)
    // loaded only when it is wanted: every other command would wait for it
    const { Deepstream } = yield* Effect.promise(() => import("@wirewright/deepstream"))
    const { layerWebSocketConstructorGlobal } = yield* Effect.promise(() => import("effect/socket/Socket"))
    const { timeout } = given
    const timeouts = {
      connectTimeout: timeout,
      loginTimeout: timeout,
      subscriptionTimeout: timeout,
      recordReadAckTimeout: timeout,
      recordReadTimeout: timeout,
      recordDeleteTimeout: timeout,
      recordWriteTimeout: timeout,
      rpcAckTimeout: timeout,
      rpcResponseTimeout: timeout,
      presenceTimeout: timeout
    }
    const client = yield* Deepstream.make({ url: given.url, ...timeouts, ...stay ? {} : { reconnect: { maxAttempts: 0 } } }).pipe(
      Effect.provide(layerWebSocketConstructorGlobal)
    )
    yield* client.login(credentials)
    yield* act(client)
    yield* Effect.promise(flush)
  }).pipe(
    given.verbose ? moreLog("Debug") : identity,
    Effect.scoped,
    Effect.catchTag("DeepstreamError", (error) => Effect.fail(failureOf(error)))
  )

/** Prints a line. */
const print = (json: boolean, about: Record<string, unknown>, text: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    line(json ? jsonOf(about)! : text)
    return Effect.promise(flush)
  })

const name = Argument.String("name")

const example = (rest: string, description: string) => ({ command: `wirewright deepstream ${rest}`, description })

const url = "ws://127.0.0.1:6020/deepstream"

const tail = Command.make(
  "tail",
  {
    ...common,
    event: repeated(Flag.String("event"), "An event", "none"),
    record: repeated(Flag.String("record"), "A record", "none"),
    presence: on("presence", "Who comes and goes"),
    count: optional(Flag.Int("count"), "Ends after so many lines", "never")
  },
  (given) => {
    const { count = Infinity, event, json, presence, record } = given
    if (event.length + record.length === 0 && !presence) {
      return Effect.fail(usage("tail needs --event NAME, --record NAME or --presence"))
    }
    const work = perform(given, true, (client) =>
      Effect.gen(function*() {
        const enough = yield* Deferred.make<void>()
        let printed = 0
        const put = (about: Record<string, unknown>, text: string): Effect.Effect<void> =>
          printed >= count
            ? Effect.void
            : Effect.andThen(
              print(json, about, text),
              Effect.suspend(() => ++printed >= count ? Deferred.succeed(enough, undefined) : Effect.void)
            )
        const streams: Array<Stream.Stream<void, DeepstreamError>> = []
        for (const of of event) {
          streams.push(
            Stream.mapEffect(client.events.subscribe(of), (value) => put({ event: of, value }, `${escaped(of)}  ${jsonText(value)}`))
          )
        }
        for (const of of record) {
          const opened = yield* client.records.open(of)
          const changes = opened.changes({ deliver: "every" })
          streams.push(Stream.mapEffect(changes, (data) =>
            Effect.flatMap(opened.version, (version) =>
              put({ record: of, version, data }, `${escaped(of)}  ${version}  ${jsonText(data)}`))))
        }
        if (presence) {
          streams.push(Stream.mapEffect(client.presence.changes(), ({ online, user }) =>
            put({ user, online }, `${escaped(user)}  ${online ? "joined" : "left"}`)))
        }
        const all = Stream.runDrain(Stream.mergeAll(streams, { concurrency: "unbounded" }))
        yield* Effect.raceFirst(all, Deferred.await(enough))
      }))
    return count === Infinity ? untilTold(work) : work
  }
).pipe(
  Command.withDescription("Print events, changes of records and presence as they happen, over lost connections too."),
  Command.withExamples([
    example(`tail ${url} --event news --record user/1`, "An event and a record"),
    example(`tail ${url} --presence --json`, "Who comes and goes, as NDJSON")
  ])
)

const emit = Command.make(
  "emit",
  { ...common, name, value: Argument.String("value").pipe(Argument.withDescription("JSON, or text"), Argument.optional) },
  (given) =>
    perform(given, false, (client) =>
      Effect.gen(function*() {
        const denied = yield* Deferred.make<never, DeepstreamError>()
        const about = ({ reason }: Problem): Effect.Effect<unknown> =>
          "topic" in reason && reason.topic === "E" && reason.subject === given.name
            ? Deferred.fail(denied, new DeepstreamError({ reason }))
            : Effect.void
        yield* Effect.forkScoped(Stream.runForEach(client.problems, about), { startImmediately: true })
        yield* client.events.emit(given.name, valueOf(Option.getOrUndefined(given.value)))
        // events are not acknowledged: an answer to a question after it says that the server has read it
        yield* Effect.raceFirst(Effect.ignore(client.records.head(given.name)), Deferred.await(denied))
        yield* Effect.yieldNow
        if (yield* Deferred.isDone(denied)) yield* Deferred.await(denied)
      }))
).pipe(
  Command.withDescription("Publish an event."),
  Command.withExamples([example(`emit ${url} news '{"title":"hello"}'`, "A value"), example(`emit ${url} ping`, "None")])
)

const record = Command.make(
  "record",
  {
    ...common,
    name,
    path: optional(Flag.String("path"), "What is at this path, such as pets.0.name", "the whole record"),
    set: optional(Flag.String("set"), "Writes this: JSON, or text at a path", "it is read"),
    remove: on("remove", "Removes what is at the path"),
    delete: on("delete", "Deletes the record")
  },
  (given) => {
    const { delete: deletes, json, name: of, path, remove, set } = given
    if (Number(deletes) + Number(remove) + Number(set !== undefined) > 1) {
      return Effect.fail(usage("one of --set, --remove and --delete"))
    }
    if (remove && path === undefined) return Effect.fail(usage("--remove needs --path"))
    return perform(given, false, ({ records }) => {
      if (deletes) return records.delete(of)
      if (remove) return records.upsertAt(of, path!, undefined, { acknowledge: true })
      if (set !== undefined) {
        const value = valueOf(set)
        return path === undefined
          ? records.upsert(of, value as object, { acknowledge: true })
          : records.upsertAt(of, path, value, { acknowledge: true })
      }
      return Effect.scoped(Effect.gen(function*() {
        if (path === undefined) {
          const data = yield* records.snapshot(of)
          return yield* print(json, { record: of, data }, jsonText(data))
        }
        const opened = yield* Effect.andThen(records.snapshot(of), records.open(of))
        const value: Json | undefined = yield* opened.getAt(path)
        yield* print(json, { record: of, path, value }, jsonText(value))
      }))
    })
  }
).pipe(
  Command.withDescription("Read a record, or what is at a path of it; write, remove or delete it."),
  Command.withExamples([
    example(`record ${url} user/1`, "The record"),
    example(`record ${url} user/1 --path pets.0.name --set Rex`, "Writes at a path"),
    example(`record ${url} user/1 --delete`, "Deletes it")
  ])
)

const rpc = Command.make(
  "rpc",
  { ...common, name, value: Argument.String("value").pipe(Argument.withDescription("JSON, or text"), Argument.optional) },
  (given) =>
    perform(
      given,
      false,
      (client) =>
        Effect.flatMap(
          client.rpc.request(given.name, valueOf(Option.getOrUndefined(given.value))),
          (value) => print(given.json, { rpc: given.name, value }, jsonText(value))
        )
    )
).pipe(
  Command.withDescription("Call a procedure and print its answer."),
  Command.withExamples([example(`rpc ${url} add-two '[1,2]'`, "With JSON")])
)

const presence = Command.make(
  "presence",
  { ...common, users: Argument.String("user").pipe(Argument.withDescription("Whether these are logged in"), Argument.variadic()) },
  (given) =>
    perform(given, false, (client) =>
      given.users.length === 0
        ? Effect.flatMap(
          client.presence.all,
          (users) => Effect.forEach(users, (user) => print(given.json, { user, online: true }, escaped(user)), { discard: true })
        )
        : Effect.flatMap(client.presence.online(given.users), (users) =>
          Effect.forEach(
            [...users],
            ([user, online]) => print(given.json, { user, online }, `${escaped(user)}  ${online ? "online" : "offline"}`),
            {
              discard: true
            }
          )))
).pipe(
  Command.withDescription("Who is logged in, or whether some users are."),
  Command.withExamples([example(`presence ${url}`, "Everybody"), example(`presence ${url} ann bob`, "Two of them")])
)

/** `wirewright deepstream`. */
export const deepstreamCommand = Command.make("deepstream").pipe(
  Command.withShortDescription("Events, records, procedures and presence of a deepstream server"),
  Command.withDescription("Events, records, procedures and presence of a deepstream server."),
  Command.withExamples([example(`tail ${url} --event news`, "Follow an event"), example(`rpc ${url} add-two '[1,2]'`, "Call a procedure")]),
  Command.withSubcommands([tail, emit, record, rpc, presence])
)
