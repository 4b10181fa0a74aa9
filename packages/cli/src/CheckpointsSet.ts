/** Where the checkpoints of a group are moved to, and what the server has to say to it. Pure. */
import { type Checkpoint, type Checkpoints, emptyCheckpoint, rewoundTo } from "@wirewright/dcp"

/** The text of a position: `beginning`, `now`, or seqnos by vbucket. */
export type SetPosition = "beginning" | "now" | ReadonlyMap<number, bigint>

/** Moves of some vbuckets. */
export interface Moves {
  /** Back in what was processed: known without the server. */
  readonly back: ReadonlyMap<number, Checkpoint>
  /** To seqnos whose branches only the server knows. */
  readonly forward: ReadonlyMap<number, bigint>
}

/** Seqnos of a text such as `0=812,17=40`, by vbucket; or what is wrong with it. */
export const seqnoList = (text: string): ReadonlyMap<number, bigint> | string => {
  const found = new Map<number, bigint>()
  for (const part of text.split(",")) {
    const pair = /^(\d+)=(\d+)$/.exec(part.trim())
    if (pair === null) return `${JSON.stringify(part)} is no vbucket and seqno, expected such as 0=812,17=40`
    const [vbucket, seqno] = [Number(pair[1]), BigInt(pair[2]!)]
    if (vbucket > 1023) return `there is no vbucket ${pair[1]}, a bucket has at most 0 to 1023`
    if (seqno >= 2n ** 64n) return `${seqno} is no seqno`
    if (found.has(vbucket)) return `vbucket ${vbucket} stands twice`
    found.set(vbucket, seqno)
  }
  return found
}

/**
 * The moves of a group whose checkpoints are `saved`.
 *
 * @param highs the server's highest seqnos, when it was asked
 * @param only the vbuckets that are meant with `beginning` and `now`; all that are known when there are none
 */
export const movesTo = (
  position: SetPosition,
  saved: Checkpoints,
  highs: ReadonlyMap<number, bigint> | undefined,
  only: ReadonlyArray<number> | undefined
): Moves => {
  const chosen = only ?? [...new Set([...saved.keys(), ...highs?.keys() ?? []])].sort((a, b) => a - b)
  // vbuckets that the server was not reached for stay where they are
  if (position === "now") return { back: new Map(), forward: new Map([...highs ?? []].filter(([vbucket]) => chosen.includes(vbucket))) }
  const wanted = position === "beginning" ? new Map(chosen.map((vbucket) => [vbucket, 0n])) : position
  const back = new Map<number, Checkpoint>()
  const forward = new Map<number, bigint>()
  for (const [vbucket, seqno] of wanted) {
    const moved = rewoundTo(saved.get(vbucket) ?? emptyCheckpoint, seqno)
    if (moved === undefined) forward.set(vbucket, seqno)
    else back.set(vbucket, moved)
  }
  return { back, forward }
}

/** What is wrong with moves forward: the server has not got so far. */
export const beyond = (forward: ReadonlyMap<number, bigint>, highs: ReadonlyMap<number, bigint>): string | undefined => {
  for (const [vbucket, seqno] of forward) {
    const high = highs.get(vbucket)
    if (high === undefined) return `vbucket ${vbucket}: the server was not reached, or does not have it`
    if (seqno > high) return `vbucket ${vbucket}: the server has changes up to seqno ${high}, not ${seqno}`
  }
  return undefined
}
