/** Steps about events and listening to them. */
import type { PatternEvent } from "@wirewright/deepstream"
import { Effect, Stream } from "effect"
import { expectOnce, type Step, step } from "./Steps.ts"
import { sent } from "./World.ts"

export const eventSteps: ReadonlyArray<Step> = [
  step(/^the client subscribes to an event named "(\w*)"$/, (world, name = "") => {
    const received = world.list<unknown>(`event ${name}`)
    const events = world.ds.events.subscribe(name, { onAckTimeout: "report" })
    return Effect.andThen(
      world.fork(`event ${name}`, Stream.runForEach(events, (value) => Effect.sync(() => received.push(value)))),
      sent
    )
  }),
  step(/^the client unsubscribes from an event named "(\w*)"$/, (world, name = "") => Effect.andThen(world.stop(`event ${name}`), sent)),
  step(
    /^the client publishes an event named "(\w*)" with data "(\w*)"$/,
    (world, name = "", data) => Effect.andThen(world.fork("emit", world.ds.events.emit(name, data)), sent)
  ),
  step(/^the client received the event "(\w*)" with data "(\w*)"$/, (world, name = "", data) => expectOnce(world, `event ${name}`, data)),
  step(/^the client listens to events matching "([^"]*)"$/, (world, pattern = "") => {
    const found = world.list<string>("event match")
    const removed = world.list<string>("event match removal")
    const note = (event: PatternEvent) => Effect.sync(() => (event._tag === "Found" ? found : removed).push(event.name))
    return Effect.andThen(
      world.fork(`event pattern ${pattern}`, Stream.runForEach(world.ds.events.listen(pattern, { onAckTimeout: "report" }), note)),
      sent
    )
  }),
  step(
    /^the client unlistens to events matching "([^"]*)"$/,
    (world, pattern = "") => Effect.andThen(world.stop(`event pattern ${pattern}`), sent)
  ),
  step(/^the client will be notified of new event match "([^"]*)"$/, (world, name) => expectOnce(world, "event match", name)),
  step(/^the client will be notified of event match removal "([^"]*)"$/, (world, name) => expectOnce(world, "event match removal", name))
]
