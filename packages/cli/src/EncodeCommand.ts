/** `wirewright encode`: the JSON of `decode --json` back to bytes. */
import { EncodeError } from "@wirewright/codec/Errors"
import { hexOf } from "@wirewright/codec/Hex"
import * as Command from "effect/cli/Command"
import { protocolFlag } from "./DecodeCommand.ts"
import { counted, handler } from "./Failure.ts"
import { linesOf, openInput } from "./Input.ts"
import { drain, flush, line, say } from "./Output.ts"
import type { ProtocolAdapter, States } from "@wirewright/inspector/reading"
import { loadProtocol } from "./Protocols.ts"
import { stateParameter, statesOf } from "./States.ts"

/** What is wrong with a line. */
const complaint = (error: unknown): string => {
  if (error instanceof EncodeError) return `EncodeError (${error.reason}) ${error.message}`
  if (error instanceof SyntaxError) return `Syntax: ${error.message}`
  if (error instanceof Error) return `${error.name}: ${error.message}`
  return String(error)
}

/** The bytes of a packet; `undefined` for the object that says what decode has passed over. */
const encodeLine = (adapter: ProtocolAdapter, text: string, states: States): string | undefined => {
  const json: unknown = JSON.parse(text)
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new SyntaxError("expected the object of one packet")
  if ("passedOver" in json) return undefined
  if ("error" in json) throw new SyntaxError("this is an error that decode reported, not a packet")
  return hexOf(adapter.fromJson(json, states))
}

/** The command. */
export const encodeCommand = Command.make(
  "encode",
  { protocol: protocolFlag, state: stateParameter() },
  ({ protocol, state }) =>
    handler(async () => {
      const adapter = await loadProtocol(protocol)
      const { states } = adapter.begin(statesOf(adapter, state))
      let number = 0
      let errors = 0
      for await (const text of linesOf((await openInput("-")).all)) {
        number++
        if (text.trim() === "") continue
        try {
          const bytes = encodeLine(adapter, text, states)
          if (bytes !== undefined) line(bytes)
        } catch (error) {
          errors++
          say(`line ${number}: ${complaint(error)}`)
        }
        await drain()
      }
      await flush()
      return errors
    }, (count) => `${counted(count, "line")} could not be encoded`)
).pipe(
  Command.withShortDescription("Turn the JSON of decode back into bytes"),
  Command.withDescription(
    "Encode packets: NDJSON of decode --json on stdin, one line of hex per packet on stdout. Other lines are reported on stderr; "
      + "the others are still encoded."
  ),
  Command.withExamples([
    {
      command: "wirewright decode --hex 800a00000000000000000000000000010000000000000000 --json | wirewright encode",
      description: "Back to the same bytes"
    },
    { command: "echo '{\"packet\":\"Noop\",\"opaque\":42}' | wirewright encode", description: "A packet from its name" },
    {
      command: "echo '{\"packet\":\"Say\",\"fields\":{\"text\":\"hi\"}}' | wirewright encode --protocol ./src/chat",
      description: "A packet of a protocol of your own"
    },
    { command: "wirewright encode < packets.ndjson | xxd -r -p > packets.bin", description: "To a binary stream" }
  ])
)
