/**
 * `npm run bench:growth -- [--table WORDS] [--rounds N] [--share PART] [--json]`: what one more of something costs the others.
 *
 * Processor time of our process for each operation, against the size of values, connections of a server and of the proxy, connections of a
 * client, vbuckets, and subscriptions. "slope" is the exponent between the first and the last figure, "steepest" that between neighbours: 0 is
 * flat, and of an operation on one of n, anything above 0 is what n costs it; against sizes, 1 is linear. `--share 0.1` does a tenth of the
 * operations, to see whether it goes. Needs `memcached`, and for 10 000 connections `ulimit -n 13000`. What does not come in time is an error, and
 * whatever happens, nothing goes on running.
 */
import { type ChildProcess, fork } from "node:child_process"
import { readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Server } from "../../peers/DeepstreamServers.ts"
import { bundled } from "../Bundled.ts"
import { alone, producer } from "../dcp/Run.ts"
import { ask, installMemjs, median, processorSeconds, type Running, startCommand, startContender, startMemcached } from "../kv/Run.ts"

/** Processor time of an operation in microseconds, where there are so many, or so many bytes. */
type Cost = (count: number) => Promise<number>

interface Table {
  readonly name: string
  readonly counts: ReadonlyArray<number>
  /** Runs with what the costs need. */
  readonly measure: (each: (cost: Cost) => Promise<void>) => Promise<void>
}

/** Of the operations, how many are done. */
let share = 1
const part = (operations: number): number => Math.max(100, Math.round(operations * share))

/** Seconds that anything may take that takes a few on a quiet machine. */
const patience = 180

/** Fails when it is not there in time. */
const within = <A>(what: string, promise: Promise<A>): Promise<A> => {
  let timer: ReturnType<typeof setTimeout>
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not done in ${patience} s`)), patience * 1000)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Has a program of this folder do one thing, and what it answers. */
const inChild = async (program: string, ...args: ReadonlyArray<string | number>): Promise<ChildProcess> => {
  const child = fork(join(import.meta.dirname, program), args.map(String), { execArgv: ["--conditions=@wirewright/source"] })
  await new Promise((resolve, reject) => {
    child.once("message", resolve)
    child.once("exit", (code) => reject(new Error(`${program} ended with ${code}`)))
  })
  return child
}

const told = (child: ChildProcess, order: number): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once("message", (micros) => resolve(Number(micros)))
    child.once("exit", (code) => reject(new Error(`ended with ${code}`)))
    child.send(order)
  })

const ended = async (child: ChildProcess): Promise<void> => {
  const gone = new Promise((resolve) => child.once("exit", resolve))
  child.kill()
  await gone
}

/** Raw clients, of which each asks in turn: what a request costs the server. */
const connectionsOf = (server: Running): Cost => async (count) => {
  const requests = part(60_000)
  const clients = await inChild("connections.ts", server.port, count)
  // each connection has been asked once, as it then has what it needs
  await told(clients, Math.max(count, requests / 10))
  const before = processorSeconds(server.child)
  await told(clients, requests)
  const micros = (processorSeconds(server.child) - before) / requests * 1e6
  await ended(clients)
  return micros
}

/** A place for each of 10 000, while those of a moment ago are still there. */
const enough = ["--max-connections", "12000"]

const tables: ReadonlyArray<Table> = [
  {
    name: "client: get by bytes of the value",
    counts: [10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
    measure: async (each) => {
      const memcached = await startMemcached("-I", "16m")
      const client = await startContender("wirewright", memcached.port)
      await each(async (size) => {
        const keys = Math.max(1, Math.min(1000, Math.floor(2e8 / size)))
        await ask(client, { kind: "run", operation: "set", inFlight: 1, count: keys, size, keys })
        const count = Math.max(100, Math.min(part(200_000), Math.floor(share * 1e9 / size)))
        await ask(client, { kind: "run", operation: "get", inFlight: 16, count: Math.ceil(count / 4), size, keys })
        const { processor } = await ask(client, { kind: "run", operation: "get", inFlight: 16, count, size, keys })
        return processor / count * 1e6
      })
      client.disconnect()
      await ended(memcached.child)
    }
  },
  {
    name: "serve --memcached: get by connections",
    counts: [1, 10, 100, 1_000, 10_000],
    measure: async (each) => {
      const server = await startCommand("serve", "--memcached", "--port", "0", ...enough)
      await each(connectionsOf(server))
      await ended(server.child)
    }
  },
  {
    name: "proxy: get by connections",
    counts: [1, 10, 100, 1_000, 10_000],
    measure: async (each) => {
      const memcached = await startMemcached()
      const upstream = `memcached://127.0.0.1:${memcached.port}`
      const proxy = await startCommand("proxy", "--listen", "127.0.0.1:0", "--upstream", upstream, ...enough)
      await each(connectionsOf(proxy))
      await ended(proxy.child)
      await ended(memcached.child)
    }
  },
  {
    name: "client: get by connections of its pool",
    counts: [1, 10, 100, 1_000],
    measure: async (each) => {
      const memcached = await startMemcached("-c", "2000")
      await each(async (count) => {
        const client = await inChild("pool.ts", memcached.port, count)
        await told(client, part(20_000))
        const micros = await told(client, part(200_000))
        await ended(client)
        return micros
      })
      await ended(memcached.child)
    }
  },
  {
    name: "DCP: event by vbuckets",
    counts: [1, 4, 16, 64, 256, 1_024],
    measure: async (each) => {
      const folder = await mkdtemp(join(tmpdir(), "bench-growth-"))
      const program = await bundled(join(import.meta.dirname, "../dcp/main.ts"), join(folder, "measured.mjs"))
      const events = Math.max(300_000, part(3_000_000))
      await each(async (vbuckets) => {
        const { child, port } = await producer(events, 64, vbuckets)
        const { cpu } = await alone(program, "ours", port, Math.floor(events / vbuckets / 100) * 100 * vbuckets, vbuckets)
        await ended(child)
        return cpu
      })
      await rm(folder, { recursive: true })
    }
  },
  {
    name: "deepstream: event by subscriptions",
    counts: [1, 10, 100, 1_000, 10_000],
    measure: async (each) => {
      await each(async (count) => {
        // what one client subscribed to is not there for the next
        const server = await Server.start("classic")
        const client = await inChild("subscriptions.ts", server.url, count)
        await told(client, part(20_000))
        const micros = await told(client, part(100_000))
        await ended(client)
        await server.stop()
        return micros
      })
    }
  }
]

/** The exponent by which a figure grows between two counts. */
const slope = (counts: readonly [number, number], costs: readonly [number, number]): number =>
  Math.log(costs[1] / costs[0]) / Math.log(counts[1] / counts[0])

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      table: { type: "string", default: "" },
      rounds: { type: "string", default: "3" },
      share: { type: "string", default: "1" },
      json: { type: "boolean", default: false }
    }
  })
  share = Number(values.share)
  installMemjs()
  for (const { counts, measure, name } of tables) {
    if (!name.includes(values.table)) continue
    const costs: Array<number> = []
    await measure(async (cost) => {
      const found = counts.map((): Array<number> => [])
      for (let round = 0; round < Number(values.rounds); round++) {
        for (const [i, count] of counts.entries()) found[i]!.push(await within(`${name}, ${count}`, cost(count)))
      }
      costs.push(...found.map(median))
    })
    const steps = costs.slice(1).map((cost, i) => slope([counts[i]!, counts[i + 1]!], [costs[i]!, cost]))
    const whole = slope([counts[0]!, counts.at(-1)!], [costs[0]!, costs.at(-1)!])
    const steepest = Math.max(...steps)
    if (values.json) {
      console.log(JSON.stringify({ name, counts, costs, slope: whole, steepest }))
      continue
    }
    console.log(`\n${name}, µs of CPU`)
    console.log(counts.map((count) => count.toLocaleString("en").padStart(11)).join(""))
    console.log(
      `${costs.map((cost) => cost.toFixed(2).padStart(11)).join("")}   slope ${whole.toFixed(2)}, steepest ${steepest.toFixed(2)}`
    )
  }
}

// the processes that this one has begun, and that are there as long as it is
process.on("exit", () => {
  for (const pid of readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim().split(" ")) {
    if (pid !== "") process.kill(Number(pid))
  }
})
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))
await main()
process.exit(0)
