/**
 * The connections to one node: made when they are needed, shared while they last, made again when they are lost and needed.
 *
 * Whoever needs a connection while one is being made waits for that one, or for its failure; what to repeat then is the caller's knowledge.
 */
import { type ConnectionError, CountedPool } from "@wirewright/connection"
import type { OperationDurations } from "@wirewright/connection/Metrics"
import type { BootstrapError } from "./Bootstrap.ts"
import type { KvConnection } from "./KvConnection.ts"

/** Why there is no connection. */
export type OpenError = ConnectionError | BootstrapError

/** The connections to one node. */
export class NodePool extends CountedPool<KvConnection, OpenError> {
  /** How long operations of the node take, where that is told. */
  durations: OperationDurations | undefined
  private error: OpenError | undefined

  /** Requests in flight on all connections. */
  get inFlight(): number {
    return this.connections.reduce((sum, { packets }) => sum + packets.counters.inFlight, 0)
  }

  /** Why there is no connection, where there was one, or should have been. */
  get down(): OpenError | undefined {
    return this.connections.length > 0 ? undefined : this.error
  }

  protected override refused(error: OpenError): void {
    this.error = error
    super.refused(error)
  }

  protected override left(connection: KvConnection, error: ConnectionError): void {
    this.error = error.reason._tag === "ConnectionClosed" ? undefined : error
    super.left(connection, error)
  }
}
