/**
 * STUN (RFC 8489), with the attributes of ICE (RFC 8445): a number in bits as opcode, a magic cookie, attributes with a number, a length and padding
 * that may be anything; and a checksum that is XORed with a constant.
 */
import {
  align,
  array,
  bits,
  bodyLength,
  by,
  bytes,
  checksum,
  choice,
  constant,
  frame,
  opcode,
  packetsOf,
  prefixed,
  protocol
} from "@wirewright/dsl"
import { reserved, slice, struct, tagged, u16, u32, u64, u8, utf8 } from "@wirewright/dsl"

/** The header; so many bytes of attributes stand in the trailer. */
const header = (behind: number) => ({
  /** Two zero bits tell STUN from what else is sent on its port. */
  type: bits(u16, { zero: slice(15, 14, { value: 0 }), method: opcode(slice(13, 0)) }),
  length: bodyLength(u16, { plus: behind }),
  cookie: constant(u32, 0x2112a442),
  transaction: bytes({ size: 12 })
})

const stunFrame = frame("STUN", {
  sections: ["attributes"],
  kinds: { message: { headers: [{ fields: header(0) }] } },
  maxFrame: 65_555
})

/** Messages of ICE end with a FINGERPRINT (RFC 8445, 7.1.2), which is the CRC-32 of all before it, XORed. */
const iceFrame = frame("ICE", {
  sections: ["attributes"],
  kinds: {
    message: {
      headers: [{ fields: header(8) }],
      trailer: {
        fingerprint: constant(u16, 0x8028),
        fingerprintLength: constant(u16, 4),
        crc: checksum("crc32", u32, { over: ["type", "length", "cookie", "transaction", "attributes"], xor: 0x5354554e })
      }
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
  /** CRC-32 of what stands before, XORed with 0x5354554e; `ice` derives it, where it is always there. */
  Fingerprint: tagged(0x8028, { crc: u32 }),
  IceControlled: tagged(0x8029, { tieBreaker: u64 }),
  IceControlling: tagged(0x802a, { tieBreaker: u64 })
}, { unknown: "keep" })

const Attribute = struct("Attribute", { type: u16, value: prefixed(u16, Value), padding: align(4, "ignore") })

const fields = { attributes: array(Attribute) }
const commands = (message: ReturnType<typeof packetsOf<"attributes", "message", string, string>>) => [
  message("BindingRequest", { opcode: 0x0001, fields }),
  message("BindingIndication", { opcode: 0x0011, fields }),
  message("BindingSuccess", { opcode: 0x0101, sender: "server", fields }),
  message("BindingError", { opcode: 0x0111, sender: "server", fields })
]

/** Session Traversal Utilities for NAT. */
export const stun = protocol(stunFrame, {
  name: "stun",
  module: "./stun",
  commands: commands(packetsOf(stunFrame, "message"))
})

/** The messages of Interactive Connectivity Establishment, whose last attribute is derived and verified. */
export const ice = protocol(iceFrame, {
  name: "ice",
  module: "./ice",
  commands: commands(packetsOf(iceFrame, "message"))
})
