/** The tap keeps what passes, in order and on both sides, and says what it did not expect. */
import { type AddressInfo, createServer } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { converse, openSession } from "./Session.ts"
import { openTap, type Tap } from "./Tap.ts"

// answers each line with its length, so that requests and answers alternate
const server = createServer((socket) => {
  socket.on("data", (bytes) => socket.write(`${bytes.length}\n`))
  socket.on("error", () => {})
})
let tap: Tap

const size = 1_000

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()))
  tap = await openTap((server.address() as AddressInfo).port, size)
})

afterAll(async () => {
  await tap.close()
  await new Promise((resolve) => server.close(resolve))
})

const lines = (name: string): ReadonlyArray<string> =>
  tap.conversations().find((one) => one.name === name)!.chunks.map(({ from, hex }) => `${from} ${Buffer.from(hex, "hex").toString()}`)

describe("openTap", () => {
  it("keeps both directions in the order in which they passed", async () => {
    await tap.record("one", converse("a", "bcd"))
    expect(lines("one")).toEqual(["client a", "server 1\n", "client bcd", "server 3\n"])
  })

  it("numbers the connections of a session, and leaves out silent ones", async () => {
    await tap.record("many", async (port) => {
      await converse("a")(port)
      await (await openSession(port)).end()
      await converse("bc")(port)
    })
    expect(tap.conversations().map(({ name }) => name)).toEqual(["one", "many", "many (3)"])
    expect(lines("many (3)")).toEqual(["client bc", "server 2\n"])
  })

  it("fails a session that makes no connection, and passes on what a session throws", async () => {
    await expect(tap.record("none", () => Promise.resolve())).rejects.toThrow("none made no connection")
    await expect(tap.record("broken", () => Promise.reject(new Error("mine")))).rejects.toThrow("mine")
  })

  it("keeps a conversation of the greatest size, and fails one that is a byte longer", async () => {
    const most = "x".repeat(size - `${size}\n`.length + 1)
    await tap.record("longest", converse(most))
    expect(lines("longest")).toHaveLength(2)
    await expect(tap.record("too long", converse(`${most}x`))).rejects.toThrow("too long is longer than 1000 bytes")
  })
})

it("fails a recording in whose pause somebody connects", async () => {
  const other = await openTap((server.address() as AddressInfo).port)
  try {
    await (await openSession(other.port)).end()
    await expect(other.record("next", converse("a"))).rejects.toThrow("a connection that no recording expects")
  } finally {
    await other.close()
  }
})
