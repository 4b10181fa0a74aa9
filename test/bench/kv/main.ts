/**
 * `npm run bench:kv -- [--rounds N] [--in-flight N]… [--operation get|set]… [--contender NAME]… [--milliseconds N] [--json]`
 *
 * Clients against a real memcached on loopback: each in a process of its own, asked for rounds in turn (A B C A B C …), so that what
 * disturbs the machine disturbs all. Figures are medians over the rounds; ratios are medians of the ratios within a round.
 */
import { execFileSync, fork, spawn, type ChildProcess } from "node:child_process"
import { existsSync } from "node:fs"
import { createServer, type AddressInfo, connect } from "node:net"
import { cpus } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import type { Answer, Operation, Question } from "./Contender.ts"
import { keyCount } from "./Contender.ts"

const here = import.meta.dirname

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    milliseconds: { type: "string", default: "700" },
    "in-flight": { type: "string", multiple: true },
    operation: { type: "string", multiple: true },
    contender: { type: "string", multiple: true },
    json: { type: "boolean", default: false }
  }
})

const say = (text: string): void => {
  process[options.json ? "stderr" : "stdout"].write(`${text}\n`)
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    const done = (there: boolean): void => {
      socket.destroy()
      resolve(there)
    }
    socket.once("connect", () => done(true)).once("error", () => done(false))
  })

const startMemcached = async (): Promise<{ readonly port: number; readonly child: ChildProcess }> => {
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : []
  const child = spawn("memcached", ["-l", "127.0.0.1", "-p", String(port), "-U", "0", "-m", "128", "-t", "1", ...user], { stdio: "ignore" })
  child.on("error", () => {})
  for (let attempt = 0; attempt < 100; attempt++) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error("memcached does not start; is it installed?")
    if (await answers(port)) return { port, child }
    await sleep(50)
  }
  child.kill()
  throw new Error("memcached does not answer")
}

const ask = (child: ChildProcess, question: Question): Promise<Answer & { readonly kind: "done" }> =>
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

const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

interface Round {
  readonly perSecond: number
  /** Processor time of the client per operation in microseconds. */
  readonly micros: number
}

const numbers = (values: ReadonlyArray<string> | undefined, otherwise: ReadonlyArray<number>): ReadonlyArray<number> =>
  values === undefined ? otherwise : values.map(Number)

const measure = async (running: ReadonlyMap<string, ChildProcess>, operation: Operation, inFlight: number): Promise<void> => {
  const counts = new Map<string, number>()
  for (const [name, child] of running) {
    // warmed up until the compiler is done, and counted so that all rounds last about as long
    let count = 2_000
    for (let step = 0; step < 4; step++) {
      const { seconds } = await ask(child, { kind: "run", operation, inFlight, count })
      count = Math.max(500, Math.round(count / seconds * Number(options.milliseconds) / 1000 / (step < 3 ? 2 : 1)))
    }
    counts.set(name, count)
  }
  const rounds = new Map<string, Array<Round>>([...running.keys()].map((name) => [name, []]))
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, child] of running) {
      const count = counts.get(name)!
      const { processor, seconds } = await ask(child, { kind: "run", operation, inFlight, count })
      rounds.get(name)!.push({ perSecond: count / seconds, micros: processor / count * 1e6 })
    }
  }
  const own = rounds.get("wirewright")
  say(`\n${operation}, ${inFlight} in flight`)
  say(`  ${"".padEnd(12)}  operations/s   µs/op  CPU µs/op  wirewright is`)
  for (const [name, figures] of rounds) {
    const perSecond = median(figures.map((figure) => figure.perSecond))
    const micros = median(figures.map((figure) => figure.micros))
    const times = own === undefined ? NaN : median(own.map((figure, round) => figure.perSecond / figures[round]!.perSecond))
    const wall = 1e6 / perSecond
    say(
      `  ${name.padEnd(12)}  ${Math.round(perSecond).toLocaleString("en").padStart(12)}  ${wall.toFixed(2).padStart(6)}  ${
        micros.toFixed(2).padStart(9)
      }  ${name === "wirewright" ? "" : `${times.toFixed(2)} × as fast`}`
    )
    if (options.json) process.stdout.write(`${JSON.stringify({ operation, inFlight, contender: name, perSecond, micros, times })}\n`)
  }
}

const installMemjs = (): void => {
  const bench = join(here, "..")
  if (existsSync(join(bench, "node_modules/memjs"))) return
  say("Installing the libraries to compare with …")
  execFileSync("npm", ["ci", "--workspaces=false", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: bench, stdio: ["ignore", 2, 2] })
}

const main = async (): Promise<void> => {
  installMemjs()
  const names = options.contender ?? ["handwritten", "wirewright", "memjs"]
  const memcached = await startMemcached()
  const running = new Map<string, ChildProcess>()
  try {
    for (const name of names) {
      const child = fork(join(here, "child.ts"), [name], {
        execArgv: [
          "--conditions=@wirewright/source",
          "--disable-warning=ExperimentalWarning",
          ...process.execArgv.filter((arg) => arg.startsWith("--cpu-prof"))
        ]
      })
      running.set(name, child)
      await ask(child, { kind: "connect", port: memcached.port })
      await ask(child, { kind: "run", operation: "set", inFlight: 64, count: keyCount })
    }
    say(`node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? "?"}`)
    say(
      `${options.rounds} rounds of ${options.milliseconds} ms, clients in turn; values of 100 B, keys of 12 B, memcached -t 1 on loopback`
    )
    for (const inFlight of numbers(options["in-flight"], [1, 64, 256, 1024])) {
      for (const operation of (options.operation ?? ["get", "set"]) as ReadonlyArray<Operation>) {
        await measure(running, operation, inFlight)
      }
    }
    for (const child of running.values()) await ask(child, { kind: "close" })
  } finally {
    for (const child of running.values()) if (child.connected) child.disconnect()
    memcached.child.kill()
  }
}

await main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 1
})
