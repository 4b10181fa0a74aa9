/** Topic R: providing records. Source: record-listen.feature; sessions with servers 2.4.1 to 7.0.2. */
import { message, part } from "@wirewright/dsl"

/** The client wants to know when somebody subscribes to records like this. */
export const recordListen = message("RecordListen", {
  head: ["R", "L"],
  sender: "client",
  fields: {
    /** A regular expression over names. */
    pattern: part.text
  },
  examples: [{ origin: "record-listen.feature", text: "R|L|recordPrefix/.*+", fields: { pattern: "recordPrefix/.*" } }]
})

/** The client no longer wants to know. */
export const recordUnlisten = message("RecordUnlisten", {
  head: ["R", "UL"],
  sender: "client",
  fields: {
    /** A regular expression over names. */
    pattern: part.text
  },
  examples: [{ origin: "record-listen.feature", text: "R|UL|recordPrefix/.*+" }]
})

/** Somebody subscribed to a name that matches; the client accepts or rejects within 500 ms. */
export const recordPatternFound = message("RecordPatternFound", {
  head: ["R", "SP"],
  sender: "server",
  fields: {
    /** A regular expression over names. */
    pattern: part.text,
    /** The name that matches. */
    name: part.text
  },
  examples: [
    {
      origin: "record-listen.feature",
      text: "R|SP|recordPrefix/.*|recordPrefix/foundAMatch+",
      fields: { pattern: "recordPrefix/.*", name: "recordPrefix/foundAMatch" }
    }
  ]
})

/** Nobody subscribes to this name any more. */
export const recordPatternRemoved = message("RecordPatternRemoved", {
  head: ["R", "SR"],
  sender: "server",
  fields: {
    /** A regular expression over names. */
    pattern: part.text,
    /** The name that matches. */
    name: part.text
  },
  examples: [{ origin: "record-listen.feature", text: "R|SR|recordPrefix/.*|recordPrefix/foundAMatch+" }]
})

/** The client will provide this name. */
export const recordListenAccept = message("RecordListenAccept", {
  head: ["R", "LA"],
  sender: "client",
  fields: {
    /** A regular expression over names. */
    pattern: part.text,
    /** The name that matches. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "R|LA|recordPrefix/.*|recordPrefix/foundAMatch+" }]
})

/** The client will not provide this name. */
export const recordListenReject = message("RecordListenReject", {
  head: ["R", "LR"],
  sender: "client",
  fields: {
    /** A regular expression over names. */
    pattern: part.text,
    /** The name that matches. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "R|LR|recordPrefix/.*|recordPrefix/foundAMatch+" }]
})

/** Whether somebody provides the record. */
export const recordHasProvider = message("RecordHasProvider", {
  head: ["R", "SH"],
  sender: "server",
  fields: {
    /** The record's name. */
    name: part.text,
    /** Whether somebody does. */
    has: part.truth
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "R|SH|happyRecord|T+", fields: { has: true } }]
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
