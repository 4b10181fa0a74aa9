/**
 * STUN (RFC 8489), with the attributes of ICE (RFC 8445): a number in bits as opcode, a magic cookie, attributes with a number, a length and padding
 * that may be anything.
 */
import { align, array, bits, bodyLength, by, bytes, choice, constant, frame, opcode, packetsOf, prefixed, protocol } from "@wirewright/dsl"
import { reserved, slice, struct, tagged, u16, u32, u64, u8, utf8 } from "@wirewright/dsl"

const stunFrame = frame("STUN", {
  sections: ["attributes"],
  kinds: {
    message: {
      headers: [{
        fields: {
          /** Two zero bits tell STUN from what else is sent on its port. */
          type: bits(u16, { zero: slice(15, 14, { value: 0 }), method: opcode(slice(13, 0)) }),
          length: bodyLength(u16),
          cookie: constant(u32, 0x2112a442),
          transaction: bytes({ size: 12 })
        }
      }]
    }
  },
  maxFrame: 65_555
})

const Address = choice("Address", u8, {
  Ipv4: tagged(1, { port: u16, ip: bytes({ size: 4 }) }),
  Ipv6: tagged(2, { port: u16, ip: bytes({ size: 16 }) })
})

const Value = choice("AttributeValue", by("type"), {
  MappedAddress: tagged(0x0001, { zero: reserved(u8), address: Address }),
  Username: tagged(0x0006, { name: utf8() }),
  /** HMAC-SHA1 of what stands before, with a length in the header that ends with this attribute. */
  MessageIntegrity: tagged(0x0008, { hmac: bytes({ size: 20 }) }),
  /** 100 times `class`, and `number`, are the code. */
  ErrorCode: tagged(0x0009, { zero: reserved(u16), class: u8, number: u8, reason: utf8() }),
  UnknownAttributes: tagged(0x000a, { types: array(u16) }),
  Realm: tagged(0x0014, { realm: utf8() }),
  Nonce: tagged(0x0015, { nonce: utf8() }),
  /** The port and the address are XORed with the cookie, and those of IPv6 with the transaction, too. */
  XorMappedAddress: tagged(0x0020, { zero: reserved(u8), address: Address }),
  Priority: tagged(0x0024, { priority: u32 }),
  UseCandidate: tagged(0x0025, {}),
  Software: tagged(0x8022, { text: utf8() }),
  /** CRC-32 of what stands before, XORed with 0x5354554e. */
  Fingerprint: tagged(0x8028, { crc: u32 }),
  IceControlled: tagged(0x8029, { tieBreaker: u64 }),
  IceControlling: tagged(0x802a, { tieBreaker: u64 })
}, { unknown: "keep" })

const Attribute = struct("Attribute", { type: u16, value: prefixed(u16, Value), padding: align(4, "ignore") })

const fields = { attributes: array(Attribute) }
const message = packetsOf(stunFrame, "message")

/** Session Traversal Utilities for NAT. */
export const stun = protocol(stunFrame, {
  name: "stun",
  module: "./stun",
  commands: [
    message("BindingRequest", { opcode: 0x0001, fields }),
    message("BindingIndication", { opcode: 0x0011, fields }),
    message("BindingSuccess", { opcode: 0x0101, sender: "server", fields }),
    message("BindingError", { opcode: 0x0111, sender: "server", fields })
  ]
})
