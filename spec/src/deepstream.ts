/**
 * deepstream's text protocol in two dialects. Source: deepstream's feature files; sessions with servers 2.4.1, 3.1.2, 3.2.5, 5.0.16, 5.2.6
 * and 7.0.2.
 */
import { extend, protocol } from "@wirewright/dsl"
import { authenticationMessages } from "./deepstream/Authentication.ts"
import { connectionMessages } from "./deepstream/Connection.ts"
import { eventMessages } from "./deepstream/Event.ts"
import { deepstreamFrame } from "./deepstream/Frame.ts"
import { globalErrorMessages } from "./deepstream/GlobalError.ts"
import { presenceMessages } from "./deepstream/Presence.ts"
import { recordListenMessages } from "./deepstream/RecordListen.ts"
import { recordMessages } from "./deepstream/Record.ts"
import { recordErrorMessages } from "./deepstream/RecordError.ts"
import { rpcErrorMessages } from "./deepstream/RpcError.ts"
import { rpcMessages } from "./deepstream/Rpc.ts"
import { changedMessages, removedMessages } from "./deepstream/Text.ts"

/** deepstream.io 2.4 to 3.2 and the feature files: WebSocket text frames at /deepstream. */
export const deepstream = protocol(deepstreamFrame, {
  name: "deepstream",
  module: "@wirewright/deepstream/gen",
  commands: [
    ...connectionMessages,
    ...authenticationMessages,
    ...eventMessages,
    ...recordMessages,
    ...recordListenMessages,
    ...recordErrorMessages,
    ...rpcMessages,
    ...rpcErrorMessages,
    ...presenceMessages,
    ...globalErrorMessages
  ]
})

/** The text endpoint of @deepstream/server 5 to 7: WebSocket text frames at /deepstream-v3. */
export const deepstreamText = extend(deepstream, {
  name: "deepstreamText",
  module: "@wirewright/deepstream/gen7",
  commands: changedMessages,
  removes: removedMessages
})
