/** The rules of a proxy's client: order, silence, barriers, loss, limits. Random schedules replay with WIREWRIGHT_SEED. */
import { random } from "@wirewright/codec/Random.fixture"
import { Opcode, requestCommands, Status } from "@wirewright/memcached/gen"
import { describe, expect, it } from "vitest"
import { answerOf, Bench, type Received, requestOf, statOf } from "./ProxySession.fixture.ts"

const seed = Number(process.env["WIREWRIGHT_SEED"] ?? 20_261_121)
const got = (opcode: number, opaque: number, status = 0, value = ""): Received => ({ opcode, opaque, status, value })

describe("order", () => {
  it("answers leave in the order of the requests, with the client's opaques, however upstream orders them", () => {
    const bench = new Bench()
    // one opaque twice, and the largest there is: they are the client's business
    bench.send(requestOf(Opcode.Get, 7), requestOf(Opcode.Get, 0xffff_ffff), requestOf(Opcode.Version, 7, ""))
    bench.answer(2, 0, "1.6")
    bench.answer(1, 0, "second")
    expect(bench.received).toEqual([])
    bench.answer(0, 0, "first")
    expect(bench.received).toEqual([
      got(Opcode.Get, 7, 0, "first"),
      got(Opcode.Get, 0xffff_ffff, 0, "second"),
      got(Opcode.Version, 7, 0, "1.6")
    ])
  })

  it("STAT's answers stay together, up to the empty one", () => {
    const bench = new Bench()
    bench.send(requestOf(Opcode.Get, 1), requestOf(Opcode.Stat, 2, ""), requestOf(Opcode.Get, 3))
    const [get, stat, last] = bench.upstream.map(({ slot }) => slot)
    expect(stat!.answer(statOf("pid", "1"))).toBe(false)
    last!.answer(answerOf(Opcode.Get, 0, "last"))
    get!.answer(answerOf(Opcode.Get, 0, "get"))
    expect(stat!.answer(statOf("threads", "4"))).toBe(false)
    expect(stat!.answer(answerOf(Opcode.Stat, 0))).toBe(true)
    expect(bench.received.map(({ opaque, value }) => [opaque, value])).toEqual([
      [1, "get"],
      [2, "pid1"],
      [2, "threads4"],
      [2, ""],
      [3, "last"]
    ])
  })

  it("a refused STAT is one answer", () => {
    const bench = new Bench()
    bench.send(requestOf(Opcode.Stat, 2, "nonsense"), requestOf(Opcode.Noop, 3, ""))
    bench.answer(0, Status.KeyEnoent)
    expect(bench.received).toEqual([got(Opcode.Stat, 2, Status.KeyEnoent), got(Opcode.Noop, 3)])
  })
})

describe("quiet commands", () => {
  const quiet = Object.entries(requestCommands).filter(([opcode, command]) =>
    command?.quiet !== undefined && Number(opcode) !== Opcode.QuitQ
  )

  it("are all there are", () => expect(quiet).toHaveLength(13))

  it.each(quiet)("0x%d keeps its silence and reports everything else", (text, command) => {
    const opcode = Number(text)
    const silent = command!.quiet === "miss" ? Status.KeyEnoent : Status.Success
    for (const status of [Status.Success, Status.KeyEnoent, Status.KeyEexists, Status.NotStored, Status.Etmpfail, 0x1234]) {
      const bench = new Bench()
      const key = opcode === Opcode.FlushQ ? "" : "key"
      bench.send(requestOf(opcode, 1, key), requestOf(Opcode.Noop, 2, ""))
      expect(requestCommands[bench.upstream[0]!.opcode]!.quiet).toBe(undefined)
      expect(`${requestCommands[bench.upstream[0]!.opcode]!.name}Q`).toBe(command!.name)
      expect(bench.received).toEqual([])
      bench.answer(0, status)
      const answers = status === silent ? [] : [got(opcode, 1, status)]
      expect(bench.received).toEqual([...answers, got(Opcode.Noop, 2)])
    }
  })

  it("a barrier waits for the quiet commands before it, not for those after it", () => {
    const bench = new Bench()
    bench.send(requestOf(Opcode.GetKQ, 1), requestOf(Opcode.SetQ, 2), requestOf(Opcode.Noop, 3, ""), requestOf(Opcode.GetQ, 4))
    bench.answer(1, 0)
    expect(bench.received).toEqual([])
    bench.answer(0, 0, "hit")
    expect(bench.received).toEqual([got(Opcode.GetKQ, 1, 0, "hit"), got(Opcode.Noop, 3)])
  })

  it("a silent outcome never holds up what follows", () => {
    const bench = new Bench()
    bench.send(requestOf(Opcode.SetQ, 1), requestOf(Opcode.Get, 2))
    bench.answer(1, 0, "value")
    bench.answer(0, 0)
    expect(bench.received).toEqual([got(Opcode.Get, 2, 0, "value")])
    expect(bench.counters.byOpcode["SETQ"]).toEqual({ requests: 1, answers: 0, silent: 1, errors: 0 })
  })
})

describe("what the proxy answers itself", () => {
  it.each([0x25, 0x30, 0x40, 0x50, 0x89, 0xb5, 0xff, Opcode.SaslListMechs, Opcode.SaslAuth, Opcode.SaslStep, Opcode.Verbosity])(
    "opcode %d is answered UNKNOWN_COMMAND in its turn, as by memcached without SASL, and the connection goes on",
    (opcode) => {
      const bench = new Bench()
      bench.send(requestOf(Opcode.Get, 1), requestOf(opcode, 2), requestOf(Opcode.Get, 3))
      expect(bench.forwarded).toBe(2)
      bench.answer(1)
      bench.answer(0)
      expect(bench.received).toEqual([got(Opcode.Get, 1), got(opcode, 2, 0x81), got(Opcode.Get, 3)])
      expect(bench.closed).toBe(undefined)
    }
  )

  it.each([Opcode.Get, Opcode.SetQ])(
    "an empty key of opcode %d is not passed on, is answered EINVAL in its turn, and ends the connection",
    (opcode) => {
      const bench = new Bench()
      bench.send(requestOf(Opcode.Get, 1, "k"), requestOf(opcode, 2, ""), requestOf(Opcode.Get, 3, "k"))
      expect([bench.forwarded, bench.closed]).toEqual([1, undefined])
      bench.answer(0)
      expect(bench.received).toEqual([got(Opcode.Get, 1), got(opcode, 2, Status.Einval)])
      expect(bench.closed).toEqual({ _tag: "Invalid" })
    }
  )

  it("a malformed frame is answered EINVAL in its turn, and ends the connection", () => {
    const bench = new Bench()
    bench.send(requestOf(Opcode.Get, 1))
    bench.session.malformed(requestOf(Opcode.Set, 2))
    bench.send(requestOf(Opcode.Noop, 3, ""))
    expect(bench.received).toEqual([])
    bench.answer(0)
    expect(bench.received).toEqual([got(Opcode.Get, 1), got(Opcode.Set, 2, Status.Einval)])
    expect(bench.closed).toEqual({ _tag: "Invalid" })
  })

  it("QUIT is answered and closes, QUITQ only closes, both after everything before them", () => {
    for (const opcode of [Opcode.Quit, Opcode.QuitQ]) {
      const bench = new Bench()
      bench.send(requestOf(Opcode.Get, 1), requestOf(opcode, 2, ""), requestOf(Opcode.Get, 3))
      expect(bench.forwarded).toBe(1)
      expect(bench.closed).toBe(undefined)
      bench.answer(0)
      expect(bench.closed).toEqual({ _tag: "Quit" })
      expect(bench.received).toEqual([got(Opcode.Get, 1), ...(opcode === Opcode.Quit ? [got(opcode, 2)] : [])])
    }
  })
})

describe("a lost upstream", () => {
  it("reads are answered ETMPFAIL or EINTERNAL, in their turn, quiet ones too", () => {
    const bench = new Bench()
    bench.send(requestOf(Opcode.Get, 1), requestOf(Opcode.GetKQ, 2), requestOf(Opcode.Get, 3))
    const [first, second, third] = bench.upstream.map(({ slot }) => slot)
    third!.fail("misbehaved")
    second!.fail("unavailable")
    expect(bench.received).toEqual([])
    first!.fail("unavailable")
    expect(bench.received).toEqual([
      got(Opcode.Get, 1, Status.Etmpfail),
      got(Opcode.GetKQ, 2, Status.Etmpfail),
      got(Opcode.Get, 3, Status.Einternal)
    ])
    expect(bench.closed).toBe(undefined)
  })

  it("a write that may have happened closes the connection, after the answers before it", () => {
    const bench = new Bench()
    bench.send(requestOf(Opcode.Get, 1), requestOf(Opcode.Increment, 2), requestOf(Opcode.Get, 3))
    bench.upstream[1]!.slot.fail("ambiguous")
    bench.answer(2)
    expect(bench.closed).toBe(undefined)
    bench.answer(0)
    expect(bench.received).toEqual([got(Opcode.Get, 1)])
    expect(bench.closed).toEqual({ _tag: "OutcomeUnknown", command: "Increment" })
  })

  it("a STAT that broke off ends with a status", () => {
    const bench = new Bench()
    bench.send(requestOf(Opcode.Stat, 1, ""))
    bench.upstream[0]!.slot.answer(statOf("pid", "1"))
    bench.upstream[0]!.slot.fail("unavailable")
    expect(bench.received).toEqual([got(Opcode.Stat, 1, 0, "pid1"), got(Opcode.Stat, 1, Status.Etmpfail)])
  })

  it("an upstream that refuses at once is no different", () => {
    const bench = new Bench()
    bench.onForward = (slot) => slot.fail("unavailable")
    bench.send(requestOf(Opcode.Set, 1), requestOf(Opcode.Get, 2))
    expect(bench.received).toEqual([got(Opcode.Set, 1, Status.Etmpfail), got(Opcode.Get, 2, Status.Etmpfail)])
  })

  it("answers for a client that left are dropped", () => {
    const bench = new Bench()
    bench.send(requestOf(Opcode.Get, 1), requestOf(Opcode.Stat, 2, ""))
    const [get, stat] = bench.upstream.map(({ slot }) => slot)
    bench.session.closed()
    expect(stat!.answer(statOf("pid", "1"))).toBe(false)
    expect(stat!.answer(answerOf(Opcode.Stat, 0))).toBe(true)
    get!.answer(answerOf(Opcode.Get, 0, "late"))
    get!.fail("unavailable")
    expect(bench.received).toEqual([])
    expect(bench.session.bytes).toBe(0)
  })
})

describe("limits", () => {
  it("one request more than may be in flight waits", () => {
    const bench = new Bench({ maxInFlight: 3 })
    bench.send(...[1, 2, 3, 4].map((opaque) => requestOf(Opcode.Get, opaque)))
    expect([bench.forwarded, bench.session.inFlight, bench.paused]).toEqual([3, 3, true])
    bench.answer(1)
    expect(bench.forwarded).toBe(3)
    bench.answer(0)
    expect([bench.forwarded, bench.session.inFlight, bench.paused]).toEqual([4, 2, false])
  })

  it("requests under way count with their bytes, and one is always let through", () => {
    // the first answer's size is guessed as 256 KiB
    const bench = new Bench({ budget: 300_000 })
    const large = requestOf(Opcode.Set, 1, "key", "x".repeat(200_000))
    bench.send(large, requestOf(Opcode.Get, 2))
    expect([bench.forwarded, bench.paused]).toEqual([1, true])
    bench.answer(0)
    expect([bench.forwarded, bench.paused]).toEqual([2, false])
  })

  it("the answers to come are taken to be as large as the largest of late", () => {
    const bench = new Bench({ budget: 2_500_000 })
    bench.send(requestOf(Opcode.Get, 0))
    bench.answer(0, 0, "x".repeat(1_000_000))
    bench.send(...Array.from({ length: 10 }, (_, index) => requestOf(Opcode.Get, index + 1)))
    expect(bench.session.inFlight).toBe(3)
    const small = new Bench({ budget: 2_500_000 })
    small.send(...Array.from({ length: 100 }, (_, index) => requestOf(Opcode.Get, index + 1)))
    expect(small.session.inFlight).toBe(10)
  })

  it("answers a client does not read stop its requests, and reading them starts them again", () => {
    const bench = new Bench({ budget: 600_000 })
    bench.unread = 500_000
    bench.send(requestOf(Opcode.Get, 1), requestOf(Opcode.Get, 2))
    expect([bench.forwarded, bench.paused]).toEqual([1, true])
    bench.unread = 0
    bench.session.drained()
    expect([bench.forwarded, bench.paused]).toEqual([2, false])
  })

  it("the byte above what may wait closes, the byte at it does not", () => {
    for (const over of [0, 1]) {
      const bench = new Bench({ maxWaiting: 1_024 + 24 })
      bench.send(requestOf(Opcode.Get, 1), requestOf(Opcode.Get, 2))
      bench.answer(1, 0, "x".repeat(1_024 + over))
      expect(bench.closed).toEqual(over === 0 ? undefined : { _tag: "OutputLimit", bytes: 1_048 })
    }
  })

  it("draining answers what is under way, takes nothing more, and closes", () => {
    const bench = new Bench()
    bench.send(requestOf(Opcode.Get, 1))
    bench.session.drain()
    bench.session.request(requestOf(Opcode.Get, 2))
    expect([bench.forwarded, bench.closed]).toEqual([1, undefined])
    bench.answer(0)
    expect(bench.closed).toEqual({ _tag: "Drained" })
    const idle = new Bench()
    idle.session.drain()
    expect(idle.closed).toEqual({ _tag: "Drained" })
  })
})

/** What a client must receive, request by request, whatever the schedule. */
const expected = (opcode: number, opaque: number, outcome: { readonly status: number; readonly lost: string }): ReadonlyArray<Received> => {
  if (opcode === Opcode.Noop) return [got(opcode, opaque)]
  if (opcode === 0x77) return [got(opcode, opaque, 0x81)]
  if (outcome.lost === "unavailable") return [got(opcode, opaque, 0x86)]
  const silence = requestCommands[opcode]!.quiet
  if (silence === "miss" && outcome.status === 1 || silence === "success" && outcome.status === 0) return []
  return [got(opcode, opaque, outcome.status, `${opaque}`)]
}

describe("random schedules in virtual time", () => {
  const opcodes = [0x00, 0x01, 0x09, 0x0d, 0x11, 0x0a, 0x0b, 0x14, 0x77, 0x1e, 0x05, 0x15]

  it.each([0, 1, 2, 3])("answers are right and in order, nothing is lost or kept (seed + %d)", (offset) => {
    const below = random(seed + offset)
    for (let run = 0; run < 500; run++) {
      const bench = new Bench({ maxInFlight: 1 + below(20) })
      const model: Array<Received> = []
      const total = below(80)
      /** Virtual time: what happens when, to which request. */
      const agenda: Array<{ readonly at: number; readonly act: () => void }> = []
      let now = 0
      const outcomes = Array.from({ length: total }, (_, opaque) => ({
        opcode: opcodes[below(opcodes.length)]!,
        opaque,
        status: [0, 1, 2, 5][below(4)]!,
        lost: below(8) === 0 ? "unavailable" : "",
        delay: below(10) === 0 ? below(10_000) : below(50)
      }))
      bench.onForward = (slot) => {
        const { lost, delay, opaque, status } = outcomes[slot.opaque]!
        agenda.push({
          at: now + delay,
          act: () => lost === "" ? slot.answer(answerOf(slot.command!.loud, status, `${opaque}`)) : slot.fail("unavailable")
        })
      }
      for (const outcome of outcomes) {
        model.push(...expected(outcome.opcode, outcome.opaque, outcome))
        agenda.push({ at: below(200) + outcome.opaque * 10, act: () => {} })
      }
      // requests keep their order; the times at which the client sends them are random
      let sent = 0
      const step = () => {
        if (sent >= total) return
        const burst = 1 + below(6)
        for (let i = 0; i < burst && sent < total; i++, sent++) {
          const { opcode, opaque } = outcomes[sent]!
          bench.send(requestOf(opcode, opaque, opcode === 0x0a || opcode === 0x0b ? "" : "key"))
        }
        agenda.push({ at: now + below(30), act: step })
      }
      step()
      while (agenda.length > 0) {
        const earliest = agenda.reduce((best, one, index) => one.at < agenda[best]!.at ? index : best, 0)
        const [{ at, act }] = agenda.splice(earliest, 1) as [typeof agenda[number]]
        now = Math.max(now, at)
        act()
      }
      expect(bench.received, `seed ${seed + offset}, run ${run}`).toEqual(model)
      expect([bench.session.inFlight, bench.session.bytes, bench.paused]).toEqual([0, 0, false])
    }
  })
})
