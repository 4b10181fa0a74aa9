/** DNS (RFC 1035, 2782, 3596, 6891, 8659) over UDP, and over TCP with a length in front of each message. */
import { bodyLength, frame, numbered, packetsOf, protocol } from "@wirewright/dsl"
import { array, bits, by, bytes, choice, countOf, domainName, enumeration, prefixed } from "@wirewright/dsl"
import { slice, struct, tagged, u16, u32, u8, utf8 } from "@wirewright/dsl"

/** Bytes of BIND 9.18 and dig; `test/fixtures/gallery` has more. */
const recorded = (hex: string) => [{ origin: "BIND 9.18 and dig", hex }]

const dnsFrame = frame("DNS", {
  sections: ["message"],
  kinds: {
    datagram: { headers: [], datagram: true },
    segment: { headers: [{ fields: { length: bodyLength(u16) } }] }
  },
  maxFrame: 65_537
})

/** A name whose ending may be a pointer to an earlier one, and one that is never written so. */
const [name, plainName] = [domainName(), domainName({ compress: false })]
/** At most 255 bytes with their length. */
const characterString = prefixed(u8, utf8())
const [ipv4, ipv6] = [bytes({ size: 4 }), bytes({ size: 16 })]

/** What is asked or stored (IANA: Resource Record TYPEs). */
const RecordType = enumeration("RecordType", u16, {
  ...numbered(1, "A", "NS", 5, "CNAME", "SOA", 12, "PTR", 15, "MX", "TXT", "RP", "AFSDB", 28, "AAAA", 33, "SRV", 35, "NAPTR", 39, "DNAME"),
  ...numbered(41, "OPT", 46, "RRSIG", "NSEC", 64, "SVCB", "HTTPS", 251, "IXFR", "AXFR", 255, "ANY", 257, "CAA")
})
const RecordClass = enumeration("RecordClass", u16, { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 })
const Operation = enumeration("Operation", u8, { Query: 0, InverseQuery: 1, Status: 2, Notify: 4, Update: 5 })
const ResponseCode = enumeration("ResponseCode", u8, {
  ...numbered("NoError", "FormatError", "ServerFailure", "NonExistentDomain", "NotImplemented", "Refused"),
  ...numbered(6, "NameExists", "SetExists", "NoSuchSet", "NotAuthoritative", "NotInZone")
})

/** What an EDNS option says. */
const OptionData = choice("OptionData", by("code"), {
  NameServerId: tagged(3, { id: bytes() }),
  ClientSubnet: tagged(8, { family: u16, sourcePrefix: u8, scopePrefix: u8, address: bytes() }),
  Cookie: tagged(10, { client: bytes({ size: 8 }), server: bytes({ max: 32 }) }),
  Padding: tagged(12, { padding: bytes() }),
  ExtendedError: tagged(15, { code: u16, text: utf8() })
}, { unknown: "keep" })

const Option = struct("Option", { code: u16, data: prefixed(u16, OptionData) })

/** What a service says of itself (RFC 9460, 14.3). */
const ParameterValue = choice("ParameterValue", by("key"), {
  Mandatory: tagged(0, { keys: array(u16) }),
  ApplicationProtocols: tagged(1, { protocols: array(characterString) }),
  NoDefaultProtocol: tagged(2, {}),
  Port: tagged(3, { port: u16 }),
  Ipv4Hint: tagged(4, { addresses: array(ipv4) }),
  EncryptedClientHello: tagged(5, { configurations: bytes() }),
  Ipv6Hint: tagged(6, { addresses: array(ipv6) })
}, { unknown: "keep" })
const Parameter = struct("ServiceParameter", { key: u16, value: prefixed(u16, ParameterValue) })
/** 256 types that a name has records of, a bit each (RFC 4034, 4.1.2). */
const TypeWindow = struct("TypeWindow", { window: u8, bitmap: prefixed(u8, bytes()) })

const service = { priority: u16, target: plainName, parameters: array(Parameter) }
const rewriting = { flags: characterString, services: characterString, regularExpression: characterString }
const signed = { typeCovered: RecordType, algorithm: u8, labels: u8, originalTimeToLive: u32 }
const validity = { expiration: u32, inception: u32 }

/** What a record says. Records of updates may say nothing but their type. */
const RecordData = choice("RecordData", by("type"), {
  A: tagged(1, { address: ipv4 }),
  NS: tagged(2, { nameServer: name }),
  CNAME: tagged(5, { canonicalName: name }),
  SOA: tagged(6, { primary: name, mailbox: name, serial: u32, refresh: u32, retry: u32, expire: u32, minimum: u32 }),
  PTR: tagged(12, { name }),
  MX: tagged(15, { preference: u16, exchange: name }),
  TXT: tagged(16, { text: array(characterString) }),
  AAAA: tagged(28, { address: ipv6 }),
  RP: tagged(17, { mailbox: plainName, text: plainName }),
  AFSDB: tagged(18, { subtype: u16, host: plainName }),
  NAPTR: tagged(35, { order: u16, preference: u16, ...rewriting, replacement: plainName }),
  DNAME: tagged(39, { target: plainName }),
  SVCB: tagged(64, service),
  HTTPS: tagged(65, service),
  RRSIG: tagged(46, { ...signed, ...validity, keyTag: u16, signer: plainName, signature: bytes() }),
  NSEC: tagged(47, { next: plainName, types: array(TypeWindow) }),
  SRV: tagged(33, { priority: u16, weight: u16, port: u16, target: plainName }),
  OPT: tagged(41, { options: array(Option) }),
  CAA: tagged(257, { flags: bits(u8, { critical: slice(7), reserved: slice(6, 0) }), tag: prefixed(u8, utf8()), value: utf8() })
}, { unknown: "keep", empty: "keep" })

const Question = struct("Question", { name, type: RecordType, class: RecordClass })

const Record = struct("ResourceRecord", {
  name,
  type: RecordType,
  /** Of an OPT record: how many bytes its sender takes in a datagram. */
  class: RecordClass,
  /** Of an OPT record: more bits of the response code, the version, and flags. */
  timeToLive: u32,
  data: prefixed(u16, RecordData)
})

const message = {
  id: u16,
  flags: bits(u16, {
    response: slice(15),
    opcode: slice(14, 11, { of: Operation }),
    authoritative: slice(10),
    truncated: slice(9),
    recursionDesired: slice(8),
    recursionAvailable: slice(7),
    reserved: slice(6),
    authenticData: slice(5),
    checkingDisabled: slice(4),
    responseCode: slice(3, 0, { of: ResponseCode })
  }),
  questionCount: countOf(u16, "questions"),
  answerCount: countOf(u16, "answers"),
  authorityCount: countOf(u16, "authorities"),
  additionalCount: countOf(u16, "additionals"),
  questions: array(Question),
  answers: array(Record),
  authorities: array(Record),
  additionals: array(Record)
}

/** A message in a datagram of its own. */
export const datagram = packetsOf(dnsFrame, "datagram")("Message", { examples: recorded("98e581010000000000000000"), fields: message })
/** A message over TCP. */
export const segment = packetsOf(dnsFrame, "segment")("TcpMessage", { fields: message })

/** The Domain Name System. */
export const dns = protocol(dnsFrame, { name: "dns", module: "@wirewright/examples/gallery/dns", commands: [datagram, segment] })
