/**
 * `wirewright conform` against real servers: what it finds is printed and is what is known of them, and a bare socket that sends the same
 * bytes sees the same. `CONFORM=1000` plays so many conversations with each.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { byHand } from "./ByHand.ts"
import { type Kind, Server } from "./DeepstreamServers.ts"
import { startPostgres } from "./gallery/Postgres.ts"
import { freePort, listening, memcachedVersion, startMemcached } from "./Memcached.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const bin = join(root, "packages/cli/bin/wirewright.js")
const patience = 300_000

interface Finding {
  readonly finding: string
  readonly packet: string
  readonly message: string
  readonly sent: ReadonlyArray<{ readonly packet: string; readonly hex: string; readonly objection?: string; readonly strange?: string }>
  readonly reproduced: boolean
}

interface Played {
  readonly code: number | null
  readonly found: ReadonlyArray<Finding>
}

/** Runs the command, and prints what it found. */
const conform = (title: string, args: ReadonlyArray<string>, count = "60", seed = 1): Promise<Played> =>
  new Promise((resolve) => {
    const all = [bin, "conform", ...args, "--count", process.env["CONFORM"] ?? count, "--seed", String(seed), "--timeout", "600", "--json"]
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

/** What was found, by the names of packets. */
const named = (found: ReadonlyArray<Finding>): ReadonlyArray<string> =>
  found.map(({ finding, packet }) => `${finding} ${packet}`.trim()).sort()

/**
 * What a bare socket sees of each finding that was seen again: the same. Which are found depends on the server's answers, and on when they come.
 * Ends of servers are for others to look at.
 */
const seenByHand = async (port: number, found: ReadonlyArray<Finding>): Promise<void> => {
  for (const { finding, packet, reproduced, sent } of found) {
    if (!reproduced) continue
    const { isClosed, received } = await byHand(port, sent.map(({ hex }) => hex), 700)
    const what = `${finding} ${packet}: ${sent.map(({ hex }) => hex).join(" ")}`
    if (finding === "Closed") expect(isClosed, what).toBe(true)
    else if (finding === "NoAnswer") expect(received.at(-1), what).toBe("")
    else expect(received.join(""), what).not.toBe("")
  }
}

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
      expect(found.length).toBeGreaterThan(0)
      await seenByHand(memcached.port, found)
      expect(named(found).join()).not.toMatch(/Crash|Hang/)
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
      await seenByHand(port, found)
      expect(named(found).join()).not.toMatch(/Crash|Hang/)
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
      const { found } = await conform("mosquitto", args)
      await seenByHand(port, found)
      expect(named(found).join()).not.toMatch(/Crash|Hang/)
    } finally {
      stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }, patience)

  it.skipIf(!isThere("psql", "--version"))("PostgreSQL", async () => {
    const server = await startPostgres()
    try {
      const parameters = [{ name: "user", value: "trusted" }, { name: "database", value: "postgres" }]
      const first = JSON.stringify({ packet: "StartupMessage", fields: { minorVersion: 0, parameters } })
      const args = [`127.0.0.1:${server.port}`, "--protocol", "packages/examples/src/gallery/postgres", "--first", first]
      const { found } = await conform("PostgreSQL", args)
      expect(found.length).toBeGreaterThan(0)
      await seenByHand(server.port, found)
      expect(named(found).join()).not.toMatch(/Crash|Hang/)
    } finally {
      await server.stop()
    }
  }, patience)

  /** Deepstream's separators as they are printed. */
  const shown = (hex: string): string => Buffer.from(hex, "hex").toString().replaceAll("\u001f", "|").replaceAll("\u001e", "+")

  const servers: ReadonlyArray<readonly [Kind, string, ReadonlyArray<string>, ReadonlyArray<RegExp>]> = [
    // nobody checks what presence is asked of, nor that there is a second token
    ["text", "30", ["--protocol", "packages/deepstream/src/gen7", "--first", "A|REQ|{}+"], [/^U\|(US|S|Q)\|/, /^[ERP]\|(L|S|CR)\+/]],
    // a list of four thousand million elements is made into JSON; members of Object.prototype are taken for records and their content
    ["classic", "80", ["--protocol", "deepstream", "--first", "C|CHR|x+", "--first", "A|REQ|{}+"], [
      /\|a\[4294967294\]\|/,
      /__proto__\.x\|/
    ]]
  ]

  it.each(servers)("deepstream, %s", async (kind, count, args, known) => {
    const server = await Server.start(kind)
    let isOver = false
    const again = (async () => {
      while (!isOver) {
        if (!server.isUp) await server.start().catch(() => {})
        await sleep(20)
      }
    })()
    try {
      const crashes: Array<ReadonlyArray<string>> = []
      const isFound = (text: RegExp): boolean => crashes.some((sent) => sent.some((hex) => text.test(shown(hex))))
      // what is drawn depends on what the server says, and that on when it does
      for (let seed = 1; seed <= 4 && !known.every(isFound); seed++) {
        const { found } = await conform(`deepstream, ${kind}`, [server.url, ...args, "--wait", "20"], count, seed)
        for (const { finding, reproduced, sent } of found) if (finding === "Crash" && reproduced) crashes.push(sent.map(({ hex }) => hex))
      }
      isOver = true
      await again
      const { pathname, port } = new URL(server.url)
      for (const text of known) {
        const crash = crashes.find((sent) => sent.some((hex) => text.test(shown(hex))))
        expect(crash, crashes.map((sent) => sent.map(shown).join(" ")).join("\n")).toBeDefined()
        await server.restart()
        await byHand(Number(port), crash!, 300, pathname)
        for (let wait = 0; wait < 100 && server.isUp; wait++) await sleep(50)
        expect(server.isUp).toBe(false)
      }
    } finally {
      isOver = true
      await again
      await server.stop()
    }
  }, patience)
})
