/** Answers leave in the order of the requests, whoever finishes first, and quiet commands tell only what they must. */
import { describe, expect, test } from "vitest"
import { ServerSession } from "./ServerSession.ts"

const session = (maxInFlight?: number) => {
  const log: Array<string> = []
  const made = new ServerSession<string>({
    answer: (answer) => log.push(answer),
    end: () => log.push("end"),
    pause: () => log.push("pause"),
    resume: () => log.push("resume")
  }, maxInFlight)
  return { log, session: made }
}

describe("order", () => {
  test("what is finished at once leaves at once", () => {
    const { log, session: it } = session()
    it.finish("a")
    it.finish(undefined)
    it.finish("b")
    expect(log).toEqual(["a", "b"])
    expect(it.inFlight).toBe(0)
  })

  test("what is finished early waits for those before it", () => {
    const { log, session: it } = session()
    const { finish: a } = it.begin()
    const { finish: b } = it.begin()
    it.finish("c")
    b("b")
    expect(log).toEqual([])
    a("a")
    expect(log).toEqual(["a", "b", "c"])
  })

  test("silence takes its turn, too", () => {
    const { log, session: it } = session()
    const { finish: a } = it.begin()
    it.finish("b")
    a(undefined)
    expect(log).toEqual(["b"])
  })

  test("a request is answered once", () => {
    const { log, session: it } = session()
    const { finish: a } = it.begin()
    const { finish: b } = it.begin()
    a("a")
    a("again")
    b("b")
    expect(log).toEqual(["a", "b"])
  })

  test("the last answer may come later; what was asked after it is forgotten", () => {
    const { log, session: it } = session()
    const { finish: a } = it.begin()
    const { finish: b } = it.begin()
    const { finish: c } = it.begin()
    c("c")
    b(undefined, true)
    expect([it.ended, log]).toEqual([true, []])
    it.finish("d")
    a("a")
    expect(log).toEqual(["a", "end"])
  })

  test("any order of 2 000 finishes gives the one order of answers", () => {
    let seed = 20_250_711
    const random = () => (seed = Math.imul(seed, 48_271) >>> 0) / 2 ** 32
    const { log, session: it } = session(4_000)
    const open: Array<() => void> = []
    for (let i = 0; i < 2_000; i++) {
      if (random() < 0.3) it.finish(String(i))
      else {
        const { finish } = it.begin()
        open.push(() => finish(String(i)))
      }
      while (open.length > 0 && random() < 0.4) open.splice(Math.floor(random() * open.length), 1)[0]!()
    }
    for (const finish of open) finish()
    expect(log).toEqual(Array.from({ length: 2_000 }, (_, i) => String(i)))
  })
})

describe("end", () => {
  test("the last answer ends the connection after those before it, and nothing follows", () => {
    const { log, session: it } = session()
    const { finish: a } = it.begin()
    it.finish("bye", true)
    it.finish("late")
    expect(log).toEqual([])
    a("a")
    expect(log).toEqual(["a", "bye", "end"])
  })

  test("a cleared session answers nothing", () => {
    const { log, session: it } = session()
    const { finish: a } = it.begin()
    it.clear()
    a("a")
    expect(log).toEqual([])
  })
})

describe("limit", () => {
  test("reading stops at the limit, not before, and goes on at half of it", () => {
    const { log, session: it } = session(4)
    const open = [it.begin(), it.begin(), it.begin()].map(({ finish }) => finish)
    expect(log).toEqual([])
    open.push(it.begin().finish)
    expect(log).toEqual(["pause"])
    open[0]!("0")
    expect(log).toEqual(["pause", "0"])
    open[1]!("1")
    expect(log).toEqual(["pause", "0", "1", "resume"])
  })
})

describe("many answers", () => {
  test("leave one by one, in their turn alone, and those after them wait for their end", () => {
    const { log, session: it } = session()
    const reached: Array<string> = []
    const { finish: a } = it.begin()
    const b = it.begin(() => reached.push("b"))
    it.finish("c")
    b.part("too early")
    expect([log, reached]).toEqual([[], []])
    a("a")
    expect([log, reached]).toEqual([["a"], ["b"]])
    b.part("b1")
    b.part("b2")
    expect(log).toEqual(["a", "b1", "b2"])
    b.finish(undefined)
    b.part("too late")
    expect(log).toEqual(["a", "b1", "b2", "c"])
  })

  test("at once when nothing is before them", () => {
    const { session: it } = session()
    let reached = 0
    it.begin(() => reached++)
    expect(reached).toBe(1)
    it.begin(() => reached++)
    expect(reached).toBe(1)
  })
})
