/**
 * The limit of a store is a limit of memory: two nodes in processes of their own get the same writes, one may keep little of it and one much,
 * and what the second one takes more of the machine's memory is the difference of the limits. What traffic itself costs is so left out.
 */
import { packet } from "@wirewright/memcached/RawClient.fixture"
import { fork } from "node:child_process"
import { once } from "node:events"
import { connect } from "node:net"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const script = fileURLToPath(new URL("MemoryNode.ts", import.meta.url))
const mebibyte = 1024 * 1024

/** What a node says of itself. */
interface Seen {
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
  const child = fork(script, [kind, String(limit)], { execArgv: ["--conditions=@wirewright/source", "--disable-warning=ExperimentalWarning"] })
  try {
    const [{ port }] = await once(child, "message") as [{ readonly port: number }]
    await send(port, count, packetAt)
    child.send("look")
    const [seen] = await once(child, "message") as [Seen]
    return seen
  } finally {
    child.kill()
  }
}

const small = 2 * mebibyte

describe.each(["memcached", "couchbase"])("%s", (kind) => {
  it.each([
    ["1 byte", 1, 10, 64 * mebibyte],
    ["1 byte under keys of 250", 1, 250, 64 * mebibyte],
    ["1 000 bytes", 1_000, 10, 64 * mebibyte],
    // a collection of garbage more or less is 30 MB with these
    ["1 MiB", mebibyte, 10, 192 * mebibyte]
  ])("values of %s take the memory that the limit says, within 25 %%", async (_, size, keySize, more) => {
    const value = Buffer.alloc(size, 0x41)
    const vbucket = (index: number, bytes: Buffer): Buffer => {
      if (kind === "couchbase") bytes.writeUInt16BE(index % 64, 6)
      return bytes
    }
    const select = packet(0x89, { key: "default" })
    const count = Math.ceil((small + more) / (size + keySize + 1_000) * 1.3)
    const packetAt = (index: number): Buffer =>
      kind === "couchbase" && index === 0
        ? select
        : vbucket(index, packet(0x01, { key: String(index).padStart(keySize, "k"), extras: "0000000000000000", value }))
    const little = await filled(kind, small, count, packetAt)
    const much = await filled(kind, small + more, count, packetAt)
    const ratio = (much.resident - little.resident) / (much.bytes - little.bytes)
    console.log(
      `${kind}, values of ${size}: ${much.documents} documents, ${(much.resident / mebibyte).toFixed(0)} MB resident, `
        + `${(little.resident / mebibyte).toFixed(0)} MB with little; ${(ratio * 100).toFixed(0)} % of what is counted`
    )
    // the limit was reached, so the books are what the limit says
    expect(much.bytes).toBeGreaterThan(0.97 * (small + more))
    expect(much.bytes).toBeLessThanOrEqual(small + more)
    expect(ratio).toBeGreaterThan(0.75)
    expect(ratio).toBeLessThan(1.25)
  })
})
