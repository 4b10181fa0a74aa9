/**
 * The limit of a store is a limit of memory: a node in a process of its own gets more than it may keep, and has grown by its limit since it
 * began to listen. Its allocator gives back what is freed; what V8 leaves for garbage counts.
 */
import { packet } from "../../packages/memcached/src/RawClient.fixture.ts"
import { fork } from "node:child_process"
import { once } from "node:events"
import { connect } from "node:net"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { isWhole } from "../../packages/codec/src/Whole.fixture.ts"

const script = fileURLToPath(new URL("MemoryNode.ts", import.meta.url))
const mebibyte = 1024 * 1024

/** What a node says of itself. */
interface Seen {
  /** Bytes. */
  readonly resident: number
  readonly documents: number
  readonly bytes: number
}

/** Sends packets in groups and waits until each group is answered, whatever the answers are. */
const send = async (port: number, count: number, packetAt: (index: number) => Buffer): Promise<void> => {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true })
  let rest = Buffer.alloc(0)
  let answered = 0
  let wake = (): void => {}
  socket.on("data", (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    while (rest.length - at >= 24 && rest.length - at >= 24 + rest.readUInt32BE(at + 8)) {
      at += 24 + rest.readUInt32BE(at + 8)
      answered++
    }
    rest = rest.subarray(at)
    wake()
  })
  for (let sent = 0; sent < count;) {
    const group: Array<Buffer> = []
    for (let bytes = 0; bytes < mebibyte / 4 && sent < count; bytes += group.at(-1)!.length) group.push(packetAt(sent++))
    socket.write(Buffer.concat(group))
    while (answered < sent) await new Promise<void>((resolve) => wake = resolve)
  }
  socket.destroy()
}

const filled = async (kind: string, limit: number, count: number, packetAt: (index: number) => Buffer): Promise<Seen> => {
  const child = fork(script, [kind, String(limit)], {
    execArgv: ["--conditions=@wirewright/source", "--disable-warning=ExperimentalWarning"],
    // glibc gives back what is freed, and keeps no heaps of other threads
    env: { ...process.env, MALLOC_MMAP_THRESHOLD_: "131072", MALLOC_TRIM_THRESHOLD_: "131072", MALLOC_ARENA_MAX: "1" }
  })
  try {
    const [{ port }] = await once(child, "message") as [{ readonly port: number }]
    const look = async (): Promise<Seen> => {
      child.send("look")
      return (await once(child, "message") as [Seen])[0]
    }
    const idle = await look()
    await send(port, count, packetAt)
    const full = await look()
    return { ...full, resident: full.resident - idle.resident }
  } finally {
    child.kill()
  }
}

/** Large beside the 20 MB that a collection of garbage more or less makes. */
const limit = 192 * mebibyte

describe.each(["memcached", "couchbase"])("%s", (kind) => {
  const sizes = [["1 byte", 1, 10], ["1 MiB", mebibyte, 10]] as const
  // both nodes and both sizes are seen in any run; all four together in the whole one
  it.each(isWhole ? sizes : [sizes[kind === "memcached" ? 0 : 1]])(
    "values of %s take the memory that the limit says, within 25 %%",
    async (_, size, keySize) => {
      const value = Buffer.alloc(size, 0x41)
      const vbucket = (index: number, bytes: Buffer): Buffer => {
        if (kind === "couchbase") bytes.writeUInt16BE(index % 64, 6)
        return bytes
      }
      const select = packet(0x89, { key: "default" })
      const count = Math.ceil(limit / (size + keySize + 1_000) * 1.3)
      const packetAt = (index: number): Buffer =>
        kind === "couchbase" && index === 0
          ? select
          : vbucket(index, packet(0x01, { key: String(index).padStart(keySize, "k"), extras: "0000000000000000", value }))
      const { bytes, documents, resident } = await filled(kind, limit, count, packetAt)
      const ratio = resident / limit
      console.log(`${kind}, values of ${size}: ${documents} documents take ${(ratio * 100).toFixed(0)} % of what they may`)
      expect(bytes).toBeGreaterThan(0.97 * limit)
      expect(bytes).toBeLessThanOrEqual(limit)
      expect(ratio).toBeGreaterThan(0.75)
      expect(ratio).toBeLessThan(1.25)
    }
  )
})
