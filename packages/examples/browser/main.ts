/** The client in a browser: the state of the connection, a record that everybody counts up, and an event that says who did. */
import { Deepstream } from "@wirewright/deepstream"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"

interface Page {
  readonly document: {
    getElementById(id: string): { textContent: string; onclick: (() => void) | null; toggleAttribute(name: string, on: boolean): void }
  }
  readonly location: { readonly search: string }
  readonly URLSearchParams: new(text: string) => { get(name: string): string | null }
}

const { document, location, URLSearchParams } = globalThis as unknown as Page
const url = new URLSearchParams(location.search).get("url") ?? "ws://127.0.0.1:6020"

const show = (id: string, text: string): Effect.Effect<void> =>
  Effect.sync(() => {
    document.getElementById(id).textContent = text
  })

const Counter = Schema.Struct({ count: Schema.optionalKey(Schema.Int) })

const program = Effect.gen(function*() {
  const client = yield* Deepstream
  yield* Effect.forkScoped(Stream.runForEach(SubscriptionRef.changes(client.state), (state) =>
    Effect.andThen(
      show("state", state),
      Effect.sync(() => document.getElementById("state").toggleAttribute("data-open", state === "OPEN"))
    )))
  const counter = yield* Deepstream.record("counter", Counter)
  yield* Effect.forkScoped(Stream.runForEach(counter.changes(), ({ count = 0 }) => show("count", String(count))))
  yield* Effect.forkScoped(Stream.runForEach(client.events.subscribe("counted"), (who) => show("event", `${String(who)} counted`)))
  const addOne = Effect.flatMap(counter.get, ({ count = 0 }) => counter.set({ count: count + 1 }, { acknowledge: true }))
  const add = Effect.gen(function*() {
    // when somebody else counted at the same time, this was not counted
    yield* Effect.retry(addOne, { while: ({ reason }) => reason._tag === "WriteLost" })
    yield* client.events.emit("counted", "the browser")
  })
  document.getElementById("add").onclick = () => void Effect.runFork(add)
  yield* Effect.never
}).pipe(Effect.scoped, Effect.provide(Deepstream.layer({ url, credentials: {} })))

Effect.runFork(Effect.catch(program, (error) => show("state", error.message)))
