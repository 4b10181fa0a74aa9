/**
 * `wirewright tail --checkpoint`, killed with -9 at random moments, fifty times, while documents are written: what it printed in all of its lives
 * holds every change, and only changes above the last checkpoint are printed twice. The checkpoint files are whole after every kill.
 */
import { readCheckpoints } from "@wirewright/dcp"
import { type Bucket, serveCouchbase } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"

const kills = Number(process.env["WIREWRIGHT_KILLS"] ?? 50)
const vbuckets = 16
const scope = Scope.makeUnsafe()
const directory = mkdtempSync(join(tmpdir(), "wirewright-tail-"))
afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(directory, { recursive: true, force: true })
})

const wirewright = new URL("../../packages/cli/bin/wirewright.js", import.meta.url).pathname

const ended = (child: ChildProcess): Promise<void> => new Promise((resolve) => child.once("exit", () => resolve()))
const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** What one life printed: whole lines; the last one may have been cut. */
const printed = (path: string): ReadonlyArray<{ readonly event: string; readonly vbucket: number; readonly seqno: string }> =>
  readFileSync(path, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line) as never)

/** Where the checkpoints are, by vbucket. They must be readable at any moment. */
const checkpoints = (): ReadonlyMap<number, bigint> => {
  const found = new Map<number, bigint>()
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".json") || name.endsWith("owner.json")) continue
    for (
      const [vbucket, { position }] of Result.getOrThrow(readCheckpoints(readFileSync(join(directory, name), "utf8"), name)).checkpoints
    ) {
      found.set(vbucket, position.seqno)
    }
  }
  return found
}

it(`killed ${kills} times, tail loses nothing`, async () => {
  // as much memory as what is written needs on a machine where all this takes long
  const maxMemory = 2 ** 31
  const history = { closedCheckpoints: 100_000, undoable: 0 }
  const node = await Effect.runPromise(
    Scope.provide(serveCouchbase({ buckets: [{ name: "default", vbuckets, maxMemory, history }] }), scope)
  )
  const bucket = node.buckets.get("default") as Bucket
  let writes = 0
  let refused: string | undefined
  // every key is new, so that every seqno has to be seen
  const writing = setInterval(() => {
    for (let i = 0; i < 20; i++) {
      const vbucket = writes % vbuckets
      const stored = bucket.store.set(bucket.store.space(vbucket), `k${writes++}`, { value: new Uint8Array(20) })
      if (typeof stored === "string") refused = stored
    }
  }, 10)
  const args = [wirewright, "tail", `couchbase://127.0.0.1:${node.port}/default`, "--json", "--checkpoint", directory]
  const lives: Array<{ readonly path: string; readonly from: ReadonlyMap<number, bigint> }> = []
  const live = (more: ReadonlyArray<string>): { readonly child: ChildProcess; readonly path: string } => {
    const path = join(directory, `life-${lives.length}.ndjson`)
    lives.push({ path, from: checkpoints() })
    const file = openSync(path, "w")
    const child = spawn(process.execPath, [...args, ...more], { stdio: ["ignore", file, "inherit"] })
    closeSync(file)
    return { child, path }
  }
  for (let kill = 0; kill < kills; kill++) {
    const { child, path } = live([])
    // some do not live long enough to connect, most are killed at work
    if (kill % 10 === 0) await sleep(Math.random() * 600)
    else {
      for (let waited = 0; statSync(path).size === 0 && waited < 10_000; waited += 10) await sleep(10)
      await sleep(Math.random() * 300)
    }
    child.kill("SIGKILL")
    await ended(child)
    checkpoints()
  }
  clearInterval(writing)
  expect(refused).toBeUndefined()
  await ended(live(["--to", "now"]).child)

  const times = new Map<string, number>()
  let twice = 0
  let working = 0
  for (const { from, path } of lives) {
    const events = printed(path).filter(({ event }) => event === "mutation")
    if (events.length > 0) working++
    for (const { seqno, vbucket } of events) {
      // a life begins after its checkpoint, so whatever is printed again was above it
      expect(BigInt(seqno)).toBeGreaterThan(from.get(vbucket) ?? 0n)
      const name = `${vbucket}/${seqno}`
      times.set(name, (times.get(name) ?? 0) + 1)
      if (times.get(name) === 2) twice++
    }
  }
  for (const { history, id } of bucket.allVbuckets) {
    for (let seqno = 1n; seqno <= history.highSeqno; seqno++) expect(times.get(`${id}/${seqno}`), `${id}/${seqno}`).toBeGreaterThan(0)
  }
  expect(times.size).toBe(writes)
  expect(working).toBeGreaterThan(kills / 2)
  console.log(
    `tail killed ${kills} times: ${writes} changes, none lost, ${twice} printed more than once, ${working} lives printed something`
  )
}, 600_000)
