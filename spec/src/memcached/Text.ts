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
import { array, decimal, lengthOf, literal, optional, protocol, tokens, utf8 } from "@wirewright/dsl"
import { meta, metaAnswers } from "./TextMeta.ts"
import { type Answers, answer, big, block, by, command, each, explained, facts, key, line, many, noreply, number } from "./TextWords.ts"
import { refusals, request, response, seen, textFrame, time, unlessNoreply, word } from "./TextWords.ts"

export { textFrame } from "./TextWords.ts"

const stored = {
  key,
  /** Of no meaning to the server, returned as they were stored. */
  flags: number,
  expiration: time,
  length: lengthOf(decimal(), "value")
}

const store = <const N extends string>(name: N, verb: string, examples: ReturnType<typeof seen> = []) =>
  request(name, {
    ...unlessNoreply("Stored", "NotStored"),
    fields: { line: line({ verb: literal(verb), ...stored, noreply }), ...block },
    examples
  })

const setExamples = [
  ...seen("request", "store-001", "set k 5 0 2\r\nxy\r\n", { key: "k", flags: 5, expiration: 0, value: { hex: "7879" }, noreply: false }),
  ...seen("request", "store-003", "set k 5 0 2 noreply\r\nxy\r\n", { key: "k", noreply: true })
]

const keys = array(key, { min: 1 })

const values = many("Value", "End")

const classic = [
  command("Get", "get", values, { keys }),
  /** Answers carry the CAS. */
  command("Gets", "gets", values, { keys }),
  /** Sets the expiration of what it finds. */
  command("GetAndTouch", "gat", values, { expiration: time, keys }),
  command("GetsAndTouch", "gats", values, { expiration: time, keys }),
  store("Set", "set", setExamples),
  ...Object.entries({ Add: "add", Replace: "replace", Append: "append", Prepend: "prepend" }).map(([name, verb]) => store(name, verb)),
  request("CompareAndSet", {
    ...unlessNoreply("Stored", "Exists", "NotFound", "NotStored"),
    fields: { line: line({ verb: literal("cas"), ...stored, cas: big, noreply }), ...block },
    examples: seen("request", "cas-009", "cas k 0 0 1 18446744073709551615\r\nw\r\n", { key: "k", cas: "18446744073709551615" })
  }),
  command("Delete", "delete", unlessNoreply("Deleted", "NotFound"), { key, zero: optional(literal("0")), noreply }),
  command("Increment", "incr", unlessNoreply("NewNumber", "NotFound"), { key, delta: big, noreply }),
  command("Decrement", "decr", unlessNoreply("NewNumber", "NotFound"), { key, delta: big, noreply }),
  command("Touch", "touch", unlessNoreply("Touched", "NotFound"), { key, expiration: time, noreply })
]

/** Nothing that is matched to it. */
const silent: Answers = {}
const done = by("Ok")
const crawlerErrors = ["Busy", "BadClass", "NotStarted"]
const crawled = by("Ok", ...crawlerErrors)
/** Items after an `OK` that not all versions send. */
const dumped = (item: string): Answers => ({
  ...many(item, "End", ...crawlerErrors),
  answeredBy: [item, "Ok", "End", ...crawlerErrors, ...refusals]
})

const cacheClass = decimal({ signed: true })

const administration = [
  command("FlushAll", "flush_all", unlessNoreply("Ok"), { delay: optional(time), noreply }),
  command("Version", "version", by("VersionText")),
  command("Verbosity", "verbosity", unlessNoreply("Ok"), { level: number, noreply }),
  /** The server closes the connection. */
  command("Quit", "quit", silent),
  /** The server ends; one that is not allowed to says so. */
  command("Shutdown", "shutdown", silent, { graceful: optional(literal("graceful")) }),
  command("Statistics", "stats", many("Statistic", "End", "Reset"), { group: optional(utf8({ max: 250 })) }),
  command("StatisticsDetail", "stats", many("PrefixStatistic", "End", "Ok"), { detail: literal("detail"), what: word }),
  command("StatisticsCachedump", "stats", many("CachedItem", "End"), { cachedump: literal("cachedump"), slabClass: number, limit: number }),
  command("CacheMemoryLimit", "cache_memlimit", unlessNoreply("Ok", "MemoryLimitTooSmall", "MemoryLimitNotAdjusted"), {
    megabytes: number,
    noreply
  }),
  command("SlabsReassign", "slabs", by("Ok", "Busy", "BadClass", "NoSpare", "NotFull", "Unsafe", "Same"), {
    reassign: literal("reassign"),
    from: cacheClass,
    to: cacheClass
  }),
  command("SlabsAutomove", "slabs", done, { automove: literal("automove"), setting: word, value: optional(word) }),
  command("LruTune", "lru", done, { tune: literal("tune"), hotPercent: number, warmPercent: number, hotFactor: word, warmFactor: word }),
  command("LruMode", "lru", done, { mode: literal("mode"), name: word }),
  command("LruTemporary", "lru", done, { temporary: literal("temp_ttl"), seconds: decimal({ signed: true }) }),
  command("CrawlerEnable", "lru_crawler", crawled, { enable: literal("enable") }),
  command("CrawlerDisable", "lru_crawler", crawled, { disable: literal("disable") }),
  command("CrawlerSleep", "lru_crawler", crawled, { sleep: literal("sleep"), microseconds: number }),
  command("CrawlerLimit", "lru_crawler", crawled, { tocrawl: literal("tocrawl"), items: number }),
  command("Crawl", "lru_crawler", crawled, { crawl: literal("crawl"), classes: word }),
  /** From 1.6.19 on, `OK` comes before the first item. */
  command("MetadataDump", "lru_crawler", dumped("DumpedItem"), { metadump: literal("metadump"), classes: word }),
  command("MetaGetDump", "lru_crawler", dumped("DumpedKey"), { mgdump: literal("mgdump"), classes: word }),
  /** Lines come unasked from then on. */
  command("Watch", "watch", done, { streams: array(word) }),
  command("Extstore", "extstore", done, { setting: word, values: array(word, { min: 1, max: 2 }) }),
  command("RefreshCertificates", "refresh_certs", done)
]

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

const errors = [
  response("CommandError", {
    // a server with too many connections sends it unasked and closes
    unasked: true,
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
