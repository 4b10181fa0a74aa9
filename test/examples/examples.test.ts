/** The programs of `packages/examples` do what their first lines say. */
import { serveCouchbase } from "@wirewright/embedded"
import { KvClient } from "@wirewright/couchbase"
import { packet, RawClient, shown } from "../../packages/memcached/src/RawClient.fixture.ts"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { readFileSync } from "node:fs"
import * as Net from "node:net"
import { describe, expect, it } from "vitest"
import { run, start } from "./Example.ts"

const user = { name: "app", password: Redacted.make("secret") }

/** A bucket, and how to connect to it. */
const withBucket = (use: (url: string, port: number) => Effect.Effect<void, unknown>): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const { port } = yield* serveCouchbase({ users: [user] })
    yield* use(`couchbase://app:secret@127.0.0.1:${port}/default`, port)
  })))

/** Sends text and waits for so many bytes, or as many lines. */
const converse = (port: number, text: string, done: (received: string) => boolean): Promise<string> =>
  new Promise((resolve, reject) => {
    let received = ""
    const socket = Net.connect(port, "127.0.0.1", () => socket.write(text))
    socket.setTimeout(10_000, () => reject(new Error(`only got ${JSON.stringify(received)}`)))
    socket.on("error", reject)
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1")
      if (!done(received)) return
      socket.destroy()
      resolve(received)
    })
  })

const lines = (count: number) => (text: string): boolean => text.split("\n").length > count

describe("examples", () => {
  it("01: every byte comes back, to the one who sent it", async () => {
    const example = await start("01_echo_server.ts")
    try {
      const large = "0123456789".repeat(20_000)
      const [first, second] = await Promise.all([
        converse(example.port, "hello", (text) => text.length >= 5),
        converse(example.port, large, (text) => text.length >= large.length)
      ])
      expect(first).toBe("hello")
      expect(second).toBe(large)
    } finally {
      await example.stop()
    }
  })

  it("02: every line is a document, and its CAS is the answer", () =>
    withBucket((url) =>
      Effect.gen(function*() {
        const example = yield* Effect.promise(() => start("02_echo_persist.ts", { WIREWRIGHT_URL: url }))
        const answers = yield* Effect.promise(() => converse(example.port, "first\nsecond\n", lines(2)))
        const cas = answers.trim().split("\n").map(BigInt)
        expect(cas).toHaveLength(2)
        expect(cas[1]).toBeGreaterThan(cas[0]!)
        const output = yield* Effect.promise(() => example.stop())
        expect(output).not.toContain("secret")
      })
    ))

  it("02: a node that is not there is told to nobody's terminal but its own", async () => {
    const { code, output } = await run("02_echo_persist.ts", { WIREWRIGHT_URL: "couchbase://app:hunter2@127.0.0.1:1/default" })
    expect(code).not.toBe(0)
    expect(output).toContain("127.0.0.1:1")
    expect(output).not.toContain("hunter2")
  })

  it("03: a memcached client sees the bucket's documents, in 20 lines", () =>
    withBucket((url) =>
      Effect.scoped(Effect.gen(function*() {
        const example = yield* Effect.promise(() => start("03_proxy.ts", { UPSTREAM: url }))
        const client = yield* Effect.promise(() => RawClient.connect(example.port))
        client.send(packet(0x01, { key: "k", extras: "0000000000000000", value: "seen by both" }))
        expect(shown((yield* Effect.promise(() => client.packets(1)))[0]!)).toBe("1 0 0")
        const kv = yield* KvClient.makeUrl(url)
        const document = yield* kv.get("k")
        expect(new TextDecoder().decode(Option.getOrThrow(document).value)).toBe("seen by both")
        client.close()
        expect(yield* Effect.promise(() => example.stop())).toContain("\"SET\":{\"requests\":1,\"answers\":1")
        const source = readFileSync(new URL("../../packages/examples/src/03_proxy.ts", import.meta.url), "utf8")
        const code = source.replace(/\/\*\*[\s\S]*?\*\//g, "").split("\n").filter((line) => line.trim() !== "")
        expect(code.length).toBeLessThanOrEqual(20)
      }))
    ))

  it("04: client and server know an opcode of ours", async () => {
    const { code, output } = await run("04_add_opcode.ts")
    expect(output.trim()).toBe("Hello 1024\nnobody KeyEnoent")
    expect(code).toBe(0)
  })

  it("05: a view stays right through a broken connection and a failover that loses writes", async () => {
    const { code, stdout } = await run("05_live_view.ts")
    expect(stdout).toMatch(/node 1 failed; node 2 took over without the last \d+ writes\n\d+ rollbacks took back \d+ changes/)
    expect(stdout.trim().split("\n").at(-1)).toBe("view = node")
    expect(code).toBe(0)
  })
})
