/** RTP (RFC 3550, 5.1): one packet a datagram, with a count in four bits and an extension whose length is in words of four bytes. */
import {
  array,
  bitOf,
  bits,
  bytes,
  countOf,
  frame,
  lengthOf,
  optional,
  packetsOf,
  protocol,
  slice,
  struct,
  u16,
  u32
} from "@wirewright/dsl"

const rtpFrame = frame("RTP", {
  sections: ["body"],
  kinds: { packet: { headers: [{ fields: {} }], datagram: true } }
})

/** What a profile adds to the header. */
const Extension = struct("Extension", {
  profile: u16,
  /** In words of 32 bits. */
  length: lengthOf(u16, "data", { unit: 4 }),
  data: bytes()
})

const packet = packetsOf(rtpFrame, "packet")

/** The Real-time Transport Protocol. */
export const rtp = protocol(rtpFrame, {
  name: "rtp",
  module: "./rtp",
  commands: [
    packet("Media", {
      fields: {
        head: bits(u16, {
          version: slice(15, 14, { value: 2 }),
          /** Whether the last byte of the payload says how many of its bytes are padding. */
          padding: slice(13),
          hasExtension: slice(12),
          sources: countOf(slice(11, 8), "csrc"),
          marker: slice(7),
          payloadType: slice(6, 0)
        }),
        sequence: u16,
        timestamp: u32,
        ssrc: u32,
        /** Who contributed to what the payload holds. */
        csrc: array(u32),
        extension: optional(Extension, { if: bitOf("hasExtension") }),
        payload: bytes()
      }
    })
  ]
})
