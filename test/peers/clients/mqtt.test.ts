/**
 * The example's MQTT client against Debian's mosquitto, and with npm's `mqtt` at the other end: exactly once through brokers that are killed,
 * keep-alive, back-pressure, refusals.
 */
import { ConnectionError } from "@wirewright/connection"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { spawnSync } from "node:child_process"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Mqtt from "../../../packages/examples/src/clients/Mqtt.ts"
import { cutAfter } from "../../runtime/Cut.ts"
import { startMosquitto } from "../gallery/Mqtt.ts"
import type { Server } from "../gallery/Recording.ts"
import { startSavingMosquitto } from "./Mosquitto.ts"

const there = spawnSync("mosquitto", ["-h"]).error === undefined
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = ({ payload }: { readonly payload: Uint8Array }): string => new TextDecoder().decode(payload)

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(effect))
const fast = { initialDelay: "20 millis", maxDelay: "200 millis" } as const
const now = { startImmediately: true }

/** Writes down what comes for a filter. */
const listening = (mqtt: Mqtt.MqttClient, filter: string, qos: 0 | 1 | 2 = 2) =>
  Effect.gen(function*() {
    const came: Array<{ readonly topicName: string; readonly text: string; readonly qos: number; readonly retain: number }> = []
    const each = (one: { readonly topicName: string; readonly payload: Uint8Array; readonly qos: number; readonly retain: number }) =>
      Effect.sync(() => void came.push({ topicName: one.topicName, text: text(one), qos: one.qos, retain: one.retain }))
    yield* Effect.forkScoped(Stream.runForEach(mqtt.subscribe(filter, qos), each), now)
    yield* Effect.sleep("100 millis")
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
    })))

  it("exactly once through a broker that is killed, in order", async () => {
    const broker = await startSavingMosquitto("max_inflight_messages 50")
    try {
      await run(Effect.gen(function*() {
        const options = { host: "127.0.0.1", port: broker.port, reconnect: fast, requestTimeout: "10 seconds" } as const
        const reader = yield* Mqtt.make({ ...options, clientIdentifier: "reader" })
        const writer = yield* Mqtt.make({ ...options, clientIdentifier: "writer" })
        const came = yield* listening(reader, "t/+")
        const messages = Array.from({ length: 1_000 }, (_, i) => ({ topic: `t/${i % 3}`, text: String(i) }))
        const published = yield* Effect.forkScoped(
          Effect.forEach(messages, ({ text, topic }) => mqtt2(writer, topic, text), { concurrency: 100, discard: true }),
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
  }, 120_000)
})

const mqtt2 = (mqtt: Mqtt.MqttClient, topic: string, text: string) => mqtt.publish(topic, bytes(text), { qos: 2 })
void [ConnectionError, Redacted, Result, cutAfter]
