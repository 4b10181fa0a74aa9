/**
 * Test only: what every protocol of the gallery must do with the conversations that others recorded.
 *
 * A conversation is decoded in the order of its chunks, because what one side says can change how the other is to be read (MQTT's level, a
 * start-up phase); `Gallery.follow` says so. What was decided is kept with each packet, so that it can be read again cut anywhere.
 */
import { annotate, Catalog, DecodeError, hexOf, Reader, Writer } from "@wirewright/codec"
import type { Customs } from "@wirewright/codec/Catalog"
import { type AnyPacket, packetFromJson, packetToJson } from "@wirewright/codec/Json"
import type { Model } from "@wirewright/codec/Model"
import { random } from "@wirewright/codec/Random.fixture"
import * as Schema from "effect/Schema"
import { deepStrictEqual } from "node:assert/strict"
import { readFileSync } from "node:fs"
import { isDeepStrictEqual } from "node:util"

/** Who sent something. */
export type Side = "client" | "server"

/** What was recorded between a client and a server. */
export interface Conversation {
  readonly name: string
  readonly transport: string
  readonly chunks: ReadonlyArray<{ readonly from: Side; readonly hex: string }>
}

/** How a packet is to be read. */
export interface Reading {
  /** Default: the only kind that there is. */
  readonly kind?: string
  readonly states?: Readonly<Record<string, boolean | number>>
}

/** Follows one conversation. */
export interface Following {
  /** How the next packet of a side is to be read; nothing when the rest is not of this protocol, such as TLS. */
  readonly next: (from: Side) => Reading | undefined
  /** A packet was read. */
  readonly saw?: (from: Side, packet: AnyPacket) => void
}

/** A protocol of the gallery. */
export interface Gallery {
  /** For people: `MQTT`. */
  readonly title: string
  /** Names of files in `test/fixtures/gallery`, without `.json`. */
  readonly fixtures: ReadonlyArray<string>
  /** Name of the file in `packages/examples/src/spec`; or its path from the root of the repository. */
  readonly spec: string
  readonly models: ReadonlyArray<Model>
  /** All that the generated `index.ts` exports. */
  readonly generated: object
  /** All that the generated `Schemas.ts` exports. */
  readonly schemas: object
  /** Faces of the fields that only code can say. */
  readonly customs?: Customs
  /** Recordings in another shape than conversations, brought into it. */
  readonly conversations?: ReadonlyArray<Conversation>
  /**
   * What is read may be spelled in several ways (where DNS points back): what others changed need not be written as it came, but so that it
   * is read the same.
   */
  readonly spellings?: true
  /** Default: both sides send packets of the only kind, and no state is on. */
  readonly follow?: (conversation: Conversation) => Following
  /** What a peer sent that is no packet, by the reason, and must be refused there: `conversation, side, offset`. What follows is not read. */
  readonly refused?: { readonly [because: string]: ReadonlyArray<string> }
  /** Protocols of lines: what is refused is named by its line instead, and what follows it is read all the same. */
  readonly lines?: boolean
}

/** Follows the phases that a spec describes: what each side sends next follows from the last packet with a `then`. */
export const followPhases = (models: ReadonlyArray<Model>): Following => {
  const { phases = [] } = models[0]!.frame
  const catalog = Catalog.of(models)
  let phase = phases[0]!
  return {
    next: (from) => {
      const kind = phase[from]
      return kind === undefined ? undefined : { kind }
    },
    saw: (_, packet) => {
      const then = catalog.byTag(packet._tag)?.command?.then
      if (then !== undefined) phase = phases.find(({ name }) => name === then)!
    }
  }
}

/** A packet that a peer sent. */
export interface Packet {
  readonly at: number
  readonly end: number
  readonly reading: Reading
  readonly packet: AnyPacket
}

/** What one side sent in a conversation. */
export interface Stream {
  readonly name: string
  readonly from: Side
  readonly bytes: Uint8Array
  readonly packets: ReadonlyArray<Packet>
  /** Where reading has ended. */
  readonly at: number
  /** Each chunk is a datagram of its own. */
  readonly datagrams: boolean
  /** Lines that were refused, where reading goes on after them. */
  readonly skipped: ReadonlyArray<{ readonly at: number; readonly because: DecodeError }>
  /** Why the rest was not read. */
  readonly stopped: { readonly at: number; readonly because: DecodeError | "not of this protocol" } | undefined
}

export const joined = (parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

/** The beginning of a line, byte by byte. */
const lineAt = (bytes: Uint8Array, at: number): string => {
  const end = bytes.indexOf(0x0a, at)
  const line = Buffer.from(bytes.subarray(at, end === -1 ? bytes.length : end + 1)).toString("latin1")
  return line.length > 60 ? `${line.slice(0, 60)}…` : line
}

const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1)

type Decode = (reader: Reader, at: number, states: object) => AnyPacket
type Encode = (writer: Writer, packet: AnyPacket, states: object) => void

/** The packets of everything that was recorded of a protocol, and the functions that read them again. */
export class Recorded {
  readonly catalog: Catalog
  readonly streams: ReadonlyArray<Stream>
  readonly gallery: Gallery

  constructor(gallery: Gallery) {
    this.gallery = gallery
    this.catalog = Catalog.of(gallery.models, gallery.customs)
    const all = gallery.fixtures.flatMap((fixture) => {
      const file = new URL(`../fixtures/gallery/${fixture}.json`, import.meta.url)
      return (JSON.parse(readFileSync(file, "utf8")) as { readonly conversations: ReadonlyArray<Conversation> }).conversations
    })
    this.streams = [...all, ...gallery.conversations ?? []].flatMap((conversation) => this.read(conversation))
  }

  /** All packets with the bytes of their stream. */
  get packets(): ReadonlyArray<{ readonly stream: Stream; readonly one: Packet; readonly bytes: Uint8Array }> {
    return this.streams.flatMap((stream) => stream.packets.map((one) => ({ stream, one, bytes: stream.bytes.subarray(one.at, one.end) })))
  }

  private function<F>(name: string): F {
    const found = (this.gallery.generated as Record<string, unknown>)[name]
    if (typeof found !== "function") throw new TypeError(`${this.gallery.title} has no function ${name}`)
    return found as F
  }

  private states(reading: Reading): object {
    return { ...(this.gallery.generated as { readonly noStates?: object }).noStates, ...reading.states }
  }

  private readonly readers = new WeakMap<Reading, { readonly decode: Decode; readonly states: object }>()

  /** Reads a packet; the offset after it is in `reader.next`. */
  decode(reader: Reader, at: number, reading: Reading): AnyPacket {
    let known = this.readers.get(reading)
    if (known === undefined) {
      const name = reading.kind === undefined ? "decode" : `decode${capital(reading.kind)}`
      known = { decode: this.function<Decode>(name), states: this.states(reading) }
      this.readers.set(reading, known)
    }
    return known.decode(reader, at, known.states)
  }

  /** The bytes of a packet. */
  encode(packet: AnyPacket, reading: Reading): Uint8Array {
    const writer = new Writer()
    this.function<Encode>("encode")(writer, packet, this.states(reading))
    return writer.take()
  }

  /** The interpreter's view of a packet. */
  annotate(bytes: Uint8Array, reading: Reading) {
    return annotate(this.catalog, bytes, {
      states: new Map(Object.entries(reading.states ?? {}).map(([name, value]) => [name, Number(value)])),
      ...(reading.kind === undefined ? {} : { kind: reading.kind })
    })
  }

  private read(conversation: Conversation): ReadonlyArray<Stream> {
    const following: Following = this.gallery.follow?.(conversation) ?? { next: () => ({}) }
    const datagrams = conversation.transport === "udp"
    const sides = (["client", "server"] as const).map((from) => {
      const bytes = joined(conversation.chunks.filter((one) => one.from === from).map(({ hex }) => Buffer.from(hex, "hex")))
      return {
        name: conversation.name,
        from,
        bytes,
        datagrams,
        packets: [] as Array<Packet>,
        at: 0,
        there: 0,
        skipped: [] as Array<{ at: number; because: DecodeError }>,
        stopped: undefined as Stream["stopped"]
      }
    })
    for (const { from, hex } of conversation.chunks) {
      const side = sides.find((one) => one.from === from)!
      side.there += hex.length / 2
      while (side.at < side.there && side.stopped === undefined) {
        const reading = following.next(from)
        if (reading === undefined) {
          side.stopped = { at: side.at, because: "not of this protocol" }
          break
        }
        const reader = new Reader(datagrams ? side.bytes.subarray(side.at, side.there) : side.bytes.subarray(0, side.there))
        try {
          const base = datagrams ? side.at : 0
          const packet = this.decode(reader, side.at - base, reading)
          side.packets.push({ at: side.at, end: base + reader.next, reading, packet })
          side.at = base + reader.next
          following.saw?.(from, packet)
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
          if (error.incomplete && !datagrams) break
          const line = side.bytes.indexOf(0x0a, side.at)
          if (this.gallery.lines === true && line !== -1) {
            side.skipped.push({ at: side.at, because: error })
            side.at = line + 1
            continue
          }
          side.stopped = { at: side.at, because: error }
        }
      }
    }
    return sides.filter(({ bytes }) => bytes.length > 0)
  }

  /** What was not read though nobody said that it is wrong; or was read though it is. */
  unread(): ReadonlyArray<string> {
    const refused = new Set(Object.values(this.gallery.refused ?? {}).flat())
    const out = new Set<string>()
    const lines = new Set<string>()
    for (const { bytes, skipped } of this.streams) {
      for (const { at, because } of skipped) {
        const line = lineAt(bytes, at)
        if (refused.delete(line)) lines.add(line)
        else if (!lines.has(line)) out.add(`${JSON.stringify(line)}: ${because}`)
      }
    }
    for (const { at, bytes, from, name, stopped } of this.streams) {
      if (at === bytes.length || stopped?.because === "not of this protocol") continue
      const place = `${name}, ${from}, ${at}`
      if (!refused.delete(place)) out.add(`${place}: ${stopped?.because ?? "ends within a packet"} ${hexOf(bytes.subarray(at, at + 32))}`)
      else if (stopped === undefined && this.gallery.lines !== true) out.add(`${place}: incomplete, not refused`)
    }
    return [...out, ...[...refused].map((place) => `${place}: not refused`)]
  }

  /** How many times something was refused, by the reason. */
  refusals(): ReadonlyMap<string, number> {
    const places = this.streams.flatMap(({ at, bytes, from, name, skipped }) => [
      ...skipped.map((one) => lineAt(bytes, one.at)),
      ...(at < bytes.length ? [`${name}, ${from}, ${at}`] : [])
    ])
    const counted = Object.entries(this.gallery.refused ?? {}).map(([because, list]): [string, number] => {
      const listed = new Set(list)
      return [because, places.filter((place) => listed.has(place)).length]
    })
    return new Map(counted)
  }

  /** Why a packet does not come back as it came; nothing when all is well. */
  difference(bytes: Uint8Array, { packet, reading }: Packet): string | undefined {
    const want = hexOf(bytes)
    const again = hexOf(this.encode(packet, reading))
    if (again !== want) return `${packet._tag} is written as ${again}, not ${want}`
    const annotation = this.annotate(bytes, reading)
    if (annotation.error !== undefined) return `${packet._tag} is refused by the interpreter: ${annotation.error.message}`
    if (annotation.length !== bytes.length) return `${packet._tag} takes ${annotation.length} bytes of ${bytes.length} for the interpreter`
    const json: unknown = JSON.parse(JSON.stringify(packetToJson(this.catalog, packet, bytes.length)))
    const fromJson = packetFromJson(this.catalog, json)
    const third = hexOf(this.encode(fromJson, reading))
    if (third !== want) return `${packet._tag} comes back from JSON as ${third}, not ${want}: ${JSON.stringify(json)}`
    const schema = (this.gallery.schemas as Record<string, Schema.Codec<unknown>>)[packet._tag]
    if (schema === undefined) return `no schema of ${packet._tag}`
    const accepts: boolean = Schema.is(schema)(packet)
    if (!accepts) return `the schema of ${packet._tag} refuses ${JSON.stringify(json)}`
    return undefined
  }

  /** Differences of all packets, each kind of difference once. */
  differences(): ReadonlyArray<string> {
    const out: Array<string> = []
    for (const { bytes, one, stream } of this.packets) {
      if (out.length >= 10) break
      let difference: string | undefined
      try {
        difference = this.difference(bytes, one)
      } catch (error) {
        difference = `${one.packet._tag}: ${error instanceof Error ? error.stack : String(error)}`
      }
      if (difference !== undefined) out.push(`${stream.name}, ${stream.from}, ${one.at}: ${difference.slice(0, 2_000)}`)
    }
    return out
  }

  /** Short packets of every sort, in the order recorded, in about `size` bytes; each sort stands for itself before any comes twice. */
  sample(size: number): ReadonlyArray<Packet & { readonly bytes: Uint8Array }> {
    const sorts = new Map<string, Array<Packet & { readonly bytes: Uint8Array }>>()
    for (const { bytes, one, stream } of this.packets) {
      if (bytes.length > 512 || stream.datagrams) continue
      const sort = `${one.packet._tag} ${JSON.stringify(one.reading)}`
      sorts.set(sort, [...sorts.get(sort) ?? [], { ...one, bytes }])
    }
    const out: Array<Packet & { readonly bytes: Uint8Array }> = []
    let length = 0
    for (let round = 0; length < size; round++) {
      let found = false
      for (const of of sorts.values()) {
        const next = of[round]
        if (next === undefined) continue
        found = true
        out.push(next)
        length += next.bytes.length
        if (length >= size) break
      }
      if (!found) break
    }
    return out
  }

  /** Everything that was recorded over streams, again and again, in about `size` bytes. */
  repeated(size: number): ReadonlyArray<Packet & { readonly bytes: Uint8Array }> {
    const all = this.packets.filter(({ stream }) => !stream.datagrams)
    const out: Array<Packet & { readonly bytes: Uint8Array }> = []
    for (let length = 0; length < size && all.length > 0;) {
      for (const { bytes, one } of all) {
        out.push({ ...one, bytes })
        length += bytes.length
        if (length >= size) break
      }
    }
    return out
  }
}

/** Reads packets from bytes that come cut at `cuts`; `said` is told of each. */
export const readCut = (
  recorded: Recorded,
  packets: ReadonlyArray<{ readonly reading: Reading }>,
  bytes: Uint8Array,
  cuts: Iterable<number>,
  said: (packet: AnyPacket, end: number) => void
): void => {
  let at = 0
  let index = 0
  const arrived = (there: number): void => {
    const reader = new Reader(bytes.subarray(0, there))
    while (at < there && index < packets.length) {
      try {
        const packet = recorded.decode(reader, at, packets[index]!.reading)
        at = reader.next
        index++
        said(packet, at)
      } catch (error) {
        if (error instanceof DecodeError && error.incomplete) return
        throw error
      }
    }
  }
  for (const cut of cuts) arrived(cut)
  arrived(bytes.length)
}

/** Every single cut of the sample gives the same packets. */
export const everyCut = (recorded: Recorded, size = 4096): number => {
  const sample = recorded.sample(size)
  const bytes = joined(sample.map((one) => one.bytes))
  for (let cut = 0; cut <= bytes.length; cut++) {
    const got: Array<AnyPacket> = []
    readCut(recorded, sample, bytes, [cut], (packet) => got.push(packet))
    if (!isDeepStrictEqual(got, sample.map(({ packet }) => packet))) {
      deepStrictEqual(got, sample.map(({ packet }) => packet), `cut at ${cut}`)
    }
  }
  return bytes.length
}

/**
 * Seeded chunkings of everything, repeated, give the same packets. All packets that a cut goes through are read whenever more of them has
 * come; of those that lie within a chunk, which were read before with bytes after them, some. Returns the bytes that were read each time.
 */
export const chunkings = (recorded: Recorded, count = 1_000, size = 1_000_000): number => {
  const all = recorded.repeated(size)
  const bytes = joined(all.map((one) => one.bytes))
  const ends: Array<number> = []
  for (const one of all) ends.push((ends.at(-1) ?? 0) + one.bytes.length)
  const below = random(7)
  for (let run = 0; run < count; run++) {
    const most = 2 ** (11 + run % 6)
    let index = 0
    let at = 0
    for (let before = 0, there = 0; there < bytes.length;) {
      before = there
      there = Math.min(bytes.length, there + 1 + below(most))
      const reader = new Reader(bytes.subarray(0, there))
      while (at < there) {
        const want = all[index]!
        const end = ends[index]!
        if (at >= before && end < there && below(64) !== 0) {
          at = end
          index++
          continue
        }
        try {
          const packet = recorded.decode(reader, at, want.reading)
          if (reader.next !== end || packet._tag !== want.packet._tag) {
            throw new Error(
              `chunking ${run}: packet ${index} is ${packet._tag} that ends at ${reader.next}, not ${want.packet._tag} at ${end}`
            )
          }
          if (below(16) === 0 && !isDeepStrictEqual(packet, want.packet)) deepStrictEqual(packet, want.packet, `chunking ${run}`)
          at = end
          index++
        } catch (error) {
          if (error instanceof DecodeError && error.incomplete && end > there) break
          throw error
        }
      }
    }
    if (index !== all.length) throw new Error(`chunking ${run}: ${index} of ${all.length} packets`)
  }
  return bytes.length
}

/** What reading gives: a packet, or a typed error. Anything else is thrown. */
export const attempt = (recorded: Recorded, bytes: Uint8Array, reading: Reading): { packet: AnyPacket; end: number } | DecodeError => {
  const reader = new Reader(bytes)
  try {
    return { packet: recorded.decode(reader, 0, reading), end: reader.next }
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

/** Proper prefixes of packets that are not incomplete. All of short packets are tried, some of long ones. */
export const prefixesThatDecode = (recorded: Recorded): ReadonlyArray<string> => {
  const out: Array<string> = []
  const below = random(3)
  const tried = new Set<string>()
  for (const { bytes, one, stream } of recorded.packets) {
    if (stream.datagrams) continue
    const key = hexOf(bytes.subarray(0, 2_000))
    if (tried.has(key)) continue
    tried.add(key)
    const sizes = bytes.length <= 300
      ? Array.from({ length: bytes.length }, (_, size) => size)
      : Array.from({ length: 300 }, () => below(bytes.length))
    for (const size of sizes) {
      const got = attempt(recorded, bytes.subarray(0, size), one.reading)
      if (got instanceof DecodeError && got.incomplete) continue
      out.push(`${one.packet._tag}, ${size} of ${bytes.length} bytes: ${got instanceof DecodeError ? got.message : `a ${got.packet._tag}`}`)
      break
    }
    if (out.length >= 10) break
  }
  return out
}
