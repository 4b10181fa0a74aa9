/**
 * `npm run bench:deepstream-memory -- [--step N] [--steps N]`
 *
 * Bytes of heap that an open record and a subscription to an event take, ours beside those of deepstream's own client 2.3.4, at a real
 * deepstream.io 3.2.5: each client in a process of its own, the heap without garbage after so many more. The figure is the median of the steps.
 */
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { Server } from "../../peers/DeepstreamServers.ts"

const { values } = parseArgs({ options: { step: { type: "string", default: "2000" }, steps: { type: "string", default: "5" } } })
const median = (numbers: ReadonlyArray<number>): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!

const held = (name: string, kind: string, url: string): Promise<ReadonlyArray<number>> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL("./held.ts", import.meta.url)), [name, kind, url, values.step, values.steps], {
      execArgv: ["--expose-gc", "--conditions=@wirewright/source"],
      stdio: ["ignore", "ignore", "inherit", "ipc"]
    })
    child.once("message", ({ seen }: { readonly seen: ReadonlyArray<number> }) => resolve(seen))
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}`)))
  })

for (const kind of ["record", "subscription"]) {
  for (const name of ["official", "wirewright"]) {
    // what one client made is not there for the next
    const server = await Server.start("classic")
    try {
      const seen = await held(name, kind, server.url)
      const each = seen.slice(1).map((bytes, i) => (bytes - seen[i]!) / Number(values.step))
      console.log(
        `${kind.padEnd(12)} ${name.padEnd(10)} ${median(each).toFixed(0).padStart(6)} bytes (${
          each.map((one) => one.toFixed(0)).join(", ")
        })`
      )
    } finally {
      await server.stop()
    }
  }
}
