/** Finds out which of several protocols bytes are of, which kind of packets, and who sent them. Pure. */
import { captureFormatOf } from "@wirewright/capture"
import { DecodeError } from "@wirewright/codec/Errors"
import { CaptureConversations } from "./CaptureConversations.ts"
import type { Direction, ProtocolAdapter, Situation } from "./ProtocolAdapter.ts"

/** How bytes are best read. */
export interface Found {
  readonly adapter: ProtocolAdapter
  readonly situation: Situation
  /** Of the bytes looked at, the part that decodes, from 0 to 1. */
  readonly share: number
}

/** Packets that are looked at. */
const enough = 64
/** Bytes of a capture that are looked at. */
const captureHead = 2 * 1024 * 1024

/** What counts of bytes that are a packet which no command describes. */
const unknown = 0.25

/** What counts of bytes that do not decode: more where they begin as a packet does that is known, or end too early. */
const wrong = (isKnown: boolean, isIncomplete: boolean): number => isKnown ? 0.6 : isIncomplete ? 0.2 : 0

/** The part of bytes that decodes. */
const shareOf = (adapter: ProtocolAdapter, bytes: Uint8Array, begin: Situation): number => {
  let situation = begin
  let at = 0
  let good = 0
  try {
    for (let packets = 0; at < bytes.length && packets < enough; packets++) {
      const decoded = adapter.decode(bytes, at, situation)
      good += decoded.length * (decoded.facts.name.startsWith("Unknown") ? unknown : 1)
      situation = { ...situation, ...adapter.after(decoded, situation) }
      at += decoded.length
      if (decoded.length === 0) break
    }
    return bytes.length === 0 ? 0 : good / Math.max(1, at)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const isKnown = adapter.taken(bytes, at, situation, true).annotation.packet !== "Unknown"
    return (good + (bytes.length - at) * wrong(isKnown, error.incomplete)) / bytes.length
  }
}

/** Situations that bytes may be read in, the likeliest first. */
const situationsOf = (adapter: ProtocolAdapter, direction: Direction | undefined): ReadonlyArray<Situation> => {
  const session = adapter.begin()
  const sides: ReadonlyArray<Direction | undefined> = direction === undefined ? [undefined, "c2s", "s2c"] : [direction]
  const bySide = sides.map((side): Situation => ({ ...session, direction: side })).filter((one) => adapter.missing(one) === undefined)
  return [...bySide, ...adapter.kinds.map((kind): Situation => ({ ...session, direction, kind }))]
}

/** The protocol, kind and side that most of the bytes are of; the first of those that are equally good. */
export const detect = (adapters: ReadonlyArray<ProtocolAdapter>, bytes: Uint8Array, direction?: Direction): Found => {
  let best: Found | undefined
  for (const adapter of adapters) {
    for (const situation of situationsOf(adapter, direction)) {
      const share = shareOf(adapter, bytes, situation)
      if (best === undefined || share > best.share + 1e-9) best = { adapter, situation, share }
      if (best.share === 1) return best
    }
  }
  if (best === undefined) throw new RangeError("a page needs at least one protocol")
  return best
}

/** The protocol of which most packets are found in the beginning of a capture. */
export const detectCapture = (adapters: ReadonlyArray<ProtocolAdapter>, bytes: Uint8Array): ProtocolAdapter => {
  const [first] = adapters
  if (first === undefined) throw new RangeError("a page needs at least one protocol")
  if (adapters.length === 1 || captureFormatOf(bytes) === undefined) return first
  let best = { adapter: first, good: -1 }
  for (const adapter of adapters) {
    let good = 0
    const capture = new CaptureConversations(adapter, { servers: [], session: adapter.begin() }, {
      packet: (decoded) => {
        good += decoded.facts.name.startsWith("Unknown") ? 0 : decoded.length
      },
      trouble: () => {
        good -= 1
      }
    })
    capture.push(bytes.subarray(0, captureHead))
    capture.finish()
    if (good > best.good) best = { adapter, good }
  }
  return best.adapter
}
