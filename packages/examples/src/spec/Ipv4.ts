/** IPv4 (RFC 791, 3.1): a length of the header in words of four bytes, of which it has four bits, and a checksum over it. */
import { bits, bodyLength, bytes, checksum, frame, lengthOf, packetsOf, protocol, slice, u16, u8 } from "@wirewright/dsl"

const ipv4Frame = frame("IPv4", {
  sections: ["payload"],
  kinds: {
    packet: {
      headers: [{
        fields: {
          head: bits(u8, {
            version: slice(7, 4, { value: 4 }),
            /** In words of 32 bits, the five that are always there among them. */
            headerWords: lengthOf(slice(3, 0), "options", { unit: 4, plus: 5 })
          }),
          service: bits(u8, { dscp: slice(7, 2), ecn: slice(1, 0) }),
          totalLength: bodyLength(u16, { from: "frame" }),
          identification: u16,
          fragment: bits(u16, { dontFragment: slice(14), moreFragments: slice(13), offset: slice(12, 0) }),
          timeToLive: u8,
          protocol: u8,
          headerChecksum: checksum("internet", u16, {
            over: [
              "head",
              "service",
              "totalLength",
              "identification",
              "fragment",
              "timeToLive",
              "protocol",
              "source",
              "destination",
              "options"
            ]
          }),
          source: bytes({ size: 4 }),
          destination: bytes({ size: 4 }),
          /** Filled up to a multiple of four bytes. */
          options: bytes()
        }
      }]
    }
  },
  maxFrame: 65_535
})

const packet = packetsOf(ipv4Frame, "packet")

/** The Internet Protocol, version 4. */
export const ipv4 = protocol(ipv4Frame, {
  name: "ipv4",
  module: "./ipv4",
  commands: [packet("Datagram", { fields: { payload: bytes() } })]
})
