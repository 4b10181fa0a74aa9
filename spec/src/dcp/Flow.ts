/** Flow control. Source: kv_engine docs/dcp/documentation/{flow-control,commands/buffer-ack}.md. */
import { u32 } from "@wirewright/dsl"
import { command } from "../couchbase/Dialect.ts"

/**
 * Lets the producer send this many bytes more. Every request of the producer counts with header and body, DcpNoop excepted; responses do
 * not count.
 */
export const dcpBufferAcknowledgement = command("DcpBufferAcknowledgement", {
  opcode: 0x5d,
  label: "DCP_BUFFER_ACKNOWLEDGEMENT",
  reply: "error",
  request: {
    extras: {
      /** Bytes consumed since the last acknowledgement. */
      bufferBytes: u32
    }
  },
  examples: [
    { origin: "scenario frame buffer_ack", hex: "805d0000040000000000000400000000000000000000000000000200", fields: { bufferBytes: 512 } }
  ]
})

/** Flow control. */
export const flowCommands = [dcpBufferAcknowledgement]
