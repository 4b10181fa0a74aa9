/**
 * How long the largest legal request of each command keeps everybody else waiting: `npm run bench:stall [-- COMMAND]`.
 *
 * The requests are those of `test/couchbase/Costs.fixture.ts` at their largest, one at a time, on a node of 1 024 vbuckets in a process of its
 * own. What is printed is the longest time for which that process did nothing else, beside what the machine needs for a simple loop.
 */
import { packet } from "@wirewright/memcached/RawClient.fixture"
import { fork } from "node:child_process"
import { once } from "node:events"
import { connect } from "node:net"
import { type Cost, couchbaseCosts, memcachedCosts } from "../../couchbase/Costs.fixture.ts"
import type { Wanted } from "./child.ts"

/** Longest stall in milliseconds that is still all right. */
const allowed = 250

const child = fork(new URL("child.ts", import.meta.url), { execArgv: [...process.execArgv, "--expose-gc"] })

const told = async (message: Wanted | "watch" | "stop"): Promise<unknown> => {
  const answer = once(child, "message")
  child.send(message)
  return (await answer)[0]
}

const noop = packet(0x0a, { opaque: 0xfeed })

/** Sends requests and waits for the answer to the NOOP behind them, or for the end of the connection; at most 20 seconds. */
const asked = async (socket: ReturnType<typeof connect>, requests: ReadonlyArray<Uint8Array>): Promise<void> => {
  let tail = Buffer.alloc(0)
  const answered = new Promise<void>((resolve) => {
    socket.on("close", () => resolve())
    socket.on("data", (chunk) => {
      tail = Buffer.concat([tail, chunk.subarray(-24)]).subarray(-24)
      if (tail.length === 24 && tail[1] === 0x0a && tail.readUInt32BE(12) === 0xfeed) resolve()
    })
  })
  for (const bytes of [...requests, noop]) socket.write(bytes)
  await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 20_000).unref())])
  socket.removeAllListeners("data")
}

const features = packet(0x1f, { key: "stall", value: Buffer.from("00040006000700080" + "00a000b00100012", "hex") })

const stallOf = async (wanted: Wanted, cost: Cost<never>): Promise<number> => {
  const port = await told(wanted) as number
  const socket = connect({ port, host: "127.0.0.1", noDelay: true })
  socket.on("error", () => {})
  await asked(socket, wanted.dialect === "couchbase" ? [features, packet(0x89, { key: "default" })] : [])
  const request = cost.request(cost.most)
  await told("watch")
  await asked(socket, [request])
  const stall = await told("stop") as number
  socket.destroy()
  return stall
}

/** Milliseconds of a loop over 20 MiB: what the machine can do, and what others leave of it. */
const loop = (): number => {
  const bytes = new Uint8Array(20 * 1024 * 1024).fill(49)
  const started = performance.now()
  let sum = 0
  for (let i = 0; i < bytes.length; i++) sum = (sum + bytes[i]!) | 0
  return sum === 0 ? 0 : performance.now() - started
}

const only = process.argv[2]
const found: Array<readonly [stall: number, what: string]> = []
const machine: Array<number> = []
for (const [dialect, costs] of [["couchbase", couchbaseCosts], ["memcached", memcachedCosts]] as const) {
  for (const [command, rows] of Object.entries(costs)) {
    if (only !== undefined && command !== only) continue
    for (const [row, cost] of rows!.entries()) {
      machine.push(loop())
      const stall = await stallOf({ dialect, command, row }, cost as Cost<never>)
      found.push([stall, `${dialect} ${command}: ${cost.what}, ${cost.most} ${cost.of}`])
      if (process.env["VERBOSE"] !== undefined) console.log(`${stall.toFixed(0).padStart(6)} ms  ${found.at(-1)![1]}`)
    }
  }
}
child.disconnect()
found.sort(([a], [b]) => b - a)
for (const [stall, what] of found.slice(0, 12)) console.log(`${stall.toFixed(0).padStart(6)} ms  ${what}`)
machine.sort((a, b) => a - b)
console.log(`longest stall: ${found[0]![0].toFixed(0)} ms of ${allowed} ms allowed, in ${found.length} requests`)
console.log(
  `this machine: a loop over 20 MiB takes ${machine[machine.length >> 1]!.toFixed(0)} ms (${machine[0]!.toFixed(0)}…${
    machine.at(-1)!.toFixed(0)
  })`
)
process.exitCode = found[0]![0] > allowed ? 1 : 0
