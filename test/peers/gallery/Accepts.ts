/**
 * Asks real servers whether they understand bytes that somebody else encoded. Each question has a connection of its own; after the bytes comes
 * a request whose answer shows that the server is still in step: one that no conversation has, for what the server sends arrives in pieces, and
 * the reading ends with that answer. What servers send is judged by other people's parsers (`Foreign.ts`).
 */
import { startPlain } from "./Memcached.ts"
import { startMosquitto } from "./Mqtt.ts"
import { startNats } from "./Nats.ts"
import { openPostgres, startPostgres } from "./Postgres.ts"
import type { Server } from "./Recording.ts"
import { startRedis } from "./Resp.ts"
import { openSession, type Sent, type Session } from "./Session.ts"

/** What a real server made of bytes. */
export interface Verdict {
  /** The server stayed in step and complained of nothing. */
  readonly understood: boolean
  /** The complaint, or that there was no answer; empty when it understood. */
  readonly complaint: string
  /** What it answered to the bytes, without the answer to the request that followed them. */
  readonly answer: Buffer
}

/** How a question begins. */
export interface Asking {
  /** The bytes begin with the first packet of a connection (CONNECT, StartupMessage). Default: the server is greeted before them. */
  readonly fromStart?: boolean
}

/** A running server that can be asked. */
export interface Judge {
  /** Sends the parts one after the other. */
  readonly accept: (parts: ReadonlyArray<Uint8Array>, asking?: Asking) => Promise<Verdict>
  readonly stop: () => Promise<void>
}

interface Rules {
  readonly start: () => Promise<Server>
  /** A connection that has been greeted, or has not. */
  readonly open: (port: number, fromStart: boolean) => Promise<Session>
  /** The request that follows the bytes. */
  readonly probe: Sent
  /** The last bytes of its answer, and how many bytes of it to leave out. */
  readonly end: Buffer
  readonly size: number
  /** What the server complains of in its answer. */
  readonly complaint: (answer: Buffer) => string | undefined
}

const judge = async (rules: Rules): Promise<Judge> => {
  const server = await rules.start()
  const accept = async (parts: ReadonlyArray<Uint8Array>, { fromStart = false }: Asking = {}): Promise<Verdict> => {
    const session = await rules.open(server.port, fromStart)
    try {
      for (const part of parts) session.send(part)
      session.send(rules.probe)
      const all = await session.read((bytes) => bytes.subarray(-rules.end.length).equals(rules.end))
      const inStep = all.subarray(-rules.end.length).equals(rules.end)
      const answer = inStep ? all.subarray(0, all.length - rules.size) : all
      const complaint = rules.complaint(answer) ?? (inStep ? "" : session.closed() ? "it closed the connection" : "it does not answer")
      return { understood: complaint === "", complaint, answer }
    } finally {
      await session.end()
    }
  }
  return { accept, stop: () => server.stop() }
}

const line = (pattern: RegExp) => (answer: Buffer): string | undefined => pattern.exec(answer.toString("latin1"))?.[0]

const greeted = async (port: number, hello: Sent, isGreeted: (bytes: Buffer) => boolean): Promise<Session> => {
  const session = await openSession(port)
  session.send(hello)
  await session.read(isGreeted)
  return session
}

const endsWith = (tail: string) => (bytes: Buffer): boolean => bytes.toString("latin1").endsWith(tail)

/** Sync, for an extended query that has none, and a query whose only row is `in step`. */
const postgresProbe = Buffer.from("S\0\0\0\x04Q\0\0\0\x15select 'in step'\0", "latin1")
const postgresEnd = Buffer.from("D\0\0\0\x11\0\x01\0\0\0\x07in stepC\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I", "latin1")
const postgresColumn = Buffer.from("T\0\0\0\x21\0\x01?column?\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0", "latin1")

/** PostgreSQL's error `protocol_violation`; an error of any other class is about the query, which was understood. */
const postgresComplaint = (answer: Buffer): string | undefined => {
  const fields = answer.toString("latin1")
  const found = /C08P01\0M([^\0]*)/.exec(fields)
  return found === null ? undefined : `08P01: ${found[1]}`
}

const connect = (version: 4 | 5): Buffer =>
  Buffer.concat([
    Buffer.from([0x10, version === 5 ? 17 : 16]),
    Buffer.from("\0\x04MQTT", "latin1"),
    Buffer.from([version, 2, 0, 60, ...(version === 5 ? [0] : []), 0, 4]),
    Buffer.from("judg")
  ])

const mqtt = (version: 4 | 5): Rules => ({
  start: () => startMosquitto(),
  open: (port, fromStart) =>
    fromStart ? openSession(port) : greeted(port, connect(version), (bytes) => bytes.length > 1 && bytes.length >= 2 + bytes[1]!),
  // PINGREQ, which is the same in all versions: a conversation may begin with another version than the judge's. None that is judged has it
  probe: Buffer.from([0xc0, 0]),
  end: Buffer.from([0xd0, 0]),
  size: 2,
  // a broker that refuses a CONNECT says so and closes the connection; one of version 5 also says why it disconnects
  complaint: (answer) =>
    answer[0] === 0x20 && answer[3] !== 0
      ? `CONNACK ${answer[3]}`
      : answer.at(-3) === 0xe0 && answer.at(-2) === 1
      ? `DISCONNECT ${answer.at(-1)}`
      : undefined
})

const rules = {
  memcached: {
    start: startPlain,
    open: (port) => openSession(port),
    probe: "md in-step Oin-step k\r\n",
    end: Buffer.from("NF Oin-step kin-step\r\n"),
    size: 22,
    complaint: line(/^(?:ERROR|CLIENT_ERROR .*|SERVER_ERROR .*)(?=\r\n)/m)
  },
  resp: {
    start: startRedis,
    open: (port) => openSession(port),
    probe: "*2\r\n$4\r\nECHO\r\n$7\r\nin step\r\n",
    end: Buffer.from("$7\r\nin step\r\n"),
    size: 13,
    complaint: line(/^-ERR (?:Protocol error|unknown command).*(?=\r\n)/m)
  },
  postgres: {
    start: startPostgres,
    open: (port, fromStart) => fromStart ? openSession(port) : openPostgres(port),
    probe: postgresProbe,
    end: postgresEnd,
    size: postgresEnd.length + postgresColumn.length + 6,
    complaint: postgresComplaint
  },
  mqtt4: mqtt(4),
  mqtt5: mqtt(5),
  nats: {
    start: () => startNats(),
    open: (port, fromStart) =>
      fromStart
        ? greeted(port, "", endsWith("\r\n"))
        : greeted(port, "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\nPING\r\n", endsWith("PONG\r\n")),
    probe: "SUB in.step 9999\r\nPUB in.step 0\r\n\r\n",
    end: Buffer.from("MSG in.step 9999 0\r\n\r\n"),
    size: 22,
    complaint: line(/^-ERR .*(?=\r\n)/m)
  }
} satisfies Readonly<Record<string, Rules>>

/** The protocols whose servers can be asked; `mqtt4` is MQTT 3.1.1. */
export type Asked = keyof typeof rules

/** Starts a server of the protocol, to be asked; it must be stopped. */
export const openJudge = (protocol: Asked): Promise<Judge> => judge(rules[protocol])
