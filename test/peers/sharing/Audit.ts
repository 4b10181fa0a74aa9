/** What the list of deeds says of owners and of standstills. Pure. */
import * as Arr from "effect/Array"

/** An owner's time with a slice, as its batches and saves show it. */
export interface Term {
  readonly slice: number
  readonly epoch: number
  readonly owner: string
  /** Milliseconds: when it was taken over, its first and last batch, and its last saving. */
  readonly opened: number
  readonly first: number
  readonly last: number
  readonly saved: number
}

/** Milliseconds of a move: how long the slice stood still, of which for its checkpoints, for its next owner, and for his first batch. */
export interface Standstill {
  readonly all: number
  readonly drain: number
  readonly handOver: number
  readonly takeOver: number
}

/** Something that was done to the processes. */
export interface Happening {
  readonly at: number
  readonly kind: string
  /** Owned slices by process, before and after. */
  readonly before: ReadonlyMap<string, ReadonlyArray<number>>
  after: ReadonlyMap<string, ReadonlyArray<number>>
  readonly members: number
}

/** What was between the last batch of an owner and the first of the next, by what happened before. */
export const standstills = (
  terms: ReadonlyArray<Term>,
  happenings: ReadonlyArray<Happening>
): ReadonlyMap<string, ReadonlyArray<Standstill>> => {
  const found = new Map<string, Array<Standstill>>()
  const bySlice = Arr.groupBy(terms, ({ slice }) => String(slice))
  for (const some of Object.values(bySlice)) {
    const own = some.toSorted((left, right) => left.epoch - right.epoch)
    for (const [index, term] of own.entries()) {
      const before = own[index - 1]
      if (before === undefined || before.owner === term.owner) continue
      const kind = happenings.findLast(({ at }) => at <= term.first)?.kind ?? "start"
      const ended = Math.max(before.last, before.saved)
      const standstill = {
        all: term.first - before.last,
        drain: ended - before.last,
        handOver: term.opened - ended,
        takeOver: term.first - term.opened
      }
      found.set(kind, [...found.get(kind) ?? [], standstill])
    }
  }
  return found
}

/** Slices that have another owner after than before; those that had none are not counted. */
export const movedBy = ({ after, before }: Happening): number => {
  const ownerAfter = new Map([...after].flatMap(([name, owned]) => owned.map((slice) => [slice, name] as const)))
  let moved = 0
  for (const [name, owned] of before) for (const slice of owned) if (ownerAfter.get(slice) !== name) moved++
  return moved
}

/** The median and the worst. */
export const spread = (all: ReadonlyArray<number>): readonly [median: number, worst: number] => {
  const sorted = [...all].sort((a, b) => a - b)
  return [sorted[Math.floor(sorted.length / 2)] ?? 0, sorted.at(-1) ?? 0]
}
