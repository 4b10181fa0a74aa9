/**
 * `npm run bench:kv -- [--server memcached|couchbase] [--rounds N] [--in-flight N]… [--operation get|set]… [--contender NAME]… [--milliseconds N] [--size BYTES] [--json]`
 *
 * A contender `NAME@DIR` is that of another checkout, so that before and after stand in one run.
 *
 * Clients against a real memcached, or against `wirewright serve`, on loopback: each in a process of its own, asked for rounds in turn (A B C A B C …), so that what
 * disturbs the machine disturbs all. Figures are medians over the rounds; ratios are medians of the ratios within a round.
 */
import type { ChildProcess } from "node:child_process"
import { cpus } from "node:os"
import { parseArgs } from "node:util"
import { keyCount, type Operation, valueSize } from "./Contender.ts"
import { ask, installMemjs, median, startCommand, startContender, startMemcached } from "./Run.ts"

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    milliseconds: { type: "string", default: "700" },
    size: { type: "string", default: String(valueSize) },
    "in-flight": { type: "string", multiple: true },
    operation: { type: "string", multiple: true },
    server: { type: "string", default: "memcached" },
    contender: { type: "string", multiple: true },
    json: { type: "boolean", default: false }
  }
})

const say = (text: string): void => {
  process[options.json ? "stderr" : "stdout"].write(`${text}\n`)
}

interface Round {
  readonly perSecond: number
  /** Processor time of the client per operation in microseconds. */
  readonly micros: number
}

const numbers = (values: ReadonlyArray<string> | undefined, otherwise: ReadonlyArray<number>): ReadonlyArray<number> =>
  values === undefined ? otherwise : values.map(Number)

const size = Number(options.size)
/** No more than 256 MiB are stored. */
const keys = Math.max(1, Math.min(keyCount, Math.floor(256 * 1024 * 1024 / size)))

const measure = async (running: ReadonlyMap<string, ChildProcess>, operation: Operation, inFlight: number): Promise<void> => {
  const counts = new Map<string, number>()
  for (const [name, child] of running) {
    // warmed up until the compiler is done, and counted so that all rounds last about as long
    const least = size > 10_000 ? inFlight * 4 : 500
    let count = 4 * least
    for (let step = 0; step < 4; step++) {
      const { seconds } = await ask(child, { kind: "run", operation, inFlight, count, size, keys })
      count = Math.max(least, Math.round(count / seconds * Number(options.milliseconds) / 1000 / (step < 3 ? 2 : 1)))
    }
    counts.set(name, count)
  }
  const rounds = new Map<string, Array<Round>>([...running.keys()].map((name) => [name, []]))
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, child] of running) {
      const count = counts.get(name)!
      const { processor, seconds } = await ask(child, { kind: "run", operation, inFlight, count, size, keys })
      rounds.get(name)!.push({ perSecond: count / seconds, micros: processor / count * 1e6 })
    }
  }
  const ownName = ["wirewright-meta", "wirewright", "couchbase"].find((name) => rounds.has(name))
  const own = ownName === undefined ? undefined : rounds.get(ownName)
  say(`\n${operation}, ${inFlight} in flight`)
  say(`  ${"".padEnd(12)}  operations/s   µs/op  CPU µs/op  ${ownName ?? "nobody"} is`)
  for (const [name, figures] of rounds) {
    const perSecond = median(figures.map((figure) => figure.perSecond))
    const micros = median(figures.map((figure) => figure.micros))
    const times = own === undefined ? NaN : median(own.map((figure, round) => figure.perSecond / figures[round]!.perSecond))
    const wall = 1e6 / perSecond
    say(
      `  ${name.replace(/@.*\//, "@").padEnd(24)}  ${Math.round(perSecond).toLocaleString("en").padStart(12)}  ${
        wall.toFixed(2).padStart(6)
      }  ${micros.toFixed(2).padStart(9)}  ${rounds.get(name) === own ? "" : `${times.toFixed(2)} × as fast`}`
    )
    if (options.json) process.stdout.write(`${JSON.stringify({ operation, inFlight, contender: name, perSecond, micros, times })}\n`)
  }
}

const main = async (): Promise<void> => {
  installMemjs()
  const couchbase = options.server === "couchbase"
  const names = options.contender ?? (couchbase ? ["couchbase", "couchbase-sdk"] : [
    "handwritten-meta",
    "wirewright-meta",
    "wirewright-text",
    "handwritten",
    "wirewright",
    "memjs",
    "memcached",
    "memcache"
  ])
  const server = couchbase
    ? await startCommand("serve", "--port", "0", "--bucket", "default", "--user", "app", "--password", "secret")
    : await startMemcached("-I", "16m")
  const running = new Map<string, ChildProcess>()
  try {
    for (const name of names) {
      const child = await startContender(name, server.port)
      running.set(name, child)
      await ask(child, { kind: "run", operation: "set", inFlight: Math.min(keys, 64), count: keys, size, keys })
    }
    say(`node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? "?"}`)
    say(
      `${options.rounds} rounds of ${options.milliseconds} ms, clients in turn; values of ${size} B, keys of 12 B, ${
        couchbase ? "wirewright serve" : "memcached -t 1"
      } on loopback`
    )
    for (const inFlight of numbers(options["in-flight"], [1, 64, 256, 1024])) {
      for (const operation of (options.operation ?? ["get", "set"]) as ReadonlyArray<Operation>) {
        await measure(running, operation, inFlight)
      }
    }
    for (const child of running.values()) await ask(child, { kind: "close" })
  } finally {
    for (const child of running.values()) if (child.connected) child.disconnect()
    server.child.kill()
  }
}

await main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 1
})
