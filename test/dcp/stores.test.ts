/** Checkpoint stores: the suite that every store must pass, and what the files are after a crash at each step of writing them. */
import { KvClient } from "@wirewright/couchbase"
import {
  type Checkpoint,
  type CheckpointArchive,
  checkpointsText,
  CheckpointStore,
  type CheckpointStoreShape,
  documentStore,
  fileStore,
  overTexts,
  readCheckpoints
} from "@wirewright/dcp"
import { diskSteps, type FileSteps } from "../../packages/dcp/src/CheckpointFiles.ts"
import { sqlCheckpointStore } from "@wirewright/dcp/sql"
import { checkpointArchiveSuite, checkpointStoreSuite } from "@wirewright/dcp/testing"
import { serveCouchbase } from "@wirewright/embedded"
import { SqliteClient } from "@wirewright/sqlite"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"

const scope = Scope.makeUnsafe()
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), "wirewright-checkpoints-"))
  Effect.runSync(Scope.addFinalizer(scope, Effect.sync(() => rmSync(made, { recursive: true, force: true }))))
  return made
}

type Make<A = CheckpointStoreShape> = (how: "new" | "again") => Effect.Effect<A, unknown, Scope.Scope>

const memory = (): Make<CheckpointArchive> => {
  let store = CheckpointStore.memory()
  return (how) => Effect.sync(() => how === "new" ? store = CheckpointStore.memory() : store)
}

const files = (): Make<CheckpointArchive> => {
  let path = ""
  return (how) => Effect.sync(() => fileStore(how === "new" ? path = directory() : path))
}

const keyValue = (): Make => {
  let context: Context.Context<KeyValueStore.KeyValueStore> | undefined
  return (how) =>
    Effect.gen(function*() {
      if (how === "new" || context === undefined) context = yield* Layer.build(KeyValueStore.layerMemory)
      const built = yield* Layer.build(Layer.provide(CheckpointStore.layerKeyValueStore, Layer.succeedContext(context)))
      return Context.get(built, CheckpointStore)
    })
}

const sqlite = (): Make<CheckpointArchive> => {
  let path = ""
  return (how) =>
    Effect.gen(function*() {
      if (how === "new") path = join(directory(), "checkpoints.sqlite")
      const client = yield* Layer.build(SqliteClient.layer({ filename: path, synchronous: "NORMAL" }))
      return sqlCheckpointStore(Context.get(client, SqlClient))
    })
}

const documents = (): Make<CheckpointArchive> => {
  let buckets = 0
  let prefix = ""
  const client = Effect.cached(
    Scope.provide(
      Effect.gen(function*() {
        const { port } = yield* serveCouchbase({})
        return yield* KvClient.make({ seeds: [{ host: "127.0.0.1", port }], bucket: "default" })
      }),
      scope
    )
  )
  const shared = Effect.runSync(client)
  return (how) => Effect.map(shared, (kv) => documentStore(kv, { prefix: how === "new" ? prefix = `test${++buckets}:` : prefix }))
}

describe.each(
  [["memory", memory], ["files", files], ["KeyValueStore", keyValue], ["documents of a bucket", documents], ["SQLite", sqlite]] as const
)(
  "%s",
  (_, making) => {
    it.each(checkpointStoreSuite(making()).map(({ name, run }) => [name, run] as const))(
      "%s",
      (_, run) => Effect.runPromise(Effect.scoped(run))
    )
  }
)

describe.each([["memory", memory], ["files", files], ["documents of a bucket", documents], ["SQLite", sqlite]] as const)(
  "%s, looked into",
  (_, making) => {
    it.each(checkpointArchiveSuite(making()).map(({ name, run }) => [name, run] as const))(
      "%s",
      (_, run) => Effect.runPromise(Effect.scoped(run))
    )
  }
)

const checkpoint = (seqno: bigint): Checkpoint => ({
  position: { vbucketUuid: 1n, seqno, snapshotStart: seqno, snapshotEnd: seqno },
  failoverLog: [],
  complete: [],
  purgeSeqno: 0n,
  undo: false,
  ahead: false
})

it("who takes over a slice reads the texts of its vbuckets, and not those of a thousand", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const read: Array<string> = []
    const store = overTexts({
      place: (name) => name,
      get: (name) => Effect.sync(() => void read.push(name.slice(name.lastIndexOf("/") + 1))),
      put: () => Effect.succeed(1n)
    })
    yield* (yield* store.open("g/64/5", Array.from({ length: 16 }, (_, index) => 80 + index))).load
    expect(read).toEqual(["owner", "ended", "1"])
  }))))

describe("documents", () => {
  const stored = (prefix: string, group: string) =>
    Effect.gen(function*() {
      const { port } = yield* serveCouchbase({})
      const kv = yield* KvClient.make({ seeds: [{ host: "127.0.0.1", port }], bucket: "default" })
      const store = documentStore(kv, { prefix })
      yield* (yield* store.open(group)).save(new Map([[1023, checkpoint(1n)]]))
      const found = yield* (yield* store.open(group)).load
      return found.get(1023)?.position.seqno
    }).pipe(Effect.scoped, Effect.result, Effect.runPromise)

  it("have keys of up to 246 bytes for any group and a prefix of 112, so 250 in the default collection for one of 116", async () => {
    const group = "g".repeat(500)
    expect(await stored("p".repeat(112), group)).toMatchObject({ _tag: "Success", success: 1n })
    expect(await stored("p".repeat(116), group)).toMatchObject({ _tag: "Success", success: 1n })
    expect(await stored("p".repeat(117), group)).toMatchObject({
      _tag: "Failure",
      failure: { _tag: "CheckpointError", reason: "Unavailable" }
    })
  })

  it("that hold no checkpoints are refused by their key", async () => {
    const error = await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const { port } = yield* serveCouchbase({})
      const kv = yield* KvClient.make({ seeds: [{ host: "127.0.0.1", port }], bucket: "default" })
      yield* kv.upsert("here:g/owner", { no: "checkpoints" })
      return yield* Effect.flip(documentStore(kv, { prefix: "here:" }).open("g"))
    })))
    expect(error).toMatchObject({ _tag: "CheckpointError", reason: "Corrupt" })
    expect((error as Error).message).toContain("here:g/owner")
  })
})

describe("files", () => {
  it("SC-91 a crash at any step of writing leaves the old file or the new one", async () => {
    const names = ["directory", "write", "rename", "settle"] as const
    for (const failing of names) {
      for (const partly of [false, true]) {
        const path = directory()
        const seqnoOf = async (): Promise<bigint> => {
          const found = await Effect.runPromise(Effect.scoped(Effect.flatMap(fileStore(path).open("g"), ({ load }) => load)))
          return found.get(0)!.position.seqno
        }
        await Effect.runPromise(
          Effect.scoped(Effect.flatMap(fileStore(path).open("g"), ({ save }) => save(new Map([[0, checkpoint(1n)]]))))
        )
        let armed = false
        const steps: FileSteps = {
          ...diskSteps,
          [failing]: async (first: string, second: string) => {
            if (!armed) return (diskSteps[failing] as (...args: ReadonlyArray<string>) => Promise<unknown>)(first, second)
            // the machine stops in the middle of the step: a file is cut, everything else has happened or has not
            if (partly && failing === "write") writeFileSync(first, second.slice(0, second.length / 2))
            else if (partly) await (diskSteps[failing] as (...args: ReadonlyArray<string>) => Promise<unknown>)(first, second)
            throw Object.assign(new Error("no space left"), { code: "ENOSPC" })
          }
        }
        const failed = await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
          const group = yield* fileStore(path, steps).open("g")
          armed = true
          return yield* Effect.flip(group.save(new Map([[0, checkpoint(2n)]])))
        })))
        expect(failed, failing).toMatchObject({ _tag: "CheckpointError", reason: "Unavailable" })
        const seqno = await seqnoOf()
        expect([1n, 2n]).toContain(seqno)
        if (failing === "write" || failing === "directory") expect(seqno).toBe(1n)
        if (failing === "settle") expect(seqno).toBe(2n)
      }
    }
  })

  it("groups whose names differ only in case are kept apart where a disk takes both for the same, and all names fit one", async () => {
    const path = directory()
    const touched = new Set<string>()
    const lower = (name: string): string => {
      touched.add(name.slice(path.length))
      return path + name.slice(path.length).toLowerCase()
    }
    const ignoringCase: FileSteps = {
      directory: (name) => diskSteps.directory(lower(name)),
      read: (name) => diskSteps.read(lower(name)),
      list: diskSteps.list,
      write: (name, text) => diskSteps.write(lower(name), text),
      rename: (from, to) => diskSteps.rename(lower(from), lower(to)),
      settle: (name) => diskSteps.settle(lower(name))
    }
    const store = fileStore(path, ignoringCase)
    const names = ["group", "Group", "GROUP", "É", "é", "😀".repeat(500), "😀".repeat(500).toUpperCase(), "nul", "com1"]
    const distinct = [...new Set(names)]
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      for (const [index, name] of distinct.entries()) {
        yield* (yield* store.open(name)).save(new Map([[0, checkpoint(BigInt(index))]]))
      }
      for (const [index, name] of distinct.entries()) {
        const { load } = yield* store.open(name)
        expect((yield* load).get(0)?.position.seqno, name).toBe(BigInt(index))
      }
    })))
    for (const part of [...touched].flatMap((name) => name.split("/"))) {
      expect(part).toMatch(/^[a-z0-9_%~.-]{0,143}$/)
      // what no Windows takes as a name
      expect(part).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/)
    }
  })

  it("a file that is none, and one of a newer version, are refused by name and left alone", async () => {
    const path = directory()
    const open = Effect.scoped(
      Effect.flatMap(fileStore(path).open("g"), ({ load, save }) => Effect.andThen(save(new Map([[0, checkpoint(1n)]])), load))
    )
    await Effect.runPromise(open)
    const name = join(path, "g", "0.json")
    const text = readFileSync(name, "utf8")
    for (
      const [broken, reason] of [
        [text.slice(0, -1), "Corrupt"],
        ["", "Corrupt"],
        ["[]", "Corrupt"],
        [text.replace("\"version\":2", "\"version\":3"), "UnknownVersion"],
        [text.replace("\"seqno\":\"1\"", "\"seqno\":1"), "Corrupt"],
        [text.replace("\"seqno\":\"1\"", "\"seqno\":\"18446744073709551616\""), "Corrupt"]
      ] as const
    ) {
      writeFileSync(name, broken)
      const error = await Effect.runPromise(Effect.flip(open))
      expect(error, broken).toMatchObject({ _tag: "CheckpointError", reason })
      expect(error.message).toContain(name)
      expect(readFileSync(name, "utf8")).toBe(broken)
    }
    expect(readdirSync(join(path, "g")).toSorted()).toEqual(["0.json", "ended.json", "owner.json"])
  })
})

describe("the format", () => {
  it("says what it is, and is read as it was written", () => {
    const text = checkpointsText(new Map([[3, checkpoint(9n)]]), 4)
    expect(JSON.parse(text)).toEqual({
      format: "wirewright-dcp-checkpoints",
      version: 2,
      epoch: 4,
      vbuckets: { 3: { uuid: "1", seqno: "9", snapshot: ["9", "9"], log: [], complete: [] } }
    })
    expect(Result.getOrThrow(readCheckpoints(text, "here"))).toEqual({ epoch: 4, checkpoints: new Map([[3, checkpoint(9n)]]) })
  })
})
