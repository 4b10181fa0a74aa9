/**
 * An operator's evening: what the log, the status line, `/health` and the metrics of `wirewright tail` say while a cluster suffers, as
 * `packages/dcp/OPERATING.md` has it. `UPDATE_DOCS=1` writes what was seen.
 */
import { type Bucket, type CouchbaseCluster, type CouchbaseClusterOptions, serveCouchbaseCluster } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { diskSteps } from "../../packages/dcp/src/CheckpointFiles.ts"
import { expectGuide } from "./Guide.ts"
import { shown, type Sight, Watched } from "./Operating.ts"

let scope: Scope.Closeable
let watched: Watched | undefined
let folder: string

beforeEach(() => {
  scope = Scope.makeUnsafe()
  folder = mkdtempSync(join(tmpdir(), "wirewright-operating-"))
  vi.stubEnv("TERM", "xterm")
})
afterEach(async () => {
  vi.restoreAllMocks()
  await watched?.stop()
  watched = undefined
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(folder, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

interface Place {
  readonly cluster: CouchbaseCluster
  readonly bucket: Bucket
  readonly names: Map<string, string>
  readonly url: string
}

/** Two nodes, and eight vbuckets with a document each. */
const place = async (options: Partial<CouchbaseClusterOptions> = {}, user = ""): Promise<Place> => {
  const cluster = await Effect.runPromise(
    Scope.provide(serveCouchbaseCluster({ nodes: 2, buckets: [{ name: "default", vbuckets: 8, replicas: 1 }], ...options }), scope)
  )
  const names = new Map(cluster.nodes.map(({ port }, index) => [`127.0.0.1:${port}`, `node-${index + 1}:11210`]))
  const bucket = cluster.buckets.get("default")!
  write(bucket, "first")
  return { cluster, bucket, names, url: `couchbase://${user}127.0.0.1:${cluster.nodes[0]!.port}/default` }
}

/** A document into each vbucket. */
const write = (bucket: Bucket, key: string): void => {
  for (const { id } of bucket.allVbuckets) bucket.store.set(bucket.store.space(id), key, { value: new Uint8Array(1) })
}

/** Which of two fibres says its line first, and whether vbuckets come in one look or in two, is not the same in every run. */
const it = (name: string, run: () => Promise<void>): void =>
  test(name, { retry: process.env["UPDATE_DOCS"] === "1" ? 0 : 3, timeout: 60_000 }, run)

/** Vbuckets that stand still are told after a second; else within 30, which no step takes. */
const alert = ["--slow-after", "1"]

const ready = (now: Watched): Promise<void> => now.until(async () => now.bottom.includes("8 events") && (await now.health()) === "200")

const guide = (regions: { readonly [name: string]: Sight }): void =>
  expectGuide("packages/dcp/OPERATING.md", Object.fromEntries(Object.entries(regions).map(([name, sight]) => [name, () => shown(sight)])))

it("a node goes down and comes back", async () => {
  const { bucket, cluster, names, url } = await place()
  const now = watched = new Watched([url, ...alert], names)
  await ready(now)
  const metrics = ["wirewright_dcp_streams_open", "wirewright_dcp_lag", "wirewright_client_connections"]
  const well = await now.sight(metrics)
  expect(well.status).toContain("8 of 8 vbuckets  lag 0")
  expect(well.health).toBe("200")
  cluster.kill(1)
  await now.until(async () => now.said("attempt 4") && now.said("no progress") && (await now.health()).includes("not got on"))
  const down = await now.sight(metrics)
  expect(down.log.join()).toMatch(/warning: node-2:11210: connection lost.*cannot connect/)
  expect(down.status).toMatch(/4 of 8 vbuckets {2}lag 0.*! since.*node-2:11210.*4 of 8 vbuckets have no stream/)
  expect(down.health).toMatch(/^503 {2}node-2:11210/)
  cluster.state.restart(1)
  await now.until(async () => (await now.health()) === "200" && now.said("again"))
  write(bucket, "second")
  await now.until(() => now.bottom.includes("16 events"))
  const back = await now.sight([...metrics, "wirewright_client_reconnects_total"])
  expect(back.log).toContain("info: connected to node-2:11210 again (attempt 2)")
  expect(back.status).toMatch(/^8 of 8 vbuckets/)
  guide({ "All is well": well, "Node down": down, "Node back": back })
})

it("a rebalance", async () => {
  const { bucket, cluster, names, url } = await place()
  const now = watched = new Watched([url], names)
  await ready(now)
  await now.sight()
  for (const { id, node } of bucket.allVbuckets) if (node === 0 && id % 4 === 0) cluster.move("default", id, 1)
  await now.until(() => now.said("moved"))
  write(bucket, "second")
  await now.until(async () => now.bottom.includes("16 events") && (await now.health()) === "200")
  const moved = await now.sight(["wirewright_dcp_streams_open", "wirewright_dcp_rollbacks_total"])
  expect(moved.log).toContain("info: 2 vbuckets moved from node-1:11210 to node-2:11210: 0, 4")
  expect(moved.status).toMatch(/^8 of 8 vbuckets {2}lag 0/)
  guide({ "Rebalance": moved })
})

it("a failover that loses changes", async () => {
  const { cluster, names, url } = await place()
  const now = watched = new Watched([url], names)
  await ready(now)
  await now.sight()
  cluster.failover(1, { lost: 1 })
  await now.until(async () =>
    now.said("rolled back") && now.bottom.includes("lag 0") && now.bottom.includes("4 rollbacks") && (await now.health()) === "200"
  )
  const lost = await now.sight(["wirewright_dcp_streams_open", "wirewright_dcp_rollbacks_total"])
  // nodes are asked for their seqnos every 5 seconds, and then what the failed node had told is not owed any more
  expect(lost.status).toMatch(/^8 of 8 vbuckets {2}lag 0/)
  expect(lost.log.join("\n")).toMatch(/warning: rolled back vbucket \d from 1 to 0/)
  expect(lost.metrics.join()).toContain("wirewright_dcp_rollbacks_total{wirewright_dcp_rollback_reason=\"Beginning\"} 4")
  expect(now.terminal.rows.filter((row) => row.startsWith("rollback"))).toHaveLength(4)
  guide({ "Failover that loses changes": lost })
})

it("a slow sink", async () => {
  const { bucket, names, url } = await place()
  let open = (): void => {}
  let closed: Promise<void> | undefined
  const now = watched = new Watched([url, ...alert], names, () => closed)
  await ready(now)
  await now.sight()
  closed = new Promise((resolve) => open = resolve)
  write(bucket, "second")
  await now.until(async () => now.said("no progress") && (await now.health()).startsWith("503"))
  const metrics = ["wirewright_dcp_lag", "wirewright_dcp_unsettled", "wirewright_dcp_stalled"]
  const slow = await now.sight(metrics)
  expect(slow.log.join()).toContain("warning: no progress within 1000 ms: vbucket 0 (processing the change at seqno 2)")
  expect(slow.status).toMatch(/^8 of 8 vbuckets {2}lag 8 .*! since/)
  closed = undefined
  open()
  await now.until(async () => (await now.health()) === "200" && now.said("again"))
  const quick = await now.sight(metrics)
  expect(quick.log).toEqual(["info: 8 vbuckets get on again: 0, 1, 2, 3, 4 and 3 more"])
  expect(quick.status).not.toContain("!")
  guide({ "Slow sink": slow, "The sink is quick again": quick })
})

it("a full disk under the checkpoints", async () => {
  const { bucket, names, url } = await place()
  names.set(folder, "/var/lib/seen")
  const now = watched = new Watched([url, "--checkpoint", folder], names)
  await ready(now)
  await now.sight()
  const { write: onDisk } = diskSteps
  const full = vi.spyOn(diskSteps, "write").mockImplementation(async () => {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })
  })
  write(bucket, "second")
  await now.until(async () => now.said("attempt 4") && (await now.health()).startsWith("503"))
  const commits = "messaging_client_operation_duration_seconds_count"
  const stuck = await now.sight(["wirewright_dcp_lag", commits])
  expect(stuck.log.join()).toContain("warning: checkpoints cannot be saved (attempt 2): /var/lib/seen/default%2ftail/")
  expect(stuck.log.join()).toContain("ENOSPC")
  expect(stuck.metrics.join()).toContain("error_type=\"Unavailable\"")
  expect(now.terminal.rows.filter((row) => row.includes("second"))).toHaveLength(8)
  full.mockImplementation(onDisk)
  await now.until(async () => now.said("again") && (await now.health()) === "200")
  const room = await now.sight(["wirewright_dcp_lag"])
  expect(room.log).toContain("info: checkpoints are saved again (attempt 2)")
  guide({ "Full disk under the checkpoints": stuck, "There is room again": room })
})

it("a wrong password after it was changed", async () => {
  const { cluster, names, url } = await place({ users: [{ name: "app", password: Redacted.make("old") }] }, "app:old@")
  const now = watched = new Watched([url], names)
  await ready(now)
  await now.sight()
  await Effect.runPromise(cluster.directory.changePassword("app", Redacted.make("new")))
  await now.until(() => true)
  const unaware = await now.sight()
  expect([unaware.log, unaware.health]).toEqual([[], "200"])
  cluster.nodes[1]!.disconnect()
  await now.until(() => now.ended)
  const denied = await now.sight()
  expect(denied.ended).toBe("exit code 77")
  expect(denied.log.join("\n")).toMatch(/user or password/)
  guide({ "Wrong password after it was changed": denied })
})

const pem = (name: string): string => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), "utf8")

it("a certificate that expired", async () => {
  const authority = fileURLToPath(new URL("../fixtures/tls/authority.crt", import.meta.url))
  const one = Scope.makeUnsafe()
  const serve = (name: string, port: number, own: Scope.Closeable): Promise<CouchbaseCluster> =>
    Effect.runPromise(Scope.provide(
      serveCouchbaseCluster({
        port,
        tls: { cert: pem(`${name}.crt`), key: pem(`${name}.key`) },
        buckets: [{ name: "default", vbuckets: 8 }],
        users: [{ name: "app", password: Redacted.make("secret") }]
      }),
      own
    ))
  const { buckets, nodes } = await serve("server", 0, one)
  write(buckets.get("default")!, "first")
  const { port } = nodes[0]!
  const names = new Map([`localhost:${port}`, `127.0.0.1:${port}`].map((address) => [address, "node-1:11207"]))
  const now = watched = new Watched([`couchbases://app:secret@localhost:${port}/default?trust_certificate=${authority}`], names)
  await ready(now)
  await now.sight()
  await Effect.runPromise(Scope.close(one, Exit.void))
  await serve("server-expired", port, scope)
  await now.until(async () => now.said("expired") && (await now.health()).includes("expired"))
  const expired = await now.sight(["wirewright_dcp_streams_open", "wirewright_client_connections"])
  expect(expired.status).toMatch(/^0 of 8 vbuckets.*expired/)
  // while the node was away, it may have been tried
  const log = expired.log.filter((line) => !line.includes("ECONNREFUSED"))
  guide({ "Expired certificate": { ...expired, log } })
})
