/** The control socket of `wirewright serve`: who may use it, what a web page or a broken connection does to it, and its commands for buckets. */
import { type CouchbaseCluster, serveCouchbaseCluster } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bin } from "../test/RunCli.ts"
import { longestLine, serveControl } from "./ServeControl.ts"

const token = "t0ken"

/** A connection that reads lines, and knows when it was closed. */
class Lines {
  readonly socket: Net.Socket
  readonly ended: Promise<void>
  received = ""
  private wake: (() => void) | undefined
  private over = false

  constructor(port: number) {
    this.socket = Net.connect(port, "127.0.0.1")
    this.socket.on("error", () => {})
    this.socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString()
      this.wake?.()
    })
    this.ended = new Promise((resolve) =>
      this.socket.once("close", () => {
        this.over = true
        this.wake?.()
        resolve()
      })
    )
  }

  async ask(request: object | string): Promise<Record<string, unknown>> {
    this.socket.write(`${typeof request === "string" ? request : JSON.stringify(request)}\n`)
    let end: number
    while ((end = this.received.indexOf("\n")) < 0) {
      if (this.over) throw new Error("closed")
      await new Promise<void>((resolve) => this.wake = resolve)
    }
    const line = this.received.slice(0, end)
    this.received = this.received.slice(end + 1)
    return JSON.parse(line) as Record<string, unknown>
  }
}

const scope = Scope.makeUnsafe()
let cluster: CouchbaseCluster
let port: number

beforeAll(async () => {
  const made = Effect.gen(function*() {
    const served = yield* serveCouchbaseCluster({ buckets: [{ name: "default", vbuckets: 1 }] })
    return [served, yield* serveControl(served, 0, token)] as const
  })
  ;[cluster, port] = await Effect.runPromise(Scope.provide(made, scope))
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const revision = (): bigint => cluster.state.version.revision
const crash = JSON.stringify({ do: "createBucket", bucket: "intruder" })

describe("who may use it", () => {
  it("is told the token by the first command of each connection", async () => {
    const lines = new Lines(port)
    expect(await lines.ask({ token, do: "status" })).toMatchObject({ ok: true, dcp: [] })
    expect(await lines.ask({ do: "status" })).toMatchObject({ ok: true })
    lines.socket.destroy()
  })

  it.each([
    ["no token", { do: "createBucket", bucket: "intruder" }],
    ["another token", { token: "t0kem", do: "createBucket", bucket: "intruder" }],
    ["a longer token", { token: `${token}x`, do: "createBucket", bucket: "intruder" }],
    ["an empty token", { token: "", do: "createBucket", bucket: "intruder" }],
    ["a token that is no text", { token: 7, do: "createBucket", bucket: "intruder" }]
  ])("refuses %s, and closes", async (_, request) => {
    const lines = new Lines(port)
    expect(await lines.ask(request)).toEqual({ ok: false, error: "the first command of a connection has the token" })
    lines.socket.write(`${crash}\n`)
    await lines.ended
    expect(lines.received).toBe("")
    expect(cluster.buckets.has("intruder")).toBe(false)
  })

  it("says nothing to HTTP and closes: a web page cannot drive it", async () => {
    const before = revision()
    const body = `${crash}\n${JSON.stringify({ token, do: "createBucket", bucket: "intruder" })}\n`
    await expect(fetch(`http://127.0.0.1:${port}/`, { method: "POST", mode: "no-cors", body })).rejects.toThrow()
    const lines = new Lines(port)
    lines.socket.write(`POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    await lines.ended
    expect(lines.received).toBe("")
    expect(cluster.buckets.has("intruder")).toBe(false)
    expect(revision()).toBe(before)
  })

  it.each(["[]", "7", "null", "\"status\"", "{\"do\":", "GET / HTTP/1.1", ""])(
    "closes at a first line that is no command: %s",
    async (text) => {
      const lines = new Lines(port)
      lines.socket.write(`${text}\n`)
      await lines.ended
      expect(lines.received).toBe("")
    }
  )

  it("reads a line of 4096 bytes, and closes at a longer one, ended or not", async () => {
    expect(longestLine).toBe(4096)
    const padded = (length: number): string => {
      const bare = JSON.stringify({ token, do: "status", x: "" })
      return JSON.stringify({ token, do: "status", x: "x".repeat(length - bare.length) })
    }
    const fits = new Lines(port)
    expect(await fits.ask(padded(4096))).toMatchObject({ ok: true })
    for (const text of [`${padded(4097)}\n`, "x".repeat(4097)]) {
      const tooLong = new Lines(port)
      tooLong.socket.write(text)
      await tooLong.ended
      expect(tooLong.received).toBe("")
    }
    // in pieces
    fits.socket.write("x".repeat(4000))
    await new Promise((done) => setTimeout(done, 20))
    fits.socket.write("x".repeat(97))
    await fits.ended
    expect(fits.received).toBe("")
  })
})

describe("what there is to ask for", () => {
  it("makes, changes, empties and drops buckets, scopes and collections", async () => {
    const lines = new Lines(port)
    const ask = (request: object) => lines.ask(request)
    expect(await ask({ token, do: "createBucket", bucket: "travel", vbuckets: 2, flushEnabled: true })).toEqual({ ok: true })
    expect(cluster.buckets.get("travel")).toMatchObject({ vbucketCount: 2, settings: { flushEnabled: true, ramQuota: 100 } })
    expect(await ask({ do: "createBucket", bucket: "travel" })).toEqual({ ok: false, error: "Bucket with given name already exists" })
    expect(await ask({ do: "updateBucket", bucket: "travel", ramQuota: 200 })).toEqual({ ok: true })
    expect(await ask({ do: "updateBucket", bucket: "travel", ramQuota: 99 })).toMatchObject({ ok: false })
    expect(await ask({ do: "createScope", bucket: "travel", scope: "shop" })).toEqual({ ok: true, uid: "1" })
    expect(await ask({ do: "createCollection", bucket: "travel", scope: "shop", collection: "orders", maxTtl: 60 })).toEqual({
      ok: true,
      uid: "2"
    })
    expect(await ask({ do: "updateCollection", bucket: "travel", scope: "shop", collection: "orders", maxTtl: -1 })).toEqual({
      ok: true,
      uid: "3"
    })
    expect(cluster.buckets.get("travel")!.manifest.scopes[1]!.collections[0]).toMatchObject({ name: "orders", maxTtl: 0 })
    expect(await ask({ do: "dropCollection", bucket: "travel", scope: "shop", collection: "orders" })).toEqual({ ok: true, uid: "4" })
    expect(await ask({ do: "dropScope", bucket: "travel", scope: "shop" })).toEqual({ ok: true, uid: "5" })
    expect(await ask({ do: "dropScope", bucket: "travel", scope: "shop" })).toEqual({
      ok: false,
      error: "Scope with name \"shop\" is not found"
    })
    expect(await ask({ do: "flushBucket", bucket: "travel" })).toEqual({ ok: true })
    expect(await ask({ do: "dropBucket", bucket: "travel" })).toEqual({ ok: true })
    expect(await ask({ do: "dropBucket", bucket: "travel" })).toMatchObject({ ok: false })
    expect(await ask({ do: "createBucket" })).toEqual({ ok: false, error: "bucket is a text" })
    expect(await ask({ do: "createBucket", bucket: "b", vbuckts: 2 })).toEqual({ ok: false, error: "there is no vbuckts to set" })
    expect(cluster.buckets.has("b")).toBe(false)
    lines.socket.destroy()
  })
})

describe("as a process", () => {
  let child: ChildProcess | undefined
  let folder: string | undefined
  const start = async (args: ReadonlyArray<string>): Promise<Record<string, unknown>> => {
    child = spawn(process.execPath, [bin, "serve", "--vbuckets", "1", "--control", "0", ...args], { stdio: ["ignore", "pipe", "inherit"] })
    const line = await new Promise<string>((resolve) => child!.stdout!.once("data", (text: Buffer) => resolve(text.toString())))
    return JSON.parse(line) as Record<string, unknown>
  }
  afterAll(() => {
    child?.kill("SIGKILL")
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  it("says the token when it is ready, and outlives a connection that is reset", async () => {
    const ready = await start([])
    const at = Number(String(ready["control"]).split(":")[1])
    expect(ready["controlToken"]).toMatch(/^[A-Za-z0-9_-]{32}$/)
    const reset = async (text: string): Promise<void> => {
      const { socket } = new Lines(at)
      await new Promise((done) => socket.once("connect", done))
      socket.write(text)
      socket.resetAndDestroy()
      await new Promise((done) => socket.once("close", done))
    }
    for (let round = 0; round < 20; round++) await reset(`{"token":"${String(ready["controlToken"])}","do":"status"}\n`.slice(0, round * 3))
    const many = `{"token":"${String(ready["controlToken"])}","do":"status"}\n`.repeat(200)
    for (let round = 0; round < 5; round++) await reset(many)
    const lines = new Lines(at)
    expect(await lines.ask({ token: ready["controlToken"], do: "status" })).toMatchObject({ ok: true })
    expect(child!.exitCode).toBe(null)
    lines.socket.destroy()
    child!.kill("SIGKILL")
  }, 60_000)

  it("takes the token from a file, and then does not say it", async () => {
    folder = mkdtempSync(join(tmpdir(), "wirewright-control-"))
    writeFileSync(join(folder, "token"), "from a file\n")
    const ready = await start(["--control-token-file", join(folder, "token")])
    expect(JSON.stringify(ready)).not.toContain("from a file")
    expect(ready["controlToken"]).toBe(undefined)
    const lines = new Lines(Number(String(ready["control"]).split(":")[1]))
    expect(await lines.ask({ token: "from a file", do: "status" })).toMatchObject({ ok: true })
    lines.socket.destroy()
  }, 60_000)
})
