/**
 * Both ends of DCP's flow control: what a consumer owes its producer, and what a producer may still send. Pure arithmetic on frame sizes.
 *
 * Every request of a server costs its whole size on the wire but DCP_NOOP; answers cost nothing. A producer sends while less than the
 * window is outstanding, so that one message may exceed it, whatever its size. Source: kv_engine `docs/dcp/documentation/flow-control.md`
 * and `engines/ep/src/dcp/producer.cc`, `BufferLog`.
 */
import { Opcode } from "./gen/index.ts"

/** Whether a server's request with this opcode counts. */
export const counts = (opcode: number): boolean => opcode !== Opcode.DcpNoop

/** Largest count of bytes that one acknowledgement can carry. */
export const maxAcknowledged = 0xffff_ffff

/** What a consumer received and processed and has not acknowledged yet. */
export class ReceiveWindow {
  /** Size of the window in bytes; 0 is no flow control. */
  readonly size: number
  /** Bytes at which an acknowledgement is due: a fifth of the window, as in the reference consumer. */
  readonly threshold: number
  private received = 0
  private freed = 0
  private sent = 0

  constructor(size: number, threshold: number = Math.max(1, Math.floor(size / 5))) {
    this.size = size
    this.threshold = threshold
  }

  /** Bytes received that the producer still holds against the window. */
  get outstanding(): number {
    return this.received - this.sent
  }

  /** Bytes received and not yet taken; what the consumer has to keep in memory. */
  get held(): number {
    return this.received - this.freed
  }

  /** Bytes acknowledged so far. */
  get acknowledged(): number {
    return this.sent
  }

  /** Bytes given free that were not acknowledged. */
  get due(): number {
    return this.freed - this.sent
  }

  /** Whether a producer that keeps to the window sends nothing now but what costs nothing. */
  get full(): boolean {
    return this.size > 0 && this.outstanding >= this.size
  }

  /**
   * A frame that counts arrived. Returns whether it may have: the producer sent it while less than the window was outstanding there, and what
   * is outstanding here is never more than that.
   */
  receive(bytes: number): boolean {
    const { full } = this
    this.received += bytes
    return !full
  }

  /** Frames of so many bytes were taken, or dropped. Returns whether an acknowledgement should be sent without waiting. */
  free(bytes: number): boolean {
    this.freed += bytes
    return this.size > 0 && this.due >= this.threshold
  }

  /** The bytes to acknowledge now; 0 when none are. They count as acknowledged. */
  take(): number {
    if (this.size === 0) return 0
    const bytes = Math.min(this.due, maxAcknowledged)
    this.sent += bytes
    return bytes
  }
}

/** What a producer sent and its consumer did not acknowledge. */
export class SendWindow {
  private max = 0
  private bytes = 0
  /** Bytes that were acknowledged without having been sent. */
  overAcknowledged = 0

  /** Size in bytes; 0 is no flow control. */
  get size(): number {
    return this.max
  }

  get outstanding(): number {
    return this.bytes
  }

  /** Whether another message may be sent, whatever its size. */
  get open(): boolean {
    return this.max === 0 || this.bytes < this.max
  }

  /** The control `connection_buffer_size`, at any time; 0 forgets what is outstanding. */
  resize(size: number): void {
    this.max = size
    if (size === 0) this.bytes = 0
  }

  send(bytes: number): void {
    if (this.max > 0) this.bytes += bytes
  }

  acknowledge(bytes: number): void {
    if (this.max === 0) return
    this.overAcknowledged += Math.max(0, bytes - this.bytes)
    this.bytes = Math.max(0, this.bytes - bytes)
  }
}
