/** Flags of `serve --memcached` that say what is spoken and who may sign in; `Serve.test.ts` has the process itself. */
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bin, wirewright } from "../test/RunCli.ts"
import { usersIn } from "./ServeMemcached.ts"

describe("a file of users", () => {
  it("has lines of user:password", () => {
    const users = usersIn("user:pass\r\nother:a:b c\n\n")
    assert.deepStrictEqual(users?.map(({ name, password }) => [name, Redacted.value(password)]), [["user", "pass"], ["other", "a:b c"]])
  })

  for (const text of ["", "\n", "user", "user:pass\nother", ":pass"]) {
    it(`is none: ${JSON.stringify(text)}`, () => assert.isUndefined(usersIn(text)))
  }
})

/** Starts a node, says bytes to it, and returns what it answers and whether the node has ended by itself. */
const said = async (
  args: ReadonlyArray<string>,
  bytes: string,
  until: string
): Promise<{ readonly got: string; readonly ended: boolean }> => {
  const child = spawn(process.execPath, [bin, "serve", "--memcached", ...args], { stdio: ["ignore", "pipe", "inherit"] })
  const closed = new Promise<boolean>((resolve) => child.once("close", () => resolve(true)))
  let out = ""
  await new Promise<void>((resolve) => child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()).includes("\n") && resolve()))
  const { port } = JSON.parse(out) as { readonly port: number }
  const got = await new Promise<string>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"))
    let text = ""
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1")
      if (until !== "" && text.endsWith(until)) {
        socket.destroy()
        resolve(text)
      }
    })
    socket.on("error", () => {})
    socket.on("close", () => resolve(text))
  })
  const ended = until === "" ? await closed : false
  if (!ended) child.kill()
  return { got, ended }
}

describe("serve --memcached", () => {
  const directory = mkdtempSync(join(tmpdir(), "wirewright-users-"))
  const file = join(directory, "users")
  writeFileSync(file, "user:pass\n")
  const empty = join(directory, "empty")
  writeFileSync(empty, "")

  it("lets users of --auth-file sign in, and nobody else do anything", async () => {
    const { got } = await said(["--auth-file", file], "get k\r\nset x 0 0 9\r\nuser pass\r\nmn\r\n", "MN\r\n")
    // of what came before signing in one answer is kept
    assert.strictEqual(got, "STORED\r\nMN\r\n")
  })

  it("speaks text alone with --protocol text", async () => {
    const { got } = await said(["--protocol", "text"], `\x80\n${"\0".repeat(22)}\r\nmn\r\n`, "MN\r\n")
    assert.strictEqual(got, "ERROR\r\nERROR\r\nMN\r\n")
  })

  it("ends by shutdown with --enable-shutdown", async () => {
    assert.deepStrictEqual(await said(["--enable-shutdown"], "mn\r\nshutdown\r\n", ""), { got: "MN\r\n", ended: true })
  })

  it("forbids what it is told to forbid, and has no versions with --disable-cas", async () => {
    const flags = ["--disable-flush-all", "--disable-dumping", "--disable-watch", "--disable-cas"]
    const { got } = await said(
      flags,
      "flush_all\r\nwatch\r\nset k 0 0 1\r\nv\r\ngets k\r\nlru_crawler metadump all\r\nshutdown\r\nmn\r\n",
      "MN\r\n"
    )
    assert.strictEqual(
      got,
      "CLIENT_ERROR flush_all not allowed\r\nCLIENT_ERROR watch commands not allowed\r\nSTORED\r\nVALUE k 0 1 0\r\nv\r\nEND\r\n"
        + "ERROR metadump not allowed\r\nERROR: shutdown not enabled\r\nMN\r\n"
    )
  })

  it("listens on a UDP port, keeps what it has, and closes who is silent, as it is told", async () => {
    const { got } = await said(["--udp-port", "0", "--disable-evictions", "--idle-timeout", "7"], "stats settings\r\n", "END\r\n")
    assert.match(got, /STAT udpport [1-9]\d+\r\n/)
    assert.include(got, "STAT evictions off\r\n")
    assert.include(got, "STAT idle_timeout 7\r\n")
  })

  for (
    const [args, message] of [
      [["--udp-port", "0", "--auth-file", file], /--udp-port: nobody can sign in over UDP/],
      [["--udp-port", "0", "--unix-socket", "x"], /--udp-port goes neither with --unix-socket nor with TLS/],
      [["--udp-port", "65536"], /--udp-port 65536: there are ports 0 to 65535/],
      [["--idle-timeout", "0"], /--idle-timeout 0: a second or more/],
      [["--auth-file", empty], /--auth-file .*: lines of user:password, at least one/],
      [["--auth-file", join(directory, "none")], /ENOENT|no such file/],
      [["--protocol", "meta"], /protocol/]
    ] as const
  ) {
    it(`refuses ${args.join(" ").replaceAll(directory, "…")}`, async () => {
      const { code, err, out } = await wirewright(["serve", "--memcached", ...args])
      assert.deepStrictEqual([code, out], [1, ""])
      assert.match(err, message)
    })
  }

  it("leaves nothing behind", () => rmSync(directory, { recursive: true }))
})
