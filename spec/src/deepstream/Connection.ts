/** Topic C: opening a connection, challenge, heartbeat. Source: deepstream's feature files, sessions with servers 2.4.1 to 7.0.2. */
import { message, part } from "@wirewright/dsl"

/** The server wants to know which URL the client means to reach. */
export const connectionChallenge = message("ConnectionChallenge", {
  head: ["C", "CH"],
  sender: "server",
  fields: {},
  examples: [{ origin: "connection-invalid-redirect.feature", text: "C|CH+" }]
})

/** The client's answer to the challenge. */
export const connectionChallengeResponse = message("ConnectionChallengeResponse", {
  head: ["C", "CHR"],
  sender: "client",
  fields: {
    /** The URL the client was told to connect to. */
    url: part.text
  },
  examples: [{
    origin: "connection-invalid-redirect.feature, with a URL for its placeholder",
    text: "C|CHR|ws://localhost:6020/deepstream+",
    fields: { url: "ws://localhost:6020/deepstream" }
  }]
})

/** The connection is accepted; the client may log in. */
export const connectionAck = message("ConnectionAck", {
  head: ["C", "A"],
  sender: "server",
  fields: {},
  examples: [{ origin: "logging-in.feature", text: "C|A+" }]
})

/** The client shall connect somewhere else. */
export const connectionRedirect = message("ConnectionRedirect", {
  head: ["C", "RED"],
  sender: "server",
  fields: {
    /** Where to connect to. */
    url: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "C|RED|ws://localhost:6021/deepstream+" }]
})

/** The server did not like the challenge response. */
export const connectionReject = message("ConnectionReject", {
  head: ["C", "REJ"],
  sender: "server",
  fields: {},
  examples: [{ origin: "connection-invalid-redirect.feature", text: "C|REJ+" }]
})

/** Heartbeat; the client answers with a pong. */
export const connectionPing = message("ConnectionPing", {
  head: ["C", "PI"],
  sender: "server",
  fields: {},
  examples: [{ origin: "connection-heartbeat.feature", text: "C|PI+" }]
})

/** Answer to a ping. */
export const connectionPong = message("ConnectionPong", {
  head: ["C", "PO"],
  sender: "client",
  fields: {},
  examples: [{ origin: "connection-heartbeat.feature", text: "C|PO+" }]
})

/** The client did not log in in time; the server closes. */
export const connectionAuthenticationTimeout = message("ConnectionAuthenticationTimeout", {
  head: ["C", "E"],
  sender: "server",
  fields: {
    code: part.literal("CONNECTION_AUTHENTICATION_TIMEOUT"),
    /** An explanation. */
    text: part.optional(part.typed)
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: "C|E|CONNECTION_AUTHENTICATION_TIMEOUT|Sconnection has not authenticated successfully in the expected time+"
    },
    { origin: "deepstream-messages.json, layout without text", text: "C|E|CONNECTION_AUTHENTICATION_TIMEOUT+" }
  ]
})

/** The server could not use a message that arrived before login. */
export const connectionInvalidMessage = message("ConnectionInvalidMessage", {
  head: ["C", "E"],
  sender: "server",
  fields: {
    code: part.literal("INVALID_MESSAGE"),
    /** An explanation. */
    text: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "C|E|INVALID_MESSAGE|invalid connection message+" }]
})

/** The server could not parse a message and closes. The echo ends with a separator of its own, so one more, empty piece follows. */
export const connectionMessageParseError = message("ConnectionMessageParseError", {
  head: ["C", "E"],
  sender: "server",
  fields: {
    code: part.literal("MESSAGE_PARSE_ERROR"),
    /** Fields of the message that was refused. */
    original: part.rest()
  },
  examples: [{
    origin: "deepstream-messages.json, layout",
    text: "C|E|MESSAGE_PARSE_ERROR|gibberish+",
    fields: { original: ["gibberish"] }
  }]
})

/** The server does not know the action. */
export const connectionUnknownAction = message("ConnectionUnknownAction", {
  head: ["C", "E"],
  sender: "server",
  fields: {
    code: part.literal("UNKNOWN_ACTION"),
    /** An explanation. */
    text: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout (server source)", text: "C|E|UNKNOWN_ACTION|unknown action XXX+" }]
})

/** Any other error of the connection. */
export const connectionError = message("ConnectionError", {
  head: ["C", "E"],
  sender: "server",
  fields: {
    /** What went wrong. */
    code: part.text,
    /** What the code asks for. */
    data: part.rest()
  },
  examples: [{
    origin: "deepstream-messages.json, layout of topic errors",
    text: "C|E|SOMETHING_ELSE|detail+",
    fields: { code: "SOMETHING_ELSE", data: ["detail"] }
  }]
})

/** All messages of topic C. */
export const connectionMessages = [
  connectionChallenge,
  connectionChallengeResponse,
  connectionAck,
  connectionRedirect,
  connectionReject,
  connectionPing,
  connectionPong,
  connectionAuthenticationTimeout,
  connectionInvalidMessage,
  connectionMessageParseError,
  connectionUnknownAction,
  connectionError
]
