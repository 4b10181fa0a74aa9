/** What callers are told is true: outcomes of writes, what `get` has afterwards, refusals of values, denials, logins, deadlines. */
import { describe, expect, it } from "vitest"
import type { DeepstreamReason } from "./DeepstreamError.ts"
import { DeepstreamSession } from "./DeepstreamSession.ts"
import type { RecordState } from "./RecordState.ts"
import { framesOf, Host, loggedIn, nothing, wire } from "./Session.fixture.ts"
import type { SessionOptions } from "./SessionOptions.ts"

const noted = <A>() => {
  const all: Array<string | A> = []
  return { all, settle: { succeed: (value: A) => void all.push(value), fail: ({ _tag }: DeepstreamReason) => void all.push(_tag) } }
}

const sink = () => {
  const heard: Array<string> = []
  return {
    heard,
    ready: () => void heard.push("ready"),
    changed: () => void heard.push("changed"),
    provided: () => {},
    over: ({ _tag }: DeepstreamReason) => void heard.push(_tag),
    late: () => true
  }
}

const opened = (options: Partial<SessionOptions> = {}, name = "r") => {
  const { host, session } = loggedIn(options)
  const found = sink()
  const record = session.records.open(name, found) as RecordState
  session.received(wire(`R|A|S|${name}+R|R|${name}|5|{"a":1}+`))
  framesOf(session)
  return { host, session, record, heard: found.heard }
}

/** A session with the text endpoint of servers 5 to 7. */
const openedText = (options: Partial<SessionOptions> = {}) => {
  const host = new Host()
  const session = new DeepstreamSession("ws://server/deepstream", host, options)
  session.login({}, nothing)
  session.socketOpened()
  session.received(wire("C|A+C|PI+A|A+"))
  const record = session.records.open("r", sink()) as RecordState
  session.received(wire("R|A|S|r+R|R|r|5|{\"a\":1}+"))
  framesOf(session)
  return { host, session, record }
}

describe("an acknowledged write", () => {
  it("is stored when it is acknowledged and nobody else wrote its version", () => {
    const { record, session } = opened()
    const { all, settle } = noted<string>()
    record.set("a", 2, settle)
    expect(all).toEqual([])
    session.received(wire("R|WA|r|[6]|L+"))
    expect(all).toEqual(["stored"])
  })

  it.each(
    [["remoteWins", "WriteLost"], ["none", "VersionExists"], [() => {
      throw new Error("no")
    }, "WriteLost"]] as const
  )(
    "is lost when the server kept another (%s), although a classic server acknowledges it",
    (merge, outcome) => {
      const { record, session } = opened({ merge: merge as never })
      const { all, settle } = noted<string>()
      record.set("a", 2, settle)
      session.received(wire("R|E|VERSION_EXISTS|r|6|{\"a\":9}|{\"writeSuccess\":true}+R|WA|r|[6]|L+"))
      expect([all, record.data]).toEqual([[outcome], merge === "none" ? { a: 2 } : { a: 9 }])
    }
  )

  it("is lost when somebody else wrote the same", () => {
    const { record, session } = opened()
    const { all, settle } = noted<string>()
    record.set("a", 2, settle)
    session.received(wire("R|P|r|6|a|N2+R|E|VERSION_EXISTS|r|6|{\"a\":2}+R|WA|r|[6]|L+"))
    expect(all).toEqual(["WriteLost"])
  })

  it.each([["classic", opened], ["text", openedText]] as const)(
    "of two on their way, one refused and one taken, each has its own outcome (%s)",
    (kind, open) => {
      const { record, session } = open()
      const first = noted<string>()
      const second = noted<string>()
      record.set("a", 2, first.settle)
      record.set("b", 3, second.settle)
      // somebody else's version 6; ours of 7 is the next one
      session.received(wire("R|P|r|6|c|N9+R|E|VERSION_EXISTS|r|6|{\"a\":1,\"c\":9}+"))
      if (kind === "classic") session.received(wire("R|WA|r|[6]|L+"))
      session.received(wire("R|WA|r|[7]|L+R|R|r|7|{\"a\":1,\"c\":9,\"b\":3}+"))
      expect([first.all, second.all, record.data]).toEqual([["WriteLost"], ["stored"], { a: 1, c: 9, b: 3 }])
    }
  )

  it("is merged when what the merge made of it is stored, and lost when that is lost", () => {
    const { record, session } = opened({ merge: "localWins" })
    const { all, settle } = noted<string>()
    record.set("a", 2, settle)
    session.received(wire("R|E|VERSION_EXISTS|r|6|{\"a\":9}+R|WA|r|[6]|L+"))
    expect([all, framesOf(session).at(-1)?.split("+").at(-2)]).toEqual([[], "R|U|r|7|{\"a\":2}|{\"writeSuccess\":true}"])
    record.merge = "remoteWins"
    session.received(wire("R|P|r|7|a|N8+R|E|VERSION_EXISTS|r|7|{\"a\":8}+R|WA|r|[7]|L+"))
    expect(all).toEqual(["WriteLost"])
    record.merge = "localWins"
    record.set("a", 3, settle)
    session.received(wire("R|E|VERSION_EXISTS|r|8|{\"a\":7}+R|WA|r|[8]|L+R|WA|r|[9]|L+"))
    expect(all).toEqual(["WriteLost", "merged"])
  })

  it("of what is there already waits for the write that brought it there", () => {
    const { record, session } = opened()
    const { all, settle } = noted<string>()
    record.set("a", 1, settle)
    expect(all).toEqual(["stored"])
    record.set("a", 2)
    record.set("a", 2, settle)
    expect([all, framesOf(session)]).toEqual([["stored"], ["R|P|r|6|a|N2+R|U|r|7|{\"a\":2}|{\"writeSuccess\":true}+"]])
    session.received(wire("R|WA|r|[7]|L+"))
    expect(all).toEqual(["stored", "stored"])
  })

  it("that is denied fails when the record is what the server has", () => {
    const { record, session } = opened()
    const { all, settle } = noted<string>()
    record.set("a", 2, settle)
    session.received(wire("R|E|MESSAGE_DENIED|r|P|6|a|N2|{\"writeSuccess\":true}+"))
    expect(all).toEqual([])
    session.received(wire("R|R|r|5|{\"a\":1}+"))
    if (all.length === 0) session.received(wire("R|R|r|5|{\"a\":1}+"))
    session.tick()
    expect(record.data).toEqual({ a: 1 })
    expect(all).toEqual(["MessageDenied"])
  })

  it("without opening is lost when it is refused", () => {
    const { session } = loggedIn()
    const { all, settle } = noted<string>()
    session.records.upsert("x", undefined, { a: 1 }, settle)
    session.records.upsert("x", undefined, { a: 2 }, settle)
    session.received(wire("R|E|VERSION_EXISTS|x|1|{}+R|WA|x|[-1]|L+R|WA|x|[-1]|L+"))
    expect(all).toEqual(["WriteLost", "stored"])
  })
})

describe("what is not there any more", () => {
  it("takes no write after it was deleted", () => {
    const { record, session } = opened()
    session.received(wire("R|A|D|r+"))
    expect([record.set("a", 2)?._tag, record.set(undefined, {})?._tag]).toEqual(["RecordDeleted", "RecordDeleted"])
    expect(framesOf(session)).toEqual([])
  })

  it.each(["localWins", () => ({ back: true })] as const)("is not brought back by a merge (%s)", (merge) => {
    const { record, session } = opened({ merge })
    session.socketClosed()
    session.login({}, nothing)
    session.socketOpened()
    session.received(wire("C|CH+C|A+A|A+"))
    framesOf(session)
    session.received(wire("R|A|S|r+R|R|r|0|{}+"))
    expect([record.data, record.version, framesOf(session)]).toEqual([{}, 0, []])
  })

  it.each(["CR", "R", "C", "S"])("a record that may not be opened is over at once (%s)", (action) => {
    const { session } = loggedIn()
    const { heard, ...rest } = sink()
    session.records.open("r", rest)
    session.received(wire(`R|E|MESSAGE_DENIED|r|${action}+`))
    expect(heard).toEqual(["MessageDenied"])
  })

  it.each(["C", "U", "P", "CU"])("a write without opening that may not be fails at once (%s)", (action) => {
    const { session } = loggedIn()
    const { all, settle } = noted<string>()
    session.records.upsert("r", undefined, { a: 1 }, settle)
    session.received(wire(`R|E|MESSAGE_DENIED|r|${action}|-1|{}+`))
    expect(all).toEqual(["MessageDenied"])
  })
})

describe("values", () => {
  const cycle: Record<string, unknown> = {}
  cycle["self"] = cycle
  const wrong: ReadonlyArray<readonly [string, unknown]> = [
    ["bigint", 1n],
    ["function", () => 1],
    ["symbol", Symbol("s")],
    ["NaN", NaN],
    ["Infinity", Infinity],
    ["half a pair", "a\ud800"],
    ["the other half", "\udc00"],
    ["a map", new Map([[1, 2]])],
    ["a set", new Set([1])],
    ["an expression", /a/],
    ["bytes", new Uint8Array(2)],
    ["cycle", cycle]
  ]
  const nested = wrong.flatMap(([name, value]) =>
    [[name, value], [`${name} in an object`, { x: value }], [`${name} in an array`, [value]]] as const
  )

  it.each([...nested, ["a key with half a pair", { "\ud800": 1 }]] as const)(
    "that JSON does not have are refused, and nothing is sent: %s",
    (_, value) => {
      const { record, session } = opened()
      const { all, settle } = noted<unknown>()
      const given = value as object
      const tags = [
        record.set("x", given)?._tag,
        record.set(undefined, { x: given })?._tag,
        session.records.upsert("other", "x", given)?._tag,
        session.records.upsert("other", undefined, { x: given })?._tag,
        session.events.emit("e", given)?._tag
      ]
      session.rpc.request("p", given, settle)
      expect(tags).toEqual(Array(5).fill("InvalidMessage"))
      expect([all, framesOf(session), record.data]).toEqual([["InvalidMessage"], [], { a: 1 }])
    }
  )

  it("what is handed out cannot change what is inside", () => {
    const { record, session } = opened()
    session.received(wire("R|U|r|6|{\"a\":{\"b\":[1]}}+"))
    const data = record.data as unknown as { a: { b: Array<number> } }
    expect(() => data.a.b.push(2)).toThrow(TypeError)
    expect(() => Object.assign(data, { x: 1 })).toThrow(TypeError)
    record.set("a.c", { d: [1] })
    session.received(wire("R|P|r|8|e|O{\"f\":[1]}+"))
    for (const path of ["a", "e"]) expect(Object.isFrozen((record.data as Record<string, unknown>)[path])).toBe(true)
    const changed = JSON.parse(JSON.stringify(record.data)) as { a: { b: Array<number> } }
    framesOf(session)
    changed.a.b.push(2)
    record.set(undefined, changed)
    expect(framesOf(session)[0]).toContain("\"b\":[1,2]")
  })

  it.each(["toString", "constructor", "__proto__", "hasOwnProperty", ""])("a record cannot be named %j", (name) => {
    const { session } = loggedIn()
    const { all, settle } = noted<unknown>()
    for (const ask of ["snapshot", "has", "head", "delete"] as const) session.records[ask](name, settle as never)
    expect(all).toEqual(Array(4).fill("InvalidMessage"))
    expect(session.records.open(name, sink())).toMatchObject({ _tag: "InvalidMessage" })
    expect(session.records.upsert(name, undefined, {})?._tag).toBe("InvalidMessage")
    expect(framesOf(session)).toEqual([])
  })

  it("nothing is subscribed, published or provided without a name", () => {
    const { session } = loggedIn()
    const { all, settle } = noted<unknown>()
    expect(session.events.emit("", 1)?._tag).toBe("InvalidMessage")
    session.events.subscribe("", { event: () => {}, over: () => {} }, settle as never)
    session.eventPatterns.listen("", { found: () => {}, removed: () => {}, over: () => {} }, settle as never)
    session.rpc.provide("", { called: () => {}, over: () => {} }, settle as never)
    session.rpc.request("", 1, settle)
    session.presence.subscribe("", { changed: () => {}, over: () => {} }, settle as never)
    session.presence.query(["ann", ""], settle as never)
    expect(all).toEqual(Array(6).fill("InvalidMessage"))
    expect(framesOf(session)).toEqual([])
  })

  it("nested 20 000 deep are taken in records, events and requests", () => {
    const depth = 20_000
    const deep = (inner: string): string => `${"[".repeat(depth)}${inner}${"]".repeat(depth)}`
    const { host, record, session } = opened({ merge: "localWins" })
    const events: Array<unknown> = []
    const asked: Array<unknown> = []
    const { all, settle } = noted<unknown>()
    session.events.subscribe("e", { event: (value) => events.push(value), over: () => {} }, nothing)
    session.rpc.provide("p", { called: ({ value }) => asked.push(value), over: () => {} }, nothing)
    session.rpc.request("q", 1, settle)
    const id = framesOf(session).join("").match(/P\|REQ\|q\|([^|]+)/)![1]!
    session.received(wire(`R|U|r|6|${deep("1")}+R|P|r|7|x|O${deep("2")}+R|U|r|8|{"d":${deep("3")}}+R|U|r|9|{"d":${deep("3")}}+`))
    session.received(wire(`E|EVT|e|O${deep("1")}+P|REQ|p|i|O${deep("1")}+P|RES|q|${id}|O${deep("1")}+`))
    expect([events.length, asked.length, all.length]).toEqual([1, 1, 1])
    // what was merged is written, however deep
    expect(record.version).toBe(10)
    framesOf(session)
    expect(host.problems.every(({ reason }) => ["MessageParseError", "InvalidMessage"].includes(reason._tag))).toBe(true)
  })
})

describe("a login", () => {
  it("while somebody is logged in fails, and those credentials stay", () => {
    const { session } = loggedIn()
    const { all, settle } = noted<unknown>()
    session.login({ username: "eve", password: "wrong" }, settle)
    expect(all).toEqual(["AlreadyLoggedIn"])
    session.socketClosed()
    session.login({ username: "eve" }, settle)
    expect(all).toEqual(["AlreadyLoggedIn", "AlreadyLoggedIn"])
    session.socketOpened()
    session.received(wire("C|CH+C|A+"))
    expect(framesOf(session).join("")).toContain("A|REQ|{}+")
    session.received(wire("A|A+"))
    session.logout()
    session.login({ username: "bob" }, settle)
    session.socketOpened()
    session.received(wire("C|CH+C|A+"))
    expect(framesOf(session).join("")).toContain("A|REQ|{\"username\":\"bob\"}+")
  })

  it("is not sent after another that is on its way, unless it is the same", () => {
    const session = new DeepstreamSession("ws://server/deepstream", new Host())
    const { all, settle } = noted<unknown>()
    session.login({ a: 1 }, settle)
    session.login({ a: 2 }, settle)
    session.login({ a: 1 }, settle)
    session.socketOpened()
    session.received(wire("C|A+"))
    expect(framesOf(session)).toEqual(["A|REQ|{\"a\":1}+"])
    session.received(wire("A|A+"))
    expect(all).toEqual(["AlreadyLoggedIn", undefined, undefined])
  })

  it("does not follow a redirect from wss to ws, and says so", () => {
    for (const to of ["ws://other/deepstream", "other:6020/deepstream"]) {
      const host = new Host()
      const session = new DeepstreamSession("wss://server/deepstream", host)
      const { all, settle } = noted<unknown>()
      session.login({ password: "secret" }, settle)
      session.socketOpened()
      session.received(wire(`C|CH+C|RED|wss://second/deepstream+`))
      session.socketOpened()
      session.received(wire(`C|CH+C|RED|${to}+`))
      expect([host.dialled, all, session.state]).toEqual([
        ["wss://server/deepstream", "wss://second/deepstream"],
        ["RedirectRefused"],
        "CLOSED"
      ])
      expect(framesOf(session).join("")).not.toContain("secret")
    }
  })
})

describe("a provider", () => {
  const provided = () => {
    const { host, session } = loggedIn()
    const calls: Array<Parameters<Parameters<typeof session.rpc.provide>[1]["called"]>[0]> = []
    session.rpc.provide("p", { called: (call) => calls.push(call), over: () => {} }, nothing)
    session.received(wire("P|A|S|p+P|REQ|p|x|N1+"))
    framesOf(session)
    return { calls, host, session }
  }

  it("rejects without having accepted, until the time for that is over", () => {
    const { calls, host, session } = provided()
    calls[0]!.acceptAfter(500)
    host.time = 499
    session.tick()
    calls[0]!.reject()
    expect(framesOf(session)).toEqual(["P|REJ|p|x+"])
    host.time = 1000
    session.tick()
    session.received(wire("P|REQ|p|y|N1+"))
    calls[1]!.acceptAfter(500)
    host.time = 1500
    session.tick()
    calls[1]!.respond(2)
    expect(framesOf(session).join("")).toBe("P|A|REQ|p|y+P|RES|p|y|N2+")
  })

  it.each(["MULTIPLE_ACK", "MULTIPLE_ACCEPT", "MULTIPLE_RESPONSE"])(
    "that is told %s still hears the answer to a request of its own",
    (code) => {
      const { session } = provided()
      const { all, settle } = noted<unknown>()
      session.rpc.request("p", 1, settle)
      const id = framesOf(session).join("").match(/P\|REQ\|p\|([^|]+)/)![1]!
      session.received(wire(`P|E|${code}|p|${id}+`))
      expect(all).toEqual([])
      session.received(wire(`P|RES|p|${id}|N7+`))
      expect(all).toEqual([7])
    }
  )
})

describe("an event", () => {
  it("is heard by who subscribed in the client that publishes it, each with a value of its own", () => {
    const { session } = loggedIn()
    const heard: Array<{ a: number }> = []
    for (let count = 0; count < 2; count++) {
      session.events.subscribe("e", { event: (value) => heard.push(value as { a: number }), over: () => {} }, nothing)
    }
    session.events.emit("e", { a: 1 })
    expect(heard).toEqual([{ a: 1 }, { a: 1 }])
    heard[0]!.a = 2
    expect(heard[1]).toEqual({ a: 1 })
  })

  it("that is not taken is not heard", () => {
    const { session } = loggedIn({ maxMessage: 20 })
    const heard: Array<unknown> = []
    session.events.subscribe("e", { event: (value) => heard.push(value), over: () => {} }, nothing)
    expect(session.events.emit("e", "x".repeat(30))?._tag).toBe("InvalidMessage")
    expect(heard).toEqual([])
  })
})

describe("deadlines", () => {
  const many = 10_000

  const subscribed = () => {
    const { host, session } = loggedIn({ subscriptionTimeout: 2000 })
    const { all, settle } = noted<void>()
    for (let index = 0; index < many; index++) session.events.subscribe(`e${index}`, { event: () => {}, over: () => {} }, settle)
    framesOf(session)
    return { all, host, session }
  }

  it("of 10 000 subscriptions at once wait for a server that answers one after another", () => {
    const { all, host, session } = subscribed()
    for (let index = 0; index < many; index++) {
      host.time += index === 0 ? 1999 : 1
      session.tick()
      session.received(wire(`E|A|S|e${index}+`))
    }
    expect(all.filter((outcome) => outcome === undefined)).toHaveLength(many)
  })

  it("do not wait for a server that is silent, and not a millisecond longer than said", () => {
    const { all, host, session } = subscribed()
    host.time = 1000
    session.received(wire("E|A|S|e0+"))
    host.time = 2999
    session.tick()
    expect(all).toHaveLength(1)
    host.time = 3000
    session.tick()
    expect(all).toHaveLength(many)
  })

  it("are not moved by answers to what was asked later", () => {
    const { host, session } = loggedIn({ subscriptionTimeout: 2000 })
    const { all, settle } = noted<void>()
    session.events.subscribe("first", { event: () => {}, over: () => {} }, settle)
    framesOf(session)
    for (let index = 0; index < 30; index++) {
      session.events.subscribe(`later${index}`, { event: () => {}, over: () => {} }, nothing)
      host.time += 100
      session.tick()
      session.received(wire(`E|A|S|later${index}+`))
      expect(all.length, `${host.time}`).toBe(host.time < 2000 ? 0 : 1)
    }
  })

  it("begin when the message leaves", () => {
    const { host, session } = loggedIn({ subscriptionTimeout: 2000 })
    const { all, settle } = noted<void>()
    session.events.subscribe("e", { event: () => {}, over: () => {} }, settle)
    // the network takes nothing for a while
    host.time = 1500
    framesOf(session)
    host.time = 3499
    session.tick()
    expect(all).toEqual([])
    host.time = 3500
    session.tick()
    expect(all).toEqual(["AckTimeout"])
  })
})
