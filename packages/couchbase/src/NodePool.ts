/**
 * The connections to one node: made when they are needed, shared while they last, made again when they are lost.
 *
 * Whoever needs a connection while one is being made waits for that one; its being interrupted does not stop the others' connecting. It
 * repeats nothing by itself: the next one who asks connects again.
 */
import type { ConnectionError } from "@wirewright/connection"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { BootstrapError } from "./Bootstrap.ts"
import type { KvConnection } from "./KvConnection.ts"

/** Why there is no connection. */
export type OpenError = ConnectionError | BootstrapError

interface PoolSlot {
  connection: KvConnection | undefined
  opening: Deferred.Deferred<KvConnection, OpenError> | undefined
  scope: Scope.Closeable | undefined
}

/** The connections to one node. */
export class NodePool {
  /** `host:port` of the node. */
  readonly address: string
  private readonly open: Effect.Effect<KvConnection, OpenError, Scope.Scope>
  private readonly scope: Scope.Scope
  private readonly slots: ReadonlyArray<PoolSlot>
  private turn = 0

  constructor(address: string, size: number, open: Effect.Effect<KvConnection, OpenError, Scope.Scope>, scope: Scope.Scope) {
    this.address = address
    this.open = open
    this.scope = scope
    this.slots = Array.from({ length: size }, () => ({ connection: undefined, opening: undefined, scope: undefined }))
  }

  /** A connection, if there is one. They are taken in turn. */
  ready(): KvConnection | undefined {
    const { slots } = this
    for (let looked = 0; looked < slots.length; looked++) {
      this.turn = this.turn + 1 === slots.length ? 0 : this.turn + 1
      const connection = slots[this.turn]!.connection
      if (connection !== undefined && connection.packets.closed === undefined) return connection
    }
    return undefined
  }

  /** How many connections there are. */
  get connected(): number {
    return this.live().length
  }

  /** Requests in flight on all connections. */
  get inFlight(): number {
    return this.live().reduce((sum, { packets }) => sum + packets.counters.inFlight, 0)
  }

  /** Makes the missing connections and waits for the first of them. */
  readonly connect: Effect.Effect<KvConnection, OpenError> = Effect.suspend(() => {
    const missing = this.slots.filter(({ connection }) => connection === undefined || connection.packets.closed !== undefined)
    const [first, ...others] = missing
    if (first === undefined) return Effect.succeed(this.ready()!)
    return Effect.andThen(
      Effect.forEach(others, (slot) => Effect.forkIn(Effect.ignore(this.fill(slot)), this.scope), { discard: true }),
      this.fill(first)
    )
  })

  /** Closes all connections. */
  readonly close: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach(this.slots, (slot) => {
      const { scope } = slot
      slot.connection = undefined
      slot.scope = undefined
      return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
    }, { discard: true })
  )

  private live(): ReadonlyArray<KvConnection> {
    return this.slots.flatMap(({ connection }) => connection !== undefined && connection.packets.closed === undefined ? [connection] : [])
  }

  private fill(slot: PoolSlot): Effect.Effect<KvConnection, OpenError> {
    return Effect.suspend(() => {
      if (slot.opening !== undefined) return Deferred.await(slot.opening)
      const opening = Deferred.makeUnsafe<KvConnection, OpenError>()
      slot.opening = opening
      return Effect.andThen(Effect.forkIn(this.make(slot, opening), this.scope), Deferred.await(opening))
    })
  }

  /** Connects in a scope of its own, so that connections that were lost leave nothing behind. */
  private make(slot: PoolSlot, opening: Deferred.Deferred<KvConnection, OpenError>): Effect.Effect<void> {
    const before = slot.scope === undefined ? Effect.void : Scope.close(slot.scope, Exit.void)
    const scope = Scope.forkUnsafe(this.scope)
    slot.scope = scope
    return Effect.flatMap(Effect.andThen(before, Effect.exit(Scope.provide(this.open, scope))), (exit) => {
      slot.opening = undefined
      if (Exit.isSuccess(exit)) slot.connection = exit.value
      else slot.scope = undefined
      Deferred.doneUnsafe(opening, exit)
      return Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)
    })
  }
}
