/** `wirewright inspect` as a process: the page as a file and served, for what is in the file; and what passes through a proxy, as it passes. */
import { serveCouchbase, serveMemcachedNode } from "@wirewright/embedded"
import { CaptureConversations, type CaptureReading, type ProtocolAdapter } from "@wirewright/inspector/reading"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, describe, expect, it } from "vitest"
import { packet, RawClient } from "../../memcached/src/RawClient.fixture.ts"
import { wirewright } from "../test/RunCli.ts"
import { loadProtocol } from "./Protocols.ts"

const bin = fileURLToPath(new URL("../bin/wirewright.js", import.meta.url))
const session = fileURLToPath(new URL("../../../test/fixtures/captures/memcached-1.6.18-text.pcapng.gz", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "wirewright-inspect-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs the command until it has said a line, and gives that. */
const started = async (...args: ReadonlyArray<string>): Promise<{ readonly child: ChildProcess; readonly line: string }> => {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "pipe", "pipe"] })
  let out = ""
  let err = ""
  child.stderr.on("data", (chunk: Buffer) => err += chunk.toString())
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()).includes("\n") && resolve())
    child.once("close", () => reject(new Error(err)))
  })
  return { child, line: out.split("\n")[0]! }
}

const ended = async (child: ChildProcess): Promise<number | null> => {
  child.kill("SIGTERM")
  const [code] = await once(child, "close") as [number | null]
  return code
}

/** Asks for the stream of a page as the page does, and reads its packets until there are enough. */
const followed = (
  url: string,
  adapter: ProtocolAdapter,
  seen: Array<string>,
  isEnough: () => boolean,
  servers: CaptureReading["servers"] = []
): Promise<{ readonly bytes: Buffer }> => {
  const { host, origin, pathname } = new URL(url)
  const bytes: Array<Buffer> = []
  const capture = new CaptureConversations(adapter, { servers, session: adapter.begin() }, {
    packet: (decoded, { direction }, asked) => void seen.push(`${direction} ${decoded.facts.name}${asked === undefined ? "" : " answers"}`),
    trouble: (error) => void seen.push(error.message)
  })
  return new Promise((resolve, reject) => {
    const asked = request(`http://${host}${pathname}live`, { method: "POST", headers: { origin } }, (answer) => {
      answer.on("data", (chunk: Buffer) => {
        bytes.push(chunk)
        capture.push(chunk)
        if (!isEnough()) return
        asked.destroy()
        resolve({ bytes: Buffer.concat(bytes) })
      })
    })
    asked.on("error", reject)
    asked.end()
  })
}

describe("inspect", () => {
  it("writes the page with the capture in it, for the protocol that is in it", async () => {
    const out = join(folder, "page.html")
    const { code, out: said } = await wirewright(["inspect", session, "--out", out])
    expect([code, said]).toEqual([0, `${out}\n`])
    const html = readFileSync(out, "utf8")
    expect(html).toContain("<title>memcached-1.6.18-text.pcapng.gz · Wirewright inspector</title>")
    expect(html).toContain("memcachedText")
    expect(html).not.toContain("DcpStreamRequest")
  })

  it("serves it, says where, and ends when told", async () => {
    const { child, line } = await started("inspect", "--json", "--protocol", "memcached-text")
    const { port, ready, url } = JSON.parse(line) as { readonly ready: boolean; readonly url: string; readonly port: number }
    expect([ready, url]).toEqual([true, expect.stringMatching(new RegExp(`^http://127\\.0\\.0\\.1:${port}/[\\w-]{24}/$`))])
    expect(await (await fetch(url)).text()).toContain("Wirewright inspector")
    expect(await ended(child)).toBe(0)
  })

  it.each([
    [["--protocol", "nope"], "no protocol nope"],
    [["--out", "x.html", "--port", "1234"], "--port goes with a page that is served"],
    [["--port", "70000"], "there are ports 0 to 65535"],
    [["--server", "db.example:1"], "expected an address and a port"],
    [["missing.pcap"], "no such file: missing.pcap"]
  ])("refuses %j", async (args, said) => {
    const { code, err } = await wirewright(["inspect", ...args])
    expect(code).toBe(1)
    expect(err).toContain(said)
  })

  it("says that a port is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1")
    await once(other, "listening")
    const { port } = other.address() as { readonly port: number }
    const { code, err } = await wirewright(["inspect", "--protocol", "memcached-text", "--port", String(port)])
    expect(code).toBe(1)
    expect(err).toContain("EADDRINUSE")
    other.close()
  })
})

it("proxy --inspect streams what passes to its page, without passwords", async () => {
  const scope = Effect.runSync(Scope.make())
  const { server } = await Effect.runPromise(Scope.provide(serveMemcachedNode(), scope))
  writeFileSync(join(folder, "users"), "app:hunter2\n")
  const { child, line } = await started("proxy", "--upstream", `memcached://127.0.0.1:${server.port}`, "--inspect")
  const { inspector, port } = JSON.parse(line) as { readonly inspector: string; readonly port: number }
  const client = await RawClient.connect(port)
  client.send(Buffer.concat([
    packet(0x01, { key: "k", extras: "0000000000000000", value: "visible" }),
    packet(0x21, { key: "PLAIN", value: "\0app\0hunter2", opaque: 2 })
  ]))
  const adapter = await loadProtocol("memcached")
  const seen: Array<string> = []
  const { bytes } = await followed(inspector, adapter, seen, () => seen.length >= 3)
  expect(seen.slice(0, 3).toSorted()).toEqual(["c2s SaslAuth", "c2s Set", "s2c SetResponse answers"])
  expect(bytes.includes("visible")).toBe(true)
  expect(bytes.includes("hunter2")).toBe(false)
  client.close()
  await ended(child)
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

describe("serve --inspect streams what goes over its connections to its page, without passwords:", () => {
  it("a memcached, both protocols", async () => {
    writeFileSync(join(folder, "serve-users"), "app:hunter2\n")
    const { child, line } = await started("serve", "--memcached", "--auth-file", join(folder, "serve-users"), "--inspect")
    const { inspector, port } = JSON.parse(line) as { readonly inspector: string; readonly port: number }
    const [binary, lines] = [await RawClient.connect(port), await RawClient.connect(port)]
    // all at once: what follows the password is read as what it is, though nobody has said yet that it was right
    lines.send(Buffer.from("set x 0 0 11\r\napp hunter2\r\nset k 0 0 7\r\nvisible\r\nmn\r\n"))
    binary.send(Buffer.concat([
      packet(0x21, { key: "PLAIN", value: "\0app\0hunter2" }),
      packet(0x0b, { opaque: 2 })
    ]))
    const adapter = await loadProtocol("memcached")
    const seen: Array<string> = []
    const { bytes } = await followed(inspector, adapter, seen, () => seen.length >= 10)
    expect(seen.toSorted()).toEqual([
      "c2s MetaNoop",
      "c2s SaslAuth",
      "c2s Set",
      "c2s Set",
      "c2s Version",
      "s2c MetaNoopDone answers",
      "s2c SaslAuthResponse answers",
      "s2c Stored answers",
      "s2c Stored answers",
      "s2c VersionResponse answers"
    ])
    expect(bytes.includes("visible")).toBe(true)
    expect(bytes.includes("hunter2")).toBe(false)
    for (const client of [binary, lines]) client.close()
    await ended(child)
  })

  it("a Couchbase cluster, each node by its own port", async () => {
    const { child, line } = await started("serve", "--nodes", "2", "--vbuckets", "4", "--inspect")
    const { inspector, nodes } = JSON.parse(line) as { readonly inspector: string; readonly nodes: ReadonlyArray<string> }
    const ports = nodes.map((address) => Number(address.split(":")[1]))
    const clients = await Promise.all(ports.map((port) => RawClient.connect(port)))
    clients[0]!.send(packet(0x0a))
    clients[1]!.send(packet(0x0b))
    const adapter = await loadProtocol("dcp")
    for (const [i, packets] of [["c2s Noop", "s2c NoopResponse answers"], ["c2s Version", "s2c VersionResponse answers"]].entries()) {
      const seen: Array<string> = []
      await followed(inspector, adapter, seen, () => seen.length >= 2, [{ port: ports[i]! }])
      expect(seen).toEqual(packets)
    }
    for (const client of clients) client.close()
    await ended(child)
  })
})

it("tail --inspect streams what goes over its connections, without passwords", async () => {
  const scope = Effect.runSync(Scope.make())
  const users = [{ name: "ada", password: Redacted.make("hunter2") }]
  const node = await Effect.runPromise(Scope.provide(serveCouchbase({ users, buckets: [{ name: "default", vbuckets: 4 }] }), scope))
  const child = spawn(process.execPath, [
    bin,
    "tail",
    `couchbase://ada:hunter2@127.0.0.1:${node.port}/default`,
    "--inspect",
    "--no-cluster-map"
  ], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  const inspector = await new Promise<string>((resolve, reject) => {
    let err = ""
    child.stderr.on("data", (chunk: Buffer) => {
      const found = /http:\/\/127\.0\.0\.1:\d+\/[\w-]{24}\//.exec(err += chunk.toString())
      if (found !== null) resolve(found[0])
    })
    child.once("close", () => reject(new Error(err)))
  })
  const adapter = await loadProtocol("dcp")
  const seen: Array<string> = []
  const { bytes } = await followed(inspector, adapter, seen, () => seen.includes("c2s DcpStreamRequest"))
  expect(seen).toContain("c2s DcpOpen")
  expect(seen).toContain("s2c DcpOpenResponse answers")
  expect(bytes.includes("hunter2")).toBe(false)
  await ended(child)
  await Effect.runPromise(Scope.close(scope, Exit.void))
})
