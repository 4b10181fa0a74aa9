/**
 * What carries packets within packets: GRE with ERSPAN and PPTP, VXLAN with its generic extension, GENEVE, GTP-U, MPLS in UDP, EtherIP.
 *
 * Sources: RFC 2784 and 2890 (GRE), RFC 2637 (PPTP), draft-foschiano-erspan, RFC 7348 (VXLAN), draft-ietf-nvo3-vxlan-gpe, RFC 8926 (GENEVE),
 * 3GPP TS 29.281 (GTP-U), RFC 7510, RFC 8086, RFC 3378.
 */
import { missing, type NextHeader, type Packet, type Skipped } from "./Frame.ts"

const next = (header: NextHeader["header"], at: number, end: number, type = 0): NextHeader => ({ header, at, end, type })

const GreFlag = { Checksum: 0x8000, Routing: 0x4000, Key: 0x2000, Sequence: 0x1000, Acknowledgement: 0x0080 } as const
const greVersion = 0x0007
const erspanTwo = 0x88be
const erspanThree = 0x22eb
const erspanTwoSize = 8
const erspanThreeSize = 12
const erspanSubheader = 8

/** After a GRE header of version 0, or of version 1, which carries PPP. */
export const afterGre = (packet: Packet, at: number, end: number): NextHeader | Skipped => {
  const short = missing(packet, at, end, 4, "GRE")
  if (short !== undefined) return short
  const { bytes, view } = packet
  const flags = view.getUint16(at)
  const type = view.getUint16(at + 2)
  const has = (flag: number): number => (flags & flag) === 0 ? 0 : 4
  if ((flags & greVersion) > 1 || has(GreFlag.Routing) > 0) {
    return { reason: "unsupported", what: "GRE with source routing, or of a version above 1" }
  }
  let position = at + 4 + has(GreFlag.Checksum) + has(GreFlag.Key) + has(GreFlag.Sequence)
  if ((flags & greVersion) === 1) {
    position += has(GreFlag.Acknowledgement)
    // the upper half of the key is the length; acknowledgements alone have none
    return has(GreFlag.Sequence) === 0 ? { reason: "notTcp", what: "PPTP acknowledgement" } : next("ppp", position, end)
  }
  // a keep-alive
  if (type === 0) return { reason: "notTcp", what: "GRE keep-alive" }
  // without a sequence number there is no ERSPAN header
  if (type === erspanTwo) return next("ethernet", has(GreFlag.Sequence) === 0 ? position : position + erspanTwoSize, end)
  if (type === erspanThree) {
    const cut = missing(packet, position, end, erspanThreeSize, "ERSPAN")
    if (cut !== undefined) return cut
    const more = (bytes[position + erspanThreeSize - 1]! & 1) === 0 ? 0 : erspanSubheader
    return next("ethernet", position + erspanThreeSize + more, end)
  }
  return next("etherType", position, end, type)
}

/** After an EtherIP header. */
export const afterEtherIp = (packet: Packet, at: number, end: number): NextHeader | Skipped =>
  missing(packet, at, end, 2, "EtherIP") ?? next("ethernet", at + 2, end)

const vxlanSize = 8
const vxlanGpe: { readonly [protocol: number]: NextHeader["header"] } = { 1: "ip", 2: "ip", 3: "ethernet", 5: "mpls" }

/** Generic: the last byte of the first four says what follows. Otherwise it is Ethernet. */
const vxlan = (packet: Packet, at: number, end: number, generic: boolean): NextHeader | Skipped => {
  const short = missing(packet, at, end, vxlanSize, "VXLAN")
  if (short !== undefined) return short
  if (!generic || (packet.bytes[at]! & 0x04) === 0) return next("ethernet", at + vxlanSize, end)
  const header = vxlanGpe[packet.bytes[at + 3]!]
  return header === undefined
    ? { reason: "unsupported", what: `VXLAN protocol ${packet.bytes[at + 3]}` }
    : next(header, at + vxlanSize, end)
}

const geneve = (packet: Packet, at: number, end: number): NextHeader | Skipped => {
  const short = missing(packet, at, end, 8, "GENEVE")
  if (short !== undefined) return short
  if (packet.bytes[at]! >> 6 !== 0) return { reason: "unsupported", what: "GENEVE of a version above 0" }
  return next("etherType", at + 8 + (packet.bytes[at]! & 0x3f) * 4, end, packet.view.getUint16(at + 2))
}

const gtpPacket = 0xff

const gtp = (packet: Packet, at: number, end: number): NextHeader | Skipped => {
  const short = missing(packet, at, end, 12, "GTP-U")
  if (short !== undefined) return short
  const { bytes } = packet
  const flags = bytes[at]!
  if (flags >> 4 !== 3 || bytes[at + 1] !== gtpPacket) return { reason: "notTcp", what: "GTP control" }
  let position = at + 8
  if ((flags & 0x07) !== 0) {
    let extension = (flags & 0x04) === 0 ? 0 : bytes[at + 11]!
    position += 4
    while (extension !== 0) {
      const size = (bytes[position] ?? 0) * 4
      const cut = missing(packet, position, end, Math.max(size, 4), "GTP-U")
      if (cut !== undefined) return cut
      if (size === 0) return { reason: "damaged", what: "GTP-U" }
      extension = bytes[position + size - 1]!
      position += size
    }
  }
  return next("ip", position, end)
}

/** Bytes of a UDP header. */
export const udpSize = 8

/** After a UDP header when the port of the receiver is that of a tunnel. */
export const afterUdp = (packet: Packet, at: number, end: number): NextHeader | Skipped => {
  const short = missing(packet, at, end, udpSize, "UDP")
  if (short !== undefined) return short
  const length = packet.view.getUint16(at + 4)
  const port = packet.view.getUint16(at + 2)
  const inner = at + udpSize
  // a jumbogram, or a length that checksum offloading has not filled in
  const innerEnd = length < udpSize ? end : Math.min(end, at + length)
  switch (port) {
    case 4789:
    case 8472:
      return vxlan(packet, inner, innerEnd, false)
    case 4790:
      return vxlan(packet, inner, innerEnd, true)
    case 6081:
      return geneve(packet, inner, innerEnd)
    case 2152:
      return gtp(packet, inner, innerEnd)
    case 6635:
      return next("mpls", inner, innerEnd)
    case 4754:
      return afterGre(packet, inner, innerEnd)
    default:
      return { reason: "notTcp", what: "UDP" }
  }
}

/** IP protocols that never carry TCP, by number. */
const notTcp: ReadonlyMap<number, string> = new Map([
  [1, "ICMP"],
  [2, "IGMP"],
  [33, "DCCP"],
  [46, "RSVP"],
  [58, "ICMPv6"],
  [59, "IPv6 without payload"],
  [88, "EIGRP"],
  [89, "OSPF"],
  [103, "PIM"],
  [112, "VRRP"],
  [132, "SCTP"],
  [136, "UDP-Lite"]
])

/** Why the payload of an IP protocol is not looked into. */
export const otherProtocol = (protocol: number): Skipped => {
  const what = notTcp.get(protocol)
  if (what !== undefined) return { reason: "notTcp", what }
  return { reason: "unsupported", what: protocol === 50 ? "ESP, which is encrypted" : `IP protocol ${protocol}` }
}

/** Carried by IP: `undefined` when the protocol is no tunnel. */
export const afterProtocol = (packet: Packet, protocol: number, at: number, end: number): NextHeader | Skipped | undefined => {
  switch (protocol) {
    case 4:
    case 41:
    case 94:
      return next("ip", at, end)
    case 17:
      return afterUdp(packet, at, end)
    case 47:
      return afterGre(packet, at, end)
    case 97:
      return afterEtherIp(packet, at, end)
    case 137:
      return next("mpls", at, end)
    default:
      return undefined
  }
}
