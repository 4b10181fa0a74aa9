/** A contender's process: `node child.ts SUITE CONTENDER`. It answers questions until its parent goes. */
import { Session } from "node:inspector/promises"
import { basename } from "node:path"
import type { Answer, Question, Share } from "./Protocol.ts"
import type { Contender } from "./Suite.ts"
import { suites } from "./suites/index.ts"

const [suiteName, contenderName] = process.argv.slice(2)
const load = suites.find(({ name }) => name === suiteName)?.contenders[contenderName!]

let used = 0
let passes = 1

const runFor = ({ pass }: Contender, milliseconds: number): number => {
  const end = performance.now() + milliseconds
  let count = 0
  do {
    used += pass()
    count++
  } while (performance.now() < end)
  return count
}

const round = ({ pass, messages }: Contender): number => {
  const before = process.cpuUsage()
  for (let i = 0; i < passes; i++) used += pass()
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1000 / (passes * messages)
}

/** The most of some passes: less is seen where the collector ran in between. */
const heapBytes = ({ pass, messages }: Contender): number => {
  let most = 0
  for (let i = 0; i < 7; i++) {
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    used += pass()
    most = Math.max(most, process.memoryUsage().heapUsed - before)
  }
  return most / messages
}

/** Where the processor was, most of it first. */
const profile = async (contender: Contender, milliseconds: number): Promise<ReadonlyArray<Share>> => {
  const session = new Session()
  session.connect()
  await session.post("Profiler.enable")
  await session.post("Profiler.setSamplingInterval", { interval: 200 })
  await session.post("Profiler.start")
  runFor(contender, milliseconds)
  const { profile: { nodes, samples = [], timeDeltas = [] } } = await session.post("Profiler.stop")
  session.disconnect()
  const own = new Set(nodes.filter(({ callFrame }) => callFrame.url.startsWith("node:inspector")).map(({ id }) => id))
  const places = new Map(nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
    const place = url === "" ? "" : ` ${basename(url)}:${lineNumber + 1}`
    return [id, `${functionName === "" ? "(anonymous)" : functionName}${place}`]
  }))
  const times = new Map<string, number>()
  for (const [i, id] of samples.entries()) if (!own.has(id)) times.set(places.get(id)!, (times.get(places.get(id)!) ?? 0) + timeDeltas[i]!)
  const total = [...times.values()].reduce((sum, time) => sum + time, 0)
  return [...times].map(([where, time]) => ({ where, part: time / total })).sort((a, b) => b.part - a.part).slice(0, 12)
}

const answer = async (contender: Contender, question: Question): Promise<Answer> => {
  switch (question.kind) {
    case "check":
      return { kind: "check", digest: contender.check() }
    case "warm": {
      runFor(contender, question.milliseconds)
      const milliseconds = 40
      passes = runFor(contender, milliseconds)
      return { kind: "warm", passes }
    }
    case "round":
      return { kind: "round", nanoseconds: round(contender) }
    case "heap":
      return { kind: "heap", bytes: heapBytes(contender) }
    case "profile":
      return { kind: "profile", shares: await profile(contender, question.milliseconds) }
  }
}

const send = (message: Answer): void => {
  process.send!(message)
}

if (load === undefined) throw new Error(`no contender ${contenderName} in suite ${suiteName}`)
const loaded = load()

process.on("message", (question: Question) => {
  loaded.then((contender) => answer(contender, question)).then(send, (cause: unknown) => {
    send({ kind: "failed", message: cause instanceof Error ? cause.stack ?? cause.message : String(cause) })
  })
})
// so that no pass is left out because nobody wants what it returns
process.on("disconnect", () => process.exit(used < 0 ? 1 : 0))
