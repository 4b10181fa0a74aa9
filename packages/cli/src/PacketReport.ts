/** Puts out decoded packets and errors, as NDJSON or for people, and counts the errors. */
import type { DecodeError } from "@wirewright/codec/Errors"
import { hexOf } from "@wirewright/codec/Hex"
import { visible } from "@wirewright/codec/Visible"
import { block, line } from "./Output.ts"
import type { DecodedPacket, ProtocolAdapter, Situation } from "@wirewright/inspector/reading"

/** Bytes of a packet that an error repeats at most. */
const maxErrorBytes = 64 * 1024

/** Where a packet came from; the keys are those of the JSON. */
export interface Context {
  readonly line?: number
  readonly flow?: string
  readonly direction?: string
  /** Seconds since 1970 with nine digits after the point. */
  readonly time?: string
  readonly frame?: number
}

/** The JSON of an error. */
export const errorJson = (error: DecodeError, bytes: Uint8Array): { readonly [key: string]: unknown } => ({
  reason: error.reason,
  packet: error.packet,
  path: error.path,
  offset: error.offset,
  expected: error.expected,
  got: error.got,
  incomplete: error.incomplete,
  hex: hexOf(bytes.subarray(0, maxErrorBytes))
})

/** The message without what was found: that may be part of a password. */
const masked = ({ expected, offset, packet, path }: DecodeError): string =>
  `${path === "" ? packet : `${packet}.${path}`} at byte ${offset}: expected ${expected}, got ****`

/** Puts packets out. */
export class PacketReport {
  readonly adapter: ProtocolAdapter
  readonly json: boolean
  errors = 0
  private readonly color: boolean
  /** What was printed last. */
  private isBelowBlock = false
  private isBelowLead = false

  constructor(adapter: ProtocolAdapter, options: { readonly json: boolean; readonly color: boolean }) {
    this.adapter = adapter
    this.json = options.json
    this.color = options.color
  }

  /** A packet; with `dump` in full, else the caller has said what there is to say. */
  packet(decoded: DecodedPacket, bytes: Uint8Array, at: number, situation: Situation, context: Context, dump: boolean): void {
    if (this.json) line(JSON.stringify({ ...this.adapter.toJson(decoded), ...context }))
    else if (dump) this.block(this.adapter.dump(bytes.subarray(at, at + decoded.length), 0, situation, this.color))
  }

  /** Bytes that are no packet. For people they are taken apart as far as possible when there is a `situation`. */
  error(error: DecodeError, bytes: Uint8Array, context: Context, situation?: Situation): void {
    this.errors++
    if (this.json) {
      line(JSON.stringify({ error: errorJson(error, bytes), ...context }))
      return
    }
    const place = context.line === undefined ? "" : `line ${context.line}: `
    const text = situation === undefined || bytes.length === 0 ? "" : this.adapter.dump(bytes, 0, situation, this.color)
    const isSecret = this.adapter.isSecret(bytes, situation ?? this.adapter.begin())
    this.block(`${text}${place}DecodeError (${error.reason}) ${visible(isSecret ? masked(error) : error.message)}\n`)
  }

  /** A line about packets: apart from a block before it, not from one after it. A title always stands apart. */
  lead(text: string, isTitle = false): void {
    if (this.isBelowBlock || isTitle && this.isBelowLead) line("")
    this.isBelowBlock = false
    this.isBelowLead = true
    line(text)
  }

  private block(text: string): void {
    if (this.isBelowBlock) line("")
    this.isBelowBlock = true
    block(text.trimEnd(), this.color)
  }
}
