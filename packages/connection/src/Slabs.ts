/**
 * Memory that a connection is read into, each part of it once: views into what was read stay valid, and nothing is copied.
 *
 * Consecutive reads lie side by side, so a packet that crosses two of them is whole. What is unfinished at the end of a slab moves to the next
 * one, so packets that would have a part there worth moving are read to their ends exactly, and the next one is peeked at. A packet that does
 * not fit is read into a buffer of its size.
 *
 * A view that is kept keeps its slab alive, which is 16 to 256 KiB by how much comes at a time, or a packet of more than 128 KiB. Pure.
 */
import type { Unfinished } from "@wirewright/codec"

/** What is read at once, unless a packet lacks more. */
const readSize = 64 * 1024
const smallestSlab = 16 * 1024
const largestSlab = 256 * 1024
/** Least room of a slab that is worth a read. */
const leastRoom = 16 * 1024
/** Bytes of an average read from which slabs grow, and below which they shrink. */
const muchPerRead = 1024
const littlePerRead = 256
/** Packets of more bytes have a buffer of their own. */
const largestInSlab = 128 * 1024
/** Moving a part of packets up to this size is cheaper than reading them one by one. */
const worthMoving = 8 * 1024
/** What is read of a packet that is likely to be large: enough to know how large. */
const peek = 128

/** Makes memory that need not be zero: clearing it was a third of what events of 1 KiB cost. */
export type Allocate = (size: number) => Uint8Array<ArrayBuffer>

/** Nothing is ever unfinished where nobody says so. */
const nothing: Unfinished = { buffered: 0, lacking: undefined, wanted: 0, moveTo: () => {} }

/** Where a connection is read to. */
export class Slabs {
  private readonly allocate: Allocate
  private readonly unfinished: Unfinished
  private slab: Uint8Array<ArrayBuffer>
  private used = 0
  /** Reads into the slab. */
  private reads = 0
  /** The slab that waits while a packet is read into a buffer of its own. */
  private waiting: Uint8Array<ArrayBuffer> | undefined
  private waitingUsed = 0
  /** Size of the packet that was unfinished last; the next one may be like it. */
  private last = 0

  constructor(allocate: Allocate, unfinished: Unfinished = nothing) {
    this.allocate = allocate
    this.unfinished = unfinished
    this.slab = allocate(smallestSlab)
  }

  /** Room for the next read: at least a byte. */
  readonly room = (): Uint8Array => {
    const { buffered, wanted } = this.unfinished
    if (this.left < (wanted || this.least(buffered))) this.turn(buffered, wanted)
    return this.slab.subarray(this.used, this.used + Math.min(this.left, this.size(buffered, wanted)))
  }

  /** What was read into the last room. */
  taken(length: number): Uint8Array {
    const bytes = new Uint8Array(this.slab.buffer, this.used, length)
    this.used += length
    this.reads++
    return bytes
  }

  private get left(): number {
    return this.slab.length - this.used
  }

  /** Least room of a slab that is worth a read. A packet that has a buffer of its own ends there, however little room that has. */
  private least(buffered: number): number {
    return this.waiting !== undefined && buffered > largestInSlab / 2 ? 1 : Math.min(leastRoom, this.slab.length / 4)
  }

  /** Bytes to read: of large packets no more than fit whole, if all are like the one that was unfinished last, and the head of the next. */
  private size(buffered: number, wanted: number): number {
    const size = wanted > 0 ? buffered + wanted : buffered <= peek ? this.last : 0
    // what is peeked at says how large it is, or is not large
    if (wanted > 0 || buffered === 0) this.last = wanted > 0 ? size : 0
    const most = Math.max(wanted, readSize)
    if (size <= worthMoving) return most
    return Math.min(most, wanted + Math.floor((this.left - wanted) / size) * size + peek)
  }

  /** Goes on elsewhere, where what is unfinished has room. */
  private turn(buffered: number, wanted: number): void {
    const { lacking } = this.unfinished
    // where it is not known how long it gets, there is room for what ends it, and twice as much as there is, so that it does not move often
    const size = lacking === undefined ? Math.max(buffered + wanted + peek, 2 * buffered) : buffered + lacking
    if (size > largestInSlab) {
      if (this.waiting === undefined) {
        this.waiting = this.slab
        this.waitingUsed = this.used
      }
      this.slab = this.allocate(size)
      this.used = 0
    } else {
      const { waiting } = this
      this.waiting = undefined
      if (waiting === undefined) this.next(size)
      else {
        this.slab = waiting
        this.used = this.waitingUsed
        if (this.left < Math.max(size, this.least(buffered))) this.next(size)
      }
    }
    if (buffered === 0) return
    this.unfinished.moveTo(this.slab.subarray(this.used))
    this.used += buffered
  }

  /** Goes on in a new slab: a larger one where much comes at a time, a smaller one where little does. */
  private next(size: number): void {
    const { length } = this.slab
    const perRead = length / this.reads
    const wanted = perRead >= muchPerRead ? length * 4 : perRead < littlePerRead ? length / 4 : length
    const least = size > smallestSlab ? largestSlab : smallestSlab
    this.slab = this.allocate(Math.min(largestSlab, Math.max(least, wanted)))
    this.used = 0
    this.reads = 0
  }
}
