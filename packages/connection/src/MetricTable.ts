/**
 * Every metric there is, as data: metrics are made of these rows, and so are METRICS.md and the dashboard.
 *
 * Names, units and attributes are those of OpenTelemetry's semantic conventions (1.45) where they have such: databases, RPC, messaging. The
 * others begin with `wirewright.`. Units are UCUM's, as in OpenTelemetry. Exporters of OTLP take them as they are; `prometheusName` is what
 * they are called in Prometheus.
 */

/** A metric. */
export interface MetricRow {
  readonly name: string
  readonly kind: "counter" | "gauge" | "histogram"
  /** In UCUM; in braces what is counted. */
  readonly unit: string
  readonly attributes: ReadonlyArray<string>
  readonly meaning: string
  /** What series of several sources with the same attributes come to. Default: their sum */
  readonly together?: "largest"
}

const server = ["server.address", "server.port"] as const
const peer = ["network.protocol.name", ...server] as const
const consumer = ["messaging.system", "messaging.consumer.group.name", "messaging.destination.name"] as const

/** Of clients of every protocol. */
export const clientRows = {
  operation: {
    name: "db.client.operation.duration",
    kind: "histogram",
    unit: "s",
    attributes: ["db.system.name", "db.operation.name", ...server, "error.type", "db.response.status_code"],
    meaning: "Key-value operations from their call to their outcome; with Couchbase, all attempts together. An interrupted one has none"
  },
  wait: {
    name: "db.client.connection.wait_time",
    kind: "histogram",
    unit: "s",
    attributes: ["db.client.connection.pool.name"],
    meaning: "What memcached operations waited for a connection, those that did"
  },
  call: {
    name: "rpc.client.call.duration",
    kind: "histogram",
    unit: "s",
    attributes: ["rpc.system.name", "rpc.method", ...server, "error.type"],
    meaning: "Requests of clients of other protocols, deepstream's procedures among them, from their call to their last answer"
  },
  inFlight: {
    name: "wirewright.client.requests.in_flight",
    kind: "gauge",
    unit: "{request}",
    attributes: peer,
    meaning: "Requests that wait for an answer"
  },
  connections: {
    name: "wirewright.client.connections",
    kind: "gauge",
    unit: "{connection}",
    attributes: peer,
    meaning: "Connections that are open and take requests"
  },
  connectionsMax: {
    name: "wirewright.client.connections.max",
    kind: "gauge",
    unit: "{connection}",
    attributes: peer,
    meaning: "Connections that there should be"
  },
  reconnects: {
    name: "wirewright.client.reconnects",
    kind: "counter",
    unit: "{connection}",
    attributes: peer,
    meaning: "Connections made again after one was lost"
  },
  connectFailures: {
    name: "wirewright.client.connect.failures",
    kind: "counter",
    unit: "{attempt}",
    attributes: [...peer, "error.type"],
    meaning: "Attempts to connect, or to begin, that failed"
  },
  lateAnswers: {
    name: "wirewright.client.late_answers",
    kind: "counter",
    unit: "{answer}",
    attributes: peer,
    meaning: "Answers that came when nobody waited any more"
  },
  retries: {
    name: "wirewright.client.retries",
    kind: "counter",
    unit: "{attempt}",
    attributes: ["db.system.name", "db.operation.name", "error.type"],
    meaning: "Attempts of Couchbase operations after the first, by what the one before failed of"
  },
  circuits: {
    name: "wirewright.client.circuit.transitions",
    kind: "counter",
    unit: "{transition}",
    attributes: ["db.system.name", ...server, "wirewright.circuit.state"],
    meaning: "How often the circuit of a Couchbase node came to be open, half-open, and closed again; with `circuitBreaker`"
  },
  io: {
    name: "wirewright.client.io",
    kind: "counter",
    unit: "By",
    attributes: [...peer, "network.io.direction"],
    meaning: "Bytes sent and received"
  }
} as const satisfies { readonly [name: string]: MetricRow }

/** Of DCP consumers. */
export const dcpRows = {
  consumed: {
    name: "messaging.client.consumed.messages",
    kind: "counter",
    unit: "{message}",
    attributes: [...consumer, "wirewright.dcp.change"],
    meaning: "Changes delivered to the application: mutation, deletion, expiration, system"
  },
  lag: {
    name: "wirewright.dcp.lag",
    kind: "gauge",
    unit: "{change}",
    attributes: consumer,
    meaning: "Seqnos between what was processed and the high seqno, of all vbuckets together"
  },
  partitionLag: {
    name: "wirewright.dcp.partition.lag",
    kind: "gauge",
    unit: "{change}",
    attributes: [...consumer, "messaging.destination.partition.id"],
    meaning: "The same of each vbucket; with `metrics: { vbuckets: true }`"
  },
  partitionSeqno: {
    name: "wirewright.dcp.partition.seqno",
    kind: "gauge",
    unit: "{change}",
    attributes: [...consumer, "messaging.destination.partition.id"],
    meaning: "Seqno up to which each vbucket was processed; with `metrics: { vbuckets: true }`"
  },
  partitionHighSeqno: {
    name: "wirewright.dcp.partition.high_seqno",
    kind: "gauge",
    unit: "{change}",
    attributes: [...consumer, "messaging.destination.partition.id"],
    meaning: "High seqno of each vbucket, as snapshots or GET_ALL_VB_SEQNOS told it; with `metrics: { vbuckets: true }`"
  },
  unsettled: {
    name: "wirewright.dcp.unsettled",
    kind: "gauge",
    unit: "{change}",
    attributes: consumer,
    meaning: "Changes delivered and not processed"
  },
  unsettledAge: {
    name: "wirewright.dcp.unsettled.age",
    kind: "gauge",
    unit: "s",
    attributes: consumer,
    meaning: "How long the oldest of them has been so, to about a second",
    together: "largest"
  },
  waiting: {
    name: "wirewright.dcp.waiting",
    kind: "gauge",
    unit: "{change}",
    attributes: consumer,
    meaning: "Events received that the application has not pulled"
  },
  window: {
    name: "wirewright.dcp.window.size",
    kind: "gauge",
    unit: "By",
    attributes: consumer,
    meaning: "Bytes that the nodes may send ahead, of all connections together; 0 without flow control"
  },
  outstanding: {
    name: "wirewright.dcp.window.outstanding",
    kind: "gauge",
    unit: "By",
    attributes: consumer,
    meaning: "Bytes received and not acknowledged"
  },
  acknowledged: {
    name: "wirewright.dcp.acknowledged",
    kind: "counter",
    unit: "By",
    attributes: consumer,
    meaning: "Bytes acknowledged to the nodes"
  },
  vbuckets: {
    name: "wirewright.dcp.vbuckets",
    kind: "gauge",
    unit: "{vbucket}",
    attributes: consumer,
    meaning: "Vbuckets that the consumer has"
  },
  streams: {
    name: "wirewright.dcp.streams.open",
    kind: "gauge",
    unit: "{vbucket}",
    attributes: consumer,
    meaning: "Vbuckets whose stream is open"
  },
  stalled: {
    name: "wirewright.dcp.stalled",
    kind: "gauge",
    unit: "{vbucket}",
    attributes: consumer,
    meaning: "Vbuckets that have not got on for longer than `slowAfter`"
  },
  rollbacks: {
    name: "wirewright.dcp.rollbacks",
    kind: "counter",
    unit: "{rollback}",
    attributes: [...consumer, "wirewright.dcp.rollback.reason"],
    meaning: "Rollbacks handed to the application"
  },
  commit: {
    name: "messaging.client.operation.duration",
    kind: "histogram",
    unit: "s",
    attributes: [...consumer, "messaging.operation.name", "error.type"],
    meaning: "Batches of checkpoints being saved (`commit`), attempts that failed among them"
  }
} as const satisfies { readonly [name: string]: MetricRow }

/** Of deepstream clients, beside those of all clients. */
export const deepstreamRows = {
  state: {
    name: "wirewright.deepstream.connection.state",
    kind: "gauge",
    unit: "{connection}",
    attributes: [...server, "wirewright.deepstream.state"],
    meaning: "Connections in each of the states"
  },
  messages: {
    name: "wirewright.deepstream.messages",
    kind: "counter",
    unit: "{message}",
    attributes: [...server, "network.io.direction"],
    meaning: "Messages sent and received"
  },
  subscriptions: {
    name: "wirewright.deepstream.subscriptions",
    kind: "gauge",
    unit: "{subscription}",
    attributes: [...server, "wirewright.deepstream.topic"],
    meaning: "Names subscribed to, records open, and procedures provided"
  },
  writes: {
    name: "wirewright.deepstream.writes.buffered",
    kind: "gauge",
    unit: "{write}",
    attributes: server,
    meaning: "Writes of records whose outcome is not known"
  },
  queued: {
    name: "wirewright.deepstream.messages.queued",
    kind: "gauge",
    unit: "{message}",
    attributes: server,
    meaning: "Messages that wait for a connection, or for the network"
  }
} as const satisfies { readonly [name: string]: MetricRow }

/** Of servers of every protocol, a proxy's side towards its clients among them. */
export const serverRows = {
  call: {
    name: "rpc.server.call.duration",
    kind: "histogram",
    unit: "s",
    attributes: ["rpc.system.name", "rpc.method", ...server, "error.type"],
    meaning:
      "Requests from when they were read until their last answer; 0 of those that are answered in the same turn. `error.type` of a refusal is "
      + "its status, a miss among them, or in the text protocol the word that its line begins with"
  },
  connections: {
    name: "wirewright.server.connections",
    kind: "gauge",
    unit: "{connection}",
    attributes: server,
    meaning: "Connections that are open"
  },
  connectionsMax: {
    name: "wirewright.server.connections.max",
    kind: "gauge",
    unit: "{connection}",
    attributes: server,
    meaning: "Connections that there may be"
  },
  accepted: {
    name: "wirewright.server.connections.accepted",
    kind: "counter",
    unit: "{connection}",
    attributes: server,
    meaning: "Connections accepted"
  },
  closed: {
    name: "wirewright.server.connections.closed",
    kind: "counter",
    unit: "{connection}",
    attributes: [...server, "error.type"],
    meaning:
      "Connections closed by the server: refused (there were as many as there may be), out_of_files (nearly as many files were open as the "
      + "process may have), misbehaved, timeout (too slow), crowded_out (held too much), defect"
  },
  requests: {
    name: "wirewright.server.requests",
    kind: "counter",
    unit: "{request}",
    attributes: server,
    meaning: "Frames that came from clients"
  },
  malformed: {
    name: "wirewright.server.requests.malformed",
    kind: "counter",
    unit: "{request}",
    attributes: server,
    meaning: "Frames that were no request"
  },
  io: {
    name: "wirewright.server.io",
    kind: "counter",
    unit: "By",
    attributes: [...server, "network.io.direction"],
    meaning: "Bytes sent and received"
  }
} as const satisfies { readonly [name: string]: MetricRow }

/** Of proxies, beside those of servers and, towards the upstream, of clients. */
export const proxyRows = {
  requests: {
    name: "wirewright.proxy.requests",
    kind: "counter",
    unit: "{request}",
    attributes: [...server, "db.operation.name"],
    meaning: "Requests of clients, by command"
  },
  errors: {
    name: "wirewright.proxy.errors",
    kind: "counter",
    unit: "{answer}",
    attributes: [...server, "db.operation.name"],
    meaning: "Answers that are no success, misses among them"
  },
  hits: {
    name: "wirewright.proxy.hits",
    kind: "counter",
    unit: "{key}",
    attributes: server,
    meaning: "Keys asked for that were there"
  },
  misses: {
    name: "wirewright.proxy.misses",
    kind: "counter",
    unit: "{key}",
    attributes: server,
    meaning: "Keys asked for that were not there"
  },
  outages: {
    name: "wirewright.proxy.upstream.outages",
    kind: "counter",
    unit: "{outage}",
    attributes: server,
    meaning: "Times that the last connection to an upstream node was lost"
  }
} as const satisfies { readonly [name: string]: MetricRow }

/** All of them, by whom they are of. */
export const metricTable: { readonly [subject: string]: { readonly [name: string]: MetricRow } } = {
  clients: clientRows,
  "DCP consumers": dcpRows,
  "deepstream clients": deepstreamRows,
  servers: serverRows,
  proxies: proxyRows
}

/** Units that have a name in Prometheus. */
const suffixes: { readonly [unit: string]: string } = { s: "_seconds", By: "_bytes" }

let names: ReadonlyMap<string, string> | undefined

/**
 * What a metric is called in Prometheus, by the rules of OpenTelemetry: unit and `_total` at the end. Names that are not of this table stay.
 * For `PrometheusMetrics`, as its `metricNameMapper`.
 */
export const prometheusName = (name: string): string => {
  names ??= new Map(
    Object.values(metricTable).flatMap((rows) =>
      Object.values(rows).map(({ kind, name, unit }) => [
        name,
        `${name.replaceAll(".", "_")}${suffixes[unit] ?? ""}${kind === "counter" ? "_total" : ""}`
      ])
    )
  )
  return names.get(name) ?? name
}
