/** Topic A: logging in. Source: logging-in.feature; sessions with servers 2.4.1 to 7.0.2. */
import { array, json, literal, optional, tokens, utf8 } from "@wirewright/dsl"
import { clientMessage, separator, serverMessage, shown, typed } from "./Frame.ts"

/** The client logs in. */
export const authenticationRequest = clientMessage("AuthenticationRequest", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("A"),
      actionIs: literal("REQ"),
      /** Whatever the server's authentication handler asks for. */
      credentials: json()
    })
  },
  examples: [{
    origin: "logging-in.feature",
    text: shown(`A|REQ|{"username":"XXX","password":"YYY"}+`),
    fields: { credentials: `{"username":"XXX","password":"YYY"}` }
  }]
})

/** The login succeeded. */
export const authenticationAck = serverMessage("AuthenticationAck", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("A"),
      actionIs: literal("A"),
      /** What the server's authentication handler tells the client. */
      clientData: optional(typed)
    })
  },
  examples: [
    { origin: "logging-in.feature", text: shown("A|A+") },
    {
      origin: "deepstream-messages.json, layout with client data",
      text: shown(`A|A|O{"role":"admin"}+`),
      fields: { clientData: `O{"role":"admin"}` }
    }
  ]
})

/** The login was refused; the client may try again. */
export const authenticationInvalidData = serverMessage("AuthenticationInvalidData", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("A"),
      actionIs: literal("E"),
      code: literal("INVALID_AUTH_DATA"),
      /** What the handler says about it; undefined when it says nothing. */
      clientData: typed
    })
  },
  examples: [
    {
      origin: "logging-in.feature",
      text: shown("A|E|INVALID_AUTH_DATA|Sinvalid authentication data+"),
      fields: { clientData: "Sinvalid authentication data" }
    },
    { origin: "deepstream-messages.json, note", text: shown("A|E|INVALID_AUTH_DATA|U+"), fields: { clientData: "U" } }
  ]
})

/** The login was refused too often; the server closes. */
export const authenticationTooManyAttempts = serverMessage("AuthenticationTooManyAttempts", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("A"),
      actionIs: literal("E"),
      code: literal("TOO_MANY_AUTH_ATTEMPTS"),
      /** An explanation. */
      text: optional(typed)
    })
  },
  examples: [{
    origin: "logging-in.feature",
    text: shown("A|E|TOO_MANY_AUTH_ATTEMPTS|Stoo many authentication attempts+"),
    fields: { text: shown("Stoo many authentication attempts") }
  }]
})

/** The login message was malformed; the server closes. */
export const authenticationInvalidMessage = serverMessage("AuthenticationInvalidMessage", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("A"),
      actionIs: literal("E"),
      code: literal("INVALID_AUTH_MSG"),
      /** An explanation, not typed. */
      text: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("A|E|INVALID_AUTH_MSG|invalid authentication message+") }]
})

/** Any other error of logging in. */
export const authenticationError = serverMessage("AuthenticationError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("A"),
      actionIs: literal("E"),
      /** What went wrong. */
      code: utf8(),
      /** What the code asks for. */
      data: array(utf8())
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout of topic errors",
    text: shown("A|E|SOMETHING_ELSE+"),
    fields: { code: "SOMETHING_ELSE", data: [] }
  }]
})

/** All messages of topic A. */
export const authenticationMessages = [
  authenticationRequest,
  authenticationAck,
  authenticationInvalidData,
  authenticationTooManyAttempts,
  authenticationInvalidMessage,
  authenticationError
]
