/**
 * A consumer's connections: one to each node that has vbuckets it streams, made when the first vbucket needs it, shared by all, made anew when
 * lost.
 *
 * It finds the node of a vbucket and waits where there is none. What may be tried again is tried again, in the pace of each node's slot and of
 * `ConnectBudget`; what cannot get better fails all callers.
 */
import type { BootstrapError } from "@wirewright/couchbase"
import type { Cluster } from "@wirewright/couchbase/node"
import { type ConnectionError, ConnectionSlot } from "@wirewright/connection"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
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

/** Closes soon after opening, one after the other, that look like another client with the same name. */
const suspicious = 3

interface Seed {
  readonly host: string
  readonly port: number
}

interface Link {
  readonly address: string
  readonly permits: Semaphore.Semaphore
  readonly slot: ConnectionSlot<DcpConnection, OpenError>
  quickCloses: number
}

type OpenError = ConnectionError | BootstrapError | NegotiationRefused | DcpFeatureMissing

/** A connection and the right to ask for streams on it. */
export interface NodeConnection {
  readonly connection: DcpConnection
  readonly permits: Semaphore.Semaphore
}

const isFatal = (error: OpenError): boolean => {
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
    return [...this.links.values()].flatMap(({ slot: { connection } }) => connection === undefined ? [] : [connection])
  }

  /** Whether there will be no connections any more. */
  get over(): boolean {
    return this.fatal !== undefined
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
        const { permits, slot } = this.linkTo(seed)
        const { connection } = slot
        if (connection !== undefined) return { connection, permits }
        yield* Effect.raceFirst(Effect.ignore(slot.connect), this.options.cluster.changed)
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

  private linkTo(seed: Seed): Link {
    const address = `${seed.host}:${seed.port}`
    const known = this.links.get(address)
    if (known !== undefined) return known
    const link: Link = {
      address,
      permits: Semaphore.makeUnsafe(requestsInFlight),
      slot: new ConnectionSlot<DcpConnection, OpenError>({
        address,
        random: this.options.random,
        open: (lost) => this.open(link, seed, lost),
        watch: { failed: (error) => this.failed(link, error) }
      }, this.scope),
      quickCloses: 0
    }
    this.links.set(address, link)
    return link
  }

  /** One attempt. */
  private readonly open = Effect.fnUntraced(
    { self: this },
    function*(this: DcpNodes, link: Link, seed: Seed, lost: (error: ConnectionError) => void) {
      const { cluster, connection: options, fixedName, group, unique } = this.options
      const { address, slot } = link
      yield* Effect.sleep(this.budget.take(this.options.now()))
      this.attempts++
      let begun = false
      const connection = yield* DcpConnection.open({
        ...options,
        ...seed,
        negotiation: { ...options.negotiation, name: fixedName ?? connectionName(group, unique()) },
        onServerRequest: cluster.pushed,
        onClose: (error) => {
          lost(error)
          if (begun) this.closed(link, error)
        }
      })
      begun = true
      const again = slot.lives > 0 || slot.failures > 0
      this.options.log(
        (again ? Effect.logInfo : Effect.logDebug)(`connected to ${address}${again ? ` again (attempt ${slot.failures + 1})` : ""}`)
      )
      cluster.offer(connection.session.clusterMap)
      return connection
    }
  )

  private failed({ slot: { failures } }: Link, error: OpenError): Effect.Effect<void> {
    return Effect.suspend(() => {
      // of a node that is away for long, the log says less and less often
      if (Number.isInteger(Math.log2(failures))) {
        this.options.log(Effect.logWarning(`cannot connect (attempt ${failures}): ${error.message}`))
      }
      if (isFatal(error)) {
        this.fatal = error
        return Effect.void
      }
      // the node may be gone for good, and its vbuckets elsewhere
      return Effect.forkIn(this.options.cluster.refresh, this.scope)
    })
  }

  private closed(link: Link, error: ConnectionError): void {
    this.lost++
    if (error.reason._tag !== "ConnectionClosed") this.options.log(Effect.logWarning(error.message))
    link.quickCloses = link.slot.failures === 0 ? 0 : link.quickCloses + 1
    const { fixedName } = this.options
    if (fixedName !== undefined && link.quickCloses > suspicious) this.fatal = new NameConflictSuspected({ connection: fixedName })
  }
}
