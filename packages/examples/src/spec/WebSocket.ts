/** WebSocket frames (RFC 6455, 5). */
import { bitOf, bits, bodyLength, custom, escaped, frame, opcode, optional, packetsOf, protocol, slice, u16, u32, u64, u8 } from "@wirewright/dsl"

const webSocketFrame = frame("WebSocket", {
  sections: ["payload"],
  kinds: {
    frame: {
      headers: [{
        fields: {
          first: bits(u8, { fin: slice(7), rsv1: slice(6), rsv2: slice(5), rsv3: slice(4), opcode: opcode(slice(3, 0)) }),
          second: bits(u8, { masked: slice(7), length: bodyLength(escaped(slice(6, 0), { max: 125, 126: u16, 127: u64 })) }),
          /** Clients mask what they send, servers do not. */
          maskingKey: optional(u32, { if: bitOf("masked") })
        }
      }]
    }
  }
})
const packet = packetsOf(webSocketFrame, "frame")

/** Bytes as they were before they were masked. Of text, a frame may hold a part that ends within a character. */
const payload = custom("Payload", { module: "../../custom/Payload.ts", minimum: 0, ends: false })
/** Nothing, or a status and why. */
const reason = custom("ClosePayload", { module: "../../custom/ClosePayload.ts", minimum: 0, ends: false })

/** WebSocket's frames. */
export const websocket = protocol(webSocketFrame, {
  name: "websocket",
  module: "@wirewright/examples/gallery/websocket",
  commands: [
    packet("Continuation", { opcode: 0, fields: { payload } }),
    packet("Text", { opcode: 1, fields: { payload } }),
    packet("Binary", { opcode: 2, fields: { payload } }),
    packet("Close", { opcode: 8, fields: { reason } }),
    packet("Ping", { opcode: 9, fields: { payload } }),
    packet("Pong", { opcode: 10, fields: { payload } })
  ]
})
