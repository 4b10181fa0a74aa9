/** What connections copy of what they receive, over real sockets: next to nothing, whatever the protocol and the size of its packets. */
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { protocols, receive } from "../bench/copies/Traffic.ts"

const pem = (name: string): string => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), "utf8")
const tls = { server: { cert: pem("localhost.crt"), key: pem("localhost.key") }, client: { ca: pem("localhost.crt") } }

/** Sizes of packets in bytes, and the part of all bytes that may be copied. */
const most = [[1024, 0.05], [64 * 1024, 0.05], [1024 * 1024, 0.005]] as const

it.each(Object.entries(protocols))("%s", async (name, protocol) => {
  const parts: Array<string> = []
  for (const [size, part] of most) {
    const count = Math.ceil(6 * 1024 * 1024 / size)
    const { copied, received } = await Effect.runPromise(receive(protocol, size, count, { inFlight: size > 100_000 ? 2 : 32 }))
    parts.push(`${size} B: ${(copied / received).toFixed(4)}`)
    expect(received).toBeGreaterThanOrEqual(count * size)
    // of the first packet it is not known how large it is before some of it was read
    expect(Math.max(0, copied - 16 * 1024) / received).toBeLessThanOrEqual(part)
  }
  console.log(`${name}, copied per byte received: ${parts.join(", ")}`)
})

it("over TLS, which hands out 16 KiB at a time", async () => {
  for (const [size, part] of most) {
    const { copied, received } = await Effect.runPromise(
      receive(protocols["memcached binary"]!, size, Math.ceil(6 * 1024 * 1024 / size), { tls })
    )
    expect(Math.max(0, copied - 16 * 1024) / received).toBeLessThanOrEqual(part)
  }
})
