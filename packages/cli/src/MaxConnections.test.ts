/** `--max-connections` of commands that listen, and the process's own limit of files: who is refused, how, and what the operator sees of it. */
import { serveMemcachedNode } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import * as Net from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { packet, RawClient } from "../../memcached/src/RawClient.fixture.ts"
import { type Ready, running, wirewright } from "../test/RunCli.ts"

/** What memcached 1.6.18 tells clients beyond its own limit (`-c`), whatever they speak. */
const memcachedTells = "ERROR Too many open connections\r\n"

const scope = Scope.makeUnsafe()
let upstream: ReadonlyArray<string>
beforeAll(async () => {
  const { server } = await Effect.runPromise(Scope.provide(serveMemcachedNode(), scope))
  upstream = ["--upstream", `memcached://127.0.0.1:${server.port}`]
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const admitted = async (port: number): Promise<RawClient | undefined> => {
  const client = await RawClient.connect(port)
  client.send(packet(0x0a))
  return client.packets(1).then(() => client, () => undefined)
}

const until = async <A>(find: () => Promise<A | undefined>): Promise<A> => {
  for (let i = 0; i < 400; i++) {
    const found = await find()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error("it did not come to pass")
}

/** A figure of `/metrics`: the sum of the lines that begin so and have these words. */
const figure = async ({ metrics, port }: Ready, name: string, words = ""): Promise<number> => {
  const text = await (await fetch(`http://${metrics}/metrics`)).text()
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) && line.includes(`"${port}"`) && line.includes(words))
  expect(lines.length, `${name} ${words}`).toBeGreaterThan(0)
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0)
}

const said = (err: string): ReadonlyArray<string> => err.split("\n").filter((line) => line.includes("clients are"))

describe.each(
  [
    ["serve --memcached", () => ["serve", "--memcached"], memcachedTells, ["--json"]],
    // as Couchbase's own nodes, which close it
    ["serve", () => ["serve", "--vbuckets", "1"], "", []],
    ["proxy", () => ["proxy", ...upstream], memcachedTells, []]
  ] as const
)("%s", (_, args, tells, json) => {
  it("--max-connections 3: three are served, more are refused, and who goes leaves a place", async () => {
    const { code, err } = await running([...args(), ...json, "--max-connections", "3", "--metrics", "0"], async (ready) => {
      const clients: Array<RawClient> = []
      for (let count = 1; count <= 3; count++) {
        const client = await admitted(ready.port)
        expect(client, `client ${count}`).toBeDefined()
        clients.push(client!)
      }
      for (let i = 0; i < 20; i++) {
        const refused = await RawClient.connect(ready.port)
        expect((await refused.rest()).toString()).toBe(tells)
      }
      expect(await figure(ready, "wirewright_server_connections")).toBe(3)
      expect(await figure(ready, "wirewright_server_connections_max")).toBe(3)
      expect(await figure(ready, "wirewright_server_connections_closed_total", "\"refused\"")).toBe(20)
      clients.shift()!.close()
      clients.push(await until(() => admitted(ready.port)))
      expect((await (await RawClient.connect(ready.port)).rest()).toString()).toBe(tells)
      for (const client of clients) client.close()
    })
    expect(code).toBe(0)
    const lines = said(err)
    expect(lines).toHaveLength(1)
    const cause = "there are 3, and more may not be (maxConnections)"
    if (json.length === 0) {
      expect(lines[0]).toMatch(/^wirewright: warning: clients are refused {2}server=127\.0\.0\.1:\d+ {2}cause="/)
      expect(lines[0]).toContain(`cause="${cause}"`)
    } else {
      expect(JSON.parse(lines[0]!)).toMatchObject({ level: "warning", message: "clients are refused", annotations: { cause } })
    }
  }, 60_000)
})

/**
 * What becomes of connections to a port over which nothing is asked, once no more than `most` are left and none goes any more: before a server
 * looks at them, all are open.
 */
const herd = async (port: number, count: number, most: number): Promise<{ readonly open: number; readonly end: () => void }> => {
  const sockets = Array.from({ length: count }, () => Net.connect(port, "127.0.0.1").on("error", () => {}).resume())
  let open = -1
  await until(async () => {
    const before = open
    await new Promise((resolve) => setTimeout(resolve, 100))
    open = sockets.filter((socket) => !socket.destroyed && !socket.connecting && !socket.readableEnded).length
    return open === before && open <= most ? open : undefined
  })
  return {
    open,
    end: () => {
      for (const socket of sockets) socket.destroy()
    }
  }
}

describe("the management endpoint of serve", () => {
  const line = (cause: RegExp) =>
    expect.stringMatching(new RegExp(`warning: clients are refused .*server=127.0.0.1:\\d+ .*${cause.source}`))

  it("has the limit for itself, and says so too", async () => {
    const { err } = await running(["serve", "--vbuckets", "1", "--max-connections", "3"], async ({ managementPort, port }) => {
      const { end, open } = await herd(managementPort, 20, 3)
      expect(open).toBe(3)
      const client = await admitted(port)
      expect(client).toBeDefined()
      client!.close()
      end()
    })
    expect(said(err)).toEqual([line(/there are 3/)])
  }, 60_000)

  it.runIf(process.platform === "linux")("leaves files to others", async () => {
    const { err } = await running(["serve", "--vbuckets", "1", "--metrics", "0"], async (ready) => {
      const { end, open } = await herd(ready.managementPort, 100, 63)
      expect(open).toBeGreaterThan(5)
      // it can still be asked how it does
      expect(await figure(ready, "wirewright_server_connections")).toBe(0)
      end()
      const status = (): Promise<number | undefined> =>
        fetch(`http://127.0.0.1:${ready.managementPort}/pools`).then(({ ok }) => ok ? 200 : undefined, () => undefined)
      expect(await until(status)).toBe(200)
    }, 64)
    expect(said(err)).toEqual([line(/this process may have 64 files open/)])
  }, 60_000)
})

it.each([
  ["0", "--max-connections 0: from 1 to 1000000"],
  ["-1", "--max-connections -1: from 1 to 1000000"],
  ["1000001", "--max-connections 1000001: from 1 to 1000000"],
  ["1.5", "--max-connections: \"1.5\". Expected an integer"],
  ["many", "--max-connections: \"many\""]
])("--max-connections %s is refused", async (count, message) => {
  const commands = [["serve"], ["serve", "--memcached"], ["proxy", ...upstream]]
  for (const args of count === "0" ? commands : commands.slice(0, 1)) {
    const { code, err, out } = await wirewright([...args, "--max-connections", count])
    expect([code, out]).toEqual([1, ""])
    expect(err).toContain(message)
  }
}, 60_000)

/** Jiffies of processor time that a process has used. */
const processorTime = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ")
  return Number(fields[11]) + Number(fields[12])
}

describe.runIf(process.platform === "linux").each([
  ["serve --memcached", () => ["serve", "--memcached"]],
  ["proxy", () => ["proxy", ...upstream]]
])("%s, when the process may have 64 files", (_, args) => {
  it("keeps some for itself: refuses whom it cannot serve, says so, rests, and serves again", async () => {
    const { code, err } = await running([...args(), "--max-connections", "200", "--metrics", "0"], async (ready, { pid }) => {
      // at once, as a herd comes
      const sockets = Array.from({ length: 150 }, () => Net.connect(ready.port, "127.0.0.1"))
      const heard = await Promise.all(sockets.map((socket) =>
        new Promise<string>((resolve) => {
          let text = ""
          socket.on("connect", () => socket.write("mn\r\n"))
          socket.on("data", (chunk: Buffer) => (text += chunk.toString()).endsWith("MN\r\n") && resolve("served"))
          socket.on("error", () => {})
          socket.on("close", () => resolve("refused"))
        })
      ))
      const refused = heard.filter((one) => one === "refused").length
      expect(refused).toBeGreaterThan(150 - 64)
      expect(150 - refused).toBeGreaterThan(10)
      // in words as well: a client that waits for some gets them
      expect((await (await RawClient.connect(ready.port)).rest()).toString()).toBe(memcachedTells)
      expect(await figure(ready, "wirewright_server_connections_closed_total", "\"out_of_files\"")).toBe(refused + 1)
      expect(await figure(ready, "wirewright_server_connections")).toBe(150 - refused)
      const before = processorTime(pid!)
      await new Promise((resolve) => setTimeout(resolve, 500))
      expect(processorTime(pid!) - before).toBeLessThan(25)
      for (const socket of sockets) socket.destroy()
      const again = await until(() => admitted(ready.port))
      again.close()
      await once(again.socket, "close")
    }, 64)
    expect(code).toBe(0)
    expect(err).toContain("--max-connections 200: this process may have only 64 files open (ulimit -n)")
    expect(said(err)).toEqual([expect.stringMatching(/warning: clients are refused .*this process may have 64 files open.*ulimit -n/)])
  }, 60_000)
})
