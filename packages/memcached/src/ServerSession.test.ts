/** Answers leave in the order of the requests, whoever finishes first, and quiet commands tell only what they must. */
import { describe, expect, test } from "vitest"
import { server } from "./gen/index.ts"
import { isSilent, ServerSession } from "@wirewright/connection"

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
    const a = it.begin()
    const b = it.begin()
    it.finish("c")
    b("b")
    expect(log).toEqual([])
    a("a")
    expect(log).toEqual(["a", "b", "c"])
  })

  test("silence takes its turn, too", () => {
    const { log, session: it } = session()
    const a = it.begin()
    it.finish("b")
    a(undefined)
    expect(log).toEqual(["b"])
  })

  test("a request is answered once", () => {
    const { log, session: it } = session()
    const a = it.begin()
    const b = it.begin()
    a("a")
    a("again")
    b("b")
    expect(log).toEqual(["a", "b"])
  })

  test("any order of 2 000 finishes gives the one order of answers", () => {
    let seed = 20_250_711
    const random = () => (seed = Math.imul(seed, 48_271) >>> 0) / 2 ** 32
    const { log, session: it } = session(4_000)
    const open: Array<() => void> = []
    for (let i = 0; i < 2_000; i++) {
      if (random() < 0.3) it.finish(String(i))
      else {
        const finish = it.begin()
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
    const a = it.begin()
    it.finish("bye", true)
    it.finish("late")
    expect(log).toEqual([])
    a("a")
    expect(log).toEqual(["a", "bye", "end"])
  })

  test("a cleared session answers nothing", () => {
    const { log, session: it } = session()
    const a = it.begin()
    it.clear()
    a("a")
    expect(log).toEqual([])
  })
})

describe("limit", () => {
  test("reading stops at the limit, not before, and goes on at half of it", () => {
    const { log, session: it } = session(4)
    const open = [it.begin(), it.begin(), it.begin()]
    expect(log).toEqual([])
    open.push(it.begin())
    expect(log).toEqual(["pause"])
    open[0]!("0")
    expect(log).toEqual(["pause", "0"])
    open[1]!("1")
    expect(log).toEqual(["pause", "0", "1", "resume"])
  })
})

describe("silence", () => {
  // opcode, status, silent: memcached doc/protocol-binary.txt, "quiet"
  test.each([
    ["GETQ miss", 0x09, 0x01, true],
    ["GETQ hit", 0x09, 0x00, false],
    ["GETKQ miss", 0x0d, 0x01, true],
    ["GATQ miss", 0x1e, 0x01, true],
    ["GATKQ miss", 0x24, 0x01, true],
    ["GETQ invalid", 0x09, 0x04, false],
    ["GET miss", 0x00, 0x01, false],
    ["SETQ stored", 0x11, 0x00, true],
    ["SETQ too large", 0x11, 0x03, false],
    ["ADDQ exists", 0x12, 0x02, false],
    ["REPLACEQ miss", 0x13, 0x01, false],
    ["DELETEQ removed", 0x14, 0x00, true],
    ["DELETEQ miss", 0x14, 0x01, false],
    ["INCRQ", 0x15, 0x00, true],
    ["DECRQ not a number", 0x16, 0x06, false],
    ["FLUSHQ", 0x18, 0x00, true],
    ["APPENDQ", 0x19, 0x00, true],
    ["PREPENDQ not stored", 0x1a, 0x05, false],
    ["SET stored", 0x01, 0x00, false],
    ["unknown opcode", 0x77, 0x81, false]
  ])("%s", (_, opcode, status, silent) => expect(isSilent(server, opcode, status)).toBe(silent))
})
