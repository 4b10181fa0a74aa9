/**
 * What other people's parsers make of bytes, as plain JSON. `record.ts` writes it beside the recordings, in `<protocol>.parsed.json`.
 *
 * Bytes become `{ text }`, or `{ hex }` where they are not printable ASCII; maps, sets, big integers, errors and pushes become objects with
 * one key that names them. A parser that gives up ends the list with `{ failed }`.
 */
import { library, load, type Recording } from "./Recording.ts"
import type { Chunk, Conversation } from "./Tap.ts"

/** A value as JSON has it. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** What a parser says of one direction of a conversation. */
export interface ParsedConversation {
  readonly name: string
  readonly from: Chunk["from"]
  readonly messages: ReadonlyArray<Json>
}

/** What a parser says of a recording. */
export interface Parsed {
  /** The parser, with its version. */
  readonly parser: string
  readonly conversations: ReadonlyArray<ParsedConversation>
}

const bytesAsJson = (bytes: Uint8Array): Json => {
  const text = Buffer.from(bytes).toString("latin1")
  return /^[\t\r\n\x20-\x7e]*$/.test(text) ? { text } : { hex: Buffer.from(bytes).toString("hex") }
}

/** Any value of a parser. `undefined` in an object is left out. */
export const asJson = (value: unknown): Json => {
  if (value === null || value === undefined) return null
  if (typeof value === "bigint") return { big: String(value) }
  if (typeof value === "number") return Number.isFinite(value) ? value : { double: String(value) }
  if (typeof value === "boolean" || typeof value === "string") return value
  if (value instanceof Uint8Array) return bytesAsJson(value)
  if (value instanceof Map) return { map: [...value].map(([key, item]) => [asJson(key), asJson(item)]) }
  if (value instanceof Set) return { set: [...value].map(asJson) }
  if (Array.isArray(value)) return value.map(asJson)
  if (value instanceof String) return { verbatim: String(value), format: asJson((value as { readonly format?: string }).format) }
  const known = value instanceof Error ? { error: value.message } : {}
  const rest = Object.entries(value as object).filter(([, item]) => item !== undefined && typeof item !== "function")
  return Object.fromEntries([...Object.entries(known), ...rest.map(([key, item]) => [key, asJson(item)] as const)])
}

/** Collects what a parser says; an exception is the last thing that it says. */
const collect = (parse: (say: (message: unknown) => void) => void): ReadonlyArray<Json> => {
  const messages: Array<Json> = []
  try {
    parse((message) => messages.push(asJson(message)))
  } catch (error) {
    messages.push({ failed: error instanceof Error ? error.message : String(error) })
  }
  return messages
}

const joined = ({ chunks }: Conversation, from: Chunk["from"]): Buffer =>
  Buffer.concat(chunks.filter((chunk) => chunk.from === from).map(({ hex }) => Buffer.from(hex, "hex")))

interface RedisDecoder {
  readonly write: (bytes: Buffer) => void
}

interface RedisDecoderModule {
  readonly RESP_TYPES: Readonly<Record<string, number>>
  readonly Decoder: new(options: {
    readonly onReply: (reply: unknown) => void
    readonly onErrorReply: (error: Error) => void
    readonly onPush: (push: unknown) => void
    readonly getTypeMapping: () => Readonly<Record<number, unknown>>
  }) => RedisDecoder
}

/** What the decoder of npm's `redis` makes of replies. Errors at the top are `{ error }`, pushes are `{ push }`. */
export const parseResp = (bytes: Uint8Array): ReadonlyArray<Json> => {
  const { Decoder, RESP_TYPES: types } = load<RedisDecoderModule>("@redis/client/dist/lib/RESP/decoder")
  const { VerbatimString } = load<{ readonly VerbatimString: unknown }>("@redis/client/dist/lib/RESP/verbatim-string")
  const mapping = {
    [types["BLOB_STRING"]!]: Buffer,
    [types["MAP"]!]: Map,
    [types["SET"]!]: Set,
    [types["VERBATIM_STRING"]!]: VerbatimString
  }
  return collect((say) =>
    new Decoder({
      onReply: say,
      onErrorReply: ({ message }) => say({ error: message }),
      onPush: (push) => say({ push }),
      getTypeMapping: () => mapping
    }).write(Buffer.from(bytes))
  )
}

interface PostgresParser {
  readonly parse: (bytes: Buffer, say: (message: unknown) => void) => void
}

/** What `pg-protocol` makes of the server's messages. */
export const parsePostgres = (bytes: Uint8Array): ReadonlyArray<Json> => {
  const { Parser } = load<{ readonly Parser: new() => PostgresParser }>("pg-protocol/dist/parser")
  return collect((say) => new Parser().parse(Buffer.from(bytes), say))
}

interface MqttParser {
  readonly on: (event: string, listener: (value: unknown) => void) => void
  readonly parse: (bytes: Buffer) => void
}

/** What `mqtt-packet` makes of packets of version 3 (3.1), 4 (3.1.1) or 5. */
export const parseMqtt = (bytes: Uint8Array, protocolVersion: number): ReadonlyArray<Json> => {
  const { parser } = load<{ readonly parser: (options: { readonly protocolVersion: number }) => MqttParser }>("mqtt-packet")
  return collect((say) => {
    const reader = parser({ protocolVersion })
    reader.on("packet", say)
    reader.on("error", (error) => say({ failed: (error as Error).message }))
    reader.parse(Buffer.from(bytes))
  })
}

interface NatsParser {
  readonly parse: (bytes: Uint8Array) => void
}

/** What the parser of npm's `@nats-io/nats-core` makes of the server's messages. */
export const parseNats = (bytes: Uint8Array): ReadonlyArray<Json> => {
  type Dispatcher = { readonly push: (event: { readonly kind: number; readonly msg?: object; readonly data?: Uint8Array }) => void }
  const { Kind, Parser } = load<{ readonly Kind: Readonly<Record<string, number>>; readonly Parser: new(to: Dispatcher) => NatsParser }>(
    "@nats-io/nats-core/internal"
  )
  const kinds = Object.fromEntries(Object.entries(Kind).map(([name, kind]) => [kind, name]))
  return collect((say) => new Parser({ push: ({ data, kind, msg }) => say({ kind: kinds[kind], ...msg, data }) }).parse(Buffer.from(bytes)))
}

/** A server answers each of SSLRequest and GSSENCRequest with one byte that is no message. */
const singleBytes = (client: Buffer): number => {
  let count = 0
  while (client.length >= 8 * (count + 1) && [80877103, 80877104].includes(client.readUInt32BE(8 * count + 4))) count++
  return count
}

/** The level in CONNECT; 4 where the first packet is none. */
const level = (client: Buffer): number => client.subarray(2, 8).toString("latin1") === "\0\x04MQTT" ? client[8]! : 3

type Reading = readonly [from: Chunk["from"], messages: ReadonlyArray<Json>]

const readers: Readonly<
  Record<string, { readonly parser: string; readonly read: (conversation: Conversation) => ReadonlyArray<Reading> }>
> = {
  resp: { parser: "@redis/client", read: (one) => [["server", parseResp(joined(one, "server"))]] },
  postgres: {
    parser: "pg-protocol",
    read: (one) => [["server", parsePostgres(joined(one, "server").subarray(singleBytes(joined(one, "client"))))]]
  },
  mqtt: {
    parser: "mqtt-packet",
    read: (one) => {
      const client = joined(one, "client")
      return [["client", parseMqtt(client, level(client))], ["server", parseMqtt(joined(one, "server"), level(client))]]
    }
  },
  nats: { parser: "@nats-io/nats-core", read: (one) => [["server", parseNats(joined(one, "server"))]] }
}

/** What a foreign parser says of a recording, where there is one for the protocol. */
export const parseRecording = (protocol: string, recording: Recording): Parsed | undefined => {
  const reader = readers[protocol]
  if (reader === undefined) return undefined
  const conversations = recording.conversations.flatMap((conversation) =>
    reader.read(conversation).map(([from, messages]) => ({ name: conversation.name, from, messages }))
  )
  return { parser: library(reader.parser), conversations }
}
