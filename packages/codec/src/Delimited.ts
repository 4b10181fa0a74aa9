/**
 * Cuts text into messages that end with a separator.
 *
 * Two ways: `forEachMessage` for a transport with frames of its own (a WebSocket text frame holds whole messages, the last one perhaps
 * without its separator), and `Splitter` for a stream of characters that may be cut anywhere. Neither looks inside a message. A byte stream
 * goes through a streaming `TextDecoder` first.
 */
import { DecodeError } from "./Errors.ts"

/** How messages are delimited. */
export interface Delimiting {
  /** One character. */
  readonly separator: string
  /** Largest message in characters, its separator not counted. */
  readonly maxMessage: number
  /** Shorter pieces are ignored; 1 ignores only empty ones. */
  readonly minMessage: number
}

/** Receives a message: the characters `[start, end)` of `text`, without the separator. */
export type OnMessage = (text: string, start: number, end: number) => void

const tooLong = (offset: number, max: number, size: number): never => {
  throw new DecodeError({
    reason: "Limit",
    packet: "Message",
    path: "",
    offset,
    expected: `at most ${max} characters`,
    got: `${size} or more`,
    incomplete: false
  })
}

const refuse = (max: number): OnMessage => (_, start, end) => tooLong(start, max, end - start)

/**
 * Hands over every message of a frame. Whatever follows the last separator is a message too. One that is too long throws, or goes to
 * `onTooLong`, and the next ones follow.
 */
export const forEachMessage = (text: string, delimiting: Delimiting, onMessage: OnMessage, onTooLong?: OnMessage): void => {
  const { separator, maxMessage, minMessage } = delimiting
  const length = text.length
  let start = 0
  while (start < length) {
    let end = text.indexOf(separator, start)
    if (end < 0) end = length
    const size = end - start
    if (size > maxMessage) (onTooLong ?? refuse(maxMessage))(text, start, end)
    else if (size >= minMessage && size > 0) onMessage(text, start, end)
    start = end + 1
  }
}

/** Cuts a stream of characters into messages, however the stream was cut before. After an error it only repeats that error. */
export class Splitter {
  private readonly delimiting: Delimiting
  private readonly onMessage: OnMessage
  private pending = ""
  private consumed = 0
  private failure: unknown

  constructor(delimiting: Delimiting, onMessage: OnMessage) {
    this.delimiting = delimiting
    this.onMessage = onMessage
  }

  /** Characters that wait for their separator. */
  get buffered(): number {
    return this.pending.length
  }

  /** Takes the next characters. The offset of a `Limit` error counts from the start of the stream. */
  push(chunk: string): void {
    if (this.failure !== undefined) throw this.failure
    const { separator, maxMessage, minMessage } = this.delimiting
    let start = 0
    // the pending piece is searched for nothing: only the chunk can hold its separator
    for (let end = chunk.indexOf(separator); end >= 0; end = chunk.indexOf(separator, start)) {
      const size = this.pending.length + end - start
      if (size > maxMessage) this.fail(size)
      this.consumed += size + 1
      const from = start
      start = end + 1
      if (this.pending.length === 0) {
        if (size >= minMessage && size > 0) this.onMessage(chunk, from, end)
      } else {
        const text = this.pending + chunk.slice(from, end)
        this.pending = ""
        if (size >= minMessage) this.onMessage(text, 0, size)
      }
    }
    const rest = this.pending.length + chunk.length - start
    if (rest > maxMessage) this.fail(rest)
    if (start < chunk.length) this.pending += start === 0 ? chunk : chunk.slice(start)
  }

  /** The stream ended: what is left is a message without a separator. */
  end(): void {
    if (this.failure !== undefined) throw this.failure
    const text = this.pending
    this.pending = ""
    this.consumed += text.length
    if (text.length >= this.delimiting.minMessage && text.length > 0) this.onMessage(text, 0, text.length)
  }

  private fail(size: number): never {
    this.pending = ""
    try {
      return tooLong(this.consumed, this.delimiting.maxMessage, size)
    } catch (error) {
      this.failure = error
      throw error
    }
  }
}
