/**
 * An opcode of our own, on both sides: `spec/LengthOf.ts` says what it looks like, `wirewright generate` makes a command of that, and client
 * and server use it. Everything else stays what it was: the server has the handlers of classic memcached for it.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Client, Server } from "@wirewright/connection"
import { classicHandlers } from "@wirewright/memcached"
import { Console, Effect } from "effect"
import * as Measured from "./gen/index.ts"

const items = new Map<string, Uint8Array>()

const item = (key: string) => {
  const value = items.get(key)
  return value === undefined ? Effect.fail(Server.refusal(Measured.Status.KeyEnoent)) : Effect.succeed(value)
}

const server = Server.make(Measured, {
  LengthOf: ({ key }) => Effect.map(item(key), ({ length }) => ({ length })),
  ...classicHandlers({
    get: ({ key }) => Effect.map(item(key), (value) => ({ value })),
    set: ({ key, value }) => Effect.sync(() => (items.set(key, value.slice()), {}))
  })
})

const program = Effect.scoped(Effect.gen(function*() {
  const { host, port } = yield* server
  const client = yield* Client.make(Measured, { host, port })

  const value = new TextEncoder().encode("x".repeat(1024))
  yield* client.call(Measured.Set, { key: "Hello", flags: 0, expiration: 0, value })
  const { length } = yield* client.call(Measured.LengthOf, { key: "Hello" })
  yield* Console.log("Hello", length)
  yield* client.call(Measured.LengthOf, { key: "nobody" }).pipe(
    Effect.catchTag("StatusError", ({ name }) => Console.log("nobody", name))
  )
}))

NodeRuntime.runMain(program)
