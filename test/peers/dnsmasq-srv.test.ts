/**
 * DNS SRV against dnsmasq: the nodes are found by its records, and it is asked for just those names for which the official SDK for Node asks.
 * dnsmasq logs every question it is asked.
 */
import { KvClient, resolveSrvBy, SrvResolver } from "@wirewright/couchbase"
import { serveCouchbaseCluster } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { createSocket } from "node:dgram"
import { describe, expect, it } from "vitest"
import { loadSdk } from "./CouchbaseSdk.ts"

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const socket = createSocket("udp4").bind(0, "127.0.0.1", () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })

/** A name server for `*.test`, without any records but these. */
const nameServer = (records: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const port = await freePort()
      const fixed = ["--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--log-queries", "--log-facility=-", "--pid-file="]
      const where = [`--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces", "--keep-in-foreground", "--local=/test/"]
      const child: ChildProcess = spawn("dnsmasq", [...fixed, ...where, "--user=", ...records], { stdio: ["ignore", "ignore", "pipe"] })
      let log = ""
      await new Promise<void>((ready, failed) => {
        child.once("exit", (code) => failed(new Error(`dnsmasq ended with ${code}: ${log}`)))
        child.stderr!.on("data", (chunk: Buffer) => {
          log += chunk.toString()
          if (log.includes("started")) ready()
        })
      })
      /** Names of the SRV records that were asked for since the last time. */
      const asked = (): ReadonlyArray<string> => {
        const names = [...log.matchAll(/query\[SRV\] (\S+) from/g)].map(([, name]) => name!.toLowerCase())
        log = ""
        return [...new Set(names)]
      }
      return { port, asked, child }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGTERM"))
  )

const credentials = { name: "app", password: Redacted.make("secret") }

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(effect))

const cluster = serveCouchbaseCluster({
  nodes: 2,
  buckets: [{ name: "default", vbuckets: 16 }],
  users: [credentials],
  managementPort: false
})

describe("dnsmasq", () => {
  it("leads to the nodes, the preferred ones first", () =>
    run(Effect.gen(function*() {
      const { nodes } = yield* cluster
      const server = yield* nameServer([
        `--srv-host=_couchbase._tcp.cb.test,localhost,1,10`,
        ...nodes.map(({ port }) => `--srv-host=_couchbase._tcp.cb.test,localhost,${port},20`)
      ])
      const kv = yield* KvClient.makeUrl("couchbase://app:secret@cb.test/default").pipe(
        Effect.provideService(SrvResolver, resolveSrvBy([`127.0.0.1:${server.port}`]))
      )
      yield* kv.upsert("k", 1)
      expect(yield* kv.exists("k")).toBe(true)
      expect(server.asked()).toEqual(["_couchbase._tcp.cb.test"])
    })))

  it("is asked for what the SDK asks it for", () =>
    run(Effect.gen(function*() {
      const sdk = loadSdk()
      const { nodes } = yield* cluster
      const { port } = nodes[0]!
      const server = yield* nameServer([`--srv-host=_couchbase._tcp.cb.test,localhost,${port}`])
      const ours = resolveSrvBy([`127.0.0.1:${server.port}`])
      const differ: Array<string> = []
      for (
        const target of [
          "couchbase://cb.test",
          "couchbases://cb.test",
          "couchbase://nothing.test",
          "couchbase://cb.test,other.test",
          "couchbase://127.0.0.1",
          "couchbase://[::1]",
          "couchbase://cb.test?enable_dns_srv=false"
        ]
      ) {
        const options = {
          username: "app",
          password: "secret",
          timeouts: { bootstrapTimeout: 1_500, connectTimeout: 1_000 },
          dnsConfig: { nameserver: "127.0.0.1", port: server.port, dnsSrvTimeout: 500 }
        }
        yield* Effect.promise(() => sdk.connect(target, options).then((opened) => opened.close(), () => undefined))
        const theirs = server.asked()
        const url = target.replace("://", "://app:secret@")
        yield* KvClient.makeUrl(url).pipe(
          Effect.provideService(SrvResolver, ours),
          Effect.timeout("1500 millis"),
          Effect.scoped,
          Effect.ignore
        )
        yield* Effect.sleep("50 millis")
        const found = server.asked()
        if (JSON.stringify(found) !== JSON.stringify(theirs)) differ.push(`${target}: the SDK asks ${theirs}, we ask ${found}`)
        if (target === "couchbase://cb.test") expect(theirs).toEqual(["_couchbase._tcp.cb.test"])
      }
      expect(differ).toEqual([])
      // with a port the SDK's core asks, and gocbconnstr does not: whoever names a port means it
      yield* KvClient.makeUrl(`couchbase://app:secret@cb.test:${port}/default`).pipe(
        Effect.provideService(SrvResolver, ours),
        Effect.scoped,
        Effect.ignore
      )
      yield* Effect.sleep("50 millis")
      expect(server.asked()).toEqual([])
    })), 120_000)
})
