/**
 * Every command, found in the definitions: how it ends when things go wrong that go wrong everywhere, by the table of exit codes, in the one
 * shape of errors. A command without a row here fails.
 */
import { fileStore } from "@wirewright/dcp"
import { serveCouchbase, serveMemcachedNode } from "@wirewright/embedded"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type * as Command from "effect/cli/Command"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { isWhole, someOf } from "../../codec/src/Whole.fixture.ts"
import { bin, type Outcome } from "../test/RunCli.ts"
import { runHere } from "../test/RunHere.ts"
import { type ExitName, exits } from "./Exits.ts"
import { wirewright } from "./Wirewright.ts"

const schema = JSON.parse(readFileSync(new URL("../stderr.schema.json", import.meta.url), "utf8")) as object
const isMessage = new Ajv2020({ strict: true }).compile(schema)

/** The commands that do something, by their path. */
const leaves = (command: Command.Command.Any, path: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { subcommands } = command as Command.Command<string, unknown, unknown, unknown, unknown>
  const all = subcommands.flatMap(({ commands }) => commands)
  return all.length === 0 ? [path.join(" ")] : all.flatMap((one) => leaves(one, [...path, one.name]))
}

const commands = leaves(wirewright, [])

type Situation = "wrong password" | "nobody listening" | "refused by the server" | "a file that cannot be used" | "interrupt"

/** The arguments after the command, and how it ends; or why the situation cannot be. */
type Case = { readonly args: ReadonlyArray<string>; readonly exit: ExitName; readonly error?: string } | { readonly never: string }

type Row = { readonly [of in Situation]: () => Case }

const secret = "hunter2"

/** A deepstream server that knows no user but nobody, has nothing and allows nothing. */
class Refusing {
  readonly readyState = 1
  readonly bufferedAmount = 0
  private readonly listeners = new Map<string, Array<(event: { readonly data?: string }) => void>>()

  constructor(_url: string) {
    this.answer("C|CH")
  }

  addEventListener(type: string, listener: (event: { readonly data?: string }) => void): void {
    this.listeners.set(type, [...this.listeners.get(type) ?? [], listener])
    if (type === "open") queueMicrotask(() => listener({}))
  }

  removeEventListener(): void {}

  send(text: string): void {
    for (const message of text.split("\u001e").filter((one) => one !== "")) {
      const [topic, action, ...rest] = message.split("\u001f")
      const [first = ""] = rest
      if (topic === "C") this.answer("C|A")
      else if (topic === "A") this.answer(rest.join().includes(secret) ? "A|E|INVALID_AUTH_DATA|Swrong" : "A|A")
      else if (topic === "R" && action === "SN") this.answer(`R|E|SN|${first}|RECORD_NOT_FOUND`)
      else if (topic === "R" && action === "HD") this.answer(`R|E|HD|${first}|RECORD_NOT_FOUND`)
      else if (topic === "P") this.answer(`P|E|NO_RPC_PROVIDER|${first}|${rest[1]}`)
      else this.answer(`${topic}|E|MESSAGE_DENIED|${first}|${action}`)
    }
  }

  close(): void {
    this.emit("close", {})
  }

  private answer(text: string): void {
    setTimeout(() => this.emit("message", { data: `${text.replaceAll("|", "\u001f")}\u001e` }), 1)
  }

  private emit(type: string, event: { readonly data?: string }): void {
    for (const listener of this.listeners.get(type) ?? []) listener(event)
  }
}

const scope = Scope.makeUnsafe()
const folder = mkdtempSync(join(tmpdir(), "wirewright-every-"))
const file = join(folder, "file")
/** A directory that cannot be made, whoever asks: its parent is a file. */
const below = join(file, "directory")
const nobody = "couchbase://127.0.0.1:1/default"
const silent = Net.createServer((socket) => void socket.on("error", () => {}))
let node = 0
let mute = 0

beforeAll(async () => {
  writeFileSync(file, "")
  mkdirSync(join(folder, "corrupt", "default%2ftail"), { recursive: true })
  writeFileSync(join(folder, "corrupt", "default%2ftail", "owner.json"), "{")
  writeFileSync(
    join(folder, "spec.ts"),
    `export { memcached } from ${JSON.stringify(fileURLToPath(import.meta.resolve("@wirewright/spec/memcached")))}\n`
  )
  const users = [{ name: "user", password: Redacted.make("pencil") }]
  ;({ port: node } = await Effect.runPromise(Scope.provide(serveCouchbase({ buckets: [{ name: "default", vbuckets: 4 }], users }), scope)))
  await Effect.runPromise(Scope.provide(fileStore(join(folder, "held")).open("default/tail"), scope))
  silent.listen(0, "127.0.0.1")
  await once(silent, "listening")
  mute = (silent.address() as Net.AddressInfo).port
})
afterAll(async () => {
  silent.close()
  rmSync(folder, { recursive: true, force: true })
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const url = (password = "pencil", bucket = "default"): string => `couchbase://user:${password}@127.0.0.1:${node}/${bucket}`
const muteUrl = (): string => `couchbase://127.0.0.1:${mute}/default`
const certificate = (): string => `couchbases://127.0.0.1:1/default?trust_certificate=${below}`
const local = { never: "it asks no server" } as const

/** What all commands for documents have in common; `rest` is after the key. */
const kv = (key: string, rest: ReadonlyArray<string>, error: string, more: ReadonlyArray<string> = []): Row => ({
  "wrong password": () => ({ args: [url(secret), key, ...rest], exit: "denied", error: "AuthenticationFailed" }),
  "nobody listening": () => ({ args: [nobody, key, ...rest], exit: "unreachable", error: "ConnectFailed" }),
  "refused by the server": () => ({ args: [url(), key, ...rest, ...more], exit: "findings", error }),
  "a file that cannot be used": () => ({ args: [certificate(), key, ...rest], exit: "usage" }),
  interrupt: () => ({ args: [muteUrl(), key, ...rest], exit: "interrupted" })
})

/** What all commands for deepstream have in common. */
const ds = (rest: ReadonlyArray<string>, exit: ExitName, error: string): Row => ({
  "wrong password": () => ({
    args: ["ws://refusing", ...rest, "--credentials", `{"password":"${secret}"}`],
    exit: "denied",
    error: "INVALID_AUTH_DATA"
  }),
  "nobody listening": () => ({ args: ["ws://127.0.0.1:1/deepstream", ...rest], exit: "unreachable" }),
  "refused by the server": () => ({ args: ["ws://refusing", ...rest], exit, error }),
  "a file that cannot be used": () => ({ never: "it takes no file" }),
  interrupt: () => ({ args: [`ws://127.0.0.1:${mute}/deepstream`, ...rest], exit: "interrupted" })
})

const fixture = fileURLToPath(new URL("../../../test/fixtures/checkpoints/go-dcp.json", import.meta.url))

/** What all commands for checkpoints have in common. */
const checkpoints = (rest: ReadonlyArray<string>, error: "BucketAccessDenied" | "NotFound" | "CheckpointHeld"): Row => ({
  "wrong password": () => ({ args: [url(secret), ...rest], exit: "denied", error: "AuthenticationFailed" }),
  "nobody listening": () => ({ args: [nobody, ...rest], exit: "unreachable", error: "ConnectFailed" }),
  "refused by the server": () => {
    if (error === "BucketAccessDenied") return { args: [url("pencil", "nope"), ...rest], exit: "denied", error }
    return { args: [error === "NotFound" ? url() : join(folder, "held"), ...rest], exit: "findings", error }
  },
  "a file that cannot be used": () => ({ args: [join(folder, "corrupt"), ...rest], exit: "usage", error: "CheckpointCorrupt" }),
  interrupt: () => ({ args: [muteUrl(), ...rest], exit: "interrupted" })
})

/** What all commands have in common that read specs. */
const ofSpecs = (args: () => ReadonlyArray<string>): Row => ({
  "wrong password": () => local,
  "nobody listening": () => local,
  "refused by the server": () => local,
  "a file that cannot be used": () => ({ args: args(), exit: "usage" }),
  interrupt: () => ({ never: "it ends by itself" })
})

const rows: { readonly [command: string]: Row } = {
  generate: ofSpecs(() => [join(folder, "spec.ts"), "--out", below]),
  check: ofSpecs(() => [join(folder, "nothing.ts"), "--out", folder]),
  docs: ofSpecs(() => [join(folder, "spec.ts"), "--out", below]),
  decode: {
    "wrong password": () => local,
    "nobody listening": () => local,
    "refused by the server": () => local,
    "a file that cannot be used": () => ({ args: [folder], exit: "usage" }),
    interrupt: () => ({ never: "it reads stdin; see below" })
  },
  inspect: {
    "wrong password": () => local,
    "nobody listening": () => local,
    "refused by the server": () => local,
    "a file that cannot be used": () => ({ args: [folder], exit: "usage" }),
    interrupt: () => ({ args: [], exit: "interrupted" })
  },
  encode: {
    "wrong password": () => local,
    "nobody listening": () => local,
    "refused by the server": () => local,
    "a file that cannot be used": () => ({ never: "it takes no file" }),
    interrupt: () => ({ never: "it reads stdin; see below" })
  },
  diff: ofSpecs(() => [join(folder, "spec.ts"), join(folder, "nothing.ts")]),
  sample: ofSpecs(() => [join(folder, "spec.ts"), "--out", below]),
  conform: {
    "wrong password": () => ({ never: "it has no password: a login is what it is told to say first" }),
    "nobody listening": () => ({ args: ["127.0.0.1:1", "--protocol", "memcached"], exit: "unreachable", error: "ConnectFailed" }),
    "refused by the server": () => ({ never: "a refusal is an answer; see Conform.test.ts" }),
    "a file that cannot be used": () => ({ args: ["127.0.0.1:1", "--protocol", folder], exit: "usage" }),
    interrupt: () => ({ args: [`127.0.0.1:${mute}`, "--protocol", "memcached"], exit: "interrupted" })
  },
  dissector: ofSpecs(() => [join(folder, "nothing.ts")]),
  serve: {
    "wrong password": () => local,
    "nobody listening": () => local,
    "refused by the server": () => ({ args: ["--port", String(mute)], exit: "usage", error: "ListenFailed" }),
    "a file that cannot be used": () => ({ args: ["--user", "u", "--password-file", below], exit: "usage" }),
    interrupt: () => ({ args: ["--vbuckets", "1"], exit: "interrupted" })
  },
  proxy: {
    "wrong password": () => ({ args: ["--upstream", url(secret)], exit: "denied", error: "AuthenticationFailed" }),
    "nobody listening": () => ({ args: ["--upstream", "memcached://127.0.0.1:1"], exit: "unreachable", error: "ConnectFailed" }),
    "refused by the server": () => ({ args: ["--upstream", url("pencil", "nope")], exit: "denied", error: "BucketAccessDenied" }),
    "a file that cannot be used": () => ({ args: ["--upstream", url(), "--capture", below], exit: "usage" }),
    interrupt: () => ({ args: ["--upstream", url()], exit: "interrupted" })
  },
  "kv get": kv("nothing", [], "NotFound"),
  "kv exists": kv("nothing", [], "NotFound"),
  "kv set": kv("nothing", ["v"], "NotFound", ["--cas", "1"]),
  "kv insert": kv("there", ["v"], "Exists"),
  "kv replace": kv("nothing", ["v"], "NotFound"),
  "kv append": kv("nothing", ["v"], "NotStored"),
  "kv prepend": kv("nothing", ["v"], "NotStored"),
  "kv remove": kv("nothing", [], "NotFound"),
  "kv touch": kv("nothing", ["10m"], "NotFound"),
  "kv incr": kv("nothing", [], "NotFound"),
  "kv decr": kv("nothing", [], "NotFound"),
  "kv scan": {
    "wrong password": () => ({ args: [url(secret)], exit: "denied", error: "AuthenticationFailed" }),
    "nobody listening": () => ({ args: [nobody], exit: "unreachable", error: "ConnectFailed" }),
    "refused by the server": () => ({ args: [url(), "--collection", "nope"], exit: "findings", error: "UnknownCollection" }),
    "a file that cannot be used": () => ({ args: [certificate()], exit: "usage" }),
    interrupt: () => ({ args: [muteUrl()], exit: "interrupted" })
  },
  tail: {
    "wrong password": () => ({ args: [url(secret), "--to", "now"], exit: "denied", error: "AuthenticationFailed" }),
    "nobody listening": () => ({ args: [nobody, "--to", "now"], exit: "unreachable", error: "ConnectFailed" }),
    "refused by the server": () => ({ args: [url("pencil", "nope"), "--to", "now"], exit: "denied", error: "BucketAccessDenied" }),
    "a file that cannot be used": () => ({
      args: [url(), "--to", "now", "--checkpoint", below],
      exit: "usage",
      error: "CheckpointUnavailable"
    }),
    interrupt: () => ({ args: [url()], exit: "interrupted" })
  },
  lag: {
    "wrong password": () => ({ args: [url(secret), "--group", "g"], exit: "denied", error: "AuthenticationFailed" }),
    "nobody listening": () => ({ args: [nobody, "--group", "g"], exit: "unreachable", error: "ConnectFailed" }),
    "refused by the server": () => ({ args: [url("pencil", "nope"), "--group", "g"], exit: "denied", error: "BucketAccessDenied" }),
    "a file that cannot be used": () => ({ args: [url(), "--group", "g", "--store", below], exit: "usage" }),
    interrupt: () => ({ args: [muteUrl(), "--group", "g"], exit: "interrupted" })
  },
  "checkpoints list": checkpoints([], "BucketAccessDenied"),
  "checkpoints show": checkpoints(["--group", "tail"], "NotFound"),
  "checkpoints set": checkpoints(["beginning", "--group", "tail"], "NotFound"),
  "checkpoints export": checkpoints(["--group", "tail"], "NotFound"),
  "checkpoints import": checkpoints([fixture, "--group", "default/tail"], "CheckpointHeld"),
  "deepstream tail": ds(["--event", "news"], "denied", "MESSAGE_DENIED"),
  "deepstream emit": ds(["news"], "denied", "MESSAGE_DENIED"),
  "deepstream record": ds(["r"], "findings", "RECORD_NOT_FOUND"),
  "deepstream rpc": ds(["p"], "findings", "NO_RPC_PROVIDER"),
  "deepstream presence": ds([], "denied", "MESSAGE_DENIED"),
  doctor: {
    "wrong password": () => ({ args: [url(secret)], exit: "denied" }),
    "nobody listening": () => ({ args: [nobody], exit: "unreachable" }),
    "refused by the server": () => ({ args: [url("pencil", "nope")], exit: "denied" }),
    "a file that cannot be used": () => ({ args: [certificate()], exit: "usage" }),
    interrupt: () => ({ args: [muteUrl()], exit: "interrupted" })
  }
}

/** Commands without `--json`: what they print is text for people, hex, Lua or Markdown. */
const withoutJson = ["generate", "check", "docs", "encode", "dissector"]
/** Commands that print what they looked at also when it is wrong. */
const printing = ["doctor", "kv exists"]

const expectFailure = (
  { code, err, out }: Outcome,
  command: string,
  { error, exit }: { readonly exit: ExitName; readonly error?: string },
  json: boolean
): void => {
  expect({ code, err }).toMatchObject({ code: exits[exit].code })
  expect(err + out).not.toContain(secret)
  if (!printing.includes(command)) expect(out).toBe("")
  const lines = err.split("\n").filter((line) => line !== "")
  if (!json) {
    expect(err).not.toContain("unexpected")
    expect(err).not.toMatch(/^ {4}at /m)
    expect(err + (printing.includes(command) ? out : "")).not.toBe("")
    return
  }
  for (const line of lines) {
    const message = JSON.parse(line) as object
    expect(isMessage(message), `${line} ${JSON.stringify(isMessage.errors)}`).toBe(true)
  }
  const last = JSON.parse(lines.at(-1)!) as Record<string, unknown>
  expect(last).toMatchObject({ exit, code: exits[exit].code, message: expect.stringMatching(/./) as string })
  if (error !== undefined) expect(last["error"]).toBe(error)
  expect(lines.filter((line) => line.startsWith("{\"error\""))).toHaveLength(1)
}

it("every command has a row", () => {
  expect(Object.keys(rows).toSorted()).toEqual([...commands].toSorted())
})

/** Commands that `npm test` interrupts; `npm run test:whole` interrupts all. */
const wait: ReadonlyArray<string> = ["tail", "proxy", "kv get", "conform"]

describe.each(someOf(commands, 2))("%s", (command) => {
  const forms = withoutJson.includes(command) ? [false] : [false, true]
  const argsOf = (
    args: ReadonlyArray<string>,
    json: boolean
  ): ReadonlyArray<string> => [...command.split(" "), ...args, ...json ? ["--json"] : []]

  it("a bad option", async () => {
    for (const json of forms) {
      const outcome = await Effect.runPromise(runHere(argsOf(["--bogus"], json)))
      expectFailure(outcome, "", { exit: "usage", error: "Usage" }, json)
      expect(outcome.err).toContain("--bogus")
      expect(outcome.err).toContain(`See wirewright ${command} --help`)
    }
  })

  for (const situation of Object.keys(rows[command] ?? {}) as ReadonlyArray<Situation>) {
    const find = rows[command]![situation]
    it.runIf(isWhole || situation !== "interrupt" || wait.includes(command))(situation, async () => {
      const found = find()
      if ("never" in found) return
      for (const json of forms) {
        vi.stubEnv("WIREWRIGHT_PASSWORD", undefined)
        if (found.args[0] === "ws://refusing") vi.stubGlobal("WebSocket", Refusing)
        if (command === "kv insert") await Effect.runPromise(runHere(["kv", "set", url(), "there", "v"]))
        const begun = Date.now()
        const when = situation === "interrupt" ? (out: string) => out.includes("\n") || Date.now() - begun > 200 : undefined
        const outcome = await Effect.runPromise(runHere(argsOf(found.args, json), when))
        vi.unstubAllGlobals()
        vi.unstubAllEnvs()
        if (situation !== "interrupt") expectFailure(outcome, command, found, json)
        else {
          expect(outcome.code).toBe(exits.interrupted.code)
          expect(outcome.err).not.toMatch(/"error"|unexpected|^ {4}at /m)
        }
      }
    })
  }
})

it.each(someOf(["memcached", "couchbase"] as const, 2))(
  "proxy says when its %s is lost and found again, to people and to programs",
  async (kind) => {
    for (const json of [false, true]) {
      const start = (port: number) => {
        const own = Scope.makeUnsafe()
        const made = kind === "memcached"
          ? Effect.map(serveMemcachedNode({ port }), ({ server }) => server.port)
          : Effect.map(
            serveCouchbase({ port, buckets: [{ name: "default", vbuckets: 1 }], users: [{ name: "u", password: Redacted.make("p") }] }),
            (one) => one.port
          )
        return Effect.map(Scope.provide(made, own), (bound) => ({ port: bound, stop: Scope.close(own, Exit.void) }))
      }
      const { port, stop } = await Effect.runPromise(start(0))
      const upstream = kind === "memcached" ? `memcached://127.0.0.1:${port}` : `couchbase://u:p@127.0.0.1:${port}/default`
      let step: "begin" | "lost" | "again" | "over" = "begin"
      let again = stop
      const drive = async (address: string): Promise<void> => {
        const [, clientPort] = address.split(":")
        const ask = async (): Promise<void> => {
          const client = Net.connect(Number(clientPort), "127.0.0.1")
          client.write(
            Buffer.from("800a00000000000000000000000000010000000000000000" + "80000001000000000000000100000002000000000000000061", "hex")
          )
          await once(client, "data")
          await new Promise((resolve) => setTimeout(resolve, 100))
          client.destroy()
        }
        await Effect.runPromise(stop)
        await ask()
        await ask()
        again = (await Effect.runPromise(start(port))).stop
        for (let i = 0; i < 20; i++) await ask()
        step = "over"
      }
      const args = ["proxy", "--upstream", upstream, ...kind === "memcached" ? ["--connections", "1"] : [], ...json ? ["--json"] : []]
      const outcome = await Effect.runPromise(runHere(args, (out) => {
        if (step === "begin" && out.includes("\n")) {
          step = "lost"
          void drive((JSON.parse(out) as { readonly address: string }).address)
        }
        return step === "over"
      }))
      await Effect.runPromise(again)
      expect(outcome.code).toBe(exits.interrupted.code)
      const lines = outcome.err.split("\n").filter((line) => line !== "")
      if (json) {
        const messages = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
        for (const message of messages) expect(isMessage(message), JSON.stringify(message)).toBe(true)
        const [lost, ...rest] = messages
        expect(lost).toMatchObject({ level: "warning", message: "upstream lost", annotations: { upstream: `127.0.0.1:${port}` } })
        expect((lost!["annotations"] as Record<string, string>)["cause"]).toMatch(/lost/)
        expect(rest[0]).toMatchObject({ level: "warning", message: "upstream not reached", annotations: { attempt: 1 } })
        expect(rest.filter(({ message }) => message === "upstream found again")).toHaveLength(1)
      } else {
        expect(lines[0]).toMatch(
          new RegExp(`^wirewright: warning: upstream lost  .*upstream=127.0.0.1:${port}  cause=".*lost.*"  time=\\d{4}-`)
        )
        expect(lines[1]).toMatch(/^wirewright: warning: upstream not reached {2}.*attempt=1 {2}cause=".*ECONNREFUSED.*" {2}time=/)
        expect(lines.filter((line) => line.startsWith("wirewright: info: upstream found again  "))).toHaveLength(1)
      }
    }
  }
)

it("a checkpoint that is none is refused by the name of its file", async () => {
  for (const json of [false, true]) {
    const args = ["tail", url(), "--to", "now", "--checkpoint", join(folder, "corrupt"), ...json ? ["--json"] : []]
    const outcome = await Effect.runPromise(runHere(args))
    expectFailure(outcome, "tail", { exit: "usage", error: "CheckpointCorrupt" }, json)
    expect(outcome.err).toContain(join("corrupt", "default%2ftail", "owner.json"))
  }
})

it.each(["decode -", "encode"])("%s is interrupted while it waits for stdin", async (command) => {
  const child = spawn(process.execPath, [bin, ...command.split(" ")], { stdio: ["pipe", "pipe", "pipe"] })
  let err = ""
  child.stderr.on("data", (chunk: Buffer) => err += chunk.toString())
  // a line that is none is answered once the command runs
  child.stdin.write(command === "encode" ? "no json\n" : Buffer.from("800a00000000000000000000000000010000000000000000", "hex"))
  await Promise.race([once(child.stderr, "data"), once(child.stdout, "data"), once(child, "close")])
  child.kill("SIGINT")
  const [code] = await once(child, "close") as [number | null]
  expect([code, err.includes("unexpected")]).toEqual([exits.interrupted.code, false])
})
