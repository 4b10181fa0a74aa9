/** Starts the processes of the test, hears what they say, and sends them signals. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { MemberOptions } from "./Times.ts"

/** A process that says lines of JSON. */
export interface Speaking {
  readonly child: ChildProcess
  /** What it said last, field by field. */
  readonly said: { readonly [field: string]: unknown }
  readonly errors: () => string
  readonly ended: Promise<unknown>
}

/** Starts a program of the sources. */
export const speak = (file: URL, argument: string): Speaking => {
  const path = fileURLToPath(file)
  const child = spawn(process.execPath, ["--conditions=@wirewright/source", path, argument], {
    stdio: ["ignore", "pipe", "pipe"],
    // processes start again and again
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "wirewright-sharing-cache") }
  })
  const said: { [field: string]: unknown } = {}
  let errors = ""
  createInterface({ input: child.stdout! }).on("line", (line) => {
    if (line.startsWith("{")) Object.assign(said, JSON.parse(line))
    else errors = `${errors}${line}\n`.slice(-20_000)
  })
  child.stderr!.on("data", (chunk: Buffer) => errors = `${errors}${chunk.toString()}`.slice(-20_000))
  return { child, said, errors: () => errors, ended: once(child, "exit") }
}

/** The nodes of a cluster. */
export const startNodes = (count: number): Speaking => speak(new URL("./Nodes.ts", import.meta.url), String(count))

/** A member, and what it is in the eyes of the test. */
export class Member {
  readonly options: MemberOptions
  private process: Speaking | undefined
  /** Not there, or frozen. */
  away = true
  /** What it said on its way out, for whoever looks for what went wrong. */
  last = ""

  constructor(options: MemberOptions) {
    this.options = options
  }

  get name(): string {
    return this.options.name
  }

  get owned(): ReadonlyArray<number> {
    return this.away ? [] : this.process!.said["owned"] as ReadonlyArray<number> ?? []
  }

  /** How many of the slices it has it has written something of. */
  get working(): number {
    return this.process?.said["working"] as number ?? 0
  }

  get connections(): number {
    return this.process?.said["connections"] as number ?? 0
  }

  get pid(): number | undefined {
    return this.process?.child.pid
  }

  errors(): string {
    return this.process?.errors() ?? this.last
  }

  start(): void {
    this.process = speak(new URL("./Member.ts", import.meta.url), JSON.stringify(this.options))
    this.away = false
  }

  /** Ends it by a signal; resolves when it is gone. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const { process } = this
    if (process === undefined) return
    this.away = true
    process.child.kill(signal)
    await process.ended
    this.last = process.errors()
    this.process = undefined
  }

  freeze(): void {
    this.away = true
    this.process!.child.kill("SIGSTOP")
  }

  thaw(): void {
    this.process!.child.kill("SIGCONT")
    this.away = false
  }
}
