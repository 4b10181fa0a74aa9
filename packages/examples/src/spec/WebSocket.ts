/** WebSocket frames (RFC 6455, 5). */
import {
  bitOf,
  bits,
  bodyLength,
  custom,
  escaped,
  frame,
  opcode,
  optional,
  packetsOf,
  protocol,
  slice,
  u16,
  u32,
  u64,
  u8
} from "@wirewright/dsl"

/** Bytes of npm's ws 8.23; `test/fixtures/gallery` has more. */
const recorded = (hex: string) => [{ origin: "npm's ws 8.23", hex }]

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
    packet("Continuation", { examples: recorded("0087b2437f22c1261c4ddc275f"), opcode: 0, fields: { payload } }),
    packet("Text", { examples: recorded("81973a4b10e05288b98c56243cc04d88a692562f3002a6d83010a5d390"), opcode: 1, fields: { payload } }),
    packet("Binary", { examples: recorded("8286a1c7442ac0e72646cea5"), opcode: 2, fields: { payload } }),
    packet("Close", { examples: recorded("8894e3502fececf14a828c254884c3b2af78c337408387325689"), opcode: 8, fields: { reason } }),
    packet("Ping", { examples: recorded("898d9cb924ebfdcb41cbe5d651cbe8d14199f9"), opcode: 9, fields: { payload } }),
    packet("Pong", { examples: recorded("8a8fe3f6cc848584a3e9c382a4e1c385a9f69593be"), opcode: 10, fields: { payload } })
  ]
})
