/** The meta commands of memcached's text protocol, whose flags are single letters, and their answers. */
import { array, choice, decimal, enumeration, lengthOf, literal, tagged, u8, utf8 } from "@wirewright/dsl"
import {
  answer,
  bare,
  big,
  block,
  by,
  command,
  each,
  facts,
  key,
  letters,
  line,
  number,
  request,
  response,
  seen,
  time
} from "./TextWords.ts"

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
  TimeToLive: tagged("t", { seconds: time }),
  // who asked is to make the value anew, or somebody else is at it already
  ...bare({ Won: "W", Stale: "X", AlreadyWon: "Z" })
}, { unknown: "keep" })

/*
 * `q` leaves out only the expected answer; any other still comes, and nothing in it says to which request. Quiet requests
 * therefore stand in one batch with the `mn` that ends it, and are no commands without an answer.
 */
export const meta = [
  request("MetaGet", {
    ...by("MetaValue", "MetaDone", "MetaMiss"),
    fields: { line: line({ verb: literal("mg"), key, flags: array(MetaGetFlag) }) },
    examples: seen("request", "mg-017", "mg k k Oabc\r\n", { key: "k", flags: [{ case: "ReturnKey" }, { case: "Opaque", opaque: "abc" }] })
  }),
  request("MetaSet", {
    ...by("MetaDone", "MetaNotStored", "MetaExists", "MetaNotFound"),
    fields: { line: line({ verb: literal("ms"), key, length: lengthOf(decimal(), "value"), flags: array(MetaSetFlag) }), ...block },
    examples: seen("request", "ms-023", "ms k 2 MP O1\r\nxy\r\n", {
      value: { hex: "7879" },
      flags: [{ case: "Mode", mode: "Prepend" }, { case: "Opaque", opaque: "1" }]
    })
  }),
  request("MetaDelete", {
    ...by("MetaDone", "MetaNotFound", "MetaExists"),
    fields: { line: line({ verb: literal("md"), key, flags: array(MetaDeleteFlag) }) }
  }),
  request("MetaArithmetic", {
    ...by("MetaDone", "MetaValue", "MetaNotFound", "MetaNotStored", "MetaExists"),
    fields: { line: line({ verb: literal("ma"), key, flags: array(MetaArithmeticFlag) }) }
  }),
  request("MetaDebug", {
    ...by("MetaItem", "MetaMiss"),
    fields: { line: line({ verb: literal("me"), key, flags: array(MetaDebugFlag) }) }
  }),
  /** A barrier: its answer comes after all others before it. */
  command("MetaNoop", "mn", by("MetaNoopDone"))
]

const metaFlags = array(MetaAnswerFlag)

export const metaAnswers = [
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
