/** Proves which requests the answers of a text connection belong to, by what the spec says of conversations. */
import { assert, describe, it } from "@effect/vitest"
import { Client } from "@wirewright/connection"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { played } from "./Played.fixture.ts"
import * as Text from "./text/index.ts"

const tagged = (answer: { readonly _tag: string }): string => answer._tag

describe("answers of a text connection", () => {
  it.live("errors are the oldest request's, whichever it is", () =>
    Effect.gen(function*() {
      const kv = yield* Client.make(
        Text,
        played((_, peer) => void peer.write("ERROR\r\nSTORED\r\nCLIENT_ERROR bad\r\nSERVER_ERROR out\r\nMN\r\n"))
      )
      const set = { key: "k", flags: 0, expiration: 0, noreply: false, value: new Uint8Array([1]) }
      const answers = yield* Effect.all([
        kv.call(Text.MetaGet, { key: "k", flags: [] }),
        kv.call(Text.Set, set),
        kv.call(Text.Set, set),
        Effect.map(Stream.runCollect(kv.stream(Text.Get, { keys: ["k"] })), ([first]) => first!),
        kv.call(Text.MetaNoop)
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual(answers.map(tagged), ["CommandError", "Stored", "ClientError", "ServerError", "MetaNoopDone"])
    }))

  it.live("values are one request's until the end", () =>
    Effect.gen(function*() {
      const values = "VALUE a 0 1\r\nA\r\nVALUE b 0 1\r\nB\r\nEND\r\n"
      const kv = yield* Client.make(Text, played((_, peer) => void peer.write(`${values}END\r\nVALUE c 0 0\r\n\r\nEND\r\n`)))
      const read = (...keys: ReadonlyArray<string>) => Stream.runCollect(kv.stream(Text.Get, { keys }))
      const found = yield* Effect.all([read("a", "b"), read("x"), read("c")], { concurrency: "unbounded" })
      assert.deepStrictEqual(found.map((answers) => answers.map(tagged)), [["Value", "Value", "End"], ["End"], ["Value", "End"]])
    }))

  it.live("what noreply leaves out is nobody's", () =>
    Effect.gen(function*() {
      const heard: Array<string> = []
      const kv = yield* Client.make(
        Text,
        played((text, peer) => {
          heard.push(text)
          if (text.includes("version")) peer.write("VERSION 1\r\n")
        })
      )
      yield* kv.send(Text.Delete, { key: "k", zero: false, noreply: true })
      assert.strictEqual((yield* kv.call(Text.Version)).message, "1")
      assert.strictEqual(heard.join(""), "delete k noreply\r\nversion\r\n")
    }))

  it.live("lines of a watch come unasked, and an error that nothing asked for is no fault", () =>
    Effect.gen(function*() {
      const kv = yield* Client.make(
        Text,
        played((_, peer) => void peer.write("OK\r\nts=1.2 gid=1 type=x\nskipped=3\nERROR Too many open connections\r\n"))
      )
      const lines = yield* kv.listen(Text.LogLine, Text.LogSkipped, Text.CommandError)
      yield* kv.call(Text.Watch, { streams: ["fetchers"] })
      const seen = yield* Stream.runCollect(Stream.take(lines, 3))
      assert.deepStrictEqual(seen.map(tagged), ["LogLine", "LogSkipped", "CommandError"])
      assert.strictEqual(kv.connections.length, 1)
    }))

  it.live("an answer that nothing asked for ends the connection", () =>
    Effect.gen(function*() {
      const kv = yield* Client.make(Text, {
        ...played((text, peer) => void peer.write(text.includes("version") ? "VERSION 1\r\nSTORED\r\n" : "MN\r\n")),
        reconnect: { initialDelay: 1 }
      })
      yield* kv.call(Text.Version)
      while ((yield* kv.counters).reconnects === 0) yield* Effect.sleep(1)
      yield* kv.call(Text.MetaNoop)
    }))
})
