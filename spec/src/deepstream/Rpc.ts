/** Topic P: remote procedure calls. Source: rpc*.feature; sessions with servers 2.4.1 to 7.0.2. */
import { literal, tokens, utf8 } from "@wirewright/dsl"
import { clientMessage, message, separator, serverMessage, shown, typed } from "./Frame.ts"

/** The client provides a procedure. */
export const rpcProvide = clientMessage("RpcProvide", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("S"),
      /** The procedure's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "rpc-provider.feature", text: shown("P|S|toUppercase+"), fields: { name: "toUppercase" } }]
})

/** The client no longer provides a procedure. */
export const rpcUnprovide = clientMessage("RpcUnprovide", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("US"),
      /** The procedure's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "rpc-provider.feature", text: shown("P|US|toUppercase+") }]
})

/** Calls a procedure: the client's call, or the server's to a provider. */
export const rpcRequest = message("RpcRequest", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("REQ"),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8(),
      /** The argument. */
      value: typed
    })
  },
  examples: [
    {
      origin: "rpc-requestor.feature, with 1234 for its <UID>",
      text: shown("P|REQ|toUppercase|1234|Sabc+"),
      fields: { name: "toUppercase", id: "1234", value: "Sabc" }
    }
  ]
})

/** The provider has the request. Match it by id: the name may differ in case. */
export const rpcRequestAccepted = message("RpcRequestAccepted", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("A"),
      action: literal("REQ"),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8()
    })
  },
  examples: [
    {
      origin: "rpc-requestor.feature, with 1234 for its <UID>",
      text: shown("P|A|REQ|toUppercase|1234+"),
      fields: { name: "toUppercase", id: "1234" }
    }
  ]
})

/** The result of a call. */
export const rpcResponse = message("RpcResponse", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("RES"),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8(),
      /** The result. */
      value: typed
    })
  },
  examples: [{
    origin: "rpc-requestor.feature, with 1234 for its <UID>",
    text: shown("P|RES|toUppercase|1234|SABC+"),
    fields: { value: "SABC" }
  }]
})

/** The provider's error. */
export const rpcFailure = message("RpcFailure", {
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
  examples: [
    {
      origin: "rpc-requestor.feature, with 1234 for its <UID>",
      text: shown("P|E|RPC Error Message|toUppercase|1234+"),
      fields: { text: shown("RPC Error Message"), name: "toUppercase", id: "1234" }
    }
  ]
})

/** The provider passes; the server asks another one. */
export const rpcReject = clientMessage("RpcReject", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("REJ"),
      /** The procedure's name. */
      name: utf8(),
      /** Correlates request, acceptance and response. */
      id: utf8()
    })
  },
  examples: [{ origin: "rpc-provider.feature, with 1234 for its <UID>", text: shown("P|REJ|toUppercase|1234+") }]
})

/** The server did what the client asked for. */
export const rpcAck = serverMessage("RpcAck", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("P"),
      actionIs: literal("A"),
      /** What is acknowledged: S or US. */
      action: utf8(),
      /** The procedure's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "rpc-provider.feature", text: shown("P|A|S|toUppercase+"), fields: { action: "S", name: "toUppercase" } }]
})

/** All messages of topic P. */
export const rpcMessages = [
  rpcProvide,
  rpcUnprovide,
  rpcRequest,
  rpcRequestAccepted,
  rpcResponse,
  rpcFailure,
  rpcReject,
  rpcAck
]
