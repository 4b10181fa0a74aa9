/** What the text endpoint of servers 5 to 7 does otherwise. Source: sessions with servers 5.0.16, 5.2.6 and 7.0.2. */
import { message, part } from "@wirewright/dsl"

/** The server did not like the client. */
export const connectionReject = message("ConnectionReject", {
  head: ["C", "REJ"],
  sender: "server",
  fields: {
    /** An explanation. */
    data: part.optional(part.text)
  },
  examples: [{ origin: "deepstream-messages.json, layout of servers 5-7", text: "C|REJ|closing+", fields: { data: "closing" } }]
})

/** The client did not log in in time; the server closes. */
export const connectionAuthenticationTimeout = message("ConnectionAuthenticationTimeout", {
  head: ["C", "E"],
  sender: "server",
  fields: {
    code: part.literal("CONNECTION_AUTHENTICATION_TIMEOUT")
  },
  examples: [{ origin: "deepstream-messages.json, layout of servers 5-7", text: "C|E|CONNECTION_AUTHENTICATION_TIMEOUT+" }]
})

/** The login was refused too often; the server closes. */
export const authenticationTooManyAttempts = message("AuthenticationTooManyAttempts", {
  head: ["A", "E"],
  sender: "server",
  fields: {
    code: part.literal("TOO_MANY_AUTH_ATTEMPTS")
  },
  examples: [{ origin: "deepstream-messages.json, layout of servers 5-7", text: "A|E|TOO_MANY_AUTH_ATTEMPTS+" }]
})

/** The record a snapshot was asked of does not exist. */
export const recordNotFound = message("RecordNotFound", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("RECORD_NOT_FOUND"),
    /** The record's name. */
    name: part.text
  },
  examples: [{
    origin: "deepstream-messages.json, RecordSnapshot on servers 5-7",
    text: "R|E|RECORD_NOT_FOUND|snapshotRecord+",
    fields: { name: "snapshotRecord" }
  }]
})

/** The provider's error, on its way to the server. */
export const rpcFailure = message("RpcFailure", {
  head: ["P", "E"],
  sender: "client",
  fields: {
    /** The provider's words, not typed. */
    text: part.text,
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "P|E|boom|toUppercase|1234+", fields: { text: "boom" } }]
})

/** The provider's error, relayed by the server with a type letter that the provider did not send. */
export const rpcFailureRelay = message("RpcFailureRelay", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    /** The provider's words. */
    error: part.typed,
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout of servers 5-7", text: "P|E|Sboom|toUppercase|1234+", fields: { error: "Sboom" } }]
})

/** The provider did not accept in time. */
export const rpcAcceptTimeout = message("RpcAcceptTimeout", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("ACCEPT_TIMEOUT"),
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [{
    origin: "deepstream-messages.json, layout of servers 5-7",
    text: "P|E|ACCEPT_TIMEOUT|toUppercase|1234+",
    fields: { id: "1234" }
  }]
})

/** The provider accepted twice. */
export const rpcMultipleAccept = message("RpcMultipleAccept", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("MULTIPLE_ACCEPT"),
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [{
    origin: "deepstream-messages.json, layout of servers 5-7",
    text: "P|E|MULTIPLE_ACCEPT|toUppercase|1234+",
    fields: { id: "1234" }
  }]
})

/** The provider answered twice. */
export const rpcMultipleResponse = message("RpcMultipleResponse", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("MULTIPLE_RESPONSE"),
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [{
    origin: "deepstream-messages.json, layout of servers 5-7",
    text: "P|E|MULTIPLE_RESPONSE|toUppercase|1234+",
    fields: { id: "1234" }
  }]
})

/** The server knows no request of this id. */
export const rpcInvalidCorrelationId = message("RpcInvalidCorrelationId", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("INVALID_RPC_CORRELATION_ID"),
    /** The procedure's name. */
    name: part.text,
    /** The id it does not know. */
    id: part.text
  },
  examples: [{
    origin: "deepstream-messages.json, layout of servers 5-7",
    text: "P|E|INVALID_RPC_CORRELATION_ID|toUppercase|1234+",
    fields: { id: "1234" }
  }]
})

/** Messages that replace those of the same name, and new ones. */
export const changedMessages = [
  connectionReject,
  connectionAuthenticationTimeout,
  authenticationTooManyAttempts,
  recordNotFound,
  rpcFailure,
  rpcFailureRelay,
  rpcAcceptTimeout,
  rpcMultipleAccept,
  rpcMultipleResponse,
  rpcInvalidCorrelationId
]

/** Messages that these servers neither send nor understand; they stay silent, send an empty frame or use another code. */
export const removedMessages = [
  "ConnectionChallenge",
  "ConnectionChallengeResponse",
  "ConnectionRedirect",
  "ConnectionInvalidMessage",
  "ConnectionMessageParseError",
  "AuthenticationInvalidMessage",
  "EventNotSubscribed",
  "RecordNotSubscribed",
  "RpcNotSubscribed",
  "PresenceNotSubscribed",
  "RecordHas",
  "RecordHasError",
  "RecordSnapshotError",
  "RecordUpdateError",
  "RecordInvalidVersion",
  "RpcAckTimeout",
  "RpcMultipleAck",
  "GlobalUnknownTopic",
  "GlobalMessageParseError",
  "GlobalError"
]
