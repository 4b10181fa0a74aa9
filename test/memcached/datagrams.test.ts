/** The node in memory over UDP, on the loopback interface: the conversations of memcached 1.6.18, and where it is meant to differ. */
import { serveDatagrams } from "@wirewright/connection"
import { type MemcachedNode, type MemcachedNodeOptions, serveMemcachedNode } from "@wirewright/embedded"
import { serveMemcachedDatagrams } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import { createSocket } from "node:dgram"
import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { bytesOf, Talk, type Vector, vectors } from "./TextVectors.ts"

/** A conversation that memcached had: datagrams of a client, and those that came after each. */
interface Recorded {
  readonly id: string
  readonly about: string
  /** What was said over TCP before. */
  readonly state: string
  readonly send: ReadonlyArray<string>
  readonly answers: ReadonlyArray<ReadonlyArray<string>>
}

const recorded = JSON.parse(readFileSync(new URL("../fixtures/memcached-udp.json", import.meta.url), "utf8")) as ReadonlyArray<Recorded>

/** What is different here, and why. */
const different: { readonly [id: string]: { readonly why: string; readonly answers: ReadonlyArray<ReadonlyArray<string>> } } = {
  "several-keys": {
    why: "memcached sends a message for each key, all with the same number: who reads one has not read them all",
    answers: [["002a000000010000" + Buffer.from("VALUE k 0 1\r\nv\r\nVALUE l 0 1\r\nw\r\nEND\r\n").toString("hex")]]
  },
  "half-block": {
    why: "memcached takes the next datagram, whoever sent it, for the rest of the block",
    answers: [[], ["002a000000010000" + Buffer.from("VALUE k 0 1\r\nv\r\nEND\r\n").toString("hex")]]
  },
  quit: {
    why: "memcached sends a header that says that there are no datagrams",
    answers: [[], ["002a000000010000" + Buffer.from("VALUE k 0 1\r\nv\r\nEND\r\n").toString("hex")]]
  },
  metadump: {
    why: "the same, with the next answer",
    answers: [[], ["002a000000010000" + Buffer.from("VALUE k 0 1\r\nv\r\nEND\r\n").toString("hex")]]
  }
}

/** A client: sends a datagram, then one that is answered for certain, and returns what came before that answer. */
const client = (port: number) => {
  const socket = createSocket("udp4")
  const came: Array<Buffer> = []
  let wake: (() => void) | undefined
  socket.on("message", (bytes) => {
    came.push(bytes)
    wake?.()
  })
  const last = request("mn\r\n", 0xffff)
  const lastAnswer = request("MN\r\n", 0xffff)
  return {
    ask: async (...datagrams: ReadonlyArray<Uint8Array>): Promise<ReadonlyArray<string>> => {
      for (const datagram of [...datagrams, last]) socket.send(datagram, port, "127.0.0.1")
      // one process and one socket: on the loopback interface datagrams keep their order
      while (!came.some((bytes) => bytes.equals(lastAnswer))) {
        await new Promise<void>((resolve) => (wake = resolve))
      }
      const answers = came.slice(0, -1).map((bytes) => bytes.toString("hex"))
      came.length = 0
      return answers
    },
    close: () => socket.close()
  }
}

const withNode = <A>(run: (node: MemcachedNode) => Promise<A>, options: MemcachedNodeOptions = {}): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(Effect.flatMap(serveMemcachedNode({ udpPort: 0, ...options }), (node) => Effect.promise(() => run(node))))
  )

const say = async ({ server }: MemcachedNode, text: Uint8Array): Promise<void> => {
  if (text.length === 0) return
  const talk = new Talk(server.accept)
  await talk.say(text)
  talk.end()
}

const conversation = (state: Uint8Array, send: ReadonlyArray<Uint8Array>): Promise<ReadonlyArray<ReadonlyArray<string>>> =>
  withNode(async (node) => {
    await say(node, state)
    const { ask, close } = client(node.datagrams!.port)
    const answers: Array<ReadonlyArray<string>> = []
    for (const datagram of send) answers.push(await ask(datagram))
    close()
    return answers
  })

describe("as memcached 1.6.18", () => {
  const overUdp = vectors.filter(({ transport }) => transport === "udp")
  test("there are five vectors", () => {
    expect(overUdp.map(({ id }) => id).sort()).toEqual(["udp-001", "udp-002", "udp-003", "udp-006", "udp-007"])
  })

  test.each(overUdp)("$id: $about", async ({ answer, send, state = [] }: Vector) => {
    const [answers] = await conversation(bytesOf(state as Parameters<typeof bytesOf>[0]), [bytesOf(send)])
    expect(answers!.join("")).toBe(bytesOf(answer.text ?? answer.parts!).toString("hex"))
  })

  test.each(recorded)("$id: $about", async ({ answers, id, send, state }) => {
    const got = await conversation(Buffer.from(state, "latin1"), send.map((hex) => Buffer.from(hex, "hex")))
    expect(got).toEqual(different[id]?.answers ?? answers)
    // what is the same after all needs no reason
    if (different[id] !== undefined) expect(got).not.toEqual(answers)
  })
})

const request = (text: string, id = 7): Buffer =>
  Buffer.concat([Buffer.from([id >> 8, id & 255, 0, 0, 0, 1, 0, 0]), Buffer.from(text, "latin1")])

describe("limits", () => {
  test("statistics tell the port, and what was counted", () =>
    withNode(async ({ datagrams }) => {
      const { ask, close } = client(datagrams!.port)
      const answers = await ask(request("stats settings\r\n"))
      expect(answers.map((hex) => Buffer.from(hex, "hex").subarray(8).toString("latin1")).join("")).toContain(
        `STAT udpport ${datagrams!.port}\r\n`
      )
      await ask(request(""), request("get k"), Buffer.from([1]), Buffer.from([0, 1, 0, 0, 0, 2, 0, 0, 65]))
      close()
      // three ends of a conversation among them
      expect(datagrams!.counters).toMatchObject({ received: 7, dropped: 3, requests: 3, answers: 3, unsent: 0 })
    }))

  test("nobody signs in: it does not go with users", async () => {
    const made = serveMemcachedNode({ udpPort: 0, users: [{ name: "u", password: (await import("effect/Redacted")).make("p") }] })
    const error = await Effect.runPromise(Effect.flip(Effect.scoped(made)))
    expect(error).toMatchObject({ _tag: "ConnectionError", reason: { _tag: "ListenFailed" } })
    expect(error.message).toContain("sign in")
  })

  test("a port that is taken", () =>
    withNode(async ({ datagrams }) => {
      const error = await Effect.runPromise(Effect.flip(Effect.scoped(serveMemcachedNode({ udpPort: datagrams!.port }))))
      expect(error).toMatchObject({ _tag: "ConnectionError", reason: { _tag: "ListenFailed" }, address: `127.0.0.1:${datagrams!.port}` })
    }))

  test("handlers that answer later, as many as may wait, and those that never do", () =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      let asked = 0
      let interrupted = 0
      const server = yield* serveMemcachedDatagrams({
        get: ({ key }) => {
          asked++
          return key === "never"
            ? Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
            : Effect.as(Effect.sleep("1 millis"), { value: Buffer.from(key) })
        }
      }, { maxInFlight: 2, timeout: "100 millis" })
      yield* Effect.promise(async () => {
        const socket = createSocket("udp4")
        const came: Array<string> = []
        const arrived = new Promise<void>((resolve) =>
          socket.on("message", (bytes) => {
            came.push(bytes.toString("latin1"))
            if (came.length === 2) resolve()
          })
        )
        for (const key of ["never", "a", "b", "c"]) socket.send(request(`get ${key}\r\nget ${key}2\r\n`), server.port, "127.0.0.1")
        await arrived
        socket.close()
        // two may wait: that which never ends, and a
        expect(came.map((text) => text.slice(8))).toEqual(["VALUE a 0 1\r\na\r\nEND\r\n", "VALUE a2 0 2\r\na2\r\nEND\r\n"])
        while (interrupted === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      })
      expect(asked).toBe(4)
      expect(server.counters).toMatchObject({ received: 4, dropped: 2, requests: 4 })
    }))))

  test("what a handler throws is told, and the next datagram is answered", () =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const defects: Array<unknown> = []
      const server = yield* serveMemcachedDatagrams({
        get: ({ key }) => {
          if (key === "bad") throw new Error("a defect")
          return Effect.succeed({ value: Buffer.from("v") })
        }
      }, { onDefect: (defect) => defects.push(defect) })
      yield* Effect.promise(async () => {
        const { ask, close } = client(server.port)
        expect(await ask(request("get bad\r\nget k\r\n"))).toEqual([])
        expect(await ask(request("get k\r\n"))).toHaveLength(1)
        close()
      })
      expect(defects).toMatchObject([{ message: "a defect" }])
    }))))

  test("while too much waits to be sent, answers are dropped and counted", () =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const server = yield* serveMemcachedDatagrams({ get: () => Effect.succeed({ value: Buffer.alloc(100_000) }) }, { maxOutput: 50_000 })
      yield* Effect.promise(async () => {
        const socket = createSocket("udp4")
        const first = new Promise((resolve) => socket.once("message", resolve))
        socket.send(request("get a\r\nget b\r\nget c\r\n"), server.port, "127.0.0.1")
        await first
        socket.close()
      })
      expect(server.counters).toMatchObject({ requests: 3, answers: 1, unsent: 2 })
    }))))
})

test("a server of datagrams knows no header", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const server = yield* serveDatagrams<never>({
      open: () => undefined,
      choose: () => {
        throw new Error("nothing is opened")
      }
    })
    yield* Effect.promise(async () => {
      const socket = createSocket("udp4")
      await new Promise<void>((resolve) => socket.send("x", server.port, "127.0.0.1", () => resolve()))
      while (server.counters.received === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      socket.close()
    })
    expect(server.counters).toMatchObject({ received: 1, dropped: 1 })
  }))))
