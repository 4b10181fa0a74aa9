/** The programs of the guide of `packages/deepstream`, in one that runs. */
import { Deepstream, RpcRejected } from "@wirewright/deepstream"
import { Effect, Schema, Stream, SubscriptionRef } from "effect"

// #region record
const User = Schema.Struct({ name: Schema.String, n: Schema.Int, lastname: Schema.optionalKey(Schema.String) })

const rename = Effect.gen(function*() {
  const user = yield* Deepstream.record("user/lisa", User) // opened, read, and kept the same as the server's
  yield* user.patch("lastname", "Owen", { acknowledge: true }) // done when the server stored it
  yield* Deepstream.emit("renamed", "user/lisa")
  return (yield* user.get).lastname
}).pipe(Effect.scoped)
// #endregion

// #region counter
const Counter = Schema.Struct({ count: Schema.optionalKey(Schema.Int) })

/** One more, however many others count at the same time. */
const count = Effect.gen(function*() {
  const counter = yield* Deepstream.record("counter", Counter)
  const once = Effect.flatMap(counter.get, ({ count = 0 }) => counter.patch("count", count + 1, { acknowledge: true }))
  // it was not counted, and `get` has what the others made of it
  return yield* Effect.retry(once, { while: ({ reason }) => reason._tag === "WriteLost" })
}).pipe(Effect.scoped)
// #endregion

// #region events
const heard = Deepstream.subscribe("news", { bufferSize: 1024, overflow: "dropOldest" }).pipe(
  Stream.take(1),
  Stream.runCollect
)
// #endregion

// #region listen
const provideFeeds = Effect.gen(function*() {
  const { events } = yield* Deepstream
  yield* events.listen("feed/.*").pipe(
    Stream.runForEach((event) => event._tag === "Found" ? event.accept : Effect.log(`${event.name} is not wanted any more`))
  )
})
// #endregion

// #region rpc
const procedures = Effect.gen(function*() {
  const { rpc } = yield* Deepstream
  // as long as the scope is open
  yield* rpc.provide("add-two", (numbers) =>
    Array.isArray(numbers)
      ? Effect.succeed(Number(numbers[0]) + Number(numbers[1]))
      : Effect.fail(new RpcRejected())) // another provider may know better
  return yield* rpc.request("echo", { a: 1 }, { responseTimeout: "2 seconds" })
}).pipe(
  Effect.catchReason("DeepstreamError", "NoRpcProvider", () => Effect.succeed("nobody")),
  Effect.scoped
)
// #endregion

// #region states
const watchConnection = Effect.gen(function*() {
  const { problems, state } = yield* Deepstream
  yield* Effect.forkScoped(Stream.runForEach(SubscriptionRef.changes(state), (now) => Effect.log(now)))
  yield* Effect.forkScoped(Stream.runForEach(problems, ({ raw, reason }) => Effect.log(reason.code, raw)))
})
// #endregion

/** What the guide's programs do, one after another. */
export const program = Effect.gen(function*() {
  yield* Effect.forkScoped(provideFeeds)
  yield* watchConnection
  const lastname = yield* rename
  const counted = yield* count
  const events = yield* heard
  const answer = yield* procedures
  return { lastname, counted, events, answer }
}).pipe(Effect.scoped)
