/**
 * The 24-byte header of the memcached binary protocol and its descendants, with all its magics.
 *
 * Source: couchbase/kv_engine docs/BinaryProtocol.md and include/mcbp/protocol/{magic,header,framebuilder}.h.
 */
import {
  bit,
  bodyLength,
  bytes,
  brand,
  commandsOf,
  enumeration,
  flags,
  frame,
  magic,
  nibbleFrames,
  opcode,
  optional,
  sectionLength,
  status,
  statusCode,
  statuses,
  tagged,
  u16,
  u32,
  u64,
  u8,
  utf8
} from "@wirewright/dsl"

/** Version of a document: changes with every write, compared by conditional writes. 0 means "any". */
export const cas = brand("Cas", u64)

/** How a value is encoded. A bit is legal only after its HELLO feature was negotiated. */
export const Datatype = flags("Datatype", u8, {
  /** The value (below compression and attributes) is JSON. */
  json: bit(0),
  /** The whole value, attributes included, is Snappy-compressed. */
  snappy: bit(1),
  /** The value starts with a section of extended attributes. */
  xattr: bit(2)
})

/** How durable a write must be before it is answered. */
export const DurabilityLevel = enumeration("DurabilityLevel", u8, {
  /** Not a valid level on the wire; servers answer DurabilityInvalidLevel. */
  None: 0,
  /** In memory on a majority of the replicas. */
  Majority: 1,
  /** In memory on a majority, on disk of the active node. */
  MajorityAndPersistOnMaster: 2,
  /** On disk of a majority. */
  PersistToMajority: 3
})

/** Framing extras of requests. */
export const requestFrames = nibbleFrames("RequestFrame", {
  /** Earlier commands of the connection are executed first. */
  Barrier: tagged(0, {}),
  /** Durability requirement; the timeout in milliseconds is the server's default when absent. */
  Durability: tagged(1, { level: DurabilityLevel, timeout: optional(u16) }),
  /** The DCP stream this message belongs to. */
  DcpStreamId: tagged(2, { streamId: u16 }),
  /** Retired; was a tracing context. */
  OpenTracing: tagged(3, { context: bytes() }),
  /** The user in whose name the command runs. */
  Impersonate: tagged(4, { user: utf8() }),
  /** Keeps the expiry that the document has. */
  PreserveTtl: tagged(5, {}),
  /** A privilege the impersonated user may use besides its own. */
  ExtraPrivilege: tagged(6, { privilege: utf8() }),
  /** Identifies the user's token. */
  UserTokenId: tagged(7, { tokenId: u16 })
})

/** Framing extras of responses. */
export const responseFrames = nibbleFrames("ResponseFrame", {
  /** Time the server spent, encoded: microseconds = encoded^1.74 / 2. */
  ServerDuration: tagged(0, { encodedDuration: u16 }),
  /** Read units the command consumed. */
  ReadUnits: tagged(1, { units: u16 }),
  /** Write units the command consumed. */
  WriteUnits: tagged(2, { units: u16 }),
  /** Time the command was throttled, encoded like the server duration. */
  ThrottleDuration: tagged(3, { encodedDuration: u16 })
})

const head = {
  /** Kind of packet. */
  magic: magic(u8),
  /** The command. */
  opcode: opcode(u8)
}

const lengths = {
  /** Length of the key in bytes. */
  keyLength: sectionLength(u16, "key"),
  /** Length of the extras in bytes. */
  extrasLength: sectionLength(u8, "extras"),
  /** How the value is encoded. */
  datatype: Datatype
}

const flexibleLengths = {
  /** Length of the framing extras in bytes. */
  framingLength: sectionLength(u8, "framing"),
  /** Length of the key in bytes; one byte, because the framing length took the other. */
  keyLength: sectionLength(u8, "key"),
  /** Length of the extras in bytes. */
  extrasLength: sectionLength(u8, "extras"),
  /** How the value is encoded. */
  datatype: Datatype
}

const vbucket = {
  /** The vbucket the key belongs to. */
  vbucket: u16
}

const outcome = {
  /** Outcome of the request. */
  status: statusCode(u16)
}

const tail = {
  /** Length of framing extras, extras, key and value together. */
  bodyLength: bodyLength(u32),
  /** Chosen by the requestor, echoed in the response. */
  opaque: u32,
  /** Version of the document. */
  cas
}

/** Statuses plain memcached answers with. */
export const MemcachedStatus = statuses("Status", u16, {
  /** Done. */
  Success: status(0x00, "success"),
  /** No such key. */
  KeyEnoent: status(0x01, "miss"),
  /** The key exists, or its CAS differs. */
  KeyEexists: status(0x02, "miss"),
  /** The value is too large. */
  E2big: status(0x03, "caller"),
  /** Invalid arguments. */
  Einval: status(0x04, "caller"),
  /** Not stored: the condition of add, replace, append or prepend does not hold. */
  NotStored: status(0x05, "miss"),
  /** Increment or decrement of something that is no number. */
  DeltaBadval: status(0x06, "caller"),
  /** Authentication failed, or is required. */
  AuthError: status(0x20, "fatal"),
  /** The SASL exchange goes on. */
  AuthContinue: status(0x21, "success"),
  /** The server does not know the opcode. */
  UnknownCommand: status(0x81, "caller"),
  /** Out of memory. */
  Enomem: status(0x82, "retry"),
  /** The server knows the opcode but does not support it. */
  NotSupported: status(0x83, "caller"),
  /** Internal error. */
  Einternal: status(0x84, "fatal"),
  /** Busy; try again later. */
  Ebusy: status(0x85, "retry"),
  /** Temporary failure; try again later. */
  Etmpfail: status(0x86, "retry")
})

/** The frame of plain memcached. Extensions make a `dialect` of it. */
export const mcbp = frame("Mcbp", {
  sections: ["framing", "extras", "key", "value"],
  statuses: MemcachedStatus,
  correlation: "opaque",
  refusals: { unknown: "UnknownCommand", malformed: "Einval", died: "Einternal" },
  kinds: {
    request: {
      headers: [
        { magic: 0x80, fields: { ...head, ...lengths, ...vbucket, ...tail } },
        { magic: 0x08, fields: { ...head, ...flexibleLengths, ...vbucket, ...tail } }
      ],
      shared: { framing: requestFrames }
    },
    response: {
      answers: "request",
      headers: [
        { magic: 0x81, fields: { ...head, ...lengths, ...outcome, ...tail } },
        { magic: 0x18, fields: { ...head, ...flexibleLengths, ...outcome, ...tail } }
      ],
      shared: { framing: responseFrames }
    },
    serverRequest: { sender: "server", headers: [{ magic: 0x82, fields: { ...head, ...lengths, ...vbucket, ...tail } }] },
    serverResponse: {
      answers: "serverRequest",
      sender: "client",
      headers: [{ magic: 0x83, fields: { ...head, ...lengths, ...outcome, ...tail } }]
    }
  }
})

/** The word for commands of plain memcached. */
export const command = commandsOf(mcbp, "request")
