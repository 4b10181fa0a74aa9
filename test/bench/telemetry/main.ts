/**
 * `npm run bench:telemetry`: what telemetry costs. Clients of memcached and of Couchbase, and a consumer of DCP, with metrics and without, both in
 * a process whose endpoint is scraped once a second: an HTTP server of Effect costs the loop of fibres something, whatever it tells. What a
 * client costs without metrics and endpoint is the last ratio. They are processes of their own that take turns; what is compared is processor
 * time in user mode per operation. ROUNDS (default: 9), MILLISECONDS of a figure of a client (2500), EVENTS of a round of the consumer (10 million).
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "../../peers/Memcached.ts"
import { bundled } from "../Bundled.ts"
import { alone, producer } from "../dcp/Run.ts"
import { keyCount, type Operation } from "../kv/Contender.ts"
import { ask, median, type Running, startCommand, startContender, startMemcached } from "../kv/Run.ts"

const rounds = Number(process.env["ROUNDS"] ?? 9)
const milliseconds = Number(process.env["MILLISECONDS"] ?? 2_500)
const events = Number(process.env["EVENTS"] ?? 10_000_000)

const print = (text: string): void => void process.stdout.write(`${text}\n`)

/** Scrapes an endpoint once a second until it is stopped, and counts the answers. */
const scraping = (port: number) => {
  const scrapes = { answered: 0, stop: () => clearInterval(timer) }
  const timer = setInterval(() => {
    fetch(`http://127.0.0.1:${port}/metrics`).then((response) => response.text()).then((text) => {
      if (text.includes("wirewright_")) scrapes.answered++
    }, () => {})
  }, 1_000)
  return scrapes
}

const quarter = (values: ReadonlyArray<number>, at: number): number =>
  values.toSorted((a, b) => a - b)[Math.round((values.length - 1) * at)]!

/** Figures of processes in microseconds of user mode: with metrics, without them, and without an endpoint. */
const compare = (what: string, figures: ReadonlyArray<ReadonlyArray<number>>, scrapes: number): void => {
  const [told, ...others] = figures as [ReadonlyArray<number>, ...Array<ReadonlyArray<number>>]
  const ratios = others.map((other) => [0.25, 0.5, 0.75].map((at) => (quarter(told, at) / quarter(other, at)).toFixed(3)).join(" "))
  const spread = quarter(told, 0.75) / quarter(told, 0.25) - 1
  print(
    `${what.padEnd(20)} ${median(told).toFixed(3)} ± ${(spread * 50).toFixed(0)} %   to without metrics: ${ratios[0]}   to nothing: ${
      ratios[1]
    }   `
      + `(${scrapes} scrapes)`
  )
}

/** Who is measured in a round: each begins as often as the others. */
const turns = (round: number): ReadonlyArray<number> => [0, 1, 2].map((which) => (which + round) % 3)

/**
 * A client, in a process for each figure: two processes with the same code differ by more than what is looked for, and go on to do so as long
 * as they live.
 */
const client = async (contender: string, server: Running): Promise<void> => {
  const operations = ["get", "set"] as const satisfies ReadonlyArray<Operation>
  const figures: { readonly [Which in Operation]: ReadonlyArray<Array<number>> } = { get: [[], [], []], set: [[], [], []] }
  let answered = 0
  for (let round = 0; round < rounds; round++) {
    for (const which of turns(round)) {
      const endpoint = which < 2 ? await freePort() : undefined
      const child = await startContender(
        contender,
        server.port,
        ...endpoint === undefined ? [] : [String(endpoint)],
        ...which > 0 ? ["silent"] : []
      )
      await ask(child, { kind: "run", operation: "set", inFlight: 64, count: keyCount })
      // the first scrapes are the compiler's
      for (let i = 0; endpoint !== undefined && i < 50; i++) await (await fetch(`http://127.0.0.1:${endpoint}/metrics`)).text()
      const scrapes = endpoint === undefined ? undefined : scraping(endpoint)
      for (const operation of operations) {
        let count = 20_000
        for (let step = 0; step < 4; step++) {
          const { seconds } = await ask(child, { kind: "run", operation, inFlight: 64, count })
          count = Math.round(count / seconds * milliseconds / 1_000 / (step < 3 ? 4 : 1))
        }
        const { user } = await ask(child, { kind: "run", operation, inFlight: 64, count })
        figures[operation][which]!.push(user / count * 1e6)
      }
      scrapes?.stop()
      if (which === 0) answered += scrapes!.answered
      child.disconnect()
    }
  }
  for (const operation of operations) compare(`${contender} ${operation}`, figures[operation], answered)
  server.child.kill()
}

const consumer = async (): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "bench-telemetry-"))
  try {
    const program = await bundled(join(import.meta.dirname, "dcp.ts"), join(folder, "measured.mjs"))
    const figures: ReadonlyArray<Array<number>> = [[], [], []]
    let answered = 0
    for (let round = 0; round < rounds; round++) {
      for (const which of turns(round)) {
        const { child, port } = await producer(events, 64, 64)
        const count = Math.floor(events / 64 / 100) * 100 * 64
        const endpoint = await freePort()
        const scrapes = which < 2 ? scraping(endpoint) : undefined
        const { user } = await alone(program, port, count, ...which < 2 ? [endpoint] : [], ...which > 0 ? ["silent"] : [])
        scrapes?.stop()
        if (which === 0) answered += scrapes!.answered
        figures[which]!.push(user)
        child.kill("SIGKILL")
        await new Promise((resolve) => child.once("exit", resolve))
      }
    }
    compare("dcp, values of 64 B", figures, answered)
  } finally {
    await rm(folder, { recursive: true })
  }
}

print(`µs of user mode per operation, medians of ${rounds} processes; ratios of the first, second and third quartiles`)
await client("wirewright-meta", await startMemcached())
await client("wirewright", await startMemcached())
await client("couchbase", await startCommand("serve", "--port", "0", "--bucket", "default", "--user", "app", "--password", "secret"))
await consumer()
process.exit(0)
