/**
 * A producer, a wire, a consumer and its application in one seeded schedule, without bytes, sockets or clocks: writes, deletions, failovers
 * with loss, evictions, purges, disconnects, restarts from the stored checkpoint. At the end the application's image must be the producer's.
 *
 * A consumer can be told to make one of the mistakes that real ones make; then the same schedules must find it out.
 */
import { random } from "@wirewright/codec/Random.fixture"
import { type Checkpoint, completeAt, emptyCheckpoint } from "./Checkpoint.ts"
import { branchesAt } from "./FailoverLog.ts"
import { rollbackSeqno, type StreamClaim } from "./RollbackDecision.ts"
import { isViolation } from "./SnapshotTracker.ts"
import { type StreamOptions, StreamState, type StreamStep } from "./StreamState.ts"
import { type HistoryItem, VbucketHistory } from "./VbucketHistory.ts"

/** What a consumer does wrong. */
export type Mistake =
  /** Resumes at (R,R,R), as java-dcp-client and go-dcp do. */
  | "resumes where it is told"
  /** Claims to have all of a snapshot of which it has a part. */
  | "stores (s,s) in mid-snapshot"
  /** Takes SEQNO_ADVANCED for the end of the snapshot. */
  | "collapses the snapshot at SEQNO_ADVANCED"
  /** Stores the highest seqno that was processed, whatever was not. */
  | "skips what is not processed"
  /** Does not undo what it did ahead of its checkpoint when the history went another way. */
  | "keeps what a lost branch had"

/** What happens in a schedule. */
export const stepKinds = [
  "write",
  "send",
  "receive",
  "process",
  "store",
  "close checkpoint",
  "evict",
  "purge",
  "failover",
  "disconnect",
  "restart"
] as const
/** One of them. */
export type StepKind = typeof stepKinds[number]

/** One schedule. */
export interface Schedule {
  readonly seed: number
  readonly steps: number
  readonly strategy?: StreamOptions["onRollback"]
  /** Only some of the keys are asked for. */
  readonly filtered?: boolean
  readonly mistake?: Mistake
  /** Does not happen. */
  readonly without?: ReadonlyArray<StepKind>
}

/** What came of it. */
export interface Outcome {
  readonly seed: number
  /** Keys whose value differs, and how; empty when all is well. */
  readonly differences: ReadonlyArray<string>
  readonly rollbacks: number
  readonly delivered: number
  readonly failovers: number
}

interface Item extends HistoryItem {
  readonly value: number
}

type Message =
  | { readonly _tag: "Marker"; readonly start: bigint; readonly end: bigint; readonly flags: number }
  | { readonly _tag: "Item"; readonly item: Item }
  | { readonly _tag: "Advanced"; readonly seqno: bigint }

const keys = 8

/** Which step a throw of a hundred-sided die is. */
const kindOf = (dice: number): StepKind => {
  const limits = [30, 45, 65, 82, 87, 89, 91, 92, 94, 96, 97]
  return stepKinds[limits.findIndex((limit) => dice < limit)] ?? "write"
}

/** The consumer's application: what it stores by key, and what it needs to undo. Durable: a restart of the process leaves it alone. */
class Application {
  private journal: Array<Item> = []

  apply(item: Item): void {
    this.journal = this.journal.filter(({ seqno }) => seqno !== item.seqno)
    this.journal.push(item)
  }

  undo(to: bigint): void {
    this.journal = this.journal.filter(({ seqno }) => seqno <= to)
  }

  get image(): ReadonlyMap<string, number> {
    const newest = new Map<string, Item>()
    for (const item of this.journal) if ((newest.get(item.key)?.seqno ?? -1n) < item.seqno) newest.set(item.key, item)
    return new Map([...newest].flatMap(([key, { deleted, value }]) => deleted ? [] : [[key, value] as const]))
  }
}

/** Plays a schedule. */
export const simulate = ({ filtered = false, mistake, seed, steps, strategy = "undo", without = [] }: Schedule): Outcome => {
  const below = random(seed)
  const rarity = [1, 3, 10][below(3)]!
  const mostLost = [4, 12, 40][below(3)]!
  let uuid = 1000n
  const history = new VbucketHistory<Item>(uuid)
  let counter = 0
  const wanted = (key: string): boolean => !filtered || Number(key.slice(1)) % 2 === 0

  const application = new Application()
  let stored: Checkpoint = emptyCheckpoint
  let state = new StreamState(stored, { onRollback: strategy })
  /** What the producer has sent up to, and whether that is its first batch. */
  let sent = 0n
  let snapStart: bigint | undefined
  let wire: Array<Message> = []
  let waiting: Array<{ readonly item: Item; readonly ordinal: number }> = []
  /** The highest processed seqno, for the mistake that stores it. */
  let highest: Checkpoint["position"] | undefined
  const counts = { rollbacks: 0, delivered: 0, failovers: 0 }

  const checkpointed = (): Checkpoint => {
    const { checkpoint } = state.progress
    const { position } = checkpoint
    if (mistake === "stores (s,s) in mid-snapshot") return { ...checkpoint, position: completeAt(position.vbucketUuid, position.seqno) }
    if (mistake === "skips what is not processed" && highest !== undefined && highest.seqno > position.seqno) {
      return { ...checkpoint, position: highest }
    }
    return checkpoint
  }

  const disconnect = (): void => {
    if (state.phase === "Failed") throw new Error("the stream failed")
    state.lost()
    wire = []
    waiting = []
    highest = undefined
  }

  const undo = (to: bigint): void => {
    counts.rollbacks++
    application.undo(to)
  }

  const follow = (step: StreamStep): void => {
    switch (step._tag) {
      case "Streaming":
        if (step.undoTo !== undefined && mistake !== "keeps what a lost branch had") undo(step.undoTo)
        // before the first message: a branch that is not stored is one that nobody will miss
        stored = checkpointed()
        return
      case "Request":
        return connect()
      case "CompareLogs":
        return follow(state.comparedWith(below(4) === 0 ? undefined : history.failoverLog, history.highSeqno))
      case "Undo": {
        const { requested } = step.rollback
        if (mistake === "resumes where it is told") {
          const { progress: { checkpoint } } = state
          const branch = branchesAt(checkpoint.failoverLog, requested)[0]?.vbucketUuid ?? 0n
          application.undo(requested)
          state = new StreamState({ ...checkpoint, position: completeAt(branch, requested) }, { onRollback: strategy })
          return connect()
        }
        stored = step.rollback.checkpoint
        return finishUndo()
      }
      case "Failed":
        throw new Error(JSON.stringify(step.failure, (_, value: unknown) => typeof value === "bigint" ? String(value) : value))
    }
  }

  /** Undoes what is owed; the process may end before, within, or after it. */
  const finishUndo = (): void => {
    if (below(8) === 0) return restart()
    undo(state.rollback!.to)
    if (below(8) === 0) return restart()
    stored = state.undone()
    if (below(8) === 0) return restart()
    connect()
  }

  const connect = (): void => {
    wire = []
    waiting = []
    highest = undefined
    if (state.rollback !== undefined) return finishUndo()
    const claim = state.request()
    if ("_tag" in claim) throw new Error(claim._tag)
    const asked: StreamClaim = mistake === "stores (s,s) in mid-snapshot"
      ? { ...claim, snapStartSeqno: claim.startSeqno, snapEndSeqno: claim.startSeqno }
      : claim
    const { failoverLog, highSeqno, purgeSeqno } = history
    const back = rollbackSeqno(asked, { failoverLog, highSeqno, purgeSeqno })
    if (back !== undefined) return follow(state.rolledBack(back))
    sent = asked.startSeqno
    snapStart = asked.snapStartSeqno
    follow(state.opened(failoverLog))
  }

  const restart = (): void => {
    state = new StreamState(stored, { onRollback: strategy })
    wire = []
    waiting = []
    highest = undefined
    // what was done ahead of the checkpoint is still there, and is undone if it turns out to be of another history
  }

  /** The producer writes its next batch to the wire. */
  const send = (): void => {
    const batch = history.next(sent, snapStart)
    if (batch === undefined) return
    snapStart = undefined
    sent = batch.end
    const items = batch.items.filter(({ key }) => wanted(key))
    wire.push({ _tag: "Marker", start: batch.start, end: batch.end, flags: batch.from === "disk" ? 2 : 1 })
    for (const item of batch.items) {
      if (wanted(item.key)) wire.push({ _tag: "Item", item })
      else if (below(3) === 0) wire.push({ _tag: "Advanced", seqno: item.seqno })
    }
    const last = wire.at(-1)!
    const at = last._tag === "Item" ? last.item.seqno : last._tag === "Advanced" ? last.seqno : 0n
    if (items.length === 0 ? at < batch.end : at !== batch.end) wire.push({ _tag: "Advanced", seqno: batch.end })
  }

  const receive = (): void => {
    const message = wire.shift()
    if (message === undefined) return
    if (message._tag === "Marker") {
      const violation = state.marker(message.start, message.end, message.flags)
      if (violation !== undefined) throw new Error(violation.message)
      return
    }
    const seqno = message._tag === "Item" ? message.item.seqno : message.seqno
    const placed = state.place(seqno)
    if (isViolation(placed)) throw new Error(placed.message)
    if (message._tag === "Advanced") {
      const whole = mistake === "collapses the snapshot at SEQNO_ADVANCED" ? { ...placed, complete: true } : placed
      state.progress.pass(seqno, whole)
      return
    }
    counts.delivered++
    waiting.push({ item: message.item, ordinal: state.progress.deliver({ seqno: seqno, placed: placed, processed: false }) })
  }

  /** The application is done with one of the changes it was given, usually the first. */
  const process = (): void => {
    if (waiting.length === 0) return
    // changes of one key keep their order, as they must for any application
    const place = below(3) === 0 ? below(waiting.length) : 0
    const { item } = waiting[place]!
    if (waiting.slice(0, place).some((other) => other.item.key === item.key)) return
    const { ordinal } = waiting.splice(place, 1)[0]!
    application.apply(item)
    const { position } = state.progress.checkpoint
    highest = highest === undefined || item.seqno > highest.seqno
      ? {
        ...position,
        seqno: item.seqno,
        snapshotStart: position.snapshotStart,
        snapshotEnd: item.seqno > position.snapshotEnd ? item.seqno : position.snapshotEnd
      }
      : highest
    state.progress.process(ordinal)
  }

  const write = (): void => {
    const item = { seqno: history.highSeqno + 1n, key: `k${below(keys)}`, deleted: below(5) === 0, value: counter++ }
    history.append(item)
  }

  const failover = (): void => {
    counts.failovers++
    const lost = BigInt(below(mostLost))
    const kept = history.highSeqno > lost ? history.highSeqno - lost : 0n
    history.lose(kept)
    history.branch(++uuid)
    disconnect()
  }

  const open = (): boolean => state.phase === "Streaming"

  const happen: { readonly [Kind in StepKind]: () => void } = {
    write,
    send: () => {
      if (open()) send()
    },
    receive,
    process,
    store: () => stored = checkpointed(),
    "close checkpoint": () => history.closeCheckpoint(),
    evict: () => history.evict(),
    purge: () => {
      // as a cursor that was dropped: what was under way is read from disk again
      history.purgeTo(history.highSeqno > 6n ? history.highSeqno - 6n : 0n)
      disconnect()
    },
    failover,
    disconnect,
    restart
  }

  for (let step = 0; step < steps; step++) {
    let dice = below(100)
    // the rare events are rarer in some schedules than in others, so that histories grow long
    if (dice >= 87 && below(rarity) > 0) dice = below(87)
    const kind = kindOf(dice)
    if (!without.includes(kind)) happen[kind]()
    if (!open() && below(3) === 0) connect()
  }

  // quiescence
  for (let i = 0; i < 100_000; i++) {
    if (!open()) connect()
    if (wire.length > 0) receive()
    else if (waiting.length > 0) process()
    else if (history.next(sent, snapStart) !== undefined) send()
    else if (open()) break
  }

  const expected = new Map(
    [...history.image.values()].flatMap(({ deleted, key, value }) => deleted || !wanted(key) ? [] : [[key, value] as const])
  )
  const image = application.image
  const differences = [...new Set([...expected.keys(), ...image.keys()])].sort().flatMap((key) =>
    expected.get(key) === image.get(key) ? [] : [`${key}: producer ${expected.get(key) ?? "none"}, application ${image.get(key) ?? "none"}`]
  )
  return { seed, differences, ...counts }
}

/** Whether a schedule goes wrong; one that the producer ends with an error shows nothing. */
export const goesWrong = (schedule: Schedule): boolean => {
  try {
    return simulate(schedule).differences.length > 0
  } catch {
    return false
  }
}

/** The smallest schedule like this one that still goes wrong: fewer steps, and fewer kinds of them. */
export const shrunk = (schedule: Schedule): Schedule => {
  let best = schedule
  for (let smaller = true; smaller;) {
    smaller = false
    for (const kind of stepKinds) {
      const candidate = { ...best, without: [...best.without ?? [], kind] }
      if (best.without?.includes(kind) === true || !goesWrong(candidate)) continue
      best = candidate
      smaller = true
    }
    for (let steps = 1; steps < best.steps; steps = Math.max(steps + 1, Math.ceil(steps * 1.1))) {
      if (!goesWrong({ ...best, steps })) continue
      best = { ...best, steps }
      smaller = true
      break
    }
  }
  return best
}
