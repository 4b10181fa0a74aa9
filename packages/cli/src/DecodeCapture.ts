/**
 * Decodes captures: pcap or pcapng, TCP reassembly, both directions of every connection, a summary at the end. Whatever was passed over is
 * said on stderr, in the JSON, and in the number of findings.
 */
import {
  CaptureReader,
  type CapturedFrame,
  type Flow,
  type FlowEvent,
  TcpFlows,
  type TcpSegment,
  type UdpDatagram
} from "@wirewright/capture"
import { DecodeError } from "@wirewright/codec/Errors"
import { decodeText } from "@wirewright/codec/Text"
import { escaped } from "@wirewright/codec/Visible"
import { CaptureSummary } from "./CaptureSummary.ts"
import { type PendingRequest, Conversation, type SentPacket } from "./Conversation.ts"
import { type Endpoint, isAmong } from "./Endpoint.ts"
import type { Chunks } from "./Input.ts"
import { drain, line, say, sayBlock } from "./Output.ts"
import type { Context, PacketReport } from "./PacketReport.ts"
import { PassedOver, passedText } from "./PassedOver.ts"
import { folded, maxColumns } from "./Folded.ts"
import type { DecodedPacket, Line, ProtocolAdapter, Session } from "./ProtocolAdapter.ts"

/** How a capture is shown. */
export interface CaptureOptions {
  /** Servers: connections to others are passed over. None: all connections, and no datagrams. */
  readonly servers: ReadonlyArray<Endpoint>
  /** How connections start. */
  readonly session: Session
  /** Packets in full instead of one line each. */
  readonly hexdump: boolean
}

/** Most bytes held by all conversations for packets that are not complete. */
const maxHeld = 256 * 1024 * 1024

const nanoseconds = BigInt(1_000_000_000)

/** Seconds with nine digits after the point. */
const secondsText = (time: bigint): string => `${time / nanoseconds}.${String(time % nanoseconds).padStart(9, "0")}`

const microseconds = (time: bigint): string => `${time / nanoseconds}.${String(time % nanoseconds / BigInt(1000)).padStart(6, "0")}`

const flowText = ({ client, server }: Flow): string => `${client}>${server}`

/** Fields of a packet worth a place in its line. */
const highlights = (decoded: DecodedPacket): string => {
  const packet = decoded.packet as { readonly [name: string]: unknown }
  const parts: Array<string> = []
  for (const name of ["layout", "collectionId", "key", "bySeqno", "startSeqno", "endSeqno", "rollbackSeqno", "name", "bytesReceived"]) {
    const value = packet[name]
    if (typeof value === "string") {
      parts.push(`${name}=${name === "layout" ? value : JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`)
    } else if (typeof value === "number" || typeof value === "bigint") parts.push(`${name}=${value}`)
  }
  return parts.join(" ")
}

/** Shows a capture while it is read. */
class CaptureReport {
  readonly summary = new CaptureSummary()
  readonly passedOver = new PassedOver()
  private readonly report: PacketReport
  private readonly options: CaptureOptions
  private readonly conversations = new Map<number, Conversation>()
  private shown: Flow | undefined
  private begin: bigint | undefined
  /** Bytes that conversations hold. */
  private held = 0

  constructor(report: PacketReport, options: CaptureOptions) {
    this.report = report
    this.options = options
  }

  opened(flow: Flow): void {
    if (this.options.servers.length > 0 && !isAmong(this.options.servers, flow.server)) {
      this.passedOver.connection(Number(flow.server.slice(flow.server.lastIndexOf(":") + 1)))
      return
    }
    this.summary.flow(flow)
    this.conversations.set(
      flow.number,
      new Conversation(flow, this.report.adapter, this.options.session, {
        packet: (decoded, sent, asked) => this.packet(decoded, sent, asked),
        trouble: (error, sent, isPacket) => this.trouble(error, sent, isPacket)
      })
    )
  }

  bytes(event: FlowEvent): void {
    const conversation = this.conversations.get(event.flow.number)
    if (conversation === undefined) return
    const before = conversation.held
    conversation.push(event)
    this.held += conversation.held - before
    if (this.held <= maxHeld) return
    this.held -= conversation.held
    this.passedOver.add({ reason: "limit", what: "of unfinished packets beyond what is held", count: conversation.held, unit: "bytes" })
    conversation.giveUp()
  }

  datagram(event: FlowEvent): void {
    this.conversations.get(event.flow.number)?.datagram(event)
  }

  closed(flow: Flow, how: string): void {
    const conversation = this.conversations.get(flow.number)
    if (conversation === undefined) return
    this.conversations.delete(flow.number)
    this.held -= conversation.held
    conversation.finish()
    this.summary.closed(conversation, how)
    this.passedOver.add({ reason: "gap", what: "missing within connections", count: conversation.lost, unit: "bytes" })
    this.passedOver.add({ reason: "stray", what: "that belong to no packet", count: conversation.skipped, unit: "bytes" })
  }

  /** Says what was passed over; everything else has been said. */
  finish(): void {
    const all = this.passedOver.all(this.summary.packets, this.report.adapter.name)
    if (all.length === 0) return
    this.report.errors += all.filter(({ finding }) => finding).length
    if (!this.report.json) return sayBlock(["Passed over:", ...all.map((passed) => `  ${passedText(passed)}`)].join("\n"))
    line(JSON.stringify({ passedOver: all }))
    const time = new Date().toISOString()
    for (const passed of all) {
      say(JSON.stringify({ level: "warning", time, message: `passed over: ${passedText(passed)}`, annotations: {} }))
    }
  }

  /** Notes when the capture begins: times in listings count from there. */
  frame({ time }: CapturedFrame): void {
    this.begin ??= time
  }

  private context({ direction, flow, frame, time }: Omit<SentPacket, "at" | "end">): Context {
    return { flow: flowText(flow), direction, ...(time === undefined ? {} : { time: secondsText(time) }), frame }
  }

  private header(flow: Flow): void {
    if (this.report.json || this.shown === flow) return
    this.report.lead(`── flow ${flow.number}  ${flow.client} > ${flow.server}${flow.midStream ? "  (from the middle)" : ""}`, true)
    this.shown = flow
  }

  private lead({ direction, frame, time }: Omit<SentPacket, "at" | "end">): string {
    const at = time === undefined || this.begin === undefined ? "" : `+${microseconds(time < this.begin ? BigInt(0) : time - this.begin)}  `
    return `#${frame}  ${at}${direction}`
  }

  private packet(decoded: DecodedPacket, sent: SentPacket, asked: PendingRequest | undefined): void {
    this.summary.packet(decoded, sent, asked)
    this.header(sent.flow)
    if (!this.report.json && decoded.facts.line !== undefined) {
      for (const text of folded([this.lead(sent), ...lineParts(decoded, decoded.facts.line, asked, sent.time)])) this.report.lead(text)
    } else if (!this.report.json) {
      const { name, opaque, status, vbucket } = decoded.facts
      const parts = [
        this.lead(sent),
        name,
        status ?? "",
        opaque === undefined ? "" : `opaque=0x${opaque.toString(16)}`,
        vbucket === undefined ? "" : `vbucket=${vbucket}`,
        highlights(decoded),
        `${decoded.length} bytes`,
        asked === undefined ? "" : answers(asked, sent.time)
      ]
      this.report.lead(parts.filter((part) => part !== "").join("  "))
    }
    this.report.packet(decoded, sent.bytes, sent.at, sent.situation, this.context(sent), this.options.hexdump)
  }

  private trouble(error: DecodeError, sent: Omit<SentPacket, "at" | "end">, isPacket: boolean): void {
    if (isPacket) this.passedOver.add({ reason: "undecoded", what: "that did not decode", count: 1, unit: "packets" })
    this.summary.trouble(sent.flow, isPacket ? error.packet : `stream (${error.reason})`)
    this.header(sent.flow)
    if (!this.report.json) this.report.lead(`${this.lead(sent)}  ${isPacket ? "does not decode" : "the stream of packets breaks here"}`)
    this.report.error(error, sent.bytes, this.context(sent), isPacket ? sent.situation : undefined)
  }
}

const after = ({ time }: PendingRequest, now: bigint | undefined): string =>
  time === undefined || now === undefined ? "" : ` after ${(Number(now - time) / 1e6).toFixed(3)} ms`

const answers = (asked: PendingRequest, now: bigint | undefined): string => `answers #${asked.frame}${after(asked, now)}`

/** The same where a frame may hold many requests, and some of them have no answer. */
const answersInOrder = (asked: PendingRequest, now: bigint | undefined): string => {
  const { command = "", frame, leftOut = 0 } = asked
  return `answers ${[...command === "" ? [] : [command], `#${frame}`].join(" ")}${after(asked, now)}${
    leftOut === 0 ? "" : `, ${leftOut} before it unanswered`
  }`
}

/** Most bytes that a character takes. */
const maxCharacter = 4

/** What a packet of lines says: its name, the line, what follows it, and what becomes of it. */
const lineParts = ({ facts }: DecodedPacket, line: Line, asked: PendingRequest | undefined, now: bigint | undefined) => {
  const { name, ordered } = facts
  const answered = ordered?.isUnanswered === true ? "unanswered" : ordered?.request?.leftOut === undefined ? "" : "quiet"
  const rest = escaped(decodeText(line.rest, 0, Math.min(line.rest.length, maxColumns * maxCharacter))).replaceAll("\"", "\\\"")
  const parts = [name, escaped(line.text), rest === "" ? "" : `"${rest}"`, asked === undefined ? answered : answersInOrder(asked, now)]
  return parts.filter((part) => part !== "")
}

/** Tells servers by those asked for, by what they say, by the ports of the protocol. */
const isFromServer = (
  adapter: ProtocolAdapter,
  asked: ReadonlyArray<Endpoint>
) =>
({ destination, destinationPort, payload, source, sourcePort }: TcpSegment | UdpDatagram) => {
  const only = (from: boolean, to: boolean): boolean | undefined => from === to ? undefined : from
  const sender = adapter.senderOf(payload)
  return only(isAmong(asked, source), isAmong(asked, destination))
    ?? (sender === undefined ? only(adapter.ports.has(sourcePort), adapter.ports.has(destinationPort)) : sender === "s2c")
}

/** Decodes a capture file. */
export const decodeCapture = async (report: PacketReport, chunks: Chunks, options: CaptureOptions): Promise<void> => {
  const capture = new CaptureReport(report, options)
  const flows = new TcpFlows({
    opened: (flow) => capture.opened(flow),
    bytes: (event) => capture.bytes(event),
    datagram: (event) => capture.datagram(event),
    closed: (flow, how) => capture.closed(flow, how),
    skipped: (frame, why) => capture.passedOver.frame(frame, why)
  }, {
    isFromServer: isFromServer(report.adapter, options.servers),
    wantsDatagram: (source, destination) => isAmong(options.servers, source) || isAmong(options.servers, destination)
  })
  const reader = new CaptureReader()
  let damage: DecodeError | undefined
  try {
    for await (const chunk of chunks) {
      reader.push(chunk, (frame) => {
        capture.frame(frame)
        flows.push(frame)
      })
      await drain()
    }
    reader.finish()
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    damage = error
  }
  flows.finish()
  if (damage !== undefined) {
    const what = `the file cannot be read on from byte ${reader.offset}`
    capture.passedOver.add({ reason: "damagedFile", what, count: 1, unit: "files" })
  }
  // in the JSON the place where the file ends comes last
  if (report.json) capture.finish()
  if (damage !== undefined) report.error(damage, new Uint8Array(0), {})
  if (report.json) return
  for (const text of ["", ...capture.summary.lines()]) line(text)
  capture.finish()
}
