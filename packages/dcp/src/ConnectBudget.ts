/**
 * How many attempts to connect a consumer makes, over all of its nodes: a bucket of tokens that fills slowly. Pure: times in milliseconds in,
 * waits out. A storm of resets empties it, and then attempts come at its pace whatever each node's own back-off says.
 */

/** Attempts that may be made. */
export class ConnectBudget {
  private readonly burst: number
  private readonly perSecond: number
  private tokens: number
  private at: number

  /**
   * @param burst attempts at once
   * @param perSecond attempts per second after those
   */
  constructor(burst: number, perSecond: number, now: number) {
    this.burst = burst
    this.perSecond = perSecond
    this.tokens = burst
    this.at = now
  }

  /** Takes one attempt; returns the milliseconds to wait before making it. */
  take(now: number): number {
    this.tokens = Math.min(this.burst, this.tokens + Math.max(0, now - this.at) / 1000 * this.perSecond)
    this.at = Math.max(this.at, now)
    this.tokens -= 1
    return this.tokens >= 0 ? 0 : Math.ceil(-this.tokens / this.perSecond * 1000)
  }
}

/** The wait before attempt `attempt` (from 1) of something that fails again and again: doubling, with up to a half taken off at random. */
export const backOff = (attempt: number, first: number, longest: number, random: () => number): number =>
  Math.min(longest, first * 2 ** Math.min(attempt - 1, 30)) * (1 - random() / 2)
