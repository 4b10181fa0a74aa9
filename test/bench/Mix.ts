/**
 * The DCP messages that the suites decode, encode and cut apart: 1 000 of what a consumer receives while a bucket is being written to,
 * the same in every process.
 */
import { createHash } from "node:crypto"
import { encode } from "./contenders/buffer.ts"
import type { Message } from "./Messages.ts"

/** Size of the fixed part in front of the sections. */
export const headerSize = 24

const count = 1000

/** Numbers that are the same in every process (a linear congruential generator, its upper bits). */
export const makeRandom = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0
    return Math.floor(state / 2 ** 32 * below)
  }
}

const documentOf = (random: (below: number) => number, size: number): Uint8Array => {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = 0x20 + random(0x5f)
  return bytes
}

/** Keys of 12 to 30 bytes, flat like keys that came from elsewhere. */
const keyOf = (random: (below: number) => number, n: number): string => {
  const kind = ["user", "order", "session", "airline_route"][random(4)]!
  const text = `${kind}::${String(n).padStart(12 - kind.length - 2, "0")}`.padEnd(12 + random(19), "abcdef0123456789")
  return Buffer.from(text).toString("latin1")
}

const makeMessages = (): ReadonlyArray<Message> => {
  const random = makeRandom(20251120)
  const none = new Uint8Array(0)
  return Array.from({ length: count }, (_, n): Message => {
    const vbucket = random(1024)
    const bySeqno = 4_000_000_000n + BigInt(n)
    const head = { datatype: 1, vbucket, opaque: 0xb000_0000 + vbucket, cas: 0x17d0_5d6c_0000_0000n + BigInt(random(2 ** 31)) }
    const kind = random(100)
    if (kind < 5) {
      return {
        ...head,
        _tag: "DcpSnapshotMarker",
        datatype: 0,
        cas: 0n,
        layout: "V1",
        startSeqno: bySeqno,
        endSeqno: bySeqno + 20n,
        flags: 1
      }
    }
    const rest = { bySeqno, revSeqno: BigInt(1 + random(50)) }
    const key = keyOf(random, n)
    if (kind < 10) return { ...head, _tag: "DcpDeletion", datatype: 0, layout: "V1", ...rest, nmeta: 0, key, value: none }
    if (kind < 20) return { ...head, _tag: "DcpDeletion", datatype: 0, layout: "V2", ...rest, deleteTime: 1_763_600_000, key, value: none }
    const fields = { flags: 0x0200_0000, expiration: 0, lockTime: 0, nmeta: 0, nru: 0 }
    return { ...head, _tag: "DcpMutation", ...rest, ...fields, key, value: documentOf(random, kind < 80 ? 100 : 1024) }
  })
}

/** The messages, their frames one after the other, and where each begins; the last offset is the end. */
export interface Mix {
  readonly messages: ReadonlyArray<Message>
  readonly bytes: Buffer
  readonly offsets: ReadonlyArray<number>
}

export const makeMix = (): Mix => {
  const messages = makeMessages()
  const frames = messages.map(encode)
  const offsets = [0]
  for (const frame of frames) offsets.push(offsets.at(-1)! + frame.length)
  return { messages, bytes: Buffer.concat(frames), offsets }
}

/** A chunk of the stream as a socket hands it out: a buffer of its own. */
export const chunksOf = (bytes: Buffer, size: number): ReadonlyArray<Buffer> => {
  const chunks: Array<Buffer> = []
  for (let at = 0; at < bytes.length; at += size) chunks.push(Buffer.from(bytes.subarray(at, at + size)))
  return chunks
}

/** Collects what contenders must agree on: position, key and value of each message. */
export class Digest {
  private readonly hash = createHash("sha256")

  add(seqno: bigint | number, key: string, value: Uint8Array): void {
    this.hash.update(`${seqno}|${key}|${value.length}|`)
    this.hash.update(value)
  }

  get text(): string {
    return this.hash.digest("hex")
  }
}

/** Keeps the latest results reachable: otherwise the compiler may see that nobody needs the object, and not make it. */
export const keepLatest = (): (index: number, value: unknown) => void => {
  const kept: Array<unknown> = new Array(64).fill(undefined)
  return (index, value) => {
    kept[index & 63] = value
  }
}
