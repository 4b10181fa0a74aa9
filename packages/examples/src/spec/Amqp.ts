/** AMQP 0-9-1: connection, channel, exchange, queue, basic, confirm and tx, with content and tables as RabbitMQ has them. */
import {
  array,
  bitOf,
  bits,
  bodyLength,
  bytes,
  choice,
  constant,
  f32,
  f64,
  type Choice,
  type Fields,
  frame,
  i16,
  i32,
  i64,
  i8,
  lazy,
  literal,
  opcode,
  optional,
  packetsOf,
  prefixed,
  protocol,
  slice,
  struct,
  tagged,
  u16,
  u32,
  u64,
  u8,
  utf8
} from "@wirewright/dsl"

/** Bytes of RabbitMQ 3.10 and amqplib; `test/fixtures/gallery` has more. */
const recorded = (hex: string) => [{ origin: "RabbitMQ 3.10 and amqplib", hex }]

const amqpFrame = frame("AMQP", {
  sections: ["payload"],
  kinds: {
    greeting: { headers: [] },
    frame: {
      headers: [{ fields: { type: opcode(u8), channel: u16, size: bodyLength(u32) } }],
      /** The frame's end octet. */
      trailer: { end: literal(0xce) }
    }
  },
  phases: { start: { client: "greeting", server: "frame" }, open: { client: "frame", server: "frame" } },
  maxFrame: 16 * 1024 * 1024
})

const shortString = prefixed(u8, utf8())
const longString = prefixed(u32, utf8())

/** A value of a table, with the letters that RabbitMQ uses. */
const FieldValue: Choice = choice("FieldValue", u8, {
  Boolean: tagged("t", { bits: bits(u8, { value: slice(0) }) }),
  Int8: tagged("b", { value: i8 }),
  Uint8: tagged("B", { value: u8 }),
  Int16: tagged("s", { value: i16 }),
  Uint16: tagged("u", { value: u16 }),
  Int32: tagged("I", { value: i32 }),
  Uint32: tagged("i", { value: u32 }),
  Int64: tagged("l", { value: i64 }),
  Float: tagged("f", { value: f32 }),
  Double: tagged("d", { value: f64 }),
  /** `value` times 10 to the power of −`scale`. */
  Decimal: tagged("D", { scale: u8, value: i32 }),
  LongString: tagged("S", { value: longString }),
  Bytes: tagged("x", { value: prefixed(u32, bytes()) }),
  Array: tagged("A", { values: prefixed(u32, array(lazy(() => FieldValue))) }),
  /** Seconds since 1970. */
  Timestamp: tagged("T", { seconds: u64 }),
  Table: tagged("F", { entries: prefixed(u32, array(lazy(() => Entry))) }),
  Void: tagged("V", {})
})
const Entry = struct("TableEntry", { name: shortString, value: lazy(() => FieldValue) })
const table = prefixed(u32, array(Entry))

/** A method's class and number in its class, and its arguments. */
const method = <const F extends Fields>(classId: number, methodId: number, fields: F) =>
  tagged(classId * 0x10000 + methodId, fields as Fields)
/** A queue's or exchange's name, after two bytes of nothing that were a ticket once. */
const ticket = { ticket: constant(u16, 0) } as const
const delivery = { redelivered: bits(u8, { redelivered: slice(0) }), exchange: shortString, routingKey: shortString } as const
const reply = { replyCode: u16, replyText: shortString } as const
const noWait = { bits: bits(u8, { noWait: slice(0) }) } as const

const Method = choice("Method", u32, {
  ConnectionStart: method(10, 10, {
    versionMajor: u8,
    versionMinor: u8,
    serverProperties: table,
    mechanisms: longString,
    locales: longString
  }),
  ConnectionStartOk: method(10, 11, {
    clientProperties: table,
    mechanism: shortString,
    response: prefixed(u32, bytes()),
    locale: shortString
  }),
  ConnectionSecure: method(10, 20, { challenge: prefixed(u32, bytes()) }),
  ConnectionSecureOk: method(10, 21, { response: prefixed(u32, bytes()) }),
  /** Heartbeats in seconds. */
  ConnectionTune: method(10, 30, { channelMax: u16, frameMax: u32, heartbeat: u16 }),
  ConnectionTuneOk: method(10, 31, { channelMax: u16, frameMax: u32, heartbeat: u16 }),
  ConnectionOpen: method(10, 40, { virtualHost: shortString, capabilities: shortString, bits: bits(u8, { insist: slice(0) }) }),
  ConnectionOpenOk: method(10, 41, { knownHosts: shortString }),
  ConnectionClose: method(10, 50, { ...reply, classId: u16, methodId: u16 }),
  ConnectionCloseOk: method(10, 51, {}),
  ConnectionBlocked: method(10, 60, { reason: shortString }),
  ConnectionUnblocked: method(10, 61, {}),
  ConnectionUpdateSecret: method(10, 70, { newSecret: prefixed(u32, bytes()), reason: shortString }),
  ConnectionUpdateSecretOk: method(10, 71, {}),

  ChannelOpen: method(20, 10, { outOfBand: shortString }),
  ChannelOpenOk: method(20, 11, { channelId: longString }),
  ChannelFlow: method(20, 20, { bits: bits(u8, { active: slice(0) }) }),
  ChannelFlowOk: method(20, 21, { bits: bits(u8, { active: slice(0) }) }),
  ChannelClose: method(20, 40, { ...reply, classId: u16, methodId: u16 }),
  ChannelCloseOk: method(20, 41, {}),

  ExchangeDeclare: method(40, 10, {
    ...ticket,
    exchange: shortString,
    type: shortString,
    bits: bits(u8, { passive: slice(0), durable: slice(1), autoDelete: slice(2), internal: slice(3), noWait: slice(4) }),
    arguments: table
  }),
  ExchangeDeclareOk: method(40, 11, {}),
  ExchangeDelete: method(40, 20, { ...ticket, exchange: shortString, bits: bits(u8, { ifUnused: slice(0), noWait: slice(1) }) }),
  ExchangeDeleteOk: method(40, 21, {}),
  ExchangeBind: method(40, 30, {
    ...ticket,
    destination: shortString,
    source: shortString,
    routingKey: shortString,
    ...noWait,
    arguments: table
  }),
  ExchangeBindOk: method(40, 31, {}),
  ExchangeUnbind: method(40, 40, {
    ...ticket,
    destination: shortString,
    source: shortString,
    routingKey: shortString,
    ...noWait,
    arguments: table
  }),
  ExchangeUnbindOk: method(40, 51, {}),

  QueueDeclare: method(50, 10, {
    ...ticket,
    queue: shortString,
    bits: bits(u8, { passive: slice(0), durable: slice(1), exclusive: slice(2), autoDelete: slice(3), noWait: slice(4) }),
    arguments: table
  }),
  QueueDeclareOk: method(50, 11, { queue: shortString, messageCount: u32, consumerCount: u32 }),
  QueueBind: method(50, 20, { ...ticket, queue: shortString, exchange: shortString, routingKey: shortString, ...noWait, arguments: table }),
  QueueBindOk: method(50, 21, {}),
  QueuePurge: method(50, 30, { ...ticket, queue: shortString, ...noWait }),
  QueuePurgeOk: method(50, 31, { messageCount: u32 }),
  QueueDelete: method(50, 40, {
    ...ticket,
    queue: shortString,
    bits: bits(u8, { ifUnused: slice(0), ifEmpty: slice(1), noWait: slice(2) })
  }),
  QueueDeleteOk: method(50, 41, { messageCount: u32 }),
  QueueUnbind: method(50, 50, { ...ticket, queue: shortString, exchange: shortString, routingKey: shortString, arguments: table }),
  QueueUnbindOk: method(50, 51, {}),

  BasicQos: method(60, 10, { prefetchSize: u32, prefetchCount: u16, bits: bits(u8, { global: slice(0) }) }),
  BasicQosOk: method(60, 11, {}),
  BasicConsume: method(60, 20, {
    ...ticket,
    queue: shortString,
    consumerTag: shortString,
    bits: bits(u8, { noLocal: slice(0), noAck: slice(1), exclusive: slice(2), noWait: slice(3) }),
    arguments: table
  }),
  BasicConsumeOk: method(60, 21, { consumerTag: shortString }),
  BasicCancel: method(60, 30, { consumerTag: shortString, ...noWait }),
  BasicCancelOk: method(60, 31, { consumerTag: shortString }),
  BasicPublish: method(60, 40, {
    ...ticket,
    exchange: shortString,
    routingKey: shortString,
    bits: bits(u8, { mandatory: slice(0), immediate: slice(1) })
  }),
  BasicReturn: method(60, 50, { ...reply, exchange: shortString, routingKey: shortString }),
  BasicDeliver: method(60, 60, { consumerTag: shortString, deliveryTag: u64, ...delivery }),
  BasicGet: method(60, 70, { ...ticket, queue: shortString, bits: bits(u8, { noAck: slice(0) }) }),
  BasicGetOk: method(60, 71, { deliveryTag: u64, ...delivery, messageCount: u32 }),
  BasicGetEmpty: method(60, 72, { clusterId: shortString }),
  BasicAck: method(60, 80, { deliveryTag: u64, bits: bits(u8, { multiple: slice(0) }) }),
  BasicReject: method(60, 90, { deliveryTag: u64, bits: bits(u8, { requeue: slice(0) }) }),
  BasicRecoverAsync: method(60, 100, { bits: bits(u8, { requeue: slice(0) }) }),
  BasicRecover: method(60, 110, { bits: bits(u8, { requeue: slice(0) }) }),
  BasicRecoverOk: method(60, 111, {}),
  BasicNack: method(60, 120, { deliveryTag: u64, bits: bits(u8, { multiple: slice(0), requeue: slice(1) }) }),

  ConfirmSelect: method(85, 10, noWait),
  ConfirmSelectOk: method(85, 11, {}),
  TxSelect: method(90, 10, {}),
  TxSelectOk: method(90, 11, {}),
  TxCommit: method(90, 20, {}),
  TxCommitOk: method(90, 21, {}),
  TxRollback: method(90, 30, {}),
  TxRollbackOk: method(90, 31, {})
})

const greeting = packetsOf(amqpFrame, "greeting")
const packet = packetsOf(amqpFrame, "frame")

/** What a client says first; a server says it to refuse another version. */
export const header = greeting("ProtocolHeader", {
  examples: recorded("414d515000000901"),
  // oxlint-disable-next-line unicorn/no-thenable
  then: "open",
  fields: { name: literal("AMQP"), id: u8, major: u8, minor: u8, revision: u8 }
})

/** A call, or the answer to one. */
export const call = packet("Call", {
  examples: recorded("0100010000001b0028000a000008782e646972656374066469726563740200000000ce"),
  opcode: 1,
  fields: { method: Method }
})

/** A property of a message, there when its bit says so. */
const property = (bit: string, of: Parameters<typeof optional>[0]) => optional(of, { if: bitOf(bit) })

/** What is said of a message before its body. */
export const contentHeader = packet("ContentHeader", {
  examples: recorded("02000100000012003c00000000000000000005200000000000ce"),
  opcode: 2,
  fields: {
    /** The class basic, the only one whose messages have content. */
    classId: constant(u16, 60),
    weight: constant(u16, 0),
    bodySize: u64,
    propertyFlags: bits(u16, {
      hasContentType: slice(15),
      hasContentEncoding: slice(14),
      hasHeaders: slice(13),
      hasDeliveryMode: slice(12),
      hasPriority: slice(11),
      hasCorrelationId: slice(10),
      hasReplyTo: slice(9),
      hasExpiration: slice(8),
      hasMessageId: slice(7),
      hasTimestamp: slice(6),
      hasMessageType: slice(5),
      hasUserId: slice(4),
      hasAppId: slice(3),
      hasClusterId: slice(2)
    }),
    contentType: property("hasContentType", shortString),
    contentEncoding: property("hasContentEncoding", shortString),
    headers: property("hasHeaders", table),
    /** 2: kept on disk. */
    deliveryMode: property("hasDeliveryMode", u8),
    priority: property("hasPriority", u8),
    correlationId: property("hasCorrelationId", shortString),
    replyTo: property("hasReplyTo", shortString),
    expiration: property("hasExpiration", shortString),
    messageId: property("hasMessageId", shortString),
    /** Seconds since 1970. */
    timestamp: property("hasTimestamp", u64),
    messageType: property("hasMessageType", shortString),
    userId: property("hasUserId", shortString),
    appId: property("hasAppId", shortString),
    clusterId: property("hasClusterId", shortString)
  }
})

/** Some or all of a message. */
export const body = packet("Body", {
  examples: recorded("0300010000000c6f6e6520746f6f206d616e79ce"),
  opcode: 3,
  fields: { content: bytes() }
})
/** I am here. */
export const heartbeat = packet("Heartbeat", { examples: recorded("08000000000000ce"), opcode: 8, header: { channel: 0 }, fields: {} })

/** The Advanced Message Queuing Protocol. */
export const amqp = protocol(amqpFrame, {
  name: "amqp",
  module: "@wirewright/examples/gallery/amqp",
  commands: [header, call, contentHeader, body, heartbeat]
})
