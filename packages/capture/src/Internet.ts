/**
 * From a captured frame to its TCP segment: link layer, IPv4 or IPv6, TCP header.
 *
 * Fragments are reported, not reassembled: they do not occur with TCP unless something is misconfigured.
 */
import { type CapturedFrame, LinkType } from "./Frame.ts"

/** One TCP segment. Addresses are text, `payload` is a view. */
export interface TcpSegment {
  /** `127.0.0.1:11210`, `[::1]:11210`. */
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  readonly flags: number
  /** The captured payload. */
  readonly payload: Uint8Array
  /** Payload length on the wire; larger than `payload.length` when the capture cut it off. */
  readonly length: number
}

/** TCP flag bits. */
export const TcpFlag = { Fin: 0x01, Syn: 0x02, Reset: 0x04, Acknowledge: 0x10 } as const

/** Why a frame yields no segment. */
export type Skipped = "otherLink" | "otherNetwork" | "otherTransport" | "fragment" | "damaged"

const etherIpv4 = 0x0800
const etherIpv6 = 0x86dd
const tagged: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100, 0x9200])
const protocolTcp = 6

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Follows VLAN tags from the ether type at `at`. */
const behindEtherType = (view: DataView, at: number): number | Skipped => {
  let position = at
  while (true) {
    if (position + 2 > view.byteLength) return "damaged"
    const type = view.getUint16(position)
    if (type === etherIpv4 || type === etherIpv6) return position + 2
    if (!tagged.has(type)) return "otherNetwork"
    position += 4
  }
}

const familyIpv4 = 2
const familiesIpv6: ReadonlySet<number> = new Set([10, 24, 28, 30])

/** Behind an address family, in whatever byte order the capturing machine had. */
const behindFamily = (view: DataView): number | Skipped => {
  if (view.byteLength < 4) return "damaged"
  const family = Math.min(view.getUint32(0), view.getUint32(0, true))
  return family === familyIpv4 || familiesIpv6.has(family) ? 4 : "otherNetwork"
}

/** Offset of the IP header. */
const networkOffset = (view: DataView, linkType: number): number | Skipped => {
  switch (linkType) {
    case LinkType.Ethernet:
      return behindEtherType(view, 12)
    case LinkType.LinuxSll:
      return behindEtherType(view, 14)
    case LinkType.LinuxSll2: {
      if (view.byteLength < 20) return "damaged"
      const type = view.getUint16(0)
      return type === etherIpv4 || type === etherIpv6 ? 20 : tagged.has(type) ? behindEtherType(view, 22) : "otherNetwork"
    }
    case LinkType.Null:
    case LinkType.Loop:
      return behindFamily(view)
    case LinkType.Raw:
    case LinkType.RawBsd:
    case LinkType.RawOpenBsd:
    case LinkType.Ipv4:
    case LinkType.Ipv6:
      return 0
    default:
      return "otherLink"
  }
}

const ipv4Text = (bytes: Uint8Array, at: number): string => `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`

/** IPv6 text after RFC 5952, without its mixed notation. */
const ipv6Text = (view: DataView, at: number): string => {
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(at + 2 * i).toString(16))
  let best = 0
  let bestLength = 1
  for (let i = 0, run = 0; i < 8; i++) {
    run = groups[i] === "0" ? run + 1 : 0
    if (run > bestLength) {
      bestLength = run
      best = i - run + 1
    }
  }
  return bestLength < 2 ? groups.join(":") : `${groups.slice(0, best).join(":")}::${groups.slice(best + bestLength).join(":")}`
}

/** A TCP header in `[at, captured)` of a packet that ends at `end` on the wire. */
const segmentAt = (
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  address: (destination: boolean) => string
): TcpSegment | Skipped => {
  if (at + 20 > view.byteLength || at + 20 > end) return "damaged"
  const dataOffset = (bytes[at + 12]! >> 4) * 4
  if (dataOffset < 20 || at + dataOffset > end || at + dataOffset > view.byteLength) return "damaged"
  const sourcePort = view.getUint16(at)
  const destinationPort = view.getUint16(at + 2)
  const start = at + dataOffset
  return {
    source: `${address(false)}:${sourcePort}`,
    destination: `${address(true)}:${destinationPort}`,
    sourcePort,
    destinationPort,
    sequence: view.getUint32(at + 4),
    flags: bytes[at + 13]!,
    payload: bytes.subarray(start, Math.min(end, view.byteLength)),
    length: end - start
  }
}

const ipv4Segment = (bytes: Uint8Array, view: DataView, at: number, frameEnd: number): TcpSegment | Skipped => {
  if (at + 20 > view.byteLength) return "damaged"
  const headerSize = (bytes[at]! & 0x0f) * 4
  // segmentation offload leaves a total length of 0
  const totalLength = view.getUint16(at + 2) || frameEnd - at
  if (headerSize < 20 || totalLength < headerSize) return "damaged"
  if ((view.getUint16(at + 6) & 0x3fff) !== 0) return "fragment"
  if (bytes[at + 9] !== protocolTcp) return "otherTransport"
  return segmentAt(bytes, view, at + headerSize, at + totalLength, (destination) => ipv4Text(bytes, at + (destination ? 16 : 12)))
}

/** IPv6 headers that may stand between the fixed header and TCP: hop-by-hop, routing, destination options, mobility, HIP, shim6. */
const extensions: ReadonlySet<number> = new Set([0, 43, 60, 135, 139, 140])
const fragmentHeader = 44
const authenticationHeader = 51

const ipv6Segment = (bytes: Uint8Array, view: DataView, at: number, frameEnd: number): TcpSegment | Skipped => {
  if (at + 40 > view.byteLength) return "damaged"
  const payloadLength = view.getUint16(at + 4)
  const end = payloadLength === 0 ? frameEnd : at + 40 + payloadLength
  let next = bytes[at + 6]!
  let position = at + 40
  while (next !== protocolTcp) {
    if (position + 8 > view.byteLength || position + 8 > end) return "damaged"
    if (next === fragmentHeader) {
      if ((view.getUint16(position + 2) & 0xfff9) !== 0) return "fragment"
      next = bytes[position]!
      position += 8
    } else if (extensions.has(next) || next === authenticationHeader) {
      const size = next === authenticationHeader ? (bytes[position + 1]! + 2) * 4 : (bytes[position + 1]! + 1) * 8
      next = bytes[position]!
      position += size
    } else return "otherTransport"
  }
  return segmentAt(bytes, view, position, end, (destination) => `[${ipv6Text(view, at + (destination ? 24 : 8))}]`)
}

/** The TCP segment of a captured frame, or why there is none. */
export const segmentOf = (frame: CapturedFrame): TcpSegment | Skipped => {
  const bytes = frame.data
  const view = viewOf(bytes)
  const at = networkOffset(view, frame.linkType)
  if (typeof at === "string") return at
  if (at >= view.byteLength) return "damaged"
  const frameEnd = Math.max(frame.originalLength, view.byteLength)
  const version = bytes[at]! >> 4
  return version === 4 ? ipv4Segment(bytes, view, at, frameEnd) : version === 6 ? ipv6Segment(bytes, view, at, frameEnd) : "otherNetwork"
}
