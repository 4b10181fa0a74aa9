/** The client of this repository, driven by fibres as a program on Effect would. */
import { type Document, KvClient, type KvCommands, type KvProtocol } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { type Contender, keyOf, type Operation } from "../Contender.ts"

const checkOf = (size: number) => (found: Option.Option<Document>): void => {
  if (Option.isNone(found) || found.value.value.length !== size) throw new Error("not what was stored")
}

interface Work {
  readonly operation: Operation
  readonly count: number
  readonly size: number
  readonly keys: number
}

export const make = async (style: "loops" | "generators", protocol: KvProtocol, metrics: boolean): Promise<Contender> => {
  const scope = Scope.makeUnsafe()
  let kv: KvCommands

  /** Loops of `Effect.whileLoop`, which is to Effect what a loop around `await` is to promises. */
  const loops = ({ operation, count, size, keys }: Work): Effect.Effect<void, unknown> => {
    const value = new Uint8Array(size).fill(0x76)
    const check = checkOf(size)
    let next = 0
    const more = (): boolean => next < count
    return operation === "get"
      ? Effect.whileLoop({ while: more, body: () => kv.get(keyOf(next++, keys)), step: check })
      : Effect.whileLoop({ while: more, body: () => kv.set(keyOf(next++, keys), value), step: () => {} })
  }

  /** The same as a program would rather write it. */
  const generators = ({ operation, count, size, keys }: Work): Effect.Effect<void, unknown> => {
    const value = new Uint8Array(size).fill(0x76)
    const check = checkOf(size)
    let next = 0
    return operation === "get"
      ? Effect.gen(function*() {
        while (next < count) check(yield* kv.get(keyOf(next++, keys)))
      })
      : Effect.gen(function*() {
        while (next < count) yield* kv.set(keyOf(next++, keys), value)
      })
  }

  return {
    connect: async (port) => {
      kv = await Effect.runPromise(
        Effect.provideService(KvClient.make({ port, protocol, metrics, requestTimeout: "30 seconds" }), Scope.Scope, scope)
      )
    },
    run: (operation, inFlight, count, size, keys) => {
      const one = (style === "loops" ? loops : generators)({ operation, count, size, keys })
      return Effect.runPromise(
        Effect.forEach(Array.from({ length: inFlight }), () => one, { concurrency: "unbounded", discard: true })
      )
    },
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
