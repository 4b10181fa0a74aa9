/** Topic R: records. Source: record*.feature; sessions with servers 2.4.1 to 7.0.2. */
import { json, literal, optional, tokens, utf8 } from "@wirewright/dsl"
import { clientMessage, integer, message, separator, serverMessage, shown, truth, typed } from "./Frame.ts"

/** Subscribes to a record and creates it when it does not exist. */
export const recordCreateOrRead = clientMessage("RecordCreateOrRead", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("CR"),
      /** The record's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "record.feature", text: shown("R|CR|happyRecord+"), fields: { name: "happyRecord" } }]
})

/** A record: the answer to RecordCreateOrRead and RecordSnapshot. */
export const recordData = serverMessage("RecordData", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("R"),
      /** The record's name. */
      name: utf8(),
      /** The record's version. */
      version: integer,
      /** The record as JSON. */
      data: json()
    })
  },
  examples: [
    {
      origin: "record.feature",
      text: shown(`R|R|happyRecord|100|{"name":"John", "pets": [{"name":"Ruffles", "type":"dog","age":2}]}+`),
      fields: { name: "happyRecord", version: 100, data: `{"name":"John", "pets": [{"name":"Ruffles", "type":"dog","age":2}]}` }
    }
  ]
})

/** Reads a record without subscribing. */
export const recordSnapshot = clientMessage("RecordSnapshot", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("SN"),
      /** The record's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout; record-snapshot.feature", text: shown("R|SN|snapshotRecord+") }]
})

/** Does the record exist? */
export const recordHas = clientMessage("RecordHas", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("H"),
      /** The record's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "record-has.feature", text: shown("R|H|hasRecord+") }]
})

/** Whether the record exists. */
export const recordHasAnswer = serverMessage("RecordHasAnswer", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("H"),
      /** The record's name. */
      name: utf8(),
      /** Whether it does. */
      exists: truth,
      /** A trailing empty field. */
      empty: optional(utf8())
    })
  },
  examples: [
    { origin: "record-has.feature", text: shown("R|H|existingRecord|T|+"), fields: { exists: true, empty: "" } },
    { origin: "record-has.feature", text: shown("R|H|nonExistentRecord|F|+"), fields: { exists: false } },
    { origin: "deepstream-messages.json, layout", text: shown("R|H|existingRecord|T+"), fields: { exists: true } }
  ]
})

/** Which version has the record? */
export const recordHead = clientMessage("RecordHead", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("HD"),
      /** The record's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: shown("R|HD|happyRecord+") }]
})

/** The version of the record; −1 when there is none, from servers 5 to 7. */
export const recordHeadAnswer = serverMessage("RecordHeadAnswer", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("HD"),
      /** The record's name. */
      name: utf8(),
      /** The record's version. */
      version: integer,
      /** The text null, from servers 5 to 7. */
      null: optional(utf8())
    })
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: shown("R|HD|happyRecord|100+"), fields: { version: 100 } },
    {
      origin: "deepstream-messages.json, layout of servers 5-7",
      text: shown("R|HD|happyRecord|-1|null+"),
      fields: { version: -1, null: "null" }
    }
  ]
})

/** Replaces a record. */
export const recordUpdate = message("RecordUpdate", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("U"),
      /** The record's name. */
      name: utf8(),
      /** The version this write makes; −1 to let the server choose. */
      version: integer,
      /** The record as JSON. */
      data: json(),
      /** Options of the write, such as writeSuccess. */
      config: optional(json())
    })
  },
  examples: [
    {
      origin: "record.feature",
      text: shown(`R|U|happyRecord|104|{"name":"Smith","pets":[{"name":"Ruffus","type":"dog","age":5}]}+`),
      fields: { version: 104 }
    },
    {
      origin: "deepstream-messages.json, layout with config",
      text: shown(`R|U|happyRecord|104|{"name":"Smith"}|{"writeSuccess":true}+`),
      fields: { config: `{"writeSuccess":true}` }
    }
  ]
})

/** Writes, or with the value undefined removes, what is at a path. */
export const recordPatch = message("RecordPatch", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("P"),
      /** The record's name. */
      name: utf8(),
      /** The version this write makes; −1 to let the server choose. */
      version: integer,
      /** Path within the record, such as pets.0.name. */
      path: utf8(),
      /** What to write there. */
      value: typed,
      /** Options of the write, such as writeSuccess. */
      config: optional(json())
    })
  },
  examples: [
    {
      origin: "record.feature",
      text: shown("R|P|happyRecord|101|pets.0.age|N3+"),
      fields: { version: 101, path: "pets.0.age", value: "N3" }
    },
    { origin: "record.feature", text: shown("R|P|happyRecord|103|pets.0.name|SMax+") },
    {
      origin: "deepstream-messages.json, layout with config",
      text: shown(`R|P|happyRecord|103|name|U|{"writeSuccess":true}+`),
      fields: { value: "U" }
    }
  ]
})

/** Creates or replaces a record without subscribing. */
export const recordUpsert = clientMessage("RecordUpsert", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("CU"),
      /** The record's name. */
      name: utf8(),
      /** The version this write makes; −1 to let the server choose. */
      version: integer,
      /** The record as JSON. */
      data: json(),
      /** Options of the write, such as writeSuccess; mandatory here. */
      config: json()
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown(`R|CU|happyRecord|-1|{"name":"Smith"}|{"writeSuccess":true}+`),
      fields: { version: -1, config: `{"writeSuccess":true}` }
    }
  ]
})

/** Creates a record or writes what is at a path, without subscribing. */
export const recordUpsertPatch = clientMessage("RecordUpsertPatch", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("CU"),
      /** The record's name. */
      name: utf8(),
      /** The version this write makes; −1 to let the server choose. */
      version: integer,
      /** Path within the record, such as pets.0.name. */
      path: utf8(),
      /** What to write there. */
      value: typed,
      /** Options of the write, such as writeSuccess; mandatory here. */
      config: json()
    })
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: shown(`R|CU|happyRecord|-1|name|SSmith|{"writeSuccess":true}+`),
      fields: { path: "name", value: "SSmith" }
    }
  ]
})

/** The outcome of a write that asked for it. */
export const recordWriteAck = serverMessage("RecordWriteAck", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("WA"),
      /** The record's name. */
      name: utf8(),
      /** Array of the versions that were written. */
      versions: json(),
      /** Null, or the error's text. */
      result: typed
    })
  },
  examples: [{
    origin: "deepstream-messages.json, layout",
    text: shown("R|WA|happyRecord|[101]|L+"),
    fields: { versions: "[101]", result: "L" }
  }]
})

/** Deletes a record. */
export const recordDelete = clientMessage("RecordDelete", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("D"),
      /** The record's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "record.feature", text: shown("R|D|happyRecord+") }]
})

/** Ends the subscription to a record. */
export const recordDiscard = clientMessage("RecordDiscard", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("US"),
      /** The record's name. */
      name: utf8()
    })
  },
  examples: [{ origin: "record.feature", text: shown("R|US|happyRecord+") }]
})

/** The server did what the client asked for. Deletion is told to every subscriber. */
export const recordAck = serverMessage("RecordAck", {
  fields: {
    message: tokens(separator, {
      topicIs: literal("R"),
      actionIs: literal("A"),
      /** What is acknowledged: S, US, D, L or UL. */
      action: utf8(),
      /** The name or pattern. */
      subject: utf8()
    })
  },
  examples: [
    { origin: "record.feature", text: shown("R|A|S|happyRecord+"), fields: { action: "S", subject: "happyRecord" } },
    { origin: "record.feature", text: shown("R|A|D|happyRecord+") }
  ]
})

/** All messages of topic R. */
export const recordMessages = [
  recordCreateOrRead,
  recordData,
  recordSnapshot,
  recordHas,
  recordHasAnswer,
  recordHead,
  recordHeadAnswer,
  recordUpdate,
  recordPatch,
  recordUpsert,
  recordUpsertPatch,
  recordWriteAck,
  recordDelete,
  recordDiscard,
  recordAck
]
