/**
 * `npm run bench:deepstream -- [--rounds N] [--events N]`
 *
 * Our client against deepstream's own 2.3.4: parsing, in one process and in turn; events end to end through a real deepstream.io 3.2.5, each
 * client in a process of its own and asked for rounds in turn; and frames of one tick. Figures are medians over the rounds; ratios are medians
 * of the ratios within a round.
 */
import { forEachMessage } from "@wirewright/codec/Delimited"
import { decodeServerMessage, delimiting } from "@wirewright/deepstream/gen"
import { type ChildProcess, fork } from "node:child_process"
import { cpus } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { Server } from "../../peers/DeepstreamServers.ts"
import { contenders, fromPeers } from "./Contenders.ts"

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" }, events: { type: "string", default: "50000" } } })
const rounds = Number(values.rounds)
const events = Number(values.events)

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const median = (numbers: ReadonlyArray<number>): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!

const wire = (text: string): string => text.replaceAll("|", "\x1f").replaceAll("+", "\x1e")

const frames: { readonly [name: string]: string } = {
  events: wire("E|EVT|test/some-event|SsomeValue+".repeat(100)),
  "a mix": wire(
    ("E|EVT|test/some-event|SsomeValue+R|P|user/lisa|101|pets.0.age|N3+R|U|user/lisa|102|{\"name\":\"Smith\",\"age\":21}+"
      + "P|REQ|toUppercase|jv3k2-1a2b|Sabc+E|A|S|test1+U|PNJ|userA+").repeat(20)
  )
}

const parsing = (): void => {
  const parser = fromPeers("deepstream.io-client-js/src/message/message-parser") as {
    parse(frame: string, client: object): ReadonlyArray<unknown>
  }
  say("\nparsing, CPU per message")
  for (const [name, frame] of Object.entries(frames)) {
    const messages = frame.split("\x1e").length - 1
    let kept = 0
    const runs = {
      official: () => kept += parser.parse(frame, {}).length,
      ours: () => forEachMessage(frame, delimiting, (text, start, end) => void (kept += decodeServerMessage(text, start, end)._tag.length))
    }
    const time = (run: () => void): number => {
      const start = process.cpuUsage()
      for (let count = 0; count < 3000; count++) run()
      const { system, user } = process.cpuUsage(start)
      return (system + user) / 3000 / messages * 1000
    }
    for (const run of Object.values(runs)) for (let count = 0; count < 3; count++) time(run)
    const measured = Array.from({ length: rounds }, () => [time(runs.official), time(runs.ours)] as const)
    const [theirs, mine] = [median(measured.map(([a]) => a)), median(measured.map(([, b]) => b))]
    const ratio = median(measured.map(([a, b]) => a / b))
    say(`  ${name.padEnd(10)} official ${theirs.toFixed(0)} ns, wirewright ${mine.toFixed(0)} ns: ${ratio.toFixed(2)} times as fast`)
    if (kept === 0) throw new Error("nothing was parsed")
  }
}

const start = (name: string, url: string): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    const file = fileURLToPath(new URL("./child.ts", import.meta.url))
    const child = fork(file, [name, url], { execArgv: ["--conditions=@wirewright/source"], stdio: ["ignore", "ignore", "inherit", "ipc"] })
    child.once("message", () => resolve(child))
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}`)))
  })

const ask = <A>(child: ChildProcess, order: object): Promise<A> =>
  new Promise((resolve) => {
    child.once("message", (answer) => resolve(answer as A))
    child.send(order)
  })

say(`${cpus()[0]?.model ?? "?"}, ${cpus().length} cores, Node ${process.version}, ${rounds} rounds`)
parsing()

const server = await Server.start("classic")
const children = new Map<string, ChildProcess>()
try {
  for (const name of Object.keys(contenders)) children.set(name, await start(name, server.url))
  const figures = new Map<string, Array<{ readonly seconds: number; readonly micros: number }>>()
  for (const [, child] of children) await ask(child, { kind: "run", count: 5000 })
  for (let round = 0; round < rounds; round++) {
    for (const [name, child] of children) {
      const figure = await ask<{ readonly seconds: number; readonly micros: number }>(child, { kind: "run", count: events })
      figures.set(name, [...figures.get(name) ?? [], figure])
    }
  }
  say(`\n${events} events through deepstream.io 3.2.5`)
  const own = figures.get("wirewright")!
  for (const [name, list] of figures) {
    const rate = median(list.map(({ seconds }) => events / seconds))
    const ratio = median(list.map(({ seconds }, round) => seconds / own[round]!.seconds))
    const cpu = median(list.map(({ micros }, round) => micros / own[round]!.micros))
    say(
      `  ${name.padEnd(18)} ${rate.toFixed(0).padStart(8)} events/s, ${
        median(list.map(({ micros }) => micros)).toFixed(1).padStart(5)
      } µs CPU per event`
        + (name === "wirewright" ? "" : `; wirewright is ${ratio.toFixed(2)} times as fast, on ${(1 / cpu).toFixed(2)} of the CPU`)
    )
  }
  say("\nframes of 250 events published in one tick")
  for (const [name, child] of children) {
    say(`  ${name.padEnd(18)} ${(await ask<{ readonly frames: number }>(child, { kind: "frames", count: 250 })).frames}`)
  }
} finally {
  for (const child of children.values()) child.disconnect()
  await server.stop()
}
