/** Topic A: logging in. Source: logging-in.feature; sessions with servers 2.4.1 to 7.0.2. */
import { message, part } from "@wirewright/dsl"

/** The client logs in. */
export const authenticationRequest = message("AuthenticationRequest", {
  head: ["A", "REQ"],
  sender: "client",
  fields: {
    /** Whatever the server's authentication handler asks for. */
    credentials: part.json
  },
  examples: [{
    origin: "logging-in.feature",
    text: `A|REQ|{"username":"XXX","password":"YYY"}+`,
    fields: { credentials: `{"username":"XXX","password":"YYY"}` }
  }]
})

/** The login succeeded. */
export const authenticationAck = message("AuthenticationAck", {
  head: ["A", "A"],
  sender: "server",
  fields: {
    /** What the server's authentication handler tells the client. */
    clientData: part.optional(part.typed)
  },
  examples: [
    { origin: "logging-in.feature", text: "A|A+" },
    {
      origin: "deepstream-messages.json, layout with client data",
      text: `A|A|O{"role":"admin"}+`,
      fields: { clientData: `O{"role":"admin"}` }
    }
  ]
})

/** The login was refused; the client may try again. */
export const authenticationInvalidData = message("AuthenticationInvalidData", {
  head: ["A", "E"],
  sender: "server",
  fields: {
    code: part.literal("INVALID_AUTH_DATA"),
    /** What the handler says about it; undefined when it says nothing. */
    clientData: part.typed
  },
  examples: [
    {
      origin: "logging-in.feature",
      text: "A|E|INVALID_AUTH_DATA|Sinvalid authentication data+",
      fields: { clientData: "Sinvalid authentication data" }
    },
    { origin: "deepstream-messages.json, note", text: "A|E|INVALID_AUTH_DATA|U+", fields: { clientData: "U" } }
  ]
})

/** The login was refused too often; the server closes. */
export const authenticationTooManyAttempts = message("AuthenticationTooManyAttempts", {
  head: ["A", "E"],
  sender: "server",
  fields: {
    code: part.literal("TOO_MANY_AUTH_ATTEMPTS"),
    /** An explanation. */
    text: part.optional(part.typed)
  },
  examples: [{
    origin: "logging-in.feature",
    text: "A|E|TOO_MANY_AUTH_ATTEMPTS|Stoo many authentication attempts+",
    fields: { text: "Stoo many authentication attempts" }
  }]
})

/** The login message was malformed; the server closes. */
export const authenticationInvalidMessage = message("AuthenticationInvalidMessage", {
  head: ["A", "E"],
  sender: "server",
  fields: {
    code: part.literal("INVALID_AUTH_MSG"),
    /** An explanation, not typed. */
    text: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "A|E|INVALID_AUTH_MSG|invalid authentication message+" }]
})

/** Any other error of logging in. */
export const authenticationError = message("AuthenticationError", {
  head: ["A", "E"],
  sender: "server",
  fields: {
    /** What went wrong. */
    code: part.text,
    /** What the code asks for. */
    data: part.rest()
  },
  examples: [{
    origin: "deepstream-messages.json, layout of topic errors",
    text: "A|E|SOMETHING_ELSE+",
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
