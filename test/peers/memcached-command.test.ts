/** `wirewright kv` against Debian's memcached: each of its protocols, on a port and on a Unix socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { spawn, type ChildProcess } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, chmodSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { wirewright } from "../../packages/cli/test/RunCli.ts"
import { type Memcached, startMemcached } from "./Memcached.ts"

const folder = mkdtempSync(join(tmpdir(), "wirewright-kv-"))
const path = join(folder, "memcached.sock")
let server: Memcached
let onSocket: ChildProcess

beforeAll(async () => {
  chmodSync(folder, 0o777)
  server = await startMemcached()
  const asNobody = process.getuid?.() === 0 ? ["-u", "nobody"] : []
  onSocket = spawn("memcached", ["-s", path, "-a", "0777", ...asNobody], { stdio: "ignore" })
  for (let attempt = 0; attempt < 100 && !existsSync(path); attempt++) await sleep(50)
})

afterAll(async () => {
  onSocket.kill("SIGTERM")
  await server.end("SIGTERM")
  rmSync(folder, { recursive: true, force: true })
})

/** What memcached answers to a line of text. */
const ask = (line: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = ""
    const socket = connect(server.port, "127.0.0.1").on("error", reject).on("close", () => resolve(answer))
    socket.on("data", (chunk: Buffer) => answer += chunk.toString("latin1")).end(`${line}\r\nquit\r\n`)
  })

const protocols = ["meta", "text", "binary"] as const

describe.each(protocols)("kv --protocol %s", (protocol) => {
  it("stores, reads and counts, with what the server has then", async () => {
    const url = `memcached://127.0.0.1:${server.port}`
    const stored = await wirewright(["kv", "set", url, `k-${protocol}`, "the value", "--flags", "7", "--protocol", protocol])
    expect([stored.code, stored.out]).toEqual([0, ""])
    expect(await ask(`get k-${protocol}`)).toBe(`VALUE k-${protocol} 7 9\r\nthe value\r\nEND\r\n`)
    // answers of the text protocol to writes have no CAS, and none is made up
    expect(stored.err).toMatch(protocol === "text" ? /^k-text {2}set\n$/ : /^k-\w+ {2}set {2}cas 0x[0-9a-f]{16} \(\d+\)\n$/)
    const read = await wirewright(["kv", "get", `${url}?protocol=${protocol}`, `k-${protocol}`])
    expect([read.code, read.out]).toEqual([0, "the value"])
    expect(read.err).toMatch(/ {2}size 9 {2}flags 0x00000007 {2}cas 0x[0-9a-f]{15}[1-9a-f] /)
    const counted = await wirewright(["kv", "incr", url, `n-${protocol}`, "2", "--initial", "40", "--protocol", protocol])
    expect(counted.out).toBe("40\n")
    expect((await wirewright(["kv", "incr", url, `n-${protocol}`, "2", "--protocol", protocol])).out).toBe("42\n")
    expect(await ask(`get n-${protocol}`)).toContain("\r\n42\r\n")
    expect((await wirewright(["kv", "get", url, "nothing", "--protocol", protocol])).code).toBe(100)
  })
})

it("kv finds out what to speak, and goes over Unix sockets", async () => {
  const url = `memcached+unix://${path}`
  expect((await wirewright(["kv", "set", url, "here", "yes"])).code).toBe(0)
  expect((await wirewright(["kv", "get", `${url}?protocol=text`, "here"])).out).toBe("yes")
  // the server on the port is another one
  expect(await ask("get here")).toBe("END\r\n")
})

it("kv says what a protocol cannot do", async () => {
  const url = `memcached://127.0.0.1:${server.port}`
  await wirewright(["kv", "set", url, "log", "one"])
  const { code, err } = await wirewright(["kv", "append", url, "log", "more", "--cas", "1", "--protocol", "text"])
  expect([code, err]).toEqual([1, expect.stringContaining("the text protocol has no append with a CAS")])
  expect(await ask("get log")).toBe("VALUE log 0 3\r\none\r\nEND\r\n")
})
