/**
 * `npm run bench:dcp`: what an event costs, side by side in one run: our stream, a hand-written parser on `onread`, and one on `'data'` with
 * `Buffer.concat`; a producer in another process writes frames that were encoded before. Then the cost against the number of vbuckets, and the
 * throughput from the embedded producer with flow control. Each measurement is a process of its own; CPU of that per event, the first half
 * left out, in which code is compiled; medians of rounds that take turns.
 *
 * What is measured is a bundle, as applications ship it. With sources, whose types Node strips while it loads them, start-up leaves a young
 * generation of 32 MB behind: 64 MB of values arrive before it is full, and V8 then collects the whole heap instead of the young part of it.
 * That took three times as long at 1 KiB, for us and for programs without a library alike, and depended on how many modules there were.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { median } from "../kv/Run.ts"
import { concat, type OnChange, raw } from "./handwritten.ts"
import { bundled } from "../Bundled.ts"
import { alone, consuming, measured, producer } from "./Run.ts"

const rounds = Number(process.env["ROUNDS"] ?? 5)
const events = Number(process.env["EVENTS"] ?? 3_000_000)

type Contender = (port: number, vbuckets: number) => (onChange: OnChange) => () => unknown

const contenders: { readonly [name: string]: Contender } = {
  "ours": (port) => consuming(port, { window: 0 }),
  "ours with flow control": (port) => consuming(port, {}),
  "onread by hand": (port, vbuckets) => (onChange) => {
    const socket = raw(port, vbuckets, onChange)
    return () => socket.destroy()
  },
  "concat by hand": (port, vbuckets) => (onChange) => {
    const socket = concat(port, vbuckets, onChange)
    return () => socket.destroy()
  }
}

const compare = async (
  program: string,
  size: number,
  vbuckets: number,
  names: ReadonlyArray<string>
): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, Array<number>>(names.map((name) => [name, []]))
  const count = Math.floor(events / vbuckets / 100) * 100 * vbuckets
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const { child, port } = await producer(events, size, vbuckets)
      found.get(name)!.push((await alone(program, name, port, count, vbuckets)).cpu)
      child.kill("SIGKILL")
      await new Promise((resolve) => child.once("exit", resolve))
    }
  }
  return new Map([...found].map(([name, values]) => [name, median(values)]))
}

const print = (text: string): void => void process.stdout.write(`${text}\n`)

const [name, port, count, vbucketCount] = process.argv.slice(2)
if (name !== undefined) {
  const found = await measured(Number(count), contenders[name]!(Number(port), Number(vbucketCount)))
  print(JSON.stringify(found))
  process.exit(0)
}

const folder = await mkdtemp(join(tmpdir(), "bench-dcp-"))
const program = await bundled(import.meta.filename, join(folder, "measured.mjs"))
print(`${events} events, ${rounds} rounds, CPU of a process per event in µs (medians)`)
for (const size of [64, 256, 1024]) {
  const found = await compare(program, size, 1, ["ours", "onread by hand", "concat by hand"])
  const own = found.get("ours")!
  const others = [...found].filter(([one]) => one !== "ours")
  print(
    `value ${String(size).padStart(4)} B   ours ${own.toFixed(3)}   ${
      others.map(([one, cpu]) => `${one} ${cpu.toFixed(3)} (ours ${(own / cpu).toFixed(2)} ×)`).join("   ")
    }`
  )
}
const names = ["ours", "onread by hand"]
let first: ReadonlyMap<string, number> | undefined
for (const vbuckets of [1, 64, 1024]) {
  const found = await compare(program, 64, vbuckets, names)
  first ??= found
  print(
    `vbuckets ${String(vbuckets).padStart(4)}   ${
      names.map((one) => `${one} ${found.get(one)!.toFixed(3)} (${(found.get(one)! / first!.get(one)!).toFixed(2)} × of one)`).join("   ")
    }`
  )
}

for (const size of [64, 1024]) {
  const documents = 400_000
  /** Changes in a second that a contender gets from a producer, and their bytes. */
  const rate = async (from: string, contender: string): Promise<string> => {
    const { child, port } = await producer(documents, size, 64, from)
    const { bytes, seconds } = await alone(program, contender, port, Math.floor(documents / 6400) * 6400, 64)
    child.kill("SIGKILL")
    // the second half is what is measured, the bytes are those of all
    return `${Math.round(documents / 2 / seconds)} events/s, ${(bytes / 2 / seconds / 1e6).toFixed(0)} MB/s`
  }
  print(`embedded producer, values of ${size} B: ours, window 10 MiB: ${await rate("node.ts", "ours with flow control")}`)
  print(
    `  onread by hand: ${await rate("node.ts", "onread by hand")}; frames poured into a socket, onread by hand: ${await rate(
      "producer.ts",
      "onread by hand"
    )}`
  )
}
await rm(folder, { recursive: true })
process.exit(0)
