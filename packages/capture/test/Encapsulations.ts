/**
 * One conversation in every wrapping that is read: below IP, as IP, within tunnels, in fragments. Built byte by byte, without the code under
 * test; that the bytes mean what their names say is for tshark to confirm (test/peers).
 */
import { A, block, concat, ethernet, ints, ipv4, ipv6, networkInterface, S, section, type Segment, tcp } from "./Packets.ts"

/** Turns an IP packet into the frames it travels in. */
type Wrap = (packet: Uint8Array) => Uint8Array | ReadonlyArray<Uint8Array>

/** A wrapping: its name, its link type, and how it is done. */
export interface Encapsulation {
  readonly name: string
  readonly linkType: number
  readonly wrap: Wrap
  /** IP version of the conversation. */
  readonly version: 4 | 6
}

const zeros = (size: number): Uint8Array => new Uint8Array(size)
const bytes = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)
const u16 = (...values: ReadonlyArray<number>): Uint8Array => ints(false, ...values.map((value) => [2, value] as const))
const u32 = (...values: ReadonlyArray<number>): Uint8Array => ints(false, ...values.map((value) => [4, value] as const))
const little = (...values: ReadonlyArray<readonly [1 | 2 | 4, number]>): Uint8Array => ints(true, ...values)

/** An Ethernet header in front of a body; addresses begin with 2. */
const mac = (type: number, body: Uint8Array): Uint8Array => concat(bytes(2, 0, 0, 0, 0, 1), bytes(2, 0, 0, 0, 0, 2), u16(type), body)

const udp = (port: number, body: Uint8Array): Uint8Array => concat(u16(55555, port, 8 + body.length, 0), body)
const inUdp = (port: number, body: Uint8Array): Uint8Array => mac(0x0800, ipv4(udp(port, body), { protocol: 17 }))
const inIp = (protocol: number, body: Uint8Array): Uint8Array => mac(0x0800, ipv4(body, { protocol }))
const etherTypeOf = (packet: Uint8Array): number => packet[0]! >> 4 === 4 ? 0x0800 : 0x86dd
const inner = (packet: Uint8Array): Uint8Array => mac(etherTypeOf(packet), packet)
const label = (last: boolean, value = 16): Uint8Array => u32(value * 0x1000 + (last ? 0x140 : 0x40))
const pppOf = (packet: Uint8Array): Uint8Array => concat(u16(etherTypeOf(packet) === 0x0800 ? 0x0021 : 0x0057), packet)
const pppoeOf = (packet: Uint8Array): Uint8Array => concat(u16(0x1100, 1, packet.length + 2), pppOf(packet))
const vxlan = (packet: Uint8Array): Uint8Array => concat(u32(0x0800_0000, 0x0000_7b00), inner(packet))
const extension = (next: number, size: number): Uint8Array => concat(bytes(next, size / 8 - 1), bytes(1, size - 4), zeros(size - 4))
const tlv = (type: number, value: Uint8Array): Uint8Array =>
  concat(little([2, 4 + value.length], [2, type]), value, zeros(-value.length & 3))
const hopByHop = (body: Uint8Array): Uint8Array => concat(extension(60, 8), extension(43, 16), bytes(6, 2, 4, 0), zeros(20), body)

/** Payloads of an IP packet, cut at multiples of 8 into parts. */
const parts = (
  payload: Uint8Array,
  sizes: ReadonlyArray<number>
): ReadonlyArray<{ readonly at: number; readonly bytes: Uint8Array; readonly more: boolean }> => {
  const out: Array<{ at: number; bytes: Uint8Array; more: boolean }> = []
  let at = 0
  for (const size of [...sizes, Infinity]) {
    const end = Math.min(payload.length, at + size)
    if (end > at) out.push({ at, bytes: payload.slice(at, end), more: end < payload.length })
    at = end
  }
  return out
}

let identification = 100

const fragments4 = (packet: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  identification++
  return parts(packet.slice(20), sizes).map(({ at, bytes: part, more }) => {
    const fragment = ipv4(part, { protocol: packet[9]!, fragment: at / 8 | (more ? 0x2000 : 0) })
    fragment.set(u16(identification), 4)
    fragment.set(packet.slice(12, 20), 12)
    return fragment
  })
}

const fragments6 = (packet: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  identification++
  return parts(packet.slice(40), sizes).map(({ at, bytes: part, more }) => {
    const fragment = ipv6(part, 44, concat(bytes(packet[6]!, 0), u16(at | (more ? 1 : 0)), u32(identification)))
    fragment.set(packet.slice(8, 40), 8)
    return fragment
  })
}

const one = (name: string, linkType: number, wrap: Wrap, version: 4 | 6 = 4): Encapsulation => ({ name, linkType, wrap, version })

/** Label of the MPLS packet that holds Ethernet. */
export const pseudowire = 100

/** All wrappings. */
export const encapsulations: ReadonlyArray<Encapsulation> = [
  one("Ethernet", 1, inner),
  one("Ethernet, padded and with a check sequence", 1, (packet) => concat(ethernet(packet), zeros(4))),
  one("Ethernet with IPv6", 1, inner, 6),
  one("802.1Q", 1, (packet) => ethernet(packet, [0x8100, 0x0800])),
  one("802.1ad", 1, (packet) => ethernet(packet, [0x88a8, 0x8100, 0x86dd]), 6),
  one("802.1Q three times", 1, (packet) => ethernet(packet, [0x8100, 0x8100, 0x8100, 0x0800])),
  one("LLC and SNAP", 1, (packet) => mac(packet.length + 8, concat(bytes(0xaa, 0xaa, 3, 0, 0, 0), u16(0x0800), packet))),
  one("MPLS", 1, (packet) => mac(0x8847, concat(label(true), packet))),
  one("MPLS with two labels, IPv6", 1, (packet) => mac(0x8847, concat(label(false), label(true), packet)), 6),
  one("Ethernet in MPLS with a control word", 1, (packet) => mac(0x8847, concat(label(true, pseudowire), u32(0), inner(packet)))),
  one("802.1ah", 1, (packet) => mac(0x88e7, concat(u32(0x0000_0064), inner(packet)))),
  one("PPPoE", 1, (packet) => mac(0x8864, pppoeOf(packet))),
  one("PPPoE with IPv6 within 802.1Q", 1, (packet) => mac(0x8100, concat(u16(7, 0x8864), pppoeOf(packet))), 6),
  one("PPPoE as link type", 51, pppoeOf),
  one("PPP with address and control", 9, (packet) => concat(bytes(0xff, 3), pppOf(packet))),
  one("PPP", 9, pppOf),
  one("PPP in HDLC framing", 50, (packet) => concat(bytes(0xff, 3), pppOf(packet))),
  one("Cisco HDLC", 104, (packet) => concat(bytes(0x0f, 0), u16(0x0800), packet)),
  one("RFC 1483", 100, (packet) => concat(bytes(0xaa, 0xaa, 3, 0, 0, 0), u16(0x0800), packet)),
  one("Linux cooked", 113, (packet) => concat(u16(0, 1, 6), zeros(8), u16(0x0800), packet)),
  one("Linux cooked, 802.1Q", 113, (packet) => concat(u16(0, 1, 6), zeros(8), u16(0x8100, 7, 0x86dd), packet), 6),
  one("Linux cooked 2", 276, (packet) => concat(u16(0x0800, 0), u32(1), u16(1), bytes(0, 6), zeros(8), packet)),
  one("NULL, little-endian", 0, (packet) => concat(little([4, 2]), packet)),
  one("NULL, big-endian, IPv6", 0, (packet) => concat(u32(30), packet), 6),
  one("LOOP", 108, (packet) => concat(u32(2), packet)),
  one("raw", 101, (packet) => packet),
  one("raw with IPv6", 101, (packet) => packet, 6),
  one("raw IPv4", 228, (packet) => packet),
  one("raw IPv6", 229, (packet) => packet, 6),
  one("OpenBSD's enc", 109, (packet) => concat(little([4, 2]), zeros(8), packet)),
  one("pflog", 117, (packet) => concat(bytes(61, 2, 0, 0), zeros(60), packet)),
  one("PPI", 192, (packet) => concat(little([1, 0], [1, 0], [2, 8], [4, 1]), inner(packet))),
  one("NFLOG", 239, (packet) => concat(bytes(2, 0, 0, 0), tlv(1, zeros(4)), tlv(10, bytes(0x61, 0)), tlv(9, packet))),
  one("IPv6 extension headers", 1, (packet) => {
    const extended = ipv6(hopByHop(packet.slice(40)), 0)
    extended.set(packet.slice(8, 40), 8)
    return inner(extended)
  }, 6),
  one("authentication header", 1, (packet) => {
    const authenticated = ipv4(concat(bytes(6, 4, 0, 0), zeros(20), packet.slice(20)), { protocol: 51 })
    authenticated.set(packet.slice(12, 20), 12)
    return inner(authenticated)
  }),
  one("IP in IP", 1, (packet) => inIp(4, packet)),
  one("IPv6 in IPv4", 1, (packet) => inIp(41, packet), 6),
  one("IPv4 in IPv6", 1, (packet) => mac(0x86dd, ipv6(packet, 4))),
  one("IPv6 in IPv6", 1, (packet) => mac(0x86dd, ipv6(packet, 41)), 6),
  one("GRE", 1, (packet) => inIp(47, concat(u16(0, 0x0800), packet))),
  one("GRE with checksum, key and sequence number", 1, (packet) => inIp(47, concat(u16(0xb000, 0x86dd), u32(0, 77, 5), packet)), 6),
  one("GRE over IPv6", 1, (packet) => mac(0x86dd, ipv6(concat(u16(0x2000, 0x0800), u32(77), packet), 47))),
  one("NVGRE", 1, (packet) => inIp(47, concat(u16(0x2000, 0x6558), u32(0x7b00), inner(packet)))),
  one("ERSPAN I", 1, (packet) => inIp(47, concat(u16(0, 0x88be), inner(packet)))),
  one("ERSPAN II", 1, (packet) => inIp(47, concat(u16(0x1000, 0x88be), u32(1), u32(0x1001_0001, 0), inner(packet)))),
  one("ERSPAN III", 1, (packet) => inIp(47, concat(u16(0x1000, 0x22eb), u32(1), u32(0x2001_0001, 0, 0), inner(packet)))),
  one("PPTP", 1, (packet) => inIp(47, concat(u16(0x3081, 0x880b, packet.length + 4, 1), u32(1, 0), bytes(0xff, 3), pppOf(packet)))),
  one("VXLAN", 1, (packet) => inUdp(4789, vxlan(packet))),
  one("VXLAN on Linux's port", 1, (packet) => inUdp(8472, vxlan(packet)), 6),
  one("VXLAN over IPv6, with 802.1Q within", 1, (packet) => {
    const tagged = mac(0x8100, concat(u16(7, 0x0800), packet))
    return mac(0x86dd, ipv6(udp(4789, concat(u32(0x0800_0000, 0x7b00), tagged)), 17))
  }),
  one(
    "VXLAN in IP fragments",
    1,
    (packet) => fragments4(ipv4(udp(4789, vxlan(packet)), { protocol: 17 }), [48]).map((part) => mac(0x0800, part))
  ),
  one("VXLAN GPE", 1, (packet) => inUdp(4790, concat(u32(0x0c00_0001, 0x7b00), packet))),
  one("GENEVE with options", 1, (packet) => inUdp(6081, concat(u16(0x0200, 0x6558), u32(0x7b00), u32(0x0102_8001, 0), inner(packet)))),
  one("GENEVE with IPv6", 1, (packet) => inUdp(6081, concat(u16(0x0000, 0x86dd), u32(0x7b00), packet)), 6),
  one("GTP-U", 1, (packet) => inUdp(2152, concat(bytes(0x30, 0xff), u16(packet.length), u32(9), packet))),
  one(
    "GTP-U with an extension header",
    1,
    (packet) => inUdp(2152, concat(bytes(0x36, 0xff), u16(packet.length + 8), u32(9), u16(1), bytes(0, 0x85), bytes(1, 0x10, 5, 0), packet))
  ),
  one("MPLS in UDP", 1, (packet) => inUdp(6635, concat(label(true), packet))),
  one("GRE in UDP", 1, (packet) => inUdp(4754, concat(u16(0, 0x0800), packet))),
  one("EtherIP", 1, (packet) => inIp(97, concat(u16(0x3000), inner(packet)))),
  one("MPLS in IP", 1, (packet) => inIp(137, concat(label(true), packet))),
  one("VXLAN in GRE in IPv6 in 802.1Q", 1, (packet) => {
    const outer = ipv4(udp(4789, vxlan(packet)), { protocol: 17 })
    return mac(0x8100, concat(u16(7, 0x86dd), ipv6(concat(u16(0, 0x0800), outer), 47)))
  }),
  one("IPv4 fragments", 1, (packet) => fragments4(packet, [24, 8]).map((part) => mac(0x0800, part))),
  one("IPv4 fragments, last first", 1, (packet) => fragments4(packet, [24, 8]).map((part) => mac(0x0800, part)).reverse()),
  one("IPv4 fragments, one of them twice", 1, (packet) => {
    const [first, ...rest] = fragments4(packet, [24]).map((part) => mac(0x0800, part))
    return rest.length === 0 ? [first!] : [first!, first!, ...rest]
  }),
  one("IPv6 fragments", 1, (packet) => fragments6(packet, [16, 16]).map((part) => mac(0x86dd, part)), 6)
]

/** Ports of clients: those of the encapsulations count from here. */
export const firstClientPort = 20_000
/** Port of the server. */
export const serverPort = 11_210

const noop = (magic: number, opaque: number): Uint8Array => concat(bytes(magic, 0x0a), zeros(10), u32(opaque), zeros(8))

/** The frames of a conversation in a wrapping: handshake, a NOOP, its response. */
export const framesOf = ({ version, wrap }: Encapsulation, client: number): ReadonlyArray<Uint8Array> => {
  const [from, to] = [{ from: client, to: serverPort }, { from: serverPort, to: client }]
  const segments: ReadonlyArray<Segment> = [
    { ...from, sequence: 100, flags: S },
    { ...to, sequence: 900, acknowledgement: 101, flags: S | A },
    { ...from, sequence: 101, acknowledgement: 901 },
    { ...from, sequence: 101, acknowledgement: 901, payload: noop(0x80, client) },
    { ...to, sequence: 901, acknowledgement: 125, payload: noop(0x81, client) }
  ]
  return segments.flatMap((segment) => wrap(version === 4 ? ipv4(tcp(segment)) : ipv6(tcp(segment))))
}

/** A pcapng file with everything: one interface for each encapsulation, the client's port tells them apart. */
export const everything = (): Uint8Array => {
  const blocks: Array<Uint8Array> = [section(true)]
  for (const { linkType } of encapsulations) blocks.push(networkInterface(true, linkType))
  encapsulations.forEach((encapsulation, index) => {
    for (const frame of framesOf(encapsulation, firstClientPort + index)) {
      blocks.push(block(true, 6, concat(little([4, index], [4, 0], [4, 0], [4, frame.length], [4, frame.length]), frame)))
    }
  })
  return concat(...blocks)
}
