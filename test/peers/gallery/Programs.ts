/** Starts and ends the programs of other people that the gallery's recorders need, each by its pid, in folders of their own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { createRequire } from "node:module"
import { setTimeout as sleep } from "node:timers/promises"

const require = createRequire(import.meta.url)

/** A library that `test/peers/package.json` brings; its types are not here, so the caller says what it uses of it. */
export const library = <A>(name: string): A => require(name) as A

/** Whether a library can be loaded. */
export const hasLibrary = (name: string): boolean => {
  try {
    require(name)
    return true
  } catch {
    return false
  }
}

/** The version of a library, as its own package.json says. */
export const libraryVersion = (name: string): string => {
  const path = require.resolve(name)
  const folder = path.slice(0, path.lastIndexOf(`node_modules/${name}/`))
  return `${name} ${(require(`${folder}node_modules/${name}/package.json`) as { readonly version: string }).version}`
}

/** Whether a program is there. */
export const hasProgram = (command: string): boolean => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0

/** Debian's, which has the modules that Debian's packages bring. */
export const python = "/usr/bin/python3"

/** Whether Debian's Python has a module. */
export const hasPythonModule = (name: string): boolean => spawnSync(python, ["-c", `import ${name}`]).status === 0

/** What a program printed on both of its outputs, and its exit code. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  options: { readonly input?: string | Uint8Array; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly timeout?: number } = {}
): Promise<{ readonly code: number | null; readonly text: string }> =>
  new Promise((resolve, reject) => {
    const { cwd, env, input, timeout = 30_000 } = options
    const child = spawn(command, args, { stdio: "pipe", timeout, cwd, env: { ...process.env, ...env } })
    const chunks: Array<Buffer> = []
    child.stdout.on("data", (bytes: Buffer) => chunks.push(bytes))
    child.stderr.on("data", (bytes: Buffer) => chunks.push(bytes))
    child.once("error", reject)
    child.once("close", (code) => resolve({ code, text: Buffer.concat(chunks).toString() }))
    child.stdin.on("error", () => {})
    child.stdin.end(input)
  })

/** A program that goes on until it is ended. */
export interface Running {
  readonly child: ChildProcess
  /** What it printed so far. */
  readonly printed: () => string
  readonly end: () => Promise<void>
}

/** Starts a program and waits until it is ready. It must be so within the seconds given (default: 20). */
export const start = async (
  command: string,
  args: ReadonlyArray<string>,
  ready: (printed: string) => boolean | Promise<boolean>,
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly seconds?: number } = {}
): Promise<Running> => {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], cwd: options.cwd, env: { ...process.env, ...options.env } })
  let text = ""
  let failed = false
  child.stdout.on("data", (bytes: Buffer) => text += bytes.toString())
  child.stderr.on("data", (bytes: Buffer) => text += bytes.toString())
  child.stdin.on("error", () => {})
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve())
    child.once("error", (error) => {
      failed = true
      text += String(error)
      resolve()
    })
  })
  const end = async (): Promise<void> => {
    child.kill("SIGTERM")
    const killer = setTimeout(() => child.kill("SIGKILL"), 5000)
    await ended
    clearTimeout(killer)
  }
  const until = Date.now() + (options.seconds ?? 20) * 1000
  while (Date.now() < until) {
    if (failed || child.exitCode !== null || child.signalCode !== null) throw new Error(`${command} does not start: ${text}`)
    if (await ready(text)) return { child, printed: () => text, end }
    await sleep(50)
  }
  await end()
  throw new Error(`${command} is not ready: ${text}`)
}
