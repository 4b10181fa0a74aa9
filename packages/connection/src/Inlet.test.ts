/** What a packet answers where no header field says so: pure, and over a link in memory. */
import * as Effect from "effect/Effect"
import { duplexPair } from "node:stream"
import { describe, expect, it } from "vitest"
import * as Client from "./Client.ts"
import { OrderedLedger } from "./OrderedLedger.ts"
import { PacketConnection } from "./PacketConnection.ts"

interface Packet {
  readonly _tag: string
  readonly id?: number
}

/** Somebody who waits for `count` answers, and writes down what he hears. */
const waiting = (name: string, heard: Array<string>, { count = 1, deadline = 100 } = {}) => {
  let left = count
  return {
    deadline,
    ends: count === 1 ? undefined : ({ _tag }: Packet) => _tag === "Last",
    answer: ({ _tag }: Packet) => {
      heard.push(`${name}: ${_tag}`)
      return --left === 0
    },
    fail: (why: string) => void heard.push(`${name}: ${why}`)
  }
}

const ledger = () => new OrderedLedger<Packet>({ field: "id", max: 3 })

describe("requests in flight, without a header field", () => {
  it("a number is free for whoever hears the last answer", () => {
    const heard: Array<string> = []
    const it = ledger()
    const next = () => it.enter(waiting("released", heard), ["Done"], 2)
    const first = { ...waiting("sent", heard), answer: () => next() > 0 }
    it.enter(first, ["Received"], 2)
    expect(it.settle({ _tag: "Received", id: 2 })).toBe("answered")
    expect(it.inFlight).toBe(1)
    expect(it.settle({ _tag: "Done", id: 2 })).toBe("answered")
    expect(heard).toEqual(["released: Done"])
    expect(it.inFlight).toBe(0)
  })

  it("a packet answers the oldest that it may answer", () => {
    const heard: Array<string> = []
    const it = ledger()
    it.enter(waiting("ping", heard), ["Pong"], 0)
    it.enter(waiting("a", heard), ["Row"], 0)
    it.enter(waiting("b", heard), ["Row", "Pong"], 0)
    for (const _tag of ["Row", "Pong", "Row"]) expect(it.settle({ _tag })).toBe("answered")
    expect(heard).toEqual(["a: Row", "ping: Pong", "b: Row"])
    expect(it.settle({ _tag: "Row" })).toBe("unmatched")
    expect(it.inFlight).toBe(0)
  })

  it("of those with a number, the one that has it", () => {
    const heard: Array<string> = []
    const it = ledger()
    const [one, two] = ["one", "two"].map((name) => it.enter(waiting(name, heard), ["Ack"], undefined))
    expect([it.numberOf(one!), it.numberOf(two!)]).toEqual([1, 2])
    expect(it.settle({ _tag: "Ack", id: 2 })).toBe("answered")
    expect(it.settle({ _tag: "Ack", id: 2 })).toBe("unmatched")
    expect(it.settle({ _tag: "Other", id: 1 })).toBe("unmatched")
    expect(it.settle({ _tag: "Ack" })).toBe("unmatched")
    expect(it.settle({ _tag: "Ack", id: 1 })).toBe("answered")
    expect(heard).toEqual(["two: Ack", "one: Ack"])
  })

  it("numbers are those that are free; one that is taken, and one more than there are, are refused", () => {
    const it = ledger()
    it.enter(waiting("given", []), ["Ack"], 2)
    expect(() => it.enter(waiting("again", []), ["Ack"], 2)).toThrow("a number of no request in flight")
    const opaques = [0, 1].map((i) => it.enter(waiting(String(i), []), ["Ack"], undefined))
    expect(opaques.map((one) => it.numberOf(one))).toEqual([1, 3])
    expect(() => it.enter(waiting("more", []), ["Ack"], undefined)).toThrow("at most 3 requests in flight")
    it.drop(opaques[0]!)
    expect(it.numberOf(it.enter(waiting("then", []), ["Ack"], undefined))).toBe(1)
    expect(it.inFlight).toBe(3)
  })

  it("one that nobody waits for keeps its place, and its number, until it is answered to the last", () => {
    const heard: Array<string> = []
    const it = ledger()
    const first = it.enter(waiting("first", heard, { count: 3 }), ["Row", "Last"], 0)
    it.enter(waiting("second", heard), ["Row"], 0)
    const numbered = it.enter(waiting("numbered", heard), ["Ack"], undefined)
    it.settle({ _tag: "Row" })
    it.abandon(first)
    it.abandon(numbered)
    expect([it.inFlight, it.owed]).toEqual([1, 2])
    expect(it.settle({ _tag: "Row" })).toBe("late")
    expect(it.settle({ _tag: "Last" })).toBe("late")
    expect(it.settle({ _tag: "Row" })).toBe("answered")
    expect(() => it.enter(waiting("taken", heard), ["Ack"], 1)).toThrow()
    expect(it.settle({ _tag: "Ack", id: 1 })).toBe("late")
    expect([it.inFlight, it.owed, it.lateAnswers]).toEqual([0, 0, 3])
    expect(heard).toEqual(["first: Row", "second: Row"])
  })

  it("deadlines, and the end of the connection", () => {
    const heard: Array<string> = []
    const it = ledger()
    it.enter(waiting("early", heard, { deadline: 10 }), ["Row"], 0)
    it.enter(waiting("late", heard, { deadline: 20 }), ["Row"], 0)
    it.expire(9)
    expect([heard.length, it.nextDeadline]).toEqual([0, 10])
    it.expire(10)
    expect(heard).toEqual(["early: timeout"])
    expect(it.nextDeadline).toBe(20)
    // its answer still comes first
    expect(it.settle({ _tag: "Row" })).toBe("late")
    it.failAll()
    expect(heard).toEqual(["early: timeout", "late: lost"])
    expect(it.settle({ _tag: "Row" })).toBe("unmatched")
  })

  it("as in a model, for any order of what may happen", () => {
    for (let seed = 1; seed <= 60; seed++) {
      let state = seed
      const below = (bound: number): number => (state = state * 48_271 % 2_147_483_647) % bound
      const it = new OrderedLedger<Packet>(undefined)
      const line: Array<{ readonly name: string; readonly opaque: number; readonly tag: string; given: boolean }> = []
      const heard: Array<string> = []
      const expected: Array<string> = []
      for (let step = 0; step < 200; step++) {
        const tag = below(2) === 0 ? "A" : "B"
        const index = line.findIndex((one) => one.tag === tag)
        if (below(3) === 0) {
          const name = String(step)
          line.push({ name, tag, opaque: it.enter(waiting(name, heard), [tag], 0), given: false })
        } else if (below(4) === 0 && line.length > 0) {
          const one = line[below(line.length)]!
          it.abandon(one.opaque)
          one.given = true
        } else {
          const one = line[index]
          if (index >= 0) line.splice(index, 1)
          if (one?.given === false) expected.push(`${one.name}: ${tag}`)
          expect(it.settle({ _tag: tag }), `seed ${seed}`).toBe(one === undefined ? "unmatched" : one.given ? "late" : "answered")
        }
        expect(it.inFlight + it.owed).toBe(line.length)
        expect(it.owed).toBe(line.filter(({ given }) => given).length)
      }
      expect(heard).toEqual(expected)
    }
  })

  it("a line of 20 000 is answered in linear steps", () => {
    const steps = (size: number): number => {
      let looked = 0
      const it = new OrderedLedger<Packet>(undefined)
      const answers = new Proxy(["A"], {
        get: (target, key) => {
          if (key === "0") looked++
          return Reflect.get(target, key) as unknown
        }
      })
      for (let i = 0; i < size; i++) it.enter(waiting("x", []), answers, 0)
      for (let i = 0; i < size; i++) it.settle({ _tag: "A" })
      return looked
    }
    expect(steps(20_000)).toBe(20_000)
  })
})

/** Bytes that are packets of one letter each: small ones answer, capital ones come unasked; `!` begins a phase of two letters each. */
const letters = (size: number) => ({
  shape: { name: "letters", maxFrame: 8, sizeAt: () => size },
  decode: (reader: { readonly bytes: Uint8Array }, at: number): Packet => ({
    _tag: String.fromCodePoint(...reader.bytes.subarray(at, at + size))
  })
})
const protocol = {
  name: "letters",
  maxFrame: 8,
  states: {},
  phases: { one: letters(1), two: letters(2) },
  next: { "!": "two" },
  answers: ["a", "b", "cc"]
}

describe("a connection", () => {
  const opened = <A, E>(
    use: (
      connection: PacketConnection<Packet, Packet>,
      peer: ReturnType<typeof duplexPair>[1],
      pushed: Array<string>
    ) => Effect.Effect<A, E>
  ) => {
    const [own, peer] = duplexPair()
    const pushed: Array<string> = []
    return Effect.runPromise(Effect.scoped(Effect.flatMap(
      PacketConnection.make<Packet, Packet>({
        host: "memory",
        port: 0,
        dial: () => own,
        protocol: protocol as never,
        onServerRequest: ({ _tag }) => void pushed.push(_tag)
      }),
      (connection) => use(connection, peer, pushed)
    )))
  }

  it("a phase begins right after the packet that begins it, also within a chunk", () =>
    opened((connection, peer, pushed) =>
      Effect.gen(function*() {
        peer.write("XY!ZZXX")
        while (pushed.length < 5) yield* Effect.sleep(1)
        expect(pushed).toEqual(["X", "Y", "!", "ZZ", "XX"])
        expect(connection.closed).toBeUndefined()
      })
    ))

  it("ends when an answer comes that nothing asked for", () =>
    opened((connection, peer) =>
      Effect.gen(function*() {
        peer.write("Xa")
        while (connection.closed === undefined) yield* Effect.sleep(1)
        expect(connection.closed.reason).toMatchObject({ _tag: "PeerMisbehaved", message: "a, which answers no request in flight" })
      })
    ))

  it("is lost when the peer ends its side", () =>
    opened((connection, peer) =>
      Effect.gen(function*() {
        peer.resume().end()
        while (connection.closed === undefined) yield* Effect.sleep(1)
        expect(connection.closed.reason._tag).toBe("ConnectionLost")
      })
    ))

  it("ends what is said on it before it takes requests, whatever that waits for", async () => {
    const [own, peer] = duplexPair()
    let ended = false
    const begun = Effect.ensuring(Effect.never, Effect.sync(() => void (ended = true)))
    const made = Client.make({ client: protocol }, {
      host: "memory",
      port: 0,
      dial: () => own,
      reconnect: { maxAttempts: 0 },
      begin: () => Effect.andThen(Effect.sync(() => void peer.resume().end()), begun)
    } as never)
    const exit = await Effect.runPromise(Effect.scoped(Effect.timeout(Effect.exit(made as Effect.Effect<unknown>), "2 seconds")))
    expect(exit).toMatchObject({ _tag: "Failure", cause: { reasons: [{ error: { reason: { _tag: "ConnectionLost" } } }] } })
    expect(ended).toBe(true)
  })
})
