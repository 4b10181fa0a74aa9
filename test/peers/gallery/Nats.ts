/** The NATS client protocol: Debian's nats-server with npm's `@nats-io/transport-node`, and lines written for the recording. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "../Memcached.ts"
import { library, recordAll, type Recording, type Server, type Sessions, startServer, using, versionOf } from "./Recording.ts"
import { converse, openSession } from "./Session.ts"
import { openTap, type Tap } from "./Tap.ts"

interface Script {
  readonly sessions: Sessions
  readonly strictSessions: Sessions
  readonly streamSessions: Sessions
}

/** The version of the installed nats-server. */
export const natsVersion = (): string => `nats-server ${versionOf("nats-server", "--version")}`

/** A server with more lines in its configuration; `{folder}` in them is a folder of its own. */
export const startNats = async (...lines: ReadonlyArray<string>): Promise<Server> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-nats-"))
  try {
    const port = await freePort()
    const file = join(folder, "nats.conf")
    const all = [`listen: 127.0.0.1:${port}`, "server_name: gallery", "max_payload: 65536", ...lines]
    writeFileSync(file, all.map((line) => `${line.replaceAll("{folder}", folder)}\n`).join(""))
    const server = await startServer("nats-server", ["-c", file], port)
    const stop = async (): Promise<void> => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
    return { port, stop }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

const strict = [
  "authorization { users = [ { user: user, password: secret, permissions: { publish: \"allowed\", subscribe: [\"allowed\", \"_INBOX.>\"] } } ] }",
  "max_subscriptions: 5",
  "max_control_line: 512"
]

const plain = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"
const verbose =
  "CONNECT {\"verbose\":true,\"pedantic\":true,\"tls_required\":false,\"name\":\"raw\",\"lang\":\"none\",\"version\":\"0\",\"protocol\":1,"
  + "\"echo\":true,\"headers\":true,\"no_responders\":true}\r\n"

/** What a raw client sends, part by part; each is answered. */
const raw: Readonly<Record<string, ReadonlyArray<string>>> = {
  "every operation, verbose": [
    verbose,
    "SUB FOO 1\r\n",
    "SUB BAR G1 2\r\n",
    "PUB FOO 11\r\nHello NATS!\r\n",
    "PUB FRONT.DOOR JOKE.22 11\r\nKnock Knock\r\n",
    "PUB NOTIFY 0\r\n\r\n",
    "HPUB FOO 22 33\r\nNATS/1.0\r\nBar: Baz\r\n\r\nHello NATS!\r\n",
    "HPUB BAR REPLY 12 12\r\nNATS/1.0\r\n\r\n\r\n",
    "HPUB BAR 31 32\r\nNATS/1.0\r\nA: 1\r\nA:2\r\na:  3 \r\n\r\nx\r\n",
    "UNSUB 1\r\n",
    "UNSUB 2 5\r\n",
    "PING\r\n",
    "PONG\r\n"
  ],
  "other spellings": [
    plain,
    "ping\r\n",
    "sub\tfoo   1\r\npub  foo\t 2\r\nhi\r\nPiNg\r\n",
    "PUB foo 2\r\nhi\r\nPING\n",
    "UNSUB   1   1  \r\nPING\r\n"
  ],
  "no responders": [
    "CONNECT {\"headers\":true,\"no_responders\":true}\r\nSUB answers 1\r\nPING\r\n",
    "PUB nobody answers 1\r\nx\r\nPING\r\n"
  ],
  "error: unknown operation": [plain + "NOTHING\r\n"],
  "error: parser": [plain + "PUB foo\r\n"],
  "error: payload too short": [plain + "PUB foo 5\r\nabcdefgh\r\n"],
  "error: payload too large": [plain + "PUB foo 70000\r\n"],
  "error: subject": ["CONNECT {\"pedantic\":true}\r\nSUB a..b 1\r\nPUB a.* 1\r\nx\r\nPING\r\n"],
  "error: headers are not enabled": ["CONNECT {\"headers\":false}\r\nHPUB FOO 12 12\r\nNATS/1.0\r\n\r\n\r\n"],
  "error: header longer than all": ["CONNECT {\"headers\":true}\r\nHPUB FOO 22 12\r\n"],
  "error: CONNECT is no JSON": ["CONNECT {verbose}\r\n"],
  "error: protocol version": ["CONNECT {\"protocol\":9}\r\nPING\r\n"],
  "byte by byte": [plain, ..."SUB a 1\r\nPUB a 3\r\nx\r\n\r\n", "PING\r\n"]
}

/** Sends each part and waits for an answer; a part of one byte gets none. */
const parts = (all: ReadonlyArray<string>) => async (port: number): Promise<void> => {
  const session = await openSession(port)
  await session.answer()
  for (const part of all) {
    session.send(part)
    await session.answer(part.length === 1 ? 2 : 300)
    if (session.closed()) break
  }
  await session.end()
}

/** A client that does not answer the server's PING. */
const stale = async (port: number): Promise<void> => {
  const session = await openSession(port)
  session.send(plain, "PING\r\n")
  await session.read((bytes) => bytes.toString("latin1").includes("-ERR"))
  await session.end()
}

const tapped = (server: Promise<Server>, use: (tap: Tap) => Promise<void>): Promise<ReturnType<Tap["conversations"]>> =>
  using(server, ({ stop }) => stop(), ({ port }) =>
    using(openTap(port), (tap) => tap.close(), async (tap) => {
      await use(tap)
      return tap.conversations()
    }))

/** Records them afresh. */
export const record = async (): Promise<Recording> => {
  const { sessions, streamSessions, strictSessions } = (await import(new URL("clients/nats.mjs", import.meta.url).href)) as Script
  const conversations = [
    ...await tapped(startNats(), async (tap) => {
      await recordAll(tap, "nats", sessions)
      for (const [name, all] of Object.entries(raw)) await tap.record(`raw ${name}`, parts(all))
    }),
    ...await tapped(startNats(...strict), async (tap) => {
      await recordAll(tap, "nats strict server,", strictSessions)
      const login = "CONNECT {\"user\":\"user\",\"pass\":\"secret\"}\r\n"
      await tap.record("raw error: control line", parts([`${login}PUB ${"a".repeat(600)} 1\r\nx\r\n`]))
      await tap.record(
        "raw error: too many subscriptions",
        parts([`${login}${[1, 2, 3, 4, 5, 6].map((i) => `SUB allowed ${i}\r\n`).join("")}PING\r\n`])
      )
      await tap.record("raw error: not authorized", converse("PING\r\n"))
    }),
    ...await tapped(startNats("ping_interval: \"200ms\"", "ping_max: 1"), (tap) => tap.record("raw error: stale connection", stale)),
    ...await tapped(
      startNats("jetstream { store_dir: \"{folder}/js\", max_mem: 1M, max_file: 1M }"),
      (tap) => recordAll(tap, "nats", streamSessions)
    )
  ]
  return {
    origin: {
      server: natsVersion(),
      clients: [library("@nats-io/transport-node"), "raw"],
      recorded: "loopback tap, clear text; neither clusters nor TLS, NKEYs and JWTs are in it"
    },
    conversations
  }
}
