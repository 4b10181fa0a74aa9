/**
 * How long the largest legal request of each command keeps everybody else waiting: `npm run bench:stall [-- COMMAND…]`.
 *
 * The requests are those of `test/couchbase/Costs.fixture.ts` at their largest, one at a time, on a node of 1 024 vbuckets in a process of its
 * own. What is printed is the longest time for which that process did nothing else, by command, beside what the machine needs for a simple
 * loop and how much else it has to do. What takes too long is asked again, because others may have taken the time: the least counts.
 */
import { packet } from "../../../packages/memcached/src/RawClient.fixture.ts"
import { fork } from "node:child_process"
import { once } from "node:events"
import { connect } from "node:net"
import { availableParallelism, loadavg } from "node:os"
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

/** Sends requests and waits for the answer to the NOOP after them, or for the end of the connection; at most 20 seconds. Returns what came before it. */
const asked = async (socket: ReturnType<typeof connect>, requests: ReadonlyArray<Uint8Array>): Promise<Uint8Array> => {
  let tail = Buffer.alloc(0)
  const answered = new Promise<void>((resolve) => {
    socket.on("close", () => resolve())
    socket.on("data", (chunk) => {
      tail = Buffer.concat([tail, chunk.subarray(-64)]).subarray(-64)
      const last = tail.subarray(-24)
      if (last.length === 24 && last[1] === 0x0a && last.readUInt32BE(12) === 0xfeed) resolve()
    })
  })
  for (const bytes of [...requests, noop]) socket.write(bytes)
  await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 20_000).unref())])
  socket.removeAllListeners("data")
  return tail.subarray(0, -24)
}

const features = packet(0x1f, { key: "stall", value: Buffer.from("00040006000700080" + "00a000b00100012", "hex") })

const stallOf = async (wanted: Wanted, cost: Cost<never>): Promise<number> => {
  const port = await told(wanted) as number
  const socket = connect({ port, host: "127.0.0.1", noDelay: true })
  socket.on("error", () => {})
  const greeting = wanted.dialect === "couchbase" ? [features, packet(0x89, { key: "default" })] : []
  const answered = await asked(socket, [...greeting, ...cost.first?.(cost.most) ?? []])
  const request = cost.request(cost.most, answered)
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

/** Times that a request is made again which held up others for too long. */
const retries = 3

interface Asked extends Wanted {
  readonly cost: Cost<never>
}

const only = process.argv.slice(2)
const all: Array<Asked> = []
for (const [dialect, costs] of [["couchbase", couchbaseCosts], ["memcached", memcachedCosts]] as const) {
  for (const [command, rows] of Object.entries(costs)) {
    if (only.length > 0 && !only.includes(command)) continue
    for (const [row, cost] of rows!.entries()) all.push({ dialect, command, row, cost: cost as Cost<never> })
  }
}
// requests that may share a node come one after the other
const inOrder = [...all.filter(({ cost }) => cost.again !== undefined), ...all.filter(({ cost }) => cost.again === undefined)]

const found: Array<{ readonly stall: number; readonly tries: number; readonly asked: Asked }> = []
const machine: Array<number> = []
const began = performance.now()
for (const asked of inOrder) {
  const { command, cost, dialect, row } = asked
  machine.push(loop())
  let stall = Infinity
  let tries = 0
  while (stall > allowed && tries <= retries) {
    stall = Math.min(stall, await stallOf({ dialect, command, row }, cost))
    tries++
  }
  found.push({ stall, tries, asked })
  if (process.env["VERBOSE"] !== undefined) console.log(lineOf(found.at(-1)!))
}
child.disconnect()

function lineOf({ asked: { command, cost, dialect }, stall, tries }: typeof found[number]): string {
  const often = tries > 1 ? `, the least of ${tries}` : ""
  return `${stall.toFixed(0).padStart(6)} ms  ${dialect} ${command}: ${cost.what}, ${cost.most} ${cost.of}${often}`
}

found.sort((a, b) => b.stall - a.stall)
const commands = new Set<string>()
for (const one of found) {
  const command = `${one.asked.dialect} ${one.asked.command}`
  if (!commands.has(command)) console.log(lineOf(one))
  commands.add(command)
}
machine.sort((a, b) => a - b)
const seconds = ((performance.now() - began) / 1000).toFixed(0)
console.log(
  `longest stall: ${
    found[0]!.stall.toFixed(0)
  } ms of ${allowed} ms allowed, in ${found.length} requests of ${commands.size} commands, ${seconds} s`
)
console.log(
  `this machine: a loop over 20 MiB takes ${machine[machine.length >> 1]!.toFixed(0)} ms (${machine[0]!.toFixed(0)}…${
    machine.at(-1)!.toFixed(0)
  }); load average ${loadavg().map((one) => one.toFixed(1)).join(" ")} on ${availableParallelism()} processors`
)
process.exitCode = found[0]!.stall > allowed ? 1 : 0
