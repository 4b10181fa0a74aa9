/**
 * Whether a server of several is there, as far as is known: a few failures in a row eject it, and it comes back when a probe is answered.
 *
 * Pure: times are given, milliseconds of any clock that only goes forward. What is sent to whom is not decided here.
 */
import { stableAfter } from "@wirewright/connection"

/** When a server is ejected, and when it is asked whether it is back. */
export interface HealthPolicy {
  /** Failures in a row that eject a server. */
  readonly failureLimit: number
  /** Wait between probes of a server that is ejected. */
  readonly retryTimeout: number
}

/**
 * What is known of one server. Failures are connections that are lost, attempts to connect that fail, and requests without an answer; what was
 * in flight together fails together, and counts once. An answer ends the row, as does a connection that lasted.
 */
export class ServerHealth {
  /** Requests should go elsewhere. */
  ejected = false
  private readonly policy: HealthPolicy
  private failures = 0
  private failedAt = -Infinity
  private openedAt: number | undefined
  private retryAt = Infinity

  constructor(policy: HealthPolicy) {
    this.policy = policy
  }

  /** A connection is there. Only an answer shows that the server is. */
  connected(now: number): void {
    this.openedAt ??= now
  }

  /** The last connection there was is gone. Returns whether that ejects the server. */
  lost(now: number): boolean {
    if (this.openedAt !== undefined && now - this.openedAt >= stableAfter) this.failures = 0
    this.openedAt = undefined
    return this.failed(now)
  }

  /** An attempt to connect failed while there is no connection. Returns whether that ejects the server. */
  refused(now: number): boolean {
    return this.failed(now)
  }

  /** A request was not answered in time. Returns whether that ejects the server. */
  unanswered(sentAt: number, now: number): boolean {
    return sentAt >= this.failedAt && this.failed(now)
  }

  /** A request was answered, with whatever. */
  answered(): void {
    this.failures = 0
  }

  /** Milliseconds until the next probe of a server that is ejected. */
  retryIn(now: number): number {
    return Math.max(0, this.retryAt - now)
  }

  /** A probe of a server that is ejected has ended: with an answer, it is back. */
  probed(answered: boolean, now: number): void {
    if (!answered) {
      this.retryAt = now + this.policy.retryTimeout
      return
    }
    this.ejected = false
    this.failures = 0
    this.retryAt = Infinity
  }

  private failed(now: number): boolean {
    this.failures++
    this.failedAt = now
    if (this.ejected || this.failures < this.policy.failureLimit) return false
    this.ejected = true
    this.retryAt = now + this.policy.retryTimeout
    return true
  }
}
