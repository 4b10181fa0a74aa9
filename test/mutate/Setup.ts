/**
 * What a test file that meets mutants is set up with: it notes which of them each test comes by, or ends the process when a mutant goes round in
 * circles.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import { afterAll, beforeEach } from "vitest"
import type { Hits } from "./Runner.ts"

const { WIREWRIGHT_MUTANT_LIMIT: limit, WIREWRIGHT_MUTANT_HITS: hits } = process.env

if (limit !== undefined) {
  // a thread of its own: the one that runs the tests may never come to its timers
  const beats = new Int32Array(new SharedArrayBuffer(4))
  new Worker(
    `const { workerData: beats } = require("node:worker_threads")
     const look = (before) => {
       const now = Atomics.load(beats, 0)
       if (now === before) process.kill(process.pid, "SIGKILL")
       setTimeout(look, ${Number(limit)}, now)
     }
     setTimeout(look, ${Number(limit)}, 0)`,
    { eval: true, workerData: beats }
  ).unref()
  Object.assign(globalThis, { mutantAlive: () => Atomics.add(beats, 0, 1) })
}

if (hits !== undefined) {
  const everywhere = new Set<number>()
  const tests: { [id: string]: ReadonlyArray<number> } = {}
  const numeric = new Set<number>()
  let now = everywhere
  Object.assign(globalThis, {
    mutantHit: (id: number): boolean => {
      now.add(id)
      return false
    },
    mutantValue: (id: number, value: unknown): unknown => {
      if (typeof value === "number" || typeof value === "bigint") {
        now.add(id)
        numeric.add(id)
      }
      return value
    }
  })
  let file = ""
  beforeEach(({ task }) => {
    file = task.file.id
    const mine = new Set<number>()
    now = mine
    return () => {
      tests[task.id] = [...mine]
      now = everywhere
    }
  })
  afterAll(() => writeFileSync(join(hits, `${file}.json`), JSON.stringify({ everywhere: [...everywhere], tests } satisfies Hits)))
}
