/**
 * Where checkpoints are kept between runs. A store keeps those of many groups; a group has one owner at a time: opening it takes it over, and
 * whoever had it before is refused from then on (`Fenced`).
 *
 * A store saves what it is given or fails, never a part of one vbucket's checkpoint. `CheckpointStoreSuite` tells whether it does.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import { hostname } from "node:os"
import type { Checkpoint } from "./Checkpoint.ts"
import { type Checkpoints, checkpointsText, type GroupOwner, readCheckpoints, type StoredCheckpoints } from "./CheckpointFormat.ts"
import { CheckpointError } from "./DcpError.ts"
import { fenced, maxVbuckets } from "./Fencing.ts"
import { groupName } from "./GroupName.ts"

/** A group, or some vbuckets of it, that was taken over. */
export interface CheckpointGroup {
  /** Which owner this is: higher than those of all owners of the group before it. */
  readonly epoch: number
  /** What was saved last. */
  readonly load: Effect.Effect<Checkpoints, CheckpointError>
  /** Saves the checkpoints of some vbuckets; those of the others stay. */
  readonly save: (checkpoints: Checkpoints) => Effect.Effect<void, CheckpointError>
  /** Forgets the checkpoints of all vbuckets. */
  readonly clear: Effect.Effect<void, CheckpointError>
}

/** A store. */
export interface CheckpointStoreShape {
  /** `vbucket`: owners of different vbuckets of a group stand side by side. Default: `group`, which has one owner. */
  readonly fencing?: "group" | "vbucket"
  /**
   * Takes a group over; a store that tells owners of vbuckets apart, only the vbuckets named, if any are. What is loaded need not have others than those.
   * Names are any text.
   */
  readonly open: (group: string, vbuckets?: ReadonlyArray<number>) => Effect.Effect<CheckpointGroup, CheckpointError, Scope.Scope>
}

/** A group as it is stored. */
export interface StoredGroup {
  readonly name: string
  /** How often the group was taken over. */
  readonly epoch: number
  /** Who has it; nothing when it was closed by whoever had it last. One that was killed did not close it. */
  readonly owner: GroupOwner | undefined
  readonly checkpoints: Checkpoints
}

/** A store that can be looked into and seen to, for operators' tools. */
export interface CheckpointArchive extends CheckpointStoreShape {
  /** Names of the groups that there are, in order. */
  readonly groups: Effect.Effect<ReadonlyArray<string>, CheckpointError>
  /** A group as it is, without taking it over; nothing when there is none. */
  readonly look: (group: string) => Effect.Effect<StoredGroup | undefined, CheckpointError>
  /** Takes a group over that nobody has; fails with `Held` when somebody has it. */
  readonly openFree: CheckpointStoreShape["open"]
}

/**
 * One text per name, which a store of texts is made of. A name is that of a group, as `GroupName` writes it, a slash, and `owner`, `ended` or a
 * number.
 */
export interface TextStore {
  /** All names that there are, some of other things among them. Without it the groups cannot be listed. */
  readonly names?: Effect.Effect<ReadonlyArray<string>, CheckpointError>
  /** Where the text is, for messages: a file, a document's key. */
  readonly place: (name: string) => string
  /** The text, and what `put` needs to replace just this one. */
  readonly get: (name: string) => Effect.Effect<{ readonly text: string; readonly version: bigint } | undefined, CheckpointError>
  /** Replaces the text of this version; `undefined`: there must be none. Fails with `Fenced` when there is another one. */
  readonly put: (name: string, text: string, version: bigint | undefined) => Effect.Effect<bigint, CheckpointError>
}

/** Vbuckets that share a text: few enough to write one quickly, so many that a thousand vbuckets do not make a thousand texts. */
export const shardSize = 64

/** Somebody has a group. */
export const held = ({ by, group, since }: GroupOwner): CheckpointError =>
  new CheckpointError({ reason: "Held", message: `${by} has the group ${group} since ${new Date(since).toISOString()}` })

/** This process, for whoever finds that it has a group. */
export const thisProcess = `${hostname()} (pid ${process.pid})`

/** A store that keeps each 64 vbuckets of a group in one text. */
export const overTexts = (texts: TextStore): CheckpointArchive => {
  const read = (name: string): Effect.Effect<(StoredCheckpoints & { readonly version: bigint }) | undefined, CheckpointError> =>
    Effect.flatMap(texts.get(name), (found) =>
      found === undefined
        ? Effect.succeed(undefined)
        : Effect.map(
          Effect.fromResult(readCheckpoints(found.text, texts.place(name))),
          (stored) => ({ ...stored, version: found.version })
        ))
  const allShards: ReadonlyArray<number> = Array.from({ length: maxVbuckets / shardSize }, (_, index) => index)

  /** Who has a group. The owner says that it has taken it over, and in a text beside that it has ended. */
  const ownerOf = (stem: string) =>
    Effect.map(Effect.all([read(`${stem}/owner`), read(`${stem}/ended`)]), ([before, ended]) => ({
      before,
      ended,
      has: before?.epoch === ended?.epoch ? undefined : before?.owner
    }))

  /** Never an older epoch in the owner's text: whoever took the group over meanwhile keeps it. */
  const end = (stem: string, epoch: number): Effect.Effect<void, CheckpointError> =>
    Effect.flatMap(
      ownerOf(stem),
      ({ before, ended }) =>
        before?.epoch === epoch ? Effect.asVoid(texts.put(`${stem}/ended`, checkpointsText(new Map(), epoch), ended?.version)) : Effect.void
    )

  const open = Effect.fnUntraced(function*(group: string, vbuckets: ReadonlyArray<number> | undefined, onlyFree: boolean) {
    const wanted = vbuckets === undefined ? allShards : new Set(vbuckets.map((vbucket) => Math.floor(vbucket / shardSize)))
    const stem = groupName(group)
    const ownerName = `${stem}/owner`
    const { before, has } = yield* ownerOf(stem)
    if (onlyFree && has !== undefined) return yield* held(has)
    const epoch = (before?.epoch ?? 0) + 1
    const since = yield* Clock.currentTimeMillis
    yield* texts.put(ownerName, checkpointsText(new Map(), epoch, { group, by: thisProcess, since }), before?.version)
    yield* Effect.addFinalizer(() => Effect.ignore(end(stem, epoch)))
    const checkOwner = Effect.flatMap(read(ownerName), (owner) => owner?.epoch === epoch ? Effect.void : Effect.fail(fenced(group)))
    const shards = new Map<number, { checkpoints: Map<number, Checkpoint>; version: bigint | undefined }>()
    const shard = (index: number) =>
      Effect.suspend(() => {
        const known = shards.get(index)
        if (known !== undefined) return Effect.succeed(known)
        return Effect.map(read(`${stem}/${index}`), (stored) => {
          const made = { checkpoints: new Map(stored?.checkpoints ?? []), version: stored?.version }
          shards.set(index, made)
          return made
        })
      })
    const write = (index: number, checkpoints: Map<number, Checkpoint>) =>
      Effect.flatMap(
        shard(index),
        (kept) =>
          Effect.map(texts.put(`${stem}/${index}`, checkpointsText(checkpoints, epoch), kept.version), (version) => {
            kept.version = version
            kept.checkpoints = checkpoints
          })
      )
    const loadShards = (some: Iterable<number>) => Effect.forEach(some, shard, { concurrency: "unbounded" })
    return {
      epoch,
      load: Effect.map(loadShards(wanted), (found) => new Map(found.flatMap(({ checkpoints }) => [...checkpoints]))),
      save: (checkpoints) => {
        const touched = new Map<number, Array<readonly [number, Checkpoint]>>()
        for (const entry of checkpoints) {
          const index = Math.floor(entry[0] / shardSize)
          touched.set(index, [...touched.get(index) ?? [], entry])
        }
        return Effect.andThen(
          checkOwner,
          Effect.forEach(
            touched,
            ([index, entries]) => Effect.flatMap(shard(index), (kept) => write(index, new Map([...kept.checkpoints, ...entries]))),
            { discard: true }
          )
        )
      },
      clear: Effect.andThen(
        Effect.andThen(checkOwner, loadShards(allShards)),
        Effect.suspend(() => Effect.forEach([...shards.keys()], (index) => write(index, new Map()), { discard: true }))
      )
    } satisfies CheckpointGroup
  })

  return {
    open: (group, vbuckets) => open(group, vbuckets, false),
    openFree: (group, vbuckets) => open(group, vbuckets, true),
    groups: Effect.gen(function*() {
      if (texts.names === undefined) {
        return yield* new CheckpointError({ reason: "Unavailable", message: "this store cannot list its groups" })
      }
      const owners = (yield* texts.names).filter((name) => name.endsWith("/owner"))
      const found = yield* Effect.forEach(owners, read, { concurrency: 16 })
      return found.flatMap((stored) => stored?.owner === undefined ? [] : [stored.owner.group]).sort()
    }),
    look: Effect.fnUntraced(function*(group: string) {
      const stem = groupName(group)
      const { before, has } = yield* ownerOf(stem)
      if (before === undefined) return undefined
      const shards = yield* Effect.forEach(allShards, (index) => read(`${stem}/${index}`), { concurrency: 16 })
      const checkpoints = new Map(shards.flatMap((stored) => stored === undefined ? [] : [...stored.checkpoints]))
      return { name: group, epoch: before.epoch, owner: has, checkpoints }
    })
  }
}

/** Texts in memory. */
const memoryTexts = (): TextStore => {
  const kept = new Map<string, { readonly text: string; readonly version: bigint }>()
  let versions = 0n
  return {
    names: Effect.sync(() => [...kept.keys()]),
    place: (name) => name,
    get: (name) => Effect.sync(() => kept.get(name)),
    put: (name, text, version) =>
      Effect.suspend(() => {
        if (kept.get(name)?.version !== version) return Effect.fail(fenced(name))
        kept.set(name, { text, version: ++versions })
        return Effect.succeed(versions)
      })
  }
}

/** Texts of an Effect `KeyValueStore`, which cannot compare and replace: two owners that write at the same instant are not told apart. */
const keyValueTexts = (store: KeyValueStore.KeyValueStore): TextStore => {
  const unavailable = (name: string) => (cause: unknown): CheckpointError =>
    new CheckpointError({ reason: "Unavailable", message: `${name}: the key-value store failed`, cause })
  return {
    place: (name) => name,
    get: (name) =>
      Effect.mapError(
        Effect.map(store.get(name), (text) => text === undefined ? undefined : { text, version: 0n }),
        unavailable(name)
      ),
    put: (name, text) => Effect.as(Effect.mapError(store.set(name, text), unavailable(name)), 0n)
  }
}

/** The store as a service. */
export class CheckpointStore extends Context.Service<CheckpointStore, CheckpointStoreShape>()("@wirewright/dcp/CheckpointStore") {
  /** A store that is gone with the process. */
  static readonly memory = (): CheckpointArchive => overTexts(memoryTexts())

  /** A store that is gone with the process. */
  static readonly layerMemory: Layer.Layer<CheckpointStore> = Layer.sync(CheckpointStore, () => CheckpointStore.memory())

  /** A store in Effect's `KeyValueStore`. */
  static readonly layerKeyValueStore: Layer.Layer<CheckpointStore, never, KeyValueStore.KeyValueStore> = Layer.effect(
    CheckpointStore,
    Effect.map(KeyValueStore.KeyValueStore, (store) => overTexts(keyValueTexts(store)))
  )
}
