/** Topic P: remote procedure calls. Source: rpc*.feature; sessions with servers 2.4.1 to 7.0.2. */
import { message, part } from "@wirewright/dsl"

/** The client provides a procedure. */
export const rpcProvide = message("RpcProvide", {
  head: ["P", "S"],
  sender: "client",
  fields: {
    /** The procedure's name. */
    name: part.text
  },
  examples: [{ origin: "rpc-provider.feature", text: "P|S|toUppercase+", fields: { name: "toUppercase" } }]
})

/** The client no longer provides a procedure. */
export const rpcUnprovide = message("RpcUnprovide", {
  head: ["P", "US"],
  sender: "client",
  fields: {
    /** The procedure's name. */
    name: part.text
  },
  examples: [{ origin: "rpc-provider.feature", text: "P|US|toUppercase+" }]
})

/** Calls a procedure: the client's call, or the server's to a provider. */
export const rpcRequest = message("RpcRequest", {
  head: ["P", "REQ"],
  fields: {
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text,
    /** The argument. */
    value: part.typed
  },
  examples: [
    {
      origin: "rpc-requestor.feature, with 1234 for its <UID>",
      text: "P|REQ|toUppercase|1234|Sabc+",
      fields: { name: "toUppercase", id: "1234", value: "Sabc" }
    }
  ]
})

/** The provider has the request. Match it by id: the name may differ in case. */
export const rpcRequestAccepted = message("RpcRequestAccepted", {
  head: ["P", "A"],
  fields: {
    action: part.literal("REQ"),
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [
    {
      origin: "rpc-requestor.feature, with 1234 for its <UID>",
      text: "P|A|REQ|toUppercase|1234+",
      fields: { name: "toUppercase", id: "1234" }
    }
  ]
})

/** The result of a call. */
export const rpcResponse = message("RpcResponse", {
  head: ["P", "RES"],
  fields: {
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text,
    /** The result. */
    value: part.typed
  },
  examples: [{ origin: "rpc-requestor.feature, with 1234 for its <UID>", text: "P|RES|toUppercase|1234|SABC+", fields: { value: "SABC" } }]
})

/** The provider's error. */
export const rpcFailure = message("RpcFailure", {
  head: ["P", "E"],
  fields: {
    /** The provider's words, not typed. */
    text: part.text,
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [
    {
      origin: "rpc-requestor.feature, with 1234 for its <UID>",
      text: "P|E|RPC Error Message|toUppercase|1234+",
      fields: { text: "RPC Error Message", name: "toUppercase", id: "1234" }
    }
  ]
})

/** The provider passes; the server asks another one. */
export const rpcReject = message("RpcReject", {
  head: ["P", "REJ"],
  sender: "client",
  fields: {
    /** The procedure's name. */
    name: part.text,
    /** Correlates request, acceptance and response. */
    id: part.text
  },
  examples: [{ origin: "rpc-provider.feature, with 1234 for its <UID>", text: "P|REJ|toUppercase|1234+" }]
})

/** The server did what the client asked for. */
export const rpcAck = message("RpcAck", {
  head: ["P", "A"],
  sender: "server",
  fields: {
    /** What is acknowledged: S or US. */
    action: part.text,
    /** The procedure's name. */
    name: part.text
  },
  examples: [{ origin: "rpc-provider.feature", text: "P|A|S|toUppercase+", fields: { action: "S", name: "toUppercase" } }]
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
