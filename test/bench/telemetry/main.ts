/**
 * `npm run bench:telemetry`: what telemetry costs. Clients of memcached and of Couchbase, and a consumer of DCP, with metrics and without, both in
 * a process whose endpoint is scraped once a second: an HTTP server of Effect costs the loop of fibres something, whatever it tells. What a
 * client costs without metrics and endpoint is the last ratio. They are processes of their own that take turns; what is compared is processor
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

/** Figures of rounds in microseconds of user mode: with metrics, without them, and without an endpoint. */
const compare = (what: string, figures: ReadonlyArray<ReadonlyArray<number>>, scrapes: number): void => {
  const [told, ...others] = figures as [ReadonlyArray<number>, ...Array<ReadonlyArray<number>>]
  const ratios = others.map((other) =>
    `minima ${(Math.min(...told) / Math.min(...other)).toFixed(3)}, median ${
      median(told.map((one, round) => one / other[round]!)).toFixed(3)
    }`
  )
  print(
    `${what.padEnd(20)} ${median(told).toFixed(3)}   to without metrics: ${ratios[0]}   to nothing: ${ratios[1]}   (${scrapes} scrapes)`
  )
}

/** Who is measured in a round: each begins as often as the others. */
const turns = (round: number): ReadonlyArray<number> => [0, 1, 2].map((which) => (which + round) % 3)

const client = async (contender: string, server: Running): Promise<void> => {
  const endpoints = [await freePort(), await freePort()] as const
  const all = [
    await startContender(contender, server.port, String(endpoints[0])),
    await startContender(contender, server.port, String(endpoints[1]), "silent"),
    await startContender(contender, server.port, "silent")
  ]
  const scrapes = endpoints.map(scraping)
  try {
    for (const child of all) await ask(child, { kind: "run", operation: "set", inFlight: 64, count: keyCount })
    for (const operation of ["get", "set"] as const satisfies ReadonlyArray<Operation>) {
      let count = 5_000
      for (let step = 0; step < 4; step++) {
        for (const child of all) {
          const { seconds } = await ask(child, { kind: "run", operation, inFlight: 64, count })
          if (child === all[0]) count = Math.round(count / seconds * milliseconds / 1_000 / (step < 3 ? 2 : 1))
        }
      }
      const figures: ReadonlyArray<Array<number>> = [[], [], []]
      for (let round = 0; round < rounds; round++) {
        for (const which of turns(round)) {
          const { user } = await ask(all[which]!, { kind: "run", operation, inFlight: 64, count })
          figures[which]!.push(user / count * 1e6)
        }
      }
      compare(`${contender} ${operation}`, figures, scrapes[0]!.answered)
    }
  } finally {
    for (const one of scrapes) one.stop()
    for (const child of all) child.disconnect()
    server.child.kill()
  }
}

const consumer = async (): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "bench-telemetry-"))
  try {
    const program = await bundled(new URL("dcp.ts", import.meta.url).href, folder)
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

print(`µs of user mode per operation, medians of ${rounds} rounds`)
await client("wirewright-meta", await startMemcached())
await client("wirewright", await startMemcached())
await client("couchbase", await startCommand("serve", "--port", "0", "--bucket", "default", "--user", "app", "--password", "secret"))
await consumer()
process.exit(0)
