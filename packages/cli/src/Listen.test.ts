/** Where `serve --memcached` and `proxy` listen: TLS and Unix sockets, as processes, and what is refused. */
import { assert, describe, it } from "@effect/vitest"
import { certificate, privateKey } from "../../memcached/src/Certificate.fixture.ts"
import { packet, RawClient, shown } from "../../memcached/src/RawClient.fixture.ts"
import { running, wirewright } from "../test/RunCli.ts"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "node:tls"
import { afterAll } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "wirewright-listen-"))
afterAll(() => rmSync(folder, { recursive: true }))
const [cert, key, none] = ["cert", "key", "none"].map((name) => join(folder, name)) as [string, string, string]
writeFileSync(cert, certificate)
writeFileSync(key, privateKey, { mode: 0o600 })
writeFileSync(none, "no PEM")

const overTls = (port: number, bytes: Uint8Array, options: object = {}): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", ca: certificate, ...options }, () => socket.write(bytes))
    socket.on("data", (chunk: Buffer) => {
      socket.destroy()
      resolve(shown(chunk))
    })
    socket.on("error", () => resolve("refused")).on("close", () => resolve("refused"))
  })

describe("serve --memcached", () => {
  it("on a Unix socket, which is gone afterwards", async () => {
    const path = join(folder, "serve")
    await running(["serve", "--memcached", "--unix-socket", path], async ({ address, port }) => {
      assert.deepStrictEqual([address, port], [`unix:${path}`, 0])
      const client = await RawClient.connect(path)
      client.send(packet(0x0b))
      assert.deepStrictEqual((await client.packets(1)).map(shown), ["b 0 0 1.6.18"])
      client.close()
      const { code, err } = await wirewright(["serve", "--memcached", "--unix-socket", path])
      assert.strictEqual(code, 1)
      assert.match(err, new RegExp(`unix:${path}: could not listen.*EADDRINUSE`))
    })
    assert.isFalse(existsSync(path))
  })

  it("by TLS, and for those with a certificate alone", () =>
    running(["serve", "--memcached", "--tls-cert", cert, "--tls-key", key, "--tls-ca", cert], async ({ port }) => {
      assert.strictEqual(await overTls(port, packet(0x0b), { cert: certificate, key: privateKey }), "b 0 0 1.6.18")
      assert.strictEqual(await overTls(port, packet(0x0b)), "refused")
    }))

  for (
    const [args, message] of [
      [["--memcached", "--unix-socket", join(folder, "x"), "--port", "1"], /--port or --unix-socket, not both/],
      [["--unix-socket", join(folder, "x")], /--unix-socket goes with --memcached/],
      [["--tls-cert", cert, "--tls-key", key], /--tls-cert goes with --memcached/],
      [["--memcached", "--tls-cert", cert], /--tls-cert and --tls-key go together/],
      [["--memcached", "--tls-key", key], /--tls-cert and --tls-key go together/],
      [["--memcached", "--tls-ca", cert], /--tls-ca goes with --tls-cert/],
      [["--memcached", "--tls-cert", none, "--tls-key", key], /could not listen: .*no start line/],
      [["--memcached", "--tls-cert", join(folder, "nowhere"), "--tls-key", key], /ENOENT|no such file/]
    ] as const
  ) {
    it(`refuses ${args.join(" ").replaceAll(folder, "…")}`, async () => {
      const { code, err, out } = await wirewright(["serve", ...args])
      assert.deepStrictEqual([code, out], [1, ""])
      assert.match(err, message)
    })
  }
})

describe("proxy", () => {
  it("on a Unix socket, by TLS, and writes down conversations that can be told apart", () =>
    running(["serve", "--memcached"], async ({ port }) => {
      const [path, capture] = [join(folder, "proxy"), join(folder, "seen.pcapng")]
      const upstream = ["--upstream", `memcached://127.0.0.1:${port}`]
      await running(["proxy", "--listen", `unix:${path}`, "--capture", capture, ...upstream], async ({ address }) => {
        assert.strictEqual(address, `unix:${path}`)
        for (const opaque of [1, 2]) {
          const client = await RawClient.connect(path)
          client.send(packet(0x0b, { opaque }))
          assert.deepStrictEqual((await client.packets(1)).map(shown), [`b 0 ${opaque} 1.6.18`])
          client.close()
        }
      })
      const decoded = await wirewright(["decode", capture, "--port", "11211"])
      assert.strictEqual(decoded.code, 0)
      assert.match(decoded.out, /127\.0\.0\.2:2 [^]*Version[^]*127\.0\.0\.2:3 [^]*Version/)
      await running(["proxy", "--tls-cert", cert, "--tls-key", key, ...upstream], async (ready) => {
        assert.strictEqual(await overTls(ready.port, packet(0x0b)), "b 0 0 1.6.18")
      })
    }))

  it("signs clients in by a file of users, and by --user in serve; the upstream is a Unix socket that wants it, too", () => {
    const [path, passwordFile, authFile] = ["signed", "password", "users"].map((name) => join(folder, name)) as [string, string, string]
    writeFileSync(passwordFile, "behind\n")
    writeFileSync(authFile, "app:in front\nother:x\n")
    return running(
      ["serve", "--memcached", "--unix-socket", path, "--user", "proxy", "--password-file", passwordFile],
      () =>
        running(["proxy", "--auth-file", authFile, "--upstream", `memcached+unix://proxy:behind@${path}`], async ({ port }) => {
          const client = await RawClient.connect(port)
          const plain = (password: string) => packet(0x21, { key: "PLAIN", value: `\0app\0${password}` })
          client.send(Buffer.concat([plain("behind"), plain("in front"), packet(0x00, { key: "k" })]))
          assert.deepStrictEqual((await client.packets(3)).map(shown), ["21 20 0 Auth failure.", "21 0 0 Authenticated", "0 1 0 Not found"])
          client.close()
        })
    )
  })
})
