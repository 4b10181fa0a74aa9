/**
 * `wirewright proxy`: clients of the memcached binary protocol in front, a memcached or a Couchbase bucket behind.
 *
 * It says on stdout where it listens, and on stderr, when it ends, what it counted. What happens to a request is not here.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { exitCodes, Usage } from "./Failure.ts"
import { flush, line, say } from "./Output.ts"
import { ProxyCapture } from "./ProxyCapture.ts"

const parameters = {
  listen: Flag.String("listen").pipe(
    Flag.withDescription("HOST:PORT to listen on; port 0: any free one"),
    Flag.withDefault("127.0.0.1:0")
  ),
  upstream: Flag.String("upstream").pipe(
    Flag.withDescription("memcached://HOST:PORT or couchbase://USER:PASSWORD@HOST:PORT/BUCKET; default: the variable WIREWRIGHT_UPSTREAM"),
    Flag.optional
  ),
  connections: Flag.Int("connections").pipe(Flag.withDescription("Connections to a memcached"), Flag.withDefault(2)),
  capture: Flag.String("capture").pipe(Flag.withDescription("Write what goes through to this pcapng file"), Flag.optional)
}

/** Reads `HOST:PORT`, `[::1]:PORT` or `:PORT`. */
const listenOf = (text: string): Effect.Effect<{ readonly host: string; readonly port: number }, Usage> => {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) return Effect.fail(new Usage({ message: `--listen ${text}: expected HOST:PORT` }))
  return Effect.succeed({ host: bracketed ?? (plain === "" || plain === undefined ? "127.0.0.1" : plain), port })
}

const drainTime = "5 seconds"

const opened = (path: string): Effect.Effect<ProxyCapture, Usage, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => new ProxyCapture(path),
      catch: (error) => new Usage({ message: `--capture ${path}: ${(error as Error).message}` })
    }),
    (capture) => Effect.sync(() => capture.close())
  )

const run = Effect.fnUntraced(function*(options: {
  readonly listen: string
  readonly upstream: Option.Option<string>
  readonly connections: number
  readonly capture: Option.Option<string>
}) {
  const listen = yield* listenOf(options.listen)
  const upstream = Option.getOrElse(options.upstream, () => process.env["WIREWRIGHT_UPSTREAM"] ?? "")
  if (upstream === "") return yield* new Usage({ message: "say what is behind the proxy: --upstream memcached://HOST:PORT" })
  if (options.connections < 1 || options.connections > 1_024) {
    return yield* new Usage({ message: `--connections ${options.connections}: from 1 to 1024` })
  }
  const capture = Option.isNone(options.capture) ? undefined : yield* opened(options.capture.value)
  const { serve } = yield* Effect.promise(() => import("@wirewright/proxy/Proxy"))
  const proxy = yield* serve({ listen, upstream, connections: options.connections, ...(capture === undefined ? {} : { tap: capture }) })
  if (capture !== undefined) capture.server = proxy.address
  // the last to be added is the first to run: requests under way are answered while everything still stands
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.ignore(Effect.timeout(proxy.drain, drainTime)),
      Effect.sync(() => say(JSON.stringify({ counters: proxy.counters })))
    )
  )
  line(JSON.stringify({ ready: true, address: proxy.address, port: proxy.port, protocol: "memcached" }))
  yield* Effect.promise(flush)
  return yield* Effect.never
})

/** The command. */
export const proxyCommand = Command.make("proxy", parameters, (options) =>
  Effect.scoped(run(options)).pipe(
    Effect.catchTag(["ConnectionError", "BootstrapError", "InvalidTarget"], (error) => Effect.fail(new Usage({ message: error.message })))
  )).pipe(
    Command.withShortDescription("Stand between memcached clients and a memcached or a Couchbase bucket"),
    Command.withDescription(
      "Proxy: clients of the memcached binary protocol in front, a memcached or a Couchbase bucket behind. When it listens it prints a line "
        + "of JSON on stdout: {\"ready\":true,\"address\":\"127.0.0.1:PORT\",…}. On SIGINT and SIGTERM it answers what is under way, prints "
        + `what it counted on stderr, and ends. A password in the arguments is seen by others on the machine; WIREWRIGHT_UPSTREAM is not.\n\n  ${exitCodes}`
    ),
    Command.withExamples([
      {
        command: "wirewright proxy --listen 127.0.0.1:11311 --upstream memcached://127.0.0.1:11211",
        description: "In front of a memcached"
      },
      {
        command: "wirewright proxy --listen :11311 --upstream couchbase://app:secret@127.0.0.1:11210/default --capture seen.pcapng",
        description: "A bucket for memcached clients, written down for Wireshark"
      }
    ])
  )
