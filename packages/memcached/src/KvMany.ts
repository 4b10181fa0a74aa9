/**
 * Requests for many keys: what became of each of them. One key that fails does not take the others with it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { MemcachedError } from "./KvError.ts"
import type * as Options from "./KvOptions.ts"
import { textOf } from "./KvValues.ts"

/**
 * Outcomes by key. A request for many keys fails when every key that it needed something for failed; when only some did, they are in `failed`.
 */
export interface Many<A> extends ReadonlyMap<string, A> {
  /** Why keys failed that did. */
  readonly failed: ReadonlyMap<string, MemcachedError>
}

/** How many requests of one call are in flight at a time. */
const together = 1000

/** Outcomes that are being collected. */
export class Gathering<A> extends Map<string, A> implements Many<A> {
  readonly failed = new Map<string, MemcachedError>()
  /** Whether some part was answered, if only with there being nothing. */
  private answered = false

  /** Some keys have been answered; those among them that are missing are not in the outcomes. */
  add(outcomes: ReadonlyMap<string, A> | Many<A>): void {
    this.answered = true
    for (const [key, outcome] of outcomes) this.set(key, outcome)
    if ("failed" in outcomes) { for (const [key, error] of outcomes.failed) this.failed.set(key, error) }
  }

  /** Some keys have failed. */
  fail(keys: Iterable<Options.Key>, error: MemcachedError): void {
    for (const key of keys) this.failed.set(textOf(key), error)
  }

  /** What came of all of it. */
  get outcome(): Exit.Exit<Many<A>, MemcachedError> {
    const [first] = this.failed.values()
    return first === undefined || this.answered || this.size > 0 ? Exit.succeed(this) : Exit.fail(first)
  }
}

/** Whether the server has answered, if only that it refuses. */
export const isAnswer = ({ reason }: MemcachedError): boolean => "status" in reason

/**
 * Asks one server for parts of the keys, one after the other, and gathers. When a part is not answered, those after it are not asked for, and
 * have failed for the same reason.
 */
export const gather = <A, Part extends ReadonlyArray<Options.Key>>(
  parts: Iterable<Part>,
  ask: (part: Part) => Effect.Effect<ReadonlyMap<string, A>, MemcachedError>
): Effect.Effect<Many<A>, MemcachedError> =>
  Effect.suspend(() => {
    const gathering = new Gathering<A>()
    let gone: MemcachedError | undefined
    const one = (part: Part): Effect.Effect<void> => {
      if (gone !== undefined) return Effect.sync(() => gathering.fail(part, gone!))
      return Effect.match(ask(part), {
        onSuccess: (found) => gathering.add(found),
        onFailure: (error) => {
          if (!isAnswer(error) && error.reason._tag !== "InvalidRequest") gone = error
          gathering.fail(part, error)
        }
      })
    }
    return Effect.flatMap(Effect.forEach(parts, one, { discard: true }), () => gathering.outcome)
  })

/** Sends a request of its own for each key, pipelined; each has its outcome. */
export const forMany = <Item, A>(
  items: Iterable<Item>,
  keyOf: (item: Item) => Options.Key,
  ask: (item: Item) => Effect.Effect<A, MemcachedError>
): Effect.Effect<Many<A>, MemcachedError> =>
  Effect.suspend(() => {
    const gathering = new Gathering<A>()
    const one = (item: Item) =>
      Effect.match(ask(item), {
        onSuccess: (outcome) => void gathering.set(textOf(keyOf(item)), outcome),
        onFailure: (error) => gathering.fail([keyOf(item)], error)
      })
    return Effect.flatMap(Effect.forEach(items, one, { concurrency: together, discard: true }), () => gathering.outcome)
  })
