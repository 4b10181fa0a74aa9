/** What the text endpoint of servers 5 to 7 does otherwise. Source: sessions with servers 5.0.16, 5.2.6 and 7.0.2. */
import { literal, optional, tokens, utf8 } from "@wirewright/dsl"
import { clientMessage, separator, serverMessage, shown, typed } from "./Frame.ts"

/** The server did not like the client. */
export const connectionReject = serverMessage("ConnectionReject", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("REJ"),
      /** An explanation. */
      data: optional(utf8())
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout of servers 5-7", text: shown("C|REJ|closing+"), fields: { data: "closing" } }]
})

/** The client did not log in in time; the server closes. */
export const connectionAuthenticationTimeout = serverMessage("ConnectionAuthenticationTimeout", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("C"),
      actionIs: literal("E"),
      code: literal("CONNECTION_AUTHENTICATION_TIMEOUT")
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout of servers 5-7", text: shown("C|E|CONNECTION_AUTHENTICATION_TIMEOUT+") }]
})

/** The login was refused too often; the server closes. */
export const authenticationTooManyAttempts = serverMessage("AuthenticationTooManyAttempts", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("A"),
      actionIs: literal("E"),
      code: literal("TOO_MANY_AUTH_ATTEMPTS")
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout of servers 5-7", text: shown("A|E|TOO_MANY_AUTH_ATTEMPTS+") }]
})

/** The record a snapshot was asked of does not exist. */
export const recordNotFound = serverMessage("RecordNotFound", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("RECORD_NOT_FOUND"),
      /** The record's name. */
      name: utf8()
    })
  },
  examples: [{
    origin: "deepstream-messages.json, RecordSnapshot on servers 5-7",
    text: shown("R|E|RECORD_NOT_FOUND|snapshotRecord+"),
    fields: { name: "snapshotRecord" }
  }]
})

/** The provider's error, on its way to the server. */
export const rpcFailure = clientMessage("RpcFailure", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      /** The provider's words, not typed. */
      text: utf8(),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("P|E|boom|toUppercase|1234+"), fields: { text: shown("boom") } }]
})

/** The provider's error, relayed by the server with a type letter that the provider did not send. */
export const rpcFailureRelay = serverMessage("RpcFailureRelay", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      /** The provider's words. */
      error: typed,
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8()
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout of servers 5-7",
    text: shown("P|E|Sboom|toUppercase|1234+"),
    fields: { error: "Sboom" }
  }]
})

/** The provider did not accept in time. */
export const rpcAcceptTimeout = serverMessage("RpcAcceptTimeout", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("ACCEPT_TIMEOUT"),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8()
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout of servers 5-7",
    text: shown("P|E|ACCEPT_TIMEOUT|toUppercase|1234+"),
    fields: { id: "1234" }
  }]
})

/** The provider accepted twice. */
export const rpcMultipleAccept = serverMessage("RpcMultipleAccept", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("MULTIPLE_ACCEPT"),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8()
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout of servers 5-7",
    text: shown("P|E|MULTIPLE_ACCEPT|toUppercase|1234+"),
    fields: { id: "1234" }
  }]
})

/** The provider answered twice. */
export const rpcMultipleResponse = serverMessage("RpcMultipleResponse", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("MULTIPLE_RESPONSE"),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8()
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout of servers 5-7",
    text: shown("P|E|MULTIPLE_RESPONSE|toUppercase|1234+"),
    fields: { id: "1234" }
  }]
})

/** The server knows no request of this id. */
export const rpcInvalidCorrelationId = serverMessage("RpcInvalidCorrelationId", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("INVALID_RPC_CORRELATION_ID"),
      /** The procedure's name. */
      name: utf8(),
      /** The id it does not know. */
      id: utf8()
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout of servers 5-7",
    text: shown("P|E|INVALID_RPC_CORRELATION_ID|toUppercase|1234+"),
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
