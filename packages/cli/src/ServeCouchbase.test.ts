/** `wirewright serve` as a process: buckets, collections and users as the flags say; a password is never printed; wrong flags. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { encodeCollectionsGetID, encodeSelectBucket } from "@wirewright/couchbase/gen"
import { everything, nameOf, TestClient } from "../../embedded/src/TestClient.fixture.ts"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bin, wirewright } from "../test/RunCli.ts"

const password = "hunter2 is no secret"
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "wirewright-serve-"))
  writeFileSync(join(folder, "password"), `${password}\n`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("serve", () => {
  it("is a node as the flags say, and prints no password", async () => {
    const flags = ["--vbuckets", "2", "--bucket", "one", "--bucket", "two", "--collection", "shop.orders", "--user", "app"]
    const child = spawn(process.execPath, [bin, "serve", ...flags, "--password-file", join(folder, "password")], {
      stdio: ["ignore", "pipe", "pipe"]
    })
    let printed = ""
    child.stderr.on("data", (chunk: Buffer) => printed += chunk.toString())
    await new Promise<void>((resolve) =>
      child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()).includes("\n") && resolve())
    )
    const { managementPort, port, ...ready } = JSON.parse(printed) as { readonly port: number; readonly managementPort: number }
    assert.deepStrictEqual(ready as object, {
      ready: true,
      address: `127.0.0.1:${port}`,
      protocol: "couchbase",
      connectionString: `couchbase://127.0.0.1:${port}`,
      buckets: ["one", "two"],
      vbuckets: 2
    })
    const management = (given: string) =>
      fetch(`http://127.0.0.1:${managementPort}/pools/default/buckets`, { headers: { Authorization: `Basic ${btoa(`app:${given}`)}` } })
    assert.strictEqual((await management(`${password}x`)).status, 401)
    const buckets = (await (await management(password)).json()) as ReadonlyArray<{ readonly name: string; readonly numVBuckets: number }>
    assert.deepStrictEqual(buckets.map(({ name, numVBuckets }) => [name, numVBuckets]), [["one", 2], ["two", 2]])
    const client = new TestClient(port)
    const select = (bucket: string) => client.status((writer) => encodeSelectBucket(writer, { bucket }))
    const collection = (path: string) => client.status((writer) => encodeCollectionsGetID(writer, { legacyPath: "", path }))
    await client.hello(everything)
    assert.strictEqual(nameOf(await client.signIn("app", `${password}x`)), "AuthError")
    assert.strictEqual(nameOf(await client.signIn("app", password)), "Success")
    assert.strictEqual(await select("default"), "Eaccess")
    assert.strictEqual(await select("two"), "Success")
    assert.strictEqual(await collection("shop.orders"), "Success")
    assert.strictEqual(await collection("shop.nothing"), "UnknownCollection")
    await client.end()
    child.kill("SIGTERM")
    const [code] = await once(child, "close")
    assert.strictEqual(code, 0)
    assert.notInclude(printed, password)
  })

  const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: RegExp]> = [
    [["--vbuckets", "0"], /--vbuckets 0: from 1 to 1024/],
    [["--vbuckets", "1025"], /--vbuckets 1025: from 1 to 1024/],
    [["--replicas", "4"], /--replicas 4: from 0 to 3/],
    [["--replicas", "-1"], /--replicas -1: from 0 to 3/],
    [["--user", "app"], /--user and a password go together/],
    [["--password", password], /--user and a password go together/],
    [["--user", "app", "--password", password, "--password-file", "x"], /not both/],
    [["--user", "app", "--password-file", "/nowhere/password"], /\/nowhere\/password: no such file or directory \(ENOENT\)/],
    [["--user", "app", "--password", "tab\there"], /printable ASCII/],
    [["--collection", "shop.$orders"], /not the name of a scope or collection/],
    [["--bucket", ".hidden"], /\.hidden: not the name of a bucket/],
    [["--management-port", "65536"], /--management-port 65536: there are ports 0 to 65535/],
    [["--management-port", "8091", "--without-management"], /not both/],
    [["--control-token-file", "token"], /--control-token-file goes with --control/],
    [["--control", "0", "--control-token-file", "/nowhere/token"], /\/nowhere\/token: no such file or directory \(ENOENT\)/]
  ]
  for (const [args, message] of cases) {
    it(`refuses ${args.join(" ")}`, async () => {
      const { code, err, out } = await wirewright(["serve", ...args])
      assert.deepStrictEqual([code, out], [1, ""])
      assert.match(err, message)
      assert.notInclude(err, password)
      assert.notInclude(err, "tab\there")
    })
  }
})
