/**
 * The classic capture file: a file header, then records. Source: draft-ietf-opsawg-pcap.
 *
 * The magic says in which byte order everything is, and whether the fraction of a second counts micro- or nanoseconds.
 */
import { bytes, i32, lengthOf, reserved, struct, u16, u32, u8 } from "@wirewright/dsl"

/** The first 24 bytes of a pcap file. */
export const PcapHeader = struct("PcapHeader", {
  /** 0xa1b2c3d4 for microseconds, 0xa1b23c4d for nanoseconds, 0xa1b2cd34 for microseconds and records with more fields. */
  magic: u32,
  versionMajor: u16,
  versionMinor: u16,
  /** Seconds that were to be added to get UTC; 0 in practice. */
  timezone: i32,
  /** Accuracy of the timestamps; 0 in practice. */
  accuracy: u32,
  /** Most bytes captured of a packet. */
  snapLength: u32,
  /** What a packet starts with; the upper 16 bits describe a frame check sequence. */
  linkType: u32
}, { byteOrder: "given" })

/** One captured packet. */
export const PcapRecord = struct("PcapRecord", {
  /** Seconds since 1970. */
  seconds: u32,
  /** Micro- or nanoseconds within the second. */
  fraction: u32,
  capturedLength: lengthOf(u32, "data"),
  /** Length on the wire. */
  originalLength: u32,
  /** The packet, perhaps cut off at the snap length. */
  data: bytes()
}, { byteOrder: "given" })

/** One captured packet of a file with the magic 0xa1b2cd34, which a patched libpcap of Linux distributions wrote. */
export const PcapModifiedRecord = struct("PcapModifiedRecord", {
  /** Seconds since 1970. */
  seconds: u32,
  /** Microseconds within the second. */
  fraction: u32,
  capturedLength: lengthOf(u32, "data"),
  /** Length on the wire. */
  originalLength: u32,
  /** Index of the network interface. */
  interfaceIndex: u32,
  /** Ether type. */
  protocol: u16,
  /** Linux's PACKET_HOST, PACKET_BROADCAST, …. */
  packetType: u8,
  padding: reserved(u8, "ignore"),
  /** The packet, perhaps cut off at the snap length. */
  data: bytes()
}, { byteOrder: "given" })
