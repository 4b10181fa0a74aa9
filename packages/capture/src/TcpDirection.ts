/**
 * One direction of a TCP connection, put back in order: out-of-order and repeated segments, partial overlaps, wrap-around, holes.
 *
 * It holds segments after a hole until the hole is filled or a limit is reached; then the hole becomes a reported gap and the stream
 * goes on after it. Where segments overlap, the bytes that arrived in order first win.
 */

/** Limits of the reassembly. None of them is an error: reaching one turns a hole into a gap, or ends the oldest flow. */
export interface TcpLimits {
  /** Most bytes held after a hole, per direction. */
  readonly maxHeldBytes: number
  /** Most segments held after a hole, per direction. */
  readonly maxHeldSegments: number
  /** Most bytes held by all flows together. */
  readonly maxTotalHeldBytes: number
  /** Most connections remembered. */
  readonly maxFlows: number
  /** A segment further behind or ahead than this belongs to no window: it is forged, or of another connection. */
  readonly maxDistance: number
  /** Segments of a direction whose start was not captured that are held, at first, until it is clear which of them is the first. */
  readonly maxUnsettled: number
}

/** The default limits. */
export const tcpLimits: TcpLimits = {
  maxHeldBytes: 1024 * 1024,
  maxHeldSegments: 1024,
  maxTotalHeldBytes: 64 * 1024 * 1024,
  maxFlows: 65_536,
  maxDistance: 64 * 1024 * 1024,
  maxUnsettled: 8
}

/** A segment's payload. `length` exceeds `bytes.length` when the capture cut it off. */
export interface Piece {
  readonly sequence: number
  readonly bytes: Uint8Array
  readonly length: number
  readonly frame: number
  readonly time: bigint | undefined
}

/** Receives bytes in order. `gapBefore` bytes are missing before them. */
export type Deliver = (bytes: Uint8Array, piece: Piece, gapBefore: number) => void

/** Signed distance from sequence number `from` to `to`. */
export const sequenceDistance = (from: number, to: number): number => (to - from) | 0

/** Puts one direction in order. */
export class TcpDirection {
  /** Sequence number of the next byte; `undefined` before it is known which byte is the first. */
  next: number | undefined
  /** Sequence number of the first byte. */
  first: number | undefined
  /** Sequence number after the last byte, once a FIN was seen. */
  end: number | undefined
  /** Segments that brought nothing new. */
  repeated = 0
  heldBytes = 0
  /** In order of their sequence numbers, and beyond `next` when that is known. */
  private held: Array<Piece> = []
  /** Missing bytes not reported yet. */
  private owedGap = 0
  private lastPiece: Piece | undefined

  /** Whether everything up to the FIN was delivered. */
  get ended(): boolean {
    return this.end !== undefined && this.next !== undefined && sequenceDistance(this.next, this.end) <= 0
  }

  /** Takes a SYN: the first byte has the next sequence number. */
  open(sequence: number, deliver: Deliver): void {
    if (this.next === undefined) this.begin((sequence + 1) >>> 0, deliver)
  }

  /** Takes a FIN after `sequence`; one that is not where a FIN can be is forged. */
  close(sequence: number, limits: TcpLimits): void {
    const distance = this.next === undefined ? 0 : sequenceDistance(this.next, sequence)
    if (distance < 0 || distance > limits.maxDistance) return
    this.end ??= sequence
    if (this.next === undefined && this.held.length === 0) this.first = this.next = sequence
  }

  /** Whether a reset with this sequence number is one: it is to be exactly the next, as RFC 5961 has it. */
  resets(sequence: number): boolean {
    if (this.next === undefined) return true
    return sequence === this.next || this.end !== undefined && sequence === (this.end + 1) >>> 0
  }

  /** Takes an acknowledgement of the peer: what it acknowledges has been sent already, so the first byte is among what is held. */
  acknowledged(sequence: number, limits: TcpLimits, deliver: Deliver): void {
    if (this.next !== undefined || this.held.length === 0) return
    const distance = sequenceDistance(this.held[0]!.sequence, sequence)
    if (distance > 0 && distance <= limits.maxDistance) this.begin(this.held[0]!.sequence, deliver)
  }

  /** Whether a segment cannot be of this connection: no window reaches that far, or nothing can come after the FIN. */
  isForeign(sequence: number, limits: TcpLimits): boolean {
    const reference = this.next ?? this.held[0]?.sequence
    if (reference === undefined) return false
    if (this.ended && sequenceDistance(this.end!, sequence) >= 0) return true
    return Math.abs(sequenceDistance(reference, sequence)) > limits.maxDistance
  }

  /** Takes a payload. */
  push(piece: Piece, limits: TcpLimits, deliver: Deliver): void {
    if (this.next === undefined) {
      this.hold(piece)
      if (this.held.length >= limits.maxUnsettled || this.heldBytes > limits.maxHeldBytes) this.begin(this.held[0]!.sequence, deliver)
      return
    }
    const offset = sequenceDistance(this.next, piece.sequence)
    if (offset + piece.length <= 0) {
      this.repeated++
      return
    }
    if (offset <= 0) {
      this.emit(piece, -offset, deliver)
      this.drain(deliver)
      return
    }
    this.hold(piece)
    while (this.heldBytes > limits.maxHeldBytes || this.held.length > limits.maxHeldSegments) this.skipHole(deliver)
  }

  /** Gives up waiting: holes become gaps. */
  flush(deliver: Deliver): void {
    if (this.next === undefined && this.held.length > 0) this.begin(this.held[0]!.sequence, deliver)
    while (this.held.length > 0) this.skipHole(deliver)
    if (this.owedGap > 0 && this.lastPiece !== undefined) {
      deliver(this.lastPiece.bytes.subarray(0, 0), this.lastPiece, this.owedGap)
      this.owedGap = 0
    }
  }

  private begin(sequence: number, deliver: Deliver): void {
    this.first = this.next = sequence
    this.drain(deliver)
  }

  private emit(piece: Piece, skip: number, deliver: Deliver): void {
    this.next = (this.next! + piece.length - skip) >>> 0
    const bytes = skip === 0 ? piece.bytes : piece.bytes.subarray(Math.min(skip, piece.bytes.length))
    if (bytes.length > 0) {
      deliver(bytes, piece, this.owedGap)
      this.owedGap = 0
    }
    this.owedGap += piece.length - Math.max(skip, piece.bytes.length)
    // without its bytes, which would keep the chunk alive
    if (this.owedGap > 0) this.lastPiece = { ...piece, bytes: new Uint8Array(0) }
  }

  private hold(piece: Piece): void {
    let at = this.held.length
    while (at > 0 && sequenceDistance(this.held[at - 1]!.sequence, piece.sequence) < 0) at--
    const before = this.held[at - 1]
    if (before !== undefined && sequenceDistance(before.sequence, piece.sequence) + piece.length <= before.length) {
      this.repeated++
      return
    }
    // a copy: views would keep whole chunks of the file alive, and slices of a Buffer are views
    this.held.splice(at, 0, { ...piece, bytes: new Uint8Array(piece.bytes) })
    this.heldBytes += piece.bytes.length
  }

  private drain(deliver: Deliver): void {
    let taken = 0
    for (; taken < this.held.length; taken++) {
      const piece = this.held[taken]!
      const offset = sequenceDistance(this.next!, piece.sequence)
      if (offset > 0) break
      this.heldBytes -= piece.bytes.length
      if (offset + piece.length > 0) this.emit(piece, -offset, deliver)
      else this.repeated++
    }
    if (taken > 0) this.held.splice(0, taken)
  }

  private skipHole(deliver: Deliver): void {
    const { sequence } = this.held[0]!
    this.owedGap += sequenceDistance(this.next!, sequence)
    this.next = sequence
    this.drain(deliver)
  }
}
