/**
 * What the text and the meta protocol have in common for a client: keys, errors, and the commands that only the text protocol has.
 *
 * Errors are words there; they become the statuses that the binary protocol has for the same things, so that a client's errors are the same in
 * all of them. Source of the words: memcached 1.6.18 `proto_text.c`.
 */
import { decodeText, encodeText, encodeWith, textBound, unencodable, type Writer } from "@wirewright/codec"
import * as Exit from "effect/Exit"
import { Status } from "./gen/index.ts"
import * as Calls from "./KvCalls.ts"
import type { StatusAnswer } from "./KvError.ts"
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
      return { status: Status.UnknownCommand, value: encoder.encode(answer.message ?? "") }
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

/**
 * Appends a line of which only the key changes; the rest is what `encode` wrote once, so that flags that are always the same cost nothing. The
 * key is plain. Throws `EncodeError`.
 */
export const keyedLine = (encode: (writer: Writer, key: string) => void): (writer: Writer, key: string) => void => {
  const placeholder = "key"
  const whole = encodeWith((writer) => encode(writer, placeholder))
  const at = decodeText(whole, 0, whole.length).indexOf(placeholder)
  const [head, tail] = [whole.slice(0, at), whole.slice(at + placeholder.length)]
  return (writer, key) => {
    // what is wrong with a key is the encoder's to say
    if (key.length === 0 || key.length > longestKey) return encode(writer, key)
    const start = writer.need(head.length + textBound(key) + tail.length)
    const { bytes } = writer
    let position = start
    for (let i = 0; i < head.length; i++) bytes[position++] = head[i]!
    const size = encodeText(bytes, position, key)
    if (size > longestKey) return encode(writer, key)
    position += size
    for (let i = 0; i < tail.length; i++) bytes[position++] = tail[i]!
    writer.position = position
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
