/**
 * How deepstream's text protocol frames messages: fields between 0x1f, a message's end at 0x1e. Client and server may mean different
 * messages by the same topic and action.
 */
import { bool, custom, decimal, frame, packetsOf } from "@wirewright/dsl"

/** Stands between two fields. */
export const separator = "\x1f"

const end = "\x1e"

/** WebSocket text frames, each of whole messages, which arrive as JavaScript strings. */
export const deepstreamFrame = frame("deepstream", {
  over: "text",
  sections: ["message"],
  kinds: {
    clientMessage: { headers: [], until: end, sender: "client" },
    serverMessage: { headers: [], until: end, sender: "server" }
  },
  minFrame: 3,
  maxFrame: 16 * 1024 * 1024 + 1
})

/** What clients send. */
export const clientMessage = packetsOf(deepstreamFrame, "clientMessage")
/** What servers send. */
export const serverMessage = packetsOf(deepstreamFrame, "serverMessage")
/** What both send. */
export const message = packetsOf(deepstreamFrame, "clientMessage", "serverMessage")

/** A value with a leading type letter: S string, N number, T true, F false, L null, U undefined, O JSON. */
export const typed = custom("Typed", { module: "@wirewright/deepstream/Typed", minimum: 1, ends: false })
/** An integer such as a version. */
export const integer = decimal({ bits: 53, signed: true })
/** `T` or `F`. */
export const truth = bool("T", "F")

/** A message as documents write it: `|` for the separator and `+` for the end. */
export const shown = (text: string): string => text.replaceAll("|", separator).replaceAll("+", end)
