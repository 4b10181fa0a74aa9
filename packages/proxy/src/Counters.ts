/** What a proxy counts, by command. It never reads packets and knows no client. */
import { Opcode, requestCommands, Status } from "@wirewright/memcached/gen"

/** Counts of one command. */
export interface CommandCounts {
  readonly requests: number
  /** Packets sent to clients, STAT's many included. */
  readonly answers: number
  /** Answers of quiet commands that were not passed on. */
  readonly silent: number
  /** Answers with a status other than success, silent ones included. */
  readonly errors: number
}

/** Keys that were asked for. */
export interface Lookups {
  readonly hits: number
  readonly misses: number
}

/** Commands that read the document of a key. */
const lookups: ReadonlyArray<number> = [
  Opcode.Get,
  Opcode.GetQ,
  Opcode.GetK,
  Opcode.GetKQ,
  Opcode.Gat,
  Opcode.GatQ,
  Opcode.GatK,
  Opcode.GatKQ
]

const labelOf = (opcode: number): string => requestCommands[opcode]?.label ?? `0x${opcode.toString(16).padStart(2, "0")}`

/** Told of each command when it comes for the first time: its name, and what is counted of it. */
type Told = (label: string, counts: () => CommandCounts) => void

/** Counters that all connections of a proxy share. */
export class Counters {
  private readonly first: Told | undefined
  private readonly misses = new Float64Array(256)
  private readonly requests = new Float64Array(256)
  private readonly answers = new Float64Array(256)
  private readonly silent = new Float64Array(256)
  private readonly errors = new Float64Array(256)

  constructor(first?: Told) {
    this.first = first
  }

  requested(opcode: number): void {
    if (this.requests[opcode]!++ === 0) this.first?.(labelOf(opcode), () => this.of(opcode))
  }

  answered(opcode: number, status: number): void {
    this.answers[opcode]!++
    if (status !== Status.Success) this.failed(opcode, status)
  }

  silenced(opcode: number, status: number): void {
    this.silent[opcode]!++
    if (status !== Status.Success) this.failed(opcode, status)
  }

  private failed(opcode: number, status: number): void {
    this.errors[opcode]!++
    if (status === Status.KeyEnoent) this.misses[opcode]!++
  }

  private of(opcode: number): CommandCounts {
    return {
      requests: this.requests[opcode]!,
      answers: this.answers[opcode]!,
      silent: this.silent[opcode]!,
      errors: this.errors[opcode]!
    }
  }

  get lookups(): Lookups {
    let hits = 0
    let misses = 0
    for (const opcode of lookups) {
      hits += this.answers[opcode]! + this.silent[opcode]! - this.errors[opcode]!
      misses += this.misses[opcode]!
    }
    return { hits, misses }
  }

  /** Counts by the names the field gives the opcodes; those that never came are left out. */
  get byOpcode(): { readonly [label: string]: CommandCounts } {
    const out: Record<string, CommandCounts> = {}
    for (let opcode = 0; opcode < 256; opcode++) {
      if (this.requests[opcode] === 0) continue
      out[labelOf(opcode)] = this.of(opcode)
    }
    return out
  }
}

/** Counters of commands that are known by their words. */
export class CommandCounters {
  private found = 0
  private missed = 0
  private readonly first: Told | undefined
  private readonly counts = new Map<string, { -readonly [K in keyof CommandCounts]: CommandCounts[K] }>()

  constructor(first?: Told) {
    this.first = first
  }

  requested(label: string): void {
    this.of(label).requests++
  }

  answered(label: string): void {
    this.of(label).answers++
  }

  silenced(label: string): void {
    this.of(label).silent++
  }

  failed(label: string): void {
    this.of(label).errors++
  }

  /** Of keys that were read so many were there, and so many were not. Keys that were refused are neither. */
  looked(found: number, missed: number): void {
    this.found += found
    this.missed += missed
  }

  get lookups(): Lookups {
    return { hits: this.found, misses: this.missed }
  }

  /** Counts by command; those that never came are left out. */
  get byCommand(): { readonly [label: string]: CommandCounts } {
    return Object.fromEntries([...this.counts].map(([label, counts]) => [label, { ...counts }]))
  }

  private of(label: string) {
    const counts = this.counts.get(label)
    if (counts !== undefined) return counts
    const made = { requests: 0, answers: 0, silent: 0, errors: 0 }
    this.counts.set(label, made)
    this.first?.(label, () => made)
    return made
  }
}
