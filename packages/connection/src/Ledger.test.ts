/** Proves that every answer reaches exactly the request it belongs to, and that late, unmatched and owed answers are told apart. */
import { describe, expect, it } from "vitest"
import { Ledger, maxRequests, type Waiter } from "./Ledger.ts"

/** A waiter that writes down what happens to it. */
const waiter = (log: Array<string>, name: string, deadline = 1000, answers = 1): Waiter<string> => {
  let left = answers
  return {
    deadline,
    answer: (answer) => {
      log.push(`${name}: ${answer}`)
      return --left === 0
    },
    fail: (why) => log.push(`${name}: ${why}`)
  }
}

const counts = (ledger: Ledger<string>) => [ledger.inFlight, ledger.owed, ledger.lateAnswers]

describe("answers", () => {
  it("go to whoever waits, in any order", () => {
    const log: Array<string> = []
    const ledger = new Ledger<string>()
    const opaques = ["a", "b", "c"].map((name) => ledger.add(waiter(log, name)))
    expect(new Set(opaques).size).toBe(3)
    for (const index of [2, 0, 1]) expect(ledger.settle(opaques[index]!, String(index))).toBe("answered")
    expect(log).toEqual(["c: 2", "a: 0", "b: 1"])
    expect(counts(ledger)).toEqual([0, 0, 0])
  })

  it("match nothing when nothing was asked, when they come twice, and after a drop", () => {
    const log: Array<string> = []
    const ledger = new Ledger<string>()
    expect(ledger.settle(0, "x")).toBe("unmatched")
    expect(ledger.settle(0xffff_ffff, "x")).toBe("unmatched")
    const opaque = ledger.add(waiter(log, "a"))
    ledger.settle(opaque, "1")
    expect(ledger.settle(opaque, "2")).toBe("unmatched")
    const dropped = ledger.add(waiter(log, "b"))
    ledger.drop(dropped)
    expect(ledger.settle(dropped, "3")).toBe("unmatched")
    expect(ledger.settleUnwanted(dropped)).toBe("unmatched")
    expect(log).toEqual(["a: 1"])
  })

  it("are of the command that was asked: nothing else may come for it, late or not", () => {
    const ledger = new Ledger<string>()
    expect(ledger.awaits(0, 0)).toBe("unknown")
    const get = ledger.add(waiter([], "get"))
    const batch = ledger.add(waiter([], "batch"))
    ledger.expect(get, 0x00)
    ledger.expect(batch, 0xfe, 0x0a)
    const of = (opaque: number) => [0x00, 0x01, 0x0a, 0xfe, 0xff].map((opcode) => ledger.awaits(opaque, opcode))
    const [no, yes] = ["mismatched", "waiting"]
    expect(of(get)).toEqual([yes, no, no, no, no])
    expect(of(batch)).toEqual([no, no, yes, yes, no])
    ledger.abandon(get)
    expect([ledger.awaits(get, 0x00), ledger.awaits(get, 0x01)]).toEqual(["abandoned", "mismatched"])
    ledger.settleUnwanted(get)
    expect(ledger.awaits(get, 0x00)).toBe("unknown")
    ledger.failAll()
    expect(ledger.awaits(batch, 0xfe)).toBe("unknown")
  })

  it("never reach the next request of the same slot", () => {
    const log: Array<string> = []
    const ledger = new Ledger<string>()
    const first = ledger.add(waiter(log, "first"))
    ledger.settle(first, "1")
    const second = ledger.add(waiter(log, "second"))
    expect(second).not.toBe(first)
    expect(second & 0xffff).toBe(first & 0xffff)
    expect(ledger.settle(first, "2")).toBe("unmatched")
    expect(ledger.inFlight).toBe(1)
  })

  it("keep to many-reply requests until the last", () => {
    const log: Array<string> = []
    const ledger = new Ledger<string>()
    const opaque = ledger.add(waiter(log, "stat", 1000, 3))
    for (const answer of ["1", "2", "3"]) expect(ledger.settle(opaque, answer)).toBe("answered")
    expect(ledger.settle(opaque, "4")).toBe("unmatched")
    expect(log).toEqual(["stat: 1", "stat: 2", "stat: 3"])
  })

  it("may enter new requests and end the connection while they are handed out", () => {
    const ledger = new Ledger<string>()
    const log: Array<string> = []
    let inner = -1
    const outer = ledger.add({
      deadline: 1000,
      answer: () => {
        expect(ledger.inFlight).toBe(0)
        inner = ledger.add(waiter(log, "inner"))
        return true
      },
      fail: (why) => log.push(`outer: ${why}`)
    })
    ledger.settle(outer, "1")
    expect(inner & 0xffff).not.toBe(outer & 0xffff)
    const many = ledger.add({
      deadline: 1000,
      answer: () => {
        ledger.failAll()
        return false
      },
      fail: (why) => log.push(`many: ${why}`)
    })
    ledger.settle(many, "1")
    expect(log).toEqual(["inner: lost", "many: lost"])
    expect(counts(ledger)).toEqual([0, 0, 0])
  })
})

describe("requests that were given up", () => {
  it("are owed an answer, which is counted as late, once", () => {
    const log: Array<string> = []
    const ledger = new Ledger<string>()
    const opaque = ledger.add(waiter(log, "a"))
    ledger.abandon(opaque)
    ledger.abandon(opaque)
    expect(counts(ledger)).toEqual([0, 1, 0])
    expect(ledger.awaits(opaque, 0)).toBe("abandoned")
    expect(ledger.settle(opaque, "1")).toBe("late")
    expect(ledger.settle(opaque, "2")).toBe("unmatched")
    expect(counts(ledger)).toEqual([0, 0, 1])
    const other = ledger.add(waiter(log, "b"))
    ledger.abandon(other)
    expect(ledger.settleUnwanted(other)).toBe("late")
    expect(log).toEqual([])
  })

  it("leave when they are dropped", () => {
    const ledger = new Ledger<string>()
    const opaque = ledger.add(waiter([], "a"))
    ledger.abandon(opaque)
    ledger.drop(opaque)
    expect(counts(ledger)).toEqual([0, 0, 0])
  })

  it("time out at their deadline, not before", () => {
    const log: Array<string> = []
    const ledger = new Ledger<string>()
    ledger.add(waiter(log, "late", 200))
    ledger.add(waiter(log, "early", 100))
    expect(ledger.nextDeadline).toBe(100)
    ledger.expire(99)
    expect(log).toEqual([])
    ledger.expire(100)
    expect(log).toEqual(["early: timeout"])
    expect(ledger.nextDeadline).toBe(200)
    expect(counts(ledger)).toEqual([1, 1, 0])
    ledger.expire(1e9)
    expect(log).toEqual(["early: timeout", "late: timeout"])
    expect(ledger.nextDeadline).toBe(Infinity)
  })

  it("fail when the connection is lost, once each, abandoned ones not at all", () => {
    const log: Array<string> = []
    const ledger = new Ledger<string>()
    const names = ["a", "b", "c"]
    const opaques = names.map((name) => ledger.add(waiter(log, name)))
    ledger.abandon(opaques[1]!)
    ledger.failAll()
    ledger.failAll()
    expect(log).toEqual(["a: lost", "c: lost"])
    expect(counts(ledger)).toEqual([0, 0, 0])
  })
})

describe("quiet requests after a barrier", () => {
  const group = () => {
    const log: Array<string> = []
    const ledger = new Ledger<string>()
    const members = ["a", "b", "c"].map((name) => ledger.add(waiter(log, name, Infinity)))
    const barrier = ledger.addBarrier(waiter(log, "barrier", 100), members)
    return { barrier, ledger, log, members }
  }

  it("leave with the answer to the barrier", () => {
    const { barrier, ledger, log, members } = group()
    ledger.settle(members[1]!, "hit")
    ledger.settle(barrier, "done")
    expect(log).toEqual(["b: hit", "barrier: done"])
    expect(counts(ledger)).toEqual([0, 0, 0])
    for (const member of members) expect(ledger.settle(member, "?")).toBe("unmatched")
  })

  it("are given up with the barrier, and forgotten with its late answer", () => {
    const { barrier, ledger, log, members } = group()
    ledger.expire(100)
    expect(log).toEqual(["barrier: timeout"])
    expect(counts(ledger)).toEqual([0, 4, 0])
    expect(ledger.settle(members[0]!, "hit")).toBe("late")
    expect(ledger.settle(barrier, "done")).toBe("late")
    expect(counts(ledger)).toEqual([0, 0, 2])
  })

  it("do not take along what came into their slots since", () => {
    const { barrier, ledger, log, members } = group()
    ledger.settle(members[0]!, "hit")
    const other = ledger.add(waiter(log, "other"))
    expect(other & 0xffff).toBe(members[0]! & 0xffff)
    ledger.settle(barrier, "done")
    expect(ledger.inFlight).toBe(1)
    expect(ledger.settle(other, "own")).toBe("answered")
  })
})

describe("limits", () => {
  it("hold 65 535 requests and not one more; the opaque that nobody answers stays free", () => {
    const ledger = new Ledger<string>()
    const opaques = new Set(Array.from({ length: maxRequests }, () => ledger.add(waiter([], "a"))))
    expect(opaques.size).toBe(65_535)
    expect(() => ledger.add(waiter([], "b"))).toThrow("65535")
    for (let i = 0; i < 40_000; i++) expect(opaques.has(ledger.silent())).toBe(false)
  })

  it("wrap below 2³¹", () => {
    const ledger = new Ledger<string>()
    const seen = new Set<number>()
    for (let i = 0; i < 32_768; i++) {
      const opaque = ledger.add(waiter([], "a"))
      expect(opaque >= 0 && opaque < 2 ** 31).toBe(true)
      seen.add(opaque)
      ledger.settle(opaque, "1")
    }
    expect(seen.size).toBe(32_768)
    expect(seen.has(ledger.add(waiter([], "a")))).toBe(true)
  })
})

describe("any history", () => {
  it("agrees with a map, whatever happens in whatever order", () => {
    for (let seed = 1; seed <= 200; seed++) {
      let state = seed
      const random = (below: number): number => {
        state = state * 1_103_515_245 + 12_345 & 0x7fff_ffff
        return (state >> 8) % below
      }
      const ledger = new Ledger<string>()
      const log: Array<string> = []
      const model = new Map<number, "waiting" | "abandoned">()
      const used: Array<number> = []
      let late = 0
      for (let step = 0; step < 200; step++) {
        const opaque = used[random(used.length)] ?? 77
        switch (random(5)) {
          case 0:
          case 1: {
            const added = ledger.add(waiter(log, "w", Infinity))
            expect(model.has(added), `seed ${seed}`).toBe(false)
            model.set(added, "waiting")
            used.push(added)
            break
          }
          case 2: {
            const was = model.get(opaque)
            const expected = was === "waiting" ? "answered" : was === "abandoned" ? "late" : "unmatched"
            expect(ledger.settle(opaque, "x"), `seed ${seed}`).toBe(expected)
            if (was === "abandoned") late++
            model.delete(opaque)
            break
          }
          case 3:
            ledger.abandon(opaque)
            if (model.get(opaque) === "waiting") model.set(opaque, "abandoned")
            break
          case 4:
            ledger.drop(opaque)
            model.delete(opaque)
        }
        const waiting = [...model.values()].filter((state) => state === "waiting").length
        expect(counts(ledger), `seed ${seed}`).toEqual([waiting, model.size - waiting, late])
      }
    }
  })
})

describe("a request with many answers that nobody waits for any more", () => {
  const isLast = (answer: string): boolean => answer === "end"
  const waiting = (deadline: number) => ({ answer: () => false, fail: () => {}, deadline, ends: isLast })

  it.each([["abandoned", (ledger: Ledger<string>, opaque: number) => ledger.abandon(opaque)], [
    "timed out",
    (ledger: Ledger<string>) => ledger.expire(100)
  ]])("%s: the rest is still known, and its opaque is taken until the last", (_, end) => {
    const ledger = new Ledger<string>()
    const opaque = ledger.add(waiting(50))
    ledger.expect(opaque, 0x10)
    end(ledger, opaque)
    expect([ledger.inFlight, ledger.owed, ledger.lateAnswers]).toEqual([0, 1, 0])
    for (const answer of ["a", "b"]) {
      expect(ledger.awaits(opaque, 0x10)).toBe("waiting")
      ledger.settle(opaque, answer)
    }
    expect([ledger.inFlight, ledger.owed, ledger.lateAnswers]).toEqual([0, 1, 0])
    ledger.settle(opaque, "end")
    expect([ledger.inFlight, ledger.owed, ledger.lateAnswers]).toEqual([0, 0, 1])
    expect(ledger.awaits(opaque, 0x10)).toBe("unknown")
    ledger.expire(200)
    ledger.failAll()
  })
})
