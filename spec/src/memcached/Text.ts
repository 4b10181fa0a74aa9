/**
 * memcached's text protocol, classic and meta commands, which mix freely in one connection.
 *
 * This is what clients and servers should write: one space between tokens, CR LF at the end of a line, plain decimals without a plus or
 * leading zeros. The server also takes several spaces, spaces at both ends, a bare LF, other spellings of numbers, arguments that it
 * ignores (`version x`, `mn x`, `vk` for `v`); and it answers lines that are wrong. None of that is a packet here, because decoding is the
 * inverse of encoding: a server that wants to take it rewrites the line before it decodes it, and answers what is then refused.
 *
 * A key is whatever stands between spaces, as memcached reads it: 1 to 250 bytes without space and LF. Its document also forbids control
 * characters; 1.6.18 ends a line at a NUL.
 *
 * Source: doc/protocol.txt of memcached 1.6.18 and, for flags of 1.6.19 and later, of 1.6.45; both observed live.
 */
import {
  array,
  ascii,
  bytes,
  choice,
  decimal,
  enumeration,
  type Fields,
  frame,
  lengthOf,
  literal,
  optional,
  packetsOf,
  protocol,
  struct,
  tagged,
  tokens,
  u8,
  utf8
} from "@wirewright/dsl"

/** Lines, some with a data block after them. */
export const textFrame = frame("memcached text", {
  sections: ["content"],
  kinds: { request: { headers: [], sender: "client" }, response: { headers: [], sender: "server" } }
})

const request = packetsOf(textFrame, "request")
const response = packetsOf(textFrame, "response")

const hexOf = (text: string): string => [...text].map((one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("")

/** A packet as memcached 1.6.18 was seen to read or send it; `vector` names the conversation in test/fixtures/memcached-text.json. */
const seen = (kind: "request" | "response", vector: string, text: string, fields: { readonly [name: string]: unknown }) => [
  { kind, origin: `memcached 1.6.18, vector ${vector}`, hex: hexOf(text), fields }
]

const letter = (text: string): number => text.charCodeAt(0)

/** Tokens of one line. */
const line = <const F extends Fields>(fields: F, options: { readonly rest?: boolean } = {}) =>
  tokens(" ", fields, { until: "\r\n", ...options })

const key = utf8({ min: 1, max: 250 })
const word = ascii({ min: 1 })
const number = decimal()
const big = decimal({ bits: 64 })
/** 0 never, up to 30 days: seconds from now, above: Unix time, negative: at once. */
const time = decimal({ signed: true })
/** The answer is left out; an error may still come. */
const noreply = optional(literal("noreply"))
const block = { value: bytes(), valueEnd: literal("\r\n") }
/** Text for people. */
const message = utf8()

/** A command of one line. */
const command = <const N extends string>(name: N, verb: string, fields: Fields = {}) =>
  request(name, { fields: { line: line({ verb: literal(verb), ...fields }) } })

const stored = {
  key,
  /** Of no meaning to the server, returned as they were stored. */
  flags: number,
  expiration: time,
  length: lengthOf(decimal(), "value")
}

const store = <const N extends string>(name: N, verb: string) =>
  request(name, {
    fields: { line: line({ verb: literal(verb), ...stored, noreply }), ...block },
    ...(verb === "set" ? { examples: setExamples } : {})
  })

const setExamples = [
  ...seen("request", "store-001", "set k 5 0 2\r\nxy\r\n", { key: "k", flags: 5, expiration: 0, value: { hex: "7879" }, noreply: false }),
  ...seen("request", "store-003", "set k 5 0 2 noreply\r\nxy\r\n", { key: "k", noreply: true })
]

const keys = array(key, { min: 1 })

const classic = [
  command("Get", "get", { keys }),
  /** Answers carry the CAS. */
  command("Gets", "gets", { keys }),
  /** Sets the expiration of what it finds. */
  command("GetAndTouch", "gat", { expiration: time, keys }),
  command("GetsAndTouch", "gats", { expiration: time, keys }),
  store("Set", "set"),
  store("Add", "add"),
  store("Replace", "replace"),
  store("Append", "append"),
  store("Prepend", "prepend"),
  request("CompareAndSet", {
    fields: { line: line({ verb: literal("cas"), ...stored, cas: big, noreply }), ...block },
    examples: seen("request", "cas-009", "cas k 0 0 1 18446744073709551615\r\nw\r\n", { key: "k", cas: "18446744073709551615" })
  }),
  command("Delete", "delete", { key, zero: optional(literal("0")), noreply }),
  command("Increment", "incr", { key, delta: big, noreply }),
  command("Decrement", "decr", { key, delta: big, noreply }),
  command("Touch", "touch", { key, expiration: time, noreply })
]

const cacheClass = decimal({ signed: true })

const administration = [
  command("FlushAll", "flush_all", { delay: optional(time), noreply }),
  command("Version", "version"),
  command("Verbosity", "verbosity", { level: number, noreply }),
  command("Quit", "quit"),
  command("Shutdown", "shutdown", { graceful: optional(literal("graceful")) }),
  command("Statistics", "stats", { group: optional(utf8({ max: 250 })) }),
  command("StatisticsDetail", "stats", { detail: literal("detail"), what: word }),
  command("StatisticsCachedump", "stats", { cachedump: literal("cachedump"), slabClass: number, limit: number }),
  command("CacheMemoryLimit", "cache_memlimit", { megabytes: number, noreply }),
  command("SlabsReassign", "slabs", { reassign: literal("reassign"), from: cacheClass, to: cacheClass }),
  command("SlabsAutomove", "slabs", { automove: literal("automove"), setting: word, value: optional(word) }),
  command("LruTune", "lru", { tune: literal("tune"), hotPercent: number, warmPercent: number, hotFactor: word, warmFactor: word }),
  command("LruMode", "lru", { mode: literal("mode"), name: word }),
  command("LruTemporary", "lru", { temporary: literal("temp_ttl"), seconds: time }),
  command("CrawlerEnable", "lru_crawler", { enable: literal("enable") }),
  command("CrawlerDisable", "lru_crawler", { disable: literal("disable") }),
  command("CrawlerSleep", "lru_crawler", { sleep: literal("sleep"), microseconds: number }),
  command("CrawlerLimit", "lru_crawler", { tocrawl: literal("tocrawl"), items: number }),
  command("Crawl", "lru_crawler", { crawl: literal("crawl"), classes: word }),
  command("MetadataDump", "lru_crawler", { metadump: literal("metadump"), classes: word }),
  command("MetaGetDump", "lru_crawler", { mgdump: literal("mgdump"), classes: word }),
  command("Watch", "watch", { streams: array(word) }),
  command("Extstore", "extstore", { setting: word, values: array(word, { min: 1, max: 2 }) }),
  command("RefreshCertificates", "refresh_certs")
]

const opaque = utf8({ max: 31 })

/** Flags of all meta commands. */
const common = {
  /** The key is base64. */
  KeyIsBase64: tagged("b", {}),
  ReturnKey: tagged("k", {}),
  /** Comes back, whatever the answer is. */
  Opaque: tagged("O", { opaque }),
  /** The expected answer is left out. */
  Quiet: tagged("q", {}),
  /** For proxies; memcached ignores it. */
  ProxyPath: tagged("P", { text: utf8() }),
  ProxyLabel: tagged("L", { text: utf8() }),
  CompareCas: tagged("C", { cas: big }),
  /** The CAS that the item is given, from 1.6.27 on. */
  NewCas: tagged("E", { cas: big })
}
const timeToLive = { TimeToLive: tagged("T", { seconds: time }) }
const invalidate = {
  /** An older CAS marks the item as stale. */
  Invalidate: tagged("I", {})
}
const returnCas = { ReturnCas: tagged("c", {}) }

/** A flag of `mg`. */
const MetaGetFlag = choice("MetaGetFlag", u8, {
  ...common,
  ...timeToLive,
  ...returnCas,
  ReturnFlags: tagged("f", {}),
  ReturnHit: tagged("h", {}),
  ReturnLastAccess: tagged("l", {}),
  ReturnSize: tagged("s", {}),
  ReturnTimeToLive: tagged("t", {}),
  ReturnValue: tagged("v", {}),
  NoBump: tagged("u", {}),
  /** A miss makes an empty item, and who asked has won. */
  Vivify: tagged("N", { seconds: time }),
  /** Who asks has won when less time than this is left. */
  Recache: tagged("R", { seconds: time })
}, { unknown: "keep" })

/** What `ms` does with an item that is there or not. */
const MetaSetMode = enumeration("MetaSetMode", u8, {
  Add: letter("E"),
  Append: letter("A"),
  Prepend: letter("P"),
  Replace: letter("R"),
  Set: letter("S")
})

/** A flag of `ms`. */
const MetaSetFlag = choice("MetaSetFlag", u8, {
  ...common,
  ...timeToLive,
  ...returnCas,
  ...invalidate,
  ClientFlags: tagged("F", { flags: number }),
  Mode: tagged("M", { mode: MetaSetMode }),
  /** Append and prepend make an item on a miss, from 1.6.20 on. */
  Vivify: tagged("N", { seconds: time }),
  /** From 1.6.20 on. */
  ReturnSize: tagged("s", {})
}, { unknown: "keep" })

/** A flag of `md`. */
const MetaDeleteFlag = choice("MetaDeleteFlag", u8, {
  ...common,
  ...timeToLive,
  ...invalidate,
  /** Drops the value and keeps the item, from 1.6.27 on. */
  DropValue: tagged("x", {})
}, { unknown: "keep" })

/** Whether `ma` adds or subtracts. */
const MetaArithmeticMode = enumeration("MetaArithmeticMode", u8, {
  Increment: letter("I"),
  Plus: letter("+"),
  Decrement: letter("D"),
  Minus: letter("-")
})

/** A flag of `ma`. */
const MetaArithmeticFlag = choice("MetaArithmeticFlag", u8, {
  ...common,
  ...timeToLive,
  ...returnCas,
  Delta: tagged("D", { delta: big }),
  Initial: tagged("J", { value: big }),
  Vivify: tagged("N", { seconds: time }),
  Mode: tagged("M", { mode: MetaArithmeticMode }),
  ReturnTimeToLive: tagged("t", {}),
  ReturnValue: tagged("v", {})
}, { unknown: "keep" })

/** A flag of `me`. */
const MetaDebugFlag = choice("MetaDebugFlag", u8, { KeyIsBase64: tagged("b", {}) }, { unknown: "keep" })

/** A flag that an answer to a meta command carries, in the order in which the request asked. */
const MetaAnswerFlag = choice("MetaAnswerFlag", u8, {
  KeyIsBase64: tagged("b", {}),
  Key: tagged("k", { key }),
  Opaque: tagged("O", { opaque }),
  Cas: tagged("c", { cas: big }),
  ClientFlags: tagged("f", { flags: number }),
  /** 1 when it had been fetched before. */
  Hit: tagged("h", { hit: number }),
  LastAccess: tagged("l", { seconds: number }),
  Size: tagged("s", { bytes: number }),
  /** -1: for ever. */
  TimeToLive: tagged("t", { seconds: time }),
  /** Who asked is to make the value anew. */
  Won: tagged("W", {}),
  Stale: tagged("X", {}),
  /** Somebody else is making the value anew. */
  AlreadyWon: tagged("Z", {})
}, { unknown: "keep" })

const meta = [
  request("MetaGet", {
    fields: { line: line({ verb: literal("mg"), key, flags: array(MetaGetFlag) }) },
    examples: seen("request", "mg-017", "mg k k Oabc\r\n", {
      key: "k",
      flags: [{ case: "ReturnKey" }, { case: "Opaque", opaque: "abc" }]
    })
  }),
  request("MetaSet", {
    fields: { line: line({ verb: literal("ms"), key, length: lengthOf(decimal(), "value"), flags: array(MetaSetFlag) }), ...block },
    examples: seen("request", "ms-023", "ms k 2 MP O1\r\nxy\r\n", {
      key: "k",
      value: { hex: "7879" },
      flags: [{ case: "Mode", mode: "Prepend" }, { case: "Opaque", opaque: "1" }]
    })
  }),
  request("MetaDelete", { fields: { line: line({ verb: literal("md"), key, flags: array(MetaDeleteFlag) }) } }),
  request("MetaArithmetic", { fields: { line: line({ verb: literal("ma"), key, flags: array(MetaArithmeticFlag) }) } }),
  request("MetaDebug", { fields: { line: line({ verb: literal("me"), key, flags: array(MetaDebugFlag) }) } }),
  /** A barrier: its answer comes after all others before it. */
  command("MetaNoop", "mn")
]

const answer = <const N extends string>(name: N, code: string, fields: Fields = {}) =>
  response(name, { fields: { line: line({ code: literal(code), ...fields }) } })

/** A code with text for people. */
const explained = <const N extends string>(name: N, code: string) =>
  response(name, { fields: { line: line({ code: literal(code), message }, { rest: true }) } })

/** A name and a value. */
const TextFact = struct("TextFact", { name: utf8({ min: 1, until: "=" }), value: utf8() })
const facts = array(TextFact)
const metaFlags = array(MetaAnswerFlag)

const classicAnswers = [
  response("Value", {
    fields: {
      line: line({ code: literal("VALUE"), key, flags: number, length: lengthOf(decimal(), "value"), cas: optional(big) }),
      ...block
    },
    examples: [
      ...seen("response", "get-003", "VALUE k 4294967295 1\r\nv\r\n", { key: "k", flags: 4294967295, value: { hex: "76" } }),
      ...seen("response", "get-019", "VALUE k 0 1 1\r\nv\r\n", { cas: "1" })
    ]
  }),
  answer("End", "END"),
  answer("Stored", "STORED"),
  answer("NotStored", "NOT_STORED"),
  answer("Exists", "EXISTS"),
  answer("NotFound", "NOT_FOUND"),
  answer("Deleted", "DELETED"),
  answer("Touched", "TOUCHED"),
  /** What `incr` and `decr` have made: the only answer that begins with no word. */
  response("NewNumber", {
    fields: { value: decimal({ bits: 64, until: "\r\n" }) },
    examples: seen("response", "arith-001", "15\r\n", { value: "15" })
  }),
  answer("Ok", "OK"),
  answer("Reset", "RESET"),
  explained("VersionText", "VERSION")
]

const administrationAnswers = [
  response("Statistic", { fields: { line: line({ code: literal("STAT"), name: utf8({ min: 1 }), value: utf8() }, { rest: true }) } }),
  response("PrefixStatistic", {
    fields: {
      line: line({
        code: literal("PREFIX"),
        prefix: utf8(),
        getWord: literal("get"),
        gets: big,
        hitWord: literal("hit"),
        hits: big,
        setWord: literal("set"),
        sets: big,
        delWord: literal("del"),
        deletes: big
      })
    }
  }),
  response("CachedItem", {
    fields: {
      code: literal("ITEM "),
      key: utf8({ until: " ", min: 1 }),
      open: literal("["),
      size: decimal({ until: " " }),
      unit: literal("b; "),
      expiration: decimal({ bits: 64, signed: true, until: " " }),
      close: literal("s]\r\n")
    }
  }),
  /** A line of `lru_crawler metadump`, which LF alone ends. */
  response("DumpedItem", {
    fields: { start: literal("key="), line: tokens(" ", { key: utf8({ min: 1 }), facts }, { until: "\n" }) }
  }),
  answer("DumpedKey", "mg", { key, base64: optional(literal("b")) }),
  /** A line of `watch`, which LF alone ends. */
  response("LogLine", { fields: { start: literal("ts="), line: tokens(" ", { time: word, facts }, { until: "\n" }) } }),
  response("LogSkipped", { fields: { start: literal("skipped="), lines: decimal({ bits: 64, until: "\n" }) } }),
  explained("Busy", "BUSY"),
  explained("BadClass", "BADCLASS"),
  explained("NoSpare", "NOSPARE"),
  explained("NotFull", "NOTFULL"),
  explained("Unsafe", "UNSAFE"),
  explained("Same", "SAME"),
  explained("NotStarted", "NOTSTARTED"),
  explained("MemoryLimitTooSmall", "MEMLIMIT_TOO_SMALL"),
  explained("MemoryLimitNotAdjusted", "MEMLIMIT_ADJUST_FAILED")
]

const metaAnswers = [
  answer("MetaDone", "HD", { flags: metaFlags }),
  response("MetaValue", {
    fields: { line: line({ code: literal("VA"), length: lengthOf(decimal(), "value"), flags: metaFlags }), ...block },
    examples: seen("response", "mg-031", "VA 3 s3 t-1 f9 kk Oq c1\r\nabc\r\n", {
      value: { hex: "616263" },
      flags: [
        { case: "Size", bytes: 3 },
        { case: "TimeToLive", seconds: -1 },
        { case: "ClientFlags", flags: 9 },
        { case: "Key", key: "k" },
        { case: "Opaque", opaque: "q" },
        { case: "Cas", cas: "1" }
      ]
    })
  }),
  answer("MetaMiss", "EN", { flags: metaFlags }),
  answer("MetaNotFound", "NF", { flags: metaFlags }),
  answer("MetaNotStored", "NS", { flags: metaFlags }),
  answer("MetaExists", "EX", { flags: metaFlags }),
  answer("MetaItem", "ME", { key, facts }),
  answer("MetaNoopDone", "MN")
]

const errors = [
  response("CommandError", {
    fields: { line: line({ code: literal("ERROR"), message: optional(message) }, { rest: true }) },
    examples: seen("response", "admin-059", "ERROR\r\n", {})
  }),
  explained("ClientError", "CLIENT_ERROR"),
  explained("ServerError", "SERVER_ERROR"),
  /** What `shutdown` is answered where it is not enabled; the second from 1.6.40 on. */
  explained("ErrorShutdown", "ERROR:"),
  explained("ServerErrorShutdown", "SERVER_ERROR:")
]

/** The memcached text protocol. */
export const memcachedText = protocol(textFrame, {
  name: "memcachedText",
  module: "@wirewright/memcached/text",
  commands: [
    ...classic,
    ...administration,
    ...meta,
    ...classicAnswers,
    ...administrationAnswers,
    ...metaAnswers,
    ...errors
  ]
})
