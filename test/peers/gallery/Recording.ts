/** What a recorder delivers, its file in the fixtures, and what every recorder needs to start servers and clients. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { listening } from "../Memcached.ts"
import type { Conversation, Tap } from "./Tap.ts"

/** Conversations of one protocol. */
export interface Recording {
  readonly origin: {
    /** The program that answered, with its version. */
    readonly server: string
    /** The programs that asked, with their versions; `raw` are bytes that were written for the recording. */
    readonly clients: ReadonlyArray<string>
    /** How it was recorded, and what could not be had. */
    readonly recorded: string
  }
  readonly conversations: ReadonlyArray<Conversation>
}

/** The file of a protocol's recording. */
export const fixture = (protocol: string): string => fileURLToPath(new URL(`../../fixtures/gallery/${protocol}.json`, import.meta.url))

/** The file of what a foreign parser says of it. */
export const parsedFixture = (protocol: string): string => fixture(`${protocol}.parsed`)

/** The recording in the fixtures. */
export const recorded = (protocol: string): Recording => JSON.parse(readFileSync(fixture(protocol), "utf8")) as Recording

/** As text: one line for each chunk, so that a difference can be read. */
export const print = (recording: Recording): string => {
  const conversations = recording.conversations.map(({ chunks, ...rest }) => {
    const lines = chunks.map((chunk) => `    ${JSON.stringify(chunk)}`)
    return `  ${JSON.stringify({ ...rest }).slice(0, -1)},"chunks":[\n${lines.join(",\n")}\n  ]}`
  })
  return `{"origin":${JSON.stringify(recording.origin)},\n"conversations":[\n${conversations.join(",\n")}\n]}\n`
}

const peers = fileURLToPath(new URL("..", import.meta.url))

/** A library from npm with its version, like `redis 6.3.1`. */
export const library = (name: string): string => {
  const { version } = JSON.parse(readFileSync(`${peers}node_modules/${name}/package.json`, "utf8")) as { readonly version: string }
  return `${name} ${version}`
}

/** Loads a library from npm that test/peers/package.json names. */
export const load = <A>(name: string): A => createRequire(import.meta.url)(name) as A

/** Whether a library from npm is installed. */
export const installed = (name: string): boolean => existsSync(`${peers}node_modules/${name}`)

/** What a client library does, by the name of the conversation. */
export type Sessions = Readonly<Record<string, (port: number) => Promise<void>>>

/** The sessions of a script in `clients`. */
export const sessions = async (file: string): Promise<Sessions> => {
  const { sessions: found } = (await import(new URL(`clients/${file}`, import.meta.url).href)) as { readonly sessions: Sessions }
  return found
}

/** Records each session, one after the other. */
export const recordAll = async (tap: Tap, prefix: string, all: Sessions): Promise<void> => {
  for (const [name, run] of Object.entries(all)) await tap.record(`${prefix} ${name}`, run)
}

/** A server in a process of its own. */
export interface Server {
  readonly port: number
  readonly stop: () => Promise<void>
}

/** Starts a program and waits until it listens on the port. `signal`, which ends it, is SIGTERM by default. */
export const startServer = async (
  command: string,
  args: ReadonlyArray<string>,
  port: number,
  options: { readonly uid?: number | undefined; readonly signal?: NodeJS.Signals } = {}
): Promise<Server> => {
  const { signal = "SIGTERM", uid } = options
  const child: ChildProcess = spawn(command, args, { cwd: "/", stdio: ["ignore", "pipe", "pipe"], ...(uid === undefined ? {} : { uid }) })
  let output = ""
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (chunk: Buffer) => output = (output + chunk).slice(-4_000))
  let ended = false
  const end = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      output += String(error)
      ended = true
      resolve()
    })
    child.once("close", () => {
      ended = true
      resolve()
    })
  })
  for (let attempt = 0; attempt < 200; attempt++) {
    if (ended) throw new Error(`${command} does not start: ${output}`)
    if (await listening(port)) {
      const stop = async (): Promise<void> => {
        child.kill(signal)
        await Promise.race([end, sleep(5_000, undefined, { ref: false })])
        if (!ended) child.kill("SIGKILL")
        await end
      }
      return { port, stop }
    }
    await sleep(50)
  }
  child.kill("SIGKILL")
  throw new Error(`${command} does not listen: ${output}`)
}

/** What a program prints, on either stream; it must end within a minute. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  options: { readonly input?: string; readonly uid?: number | undefined; readonly env?: NodeJS.ProcessEnv } = {}
): Promise<{ readonly code: number | null; readonly output: string }> =>
  new Promise((resolve, reject) => {
    const { input, uid, env } = options
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      timeout: 60_000,
      env: { ...process.env, ...env },
      ...(uid === undefined ? {} : { uid })
    })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => output += chunk.toString())
    child.stdin.on("error", () => {})
    child.stdin.end(input ?? "")
    child.once("error", reject)
    child.once("close", (code) => resolve({ code, output }))
  })

/** What a program prints on either stream, trimmed. */
export const printed = (command: string, ...args: ReadonlyArray<string>): string => {
  const { stderr, stdout } = spawnSync(command, args)
  return `${stdout ?? ""}${stderr ?? ""}`.trim()
}

/** The first version number in what a program prints. */
export const versionOf = (command: string, ...args: ReadonlyArray<string>): string =>
  /\d+\.\d+(\.\d+)?/.exec(printed(command, ...args))?.[0] ?? "unknown"

/** Runs `use` with something, and closes it whatever happens. */
export const using = async <A, R>(
  open: Promise<A>,
  close: (resource: A) => Promise<void>,
  use: (resource: A) => Promise<R>
): Promise<R> => {
  const resource = await open
  try {
    return await use(resource)
  } finally {
    await close(resource)
  }
}
