/**
 * Generated protocols over text for the command: packets that end with one character, in WebSocket text messages or as they are. In text
 * input, `|` and `+` stand for a separator and an end that cannot be typed.
 *
 * Both sides may mean different packets by the same words, so without a direction all kinds are tried.
 */
import { DecodeError } from "@wirewright/codec/Errors"
import { bytesOfHex, textOfHex } from "@wirewright/codec/Hex"
import { packetFromJson } from "@wirewright/codec/Json"
import { headOfLine, type Line, lineOf } from "@wirewright/codec/Lines"
import type { KindModel } from "@wirewright/codec/Model"
import { decodeText, encodeText, textBound } from "@wirewright/codec/Text"
import { pascal } from "@wirewright/codec/TypeText"
import { GeneratedAdapter, type GeneratedProtocol, own } from "./GeneratedAdapter.ts"
import type { Cutter, DecodedPacket, Direction, Situation, Taken } from "./ProtocolAdapter.ts"
import { TextCutter } from "./TextCutter.ts"
import { isMasked, plausibleFrame, WebSocketCutter } from "./WebSocketCutter.ts"

type Decode = (text: string) => { readonly _tag: string }

const mask = "*".charCodeAt(0)

const bytesOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(textBound(text))
  return bytes.subarray(0, encodeText(bytes, 0, text))
}

const isControl = (character: string): boolean => character < " " || character === "\x7f"

/** The adapter of a generated protocol over text. */
export class TextAdapter extends GeneratedAdapter {
  private readonly lines: ReadonlyArray<Line>
  private readonly separator: string
  private readonly end: string
  /** What packets begin with, up to their first separator. */
  private readonly openings: ReadonlyArray<Uint8Array>
  private readonly secretHeads: ReadonlyArray<Uint8Array>

  constructor(generated: GeneratedProtocol, kind?: string) {
    super(generated, kind)
    this.lines = this.catalog.commands.flatMap((command) => lineOf(command) ?? [])
    this.separator = this.lines[0]?.separator ?? "\0"
    this.end = textOfHex(this.catalog.frame.kinds[0]?.run?.until ?? "00")
    const heads = this.lines.flatMap((line) => headOfLine(line).slice(0, 1))
    this.openings = [...new Set(heads)].map((head) => bytesOf(head + this.separator))
    this.secretHeads = this.lines.filter(({ name }) => this.traits.secrets.has(name))
      .map((line) => bytesOf(headOfLine(line).map((literal) => literal + this.separator).join("")))
  }

  /** Text, or the hex that `encode` puts out: a packet always has an end, so the two cannot be confused. */
  override parse(text: string): Uint8Array {
    return /^\s*(?:[0-9a-f]{2})+\s*$/i.test(text) ? bytesOfHex(text) : new TextEncoder().encode(this.separated(text))
  }

  override plausibleHead(): number {
    return 2
  }

  override missing(_situation: Situation): undefined {
    return undefined
  }

  override cutter(): Cutter {
    const { maxFrame, minFrame = 1 } = this.catalog.frame
    const limits = { end: this.end.charCodeAt(0), maxMessage: maxFrame - 1, minMessage: minFrame }
    return new WebSocketCutter(new TextCutter(limits), { maxPayload: maxFrame * 3, isBinary: false })
  }

  override plausibleSize(bytes: Uint8Array, at: number): number | undefined {
    if (bytes[at]! >= 0x80) return this.frameAt(bytes, at)
    // in the middle of a segment, a packet starts after the end of another
    if (at > 0 && bytes[at - 1] !== this.end.charCodeAt(0) || !this.mayBegin(bytes.subarray(at))) return undefined
    return this.sizeAt(bytes, at)
  }

  /** Clients mask the WebSocket frames they send, servers do not. Of plain text, nothing is plain. */
  override senderOf(bytes: Uint8Array): Direction | undefined {
    const [first = 0] = bytes
    if (first < 0x80) return first === 0x47 ? "c2s" : first === 0x48 ? "s2c" : undefined
    return this.frameAt(bytes, 0) === undefined ? undefined : isMasked(bytes) ? "c2s" : "s2c"
  }

  override sizeAt(bytes: Uint8Array, at: number): number {
    const end = bytes.indexOf(this.end.charCodeAt(0), at)
    return (end < 0 ? bytes.length : end + 1) - at
  }

  override decode(bytes: Uint8Array, at: number, situation: Situation): DecodedPacket {
    const length = this.sizeAt(bytes, at)
    const { kind, packet } = this.read(bytes, at, situation)
    return { packet, length, kind: kind.name, facts: this.factsOf(packet) }
  }

  override fromJson(json: unknown): Uint8Array {
    const packet = packetFromJson(this.catalog, json)
    const encode = this.generated.codecs["encode"] as (packet: object) => string
    return bytesOf(own(() => encode(packet)))
  }

  override isSecret(bytes: Uint8Array): boolean {
    return this.secretFrom(bytes, 0) !== undefined
  }

  override taken(bytes: Uint8Array, at: number, situation: Situation, secrets = false): Taken {
    return super.taken(bytes, at, { ...situation, direction: this.sideOf(bytes, at, situation) }, secrets)
  }

  protected override masked(bytes: Uint8Array, at: number): Uint8Array {
    const from = this.secretFrom(bytes, at)
    return from === undefined ? bytes : new Uint8Array(bytes).fill(mask, from, at + this.sizeAt(bytes, at) - 1)
  }

  /** Text with the visible separators replaced by the real ones, unless real ones are there already or can be typed. */
  private separated(text: string): string {
    if (!isControl(this.separator) || !isControl(this.end) || text.includes(this.end) || text.includes(this.separator)) return text
    return text.replaceAll("|", this.separator).replaceAll("+", this.end)
  }

  private frameAt(bytes: Uint8Array, at: number): number | undefined {
    return plausibleFrame(bytes, at, this.catalog.frame.maxFrame, (text) => this.mayBegin(text))
  }

  /** Whether a packet may begin with these bytes, as far as they go. */
  private mayBegin(bytes: Uint8Array): boolean {
    return this.openings.some((head) => head.every((byte, i) => i >= bytes.length || bytes[i] === byte))
  }

  /** Where in the packet at `at` a password begins. */
  private secretFrom(bytes: Uint8Array, at: number): number | undefined {
    const head = this.secretHeads.find((one) => one.every((byte, i) => bytes[at + i] === byte))
    return head === undefined ? undefined : at + head.length
  }

  private sideOf(bytes: Uint8Array, at: number, situation: Situation): Direction | undefined {
    try {
      return this.read(bytes, at, situation).kind.sender === "server" ? "s2c" : "c2s"
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      return situation.direction ?? "c2s"
    }
  }

  /** The packet at `at`, of the first kind that knows it by its head. */
  private read(
    bytes: Uint8Array,
    at: number,
    situation: Situation
  ): { readonly kind: KindModel; readonly packet: { readonly _tag: string } } {
    const end = at + this.sizeAt(bytes, at)
    const text = decodeText(bytes, at, bytes[end - 1] === this.end.charCodeAt(0) ? end - 1 : end)
    let first: { readonly kind: KindModel; readonly packet: { readonly _tag: string } } | undefined
    let failure: unknown
    for (const kind of this.candidates(situation)) {
      const decode = this.generated.codecs[`decode${pascal(kind.name)}`] as Decode
      try {
        const packet = own(() => decode(text))
        const line = this.lines.find(({ name }) => name === packet._tag)
        if (line === undefined || headOfLine(line).length > 0) return { kind, packet }
        first ??= { kind, packet }
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        failure ??= error
      }
    }
    // a kind that knows its head and not what follows is nearer than one that takes anything
    if (first === undefined || failure !== undefined) throw failure
    return first
  }
}
