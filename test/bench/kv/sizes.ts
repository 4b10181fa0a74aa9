/**
 * `npm run bench:kv-sizes -- [--rounds N] [--milliseconds N] [--contender NAME] [--json]`
 *
 * What an operation costs by the size of the value and by how many are in flight: the client against a real memcached on loopback. Figures
 * are medians over the rounds. Where more than 256 MiB would be in flight at a time, nothing is measured.
 */
import { cpus } from "node:os"
import { parseArgs } from "node:util"
import type { Operation } from "./Contender.ts"
import { ask, installMemjs, median, startContender, startMemcached } from "./Run.ts"

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    milliseconds: { type: "string", default: "150" },
    contender: { type: "string", default: "wirewright" },
    json: { type: "boolean", default: false }
  }
})

const sizes = [10, 100, 1024, 10 * 1024, 100 * 1024, 1024 * 1024, 10 * 1024 * 1024]
const depths = [1, 16, 256, 4096]
/** Most bytes in flight, and most bytes stored. */
const most = 256 * 1024 * 1024

const say = (text: string): void => void process[options.json ? "stderr" : "stdout"].write(`${text}\n`)

const shown = (bytes: number): string =>
  bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`

const main = async (): Promise<void> => {
  installMemjs()
  const memcached = await startMemcached("-I", "16m")
  const client = await startContender(options.contender, memcached.port)
  const keysOf = (size: number): number => Math.max(1, Math.min(1000, Math.floor(most / size)))
  const run = (operation: Operation, inFlight: number, count: number, size: number) =>
    ask(client, { kind: "run", operation, inFlight, count, size, keys: keysOf(size) })
  try {
    say(
      `node ${process.version}, ${cpus().length} × ${
        cpus()[0]?.model.trim() ?? "?"
      }; ${options.contender}, memcached -t 1 -I 16m on loopback`
    )
    say("operations/s, MB/s of values, and the client's CPU in µs per operation")
    for (const operation of ["set", "get"] as const) {
      say(`\n${operation.padEnd(9)}${depths.map((depth) => `${depth} in flight`.padStart(30)).join("")}`)
      for (const size of sizes) {
        const cells: Array<string> = []
        if (operation === "get") await run("set", 1, keysOf(size), size)
        for (const inFlight of depths) {
          if (size * inFlight > most) {
            cells.push("–".padStart(30))
            continue
          }
          let count = Math.max(inFlight, 4)
          for (let step = 0; step < 3; step++) {
            const { seconds } = await run(operation, inFlight, count, size)
            count = Math.max(inFlight, 4, Math.round(count / seconds * Number(options.milliseconds) / 1000))
          }
          const rounds: Array<{ readonly seconds: number; readonly processor: number }> = []
          for (let round = 0; round < Number(options.rounds); round++) rounds.push(await run(operation, inFlight, count, size))
          const perSecond = median(rounds.map(({ seconds }) => count / seconds))
          const micros = median(rounds.map(({ processor }) => processor / count * 1e6))
          cells.push(
            `${Math.round(perSecond).toLocaleString("en")}  ${(perSecond * size / 1e6).toFixed(1)}  ${micros.toFixed(1)}`.padStart(30)
          )
          if (options.json) process.stdout.write(`${JSON.stringify({ operation, size, inFlight, perSecond, micros })}\n`)
        }
        say(`${shown(size).padEnd(9)}${cells.join("")}`)
      }
    }
  } finally {
    if (client.connected) client.disconnect()
    memcached.child.kill()
  }
}

await main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 1
})
