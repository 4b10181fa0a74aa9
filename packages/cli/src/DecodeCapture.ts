/**
 * Decodes captures: pcap or pcapng, TCP reassembly, both directions of every connection, a summary at the end. Whatever was passed over is
 * said on stderr, in the JSON, and in the number of findings.
 */
import type { CapturedFrame, Flow } from "@wirewright/capture"
import type { DecodeError } from "@wirewright/codec/Errors"
import { decodeText } from "@wirewright/codec/Text"
import { escaped } from "@wirewright/codec/Visible"
import {
  CaptureConversations,
  type CaptureReading,
  type CaptureSink,
  type Conversation,
  type DecodedPacket,
  type Line,
  type Passed,
  passedText,
  type PendingRequest,
  type SentPacket
} from "@wirewright/inspector/reading"
import { CaptureSummary } from "./CaptureSummary.ts"
import type { Chunks } from "./Input.ts"
import { drain, line, say, sayBlock } from "./Output.ts"
import type { Context, PacketReport } from "./PacketReport.ts"
import { folded, maxColumns } from "./Folded.ts"

/** How a capture is read and shown. */
export interface CaptureOptions extends CaptureReading {
  /** Packets in full instead of one line each. */
  readonly hexdump: boolean
}

type Unplaced = Parameters<CaptureSink["trouble"]>[1]

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
class CaptureReport implements CaptureSink {
  readonly summary = new CaptureSummary()
  private readonly report: PacketReport
  private readonly options: CaptureOptions
  private shown: Flow | undefined
  private begin: bigint | undefined

  constructor(report: PacketReport, options: CaptureOptions) {
    this.report = report
    this.options = options
  }

  opened(flow: Flow): void {
    this.summary.flow(flow)
  }

  closed(conversation: Conversation, how: string): void {
    this.summary.closed(conversation, how)
  }

  /** Notes when the capture begins: times in listings count from there. */
  frame({ time }: CapturedFrame): void {
    this.begin ??= time
  }

  /** Says what was passed over; everything else has been said. */
  passed(all: ReadonlyArray<Passed>): void {
    if (all.length === 0) return
    this.report.errors += all.filter(({ finding }) => finding).length
    if (!this.report.json) return sayBlock(["Passed over:", ...all.map((passed) => `  ${passedText(passed)}`)].join("\n"))
    line(JSON.stringify({ passedOver: all }))
    const time = new Date().toISOString()
    for (const passed of all) {
      say(JSON.stringify({ level: "warning", time, message: `passed over: ${passedText(passed)}`, annotations: {} }))
    }
  }

  private context({ direction, flow, frame, time }: Unplaced): Context {
    return { flow: flowText(flow), direction, ...(time === undefined ? {} : { time: secondsText(time) }), frame }
  }

  private header(flow: Flow): void {
    if (this.report.json || this.shown === flow) return
    this.report.lead(`── flow ${flow.number}  ${flow.client} > ${flow.server}${flow.midStream ? "  (from the middle)" : ""}`, true)
    this.shown = flow
  }

  private lead({ direction, frame, time }: Unplaced): string {
    const at = time === undefined || this.begin === undefined ? "" : `+${microseconds(time < this.begin ? BigInt(0) : time - this.begin)}  `
    return `#${frame}  ${at}${direction}`
  }

  packet(decoded: DecodedPacket, sent: SentPacket, asked: PendingRequest | undefined): void {
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

  trouble(error: DecodeError, sent: Unplaced, isPacket: boolean): void {
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

/** Decodes a capture file. */
export const decodeCapture = async (report: PacketReport, chunks: Chunks, options: CaptureOptions): Promise<void> => {
  const shown = new CaptureReport(report, options)
  const capture = new CaptureConversations(report.adapter, options, shown)
  for await (const chunk of chunks) {
    capture.push(chunk)
    await drain()
  }
  const damage = capture.finish()
  const passedOver = capture.passedOver.all(shown.summary.packets, report.adapter.name)
  // in the JSON the place where the file ends comes last
  if (report.json) shown.passed(passedOver)
  if (damage !== undefined) report.error(damage, new Uint8Array(0), {})
  if (report.json) return
  for (const text of ["", ...shown.summary.lines()]) line(text)
  shown.passed(passedOver)
}
