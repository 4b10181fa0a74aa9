/** An embedded node with documents, in a process of its own. Arguments: documents, bytes of a value, vbuckets. Prints the port. */
import { serveCouchbase } from "@wirewright/embedded"
import * as Effect from "effect/Effect"

const [documents, size, vbuckets] = process.argv.slice(2).map(Number) as [number, number, number]

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const node = yield* serveCouchbase({ buckets: [{ name: "default", vbuckets, maxMemory: 4 * 1024 ** 3 }] })
  const { store } = node.buckets.get("default")!
  const value = new Uint8Array(size).fill(0x61)
  for (let i = 0; i < documents; i++) store.set(store.space(i % vbuckets), `document::${i}`, { value })
  process.stdout.write(`${node.port}\n`)
  return yield* Effect.never
})))
