/**
 * `npm run bench:memory -- [--what TEXT] [--json]`: bytes that each of many takes: requests that are not answered, idle connections of clients and
 * of servers, open vbuckets; ours beside hand-written programs and other clients. Needs `memcached`.
 *
 * Every figure is of a process of its own, which makes some, collects the garbage, makes more, collects again: it is the difference by one, so what
 * there is only once is not in it. "heap" is that of JavaScript, "buffers" are `ArrayBuffer`s outside of it, "resident" is what the system
 * counts, with what C++ keeps. Each figure is the median of the repetitions.
 */
import { fork } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { producer } from "../dcp/Run.ts"
import { installMemjs, median, startMemcached } from "../kv/Run.ts"
import { mute } from "./Mute.ts"
import { type Subject, subjects } from "./Subjects.ts"

const repetitions = 3

/** Bytes of one of many. */
export interface Bytes {
  readonly heap: number
  readonly buffers: number
  readonly resident: number
}

type Counts = readonly [first: number, then: number]

/** How many there are first, and then. */
const counts: { readonly [what: string]: Counts } = {
  "request in flight": [2_000, 22_000],
  "connection of a client": [50, 350],
  "connection of a server": [50, 1_050],
  "open vbucket": [64, 1_024]
}

const now = async (): Promise<Bytes> => {
  for (let i = 0; i < 4; i++) {
    globalThis.gc!()
    await sleep(20)
  }
  const { arrayBuffers, heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed, buffers: arrayBuffers, resident: rss }
}

/** In a process of its own: makes as many more as each number says, one after the other, and tells what there is then. */
const measure = async (prepare: Subject, port: number, numbers: ReadonlyArray<number>): Promise<void> => {
  const more = await prepare(port)
  // the server of requests falls silent before there are any
  await new Promise((resolve) => {
    process.once("message", resolve)
    process.send!("ready")
  })
  const found: Array<Bytes> = []
  for (const count of numbers) {
    await more(count)
    found.push(await now())
  }
  process.send!(found)
}

/** One subject's figures after each of the numbers. */
const run = (
  what: string,
  name: string,
  port: number,
  numbers: ReadonlyArray<number>,
  ready: () => void
): Promise<ReadonlyArray<Bytes>> =>
  new Promise((resolve, reject) => {
    const child = fork(import.meta.filename, [what, name, String(port), ...numbers.map(String)], {
      execArgv: ["--conditions=@wirewright/source", "--expose-gc", "--disable-warning=ExperimentalWarning"]
    })
    child.on("message", (message: "ready" | ReadonlyArray<Bytes>) => {
      if (message === "ready") {
        ready()
        child.send("go")
      } else {
        resolve(message)
        child.kill()
      }
    })
    child.once("exit", (code) => reject(new Error(`${name} ended with code ${code}`)))
  })

const each = (first: Bytes, then: Bytes, count: number): Bytes => ({
  heap: (then.heap - first.heap) / count,
  buffers: (then.buffers - first.buffers) / count,
  resident: (then.resident - first.resident) / count
})

/** Of vbuckets there are as many as the server has, so each number is a process. */
const vbuckets = async (what: string, name: string, [few, many]: Counts): Promise<Bytes> => {
  const found: Array<Bytes> = []
  for (const count of [few, many]) {
    const { child, port } = await producer(0, 64, count, "node.ts")
    found.push((await run(what, name, port, [count], () => {}))[0]!)
    child.kill()
  }
  return each(found[0]!, found[1]!, many - few)
}

const others = async (what: string, name: string, server: number, [first, then]: Counts): Promise<Bytes> => {
  const between = await mute(server)
  const [few, many] = await run(what, name, between.port, [first, then - first], () => what === "request in flight" && between.silence())
  between.close()
  return each(few!, many!, then - first)
}

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options: { what: { type: "string" }, json: { type: "boolean", default: false } } })
  const say = (text: string): void => void process[values.json ? "stderr" : "stdout"].write(`${text}\n`)
  const shown = (bytes: number): string => Math.round(bytes).toLocaleString("en").padStart(10)
  installMemjs()
  const memcached = await startMemcached("-c", "4096")
  const couchbase = await producer(0, 64, 64, "node.ts")
  try {
    say(`node ${process.version}; bytes of each\n${"".padEnd(26)}${"heap".padStart(10)}${"buffers".padStart(10)}${"resident".padStart(10)}`)
    for (const [what, contenders] of Object.entries(subjects)) {
      if (values.what !== undefined && !what.includes(values.what)) continue
      say(what)
      for (const name of Object.keys(contenders)) {
        const server = name.includes("couchbase") ? couchbase.port : memcached.port
        const all: Array<Bytes> = []
        for (let i = 0; i < repetitions; i++) {
          all.push(what === "open vbucket" ? await vbuckets(what, name, counts[what]!) : await others(what, name, server, counts[what]!))
        }
        const [heap, buffers, resident] = (["heap", "buffers", "resident"] as const).map((kind) => median(all.map((one) => one[kind])))
        say(`  ${name.padEnd(24)}${shown(heap!)}${shown(buffers!)}${shown(resident!)}`)
        if (values.json) process.stdout.write(`${JSON.stringify({ what, contender: name, heap, buffers, resident })}\n`)
      }
    }
  } finally {
    memcached.child.kill()
    couchbase.child.kill()
  }
}

const [what = "", name = "", port, ...numbers] = process.argv.slice(2)
const subject = subjects[what]?.[name]
await (subject === undefined ? main() : measure(subject, Number(port), numbers.map(Number))).catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.stack : String(cause)}\n`)
  process.exitCode = 1
})
