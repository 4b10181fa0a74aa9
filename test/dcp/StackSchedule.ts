/** Schedules of the whole-stack simulation: what is set for all of it, and what happens one after the other, from a seed. Data; `Stack` plays it. */
import { random } from "@wirewright/testing"

/** How a consumer comes to its end: it saves what was processed; the process is killed; or the next one begins before it has ended. */
export type Ending = "graceful" | "killed" | "overtaken"

/** Why a node ends a stream. */
export type EndReason = "Ok" | "Closed" | "Slow" | "BackfillFail" | "LostPrivileges" | "StateChanged"

/** What a node answers to a stream request instead of what is right. */
export type Trouble =
  | "Etmpfail"
  | "Enomem"
  | "NotMyVbucket"
  | "KeyEexists"
  | "UnknownCollection"
  | "Erange"
  /** A stream with an empty failover log, which no server sends. */
  | "no failover log"
  /** A rollback to the seqno before, though nothing was lost. */
  | "rollback by one"
  /** A stream that ends after its first change. */
  | "one change"

/** One thing that happens. */
export type Step =
  | { readonly kind: "write"; readonly vbucket: number; readonly keys: ReadonlyArray<number> }
  | { readonly kind: "remove"; readonly vbucket: number; readonly key: number }
  | { readonly kind: "close checkpoint" | "evict"; readonly vbucket: number }
  /** Forgets tombstones, but for the newest seqnos. */
  | { readonly kind: "purge"; readonly vbucket: number; readonly kept: number }
  /** Without the newest changes; of those that are left, the newest `unpersisted` belong to the new branch. */
  | {
    readonly kind: "fail over"
    readonly vbucket: number
    readonly lost: number
    readonly unpersisted: number
    readonly cut: boolean
  }
  | { readonly kind: "cut" | "freeze" }
  /** To another node, as a rebalance does. */
  | { readonly kind: "move"; readonly vbucket: number; readonly node: number }
  /** The node ends the stream. */
  | { readonly kind: "end stream"; readonly vbucket: number; readonly reason: EndReason }
  /** The node ends the stream, and answers the next requests in other ways than with a stream. */
  | { readonly kind: "trouble"; readonly vbucket: number; readonly answers: ReadonlyArray<Trouble> }
  /** The next consumer of the slice takes what is there now, then ends, and another one begins. */
  | { readonly kind: "run to now"; readonly slice: number; readonly ending: Ending }
  | { readonly kind: "restart"; readonly slice: number; readonly ending: Ending }
  | { readonly kind: "hand over"; readonly slice: number; readonly ending: Ending }
  | { readonly kind: "pause"; readonly milliseconds: number }

/** What an application does wrong. */
export type Mistake =
  /** It keeps what a failed node took with it. */
  | "does not undo"
  /** It says that a change is processed before it is. */
  | "answers too early"

/** A schedule. */
export interface StackSchedule {
  readonly seed: number
  /** The vbuckets of each slice; each has a consumer of its own, and a group of its own in the one store. */
  readonly slices: ReadonlyArray<ReadonlyArray<number>>
  readonly nodes: number
  readonly onRollback: "undo" | "rebuild"
  /** Longest piece in which bytes arrive. */
  readonly chop: number | undefined
  readonly window: number
  /** Times in milliseconds. */
  readonly commitInterval: number
  readonly handling: number
  readonly undoing: number
  readonly saving: number
  readonly concurrency: number
  readonly steps: ReadonlyArray<Step>
  readonly mistake?: Mistake
}

/** Keys of a vbucket. */
const keys = 8

const endings: ReadonlyArray<Ending> = ["graceful", "killed", "killed", "overtaken"]

const endReasons: ReadonlyArray<EndReason> = ["Ok", "Closed", "Slow", "BackfillFail", "LostPrivileges", "StateChanged"]
const troubles: ReadonlyArray<Trouble> = [
  "Etmpfail",
  "Enomem",
  "NotMyVbucket",
  "KeyEexists",
  "UnknownCollection",
  "Erange",
  "no failover log",
  "rollback by one"
]

/** The schedule of a seed. */
export const scheduleOf = (seed: number): StackSchedule => {
  const below = random(seed)
  const one = <A>(of: ReadonlyArray<A>): A => of[below(of.length)]!
  const slices = one([[[0, 1]], [[0], [1]], [[0, 2], [1]]])
  const vbuckets = slices.flat().length
  const nodes = one([1, 2])
  /** Histories grow long only where little is lost. */
  const mostLost = one([4, 12, 40])
  const step = (): Step => {
    const vbucket = below(vbuckets)
    const dice = below(100)
    if (dice < 44) return { kind: "write", vbucket, keys: Array.from({ length: 1 + below(6) }, () => below(keys)) }
    if (dice < 52) return { kind: "remove", vbucket, key: below(keys) }
    if (dice < 56) return { kind: "close checkpoint", vbucket }
    if (dice < 60) return { kind: "evict", vbucket }
    if (dice < 64) return { kind: "purge", vbucket, kept: below(8) }
    if (dice < 71) {
      const lost = below(3) === 0 ? 0 : below(mostLost)
      return { kind: "fail over", vbucket, lost, unpersisted: below(3) === 0 ? below(mostLost) : 0, cut: below(2) === 0 }
    }
    if (dice < 75) return { kind: "cut" }
    if (dice < 76) return { kind: "freeze" }
    if (dice < 78) return { kind: "move", vbucket, node: below(nodes) }
    if (dice < 80) return { kind: "end stream", vbucket, reason: one(endReasons) }
    if (dice < 82) {
      const answer = one(troubles)
      return { kind: "trouble", vbucket, answers: Array.from({ length: below(3) === 0 ? 6 : 1 }, () => answer) }
    }
    if (dice < 84) return { kind: "run to now", slice: below(slices.length), ending: one(endings) }
    if (dice < 90) return { kind: "restart", slice: below(slices.length), ending: one(endings) }
    if (dice < 94) return { kind: "hand over", slice: below(slices.length), ending: one(endings) }
    return { kind: "pause", milliseconds: one([1, 5, 20, 100, 1_000]) }
  }
  const fixed = {
    seed,
    slices,
    nodes,
    onRollback: below(3) === 0 ? "rebuild" as const : "undo" as const,
    chop: one([undefined, 1 + below(60), 1 + below(2_000)]),
    window: one([512, 4_096, 1_000_000]),
    commitInterval: 1 + below(200),
    handling: one([0, 0, 1, 5]),
    undoing: one([0, 3, 30]),
    saving: one([0, 0, 2, 20]),
    concurrency: one([1, 2, 4])
  }
  /**
   * One rollback after the other, from a history that is long enough for it, with nothing or nothing new between them; the consumer may be a new one
   * when they begin.
   */
  const descent = (): ReadonlyArray<Step> => {
    const vbucket = below(vbuckets)
    const between = below(3) > 0
    const slice = slices.findIndex((some) => some.includes(vbucket))
    return [
      ...Array.from({ length: 8 }, (_, key): ReadonlyArray<Step> => [
        { kind: "write", vbucket, keys: [key] },
        { kind: "pause", milliseconds: 100 }
      ]).flat(),
      {
        kind: "trouble",
        vbucket,
        answers: Array.from({ length: 12 }, (_, i) => i % 2 === 1 && between ? "one change" as const : "rollback by one" as const)
      },
      ...below(2) === 0 ? [{ kind: "restart", slice, ending: "graceful" } as const] : [],
      { kind: "pause", milliseconds: 2_000 }
    ]
  }
  /** A branch begins between a consumer that was killed and one that only takes what is there. */
  const branched = (): ReadonlyArray<Step> => {
    const vbucket = below(vbuckets)
    return [
      { kind: "write", vbucket, keys: [below(keys)] },
      { kind: "pause", milliseconds: 1_000 },
      { kind: "fail over", vbucket, lost: 0, unpersisted: 0, cut: false },
      { kind: "run to now", slice: slices.findIndex((some) => some.includes(vbucket)), ending: "killed" },
      { kind: "pause", milliseconds: 100 }
    ]
  }
  const steps = Array.from({ length: 60 + below(60) }, (): ReadonlyArray<Step> => {
    if (below(150) === 0) return descent()
    if (below(150) === 0) return branched()
    const next = step()
    return below(3) === 0 ? [next, { kind: "pause", milliseconds: below(6) }] : [next]
  }).flat()
  return { ...fixed, steps }
}
