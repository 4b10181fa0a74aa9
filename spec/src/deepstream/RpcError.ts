/** Topic P: errors of remote procedure calls. Source: sessions with servers; server sources. */
import { array, literal, tokens, utf8 } from "@wirewright/dsl"
import { separator, serverMessage, shown } from "./Frame.ts"

/** The permission handler refuses. */
export const rpcMessageDenied = serverMessage("RpcMessageDenied", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("MESSAGE_DENIED"),
      /** What the client asked about. */
      subject: utf8(),
      /** What the client asked for. */
      action: utf8(),
      /** Remaining fields of the client's message. */
      rest: array(utf8())
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("P|E|MESSAGE_DENIED|toUppercase|REQ+"),
      fields: { subject: "toUppercase", action: "REQ", rest: [] }
    }
  ]
})

/** The permission handler failed. */
export const rpcPermissionError = serverMessage("RpcPermissionError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("MESSAGE_PERMISSION_ERROR"),
      /** What the client asked about. */
      subject: utf8(),
      /** What the client asked for. */
      action: utf8(),
      /** Remaining fields of the client's message. */
      rest: array(utf8())
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("P|E|MESSAGE_PERMISSION_ERROR|toUppercase|REQ|more+"),
      fields: { rest: ["more"] }
    }
  ]
})

/** The client subscribed to this already. */
export const rpcMultipleSubscriptions = serverMessage("RpcMultipleSubscriptions", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("MULTIPLE_SUBSCRIPTIONS"),
      /** What it subscribed to. */
      name: utf8()
    })
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: shown("P|E|MULTIPLE_SUBSCRIPTIONS|toUppercase+"), fields: { name: "toUppercase" } }
  ]
})

/** The client is not subscribed to this. */
export const rpcNotSubscribed = serverMessage("RpcNotSubscribed", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("NOT_SUBSCRIBED"),
      /** What it wanted to leave. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("P|E|NOT_SUBSCRIBED|toUppercase+") }]
})

/** The server could not use the message. */
export const rpcInvalidMessageData = serverMessage("RpcInvalidMessageData", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("INVALID_MESSAGE_DATA"),
      /** The message, or its fields. */
      original: array(utf8())
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("P|E|INVALID_MESSAGE_DATA|toUppercase|x+"),
      fields: { original: ["toUppercase", "x"] }
    }
  ]
})

/** The server does not know the action. */
export const rpcUnknownAction = serverMessage("RpcUnknownAction", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("UNKNOWN_ACTION"),
      /** An explanation. */
      text: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout (server source)", text: shown("P|E|UNKNOWN_ACTION|unknown action XXX+") }]
})

/** Nobody provides this procedure. */
export const rpcNoProvider = serverMessage("RpcNoProvider", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("NO_RPC_PROVIDER"),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8()
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("P|E|NO_RPC_PROVIDER|toUppercase|1234+"),
      fields: { name: "toUppercase", id: "1234" }
    }
  ]
})

/** The provider did not accept in time. */
export const rpcAckTimeout = serverMessage("RpcAckTimeout", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("ACK_TIMEOUT"),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8()
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("P|E|ACK_TIMEOUT|toUppercase|1234+"),
      fields: { name: "toUppercase", id: "1234" }
    }
  ]
})

/** The provider did not answer in time. */
export const rpcResponseTimeout = serverMessage("RpcResponseTimeout", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("RESPONSE_TIMEOUT"),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8()
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("P|E|RESPONSE_TIMEOUT|toUppercase|1234+"),
      fields: { name: "toUppercase", id: "1234" }
    }
  ]
})

/** The provider accepted twice. */
export const rpcMultipleAck = serverMessage("RpcMultipleAck", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("MULTIPLE_ACK"),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8()
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("P|E|MULTIPLE_ACK|toUppercase|1234+"),
      fields: { name: "toUppercase", id: "1234" }
    }
  ]
})

/** The server knows no request of this id. */
export const rpcInvalidCorrelationId = serverMessage("RpcInvalidCorrelationId", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      code: literal("INVALID_RPC_CORRELATION_ID"),
      /** An explanation. */
      text: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("P|E|INVALID_RPC_CORRELATION_ID|unknown id+") }]
})

/** Any other error of remote procedure calls. */
export const rpcError = serverMessage("RpcError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("E"),
      /** What went wrong. */
      code: utf8(),
      /** What the code asks for. */
      data: array(utf8())
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout of topic errors",
      text: shown("P|E|SOMETHING_ELSE|detail+"),
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
