/**
 * Requests that are more, or less, than one packet and a waiting fibre: quiet ones before a barrier, those of a relay, and those that are not
 * answered.
 *
 * A quiet request is answered only when there is something to say; the answer to the barrier after it means that nothing more will come.
 */
import { EncodeError, type Writer } from "@wirewright/codec"
import * as Effect from "effect/Effect"
import type { ConnectionError } from "./Errors.ts"
import type { InFlight } from "./InFlight.ts"
import type { Ledger } from "./Ledger.ts"
import type { Owner, Resume, Sendable } from "./Exchange.ts"

/** Writes one packet with the opaque it is given. Throws `EncodeError`. */
export type WritePacket = (writer: Writer, opaque: number) => void

/** Who waits for a request's answers without a fibre. Called in the connection's callbacks. */
export interface AnswerSink<Response> {
  /** Receives an answer. Returns false while more are to come. */
  readonly answer: (answer: Response) => boolean
  /** There will be no (further) answer. */
  readonly fail: (error: ConnectionError | EncodeError) => void
}

/** What a request that is no effect keeps of itself on its way; the kinds of them say what is written and who hears the answers. */
export abstract class PacketCall<Response> implements Sendable<Response> {
  deadline = 0
  cancelled = false
  opaque = -1
  protected timeout = 0
  protected owner: Owner | undefined = undefined

  begin(owner: Owner, timeout: number, now: number): void {
    this.owner = owner
    this.timeout = timeout
    this.deadline = now + timeout
  }

  enter(ledger: Ledger<Response>): number {
    return ledger.add(this)
  }

  abstract write(writer: Writer): void

  expect(ledger: Ledger<Response>, opcode: number): void {
    ledger.expect(this.opaque, opcode)
  }

  abstract answer(answer: Response): boolean

  abstract fail(why: "timeout" | "lost"): void

  abstract refuse(error: ConnectionError | EncodeError): void

  freed(): Effect.Effect<void> | undefined {
    return Effect.sync(() => this.owner?.cancel(this))
  }

  get packets(): number {
    return 1
  }

  /** The error of a request that failed for this reason. What was never sent cannot have taken effect. */
  protected failure(why: "timeout" | "lost", writes: boolean): ConnectionError {
    return this.owner!.failure(why, this.timeout, writes && this.opaque !== -1)
  }
}

/** A packet that is not answered. One that somebody waits for stands in line; one that nobody does must be small and rare. */
export class Unanswered extends PacketCall<unknown> {
  private readonly packet: WritePacket
  private readonly resume: Resume<void, ConnectionError | EncodeError> | undefined
  readonly atOnce: boolean

  /** @param resume of whoever waits until it is appended; without it, an `EncodeError` is thrown, and nothing is told of a lost connection */
  constructor(packet: WritePacket, resume?: Resume<void, ConnectionError | EncodeError>) {
    super()
    this.packet = packet
    this.resume = resume
    this.atOnce = resume === undefined
  }

  override get packets(): number {
    return 0
  }

  override begin(owner: Owner): void {
    super.begin(owner, Infinity, 0)
  }

  override enter(ledger: InFlight): number {
    return ledger.silent()
  }

  write(writer: Writer): void {
    this.packet(writer, this.opaque)
  }

  override expect(): void {
    this.resume?.(Effect.void)
  }

  answer(): boolean {
    return true
  }

  fail(why: "timeout" | "lost"): void {
    this.refuse(this.failure(why, false))
  }

  refuse(error: ConnectionError | EncodeError): void {
    if (this.resume !== undefined) this.resume(Effect.fail(error))
    else if (error instanceof EncodeError) throw error
  }

  override freed(): Effect.Effect<void> | undefined {
    return this.opaque === -1 ? super.freed() : undefined
  }
}

/** A request whose answers go to a sink. */
export class Relayed<Response> extends PacketCall<Response> {
  private readonly packet: WritePacket
  private readonly sink: AnswerSink<Response>
  private readonly writes: boolean

  constructor(packet: WritePacket, sink: AnswerSink<Response>, writes: boolean) {
    super()
    this.packet = packet
    this.sink = sink
    this.writes = writes
  }

  write(writer: Writer): void {
    this.packet(writer, this.opaque)
  }

  answer(answer: Response): boolean {
    return this.sink.answer(answer)
  }

  fail(why: "timeout" | "lost"): void {
    this.sink.fail(this.failure(why, this.writes))
  }

  refuse(error: ConnectionError | EncodeError): void {
    this.sink.fail(error)
  }

  override freed(): undefined {
    // no fibre waits for it
    return undefined
  }
}

type Answers<Response> = ReadonlyArray<Response | undefined>

/** Quiet requests and the barrier after them. */
class QuietCalls<Response> extends PacketCall<Response> {
  private readonly calls: ReadonlyArray<WritePacket>
  private readonly barrier: WritePacket
  private readonly writes: boolean
  private readonly resume: Resume<Answers<Response>, ConnectionError | EncodeError>
  private readonly answers: Array<Response | undefined>
  private members: ReadonlyArray<number> = []
  private opcodes: ReadonlyArray<number> = []
  private barrierOpcode = 0

  constructor(
    packets: ReadonlyArray<WritePacket>,
    barrier: WritePacket,
    writes: boolean,
    resume: Resume<Answers<Response>, ConnectionError | EncodeError>
  ) {
    super()
    this.calls = packets
    this.barrier = barrier
    this.writes = writes
    this.resume = resume
    this.answers = packets.map(() => undefined)
  }

  override get packets(): number {
    return this.answers.length + 1
  }

  override enter(ledger: Ledger<Response>): number {
    const { answers } = this
    this.members = answers.map((_, index) =>
      ledger.add({
        deadline: Infinity,
        answer: (answer) => {
          answers[index] = answer
          return true
        },
        // the barrier speaks for them
        fail: () => {}
      })
    )
    return ledger.addBarrier(this, this.members)
  }

  write(writer: Writer): void {
    const mark = writer.length
    try {
      this.opcodes = this.calls.map((packet, index) => this.append(writer, packet, this.members[index]!))
      this.barrierOpcode = this.append(writer, this.barrier, this.opaque)
    } catch (error) {
      writer.truncate(mark)
      throw error
    }
  }

  /** Appends a packet and returns its opcode. */
  private append(writer: Writer, packet: WritePacket, opaque: number): number {
    const { bytes, position } = writer
    packet(writer, opaque)
    return this.owner!.opcodeSince(writer, bytes, position)
  }

  override expect(ledger: Ledger<Response>): void {
    for (let index = 0; index < this.members.length; index++) ledger.expect(this.members[index]!, this.opcodes[index]!)
    ledger.expect(this.opaque, this.barrierOpcode)
  }

  answer(): boolean {
    this.resume(Effect.succeed(this.answers))
    return true
  }

  fail(why: "timeout" | "lost"): void {
    this.refuse(this.failure(why, this.writes))
  }

  refuse(error: ConnectionError | EncodeError): void {
    this.resume(Effect.fail(error))
  }
}

/**
 * Quiet requests and the barrier after them, for `perform`. The result has an answer for every request that got one; the others were passed
 * over in silence, which is their outcome once the barrier is answered. `writes`: they change something.
 */
export const quiet =
  <Response>(packets: ReadonlyArray<WritePacket>, barrier: WritePacket, writes = false) =>
  (resume: Resume<Answers<Response>, ConnectionError | EncodeError>): Sendable<Response> => new QuietCalls(packets, barrier, writes, resume)
