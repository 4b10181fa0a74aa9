/** Topic R: providing records. Source: record-listen.feature; sessions with servers 2.4.1 to 7.0.2. */
import { literal, tokens, utf8 } from "@wirewright/dsl"
import { clientMessage, separator, serverMessage, shown, truth } from "./Frame.ts"

/** The client wants to know when somebody subscribes to records like this. */
export const recordListen = clientMessage("RecordListen", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("L"),
      /** A regular expression over names. */
      pattern: utf8()
    })
  },
  examples: [{ origin: "record-listen.feature", text: shown("R|L|recordPrefix/.*+"), fields: { pattern: "recordPrefix/.*" } }]
})

/** The client no longer wants to know. */
export const recordUnlisten = clientMessage("RecordUnlisten", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("UL"),
      /** A regular expression over names. */
      pattern: utf8()
    })
  },
  examples: [{ origin: "record-listen.feature", text: shown("R|UL|recordPrefix/.*+") }]
})

/** Somebody subscribed to a name that matches; the client accepts or rejects within 500 ms. */
export const recordPatternFound = serverMessage("RecordPatternFound", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("SP"),
      /** A regular expression over names. */
      pattern: utf8(),
      /** The name that matches. */
      name: utf8()
    })
  },
  examples: [
    {
      origin: "record-listen.feature",
      text: shown("R|SP|recordPrefix/.*|recordPrefix/foundAMatch+"),
      fields: { pattern: "recordPrefix/.*", name: "recordPrefix/foundAMatch" }
    }
  ]
})

/** Nobody subscribes to this name any more. */
export const recordPatternRemoved = serverMessage("RecordPatternRemoved", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("SR"),
      /** A regular expression over names. */
      pattern: utf8(),
      /** The name that matches. */
      name: utf8()
    })
  },
  examples: [{ origin: "record-listen.feature", text: shown("R|SR|recordPrefix/.*|recordPrefix/foundAMatch+") }]
})

/** The client will provide this name. */
export const recordListenAccept = clientMessage("RecordListenAccept", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("LA"),
      /** A regular expression over names. */
      pattern: utf8(),
      /** The name that matches. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("R|LA|recordPrefix/.*|recordPrefix/foundAMatch+") }]
})

/** The client will not provide this name. */
export const recordListenReject = clientMessage("RecordListenReject", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("LR"),
      /** A regular expression over names. */
      pattern: utf8(),
      /** The name that matches. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("R|LR|recordPrefix/.*|recordPrefix/foundAMatch+") }]
})

/** Whether somebody provides the record. */
export const recordHasProvider = serverMessage("RecordHasProvider", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("SH"),
      /** The record's name. */
      name: utf8(),
      /** Whether somebody does. */
      has: truth
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("R|SH|happyRecord|T+"), fields: { has: true } }]
})

/** All messages of topic R about providers. */
export const recordListenMessages = [
  recordListen,
  recordUnlisten,
  recordPatternFound,
  recordPatternRemoved,
  recordListenAccept,
  recordListenReject,
  recordHasProvider
]
