/**
 * Holds the messages of one stream that could still be lost: those of changes that are not on the disks of all copies of the vbucket. What is
 * delivered is then never rolled back by the failure of a node. Pure: somebody else asks the copies (`Mitigation`).
 *
 * Messages keep their order, so whatever came after a message that is held is held too. Bytes that are held are not given free, so the window
 * bounds them.
 */
import type { Reader } from "@wirewright/codec"
import type { DcpConnection } from "./DcpConnection.ts"
import { emptied } from "./Emptied.ts"

/** A message as it lies in a buffer. */
export interface HeldMessage {
  readonly reader: Reader
  readonly at: number
  readonly end: number
  readonly connection: DcpConnection
  /** Of a change; of everything else the seqno of the change before it. */
  readonly seqno: bigint
}

/** The messages of one stream. */
export class PersistenceGate {
  private readonly held: Array<HeldMessage> = []
  private upTo = 0n

  /** Messages that are held. */
  get size(): number {
    return this.held.length
  }

  /** Whether a message may not pass; then it is kept. `seqno`: of a change. */
  holds(reader: Reader, at: number, end: number, connection: DcpConnection, seqno: bigint | undefined): boolean {
    const last = this.held.at(-1)
    if (last === undefined && (seqno === undefined || seqno <= this.upTo)) return false
    this.held.push({ reader, at, end, connection, seqno: seqno ?? last?.seqno ?? 0n })
    return true
  }

  /** Every copy has everything up to here on its disk. What may pass now is handed to `pass` until that says no. */
  persisted(seqno: bigint, pass: (message: HeldMessage) => boolean): void {
    if (seqno > this.upTo) this.upTo = seqno
    while (this.held.length > 0 && this.held[0]!.seqno <= this.upTo) {
      // the first one goes before it is handed over, which may empty the gate
      const message = this.held.shift()!
      if (!pass(message)) return
    }
  }

  /** The stream is gone, and another one may have another history: nothing of it passes any more. */
  empty(): void {
    this.upTo = 0n
    for (const { at, connection, end } of emptied(this.held)) connection.free(end - at)
  }
}
