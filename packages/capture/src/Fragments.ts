/**
 * IP datagrams out of their fragments, which may come in any order, repeated and overlapping.
 *
 * Where fragments overlap, the bytes that were captured first win. What is held is bounded: beyond the limits the oldest datagram is given up.
 */

/** Limits of what is held of incomplete datagrams. Reaching one gives up the datagram that was begun first. */
export interface FragmentLimits {
  /** Most incomplete datagrams. */
  readonly maxDatagrams: number
  /** Most fragments of one datagram. */
  readonly maxFragments: number
  /** Most bytes held by all of them. */
  readonly maxHeldBytes: number
  /** Nanoseconds of capture time after which a datagram is given up; identifications are used again. Default: 60 s, as in RFC 8200. */
  readonly maxAge: bigint
}

/** The default limits. */
export const fragmentLimits: FragmentLimits = {
  maxDatagrams: 1024,
  maxFragments: 8192,
  maxHeldBytes: 16 * 1024 * 1024,
  maxAge: BigInt(60_000_000_000)
}

/** A part of a datagram's payload. */
export interface Fragment {
  /** Same for all fragments of one datagram: addresses, identification, protocol. */
  readonly key: string
  readonly offset: number
  readonly bytes: Uint8Array
  readonly isLast: boolean
  /** Number of the frame it came in, and when, if the file says. */
  readonly frame: number
  readonly time: bigint | undefined
}

interface Datagram {
  readonly parts: Array<{ readonly offset: number; readonly bytes: Uint8Array }>
  readonly frames: Array<number>
  readonly begun: bigint | undefined
  held: number
  /** Payload size, known once the last fragment is there. */
  size: number | undefined
}

/** Receives the frames of a datagram that was given up. */
export type AbandonedPacket = (frames: ReadonlyArray<number>) => void

/** Puts datagrams together. */
export class Fragments {
  private readonly limits: FragmentLimits
  private readonly givenUp: AbandonedPacket
  private readonly datagrams = new Map<string, Datagram>()
  private heldBytes = 0

  constructor(givenUp: AbandonedPacket, limits: FragmentLimits = fragmentLimits) {
    this.givenUp = givenUp
    this.limits = limits
  }

  /** Takes a fragment; returns the payload of the datagram that it completes. */
  add({ bytes, frame, isLast, key, offset, time }: Fragment): Uint8Array | undefined {
    this.forgetOld(time)
    let datagram = this.datagrams.get(key)
    if (datagram === undefined) this.datagrams.set(key, datagram = { parts: [], frames: [], begun: time, held: 0, size: undefined })
    // a copy: views would keep whole chunks of the file alive
    datagram.parts.push({ offset, bytes: new Uint8Array(bytes) })
    datagram.frames.push(frame)
    datagram.held += bytes.length
    this.heldBytes += bytes.length
    if (isLast) datagram.size ??= offset + bytes.length
    const whole = join(datagram)
    if (whole !== undefined) this.remove(key, datagram)
    else if (datagram.parts.length > this.limits.maxFragments) this.giveUp(key, datagram)
    while (this.datagrams.size > this.limits.maxDatagrams || this.heldBytes > this.limits.maxHeldBytes) this.giveUpOldest()
    return whole
  }

  /** The capture has ended. */
  finish(): void {
    while (this.datagrams.size > 0) this.giveUpOldest()
  }

  private forgetOld(now: bigint | undefined): void {
    if (now === undefined) return
    for (const [key, datagram] of this.datagrams) {
      if (datagram.begun === undefined || now - datagram.begun <= this.limits.maxAge) return
      this.giveUp(key, datagram)
    }
  }

  private giveUpOldest(): void {
    for (const [key, datagram] of this.datagrams) return this.giveUp(key, datagram)
  }

  private giveUp(key: string, datagram: Datagram): void {
    this.remove(key, datagram)
    this.givenUp(datagram.frames)
  }

  private remove(key: string, { held }: Datagram): void {
    this.datagrams.delete(key)
    this.heldBytes -= held
  }
}

/** The payload, unless there are holes in it. */
const join = ({ held, parts, size }: Datagram): Uint8Array | undefined => {
  if (size === undefined || held < size) return undefined
  let reached = 0
  for (const { bytes, offset } of [...parts].sort((a, b) => a.offset - b.offset)) {
    if (offset > reached) return undefined
    reached = Math.max(reached, offset + bytes.length)
  }
  if (reached < size) return undefined
  const joined = new Uint8Array(size)
  // last captured first, so that what came first stays
  for (const { bytes, offset } of [...parts].reverse()) {
    if (offset < size) joined.set(bytes.length > size - offset ? bytes.subarray(0, size - offset) : bytes, offset)
  }
  return joined
}
