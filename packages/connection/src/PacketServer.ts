/**
 * Listens, cuts frames out of what clients send, and hands them to a handler in the order in which they came.
 *
 * It knows headers, not commands: what requests there are is the dialect's business (`decode`), what to answer is the handler's. Where several
 * protocols are spoken on its port, a connection's first bytes choose which (`choose`). Answers
 * leave once per microtask. While more than `maxOutput` bytes wait for a client that does not read, nothing more of that client is read or
 * handled. It never decides the order of answers; a handler that answers later keeps it (`ServerSession`).
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { chmodSync, lstatSync, rmSync } from "node:fs"
import * as Net from "node:net"
import type { Duplex } from "node:stream"
import * as Tls from "node:tls"
import { hostPort, unixAddress } from "./Address.ts"
import { ConnectionError, ListenFailed } from "./Errors.ts"
import { fileLimit, nearFileLimit } from "./FileLimit.ts"
import { HeldMemory } from "./HeldMemory.ts"
import type { ChoosingServerOptions, PacketServerOptions, ServerLimits } from "./PacketServerOptions.ts"
import type { ServerClient } from "./ServerClient.ts"
import { announce } from "./Health.ts"
import { Metrics } from "./Metrics.ts"
import { Refusals } from "./Refusals.ts"
import { counts, ServerConnection, type Shared } from "./ServerConnection.ts"
import { publishServer, type ServerCounters, serverDurations } from "./ServerTelemetry.ts"
import { type Timers, timers } from "./Timers.ts"

export type {
  ChoosingServerOptions,
  PacketProtocol,
  PacketServerOptions,
  ServerLimits,
  ServerTap,
  UnauthenticatedLimits
} from "./PacketServerOptions.ts"
export type { Frame, PacketHandler, ServerCalls, ServerClient } from "./ServerClient.ts"
export type { ServerCounters } from "./ServerTelemetry.ts"

/** A server that listens. */
export interface PacketServer {
  readonly host: string
  /** 0 on a Unix socket. */
  readonly port: number
  /** Of a Unix socket. */
  readonly path: string | undefined
  /** `host:port`, or `unix:path`. */
  readonly address: string
  /** Most connections at a time. */
  readonly maxConnections: number
  readonly counters: ServerCounters
  readonly clients: Iterable<ServerClient>
  /** Serves a client over a stream that is open, as if it had connected. */
  readonly accept: (stream: Duplex) => void
}

const mebibyte = 1024 * 1024

/** Time a client has to close its side after this one has ended. */
const lingerMilliseconds = 2_000

/** Listens; the server and its connections close with the scope. */
export const servePackets = <Request>(
  options: PacketServerOptions<Request> | ChoosingServerOptions<Request>
): Effect.Effect<PacketServer, ConnectionError, Scope.Scope> =>
  Effect.gen(function*() {
    const services = yield* Effect.context<never>()
    const log = (line: Effect.Effect<void>): void => void Effect.runForkWith(services)(line)
    const onDefect = options.onDefect ?? ((defect: unknown): void => log(Effect.logError("a request was not handled", defect)))
    const spoken = "choose" in options ? options.choose : options
    return yield* serveWith<Request>(options, spoken, onDefect, log, yield* timers)
  })

/** Removes a Unix socket on which nobody listens any more, then goes on; what is there and is none is left for listening to stumble upon. */
const removeLeftOver = (path: string, goOn: () => void): void => {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return goOn()
  const probe = Net.connect(path)
  probe.once("connect", () => {
    probe.destroy()
    goOn()
  })
  probe.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNREFUSED") rmSync(path, { force: true })
    goOn()
  })
}

const serveWith = <Request>(
  options: ServerLimits,
  spoken: Shared<Request>["spoken"],
  onDefect: Shared<Request>["onDefect"],
  log: (line: Effect.Effect<void>) => void,
  timers: Timers
): Effect.Effect<PacketServer, ConnectionError, Scope.Scope> => {
  const host = options.host ?? "127.0.0.1"
  const { path, refusal } = options
  let port = options.port ?? 0
  const address = (): string => path === undefined ? hostPort(host, port) : unixAddress(path)
  const maxConnections = options.maxConnections ?? 10_000
  const idle = Duration.toMillis(options.idleTimeout ?? "5 minutes")
  const header = Duration.toMillis(options.headerTimeout ?? "10 seconds")
  const frame = Duration.toMillis(options.frameTimeout ?? "1 minute")
  const { unauthenticated } = options
  const admission = unauthenticated === undefined ? Infinity : Duration.toMillis(unauthenticated.timeout ?? "30 seconds")
  const deadlines = { idle, header, frame, admission }
  const maxStrangers = unauthenticated === undefined ? Infinity : unauthenticated.maxConnections ?? 1_000
  const shared: Shared<Request> = {
    options,
    spoken,
    timers,
    onDefect,
    maxOutput: options.maxOutput ?? 4 * mebibyte,
    maxStrangerFrame: Math.min(unauthenticated?.maxFrame ?? 64 * 1024, options.maxFrame ?? Infinity),
    counts: counts(),
    clients: new Set(),
    held: new HeldMemory(options.maxHeld ?? 256 * mebibyte),
    unauthenticated: new Set(),
    heldForStrangers: new HeldMemory(unauthenticated?.maxHeld ?? 16 * mebibyte),
    calls: undefined
  }
  const sockets = new Set<Net.Socket>()
  const files = fileLimit()
  const refusals = new Refusals(address, log, timers)

  const track = (socket: Net.Socket): void => {
    sockets.add(socket)
    socket.on("error", () => {})
    socket.once("close", () => sockets.delete(socket))
  }

  const tellRefused = (count: "refused" | "outOfFiles"): void => {
    shared.counts[count]++
    if (count === "refused") refusals.noPlace(maxConnections)
    else refusals.noFile(files)
  }

  const refuse = (socket: Duplex, count: "refused" | "outOfFiles"): void => {
    tellRefused(count)
    socket.on("error", () => {})
    // that much is no handshake worth
    if (refusal === undefined || options.tls !== undefined) return void socket.destroy()
    // the kernel has room for the first words to a client, so that its file is free at once
    if (socket instanceof Net.Socket) {
      socket.write(refusal)
      socket.destroy()
    } else socket.end(refusal, () => socket.destroy())
  }

  const accept = (socket: Duplex): void => {
    if (socket.destroyed) return
    if (shared.clients.size >= maxConnections) return refuse(socket, "refused")
    if (socket instanceof Tls.TLSSocket) track(socket)
    const client = new ServerConnection(shared, socket, ++shared.counts.accepted)
    if (client.closed === undefined) shared.clients.add(client)
    // whoever was there for longest had the most time to say who it is
    if (shared.unauthenticated.size > maxStrangers) {
      for (const oldest of shared.unauthenticated) return oldest.crowdedOut("too many who are not signed in")
    }
  }

  const refusedBy = (cause: unknown): ConnectionError =>
    new ConnectionError({
      reason: new ListenFailed({ cause }),
      address: address(),
      ambiguous: false
    })

  // certificates and keys are looked at here
  const made = Effect.try({
    try: () =>
      options.tls === undefined
        ? Net.createServer({ noDelay: true }, accept)
        : Tls.createServer({ handshakeTimeout: Math.min(header, 2 ** 31 - 1), ...options.tls }, accept),
    catch: refusedBy
  })

  const listening = (server: Net.Server) =>
    Effect.callback<Net.Server, ConnectionError>((resume) => {
      // sockets in a TLS handshake count too
      server.prependListener("connection", (socket: Net.Socket) => {
        if (nearFileLimit(socket, files)) refuse(socket, "outOfFiles")
        else if (sockets.size >= 2 * maxConnections) refuse(socket, "refused")
        else track(socket)
      })
      // Node leaves a socket open whose handshake was late
      server.on("tlsClientError", (_: Error, socket: Tls.TLSSocket) => {
        shared.counts.misbehaved++
        socket.destroy()
      })
      const refused = (cause: unknown): void => resume(Effect.fail(refusedBy(cause)))
      const listen = (): void =>
        void server.listen(path === undefined ? { host, port: options.port ?? 0, backlog: 1024 } : { path, backlog: 1024 }, () => {
          server.off("error", refused)
          // none is accepted: nothing keeps others from taking what was kept clear
          server.on("error", ({ code }: NodeJS.ErrnoException) => code === "EMFILE" && tellRefused("outOfFiles"))
          if (path === undefined) port = (server.address() as Net.AddressInfo).port
          if (path !== undefined) chmodSync(path, 0o700)
          resume(Effect.succeed(server))
        })
      server.once("error", refused)
      if (path === undefined) listen()
      else removeLeftOver(path, listen)
      return Effect.sync(() => server.close())
    })

  return Effect.gen(function*() {
    yield* Effect.acquireRelease(
      options.listen === false ? Effect.succeed(undefined) : Effect.flatMap(made, listening),
      (server) =>
        Effect.callback<void>((resume) => {
          server?.close(() => resume(Effect.void))
          refusals.stop()
          for (const client of shared.clients) client.close("the server")
          for (const socket of sockets) socket.destroy()
          if (server === undefined) resume(Effect.void)
        })
    )
    const ended = new Map<Net.Socket, number>()
    const interval = Math.max(10, Math.min(1_000, header / 4, idle / 4, frame / 4, admission / 4))
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        timers.every(interval, (now) => {
          for (const client of shared.clients) client.check(now, deadlines)
          for (const socket of sockets) {
            if (!socket.writableEnded) continue
            const since = ended.get(socket)
            if (since === undefined) {
              ended.set(socket, now)
              socket.once("close", () => ended.delete(socket))
            } else if (now - since >= lingerMilliseconds) socket.destroy()
          }
        })
      ),
      (timer) => Effect.sync(timer.cancel)
    )
    const served: PacketServer = {
      host,
      port: path === undefined ? port : 0,
      path,
      address: address(),
      maxConnections,
      clients: shared.clients,
      accept,
      get counters(): ServerCounters {
        const { received, sent, ...counted } = shared.counts
        let bytesReceived = received
        let bytesSent = sent
        for (const { transport } of shared.clients) {
          bytesReceived += transport.bytesReceived
          bytesSent += transport.bytesSent
        }
        return { ...counted, connections: shared.clients.size, bytesReceived, bytesSent }
      }
    }
    yield* announce({ name: `server ${served.address}`, notReady: () => [], status: () => served.counters })
    if (options.metrics !== false) {
      const metrics = Metrics.of(yield* Effect.context<never>())
      yield* Effect.acquireRelease(Effect.sync(() => publishServer(metrics, served)), (leave) => Effect.sync(leave))
      if (options.system !== undefined) shared.calls = { durations: serverDurations(metrics, served, options.system), now: timers.now }
    }
    return served
  })
}
