/** Runs `wirewright serve` or `wirewright proxy` for a test and ends it by its pid. */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const bin = fileURLToPath(new URL("../../packages/cli/bin/wirewright.js", import.meta.url))

/** A node in a process of its own. */
export interface Served {
  /** What it printed when it was ready. */
  readonly ready: { readonly [field: string]: unknown }
  /** Everything it printed so far, errors included. */
  readonly output: () => string
  readonly stop: () => Promise<void>
}

/** Starts `wirewright serve ...args` and waits until it listens. */
export const serve = (args: ReadonlyArray<string>): Promise<Served> => start(["serve", ...args])

/** Starts `wirewright ...args` and waits until it listens. */
export const start = (args: ReadonlyArray<string>): Promise<Served> =>
  new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "pipe", "pipe"] })
    let printed = ""
    const ended = new Promise<void>((done) => child.once("close", () => done()))
    const stop = async (): Promise<void> => {
      child.kill("SIGTERM")
      await ended
    }
    const take = (chunk: Buffer): void => {
      printed += chunk.toString()
      const line = /^\{"ready":true.*$/m.exec(printed)?.[0]
      if (line !== undefined) resolve({ ready: JSON.parse(line) as Served["ready"], output: () => printed, stop })
    }
    child.stdout!.on("data", take)
    child.stderr!.on("data", take)
    child.once("close", (code) => reject(new Error(`${args[0]} ended with ${code} before it was ready: ${printed}`)))
  })
