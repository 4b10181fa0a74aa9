/** RESP2 and RESP3 (redis.io, "Redis serialization protocol specification"): every type that Redis sends, and inline commands. */
import {
  ascii,
  bytes,
  choice,
  type Choice,
  counted,
  decimal,
  enumeration,
  frame,
  lazy,
  literal,
  packetsOf,
  prefixed,
  protocol,
  struct,
  tagged,
  u8,
  utf8
} from "@wirewright/dsl"

const crlf = "\r\n"
/** A length or count; −1 in RESP2 is null. */
const length = decimal({ signed: true, until: crlf })
const line = utf8({ until: crlf })
const bulk = prefixed(length, bytes(), { absent: -1, trailer: crlf })
const value = lazy(() => Value)

const Boolean = enumeration("Boolean", u8, { true: "t", false: "f" }, { unknown: "error" })

/** Text with three characters that say what it is, such as `txt` or `mkd`. */
const Verbatim = struct("Verbatim", { format: ascii({ size: 3 }), colon: literal(":"), text: utf8() })

/** A key of a map, which may be of any type, and its value. */
const Entry = struct("Entry", { key: value, value })

/** Any value. */
const Value: Choice = choice("Value", u8, {
  SimpleString: tagged("+", { text: line }),
  SimpleError: tagged("-", { message: line }),
  Integer: tagged(":", { value: decimal({ bits: 64, signed: true, until: crlf }) }),
  BulkString: tagged("$", { value: bulk }),
  Array: tagged("*", { items: counted(length, value, { absent: -1 }) }),
  Null: tagged("_", { end: literal(crlf) }),
  Boolean: tagged("#", { value: Boolean, end: literal(crlf) }),
  Double: tagged(",", {
    /** Decimal digits with an optional fraction and exponent; `inf`, `-inf` or `nan`. */
    value: ascii({ until: crlf })
  }),
  BigNumber: tagged("(", {
    /** Decimal digits, as many as it takes. */
    value: ascii({ until: crlf })
  }),
  BulkError: tagged("!", { message: prefixed(length, utf8(), { trailer: crlf }) }),
  VerbatimString: tagged("=", { value: prefixed(length, Verbatim, { trailer: crlf }) }),
  Map: tagged("%", { entries: counted(length, Entry) }),
  Set: tagged("~", { items: counted(length, value) }),
  Attribute: tagged("|", {
    /** What is said about the value that follows. */
    attributes: counted(length, Entry),
    value
  })
})

/** An argument is always a bulk string. */
const Argument = struct("Argument", { type: literal("$"), value: bulk })

const respFrame = frame("RESP", {
  sections: ["body"],
  maxFrame: 512 * 1024 * 1024 + 32,
  kinds: { request: { headers: [], sender: "client" }, reply: { headers: [], sender: "server" } }
})
const request = packetsOf(respFrame, "request")
const reply = packetsOf(respFrame, "reply")

/** A command's name and arguments. Redis takes no notice of an empty one, and answers to subscriptions only with pushes. */
const command = request("Command", {
  answeredBy: ["Answer"],
  reply: "optional",
  fields: { type: literal("*"), arguments: counted(length, Argument, { absent: -1 }) },
  examples: [{
    kind: "request",
    origin: "redis-cli 7.0.15",
    hex: "2a320d0a24340d0a4543484f0d0a24350d0a68656c6c6f0d0a",
    fields: { arguments: [{ value: { hex: "4543484f" } }, { value: { hex: "68656c6c6f" } }] }
  }]
})

/** A command as people type it: arguments between spaces, which may be quoted. Redis ignores a last carriage return, and empty lines. */
const inline = request("Inline", { answeredBy: ["Answer"], fields: { line: utf8({ until: "\n", min: 1 }) } })

/** What a server sends unasked, such as messages of a channel; its first item says what it is. */
const push = reply("Push", {
  sender: "server",
  fields: { type: literal(">"), items: counted(length, value) },
  examples: [{ origin: "redis-server 7.0.15", hex: "3e320d0a2431300d0a696e76616c69646174650d0a2a310d0a24370d0a747261636b65640d0a" }]
})

/** The answer to a command; answers come in the order of the commands. */
const answer = reply("Answer", {
  sender: "server",
  fields: { value: Value },
  examples: [{ origin: "redis-server 7.0.15, DEBUG PROTOCOL map", hex: "25330d0a3a300d0a23660d0a3a310d0a23740d0a3a320d0a23660d0a" }]
})

/** RESP. */
export const resp = protocol(respFrame, {
  name: "resp",
  module: "@wirewright/examples/gallery/resp",
  commands: [command, inline, push, answer]
})
