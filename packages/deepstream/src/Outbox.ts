/**
 * What waits to be sent: everything of one tick leaves as one frame, and what may wait for a connection waits within limits.
 *
 * Messages that only make sense on the connection they were made for are dropped with it; the session makes them anew.
 */
import { QueueFull } from "./DeepstreamError.ts"

/** A message that waits. It is empty once it was sent, dropped or taken back. */
export interface Letter {
  text: string
  /** When it was sent; undefined before, and when it never is. */
  sentAt?: number
  /** Whether it may wait for the next connection. */
  readonly keep: boolean
}

/** Limits of an outbox. */
export interface OutboxLimits {
  readonly maxQueued: number
  readonly maxQueuedSize: number
  readonly maxFrame: number
}

/** The messages of a session on their way out. */
export class Outbox {
  private readonly limits: OutboxLimits
  private letters: Array<Letter> = []
  private size = 0
  private urgent = ""
  private urgentCount = 0
  /** Messages handed to the socket. */
  sent = 0

  constructor(limits: OutboxLimits) {
    this.limits = limits
  }

  /** Messages that wait. */
  get waiting(): number {
    return this.letters.length
  }

  /** Characters that wait. */
  get waitingSize(): number {
    return this.size
  }

  /** Whether there is something to send on an open connection, or on any. */
  hasFrames(open: boolean): boolean {
    return this.urgent !== "" || open && this.letters.length > 0
  }

  /** Why nothing more can be taken; undefined while there is room. */
  full(more: number): QueueFull | undefined {
    const { maxQueued, maxQueuedSize } = this.limits
    if (this.letters.length >= maxQueued) return new QueueFull({ limit: maxQueued, unit: "messages" })
    return this.size + more > maxQueuedSize ? new QueueFull({ limit: maxQueuedSize, unit: "characters" }) : undefined
  }

  push(text: string, keep: boolean): Letter {
    const letter: Letter = { text, keep }
    this.letters.push(letter)
    this.size += text.length
    return letter
  }

  /** Sends before everything else, and before the login too. */
  pushUrgent(text: string): void {
    this.urgent += text
    this.urgentCount++
  }

  takeBack(letter: Letter): void {
    this.size -= letter.text.length
    letter.text = ""
  }

  /** The connection is open: `first` is sent before what waited. */
  opened(first: () => void): void {
    const kept = this.letters
    this.letters = []
    first()
    for (const letter of kept) if (letter.text !== "") this.letters.push(letter)
  }

  /** The connection is lost. */
  lost(): void {
    this.urgent = ""
    this.urgentCount = 0
    const kept = this.letters.filter(({ keep, text }) => keep && text !== "")
    for (const letter of this.letters) if (!letter.keep) letter.text = ""
    this.letters = kept
    this.size = kept.reduce((size, { text }) => size + text.length, 0)
  }

  /** Drops everything, and says how many messages that were. */
  clear(): number {
    const dropped = this.letters.filter(({ text }) => text !== "")
    for (const letter of dropped) letter.text = ""
    this.letters = []
    this.size = 0
    this.urgent = ""
    this.urgentCount = 0
    return dropped.length
  }

  /** The next frame, at most `maxFrame` characters unless one message alone is longer; undefined when there is none. */
  take(open: boolean, now: number): string | undefined {
    let frame = this.urgent
    this.urgent = ""
    this.sent += this.urgentCount
    this.urgentCount = 0
    if (open) {
      const { letters } = this
      const { maxFrame } = this.limits
      let count = 0
      for (; count < letters.length; count++) {
        const letter = letters[count]!
        if (frame !== "" && frame.length + letter.text.length > maxFrame) break
        frame += letter.text
        this.size -= letter.text.length
        if (letter.text !== "") this.sent++
        letter.text = ""
        letter.sentAt = now
      }
      if (count === letters.length) this.letters = []
      else letters.splice(0, count)
    }
    return frame === "" ? undefined : frame
  }
}
