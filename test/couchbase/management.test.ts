/**
 * The management endpoint is sent what Couchbase's own clients were seen to send, byte for byte where it matters: it answers with the status
 * that those clients took, and with objects of the same shape.
 */
import { mandatory } from "../../packages/embedded/src/ManagementAnswers.ts"
import { type CouchbaseCluster, serveCouchbaseCluster } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"
import * as Http from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

interface Recorded {
  readonly method: string
  readonly path: string
  readonly body: string
  readonly headers: { readonly [name: string]: string }
  readonly client: string
  readonly purpose: string
  readonly answered: number
  readonly answer: string
}

const recorded = JSON.parse(
  readFileSync(new URL("../fixtures/couchbase-management.json", import.meta.url), "utf8")
) as ReadonlyArray<Recorded>

/** Where the stand-in that was recorded took a short cut, and what the clients expect instead. */
const otherwise: { readonly [index: number]: readonly [status: number, why: string] } = {
  21: [400, "the bucket cannot be flushed, as the request before said"],
  27: [200, "it remembered no users"],
  31: [404, "a list for a group, which ended the SDK's process"],
  82: [400, "history in a bucket without magma"],
  83: [200, "as the collection before was refused"],
  99: [400, "history retention in a bucket without magma"],
  106: [400, "it looked at the name only; here there is no such bucket, and history is what is wrong"],
  109: [200, "it remembered no users"],
  123: [200, "it remembered no users"]
}

/** Buckets that a request meets in the session that it is of, but not in the one before it. */
const absent: { readonly [index: number]: string } = { 92: "xxxxxxxx_1", 102: "xxxxxxxx_1", 106: "xxxxxxxx_1" }

/** Names that were made by earlier requests of a session. */
const named = (text: string): string => text.replace(/[0-9a-f]{8}_(\d+)/g, "xxxxxxxx_$1")

const scope = Scope.makeUnsafe()
let cluster: CouchbaseCluster
let port: number

beforeAll(async () => {
  cluster = await Effect.runPromise(
    Scope.provide(
      serveCouchbaseCluster({
        buckets: [{ name: "default", vbuckets: 4 }],
        users: [{ name: "Administrator", password: Redacted.make("password") }]
      }),
      scope
    )
  )
  port = cluster.nodes[0]!.managementPort!
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const send = ({ body, client, headers, method, path }: Recorded): Promise<{ readonly status: number; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const sent = Object.fromEntries(
      Object.entries(headers).filter(([name]) => name !== "content-length").map(([name, value]) => [
        name,
        value.replace(/^Basic .*/, `Basic ${btoa("Administrator:password")}`)
      ])
    )
    if (body !== "") {
      Object.assign(sent, client.startsWith("gocbcore") ? { "transfer-encoding": "chunked" } : { "content-length": body.length })
    }
    const request = Http.request({ host: "127.0.0.1", port, method, path, headers: sent, agent: false }, (response) => {
      let text = ""
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString()
        // a stream has no end; its first message is what is compared
        if (path.includes("/bs/") && text.endsWith("\n\n\n\n")) {
          resolve({ status: response.statusCode!, body: text })
          request.destroy()
        }
      })
      response.on("end", () => resolve({ status: response.statusCode!, body: text }))
    })
    request.on("error", reject)
    request.end(body)
  })

/** What a request needs that only some of the recorded session made. */
const prepare = ({ answered, method, path }: Recorded): void => {
  const { administration, buckets } = cluster
  const [, bucket, what, scopeName, , collection] =
    /^\/pools\/default\/buckets\/([^/]+)(?:\/([^/]+)(?:\/([^/]+)(\/collections)?(?:\/([^/]+))?)?)?/
      .exec(path) ?? []
  if (answered >= 300 || bucket === undefined) return
  if (!buckets.has(bucket)) administration.createBucket(bucket, { vbuckets: 4, flushEnabled: true })
  if (what !== "scopes" || scopeName === undefined) return
  administration.createScope(bucket, scopeName)
  if (collection !== undefined && method !== "POST") administration.createCollection(bucket, scopeName, decodeURIComponent(collection))
}

/** The type of everything in a value. */
const shape = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])]
  if (typeof value !== "object" || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one)]))
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

describe("what clients were seen to send", () => {
  it("is all there", () => expect(recorded).toHaveLength(125))

  it.each(recorded.map((request, index) => [index, request.method, request.path, request.purpose, request] as const))(
    "%i %s %s (%s)",
    async (index, method, path, _purpose, request) => {
      const [status] = otherwise[index] ?? [request.answered]
      // a session that had dropped it by then
      if (status === 404 && method === "GET" && index > 111) cluster.administration.dropBucket(path.split("/")[4]!)
      if (absent[index] !== undefined) cluster.administration.dropBucket(absent[index])
      if (status < 300) prepare(request)
      const uid = cluster.buckets.get("default")!.manifest.uid
      const answer = await send(request)
      expect([answer.status, answer.body.slice(0, 200)]).toEqual([status, expect.anything()])
      if (otherwise[index] !== undefined) return
      const expected = parsed(named(request.answer))
      if (typeof expected === "object" && "uid" in expected! && Object.keys(expected).length === 1) {
        expect(parsed(answer.body)).toEqual({ uid: expect.stringMatching(/^[0-9a-f]+$/) as unknown })
        if (path.includes("/default/scopes")) expect((parsed(answer.body) as { readonly uid: string }).uid).toBe((uid + 1n).toString(16))
      } else if (status >= 400 && typeof expected === "object") {
        // clients search the text
        expect(answer.body).toContain(JSON.stringify(Object.values(expected as object)[0] as Record<string, string>).slice(1, -1))
      } else if (typeof expected === "object" && !Array.isArray(expected)) {
        expect(shape(parsed(answer.body))).toMatchObject(shape(expected) as object)
      } else if (path.includes("/buckets") && answer.body.startsWith("{")) {
        expect(Object.keys(parsed(answer.body) as object)).toEqual(expect.arrayContaining([...mandatory.bucket]))
      }
    }
  )

  it("an answer is never cut short of a key that ends the SDK's process when it is missing", async () => {
    const get = async (path: string): Promise<unknown> =>
      parsed(
        (await send({
          method: "GET",
          path,
          body: "",
          headers: { authorization: "Basic x" },
          client: "",
          purpose: "",
          answered: 200,
          answer: ""
        })).body
      )
    const has = (value: unknown, keys: ReadonlyArray<string>): void => {
      expect(Object.keys(value as object)).toEqual(expect.arrayContaining([...keys]))
      for (const key of keys) expect((value as Record<string, unknown>)[key], key).not.toBe(null)
    }
    const { administration, directory } = cluster
    for (const storageBackend of ["couchstore", "magma"] as const) {
      administration.createBucket(storageBackend, { storageBackend, vbuckets: 1 })
    }
    administration.createBucket("ephemeral", { bucketType: "ephemeral", vbuckets: 1 })
    directory.setGroup("all", { roles: "data_reader[*]" })
    await Effect.runPromise(directory.setUser("local", "some", { password: Redacted.make("p"), groups: "all", roles: "ro_admin" }))
    const buckets = (await get("/pools/default/buckets")) as ReadonlyArray<Record<string, unknown>>
    expect(buckets.length).toBeGreaterThan(3)
    for (const listed of buckets) {
      for (const bucket of [listed, (await get(`/pools/default/buckets/${String(listed["name"])}`)) as Record<string, unknown>]) {
        has(bucket, mandatory.bucket)
        has(bucket["quota"], mandatory.quota)
        for (const node of bucket["nodes"] as ReadonlyArray<unknown>) has(node, mandatory.node)
      }
      const manifest = (await get(`/pools/default/buckets/${String(listed["name"])}/scopes`)) as Record<
        string,
        ReadonlyArray<Record<string, unknown>>
      >
      has(manifest, mandatory.manifest)
      for (const one of manifest["scopes"]!) {
        has(one, mandatory.scope)
        for (const collection of one["collections"] as ReadonlyArray<unknown>) has(collection, mandatory.collection)
      }
    }
    const users = (await get("/settings/rbac/users")) as ReadonlyArray<Record<string, unknown>>
    expect(users.length).toBeGreaterThan(0)
    for (const user of users) {
      has(user, mandatory.user)
      for (const role of user["roles"] as ReadonlyArray<unknown>) has(role, ["role"])
    }
    for (const group of (await get("/settings/rbac/groups")) as ReadonlyArray<unknown>) has(group, mandatory.group)
    for (const role of (await get("/settings/rbac/roles")) as ReadonlyArray<unknown>) has(role, mandatory.role)
  })
})
