/** What the benchmarks of DCP share: producers and measurements in processes of their own. */
import { type ChangesOptions, Dcp } from "@wirewright/dcp"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type ChildProcess, spawn } from "node:child_process"
import type { OnChange } from "./handwritten.ts"

/** A producer until it is ended: one that pours frames, or an embedded node with documents. */
export const producer = async (
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

/** What a measurement came to. */
export interface Measured {
  /** Processor time per event in microseconds. */
  readonly cpu: number
  /** That in user mode alone. */
  readonly user: number
  readonly seconds: number
  readonly bytes: number
  /** Of every change something, so that no compiler leaves them out. */
  readonly sink: number
}

let sink = 0

/**
 * Runs `start` until so many changes came, and says what the second half cost: connections are made by then, and code is compiled. That takes
 * about a million changes, three times as many for 1 024 vbuckets as for one, because each then gets its changes in shorter runs.
 */
export const measured = async (count: number, start: (onChange: OnChange) => () => unknown): Promise<Measured> => {
  let cpu = process.cpuUsage()
  let at = performance.now()
  let left = count
  const counted = Math.floor(count / 2)
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
  return {
    cpu: (used.user + used.system) / counted,
    user: used.user / counted,
    seconds: (performance.now() - at) / 1000,
    bytes,
    sink
  }
}

/** Our stream of all changes, until it is stopped. */
export const consuming = (port: number, options: Omit<ChangesOptions, "from">) => (onChange: OnChange): () => void => {
  const stop = new AbortController()
  void Effect.runPromiseExit(
    Dcp.changes({ from: "beginning", ...options }).pipe(
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

/** One measurement, in a process that has never done anything else. */
export const alone = async (program: string, ...args: ReadonlyArray<string | number>): Promise<Measured> => {
  const child = spawn(process.execPath, [program, ...args.map(String)], { stdio: ["ignore", "pipe", "inherit"] })
  let text = ""
  child.stdout.on("data", (chunk: Buffer) => text += chunk.toString())
  await new Promise((resolve) => child.once("close", resolve))
  return JSON.parse(text) as Measured
}
