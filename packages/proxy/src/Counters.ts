/** What a proxy counts, by command. It never reads packets and knows no client. */
import { requestCommands, Status } from "@wirewright/memcached/gen"

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

/** Counters that all connections of a proxy share. */
export class Counters {
  private readonly requests = new Float64Array(256)
  private readonly answers = new Float64Array(256)
  private readonly silent = new Float64Array(256)
  private readonly errors = new Float64Array(256)

  requested(opcode: number): void {
    this.requests[opcode]!++
  }

  answered(opcode: number, status: number): void {
    this.answers[opcode]!++
    if (status !== Status.Success) this.errors[opcode]!++
  }

  silenced(opcode: number, status: number): void {
    this.silent[opcode]!++
    if (status !== Status.Success) this.errors[opcode]!++
  }

  /** Counts by the names the field gives the opcodes; those that never came are left out. */
  get byOpcode(): { readonly [label: string]: CommandCounts } {
    const out: Record<string, CommandCounts> = {}
    for (let opcode = 0; opcode < 256; opcode++) {
      if (this.requests[opcode] === 0) continue
      const label = requestCommands[opcode]?.label ?? `0x${opcode.toString(16).padStart(2, "0")}`
      out[label] = {
        requests: this.requests[opcode]!,
        answers: this.answers[opcode]!,
        silent: this.silent[opcode]!,
        errors: this.errors[opcode]!
      }
    }
    return out
  }
}

/** Counters of commands that are known by their words. */
export class CommandCounters {
  private readonly counts = new Map<string, { -readonly [K in keyof CommandCounts]: CommandCounts[K] }>()

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

  /** Counts by command; those that never came are left out. */
  get byCommand(): { readonly [label: string]: CommandCounts } {
    return Object.fromEntries([...this.counts].map(([label, counts]) => [label, { ...counts }]))
  }

  private of(label: string) {
    let counts = this.counts.get(label)
    if (counts === undefined) this.counts.set(label, counts = { requests: 0, answers: 0, silent: 0, errors: 0 })
    return counts
  }
}
