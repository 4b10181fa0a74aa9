/**
 * How one gets into a cluster and finds out how it does, by Couchbase's official SDK for Node and by the client side by side: reports of `ping` and
 * `diagnostics` with a node down, copies of documents of a group of servers, client certificates. Both against the same embedded cluster.
 */
import { KvClient, type KvClientOptions, LookupIn } from "@wirewright/couchbase"
import { type CouchbaseCluster, serveCouchbaseCluster } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { type Cluster, failure, loadSdk, type Services } from "./CouchbaseSdk.ts"

const sdk = loadSdk()
const app = { name: "app", password: Redacted.make("secret") }
const tls = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))
const pem = (name: string): string => readFileSync(tls(name), "utf8")

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(effect))

const theirs = (connectionString: string, more: object = { username: "app", password: "secret" }) =>
  Effect.acquireRelease(
    Effect.promise(() => sdk.connect(connectionString, { timeouts: { connectTimeout: 10_000, kvTimeout: 5_000 }, ...more })),
    (cluster) => Effect.promise(() => cluster.close())
  )

const ours = ({ nodes: [node] }: CouchbaseCluster, more: Partial<KvClientOptions> = {}) =>
  KvClient.make({
    seeds: [{ host: "127.0.0.1", port: node!.port }],
    bucket: "default",
    credentials: { user: "app", password: app.password },
    logs: false,
    ...more
  })

const clusterOf = (more: object = {}) =>
  serveCouchbaseCluster({ nodes: 3, users: [app], buckets: [{ name: "default", vbuckets: 12, replicas: 1 }], ...more })

/** The SDK for Node writes numbers, where the RFC, and the SDK's own types, have these names. */
const pingStates = ["ok", "timeout", "error"]
const endpointStates = ["disconnected", "connecting", "connected", "disconnecting"]

/** A report as it is written. */
const json = (report: Services): ReturnType<Services["toJSON"]> => JSON.parse(JSON.stringify(report)) as ReturnType<Services["toJSON"]>

const fields = (endpoint: object): ReadonlyArray<string> => Object.keys(endpoint).toSorted()

/** Asks until something is so; a lost connection takes a moment to be seen. */
const eventually = async <A>(ask: () => Promise<A>, so: (answer: A) => boolean): Promise<A> => {
  for (let n = 0;; n++) {
    const answer = await ask()
    if (so(answer) || n === 50) return answer
    await new Promise((done) => setTimeout(done, 100))
  }
}

const opened = (cluster: Cluster) => cluster.bucket("default")

describe("ping", () => {
  it("says the same of three nodes, and of one of them when it is down", () =>
    run(Effect.gen(function*() {
      const cluster = yield* clusterOf({ managementPort: false })
      const [their, our] = [yield* theirs(cluster.connectionString), yield* ours(cluster)]
      const bucket = opened(their)
      const documents = bucket.defaultCollection()
      for (let n = 0; n < 20; n++) yield* Effect.promise(() => documents.upsert(`k${n}`, n))
      const report = yield* Effect.promise(() => bucket.ping({ reportId: "r", serviceTypes: ["kv"], timeout: 1_000 }))
      const [said, saying] = [json(report), (yield* our.ping({ reportId: "r" })).toJSON()]
      expect([saying.version, saying.id, Object.keys(saying.services)]).toEqual([said.version, said.id, Object.keys(said.services)])
      const remotes = cluster.nodes.map(({ host, port }) => `${host}:${port}`).toSorted()
      expect(said.services["kv"]!.map(({ remote }) => remote).toSorted()).toEqual(remotes)
      expect(saying.services.kv.map(({ remote }) => remote).toSorted()).toEqual(remotes)
      const known = new Set(saying.services.kv.flatMap(fields))
      expect(said.services["kv"]!.flatMap(fields).filter((field) => !known.has(field))).toEqual([])
      expect(said.services["kv"]!.map(({ state }) => pingStates[state as number])).toEqual(saying.services.kv.map(({ state }) => state))
      console.log(`ping: ${JSON.stringify(said.services["kv"]![0])} of the SDK, ${JSON.stringify(saying.services.kv[0])} of the client`)

      cluster.kill(1)
      const down = `${cluster.nodes[1]!.host}:${cluster.nodes[1]!.port}`
      const after = yield* Effect.promise(() =>
        eventually(
          () => bucket.ping({ serviceTypes: ["kv"], timeout: 1_000 }),
          ({ services }) => services["kv"]!.filter(({ state }) => state === 0).length === 2
        )
      )
      const there = after.services["kv"]!.filter(({ state }) => state === 0).map(({ remote }) => remote)
      const answered = (yield* our.ping({ timeout: "1 second" })).endpoints
      expect(there.toSorted()).toEqual(remotes.filter((remote) => remote !== down))
      expect(answered.filter(({ state }) => state === "ok").map(({ remote }) => remote).toSorted()).toEqual(there.toSorted())
      expect(answered.find(({ remote }) => remote === down)!.state).toBe("error")
      const unwell = after.services["kv"]!.filter(({ state }) => state !== 0)
      console.log(`ping with a node down: the SDK answers ${there.length}, and of the third ${JSON.stringify(unwell)}`)
    })), 60_000)
})

describe("diagnostics", () => {
  it("say the same of the connections to three nodes, and of a node that is down", () =>
    run(Effect.gen(function*() {
      const cluster = yield* clusterOf({ managementPort: false })
      const [their, our] = [yield* theirs(cluster.connectionString), yield* ours(cluster)]
      const documents = opened(their).defaultCollection()
      for (let n = 0; n < 20; n++) {
        yield* Effect.promise(() => documents.upsert(`k${n}`, n))
        yield* our.get(`k${n}`)
      }
      const report = yield* Effect.promise(() => their.diagnostics({ reportId: "r" }))
      const [said, saying] = [json(report), (yield* our.diagnostics({ reportId: "r" })).toJSON()]
      expect([saying.version, saying.id, Object.keys(saying.services)]).toEqual([said.version, said.id, Object.keys(said.services)])
      const known = new Set(saying.services.kv.flatMap(fields))
      expect(said.services["kv"]!.flatMap(fields).filter((field) => !known.has(field))).toEqual([])
      const states = said.services["kv"]!.map(({ state }) => endpointStates[state as number])
      expect(new Set(states)).toEqual(new Set(saying.services.kv.map(({ state }) => state)))
      console.log(
        `diagnostics: ${JSON.stringify(said.services["kv"]![0])} of the SDK, ${JSON.stringify(saying.services.kv[0])} of the client`
      )
      cluster.kill(1)
      const down = `${cluster.nodes[1]!.host}:${cluster.nodes[1]!.port}`
      const after = yield* Effect.promise(() =>
        eventually(
          () => their.diagnostics(),
          ({ services }) => !services["kv"]!.some(({ remote, state }) => remote === down && state === 2)
        )
      )
      expect(after.services["kv"]!.filter(({ remote, state }) => remote === down && state === 2)).toEqual([])
      const ourOwn = yield* Effect.promise(() =>
        eventually(() => Effect.runPromise(our.diagnostics()), ({ state }) => state === "degraded")
      )
      expect(ourOwn.endpoints.map(({ state }) => state).toSorted()).toEqual(["connected", "connected", "disconnected"])
      expect(ourOwn.endpoints.find(({ state }) => state === "disconnected")!.remote).toBe(down)
    })), 60_000)
})

describe("the preferred group of servers", () => {
  it("is read by both clients from the same copies: documents and parts of them, any and all", () =>
    run(Effect.gen(function*() {
      const groups = ["east", "west", "west"]
      const cluster = yield* clusterOf({ managementPort: false, serverGroups: groups })
      const their = yield* theirs(cluster.connectionString, { username: "app", password: "secret", preferredServerGroup: "west" })
      const our = yield* ours(cluster, { preferredServerGroup: "west" })
      const documents = opened(their).defaultCollection()
      const here = { readPreference: sdk.ReadPreference.SelectedServerGroup }
      const preferred = { readPreference: "preferredServerGroup" } as const
      const specs = [sdk.LookupInSpec.get("n"), sdk.LookupInSpec.exists("m")]
      const isReplica = (copies: ReadonlyArray<{ readonly isReplica: boolean }>) => copies.map((copy) => copy.isReplica).toSorted()
      const replica = (copies: ReadonlyArray<{ readonly replica: boolean }>) => copies.map((copy) => copy.replica).toSorted()
      const seen = new Set<string>()
      let calls = 0
      for (let n = 0; n < 30; n++) {
        const key = `k${n}`
        yield* our.upsert(key, { n }, { durability: "majority" })
        const mine = replica(yield* our.getAllReplicas(key, preferred))
        expect(isReplica(yield* Effect.promise(() => documents.getAllReplicas(key, here))), key).toEqual(mine)
        expect(replica(yield* our.lookupInAllReplicas(key, [LookupIn.get("n")], preferred)), key).toEqual(mine)
        const parts = yield* Effect.promise(() => documents.lookupInAllReplicas(key, specs, here))
        expect(isReplica(parts), key).toEqual(mine)
        expect(parts.map(({ content }) => content.map(({ value }) => value)), key).toEqual(mine.map(() => [n, false]))
        const any = yield* Effect.promise(() => documents.getAnyReplica(key, here))
        const anyParts = yield* Effect.promise(() => documents.lookupInAnyReplica(key, specs, here))
        const ourAny = Option.getOrThrow(yield* our.lookupInAnyReplica(key, [LookupIn.get("n")], preferred))
        expect([any.content, anyParts.content[0]!.value, yield* ourAny.entries[0]!.value]).toEqual([{ n }, n, n])
        for (const one of [any.isReplica, anyParts.isReplica, ourAny.replica]) expect(mine).toContain(one)
        calls += 4
        seen.add(String(mine))
      }
      expect([...seen].toSorted()).toEqual(["false", "false,true", "true"])
      console.log(`server groups: ${calls} reads of copies by the SDK, copies in ${seen.size} places, 0 differ from the client's`)
      const elsewhere = yield* theirs(cluster.connectionString, { username: "app", password: "secret", preferredServerGroup: "north" })
      const nobody = opened(elsewhere).defaultCollection().getAnyReplica("k1", here)
      expect(yield* Effect.promise(() => failure(nobody))).toBeInstanceOf(sdk.DocumentUnretrievableError)
    })), 60_000)
})

describe("a client's certificate", () => {
  const secured = clusterOf({
    nodes: 1,
    managementPort: false,
    tls: { cert: pem("server.crt"), key: pem("server.key"), requestCert: true, ca: pem("authority.crt") },
    buckets: [{ name: "default", vbuckets: 4 }]
  })

  const connectionString = ({ nodes: [node] }: CouchbaseCluster): string => `couchbases://localhost:${node!.port}`

  const signedIn = (cluster: CouchbaseCluster, name: string) =>
    theirs(connectionString(cluster), {
      authenticator: new sdk.CertificateAuthenticator(tls(`${name}.crt`), tls(`${name}.key`)),
      security: { trustStorePath: tls("authority.crt") }
    })

  it("signs the SDK in as it signs in the client: the user whose name it has", () =>
    run(Effect.gen(function*() {
      const cluster = yield* secured
      const their = yield* signedIn(cluster, "client")
      const documents = opened(their).defaultCollection()
      yield* Effect.promise(() => documents.upsert("k", { by: "the SDK" }))
      const url = `${connectionString(cluster)}/default?trust_certificate=${tls("authority.crt")}`
      const our = yield* KvClient.makeUrl(`${url}&certpath=${tls("client.crt")}&keypath=${tls("client.key")}`)
      expect(new TextDecoder().decode(Option.getOrThrow(yield* our.get("k")).value)).toBe("{\"by\":\"the SDK\"}")
      expect((yield* our.ping()).state).toBe("online")
    })), 60_000)

  // the client looks at its own certificate before it shows it
  for (const [name, tag] of [["client-stranger", "KvError"], ["client-expired", "CertificateError"]] as const) {
    it(`of ${name} lets neither in`, () =>
      run(Effect.gen(function*() {
        const cluster = yield* secured
        const their = sdk.connect(connectionString(cluster), {
          authenticator: new sdk.CertificateAuthenticator(tls(`${name}.crt`), tls(`${name}.key`)),
          security: { trustStorePath: tls("authority.crt") },
          timeouts: { connectTimeout: 2_000, bootstrapTimeout: 2_000, kvTimeout: 1_000 }
        })
        const used = their.then(async (opened) => {
          try {
            await opened.bucket("default").defaultCollection().upsert("k", 1)
          } finally {
            await opened.close()
          }
        })
        const error = yield* Effect.promise(() => failure(used))
        console.log(`${name}: ${error.constructor.name} of the SDK`)
        const url = `${connectionString(cluster)}/default?trust_certificate=${tls("authority.crt")}`
        const refused = yield* Effect.flip(KvClient.makeUrl(`${url}&certpath=${tls(`${name}.crt`)}&keypath=${tls(`${name}.key`)}`))
        expect(refused._tag).toBe(tag)
      })), 60_000)
  }
})
