/**
 * The connections to one node: made when they are needed, shared while they last, made again when they are lost and needed.
 *
 * Whoever needs a connection while one is being made waits for that one, or for its failure; what to repeat then is the caller's knowledge.
 */
import { type ConnectionError, SlotPool } from "@wirewright/connection"
import type { BootstrapError } from "./Bootstrap.ts"
import type { KvConnection } from "./KvConnection.ts"

/** Why there is no connection. */
export type OpenError = ConnectionError | BootstrapError

/** The connections to one node. */
export class NodePool extends SlotPool<KvConnection, OpenError> {
  /** Requests in flight on all connections. */
  get inFlight(): number {
    return this.connections.reduce((sum, { packets }) => sum + packets.counters.inFlight, 0)
  }
}
