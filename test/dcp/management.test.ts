/** What consumers are told of collections and buckets that are changed through the management endpoint while they follow. */
import { DcpStreamEndStatus } from "@wirewright/dcp/gen"
import { type CouchbaseNode, type CouchbaseNodeOptions, serveCouchbase } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterEach, beforeEach, expect, it } from "vitest"
import { DcpClient, show } from "./DcpClient.ts"

let scope: Scope.Closeable
beforeEach(() => {
  scope = Scope.makeUnsafe()
})
afterEach(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const start = (options: CouchbaseNodeOptions = {}): Promise<CouchbaseNode> =>
  Effect.runPromise(Scope.provide(serveCouchbase({ buckets: [{ name: "default", vbuckets: 4 }], ...options }), scope))

const ready = async ({ port }: CouchbaseNode): Promise<DcpClient> => {
  const client = await DcpClient.open(port)
  await client.controls({ enable_noop: "true" })
  return client
}

it("SC-40 the same through the management endpoint, in every vbucket; a scope takes its collections with it", async () => {
  const node = await start()
  const management = async (method: string, path: string, body?: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${node.managementPort}/pools/default/buckets/default/scopes${path}`, {
      method,
      ...body === undefined ? {} : { body: new URLSearchParams(body) }
    })
    expect(answer.status, `${method} ${path}`).toBe(200)
    return ((await answer.json()) as { readonly uid: string }).uid
  }
  const client = await ready(node)
  for (const vbucket of [0, 3]) expect(show(await client.request(vbucket))).toBe("OK 0")
  // the streams of two vbuckets come one after the other, in any order
  const both = async (events: ReadonlyArray<string>): Promise<void> => {
    expect((await client.take(events.length * 2)).toSorted()).toEqual([...events, ...events].toSorted())
  }
  const uids = [await management("POST", "", "name=shop")]
  await both(["MK[0,1] 5", "SE1 CreateScope shop"])
  uids.push(await management("POST", "/shop/collections", "name=orders"))
  await both(["MK[2,2] 1", "SE2 BeginCollection orders"])
  uids.push(await management("POST", "/shop/collections", "name=carts&maxTTL=60"))
  await both(["MK[3,3] 1", "SE3 BeginCollectionTtl carts"])
  uids.push(await management("DELETE", "/shop/collections/carts"))
  await both(["MK[4,4] 1", "SE4 EndCollection "])
  uids.push(await management("DELETE", "/shop"))
  await both(["MK[5,6] 1", "SE5 EndCollection ", "SE6 DropScope "])
  expect(uids).toEqual(["1", "2", "3", "4", "5"])
  expect(node.buckets.get("default")!.manifest.uid).toBe(5n)
})

it("a bucket that is emptied through the management endpoint ends its streams; the next begin anew", async () => {
  const node = await start({ buckets: [{ name: "default", vbuckets: 4, settings: { flushEnabled: true } }] })
  const bucket = node.buckets.get("default")!
  const put = (key: string) => bucket.store.set(bucket.store.space(0), key, { value: new Uint8Array(1) })
  put("a")
  const before = bucket.uuidOf(0)
  const client = await ready(node)
  expect(show(await client.request(0))).toBe("OK 0")
  expect(await client.take(2)).toEqual(["MK[0,1] 5", "M1 a"])
  const flush = `http://127.0.0.1:${node.managementPort}/pools/default/buckets/default/controller/doFlush`
  expect((await fetch(flush, { method: "POST" })).status).toBe(200)
  expect(await client.take(1)).toEqual([`END ${DcpStreamEndStatus.StateChanged}`])
  expect(show(await client.request(0, { startSeqno: 1n, snapStartSeqno: 1n, snapEndSeqno: 1n, vbucketUuid: before }))).toBe("ROLLBACK 0")
  put("b")
  expect(show(await client.request(0))).toBe("OK 0")
  expect(await client.take(2)).toEqual(["MK[0,1] 5", "M1 b"])
})
