/**
 * Effect's `PersistedQueueStore` over a `CasStore`.
 *
 * A queue is an index (`QueueIndex`) and a value for each element, which says whether it waits, was completed or has failed. The element is
 * written before the index knows it and settled before the index forgets it: whatever ends in between, an offer that was acknowledged is
 * delivered, at least once, and what was completed is not delivered again. An offer that nobody acknowledged is completed by the next of its id.
 *
 * Elements that are through keep their id, for de-duplication, until `cleanup` or for `keepCompleted`. What a cache evicts is lost: on memcached
 * a queue needs `-M`, and ends with the process.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Predicate from "effect/Predicate"
import { PersistedQueueError, type PersistedQueueStore } from "effect/persistence/PersistedQueue"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { type CasStore, decodeState, encodeState, keysUnder, update } from "./CasStore.ts"
import * as Queue from "./QueueIndex.ts"

/** How a queue's store works. */
export interface QueueStoreOptions {
  /** In front of all keys. Default: `queue:` */
  readonly prefix?: string
  /** How often a taker looks for what other processes have offered. Default: 1 second */
  readonly pollInterval?: Duration.Input
  /** How often the claims of elements that are being processed are renewed. Default: 30 seconds */
  readonly lockRefreshInterval?: Duration.Input
  /** When an element whose taker is not heard of is somebody else's. Default: 90 seconds */
  readonly lockExpiration?: Duration.Input
  /** How long the id of a completed element is remembered at most. Default: 30 days */
  readonly keepCompleted?: Duration.Input
  /** Most bytes of a queue's index, with about 60 for an element that waits; more is refused. Default: 524 288 */
  readonly maxIndexBytes?: number
}

/** An element as it is stored. */
interface Element {
  readonly state: "waiting" | "completed" | "failed"
  /** Milliseconds of Unix time at which it came into its state. */
  readonly since: number
  /** Only while it waits. */
  readonly element?: unknown
  readonly at?: number
}

/** Up to when what is through has been forgotten. */
interface Forgotten {
  readonly completed: number
  readonly failed: number
}

const nothingForgotten: Forgotten = { completed: -Infinity, failed: -Infinity }

/** How Effect's factory tells a store that an element cannot be read; it has no other name than this. */
const unreadable = "~effect/persistence/PersistedQueue/DeadLetter"

const isUnreadable = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) => Cause.isFailReason(reason) && Predicate.isTagged(reason.error, unreadable))

const millis = (duration: Duration.Input | undefined, standard: Duration.Input): number =>
  Math.max(1, Duration.toMillis(Duration.fromInputUnsafe(duration ?? standard)))

/** A queue's store, whose claims are renewed as long as the scope is open. */
export const makeQueueStore: (
  store: CasStore,
  options: QueueStoreOptions
) => Effect.Effect<PersistedQueueStore["Service"], never, Scope.Scope> = Effect.fnUntraced(
  function*(store: CasStore, options: QueueStoreOptions) {
    const { maxIndexBytes = 524_288, prefix = "queue:" } = options
    const clock = yield* Clock.Clock
    const chance = yield* Random.Random
    const now = () => clock.currentTimeMillisUnsafe()
    const pollInterval = millis(options.pollInterval, "1 second")
    const refresh = millis(options.lockRefreshInterval, "30 seconds")
    const expiration = millis(options.lockExpiration, "90 seconds")
    const keepCompleted = millis(options.keepCompleted, "30 days")
    const indexKey = keysUnder(`${prefix}i:`)
    const elementKey = keysUnder(`${prefix}e:`)
    const forgottenKey = `${prefix}forgotten`
    // the length keeps the elements of a queue `a` apart from those of `a:b`
    const keyOf = (name: string, id: string) => elementKey(`${name.length}:${name}:${id}`)

    const told = <A, R>(message: string, effect: Effect.Effect<A, Error, R>): Effect.Effect<A, PersistedQueueError, R> =>
      Effect.mapError(effect, (cause) => new PersistedQueueError({ message: `${message}: ${cause.message}`, cause }))

    /** Opened when something may be taken in this process. */
    const latches = new Map<string, Latch.Latch>()
    const latchOf = (name: string): Latch.Latch => {
      const latch = latches.get(name) ?? Latch.makeUnsafe(false)
      latches.set(name, latch)
      return latch
    }

    /** Changes the index; what is unchanged is not written. */
    const ofIndex = <A>(name: string, decide: (index: Queue.Index) => readonly [Queue.Index, A]) =>
      update(store, indexKey(name), (found) => {
        const before: Queue.Index = found === undefined ? [] : decodeState(found)
        const [after, answer] = decide(before)
        return after === before ? { answer } : { answer, write: { value: encodeState(after), ttl: Infinity } }
      })

    const settle = (name: string, claim: string, settlement: Queue.Settlement) =>
      ofIndex(name, (index) => [Queue.settled(index, claim, settlement), undefined])

    /** An element is through: its id stays. */
    const mark = (name: string, id: string, state: "completed" | "failed") =>
      update(store, keyOf(name, id), () => {
        const element: Element = { state, since: now() }
        return { answer: undefined, write: { value: encodeState(element), ttl: state === "completed" ? keepCompleted : Infinity } }
      })

    const read = (name: string, id: string) =>
      Effect.map(store.get(keyOf(name, id)), (found) => found === undefined ? undefined : decodeState<Element>(found.value))

    /** Stores an element whose id is new, or forgotten; answers when it is to be delivered if it waits, now or already. */
    const keep = (name: string, id: string, element: unknown, at: number, forgotten: Forgotten) =>
      update(store, keyOf(name, id), (found): { answer: number | undefined; write?: { value: Uint8Array; ttl: number } } => {
        const before = found === undefined ? undefined : decodeState<Element>(found)
        if (before?.state === "waiting") return { answer: before.at ?? 0 }
        if (before !== undefined && before.since > forgotten[before.state]) return { answer: undefined }
        const kept: Element = { state: "waiting", since: now(), element, at }
        return { answer: at, write: { value: encodeState(kept), ttl: Infinity } }
      })

    const forgotten = Effect.map(
      store.get(forgottenKey),
      (found): Forgotten =>
        found === undefined ? nothingForgotten : { ...nothingForgotten, ...decodeState<Partial<Forgotten>>(found.value) }
    )

    /** Claims of this process by queue. */
    const claims = new Map<string, Set<string>>()
    const renewals = Effect.suspend(() =>
      Effect.forEach([...claims], ([name, held]) =>
        held.size === 0
          ? Effect.sync(() => claims.delete(name))
          : Effect.ignore(ofIndex(name, (index) => [Queue.renewed(index, held, now() + expiration), undefined])), { discard: true })
    )
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(refresh), renewals)))

    /** What must not be given up at the first failure; after the claim has ended, somebody else has the element anyway. */
    const acknowledge = (effect: Effect.Effect<void, Error>) =>
      effect.pipe(
        Effect.retry(Schedule.min([Schedule.exponential(200, 1.5), Schedule.spaced(5_000)]).pipe(Schedule.upTo({ duration: expiration }))),
        Effect.catch((error) => Effect.logWarning("an element of a queue could not be settled; it comes again", error))
      )

    const ended = (
      options: Parameters<PersistedQueueStore["Service"]["take"]>[0],
      { attempts, claim, id }: Queue.Waiting & { readonly claim: string },
      exit: Exit.Exit<unknown, unknown>
    ): Effect.Effect<void> => {
      const { name } = options
      const through = (state: "completed" | "failed") =>
        Effect.flatMap(
          ofIndex(name, (index) => [index, Queue.owns(index, claim)]),
          (owns) => owns ? Effect.andThen(mark(name, id, state), settle(name, claim, { _tag: "Gone" })) : Effect.void
        )
      const settlement = exit._tag === "Success"
        ? through("completed")
        : isUnreadable(exit.cause)
        ? through("failed")
        : Cause.hasInterruptsOnly(exit.cause)
        ? settle(name, claim, { _tag: "Released" })
        : attempts >= options.maxAttempts
        ? through("failed")
        : Effect.flatMap(
          options.retryDelay(attempts),
          (delay) => Effect.suspend(() => settle(name, claim, { _tag: "Again", at: now() + Duration.toMillis(delay) }))
        )
      return Effect.andThen(
        acknowledge(settlement),
        Effect.sync(() => {
          claims.get(name)?.delete(claim)
          latchOf(name).openUnsafe()
        })
      )
    }

    const take: PersistedQueueStore["Service"]["take"] = Effect.fnUntraced(function*(options) {
      const { maxAttempts, name } = options
      const latch = latchOf(name)
      for (;;) {
        // before it looks: what is offered afterwards opens it again
        latch.closeUnsafe()
        const claim = `${now().toString(36)}${chance.nextIntUnsafe().toString(36)}`
        // a claim is settled with the scope, whatever happens; an interruption waits for these two answers, which have a timeout
        const taken = yield* Effect.uninterruptible(
          Effect.gen(function*() {
            const found = yield* ofIndex(name, (index) => {
              const { found, index: after } = Queue.claimed(index, now(), { claim, until: now() + expiration, maxAttempts })
              return [after, found]
            })
            if (found._tag === "Nothing") return found
            const { attempts, id } = found.element
            if (found._tag === "Exhausted") {
              yield* mark(name, id, "failed")
              return yield* settle(name, claim, { _tag: "Gone" })
            }
            const kept = yield* Effect.tapError(read(name, id), () => Effect.ignore(settle(name, claim, { _tag: "Released" })))
            if (kept?.state !== "waiting") return yield* settle(name, claim, { _tag: "Gone" })
            claims.set(name, (claims.get(name) ?? new Set()).add(claim))
            yield* Effect.addFinalizer((exit) => ended(options, { ...found.element, claim }, exit))
            return { _tag: "Taken" as const, element: { id, attempts, element: kept.element } }
          }).pipe((taking) => told(`take from ${name}`, taking))
        )
        if (taken?._tag === "Taken") return taken.element
        if (taken?._tag === "Nothing") {
          yield* Effect.race(latch.await, Effect.sleep(Math.max(1, Math.min(pollInterval, taken.before - now()))))
        }
      }
    })

    return {
      offer: ({ delay, element, id, name }) =>
        told(
          `offer to ${name}`,
          Effect.gen(function*() {
            const at = now() + (delay === undefined ? 0 : Duration.toMillis(delay))
            // most ids are new; only for others it matters what was forgotten
            let due = yield* keep(name, id, element, at, nothingForgotten)
            if (due === undefined) due = yield* keep(name, id, element, at, yield* forgotten)
            if (due === undefined) return
            const visible = due
            const full = yield* ofIndex(name, (index) => {
              const after = Queue.enqueued(index, id, visible, maxIndexBytes)
              return after === "full" ? [index, true] : [after, false]
            })
            if (full) {
              yield* store.remove(keyOf(name, id))
              return yield* Effect.fail(new Error(`the queue is full, its index has ${maxIndexBytes} bytes`))
            }
            latchOf(name).openUnsafe()
          })
        ),
      take,
      cleanup: ({ failedTimeToLive, timeToLive }) =>
        told(
          "clean up",
          update(store, forgottenKey, (found) => {
            const before: Partial<Forgotten> = found === undefined ? {} : decodeState(found)
            const failed = failedTimeToLive === undefined ? undefined : now() - Duration.toMillis(failedTimeToLive)
            const after: Partial<Forgotten> = {
              ...before,
              completed: Math.max(before.completed ?? 0, now() - Duration.toMillis(timeToLive)),
              ...failed === undefined ? {} : { failed: Math.max(before.failed ?? 0, failed) }
            }
            return { answer: undefined, write: { value: encodeState(after), ttl: Infinity } }
          })
        )
    }
  }
)
