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
import { type Fields, frame, packetsOf, protocol, struct } from "@wirewright/dsl"
import { array, ascii, bytes, choice, decimal, enumeration, lengthOf, literal, optional, tagged, tokens, u8, utf8 } from "@wirewright/dsl"

/** Lines, some with a data block after them. */
export const textFrame = frame("memcached text", {
  sections: ["content"],
  kinds: { request: { headers: [], sender: "client" }, response: { headers: [], sender: "server" } }
})

const [request, response] = [packetsOf(textFrame, "request"), packetsOf(textFrame, "response")]

const hexOf = (text: string): string => [...text].map((one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("")

/** A packet as memcached 1.6.18 was seen to read or send it; `vector` names the conversation in test/fixtures/memcached-text.json. */
const seen = (kind: "request" | "response", vector: string, text: string, fields: { readonly [name: string]: unknown }) => [
  { kind, origin: `memcached 1.6.18, vector ${vector}`, hex: hexOf(text), fields }
]

/** Values that are letters. */
const letters = (values: { readonly [name: string]: string }) =>
  Object.fromEntries(Object.entries(values).map(([name, letter]) => [name, letter.charCodeAt(0)]))

/** Flags without an argument, by their letters. */
const bare = (flags: { readonly [name: string]: string }) =>
  Object.fromEntries(Object.entries(flags).map(([name, letter]) => [name, tagged(letter, {})]))

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

const store = <const N extends string>(name: N, verb: string, examples: ReturnType<typeof seen> = []) =>
  request(name, { fields: { line: line({ verb: literal(verb), ...stored, noreply }), ...block }, examples })

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
  store("Set", "set", setExamples),
  ...Object.entries({ Add: "add", Replace: "replace", Append: "append", Prepend: "prepend" }).map(([name, verb]) => store(name, verb)),
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
  command("LruTemporary", "lru", { temporary: literal("temp_ttl"), seconds: decimal({ signed: true }) }),
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
  ...bare({ KeyIsBase64: "b", ReturnKey: "k" }),
  /** Comes back, whatever the answer is. */
  Opaque: tagged("O", { opaque }),
  /** The expected answer is left out. */
  Quiet: tagged("q", {}),
  /** For proxies; memcached ignores it. */
  ProxyPath: tagged("P", { text: utf8() }),
  ProxyLabel: tagged("L", { text: utf8() }),
  CompareCas: tagged("C", { cas: big }),
  TimeToLive: tagged("T", { seconds: time }),
  /** The CAS that the item is given, from 1.6.27 on. */
  NewCas: tagged("E", { cas: big })
}
/** A flag of `mg`. */
const MetaGetFlag = choice("MetaGetFlag", u8, {
  ...common,
  ...bare({ ReturnCas: "c", ReturnFlags: "f", ReturnHit: "h", ReturnLastAccess: "l", ReturnSize: "s", ReturnTimeToLive: "t" }),
  ...bare({ ReturnValue: "v", NoBump: "u" }),
  /** A miss makes an empty item, and who asked has won. */
  Vivify: tagged("N", { seconds: time }),
  /** Who asks has won when less time than this is left. */
  Recache: tagged("R", { seconds: time })
}, { unknown: "keep" })

/** What `ms` does with an item that is there or not. */
const MetaSetMode = enumeration("MetaSetMode", u8, letters({ Add: "E", Append: "A", Prepend: "P", Replace: "R", Set: "S" }))

/** A flag of `ms`. */
const MetaSetFlag = choice("MetaSetFlag", u8, {
  ...common,
  ...bare({ ReturnCas: "c", Invalidate: "I" }),
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
  ...bare({ Invalidate: "I" }),
  /** Drops the value and keeps the item, from 1.6.27 on. */
  DropValue: tagged("x", {})
}, { unknown: "keep" })

/** Whether `ma` adds or subtracts. */
const MetaArithmeticMode = enumeration("MetaArithmeticMode", u8, letters({ Increment: "I", Plus: "+", Decrement: "D", Minus: "-" }))

/** A flag of `ma`. */
const MetaArithmeticFlag = choice("MetaArithmeticFlag", u8, {
  ...common,
  ...bare({ ReturnCas: "c" }),
  Delta: tagged("D", { delta: big }),
  Initial: tagged("J", { value: big }),
  Vivify: tagged("N", { seconds: time }),
  Mode: tagged("M", { mode: MetaArithmeticMode }),
  ...bare({ ReturnTimeToLive: "t", ReturnValue: "v" })
}, { unknown: "keep" })

/** A flag of `me`. */
const MetaDebugFlag = choice("MetaDebugFlag", u8, bare({ KeyIsBase64: "b" }), { unknown: "keep" })

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
  TimeToLive: tagged("t", { seconds: decimal({ signed: true }) }),
  // who asked is to make the value anew, or somebody else is at it already
  ...bare({ Won: "W", Stale: "X", AlreadyWon: "Z" })
}, { unknown: "keep" })

const meta = [
  request("MetaGet", {
    fields: { line: line({ verb: literal("mg"), key, flags: array(MetaGetFlag) }) },
    examples: seen("request", "mg-017", "mg k k Oabc\r\n", { key: "k", flags: [{ case: "ReturnKey" }, { case: "Opaque", opaque: "abc" }] })
  }),
  request("MetaSet", {
    fields: { line: line({ verb: literal("ms"), key, length: lengthOf(decimal(), "value"), flags: array(MetaSetFlag) }), ...block },
    examples: seen("request", "ms-023", "ms k 2 MP O1\r\nxy\r\n", {
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
  response(name, { fields: { line: line({ code: literal(code), message: utf8() }, { rest: true }) } })

/** Several of them, by name. */
const each = <A>(codes: { readonly [name: string]: string }, make: (name: string, code: string) => A): ReadonlyArray<A> =>
  Object.entries(codes).map(([name, code]) => make(name, code))

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
  ...each({ End: "END", Stored: "STORED", NotStored: "NOT_STORED", Exists: "EXISTS", NotFound: "NOT_FOUND", Deleted: "DELETED" }, answer),
  ...each({ Touched: "TOUCHED", Ok: "OK", Reset: "RESET" }, answer),
  /** What `incr` and `decr` have made: the only answer that begins with no word. */
  response("NewNumber", {
    fields: { value: decimal({ bits: 64, until: "\r\n" }) },
    examples: seen("response", "arith-001", "15\r\n", { value: "15" })
  }),
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
  ...each({ Busy: "BUSY", BadClass: "BADCLASS", NoSpare: "NOSPARE", NotFull: "NOTFULL", Unsafe: "UNSAFE", Same: "SAME" }, explained),
  explained("NotStarted", "NOTSTARTED"),
  ...each({ MemoryLimitTooSmall: "MEMLIMIT_TOO_SMALL", MemoryLimitNotAdjusted: "MEMLIMIT_ADJUST_FAILED" }, explained)
]

const metaAnswers = [
  answer("MetaDone", "HD", { flags: metaFlags }),
  response("MetaValue", {
    fields: { line: line({ code: literal("VA"), length: lengthOf(decimal(), "value"), flags: metaFlags }), ...block },
    examples: seen("response", "mg-031", "VA 3 s3 t-1 f9 kk Oq c1\r\nabc\r\n", { value: { hex: "616263" } })
  }),
  ...each(
    { MetaMiss: "EN", MetaNotFound: "NF", MetaNotStored: "NS", MetaExists: "EX" },
    (name, code) => answer(name, code, { flags: metaFlags })
  ),
  answer("MetaItem", "ME", { key, facts }),
  answer("MetaNoopDone", "MN")
]

const errors = [
  response("CommandError", {
    fields: { line: line({ code: literal("ERROR"), message: optional(utf8()) }, { rest: true }) },
    examples: seen("response", "admin-059", "ERROR\r\n", {})
  }),
  // with a colon where `shutdown` is not enabled
  ...each({
    ClientError: "CLIENT_ERROR",
    ServerError: "SERVER_ERROR",
    ErrorShutdown: "ERROR:",
    ServerErrorShutdown: "SERVER_ERROR:"
  }, explained)
]

/** The memcached text protocol. */
export const memcachedText = protocol(textFrame, {
  name: "memcachedText",
  module: "@wirewright/memcached/text",
  commands: [...classic, ...administration, ...meta, ...classicAnswers, ...administrationAnswers, ...metaAnswers, ...errors]
})
