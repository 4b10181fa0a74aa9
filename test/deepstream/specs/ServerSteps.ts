/** Steps about the servers: what they send, and what they heard. */
import { Effect } from "effect"
import { expect, expectSame, type Step, step } from "./Steps.ts"
import { pass, settled, type World } from "./World.ts"

/** The message of a step as a pattern for what arrived; `<UID>` stands for whatever identifies a call. */
const patternOf = (world: World, text: string): RegExp => {
  const escaped = text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
  const filled = escaped
    .replaceAll("<FIRST_SERVER_URL>", world.first.url)
    .replaceAll("<SECOND_SERVER_URL>", world.second.url)
    .replaceAll("<UID>", "([^|+]+)")
  return new RegExp(`^${filled}$`)
}

const matches = (world: World, text: string, message: string | undefined): boolean => {
  const found = message === undefined ? null : patternOf(world, text).exec(message)
  if (found !== null && found[1] !== undefined) world.uid = found[1]
  return found !== null
}

const heard = (world: World): string => JSON.stringify(world.server.messages)

export const serverSteps: ReadonlyArray<Step> = [
  step(/^the test server is ready$/, ({ first }) => first.start()),
  step(/^the second test server is ready$/, ({ second }) => second.start()),
  step(/^the client is on the second server$/, (world) => {
    expect(world.second.connections > 0, () => "the client is not on the second server")
    world.server = world.second
  }),
  step(/^the server sends the message (.*)$/, (world, text = "") => {
    const message = text
      .replaceAll("<UID>", world.uid)
      .replaceAll("<FIRST_SERVER_URL>", world.first.url)
      .replaceAll("<SECOND_SERVER_URL>", world.second.url)
    world.server.send(message)
    return settled
  }),
  step(
    /^the last message the server recieved is (.*)$/,
    (world, text = "") => expect(matches(world, text, world.server.messages.at(-1)), () => `last was not ${text}: ${heard(world)}`)
  ),
  step(
    /^the server received the message (.*)$/,
    (world, text = "") =>
      expect(world.server.messages.some((message) => matches(world, text, message)), () => `never ${text}: ${heard(world)}`)
  ),
  step(
    /^the server didn't receive the message (.*)$/,
    (world, text = "") =>
      expect(!world.server.messages.some((message) => matches(world, text, message)), () => `${text} arrived: ${heard(world)}`)
  ),
  step(
    /^the server has received (\d*) messages$/,
    (world, count = "") => expectSame(world.server.messages.length, Number(count), `messages ${heard(world)}`)
  ),
  step(/^the server did not recieve any messages$/, (world) => expectSame(world.server.messages, [], "messages")),
  step(/^no message was send to the server$/, (world) => expectSame(world.server.messages, [], "messages")),
  step(/^the server resets its message count$/, ({ server }) => {
    server.messages = []
  }),
  step(/^the server has (\d*) active connections$/, ({ first }, count = "") => expectSame(first.connections, Number(count), "connections")),
  step(
    /^the second server has (\d*) active connections$/,
    ({ second }, count = "") => expectSame(second.connections, Number(count), "connections of the second server")
  ),
  step(/^the connection to the server is lost$/, ({ server }) => {
    server.stop()
    return settled
  }),
  step(/^the connection to the server is reestablished$/, (world) => {
    world.server = world.first
    world.first.start()
    return Effect.andThen(pass(200), Effect.sync(() => expect(world.first.connections > 0, () => "the client did not come back")))
  })
]
