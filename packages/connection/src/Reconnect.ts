/**
 * When to connect again: at once after a connection that lasted; after failures later each time, never later than the cap, and never exactly
 * when all others do that lost the same server.
 *
 * Pure, and the same for all protocols: times and chance are given. Whether an error is worth another attempt is the caller's knowledge.
 */
import * as Duration from "effect/Duration"

/** Options of the policy. */
export interface ReconnectOptions {
  /** Wait after the first failure. Default: 50 ms. */
  readonly initialDelay?: Duration.Input
  /** What each wait is multiplied by for the next one. Default: 2. */
  readonly factor?: number
  /** Longest wait. Default: 5 seconds. Jitter is added to it. */
  readonly maxDelay?: Duration.Input
  /** Makes waits up to a fifth shorter or longer. Default: yes. */
  readonly jitter?: boolean
  /** Most attempts to connect again in a row without a connection that lasts; 0 is none at all. Default: no limit. */
  readonly maxAttempts?: number
}

/** The policy; waits are milliseconds. */
export interface ReconnectPolicy {
  readonly initialDelay: number
  readonly factor: number
  readonly maxDelay: number
  readonly jitter: boolean
  readonly maxAttempts: number
}

/** The policy unless options say otherwise. */
export const defaultReconnect: ReconnectPolicy = { initialDelay: 50, factor: 2, maxDelay: 5_000, jitter: true, maxAttempts: Infinity }

/** The policy that options describe. */
export const reconnectPolicy = (
  { factor, initialDelay, jitter, maxAttempts, maxDelay }: ReconnectOptions = {},
  defaults: ReconnectPolicy = defaultReconnect
): ReconnectPolicy => ({
  initialDelay: initialDelay === undefined ? defaults.initialDelay : Duration.toMillis(initialDelay),
  factor: factor ?? defaults.factor,
  maxDelay: maxDelay === undefined ? defaults.maxDelay : Duration.toMillis(maxDelay),
  jitter: jitter ?? defaults.jitter,
  maxAttempts: maxAttempts ?? defaults.maxAttempts
})

/** A connection that was open for so many milliseconds lasted: the waits begin anew after it. */
export const stableAfter = 1_000

/** The attempts to connect to one peer. Times are milliseconds of any clock that only goes forward. */
export class Attempts {
  private readonly policy: ReconnectPolicy
  /** Attempts in a row that failed, or whose connection did not last. */
  failures = 0
  /** Attempts since the last connection that lasted, that one included. */
  made = 0
  private openedAt: number | undefined
  private endedAt = 0

  constructor(policy: ReconnectPolicy = defaultReconnect) {
    this.policy = policy
  }

  /** Whether there are no more. */
  get exhausted(): boolean {
    return this.made > this.policy.maxAttempts
  }

  /**
   * Takes the next attempt. Returns how long to wait before it, or nothing when there are no more.
   *
   * @param chance a number from [0, 1)
   */
  next(now: number, chance: number): number | undefined {
    const { factor, initialDelay, jitter, maxDelay } = this.policy
    if (this.exhausted) return undefined
    this.made++
    if (this.failures === 0 || initialDelay === 0) return 0
    const delay = Math.min(maxDelay, initialDelay * factor ** (this.failures - 1))
    return Math.max(0, this.endedAt + (jitter ? delay * (0.8 + 0.4 * chance) : delay) - now)
  }

  /** The attempt has led to a connection. */
  opened(now: number): void {
    this.openedAt = now
  }

  /** The attempt has failed, or its connection is gone. */
  ended(now: number): void {
    if (this.openedAt !== undefined && now - this.openedAt >= stableAfter) {
      this.failures = 0
      this.made = 1
    } else this.failures++
    this.openedAt = undefined
    this.endedAt = now
  }

  /** Whoever connects next has nothing to do with what was before. */
  reset(): void {
    this.failures = this.made = 0
    this.openedAt = undefined
  }
}
