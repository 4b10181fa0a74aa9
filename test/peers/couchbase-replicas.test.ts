/**
 * Couchbase's official SDK for Node against three nodes of `wirewright serve` with two replicas: durable writes while nodes are held, killed and failed
 * over, and reads of replicas.
 */
import { createInterface, type Interface } from "node:readline"
import { connect as connectSocket, type Socket } from "node:net"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type Cluster, type Collection, failure, loadSdk, type Sdk } from "./CouchbaseSdk.ts"
import { serve, type Served } from "./Serve.ts"

let sdk: Sdk
let served: Served
let cluster: Cluster
let documents: Collection
let control: Control

/** The node's control socket. */
class Control {
  private readonly socket: Socket
  private readonly lines: Interface
  private readonly answers: AsyncIterator<string>
  private readonly token: string

  constructor(address: string, token: string) {
    this.token = token
    const [host, port] = address.split(":") as [string, string]
    this.socket = connectSocket({ host, port: Number(port) })
    this.socket.on("error", () => {})
    this.lines = createInterface({ input: this.socket })
    this.answers = this.lines[Symbol.asyncIterator]()
  }

  async do(command: string, more: object = {}): Promise<{ readonly [name: string]: unknown }> {
    this.socket.write(`${JSON.stringify({ token: this.token, do: command, ...more })}\n`)
    const answer = JSON.parse((await this.answers.next()).value as string) as { readonly [name: string]: unknown }
    expect(answer).toMatchObject({ ok: true })
    return answer
  }

  /** The node that has a vbucket active. */
  async nodeOf(vbucket: number): Promise<number> {
    const { buckets } = await this.do("status") as {
      readonly buckets: { readonly default: { readonly [id: number]: { readonly node: number } } }
    }
    return buckets.default[vbucket]!.node
  }

  end(): void {
    this.lines.close()
    this.socket.destroy()
  }
}

beforeEach(async () => {
  sdk = loadSdk()
  served = await serve(["--nodes", "3", "--replicas", "2", "--vbuckets", "1", "--control", "0", "--user", "app", "--password", "any"])
  control = new Control(String(served.ready["control"]), String(served.ready["controlToken"]))
  cluster = await sdk.connect(String(served.ready["connectionString"]), {
    username: "app",
    password: "any",
    timeouts: { connectTimeout: 10_000, kvTimeout: 5_000, kvDurableTimeout: 5_000 }
  })
  documents = cluster.bucket("default").defaultCollection()
})
afterEach(async () => {
  control?.end()
  await cluster?.close()
  await served?.stop()
})

describe("reads of replicas", () => {
  it("find the copies, as old as they are", async () => {
    await documents.upsert("a", { n: 1 })
    const all = await documents.getAllReplicas("a")
    expect(all.map(({ isReplica }) => isReplica).sort()).toEqual([false, true, true])
    expect((await documents.getAnyReplica("a")).content).toEqual({ n: 1 })
    const active = await control.nodeOf(0)
    await control.do("pauseReplication", { node: (active + 1) % 3 })
    await documents.upsert("a", { n: 2 })
    const found = await documents.getAllReplicas("a")
    expect(found.map(({ content, isReplica }) => [(content as { n: number }).n, isReplica]).sort()).toEqual([[1, true], [2, false], [
      2,
      true
    ]])
    expect(await failure(documents.getAnyReplica("none"))).toBeInstanceOf(sdk.DocumentUnretrievableError)
  })

  it("find parts of documents", async () => {
    await documents.upsert("a", { n: [1, 2] })
    const specs = [sdk.LookupInSpec.get("n[1]"), sdk.LookupInSpec.exists("m")]
    const any = await documents.lookupInAnyReplica("a", specs)
    expect(any.content.map(({ value }) => value)).toEqual([2, false])
    const all = await documents.lookupInAllReplicas("a", specs)
    expect(all.map(({ isReplica }) => isReplica).sort()).toEqual([false, true, true])
    expect(all.map(({ content }) => content[0]!.value)).toEqual([2, 2, 2])
  })

  it("work while the active copy's node does not run", async () => {
    await documents.upsert("a", 1)
    await control.do("kill", { node: await control.nodeOf(0) })
    expect(await documents.getAnyReplica("a")).toMatchObject({ content: 1, isReplica: true })
  })
})

const levels = ["Majority", "MajorityAndPersistOnMaster", "PersistToMajority"] as const

describe.each(levels)("durability %s", (level) => {
  it("what was acknowledged is there after a node is lost", async () => {
    const durabilityLevel = sdk.DurabilityLevel[level]
    const acknowledged = new Map<string, number>()
    const strange: Array<string> = []
    let stopped = false
    const writer = async (key: string): Promise<void> => {
      for (let value = 1; !stopped; value++) {
        try {
          await documents.upsert(key, value, { durabilityLevel, timeout: 2_000 })
          acknowledged.set(key, value)
        } catch (error) {
          // nobody knows what became of it, it could not be done in time, or its connection was lost
          const known = [sdk.DurabilityAmbiguousError, sdk.TimeoutError, sdk.RequestCanceledError]
          if (!known.some((one) => error instanceof one)) strange.push(String(error))
        }
      }
    }
    const writers = Promise.all(Array.from({ length: 8 }, (_, key) => writer(`k${key}`)))
    const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))
    await pause(300)
    const active = await control.nodeOf(0)
    const others = [(active + 1) % 3, (active + 2) % 3] as const
    await control.do("pauseReplication", { node: others[0] })
    await pause(100)
    await control.do("resumeReplication", { node: others[0] })
    for (const node of others) await control.do("pausePersistence", { node })
    await pause(100)
    for (const node of others) await control.do("resumePersistence", { node })
    await control.do("promote", { node: others[0] })
    await pause(300)
    // the others are out of reach when it dies
    const dying = await control.nodeOf(0)
    for (const node of [0, 1, 2]) if (node !== dying) await control.do("pauseReplication", { node })
    await pause(50)
    await control.do("kill", { node: dying })
    await control.do("failover", { node: dying })
    for (const node of [0, 1, 2]) await control.do("resumeReplication", { node })
    await pause(1_000)
    stopped = true
    await writers
    expect(strange).toEqual([])
    expect(acknowledged.size).toBe(8)
    for (const [key, value] of acknowledged) expect((await documents.get(key)).content, key).toBeGreaterThanOrEqual(value)
  })
})

describe("durable writes", () => {
  it("are ambiguous when copies do not answer, and impossible when there are too few", async () => {
    const durabilityLevel = sdk.DurabilityLevel.Majority
    const active = await control.nodeOf(0)
    const others = [(active + 1) % 3, (active + 2) % 3] as const
    await documents.upsert("a", 1, { durabilityLevel })
    for (const node of others) await control.do("pauseReplication", { node })
    expect(await failure(documents.upsert("a", 2, { durabilityLevel, timeout: 1_500 }))).toBeInstanceOf(sdk.DurabilityAmbiguousError)
    expect((await documents.get("a")).content).toBe(1)
    for (const node of others) await control.do("resumeReplication", { node })
    await documents.upsert("a", 3, { durabilityLevel })
    for (const node of others) await control.do("failover", { node })
    expect(await failure(documents.upsert("a", 4, { durabilityLevel }))).toBeInstanceOf(sdk.DurabilityImpossibleError)
    expect((await documents.get("a")).content).toBe(3)
    await control.do("rebalance")
    await documents.upsert("a", 5, { durabilityLevel })
  })
})
