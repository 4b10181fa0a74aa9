/**
 * `npm run bench:copies -- [PROTOCOL]`: bytes that connections copy for each that they receive, by protocol and by the size of packets, over TCP and over TLS on
 * loopback. It is counted, not timed: where a packet lies in two pieces of memory, because it crossed reads, a part of it has to move.
 */
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { protocols, receive } from "./Traffic.ts"

const sizes = [64, 256, 1024, 4 * 1024, 16 * 1024, 64 * 1024, 256 * 1024, 1024 * 1024, 10 * 1024 * 1024]
const pem = (name: string): string => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), "utf8")
const tls = { server: { cert: pem("localhost.crt"), key: pem("localhost.key") }, client: { ca: pem("localhost.crt") } }

const shown = (bytes: number): string =>
  bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`
const print = (text: string): void => void process.stdout.write(`${text}\n`)

const only = process.argv[2]
for (const [name, options] of [["TCP", {}], ["TLS", { tls }]] as const) {
  print(`bytes copied per byte received, ${name}\n${"".padEnd(18)}${sizes.map((size) => shown(size).padStart(9)).join("")}`)
  for (const [protocol, one] of Object.entries(protocols)) {
    if (only !== undefined && protocol !== only) continue
    const cells: Array<string> = []
    for (const size of sizes) {
      const count = Math.max(12, Math.min(20_000, Math.ceil(32 * 1024 * 1024 / size)))
      const inFlight = size > 64 * 1024 ? 4 : 64
      const { copied, received } = await Effect.runPromise(receive(one, size, count, { inFlight, ...options }))
      cells.push((copied / received).toFixed(4).padStart(9))
    }
    print(`${protocol.padEnd(18)}${cells.join("")}`)
  }
}
