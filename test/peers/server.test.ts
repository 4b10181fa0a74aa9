/** `wirewright serve --memcached` under memcached clients that other people wrote; and the clients under real memcached, where it is there. */
import { spawn, spawnSync } from "node:child_process"
import { connect, createServer } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { clients, runClient } from "./MemcachedClients.ts"
import { serve, type Served } from "./Serve.ts"

describe("wirewright serve --memcached", () => {
  let served: Served

  beforeAll(async () => {
    served = await serve(["--memcached"])
  })

  afterAll(() => served?.stop())

  for (const client of clients) {
    it.skipIf(!client.available())(client.name, async () => {
      const { failed, passed } = await runClient(client, Number(served.ready["port"]), "1.6.18")
      expect(failed).toEqual([])
      expect(passed.length).toBeGreaterThan(10)
      if (client.name === "memccapable") expect(passed.filter((one) => one.startsWith("binary "))).toHaveLength(27)
    })
  }

  it("a second server on the port is refused, with the reason", async () => {
    await expect(serve(["--memcached", "--port", String(served.ready["port"])])).rejects.toThrow(/could not listen.*EADDRINUSE/s)
  })
})

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

// what the clients are expected to get is what they get from memcached itself
describe.skipIf(spawnSync("memcached", ["-V"]).status !== 0)("memcached", () => {
  let port = 0
  let memcached: ReturnType<typeof spawn>
  let version = ""

  beforeAll(async () => {
    port = await freePort()
    version = /[0-9.]+/.exec(spawnSync("memcached", ["-V"]).stdout.toString())![0]
    memcached = spawn("memcached", [
      "-l",
      "127.0.0.1",
      "-p",
      String(port),
      "-m",
      "64",
      ...(process.getuid?.() === 0 ? ["-u", "nobody"] : [])
    ])
    for (let i = 0; i < 100 && !(await listening(port)); i++) await new Promise((resolve) => setTimeout(resolve, 50))
  })

  afterAll(() => memcached?.kill("SIGTERM"))

  for (const client of clients) {
    it.skipIf(!client.available())(client.name, async () => {
      expect((await runClient(client, port, version)).failed).toEqual([])
    })
  }
})
