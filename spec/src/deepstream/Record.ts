/** Topic R: records. Source: record*.feature; sessions with servers 2.4.1 to 7.0.2. */
import { message, part } from "@wirewright/dsl"

/** Subscribes to a record and creates it when it does not exist. */
export const recordCreateOrRead = message("RecordCreateOrRead", {
  head: ["R", "CR"],
  sender: "client",
  fields: {
    /** The record's name. */
    name: part.text
  },
  examples: [{ origin: "record.feature", text: "R|CR|happyRecord+", fields: { name: "happyRecord" } }]
})

/** A record: the answer to RecordCreateOrRead and RecordSnapshot. */
export const recordData = message("RecordData", {
  head: ["R", "R"],
  sender: "server",
  fields: {
    /** The record's name. */
    name: part.text,
    /** The record's version. */
    version: part.integer,
    /** The record as JSON. */
    data: part.json
  },
  examples: [
    {
      origin: "record.feature",
      text: `R|R|happyRecord|100|{"name":"John", "pets": [{"name":"Ruffles", "type":"dog","age":2}]}+`,
      fields: { name: "happyRecord", version: 100, data: `{"name":"John", "pets": [{"name":"Ruffles", "type":"dog","age":2}]}` }
    }
  ]
})

/** Reads a record without subscribing. */
export const recordSnapshot = message("RecordSnapshot", {
  head: ["R", "SN"],
  sender: "client",
  fields: {
    /** The record's name. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout; record-snapshot.feature", text: "R|SN|snapshotRecord+" }]
})

/** Does the record exist? */
export const recordHas = message("RecordHas", {
  head: ["R", "H"],
  sender: "client",
  fields: {
    /** The record's name. */
    name: part.text
  },
  examples: [{ origin: "record-has.feature", text: "R|H|hasRecord+" }]
})

/** Whether the record exists. */
export const recordHasAnswer = message("RecordHasAnswer", {
  head: ["R", "H"],
  sender: "server",
  fields: {
    /** The record's name. */
    name: part.text,
    /** Whether it does. */
    exists: part.truth,
    /** A trailing empty field. */
    empty: part.optional(part.text)
  },
  examples: [
    { origin: "record-has.feature", text: "R|H|existingRecord|T|+", fields: { exists: true, empty: "" } },
    { origin: "record-has.feature", text: "R|H|nonExistentRecord|F|+", fields: { exists: false } },
    { origin: "deepstream-messages.json, layout", text: "R|H|existingRecord|T+", fields: { exists: true } }
  ]
})

/** Which version has the record? */
export const recordHead = message("RecordHead", {
  head: ["R", "HD"],
  sender: "client",
  fields: {
    /** The record's name. */
    name: part.text
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "R|HD|happyRecord+" }]
})

/** The version of the record; −1 when there is none, from servers 5 to 7. */
export const recordHeadAnswer = message("RecordHeadAnswer", {
  head: ["R", "HD"],
  sender: "server",
  fields: {
    /** The record's name. */
    name: part.text,
    /** The record's version. */
    version: part.integer,
    /** The text null, from servers 5 to 7. */
    null: part.optional(part.text)
  },
  examples: [
    { origin: "deepstream-messages.json, layout", text: "R|HD|happyRecord|100+", fields: { version: 100 } },
    {
      origin: "deepstream-messages.json, layout of servers 5-7",
      text: "R|HD|happyRecord|-1|null+",
      fields: { version: -1, null: "null" }
    }
  ]
})

/** Replaces a record. */
export const recordUpdate = message("RecordUpdate", {
  head: ["R", "U"],
  fields: {
    /** The record's name. */
    name: part.text,
    /** The version this write makes; −1 to let the server choose. */
    version: part.integer,
    /** The record as JSON. */
    data: part.json,
    /** Options of the write, such as writeSuccess. */
    config: part.optional(part.json)
  },
  examples: [
    {
      origin: "record.feature",
      text: `R|U|happyRecord|104|{"name":"Smith","pets":[{"name":"Ruffus","type":"dog","age":5}]}+`,
      fields: { version: 104 }
    },
    {
      origin: "deepstream-messages.json, layout with config",
      text: `R|U|happyRecord|104|{"name":"Smith"}|{"writeSuccess":true}+`,
      fields: { config: `{"writeSuccess":true}` }
    }
  ]
})

/** Writes, or with the value undefined removes, what is at a path. */
export const recordPatch = message("RecordPatch", {
  head: ["R", "P"],
  fields: {
    /** The record's name. */
    name: part.text,
    /** The version this write makes; −1 to let the server choose. */
    version: part.integer,
    /** Path within the record, such as pets.0.name. */
    path: part.text,
    /** What to write there. */
    value: part.typed,
    /** Options of the write, such as writeSuccess. */
    config: part.optional(part.json)
  },
  examples: [
    { origin: "record.feature", text: "R|P|happyRecord|101|pets.0.age|N3+", fields: { version: 101, path: "pets.0.age", value: "N3" } },
    { origin: "record.feature", text: "R|P|happyRecord|103|pets.0.name|SMax+" },
    {
      origin: "deepstream-messages.json, layout with config",
      text: `R|P|happyRecord|103|name|U|{"writeSuccess":true}+`,
      fields: { value: "U" }
    }
  ]
})

/** Creates or replaces a record without subscribing. */
export const recordUpsert = message("RecordUpsert", {
  head: ["R", "CU"],
  sender: "client",
  fields: {
    /** The record's name. */
    name: part.text,
    /** The version this write makes; −1 to let the server choose. */
    version: part.integer,
    /** The record as JSON. */
    data: part.json,
    /** Options of the write, such as writeSuccess; mandatory here. */
    config: part.json
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: `R|CU|happyRecord|-1|{"name":"Smith"}|{"writeSuccess":true}+`,
      fields: { version: -1, config: `{"writeSuccess":true}` }
    }
  ]
})

/** Creates a record or writes what is at a path, without subscribing. */
export const recordUpsertPatch = message("RecordUpsertPatch", {
  head: ["R", "CU"],
  sender: "client",
  fields: {
    /** The record's name. */
    name: part.text,
    /** The version this write makes; −1 to let the server choose. */
    version: part.integer,
    /** Path within the record, such as pets.0.name. */
    path: part.text,
    /** What to write there. */
    value: part.typed,
    /** Options of the write, such as writeSuccess; mandatory here. */
    config: part.json
  },
  examples: [
    {
      origin: "deepstream-messages.json, layout",
      text: `R|CU|happyRecord|-1|name|SSmith|{"writeSuccess":true}+`,
      fields: { path: "name", value: "SSmith" }
    }
  ]
})

/** The outcome of a write that asked for it. */
export const recordWriteAck = message("RecordWriteAck", {
  head: ["R", "WA"],
  sender: "server",
  fields: {
    /** The record's name. */
    name: part.text,
    /** Array of the versions that were written. */
    versions: part.json,
    /** Null, or the error's text. */
    result: part.typed
  },
  examples: [{ origin: "deepstream-messages.json, layout", text: "R|WA|happyRecord|[101]|L+", fields: { versions: "[101]", result: "L" } }]
})

/** Deletes a record. */
export const recordDelete = message("RecordDelete", {
  head: ["R", "D"],
  sender: "client",
  fields: {
    /** The record's name. */
    name: part.text
  },
  examples: [{ origin: "record.feature", text: "R|D|happyRecord+" }]
})

/** Ends the subscription to a record. */
export const recordDiscard = message("RecordDiscard", {
  head: ["R", "US"],
  sender: "client",
  fields: {
    /** The record's name. */
    name: part.text
  },
  examples: [{ origin: "record.feature", text: "R|US|happyRecord+" }]
})

/** The server did what the client asked for. Deletion is told to every subscriber. */
export const recordAck = message("RecordAck", {
  head: ["R", "A"],
  sender: "server",
  fields: {
    /** What is acknowledged: S, US, D, L or UL. */
    action: part.text,
    /** The name or pattern. */
    subject: part.text
  },
  examples: [
    { origin: "record.feature", text: "R|A|S|happyRecord+", fields: { action: "S", subject: "happyRecord" } },
    { origin: "record.feature", text: "R|A|D|happyRecord+" }
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
