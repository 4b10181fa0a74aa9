/**
 * Headers below IP: link layers, VLAN tags, MPLS labels, PPPoE and PPP. Each function goes one header further.
 *
 * Sources: https://www.tcpdump.org/linktypes.html, IEEE 802 ether types, RFC 3032 (MPLS), RFC 2516 (PPPoE), RFC 1661 and 1662 (PPP).
 */
import { hex16, LinkType, missing, type NextHeader, type Packet, type Skipped } from "./Frame.ts"

/** Ether types that have a header of their own here. */
export const EtherType = {
  Ipv4: 0x0800,
  Ipv6: 0x86dd,
  TransparentEthernet: 0x6558,
  Ppp: 0x880b,
  Mpls: 0x8847,
  MplsMulticast: 0x8848,
  PppoeSession: 0x8864,
  BackboneService: 0x88e7,
  BridgePortExtension: 0x893f
} as const

/** Four bytes that end with the ether type of what they tag. */
const tags: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100, 0x9200, 0x9300, 0x8926])

/** What never holds TCP. */
const notTcp: ReadonlyMap<number, string> = new Map([
  [0x0806, "ARP"],
  [0x0842, "Wake-on-LAN"],
  [0x2000, "CDP"],
  [0x2001, "NHRP"],
  [0x22f0, "AVTP"],
  [0x22ea, "SRP"],
  [0x6002, "MOP"],
  [0x6003, "DECnet"],
  [0x8035, "RARP"],
  [0x809b, "AppleTalk"],
  [0x80f3, "AARP"],
  [0x8137, "IPX"],
  [0x8808, "Ethernet flow control"],
  [0x8809, "slow protocols"],
  [0x8863, "PPPoE discovery"],
  [0x888e, "802.1X"],
  [0x8892, "PROFINET"],
  [0x88a4, "EtherCAT"],
  [0x88cc, "LLDP"],
  [0x88e1, "HomePlug"],
  [0x88f7, "PTP"],
  [0x8902, "CFM"],
  [0x8906, "FCoE"],
  [0x8914, "FCoE initialization"],
  [0x9000, "Ethernet loopback"]
])

/** Below this, an ether type is the length of an LLC frame. */
const smallestEtherType = 0x0600

const ethernetSize = 14
const etherTypeAt = 12

const next = (header: NextHeader["header"], at: number, end: number, type = 0): NextHeader => ({ header, at, end, type })

const familyIpv4 = 2
const familiesIpv6: ReadonlySet<number> = new Set([10, 24, 28, 30])

/** After an address family of four bytes, in whatever byte order the capturing machine had. */
const byFamily = (packet: Packet, at: number, end: number, size: number): NextHeader | Skipped => {
  const short = missing(packet, at, end, size, "address family")
  if (short !== undefined) return short
  const family = Math.min(packet.view.getUint32(at), packet.view.getUint32(at, true))
  if (family === familyIpv4 || familiesIpv6.has(family)) return next("ip", at + size, end)
  return { reason: "unsupported", what: `address family ${family}` }
}

const nflogPayload = 9

/** After the attributes of NFLOG, which are in the capturing machine's byte order: the one in which their lengths make sense. */
const nflog = (packet: Packet, end: number): NextHeader | Skipped => {
  const short = missing(packet, 0, end, 4, "NFLOG")
  if (short !== undefined) return short
  let cut: Skipped = { reason: "damaged", what: "NFLOG" }
  for (const littleEndian of [true, false]) {
    let at = 4
    while (at + 4 <= packet.bytes.length) {
      const length = packet.view.getUint16(at, littleEndian)
      const type = packet.view.getUint16(at + 2, littleEndian) & 0x7fff
      if (length < 4 || at + length > end) break
      if (type === nflogPayload) return next("ip", at + 4, at + length)
      at += length + (-length & 3)
    }
    if (at + 4 > packet.bytes.length && at + 4 <= end) cut = { reason: "cutOff", what: "NFLOG" }
  }
  return cut
}

/** After a header that says its own length and the link type of what follows, both little-endian. */
const nested = (packet: Packet, end: number, lengthAt: number, typeAt: number, what: string): NextHeader | Skipped => {
  const short = missing(packet, 0, end, typeAt + 4, what)
  if (short !== undefined) return short
  const length = lengthAt === 0 ? packet.view.getUint32(0, true) : packet.view.getUint16(lengthAt, true)
  return length < typeAt + 4 || length > end ? { reason: "damaged", what } : next("link", length, end, packet.view.getUint32(typeAt, true))
}

/** After the pseudo header of OpenBSD's packet filter: its length, then the address family. */
const pflog = (packet: Packet, at: number, end: number): NextHeader | Skipped => {
  const short = missing(packet, at, end, 2, "pflog")
  if (short !== undefined) return short
  const family = packet.bytes[at + 1]!
  if (family !== familyIpv4 && !familiesIpv6.has(family)) return { reason: "unsupported", what: `address family ${family}` }
  return next("ip", at + (packet.bytes[at]! + 3 & ~3), end)
}

const sll2Size = 20
const sllSize = 16

const link = (packet: Packet, { at, end, type }: NextHeader): NextHeader | Skipped => {
  const { bytes, view } = packet
  switch (type) {
    case LinkType.Ethernet:
      return next("ethernet", at, end)
    case LinkType.LinuxSll: {
      const short = missing(packet, at, end, sllSize, "Linux cooked header")
      return short ?? next("etherType", at + sllSize, end, view.getUint16(at + sllSize - 2))
    }
    case LinkType.LinuxSll2: {
      const short = missing(packet, at, end, sll2Size, "Linux cooked header")
      return short ?? next("etherType", at + sll2Size, end, view.getUint16(at))
    }
    case LinkType.Null:
    case LinkType.Loop:
      return byFamily(packet, at, end, 4)
    case LinkType.Enc:
      return byFamily(packet, at, end, 12)
    case LinkType.Pflog:
      return pflog(packet, at, end)
    case LinkType.Raw:
    case LinkType.RawBsd:
    case LinkType.RawOpenBsd:
    case LinkType.Ipv4:
    case LinkType.Ipv6:
      return next("ip", at, end)
    case LinkType.Ppp:
    case LinkType.PppHdlc: {
      const short = missing(packet, at, end, 4, "PPP")
      if (short !== undefined) return short
      // frames of Cisco HDLC occur under the same link type
      if (bytes[at] === 0x0f || bytes[at] === 0x8f) return next("etherType", at + 4, end, view.getUint16(at + 2))
      return next("ppp", at, end)
    }
    case LinkType.PppEthernet:
      return next("pppoe", at, end)
    case LinkType.CiscoHdlc: {
      const short = missing(packet, at, end, 4, "Cisco HDLC")
      return short ?? next("etherType", at + 4, end, view.getUint16(at + 2))
    }
    case LinkType.AtmRfc1483:
      return next("llc", at, end)
    case LinkType.Nflog:
      return nflog(packet, end)
    case LinkType.Ppi:
      return nested(packet, end, 2, 4, "PPI")
    case LinkType.Pktap:
      return nested(packet, end, 0, 8, "PKTAP")
    default:
      return { reason: "unsupported", what: `link type ${type}` }
  }
}

const backboneTagSize = 4
const extensionTagSize = 8

const etherType = (packet: Packet, { at, end, type }: NextHeader): NextHeader | Skipped => {
  if (type === EtherType.Ipv4 || type === EtherType.Ipv6) return next("ip", at, end)
  if (type < smallestEtherType) return next("llc", at, end)
  if (tags.has(type) || type === EtherType.BridgePortExtension) {
    const size = tags.has(type) ? 4 : extensionTagSize
    const short = missing(packet, at, end, size, `tag ${hex16(type)}`)
    return short ?? next("etherType", at + size, end, packet.view.getUint16(at + size - 2))
  }
  switch (type) {
    case EtherType.Mpls:
    case EtherType.MplsMulticast:
      return next("mpls", at, end)
    case EtherType.PppoeSession:
      return next("pppoe", at, end)
    case EtherType.Ppp:
      return next("ppp", at, end)
    case EtherType.TransparentEthernet:
      return next("ethernet", at, end)
    case EtherType.BackboneService:
      return next("ethernet", at + backboneTagSize, end)
    default: {
      const what = notTcp.get(type)
      return what === undefined ? { reason: "unsupported", what: `ether type ${hex16(type)}` } : { reason: "notTcp", what }
    }
  }
}

/** A SNAP header names an ether type when its organization is 0 or that of bridged Ethernet. */
const llc = (packet: Packet, { at, end }: NextHeader): NextHeader | Skipped => {
  const short = missing(packet, at, end, 3, "LLC")
  if (short !== undefined) return short
  const { bytes, view } = packet
  if (bytes[at] !== 0xaa || bytes[at + 1] !== 0xaa) return { reason: "notTcp", what: `LLC 0x${bytes[at]!.toString(16).padStart(2, "0")}` }
  const snap = missing(packet, at, end, 8, "SNAP")
  if (snap !== undefined) return snap
  const organization = view.getUint16(at + 3) * 256 + bytes[at + 5]!
  const type = view.getUint16(at + 6)
  if (organization === 0 || organization === 0xf8) return next("etherType", at + 8, end, type)
  // RFC 2684: bridged Ethernet, with or without its check sequence; two bytes of padding
  if (organization === 0x0080c2 && (type === 1 || type === 7)) return next("ethernet", at + 10, end)
  return { reason: "notTcp", what: "SNAP of a vendor" }
}

/** After the last label: IP by its version, otherwise Ethernet, after a control word if there is one (RFC 4385). */
const mpls = (packet: Packet, { at, end }: NextHeader): NextHeader | Skipped => {
  let position = at
  while (true) {
    const short = missing(packet, position, end, 5, "MPLS")
    if (short !== undefined) return short
    const isLast = (packet.bytes[position + 2]! & 1) !== 0
    position += 4
    if (!isLast) continue
    const version = packet.bytes[position]! >> 4
    if (version === 4 || version === 6) return next("ip", position, end)
    return next("ethernet", version === 0 ? position + 4 : position, end)
  }
}

const pppoeSize = 6

const pppoe = (packet: Packet, { at, end }: NextHeader): NextHeader | Skipped => {
  const short = missing(packet, at, end, pppoeSize, "PPPoE")
  if (short !== undefined) return short
  const length = packet.view.getUint16(at + 4)
  return at + pppoeSize + length > end
    ? { reason: "damaged", what: "PPPoE" }
    : next("ppp", at + pppoeSize, at + pppoeSize + length)
}

/** The protocol, of one or two bytes, after address and control if they were not left out. */
const ppp = (packet: Packet, { at, end }: NextHeader): NextHeader | Skipped => {
  const short = missing(packet, at, end, 2, "PPP")
  if (short !== undefined) return short
  const { bytes } = packet
  let position = bytes[at] === 0xff && bytes[at + 1] === 0x03 ? at + 2 : at
  const after = missing(packet, position, end, 2, "PPP")
  if (after !== undefined) return after
  let protocol = bytes[position++]!
  if ((protocol & 1) === 0) protocol = protocol * 256 + bytes[position++]!
  if (protocol === 0x0021 || protocol === 0x0057) return next("ip", position, end)
  if (protocol === 0x0281 || protocol === 0x0283) return next("mpls", position, end)
  const what = `PPP protocol ${hex16(protocol)}`
  return protocol >= 0x8000 ? { reason: "notTcp", what } : { reason: "unsupported", what }
}

const ethernet = (packet: Packet, { at, end }: NextHeader): NextHeader | Skipped =>
  missing(packet, at, end, ethernetSize, "Ethernet") ?? next("etherType", at + ethernetSize, end, packet.view.getUint16(at + etherTypeAt))

const readers = { link, ethernet, etherType, llc, mpls, pppoe, ppp } as const

/** The header after one that is not IP. */
export const afterLink = (packet: Packet, header: NextHeader & { readonly header: keyof typeof readers }): NextHeader | Skipped =>
  readers[header.header](packet, header)
