/**
 * The client's commands in the text protocol. Source: memcached `doc/protocol.txt`, and 1.6.18.
 *
 * It has no word for some of what the others say. A counter that is made when it is missing takes two steps, each of which is safe: `incr`
 * that finds nothing, then `add`, and `incr` again when somebody was faster. A CAS for what is no store is `NotInProtocol`.
 */
import { textLength, type Writer } from "@wirewright/codec"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { Status } from "./gen/index.ts"
import * as Calls from "./KvCalls.ts"
import type { MemcachedError } from "./KvError.ts"
import { checkPlain, line, shared, statusOf, told } from "./KvWords.ts"
import { doNotCreate } from "./MemcachedHandlers.ts"
import * as Text from "./text/index.ts"

const none: Exit.Exit<Option.Option<never>> = Exit.succeed(Option.none())
/** So many bytes of a line all servers take, however they arrive. */
const longestLine = 2_048
/** A counter that others create and remove all the time is given up after so many steps. */
const mostSteps = 16

const documentOf = ({ cas = 0n, flags, value }: Text.Value): Calls.Document => ({ value, flags, cas })

/** A command that reads one document: a value or not, then the end. */
const read = (
  operation: string,
  writes: boolean,
  { answers, encode }: {
    readonly answers?: ReadonlyArray<string>
    readonly encode: (writer: Writer, packet: { readonly expiration: number; readonly keys: ReadonlyArray<string> }) => void
  }
) =>
  Calls.makeCall<Option.Option<Calls.Document>, Calls.KvPacket<Option.Option<Calls.Document>>, Text.Response>({
    operation,
    writes,
    answers,
    ends: ({ _tag }) => _tag !== "Value",
    encode: (writer, { expiration, key }) => encode(writer, { expiration, keys: [checkPlain(key)] }),
    interpret: (answer, packet) => {
      if (answer._tag === "Value") {
        packet.document = documentOf(answer)
        return undefined
      }
      if (answer._tag !== "End") return Calls.refused(statusOf(answer), packet)
      return packet.document === undefined ? none : Exit.succeed(Option.some(packet.document))
    }
  })

type Stored = {
  readonly key: string
  readonly value: Uint8Array
  readonly flags: number
  readonly expiration: number
  readonly noreply: boolean
}

/** What it means that something is not stored: what the binary protocol says then. */
const notStored = {
  set: Status.NotStored,
  add: Status.KeyEexists,
  replace: Status.KeyEnoent,
  append: Status.NotStored,
  prepend: Status.NotStored
}

const store = (
  operation: keyof typeof notStored,
  encode: (writer: Writer, packet: Stored) => void,
  compares: boolean
): Calls.KvCall<Calls.Mutation> =>
  line<Calls.Mutation>(
    operation,
    true,
    Text.CompareAndSet.answers!,
    (writer, { cas, expiration, flags, key, value }) => {
      const stored = { key: checkPlain(key), value, flags, expiration, noreply: false }
      if (cas === 0n) encode(writer, stored)
      else if (compares) Text.encodeCompareAndSet(writer, { ...stored, cas })
      else Calls.unspoken("text", `${operation} with a CAS`)
    },
    (answer, packet) => {
      switch (answer._tag) {
        case "Stored":
          return Exit.succeed({ cas: 0n })
        case "NotStored":
          return Calls.refused(told(notStored[operation]), packet)
        case "Exists":
          return Calls.refused(told(Status.KeyEexists), packet)
        case "NotFound":
          return Calls.refused(told(Status.KeyEnoent), packet)
        default:
          return undefined
      }
    }
  )

const remove = line<boolean>(
  "remove",
  true,
  Text.Delete.answers!,
  (writer, { cas, key }) =>
    cas === 0n
      ? Text.encodeDelete(writer, { key: checkPlain(key), zero: false, noreply: false })
      : Calls.unspoken("text", "remove with a CAS"),
  ({ _tag }) => _tag === "Deleted" || _tag === "NotFound" ? Exit.succeed(_tag === "Deleted") : undefined
)

const touch = line<boolean>(
  "touch",
  true,
  Text.Touch.answers!,
  (writer, { expiration, key }) => Text.encodeTouch(writer, { key: checkPlain(key), expiration, noreply: false }),
  ({ _tag }) => _tag === "Touched" || _tag === "NotFound" ? Exit.succeed(_tag === "Touched") : undefined
)

type Operation = "increment" | "decrement"

/** The next step of a counter that is made when it is missing; on whichever connection, of whichever protocol. */
const step = (operation: Operation, packet: Calls.CountPacket, creates: boolean): Effect.Effect<Calls.Counter, MemcachedError> =>
  packet.pool.perform((resume, calls) => {
    const call = calls === textCalls && creates ? create[operation] : calls[operation]
    const { delta, expiration, initial, key, pool, steps, wait } = packet
    return new Calls.CountPacket(pool, call, resume, key, delta, initial, expiration, wait, steps + 1)
  }, packet.wait)

const count = (operation: Operation): Calls.KvCall<Calls.Counter, Calls.CountPacket> =>
  Calls.makeCall<Calls.Counter, Calls.CountPacket, Text.Response>({
    operation,
    writes: true,
    answers: Text.Increment.answers,
    encode: (writer, { delta, key }) => {
      const encode = operation === "increment" ? Text.encodeIncrement : Text.encodeDecrement
      encode(writer, { key: checkPlain(key), delta, noreply: false })
    },
    interpret: (answer, packet) => {
      if (answer._tag === "NewNumber") return Exit.succeed({ value: answer.value, cas: 0n })
      if (answer._tag !== "NotFound") return Calls.refused(statusOf(answer), packet)
      return packet.expiration === doNotCreate || packet.steps >= mostSteps
        ? Calls.refused(told(Status.KeyEnoent), packet)
        : step(operation, packet, true)
    }
  })

/** Stores the initial value of a counter that was not there. */
const creating = (operation: Operation): Calls.KvCall<Calls.Counter, Calls.CountPacket> =>
  Calls.makeCall<Calls.Counter, Calls.CountPacket, Text.Response>({
    operation,
    writes: true,
    answers: Text.Add.answers,
    encode: (writer, { expiration, initial, key }) =>
      Text.encodeAdd(writer, { key, flags: 0, expiration, noreply: false, value: new TextEncoder().encode(String(initial)) }),
    interpret: (answer, packet) => {
      if (answer._tag === "Stored") return Exit.succeed({ value: packet.initial, cas: 0n })
      return answer._tag === "NotStored" ? step(operation, packet, false) : Calls.refused(statusOf(answer), packet)
    }
  })

const create = { increment: creating("increment"), decrement: creating("decrement") }

/** Keys in lines that all servers take. */
export const linesOf = (keys: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const lines: Array<Array<string>> = []
  let length = Infinity
  for (const key of keys) {
    const own = 1 + textLength(key)
    if (length + own > longestLine) {
      lines.push([])
      length = "gets\r\n".length
    }
    lines.at(-1)!.push(key)
    length += own
  }
  return lines
}

/** Lines with many keys. The first refusal is the outcome, once all are answered. */
const getMany = Calls.makeCall<ReadonlyMap<string, Calls.Document>, Calls.ManyPacket, Text.Response>({
  operation: "getMany",
  writes: false,
  answers: Text.Gets.answers,
  ends: ({ _tag }) => _tag !== "Value",
  encode: (writer, packet) => {
    const mark = writer.length
    try {
      const lines = linesOf(packet.keys.map(checkPlain))
      packet.lines = lines.length
      for (const keys of lines) Text.encodeGets(writer, { keys })
    } catch (error) {
      writer.truncate(mark)
      throw error
    }
  },
  interpret: (answer, packet) => {
    if (answer._tag === "Value") {
      packet.found.set(answer.key, documentOf(answer))
      return undefined
    }
    if (answer._tag !== "End") packet.refused(statusOf(answer))
    return packet.lines <= 0 ? packet.settled() : undefined
  }
})

/** The table. */
export const textCalls: Calls.KvCalls = {
  protocol: "text",
  get: read("get", false, Text.Gets),
  getAndTouch: read("getAndTouch", true, Text.GetsAndTouch),
  getMany,
  set: store("set", Text.encodeSet, true),
  add: store("add", Text.encodeAdd, false),
  // `cas` finds nothing where there is nothing, as `replace` does
  replace: store("replace", Text.encodeReplace, true),
  append: store("append", Text.encodeAppend, false),
  prepend: store("prepend", Text.encodePrepend, false),
  remove,
  touch,
  increment: count("increment"),
  decrement: count("decrement"),
  // it has no command for it
  noop: line<void>(
    "noop",
    false,
    Text.Version.answers!,
    (writer) => Text.encodeVersion(writer, {}),
    ({ _tag }) => _tag === "VersionText" ? Exit.void : undefined
  ),
  ...shared,
  ...Calls.withoutMeta("text")
}
