/**
 * The capture file of blocks. Source: draft-ietf-opsawg-pcapng.
 *
 * Every block is its head, a body by type, and the total length once more. Bodies, options and packet data are padded to four bytes;
 * the padding is not part of these records.
 */
import { bytes, constant, i64, lengthOf, reserved, struct, u16, u32 } from "@wirewright/dsl"

const given = { byteOrder: "given" } as const

/** The first 8 bytes of every block. */
export const PcapngBlockHead = struct("PcapngBlockHead", {
  type: u32,
  /** Length of the whole block, the head and the trailing repetition included. */
  totalLength: u32
}, given)

/** Body of a Section Header Block (0x0a0d0d0a): starts a section and says its byte order. */
export const PcapngSection = struct("PcapngSection", {
  byteOrderMagic: constant(u32, 0x1a2b_3c4d),
  versionMajor: u16,
  versionMinor: u16,
  /** Bytes of the section behind this block; −1 when unknown. */
  sectionLength: i64,
  options: bytes()
}, given)

/** Body of an Interface Description Block (1). */
export const PcapngInterface = struct("PcapngInterface", {
  /** What a packet starts with. */
  linkType: u16,
  reserved: reserved(u16, "ignore"),
  /** Most bytes captured of a packet; 0 for no limit. */
  snapLength: u32,
  options: bytes()
}, given)

/** Body of an Enhanced Packet Block (6). */
export const PcapngEnhancedPacket = struct("PcapngEnhancedPacket", {
  /** Index of the section's interface. */
  interfaceId: u32,
  timestampHigh: u32,
  timestampLow: u32,
  capturedLength: lengthOf(u32, "data"),
  /** Length on the wire. */
  originalLength: u32,
  data: bytes(),
  /** Padding and options. */
  trailer: bytes()
}, given)

/** Body of a Simple Packet Block (3): no time, always of the first interface. */
export const PcapngSimplePacket = struct("PcapngSimplePacket", {
  /** Length on the wire; the captured length is this or the interface's snap length. */
  originalLength: u32,
  /** The packet with its padding. */
  data: bytes()
}, given)

/** Body of an obsolete Packet Block (2). */
export const PcapngObsoletePacket = struct("PcapngObsoletePacket", {
  interfaceId: u16,
  /** Packets lost before this one. */
  dropCount: u16,
  timestampHigh: u32,
  timestampLow: u32,
  capturedLength: lengthOf(u32, "data"),
  /** Length on the wire. */
  originalLength: u32,
  data: bytes(),
  /** Padding and options. */
  trailer: bytes()
}, given)

/** One option; the next starts at a multiple of four. */
export const PcapngOption = struct("PcapngOption", {
  /** 0 ends the list; 9 in an interface is the resolution of its timestamps, 14 their offset. */
  code: u16,
  length: lengthOf(u16, "value"),
  value: bytes()
}, given)
