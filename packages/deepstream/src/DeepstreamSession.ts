/**
 * A client's side of a deepstream connection without a socket, a clock or a fibre: frames, commands and the time go in; frames, changes of
 * state and outcomes come out.
 *
 * One session outlives its connections. It says when to dial and what to send; whoever owns the socket tells it what happens there.
 */
import { Answers, type Expected } from "./Answers.ts"
import { Connection } from "./Connection.ts"
import type { ConnectionState } from "./ConnectionState.ts"
import { type Deadline, Deadlines } from "./Deadlines.ts"
import { type DeepstreamReason, type MessageDenied, NotConnected, type Problem, QueueDropped, type Topic } from "./DeepstreamError.ts"
import { EventTopic } from "./EventTopic.ts"
import { MessageRouter } from "./MessageRouter.ts"
import { type Letter, Outbox } from "./Outbox.ts"
import { PatternTopic } from "./PatternTopic.ts"
import { PresenceTopic } from "./PresenceTopic.ts"
import { RecordTopic } from "./RecordTopic.ts"
import { RpcTopic } from "./RpcTopic.ts"
import { defaultOptions, type SessionOptions } from "./SessionOptions.ts"
import type { Dialect, Settle, Wire } from "./Wire.ts"

/** What a session needs of its owner. */
export interface SessionHost {
  readonly now: () => number
  /** A number below 1. */
  readonly random: () => number
  /** Opens a socket; the one before is closed. */
  readonly dial: (url: string) => void
  /** Closes the socket. */
  readonly hangUp: () => void
  readonly changed: (state: ConnectionState) => void
  readonly problem: (problem: Problem) => void
  /** There is something to send, or something sooner to wait for. */
  readonly wake: () => void
}

/** What a session counts. */
export interface SessionCounts {
  readonly sent: number
  readonly received: number
  /** Times that it was open again. */
  readonly reconnects: number
  /** Attempts to connect that failed. */
  readonly failures: number
  /** Calls of procedures that were not answered. */
  readonly inFlight: number
  /** Writes whose outcome is not known. */
  readonly writes: number
  /** What callers want to hear of, and what this client provides. */
  readonly subscriptions: {
    readonly [topic in "event" | "event_listen" | "record" | "record_listen" | "rpc_provide" | "presence"]: number
  }
}

/** How many denials are remembered. */
const maxDenials = 1024

/** A message as text, its control characters as | and +. */
const visible = (frame: string, start: number, end: number): string => {
  const shown = end - start > 1024 ? `${frame.slice(start, start + 1024)}…` : frame.slice(start, end)
  return shown.replaceAll("\x1f", "|").replaceAll("\x1e", "+")
}

/** The state of one client. */
export class DeepstreamSession {
  readonly events: EventTopic
  readonly eventPatterns: PatternTopic
  readonly records: RecordTopic
  readonly recordPatterns: PatternTopic
  readonly rpc: RpcTopic
  readonly presence: PresenceTopic
  readonly options: SessionOptions
  private readonly host: SessionHost
  private readonly deadlines = new Deadlines()
  private readonly outbox: Outbox
  private readonly connection: Connection
  private readonly router: MessageRouter
  private readonly denials = new Map<string, MessageDenied>()
  private readonly wire: Wire
  /** The message that is being handled. */
  private frame: string | undefined
  private messageStart = 0
  private handled = 0
  private opens = 0
  private messageEnd = 0

  constructor(url: string, host: SessionHost, options: Partial<SessionOptions> = {}) {
    this.host = host
    this.options = { ...defaultOptions, ...options }
    this.outbox = new Outbox(this.options)
    const wire = this.wire = this.makeWire()
    this.events = new EventTopic(wire)
    this.eventPatterns = new PatternTopic(wire, "E")
    this.records = new RecordTopic(wire)
    this.recordPatterns = new PatternTopic(wire, "R")
    this.rpc = new RpcTopic(wire)
    this.presence = new PresenceTopic(wire)
    this.connection = new Connection(url, wire, {
      dial: (to) => host.dial(to),
      hangUp: () => host.hangUp(),
      changed: (state) => host.changed(state),
      urgent: (text) => {
        this.outbox.pushUrgent(text)
        host.wake()
      },
      opened: () => this.opened(),
      lost: () => this.lost(),
      closed: (reason) => this.ended(reason)
    })
    this.router = new MessageRouter(this, this.connection, wire, {
      begin: (frame, start, end) => {
        this.frame = frame
        this.handled++
        this.messageStart = start
        this.messageEnd = end
      },
      denied: (denied) => this.remember(denied)
    })
  }

  get state(): ConnectionState {
    return this.connection.state
  }

  get dialect(): Dialect {
    return this.connection.dialect
  }

  /** Closed for good, and why. */
  get closed(): DeepstreamReason | undefined {
    return this.connection.ended
  }

  /** Messages and characters that wait to be sent. */
  get queued(): { readonly messages: number; readonly characters: number } {
    return { messages: this.outbox.waiting, characters: this.outbox.waitingSize }
  }

  get counts(): SessionCounts {
    let writes = 0
    for (const record of this.records.records.values()) writes += record.writes.size
    return {
      sent: this.outbox.sent,
      received: this.handled,
      reconnects: Math.max(0, this.opens - 1),
      failures: this.connection.failures,
      inFlight: this.rpc.pending.size,
      writes,
      subscriptions: {
        event: this.events.subscriptions.size,
        event_listen: this.eventPatterns.subscriptions.size,
        record: this.records.records.size,
        record_listen: this.recordPatterns.subscriptions.size,
        rpc_provide: this.rpc.subscriptions.size,
        presence: this.presence.watched.size
      }
    }
  }

  /** Whether so much waits to be sent that nothing should be added. */
  get congested(): boolean {
    return this.outbox.full(0) !== undefined
  }

  /** When `tick` is due; undefined when nothing waits for a time. */
  get nextDeadline(): number | undefined {
    return this.deadlines.next
  }

  /** Connects. */
  start(): void {
    this.connection.start()
  }

  /** Logs in, now or as soon as the server takes a login, and again after each reconnect. Succeeds with the server's data about the user. */
  login(credentials: object, settle: Settle<unknown>): void {
    this.connection.login(credentials, settle)
  }

  /** Closes the connection and forgets the credentials. Subscriptions stay; a login brings them back. */
  logout(): void {
    this.connection.logout()
  }

  /** Closes for good: whatever waits, fails. */
  close(): void {
    this.connection.close()
  }

  socketOpened(): void {
    this.connection.socketOpened()
  }

  /** The socket is closed, or could not be opened. */
  socketClosed(message?: string): void {
    this.connection.socketClosed(message)
  }

  /** A frame arrived. */
  received(frame: string): void {
    this.connection.heard()
    this.router.received(frame)
    this.frame = undefined
  }

  /** A frame arrived that is no text. */
  receivedBinary(size: number): void {
    this.connection.heard()
    this.router.binary(size)
  }

  /** Does what was due at a time. Default: now */
  tick(time: number = this.host.now()): void {
    this.deadlines.run(time)
  }

  /** The next frame to send, at the end of a tick; undefined when there is none. */
  takeFrame(): string | undefined {
    this.presence.collect()
    return this.outbox.take(this.wire.open, this.host.now())
  }

  /** Whether `takeFrame` has something to give. */
  get hasFrame(): boolean {
    return this.presence.collects || this.outbox.hasFrames(this.wire.open)
  }

  private makeWire(): Wire {
    const { deadlines, host, options, outbox } = this
    const isOpen = (): boolean => this.connection.state === "OPEN"
    const ended = (): DeepstreamReason | undefined => this.connection.ended
    const dialect = (): Dialect => this.connection.dialect
    const answers = new Answers(deadlines, { now: () => host.now(), open: isOpen })
    const refused = (topic: Topic, subject: string, size: number): DeepstreamReason | undefined => {
      const over = ended()
      if (over !== undefined) return over
      if (isOpen()) return undefined
      return options.offline === "fail" ? new NotConnected({ topic, subject }) : outbox.full(size)
    }
    return {
      options,
      get dialect() {
        return dialect()
      },
      get open() {
        return isOpen()
      },
      get closed() {
        return ended()
      },
      now: () => host.now(),
      random: () => host.random(),
      refused,
      post: (topic: Topic, subject: string, text: string): Letter | DeepstreamReason => {
        const reason = refused(topic, subject, text.length)
        if (reason !== undefined) return reason
        host.wake()
        return outbox.push(text, true)
      },
      tell: (text: string) => {
        if (!isOpen()) return undefined
        host.wake()
        return outbox.push(text, false)
      },
      wake: () => host.wake(),
      takeBack: (letter: Letter) => outbox.takeBack(letter),
      after: (millis: number, run: () => void): Deadline => {
        const deadline = deadlines.add(host.now() + millis, run)
        host.wake()
        return deadline
      },
      cancel: (deadline: Deadline | undefined) => deadlines.cancel(deadline),
      expect: (millis: number, letter: Letter | undefined, late: () => void): Expected => {
        host.wake()
        return answers.expect(millis, letter, late)
      },
      answered: (expected: Expected | undefined) => answers.answered(expected),
      giveUp: (expected: Expected | undefined) => answers.cancel(expected),
      report: (reason: DeepstreamReason, severity: Problem["severity"] = "error") => {
        const { frame, messageEnd, messageStart } = this
        host.problem(frame === undefined ? { reason, severity } : { reason, severity, raw: visible(frame, messageStart, messageEnd) })
      },
      denied: (topic: Topic, action: string, subject: string) =>
        this.denials.size === 0 ? undefined : this.denials.get(`${topic}|${action}|${subject}`)
    }
  }

  private opened(): void {
    this.opens++
    this.denials.clear()
    this.outbox.opened(() => {
      this.events.subscriptions.resubscribe()
      this.eventPatterns.subscriptions.resubscribe()
      this.records.resubscribe()
      this.recordPatterns.subscriptions.resubscribe()
      this.rpc.subscriptions.resubscribe()
      this.presence.resubscribe()
    })
    this.host.wake()
  }

  private lost(): void {
    this.events.subscriptions.lost()
    this.eventPatterns.subscriptions.lost()
    this.records.lost()
    this.recordPatterns.subscriptions.lost()
    this.rpc.lost()
    this.presence.lost()
    this.outbox.lost()
  }

  private ended(reason: DeepstreamReason): void {
    const messages = this.outbox.clear()
    if (messages > 0) this.wire.report(new QueueDropped({ messages }))
    this.events.subscriptions.close(reason)
    this.eventPatterns.subscriptions.close(reason)
    this.records.close(reason)
    this.recordPatterns.subscriptions.close(reason)
    this.rpc.close(reason)
    this.presence.close(reason)
  }

  private remember(denied: MessageDenied): void {
    if (!this.options.rememberDenials) return
    const { denials } = this
    if (denials.size >= maxDenials) denials.delete(denials.keys().next().value!)
    denials.set(`${denied.topic}|${denied.action}|${denied.subject}`, denied)
  }
}
