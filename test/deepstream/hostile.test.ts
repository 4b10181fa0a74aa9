/** A server that says anything: nothing ends the program, and each message that cannot be used is reported once, with the message. */
import type { Problem } from "@wirewright/deepstream"
import { make } from "../../packages/deepstream/src/Deepstream.ts"
import { decodeServerMessage } from "@wirewright/deepstream/gen"
import { DeepstreamSession } from "../../packages/deepstream/src/DeepstreamSession.ts"
import { framesOf, Host, loggedIn, nothing, visible, wire } from "../../packages/deepstream/src/Session.fixture.ts"
import type { SessionOptions } from "../../packages/deepstream/src/SessionOptions.ts"
import { models } from "@wirewright/deepstream/gen7/Model"
import { random, type ServerSocket, WebSockets } from "@wirewright/testing"
import { Effect, Logger, Scope, Stream, SubscriptionRef } from "effect"
import { Socket } from "effect/socket"
import { describe, expect, it } from "vitest"

/** A session that is logged in, with a subscription, a record, a pattern, a procedure and a watched user. */
const opened = (options: Partial<SessionOptions> = {}): ReturnType<typeof loggedIn> => {
  const { host, session } = loggedIn(options)
  session.events.subscribe("news", { event: () => {}, over: () => {} }, nothing)
  session.eventPatterns.listen("n.*", { found: () => {}, removed: () => {}, over: () => {} }, nothing)
  session.records.open("r", { ready: () => {}, changed: () => {}, provided: () => {}, over: () => {}, late: () => true })
  session.rpc.provide("p", { called: ({ respond }) => void respond(1), over: () => {} }, nothing)
  session.presence.subscribe("ann", { changed: () => {}, over: () => {} }, nothing)
  framesOf(session)
  session.received(wire("E|A|S|news+E|A|L|n.*+R|A|S|r+R|R|r|5|{\"list\":[1]}+P|A|S|p+U|A|S|1+"))
  host.problems = []
  return { session, host }
}

/** Whether the codec knows the message. */
const readable = (message: string): boolean => {
  try {
    return decodeServerMessage(message)._tag !== "UnknownMessage"
  } catch {
    return false
  }
}

/** The session works still. */
const works = (session: DeepstreamSession): void => {
  expect(session.state).toBe("OPEN")
  const heard: Array<unknown> = []
  const end = session.events.subscribe("alive", { event: (value) => heard.push(value), over: () => {} }, {
    succeed: () => {},
    fail: () => {}
  })
  session.received(wire("E|A|S|alive+E|EVT|alive|N1+"))
  expect(heard).toEqual([1])
  end()
  session.received(wire("E|A|US|alive+"))
}

const malformed: ReadonlyArray<readonly [message: string, code: string]> = [
  ["I only have one part", "MESSAGE_PARSE_ERROR"],
  ["B|R", "MESSAGE_PARSE_ERROR"],
  ["R|XXX", "MESSAGE_PARSE_ERROR"],
  ["E|EVT", "MESSAGE_PARSE_ERROR"],
  ["E|EVT|news|Qx", "MESSAGE_PARSE_ERROR"],
  ["E|EVT|news|Nx", "MESSAGE_PARSE_ERROR"],
  ["E|EVT|news|S|more", "MESSAGE_PARSE_ERROR"],
  ["R|P|r|x|list|N1", "MESSAGE_PARSE_ERROR"],
  ["R|P|r|6|list", "MESSAGE_PARSE_ERROR"],
  ["R|P|r|6||N1", "MESSAGE_PARSE_ERROR"],
  ["R|P|r|6|list[99999999]|N1", "MESSAGE_PARSE_ERROR"],
  ["R|P|r|6|list.foo|N1", "MESSAGE_PARSE_ERROR"],
  ["R|U|r|6|{", "MESSAGE_PARSE_ERROR"],
  ["R|U|r|6", "MESSAGE_PARSE_ERROR"],
  ["R|U|r|99999999999999999999|{}", "MESSAGE_PARSE_ERROR"],
  ["R|R|r|6|nothing", "MESSAGE_PARSE_ERROR"],
  ["R|WA|r|six|L", "MESSAGE_PARSE_ERROR"],
  ["R|SH|r|maybe", "MESSAGE_PARSE_ERROR"],
  ["R|E|VERSION_EXISTS|r|6|{", "MESSAGE_PARSE_ERROR"],
  ["P|REQ|p|id|Z", "MESSAGE_PARSE_ERROR"],
  ["P|REQ|p|id|O{", "MESSAGE_PARSE_ERROR"],
  ["E|EVT|news|O{", "MESSAGE_PARSE_ERROR"],
  ["R|P|r|6|list|O[", "MESSAGE_PARSE_ERROR"],
  ["U|PNJ", "MESSAGE_PARSE_ERROR"],
  ["E|A|S", "MESSAGE_PARSE_ERROR"]
]

const unsolicited: ReadonlyArray<readonly [message: string, code: string]> = [
  ["E|EVT|other|N1", "UNSOLICITED_MESSAGE"],
  ["E|A|S|other", "UNSOLICITED_MESSAGE"],
  ["E|A|US|news", "UNSOLICITED_MESSAGE"],
  ["E|A|XX|news", "UNSOLICITED_MESSAGE"],
  ["E|SP|other.*|other", "UNSOLICITED_MESSAGE"],
  ["E|S|news", "UNSOLICITED_MESSAGE"],
  ["R|A|S|other", "UNSOLICITED_MESSAGE"],
  ["R|A|US|r", "UNSOLICITED_MESSAGE"],
  ["R|A|D|other", "UNSOLICITED_MESSAGE"],
  ["R|U|other|1|{}", "UNSOLICITED_MESSAGE"],
  ["R|P|other|1|a|N1", "UNSOLICITED_MESSAGE"],
  ["R|R|other|1|{}", "UNSOLICITED_MESSAGE"],
  ["R|WA|other|[1]|L", "UNSOLICITED_MESSAGE"],
  ["R|H|other|T", "UNSOLICITED_MESSAGE"],
  ["R|HD|other|1", "UNSOLICITED_MESSAGE"],
  ["R|SH|other|T", "UNSOLICITED_MESSAGE"],
  ["R|SP|other.*|other", "UNSOLICITED_MESSAGE"],
  ["P|RES|p|nobody|N1", "UNSOLICITED_MESSAGE"],
  ["P|A|REQ|p|nobody", "UNSOLICITED_MESSAGE"],
  ["P|E|oops|p|nobody", "UNSOLICITED_MESSAGE"],
  ["P|A|US|p", "UNSOLICITED_MESSAGE"],
  ["U|Q|ann", "UNSOLICITED_MESSAGE"],
  ["U|Q|9|{\"ann\":true}", "UNSOLICITED_MESSAGE"],
  ["U|A|S|99", "UNSOLICITED_MESSAGE"],
  ["U|PNJ|stranger", "UNSOLICITED_MESSAGE"],
  ["C|A", "UNSOLICITED_MESSAGE"],
  ["C|CH", "UNSOLICITED_MESSAGE"],
  ["C|RED|ws://elsewhere/deepstream", "UNSOLICITED_MESSAGE"],
  ["A|A", "UNSOLICITED_MESSAGE"],
  ["A|E|INVALID_AUTH_DATA|U", "UNSOLICITED_MESSAGE"]
]

const errors: ReadonlyArray<readonly [message: string, code: string]> = [
  ["R|E|CACHE_RETRIEVAL_TIMEOUT|r", "CACHE_RETRIEVAL_TIMEOUT"],
  ["R|E|STORAGE_RETRIEVAL_TIMEOUT|other", "STORAGE_RETRIEVAL_TIMEOUT"],
  ["R|E|RECORD_DELETE_ERROR|no", "RECORD_DELETE_ERROR"],
  ["R|E|RECORD_LOAD_ERROR|no", "RECORD_LOAD_ERROR"],
  ["R|E|RECORD_UPDATE_ERROR|7", "RECORD_UPDATE_ERROR"],
  ["R|E|INVALID_VERSION|r|NaN", "INVALID_VERSION"],
  ["R|E|SN|r|RECORD_NOT_FOUND", "RECORD_NOT_FOUND"],
  ["R|E|MULTIPLE_SUBSCRIPTIONS|r", "MULTIPLE_SUBSCRIPTIONS"],
  ["R|E|MESSAGE_DENIED|r|P|6|list|N1", "MESSAGE_DENIED"],
  ["R|E|SOMETHING_NEW|r|x|y", "SOMETHING_NEW"],
  ["E|E|MESSAGE_DENIED|news|EVT|S", "MESSAGE_DENIED"],
  ["E|E|MESSAGE_PERMISSION_ERROR|news|EVT|S", "MESSAGE_PERMISSION_ERROR"],
  ["E|E|INVALID_MESSAGE_DATA|E|L|[", "INVALID_MESSAGE_DATA"],
  ["E|E|SOMETHING_NEW", "SOMETHING_NEW"],
  ["P|E|INVALID_RPC_CORRELATION_ID|no", "INVALID_RPC_CORRELATION_ID"],
  ["U|E|INVALID_PRESENCE_USERS|no", "INVALID_PRESENCE_USERS"],
  ["U|E|SOMETHING_NEW|x", "SOMETHING_NEW"],
  ["C|E|INVALID_MESSAGE|what", "INVALID_MESSAGE"],
  ["C|E|UNKNOWN_ACTION|what", "UNKNOWN_ACTION"],
  ["C|E|MESSAGE_PARSE_ERROR|E|X", "MESSAGE_PARSE_ERROR"],
  ["X|E|UNKNOWN_TOPIC|Z", "UNKNOWN_TOPIC"],
  ["X|E|SOMETHING_NEW", "SOMETHING_NEW"],
  ["A|E|SOMETHING_NEW|x", "SOMETHING_NEW"]
]

/** A message as documents write it. */
const shownOf = (text: string): string => text.replaceAll("\x1f", "|").replaceAll("\x1e", "+")

describe("a session", () => {
  it.each([...malformed, ...unsolicited, ...errors])("reports %s once, with the message", (message, code) => {
    const { host, session } = opened()
    // in one frame with others, before and behind it
    session.received(wire(`E|EVT|news|N1+${message}+E|EVT|news|N2+`))
    expect(host.problems.map(({ raw, reason }) => [reason.code, raw])).toEqual([[code, message]])
    works(session)
  })

  it("ignores what is too short to be a message, and empty frames", () => {
    const { host, session } = opened()
    for (const frame of ["", "+", "++", "E+", "E|+", "|", "ab"]) session.received(wire(frame))
    expect(host.problems).toEqual([])
    works(session)
  })

  it("takes a message of the largest size, and reports one that is a character longer", () => {
    const { host, session } = opened({ maxReceived: 1000 })
    const event = (size: number): string => wire(`E|EVT|news|S${"x".repeat(size - "E|EVT|news|S".length)}`)
    session.received(`${event(1000)}\x1e`)
    expect(host.problems).toEqual([])
    session.received(`${event(1001)}\x1e${event(1000)}`)
    expect(host.problems.map(({ raw, reason }) => [reason.code, raw?.length])).toEqual([["MESSAGE_PARSE_ERROR", 1001]])
    works(session)
  })

  it("cuts the text of a report", () => {
    const { host, session } = opened()
    session.received(wire(`B|${"y".repeat(5000)}+`))
    expect(host.problems[0]?.raw).toHaveLength(1025)
  })

  it("keeps a key named __proto__ a key", () => {
    const { host, session } = opened()
    session.received(wire("R|P|r|6|__proto__.polluted|N1+R|R|r|6|{}+R|U|r|7|{\"__proto__\":{\"polluted\":1}}+"))
    expect(({} as { readonly polluted?: number }).polluted).toBeUndefined()
    // servers differ in what they make of the path, so the record is read
    expect(host.problems.map(({ reason, severity }) => [reason.code, severity])).toEqual([["MESSAGE_PARSE_ERROR", "notice"]])
    works(session)
  })

  it("reports a binary frame", () => {
    const { host, session } = opened()
    session.receivedBinary(12)
    expect(host.problems.map(({ reason }) => reason.code)).toEqual(["MESSAGE_PARSE_ERROR"])
    works(session)
  })

  it("does not ask for ever for a record whose versions contradict one another", () => {
    const { host, session } = opened()
    let asked = 0
    for (let round = 0; round < 200; round++) {
      session.received(wire("R|P|r|99|a|N1+R|E|VERSION_EXISTS|r|2|{}+"))
      for (let frame = session.takeFrame(); frame !== undefined; frame = session.takeFrame()) asked += frame.split("\x1e").length - 1
      session.received(wire("R|R|r|3|{}+"))
      host.time += 1
      session.tick()
    }
    // one question for each contradiction at most
    expect(asked).toBeLessThanOrEqual(400)
    works(session)
  })

  it("follows a limited number of redirects, and none to what is no URL", () => {
    const host = new Host()
    const session = new DeepstreamSession("ws://server/deepstream", host, { maxRedirects: 5 })
    session.start()
    for (let hop = 0; hop < 5; hop++) {
      session.socketOpened()
      session.received(wire(`C|CH+C|RED|ws://hop${hop}/deepstream+`))
    }
    expect(host.dialled.at(-1)).toBe("ws://hop4/deepstream")
    session.socketOpened()
    session.received(wire("C|CH+C|RED|ws://hop5/deepstream+"))
    expect(host.problems.map(({ reason }) => reason.code)).toEqual(["connectionError"])
    expect(session.state).toBe("RECONNECTING")
    host.time += 1000
    session.tick()
    expect(host.dialled.at(-1)).toBe("ws://server/deepstream")
    session.socketOpened()
    session.received(wire("C|CH+C|RED|ws:// not a url+"))
    expect(host.problems).toHaveLength(2)
  })

  it("reports every prefix of every message of the specification once if nothing can read it, and at most once otherwise", () => {
    const texts = new Set(
      models.flatMap(({ commands }) =>
        commands.flatMap(({ examples }) => examples.map(({ hex }) => shownOf(Buffer.from(hex, "hex").toString())))
      )
    )
    expect(texts.size).toBeGreaterThan(80)
    for (const text of texts) {
      // what ends the connection by right is tried elsewhere
      if (/^C\|(?:REJ|E\|CONNECTION_AUTH)|^A\|E\|(?:TOO_MANY|INVALID_AUTH_MSG)/.test(text)) continue
      for (let size = 0; size <= text.length; size++) {
        const { host, session } = opened()
        const prefix = wire(text.slice(0, size))
        const messages = prefix.split("\x1e").filter((message) => message.length > 2)
        session.received(prefix)
        for (const message of messages) {
          const times = host.problems.filter(({ raw }) => raw === visible(message)).length
          if (readable(message)) expect(times, visible(message)).toBeLessThanOrEqual(1)
          else expect(times, visible(message)).toBe(1)
        }
        // and nothing else
        expect(host.problems.every(({ raw }) => messages.some((message) => raw === visible(message)))).toBe(true)
        host.problems = []
        for (let again = 0; again < 2; again++) session.received(wire(text))
        expect(host.problems.length, text).toBeLessThanOrEqual(2 * text.split("+").length)
        if (session.state === "OPEN") works(session)
      }
    }
  })

  it("survives messages of random characters", () => {
    const next = random(7)
    const letters = "ECRPUAXSLWH|+|+|+NOTFQ{}[]\"1-9 \u0000ä😀".split("")
    for (let round = 0; round < 3000; round++) {
      const { session } = opened()
      const text = Array.from({ length: next(60) }, () => letters[next(letters.length)]!).join("")
      session.received(wire(text))
      session.tick()
      if (session.state === "OPEN") works(session)
    }
  })
})

describe("a client", () => {
  it("lives through a server that says anything at any time, and talks to the next one", async () => {
    const network = new WebSockets()
    const next = random(3)
    let visits = 0
    const say = ["C|A+", "C|CH+", "A|A+", "C|PI+", "nonsense+", "R|R|x|1|{+", "", "E|EVT|a|N1+", "C|RED|ws://server/deepstream+"]
    network.serve("ws://server/deepstream", (socket: ServerSocket) => {
      visits++
      if (visits > 40) {
        socket.onFrame = (frame) => {
          if (frame.startsWith("A\x1fREQ")) socket.send(wire("A|A+"))
        }
        return socket.send(wire("C|A+"))
      }
      for (let count = next(6); count > 0; count--) socket.send(wire(say[next(say.length)]!))
      socket.close()
    })
    const problems: Array<Problem> = []
    const state = await Effect.runPromise(
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const client = yield* make({ url: "ws://server", credentials: {}, reconnect: { initialDelay: 1, maxDelay: 2 } }).pipe(
          Scope.provide(scope),
          Effect.provideService(Socket.WebSocketConstructor, network.dial)
        )
        yield* Effect.forkIn(Stream.runForEach(client.problems, (problem) => Effect.sync(() => problems.push(problem))), scope)
        for (let wait = 0; wait < 500 && visits <= 40; wait++) yield* Effect.sleep(5)
        yield* Effect.sleep(50)
        return yield* SubscriptionRef.get(client.state)
      }).pipe(Effect.provide(Logger.layer([])))
    )
    expect(visits).toBeGreaterThan(40)
    expect(state).toBe("OPEN")
    expect(problems.length).toBeGreaterThan(0)
  })
})
