/**
 * What clients report of their connections, in the shape that Couchbase's SDKs share: `ping` asks every server, `diagnostics` asks none.
 *
 * `JSON.stringify` of a report is the JSON of version 2. Source: sdk-rfcs 0061, and 0034 for what its fields mean.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type { Pooled } from "./ConnectionSlot.ts"
import type { SlotPool } from "./SlotPool.ts"

/** A connection that there is or should be. */
export interface Endpoint {
  /** Names it within the client, also after it was made again. */
  readonly id: string
  /** `host:port` of the server, as the client was told it. */
  readonly remote: string
  /** `host:port` of this side; nothing while there is no connection, or none of a socket with ports. */
  readonly local: string | undefined
  /** The bucket. */
  readonly namespace: string | undefined
}

/** What became of asking a server. */
export interface PingedEndpoint extends Endpoint {
  readonly state: "ok" | "timeout" | "error"
  /** Milliseconds until that was known; with the connecting, where there was no connection. */
  readonly latency: number
  /** Why there was no answer that is good, with the state `error`. */
  readonly error: string | undefined
}

/** What is known of a connection without asking. */
export interface DiagnosedEndpoint extends Endpoint {
  readonly state: "connected" | "connecting" | "disconnected"
  /** Milliseconds since something came from the server; nothing where nothing has. */
  readonly lastActivity: number | undefined
  /** Why there is no connection, and what else is the matter. */
  readonly details: string | undefined
}

/** How much of a service can be reached: all of its connections, some, or none. */
export type ServiceState = "online" | "degraded" | "offline"

/** What clients call themselves, unless they are told otherwise. */
export const agentName = "wirewright/0.1.0"

/** Where a report comes from. */
export interface ReportSource {
  /** Names the report. */
  readonly id: string
  /** What the client calls itself. */
  readonly sdk: string
}

/** Options of `ping`. */
export interface PingOptions {
  /** Names the report. Default: a number by chance */
  readonly reportId?: string
  /** Time for each server. Default: that of every request */
  readonly timeout?: Duration.Input
}

/** Options of `diagnostics`. */
export type DiagnosticsOptions = Pick<PingOptions, "reportId">

/** The name of a report: the one it is given, or 64 bits by chance. */
export const reportId = (given: string | undefined): Effect.Effect<string> => {
  if (given !== undefined) return Effect.succeed(given)
  const half = Effect.map(Random.nextIntBetween(0, 2 ** 32), (n) => n.toString(16).padStart(8, "0"))
  return Effect.map(Effect.all([half, half]), ([high, low]) => `0x${high}${low}`)
}

const stateOf = (reached: number, all: number): ServiceState => reached === 0 ? "offline" : reached === all ? "online" : "degraded"

const microseconds = (milliseconds: number): number => Math.round(milliseconds * 1_000)

const place = ({ id, local, namespace, remote }: Endpoint) => ({
  remote,
  ...local === undefined ? {} : { local },
  id,
  ...namespace === undefined ? {} : { namespace }
})

/** What all servers answered. */
export class PingReport implements ReportSource {
  readonly version = 2
  readonly id: string
  readonly sdk: string
  /** Revision of the cluster map that says which servers there are; nothing where there is none. */
  readonly configRev: number | undefined
  readonly endpoints: ReadonlyArray<PingedEndpoint>

  constructor({ id, sdk }: ReportSource, endpoints: ReadonlyArray<PingedEndpoint>, configRev?: number) {
    this.id = id
    this.sdk = sdk
    this.configRev = configRev
    this.endpoints = endpoints
  }

  /** How many servers answered. */
  get state(): ServiceState {
    return stateOf(this.endpoints.filter(({ state }) => state === "ok").length, this.endpoints.length)
  }

  toJSON() {
    const { configRev, endpoints, id, sdk, version } = this
    const kv = endpoints.map((one) => ({
      latency_us: microseconds(one.latency),
      ...place(one),
      state: one.state,
      ...one.error === undefined ? {} : { error: one.error }
    }))
    return { version, id, sdk, ...configRev === undefined ? {} : { config_rev: configRev }, services: { kv } }
  }
}

/** What is known of all connections. */
export class DiagnosticsReport implements ReportSource {
  readonly version = 2
  readonly id: string
  readonly sdk: string
  readonly endpoints: ReadonlyArray<DiagnosedEndpoint>

  constructor({ id, sdk }: ReportSource, endpoints: ReadonlyArray<DiagnosedEndpoint>) {
    this.id = id
    this.sdk = sdk
    this.endpoints = endpoints
  }

  /** How many connections there are. Those that nothing has needed yet are not there. */
  get state(): ServiceState {
    return stateOf(this.endpoints.filter(({ state }) => state === "connected").length, this.endpoints.length)
  }

  toJSON() {
    const { endpoints, id, sdk, version } = this
    const kv = endpoints.map((one) => ({
      ...one.lastActivity === undefined ? {} : { last_activity_us: microseconds(one.lastActivity) },
      ...place(one),
      state: one.state,
      ...one.details === undefined ? {} : { details: one.details }
    }))
    return { version, id, sdk, services: { kv } }
  }
}

/** What is told of a connection. */
interface Seen {
  readonly local: string | undefined
  readonly idle: number | undefined
}

/** A connection of a protocol, in a pool. */
type Wrapped = Pooled & { readonly packets: Seen }

/** What is read of a pool. */
type Places<C> = Pick<SlotPool<C & Pooled>, "address" | "timers" | "places">

const idOf = (address: string, slot: number): string => `${address}#${slot}`

/** What is known of the connections of a pool. */
export const diagnosed = <C extends Wrapped>(
  pool: Places<C>,
  why: Error | undefined,
  namespace?: string,
  more?: string
): ReadonlyArray<DiagnosedEndpoint> =>
  pool.places.map(({ connecting, connection }, slot) => ({
    id: idOf(pool.address, slot),
    remote: pool.address,
    local: connection?.packets.local,
    namespace,
    state: connection !== undefined ? "connected" : connecting ? "connecting" : "disconnected",
    lastActivity: connection?.packets.idle,
    details: [connection === undefined ? why?.message : undefined, more].filter((one) => one !== undefined).join("; ") || undefined
  }))

const late: ReadonlySet<string> = new Set(["ConnectTimeout", "RequestTimeout"])

/** What became of asking a server; `ask` gives the connection that was asked and answered, or nothing when that was not in time. */
export const pinged = <C extends Wrapped, E extends Error & { readonly reason: string | { readonly _tag: string } }>(
  pool: Places<C>,
  ask: Effect.Effect<C | undefined, E>,
  namespace?: string
): Effect.Effect<PingedEndpoint> =>
  Effect.suspend(() => {
    const since = pool.timers.now()
    return Effect.map(Effect.exit(ask), (exit) => {
      const latency = pool.timers.now() - since
      const connection = Exit.isSuccess(exit) ? exit.value : undefined
      const slot = pool.places.findIndex((one) => connection !== undefined && one.connection === connection)
      const known = {
        id: idOf(pool.address, Math.max(0, slot)),
        remote: pool.address,
        local: connection?.packets.local,
        namespace,
        latency
      }
      if (connection !== undefined) return { ...known, state: "ok", error: undefined }
      const error = Option.getOrUndefined(Exit.findErrorOption(exit))
      const reason = typeof error?.reason === "string" ? error.reason : error?.reason._tag
      const isLate = Exit.isSuccess(exit) || reason !== undefined && late.has(reason)
      return { ...known, state: isLate ? "timeout" : "error", error: isLate ? undefined : error?.message ?? String(exit) }
    })
  })

/** Milliseconds that are given, or else those of every request. */
export const pingTimeout = ({ timeout }: PingOptions, otherwise: number): number =>
  timeout === undefined ? otherwise : Duration.toMillis(timeout)
