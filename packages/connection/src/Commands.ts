/**
 * Commands on their way, of protocols of any kind: how they are written, by what their answers are known, and what answers mean.
 *
 * One with one answer is an `Exchange`, one object from the caller to the answer; the answers of one with many go to a queue, whose reader may
 * be slower than the server.
 */
import type { ClientProtocol, Command, EncodeError, OrderedProtocol, Writer } from "@wirewright/codec"
import { RetryClassSchema } from "@wirewright/codec/ErrorSchema"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type { ConnectionError } from "./Errors.ts"
import { type Call, Exchange, type Resume } from "./Exchange.ts"
import { isOrdered } from "./Inlet.ts"
import type { Ledger } from "./Ledger.ts"
import type { OrderedLedger } from "./OrderedLedger.ts"
import type { PacketConnection } from "./PacketConnection.ts"
import { PacketCall } from "./Relay.ts"
import { failureOf } from "./Spans.ts"
import { TaggedError } from "./TaggedErrors.ts"
import type { Telemetry } from "./Telemetry.ts"

/** A command was answered with a status that is no success. */
export class StatusError extends TaggedError<StatusError>()("StatusError", {
  /** Name of the command. */
  command: Schema.String,
  status: Schema.Number,
  /** Name of the status; of one that the spec does not have, its number. */
  name: Schema.String,
  /** What a client may do about it; `fatal` for a status that the spec does not have. */
  retry: RetryClassSchema,
  /** The answer as it was decoded; in another process, what JSON has of it. */
  answer: Schema.Defect(),
  /** `host:port` of the server. */
  address: Schema.String
}) {
  override get message(): string {
    return `${this.address}: ${this.command} was answered with ${this.name}`
  }
}

/** Why a command failed. `EncodeError`: a field is wrong, and nothing was sent. */
export type CallError = StatusError | ConnectionError | EncodeError

/** A command with its fields. */
export interface Outgoing {
  // oxlint-disable-next-line typescript/no-explicit-any -- states of any protocol
  readonly command: Command<any, unknown, any, any>
  readonly fields: object
  /** What is sent right before it, and is not answered on its own. */
  readonly preceding: ReadonlyArray<Outgoing>
}

/** What is told of a packet once it is appended. */
interface Sender {
  readonly sent: (tag: string) => void
}

/** How the commands of a client are written and entered, and what answers mean: by what its protocol says. */
export class Dialect {
  // oxlint-disable-next-line typescript/no-explicit-any -- packets and states of any protocol
  private readonly header: ClientProtocol<any, any> | undefined
  private readonly field: string | undefined
  private readonly states: unknown

  // oxlint-disable-next-line typescript/no-explicit-any -- packets and states of any protocol
  constructor(protocol: ClientProtocol<any, any> | OrderedProtocol<any, any, any>, states: unknown) {
    const ordered = isOrdered(protocol) ? protocol : undefined
    this.header = isOrdered(protocol) ? undefined : protocol
    this.field = ordered === undefined ? this.header!.header.correlation : ordered.correlation?.field
    this.states = states ?? ordered?.states
  }

  /**
   * Enters a command among the requests in flight, and tells it the number in its packet. Throws `EncodeError` when the number in its fields is
   * another's.
   */
  enter(ledger: Ledger<unknown>, waiter: Called | Streaming): number {
    if (this.header !== undefined) return waiter.number = ledger.add(waiter)
    const ordered = ledger as unknown as OrderedLedger<never>
    const { command, fields } = waiter.outgoing
    const given = command.numbered === true ? (fields as { readonly [field: string]: number | undefined })[this.field!] : 0
    const opaque = ordered.enter(waiter, command.answers ?? [], given)
    waiter.number = ordered.numberOf(opaque)
    return opaque
  }

  /** Appends a command's packet, and before it what precedes it. Throws `EncodeError`, and then appends nothing. */
  write(writer: Writer, sender: Sender, outgoing: Outgoing, number: number): void {
    const { command, preceding } = outgoing
    const mark = writer.length
    try {
      for (const one of preceding) this.append(writer, one, number)
      this.append(writer, outgoing, number)
    } catch (error) {
      if (preceding.length > 0) writer.truncate(mark)
      throw error
    }
    for (const one of preceding) sender.sent(one.command.name)
    sender.sent(command.name)
  }

  private append(writer: Writer, { command, fields }: Outgoing, number: number): void {
    const isNumbered = this.header !== undefined || command.numbered === true && number !== 0
    command.encode(writer, isNumbered ? { ...fields, [this.field!]: number } : fields, this.states)
  }

  /** The failure that an answer stands for, unless it reports success. */
  failure(command: string, address: string, answer: unknown): StatusError | undefined {
    if (this.header === undefined) return undefined
    const status = (answer as { readonly [field: string]: number })[this.header.header.status]!
    const row = this.header.statuses[status]
    if (row?.retry === "success") return undefined
    return new StatusError({ command, status, name: row?.name ?? String(status), retry: row?.retry ?? "fatal", answer, address })
  }
}

const oneAnswer: Call<Called, unknown, unknown, CallError> = {
  // what a lost command did is not known, whichever it was
  writes: true,
  encode: (writer, called) => called.append(writer),
  interpret: (answer, { address, dialect, outgoing: { command } }) => {
    const error = dialect.failure(command.name, address, answer)
    return error === undefined ? Exit.succeed(answer) : Exit.fail(error)
  },
  failed: (error) => Exit.fail(error)
}

/** A command with one answer on its way. */
export class Called extends Exchange<unknown, unknown, CallError> {
  readonly outgoing: Outgoing
  readonly dialect: Dialect
  readonly address: string
  /** The number in its packet; 0: none. */
  number = 0

  private readonly telemetry: Telemetry | undefined

  constructor(
    outgoing: Outgoing,
    dialect: Dialect,
    address: string,
    telemetry: Telemetry | undefined,
    resume: Resume<unknown, CallError>
  ) {
    super(oneAnswer, resume)
    this.outgoing = outgoing
    this.telemetry = telemetry
    this.dialect = dialect
    this.address = address
  }

  override enter(ledger: Ledger<unknown>): number {
    return this.dialect.enter(ledger, this)
  }

  protected override measured(outcome: Effect.Effect<unknown, CallError>): void {
    const { outgoing: { command: { name } }, telemetry } = this
    if (telemetry?.metrics === undefined || !Exit.isExit(outcome)) return
    const failure = failureOf(outcome)
    telemetry.ended(name, failure === undefined ? this.answeredAfter : this.failedAfter, failure)
  }

  append(writer: Writer): void {
    this.dialect.write(writer, this.owner!, this.outgoing, this.number)
  }

  override expect(ledger: Ledger<unknown>, opcode: number): void {
    // by what their answers are known was said when it was entered, where no header says it
    if (this.outgoing.command.answers === undefined) super.expect(ledger, opcode)
  }
}

/** Answers that may wait for the reader of a stream before their connection is no longer read. */
const maxWaiting = 1_024

/** A command with many answers on its way. */
export class Streaming extends PacketCall<unknown> {
  readonly outgoing: Outgoing
  private readonly dialect: Dialect
  private readonly connection: PacketConnection<unknown, unknown>
  private readonly queue: Queue.Queue<unknown, CallError | Cause.Done>
  /** The number in its packet; 0: none. */
  number = 0
  private paused = false

  constructor(
    outgoing: Outgoing,
    dialect: Dialect,
    connection: PacketConnection<unknown, unknown>,
    queue: Queue.Queue<unknown, CallError | Cause.Done>
  ) {
    super()
    this.outgoing = outgoing
    this.dialect = dialect
    this.connection = connection
    this.queue = queue
  }

  override enter(ledger: Ledger<unknown>): number {
    return this.dialect.enter(ledger, this)
  }

  write(writer: Writer): void {
    this.dialect.write(writer, this.connection, this.outgoing, this.number)
  }

  override expect(ledger: Ledger<unknown>, opcode: number): void {
    if (this.outgoing.command.answers === undefined) super.expect(ledger, opcode)
  }

  answer(answer: unknown): boolean {
    const error = this.failureOf(answer)
    if (error !== undefined) {
      this.refuse(error)
      return true
    }
    const end = this.place(answer)
    const ends = end !== undefined
    if (end !== "mark") Queue.offerUnsafe(this.queue, answer)
    if (ends) Queue.endUnsafe(this.queue)
    else if (!this.paused) this.goOn()
    return ends
  }

  /** Waits for the next answer, or first for the reader when he is behind. */
  private goOn(): void {
    if (Queue.sizeUnsafe(this.queue) < maxWaiting) {
      this.deadline = this.connection.timers.now() + this.timeout
      return
    }
    this.paused = true
    this.deadline = Infinity
    this.connection.pause()
  }

  private failureOf(answer: unknown): StatusError | undefined {
    return this.dialect.failure(this.outgoing.command.name, this.connection.address, answer)
  }

  /** Whether an answer that reports success is the last, or only marks the end. */
  private place(answer: unknown): "answer" | "mark" | undefined {
    const { last } = this.outgoing.command
    return last === undefined ? "answer" : last(answer)
  }

  readonly ends = (answer: unknown): boolean => this.failureOf(answer) !== undefined || this.place(answer) !== undefined

  /** The reader has taken what waited, or wants no more. */
  taken(): void {
    if (!this.paused) return
    this.paused = false
    this.deadline = this.connection.timers.now() + this.timeout
    this.connection.resume()
  }

  fail(why: "timeout" | "lost"): void {
    this.refuse(this.failure(why, false))
  }

  refuse(error: CallError): void {
    Queue.failCauseUnsafe(this.queue, Cause.fail(error))
  }
}
