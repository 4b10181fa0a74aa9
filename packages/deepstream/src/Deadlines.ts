/**
 * Everything that has to happen by a certain time.
 *
 * A binary heap by time; what was cancelled stays in it until its time comes or until the cancelled ones are the most, so that a call that
 * is answered costs no search.
 */

/** Something that will happen. */
export interface Deadline {
  readonly at: number
  /** Undefined once it happened or was cancelled. */
  run: (() => void) | undefined
}

/** A set of deadlines. Times are milliseconds of any one clock. */
export class Deadlines {
  private heap: Array<Deadline> = []
  private cancelled = 0

  /** How many are still to come. */
  get size(): number {
    return this.heap.length - this.cancelled
  }

  /** The earliest time; undefined when nothing is to come. */
  get next(): number | undefined {
    while (this.heap.length > 0 && this.heap[0]!.run === undefined) {
      this.pop()
      this.cancelled--
    }
    return this.heap[0]?.at
  }

  add(at: number, run: () => void): Deadline {
    const { heap } = this
    const deadline: Deadline = { at, run }
    let place = heap.length
    heap.push(deadline)
    while (place > 0) {
      const parent = place - 1 >> 1
      if (heap[parent]!.at <= at) break
      heap[place] = heap[parent]!
      place = parent
    }
    heap[place] = deadline
    return deadline
  }

  cancel(deadline: Deadline | undefined): void {
    if (deadline === undefined || deadline.run === undefined) return
    deadline.run = undefined
    this.cancelled++
    if (this.cancelled > 64 && this.cancelled * 2 > this.heap.length) this.rebuild()
  }

  /** Runs all that is due, the earliest first, also what comes due by it. */
  run(now: number): void {
    for (let at = this.next; at !== undefined && at <= now; at = this.next) {
      const deadline = this.pop()
      const { run } = deadline
      deadline.run = undefined
      run?.()
    }
  }

  private pop(): Deadline {
    const { heap } = this
    const first = heap[0]!
    const last = heap.pop()!
    const size = heap.length
    if (size === 0) return first
    let place = 0
    for (let child = 1; child < size; child = place * 2 + 1) {
      if (child + 1 < size && heap[child + 1]!.at < heap[child]!.at) child++
      if (heap[child]!.at >= last.at) break
      heap[place] = heap[child]!
      place = child
    }
    heap[place] = last
    return first
  }

  private rebuild(): void {
    const alive = this.heap.filter(({ run }) => run !== undefined)
    // a sorted array is a heap
    this.heap = alive.sort((left, right) => left.at - right.at)
    this.cancelled = 0
  }
}
