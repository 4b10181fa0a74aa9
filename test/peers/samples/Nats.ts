/**
 * NATS: nats-server reads what clients say, and the parser of npm's client what servers say. What nats-server has read it tells by what it does:
 * it delivers messages to who subscribed to all of them, and its monitoring knows the subscriptions of a connection.
 */
import type { Sample } from "@wirewright/codegen/sample/Sampler"
import { freePort } from "../Memcached.ts"
import { parseNats } from "../gallery/Foreign.ts"
import { hasProgram } from "../gallery/Programs.ts"
import { natsVersion, startNats } from "../gallery/Nats.ts"
import { openSession, type Session } from "../gallery/Session.ts"
import type { ForeignReading, Shown } from "./Compare.ts"
import type { ParserCase } from "./Parsers.ts"
import { type ProgramCase, valueOf } from "./Programs.ts"

interface NatsMessage {
  readonly kind: string
  readonly subject?: { readonly text?: string; readonly hex?: string }
  readonly reply?: NatsMessage["subject"] | null
  readonly hdr: number
  readonly size: number
  readonly data?: NatsMessage["subject"]
}

const bytesOf = (value: NatsMessage["subject"] | null): Buffer =>
  value?.hex === undefined ? Buffer.from(value?.text ?? "", "latin1") : Buffer.from(value.hex, "hex")

/** Header lines as they stand: the line of the version, names and values. */
const headersOf = (bytes: Buffer): ReadonlyArray<Shown> => {
  const [version = "", ...lines] = bytes.toString("utf8").split("\r\n")
  const [, status, description] = /^NATS\/1\.0(?: (\S*)(?: (.*))?)?$/s.exec(version) ?? []
  const shown: Array<Shown> = []
  if (status !== undefined) shown.push({ name: "status", value: status })
  if (description !== undefined) shown.push({ name: "description", value: description })
  for (const line of lines.slice(0, -2)) {
    const at = line.indexOf(":")
    shown.push({ name: "name", value: line.slice(0, at) }, { name: "value", value: line.slice(at + 1) })
  }
  return shown
}

/** A message as the parser of npm's client has it: data are headers and payload. */
const shownOf = (message: NatsMessage): ReadonlyArray<Shown> => {
  const data = bytesOf(message.data)
  const headers = data.subarray(0, Math.max(0, message.hdr))
  return [
    { name: "subject", value: bytesOf(message.subject).toString("utf8") },
    ...(message.reply === undefined || message.reply === null
      ? []
      : [{ name: "replyTo", value: bytesOf(message.reply).toString("utf8") }]),
    ...(message.hdr > 0 ? headersOf(headers) : []),
    { name: "payload", value: data.subarray(headers.length).toString("hex") }
  ]
}

const words = { subject: "subject", replyTo: "replyTo", status: "status", description: "description", name: "name", value: "value" }

/** What the server says. */
export const natsClient: ParserCase = {
  title: "NATS",
  library: "@nats-io/nats-core",
  tags: /^(?:Info|Msg|HMsg|Ok|Err|Ping|Pong)$/,
  draws: 1_300,
  // this client names its subscriptions by numbers, and knows no other names
  as: (packet, index) => "sid" in packet ? { ...packet, sid: String(index) } : packet,
  read: ({ bytes }) =>
    parseNats(bytes).map((message) => {
      const { data, failed, kind, sid } = message as unknown as NatsMessage & { readonly failed?: string; readonly sid?: number }
      if (failed !== undefined) return { failed }
      if (kind === "MSG") {
        const { hdr, size } = message as unknown as NatsMessage
        return [
          ...shownOf(message as unknown as NatsMessage).map(({ name, value }) => ({ [name]: value })),
          { sid: sid ?? null, size, ...hdr > 0 ? { headersSize: hdr } : {} }
        ]
      }
      if (kind === "INFO") return { info: bytesOf(data).toString("utf8") }
      return kind === "ERR" ? { message: bytesOf(data).toString("utf8").slice(1, -1) } : {}
    }),
  names: { ...words, payload: "payload", sid: "sid", size: "size", headersSize: "headersSize", info: "info", message: "message" },
  silent: /^(?:Ok|Ping|Pong)$/,
  known: []
}

const ping = "PING\r\n"
const hello = "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n"
const pong = (bytes: Buffer): boolean => bytes.toString("latin1").endsWith("PONG\r\n")

/** What is said until the answer to a PING, without that. */
const asked = async (session: Session, ...parts: ReadonlyArray<Uint8Array | string>): Promise<string> => {
  session.send(...parts, ping)
  return (await session.read(pong)).toString("latin1").replace(/PONG\r\n$/, "")
}

interface Subscription {
  readonly subject: string
  readonly qgroup?: string
  readonly sid: string
  readonly max?: number
}

interface Connection {
  readonly cid: number
  readonly subscriptions_list_detail?: ReadonlyArray<Subscription>
}

const open = async (port: number): Promise<{ readonly session: Session; readonly id: number }> => {
  const session = await openSession(port)
  const info = (await session.read((bytes) => bytes.includes("\r\n"))).toString("latin1")
  return { session, id: (JSON.parse(info.slice("INFO ".length)) as { readonly client_id: number }).client_id }
}

const subscriptions = async (monitoring: number, id: number): Promise<ReadonlyArray<Subscription>> => {
  const answer = await fetch(`http://127.0.0.1:${monitoring}/connz?subs=detail&cid=${id}`)
  const { connections } = await answer.json() as { readonly connections: ReadonlyArray<Connection> }
  return connections[0]?.subscriptions_list_detail ?? []
}

/** The sid of an UNSUB. */
const sidOf = (sample: Sample): string => String(valueOf(sample, "sid"))

const readByServer = async (samples: ReadonlyArray<Sample>): Promise<ReadonlyArray<ForeignReading>> => {
  const monitoring = await freePort()
  const server = await startNats(`http: 127.0.0.1:${monitoring}`)
  try {
    const { session: all } = await open(server.port)
    await asked(all, hello, "SUB > 1\r\n")
    const readings: Array<ForeignReading> = []
    for (const sample of samples) {
      const { bytes, tag } = sample
      const { id, session } = await open(server.port)
      const before = tag === "Connect" ? "" : await asked(session, hello, ...tag === "Unsub" ? [`SUB probe ${sidOf(sample)}\r\n`] : [])
      const said = before + await asked(session, bytes)
      const shown: Array<Shown> = []
      const refused = said.split("\r\n").filter((line) => line.startsWith("-ERR"))
      if (session.closed() && refused.length === 0) refused.push("closed")
      if (refused.length === 0 && (tag === "Sub" || tag === "Unsub")) {
        const list = await subscriptions(monitoring, id)
        for (const { max, qgroup, sid, subject } of list) {
          if (tag === "Sub") shown.push({ name: "subject", value: subject }, { name: "sid", value: sid })
          if (qgroup !== undefined) shown.push({ name: "queueGroup", value: qgroup })
          if (max !== undefined) shown.push({ name: "sid", value: sid }, { name: "maxMessages", value: String(max) })
        }
        // who unsubscribes at once has no subscription then
        if (tag === "Unsub" && list.length === 0) shown.push({ name: "ended", value: sidOf(sample) })
        if (tag === "Unsub" && list.length > 0 && list[0]!.max === undefined) refused.push("still subscribed")
      }
      if (refused.length === 0 && (tag === "Pub" || tag === "HPub")) {
        const delivered = await asked(all)
        for (const message of parseNats(Buffer.from(delivered, "latin1")) as unknown as ReadonlyArray<NatsMessage>) {
          // the server also asks by itself whether somebody is there
          if (message.kind === "MSG") shown.push(...shownOf(message))
        }
        if (shown.length === 0) refused.push("not delivered")
      }
      readings.push({ shown, refused })
      await session.end()
    }
    await all.end()
    return readings
  } finally {
    await server.stop()
  }
}

/** What clients say. */
export const natsServer: ProgramCase = {
  title: "NATS",
  program: "nats-server",
  isThere: () => hasProgram("nats-server"),
  version: () => natsVersion().split(" ")[1]!,
  tags: /^(?:Connect|Pub|HPub|Sub|Unsub|Ping|Pong)$/,
  draws: 1_300,
  read: readByServer,
  names: { ...words, payload: "payload", sid: "sid", ended: "sid", queueGroup: "queueGroup", maxMessages: "maxMessages" },
  silent: /^(?:Connect|Ping|Pong)$/,
  known: [
    {
      reason: "subjects with an empty token between points, which NATS forbids and our spec does not look at",
      is: (sample, { refused }) =>
        refused.some((one) => one === "not delivered" || one.startsWith("-ERR 'Invalid Subject'")) &&
        String(valueOf(sample, "subject")).split(".").includes("")
    },
    {
      reason: "options that are no object, which our spec does not look at",
      is: (sample, { refused }) =>
        sample.tag === "Connect" && refused.includes("closed") && !String(valueOf(sample, "options")).startsWith("{")
    }
  ]
}
