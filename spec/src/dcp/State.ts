/** Takeover of vbuckets. Source: kv_engine docs/dcp/documentation/commands/set-vbucket-state.md. */
import { command } from "../couchbase/Dialect.ts"
import { VBucketState } from "../couchbase/VBucket.ts"

/** Gives the consumer's vbucket another state during a takeover. The consumer answers. */
export const dcpSetVbucketState = command("DcpSetVbucketState", {
  opcode: 0x5b,
  label: "DCP_SET_VBUCKET_STATE",
  sender: "server",
  request: { extras: { state: VBucketState } },
  examples: [
    { origin: "vector: DcpSetVbucketState 1", hex: "805b0000010000090000000100000007000000000000000001", fields: { vbucket: 9, state: 1 } },
    { kind: "response", origin: "derived from the layout table", hex: "815b00000000000000000000000000070000000000000000" }
  ]
})

/** Takeover of vbuckets. */
export const stateCommands = [dcpSetVbucketState]
