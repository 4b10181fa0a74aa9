/**
 * Writes of a vbucket that wait until enough copies have them: which may be committed, which are too late. Pure.
 *
 * Each copy acknowledges prepares in their order: all that it has persisted, and of those that it only received the ones before the first that it
 * has to persist. A write is committed when the active copy and a majority of the chain have acknowledged it, and not before those prepared
 * earlier. Source: kv_engine `engines/ep/src/durability/active_durability_monitor.cc` and `passive_durability_monitor.cc`.
 */
import { DurabilityLevel } from "@wirewright/memcached/gen/Types"

/** How far a copy has come. */
export interface CopyPosition {
  /** End of the newest complete snapshot. */
  readonly received: bigint
  readonly persisted: bigint
}

/** A write that waits. */
export interface SyncWrite {
  /** Of the prepare. */
  readonly seqno: bigint
  readonly level: number
  readonly collection: number
  readonly key: string
  /** Whether it was committed before is unknown: it is committed again, and the document cannot be read before that. */
  readonly recommit: boolean
  /** Milliseconds of the clock after which it is aborted. */
  readonly deadline: number | undefined
  /** How it ended: the commit's seqno, or nothing when its outcome is unknown. */
  readonly done: (commitSeqno: bigint | undefined) => void
}

/** What a write is asked to wait for. */
export interface Durability {
  readonly level: number
  /** Milliseconds. */
  readonly timeout: number
}

/** Copies beside the active one above which no write waits. kv_engine `sync_writes_max_allowed_replicas`. */
export const maxReplicasOfSyncWrites = 2

/** Milliseconds that a write waits which does not say how long. */
export const defaultSyncWriteTimeout = 30_000

/** Copies that have to acknowledge: more than half of the chain, the places where nothing is included. */
export const majorityOf = (chain: ReadonlyArray<unknown>): number => Math.floor(chain.length / 2) + 1

/** Whether enough copies are there. −1 is none. */
export const isDurabilityPossible = (chain: ReadonlyArray<number>): boolean => {
  const present = chain.filter((node) => node >= 0).length
  return present <= maxReplicasOfSyncWrites + 1 && present >= majorityOf(chain)
}

/** The levels that a copy has to persist for. */
const persistedOn = {
  active: [DurabilityLevel.MajorityAndPersistOnMaster, DurabilityLevel.PersistToMajority] as ReadonlyArray<number>,
  replica: [DurabilityLevel.PersistToMajority] as ReadonlyArray<number>
}

/** Whether a copy acknowledges a write, those before it being settled. */
const acknowledges = ({ persisted, received }: CopyPosition, role: "active" | "replica", { level, seqno }: SyncWrite): boolean =>
  seqno <= persisted || seqno <= received && !persistedOn[role].includes(level)

/** Writes that wait. */
export class SyncWrites {
  private tracked: Array<SyncWrite> = []

  get all(): ReadonlyArray<SyncWrite> {
    return this.tracked
  }

  add(write: SyncWrite): void {
    this.tracked.push(write)
  }

  /** The oldest one, if it may be committed. `chain` is the active copy, then the replicas; nothing where no copy is. */
  satisfied(chain: ReadonlyArray<CopyPosition | undefined>): SyncWrite | undefined {
    const first = this.tracked[0]
    const active = chain[0]
    if (first === undefined || active === undefined || !acknowledges(active, "active", first)) return undefined
    const replicas = chain.slice(1).filter((copy) => copy !== undefined && acknowledges(copy, "replica", first))
    return replicas.length + 1 >= majorityOf(chain) ? first : undefined
  }

  /** The oldest one, if it is too late. */
  expired(now: number): SyncWrite | undefined {
    const first = this.tracked[0]
    return first?.deadline !== undefined && first.deadline <= now ? first : undefined
  }

  /** When the oldest one will be too late, in milliseconds of the clock. */
  get deadline(): number | undefined {
    return this.tracked[0]?.deadline
  }

  /** The one of a document. */
  of(collection: number, key: string): SyncWrite | undefined {
    return this.tracked.find((one) => one.collection === collection && one.key === key)
  }

  remove(write: SyncWrite): void {
    const at = this.tracked.indexOf(write)
    if (at >= 0) this.tracked.splice(at, 1)
  }

  /** Nobody knows any more what becomes of these. */
  abandon(matches: (write: SyncWrite) => boolean = () => true): void {
    const gone = this.tracked.filter(matches)
    this.tracked = this.tracked.filter((one) => !matches(one))
    for (const { done } of gone) done(undefined)
  }
}
