/** A key-value server that Redis' clients take for one of theirs: the spec has the packets, this has the commands. */
import { Server } from "@wirewright/connection"
import { Effect } from "effect"
import * as Resp from "../gallery/resp/index.ts"

const utf8 = new TextEncoder()
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const simple = (text: string): Resp.Value => ({ _tag: "SimpleString", text })
const error = (message: string): Resp.Value => ({ _tag: "SimpleError", message })
const bulk = (value: Uint8Array | null): Resp.Value => ({ _tag: "BulkString", value })
const integer = (value: number | bigint): Resp.Value => ({ _tag: "Integer", value: BigInt(value) })

const hello = (version: string): Resp.Value => {
  const entries = [{ key: simple("server"), value: simple("wirewright") }, { key: simple("proto"), value: integer(Number(version)) }]
  return version === "3" ? { _tag: "Map", entries } : { _tag: "Array", items: entries.flatMap(({ key, value }) => [key, value]) }
}

type Words = ReadonlyArray<Uint8Array>
type Command = readonly [least: number, run: (words: Words) => Resp.Value]

/** What commands do to keys, by their names, and how many words they need. */
const commandsOf = (keys: Map<string, Uint8Array>): Record<string, Command | undefined> => ({
  PING: [0, ([word]) => word === undefined ? simple("PONG") : bulk(word)],
  HELLO: [0, ([version]) => hello(version === undefined ? "2" : text(version))],
  GET: [1, ([key]) => bulk(keys.get(text(key!)) ?? null)],
  SET: [2, ([key, value]) => (keys.set(text(key!), value!.slice()), simple("OK"))],
  DEL: [1, (words) => integer(words.filter((key) => keys.delete(text(key))).length)],
  EXISTS: [1, (words) => integer(words.filter((key) => keys.has(text(key))).length)],
  INCR: [1, ([key]) => {
    const before = text(keys.get(text(key!)) ?? utf8.encode("0"))
    if (!/^-?\d{1,18}$/.test(before)) return error("ERR value is not an integer or out of range")
    keys.set(text(key!), utf8.encode(String(BigInt(before) + 1n)))
    return integer(BigInt(before) + 1n)
  }],
  INFO: [0, () => bulk(utf8.encode("redis_version:7.0.15\r\nloading:0\r\n"))],
  COMMAND: [0, () => ({ _tag: "Array", items: [] })],
  CLIENT: [0, () => simple("OK")]
})

/** Serves keys until the scope closes. */
export const make = (options: Server.OrderedServerOptions<Resp.States> = {}, keys = new Map<string, Uint8Array>()) => {
  const commands = commandsOf(keys)
  const run = ([name = new Uint8Array(0), ...words]: Words) => {
    const word = text(name).toUpperCase()
    if (word === "QUIT") return Effect.succeed(Server.last({ value: simple("OK") }))
    const [least, command] = commands[word] ?? [0, () => error(`ERR unknown command '${text(name)}'`)]
    return Effect.succeed({ value: words.length < least ? error(`ERR wrong number of arguments for '${word}'`) : command(words) })
  }
  return Server.make(Resp, {
    // Redis takes no notice of an empty one
    Command: ({ arguments: words }) =>
      (words ?? []).length === 0 ? Effect.succeed(Server.silence) : run(words!.map(({ value }) => value ?? new Uint8Array(0))),
    Inline: ({ line }) => run(line.trim().split(/\s+/).map((word) => utf8.encode(word)))
  }, options)
}
