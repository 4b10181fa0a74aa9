/**
 * `wirewright kv`: one document at a time, in the manner of Couchbase's `cbc cat`, or many of them with `scan`.
 *
 * The value goes to stdout, byte for byte; what is known about it goes to stderr, or with `--json` everything is one object on stdout.
 */
import { formatOf } from "@wirewright/couchbase/internal"
import { jsonOf } from "@wirewright/codec/JsonPrint"
import { escaped } from "@wirewright/codec/Visible"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { MemcachedProtocol, ScanSelection } from "@wirewright/couchbase"
import { Failure, failureOfDefect, findings, usage } from "./Failure.ts"
import { jsonFlag, on, optional, withDefault } from "./Flags.ts"
import { openInput } from "./Input.ts"
import { type KvDocument, type KvFormat, type KvOutcome, type KvTarget, type KvWrite, notFound, openTarget } from "./KvTarget.ts"
import { block, bytes, drain, flush, line, say } from "./Output.ts"
import { lineOf, shown, terminalText } from "./Shown.ts"

const hex = (value: number | bigint, digits: number): string => `0x${value.toString(16).padStart(digits, "0")}`

const casWords = (cas: bigint): string => `cas ${hex(cas, 16)} (${cas})`

const casJson = (cas: bigint | undefined) => cas === undefined ? {} : { cas: String(cas), casHex: hex(cas, 16) }

/** Shows a value to a person. */
const terminal = (value: Uint8Array): Promise<void> => {
  block(terminalText(value))
  return flush()
}

/** A document, as JSON. */
const documentJson = (key: string, { cas, flags, value }: KvDocument, more: object = {}): string => {
  const format = formatOf(flags)
  const facts = { flags, format, ...more, size: value.length }
  return jsonOf({ key, ...casJson(cas), ...facts, ...shown(value, { json: format === "json" }) })!
}

/** Prints a document: its bytes as they are, unless a terminal shows them. */
const printDocument = (key: string, document: KvDocument, json: boolean): Effect.Effect<void> => {
  const { cas, flags, value } = document
  const format = formatOf(flags)
  if (json) {
    line(documentJson(key, document))
    return Effect.promise(flush)
  }
  say(`${escaped(key)}  size ${value.length}  flags ${hex(flags, 8)}${format === "unknown" ? "" : ` (${format})`}  ${casWords(cas)}`)
  return Effect.promise(() => process.stdout.isTTY ? terminal(value) : bytes(value))
}

/** Prints what became of a write. */
const printOutcome = (command: string, key: string, { cas, value }: KvOutcome, json: boolean): Effect.Effect<void> => {
  if (json) line(JSON.stringify({ key, ...casJson(cas), ...(value === undefined ? {} : { value: String(value) }) }))
  else {
    say([escaped(key), command, ...cas === undefined ? [] : [casWords(cas)]].join("  "))
    if (value !== undefined) line(String(value))
  }
  return Effect.promise(flush)
}

const duration = (text: string): Duration.Duration => {
  const input = /^\d+$/.test(text)
    ? `${text} seconds`
    : text.replace(
      /^(\d+)\s*([smhd])$/,
      (_, count: string, unit: "s" | "m" | "h" | "d") => `${count} ${{ s: "seconds", m: "minutes", h: "hours", d: "days" }[unit]}`
    )
  return Option.getOrThrowWith(Duration.fromInput(input as Duration.Input), () => new Error("a duration such as 30s, 10m or 1d"))
}

const whole = (text: string): bigint => {
  if (!/^(?:\d+|0x[0-9a-f]+)$/i.test(text)) throw new Error("a whole number, decimal or 0x hex")
  return BigInt(text)
}

const parsed = <A>(name: string, description: string, parse: (text: string) => A, without: string) =>
  optional(Flag.String(name).pipe(Flag.mapTryCatch(parse, (error) => (error as Error).message)), description, without)

const server = {
  url: Argument.String("url").pipe(
    Argument.withDescription(
      "couchbase://user:password@host:port/bucket, memcached://host:port or memcached+unix:///path; the password may be in WIREWRIGHT_PASSWORD"
    )
  ),
  collection: optional(
    Flag.String("collection"),
    "scope.collection, or a collection of the default scope",
    "the default collection"
  ),
  protocol: optional(
    Flag.Literals("protocol", ["auto", "meta", "text", "binary"] satisfies ReadonlyArray<MemcachedProtocol>),
    "What to speak with memcached, as ?protocol= of its URL; auto asks the server",
    "auto"
  )
}

const target = {
  url: server.url,
  key: Argument.String("key").pipe(Argument.withDescription("The document's key")),
  json: jsonFlag("One JSON object on stdout"),
  collection: server.collection,
  protocol: server.protocol,
  timeout: parsed("timeout", "Time for the operation, such as 5s", duration, "2.5s")
}

const changes = {
  cas: parsed("cas", "The version the document must have, decimal or 0x hex", whole, "any"),
  durability: withDefault(
    Flag.Literals("durability", ["none", "majority", "majorityAndPersistToActive", "persistToMajority"]),
    "How durable the write must be before it succeeds",
    "none" as const
  )
}

const expiry = parsed("expiry", "When the document expires, such as 30s, 10m, 1d", duration, "never")

const stores = {
  value: Argument.String("value").pipe(Argument.withDescription("The value; - or nothing for stdin"), Argument.optional),
  ...changes,
  expiry,
  flags: parsed("flags", "User flags, decimal or 0x hex", whole, "those of the format"),
  format: withDefault(
    Flag.Literals("format", ["auto", "json", "text", "binary"]),
    "What the flags say the value is; auto: json when it is JSON, else text, else binary",
    "auto" as const
  )
}

interface Common {
  readonly url: string
  readonly key: string
  readonly json: boolean
  readonly collection: string | undefined
  readonly protocol: MemcachedProtocol | undefined
  readonly timeout: Duration.Duration | undefined
}

/** Connects, does one thing, and says how it went. */
const perform = <A>(
  { collection, protocol, timeout, url }: Omit<Common, "key" | "json">,
  act: (kv: KvTarget) => Effect.Effect<A, Failure>,
  print: (result: A) => Effect.Effect<void, Failure>
): Effect.Effect<void, Failure> => {
  const secret = process.env["WIREWRIGHT_PASSWORD"]
  const options = { url, collection, protocol, timeout, password: secret === undefined ? undefined : Redacted.make(secret) }
  return Effect.flatMap(Effect.scoped(Effect.flatMap(openTarget(options), act)), print)
}

const readAll = Effect.tryPromise({
  try: async (): Promise<Uint8Array> => {
    const chunks: Array<Uint8Array> = []
    for await (const chunk of (await openInput("-")).all) chunks.push(chunk)
    return Buffer.concat(chunks)
  },
  catch: failureOfDefect
})

const valueOf = (value: Option.Option<string>): Effect.Effect<Uint8Array, Failure> =>
  Option.isNone(value) || value.value === "-" ? readAll : Effect.succeed(Buffer.from(value.value))

const guess = (value: Uint8Array): KvFormat => {
  const { encoding } = shown(value, { json: true })
  return encoding === "json" || encoding === "text" ? encoding : "binary"
}

const plain: KvWrite = { cas: undefined, expiry: undefined, flags: undefined, format: "binary", durability: "none" }

const example = (rest: string, description: string) => ({ command: `wirewright kv ${rest}`, description })

const url = "couchbase://user@127.0.0.1/default"

const getCommand = Command.make("get", target, (given) =>
  perform(given, (kv) => kv.get(given.key), (found) => {
    if (Option.isSome(found)) return printDocument(given.key, found.value, given.json)
    return Effect.fail(notFound(given.key))
  })).pipe(
    Command.withDescription("Read a document: the value on stdout, its size, flags and CAS on stderr."),
    Command.withExamples([
      example(`get ${url} user::1`, "The value"),
      example(`get ${url} user::1 --json`, "Value and everything about it"),
      example("get memcached://127.0.0.1:11211 session", "From memcached"),
      example("get memcached://127.0.0.1:11211 session --protocol text", "From memcached, in its text protocol"),
      example("get memcached+unix:///run/memcached.sock session", "From memcached, on a Unix socket")
    ])
  )

const existsCommand = Command.make("exists", target, (given) =>
  perform(given, (kv) => kv.exists(given.key), (there) => {
    if (given.json) line(JSON.stringify({ key: given.key, exists: there }))
    else say(`${escaped(given.key)}  ${there ? "exists" : "does not exist"}`)
    return Effect.andThen(Effect.promise(flush), there ? Effect.void : Effect.fail(findings(`${given.key} does not exist`, "NotFound")))
  })).pipe(
    Command.withDescription("Whether there is a document."),
    Command.withExamples([example(`exists ${url} user::1 && echo yes`, "As a condition")])
  )

const storeCommand = (how: "set" | "insert" | "replace", description: string) =>
  Command.make(how, { ...target, ...stores }, (given) =>
    Effect.flatMap(valueOf(given.value), (bytes) => {
      const { cas, durability, expiry } = given
      if (how === "insert" && cas !== undefined) return Effect.fail(usage("what is inserted has no CAS yet"))
      const format = given.format === "auto" ? guess(bytes) : given.format
      const flags = given.flags === undefined ? undefined : Number(given.flags)
      const options = { cas, durability, expiry, format, flags }
      return perform(
        given,
        (kv) => kv.store(how, given.key, bytes, options),
        (outcome) => printOutcome(how, given.key, outcome, given.json)
      )
    })).pipe(
      Command.withDescription(description),
      Command.withExamples([
        example(`${how} ${url} user::1 '{"name":"Ada"}'`, "JSON"),
        example(`${how} ${url} photo --expiry 1d < photo.jpg`, "Bytes of stdin, gone tomorrow")
      ])
    )

const extendCommand = (how: "append" | "prepend", description: string) =>
  Command.make(how, { ...target, value: stores.value, ...changes }, (given) =>
    Effect.flatMap(valueOf(given.value), (bytes) => {
      const options = { ...plain, cas: given.cas, durability: given.durability }
      return perform(
        given,
        (kv) => kv.extend(how, given.key, bytes, options),
        (outcome) => printOutcome(how, given.key, outcome, given.json)
      )
    })).pipe(Command.withDescription(description), Command.withExamples([example(`${how} ${url} log 'one more line'`, "Text")]))

const removeCommand = Command.make("remove", { ...target, ...changes }, (given) => {
  const options = { ...plain, cas: given.cas, durability: given.durability }
  return perform(given, (kv) => kv.remove(given.key, options), (outcome) => printOutcome("remove", given.key, outcome, given.json))
}).pipe(
  Command.withDescription("Remove a document."),
  Command.withExamples([example(`remove ${url} user::1 --cas 0x18a3f00d12340000`, "Only this version")])
)

const touchCommand = Command.make(
  "touch",
  { ...target, expiry: Argument.String("expiry").pipe(Argument.withDescription("Such as 30s, 10m, 1d; 0 for never")) },
  (given) =>
    Effect.flatMap(
      Effect.try({
        try: () => given.expiry === "0" ? Duration.infinity : duration(given.expiry),
        catch: (error) => usage(`expiry ${given.expiry}: expected ${(error as Error).message}`)
      }),
      (expiry) => perform(given, (kv) => kv.touch(given.key, expiry), (outcome) => printOutcome("touch", given.key, outcome, given.json))
    )
).pipe(
  Command.withDescription("Set when a document expires."),
  Command.withExamples([example(`touch ${url} session 10m`, "In ten minutes"), example(`touch ${url} session 0`, "Never")])
)

const countCommand = (how: "incr" | "decr", description: string) =>
  Command.make(how, {
    ...target,
    delta: Argument.String("delta").pipe(Argument.withDescription("How much. Default: 1"), Argument.withDefault("1")),
    initial: parsed("initial", "What a missing counter begins with", whole, "a missing one is refused"),
    expiry
  }, (given) =>
    Effect.flatMap(
      Effect.try({ try: () => whole(given.delta), catch: (error) => usage(`delta ${given.delta}: expected ${(error as Error).message}`) }),
      (delta) => {
        const { expiry, initial } = given
        return perform(given, (kv) => kv.count(how, given.key, { delta, initial, expiry }), (outcome) =>
          printOutcome(how, given.key, outcome, given.json))
      }
    )).pipe(
      Command.withDescription(description),
      Command.withExamples([example(`${how} ${url} visits 1 --initial 0`, "From 0 when it is new")])
    )

const rangeFlags = {
  prefix: optional(Flag.String("prefix"), "Only keys that begin with this", "all keys"),
  from: optional(Flag.String("from"), "The first key", "the first there is"),
  to: optional(Flag.String("to"), "The last key", "the last there is"),
  sample: parsed("sample", "So many documents by chance, at most", whole, "all of them"),
  seed: parsed("seed", "With --sample: the same seed finds the same documents", whole, "a random one")
}

type RangeFlags =
  & {
    readonly [Name in "prefix" | "from" | "to"]: string | undefined
  }
  & { readonly [Name in "sample" | "seed"]: bigint | undefined }

/** What the options select, or what is wrong with them. */
const selectionOf = ({ from, prefix, sample, seed, to }: RangeFlags): ScanSelection | Failure => {
  const ways = [prefix !== undefined, from !== undefined || to !== undefined, sample !== undefined].filter((one) => one).length
  if (ways > 1) return usage("give --prefix, or --from and --to, or --sample")
  if (seed !== undefined && sample === undefined) return usage("--seed is for --sample")
  if (prefix !== undefined) return { prefix }
  if (sample !== undefined) return { sample: Number(sample), ...(seed === undefined ? {} : { seed: Number(seed) }) }
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
}

const scanCommand = Command.make("scan", {
  ...server,
  ...rangeFlags,
  ids: on("ids", "Only the keys"),
  json: jsonFlag("A line of JSON for each document"),
  timeout: parsed("timeout", "Time for the whole scan, such as 5m", duration, "75s")
}, (given) => {
  const { ids, json } = given
  const selection = selectionOf(given)
  if (selection instanceof Failure) return Effect.fail(selection)
  const print = (text: string): Effect.Effect<void> => {
    line(text)
    return Effect.promise(drain)
  }
  const printed = (kv: KvTarget): Effect.Effect<void, Failure> =>
    ids
      ? Stream.runForEach(kv.scanKeys(selection), (key) => print(json ? jsonOf({ key })! : escaped(key)))
      : Stream.runForEach(kv.scan(selection), (document) => {
        const { expiry, flags, key, seqno, value } = document
        const text = `${escaped(key)}  ${lineOf(value, { json: formatOf(flags) === "json" })}`
        return print(json ? documentJson(key, document, { expiry, seqno: String(seqno) }) : text)
      })
  // what was found before a failure was found
  return Effect.ensuring(perform(given, printed, () => Effect.void), Effect.promise(flush))
}).pipe(
  Command.withDescription(
    "List the documents of a collection, or some of them: a line with key and value each. They are in the order of their keys within each " +
      "vbucket only."
  ),
  Command.withExamples([
    example(`scan ${url} --prefix user:: --ids`, "Keys that begin with user::"),
    example(`scan ${url} --from a --to m --json`, "Everything about the documents from a to m"),
    example(`scan ${url} --sample 10`, "Ten of them")
  ])
)

/** The command. */
export const kvCommand = Command.make("kv").pipe(
  Command.withShortDescription("Read and write documents of Couchbase or memcached"),
  Command.withDescription(
    "Documents of Couchbase or memcached. Values go to stdout, what is known about them to stderr."
  ),
  Command.withExamples([
    example(`set ${url} user::1 '{"name":"Ada"}'`, "Store a document"),
    example(`get ${url} user::1 | jq .name`, "Read it"),
    example("incr memcached://127.0.0.1:11211 visits 1 --initial 0", "Count, in memcached")
  ]),
  Command.withSubcommands([
    getCommand,
    existsCommand,
    storeCommand("set", "Store a document whether there is one or not."),
    storeCommand("insert", "Store a document that must not exist."),
    storeCommand("replace", "Store a document that must exist."),
    extendCommand("append", "Add bytes at the end of a document."),
    extendCommand("prepend", "Add bytes at the beginning of a document."),
    removeCommand,
    touchCommand,
    countCommand("incr", "Add to a counter."),
    countCommand("decr", "Subtract from a counter; it stops at 0."),
    scanCommand
  ])
)
