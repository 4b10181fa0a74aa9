/**
 * One request on its way: what is written, who hears the answer, and until when.
 *
 * All kinds of requests have objects of few shapes, because the connection handles millions of them. Nothing here sends or sets timers.
 */
import type { EncodeError, Writer } from "@wirewright/codec"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type { ConnectionError } from "./Errors.ts"
import type { Ledger, Waiter } from "./Ledger.ts"
import type { Timers } from "./Timers.ts"

/** What a request needs of its connection. */
export interface Owner {
  /** Frees a request that is no longer awaited. */
  cancel(request: { cancelled: boolean; readonly opaque: number }): void
  /** Counts an answer that came after its caller gave up. */
  unwanted(): void
  /** A packet was sent, which may begin a phase of the connection. */
  sent(tag: string): void
  /** The opcode of the packet that was appended since the writer had these bytes and stood at this position. */
  opcodeSince(writer: Writer, bytes: Uint8Array, position: number): number
  readonly timers: Timers
  /** When the bytes arrived that are being read, in milliseconds of its timers. */
  readonly arrived: number
  /** The error of a request that failed for this reason after `timeout` ms. */
  failure(why: "timeout" | "lost", timeout: number, ambiguous: boolean): ConnectionError
}

/** A kind of request: how it is written and what its answers mean. Made once, used for every request of the kind. */
export interface Call<Packet, Response, A, E> {
  /** The request changes something: losing its answer is ambiguous. */
  readonly writes: boolean
  /** Appends the packet with its opaque. Throws `EncodeError`. */
  readonly encode: (writer: Writer, packet: Packet) => void
  /** What the answer means, or nothing while more answers are to come. */
  readonly interpret: (answer: Response, packet: Packet) => Effect.Effect<A, E> | undefined
  /** What it means that the request failed below the protocol or was not sent. */
  readonly failed: (error: ConnectionError | EncodeError, packet: Packet) => Effect.Effect<A, E>
}

/** Resumes the fibre that waits. */
export type Resume<A, E> = (effect: Effect.Effect<A, E>) => void

/** A request that may have to wait until the kernel takes bytes again. */
export interface Sendable<Response> extends Waiter<Response> {
  /** Nobody waits any more. */
  cancelled: boolean
  /** The opaque under which it is sent, -1 before that. */
  opaque: number
  /** As how many requests in flight it counts; 0: it is not answered. */
  readonly packets: number
  /** It is appended even while the kernel is behind, and whoever sends it bounds what is `waiting`. Default: it stands in line */
  readonly atOnce?: boolean
  /** Says who sends it and until when it may take, in milliseconds. */
  begin(owner: Owner, timeout: number, now: number): void
  /** Enters it among the requests in flight and returns its opaque. */
  enter(ledger: Ledger<Response>): number
  /** Appends its bytes. Throws `EncodeError`. */
  write(writer: Writer): void
  /** Says what its answers are known by, once it is written: `opcode` is that of its packet, or of one of them. */
  expect(ledger: Ledger<Response>, opcode: number): void
  /** The request was not sent. */
  refuse(error: ConnectionError | EncodeError): void
  /** What frees it when whoever waits is interrupted, if anything has to. */
  freed(): Effect.Effect<void> | undefined
}

/**
 * One request of a `Call`. Dialects extend it with the fields of their packets, so that a request is one object from the caller to the
 * answer; it is used once.
 *
 * It is an effect too: the one that its fibre is resumed with. A fibre that was interrupted never runs it, and that is how an answer is known
 * to be late. A finalizer would tell at once, but costs every request an eighth of its time, and there is nothing to undo: what was sent
 * was sent, and its opaque is taken until it is answered. Only a request that is held back has a finalizer, which is again this effect.
 */
export class Exchange<Response, A, E> implements Sendable<Response> {
  cancelled = false
  opaque = -1
  deadline = 0
  private timeout = 0
  private taken = false
  private outcome: Effect.Effect<A, E> | undefined = undefined
  protected owner: Owner | undefined = undefined
  protected readonly call: Call<never, Response, A, E>
  private readonly resume: Resume<A, E>

  constructor(call: Call<never, Response, A, E>, resume: Resume<A, E>) {
    this.call = call
    this.resume = resume
  }

  begin(owner: Owner, timeout: number, now: number): void {
    this.owner = owner
    this.timeout = timeout
    this.deadline = now + timeout
  }

  enter(ledger: Ledger<Response>): number {
    return ledger.add(this)
  }

  write(writer: Writer): void {
    this.call.encode(writer, this as never)
  }

  expect(ledger: Ledger<Response>, opcode: number): void {
    ledger.expect(this.opaque, opcode)
  }

  answer(answer: Response): boolean {
    let outcome: Effect.Effect<A, E> | undefined
    try {
      outcome = this.call.interpret(answer, this as never)
    } catch (defect) {
      outcome = Effect.die(defect)
    }
    if (outcome === undefined) return false
    this.outcome = outcome
    this.resume(this.effect)
    if (!this.taken) this.owner!.unwanted()
    return true
  }

  fail(why: "timeout" | "lost"): void {
    // what was never sent cannot have taken effect
    this.refuse(this.owner!.failure(why, this.timeout, this.call.writes && this.opaque !== -1))
  }

  refuse(error: ConnectionError | EncodeError): void {
    this.outcome = this.call.failed(error, this as never)
    this.resume(this.effect)
  }

  freed(): Effect.Effect<void> | undefined {
    return this.opaque === -1 ? this.effect as Effect.Effect<never> : undefined
  }

  get packets(): number {
    return 1
  }

  /** What its fibre runs: the outcome, or for a fibre that was interrupted before it was sent, what frees it. */
  run(): Effect.Effect<A, E> {
    this.taken = true
    const { outcome } = this
    if (outcome !== undefined) {
      this.measured(outcome)
      return outcome
    }
    this.owner!.cancel(this)
    return Effect.void as unknown as Effect.Effect<A>
  }

  /** Told of the outcome when whoever waits takes it. */
  protected measured(_outcome: Effect.Effect<A, E>): void {}

  /** Milliseconds from when it was begun until its answer arrived. */
  protected get answeredAfter(): number {
    return this.owner!.arrived - this.deadline + this.timeout
  }

  /** Milliseconds from when it was begun until now. */
  protected get failedAfter(): number {
    return this.owner!.timers.now() - this.deadline + this.timeout
  }

  private get effect(): Effect.Effect<A, E> {
    return this as unknown as Effect.Effect<A, E>
  }
}

// `Effectable.Class` as a base would have three constructors called for each request
Object.setPrototypeOf(
  Exchange.prototype,
  Effectable.Prototype<Effect.Effect<unknown, unknown> & Exchange<unknown, unknown, unknown>>({
    label: "Exchange",
    evaluate() {
      return this.run()
    }
  })
)
