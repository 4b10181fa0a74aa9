/** Clients of the text protocol in front of the proxy: what they speak, order, signing in, lost requests, limits, drain, and what is written down. */
import { packet, RawClient, shown } from "../../memcached/src/RawClient.fixture.ts"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import { describe, expect, it } from "vitest"
import type { ServerTap } from "@wirewright/connection"
import { proxyRows } from "@wirewright/connection/MetricTable"
import { serveMemcachedNode } from "@wirewright/embedded"
import { type Proxy, serveProxy } from "./Proxy.ts"
import { TextLine } from "./TextLine.fixture.ts"
import { beforeMemcached, scriptedMeta } from "./Upstreams.fixture.ts"

const withProxy = (start: Effect.Effect<Proxy, unknown, Scope.Scope>, use: (proxy: Proxy) => Promise<void>): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(start, (proxy) => Effect.promise(() => use(proxy)))))

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

describe("what a client speaks", () => {
  it("is said by its first byte, for good: binary in the middle of text is no command, text in the middle of binary no packet", () =>
    withProxy(beforeMemcached(), async ({ port }) => {
      const line = await TextLine.connect(port)
      expect(await line.ask("set k 0 0 1\r\nv\r\n")).toBe("STORED\r\n")
      expect(await line.ask(`${packet(0x0b).toString("latin1")}\r\nget k\r\n`)).toBe("ERROR\r\nVALUE k 0 1\r\nv\r\nEND\r\n")
      const binary = await RawClient.connect(port)
      binary.send(packet(0x00, { key: "k", opaque: 7 }))
      expect((await binary.packets(1)).map(shown)).toEqual(["0 0 7 \0\0\0\0v"])
      binary.send(Buffer.from("get k\r\n".repeat(10)))
      expect(await binary.rest()).toHaveLength(0)
      line.end()
    }))

  it("arrives in pieces: half a line of one client is never the beginning of another's", () =>
    withProxy(beforeMemcached(), async ({ port }) => {
      const [one, other] = [await TextLine.connect(port), await TextLine.connect(port)]
      const request = "set half 7 0 8\r\nget b\r\nx\r\n"
      for (const letter of request.slice(0, -1)) {
        one.send(letter)
        expect(await other.ask("get half\r\n")).toBe("END\r\n")
      }
      one.send(request.slice(-1))
      expect(await one.ask("get half\r\n")).toBe("STORED\r\nVALUE half 7 8\r\nget b\r\nx\r\nEND\r\n")
      one.end()
      other.end()
    }))
})

it("requests of a client keep their order, however many are sent at once", () =>
  withProxy(beforeMemcached(), async ({ port }) => {
    const line = await TextLine.connect(port)
    const rounds = Array.from({ length: 200 }, (_, i) => String(i))
    const asked = rounds.map((i) => `set a 0 0 ${i.length}\r\n${i}\r\nms b ${i.length}\r\n${i}\r\nget a b\r\nmg a v\r\ngat 0 b\r\n`).join(
      ""
    )
    const told = rounds.map((i) => {
      const value = (key: string) => `VALUE ${key} 0 ${i.length}\r\n${i}\r\n`
      return `STORED\r\nHD\r\n${value("a")}${value("b")}END\r\nVA ${i.length}\r\n${i}\r\n${value("b")}END\r\n`
    }).join("")
    expect(await line.ask(asked)).toBe(told)
    line.end()
  }))

it.each(["auto", "meta", "text", "binary"])(
  "hits and misses are counted by key, over an upstream that is asked by protocol=%s",
  async (protocol) => {
    const conversation = [
      ["get a", 1, 0],
      ["get b", 0, 1],
      ["gets a b c", 1, 2],
      ["gat 0 a", 1, 0],
      ["mg a v", 1, 0],
      ["mg b v", 0, 1],
      ["mg a v q", 1, 0],
      ["mg b v q", 0, 1],
      // other protocols do not tell of hits, and refuse it
      ["mg a h", protocol === "text" || protocol === "binary" ? 0 : 1, 0],
      // what is no key, or was not asked for, is neither
      [`get ${"k".repeat(251)}`, 0, 0],
      ["md b", 0, 0],
      ["touch b 0", 0, 0]
    ] as const
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const { server } = yield* serveMemcachedNode({ metrics: false })
      const { port } = yield* serveProxy({ upstream: `memcached://127.0.0.1:${server.port}?protocol=${protocol}` })
      const line = yield* Effect.promise(() => TextLine.connect(port))
      yield* Effect.promise(() => line.ask("set a 0 0 1\r\nv\r\n"))
      const counted = Effect.map(Metric.snapshot, (all) =>
        [proxyRows.hits, proxyRows.misses].map(({ name }) => {
          const own = all.filter(({ attributes, id }) => id === name && attributes?.["server.port"] === String(port))
          return Number((own[0]!.state as Metric.CounterState<number>).count)
        }))
      for (const [request, hits, misses] of conversation) {
        const [hitsBefore = NaN, missesBefore = NaN] = yield* counted
        yield* Effect.promise(() => line.ask(`${request}\r\n`))
        expect([request, ...yield* counted]).toEqual([request, hitsBefore + hits, missesBefore + misses])
      }
      line.end()
    })))
  }
)

describe("what an upstream is asked that speaks the same", () => {
  /** What the upstream heard, and what the client then had, of a conversation in which each line is answered by `answers` in turn. */
  const heard = async (sent: string, answers: ReadonlyArray<string>): Promise<{ readonly asked: string; readonly told: string }> => {
    const lines: Array<string> = []
    let next = 0
    let told = ""
    const start = Effect.flatMap(
      scriptedMeta((line, socket) => {
        lines.push(line)
        // a value's line is no request
        if (/^(?:m?[gsda]{1,2}|get|gets|gat|gats|set|add|cas|append|incr|touch|delete) /.test(line)) socket.write(answers[next++]!)
      }),
      (upstream) => serveProxy({ upstream, connections: 1 })
    )
    await withProxy(start, async ({ port }) => {
      const line = await TextLine.connect(port)
      line.send(sent)
      const expected = answers.join("")
      await line.settle(() => line.received.length >= expected.length, 2_000)
      told = line.received
      line.end()
    })
    return { asked: lines.join("\r\n"), told }
  }

  it.each([
    ["mg k v O123 k s t", "VA 1 O123 kk s1 t-1\r\nv\r\n"],
    ["mg a2V5 b k v", "VA 1 ka2V5 b\r\nv\r\n"],
    ["ms k 2 F5 T60 O7 I\r\nab", "HD O7\r\n"],
    ["md k O9 I T30", "NF O9\r\n"],
    ["ma n N0 J13 v t", "VA 2 t-1\r\n13\r\n"],
    ["get a b", "VALUE b 7 1\r\nv\r\nEND\r\n"],
    ["gets a", "VALUE a 7 1 4294967296\r\nv\r\nEND\r\n"],
    ["gat -1 a", "END\r\n"],
    ["set k 4294967295 -1 2\r\n\0\n", "STORED\r\n"],
    ["cas k 1 0 1 18446744073709551615\r\nv", "EXISTS\r\n"],
    ["append k 0 0 1\r\nv", "NOT_STORED\r\n"],
    ["incr k 18446744073709551615", "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"],
    ["touch k 10", "TOUCHED\r\n"],
    ["delete k", "SERVER_ERROR out of memory\r\n"]
  ])("is what came, and so are its answers: %j", async (request, answer) => {
    expect(await heard(`${request}\r\n`, [answer])).toEqual({ asked: request, told: answer })
  })

  it.each([
    // memcached ends a line at a NUL, and what a proxy takes for one request must be one behind it
    ["get k\0 other\r\n", "get k", "END\r\n"],
    ["  get   k  \n", "get k", "END\r\n"],
    ["set k 00 0 +1\r\nv\r\n", "set k 0 0 1\r\nv", "STORED\r\n"],
    ["mg k  v\0 t\r\n", "mg k  v", "EN\r\n"],
    ["delete k 0\r\n", "delete k", "DELETED\r\n"]
  ])("is what was understood of a line that may be read in two ways: %j", async (sent, asked, answer) => {
    expect(await heard(sent, [answer])).toEqual({ asked, told: answer })
  })

  it("is counted with what came of it", () =>
    withProxy(beforeMemcached(), async (proxy) => {
      const line = await TextLine.connect(proxy.port)
      await line.ask("set k 0 0 1\r\nv\r\nget k none other\r\nmg k v\r\nmg none v\r\nget none\r\nmd none\r\nincr k 1\r\n")
      expect(proxy.counters.commands).toMatchObject({
        set: { requests: 1, answers: 1, silent: 0, errors: 0 },
        get: { requests: 2, answers: 2, silent: 0, errors: 0 },
        mg: { requests: 2, answers: 2, silent: 0, errors: 1 },
        md: { requests: 1, answers: 1, silent: 0, errors: 1 },
        incr: { requests: 1, answers: 1, silent: 0, errors: 1 }
      })
      line.end()
    }))
})

describe("where clients must sign in", () => {
  const authenticate = (user: string, password: string) => user === "app" && password === "s3cret"

  it("text clients do by a set, and are told nothing else before", () =>
    withProxy(beforeMemcached({ authenticate }), async ({ port }) => {
      const line = await TextLine.connect(port)
      line.send("get k\r\n")
      expect(await line.until("\r\n")).toBe("CLIENT_ERROR unauthenticated\r\n")
      line.send("set x 0 0 9\r\napp wrong\r\n")
      expect(await line.until("\r\n")).toBe("CLIENT_ERROR authentication failure\r\n")
      line.send("set x 0 0 10\r\napp s3cret\r\n")
      expect(await line.until("\r\n")).toBe("STORED\r\n")
      expect(await line.ask("get x\r\n")).toBe("END\r\n")
      line.end()
    }))

  it("binary clients do by SASL PLAIN; what they ask before is refused, and ends the connection", () =>
    withProxy(beforeMemcached({ authenticate }), async ({ port }) => {
      const client = await RawClient.connect(port)
      const plain = (password: string) => packet(0x21, { key: "PLAIN", value: `\0app\0${password}` })
      client.send(Buffer.concat([packet(0x20), packet(0x0b), plain("wrong"), plain("s3cret"), packet(0x00, { key: "k" })]))
      expect((await client.packets(5)).map(shown)).toEqual([
        "20 0 0 PLAIN",
        expect.stringMatching(/^b 0 0 1\.6/),
        "21 20 0 Auth failure.",
        "21 0 0 Authenticated",
        "0 1 0 Not found"
      ])
      client.close()
      const stranger = await RawClient.connect(port)
      stranger.send(Buffer.concat([packet(0x00, { key: "k", opaque: 3 }), packet(0x0b)]))
      expect((await stranger.packets(1)).map(shown)).toEqual(["0 20 3 Auth failure."])
      expect(await stranger.rest()).toHaveLength(0)
    }))

  it("those who have not have the limits of strangers until they do", () =>
    withProxy(beforeMemcached({ authenticate, listen: { unauthenticated: { maxConnections: 1 } } }), async ({ port }) => {
      const known = await TextLine.connect(port)
      known.send("set x 0 0 10\r\napp s3cret\r\n")
      await known.until("STORED\r\n")
      const first = await TextLine.connect(port)
      first.send("mn\r\n")
      await first.until("\r\n")
      const second = await TextLine.connect(port)
      second.send("mn\r\n")
      await second.until("\r\n")
      expect(await first.rest()).toBe("")
      expect(await known.ask("get k\r\n")).toBe("END\r\n")
      for (const line of [known, second]) line.end()
    }))

  it("no password is shown to a tap", async () => {
    const seen: Array<string> = []
    const tap: ServerTap = {
      opened: () => seen.push("open"),
      received: (bytes) => seen.push(`client ${Buffer.from(bytes).toString("latin1")}`),
      sent: (bytes) => seen.push(`proxy ${Buffer.from(bytes).toString("latin1")}`),
      closed: () => seen.push("close")
    }
    await withProxy(beforeMemcached({ authenticate, tap }), async ({ port }) => {
      const line = await TextLine.connect(port)
      line.send("set x 0 0 10\r\napp s3cret\r\n")
      await line.until("STORED\r\n")
      expect(await line.ask("set k 0 0 1\r\nv\r\n")).toBe("STORED\r\n")
      line.end()
      for (let i = 0; seen.at(-1) !== "close" && i < 500; i++) await pause(10)
    })
    expect(seen.join("\n")).not.toContain("s3cret")
    expect(seen).toContain("client set k 0 0 1\r\nv\r\n")
    expect(seen.at(-1)).toBe("close")
  })
})

describe("a request that is lost", () => {
  it("is told of in words when it changed nothing, and ends the connection when it may have", () =>
    withProxy(
      Effect.flatMap(
        scriptedMeta((line, socket) =>
          void (line.startsWith("ms ") || line.startsWith("get ") || line.startsWith("set ") ? socket.destroy() : undefined)
        ),
        (upstream) => serveProxy({ upstream, connections: 1 })
      ),
      async (proxy) => {
        const reader = await TextLine.connect(proxy.port)
        reader.send("get k\r\n")
        expect(await reader.until("\r\n")).toMatch(/^SERVER_ERROR the server behind the proxy cannot be reached\r\n$/)
        reader.send("version\r\n")
        await reader.until("\r\n")
        await pause(200)
        const writer = await TextLine.connect(proxy.port)
        writer.send("set k 0 0 1\r\nv\r\nversion\r\n")
        expect(await writer.rest()).toBe("")
        expect(proxy.counters.closed.OutcomeUnknown).toBe(1)
        reader.end()
      }
    ))

  it("that comes to no answer in time is such a one, and a late answer is nobody's", () =>
    withProxy(
      Effect.flatMap(
        scriptedMeta((line, socket) => {
          // the late answer comes right before the next one
          if (line.startsWith("mg") && !line.startsWith("mg slow")) socket.write("VA 4 kslow\r\nlate\r\nEN\r\n")
        }),
        (upstream) => serveProxy({ upstream, connections: 1, requestTimeout: "300 millis" })
      ),
      async ({ port }) => {
        const line = await TextLine.connect(port)
        line.send("mg slow v\r\n")
        expect(await line.until("\r\n")).toMatch(/^SERVER_ERROR /)
        line.send("mg k v\r\n")
        expect(await line.until("\r\n")).toBe("EN\r\n")
        line.end()
      }
    ))

  it("an answer to something else reaches nobody", () =>
    withProxy(
      Effect.flatMap(scriptedMeta((line, socket) => void socket.write(line.startsWith("mg") ? "STORED\r\n" : "")), (upstream) =>
        serveProxy({ upstream, connections: 1 })),
      async ({ port }) => {
        const line = await TextLine.connect(port)
        line.send("mg k v\r\n")
        expect(await line.until("\r\n")).toBe("SERVER_ERROR the server behind the proxy sent what is no answer\r\n")
        line.end()
      }
    ))
})

describe("limits of one client", () => {
  const large = `set large 0 0 100000\r\n${"x".repeat(100_000)}\r\n`

  it("no more requests are under way than it may have", async () => {
    const waiting: Array<() => void> = []
    let most = 0
    const start = Effect.flatMap(
      scriptedMeta((line, socket) => {
        if (line.startsWith("mg")) waiting.push(() => socket.write("EN\r\n"))
        most = Math.max(most, waiting.length)
      }),
      (upstream) => serveProxy({ upstream, connections: 1, limits: { maxInFlight: 4 } })
    )
    await withProxy(start, async ({ port }) => {
      const line = await TextLine.connect(port)
      line.send("mg k v\r\n".repeat(50))
      for (let answered = 0; answered < 50;) {
        await pause(5)
        for (const answer of waiting.splice(0)) {
          answer()
          answered++
        }
      }
      line.send("mn\r\n")
      expect(await line.until("MN\r\n")).toBe(`${"EN\r\n".repeat(50)}MN\r\n`)
      expect(most).toBe(4)
      line.end()
    })
  })

  it("one that does not read is waited for within its budget, and gets everything once it reads", () =>
    withProxy(beforeMemcached({ limits: { budget: 1_000_000 } }), async (proxy) => {
      const line = await TextLine.connect(proxy.port)
      await line.ask(large)
      line.end()
      // more than kernels hold for a connection: up to 32 MiB on this side and 4 MiB on the other
      const requests = 600
      const expected = requests * ("VALUE large 0 100000\r\n".length + 100_002 + 5)
      const answers = (): number => proxy.counters.commands["get"]?.answers ?? 0
      const socket = Net.connect(proxy.port, "127.0.0.1", () => socket.write("get large\r\n".repeat(requests)))
      socket.pause()
      let answered = -1
      while (answered <= 0 || answered !== answers()) {
        answered = answers()
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      expect(answered).toBeLessThan(400)
      let received = 0
      await new Promise<void>((resolve) => {
        socket.on("data", (chunk) => {
          received += chunk.length
          if (received < expected) return
          socket.destroy()
          resolve()
        }).resume()
      })
      expect(received).toBe(expected)
      expect(answers()).toBe(requests)
    }))

  it("one for whom more waits than may is closed", () =>
    withProxy(beforeMemcached({ limits: { maxWaiting: 50_000 } }), async (proxy) => {
      const line = await TextLine.connect(proxy.port)
      await line.ask(large)
      line.send("get large\r\n".repeat(20))
      await line.rest()
      expect(proxy.counters.closed.OutputLimit).toBe(1)
    }))
})

it("a drain answers what is under way, takes nothing more, and then ends", async () => {
  let answer: (() => void) | undefined
  const start = Effect.flatMap(
    scriptedMeta((line, socket) => {
      if (line.startsWith("mg")) answer = () => socket.write("EN\r\n")
    }),
    (upstream) => serveProxy({ upstream, connections: 1 })
  )
  await withProxy(start, async (proxy) => {
    const [busy, idle] = [await TextLine.connect(proxy.port), await TextLine.connect(proxy.port)]
    idle.send("mn\r\n")
    await idle.until("MN\r\n")
    busy.send("mg k v\r\n")
    while (answer === undefined) await pause(5)
    const drained = Effect.runPromise(proxy.drain)
    expect(await idle.rest()).toBe("")
    busy.send("mn\r\n")
    await pause(50)
    expect(busy.closed).toBe(false)
    answer!()
    expect(await busy.rest()).toBe("EN\r\n")
    await drained
    expect(proxy.counters.closed.Drained).toBe(2)
  })
})

it("counts by command: what was asked, answered, passed over and refused", () =>
  withProxy(beforeMemcached(), async (proxy) => {
    const line = await TextLine.connect(proxy.port)
    await line.ask("set k 0 0 1\r\nv\r\nset k 0 0 1 noreply\r\nv\r\nget k none\r\nmg none v q\r\nincr k 1\r\nnothing\r\ndelete k\r\n")
    line.send("quit\r\n")
    await line.rest()
    expect(proxy.counters.commands).toEqual({
      set: { requests: 2, answers: 1, silent: 1, errors: 0 },
      get: { requests: 1, answers: 1, silent: 0, errors: 0 },
      mg: { requests: 1, answers: 0, silent: 1, errors: 1 },
      incr: { requests: 1, answers: 1, silent: 0, errors: 1 },
      refused: { requests: 2, answers: 1, silent: 0, errors: 1 },
      delete: { requests: 1, answers: 1, silent: 0, errors: 0 },
      mn: { requests: 1, answers: 1, silent: 0, errors: 0 }
    })
    expect(proxy.counters.closed.Quit).toBe(1)
  }))
