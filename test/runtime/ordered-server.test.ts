/**
 * Servers of protocols in which no header field says what a packet answers: in order (RESP), by a number (MQTT), until a packet that is the
 * last and in phases (PostgreSQL). Their clients are the generated ones, and the example's; foreign ones are in `test/peers`.
 */
import { Client, Server } from "@wirewright/connection"
import { MemoryLink } from "@wirewright/connection/testing"
import * as Mqtt from "@wirewright/examples/gallery/mqtt"
import * as Pg from "@wirewright/examples/gallery/postgres"
import * as Resp from "@wirewright/examples/gallery/resp"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import * as Postgres from "../../packages/examples/src/clients/Postgres.ts"
import * as RedisClient from "../../packages/examples/src/clients/Redis.ts"
import * as Redis from "../../packages/examples/src/servers/Redis.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(effect))

const linked = (server: { readonly accept: Parameters<typeof MemoryLink.make>[0] }) =>
  Effect.map(MemoryLink.make(server.accept), ({ transport }) => transport)

const text = (value: unknown): string => new TextDecoder().decode(value as Uint8Array)

describe("in order (RESP)", () => {
  it("a key-value server that the example's client takes for Redis", () =>
    run(Effect.gen(function*() {
      const redis = yield* RedisClient.make(yield* linked(yield* Redis.make({ listen: false })))
      expect(yield* redis.command(["SET", "k", "v"])).toBe("OK")
      expect(text(yield* redis.command(["GET", "k"]))).toBe("v")
      expect(yield* redis.command(["GET", "none"])).toBeNull()
      const counted = yield* redis.pipeline(Array.from({ length: 2_000 }, () => ["INCR", "n"]))
      expect(counted).toEqual(Array.from({ length: 2_000 }, (_, i) => BigInt(i + 1)))
      expect(yield* Effect.flip(redis.command(["INCR", "k"]))).toMatchObject({ _tag: "RedisError", code: "ERR" })
      expect(yield* Effect.flip(redis.command(["GET"]))).toMatchObject({ message: expect.stringContaining("wrong number") })
    })))

  it("answers leave in the order of the requests, whichever is ready first; failures are answers too", () =>
    run(Effect.gen(function*() {
      const server = yield* Server.make(Resp, {
        Command: ({ arguments: words }) => {
          const milliseconds = Number(text(words![0]!.value))
          const answer = { value: { _tag: "Integer", value: BigInt(milliseconds) } } as const
          return Effect.andThen(Effect.sleep(milliseconds), milliseconds > 20 ? Effect.fail(answer) : Effect.succeed(answer))
        },
        Inline: () => Effect.die("not spoken here")
      }, { listen: false })
      const client = yield* Client.make(Resp, yield* linked(server))
      const order: Array<number> = []
      const ask = (milliseconds: number) =>
        Effect.map(client.call(Resp.Command, { arguments: [{ value: bytes(String(milliseconds)) }] }), ({ value }) => {
          order.push(Number((value as { readonly value: bigint }).value))
        })
      yield* Effect.all([ask(30), ask(1), ask(10)], { concurrency: "unbounded" })
      expect(order).toEqual([30, 1, 10])
    })))

  it("what is no packet, and a handler that dies, end the connection after what came before is answered", () =>
    run(Effect.gen(function*() {
      const defects: Array<unknown> = []
      const server = yield* Server.make(Resp, {
        Command: () => Effect.succeed({ value: { _tag: "SimpleString" as const, text: "first" } }),
        Inline: () => Effect.die("not spoken here")
      }, { listen: false, onDefect: (defect) => void defects.push(defect) })
      for (const wrong of ["*1\r\n?4\r\nPING\r\n", "PING\r\n"]) {
        const link = yield* MemoryLink.make(server.accept)
        const peer = link.dial({ port: 0 })
        let said = ""
        peer.on("data", (chunk: Uint8Array) => said += text(chunk))
        const gone = Effect.callback<void>((resume) => void peer.once("close", () => resume(Effect.void)))
        peer.on("error", () => {})
        peer.write(`*1\r\n$4\r\nPING\r\n${wrong}`)
        yield* gone
        expect(said).toBe("+first\r\n")
      }
      expect(defects).toEqual(["not spoken here"])
      expect(server.counters).toMatchObject({ connections: 0, misbehaved: 1 })
    })))
})

describe("by a number (MQTT)", () => {
  const states = { version: 5 }
  const refuse = () => Effect.die("not of this test")

  it("answers have the numbers of their requests", () =>
    run(Effect.gen(function*() {
      const published: Array<string> = []
      const server = yield* Server.make(Mqtt, {
        Connect: () => Effect.succeed({ _tag: "Connack" as const, sessionPresent: 0, code: 0 as const, properties: [] }),
        Subscribe: ({ subscriptions }) => Effect.succeed({ properties: [], codes: subscriptions.map(({ qos }) => qos) }),
        Publish: ({ payload, qos }) => {
          published.push(text(payload))
          return Effect.succeed(qos === 0 ? Server.silence : { _tag: "Puback" as const, reasonCode: 0 as const, properties: [] })
        },
        Pingreq: () => Effect.succeed({}),
        Disconnect: () => Effect.succeed(Server.last(Server.silence)),
        Unsubscribe: refuse,
        Puback: refuse,
        Pubrec: refuse,
        Pubrel: refuse,
        Pubcomp: refuse,
        Auth: refuse
      }, { listen: false, states })
      const client = yield* Client.make(Mqtt, { ...yield* linked(server), states })
      const subscription = { topicFilter: "a", retainHandling: 0, retainAsPublished: 0, noLocal: 0, qos: 1 } as const
      const asked = [1, 2, 3].map(() => client.call(Mqtt.Subscribe, { properties: [], subscriptions: [subscription] }))
      const answers = yield* Effect.all(asked, { concurrency: "unbounded" })
      expect(answers.map(({ codes, packetIdentifier }) => [packetIdentifier, ...codes])).toEqual([[1, 1], [2, 1], [3, 1]])
      const message = { topicName: "a", properties: [], dup: 0, retain: 0 } as const
      yield* client.send(Mqtt.Publish, { ...message, qos: 0, payload: bytes("unanswered") })
      const answer = yield* client.call(Mqtt.Publish, { ...message, qos: 1, payload: bytes("answered") })
      expect(answer).toMatchObject({ _tag: "Puback", packetIdentifier: 4 })
      expect(published).toEqual(["unanswered", "answered"])
      yield* client.call(Mqtt.Pingreq)
      yield* client.send(Mqtt.Disconnect, { reasonCode: 0, properties: [] })
      while (server.counters.connections > 0) yield* Effect.sleep(1)
    })))
})

describe("in phases, until the last (PostgreSQL)", () => {
  const ready = { _tag: "ReadyForQuery", status: Pg.TransactionStatus.idle } as const
  const column = { name: "n", tableOid: 0, attribute: 0, typeOid: 23, typeSize: 4, typeModifier: -1, format: Pg.Format.text }
  const none = () => Effect.void
  const many = () => Effect.succeed(ready)

  const serve = (query: (sql: string) => ReturnType<typeof many> | Stream.Stream<typeof ready | Rows>, defects: Array<unknown> = []) =>
    Effect.gen(function*() {
      const passwords = new Map<number, Deferred.Deferred<string>>()
      return yield* Server.make(Pg, {
        SSLRequest: () => Effect.succeed({ answer: Pg.EncryptionSupport.none }),
        GSSENCRequest: () => Effect.succeed({ answer: Pg.EncryptionSupport.none }),
        StartupMessage: (_, client) => {
          const password = Deferred.makeUnsafe<string>()
          passwords.set(client.id, password)
          return Stream.concat(
            Stream.succeed({ _tag: "AuthenticationCleartextPassword" as const }),
            Stream.unwrap(Effect.map(Deferred.await(password), (given): Stream.Stream<Greeting> =>
              given === "secret"
                ? Stream.make({ _tag: "AuthenticationOk" }, ready)
                : Stream.succeed({ _tag: "ErrorResponse", fields: [{ _tag: "Message", text: "wrong password" }] })))
          )
        },
        PasswordMessage: ({ password }, { id }) => Effect.asVoid(Deferred.succeed(passwords.get(id)!, password)),
        Query: ({ query: sql }) => query(sql),
        Sync: many,
        FunctionCall: many,
        CancelRequest: none,
        GSSResponse: none,
        SASLInitialResponse: none,
        SASLResponse: none,
        Parse: none,
        Bind: none,
        Describe: none,
        Execute: none,
        Close: none,
        Flush: none,
        CopyData: none,
        CopyDone: none,
        CopyFail: none,
        Terminate: () => Effect.succeed(Server.last(Server.silence))
      }, { listen: false, onDefect: (defect) => void defects.push(defect) })
    })

  type Rows =
    | { readonly _tag: "RowDescription"; readonly columns: ReadonlyArray<typeof column> }
    | { readonly _tag: "DataRow"; readonly columns: ReadonlyArray<Uint8Array> }
    | { readonly _tag: "CommandComplete"; readonly tag: string }

  const counting = (sql: string) =>
    Stream.concat(
      Stream.succeed({ _tag: "RowDescription" as const, columns: [column] }),
      Stream.concat(
        Stream.map(Stream.range(1, Number(sql)), (n) => ({ _tag: "DataRow" as const, columns: [bytes(String(n))] })),
        Stream.make({ _tag: "CommandComplete" as const, tag: `SELECT ${sql}` }, ready)
      )
    )

  type Greeting =
    | typeof ready
    | { readonly _tag: "AuthenticationOk" }
    | { readonly _tag: "ErrorResponse"; readonly fields: ReadonlyArray<{ readonly _tag: "Message"; readonly text: string }> }

  const settings = { user: "u" }

  it("the example's client signs in and has rows as a stream", () =>
    run(Effect.gen(function*() {
      const link = yield* linked(yield* serve(counting))
      const { Redacted } = yield* Effect.promise(() => import("effect"))
      const pg = yield* Postgres.make({ ...link, settings, password: Redacted.make("secret") })
      const rows = yield* Effect.scoped(Stream.runCollect(pg.query("10000")))
      expect(rows.map(({ values }) => Number(values[0]))).toEqual(Array.from({ length: 10_000 }, (_, i) => i + 1))
      expect(yield* Effect.scoped(pg.execute("2"))).toEqual(["SELECT 2"])
      const wrong = yield* Effect.flip(Postgres.make({ ...link, settings, password: Redacted.make("guess") }))
      expect(wrong).toMatchObject({ _tag: "PostgresError", message: "wrong password" })
    })))

  it("encryption is refused with one byte, and the conversation goes on", () =>
    run(Effect.gen(function*() {
      const link = yield* linked(yield* serve(counting))
      const client = yield* Client.make(Pg, link)
      expect(yield* client.call(Pg.SSLRequest)).toMatchObject({ _tag: "EncryptionAnswer", answer: Pg.EncryptionSupport.none })
      const greeting = client.stream(Pg.StartupMessage, { minorVersion: 0, parameters: [{ name: "user", value: "u" }] })
      const seen = yield* Stream.runCollect(Stream.tap(greeting, ({ _tag }) =>
        _tag === "AuthenticationCleartextPassword" ? client.send(Pg.PasswordMessage, { password: "secret" }) : Effect.void))
      expect(seen.map(({ _tag }) =>
        _tag
      )).toEqual(["AuthenticationCleartextPassword", "AuthenticationOk", "ReadyForQuery"])
    })))

  it("a stream that ends without its last packet is a defect, and ends the connection", () =>
    run(Effect.gen(function*() {
      const defects: Array<unknown> = []
      const server = yield* serve((sql) => Stream.take(counting(sql), 2), defects)
      const { Redacted } = yield* Effect.promise(() => import("effect"))
      const pg = yield* Postgres.make({ ...yield* linked(server), settings, password: Redacted.make("secret") })
      const error = yield* Effect.flip(Effect.scoped(Stream.runCollect(pg.query("5"))))
      expect(error).toMatchObject({ _tag: "ConnectionError" })
      expect(String(defects[0])).toContain("the answers to Query did not end")
    })))
})

/** Never run: mistakes that the compiler finds. */
export const mistakes = () => {
  const answer = () => Effect.succeed({ value: { _tag: "Null", end: undefined } } as never)
  // @ts-expect-error -- there is no handler for Inline
  void Server.make(Resp, { Command: answer })
  // @ts-expect-error -- clients send no Ping
  void Server.make(Resp, { Command: answer, Inline: answer, Ping: answer })
  // @ts-expect-error -- a push answers nothing
  void Server.make(Resp, { Command: answer, Inline: () => Effect.succeed({ _tag: "Push" as const, items: [] }) })
  // @ts-expect-error -- what is failed with must be an answer
  void Server.make(Resp, { Command: answer, Inline: () => Effect.fail("no") })
}
