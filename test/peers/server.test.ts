/** `wirewright serve --memcached` under memcached clients that other people wrote; and the clients under real memcached, where it is there. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Memcached, memcachedVersion, startMemcached } from "./Memcached.ts"
import { clients, expectDone, runClient } from "./MemcachedClients.ts"
import { serve, type Served } from "./Serve.ts"

describe("wirewright serve --memcached", () => {
  let served: Served

  beforeAll(async () => {
    served = await serve(["--memcached"])
  })

  afterAll(() => served?.stop())

  for (const client of clients) {
    it.skipIf(!client.available())(client.name, async () => {
      await expectDone(client, Number(served.ready["port"]), "1.6.18")
    })
  }

  it("a second server on the port is refused, with the reason", async () => {
    await expect(serve(["--memcached", "--port", String(served.ready["port"])])).rejects.toThrow(/could not listen.*EADDRINUSE/s)
  })
})

// what the clients are expected to get is what they get from memcached itself
describe.skipIf(memcachedVersion() === undefined)("memcached", () => {
  let memcached: Memcached

  beforeAll(async () => {
    memcached = await startMemcached(["-m", "64"])
  })

  afterAll(() => memcached?.end("SIGTERM"))

  for (const client of clients) {
    it.skipIf(!client.available())(client.name, async () => {
      expect((await runClient(client, memcached.port, memcachedVersion()!)).failed).toEqual([])
    })
  }
})
