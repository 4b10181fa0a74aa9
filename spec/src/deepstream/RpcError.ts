/** Topic P: errors of remote procedure calls. Source: sessions with servers; server sources. */
import { message, part } from "@wirewright/dsl"

/** The permission handler refuses. */
export const rpcMessageDenied = message("RpcMessageDenied", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("MESSAGE_DENIED"),
    /** What the client asked about. */
    subject: part.text,
    /** What the client asked for. */
    action: part.text,
    /** Remaining fields of the client's message. */
    rest: part.rest()
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: "P|E|MESSAGE_DENIED|toUppercase|REQ+",
      fields: { subject: "toUppercase", action: "REQ", rest: [] }
    }
  ]
})

/** The permission handler failed. */
export const rpcPermissionError = message("RpcPermissionError", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("MESSAGE_PERMISSION_ERROR"),
    /** What the client asked about. */
    subject: part.text,
    /** What the client asked for. */
    action: part.text,
    /** Remaining fields of the client's message. */
    rest: part.rest()
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: "P|E|MESSAGE_PERMISSION_ERROR|toUppercase|REQ|more+", fields: { rest: ["more"] } }
  ]
})

/** The client subscribed to this already. */
export const rpcMultipleSubscriptions = message("RpcMultipleSubscriptions", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("MULTIPLE_SUBSCRIPTIONS"),
    /** What it subscribed to. */
    name: part.text
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: "P|E|MULTIPLE_SUBSCRIPTIONS|toUppercase+", fields: { name: "toUppercase" } }
  ]
})

/** The client is not subscribed to this. */
export const rpcNotSubscribed = message("RpcNotSubscribed", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("NOT_SUBSCRIBED"),
    /** What it wanted to leave. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "P|E|NOT_SUBSCRIBED|toUppercase+" }]
})

/** The server could not use the message. */
export const rpcInvalidMessageData = message("RpcInvalidMessageData", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("INVALID_MESSAGE_DATA"),
    /** The message, or its fields. */
    original: part.rest()
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: "P|E|INVALID_MESSAGE_DATA|toUppercase|x+",
      fields: { original: ["toUppercase", "x"] }
    }
  ]
})

/** The server does not know the action. */
export const rpcUnknownAction = message("RpcUnknownAction", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("UNKNOWN_ACTION"),
    /** An explanation. */
    text: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout (server source)", text: "P|E|UNKNOWN_ACTION|unknown action XXX+" }]
})

/** Nobody provides this procedure. */
export const rpcNoProvider = message("RpcNoProvider", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("NO_RPC_PROVIDER"),
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: "P|E|NO_RPC_PROVIDER|toUppercase|1234+",
      fields: { name: "toUppercase", id: "1234" }
    }
  ]
})

/** The provider did not accept in time. */
export const rpcAckTimeout = message("RpcAckTimeout", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("ACK_TIMEOUT"),
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: "P|E|ACK_TIMEOUT|toUppercase|1234+", fields: { name: "toUppercase", id: "1234" } }
  ]
})

/** The provider did not answer in time. */
export const rpcResponseTimeout = message("RpcResponseTimeout", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("RESPONSE_TIMEOUT"),
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: "P|E|RESPONSE_TIMEOUT|toUppercase|1234+",
      fields: { name: "toUppercase", id: "1234" }
    }
  ]
})

/** The provider accepted twice. */
export const rpcMultipleAck = message("RpcMultipleAck", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("MULTIPLE_ACK"),
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: "P|E|MULTIPLE_ACK|toUppercase|1234+",
      fields: { name: "toUppercase", id: "1234" }
    }
  ]
})

/** The server knows no request of this id. */
export const rpcInvalidCorrelationId = message("RpcInvalidCorrelationId", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    code: part.literal("INVALID_RPC_CORRELATION_ID"),
    /** An explanation. */
    text: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "P|E|INVALID_RPC_CORRELATION_ID|unknown id+" }]
})

/** Any other error of remote procedure calls. */
export const rpcError = message("RpcError", {
  head: ["P", "E"],
  sender: "server",
  fields: {
    /** What went wrong. */
    code: part.text,
    /** What the code asks for. */
    data: part.rest()
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout of topic errors",
      text: "P|E|SOMETHING_ELSE|detail+",
      fields: { code: "SOMETHING_ELSE", data: ["detail"] }
    }
  ]
})

/** All messages of topic P that are errors. */
export const rpcErrorMessages = [
  rpcMessageDenied,
  rpcPermissionError,
  rpcMultipleSubscriptions,
  rpcNotSubscribed,
  rpcInvalidMessageData,
  rpcUnknownAction,
  rpcNoProvider,
  rpcAckTimeout,
  rpcResponseTimeout,
  rpcMultipleAck,
  rpcInvalidCorrelationId,
  rpcError
]
