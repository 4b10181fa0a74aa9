/**
 * Processes that share a group, in one process and in virtual time: an embedded cluster, runners of effect/cluster with leases on Effect's clock, and a
 * sink that writes down who processed what, and who saved.
 */
import {
  CheckpointError,
  CheckpointStore,
  type CheckpointStoreShape,
  type Change,
  type Dcp,
  type Handlers,
  type Rollback
} from "@wirewright/dcp"
import { DcpSharding, DcpSlice } from "@wirewright/dcp/sharding"
import { type Pair, pair, runVirtual } from "@wirewright/testing"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"

/** Milliseconds that a lease lasts without being refreshed. */
export const lease = 10_000

/** Leases of shards, and who is there. */
export class Leases {
  private readonly runners = new Map<string, { readonly runner: string; seen: number }>()
  private readonly locks = new Map<string, { readonly owner: string; until: number }>()
  /** Runners that nobody answers any more. */
  readonly cut = new Set<string>()

  /** The storage as a runner sees it. */
  readonly storage = RunnerStorage.makeEncoded({
    getRunners: this.at((now) =>
      [...this.runners.values()].filter(({ seen }) => now - seen < lease).map(({ runner }) => [runner, true] as const)
    ),
    register: (address, runner) =>
      this.at((now) => {
        this.runners.set(address, { runner, seen: now })
        return this.runners.size
      }, address),
    unregister: (address) => this.at(() => void this.runners.delete(address), address),
    setRunnerHealth: () => Effect.void,
    acquire: (address, shards) => this.at((now) => shards.filter((shard) => this.hold(address, shard, now, true)), address),
    refresh: (address, shards) =>
      this.at((now) => {
        const known = this.runners.get(address)
        if (known !== undefined) known.seen = now
        return shards.filter((shard) => this.hold(address, shard, now, false))
      }, address),
    release: (address, shard) => this.at(() => this.drop(address, shard), address),
    releaseAll: (address) => this.at(() => this.revoke(address), address)
  })

  /** Takes all leases of a runner away without telling it. */
  revoke(address: string): void {
    for (const shard of this.locks.keys()) this.drop(address, shard)
  }

  private at<A>(run: (now: number) => A, address: string = ""): Effect.Effect<A> {
    return Effect.suspend(() =>
      this.cut.has(address)
        ? Effect.andThen(Effect.sleep(100), this.at(run, address))
        : Effect.map(Clock.currentTimeMillis, run)
    )
  }

  private hold(address: string, shard: string, now: number, takes: boolean): boolean {
    const held = this.locks.get(shard)
    const mine = held?.owner === address && held.until > now
    if (!mine && (!takes || held !== undefined && held.until > now)) return false
    this.locks.set(shard, { owner: address, until: now + lease })
    return true
  }

  private drop(address: string, shard: string): void {
    if (this.locks.get(shard)?.owner === address) this.locks.delete(shard)
  }
}

/** One thing that a process did. */
export interface Deed {
  readonly at: number
  /** `undone`: everything after the seqno. */
  readonly what: "processed" | "undone" | "saved" | "refused"
  readonly slice: number
  readonly epoch: number
  readonly owner: string
  readonly vbucket: number
  readonly seqno: bigint
}

/** A process. */
export interface Process {
  readonly name: string
  readonly sharding: DcpSharding["Service"]
  /** Ends it in order. */
  readonly end: Effect.Effect<void>
  /** From now on nothing that it does has an effect. */
  readonly kill: Effect.Effect<void>
}

/** How processes share. */
export interface SharedOptions {
  readonly slices: number
  readonly vbuckets: number
  readonly nodes?: number
  /** What a handler takes. */
  readonly takes?: number
  /** In the place of a store in memory. */
  readonly store?: CheckpointStoreShape
}

/** All of it. */
export interface SharedWorld {
  readonly both: Pair
  readonly leases: Leases
  readonly deeds: ReadonlyArray<Deed>
  readonly lines: ReadonlyArray<string>
  readonly store: CheckpointStoreShape
  readonly begin: (name: string) => Effect.Effect<Process, never, Scope.Scope>
  readonly beginStatic: (
    name: string,
    member: number,
    members: number,
    more?: { readonly slices: number; readonly formerSlices?: number }
  ) => Effect.Effect<Process, never, Scope.Scope>
  /** Writes one document to each vbucket. */
  readonly write: () => void
  /** Vbuckets whose newest change nobody processed. */
  readonly missing: () => ReadonlyArray<number>
}

/** Runs a test in virtual time. */
export const share = (
  options: SharedOptions,
  test: (world: SharedWorld) => Effect.Effect<unknown, unknown, Scope.Scope>
): Promise<void> => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
  return runVirtual(
    Effect.scoped(Effect.gen(function*() {
      const { nodes = 2, slices, takes = 0, vbuckets } = options
      const both = yield* Effect.orDie(pair({ vbuckets, nodes }))
      const leases = new Leases()
      const deeds: Array<Deed> = []
      const store = options.store ?? CheckpointStore.memory()
      const written = new Map<number, bigint>()
      let writes = 0
      const beginWith = Effect.fnUntraced(function*(
        name: string,
        layerOf: (options: { readonly slices: number }, handlers: Handlers<never, DcpSlice>) => Layer.Layer<
          DcpSharding,
          unknown,
          Dcp | CheckpointStore
        >
      ) {
        const scope = yield* Scope.fork(yield* Effect.scope)
        let alive = true
        const note = (what: Deed["what"], slice: number, epoch: number, vbucket: number, seqno: bigint): Effect.Effect<void> =>
          Effect.map(Clock.currentTimeMillis, (at) => void deeds.push({ at, what, slice, epoch, owner: name, vbucket, seqno }))
        const watched: CheckpointStoreShape = {
          fencing: store.fencing ?? "group",
          open: (group, some) =>
            Effect.map(alive ? store.open(group, some) : Effect.never, (taken) => ({
              ...taken,
              save: (checkpoints) =>
                Effect.suspend(() => {
                  if (!alive) return Effect.never
                  const [vbucket, checkpoint] = [...checkpoints][0]!
                  const noted = (what: Deed["what"]) =>
                    note(what, Math.ceil((some?.[0] ?? 0) * slices / vbuckets), taken.epoch, vbucket, checkpoint.position.seqno)
                  return taken.save(checkpoints).pipe(
                    Effect.tap(() => noted("saved")),
                    Effect.tapError((error) =>
                      error instanceof CheckpointError && error.reason === "Fenced" ? noted("refused") : Effect.void
                    )
                  )
                })
            }))
        }
        const change = ({ seqno, vbucket }: Change): Effect.Effect<void, never, DcpSlice> =>
          Effect.gen(function*() {
            const { epoch, slice } = yield* DcpSlice
            if (takes > 0) yield* Effect.sleep(takes)
            if (!alive) return yield* Effect.never
            yield* note("processed", slice, epoch, vbucket, seqno)
          })
        const rollback = ({ to, vbucket }: Rollback): Effect.Effect<void, never, DcpSlice> =>
          Effect.flatMap(DcpSlice, ({ epoch, slice }) => alive ? note("undone", slice, epoch, vbucket, to) : Effect.never)
        const layer = layerOf({ slices }, { change, rollback }).pipe(
          Layer.provide(Layer.succeed(CheckpointStore, watched)),
          Layer.provide(Layer.fresh(both.layer))
        )
        const built = yield* Effect.orDie(Layer.buildWithMemoMap(layer, Layer.makeMemoMapUnsafe(), scope))
        const end = Scope.close(scope, Exit.void)
        return {
          name,
          sharding: Context.get(built, DcpSharding),
          end,
          kill: Effect.suspend(() => {
            alive = false
            leases.cut.add(`${name}:1`)
            return Effect.asVoid(Effect.forkDetach(end))
          })
        } satisfies Process
      })
      const world: SharedWorld = {
        both,
        leases,
        deeds,
        lines,
        store,
        begin: (name) =>
          beginWith(name, (given, handlers) =>
            DcpSharding.layer({ group: "shared", ...given }, handlers).pipe(
              Layer.provide(Sharding.layer),
              Layer.provide(Runners.layerNoop),
              Layer.provide([MessageStorage.layerNoop, RunnerHealth.layerNoop]),
              Layer.provide(DcpSharding.patientLocks(Layer.succeed(RunnerStorage.RunnerStorage, leases.storage))),
              Layer.provide(ShardingConfig.layer({
                ...DcpSharding.clusterConfig(slices),
                runnerAddress: Option.some(RunnerAddress.make(name, 1))
              }))
            )),
        beginStatic: (name, member, members, more) =>
          beginWith(name, (given, handlers) => DcpSharding.layerStatic({ group: "shared", ...given, member, members, ...more }, handlers)),
        write: () => {
          for (let vbucket = 0; vbucket < vbuckets; vbucket++) {
            const stored = both.bucket.store.set(both.bucket.store.space(vbucket), `k${writes++ % 7}`, { value: new Uint8Array(4) })
            if (typeof stored === "string") throw new Error(stored)
            written.set(vbucket, stored.seqno)
          }
        },
        missing: () => {
          const seen = new Map<number, bigint>()
          for (const { seqno, vbucket, what } of deeds) {
            const known = seen.get(vbucket) ?? 0n
            if (what === "processed" && seqno > known || what === "undone" && seqno < known) seen.set(vbucket, seqno)
          }
          return [...written].filter(([vbucket, seqno]) => seen.get(vbucket) !== seqno).map(([vbucket]) => vbucket)
        }
      }
      // whoever was cut off could not end
      yield* Effect.ensuring(test(world), Effect.sync(() => leases.cut.clear()))
    })).pipe(Effect.provide(Logger.layer([logger]))) as Effect.Effect<void>
  )
}

/** How many slices each process has. */
export const counts = (...processes: ReadonlyArray<Process>): ReadonlyArray<number> => processes.map(({ sharding }) => sharding.owned.size)

/** Slices whose checkpoints an older owner saved after a newer one: must be none. */
export const overtaken = (deeds: ReadonlyArray<Deed>): ReadonlyArray<number> => {
  const newest = new Map<number, number>()
  return deeds.filter(({ what }) => what === "saved").flatMap(({ epoch, slice }) => {
    const known = newest.get(slice) ?? 0
    newest.set(slice, Math.max(known, epoch))
    return epoch < known ? [slice] : []
  })
}

/** Milliseconds between the last change that an owner of a slice processed and the first of the next, for each move. */
export const standstills = (deeds: ReadonlyArray<Deed>): ReadonlyArray<number> => {
  const newest = new Map<number, Deed>()
  return deeds.filter(({ what }) => what === "processed").flatMap((deed) => {
    const before = newest.get(deed.slice)
    newest.set(deed.slice, deed)
    return before === undefined || before.epoch === deed.epoch ? [] : [deed.at - before.at]
  })
}
