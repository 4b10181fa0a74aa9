/**
 * A Couchbase bucket through the proxy, asked by text and meta clients: what they must get by memcached's document, and in words what a bucket
 * cannot do. What is stored is looked at by a binary client, too.
 */
import { serveCouchbase } from "@wirewright/embedded"
import { packet, RawClient } from "../../memcached/src/RawClient.fixture.ts"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Proxy, serveProxy } from "./Proxy.ts"
import { TextLine } from "./TextLine.fixture.ts"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

const users = [{ name: "app", password: Redacted.make("secret") }]
const scope = Scope.makeUnsafe()
let now = Date.now()
let proxy: Proxy
let line: TextLine

beforeAll(async () => {
  proxy = await Effect.runPromise(Scope.provide(
    Effect.gen(function*() {
      const node = yield* serveCouchbase({ users, buckets: [{ name: "default", vbuckets: 8 }], now: () => now })
      return yield* serveProxy({ upstream: `couchbase://app:secret@127.0.0.1:${node.port}/default` })
    }),
    scope
  ))
  line = await TextLine.connect(proxy.port)
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

describe("a meta client", () => {
  it("stores, reads and removes, with flags and opaques", async () => {
    expect(await line.ask("ms k 3 F4294967295 Oa\r\none\r\n")).toBe("HD Oa\r\n")
    expect(await line.ask("mg k v f s k Ob\r\n")).toBe("VA 3 f4294967295 s3 kk Ob\r\none\r\n")
    expect(await line.ask("mg none v Oc\r\n")).toBe("EN Oc\r\n")
    expect(await line.ask("md k\r\nmd k\r\nmg k v\r\n")).toBe("HD\r\nNF\r\nEN\r\n")
  })

  it("compares CAS, which are numbers of 64 bits", async () => {
    const first = /^HD c(\d+)\r\n$/.exec(await line.ask("ms cas 1 c\r\na\r\n"))![1]!
    expect(BigInt(first)).toBeGreaterThan(2n ** 53n)
    const second = /^HD c(\d+)\r\n$/.exec(await line.ask(`ms cas 1 c C${first}\r\nb\r\n`))![1]!
    expect(second).not.toBe(first)
    expect(await line.ask(`ms cas 1 C${first}\r\nc\r\nmg cas v c\r\n`)).toBe(`EX\r\nVA 1 c${second}\r\nb\r\n`)
    expect(await line.ask(`md cas C${first}\r\nmd cas C${second}\r\nms cas 1 C${second}\r\nd\r\n`)).toBe("EX\r\nHD\r\nNF\r\n")
  })

  it("keeps to modes", async () => {
    expect(await line.ask("ms m 1 MR\r\na\r\nms m 1 MA\r\na\r\nms m 1 ME\r\nb\r\nms m 1 ME\r\nc\r\n")).toBe("NS\r\nNS\r\nHD\r\nNS\r\n")
    expect(await line.ask("ms m 1 MA\r\n>\r\nms m 1 MP\r\n<\r\nmg m v\r\n")).toBe("HD\r\nHD\r\nVA 3\r\n<b>\r\n")
  })

  it("sets when documents end, in seconds and as Unix time; what ended is gone", async () => {
    expect(await line.ask("ms soon 1 T60\r\nx\r\nms past 1 T-1\r\nx\r\nmg past v\r\n")).toBe("HD\r\nHD\r\nEN\r\n")
    expect(await line.ask(`ms later 1 T${Math.floor(now / 1000) + 120}\r\nx\r\nms touched 1\r\nx\r\nmg touched v T60\r\n`))
      .toBe("HD\r\nHD\r\nVA 1\r\nx\r\n")
    now += 61_000
    expect(await line.ask("mg soon v\r\nmg later v\r\nmg touched v\r\n")).toBe("EN\r\nVA 1\r\nx\r\nEN\r\n")
    now += 60_000
    expect(await line.ask("mg later v\r\n")).toBe("EN\r\n")
  })

  it("is told the time to live, by the proxy's clock", async () => {
    // the node's clock may have been put forward by other tests, and a second may begin meanwhile
    const left = async (asked: string, pattern: RegExp): Promise<number> => {
      const answer = await line.ask(asked)
      expect(answer).toMatch(pattern)
      return Number(pattern.exec(answer)![1])
    }
    const ahead = Math.floor((now - Date.now()) / 1000)
    await line.ask(`ms ttl 1 F7 T${Math.floor(now / 1000) + 1_000}\r\nx\r\n`)
    for (
      const [asked, pattern] of [
        ["mg ttl v t f\r\n", /^VA 1 t(\d+) f7\r\nx\r\n$/],
        ["mg ttl t f\r\n", /^HD t(\d+) f7\r\n$/],
        ["mg ttl s t\r\n", /^HD s1 t(\d+)\r\n$/]
      ] as const
    ) {
      const seconds = await left(asked, pattern)
      expect(Math.abs(seconds - 1_000 - ahead)).toBeLessThanOrEqual(60)
    }
    const touched = await left("mg ttl v T5000 t\r\n", /^VA 1 t(\d+)\r\nx\r\n$/)
    expect(Math.abs(touched - 5_000 - ahead)).toBeLessThanOrEqual(60)
    expect(await line.ask("ms ever 1\r\nx\r\nmg ever t\r\nmg ever v t\r\nmg ever T0 t v\r\n")).toBe(
      "HD\r\nHD t-1\r\nVA 1 t-1\r\nx\r\nVA 1 t-1\r\nx\r\n"
    )
    expect(await line.ask("md ever\r\nmg ever t\r\nmg ever v t\r\nmg none t\r\n")).toBe("HD\r\nEN\r\nEN\r\nEN\r\n")
  })

  it("counts by ma, from where it says", async () => {
    expect(await line.ask("ma n v\r\nma n v N0 J13 D5\r\nma n v D5\r\nma n v MD D100\r\n")).toBe(
      "NF\r\nVA 2\r\n13\r\nVA 2\r\n18\r\nVA 1\r\n0\r\n"
    )
    expect(await line.ask("ms word 1\r\nx\r\nma word v\r\n"))
      .toBe("HD\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n")
  })

  it("has keys in base64 that are the same documents as for others", async () => {
    // "Zm9v" is "foo"; "YSBi" is "a b"
    expect(await line.ask("ms Zm9v 1 b\r\nx\r\nmg foo v\r\nms YSBi 1 b\r\ny\r\nmg YSBi b v k\r\n")).toMatch(
      /^HD\r\nVA 1\r\nx\r\nHD\r\nVA 1 k/
    )
    const binary = await RawClient.connect(proxy.port)
    binary.send(packet(0x00, { key: "a b" }))
    expect((await binary.packets(1))[0]!.subarray(28).toString()).toBe("y")
    binary.close()
  })

  it("is told nothing that it does not want to hear", async () => {
    expect(await line.ask("mg none v q\r\nms quiet 1 q\r\nx\r\nmd quiet q\r\nmd quiet q\r\n")).toBe("NF\r\n")
  })

  for (
    const [asked, words] of [
      ["md k I", "stale items"],
      ["ms k 1 I C1\r\nx", "stale items"],
      ["mg k v R30", "recaching"],
      ["mg k v N30", "items made on a miss"],
      ["mg k v u", "reading without being noticed"],
      ["mg k v t T30", "telling the time to live before it is set"],
      ["ma k v t", "telling the time to live"],
      ["mg k v t l", "telling the last access"],
      ["mg k t h", "telling of hits"],
      ["mg k v l", "telling the last access"],
      ["mg k v h", "telling of hits"],
      ["ma k v C1", "CAS for counters"],
      ["ma k v T30", "counters whose time to live is set"],
      ["ms k 1 C0\r\nx", "comparing with CAS 0"],
      ["me k", "telling of items"],
      ["flush_all", "forgetting everything at a client's wish"]
    ] as const
  ) {
    it(`is refused ${JSON.stringify(asked)} in words, and nothing changes`, async () => {
      await line.ask("ms k 1\r\nv\r\n")
      expect(await line.ask(`${asked}\r\nmg k v\r\n`)).toBe(`CLIENT_ERROR a Couchbase bucket has no ${words}\r\nVA 1\r\nv\r\n`)
    })
  }
})

describe("a client of classic text", () => {
  it("has every command that concerns documents", async () => {
    const value = "VALUE t 5 2\r\nxy\r\nEND\r\n"
    expect(await line.ask("set t 5 0 2\r\nxy\r\nget t none t\r\nadd t 0 0 1\r\nz\r\n"))
      .toBe("STORED\r\nVALUE t 5 2\r\nxy\r\nVALUE t 5 2\r\nxy\r\nEND\r\nNOT_STORED\r\n")
    expect(await line.ask("touch t 60\r\ntouch none 60\r\ngat 60 t\r\n")).toBe(`TOUCHED\r\nNOT_FOUND\r\n${value}`)
    const cas = /^VALUE t 5 2 (\d+)\r\n/.exec(await line.ask("gets t\r\n"))![1]!
    expect(await line.ask(`cas t 5 0 1 ${cas}\r\na\r\ncas t 5 0 1 ${cas}\r\nb\r\ncas none 0 0 1 1\r\nc\r\n`)).toBe(
      "STORED\r\nEXISTS\r\nNOT_FOUND\r\n"
    )
    expect(await line.ask("append t 0 0 1\r\n>\r\nprepend t 0 0 1\r\n<\r\nget t\r\ndelete t\r\ndelete t\r\n"))
      .toBe("STORED\r\nSTORED\r\nVALUE t 5 3\r\n<a>\r\nEND\r\nDELETED\r\nNOT_FOUND\r\n")
    expect(await line.ask("set n 0 0 2\r\n41\r\nincr n 1\r\ndecr n 50\r\nincr none 1\r\n")).toBe("STORED\r\n42\r\n0\r\nNOT_FOUND\r\n")
    expect(await line.ask("set quiet 0 0 1 noreply\r\nq\r\nget quiet\r\n")).toBe("VALUE quiet 0 1\r\nq\r\nEND\r\n")
    expect(await line.ask("version\r\n")).toMatch(/^VERSION \d+\./)
    expect(await line.ask("watch\r\nlru mode flat\r\nnothing\r\n")).toBe("ERROR\r\nERROR\r\nERROR\r\n")
  })
})
