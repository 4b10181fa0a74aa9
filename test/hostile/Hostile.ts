/**
 * Clients that mean harm, in a process of their own: `Hostile.ts COUNT PORT…` runs that many at a time, dealt out over the ports, until it is
 * disconnected from its parent, and then says how often each kind came. They pause between attacks: what is tried is what a server holds and
 * does for them, not how much one machine can send.
 */
import { packet } from "../../packages/memcached/src/RawClient.fixture.ts"
import { random } from "@wirewright/codec/Random.fixture"
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

const [count, ...ports] = process.argv.slice(2).map(Number) as [number, ...ReadonlyArray<number>]
const below = random(Number(process.env["WIREWRIGHT_SEED"] ?? 20_261_128))
let going = true
const times = new Map<string, number>()

const opened = (port: number): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.once("connect", () => resolve(socket))
    socket.on("error", () => resolve(undefined)).on("close", () => resolve(undefined))
  })

const none = "0000000000000000"
const value = Buffer.alloc(500_000, 0x78)
const large = packet(0x01, { key: "hostile", extras: none, value })
const repeated = (bytes: Buffer, often: number): Buffer => Buffer.concat(Array.from({ length: often }, () => bytes))
const garbage = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => below(256)))

type Attack = (socket: Socket, port: number) => Promise<void>

const attacks: { readonly [kind: string]: Attack } = {
  "half frames": async (socket) => {
    const half = below(2) === 0 ? large.subarray(0, 24 + below(100_000)) : large.subarray(0, 1 + below(23))
    socket.resume().write(half)
    await sleep(500 + below(2_000))
  },
  "bodies byte by byte": async (socket) => {
    socket.resume().write(large.subarray(0, 40))
    for (let i = 0; i < 20 && going; i++) {
      socket.write("x")
      await sleep(50)
    }
  },
  "lengths that lie": async (socket) => {
    const bomb = packet(0x01, { key: "k", extras: none })
    bomb.writeUInt32BE(below(2) === 0 ? 0xffff_ffff : 20_000_000 + below(10_000_000), 8)
    socket.resume().write(bomb)
    await sleep(500)
  },
  "floods": async (socket) => {
    socket.resume().write(repeated(packet(0x00, { key: "not there" }), 2_000))
    await sleep(300)
  },
  "slow readers": async (socket) => {
    socket.pause()
    socket.write(large)
    socket.write(repeated(packet(0x00, { key: "hostile" }), 200))
    await sleep(1_000 + below(1_000))
  },
  "resets": async (socket) => {
    socket.write(repeated(packet(0x00, { key: "hostile" }), 50))
    await sleep(below(20))
    socket.resetAndDestroy()
  },
  "garbage": async (socket) => {
    socket.resume().write(Buffer.concat([below(2) === 0 ? packet(0x0b) : Buffer.alloc(0), garbage(2_000)]))
    await sleep(50)
  },
  "giant keys": async (socket) => {
    socket.resume().write(packet(below(2) === 0 ? 0x00 : 0x10, { key: "k".repeat(1 + below(65_535)) }))
    await sleep(50)
  },
  "quiet storms": async (socket) => {
    socket.resume().write(repeated(packet(0x11, { key: `storm${below(1_000)}`, extras: none, value: value.subarray(0, 50) }), 2_000))
    await sleep(300)
  },
  "guessed passwords": async (socket) => {
    for (let i = 0; i < 20; i++) socket.resume().write(packet(0x21, { key: "PLAIN", value: `\0app\0guess${i}` }))
    await sleep(200)
  },
  "connections that come and go": async (_, port) => {
    for (let i = 0; i < 20 && going; i++) (await opened(port))?.destroy()
  }
}

const kinds = Object.entries(attacks)

const attacker = async (index: number): Promise<void> => {
  for (let turn = index; going; turn++) {
    const port = ports[turn % ports.length]!
    const [kind, attack] = kinds[(turn + below(3)) % kinds.length]!
    const socket = await opened(port)
    if (socket !== undefined) {
      times.set(kind, (times.get(kind) ?? 0) + 1)
      await attack(socket, port).catch(() => {})
      socket.destroy()
    }
    await sleep(100 + below(400))
  }
}

process.on("message", () => going = false)
await Promise.all(Array.from({ length: count }, (_, index) => attacker(index)))
process.send!([...times])
process.disconnect()
