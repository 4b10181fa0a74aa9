/** `wirewright proxy` under memcached clients that other people wrote, in front of real memcached and of a bucket of `wirewright serve`. */
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { clients, runClient } from "./MemcachedClients.ts"
import { serve, type Served, start } from "./Serve.ts"

const portOf = (served: Served): number => Number(served.ready["port"])

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

const listening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket.destroy() !== undefined))
    socket.once("error", () => resolve(false))
  })

const folder = mkdtempSync(join(tmpdir(), "wirewright-proxy-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(spawnSync("memcached", ["-V"]).status !== 0)("in front of memcached", () => {
  let memcached: ReturnType<typeof spawn>
  let proxy: Served
  let version = ""

  beforeAll(async () => {
    const port = await freePort()
    version = /[0-9.]+/.exec(spawnSync("memcached", ["-V"]).stdout.toString())![0]
    const asNobody = process.getuid?.() === 0 ? ["-u", "nobody"] : []
    memcached = spawn("memcached", ["-l", "127.0.0.1", "-p", String(port), "-m", "64", ...asNobody])
    for (let i = 0; i < 100 && !(await listening(port)); i++) await new Promise((resolve) => setTimeout(resolve, 50))
    proxy = await start(["proxy", "--upstream", `memcached://127.0.0.1:${port}`, "--capture", join(folder, "seen.pcapng")])
  })

  afterAll(async () => {
    await proxy?.stop()
    memcached?.kill("SIGTERM")
  })

  for (const client of clients) {
    it.skipIf(!client.available())(client.name, async () => {
      const { failed, passed } = await runClient(client, portOf(proxy), version)
      expect(failed).toEqual([])
      expect(passed.length).toBeGreaterThan(10)
      if (client.name === "memccapable") expect(passed.filter((one) => one.startsWith("binary "))).toHaveLength(27)
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
