/** Topic X: errors that belong to no topic. Source: sessions with classic servers. */
import { message, part } from "@wirewright/dsl"

/** The server does not know the topic. */
export const globalUnknownTopic = message("GlobalUnknownTopic", {
  head: ["X", "E"],
  sender: "server",
  fields: {
    code: part.literal("UNKNOWN_TOPIC"),
    /** The topic it does not know. */
    topic: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "X|E|UNKNOWN_TOPIC|B+", fields: { topic: "B" } }]
})

/** The server could not parse a message. Only 3.2.x sends it: 2.4.1 and 3.1.2 crash on what triggers it. */
export const globalMessageParseError = message("GlobalMessageParseError", {
  head: ["X", "E"],
  sender: "server",
  fields: {
    code: part.literal("MESSAGE_PARSE_ERROR"),
    /** Always the text "null". */
    null: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "X|E|MESSAGE_PARSE_ERROR|null+" }]
})

/** Any other error without a topic. */
export const globalError = message("GlobalError", {
  head: ["X", "E"],
  sender: "server",
  fields: {
    /** What went wrong. */
    code: part.text,
    /** What the code asks for. */
    data: part.rest()
  },
  examples: [{
    origin: "deepstream-messages.json, layout of topic errors",
    text: "X|E|SOMETHING_ELSE+",
    fields: { code: "SOMETHING_ELSE" }
  }]
})

/** All messages of topic X. */
export const globalErrorMessages = [globalUnknownTopic, globalMessageParseError, globalError]
