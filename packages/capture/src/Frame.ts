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

/** LINKTYPE_ numbers that `internetPacketOf` understands. */
export const LinkType = {
  Null: 0,
  Ethernet: 1,
  RawBsd: 12,
  RawOpenBsd: 14,
  Raw: 101,
  Loop: 108,
  LinuxSll: 113,
  Ipv4: 228,
  Ipv6: 229,
  LinuxSll2: 276
} as const
