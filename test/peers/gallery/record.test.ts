/**
 * Records the conversations of the gallery afresh: real servers still greet as in the fixtures, real clients still say all that the fixtures
 * say they do, and the judges tell bytes that a server understands from bytes that it does not.
 */
import { existsSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { type Asked, openJudge } from "./Accepts.ts"
import { parseRecording } from "./Foreign.ts"
import { installed, print, printed, recorded, type Recording } from "./Recording.ts"
import { recorders } from "./Recorders.ts"

const bytesOf = (recording: Recording, from: "client" | "server"): ReadonlyArray<Buffer> =>
  recording.conversations.map(({ chunks }) =>
    Buffer.concat(chunks.filter((chunk) => chunk.from === from).map(({ hex }) => Buffer.from(hex, "hex")))
  )

const text = (recording: Recording, from: "client" | "server"): string => Buffer.concat(bytesOf(recording, from)).toString("latin1")

interface Expected {
  /** Whether its programs and libraries are there. */
  readonly available: () => boolean
  readonly server: RegExp
  readonly conversations: number
  /** What must occur in what the clients say. */
  readonly client: ReadonlyArray<RegExp | string>
  /** What must occur in what the servers say. */
  readonly answers: ReadonlyArray<RegExp | string>
  /** A fact that shows that another program really had a part in it. */
  readonly asks: ReadonlyArray<readonly [protocol: Asked, good: ReadonlyArray<string>, bad: ReadonlyArray<string>]>
  /** A conversation whose first chunk begins a connection, for the protocols in which one is greeted. */
  readonly begins?: string
}

const program = (command: string, ...args: ReadonlyArray<string>): boolean => printed(command, ...args) !== ""

const expected: Readonly<Record<string, Expected>> = {
  resp: {
    available: () => program("redis-server", "--version") && installed("redis") && installed("ioredis"),
    server: /^redis-server \d+\.\d+\.\d+$/,
    conversations: 61,
    client: ["HELLO\r\n$1\r\n3", "hello\r\n$1\r\n3", /^PING$/m, "$5\r\nMULTI", "monitor", /^\$9\r\nsubscribe\r$/im],
    // one of each type that redis-server has
    answers: [
      /^\+OK\r$/m,
      /^-WRONGTYPE /m,
      /^:-?\d+\r$/m,
      /^\$-1\r$/m,
      /^\*-1\r$/m,
      /^_\r$/m,
      /^#t\r$/m,
      /^#f\r$/m,
      /^,-inf\r$/m,
      /^,3\.141\r$/m,
      /^\(\d{37}\r$/m,
      /^=\d+\r\ntxt:/m,
      /^%3\r$/m,
      /^~3\r$/m,
      /^\|1\r$/m,
      /^>2\r\n\$10\r\ninvalidate/m
    ],
    asks: [["resp", ["*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n"], ["*2\r\n$4\r\nECHO\r\n$x\r\nhi\r\n"]]]
  },
  postgres: {
    available: () => existsSync("/usr/lib/postgresql") && installed("pg") && installed("pg-cursor") && installed("pg-copy-streams"),
    server: /^PostgreSQL \d+\.\d+$/,
    conversations: 53,
    client: ["\x04\xd2\x16\x2f", "\x04\xd2\x16\x2e", "\x04\xd2\x16\x30", "\0\x03\0\x63user\0", "SCRAM-SHA-256\0", "START_REPLICATION"],
    answers: [
      "R\0\0\0\x08\0\0\0\x03",
      "R\0\0\0\x0c\0\0\0\x05",
      "R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0",
      "v\0\0\0\x23\0\x03\0\0",
      "s\0\0\0\x04",
      "I\0\0\0\x04",
      "n\0\0\0\x04",
      "3\0\0\0\x04",
      "V\0\0\0\x0c\0\0\0\x04\0\0\0\x2a",
      "W\0\0\0",
      "C57014\0"
    ],
    begins: "raw function call",
    asks: [["postgres", ["Q\0\0\0\x0dselect 1\0"], ["Q\0\0\0\x0cselect 1"]]]
  },
  mqtt: {
    available: () => program("mosquitto", "-h") && program("mosquitto_pub", "--help") && installed("mqtt"),
    server: /^mosquitto \d+\.\d+\.\d+$/,
    conversations: 105,
    client: ["\0\x06MQIsdp\x03", "\0\x04MQTT\x04", "\0\x04MQTT\x05", "SCRAM-SHA-1"],
    answers: ["\x20\x02\0\x05", "\x20\x02\x01\0", "\xe0\x01\x81", "other.example:1883"],
    begins: "mqtt 5 ping",
    asks: [
      ["mqtt4", ["\x30\x04\0\x01am"], ["\x36\x06\0\x01a\0\x01m"]],
      ["mqtt5", ["\x30\x05\0\x01a\0m"], ["\x30\x05\0\x01a\x01\x7f"]]
    ]
  },
  memcached: {
    available: () =>
      program("memcached", "-V") && program("memccat", "--version") && installed("memcached")
      && printed("/usr/bin/python3", "-c", "import pymemcache; print('there')") === "there",
    server: /^memcached \d+\.\d+\.\d+$/,
    conversations: 41,
    client: [
      ..."set add replace append prepend cas get gets gat gats delete incr decr touch".split(" ").map((name) => `${name} `),
      ..."mn mg ms md ma me".split(" ").map((name) => new RegExp(`^${name}[ \r]`, "m")),
      / noreply\r\n/
    ],
    answers: [
      ..."STORED NOT_STORED EXISTS NOT_FOUND DELETED TOUCHED END ERROR OK RESET HD EN NS NF MN".split(" ").map((word) =>
        new RegExp(`^${word}\r$`, "m")
      ),
      ..."VALUE STAT VERSION CLIENT_ERROR SERVER_ERROR VA HD EX NF NS ME".split(" ").map((word) => new RegExp(`^${word} `, "m")),
      /^VA 5 c\d+ f77 h1 km l\d+ O\(opaque\) s5 t-1\r$/m,
      / W\r$/m,
      / Z\r$/m,
      / X W\r$/m
    ],
    asks: [["memcached", ["set k 0 0 1\r\nx\r\n", "mg k v s\r\n"], ["set k 0 0 1\r\nxy\r\n"]]]
  },
  nats: {
    available: () => program("nats-server", "--version") && installed("@nats-io/transport-node"),
    server: /^nats-server \d+\.\d+\.\d+$/,
    conversations: 32,
    client: [
      /^CONNECT \{/m,
      /^PUB \S+ \d+\r$/m,
      /^PUB \S+ \S+ \d+\r$/m,
      /^HPUB \S+ \d+ \d+\r$/m,
      /^SUB \S+ \S+ \d+\r$/m,
      /^UNSUB \d+ \d+\r$/m,
      /^PING\r$/m
    ],
    answers: [
      /^INFO \{"server_id"/,
      /^MSG \S+ \d+ \d+\r$/m,
      /^MSG \S+ \d+ \S+ \d+\r$/m,
      /^HMSG \S+ \d+ \S+ \d+ \d+\r$/m,
      /^NATS\/1\.0 503\r$/m,
      /^\+OK\r$/m,
      /^PONG\r$/m,
      /^PING\r$/m,
      /^-ERR 'Stale Connection'\r$/m
    ],
    asks: [["nats", ["SUB a 1\r\nPUB a 2\r\nhi\r\n"], ["PUB a 2\r\nhix\r\n"]]]
  }
}

it("has expectations for every recorder", () => {
  expect(Object.keys(expected).sort()).toEqual(Object.keys(recorders).sort())
})

/** What must hold for a recording, the one in the fixtures and a fresh one. */
const holds = (recording: Recording, { answers, client, conversations, server }: Expected): void => {
  expect(recording.origin.server).toMatch(server)
  expect(recording.origin.clients.join()).not.toContain("unknown")
  expect(recording.conversations).toHaveLength(conversations)
  const names = recording.conversations.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const [from, all] of [["client", client], ["server", answers]] as const) {
    const said = text(recording, from)
    expect(all.filter((one) => typeof one === "string" ? !said.includes(one) : !one.test(said))).toEqual([])
  }
  const sizes = recording.conversations.map((_, i) =>
    Math.min(bytesOf(recording, "client")[i]!.length, bytesOf(recording, "server")[i]!.length)
  )
  expect(Math.max(...sizes)).toBeGreaterThanOrEqual(4_096)
  expect(print(recording).length).toBeGreaterThan(20_000)
  expect(print(recording).length).toBeLessThan(400_000)
}

for (const [protocol, expectation] of Object.entries(expected)) {
  describe(protocol, () => {
    it("is in the fixtures", () => holds(recorded(protocol), expectation))

    it.skipIf(!expectation.available())("is recorded afresh", async () => {
      const fresh = await recorders[protocol]!()
      holds(fresh, expectation)
      const before = recorded(protocol)
      expect(fresh.conversations.map(({ name }) => name)).toEqual(before.conversations.map(({ name }) => name))
      const parsed = parseRecording(protocol, fresh)
      if (parsed !== undefined) expect(parsed.conversations.flatMap(({ messages }) => messages).length).toBeGreaterThan(300)
    })

    for (const [asked, good, bad] of expectation.asks) {
      it.skipIf(!expectation.available())(`${asked}: a server tells bytes it understands from others`, async () => {
        const judge = await openJudge(asked)
        try {
          const bytes = (parts: ReadonlyArray<string>): ReadonlyArray<Uint8Array> => parts.map((part) => Buffer.from(part, "latin1"))
          expect(await judge.accept(bytes(good))).toMatchObject({ understood: true, complaint: "" })
          const refused = await judge.accept(bytes(bad))
          expect(refused.understood).toBe(false)
          expect(refused.complaint).not.toBe("")
          const { begins } = expectation
          if (begins === undefined) return
          const start = recorded(protocol).conversations.find(({ name }) => name === begins)!.chunks[0]!
          expect(await judge.accept([Buffer.from(start.hex, "hex")], { fromStart: true })).toMatchObject({ understood: true })
          expect((await judge.accept([Buffer.from(start.hex, "hex").subarray(4)], { fromStart: true })).understood).toBe(false)
        } finally {
          await judge.stop()
        }
      })
    }
  })
}
