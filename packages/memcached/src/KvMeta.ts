/**
 * The client's commands in the meta protocol. Source: memcached `doc/protocol.txt`, "Meta Commands", and 1.6.18.
 *
 * Keys with spaces or control characters are sent in base64 (`b`), in which 186 bytes fit; they are the same items that the binary protocol
 * reaches by the key itself.
 */
import { unencodable, type Writer } from "@wirewright/codec"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { base64 } from "./Base64Key.ts"
import { Status } from "./gen/index.ts"
import * as Calls from "./KvCalls.ts"
import { DoneAnswer, FoundAnswer, plain } from "./MetaAnswers.ts"
import { isPlain, keyedBlock, keyedLine, line, shared, statusOf, told } from "./KvWords.ts"
import { doNotCreate } from "./MemcachedHandlers.ts"
import * as Text from "./text/index.ts"

const isBase64 = { _tag: "KeyIsBase64" } as const
const returnCas = { _tag: "ReturnCas" } as const
const returnFlags = { _tag: "ReturnFlags" } as const
const returnValue = { _tag: "ReturnValue" } as const
const quiet = { _tag: "Quiet" } as const

const reading: ReadonlyArray<Text.MetaGetFlag> = [returnCas, returnFlags, returnValue]
const storing: ReadonlyArray<Text.MetaSetFlag> = [returnCas]

/** Adds to the flags that they belong to a key in base64. */
const encoded = <F>(flags: ReadonlyArray<F>): ReadonlyArray<F | typeof isBase64> => [isBase64, ...flags]

const none: Exit.Exit<Option.Option<never>> = Exit.succeed(Option.none())
const noFlags: ReadonlyArray<never> = []

/** The CAS that an answer tells; 0 when it tells none. */
const casOf = (answer: Text.MetaDone | Text.MetaValue): bigint => {
  if (answer instanceof DoneAnswer) return answer.cas
  const { flags } = answer
  for (const flag of flags) if (flag._tag === "Cas") return flag.cas
  return 0n
}

/** A document that an answer tells of. */
export const documentOf = (answer: Text.MetaValue): Calls.Document => {
  if (answer instanceof FoundAnswer) return answer.document
  const { flags, value } = answer
  let cas = 0n
  let own = 0
  for (const flag of flags) {
    if (flag._tag === "Cas") cas = flag.cas
    else if (flag._tag === "ClientFlags") own = flag.flags
  }
  return { value, flags: own, cas }
}

/** Reads without further flags, of most keys. */
const encodeMostReads = keyedLine((writer, key) => Text.encodeMetaGet(writer, { key, flags: reading }))

const encodeRead = (writer: Writer, key: string, flags: ReadonlyArray<Text.MetaGetFlag>): void =>
  isPlain(key)
    ? Text.encodeMetaGet(writer, { key, flags })
    : Text.encodeMetaGet(writer, { key: base64(key), flags: encoded(flags) })

/** A command that reads one document. */
const read = (
  operation: string,
  writes: boolean,
  flagsOf: (packet: Pick<Calls.KvPacket<unknown>, "expiration">) => ReadonlyArray<Text.MetaGetFlag>
) =>
  line<Option.Option<Calls.Document>>(
    operation,
    writes,
    Text.MetaGet.answers!,
    (writer, packet) => {
      const flags = flagsOf(packet)
      if (flags !== reading || !encodeMostReads(writer, packet.key)) encodeRead(writer, packet.key, flags)
    },
    (answer) => answer._tag === "MetaValue" ? Exit.succeed(Option.some(documentOf(answer))) : answer._tag === "MetaMiss" ? none : undefined
  )

const modes = {
  set: undefined,
  add: { _tag: "Mode", mode: Text.MetaSetMode.Add },
  replace: { _tag: "Mode", mode: Text.MetaSetMode.Replace },
  append: { _tag: "Mode", mode: Text.MetaSetMode.Append },
  prepend: { _tag: "Mode", mode: Text.MetaSetMode.Prepend }
} as const

/** What it means that something is not stored, or not there: what the binary protocol says then. */
const refusals = {
  set: { MetaNotStored: Status.NotStored, MetaNotFound: Status.KeyEnoent },
  add: { MetaNotStored: Status.KeyEexists, MetaNotFound: Status.KeyEnoent },
  replace: { MetaNotStored: Status.KeyEnoent, MetaNotFound: Status.KeyEnoent },
  append: { MetaNotStored: Status.NotStored, MetaNotFound: Status.NotStored },
  prepend: { MetaNotStored: Status.NotStored, MetaNotFound: Status.NotStored }
}

const store = (operation: keyof typeof modes): Calls.KvCall<Calls.Mutation> => {
  const mode = modes[operation]
  const always: ReadonlyArray<Text.MetaSetFlag> = mode === undefined ? storing : [mode, ...storing]
  const flagsOf = ({ cas, expiration, flags }: Calls.KvPacket<Calls.Mutation>): ReadonlyArray<Text.MetaSetFlag> => {
    if (cas === 0n && expiration === 0 && flags === 0) return always
    const all = [...always]
    if (cas !== 0n) all.push({ _tag: "CompareCas", cas })
    if (expiration !== 0) all.push({ _tag: "TimeToLive", seconds: expiration })
    if (flags !== 0) all.push({ _tag: "ClientFlags", flags })
    return all
  }
  const encodeMost = keyedBlock((writer, key, value) => Text.encodeMetaSet(writer, { key, value, flags: always }))
  return line<Calls.Mutation>(
    operation,
    true,
    Text.MetaSet.answers!,
    (writer, packet) => {
      const { key, value } = packet
      const flags = flagsOf(packet)
      if (flags === always && encodeMost(writer, key, value)) return
      if (isPlain(key)) Text.encodeMetaSet(writer, { key, value, flags })
      else Text.encodeMetaSet(writer, { key: base64(key), value, flags: encoded(flags) })
    },
    (answer, packet) => {
      switch (answer._tag) {
        case "MetaDone":
          return Exit.succeed({ cas: casOf(answer) })
        case "MetaExists":
          return Calls.refused(told(Status.KeyEexists), packet)
        case "MetaNotStored":
        case "MetaNotFound":
          return Calls.refused(told(refusals[operation][answer._tag]), packet)
        default:
          return undefined
      }
    }
  )
}

const remove = line<boolean>(
  "remove",
  true,
  Text.MetaDelete.answers!,
  (writer, { cas, key }) => {
    const flags: ReadonlyArray<Text.MetaDeleteFlag> = cas === 0n ? noFlags : [{ _tag: "CompareCas", cas }]
    if (isPlain(key)) Text.encodeMetaDelete(writer, { key, flags })
    else Text.encodeMetaDelete(writer, { key: base64(key), flags: encoded(flags) })
  },
  (answer, packet) => {
    if (answer._tag === "MetaExists") return Calls.refused(told(Status.KeyEexists), packet)
    return answer._tag === "MetaDone" || answer._tag === "MetaNotFound" ? Exit.succeed(answer._tag === "MetaDone") : undefined
  }
)

const touch = line<boolean>(
  "touch",
  true,
  Text.MetaGet.answers!,
  (writer, { expiration, key }) => encodeRead(writer, key, [{ _tag: "TimeToLive", seconds: expiration }]),
  ({ _tag }) => _tag === "MetaDone" || _tag === "MetaMiss" ? Exit.succeed(_tag === "MetaDone") : undefined
)

const count = (operation: "increment" | "decrement") => {
  const mode = operation === "increment" ? Text.MetaArithmeticMode.Increment : Text.MetaArithmeticMode.Decrement
  const always: ReadonlyArray<Text.MetaArithmeticFlag> = [{ _tag: "Mode", mode }, returnCas, returnValue]
  return Calls.makeCall<Calls.Counter, Calls.CountPacket, Text.Response>({
    operation,
    writes: true,
    answers: Text.MetaArithmetic.answers,
    encode: (writer, { delta, expiration, initial, key }) => {
      const flags: Array<Text.MetaArithmeticFlag> = [...always, { _tag: "Delta", delta }]
      if (expiration !== doNotCreate) flags.push({ _tag: "Vivify", seconds: expiration }, { _tag: "Initial", value: initial })
      if (isPlain(key)) Text.encodeMetaArithmetic(writer, { key, flags })
      else Text.encodeMetaArithmetic(writer, { key: base64(key), flags: encoded(flags) })
    },
    interpret: (answer, packet) => {
      switch (answer._tag) {
        case "MetaValue":
          return Exit.succeed({ value: BigInt(String.fromCharCode(...answer.value).trim()), cas: casOf(answer) })
        case "MetaNotFound":
          return Calls.refused(told(Status.KeyEnoent), packet)
        case "MetaNotStored":
          return Calls.refused(told(Status.NotStored), packet)
        case "MetaExists":
          return Calls.refused(told(Status.KeyEexists), packet)
        default:
          return Calls.refused(statusOf(answer), packet)
      }
    }
  })
}

/**
 * Quiet gets, each with its place among the keys as its opaque, and a barrier. Misses are silent; the first refusal is the outcome, once the
 * barrier is answered.
 */
const getMany = Calls.makeCall<ReadonlyMap<string, Calls.Document>, Calls.ManyPacket, Text.Response>({
  operation: "getMany",
  writes: false,
  answers: [...Text.MetaGet.answers!, ...Text.MetaNoop.answers!],
  ends: ({ _tag }) => _tag === "MetaNoopDone",
  encode: (writer, { keys }) => {
    const mark = writer.length
    try {
      keys.forEach((key, place) => encodeRead(writer, key, [...reading, quiet, { _tag: "Opaque", opaque: String(place) }]))
      Text.encodeMetaNoop(writer, {})
    } catch (error) {
      writer.truncate(mark)
      throw error
    }
  },
  interpret: (answer, packet) => {
    if (answer._tag === "MetaNoopDone") return packet.settled()
    if (answer._tag === "MetaValue") {
      for (const flag of answer.flags) {
        if (flag._tag === "Opaque") packet.found.set(packet.keys[Number(flag.opaque)]!, documentOf(answer))
      }
    } else packet.refused(statusOf(answer))
    return undefined
  }
})

/** A command whose flags are the caller's, and whose answer is handed on. */
const low = <A extends Text.Response>(
  operation: string,
  writes: boolean,
  command: { readonly answers?: ReadonlyArray<string>; readonly encode: (writer: Writer, packet: never, states: void) => void }
) => {
  const answers = command.answers!
  const outcomes = new Set(answers.filter((tag) => !tag.endsWith("Error")))
  return Calls.makeCall<A, Calls.MetaPacket<A>, Text.Response>({
    operation,
    writes,
    answers,
    encode: (writer, { request }) => {
      if (request.flags.some(({ _tag }) => _tag === "Quiet")) {
        unencodable("Range", "", "flags", "no flag q: an answer that does not come cannot be waited for", "q")
      }
      command.encode(writer, request as never)
    },
    interpret: (answer, packet) => outcomes.has(answer._tag) ? Exit.succeed(plain(answer) as A) : Calls.refused(statusOf(answer), packet)
  })
}

/** The table. */
export const metaCalls: Calls.KvCalls = {
  protocol: "meta",
  get: read("get", false, () => reading),
  getAndTouch: read("getAndTouch", true, ({ expiration }) => [...reading, { _tag: "TimeToLive", seconds: expiration }]),
  getMany,
  set: store("set"),
  add: store("add"),
  replace: store("replace"),
  append: store("append"),
  prepend: store("prepend"),
  remove,
  touch,
  increment: count("increment"),
  decrement: count("decrement"),
  noop: line<void>(
    "noop",
    false,
    Text.MetaNoop.answers!,
    (writer) => Text.encodeMetaNoop(writer, {}),
    ({ _tag }) => _tag === "MetaNoopDone" ? Exit.void : undefined
  ),
  ...shared,
  metaGet: low("metaGet", true, Text.MetaGet),
  metaSet: low("metaSet", true, Text.MetaSet),
  metaDelete: low("metaDelete", true, Text.MetaDelete),
  metaArithmetic: low("metaArithmetic", true, Text.MetaArithmetic),
  metaDebug: low("metaDebug", false, Text.MetaDebug)
}
