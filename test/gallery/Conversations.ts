/**
 * Test only: what every protocol of the gallery must do with the conversations that others recorded.
 *
 * A conversation is decoded in the order of its chunks, because what one side says can change how the other is to be read (MQTT's level, a
 * start-up phase); `Gallery.follow` says so. What was decided is kept with each packet, so that it can be read again cut anywhere.
 */
import { annotate, Catalog, DecodeError, EncodeError, Framer, type FrameShape, hexOf, Reader, Writer } from "@wirewright/codec"
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

const joined = (parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

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
const attempt = (recorded: Recorded, bytes: Uint8Array, reading: Reading): { packet: AnyPacket; end: number } | DecodeError => {
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

/** Values that decoders decide on. */
const edges = [0, 1, 2, 0x0a, 0x0d, 0x0f, 0x10, 0x20, 0x2d, 0x30, 0x39, 0x7f, 0x80, 0xfe, 0xff]

type Below = (bound: number) => number

/** Changes one field: its bits, its bytes, its size; or takes it from another packet, repeats it, leaves it out. */
const changed = (below: Below, bytes: Uint8Array, [offset, length]: readonly [number, number], other: Uint8Array): Uint8Array => {
  const before = bytes.subarray(0, offset)
  const field = bytes.slice(offset, offset + length)
  const after = bytes.subarray(offset + length)
  switch (below(8)) {
    case 0:
      field[below(length)]! ^= 1 << below(8)
      break
    case 1:
      field[below(length)] = edges[below(edges.length)]!
      break
    case 2:
      field.fill(edges[below(edges.length)]!)
      break
    case 3:
      for (let i = 0; i < length; i++) field[i] = below(256)
      break
    case 4: {
      const at = below(other.length)
      return joined([before, other.subarray(at, at + 1 + below(16)), after])
    }
    case 5:
      return joined([before, field, field, after])
    case 6:
      return joined([before, after])
    default:
      return joined([before, field, new Uint8Array(1 + below(8)).fill(edges[below(edges.length)]!), after])
  }
  return joined([before, field, after])
}

/** What came of mutations. */
export interface Mutations {
  packets: number
  refused: number
  incomplete: number
  readonly findings: Array<string>
}

/**
 * Changes recorded packets where the interpreter says that fields stand. What comes out is a packet that is written as it came, or a typed
 * error; the interpreter agrees; what is not incomplete does not become a packet when more follows.
 */
export const mutations = (recorded: Recorded, count = 20_000, seed = 1): Mutations => {
  const below = random(seed)
  const sorts = new Map<string, Array<{ readonly bytes: Uint8Array; readonly reading: Reading; readonly datagram: boolean }>>()
  for (const { bytes, one, stream } of recorded.packets) {
    if (bytes.length > 2_000) continue
    const sort = `${one.packet._tag} ${JSON.stringify(one.reading)}`
    sorts.set(sort, [...sorts.get(sort) ?? [], { bytes, reading: one.reading, datagram: stream.datagrams }])
  }
  const all = [...sorts.values()]
  const pick = () => {
    const of = all[below(all.length)]!
    return of[below(of.length)]!
  }
  const out: Mutations = { packets: 0, refused: 0, incomplete: 0, findings: [] }
  for (let run = 0; run < count && out.findings.length < 10; run++) {
    const { bytes: original, datagram, reading } = pick()
    let bytes = original
    for (let changes = 1 + below(2); changes > 0; changes--) {
      const places = recorded.annotate(bytes, reading).fields.filter(({ length }) => length > 0)
      if (places.length === 0) break
      const { length, offset } = places[below(places.length)]!
      bytes = changed(below, bytes, [offset, length], pick().bytes)
    }
    const say = (what: string): void => void out.findings.push(`run ${run} ${JSON.stringify(reading)}: ${what}; ${hexOf(bytes)}`)
    try {
      const got = attempt(recorded, bytes, reading)
      const annotation = recorded.annotate(bytes, reading)
      if (got instanceof DecodeError) {
        if (annotation.error === undefined) say(`the interpreter accepts what the decoder refuses: ${got.message}`)
        // the interpreter looks at what is there of a packet that has not come whole
        else if (annotation.error.incomplete && !got.incomplete) {
          say(`the interpreter waits for more (${annotation.error.message}): ${got.message}`)
        }
        if (got.incomplete) out.incomplete++
        else {
          out.refused++
          if (!datagram) {
            const more = joined([bytes, below(2) === 0 ? pick().bytes : new Uint8Array(1 + below(64)).fill(edges[below(edges.length)]!)])
            const later = attempt(recorded, more, reading)
            if (!(later instanceof DecodeError)) say(`a ${later.packet._tag} when more follows, before that ${got.message}`)
            else if (later.incomplete) say(`incomplete when more follows, before that ${got.message}`)
          }
        }
        continue
      }
      out.packets++
      const whole = bytes.subarray(0, got.end)
      if (annotation.error !== undefined) say(`the interpreter refuses a ${got.packet._tag}: ${annotation.error.message}`)
      else if (annotation.length !== got.end) say(`a ${got.packet._tag} takes ${got.end} bytes, for the interpreter ${annotation.length}`)
      const again = recorded.encode(got.packet, reading)
      if (recorded.gallery.spellings === true) {
        const same = attempt(recorded, again, reading)
        if (same instanceof DecodeError || !isDeepStrictEqual(same.packet, got.packet)) {
          say(`a ${got.packet._tag} is read otherwise from ${hexOf(again)}`)
        }
      } else if (hexOf(again) !== hexOf(whole)) say(`a ${got.packet._tag} is written as ${hexOf(again)}`)
    } catch (error) {
      say(
        error instanceof EncodeError
          ? `what was read is not written: ${error.message}`
          : `untyped: ${error instanceof Error ? error.stack : String(error)}`
      )
    }
  }
  return out
}

/**
 * Puts a packet that is refused among good ones, in frames that say how long they are: the framer hands out all others. Returns what was
 * lost, and the kinds that were tried.
 */
export const lostBesideBad = (recorded: Recorded): { readonly lost: ReadonlyArray<string>; readonly tried: ReadonlyArray<string> } => {
  const lost: Array<string> = []
  const tried: Array<string> = []
  const below = random(11)
  const all = recorded.sample(8_000)
  for (const kind of new Set(all.map(({ reading }) => reading.kind))) {
    const shape = (recorded.gallery.generated as Record<string, FrameShape | undefined>)[kind === undefined ? "frameShape" : `${kind}Shape`]
    const good = all.filter(({ reading }) => reading.kind === kind)
    if (shape === undefined || !("sizeAt" in shape)) continue
    const bad = good.flatMap(({ bytes, reading }) => {
      for (let attempts = 0; attempts < 100; attempts++) {
        const changed = bytes.slice()
        changed[below(changed.length)] = below(256)
        try {
          if (shape.sizeAt(new Reader(changed), 0, changed.length) !== changed.length) continue
        } catch (error) {
          if (error instanceof DecodeError) continue
          throw error
        }
        const got = attempt(recorded, changed, reading)
        if (got instanceof DecodeError && !got.incomplete) return [{ bytes: changed, reading, isBad: true }]
      }
      return []
    })[0]
    if (bad === undefined) continue
    tried.push(kind ?? "packet")
    const middle = good.length >> 1
    const sent = [...good.slice(0, middle), bad, ...good.slice(middle)]
    const whole = joined(sent.map(({ bytes }) => bytes))
    for (const step of [whole.length, 1, 7]) {
      const framer = new Framer(shape)
      const got: Array<string> = []
      let index = 0
      const push = (chunk: Uint8Array): void => {
        try {
          framer.push(chunk, (reader, at) => {
            const { reading } = sent[index++]!
            got.push(recorded.decode(reader, at, reading)._tag)
          })
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
          got.push("refused")
          push(new Uint8Array(0))
        }
      }
      for (let at = 0; at < whole.length; at += step) push(whole.subarray(at, at + step))
      const want = sent.map((one) => "packet" in one ? one.packet._tag : "refused")
      if (!isDeepStrictEqual(got, want)) lost.push(`${kind}, ${step} bytes at a time: ${got.length} of ${want.length}: ${got.join(" ")}`)
    }
  }
  return { lost, tried }
}
