/**
 * What a server does, done by a memcached that is asked with the classic text commands, as far as these can say it. CAS of stores is not told,
 * and what only the meta commands can ask is refused.
 *
 * Source: memcached `doc/protocol.txt`.
 */
import { DecodeError, encodeWith, Reader, type Writer } from "@wirewright/codec"
import {
  type Administered,
  type AdministrationRequest,
  cannotPipeline,
  type CountRequest,
  doNotCreate,
  type ExtendRequest,
  type Found,
  type MemcachedHandlers,
  type Refusal,
  refusal,
  type RemoveRequest,
  type SetRequest,
  type Written
} from "@wirewright/memcached"
import { Status } from "@wirewright/memcached/gen"
import * as Text from "@wirewright/memcached/text"
import * as Effect from "effect/Effect"
import { exists, lacking, metaOf, miss, notStored } from "./Refused.ts"
import type { TextLink } from "./TextLink.ts"

const done: Effect.Effect<Written> = Effect.succeed({})

/** Whether a key can be written in a line as it is: neither ends a token or a line. */
export const fitsLine = (key: string): boolean => !/[ \n\0]/.test(key)

const found = (answers: ReadonlyArray<Text.Value | Text.End>): Effect.Effect<Found, Refusal> => {
  const [value] = answers
  if (value?._tag !== "Value") return miss
  const { cas, flags, value: bytes } = value
  return Effect.succeed(cas === undefined ? { value: bytes, flags } : { value: bytes, flags, cas })
}

/** Commands that are known by their words, and all that answers them. */
const commands = Text as unknown as {
  readonly [name: string]: { readonly answers?: ReadonlyArray<string>; readonly last?: unknown } | undefined
}

/** Managing commands whose lines have one answer each, whatever is wrong with them. */
const managing: ReadonlyArray<string> = ["slabs", "lru", "lru_crawler", "cache_memlimit", "extstore", "refresh_certs"]

/** Whatever may answer a line that the spec does not know. */
const anyLine = [
  "Ok",
  "Busy",
  "BadClass",
  "NoSpare",
  "NotFull",
  "Unsafe",
  "Same",
  "NotStarted",
  "MemoryLimitTooSmall",
  "MemoryLimitNotAdjusted",
  "ClientError",
  "ServerError",
  "CommandError"
]

const utf8 = new TextDecoder()

/** Lines of answers as memcached sends them. */
const linesOf = (answers: ReadonlyArray<Text.Response>): string =>
  utf8.decode(encodeWith((writer) => {
    for (const answer of answers) Text.encode(writer, answer)
  }))

/** What was asked in words, as a packet of the spec; nothing when it is none. */
const packetOf = (line: string): Text.Request | undefined => {
  try {
    return Text.decodeRequest(new Reader(new TextEncoder().encode(line)), 0)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** Answered as a command that does not exist. */
const noCommand = Effect.fail(refusal(Status.KeyEnoent))

/** What memcached answers that was not started with `-A`: the server behind a proxy is nobody's to shut down. */
const noShutdown = Effect.succeed({ lines: linesOf([{ _tag: "ErrorShutdown", message: "shutdown not enabled" }]) })

/** Lines of statistics that are managing, too. */
const managingStatistics: ReadonlyArray<string> = ["cachedump", "detail"]

/**
 * Manages the server behind the proxy as far as that concerns no single connection: what is watched would come to a connection that clients
 * share, and for ever.
 */
const administer = (link: TextLink) => ({ pipelined, words }: AdministrationRequest): Effect.Effect<Administered, Refusal> => {
  const [verb = "", group = ""] = words
  if (verb === "shutdown") return noShutdown
  if (pipelined && (verb === "watch" || group === "metadump")) {
    return Effect.succeed({ lines: cannotPipeline(verb === "watch" ? "watch" : "metadump") })
  }
  const line = `${words.join(" ")}\r\n`
  const packet = packetOf(line)
  if (packet === undefined) {
    if (!managing.includes(verb) && !(verb === "stats" && managingStatistics.includes(group))) return noCommand
    const raw = { name: "Line", opcode: 0, encode: (writer: Writer) => writeLine(writer, line), answers: anyLine }
    return said(link.hear(raw as never, {}, true) as Effect.Effect<Text.Response, Refusal>)
  }
  const command = commands[packet._tag]
  if (command?.answers === undefined || verb !== "stats" && !managing.includes(verb)) return noCommand
  return command.last === undefined
    ? said(link.hear(command as never, packet, true) as Effect.Effect<Text.Response, Refusal>)
    : Effect.map(link.hearAll(command as never, packet) as Effect.Effect<ReadonlyArray<Text.Response>, Refusal>, (answers) => ({
      lines: linesOf(answers)
    }))
}

const said = (answer: Effect.Effect<Text.Response, Refusal>): Effect.Effect<Administered, Refusal> =>
  Effect.map(answer, (one) => ({ lines: linesOf([one]) }))

const writeLine = (writer: Writer, line: string): void => {
  const bytes = new TextEncoder().encode(line)
  const at = writer.need(bytes.length)
  writer.bytes.set(bytes, at)
  writer.position = at + bytes.length
}

/** How the group begins that turns statistics of prefixes on and off, and shows them as lines. */
const detail = "detail "

/** What is asked alike by clients of the classic and of the meta commands. */
export const sharedHandlers = (link: TextLink): MemcachedHandlers => ({
  get: ({ key }) => Effect.flatMap(link.collect(Text.Gets, { keys: [key] }), found),
  getAndTouch: ({ expiration, key }) => Effect.flatMap(link.collect(Text.GetsAndTouch, { expiration, keys: [key] }), found),
  touch: ({ expiration, key }) =>
    Effect.flatMap(link.ask(Text.Touch, { key, expiration }, false), (answer) => answer._tag === "NotFound" ? miss : done),
  tooLarge: ({ key, replaces }) => replaces && fitsLine(key) ? Effect.asVoid(link.ask(Text.Delete, { key }, true)) : Effect.void,
  stats: ({ group }) =>
    group.startsWith(detail)
      ? Effect.map(
        link.collect(Text.StatisticsDetail, { what: group.slice(detail.length) }),
        (answers) => [["", linesOf(answers)] as const]
      )
      : link.collect(Text.Statistics, group === "" ? {} : { group }).pipe(
        Effect.mapError((why) => why.status === Status.UnknownCommand ? refusal(Status.KeyEnoent) : why),
        Effect.map((answers) => answers.flatMap((answer) => answer._tag === "Statistic" ? [[answer.name, answer.value] as const] : []))
      ),
  version: () => Effect.map(link.ask(Text.Version, {}, false), ({ message }) => message),
  flush: ({ expiration }) => Effect.asVoid(link.ask(Text.FlushAll, expiration === undefined ? {} : { delay: expiration }, true)),
  verbosity: ({ verbosity }) => Effect.asVoid(link.ask(Text.Verbosity, { level: verbosity }, true)),
  administer: administer(link)
})

const what = "the text protocol, which the server behind the proxy is asked by,"

/** What can be asked at all, of a key that a line can hold. */
const plain = <Request extends { readonly key: string }, A>(
  handle: (request: Request) => Effect.Effect<A, Refusal>
) =>
(request: Request): Effect.Effect<A, Refusal> => {
  const words = fitsLine(request.key) ? metaOf(request) : "keys with spaces, line ends and NUL"
  return words === undefined ? handle(request) : Effect.fail(lacking(what, words))
}

type Storing = typeof Text.Set | typeof Text.Add | typeof Text.Replace | typeof Text.Append | typeof Text.Prepend

const store = (link: TextLink, command: Storing, unmet: Effect.Effect<never, Refusal>) =>
  plain(({ cas, compares, expiration = 0, flags = 0, key, value }: SetRequest | ExtendRequest & { readonly expiration?: number }) => {
    const fields = { key, flags, expiration, value }
    if (cas === 0n && compares !== true) {
      return Effect.flatMap(link.ask(command as typeof Text.Set, fields, true), (answer) => answer._tag === "Stored" ? done : unmet)
    }
    if (command !== Text.Set && command !== Text.Replace) return Effect.fail(lacking(what, "CAS for adding, appending and prepending"))
    return Effect.flatMap(link.ask(Text.CompareAndSet, { ...fields, cas }, true), (answer) => {
      switch (answer._tag) {
        case "Stored":
          return done
        case "Exists":
          return exists
        case "NotFound":
          return miss
        case "NotStored":
          return notStored
      }
    })
  })

const count = (link: TextLink, command: typeof Text.Increment | typeof Text.Decrement) =>
  plain(({ cas, delta, expiration, key }: CountRequest) => {
    if (cas !== 0n) return Effect.fail(lacking(what, "CAS for counters"))
    if (expiration !== doNotCreate) return Effect.fail(lacking(what, "counters that begin with a value"))
    return Effect.flatMap(
      link.ask(command, { key, delta }, true),
      (answer) => answer._tag === "NewNumber" ? Effect.succeed({ value: answer.value }) : miss
    )
  })

/** What a server does, done by the memcached at the end of a link. */
export const textHandlers = (link: TextLink): MemcachedHandlers => {
  const { get, getAndTouch, touch, ...shared } = sharedHandlers(link)
  return {
    ...shared,
    get: (request, client) => plain(() => get!(request, client))(request),
    getAndTouch: (request, client) => plain(() => getAndTouch!(request, client))(request),
    touch: (request, client) => plain(() => touch!(request, client))(request),
    set: store(link, Text.Set, notStored),
    add: store(link, Text.Add, exists),
    replace: store(link, Text.Replace, miss),
    append: store(link, Text.Append, notStored),
    prepend: store(link, Text.Prepend, notStored),
    remove: plain((request: RemoveRequest) =>
      request.cas !== 0n || request.compares === true
        ? Effect.fail(lacking(what, "CAS for removing"))
        : Effect.flatMap(link.ask(Text.Delete, { key: request.key }, true), (answer) => answer._tag === "Deleted" ? done : miss)
    ),
    increment: count(link, Text.Increment),
    decrement: count(link, Text.Decrement)
  }
}
