/** Reading and writing parts of JSON documents. Source: kv_engine docs/SubDocument.md, daemon/subdocument_{traits,validators}. */
import { array, bit, bytes, enumeration, flags, lengthOf, optional, struct, u16, u32, u8, utf8 } from "@wirewright/dsl"
import { command, documentKey, writtenExtras } from "./Dialect.ts"

/** How a path is treated. Bits 1 and 3 have no meaning. */
export const SubdocPathFlags = flags("SubdocPathFlags", u8, {
  /** Missing parents of the path are created. */
  mkdirP: bit(0),
  /** The path leads into the extended attributes. */
  xattrPath: bit(2),
  /** Macros in the value are replaced by what they stand for. */
  expandMacros: bit(4),
  /** The attribute's value is binary. */
  binaryValue: bit(5)
}, { exclusive: [["expandMacros", "binaryValue"]], requires: { expandMacros: ["xattrPath"], binaryValue: ["xattrPath"] } })

/** How the document is treated. */
export const SubdocDocFlags = flags("SubdocDocFlags", u8, {
  /** Create the document when it is missing; parents of the path, too. */
  mkdoc: bit(0),
  /** The document must not exist and is created; the CAS must be 0. */
  add: bit(1),
  /** Deleted documents are accessible, too. */
  accessDeleted: bit(2),
  /** The document is created deleted; needs mkdoc or add, and paths into the attributes. */
  createAsDeleted: bit(3),
  /** A deleted document comes back to life. */
  reviveDocument: bit(4),
  /** A replica may answer. */
  replicaRead: bit(5)
}, { exclusive: [["mkdoc", "add"], ["reviveDocument", "createAsDeleted"]], requires: { reviveDocument: ["accessDeleted"] } })

/** What one operation of a multi-operation request does; those on the whole document have an empty path. */
export const SubdocOpcode = enumeration("SubdocOpcode", u8, {
  /** Reads the whole document. */
  GetDocument: 0x00,
  /** Stores the whole document. */
  SetDocument: 0x01,
  /** Removes the whole document. */
  DeleteDocument: 0x04,
  /** As the command of that name. */
  SubdocGet: 0xc5,
  /** As the command of that name. */
  SubdocExists: 0xc6,
  /** As the command of that name. */
  SubdocDictAdd: 0xc7,
  /** As the command of that name. */
  SubdocDictUpsert: 0xc8,
  /** As the command of that name. */
  SubdocDelete: 0xc9,
  /** As the command of that name. */
  SubdocReplace: 0xca,
  /** As the command of that name. */
  SubdocArrayPushLast: 0xcb,
  /** As the command of that name. */
  SubdocArrayPushFirst: 0xcc,
  /** As the command of that name. */
  SubdocArrayInsert: 0xcd,
  /** As the command of that name. */
  SubdocArrayAddUnique: 0xce,
  /** As the command of that name. */
  SubdocCounter: 0xcf,
  /** As the command of that name. */
  SubdocGetCount: 0xd2,
  /** As the command of that name. */
  SubdocReplaceBodyWithXattr: 0xd3
})

const path = {
  /** Dots between names, brackets around indexes; at most 1024 bytes and 32 parts. */
  path: utf8({ max: 1024 })
}

/** 3 bytes, or 4 with document flags. */
const lookupExtras = {
  /** Length of the path at the beginning of the value. */
  pathLength: lengthOf(u16, "path"),
  flags: SubdocPathFlags,
  docFlags: optional(SubdocDocFlags)
}

/** 3, 7 or 11 bytes, and one more with document flags. */
const mutationExtras = {
  /** Length of the path at the beginning of the value. */
  pathLength: lengthOf(u16, "path"),
  flags: SubdocPathFlags,
  /** New expiry of the document, as in Set; the server ignores it when user flags and document flags are both there. */
  expiration: optional(u32),
  /** New user flags of the document. */
  userFlags: optional(u32, { requires: "expiration" }),
  docFlags: optional(SubdocDocFlags)
}

const lookup = { extras: lookupExtras, key: documentKey, value: path }

const mutation = {
  extras: mutationExtras,
  key: documentKey,
  value: {
    ...path,
    /** What to put there: JSON, or bytes with the flag binaryValue. */
    value: bytes()
  }
}

const pathMutation = { extras: mutationExtras, key: documentKey, value: path }

/** Done, on a document that lives or on a deleted one. */
const changed = { Success: { extras: writtenExtras }, SubdocSuccessDeleted: "Success" } as const

/** Reads what is at a path. */
export const subdocGet = command("SubdocGet", {
  opcode: 0xc5,
  label: "SUBDOC_GET",
  request: lookup,
  responses: {
    Success: {
      /** What is there: JSON, or bytes with the flag binaryValue. */
      value: bytes()
    },
    /** The document is deleted. */
    SubdocSuccessDeleted: "Success"
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80c5000103000000000000080000000100000000000000000004006b612e6231",
      fields: { flags: 0, key: "k", path: "a.b1" }
    },
    {
      origin: "derived from the layout table",
      hex: "80c50001040000000000000e000000010000000000000000000904046b5f73796e632e636173",
      fields: { flags: 4, docFlags: 4, path: "_sync.cas" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81c5000000000000000000050000000100000000000001002230783122",
      fields: { cas: "256", value: { hex: "2230783122" } }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81c50000000100cd000000050000000100000000000000092230783122",
      fields: { status: 205, value: { hex: "2230783122" } }
    }
  ]
})

/** Asks whether there is anything at a path. */
export const subdocExists = command("SubdocExists", {
  opcode: 0xc6,
  label: "SUBDOC_EXISTS",
  request: lookup,
  responses: { Success: {}, SubdocSuccessDeleted: "Success" },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80c6000103000000000000070000000100000000000000000003006b612e62",
      fields: { flags: 0, key: "k", path: "a.b" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81c600000000000000000000000000010000000000000006",
      fields: { cas: "6" }
    }
  ]
})

/** Adds a name to an object; it must not be there. */
export const subdocDictAdd = command("SubdocDictAdd", {
  opcode: 0xc7,
  label: "SUBDOC_DICT_ADD",
  request: mutation,
  responses: changed,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80c700010c0000000000000f00000001000000000000000000010000000e1002000006026b6131",
      fields: { flags: 0, expiration: 3600, userFlags: 33_554_438, docFlags: 2, path: "a", value: { hex: "31" } }
    },
    {
      origin: "derived from the layout table",
      hex: "80c700010b0000000000001000000001000000000000000000030100000e10020000066b612e6231",
      fields: { flags: 1, expiration: 3600, userFlags: 33_554_438, path: "a.b", value: { hex: "31" } }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81c70000100000000000001000000001000000000000000600000000feedface0000000000000009",
      fields: { mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
    }
  ]
})

/** Sets a name of an object. */
export const subdocDictUpsert = command("SubdocDictUpsert", {
  opcode: 0xc8,
  label: "SUBDOC_DICT_UPSERT",
  request: mutation,
  responses: changed,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80c800010400000000000009000000010000000000000000000301016b612e6231",
      fields: { flags: 1, docFlags: 1, path: "a.b", value: { hex: "31" } }
    },
    {
      origin: "derived from the layout table",
      hex: "80c80002030000000000000a000000010000000000000000000300086b612e625b5d",
      states: ["collections"],
      fields: { collectionId: 8, key: "k", flags: 0, path: "a.b", value: { hex: "5b5d" } }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81c800000000000000000000000000010000000000000006",
      fields: { cas: "6" }
    }
  ]
})

/** Removes what is at a path. */
export const subdocDelete = command("SubdocDelete", {
  opcode: 0xc9,
  label: "SUBDOC_DELETE",
  request: pathMutation,
  responses: changed,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80c90001070000000000000b0000000100000000000000000003000000003c6b612e62",
      fields: { flags: 0, expiration: 60, path: "a.b" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81c90000100000000000001000000001000000000000000700000000feedface0000000000000009",
      fields: { cas: "7", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
    }
  ]
})

/** Replaces what is at a path. */
export const subdocReplace = command("SubdocReplace", {
  opcode: 0xca,
  label: "SUBDOC_REPLACE",
  request: mutation,
  responses: changed,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80ca000103000000000000080000000100000000000000060003006b612e6232",
      fields: { cas: "6", path: "a.b", value: { hex: "32" } }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81ca0000100000000000001000000001000000000000000700000000feedface0000000000000009",
      fields: { cas: "7", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
    }
  ]
})

/** Adds a value at the end of an array. The path may be empty. */
export const subdocArrayPushLast = command("SubdocArrayPushLast", {
  opcode: 0xcb,
  label: "SUBDOC_ARRAY_PUSH_LAST",
  request: mutation,
  responses: changed,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80cb000103000000000000090000000100000000000000000004016b7461677331",
      fields: { flags: 1, path: "tags", value: { hex: "31" } }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81cb0000100000000000001000000001000000000000000700000000feedface0000000000000009",
      fields: { cas: "7", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
    }
  ]
})

/** Adds a value at the beginning of an array. The path may be empty. */
export const subdocArrayPushFirst = command("SubdocArrayPushFirst", {
  opcode: 0xcc,
  label: "SUBDOC_ARRAY_PUSH_FIRST",
  request: mutation,
  responses: changed,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80cc000103000000000000050000000100000000000000000000006b31",
      fields: { flags: 0, path: "", value: { hex: "31" } }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81cc0000100000000000001000000001000000000000000700000000feedface0000000000000009",
      fields: { cas: "7", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
    }
  ]
})

/** Adds a value to an array, before the index the path ends with. */
export const subdocArrayInsert = command("SubdocArrayInsert", {
  opcode: 0xcd,
  label: "SUBDOC_ARRAY_INSERT",
  request: mutation,
  responses: changed,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80cd0001030000000000000c0000000100000000000000000007006b746167735b315d32",
      fields: { path: "tags[1]", value: { hex: "32" } }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81cd0000100000000000001000000001000000000000000700000000feedface0000000000000009",
      fields: { cas: "7", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
    }
  ]
})

/** Adds a value to an array that does not have it. The path may be empty. */
export const subdocArrayAddUnique = command("SubdocArrayAddUnique", {
  opcode: 0xce,
  label: "SUBDOC_ARRAY_ADD_UNIQUE",
  request: mutation,
  responses: changed,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80ce000103000000000000090000000100000000000000000004006b7461677333",
      fields: { path: "tags", value: { hex: "33" } }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81ce0000100000000000001000000001000000000000000700000000feedface0000000000000009",
      fields: { cas: "7", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
    }
  ]
})

/** Adds to a number. */
export const subdocCounter = command("SubdocCounter", {
  opcode: 0xcf,
  label: "SUBDOC_COUNTER",
  request: {
    ...mutation,
    value: {
      ...path,
      /** What to add, as decimal text; may be negative, not 0. */
      value: utf8({ max: 20 })
    }
  },
  responses: {
    Success: {
      extras: writtenExtras,
      /** The new number as decimal text. */
      value: utf8({ max: 20 })
    },
    SubdocSuccessDeleted: "Success"
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80cf0001080000000000000c00000001000000000000000000010100000e10016b632d35",
      fields: { flags: 1, expiration: 3600, docFlags: 1, path: "c", value: "-5" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81cf0000100000000000001200000001000000000000000600000000feedface00000000000000093337",
      fields: { value: "37", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
    }
  ]
})

/** One read of a SubdocMultiLookup. */
export const SubdocLookupSpec = struct("SubdocLookupSpec", {
  opcode: SubdocOpcode,
  flags: SubdocPathFlags,
  /** Length of the path. */
  pathLength: lengthOf(u16, "path"),
  ...path
})

/** What one read of a SubdocMultiLookup found. */
export const SubdocLookupResult = struct("SubdocLookupResult", {
  /** Outcome of this read. */
  status: u16,
  /** Length of the value. */
  valueLength: lengthOf(u32, "value"),
  /** What is there; empty when nothing is. */
  value: bytes()
})

/** Several reads of one document. */
export const subdocMultiLookup = command("SubdocMultiLookup", {
  opcode: 0xd0,
  label: "SUBDOC_MULTI_LOOKUP",
  request: {
    extras: { docFlags: optional(SubdocDocFlags) },
    key: documentKey,
    value: {
      /** One to 16 reads, those of extended attributes first. */
      specs: array(SubdocLookupSpec, { max: 16 })
    }
  },
  responses: {
    Success: {
      value: {
        /** One for each read, in their order. */
        results: array(SubdocLookupResult, { max: 16 })
      }
    },
    SubdocSuccessDeleted: "Success",
    /** Some reads failed; their results say so. */
    SubdocMultiPathFailure: "Success",
    SubdocMultiPathFailureDeleted: "Success"
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80d000060100029c0000002f0000fee5000000000000000000753a31323334c500000466726f6dc5000002746fc60000" +
        "03626363c50000077375626a656374c6000004626f6479",
      fields: { docFlags: 0, key: "u:1234" }
    },
    {
      origin: "derived from the layout table",
      hex: "80d00001000000000000000d0000000100000000000000006bc50400035f6176c600000162",
      fields: { key: "k", specs: [{ opcode: 197, flags: 4, path: "_av" }, { opcode: 198, flags: 0, path: "b" }] }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81d00000000000cc0000000d0000000100000000000000060000000000013100c000000000",
      fields: { status: 204, results: [{ status: 0, value: { hex: "31" } }, { status: 192, value: { hex: "" } }] }
    }
  ]
})

/** One write of a SubdocMultiMutation. */
export const SubdocMutationSpec = struct("SubdocMutationSpec", {
  opcode: SubdocOpcode,
  flags: SubdocPathFlags,
  /** Length of the path. */
  pathLength: lengthOf(u16, "path"),
  /** Length of the value. */
  valueLength: lengthOf(u32, "value"),
  ...path,
  /** What to put there; empty when the operation takes no value. */
  value: bytes()
})

/** What one write of a SubdocMultiMutation returned. */
export const SubdocMutationResult = struct("SubdocMutationResult", {
  /** Which write, counted from 0. */
  index: u8,
  /** Outcome of this write. */
  status: u16,
  /** Length of the value. */
  valueLength: lengthOf(u32, "value"),
  /** What it returned, such as the new number of a SubdocCounter. */
  value: bytes()
})

/** Several writes to one document: all or none. */
export const subdocMultiMutation = command("SubdocMultiMutation", {
  opcode: 0xd1,
  label: "SUBDOC_MULTI_MUTATION",
  request: {
    extras: {
      /** New expiry of the document, as in Set. */
      expiration: optional(u32),
      /** New user flags of the document. */
      userFlags: optional(u32, { requires: "expiration" }),
      docFlags: optional(SubdocDocFlags)
    },
    key: documentKey,
    value: {
      /** One to 16 writes, those of extended attributes first. */
      specs: array(SubdocMutationSpec, { max: 16 })
    }
  },
  responses: {
    Success: {
      extras: writtenExtras,
      value: {
        /** Only of writes that return a value. */
        results: array(SubdocMutationResult, { max: 16 })
      }
    },
    SubdocSuccessDeleted: "Success",
    /** Nothing was written. */
    SubdocMultiPathFailure: {
      value: {
        /** The first write that failed, counted from 0. */
        failedIndex: u8,
        /** Why it failed. */
        failedStatus: u16
      }
    },
    SubdocMultiPathFailureDeleted: "SubdocMultiPathFailure"
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80d1000109000000000000140000000100000000000000000000003c02000006016b01000000000000027b7d",
      fields: { expiration: 60, docFlags: 1, specs: [{ opcode: 1, flags: 0, path: "", value: { hex: "7b7d" } }] }
    },
    {
      origin: "derived from the layout table",
      hex: "80d10001000000000000000b0000000100000000000000006bcf010001000000016332",
      fields: { key: "k", specs: [{ opcode: 207, flags: 1, path: "c", value: { hex: "32" } }] }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81d1000010000000000000100000fee500000000cafebabe00000000000000a1000000000000004d",
      fields: { mutationToken: { vbucketUuid: "161", seqno: "77" }, results: [] }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81d100000000000000000009000000010000000000000006000000000000023339",
      fields: { results: [{ index: 0, status: 0, value: { hex: "3339" } }] }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81d10000000000cc000000030000fee500000000000000000100c1",
      fields: { failedIndex: 1, failedStatus: 193 }
    }
  ]
})

/** Counts the elements of an array or the names of an object. The path may be empty. */
export const subdocGetCount = command("SubdocGetCount", {
  opcode: 0xd2,
  label: "SUBDOC_GET_COUNT",
  request: lookup,
  responses: {
    Success: {
      /** How many, as decimal text. */
      value: utf8({ max: 20 })
    },
    SubdocSuccessDeleted: "Success"
  },
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80d2000103000000000000080000000100000000000000000004006b74616773",
      fields: { flags: 0, path: "tags" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81d20000000000000000000100000001000000000000000633",
      fields: { value: "3" }
    }
  ]
})

/** Replaces the document's body by an extended attribute. The flag xattrPath is a must. */
export const subdocReplaceBodyWithXattr = command("SubdocReplaceBodyWithXattr", {
  opcode: 0xd3,
  label: "SUBDOC_REPLACE_BODY_WITH_XATTR",
  request: pathMutation,
  responses: changed,
  examples: [
    {
      origin: "derived from the layout table",
      hex: "80d30001030000000000000c0000000100000000000000000008046b74786e2e626f6479",
      fields: { flags: 4, path: "txn.body" }
    },
    {
      kind: "response",
      origin: "derived from the layout table",
      hex: "81d30000100000000000001000000001000000000000000700000000feedface0000000000000009",
      fields: { cas: "7", mutationToken: { vbucketUuid: "4277009102", seqno: "9" } }
    }
  ]
})

/** All commands on parts of documents. */
export const subDocumentCommands = [
  subdocGet,
  subdocExists,
  subdocDictAdd,
  subdocDictUpsert,
  subdocDelete,
  subdocReplace,
  subdocArrayPushLast,
  subdocArrayPushFirst,
  subdocArrayInsert,
  subdocArrayAddUnique,
  subdocCounter,
  subdocMultiLookup,
  subdocMultiMutation,
  subdocGetCount,
  subdocReplaceBodyWithXattr
]
