/** Keeps the status line of a terminal up to date with a change stream. What it says is `StatusLine`'s. */
import type { DcpConsumer } from "@wirewright/dcp"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import type { StreamView } from "./StatusLine.ts"
import { showStatus } from "./Output.ts"

/** Milliseconds between two looks. */
const pace = 500
/** Looks that the rate is over. */
const looks = 6

/** Whether there is a terminal that a status line can stand on. */
export const terminalBelow = (): boolean => process.stderr.isTTY === true && process.env["TERM"] !== "dumb"

/** Remembers the last log line. */
export class LastSaid {
  line: StreamView["last"]
  /** Hears the log lines, beside whoever hears them anyway. */
  readonly layer: Layer.Layer<never> = Logger.layer([
    Logger.map(Logger.formatStructured, ({ message, timestamp }) => {
      this.line = { text: Array.isArray(message) ? message.join(" ") : String(message), at: Date.parse(timestamp) }
    })
  ], { mergeWithExisting: true })
}

/** Shows that servers are waited for, until a consumer's line takes its place, or the scope closes. */
export const showConnecting = (url: string): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { connectingLine } = yield* Effect.promise(() => import("./StatusLine.ts"))
    yield* Effect.acquireRelease(
      Effect.sync(() => showStatus(connectingLine(url, process.stderr.columns ?? 80))),
      () => Effect.sync(() => showStatus(""))
    )
  })

/** Shows how a consumer does, twice a second, as long as the scope is open; nothing is left of it then. */
export const showStream = (consumer: DcpConsumer, said: LastSaid): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { statusLine } = yield* Effect.promise(() => import("./StatusLine.ts"))
    const counts: Array<{ readonly at: number; readonly events: number }> = []
    let since: number | undefined
    const show = Effect.map(Clock.currentTimeMillis, (now) => {
      const { connections, events, lag, rollbacks, streaming, vbuckets } = consumer.status
      counts.push({ at: now, events })
      if (counts.length > looks) counts.shift()
      const [first] = counts
      const problems = consumer.notReady
      since = problems.length === 0 ? undefined : since ?? now
      const view: StreamView = {
        vbuckets,
        streaming,
        events,
        rate: now === first!.at ? 0 : (events - first!.events) / (now - first!.at) * 1000,
        lag,
        ahead: connections.reduce((sum, { outstanding }) => sum + outstanding, 0),
        rollbacks,
        problems,
        since,
        last: said.line
      }
      showStatus(statusLine(view, process.stderr.columns ?? 80, now))
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => showStatus("")))
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(show, Effect.sleep(pace))))
  })
