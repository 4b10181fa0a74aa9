/** Test only: MQTT 3.1.1 (OASIS 2014) by itself, as a spec of that time would have it, to be compared with that of 3.1.1 and 5. */
import {
  array,
  bitOf,
  bits,
  bodyLength,
  bytes,
  enumeration,
  frame,
  opcode,
  optional,
  packetsOf,
  prefixed,
  protocol,
  slice,
  struct,
  u16,
  u8,
  utf8,
  valueOf,
  varint
} from "@wirewright/dsl"

const QoS = enumeration("QoS", u8, { atMostOnce: 0, atLeastOnce: 1, exactlyOnce: 2 }, { unknown: "error" })
const header = {
  first: bits(u8, { type: opcode(slice(7, 4)), dup: slice(3), qos: slice(2, 1, { of: QoS }), retain: slice(0) }),
  remainingLength: bodyLength(varint({ maxBytes: 4 }))
}
const own = frame("MQTT", {
  sections: ["body"],
  maxFrame: 268_435_460,
  correlation: "packetIdentifier",
  kinds: { packet: { headers: [{ fields: header }] } }
})
const packet = packetsOf(own, "packet")
const text = prefixed(u16, utf8({ invalid: "error" }))
const binary = prefixed(u16, bytes())
const none = { header: { dup: 0, qos: 0, retain: 0 } }
const one = { header: { dup: 0, qos: 1, retain: 0 } }
const ReturnCode = enumeration("ReturnCode", u8, {
  accepted: 0,
  unacceptableProtocolVersion: 1,
  identifierRejected: 2,
  serverUnavailable: 3,
  badUserNameOrPassword: 4,
  notAuthorized: 5,
  failure: 0x80
})
const will = { if: bitOf("will") }
const acknowledged = { packetIdentifier: u16 }
const Subscription = struct("Subscription", { topicFilter: text, options: bits(u8, { qos: slice(1, 0, { of: QoS }) }) })
const server = { ...none, sender: "server" } as const
const both = { ...none, sender: "both" } as const

const connect = {
  protocolName: text,
  protocolVersion: u8,
  connectFlags: bits(u8, {
    userNameFlag: slice(7),
    passwordFlag: slice(6),
    willRetain: slice(5),
    willQoS: slice(4, 3, { of: QoS }),
    will: slice(2),
    cleanStart: slice(1)
  }),
  keepAlive: u16,
  clientIdentifier: text,
  willTopic: optional(text, will),
  willPayload: optional(binary, will),
  userName: optional(text, { if: bitOf("userNameFlag") }),
  password: optional(binary, { if: bitOf("passwordFlag") })
}

const commands = [
  packet("Connect", { ...none, opcode: 1, answeredBy: ["Connack"], last: ["Connack"], fields: connect }),
  packet("Connack", { ...server, opcode: 2, fields: { acknowledgeFlags: bits(u8, { sessionPresent: slice(0) }), code: ReturnCode } }),
  packet("Publish", {
    sender: "both",
    reply: "optional",
    opcode: 3,
    answeredBy: ["Puback", "Pubrec"],
    fields: { topicName: text, packetIdentifier: optional(u16, { if: valueOf("qos", [1, 2]) }), payload: bytes() }
  }),
  packet("Puback", { ...both, opcode: 4, fields: acknowledged }),
  packet("Pubrec", { ...both, opcode: 5, fields: acknowledged }),
  packet("Pubrel", { ...one, sender: "both", reply: "optional", opcode: 6, answeredBy: ["Pubcomp"], fields: acknowledged }),
  packet("Pubcomp", { ...both, opcode: 7, fields: acknowledged }),
  packet("Subscribe", { ...one, opcode: 8, answeredBy: ["Suback"], fields: { ...acknowledged, subscriptions: array(Subscription) } }),
  packet("Suback", { ...server, opcode: 9, fields: { ...acknowledged, codes: array(ReturnCode) } }),
  packet("Unsubscribe", { ...one, opcode: 10, answeredBy: ["Unsuback"], fields: { ...acknowledged, topicFilters: array(text) } }),
  packet("Unsuback", { ...server, opcode: 11, fields: acknowledged }),
  packet("Pingreq", { ...none, opcode: 12, answeredBy: ["Pingresp"], fields: {} }),
  packet("Pingresp", { ...server, opcode: 13, fields: {} }),
  packet("Disconnect", { ...both, opcode: 14, fields: {} })
]

/** MQTT 3.1.1. */
export const mqtt = protocol(own, { name: "mqtt", module: "./mqtt311", commands })
