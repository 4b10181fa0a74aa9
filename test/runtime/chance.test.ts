/** Chance comes from Effect's Random, and what must not be guessed from where a caller says: what is sent shows it. */
import { KvClient } from "@wirewright/couchbase"
import { Dcp } from "@wirewright/dcp"
import { pair, type PairOptions } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { expect, test } from "vitest"

/** What clients said, as text. */
const said = (
  options: PairOptions,
  play: (both: Effect.Success<ReturnType<typeof pair>>) => Effect.Effect<unknown, unknown, Scope.Scope>,
  seed = "seed"
): Promise<string> => {
  let text = ""
  const tap: NonNullable<PairOptions["tap"]> = (_, direction, bytes) => {
    if (direction === "toServer") text += Buffer.from(bytes).toString("latin1")
  }
  const program = Effect.scoped(Effect.flatMap(pair({ vbuckets: 1, ...options, tap }), play))
  return Effect.runPromise(Effect.as(Random.withSeed(program, seed), 0) as Effect.Effect<number>).then(() => text)
}

test("the nonce of SCRAM is what a caller gives, and another each time by default", async () => {
  const users = [{ name: "ada", password: Redacted.make("secret") }]
  const nonce = (scramNonce?: Effect.Effect<string>) =>
    said({ users }, ({ link, node }) =>
      KvClient.make({
        seeds: [{ host: node.host, port: node.port }],
        bucket: "default",
        dial: link.dial,
        credentials: { user: "ada", password: Redacted.make("secret") },
        ...scramNonce === undefined ? {} : { scramNonce }
      })).then((text) => /n=ada,r=([\w+/]+)/.exec(text)?.[1])
  expect(await nonce(Effect.succeed("fyko+d2lbbFgONRv9qkxdawL"))).toBe("fyko+d2lbbFgONRv9qkxdawL")
  const [one, other] = [await nonce(), await nonce()]
  expect(one).toMatch(/^[\w+/]{24}$/)
  expect(other).not.toBe(one)
})

test("the name of a DCP connection is the seed's", async () => {
  const name = (seed: string) =>
    said({}, ({ bucket, layer }) => {
      bucket.store.set(bucket.store.space(0), "k", { value: Buffer.from("v") })
      return Dcp.changes().pipe(Stream.take(2), Stream.runDrain, Effect.provide(layer))
    }, seed).then((text) => /[\w/-]+:[0-9a-f]{12}(?![0-9a-f])/.exec(text)?.[0])
  const [once, again, other] = [await name("a"), await name("a"), await name("b")]
  expect(once).toBeDefined()
  expect(again).toBe(once)
  expect(other).not.toBe(once)
})
