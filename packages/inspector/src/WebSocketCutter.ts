/**
 * Finds a protocol in what its connections carry: its packets themselves, or WebSocket messages after an HTTP upgrade (RFC 6455), compressed
 * or not (RFC 7692). Of a protocol that is text, a connection whose start was not captured is taken for what its first byte says; bytes of
 * others may be anything, so that only an upgrade leads to WebSocket.
 */
import { DecodeError, hexNumber, malformed } from "@wirewright/codec/Errors"
import { inflate } from "./Inflate.ts"
import type { Cutter, PacketSink } from "./ProtocolAdapter.ts"

const FrameBit = { Fin: 0x80, Compressed: 0x40, Reserved: 0x30, Opcode: 0x0f, Masked: 0x80 } as const
const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Pong: 10 } as const
const maxHead = 64 * 1024
const longestHeader = 14
/** As much of a text as is looked at to see whether it may be the protocol's. */
const longestOpening = 16
/** How far back compressed data refers. */
const window = 32 * 1024
/** What a compressed message was stripped of. */
const flushMark = Uint8Array.of(0, 0, 0xff, 0xff)

const [carriageReturn, lineFeed] = [0x0d, 0x0a]

const joined = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** The first `end` bytes as characters U+0000 to U+00FF. */
const latin1 = (bytes: Uint8Array, end: number): string => {
  let text = ""
  for (let at = 0; at < end; at++) text += String.fromCharCode(bytes[at]!)
  return text
}

/** A frame's header. */
interface Header {
  readonly first: number
  readonly size: number
  readonly payload: number
  readonly mask: number | undefined
}

/** Whether the frame that starts with these bytes is masked, as those of clients are. */
export const isMasked = (bytes: Uint8Array): boolean => (bytes[1]! & FrameBit.Masked) !== 0

const headerAt = (bytes: Uint8Array, at: number, end: number): Header | undefined => {
  if (end - at < 2) return undefined
  const short = bytes[at + 1]! & 0x7f
  const masked = (bytes[at + 1]! & FrameBit.Masked) !== 0
  const lengthSize = short === 126 ? 2 : short === 127 ? 8 : 0
  const size = 2 + lengthSize + (masked ? 4 : 0)
  if (end - at < size) return undefined
  let payload = lengthSize === 0 ? short : 0
  for (let i = 0; i < lengthSize; i++) payload = payload * 256 + bytes[at + 2 + i]!
  return { first: bytes[at]!, size, payload, mask: masked ? at + size - 4 : undefined }
}

/** Size of a frame that plausibly starts at `at`, as far as its header and its first bytes tell, which `mayBegin` judges; `undefined` when none does. */
export const plausibleFrame = (
  bytes: Uint8Array,
  at: number,
  maxMessage: number,
  mayBegin: (text: Uint8Array) => boolean
): number | undefined => {
  const header = headerAt(bytes, at, bytes.length)
  if (header === undefined || (header.first & FrameBit.Reserved) !== 0 || (header.first & FrameBit.Fin) === 0) return undefined
  const { first, mask, payload, size } = header
  const opcode = first & FrameBit.Opcode
  if (opcode >= Opcode.Close && opcode <= Opcode.Pong) return payload < 126 ? size + payload : undefined
  if (opcode !== Opcode.Text || payload > maxMessage * 3) return undefined
  if ((first & FrameBit.Compressed) !== 0) return size + payload
  const text = new Uint8Array(bytes.subarray(at + size, at + size + Math.min(longestOpening, payload)))
  if (mask !== undefined) { for (let i = 0; i < text.length; i++) text[i]! ^= bytes[mask + (i & 3)]! }
  return mayBegin(text) ? size + payload : undefined
}

const startsWith = (bytes: Uint8Array, text: string): boolean => {
  for (let i = 0; i < Math.min(bytes.length, text.length); i++) if (bytes[i] !== text.charCodeAt(i)) return false
  return true
}

/** What may be in WebSocket. */
export interface Carried {
  /** Most bytes of a message. */
  readonly maxPayload: number
  /** Whether the protocol's packets may begin with any byte, and come in binary messages. */
  readonly isBinary: boolean
}

type Mode = "unknown" | "plain" | "head" | "frames"

/** Cuts one direction of a connection. */
export class WebSocketCutter implements Cutter {
  offset = 0
  private readonly plain: Cutter
  private readonly carried: Carried
  private mode: Mode = "unknown"
  private held = new Uint8Array(0)
  private filled = 0
  /** Frames of a message whose last one has not come. */
  private parts: Array<Uint8Array> = []
  private partsSize = 0
  private isCompressed = false
  private past: Uint8Array = new Uint8Array(0)

  /** `plain` receives the protocol's bytes. */
  constructor(plain: Cutter, carried: Carried) {
    this.plain = plain
    this.carried = carried
  }

  get buffered(): number {
    return this.filled + (this.mode === "plain" ? this.plain.buffered : 0)
  }

  get lacking(): number | undefined {
    if (this.mode === "plain") return this.plain.lacking
    if (this.mode !== "frames") return undefined
    const header = headerAt(this.held, 0, this.filled)
    return header === undefined ? undefined : header.size + header.payload - this.filled
  }

  push(chunk: Uint8Array, sink: PacketSink): void {
    if (this.mode === "plain") return this.pushPlain(chunk, sink)
    if (this.filled > 0) this.append(chunk)
    const isHeld = this.filled > 0
    const bytes = isHeld ? this.held.subarray(0, this.filled) : chunk
    if (this.mode === "unknown") this.mode = modeOf(bytes, this.carried.isBinary)
    if (this.mode === "plain") {
      this.filled = 0
      return this.pushPlain(isHeld ? new Uint8Array(bytes) : bytes, sink)
    }
    const before = this.offset
    if (this.mode === "head") this.head(bytes)
    if (this.mode === "frames") this.frames(bytes, this.offset - before, sink)
    const used = this.offset - before
    if (isHeld) {
      this.held.copyWithin(0, used, this.filled)
      this.filled -= used
    } else if (used < bytes.length) this.append(bytes.subarray(used))
  }

  finish(): void {
    this.plain.finish()
    if (this.filled === 0 && this.partsSize === 0) return
    throw new DecodeError({
      reason: "Incomplete",
      packet: "WebSocket",
      path: "",
      offset: this.filled,
      expected: this.mode === "head" ? "the end of the HTTP head" : "a whole message",
      got: "the end of the stream",
      incomplete: true
    })
  }

  private pushPlain(bytes: Uint8Array, sink: PacketSink): void {
    try {
      this.plain.push(bytes, sink)
    } finally {
      this.offset = this.plain.offset
    }
  }

  private append(bytes: Uint8Array): void {
    if (this.filled + bytes.length > this.held.length) {
      const grown = new Uint8Array(Math.max(1024, this.held.length * 2, this.filled + bytes.length))
      grown.set(this.held.subarray(0, this.filled))
      this.held = grown
    }
    this.held.set(bytes, this.filled)
    this.filled += bytes.length
  }

  private head(bytes: Uint8Array): void {
    const end = headEnd(bytes)
    if (end === 0) return
    this.offset += end
    this.mode = "frames"
  }

  private frames(bytes: Uint8Array, start: number, sink: PacketSink): void {
    let at = start
    while (true) {
      const header = headerAt(bytes, at, Math.min(bytes.length, at + longestHeader))
      if (header === undefined) return
      this.check(header)
      const { mask, payload, size } = header
      const end = at + size + payload
      if (end > bytes.length) return
      const body = new Uint8Array(bytes.subarray(at + size, end))
      if (mask !== undefined) { for (let i = 0; i < body.length; i++) body[i]! ^= bytes[mask + (i & 3)]! }
      if ((header.first & FrameBit.Opcode) < Opcode.Close) this.data(header.first, body, sink)
      this.offset += end - at
      at = end
    }
  }

  private check({ first, payload }: Header): void {
    const opcode = first & FrameBit.Opcode
    const isKnown = opcode <= (this.carried.isBinary ? Opcode.Binary : Opcode.Text) || opcode >= Opcode.Close && opcode <= Opcode.Pong
    if ((first & FrameBit.Reserved) !== 0 || !isKnown) {
      malformed(
        "Magic",
        "WebSocket",
        "opcode",
        0,
        `a text${this.carried.isBinary ? ", binary" : ""} or control frame`,
        hexNumber(first)
      )
    }
    if (payload + this.partsSize > this.carried.maxPayload) {
      malformed(
        "Limit",
        "WebSocket",
        "length",
        1,
        `a message of at most ${this.carried.maxPayload} bytes`,
        `${payload + this.partsSize} bytes`
      )
    }
  }

  private data(first: number, body: Uint8Array, sink: PacketSink): void {
    if ((first & FrameBit.Opcode) !== Opcode.Continuation) {
      this.parts = []
      this.partsSize = 0
      this.isCompressed = (first & FrameBit.Compressed) !== 0
    }
    this.parts.push(body)
    this.partsSize += body.length
    if ((first & FrameBit.Fin) === 0) return
    const message = this.parts.length === 1 ? body : joined(this.parts)
    this.parts = []
    this.partsSize = 0
    this.plain.push(this.isCompressed ? this.inflate(message) : message, sink)
  }

  private inflate(message: Uint8Array): Uint8Array {
    const text = inflate(joined([message, flushMark]), this.past, this.carried.maxPayload)
    if (typeof text === "string") return malformed("Syntax", "WebSocket", "", 0, "compressed text", text)
    this.past = joined([this.past, text.subarray(-window)]).slice(-window)
    return text
  }
}

/** What a stream that starts with these bytes is. Of a binary protocol, only an HTTP head that asks for WebSocket, or grants it, is one. */
const modeOf = (bytes: Uint8Array, isBinary: boolean): Mode => {
  if (startsWith(bytes, "GET /") || startsWith(bytes, "HTTP/")) {
    if (bytes.length < 5) return "unknown"
    if (!isBinary) return "head"
    const end = bytes.subarray(0, maxHead).indexOf(0x0a)
    const line = latin1(bytes, Math.max(0, end))
    if (end >= 0 && !/^GET \S+ HTTP\/1\.1\r$|^HTTP\/1\.1 101 /.test(line)) return "plain"
    const head = headOf(bytes)
    return head !== undefined ? isUpgrade(head) ? "head" : "plain" : bytes.length < maxHead ? "unknown" : "plain"
  }
  return !isBinary && (bytes[0]! >= 0x80 || bytes[0]! <= Opcode.Text) ? "frames" : "plain"
}

/** The HTTP head that bytes start with, once it is complete. */
const headOf = (bytes: Uint8Array): string | undefined => {
  for (let at = bytes.indexOf(lineFeed, 3); at >= 0 && at < maxHead; at = bytes.indexOf(lineFeed, at + 1)) {
    // in bytes, since heads of strangers need not be text
    if (bytes[at - 1] === carriageReturn && bytes[at - 2] === lineFeed && bytes[at - 3] === carriageReturn) return latin1(bytes, at - 3)
  }
  return undefined
}

const isUpgrade = (head: string): boolean =>
  head.startsWith("HTTP/") ? /^HTTP\/1\.1 101\b/.test(head) : /^upgrade:\s*websocket\s*$/im.test(head)

/** Offset after an HTTP head that leads to WebSocket; 0 while it is not complete. */
const headEnd = (bytes: Uint8Array): number => {
  const head = headOf(bytes)
  if (head === undefined) {
    if (bytes.length >= maxHead) malformed("Limit", "WebSocket", "", 0, `an HTTP head of at most ${maxHead} bytes`, "more")
    return 0
  }
  const [line = ""] = head.split("\r\n", 1)
  if (!isUpgrade(head)) malformed("Magic", "WebSocket", "", 0, "an upgrade to WebSocket", line.slice(0, 100))
  return head.length + 4
}
