/**
 * `npm run bench:telemetry`: what telemetry costs. Clients of memcached and of Couchbase, and a consumer of DCP, each twice: one that publishes
 * no metrics, and one whose endpoint is scraped once a second. They are processes of their own that take turns; what is compared is processor
 * time in user mode per operation. ROUNDS (default: 9), MILLISECONDS of a round of a client (2500), EVENTS of a round of the consumer (10 million).
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "../../peers/Memcached.ts"
import { alone, bundled, producer } from "../dcp/Run.ts"
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

/** Figures of rounds in microseconds of user mode, without metrics and scraped. */
const compare = (what: string, silent: ReadonlyArray<number>, scraped: ReadonlyArray<number>, scrapes: number): void => {
  const least = Math.min(...scraped) / Math.min(...silent)
  const middle = median(scraped.map((one, round) => one / silent[round]!))
  print(
    `${what.padEnd(24)} without ${median(silent).toFixed(3)}  scraped ${median(scraped).toFixed(3)}  ratio of minima ${
      least.toFixed(3)
    }, median of ratios ${middle.toFixed(3)} (${scrapes} scrapes)`
  )
}

const client = async (contender: string, server: Running): Promise<void> => {
  const endpoint = await freePort()
  const both = [await startContender(contender, server.port, "silent"), await startContender(contender, server.port, String(endpoint))]
  const scrapes = scraping(endpoint)
  try {
    for (const child of both) await ask(child, { kind: "run", operation: "set", inFlight: 64, count: keyCount })
    for (const operation of ["get", "set"] as const satisfies ReadonlyArray<Operation>) {
      let count = 5_000
      for (let step = 0; step < 4; step++) {
        for (const child of both) {
          const { seconds } = await ask(child, { kind: "run", operation, inFlight: 64, count })
          if (child === both[1]) count = Math.round(count / seconds * milliseconds / 1_000 / (step < 3 ? 2 : 1))
        }
      }
      const figures: ReadonlyArray<Array<number>> = [[], []]
      for (let round = 0; round < rounds; round++) {
        // who begins takes turns, too
        for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) {
          const { user } = await ask(both[which]!, { kind: "run", operation, inFlight: 64, count })
          figures[which]!.push(user / count * 1e6)
        }
      }
      compare(`${contender} ${operation}`, figures[0]!, figures[1]!, scrapes.answered)
    }
  } finally {
    scrapes.stop()
    for (const child of both) child.disconnect()
    server.child.kill()
  }
}

const consumer = async (): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "bench-telemetry-"))
  try {
    const program = await bundled(new URL("dcp.ts", import.meta.url).href, folder)
    const figures: ReadonlyArray<Array<number>> = [[], []]
    let answered = 0
    for (let round = 0; round < rounds; round++) {
      for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) {
        const { child, port } = await producer(events, 64, 64)
        const count = Math.floor(events / 64 / 100) * 100 * 64
        const endpoint = await freePort()
        const scrapes = which === 1 ? scraping(endpoint) : undefined
        const { user } = await alone(program, port, count, ...which === 1 ? [endpoint] : [])
        scrapes?.stop()
        answered += scrapes?.answered ?? 0
        figures[which]!.push(user)
        child.kill("SIGKILL")
        await new Promise((resolve) => child.once("exit", resolve))
      }
    }
    compare("dcp, values of 64 B", figures[0]!, figures[1]!, answered)
  } finally {
    await rm(folder, { recursive: true })
  }
}

print(`µs of user mode per operation, medians of ${rounds} rounds`)
await client("wirewright-meta", await startMemcached())
await client("wirewright", await startMemcached())
await client("couchbase", await startCommand("serve", "--port", "0", "--bucket", "default", "--user", "app", "--password", "secret"))
await consumer()
process.exit(0)
