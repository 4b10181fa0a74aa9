/** `watch`: the node in memory logs what memcached 1.6.18 logs, tells who does not read how much was skipped, and forgets who has gone. */
import { type MemcachedNode, type MemcachedNodeOptions, serveMemcachedNode } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { describe, expect, test } from "vitest"
import { Talk } from "./TextVectors.ts"

const recorded = JSON.parse(readFileSync(new URL("../fixtures/memcached-watch.json", import.meta.url), "utf8")) as ReadonlyArray<
  { readonly send: string; readonly lines: ReadonlyArray<string> }
>

/** Lines that are meant to differ: memcached tells a time to live below 0 as a number without a sign, which depends on how long it has run. */
const different: { readonly [send: string]: readonly [theirs: RegExp, ours: string] } = {
  "set e 0 -1 1\r\nv\r\n": [/ttl=42949\d{5}/, "ttl=0"]
}

const withNode = <A>(run: (node: MemcachedNode) => Promise<A>, options: MemcachedNodeOptions = {}): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(serveMemcachedNode(options), (node) => Effect.promise(() => run(node)))))

/** Waits until it holds, ten seconds of waiting at most. */
const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let turn = 0; !await holds(); turn++) {
    if (turn === 2_000) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const bytes = (text: string): Buffer => Buffer.from(text, "latin1")
const nothing = Buffer.alloc(0)

const watching = async (node: MemcachedNode, ...kinds: ReadonlyArray<string>): Promise<Talk> => {
  const watcher = new Talk(node.server.accept)
  await watcher.say(bytes(`${["watch", ...kinds].join(" ")}\r\n`))
  expect(watcher.take()).toBe("OK\r\n")
  return watcher
}

/** Lines that came, without times and numbers. */
const linesOf = async (watcher: Talk): Promise<ReadonlyArray<string>> => {
  await watcher.say(nothing)
  const text = watcher.take()
  expect(text).toMatch(/^(ts=\d+\.\d{6} gid=\d+ [^\n\r]+\n)*$/)
  return text.split("\n").slice(0, -1).map((line) => line.replace(/^ts=\S+ gid=\d+ /, ""))
}

const ask = async (node: MemcachedNode, text: string): Promise<string> => {
  const talk = new Talk(node.server.accept)
  await talk.say(bytes(text))
  talk.end()
  return talk.take()
}

test(`${recorded.length} commands, as memcached 1.6.18 logs them`, () =>
  withNode(async (node) => {
    const watcher = await watching(node, "fetchers", "mutations")
    const client = new Talk(node.server.accept)
    for (const { lines, send } of recorded) {
      await client.say(bytes(send))
      const [theirs, ours] = different[send] ?? []
      const want = theirs === undefined ? lines : lines.map((line) => line.replace(theirs, ours!))
      if (theirs !== undefined) expect(want).not.toEqual(lines)
      // the watcher is the first connection, the client the second
      expect((await linesOf(watcher)).map((line) => line.replace("cfd=2 ", "cfd=N ")), send).toEqual(want)
    }
  }))

describe("who watches", () => {
  test("reads alone when nothing is said; each what was asked for; numbers go on", () =>
    withNode(async (node) => {
      const [reads, writes, silent] = [
        await watching(node),
        await watching(node, "mutations"),
        await watching(node, "rawcmds", "sysevents")
      ]
      await ask(node, "set k 0 0 1\r\nv\r\nget k\r\n")
      expect((await linesOf(reads)).map((line) => line.split(" ")[0])).toEqual(["type=item_get", "type=item_get"])
      expect((await linesOf(writes)).map((line) => line.split(" ")[0])).toEqual(["type=item_store"])
      expect(await linesOf(silent)).toEqual([])
      await ask(node, "get k\r\n")
      await reads.say(nothing)
      expect(reads.take()).toMatch(/gid=4 /)
    }))

  test("is counted in the statistics until the connection is gone", () =>
    withNode(async (node) => {
      const watchers = await Promise.all([1, 2].map(() =>
        new Promise<Socket>((resolve) => {
          const socket = connect(node.server.port, "127.0.0.1", () => socket.write("watch fetchers\r\n"))
          socket.once("data", () => resolve(socket))
        })
      ))
      await ask(node, "get k\r\n")
      const numbers = async () =>
        (await ask(node, "stats\r\n")).split("\r\n").filter((line) => /STAT log_/.test(line)).map((line) => line.slice(9))
      expect(await numbers()).toEqual(["worker_dropped 0", "worker_written 1", "watcher_skipped 0", "watcher_sent 2", "watchers 2"])
      for (const socket of watchers) socket.destroy()
      await until("nobody watches", async () => (await numbers()).at(-1) === "watchers 0")
    }))

  test("and does not read misses lines, and is told how many", () =>
    withNode(async (node) => {
      const watcher = await new Promise<Socket>((resolve) => {
        const socket = connect(node.server.port, "127.0.0.1", () => socket.write("watch\r\n"))
        socket.once("data", () => {
          socket.pause()
          resolve(socket)
        })
      })
      const client = new Talk(node.server.accept)
      const lines = bytes(`get ${"k".repeat(250)}\r\n`.repeat(1_000))
      const count = async (name: string) => Number(new RegExp(`STAT log_watcher_${name} (\\d+)`).exec(await ask(node, "stats\r\n"))![1])
      // the kernel holds megabytes before this side has to
      let rounds = 0
      while (await count("skipped") === 0) {
        await client.say(lines)
        if (++rounds > 200) throw new Error("nothing is skipped")
      }
      const [sent, skipped] = [await count("sent"), await count("skipped")]
      expect(sent + skipped).toBe(rounds * 1_000)
      let text = ""
      watcher.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")))
      watcher.resume()
      const came = (count: number) => until(`${count} lines`, () => text.split("\n").length >= count)
      await came(sent + 1)
      // the next line tells of what is missing, and comes after it
      await client.say(bytes("get z\r\n"))
      await came(sent + 3)
      const got = text.split("\n")
      expect(got.slice(0, sent).every((line, i) => line.includes(` gid=${i + 1} type=item_get key=kkk`))).toBe(true)
      expect(got[sent]).toBe(`skipped=${skipped}`)
      expect(got[sent + 1]).toMatch(/type=item_get key=z status=not_found clsid=0 cfd=2 size=0$/)
      expect(got).toHaveLength(sent + 3)
      watcher.destroy()
    }))
})

describe("what else is logged", () => {
  test("evictions, with what the item was", () =>
    withNode(async (node) => {
      const watcher = await watching(node, "evictions")
      const value = "x".repeat(9_000)
      await ask(node, `set a 0 0 9000\r\n${value}\r\nget a\r\nset b 0 100 9000\r\n${value}\r\n`)
      await ask(node, Array.from({ length: 300 }, (_, i) => `set k${i} 0 0 9000 noreply\r\n${value}\r\n`).join(""))
      const lines = await linesOf(watcher)
      // memcached: key=k0 fetch=yes ttl=-1 la=1 clsid=22 size=9000, and key=k1 fetch=no ttl=99 …
      expect(lines).toContainEqual(expect.stringMatching(/^type=eviction key=a fetch=yes ttl=-1 la=\d+ clsid=22 size=9000$/))
      expect(lines).toContainEqual(expect.stringMatching(/^type=eviction key=b fetch=no ttl=(99|100) la=\d+ clsid=22 size=9000$/))
    }, { maxMemory: 1_100_000 }))

  test("who came, who went, and why", () =>
    withNode(async (node) => {
      const watcher = await watching(node, "connevents")
      const { port } = node.server
      const talked = (text: string) =>
        new Promise<number>((resolve) => {
          const socket = connect(port, "127.0.0.1", () => socket.write(text))
          const { localPort } = socket
          let from = localPort ?? 0
          socket.once("connect", () => (from = socket.localPort!))
          socket.on("data", () => socket.end())
          socket.on("error", () => {})
          socket.on("close", () => resolve(from))
        })
      const ends: Array<readonly [from: number, reason: string]> = []
      for (
        const [text, reason] of [["version\r\n", "normal"], ["quit\r\n", "normal"], ["GET / HTTP/1.1\r\n", "error"], [
          "x".repeat(3000),
          "error"
        ]]
      ) {
        ends.push([await talked(text!), reason!])
      }
      const want = ends.flatMap(([from, reason], i) => [
        `type=conn_new rip=127.0.0.1 rport=${from} transport=tcp cfd=${i + 2}`,
        `type=conn_close rip=127.0.0.1 rport=${from} transport=tcp reason=${reason} cfd=${i + 2}`
      ])
      let got: ReadonlyArray<string> = []
      await until("all lines", async () => (got = [...got, ...await linesOf(watcher)]).length >= want.length)
      expect(got).toEqual(want)
    }))

  test("silence that was too long", () =>
    Effect.runPromise(
      Effect.scoped(Effect.gen(function*() {
        const node = yield* serveMemcachedNode({ idleTimeout: "100 seconds" })
        const watcher = yield* Effect.promise(() => watching(node, "connevents"))
        const lines = Effect.promise(() => linesOf(watcher))
        const silent = new Talk(node.server.accept)
        yield* TestClock.adjust("60 seconds")
        // the watcher is not silent while there is something to be logged
        const other = new Talk(node.server.accept)
        expect(yield* lines).toEqual([2, 3].map((number) => `type=conn_new rip=unix rport=0 transport=local cfd=${number}`))
        yield* TestClock.adjust("39 seconds")
        expect([yield* lines, silent.closed]).toEqual([[], false])
        yield* TestClock.adjust("2 seconds")
        expect([yield* lines, silent.closed, other.closed]).toEqual([
          ["type=conn_close rip=unix rport=0 transport=local reason=idle_timeout cfd=2"],
          true,
          false
        ])
      })).pipe(Effect.provide(TestClock.layer()))
    ))
})
