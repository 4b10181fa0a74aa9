/**
 * A Redis client on the runtime: commands go out as they come and are answered in order; subscriptions outlive the connection.
 *
 * It speaks RESP3, so that messages of channels come as pushes beside the answers to commands.
 */
import { Client } from "@wirewright/connection"
import { Data, Effect, Redacted, Result, Stream } from "effect"
import * as Resp from "../gallery/resp/index.ts"

/** Redis refused a command. `code` is the first word of what it says, such as `ERR` or `WRONGTYPE`. */
export class RedisError extends Data.TaggedError("RedisError")<{ readonly code: string; readonly message: string }> {}

/** A value of Redis. Errors are values only within others, as in what EXEC returns. Numbers that doubles cannot hold are bigint. */
export type Reply =
  | string
  | bigint
  | number
  | boolean
  | null
  | Uint8Array
  | RedisError
  | ReadonlyArray<Reply>
  | ReadonlySet<Reply>
  | ReadonlyMap<Reply, Reply>

/** A word of a command. */
export type Word = string | number | bigint | Uint8Array

/** Options of a client. */
export interface RedisOptions extends Omit<Client.CommonOptions, "connections"> {
  readonly user?: string
  readonly password?: Redacted.Redacted
}

const utf8 = new TextEncoder()
const text = new TextDecoder()

const errorOf = (message: string): RedisError => new RedisError({ code: message.split(" ", 1)[0]!, message })

const doubleOf = (text: string): number => Number(text.replace("inf", "Infinity"))

const replyOf = (value: Resp.Value): Reply => {
  switch (value._tag) {
    case "SimpleString":
      return value.text
    case "SimpleError":
    case "BulkError":
      return errorOf(value.message)
    case "Integer":
    case "BulkString":
      return value.value
    case "Boolean":
      return value.value === Resp.Boolean.true
    case "Double":
      return doubleOf(value.value)
    case "BigNumber":
      return BigInt(value.value)
    case "VerbatimString":
      return value.value.text
    case "Null":
      return null
    case "Array":
      return value.items?.map(replyOf) ?? null
    case "Set":
      return new Set(value.items.map(replyOf))
    case "Map":
      return new Map(value.entries.map(({ key, value }) => [replyOf(key), replyOf(value)]))
    case "Attribute":
      return replyOf(value.value)
  }
}

const bytesOf = (word: Word): Uint8Array => word instanceof Uint8Array ? word : utf8.encode(String(word))

const commandOf = (words: ReadonlyArray<Word>) => ({ arguments: words.map((word) => ({ value: bytesOf(word) })) })

type Session = Client.Conversation<Resp.Reply, Client.Correlation, RedisError | Client.CallError>

const ask = (session: Session, words: ReadonlyArray<Word>, options?: Client.CallOptions) =>
  Effect.flatMap(session.call(Resp.Command, commandOf(words), options), ({ value }) => {
    const reply = replyOf(value)
    return reply instanceof RedisError ? Effect.fail(reply) : Effect.succeed(reply)
  })

/** A message of a channel. */
const messageOf = (channel: string) => ({ items }: Resp.Push): Result.Result<Uint8Array, void> => {
  const [kind, from, message] = items.map(replyOf)
  const isMessage = kind instanceof Uint8Array && text.decode(kind) === "message" && from instanceof Uint8Array
  return isMessage && text.decode(from) === channel && message instanceof Uint8Array ? Result.succeed(message) : Result.failVoid
}

/** Connects, and says who we are. Closes with the scope. */
export const make = ({ password, user = "default", ...options }: RedisOptions) =>
  Effect.gen(function*() {
    /** How many streams read each channel. */
    const channels = new Map<string, number>()
    const begin = (session: Session) =>
      Effect.gen(function*() {
        const auth = password === undefined ? [] : ["AUTH", user, Redacted.value(password)]
        yield* ask(session, ["HELLO", "3", ...auth])
        if (channels.size > 0) yield* session.send(Resp.Command, commandOf(["SUBSCRIBE", ...channels.keys()]))
      })
    const client = yield* Client.make(Resp, { ...options, begin })

    const command = (words: ReadonlyArray<Word>, options?: Client.CallOptions) => ask(client, words, options)

    const pipeline = (commands: ReadonlyArray<ReadonlyArray<Word>>) =>
      Effect.forEach(commands, (words) => command(words), { concurrency: "unbounded" })

    /** Whether it is the first. */
    const enter = (channel: string): boolean => {
      const readers = channels.get(channel) ?? 0
      channels.set(channel, readers + 1)
      return readers === 0
    }
    const leave = (channel: string): Effect.Effect<void> => {
      const readers = channels.get(channel)! - 1
      if (readers > 0) return Effect.sync(() => channels.set(channel, readers))
      channels.delete(channel)
      return Effect.ignore(client.send(Resp.Command, commandOf(["UNSUBSCRIBE", channel])))
    }
    const subscribe = (channel: string): Stream.Stream<Uint8Array, Client.CallError | RedisError> =>
      Stream.unwrap(Effect.gen(function*() {
        const pushes = yield* client.listen(Resp.Push)
        const isFirst = yield* Effect.acquireRelease(Effect.sync(() => enter(channel)), () => Effect.suspend(() => leave(channel)))
        // who cannot be there leaves again
        if (isFirst) yield* client.send(Resp.Command, commandOf(["SUBSCRIBE", channel]))
        return Stream.filterMap(pushes, messageOf(channel))
      }))

    return {
      /** Sends a command. Fails with `RedisError` when Redis answers with an error. */
      command,
      /** Sends commands at once, and has their answers in order. Fails with the first error; the others are sent all the same. */
      pipeline,
      /** Messages of a channel, as long as the stream is run. Those that come while there is no connection are lost, as ever with Redis. */
      subscribe,
      counters: client.counters
    }
  })

/** A client. */
export type Redis = Effect.Success<ReturnType<typeof make>>
