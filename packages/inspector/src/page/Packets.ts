/**
 * The packets that the page shows, from what was pasted, from a capture, or from what is recorded right now. Bounded: of too many, the oldest
 * are dropped. Pure.
 */
import type { Flow } from "@wirewright/capture"
import { DecodeError } from "@wirewright/codec/Errors"
import { CaptureConversations, type CaptureReading } from "../CaptureConversations.ts"
import { type Passed, passedText } from "../PassedOver.ts"
import type { DecodedPacket, Direction, ProtocolAdapter, Situation } from "../ProtocolAdapter.ts"
import type { Piece } from "./Pasted.ts"

/** A packet, or bytes that are none. */
export interface Item {
  /** Counted from 1. */
  readonly number: number
  readonly bytes: Uint8Array
  readonly situation: Situation
  /** Name of the packet. */
  readonly name: string
  readonly status: string | undefined
  readonly error: DecodeError | undefined
  /** Number of the conversation; nothing for what was pasted. */
  readonly flow: number | undefined
  /** Of captures. */
  readonly frame: number | undefined
  /** Nanoseconds since 1970. */
  readonly time: bigint | undefined
  /** Number of the item that this one answers. */
  readonly asked: number | undefined
  /** Number of the first and the last item that answers this one, and how many there are. */
  answers: { readonly first: number; readonly last: number; readonly count: number } | undefined
}

/** A conversation. */
export interface FlowInfo {
  readonly number: number
  readonly client: string
  readonly server: string
  packets: number
  errors: number
}

/** Most packets that are kept. */
export const maxItems = 1_000_000
/** Most bytes that packets may have together. */
export const maxBytes = 512 * 1024 * 1024

/** Packets in the order they came. */
export class PacketList {
  readonly flows = new Map<number, FlowInfo>()
  /** What of a capture was passed over, in words. */
  notes: ReadonlyArray<string> = []
  private kept: Array<Item> = []
  private first = 1
  private bytes = 0
  errors = 0

  /** Packets that are there. */
  get items(): ReadonlyArray<Item> {
    return this.kept
  }

  /** Number of the packets dropped. */
  get dropped(): number {
    return this.first - 1
  }

  /** Number of the next item. */
  get next(): number {
    return this.first + this.kept.length
  }

  /** The packet of a number, unless it was dropped. */
  item(number: number): Item | undefined {
    return this.kept[number - this.first]
  }

  add(item: Item): void {
    this.kept.push(item)
    this.bytes += item.bytes.length
    if (item.error !== undefined) this.errors++
    const flow = item.flow === undefined ? undefined : this.flows.get(item.flow)
    if (flow !== undefined) {
      flow.packets++
      if (item.error !== undefined) flow.errors++
    }
    const asked = item.asked === undefined ? undefined : this.item(item.asked)
    if (asked !== undefined) {
      const { count, first } = asked.answers ?? { count: 0, first: item.number }
      asked.answers = { first, last: item.number, count: count + 1 }
    }
    if (this.kept.length > maxItems || this.bytes > maxBytes) this.drop()
  }

  /** Lets go of the oldest tenth, so that it happens seldom. */
  private drop(): void {
    const gone = this.kept.splice(0, Math.max(1, Math.floor(this.kept.length / 10)))
    this.first += gone.length
    for (const { bytes } of gone) this.bytes -= bytes.length
  }
}

interface Reading {
  readonly list: PacketList
  readonly adapter: ProtocolAdapter
}

const plain = {
  status: undefined,
  error: undefined,
  flow: undefined,
  frame: undefined,
  time: undefined,
  asked: undefined,
  answers: undefined
}

/** Adds the packets of bytes, one after the other; what does not decode is an item with its error. Returns how the session stands then. */
export const addBytes = ({ adapter, list }: Reading, bytes: Uint8Array, begin: Situation): Situation => {
  let situation = begin
  for (let at = 0; at < bytes.length;) {
    const size = adapter.sizeAt(bytes, at, situation)
    try {
      const decoded = adapter.decode(bytes, at, situation)
      const end = at + Math.max(1, decoded.length)
      list.add({
        ...plain,
        number: list.next,
        bytes: bytes.slice(at, end),
        situation,
        name: decoded.facts.name,
        status: decoded.facts.status
      })
      situation = { ...situation, ...adapter.after(decoded, situation) }
      at = end
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      const isLast = size === undefined || size <= 0 || at + size > bytes.length || error.reason === "Magic"
      const end = isLast ? bytes.length : at + size
      list.add({ ...plain, number: list.next, bytes: bytes.slice(at, end), situation, name: error.packet, error })
      at = end
    }
  }
  return situation
}

/** Adds what was pasted: packets one after the other, of one side each as far as that was said. */
export const addPieces = (reading: Reading, pieces: ReadonlyArray<Piece>, begin: Situation): void => {
  let situation = begin
  for (const piece of pieces) {
    const direction = piece.direction ?? begin.direction
    const now: Situation = { ...situation, direction }
    const bytes = "bytes" in piece ? piece.bytes : reading.adapter.fromJson(piece.json, now.states)
    const kind = "json" in piece && typeof piece.json["kind"] === "string" ? { kind: piece.json["kind"] } : {}
    situation = addBytes(reading, bytes, piece.direction === undefined ? { ...now, ...kind } : { ...now, kind: undefined })
  }
}

/** Adds the packets of a capture, piece by piece. */
export class CaptureFeed {
  private readonly capture: CaptureConversations
  private readonly list: PacketList
  private readonly adapter: ProtocolAdapter
  /** Of each conversation, the numbers of its packets in the list, by their number in the conversation. */
  private readonly numbers = new Map<number, Array<number>>()
  private packets = 0

  constructor({ adapter, list }: Reading, reading: CaptureReading) {
    this.list = list
    this.adapter = adapter
    this.capture = new CaptureConversations(adapter, reading, {
      opened: (flow) => this.opened(flow),
      packet: (decoded, { at, bytes, direction, end, flow, frame, number, situation, time }, asked) => {
        const numbers = this.numbers.get(flow.number)
        if (numbers !== undefined) numbers[number] = list.next
        this.packets++
        const request = asked === undefined ? undefined : numbers?.[asked.number]
        this.add(decoded, bytes.slice(at, end), { ...situation, direction }, { flow: flow.number, frame, time, asked: request })
      },
      trouble: (error, { bytes, direction, flow, frame, situation, time }) => {
        list.add({
          ...plain,
          number: list.next,
          bytes: bytes.slice(0, maxTroubleBytes),
          situation: { ...situation, direction },
          name: error.packet,
          error,
          flow: flow.number,
          frame,
          time
        })
      },
      closed: ({ flow }) => void this.numbers.delete(flow.number)
    })
  }

  push(chunk: Uint8Array): void {
    this.capture.push(chunk)
  }

  /** The capture has ended; what was passed over is said in the list. */
  finish(): void {
    const damage = this.capture.finish()
    const notes = this.capture.passedOver.all(this.packets, this.adapter.name).map((passed: Passed) => passedText(passed))
    this.list.notes = damage === undefined ? notes : [...notes, damage.message]
  }

  private opened({ client, number, server }: Flow): void {
    this.list.flows.set(number, { number, client, server, packets: 0, errors: 0 })
    this.numbers.set(number, [])
  }

  private add(
    { facts }: DecodedPacket,
    bytes: Uint8Array,
    situation: Situation,
    place: { readonly flow: number; readonly frame: number; readonly time: bigint | undefined; readonly asked: number | undefined }
  ): void {
    this.list.add({ ...plain, number: this.list.next, bytes, situation, name: facts.name, status: facts.status, ...place })
  }
}

/** Bytes kept of a stream that cannot be followed. */
const maxTroubleBytes = 64 * 1024

/** What a list is narrowed to. */
export interface Filter {
  /** Words that must all be in the packet's line, in any case. */
  readonly text: string
  readonly flow?: number | undefined
  readonly direction?: Direction | undefined
  readonly errorsOnly: boolean
}

/** The line of a packet that a filter searches: name, status, error, numbers. */
export const lineOf = ({ error, name, number, situation: { direction }, status }: Item): string =>
  `${number} ${direction ?? ""} ${name} ${status ?? ""} ${error === undefined ? "" : `error ${error.reason} ${error.message}`}`

const contains = (bytes: Uint8Array, part: Uint8Array): boolean => {
  for (let at = bytes.indexOf(part[0]!); at >= 0 && at + part.length <= bytes.length; at = bytes.indexOf(part[0]!, at + 1)) {
    let i = 1
    while (i < part.length && bytes[at + i] === part[i]) i++
    if (i === part.length) return true
  }
  return false
}

/** Whether a packet is among those a filter wants: each word is in its line, or in its bytes as it is written. */
export const wants = ({ direction, errorsOnly, flow, text }: Filter) => {
  const words = text.split(/\s+/).filter((word) => word !== "").map((word) => ({
    inLine: word.toLowerCase(),
    inBytes: new TextEncoder().encode(word)
  }))
  return (item: Item): boolean => {
    if (flow !== undefined && item.flow !== flow) return false
    if (direction !== undefined && item.situation.direction !== direction) return false
    if (errorsOnly && item.error === undefined) return false
    if (words.length === 0) return true
    const line = lineOf(item).toLowerCase()
    return words.every(({ inBytes, inLine }) => line.includes(inLine) || contains(item.bytes, inBytes))
  }
}
