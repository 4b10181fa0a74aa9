/** `--metrics`: the management endpoint of commands that run until they are told to end, for probes, operators and Prometheus. */
import type * as Scope from "effect/Scope"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Flag from "effect/cli/Flag"
import { type Failure, usage } from "./Failure.ts"
import { optional } from "./Flags.ts"
import { placeIn } from "./ListenFlags.ts"

/** The flag. */
export const metricsParameter = optional(
  Flag.String("metrics"),
  "PORT on 127.0.0.1, or HOST:PORT for probes from elsewhere, of /health, /status and /metrics, which whoever reaches it can read; port 0: any "
    + "free one, which is said",
  "there is none"
)

/** Where the flag says; nothing without it. */
export const metricsPlace = (
  given: string | undefined
): Effect.Effect<{ readonly host: string; readonly port: number } | undefined, Failure> => {
  if (given === undefined) return Effect.undefined
  const text = /^\d+$/.test(given) ? `:${given}` : given
  const place = placeIn(text)
  if (place !== undefined) return Effect.succeed(place)
  return Effect.fail(
    usage(`--metrics ${given}: ${/^(.*:)?\d+$/.test(given) ? "there are ports 0 to 65535" : "expected PORT or HOST:PORT"}`)
  )
}

/** Serves health, status and metrics of this process; says at which `host:port`. */
export const serveMetrics = Effect.fnUntraced(
  function*(given: string | undefined): Effect.fn.Return<string | undefined, Failure, Scope.Scope> {
    const place = yield* metricsPlace(given)
    if (place === undefined) return undefined
    const { layer, Operations } = yield* Effect.promise(() => import("@wirewright/connection/Operations"))
    const services = yield* Effect.mapError(
      Layer.build(layer(place)),
      ({ cause }) => usage(`--metrics ${given}: ${cause instanceof Error ? cause.message : String(cause)}`)
    )
    const { host, port } = Context.get(services, Operations)
    const { hostPort } = yield* Effect.promise(() => import("@wirewright/connection"))
    return hostPort(host, port)
  }
)
