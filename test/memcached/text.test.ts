/** The node in memory speaks text and meta as memcached 1.6.18 does, however what is sent is cut, and keeps its clients apart. */
import { type MemcachedNodeOptions, serveMemcachedNode } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { readFileSync } from "node:fs"
import type { Duplex } from "node:stream"
import { describe, expect, test } from "vitest"
import { tried } from "../../packages/codec/src/Whole.fixture.ts"
import { agrees, bytesOf, play, Talk, type Vector, vectors } from "./TextVectors.ts"

interface World {
  readonly accept: (stream: Duplex) => void
  readonly pass: (seconds: number) => void
}

const withNode = <A>(use: (world: World) => Promise<A>, options: MemcachedNodeOptions = {}): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    let now = 1_700_000_000_000
    const { server } = yield* serveMemcachedNode({ listen: false, now: () => now, ...options })
    return yield* Effect.promise(() => use({ accept: server.accept, pass: (seconds) => (now += seconds * 1000) }))
  })))

/** Options of memcached, as the node has them. */
const optionsOf = ({ authfile = "", options = [] }: Vector): MemcachedNodeOptions => ({
  ...options.includes("-Y")
    ? {
      users: authfile.trimEnd().split("\n").map((line) => {
        const [name, password] = line.split(":")
        return { name: name!, password: Redacted.make(password!) }
      })
    }
    : {},
  ...options.includes("-B") ? { protocol: options.includes("ascii") ? "text" : "binary" } : {},
  ...options.includes("-I") ? { maxItemSize: 2 * 1024 * 1024 } : {},
  ...options.includes("-A") ? { onShutdown: () => {} } : {},
  ...options.includes("-C") ? { versions: false } : {},
  allows: { flush: !options.includes("-F"), dump: !options.includes("-X"), watch: !options.includes("-W") }
})

const confusing = JSON.parse(
  readFileSync(new URL("../fixtures/memcached-text-confusion.json", import.meta.url), "utf8")
) as ReadonlyArray<Vector>

/** Conversations that are not played, and why. */
const notPlayed: { readonly [reason: string]: (vector: Vector) => boolean } = {
  "played over UDP in datagrams.test.ts": ({ transport }) => transport === "udp"
}

const played = vectors.filter((vector) => !Object.values(notPlayed).some((left) => left(vector)))

describe("as memcached 1.6.18", () => {
  test("how many conversations there are, and which are not played", () => {
    expect(vectors.length).toBe(401)
    const left = Object.fromEntries(
      Object.entries(notPlayed).map(([reason, is]) => [reason, vectors.filter(is).map(({ id }) => id).sort()])
    )
    expect(left).toEqual({ "played over UDP in datagrams.test.ts": ["udp-001", "udp-002", "udp-003", "udp-006", "udp-007"] })
  })

  test.each(played)("$id: $about", async (vector) => {
    const outcome = await withNode(({ accept, pass }) => play(vector, accept, pass), optionsOf(vector))
    if (!agrees(vector, outcome)) expect({ closed: outcome.closed, got: outcome.got }).toEqual({ closed: vector.closes, got: outcome.want })
  })
})

/** Conversations whose answers memcached itself makes depend on what came in one read. */
const dependOnReads: { readonly [id: string]: string } = {
  "admin-051": "an answer waits for the rest of what was read, which metadump refuses",
  "admin-057": "the same for watch",
  "auth-005": "of what came together before signing in one answer is kept",
  "auth-007": "the same",
  "auth-008": "the same",
  "auth-012": "the same",
  "line-029": "a line of more than 2048 bytes is read when it comes whole"
}

const cuttable = played.filter(({ id, send }) => dependOnReads[id] === undefined && bytesOf(send).length <= 200)

describe("what is sent may be cut anywhere", () => {
  test.each(cuttable)("$id at many bytes, at every one in the whole run", async (vector) => {
    // captured versions make what is sent longer, by a few bytes
    const length = bytesOf(vector.send).length
    const step = tried(4, 1)
    for (let cut = 1 + length % step; cut < length; cut += step) {
      const outcome = await withNode(({ accept, pass }) => play(vector, accept, pass, [cut]), optionsOf(vector))
      expect(agrees(vector, outcome), `cut at ${cut}: ${JSON.stringify(outcome)}`).toBe(true)
    }
    const single = await withNode(
      ({ accept, pass }) => play(vector, accept, pass, Array.from({ length: length - 1 }, (_, i) => i + 1)),
      optionsOf(vector)
    )
    expect(agrees(vector, single), `byte by byte: ${JSON.stringify(single)}`).toBe(true)
  })
})

describe("what looks like something else", () => {
  test.each(confusing)("$about", async (vector) => {
    const outcome = await withNode(({ accept }) => play(vector, accept))
    if (!agrees(vector, outcome)) expect({ closed: outcome.closed, got: outcome.got }).toEqual({ closed: vector.closes, got: outcome.want })
  })

  test("and is cut anywhere", async () => {
    const random = generator(1)
    for (const vector of confusing) {
      const { length } = bytesOf(vector.send)
      // a long line has to come whole
      if (length > 2000) continue
      for (let round = 0; round < tried(6, 20); round++) {
        const cuts = Array.from({ length: 1 + random(6) }, () => 1 + random(length - 1)).sort((a, b) => a - b)
        const outcome = await withNode(({ accept }) => play(vector, accept, () => {}, cuts))
        expect(agrees(vector, outcome), `${vector.about}, cut at ${cuts.join(", ")}: ${JSON.stringify(outcome)}`).toBe(true)
      }
    }
  })
})

/** Whole numbers below a bound, the same for the same seed. */
const generator = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 >>> 0
    return Math.floor(state / 2 ** 32 * below)
  }
}

describe("what waits to be sent", () => {
  // answers of memcached 1.6.18 to the same two writes
  test.each([["lru_crawler metadump all", "END\r\n"], ["watch", "OK\r\n"]])(
    "is sent before the next read: %s",
    (command, answer) =>
      withNode(async ({ accept }) => {
        const talk = new Talk(accept)
        await talk.say(Buffer.from("mg x\r\n"))
        await talk.say(Buffer.from(`${command}\r\n`))
        expect(talk.take()).toBe(`EN\r\n${answer}`)
      })
  )
})

describe("clients", () => {
  test("keep their requests apart, however these are cut into each other", () =>
    withNode(async ({ accept }) => {
      const random = generator(7)
      const count = 12
      const rounds = 60
      const clients = Array.from({ length: count }, (_, client) => {
        const talk = new Talk(accept)
        let sent = ""
        let answer = ""
        for (let i = 0; i < rounds; i++) {
          // each value says whose it is, and holds what would be a command of another client
          const other = (client + 1) % count
          const value = `client ${client} round ${i}\r\nset k${other} 0 0 1\r\nx\r\nmd k${other}`
          sent += `ms k${client} ${value.length} q\r\n${value}\r\nmg k${client} v k O${client}-${i}\r\nget k${client}\r\n`
          answer +=
            `VA ${value.length} kk${client} O${client}-${i}\r\n${value}\r\nVALUE k${client} 0 ${value.length}\r\n${value}\r\nEND\r\n`
        }
        return { talk, answer, left: Buffer.from(sent) }
      })
      for (let open = [...clients]; open.length > 0; open = open.filter(({ left }) => left.length > 0)) {
        const one = open[random(open.length)]!
        const size = 1 + random(40)
        one.talk.write(one.left.subarray(0, size))
        one.left = one.left.subarray(size)
        if (random(8) === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      for (const { answer, talk } of clients) {
        await talk.say(new Uint8Array(0))
        expect(talk.take()).toBe(answer)
      }
    }))

  test("of both protocols are told apart by their first byte, and share what they store", () =>
    withNode(async ({ accept }) => {
      const text = new Talk(accept)
      const binary = new Talk(accept)
      await text.say(Buffer.from("set k 7 0 1\r\nv\r\n"))
      // GET of k, its header first, then in the same connection a line, which is no packet
      const packet = Buffer.from("80000001000000000000000100000000000000000000000000".slice(0, 48) + "6b", "hex")
      await binary.saySplit(packet, [1, 24])
      expect(text.take()).toBe("STORED\r\n")
      expect(Buffer.from(binary.take(), "latin1").subarray(24).toString("hex")).toBe("0000000776")
      await binary.say(Buffer.from("get k\r\n" + " ".repeat(24)))
      expect([binary.take(), binary.closed]).toEqual(["", true])
      await text.say(Buffer.from("get k\r\n"))
      expect([text.take(), text.closed]).toEqual(["VALUE k 7 1\r\nv\r\nEND\r\n", false])
    }))

  test("that one protocol alone is meant for", async () => {
    const first = (bytes: string, options: MemcachedNodeOptions) =>
      withNode(async ({ accept }) => {
        const talk = new Talk(accept)
        await talk.say(Buffer.from(bytes, "latin1"))
        return [talk.take(), talk.closed]
      }, options)
    const noop = `\x80\n${"\0".repeat(22)}`
    expect(await first(noop, { protocol: "text" })).toEqual(["ERROR\r\n", false])
    expect(await first("mn\r\n".padEnd(24), { protocol: "binary" })).toEqual(["", true])
    expect(await first(noop, { protocol: "binary" })).toEqual([`\x81\n${"\0".repeat(22)}`, false])
  })
})

const users = [{ name: "user", password: Redacted.make("pass") }]

describe("signing in", () => {
  const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex")
  const header = (opcode: string, key: number, total: number): string =>
    `80${opcode}${key.toString(16).padStart(4, "0")}00000000${total.toString(16).padStart(8, "0")}000000000000000000000000`
  const plain = (user: string, password: string): Buffer => {
    const message = Buffer.from(`PLAIN\0${user}\0${password}`)
    return Buffer.concat([hex(header("21", 5, message.length)), message])
  }
  const status = (answer: string): number => Buffer.from(answer, "latin1").readUInt16BE(6)

  test("by SASL PLAIN in the binary protocol, before anything else", () =>
    withNode(async ({ accept }) => {
      const talk = new Talk(accept)
      const ask = async (bytes: Buffer): Promise<number> => {
        await talk.say(bytes)
        return status(talk.take())
      }
      const get = Buffer.concat([hex(header("00", 1, 1)), Buffer.from("k")])
      expect(await ask(get)).toBe(0x20)
      expect(await ask(plain("user", "wrong"))).toBe(0x20)
      expect(await ask(plain("nobody", "pass"))).toBe(0x20)
      expect(await ask(get)).toBe(0x20)
      expect(await ask(plain("user", "pass"))).toBe(0)
      expect(await ask(get)).toBe(1)
    }, { users }))

  // What memcached 1.6.18 -S -B binary answered to these, with a user in its SASL database.
  test("is over with the next attempt, or the list of mechanisms; attempts are counted whatever they are", () =>
    withNode(async ({ accept }) => {
      const sasl = (opcode: string, mechanism: string, data: string): Buffer =>
        Buffer.concat([hex(header(opcode, mechanism.length, mechanism.length + data.length)), Buffer.from(mechanism + data)])
      const get = Buffer.concat([hex(header("00", 1, 1)), Buffer.from("k")])
      const talk = new Talk(accept)
      const ask = async (bytes: Buffer): Promise<string> => {
        await talk.say(bytes)
        const answer = talk.take()
        return `${status(answer)} ${answer.slice(24)}`
      }
      const denied = "32 Auth failure."
      for (const attempt of [sasl("20", "", ""), plain("user", "wrong"), sasl("21", "FOO", "\0a\0b"), sasl("22", "PLAIN", "\0a\0b")]) {
        expect(await ask(plain("user", "pass"))).toBe("0 Authenticated")
        expect(await ask(get)).toBe("1 Not found")
        expect(await ask(attempt)).toMatch(attempt[1] === 0x20 ? /^0 PLAIN$/ : /^32 Auth failure\.$/)
        expect(await ask(get)).toBe(denied)
      }
      for (const opcode of ["21", "22"]) expect(await ask(sasl(opcode, "X".repeat(40), "\0a\0b"))).toBe("4 Invalid arguments")
      expect(await ask(plain("user", "pass"))).toBe("0 Authenticated")
      await talk.say(hex(header("10", 0, 0)))
      // the mechanism that is too long is none
      expect(talk.take()).toMatch(/auth_cmds8.*auth_errors3/s)
    }, { users }))

  test("counts for the connection it was done on", () =>
    withNode(async ({ accept }) => {
      const [one, other] = [new Talk(accept), new Talk(accept)]
      await one.say(Buffer.from("set x 0 0 9\r\nuser pass\r\n"))
      await other.say(Buffer.from("mn\r\n"))
      await one.say(Buffer.from("mn\r\n"))
      expect([one.take(), other.take()]).toEqual(["STORED\r\nMN\r\n", "CLIENT_ERROR unauthenticated\r\n"])
    }, { users }))
})

describe("what is too much", () => {
  test.each([[2048, false], [2049, true]])("%d bytes without the end of a line", (count, closed) =>
    withNode(async ({ accept }) => {
      const talk = new Talk(accept)
      await talk.say(Buffer.from("mn\r\n" + "a".repeat(count)))
      expect([talk.take(), talk.closed]).toEqual(["MN\r\n", closed])
    }))

  test("a value that is too large is refused once, after its last byte", () =>
    withNode(async ({ accept }) => {
      const talk = new Talk(accept)
      await talk.say(Buffer.from("set k 0 0 1048577\r\n"))
      for (let i = 0; i < 4; i++) await talk.say(Buffer.alloc(262_144, "mn\r\n"))
      await talk.say(Buffer.from("x\r"))
      expect(talk.take()).toBe("")
      await talk.say(Buffer.from("\nmn\r\n"))
      expect(talk.take()).toBe("SERVER_ERROR object too large for cache\r\nMN\r\n")
    }))

  test("a value of 2 GiB is swallowed and never held", () =>
    withNode(async ({ accept }) => {
      const talk = new Talk(accept)
      await talk.say(Buffer.from("set k 0 0 2147483645\r\n"))
      const piece = Buffer.alloc(1024 * 1024, "get k\r\n")
      const before = process.memoryUsage().arrayBuffers
      for (let i = 0; i < 64; i++) await talk.say(piece)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * piece.length)
      expect([talk.take(), talk.closed]).toEqual(["", false])
    }))
})
