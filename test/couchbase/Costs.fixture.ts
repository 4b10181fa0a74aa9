/**
 * For every command of the embedded nodes: how a request of size n is made, and a node on which it costs most.
 *
 * `cost.test.ts` measures how cost grows with n, `test/bench/stall` how long the largest legal request keeps others waiting. A command without
 * a row fails the test. What n is stands in `of`.
 */
import { encodeWith, type Writer } from "@wirewright/codec"
import type { Bucket, Store } from "@wirewright/embedded"
import * as Gen from "@wirewright/dcp/gen"
import * as Memcached from "@wirewright/memcached"
import { DurabilityLevel } from "@wirewright/memcached/gen"
import * as MemcachedGen from "@wirewright/memcached/gen"

/** What n counts. */
export type Measure = "bytes" | "documents" | "vbuckets" | "collections" | "features" | "keys" | "paths"

/** One way to make a request large. */
export interface Cost<Prepared> {
  readonly of: Measure
  /** What it is about. */
  readonly what: string
  /** The smallest n of the test; it goes on with 2n and 4n. */
  readonly n: number
  /** The largest that is legal. */
  readonly most: number
  /** Makes the node as it has to be; the same each time. */
  readonly prepare?: (prepared: Prepared, n: number) => void
  /**
   * Mends what another request changed on a node that `prepare` made, and says whether it is as good as new. Default: each request has a node
   * of its own.
   */
  readonly again?: (prepared: Prepared, n: number) => boolean
  /** Requests that come before it. */
  readonly first?: (n: number) => ReadonlyArray<Uint8Array>
  /** `answered` is the end of the answer to the last of those that come before it. */
  readonly request: (n: number, answered: Uint8Array) => Uint8Array
  /** The request has no answer. */
  readonly quiet?: boolean
}

type Encoders = { readonly [name: string]: unknown }

const written = (encoders: Encoders) => (tag: string, fields: object = {}): Uint8Array => {
  const encode = encoders[`encode${tag}`] as (writer: Writer, packet: object) => void
  return encodeWith((writer) => encode(writer, fields))
}

const request = written({ ...MemcachedGen, ...Memcached, ...Gen })
const text = new TextEncoder()
const bytes = (value: string): Uint8Array => text.encode(value)

const mebibyte = 1024 * 1024
const largestDocument = 20 * mebibyte
/** What fits into 2 GiB, roughly: an item and its place in the history count 1 600 bytes. */
const mostDocuments = 1_000_000

/** JSON of n bytes that is dear to look through: nothing but small numbers. */
const numbers = (n: number): string => `[${"1,".repeat(Math.max(0, Math.floor((n - 3) / 2)))}1]`
const numbersIn = (n: number): string => `{"a":${numbers(n - 6)}}`

const document = { key: "k", collectionId: 0, flags: 0, expiration: 0 }

const put = (bucket: Bucket, key: string, value: Uint8Array, datatype = 1): void => {
  bucket.store.set(bucket.space(0, 0)!, key, { value, datatype })
}

/** The key `k` with JSON of n bytes. */
const large = (bucket: Bucket, n: number): void => put(bucket, "k", bytes(numbersIn(n)))

/** n documents in the first vbucket. */
const many = (bucket: Bucket, n: number): void => {
  const value = bytes("1")
  for (let i = 0; i < n; i++) put(bucket, `key${i}`, value)
}

const manyAgain = (bucket: Bucket, n: number): boolean => {
  const space = bucket.space(0, 0)!
  // what was deleted, locked or replaced is there again
  const { store } = bucket
  if (bucket.vbucket(0)?.state !== Gen.VBucketState.Active || Math.abs(space.items.size - n) > 100 || space.prepares.size > 0) return false
  return typeof store.keep(space, "key1", { value: bytes("1"), datatype: 1, flags: 0, expiry: 0, deleted: false }) !== "string"
}

/** n documents whose time is over. */
const expired = (bucket: Bucket, n: number): void => {
  const space = bucket.space(0, 0)!
  const value = bytes("1")
  for (let i = 0; i < n; i++) bucket.store.set(space, `key${i}`, { value, expiration: 2_592_001 })
}

const manifest = (n: number, uid: number): string =>
  JSON.stringify({
    uid: uid.toString(16),
    scopes: [{
      name: "_default",
      uid: "0",
      collections: [
        { name: "_default", uid: "0" },
        ...Array.from({ length: n - 1 }, (_, i) => ({ name: `c${i}`, uid: (i + 8 + uid * 0x10000).toString(16) }))
      ]
    }]
  })

const withCollections = (bucket: Bucket, n: number): void => {
  bucket.setManifest(manifest(n, 1))
}

type Row = Cost<Bucket>
type More = Partial<Omit<Row, "request">>

const ofBytes = (make: (n: number) => Uint8Array, more: More = {}): Row => ({
  of: "bytes",
  what: "a value",
  n: 512 * 1024,
  most: largestDocument,
  request: make,
  ...more
})

/** A value of n bytes is stored. */
const stored = (tag: string, fields: object = {}, more: More = {}): Row =>
  ofBytes((n) => request(tag, { ...document, value: bytes(numbersIn(n)), ...fields }), more)

/** A document of n bytes is asked for. */
const onLarge = (tag: string, fields: object = {}, more: More = {}): Row =>
  ofBytes(() => request(tag, { ...document, ...fields }), { what: "a document", prepare: large, ...more })

/** A document among n. */
const among = (tag: string, fields: object = {}, more: More = {}): Row => ({
  of: "documents",
  what: "others",
  n: 10_000,
  most: mostDocuments,
  prepare: many,
  ...more.prepare === undefined ? { again: manyAgain } : {},
  request: () => request(tag, { ...document, key: "key1", ...fields }),
  ...more
})

/** A scan of n documents. */
const scanCreate = (more: object = {}): Uint8Array =>
  request("RangeScanCreate", { datatype: 1, scan: JSON.stringify({ range: { start: "", end: "/////w==" }, ...more }) })
/** A request about a scan that was made just before it. */
const ofScan = (tag: string, scan: object, fields: object, more: More = {}): Row => ({
  ...among(tag),
  first: () => [scanCreate(scan)],
  request: (_, answered) => request(tag, { scanUuid: answered.slice(-16), ...fields }),
  ...more
})
const noLimits = { itemLimit: 0, timeLimitMs: 0, byteLimit: 0 }

const overVbuckets = (make: () => Uint8Array): Row => ({ of: "vbuckets", what: "vbuckets", n: 256, most: 1024, request: make })

const overCollections = (make: () => Uint8Array): Row => ({
  of: "collections",
  what: "collections",
  n: 300,
  most: 1200,
  prepare: withCollections,
  request: make
})

/** The size of its body is all there is. */
const ofText = (make: (n: number) => Uint8Array): Row => ({
  of: "bytes",
  what: "its text",
  n: 16_384,
  most: 128 * 1024 - 64,
  request: make
})

const fixed = (tag: string, fields: object = {}, more: More = {}): Row => ({
  of: "vbuckets",
  what: "nothing of it",
  n: 64,
  most: 1024,
  request: () => request(tag, fields),
  ...more
})

const xattr = (n: number): object => ({ path: "_x", flags: Gen.SubdocPathFlags.xattrPath, value: bytes(numbers(n)) })
const last = "a[-1]"
const subdoc = (tag: string, fields: object, more: More = {}): ReadonlyArray<Row> => [
  onLarge(tag, { path: last, flags: 0, ...fields }, more)
]
const subdocStored = (tag: string, fields: object): ReadonlyArray<Row> => [
  ...subdoc(tag, { value: bytes("1"), ...fields }),
  ofBytes((n) => request(tag, { ...document, path: last, flags: 0, ...fields, value: bytes(numbers(n)) }), {
    prepare: (bucket) => put(bucket, "k", bytes("{\"a\":[{}]}"))
  })
]

const withMeta = { layout: "Plain", revSeqno: 9n, documentCas: 9n, deleteTime: 0 }

const specs = (n: number, spec: object): ReadonlyArray<object> => Array.from({ length: n }, () => spec)
const sixteen = (spec: object) => specs(16, { flags: 0, path: last, ...spec })

const several = (tag: string, spec: object): ReadonlyArray<Row> => [
  onLarge(tag, { specs: sixteen(spec) }, { what: "a document, 16 times" }),
  {
    ...fixed(tag),
    of: "paths",
    what: "paths",
    n: 4,
    most: 16,
    prepare: (bucket) => large(bucket, mebibyte / 4),
    request: (n) => request(tag, { ...document, specs: specs(n, { flags: 0, path: last, ...spec }) })
  }
]

const read = (tag: string): ReadonlyArray<Row> => [onLarge(tag), among(tag)]
const changed = (tag: string, fields: object = {}): ReadonlyArray<Row> => [onLarge(tag, fields), among(tag, fields)]
const written2 = (tag: string, fields: object = {}, more: More = {}): ReadonlyArray<Row> => [
  stored(tag, fields, more),
  among(tag, { value: bytes("1"), ...fields }, more)
]
const quiet = { quiet: true } as const

/** By command of the Couchbase-like node. */
export const couchbaseCosts: { readonly [tag: string]: ReadonlyArray<Row> | undefined } = {
  Hello: [{
    of: "features",
    what: "features",
    n: 8_000,
    most: 32_000,
    request: (n) => request("Hello", { agent: "a", features: Array.from({ length: n }, (_, i) => i + 0x1000) })
  }],
  Noop: [fixed("Noop")],
  Version: [fixed("Version")],
  Verbosity: [fixed("Verbosity", { verbosity: 1, level: 1 })],
  Quit: [fixed("Quit")],
  QuitQ: [fixed("QuitQ", {}, quiet)],
  SaslListMechs: [fixed("SaslListMechs")],
  SaslAuth: [ofText((n) => request("SaslAuth", { mechanism: "PLAIN", clientData: new Uint8Array(n) }))],
  SaslStep: [ofText((n) => request("SaslStep", { mechanism: "SCRAM-SHA512", clientData: new Uint8Array(n) }))],
  GetErrorMap: [fixed("GetErrorMap", { version: 2 })],
  ListBuckets: [fixed("ListBuckets")],
  SelectBucket: [fixed("SelectBucket", { bucket: "default" })],
  GetClusterConfig: [overVbuckets(() => request("GetClusterConfig"))],
  Get: read("Get"),
  GetQ: read("GetQ"),
  GetK: read("GetK"),
  GetKQ: read("GetKQ"),
  GetReplica: read("GetReplica"),
  Set: [
    ...written2("Set"),
    stored("Set", { framing: [{ _tag: "Durability", level: DurabilityLevel.Majority }] }, { what: "a value that waits for copies" })
  ],
  SetQ: written2("SetQ", {}, quiet),
  Add: [stored("Add"), among("Add", { key: "k", value: bytes("1") })],
  AddQ: [stored("AddQ", {}, quiet), among("AddQ", { value: bytes("1") })],
  Replace: written2("Replace"),
  ReplaceQ: written2("ReplaceQ"),
  Delete: changed("Delete"),
  DeleteQ: [onLarge("DeleteQ", {}, quiet), among("DeleteQ", {}, quiet)],
  Append: [...changed("Append", { value: bytes("1") }), stored("Append")],
  AppendQ: [onLarge("AppendQ", { value: bytes("1") }, quiet)],
  Prepend: [...changed("Prepend", { value: bytes("1") }), stored("Prepend")],
  PrependQ: [onLarge("PrependQ", { value: bytes("1") }, quiet)],
  Increment: changed("Increment", { delta: 1n, initial: 0n }),
  IncrementQ: changed("IncrementQ", { delta: 1n, initial: 0n, key: "k" }),
  Decrement: changed("Decrement", { delta: 1n, initial: 0n }),
  DecrementQ: changed("DecrementQ", { delta: 1n, initial: 0n, key: "k" }),
  Touch: changed("Touch"),
  Gat: changed("Gat"),
  GatQ: changed("GatQ"),
  GetLocked: changed("GetLocked", { lockTimeout: 1 }),
  UnlockKey: changed("UnlockKey", { cas: 1n }),
  Observe: [{
    of: "keys",
    what: "keys",
    n: 3_000,
    most: 12_000,
    request: (n) =>
      request("Observe", { keys: Array.from({ length: n }, (_, i) => ({ vbucket: 0, key: { collectionId: 0, key: `k${i % 1000}` } })) })
  }],
  GetRandomKey: [among("GetRandomKey"), among("GetRandomKey", {}, { what: "expired ones", prepare: expired })],
  GetKeys: [among("GetKeys", { key: "a", count: 10_000 }), among("GetKeys", { key: "a", count: 0xffff_ffff })],
  GetMeta: changed("GetMeta", { version: 2 }),
  GetQMeta: changed("GetQMeta", { version: 2 }),
  SetWithMeta: written2("SetWithMeta", withMeta),
  SetQWithMeta: written2("SetQWithMeta", withMeta, quiet),
  AddWithMeta: [stored("AddWithMeta", withMeta)],
  AddQWithMeta: [stored("AddQWithMeta", withMeta, quiet)],
  DelWithMeta: written2("DelWithMeta", withMeta),
  DelQWithMeta: written2("DelQWithMeta", withMeta, quiet),
  SubdocGet: [
    ...subdoc("SubdocGet", {}),
    ...subdoc("SubdocGet", { path: "a" }, { what: "most of a document" }),
    ...subdoc("SubdocGet", { path: "$document", flags: Gen.SubdocPathFlags.xattrPath }, { what: "a document's checksum" })
  ],
  SubdocExists: subdoc("SubdocExists", {}),
  SubdocGetCount: subdoc("SubdocGetCount", { path: "a" }),
  SubdocDictAdd: subdocStored("SubdocDictAdd", { path: "b" }),
  SubdocDictUpsert: [
    ...subdocStored("SubdocDictUpsert", { path: "b" }),
    ofBytes((n) => request("SubdocDictUpsert", { ...document, ...xattr(n) }), {
      what: "an attribute",
      prepare: (bucket) => put(bucket, "k", bytes("{}"))
    })
  ],
  SubdocDelete: subdoc("SubdocDelete", {}),
  SubdocReplace: subdocStored("SubdocReplace", {}),
  SubdocArrayPushLast: subdocStored("SubdocArrayPushLast", { path: "a" }),
  SubdocArrayPushFirst: subdocStored("SubdocArrayPushFirst", { path: "a" }),
  SubdocArrayInsert: subdocStored("SubdocArrayInsert", { path: "a[0]" }),
  SubdocArrayAddUnique: subdocStored("SubdocArrayAddUnique", { path: "a", value: bytes("2") }),
  SubdocCounter: [
    ...subdoc("SubdocCounter", { value: "1" }),
    ofBytes(() => request("SubdocCounter", { ...document, path: "a", flags: 0, value: "1" }), {
      what: "a number",
      prepare: (bucket, n) => put(bucket, "k", bytes(`{"a":${"7".repeat(n - 6)}}`))
    })
  ],
  SubdocReplaceBodyWithXattr: [
    ofBytes(() => request("SubdocReplaceBodyWithXattr", { ...document, path: "_x", flags: Gen.SubdocPathFlags.xattrPath }), {
      what: "an attribute",
      prepare: (bucket, n) =>
        put(
          bucket,
          "k",
          encodeWith((writer) => Gen.encodeXattrValue(writer, { pairs: [{ pair: { key: "_x", value: numbers(n) } }], body: bytes("{}") })),
          5
        )
    })
  ],
  SubdocMultiLookup: several("SubdocMultiLookup", { opcode: Gen.SubdocOpcode.SubdocExists }),
  SubdocMultiMutation: several("SubdocMultiMutation", { opcode: Gen.SubdocOpcode.SubdocReplace, value: bytes("2") }),
  CollectionsGetManifest: [overCollections(() => request("CollectionsGetManifest"))],
  CollectionsSetManifest: [
    {
      of: "collections",
      what: "collections",
      n: 300,
      most: 1200,
      request: (n) => request("CollectionsSetManifest", { manifest: manifest(n, 2) })
    },
    {
      of: "collections",
      what: "other collections",
      n: 300,
      most: 1200,
      prepare: withCollections,
      request: (n) => request("CollectionsSetManifest", { manifest: manifest(n, 2) })
    },
    {
      of: "documents",
      what: "documents of a dropped collection",
      n: 10_000,
      most: mostDocuments,
      prepare: (bucket, n) => {
        withCollections(bucket, 2)
        const space = bucket.space(0, 0x10008)!
        for (let i = 0; i < n; i++) bucket.store.set(space, `key${i}`, { value: bytes("1") })
      },
      request: () => request("CollectionsSetManifest", { manifest: manifest(1, 2) })
    }
  ],
  CollectionsGetID: [overCollections(() => request("CollectionsGetID", { legacyPath: "", path: "_default.c1" }))],
  CollectionsGetScopeID: [overCollections(() => request("CollectionsGetScopeID", { legacyPath: "", path: "_default" }))],
  ObserveSeqno: [fixed("ObserveSeqno", { vbucketUuid: 1n })],
  GetAllVbSeqnos: [overVbuckets(() => request("GetAllVbSeqnos")), among("GetAllVbSeqnos", { state: 0, collectionId: 0 })],
  GetFailoverLog: [fixed("GetFailoverLog")],
  SetVbucket: [among("SetVbucket", { key: undefined, layout: "Narrow", options: "", state: Gen.VBucketState.Replica })],
  GetVbucket: [fixed("GetVbucket", { key: "" })],
  DelVbucket: [among("DelVbucket", { options: "" }), overCollections(() => request("DelVbucket", { options: "" }))],
  SeqnoPersistence: [among("SeqnoPersistence", { seqno: 1n })],
  Stat: [
    ...["", "vbucket", "vbucket-seqno", "vbucket-details", "failovers"].map((group) =>
      overVbuckets(() => request("Stat", { group, parameters: "" }))
    ),
    overCollections(() => request("Stat", { group: "collections", parameters: "" })),
    among("Stat", { group: "key key1 0", parameters: "" }),
    { ...ofText((n) => request("Stat", { group: " ".repeat(n), parameters: "" })), n: 60, most: 240 }
  ],
  RangeScanCreate: [
    { ...among("RangeScanCreate"), request: () => scanCreate() },
    { ...among("RangeScanCreate", {}, { what: "others, for their keys" }), request: () => scanCreate({ key_only: true }) },
    {
      ...among("RangeScanCreate", {}, { what: "others, of which it draws some" }),
      request: () => request("RangeScanCreate", { datatype: 1, scan: JSON.stringify({ sampling: { samples: 1_000, seed: 1 } }) })
    }
  ],
  RangeScanContinue: [
    ofScan("RangeScanContinue", {}, noLimits),
    ofScan("RangeScanContinue", { key_only: true }, noLimits, { what: "keys" })
  ],
  RangeScanCancel: [ofScan("RangeScanCancel", {}, {})],
  DcpOpen: [fixed("DcpOpen", { flags: Gen.DcpOpenFlags.producer, connectionName: "c", options: "", reservedSeqno: 0 })],
  DcpControl: [ofText((n) => request("DcpControl", { key: "k", value: "v".repeat(n) }))],
  DcpStreamRequest: [
    fixed("DcpStreamRequest", {
      flags: 0,
      startSeqno: 0n,
      endSeqno: 0n,
      vbucketUuid: 0n,
      snapStartSeqno: 0n,
      snapEndSeqno: 0n,
      reserved: 0,
      filter: "",
      value: new Uint8Array(0)
    })
  ],
  DcpCloseStream: [fixed("DcpCloseStream")],
  DcpGetFailoverLog: [fixed("DcpGetFailoverLog")],
  DcpBufferAcknowledgement: [fixed("DcpBufferAcknowledgement", { bufferBytes: 1 })],
  DcpNoop: [fixed("DcpNoop")]
}

const classic = written({ ...MemcachedGen, ...Memcached })
const item = { key: "k", flags: 0, expiration: 0 }
type ClassicRow = Cost<Store>
const largestItem = mebibyte - 512

const classicStored = (tag: string, fields: object = {}): ClassicRow => ({
  of: "bytes",
  what: "a value",
  n: 131_072,
  most: largestItem,
  request: (n) => classic(tag, { ...item, value: new Uint8Array(n), ...fields })
})
const classicAmong = (tag: string, fields: object = {}): ClassicRow => ({
  of: "documents",
  what: "others",
  n: 10_000,
  most: 200_000,
  prepare: (store, n) => {
    for (let i = 0; i < n; i++) store.set(store.space(0), `key${i}`, { value: bytes("1") })
  },
  request: () => classic(tag, { ...item, key: "key1", ...fields })
})

/** By handler of the memcached-like node: there, quiet commands and their loud brothers have one handler. */
export const memcachedCosts: { readonly [handler: string]: ReadonlyArray<ClassicRow> | undefined } = {
  get: [classicAmong("Get")],
  set: [classicStored("Set"), classicAmong("Set", { value: bytes("1") })],
  add: [classicStored("Add"), classicAmong("Add", { value: bytes("1") })],
  replace: [classicAmong("Replace", { value: bytes("1") })],
  remove: [classicAmong("Delete")],
  append: [classicAmong("Append", { value: bytes("1") })],
  prepend: [classicAmong("Prepend", { value: bytes("1") })],
  increment: [classicAmong("Increment", { delta: 1n, initial: 0n })],
  decrement: [classicAmong("Decrement", { delta: 1n, initial: 0n })],
  touch: [classicAmong("Touch")],
  getAndTouch: [classicAmong("Gat")],
  stats: [
    ...["", "items", "slabs", "sizes", "settings", "reset"].map((group) => classicAmong("Stat", { group, parameters: "" })),
    {
      of: "keys",
      what: "prefixes of keys",
      n: 2_500,
      most: 10_000,
      first: (n) => [
        classic("Stat", { group: "detail on", parameters: "" }),
        ...Array.from({ length: n }, (_, i) => classic("GetQ", { key: `${i}:k` }))
      ],
      request: () => classic("Stat", { group: "detail dump", parameters: "" })
    }
  ],
  version: [classicAmong("Version")],
  flush: [classicAmong("Flush")]
}
