import { it } from "@effect/vitest"
import { serveCouchbase } from "@wirewright/embedded/CouchbaseNode"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { isDeepStrictEqual } from "node:util"
import { recorded, recordedVbuckets, replayed, shownAnswer } from "./Recorded.fixture.ts"

it.live("scan", () => Effect.gen(function*() {
  const out: Array<string> = []
  let equal = 0
  for (const one of recorded) {
    yield* Effect.scoped(Effect.gen(function*() {
      const node = yield* serveCouchbase({ buckets: [{ name: "default", vbuckets: recordedVbuckets }], closeOnEinval: true } as any)
      const got = yield* Effect.promise(() => replayed(node.port, one.steps).catch((e) => [String(e) as any]))
      const expected = one.steps.map(([, a]) => shownAnswer(a))
      const norm = (x: any) => JSON.parse(JSON.stringify(x), (k, v) => k === "extras" && typeof v === "string" && v.length === 32 ? "token" : v)
      const bad = expected.findIndex((e, i) => !isDeepStrictEqual(norm(e), norm(got[i])))
      if (bad < 0) equal++
      else out.push(`${one.name} [${bad}/${one.steps.length}] ${one.steps[bad]![0].opcode}\n   want ${JSON.stringify(expected[bad]).slice(0, 300)}\n   got  ${JSON.stringify(got[bad]).slice(0, 300)}`)
    }))
  }
  writeFileSync("/tmp/scan.txt", `equal ${equal} of ${recorded.length}\n${out.join("\n")}\n`)
}))
