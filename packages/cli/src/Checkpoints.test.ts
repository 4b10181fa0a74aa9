/** `wirewright checkpoints` and `wirewright lag`: over a directory and over a bucket, against a node, with a consumer that runs meanwhile. */
import { KvClient, MutateIn } from "@wirewright/couchbase"
import { type CouchbaseNode, serveCouchbase, serveCouchbaseCluster } from "@wirewright/embedded"
import { Dcp, fileStore } from "@wirewright/dcp"
import { processInTransactions, sqlCheckpointStore } from "@wirewright/dcp/sql"
import { SqliteClient } from "@wirewright/sqlite"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { SqlClient } from "effect/sql/SqlClient"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { ndjson, type Outcome } from "../test/RunCli.ts"
import { runHere } from "../test/RunHere.ts"

const scope = Scope.makeUnsafe()
const folder = mkdtempSync(join(tmpdir(), "wirewright-checkpoints-"))
const fixtures = fileURLToPath(new URL("../../../test/fixtures/checkpoints/", import.meta.url))
let node: CouchbaseNode
let url: string
let directory: string
let directories = 0

const wirewright = (...args: ReadonlyArray<string>): Promise<Outcome> => Effect.runPromise(runHere(args))

const done = async (...args: ReadonlyArray<string>): Promise<string> => {
  const { code, err, out } = await wirewright(...args)
  expect([code, err]).toEqual([0, err])
  return out
}

const refused = async (code: number, ...args: ReadonlyArray<string>): Promise<string> => {
  const outcome = await wirewright(...args)
  expect([outcome.code, outcome.out]).toEqual([code, ""])
  return outcome.err
}

/** Writes so many new documents into a vbucket. */
const write = (vbucket: number, count: number): void => {
  const bucket = node.buckets.get("default")!
  for (let i = 0; i < count; i++) bucket.store.set(bucket.store.space(vbucket), `k${vbucket}-${i}`, { value: new Uint8Array(3) })
}

/** The keys that tail prints, going on where the group is. */
const tailed = async (): Promise<ReadonlyArray<unknown>> =>
  ndjson(await done("tail", url, "--to", "now", "--json", "--checkpoint", directory)).filter(({ event }) => event === "mutation")
    .map(({ key }) => key).sort()

const seqnos = async (place: string, group = "tail"): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    ndjson(await done("checkpoints", "show", place, "--group", group, "--json")).map(({ seqno, vbucket }) => [vbucket, seqno])
  )

beforeAll(async () => {
  node = await Effect.runPromise(Scope.provide(serveCouchbase({ buckets: [{ name: "default", vbuckets: 4 }] }), scope))
  url = `couchbase://127.0.0.1:${node.port}/default`
  write(0, 3)
  write(1, 2)
})
beforeEach(() => {
  directory = join(folder, String(++directories))
})
afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(folder, { recursive: true, force: true })
})

describe("looking", () => {
  it("lists groups and shows checkpoints, for people and for programs", async () => {
    await tailed()
    expect(await done("checkpoints", "list", directory)).toBe("default/tail  4 vbuckets  5 seqnos  nobody has it\n")
    expect(ndjson(await done("checkpoints", "list", directory, "--json"))).toEqual([
      { group: "default/tail", vbuckets: 4, seqnos: "5", epoch: 1 }
    ])
    const text = await done("checkpoints", "show", directory, "--group", "tail")
    expect(text.split("\n").map((line) => line.trim().split(/ {2,}/).slice(0, 3))).toEqual([
      ["default/tail", "4 vbuckets", "5 seqnos"],
      ["vb 0", "seqno 3", expect.stringMatching(/^snapshot \d+-3$/)],
      ["vb 1", "seqno 2", expect.stringMatching(/^snapshot \d+-2$/)],
      ["vb 2", "seqno 0", "snapshot 0-0"],
      ["vb 3", "seqno 0", "snapshot 0-0"],
      [""]
    ])
    expect(await seqnos(directory, "default/tail")).toEqual({ 0: "3", 1: "2", 2: "0", 3: "0" })
  })

  it("says what is not there", async () => {
    expect(await refused(1, "checkpoints", "list", directory)).toContain(`${directory}: no such directory`)
    await tailed()
    const missing = await refused(100, "checkpoints", "show", directory, "--group", "nobody")
    expect(missing).toContain("nobody: there is no such group")
    expect(missing).toContain("there are default/tail")
    expect(await refused(1, "checkpoints", "show", "memcached://h", "--group", "g")).toContain("couchbase://user@host/bucket")
    expect(await refused(1, "checkpoints", "show", directory)).toContain("--group")
  })

  it("asks which group is meant when two buckets have one of that name", async () => {
    await Effect.runPromise(Effect.scoped(Effect.andThen(fileStore(directory).open("a/g"), fileStore(directory).open("b/g"))))
    expect(await refused(1, "checkpoints", "show", directory, "--group", "g")).toContain("has a/g and b/g: name one of them")
    expect(await done("checkpoints", "show", directory, "--group", "a/g")).toContain("a/g  0 vbuckets")
  })
})

describe("a table of SQLite", () => {
  /** An indexer's group, which has come to the end of what there is. */
  const indexed = (file: string): Promise<void> =>
    Effect.runPromise(
      Stream.runDrain(processInTransactions({ group: "index", to: "now" }, { changes: () => Effect.void, rollback: () => Effect.void }))
        .pipe(
          Effect.provide(Dcp.layerUrl(url)),
          Effect.provide(SqliteClient.layer({ filename: file }))
        )
    )

  it("is listed, shown, exported, imported and set like any other store", async () => {
    const file = `${directory}.sqlite`
    const store = `sqlite:${file}`
    expect(await refused(1, "checkpoints", "list", store)).toContain(`${file}: no such file`)
    await indexed(file)
    expect(await done("checkpoints", "list", store)).toMatch(/^default\/index {2}4 vbuckets {2}\d+ seqnos {2}nobody has it\n$/)
    const before = await seqnos(store, "index")
    const exported = join(folder, "exported.json")
    writeFileSync(exported, await done("checkpoints", "export", store, "--group", "index"))
    expect(await done("lag", url, "--group", "index", "--store", store)).toBe("all       0 behind in 0 of 4 vbuckets\n")
    await done("checkpoints", "set", store, "0=1", "--group", "index")
    expect(await seqnos(store, "index")).toEqual({ ...before, 0: "1" })
    const behind = Number(before[0]) - 1
    expect(await done("lag", url, "--group", "index", "--store", store)).toMatch(
      new RegExp(`\\nall {7}${behind} behind in 1 of 4 vbuckets\n$`)
    )
    await done("checkpoints", "import", store, exported, "--group", "default/index")
    expect(await seqnos(store, "index")).toEqual(before)
  })

  it("whose group somebody has is changed with --force only, and then his is refused", async () => {
    const file = `${directory}.sqlite`
    const store = `sqlite:${file}`
    await indexed(file)
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const sql = yield* Effect.map(Layer.build(SqliteClient.layer({ filename: file })), Context.get(SqlClient))
      const group = yield* sqlCheckpointStore(sql, { owner: "an indexer" }).open("default/index")
      const set = ["checkpoints", "set", store, "beginning", "--group", "index"]
      expect(yield* Effect.promise(() => done("checkpoints", "list", store))).toContain("an indexer has it since ")
      expect((yield* Effect.promise(() => wirewright(...set))).err).toContain("an indexer has the group default/index")
      yield* Effect.promise(() => done(...set, "--force"))
      expect((yield* Effect.flip(group.load)).reason).toBe("Fenced")
    })))
  })
})

describe("set", () => {
  it("to the beginning: everything comes again; of some vbuckets: theirs", async () => {
    expect(await tailed()).toHaveLength(5)
    expect(await tailed()).toEqual([])
    expect((await wirewright("checkpoints", "set", directory, "beginning", "--group", "tail")).err).toContain(
      "default/tail: set to beginning (4 vbuckets)"
    )
    expect(await tailed()).toHaveLength(5)
    await done("checkpoints", "set", directory, "beginning", "--group", "tail", "--vbuckets", "1-2")
    expect(await tailed()).toEqual(["k1-0", "k1-1"])
  })

  it("to a seqno that was processed, without a server: what comes after it comes again", async () => {
    await tailed()
    expect(ndjson(await done("checkpoints", "set", directory, "0=1", "--group", "tail", "--json"))).toEqual([
      { group: "default/tail", done: "set to 0=1", vbuckets: 1 }
    ])
    expect(await seqnos(directory)).toEqual({ 0: "1", 1: "2", 2: "0", 3: "0" })
    expect(await tailed()).toEqual(["k0-1", "k0-2"])
  })

  it("to now, and to a seqno that was not processed: only what comes after it, and nothing is rolled back", async () => {
    await tailed()
    write(2, 4)
    const help = await refused(1, "checkpoints", "set", directory, "2=3", "--group", "tail")
    expect(help).toContain("2=3 was not processed yet: give --server")
    await done("checkpoints", "set", directory, "2=3", "--group", "tail", "--server", url)
    expect(await tailed()).toEqual(["k2-3"])
    write(3, 2)
    expect(await refused(1, "checkpoints", "set", directory, "now", "--group", "tail")).toContain("give --server")
    await done("checkpoints", "set", directory, "now", "--group", "tail", "--server", url)
    expect(await tailed()).toEqual([])
    expect(await refused(1, "checkpoints", "set", directory, "3=3", "--group", "tail", "--server", url)).toContain(
      "vbucket 3: the server has changes up to seqno 2, not 3"
    )
  })

  it.each([
    [["nowhere"], "neither beginning nor now: \"nowhere\" is no vbucket and seqno, expected such as 0=812,17=40"],
    [["0=1,0=2"], "vbucket 0 stands twice"],
    [["1024=1"], "there is no vbucket 1024"],
    [["0=18446744073709551616"], "18446744073709551616 is no seqno"],
    [["0=1", "--vbuckets", "0"], "--vbuckets goes with beginning and now"],
    [["now", "--vbuckets", "4096"], "there is no vbucket 4096"]
  ])("%j is refused", async (args, message) => {
    expect(await refused(1, "checkpoints", "set", directory, ...args, "--group", "tail")).toContain(message)
  })

  it("is refused while a consumer has the group; with --force that one is refused from then on", async () => {
    await tailed()
    const own = Scope.makeUnsafe()
    const group = await Effect.runPromise(Scope.provide(fileStore(directory).open("default/tail"), own))
    for (const [...args] of [["set", directory, "beginning"], ["import", directory, join(fixtures, "go-dcp.json")]]) {
      const message = await refused(100, "checkpoints", ...args, "--group", "tail")
      expect(message).toMatch(/ \(pid \d+\) has the group default\/tail since \d{4}-/)
      expect(message).toContain("use --force")
    }
    expect(await done("checkpoints", "list", directory)).toContain(`(pid ${process.pid}) has it since`)
    const checkpoints = await Effect.runPromise(group.load)
    await Effect.runPromise(group.save(checkpoints))
    await done("checkpoints", "set", directory, "beginning", "--group", "tail", "--force")
    expect(await Effect.runPromise(Effect.flip(group.save(checkpoints)))).toMatchObject({ reason: "Fenced" })
    await Effect.runPromise(Scope.close(own, Exit.void))
    expect(await seqnos(directory)).toEqual({ 0: "0", 1: "0", 2: "0", 3: "0" })
  })
})

describe("export and import", () => {
  it("an export is what import makes of it again, in another store, and tail goes on from there", async () => {
    await tailed()
    const text = await done("checkpoints", "export", directory, "--group", "tail")
    const file = join(folder, "export.json")
    writeFileSync(file, text)
    const before = directory
    directory = join(folder, "other")
    expect((await wirewright("checkpoints", "import", directory, file, "--group", "default/tail")).err).toContain(
      "default/tail: checkpoints of wirewright imported (4 vbuckets)"
    )
    expect((JSON.parse(await done("checkpoints", "export", directory, "--group", "tail")) as Record<string, unknown>)["vbuckets"]).toEqual(
      (JSON.parse(text) as Record<string, unknown>)["vbuckets"]
    )
    expect(await tailed()).toEqual([])
    directory = before
  })

  it("replaces what was there; other consumers' files name their bucket or want it named", async () => {
    await done("checkpoints", "import", directory, join(fixtures, "kafka-rest.json"), "--group", "g")
    expect(await seqnos(directory, "travel/g")).toEqual({ 0: "12", 1: "9007199254740995", 1023: "0" })
    expect(await refused(1, "checkpoints", "import", directory, join(fixtures, "go-dcp.json"), "--group", "h")).toContain(
      "--group h: write BUCKET/GROUP"
    )
    const file = join(folder, "one.json")
    writeFileSync(file, readFileSync(join(fixtures, "go-dcp.json"), "utf8").replace(/"1": \{[\s\S]*?\n {2}\},/, ""))
    await done("checkpoints", "import", directory, file, "--group", "g")
    expect(await seqnos(directory, "g")).toEqual({ 0: "12", 1023: "0" })
    expect(await refused(1, "checkpoints", "import", directory, fixtures, "--group", "g")).toContain("is a directory")
  })
})

describe("the documents of a bucket", () => {
  it("are a store like a directory", async () => {
    await done("checkpoints", "import", url, join(fixtures, "elasticsearch.json"), "--group", "docs")
    expect(await done("checkpoints", "list", url)).toBe("default/docs  3 vbuckets  9007199254741007 seqnos  nobody has it\n")
    await done("checkpoints", "set", url, "0=11", "--group", "docs")
    expect(await seqnos(url, "docs")).toEqual({ 0: "11", 1: "9007199254740995", 1023: "0" })
  })

  it("go-dcp's documents are imported from their attribute", async () => {
    const text = /"0": (\{[\s\S]*?\n {2}\})/.exec(readFileSync(join(fixtures, "go-dcp.json"), "utf8"))![1]!
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const kv = yield* KvClient.makeUrl(url)
      for (const vbucket of [0, 3]) {
        const key = `_connector:cbgo:billing:checkpoint:${vbucket}`
        yield* kv.upsert(key, new Uint8Array(0))
        yield* kv.mutateIn(key, [MutateIn.upsert("cbgo", JSON.parse(text), { xattr: true })])
      }
    })))
    await done("checkpoints", "import", directory, url, "--group", "default/billing")
    expect(await seqnos(directory, "billing")).toEqual({ 0: "12", 3: "12" })
    await done("checkpoints", "import", directory, url, "--group", "default/other", "--from-group", "billing")
    expect(await seqnos(directory, "other")).toEqual({ 0: "12", 3: "12" })
    expect(await refused(1, "checkpoints", "import", directory, url, "--group", "default/none")).toContain(
      "default has no checkpoints of the group none of go-dcp"
    )
  })
})

describe("lag", () => {
  it("is nothing after everything was printed, and what was written since", async () => {
    await tailed()
    const args = ["lag", url, "--group", "tail", "--store", directory]
    expect(await done(...args)).toBe("all       0 behind in 0 of 4 vbuckets\n")
    write(0, 5)
    write(3, 1)
    const highs = [0, 3].map((vbucket) => node.buckets.get("default")!.highSeqno(vbucket))
    const text = await done(...args)
    expect(text.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["vb 0", `seqno ${highs[0]! - 5n}`, `high ${highs[0]}`, "5 behind"],
      ["vb 3", `seqno ${highs[1]! - 1n}`, `high ${highs[1]}`, "1 behind"],
      ["all", "6 behind in 2 of 4 vbuckets"],
      [""]
    ])
    const json = ndjson(await done(...args, "--json"))
    expect(json).toHaveLength(5)
    expect(json[0]).toEqual({ vbucket: 0, seqno: String(highs[0]! - 5n), high: String(highs[0]), lag: 5 })
    expect(json[4]).toEqual({ all: true, lag: 6, behind: 2, vbuckets: 4, unknown: 0, unfollowed: 0 })
    await done(...args, "--max", "6")
    const over = await wirewright(...args, "--max", "5")
    expect([over.code, over.err]).toEqual([100, "wirewright: 6 behind, which is more than 5\n"])
  })

  it("a group that follows some vbuckets is not behind in the others", async () => {
    await done("tail", url, "--to", "now", "--checkpoint", directory, "--vbuckets", "1")
    expect(await done("lag", url, "--group", "tail", "--store", directory)).toBe("all       0 behind in 0 of 1 vbucket  3 not followed\n")
  })

  it("says that the server has less than was processed", async () => {
    await done("checkpoints", "import", url, join(fixtures, "elasticsearch.json"), "--group", "docs")
    const high = node.buckets.get("default")!.highSeqno(1)
    const { code, err, out } = await wirewright("lag", url, "--group", "docs")
    expect(out).toContain(`vb 1      seqno 9007199254740995  high ${high}`)
    expect(out).toContain("it lost changes, and a rollback is due")
    // its file names a vbucket that this bucket does not have
    expect([code, err]).toEqual([69, "wirewright: 1 vbucket not reached: no node has them just now\n"])
  })

  it.each([
    [["--max", "-1"], "--max -1: 0 or more"],
    [["--max", "1", "--watch"], "give --max or --watch, not both"],
    [["--timeout", "0"], "--timeout 0: 1 second or more"]
  ])("%j is refused", async (args, message) => {
    expect(await refused(1, "lag", url, "--group", "tail", ...args)).toContain(message)
  })

  it("says of the others how far behind they are while a node is down, and ends as unreachable", async () => {
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const cluster = yield* serveCouchbaseCluster({ nodes: 2, buckets: [{ name: "default", vbuckets: 4 }] })
      const there = cluster.nodes[0]!.connectionString + "/default"
      const run = (...args: ReadonlyArray<string>) => runHere([...args, there, "--store", directory, "--group", "tail"])
      yield* runHere(["tail", there, "--to", "now", "--checkpoint", directory])
      const bucket = cluster.buckets.get("default")!
      for (const { id } of bucket.allVbuckets) bucket.store.set(bucket.store.space(id), "k", { value: new Uint8Array(1) })
      cluster.kill(1)
      const [mine, others] = [0, 1].map((index) => bucket.allVbuckets.filter(({ node }) => node === index).map(({ id }) => id))
      expect([mine!.length, others!.length]).toEqual([2, 2])
      const { code, err, out } = yield* run("lag", "--timeout", "1")
      expect(out.split("\n").map((text) => text.split(/ {2,}/).at(-1))).toEqual([
        ...[0, 1, 2, 3].map((vbucket) => mine!.includes(vbucket) ? "1 behind" : "its node was not reached"),
        "2 not reached",
        ""
      ])
      expect(code).toBe(69)
      expect(err).toMatch(/^wirewright: 2 vbuckets not reached: .*\bECONN/)
      expect(err).toContain(`127.0.0.1:${cluster.nodes[1]!.port}`)
    })))
  })

  it("again every second, until it is interrupted", async () => {
    await tailed()
    const lines = (out: string): number => out.split("\n").filter((line) => line.startsWith("all")).length
    const outcome = await Effect.runPromise(
      runHere(["lag", url, "--group", "tail", "--store", directory, "--watch"], (out) => lines(out) === 2)
    )
    expect([outcome.code, lines(outcome.out)]).toEqual([130, 2])
  })
})
