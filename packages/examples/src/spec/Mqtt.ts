/** MQTT 3.1.1 and 5 (OASIS): every control packet and every property. CONNECT says which version a connection speaks. */
import { bodyLength, frame, numbered, opcode, packetsOf, protocol } from "@wirewright/dsl"
import { array, bitOf, bits, bytes, choice, enumeration, optional, prefixed } from "@wirewright/dsl"
import { slice, struct, tagged, type Type, u16, u32, u8, utf8, valueOf, varint, when } from "@wirewright/dsl"

/** How often a message may arrive: at most once, at least once, exactly once. */
const QoS = enumeration("QoS", u8, { atMostOnce: 0, atLeastOnce: 1, exactlyOnce: 2 }, { unknown: "error" })

const header = {
  first: bits(u8, { type: opcode(slice(7, 4)), dup: slice(3), qos: slice(2, 1, { of: QoS }), retain: slice(0) }),
  remainingLength: bodyLength(varint({ maxBytes: 4 }))
}
const mqttFrame = frame("MQTT", {
  sections: ["body"],
  states: { version: "the protocol version that the client said in CONNECT: 3 (3.1), 4 (3.1.1) or 5" },
  maxFrame: 268_435_460,
  correlation: "packetIdentifier",
  kinds: { packet: { headers: [{ fields: header }] } }
})
const packet = packetsOf(mqttFrame, "packet")
const seen = (hex: string, fields = {}) => [{ origin: "npm's mqtt 5.16.0 and mosquitto_pub 2.0.11", hex, fields }]
const flags0000 = { header: { dup: 0, qos: 0, retain: 0 } }
const flags0010 = { header: { dup: 0, qos: 1, retain: 0 } }

const since5 = (of: Type) => when("version", of, { from: 5 })
const text = prefixed(u16, utf8({ invalid: "error" }))
/** At least one character [MQTT-4.7.3-1]. */
const topicFilter = prefixed(u16, utf8({ invalid: "error", min: 1 }))
const binary = prefixed(u16, bytes())
const Switch = enumeration("Switch", u8, { off: 0, on: 1 }, { unknown: "error" })

const Property = choice("Property", varint({ maxBytes: 4 }), {
  PayloadFormatIndicator: tagged(1, { isText: Switch }),
  MessageExpiryInterval: tagged(2, { seconds: u32 }),
  ContentType: tagged(3, { contentType: text }),
  ResponseTopic: tagged(8, { topic: text }),
  CorrelationData: tagged(9, { data: binary }),
  SubscriptionIdentifier: tagged(11, { identifier: varint({ maxBytes: 4 }) }),
  SessionExpiryInterval: tagged(17, { seconds: u32 }),
  AssignedClientIdentifier: tagged(18, { clientIdentifier: text }),
  ServerKeepAlive: tagged(19, { seconds: u16 }),
  AuthenticationMethod: tagged(21, { method: text }),
  AuthenticationData: tagged(22, { data: binary }),
  RequestProblemInformation: tagged(23, { requested: Switch }),
  WillDelayInterval: tagged(24, { seconds: u32 }),
  RequestResponseInformation: tagged(25, { requested: Switch }),
  ResponseInformation: tagged(26, { information: text }),
  ServerReference: tagged(28, { server: text }),
  ReasonString: tagged(31, { reason: text }),
  ReceiveMaximum: tagged(33, { packets: u16 }),
  TopicAliasMaximum: tagged(34, { aliases: u16 }),
  TopicAlias: tagged(35, { alias: u16 }),
  MaximumQoS: tagged(36, { qos: QoS }),
  RetainAvailable: tagged(37, { available: Switch }),
  UserProperty: tagged(38, { key: text, value: text }),
  MaximumPacketSize: tagged(39, { bytes: u32 }),
  WildcardSubscriptionAvailable: tagged(40, { available: Switch }),
  SubscriptionIdentifierAvailable: tagged(41, { available: Switch }),
  SharedSubscriptionAvailable: tagged(42, { available: Switch })
})
const propertyList = prefixed(varint({ maxBytes: 4 }), array(Property))
const properties = since5(propertyList)

/** Return codes of CONNACK before version 5. */
const ReturnCode = enumeration("ReturnCode", u8, {
  ...numbered("accepted", "unacceptableProtocolVersion", "identifierRejected", "serverUnavailable"),
  ...numbered(4, "badUserNameOrPassword", "notAuthorized")
}, { unknown: "error" })
/** Return codes of SUBACK before version 5, other than which none must be used [MQTT-3.9.3-2]. */
const Grant = enumeration("Grant", u8, { ...numbered("qos0", "qos1", "qos2", 0x80, "failure") }, { unknown: "error" })
/** Reason codes of version 5. Where a QoS is granted, `success` is QoS 0. */
const ReasonCode = enumeration("ReasonCode", u8, {
  ...numbered("success", "grantedQoS1", "grantedQoS2", 0x04, "disconnectWithWillMessage", 0x10, "noMatchingSubscribers"),
  ...numbered(0x11, "noSubscriptionExisted", 0x18, "continueAuthentication", "reAuthenticate"),
  ...numbered(0x80, "unspecifiedError", "malformedPacket", "protocolError", "implementationSpecificError", "unsupportedProtocolVersion"),
  ...numbered(0x85, "clientIdentifierNotValid", "badUserNameOrPassword", "notAuthorized", "serverUnavailable", "serverBusy", "banned"),
  ...numbered(0x8b, "serverShuttingDown", "badAuthenticationMethod", "keepAliveTimeout", "sessionTakenOver", "topicFilterInvalid"),
  ...numbered(0x90, "topicNameInvalid", "packetIdentifierInUse", "packetIdentifierNotFound", "receiveMaximumExceeded", "topicAliasInvalid"),
  ...numbered(0x95, "packetTooLarge", "messageRateTooHigh", "quotaExceeded", "administrativeAction", "payloadFormatInvalid"),
  ...numbered(0x9a, "retainNotSupported", "qosNotSupported", "useAnotherServer", "serverMoved", "sharedSubscriptionsNotSupported"),
  ...numbered(0x9f, "connectionRateExceeded", "maximumConnectTime", "subscriptionIdentifiersNotSupported"),
  wildcardSubscriptionsNotSupported: 0xa2
})
/** What ends a packet of version 5: without a reason code it means success. */
const reason = { reasonCode: since5(optional(ReasonCode)), properties: since5(optional(propertyList, { requires: "reasonCode" })) }

const will = { if: bitOf("will") }
const userFlags = { userNameFlag: slice(7), passwordFlag: slice(6) }
const willFlags = { willRetain: slice(5), willQoS: slice(4, 3, { of: QoS }), will: slice(2) }
const connectFlags = bits(u8, { ...userFlags, ...willFlags, cleanStart: slice(1) })
const connect = {
  protocolName: text,
  protocolVersion: u8,
  connectFlags,
  keepAlive: u16,
  properties: when("protocolVersion", propertyList, { from: 5 }),
  clientIdentifier: text,
  willProperties: when("protocolVersion", optional(propertyList, will), { from: 5 }),
  willTopic: optional(text, will),
  willPayload: optional(binary, will),
  userName: optional(text, { if: bitOf("userNameFlag") }),
  password: optional(binary, { if: bitOf("passwordFlag") })
}
const connected = seen("101d00044d51545405c2003c00000263350004757365720006736563726574", { protocolVersion: 5, userName: "user" })
const code = when("version", ReasonCode, { from: 5, else: ReturnCode })
const connack = { acknowledgeFlags: bits(u8, { sessionPresent: slice(0) }), code, properties }
const topicName = when("version", text, { from: 5, else: topicFilter })
const publish = { topicName, packetIdentifier: optional(u16, { if: valueOf("qos", [1, 2]) }), properties, payload: bytes() }
const published = seen("30090003612f627a65726f", { qos: 0, topicName: "a/b", payload: { hex: "7a65726f" } })
const acknowledgement = { packetIdentifier: u16, ...reason }

/** Which retained messages are sent: all, those of a new subscription, or none. */
const RetainHandling = enumeration("RetainHandling", u8, { ...numbered("always", "ifNew", "never") }, { unknown: "error" })
const options5 = { retainHandling: slice(5, 4, { of: RetainHandling }), retainAsPublished: slice(3), noLocal: slice(2) }
/** What a client asks for. */
const Subscription = struct("Subscription", { topicFilter, options: bits(u8, { ...options5, qos: slice(1, 0, { of: QoS }) }) })
/** The same before version 5. */
const Subscription311 = struct("Subscription311", { topicFilter, qos: QoS })
// a list without elements is a protocol error [MQTT-3.8.3-2, MQTT-3.10.3-2], and each element has an answer [MQTT-3.8.4-6, MQTT-3.11.3-1]
const wanted = when("version", array(Subscription, { min: 1 }), { from: 5, else: array(Subscription311, { min: 1 }) })
const subscriptions = { packetIdentifier: u16, properties, subscriptions: wanted }
const topicFilters = { packetIdentifier: u16, properties, topicFilters: array(topicFilter, { min: 1 }) }
const granted = when("version", array(ReasonCode, { min: 1 }), { from: 5, else: array(Grant, { min: 1 }) })
const grants = { packetIdentifier: u16, properties, codes: granted }
const withdrawals = { packetIdentifier: u16, properties, codes: since5(array(ReasonCode, { min: 1 })) }
const server = { ...flags0000, sender: "server" } as const
const both = { ...flags0000, sender: "both" } as const
const either = { sender: "both", reply: "optional" } as const

const commands = [
  packet("Connect", { ...flags0000, opcode: 1, answeredBy: ["Connack", "Auth"], last: ["Connack"], fields: connect, examples: connected }),
  packet("Connack", { ...server, opcode: 2, fields: connack }),
  /** Of QoS 0 it is not answered. Of QoS 2 `Pubrec` answers it, and then, unless that refuses it, the client's `Pubrel` follows. */
  packet("Publish", { ...either, opcode: 3, answeredBy: ["Puback", "Pubrec"], fields: publish, examples: published }),
  packet("Puback", { ...both, opcode: 4, fields: acknowledgement }),
  packet("Pubrec", { ...both, opcode: 5, fields: acknowledgement }),
  packet("Pubrel", { ...flags0010, ...either, opcode: 6, answeredBy: ["Pubcomp"], fields: acknowledgement }),
  packet("Pubcomp", { ...both, opcode: 7, fields: acknowledgement }),
  packet("Subscribe", { ...flags0010, opcode: 8, answeredBy: ["Suback"], fields: subscriptions }),
  packet("Suback", { ...server, opcode: 9, fields: grants }),
  packet("Unsubscribe", { ...flags0010, opcode: 10, answeredBy: ["Unsuback"], fields: topicFilters }),
  packet("Unsuback", { ...server, opcode: 11, fields: withdrawals }),
  packet("Pingreq", { ...flags0000, opcode: 12, answeredBy: ["Pingresp"], fields: {} }),
  packet("Pingresp", { ...server, opcode: 13, fields: {} }),
  packet("Disconnect", { ...both, opcode: 14, fields: reason }),
  packet("Auth", { ...both, opcode: 15, fields: reason })
]

/** MQTT. */
export const mqtt = protocol(mqttFrame, { name: "mqtt", module: "@wirewright/examples/gallery/mqtt", commands })
