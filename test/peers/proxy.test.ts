/** `wirewright proxy` under memcached clients that other people wrote, in front of real memcached and of a bucket of `wirewright serve`. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Memcached, memcachedVersion, startMemcached } from "./Memcached.ts"
import { clients, expectDone, runClient } from "./MemcachedClients.ts"
import { serve, type Served, start } from "./Serve.ts"

const portOf = (served: Served): number => Number(served.ready["port"])

const folder = mkdtempSync(join(tmpdir(), "wirewright-proxy-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(memcachedVersion() === undefined)("in front of memcached", () => {
  let memcached: Memcached
  let proxy: Served

  beforeAll(async () => {
    memcached = await startMemcached(["-m", "64"])
    proxy = await start(["proxy", "--upstream", `memcached://127.0.0.1:${memcached.port}`, "--capture", join(folder, "seen.pcapng")])
  })

  afterAll(async () => {
    await proxy?.stop()
    await memcached?.end("SIGTERM")
  })

  for (const client of clients) {
    it.skipIf(!client.available())(client.name, async () => {
      await expectDone(client, portOf(proxy), memcachedVersion()!)
    })
  }

  it("says what it counted when it ends, and has written down what went through", async () => {
    await proxy.stop()
    const counters = JSON.parse(/^\{"counters":.*$/m.exec(proxy.output())![0]) as {
      readonly counters: { readonly opcodes: Record<string, { readonly requests: number }>; readonly server: { readonly defects: number } }
    }
    expect(counters.counters.opcodes["GET"]!.requests).toBeGreaterThan(0)
    expect(counters.counters.server.defects).toBe(0)
    const tshark = spawnSync("tshark", [
      "-r",
      join(folder, "seen.pcapng"),
      "-d",
      `tcp.port==${portOf(proxy)},memcache`,
      "-T",
      "fields",
      "-e",
      "memcache.opcode"
    ])
    if (tshark.error === undefined) expect(tshark.stdout.toString().split("\n").filter((line) => line !== "").length).toBeGreaterThan(100)
    expect(readFileSync(join(folder, "seen.pcapng")).length).toBeGreaterThan(10_000)
  })
})

describe("in front of a Couchbase bucket", () => {
  // a bucket is not emptied by a memcached client, and says its own version; when a test failed, memccapable's summary tears its last line
  const different = /^(flush|flushed|existFlushed|version|exit|binary flush|binary flushq|binary stat):/

  for (const client of clients) {
    it.skipIf(!client.available())(client.name, async () => {
      const secret = join(folder, "secret")
      writeFileSync(secret, "hunter2", { mode: 0o600 })
      const node = await serve(["--user", "app", "--password-file", secret, "--bucket", "default"])
      const proxy = await start(["proxy", "--upstream", `couchbase://app:hunter2@127.0.0.1:${portOf(node)}/default`])
      try {
        const { failed, passed } = await runClient(client, portOf(proxy), "1.6.18")
        expect(failed.filter((one) => !different.test(one))).toEqual([])
        expect(passed.length).toBeGreaterThan(8)
        if (client.name === "memccapable") expect(passed.filter((one) => one.startsWith("binary ")).length).toBeGreaterThanOrEqual(24)
      } finally {
        await proxy.stop()
        await node.stop()
      }
      expect(proxy.output()).not.toContain("hunter2")
    })
  }
})
