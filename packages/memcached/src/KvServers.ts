/**
 * Several servers as one client: each key has its server on ketama's ring, and each server a client of its own.
 *
 * With `failover`, a server that is gone (`ServerHealth`) is left out until it answers a probe; nobody's request is the probe. What was surely not
 * done goes to another server once its own is ejected; what may have been done fails, as everywhere. Beware of what failover does to a cache:
 * while a server is away its keys are written elsewhere, and when it comes back with its old documents, those are read again; the copies
 * elsewhere stay, too, and are read when it is away the next time. Give documents an expiry that is shorter than the staleness that does no harm.
 */
import { addressOf, agentName as sdk, DiagnosticsReport, PingReport, reportId, type Timers, timers } from "@wirewright/connection"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { expirySeconds } from "./Expiry.ts"
import { Ketama, type RingServer } from "./Ketama.ts"
import type { KvCommands, KvServer, MetaCommands } from "./KvCommands.ts"
import { InvalidRequest, type MemcachedError, type RequestFacts, reasonError, transportError } from "./KvError.ts"
import { jsonView } from "./KvJson.ts"
import { forMany, Gathering, isAnswer, type Many } from "./KvMany.ts"
import type { KvPoolOptions } from "./KvOptions.ts"
import type * as Options from "./KvOptions.ts"
import type { KvCounters } from "./KvPool.ts"
import { getOrRecache } from "./KvRecache.ts"
import { bytesOf, textOf } from "./KvValues.ts"
import { type HealthPolicy, ServerHealth } from "./ServerHealth.ts"

/** Makes the client of one server. */
export type Connect = (options: KvPoolOptions) => Effect.Effect<KvCommands, MemcachedError, Scope.Scope>

/** Commands that begin with a key, and go to its server. */
const keyed = [
  "get",
  "set",
  "add",
  "replace",
  "remove",
  "append",
  "prepend",
  "increment",
  "decrement",
  "touch",
  "getAndTouch",
  "invalidate"
] as const satisfies ReadonlyArray<keyof KvCommands>

type Keyed = Pick<KvCommands, (typeof keyed)[number]>

const metaCommands = ["get", "set", "delete", "arithmetic", "debug"] as const satisfies ReadonlyArray<keyof MetaCommands>

/** A server, and what is known of it. */
class Member implements KvServer {
  readonly address: string
  readonly weight: number
  readonly health: ServerHealth
  /** Open unless it has to be seen whether the server is gone. */
  readonly seen = Latch.makeUnsafe(true)
  kv!: KvCommands
  private open = 0

  constructor(address: string, weight: number, policy: HealthPolicy) {
    this.address = address
    this.weight = weight
    this.health = new ServerHealth(policy)
  }

  get ejected(): boolean {
    return this.health.ejected
  }

  /** There is no connection, but it is not ejected: the next attempts to connect show whether it is gone. */
  get inDoubt(): boolean {
    return this.open === 0 && !this.health.ejected
  }

  /** A connection is there. */
  found(now: number): void {
    this.open++
    this.health.connected(now)
    this.decide()
  }

  /** A connection is gone. Returns whether that ejects the server. */
  lost(now: number): boolean {
    this.open = Math.max(0, this.open - 1)
    const ejected = this.open === 0 && this.health.lost(now)
    if (!ejected) this.decide()
    return ejected
  }

  /** An attempt to connect failed. Returns whether that ejects the server. */
  refused(now: number): boolean {
    const ejected = this.open === 0 && this.health.refused(now)
    if (!ejected) this.decide()
    return ejected
  }

  /** Wakes those who wait, when it is known how to go on; of a server that is ejected, after it is known who stands in for it. */
  decide(): void {
    if (this.inDoubt) this.seen.closeUnsafe()
    else this.seen.openUnsafe()
  }
}

const factsAt = (operation: string, address: string): RequestFacts => ({ operation, opcode: undefined, key: undefined, address })

const elsewhere: ReadonlySet<string> = new Set([
  "ConnectFailed",
  "CertificateRefused",
  "ConnectTimeout",
  "ConnectionLost",
  "PeerMisbehaved",
  "PeerStalled"
])

/** Whether a request that failed may go to another server: nothing was done, the server is to blame, and there is time left. */
const movable = ({ ambiguous, reason }: MemcachedError): boolean => !ambiguous && elsewhere.has(reason._tag)

const sum = (all: ReadonlyArray<KvCounters>): KvCounters => {
  const total = { requests: 0, errors: 0, lateAnswers: 0, reconnects: 0, inFlight: 0, connected: 0, bytesSent: 0, bytesReceived: 0 }
  for (const one of all) for (const name of Object.keys(total) as Array<keyof KvCounters>) total[name] += one[name]
  return total
}

/** How servers that are gone are treated. */
interface Treatment {
  readonly failover: NonNullable<Options.KvClientOptions["failover"]>
  /** Requests wait while a server is in doubt. */
  readonly waits: boolean
  /** Milliseconds that they wait, unless they say otherwise. */
  readonly timeout: number
}

/** The servers, and who of them is asked for what. */
class KvServers {
  readonly members: ReadonlyArray<Member>
  private readonly places: ReadonlyArray<RingServer>
  private readonly ring: Ketama
  private readonly ringOf: (places: ReadonlyArray<RingServer>) => Ketama
  private readonly treatment: Treatment
  private readonly clock: Timers
  private readonly scope: Scope.Scope
  /** The ring of those who are not ejected, and who they are; none while all are there. */
  private live: { readonly ring: Ketama; readonly members: ReadonlyArray<Member> } | undefined
  private stopped = false

  constructor(
    members: ReadonlyArray<Member>,
    places: ReadonlyArray<RingServer>,
    ringOf: (places: ReadonlyArray<RingServer>) => Ketama,
    treatment: Treatment,
    clock: Timers,
    scope: Scope.Scope
  ) {
    this.members = members
    this.places = places
    this.ringOf = ringOf
    this.ring = ringOf(places)
    this.treatment = treatment
    this.clock = clock
    this.scope = scope
  }

  /** The server of a key, or who stands in for it. While all are ejected, each is asked for what is its own. */
  memberOf(key: Options.Key): Member {
    const { live, members, ring, treatment } = this
    if (live === undefined) return members[ring.serverOf(key)]!
    if (treatment.failover === "rehash") return live.members[live.ring.serverOf(key)]!
    for (const place of ring.serversOf(key)) if (!members[place]!.ejected) return members[place]!
    return members[ring.serverOf(key)]!
  }

  /** What the pool of a server tells of its connections. */
  watch(member: Member): NonNullable<KvPoolOptions["watch"]> {
    const ejects = (happened: (now: number) => boolean) =>
      Effect.suspend(() => happened(this.clock.now()) ? this.eject(member) : Effect.void)
    return {
      found: Effect.sync(() => member.found(this.clock.now())),
      lost: () => ejects((now) => member.lost(now)),
      failed: () => ejects((now) => member.refused(now))
    }
  }

  /** Sends a request to the server of its key. */
  send<A>(
    key: Options.Key,
    ask: (kv: KvCommands) => Effect.Effect<A, MemcachedError>,
    timeout: Duration.Input | undefined,
    attempts = this.members.length
  ): Effect.Effect<A, MemcachedError> {
    if (this.treatment.failover === "error") return ask(this.memberOf(key).kv)
    return Effect.suspend(() =>
      Effect.andThen(
        this.certainty(this.memberOf(key), timeout),
        Effect.suspend(() => {
          const member = this.memberOf(key)
          return Effect.catch(this.observed(member, ask), (error) =>
            Effect.flatMap(
              this.moves(member, error, timeout),
              (moves) => moves && attempts > 1 ? this.send(key, ask, timeout, attempts - 1) : Effect.fail(error)
            ))
        })
      )
    )
  }

  /** Sends a request for many keys to all their servers. */
  sendMany<A>(
    keys: Iterable<Options.Key>,
    ask: (kv: KvCommands, keys: ReadonlyArray<Options.Key>) => Effect.Effect<Many<A>, MemcachedError>,
    timeout: Duration.Input | undefined
  ): Effect.Effect<Many<A>, MemcachedError> {
    return Effect.suspend(() => {
      const gathering = new Gathering<A>()
      const round = (keys: Iterable<Options.Key>, attempts: number): Effect.Effect<void> => {
        const parts = new Map<Member, Array<Options.Key>>()
        for (const key of keys) {
          const member = this.memberOf(key)
          const part = parts.get(member)
          if (part === undefined) parts.set(member, [key])
          else part.push(key)
        }
        return Effect.forEach(parts, ([member, part]) =>
          Effect.andThen(
            this.certainty(member, timeout),
            Effect.suspend(() => {
              if (member.ejected && attempts > 1) return round(part, attempts - 1)
              return Effect.matchEffect(this.observed(member, (kv) => ask(kv, part)), {
                onSuccess: (found) => Effect.sync(() => gathering.add(found)),
                onFailure: (error) =>
                  Effect.flatMap(
                    this.moves(member, error, timeout),
                    (moves) => moves && attempts > 1 ? round(part, attempts - 1) : Effect.sync(() => gathering.fail(part, error))
                  )
              })
            })
          ), { concurrency: "unbounded", discard: true })
      }
      return Effect.flatMap(round(keys, this.members.length), () => gathering.outcome)
    })
  }

  /** Asks all servers; when some fail, so does this, after all have been asked. */
  all(ask: (kv: KvCommands) => Effect.Effect<unknown, MemcachedError>): Effect.Effect<void, MemcachedError> {
    const exits = Effect.forEach(this.members, ({ kv }) => Effect.exit(ask(kv)), { concurrency: "unbounded" })
    return Effect.flatMap(exits, (exits) => Effect.asVoid(Effect.all(exits)))
  }

  /** Makes no further probe. */
  stop(): void {
    this.stopped = true
  }

  /** Runs a request, and learns from what comes of it. */
  private observed<A>(
    member: Member,
    ask: (kv: KvCommands) => Effect.Effect<A, MemcachedError>
  ): Effect.Effect<A, MemcachedError> {
    if (this.treatment.failover === "error") return ask(member.kv)
    const { clock } = this
    const sentAt = clock.now()
    return Effect.tapError(
      Effect.tap(ask(member.kv), () => Effect.sync(() => member.health.answered())),
      (error) =>
        Effect.suspend(() => {
          if (isAnswer(error)) member.health.answered()
          const ejects = error.reason._tag === "RequestTimeout" && member.health.unanswered(sentAt, clock.now())
          return ejects ? this.eject(member) : Effect.void
        })
    )
  }

  /** Waits, as long as a request may take, while it has to be seen whether a server is gone. */
  private certainty(member: Member, timeout: Duration.Input = this.treatment.timeout): Effect.Effect<void> {
    const { failover, waits } = this.treatment
    if (failover === "error" || !waits || !member.inDoubt) return Effect.void
    return Effect.asVoid(Effect.timeoutOption(member.seen.await, timeout))
  }

  /** Whether a request that failed goes to another server. */
  private moves(member: Member, error: MemcachedError, timeout: Duration.Input | undefined): Effect.Effect<boolean> {
    if (this.treatment.failover === "error" || !movable(error)) return Effect.succeed(false)
    // the end of a connection is told to its requests before it is told to its pool
    return Effect.yieldNow.pipe(
      Effect.andThen(Effect.suspend(() => this.certainty(member, timeout))),
      Effect.andThen(Effect.sync(() => member.ejected && this.members.some(({ ejected }) => !ejected)))
    )
  }

  private eject(member: Member): Effect.Effect<void> {
    const probe: Effect.Effect<void> = Effect.suspend(() =>
      Effect.sleep(member.health.retryIn(this.clock.now())).pipe(
        Effect.andThen(Effect.suspend(() => Effect.result(member.kv.noop))),
        Effect.flatMap((result) => {
          member.health.probed(result._tag === "Success" || isAnswer(result.failure), this.clock.now())
          if (this.stopped) return Effect.void
          if (member.ejected) return probe
          return Effect.sync(() => this.changed(member))
        })
      )
    )
    return Effect.suspend(() => {
      this.changed(member)
      return Effect.asVoid(Effect.forkIn(probe, this.scope))
    })
  }

  /** A server was ejected, or is back. */
  private changed(member: Member): void {
    const there = this.places.filter((_, place) => !this.members[place]!.ejected)
    const all = there.length === 0 || there.length === this.members.length
    const members = this.members.filter(({ ejected }) => !ejected)
    this.live = all ? undefined : { ring: this.ringOf(there), members }
    member.decide()
  }
}

/** The key that stands in the line of a meta command. */
const keyOfLine = (key: string, given: ReadonlyArray<unknown>): Options.Key => {
  const flags = given.find((one): one is ReadonlyArray<{ readonly _tag: string }> => Array.isArray(one)) ?? []
  return flags.some(({ _tag }) => _tag === "KeyIsBase64") ? Buffer.from(key, "base64") : key
}

const timeoutOf = (given: ReadonlyArray<unknown>): Duration.Input | undefined => {
  const last = given.at(-1)
  return typeof last === "object" && last !== null && "timeout" in last ? last.timeout as Duration.Input : undefined
}

type Given = ReadonlyArray<never>
type Command<K> = (key: K, ...given: Given) => Effect.Effect<unknown, MemcachedError>

/** The commands of all servers together. */
const commandsOf = (servers: KvServers, clock: Timers): KvCommands => {
  const { members } = servers
  const route = (name: (typeof keyed)[number]): Command<Options.Key> => (key, ...given) =>
    servers.send(key, (kv) => (kv[name] as Command<Options.Key>)(key, ...given), timeoutOf(given))
  const routeMeta = (name: keyof MetaCommands): Command<string> => (key, ...given) =>
    servers.send(keyOfLine(key, given), ({ meta }) => (meta[name] as Command<string>)(key, ...given), timeoutOf(given))
  const ofOne = (operation: string): Effect.Effect<never, MemcachedError> => {
    const message = "each server has its own: ask one of the client's `servers`"
    const addresses = members.map(({ address }) => address).join(",")
    return Effect.suspend(() => Effect.fail(reasonError(factsAt(operation, addresses), new InvalidRequest({ message }))))
  }
  const commands: KvCommands = {
    ...Object.fromEntries(keyed.map((name) => [name, route(name)])) as unknown as Keyed,
    meta: Object.fromEntries(metaCommands.map((name) => [name, routeMeta(name)])) as unknown as MetaCommands,
    getOrRecache: (key, options, make) =>
      Effect.suspend(() => {
        const { address } = servers.memberOf(key)
        const expiration = () => expirySeconds(options.expiry, clock.unixTime())
        return getOrRecache(commands, address, textOf(key), options, expiration, Effect.map(make, bytesOf))
      }),
    getMany: (keys, options) => servers.sendMany(keys, (kv, part) => kv.getMany(part, options), options?.timeout),
    setMany: (documents, options) => forMany(documents, ([key]) => key, ([key, value]) => commands.set(key, value, options)),
    removeMany: (keys, options) => forMany(keys, (key) => key, (key) => commands.remove(key, options)),
    json: (schema) => jsonView(schema, commands, (key) => servers.memberOf(key).address),
    stats: () => ofOne("stats"),
    version: ofOne("version"),
    flush: (options) => servers.all(({ flush }) => flush(options)),
    noop: servers.all(({ noop }) => noop),
    ping: (options = {}) =>
      Effect.gen(function*() {
        const id = yield* reportId(options.reportId)
        const all = yield* Effect.forEach(members, ({ kv }) => kv.ping(options), { concurrency: "unbounded" })
        return new PingReport({ id, sdk }, all.flatMap(({ endpoints }) => endpoints))
      }),
    diagnostics: (options = {}) =>
      Effect.gen(function*() {
        const id = yield* reportId(options.reportId)
        const all = yield* Effect.forEach(members, ({ kv }) => kv.diagnostics(options))
        return new DiagnosticsReport({ id, sdk }, all.flatMap(({ endpoints }) => endpoints))
      }),
    verbosity: (level) => servers.all(({ verbosity }) => verbosity(level)),
    quit: Effect.suspend(() => {
      servers.stop()
      return Effect.forEach(members, ({ kv }) => kv.quit, { concurrency: "unbounded", discard: true })
    }),
    counters: Effect.map(Effect.forEach(members, ({ kv }) => kv.counters), sum),
    servers: members
  }
  return commands
}

/** Connects to all servers; fails when none of them can be reached. The others are connected to as soon as they can be. */
export const connectAll = (options: Options.KvClientOptions, connect: Connect): Effect.Effect<KvCommands, MemcachedError, Scope.Scope> =>
  Effect.gen(function*() {
    const { distribution, failover = "error", failureLimit = 2, retryTimeout = "5 seconds", servers = [{}], ...shared } = options
    const { host = "127.0.0.1", path, port = 11_211, requestTimeout = "2500 millis", whenDisconnected = "wait" } = shared
    const places = servers.map((server) => ({ host, port, ...(path === undefined || "host" in server ? {} : { path }), ...server }))
    const addresses = places.map(addressOf)
    const onRing = places.map(({ host, path, port, weight }) =>
      path === undefined ? { host, port, weight } : { host: path, port: 0, weight }
    )
    const ringOf = (places: ReadonlyArray<RingServer>) => new Ketama(places, distribution)
    yield* Effect.try({
      try: () => ringOf(onRing),
      catch: (error) => reasonError(factsAt("connect", addresses.join(",")), new InvalidRequest({ message: (error as Error).message }))
    })
    const optionsOf = (place: (typeof places)[number]) => ({ ...shared, ...place })
    const [first, second] = places
    if (second === undefined) return yield* connect(optionsOf(first!))

    const policy = { failureLimit, retryTimeout: Duration.toMillis(retryTimeout) }
    const members = places.map(({ weight = 1 }, i) => new Member(addresses[i]!, weight, policy))
    const treatment = { failover, waits: whenDisconnected === "wait", timeout: Duration.toMillis(requestTimeout) }
    const clock = yield* timers
    const all = new KvServers(members, onRing, ringOf, treatment, clock, yield* Effect.scope)
    let refused: MemcachedError | undefined
    yield* Effect.forEach(members, (member, i) => {
      const watch = failover === "error" ? {} : all.watch(member)
      return Effect.map(
        connect({
          ...optionsOf(places[i]!),
          // requests do not wait in the pool of one server when they may go to another
          ...(failover === "error" ? {} : { whenDisconnected: "fail" }),
          whenUnreachable: "keep trying",
          watch: {
            ...watch,
            failed: (error) => {
              refused ??= error._tag === "ConnectionError" ? transportError(factsAt("connect", member.address), error) : error
              return watch.failed?.(error) ?? Effect.void
            }
          }
        }),
        (kv) => void (member.kv = kv)
      )
    }, { concurrency: "unbounded", discard: true })
    const { connected } = sum(yield* Effect.forEach(members, ({ kv }) => kv.counters))
    if (connected === 0 && refused !== undefined && shared.whenUnreachable !== "keep trying") return yield* Effect.fail(refused)
    return commandsOf(all, clock)
  })
