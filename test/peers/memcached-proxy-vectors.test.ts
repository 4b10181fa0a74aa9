/**
 * The proxy in front of a real memcached answers the conversations of the text and the meta protocol with memcached's bytes, whichever protocol it
 * asks with. Those that cannot pass a connection that clients share, or are about the server alone, are listed with the reason.
 */
import { serveProxy } from "@wirewright/proxy"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { type Memcached, startMemcached } from "./Memcached.ts"
import { type Vector, vectors as all } from "../memcached/TextVectors.ts"
import { complaintOf } from "./TextVectors.ts"

/** Vectors that are not played at all, by the start of their names. */
const apart: { readonly [id: string]: string } = {
  "udp-": "the proxy takes no datagrams",
  "detect-005": "-B ascii: the proxy speaks binary for a server that does not",
  "detect-006": "-B binary: the proxy speaks text for a server that does not",
  "admin-022": "-A: the server behind a proxy is not its clients' to shut down",
  "admin-054": "watch: what is watched would come to a connection that clients share, and for ever",
  "admin-056": "-W: watch does not exist in the proxy, allowed or not"
}

/** What is played, and answered otherwise. */
const otherwise: { readonly [id: string]: string } = {
  "ma-024": "`ma q N` tells a creation by answering although it is quiet, and behind the proxy nothing is asked quietly"
}

const reasonOf = ({ id }: Vector): string | undefined => Object.entries(apart).find(([start]) => id.startsWith(start))?.[1]

const usersOf = (authfile: string): ReadonlyMap<string, string> =>
  new Map(authfile.split("\n").filter((line) => line !== "").map((line) => line.split(":", 2) as [string, string]))

/** Which vectors of these are answered otherwise, with what. */
const played = async (vectors: ReadonlyArray<Vector>, query: string): Promise<ReadonlyArray<string>> => {
  const wrong: Array<string> = []
  let shared: Memcached | undefined
  const through = async (memcached: Memcached, some: ReadonlyArray<Vector>, fresh: boolean, authfile?: string): Promise<void> => {
    const users = authfile === undefined ? undefined : usersOf(authfile)
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const proxy = yield* serveProxy({
        upstream: `memcached://127.0.0.1:${memcached.port}${query}`,
        requestTimeout: "10 seconds",
        ...users === undefined ? {} : { authenticate: (user: string, password: string) => users.get(user) === password }
      })
      yield* Effect.promise(async () => {
        for (const vector of some) {
          if (!fresh) {
            await complaintOf(memcached.port, {
              ...vector,
              state: [],
              send: "flush_all\r\n",
              split: [],
              answer: { text: "OK\r\n" },
              closes: false
            })
          }
          const complaint = await complaintOf(proxy.port, vector)
          if (complaint !== undefined) wrong.push(`${vector.id} (${vector.about}): ${complaint}`)
        }
      })
    })))
  }
  try {
    shared = await startMemcached()
    await through(shared, vectors.filter(({ needsFresh, options }) => options === undefined && needsFresh !== true), false)
    // users are the proxy's to know
    const signing = vectors.filter(({ authfile }) => authfile !== undefined)
    if (signing.length > 0) await through(shared, signing, false, signing[0]!.authfile)
  } finally {
    await shared?.end("SIGTERM")
  }
  for (
    const vector of vectors.filter(({ authfile, needsFresh, options }) => authfile === undefined && (options !== undefined || needsFresh))
  ) {
    const memcached = await startMemcached(vector.options ?? [])
    try {
      await through(memcached, [vector], true)
    } finally {
      await memcached.end("SIGTERM")
    }
  }
  return wrong
}

describe("conversations through the proxy", () => {
  const passing = all.filter((vector) => reasonOf(vector) === undefined)

  it("are those of the fixture, but for a few", () => {
    expect([all.length, passing.length]).toEqual([401, 401 - 10])
  })

  it("asked with meta commands, all are answered with memcached's bytes", async () => {
    const wrong = await played(passing, "")
    const known = (one: string): string | undefined => Object.keys(otherwise).find((id) => one.startsWith(id))
    expect(wrong.filter((one) => known(one) === undefined)).toEqual([])
    // what is answered after all is to be taken off the list
    expect(wrong.map(known).sort()).toEqual(Object.keys(otherwise))
  })
})
