/** Runs a program of `packages/examples` in a process of its own, and ends it by its pid. */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const limit = 30_000

/** A program that runs. */
export interface Example {
  /** Where it says that it listens. */
  readonly port: number
  /** Ends it as a terminal does and returns everything it printed. */
  readonly stop: () => Promise<string>
}

/** How a program ended. */
export interface Ended {
  readonly code: number | null
  /** What it printed on both streams, as it came. */
  readonly output: string
  /** What it printed on stdout: what the program says, without its log. */
  readonly stdout: string
}

const launch = (name: string, env: Readonly<Record<string, string>>): ChildProcess =>
  spawn(process.execPath, [
    "--conditions=@wirewright/source",
    fileURLToPath(new URL(`../../packages/examples/src/${name}`, import.meta.url))
  ], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env }
  })

const collect = (child: ChildProcess) => {
  let output = ""
  let stdout = ""
  child.stdout!.on("data", (chunk: Buffer) => {
    output += chunk.toString()
    stdout += chunk.toString()
  })
  child.stderr!.on("data", (chunk: Buffer) => void (output += chunk.toString()))
  const timer = setTimeout(() => child.kill("SIGKILL"), limit)
  const ended = new Promise<Ended>((resolve) =>
    child.once("close", (code) => {
      clearTimeout(timer)
      resolve({ code, output, stdout })
    })
  )
  return { ended, output: () => output }
}

/** Runs a program to its end. */
export const run = (name: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> => collect(launch(name, env)).ended

/** Runs a program that serves, and waits until it listens. */
export const start = async (name: string, env: Readonly<Record<string, string>> = {}): Promise<Example> => {
  const child = launch(name, env)
  const { ended, output } = collect(child)
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout!.on("data", () => {
      const found = /^listening on (\d+)$/m.exec(output())
      if (found !== null) resolve(Number(found[1]))
    })
    void ended.then(({ code }) => reject(new Error(`${name} ended with ${code} before it listened: ${output()}`)))
  })
  return {
    port,
    stop: async () => {
      child.kill("SIGTERM")
      return (await ended).output
    }
  }
}
