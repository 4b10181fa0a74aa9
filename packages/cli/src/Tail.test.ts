/** `wirewright tail` and the control socket of `wirewright serve`, as processes: lines, formats, checkpoints, Ctrl-C, failovers on request. */
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bin, ndjson, type Outcome } from "../test/RunCli.ts"
import { runHere } from "../test/RunHere.ts"
import { memberOf, vbucketList } from "./TailCommand.ts"

let folder: string
let server: ChildProcess
let url: string
let control: Net.Socket
let token: string
let answers: AsyncIterator<string>

/** In this process: a process for each case would take most of the time. */
const wirewright = (args: ReadonlyArray<string>): Promise<Outcome> => Effect.runPromise(runHere(args))

const set = async (key: string, value: string): Promise<void> => {
  expect((await wirewright(["kv", "set", url, key, value])).code, key).toBe(0)
}

/** Asks the control socket. */
const ask = async (request: object): Promise<Record<string, unknown>> => {
  control.write(`${JSON.stringify({ token, ...request })}\n`)
  return JSON.parse((await answers.next()).value as string) as Record<string, unknown>
}

/** The status, once it is as expected; the last of many otherwise. */
const settled = async (expected: (status: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> => {
  for (let turn = 0;; turn++) {
    const status = await ask({ do: "status" })
    if (expected(status) || turn === 1_000) return status
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "wirewright-tail-"))
  server = spawn(process.execPath, [bin, "serve", "--vbuckets", "1", "--control", "0"], { stdio: ["ignore", "pipe", "inherit"] })
  const ready = JSON.parse(
    await new Promise<string>((resolve) => server.stdout!.once("data", (text: Buffer) => resolve(text.toString())))
  ) as {
    readonly port: number
    readonly control: string
    readonly controlToken: string
  }
  token = ready.controlToken
  url = `couchbase://127.0.0.1:${ready.port}/default`
  control = Net.connect(Number(ready.control.split(":")[1]), "127.0.0.1")
  answers = createInterface({ input: control })[Symbol.asyncIterator]()
  await set("a", "{\"n\":1}")
  await set("b", "text")
}, 120_000)
afterAll(() => {
  control.destroy()
  server.kill("SIGKILL")
  rmSync(folder, { recursive: true, force: true })
})

describe("members", () => {
  it.each([
    ["1/5", "any", { member: 0, members: 5 }],
    ["5/5", "any", { member: 4, members: 5 }],
    ["64/64", "any", { member: 63, members: 64 }],
    ["host/5", "tail-0", { member: 0, members: 5 }],
    ["host/5", "tail-4.tail.default.svc", { member: 4, members: 5 }],
    ["0/5", "any", "there are members 1 to 5"],
    ["6/5", "any", "there are members 1 to 5"],
    ["1/0", "any", "there are 1 to 64 members"],
    ["1/65", "any", "there are 1 to 64 members"],
    ["host/5", "tail-5", "tail-5 is none of 5 members, which are 0 to 4"],
    ["host/5", "laptop", "the name laptop does not end with a number, such as tail-0"],
    ["tail-1/5", "any", { member: 1, members: 5 }],
    ["tail-5/5", "tail-0", "tail-5 is none of 5 members, which are 0 to 4"],
    ["laptop/5", "tail-0", "the name laptop does not end with a number, such as tail-0"],
    ["2", "any", "expected such as 2/5, tail-1/5, or host/5"],
    ["/3", "any", "expected such as 2/5, tail-1/5, or host/5"]
  ])("%s on the host %s", (text, host, expected) => expect(memberOf(text, host)).toEqual(expected))
})

describe("tail", () => {
  it("prints what is there, for people, for programs, in a format", async () => {
    const plain = await wirewright(["tail", url, "--to", "now"])
    expect([plain.code, plain.err]).toEqual([0, ""])
    expect(plain.out.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual([
      ["mutation", "vb 0", "seqno 1", "a", "7 B"],
      ["mutation", "vb 0", "seqno 2", "b", "4 B"],
      ["caughtUp", "all"],
      [""]
    ])
    const [first, second, ...rest] = ndjson((await wirewright(["tail", url, "--to", "now", "--json"])).out)
    expect(first).toMatchObject({
      event: "mutation",
      vbucket: 0,
      seqno: "1",
      revSeqno: "1",
      key: "a",
      collectionId: 0,
      collection: "_default._default",
      encoding: "json",
      value: { n: 1 }
    })
    expect(typeof first!["cas"]).toBe("string")
    expect(second).toMatchObject({ key: "b", encoding: "text", value: "text" })
    expect(rest).toEqual([{ event: "caughtUp", all: true }])
    const verbose = ndjson((await wirewright(["tail", url, "--to", "now", "--json", "--verbose"])).out)
    expect(verbose.slice(-3).map(({ event, vbucket }) => [event, vbucket])).toEqual([["caughtUp", 0], ["caughtUp", undefined], [
      "streamEnd",
      0
    ]])
    const format = await wirewright(["tail", url, "--to", "now", "--format", "%k=%v @%s %e %% vb%b %C"])
    expect(format.out).toBe("a={\"n\":1} @1 mutation % vb0 _default._default\nb=text @2 mutation % vb0 _default._default\n")
    expect((await wirewright(["tail", url, "--to", "now", "--format", "%k %v", "--no-value"])).out).toBe("a \nb \n")
  }, 60_000)

  it.each([
    [["--json", "--format", "%k"], "give --json or --format, not both"],
    [["--format", "%z"], "%z stands for nothing"],
    [["--vbuckets", "3-1"], "the range 3-1 ends before it begins"],
    [["--vbuckets", "9999"], "--vbuckets 9999: there is no vbucket 9999"],
    [["--vbuckets", "0-1024"], "there is no vbucket 1024, a bucket has at most 0 to 1023"],
    [["--vbuckets", "0,,1"], "\"\" is no vbucket and no range, expected such as 0-3,17"],
    [["--member", "6/5"], "--member 6/5: there are members 1 to 5"],
    [["--member", "1/5"], "5 members are more than the 1 vbuckets"],
    [["--member", "1/1", "--vbuckets", "0"], "give --member or --vbuckets, not both"],
    [["--from", "checkpoint"], "needs --checkpoint DIR"],
    [["--window", "-1"], "from 0 to"],
    [["--slow-after", "0"], "--slow-after 0: 1 second or more"],
    [["--metrics", "65536"], "--metrics 65536: there are ports 0 to 65535"],
    [["--metrics", "0.0.0.0:65536"], "--metrics 0.0.0.0:65536: there are ports 0 to 65535"],
    [["--metrics", "here"], "--metrics here: expected PORT or HOST:PORT"],
    [["--collections", "nowhere"], "there is no collection _default.nowhere"]
  ])("%j is refused: %s", async (flags, message) => {
    const { code, err } = await wirewright(["tail", url, "--to", "now", ...flags])
    expect(err).toContain(message)
    expect(code).toBe(1)
  }, 60_000)

  it("--metrics serves health, status and metrics while it runs; a port that is taken is a usage error", async () => {
    const child = spawn(process.execPath, [bin, "tail", url, "--metrics", "0", "--format", "%k"], { stdio: ["ignore", "pipe", "pipe"] })
    let [out, err] = ["", ""]
    const ready = (): boolean => out.includes("b\n") && /http:\/\/127\.0\.0\.1:\d+/.test(err)
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString(), ready() && resolve()))
      child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString(), ready() && resolve()))
    })
    const [base] = /http:\/\/127\.0\.0\.1:\d+/.exec(err)!
    const ask = async (path: string): Promise<string> => (await fetch(base + path)).text()
    expect(await ask("/health")).toContain("\"status\":\"pass\"")
    expect((JSON.parse(await ask("/status")) as Record<string, unknown>)["dcp tail"]).toMatchObject({ vbuckets: 1, streaming: 1, lag: 0 })
    expect(await ask("/metrics")).toMatch(/^\w*dcp\w*lag\w*\{.*\} 0$/m)
    const taken = await wirewright(["tail", url, "--to", "now", "--metrics", base.split(":").at(-1)!])
    expect([taken.code, taken.err]).toEqual([1, expect.stringContaining("EADDRINUSE")])
    child.kill("SIGINT")
    await once(child, "close")
  }, 60_000)

  it("nobody at the address: exit code 69; no bucket in the URL: 1", async () => {
    expect((await wirewright(["tail", "couchbase://127.0.0.1:1/default", "--to", "now"])).code).toBe(69)
    expect((await wirewright(["tail", url.replace("/default", "")])).code).toBe(1)
  }, 60_000)

  it("Ctrl-C saves what was printed and ends with 130; the next run goes on there, through a failover that loses writes", async () => {
    const directory = join(folder, "seen")
    const child = spawn(process.execPath, [bin, "tail", url, "--json", "--checkpoint", directory], { stdio: ["ignore", "pipe", "inherit"] })
    let printed = ""
    await new Promise<void>((resolve) =>
      child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()).includes("\"all\":true") && resolve())
    )
    child.kill("SIGINT")
    const [code] = await once(child, "close")
    expect(code).toBe(130)
    expect(ndjson(printed).filter(({ event }) => event === "mutation").map(({ key }) => key)).toEqual(["a", "b"])
    expect(readdirSync(directory, { recursive: true }).toSorted()).toContain(join("default%2ftail", "0.json"))

    await set("c", "1")
    const again = async (): Promise<ReadonlyArray<string>> =>
      ndjson((await wirewright(["tail", url, "--json", "--checkpoint", directory, "--to", "now"])).out)
        .filter(({ event }) => event !== "caughtUp" && event !== "streamEnd")
        .map(({ event, key, reason, to }) => [event, key ?? `${String(to)} ${String(reason)}`].join(" "))
    expect(await again()).toEqual(["mutation c"])
    expect(await again()).toEqual([])

    expect(await ask({ do: "failover", lost: 1 })).toEqual({ ok: true, lost: 1 })
    await set("d", "1")
    expect(await again()).toEqual(["rollback 2 CompleteSnapshot", "mutation d"])
  })
})

it("vbuckets are numbers and ranges from 0 to 1023", () => {
  expect(vbucketList("0-3,17, 1023")).toEqual([0, 1, 2, 3, 17, 1023])
  expect(vbucketList("5,5,4-6")).toEqual([4, 5, 6])
  for (
    const wrong of [
      "",
      "-1",
      "1-",
      "-",
      "1-2-3",
      "a",
      "1.5",
      "0x1",
      "1e3",
      "3-1",
      "1024",
      "1000-1024",
      "1024-1",
      "9".repeat(400),
      "0-",
      "٣"
    ]
  ) {
    expect(typeof vbucketList(wrong), wrong).toBe("string")
  }
})

describe("the control socket", () => {
  it("says what there is, and why it does not do something", async () => {
    // the server takes its time to notice that the tails before have gone
    const status = await settled(({ dcp }) => (dcp as ReadonlyArray<unknown>).length === 0)
    expect(status).toMatchObject({ ok: true, buckets: { default: { 0: { node: 0, seqno: "3", purge: "0" } } }, dcp: [] })
    expect(await ask({ do: "nothing" })).toMatchObject({
      ok: false,
      error: expect.stringContaining("do is one of failover, crash, evict") as string
    })
    expect(await ask({ do: "failover", node: 7 })).toEqual({ ok: false, error: "there is no node 7" })
    expect(await ask({ do: "purge", seqno: -1 })).toEqual({ ok: false, error: "seqno is no number from 0" })
    expect(await ask({ do: "evict", bucket: "other" })).toEqual({ ok: false, error: "there is no such bucket" })
  })

  it("evicts, purges, crashes, disconnects", async () => {
    expect(await ask({ do: "evict" })).toEqual({ ok: true, vbuckets: 1 })
    expect((await wirewright(["kv", "remove", url, "a"])).code).toBe(0)
    expect(await ask({ do: "purge", vbucket: 0 })).toEqual({ ok: true, vbuckets: 1 })
    const after = (await ask({ do: "status" })) as { readonly buckets: { readonly default: Record<string, { readonly purge: string }> } }
    expect(after.buckets.default["0"]!.purge).toBe("4")
    expect(await ask({ do: "compact" })).toEqual({ ok: true, vbuckets: 1 })
    expect(await ask({ do: "crash", seqno: 4 })).toEqual({ ok: true, vbuckets: 1, lost: 0 })
    expect(await ask({ do: "disconnect", dcpOnly: true })).toEqual({ ok: true, connections: 0 })
  }, 60_000)
})
