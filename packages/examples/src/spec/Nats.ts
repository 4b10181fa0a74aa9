/**
 * The NATS client protocol: lines of tokens, some with a payload after them whose size the line says.
 *
 * This is what clients and servers write: verbs in capitals, one space between tokens, CR LF. The server also takes verbs in small letters,
 * tabs and several spaces, and a bare LF. What it refuses besides no word says: a subject with nothing between two points, or options of
 * CONNECT that are no object.
 *
 * Source: docs.nats.io, "Client Protocol"; ADR-4 (headers); nats-server 2.9.10 and @nats-io/transport-node observed live.
 */
import {
  array,
  bytes,
  decimal,
  type Fields,
  frame,
  json,
  lengthOf,
  literal,
  optional,
  packetsOf,
  protocol,
  struct,
  tokens,
  utf8
} from "@wirewright/dsl"

const natsFrame = frame("NATS", { sections: ["content"], kinds: { message: { headers: [] } }, maxFrame: 64 * 1024 * 1024 })

const message = packetsOf(natsFrame, "message")

const hexOf = (text: string): string => [...text].map((one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("")

/** An example of the protocol's document. */
const documented = (text: string, fields: { readonly [name: string]: unknown }) => [
  { kind: "message", origin: "docs.nats.io, Client Protocol", hex: hexOf(text), fields }
]

const line = <const F extends Fields>(fields: F, options: { readonly rest?: boolean } = {}) =>
  tokens(" ", fields, { until: "\r\n", ...options })

const word = utf8({ min: 1 })
/** nats-server sends an empty one where JetStream has none. */
const replyTo = optional(utf8())

const payload = {
  payload: bytes(),
  payloadEnd: literal("\r\n")
}

/** A name may come several times. */
const Header = struct("NatsHeader", {
  name: utf8({ min: 1, until: ":" }),
  /** What stands after the colon, usually a space first. */
  value: utf8({ until: "\r\n" })
})

/** What goes with a payload. */
const Headers = struct("NatsHeaders", {
  line: line({
    version: literal("NATS/1.0"),
    /** Of answers that the server itself makes, like HTTP's. */
    status: optional(decimal()),
    description: optional(utf8(), { requires: "status" })
  }, { rest: true }),
  headers: array(Header, { until: "\r\n" })
})

const sized = { size: lengthOf(decimal(), "payload") }
const sizedWithHeaders = {
  /** 0: none. */
  headersSize: lengthOf(decimal(), "headers", { absent: 0 }),
  size: lengthOf(decimal(), ["headers", "payload"])
}

const messages = [
  /** What the server is; sent first, and again when it changes. */
  message("Info", { sender: "server", fields: { verb: literal("INFO "), info: json({ until: "\r\n" }) } }),
  /** What the client is and wants. */
  message("Connect", { fields: { verb: literal("CONNECT "), options: json({ until: "\r\n" }) } }),
  message("Pub", {
    fields: { line: line({ verb: literal("PUB"), subject: word, replyTo: optional(word), ...sized }), ...payload },
    examples: [
      ...documented("PUB FOO 11\r\nHello NATS!\r\n", { subject: "FOO", payload: { hex: hexOf("Hello NATS!") } }),
      ...documented("PUB FRONT.DOOR JOKE.22 11\r\nKnock Knock\r\n", { subject: "FRONT.DOOR", replyTo: "JOKE.22" })
    ]
  }),
  message("HPub", {
    fields: {
      line: line({ verb: literal("HPUB"), subject: word, replyTo: optional(word), ...sizedWithHeaders }),
      headers: Headers,
      ...payload
    },
    examples: documented("HPUB FOO 22 33\r\nNATS/1.0\r\nBar: Baz\r\n\r\nHello NATS!\r\n", {
      subject: "FOO",
      headers: { headers: [{ name: "Bar", value: " Baz" }] }
    })
  }),
  message("Sub", {
    fields: { line: line({ verb: literal("SUB"), subject: word, queueGroup: optional(word), sid: word }) },
    examples: documented("SUB BAR G1 44\r\n", { subject: "BAR", queueGroup: "G1", sid: "44" })
  }),
  /** Ends a subscription, at once or after some messages. */
  message("Unsub", {
    fields: { line: line({ verb: literal("UNSUB"), sid: word, maxMessages: optional(decimal({ bits: 64 })) }) },
    examples: documented("UNSUB 1 5\r\n", { sid: "1", maxMessages: "5" })
  }),
  message("Msg", {
    sender: "server",
    fields: { line: line({ verb: literal("MSG"), subject: word, sid: word, replyTo, ...sized }), ...payload },
    examples: documented("MSG FOO.BAR 9 GREETING.34 11\r\nHello World\r\n", { subject: "FOO.BAR", sid: "9", replyTo: "GREETING.34" })
  }),
  message("HMsg", {
    sender: "server",
    fields: {
      line: line({ verb: literal("HMSG"), subject: word, sid: word, replyTo, ...sizedWithHeaders }),
      headers: Headers,
      ...payload
    }
  }),
  message("Ping", { sender: "both", answeredBy: ["Pong"], reply: "optional", fields: { line: line({ verb: literal("PING") }) } }),
  message("Pong", { sender: "both", fields: { line: line({ verb: literal("PONG") }) } }),
  /** Answers each message of a client that asked for `verbose`. */
  message("Ok", { sender: "server", fields: { line: line({ verb: literal("+OK") }) } }),
  message("Err", { sender: "server", fields: { verb: literal("-ERR '"), message: utf8({ until: "'\r\n" }) } })
]

/** The NATS client protocol. */
export const nats = protocol(natsFrame, { name: "nats", module: "@wirewright/examples/gallery/nats", commands: messages })
