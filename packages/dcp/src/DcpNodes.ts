/**
 * A consumer's connections: one to each node that has vbuckets it streams, made when the first vbucket needs it, shared by all, made anew when
 * lost.
 *
 * It finds the node of a vbucket and waits where there is none. What may be tried again is tried again, in the pace of `ConnectBudget`; what
 * cannot get better fails all callers.
 */
import type { BootstrapError } from "@wirewright/couchbase"
import type { Cluster } from "@wirewright/couchbase/node"
import type { ConnectionError } from "@wirewright/connection"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { backOff, ConnectBudget } from "./ConnectBudget.ts"
import { DcpConnection, type DcpConnectionOptions } from "./DcpConnection.ts"
import { type DcpFeatureMissing, NameConflictSuspected, type NegotiationRefused } from "./DcpError.ts"
import { connectionName } from "./Negotiation.ts"

/** Why there are no connections any more. */
export type FatalConnectError = ConnectionError | BootstrapError | NegotiationRefused | DcpFeatureMissing | NameConflictSuspected

/** How connections are made. */
export interface DcpNodesOptions {
  readonly cluster: Cluster
  /** Everything but the place and the name. */
  readonly connection: Omit<DcpConnectionOptions, "host" | "port" | "onClose" | "onServerRequest" | "negotiation"> & {
    readonly negotiation: Omit<DcpConnectionOptions["negotiation"], "name">
  }
  /** The group's name and something unpredictable are the connection's name; or it has this one. */
  readonly group: string
  readonly fixedName?: string | undefined
  readonly unique: () => string
  readonly random: () => number
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number
  /** Attempts to connect at once, and per second after those. */
  readonly burst: number
  readonly perSecond: number
  /** Says something to the operator. */
  readonly log: (line: Effect.Effect<void>) => void
}

/** Stream requests in flight on one connection. */
export const requestsInFlight = 64

/** A connection that lived this long was a good one. */
const stableMilliseconds = 1_000
/** Closes soon after opening, one after the other, that look like another client with the same name. */
const suspicious = 3

interface Link {
  readonly address: string
  readonly permits: Semaphore.Semaphore
  connection: DcpConnection | undefined
  scope: Scope.Closeable | undefined
  opening: Deferred.Deferred<void, FatalConnectError> | undefined
  failures: number
  quickCloses: number
  openedAt: number
}

/** A connection and the right to ask for streams on it. */
export interface NodeConnection {
  readonly connection: DcpConnection
  readonly permits: Semaphore.Semaphore
}

const isFatal = (error: ConnectionError | BootstrapError | NegotiationRefused | DcpFeatureMissing): boolean => {
  switch (error._tag) {
    case "ConnectionError":
      return false
    case "NegotiationRefused":
    case "DcpFeatureMissing":
      return true
    case "BootstrapError":
      return error.reason !== "BucketNotFound"
  }
}

/** The connections of one consumer. */
export class DcpNodes {
  /** Attempts to connect so far. */
  attempts = 0
  /** Connections that were lost. */
  lost = 0
  private readonly options: DcpNodesOptions
  private readonly scope: Scope.Scope
  private readonly links = new Map<string, Link>()
  private readonly budget: ConnectBudget
  private fatal: FatalConnectError | undefined

  constructor(options: DcpNodesOptions, scope: Scope.Scope) {
    this.options = options
    this.scope = scope
    this.budget = new ConnectBudget(options.burst, options.perSecond, options.now())
  }

  /** Connections that are open. */
  get connections(): ReadonlyArray<DcpConnection> {
    return [...this.links.values()].flatMap(({ connection }) =>
      connection !== undefined && connection.closed === undefined ? [connection] : []
    )
  }

  /** A connection to the node that has the vbucket; waits until there is one. */
  readonly connectionOf: (vbucket: number) => Effect.Effect<NodeConnection, FatalConnectError> = Effect.fnUntraced(
    { self: this },
    function*(this: DcpNodes, vbucket: number) {
      for (let homeless = 1;;) {
        if (this.fatal !== undefined) return yield* this.fatal
        const seed = this.options.cluster.seedOf(vbucket)
        if (seed === undefined) {
          yield* this.pause(homeless++)
          continue
        }
        const link = this.linkTo(`${seed.host}:${seed.port}`)
        const { connection, permits } = link
        if (connection !== undefined && connection.closed === undefined) return { connection, permits }
        if (link.opening === undefined) {
          link.opening = Deferred.makeUnsafe()
          yield* Effect.forkIn(this.open(link, seed), this.scope)
        }
        yield* Effect.raceFirst(Deferred.await(link.opening), this.options.cluster.changed)
      }
    }
  )

  /** Looks for a newer map, and waits: longer each time, no longer than until there is one. */
  pause(attempt: number): Effect.Effect<void> {
    const { cluster, random } = this.options
    return Effect.andThen(
      Effect.forkIn(cluster.refresh, this.scope),
      Effect.raceFirst(Effect.sleep(backOff(attempt, 100, 4_000, random)), cluster.changed)
    )
  }

  private linkTo(address: string): Link {
    let link = this.links.get(address)
    if (link === undefined) {
      const permits = Semaphore.makeUnsafe(requestsInFlight)
      link = { address, permits, connection: undefined, scope: undefined, opening: undefined, failures: 0, quickCloses: 0, openedAt: 0 }
      this.links.set(address, link)
    }
    return link
  }

  /** One attempt; whoever waits looks again after it. */
  private readonly open = Effect.fnUntraced(
    { self: this },
    function*(this: DcpNodes, link: Link, seed: { readonly host: string; readonly port: number }) {
      const { cluster, connection: options, fixedName, group, random, unique } = this.options
      if (link.scope !== undefined) yield* Scope.close(link.scope, Exit.void)
      const { failures } = link
      if (failures > 0) yield* Effect.sleep(backOff(failures, 50, 5_000, random))
      yield* Effect.sleep(this.budget.take(this.options.now()))
      this.attempts++
      const scope = Scope.forkUnsafe(this.scope)
      link.scope = scope
      const name = fixedName ?? connectionName(group, unique())
      const opened = yield* Effect.result(Scope.provide(
        DcpConnection.open({
          ...options,
          ...seed,
          negotiation: { ...options.negotiation, name },
          onServerRequest: cluster.pushed,
          onClose: (error) => this.closed(link, error)
        }),
        scope
      ))
      const { opening } = link
      link.opening = undefined
      if (Result.isSuccess(opened)) {
        const again = link.connection !== undefined || failures > 0
        link.connection = opened.success
        link.openedAt = this.options.now()
        this.options.log(
          (again ? Effect.logInfo : Effect.logDebug)(`connected to ${link.address}${again ? ` again (attempt ${failures + 1})` : ""}`)
        )
        cluster.offer(opened.success.session.clusterMap)
        Deferred.doneUnsafe(opening!, Exit.void)
        return
      }
      link.failures++
      // of a node that is away for long, the log says less and less often
      if (Number.isInteger(Math.log2(link.failures))) {
        this.options.log(Effect.logWarning(`cannot connect (attempt ${link.failures}): ${opened.failure.message}`))
      }
      yield* Scope.close(scope, Exit.void)
      link.scope = undefined
      if (isFatal(opened.failure)) {
        this.fatal = opened.failure
        Deferred.doneUnsafe(opening!, Effect.fail(opened.failure))
        return
      }
      // the node may be gone for good, and its vbuckets elsewhere
      yield* Effect.forkIn(cluster.refresh, this.scope)
      Deferred.doneUnsafe(opening!, Exit.void)
    }
  )

  private closed(link: Link, error: ConnectionError): void {
    if (link.connection === undefined) return
    this.lost++
    if (error.reason._tag !== "ConnectionClosed") this.options.log(Effect.logWarning(error.message))
    const stable = this.options.now() - link.openedAt >= stableMilliseconds
    link.failures = stable ? 0 : link.failures + 1
    link.quickCloses = stable ? 0 : link.quickCloses + 1
    const { fixedName } = this.options
    if (fixedName !== undefined && link.quickCloses > suspicious) this.fatal = new NameConflictSuspected({ connection: fixedName })
  }
}
