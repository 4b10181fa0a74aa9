/**
 * Requests that are more, or less, than one packet and a waiting fibre: quiet ones after a barrier, and those of a relay.
 *
 * A quiet request is answered only when there is something to say; the answer to the barrier after it means that nothing more will come.
 */
import type { EncodeError, Writer } from "@wirewright/codec"
import * as Effect from "effect/Effect"
import type { ConnectionError } from "./Errors.ts"
import type { Ledger } from "./Ledger.ts"
import type { Owner, Resume, Sendable } from "./Exchange.ts"

/** Writes one packet with the opaque it is given. Throws `EncodeError`. */
export type WritePacket = (writer: Writer, opaque: number) => void

/** Who waits for a request's answers without a fibre. Called in the connection's callbacks. */
export interface AnswerSink<Response> {
  /** Receives an answer. Returns false while more are to come. */
  readonly answer: (answer: Response) => boolean
  /** There will be no (further) answer. */
  readonly fail: (error: ConnectionError) => void
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

  /** The error of a request that failed for this reason. */
  protected failure(why: "timeout" | "lost", writes: boolean): ConnectionError {
    return this.owner!.failure(why, this.timeout, writes)
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

  refuse(error: ConnectionError): void {
    this.sink.fail(error)
  }
}

type Answers<Response> = ReadonlyArray<Response | undefined>

/** Quiet requests and the barrier after them. */
export class QuietCalls<Response> extends PacketCall<Response> {
  private readonly packets: ReadonlyArray<WritePacket>
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
    this.packets = packets
    this.barrier = barrier
    this.writes = writes
    this.resume = resume
    this.answers = packets.map(() => undefined)
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
      this.opcodes = this.packets.map((packet, index) => this.append(writer, packet, this.members[index]!))
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
    this.refuse(this.failure(why, this.writes && this.opaque !== -1))
  }

  refuse(error: ConnectionError | EncodeError): void {
    this.resume(Effect.fail(error))
  }
}
