/**
 * Our client with so many subscriptions to events, and another that publishes to each in turn: `subscriptions.ts URL COUNT`. Tells the processor
 * time of an event in microseconds, that of both.
 */
import { make } from "../../../packages/deepstream/src/Deepstream.ts"
import { Effect, Scope, Stream } from "effect"
import { Socket } from "effect/socket"

const [url = "", text = ""] = process.argv.slice(2)
const count = Number(text)
const scope = Effect.runSync(Scope.make())
const login = () =>
  Effect.runPromise(
    make({ url, credentials: {}, subscriptionTimeout: 60_000 }).pipe(
      Scope.provide(scope),
      Effect.provide(Socket.layerWebSocketConstructorGlobal)
    )
  )
const [publisher, subscriber] = [await login(), await login()]
let left = 0
let done = (): void => {}
const heard = Effect.sync(() => {
  if (--left === 0) done()
})
// no more at a time than the server answers in time
for (let first = 0; first < count; first += 100) {
  await Promise.all(Array.from({ length: Math.min(100, count - first) }, (_, i) =>
    new Promise<void>((resolve) => {
      const events = subscriber.events.subscribe(`e${first + i}`, { onReady: Effect.sync(() => resolve()) })
      Effect.runFork(Stream.runForEach(events, () => heard))
    })))
}

process.on("message", (events: number) => {
  void (async () => {
    const before = process.cpuUsage()
    let published = 0
    // a hundred in one tick, as in `bench:deepstream`, and heard before the next
    while (published < events) {
      left = 100
      const all = new Promise<void>((resolve) => {
        done = resolve
      })
      await Effect.runPromise(
        Effect.forEach(Array.from({ length: 100 }), () => publisher.events.emit(`e${published++ % count}`, 1), { discard: true })
      )
      await all
    }
    const { system, user } = process.cpuUsage(before)
    process.send!((system + user) / events)
  })()
})
process.on("disconnect", () => process.exit(0))
process.send!("ready")
