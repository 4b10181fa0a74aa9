/** memcached's text protocol and meta commands: Debian's server with pymemcache, libmemcached's tools, npm's `memcached`, and raw lines. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { startMemcached } from "../Memcached.ts"
import { authentication, casOf, groups } from "./MemcachedLines.ts"
import { library, printed, recordAll, type Recording, run, type Server, sessions, using, versionOf } from "./Recording.ts"
import { openSession } from "./Session.ts"
import { openTap, type Tap } from "./Tap.ts"

const python = "/usr/bin/python3"

/** The version of the installed memcached; its protocol.txt is the one that the lines follow. */
export const memcachedVersion = (): string => printed("memcached", "-V")

const start = async (args: ReadonlyArray<string>, signal: NodeJS.Signals = "SIGTERM"): Promise<Server> => {
  const { end, port } = await startMemcached(args)
  return { port, stop: () => end(signal) }
}

/** A memcached that knows nobody. */
export const startPlain = (): Promise<Server> => start(["-m", "64"])

/** A memcached that wants the name `user` and the password `secret`. */
const startAuthenticating = async (): Promise<Server> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-memcached-text-"))
  const file = join(folder, "users")
  // memcached becomes nobody before it reads the file
  chmodSync(folder, 0o755)
  writeFileSync(file, "user:secret\n")
  try {
    const server = await start(["-m", "64", "-Y", file])
    return {
      port: server.port,
      stop: async () => {
        await server.stop()
        rmSync(folder, { recursive: true, force: true })
      }
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** Sends the lines one after the other and waits for what comes, if anything comes. */
const lines = (all: ReadonlyArray<string>) => async (port: number): Promise<void> => {
  const session = await openSession(port)
  let cas = "0"
  for (const line of all) {
    session.send(line.replaceAll("{cas}", cas))
    cas = casOf((await session.answer(line.length === 1 ? 2 : 300)).toString("latin1")) ?? cas
    if (session.closed()) break
  }
  await session.end()
}

const ok = async (command: string, args: ReadonlyArray<string>): Promise<void> => {
  const { code, output } = await run(command, args)
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${output}`)
}

const byTools = async (tap: Tap): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-memccp-"))
  try {
    for (const name of ["tool-a", "tool-b"]) writeFileSync(join(folder, name), `${name}\n`.repeat(20))
    for (
      const [name, command, ...args] of [
        ["memccp", "memccp", join(folder, "tool-a"), join(folder, "tool-b")],
        ["memccat", "memccat", "tool-a", "tool-b"],
        ["memcexist", "memcexist", "tool-a"],
        ["memctouch", "memctouch", "--expire=100", "tool-a"],
        ["memcrm", "memcrm", "tool-a"],
        ["memcstat", "memcstat"],
        ["memcdump", "memcdump"],
        ["memcflush", "memcflush"]
      ] as const
    ) {
      await tap.record(`libmemcached's ${name}`, (port) => ok(command, [`--servers=127.0.0.1:${port}`, ...args]))
    }
    await tap.record(
      "libmemcached's memccapable",
      (port) => run("memccapable", ["-a", "-h", "127.0.0.1", "-p", String(port)]).then(() => {})
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const pymemcache = fileURLToPath(new URL("clients/with-pymemcache.py", import.meta.url))

const tapped = (server: Promise<Server>, use: (tap: Tap) => Promise<void>): Promise<ReturnType<Tap["conversations"]>> =>
  using(server, ({ stop }) => stop(), ({ port }) =>
    using(openTap(port), (tap) => tap.close(), async (tap) => {
      await use(tap)
      return tap.conversations()
    }))

/** A watcher that sees what another connection does. */
const watch = async (port: number): Promise<void> => {
  const watcher = await openSession(port)
  watcher.send("watch fetchers mutations evictions connevents\r\n")
  await watcher.answer()
  const other = await openSession(port)
  other.send("set watched 0 0 1\r\nx\r\nget watched none\r\nmd watched\r\n")
  await other.answer()
  await other.end()
  await watcher.read((bytes) => bytes.toString("latin1").includes("conn_close"))
  await watcher.end()
}

/** Records them afresh. */
export const record = async (): Promise<Recording> => {
  const conversations = [
    ...await tapped(startPlain(), async (tap) => {
      for (const [name, all] of Object.entries(groups)) await tap.record(`raw ${name}`, lines(all))
      await tap.record("raw watcher", watch)
      await recordAll(tap, "memcached", await sessions("memcached.mjs"))
      for (const mode of ["replies", "noreply", "unicode"]) {
        await tap.record(`pymemcache ${mode}`, (port) => ok(python, [pymemcache, String(port), mode]))
      }
      await byTools(tap)
    }),
    ...await tapped(startAuthenticating(), async (tap) => {
      for (const [name, all] of Object.entries(authentication)) await tap.record(`raw ${name}`, lines(all))
    }),
    ...await tapped(start(["-I", "8k", "-o", "slab_chunk_max=4"]), (tap) =>
      tap.record(
        "raw server errors",
        lines([
          `set big 0 0 9000\r\n${"y".repeat(9_000)}\r\n`,
          `ms big 9000 k O1\r\n${"y".repeat(9_000)}\r\n`,
          "incr big 1\r\n"
        ])
      )),
    ...await tapped(start(["-A"], "SIGKILL"), async (tap) => {
      await tap.record("pymemcache shutdown", (port) => ok(python, [pymemcache, String(port), "shutdown"]))
    })
  ]
  const tools = `libmemcached-tools ${/libmemcached v([\d.]+)/.exec(printed("memccat", "--version"))?.[1] ?? "unknown"}`
  const ofPython = `pymemcache ${printed(python, "-c", "import pymemcache; print(pymemcache.__version__)")}`
  return {
    origin: {
      server: memcachedVersion(),
      clients: [library("memcached"), ofPython, tools, "raw"],
      recorded:
        `loopback tap; no client of Debian or npm speaks meta commands, so those are raw lines after the protocol.txt of memcached ${
          versionOf("memcached", "-V")
        }, whose server answered them`
    },
    conversations
  }
}
