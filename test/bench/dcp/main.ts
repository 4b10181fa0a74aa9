/**
 * `npm run bench:dcp`: what an event costs, side by side in one run: our stream, a hand-written parser on `onread`, and one on `'data'` with
 * `Buffer.concat`; a producer in another process writes frames that were encoded before. Then the cost against the number of vbuckets, and the
 * throughput from the embedded producer with flow control. Each measurement is a process of its own; CPU of that per event, the first fifth left
 * out; medians of rounds that take turns.
 *
 * What is measured is a bundle, as applications ship it. With sources, whose types Node strips while it loads them, start-up leaves a young
 * generation of 32 MB behind: 64 MB of values arrive before it is full, and V8 then collects the whole heap instead of the young part of it.
 * That took three times as long at 1 KiB, for us and for programs without a library alike, and depended on how many modules there were.
 */
import { Dcp } from "@wirewright/dcp"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { concat, type OnChange, raw } from "./handwritten.ts"

const rounds = Number(process.env["ROUNDS"] ?? 5)
const events = Number(process.env["EVENTS"] ?? 2_000_000)

/** A producer until it is ended: one that pours frames, or an embedded node with documents. */
const producer = async (
  count: number,
  size: number,
  vbuckets: number,
  program = "producer.ts"
): Promise<{ readonly port: number; readonly child: ChildProcess }> => {
  const child = spawn(process.execPath, [
    "--conditions=@wirewright/source",
    new URL(program, import.meta.url).pathname,
    String(count),
    String(size),
    String(vbuckets)
  ], { stdio: ["ignore", "pipe", "inherit"] })
  const port = await new Promise<number>((resolve) => child.stdout.once("data", (text: Buffer) => resolve(Number(text.toString()))))
  return { port, child }
}

interface Measured {
  readonly cpu: number
  readonly seconds: number
  readonly bytes: number
}

let sink = 0

/** Runs `start` until so many changes came, and says what the last four fifths cost: the connections are made by then, and the code is compiled. */
const measured = async (count: number, start: (onChange: OnChange) => () => unknown): Promise<Measured> => {
  let cpu = process.cpuUsage()
  let at = performance.now()
  let left = count
  const counted = Math.floor(count * 0.8)
  let bytes = 0
  await new Promise<void>((resolve) => {
    const stop = start((seqno, key, value) => {
      sink ^= key.length ^ value.length ^ (seqno === 0n ? 1 : 0)
      bytes += value.length + key.length + 56
      if (--left === counted) {
        cpu = process.cpuUsage()
        at = performance.now()
      }
      if (left === 0) resolve(stop() as void)
    })
  })
  const used = process.cpuUsage(cpu)
  return { cpu: (used.user + used.system) / counted, seconds: (performance.now() - at) / 1000, bytes }
}

const ours = (port: number, window: number) => (onChange: OnChange): () => void => {
  const stop = new AbortController()
  void Effect.runPromiseExit(
    Dcp.changes({ from: "beginning", window }).pipe(
      Stream.runForEachArray((all) =>
        Effect.sync(() => {
          for (const event of all) if (event._tag === "Mutation") onChange(event.seqno, event.key, event.value)
        })
      ),
      Effect.provide(Dcp.layer({ seeds: [{ host: "127.0.0.1", port }], bucket: "default" }))
    ),
    { signal: stop.signal }
  )
  return () => stop.abort()
}

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

type Contender = (port: number, vbuckets: number) => (onChange: OnChange) => () => unknown

const contenders: { readonly [name: string]: Contender } = {
  "ours": (port) => ours(port, 0),
  "ours with flow control": (port) => ours(port, 10 * 1024 * 1024),
  "onread by hand": (port, vbuckets) => (onChange) => {
    const socket = raw(port, vbuckets, onChange)
    return () => socket.destroy()
  },
  "concat by hand": (port, vbuckets) => (onChange) => {
    const socket = concat(port, vbuckets, onChange)
    return () => socket.destroy()
  }
}

/** This program as one file of JavaScript. */
const bundled = async (folder: string): Promise<string> => {
  const { rolldown } = await import("rolldown")
  const file = join(folder, "measured.mjs")
  const bundle = await rolldown({
    input: new URL(import.meta.url).pathname,
    platform: "node",
    resolve: { conditionNames: ["@wirewright/source", "node", "import"] },
    // which only this process needs
    external: ["rolldown"]
  })
  await bundle.write({ file, format: "esm", codeSplitting: false })
  return file
}

/** One measurement, in a process that has never done anything else. */
const alone = async (program: string, name: string, port: number, count: number, vbuckets: number): Promise<Measured> => {
  const child = spawn(process.execPath, [program, name, String(port), String(count), String(vbuckets)], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  let text = ""
  child.stdout.on("data", (chunk: Buffer) => text += chunk.toString())
  await new Promise((resolve) => child.once("close", resolve))
  return JSON.parse(text) as Measured
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
  print(JSON.stringify({ ...found, sink }))
  process.exit(0)
}

const folder = await mkdtemp(join(tmpdir(), "bench-dcp-"))
const program = await bundled(folder)
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
const byVbuckets = new Map<number, number>()
for (const vbuckets of [1, 64, 1024]) byVbuckets.set(vbuckets, (await compare(program, 64, vbuckets, ["ours"])).get("ours")!)
print(
  `vbuckets  ${
    [...byVbuckets].map(([vbuckets, cpu]) => `${vbuckets}: ${cpu.toFixed(3)} (${(cpu / byVbuckets.get(1)!).toFixed(2)} ×)`).join("   ")
  }`
)

for (const size of [64, 1024]) {
  const documents = 300_000
  const { child, port } = await producer(documents, size, 64, "node.ts")
  const { bytes, seconds } = await alone(program, "ours with flow control", port, documents, 64)
  child.kill("SIGKILL")
  // the last four fifths are what is measured, the bytes are those of all
  const rate = documents * 0.8 / seconds
  print(
    `embedded producer, values of ${size} B, window 10 MiB: ${Math.round(rate)} events/s, ${
      (rate * bytes / documents / 1e6).toFixed(0)
    } MB/s`
  )
}
await rm(folder, { recursive: true })
process.exit(0)
