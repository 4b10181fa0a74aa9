/** The management endpoint over sockets: who may ask, what a web page or a slow client can do, streams of the map, users, TLS. */
import { encodeCollectionsGetID, encodeGet, encodeSelectBucket, encodeSet } from "@wirewright/couchbase/gen"
import { certificate, privateKey } from "../../memcached/src/Certificate.fixture.ts"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as Https from "node:https"
import * as Net from "node:net"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { Administration } from "./Administration.ts"
import { ClusterState } from "./ClusterState.ts"
import { type CouchbaseCluster, type CouchbaseClusterOptions, serveCouchbaseCluster } from "./CouchbaseNode.ts"
import { type ManagementServer, type ManagementServerOptions, serveManagement } from "./ManagementServer.ts"
import { everything, nameOf, TestClient } from "./TestClient.fixture.ts"
import { UserDirectory } from "./UserDirectory.ts"
import { type User, Users } from "./Users.ts"

let scope: Scope.Closeable
beforeEach(() => {
  scope = Scope.makeUnsafe()
})
afterEach(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const within = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Scope.provide(effect, scope))

const admin: User = { name: "admin", password: Redacted.make("secret") }

interface Served {
  readonly port: number
  readonly state: ClusterState
  readonly administration: Administration
}

/** The endpoint without a node beside it. */
const start = async (options: Partial<ManagementServerOptions> = {}, own: ReadonlyArray<User> = []): Promise<Served> => {
  const servers: Array<ManagementServer> = []
  let uuid = 0n
  const state: ClusterState = new ClusterState({
    nodes: 1,
    buckets: [{ name: "default", vbuckets: 4 }],
    world: { now: Date.now, uuid: () => ++uuid },
    tls: false,
    onMapChanged: () => servers[0]?.mapChanged(),
    onBucketDropped: () => {}
  })
  const administration = new Administration(state)
  const users = await Effect.runPromise(Users.make(own))
  const directory = new UserDirectory(users, Date.now, (name) => state.buckets.has(name))
  const nodes = [{ host: "127.0.0.1", port: 1, managementPort: 2 }]
  const management = { state, nodes, self: 0, tls: false, version: "7.6.0-test", uptime: () => 1, users, administration, directory }
  const server = await within(serveManagement({ host: "127.0.0.1", port: 0, management: () => management, ...options }))
  servers.push(server)
  return { port: server.port, state, administration }
}

interface Asked {
  readonly method?: string
  readonly headers?: Http.OutgoingHttpHeaders
  readonly body?: string
  readonly user?: string
}

interface Answer {
  readonly status: number
  readonly headers: Http.IncomingHttpHeaders
  readonly text: string
}

const ask = (port: number, path: string, { body, headers = {}, method = "GET", user }: Asked = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const authorization = user === undefined ? {} : { authorization: `Basic ${btoa(user)}` }
    const request = Http.request(
      { host: "127.0.0.1", port, path, method, headers: { ...authorization, ...headers }, agent: false },
      (response) => {
        let text = ""
        response.on("data", (chunk: Buffer) => text += chunk.toString())
        response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }))
      }
    )
    request.on("error", reject)
    request.end(body)
  })

const post = (port: number, path: string, body: string, more: Asked = {}): Promise<Answer> =>
  ask(port, path, { method: "POST", ...more, body, headers: { "content-type": "application/x-www-form-urlencoded", ...more.headers } })

/** Everything that a connection receives until it is closed. */
const raw = (port: number, bytes: string): Promise<string> =>
  new Promise((resolve) => {
    let text = ""
    const socket = Net.connect(port, "127.0.0.1", () => socket.write(bytes))
    socket.on("data", (chunk: Buffer) => text += chunk.toString())
    socket.on("error", () => {})
    socket.on("close", () => resolve(text))
  })

const eventually = async (holds: () => boolean): Promise<void> => {
  for (let turn = 0; !holds(); turn++) {
    if (turn === 1_000) throw new Error("it never did")
    await new Promise((done) => setTimeout(done, 10))
  }
}

describe("who may ask", () => {
  it("is anybody where there are no users, and whoever signs in where there are", async () => {
    const open = await start()
    expect((await ask(open.port, "/pools/default")).status).toBe(200)
    expect((await ask(open.port, "/pools/default", { user: "who:ever" })).status).toBe(200)
    const { port } = await start({}, [admin])
    for (const user of [undefined, "admin:Secret", "admin:", "nobody:secret", "admin"]) {
      const answer = await ask(port, "/pools/default", user === undefined ? {} : { user })
      expect([answer.status, answer.headers["www-authenticate"], answer.text]).toEqual([
        401,
        "Basic realm=\"Couchbase Server Admin / REST\"",
        ""
      ])
    }
    expect((await ask(port, "/pools/default", { user: "admin:secret" })).status).toBe(200)
    // where SDKs look whether anybody is there
    expect((await ask(port, "/")).status).toBe(200)
    expect((await ask(port, "/", { method: "HEAD" })).status).toBe(200)
    expect((await ask(port, "/nothing")).status).toBe(401)
  })

  it("is told of what there is not with 404 and a short text", async () => {
    const { port } = await start()
    for (
      const path of ["/nothing", "/pools/other", "/pools/default/b/missing", "/pools/default/bs/missing", "//", "/%", "/pools/default/"]
    ) {
      expect(await ask(port, path), path).toMatchObject({ status: 404, text: "Requested resource not found.\r\n" })
    }
    expect((await ask(port, "/pools/default", { method: "DELETE" })).status).toBe(404)
  })

  it("changes nothing as a reader", async () => {
    const { port, state } = await start({}, [admin, { name: "reader", password: Redacted.make("r"), mayWrite: false }])
    const user = "reader:r"
    expect((await ask(port, "/pools/default/buckets/default", { user })).status).toBe(200)
    const before = state.version.revision
    for (
      const [method, path] of [
        ["POST", "/pools/default"],
        ["POST", "/pools/default/buckets"],
        ["POST", "/pools/default/buckets/default"],
        ["DELETE", "/pools/default/buckets/default"],
        ["POST", "/pools/default/buckets/default/controller/doFlush"],
        ["POST", "/pools/default/buckets/default/scopes"],
        ["DELETE", "/pools/default/buckets/default/scopes/s"],
        ["PUT", "/settings/rbac/users/local/u"],
        ["PUT", "/settings/rbac/groups/g"]
      ] as const
    ) {
      const answer = await ask(port, path, { method, ...method === "DELETE" ? {} : { body: "name=s&password=p&clusterName=n" }, user })
      expect([answer.status, (JSON.parse(answer.text) as { readonly message: string }).message], `${method} ${path}`).toEqual([
        403,
        "Forbidden. User needs the following permissions"
      ])
    }
    expect([state.version.revision, state.buckets.size]).toEqual([before, 1])
  })
})

describe("a web page", () => {
  it("cannot drive it: requests of pages from elsewhere are refused, and nothing is allowed to them", async () => {
    const { port, state } = await start()
    const before = state.version.revision
    const host = `127.0.0.1:${port}`
    for (
      const headers of [
        { origin: "https://evil.example" },
        { origin: "null" },
        { origin: `http://127.0.0.1:${port + 1}` },
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
        { host: "evil.example", origin: "http://evil.example" },
        { host: `rebound.evil.example:${port}` },
        { host: "127.0.0.1.evil.example" },
        { host: "a@127.0.0.1/" }
      ]
    ) {
      for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json"]) {
        const answer = await post(port, "/pools/default/buckets", "name=evil", { headers: { "content-type": type, ...headers } })
        expect(answer.status, JSON.stringify(headers)).toBe(403)
      }
      const answer = await ask(port, "/pools/default/buckets", { method: "OPTIONS", headers })
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([])
    }
    for (const host of ["", "Host:\r\n"]) {
      expect(await raw(port, `DELETE /pools/default/buckets/default HTTP/1.0\r\n${host}\r\n`)).toMatch(/^HTTP\/1\.1 403 /)
    }
    expect([state.version.revision, state.buckets.size]).toEqual([before, 1])
    // tools send none of these; a page of the node's own would
    for (
      const headers of [
        {},
        { origin: `http://${host}`, "sec-fetch-site": "same-origin" },
        { host: "localhost" },
        { host: `[::1]:${port}` },
        {
          host: "couchbase:8091"
        },
        { "sec-fetch-site": "none" }
      ]
    ) {
      const answer = await ask(port, "/pools", { headers })
      expect([answer.status, answer.headers["access-control-allow-origin"]], JSON.stringify(headers)).toEqual([200, undefined])
    }
  })

  it("cannot either where people sign in, whose browser may remember a password; other names are then fine", async () => {
    const { port } = await start({}, [admin])
    expect(
      (await post(port, "/pools/default/buckets", "name=b", { user: "admin:secret", headers: { origin: "https://evil.example" } })).status
    )
      .toBe(403)
    expect((await ask(port, "/pools", { user: "admin:secret", headers: { host: "cb.example.org:8091" } })).status).toBe(200)
  })
})

describe("clients that take their time, or too much", () => {
  it("bodies are read up to a limit, with a length and in chunks", async () => {
    const { port, state } = await start({ maxBody: 100 })
    const body = (length: number): string => `clusterName=${"n".repeat(length - 12)}`
    for (const headers of [{ "content-length": 100 }, { "transfer-encoding": "chunked" }]) {
      expect((await post(port, "/pools/default", body(100), { headers })).status).toBe(200)
      expect(state.name).toBe("n".repeat(88))
      state.rename("")
      const length = "content-length" in headers ? { "content-length": 101 } : headers
      expect((await post(port, "/pools/default", body(101), { headers: length })).status).toBe(413)
      expect(state.name).toBe("")
    }
  })

  it("a request that never ends is given up", async () => {
    const { port } = await start({ patience: 100 })
    const head = "POST /pools/default HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for (const begun of [head, `${head}Content-Length: 50\r\n\r\nclusterName=`, `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nname`]) {
      expect(await raw(port, begun)).toMatch(/^(HTTP\/1\.1 408 |$)/)
    }
    expect((await ask(port, "/pools")).status).toBe(200)
  }, 30_000)

  it("what is no HTTP is refused", async () => {
    const { port } = await start()
    expect(await raw(port, "\x80\x00\x00\x00 no http at all\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /)
    expect(await raw(port, `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"x".repeat(17_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
  })

  it("connections are limited in number", async () => {
    const { port } = await start({ maxConnections: 2 })
    const sockets = [1, 2].map(() => Net.connect(port, "127.0.0.1"))
    for (const socket of sockets) await new Promise((done) => socket.once("connect", done))
    await expect(ask(port, "/")).rejects.toThrow()
    for (const socket of sockets) socket.destroy()
    await eventually(() => sockets.every((socket) => socket.closed))
    let answer: Answer | undefined
    for (let turn = 0; turn < 100 && answer === undefined; turn++) answer = await ask(port, "/").catch(() => undefined)
    expect(answer?.status).toBe(200)
  })

  it("connections are kept for the next request", async () => {
    const { port } = await start()
    const twice = "GET /pools HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection:\r\n\r\n"
    const text = await raw(port, `${twice}${twice}GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
  })
})

/** Maps that a stream has sent so far. */
const mapsIn = (text: string): ReadonlyArray<{ readonly rev: number; readonly collectionsManifestUid: string }> =>
  text.split("\n\n\n\n").slice(0, -1).map((one) => JSON.parse(one) as { readonly rev: number; readonly collectionsManifestUid: string })

describe("streams of the map", () => {
  const watch = (port: number, path = "/pools/default/bs/default") => {
    const watching = {
      text: "",
      ended: false,
      request: undefined as Http.ClientRequest | undefined,
      response: undefined as Http.IncomingMessage | undefined
    }
    watching.request = Http.get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      watching.response = response
      response.on("data", (chunk: Buffer) => watching.text += chunk.toString())
      response.on("close", () => watching.ended = true)
    })
    watching.request.on("error", () => watching.ended = true)
    return watching
  }

  it("begin with the map, go on with each change of it, and end with the bucket", async () => {
    const { administration, port, state } = await start()
    const watching = [watch(port), watch(port), watch(port, "/pools/default/bucketsStreaming/default")]
    await eventually(() => watching.every(({ text }) => mapsIn(text).length === 1))
    administration.createScope("default", "s")
    await eventually(() => watching.every(({ text }) => mapsIn(text).length === 2))
    administration.createCollection("default", "s", "c")
    await eventually(() => watching.every(({ text }) => mapsIn(text).length === 3))
    const { revision } = state.version
    for (const { text } of watching) {
      expect(mapsIn(text).map(({ collectionsManifestUid, rev }) => [rev, collectionsManifestUid])).toEqual([
        [Number(revision) - 2, "0"],
        [Number(revision) - 1, "1"],
        [Number(revision), "2"]
      ])
    }
    expect(JSON.parse((await ask(port, "/pools/default/b/default")).text)).toEqual(mapsIn(watching[0]!.text)[2])
    administration.dropBucket("default")
    await eventually(() => watching.every(({ ended }) => ended))
    expect(watching.map(({ text }) => mapsIn(text).length)).toEqual([3, 3, 3])
  })

  it("pass over maps that a slow client cannot take, and send the newest", async () => {
    const { administration, port, state } = await start()
    administration.createBucket("large", { vbuckets: 1024 })
    const slow = watch(port, "/pools/default/bs/large")
    await eventually(() => mapsIn(slow.text).length === 1)
    slow.response!.pause()
    const changes = 4_000
    for (let change = 0; change < changes; change++) {
      state.rename(`n${change}`)
      if (change % 100 === 0) await new Promise((done) => setImmediate(done))
    }
    slow.response!.resume()
    await eventually(() => slow.text.endsWith("\n\n\n\n") && mapsIn(slow.text).at(-1)?.rev === Number(state.version.revision))
    const revisions = mapsIn(slow.text).map(({ rev }) => rev)
    expect(revisions.length).toBeLessThan(changes / 2)
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b))
    slow.request!.destroy()
  }, 60_000)

  it("end when the client reads nothing for too long", async () => {
    const { administration, port, state } = await start({ patience: 200 })
    administration.createBucket("large", { vbuckets: 1024 })
    const socket = Net.connect(port, "127.0.0.1", () => socket.write("GET /pools/default/bs/large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
    let closed = false
    socket.on("error", () => {})
    socket.on("close", () => closed = true)
    socket.pause()
    for (let turn = 0; turn < 400; turn++) {
      for (let change = 0; change < 10; change++) state.rename(`n${turn}`)
      await new Promise((done) => setImmediate(done))
    }
    await new Promise((done) => setTimeout(done, 1_000))
    socket.resume()
    await eventually(() => closed)
  }, 60_000)
})

describe("a node", () => {
  const serve = (options: CouchbaseClusterOptions): Promise<CouchbaseCluster> => within(serveCouchbaseCluster(options))

  it("names the endpoint in its map, one for each node, and none when there is none", async () => {
    const services = (cluster: CouchbaseCluster) =>
      (JSON.parse(cluster.state.map(cluster.nodes, 0, undefined)) as { readonly nodesExt: ReadonlyArray<{ readonly services: object }> })
        .nodesExt
        .map((node) => node.services)
    const two = await serve({ nodes: 2 })
    expect(services(two)).toEqual(two.nodes.map(({ managementPort, port }) => ({ kv: port, mgmt: managementPort })))
    for (const { managementPort } of two.nodes) {
      const answer = await ask(managementPort!, "/pools/default/nodeServices")
      const { nodesExt } = JSON.parse(answer.text) as { readonly nodesExt: ReadonlyArray<{ readonly thisNode?: boolean }> }
      expect(nodesExt.map(({ thisNode }) => thisNode === true)).toEqual(two.nodes.map((node) => node.managementPort === managementPort))
    }
    const none = await serve({ managementPort: false })
    expect([services(none), none.nodes[0]!.managementPort]).toEqual([[{ kv: none.nodes[0]!.port }], undefined])
  })

  it("with TLS serves it with the same certificate", async () => {
    const cluster = await serve({ tls: { cert: certificate, key: privateKey } })
    const { managementPort, port } = cluster.nodes[0]!
    const text = await new Promise<string>((resolve, reject) => {
      Https.get(
        { host: "127.0.0.1", port: managementPort, path: "/pools/default/b/default", ca: certificate, agent: false },
        (response) => {
          let body = ""
          response.on("data", (chunk: Buffer) => body += chunk.toString())
          response.on("end", () => resolve(body))
        }
      ).on("error", reject)
    })
    expect(JSON.parse(text)).toMatchObject({ nodesExt: [{ services: { kvSSL: port, mgmtSSL: managementPort } }] })
    await expect(ask(managementPort!, "/")).rejects.toThrow()
  })

  it("has a bucket at once that was made over HTTP, and closes the connections of one that was dropped", async () => {
    const cluster = await serve({ users: [admin] })
    const { managementPort, port } = cluster.nodes[0]!
    const user = "admin:secret"
    const answer = await post(managementPort!, "/pools/default/buckets", "name=travel&ramQuotaMB=100&numVBuckets=4", { user })
    expect([answer.status, answer.text]).toEqual([202, ""])
    const client = new TestClient(port)
    await client.hello(everything)
    await client.signIn("admin", "secret")
    expect(await client.status((writer) => encodeSelectBucket(writer, { bucket: "travel" }))).toBe("Success")
    expect((await post(managementPort!, "/pools/default/buckets/travel/scopes", "name=s", { user })).text).toBe("{\"uid\":\"1\"}")
    expect((await post(managementPort!, "/pools/default/buckets/travel/scopes/s/collections", "name=c", { user })).text).toBe(
      "{\"uid\":\"2\"}"
    )
    expect(await client.status((writer) => encodeCollectionsGetID(writer, { path: "s.c", legacyPath: "" }))).toBe("Success")
    expect((await ask(managementPort!, "/pools/default/buckets/travel", { method: "DELETE", user })).status).toBe(200)
    await eventually(() => client.closed)
  })

  it("lets users in that were made over HTTP, as far as their roles go, until they are dropped", async () => {
    const cluster = await serve({ users: [admin], buckets: [{ name: "default", vbuckets: 1 }, { name: "other", vbuckets: 1 }] })
    const { managementPort, port } = cluster.nodes[0]!
    const put = (name: string, body: string, user = "admin:secret") =>
      ask(managementPort!, `/settings/rbac/users/local/${name}`, { method: "PUT", body, user })
    const signedIn = async (name: string, password: string): Promise<TestClient | string> => {
      const client = new TestClient(port)
      await client.hello(everything)
      const status = nameOf(await client.signIn(name, password))
      if (status === "Success") return client
      await client.end()
      return status
    }
    const select = (client: TestClient, bucket: string) => client.status((writer) => encodeSelectBucket(writer, { bucket }))
    const set = (client: TestClient) =>
      client.status((writer) => encodeSet(writer, { key: "k", value: new Uint8Array(1), flags: 0, expiration: 0, collectionId: 0 }))
    const get = (client: TestClient) => client.status((writer) => encodeGet(writer, { key: "k", collectionId: 0 }))

    expect((await put("reader", "name=R&password=pass%20word!&roles=data_reader[default:_default:_default],ro_admin")).status).toBe(200)
    expect((await put("writer", "password=w&roles=bucket_full_access[default]")).status).toBe(200)
    expect(await signedIn("reader", "password")).toBe("AuthError")
    const writer = (await signedIn("writer", "w")) as TestClient
    expect([await select(writer, "other"), await select(writer, "default"), await set(writer)]).toEqual(["Eaccess", "Success", "Success"])
    const reader = (await signedIn("reader", "pass word!")) as TestClient
    expect([await select(reader, "default"), await get(reader), await set(reader)]).toEqual(["Success", "Success", "Eaccess"])

    // a group gives its roles to its users, at once
    await ask(managementPort!, "/settings/rbac/groups/writers", { method: "PUT", body: "roles=data_writer[*]", user: "admin:secret" })
    expect((await put("reader", "groups=writers&roles=data_reader[default]")).status).toBe(200)
    expect(await set(reader)).toBe("Success")
    const told = JSON.parse((await ask(managementPort!, "/settings/rbac/users/local/reader", { user: "admin:secret" })).text) as object
    expect(told).toMatchObject({
      id: "reader",
      domain: "local",
      groups: ["writers"],
      roles: [
        { role: "data_reader", bucket_name: "default", scope_name: "*", collection_name: "*", origins: [{ type: "user" }] },
        { role: "data_writer", bucket_name: "*", scope_name: "*", collection_name: "*", origins: [{ type: "group", name: "writers" }] }
      ]
    })
    await ask(managementPort!, "/settings/rbac/groups/writers", { method: "DELETE", user: "admin:secret" })
    expect(await set(reader)).toBe("Eaccess")

    const changed = await post(managementPort!, "/controller/changePassword", "password=other", { user: "reader:pass word!" })
    expect(changed.status).toBe(200)
    expect(await signedIn("reader", "pass word!")).toBe("AuthError")
    const again = (await signedIn("reader", "other")) as TestClient

    // nobody makes himself more than he is
    expect((await put("reader", "roles=admin", "reader:other")).status).toBe(403)
    const dropped = await ask(managementPort!, "/settings/rbac/users/local/reader", { method: "DELETE", user: "admin:secret" })
    expect(dropped.status).toBe(200)
    expect([await signedIn("reader", "other"), await get(again)]).toEqual(["AuthError", "Eaccess"])
    expect((await ask(managementPort!, "/settings/rbac/users/local/reader", { user: "admin:secret" })).status).toBe(404)

    for (
      const [name, body, field] of [
        ["new", "roles=ro_admin", "password"],
        ["new", "password=p&roles=no_such_role", "roles"],
        ["new", "password=p&roles=data_reader", "roles"],
        ["new", "password=p&roles=data_reader[missing]", "roles"],
        ["new", "password=p&roles=admin[default]", "roles"],
        ["new", "password=p&groups=missing", "groups"],
        ["new", "password=%00", "password"],
        ["a%20b%3A", "password=p", "name"],
        ["admin", "password=p", "_"]
      ] as const
    ) {
      const answer = await put(name, body)
      expect([answer.status, Object.keys((JSON.parse(answer.text) as { readonly errors: object }).errors)], body).toEqual([400, [field]])
    }
    for (const client of [reader, writer, again]) await client.end()
  })

  it("prints no password, whatever goes wrong", async () => {
    const cluster = await serve({ users: [admin] })
    const { managementPort } = cluster.nodes[0]!
    const answers = [
      await ask(managementPort!, "/pools", { user: "admin:hunter2" }),
      await ask(managementPort!, "/settings/rbac/users/local/u", { method: "PUT", body: "password=hunter2%00", user: "admin:secret" }),
      await ask(managementPort!, "/settings/rbac/users", { user: "admin:secret" })
    ]
    for (const { headers, text } of answers) expect(JSON.stringify([headers, text])).not.toMatch(/hunter2|secret/)
  })
})
