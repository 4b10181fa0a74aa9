/**
 * A proxy for clients that speak the memcached binary protocol, in front of a memcached or of a Couchbase bucket.
 *
 * This is the shell: it listens, gives every client a session, and connects sessions to the upstream. What happens to a request is decided in
 * `ProxySession` and `CouchbaseDialect`.
 */
import { encodeWith, type Reader, type Writer } from "@wirewright/codec"
import {
  type ConnectionError,
  type PacketServerOptions,
  servePackets,
  type ServerClient,
  type ServerCounters
} from "@wirewright/connection"
import { type BootstrapError, tlsOfTarget } from "@wirewright/couchbase"
import { encodeErrorResponse, frameShape, kindAt } from "@wirewright/memcached/gen"
import { statusText } from "@wirewright/memcached/internal"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Tls from "node:tls"
import { Counters, type OpcodeCounts } from "./Counters.ts"
import { couchbaseUpstream } from "./CouchbaseUpstream.ts"
import { memcachedUpstream } from "./MemcachedUpstream.ts"
import { type CloseReason, ProxySession, type SessionLimits, sessionLimits } from "./ProxySession.ts"
import { type Frame, frameAt, writeCopy } from "./RawFrame.ts"
import { expectSound } from "./Soundness.ts"
import { InvalidTarget, parseTarget, type Target, type Upstream } from "./Upstream.ts"

/** Where to listen. */
export type Listen = Pick<
  PacketServerOptions<Frame>,
  | "host"
  | "port"
  | "path"
  | "tls"
  | "maxConnections"
  | "maxFrame"
  | "maxOutput"
  | "maxHeld"
  | "idleTimeout"
  | "headerTimeout"
  | "frameTimeout"
>

/** Sees what goes between the proxy and its clients. */
export interface Tap {
  readonly onOpen: (client: ServerClient) => void
  /** A packet of the client, or of the proxy to the client; the bytes are only good during the call. */
  readonly onPacket: (client: ServerClient, from: "client" | "proxy", bytes: Uint8Array) => void
  readonly onClose: (client: ServerClient) => void
}

/** Options of a proxy. */
export interface ProxyOptions {
  /** Default: 127.0.0.1 and a free port. */
  readonly listen?: Listen
  /** `memcached://host:port`, `couchbase://user:password@host:port/bucket`, or the same as a value. */
  readonly upstream: string | Target
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
  readonly tap?: Tap
}

/** Why a proxy does not start: the upstream's name, the way to it, signing in, or the address to listen on. */
export type ProxyError = ConnectionError | BootstrapError | InvalidTarget

/** What a proxy counted. */
export interface ProxyCounters {
  /** By the names the field gives the opcodes. */
  readonly opcodes: { readonly [label: string]: OpcodeCounts }
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

const connectUpstream = (options: ProxyOptions): Effect.Effect<() => Upstream, ProxyError, Scope.Scope> =>
  Effect.gen(function*() {
    const { upstream: named, upstreamTls, connections, connectTimeout, requestTimeout } = options
    const target = typeof named === "string"
      ? yield* Effect.try({ try: () => parseTarget(named), catch: (error) => error as InvalidTarget })
      : named
    const asked = yield* Effect.mapError(tlsOfTarget(target), ({ message }) => new InvalidTarget({ message }))
    const tls = asked === undefined ? upstreamTls : { ...asked, ...upstreamTls }
    const link = {
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
    const upstreamOf = yield* connectUpstream(options)
    const counters = new Counters()
    const closed = { Quit: 0, Invalid: 0, Drained: 0, OutcomeUnknown: 0, OutputLimit: 0 }
    const sessions = new Set<ProxySession>()
    const limits = { ...sessionLimits, ...options.limits }
    const { tap } = options
    let draining: (() => void) | undefined

    const handler = (client: ServerClient) => {
      const upstream = upstreamOf()
      const session = new ProxySession(
        {
          get unread() {
            return client.waiting
          },
          forward: (slot, request) => upstream.send(slot, request),
          reply: (answer, opcode, opaque) => send(client, (writer) => writeCopy(writer, answer, opcode, opaque)),
          status: (status, opcode, opaque) =>
            send(client, (writer) =>
              encodeErrorResponse(writer, { status, opcode, opaque, extras: none, key: none, value: statusText(status) })),
          pause: () =>
            client.pause(),
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
      sessions.add(session)
      tap?.onOpen(client)
      if (draining !== undefined) session.drain()
      return {
        onRequest: (frame: Frame) => {
          tap?.onPacket(client, "client", frame.reader.slice(frame.at, frame.end))
          session.request(frame)
        },
        onMalformed: (_error: unknown, frame: Frame) => {
          tap?.onPacket(client, "client", frame.reader.slice(frame.at, frame.end))
          // bytes that begin as an answer come from no client
          if (kindAt(frame.reader, frame.at) === "request") session.malformed(frame)
          else client.misbehaved("a packet that is no request")
        },
        onDrain: () => session.drained(),
        onClose: () => {
          session.closed()
          sessions.delete(session)
          tap?.onClose(client)
          if (sessions.size === 0) draining?.()
        }
      }
    }

    const send = (client: ServerClient, write: (writer: Writer) => void): void => {
      if (tap === undefined) return client.reply(write)
      const bytes = encodeWith(write)
      tap.onPacket(client, "proxy", bytes)
      client.reply((writer) => {
        const at = writer.need(bytes.length)
        writer.bytes.set(bytes, at)
        writer.position = at + bytes.length
      })
    }

    const server = yield* servePackets<Frame>({ ...options.listen, frameShape, decode, handler })
    return {
      host: server.host,
      port: server.port,
      address: server.address,
      get counters(): ProxyCounters {
        return { opcodes: counters.byOpcode, closed: { ...closed }, server: server.counters }
      },
      drain: Effect.callback<void>((resume) => {
        draining = () => resume(Effect.void)
        if (sessions.size === 0) return draining()
        for (const session of sessions) session.drain()
      })
    }
  })
