/**
 * What the text and the meta protocol have in common for a client: keys, errors, and the commands that only the text protocol has.
 *
 * Errors are words there; they become the statuses that the binary protocol has for the same things, so that a client's errors are the same in
 * all of them. Source of the words: memcached 1.6.18 `proto_text.c`.
 */
import { decimalSize, decodeText, encodeWith, unencodable, writeDecimal, type Writer } from "@wirewright/codec"
import * as Exit from "effect/Exit"
import { Status } from "./gen/index.ts"
import * as Calls from "./KvCalls.ts"
import type { StatusAnswer } from "./KvError.ts"
import { noPlace } from "./StatusText.ts"
import * as Text from "./text/index.ts"

const encoder = new TextEncoder()

/** Errors by how their text begins. */
const clientErrors: ReadonlyArray<readonly [begin: string, status: number]> = [
  ["cannot increment or decrement", Status.DeltaBadval],
  ["unauthenticated", Status.AuthError],
  ["authentication failure", Status.AuthError],
  ["bad authentication", Status.AuthError],
  ["auth token too long", Status.AuthError]
]
const serverErrors: ReadonlyArray<readonly [begin: string, status: number]> = [
  ["object too large", Status.E2big],
  ["out of memory", Status.Enomem],
  ["Out of memory", Status.Enomem]
]

const commandErrors: ReadonlyArray<readonly [begin: string, status: number]> = [
  // said to whom there is no place for, whatever was asked
  [noPlace, Status.Ebusy]
]

const find = (table: typeof clientErrors, message: string, otherwise: number): number =>
  table.find(([begin]) => message.startsWith(begin))?.[1] ?? otherwise

/** The status that an answer stands for which is none of those a command has. */
export const statusOf = (answer: Text.Response): StatusAnswer => {
  switch (answer._tag) {
    case "ClientError":
      return { status: find(clientErrors, answer.message, Status.Einval), value: encoder.encode(answer.message) }
    case "ServerError":
      return { status: find(serverErrors, answer.message, Status.Einternal), value: encoder.encode(answer.message) }
    case "CommandError":
      return {
        status: find(commandErrors, answer.message ?? "", Status.UnknownCommand),
        value: encoder.encode(answer.message ?? "")
      }
    default:
      return { status: Status.Einternal, value: encoder.encode(answer._tag) }
  }
}

/** A status that is told by a word. */
export const told = (status: number): StatusAnswer => ({ status })

const space = " ".charCodeAt(0)
const del = "\u007f".charCodeAt(0)

/** Whether a key can stand in a line as it is: it has no space and no control character. */
export const isPlain = (key: string): boolean => {
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i)
    if (code <= space || code === del) return false
  }
  return true
}

/** Refuses a key that would not be a key in a line. Throws `EncodeError`. */
export const checkPlain = (key: string): string =>
  isPlain(key)
    ? key
    : unencodable(
      "Range",
      "",
      "key",
      "a key without spaces and control characters, which the text protocol cannot carry",
      JSON.stringify(key)
    )

/** Longest key, in bytes. */
const longestKey = 250
/** Longest value that is written with its line; what is longer, or too long, is the encoder's to write. */
const longestValue = 64 * 1024

/** What stands in a key's place, and in a value's, where a line is written to be taken apart. */
const sampleKey = "key"
const sampleValue = /* @__PURE__ */ new TextEncoder().encode("a value")

/** Copies a few bytes, for which a loop takes less time than `set`. */
const copy = (bytes: Uint8Array, at: number, part: Uint8Array): number => {
  let position = at
  for (let i = 0; i < part.length; i++) bytes[position++] = part[i]!
  return position
}

/** Writes a key that can stand in a line as it is, of ASCII and not too long; returns the offset after it, or -1 when it is another. */
const putPlain = (bytes: Uint8Array, at: number, key: string): number => {
  const { length } = key
  if (length === 0 || length > longestKey) return -1
  for (let i = 0; i < length; i++) {
    const code = key.charCodeAt(i)
    if (code <= space || code >= del) return -1
    bytes[at + i] = code
  }
  return at + length
}

/**
 * Makes what appends a line of which only the key changes: the rest is what `encode` wrote once, so that flags that are always the same cost
 * nothing. It returns false, and has appended nothing, when `encode` has to write the line: of a key that is not plain, or not of ASCII.
 */
export const keyedLine = (encode: (writer: Writer, key: string) => void): (writer: Writer, key: string) => boolean => {
  const whole = encodeWith((writer) => encode(writer, sampleKey))
  const at = decodeText(whole, 0, whole.length).indexOf(sampleKey)
  const [head, tail] = [whole.slice(0, at), whole.slice(at + sampleKey.length)]
  return (writer, key) => {
    const start = writer.need(head.length + key.length + tail.length)
    const { bytes } = writer
    const position = putPlain(bytes, copy(bytes, start, head), key)
    if (position < 0) return false
    writer.position = copy(bytes, position, tail)
    return true
  }
}

/** The same for a line with the length of a value, which follows it. */
export const keyedBlock = (
  encode: (writer: Writer, key: string, value: Uint8Array) => void
): (writer: Writer, key: string, value: Uint8Array) => boolean => {
  const whole = encodeWith((writer) => encode(writer, sampleKey, sampleValue))
  const text = decodeText(whole, 0, whole.length)
  const keyAt = text.indexOf(sampleKey)
  const lengthAt = text.indexOf(String(sampleValue.length), keyAt)
  const valueAt = text.indexOf(decodeText(sampleValue, 0, sampleValue.length))
  const head = whole.slice(0, keyAt)
  const between = whole.slice(keyAt + sampleKey.length, lengthAt)
  const after = whole.slice(lengthAt + 1, valueAt)
  const end = whole.slice(valueAt + sampleValue.length)
  const fixed = whole.length + decimalSize(longestValue)
  return (writer, key, value) => {
    if (!(value instanceof Uint8Array) || value.length > longestValue) return false
    const start = writer.need(fixed + key.length + value.length)
    const { bytes } = writer
    let position = putPlain(bytes, copy(bytes, start, head), key)
    if (position < 0) return false
    position = copy(bytes, writeDecimal(bytes, copy(bytes, position, between), value.length), after)
    bytes.set(value, position)
    writer.position = copy(bytes, position + value.length, end)
    return true
  }
}

/** A command of text that answers with one word. */
export const line = <A>(
  operation: string,
  writes: boolean,
  answers: ReadonlyArray<string>,
  encode: (writer: Writer, packet: Calls.KvPacket<A>) => void,
  meaning: (answer: Text.Response, packet: Calls.KvPacket<A>) => ReturnType<Calls.KvCall<A>["interpret"]>
): Calls.KvCall<A> =>
  Calls.makeCall<A, Calls.KvPacket<A>, Text.Response>({
    operation,
    writes,
    answers,
    encode,
    interpret: (answer, packet) => meaning(answer, packet) ?? Calls.refused(statusOf(answer), packet)
  })

const isOk = (answer: Text.Response) => answer._tag === "Ok" ? Exit.void : undefined

const verbosity = line<void>(
  "verbosity",
  true,
  Text.Verbosity.answers!,
  (writer, { flags }) => Text.encodeVerbosity(writer, { level: flags, noreply: false }),
  isOk
)

const flush = line<void>(
  "flush",
  true,
  Text.FlushAll.answers!,
  (writer, { expiration }) => Text.encodeFlushAll(writer, { noreply: false, ...(expiration === 0 ? {} : { delay: expiration }) }),
  isOk
)

const version = line<string>(
  "version",
  false,
  Text.Version.answers!,
  Text.encodeVersion,
  (answer) => answer._tag === "VersionText" ? Exit.succeed(answer.message) : undefined
)

const stats = Calls.makeCall<ReadonlyMap<string, string>, Calls.StatsPacket, Text.Response>({
  operation: "stats",
  writes: false,
  answers: Text.Statistics.answers,
  ends: ({ _tag }) => _tag !== "Statistic",
  encode: (writer, { key }) => Text.encodeStatistics(writer, key === "" ? {} : { group: key }),
  interpret: (answer, packet) => {
    if (answer._tag === "Statistic") {
      packet.found.set(answer.name, answer.value)
      return undefined
    }
    return answer._tag === "End" || answer._tag === "Reset" ? Exit.succeed(packet.found) : Calls.refused(statusOf(answer), packet)
  }
})

/** Commands that text and meta connections share. */
export const shared = { verbosity, flush, version, stats, leave: (writer: Writer) => Text.encodeQuit(writer, {}) }

/**
 * Signs in where memcached was started with `-Y`: a `set` whose value is `user password`; nothing is stored. Value: that.
 */
export const authenticate = line<void>(
  "authenticate",
  false,
  Text.Set.answers!,
  (writer, { value }) => Text.encodeSet(writer, { key: "auth", flags: 0, expiration: 0, noreply: false, value }),
  (answer) => answer._tag === "Stored" ? Exit.void : undefined
)
