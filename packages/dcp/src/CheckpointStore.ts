/**
 * Where checkpoints are kept between runs. A store keeps those of many groups; a group has one owner at a time: opening it takes it over, and
 * whoever had it before is refused from then on (`Fenced`).
 *
 * A store saves what it is given or fails, never a part of one vbucket's checkpoint. `CheckpointStoreSuite` tells whether it does.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import type { Checkpoint } from "./Checkpoint.ts"
import { type Checkpoints, checkpointsText, readCheckpoints, type StoredCheckpoints } from "./CheckpointFormat.ts"
import { CheckpointError } from "./DcpError.ts"
import { groupName } from "./GroupName.ts"

/** A group that was taken over. */
export interface CheckpointGroup {
  /** How often the group has been taken over, this time included: of two owners the later one has the greater epoch. */
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
  /** Takes a group over. Names are any text. */
  readonly open: (group: string) => Effect.Effect<CheckpointGroup, CheckpointError, Scope.Scope>
}

/** One text per name, which a store of texts is made of. A name is that of a group, as `GroupName` writes it, a slash, and `owner` or a number. */
export interface TextStore {
  /** Where the text is, for messages: a file, a document's key. */
  readonly place: (name: string) => string
  /** The text, and what `put` needs to replace just this one. */
  readonly get: (name: string) => Effect.Effect<{ readonly text: string; readonly version: bigint } | undefined, CheckpointError>
  /** Replaces the text of this version; `undefined`: there must be none. Fails with `Fenced` when there is another one. */
  readonly put: (name: string, text: string, version: bigint | undefined) => Effect.Effect<bigint, CheckpointError>
}

/** Vbuckets that share a text: few enough to write one quickly, so many that a thousand vbuckets do not make a thousand texts. */
export const shardSize = 64

/** Vbuckets that a bucket has at most. */
const maxVbuckets = 1024

const fenced = (group: string): CheckpointError =>
  new CheckpointError({ reason: "Fenced", message: `another consumer has taken over the group ${group}` })

/** A store that keeps each 64 vbuckets of a group in one text. */
export const overTexts = (texts: TextStore): CheckpointStoreShape => ({
  open: Effect.fnUntraced(function*(group: string) {
    const stem = groupName(group)
    const ownerName = `${stem}/owner`
    const read = (name: string) =>
      Effect.flatMap(
        texts.get(name),
        (found): Effect.Effect<(StoredCheckpoints & { readonly version: bigint }) | undefined, CheckpointError> =>
          found === undefined
            ? Effect.succeed(undefined)
            : Effect.map(
              Effect.fromResult(readCheckpoints(found.text, texts.place(name))),
              (stored) => ({ ...stored, version: found.version })
            )
      )
    const before = yield* read(ownerName)
    const epoch = (before?.epoch ?? 0) + 1
    yield* texts.put(ownerName, checkpointsText(new Map(), epoch), before?.version)
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
    const load = Effect.map(
      Effect.forEach(Array.from({ length: maxVbuckets / shardSize }), (_, index) => shard(index), { concurrency: "unbounded" }),
      (found) => new Map(found.flatMap(({ checkpoints }) => [...checkpoints])) as Checkpoints
    )
    return {
      epoch,
      load,
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
        Effect.andThen(checkOwner, load),
        Effect.suspend(() => Effect.forEach([...shards.keys()], (index) => write(index, new Map()), { discard: true }))
      )
    } satisfies CheckpointGroup
  })
})

/** Texts in memory. */
const memoryTexts = (): TextStore => {
  const kept = new Map<string, { readonly text: string; readonly version: bigint }>()
  let versions = 0n
  return {
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
  static readonly memory = (): CheckpointStoreShape => overTexts(memoryTexts())

  /** A store that is gone with the process. */
  static readonly layerMemory: Layer.Layer<CheckpointStore> = Layer.sync(CheckpointStore, () => CheckpointStore.memory())

  /** A store in Effect's `KeyValueStore`. */
  static readonly layerKeyValueStore: Layer.Layer<CheckpointStore, never, KeyValueStore.KeyValueStore> = Layer.effect(
    CheckpointStore,
    Effect.map(KeyValueStore.KeyValueStore, (store) => overTexts(keyValueTexts(store)))
  )
}
