/**
 * The writes of one record that are on their way, and what becomes of those whose outcome somebody waits for.
 *
 * A refusal (`VERSION_EXISTS`) does not say which write it refuses, and classic servers acknowledge what they refused, too. What is certain:
 *
 * - Servers tell every write they take to all who have the record open, except its writer. So a version that is told was written by somebody
 *   else, and ours of the same number is refused. It is told before ours is acknowledged.
 * - A write that is acknowledged, and was not told, is stored; so is everything we sent before it that was not told.
 * - When as many refusals came as writes are undecided, all of them are refused.
 *
 * A write that is refused waits for what the merge makes of it: it is gone, or part of another write, whose outcome is then its own.
 */
import type { Expected } from "./Answers.ts"
import type { DeepstreamReason } from "./DeepstreamError.ts"
import type { Letter } from "./Outbox.ts"
import type { Settle } from "./Wire.ts"

/** What became of an acknowledged write: the server stored it, or refused it and stored what it was merged into. */
export type WriteOutcome = "stored" | "merged"

interface Pending {
  readonly settle: Settle<WriteOutcome>
  readonly expected: Expected
  readonly merged: boolean
}

interface Version {
  waiting: Array<Pending>
  refused: boolean
  /** The server denied it. */
  denied: DeepstreamReason | undefined
  /** What the merge makes of it if it is refused: the version it is part of, or why it is gone. Undefined before a merge. */
  fate: number | DeepstreamReason | undefined
}

/** How to wait. */
export interface Waiting {
  readonly expect: (letter: Letter, late: () => void) => Expected
  readonly answered: (expected: Expected) => void
  readonly late: () => DeepstreamReason
}

/** How many separate runs of versions are remembered. Older ones are decided by what is told, or late. */
const maxRuns = 64

/** Who waits for which write. */
export class PendingWrites {
  private readonly waiting: Waiting
  private readonly versions = new Map<number, Version>()
  /** Versions that were sent and are undecided, as runs from the first to the last. */
  private undecided: Array<{ from: number; to: number }> = []
  /** Whether every refusal to come is of a write that was counted here: not of one that waited for the connection. */
  private exact = true
  /** Refusals still to come, of writes that are known to be refused. */
  private owed = 0
  /** Refusals that came for writes of which it is not known which they are. */
  private unexplained = 0

  constructor(waiting: Waiting) {
    this.waiting = waiting
  }

  /** Whether anybody waits. */
  get awaited(): boolean {
    return this.versions.size > 0
  }

  /** A write of this version was sent. `settle` hears of it, or that its outcome came too late. */
  add(version: number, letter: Letter, settle: Settle<WriteOutcome> | undefined): void {
    const run = this.undecided.at(-1)
    if (run !== undefined && run.to === version - 1) run.to = version
    else {
      this.undecided.push({ from: version, to: version })
      if (this.undecided.length > maxRuns) {
        this.undecided.shift()
        this.exact = false
      }
    }
    if (settle === undefined) return
    const pending: Pending = {
      settle,
      merged: false,
      expected: this.waiting.expect(letter, () => {
        let denied: DeepstreamReason | undefined
        for (const [at, entry] of this.versions) {
          if (!entry.waiting.some((other) => other.settle === settle)) continue
          denied = entry.denied
          entry.waiting = entry.waiting.filter((other) => other.settle !== settle)
          if (entry.waiting.length === 0) this.versions.delete(at)
        }
        settle.fail(denied ?? this.waiting.late())
      })
    }
    this.at(version).waiting.push(pending)
  }

  /** Writes that waited for the connection are on their way: their refusals cannot be told from others. */
  addUncounted(): void {
    this.exact = false
  }

  /** Whether a write of this version was sent and may be stored, for all that is known. */
  mayBeStored(version: number): boolean {
    return this.undecided.some(({ from, to }) => from <= version && version <= to)
  }

  /** Somebody else wrote this version. */
  told(version: number): void {
    if (!this.decide(version)) return
    if (!this.exact) return this.refuse(version)
    if (this.unexplained > 0) this.unexplained--
    else this.owed++
    this.refuse(version)
    this.explain()
  }

  /** The server refused a write. */
  refusal(): void {
    if (!this.exact) return
    if (this.owed > 0) {
      this.owed--
      return
    }
    this.unexplained++
    this.explain()
  }

  /** The server denied the write of this version. It is settled when it is known what the server has. */
  denied(version: number, reason: DeepstreamReason): boolean {
    this.decide(version)
    const entry = this.versions.get(version)
    if (entry === undefined) return false
    entry.denied = reason
    entry.refused = true
    return true
  }

  /** The server acknowledged this version, so it has answered all before it. Returns whether anybody waited for it. */
  acknowledged(version: number): boolean {
    const waited = this.stored(version)
    if (this.undecided.length === 0) this.forget()
    return waited
  }

  /** The server has this version, since somebody wrote on top of it. Returns whether anybody waited for it. */
  stored(version: number): boolean {
    const waited = this.versions.has(version)
    this.undecided = this.undecided.flatMap((run) => run.to <= version ? [] : [{ from: Math.max(run.from, version + 1), to: run.to }])
    if (this.undecided.length === 0 && this.unexplained > 0) this.exact = false
    for (const [at, { refused, waiting }] of this.versions) {
      if (at > version || refused) continue
      this.versions.delete(at)
      for (const { expected, merged, settle } of waiting) {
        this.waiting.answered(expected)
        settle.succeed(merged ? "merged" : "stored")
      }
    }
    return waited
  }

  /** The server could not store the write of this version. Returns whether anybody waited for it. */
  failed(version: number, reason: DeepstreamReason): boolean {
    this.decide(version)
    const entry = this.versions.get(version)
    this.versions.delete(version)
    if (entry !== undefined) this.fail(entry, reason)
    return entry !== undefined
  }

  /**
   * A merge was made: writes that are refused are gone, or part of the write of a version. Returns whether anybody waited.
   */
  resolve(fate: number | DeepstreamReason): boolean {
    let waited = false
    for (const [at, entry] of Array.from(this.versions)) {
      if (typeof fate === "number" && at >= fate) continue
      waited = true
      entry.fate ??= fate
      if (entry.refused) this.apply(at, entry)
    }
    return waited
  }

  /** All writes on their way were lost, and are part of the write of this version now. */
  again(version: number): void {
    this.forget()
    const entries = [...this.versions.values()]
    this.versions.clear()
    for (const { waiting } of entries) this.at(version).waiting.push(...waiting)
  }

  /** Nothing is on its way any more: the connection is lost, or the record is over. */
  end(reason: DeepstreamReason): void {
    this.forget()
    const entries = [...this.versions.values()]
    this.versions.clear()
    for (const entry of entries) this.fail(entry, entry.denied ?? reason)
  }

  private forget(): void {
    this.undecided = []
    this.owed = this.unexplained = 0
    this.exact = true
  }

  private at(version: number): Version {
    const found = this.versions.get(version)
    if (found !== undefined) return found
    const made: Version = { waiting: [], refused: false, denied: undefined, fate: undefined }
    this.versions.set(version, made)
    return made
  }

  /** Takes a version from the undecided ones; says whether it was one. */
  private decide(version: number): boolean {
    const at = this.undecided.findIndex(({ from, to }) => from <= version && version <= to)
    if (at < 0) return false
    const { from, to } = this.undecided[at]!
    this.undecided.splice(
      at,
      1,
      ...from < version ? [{ from, to: version - 1 }] : [],
      ...version < to ? [{ from: version + 1, to }] : []
    )
    return true
  }

  /** When there are as many refusals as undecided writes, it is all of them. */
  private explain(): void {
    const count = this.undecided.reduce((sum, { from, to }) => sum + to - from + 1, 0)
    if (this.unexplained < count || count === 0) return
    const runs = this.undecided
    this.undecided = []
    this.unexplained = 0
    for (const version of Array.from(this.versions.keys())) {
      if (runs.some(({ from, to }) => from <= version && version <= to)) this.refuse(version)
    }
  }

  private refuse(version: number): void {
    const entry = this.versions.get(version)
    if (entry === undefined) return
    entry.refused = true
    if (entry.fate !== undefined) this.apply(version, entry)
  }

  private apply(version: number, entry: Version): void {
    const { fate } = entry
    this.versions.delete(version)
    if (entry.denied !== undefined) return this.fail(entry, entry.denied)
    if (typeof fate !== "number") return this.fail(entry, fate!)
    for (const pending of entry.waiting) this.at(fate).waiting.push({ ...pending, merged: true })
  }

  private fail({ waiting }: Version, reason: DeepstreamReason): void {
    for (const { expected, settle } of waiting) {
      this.waiting.answered(expected)
      settle.fail(reason)
    }
  }
}
