/**
 * The pool of a client's connections to one server: each signs in before it takes requests, and requests are counted.
 *
 * It does not repeat requests: whether that is safe is the caller's knowledge.
 */
import {
  type ConnectionError,
  ConnectionPool,
  hostPort,
  type PacketConnection,
  type PacketConnectionOptions,
  type PoolOptions,
  type PoolWatch,
  type Resume,
  type Telemetry,
  type TelemetryOptions,
  type Timers,
  type TransportOptions
} from "@wirewright/connection"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { client, Opcode, type Response, type ServerRequest } from "./gen/index.ts"
import * as Calls from "./KvCalls.ts"
import { type RequestFacts, type MemcachedError, NoMechanism, PasswordWithheld, reasonError, transportError } from "./KvError.ts"
import { plainMechanism, plainMessage } from "./SaslPlain.ts"

/** Where the server is and how to treat it. */
export interface KvPoolOptions extends
  Partial<TransportOptions>,
  Pick<
    PacketConnectionOptions<Response, ServerRequest>,
    "requestTimeout" | "maxInFlight" | "maxFrame" | "maxSilence"
  >,
  PoolOptions,
  TelemetryOptions
{
  /** Signs in with SASL PLAIN, which memcached asks for when started with `-S`. */
  readonly credentials?: { readonly user: string; readonly password: Redacted.Redacted<string> }
  /** Sends the password although the connection has no TLS. */
  readonly allowPlaintextPassword?: boolean
  /** What is told of connections. */
  readonly watch?: PoolWatch<MemcachedError>
}

type Connection = PacketConnection<Response, ServerRequest>

type Make<A> = (resume: Resume<A, MemcachedError>) => Calls.KvPacket<A>

const noBytes = new Uint8Array(0)

/** What a pool counted. */
export interface KvCounters {
  readonly requests: number
  readonly errors: number
  readonly lateAnswers: number
  readonly reconnects: number
  readonly inFlight: number
  readonly connected: number
}

/** The connections of a client. */
export class KvPool {
  readonly counts: Calls.KvCounts = { requests: 0, errors: 0 }
  private readonly pool: ConnectionPool<Response, ServerRequest, MemcachedError>

  private constructor(pool: ConnectionPool<Response, ServerRequest, MemcachedError>) {
    this.pool = pool
  }

  /** Makes the connections; fails when the first attempt does, unless it is to keep trying. They close with the scope. */
  static make(
    { allowPlaintextPassword, credentials, host = "127.0.0.1", port = 11_211, ...options }: KvPoolOptions
  ): Effect.Effect<KvPool, MemcachedError, Scope.Scope> {
    const facts = factsAt(hostPort(host, port))
    const begin = credentials === undefined
      ? undefined
      : (connection: Connection) => signIn(connection, credentials, options.tls !== undefined || allowPlaintextPassword === true)
    return ConnectionPool.make({ ...options, host, port, protocol: client, ...(begin === undefined ? {} : { begin }) }).pipe(
      Effect.mapBoth({
        onFailure: (error) => error._tag === "ConnectionError" ? transportError(facts, error) : error,
        onSuccess: (pool) => new KvPool(pool)
      })
    )
  }

  /** `host:port` of the server. */
  get address(): string {
    return this.pool.address
  }

  /** The time of its waits. */
  get timers(): Timers {
    return this.pool.timers
  }

  /** What is told of requests, where the options ask for it. */
  get telemetry(): Telemetry | undefined {
    return this.pool.telemetry
  }

  /** What was counted so far. */
  get counters(): KvCounters {
    return { ...this.counts, ...this.pool.counters }
  }

  /** The connections there are. */
  get connections(): ReadonlyArray<Connection> {
    return this.pool.connections
  }

  /** Runs a request on the next connection, or waits for one as long as it may take; `make` makes it anew each time the effect is run. */
  perform<A>(make: Make<A>, timeout?: number): Effect.Effect<A, MemcachedError> {
    return Effect.callback<A, MemcachedError>((resume) => {
      this.counts.requests++
      return this.pool.begin(make, resume, this.refused, timeout)
    })
  }

  private readonly refused = <A>({ reason }: ConnectionError | MemcachedError, make: Make<A>): Effect.Effect<A, MemcachedError> => {
    this.counts.errors++
    return Effect.fail(reasonError(make(() => {}).facts, reason))
  }

  /** Connects and signs in; the connection is not one of the pool and closes with the scope. */
  connect(): Effect.Effect<Connection, MemcachedError, Scope.Scope> {
    return Effect.mapError(
      this.pool.dedicated,
      (error) => error._tag === "ConnectionError" ? transportError(factsAt(this.address), error) : error
    )
  }

  /** Closes everything; requests fail from now on. */
  stop(by: string): void {
    this.pool.stop(by)
  }
}

const factsAt = (address: string): RequestFacts => ({ operation: "connect", opcode: undefined, key: undefined, address })

const signIn = (
  connection: Connection,
  { password, user }: NonNullable<KvPoolOptions["credentials"]>,
  tls: boolean
): Effect.Effect<void, MemcachedError> => {
  const { authenticate, mechanisms } = Calls
  const { address } = connection
  const facts = { operation: "authenticate", opcode: Opcode.SaslAuth, key: undefined, address }
  const message = plainMessage({ user, password, tls, allowWithoutTls: false })
  if (Result.isFailure(message)) return Effect.fail(reasonError(facts, new PasswordWithheld({ message: message.failure.message })))
  const owner = { address, counts: { requests: 0, errors: 0 } }
  const run = <A>(call: Calls.KvCall<A>, key: string, value: Uint8Array): Effect.Effect<A, MemcachedError> =>
    connection.perform((resume: Resume<A, MemcachedError>) => new Calls.KvPacket(owner, call, resume, key, value, 0, 0, 0n))
  return Effect.flatMap(run(mechanisms, "", noBytes), (offered) =>
    offered.split(" ").includes(plainMechanism)
      ? run(authenticate, plainMechanism, message.success)
      : Effect.fail(reasonError(facts, new NoMechanism({ offered }))))
}
