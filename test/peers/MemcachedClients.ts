/**
 * Other people's memcached clients against whatever listens on a port: what each of them did, and what it should have got.
 *
 * The scripts in `clients` print what their client returned; what is right is written here once, from the clients' own documentation.
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect } from "vitest"

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** What a client returned, by operation. */
export type Got = Readonly<Record<string, unknown>>

/** A client that somebody else wrote. */
export interface MemcachedClient {
  readonly name: string
  /** Whether it is installed. */
  readonly available: () => boolean
  /** Does everything it offers against the server on a port of this machine. */
  readonly run: (port: number) => Promise<Got>
  /** What it should have got. */
  readonly expected: (version: string) => Got
}

/** What became of a client. */
export interface ClientReport {
  readonly name: string
  /** Operations with the expected outcome. */
  readonly passed: ReadonlyArray<string>
  readonly failed: ReadonlyArray<string>
  /** It is not installed. */
  readonly notRun: boolean
}

/** What a program printed, and how it ended. */
const output = (command: string, args: ReadonlyArray<string>): Promise<{ readonly code: number | null; readonly text: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 })
    const chunks: Array<Buffer> = []
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.once("error", reject)
    child.once("close", (code) => resolve({ code, text: Buffer.concat(chunks).toString() }))
  })

const script = (command: string, file: string, ...given: ReadonlyArray<string>) => async (port: number): Promise<Got> => {
  const { code, text } = await output(command, [folder(`clients/${file}`), String(port), ...given])
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${text}`)
  return JSON.parse(text.trim().split("\n").at(-1)!) as Got
}

const succeeds = (command: string, ...args: ReadonlyArray<string>) => (): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0

const everything = (version: string): Got => ({
  set: true,
  get: "v1",
  getMissing: null,
  addExisting: false,
  add: true,
  replaceMissing: false,
  replace: true,
  getReplaced: "v2",
  append: true,
  prepend: true,
  getJoined: "<v2>",
  delete: true,
  deleteMissing: false,
  incr: 15,
  decr: 12,
  decrToZero: 0,
  incrMissing: null,
  incrInitial: 7,
  multi: { "p:m1": "1", "p:m2": "2" },
  setMulti: true,
  large: true,
  cas: true,
  casAgain: false,
  touch: true,
  touched: null,
  stats: true,
  version,
  flush: true,
  flushed: null
})

/** All of it but what a client does not offer. */
const without = (...operations: ReadonlyArray<string>) => (version: string): Got =>
  Object.fromEntries(Object.entries(everything(version)).filter(([operation]) => !operations.includes(operation)))

/** The command line tools of libmemcached, one process for each operation. */
const runTools = (...options: ReadonlyArray<string>) => async (port: number): Promise<Got> => {
  const files = mkdtempSync(join(tmpdir(), "wirewright-memccp-"))
  const servers = `--servers=127.0.0.1:${port}`
  const tool = (name: string, ...args: ReadonlyArray<string>) => output(name, [...options, servers, ...args])
  const ok = async (name: string, ...args: ReadonlyArray<string>): Promise<boolean> => (await tool(name, ...args)).code === 0
  try {
    const text = (name: string, value: string): string => {
      writeFileSync(join(files, name), value)
      return join(files, name)
    }
    const large = Array.from({ length: 50_000 }, (_, i) => `${i} `).join("")
    const got: Record<string, unknown> = {}
    got["set"] = await ok("memccp", text("tool-a", "first"), text("tool-b", large))
    got["get"] = (await tool("memccat", "tool-a")).text.trim()
    got["large"] = (await tool("memccat", "tool-b")).text.trim() === large.trim()
    got["multi"] = (await tool("memccat", "tool-a", "tool-a")).text.trim().split("\n")
    got["addExisting"] = await ok("memccp", "--add", text("tool-a", "other"))
    got["replace"] = await ok("memccp", "--replace", text("tool-a", "second"))
    got["getReplaced"] = (await tool("memccat", "tool-a")).text.trim()
    got["exist"] = await ok("memcexist", "tool-a")
    got["touch"] = await ok("memctouch", "--expire=100", "tool-a")
    got["delete"] = await ok("memcrm", "tool-a")
    got["existDeleted"] = await ok("memcexist", "tool-a")
    got["stats"] = /curr_items: [0-9]+/.test((await tool("memcstat")).text)
    got["flush"] = await ok("memcflush")
    got["existFlushed"] = await ok("memcexist", "tool-b")
    return got
  } finally {
    rmSync(files, { recursive: true, force: true })
  }
}

/** libmemcached's conformance test; it flushes the server. */
const runCapable = (option: "-a" | "-b") => async (port: number): Promise<Got> => {
  const { code, text } = await output("memccapable", [option, "-h", "127.0.0.1", "-p", String(port)])
  const results = [...text.matchAll(/^((?:ascii|binary) [a-z ]+?)\s+\[(\w+)\]/gm)].map(([, name, result]) => [name, result])
  return { ...Object.fromEntries(results), exit: code }
}

const asciiCapabilities = [
  ..."version quit verbosity get gets mget stat".split(" "),
  ..."set flush add replace cas delete incr decr append prepend".split(" ").flatMap((name) => [name, `${name} noreply`])
]

const binaryCapabilities = ("noop quit quitq set setq flush flushq add addq replace replaceq delete deleteq get getq getk getkq "
  + "incr incrq decr decrq version append appendq prepend prependq stat").split(" ")

/** What the command line tools should do. */
const tools = (): Got => ({
  set: true,
  get: "first",
  large: true,
  multi: ["first", "first"],
  addExisting: false,
  replace: true,
  getReplaced: "second",
  exist: true,
  touch: true,
  delete: true,
  existDeleted: false,
  stats: true,
  flush: true,
  existFlushed: false
})

const toolsAvailable = succeeds("memccat", "--version")
const pylibmcAvailable = succeeds("/usr/bin/python3", "-c", "import pylibmc")
const npm = (name: string) => (): boolean => existsSync(folder(`node_modules/${name}`))

/** Those that speak the binary protocol. */
export const clients: ReadonlyArray<MemcachedClient> = [
  {
    name: "memccapable",
    available: succeeds("memccapable", "-V"),
    run: runCapable("-b"),
    expected: () => ({ ...Object.fromEntries(binaryCapabilities.map((name) => [`binary ${name}`, "pass"])), exit: 0 })
  },
  {
    name: "libmemcached-tools",
    available: toolsAvailable,
    run: runTools("--binary"),
    expected: tools
  },
  { name: "dalli", available: succeeds("ruby", "-rdalli", "-e", "1"), run: script("ruby", "with-dalli.rb"), expected: without("setMulti") },
  {
    name: "pylibmc",
    available: pylibmcAvailable,
    run: script("/usr/bin/python3", "with-pylibmc.py"),
    expected: without("incrInitial")
  },
  {
    name: "bmemcached",
    available: succeeds("/usr/bin/python3", "-c", "import bmemcached"),
    run: script("/usr/bin/python3", "with-bmemcached.py"),
    // its incr always creates, and it has no append, prepend and touch
    expected: without("incrMissing", "append", "prepend", "getJoined", "touch", "touched")
  },
  {
    name: "memjs",
    available: npm("memjs"),
    run: script(process.execPath, "with-memjs.mjs"),
    // its increment always creates, it has no CAS, and its prepend sends the opcode of append
    expected: (version) => ({ ...without("incrMissing", "setMulti", "cas", "casAgain")(version), getJoined: "v2><" })
  }
]

/** Those that speak the text protocol. */
export const textClients: ReadonlyArray<MemcachedClient> = [
  {
    name: "memccapable",
    available: succeeds("memccapable", "-V"),
    run: runCapable("-a"),
    expected: () => ({ ...Object.fromEntries(asciiCapabilities.map((name) => [`ascii ${name}`, "pass"])), exit: 0 })
  },
  { name: "libmemcached-tools", available: toolsAvailable, run: runTools(), expected: tools },
  {
    name: "pylibmc",
    available: pylibmcAvailable,
    run: script("/usr/bin/python3", "with-pylibmc.py", "text"),
    expected: without("incrInitial")
  },
  {
    name: "pymemcache",
    available: succeeds("/usr/bin/python3", "-c", "import pymemcache"),
    run: script("/usr/bin/python3", "with-pymemcache.py"),
    expected: (version) => ({ ...without("incrInitial")(version), noreply: "2!", noreplyDeleted: null })
  },
  {
    name: "python-memcached",
    available: succeeds("/usr/bin/python3", "-c", "import memcache"),
    run: script("/usr/bin/python3", "with-python-memcached.py"),
    // it does not tell a missing document from one that it has deleted, and nothing of flush
    expected: (version) => ({ ...without("incrInitial", "flush")(version), deleteMissing: true })
  },
  {
    name: "php-memcached",
    available: succeeds("php", "-r", "exit(class_exists('Memcached') ? 0 : 1);"),
    run: script("php", "with-php-memcached.php"),
    expected: without("incrInitial")
  },
  {
    name: "memcached (npm)",
    available: npm("memcached"),
    run: script(process.execPath, "with-memcached.mjs"),
    expected: without("incrInitial", "setMulti")
  },
  {
    name: "memcache (npm)",
    available: npm("memcache"),
    run: script(process.execPath, "with-memcache.mjs"),
    // its gets hands out no CAS
    expected: (version) => ({ ...without("incrInitial", "setMulti", "cas", "casAgain")(version), version: `VERSION ${version}` })
  },
  {
    name: "memcache-client (npm)",
    available: npm("memcache-client"),
    run: script(process.execPath, "with-memcache-client.mjs"),
    expected: without("incrInitial", "setMulti")
  }
]

const same = (a: unknown, b: unknown): boolean =>
  a === b || typeof a === "object" && typeof b === "object" && JSON.stringify(a, keysOf(a)) === JSON.stringify(b, keysOf(b))

const keysOf = (value: unknown): Array<string> | null => value === null || Array.isArray(value) ? null : Object.keys(value as object).sort()

/** Runs one client and compares. */
export const runClient = async (client: MemcachedClient, port: number, version: string): Promise<ClientReport> => {
  const { name } = client
  if (!client.available()) return { name, passed: [], failed: [], notRun: true }
  const got = await client.run(port)
  const expected = client.expected(version)
  const operations = [...new Set([...Object.keys(expected), ...Object.keys(got)])]
  const right = (operation: string): boolean => operation in got && operation in expected && same(got[operation], expected[operation])
  return {
    name,
    passed: operations.filter(right),
    failed: operations.filter((operation) => !right(operation)).map((operation) =>
      `${operation}: got ${JSON.stringify(got[operation])}, expected ${JSON.stringify(expected[operation])}`
    ),
    notRun: false
  }
}

/** Runs a client that is to get everything it wants; memccapable has 27 capabilities of the binary protocol. */
export const expectDone = async (client: MemcachedClient, port: number, version: string): Promise<void> => {
  const { failed, passed } = await runClient(client, port, version)
  expect(failed).toEqual([])
  expect(passed.length).toBeGreaterThan(10)
  if (client.name === "memccapable") expect(passed.filter((one) => one.startsWith("binary "))).toHaveLength(27)
}

/** Runs all clients, one after the other, against the server on `port`, which says that it is `version`. */
export const runClients = async (port: number, version = "1.6.18"): Promise<ReadonlyArray<ClientReport>> => {
  const reports: Array<ClientReport> = []
  for (const client of clients) reports.push(await runClient(client, port, version))
  return reports
}
