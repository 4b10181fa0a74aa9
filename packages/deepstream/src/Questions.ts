/**
 * Messages that are answered, each with a deadline; those of the same key are answered in their order.
 *
 * What changes nothing is asked again when the connection is lost in between (`reask`); whether the rest was done is unknown then (`lost`).
 */
import type { Expected } from "./Answers.ts"
import { OutcomeUnknown, type DeepstreamReason, ResponseTimeout, type Topic } from "./DeepstreamError.ts"
import { encoded, isLetter, type Settle, type Wire } from "./Wire.ts"

/** What is asked. */
export interface Question {
  readonly topic: Topic
  readonly action: string
  readonly subject: string
  readonly encode: () => string
  /** Milliseconds until it fails. */
  readonly timeout: number
  /** What it fails with then. Default: `ResponseTimeout`. */
  readonly late?: DeepstreamReason
}

interface PendingQuestion<A> {
  readonly topic: Topic
  readonly subject: string
  readonly text: string
  readonly settle: Settle<A>
  readonly expected: Expected
}

/** Whether it was sent: a letter is empty then. */
const wasSent = ({ expected }: { readonly expected: Expected }): boolean => expected.letter?.text === ""

/** Questions with the same kind of answer. */
export class Questions<A> {
  private readonly wire: Wire
  private readonly asked = new Map<string, Array<PendingQuestion<A>>>()

  constructor(wire: Wire) {
    this.wire = wire
  }

  /** Asks. Returns what gives up waiting. */
  ask(key: string, { action, encode, late, subject, timeout, topic }: Question, settle: Settle<A>): () => void {
    const { wire } = this
    const refused = wire.closed ?? wire.denied(topic, action, subject)
    const text = refused ?? encoded(subject, encode, wire.options.maxMessage)
    const letter = typeof text === "string" ? wire.post(topic, subject, text) : text
    if (!isLetter(letter) || typeof text !== "string") {
      settle.fail(letter as DeepstreamReason)
      return () => {}
    }
    const question: PendingQuestion<A> = {
      topic,
      subject,
      text,
      settle,
      expected: wire.expect(timeout, letter, () => {
        this.drop(key, question)
        settle.fail(late ?? new ResponseTimeout({ topic, subject }))
      })
    }
    const queue = this.asked.get(key)
    if (queue === undefined) this.asked.set(key, [question])
    else queue.push(question)
    return () => this.drop(key, question)
  }

  /** How many of this key wait for their answer. */
  waiting(key: string): number {
    return this.asked.get(key)?.length ?? 0
  }

  /** The key that was asked for first; undefined when nothing is. */
  get first(): string | undefined {
    return this.asked.keys().next().value
  }

  /** Takes the oldest of the key, to be settled. */
  take(key: string): Settle<A> | undefined {
    const oldest = this.asked.get(key)?.[0]
    if (oldest === undefined) return undefined
    this.wire.answered(oldest.expected)
    this.drop(key, oldest)
    return oldest.settle
  }

  /** Takes all of the key. */
  takeAll(key: string): ReadonlyArray<Settle<A>> {
    const all: Array<Settle<A>> = []
    for (let settle = this.take(key); settle !== undefined; settle = this.take(key)) all.push(settle)
    return all
  }

  /** A new connection: what was sent on the old one is asked again. */
  reask(): void {
    for (const queue of this.asked.values()) {
      for (const question of queue) {
        if (!wasSent(question)) continue
        const letter = this.wire.post(question.topic, question.subject, question.text)
        if (isLetter(letter)) question.expected.letter = letter
      }
    }
  }

  /** The connection is lost: what was sent on it fails, what still waits to be sent will be. */
  lost(): void {
    for (const [key, queue] of this.asked) {
      for (const question of Array.from(queue)) {
        if (!wasSent(question)) continue
        this.drop(key, question)
        question.settle.fail(new OutcomeUnknown({ topic: question.topic, subject: question.subject }))
      }
    }
  }

  close(reason: DeepstreamReason): void {
    for (const key of Array.from(this.asked.keys())) for (const { fail } of this.takeAll(key)) fail(reason)
  }

  private drop(key: string, question: PendingQuestion<A>): void {
    const queue = this.asked.get(key)
    const at = queue?.indexOf(question) ?? -1
    if (queue === undefined || at < 0) return
    queue.splice(at, 1)
    if (queue.length === 0) this.asked.delete(key)
    this.wire.giveUp(question.expected)
    if (question.expected.letter !== undefined) this.wire.takeBack(question.expected.letter)
  }
}
