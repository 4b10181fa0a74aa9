/** WebSocket frames of npm's ws and of Node's own client; HTTP's upgrades are left to others. */
import * as WebSocket from "@wirewright/examples/gallery/websocket"
import { models } from "@wirewright/examples/gallery/websocket/Model"
import * as Schemas from "@wirewright/examples/gallery/websocket/Schemas"
import { customClosePayload } from "@wirewright/examples/custom/ClosePayload"
import { customPayload } from "@wirewright/examples/custom/Payload"
import type { Gallery } from "./Conversations.ts"

export const websocket: Gallery = {
  title: "WebSocket",
  fixtures: ["websocket"],
  spec: "WebSocket.ts",
  models,
  generated: WebSocket,
  schemas: Schemas,
  customs: { Payload: customPayload, ClosePayload: customClosePayload },
  follow: ({ name }) => ({ next: () => name.endsWith(": upgrade") ? undefined : {} })
}
