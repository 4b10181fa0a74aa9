/** Steps about presence. */
import type { PresenceEvent } from "@wirewright/deepstream"
import { Effect, Stream } from "effect"
import { expectOnce, expectNone, type Step, step } from "./Steps.ts"
import { sent, type World } from "./World.ts"

const watch = (world: World, user: string | undefined): Effect.Effect<void> => {
  const { presence } = world.ds
  const changes = user === undefined ? presence.changes({ onAckTimeout: "report" }) : presence.changesOf(user, { onAckTimeout: "report" })
  const note = ({ online, user: name }: PresenceEvent) => Effect.sync(() => world.list(`${name} ${online ? "in" : "out"}`).push(name))
  return world.fork(`presence ${user ?? "of all"}`, Stream.runForEach(changes, note))
}

export const presenceSteps: ReadonlyArray<Step> = [
  step(/^the client queries for connected clients$/, (world) => {
    const answers = world.list<ReadonlyArray<string>>("connected")
    return Effect.andThen(world.fork("query", Effect.tap(world.ds.presence.all, (users) => Effect.sync(() => answers.push(users)))), sent)
  }),
  step(/^the client is notified that no clients are connected$/, (world) => expectOnce(world, "connected", [])),
  step(
    /^the client is notified that clients "([^"]*)" are connected$/,
    (world, users = "") => expectOnce(world, "connected", users.split(","))
  ),
  step(/^the client queries if "([^"]*)" are online$/, (world, users = "") => {
    const answers = world.list<unknown>("online")
    const query = Effect.tap(
      world.ds.presence.online(users.split(",")),
      (found) => Effect.sync(() => answers.push(Object.fromEntries(found)))
    )
    return Effect.andThen(world.fork("query", query), sent)
  }),
  step(/^the client is notified with '(.*)'$/, (world, json = "") => expectOnce(world, "online", JSON.parse(json))),
  step(/^the client subscribes to all presence events$/, (world) => Effect.andThen(watch(world, undefined), sent)),
  step(/^the client unsubscribes to all presence events$/, (world) => Effect.andThen(world.stop("presence of all"), sent)),
  step(
    /^the client subscribes to presence events for "([^"]*)"$/,
    (world, users = "") => Effect.andThen(Effect.forEach(users.split(","), (user) => watch(world, user), { discard: true }), sent)
  ),
  step(
    /^the client unsubscribes to presence events for "([^"]*)"$/,
    (world, users = "") =>
      Effect.andThen(Effect.forEach(users.split(","), (user) => world.stop(`presence ${user}`), { discard: true }), sent)
  ),
  step(/^the client is notified that client "(\w*)" logged in$/, (world, user = "") => expectOnce(world, `${user} in`, user)),
  step(/^the client is notified that client "(\w*)" logged out$/, (world, user = "") => expectOnce(world, `${user} out`, user)),
  step(/^the client is not notified that client "(\w*)" logged in$/, (world, user = "") => expectNone(world, `${user} in`)),
  step(/^the client is not notified that client "(\w*)" logged out$/, (world, user = "") => expectNone(world, `${user} out`))
]
