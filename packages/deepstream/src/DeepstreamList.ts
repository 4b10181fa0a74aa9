/** A list: a record that is an array of the names of other records. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { DeepstreamError, InvalidMessage, InvalidRecordData } from "./DeepstreamError.ts"
import type { ChangesOptions, DeepstreamRecord } from "./DeepstreamRecord.ts"
import type { WriteOptions, Written } from "./WriteOptions.ts"
import type { Json } from "./Json.ts"

/** What happened to an entry between two versions of a list. */
export type EntryChange =
  | { readonly _tag: "Added" | "Removed"; readonly name: string; readonly index: number }
  | { readonly _tag: "Moved"; readonly name: string; readonly index: number; readonly from: number }

/** Options of adding and removing. */
export interface EntryOptions extends WriteOptions {
  readonly index?: number
}

/** An open list. */
export interface DeepstreamList {
  readonly name: string
  /** The names of its entries. A list that was never written is empty. */
  readonly entries: Effect.Effect<ReadonlyArray<string>, DeepstreamError>
  readonly set: <const O extends WriteOptions | undefined = undefined>(
    entries: ReadonlyArray<string>,
    options?: O
  ) => Effect.Effect<Written<O>, DeepstreamError>
  /** Adds an entry, before the one at `index`. Default: at the end. */
  readonly add: <const O extends EntryOptions | undefined = undefined>(
    name: string,
    options?: O
  ) => Effect.Effect<Written<O>, DeepstreamError>
  /** Removes an entry wherever it stands, or only at an index. Nothing happens when it is not there. */
  readonly remove: <const O extends EntryOptions | undefined = undefined>(
    name: string,
    options?: O
  ) => Effect.Effect<Written<O>, DeepstreamError>
  readonly changes: (options?: ChangesOptions) => Stream.Stream<ReadonlyArray<string>, DeepstreamError>
  /** What each change did, removals first. */
  readonly entryChanges: Stream.Stream<EntryChange, DeepstreamError>
  readonly delete: Effect.Effect<void, DeepstreamError>
}

const entriesOf = (name: string, data: Json): Effect.Effect<ReadonlyArray<string>, DeepstreamError> => {
  if (Array.isArray(data) && data.every((entry) => typeof entry === "string")) return Effect.succeed(data as ReadonlyArray<string>)
  if (typeof data === "object" && data !== null && !Array.isArray(data) && Object.keys(data).length === 0) return Effect.succeed([])
  return Effect.fail(
    new DeepstreamError({
      reason: new InvalidRecordData({ topic: "R", subject: name, message: `record ${name} is no list of names`, cause: undefined })
    })
  )
}

/** What turns one list into the other. Entries that occur several times are counted by their occurrence. */
export const entryChanges = (before: ReadonlyArray<string>, after: ReadonlyArray<string>): ReadonlyArray<EntryChange> => {
  const places = (entries: ReadonlyArray<string>): Map<string, Array<number>> => {
    const found = new Map<string, Array<number>>()
    entries.forEach((name, index) => found.set(name, [...found.get(name) ?? [], index]))
    return found
  }
  const old = places(before)
  const now = places(after)
  const changes: Array<EntryChange> = []
  for (const [name, indexes] of old) {
    for (const index of indexes.slice(now.get(name)?.length ?? 0)) changes.push({ _tag: "Removed", name, index })
  }
  for (const [name, indexes] of now) {
    const earlier = old.get(name) ?? []
    indexes.forEach((index, occurrence) => {
      const from = earlier[occurrence]
      if (from === undefined) changes.push({ _tag: "Added", name, index })
      else if (from !== index) changes.push({ _tag: "Moved", name, index, from })
    })
  }
  return changes
}

/** The record as a list. */
export const listOf = (record: DeepstreamRecord<Json>): DeepstreamList => {
  const { name } = record
  const entries = Effect.flatMap(record.get, (data) => entriesOf(name, data))
  const refused = (message: string): Effect.Effect<never, DeepstreamError> =>
    Effect.fail(new DeepstreamError({ reason: new InvalidMessage({ message: `list ${name}: ${message}` }) }))
  const write = <O extends WriteOptions | undefined>(names: ReadonlyArray<string>, options: O | undefined) =>
    Array.isArray(names) && names.every((entry) => typeof entry === "string")
      ? record.set(names, options)
      : refused("only an array of names is a list")
  const change = <O extends EntryOptions | undefined>(
    options: O | undefined,
    edit: (entries: ReadonlyArray<string>) => ReadonlyArray<string>
  ): Effect.Effect<Written<O>, DeepstreamError> =>
    // nothing comes between reading and writing: both are done at once
    Effect.flatMap(entries, (now) => {
      const { index = 0 } = options ?? {}
      return Number.isInteger(index) && index >= 0 && index <= now.length
        ? write(edit(now), options)
        : refused(`${index} is no place among ${now.length} entries`)
    })
  const changes = (options?: ChangesOptions) => Stream.mapEffect(record.changes(options), (data) => entriesOf(name, data))
  return {
    name,
    entries,
    set: write,
    add: (entry, options) =>
      change(options, (now) => {
        const index = options?.index ?? now.length
        return [...now.slice(0, index), entry, ...now.slice(index)]
      }),
    remove: (entry, options) =>
      change(options, (now) => now.filter((other, index) => other !== entry || options?.index !== undefined && index !== options.index)),
    changes,
    entryChanges: Stream.flatMap(
      Stream.mapAccum(changes({ deliver: "every" }), () => undefined as ReadonlyArray<string> | undefined, (before, after) => [
        after,
        before === undefined ? [] : entryChanges(before, after)
      ]),
      Stream.succeed
    ),
    delete: record.delete
  }
}
