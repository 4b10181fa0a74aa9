/** The node in memory speaks text and meta as memcached 1.6.18 does, however what is sent is cut, and keeps its clients apart. */
import { type MemcachedNodeOptions, serveMemcachedNode } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Duplex } from "node:stream"
import { describe, expect, test } from "vitest"
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

/** Conversations that are not played, and why. */
const notPlayed: { readonly [reason: string]: (vector: Vector) => boolean } = {
  "the node listens on no UDP port": ({ transport }) => transport === "udp"
}

const played = vectors.filter((vector) => !Object.values(notPlayed).some((left) => left(vector)))

describe("as memcached 1.6.18", () => {
  test("how many conversations there are, and which are not played", () => {
    expect(vectors.length).toBe(401)
    const left = Object.fromEntries(
      Object.entries(notPlayed).map(([reason, is]) => [reason, vectors.filter(is).map(({ id }) => id).sort()])
    )
    expect(left).toEqual({ "the node listens on no UDP port": ["udp-001", "udp-002", "udp-003", "udp-006", "udp-007"] })
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
  "auth-008": "the same",
  "line-029": "a line of more than 2048 bytes is read when it comes whole"
}

const cuttable = played.filter(({ id, send }) => dependOnReads[id] === undefined && bytesOf(send).length <= 200)

describe("what is sent may be cut anywhere", () => {
  test.each(cuttable)("$id at every byte", async (vector) => {
    // captured versions make what is sent longer, by a few bytes
    const length = bytesOf(vector.send).length
    for (let cut = 1; cut < length; cut++) {
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

const ask = (send: string, before = ""): Promise<string> =>
  withNode(async ({ accept }) => {
    const talk = new Talk(accept)
    if (before !== "") await talk.say(Buffer.from(before, "latin1"))
    talk.take()
    await talk.say(Buffer.from(send, "latin1"))
    return `${talk.take()}${talk.closed ? "CLOSED" : ""}`
  })

const binaryNoop = "\x80\x0a" + "\0".repeat(22)
const binaryGet = "\x80\0\0\x01\0\0\0\0\0\0\0\x01" + "\0".repeat(12) + "k"

/** What looks like something else. Answers as memcached 1.6.18 gave them to these bytes; see test/fixtures/ORIGIN.md. */
const confusing: ReadonlyArray<readonly [what: string, send: string, answer: string]> = CONFUSION
