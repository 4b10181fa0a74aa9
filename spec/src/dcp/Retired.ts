/** DCP opcodes that servers no longer send. Source: kv_engine docs/dcp/documentation/commands/flush.md. */
import { command } from "../couchbase/Dialect.ts"

/** All documents of the vbucket were deleted. */
export const dcpFlush = command("DcpFlush", {
  opcode: 0x5a,
  label: "DCP_FLUSH",
  lifecycle: "removed",
  sender: "server",
  reply: "error",
  request: {},
  examples: [{ origin: "kv_engine docs/dcp/documentation/commands/flush.md:12", hex: "805a00000000000000000000deadbeef0000000000000000" }]
})

/** Opcodes without a future. */
export const retiredCommands = [dcpFlush]
