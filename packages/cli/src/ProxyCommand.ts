/**
 * `wirewright proxy`: clients of memcached in front, whichever of its protocols they speak, a memcached or a Couchbase bucket behind.
 *
 * It says on stdout where it listens, and on stderr, when it ends, what it counted. What happens to a request is not here.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { type Failure, failureOf, failureOfDefect, usage } from "./Failure.ts"
import { jsonFlag, optional, withDefault } from "./Flags.ts"
import { maxConnectionsOf, maxConnectionsParameter, placeIn, type TlsFlags, tlsOf, tlsParameters } from "./ListenFlags.ts"
import { metricsParameter, serveMetrics } from "./MetricsFlag.ts"
import { untilTold } from "./UntilTold.ts"
import type { Listen } from "@wirewright/proxy"
import { moreLog } from "./Messages.ts"
import { flush, line, say } from "./Output.ts"
import { usersOf } from "./ServeMemcached.ts"
import { type CaptureSink, fileSink, ServerCapture } from "./ConnectionCapture.ts"
import { inspectLive, inspectParameter } from "./InspectFlag.ts"

const parameters = {
  listen: withDefault(Flag.String("listen"), "HOST:PORT to listen on, port 0: any free one; or unix:PATH", "127.0.0.1:0"),
  upstream: optional(
    Flag.String("upstream"),
    "memcached://HOST:PORT, memcached+unix:///PATH, both with ?protocol=auto, meta, text or binary; or couchbase://USER:PASSWORD@HOST:PORT/BUCKET",
    "the variable WIREWRIGHT_UPSTREAM"
  ),
  ...tlsParameters,
  authFile: optional(Flag.String("auth-file"), "A file of lines user:password; clients must then sign in", "nobody needs to"),
  maxConnections: maxConnectionsParameter("10000"),
  connections: withDefault(Flag.Int("connections"), "Connections to a memcached", 2),
  capture: optional(Flag.String("capture"), "Write what goes through to this pcapng file", "none"),
  inspect: inspectParameter,
  metrics: metricsParameter,
  json: jsonFlag("The line of JSON on stdout, as without it")
}

/** Reads `HOST:PORT`, `[::1]:PORT`, `:PORT` or `unix:PATH`. */
const listenOf = (text: string): Effect.Effect<Pick<Listen, "host" | "port" | "path">, Failure> => {
  const [, path] = /^unix:(.+)$/.exec(text) ?? []
  if (path !== undefined) return Effect.succeed({ path })
  const place = placeIn(text)
  return place === undefined ? Effect.fail(usage(`--listen ${text}: expected HOST:PORT or unix:PATH`)) : Effect.succeed(place)
}

const drainTime = "5 seconds"

const opened = (path: string | undefined, inspected: CaptureSink | undefined): Effect.Effect<ServerCapture, Failure, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => new ServerCapture([...path === undefined ? [] : [fileSink(path)], ...inspected === undefined ? [] : [inspected]]),
      catch: failureOfDefect
    }),
    (capture) => Effect.sync(() => capture.close())
  )

const run = Effect.fnUntraced(function*(
  options: TlsFlags & {
    readonly listen: string
    readonly upstream: string | undefined
    readonly authFile: string | undefined
    readonly maxConnections: number | undefined
    readonly connections: number
    readonly capture: string | undefined
    readonly inspect: boolean
    readonly metrics: string | undefined
  }
) {
  const limit = yield* maxConnectionsOf(options.maxConnections)
  const listen = { ...yield* listenOf(options.listen), ...yield* tlsOf(options), ...limit }
  const upstream = options.upstream ?? process.env["WIREWRIGHT_UPSTREAM"] ?? ""
  if (upstream === "") return yield* usage("say what is behind the proxy: --upstream memcached://HOST:PORT")
  if (options.connections < 1 || options.connections > 1_024) {
    return yield* usage(`--connections ${options.connections}: from 1 to 1024`)
  }
  const users = yield* usersOf(options.authFile)
  const { address: metrics, started } = yield* serveMetrics(options.metrics)
  const inspected = options.inspect ? yield* inspectLive(["memcached"]) : undefined
  const capture = options.capture === undefined && inspected === undefined ? undefined : yield* opened(options.capture, inspected?.sink)
  const { serveProxy } = yield* Effect.promise(() => import("@wirewright/proxy"))
  const { passwordCheck } = yield* Effect.promise(() => import("@wirewright/embedded/internal"))
  const proxy = yield* serveProxy({
    listen,
    upstream,
    connections: options.connections,
    ...(users === undefined ? {} : { authenticate: passwordCheck(users) }),
    ...(capture === undefined ? {} : { tap: capture })
  })
  if (capture !== undefined) capture.server = proxy.address
  // the last to be added is the first to run: requests under way are answered while everything still stands
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.ignore(Effect.timeout(proxy.drain, drainTime)),
      Effect.sync(() => say(JSON.stringify({ counters: proxy.counters })))
    )
  )
  yield* started
  line(
    JSON.stringify({
      ready: true,
      address: proxy.address,
      port: proxy.port,
      protocol: "memcached",
      ...metrics === undefined ? {} : { metrics },
      ...inspected === undefined ? {} : { inspector: inspected.url }
    })
  )
  yield* Effect.promise(flush)
  return yield* Effect.never
})

/** The command. */
export const proxyCommand = Command.make("proxy", parameters, (options) =>
  Effect.scoped(untilTold(run(options))).pipe(
    Effect.catchTag(["ConnectionError", "BootstrapError", "InvalidTarget"], (error) => Effect.fail(failureOf(error))),
    moreLog("Info")
  )).pipe(
    Command.withShortDescription("Stand between memcached clients and a memcached or a Couchbase bucket"),
    Command.withDescription(
      "Proxy: clients of memcached in front, a memcached or a Couchbase bucket behind. The first byte of a connection says what its client "
        + "speaks: text and meta commands, or binary packets. A memcached behind is asked by meta commands, and by binary packets for clients of "
        + "these; where it does not take both, by what it takes. When it listens it prints a line "
        + "of JSON on stdout: {\"ready\":true,\"address\":\"127.0.0.1:PORT\",…}. On SIGINT and SIGTERM it answers what is under way, prints "
        + "what it counted on stderr, and ends. While it runs it says on stderr when the upstream is lost and found again. "
        + "watch and shutdown do not pass, and a bucket refuses what it cannot do in words. "
        + "A password in the arguments is seen by others on the machine; WIREWRIGHT_UPSTREAM is not."
    ),
    Command.withExamples([
      {
        command: "wirewright proxy --listen 127.0.0.1:11311 --upstream memcached://127.0.0.1:11211",
        description: "In front of a memcached"
      },
      {
        command: "wirewright proxy --listen unix:/run/cache.sock --upstream memcacheds://cache.example.com:11211 --auth-file users",
        description: "TLS for clients that have none, who sign in"
      },
      {
        command: "wirewright proxy --listen :11311 --upstream couchbase://app:secret@127.0.0.1:11210/default --capture seen.pcapng",
        description: "A bucket for memcached clients, written down for Wireshark"
      }
    ])
  )
