/**
 * Test only: conversations as programs read them, chunk by chunk: through a framer where frames say how long they are, and as a stream of
 * packets where only reading them tells.
 */
import { DecodeError, Framer, type FrameShape, Reader } from "@wirewright/codec"
import type { AnyPacket } from "@wirewright/codec/Json"
import { PacketStream } from "@wirewright/codec/PacketStream"
import { random } from "@wirewright/codec/Random.fixture"
import { deepStrictEqual } from "node:assert/strict"
import { isDeepStrictEqual } from "node:util"
import { attempt, joined, type Reading, type Recorded } from "./Conversations.ts"

/** Bytes of a packet, how it is to be read, and what it is; nothing when it must be refused. */
interface Sent {
  readonly bytes: Uint8Array
  readonly reading: Reading
  readonly packet?: AnyPacket
}

/** How frames of a kind say how long they are; nothing where only reading them tells. */
const shapeOf = (recorded: Recorded, kind: string | undefined): FrameShape | undefined => {
  const { kinds } = recorded.catalog.frame
  const of = kind === undefined ? kinds[0] : recorded.catalog.kind(kind)
  if (of?.run?.end === "self") return undefined
  return (recorded.gallery.generated as Record<string, FrameShape | undefined>)[kind === undefined ? "frameShape" : `${kind}Shape`]
}

/** Kinds of packet with what of each is sent. */
const byKind = (recorded: Recorded, size: number): ReadonlyMap<string | undefined, ReadonlyArray<Sent>> => {
  const out = new Map<string | undefined, Array<Sent>>()
  for (const one of recorded.sample(size)) out.set(one.reading.kind, [...out.get(one.reading.kind) ?? [], one])
  return out
}

/** What reads chunks of packets of one kind, and says what they are: nothing for a frame that its decoder refuses. */
const reading = (
  recorded: Recorded,
  kind: string | undefined,
  sent: ReadonlyArray<Sent>,
  got: (packet: AnyPacket | undefined) => void,
  inPlace = false
): (chunk: Uint8Array) => void => {
  const shape = shapeOf(recorded, kind)
  let index = 0
  if (shape === undefined) {
    const { maxFrame, name } = recorded.catalog.frame
    const stream = new PacketStream({ name, maxFrame, inPlace, decode: (reader, at) => recorded.decode(reader, at, sent[index]!.reading) })
    return (chunk) => {
      stream.push(chunk, (packet) => {
        index++
        got(packet)
      })
    }
  }
  const framer = new Framer(shape, { inPlace })
  const push = (chunk: Uint8Array): void => {
    const before = index
    try {
      framer.push(chunk, (reader, at, end) => {
        const { reading } = sent[index++]!
        const packet = recorded.decode(reader, at, reading)
        if (reader.next !== end) throw new Error(`${packet._tag} ends at ${reader.next}, its frame at ${end}`)
        got(packet)
      })
    } catch (error) {
      // what comes after a frame that was refused comes with the next chunk
      if (!(error instanceof DecodeError) || index === before) throw error
      got(undefined)
      push(new Uint8Array(0))
    }
  }
  return push
}

const same = (got: ReadonlyArray<unknown>, sent: ReadonlyArray<Sent>, where: string): void => {
  const want = sent.map(({ packet }) => packet)
  if (!isDeepStrictEqual(got, want)) deepStrictEqual(got, want, where)
}

/** Every single cut of the sample gives the same packets. Returns the bytes that were cut, of all kinds. */
export const everyFramedCut = (recorded: Recorded, size: number): number => {
  let total = 0
  for (const [kind, sent] of byKind(recorded, size)) {
    const bytes = joined(sent.map((one) => one.bytes))
    total += bytes.length
    for (let cut = 0; cut <= bytes.length; cut++) {
      const got: Array<AnyPacket | undefined> = []
      // chunks lie side by side, so those left in place are joined without a copy
      const push = reading(recorded, kind, sent, (packet) => got.push(packet), cut % 2 === 0)
      push(bytes.subarray(0, cut))
      push(bytes.subarray(cut))
      same(got, sent, `${kind}, cut at ${cut}`)
    }
  }
  return total
}

/** Seeded chunkings of the sample give the same packets. */
export const framedChunkings = (recorded: Recorded, count: number, size: number): void => {
  const below = random(17)
  for (const [kind, sent] of byKind(recorded, size)) {
    const bytes = joined(sent.map((one) => one.bytes))
    for (let run = 0; run < count; run++) {
      const got: Array<AnyPacket | undefined> = []
      const push = reading(recorded, kind, sent, (packet) => got.push(packet), run % 3 > 0)
      const most = 2 ** (run % 11)
      for (let at = 0; at < bytes.length;) {
        const next = at + 1 + below(most)
        push(run % 3 === 1 ? bytes.subarray(at, next) : bytes.slice(at, next))
        at = next
      }
      same(got, sent, `${kind}, chunking ${run}`)
    }
  }
}

/** What the decoder refuses, of the size that its frame says; or, where packets end themselves, what no packet begins with. */
const badOf = (
  recorded: Recorded,
  kind: string | undefined,
  { bytes, reading }: Sent,
  below: (bound: number) => number
): Sent | undefined => {
  const shape = shapeOf(recorded, kind)
  for (let attempts = 0; attempts < 30; attempts++) {
    const changed = bytes.slice()
    changed[below(changed.length)] = below(256)
    try {
      if (shape !== undefined && shape.sizeAt(new Reader(changed), 0, changed.length) !== changed.length) continue
    } catch (error) {
      if (error instanceof DecodeError) continue
      throw error
    }
    const got = attempt(recorded, changed, reading)
    if (got instanceof DecodeError && !got.incomplete) return { bytes: changed, reading }
  }
  return undefined
}

/**
 * Puts packets that are refused among good ones. Where frames say how long they are, all others are handed out; where packets end themselves,
 * all before it, and the stream has failed. Returns what was lost, and how many of each kind were tried.
 */
export const lostBesideBad = (
  recorded: Recorded,
  most: number
): { readonly lost: ReadonlyArray<string>; readonly tried: ReadonlyMap<string, number> } => {
  const lost: Array<string> = []
  const tried = new Map<string, number>()
  const below = random(11)
  for (const [kind, good] of byKind(recorded, 4_000)) {
    const name = kind ?? "packet"
    for (const one of good) {
      if ((tried.get(name) ?? 0) === most) break
      const bad = badOf(recorded, kind, one, below)
      if (bad === undefined) continue
      tried.set(name, (tried.get(name) ?? 0) + 1)
      const at = below(good.length + 1)
      const sent = [...good.slice(0, at), bad, ...good.slice(at)]
      const whole = joined(sent.map(({ bytes }) => bytes))
      const isFramed = shapeOf(recorded, kind) !== undefined
      for (const step of [whole.length, 1, 7, 1 + below(200)]) {
        const got: Array<AnyPacket | undefined> = []
        const push = reading(recorded, kind, sent, (packet) => got.push(packet), step % 2 === 1)
        let failed = false
        for (let at = 0; at < whole.length; at += step) {
          try {
            push(whole.subarray(at, at + step))
          } catch (error) {
            if (isFramed || !(error instanceof DecodeError)) throw error
            failed = true
          }
        }
        const want = (isFramed ? sent : good.slice(0, at)).map(({ packet }) => packet)
        if (failed === isFramed || !isDeepStrictEqual(got, want)) {
          lost.push(`${name}, ${step} bytes at a time: ${got.length} of ${want.length}: ${got.map((packet) => packet?._tag).join(" ")}`)
        }
      }
    }
  }
  return { lost, tried }
}
