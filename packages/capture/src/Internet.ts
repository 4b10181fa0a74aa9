/**
 * From captured frames to TCP segments and UDP datagrams: whatever is below IP, IPv4 and IPv6 with their extension headers and fragments,
 * tunnels, TCP and UDP.
 */
import { type CapturedFrame, missing, type NextHeader, type Packet, type Skipped } from "./Frame.ts"
import { type FragmentLimits, fragmentLimits, Fragments } from "./Fragments.ts"
import { afterLink } from "./LinkLayer.ts"
import { afterProtocol, otherProtocol, udpSize } from "./Tunnel.ts"

/** One TCP segment. Addresses are text, `payload` is a view. */
export interface TcpSegment {
  /** `127.0.0.1:11210`, `[::1]:11210`. */
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  /** Next sequence number that the sender expects; without meaning when `flags` lack `Acknowledge`. */
  readonly acknowledgement: number
  readonly flags: number
  /** The captured payload. */
  readonly payload: Uint8Array
  /** Payload length on the wire; larger than `payload.length` when the capture cut it off. */
  readonly length: number
}

/** One UDP datagram. Addresses are text, `payload` is a view. */
export interface UdpDatagram {
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  /** The whole payload. */
  readonly payload: Uint8Array
}

/** TCP flag bits. */
export const TcpFlag = { Fin: 0x01, Syn: 0x02, Reset: 0x04, Acknowledge: 0x10 } as const

/** Most headers of one frame: a bound for packets that contain each other, far above what occurs. */
const maxHeaders = 64

const protocolTcp = 6
const protocolUdp = 17
const protocolAuthentication = 51

const packetOf = (bytes: Uint8Array): Packet => ({ bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) })

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

/** What an IP packet carries. */
interface Datagram {
  readonly packet: Packet
  readonly protocol: number
  readonly at: number
  readonly end: number
  readonly address: (destination: boolean) => string
}

/** A TCP header in a packet that ends at `end` on the wire. */
const segmentAt = ({ address, at, end, packet }: Datagram): TcpSegment | Skipped => {
  const short = missing(packet, at, end, 20, "TCP")
  if (short !== undefined) return short
  const { bytes, view } = packet
  const dataOffset = (bytes[at + 12]! >> 4) * 4
  if (dataOffset < 20) return { reason: "damaged", what: "TCP" }
  const cut = missing(packet, at, end, dataOffset, "TCP")
  if (cut !== undefined) return cut
  const sourcePort = view.getUint16(at)
  const destinationPort = view.getUint16(at + 2)
  const start = at + dataOffset
  return {
    source: `${address(false)}:${sourcePort}`,
    destination: `${address(true)}:${destinationPort}`,
    sourcePort,
    destinationPort,
    sequence: view.getUint32(at + 4),
    acknowledgement: view.getUint32(at + 8),
    flags: bytes[at + 13]!,
    payload: bytes.subarray(start, Math.min(end, bytes.length)),
    length: end - start
  }
}

/** A datagram after a UDP header that is all there; its length has been checked. */
const datagramAt = ({ address, at, end, packet }: Datagram): UdpDatagram | Skipped => {
  const { bytes, view } = packet
  const length = view.getUint16(at + 4)
  const last = length < udpSize ? end : Math.min(end, at + length)
  const cut = missing(packet, at, last, last - at, "UDP")
  if (cut !== undefined) return cut
  const [sourcePort, destinationPort] = [view.getUint16(at), view.getUint16(at + 2)]
  return {
    source: `${address(false)}:${sourcePort}`,
    destination: `${address(true)}:${destinationPort}`,
    sourcePort,
    destinationPort,
    payload: bytes.subarray(at + udpSize, last)
  }
}

/** IPv6 headers that may stand between the fixed header and TCP: hop-by-hop, routing, destination options, mobility, HIP, shim6. */
const extensions: ReadonlySet<number> = new Set([0, 43, 60, 135, 139, 140])
const protocolFragment = 44

/** A part of a datagram; `undefined` when it is whole. */
interface Part {
  readonly key: string
  readonly offset: number
  readonly isLast: boolean
  readonly protocol: number
  readonly at: number
  readonly end: number
}

/** Whether a UDP datagram is wanted, by its addresses `host:port`; others are skipped. */
export type DatagramFilter = (source: string, destination: string) => boolean

/** Finds the TCP segments, and UDP datagrams that are wanted, of a capture's frames, which are to be given in order. */
export class SegmentReader {
  private readonly fragments: Fragments
  private readonly wants: DatagramFilter

  /** `givenUp` receives the frames of each IP datagram whose fragments are not all there. Default: no UDP datagram is wanted. */
  constructor(
    givenUp: (frames: ReadonlyArray<number>) => void,
    limits: FragmentLimits = fragmentLimits,
    wants: DatagramFilter = () => false
  ) {
    this.wants = wants
    this.fragments = new Fragments(givenUp, limits)
  }

  /** The segment or datagram in a frame, or why there is none; `undefined` when the frame holds a fragment, and others are still to come. */
  read(frame: CapturedFrame): TcpSegment | UdpDatagram | Skipped | undefined {
    let packet = packetOf(frame.data)
    let next: NextHeader = { header: "link", at: 0, end: Math.max(frame.originalLength, frame.data.length), type: frame.linkType }
    for (let headers = 0; headers < maxHeaders; headers++) {
      const { header } = next
      let found: NextHeader | Skipped | undefined
      if (header === "ip") {
        const carried = this.behindIp(packet, next, frame)
        if (carried === undefined || "reason" in carried) return carried
        if (carried.protocol === protocolTcp) return segmentAt(carried)
        packet = carried.packet
        if (carried.protocol === protocolUdp && this.isWanted(carried)) return datagramAt(carried)
        found = afterProtocol(packet, carried.protocol, carried.at, carried.end) ?? otherProtocol(carried.protocol)
      } else found = afterLink(packet, { ...next, header })
      if ("reason" in found) return found
      next = found
    }
    return { reason: "unsupported", what: `more than ${maxHeaders} headers` }
  }

  /** The capture has ended: no more fragments come. */
  finish(): void {
    this.fragments.finish()
  }

  private isWanted({ address, at, end, packet }: Datagram): boolean {
    if (missing(packet, at, end, udpSize, "UDP") !== undefined) return false
    return this.wants(`${address(false)}:${packet.view.getUint16(at)}`, `${address(true)}:${packet.view.getUint16(at + 2)}`)
  }

  private behindIp(packet: Packet, { at, end }: NextHeader, frame: CapturedFrame): Datagram | Skipped | undefined {
    const short = missing(packet, at, end, 1, "IP")
    if (short !== undefined) return short
    const version = packet.bytes[at]! >> 4
    if (version === 4) return this.behindIpv4(packet, at, end, frame)
    if (version === 6) return this.behindIpv6(packet, at, end, frame)
    return { reason: "damaged", what: `IP of version ${version}` }
  }

  private behindIpv4(packet: Packet, at: number, frameEnd: number, frame: CapturedFrame): Datagram | Skipped | undefined {
    const short = missing(packet, at, frameEnd, 20, "IPv4")
    if (short !== undefined) return short
    const { bytes, view } = packet
    const headerSize = (bytes[at]! & 0x0f) * 4
    // segmentation offload leaves a total length of 0
    const totalLength = view.getUint16(at + 2) || frameEnd - at
    if (headerSize < 20 || totalLength < headerSize) return { reason: "damaged", what: "IPv4" }
    const end = at + totalLength
    const protocol = bytes[at + 9]!
    const address = (destination: boolean): string => ipv4Text(bytes, at + (destination ? 16 : 12))
    const fragment = view.getUint16(at + 6)
    const part: Part | undefined = (fragment & 0x3fff) === 0 ? undefined : {
      key: `${address(false)} ${address(true)} ${protocol} ${view.getUint16(at + 4)}`,
      offset: (fragment & 0x1fff) * 8,
      isLast: (fragment & 0x2000) === 0,
      protocol,
      at: at + headerSize,
      end
    }
    if (part !== undefined) return this.collect(packet, part, address, frame)
    return behindExtensions({ packet, protocol, at: at + headerSize, end, address })
  }

  private behindIpv6(packet: Packet, at: number, frameEnd: number, frame: CapturedFrame): Datagram | Skipped | undefined {
    const short = missing(packet, at, frameEnd, 40, "IPv6")
    if (short !== undefined) return short
    const { bytes, view } = packet
    const payloadLength = view.getUint16(at + 4)
    const end = payloadLength === 0 ? frameEnd : at + 40 + payloadLength
    const address = (destination: boolean): string => `[${ipv6Text(view, at + (destination ? 24 : 8))}]`
    const carried = behindExtensions({ packet, protocol: bytes[at + 6]!, at: at + 40, end, address })
    if ("reason" in carried || carried.protocol !== protocolFragment) return carried
    const { at: position } = carried
    const fragment = view.getUint16(position + 2)
    return this.collect(
      packet,
      {
        key: `${address(false)} ${address(true)} ${view.getUint32(position + 4)}`,
        offset: fragment & 0xfff8,
        isLast: (fragment & 1) === 0,
        protocol: bytes[position]!,
        at: position + 8,
        end
      },
      address,
      frame
    )
  }

  private collect(packet: Packet, part: Part, address: Datagram["address"], frame: CapturedFrame): Datagram | Skipped | undefined {
    const { at, end, isLast, key, offset, protocol } = part
    const short = missing(packet, at, end, end - at, "IP fragment")
    if (short !== undefined) return short
    if (!isLast && (end - at) % 8 !== 0 || offset + end - at > 0xffff) return { reason: "damaged", what: "IP fragment" }
    const whole = this.fragments.add({ key, offset, isLast, bytes: packet.bytes.subarray(at, end), frame: frame.number, time: frame.time })
    return whole && behindExtensions({ packet: packetOf(whole), protocol, at: 0, end: whole.length, address })
  }
}

/** Follows extension headers up to a fragment header that makes this a fragment, or to what is carried. */
const behindExtensions = (datagram: Datagram): Datagram | Skipped => {
  const { end, packet } = datagram
  let { at, protocol } = datagram
  while (extensions.has(protocol) || protocol === protocolAuthentication || protocol === protocolFragment) {
    const short = missing(packet, at, end, 8, "IPv6 extension header")
    if (short !== undefined) return short
    const units = packet.bytes[at + 1]!
    let size = (units + 1) * 8
    if (protocol === protocolFragment) {
      if ((packet.view.getUint16(at + 2) & 0xfff9) !== 0) return { ...datagram, at, protocol }
      size = 8
    } else if (protocol === protocolAuthentication) size = (units + 2) * 4
    protocol = packet.bytes[at]!
    at += size
  }
  return { ...datagram, at, protocol }
}
