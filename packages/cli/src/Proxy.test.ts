/** `wirewright proxy` as a process: the ready line, answers, the counters at its end, the capture, and wrong options. */
import { assert, describe, it } from "@effect/vitest"
import { serveMemcachedNode } from "@wirewright/embedded"
import { packet, RawClient, shown } from "../../memcached/src/RawClient.fixture.ts"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bin, wirewright } from "../test/RunCli.ts"

describe("proxy", () => {
  it.live("passes on, answers what is under way before it ends, says what it counted, and writes no password down", () =>
    Effect.gen(function*() {
      const { server } = yield* serveMemcachedNode()
      const folder = mkdtempSync(join(tmpdir(), "wirewright-proxy-"))
      const capture = join(folder, "seen.pcapng")
      // one from before, which everybody may read
      writeFileSync(capture, "old", { mode: 0o644 })
      yield* Effect.promise(async () => {
        const child = spawn(process.execPath, [bin, "proxy", "--listen", "127.0.0.1:0", "--capture", capture], {
          stdio: ["ignore", "pipe", "pipe"],
          env: { ...process.env, WIREWRIGHT_UPSTREAM: `memcached://127.0.0.1:${server.port}` }
        })
        let out = ""
        let err = ""
        child.stderr.on("data", (chunk: Buffer) => err += chunk.toString())
        const closed = once(child, "close")
        await Promise.race([
          closed.then(() => Promise.reject(new Error(err))),
          new Promise<void>((resolve) => child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()).includes("\n") && resolve()))
        ])
        const ready = JSON.parse(out) as { readonly ready: boolean; readonly address: string; readonly port: number }
        assert.deepStrictEqual([ready.ready, ready.address], [true, `127.0.0.1:${ready.port}`])
        const client = await RawClient.connect(ready.port)
        client.send(Buffer.concat([
          packet(0x11, { key: "k", extras: "0000000000000000", value: "visible" }),
          packet(0x21, { key: "PLAIN", value: "\0app\0hunter2", opaque: 2 }),
          packet(0x00, { key: "k", opaque: 3 })
        ]))
        assert.deepStrictEqual((await client.packets(2)).map(shown), ["21 81 2 Unknown command", "0 0 3 \0\0\0\0visible"])
        child.kill("SIGTERM")
        const [code] = await closed as [number]
        assert.strictEqual(code, 0)
        const { counters } = JSON.parse(err) as { readonly counters: { readonly opcodes: unknown; readonly closed: unknown } }
        assert.deepStrictEqual(counters.opcodes, {
          GET: { requests: 1, answers: 1, silent: 0, errors: 0 },
          SETQ: { requests: 1, answers: 0, silent: 1, errors: 0 },
          SASL_AUTH: { requests: 1, answers: 1, silent: 0, errors: 1 }
        })
        assert.deepStrictEqual(counters.closed, { Quit: 0, Invalid: 0, Drained: 1, OutcomeUnknown: 0, OutputLimit: 0 })
        assert.isTrue(readFileSync(capture).includes("visible"))
        assert.strictEqual((statSync(capture).mode & 0o777).toString(8), "600")
        assert.isFalse(readFileSync(capture).includes("hunter2"))
        const decoded = await wirewright(["decode", capture, "--port", String(ready.port)])
        assert.strictEqual(decoded.code, 0)
        assert.match(decoded.out, /SetQ/)
      })
      rmSync(folder, { recursive: true, force: true })
    }))

  for (
    const [args, message, expected] of [
      [[], /say what is behind the proxy/, 1],
      [["--upstream", "redis://127.0.0.1"], /an upstream is memcached:\/\//, 1],
      [["--upstream", "memcached://127.0.0.1:1", "--listen", "127.0.0.1"], /--listen 127.0.0.1: expected HOST:PORT/, 1],
      [["--upstream", "memcached://127.0.0.1:1", "--listen", ":65536"], /--listen :65536: expected HOST:PORT/, 1],
      [["--upstream", "memcached://127.0.0.1:1", "--connections", "0"], /--connections 0: from 1 to 1024/, 1],
      [["--upstream", "memcached://127.0.0.1:1"], /127.0.0.1:1: could not connect/, 69],
      [["--upstream", "couchbase://app:hunter2@127.0.0.1:1/b"], /127.0.0.1:1: could not connect/, 69]
    ] as const
  ) {
    it(`refuses ${args.join(" ").replace("hunter2", "…")}`, async () => {
      const { code, err, out } = await wirewright(["proxy", ...args])
      assert.deepStrictEqual([code, out], [expected, ""])
      assert.match(err, message)
      assert.notInclude(err, "hunter2")
    })
  }
})
