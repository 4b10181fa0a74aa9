/** The Couchbase client of this repository, driven by fibres as a program on Effect would. */
import { KvClient, type KvCommands } from "@wirewright/couchbase"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { type Contender, keyOf } from "../Contender.ts"

export const make = async (metrics: boolean): Promise<Contender> => {
  const scope = Scope.makeUnsafe()
  let kv: KvCommands
  return {
    connect: async (port) => {
      const credentials = { user: "app", password: Redacted.make("secret") }
      const seeds = [{ host: "127.0.0.1", port }] as const
      const made = KvClient.make({ seeds, credentials, bucket: "default", timeout: "30 seconds", metrics })
      kv = await Effect.runPromise(Effect.provideService(made, Scope.Scope, scope))
    },
    run: (operation, inFlight, count, size, keys) => {
      const value = new Uint8Array(size).fill(0x76)
      let next = 0
      const more = (): boolean => next < count
      const one = operation === "get"
        ? Effect.whileLoop({
          while: more,
          body: () => kv.get(keyOf(next++, keys)),
          step: (found) => {
            if (Option.isNone(found) || found.value.value.length !== size) throw new Error("not what was stored")
          }
        })
        : Effect.whileLoop({ while: more, body: () => kv.upsert(keyOf(next++, keys), value), step: () => {} })
      return Effect.runPromise(Effect.forEach(Array.from({ length: inFlight }), () => one, { concurrency: "unbounded", discard: true }))
    },
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
