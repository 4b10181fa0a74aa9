/** redis-server, PostgreSQL and mosquitto understand what the gallery's codecs write, and are understood. */
import { DecodeError, encodeWith, Reader } from "@wirewright/codec"
import * as Mqtt from "@wirewright/examples/gallery/mqtt"
import * as Postgres from "@wirewright/examples/gallery/postgres"
import * as Resp from "@wirewright/examples/gallery/resp"
import { createHash, createHmac, pbkdf2Sync } from "node:crypto"
import { existsSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Accepted } from "./Accepted.ts"
import { startMosquitto } from "./Mqtt.ts"
import { startPostgres } from "./Postgres.ts"
import type { Server } from "./Recording.ts"
import { startRedis } from "./Resp.ts"
import { openSession, type Session } from "./Session.ts"

const taken = new Accepted()
afterAll(() => taken.hold())

/** Sends what a codec has written, and reads packets one after the other. */
class Conversation<P extends { readonly _tag: string }> {
  private bytes: Uint8Array = new Uint8Array(0)
  readonly session: Session
  private sent = 0

  constructor(session: Session) {
    this.session = session
  }

  /** Sends packets. */
  say(...packets: ReadonlyArray<Uint8Array>): void {
    for (const one of packets) this.session.send(one)
    this.sent += packets.length
  }

  /** Ends it; the peer has taken all that was sent. */
  async end(title: string): Promise<void> {
    await this.session.end()
    taken.add(title, this.sent)
  }

  async next(decode: (reader: Reader) => P): Promise<P> {
    for (;;) {
      const reader = new Reader(this.bytes)
      try {
        const packet = decode(reader)
        this.bytes = this.bytes.slice(reader.next)
        return packet
      } catch (error) {
        if (!(error instanceof DecodeError) || !error.incomplete) throw error
      }
      const more = await this.session.read((there) => there.length > 0)
      if (more.length === 0) throw new Error("the server says nothing more")
      this.bytes = new Uint8Array(Buffer.concat([this.bytes, more]))
    }
  }
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

describe.skipIf(!existsSync("/usr/bin/redis-server"))("redis-server", () => {
  let server: Server
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  it("HELLO 3, values of every byte, a pipeline with an inline command, a push", async () => {
    const talk = new Conversation<Resp.Reply>(await openSession(server.port))
    const command = (...words: ReadonlyArray<string | Uint8Array>): Uint8Array =>
      encodeWith((writer) =>
        Resp.encodeCommand(writer, { arguments: words.map((one) => ({ value: typeof one === "string" ? text(one) : one })) })
      )
    const next = (): Promise<Resp.Reply> => talk.next((reader) => Resp.decodeReply(reader))
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    talk.say(command("HELLO", "3"))
    const hello = await next()
    if (hello._tag !== "Answer" || hello.value._tag !== "Map") throw new Error(hello._tag)
    expect(hello.value.entries).toContainEqual({ key: { _tag: "BulkString", value: text("proto") }, value: { _tag: "Integer", value: 3n } })
    talk.say(
      command("SET", "key", all),
      command("GET", "key"),
      encodeWith((writer) => Resp.encodeInline(writer, { line: "GET missing\r" })),
      command("SUBSCRIBE", "channel")
    )
    expect(await next()).toMatchObject({ value: { _tag: "SimpleString", text: "OK" } })
    expect(await next()).toEqual({ _tag: "Answer", value: { _tag: "BulkString", value: all } })
    expect(await next()).toMatchObject({ value: { _tag: "Null" } })
    expect(await next()).toMatchObject({ _tag: "Push", items: [{ value: text("subscribe") }, { value: text("channel") }, { value: 1n }] })
    await talk.end("RESP2 and RESP3")
  })
})

describe.skipIf(!existsSync("/usr/lib/postgresql"))("PostgreSQL", () => {
  let server: Server
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  const encode = (packet: Parameters<typeof Postgres.encode>[1]): Uint8Array => encodeWith((writer) => Postgres.encode(writer, packet))
  const packet = <T extends Postgres.Frontend["_tag"]>(
    fields: { readonly _tag: T } & Omit<Extract<Postgres.Frontend, { readonly _tag: T }>, "type">
  ): Uint8Array => encode(fields as never)
  const open = async (user: string) => {
    const talk = new Conversation<Postgres.Backend>(await openSession(server.port))
    const next = (): Promise<Postgres.Backend> => talk.next((reader) => Postgres.decodeBackend(reader))
    const until = async (tag: Postgres.Backend["_tag"]): Promise<ReadonlyArray<Postgres.Backend>> => {
      const seen: Array<Postgres.Backend> = []
      while (seen.at(-1)?._tag !== tag) {
        const one = await next()
        if (one._tag === "ErrorResponse") throw new Error(JSON.stringify(one))
        seen.push(one)
      }
      return seen
    }
    talk.say(encodeWith((writer) =>
      Postgres.encodeStartupMessage(writer, {
        minorVersion: 0,
        parameters: [{ name: "user", value: user }, { name: "database", value: "postgres" }]
      })
    ))
    return { talk, next, until }
  }

  it("lets SCRAM-SHA-256 in, and proves that it knows the password", async () => {
    const { next, talk, until } = await open("scram")
    expect(await next()).toMatchObject({ _tag: "AuthenticationSASL", mechanisms: ["SCRAM-SHA-256"] })
    const nonce = "Zm9yIGEgdGVzdA"
    const bare = `n=,r=${nonce}`
    talk.say(encodeWith((writer) =>
      Postgres.encodeSASLInitialResponse(writer, {
        mechanism: "SCRAM-SHA-256",
        response: {
          channelBinding: "n",
          authorizationIdentity: "",
          attributes: [{ _tag: "UserName", name: "" }, { _tag: "Nonce", nonce }]
        }
      })
    ))
    const challenge = await next()
    if (challenge._tag !== "AuthenticationSASLContinue") throw new Error(challenge._tag)
    const [r, s, i] = challenge.attributes
    if (r?._tag !== "Nonce" || s?._tag !== "Salt" || i?._tag !== "Iterations") throw new Error("another order of attributes")
    expect(r.nonce.startsWith(nonce)).toBe(true)
    const salted = pbkdf2Sync("secret", Buffer.from(s.salt, "base64"), i.count, 32, "sha256")
    const hmac = (key: Buffer, of: string): Buffer => createHmac("sha256", key).update(of).digest()
    const clientKey = hmac(salted, "Client Key")
    const final = `c=biws,r=${r.nonce}`
    const message = `${bare},r=${r.nonce},s=${s.salt},i=${i.count},${final}`
    const signature = hmac(createHash("sha256").update(clientKey).digest(), message)
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!)).toString("base64")
    talk.say(encodeWith((writer) =>
      Postgres.encodeSASLResponse(writer, {
        attributes: [{ _tag: "ChannelBinding", binding: "biws" }, { _tag: "Nonce", nonce: r.nonce }, { _tag: "ClientProof", proof }]
      })
    ))
    expect(await next()).toMatchObject({
      _tag: "AuthenticationSASLFinal",
      attributes: [{ _tag: "ServerSignature", signature: hmac(hmac(salted, "Server Key"), message).toString("base64") }]
    })
    expect((await until("ReadyForQuery"))[0]).toMatchObject({ _tag: "AuthenticationOk" })
    await talk.end("PostgreSQL")
  })

  it("an extended query with NULLs, both ways", async () => {
    const { talk, until } = await open("trusted")
    await until("ReadyForQuery")
    talk.say(
      packet({ _tag: "Parse", statement: "s", query: "select $1::int4 + 1, $2::text, $3::bytea", parameterTypes: [23, 25, 17] }),
      packet({
        _tag: "Bind",
        portal: "",
        statement: "s",
        parameterFormats: [0, 0, 1],
        parameters: [text("41"), null, Uint8Array.of(0, 255)],
        resultFormats: [0, 0, 1]
      }),
      packet({ _tag: "Describe", target: 0x50, name: "" }),
      packet({ _tag: "Execute", portal: "", maximumRows: 0 }),
      packet({ _tag: "Sync" })
    )
    const seen = await until("ReadyForQuery")
    expect(seen.map(({ _tag }) => _tag)).toEqual([
      "ParseComplete",
      "BindComplete",
      "RowDescription",
      "DataRow",
      "CommandComplete",
      "ReadyForQuery"
    ])
    expect(seen[3]).toMatchObject({ columns: [text("42"), null, Uint8Array.of(0, 255)] })
    await talk.end("PostgreSQL")
  })

  it("COPY in and out, a function call", async () => {
    const { talk, until } = await open("trusted")
    await until("ReadyForQuery")
    talk.say(packet({ _tag: "Query", query: "create temp table c (n int); copy c from stdin" }))
    await until("CopyInResponse")
    talk.say(
      packet({ _tag: "CopyData", data: text("1\n2\n") }),
      packet({ _tag: "CopyData", data: text("3\n") }),
      packet({ _tag: "CopyDone" })
    )
    expect((await until("ReadyForQuery"))[0]).toMatchObject({ _tag: "CommandComplete", tag: "COPY 3" })
    talk.say(packet({ _tag: "Query", query: "copy c to stdout" }))
    const out = (await until("ReadyForQuery")).flatMap((one) => one._tag === "BackendCopyData" ? [Buffer.from(one.data).toString()] : [])
    expect(out).toEqual(["1\n", "2\n", "3\n"])
    // int4pl
    talk.say(
      packet({ _tag: "FunctionCall", functionOid: 177, argumentFormats: [0], arguments: [text("40"), text("2")], resultFormat: 0 })
    )
    expect((await until("ReadyForQuery"))[0]).toMatchObject({ _tag: "FunctionCallResponse", result: text("42") })
    talk.say(packet({ _tag: "Terminate" }))
    await talk.end("PostgreSQL")
  })
})

describe.skipIf(!existsSync("/usr/sbin/mosquitto"))("mosquitto", () => {
  let server: Server
  beforeAll(async () => {
    server = await startMosquitto()
  })
  afterAll(() => server.stop())

  it.each([4, 5])("version %s: subscribes, publishes with QoS 2, and gets its own message", async (version) => {
    const states = { version }
    const talk = new Conversation<Mqtt.Packet>(await openSession(server.port))
    const next = (): Promise<Mqtt.Packet> => talk.next((reader) => Mqtt.decode(reader, 0, states))
    const send = (packet: Parameters<typeof Mqtt.encode>[1]): void => talk.say(encodeWith((writer) => Mqtt.encode(writer, packet, states)))
    const properties = version === 5 ? { properties: [] } : {}
    send({
      _tag: "Connect",
      protocolName: "MQTT",
      protocolVersion: version,
      willRetain: 0,
      willQoS: 1,
      cleanStart: 1,
      keepAlive: 60,
      clientIdentifier: `gallery${version}`,
      ...(version === 5 ? { properties: [{ _tag: "ReceiveMaximum", packets: 20 }], willProperties: [] } : {}),
      willTopic: "will",
      willPayload: text("gone"),
      userName: "user",
      password: text("secret")
    } as never)
    expect(await next()).toMatchObject({ _tag: "Connack", code: 0, sessionPresent: 0 })
    const options = { retainHandling: 0, retainAsPublished: 0, noLocal: 0, qos: 2 }
    send({ _tag: "Subscribe", packetIdentifier: 1, ...properties, subscriptions: [{ topicFilter: `v${version}/#`, ...options }] } as never)
    expect(await next()).toMatchObject({ _tag: "Suback", packetIdentifier: 1, codes: [2] })
    const user = version === 5 ? { properties: [{ _tag: "UserProperty", key: "a", value: "b" }] } : {}
    send({ _tag: "Publish", qos: 2, topicName: `v${version}/x`, packetIdentifier: 2, ...user, payload: text("hello") } as never)
    expect(await next()).toMatchObject({ _tag: "Pubrec", packetIdentifier: 2 })
    send({ _tag: "Pubrel", packetIdentifier: 2 } as never)
    const rest = [await next(), await next()]
    expect(rest.find(({ _tag }) => _tag === "Pubcomp")).toMatchObject({ packetIdentifier: 2 })
    const message = rest.find(({ _tag }) => _tag === "Publish")
    expect(message).toMatchObject({ qos: 2, topicName: `v${version}/x`, payload: text("hello"), ...user })
    const { packetIdentifier } = message as Mqtt.Publish
    send({ _tag: "Pubrec", packetIdentifier } as never)
    expect(await next()).toMatchObject({ _tag: "Pubrel", packetIdentifier })
    send({ _tag: "Pubcomp", packetIdentifier } as never)
    send({ _tag: "Pingreq" } as never)
    expect(await next()).toMatchObject({ _tag: "Pingresp" })
    send({ _tag: "Disconnect" } as never)
    await talk.end("MQTT")
    expect(talk.session.closed()).toBe(true)
  })
})
