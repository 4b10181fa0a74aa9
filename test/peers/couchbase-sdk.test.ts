/**
 * Couchbase's official SDK for Node (4.7.1, over its C++ core) against `wirewright serve`: it connects as to a server of its own, and what it
 * does has the outcome that its documentation names, errors included.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Cluster, type Collection, failure, loadSdk, type Sdk } from "./CouchbaseSdk.ts"
import { serve, type Served } from "./Serve.ts"

const password = "corr3ct-horse battery,=staple"
let sdk: Sdk
let served: Served
let cluster: Cluster
let folder: string | undefined

const connect = (given: string, more: object = {}): Promise<Cluster> =>
  sdk.connect(String(served.ready["connectionString"]), {
    username: "app",
    password: given,
    timeouts: { connectTimeout: 10_000, kvTimeout: 5_000 },
    ...more
  })

beforeAll(async () => {
  sdk = loadSdk()
  folder = mkdtempSync(join(tmpdir(), "wirewright-sdk-"))
  writeFileSync(join(folder, "password"), `${password}\n`)
  served = await serve(["--user", "app", "--password-file", join(folder, "password"), "--bucket", "travel", "--collection", "shop.orders"])
  cluster = await connect(password)
})

afterAll(async () => {
  await cluster?.close()
  await served?.stop()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

const collections: ReadonlyArray<readonly [string, () => Collection]> = [
  ["the default collection", () => cluster.bucket("travel").defaultCollection()],
  ["a named collection", () => cluster.bucket("travel").scope("shop").collection("orders")]
]

describe.each(collections)("%s", (_, open) => {
  let documents: Collection
  beforeAll(() => {
    documents = open()
  })

  it("stores and reads", async () => {
    const { cas } = await documents.upsert("a", { city: "Wien", list: [1, 2] })
    const found = await documents.get("a")
    expect(found.content).toEqual({ city: "Wien", list: [1, 2] })
    expect(String(found.cas)).toBe(String(cas))
    await documents.insert("b", "text")
    await documents.replace("b", { r: 1 })
    expect((await documents.get("b")).content).toEqual({ r: 1 })
    expect((await documents.exists("b")).exists).toBe(true)
    await documents.remove("b")
    expect((await documents.exists("b")).exists).toBe(false)
    await documents.upsert("bytes", Buffer.from([0, 255, 128]))
    expect((await documents.get("bytes")).content).toEqual(Buffer.from([0, 255, 128]))
    await documents.upsert("big", "x".repeat(2_000_000))
    expect((await documents.get("big")).content).toHaveLength(2_000_000)
  })

  it("names what is missing, there already, or another version", async () => {
    await documents.upsert("v", 1)
    expect(await failure(documents.get("missing"))).toBeInstanceOf(sdk.DocumentNotFoundError)
    expect(await failure(documents.replace("missing", 1))).toBeInstanceOf(sdk.DocumentNotFoundError)
    expect(await failure(documents.remove("missing"))).toBeInstanceOf(sdk.DocumentNotFoundError)
    expect(await failure(documents.touch("missing", 1))).toBeInstanceOf(sdk.DocumentNotFoundError)
    expect(await failure(documents.insert("v", 2))).toBeInstanceOf(sdk.DocumentExistsError)
    expect(await failure(documents.replace("v", 2, { cas: "12345" }))).toBeInstanceOf(sdk.CasMismatchError)
    expect(await failure(documents.remove("v", { cas: "12345" }))).toBeInstanceOf(sdk.CasMismatchError)
    const { cas } = await documents.get("v")
    await documents.replace("v", 2, { cas })
    expect((await documents.get("v")).content).toBe(2)
  })

  it("sets expiry, and keeps it when asked to", async () => {
    const seconds = Math.floor(Date.now() / 1000)
    await documents.upsert("e", 1, { expiry: 100 })
    const expiryOf = async (): Promise<number> => (await documents.get("e", { withExpiry: true })).expiryTime ?? 0
    expect(await expiryOf() - seconds).toBeGreaterThanOrEqual(100)
    expect(await expiryOf() - seconds).toBeLessThan(110)
    await documents.upsert("e", 2, { preserveExpiry: true })
    expect(await expiryOf()).toBeGreaterThan(0)
    await documents.touch("e", 1000)
    expect(await expiryOf() - seconds).toBeGreaterThanOrEqual(1000)
    expect((await documents.getAndTouch("e", 2000)).content).toBe(2)
    expect(await expiryOf() - seconds).toBeGreaterThanOrEqual(2000)
    await documents.upsert("e", 3)
    expect(await expiryOf()).toBe(0)
    await documents.upsert("short", 1, { expiry: 1 })
    await new Promise((done) => setTimeout(done, 2100))
    expect(await failure(documents.get("short"))).toBeInstanceOf(sdk.DocumentNotFoundError)
  })

  it("locks and unlocks", async () => {
    await documents.upsert("l", 1)
    const locked = await documents.getAndLock("l", 15)
    expect((await documents.get("l")).content).toBe(1)
    // the SDK repeats what meets a lock until its time is up, and then says what stood in the way
    const attempts = [() => documents.upsert("l", 2, { timeout: 400 }), () => documents.getAndLock("l", 5, { timeout: 400 })]
    for (const attempt of attempts) {
      const error = await failure(attempt())
      expect(error).toBeInstanceOf(sdk.TimeoutError)
      expect((error as Error & { readonly context: { readonly retry_reasons: unknown } }).context.retry_reasons).toEqual([
        "key_value_locked"
      ])
    }
    expect(await failure(documents.unlock("l", "12345"))).toBeInstanceOf(sdk.CasMismatchError)
    await documents.unlock("l", locked.cas)
    expect(await failure(documents.unlock("l", locked.cas))).toBeInstanceOf(sdk.DocumentNotLockedError)
    const again = await documents.getAndLock("l", 15)
    await documents.replace("l", 3, { cas: again.cas })
    expect((await documents.get("l")).content).toBe(3)
  })

  it("counts, appends and prepends", async () => {
    const binary = documents.binary()
    expect((await binary.increment("n", 5, { initial: 10 })).value).toBe(10)
    expect((await binary.increment("n", 5)).value).toBe(15)
    expect((await binary.decrement("n", 100)).value).toBe(0)
    await documents.upsert("text", "no number")
    expect(await failure(binary.increment("text", 1))).toBeInstanceOf(sdk.DeltaInvalidError)
    await documents.upsert("raw", Buffer.from("middle"))
    await binary.append("raw", Buffer.from(" end"))
    await binary.prepend("raw", Buffer.from("start "))
    expect(String((await documents.get("raw")).content)).toBe("start middle end")
  })

  it("reads parts of documents", async () => {
    await documents.upsert("p", { a: { b: [1, 2, 3] }, n: null })
    const { LookupInMacro, LookupInSpec } = sdk
    const { cas, content } = await documents.lookupIn("p", [
      LookupInSpec.get(LookupInMacro.Cas as string),
      LookupInSpec.get("a.b[-1]"),
      LookupInSpec.exists("a.x"),
      LookupInSpec.count("a.b"),
      LookupInSpec.get("a.b.c"),
      LookupInSpec.get("zzz"),
      LookupInSpec.get("")
    ])
    expect(content[0]!.value).toBe(`0x${BigInt(String(cas)).toString(16).padStart(16, "0")}`)
    expect(content.map(({ value }) => value).slice(1, 4)).toEqual([3, false, 3])
    expect(content[4]!.error).toBeInstanceOf(sdk.PathMismatchError)
    expect(content[5]!.error).toBeInstanceOf(sdk.PathNotFoundError)
    expect(content[6]!.value).toEqual({ a: { b: [1, 2, 3] }, n: null })
    expect(await failure(documents.lookupIn("missing", [LookupInSpec.get("a")]))).toBeInstanceOf(sdk.DocumentNotFoundError)
  })

  it("changes parts of documents, all or none", async () => {
    await documents.upsert("m", { a: { b: [1, 2, 3] }, gone: 1, old: 1 })
    const { LookupInSpec, MutateInMacro, MutateInSpec } = sdk
    const { cas, content } = await documents.mutateIn("m", [
      MutateInSpec.upsert("seen.cas", MutateInMacro.Cas, { xattr: true, createPath: true }),
      MutateInSpec.upsert("x.y", "deep", { createPath: true }),
      MutateInSpec.insert("new", true),
      MutateInSpec.replace("old", 2),
      MutateInSpec.remove("gone"),
      MutateInSpec.increment("count", 7),
      MutateInSpec.decrement("count", 2),
      MutateInSpec.arrayAppend("a.b", 4),
      MutateInSpec.arrayPrepend("a.b", 0),
      MutateInSpec.arrayInsert("a.b[1]", 0.5),
      MutateInSpec.arrayAddUnique("a.b", 9)
    ])
    expect([content[5]!.value, content[6]!.value]).toEqual([7, 5])
    expect((await documents.get("m")).content).toEqual({
      a: { b: [0, 0.5, 1, 2, 3, 4, 9] },
      old: 2,
      x: { y: "deep" },
      new: true,
      count: 5
    })
    const seen = await documents.lookupIn("m", [LookupInSpec.get("seen.cas", { xattr: true })])
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(String(cas)))
    expect(seen.content[0]!.value).toBe(`0x${bytes.toString("hex")}`)

    const before = (await documents.get("m")).content
    const refused = documents.mutateIn("m", [MutateInSpec.upsert("kept", 1), MutateInSpec.insert("new", 1)])
    expect(await failure(refused)).toBeInstanceOf(sdk.PathExistsError)
    expect((await documents.get("m")).content).toEqual(before)
    expect(await failure(documents.mutateIn("m", [MutateInSpec.upsert("k", 1)], { cas: "12345" }))).toBeInstanceOf(sdk.CasMismatchError)
    expect(await failure(documents.mutateIn("missing", [MutateInSpec.upsert("k", 1)]))).toBeInstanceOf(sdk.DocumentNotFoundError)
    const { Insert, Upsert } = sdk.StoreSemantics
    await documents.mutateIn("made", [MutateInSpec.upsert("k.l", 1, { createPath: true })], { storeSemantics: Upsert })
    expect((await documents.get("made")).content).toEqual({ k: { l: 1 } })
    expect(await failure(documents.mutateIn("made", [MutateInSpec.upsert("k", 1)], { storeSemantics: Insert }))).toBeInstanceOf(
      sdk.DocumentExistsError
    )
    await documents.remove("made")
    await documents.upsert("m", "attributes outlive their body")
    expect((await documents.lookupIn("m", [LookupInSpec.exists("seen", { xattr: true })])).content[0]!.value).toBe(true)
  })

  it("scans ranges, prefixes and samples: what it finds is what was stored", async () => {
    const { MutationState, PrefixScan, RangeScan, SamplingScan, ScanTerm } = sdk
    const stored = new Map<string, unknown>()
    for (let n = 0; n < 200; n++) stored.set(`scan::${String(n).padStart(3, "0")}`, { n, text: "é".repeat(n) })
    const written = await Promise.all([...stored].map(([key, value]) => documents.upsert(key, value)))
    const sorted = (found: ReadonlyArray<{ readonly id: string }>): ReadonlyArray<string> => found.map(({ id }) => id).toSorted()
    const keys = [...stored.keys()]
    const consistentWith = new MutationState(...written.map(({ token }) => token))
    for (const options of [{}, { concurrency: 16 }, { batchByteLimit: 1 }, { consistentWith, concurrency: 4 }]) {
      const found = await documents.scan(new PrefixScan("scan::"), options)
      expect(new Map(found.map(({ content, id }) => [id, content]))).toEqual(stored)
      expect(found).toHaveLength(stored.size)
    }
    const [one] = await documents.scan(new PrefixScan("scan::007"))
    expect(String(one!.cas)).toBe(String((await documents.get("scan::007")).cas))
    const ids = await documents.scan(new PrefixScan("scan::"), { idsOnly: true })
    expect(sorted(ids)).toEqual(keys)
    expect(ids.every(({ content }) => content === undefined)).toBe(true)
    const between = new RangeScan(new ScanTerm("scan::010"), new ScanTerm("scan::020"))
    expect(sorted(await documents.scan(between, { idsOnly: true }))).toEqual(keys.slice(10, 21))
    const within = new RangeScan(new ScanTerm("scan::010", true), new ScanTerm("scan::020", true))
    expect(sorted(await documents.scan(within, { idsOnly: true }))).toEqual(keys.slice(11, 20))
    expect(sorted(await documents.scan(new RangeScan(), { idsOnly: true }))).toEqual(expect.arrayContaining(keys))
    expect(await documents.scan(new PrefixScan("none::"))).toEqual([])
    const sample = (seed: number) => documents.scan(new SamplingScan(20, seed), { idsOnly: true })
    const [first, again] = [await sample(5), await sample(5)]
    expect(first.length).toBeLessThanOrEqual(20)
    expect(first.length).toBeGreaterThan(0)
    expect(sorted(again)).toEqual(sorted(first))
    // the SDK draws a seed of its own, of up to 64 bits
    for (let round = 0; round < 4; round++) expect(await documents.scan(new SamplingScan(20), { idsOnly: true })).toHaveLength(20)
    await Promise.all(keys.map((key) => documents.remove(key)))
    expect(await documents.scan(new PrefixScan("scan::"))).toEqual([])
  })

  it("takes part in transactions, which do all or nothing", async () => {
    const [changed, dropped, made] = ["moved", "gone", "new"].map((name) => `transaction-${name}`) as [string, string, string]
    await documents.upsert(changed, { n: 1 })
    await documents.upsert(dropped, { n: 1 })
    const body = (end: () => void) =>
      cluster.transactions().run(async (context) => {
        const before = await context.get(documents, changed)
        await context.replace(before, { n: 2 })
        await context.remove(await context.get(documents, dropped))
        await context.insert(documents, made, { n: 2 })
        expect((await context.get(documents, changed)).content).toEqual({ n: 2 })
        // nobody else sees what is not committed
        expect((await documents.get(changed)).content).toEqual({ n: 1 })
        expect((await documents.exists(made)).exists).toBe(false)
        end()
      }, { timeout: 15_000 })
    const refused = body(() => {
      throw new Error("no")
    })
    expect(await failure(refused)).toBeInstanceOf(sdk.TransactionFailedError)
    expect((await documents.get(changed)).content).toEqual({ n: 1 })
    expect((await documents.get(dropped)).content).toEqual({ n: 1 })
    expect((await documents.exists(made)).exists).toBe(false)
    await body(() => {})
    expect((await documents.get(changed)).content).toEqual({ n: 2 })
    expect((await documents.exists(dropped)).exists).toBe(false)
    expect((await documents.get(made)).content).toEqual({ n: 2 })
  })

  it("accepts durability", async () => {
    for (const durabilityLevel of [sdk.DurabilityLevel.Majority, sdk.DurabilityLevel.PersistToMajority]) {
      await documents.upsert("d", durabilityLevel, { durabilityLevel })
      expect((await documents.get("d")).content).toBe(durabilityLevel)
    }
  })
})

describe("the node", () => {
  it("keeps collections apart", async () => {
    const bucket = cluster.bucket("travel")
    await bucket.defaultCollection().upsert("same", "default")
    await bucket.scope("shop").collection("orders").upsert("same", "orders")
    expect((await bucket.defaultCollection().get("same")).content).toBe("default")
  })

  it("answers pings", async () => {
    const { services } = await cluster.bucket("travel").ping({ serviceTypes: ["kv"] })
    expect(services["kv"]!.length).toBeGreaterThan(0)
    expect(services["kv"]!.every(({ state }) => state === 0)).toBe(true)
  })

  it("does not let strangers in", async () => {
    expect(await failure(connect("wrong"))).toBeInstanceOf(sdk.AuthenticationFailureError)
  })

  it("prints no password", () => {
    expect(served.output()).not.toContain(password)
    expect(served.output()).not.toContain("wrong")
  })
})

describe("management", () => {
  it("is ready and answers pings, with every service that it names", async () => {
    await cluster.waitUntilReady(5_000)
    const { services: pinged } = await cluster.ping()
    expect(Object.keys(pinged).toSorted()).toEqual(["kv", "mgmt"])
    for (const states of Object.values(pinged)) expect(new Set(states.map(({ state }) => state))).toEqual(new Set([0]))
    const { services } = await cluster.diagnostics()
    expect(services["kv"]!.length).toBeGreaterThan(0)
  })

  it("makes, changes, empties and drops buckets, which are used at once", async () => {
    const buckets = cluster.buckets()
    await buckets.createBucket({ name: "made", ramQuotaMB: 256, flushEnabled: true })
    expect(await buckets.getBucket("made")).toMatchObject({
      name: "made",
      ramQuotaMB: 256,
      flushEnabled: true,
      numReplicas: 1,
      replicaIndexes: true,
      bucketType: "membase",
      storageBackend: "couchstore",
      evictionPolicy: "valueOnly",
      compressionMode: "passive",
      maxExpiry: 0,
      minimumDurabilityLevel: 0,
      numVBuckets: 1024
    })
    expect((await buckets.getAllBuckets()).map(({ name }) => name)).toContain("made")
    const documents = cluster.bucket("made").defaultCollection()
    await documents.upsert("a", 1)
    await buckets.flushBucket("made")
    expect(await failure(documents.get("a"))).toBeInstanceOf(sdk.DocumentNotFoundError)
    await buckets.updateBucket({ name: "made", ramQuotaMB: 1024, flushEnabled: false })
    expect(await buckets.getBucket("made")).toMatchObject({ ramQuotaMB: 1024, flushEnabled: false })
    const failures: ReadonlyArray<readonly [() => Promise<unknown>, string]> = [
      [() => buckets.flushBucket("made"), "BucketNotFlushableError"],
      [() => buckets.flushBucket("missing"), "BucketNotFoundError"],
      [() => buckets.createBucket({ name: "made", ramQuotaMB: 256 }), "BucketExistsError"],
      [() => buckets.createBucket({ name: "large", ramQuotaMB: 100_000_000 }), "InvalidArgumentError"],
      [
        () =>
          buckets.createBucket({ name: "history", ramQuotaMB: 100, storageBackend: "couchstore", historyRetentionCollectionDefault: true }),
        "InvalidArgumentError"
      ],
      [() => buckets.getBucket("missing"), "BucketNotFoundError"],
      [() => buckets.dropBucket("missing"), "BucketNotFoundError"]
    ]
    for (const [attempt, name] of failures) expect((await failure(attempt())).constructor.name).toBe(name)
    await buckets.dropBucket("made")
    expect(await failure(buckets.getBucket("made"))).toBeInstanceOf(sdk.BucketNotFoundError)
  })

  it("makes, changes and drops scopes and collections, which are used at once", async () => {
    const collections = cluster.bucket("travel").collections()
    await collections.createScope("inventory")
    await collections.createCollection("hotels", "inventory", { maxExpiry: 60 })
    const found = async () => (await collections.getAllScopes()).find(({ name }) => name === "inventory")?.collections
    expect(await found()).toMatchObject([{ name: "hotels", maxExpiry: 60, history: false }])
    const hotels = cluster.bucket("travel").scope("inventory").collection("hotels")
    await hotels.upsert("a", 1)
    const { expiryTime = 0 } = await hotels.get("a", { withExpiry: true })
    expect(expiryTime - Date.now() / 1000).toBeGreaterThan(50)
    await collections.updateCollection("hotels", "inventory", { maxExpiry: -1 })
    expect(await found()).toMatchObject([{ maxExpiry: -1 }])
    await hotels.upsert("b", 1)
    expect((await hotels.get("b", { withExpiry: true })).expiryTime ?? 0).toBe(0)
    const failures: ReadonlyArray<readonly [() => Promise<unknown>, string]> = [
      [() => collections.createScope("inventory"), "ScopeExistsError"],
      [() => collections.createScope("_no"), "InvalidArgumentError"],
      [() => collections.createCollection("hotels", "inventory"), "CollectionExistsError"],
      [() => collections.createCollection("hotels", "missing"), "ScopeNotFoundError"],
      [() => collections.createCollection("kept", "inventory", { history: true }), "FeatureNotAvailableError"],
      [() => collections.updateCollection("missing", "inventory", { maxExpiry: 5 }), "CollectionNotFoundError"],
      [() => collections.dropCollection("missing", "inventory"), "CollectionNotFoundError"],
      [() => collections.dropScope("missing"), "ScopeNotFoundError"],
      [() => collections.dropScope("_default"), "UnsupportedOperationError"],
      [() => cluster.bucket("missing").collections().createScope("s"), "BucketNotFoundError"]
    ]
    for (const [attempt, name] of failures) expect((await failure(attempt())).constructor.name).toBe(name)
    await collections.dropCollection("hotels", "inventory")
    expect(await found()).toEqual([])
    await collections.dropScope("inventory")
    expect(await found()).toBe(undefined)
  })

  it("keeps history with magma", async () => {
    await cluster.buckets().createBucket({
      name: "magma",
      ramQuotaMB: 1024,
      storageBackend: "magma",
      historyRetentionCollectionDefault: false,
      historyRetentionBytes: 2_147_483_648,
      historyRetentionDuration: 13_000
    })
    expect(await cluster.buckets().getBucket("magma")).toMatchObject({
      storageBackend: "magma",
      evictionPolicy: "fullEviction",
      historyRetentionCollectionDefault: false,
      historyRetentionBytes: 2_147_483_648,
      historyRetentionDuration: 13_000
    })
    const collections = cluster.bucket("magma").collections()
    await collections.createCollection("kept", "_default", { history: true })
    const found = async () => (await collections.getAllScopes())[0]!.collections.find(({ name }) => name === "kept")
    expect(await found()).toMatchObject({ history: true })
    await collections.updateCollection("kept", "_default", { history: false })
    expect(await found()).toMatchObject({ history: false })
    await cluster.buckets().dropBucket("magma")
  })

  it("has no bucket that was not made, which needs no waiting to see", async () => {
    const elsewhere = await connect(password, {
      transactions: { metadataCollection: { bucket: "missing", scope: "_default", collection: "_default" } }
    })
    try {
      // the SDK opens that bucket before anything else, and waits for one that is being created until its time is over
      const attempt = async () => elsewhere.transactions().run(async () => {}, { timeout: 5_000 })
      expect(await failure(attempt())).toBeInstanceOf(sdk.BucketNotFoundError)
    } finally {
      await elsewhere.close()
    }
  })

  it("makes users that sign in, and groups", async () => {
    const users = cluster.users()
    await users.upsertGroup({ name: "readers", description: "Those who read", roles: [{ name: "data_reader", bucket: "travel" }] })
    await users.upsertUser({
      username: "guest",
      displayName: "A Guest",
      // & and + are not encoded by the SDK
      password: "gu=st 1 %",
      groups: ["readers"],
      roles: [{ name: "data_writer", bucket: "travel", scope: "_default", collection: "_default" }]
    })
    expect(await users.getUser("guest")).toMatchObject({ username: "guest", displayName: "A Guest", groups: ["readers"], domain: "local" })
    expect(await users.getGroup("readers")).toMatchObject({ name: "readers", description: "Those who read" })
    expect((await users.getRoles()).length).toBeGreaterThan(10)
    const guest = await sdk.connect(String(served.ready["connectionString"]), { username: "guest", password: "gu=st 1 %" })
    await guest.bucket("travel").defaultCollection().upsert("guest", 1)
    expect((await failure(guest.buckets().createBucket({ name: "no", ramQuotaMB: 100 }))).constructor.name).toBe(
      "InternalServerFailureError"
    )
    await guest.users().changePassword("another")
    await guest.close()
    const again = await sdk.connect(String(served.ready["connectionString"]), { username: "guest", password: "another" })
    expect((await again.bucket("travel").defaultCollection().get("guest")).content).toBe(1)
    await again.close()
    await users.dropUser("guest")
    await users.dropGroup("readers")
    expect(await failure(users.getUser("guest"))).toBeInstanceOf(sdk.UserNotFoundError)
    expect(await failure(users.getGroup("readers"))).toBeInstanceOf(sdk.GroupNotFoundError)
  })
})
