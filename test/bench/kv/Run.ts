/** What the client benchmarks share: servers and contenders in processes of their own, and the arithmetic of rounds. */
import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort, listening } from "../../peers/Memcached.ts"
import { bundled } from "../Bundled.ts"
import type { Answer, Question } from "./Contender.ts"

const here = import.meta.dirname
const root = join(here, "../../..")

/** A server under measurement. */
export interface Running {
  readonly port: number
  readonly child: ChildProcess
}

/** Debian's memcached with one thread; `more` are further arguments. */
export const startMemcached = async (...more: ReadonlyArray<string>): Promise<Running> => {
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : []
  const child = spawn("memcached", ["-l", "127.0.0.1", "-p", String(port), "-U", "0", "-m", "1024", "-t", "1", ...more, ...user], {
    stdio: "ignore"
  })
  child.on("error", () => {})
  for (let attempt = 0; attempt < 100; attempt++) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error("memcached does not start; is it installed?")
    if (await listening(port)) return { port, child }
    await sleep(50)
  }
  child.kill()
  throw new Error("memcached does not answer")
}

/** Puts a question to a contender. */
export const ask = (child: ChildProcess, question: Question): Promise<Answer & { readonly kind: "done" }> =>
  new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`contender ended with code ${code}`))
    child.once("exit", onExit)
    child.once("message", (answer: Answer) => {
      child.off("exit", onExit)
      if (answer.kind === "done") resolve(answer)
      else reject(new Error(answer.message))
    })
    child.send(question)
  })

/** The middle of some numbers. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** A command of this repository that says with a line of JSON where it listens. */
export const startCommand = async (...args: ReadonlyArray<string>): Promise<Running> => {
  const child = spawn(process.execPath, [join(root, "packages/cli/bin/wirewright.js"), ...args], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  for await (const line of createInterface({ input: child.stdout! })) {
    const { port } = JSON.parse(line) as { readonly port: number }
    return { port, child }
  }
  throw new Error(`wirewright ${args.join(" ")} ended before it was ready`)
}

/** Seconds of processor time that a process has used. */
export const processorSeconds = ({ pid }: ChildProcess): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const programs = new Map<string, Promise<string>>()

/** A contender in a process of its own, connected: one of this checkout, or `NAME@DIRECTORY` of another. `more` are further arguments of it. */
export const startContender = async (contender: string, port: number, ...more: ReadonlyArray<string>): Promise<ChildProcess> => {
  const [name = "", checkout = root] = contender.split("@")
  const folder = join(checkout, "test/bench/kv")
  // beside the contenders, where those find the libraries that they load
  const made = programs.get(folder) ?? bundled(join(folder, "child.ts"), join(folder, "contenders/child.tmp.mjs"))
  programs.set(folder, made)
  const child = fork(await made, [name, ...more], {
    cwd: checkout,
    execArgv: process.execArgv.filter((argument) => argument.startsWith("--cpu-prof"))
  })
  await ask(child, { kind: "connect", port })
  return child
}

/** Installs the libraries to compare with, once. */
export const installMemjs = (): void => {
  const bench = join(here, "..")
  if (["memjs", "memcache", "memcached"].every((name) => existsSync(join(bench, "node_modules", name)))) return
  process.stderr.write("Installing the libraries to compare with …\n")
  execFileSync("npm", ["ci", "--workspaces=false", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: bench, stdio: ["ignore", 2, 2] })
}
