/**
 * deepstream for the command: text messages that end with 0x1e, fields parted by 0x1f; `+` and `|` stand for them in text input.
 *
 * Client and server use the same topics and actions for different messages, so without a direction both are tried.
 */
import { DecodeError } from "@wirewright/codec/Errors"
import { bytesOfHex } from "@wirewright/codec/Hex"
import { decodeText, encodeText, textBound } from "@wirewright/codec/Text"
import { Typed } from "@wirewright/codec/Typed"
import { visible } from "@wirewright/codec/Visible"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Cutter, DecodedPacket, Direction, ProtocolAdapter, Session, Situation } from "./ProtocolAdapter.ts"
import { type Delimiting, isHead, messageEnd, TextCutter } from "./TextCutter.ts"
import { isMasked, plausibleFrame, WebSocketCutter } from "./WebSocketCutter.ts"

interface Message {
  readonly _tag: string
  readonly [field: string]: unknown
}

/** What the generator makes of a text protocol; the part used here. */
export interface GeneratedText {
  readonly decodeClientMessage: (text: string) => Message
  readonly decodeServerMessage: (text: string) => Message
  readonly encode: (message: never) => string
  readonly delimiting: Delimiting
  readonly schemas: { readonly [name: string]: unknown }
}

const unknown = "UnknownMessage"
/** Its credentials are a password. */
const secretHead = "A|REQ|"

/** Text with the visible separators replaced by the real ones, unless real ones are there already. */
export const separated = (text: string): string =>
  text.includes("\u001e") || text.includes("\u001f") ? text : text.replaceAll("|", "\u001f").replaceAll("+", "\u001e")

const separatorsShown = (text: string): string => text.replaceAll("\u001f", "|").replaceAll("\u001e", "+")

const noSession: Session = { states: {} }

/** The deepstream protocol. */
export class DeepstreamAdapter implements ProtocolAdapter {
  readonly name = "deepstream"
  readonly ports: ReadonlySet<number> = new Set([6020, 6021])
  readonly plausibleHead = 2
  private readonly generated: GeneratedText

  constructor(generated: GeneratedText) {
    this.generated = generated
  }

  /** Text, or the hex that `encode` puts out: a message always has a separator, so the two cannot be confused. */
  parse(text: string): Uint8Array {
    return /^\s*(?:[0-9a-f]{2})+\s*$/i.test(text) ? bytesOfHex(text) : new TextEncoder().encode(separated(text))
  }

  readonly known = []

  begin(): Session {
    return noSession
  }

  missing(_situation: Situation): undefined {
    return undefined
  }

  cutter(): Cutter {
    const { delimiting } = this.generated
    return new WebSocketCutter(new TextCutter(delimiting), { maxPayload: delimiting.maxMessage * 3, isBinary: false })
  }

  plausibleSize(bytes: Uint8Array, at: number): number | undefined {
    if (bytes[at]! >= 0x80) return plausibleFrame(bytes, at, this.generated.delimiting.maxMessage)
    // in the middle of a segment, a message starts behind the end of another
    if (at > 0 && bytes[at - 1] !== messageEnd || !isHead(bytes, at)) return undefined
    return this.sizeAt(bytes, at)
  }

  /** Clients mask the WebSocket frames they send, servers do not. Of plain text, nothing is plain. */
  senderOf(bytes: Uint8Array): Direction | undefined {
    if (bytes[0]! < 0x80) return bytes[0] === 0x47 ? "c2s" : bytes[0] === 0x48 ? "s2c" : undefined
    return plausibleFrame(bytes, 0, this.generated.delimiting.maxMessage) === undefined ? undefined : isMasked(bytes) ? "c2s" : "s2c"
  }

  sizeAt(bytes: Uint8Array, at: number): number {
    const end = bytes.indexOf(messageEnd, at)
    return (end < 0 ? bytes.length : end + 1) - at
  }

  decode(bytes: Uint8Array, at: number, { direction }: Situation): DecodedPacket {
    const length = this.sizeAt(bytes, at)
    const end = at + length
    const text = decodeText(bytes, at, bytes[end - 1] === messageEnd ? end - 1 : end)
    const packet = this.message(text, direction)
    return {
      packet,
      length,
      facts: {
        name: packet._tag,
        command: packet._tag,
        answers: false,
        pairing: undefined,
        repliesOften: false,
        opaque: undefined,
        vbucket: undefined,
        status: undefined,
        bySeqno: undefined
      }
    }
  }

  after(_decoded: DecodedPacket, session: Session): Session {
    return session
  }

  toJson({ length, packet }: DecodedPacket): { readonly [key: string]: unknown } {
    const { _tag: tag, ...fields } = this.plain(packet as Message)
    return { packet: tag, fields, length }
  }

  fromJson(json: unknown): Uint8Array {
    const { fields = {}, packet } = json as { readonly packet?: unknown; readonly fields?: unknown }
    if (typeof packet !== "string") throw new TypeError("packet: expected the name of a message")
    if (typeof fields !== "object" || fields === null) throw new TypeError("fields: expected an object")
    const typed = this.typedFields(packet)
    const message = Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, typed.has(name) && typeof value === "string" ? Typed.parse(value) : value])
    )
    // bytes that are no UTF-8 come back as the bytes they were
    const text = this.generated.encode({ ...message, _tag: packet } as never)
    const bytes = new Uint8Array(textBound(text))
    return bytes.subarray(0, encodeText(bytes, 0, text))
  }

  isSecret(bytes: Uint8Array): boolean {
    return separatorsShown(decodeText(bytes, 0, Math.min(bytes.length, secretHead.length))) === secretHead
  }

  dump(bytes: Uint8Array, at: number, situation: Situation, _color: boolean): string {
    const length = this.sizeAt(bytes, at)
    const text = separatorsShown(decodeText(bytes, at, at + length))
    const isSecret = text.startsWith(secretHead)
    let fields: { readonly [name: string]: unknown } = {}
    let tag = "Message"
    try {
      const { _tag, ...rest } = this.plain(this.decode(bytes, at, situation).packet as Message)
      tag = _tag
      fields = rest
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
    const width = Object.keys(fields).reduce((most, name) => Math.max(most, name.length), 0)
    const lines = Object.entries(fields).map(([name, value]) =>
      `  ${name.padEnd(width)}  ${isSecret ? "****" : visible(JSON.stringify(value))}`
    )
    const title = `${tag} · ${length} ${length === 1 ? "byte" : "bytes"} · deepstream`
    return `${[title, `  ${isSecret ? `${secretHead}****+` : visible(text)}`, ...lines].join("\n")}\n`
  }

  private message(text: string, direction: Direction | undefined): Message {
    const { decodeClientMessage, decodeServerMessage } = this.generated
    if (direction === "c2s") return decodeClientMessage(text)
    if (direction === "s2c") return decodeServerMessage(text)
    let first: { readonly message: Message } | { readonly error: unknown } | undefined
    for (const decode of [decodeClientMessage, decodeServerMessage]) {
      try {
        const message = decode(text)
        if (message._tag !== unknown) return message
        first ??= { message }
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        first = { error }
      }
    }
    if (first !== undefined && "message" in first) return first.message
    throw first?.error
  }

  /** A message with its typed values as text. */
  private plain(message: Message): Message {
    return JSON.parse(JSON.stringify(message)) as Message
  }

  /** Fields whose text is a typed value: their schemas make `Typed` of it. They refuse more than decoders do, so they do no more. */
  private typedFields(tag: string): ReadonlySet<string> {
    const schema = this.generated.schemas[tag] as
      | { readonly fields: { readonly [name: string]: Schema.Codec<unknown> } }
      | undefined
    const isTyped = (field: Schema.Codec<unknown>): boolean => {
      const made = Schema.decodeUnknownOption(Schema.toCodecJson(field) as unknown as Schema.Codec<unknown>)("T")
      return Option.isSome(made) && made.value instanceof Typed
    }
    return new Set(Object.entries(schema?.fields ?? {}).filter(([, field]) => isTyped(field)).map(([name]) => name))
  }
}

/** Loads the deepstream protocol. */
export const deepstreamAdapter = async (): Promise<ProtocolAdapter> => {
  const generated: string = "@wirewright/deepstream/gen/"
  const [codecs, schemas] = await Promise.all([
    import(`${generated}index`) as Promise<Omit<GeneratedText, "schemas">>,
    import(`${generated}Schemas`) as Promise<GeneratedText["schemas"]>
  ])
  return new DeepstreamAdapter({ ...codecs, schemas })
}
