/** Topic X: errors that belong to no topic. Source: sessions with classic servers. */
import { array, literal, tokens, utf8 } from "@wirewright/dsl"
import { message, separator, serverMessage, shown } from "./Frame.ts"

/** The server does not know the topic. */
export const globalUnknownTopic = serverMessage("GlobalUnknownTopic", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("X"),
      actionIs: literal("E"),
      code: literal("UNKNOWN_TOPIC"),
      /** The topic it does not know. */
      topic: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("X|E|UNKNOWN_TOPIC|B+"), fields: { topic: "B" } }]
})

/** The server could not parse a message. Only 3.2.x sends it: 2.4.1 and 3.1.2 crash on what triggers it. */
export const globalMessageParseError = serverMessage("GlobalMessageParseError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("X"),
      actionIs: literal("E"),
      code: literal("MESSAGE_PARSE_ERROR"),
      /** Always the text "null". */
      null: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("X|E|MESSAGE_PARSE_ERROR|null+") }]
})

/** Any other error without a topic. */
export const globalError = serverMessage("GlobalError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("X"),
      actionIs: literal("E"),
      /** What went wrong. */
      code: utf8(),
      /** What the code asks for. */
      data: array(utf8())
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout of topic errors",
    text: shown("X|E|SOMETHING_ELSE+"),
    fields: { code: "SOMETHING_ELSE" }
  }]
})

/** A message that is not described here. */
export const unknownMessage = message("UnknownMessage", {
  fields: {
    message: tokens(separator, {
      /** What it is about. */
      topic: utf8(),
      /** What it says of that. */
      action: utf8(),
      /** Fields after topic and action. */
      fields: array(utf8())
    })
  }
})

/** All messages of topic X. */
export const globalErrorMessages = [globalUnknownTopic, globalMessageParseError, globalError, unknownMessage]
