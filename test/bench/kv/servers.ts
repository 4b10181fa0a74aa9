/**
 * `npm run bench:kv-servers -- [--rounds N] [--milliseconds N] [--in-flight N]… [--load NAME]… [--server NAME]… [--json]`
 *
 * Loads say in their names what they speak: `wirewright` (binary), `wirewright-text`, `-meta`, `lines-text`, `lines-meta`, and `memjs`, which speaks
 * binary. The same clients against memcached, against `wirewright serve --memcached`, and against `wirewright proxy` in front of that memcached;
 * each server and each client in a process of its own, asked for rounds in turn. Ratios are medians of the ratios within a round.
 */
import type { ChildProcess } from "node:child_process"
import { cpus } from "node:os"
import { parseArgs } from "node:util"
import { keyCount, type Operation } from "./Contender.ts"
import { ask, installMemjs, median, processorSeconds, type Running, startCommand, startContender, startMemcached } from "./Run.ts"

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    milliseconds: { type: "string", default: "400" },
    "in-flight": { type: "string", multiple: true },
    load: { type: "string", multiple: true },
    server: { type: "string", multiple: true },
    json: { type: "boolean", default: false }
  }
})

const say = (text: string): void => void process[options.json ? "stderr" : "stdout"].write(`${text}\n`)

interface Target {
  readonly name: string
  readonly running: Running
  /** Clients by the name of their load. */
  readonly clients: Map<string, ChildProcess>
}

interface Round {
  readonly perSecond: number
  /** Processor time of the server under measurement per operation in microseconds. */
  readonly micros: number
}

const round = async (target: Target, load: string, operation: Operation, inFlight: number, count: number): Promise<Round> => {
  const before = processorSeconds(target.running.child)
  const { seconds } = await ask(target.clients.get(load)!, { kind: "run", operation, inFlight, count })
  return { perSecond: count / seconds, micros: (processorSeconds(target.running.child) - before) / count * 1e6 }
}

const measure = async (targets: ReadonlyArray<Target>, load: string, operation: Operation, inFlight: number): Promise<void> => {
  const counts = new Map<Target, number>()
  for (const target of targets) {
    let count = 2_000
    for (let step = 0; step < 4; step++) {
      const { perSecond } = await round(target, load, operation, inFlight, count)
      count = Math.max(500, Math.round(perSecond * Number(options.milliseconds) / 1000))
    }
    counts.set(target, count)
  }
  const rounds = new Map<Target, Array<Round>>(targets.map((target) => [target, []]))
  for (let i = 0; i < Number(options.rounds); i++) {
    for (const target of targets) rounds.get(target)!.push(await round(target, load, operation, inFlight, counts.get(target)!))
  }
  const direct = rounds.get(targets[0]!)!
  say(`\n${operation}, ${inFlight} in flight, load by ${load}`)
  say(`  ${"".padEnd(20)}  operations/s  server CPU µs/op  of memcached's rate`)
  for (const [{ name }, figures] of rounds) {
    const perSecond = median(figures.map((figure) => figure.perSecond))
    const micros = median(figures.map((figure) => figure.micros))
    const ratio = median(figures.map((figure, i) => figure.perSecond / direct[i]!.perSecond))
    say(
      `  ${name.padEnd(20)}  ${Math.round(perSecond).toLocaleString("en").padStart(12)}  ${micros.toFixed(2).padStart(16)}  ${
        ratio.toFixed(2).padStart(19)
      }`
    )
    if (options.json) process.stdout.write(`${JSON.stringify({ load, operation, inFlight, server: name, perSecond, micros, ratio })}\n`)
  }
}

const main = async (): Promise<void> => {
  installMemjs()
  const loads = options.load ?? ["wirewright", "wirewright-text", "wirewright-meta", "lines-text", "lines-meta", "memjs"]
  const memcached = await startMemcached()
  const started: Array<Running> = [memcached]
  const targets: Array<Target> = []
  try {
    const serve = await startCommand("serve", "--memcached", "--port", "0")
    started.push(serve)
    const proxy = await startCommand("proxy", "--listen", "127.0.0.1:0", "--upstream", `memcached://127.0.0.1:${memcached.port}`)
    started.push(proxy)
    const all = [["memcached", memcached], ["serve --memcached", serve], ["proxy", proxy]] as const
    for (const [name, running] of all) {
      // rates are compared with memcached's
      if (options.server?.includes(name) === false && running !== memcached) continue
      const clients = new Map<string, ChildProcess>()
      targets.push({ name, running, clients })
      for (const load of loads) {
        const client = await startContender(load, running.port)
        clients.set(load, client)
        await ask(client, { kind: "run", operation: "set", inFlight: 64, count: keyCount })
      }
    }
    say(`node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? "?"}; values of 100 B; memcached -t 1 on loopback`)
    for (const load of loads) {
      for (const inFlight of (options["in-flight"] ?? ["64", "256"]).map(Number)) {
        for (const operation of ["get", "set"] as const) await measure(targets, load, operation, inFlight)
      }
    }
  } finally {
    for (const { clients } of targets) for (const client of clients.values()) if (client.connected) client.disconnect()
    for (const { child } of started) child.kill()
  }
}

await main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 1
})
