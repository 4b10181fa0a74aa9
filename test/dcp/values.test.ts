/** What handlers make of documents: bodies apart from attributes, JSON of a schema, Snappy undone, names of collections. */
import { type Change, CheckpointStore, Dcp, type DcpEvent, type DcpValueError, type DocumentChange, Mutation } from "@wirewright/dcp"
import { KvClient, MutateIn } from "@wirewright/couchbase"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { expect, it } from "vitest"
import { inWorld, type Run, until, type World } from "./Harness.ts"

const User = Schema.Struct({ name: Schema.String, since: Schema.DateFromString })

const manifest = (uid: number, scopes: ReadonlyArray<object>): string =>
  JSON.stringify({
    uid: uid.toString(16),
    scopes: [{ name: "_default", uid: "0", collections: [{ name: "_default", uid: "0" }] }, ...scopes]
  })

const sales = { name: "sales", uid: "8", collections: [{ name: "orders", uid: "1f" }] }

const clientOf = ({ node }: World) => KvClient.make({ seeds: [{ host: "127.0.0.1", port: node.port }], bucket: "default" })

const isDocument = (event: DcpEvent): event is DocumentChange =>
  event._tag === "Mutation" || event._tag === "Deletion" || event._tag === "Expiration"

const documents = ({ all }: Run): ReadonlyArray<DocumentChange> => all.filter(isDocument)

const mutation = (run: Run, key: string): Mutation => {
  const found = documents(run).findLast((event) => event.key === key)
  if (!(found instanceof Mutation)) throw new Error(`no mutation of ${key}`)
  return found
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** A document with attributes, one that is JSON, and one that is not. */
const write = (world: World) =>
  Effect.gen(function*() {
    const kv = yield* clientOf(world)
    yield* kv.upsert("user", { name: "Ada ".repeat(20), since: "2026-01-02T03:04:05.000Z" })
    yield* kv.mutateIn("user", [MutateIn.upsert("_sync", { rev: 1 }, { xattr: true }), MutateIn.upsert("mine", "x", { xattr: true })])
    yield* kv.upsert("text", new TextEncoder().encode("no JSON"), { format: "binary" })
    yield* kv.upsert("other", { name: 1 })
  })

const expectAll = (run: Run, xattrs: boolean) =>
  Effect.gen(function*() {
    const user = mutation(run, "user")
    expect([...yield* user.xattrs]).toEqual(xattrs ? [["_sync", "{\"rev\":1}"], ["mine", "\"x\""]] : [])
    expect(text(yield* user.body)).toBe(`{"name":"${"Ada ".repeat(20)}","since":"2026-01-02T03:04:05.000Z"}`)
    expect(yield* user.json(User)).toEqual({ name: "Ada ".repeat(20), since: new Date("2026-01-02T03:04:05.000Z") })
    const failed = (key: string) => Effect.map(Effect.flip(mutation(run, key).json(User)), (error: DcpValueError) => error)
    const noJson = yield* failed("text")
    expect({ ...noJson, message: "", cause: undefined }).toMatchObject({
      reason: "Json",
      vbucket: 0,
      seqno: mutation(run, "text").seqno,
      key: "text"
    })
    expect((yield* failed("other")).message).toContain("name")
  })

it.each([false, true])(
  "bodies stand apart from attributes, which come when they are wanted: %s",
  (xattrs) =>
    inWorld({}, (world) =>
      Effect.gen(function*() {
        yield* write(world)
        const run = yield* world.consume({ xattrs })
        yield* until(() => documents(run).length === 3)
        yield* expectAll(run, xattrs)
      }))
)

it.each(["asStored", "all"] as const)(
  "what comes compressed is uncompressed: %s",
  (compression) =>
    inWorld({}, (world) =>
      Effect.gen(function*() {
        yield* write(world)
        const run = yield* world.consume({ compression, xattrs: true })
        yield* until(() => documents(run).length === 3)
        yield* expectAll(run, true)
        const { datatype, value } = mutation(run, "user")
        expect((datatype & 2) !== 0).toBe(compression === "all")
        if (compression === "all") expect(value.length).toBeLessThan((yield* mutation(run, "user").body).length)
      }))
)

it("a value that is not what its datatype says fails where it is looked at, and the stream goes on", () =>
  inWorld({}, (world) =>
    Effect.gen(function*() {
      const { bucket } = world
      const set = (key: string, value: Uint8Array) => bucket.store.set(bucket.store.space(0), key, { value, datatype: 4 })
      set("broken", Uint8Array.of(0, 0, 0, 100, 1))
      set("whole", Uint8Array.of(0, 0, 0, 0, 1))
      const run = yield* world.consume({ xattrs: true })
      yield* until(() => documents(run).length === 2)
      expect(yield* Effect.flip(mutation(run, "broken").body)).toMatchObject({
        _tag: "DcpValueError",
        reason: "Xattrs",
        key: "broken",
        seqno: 1n
      })
      expect([...yield* mutation(run, "whole").body]).toEqual([1])
    })))

it("the guide's handler takes the orders, and those alone", () =>
  inWorld({}, (world) =>
    Effect.gen(function*() {
      const Order = Schema.Struct({ total: Schema.Number })
      const orders: Array<{ readonly total: number; readonly sync: string | undefined }> = []
      const handlers = {
        rollback: () => Effect.void,
        // #region documents
        change: Effect.fnUntraced(function*(change: Change) {
          if (change._tag !== "Mutation" || change.collection !== "sales.orders") return
          const { total } = yield* change.json(Order)
          const sync = (yield* change.xattrs).get("_sync")
          orders.push({ total, sync })
        })
        // #endregion
      }
      world.bucket.setManifest(manifest(2, [sales]))
      const kv = yield* clientOf(world)
      yield* kv.upsert("elsewhere", { total: 1 })
      const sold = yield* kv.collection("sales.orders")
      yield* sold.upsert("order", { total: 2.5 })
      yield* sold.mutateIn("order", [MutateIn.upsert("_sync", 1, { xattr: true })])
      yield* Dcp.process({ to: "now", xattrs: true, from: "beginning" }, handlers).pipe(
        Stream.runDrain,
        Effect.provide(Dcp.layer({ seeds: [{ host: "127.0.0.1", port: world.node.port }], bucket: "default" })),
        Effect.provide(CheckpointStore.layerMemory)
      )
      expect(orders).toEqual([{ total: 2.5, sync: "1" }])
    })))

it("events name their collections: by events, by the manifest after a restart, and after the collection is gone", () =>
  inWorld({}, (world) =>
    Effect.gen(function*() {
      const { bucket } = world
      const put = (key: string, collection: number) => bucket.store.set(bucket.store.space(0, collection), key, { value: Uint8Array.of(1) })
      const store = CheckpointStore.memory()
      yield* Effect.scoped(Effect.gen(function*() {
        const run = yield* world.consume({}, undefined, store)
        yield* until(() => run.consumer !== undefined && run.consumer.status.streaming === 1)
        bucket.setManifest(manifest(2, [sales]))
        put("first", 0x1f)
        put("default", 0)
        yield* until(() => documents(run).length === 2)
        expect(documents(run).map(({ collection, key }) => [key, collection])).toEqual([
          ["first", "sales.orders"],
          ["default", "_default._default"]
        ])
      }))
      put("second", 0x1f)
      const run = yield* world.consume({}, undefined, store)
      yield* until(() => documents(run).length > 0)
      expect(documents(run).map(({ collection, key }) => [key, collection])).toEqual([["second", "sales.orders"]])
      bucket.setManifest(manifest(3, []))
      yield* until(() => run.all.some(({ _tag }) => _tag === "SystemEvent"))
      expect(documents(run)[0]!.collection).toBe("sales.orders")
    })))
