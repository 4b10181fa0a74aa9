/**
 * Clients that other people wrote, in the text protocol: against memcached, where what is expected of them is shown to be right, then against
 * `wirewright serve --memcached`, and through `wirewright proxy` in front of memcached and of a bucket.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startMemcached } from "./Memcached.ts"
import { runClient, textClients } from "./MemcachedClients.ts"
import { serve, start } from "./Serve.ts"

interface Target {
  readonly port: number
  readonly stop: () => Promise<unknown>
}

const version = /[0-9.]+/.exec(spawnSync("memcached", ["-V"]).stdout?.toString() ?? "")?.[0]
const portOf = ({ ready }: Awaited<ReturnType<typeof start>>): number => Number(ready["port"])
const folder = mkdtempSync(join(tmpdir(), "wirewright-text-clients-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const memcached = async (): Promise<Target> => {
  const { end, port } = await startMemcached(["-m", "64"])
  return { port, stop: () => end("SIGTERM") }
}

const node = async (): Promise<Target> => {
  const served = await serve(["--memcached"])
  return { port: portOf(served), stop: served.stop }
}

const proxied = async (): Promise<Target> => {
  const behind = await memcached()
  const proxy = await start(["proxy", "--upstream", `memcached://127.0.0.1:${behind.port}`])
  return { port: portOf(proxy), stop: () => proxy.stop().finally(behind.stop) }
}

const bucket = async (): Promise<Target> => {
  const secret = join(folder, "secret")
  writeFileSync(secret, "hunter2", { mode: 0o600 })
  const behind = await serve(["--user", "app", "--password-file", secret, "--bucket", "default"])
  const proxy = await start(["proxy", "--upstream", `couchbase://app:hunter2@127.0.0.1:${portOf(behind)}/default`])
  return { port: portOf(proxy), stop: () => proxy.stop().finally(behind.stop) }
}

const targets: ReadonlyArray<readonly [name: string, begin: () => Promise<Target>, different: RegExp | undefined]> = [
  ["memcached", memcached, undefined],
  ["wirewright serve --memcached", node, undefined],
  ["wirewright proxy in front of memcached", proxied, undefined],
  // a bucket is not emptied by a memcached client, has no level of logging, and says its own version
  [
    "wirewright proxy in front of a bucket",
    bucket,
    /^(flush|flushed|existFlushed|version|exit|ascii (flush|flush noreply|stat|verbosity)):/
  ]
]

describe.skipIf(version === undefined)("clients of the text protocol", () => {
  let running: ReadonlyArray<Target> = []

  beforeAll(async () => {
    running = await Promise.all(targets.map(([, begin]) => begin()))
  })

  afterAll(() => Promise.all(running.map(({ stop }) => stop())))

  // all targets at once, or it would take four times as long
  for (const client of textClients) {
    it.skipIf(!client.available())(client.name, async () => {
      const reports = await Promise.all(running.map(({ port }) => runClient(client, port, version!)))
      const wrong = targets.flatMap(([name, , different], i) =>
        reports[i]!.failed.filter((one) => different?.test(one) !== true).map((one) => `${name}: ${one}`)
      )
      expect(wrong).toEqual([])
      const [theirs, ...ours] = reports.map(({ passed }) => passed.length)
      expect(theirs).toBeGreaterThan(client.name === "memccapable" ? 27 : 12)
      expect(ours.slice(0, 2)).toEqual([theirs, theirs])
      expect(ours[2]).toBeGreaterThanOrEqual(theirs! - 6)
    })
  }
})
