/**
 * How long to wait before the next attempt to connect: longer after each failure, never longer than the cap, and never exactly as long as
 * all others that lost the same server.
 *
 * It decides when, not whether an error is worth another attempt.
 */
import * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"

/** Options of the policy. */
export interface ReconnectOptions {
  /** Wait before the first attempt. Default: 50 ms. */
  readonly initialDelay?: Duration.Input
  /** What each wait is multiplied by for the next one. Default: 2. */
  readonly factor?: number
  /** Longest wait. Default: 5 seconds. Jitter is added to it. */
  readonly maxDelay?: Duration.Input
  /** Makes waits up to a fifth shorter or longer. Default: yes. */
  readonly jitter?: boolean
  /** Most attempts in a row that fail. Default: no limit. */
  readonly maxAttempts?: number
}

/** A connection that lived at least this long was one: the waits begin anew after it. */
export const stableAfter = Duration.seconds(1)

/** The waits between attempts. Outputs the wait before jitter. */
export const reconnectSchedule = (options: ReconnectOptions = {}): Schedule.Schedule<Duration.Duration> => {
  const initial = Duration.toMillis(options.initialDelay ?? "50 millis")
  const cap = Duration.toMillis(options.maxDelay ?? "5 seconds")
  const capped = Schedule.min([Schedule.exponential(initial, options.factor ?? 2), Schedule.spaced(cap)])
  const spread = options.jitter === false ? capped : Schedule.jittered(capped)
  return options.maxAttempts === undefined ? spread : Schedule.upTo(spread, { times: options.maxAttempts })
}
