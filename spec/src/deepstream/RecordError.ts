/** Topic R: errors of records. Source: record*.feature; sessions with servers; server sources. */
import { array, json, literal, optional, tokens, utf8 } from "@wirewright/dsl"
import { integer, separator, serverMessage, shown } from "./Frame.ts"

/** The permission handler refuses. */
export const recordMessageDenied = serverMessage("RecordMessageDenied", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("MESSAGE_DENIED"),
      /** What the client asked about. */
      subject: utf8(),
      /** What the client asked for. */
      action: utf8(),
      /** Remaining fields of the client's message. */
      rest: array(utf8())
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout",
    text: shown("R|E|MESSAGE_DENIED|happyRecord|CR+"),
    fields: { subject: "happyRecord", action: "CR", rest: [] }
  }]
})

/** The permission handler failed. */
export const recordPermissionError = serverMessage("RecordPermissionError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("MESSAGE_PERMISSION_ERROR"),
      /** What the client asked about. */
      subject: utf8(),
      /** What the client asked for. */
      action: utf8(),
      /** Remaining fields of the client's message. */
      rest: array(utf8())
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("R|E|MESSAGE_PERMISSION_ERROR|happyRecord|CR|more+"),
      fields: { rest: ["more"] }
    }
  ]
})

/** The client subscribed to this already. */
export const recordMultipleSubscriptions = serverMessage("RecordMultipleSubscriptions", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("MULTIPLE_SUBSCRIPTIONS"),
      /** What it subscribed to. */
      name: utf8()
    })
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: shown("R|E|MULTIPLE_SUBSCRIPTIONS|happyRecord+"), fields: { name: "happyRecord" } }
  ]
})

/** The client is not subscribed to this. */
export const recordNotSubscribed = serverMessage("RecordNotSubscribed", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("NOT_SUBSCRIBED"),
      /** What it wanted to leave. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("R|E|NOT_SUBSCRIBED|happyRecord+") }]
})

/** The server could not use the message. */
export const recordInvalidMessageData = serverMessage("RecordInvalidMessageData", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("INVALID_MESSAGE_DATA"),
      /** The message, or its fields. */
      original: array(utf8())
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("R|E|INVALID_MESSAGE_DATA|happyRecord|x+"),
      fields: { original: ["happyRecord", "x"] }
    }
  ]
})

/** The server does not know the action. */
export const recordUnknownAction = serverMessage("RecordUnknownAction", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("UNKNOWN_ACTION"),
      /** An explanation. */
      text: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout (server source)", text: shown("R|E|UNKNOWN_ACTION|unknown action XXX+") }]
})

/** Somebody else wrote this version. */
export const recordVersionExists = serverMessage("RecordVersionExists", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("VERSION_EXISTS"),
      /** The record's name. */
      name: utf8(),
      /** The version the server has. */
      version: integer,
      /** The data the server has. */
      data: json(),
      /** Options of the write; servers differ in when they repeat them. */
      config: optional(json())
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown(`R|E|VERSION_EXISTS|happyRecord|101|{"name":"John"}+`),
      fields: { version: 101 }
    },
    {
      origin: "deepstream-messages.json, layout with config",
      text: shown(`R|E|VERSION_EXISTS|happyRecord|101|{"name":"John"}|{"writeSuccess":true}+`)
    }
  ]
})

/** The cache did not answer in time. */
export const recordCacheRetrievalTimeout = serverMessage("RecordCacheRetrievalTimeout", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("CACHE_RETRIEVAL_TIMEOUT"),
      /** The record's name. */
      name: utf8()
    })
  },
  examples: [{
    origin: "record-timeouts.feature",
    text: shown("R|E|CACHE_RETRIEVAL_TIMEOUT|unhappyRecord+"),
    fields: { name: "unhappyRecord" }
  }]
})

/** The storage did not answer in time. */
export const recordStorageRetrievalTimeout = serverMessage("RecordStorageRetrievalTimeout", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("STORAGE_RETRIEVAL_TIMEOUT"),
      /** The record's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "record-timeouts.feature", text: shown("R|E|STORAGE_RETRIEVAL_TIMEOUT|unhappyRecord+") }]
})

/** The record could not be loaded. */
export const recordLoadError = serverMessage("RecordLoadError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("RECORD_LOAD_ERROR"),
      /** An explanation. */
      text: utf8()
    })
  },
  examples: [
    { origin: "deepstream-messages.json, layout (server source)", text: shown("R|E|RECORD_LOAD_ERROR|error while loading happyRecord+") }
  ]
})

/** The record could not be created. */
export const recordCreateError = serverMessage("RecordCreateError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("RECORD_CREATE_ERROR"),
      /** The record's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout (server source)", text: shown("R|E|RECORD_CREATE_ERROR|happyRecord+") }]
})

/** The record could not be deleted. */
export const recordDeleteError = serverMessage("RecordDeleteError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("RECORD_DELETE_ERROR"),
      /** An explanation. */
      text: utf8()
    })
  },
  examples: [
    { origin: "deepstream-messages.json, layout (server source)", text: shown("R|E|RECORD_DELETE_ERROR|error while deleting happyRecord+") }
  ]
})

/** The record to update does not exist. */
export const recordUpdateError = serverMessage("RecordUpdateError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("RECORD_UPDATE_ERROR"),
      /** The version of the write. */
      version: integer
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("R|E|RECORD_UPDATE_ERROR|5+"), fields: { version: 5 } }]
})

/** The version of a write is no number. */
export const recordInvalidVersion = serverMessage("RecordInvalidVersion", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("INVALID_VERSION"),
      /** The record's name. */
      name: utf8(),
      /** What the server made of it: NaN. */
      version: utf8()
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout",
    text: shown("R|E|INVALID_VERSION|happyRecord|NaN+"),
    fields: { version: "NaN" }
  }]
})

/** The answer to a snapshot when there is none. The action stands where a code should. */
export const recordSnapshotError = serverMessage("RecordSnapshotError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("SN"),
      /** The record's name. */
      name: utf8(),
      /** RECORD_NOT_FOUND or a retrieval error. */
      reason: utf8()
    })
  },
  examples: [
    { origin: "record-snapshot.feature", text: shown("R|E|SN|snapshotRecord|RECORD_NOT_FOUND+"), fields: { reason: "RECORD_NOT_FOUND" } }
  ]
})

/** The answer to RecordHas when there is none. The action stands where a code should. */
export const recordHasError = serverMessage("RecordHasError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("H"),
      /** The record's name. */
      name: utf8(),
      /** RECORD_NOT_FOUND or a retrieval error. */
      reason: utf8()
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("R|E|H|happyRecord|RECORD_NOT_FOUND+"),
      fields: { reason: "RECORD_NOT_FOUND" }
    }
  ]
})

/** The answer to RecordHead when there is none. The action stands where a code should. */
export const recordHeadError = serverMessage("RecordHeadError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      code: literal("HD"),
      /** The record's name. */
      name: utf8(),
      /** RECORD_NOT_FOUND or a retrieval error. */
      reason: utf8()
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown("R|E|HD|happyRecord|RECORD_NOT_FOUND+"),
      fields: { reason: "RECORD_NOT_FOUND" }
    }
  ]
})

/** Any other error of records. */
export const recordError = serverMessage("RecordError", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("E"),
      /** What went wrong. */
      code: utf8(),
      /** What the code asks for. */
      data: array(utf8())
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout of topic errors",
      text: shown("R|E|SOMETHING_ELSE|detail+"),
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
