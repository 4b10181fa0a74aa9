/** Topic R: errors of records. Source: record*.feature; sessions with servers; server sources. */
import { message, part } from "@wirewright/dsl"

/** The permission handler refuses. */
export const recordMessageDenied = message("RecordMessageDenied", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("MESSAGE_DENIED"),
    /** What the client asked about. */
    subject: part.text,
    /** What the client asked for. */
    action: part.text,
    /** Remaining fields of the client's message. */
    rest: part.rest()
  },
  examples: [{
    origin: "deepstream-messages.json, layout",
    text: "R|E|MESSAGE_DENIED|happyRecord|CR+",
    fields: { subject: "happyRecord", action: "CR", rest: [] }
  }]
})

/** The permission handler failed. */
export const recordPermissionError = message("RecordPermissionError", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("MESSAGE_PERMISSION_ERROR"),
    /** What the client asked about. */
    subject: part.text,
    /** What the client asked for. */
    action: part.text,
    /** Remaining fields of the client's message. */
    rest: part.rest()
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: "R|E|MESSAGE_PERMISSION_ERROR|happyRecord|CR|more+", fields: { rest: ["more"] } }
  ]
})

/** The client subscribed to this already. */
export const recordMultipleSubscriptions = message("RecordMultipleSubscriptions", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("MULTIPLE_SUBSCRIPTIONS"),
    /** What it subscribed to. */
    name: part.text
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: "R|E|MULTIPLE_SUBSCRIPTIONS|happyRecord+", fields: { name: "happyRecord" } }
  ]
})

/** The client is not subscribed to this. */
export const recordNotSubscribed = message("RecordNotSubscribed", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("NOT_SUBSCRIBED"),
    /** What it wanted to leave. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "R|E|NOT_SUBSCRIBED|happyRecord+" }]
})

/** The server could not use the message. */
export const recordInvalidMessageData = message("RecordInvalidMessageData", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("INVALID_MESSAGE_DATA"),
    /** The message, or its fields. */
    original: part.rest()
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: "R|E|INVALID_MESSAGE_DATA|happyRecord|x+",
      fields: { original: ["happyRecord", "x"] }
    }
  ]
})

/** The server does not know the action. */
export const recordUnknownAction = message("RecordUnknownAction", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("UNKNOWN_ACTION"),
    /** An explanation. */
    text: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout (server source)", text: "R|E|UNKNOWN_ACTION|unknown action XXX+" }]
})

/** Somebody else wrote this version. */
export const recordVersionExists = message("RecordVersionExists", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("VERSION_EXISTS"),
    /** The record's name. */
    name: part.text,
    /** The version the server has. */
    version: part.integer,
    /** The data the server has. */
    data: part.json,
    /** Options of the write; servers differ in when they repeat them. */
    config: part.optional(part.json)
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: `R|E|VERSION_EXISTS|happyRecord|101|{"name":"John"}+`, fields: { version: 101 } },
    {
      origin: "deepstream-messages.json, layout with config",
      text: `R|E|VERSION_EXISTS|happyRecord|101|{"name":"John"}|{"writeSuccess":true}+`
    }
  ]
})

/** The cache did not answer in time. */
export const recordCacheRetrievalTimeout = message("RecordCacheRetrievalTimeout", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("CACHE_RETRIEVAL_TIMEOUT"),
    /** The record's name. */
    name: part.text
  },
  examples: [{ origin: "record-timeouts.feature", text: "R|E|CACHE_RETRIEVAL_TIMEOUT|unhappyRecord+", fields: { name: "unhappyRecord" } }]
})

/** The storage did not answer in time. */
export const recordStorageRetrievalTimeout = message("RecordStorageRetrievalTimeout", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("STORAGE_RETRIEVAL_TIMEOUT"),
    /** The record's name. */
    name: part.text
  },
  examples: [{ origin: "record-timeouts.feature", text: "R|E|STORAGE_RETRIEVAL_TIMEOUT|unhappyRecord+" }]
})

/** The record could not be loaded. */
export const recordLoadError = message("RecordLoadError", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("RECORD_LOAD_ERROR"),
    /** An explanation. */
    text: part.text
  },
  examples: [
    { origin: "deepstream-messages.json, layout (server source)", text: "R|E|RECORD_LOAD_ERROR|error while loading happyRecord+" }
  ]
})

/** The record could not be created. */
export const recordCreateError = message("RecordCreateError", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("RECORD_CREATE_ERROR"),
    /** The record's name. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout (server source)", text: "R|E|RECORD_CREATE_ERROR|happyRecord+" }]
})

/** The record could not be deleted. */
export const recordDeleteError = message("RecordDeleteError", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("RECORD_DELETE_ERROR"),
    /** An explanation. */
    text: part.text
  },
  examples: [
    { origin: "deepstream-messages.json, layout (server source)", text: "R|E|RECORD_DELETE_ERROR|error while deleting happyRecord+" }
  ]
})

/** The record to update does not exist. */
export const recordUpdateError = message("RecordUpdateError", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("RECORD_UPDATE_ERROR"),
    /** The version of the write. */
    version: part.integer
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "R|E|RECORD_UPDATE_ERROR|5+", fields: { version: 5 } }]
})

/** The version of a write is no number. */
export const recordInvalidVersion = message("RecordInvalidVersion", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("INVALID_VERSION"),
    /** The record's name. */
    name: part.text,
    /** What the server made of it: NaN. */
    version: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "R|E|INVALID_VERSION|happyRecord|NaN+", fields: { version: "NaN" } }]
})

/** The answer to a snapshot when there is none. The action stands where a code should. */
export const recordSnapshotError = message("RecordSnapshotError", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("SN"),
    /** The record's name. */
    name: part.text,
    /** RECORD_NOT_FOUND or a retrieval error. */
    reason: part.text
  },
  examples: [
    { origin: "record-snapshot.feature", text: "R|E|SN|snapshotRecord|RECORD_NOT_FOUND+", fields: { reason: "RECORD_NOT_FOUND" } }
  ]
})

/** The answer to RecordHas when there is none. The action stands where a code should. */
export const recordHasError = message("RecordHasError", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("H"),
    /** The record's name. */
    name: part.text,
    /** RECORD_NOT_FOUND or a retrieval error. */
    reason: part.text
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: "R|E|H|happyRecord|RECORD_NOT_FOUND+", fields: { reason: "RECORD_NOT_FOUND" } }
  ]
})

/** The answer to RecordHead when there is none. The action stands where a code should. */
export const recordHeadError = message("RecordHeadError", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    code: part.literal("HD"),
    /** The record's name. */
    name: part.text,
    /** RECORD_NOT_FOUND or a retrieval error. */
    reason: part.text
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: "R|E|HD|happyRecord|RECORD_NOT_FOUND+", fields: { reason: "RECORD_NOT_FOUND" } }
  ]
})

/** Any other error of records. */
export const recordError = message("RecordError", {
  head: ["R", "E"],
  sender: "server",
  fields: {
    /** What went wrong. */
    code: part.text,
    /** What the code asks for. */
    data: part.rest()
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout of topic errors",
      text: "R|E|SOMETHING_ELSE|detail+",
      fields: { code: "SOMETHING_ELSE", data: ["detail"] }
    }
  ]
})

/** All messages of topic R that are errors. */
export const recordErrorMessages = [
  recordMessageDenied,
  recordPermissionError,
  recordMultipleSubscriptions,
  recordNotSubscribed,
  recordInvalidMessageData,
  recordUnknownAction,
  recordVersionExists,
  recordCacheRetrievalTimeout,
  recordStorageRetrievalTimeout,
  recordLoadError,
  recordCreateError,
  recordDeleteError,
  recordUpdateError,
  recordInvalidVersion,
  recordSnapshotError,
  recordHasError,
  recordHeadError,
  recordError
]
