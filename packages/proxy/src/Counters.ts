/** What a proxy counts, by opcode. It never reads packets and knows no client. */
import { requestCommands, Status } from "@wirewright/memcached/gen"

/** Counts of one opcode. */
export interface OpcodeCounts {
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
  get byOpcode(): { readonly [label: string]: OpcodeCounts } {
    const out: Record<string, OpcodeCounts> = {}
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
