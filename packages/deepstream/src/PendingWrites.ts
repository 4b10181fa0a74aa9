/**
 * The writes of one record that are on their way, and what becomes of those whose outcome is awaited.
 *
 * A refusal (`VERSION_EXISTS`) does not say which write it refuses, and classic servers acknowledge what they refused, too. What is certain:
 *
 * - Servers tell every write they take to all who have the record open, except its writer, in the order of versions, and at times later than
 *   they acknowledge. So a version that is told was written by another client, and ours of the same number is refused; one that was not
 *   told when a later one is, was taken.
 * - A refusal comes before the acknowledgement of what it refuses, and names a version at least as high. So what is acknowledged is stored
 *   unless a refusal came that may be its own: then it waits until that is explained by what is told.
 * - When as many refusals came as writes are undecided, all of them are refused.
 *
 * A write that is refused waits for what the merge makes of it: it is gone, or part of another write, whose outcome is then its own.
 */
import type { Expected } from "./Answers.ts"
import { AckTimeout, type DeepstreamReason } from "./DeepstreamError.ts"
import type { Letter } from "./Outbox.ts"
import type { Settle, Wire } from "./Wire.ts"

/** What became of an acknowledged write: the server stored it, or refused it and stored what it was merged into. */
export type WriteOutcome = "stored" | "merged"

interface Pending {
  readonly settle: Settle<WriteOutcome>
  readonly expected: Expected
  readonly merged: boolean
}

interface Version {
  waiting: Array<Pending>
  acknowledged: boolean
  refused: boolean
  /** The server denied it. */
  denied: DeepstreamReason | undefined
  /** What the merge makes of it if it is refused: the version it is part of, or why it is gone. Undefined before a merge. */
  fate: number | DeepstreamReason | undefined
}

/** Versions from the first to the last; `assumed` when they may never have been sent. */
interface Run {
  from: number
  to: number
  readonly assumed: boolean
}

/** How many separate runs of versions are remembered. Older ones are decided by what is told, or late. */
const maxRuns = 64

// most records are only read: what is empty is shared by all of them, and nothing is put into it
const noVersions = new Map<number, never>()
const noRuns: Array<Run> = []
const noNumbers: Array<number> = []

/** Who waits for which write. */
export class PendingWrites {
  private readonly wire: Wire
  private readonly name: string
  private versions: Map<number, Version> = noVersions
  /** Versions that were sent and are undecided, as runs from the first to the last. */
  private undecided: Array<Run> = noRuns
  /** Refusals still to come, of writes that are known to be refused. */
  private owed = 0
  /** The versions that refusals named, of which it is not known what they refuse. */
  private unexplained: Array<number> = noNumbers

  constructor(wire: Wire, name: string) {
    this.wire = wire
    this.name = name
  }

  /** Writes whose outcome is not known. */
  get size(): number {
    return this.versions.size
  }

  /** Whether a caller waits. */
  get awaited(): boolean {
    return this.versions.size > 0
  }

  /** A write of this version was sent. `settle` hears of it, or that its outcome came too late. */
  add(version: number, letter: Letter, settle: Settle<WriteOutcome> | undefined): void {
    const run = this.undecided.at(-1)
    if (run !== undefined && !run.assumed && run.to === version - 1) run.to = version
    else {
      this.undecided = [...this.undecided, { from: version, to: version, assumed: false }]
      if (this.undecided.length > maxRuns) this.undecided.shift()
    }
    if (settle === undefined) return
    const pending: Pending = {
      settle,
      merged: false,
      expected: this.wire.expect(this.wire.options.recordWriteTimeout, letter, () => {
        let denied: DeepstreamReason | undefined
        for (const [at, entry] of this.versions) {
          if (!entry.waiting.some((other) => other.settle === settle)) continue
          denied = entry.denied
          entry.waiting = entry.waiting.filter((other) => other.settle !== settle)
          if (entry.waiting.length === 0) this.versions.delete(at)
        }
        settle.fail(denied ?? new AckTimeout({ topic: "R", subject: this.name }))
      })
    }
    this.at(version).waiting.push(pending)
  }

  /** A new connection, on which these versions may arrive or not. */
  assume(from: number, to: number): void {
    this.undecided = [{ from, to, assumed: true }]
  }

  /** Whether a write of this version was sent and may be stored, for all that is known. */
  mayBeStored(version: number): boolean {
    return this.undecided.some(({ from, to }) => from <= version && version <= to)
  }

  /** Whether no refusal came that may be of this version. */
  isExplained(version: number): boolean {
    return !this.unexplained.some((named) => named >= version)
  }

  /** Somebody else wrote this version. */
  told(version: number): void {
    const run = this.decide(version)
    if (run !== undefined) {
      const at = this.unexplained.findIndex((named) => named >= version)
      if (at >= 0) this.unexplained.splice(at, 1)
      else if (!run.assumed) this.owed++
      this.refuse(version)
    }
    // what it explains was told before
    this.unexplained = this.unexplained.filter((named) => named >= version)
    this.stored(version - 1)
    this.explain()
  }

  /** The server refused a write, and said which version it has. */
  refusal(named: number): void {
    if (this.owed > 0) this.owed--
    else if (this.undecided.length > 0) this.unexplained = [...this.unexplained, named]
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

  /** The server acknowledged this version; `certainly` when it acknowledges nothing that it refused. Returns whether a caller waited for it. */
  acknowledged(version: number, certainly: boolean): boolean {
    const entry = this.versions.get(version)
    if (this.unexplained.length === 0) {
      // everything before it was answered
      this.undecided = this.undecided.flatMap((run) => run.to <= version ? [] : [{ ...run, from: Math.max(run.from, version + 1) }])
    }
    if (certainly || this.isExplained(version)) this.take(version)
    else if (entry !== undefined) entry.acknowledged = true
    return entry !== undefined
  }

  /** The server took all up to this version that no other client was told to have written. */
  stored(version: number): void {
    this.undecided = this.undecided.flatMap((run) => run.to <= version ? [] : [{ ...run, from: Math.max(run.from, version + 1) }])
    for (const at of Array.from(this.versions.keys())) if (at <= version) this.take(at)
  }

  /** The server could not store the write of this version. Returns whether a caller waited for it. */
  failed(version: number, reason: DeepstreamReason): boolean {
    this.decide(version)
    const entry = this.versions.get(version)
    this.versions.delete(version)
    if (entry !== undefined) this.fail(entry, reason)
    return entry !== undefined
  }

  /**
   * A merge was made: writes that are refused are gone, or part of the write of a version. Returns whether a caller waited.
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
    this.undecided = noRuns
    this.owed = 0
    this.unexplained = noNumbers
  }

  /** The server has this version of ours, unless it is refused. */
  private take(version: number): void {
    const entry = this.versions.get(version)
    if (entry === undefined || entry.refused) return
    this.decide(version)
    this.versions.delete(version)
    for (const { expected, merged, settle } of entry.waiting) {
      this.wire.answered(expected)
      settle.succeed(merged ? "merged" : "stored")
    }
  }

  private at(version: number): Version {
    const found = this.versions.get(version)
    if (found !== undefined) return found
    const made: Version = { waiting: [], acknowledged: false, refused: false, denied: undefined, fate: undefined }
    if (this.versions === noVersions) this.versions = new Map()
    this.versions.set(version, made)
    return made
  }

  /** Takes a version from the undecided ones; returns the run that it was part of. */
  private decide(version: number): Run | undefined {
    const at = this.undecided.findIndex(({ from, to }) => from <= version && version <= to)
    const run = this.undecided[at]
    if (run === undefined) return undefined
    const parts = [{ ...run, to: version - 1 }, { ...run, from: version + 1 }].filter(({ from, to }) => from <= to)
    this.undecided.splice(at, 1, ...parts)
    return run
  }

  /** Decides what can be. */
  private explain(): void {
    const count = this.undecided.reduce((sum, { from, to }) => sum + to - from + 1, 0)
    if (count > 0 && this.unexplained.length >= count) {
      // a refusal names a version that is at least as high as what it refuses
      const named = this.unexplained.reduce((highest, other) => Math.max(highest, other), 0)
      const refused = Array.from(this.versions.keys()).filter((version) => version <= named && this.mayBeStored(version))
      this.undecided = this.undecided.flatMap((run) => run.to <= named ? [] : [{ ...run, from: Math.max(run.from, named + 1) }])
      this.unexplained = []
      for (const version of refused) this.refuse(version)
    }
    for (const [version, { acknowledged }] of Array.from(this.versions)) if (acknowledged && this.isExplained(version)) this.take(version)
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
      this.wire.answered(expected)
      settle.fail(reason)
    }
  }
}
