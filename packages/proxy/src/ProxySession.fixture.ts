/** A proxy's session between a scripted client and a scripted upstream, in virtual time. Replayed by its seed; no socket is opened. */
import { decodeText, encodeWith, Reader } from "@wirewright/codec"
import { encodeErrorResponse, encodeStatResponse, encodeUnknownRequest } from "@wirewright/memcached/gen"
import { Counters } from "./Counters.ts"
import { type CloseReason, ProxySession, type SessionLimits, sessionLimits, type Slot } from "./ProxySession.ts"
import { type Frame, frameAt, sizeOf } from "./RawFrame.ts"

const none = new Uint8Array(0)
const text = new TextEncoder()

/** A request as a frame. */
export const requestOf = (opcode: number, opaque: number, key = "key", value = "", extras: Uint8Array = none): Frame =>
  frameAt(
    new Reader(
      encodeWith((writer) => encodeUnknownRequest(writer, { opcode, opaque, extras, key: text.encode(key), value: text.encode(value) }))
    ),
    0
  )

/** An answer of the upstream as a frame. */
export const answerOf = (opcode: number, status: number, value = "", opaque = 0xdead_beef): Frame =>
  frameAt(
    new Reader(
      encodeWith((writer) => encodeErrorResponse(writer, { opcode, opaque, status, extras: none, key: none, value: text.encode(value) }))
    ),
    0
  )

/** One of the answers to STAT. */
export const statOf = (name: string, value: string): Frame =>
  frameAt(new Reader(encodeWith((writer) => encodeStatResponse(writer, { opaque: 0xdead_beef, name, value }))), 0)

/** What the client received: a packet, or the end. */
export interface Received {
  readonly opcode: number
  readonly opaque: number
  readonly status: number
  readonly value: string
}

/** A session with both its ends. */
export class Bench {
  readonly received: Array<Received> = []
  /** What was sent upstream and is not answered yet. */
  readonly upstream: Array<{ readonly slot: Slot; readonly opcode: number }> = []
  readonly counters = new Counters()
  readonly session: ProxySession
  closed: CloseReason | undefined
  paused = false
  unread = 0
  forwarded = 0
  /** Called for every request sent upstream. */
  onForward: ((slot: Slot) => void) | undefined
  /** Requests that wait because the session does not take any. */
  private readonly waiting: Array<Frame> = []

  constructor(limits: Partial<SessionLimits> = {}) {
    const unread = () => this.unread
    this.session = new ProxySession(
      {
        get unread() {
          return unread()
        },
        forward: (slot) => {
          this.forwarded++
          this.upstream.push({ slot, opcode: slot.command!.loud })
          this.onForward?.(slot)
        },
        reply: (frame, opcode, opaque) => this.receive(opcode, opaque, frame),
        status: (status, opcode, opaque) => void this.received.push({ opcode, opaque, status, value: "" }),
        pause: () => void (this.paused = true),
        resume: () => {
          this.paused = false
          this.goOn()
        },
        close: (reason) => {
          if (this.closed !== undefined) throw new Error(`closed twice: ${this.closed._tag}, ${reason._tag}`)
          this.closed = reason
        }
      },
      this.counters,
      { ...sessionLimits, ...limits }
    )
  }

  /** The client sends; what the session does not take waits. */
  send(...frames: ReadonlyArray<Frame>): void {
    this.waiting.push(...frames)
    this.goOn()
  }

  /** The upstream answers the request at `index` of those that wait. */
  answer(index: number, status = 0, value = ""): void {
    const [{ slot, opcode }] = this.upstream.splice(index, 1) as [{ slot: Slot; opcode: number }]
    slot.answer(answerOf(opcode, status, value))
  }

  private goOn(): void {
    while (!this.paused && this.waiting.length > 0 && this.closed === undefined) this.session.request(this.waiting.shift()!)
  }

  private receive(opcode: number, opaque: number, frame: Frame): void {
    if (this.closed !== undefined) throw new Error("an answer after the end")
    const { reader, at } = frame
    const value = sizeOf(frame) === 24 ? "" : decodeText(reader.bytes, at + 24 + reader.bytes[at + 4]!, frame.end)
    this.received.push({ opcode, opaque, status: reader.view.getUint16(at + 6), value })
  }
}
