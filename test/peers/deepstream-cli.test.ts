/** `wirewright deepstream` and the todo list, each in a process of its own, against real servers. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Kind, Server } from "./DeepstreamServers.ts"

const bin = fileURLToPath(new URL("../../packages/cli/bin/wirewright.js", import.meta.url))
const todo = fileURLToPath(new URL("../../packages/examples/src/08_todo_list.ts", import.meta.url))

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const run = (
  args: ReadonlyArray<string>,
  env: Record<string, string> = {}
): { readonly ended: Promise<Ran>; readonly said: () => string; readonly stop: () => void } => {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } })
  let out = ""
  let err = ""
  child.stdout.on("data", (chunk: Buffer) => out += chunk.toString())
  child.stderr.on("data", (chunk: Buffer) => err += chunk.toString())
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, out, err }))
  return { ended, said: () => out, stop: () => void child.kill("SIGTERM") }
}

/** Waits until it holds, 20 seconds at most. */
const eventually = async (read: () => string | Promise<string>, holds: (text: string) => boolean): Promise<void> => {
  let text = ""
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    text = await read()
    if (holds(text)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`never: ${text}`)
}

const deepstream = (...args: ReadonlyArray<string>) => run([bin, "deepstream", ...args]).ended

// the two kinds beside one another: most of the time is that of starting processes
describe.concurrent.each<Kind>(["classic", "text"])("wirewright deepstream (%s)", (kind) => {
  let server: Server
  beforeAll(async () => {
    server = await Server.start(kind)
  })
  afterAll(() => server.stop())

  it("writes, reads, patches, removes and deletes a record", async () => {
    const { url } = server
    expect(await deepstream("record", url, "user/1")).toMatchObject({ code: 100, err: expect.stringContaining("RECORD_NOT_FOUND") })
    expect(await deepstream("record", url, "user/1", "--set", "{\"name\":\"Lisa\"}")).toEqual({ code: 0, out: "", err: "" })
    expect(await deepstream("record", url, "user/1", "--path", "pets.first", "--set", "Rex")).toEqual({ code: 0, out: "", err: "" })
    expect(await deepstream("record", url, "user/1", "--path", "pets.first")).toEqual({ code: 0, out: "\"Rex\"\n", err: "" })
    expect(await deepstream("record", url, "user/1", "--path", "name", "--remove")).toEqual({ code: 0, out: "", err: "" })
    const { code, out } = await deepstream("record", url, "user/1", "--json")
    expect([code, JSON.parse(out)]).toEqual([0, { record: "user/1", data: { pets: { first: "Rex" } } }])
    expect(await deepstream("record", url, "user/1", "--delete")).toEqual({ code: 0, out: "", err: "" })
    expect((await deepstream("record", url, "user/1")).code).toBe(100)
  })

  it("tails what is emitted and written", async () => {
    const { url } = server
    const tail = run([bin, "deepstream", "tail", url, "--event", "news", "--record", "live", "--json", "--count", "3"])
    await eventually(tail.said, (said) => said.includes("live"))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect((await deepstream("emit", url, "news", "{\"title\":\"hello\"}")).code).toBe(0)
    await eventually(tail.said, (said) => said.includes("hello"))
    expect((await deepstream("record", url, "live", "--path", "n", "--set", "5")).code).toBe(0)
    const { code, out } = await tail.ended
    expect(code).toBe(0)
    const lines = out.trim().split("\n").map((text) => JSON.parse(text) as object)
    expect(lines).toEqual([
      { record: "live", version: 0, data: {} },
      { event: "news", value: { title: "hello" } },
      { record: "live", version: 1, data: { n: 5 } }
    ])
  })

  it("calls procedures and asks for presence", async () => {
    const { url } = server
    expect(await deepstream("rpc", url, "nobody", "1")).toMatchObject({ code: 100, err: expect.stringContaining("NO_RPC_PROVIDER") })
    expect((await deepstream("presence", url)).code).toBe(0)
    expect(await deepstream("presence", url, "ann")).toEqual({ code: 0, out: "ann  offline\n", err: "" })
  })

  it("runs the todo list", async () => {
    const node = ["--conditions=@wirewright/source", todo, server.url]
    const demo = await run(node).ended
    expect(demo).toEqual({ code: 0, out: "[ ] todo/1  Buy milk\n[x] todo/2  Read the mail\n", err: "" })
    const served = run([...node, "serve"])
    const watched = run([...node, "watch"])
    try {
      await eventually(watched.said, (said) => said.includes("[x] todo/2"))
      await eventually(async () => (await run([...node, "add", "Water the plants"]).ended).out, (out) => out === "todo/3\n")
      await eventually(watched.said, (said) => said.includes("[ ] todo/3  Water the plants"))
      expect((await run([...node, "done", "todo/3"]).ended).code).toBe(0)
      await eventually(watched.said, (said) => said.includes("[x] todo/3  Water the plants"))
      expect(await run([...node, "done", "todo/9"]).ended).toMatchObject({ code: 1, err: "there is no such todo\n" })
    } finally {
      served.stop()
      watched.stop()
      await Promise.all([served.ended, watched.ended])
    }
  })

  it("says that nobody is there", async () => {
    const { code, err } = await deepstream("emit", "ws://127.0.0.1:9/deepstream", "x")
    expect([code, err.includes("unreachable")]).toEqual([69, true])
  })
})
