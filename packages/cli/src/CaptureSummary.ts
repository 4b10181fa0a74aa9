/** Counts what a capture holds: packets by opcode and direction, statuses, vbuckets, seqno ranges, and what did not decode. */
import type { Flow } from "@wirewright/capture"
import type { Conversation, DecodedPacket, PendingRequest, SentPacket } from "@wirewright/inspector/reading"
import { counted } from "./Failure.ts"

/** Most conversations listed one by one. */
const maxListed = 1000

interface Tally {
  c2s: number
  s2c: number
  /** Responses that found their request. */
  paired: number
}

interface FlowTally extends Tally {
  readonly flow: Flow
  bytes: number
  troubles: number
  skipped: number
  end: string
}

const empty = (): Tally => ({ c2s: 0, s2c: 0, paired: 0 })

const entryOf = <K, A>(map: Map<K, A>, key: K, make: () => A): A => {
  let value = map.get(key)
  if (value === undefined) map.set(key, value = make())
  return value
}

const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): Array<string> => {
  const widths = (rows[0] ?? []).map((_, i) => rows.reduce((most, row) => Math.max(most, row[i]!.length), 0))
  return rows.map((row) => `  ${row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ")}`.trimEnd())
}

const byCount = <A>(entries: Iterable<readonly [A, number]>): Array<readonly [A, number]> => [...entries].sort((a, b) => b[1] - a[1])

/** Ranges of numbers: `0-3, 7`. */
const ranges = (numbers: Iterable<number>): string => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const parts: Array<string> = []
  for (let i = 0; i < sorted.length; i++) {
    const first = sorted[i]!
    while (sorted[i + 1] === sorted[i]! + 1) i++
    parts.push(first === sorted[i] ? `${first}` : `${first}-${sorted[i]}`)
  }
  return parts.join(", ")
}

/** Counts while a capture is read. */
export class CaptureSummary {
  private readonly commands = new Map<string, Tally>()
  private readonly statuses = new Map<string, number>()
  private readonly vbuckets = new Set<number>()
  private readonly seqnos = new Map<number, { low: bigint; high: bigint; count: number }>()
  private readonly flows = new Map<number, FlowTally>()
  private readonly errors = new Map<string, number>()
  packets = 0

  flow(flow: Flow): void {
    if (this.flows.size < maxListed) this.flows.set(flow.number, { flow, ...empty(), bytes: 0, troubles: 0, skipped: 0, end: "" })
  }

  closed(conversation: Conversation, how: string): void {
    const tally = this.flows.get(conversation.flow.number)
    if (tally === undefined) return
    tally.end = how
    tally.skipped = conversation.skipped
  }

  packet({ facts, length }: DecodedPacket, { direction, flow }: SentPacket, asked: PendingRequest | undefined): void {
    this.packets++
    const conversation = this.flows.get(flow.number)
    for (const tally of [entryOf(this.commands, facts.command, empty), conversation]) if (tally !== undefined) tally[direction]++
    if (asked !== undefined) {
      const command = asked.command === undefined ? undefined : entryOf(this.commands, asked.command, empty)
      for (const tally of [command, conversation]) if (tally !== undefined) tally.paired++
    }
    const own = this.flows.get(flow.number)
    if (own !== undefined) own.bytes += length
    if (facts.status !== undefined) this.statuses.set(facts.status, (this.statuses.get(facts.status) ?? 0) + 1)
    if (facts.vbucket === undefined || facts.bySeqno === undefined) return
    const seqno = facts.bySeqno
    this.vbuckets.add(facts.vbucket)
    const range = entryOf(this.seqnos, facts.vbucket, () => ({ low: seqno, high: seqno, count: 0 }))
    range.count++
    if (seqno < range.low) range.low = seqno
    if (seqno > range.high) range.high = seqno
  }

  trouble(flow: Flow, what: string): void {
    const tally = this.flows.get(flow.number)
    if (tally !== undefined) tally.troubles++
    this.errors.set(what, (this.errors.get(what) ?? 0) + 1)
  }

  /** The summary, line by line. */
  lines(): ReadonlyArray<string> {
    const out = [`Summary: ${counted(this.packets, "packet")} in ${counted(this.flows.size, "conversation")}`]
    if (this.flows.size > 0) {
      out.push("Conversations:")
      out.push(...columns([
        ["flow", "c2s", "s2c", "answered", "bytes", "undecoded", "end"],
        ...[...this.flows.values()].map((tally) => [
          `#${tally.flow.number} ${tally.flow.client} > ${tally.flow.server}${tally.flow.midStream ? " (from the middle)" : ""}`,
          String(tally.c2s),
          String(tally.s2c),
          String(tally.paired),
          String(tally.bytes),
          tally.troubles === 0 && tally.skipped === 0
            ? "-"
            : `${counted(tally.troubles, "fault")}, ${counted(tally.skipped, "stray byte")}`,
          tally.end
        ])
      ]))
    }
    if (this.commands.size > 0) {
      out.push("Opcodes:")
      const rows = [...this.commands].sort(([, a], [, b]) => b.c2s + b.s2c - a.c2s - a.s2c)
      out.push(
        ...columns([
          ["", "c2s", "s2c", "answered"],
          ...rows.map(([name, { c2s, paired, s2c }]) => [name, String(c2s), String(s2c), String(paired)])
        ])
      )
    }
    if (this.statuses.size > 0) out.push(`Statuses: ${byCount(this.statuses).map(([name, count]) => `${name} ${count}`).join(", ")}`)
    if (this.seqnos.size > 0) {
      out.push(`Vbuckets with changes: ${ranges(this.vbuckets)}`, "Seqno ranges:")
      const rows = [...this.seqnos].sort(([a], [b]) => a - b)
      out.push(...columns([
        ["vbucket", "from", "to", "changes"],
        ...rows.map(([vbucket, { count, high, low }]) => [String(vbucket), String(low), String(high), String(count)])
      ]))
    }
    out.push(
      this.errors.size === 0
        ? "Did not decode: nothing"
        : `Did not decode: ${byCount(this.errors).map(([what, count]) => `${what} ${count}`).join(", ")}`
    )
    return out
  }
}
