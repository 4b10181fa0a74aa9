/** The client against real servers of both kinds, and beside deepstream's own client. */
import {
  DeepstreamError,
  type DeepstreamRecord,
  type Json,
  type PatternEvent,
  type PresenceEvent,
  RpcRejected
} from "@wirewright/deepstream"
import { make } from "../../packages/deepstream/src/Deepstream.ts"
import { Cause, Deferred, Effect, Exit, Fiber, Option, Schedule, Schema, type Scope, Stream, SubscriptionRef } from "effect"
import { Socket } from "effect/socket"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { connect, type Kind, official, type Ours, Server } from "./DeepstreamServers.ts"

const kinds: ReadonlyArray<readonly [Kind, string]> = [["classic", "deepstream.io 3.2.5"], ["text", "@deepstream/server 7.0.2"]]

/** Runs a scenario within its own scope. */
const play = <A, E>(scenario: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(scenario).pipe(Effect.timeout("60 seconds")))

/** Waits until it holds, 10 seconds at most. */
const until = (
  what: string,
  holds: () => boolean | Effect.Effect<boolean, DeepstreamError>
): Effect.Effect<void, Error | DeepstreamError> =>
  Effect.suspend(() => {
    const now = holds()
    return typeof now === "boolean" ? Effect.succeed(now) : now
  }).pipe(
    Effect.flatMap((yes) => yes ? Effect.void : Effect.fail(new Error(`never happened: ${what}`))),
    Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 500, while: (error) => !(error instanceof DeepstreamError) })
  )

/** Collects a stream in the background; done once the subscription is acknowledged. */
const collect = <A>(
  start: (onReady: Effect.Effect<void>) => Stream.Stream<A, DeepstreamError>
): Effect.Effect<Array<A>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const ready = yield* Deferred.make<void>()
    const values: Array<A> = []
    const stream = start(Effect.asVoid(Deferred.succeed(ready, undefined)))
    yield* Effect.forkScoped(Stream.runForEach(stream, (value) => Effect.sync(() => values.push(value))), { startImmediately: true })
    yield* Deferred.await(ready)
    return values
  })

const codeOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "success"
  const error = Cause.squash(exit.cause)
  return error instanceof DeepstreamError ? error.code : String(error)
}

const same = (left: DeepstreamRecord<Json>, right: DeepstreamRecord<Json>): Effect.Effect<boolean, DeepstreamError> =>
  Effect.gen(function*() {
    const [one, other] = [yield* left.get, yield* right.get]
    return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other)) && (yield* left.version) === (yield* right.version)
  })

const sorted = (data: Json): Json =>
  Array.isArray(data)
    ? data.map(sorted)
    : typeof data === "object" && data !== null
    ? Object.fromEntries(Object.entries(data).sort(([a], [b]) => a < b ? -1 : 1).map(([key, value]) => [key, sorted(value as Json)]))
    : data

/** Nothing went wrong but lost connections. */
const clean = (...clients: ReadonlyArray<Ours>): void =>
  expect(
    clients.flatMap(({ reported }) => reported.filter(({ reason, severity }) => severity === "error" && reason.code !== "connectionError"))
  ).toEqual([])

describe.each(kinds)("%s (%s)", (kind) => {
  let server: Server
  beforeAll(async () => {
    server = await Server.start(kind)
  })
  afterAll(() => server.stop())

  it("logs in, and says what it is", () =>
    play(Effect.gen(function*() {
      const client = yield* connect(server)
      expect(yield* SubscriptionRef.get(client.state)).toBe("OPEN")
      yield* client.logout
      expect(yield* SubscriptionRef.get(client.state)).toBe("CLOSED")
      yield* client.login({})
      expect(yield* SubscriptionRef.get(client.state)).toBe("OPEN")
      clean(client)
    })))

  it("carries events both ways between two of ours, of every type of value", () =>
    play(Effect.gen(function*() {
      const [one, other] = [yield* connect(server), yield* connect(server)]
      const heard = yield* collect((onReady) => other.events.subscribe("news", { onReady }))
      const back = yield* collect((onReady) => one.events.subscribe("answer", { onReady }))
      const values = ["text", 5, -1.5, true, false, null, { nested: [1, { deep: "ä€😀" }] }, ["list"], ""]
      for (const value of values) yield* one.events.emit("news", value)
      yield* until("all events", () => heard.length === values.length)
      expect(heard).toEqual(values)
      yield* other.events.emit("answer")
      yield* until("the answer", () => back.length === 1)
      expect(back).toEqual([undefined])
      clean(one, other)
    })))

  it("tells a listener who subscribes, and takes its answer", () =>
    play(Effect.gen(function*() {
      const [listener, subscriber] = [yield* connect(server), yield* connect(server)]
      const found: Array<PatternEvent> = []
      yield* collect((onReady) =>
        Stream.tap(
          listener.events.listen("feed/.*", { onReady }),
          (event) => Effect.andThen(event._tag === "Found" ? event.accept : Effect.void, Effect.sync(() => found.push(event)))
        )
      )
      yield* Effect.scoped(Effect.gen(function*() {
        yield* collect((onReady) => subscriber.events.subscribe("feed/one", { onReady }))
        yield* until("a match", () => found.length === 1)
        // Servers tell the removal to who has accepted, and to nobody when they hear of the accepting after the end of the subscription.
        // What a connection says is taken in order: once this is acknowledged, they have heard.
        yield* collect((onReady) => listener.events.subscribe("after accepting", { onReady }))
      }))
      yield* until("its removal", () => found.length === 2)
      expect(found.map(({ _tag, name }) => [_tag, name])).toEqual([["Found", "feed/one"], ["Removed", "feed/one"]])
      const impatient = yield* connect(server, { subscriptionTimeout: 1000 })
      const bad = yield* Effect.exit(Stream.runDrain(impatient.events.listen("[")).pipe(Effect.timeout("8 seconds")))
      expect(codeOf(bad)).toBe(kind === "classic" ? "INVALID_MESSAGE_DATA" : "ACK_TIMEOUT")
    })))

  it("keeps records that both write, with versions", () =>
    play(Effect.gen(function*() {
      const [one, other] = [yield* connect(server), yield* connect(server)]
      const left = yield* one.records.open("shared/a")
      const right = yield* other.records.open("shared/a")
      yield* left.set({ name: "Ann", pets: [{ name: "Rex" }] }, { acknowledge: true })
      yield* until("the write", () => Effect.map(right.getAt("pets.0.name"), (name) => name === "Rex"))
      yield* right.patch("pets.0.age", 3, { acknowledge: true })
      yield* until("the patch", () => Effect.map(left.getAt("pets.0.age"), (age) => age === 3))
      yield* left.patch("name", undefined, { acknowledge: true })
      yield* until("the removal", () => Effect.map(right.get, (data) => !Object.hasOwn(data as object, "name")))
      expect(yield* left.version).toBe(3)
      expect(yield* same(left, right)).toBe(true)
      clean(one, other)
    })))

  it.each(["remoteWins", "localWins"] as const)("settles conflicts of writers (%s)", (merge) =>
    play(Effect.gen(function*() {
      const name = `conflict/${merge}`
      const clients = yield* Effect.forEach([1, 2, 3], () => connect(server, { merge }))
      const records = yield* Effect.forEach(clients, (client) => client.records.open(name))
      for (let round = 0; round < 10; round++) {
        yield* Effect.forEach(
          records,
          (record, index) =>
            Effect.gen(function*() {
              yield* record.patch(`k${index}`, round)
              yield* record.patch("common", `${index}/${round}`)
            }),
          { concurrency: "unbounded" }
        )
        if (round % 3 === 0) yield* Effect.sleep("3 millis")
      }
      yield* until("agreement", () =>
        Effect.map(Effect.all([same(records[0]!, records[1]!), same(records[1]!, records[2]!)]), (all) => !all.includes(false)))
      const data = yield* clients[0]!.records.snapshot(name)
      // what the server has, not only what the clients agree upon
      const fresh = yield* connect(server)
      expect(yield* fresh.records.snapshot(name)).toEqual(data)
      clean(...clients)
    })))

  it("tells the truth about acknowledged writes: counters of two clients count", () =>
    play(Effect.gen(function*() {
      const clients = [yield* connect(server), yield* connect(server)]
      const records = yield* Effect.forEach(clients, (client) => client.records.open("counted"))
      let lost = 0
      const once = (record: DeepstreamRecord<Json>) =>
        Effect.flatMap(record.get, (data) => {
          const { count = 0 } = data as { readonly count?: number }
          return record.patch("count", count + 1, { acknowledge: true })
        })
      const isLost = ({ reason }: DeepstreamError): boolean => {
        if (reason._tag === "WriteLost") lost++
        return reason._tag === "WriteLost"
      }
      const add = (record: DeepstreamRecord<Json>) => Effect.retry(once(record), { while: isLost })
      const outcomes = yield* Effect.forEach(
        records,
        (record) => Effect.forEach(Array.from({ length: 50 }), () => add(record)),
        { concurrency: "unbounded" }
      )
      expect(outcomes.flat()).toEqual(Array(100).fill("stored"))
      expect(lost).toBeGreaterThan(0)
      // of a client that does not have it open: the server is asked
      const fresh = yield* connect(server)
      expect(yield* fresh.records.snapshot("counted")).toEqual({ count: 100 })
      clean(...clients)
    })))

  it("tells the truth about acknowledged writes: patches of different paths, many on their way", () =>
    play(Effect.gen(function*() {
      const clients = [yield* connect(server), yield* connect(server)]
      const records = yield* Effect.forEach(clients, (client) => client.records.open("patched"))
      const kept: Record<string, number> = {}
      yield* Effect.forEach(records, (record, writer) =>
        Effect.forEach(
          Array.from({ length: 50 }, (_, index) => index),
          (index) =>
            Effect.map(Effect.exit(record.patch(`w${writer}k${index}`, index, { acknowledge: true })), (exit) => {
              if (Exit.isSuccess(exit)) kept[`w${writer}k${index}`] = index
              else expect(codeOf(exit)).toBe("WRITE_LOST")
            }),
          { concurrency: 3 }
        ), { concurrency: "unbounded" })
      const fresh = yield* connect(server)
      expect(yield* fresh.records.snapshot("patched")).toEqual(kept)
      yield* until("agreement", () => same(records[0]!, records[1]!))
      clean(...clients)
    })))

  it("acknowledges 10 000 subscriptions at once", () =>
    play(Effect.gen(function*() {
      // a server of its own: 7.0.2 was seen to end when 10 000 subscriptions go with their client
      const own = yield* Effect.acquireRelease(Effect.promise(() => Server.start(kind)), (started) => Effect.promise(() => started.stop()))
      const client = yield* connect(own, { subscriptionTimeout: 2000 })
      let ready = 0
      const onReady = Effect.sync(() => void ready++)
      const failed: Array<string> = []
      yield* Effect.forEach(Array.from({ length: 10_000 }, (_, index) => index), (index) =>
        Effect.forkScoped(
          Stream.runDrain(client.events.subscribe(`many/${index}`, { onReady })).pipe(
            Effect.catch((error) => Effect.sync(() => void failed.push(error.code)))
          ),
          { startImmediately: true }
        ), { discard: true })
      yield* until("all of them", () => ready + failed.length === 10_000)
      expect([ready, failed.length]).toEqual([10_000, 0])
    })))

  // 7.0.2 ends when it asks the next provider: it reads as JSON what it has already turned into typed text (`message-builder.ts`)
  if (kind === "classic") {
    it("lets another provider answer what one rejects, also when the requester is a provider", () =>
      play(Effect.gen(function*() {
        const [one, other] = [yield* connect(server), yield* connect(server)]
        yield* one.rpc.provide("picky", () => Effect.andThen(Effect.sleep("20 millis"), Effect.fail(new RpcRejected())))
        yield* other.rpc.provide("picky", (value) => Effect.andThen(Effect.sleep("5 millis"), Effect.succeed(value)))
        for (let count = 0; count < 8; count++) expect(yield* other.rpc.request("picky", count)).toBe(count)
        clean(one, other)
      })))
  }

  it("hears its own events, and the others do", () =>
    play(Effect.gen(function*() {
      const [one, other] = [yield* connect(server), yield* connect(server)]
      const heard = yield* collect((onReady) => one.events.subscribe("own", { onReady }))
      const there = yield* collect((onReady) => other.events.subscribe("own", { onReady }))
      yield* one.events.emit("own", { a: 1 })
      yield* until("both", () => heard.length === 1 && there.length === 1)
      yield* Effect.sleep("50 millis")
      expect([heard, there]).toEqual([[{ a: 1 }], [{ a: 1 }]])
    })))

  it("answers has, head, snapshot, upsert and delete", () =>
    play(Effect.gen(function*() {
      const client = yield* connect(server)
      const { records } = client
      expect(yield* records.has("upserted")).toBe(false)
      expect(yield* records.head("upserted")).toEqual(Option.none())
      expect(codeOf(yield* Effect.exit(records.snapshot("upserted")))).toBe("RECORD_NOT_FOUND")
      yield* records.upsert("upserted", { a: 1 }, { acknowledge: true })
      yield* records.upsertAt("upserted", "b.c", "x", { acknowledge: true })
      expect(yield* records.has("upserted")).toBe(true)
      expect(yield* records.head("upserted")).toEqual(Option.some(2))
      expect(yield* records.snapshot("upserted")).toEqual({ a: 1, b: { c: "x" } })
      yield* records.delete("upserted")
      expect(yield* records.has("upserted")).toBe(false)
      clean(client)
    })))

  it("decodes records by their schema", () =>
    play(Effect.gen(function*() {
      const User = Schema.Struct({ name: Schema.String, born: Schema.DateTimeUtcFromString, age: Schema.optional(Schema.Int) })
      const client = yield* connect(server)
      yield* client.records.upsert("user/1", { name: "Lisa", born: "2001-02-03T04:05:06.000Z" }, { acknowledge: true })
      const user = yield* client.records.open("user/1", User)
      expect((yield* user.get).name).toBe("Lisa")
      expect(codeOf(yield* Effect.exit(user.patch("age", "old")))).toBe("INVALID_VALUE")
      yield* user.patch("age", 19, { acknowledge: true })
      expect(yield* client.records.snapshot("user/1")).toEqual({ name: "Lisa", born: "2001-02-03T04:05:06.000Z", age: 19 })
      clean(client)
    })))

  it("deletes a record under those who have it open", () =>
    play(Effect.gen(function*() {
      const [one, other] = [yield* connect(server), yield* connect(server)]
      const left = yield* one.records.open("doomed")
      const right = yield* other.records.open("doomed")
      yield* left.set({ here: true }, { acknowledge: true })
      const changes = yield* Effect.forkScoped(Stream.runCollect(right.changes()))
      yield* until("the write", () => Effect.map(right.getAt("here"), (here) => here === true))
      yield* left.delete
      const seen = yield* Effect.timeout(Fiber.join(changes), "5 seconds")
      expect(seen.at(-1)).toEqual({ here: true })
      expect(codeOf(yield* Effect.exit(right.get))).toBe("RECORD_DELETED")
    })))

  it("keeps lists and anonymous records", () =>
    play(Effect.gen(function*() {
      const [one, other] = [yield* connect(server), yield* connect(server)]
      const list = yield* one.records.openList("todo")
      const seen = yield* other.records.openList("todo")
      expect(yield* list.entries).toEqual([])
      yield* list.add("todo/1", { acknowledge: true })
      yield* list.add("todo/2", { index: 0, acknowledge: true })
      yield* until("both entries", () => Effect.map(seen.entries, (entries) => entries.join() === "todo/2,todo/1"))
      yield* seen.remove("todo/1", { acknowledge: true })
      yield* until("the removal", () => Effect.map(list.entries, (entries) => entries.join() === "todo/2"))
      yield* one.records.upsert("anon/1", { n: 1 }, { acknowledge: true })
      yield* one.records.upsert("anon/2", { n: 2 }, { acknowledge: true })
      const anonymous = yield* other.records.anonymous()
      const values: Array<Json> = []
      yield* Effect.forkScoped(Stream.runForEach(anonymous.changes(), (data) => Effect.sync(() => values.push(data))), {
        startImmediately: true
      })
      yield* anonymous.setName("anon/1")
      yield* until("the first", () => values.length === 1)
      yield* anonymous.setName("anon/2")
      yield* until("the second", () => values.length === 2)
      expect(values).toEqual([{ n: 1 }, { n: 2 }])
      clean(one, other)
    })))

  it("calls procedures of another client: answers, errors, rejections, nobody", () =>
    play(Effect.gen(function*() {
      const [provider, second, caller] = [yield* connect(server), yield* connect(server), yield* connect(server)]
      yield* provider.rpc.provide("upper", (value) =>
        typeof value === "string" ? Effect.succeed(value.toUpperCase()) : Effect.fail(new Error("no text")))
      expect(yield* caller.rpc.request("upper", "abc")).toBe("ABC")
      const failed = yield* Effect.exit(caller.rpc.request("upper", 5))
      expect(Exit.isFailure(failed) && (Cause.squash(failed.cause) as DeepstreamError).message).toBe("no text")
      expect(codeOf(yield* Effect.exit(caller.rpc.request("nobody", 1)))).toBe("NO_RPC_PROVIDER")
      let rejected = 0
      yield* provider.rpc.provide("picky", () =>
        Effect.andThen(Effect.sync(() => rejected++), Effect.fail(new RpcRejected())), { accept: "manual" })
      yield* second.rpc.provide("picky", (value) =>
        Effect.succeed(value))
      // servers ask a provider by chance: often enough that the one that rejects is among them
      const values = Array.from({ length: 40 }, (_, index) =>
        index + 1)
      const answers = yield* Effect.forEach(values, (value) => caller.rpc.request("picky", value))
      expect(answers).toEqual(values)
      expect(rejected).toBeGreaterThan(0)
      const many = yield* Effect.forEach(
        Array.from({ length: 500 }, (_, index) => `v${index}`),
        (value) => caller.rpc.request("upper", value),
        { concurrency: 100 }
      )
      expect(many).toEqual(Array.from({ length: 500 }, (_, index) => `V${index}`))
      clean(provider, second, caller)
    })))

  it("remembers what was denied, if asked to", () =>
    play(Effect.gen(function*() {
      const client = yield* connect(server, { rememberDenials: true })
      const denied = () => Effect.exit(Stream.runDrain(client.events.subscribe("forbidden")))
      expect(codeOf(yield* denied())).toBe("MESSAGE_DENIED")
      expect(codeOf(yield* denied())).toBe("MESSAGE_DENIED")
      expect(codeOf(yield* Effect.exit(client.rpc.request("forbidden", 1)))).toBe("MESSAGE_DENIED")
      expect(codeOf(yield* Effect.exit(Effect.scoped(client.records.open("forbidden/1"))))).toBe("MESSAGE_DENIED")
      yield* client.events.emit("forbidden", 1)
      yield* until(
        "the denied event",
        () => client.reported.some(({ reason }) => reason._tag === "MessageDenied" && reason.action === "EVT")
      )
      expect(codeOf(yield* Effect.exit(client.events.emit("forbidden", 2)))).toBe("MESSAGE_DENIED")
    })))

  it("beside the official client: events, records, procedures", () =>
    play(Effect.gen(function*() {
      const ours = yield* connect(server)
      const theirs = yield* official(server)
      const heard = yield* collect((onReady) => ours.events.subscribe("from-them", { onReady }))
      const heardThere: Array<unknown> = []
      theirs.event.subscribe("from-us", (value) => heardThere.push(value))
      yield* Effect.sleep("100 millis")
      theirs.event.emit("from-them", { a: [1, "x"] })
      yield* ours.events.emit("from-us", { b: "ä" })
      yield* until("their event", () => heard.length === 1)
      yield* until("our event", () => heardThere.length === 1)
      expect([heard, heardThere]).toEqual([[{ a: [1, "x"] }], [{ b: "ä" }]])
      const record = yield* ours.records.open("both/1")
      const theirRecord = theirs.record.getRecord("both/1")
      yield* Effect.callback<void>((resume) => theirRecord.whenReady(() => resume(Effect.void)))
      yield* record.patch("from.us", 1, { acknowledge: true })
      yield* until("our write there", () => theirRecord.get("from.us") === 1)
      theirRecord.set("from.them", "two")
      yield* until("their write here", () => Effect.map(record.getAt("from.them"), (value) => value === "two"))
      yield* ours.rpc.provide("ours", (value) => Effect.succeed(`${String(value)}!`))
      theirs.rpc.provide("theirs", (value, response) => response.send(`${String(value)}?`))
      yield* Effect.sleep("100 millis")
      const answer = yield* Effect.callback<unknown>((resume) => theirs.rpc.make("ours", "hi", (_, value) => resume(Effect.succeed(value))))
      expect(answer).toBe("hi!")
      expect(yield* ours.rpc.request("theirs", "hi")).toBe("hi?")
      clean(ours)
    })))
})

describe.each(kinds)("%s with users (%s)", (kind) => {
  let server: Server
  beforeAll(async () => {
    server = await Server.start(kind, "users")
  })
  afterAll(() => server.stop())

  const as = (username: string, options = {}) => connect(server, { credentials: { username, password: "x" }, ...options })

  it("refuses wrong credentials, and closes after too many", () =>
    play(Effect.gen(function*() {
      const refused = yield* Effect.exit(Effect.scoped(connect(server, { credentials: { username: "alice", password: "y" } })))
      expect(codeOf(refused)).toBe("INVALID_AUTH_DATA")
      const client = yield* make({ url: server.url }).pipe(Effect.provide(Socket.layerWebSocketConstructorGlobal))
      const codes: Array<string> = []
      for (let attempt = 0; attempt < 5; attempt++) codes.push(codeOf(yield* Effect.exit(client.login({ username: "eve", password: "z" }))))
      expect(codes.slice(0, 2)).toEqual(["INVALID_AUTH_DATA", "INVALID_AUTH_DATA"])
      expect(codes).toContain("TOO_MANY_AUTH_ATTEMPTS")
      expect(codes.at(-1)).toBe("IS_CLOSED")
    })))

  it("tells who is logged in, and who comes and goes", () =>
    play(Effect.gen(function*() {
      const alice = yield* as("alice")
      const all = yield* collect<PresenceEvent>((onReady) => alice.presence.changes({ onReady }))
      const bobs = yield* collect<PresenceEvent>((onReady) => alice.presence.changesOf("bob", { onReady }))
      expect(yield* alice.presence.all).toEqual([])
      yield* Effect.scoped(Effect.gen(function*() {
        const bob = yield* as("bob")
        yield* until("bob", () => all.length >= 1 && bobs.length === 1)
        expect(yield* alice.presence.all).toEqual(["bob"])
        expect(yield* bob.presence.all).toEqual(["alice"])
        expect(yield* alice.presence.online(["bob", "carol"])).toEqual(new Map([["bob", true], ["carol", false]]))
        yield* as("carol")
        yield* until("carol", () => all.length === 2)
      }))
      yield* until("both gone", () => all.length === 4)
      expect(all.slice(0, 2)).toEqual([{ user: "bob", online: true }, { user: "carol", online: true }])
      expect(all.slice(2).map(({ online, user }) => [user, online]).sort()).toEqual([["bob", false], ["carol", false]])
      expect(bobs).toEqual([{ user: "bob", online: true }, { user: "bob", online: false }])
      clean(alice)
    })))

  it("comes back after a restart of the server with all of it", () =>
    play(Effect.gen(function*() {
      const [alice, bob] = [yield* as("alice"), yield* as("bob")]
      const news = yield* collect((onReady) => bob.events.subscribe("news", { onReady }))
      const presence = yield* collect<PresenceEvent>((onReady) => alice.presence.changesOf("carol", { onReady }))
      const found = yield* collect<PatternEvent>((onReady) => alice.records.listen("watched/.*", { onReady }))
      yield* bob.rpc.provide("echo", (value) => Effect.succeed(value))
      const left = yield* alice.records.open("kept")
      const right = yield* bob.records.open("kept")
      yield* left.set({ before: 1 }, { acknowledge: true })
      yield* alice.events.emit("news", 1)
      yield* until("before", () => news.length === 1)
      yield* Effect.promise(() => server.stop())
      yield* until("lost", () => Effect.map(SubscriptionRef.get(alice.state), (state) => state === "RECONNECTING"))
      // made meanwhile: each waits, or fails by its deadline
      yield* alice.events.emit("news", 2)
      const asked = yield* Effect.forkScoped(
        alice.rpc.request("echo", "later", { ackTimeout: "20 seconds", responseTimeout: "20 seconds" })
      )
      const queried = yield* Effect.forkScoped(alice.presence.online(["bob"]))
      const unconfirmed = yield* Effect.exit(left.patch("meanwhile", true, { acknowledge: true }))
      expect(codeOf(unconfirmed)).toBe("connectionError")
      yield* Effect.promise(() => server.start())
      for (const client of [alice, bob]) {
        yield* until("open", () => Effect.map(SubscriptionRef.get(client.state), (state) => state === "OPEN"))
      }
      yield* until("agreement", () => same(left, right))
      // the server lost the record: what is written now is what there is
      yield* left.patch("after", 2, { acknowledge: true })
      yield* until("the write", () => Effect.map(right.getAt("after"), (value) => value === 2))
      yield* until("its agreement", () => same(left, right))
      yield* until("the event", () => Effect.as(alice.events.emit("news", 3), news.includes(3)))
      expect(yield* Fiber.join(queried)).toBeInstanceOf(Map)
      expect(["later", "NO_RPC_PROVIDER"]).toContain(
        yield* Effect.map(Effect.exit(Fiber.join(asked)), (exit) => Exit.isSuccess(exit) ? exit.value : codeOf(exit))
      )
      yield* until(
        "the procedure",
        () => Effect.map(Effect.exit(alice.rpc.request("echo", "again")), (exit) => Exit.isSuccess(exit) && exit.value === "again")
      )
      yield* Effect.scoped(Effect.andThen(
        as("carol"),
        (carol) => Effect.andThen(carol.records.open("watched/1"), until("carol", () => presence.length >= 1 && found.length >= 1))
      ))
      clean(alice, bob)
    })), 90_000)
})
