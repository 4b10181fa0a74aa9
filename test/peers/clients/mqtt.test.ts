/**
 * The example's MQTT client against Debian's mosquitto, and with npm's `mqtt` at the other end: exactly once through brokers that are killed,
 * keep-alive, back-pressure, refusals.
 */
import { Writer } from "@wirewright/codec"
import { ConnectionError } from "@wirewright/connection"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { spawnSync } from "node:child_process"
import { type AddressInfo, createServer } from "node:net"
import { setTimeout } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Mqtt from "../../../packages/examples/src/clients/Mqtt.ts"
import { subscription } from "../../../packages/examples/src/clients/MqttAnswers.ts"
import * as Wire from "../../../packages/examples/src/gallery/mqtt/index.ts"
import { cutAfter } from "../../runtime/Cut.ts"
import { startMosquitto } from "../gallery/Mqtt.ts"
import { installed, load, type Server } from "../gallery/Recording.ts"
import { startSavingMosquitto } from "./Mosquitto.ts"

// one that hangs is told before it costs the time of the others
vi.setConfig({ testTimeout: 60_000 })

const there = spawnSync("mosquitto", ["-h"]).error === undefined
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = ({ payload }: { readonly payload: Uint8Array }): string => new TextDecoder().decode(payload)

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(effect))
const fast = { initialDelay: "20 millis", maxDelay: "200 millis" } as const
const now = { startImmediately: true }

/** Writes down what comes for a filter; done when the broker has the subscription. */
const listening = (mqtt: Mqtt.MqttClient, filter: string, qos: 0 | 1 | 2 = 2) =>
  Effect.gen(function*() {
    const came: Array<{ readonly topicName: string; readonly text: string; readonly qos: number; readonly retain: number }> = []
    const each = (one: { readonly topicName: string; readonly payload: Uint8Array; readonly qos: number; readonly retain: number }) =>
      Effect.sync(() => void came.push({ topicName: one.topicName, text: text(one), qos: one.qos, retain: one.retain }))
    yield* Effect.forkScoped(Stream.runForEach(mqtt.subscribe(filter, qos), each), now)
    // what was asked before is done when this is, or is refused
    yield* Effect.ignore(mqtt.publish("flushed", bytes(""), { qos: 1 }))
    return came
  })

const until = (done: () => boolean) =>
  Effect.gen(function*() {
    while (!done()) yield* Effect.sleep("5 millis")
  })

describe.skipIf(!there)("MQTT", () => {
  let server: Server
  beforeAll(async () => {
    server = await startMosquitto()
  })
  afterAll(() => server.stop())
  const make = (options: Partial<Mqtt.MqttOptions> = {}) => Mqtt.make({ host: "127.0.0.1", port: server.port, reconnect: fast, ...options })

  it("messages of every QoS, in order, to those whose filter matches", () =>
    run(Effect.gen(function*() {
      const mqtt = yield* make()
      const all = yield* listening(mqtt, "a/#")
      const one = yield* listening(mqtt, "a/+/c", 1)
      const none = yield* listening(mqtt, "b")
      for (const qos of [0, 1, 2] as const) yield* mqtt.publish("a/b/c", bytes(`qos ${qos}`), { qos })
      yield* Effect.forEach(Array.from({ length: 1_000 }, (_, i) => i), (i) => mqtt.publish("a/n", bytes(String(i)), { qos: 2 }), {
        concurrency: "unbounded",
        discard: true
      })
      yield* until(() => all.length >= 1_003 && one.length >= 3)
      expect(all.slice(0, 3).map(({ text }) => text)).toEqual(["qos 0", "qos 1", "qos 2"])
      expect(all.slice(3).map(({ text }) => text)).toEqual(Array.from({ length: 1_000 }, (_, i) => String(i)))
      expect(one.map(({ text }) => text)).toEqual(["qos 0", "qos 1", "qos 2"])
      expect(none).toEqual([])
      // a broker that takes 20 at once ends the connection of whoever sends more
      expect((yield* mqtt.counters).reconnects).toBe(0)
    })))

  it("exactly once through a broker that is killed, in order", async () => {
    const broker = await startSavingMosquitto("max_inflight_messages 50")
    try {
      await run(Effect.gen(function*() {
        const options = { host: "127.0.0.1", port: broker.port, reconnect: fast, requestTimeout: "10 seconds", cleanStart: false } as const
        const reader = yield* Mqtt.make({ ...options, clientIdentifier: "reader" })
        const writer = yield* Mqtt.make({ ...options, clientIdentifier: "writer" })
        const came = yield* listening(reader, "t/+")
        const messages = Array.from({ length: 1_000 }, (_, i) => ({ topic: `t/${i % 3}`, text: String(i) }))
        const published = yield* Effect.forkScoped(
          Effect.forEach(messages, ({ text, topic }) => writer.publish(topic, bytes(text), { qos: 2 }), {
            concurrency: 100,
            discard: true
          }),
          now
        )
        for (const count of [50, 200, 350, 500, 650, 800, 950]) {
          yield* until(() => came.length >= count)
          yield* Effect.promise(() => broker.killAndStart())
        }
        yield* Fiber.join(published)
        yield* until(() => came.length >= messages.length)
        yield* Effect.sleep("300 millis")
        const reconnects = [yield* reader.counters, yield* writer.counters].map(({ reconnects }) => reconnects)
        expect(came).toHaveLength(1_000)
        for (const topic of ["t/0", "t/1", "t/2"]) {
          const texts = (all: ReadonlyArray<{ readonly topicName?: string; readonly topic?: string; readonly text: string }>) =>
            all.filter((one) => (one.topicName ?? one.topic) === topic).map(({ text }) => text)
          expect(texts(came)).toEqual(texts(messages))
        }
        expect(Math.min(...reconnects)).toBeGreaterThanOrEqual(7)
      }))
    } finally {
      await broker.stop()
    }
  })

  it("a broker that stands still is noticed, and what waited for it goes on when it does", async () => {
    const broker = await startSavingMosquitto()
    try {
      await run(Effect.gen(function*() {
        const options = { host: "127.0.0.1", port: broker.port, reconnect: fast, requestTimeout: "500 millis" } as const
        const mqtt = yield* Mqtt.make({ ...options, pingWithin: 1 })
        const came = yield* listening(mqtt, "t")
        yield* Effect.sleep("1200 millis")
        expect((yield* mqtt.counters).reconnects).toBe(0)
        broker.signal("SIGSTOP")
        const published = yield* Effect.forkScoped(mqtt.publish("t", bytes("x"), { qos: 2 }), now)
        let connected = 1
        const noticed = Effect.gen(function*() {
          while (connected > 0) {
            connected = (yield* mqtt.counters).connected
            yield* Effect.sleep("10 millis")
          }
        })
        yield* Effect.timeout(noticed, "5 seconds")
        broker.signal("SIGCONT")
        yield* Fiber.join(published)
        yield* until(() => came.length > 0)
        yield* Effect.sleep("100 millis")
        expect(came.map(({ text }) => text)).toEqual(["x"])
        expect((yield* mqtt.counters).reconnects).toBeGreaterThan(0)
      }))
    } finally {
      await broker.stop()
    }
  })

  it("what the broker refuses is an error with its reason", async () => {
    const strict = await startMosquitto(true)
    try {
      const who = (secret: string) => ({
        host: "127.0.0.1",
        port: strict.port,
        user: "user",
        password: Redacted.make(secret),
        reconnect: { maxAttempts: 0 }
      })
      const wrong = await run(Effect.flip(Mqtt.make(who("wrong"))))
      expect(wrong).toMatchObject({ _tag: "MqttError", reason: "notAuthorized" })
      await run(Effect.gen(function*() {
        const mqtt = yield* Mqtt.make(who("secret"))
        const came = yield* listening(mqtt, "allowed/#", 1)
        yield* mqtt.publish("allowed/a", bytes("x"), { qos: 1 })
        const error = yield* Effect.flip(mqtt.publish("forbidden", bytes("x"), { qos: 1 }))
        expect(error).toMatchObject({ _tag: "MqttError", reason: "notAuthorized" })
        for (const [fields, reason] of [[{ qos: 2 }, "qosNotSupported"], [{ qos: 1, retain: 1 }, "retainNotSupported"]] as const) {
          expect(yield* Effect.flip(mqtt.publish("allowed/a", bytes("x"), fields))).toMatchObject({ reason })
        }
        const large = yield* Effect.flip(mqtt.publish("allowed/a", new Uint8Array(2_000), { qos: 1 }))
        expect(large).toMatchObject({ reason: "packetTooLarge" })
        const long = yield* Effect.flip(mqtt.publish("x".repeat(70_000), bytes("x"), { qos: 1 }))
        expect(long).toMatchObject({ _tag: "EncodeError" })
        yield* mqtt.publish("allowed/b", bytes("y"), { qos: 1 })
        yield* until(() => came.length >= 2)
        expect(came.map(({ text }) => text)).toEqual(["x", "y"])
        expect((yield* mqtt.counters).reconnects).toBe(0)
      }))
    } finally {
      await strict.stop()
    }
  })

  it("a reader who stands still holds back what is sent to him, and nothing else; none is lost", () =>
    run(Effect.gen(function*() {
      const [reader, writer] = [yield* make({ maxPushes: 10 }), yield* make()]
      const came: Array<string> = []
      let pass = false
      yield* Effect.forkScoped(
        Stream.runForEach(reader.subscribe("slow"), (one) => Effect.andThen(until(() => pass), Effect.sync(() => came.push(text(one))))),
        now
      )
      const others = yield* listening(reader, "other")
      const messages = Array.from({ length: 300 }, (_, i) => String(i))
      yield* Effect.forEach(messages, (one) => writer.publish("slow", bytes(one), { qos: 2 }), { concurrency: 50, discard: true })
      // its own publishing, pings and subscribing go on
      yield* reader.publish("elsewhere", bytes("x"), { qos: 2 })
      expect(came).toEqual([])
      pass = true
      yield* writer.publish("other", bytes("x"), { qos: 1 })
      yield* until(() => came.length >= 300 && others.length > 0)
      expect(came).toEqual(messages)
    })))

  it("a broker that sends more than it may holds up nothing else", async () => {
    const { properties } = subscription("slow", 2)
    const flood = Array.from({ length: 60 }, (_, i) => {
      const writer = new Writer()
      Wire.encodePublish(writer, { topicName: "slow", payload: bytes("x"), qos: 2, retain: 0, packetIdentifier: i + 1, properties }, {
        version: 5
      })
      return writer.take()
    })
    // CONNACK; SUBACK and the flood; PUBREC; PUBCOMP; UNSUBACK: each with the identifier that was asked with
    const answers: Readonly<Record<number, (asked: Buffer) => ReadonlyArray<Uint8Array>>> = {
      0x10: () => [Buffer.from("2003000000", "hex")],
      0x82: (asked) => [Buffer.from([0x90, 4, asked[2]!, asked[3]!, 0, 2]), ...flood],
      0x34: (asked) => [Buffer.from([0x50, 2, 0, asked[2 + 2 + "elsewhere".length + 1]!])],
      0x62: (asked) => [Buffer.from([0x70, 2, asked[2]!, asked[3]!])],
      0xa2: (asked) => [Buffer.from([0xb0, 4, asked[2]!, asked[3]!, 0, 0])]
    }
    const broker = createServer((socket) => {
      let rest = Buffer.alloc(0)
      let written: Promise<unknown> = Promise.resolve()
      socket.on("data", (more) => {
        rest = Buffer.concat([rest, more as Buffer])
        // none is longer than 127 bytes
        while (rest.length >= 2 && rest.length >= 2 + rest[1]!) {
          const asked = rest.subarray(0, 2 + rest[1]!)
          rest = rest.subarray(asked.length)
          for (const answer of answers[asked[0]!]?.(asked) ?? []) {
            // one by one, so that they are read so
            written = written.then(() => void socket.write(answer)).then(() => setTimeout(2))
          }
        }
      })
    })
    await new Promise<void>((resolve) => broker.listen(0, "127.0.0.1", resolve))
    try {
      await run(
        Effect.gen(function*() {
          const mqtt = yield* make({ port: (broker.address() as AddressInfo).port, maxPushes: 10 })
          yield* Effect.forkScoped(Stream.runForEach(mqtt.subscribe("slow"), () => Effect.never), now)
          yield* mqtt.publish("elsewhere", bytes("x"), { qos: 2 })
          const { bytesReceived } = yield* mqtt.counters
          expect(bytesReceived).toBeGreaterThan(flood.length)
        }).pipe(Effect.timeout("10 seconds"))
      )
    } finally {
      broker.close()
    }
  })

  it("cut at every byte: a message is published, or it fails with a typed error", async () => {
    const converse = (dial: ReturnType<typeof cutAfter>) =>
      run(
        Effect.gen(function*() {
          const mqtt = yield* make({ dial, reconnect: { maxAttempts: 0 } })
          const read = Stream.runHead(mqtt.subscribe("cut"))
          const came = yield* Effect.forkScoped(Effect.result(read), now)
          const sent = yield* Effect.forEach([0, 1, 2] as const, (qos) => Effect.result(mqtt.publish("cut", bytes("x"), { qos })), {
            concurrency: "unbounded"
          })
          return [...sent, Result.map(yield* Fiber.join(came), () => {})]
        }).pipe(Effect.timeout("5 seconds"), Effect.result)
      )
    const counts = { received: 0 }
    const whole = Result.getOrThrow(await converse(cutAfter(Infinity, counts)))
    expect(whole.every(Result.isSuccess)).toBe(true)
    expect(counts.received).toBeGreaterThan(30)
    for (let size = 1; size < counts.received; size++) {
      const got = await converse(cutAfter(size))
      if (Result.isFailure(got)) expect(got.failure, `cut at ${size}`).toBeInstanceOf(ConnectionError)
      else for (const one of got.success) if (Result.isFailure(one)) expect(one.failure, `cut at ${size}`).toBeInstanceOf(ConnectionError)
    }
  })

  it.skipIf(!installed("mqtt"))("npm's mqtt at the other end", () =>
    run(Effect.gen(function*() {
      const { connectAsync } = load<{ readonly connectAsync: (url: string, options: object) => Promise<Other> }>("mqtt")
      const options = { protocolVersion: 5, reconnectPeriod: 0, properties: { sessionExpiryInterval: 60 } }
      const open = (more: object) => connectAsync(`mqtt://127.0.0.1:${server.port}`, { ...options, ...more })
      const other = yield* Effect.promise(() => open({}))
      const mqtt = yield* make()
      const came = yield* listening(mqtt, "here/+")
      const theirs: Array<string> = []
      other.on("message", (topic, payload) => theirs.push(`${topic} ${new TextDecoder().decode(payload)}`))
      yield* Effect.promise(() => other.subscribeAsync("there/#", { qos: 2 }))
      for (const qos of [0, 1, 2] as const) {
        yield* mqtt.publish("there/a", bytes(String(qos)), { qos })
        yield* Effect.promise(() => other.publishAsync("here/b", String(qos), { qos }))
      }
      yield* until(() => came.length >= 3 && theirs.length >= 3)
      expect(theirs).toEqual(["there/a 0", "there/a 1", "there/a 2"])
      expect(came.map(({ text }) => text)).toEqual(["0", "1", "2"])
      yield* Effect.promise(() => other.endAsync())
    })))
})

interface Other {
  readonly on: (event: "message", listener: (topic: string, payload: Uint8Array) => void) => void
  readonly subscribeAsync: (topic: string, options: object) => Promise<unknown>
  readonly publishAsync: (topic: string, payload: string, options: object) => Promise<unknown>
  readonly endAsync: () => Promise<void>
}
