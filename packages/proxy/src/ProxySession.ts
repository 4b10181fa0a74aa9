/**
 * One client of the proxy: which requests are under way, in which order their answers go out, and which answers stay silent.
 *
 * Pure: requests and answers come in, what is to be done goes to a sink; no clock, no I/O. Answers leave in the order of the requests, under
 * the client's own opcodes and opaques, however upstream orders them. Quiet commands go upstream as their loud counterparts: the silence,
 * and with it the meaning of a barrier, is made here. A lost request that changed nothing is answered with a status; one that may have
 * changed something closes the connection, because any status would be a claim about what happened.
 *
 * Source of the rules: memcached's protocol_binary.txt, sections on quiet commands, NOOP, QUIT and STAT.
 */
import { headerSize, Status } from "@wirewright/memcached/gen"
import { type ProxiedCommand, proxiedCommands } from "./Commands.ts"
import type { Counters } from "./Counters.ts"
import { type Frame, keyLengthOf, opaqueOf, opcodeOf, sizeOf, statusOf } from "./RawFrame.ts"

/** Limits of one client. */
export interface SessionLimits {
  /** Most requests under way; above it, nothing more is read. */
  readonly maxInFlight: number
  /** Bytes of requests under way, answers held back, and answers to be expected, above which nothing more is read. */
  readonly budget: number
  /** Bytes of answers that wait, held back or unread, above which the connection is closed. */
  readonly maxWaiting: number
}

/** The default limits. */
export const sessionLimits: SessionLimits = { maxInFlight: 1_024, budget: 16 * 1024 * 1024, maxWaiting: 64 * 1024 * 1024 }

/** Why the proxy closes a connection, after the answers that precede it. */
export type CloseReason =
  /** The client asked for it. */
  | { readonly _tag: "Quit" }
  /** The client sent what is no request, has no key or one that is too long, or may not be asked before signing in: memcached ends that, too. */
  | { readonly _tag: "Invalid" }
  /** The proxy is going down; nothing is under way. */
  | { readonly _tag: "Drained" }
  /** The outcome of this command is unknown: it may have taken effect. */
  | { readonly _tag: "OutcomeUnknown"; readonly command: string }
  /** The client does not read its answers. */
  | { readonly _tag: "OutputLimit"; readonly bytes: number }

/** Why a request will get no (further) answer from upstream. */
export type Lost =
  /** It was not sent, or changed nothing. */
  | "unavailable"
  /** Upstream sent what cannot be an answer; the request changed nothing. */
  | "misbehaved"
  /** It may have taken effect. */
  | "ambiguous"

/** What a session asks for. */
export interface SessionSink {
  /** Answers that the client has not read yet, in bytes. */
  readonly unread: number
  /** Send this request upstream, with the opcode `slot.command.loud`. */
  readonly forward: (slot: Slot, request: Frame) => void
  /** Sign the client in with this request, where clients must. */
  readonly signIn?: ((slot: Slot, request: Frame) => void) | undefined
  /** Whether the client may ask this already. Default: it may */
  readonly admits?: ((opcode: number) => boolean) | undefined
  /** Send a copy of this answer to the client. */
  readonly reply: (answer: Frame, opcode: number, opaque: number) => void
  /** Send a packet with this status and its text to the client. */
  readonly status: (status: number, opcode: number, opaque: number) => void
  /** Give the session no more requests. */
  readonly pause: () => void
  /** Go on with requests. */
  readonly resume: () => void
  readonly close: (reason: CloseReason) => void
}

/** A request under way; it receives its answers. */
export class Slot {
  readonly command: ProxiedCommand | undefined
  readonly opcode: number
  readonly opaque: number
  /** Bytes of the request. */
  readonly bytes: number
  /** The request after this one. @internal */
  next: Slot | undefined
  /** Answers that wait for their turn. @internal */
  held: Array<Frame> | undefined
  /** No more answers are to come. @internal */
  done = false
  /** Answered by the proxy itself. @internal */
  own: number | undefined
  /** @internal */
  closes: CloseReason | undefined
  private readonly session: ProxySession

  constructor(session: ProxySession, request: Frame) {
    this.session = session
    this.opcode = opcodeOf(request)
    this.command = proxiedCommands[this.opcode]
    this.opaque = opaqueOf(request)
    this.bytes = sizeOf(request)
  }

  /** One answer from upstream; true when it was the last one. */
  answer(frame: Frame): boolean {
    return this.session.answered(this, frame)
  }

  /** There will be no (further) answer. */
  fail(why: Lost): void {
    this.session.lost(this, why)
  }

  /** Upstream is not asked; this is the answer. */
  refuse(status: number): void {
    this.session.refused(this, status)
  }
}

/**
 * Answers are expected to be this large as long as none has been seen, and less with each that is smaller. A client so begins with 64
 * requests under way, and has as many as the limit allows a few hundred small answers later; large ones never fill the upstream's connection.
 */
export const firstGuess = 256 * 1024

/** One client. */
export class ProxySession {
  private readonly sink: SessionSink
  private readonly counters: Counters
  private readonly limits: SessionLimits
  private head: Slot | undefined
  private tail: Slot | undefined
  private slots = 0
  private requestBytes = 0
  private heldBytes = 0
  /** Size of answers to come: the largest of late. */
  private expected = firstGuess
  private paused = false
  /** Nothing more is accepted. */
  private ending = false
  private draining = false
  private over = false

  constructor(sink: SessionSink, counters: Counters, limits: SessionLimits = sessionLimits) {
    this.sink = sink
    this.counters = counters
    this.limits = limits
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.slots
  }

  /** Bytes of requests under way and of answers held back. */
  get bytes(): number {
    return this.requestBytes + this.heldBytes
  }

  /** A request of the client. */
  request(frame: Frame): void {
    if (this.ending) return
    const slot = this.enter(frame)
    const { command } = slot
    if (this.sink.admits?.(slot.opcode) === false) this.refuse(slot, Status.AuthError)
    else if (command?.signsIn === true && this.sink.signIn !== undefined) this.sink.signIn(slot, frame)
    else if (command === undefined || command.treatment === "refuse") this.settle(slot, Status.UnknownCommand)
    else if (command.treatment === "acknowledge") this.settle(slot, Status.Success)
    else if (command.treatment === "quit") this.quit(slot)
    else if (command.keyed && keyLengthOf(frame) === 0) this.refuse(slot)
    else this.sink.forward(slot, frame)
    this.throttle()
  }

  /** A frame that is no packet of its command. */
  malformed(frame: Frame): void {
    if (!this.ending) this.refuse(this.enter(frame))
  }

  /** The client has read. */
  drained(): void {
    if (!this.over) this.throttle()
  }

  /** Accepts nothing more, and closes once what is under way is answered. */
  drain(): void {
    if (this.ending) return
    this.ending = true
    this.draining = true
    this.sink.pause()
    this.advance()
  }

  /** The client is gone; answers to come are dropped. */
  closed(): void {
    this.ending = true
    this.over = true
    this.head = undefined
    this.tail = undefined
    this.slots = 0
    this.requestBytes = 0
    this.heldBytes = 0
  }

  /** @internal */
  answered(slot: Slot, frame: Frame): boolean {
    const last = slot.command?.many !== true || sizeOf(frame) === headerSize || statusOf(frame) !== Status.Success
    if (this.over || slot.done) return last
    const size = sizeOf(frame)
    this.expected = size > this.expected ? size : this.expected - (this.expected - size) / 64
    slot.done = last
    if (slot === this.head) {
      this.emit(slot, frame)
      if (last) this.advance()
    } else {
      ;(slot.held ??= []).push(frame)
      this.heldBytes += size
    }
    if (this.heldBytes + this.sink.unread > this.limits.maxWaiting) this.finish({ _tag: "OutputLimit", bytes: this.limits.maxWaiting })
    return last
  }

  /** @internal */
  lost(slot: Slot, why: Lost): void {
    if (this.over || slot.done) return
    if (why === "ambiguous") {
      slot.closes = { _tag: "OutcomeUnknown", command: slot.command!.name }
      slot.done = true
      if (slot === this.head) this.advance()
    } else this.settle(slot, why === "misbehaved" ? Status.Einternal : Status.Etmpfail)
  }

  /** @internal */
  refused(slot: Slot, status: number): void {
    if (!this.over && !slot.done) this.settle(slot, status)
  }

  private enter(frame: Frame): Slot {
    const slot = new Slot(this, frame)
    if (this.tail === undefined) this.head = slot
    else this.tail.next = slot
    this.tail = slot
    this.slots++
    this.requestBytes += slot.bytes
    this.counters.requested(slot.opcode)
    return slot
  }

  /** Says what is wrong, and ends the connection after that. */
  private refuse(slot: Slot, status: number = Status.Einval): void {
    this.ending = true
    slot.closes = { _tag: "Invalid" }
    this.settle(slot, status)
  }

  private quit(slot: Slot): void {
    this.ending = true
    slot.closes = { _tag: "Quit" }
    if (slot.command!.quiet === undefined) this.settle(slot, Status.Success)
    else {
      slot.done = true
      if (slot === this.head) this.advance()
    }
  }

  /** The proxy's own answer, when its turn comes. */
  private settle(slot: Slot, status: number): void {
    slot.own = status
    slot.done = true
    if (slot === this.head) this.advance()
  }

  private emit(slot: Slot, frame: Frame): void {
    const status = statusOf(frame)
    const quiet = slot.command?.quiet
    if (quiet !== undefined && (quiet === "success" ? status === Status.Success : status === Status.KeyEnoent)) {
      return this.counters.silenced(slot.opcode, status)
    }
    this.counters.answered(slot.opcode, status)
    this.sink.reply(frame, slot.opcode, slot.opaque)
  }

  /** Sends everything whose turn has come. */
  private advance(): void {
    while (this.head !== undefined) {
      const slot: Slot = this.head
      if (slot.held !== undefined) {
        for (const frame of slot.held) {
          this.heldBytes -= sizeOf(frame)
          this.emit(slot, frame)
        }
        slot.held = undefined
      }
      if (!slot.done) break
      if (slot.own !== undefined) {
        this.counters.answered(slot.opcode, slot.own)
        this.sink.status(slot.own, slot.opcode, slot.opaque)
      }
      this.head = slot.next
      if (this.head === undefined) this.tail = undefined
      this.slots--
      this.requestBytes -= slot.bytes
      if (slot.closes !== undefined) return this.finish(slot.closes)
    }
    if (this.draining && this.head === undefined) return this.finish({ _tag: "Drained" })
    if (this.paused) this.throttle()
  }

  private finish(reason: CloseReason): void {
    if (this.over) return
    this.closed()
    this.sink.close(reason)
  }

  /** Reads on, or not. One request is always let through, whatever it may cost. */
  private throttle(): void {
    if (this.ending) return
    const { slots, limits } = this
    const full = slots > 0 && (
      slots >= limits.maxInFlight || this.requestBytes + this.heldBytes + this.sink.unread + slots * this.expected > limits.budget
    )
    if (full === this.paused) return
    this.paused = full
    if (full) this.sink.pause()
    else this.sink.resume()
  }
}
