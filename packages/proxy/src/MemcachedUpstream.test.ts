/** Which memcached may stand behind the proxy, and how it is asked: text alone, binary alone, on a Unix socket, by TLS, and signing in. */
import { type MemcachedNodeOptions, serveMemcachedNode } from "@wirewright/embedded"
import { certificate, privateKey } from "../../memcached/src/Certificate.fixture.ts"
import { packet, RawClient, shown } from "../../memcached/src/RawClient.fixture.ts"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { type Proxy, serveProxy } from "./Proxy.ts"
import { TextLine } from "./TextLine.fixture.ts"

const folder = mkdtempSync(join(tmpdir(), "wirewright-upstream-"))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, "ca"), certificate)

const users = [{ name: "app", password: Redacted.make("s3cret") }]

/** A proxy in front of a node; `name` makes the upstream's of its port. */
const before = (node: MemcachedNodeOptions, name: (port: number) => string): Effect.Effect<Proxy, unknown, Scope.Scope> =>
  Effect.flatMap(serveMemcachedNode(node), ({ server }) => serveProxy({ upstream: name(server.port), connections: 1 }))

/** What a text and a binary client get of one another through it. */
const exchanged = (start: Effect.Effect<Proxy, unknown, Scope.Scope>): Promise<ReadonlyArray<string>> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(start, ({ port }) =>
    Effect.promise(async () => {
      const line = await TextLine.connect(port)
      const binary = await RawClient.connect(port)
      const text = await line.ask("set t 5 0 1\r\nx\r\nget t\r\n")
      binary.send(Buffer.concat([
        packet(0x00, { key: "t", opaque: 1 }),
        packet(0x11, { key: "b", extras: "0000000700000000", value: "y", opaque: 2 }),
        packet(0x1c, { key: "b", extras: "00000e10", opaque: 3 }),
        packet(0x05, { key: "n", extras: `${"1".padStart(16, "0")}${"41".padStart(16, "0")}00000000`, opaque: 4 }),
        packet(0x02, { key: "b", extras: "0000000000000000", value: "z", opaque: 5 }),
        packet(0x03, { key: "none", extras: "0000000000000000", value: "z", opaque: 6 }),
        packet(0x0d, { key: "none", opaque: 7 }),
        packet(0x0c, { key: "none", opaque: 8 }),
        packet(0x0a, { opaque: 9 })
      ]))
      const packets = (await binary.packets(7)).map(shown)
      const both = await line.ask("get b n\r\n")
      line.end()
      binary.close()
      return [text, ...packets, both]
    }))))

const all = [
  "STORED\r\nVALUE t 5 1\r\nx\r\nEND\r\n",
  "0 0 1 \0\0\0\u0005x",
  "1c 0 3 \0\0\0\u0007",
  "5 0 4 \0\0\0\0\0\0\0A",
  "2 2 5 Data exists for key.",
  "3 1 6 Not found",
  "c 1 8 none",
  "a 0 9",
  "VALUE b 7 1\r\ny\r\nVALUE n 0 2\r\n65\r\nEND\r\n"
]

const at = (port: number, query = ""): string => `memcached://127.0.0.1:${port}${query}`

describe("clients of all protocols have the same in front of a memcached", () => {
  it.each(["auto", "meta", "binary"])("that is asked by %s", async (protocol) => {
    expect(await exchanged(before({}, (port) => at(port, `?protocol=${protocol}`)))).toEqual(all)
  })

  it("that is asked by text, but for counters that begin with a value", async () => {
    const words = "the text protocol, which the server behind the proxy is asked by, has no counters that begin with a value"
    expect(await exchanged(before({}, (port) => at(port, "?protocol=text")))).toEqual(
      all.map((one) => one.startsWith("5 ") ? `5 4 4 ${words}` : one.replace("VALUE n 0 2\r\n65\r\n", ""))
    )
  })

  it.each(["text", "binary"] as const)("that speaks %s alone", async (protocol) => {
    expect(await exchanged(before({ protocol }, at))).toEqual(all)
  })

  it("on a Unix socket, where a password may go as it is", async () => {
    const path = join(folder, "socket")
    for (const protocol of ["auto", "text", "binary"] as const) {
      expect(await exchanged(before({ path, users, protocol }, () => `memcached+unix://app:s3cret@${path}`))).toEqual(all)
    }
  })

  it("by TLS", async () => {
    const tls = { cert: certificate, key: privateKey }
    const name = (port: number) => `memcacheds://localhost:${port}?trust_certificate=${join(folder, "ca")}`
    expect(await exchanged(before({ tls }, name))).toEqual(all)
  })
})

describe("a memcached that has no place", () => {
  // of a binary and a text connection: for none, and for the first alone, of which it must not follow that it speaks nothing else
  it.each([["auto", 0], ["auto", 1], ["meta", 0], ["text", 0]] as const)(
    "is not taken for one that speaks less: %s, %i places",
    (protocol, places) =>
      Effect.runPromise(Effect.scoped(Effect.gen(function*() {
        const { server } = yield* serveMemcachedNode({ maxConnections: places + 1 })
        const line = yield* Effect.promise(() => TextLine.connect(server.port))
        yield* Effect.promise(() => line.ask(""))
        const upstream = at(server.port, `?protocol=${protocol}`)
        const error = yield* Effect.flip(Effect.scoped(serveProxy({ upstream, connections: 1 })))
        expect(error.message).toBe(`127.0.0.1:${server.port}: could not connect: too many open connections`)
        line.end()
        yield* Effect.repeat(Effect.sleep(5), { until: () => server.counters.connections === 0 })
      })))
  )
})

describe("a memcached that its clients must sign in to", () => {
  const refusal = (node: MemcachedNodeOptions, name: (port: number) => string) =>
    Effect.runPromise(Effect.map(Effect.flip(Effect.scoped(before(node, name))), (error) => String((error as Error).message)))
  const plain = "?allowed_sasl_mechanisms=PLAIN"

  it.each(["auto", "text", "binary"] as const)("is signed in to: %s", async (protocol) => {
    const name = (port: number) => at(port, plain).replace("//", "//app:s3cret@")
    expect(await exchanged(before({ users, protocol }, name))).toEqual(all)
  })

  it.each(["auto", "text", "binary"] as const)("refuses the wrong password, and none, and the proxy says so: %s", async (protocol) => {
    expect(await refusal({ users, protocol }, (port) => at(port, plain).replace("//", "//app:wrong@"))).toContain("the user was refused")
    expect(await refusal({ users, protocol }, at)).toContain("the server wants its clients to sign in")
    expect(await refusal({ users, protocol }, (port) => at(port).replace("//", "//app:s3cret@"))).toContain(
      "PLAIN sends the password in the clear"
    )
  })
})
