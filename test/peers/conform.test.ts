/**
 * `wirewright conform` against real servers: what it finds is printed, and what is known of them it finds by itself. `CONFORM=1000` plays so
 * many conversations with each.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { type Kind, Server } from "./DeepstreamServers.ts"
import { freePort, listening, memcachedVersion, startMemcached } from "./Memcached.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const bin = join(root, "packages/cli/bin/wirewright.js")
const count = process.env["CONFORM"] ?? "60"
const patience = 300_000

interface Finding {
  readonly finding: string
  readonly packet: string
  readonly message: string
  readonly sent: ReadonlyArray<{ readonly packet: string; readonly hex: string; readonly objection?: string }>
  readonly reproduced: boolean
}

interface Played {
  readonly code: number | null
  readonly found: ReadonlyArray<Finding>
}

/** Runs the command, and prints what it found. */
const conform = (title: string, args: ReadonlyArray<string>): Promise<Played> =>
  new Promise((resolve) => {
    const all = [bin, "conform", ...args, "--count", count, "--timeout", "400", "--json"]
    const child = spawn(process.execPath, all, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    let [out, err] = ["", ""]
    child.stdout.on("data", (chunk: Buffer) => void (out += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => void (err += chunk.toString()))
    child.once("close", (code) => {
      const found = out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Finding)
      const lines = found.map(({ finding, message, packet, reproduced, sent }) =>
        `  ${finding} ${packet} ${message}${reproduced ? "" : " (not seen again)"}\n${
          sent.map((one) => `    ${one.hex.slice(0, 160)} ${one.packet} ${one.objection ?? ""}`).join("\n")
        }`
      )
      console.log([`${title}: ${err.trim()}`, ...lines].join("\n"))
      resolve({ code, found })
    })
  })

const isThere = (command: string, ...args: ReadonlyArray<string>): boolean => spawnSync(command, args).error === undefined

/** Starts a server and waits until it listens. */
const started = async (command: string, args: ReadonlyArray<string>, port: number): Promise<() => void> => {
  const child: ChildProcess = spawn(command, args, { stdio: "ignore" })
  for (let attempt = 0; attempt < 100 && !await listening(port); attempt++) await sleep(50)
  return () => void child.kill("SIGKILL")
}

describe("conform", () => {
  it.skipIf(memcachedVersion() === undefined)("memcached", async () => {
    const memcached = await startMemcached()
    try {
      const { found } = await conform("memcached", [`127.0.0.1:${memcached.port}`, "--protocol", "memcached"])
      // it has no such command, and then waits for as many bytes again as it has read
      expect(found).toContainEqual(expect.objectContaining({ finding: "NoAnswer", packet: "Verbosity", reproduced: true }))
      expect(found.map(({ finding }) => finding)).not.toContain("Crash")
      expect(await listening(memcached.port)).toBe(true)
    } finally {
      await memcached.end("SIGKILL")
    }
  }, patience)

  it.skipIf(!isThere("redis-server", "--version"))("redis", async () => {
    const port = await freePort()
    const stop = await started("redis-server", ["--port", `${port}`, "--bind", "127.0.0.1", "--save", ""], port)
    try {
      const { found } = await conform("redis", [`127.0.0.1:${port}`, "--protocol", "packages/examples/src/gallery/resp"])
      // an empty line is passed over
      expect(found).toContainEqual(expect.objectContaining({ finding: "NoAnswer", packet: "Inline", reproduced: true }))
      expect(found.map(({ finding }) => finding)).not.toContain("Crash")
    } finally {
      stop()
    }
  }, patience)

  it.skipIf(!isThere("mosquitto", "-h"))("mosquitto", async () => {
    const port = await freePort()
    const folder = mkdtempSync(join(tmpdir(), "wirewright-conform-"))
    writeFileSync(join(folder, "mosquitto.conf"), `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`)
    const stop = await started("mosquitto", ["-c", join(folder, "mosquitto.conf")], port)
    try {
      const connect = "101000044d5154540402003c000463636363"
      const args = [`127.0.0.1:${port}`, "--protocol", "packages/examples/src/gallery/mqtt", "--first", connect, "--state", "version=4"]
      const { code, found } = await conform("mosquitto", args)
      expect([0, 100]).toContain(code)
      expect(found.map(({ finding }) => finding)).not.toContain("Crash")
    } finally {
      stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }, patience)

  const servers: ReadonlyArray<readonly [Kind, ReadonlyArray<string>]> = [
    ["text", ["--protocol", "packages/deepstream/src/gen7", "--first", "A|REQ|{}+"]],
    ["classic", ["--protocol", "deepstream", "--first", "C|CHR|x+", "--first", "A|REQ|{}+"]]
  ]

  it.each(servers)("deepstream, %s", async (kind, args) => {
    const server = await Server.start(kind)
    let isOver = false
    const again = (async () => {
      while (!isOver) {
        try {
          process.kill(server.pid, 0)
        } catch {
          await server.start().catch(() => {})
        }
        await sleep(50)
      }
    })()
    try {
      const { code, found } = await conform(`deepstream, ${kind}`, [server.url, ...args, "--wait", "20"])
      expect([0, 100]).toContain(code)
      const crashes = found.filter(({ finding, reproduced }) => finding === "Crash" && reproduced)
      if (kind === "text") expect(crashes.length).toBeGreaterThan(1)
    } finally {
      isOver = true
      await again
      await server.stop()
    }
  }, patience)
})
