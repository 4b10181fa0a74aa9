/** What a capture file holds: packets as a network interface saw them. */

/** One captured packet. `data` is a view into the chunk it was read from. */
export interface CapturedFrame {
  /** Position in the file, counted from 1, as Wireshark does. */
  readonly number: number
  /** Nanoseconds since 1970; `undefined` when the file does not say. */
  readonly time: bigint | undefined
  /** What `data` starts with (a LINKTYPE_ number). */
  readonly linkType: number
  /** The packet, perhaps cut off. */
  readonly data: Uint8Array
  /** Length on the wire. */
  readonly originalLength: number
}

/** Receives the packets of a file in order. */
export type FrameSink = (frame: CapturedFrame) => void

/** LINKTYPE_ numbers that are understood. Source: https://www.tcpdump.org/linktypes.html. */
export const LinkType = {
  Null: 0,
  Ethernet: 1,
  Ppp: 9,
  RawBsd: 12,
  RawOpenBsd: 14,
  PppHdlc: 50,
  PppEthernet: 51,
  AtmRfc1483: 100,
  Raw: 101,
  CiscoHdlc: 104,
  Loop: 108,
  Enc: 109,
  LinuxSll: 113,
  Pflog: 117,
  Ppi: 192,
  Ipv4: 228,
  Ipv6: 229,
  Nflog: 239,
  Pktap: 258,
  LinuxSll2: 276
} as const

/** Why a frame yields no TCP segment. `what` names the header at fault, for people: `link type 147`, `ARP`. */
export interface Skipped {
  /**
   * - `notTcp`: it is known to be something else, such as ARP or UDP
   * - `unsupported`: a header that is not understood; TCP may be after it
   * - `cutOff`: the capture kept too little of it
   * - `damaged`: a header contradicts itself or the packet's length
   * - `fragment`: other fragments of its IP datagram are not in the capture
   */
  readonly reason: "notTcp" | "unsupported" | "cutOff" | "damaged" | "fragment"
  readonly what: string
}

/** A packet's bytes, of which the capture may have cut off the end. */
export interface Packet {
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** The header to be read next: of which kind, where it begins, and where its packet ends on the wire. */
export interface NextHeader {
  /** What `type` says for `link` and `etherType`; the others have no use for it. */
  readonly header: "link" | "ethernet" | "etherType" | "llc" | "mpls" | "pppoe" | "ppp" | "ip"
  readonly at: number
  readonly end: number
  /** LINKTYPE_ number, or ether type. */
  readonly type: number
}

/** What is wrong when `size` bytes of `what` do not fit between `at` and `end`; nothing when they are there. */
export const missing = (packet: Packet, at: number, end: number, size: number, what: string): Skipped | undefined =>
  at + size > end ? { reason: "damaged", what } : at + size > packet.bytes.length ? { reason: "cutOff", what } : undefined

/** A number as headers are written down: `0x0806`. */
export const hex16 = (value: number): string => `0x${value.toString(16).padStart(4, "0")}`
