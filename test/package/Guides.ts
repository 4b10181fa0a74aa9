/**
 * Programs of guides that are parts of programs: what a guide shows between markers is made of programs that run elsewhere (`test/dcp`,
 * `test/deepstream`); what stands outside of markers is made whole here, with what the reader would have.
 */
import { type Block, blocksOf } from "./Blocks.ts"

interface Whole {
  /** The program, of what is between the guide's fences. */
  readonly of: (blocks: ReadonlyArray<string>) => string
  readonly prints: string
}

/** The parts of guides, by the package's directory. */
const wholes: { readonly [path: string]: Whole } = {
  "packages/dcp": {
    of: ([program = "", sharding = ""]) =>
      `import { type Change, Dcp, layerDocuments, layerFile } from "@wirewright/dcp"
${sharding.split("\n")[0]}
import { serveCouchbase } from "@wirewright/embedded"
import { Deferred, Effect, Layer, Logger, Redacted, Stream } from "effect"
import type { Sharding } from "effect/cluster"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

process.chdir(mkdtempSync(join(tmpdir(), "wirewright-guide-")))
const done = Deferred.makeUnsafe<void>()
const keys: Array<string> = []
const index = (change: Change): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (change._tag === "Mutation") keys.push(change.key)
    return keys.length === 2 ? Effect.asVoid(Deferred.succeed(done, undefined)) : Effect.void
  })
const forget = (..._: ReadonlyArray<unknown>): Effect.Effect<void> => Effect.void

const shown = (port: number) => {
${program.replace(/"couchbase:\/\/user:password@127\.0\.0\.1\/travel"/, "`couchbase://user:password@127.0.0.1:${port}/travel`")}
  return program
}

/** A cluster is not made here: what is shown passes the compiler. */
export const sharded = (cluster: Layer.Layer<Sharding.Sharding>) =>
${sharding.split("\n").slice(2).join("\n")}

const users = [{ name: "user", password: Redacted.make("password") }]
const all = Effect.gen(function*() {
  const node = yield* serveCouchbase({ users, buckets: [{ name: "travel", vbuckets: 1 }] })
  const { store } = node.buckets.get("travel")!
  for (const key of ["a", "b"]) store.set(store.space(0), key, { value: new TextEncoder().encode(key) })
  yield* Effect.raceFirst(shown(node.port), Deferred.await(done))
  console.log(keys.join(" "))
})
await Effect.runPromise(Effect.scoped(all).pipe(Effect.provide(Logger.layer([]))))
`,
    prints: "a b\n"
  },
  "packages/deepstream": {
    of: ([record = "", live = ""]) =>
      `import { Deepstream } from "@wirewright/deepstream"
import { WebSockets } from "@wirewright/testing"
import { Effect, Logger, Schema } from "effect"
import { oblige } from "../../deepstream/Obliging.ts"

const network = new WebSockets()
oblige(network, "ws://127.0.0.1:6020/deepstream")
const dial = (url: string) => network.dial(url)
Object.assign(globalThis, { WebSocket: function(url: string) { return dial(url) } })

${record}

${live.replace(/^rename\.pipe/m, "const renamed = rename.pipe")}

console.log(await Effect.runPromise(renamed.pipe(Effect.provide(Logger.layer([])))))
`,
    prints: "Owen\n"
  }
}

/** Blocks of a guide that no test makes from a program: those outside of `<!-- NAME -->` and `<!-- end -->`. */
export const unmarked = (markdown: string): ReadonlyArray<Block> =>
  blocksOf(markdown.replaceAll(/<!-- (?!end)[^>]*-->[^]*?<!-- end -->/g, ""))

/** The program that a guide's own blocks are parts of, with what it prints; undefined where there is no such guide. */
export const wholeOf = (path: string, markdown: string): { readonly program: string; readonly prints: string } | undefined => {
  const whole = wholes[path]
  if (whole === undefined) return undefined
  const own = unmarked(markdown).filter(({ language }) => language === "ts").map(({ text }) => text)
  const first = blocksOf(markdown).find(({ language }) => language === "ts")!.text
  // the guide of deepstream goes on with the program that is shown first
  return { program: whole.of(own.includes(first) ? own : [first, ...own]), prints: whole.prints }
}

/** How many blocks of a guide are made whole; of the two of dcp one runs, and one passes the compiler. */
export const countOf: { readonly [path: string]: number } = { "packages/dcp": 2, "packages/deepstream": 1 }
