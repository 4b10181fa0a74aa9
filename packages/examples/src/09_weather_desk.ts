/**
 * A desk that answers questions on the weather: what was looked up is cached, everybody may ask three times a minute, and reports that take longer go
 * through a queue. Effect's own interfaces; where they keep their data is a layer, here memcached or Couchbase, which other processes share.
 *
 *     node 09_weather_desk.ts memcached://127.0.0.1:11211
 *     node 09_weather_desk.ts couchbase://user:password@127.0.0.1/default
 */
import { KvClient as CouchbaseClient } from "@wirewright/couchbase"
import * as OverCouchbase from "@wirewright/couchbase/persistence"
import { KvClient } from "@wirewright/memcached"
import * as OverMemcached from "@wirewright/memcached/persistence"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Persistable from "effect/persistence/Persistable"
import * as PersistedCache from "effect/persistence/PersistedCache"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

/** A question: what the weather in a city is. */
class Weather extends Persistable.Class<{ payload: { city: string } }>()("Weather", {
  primaryKey: ({ city }) => city,
  success: Schema.Struct({ degrees: Schema.Int })
}) {}

/** Looks out of the window, which takes a while. */
const lookOut = ({ city }: Weather) => Effect.delay(Effect.succeed({ degrees: city.length }), "50 millis")

/** What the desk says in its first seconds. */
export const desk = Effect.gen(function*() {
  const lines: Array<string> = []
  let lookedUp = 0
  const weather = yield* PersistedCache.make(
    (question: Weather) => Effect.tap(lookOut(question), () => Effect.sync(() => lookedUp++)),
    { storeId: "weather", timeToLive: () => "2 seconds", inMemoryTTL: () => 0 }
  )
  const limiter = yield* RateLimiter.RateLimiter
  const reports = yield* PersistedQueue.make({
    name: "reports",
    schema: Schema.Struct({ city: Schema.String }),
    retrySchedule: Schedule.spaced("500 millis")
  })

  /** Answers somebody, unless he asks too often. */
  const ask = (who: string, city: string) =>
    limiter.consume({ key: who, limit: 3, window: "1 minute" }).pipe(
      Effect.andThen(weather.get(new Weather({ city }))),
      Effect.map(({ degrees }) => `${who}: ${city} has ${degrees} degrees`),
      Effect.catchReason("RateLimiterError", "RateLimitExceeded", ({ retryAfter }) =>
        Effect.succeed(`${who}: not before ${Math.ceil(Duration.toMinutes(retryAfter))} min`))
    )

  for (const city of ["Oslo", "Rome", "Oslo", "Rome"]) lines.push(yield* ask("ann", city))
  lines.push(yield* ask("bob", "Oslo"))
  lines.push(`looked out ${lookedUp} times`)
  yield* Effect.sleep("2001 millis")
  lines.push(yield* ask("bob", "Oslo"))
  lines.push(`looked out ${lookedUp} times`)

  // asked for twice, written once; the first attempt fails
  yield* reports.offer({ city: "Lima" }, { id: "today/Lima" })
  yield* reports.offer({ city: "Lima" }, { id: "today/Lima" })
  const write = reports.take(({ city }, { attempts }) =>
    attempts === 1 ? Effect.fail("out of ink" as const) : Effect.succeed(`report on ${city}, attempt ${attempts}`)
  )
  lines.push(yield* Effect.retry(write, { times: 3 }))
  return lines
}).pipe(Effect.scoped)

const interfaces = [RateLimiter.layer, PersistedQueue.layer] as const

/** Everything the desk needs, in memcached; without `-M` a report may be evicted. */
export const inMemcached = Layer.mergeAll(...interfaces).pipe(
  Layer.provideMerge(Layer.mergeAll(
    OverMemcached.layerPersistence({ prefix: "desk:" }),
    OverMemcached.layerRateLimiterStore({ prefix: "desk:limit:" }),
    OverMemcached.layerPersistedQueueStore({ prefix: "desk:queue:" })
  ))
)

/** Everything the desk needs, in a bucket of Couchbase. */
export const inCouchbase = Layer.mergeAll(...interfaces).pipe(
  Layer.provideMerge(Layer.mergeAll(
    OverCouchbase.layerPersistence({ prefix: "desk:" }),
    OverCouchbase.layerRateLimiterStore({ prefix: "desk:limit:" }),
    OverCouchbase.layerPersistedQueueStore({ prefix: "desk:queue:" })
  ))
)

/** The desk at a URL. */
const at = (url: string): Layer.Layer<Layer.Success<typeof inMemcached>, unknown> => {
  const { hostname, port, protocol } = new URL(url)
  return protocol === "memcached:"
    ? Layer.provide(inMemcached, KvClient.layer({ host: hostname, port: Number(port === "" ? 11211 : port) }))
    : Layer.provide(inCouchbase, CouchbaseClient.layerUrl(url))
}

if (process.argv[1]?.includes("09_weather_desk") === true) {
  const url = process.argv[2] ?? process.env["WIREWRIGHT_URL"] ?? "memcached://127.0.0.1:11211"
  await Effect.runPromise(Effect.flatMap(Effect.provide(desk, at(url)), (lines) => Console.log(lines.join("\n"))))
}
