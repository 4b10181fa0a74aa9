/** The status line of `wirewright tail` on a terminal that data goes to, too: below everything, one row, gone at the end. */
import { type CouchbaseNode, serveCouchbase } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { type AddressInfo, createServer } from "node:net"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { Terminal } from "../test/Terminal.ts"
import { run } from "./Run.ts"

let node: CouchbaseNode
let scope: Scope.Closeable
let restore: () => void

beforeEach(async () => {
  scope = Scope.makeUnsafe()
  node = await Effect.runPromise(Scope.provide(serveCouchbase({ buckets: [{ name: "default", vbuckets: 4 }] }), scope))
  vi.stubEnv("TERM", "xterm")
})
afterEach(async () => {
  restore()
  vi.unstubAllEnvs()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const write = (...keys: ReadonlyArray<string>): void => {
  const bucket = node.buckets.get("default")!
  for (const key of keys) bucket.store.set(bucket.store.space(0), key, { value: new Uint8Array(3) })
}

const until = async (condition: () => boolean, what: () => unknown): Promise<void> => {
  for (let i = 0; i < 400 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 25))
  expect(condition(), JSON.stringify(what(), null, 1)).toBe(true)
}

const columns = (row: string): ReadonlyArray<string> => row.split(/ {2,}/)

describe.each([80, 200])("in %d columns", (width) => {
  it("stands below the data, says what was lost and found, and is gone at the end", async () => {
    const terminal = new Terminal(width)
    restore = terminal.attach()
    const shown = () => terminal.rows
    const bottom = () => shown().at(-1)!
    const vbuckets = width < 120 ? "4/4 vb" : "4 of 4 vbuckets"
    write("a", "b")
    const fiber = Effect.runFork(run(["tail", `couchbase://127.0.0.1:${node.port}/default`]))
    await until(() => bottom().startsWith(vbuckets) && bottom().includes("2 events"), shown)
    expect(shown().slice(0, -1).map((row) => columns(row).at(-2))).toEqual(["a", "b", "caughtUp"])
    write("c")
    await until(() => bottom().includes("3 events"), shown)
    expect(shown().slice(0, -1).map((row) => columns(row).at(-2))).toEqual(["a", "b", "caughtUp", "c"])

    node.disconnect()
    await until(() => bottom().includes("again") && bottom().startsWith(vbuckets), shown)
    const said = shown().slice(4, -1)
    expect(said.join("\n")).toMatch(/^wirewright: warning: .*lost[\s\S]*wirewright: info: .*again/)
    // a log line may be wider than the terminal; the status line never is
    expect(terminal.cursor[1]).toBeLessThan(width)
    expect(shown().filter((row) => row.startsWith(vbuckets))).toHaveLength(1)

    await Effect.runPromise(Fiber.interrupt(fiber))
    expect(bottom()).toBe("")
    expect(terminal.cursor).toEqual([shown().length - 1, 0])
    expect(terminal.unknown).toEqual([])
  })
})

it("says whom it waits for, until it is interrupted", async () => {
  const silent = createServer()
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
  const { port } = silent.address() as AddressInfo
  const terminal = new Terminal(80)
  restore = terminal.attach()
  const fiber = Effect.runFork(run(["tail", `couchbase://ada:secret@127.0.0.1:${port}/default`]))
  await until(() => terminal.rows.at(-1) === `connecting to 127.0.0.1:${port}`, () => terminal.rows)
  await Effect.runPromise(Fiber.interrupt(fiber))
  expect(terminal.rows).toEqual([""])
  silent.close()
})

it.each([["--json"], ["TERM=dumb"]])("there is none with %s", async (how) => {
  if (how === "TERM=dumb") vi.stubEnv("TERM", "dumb")
  const terminal = new Terminal(2_000)
  restore = terminal.attach()
  write("a")
  const fiber = Effect.runFork(run(["tail", `couchbase://127.0.0.1:${node.port}/default`, ...how === "--json" ? ["--json"] : []]))
  await until(() => terminal.rows.length >= 3, () => terminal.rows)
  await new Promise((resolve) => setTimeout(resolve, 700))
  await Effect.runPromise(Fiber.interrupt(fiber))
  expect(terminal.rows).toHaveLength(3)
  expect(terminal.rows.join()).not.toContain("vb  ")
})
