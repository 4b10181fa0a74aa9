/** Writes of one record whose acknowledgement somebody waits for, by their version. */
import type { Deadline } from "./Deadlines.ts"
import type { DeepstreamReason } from "./DeepstreamError.ts"
import type { Settle } from "./Wire.ts"

interface Pending {
  readonly settle: Settle<void>
  readonly deadline: Deadline
}

/** How to wait. */
export interface Waiting {
  readonly after: (run: () => void) => Deadline
  readonly cancel: (deadline: Deadline) => void
  readonly late: () => DeepstreamReason
}

/** Who waits for which write. */
export class PendingWrites {
  private readonly waiting: Waiting
  private readonly versions = new Map<number, Array<Pending>>()

  constructor(waiting: Waiting) {
    this.waiting = waiting
  }

  /** `settle` hears of the write of this version, or that it came too late. */
  add(version: number, settle: Settle<void>): void {
    const pending: Pending = {
      settle,
      deadline: this.waiting.after(() => {
        const rest = (this.versions.get(version) ?? []).filter((other) => other !== pending)
        if (rest.length === 0) this.versions.delete(version)
        else this.versions.set(version, rest)
        settle.fail(this.waiting.late())
      })
    }
    const all = this.versions.get(version)
    if (all === undefined) this.versions.set(version, [pending])
    else all.push(pending)
  }

  /** Takes those who wait for a version, to be settled. */
  take(version: number): ReadonlyArray<Settle<void>> {
    const all = this.versions.get(version) ?? []
    this.versions.delete(version)
    for (const { deadline } of all) this.waiting.cancel(deadline)
    return all.map(({ settle }) => settle)
  }

  /** Takes those who wait for a version up to this one; for all, when none is given. */
  takeUpTo(version = Infinity): ReadonlyArray<Settle<void>> {
    return [...this.versions.keys()].filter((written) => written <= version).flatMap((written) => this.take(written))
  }
}
