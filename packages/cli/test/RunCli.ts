/** Runs the command as people do, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

/** The program: that of a checkout, unless the test run has bundled the command. Both are given to Node. */
export const bin = process.env["WIREWRIGHT_TEST_COMMAND"] ?? fileURLToPath(new URL("../bin/wirewright.js", import.meta.url))

/** What came of it. */
export interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs `wirewright ...args` with `input` on stdin. */
export const wirewright = (args: ReadonlyArray<string>, input: string | Uint8Array = "", cwd?: string): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { cwd, env: { ...process.env, NO_COLOR: "1" } })
    const out: Array<Buffer> = []
    const err: Array<Buffer> = []
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk))
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }))
    // a command that does not read its input closes it
    child.stdin.on("error", () => {})
    child.stdin.end(input)
  })

/** What a command that listens says when it does. */
export interface Ready {
  readonly address: string
  readonly port: number
  /** Of `serve`, but for `--memcached`. */
  readonly managementPort: number
  /** With `--metrics`. */
  readonly metrics: string
}

/** Starts a command that listens, with so many files if that is said; ends it by SIGTERM once it was used, and returns what came of it. */
export const running = async (
  args: ReadonlyArray<string>,
  use: (ready: Ready, child: ChildProcess) => Promise<unknown>,
  files?: number
): Promise<Outcome> => {
  const command = [process.execPath, bin, ...args] as const
  const [program, ...rest] = files === undefined ? command : ["sh", "-c", `ulimit -n ${files}; exec "$@"`, "sh", ...command] as const
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] })
  const closed = once(child, "close")
  let [out, err] = ["", ""]
  child.stderr.on("data", (chunk: Buffer) => err += chunk.toString())
  try {
    await Promise.race([
      closed.then(() => Promise.reject(new Error(err))),
      new Promise<void>((resolve) => child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()).includes("\n") && resolve()))
    ])
    await use(JSON.parse(out) as Ready, child)
  } finally {
    child.kill("SIGTERM")
    await closed
  }
  return { code: child.exitCode, out, err }
}

/** The objects of NDJSON. */
export const ndjson = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>)
