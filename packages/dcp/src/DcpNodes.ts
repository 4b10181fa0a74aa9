/**
 * A consumer's connections: one to each node that has vbuckets it streams, made when the first vbucket needs it, shared by all, made anew when
 * lost.
 *
 * It finds the node of a vbucket and waits where there is none. What may be tried again is tried again, in the pace of each node's slot and of
 * `ConnectBudget`; what cannot get better fails all callers.
 */
import type { BootstrapError } from "@wirewright/couchbase"
import type { Cluster } from "@wirewright/couchbase/node"
import { type ConnectionError, ConnectionSlot, type Counted } from "@wirewright/connection"
import { errorType } from "@wirewright/connection/Spans"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { backOff, ConnectBudget } from "./ConnectBudget.ts"
import type { ConsumerTelemetry } from "./ConsumerTelemetry.ts"
import { DcpConnection, type DcpConnectionOptions } from "./DcpConnection.ts"
import { BucketChanged, type DcpFeatureMissing, NameConflictSuspected, type NegotiationRefused } from "./DcpError.ts"
import { connectionName } from "./Negotiation.ts"

/** Why there are no connections any more. */
export type FatalConnectError =
  | ConnectionError
  | BootstrapError
  | NegotiationRefused
  | DcpFeatureMissing
  | NameConflictSuspected
  | BucketChanged

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
  readonly telemetry?: Pick<ConsumerTelemetry, "publishNode" | "connectFailed"> | undefined
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
  /** Why there was no connection at the last attempt, until there is one. */
  missing: OpenError | undefined
  /** What connections counted that are gone. */
  readonly gone: { bytesSent: number; bytesReceived: number; acknowledged: number }
}

type OpenError = ConnectionError | BootstrapError | NegotiationRefused | DcpFeatureMissing | BucketChanged

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
    case "BucketChanged":
      return true
    case "BootstrapError":
      return error.reason !== "BucketNotFound"
  }
}

/** What was counted of the connections to a node. */
const countedOf = ({ gone, slot: { connection, lives } }: Link): Counted => {
  const counters = connection?.counters
  return {
    lateAnswers: 0,
    inFlight: counters?.inFlight ?? 0,
    reconnects: Math.max(0, lives - 1),
    connected: connection === undefined ? 0 : 1,
    bytesSent: gone.bytesSent + (counters?.bytesSent ?? 0),
    bytesReceived: gone.bytesReceived + (counters?.bytesReceived ?? 0)
  }
}

/** The connections of one consumer. */
export class DcpNodes {
  /** Attempts to connect so far. */
  attempts = 0
  /** Connections that were lost. */
  lost = 0
  /** The uuid of the bucket that is followed, once it is known: another bucket of its name is not. */
  bucketUuid: string | undefined
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

  /** What was counted on all connections, those that are gone among them. */
  get totals(): { readonly bytesReceived: number; readonly acknowledged: number } {
    let bytesReceived = 0
    let acknowledged = 0
    for (const { gone, slot: { connection } } of this.links.values()) {
      const counters = connection?.counters
      bytesReceived += gone.bytesReceived + (counters?.bytesReceived ?? 0)
      acknowledged += gone.acknowledged + (counters?.acknowledged ?? 0)
    }
    return { bytesReceived, acknowledged }
  }

  /** Nodes that are not reached, and why. */
  get unreached(): ReadonlyArray<string> {
    return [...this.links.values()].flatMap(({ missing }) => missing === undefined ? [] : [missing.message])
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

  /** How far a node has written a vbucket to disk; undefined when that cannot be found out. */
  persistedSeqno(seed: Seed, vbucket: number, vbucketUuid: bigint): Effect.Effect<bigint | undefined> {
    const asked = Effect.flatMap(this.linkTo(seed).slot.connect, (connection) => connection.persistedSeqno(vbucket, vbucketUuid))
    return Effect.orElseSucceed(asked, () => undefined)
  }

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
      quickCloses: 0,
      missing: undefined,
      gone: { bytesSent: 0, bytesReceived: 0, acknowledged: 0 }
    }
    this.links.set(address, link)
    this.options.telemetry?.publishNode(address, () => countedOf(link))
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
      const connection: DcpConnection = yield* DcpConnection.open({
        ...options,
        ...seed,
        negotiation: { ...options.negotiation, name: fixedName ?? connectionName(group, unique()) },
        onServerRequest: cluster.pushed,
        onClose: (error) => {
          lost(error)
          if (begun) this.closed(link, connection, error)
        }
      })
      const found = connection.session.clusterMap?.bucketUuid
      if (found !== undefined && this.bucketUuid !== undefined && found !== this.bucketUuid) {
        return yield* new BucketChanged({ bucket: options.bucket ?? "", expected: this.bucketUuid, found })
      }
      begun = true
      link.missing = undefined
      const again = slot.lives > 0 || slot.failures > 0
      this.options.log(
        Effect.annotateLogs(
          (again ? Effect.logInfo : Effect.logDebug)(`connected to ${address}${again ? ` again (attempt ${slot.failures + 1})` : ""}`),
          { node: address, attempt: slot.failures + 1 }
        )
      )
      cluster.offer(connection.session.clusterMap)
      return connection
    }
  )

  private failed(link: Link, error: OpenError): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { address, slot: { failures } } = link
      link.missing = error
      this.options.telemetry?.connectFailed(address, error)
      // of a node that is away for long, the log says less and less often
      if (Number.isInteger(Math.log2(failures))) {
        const line = Effect.logWarning(`cannot connect (attempt ${failures}): ${error.message}`)
        this.options.log(Effect.annotateLogs(line, { node: address, attempt: failures, "error.type": errorType(error) }))
      }
      if (isFatal(error)) {
        this.fatal = error
        return Effect.void
      }
      // the node may be gone for good, and its vbuckets elsewhere
      return Effect.forkIn(this.options.cluster.refresh, this.scope)
    })
  }

  private closed(link: Link, { counters }: DcpConnection, error: ConnectionError): void {
    this.lost++
    link.gone.bytesSent += counters.bytesSent
    link.gone.bytesReceived += counters.bytesReceived
    link.gone.acknowledged += counters.acknowledged
    if (error.reason._tag !== "ConnectionClosed") {
      this.options.log(
        Effect.annotateLogs(Effect.logWarning(error.message), { node: link.address, "error.type": error.reason._tag })
      )
    }
    link.quickCloses = link.slot.failures === 0 ? 0 : link.quickCloses + 1
    const { fixedName } = this.options
    if (fixedName !== undefined && link.quickCloses > suspicious) this.fatal = new NameConflictSuspected({ connection: fixedName })
  }
}
