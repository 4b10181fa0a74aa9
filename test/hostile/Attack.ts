/**
 * Attacks over TCP for any server of the memcached packet format: seeded mutations of known packets, and what comes back.
 *
 * It judges only what holds for every such server: answers are whole response packets with statuses that exist, and the connection ends when
 * the client has ended it. Everything else is the test's.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { bytesOfDigits } from "@wirewright/codec"
import { random } from "@wirewright/codec/Random.fixture"
import { statusTable } from "@wirewright/couchbase/gen"
import type { PacketServer } from "@wirewright/connection"
import { packet, RawClient } from "../../packages/memcached/src/RawClient.fixture.ts"
import * as Net from "node:net"
import { expect } from "vitest"
import { packetVectors, specExamples } from "../conformance/Vectors.fixture.ts"

/** Seed of all that is random; `WIREWRIGHT_SEED` replays another. */
export const seed = Number(process.env["WIREWRIGHT_SEED"] ?? 20_261_121)

/** All requests that are known, of all dialects. Responses and the rest come about by mutation. */
export const corpus = [...specExamples.map(({ bytes }) => bytes), ...packetVectors.map(({ hex }) => bytesOfDigits(hex))]
  .filter((bytes) => bytes[0] === 0x80 || bytes[0] === 0x08)

/** What came back over one connection. */
export interface Reaction {
  readonly received: Buffer
  /** The server closed the connection before the client ended it. */
  readonly refused: boolean
}

const headerSize = 24
const patience = 10_000

/** Sends bytes, ends, and collects what comes until the connection is closed. */
export const assault = (port: number, bytes: Uint8Array): Promise<Reaction> =>
  new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = []
    let ended = false
    const socket = Net.connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () =>
      socket.write(bytes, () => {
        // whatever is answered at once has arrived by then
        setTimeout(() => {
          ended = true
          socket.end()
        }, 5)
      }))
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the server neither answered nor closed within ${patience} ms`))
    }, patience)
    socket.on("data", (chunk) => chunks.push(chunk))
    socket.on("end", () => socket.end())
    socket.on("error", () => {})
    socket.on("close", () => {
      clearTimeout(timer)
      resolve({ received: Buffer.concat(chunks), refused: !ended })
    })
  })

/** Statuses of the answers; throws when something is no response of this protocol. */
export const statusesOf = ({ received }: Reaction): ReadonlyArray<number> => {
  const statuses: Array<number> = []
  for (let at = 0; at < received.length;) {
    const rest = received.length - at
    if (rest < headerSize) throw new Error(`${rest} bytes behind the last answer: ${received.subarray(at).toString("hex")}`)
    const size = headerSize + received.readUInt32BE(at + 8)
    const magic = received[at]!
    if (magic !== 0x81 && magic !== 0x18) throw new Error(`an answer with magic 0x${magic.toString(16)}`)
    if (size > rest) throw new Error(`an answer of ${size} bytes of which ${rest} came`)
    const status = received.readUInt16BE(at + 6)
    if (statusTable[status] === undefined) throw new Error(`an answer with status 0x${status.toString(16)}`)
    statuses.push(status)
    at += size
  }
  return statuses
}

/** Whether a stream was taken for text, as servers do that speak it, too, when the first byte is none of theirs; and was answered so. */
const isTextual = (stream: Uint8Array, { received }: Reaction): boolean =>
  stream[0] !== 0x80 && /^(?:ERROR|CLIENT_ERROR [^\r\n]*)\r\n/.test(received.toString("latin1"))

/** Changes a packet: bits, header fields, lengths that lie, cuts, repetitions. */
export const mutate = (below: (limit: number) => number, original: Uint8Array): Uint8Array => {
  let bytes = Buffer.from(original)
  for (let times = 1 + below(3); times > 0; times--) {
    switch (below(7)) {
      case 0: {
        const at = below(bytes.length)
        bytes[at] = bytes[at]! ^ 1 << below(8)
        break
      }
      case 1:
        bytes[below(Math.min(bytes.length, headerSize))] = below(256)
        break
      case 2:
        if (bytes.length >= 12) bytes.writeUInt32BE(below(4) === 0 ? below(2 ** 32) : below(512), 8)
        break
      case 3:
        if (bytes.length >= 4) bytes.writeUInt16BE(below(4) === 0 ? 0xffff : below(300), 2)
        break
      case 4:
        if (bytes.length > 4) bytes[4] = below(256)
        break
      case 5:
        bytes = Buffer.from(bytes.subarray(0, 1 + below(bytes.length)))
        break
      default:
        bytes = Buffer.concat([bytes, bytes.subarray(0, 1 + below(bytes.length))])
    }
  }
  return bytes
}

/** A stream of whole and mutated packets from a corpus; the same for the same seed. */
export const streamOf = (corpus: ReadonlyArray<Uint8Array>, seed: number, packets: number): Buffer => {
  const below = random(seed)
  return Buffer.concat(Array.from({ length: packets }, () => {
    const original = corpus[below(corpus.length)]!
    return below(4) === 0 ? original : mutate(below, original)
  }))
}

/** A client that behaves, beside those that do not. */
export interface Witness {
  readonly answers: number
  /** Milliseconds that this thread, the server among others, worked until the slowest answer: what else the machine does is not counted. */
  readonly slowest: number
}

/** Asks for the version all the time, and fails unless every answer is right; call the result to stop, after so many more answers. */
export const witness = async (port: number): Promise<(more: number) => Promise<Witness>> => {
  const client = await RawClient.connect(port)
  let enough = Infinity
  let answers = 0
  let slowest = 0
  const asking = (async () => {
    while (answers < enough) {
      const begun = process.threadCpuUsage()
      client.send(packet(0x0b, { opaque: ++answers }))
      const [answer] = await client.packets(1)
      const [opaque, status] = [answer!.readUInt32BE(12), answer!.readUInt16BE(6)]
      if (opaque !== answers || status !== 0) throw new Error(`answer ${opaque} with status ${status}, expected answer ${answers}`)
      const { system, user } = process.threadCpuUsage(begun)
      slowest = Math.max(slowest, (system + user) / 1000)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })()
  return async (more) => {
    enough = answers + more
    await asking
    client.close()
    return { answers, slowest }
  }
}

/** Waits for a condition for five seconds. */
export const until = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; !condition() && i < 1_000; i++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(condition()).toBe(true)
}

// without it, what is garbage would count
setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

/** Bytes that this process holds. */
export const held = (): number => {
  collectGarbage()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

/** Attacks with one stream of mutated packets per connection, twenty connections at a time. */
export const assaults = async (
  port: number,
  connections: number,
  packetsEach: number,
  prefix: Uint8Array = new Uint8Array()
): Promise<{ readonly refused: number; readonly statuses: ReadonlyMap<number, number> }> => {
  const statuses = new Map<number, number>()
  let refused = 0
  for (let i = 0; i < connections; i += 20) {
    const seeds = Array.from({ length: 20 }, (_, j) => seed * 7_919 + i + j)
    const streams = seeds.map((one) => Buffer.concat([prefix, streamOf(corpus, one, packetsEach)]))
    for (const [index, reaction] of (await Promise.all(streams.map((stream) => assault(port, stream)))).entries()) {
      if (reaction.refused) refused++
      if (isTextual(streams[index]!, reaction)) continue
      for (const status of statusesOf(reaction)) statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  return { refused, statuses }
}

/** Statuses and how often they were answered. */
export const named = (statuses: ReadonlyMap<number, number>): string =>
  [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `0x${status.toString(16)} ${count}`).join(", ")

/** Ten thousand reads of a large value by each of five clients that fetch no answer: memory and work are bounded, and a client beside them is served. */
export const greed = async (
  server: PacketServer,
  open: () => Promise<RawClient>,
  key: string
): Promise<void> => {
  const setup = await open()
  setup.send(packet(0x01, { key, extras: "0000000000000000", value: new Uint8Array(500_000) }))
  await setup.packets(1)
  const stop = await witness(server.port)
  const before = held()
  const greedy = await Promise.all(Array.from({ length: 5 }, open))
  const reads = Buffer.concat(Array.from({ length: 10_000 }, (_, opaque) => packet(0x00, { key, opaque })))
  for (const client of greedy) {
    client.socket.pause()
    client.send(reads)
  }
  await new Promise((resolve) => setTimeout(resolve, 500))
  // 5 times: 4 MiB of output, one answer too many, buffers of input; answered, it would be 25 GB
  expect(held() - before).toBeLessThan(5 * 10 * 1024 * 1024)
  expect(server.counters.requests).toBeLessThan(1_000)
  // it is answered while they are waiting
  const { slowest } = await stop(20)
  expect(slowest).toBeLessThan(1_000)
  for (const client of [...greedy, setup]) client.close()
}
