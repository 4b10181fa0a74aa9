/** What a server counts, and how that is published: by the rows of `serverRows`, read when metrics are. */
import { type Attributes, type Metrics, OperationDurations } from "./Metrics.ts"
import { serverRows } from "./MetricTable.ts"

/** What a server counted. */
export interface ServerCounters {
  /** Open now. */
  readonly connections: number
  readonly accepted: number
  /** Closed because there were `maxConnections`. */
  readonly refused: number
  /** Closed because the process has nearly as many files open as it may. */
  readonly outOfFiles: number
  readonly requests: number
  /** Frames that were no packet. */
  readonly malformed: number
  /** Connections closed because the client misbehaved: bytes that are no frame, packets that cannot come now. */
  readonly misbehaved: number
  /** Connections closed because a header, a frame, any byte, or signing in was too long in coming. */
  readonly timeouts: number
  /** Those of them that were silent in both directions. */
  readonly idle: number
  /** Connections closed because clients together held too much memory, or because there were too many unauthenticated clients. */
  readonly crowdedOut: number
  /** Connections closed because a handler threw. */
  readonly defects: number
  readonly bytesReceived: number
  readonly bytesSent: number
}

/** A server, as far as it is told of. */
interface Served {
  readonly host: string
  readonly port: number
  readonly path: string | undefined
  readonly maxConnections: number
  readonly counters: ServerCounters
}

const attributesOf = ({ host, path, port }: Served): Attributes =>
  path === undefined ? { "server.address": host, "server.port": port } : { "server.address": path }

/** Why a server closes connections, as `error.type`. */
const causes = {
  refused: "refused",
  outOfFiles: "out_of_files",
  misbehaved: "misbehaved",
  timeouts: "timeout",
  crowdedOut: "crowded_out",
  defects: "defect"
} as const

/** Publishes what a server counts until this is undone. */
export const publishServer = (metrics: Metrics, served: Served): () => void => {
  const attributes = attributesOf(served)
  const undo = [
    metrics.readAll([
      [serverRows.connections, () => served.counters.connections],
      [serverRows.connectionsMax, () => served.maxConnections],
      [serverRows.accepted, () => served.counters.accepted],
      [serverRows.requests, () => served.counters.requests],
      [serverRows.malformed, () => served.counters.malformed]
    ], attributes),
    metrics.read(serverRows.io, { ...attributes, "network.io.direction": "transmit" }, () => served.counters.bytesSent),
    metrics.read(serverRows.io, { ...attributes, "network.io.direction": "receive" }, () => served.counters.bytesReceived),
    ...Object.entries(causes).map(([name, cause]) =>
      metrics.read(serverRows.closed, { ...attributes, "error.type": cause }, () => served.counters[name as keyof typeof causes])
    )
  ]
  return () => undo.forEach((one) => one())
}

/** Durations of a server's requests. */
export const serverDurations = (metrics: Metrics, served: Served, system: string): OperationDurations =>
  new OperationDurations(metrics, serverRows.call, "rpc.method", { "rpc.system.name": system, ...attributesOf(served) })
