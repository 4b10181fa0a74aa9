/** The session by itself: limits at their edges, deadlines, states, dialects, and what leaves as one frame. */
import { defaultReconnect } from "@wirewright/connection/Reconnect"
import { describe, expect, it } from "vitest"
import type { DeepstreamReason } from "./DeepstreamError.ts"
import { DeepstreamSession } from "./DeepstreamSession.ts"
import { framesOf, Host, loggedIn, nothing, visible, wire } from "./Session.fixture.ts"

const outcome = <A>() => {
  const outcomes: Array<A | DeepstreamReason> = []
  return {
    outcomes,
    settle: { succeed: (value: A) => void outcomes.push(value), fail: (reason: DeepstreamReason) => void outcomes.push(reason) }
  }
}

const tagOf = (reason: unknown): string | undefined => (reason as { readonly _tag?: string } | undefined)?._tag

/** A session without a connection. */
const offline = (options: ConstructorParameters<typeof DeepstreamSession>[2] = {}) => {
  const host = new Host()
  const session = new DeepstreamSession("ws://server", host, options)
  session.start()
  return { host, session }
}

const open = (session: DeepstreamSession): void => {
  session.socketOpened()
  session.received(wire("C|CH+C|A+"))
  session.login({}, nothing)
  session.received(wire("A|A+"))
}

describe("sending", () => {
  it("puts everything of one tick into one frame, in its order", () => {
    const { session } = loggedIn()
    for (let index = 0; index < 250; index++) session.events.emit("e", index)
    session.presence.subscribe("ann", { changed: () => {}, over: () => {} }, nothing)
    session.presence.subscribe("bob", { changed: () => {}, over: () => {} }, nothing)
    const frames = framesOf(session)
    expect(frames).toHaveLength(1)
    const messages = frames[0]!.split("+").slice(0, -1)
    expect(messages.slice(0, 250)).toEqual(Array.from({ length: 250 }, (_, index) => `E|EVT|e|N${index}`))
    expect(messages.slice(250)).toEqual(["U|S|1|[\"ann\",\"bob\"]"])
  })

  it("makes frames of at most the largest size, and of one message when that alone is larger", () => {
    const { session } = loggedIn({ maxFrame: 40 })
    for (let index = 0; index < 8; index++) session.events.emit("e", "1234")
    session.events.emit("e", "x".repeat(60))
    session.events.emit("e", "y")
    // E|EVT|e|S1234+ has 14 characters
    expect(framesOf(session).map(({ length }) => length)).toEqual([28, 28, 28, 28, 70, 11])
  })

  it("sends a message of the largest size, and refuses one that is a character longer", () => {
    const { session } = loggedIn({ maxMessage: 30 })
    const room = 30 - "E|EVT|e|S+".length
    expect(session.events.emit("e", "x".repeat(room))).toBeUndefined()
    expect(tagOf(session.events.emit("e", "x".repeat(room + 1)))).toBe("InvalidMessage")
    expect(framesOf(session)[0]).toHaveLength(30)
  })

  it("refuses what would be read as several messages or fields", () => {
    const { session } = loggedIn()
    for (const name of ["a\x1fb", "a\x1eb"]) {
      expect(tagOf(session.events.emit(name, 1))).toBe("InvalidMessage")
      expect(tagOf(session.events.emit("e", name))).toBe("InvalidMessage")
      expect(tagOf(session.records.upsert(name, undefined, {}))).toBe("InvalidMessage")
    }
    expect(session.events.emit("e", { text: "a\x1fb\x1e" })).toBeUndefined()
    expect(framesOf(session)).toEqual(["E|EVT|e|O{\"text\":\"a\\u001fb\\u001e\"}+"])
  })
})

describe("without a connection", () => {
  it("as many messages wait as the limit says, and one more is refused", () => {
    const { session } = offline({ maxQueued: 3 })
    expect([1, 2, 3, 4].map((value) => tagOf(session.events.emit("e", value)))).toEqual([undefined, undefined, undefined, "QueueFull"])
    open(session)
    expect(framesOf(session).join("")).toContain("E|EVT|e|N1+E|EVT|e|N2+E|EVT|e|N3+")
  })

  it("as many characters wait as the limit says, and one more is refused", () => {
    const size = "E|EVT|e|N1+".length
    const { session } = offline({ maxQueuedSize: size * 2 })
    expect([1, 2, 3].map((value) => tagOf(session.events.emit("e", value)))).toEqual([undefined, undefined, "QueueFull"])
    const narrow = offline({ maxQueuedSize: size * 2 - 1 }).session
    expect([1, 2].map((value) => tagOf(narrow.events.emit("e", value)))).toEqual([undefined, "QueueFull"])
  })

  it("nothing waits when that is not wanted", () => {
    const { session } = offline({ offline: "fail" })
    expect(tagOf(session.events.emit("e", 1))).toBe("NotConnected")
    const { outcomes, settle } = outcome<boolean>()
    session.records.has("r", settle)
    expect(outcomes.map(tagOf)).toEqual(["NotConnected"])
  })

  it("says what was dropped when it is closed", () => {
    const { host, session } = offline()
    session.events.emit("e", 1)
    session.events.emit("e", 2)
    const { outcomes, settle } = outcome<unknown>()
    session.rpc.request("p", 1, settle)
    session.close()
    expect(host.codes).toEqual(["QUEUE_DROPPED"])
    expect(host.problems[0]!.reason).toMatchObject({ messages: 3 })
    expect(outcomes.map(tagOf)).toEqual(["Closed"])
    expect(tagOf(session.events.emit("e", 3))).toBe("Closed")
  })

  it("what was given up is not sent", () => {
    const { session } = offline()
    session.rpc.request("p", 1, nothing)()
    session.events.emit("e", 1)
    open(session)
    expect(framesOf(session).join("")).not.toContain("P|REQ")
  })
})

describe("the connection", () => {
  it("waits longer after each failure, up to the limit, and anew after a connection that lasted", () => {
    const { host, session } = offline({ reconnect: { initialDelay: 100, factor: 2, maxDelay: 500, jitter: true, maxAttempts: Infinity } })
    const waits: Array<number> = []
    for (let attempt = 0; attempt < 5; attempt++) {
      session.socketClosed()
      waits.push(session.nextDeadline! - host.time)
      host.time = session.nextDeadline!
      session.tick()
    }
    // in the middle of what jitter allows, as the test's random number is
    expect(waits.map(Math.round)).toEqual([100, 200, 400, 500, 500])
    expect(host.dialled).toHaveLength(6)
    const lives = (millis: number): number => {
      session.tick()
      open(session)
      host.time += millis
      session.socketClosed()
      const wait = session.nextDeadline! - host.time
      host.time = session.nextDeadline!
      return Math.round(wait)
    }
    // a login that is lost at once is one more failure
    expect([lives(999), lives(1_000), lives(0), lives(0)]).toEqual([500, 0, 100, 200])
  })

  it("counts as lasting from the login, or from when the server takes one if there are no credentials", () => {
    const { host, session } = offline({ loginTimeout: 5_000, reconnect: { ...defaultReconnect, initialDelay: 100, jitter: false } })
    const wait = (): number => {
      session.socketClosed()
      const found = session.nextDeadline! - host.time
      host.time = session.nextDeadline!
      session.tick()
      session.socketOpened()
      session.received(wire("C|A+"))
      return found
    }
    session.start()
    session.socketOpened()
    session.received(wire("C|A+"))
    host.time += 1_000
    expect(wait()).toBe(0)
    session.login({}, nothing)
    host.time += 1_000
    // accepted for a second, but the login was not answered
    expect(wait()).toBe(0)
    host.time += 1_000
    expect(wait()).toBe(100)
  })

  it("gives up after so many attempts", () => {
    const { host, session } = offline({ reconnect: { initialDelay: 1, factor: 1, maxDelay: 1, jitter: false, maxAttempts: 2 } })
    const { outcomes, settle } = outcome<unknown>()
    session.login({}, settle)
    for (let attempt = 0; attempt < 3; attempt++) {
      session.socketClosed()
      host.time += 1
      session.tick()
    }
    expect(host.dialled).toHaveLength(3)
    expect(outcomes.map(tagOf)).toEqual(["ReconnectsExhausted"])
    expect(session.state).toBe("CLOSED")
  })

  it("is lost when nothing was heard for twice the interval, and not a millisecond before", () => {
    const { host, session } = loggedIn({ heartbeatInterval: 500 })
    host.time = 600
    session.received(wire("C|PI+"))
    expect(framesOf(session)).toEqual(["C|PO+"])
    host.time = 1599
    session.tick()
    expect(session.state).toBe("OPEN")
    host.time = 1600
    session.tick()
    expect([session.state, host.problems[0]!.reason]).toMatchObject(["RECONNECTING", {
      message: "heartbeat not received in the last 1000 milliseconds"
    }])
  })

  it("gives up a server that does not say that it takes a login, or does not answer it", () => {
    const { host, session } = offline({ connectTimeout: 1000, loginTimeout: 2000 })
    const { outcomes, settle } = outcome<unknown>()
    session.login({}, settle)
    session.socketOpened()
    host.time = 1000
    session.tick()
    expect(session.state).toBe("RECONNECTING")
    host.time = session.nextDeadline!
    session.tick()
    session.socketOpened()
    session.received(wire("C|A+"))
    expect(session.state).toBe("AUTHENTICATING")
    host.time = 2000
    session.tick()
    expect(outcomes.map(tagOf)).toEqual(["LoginTimeout"])
    host.time = 4000
    session.tick()
    expect(host.codes).toEqual(["connectionError", "connectionError"])
  })

  it("tells a classic server from a text endpoint by what it does", () => {
    const classic = loggedIn().session
    classic.received(wire("C|PI+"))
    expect(classic.dialect).toBe("classic")
    const { session } = offline()
    session.login({}, nothing)
    session.socketOpened()
    session.received(wire("C|A+C|PI+A|A+"))
    expect([session.state, session.dialect]).toEqual(["OPEN", "text"])
    const failures: Array<DeepstreamReason> = []
    session.rpc.request("p", 1, { succeed: () => {}, fail: (reason) => failures.push(reason) })
    const [, , , id] = framesOf(session).join("").split("+").find((message) => message.startsWith("P|REQ"))!.split("|")
    session.received(wire(`P|E|Sboom|p|${id}+`))
    expect(failures).toMatchObject([{ _tag: "RpcFailed", message: "boom" }])
    // has is asked as head
    session.records.has("r", nothing)
    expect(framesOf(session)).toEqual(["R|HD|r+"])
  })

  it("writes 0, false and an empty text at a path as a whole record where a server refuses them", () => {
    const { session } = offline()
    session.login({}, nothing)
    session.socketOpened()
    session.received(wire("C|A+C|PI+A|A+"))
    const record = session.records.open("r", { ready: () => {}, changed: () => {}, provided: () => {}, over: () => {}, late: () => true })
    session.received(wire("R|A|S|r+R|R|r|5|{\"a\":1}+"))
    framesOf(session)
    if ("_tag" in record) throw new Error(record._tag)
    record.set("a", 0)
    record.set("b", true)
    expect(framesOf(session)).toEqual(["R|U|r|6|{\"a\":0}+R|P|r|7|b|T+"])
    expect(tagOf(session.records.upsert("other", "a", false))).toBe("InvalidMessage")
  })

  it("goes through its states", () => {
    const { host, session } = loggedIn()
    session.socketClosed()
    session.logout()
    session.login({}, nothing)
    session.socketOpened()
    expect(host.states).toEqual([
      "AWAITING_CONNECTION",
      "CHALLENGING",
      "AWAITING_AUTHENTICATION",
      "AUTHENTICATING",
      "OPEN",
      "ERROR",
      "RECONNECTING",
      "CLOSED",
      "AWAITING_CONNECTION"
    ])
  })
})

describe("subscriptions", () => {
  it("are told once however many want them, and end with the last", () => {
    const { host, session } = loggedIn()
    const ends = [1, 2].map(() => session.events.subscribe("e", { event: () => {}, over: () => {} }, nothing))
    expect(framesOf(session)).toEqual(["E|S|e+"])
    session.received(wire("E|A|S|e+"))
    ends[0]!()
    ends[0]!()
    expect(framesOf(session)).toEqual([])
    ends[1]!()
    expect(framesOf(session)).toEqual(["E|US|e+"])
    // what comes late is a notice, what comes after the end an error
    session.received(wire("E|EVT|e|N1+E|A|US|e+E|EVT|e|N2+"))
    expect(host.problems.map(({ severity }) => severity)).toEqual(["notice", "error"])
  })

  it("come back although the server acknowledged their end meanwhile", () => {
    const { host, session } = loggedIn()
    const heard: Array<unknown> = []
    const first = session.events.subscribe("e", { event: () => {}, over: () => {} }, nothing)
    session.received(wire("E|A|S|e+"))
    first()
    session.events.subscribe("e", { event: (value) => heard.push(value), over: () => {} }, nothing)
    expect(framesOf(session)).toEqual(["E|S|e+E|US|e+E|S|e+"])
    session.received(wire("E|A|US|e+E|A|S|e+E|EVT|e|N1+"))
    expect([heard, host.codes]).toEqual([[1], []])
  })

  it("are refused here once they were denied, if that is wanted, until the next login", () => {
    const { session } = loggedIn({ rememberDenials: true })
    const first = outcome<void>()
    session.events.subscribe("e", { event: () => {}, over: () => {} }, first.settle)
    session.received(wire("E|E|MESSAGE_DENIED|e|S+"))
    framesOf(session)
    const second = outcome<void>()
    session.events.subscribe("e", { event: () => {}, over: () => {} }, second.settle)
    expect([...first.outcomes, ...second.outcomes].map(tagOf)).toEqual(["MessageDenied", "MessageDenied"])
    expect(framesOf(session)).toEqual([])
    session.socketClosed()
    open(session)
    session.events.subscribe("e", { event: () => {}, over: () => {} }, nothing)
    expect(framesOf(session).join("")).toContain("E|S|e+")
  })

  it("to a user and to everybody tell each change once", () => {
    const { session } = loggedIn()
    const heard: Array<string> = []
    const sink = { changed: (user: string, online: boolean) => void heard.push(`${user} ${online}`), over: () => {} }
    session.presence.subscribeAll(sink, nothing)
    session.presence.subscribe("ann", { changed: () => {}, over: () => {} }, nothing)
    session.received(wire("U|PNJ|ann+U|PNJ|ann+U|PNL|ann+U|PNL|ann+U|PNJ|bob+"))
    expect(heard).toEqual(["ann true", "ann false", "bob true"])
  })

  it.each(["U|A|S|1+", "U|A|S|1|undefined+", "U|A|S|ann+U|A|S|bob+"])("of users are acknowledged by %s", (answer) => {
    const { host, session } = loggedIn()
    const { outcomes, settle } = outcome<void>()
    for (const user of ["ann", "bob"]) session.presence.subscribe(user, { changed: () => {}, over: () => {} }, settle)
    framesOf(session)
    session.received(wire(answer))
    expect([outcomes, host.codes]).toEqual([[undefined, undefined], []])
  })

  it.each(["U|A|S|S+", "U|A|S|U+"])("to everybody are acknowledged by %s", (answer) => {
    const { host, session } = loggedIn()
    const { outcomes, settle } = outcome<void>()
    session.presence.subscribeAll({ changed: () => {}, over: () => {} }, settle)
    session.received(wire(answer))
    expect([outcomes, host.codes]).toEqual([[undefined], []])
  })
})

describe("records", () => {
  const opened = (options: Parameters<typeof loggedIn>[0] = {}) => {
    const { host, session } = loggedIn(options)
    const record = session.records.open("r", { ready: () => {}, changed: () => {}, provided: () => {}, over: () => {}, late: () => true })
    if ("_tag" in record) throw new Error(record._tag)
    session.received(wire("R|A|S|r+R|R|r|5|{\"a\":1}+"))
    framesOf(session)
    return { host, session, record }
  }

  it("give the conflict to the merge function, and send what it makes of it", () => {
    const seen: Array<unknown> = []
    const { record, session } = opened({
      merge: (conflict) => {
        seen.push(conflict)
        return { ...conflict.remote as object, ...conflict.local as object }
      }
    })
    record.set("b", 2)
    session.received(wire("R|E|VERSION_EXISTS|r|6|{\"a\":1,\"c\":3}+"))
    expect(seen).toEqual([{ name: "r", local: { a: 1, b: 2 }, localVersion: 6, remote: { a: 1, c: 3 }, remoteVersion: 6 }])
    expect(framesOf(session).at(-1)).toBe("R|P|r|6|b|N2+R|U|r|7|{\"a\":1,\"c\":3,\"b\":2}+")
    expect(record.version).toBe(7)
  })

  it("take the server's data when the merge function fails, and say so", () => {
    const { host, record, session } = opened({ merge: () => 5 })
    record.set("b", 2)
    session.received(wire("R|E|VERSION_EXISTS|r|6|{\"c\":3}+"))
    expect([record.data, host.codes]).toEqual([{ c: 3 }, ["INVALID_VALUE"]])
  })

  it("report a conflict and leave it when there is no merge", () => {
    const { host, record, session } = opened({ merge: "none" })
    record.set("b", 2)
    session.received(wire("R|E|VERSION_EXISTS|r|6|{\"c\":3}+"))
    expect([record.data, host.codes]).toEqual([{ a: 1, b: 2 }, ["VERSION_EXISTS"]])
  })

  it("send again what a connection lost, when nobody else wrote meanwhile", () => {
    const { host, record, session } = opened()
    record.set("b", 2)
    framesOf(session)
    session.socketClosed()
    open(session)
    framesOf(session)
    session.received(wire("R|A|S|r+R|R|r|5|{\"a\":1}+"))
    // asked once more when the server has had time for what was on its way
    expect(framesOf(session)).toEqual([])
    host.time += 50
    session.tick()
    expect(framesOf(session)).toEqual(["R|SN|r+"])
    session.received(wire("R|R|r|5|{\"a\":1}+"))
    expect(framesOf(session)).toEqual(["R|U|r|6|{\"a\":1,\"b\":2}+"])
  })

  it("go back with a server that has lost them, but not for an answer that was overtaken", () => {
    const { record, session } = opened()
    session.socketClosed()
    open(session)
    session.received(wire("R|A|S|r+R|P|r|6|b|N2+R|R|r|5|{\"a\":1}+"))
    expect([record.version, record.data]).toEqual([6, { a: 1, b: 2 }])
    session.socketClosed()
    open(session)
    session.received(wire("R|A|S|r+R|R|r|0|{}+"))
    expect([record.version, record.data]).toEqual([0, {}])
  })

  it("give up what the server neither takes nor has", () => {
    const { host, record, session } = opened()
    record.set("b", 2)
    for (let round = 0; round < 20; round++) {
      session.received(wire("R|E|VERSION_EXISTS|r|5|{\"a\":1}+R|R|r|5|{\"a\":1}+"))
      host.time += 50
      session.tick()
      session.received(wire("R|R|r|5|{\"a\":1}+"))
    }
    expect(record.data).toEqual({ a: 1 })
    expect(host.codes.filter((code) => code === "VERSION_EXISTS").length).toBe(1)
    expect(visible(framesOf(session).join("")).split("R|U|").length - 1).toBeLessThanOrEqual(3)
  })

  it("keep what was written, whatever becomes of the object", () => {
    const { record, session } = opened()
    const given: Record<string, unknown> = { a: 1, gone: undefined, at: new Date(0), list: [undefined, 2] }
    record.set(undefined, given)
    given["a"] = 2
    ;(given["list"] as Array<unknown>).push(3)
    const kept = { a: 1, at: "1970-01-01T00:00:00.000Z", list: [null, 2] }
    expect(record.data).toEqual(kept)
    expect(Object.keys(record.data as object)).toEqual(["a", "at", "list"])
    expect(framesOf(session)).toEqual([`R|U|r|6|${JSON.stringify(kept)}+`])
    const loop: Record<string, unknown> = {}
    loop["loop"] = loop
    for (const wrong of [loop, { big: 1n }]) expect(tagOf(record.set("x", wrong))).toBe("InvalidMessage")
    for (const wrong of [NaN, Infinity, -Infinity]) expect(tagOf(record.set("x", wrong))).toBe("InvalidMessage")
    for (const wrong of [1, "text", null, true]) expect(tagOf(record.set(undefined, wrong))).toBe("InvalidMessage")
    expect(framesOf(session)).toEqual([])
  })

  it("hold as many writes as the limit says until they were read", () => {
    const { session } = loggedIn({ maxQueued: 2 })
    const record = session.records.open("r", { ready: () => {}, changed: () => {}, provided: () => {}, over: () => {}, late: () => true })
    if ("_tag" in record) throw new Error(record._tag)
    expect(["a", "b", "c"].map((path) => tagOf(record.set(path, 1)))).toEqual([undefined, undefined, "QueueFull"])
    framesOf(session)
    session.received(wire("R|A|S|r+R|R|r|5|{}+"))
    expect(framesOf(session)).toEqual(["R|P|r|6|a|N1+R|P|r|7|b|N1+"])
  })
})
