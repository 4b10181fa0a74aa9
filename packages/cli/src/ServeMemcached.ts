/** The memcached-like personality of `wirewright serve`: its flags, named as memcached's own where it has them, and the node they make. */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Flag from "effect/cli/Flag"
import * as Redacted from "effect/Redacted"
import { readFile } from "node:fs/promises"
import { type Failure, failureOfDefect, usage } from "./Failure.ts"
import { on, optional, withDefault } from "./Flags.ts"
import { ServerCapture } from "./ConnectionCapture.ts"
import { inspectLive } from "./InspectFlag.ts"
import { type TlsFlags, tlsOf } from "./ListenFlags.ts"
import { passwordOf, type UserFlags } from "./ServeCouchbase.ts"
import type { Personality } from "./Personality.ts"

/** Flags of this personality. */
export const memcachedParameters = {
  protocol: withDefault(
    Flag.Literals("protocol", ["auto", "binary", "text"] as const),
    "What --memcached speaks; auto: what the first byte of a connection says",
    "auto" as const
  ),
  authFile: optional(Flag.String("auth-file"), "A file of lines user:password; who uses --memcached must then sign in", "nobody needs to"),
  udpPort: optional(
    Flag.Int("udp-port"),
    "UDP port of --memcached, on the same host; forged addresses make it flood others: for trusted networks alone",
    "none"
  ),
  idleTimeout: optional(Flag.Int("idle-timeout"), "Seconds after which --memcached closes a connection without a byte", "300"),
  disableEvictions: on("disable-evictions", "--memcached refuses what it has no memory for, and forgets nothing for it"),
  disableCas: on("disable-cas", "Items of --memcached have no versions"),
  enableShutdown: on("enable-shutdown", "Clients of --memcached may end it by shutdown"),
  disableFlushAll: on("disable-flush-all", "Clients of --memcached may not empty it"),
  disableDumping: on("disable-dumping", "Clients of --memcached may not list its items"),
  disableWatch: on("disable-watch", "Clients of --memcached may not watch it")
}

/** What the flags say. */
export interface MemcachedFlags {
  readonly protocol: "auto" | "binary" | "text"
  readonly authFile: string | undefined
  readonly udpPort: number | undefined
  readonly idleTimeout: number | undefined
  readonly disableEvictions: boolean
  readonly disableCas: boolean
  readonly enableShutdown: boolean
  readonly disableFlushAll: boolean
  readonly disableDumping: boolean
  readonly disableWatch: boolean
}

/** Who may sign in by a file of lines `user:password`, as memcached's option -Y has them. */
export const usersIn = (
  text: string
): ReadonlyArray<{ readonly name: string; readonly password: Redacted.Redacted<string> }> | undefined => {
  const lines = text.split(/\r?\n/).filter((line) => line !== "")
  if (lines.length === 0 || lines.some((line) => line.indexOf(":") < 1)) return undefined
  return lines.map((line) => {
    const end = line.indexOf(":")
    return { name: line.slice(0, end), password: Redacted.make(line.slice(end + 1)) }
  })
}

/** Who may sign in; nothing where nobody needs to. */
export const usersOf = (file: string | undefined): Effect.Effect<NonNullable<ReturnType<typeof usersIn>> | undefined, Failure> =>
  Effect.gen(function*() {
    if (file === undefined) return undefined
    const users = usersIn(yield* Effect.tryPromise({ try: () => readFile(file, "utf8"), catch: failureOfDefect }))
    return users ?? (yield* usage(`--auth-file ${file}: lines of user:password, at least one`))
  })

/** Starts a node that clients take for a memcached. */
export const memcachedNode = (
  options: MemcachedFlags & TlsFlags & UserFlags & {
    readonly host: string
    readonly port: number
    readonly unixSocket: string | undefined
    readonly maxItemSize: number
    readonly maxMemory: number | undefined
    readonly inspect: boolean
  },
  limit: { readonly maxConnections?: number }
): Personality =>
  Effect.gen(function*() {
    const { host, maxItemSize, maxMemory, port, protocol, unixSocket: path } = options
    if (path !== undefined && port !== 0) return yield* usage("give --port or --unix-socket, not both")
    const { idleTimeout, udpPort } = options
    if (udpPort !== undefined && (udpPort < 0 || udpPort > 65_535)) return yield* usage(`--udp-port ${udpPort}: there are ports 0 to 65535`)
    if (udpPort !== undefined && (path !== undefined || options.tlsCert !== undefined)) {
      return yield* usage("--udp-port goes neither with --unix-socket nor with TLS, of which UDP has none")
    }
    if (idleTimeout !== undefined && idleTimeout < 1) return yield* usage(`--idle-timeout ${idleTimeout}: a second or more`)
    const tls = yield* tlsOf(options)
    const password = yield* passwordOf(options)
    const listed = yield* usersOf(options.authFile)
    const users = options.user === undefined || password === undefined ? listed : [{ name: options.user, password }, ...listed ?? []]
    if (udpPort !== undefined && users !== undefined) return yield* usage("--udp-port: nobody can sign in over UDP, and here users must")
    const inspected = options.inspect ? yield* inspectLive(["memcached"]) : undefined
    const capture = inspected === undefined ? undefined : new ServerCapture([inspected.sink])
    const { serveMemcachedNode } = yield* Effect.promise(() => import("@wirewright/embedded"))
    const ended = Deferred.makeUnsafe<void>()
    const { datagrams, server } = yield* serveMemcachedNode({
      host,
      port,
      protocol,
      maxItemSize,
      ...limit,
      ...tls,
      ...path === undefined ? {} : { path },
      ...maxMemory === undefined ? {} : { maxMemory },
      ...udpPort === undefined ? {} : { udpPort },
      ...idleTimeout === undefined ? {} : { idleTimeout: Duration.seconds(idleTimeout) },
      evicts: !options.disableEvictions,
      ...users === undefined ? {} : { users },
      ...capture === undefined ? {} : { tap: capture },
      ...options.enableShutdown ? { onShutdown: () => Deferred.doneUnsafe(ended, Effect.void) } : {},
      versions: !options.disableCas,
      allows: { flush: !options.disableFlushAll, dump: !options.disableDumping, watch: !options.disableWatch }
    })
    if (capture !== undefined) capture.server = server.address
    const udp = datagrams === undefined ? {} : { udpPort: datagrams.port }
    return {
      address: server.address,
      port: server.port,
      ...udp,
      protocol: "memcached",
      ...inspected === undefined ? {} : { inspector: inspected.url },
      ended: Deferred.await(ended)
    }
  })
