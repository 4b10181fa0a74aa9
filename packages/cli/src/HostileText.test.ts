/**
 * Every command against peers, documents and files that say what would hurt a terminal: nothing of it gets there, in text and in JSON, on
 * stdout and on stderr, and what was said can still be read. A command without a row fails.
 */
import { TcpRecorder } from "@wirewright/capture"
import { encodeWith } from "@wirewright/codec"
import { KvClient } from "@wirewright/couchbase"
import { configOf, fakeNode, refusal } from "../../couchbase/src/FakeNode.fixture.ts"
import { encode as encodeCouchbase } from "@wirewright/couchbase/gen"
import { emptyCheckpoint, fileStore } from "@wirewright/dcp"
import { serveCouchbase } from "@wirewright/embedded"
import { Typed } from "@wirewright/deepstream/Typed"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { acts, hostile, hostileArgument, hostileField, hostileWord } from "../test/HostileText.ts"
import { bin, ndjson, wirewright } from "../test/RunCli.ts"
import { oneByOne } from "../test/RunHere.ts"
import { serveDeepstream } from "../test/WebSocketPeer.ts"

/** Some fifteen processes and fifty runs in this one: on a busy machine each takes many seconds. */
const patience = 600_000

interface Printed {
  readonly out: string
  readonly err: string
}

/** Runs the command; the arguments are made when the peers are there. */
type Row = readonly [what: string, run: () => Promise<Printed>]

const scope = Effect.runSync(Scope.make())
const within = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Scope.provide(effect, scope))
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

let folder: string
let node: string
let refusing: string
let unwelcoming: string
let deepstream: { readonly url: string; readonly close: () => void }

const json = JSON.stringify({ a: hostile.replace(/\udc80/, "") })

/** A server that refuses everything with its own words, and has words of its own for its statuses. */
const errorMap = JSON.stringify({
  version: 2,
  revision: 1,
  errors: { fff: { name: `NAME${hostileArgument}`, desc: `TEXT${hostileArgument}`, attrs: ["item-only"] } }
})

beforeAll(async () => {
  vi.stubEnv("NO_COLOR", "1")
  folder = mkdtempSync(join(tmpdir(), "wirewright-hostile-"))
  const { port } = await within(serveCouchbase({ buckets: [{ name: "default", vbuckets: 1 }] }))
  node = `couchbase://127.0.0.1:${port}/default`
  const kv = await within(KvClient.make({ seeds: [{ host: "127.0.0.1", port }], bucket: "default" }))
  await Effect.runPromise(kv.upsert(hostile, bytes(json), { format: "json" }))
  await Effect.runPromise(kv.upsert("text", hostileArgument, { format: "text" }))

  const opened = await within(fileStore(store()).open(`default/${hostileArgument}`))
  await Effect.runPromise(opened.save(new Map([[0, emptyCheckpoint]])))

  const refuser = await within(fakeNode({
    script: (request) => {
      switch (request._tag) {
        case "Hello":
        case "SaslListMechs":
        case "SaslAuth":
        case "SaslStep":
        case "SelectBucket":
        case "GetClusterConfig":
          return undefined
        case "GetErrorMap":
          return { _tag: "GetErrorMapResponse", errorMap }
        default:
          return refusal(0xfff, JSON.stringify({ error: { context: `CONTEXT${hostileArgument}`, ref: hostileArgument } }))
      }
    }
  }))
  refusing = `couchbase://user:pencil@127.0.0.1:${refuser.port}/default`

  const unwelcome = await within(fakeNode({
    script: (request) => {
      if (request._tag === "SaslListMechs") return { _tag: "SaslListMechsResponse", mechanisms: `MECHANISM${hostileWord}` }
      if (request._tag === "SaslAuth") return refusal(0x20, JSON.stringify({ error: { context: hostileArgument } }))
      return undefined
    },
    config: (at) => configOf([at], [0], 1)
  }))
  unwelcoming = `couchbase://user:pencil@127.0.0.1:${unwelcome.port}/default`

  const value = Typed.of({ said: hostile })
  deepstream = await serveDeepstream((message) => {
    switch (message._tag) {
      case "EventSubscribe":
        return [{ _tag: "EventAck", action: "S", subject: message.name }, { _tag: "EventEmit", name: message.name, value }]
      case "EventEmit":
        return [`E\u001fE\u001fERROR${hostileField}\u001f${hostileField}\u001e`]
      case "RecordCreateOrRead":
        return [
          { _tag: "RecordAck", action: "S", subject: message.name },
          { _tag: "RecordData", name: message.name, version: 3, data: JSON.stringify({ said: hostile }) }
        ]
      case "RecordSnapshot":
        return [{ _tag: "RecordData", name: message.name, version: 3, data: JSON.stringify({ said: hostile }) }]
      case "RecordHead":
        return [{ _tag: "RecordHeadAnswer", name: message.name, version: 3 }]
      case "RpcRequest":
        return message.name === "refused"
          ? [`P\u001fE\u001fERROR${hostileField}\u001f${message.name}\u001f${message.id}\u001e`]
          : [
            { _tag: "RpcRequestAccepted", name: message.name, id: message.id },
            { _tag: "RpcResponse", name: message.name, id: message.id, value }
          ]
      case "PresenceQueryAll":
        return [{ _tag: "PresenceQueryAllAnswer", users: [hostileField] }]
      case "PresenceSubscribeAll":
        return [{ _tag: "PresenceAck", action: "S", subject: "S" }, { _tag: "PresenceJoin", user: hostileField }]
      default:
        return []
    }
  })
}, patience)

afterAll(async () => {
  vi.unstubAllEnvs()
  deepstream.close()
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(folder, { recursive: true, force: true })
})

/** Runs until it has said something on stdout, then ends it. */
const untilReady = (args: ReadonlyArray<string>): Promise<Printed> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "pipe", "pipe"] })
    let out = ""
    let err = ""
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString()
      if (out.includes("\n")) child.kill("SIGTERM")
    })
    child.stderr.on("data", (chunk: Buffer) => err += chunk.toString())
    child.on("close", () => resolve({ out, err }))
  })

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const both = (what: string, args: () => ReadonlyArray<string>): ReadonlyArray<Row> => [
  [what, () => oneByOne(args())],
  [`${what} --json`, () => oneByOne([...args(), "--json"])]
]

/** A Get of a hostile key, and its refusal with hostile words. */
const packets = (): ReadonlyArray<Uint8Array> => [
  encodeWith((writer) =>
    encodeCouchbase(writer, {
      _tag: "Get",
      magic: 0x80,
      opcode: 0,
      datatype: 0,
      vbucket: 0,
      opaque: 1,
      cas: 0n,
      framing: [],
      key: hostile
    })
  ),
  encodeWith((writer) =>
    encodeCouchbase(
      writer,
      { ...refusal(0xfff, hostileArgument), magic: 0x81, opcode: 0, datatype: 0, opaque: 1, cas: 0n, framing: [] } as never
    )
  )
]

const capture = (): string => {
  const recorder = new TcpRecorder()
  const blocks = [...recorder.begin()]
  const { bytes: opening, recorded } = recorder.open({ host: "127.0.0.1", port: 40_000 }, { host: "127.0.0.1", port: 11_210 }, 0n)
  blocks.push(...opening)
  for (const [i, one] of packets().entries()) blocks.push(...recorder.packet(recorded, i === 0 ? "client" : "server", one, BigInt(i)))
  return file("hostile.pcapng", Buffer.concat(blocks))
}

const lines = (): string => file("lines", packets().map((one) => `${Buffer.from(one).toString("hex")}\n`).join(""))
const messages = (): string =>
  file("messages", `P|RES|NAME${hostileField.replaceAll("\n", "")}|id|S${hostileField.replaceAll("\n", "")}+\n`)

const spec = (): string =>
  file(
    "hostile.spec.ts",
    `// ${hostileWord}\nthrow new Error(${JSON.stringify(hostile)}) // ${hostileWord}\n`
  )

const kvCommands: ReadonlyArray<readonly [command: string, ...rest: ReadonlyArray<string>]> = [
  ["get"],
  ["exists"],
  ["set", "v"],
  ["insert", "v"],
  ["replace", "v"],
  ["append", "v"],
  ["prepend", "v"],
  ["remove"],
  ["touch", "1m"],
  ["incr"],
  ["decr"]
]

const store = (): string => join(folder, "checkpoints")
const group = ["--group", `default/${hostileArgument}`]

const rows: { readonly [command: string]: ReadonlyArray<Row> } = {
  generate: [["a spec that throws", () => wirewright(["generate", spec(), "--out", join(folder, "gen")])]],
  check: [["a spec that throws", () => wirewright(["check", spec(), "--out", join(folder, "gen")])]],
  docs: [["a spec that throws", () => wirewright(["docs", spec(), "--out", join(folder, "pages")])]],
  dissector: [
    ["a spec that throws", () => wirewright(["dissector", spec()])],
    ["a state", () => oneByOne(["dissector", "dcp", "--state", hostileArgument])]
  ],
  diff: [
    ["a spec that throws", () => wirewright(["diff", spec(), spec()])],
    ["no file", () => oneByOne(["diff", hostileArgument, "dcp"])]
  ],
  sample: [
    ["a spec that throws", () => wirewright(["sample", spec()])],
    ["a packet", () => oneByOne(["sample", "dcp", "--packet", hostileArgument])]
  ],
  conform: [
    ["an address", () => oneByOne(["conform", hostileArgument, "--protocol", "memcached"])],
    ["a state", () => oneByOne(["conform", "127.0.0.1:1", "--protocol", "dcp", "--state", hostileArgument])]
  ],
  inspect: [
    ["no file", () => oneByOne(["inspect", hostileArgument])],
    ["a protocol", () => oneByOne(["inspect", "--protocol", hostileArgument])]
  ],
  decode: [
    ...both("lines", () => ["decode", lines(), "--lines"]),
    ...both("a capture", () => ["decode", capture()]),
    ["a capture in full", () => wirewright(["decode", capture(), "--hexdump"])],
    ...both("deepstream", () => ["decode", messages(), "--lines", "--protocol", "deepstream"]),
    ["no hex", () => oneByOne(["decode", "--hex", hostileArgument.slice(1)])],
    ["no file", () => oneByOne(["decode", hostileArgument])]
  ],
  encode: [
    ["an unknown packet", () => wirewright(["encode"], JSON.stringify({ packet: hostile }))],
    ["no JSON", () => wirewright(["encode"], hostileWord)],
    ["a wrong field", () => wirewright(["encode"], JSON.stringify({ packet: "Get", opaque: hostile }))]
  ],
  serve: [
    ["the name of a bucket", () => untilReady(["serve", "--vbuckets", "1", "--bucket", hostileArgument])],
    ["the name of a collection", () => oneByOne(["serve", "--collection", hostileArgument])],
    ["how many clients", () => oneByOne(["serve", "--max-connections", hostileArgument])]
  ],
  proxy: [
    ["how many clients", () => oneByOne(["proxy", "--max-connections", hostileArgument, "--upstream", refusing])],
    ["where to listen", () => oneByOne(["proxy", "--listen", hostileArgument, "--upstream", refusing])],
    ["mechanisms", () => oneByOne(["proxy", "--upstream", unwelcoming])]
  ],
  tail: [
    ...both("documents", () => ["tail", node, "--to", "now"]),
    ["a format", () => oneByOne(["tail", node, "--to", "now", "--format", "%k=%v"])],
    ["mechanisms", () => oneByOne(["tail", unwelcoming, "--to", "now"])],
    ["an argument", () => oneByOne(["tail", node, "--to", "now", "--vbuckets", hostileArgument])]
  ],
  lag: [
    ...both("a group", () => ["lag", node, "--store", store(), "--group", `${hostileArgument}?`]),
    ["mechanisms", () => oneByOne(["lag", unwelcoming, "--store", store(), ...group])]
  ],
  "checkpoints list": both("groups", () => ["checkpoints", "list", store()]),
  "checkpoints show": both("a group", () => ["checkpoints", "show", store(), "--group", `${hostileArgument}?`]),
  "checkpoints set": both("no position", () => ["checkpoints", "set", store(), hostileArgument, ...group]),
  "checkpoints export": both("a group", () => ["checkpoints", "export", store(), "--group", `${hostileArgument}?`]),
  "checkpoints import": both(
    "no checkpoints",
    () => ["checkpoints", "import", store(), file("import", JSON.stringify({ [hostile]: 1 })), ...group]
  ),
  doctor: both("mechanisms", () => ["doctor", unwelcoming]),
  ...Object.fromEntries(kvCommands.map(([command, ...rest]) => [
    `kv ${command}`,
    // how a failure is printed as JSON is the same for all of them
    both("refused, in the server's words", () => ["kv", command, refusing, hostileArgument, ...rest]).slice(0, command === "get" ? 2 : 1)
  ])),
  "kv scan": [
    ...both("documents", () => ["kv", "scan", node]),
    ...both("keys", () => ["kv", "scan", node, "--ids"]),
    ...both("refused, in the server's words", () => ["kv", "scan", refusing])
  ],
  "deepstream tail": both("an event, a record, presence", () => [
    "deepstream",
    "tail",
    deepstream.url,
    "--event",
    hostileField,
    "--record",
    hostileField,
    "--presence",
    "--count",
    "3"
  ]),
  "deepstream emit": both("an error", () => ["deepstream", "emit", deepstream.url, "e", "1", "--verbose"]),
  "deepstream record": [
    ...both("a record", () => ["deepstream", "record", deepstream.url, hostileField]),
    ...both("a path", () => ["deepstream", "record", deepstream.url, hostileField, "--path", "said"])
  ],
  "deepstream rpc": [
    ...both("an answer", () => ["deepstream", "rpc", deepstream.url, hostileField]),
    ...both("a refusal", () => ["deepstream", "rpc", deepstream.url, "refused"])
  ],
  "deepstream presence": both("users", () => ["deepstream", "presence", deepstream.url])
}

/** Names of the subcommands that a help text lists. */
const subcommandsOf = async (path: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const { out } = await oneByOne([...path, "--help"])
  const section = /\nSUBCOMMANDS\n([^]*?)(?:\n[A-Z]+\n|$)/.exec(out)?.[1] ?? ""
  return [...section.matchAll(/^ {2}([a-z][a-z-]*) {2,}/gm)].map(([, name]) => name!)
}

describe("what peers say", () => {
  it("every command has a row", async () => {
    const found: Array<string> = []
    const groups = await Promise.all((await subcommandsOf([])).map(async (name) => [name, await subcommandsOf([name])] as const))
    for (const [name, inner] of groups) {
      if (inner.length === 0) found.push(name)
      else found.push(...inner.map((one) => `${name} ${one}`))
    }
    expect(found.length).toBeGreaterThan(20)
    expect(Object.keys(rows).toSorted()).toEqual(found.toSorted())
  }, patience)

  for (const [command, all] of Object.entries(rows)) {
    it(`${command}: ${all.map(([what]) => what).join(", ")}`, async () => {
      const printed = await Promise.all(all.map(async ([what, run]) => ({ what, ...await run() })))
      for (const { err, out, what } of printed) {
        expect(acts(out + err), `${what}: ${JSON.stringify(out + err)}`).toBe(false)
        // it was said, and spelled out
        expect(out + err, what).toContain("\\u001b")
        expect(out + err, what).not.toContain("unexpected")
        if (what.endsWith("--json")) expect(() => ndjson(out), what).not.toThrow()
      }
    }, patience)
  }

  it("kv get prints the bytes of a document as they are where no terminal shows them", async () => {
    const { err, out } = await wirewright(["kv", "get", node, "text"])
    expect(out).toBe(hostileArgument)
    expect(acts(err)).toBe(false)
  })

  it("the help of all of them is as we wrote it", async () => {
    expect(acts((await wirewright(["kv", "get", "--help"])).out)).toBe(false)
  })
})
