/**
 * A proxy for memcached's clients, in front of a memcached or of a Couchbase bucket. A client's first byte says what it speaks, as with memcached.
 *
 * This is the shell: it listens, gives every client a session, and connects sessions to the upstream. What happens to a request is decided in
 * `ProxySession` for binary packets, in `TextFront` for text and meta commands, and in the handlers of the upstream.
 */
import type { Reader } from "@wirewright/codec"
import {
  type ConnectionError,
  type Outage,
  type PacketHandler,
  type PacketProtocol,
  type ServerLimits,
  servePackets,
  type ServerClient,
  type ServerCounters,
  type ServerTap
} from "@wirewright/connection"
import { announce } from "@wirewright/connection/Health"
import { type BootstrapError, tlsOfTarget } from "@wirewright/couchbase"
import { encodeErrorResponse, frameShape, kindAt } from "@wirewright/memcached/gen"
import {
  forStrangers,
  isBinary,
  plainHandlers,
  statusText,
  type TextRequest,
  tooManyConnections,
  withoutPasswords
} from "@wirewright/memcached/internal"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Tls from "node:tls"
import type { CommandCounts } from "./Counters.ts"
import { couchbaseUpstream } from "./CouchbaseUpstream.ts"
import { forkInScope } from "./Fork.ts"
import { framedUpstream } from "./FramedUpstream.ts"
import { GatedClient } from "./GatedClient.ts"
import { memcachedUpstream } from "./MemcachedUpstream.ts"
import { type CloseReason, ProxySession, type SessionLimits, sessionLimits } from "./ProxySession.ts"
import { ProxyTelemetry } from "./ProxyTelemetry.ts"
import { type Frame, frameAt, writeCopy } from "./RawFrame.ts"
import { expectSound } from "./Soundness.ts"
import { TextFront } from "./TextFront.ts"
import { InvalidTarget, parseTarget, type Target, type Upstreams } from "./Upstream.ts"

/** Where to listen. */
export type Listen = Pick<
  ServerLimits,
  | "host"
  | "port"
  | "path"
  | "tls"
  | "unauthenticated"
  | "maxConnections"
  | "maxFrame"
  | "maxOutput"
  | "maxHeld"
  | "idleTimeout"
  | "headerTimeout"
  | "frameTimeout"
>

/** Options of a proxy. */
export interface ProxyOptions {
  /** Default: 127.0.0.1 and a free port. */
  readonly listen?: Listen
  /** `memcached://host:port`, `memcached+unix:///path`, `couchbase://user:password@host:port/bucket`, or the same as a value. */
  readonly upstream: string | Target
  /**
   * Whether a user may sign in, which all clients then must: by SASL PLAIN, or in the text protocol by a `set`, as with memcached's `-Y`. Default:
   * nobody needs to.
   */
  readonly authenticate?: (user: string, password: string) => boolean
  /** TLS towards the upstream. */
  readonly upstreamTls?: Tls.ConnectionOptions
  /** Connections to each upstream node. Default: 2. */
  readonly connections?: number
  /** Time for connecting to the upstream. Default: 5 seconds. */
  readonly connectTimeout?: Duration.Input
  /** Time the upstream has for an answer. Default: 2.5 seconds. */
  readonly requestTimeout?: Duration.Input
  /** Limits of one client. */
  readonly limits?: Partial<SessionLimits>
  /** Sees what goes between the proxy and its clients, but no password of the text protocol. */
  readonly tap?: ServerTap
  /** Publishes the metrics of proxies, servers and clients. Default: yes */
  readonly metrics?: boolean
}

/** Why a proxy does not start: the upstream's name, the way to it, signing in, or the address to listen on. */
export type ProxyError = ConnectionError | BootstrapError | InvalidTarget

/** What a proxy counted. */
export interface ProxyCounters {
  /** Of binary clients, by the names the field gives the opcodes. */
  readonly opcodes: { readonly [label: string]: CommandCounts }
  /** Of clients of the text protocol, by their commands; what was no command is `refused`. */
  readonly commands: { readonly [label: string]: CommandCounts }
  /** Connections closed by the proxy, by reason. */
  readonly closed: { readonly [reason in CloseReason["_tag"]]: number }
  readonly server: ServerCounters
}

/** A proxy that runs. */
export interface Proxy {
  readonly host: string
  readonly port: number
  /** `host:port`, or `unix:path`. */
  readonly address: string
  readonly counters: ProxyCounters
  /** Accepts no more requests, and ends when those under way are answered. Stopping it leaves the rest to the scope. */
  readonly drain: Effect.Effect<void>
}

/** Sound requests as they came; what is unsound is found by decoding it. Throws `DecodeError`. */
const decode = (reader: Reader, at: number): Frame => {
  expectSound(reader, at)
  return frameAt(reader, at)
}

const none = new Uint8Array(0)

const connectUpstream = (options: ProxyOptions, outages: Array<Outage>): Effect.Effect<Upstreams, ProxyError, Scope.Scope> =>
  Effect.gen(function*() {
    const { upstream: named, upstreamTls, connections, connectTimeout, metrics, requestTimeout } = options
    const target = typeof named === "string"
      ? yield* Effect.try({ try: () => parseTarget(named), catch: (error) => error as InvalidTarget })
      : named
    const asked = yield* Effect.mapError(tlsOfTarget(target), ({ message }) => new InvalidTarget({ message }))
    const tls = asked === undefined ? upstreamTls : { ...asked, ...upstreamTls }
    const link = {
      outages,
      ...(metrics === undefined ? {} : { metrics }),
      ...(connections === undefined ? {} : { connections }),
      ...(tls === undefined ? {} : { tls }),
      ...(connectTimeout === undefined ? {} : { connectTimeout }),
      ...(requestTimeout === undefined ? {} : { requestTimeout })
    }
    return yield* target._tag === "Memcached" ? memcachedUpstream(target, link) : couchbaseUpstream(target, link)
  })

/** Connects to the upstream, then listens. Everything closes with the scope. */
export const serveProxy = (options: ProxyOptions): Effect.Effect<Proxy, ProxyError, Scope.Scope> =>
  Effect.gen(function*() {
    const outages: Array<Outage> = []
    const upstreamOf = yield* connectUpstream(options, outages)
    const context = yield* Effect.context<never>()
    const telemetry = new ProxyTelemetry(options.metrics, context)
    const { commands, opcodes: counters } = telemetry
    const closed = { Quit: 0, Invalid: 0, Drained: 0, OutcomeUnknown: 0, OutputLimit: 0 }
    const sessions = new Set<{ readonly drain: () => void }>()
    const limits = { ...sessionLimits, ...options.limits }
    const { authenticate } = options
    const seen = withoutPasswords(options.tap)
    const signedIn = new WeakSet<ServerClient>()
    const signing = authenticate === undefined ? undefined : plainHandlers(authenticate, signedIn)
    const fork = yield* forkInScope
    let draining: (() => void) | undefined

    const begin = (session: { readonly drain: () => void }): void => {
      sessions.add(session)
      if (draining !== undefined) session.drain()
    }

    const end = (session: { readonly drain: () => void }): void => {
      sessions.delete(session)
      if (sessions.size === 0) draining?.()
    }

    const binary = (client: ServerClient): PacketHandler<Frame> => {
      const upstream = upstreamOf(client)
      const session = new ProxySession(
        {
          get unread() {
            return client.waiting
          },
          signIn: signing === undefined ? undefined : framedUpstream(signing, client, fork),
          admits: signing === undefined ? undefined : (opcode) => signedIn.has(client) || forStrangers.includes(opcode),
          forward: (slot, request) => upstream.send(slot, request),
          reply: (answer, opcode, opaque) => client.reply((writer) => writeCopy(writer, answer, opcode, opaque)),
          status: (status, opcode, opaque) =>
            client.reply((writer) =>
              encodeErrorResponse(writer, { status, opcode, opaque, extras: none, key: none, value: statusText(status) })
            ),
          pause: () => client.pause(),
          resume: () => client.resume(),
          close: (reason) => {
            closed[reason._tag]++
            if (reason._tag === "OutputLimit") client.close(`the proxy: more than ${reason.bytes} bytes of answers wait`)
            else client.end(`the proxy: ${reason._tag}`)
          }
        },
        counters,
        limits
      )
      begin(session)
      return {
        onRequest: (frame: Frame) => session.request(frame),
        onMalformed: (_error: unknown, frame: Frame) => {
          // bytes that begin as an answer come from no client
          if (kindAt(frame.reader, frame.at) === "request") session.malformed(frame)
          else client.misbehaved("a packet that is no request")
        },
        onDrain: () => session.drained(),
        onClose: () => {
          session.closed()
          end(session)
        }
      }
    }

    const text = (client: ServerClient): PacketProtocol<TextRequest> => {
      const front: TextFront = new TextFront(new GatedClient(client), {
        upstream: upstreamOf(client),
        counters: commands,
        limits,
        maxFrame: options.listen?.maxFrame ?? frameShape.maxFrame,
        authenticate,
        context,
        closing: (reason) => void closed[reason._tag]++,
        closed: () => end(front)
      })
      begin(front)
      seen.speaks(client, front.lines)
      return front.protocol
    }

    const packets: PacketProtocol<Frame> = { frameShape, decode, handler: binary }
    const strangers = authenticate === undefined ? {} : { unauthenticated: options.listen?.unauthenticated ?? {} }
    const server = yield* servePackets<never>({
      refusal: tooManyConnections,
      ...options.listen,
      ...strangers,
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
      ...seen.limits,
      choose: (first, client) => (isBinary(first) ? packets : text(client)) as unknown as PacketProtocol<never>
    })
    yield* Effect.acquireRelease(
      Effect.sync(() => telemetry.publish(server, () => outages.reduce((sum, { count }) => sum + count, 0))),
      () => Effect.sync(() => telemetry.end())
    )
    yield* announce({
      name: `proxy ${server.address}`,
      notReady: () => [...new Set(outages.flatMap(({ ongoing }) => ongoing ?? []))],
      status: () => ({ opcodes: counters.byOpcode, commands: commands.byCommand, closed: { ...closed } })
    })
    return {
      host: server.host,
      port: server.port,
      address: server.address,
      get counters(): ProxyCounters {
        return { opcodes: counters.byOpcode, commands: commands.byCommand, closed: { ...closed }, server: server.counters }
      },
      drain: Effect.callback<void>((resume) => {
        draining = () => resume(Effect.void)
        if (sessions.size === 0) return draining()
        for (const session of sessions) session.drain()
      })
    }
  })
