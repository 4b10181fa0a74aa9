/**
 * The runners and locks of effect/cluster in a bucket, so that processes that share a Couchbase need no other database to share work.
 *
 * One document has the runners and who holds which shard; it is changed by compare-and-swap. That a runner lives, a document of its own says, which it
 * touches with every refresh and which the server lets expire. Each life of a runner has a new name: a life that has expired never comes back, so
 * whoever finds it gone may take its locks, and it has none from then on.
 *
 * | when | then |
 * | --- | --- |
 * | a runner leaves | its locks are free at once |
 * | it is killed or frozen | they are free when its life has expired, `shardLockExpiration`, in whole seconds and up to one more |
 * | it goes on after that | its next refresh says that it holds nothing; until then there are two who believe that they do, as with every lease |
 * | a failover loses the newest writes | the same, unless writes are durable: `layerRunnerStorage({ durability: "majority" })` |
 *
 * A lock is no fence, therefore; what is written under it has to be fenced by itself, as the checkpoints of `DcpSharding` are.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { PersistenceError } from "effect/cluster/ClusterError"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import { ShardingConfig } from "effect/cluster/ShardingConfig"
import type { Durability } from "./Durability.ts"
import { KvClient } from "./KvClient.ts"
import type { KvCollection } from "./KvCollection.ts"
import type { KvError } from "./KvError.ts"
import { runnersPrefix } from "./OwnKeys.ts"

/** Where a cluster keeps what it knows. */
export interface RunnerStorageOptions {
  /** Begins every key; clusters of a bucket have one each. Default: `wirewright:cluster:`. */
  readonly prefix?: string
  /** A collection, by `scope.collection` or by name in the default scope. Default: the default collection */
  readonly collection?: string
  /** How durable each write must be before it is done. Default: in the memory of the active node */
  readonly durability?: Durability
}

const State = Schema.Struct({
  /** Runners that there were so far. */
  machines: Schema.Int,
  /** By address. */
  runners: Schema.Record(
    Schema.String,
    Schema.Struct({ runner: Schema.String, healthy: Schema.Boolean, life: Schema.String, machine: Schema.Int })
  ),
  /** The lives that hold shards. */
  locks: Schema.Record(Schema.String, Schema.String)
})
type State = typeof State.Type

const nothing: State = { machines: 0, runners: {}, locks: {} }

/** Numbers of machines: as many as identifiers made of them can tell apart. */
const machines = 1024

const without = <A>(record: { readonly [key: string]: A }, gone: (value: A, key: string) => boolean): { readonly [key: string]: A } =>
  Object.fromEntries(Object.entries(record).filter(([key, value]) => !gone(value, key)))

const isReason = (...tags: ReadonlyArray<KvError["reason"]["_tag"]>) => ({ reason }: KvError): boolean => tags.includes(reason._tag)

const make = (documents: KvCollection, lasts: Duration.Duration, options: RunnerStorageOptions): RunnerStorage.RunnerStorage["Service"] => {
  const { prefix = runnersPrefix } = options
  const durable = options.durability === undefined ? {} : { durability: options.durability }
  const expiry = Duration.seconds(Math.max(1, Math.ceil(Duration.toSeconds(lasts))))
  const stateKey = `${prefix}state`
  const lifeKey = (life: string): string => `${prefix}life:${life}`
  /** Lives of this process, by address. */
  const lives = new Map<string, string>()
  const inTurn = Semaphore.makeUnsafe(1).withPermits(1)

  const read = Effect.map(documents.get(stateKey, State), Option.getOrUndefined)
  const state = Effect.map(read, (found) => found?.value ?? nothing)

  /** Changes the state, again if another process did so meanwhile; a change to the same is none. */
  const change = <A>(by: (state: State) => Effect.Effect<readonly [State, A], KvError>): Effect.Effect<A, KvError> =>
    Effect.gen(function*() {
      for (;;) {
        const found = yield* read
        const before = found?.value ?? nothing
        const [after, result] = yield* by(before)
        if (after === before) return result
        const write = found === undefined
          ? documents.insert(stateKey, after, { schema: State, ...durable })
          : documents.replace(stateKey, after, { schema: State, cas: found.cas, ...durable })
        const written = yield* Effect.catchIf(
          Effect.as(write, true),
          isReason("Exists", "CasMismatch", "NotFound"),
          () => Effect.succeed(false)
        )
        if (written) return result
      }
    })

  /** Whether a life of this process goes on, for as long again. */
  const goesOn = (life: string): Effect.Effect<boolean, KvError> =>
    Effect.catchIf(Effect.as(documents.touch(lifeKey(life), expiry), true), isReason("NotFound"), () => Effect.succeed(false))

  /** The life of this process at an address, if it goes on. */
  const living = (address: string): Effect.Effect<string | undefined, KvError> =>
    Effect.suspend(() => {
      const life = lives.get(address)
      return life === undefined ? Effect.undefined : Effect.map(goesOn(life), (on) => on ? life : undefined)
    })

  const born: Effect.Effect<string, KvError> = Effect.gen(function*() {
    for (;;) {
      const [left, right] = [yield* Random.nextInt, yield* Random.nextInt]
      const life = [left, right].map((part) => (part >>> 0).toString(36)).join("-")
      const write = documents.insert(lifeKey(life), {}, { expiry, ...durable })
      if (yield* Effect.catchIf(Effect.as(write, true), isReason("Exists"), () => Effect.succeed(false))) return life
    }
  })

  /** Those of the lives that go on. */
  const alive = (all: Iterable<string>): Effect.Effect<ReadonlySet<string>, KvError> => {
    const asked = [...new Set(all)]
    if (asked.length === 0) return Effect.succeed(new Set())
    return Effect.map(documents.getMany(asked.map(lifeKey)), (found) => new Set(asked.filter((life) => found.has(lifeKey(life)))))
  }

  /** Shards to be released; whoever's turn it is releases all of them. */
  const leaving = new Map<string, Set<string>>()

  return RunnerStorage.makeEncoded({
    getRunners: PersistenceError.refail(Effect.gen(function*() {
      const all = Object.values((yield* state).runners)
      const living = yield* alive(all.map(({ life }) => life))
      return all.filter(({ life }) => living.has(life)).map(({ healthy, runner }) => [runner, healthy] as const)
    })),

    register: (address, runner, healthy) =>
      PersistenceError.refail(Effect.gen(function*() {
        const life = (yield* living(address)) ?? (yield* born)
        lives.set(address, life)
        return yield* change((before) =>
          Effect.map(alive([...Object.values(before.runners).map((one) => one.life), ...Object.values(before.locks)]), (living) => {
            const known = before.runners[address]
            const machine = known?.life === life ? known.machine : before.machines % machines
            return [{
              machines: known?.life === life ? before.machines : before.machines + 1,
              runners: { ...without(before.runners, (one) => !living.has(one.life)), [address]: { runner, healthy, life, machine } },
              locks: without(before.locks, (holder) => !living.has(holder))
            }, machine] as const
          })
        )
      })),

    // its life goes on: it still holds what it has begun to give up
    unregister: (address) =>
      PersistenceError.refail(change((before) =>
        Effect.succeed(
          [
            before.runners[address]?.life === lives.get(address)
              ? { ...before, runners: without(before.runners, (_, key) => key === address) }
              : before,
            undefined
          ] as const
        )
      )),

    setRunnerHealth: (address, healthy) =>
      PersistenceError.refail(change((before) => {
        const known = before.runners[address]
        return Effect.succeed(
          [
            known === undefined || known.healthy === healthy
              ? before
              : { ...before, runners: { ...before.runners, [address]: { ...known, healthy } } },
            undefined
          ] as const
        )
      })),

    acquire: (address, shardIds) =>
      PersistenceError.refail(inTurn(change((before) =>
        Effect.gen(function*() {
          // looked at for each attempt: whoever is frozen between two must not write after its life
          const life = yield* living(address)
          if (life === undefined) return [before, [] as Array<string>] as const
          const others = shardIds.flatMap((shard) => before.locks[shard] ?? []).filter((holder) => holder !== life)
          const holding = yield* alive(others)
          const got = shardIds.filter((shard) => {
            const holder = before.locks[shard]
            return holder === undefined || holder === life || !holding.has(holder)
          })
          const fresh = got.filter((shard) => before.locks[shard] !== life)
          if (fresh.length === 0) return [before, got] as const
          return [{ ...before, locks: { ...before.locks, ...Object.fromEntries(fresh.map((shard) => [shard, life])) } }, got] as const
        })
      ))),

    refresh: (address, shardIds) =>
      PersistenceError.refail(Effect.gen(function*() {
        const life = yield* living(address)
        if (life === undefined) return []
        const { locks } = yield* state
        return shardIds.filter((shard) => locks[shard] === life)
      })),

    release: (address, shardId) => {
      const own = leaving.get(address) ?? new Set()
      leaving.set(address, own.add(shardId))
      return PersistenceError.refail(inTurn(Effect.suspend(() => {
        if (!own.has(shardId)) return Effect.void
        const some = [...own]
        own.clear()
        const life = lives.get(address)
        return Effect.tapError(
          change((before) => {
            const gone = some.filter((shard) => before.locks[shard] === life)
            if (gone.length === 0) return Effect.succeed([before, undefined] as const)
            return Effect.succeed([{ ...before, locks: without(before.locks, (_, shard) => gone.includes(shard)) }, undefined] as const)
          }),
          () => Effect.sync(() => some.forEach((shard) => own.add(shard)))
        )
      })))
    },

    releaseAll: (address) =>
      PersistenceError.refail(inTurn(change((before) => {
        const life = lives.get(address)
        return Effect.succeed(
          [
            Object.values(before.locks).some((holder) => holder === life)
              ? { ...before, locks: without(before.locks, (holder) => holder === life) }
              : before,
            undefined
          ] as const
        )
      })))
  })
}

/** Runners and locks in the bucket of the client in place. */
export const layerRunnerStorage = (
  options: RunnerStorageOptions = {}
): Layer.Layer<RunnerStorage.RunnerStorage, KvError, KvClient | ShardingConfig> =>
  Layer.effect(
    RunnerStorage.RunnerStorage,
    Effect.gen(function*() {
      const kv = yield* KvClient
      const { shardLockExpiration } = yield* ShardingConfig
      const documents = options.collection === undefined ? kv : yield* kv.collection(options.collection)
      return make(documents, Duration.fromInputUnsafe(shardLockExpiration), options)
    })
  )
