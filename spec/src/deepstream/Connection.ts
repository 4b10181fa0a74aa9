/** Topic C: opening a connection, challenge, heartbeat. Source: deepstream's feature files, sessions with servers 2.4.1 to 7.0.2. */
import { array, literal, optional, tokens, utf8 } from "@wirewright/dsl"
import { clientMessage, separator, serverMessage, shown, typed } from "./Frame.ts"

/** The server wants to know which URL the client means to reach. */
export const connectionChallenge = serverMessage("ConnectionChallenge", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("CH")
    })
  },
  examples: [{ origin: "connection-invalid-redirect.feature", text: shown("C|CH+") }]
})

/** The client's answer to the challenge. */
export const connectionChallengeResponse = clientMessage("ConnectionChallengeResponse", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("CHR"),
      /** The URL the client was told to connect to. */
      url: utf8()
    })
  },
  examples: [{
    origin: "connection-invalid-redirect.feature, with a URL for its placeholder",
    text: shown("C|CHR|ws://localhost:6020/deepstream+"),
    fields: { url: "ws://localhost:6020/deepstream" }
  }]
})

/** The connection is accepted; the client may log in. */
export const connectionAck = serverMessage("ConnectionAck", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("A")
    })
  },
  examples: [{ origin: "logging-in.feature", text: shown("C|A+") }]
})

/** The client shall connect somewhere else. */
export const connectionRedirect = serverMessage("ConnectionRedirect", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("RED"),
      /** Where to connect to. */
      url: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("C|RED|ws://localhost:6021/deepstream+") }]
})

/** The server did not like the challenge response. */
export const connectionReject = serverMessage("ConnectionReject", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("REJ")
    })
  },
  examples: [{ origin: "connection-invalid-redirect.feature", text: shown("C|REJ+") }]
})

/** Heartbeat; the client answers with a pong. */
export const connectionPing = serverMessage("ConnectionPing", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("PI")
    })
  },
  examples: [{ origin: "connection-heartbeat.feature", text: shown("C|PI+") }]
})

/** Answer to a ping. */
export const connectionPong = clientMessage("ConnectionPong", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("PO")
    })
  },
  examples: [{ origin: "connection-heartbeat.feature", text: shown("C|PO+") }]
})

/** The client did not log in in time; the server closes. */
export const connectionAuthenticationTimeout = serverMessage("ConnectionAuthenticationTimeout", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("E"),
      code: literal("CONNECTION_AUTHENTICATION_TIMEOUT"),
      /** An explanation. */
      text: optional(typed)
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("C|E|CONNECTION_AUTHENTICATION_TIMEOUT|Sconnection has not authenticated successfully in the expected time+")
    },
    { origin: "deepstream-messages.json, layout without text", text: shown("C|E|CONNECTION_AUTHENTICATION_TIMEOUT+") }
  ]
})

/** The server could not use a message that arrived before login. */
export const connectionInvalidMessage = serverMessage("ConnectionInvalidMessage", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("E"),
      code: literal("INVALID_MESSAGE"),
      /** An explanation. */
      text: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("C|E|INVALID_MESSAGE|invalid connection message+") }]
})

/** The server could not parse a message and closes. The echo ends with a separator of its own, so one more, empty piece follows. */
export const connectionMessageParseError = serverMessage("ConnectionMessageParseError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("E"),
      code: literal("MESSAGE_PARSE_ERROR"),
      /** Fields of the message that was refused. */
      original: array(utf8())
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout",
    text: shown("C|E|MESSAGE_PARSE_ERROR|gibberish+"),
    fields: { original: ["gibberish"] }
  }]
})

/** The server does not know the action. */
export const connectionUnknownAction = serverMessage("ConnectionUnknownAction", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("E"),
      code: literal("UNKNOWN_ACTION"),
      /** An explanation. */
      text: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout (server source)", text: shown("C|E|UNKNOWN_ACTION|unknown action XXX+") }]
})

/** Any other error of the connection. */
export const connectionError = serverMessage("ConnectionError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("E"),
      /** What went wrong. */
      code: utf8(),
      /** What the code asks for. */
      data: array(utf8())
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout of topic errors",
    text: shown("C|E|SOMETHING_ELSE|detail+"),
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
