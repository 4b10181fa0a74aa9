/** DNS (RFC 1035, 2782, 3596, 6891, 8659) over UDP, and over TCP with a length in front of each message. */
import {
  array,
  bits,
  bodyLength,
  by,
  bytes,
  choice,
  countOf,
  custom,
  enumeration,
  frame,
  packetsOf,
  prefixed,
  protocol,
  slice,
  struct,
  tagged,
  u16,
  u32,
  u8,
  utf8
} from "@wirewright/dsl"

const dnsFrame = frame("DNS", {
  sections: ["message"],
  kinds: {
    datagram: { headers: [], datagram: true },
    segment: { headers: [{ fields: { length: bodyLength(u16) } }] }
  },
  maxFrame: 65_537
})

/** A name whose ending may be a pointer to an earlier one. */
const name = custom("DomainName", { module: "../../custom/DomainName.ts", minimum: 1 })
/** A name that is never compressed. */
const plainName = custom("PlainName", { module: "../../custom/PlainName.ts", minimum: 1 })
/** At most 255 bytes with their length. */
const characterString = prefixed(u8, utf8())

/** What is asked or stored (IANA: Resource Record TYPEs). */
const RecordType = enumeration("RecordType", u16, {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  RP: 17,
  AFSDB: 18,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  RRSIG: 46,
  NSEC: 47,
  SVCB: 64,
  HTTPS: 65,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257
})

const RecordClass = enumeration("RecordClass", u16, { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 })
const Operation = enumeration("Operation", u8, { Query: 0, InverseQuery: 1, Status: 2, Notify: 4, Update: 5 })
const ResponseCode = enumeration("ResponseCode", u8, {
  NoError: 0,
  FormatError: 1,
  ServerFailure: 2,
  NonExistentDomain: 3,
  NotImplemented: 4,
  Refused: 5,
  NameExists: 6,
  SetExists: 7,
  NoSuchSet: 8,
  NotAuthoritative: 9,
  NotInZone: 10
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

/** What a service says of itself (RFC 9460). */
const Parameter = struct("ServiceParameter", { key: u16, value: prefixed(u16, bytes()) })
/** 256 types that a name has records of, a bit each (RFC 4034, 4.1.2). */
const TypeWindow = struct("TypeWindow", { window: u8, bitmap: prefixed(u8, bytes()) })

/** What a record says. Records of updates may say nothing but their type. */
const RecordData = choice("RecordData", by("type"), {
  A: tagged(1, { address: bytes({ size: 4 }) }),
  NS: tagged(2, { nameServer: name }),
  CNAME: tagged(5, { canonicalName: name }),
  SOA: tagged(6, { primary: name, mailbox: name, serial: u32, refresh: u32, retry: u32, expire: u32, minimum: u32 }),
  PTR: tagged(12, { name }),
  MX: tagged(15, { preference: u16, exchange: name }),
  TXT: tagged(16, { text: array(characterString) }),
  AAAA: tagged(28, { address: bytes({ size: 16 }) }),
  RP: tagged(17, { mailbox: plainName, text: plainName }),
  AFSDB: tagged(18, { subtype: u16, host: plainName }),
  NAPTR: tagged(35, {
    order: u16,
    preference: u16,
    flags: characterString,
    services: characterString,
    regularExpression: characterString,
    replacement: plainName
  }),
  DNAME: tagged(39, { target: plainName }),
  SVCB: tagged(64, { priority: u16, target: plainName, parameters: array(Parameter) }),
  HTTPS: tagged(65, { priority: u16, target: plainName, parameters: array(Parameter) }),
  RRSIG: tagged(46, {
    typeCovered: RecordType,
    algorithm: u8,
    labels: u8,
    originalTimeToLive: u32,
    expiration: u32,
    inception: u32,
    keyTag: u16,
    signer: plainName,
    signature: bytes()
  }),
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
export const datagram = packetsOf(dnsFrame, "datagram")("Message", { fields: message })
/** A message over TCP. */
export const segment = packetsOf(dnsFrame, "segment")("TcpMessage", { fields: message })

/** The Domain Name System. */
export const dns = protocol(dnsFrame, { name: "dns", module: "@wirewright/examples/gallery/dns", commands: [datagram, segment] })
